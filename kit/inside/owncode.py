"""A network made by the user's own code: its function is found and called, and its errors become one sentence.

The code is a file, a package, or a file in a folder (which then is the place that its imports start from). It runs in
the locked-down container of the step, without a network.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

from .protocol import UserError, oneline

__all__ = ["call", "find_function", "refuse_error"]

_LINES = "Correct your code; the same command with -v shows the traceback."


def find_function(build: str, path: str) -> Callable[..., Any]:
    """The function that `build` names, in the code at `path`.

    Args:
        build: ``my_model.py:build``, ``my_package.nets:build``, ``src/my_model.py:build``.
        path: the file or folder: ``my_model.py``, ``my_package``, ``src``, wherever it is now.

    Raises:
        UserError: no such file, module or function; an import that is missing; an error of the code itself.
    """
    place, _, name = build.partition(":")
    place = place.removeprefix("./")
    try:
        module = _from_file(place, path) if place.endswith(".py") else _from_package(place, path)
    except UserError:
        raise
    except BaseException as error:  # noqa: BLE001 - it is the user's code: it may raise anything, SystemExit included
        refuse_error(error, path, "is imported")
    function = getattr(module, name, None)
    if not callable(function):
        there = sorted(key for key, value in vars(module).items() if callable(value) and not key.startswith("_"))
        has = f"; it has {', '.join(there[:5])}" if there else ""
        raise UserError(f"{place} has no function {name!r}{has}", "Correct model -> build of the recipe.", path)
    found: Callable[..., Any] = function
    return found


def call(function: Callable[..., Any], arguments: dict[str, Any], path: str) -> Any:
    """What `function` returns.

    Raises:
        UserError: it raises, needs a network, or wants other arguments.
    """
    try:
        return function(**arguments)
    except BaseException as error:  # noqa: BLE001 - as above
        refuse_error(error, path, "builds the network")


def _from_file(place: str, path: str) -> ModuleType:
    inner = place.partition("/")[2]  # of src/my_model.py the folder src is mounted
    file = os.path.join(path, inner) if inner else path
    if not os.path.isfile(file):
        raise UserError(f"there is no such file as {place}", "Correct model -> build of the recipe.", file, "missing")
    if inner:
        sys.path[:0] = dict.fromkeys((os.path.dirname(file), path))
    name = os.path.basename(file).removesuffix(".py")
    loader = importlib.machinery.SourceFileLoader(name, file)
    spec = importlib.util.spec_from_loader(name, loader)
    return _loaded(spec)


def _from_package(place: str, path: str) -> ModuleType:
    name, _, inner = place.replace("/", ".").partition(".")
    start = os.path.join(path, "__init__.py")
    if not os.path.isdir(path):
        raise UserError(f"there is no package {name}", "Correct model -> build of the recipe.", path, "missing")
    # By its path and not through sys.path: in a container the folder has another name.
    if os.path.isfile(start):
        spec = importlib.util.spec_from_file_location(name, start, submodule_search_locations=[path])
    else:
        spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [path]
    module = _loaded(spec)
    return importlib.import_module(f"{name}.{inner}") if inner else module


def _loaded(spec: importlib.machinery.ModuleSpec | None) -> ModuleType:
    assert spec is not None  # noqa: S101 - a loader was given
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    if spec.loader is not None:
        spec.loader.exec_module(module)
    return module


def refuse_error(error: BaseException, path: str, when: str, remedy: str = _LINES) -> NoReturn:
    """Tell an error of the user's code in one sentence.

    Raises:
        UserError: it, with the line; an interruption and what is no error of the code stay what they are.
    """
    stopped = isinstance(error, SystemExit) and error.code == 128 + signal.SIGTERM
    if stopped or isinstance(error, KeyboardInterrupt | MemoryError | UserError):
        raise error
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in chain:
        chain.append(one)
        one = one.__cause__ or one.__context__
    traceback.print_exception(error)
    where = _place(error, path)
    if any(_is_network(one) for one in chain):
        what = f"the code needs a network while it {when}, and the container has none"
        raise UserError(what, "Let it build the network only: the weights come from the recipe.", where)
    if isinstance(error, ModuleNotFoundError):
        what = f"the code imports {error.name!r}, which is not there"
        remedy = (
            "Pin its package in a requirements file and name that under model -> requirements; "
            "if it is a file of yours, put all into one folder and write build: FOLDER/FILE.py:FUNCTION."
        )
        raise UserError(what, remedy, where, "missing")
    if "no known parent package" in str(error):
        remedy = "Name the module in its package: build: FOLDER.MODULE:FUNCTION."
    raise UserError(f"the code fails while it {when}: {type(error).__name__}: {oneline(error)}", remedy, where)


def _is_network(error: BaseException) -> bool:
    import socket
    import urllib.error

    known = (socket.gaierror, urllib.error.URLError, ConnectionError, TimeoutError)
    names = {"OfflineModeIsEnabled", "LocalEntryNotFoundError", "MaxRetryError", "ConnectError", "ProxyError"}
    return isinstance(error, known) or type(error).__name__ in names


def _place(error: BaseException, path: str) -> str:
    """``file:line`` of the last of the user's own lines that led to the error."""
    own = os.path.realpath(path)
    place = path
    for frame in traceback.extract_tb(error.__traceback__):
        if os.path.realpath(frame.filename).startswith(own):
            place = f"{frame.filename}:{frame.lineno}"
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{error.filename}:{error.lineno}"
    return place

"""The Jinja environment of the report: values are escaped by `finalize`, compiled templates are kept between runs."""

from __future__ import annotations

import os
import stat
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined, pass_context
from jinja2.bccache import Bucket
from jinja2.runtime import Context

from kit.output.fonts import MONOSPACE, SANS
from kit.resources import resource

__all__ = ["environment", "page_style", "render_page"]


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates on disk. Whatever is wrong with them, the templates are compiled again."""

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:  # noqa: BLE001 - a damaged cache raises whatever pickle and marshal can
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        try:
            super().dump_bytecode(bucket)
        except OSError:
            return  # no space: the next run compiles again


def _cache_folder() -> Path | None:
    """A folder of the user's, or None: compiled templates are code, so nobody else may write there."""
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(base) / "kit" / "templates"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = folder.lstat()
    except (OSError, RuntimeError):
        return None
    own = stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & 0o022
    return folder if own and folder.is_absolute() else None


@cache
def environment(folders: tuple[Path, ...] = ()) -> Environment:
    """Templates of kit, and of other packages after them."""

    @pass_context
    def finalize(context: Context, value: object) -> object:
        return context["out"].finalize(value)

    # The output is Markdown: `finalize` escapes every value that is not Safe.
    return _environment(resource("templates"), *folders, finalize=finalize)


def render_page(name: str, **values: Any) -> str:
    """An HTML page from its template; every value is escaped."""
    return _page_environment().get_template(name).render(values)


@cache
def _page_environment() -> Environment:
    return _environment(resource("templates") / "html", autoescape=True)


def _environment(*folders: Path, **more: Any) -> Environment:
    compiled = _cache_folder()
    return Environment(  # noqa: S701 - the callers say how values are escaped
        loader=FileSystemLoader(folders),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
        bytecode_cache=_Compiled(str(compiled)) if compiled else None,
        **more,
    )


def page_style() -> str:
    """The style of every page."""
    text = (resource("templates") / "html" / "style.css").read_text(encoding="utf-8").strip()
    return text.replace("@sans@", SANS).replace("@mono@", MONOSPACE)

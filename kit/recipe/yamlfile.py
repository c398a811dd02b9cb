"""Text in YAML as plain values, where every value is what a person meant by it.

YAML 1.1 reads ``010`` as 8, ``1:04`` as 64, ``no`` as false and ``2022-11-23`` as a date. Here a number is a decimal
number, ``true`` and ``false`` are the only truth values, and what could be read in two ways is refused with its line.
Aliases and merge keys are refused, too: a few lines of them could stand for gigabytes.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import yaml

from kit.terminal import shortened, visible
from kit.toollogs.numbers import MOST_DIGITS, finite

__all__ = ["DocumentError", "load_yaml"]

_PREFIX = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FRACTION = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|nan)\Z", re.IGNORECASE)
_QUOTES = "put it in quotes if it is a name or a text"


class DocumentError(ValueError):
    """It is not YAML, or holds what is not allowed here; the text is one sentence, with the line where it is known."""


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses what is not allowed here."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed here", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if key.tag == f"{_PREFIX}merge":
                _refuse(key, "merge keys (<<) are not allowed here")
            if not isinstance(key, yaml.ScalarNode):
                _refuse(key, "a key is one word, not a list or a mapping")
            name = str(self.construct_object(key))
            if name in seen:  # also 310 and "310", which are one target
                _refuse(key, f"the key {shortened(repr(name))} appears twice")
            seen.add(name)
        return super().construct_mapping(node, deep)

    def construct_whole(self, node: Any) -> int:
        text = str(self.construct_scalar(node))
        if not _WHOLE.match(text):
            _refuse(node, f"{shortened(text)} is not a decimal number: write it without leading zeros, or {_QUOTES}")
        if len(text) > MOST_DIGITS:
            _refuse(node, f"{shortened(text)} is a very large number: {_QUOTES}")
        return int(text)

    def construct_fraction(self, node: Any) -> float:
        text = str(self.construct_scalar(node))
        if _NOT_FINITE.match(text):
            return float(text.replace(".", ""))  # the setting refuses it, with its place
        if not _FRACTION.match(text):
            _refuse(node, f"{shortened(text)} is not a decimal number: {_QUOTES}")
        if not finite(float(text)):
            _refuse(node, f"{shortened(text)} is too large or too small for a number of a recipe")
        return float(text)

    def construct_date(self, node: Any) -> NoReturn:
        _refuse(node, f"{shortened(str(node.value))} is read as a date: put it in quotes")

    def construct_unknown(self, node: Any) -> NoReturn:
        _refuse(node, f"the tag {shortened(node.tag)} is not allowed here")


_Loader.add_constructor(f"{_PREFIX}int", _Loader.construct_whole)
_Loader.add_constructor(f"{_PREFIX}float", _Loader.construct_fraction)
_Loader.add_constructor(f"{_PREFIX}timestamp", _Loader.construct_date)
_Loader.add_constructor(None, _Loader.construct_unknown)
# yes, no, on and off are words.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{_PREFIX}bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(f"{_PREFIX}bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF"))


def load_yaml(data: bytes) -> Any:
    """The value of a document of a stranger.

    Raises:
        DocumentError: it is not UTF-8, not YAML, or holds what is not allowed here.
    """
    try:
        return yaml.load(data.decode("utf-8-sig"), Loader=_Loader)  # noqa: S506 - derived from SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = ", ".join(filter(None, (error.context, error.problem)))
        raise DocumentError(f"not valid YAML{line}: {shortened(visible(problem), 300)}") from error
    except UnicodeDecodeError as error:
        raise DocumentError("not text in UTF-8") from error
    except RecursionError as error:
        raise DocumentError("not valid YAML: it is nested too deep") from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError) as error:
        # Not only its own: PyYAML looks a `!!bool maybe` up.
        raise DocumentError("not valid YAML: a character or the value of a tag is not allowed") from error


def _refuse(node: Any, problem: str) -> NoReturn:
    raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)

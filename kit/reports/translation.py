"""What targets and measurements say about a run, in the language of a page: results hold it in English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

__all__ = ["translated"]


def translated(text: str, sentences: Mapping[str, str]) -> str:
    """``text`` in the words of a page; as it is, where the page has none for it.

    Args:
        text: a sentence of a results file.
        sentences: English sentence -> that of the page. ``{}`` stands for what differs, and the page's sentence may
            name it by its place.
    """
    for pattern, said in sentences.items():
        if found := _compiled(pattern).fullmatch(text):
            return said.format(*found.groups())
    return text


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # Atomic groups: a stranger's text is looked at once for each sentence, however often a part of it comes again.
    first, *rest = map(re.escape, pattern.split("{}"))
    return re.compile(first + "".join(f"(?>(.+?){part})" if part else "(.+)" for part in rest))

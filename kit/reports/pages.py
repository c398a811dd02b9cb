"""The pages of a report: its templates, and the whole as Markdown in one language."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from kit.recipe.schema import Recipe
from kit.reports.context import Report
from kit.reports.escaping import Safe, code, escape, fence, in_language, link, slug
from kit.reports.markup import unmarked
from kit.reports.outline import ReportSection, outline
from kit.reports.tables import Claim
from kit.reports.translation import translated
from kit.reports.writer import Writer
from kit.results.measurements import plain

__all__ = ["Pages", "document", "readme"]


class Pages:
    """The templates of one report in one language.

    Args:
        report: the report.
        language: ``zh`` or ``en``.
        folders: templates of other packages.
        deviations: whether the report has a page of corrections.
    """

    def __init__(self, report: Report, language: str, folders: tuple[Path, ...], *, deviations: bool) -> None:
        from kit.reports.templates import environment

        self.report = report
        self.language = language
        self._environment = environment(folders)
        self.words = self._words("words.j2", samples=report.item == "samples")
        self.title = self.words["title"].format(model=report.recipe.model.name)
        self.writer = Writer(report, self.words)
        self._variables = _variables(report, self.writer, deviations)

    def sections(self, plots: tuple[str, ...]) -> list[ReportSection]:
        """The outline."""
        return outline(self.report, self.words, self._titles, plots)

    def body(self, section: ReportSection) -> str:
        """The text below a heading."""
        if section.template is None:
            return ""
        folder, _, name = section.template.rpartition("/")
        variables = dict(section.variables)
        if "family" in variables:
            variables["family"] = self._family(variables["family"])
            sentences = {**self.words["remarks"], **self._titles(variables["family"]).get("remarks", {})}
            variables["remark"] = lambda *texts: self.words["semicolon"].join(
                translated(text, sentences) for text in texts
            )
        return self._render(f"{self._family(folder)}/{name}" if folder else name, variables)

    def notice(self) -> str:
        """What a reader must see first."""
        return self._render("notice", {})

    def _render(self, name: str, variables: Mapping[str, Any]) -> str:
        template = self._environment.get_template(f"{self.language}/{name}.md.j2")
        return template.render({**self._variables, **variables})

    def _titles(self, family: str) -> Mapping[str, Any]:
        """Headings of a family of toolchains; they may name the tools that its targets ran."""
        views = [view for view in self.report.targets if view.facts.family == family]
        tools = list(dict.fromkeys(view.tool for view in views if view.tool))
        return self._words(f"{self._family(family)}/titles.j2", tools=tools)

    def _words(self, name: str, **variables: object) -> Mapping[str, Any]:
        module: Any = self._environment.get_template(f"{self.language}/{name}").make_module(variables)
        words: Mapping[str, Any] = module.words
        return words

    def _family(self, family: str) -> str:
        """The folder of a family's templates: its own, or ``generic`` where nobody wrote one."""
        from jinja2 import TemplateNotFound

        try:
            self._environment.get_template(f"{self.language}/{family}/titles.j2")
        except TemplateNotFound:
            return "generic"
        return family


def document(pages: Pages, plots: tuple[str, ...]) -> str:
    """The whole report as Markdown, without contents; numbers have their ids."""
    sections = pages.sections(plots)
    parts = [f"# {escape(pages.title)}", pages.notice()]
    for section in sections:
        parts.append(f"{'#' * section.level} {section.heading}")
        if section.level == 2:
            children = [one for one in sections if one.number.startswith(f"{section.number}.")]
            parts.append("\n".join(f"- **[{escape(one.title)}](#{one.anchor})**" for one in children))
        parts.append(pages.body(section))
    return _tidy("\n\n".join(parts))


def readme(pages: Pages, plots: tuple[str, ...], text: str) -> str:
    """The published form of a :func:`document`: with contents below its title, and without ids of numbers."""
    heading, _, rest = unmarked(text).partition("\n")
    title = escape(pages.title)
    lines = ["\t" * (one.level - 1) + f"- [{one.heading}](#{one.anchor})" for one in pages.sections(plots)]
    return "\n".join([heading, "", f"- [{title}](#{slug(title)})", *lines, rest])


def _tidy(text: str) -> str:
    """One empty line at most between blocks, none at the ends; code blocks stay as they are."""
    done: list[str] = []
    closing: str | None = None
    for line in text.split("\n"):
        if closing is not None:
            done.append(line)
            closing = None if line == closing else closing
        elif line.strip() or (done and done[-1]):
            done.append(line.rstrip())
            ticks = line[: len(line) - len(line.lstrip("`"))]
            closing = ticks if len(ticks) >= 3 else None
    return "\n".join(done).strip("\n") + "\n"


def _scripts(recipe: Recipe) -> dict[str, list[str]]:
    """Command lines of the user's own programs before and after inference, where the task of the recipe has some."""
    settings = next(iter(recipe.task.values()), {})
    lines = {name: settings.get(name) for name in ("preprocess", "postprocess")}
    return {name: [shlex.join(words) for words in one] for name, one in lines.items() if isinstance(one, list)}


def _variables(report: Report, writer: Writer, deviations: bool) -> dict[str, Any]:
    """What the partials may use."""
    recipe = report.recipe
    words = writer.words
    published = recipe.published
    unmeasured = any(view.stated for view in report.targets)
    version = published.python or "3"
    published_views = [view.published for view in report.targets if view.published and not view.ran]
    toolchains = dict.fromkeys(figures.toolchain for figures in published_views if figures.toolchain)
    checks = [one for one in report.checks if not one.shown.simulated]
    return {
        "r": report,
        "recipe": recipe,
        "w": words,
        "out": writer,
        "code": code,
        "fence": fence,
        "link": link,
        "shell": lambda words: shlex.join(str(word) for word in words),
        "number": lambda value: Safe(plain(value)),
        "numbers": lambda values: Safe(words["list"].join(plain(value) for value in values)),
        "say": lambda text: in_language(text, words["language"]),
        "stated": report.has_published_scripts(report.targets),
        "stated_frameworks": [*toolchains, *(_constraints(published.frameworks) if unmeasured else [])],
        "stated_libraries": _constraints(published.libraries) if unmeasured else [],
        "wanted_toolchains": list(
            dict.fromkeys(view.facts.toolchain for view in report.targets if view.facts.toolchain)
        ),
        "pins": lambda pins: [f"{name}=={version}" for name, version in pins.items()],
        "python": f"python{version}",
        "pip": f"pip{version}",
        "kit_commands": [shlex.join(["kit", "reproduce", "--target", view.name]) for view in report.targets],
        "tensor_bytes": 4 * prod(recipe.input.shape),
        "b0": recipe.batches[0],
        "deviations": deviations,
        "scripts": _scripts(recipe),
        "check_sources": {one.shown.source for one in checks},
        "unmet": [f"{one.target} Top{one.k}" for one in checks if not one.met],
        "claim_line": lambda claim, first, last: _claim(claim, writer, first=first, last=last),
        "plot_alt": lambda name: escape(words[f"plot_{name.split('.')[0].split('-')[0]}"]),
    }


def _claim(claim: Claim, writer: Writer, *, first: bool, last: bool) -> Safe:
    words = writer.words["claim"]
    pattern = words["first" if first else "next"]
    start, _, end = pattern.partition("{times}")
    names = {"subject": escape(claim.subject), "other": escape(claim.other)}
    stop = words["stop" if last else "go_on"]
    return Safe(start.format(**names) + writer.number(claim.times) + end.format(**names) + stop)


def _constraints(pins: Mapping[str, str]) -> list[str]:
    return [f"{name} {version}" for name, version in pins.items()]

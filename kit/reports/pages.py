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
from kit.reports.writer import Writer
from kit.results.measurements import plain

__all__ = ["Pages", "document", "readme"]


class Pages:
    """Templates of one report, in all languages."""

    def __init__(self, report: Report, deviations: bool, folders: tuple[Path, ...]) -> None:
        from kit.reports.templates import environment

        self.report = report
        self.deviations = deviations
        self._environment = environment(folders)

    def words(self, language: str) -> Mapping[str, Any]:
        """Headings and table words of a language."""
        return self._words(f"{language}/words.j2", samples=self.report.recipe.preprocess is None)

    def titles(self, language: str, family: str) -> Mapping[str, Any]:
        """Headings of a family of toolchains in a language; they may name the tools that its targets ran."""
        views = [view for view in self.report.targets if view.facts.family == family]
        tools = list(dict.fromkeys(view.tool for view in views if view.tool))
        return self._words(f"{language}/{self.family(language, family)}/titles.j2", tools=tools)

    def _words(self, template: str, **variables: object) -> Mapping[str, Any]:
        module: Any = self._environment.get_template(template).make_module(variables)
        words: Mapping[str, Any] = module.words
        return words

    def family(self, language: str, family: str) -> str:
        """The folder of a family's templates: its own, or ``generic`` where nobody wrote one."""
        from jinja2 import TemplateNotFound

        try:
            self._environment.get_template(f"{language}/{family}/titles.j2")
        except TemplateNotFound:
            return "generic"
        return family

    def title(self, language: str) -> str:
        """The report's title as Markdown."""
        return escape(self.words(language)["title"].format(model=self.report.recipe.model.name))

    def sections(self, language: str, plots: tuple[str, ...]) -> list[ReportSection]:
        """The outline in a language."""
        return outline(self.report, self.words(language), lambda family: self.titles(language, family), plots)

    def body(self, language: str, section: ReportSection, writer: Writer) -> str:
        """The text below a heading."""
        if section.template is None:
            return ""
        folder, _, name = section.template.rpartition("/")
        path = f"{language}/{self.family(language, folder)}/{name}" if folder else f"{language}/{name}"
        variables = dict(section.variables)
        if "family" in variables:
            variables["family"] = self.family(language, variables["family"])
        template = self._environment.get_template(f"{path}.md.j2")
        return template.render({**_variables(self.report, writer, self.deviations), **variables})

    def notice(self, language: str, writer: Writer) -> str:
        """What a reader must see first."""
        template = self._environment.get_template(f"{language}/notice.md.j2")
        return template.render(_variables(self.report, writer, self.deviations))


def document(pages: Pages, language: str, plots: tuple[str, ...]) -> str:
    """The whole report in one language as Markdown, without contents; numbers have their ids."""
    writer = Writer(pages.report, pages.words(language))
    sections = pages.sections(language, plots)
    parts = [f"# {pages.title(language)}", pages.notice(language, writer)]
    for section in sections:
        parts.append(f"{'#' * section.level} {section.heading}")
        if section.level == 2:
            children = [one for one in sections if one.number.startswith(f"{section.number}.")]
            parts.append("\n".join(f"- **[{escape(one.title)}](#{one.anchor})**" for one in children))
        parts.append(pages.body(language, section, writer))
    return _tidy("\n\n".join(parts))


def readme(pages: Pages, language: str, plots: tuple[str, ...], text: str) -> str:
    """The published form of a :func:`document`: with contents below its title, and without ids of numbers."""
    heading, _, rest = unmarked(text).partition("\n")
    title = pages.title(language)
    lines = ["\t" * (one.level - 1) + f"- [{one.heading}](#{one.anchor})" for one in pages.sections(language, plots)]
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

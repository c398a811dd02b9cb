"""What people read about rules: ``docs/rules.md`` and ``kit audit --explain``, both made from the rules themselves."""

from __future__ import annotations

from kit.audit.rule import Rule, rule_named, rules
from kit.errors import InvalidInputError

__all__ = ["explained", "explanation", "rules_page"]

_HEAD = """\
# The rules of `kit audit`

Made from the rules by `python -m kit.audit.rulepages > docs/rules.md`; a test holds the two equal.

How severe a finding is, how numbers are compared, how a rule is switched off or suppressed: [audit.md](audit.md).

| id | name | severity | finds |
|---|---|---|---|
"""


def rules_page() -> str:
    """The text of ``docs/rules.md``."""
    table = "".join(
        f"| [{rule.id}](#{rule.id.lower()}-{rule.name}) | {rule.name} | {rule.severity} | {rule.summary} |\n"
        for rule in rules()
    )
    return _HEAD + table + "".join(f"\n## {rule.id} {rule.name}\n\n{_body(rule)}" for rule in rules())


def explanation(rule: Rule) -> str:
    """One rule for a terminal, as Markdown."""
    return f"# {rule.id} {rule.name}\n\n{_body(rule)}"


def explained(name: str) -> str:
    """What ``kit audit --explain NAME`` prints; of ``all`` a line for each rule.

    Raises:
        InvalidInputError: there is no such rule.
    """
    if name.lower() == "all":
        return "\n".join(f"{rule.id} {rule.name:32} {rule.severity:8} {rule.summary}" for rule in rules())
    rule = rule_named(name)
    if rule is None:
        raise InvalidInputError(f"there is no rule {name!r}", remedy="`kit audit --explain all` lists them")
    return explanation(rule)


def _body(rule: Rule) -> str:
    return (
        f"{rule.summary} Kind `{rule.kind}`, severity at most `{rule.severity}`.\n\n"
        f"{rule.why}\n\n"
        f"Wrong:\n\n{_indented(rule.bad)}\nRight:\n\n{_indented(rule.good)}"
    )


def _indented(text: str) -> str:
    return "".join(f"    {line}".rstrip() + "\n" for line in text.splitlines())


if __name__ == "__main__":
    print(rules_page(), end="")

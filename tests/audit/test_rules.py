"""The rules: their own examples, independence of order, and the page that is made from them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from kit.audit import audit_text
from kit.audit.audit import run_rules
from kit.audit.facts.facts import read_facts
from kit.audit.rule import Rule, Wrong, rule_named, rules
from kit.audit.rulepages import explanation, rules_page

each_rule = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)


@each_rule
def test_the_bad_example_is_found_by_its_rule_and_not_worse_than_it_says(rule: Rule) -> None:
    found = [one for one in audit_text(rule.bad, beside=rule.beside).diagnostics if one.rule == rule.id]
    order = ["major", "digits", "optional"]
    assert found
    assert min(order.index(one.severity) for one in found) == order.index(rule.severity)


@each_rule
def test_the_good_example_has_no_finding_of_any_rule(rule: Rule) -> None:
    assert audit_text(rule.good, beside=rule.beside).diagnostics == ()


@each_rule
def test_a_finding_points_at_what_is_printed(rule: Rule) -> None:
    lines = rule.bad.split("\n")
    for one in audit_text(rule.bad, beside=rule.beside).diagnostics:
        assert 1 <= one.column < one.end_column <= len(lines[one.line - 1]) + 1
        if one.fix is not None:
            assert lines[one.fix.line - 1][one.fix.column - 1 : one.fix.end_column - 1] == one.fix.old
            assert one.fix.new != one.fix.old


def test_ids_are_in_order_without_gaps_and_names_speak() -> None:
    assert [rule.id for rule in rules()] == [f"KA{number:03}" for number in range(1, len(rules()) + 1)]
    for rule in rules():
        assert rule.name == rule.name.lower()
        assert rule.summary.endswith(".")
        assert rule.why.endswith(".")
        assert rule_named(rule.id.lower()) is rule_named(rule.name) is rule
    assert rule_named("KA999") is None


def test_the_order_of_the_rules_does_not_matter() -> None:
    text = "\n\n# other\n\n".join(part for rule in rules() for part in (rule.bad, rule.good))
    facts = read_facts(text)
    expected = run_rules(facts, "all.md", rules())
    assert len(expected.diagnostics) >= sum(1 for rule in rules() if not rule.beside)
    shuffled = list(rules())
    for seed in range(5):
        random.Random(seed).shuffle(shuffled)
        assert run_rules(facts, "all.md", shuffled) == expected


def test_a_rule_alone_finds_what_it_finds_among_all() -> None:
    text = "\n\n# other\n\n".join(rule.bad for rule in rules())
    facts = read_facts(text)
    for rule in rules():
        alone = run_rules(facts, "", [rule]).diagnostics
        lines = {(one.line, one.stated) for one in rule.check(facts) if isinstance(one, Wrong)}
        assert {(one.line, one.stated) for one in alone} == lines


def test_the_page_of_the_rules_is_the_generated_one(root: Path) -> None:
    assert (root / "docs" / "rules.md").read_text(encoding="utf-8") == rules_page()


def test_an_explanation_has_reason_and_examples() -> None:
    rule = rule_named("KA012")
    assert rule is not None
    text = explanation(rule)
    assert text.startswith("# KA012 wrong-ratio\n")
    assert rule.why in text
    assert "    | 1 | 100.0 | 50.0 | 3.00 |" in text

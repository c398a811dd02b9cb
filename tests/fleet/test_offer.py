"""What a host offers to a cluster, and the line that does it."""

from __future__ import annotations

import json
import shlex

import pytest

from kit.errors import InvalidInputError
from kit.fleet.offer import offered, start_line
from kit.recipe.schema import load_recipe
from kit.resources import resource

CARDS = {"kit_310P": 4, "kit_quiet": 1}


def words_of(line: str) -> dict[str, str]:
    """Options of the line, as a shell splits it."""
    return dict(word.partition("=")[::2] for word in shlex.split(line))


def test_a_line_is_taken_by_a_shell_as_it_is_meant() -> None:
    head, host = words_of(start_line(CARDS, None)), words_of(start_line(CARDS, "10.0.0.1:6379"))
    for words in (head, host):
        assert json.loads(words["--resources"]) == CARDS
        assert words["RAY_AUTH_MODE"] == "token"
        assert words["--labels"].startswith("kit=")
    assert "--head" in head and head["--ray-client-server-port"] == "10001"
    assert "--head" not in host and host["--address"] == "10.0.0.1:6379"


@pytest.mark.parametrize("address", ["head", "auto", "$(x):6379", "ray://head:10001", "--head", ""])
def test_an_address_that_no_host_can_join_is_refused(address: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        start_line(CARDS, address)
    assert "HEAD:6379" in caught.value.remedy


def test_a_host_without_cards_offers_its_processor_once_and_its_quiet() -> None:
    found = offered(load_recipe(resource("examples") / "digits"))
    assert found["kit_cpu"] == found["kit_quiet"] == 1
    assert not {"kit_310", "kit_310P"} & set(found)

"""Broken and hostile answers of every provider end as a named error, and show and repeat nothing."""

from __future__ import annotations

import pytest

from imgplay_widget.testing.server import Received
from tests.providers import fuzz
from tests.providers.lists import LISTS, listed

CASES = fuzz.cases()


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_broken_answer_is_a_named_error_and_nothing_more(name: str) -> None:
    case = fuzz.run(CASES[name], range(fuzz.MUTATIONS))
    assert case.faults == []
    # Mutations that break every answer would test nothing beyond the first look at it.
    assert sum(case.seen[end] for end in ("success", "inline", "remote")) > fuzz.MUTATIONS / 5


def test_a_mutation_can_be_repeated() -> None:
    runs = [fuzz.run(CASES["fal-FalWire"], range(20, 26)) for _ in range(2)]
    assert runs[0].seen == runs[1].seen


def test_every_listed_answer_is_asked_for() -> None:
    assert set(LISTS) <= {name.partition("-")[0] for name in CASES}
    assert listed("fal", Received("GET", "/v1/models?x=1", {}, b"")) is not None

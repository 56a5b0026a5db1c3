"""The prompts of a pattern. The page reads the same table of cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imgplay_widget import variants
from imgplay_widget.errors import InvalidRequest

CASES = json.loads((Path(__file__).parent / "variants.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["prompt"] or "nothing")
def test_a_pattern_stands_for_its_prompts(case):
    assert variants(case["prompt"]) == case["variants"]


def test_too_many_prompts_are_refused_before_they_are_made():
    assert len(variants("{a|b|c|d|e|f|g|h|i|j}" * 3)) == 1000
    with pytest.raises(InvalidRequest, match=f"{2**200} prompts. At most 1000"):
        variants("{a|b}" * 200)


def test_a_long_text_of_braces_takes_no_time():
    assert variants("{" * 100_000 + "a|b}") == ["{" * 99_999 + "a", "{" * 99_999 + "b"]

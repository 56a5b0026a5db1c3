"""What a preset may hold, what it may be called, and how its words join a prompt."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from imgplay_widget import Preset
from imgplay_widget._rules.presets import check_preset_name, preset_of, stored_preset, with_words
from imgplay_widget.errors import InvalidRequest

CASES = json.loads((Path(__file__).parent / "presets.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["sent"]))
def test_the_words_stand_around_the_prompt(case):
    assert with_words(case["prompt"], case["prefix"], case["suffix"]) == case["sent"]


def test_what_is_not_a_prompt_stays_for_the_check_of_the_request():
    assert with_words(None, "photo of") is None


@pytest.mark.parametrize(
    "given",
    [
        {"model": "demo:instant", "params": {"width": 768}, "suffix": "in oil"},
        {"model": "demo:instant", "width": 768, "suffix": " in oil\n"},
        {"model": "demo:instant", "width": 768, "suffix": "in oil", "prefix": None},
        Preset(model="demo:instant", params={"width": 768}, suffix="in oil"),
    ],
)
def test_parameters_stand_in_params_or_beside_the_model(given):
    assert preset_of(given) == {
        "model": "demo:instant",
        "params": {"width": 768},
        "prefix": "",
        "suffix": "in oil",
    }


def test_a_preset_is_a_mapping_for_the_next_one():
    preset = preset_of({"model": "demo:instant", "width": 768})
    assert preset_of({**preset, "suffix": "at night"}).suffix == "at night"
    assert preset.model == preset["model"] == "demo:instant"
    assert repr(preset) == "Preset(model='demo:instant', params={'width': 768}, prefix='', suffix='')"
    with pytest.raises(TypeError):
        preset.params["width"] = 5
    with pytest.raises(KeyError):
        preset["width"]


def test_a_preset_may_have_words_alone():
    assert preset_of({"prefix": np.str_("photo of")}).prefix == "photo of"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("demo:instant", "is not a preset"),
        (None, "is not a preset"),
        ({}, "is empty"),
        ({"prefix": "  "}, "is empty"),
        ({"model": 5, "prefix": "a"}, "model=5 is not text"),
        ({"model": "demo:instant", "params": 5}, "params=5 is not a dict"),
        ({"model": "demo:instant", "params": {"width": 1}, "width": 2}, "stands in params and beside it"),
        ({"model": "demo:instant", 5: 2}, "5 is not the name of a parameter"),
        ({"width": 768}, "has parameters ('width') and no model"),
        ({"model": "demo:instant", "references": []}, "does not have 'references'"),
        ({"model": "demo:instant", "n": 4}, "does not have 'n'"),
        ({"prefix": 5}, "prefix=5 is not text"),
        ({"suffix": "a" * 2001}, "suffix has 2001 characters"),
        ({"suffix": "\x07"}, "has a character that cannot be stored"),
    ],
)
def test_what_a_preset_cannot_be_is_named(given, words):
    with pytest.raises(InvalidRequest) as refused:
        preset_of(given)
    assert words in str(refused.value)
    assert stored_preset(given) is None


@pytest.mark.parametrize("name", ["p", "a" * 60, "Poster 2 (night)", "海报", "a/b:c%_"])
def test_a_name_is_on_one_line(name):
    assert check_preset_name(name) == name


@pytest.mark.parametrize(
    "name", ["", " ", "a ", " a", "a\nb", "a\tb", "a" * 61, "\x00", "\ud800", "a\u2028b", 5, None]
)
def test_other_names_are_refused(name):
    with pytest.raises(InvalidRequest):
        check_preset_name(name)

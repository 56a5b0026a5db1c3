"""What scores and tags may be."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest

from imgplay_widget._rules.scores import LONGEST_NAME, MOST, check_count, check_name, check_score
from imgplay_widget.errors import InvalidRequest


@pytest.mark.parametrize("name", ["clip", "a b", "雪", "\U0001f468‍\U0001f469‍\U0001f467", "x" * LONGEST_NAME])
def test_a_name_is_any_text_on_one_line(name):
    assert check_name(name, "tags") == name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "is empty"),
        (" clip", "white space"),
        ("clip\n", "white space"),
        ("x" * (LONGEST_NAME + 1), "has 65 characters"),
        ("a\nb", "line end"),
        ("a\u2028b", "line end"),
        ("a\tb", "control character"),
        ("a\x00b", "control character"),
        ("a\ud83e", "half an emoji"),
        (7, "7 is not text"),
        (None, "None is not text"),
    ],
)
@pytest.mark.parametrize(("parameter", "noun"), [("tags", "A tag"), ("scores", "The name of a score")])
def test_another_name_is_refused(name, says, parameter, noun):
    with pytest.raises(InvalidRequest, match=says) as caught:
        check_name(name, parameter)
    assert f"{noun} has 1 to 64 characters" in caught.value.message
    assert caught.value.parameter == parameter
    caught.value.message.encode()


@pytest.mark.parametrize("value", [1, 0.25, -3.5, Decimal("0.5"), Fraction(1, 4)])
def test_a_score_is_any_finite_number(value):
    assert check_score("clip", value) == float(value)
    assert type(check_score("clip", value)) is float


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 10**400, "0.5", b"1", True, None, [1], object()]
)
def test_another_score_is_refused(value):
    with pytest.raises(InvalidRequest, match="not a finite number") as caught:
        check_score("clip", value)
    assert caught.value.parameter == "scores"
    assert len(caught.value.message) < 200


def test_an_image_has_at_most_so_many_of_them():
    names = [str(number) for number in range(MOST + 1)]
    check_count(names[:MOST], "tags")
    with pytest.raises(InvalidRequest, match="would have 65 tags: 64 are the most"):
        check_count(names, "tags")

"""Which requests are the same."""

from __future__ import annotations

import pytest

from imgplay_widget._rules.requests import request_digest

REQUEST = {
    "provider": "demo",
    "model": "paint",
    "prompt": "a red fox, 雪",
    "config": {"n": 2, "width": 64, "strength": 0.5, "style": {"name": "ink", "weights": [1, 2.5]}},
    "references": ["a" * 64, "b" * 64],
    "mask": "c" * 64,
}


def test_the_digest_of_a_request_never_changes():
    # The store holds such digests.
    assert request_digest(**REQUEST) == "cc5ac1473fa095b53379f6fd13f9ba5c7f09cc7ee3a4bc9084a057639e732a5e"


@pytest.mark.parametrize(
    "same",
    [
        {"config": dict(reversed(REQUEST["config"].items()))},
        {"config": {**REQUEST["config"], "n": 2.0, "style": {"weights": (1.0, 2.5), "name": "ink"}}},
        {"references": ("a" * 64, "b" * 64)},
    ],
)
def test_another_way_to_write_a_request_is_the_same_request(same):
    assert request_digest(**{**REQUEST, **same}) == request_digest(**REQUEST)


@pytest.mark.parametrize(
    "other",
    [
        {"provider": "fake"},
        {"model": "slow"},
        {"prompt": "A red fox, 雪"},
        {"config": {**REQUEST["config"], "n": 3}},
        {"config": {**REQUEST["config"], "seed": 7}},
        {"config": {**REQUEST["config"], "strength": 0.25}},
        {"config": {**REQUEST["config"], "n": "2"}},
        {"references": ["b" * 64, "a" * 64]},
        {"references": ["a" * 64]},
        {"mask": None},
        {"references": ["a" * 64, "b" * 64, "c" * 64], "mask": None},
    ],
)
def test_any_difference_makes_another_request(other):
    assert request_digest(**{**REQUEST, **other}) != request_digest(**REQUEST)


def test_half_an_emoji_of_an_earlier_version_has_a_digest_too():
    assert len(request_digest(**{**REQUEST, "prompt": "fox \ud83e"})) == 64

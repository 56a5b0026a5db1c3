"""The conditions of a search, as code and agents write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._plain import whole
from imgplay_widget._rules.scores import check_name, check_score
from imgplay_widget._text import shown
from imgplay_widget._types import ScoreOrder, ScoreRange, Status, Wanted
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_conditions", "check_limit", "wanted_of"]

MAX_BATCHES = 1000
"""The most batches or sweeps that one call returns."""


def check_limit(limit: int) -> int:
    """Return the number of batches or sweeps that a call returns at most.

    Raises:
        InvalidRequest: the number is out of range.
    """
    count = whole(limit)
    if count is None or not 1 <= count <= MAX_BATCHES:
        raise InvalidRequest(f"limit={shown(limit)} is out of range: 1 to {MAX_BATCHES}.", parameter="limit")
    return count


def wanted_of(
    words: str = "",
    *,
    model: str | None = None,
    status: Status | str | None = None,
    starred: bool = False,
    tag: str | None = None,
    min_scores: Mapping[str, float] | None = None,
    max_scores: Mapping[str, float] | None = None,
    sort_by: str | None = None,
    lowest_first: bool = False,
) -> Wanted:
    """Return the filter and the order of a search. `StudioApi.search` explains the conditions.

    Raises:
        InvalidRequest: there is no such status, the model is not written as ``"provider:id"``, or a score or
            a tag cannot be one.
    """
    check_conditions(model, status)
    return Wanted(
        search=words,
        model=model,
        status=None if status is None else Status(status),
        starred=starred,
        tag=None if tag is None else check_name(tag, "tags"),
        scores=_ranges(min_scores, max_scores),
        sort=None
        if sort_by is None
        else ScoreOrder(name=check_name(sort_by, "scores"), lowest_first=lowest_first),
    )


def check_conditions(model: str | None, status: Status | str | None) -> None:
    """Check the conditions that are words of a fixed form.

    Raises:
        InvalidRequest: there is no such status, or the model is not written as ``"provider:id"``.
    """
    if model is not None and ":" not in model:
        raise InvalidRequest(f'{shown(model)} is not a model: write "provider:id".', parameter="model")
    if status is not None and status not in set(Status):
        known = ", ".join(Status)
        raise InvalidRequest(f"{shown(status)} is not a status: {known}.", parameter="status")


def _ranges(least: Mapping[str, float] | None, most: Mapping[str, float] | None) -> tuple[ScoreRange, ...]:
    """Return the ranges of scores; one image must be between both limits of a score."""
    low, high = (
        {check_name(name, "scores"): check_score(name, value) for name, value in (given or {}).items()}
        for given in (least, most)
    )
    names = dict.fromkeys((*low, *high))
    return tuple(ScoreRange(name=name, at_least=low.get(name), at_most=high.get(name)) for name in names)

"""Each call that went out has one line of spending, unless the provider provably refused it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from imgplay_widget import errors
from imgplay_widget._rules.costs import booking
from imgplay_widget._rules.lifecycle import Cancel, Fail, Succeed, advance
from imgplay_widget._types import Stage
from tests.rules.test_lifecycle import NOW, new_task

LINKS = ({"kind": "remote", "url": "https://x.example/1.png", "applied": {}},)

OPEN = {
    Stage.PENDING: {},
    Stage.SUBMITTING: {"submitted_at": NOW},
    Stage.PROCESSING: {"submitted_at": NOW, "ticket": {"job": "1"}},
    Stage.DOWNLOADING: {"submitted_at": NOW, "results": LINKS},
}

REFUSED = {
    *("bad_key", "billing", "quota", "bad_request", "moderated", "model_not_found", "rate_limited"),
    *("overloaded", "server_error", "connect_failed", "missing_key", "missing_extra", "network_setting"),
}
"""The errors that say, unless they are marked, that a call did no work."""


def every_kind(root=errors.ImgplayError):
    yield root
    for child in root.__subclasses__():
        yield from every_kind(child)


KINDS = sorted({kind.code: kind for kind in every_kind()}.items())


def task_in(stage):
    return replace(new_task(stage=stage, estimate="0.04"), **OPEN[stage])


@pytest.mark.parametrize(("stage", "kind"), list(product(OPEN, KINDS)), ids=str)
@pytest.mark.parametrize("marked", [False, True])
def test_each_failure_of_a_call_that_went_out_has_a_line(stage, kind, marked):
    code, error = kind
    info = replace(error("said").info, maybe_billed=marked or error("said").info.maybe_billed)
    line = booking(stage, advance(task_in(stage), Fail(info), NOW), images=0)
    if stage is Stage.PENDING or (stage is Stage.SUBMITTING and code in REFUSED and not info.maybe_billed):
        assert line is None
    else:
        assert (line.images, line.amount) == (1, 40_000_000)
        assert line.basis == ("estimated" if stage is Stage.DOWNLOADING else "uncertain")


@pytest.mark.parametrize("stage", OPEN)
def test_a_cancelled_call_has_a_line_if_it_went_out(stage):
    line = booking(stage, advance(task_in(stage), Cancel(), NOW), images=0)
    assert (line is None) == (stage is Stage.PENDING)


@pytest.mark.parametrize("stage", [Stage.SUBMITTING, Stage.PROCESSING, Stage.DOWNLOADING])
@pytest.mark.parametrize("cost", [None, "0.05"])
def test_a_call_that_succeeded_has_a_line(stage, cost):
    line = booking(stage, advance(task_in(stage), Succeed(cost), NOW), images=1)
    assert (line.amount, line.basis) == ((50_000_000, "told") if cost else (40_000_000, "estimated"))


def test_a_finished_image_counts_before_its_link_could_be_fetched():
    unit = replace(new_task().unit, positions=(0, 1), seeds=(None, None))
    task = replace(task_in(Stage.DOWNLOADING), unit=unit, results=LINKS * 2)
    line = booking(Stage.DOWNLOADING, advance(task, Succeed(), NOW), images=1)
    assert (line.images, line.amount) == (2, 40_000_000)

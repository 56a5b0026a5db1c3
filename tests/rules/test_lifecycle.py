"""No sequence of events reaches an illegal stage, and final stages stay final."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from imgplay_widget._rules.lifecycle import (
    MAX_RESUMES,
    PENDING_AGE,
    Accept,
    Cancel,
    Fail,
    Fetch,
    IllegalEvent,
    Refuse,
    Renew,
    Resume,
    Send,
    Succeed,
    advance,
    resume,
)
from imgplay_widget._types import Stage, Status, Task, Unit
from imgplay_widget.errors import Moderated

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = [
    Send(),
    Refuse(),
    Accept({"job": "1"}),
    Renew({"job": "2"}),
    Fetch(({"kind": "remote", "url": "https://x.example/1.png", "applied": {}},)),
    Succeed(cost="0.04"),
    Fail(Moderated("no").info),
    Cancel(),
]
ALLOWED = {
    Stage.PENDING: {Send: "submitting", Fail: "error", Cancel: "cancelled"},
    Stage.SUBMITTING: {
        Send: "submitting",
        Refuse: "pending",
        Accept: "processing",
        Fetch: "downloading",
        Succeed: "success",
        Fail: "error",
        Cancel: "cancelled",
    },
    Stage.PROCESSING: {
        Renew: "processing",
        Fetch: "downloading",
        Succeed: "success",
        Fail: "error",
        Cancel: "cancelled",
    },
    Stage.DOWNLOADING: {
        Renew: "processing",
        Succeed: "success",
        Fail: "error",
        Cancel: "cancelled",
    },
    Stage.SUCCESS: {},
    Stage.ERROR: {},
    Stage.CANCELLED: {},
}


def new_task(**changes):
    unit = Unit(model="m", prompt="p", params={}, positions=(0,), seeds=(None,))
    task = Task(
        id="t",
        batch_id="b",
        user_id="u",
        provider="fake",
        model="m",
        stage=Stage.PENDING,
        unit=unit,
        deadline=60.0,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(task, **changes)


class Life(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.task = new_task()
        self.now = NOW
        self.sent = False

    @rule(event=st.sampled_from(EVENTS), seconds=st.integers(0, 100))
    def happen(self, event, seconds):
        self.now += timedelta(seconds=seconds)
        before = self.task
        expected = ALLOWED[before.stage].get(type(event))
        if expected is None:
            with pytest.raises(IllegalEvent):
                advance(before, event, self.now)
            return
        self.task = advance(before, event, self.now)
        assert self.task.stage.value == expected
        assert self.task.updated_at == self.now
        self.sent |= isinstance(event, Send)

    @precondition(lambda self: self.task.stage.final)
    @rule(event=st.sampled_from(EVENTS))
    def stay(self, event):
        with pytest.raises(IllegalEvent):
            advance(self.task, event, self.now)

    @invariant()
    def holds(self):
        task = self.task
        assert (task.finished_at is not None) == task.stage.final
        assert task.status.final == task.stage.final
        if task.stage is Stage.PROCESSING:
            assert task.ticket is not None
        if task.stage is Stage.DOWNLOADING:
            assert task.results
        if task.stage is Stage.ERROR:
            assert task.error is not None
        if self.sent:
            assert task.submitted_at is not None
        else:
            # Nothing can have been paid before the intent to send was saved.
            assert task.stage in (Stage.PENDING, Stage.ERROR, Stage.CANCELLED)


TestLife = Life.TestCase


@given(
    stage=st.sampled_from([s for s in Stage if not s.final]),
    idempotent=st.booleans(),
    age=st.integers(0, 100_000),
    resumes=st.integers(0, 10),
)
def test_a_restart_always_has_something_to_do_and_never_pays_twice(stage, idempotent, age, resumes):
    task = new_task(stage=stage, ticket={"job": "1"}, resumes=resumes)
    plan = resume(task, idempotent=idempotent, bills=True, now=NOW + timedelta(seconds=age))
    if plan.action is Resume.SUBMIT:
        assert stage is Stage.PENDING or (stage is Stage.SUBMITTING and idempotent)
    if plan.action is Resume.FAIL:
        assert plan.error is not None
        assert plan.error.retryable
        assert plan.error.next_step
    if resumes >= MAX_RESUMES:
        assert plan.action is Resume.FAIL


def test_what_was_never_sent_is_sent_only_while_it_is_young():
    task = new_task()
    assert resume(task, idempotent=False, bills=True, now=NOW + PENDING_AGE).action is Resume.SUBMIT
    late = resume(task, idempotent=False, bills=True, now=NOW + PENDING_AGE + timedelta(seconds=1))
    assert late.action is Resume.FAIL
    assert late.error.code == "interrupted"


def test_the_page_knows_five_words():
    assert {stage.status for stage in Stage} == set(Status)


def test_a_lost_answer_that_cost_nothing_is_not_uncertain():
    task = new_task(stage=Stage.SUBMITTING)
    error = resume(task, idempotent=False, bills=False, now=NOW).error
    assert error is not None
    assert (error.code, error.maybe_billed, "billed" in error.next_step) == ("interrupted", False, False)

"""Two studios on one store, and one subscriber that fails."""

from __future__ import annotations

import logging
import threading

import pytest

from imgplay_widget import Status
from imgplay_widget._rules.changes import EntryAdded
from imgplay_widget.errors import Cancelled, Moderated
from imgplay_widget.testing import FakeProvider, Gate, open_studio, picture

WAIT = 20


class Changed:
    """A wait for what the changes of a studio bring."""

    def __init__(self, studio):
        self._told = threading.Condition()
        studio._core.subscribe(self._take, every=0.0)

    async def _take(self, changes):
        with self._told:
            self._told.notify_all()

    def wait_for(self, test):
        with self._told:
            assert self._told.wait_for(test, WAIT)


def beat(studio):
    studio._core.start(studio._core.engine.beat).result(WAIT)


def test_a_handle_follows_what_another_studio_drives(tmp_path):
    gate = Gate(picture())
    with (
        open_studio(FakeProvider([gate]), store=tmp_path) as first,
        open_studio(FakeProvider(), store=tmp_path) as second,
    ):
        made = first.generate("a fox", model="fake:image", topic="foxes")
        assert gate.reached.wait(WAIT)
        beat(second)
        (seen,) = second.batches("foxes")
        assert seen.status is Status.PROCESSING
        gate.open()
        made.result(WAIT)
        beat(second)
        assert seen.result(WAIT)[0].bytes == made[0].bytes


def test_what_another_studio_drives_can_be_cancelled(tmp_path):
    gate = Gate(picture())
    with (
        open_studio(FakeProvider([gate]), store=tmp_path) as first,
        open_studio(FakeProvider(), store=tmp_path) as second,
    ):
        made = first.generate("a fox", model="fake:image", topic="foxes")
        assert gate.reached.wait(WAIT)
        (seen,) = second.batches("foxes")
        seen.cancel()
        assert seen[0].status is Status.CANCELLED
        gate.open()
        with pytest.raises(Cancelled):
            made.result(WAIT)
        assert second.batches("foxes")[0][0].status is Status.CANCELLED


def test_a_studio_never_takes_what_a_living_one_drives(tmp_path):
    gate = Gate(picture())
    fake = FakeProvider(polls=[gate])
    other = FakeProvider()
    with open_studio(fake, store=tmp_path) as first, open_studio(other, store=tmp_path) as second:
        made = first.generate("a fox", model="fake:queue")
        assert gate.reached.wait(WAIT)
        beat(second)
        assert other.polled == []
        gate.open()
        made.result(WAIT)
    assert len(fake.submits) == 1


def test_what_a_closed_studio_left_is_taken_up_by_the_other(tmp_path):
    gate = Gate(picture())
    other = FakeProvider()
    with open_studio(other, store=tmp_path) as second:
        with open_studio(FakeProvider(polls=[gate]), store=tmp_path) as first:
            first.generate("a fox", model="fake:queue", topic="foxes")
            assert gate.reached.wait(WAIT)
        beat(second)
        (seen,) = second.batches("foxes")
        assert seen.result(WAIT)[0].status is Status.SUCCESS
    assert other.submits == []
    assert other.polled == [{"job": "job-1"}]


def test_what_another_studio_retries_already_is_not_sent_again(tmp_path):
    again, rest = Gate(picture()), Gate(picture())
    retrying = FakeProvider([again])
    # The calls go out one at a time. So the failure of the first is known once the second is out.
    driving = FakeProvider([Moderated("no", provider="fake"), rest], concurrency=1)
    with open_studio(retrying, store=tmp_path) as first, open_studio(driving, store=tmp_path) as second:
        made = second.generate("a fox", model="fake:image", n=2, topic="foxes")
        stored = Changed(second)
        assert rest.reached.wait(WAIT)
        (seen,) = first.batches("foxes")
        seen[0].retry()
        assert again.reached.wait(WAIT)
        assert made[0].status is Status.ERROR
        made[0].retry()
        assert made[0].status is Status.PROCESSING
        again.open()
        rest.open()
        # The beat reads what is stored at that moment, and no other beat comes here.
        stored.wait_for(lambda: made[1].status is Status.SUCCESS)
        beat(first)
        seen.result(WAIT)
        beat(second)
        assert [g.status for g in made.result(WAIT)] == [Status.SUCCESS] * 2
    assert (len(retrying.submits), len(driving.submits)) == (1, 2)


def test_a_subscriber_that_fails_gets_the_next_changes(caplog):
    seen = []
    arrived = threading.Event()

    async def listen(changes):
        seen.extend(change for change in changes if isinstance(change, EntryAdded))
        if len(seen) == 1:
            raise RuntimeError("the page is gone")
        if len(seen) == 2:
            arrived.set()

    with caplog.at_level(logging.ERROR), open_studio(FakeProvider()) as studio:
        studio._core.subscribe(listen, every=0.0)
        studio.generate("one", model="fake:image").result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        studio.generate("two", model="fake:image").result(WAIT)
        assert arrived.wait(WAIT)
    assert "could not be delivered" in caplog.text

"""Calls that block until they are done: what the server reports meanwhile, and how they are stopped."""

from __future__ import annotations

import asyncio
import threading

import pytest

from imgplay_widget import Status, errors
from imgplay_widget._clock import Clock
from imgplay_widget._rules.changes import Progressed
from imgplay_widget._types import Partial, Pending
from imgplay_widget.testing import FakeProvider, Gate, InstantClock, open_studio, picture, png

WAIT = 30


class Blocking(FakeProvider):
    """A provider whose call ends after all its reports were read."""

    def __init__(self, looks, script=()):
        self.gate = Gate(picture())
        super().__init__([*script, self.gate])
        self.looks = list(looks)
        self.watched = []
        self.stopped = []

    async def watch(self, unit, http):
        self.watched.append(unit.key)
        if not self.looks:
            self.gate.open()
            return Partial()
        look = self.looks.pop(0)
        if isinstance(look, Exception):
            raise look
        return look

    async def stop(self, unit, http):
        self.stopped.append(unit.key)
        return "requested"


def generate(provider, n=1):
    seen = []

    async def listen(changes):
        seen.extend((c.progress, c.preview) for c in changes if isinstance(c, Progressed))

    with open_studio(provider) as studio:
        end = studio._core.subscribe(listen, every=0.0)
        batch = studio.generate("a fox", model="fake:image", n=n).result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        end()
        return batch, seen


def test_what_the_server_says_beside_a_call_is_told():
    first, second = png(color=(9, 9, 9)), png(color=(99, 9, 9))
    looks = [
        Partial(),
        Partial(progress=0.1),
        Partial(progress=0.2, data=first),
        errors.ServerError("no look this time", provider="fake"),
        Partial(progress=0.3, data=first),
        Partial(progress=0.4, data=second),
    ]
    provider = Blocking(looks)
    batch, seen = generate(provider)
    assert batch[0].status is Status.SUCCESS
    assert seen[-1] == (0.4, second)
    # The same preview is not sent twice.
    assert sum(preview == first for _, preview in seen) <= 1
    assert len(provider.submits) == 1
    assert set(provider.watched) == {provider.submits[0].key}


def test_a_call_that_cannot_be_watched_is_asked_about_once():
    class Mute(FakeProvider):
        asked = 0

        async def watch(self, unit, http):
            self.asked += 1

    provider = Mute()
    batch, seen = generate(provider, n=2)
    assert [g.status for g in batch] == [Status.SUCCESS] * 2
    assert provider.asked <= 2
    assert seen == []


def test_a_cancelled_call_is_stopped_at_the_provider():
    provider = Blocking([Partial(progress=0.5)] * 10**6)
    with open_studio(provider) as studio:
        batch = studio.generate("a fox", model="fake:image")
        assert provider.gate.reached.wait(WAIT)
        batch.cancel()
        with pytest.raises(errors.Cancelled):
            batch.result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
    assert provider.stopped == [provider.submits[0].key]


def test_a_call_that_was_never_sent_is_not_stopped():
    provider = Blocking([Partial(progress=0.5)] * 10**6)
    provider.spec = FakeProvider(concurrency=1).spec
    with open_studio(provider) as studio:
        batch = studio.generate("a fox", model="fake:image", n=2)
        assert provider.gate.reached.wait(WAIT)
        batch.cancel()
        with pytest.raises(errors.Cancelled):
            batch.result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
    assert len(provider.stopped) == len(provider.submits) == 1


def test_a_call_is_stopped_at_its_deadline():
    provider = Blocking([Partial(progress=0.5)] * 10**6)
    clock = InstantClock()
    with open_studio(provider, clock=clock) as studio:
        batch = studio.generate("a fox", model="fake:image", deadline=60)
        assert provider.gate.reached.wait(WAIT)
        clock.advance(60)
        with pytest.raises(errors.Uncertain):
            batch.result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
    assert len(provider.stopped) == 1


# ------------------------------------------------------------------ jobs whose server speaks by itself


class Telling(FakeProvider):
    """A provider with a queue, whose server tells of a job to a listener.

    Each listener hears the next of `told`: what the server says, and the error that ends it, if one does. The
    job ends when the last listener ended.
    """

    def __init__(self, *told):
        super().__init__()
        self.told = list(told)
        self.over = False
        self.tickets = []
        self.closed = threading.Event()

    async def poll(self, ticket, http):
        return picture() if self.over else Pending(ticket=ticket)

    def listen(self, ticket, http):
        self.tickets.append(dict(ticket))
        return self._speak(self.told.pop(0)) if self.told else None

    async def _speak(self, told):
        try:
            for one in told:
                if isinstance(one, Exception):
                    raise one
                yield one
            self.over = True
        finally:
            self.closed.set()


def follow(provider, clock=None):
    seen = []

    async def listen(changes):
        seen.extend((c.progress, c.preview) for c in changes if isinstance(c, Progressed))

    with open_studio(provider, clock=clock) as studio:
        end = studio._core.subscribe(listen, every=0.0)
        batch = studio.generate("a fox", model="fake:queue").result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        end()
        return batch, seen


def test_one_listener_hears_a_job_to_its_end():
    shown = png(color=(9, 9, 9))
    provider = Telling([Partial(progress=0.2), Partial(data=shown), Partial(progress=0.6)])
    batch, seen = follow(provider)
    assert batch[0].status is Status.SUCCESS
    assert provider.tickets == [{"job": "job-1"}]
    assert shown in [preview for _, preview in seen]
    assert seen[-1][0] == 0.6


def test_a_lost_listener_listens_again():
    lost = errors.NetworkError("the socket is gone", provider="fake")
    provider = Telling([Partial(progress=0.2), lost], [Partial(progress=0.7)])
    batch, seen = follow(provider)
    assert batch[0].status is Status.SUCCESS
    assert provider.tickets == [{"job": "job-1"}] * 2
    assert seen[-1][0] == 0.7


@pytest.mark.parametrize("told", [(), ([RuntimeError("a plug-in broke")],)])
def test_a_job_of_which_nothing_is_heard_ends_as_well(told):
    class Ending(Telling):
        asked = 0

        async def poll(self, ticket, http):
            self.asked += 1
            return picture() if self.asked > 5 else Pending(ticket=ticket)

    provider = Ending(*told)
    batch, _ = follow(provider)
    assert batch[0].status is Status.SUCCESS
    assert len(provider.tickets) == 1


def test_the_end_that_is_heard_is_not_slept_through():
    class Still(InstantClock):
        async def sleep(self, seconds):
            if seconds > 0:
                await asyncio.Event().wait()

    batch, _ = follow(Telling([Partial(progress=0.5)]), Still())
    assert batch[0].status is Status.SUCCESS


def test_a_cancelled_job_is_not_listened_to_any_more():
    class Endless(Telling):
        async def _speak(self, told):
            try:
                yield Partial(progress=0.1)
                await asyncio.Event().wait()
            finally:
                self.closed.set()

    provider = Endless([])
    # On a clock without waits, the deadline may come before the cancellation.
    with open_studio(provider, clock=Clock()) as studio:
        batch = studio.generate("a fox", model="fake:queue")
        while not provider.tickets:
            studio._core.start(lambda: asyncio.sleep(0)).result(WAIT)
        batch.cancel()
        with pytest.raises(errors.Cancelled):
            batch.result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        assert provider.closed.is_set()


def test_an_unknown_progress_does_not_take_back_the_known_one():
    ticket = {"job": "job-1"}
    polls = [Pending(ticket=ticket, progress=share) for share in (None, 0.3, None, 0.5, None)]
    provider = FakeProvider(polls=[*polls, picture()])
    _, seen = follow(provider)
    known = [share for share, _ in seen]
    assert known[-1] == 0.5
    assert None not in known[known.index(0.3) :]

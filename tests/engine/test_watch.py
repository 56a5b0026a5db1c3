"""Calls that block until they are done: what the server reports meanwhile, and how they are stopped."""

from __future__ import annotations

import pytest

from imgplay_widget import Status, errors
from imgplay_widget._rules.changes import Progressed
from imgplay_widget._types import Partial
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

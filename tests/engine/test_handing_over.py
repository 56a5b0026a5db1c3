"""A process that is about to end hands its tasks over: nothing that may be paid for is lost or sent twice."""

from __future__ import annotations

import threading
from functools import partial

from imgplay_widget import Status
from imgplay_widget._store.store import Store
from imgplay_widget._studio.core import Core
from imgplay_widget._studio.options import StudioOptions
from imgplay_widget._types import Pending, Stage
from imgplay_widget.testing import FakeProvider, Gate, open_studio, picture

WAIT = 20


def stages(studio, batch):
    entry = studio._core.call(studio._core.engine.entry, batch.id)
    return [task.stage for task in entry.tasks]


def hand_over(studio, *, send):
    return studio._core.start(partial(studio._core.engine.hand_over, send=send))


def test_a_call_that_is_out_is_waited_for_and_no_other_is_sent(store):
    gate = Gate(picture())
    fake = FakeProvider([gate], concurrency=1)
    with open_studio(fake, store=store) as studio:
        batch = studio.generate("a fox", model="fake:image", n=2)
        assert gate.reached.wait(WAIT)
        handed = hand_over(studio, send=False)
        # The waiting task is stopped on the loop before this looks.
        assert stages(studio, batch) == [Stage.SUBMITTING, Stage.PENDING]
        assert not handed.done()
        gate.open()
        handed.result(WAIT)
        assert stages(studio, batch) == [Stage.SUCCESS, Stage.PENDING]
        # A later request is not sent either.
        late = studio.generate("a second fox", model="fake:image")
        assert stages(studio, late) == [Stage.PENDING]
    assert len(fake.submits) == 1
    with open_studio(fake, store=store) as studio:
        for found in studio.batches(batch.topic_id):
            assert {one.status for one in found.result(WAIT)} == {Status.SUCCESS}
    assert len(fake.submits) == 3


def test_a_job_with_a_ticket_is_not_waited_for(store):
    gate = Gate(Pending(ticket={"job": "1"}))
    fake = FakeProvider([gate], polls=[Gate(picture())])
    with open_studio(fake, store=store) as studio:
        batch = studio.generate("a fox", model="fake:queue")
        assert gate.reached.wait(WAIT)
        handed = hand_over(studio, send=False)
        gate.open()
        handed.result(WAIT)
        assert stages(studio, batch) == [Stage.PROCESSING]
    assert fake.cancelled == []


def test_what_waits_is_sent_first_where_that_is_wanted(store):
    fake = FakeProvider(concurrency=1, polls=[Gate(picture()) for _ in range(3)])
    with open_studio(fake, store=store, concurrency={"fake": 3}) as studio:
        batch = studio.generate("a fox", model="fake:queue", n=3)
        assert stages(studio, batch)
        hand_over(studio, send=True).result(WAIT)
        assert stages(studio, batch) == [Stage.PROCESSING] * 3


def test_a_task_that_is_stopped_before_its_call_counts_as_not_sent(store, monkeypatch):
    saving, go_on = threading.Event(), threading.Event()
    original = Store.save_task

    def held(self, task, **options):
        if task.stage is Stage.SUBMITTING:
            saving.set()
            assert go_on.wait(WAIT)
        return original(self, task, **options)

    monkeypatch.setattr(Store, "save_task", held)
    fake = FakeProvider()
    with open_studio(fake, store=store) as studio:
        batch = studio.generate("a fox", model="fake:image")
        assert saving.wait(WAIT)
        handed = hand_over(studio, send=False)
        # The loop has begun to stop the task when it comes to this.
        studio._core.call(_turn)
        go_on.set()
        handed.result(WAIT)
        assert stages(studio, batch) == [Stage.PENDING]
    assert fake.submits == []


async def _turn():
    """Let the loop come to this."""


def test_a_studio_that_takes_nothing_up_leaves_tasks_alone_until_it_is_told(store):
    gate = Gate(picture())
    fake = FakeProvider(polls=[gate])
    with open_studio(fake, store=store) as studio:
        batch = studio.generate("a fox", model="fake:queue")
        assert gate.reached.wait(WAIT)
    core = Core(
        StudioOptions(store=str(store), providers=(fake,), heartbeat=None, titles="off"), take_up=False
    )
    try:
        core.call(core.engine.beat)
        assert len(fake.polled) == 1
        handle = core.handle(core.call(core.engine.entry, batch.id))
        core.call(core.engine.take_up)
        assert handle.result(WAIT)[0].status == "success"
    finally:
        core.close()

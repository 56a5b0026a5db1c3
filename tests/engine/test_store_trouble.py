"""A store that fails for a while: the engine makes up for what it missed, and nothing stops for good."""

from __future__ import annotations

import threading
import time

import pytest

from imgplay_widget import Status, _ids
from imgplay_widget._clock import Clock
from imgplay_widget._rules.changes import StoreWritten
from imgplay_widget.errors import InvalidRequest, StoreLocked
from imgplay_widget.testing import FakeProvider, Gate, open_studio, picture

WAIT = 20


def locked(*_, **__):
    raise StoreLocked("Another program holds the store.")


class Beats(Clock):
    """A clock that beats without waiting, and counts the beats."""

    def __init__(self):
        self.beats = 0
        self._beaten = threading.Condition()

    async def sleep(self, seconds):
        with self._beaten:
            self.beats += 1
            self._beaten.notify_all()
        await super().sleep(0)

    def wait_for(self, beats):
        with self._beaten:
            assert self._beaten.wait_for(lambda: self.beats >= beats, WAIT)


def test_the_heart_outlives_whatever_fails_at_a_beat(caplog):
    clock = Beats()
    with open_studio(FakeProvider(), clock=clock, heartbeat=2.0) as studio:

        def broken():
            raise OSError("a file that is in use")

        studio._core.engine.each_beat.append(broken)
        clock.wait_for(clock.beats + 3)
        studio._core.engine.each_beat.remove(broken)
    assert "could not be looked after" in caplog.text


def test_what_another_process_wrote_while_the_store_could_not_be_read_is_told_later(tmp_path):
    told = []

    async def listen(changes):
        told.extend(change for change in changes if isinstance(change, StoreWritten))

    location = tmp_path / "s.sqlite"
    gate = Gate(picture())
    with open_studio(FakeProvider([gate]), store=location) as here, open_studio(store=location) as there:
        here._core.subscribe(listen, every=0.0)
        here.generate("a fox", model="fake:image")
        assert gate.reached.wait(WAIT)
        there.new_topic("of the other")
        here._core.archive.store.tasks, tasks = locked, here._core.archive.store.tasks
        with pytest.raises(StoreLocked):
            here._core.call(here._core.engine.beat)
        here._core.archive.store.tasks = tasks
        here._core.call(here._core.engine.beat)
        here._core.call(here._core.archive.settle)
        gate.open()
    assert told


def test_who_waits_for_the_work_of_another_process_hears_of_it_in_the_end(tmp_path):
    location = tmp_path / "s.sqlite"
    gate = Gate(picture())
    with (
        open_studio(FakeProvider([gate]), store=location) as there,
        open_studio(FakeProvider(), store=location) as here,
    ):
        batch = there.generate("a fox", model="fake:image")
        assert gate.reached.wait(WAIT)
        (same,) = here.batches(batch.topic_id)
        gate.open()
        batch.result(WAIT)
        there._core.call(there._core.archive.settle)
        here._core.archive.store.entry, entry = locked, here._core.archive.store.entry
        here._core.call(here._core.engine.beat)
        here._core.call(here._core.archive.settle)
        here._core.archive.store.entry = entry
        here._core.call(here._core.engine.beat)
        assert same.result(WAIT)[0].status is Status.SUCCESS


def test_a_studio_closes_whole_while_another_program_holds_the_store():
    with open_studio(FakeProvider()) as studio:
        closed = studio._core.archive.store.close

        def close():
            ended.append(True)
            closed()

        ended = []
        studio._core.archive.store.release = locked
        studio._core.archive.store.close = close
        studio.close()
    assert ended
    assert not studio._core._loop.is_alive()


def test_each_request_says_that_the_store_is_locked_also_the_second(tmp_path):
    location = tmp_path / "s.sqlite"
    with open_studio(FakeProvider(), store=location) as studio:
        store = studio._core.archive.store
        insert, studio._core.archive.store.add_batches = store.add_batches, locked
        refused = [studio.generate(f"fox {number}", model="fake:image") for number in range(3)]
        for batch in refused:
            with pytest.raises(StoreLocked):
                batch.result(WAIT)
        assert studio.active_topic is None
        studio._core.archive.store.add_batches = insert
        assert studio.generate("a fox", model="fake:image").result(WAIT).status is Status.SUCCESS


def test_a_request_makes_the_topic_that_the_one_before_could_not_make(tmp_path):
    with open_studio(FakeProvider(), store=tmp_path / "s.sqlite") as studio:
        store = studio._core.archive.store
        insert, tries = store.add_batches, []

        def add(*args, **keywords):
            tries.append(1)
            return locked() if len(tries) == 1 else insert(*args, **keywords)

        store.add_batches = add
        hold = threading.Event()
        studio._core.archive._store_thread.submit(hold.wait, WAIT)
        first = studio.generate("a fox", model="fake:image")
        second = studio.generate("a hare", model="fake:image")
        third = studio.generate("a bear", model="fake:image")
        hold.set()
        with pytest.raises(StoreLocked):
            first.result(WAIT)
        second.result(WAIT)
        third.result(WAIT)
        assert [batch.prompt for batch in studio.batches()] == ["a bear", "a hare"]
        assert len(studio.topics) == 1


def test_a_kernel_whose_clock_is_behind_lists_its_batches_first(tmp_path, monkeypatch):
    with (
        open_studio(FakeProvider(), store=tmp_path) as ahead,
        open_studio(FakeProvider(), store=tmp_path) as behind,
    ):
        now = time.time_ns()
        monkeypatch.setattr(_ids, "_last", [0])
        monkeypatch.setattr(time, "time_ns", lambda: now + 3600 * 10**9)
        ahead.generate("first", model="fake:image", topic="T").result(WAIT)
        # The other kernel has ids and a clock of its own.
        monkeypatch.setattr(_ids, "_last", [0])
        monkeypatch.setattr(time, "time_ns", lambda: now)
        behind._core.start(behind._core.engine.beat).result(WAIT)
        behind.generate("second", model="fake:image", topic="T").result(WAIT)
        assert [batch.prompt for batch in behind.batches("T")] == ["second", "first"]


@pytest.mark.parametrize("text", ["\ud800", "a\0b"])
def test_a_text_that_cannot_be_stored_is_refused_by_name(text):
    with open_studio(FakeProvider()) as studio:
        with pytest.raises(InvalidRequest, match="cannot be stored"):
            studio.new_topic(text)
        with pytest.raises(InvalidRequest, match="cannot be stored"):
            studio.new_topic("foxes").rename(text)
        with pytest.raises(InvalidRequest, match="cannot be stored"):
            studio.generate(text, model="fake:image")
        with pytest.raises(InvalidRequest, match="cannot be stored"):
            studio.generate("a fox", model="fake:image", topic=text)
        assert studio.search(text) == []
        assert studio.search("") == []

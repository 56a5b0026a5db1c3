"""The store is locked, the disk is full, an image kills its reader: images that were paid for are kept."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from imgplay_widget._engine.engine import LOCKED_WAIT
from imgplay_widget._rules.changes import Change, NoticeGiven
from imgplay_widget._rules.lifecycle import MAX_RESUMES
from imgplay_widget._store import Store
from imgplay_widget.testing import open_studio
from tests.faults.child import outcomes
from tests.faults.conftest import WAIT, Child, assert_whole, left_over, rows
from tests.faults.job_provider import JobProvider, QuickClock

OK = "success"
BUSY = 0.1
DEADLINE = 3.0

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_program_holds(store: Path) -> Iterator[None]:
    command = [sys.executable, "-c", HOLDER, str(store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.communicate(timeout=WAIT)


class LockedClock(QuickClock):
    """A clock that reports when a locked store was waited for so often that every deadline is over."""

    def __init__(self) -> None:
        super().__init__()
        self.long_locked = threading.Event()
        self._waits = 0

    async def sleep(self, seconds: float) -> None:
        if seconds == LOCKED_WAIT:
            self._waits += 1
            if self._waits * BUSY > DEADLINE:
                self.long_locked.set()
        await super().sleep(seconds)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a store wait only a short time for other programs."""
    monkeypatch.setitem(Store.open.__func__.__kwdefaults__, "busy_timeout", BUSY)


@pytest.mark.parametrize("longer_than_the_deadline", [False, True])
@pytest.mark.usefixtures("impatient")
def test_what_was_paid_is_kept_while_another_program_holds_the_store(store, server, longer_than_the_deadline):
    clock, noticed = LockedClock(), threading.Event()
    notices: list[str] = []

    async def notice(changes: list[Change]) -> None:
        for change in changes:
            if isinstance(change, NoticeGiven):
                notices.append(change.notice.message)
                noticed.set()

    hold = server.hold("answer")
    options = {"deadline": DEADLINE} if longer_than_the_deadline else {}
    with open_studio(JobProvider(server.origin), store=store, clock=clock) as studio:
        studio._core.subscribe(notice)
        batches = [studio.generate("a fox", model=f"jobs:{m}", n=2, **options) for m in ("sheet", "queue")]
        server.until(lambda: len(server.submits) == 3)
        with another_program_holds(store):
            hold.open()
            assert noticed.wait(WAIT)
            if longer_than_the_deadline:
                assert clock.long_locked.wait(WAIT)
        assert batches[0].result(WAIT).status == OK
        # The ticket is kept too, even where no time is left to wait for the job.
        codes = outcomes(studio)[1]
        if longer_than_the_deadline:
            assert codes == ["deadline"] * 2
            batches[1].retry()
            codes = outcomes(studio)[1]
        assert codes == [OK] * 2
        studio._core.call(studio._core.archive.settle)
        assert all("Results are kept" in notice for notice in notices)
    assert len(server.submits) == 3
    assert_whole(store)


@pytest.mark.usefixtures("impatient")
def test_a_request_that_cannot_be_stored_says_so_and_is_not_sent(store, server):
    from imgplay_widget.errors import StoreLocked

    with open_studio(JobProvider(server.origin), store=store, clock=QuickClock()) as studio:
        with another_program_holds(store):
            batch = studio.generate("a fox", model="jobs:image")
            with pytest.raises(StoreLocked):
                batch.result(WAIT)
        assert studio.topics == []
        assert studio.generate("a hare", model="jobs:image").result(WAIT).status == OK
        studio._core.call(studio._core.archive.settle)
    assert [submit.prompt for submit in server.submits] == ["a hare"]
    assert_whole(store)


@pytest.mark.parametrize(("model", "sent"), [("image", 2), ("queue", 1)])
def test_a_full_disk_leaves_no_partial_file_and_retry_goes_on(start, store, server, model, sent):
    server.big = True
    child = start()
    child.ask("limit files", bytes=1_000_000)
    (batch,) = child.ask("generate", prompts=["a fox"], model=model, n=1)
    assert child.ask("wait") == [["disk_full"]]
    assert_whole(store)
    child.ask("limit files", bytes=-1)
    child.ask("retry", batch=batch)
    assert child.ask("wait") == [[OK]]
    child.ask("settle")
    child.leave()
    # With a ticket, the studio asks for the same job again.
    assert len(server.submits) == sent
    assert_whole(store)


@pytest.mark.parametrize(("model", "point"), [("image", "after a file"), ("queue", "after the links")])
def test_an_image_that_kills_every_kernel_is_parked(start, store, server, model, point):
    child = start()
    child.ask("arm", point=point)
    child.tell("generate", prompts=["a fox"], model=model, n=1)
    child.died()
    for _ in range(MAX_RESUMES):
        poisoned = Child(store, server, die_in="in the decoder")
        assert poisoned.process.wait(WAIT) == 7
        poisoned.end()
    last = start(die_in="in the decoder")
    assert last.ask("wait") == [["internal"]]
    last.ask("settle")
    last.leave()
    assert len(server.submits) == 1
    # The bytes that arrived were paid for, so they are kept.
    generations = rows(store, "SELECT id FROM image_generations")
    assert left_over(store) == [f"incoming/{one}" for (one,) in generations if model == "image"]


@pytest.mark.usefixtures("impatient")
def test_a_held_store_gives_no_wrong_batch_and_takes_no_scores(store, server):
    from imgplay_widget.errors import StoreLocked

    with open_studio(JobProvider(server.origin), store=store, clock=QuickClock()) as studio:
        one = studio.generate("a fox", model="jobs:image").result(WAIT)[0]
        with another_program_holds(store):
            with pytest.raises(StoreLocked):
                one.scores["clip"] = 0.31
            with pytest.raises(StoreLocked):
                one.tags.add("poster")
            with pytest.raises(StoreLocked):
                studio.generate("a hare", model="jobs:image", cache=True).result(WAIT)
            # With a write-ahead log, the store can be read meanwhile.
            with suppress(StoreLocked):
                assert studio.generate("a fox", model="jobs:image", cache=True) == one.batch
            with suppress(StoreLocked):
                assert one.parents == []
            with suppress(StoreLocked):
                assert one.children == []
        assert (one.scores, one.tags) == ({}, set())
        one.scores["clip"] = 0.31
        assert studio.generate("a hare", model="jobs:image", cache=True).result(WAIT).status == OK
        studio._core.call(studio._core.archive.settle)
    assert [submit.prompt for submit in server.submits] == ["a fox", "a hare"]
    assert_whole(store)

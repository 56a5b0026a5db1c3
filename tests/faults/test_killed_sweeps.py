"""A kernel that is killed while it makes, runs or cancels a sweep loses no cell, and pays for none twice."""

from __future__ import annotations

import pytest

from tests.faults.conftest import StartChild, assert_whole, next_start

VALUES = [f"fox {number}" for number in range(6)]


def kill_at(start: StartChild, point: str, count: int = 1) -> None:
    child = start()
    child.ask("arm", point=point, count=count)
    child.tell("sweep", values=VALUES, model="image")
    child.died()


def test_before_the_sweep_is_committed_nothing_has_happened(start, store, server):
    kill_at(start, "inside the batch's transaction")
    with next_start(store, server) as studio:
        assert (studio.sweeps(), studio.topics) == ([], [])
    assert server.submits == []
    assert_whole(store)


@pytest.mark.parametrize(
    ("point", "count"),
    [("after the sweep", 1), ("after submitting", 3), ("after a file", 2), ("after the row", 4)],
)
def test_the_next_start_finishes_the_sweep_and_its_call_completes_it(start, store, server, point, count):
    kill_at(start, point, count)
    with next_start(store, server) as studio:
        (grid,) = studio.sweeps()
        assert (len(grid), grid.template, grid.axes) == (6, "a {a}", {"a": VALUES})
        sent, finished = server.billed, grid.finished
        again = studio.sweep("a {a}", a=VALUES, model="jobs:image").result(60)
        assert (again, again.finished, studio.sweeps()) == (grid, 6, [grid])
        # What the start did not finish has the error that it may have been billed.
        assert server.billed - sent == 6 - finished
        studio._core.call(studio._core.archive.settle)
        assert_whole(store)


@pytest.mark.parametrize("point", ["before a cancellation", "after a cancellation"])
def test_a_sweep_is_cancelled_whole_or_goes_on_whole(start, store, server, point):
    server.working = True
    child = start()
    sweep = child.ask("sweep", values=VALUES, model="keyed")
    child.ask("arm", point=point)
    child.tell("cancel sweep", sweep=sweep)
    child.died()
    server.working = False
    with next_start(store, server) as studio:
        (grid,) = studio.sweeps()
        states = {str(one.status) for one in grid.generations}
        assert states == ({"cancelled"} if point == "after a cancellation" else {"success"})
        assert grid.id == sweep
        assert_whole(store)

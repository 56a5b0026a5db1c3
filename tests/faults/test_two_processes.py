"""Two kernels on one store: nothing is lost, one kernel drives a task, and each stops what the other ends."""

from __future__ import annotations

import pytest

from tests.faults.conftest import assert_whole, left_over, rows

OK = "success"
SECONDS = 2.0
"""The seconds between two looks at the store, which the clock of the child shortens."""


def test_both_generate_at_once_and_every_call_is_sent_once(start, store, server):
    both = [start(heartbeat=SECONDS), start(heartbeat=SECONDS)]
    for number, child in enumerate(both):
        child.tell("generate", prompts=[f"fox {number} {i}" for i in range(25)], model="image", n=2)
    assert [len(child.hear()) for child in both] == [25, 25]
    for child in both:
        child.tell("wait")
    for child in both:
        assert child.hear()[-25:] == [[OK, OK]] * 25
    for child in both:
        child.ask("settle")
        child.leave()
    assert len(server.submits) == 100
    assert set(server.per_unit().values()) == {1}
    # Neither kernel took a task of the other, not even a waiting one.
    assert rows(store, "SELECT sum(resumes) FROM image_async_tasks") == [(0,)]
    assert rows(store, "SELECT count(DISTINCT asset_digest) FROM image_generations") == [(100,)]
    assert_whole(store)


def test_the_other_one_takes_over_the_jobs_of_the_one_that_is_killed(start, store, server):
    server.working = True
    holder, other = start(heartbeat=SECONDS), start(heartbeat=SECONDS)
    other.wait_ready()
    holder.ask("generate", prompts=[f"fox {i}" for i in range(10)], model="queue", n=1)
    server.until(lambda: len(server.polls) == 8)
    other.ask("beat")
    holder.kill()
    server.working = False
    assert other.ask("wait") == [[OK]] * 10
    other.ask("settle")
    other.leave()
    assert set(server.per_unit().values()) == {1}
    assert_whole(store)


@pytest.mark.parametrize(
    ("point", "model"),
    [
        ("before the end", "queue"),
        ("before the end", "image"),
        ("after submitting", "image"),
        ("before the ticket", "queue"),
    ],
)
def test_a_holder_that_sleeps_keeps_its_tasks_whatever_the_clock_of_the_other_says(
    start, store, server, point, model
):
    holder, other = start(heartbeat=SECONDS), start(ahead=3600)
    other.wait_ready()
    holder.ask("arm", point=point, how="stop")
    holder.tell("generate", prompts=["a fox"], model=model, n=1)
    holder.stopped()
    other.ask("beat")
    unfinished = "SELECT count(*) FROM image_async_tasks WHERE status IN ('pending', 'processing')"
    assert rows(store, unfinished) == [(1,)]
    holder.wake()
    holder.hear()
    assert holder.ask("wait") == [[OK]]
    for child in (holder, other):
        child.ask("settle")
        child.leave()
    assert set(server.per_unit().values()) == {1}
    assert_whole(store)


@pytest.mark.parametrize("what", ["cancel", "delete"])
def test_what_one_ends_the_driver_stops(start, store, server, what):
    server.working = True
    driver, other = start(heartbeat=SECONDS), start()
    other.wait_ready()
    (batch,) = driver.ask("generate", prompts=["a fox"], model="queue", n=2)
    server.until(lambda: len(server.polls) == 2)
    if what == "cancel":
        other.ask("cancel", batch=batch)
    else:
        other.ask("delete", what=batch)
    # The kernel that drives the jobs stops both at the provider.
    server.until(lambda: len(server.cancelled) == 2)
    assert driver.ask("wait") == ([["cancelled", "cancelled"]] if what == "cancel" else [])
    for child in (driver, other):
        child.leave()
    assert len(server.submits) == 2
    assert_whole(store)


def test_one_place_is_cancelled_by_the_other_and_its_sibling_comes(start, store, server):
    server.working = True
    driver, other = start(heartbeat=SECONDS), start()
    other.wait_ready()
    (batch,) = driver.ask("generate", prompts=["a fox"], model="queue", n=2)
    server.until(lambda: len(server.polls) == 2)
    ((second,),) = rows(store, "SELECT id FROM image_generations WHERE position = 1")
    other.ask("cancel", batch=batch, generation=second)
    server.until(lambda: len(server.cancelled) == 1)
    server.working = False
    assert driver.ask("wait") == [[OK, "cancelled"]]
    driver.ask("settle")
    other.ask("beat")
    assert other.ask("wait") == [[OK, "cancelled"]]
    for child in (driver, other):
        child.leave()
    assert_whole(store)


def test_what_arrives_for_a_cancelled_call_is_kept(start, store, server):
    driver, other = start(), start()
    other.wait_ready()
    driver.ask("arm", point="after a file", how="stop")
    driver.tell("generate", prompts=["a fox"], model="image", n=1)
    driver.stopped()
    ((batch,),) = rows(store, "SELECT id FROM image_generation_batches")
    other.ask("cancel", batch=batch)
    driver.wake()
    driver.hear()
    assert driver.ask("wait") == [["cancelled"]]
    for child in (driver, other, start()):
        child.ask("settle")
        child.leave()
    # The call may have been billed, so the bytes are not thrown away.
    ((generation,),) = rows(store, "SELECT id FROM image_generations")
    assert left_over(store) == [f"incoming/{generation}"]

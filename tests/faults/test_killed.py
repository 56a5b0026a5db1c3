"""A kernel that is killed at any point loses nothing, and the next start does not pay for anything twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgplay_widget.errors import ImgplayError
from tests.faults.child import outcomes
from tests.faults.conftest import StartChild, assert_whole, assets_of, next_start, rows
from tests.servers.job_server import JobServer

OK = "success"


def kill_at(start: StartChild, point: str, model: str, n: int, count: int = 1) -> None:
    child = start()
    child.ask("arm", point=point, count=count)
    child.tell("generate", prompts=["a fox"], model=model, n=n)
    child.died()


def assert_retry_and_discard_work(store: Path, server: JobServer, studio) -> None:
    """Check that Retry sends again once what failed, and that a deletion leaves nothing."""
    sent, failed = len(server.submits), [code for code in outcomes(studio)[0] if code != OK]
    batch = studio.batches(studio.topics[0])[0]
    batch.retry().result(60)
    assert outcomes(studio) == [[OK] * len(batch)]
    studio._core.call(studio._core.archive.settle)
    again = [position for submit in server.submits[sent:] for position in submit.positions]
    assert len(again) == len(failed)
    assert_whole(store)
    batch.delete()
    studio.delete(studio.topics[0])
    studio._core._clock.advance(61)
    studio._core.call(studio._core.curator.purge)
    assert_whole(store)
    assert not [path for path in assets_of(store).rglob("*.*") if path.suffix != ".lock"]


def test_before_the_batch_is_committed_nothing_has_happened(start, store, server):
    kill_at(start, "inside the batch's transaction", "image", 2)
    with next_start(store, server) as studio:
        assert outcomes(studio) == []
        assert studio.topics == []
    assert server.submits == []
    assert_whole(store)


@pytest.mark.parametrize(
    ("point", "model", "n", "count", "expected", "sent", "billed"),
    [
        # Nothing was sent, so the call is sent now.
        ("after the batch", "image", 3, 1, [OK] * 3, 3, 3),
        # Only the intent to send is known. With an idempotency key the call may be sent again.
        ("after submitting", "image", 1, 1, ["uncertain"], 0, 0),
        ("after submitting", "queue", 1, 1, ["uncertain"], 0, 0),
        ("after submitting", "keyed", 1, 1, [OK], 1, 1),
        # The answer arrived and was not stored.
        ("before the ticket", "queue", 1, 1, ["uncertain"], 1, 1),
        ("before the ticket", "keyed", 1, 1, [OK], 2, 1),
        # The job is known.
        ("after the ticket", "queue", 1, 1, [OK], 1, 1),
        ("after the ticket", "queue-sheet", 4, 1, [OK] * 4, 1, 1),
        ("after the links", "queue", 1, 1, [OK], 1, 1),
        # Bytes on the disk are used. Images that did not get there have an error.
        ("while a file is written", "image", 1, 1, ["uncertain"], 1, 1),
        ("while a file is written", "queue", 1, 1, [OK], 1, 1),
        ("after a file", "image", 1, 1, [OK], 1, 1),
        ("after a file", "queue-sheet", 4, 2, [OK] * 4, 1, 1),
        ("inside the row's transaction", "sheet", 4, 3, [OK] * 4, 1, 1),
        ("before the end", "sheet", 4, 1, [OK] * 4, 1, 1),
        # With an idempotency key, the studio asks for the rest again, and does not pay again.
        ("after a file", "keyed-sheet", 4, 2, [OK] * 4, 2, 1),
        ("after the row", "image", 1, 1, [OK], 1, 1),
        ("after a cover's file", "image", 1, 1, [OK], 1, 1),
    ],
)
def test_the_next_start_finishes_or_names_it(
    start, store, server, point, model, n, count, expected, sent, billed
):
    kill_at(start, point, model, n, count)
    with next_start(store, server) as studio:
        assert outcomes(studio) == [expected]
        assert len(server.submits) == sent
        assert server.billed == billed
        assert_whole(store)
        # Each image is booked once, whether it arrived or may have been billed.
        assert rows(store, "SELECT sum(images) FROM image_spending") == [(n,)]
        if expected != [OK] * n:
            assert_retry_and_discard_work(store, server, studio)


def test_of_four_files_two_were_there(start, store, server):
    kill_at(start, "after a file", "sheet", 4, count=2)
    with next_start(store, server) as studio:
        (found,) = outcomes(studio)
        # The pool writes several images at once, so a third one may have got there too.
        assert set(found) == {OK, "uncertain"}
        assert found.count(OK) in (2, 3)
        assert len(server.submits) == 1
        assert_whole(store)
        assert_retry_and_discard_work(store, server, studio)


@pytest.mark.parametrize(
    ("model", "expected", "sent"), [("image", "uncertain", 1), ("queue", "uncertain", 1), ("keyed", OK, 2)]
)
def test_the_provider_has_the_call_and_the_answer_never_came(start, store, server, model, expected, sent):
    child, hold = start(), server.hold("answer")
    child.ask("generate", prompts=["a fox"], model=model, n=1)
    hold.wait_reached()
    child.kill()
    hold.open()
    with next_start(store, server) as studio:
        assert outcomes(studio) == [[expected]]
        assert len(server.submits) == sent
        assert server.billed == 1
        assert_whole(store)
        if expected != OK:
            assert_retry_and_discard_work(store, server, studio)


@pytest.mark.parametrize("expired", [False, True])
def test_in_mid_download(start, store, server, expired):
    child, hold = start(), server.hold("file")
    child.ask("generate", prompts=["a fox"], model="queue-sheet", n=4)
    hold.wait_reached()
    child.kill()
    hold.open()
    if expired:
        server.expire_links()
    with next_start(store, server) as studio:
        assert outcomes(studio) == [[OK] * 4]
    assert len(server.submits) == 1
    assert_whole(store)


def test_while_the_job_runs_and_more_calls_wait(start, store, server):
    server.working = True
    child = start()
    child.ask("generate", prompts=[f"fox {i}" for i in range(12)], model="queue", n=1)
    server.until(lambda: len(server.polls) >= 8)
    child.kill()
    server.working = False
    with next_start(store, server) as studio:
        assert outcomes(studio) == [[OK]] * 12
    assert set(server.per_unit().values()) == {1}
    assert_whole(store)


def test_an_old_request_that_was_never_sent_waits_for_the_user(start, store, server):
    kill_at(start, "after the batch", "image", 1)
    with next_start(store, server, ahead=3600) as studio:
        assert outcomes(studio) == [["interrupted"]]
        assert server.submits == []
        assert_whole(store)
        assert_retry_and_discard_work(store, server, studio)


def test_in_a_retry_before_it_is_sent(start, store, server):
    server.refuse(1)
    child = start()
    (batch,) = child.ask("generate", prompts=["a fox"], model="image", n=1)
    assert child.ask("wait") == [["server_error"]]
    child.ask("arm", point="after a retry's task")
    child.tell("retry", batch=batch)
    child.died()
    with next_start(store, server) as studio:
        assert outcomes(studio) == [[OK]]
    assert len(server.submits) == 2
    assert_whole(store)


def deleted_by(child, store, what):
    """Make two images, and return the id of the topic, batch or generation to delete."""
    child.ask("generate", prompts=["a fox"], model="sheet", n=2)
    assert child.ask("wait") == [[OK, OK]]
    child.ask("settle")
    tables = {"topic": "image_generation_topics", "batch": "image_generation_batches"}
    ((gone,), *_) = rows(store, f"SELECT id FROM {tables.get(what, 'image_generations')}")
    return gone


@pytest.mark.parametrize("what", ["topic", "batch", "generation"])
def test_in_a_purge_between_rows_and_files(start, store, server, what):
    child = start()
    gone = deleted_by(child, store, what)
    child.ask("delete", what=gone)
    child.ask("arm", point="between rows and files")
    child.tell("purge")
    child.died()
    with next_start(store, server) as studio:
        assert outcomes(studio) == ([[OK]] if what == "generation" else [])
        assert len(studio.topics) == (what != "topic")
    assert_whole(store)


@pytest.mark.parametrize("what", ["topic", "batch", "generation"])
@pytest.mark.parametrize("point", ["after a delete", "after an undo"])
def test_what_was_deleted_can_be_brought_back_by_the_next_kernel(start, store, server, what, point):
    child = start()
    gone = deleted_by(child, store, what)
    if point == "after an undo":
        child.ask("delete", what=gone)
    # An id alone is looked up as a topic first, then as a batch.
    tries = ("topic", "batch", "generation").index(what) + 1 if point == "after an undo" else 1
    child.ask("arm", point=point, count=tries)
    child.tell("restore" if point == "after an undo" else "delete", what=gone)
    child.died()
    with next_start(store, server) as studio:
        if point == "after a delete":
            assert outcomes(studio) == ([[OK]] if what == "generation" else [])
            studio.restore(gone)
            studio._core.call(studio._core.archive.settle)
        assert outcomes(studio) == [[OK, OK]]
        (topic,) = studio.topics
        assert (topic.images, topic.running) == (2, 0)
        assert topic.cover is not None
    assert_whole(store)


def test_what_ran_when_it_was_deleted_is_not_taken_up(start, store, server):
    server.working = True
    child = start()
    (batch,) = child.ask("generate", prompts=["a fox"], model="queue", n=2)
    server.until(lambda: len(server.polls) >= 2)
    child.ask("arm", point="after a delete")
    child.tell("delete", what=batch)
    child.died()
    with next_start(store, server) as studio:
        assert outcomes(studio) == []
        studio.restore(batch)
        assert outcomes(studio) == [["cancelled", "cancelled"]]
    assert len(server.submits) == 2
    assert_whole(store)
    with next_start(store, server) as studio:
        studio.delete(batch)
    with next_start(store, server, ahead=61) as studio:
        assert studio.topics[0].images == 0
    assert rows(store, "SELECT id FROM image_generation_batches") == []


def test_a_shutdown_in_the_middle_goes_on_at_the_next_start(start, store, server):
    server.working = True
    child = start()
    child.ask("generate", prompts=["a fox", "a hare"], model="queue", n=2)
    server.until(lambda: len(server.polls) == 4)
    child.leave()
    server.working = False
    with next_start(store, server) as studio:
        assert outcomes(studio) == [[OK, OK], [OK, OK]]
    assert set(server.per_unit().values()) == {1}
    assert_whole(store)


def test_a_model_that_the_next_kernel_lacks_is_named(start, store, server):
    from imgplay_widget.testing import open_studio

    kill_at(start, "after the ticket", "queue", 1)
    with open_studio(store=store) as studio:
        assert outcomes(studio) == [["provider_missing"]]
    with next_start(store, server) as studio:
        batch = studio.batches(studio.topics[0])[0]
        with pytest.raises(ImgplayError):
            batch.result(1)
        assert batch.retry().result(60)[0].status == OK
    # The job ran on. The studio asks for it, and does not pay again.
    assert len(server.submits) == 1
    assert_whole(store)

"""A studio as users see it, with a provider that answers by a script."""

from __future__ import annotations

import asyncio
import gc
import io
import random
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from PIL import Image

from imgplay_widget import Status
from imgplay_widget._rules.attempts import next_attempt
from imgplay_widget._rules.changes import Progressed, TopicWritten
from imgplay_widget._rules.lifecycle import MAX_RESUMES
from imgplay_widget._types import Done, Inline, Missing, Partial, Pending, Stage
from imgplay_widget.errors import (
    BadKey,
    BadResponse,
    BillingError,
    Cancelled,
    ConnectFailed,
    CorruptImage,
    DeadlineExceeded,
    ImgplayError,
    InternalError,
    InvalidRequest,
    Lost,
    Moderated,
    NetworkError,
    NoImage,
    NotFound,
    QuotaUsedUp,
    RateLimited,
    ServerError,
    StudioClosed,
    Uncertain,
    UnknownParameter,
)
from imgplay_widget.testing import FakeProvider, Gate, InstantClock, mask_png, open_studio, picture, png

WAIT = 20
NARROW = mask_png(32, 64, free=(0, 0, 9, 9))


def jpeg(colour="black"):
    out = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(out, "JPEG")
    return out.getvalue()


def large():
    """Return a mask of more bytes than the fake provider takes."""
    out = io.BytesIO()
    noise = random.Random(3).randbytes(4 * 600 * 600)
    Image.frombytes("RGBA", (600, 600), noise).save(out, "PNG", compress_level=0)
    return out.getvalue()


def rows(studio, table):
    from sqlalchemy import create_engine, text

    engine = create_engine(f"sqlite:///{studio.location}")
    with engine.connect() as connection:
        found = [dict(row._mapping) for row in connection.execute(text(f"SELECT * FROM {table}"))]
    engine.dispose()
    return found


def test_four_images_are_stored_with_the_seeds_that_were_sent():
    fake = FakeProvider()
    with open_studio(fake) as studio:
        batch = studio.generate("a red fox", model="fake:image", n=4, seed=7).result(WAIT)
        assert [g.seed for g in batch] == [7, 8, 9, 10]
        assert [unit.seed for unit in fake.submits] == [7, 8, 9, 10]
        assert all(g.image.size == (64, 64) for g in batch)
        assert batch.status is Status.SUCCESS


def test_a_random_seed_is_drawn_sent_and_recorded():
    fake = FakeProvider()
    with open_studio(fake) as studio:
        batch = studio.generate("a red fox", model="fake:image", n=2).result(WAIT)
        seeds = [g.seed for g in batch]
        assert None not in seeds
        assert len(set(seeds)) == 2
        assert seeds == [unit.seed for unit in fake.submits]


def test_a_model_with_native_n_is_called_once():
    fake = FakeProvider()
    with open_studio(fake) as studio:
        batch = studio.generate("foxes", model="fake:sheet", n=4).result(WAIT)
        assert len(fake.submits) == 1
        assert fake.submits[0].n == 4
        assert all(g.status is Status.SUCCESS for g in batch)


def test_fewer_images_than_asked_leave_an_error_in_the_empty_place():
    fake = FakeProvider([picture(3)])
    with open_studio(fake) as studio:
        batch = studio.generate("foxes", model="fake:sheet", n=4).result(WAIT)
        assert [g.status for g in batch] == [Status.SUCCESS] * 3 + [Status.ERROR]
        assert isinstance(batch[3].error, NoImage)
        batch[3].retry()
        batch.result(WAIT)
        assert batch[3].status is Status.SUCCESS
        assert [unit.n for unit in fake.submits] == [4, 1]


def test_a_place_that_the_provider_refused_keeps_its_reason():
    refused = Missing(error=Moderated("flagged", provider="fake").info)
    fake = FakeProvider([Done(images=(*picture().images, refused))])
    with open_studio(fake) as studio:
        batch = studio.generate("foxes", model="fake:sheet", n=2).result(WAIT)
        assert isinstance(batch[1].error, Moderated)


def test_the_handle_is_awaited_from_any_loop():
    async def main(studio):
        first = studio.generate("one", model="fake:image")
        second = studio.generate("two", model="fake:image")
        return [batch.status for batch in await asyncio.gather(first, second)]

    with open_studio(FakeProvider()) as studio:
        assert asyncio.run(main(studio)) == [Status.SUCCESS, Status.SUCCESS]


def test_a_handle_that_nobody_keeps_is_awaited_to_its_end():
    gate = Gate(picture())

    async def main(studio):
        def open_late():
            assert gate.reached.wait(WAIT)
            gc.collect()
            gate.open()

        asyncio.get_running_loop().run_in_executor(None, open_late)
        async with asyncio.timeout(WAIT):
            return (await studio.generate("one", model="fake:image")).status

    with open_studio(FakeProvider([gate])) as studio:
        assert asyncio.run(main(studio)) is Status.SUCCESS


def test_result_gives_up_waiting_but_the_work_goes_on():
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        batch = studio.generate("slow", model="fake:image")
        with pytest.raises(TimeoutError):
            batch.result(timeout=0.01)
        gate.open()
        assert batch.result(WAIT)[0].status is Status.SUCCESS


def test_waiting_ends_when_the_studio_closes():
    gates = [Gate(picture()), Gate(picture())]
    with open_studio(FakeProvider(gates)) as studio:
        early = studio.generate("early", model="fake:image")
        assert gates[0].reached.wait(WAIT)
        late = studio.generate("late", model="fake:image")
        assert gates[1].reached.wait(WAIT)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(early.result, WAIT)
            studio.close()
            with pytest.raises(StudioClosed, match="before the batch ended"):
                waiting.result(WAIT)
    with pytest.raises(StudioClosed):
        late.result(WAIT)

    async def main():
        await late

    with pytest.raises(StudioClosed):
        asyncio.run(main())


def test_a_batch_that_ended_keeps_its_end_when_the_studio_closes():
    with open_studio(FakeProvider()) as studio:
        batch = studio.generate("a fox", model="fake:image").result(WAIT)
    assert batch.result(WAIT).status is Status.SUCCESS


def test_a_day_of_questions_ends_at_the_deadline_and_the_job_is_asked_for_again():
    waiting = Pending(ticket={"job": "job-1"})
    fake = FakeProvider(polls=[waiting] * 30_000)
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:queue", deadline=24 * 3600)
        with pytest.raises(DeadlineExceeded, match="86400 s"):
            batch.result(60)
        assert len(fake.polled) > 10_000
        studio._core.start(studio._core.archive.settle).result(WAIT)
        assert fake.cancelled == [{"job": "job-1"}]
        fake._polls.clear()
        batch.retry().result(WAIT)
    assert len(fake.submits) == 1


def test_a_request_without_any_image_raises_its_error():
    fake = FakeProvider([Moderated("The provider refused the prompt.", provider="fake")])
    with open_studio(fake) as studio:
        batch = studio.generate("no", model="fake:image")
        with pytest.raises(Moderated, match="refused the prompt"):
            batch.result(WAIT)
        assert batch[0].error.next_step
        with pytest.raises(Moderated):
            _ = batch[0].image


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"steps": 20}, UnknownParameter, "steps"),
        ({"width": 63}, InvalidRequest, "width=63.*64 to 2048"),
        ({"width": 100}, InvalidRequest, "width=100.*steps of 64"),
        ({"n": 5}, InvalidRequest, "n=5"),
        ({"n": 0}, InvalidRequest, "n=0"),
        ({"seed": -1}, InvalidRequest, "seed=-1"),
        ({"prompt": "  "}, InvalidRequest, "prompt"),
        ({"model": "fake:nope"}, NotFound, "nope"),
        ({"references": [b"<html>"]}, InvalidRequest, "reference"),
        ({"references": [png()] * 3}, InvalidRequest, "2"),
        ({"mask": png()}, InvalidRequest, "not have a reference"),
        ({"references": [png()], "mask": NARROW}, InvalidRequest, "32 × 64 pixels.*64 × 64"),
        ({"references": [png()], "mask": jpeg("teal")}, InvalidRequest, "in colours"),
        (
            {"references": [png()], "mask": b"<html>"},
            InvalidRequest,
            "mask cannot be used: The data are",
        ),
        ({"references": [png()], "mask": "nowhere.png"}, InvalidRequest, "The mask 'nowhere.png' cannot"),
        ({"references": [png()], "mask": 7}, InvalidRequest, "int cannot be used as a mask"),
        ({"references": [png()], "mask": large()}, InvalidRequest, r"The mask has 1\.\d MB.* 1 MB at most"),
        ({"model": "fake:sheet", "mask": png()}, InvalidRequest, "fake:sheet does not take a mask"),
        ({"deadline": 0}, InvalidRequest, "deadline"),
    ],
)
def test_bad_input_raises_before_anything_is_stored_or_sent(params, error, words):
    fake = FakeProvider()
    arguments = {"prompt": "a fox", "model": "fake:image", **params}
    with open_studio(fake) as studio:
        with pytest.raises(error, match=words):
            studio.generate(**arguments)
        assert studio.topics == []
        assert rows(studio, "image_generation_batches") == []
        assert not list(
            studio._core.files.path("originals/00/" + "0" * 64 + ".png").parent.parent.glob("*/*")
        )
    assert fake.submits == []


def test_the_errors_are_the_ones_that_python_expects():
    with open_studio(FakeProvider()) as studio:
        with pytest.raises(TypeError):
            studio.generate("a fox", model="fake:image", stepz=3)
        with pytest.raises(ValueError, match="width"):
            studio.generate("a fox", model="fake:image", width=1)


def test_a_refused_call_is_sent_again_after_the_time_that_the_provider_asked_for():
    fake = FakeProvider([RateLimited("busy", provider="fake", retry_after=7.0)])
    clock = InstantClock()
    with open_studio(fake, clock=clock) as studio:
        studio.generate("a fox", model="fake:image").result(WAIT)
    assert len(fake.submits) == 2
    assert 7.0 in clock.waits


def test_a_rate_limit_that_lasts_is_told_after_six_tries():
    fake = FakeProvider([RateLimited("busy", provider="fake")] * 20)
    with open_studio(fake) as studio, pytest.raises(RateLimited):
        studio.generate("a fox", model="fake:image").result(WAIT)
    assert len(fake.submits) == 6


def test_a_quota_is_not_asked_again():
    fake = FakeProvider([QuotaUsedUp("requests per day", provider="fake")])
    with open_studio(fake) as studio, pytest.raises(QuotaUsedUp, match="Wait until the quota"):
        studio.generate("a fox", model="fake:image").result(WAIT)
    assert len(fake.submits) == 1


def test_the_slot_is_free_while_a_call_waits_for_its_rate_limit_and_the_wait_is_told():
    class Patient(InstantClock):
        async def sleep(self, seconds):
            if seconds >= 30:
                await gate.wait()
            await super().sleep(seconds)

    gate = Gate(picture())
    seen = []

    async def listen(changes):
        seen.extend(change for change in changes if isinstance(change, Progressed))

    fake = FakeProvider([RateLimited("busy", provider="fake", retry_after=30.0)])
    with open_studio(fake, clock=Patient(), concurrency={"fake": 1}) as studio:
        studio._core.subscribe(listen, every=0.0)
        first = studio.generate("one", model="fake:image")
        assert gate.reached.wait(WAIT)
        studio.generate("two", model="fake:image").result(WAIT)
        assert not first.status.final
        assert re.search(r"pending.*, rate limited, next try in \d+ s>$", repr(first[0]))
        gate.open()
        first.result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        assert "next try" not in repr(first[0])
    told = [change.retry_in for change in seen]
    assert 30.0 in told
    assert told[-1] is None


def test_a_rate_limited_call_is_cancelled_while_it_waits():
    class Endless(InstantClock):
        async def sleep(self, seconds):
            if seconds >= 30:
                await gate.wait()
            await super().sleep(seconds)

    gate = Gate(picture())
    fake = FakeProvider([RateLimited("busy", provider="fake", retry_after=30.0)])
    with open_studio(fake, clock=Endless(), concurrency={"fake": 1}) as studio:
        batch = studio.generate("one", model="fake:image")
        assert gate.reached.wait(WAIT)
        batch.cancel()
        assert "Nothing was paid" in str(batch[0].error)
        # The slot was given back once, so exactly one further task runs at a time.
        held = Gate(picture())
        fake._script.append(held)
        studio.generate("two", model="fake:image")
        assert held.reached.wait(WAIT)
        studio.generate("three", model="fake:image")
        studio._core.call(studio._core.engine.beat)
        assert len(fake.submits) == 2
        held.open()


def test_a_rate_limit_beyond_the_deadline_is_told_at_once():
    fake = FakeProvider([RateLimited("busy", provider="fake", retry_after=10_000.0)])
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:image")
        with pytest.raises(RateLimited) as caught:
            batch.result(WAIT)
    assert caught.value.retry_after == 10_000.0
    assert len(fake.submits) == 1


def test_a_connection_that_was_refused_is_tried_three_times():
    fake = FakeProvider([ConnectFailed("refused", provider="fake")] * 5)
    with open_studio(fake) as studio, pytest.raises(ConnectFailed):
        studio.generate("a fox", model="fake:image").result(WAIT)
    assert len(fake.submits) == 3


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (NetworkError("reset", provider="fake"), Uncertain),
        (ServerError("502", provider="fake", maybe_billed=True), Uncertain),
        (ServerError("500", provider="fake"), ServerError),
        (BadResponse("<html>", provider="fake"), BadResponse),
        (BillingError("no credit", provider="fake"), BillingError),
    ],
)
def test_a_call_that_may_have_been_billed_is_never_repeated_by_itself(failure, expected):
    fake = FakeProvider([failure])
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:image")
        with pytest.raises(expected) as caught:
            batch.result(WAIT)
        assert len(fake.submits) == 1
        assert caught.value.next_step
        assert batch[0].error.code == expected.code
        if expected is not BillingError:
            batch.retry().result(WAIT)
            assert len(fake.submits) == 2
            assert batch.status is Status.SUCCESS


def test_a_provider_that_honours_keys_is_asked_again_under_the_same_key():
    fake = FakeProvider([NetworkError("reset", provider="fake")])
    with open_studio(fake) as studio:
        studio.generate("a fox", model="fake:keyed").result(WAIT)
    assert len(fake.submits) == 2
    assert len({unit.key for unit in fake.submits}) == 1


def test_a_queued_job_is_polled_until_it_is_done_whatever_polls_fail():
    waiting = Pending(ticket={"job": "job-1"}, progress=0.5)
    fake = FakeProvider(
        polls=[waiting, *[NetworkError("reset", provider="fake")] * 20, ServerError("500"), waiting]
    )
    with open_studio(fake) as studio:
        studio.generate("a fox", model="fake:queue").result(WAIT)
    assert len(fake.submits) == 1
    assert len(fake.polled) == 24


def test_retry_after_of_a_poll_is_obeyed():
    clock = InstantClock()
    fake = FakeProvider(polls=[Pending(ticket={"job": "job-1"}, retry_after=9.0)])
    with open_studio(fake, clock=clock) as studio:
        studio.generate("a fox", model="fake:queue").result(WAIT)
    assert any(wait >= 9.0 for wait in clock.waits)


def test_a_job_that_never_ends_is_stopped_at_its_deadline():
    fake = FakeProvider(polls=[Pending(ticket={"job": "job-1"})] * 10_000)
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:queue", deadline=60)
        with pytest.raises(DeadlineExceeded, match="60 s"):
            batch.result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        assert fake.cancelled == [{"job": "job-1"}]


def test_retry_after_a_deadline_asks_for_the_job_instead_of_paying_again():
    fake = FakeProvider(polls=[Pending(ticket={"job": "job-1"})] * 30)
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:queue", deadline=60)
        with pytest.raises(DeadlineExceeded):
            batch.result(WAIT)
        fake._polls.clear()
        batch.retry().result(WAIT)
        assert batch.status is Status.SUCCESS
    assert len(fake.submits) == 1


def test_a_call_without_an_answer_by_the_deadline_is_uncertain():
    gate = Gate(picture())
    fake = FakeProvider([gate])
    clock = InstantClock()
    with open_studio(fake, clock=clock) as studio:
        batch = studio.generate("a fox", model="fake:image", deadline=60)
        assert gate.reached.wait(WAIT)
        clock.advance(60)
        with pytest.raises(Uncertain, match="may have been billed"):
            batch.result(WAIT)


def test_graceful_restarts_never_park_a_job(tmp_path):
    fake = FakeProvider(polls=[Gate(picture())] * 8)
    for restart in range(8):
        with open_studio(fake, store=tmp_path) as studio:
            if restart == 0:
                gate = fake._polls[0]
                studio.generate("a fox", model="fake:queue")
                assert gate.reached.wait(WAIT)
    fake._polls.clear()
    with open_studio(fake, store=tmp_path) as studio:
        (batch,) = studio.batches()
        assert batch.result(WAIT).status is Status.SUCCESS
    assert len(fake.submits) == 1


def test_a_job_that_only_waited_for_its_turn_is_not_blamed_for_the_death_of_a_kernel(tmp_path):
    folder = tmp_path / "0"
    folder.mkdir()
    gates = [Gate(picture()), Gate(picture())]
    fake = FakeProvider(polls=gates)
    with open_studio(fake, store=folder / "s.sqlite") as studio:
        for prompt in ("first", "second"):
            studio.generate(prompt, model="fake:queue", topic="foxes")
        assert all(gate.reached.wait(WAIT) for gate in gates)
        # A copy of a store in use is what a killed kernel leaves.
        shutil.copytree(folder, tmp_path / "1")
    for death in range(1, MAX_RESUMES + 2):
        gate = Gate(picture())
        store = tmp_path / str(death) / "s.sqlite"
        with open_studio(FakeProvider(polls=[gate]), store=store, concurrency={"fake": 1}) as studio:
            if death <= MAX_RESUMES:
                assert gate.reached.wait(WAIT)
                shutil.copytree(store.parent, tmp_path / str(death + 1))
                continue
            gate.open()
            second, first = studio.batches("foxes")
            with pytest.raises(InternalError, match=f"died {MAX_RESUMES + 1} times"):
                first.result(WAIT)
            assert second.result(WAIT).status is Status.SUCCESS


@pytest.mark.parametrize("code", ["internal", "rate_limited", "network", "bad_key", "store"])
def test_retry_asks_for_a_job_by_its_ticket_after_every_error_that_says_nothing_of_the_job(code):
    error = next(kind for kind in every_error() if kind.code == code)
    fake = FakeProvider(polls=[BadKey("refused", provider="fake")])
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:queue")
        with pytest.raises(BadKey):
            batch.result(WAIT)
        (row,) = batch._live.entry.tasks
        task = replace(row, error=error("said", next_step="").info)
        again = next_attempt(task, batch._live.entry.generations, row.created_at, estimate=lambda _: None)
        assert (again.stage, again.ticket) == (Stage.PROCESSING, {"job": "job-1"})
        assert again.unit.key == task.unit.key
        batch.retry().result(WAIT)
    assert len(fake.submits) == 1


def every_error(root=ImgplayError):
    yield root
    for child in root.__subclasses__():
        yield from every_error(child)


def test_a_lost_job_is_an_error_with_retry():
    fake = FakeProvider(polls=[Lost("404", provider="fake")])
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:queue")
        with pytest.raises(Lost):
            batch.result(WAIT)
        batch.retry().result(WAIT)
    assert len(fake.submits) == 2


@pytest.mark.parametrize(
    "data",
    [png()[:60], b"<html>nginx</html>", b"", png()[:40] + b"x" + png()[41:]],
    ids=["truncated", "html", "empty", "flipped"],
)
def test_bytes_that_are_no_whole_image_never_become_one(data):
    from imgplay_widget._types import Inline

    fake = FakeProvider([Done(images=(Inline(data=data),))])
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:image")
        with pytest.raises(CorruptImage):
            batch.result(WAIT)
        assert not list(studio._core.files.path("covers/x.webp").parent.parent.glob("incoming/*"))
    assert len(fake.submits) == 1


def test_cancel_stops_what_runs_and_keeps_what_is_done():
    gate = Gate(picture())
    fake = FakeProvider([picture(), gate])
    with open_studio(fake, concurrency={"fake": 1}) as studio:
        batch = studio.generate("a fox", model="fake:image", n=3)
        assert gate.reached.wait(WAIT)
        batch.cancel()
        assert [g.status for g in batch] == [Status.SUCCESS, Status.CANCELLED, Status.CANCELLED]
        assert "may still finish the image and bill" in str(batch[1].error)
        assert "Nothing was paid" in str(batch[2].error)
        assert batch.result(WAIT) is batch
        batch.cancel()
        batch.retry().result(WAIT)
        assert all(g.status is Status.SUCCESS for g in batch)


def test_cancel_asks_the_provider_to_stop_a_queued_job():
    gate = Gate(picture())
    fake = FakeProvider(polls=[gate])
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:queue")
        assert gate.reached.wait(WAIT)
        batch.cancel()
        with pytest.raises(Cancelled):
            batch.result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
    assert fake.cancelled == [{"job": "job-1"}]


def test_only_as_many_tasks_run_at_once_as_the_provider_allows():
    gates = [Gate(picture()) for _ in range(3)]
    fake = FakeProvider(gates, concurrency=2)
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:image", n=3)
        assert gates[0].reached.wait(WAIT)
        assert gates[1].reached.wait(WAIT)
        assert len(fake.submits) == 2
        gates[0].open()
        assert gates[2].reached.wait(WAIT)
        gates[1].open()
        gates[2].open()
        batch.result(WAIT)


def purged(studio):
    """Let the time to undo pass."""
    studio._core._clock.advance(61)
    studio._core.start(studio._core.engine.beat).result(WAIT)


def test_deleting_leaves_no_row_and_no_file():
    with open_studio(FakeProvider(), clock=InstantClock()) as studio:
        first = studio.generate("one", model="fake:image", n=2, topic="foxes").result(WAIT)
        second = studio.generate("two", model="fake:sheet", n=2, topic="foxes").result(WAIT)
        folder = studio._core.files.path("covers/x.webp").parent.parent
        first[0].delete()
        assert len(first) == 1
        first.delete()
        assert [batch.id for batch in studio.batches("foxes")] == [second.id]
        studio.delete(studio.topics[0])
        assert studio.topics == []
        studio._core.start(studio._core.archive.settle).result(WAIT)
        purged(studio)
        for table in ("topics", "batches"):
            assert rows(studio, f"image_generation_{table}") == []
        assert rows(studio, "image_generations") == []
        assert rows(studio, "image_async_tasks") == []
        left = [p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"]
        # The mark says that nothing is left to bring from an old folder.
        assert left == [folder / "complete"]


def test_deleting_what_runs_stops_it():
    gate = Gate(picture())
    fake = FakeProvider(polls=[gate])
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:queue")
        assert gate.reached.wait(WAIT)
        studio.delete(batch)
        with pytest.raises(NotFound):
            batch.result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        assert fake.cancelled == [{"job": "job-1"}]
        assert [row["status"] for row in rows(studio, "image_async_tasks")] == ["cancelled"]
        studio.restore(batch)
        assert [g.status for g in batch] == [Status.CANCELLED]
        with pytest.raises(Cancelled):
            batch.result(WAIT)
        assert batch.retry().result(WAIT).status is Status.SUCCESS


def test_deleting_one_place_of_a_running_call_keeps_the_others():
    gate = Gate(picture(2))
    fake = FakeProvider([gate])
    with open_studio(fake) as studio:
        batch = studio.generate("foxes", model="fake:sheet", n=2)
        assert gate.reached.wait(WAIT)
        deleted = batch[0]
        deleted.delete()
        gate.open()
        batch.result(WAIT)
        assert [g.status for g in batch] == [Status.SUCCESS]
        studio.restore(deleted)
        assert [g.status for g in batch] == [Status.SUCCESS, Status.SUCCESS]
        assert deleted.image.size == batch[1].image.size


def test_what_is_deleted_comes_back_as_it_was_for_a_minute():
    clock = InstantClock()
    with open_studio(FakeProvider(), clock=clock) as studio:
        batch = studio.generate("foxes", model="fake:image", n=2).result(WAIT)
        first, second = batch
        topic = studio.topics[0]
        first.delete()
        studio.delete(topic)
        with pytest.raises(NotFound):
            batch.result(0)
        assert studio.batches(topic.id if studio.topics else None) == []
        clock.advance(30)
        studio._core.start(studio._core.engine.beat).result(WAIT)
        studio.restore(topic.id)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        assert [g.id for g in batch] == [second.id]
        assert batch.result(WAIT).status is Status.SUCCESS
        studio.restore(first.id)
        assert [g.id for g in batch] == [first.id, second.id]
        studio.restore(batch)
        batch.delete()
        purged(studio)
        for gone in (batch, first.id):
            with pytest.raises(NotFound):
                studio.restore(gone)


def test_what_cannot_be_deleted_or_restored_is_named():
    with open_studio(FakeProvider()) as studio:
        for act in (studio.delete, studio.restore):
            with pytest.raises(InvalidRequest, match="int cannot be"):
                act(5)
            with pytest.raises(NotFound):
                act("nothing")


def test_a_deleted_cover_makes_way_for_the_next_image():
    red = Done(images=(Inline(data=png(color=(200, 10, 10))),))
    with open_studio(FakeProvider([picture(), red])) as studio:
        first = studio.generate("one", model="fake:image").result(WAIT)
        # Otherwise the cover of the second image may be stored before that of the first.
        studio._core.start(studio._core.archive.settle).result(WAIT)
        second = studio.generate("two", model="fake:image").result(WAIT)
        cover = studio.topics[0].cover
        first.delete()
        studio._core.start(studio._core.archive.settle).result(WAIT)
        again = studio.topics[0].cover
        assert again not in (None, cover)
        last = second[0]
        last.delete()
        assert studio.topics[0].cover is None
        studio.restore(last)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        assert studio.topics[0].cover == again


def test_a_topic_knows_its_images_and_what_runs():
    gate = Gate(picture())
    seen = []

    async def listen(changes):
        seen.extend(change.topic for change in changes if isinstance(change, TopicWritten))

    with open_studio(FakeProvider([picture(), gate])) as studio:
        end = studio._core.subscribe(listen, every=0.0)
        done = studio.generate("one", model="fake:image").result(WAIT)
        running = studio.generate("two", model="fake:image")
        assert gate.reached.wait(WAIT)
        assert [(t.images, t.running) for t in studio.topics] == [(1, 1)]
        gate.open()
        running.result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        assert [(t.images, t.running) for t in studio.topics] == [(2, 0)]
        done.delete()
        assert [(t.images, t.running) for t in studio.topics] == [(1, 0)]
        studio.restore(done)
        assert [(t.images, t.running) for t in studio.topics] == [(2, 0)]
        end()
    assert (seen[-1].images, seen[-1].running) == (2, 0)


def test_a_topic_gets_title_cover_and_last_use():
    with open_studio(FakeProvider()) as studio:
        old = studio.new_topic("old")
        topic = studio.new_topic()
        batch = studio.generate("a red fox in the deep snow at night", model="fake:image").result(WAIT)
        assert batch.topic_id == topic.id
        studio._core.start(studio._core.archive.settle).result(WAIT)
        first, second = studio.topics
        assert (first.id, second.id) == (topic.id, old.id)
        assert first.title == "a red fox"
        assert first.cover
        assert first.cover.exists()
        assert first.updated_at >= batch._live.entry.batch.created_at


def test_an_old_topic_is_found_by_its_title_and_its_id_among_hundreds():
    with open_studio(FakeProvider()) as studio:
        foxes = studio.new_topic("Foxes")
        for number in range(250):
            studio.new_topic(f"Study {number}")
        assert len(studio.topics) == 251
        assert studio.pin_topic("Foxes", pinned=False).id == foxes.id
        assert studio.rename_topic("Foxes", "Red foxes").id == foxes.id
        by_title = studio.generate("one", model="fake:image", topic="Red foxes").result(WAIT)
        for number in range(250):
            studio.new_topic(f"Later study {number}")
        by_id = studio.generate("two", model="fake:image", topic=foxes.id).result(WAIT)
        assert by_title.topic_id == by_id.topic_id == foxes.id
        assert len(studio.topics) == 501
        for number in range(250):
            studio.new_topic(f"Latest study {number}")
        assert [batch.prompt for batch in studio.batches("Red foxes")] == ["two", "one"]


def test_a_topic_is_found_by_its_id_before_another_by_that_title():
    with open_studio(FakeProvider()) as studio:
        first = studio.new_topic("Foxes")
        other = studio.new_topic(first.id)
        assert studio.pin_topic(first.id).id == first.id
        studio.delete(first)
        assert studio.pin_topic(first.id).id == other.id
        with pytest.raises(NotFound):
            studio.pin_topic("Foxes")


def test_requests_without_a_topic_share_the_active_one():
    with open_studio(FakeProvider()) as studio:
        first = studio.generate("one", model="fake:image")
        second = studio.generate("two", model="fake:image")
        assert first.topic_id == second.topic_id
        first.result(WAIT)
        second.result(WAIT)
        assert len(studio.topics) == 1


def test_partial_images_and_progress_are_told_on_the_way():
    fake = FakeProvider(partials=[Partial(index=0, data=png(), progress=0.5)])
    seen = []

    async def listen(changes):
        seen.extend(changes)

    with open_studio(fake) as studio:
        end = studio._core.subscribe(listen)
        studio.generate("a fox", model="fake:stream").result(WAIT)
        studio.topics  # noqa: B018 - one turn of the loop, in order
        end()
    from imgplay_widget._rules.changes import EntryAdded, EntryChanged, Progressed

    moved = [change for change in seen if isinstance(change, Progressed)]
    assert moved[0].progress == 0.5
    assert moved[0].preview == png()
    order = [type(change) for change in seen if isinstance(change, EntryAdded | EntryChanged | Progressed)]
    assert order[0] is EntryAdded


def test_what_was_stored_is_there_in_the_next_studio(tmp_path):
    with open_studio(FakeProvider(), store=tmp_path) as studio:
        data = studio.generate("a fox", model="fake:image").result(WAIT)[0].bytes
    with open_studio(FakeProvider(), store=tmp_path) as studio:
        (batch,) = studio.batches()
        assert batch.prompt == "a fox"
        assert batch[0].bytes == data
        assert batch.result(0)[0].status is Status.SUCCESS


def test_a_closed_studio_writes_nothing_more():
    began, closed, found = Event(), Event(), []

    def write():
        began.set()
        # In this time the closing would end, if it did not wait.
        found.append(closed.wait(0.2))

    with open_studio() as studio:
        studio._core.start(studio._core.archive.in_pool, write)
        assert began.wait(WAIT)
        studio.close()
        closed.set()
        assert found == [False]


def test_a_closed_studio_says_so():
    with open_studio(FakeProvider()) as studio:
        pass
    with pytest.raises(StudioClosed):
        studio.generate("a fox", model="fake:image")
    studio.close()


def test_many_threads_may_generate_at_once():
    fake = FakeProvider()
    with open_studio(fake) as studio, ThreadPoolExecutor(8) as pool:
        topic = studio.new_topic("many")
        batches = list(
            pool.map(lambda i: studio.generate(f"fox {i}", model="fake:image", topic=topic), range(40))
        )
        for batch in batches:
            batch.result(WAIT)
        assert len(rows(studio, "image_generations")) == 40
    assert len(fake.submits) == 40


def test_references_reach_the_provider_and_are_kept():
    fake = FakeProvider()
    with open_studio(fake) as studio:
        first = studio.generate("a fox", model="fake:image").result(WAIT)
        batch = studio.generate("at night", model="fake:image", references=[first[0], png(32, 16)])
        batch.result(WAIT)
        assert [(r.width, r.height) for r in fake.submits[1].references] == [(64, 64), (32, 16)]
        assert batch._live.entry.batch.references == fake.submits[1].references


def test_a_mask_reaches_the_provider_and_outlives_retry_and_restart(tmp_path):
    fake = FakeProvider([BillingError("no money")])
    hole = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    with open_studio(fake, store=tmp_path) as studio:
        batch = studio.generate("at night", model="fake:image", references=[png()], mask=hole)
        with pytest.raises(BillingError):
            batch.result(WAIT)
    with open_studio(fake, store=tmp_path) as studio:
        (batch,) = studio.batches()
        batch.retry()
        batch.result(WAIT)
        first, second = fake.submits
        assert first.mask == second.mask == batch._live.entry.batch.mask
        assert first.references == second.references == batch._live.entry.batch.references
        kept = studio._core.files.path(f"originals/{first.mask.digest[:2]}/{first.mask.digest}.png")
        with Image.open(kept) as image:
            assert image.getpixel((5, 5)) == (0, 0, 0, 0)
        batch.delete()
        assert kept.exists()
        purged(studio)
        assert not kept.exists()


@pytest.mark.parametrize("kind", [bytes, str, "result"])
def test_a_mask_is_given_like_a_reference(kind, tmp_path):
    hole = mask_png(64, 64, free=(0, 0, 32, 64))
    fake = FakeProvider([Done(images=(Inline(data=hole),))])
    with open_studio(fake) as studio:
        first = studio.generate("a fox", model="fake:image").result(WAIT)[0]
        (tmp_path / "mask.png").write_bytes(hole)
        mask = {bytes: hole, str: str(tmp_path / "mask.png"), "result": first}[kind]
        studio.generate("at night", model="fake:image", references=[first], mask=mask).result(WAIT)
        sent = fake.submits[1].mask
        assert (sent.media_type, sent.width, sent.height) == ("image/png", 64, 64)


def test_whoever_waits_hears_of_any_failure(monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("a bug of ours")

    with open_studio(FakeProvider()) as studio:
        monkeypatch.setattr(studio._core.archive.store, "add_batches", broken)
        batch = studio.generate("a fox", model="fake:image")
        with pytest.raises(RuntimeError, match="a bug of ours"):
            batch.result(WAIT)
        assert studio.active_topic is None
    assert "could not be stored" in caplog.text


class HomeMade(FakeProvider):
    """A provider on this machine that does not cost anything."""

    def origin(self):
        return ""


def test_what_costs_nothing_never_speaks_of_bills():
    gate = Gate(picture())
    fake = HomeMade([gate, Gate(picture())])
    clock = InstantClock()
    with open_studio(fake, clock=clock) as studio:
        late = studio.generate("a fox", model="fake:image", deadline=60)
        assert gate.reached.wait(WAIT)
        clock.advance(60)
        with pytest.raises(DeadlineExceeded):
            late.result(WAIT)
        stopped = studio.generate("a fox", model="fake:image")
        stopped.cancel()
        assert "bill" not in str(late[0].error) + str(stopped[0].error)

"""The end of a server's studios: each answer is waited for or counted, and no fault keeps the server up."""

from __future__ import annotations

import asyncio
import functools
import threading

import pytest

from imgplay_widget.errors import StoreLocked, StudioClosed
from imgplay_widget.server import hosting
from imgplay_widget.server.hosting import Hosting
from imgplay_widget.testing import FakeProvider, Gate, InstantClock, picture
from tests.faults.conftest import rows
from tests.faults.test_store_faults import another_program_holds, impatient
from tests.server.conftest import WAIT

__all__ = ["impatient"]

STAGES = "SELECT stage FROM image_async_tasks ORDER BY created_at, id"


def on_a_loop(test):
    """Let a test be a coroutine on a loop of its own."""

    @functools.wraps(test)
    def run(**keywords):
        async def limited():
            async with asyncio.timeout(WAIT):
                await test(**keywords)

        asyncio.run(limited())

    return run


def locked(*_, **__):
    raise StoreLocked("Another program holds the store.")


async def failing(**_):
    locked()


class Calls:
    """Studios of a server, and calls to a provider that holds each answer until the test opens its gate."""

    def __init__(self, store):
        self.gates = [Gate(picture()) for _ in range(2)]
        self.provider = FakeProvider(self.gates)
        self.hosting = Hosting(
            store, {"providers": [self.provider], "clock": InstantClock(), "heartbeat": None}
        )

    async def send(self, user=None):
        """Let a user ask for an image. Return the studio and the batch when the provider has the call."""
        studio = (await self.hosting.studio(user)).studio
        gate = self.gates[len(self.provider.submits)]
        batch = studio.generate("a fox", model="fake:image")
        assert await asyncio.to_thread(gate.reached.wait, WAIT)
        return studio, batch

    async def close(self, **options):
        """Begin to close. Return the closing, and the number of answers that it waits for."""
        out = asyncio.get_running_loop().create_future()
        closing = asyncio.create_task(self.hosting.close(waits=out.set_result, **options))
        return closing, await out


@pytest.fixture
def calls(store):
    calls = Calls(store)
    yield calls
    for gate in calls.gates:
        gate.open()


@on_a_loop
async def test_a_server_without_calls_closes_its_studios_without_waiting(calls, store):
    studio = (await calls.hosting.studio(None)).studio
    assert await calls.hosting.close(waits=lambda _: pytest.fail("a wait")) == 0
    assert studio._core.closed
    with pytest.raises(StudioClosed):
        await calls.hosting.studio(None)


@on_a_loop
async def test_the_answers_of_the_owner_and_of_a_named_identity_are_waited_for_together(calls, store):
    (mine, _), (bobs, _) = await calls.send(), await calls.send("bob")
    closing, out = await calls.close()
    assert out == 2
    for gate in calls.gates:
        assert not closing.done()
        gate.open()
    assert await closing == 0
    assert mine._core.closed
    assert bobs._core.closed
    assert rows(store, STAGES) == [("success",)] * 2


@on_a_loop
async def test_a_second_close_ends_the_waiting_and_the_first_counts_the_lost_answers(calls, store):
    _, batch = await calls.send()
    await calls.send("bob")
    closing, _ = await calls.close()
    calls.gates[0].open()
    await asyncio.to_thread(batch.result, WAIT)
    assert not closing.done()
    assert await calls.hosting.close() == 0
    assert await closing == 1
    # A third call has nothing to do.
    assert await calls.hosting.close() == 0
    assert rows(store, STAGES) == [("success",), ("submitting",)]


@on_a_loop
async def test_the_longest_wait_ends_the_waiting(calls):
    await calls.send()
    closing, _ = await calls.close(longest=0.01)
    assert await closing == 1


@on_a_loop
async def test_a_studio_that_was_closed_before_keeps_no_other_from_its_answer(calls, store):
    (await calls.hosting.studio("bob")).studio.close()
    await calls.send()
    closing, out = await calls.close()
    assert out == 1
    calls.gates[0].open()
    assert await closing == 0
    assert rows(store, STAGES) == [("success",)]


@on_a_loop
async def test_a_studio_that_is_closed_meanwhile_keeps_no_other_from_its_answer(calls, store):
    (mine, _), _ = await calls.send(), await calls.send("bob")
    closing, _ = await calls.close()
    await asyncio.to_thread(mine.close)
    assert not closing.done()
    calls.gates[1].open()
    assert await closing == 0
    assert rows(store, STAGES) == [("submitting",), ("success",)]


@pytest.mark.parametrize("error", [asyncio.CancelledError, RuntimeError])
@on_a_loop
async def test_a_studio_that_is_closed_during_a_question_has_no_answers(calls, error):
    (mine, _), _ = await calls.send(), await calls.send("bob")

    async def ended(**_):
        mine._core._closed = True
        raise error

    mine._core.engine.calls_out = mine._core.engine.hand_over = ended
    closing, out = await calls.close()
    assert out == 1
    calls.gates[1].open()
    assert await closing == 0
    mine._core._closed = False
    mine.close()


@on_a_loop
async def test_answers_of_a_studio_that_cannot_hand_over_are_counted(calls):
    mine, _ = await calls.send()
    mine._core.engine.hand_over = failing
    closing, _ = await calls.close()
    assert await closing == 1
    assert mine._core.closed


@on_a_loop
async def test_a_studio_that_cannot_be_closed_keeps_no_other_open(calls, caplog):
    mine, bobs = [(await calls.hosting.studio(user)).studio for user in (None, "bob")]
    close, mine._core.close = mine._core.close, locked
    assert await calls.hosting.close() == 0
    assert "could not be closed: Another program holds the store." in caplog.text
    assert bobs._core.closed
    close()


@pytest.mark.usefixtures("impatient")
@on_a_loop
async def test_a_store_that_is_locked_keeps_no_server_from_its_end(calls, store):
    studio, _ = await calls.send()
    with another_program_holds(store):
        closing, _ = await calls.close()
        calls.gates[0].open()
        # The answer is there, and waits for the store. A second signal does not wait for that.
        calls.hosting.leave()
        assert await closing == 1
    assert studio._core.closed


@pytest.mark.usefixtures("impatient")
@on_a_loop
async def test_an_answer_waits_for_a_store_that_is_locked(calls, store):
    await calls.send()
    with another_program_holds(store):
        closing, _ = await calls.close()
        calls.gates[0].open()
    assert await closing == 0
    assert rows(store, STAGES) == [("success",)]


@pytest.mark.parametrize("before", [True, False], ids=["before", "meanwhile"])
def test_an_opening_that_fails_keeps_no_other_studio_from_its_answer(calls, store, monkeypatch, before):
    fails, real = threading.Event(), hosting._open

    def open_or_fail(*args):
        if args[-1] == "bob":
            assert fails.wait(WAIT)
            locked()
        return real(*args)

    @on_a_loop
    async def story():
        monkeypatch.setattr(hosting, "_open", open_or_fail)
        await calls.send()
        opening = asyncio.create_task(calls.hosting.studio("bob"))
        # The opening begins.
        await asyncio.sleep(0)
        if before:
            fails.set()
            with pytest.raises(StoreLocked):
                await opening
        calls.gates[0].open()
        closing = asyncio.create_task(calls.hosting.close())
        await asyncio.sleep(0)
        fails.set()
        assert await closing == 0
        with pytest.raises(StoreLocked):
            await opening

    story()
    assert rows(store, STAGES) == [("success",)]

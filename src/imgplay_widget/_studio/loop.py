"""The thread of a studio, the calls from other threads, and the delivery of changes."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from anyio.from_thread import BlockingPortal

from imgplay_widget._rules.changes import Change, Progressed, TopicWritten
from imgplay_widget.errors import NoThreads, StudioClosed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future

    from imgplay_widget._clock import Clock

__all__ = ["Hop", "LoopThread", "Subscriber", "Subscription", "check_threads"]

logger = logging.getLogger("imgplay_widget")

T = TypeVar("T")


def check_threads() -> None:
    """Raise where Python cannot start a thread.

    Raises:
        NoThreads: Python runs in a browser, or the machine has reached its limit of threads.
    """
    trial = threading.Thread(target=lambda: None, name="imgplay-trial", daemon=True)
    try:
        trial.start()
    except RuntimeError as error:
        if sys.platform == "emscripten":
            raise NoThreads(
                "A studio needs threads, and Python in a browser (JupyterLite, Pyodide) has none."
            ) from error
        raise NoThreads(
            "A studio needs threads, and Python could not start one: the limit of this machine is reached.",
            next_step="Close other studios or programs, then try again.",
        ) from error
    trial.join()


class Subscriber(Protocol):
    """A function that is called on the engine's loop with the changes, in their order."""

    async def __call__(self, changes: list[Change]) -> None:
        """Take some changes. The next ones come when this call has ended."""
        ...


class LoopThread(threading.Thread):
    """A daemon thread with an event loop and a portal to it."""

    def __init__(self) -> None:
        super().__init__(name="imgplay-engine", daemon=True)
        self._ready = threading.Event()
        self.portal: BlockingPortal

    def open(self) -> BlockingPortal:
        """Start the thread and return its portal."""
        # The context is empty because a kernel keeps the shell of the running cell in it. With that context,
        # messages of this thread would appear to come from the cell.
        contextvars.Context().run(self.start)
        self._ready.wait()
        return self.portal

    def run(self) -> None:
        """Run the loop until the portal is stopped."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        async with BlockingPortal() as portal:
            self.portal = portal
            self._ready.set()
            await portal.sleep_until_stopped()


class Hop:
    """A base class for objects that live on a thread of their own, to which calls from other threads hop.

    A subclass sets the attributes below: it opens the thread, and sets `_closed` at its end.
    """

    _loop: LoopThread
    _portal: BlockingPortal
    _pid: int
    _closed: bool

    def start(self, function: Callable[..., Awaitable[T]], *args: Any) -> Future[T]:
        """Run a coroutine function on the engine's loop, from any thread, and return its future at once.

        Raises:
            StudioClosed: the studio is closed or belongs to another process.
        """
        self.check_open()
        return self._portal.start_task_soon(function, *args)

    def refuse_own_thread(self) -> None:
        """Raise where a call would wait for itself, because this is the studio's own thread."""
        if threading.current_thread() is self._loop:
            raise StudioClosed(
                "The call would wait for itself, because it was made on the studio's own thread.",
                next_step="Make the call from another thread.",
            )

    def call(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Run a coroutine function on the loop, from any other thread, wait, and return its result.

        Raises:
            StudioClosed: the studio is closed, belongs to another process, or this is its own thread.
        """
        self.refuse_own_thread()
        return self.start(function, *args).result()

    def check_open(self) -> None:
        """Raise where the studio cannot be used any more.

        Raises:
            StudioClosed: the studio is closed or belongs to another process.
        """
        if self._closed:
            raise StudioClosed("The studio is closed.")
        if os.getpid() != self._pid:
            raise StudioClosed(
                "The studio belongs to the process that made it, and this process is a fork of that one."
            )


class Subscription:
    """A stream of bundled changes to one subscriber.

    A bundle has the newest progress of each generation and the newest state of each topic only.
    """

    def __init__(self, subscriber: Subscriber, clock: Clock, every: float) -> None:
        self._subscriber = subscriber
        self._clock = clock
        self._every = every
        self._waiting: list[Change] = []
        self._wake = asyncio.Event()

    def put(self, change: Change) -> None:
        """Add a change. On the loop."""
        if isinstance(change, Progressed):
            change = self._merged(change)
        elif isinstance(change, TopicWritten):
            change = self._newest(change)
        self._waiting.append(change)
        self._wake.set()

    def _newest(self, change: TopicWritten) -> TopicWritten:
        for index, other in enumerate(self._waiting):
            if isinstance(other, TopicWritten) and other.topic.id == change.topic.id:
                del self._waiting[index]
                return TopicWritten(topic=change.topic, returned=change.returned or other.returned)
        return change

    def _merged(self, change: Progressed) -> Progressed:
        for index, other in enumerate(self._waiting):
            if isinstance(other, Progressed) and other.generation_id == change.generation_id:
                del self._waiting[index]
                preview = change.preview if change.preview is not None else other.preview
                return Progressed(
                    batch_id=change.batch_id,
                    generation_id=change.generation_id,
                    progress=change.progress if change.progress is not None else other.progress,
                    queue_position=change.queue_position,
                    preview=preview,
                    retry_in=change.retry_in,
                )
        return change

    async def run(self) -> None:
        """Deliver changes until this task is cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            changes, self._waiting = self._waiting, []
            try:
                await self._subscriber(changes)
            except Exception:
                # A delivery that fails must not prevent all later ones.
                logger.exception("Changes could not be delivered")
            await self._clock.sleep(self._every)

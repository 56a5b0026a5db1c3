"""The functions of users that the studio calls, and the threads on which they run.

They run away from the engine's loop and from the cells, so that none can stop either.
"""

from __future__ import annotations

import contextvars
import logging
import queue
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgplay_widget._studio.handles import GenerationHandle, Generations
    from imgplay_widget._types import Entry

__all__ = ["CallThread", "Callbacks", "OnGeneration"]

logger = logging.getLogger("imgplay_widget")

OnGeneration: TypeAlias = "Callable[[GenerationHandle], Any]"
"""A function that is called for each finished image."""

MAX_TOLD = 10_000
"""The number of images, the last ones, that are known to have been told."""


class CallThread:
    """A thread that runs functions of users one after the other, in their order.

    The thread starts with its first call. A function that blocks delays only the later calls of its thread.

    Args:
        name: the name of the thread.
        failed: is called on the thread with what failed and its error. It must not raise.
    """

    def __init__(self, name: str, failed: Callable[[str, BaseException], None]) -> None:
        self._failed = failed
        self._calls: queue.SimpleQueue[tuple[str, Callable[[], object]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = self._ended = False
        # A thread of marimo may set marimo's states, which other threads cannot. It must be made in a cell.
        kind: type[threading.Thread] = getattr(sys.modules.get("marimo"), "Thread", threading.Thread)
        self._thread = kind(target=self._run, name=name, daemon=True)

    def put(self, what: str, call: Callable[[], object]) -> None:
        """Run a function after those that wait; after the end, do nothing. Any thread may call this.

        Args:
            what: names the function for the user, at the start of a sentence.
            call: the function.
        """
        with self._lock:
            if self._ended:
                return
            self._calls.put((what, call))
            if not self._started:
                self._started = True
                # Without the context of the running cell, as the engine's own thread.
                contextvars.Context().run(self._thread.start)

    def end(self, wait: float = 0.0) -> None:
        """Take no more calls, and wait for those that were put.

        Args:
            wait: the most seconds to wait. A call that takes longer goes on until the program ends.
        """
        with self._lock:
            if not self._ended:
                self._ended = True
                self._calls.put(None)
            waits = self._started and threading.current_thread() is not self._thread
        if waits:
            self._thread.join(wait)

    def _run(self) -> None:
        while (item := self._calls.get()) is not None:
            what, call = item
            try:
                call()
            except (Exception, SystemExit) as error:
                # An exit would end the thread, and with it all later calls.
                logger.exception("%s failed", what)
                self._failed(what, error)
            # The call may hold a playground, which must not live until the next call.
            del item, call


class Callbacks:
    """The functions that `on_generation` calls for each finished image, on one thread and in order.

    Args:
        failed: is called on the thread with what failed and its error. It must not raise.
    """

    def __init__(self, failed: Callable[[str, BaseException], None]) -> None:
        self._failed = failed
        self._lock = threading.Lock()
        self._functions: tuple[OnGeneration, ...] = ()
        self._thread: CallThread | None = None
        # The images that were told last, so that a later change of their batch does not tell them again.
        self._told: dict[str, None] = {}

    def add(self, function: OnGeneration) -> None:
        """Call a function for each image that finishes from now on.

        A function that a cell defines again replaces the earlier one. Otherwise, both would be called.
        """
        with self._lock:
            others = (one for one in self._functions if one is not function and not _is_again(function, one))
            self._functions = (*others, function)
            self._thread = self._thread or CallThread("imgplay-on-generation", self._failed)

    def remove(self, function: OnGeneration) -> None:
        """Call a function no more, also not for the images that wait for it."""
        with self._lock:
            self._functions = tuple(one for one in self._functions if one != function)

    def tell(self, entry: Entry, generation_ids: Sequence[str], handles: Callable[[], Generations]) -> None:
        """Call the functions for those images of a batch that were not told before. On the loop.

        Args:
            entry: the batch.
            generation_ids: the images that changed.
            handles: returns handles of the images of the batch.
        """
        finished = [one.id for one in entry.generations if one.id in generation_ids and one.asset is not None]
        fresh = [one for one in finished if one not in self._told]
        self._told |= dict.fromkeys(fresh)
        while len(self._told) > MAX_TOLD:
            del self._told[next(iter(self._told))]
        thread = self._thread
        if thread is None or not self._functions or not fresh:
            return
        for one in handles():
            if one.id in fresh:
                for function in self._functions:
                    what = f"{getattr(function, '__qualname__', repr(function))}, which on_generation calls,"
                    thread.put(what, partial(self._call, function, one))

    def _call(self, function: OnGeneration, generation: GenerationHandle) -> None:
        if function in self._functions:
            function(generation)

    def close(self, wait: float) -> None:
        """Call no function more, after the calls that wait.

        Args:
            wait: the most seconds to wait for these calls.
        """
        if self._thread is not None:
            self._thread.end(wait)


def _is_again(new: OnGeneration, old: OnGeneration) -> bool:
    """Return whether a cell defined a function again that it had defined before."""
    names = [(getattr(one, "__module__", None), getattr(one, "__qualname__", "<")) for one in (new, old)]
    return names[0] == names[1] and names[0][0] == "__main__" and "<" not in names[0][1]

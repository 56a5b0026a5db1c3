"""The functions of users that the studio calls for finished images."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from imgplay_widget._studio.call_threads import CallThread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgplay_widget._studio.handles import GenerationHandle, Generations
    from imgplay_widget._types import Entry

__all__ = ["Callbacks", "OnGeneration"]

OnGeneration: TypeAlias = "Callable[[GenerationHandle], Any]"
"""A function that is called for each finished image."""

MAX_TOLD = 10_000
"""The number of images, the last ones, that are known to have been told."""


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

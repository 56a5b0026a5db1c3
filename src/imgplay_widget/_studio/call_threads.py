"""The threads on which functions of users run, and those that write into outputs of marimo.

They run away from the engine's loop and from the cells, so that none can stop either.
"""

from __future__ import annotations

import contextvars
import logging
import queue
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CallThread"]

logger = logging.getLogger("imgplay_widget")


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

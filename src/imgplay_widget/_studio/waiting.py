"""The progress that code sees while it waits for a batch or a sweep: in a cell, or as a bar in a terminal."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from imgplay_widget._rules.sheets import html_line
from imgplay_widget._studio.outputs import cell_output
from imgplay_widget._studio.shown import Updating

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from imgplay_widget._studio.gallery import Bundle
    from imgplay_widget._studio.live import LiveBatch
    from imgplay_widget._studio.shown import Shower, Work

__all__ = ["GOES_ON", "ended", "shown_count", "shown_line", "shown_progress"]

GOES_ON = "Stopped waiting. The work goes on: wait again with await or result()."
"""What an interrupted wait says."""

WAKE_EVERY = 0.5
"""The seconds after which a loop that waits wakes up. An interrupt of a kernel reaches no sleeping loop."""


async def ended(live: LiveBatch) -> None:
    """Return when a batch has ended. Cancelling this ends the waiting, and not the batch.

    Raises:
        ImgplayError: no image came.
    """
    end = asyncio.wrap_future(live.end())
    # Where the waiting stops early, nobody else reads the error.
    end.add_done_callback(lambda done: done.cancelled() or done.exception())
    while not end.done():
        await asyncio.wait((end,), timeout=WAKE_EVERY)
    end.result()


def shown_line(line: str, *, wanted: bool | None) -> None:
    """Show a line in the cell or in the terminal.

    Args:
        line: the line.
        wanted: as in `shown_progress`.
    """
    output = cell_output()
    looks = output is not None or sys.stderr.isatty()
    if not (looks if wanted is None else wanted):
        return
    if output is not None:
        output.show(_words(line), last=True)
    else:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


@contextmanager
def shown_progress(
    keeper: Shower, work: Work, *, wanted: bool | None, goes_on: str = GOES_ON
) -> Generator[None]:
    """Return a context that shows the progress of work while code waits in it, and at its end one line.

    Args:
        keeper: the studio.
        work: a batch or a sweep.
        wanted: True shows it in any case, False never, and None where somebody looks: in a notebook and in a
            terminal. Work that has ended already shows nothing.
        goes_on: what an interrupted wait says.
    """
    cell = cell_output()
    looks = cell is not None or sys.stderr.isatty()
    if work.is_over() or not (looks if wanted is None else wanted):
        with _noted(work, goes_on):
            yield
        return
    output = _Bar(sys.stderr, work.part) if cell is None else cell

    async def publish(bundle: Bundle, last: bool) -> None:  # noqa: FBT001 - what `Updating` calls
        # The thread that waits shows the last line, which then belongs to its cell.
        if not last:
            await keeper.gallery.aside(partial(output.show, bundle))

    async def make(last: bool) -> Bundle:  # noqa: FBT001 - what `Updating` calls
        if cell is None or last:
            return _words(work.line())
        return await work.progress_bundle()

    with ExitStack() as ends:
        try:
            # An interrupt may come as soon as the first line is there.
            output.show(_words(work.line()))
            ends.callback(Updating(keeper, work, publish, make).stop)
            yield
        except BaseException:
            line = work.end_line() if work.is_over() else goes_on
            output.show(_words(line), last=True)
            raise
        output.show(_words(work.end_line()), last=True)


@contextmanager
def shown_count(total: int, what: str, *, wanted: bool | None) -> Generator[Callable[[int], None]]:
    """Return a context that shows how many of some things are done, and gives the function to tell it.

    Args:
        total: the number of all of them.
        what: their name, in the plural.
        wanted: True shows it in any case, False never, and None where somebody looks: in a notebook and in a
            terminal.
    """
    cell = cell_output()
    looks = cell is not None or sys.stderr.isatty()
    if total == 0 or not (looks if wanted is None else wanted):
        yield lambda _: None
        return
    done = 0
    output = _Bar(sys.stderr, lambda: done / total) if cell is None else cell

    def show(number: int) -> None:
        nonlocal done
        done = number
        output.show(_words(f"{number} of {total} {what}"))

    try:
        show(0)
        yield show
    finally:
        output.show(_words(f"{done} of {total} {what}"), last=True)


@contextmanager
def _noted(work: Work, goes_on: str) -> Generator[None]:
    """Return a context whose interrupt says that the work goes on, where no display says it."""
    try:
        yield
    except KeyboardInterrupt as error:
        if not work.is_over():
            error.add_note(goes_on)
        raise


def _words(line: str) -> Bundle:
    return {"text/plain": line, "text/html": html_line(line)}


class _Bar:
    """A bar of progress in a terminal, which ends as one line.

    Args:
        stream: the terminal.
        share: returns how much is done, 0.0 to 1.0.
    """

    def __init__(self, stream: TextIO, share: Callable[[], float]) -> None:
        self._stream = stream
        self._share = share
        self._bar = _bar_on(stream)
        self._lock = threading.Lock()
        self._closed = False

    def show(self, bundle: Bundle, *, last: bool = False) -> None:
        """Draw the bar again, with the text of a display before it. The last text replaces the bar."""
        with self._lock:
            if self._closed:
                return
            self._closed = last
            if last:
                self._bar.close()
                self._stream.write(f"{bundle['text/plain']}\n")
                self._stream.flush()
                return
            self._bar.n = self._share()
            self._bar.set_description_str(bundle["text/plain"])


def _bar_on(stream: TextIO) -> Any:
    from tqdm import tqdm

    # The monitor of tqdm is a thread, and its lock a semaphore of the system. This bar needs neither.
    plain: Any = type("Bar", (tqdm,), {"monitor_interval": 0})
    plain.set_lock(threading.RLock())
    form = "{desc} |{bar:24}| {percentage:3.0f}%"
    return plain(total=1.0, file=stream, leave=False, mininterval=0, dynamic_ncols=True, bar_format=form)

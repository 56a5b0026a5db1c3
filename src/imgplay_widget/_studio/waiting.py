"""The progress that code sees while it waits for a batch: in a cell, or as a line in a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TextIO

from imgplay_widget._rules.sheets import end_line, html_line, progress_line
from imgplay_widget._studio.outputs import Output, notebook
from imgplay_widget._studio.shown import Updating, batch_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from imgplay_widget._studio.gallery import Bundle
    from imgplay_widget._studio.live import LiveBatch
    from imgplay_widget._studio.shown import Shower

__all__ = ["shown_progress"]

GOES_ON = "Stopped waiting. The work goes on: wait again with await batch or batch.result()."
"""What an interrupted cell says."""


@contextmanager
def shown_progress(keeper: Shower, live: LiveBatch, *, wanted: bool | None) -> Generator[None]:
    """Return a context that shows the progress of a batch while code waits in it, and at its end one line.

    Args:
        keeper: the studio.
        live: the batch.
        wanted: True shows it in any case, False never, and None where somebody looks: in a notebook and in a
            terminal. A batch that has ended already shows nothing.
    """
    shell = notebook()
    looks = shell is not None or sys.stderr.isatty()
    if live.end().done() or not (looks if wanted is None else wanted):
        yield
        return
    output = _Line(sys.stderr) if shell is None else Output(shell)
    gallery = keeper.gallery

    async def publish(bundle: Bundle, last: bool) -> None:  # noqa: FBT001 - what `Updating` calls
        # The thread that waits shows the last line, which then belongs to its cell.
        if not last:
            await gallery.aside(partial(output.show, bundle))

    async def make(last: bool) -> Bundle:  # noqa: FBT001 - what `Updating` calls
        words = _words(progress_line(live.entry, live.progress))
        if shell is None or last:
            return words
        bundle = await batch_bundle(gallery, live, still=False)
        return words | {"text/html": words["text/html"] + bundle["text/html"]}

    output.show(_words(progress_line(live.entry, live.progress)))
    updating = Updating(keeper, live, publish, make)
    try:
        yield
    except BaseException:
        _end(updating, output.show, end_line(live.entry) if live.end().done() else GOES_ON)
        raise
    _end(updating, output.show, end_line(live.entry))


def _end(updating: Updating, show: Callable[..., None], line: str) -> None:
    updating.stop()
    show(_words(line), last=True)


def _words(line: str) -> Bundle:
    return {"text/plain": line, "text/html": html_line(line)}


class _Line:
    """The last line of a terminal, which is written again and again."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._width = 0
        self._closed = False

    def show(self, bundle: Bundle, *, last: bool = False) -> None:
        """Write the text of a display over the line. After the last one, nothing changes it."""
        if self._closed:
            return
        self._closed = last
        line = bundle["text/plain"]
        self._stream.write(f"\r{line.ljust(self._width)}" + ("\n" if last else ""))
        self._stream.flush()
        self._width = len(line)

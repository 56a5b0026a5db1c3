"""The displays of handles: what a cell shows of a batch, an image, a topic, and of several of them.

A display raises nothing and never holds up the studio: the pictures come from the store through the studio's
loop, and where they do not come (a closed studio, a slow disk), the text is all that is shown.
"""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from imgplay_widget._rules.sheets import (
    batch_sheet,
    end_line,
    finished,
    images_sheet,
    progress_line,
    progress_sheet,
    shortened,
    topics_sheet,
)
from imgplay_widget._studio.outputs import Output, draws, follow_cells, notebook
from imgplay_widget.errors import ImgplayError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from concurrent.futures import Future

    from imgplay_widget._rules.changes import Change
    from imgplay_widget._studio.gallery import Bundle, Gallery, Source
    from imgplay_widget._studio.live import LiveBatch
    from imgplay_widget._studio.loop import Subscriber
    from imgplay_widget._types import Entry, Generation, Topic

__all__ = [
    "UPDATE_EVERY",
    "BatchWork",
    "Shower",
    "Updating",
    "Work",
    "batch_bundle",
    "batch_of",
    "images_bundle",
    "show",
    "show_updating",
    "sources_of",
    "topics_bundle",
]

logger = logging.getLogger("imgplay_widget")

SHOW_WAIT = 10.0
"""The most seconds for which a cell waits for the pictures of a display."""

UPDATE_EVERY = 0.4
"""The fewest seconds between two states of a display that is updated."""


class Shower(Protocol):
    """The parts of a studio that a display needs."""

    gallery: Gallery

    def start(self, function: Callable[..., Awaitable[Any]], *args: Any) -> Future[Any]:
        """Run a coroutine function on the studio's loop, and return its future at once."""
        ...

    def refuse_own_thread(self) -> None:
        """Raise where the call would wait for itself, because this is the studio's own thread."""
        ...

    def subscribe(self, subscriber: Subscriber, *, every: float) -> Callable[[], None]:
        """Send every change to a subscriber, and return the function that ends this."""
        ...


def show(keeper: Shower, make: Callable[[], Awaitable[Bundle]], text: Callable[[], str]) -> Bundle:
    """Return a display, or its text alone where the pictures cannot be had.

    Args:
        keeper: the studio.
        make: returns the display, on the studio's loop.
        text: returns the text of the display.
    """
    words: Bundle = {}
    try:
        words = {"text/plain": text()}
        if not draws():
            return words
        keeper.refuse_own_thread()
        return keeper.start(make).result(SHOW_WAIT) | words
    except Exception as error:  # noqa: BLE001 - a cell must not fail because a value shows itself
        logger.debug("A display has no pictures: %s", error)
        return words or {"text/plain": "This was deleted."}


# ------------------------------------------------------------------ displays, on the loop


async def batch_bundle(
    gallery: Gallery,
    live: LiveBatch,
    chosen: Sequence[str] | None = None,
    *,
    still: bool = True,
    notes: tuple[str, ...] = (),
) -> Bundle:
    """Return the display of a batch, or of some of its generations.

    Args:
        gallery: makes the pictures.
        live: the batch.
        chosen: the ids of the generations; None for all.
        still: False leaves the JPEG out.
        notes: what the second line says at its end.
    """
    entry = live.entry
    several = None if chosen is None else [one for one in entry.generations if one.id in set(chosen)]
    sheet = batch_sheet(entry, several, waits=live.waits, progress=live.progress)
    sheet = replace(sheet, details=(*sheet.details, *notes))
    return await gallery.bundle(sheet, sources_of(live), still=still)


def sources_of(live: LiveBatch) -> Mapping[str, Source]:
    """Return the origins of the pictures of a batch: previews and stored images, by generations."""
    return {**live.previews, **_stored(live.entry.generations)}


async def images_bundle(
    gallery: Gallery,
    title: str,
    images: Sequence[tuple[Entry, Generation]],
    *,
    more: int = 0,
    captions: Mapping[str, str] | None = None,
) -> Bundle:
    """Return the display of images of several batches.

    Args:
        gallery: makes the pictures.
        title: what the images have in common.
        images: the generations, each with its batch.
        more: the number of images beside those.
        captions: the lines below some images, by their ids, in the place of their prompt and model.
    """
    sheet = images_sheet(shortened(title, 200), images, more=more)
    lines = captions or {}
    tiles = (replace(one, caption=(lines[one.id],)) if one.id in lines else one for one in sheet.tiles)
    sheet = replace(sheet, tiles=tuple(tiles))
    return await gallery.bundle(sheet, _stored([generation for _, generation in images]))


async def topics_bundle(gallery: Gallery, topics: Sequence[Topic]) -> Bundle:
    """Return the display of a list of topics."""
    covers = await gallery.covers(topics)
    return await gallery.bundle(topics_sheet(topics, covers), covers)


def _stored(generations: Sequence[Generation]) -> Mapping[str, Source]:
    return {one.id: one for one in generations if one.asset is not None}


# ------------------------------------------------------------------ displays that change


class Work(Protocol):
    """What code waits for and sees while it runs: a batch, or a sweep."""

    every: float
    """The fewest seconds between two states of its display."""

    def title(self) -> str:
        """Return what stands where nothing else can be drawn."""
        ...

    def is_over(self) -> bool:
        """Return whether every image is there or has failed."""
        ...

    def concerns(self, change: Change) -> bool:
        """Return whether the display may look different after a change."""
        ...

    def part(self) -> float:
        """Return how much is done, 0.0 to 1.0."""
        ...

    def line(self) -> str:
        """Return how far the work is, as one line."""
        ...

    def end_line(self) -> str:
        """Return what came of the work, as one line."""
        ...

    async def bundle(self, *, still: bool = True) -> Bundle:
        """Return the display of the work as it is now; without a JPEG if not `still`. On the loop."""
        ...

    async def progress_bundle(self) -> Bundle:
        """Return the display of somebody who waits. On the loop."""
        ...


class BatchWork:
    """A batch, as its displays need it.

    Args:
        gallery: makes the pictures.
        live: the batch.
    """

    every = UPDATE_EVERY

    def __init__(self, gallery: Gallery, live: LiveBatch) -> None:
        self._gallery = gallery
        self._live = live

    def title(self) -> str:
        """Return the beginning of the prompt."""
        return shortened(self._live.entry.batch.prompt, 200)

    def is_over(self) -> bool:
        """Return whether the batch has ended."""
        return self._live.end().done()

    def concerns(self, change: Change) -> bool:
        """Return whether a change is about the batch, or about everything."""
        return (batch_of(change) or self._live.id) == self._live.id

    def part(self) -> float:
        """Return how much of the batch is done."""
        return finished(self._live.entry, self._live.progress)

    def line(self) -> str:
        """Return the number of finished slots, with the beginning of the prompt."""
        return progress_line(self._live.entry)

    def end_line(self) -> str:
        """Return images, seconds, cost, and the first error."""
        return end_line(self._live.entry)

    async def bundle(self, *, still: bool = True) -> Bundle:
        """Return the contact sheet of the batch."""
        return await batch_bundle(self._gallery, self._live, still=still)

    async def progress_bundle(self) -> Bundle:
        """Return a bar of progress with small tiles."""
        sheet = progress_sheet(self._live.entry, waits=self._live.waits, progress=self._live.progress)
        return await self._gallery.bundle(sheet, sources_of(self._live), still=False)


def batch_of(change: Change) -> str | None:
    """Return the id of the batch that a change is about, or None where it is about no batch."""
    entry = getattr(change, "entry", None)
    return entry.batch.id if entry is not None else getattr(change, "batch_id", None)


class Updating:
    """A display of running work, which is drawn again after each change until the work ends.

    It is a subscriber of the studio's changes, and runs on the studio's loop.

    Args:
        keeper: the studio.
        work: what runs.
        output: the output of the cell.
        make: returns the display as it is now; its argument is True for the last state.
    """

    def __init__(
        self,
        keeper: Shower,
        work: Work,
        output: Callable[[Bundle, bool], Awaitable[None]],
        make: Callable[[bool], Awaitable[Bundle]],
    ) -> None:
        self._keeper = keeper
        self._work = work
        self._output = output
        self._make = make
        self._ended = False
        self._end = keeper.subscribe(self, every=work.every)
        # The work may have ended before the subscription began.
        keeper.start(self._draw)

    @property
    def ended(self) -> bool:
        """True where no further state is drawn."""
        return self._ended

    def stop(self) -> None:
        """Draw no further state. Any thread may call this."""
        if not self._ended:
            self._ended = True
            self._end()

    async def __call__(self, changes: list[Change]) -> None:
        """Draw the display again if the changes may concern the work."""
        if any(self._work.concerns(change) for change in changes):
            await self._draw()

    def end_drawn(self) -> None:
        """Return when the end is shown, if the work has ended. Not on the loop."""
        if not self._ended and self._work.is_over():
            # A studio that is closed meanwhile draws nothing.
            with suppress(ImgplayError, TimeoutError, CancelledError):
                self._keeper.start(self._draw).result(SHOW_WAIT)
            self.stop()

    async def _draw(self) -> None:
        if self._ended:
            return
        last = self._work.is_over()
        bundle = await self._make(last)
        if not self._ended:
            await self._output(bundle, last)
        if last:
            self.stop()


def show_updating(keeper: Shower, work: Work) -> bool:
    """Show running work in an output that is updated until its end, and return whether there is one."""
    shell = notebook()
    if shell is None or work.is_over():
        return False
    output = Output(shell)

    async def publish(bundle: Bundle, last: bool) -> None:  # noqa: FBT001 - what `Updating` calls
        await keeper.gallery.aside(partial(output.show, bundle, last=last, of_cell=False))

    async def make(last: bool) -> Bundle:  # noqa: FBT001 - what `Updating` calls
        return await work.bundle(still=last)

    # The first state is shown from the cell's own thread, so that the output belongs to the cell.
    output.show(show(keeper, lambda: make(False), work.title))  # noqa: FBT003
    updating = Updating(keeper, work, publish, make)

    def at_cell_end() -> bool:
        updating.end_drawn()
        return output.send_again() and not updating.ended

    follow_cells(shell, at_cell_end)
    return True

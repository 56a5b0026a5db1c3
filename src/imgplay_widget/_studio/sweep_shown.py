"""The displays of a sweep: the grid in a cell, its progress, and all images as one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._rules.changes import SweepWritten
from imgplay_widget._rules.sheets import MAX_TILES, PROMPT, Sheet, Tile, several, shortened, tile_of
from imgplay_widget._rules.sweep_sheets import (
    MOST_IMAGES,
    LabelledAxis,
    sweep_details,
    sweep_end_line,
    sweep_progress_line,
    sweep_sheet,
    text_sweep,
)
from imgplay_widget._rules.sweeps import ROW, labels_of
from imgplay_widget._studio.shown import UPDATE_EVERY, batch_of, sources_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image

    from imgplay_widget._rules.changes import Change
    from imgplay_widget._rules.sweep_sheets import SweepSheet
    from imgplay_widget._studio.gallery import Bundle, Gallery, Source
    from imgplay_widget._studio.live import LiveBatch, LiveSweep
    from imgplay_widget._types import Axis, Entry, Generation

__all__ = ["SweepWork", "labelled", "sweeps_bundle"]

QUICK = 100
"""The most images of a sweep that is drawn as often as a batch. Twice as many are drawn half as often."""

SLOWEST = 2.0
"""The most seconds between two states of a display whose images come."""


class SweepWork:
    """A sweep, or a part of one, as its displays need it.

    Args:
        gallery: makes the pictures.
        live: the sweep.
        axes: the axes of the part.
        positions: the positions of its cells in the sweep, in the order of these axes.
        common: what all cells of a part have in common, such as "animal = fox".
    """

    def __init__(
        self,
        gallery: Gallery,
        live: LiveSweep,
        axes: Sequence[LabelledAxis],
        positions: Sequence[int],
        common: Sequence[str] = (),
    ) -> None:
        self._gallery = gallery
        self._live = live
        self._axes = axes
        self._positions = positions
        self._common = common
        fixed = live.sweep.fixed.get("n")
        n = fixed if isinstance(fixed, int) else 1
        self.every = min(SLOWEST, UPDATE_EVERY * max(1.0, len(positions) * n / QUICK))

    def title(self) -> str:
        """Return the beginning of the template."""
        return shortened(self._live.sweep.template, 200)

    def is_over(self) -> bool:
        """Return whether all batches have ended."""
        return all(live is None or live.end().done() for live in self._cells())

    def concerns(self, change: Change) -> bool:
        """Return whether a change is about the sweep, about one of its batches, or about everything."""
        if isinstance(change, SweepWritten):
            return change.sweep.id == self._live.sweep.id
        batch_id = batch_of(change)
        return batch_id is None or any(live is not None and live.id == batch_id for live in self._cells())

    def part(self) -> float:
        """Return how many of the images are there or have failed, with the progress of the others."""
        rows = self._rows()
        ended = sum(entry.status_of(one).final for entry, one in rows)
        running = sum(sum(live.progress.values()) for live in self._cells() if live is not None)
        return min(1.0, (ended + running) / len(rows)) if rows else 1.0

    def line(self) -> str:
        """Return the number of finished slots, with the beginning of the template."""
        return sweep_progress_line(self._live.sweep.template, self._rows())

    def end_line(self) -> str:
        """Return images, seconds, cost, and the most frequent error."""
        return sweep_end_line(self._rows(), self._tiles())

    def text(self) -> str:
        """Return the grid as text, with a mark for each image."""
        return text_sweep(self.sheet())

    def sheet(self, most: int | None = MOST_IMAGES) -> SweepSheet:
        """Return the sheet of the sweep as it is now.

        Args:
            most: the most images; None for all.
        """
        sweep = self._live.sweep
        return sweep_sheet(sweep.template, self._axes, self._tiles(), details=self.details(), most=most)

    def picture(self, read: Callable[[Generation], bytes | None]) -> Image:
        """Return all images as one labelled picture.

        Args:
            read: returns the original bytes of an image, or None where they are gone.
        """
        from imgplay_widget._store import sweep_pictures

        found = {one.id: one for _, one in self._rows()}
        return sweep_pictures.whole_picture(self.sheet(None), lambda name: read(found[name]))

    def details(self) -> tuple[str, ...]:
        """Return the parts of the second line: what all cells have in common, model, numbers and cost."""
        return (*self._common, *sweep_details(self._rows()))

    def cover(self) -> Generation | None:
        """Return the first finished image, or None while there is none."""
        return next((one for _, one in self._rows() if one.asset is not None), None)

    async def bundle(self, *, still: bool = True) -> Bundle:
        """Return the labelled grid."""
        sheet = self.sheet()
        return await self._gallery.sweep_bundle(sheet, self._sources(sheet), still=still)

    async def progress_bundle(self) -> Bundle:
        """Return a bar of progress above the labelled grid."""
        sheet = sweep_sheet(self.line(), self._axes, self._tiles(), part=self.part())
        return await self._gallery.sweep_bundle(sheet, self._sources(sheet), still=False)

    def _cells(self) -> list[LiveBatch | None]:
        cells = self._live.cells
        return [cells[position] for position in self._positions]

    def _rows(self) -> list[tuple[Entry, Generation]]:
        return [
            (live.entry, one) for live in self._cells() if live is not None for one in live.entry.generations
        ]

    def _tiles(self) -> list[list[Tile]]:
        return [[] if live is None else _tiles_of(live) for live in self._cells()]

    def _sources(self, sheet: SweepSheet) -> dict[str, Source]:
        wanted = {tile.id for tile in sheet.tiles}
        found = (sources_of(live) for live in self._cells() if live is not None)
        return {name: source for sources in found for name, source in sources.items() if name in wanted}


async def sweeps_bundle(gallery: Gallery, works: Sequence[SweepWork]) -> Bundle:
    """Return the display of a list of sweeps: the first image of each, with its template and its numbers.

    Args:
        gallery: makes the pictures.
        works: the sweeps.
    """
    covers = {str(index): work.cover() for index, work in enumerate(works)}
    tiles = [
        Tile(
            id=str(index),
            tone="image" if covers[str(index)] else "hidden",
            words="" if covers[str(index)] else "No image yet",
            caption=(shortened(work.title(), PROMPT), *work.details()),
            alt=f"First image of the sweep {shortened(work.title(), PROMPT)}",
            shape=(1, 1),
        )
        for index, work in enumerate(works[:MAX_TILES])
    ]
    more = max(0, len(works) - MAX_TILES)
    sheet = Sheet(title=several(len(works), "sweep"), tiles=tuple(tiles), more=more, small=True)
    return await gallery.bundle(sheet, {name: one for name, one in covers.items() if one is not None})


def _tiles_of(live: LiveBatch) -> list[Tile]:
    waits, progress = live.waits, live.progress
    return [
        tile_of(live.entry, one, wait=waits.get(one.id), progress=progress.get(one.id))
        for one in live.entry.generations
    ]


def labelled(axis: Axis, title_of: Callable[[str], str | None]) -> LabelledAxis:
    """Return an axis with its values as the user reads them, in full.

    Args:
        axis: the axis.
        title_of: returns the title of a model (``"provider:id"``), or None where it is not known.
    """
    if axis.name == ROW:
        return LabelledAxis("", tuple(labels_of(axis)))
    texts = [str(value) for value in axis.values]
    if axis.name == "model":
        titles = [title_of(text) or text for text in texts]
        # Models of two providers may have one title.
        texts = [
            text if titles.count(title) > 1 else title for text, title in zip(texts, titles, strict=True)
        ]
    named = zip(axis.values, texts, strict=True)
    return LabelledAxis(axis.name, tuple("none" if value is None else text for value, text in named))

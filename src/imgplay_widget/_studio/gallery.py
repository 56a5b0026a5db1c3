"""The pictures of contact sheets: read from the store, made small, and put into a display."""

from __future__ import annotations

import asyncio
import base64
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from imgplay_widget._rules.sheets import (
    HIDDEN,
    MAX_PICTURE,
    MAX_TILES,
    Picture,
    bounded,
    html_sheet,
    share_of,
    text_sheet,
)
from imgplay_widget._rules.sweep_sheets import html_sweep, share_in_sweep, text_sweep, with_reasons
from imgplay_widget._store import sheets, sweep_pictures
from imgplay_widget._types import Generation, Topic
from imgplay_widget.errors import ImgplayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._rules.sheets import Sheet
    from imgplay_widget._rules.sweep_sheets import SweepSheet

__all__ = ["Bundle", "Gallery", "Source", "words_of"]

T = TypeVar("T")

Bundle = dict[str, str]
"""The content of a display, by media types. A JPEG is base64."""

Source = Generation | Topic | bytes
"""The origin of a picture: a stored image, the cover of a topic, or the bytes of a preview."""

KEPT = 256
"""The most small pictures in memory. A display that is updated draws only the new ones."""

STEP = 512
"""The bytes of pictures are rounded down to a multiple of this, so that a longer text changes none."""


class Gallery:
    """The displays of a studio. Its coroutines run on the studio's loop.

    Args:
        archive: the store.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._kept: OrderedDict[tuple[str, int], Picture] = OrderedDict()

    async def bundle(self, sheet: Sheet, sources: Mapping[str, Source], *, still: bool = True) -> Bundle:
        """Return the display of a sheet: HTML, a text, and one JPEG for places that take no HTML.

        Args:
            sheet: the sheet.
            sources: the origins of the pictures, by the ids of the tiles.
            still: False leaves the JPEG out, for a display that changes all the time.
        """
        sheet = bounded(sheet)
        wanted = [tile.id for tile in sheet.tiles if tile.id in sources]
        share = share_of(sheet, len(wanted))
        share -= share % STEP if share > 2 * STEP else 0
        pictures, reasons = await self._pictures(wanted, sources, share)
        sheet = replace(
            sheet,
            tiles=tuple(
                replace(tile, tone="hidden", words=reasons[tile.id]) if tile.id in reasons else tile
                for tile in sheet.tiles
            ),
        )
        bundle = words_of(sheet) | {"text/html": html_sheet(sheet, pictures)}
        return bundle | await self._still(sheets.one_picture, sheet, pictures, still=still)

    async def sweep_bundle(
        self, sheet: SweepSheet, sources: Mapping[str, Source], *, still: bool = True
    ) -> Bundle:
        """Return the display of a sweep. The arguments are those of `bundle`."""
        wanted = [tile.id for tile in sheet.tiles if tile.id in sources]
        share = share_in_sweep(sheet, steady=not still)
        pictures, reasons = await self._pictures(wanted, sources, share)
        sheet = with_reasons(sheet, reasons)
        bundle = {"text/plain": text_sweep(sheet), "text/html": html_sweep(sheet, pictures)}
        return bundle | await self._still(sweep_pictures.small_picture, sheet, pictures, still=still)

    async def _pictures(
        self, wanted: Sequence[str], sources: Mapping[str, Source], share: int
    ) -> tuple[dict[str, Picture], dict[str, str]]:
        """Return the small pictures of tiles, and why there are none of others, both by the ids of tiles."""
        found = await asyncio.gather(*(self._picture(sources[name], share) for name in wanted))
        named = list(zip(wanted, found, strict=True))
        pictures = {name: one for name, one in named if isinstance(one, tuple)}
        return pictures, {name: one for name, one in named if isinstance(one, str)}

    async def _still(
        self,
        draw: Callable[[T, Mapping[str, Picture], int], bytes],
        sheet: T,
        pictures: Mapping[str, Picture],
        *,
        still: bool,
    ) -> Bundle:
        """Return the JPEG of a sheet with pictures, where it is wanted."""
        if not still or not pictures:
            return {}
        drawn = await self._archive.in_pool(draw, sheet, pictures, MAX_PICTURE)
        return {"image/jpeg": base64.b64encode(drawn).decode()}

    async def covers(self, topics: Sequence[Topic]) -> Mapping[str, Source]:
        """Return the origins of the covers by topics. A cover that is not made yet is the first image."""
        archive = self._archive
        covers: dict[str, Source] = {}
        for topic in topics[:MAX_TILES]:
            source: Source | None = topic
            if topic.cover_url is None:
                source = await archive.in_store(archive.store.cover_candidate, topic.id)
            if source is not None:
                covers[topic.id] = source
        return covers

    async def aside(self, publish: Callable[[], None]) -> None:
        """Send a display to the cell, not on the loop: the sending waits for the kernel's other outputs."""
        await self._archive.in_pool(publish)

    async def _picture(self, source: Source, share: int) -> Picture | str | None:
        """Return a small picture, the words for an image that cannot be drawn, or None for no picture."""
        if isinstance(source, bytes):
            return await self._archive.in_pool(sheets.fitted, source, share)
        url = source.cover_url if isinstance(source, Topic) else source.asset and source.asset.url
        if url is None:
            return None
        kept = self._kept.get((url, share))
        if kept is not None:
            self._kept.move_to_end((url, share))
            return kept
        if isinstance(source, Topic):
            try:
                data, reason = await self._archive.read(url), None
            except ImgplayError:
                data, reason = None, "gone"
        else:
            data, reason = await self._archive.thumbnail_or_reason(source)
        if data is None:
            return HIDDEN[reason or "gone"]
        picture = await self._archive.in_pool(sheets.fitted, data, share)
        if picture is None:
            return HIDDEN["damaged"]
        self._kept[url, share] = picture
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return picture


def words_of(sheet: Sheet) -> Bundle:
    """Return the text of a sheet as a display."""
    return {"text/plain": text_sheet(sheet)}

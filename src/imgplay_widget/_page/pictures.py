"""The answers to calls for pictures: thumbnails, covers and originals."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from imgplay_widget._page import protocol
from imgplay_widget._rules.recipes import file_name
from imgplay_widget._store import images
from imgplay_widget.errors import NotFound, StoreError

if TYPE_CHECKING:
    from imgplay_widget._page.calls import Answers, Attachments
    from imgplay_widget._studio.core import Core
    from imgplay_widget._types import Asset, Entry, Generation, Topic

__all__ = ["Pictures"]

logger = logging.getLogger("imgplay_widget")


class Pictures:
    """The answers to a page that asks for pictures. They run on the engine's loop.

    Args:
        core: the studio.
    """

    def __init__(self, core: Core) -> None:
        self._archive, self._files = core.archive, core.files

    def answers(self) -> Answers:
        """Return the calls that this part answers, each with its answer."""
        return {
            protocol.Thumbnails: self._thumbnails,
            protocol.ReadCovers: self._covers,
            protocol.Original: self._original,
            protocol.View: self._view,
        }

    async def cover(self, topic: Topic) -> bytes | None:
        """Return the cover of a topic (WebP), or None where the topic has none or the file is unreadable."""
        if topic.cover_url is None:
            return None
        try:
            return await self._archive.read(topic.cover_url)
        except StoreError as error:
            logger.warning("A cover could not be read: %s", error.message)
            return None

    async def _thumbnails(self, call: protocol.Thumbnails, buffers: Attachments) -> protocol.ThumbnailList:
        items: list[protocol.ThumbnailItem] = []
        for generation_id in call.generation_ids:
            try:
                _, generation = await self._archive.generation(generation_id)
            except NotFound:
                data, reason = None, None
            else:
                data, reason = await self._archive.thumbnail_or_reason(generation)
            index = buffers.add_optional(data)
            items.append(protocol.ThumbnailItem(generation_id=generation_id, buffer=index, reason=reason))
        return protocol.ThumbnailList(items=items)

    async def _covers(self, call: protocol.ReadCovers, buffers: Attachments) -> protocol.CoverList:
        items: list[protocol.CoverItem] = []
        for topic_id in call.topic_ids:
            try:
                data = await self.cover(await self._archive.topic(topic_id))
            except NotFound:
                data = None
            items.append(protocol.CoverItem(topic_id=topic_id, buffer=buffers.add_optional(data)))
        return protocol.CoverList(items=items)

    async def _original(self, call: protocol.Original, buffers: Attachments) -> protocol.OriginalImage:
        entry, generation, asset = await self._finished(call.generation_id)
        # A browser does not draw a drawing of unknown origin, which may hold scripts, if it is only data.
        kind, data = asset.media_type, await self._archive.read(asset.url)
        return protocol.OriginalImage(
            generation_id=call.generation_id,
            media_type="application/octet-stream" if kind == "image/svg+xml" else kind,
            file_name=file_name(entry, generation),
            buffer=buffers.add(await self._archive.in_pool(self._files.saved, data, entry, generation)),
        )

    async def _view(self, call: protocol.View, buffers: Attachments) -> protocol.ViewImage:
        entry, generation, asset = await self._finished(call.generation_id)
        data = await self._archive.read(asset.url)
        drawn = await self._archive.in_pool(partial(images.view, data, always=call.as_webp))
        return protocol.ViewImage(
            generation_id=call.generation_id,
            media_type=asset.media_type if drawn is None else "image/webp",
            file_name=file_name(entry, generation) if drawn is None else None,
            buffer=buffers.add(data if drawn is None else drawn),
        )

    async def _finished(self, generation_id: str) -> tuple[Entry, Generation, Asset]:
        entry, generation = await self._archive.generation(generation_id)
        if generation.asset is None:
            raise NotFound("There is no image here yet.", next_step="Wait until the image is finished.")
        return entry, generation, generation.asset

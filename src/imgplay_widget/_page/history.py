"""The answers to calls that change the history: stars, titles, pins, covers, moves and deletions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._page import protocol
from imgplay_widget.errors import NotFound

if TYPE_CHECKING:
    from imgplay_widget._page.calls import Answers, Attachments
    from imgplay_widget._studio.core import Core

__all__ = ["History"]


class History:
    """The answers to a page that changes the history. They run on the engine's loop.

    Args:
        core: the studio that has the history.
        source: the id of the page (see `SettingWritten`).
    """

    def __init__(self, core: Core, source: str) -> None:
        self._core = core
        self._source = source
        self._curator = core.curator

    def answers(self) -> Answers:
        """Return the calls that this part answers, each with its answer."""
        return {
            protocol.Delete: self._delete,
            protocol.Restore: self._restore,
            protocol.Star: self._star,
            protocol.RenameTopic: self._rename_topic,
            protocol.PinTopic: self._pin_topic,
            protocol.ChooseCover: self._choose_cover,
            protocol.MoveBatches: self._move_batches,
        }

    async def _delete(self, call: protocol.Delete, _: Attachments) -> protocol.Empty:
        await self._curator.delete(call.what, call.ids, source=self._source)
        return protocol.Empty()

    async def _restore(self, call: protocol.Restore, _: Attachments) -> protocol.Empty:
        restored = await self._curator.restore(call.what, call.ids)
        if not restored.ids:
            raise NotFound("It is too late to undo this: the deletion is final.")
        return protocol.Empty()

    async def _star(self, call: protocol.Star, _: Attachments) -> protocol.Empty:
        await self._curator.star(call.generation_ids, starred=call.starred)
        return protocol.Empty()

    async def _rename_topic(self, call: protocol.RenameTopic, _: Attachments) -> protocol.Empty:
        await self._core.topics.rename(call.topic_id, call.title)
        return protocol.Empty()

    async def _pin_topic(self, call: protocol.PinTopic, _: Attachments) -> protocol.Empty:
        await self._curator.pin_topic(call.topic_id, pinned=call.pinned)
        return protocol.Empty()

    async def _choose_cover(self, call: protocol.ChooseCover, _: Attachments) -> protocol.Empty:
        await self._core.covers.choose(call.topic_id, call.generation_id)
        return protocol.Empty()

    async def _move_batches(self, call: protocol.MoveBatches, _: Attachments) -> protocol.BatchesMoved:
        return protocol.BatchesMoved(topic_id=await self._core.topics.move(call.batch_ids, call.topic_id))

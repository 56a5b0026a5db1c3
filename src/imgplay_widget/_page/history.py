"""What the page asks of the history: stars, covers and places, deleting and undoing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._page import protocol
from imgplay_widget.errors import NotFound

if TYPE_CHECKING:
    from imgplay_widget._studio.core import Core

__all__ = ["History"]


HistoryCall = (
    protocol.Delete
    | protocol.Restore
    | protocol.Favour
    | protocol.PinTopic
    | protocol.ChooseCover
    | protocol.MoveBatches
)


class History:
    """Answers one page's calls. On the engine's loop.

    Args:
        core: whose history it is.
    """

    calls = (
        protocol.Delete,
        protocol.Restore,
        protocol.Favour,
        protocol.PinTopic,
        protocol.ChooseCover,
        protocol.MoveBatches,
    )

    def __init__(self, core: Core) -> None:
        self._core = core
        self._curator, self._covers = core.curator, core.covers

    async def answer(self, call: HistoryCall, buffers: list[bytes]) -> protocol.Result:
        """Answers a call.

        Raises:
            NotFound: what is to come back is gone for good, or there is no such topic or image.
        """
        match call:
            case protocol.Delete():
                await self._curator.delete(call.what, call.ids)
            case protocol.Restore():
                restored = await self._curator.restore(call.what, call.ids)
                if not restored.ids:
                    raise NotFound("It is too late to undo this: it is gone for good.")
            case protocol.Favour():
                await self._curator.favour(call.generation_ids, favourite=call.favourite)
            case protocol.PinTopic():
                await self._curator.pin_topic(call.topic_id, pinned=call.pinned)
            case protocol.ChooseCover():
                await self._covers.choose(call.topic_id, call.generation_id)
            case protocol.MoveBatches():
                topic_id = await self._core.topics.move(call.batch_ids, call.topic_id)
                return protocol.BatchesMoved(topic_id=topic_id)
        return protocol.Empty()

"""What the page asks of the history: deleting and undoing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget import _protocol as protocol
from imgplay_widget.errors import NotFound

if TYPE_CHECKING:
    from imgplay_widget._studio import Studio

__all__ = ["History"]


class History:
    """Answers one page's calls. On the engine's loop.

    Args:
        studio: whose history it is.
    """

    calls = (protocol.Delete, protocol.Restore)

    def __init__(self, studio: Studio) -> None:
        self._engine = studio.engine

    async def answer(self, call: protocol.Delete | protocol.Restore, buffers: list[bytes]) -> protocol.Result:
        """Answers a call.

        Raises:
            NotFound: what is to come back is gone for good.
        """
        match call:
            case protocol.Delete():
                await self._engine.delete(call.what, call.ids)
            case protocol.Restore():
                restored = await self._engine.restore(call.what, call.ids)
                if not restored.ids:
                    raise NotFound("It is too late to undo this: it is gone for good.")
        return protocol.Empty()

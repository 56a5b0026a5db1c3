"""What the page asks about input images: uploads, results and links as references, their pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgplay_widget._page import protocol
from imgplay_widget._page.states import reference_state
from imgplay_widget._page.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgplay_widget._studio.core import Core

__all__ = ["PageReferences"]

ReferenceCall = (
    protocol.Upload | protocol.TakeReference | protocol.ReferenceThumbnails | protocol.ReferenceOriginal
)

Piece = bytes | memoryview


class PageReferences:
    """The part of a page that knows input images.

    Args:
        core: whose references they are.
    """

    calls = (
        protocol.Upload,
        protocol.TakeReference,
        protocol.ReferenceThumbnails,
        protocol.ReferenceOriginal,
    )

    def __init__(self, core: Core) -> None:
        self._core = core
        self._references = core.references
        self._uploads = Uploads()
        core.engine.each_beat.append(self._tidy)

    def close(self) -> None:
        """Forgets what was on its way. On the loop."""
        self._uploads.clear()
        if self._tidy in self._core.engine.each_beat:
            self._core.engine.each_beat.remove(self._tidy)

    def _tidy(self) -> None:
        self._uploads.forget_old(self._core.engine.monotonic())

    async def answer(self, call: ReferenceCall, pieces: Sequence[Piece], buffers: list[bytes]) -> Any:
        """Answers a call.

        Args:
            call: what the page asks.
            pieces: the buffers that came with it.
            buffers: takes those that go with the answer.
        """
        match call:
            case protocol.Upload():
                return await self._upload(call, pieces)
            case protocol.TakeReference():
                return await self._take(call)
            case protocol.ReferenceThumbnails():
                items: list[protocol.ReferenceThumbnail] = []
                for digest in call.digests:
                    data = await self._references.thumbnail(digest)
                    if data is not None:
                        buffers.append(data)
                    index = None if data is None else len(buffers) - 1
                    items.append(protocol.ReferenceThumbnail(digest=digest, buffer=index))
                return protocol.ReferenceThumbnailList(items=items)
            case protocol.ReferenceOriginal():
                reference, data = await self._references.original(call.digest)
                buffers.append(data)
                return protocol.ReferenceImage(
                    digest=reference.digest, media_type=reference.media_type, buffer=len(buffers) - 1
                )

    async def _upload(self, call: protocol.Upload, pieces: Sequence[Piece]) -> protocol.UploadTaken:
        # Before anything is awaited: pieces that come close together keep their order.
        piece = pieces[0] if pieces else None
        now = self._core.engine.monotonic()
        upload = self._uploads.add(call.upload_id, call.offset, call.total, piece, now)
        reference = None
        if len(upload.data) == upload.total:
            kept = await self._references.keep(bytes(upload.data), call.purpose)
            reference = reference_state(kept)
        return protocol.UploadTaken(received=len(upload.data), reference=reference)

    async def _take(self, call: protocol.TakeReference) -> protocol.ReferenceTaken:
        if call.source == "link":
            reference = await self._references.keep(await self._core.clients.fetch(call.value))
        else:
            reference = await self._references.of_result(call.value)
        return protocol.ReferenceTaken(reference=reference_state(reference))

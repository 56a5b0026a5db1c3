"""The answers to calls about input images: uploads, references from results and links, and their pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._page import protocol
from imgplay_widget._page.states import reference_state
from imgplay_widget._page.uploads import Uploads

if TYPE_CHECKING:
    from imgplay_widget._page.calls import Answers, Attachments
    from imgplay_widget._studio.core import Core

__all__ = ["PageReferences"]


class PageReferences:
    """The answers to a page that uses input images. They run on the engine's loop.

    Args:
        core: the studio that has the references.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._references = core.references
        self._uploads = Uploads()
        core.engine.each_beat.append(self._tidy)

    def close(self) -> None:
        """Forget the unfinished uploads. Call this on the engine's loop."""
        self._uploads.clear()
        if self._tidy in self._core.engine.each_beat:
            self._core.engine.each_beat.remove(self._tidy)

    def _tidy(self) -> None:
        self._uploads.forget_old(self._core.engine.monotonic())

    def answers(self) -> Answers:
        """Return the calls that this part answers, each with its answer."""
        return {
            protocol.UploadPiece: self._upload,
            protocol.TakeReference: self._take,
            protocol.ReferenceThumbnails: self._thumbnails,
            protocol.ReferenceOriginal: self._original,
        }

    async def _thumbnails(
        self, call: protocol.ReferenceThumbnails, buffers: Attachments
    ) -> protocol.ReferenceThumbnailList:
        items: list[protocol.ReferenceThumbnail] = []
        for digest in call.digests:
            data = await self._references.thumbnail(digest)
            items.append(protocol.ReferenceThumbnail(digest=digest, buffer=buffers.add_optional(data)))
        return protocol.ReferenceThumbnailList(items=items)

    async def _original(
        self, call: protocol.ReferenceOriginal, buffers: Attachments
    ) -> protocol.ReferenceImage:
        reference, data = await self._references.original(call.digest)
        return protocol.ReferenceImage(
            digest=reference.digest, media_type=reference.media_type, buffer=buffers.add(data)
        )

    async def _upload(self, call: protocol.UploadPiece, buffers: Attachments) -> protocol.UploadTaken:
        # The piece is added before the first await, so that pieces that come close together keep their order.
        piece = buffers.received[0] if buffers.received else None
        now = self._core.engine.monotonic()
        upload = self._uploads.add(call.upload_id, call.offset, call.total, piece, now)
        reference = None
        if len(upload.data) == upload.total:
            kept = await self._references.keep(bytes(upload.data), call.purpose)
            reference = reference_state(kept)
        return protocol.UploadTaken(received=len(upload.data), reference=reference)

    async def _take(self, call: protocol.TakeReference, _: Attachments) -> protocol.ReferenceTaken:
        if call.source == "link":
            reference = await self._references.keep(await self._core.clients.fetch(call.value))
        else:
            reference = await self._references.of_result(call.value)
        return protocol.ReferenceTaken(reference=reference_state(reference))

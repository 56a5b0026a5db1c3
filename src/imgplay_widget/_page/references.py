"""The answers to calls about input images: uploads, references from results and links, and their pictures."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

from imgplay_widget._page import protocol
from imgplay_widget._page.states import found_state, made_state, reference_state
from imgplay_widget._page.uploads import Uploads
from imgplay_widget._rules.embedded import found_in, metadata_of
from imgplay_widget._studio.found import usable

if TYPE_CHECKING:
    from imgplay_widget._page.calls import Answers, Attachments
    from imgplay_widget._rules.embedded import FileRecipe, Metadata
    from imgplay_widget._studio.core import Core

__all__ = ["PageReferences"]


def _read(data: bytes) -> tuple[str, Metadata, FileRecipe | None]:
    metadata = metadata_of(io.BytesIO(data))
    return hashlib.sha256(data).hexdigest(), metadata, found_in(metadata)


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
        reference = found = None
        if len(upload.data) == upload.total:
            data = bytes(upload.data)
            if call.purpose != "recipe":
                reference = reference_state(await self._references.keep(data, call.purpose))
            if call.purpose != "mask":
                found = await self._found(data)
        return protocol.UploadTaken(received=len(upload.data), reference=reference, found=found)

    async def _found(self, data: bytes) -> protocol.FoundState | None:
        """Return what a file says of how it was made, as the page can use it."""
        core = self._core
        digest, metadata, found = await core.archive.in_pool(_read, data)
        flows = (metadata.texts.get(name, "") for name in ("prompt", "workflow"))
        workflow = next((one for one in flows if one.lstrip().startswith("{")), None)
        if workflow is not None and len(workflow) > protocol.MAX_WORKFLOW:
            workflow = None
        made = await core.known(digest, found)
        if made is not None:
            return made_state(core.files.recipe(*made), workflow)
        if found is None and workflow is None:
            return None
        return found_state(found, None if found is None else usable(core.registry, found), workflow)

    async def _take(self, call: protocol.TakeReference, _: Attachments) -> protocol.ReferenceTaken:
        if call.source == "link":
            reference = await self._references.keep(await self._core.clients.fetch(call.value))
        else:
            reference = await self._references.of_result(call.value)
        return protocol.ReferenceTaken(reference=reference_state(reference))

"""The input images that a user adds before a request: stored, found and shown. On the engine's loop."""

from __future__ import annotations

import logging
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from imgplay_widget._rules.kinds import SOME_IMAGE
from imgplay_widget._store import images
from imgplay_widget._studio.inputs import SENT, Input, Role, read_input
from imgplay_widget._types import Reference
from imgplay_widget.errors import CorruptImage, ImgplayError, InvalidRequest, NotFound, NotShown, StoreError

if TYPE_CHECKING:
    from imgplay_widget._engine.archive import Archive

__all__ = ["References"]

logger = logging.getLogger("imgplay_widget")

KNOWN = 256
"""The number of references that are remembered, so that their files are not read again."""


class References:
    """The input images of a studio.

    Args:
        archive: the store.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._assets = archive.store.assets
        self._known: OrderedDict[str, Reference] = OrderedDict()

    async def keep(
        self, data: bytes, role: Role = "reference", said: str = "", generation_id: str | None = None
    ) -> Reference:
        """Store an image, and keep it for a day at most until a request or a draft names it.

        Args:
            data: the bytes of a file.
            role: the use of the image; a mask is a PNG with transparency.
            said: the media type that the sender of the image named.
            generation_id: the generation whose image this is, or None where the bytes are from elsewhere.

        Raises:
            InvalidRequest: the bytes are not an image or not a mask, or the image is damaged.
            DiskFull: there is no space, and no part of the image stays.
        """
        kept = await self._archive.in_pool(self._keep, data, role, said)
        return self._learned(replace(kept, generation_id=generation_id or kept.generation_id))

    def _keep(self, data: bytes, role: Role, said: str) -> Reference:
        item = read_input(data, role, said)
        assert item.data is not None
        if role == "mask" and (item.reference.media_type != "image/png" or not images.has_alpha(item.data)):
            raise InvalidRequest(
                "The mask is not a PNG with transparency.",
                parameter="mask",
                next_step="Save the mask as a PNG that is transparent where the picture may change.",
            )
        try:
            # The pixels are decoded here, so that a damaged image is refused before a provider is paid.
            thumbnail = images.thumbnail(item.data)
        except (CorruptImage, NotShown) as error:
            raise InvalidRequest(
                f"A {role} cannot be used: {error.message}",
                parameter="mask" if role == "mask" else "references",
                next_step="Open the image in a program for images, save it again, and add the new file.",
            ) from None
        reference = self._assets.add_reference(item.data)
        # The reference can be used without a cached thumbnail.
        with suppress(StoreError):
            self._assets.write_thumbnail(reference.digest, thumbnail)
        return replace(reference, generation_id=item.reference.generation_id)

    async def of_result(self, generation_id: str) -> Reference:
        """Return a reference to the image of a generation, whose file is kept even if the image is deleted.

        Raises:
            NotFound: there is no such generation, or its image is not there.
            InvalidRequest: the image is damaged, or of a kind that no provider takes and that cannot be
                converted.
        """
        _, generation = await self._archive.generation(generation_id)
        asset = generation.asset
        if asset is None:
            raise NotFound("There is no image here yet.", next_step="Wait until the image is finished.")
        if asset.media_type not in SENT or not asset.whole or asset.width is None or asset.height is None:
            data = await self._archive.read(asset.url)
            return await self.keep(data, said=SOME_IMAGE, generation_id=generation_id)
        reference = Reference(
            digest=asset.digest,
            media_type=asset.media_type,
            width=asset.width,
            height=asset.height,
            generation_id=generation_id,
        )
        if not await self._archive.in_pool(self._assets.hold, reference):
            raise NotFound(
                "The file of this image is gone from the store.", next_step="Choose another image."
            )
        # The file of a result stays as it came, but an input image has its pixels upright.
        return self._learned(await self._archive.in_pool(self._upright, reference))

    async def find(self, digest: str, role: Role = "reference") -> Reference:
        """Return a stored input image, which the user gave or made. Errors name its `role`.

        Raises:
            NotFound: the image is gone, was never there, or belongs to other users only.
        """
        known = self._known.get(digest)
        if known is not None and self._assets.size(known) is not None:
            self._known.move_to_end(digest)
            return known
        found = None
        if await self._archive.in_store(self._archive.store.owns, digest):
            with suppress(CorruptImage):
                found = await self._archive.in_pool(self._look, digest)
        if found is None:
            self._known.pop(digest, None)
            raise _gone(role)
        return self._learned(found, digest)

    async def upright(self, reference: Reference) -> Reference:
        """Return a stored image with its pixels upright. Where it cannot be read, it stays as it is."""
        known = self._known.get(reference.digest)
        if known is None:
            with suppress(ImgplayError):
                known = await self._archive.in_pool(self._upright, reference)
                self._learned(known, reference.digest)
        return reference if known is None else replace(known, generation_id=reference.generation_id)

    def stored(self, reference: Reference, role: Role) -> Input:
        """Return a stored reference as an input of a request. Any thread may call this.

        Raises:
            NotFound: the image is gone.
        """
        if self._assets.size(reference) is None:
            raise _gone(role)
        known = self._known.get(reference.digest) or self._upright(reference)
        # The same image may be a result here and a plain file there.
        upright = replace(known, generation_id=reference.generation_id)
        size = self._assets.size(upright)
        if size is None:
            raise _gone(role)
        return Input(upright, size, None)

    def _look(self, digest: str) -> Reference | None:
        found = self._assets.reference(digest)
        return None if found is None else self._upright(found)

    def _upright(self, reference: Reference) -> Reference:
        """Return a stored image with its pixels upright, as `keep` stores them. Earlier versions did not."""
        data = self._assets.read(self._assets.original_url(reference.digest, reference.media_type))
        try:
            turned = images.upright(data)
        except NotShown:
            return reference
        if turned is data:
            return reference
        return replace(self._keep(turned, "reference", ""), generation_id=reference.generation_id)

    async def thumbnail(self, digest: str) -> bytes | None:
        """Return the thumbnail of a reference (WebP), or None where the image is gone."""
        try:
            return await self._archive.in_pool(self._assets.reference_thumbnail, await self.find(digest))
        except NotFound:
            return None
        except ImgplayError as error:
            logger.warning("A thumbnail could not be made: %s", error.message)
            return None

    async def original(self, digest: str) -> tuple[Reference, bytes]:
        """Return a reference and its bytes.

        Raises:
            NotFound: the image is gone.
        """
        reference = await self.find(digest)
        url = self._assets.original_url(reference.digest, reference.media_type)
        return reference, await self._archive.read(url)

    def _learned(self, reference: Reference, asked: str | None = None) -> Reference:
        """Remember an upright image, by its digest and by the digest that somebody asked for."""
        self._known[reference.digest] = reference
        if asked is not None:
            self._known[asked] = reference
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)
        return reference


def _gone(role: Role) -> NotFound:
    return NotFound(f"This {role} is gone from the store.", next_step="Add the image again.")

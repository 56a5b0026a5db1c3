"""The drafts of topics, which outlive pages and kernels. On the engine's loop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from imgplay_widget._rules.changes import Change, DraftWritten
from imgplay_widget._types import Draft
from imgplay_widget.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._studio.inputs import Role
    from imgplay_widget._studio.references import References
    from imgplay_widget._types import Reference

__all__ = ["MAX_REFERENCES", "Drafts"]

MAX_REFERENCES = 64
"""The most input images of one draft, which is more than any model takes."""


class Drafts:
    """The drafts of a studio. None instead of a topic stands for the "new topic" screen.

    Args:
        archive: the store.
        inputs: finds input images by their digests.
        notify: called with each change, after the change was committed.
    """

    def __init__(self, archive: Archive, inputs: References, notify: Callable[[Change], None]) -> None:
        self._archive = archive
        self._inputs = inputs
        self._notify = notify
        # One write at a time: finding images takes more or less time, and the last draft must win.
        self._order = asyncio.Lock()

    async def read(self, topic_id: str | None) -> Draft:
        """Return a draft, without the images whose files are gone."""
        draft = await self._archive.in_store(self._archive.store.draft, topic_id)
        # An earlier version may have stored a photo on its side.
        return replace(draft, references=tuple([await self._inputs.upright(one) for one in draft.references]))

    async def save(
        self,
        topic_id: str | None,
        *,
        prompt: str,
        references: Sequence[str],
        mask: str | None,
        source: str | None = None,
    ) -> None:
        """Save a draft, without the images that the store does not have.

        Args:
            topic_id: the topic of the draft.
            prompt: the words.
            references: the digests of the input images, in their order.
            mask: the digest of the mask, or None.
            source: the page that wrote the draft (see `SettingWritten`).

        Raises:
            NotFound: the topic is gone.
            InvalidRequest: there are too many images.
        """
        _check_count(len(references))
        async with self._order:
            found = [await self._find(digest) for digest in references]
            draft = Draft(
                prompt=prompt,
                references=tuple(one for one in found if one is not None),
                mask=None if mask is None else await self._find(mask, "mask"),
            )
            await self._write(topic_id, draft, source)

    async def add(self, topic_id: str | None, reference: Reference) -> None:
        """Add an input image to the end of a draft, or move an image of the draft there.

        Raises: as `save` does.
        """
        async with self._order:
            draft = await self.read(topic_id)
            others = tuple(one for one in draft.references if one.digest != reference.digest)
            await self._write(topic_id, replace(draft, references=(*others, reference)), None)

    async def set_prompt(self, topic_id: str | None, prompt: str) -> None:
        """Set the words of a draft. Its input images stay. Raise as `save` does."""
        async with self._order:
            draft = await self.read(topic_id)
            await self._write(topic_id, replace(draft, prompt=prompt), None)

    async def clear_references(self, topic_id: str | None) -> None:
        """Remove the input images and the mask from a draft. Raise as `save` does."""
        async with self._order:
            draft = await self.read(topic_id)
            await self._write(topic_id, replace(draft, references=(), mask=None), None)

    async def _find(self, digest: str, role: Role = "reference") -> Reference | None:
        try:
            return await self._inputs.find(digest, role)
        except NotFound:
            return None

    async def _write(self, topic_id: str | None, draft: Draft, source: str | None) -> None:
        _check_count(len(draft.references))
        kept = await self._archive.in_store(self._archive.store.save_draft, topic_id, draft)
        self._notify(DraftWritten(topic_id=topic_id, draft=kept, source=source))


def _check_count(count: int) -> None:
    if count > MAX_REFERENCES:
        raise InvalidRequest(
            f"{count} input images are too many: {MAX_REFERENCES} at most.",
            parameter="references",
            next_step="Remove some of them.",
        )

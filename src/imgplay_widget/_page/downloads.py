"""The answers to calls about finished images: recipes, code and ZIPs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgplay_widget._ids import new_id
from imgplay_widget._page import protocol
from imgplay_widget._page.states import recipe_state
from imgplay_widget._rules.recipes import pack_name
from imgplay_widget.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from imgplay_widget._page.calls import Answers, Attachments
    from imgplay_widget._studio.core import Core
    from imgplay_widget._types import Entry, Generation

__all__ = ["Downloads"]

PIECE = 2**20
"""The most bytes of a ZIP in one message."""

UNREAD = 600.0
"""Seconds after the last reading of a ZIP, when the file is removed."""

MOST = 4
"""The most ZIPs of one page. The oldest is removed first: a page that was loaded again never reads it."""


@dataclass(slots=True)
class _Pack:
    path: Path
    size: int
    read_at: datetime


class Downloads:
    """The answers to a page's calls about images, and the ZIPs of the page. They run on the engine's loop.

    Args:
        core: the studio that has the images.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._engine, self._archive = core.engine, core.archive
        self._packs: dict[str, _Pack] = {}
        self._closed = False

    def answers(self) -> Answers:
        """Return the calls that this part answers, each with its answer."""
        return {
            protocol.ReadRecipe: self._recipe,
            protocol.Code: self._code,
            protocol.Pack: self._pack,
            protocol.PackChunk: self._chunk,
            protocol.DropPack: self._drop_pack,
        }

    async def _recipe(self, call: protocol.ReadRecipe, _: Attachments) -> protocol.RecipeResult:
        entry, generation = await self._archive.generation(call.generation_id)
        return protocol.RecipeResult(recipe=recipe_state(self._core.files.recipe(entry, generation)))

    async def _code(self, call: protocol.Code, _: Attachments) -> protocol.CodeText:
        files = self._core.files
        if call.generation_id is None:
            return protocol.CodeText(text=files.code(await self._engine.entry(call.batch_id)))
        generation = (await self._archive.generation(call.generation_id))[1]
        return protocol.CodeText(text=await self._archive.in_pool(files.opening_code, generation))

    async def _drop_pack(self, call: protocol.DropPack, _: Attachments) -> protocol.Empty:
        self._drop(call.pack_id)
        return protocol.Empty()

    def close(self) -> None:
        """Remove the ZIPs that were not read to their end."""
        self._closed = True
        for pack_id in tuple(self._packs):
            self._drop(pack_id)

    # -------------------------------------------------------------- ZIPs

    async def _pack(self, call: protocol.Pack, _: Attachments) -> protocol.Packed:
        found = await self._found(call.generation_ids)
        packed = [image for pair in found if (image := self._core.files.packed(*pair)) is not None]
        path, images = await self._archive.in_pool(self._archive.store.assets.pack, packed)
        pack_id, size = new_id(), path.stat().st_size
        self._packs[pack_id] = _Pack(path, size, self._core.now())
        if self._follow not in self._engine.each_beat:
            self._engine.each_beat.append(self._follow)
        for old in tuple(self._packs)[:-MOST]:
            self._drop(old)
        if self._closed:
            # The page was closed while the ZIP was written, so the ZIP is not needed.
            self._drop(pack_id)
        name = pack_name([entry for entry, _ in found], images, self._core.now())
        return protocol.Packed(pack_id=pack_id, file_name=name, size=size, images=images)

    async def _found(self, ids: Sequence[str]) -> list[tuple[Entry, Generation]]:
        """Return the images that exist, with their batches. Each batch is read once."""
        known: dict[str, tuple[Entry, Generation]] = {}
        for generation_id in ids:
            if generation_id in known:
                continue
            try:
                entry, _ = await self._archive.generation(generation_id)
            except NotFound:
                continue
            known |= {generation.id: (entry, generation) for generation in entry.generations}
        return [known[generation_id] for generation_id in dict.fromkeys(ids) if generation_id in known]

    async def _chunk(self, call: protocol.PackChunk, buffers: Attachments) -> protocol.Chunk:
        pack_id, offset = call.pack_id, call.offset
        pack = self._packs.get(pack_id)
        if pack is None or offset >= pack.size:
            raise NotFound("This ZIP does not exist any more.", next_step="Download it again.")
        pack.read_at = self._core.now()
        try:
            piece = await self._archive.in_pool(_read, pack.path, offset)
        except OSError:
            self._drop(pack_id)
            raise NotFound("This ZIP does not exist any more.", next_step="Download it again.") from None
        last = offset + len(piece) >= pack.size
        if last:
            self._drop(pack_id)
        return protocol.Chunk(offset=offset, buffer=buffers.add(piece), last=last)

    def _follow(self) -> None:
        now = self._core.now()
        for pack_id, pack in tuple(self._packs.items()):
            if (now - pack.read_at).total_seconds() >= UNREAD:
                self._drop(pack_id)

    def _drop(self, pack_id: str) -> None:
        pack = self._packs.pop(pack_id, None)
        if pack is not None:
            pack.path.unlink(missing_ok=True)
        if not self._packs and self._follow in self._engine.each_beat:
            self._engine.each_beat.remove(self._follow)


def _read(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(PIECE)

"""What a studio gives of its images: files, recipes, code and ZIPs."""

from __future__ import annotations

import errno
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from imgplay_widget._rules.recipes import Recipe, code, file_name, recipe
from imgplay_widget._store import PackedImage, Store, write_pack
from imgplay_widget._studio.handles import BatchHandle, GenerationHandle, Images
from imgplay_widget.errors import DiskFull, NotFound

if TYPE_CHECKING:
    import os

    from imgplay_widget._types import Batch, Entry, Generation, Reference
    from imgplay_widget.providers.registry import Registry

__all__ = ["StudioImages"]


class StudioImages:
    """The calls of a studio that are about images which are there. They need no loop."""

    registry: Registry
    _store: Store

    def asset_path(self, url: str) -> Path:
        """Gives where the bytes of an asset lie."""
        return self._store.assets.path(url)

    def reference_path(self, reference: Reference) -> Path:
        """Gives where the bytes of an input image lie."""
        assets = self._store.assets
        return assets.path(assets.original_url(reference.digest, reference.media_type))

    def save_zip(self, path: str | os.PathLike[str], images: Images) -> Path:
        """Writes finished images into a ZIP, byte for byte, with their recipes (``recipes.json``).

        Args:
            path: the file to write; one that is there is replaced.
            images: batches and generations; of them, what is not finished is left out.

        Returns:
            The path.

        Raises:
            InvalidRequest: no image among them is finished.
            DiskFull: there is no space for it.
            OSError: it cannot be written there.
        """
        several = [images] if isinstance(images, BatchHandle | GenerationHandle) else images
        found: dict[str, PackedImage] = {}
        for item in several:
            for one in item if isinstance(item, BatchHandle) else (item,):
                packed = self.packed(one.batch.entry, one.row)
                if packed is not None:
                    found[one.id] = packed
        target = Path(path)
        part = target.with_name(f"{target.name}.part")
        try:
            write_pack(part, found.values())
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            if error.errno == errno.ENOSPC:
                raise DiskFull(f"There is no space left to write {target.name}.") from error
            raise
        return target

    def packed(self, entry: Entry, generation: Generation) -> PackedImage | None:
        """Gives an image as it goes into a ZIP, or None while there is none."""
        if generation.asset is None:
            return None
        recipe = self.recipe(entry, generation)
        told = recipe.as_json()
        # A ZIP is made to be given away: where the original lies is nobody else's business.
        del told["path"]
        return PackedImage(
            name=file_name(entry, generation),
            source=self.asset_path(generation.asset.url),
            made_at=recipe.finished_at or recipe.created_at,
            recipe=told,
        )

    def model_title(self, batch: Batch) -> str:
        """Gives the title of a batch's model; its id where the model is no longer known."""
        try:
            return self.registry.find(f"{batch.provider}:{batch.model}")[1].title
        except NotFound:
            return batch.model

    def recipe(self, entry: Entry, generation: Generation) -> Recipe:
        """Gives how an image was made, or was to be made."""
        return recipe(
            entry,
            generation,
            model_title=self.model_title(entry.batch),
            path=None if generation.asset is None else self.asset_path(generation.asset.url),
            version=_version(),
        )

    def code(self, entry: Entry) -> str:
        """Gives the Python code that makes a batch again."""
        return code(entry, self.reference_path)


@cache
def _version() -> str:
    return version("imgplay-widget")

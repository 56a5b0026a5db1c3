"""The files of a studio's images, with their recipes, their code and ZIPs of them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from imgplay_widget._rules.embedded import written
from imgplay_widget._rules.file_names import file_names
from imgplay_widget._rules.recipes import Recipe, code, file_name, opening_code, recipe
from imgplay_widget._store import PackedImage, write_pack
from imgplay_widget._store.paths import path_of, replacing
from imgplay_widget._store.saving import copy_saved, saved_bytes
from imgplay_widget.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from imgplay_widget._rules.embedded import Written
    from imgplay_widget._store import Assets
    from imgplay_widget._types import Batch, Entry, Generation, Reference
    from imgplay_widget.providers.registry import Registry

__all__ = ["Files"]


class Files:
    """The files of images and their recipes. Any thread may use them.

    Args:
        assets: the folder of the files.
        registry: the providers, which know the titles of models.
        recipes: True where what is saved gets the recipe inside the file.
    """

    def __init__(self, assets: Assets, registry: Registry, *, recipes: bool = True) -> None:
        self._assets = assets
        self._registry = registry
        self._recipes = recipes

    def path(self, url: str) -> Path:
        """Return the path of a file that a row names by its url."""
        return self._assets.where(url)

    def original_path(self, url: str) -> Path:
        """Return the path of an original, which exists.

        Raises:
            StoreError: the file is gone from the store.
        """
        return self._assets.existing(url)

    def exist(self, urls: Iterable[str]) -> bool:
        """Return whether all files are there that rows name by these urls."""
        return all(self.path(url).exists() for url in urls)

    def reference_path(self, reference: Reference) -> Path:
        """Return the path of an input image."""
        return self._assets.where(self._assets.original_url(reference.digest, reference.media_type))

    def save_zip(self, path: str | os.PathLike[str], images: Iterable[tuple[Entry, Generation]]) -> Path:
        """Write finished images into a ZIP, with their recipes in the files and in ``recipes.json``.

        Args:
            path: the file to write; an existing file is replaced.
            images: generations with their batches; generations without an image are left out.

        Returns:
            The path.

        Raises:
            InvalidRequest: no image among them is finished, or the path cannot be one.
            DiskFull: there is no space for the ZIP.
            OSError: the file cannot be written.
        """
        found: dict[str, PackedImage] = {}
        for entry, generation in images:
            packed = self.packed(entry, generation)
            if packed is not None:
                found[generation.id] = packed
        target = path_of(path, "path")
        with replacing(target) as part:
            write_pack(part, found.values())
        return target

    def save(
        self,
        folder: str | os.PathLike[str],
        images: Sequence[tuple[Entry, Generation]],
        pattern: str,
        words: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[Path]:
        """Write finished images with their recipes into a folder, and return their paths.

        Args:
            folder: the folder, which is made where it does not exist; existing files are replaced.
            images: generations with their batches; generations without an image are left out.
            pattern: the name of a file without its extension; see `file_names`.
            words: further words of the pattern for each of the images.

        Raises:
            InvalidRequest: no image is finished, the pattern cannot be used, or the folder is a file.
            StoreError: the file of an image is gone from the store.
            DiskFull: there is no space for the files.
            OSError: a file cannot be written.
        """
        finished = [(entry, one, one.asset) for entry, one in images if one.asset is not None]
        some = words and [more for (_, one), more in zip(images, words, strict=True) if one.asset is not None]
        names = file_names(pattern, [(entry, one) for entry, one, _ in finished], some)
        if not finished:
            raise InvalidRequest(
                "None of these images is finished.", next_step="Wait for the images, or retry them."
            )
        sources = [(self.original_path(asset.url), self.texts(entry, one)) for entry, one, asset in finished]
        target = path_of(folder, "folder")
        if target.exists() and not target.is_dir():
            raise InvalidRequest(f"{target.name} is a file, and not a folder.", parameter="folder")
        target.mkdir(parents=True, exist_ok=True)
        for (source, texts), name in zip(sources, names, strict=True):
            _copy(source, target / name, texts)
        return [target / name for name in names]

    def save_as(self, target: Path, entry: Entry, generation: Generation) -> None:
        """Write one finished image with its recipe into a file. An existing file is replaced.

        Raises:
            StoreError: the file of the image is gone from the store.
            DiskFull: there is no space for the file.
            OSError: the file cannot be written.
        """
        assert generation.asset is not None
        _copy(self.original_path(generation.asset.url), target, self.texts(entry, generation))

    def saved(self, data: bytes, entry: Entry, generation: Generation) -> bytes:
        """Return the bytes of an original as they are saved: with the recipe, where the file can have one."""
        return saved_bytes(data, self.texts(entry, generation))

    def texts(self, entry: Entry, generation: Generation) -> Written | None:
        """Return what a saved file gets of the recipe, or None where files stay byte for byte."""
        return written(self.recipe(entry, generation).as_json()) if self._recipes else None

    def packed(self, entry: Entry, generation: Generation) -> PackedImage | None:
        """Return an image in the form for a ZIP, or None while there is no image."""
        if generation.asset is None:
            return None
        recipe = self.recipe(entry, generation)
        shared = recipe.as_json()
        # Users pass a ZIP on, and the path of the original is private.
        del shared["path"]
        return PackedImage(
            name=file_name(entry, generation),
            source=self.path(generation.asset.url),
            made_at=recipe.finished_at or recipe.created_at,
            recipe=shared,
            made=written(shared) if self._recipes else None,
        )

    def model_title(self, batch: Batch) -> str:
        """Return the title of a batch's model, or the model's id where the model is no longer known."""
        return self.title_of(f"{batch.provider}:{batch.model}") or batch.model

    def title_of(self, model: str) -> str | None:
        """Return the title of a model (``"provider:id"``), or None where the model is not known."""
        try:
            return self._registry.find(model)[1].title
        except NotFound:
            return None

    def recipe(self, entry: Entry, generation: Generation) -> Recipe:
        """Return how an image was made, or was to be made."""
        return recipe(
            entry,
            generation,
            model_title=self.model_title(entry.batch),
            path=None if generation.asset is None else self.path(generation.asset.url),
            version=_version(),
        )

    def code(self, entry: Entry) -> str:
        """Return the Python code that makes a batch again."""
        return code(entry, self.reference_path)

    def opening_code(self, generation: Generation) -> str:
        """Return the Python code that opens the file of an image.

        Raises:
            NotFound: the generation has no image.
            StoreError: the file is gone from the store.
        """
        asset = generation.asset
        if asset is None:
            raise NotFound(
                "This generation has no image.", next_step="Wait for the image, or retry the generation."
            )
        return opening_code(self.original_path(asset.url), asset.media_type)


def _copy(source: Path, target: Path, texts: Written | None) -> None:
    with replacing(target) as part, source.open("rb") as original, part.open("wb") as copy:
        copy_saved(original, copy, texts)


@cache
def _version() -> str:
    return version("imgplay-widget")

"""ZIPs of images. Stored, not deflated: images are compressed already."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

__all__ = ["RECIPES", "PackedImage", "write_pack"]

RECIPES = "recipes.json"
"""The file in a ZIP that holds the recipe of each image."""

_PIECE = 2**20
"""Bytes that are copied at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedImage:
    """An image that goes into a ZIP.

    Attributes:
        name: the name of its file; one that is taken gets a number.
        source: where its bytes lie.
        made_at: the time of its file.
        recipe: how it was made, as JSON.
    """

    name: str
    source: Path
    made_at: datetime
    recipe: Mapping[str, Any]


def write_pack(target: Path, images: Iterable[PackedImage]) -> int:
    """Writes images and their recipes into a ZIP, a piece at a time, and gives how many there are in it.

    An image whose file is gone is left out.

    Args:
        target: the file to write; it is replaced. Nothing stays of it where this fails.
        images: what goes into it.

    Raises:
        InvalidRequest: none of the images is there.
        OSError: it could not be written.
    """
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            return _fill(archive, images)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _fill(archive: zipfile.ZipFile, images: Iterable[PackedImage]) -> int:
    recipes: list[dict[str, Any]] = []
    names = {RECIPES}
    for image in images:
        try:
            source = image.source.open("rb")
        except FileNotFoundError:
            continue
        with source:
            name = _free(image.name, names)
            info = zipfile.ZipInfo(name, image.made_at.timetuple()[:6])
            with archive.open(info, "w") as entry:
                shutil.copyfileobj(source, entry, _PIECE)
        recipes.append({"file": name, **image.recipe})
    if not recipes:
        raise InvalidRequest(
            "There is no finished image among these.", next_step="Choose images that are done."
        )
    archive.writestr(RECIPES, json.dumps(recipes, ensure_ascii=False, indent=2))
    return len(recipes)


def _free(name: str, names: set[str]) -> str:
    """The name, or one with a number; names that differ in case alone are one on many systems."""
    stem, _, suffix = name.rpartition(".")
    found, number = name, 1
    while found.casefold() in names:
        number += 1
        found = f"{stem}-{number}.{suffix}"
    names.add(found.casefold())
    return found

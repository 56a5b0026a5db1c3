"""ZIPs of images. They are not deflated, because images are compressed already."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imgplay_widget._store.saving import copy_saved
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from imgplay_widget._rules.embedded import Written

__all__ = ["RECIPES", "PackedImage", "write_pack"]

RECIPES = "recipes.json"
"""The name of the file in a ZIP that holds the recipes of the images."""

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP can hold. A machine without a clock makes images of 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedImage:
    """An image that goes into a ZIP.

    Attributes:
        name: the name of the file in the ZIP; a number is added where the name is taken.
        source: the file with the bytes.
        made_at: the time of the file in the ZIP.
        recipe: the recipe of the image, as JSON.
        made: the texts of the recipe for the file itself, or None where the file stays byte for byte.
    """

    name: str
    source: Path
    made_at: datetime
    recipe: Mapping[str, Any]
    made: Written | None = None


def write_pack(target: Path, images: Iterable[PackedImage]) -> int:
    """Write images and their recipes into a ZIP, and return the number of images in it.

    An image whose file is gone is left out.

    Args:
        target: the file to write. An earlier file is replaced; no file stays where the call fails.
        images: the images of the ZIP.

    Raises:
        InvalidRequest: the files of all images are gone.
        OSError: the ZIP could not be written.
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
            info = zipfile.ZipInfo(name, max(image.made_at.timetuple()[:6], _EARLIEST))
            with archive.open(info, "w") as entry:
                copy_saved(source, entry, image.made)
        recipes.append({"file": name, **image.recipe})
    if not recipes:
        raise InvalidRequest("None of these images is finished.", next_step="Choose finished images.")
    archive.writestr(RECIPES, json.dumps(recipes, ensure_ascii=False, indent=2))
    return len(recipes)


def _free(name: str, names: set[str]) -> str:
    """Return a free name. Many systems do not distinguish names that differ only in upper and lower case."""
    stem, _, suffix = name.rpartition(".")
    found, number = name, 1
    while found.casefold() in names:
        number += 1
        found = f"{stem}-{number}.{suffix}"
    names.add(found.casefold())
    return found

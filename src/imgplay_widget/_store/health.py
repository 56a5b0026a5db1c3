"""The state of a store as a doctor sees it. Nothing is changed, and a damaged store can be looked at too."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgplay_widget._store.damage import damaged
from imgplay_widget._store.database import location_of, network_file_system, translated
from imgplay_widget._store.migrations import STEPS
from imgplay_widget._store.tables import migrations
from imgplay_widget.errors import StoreError, StoreTooNew

if TYPE_CHECKING:
    from pathlib import Path

    from imgplay_widget._store.database import Location

__all__ = ["Health", "look_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was found at the location of a store.

    Attributes:
        location: the location for people.
        exists: True where there is a database.
        writable: True where the database, or the folder in which it will be made, can be written to.
        format: the number of the format, or None where it cannot be read.
        newest_format: the format that this version writes.
        journal: ``"wal"`` or ``"rollback"``, or None where it cannot be read.
        database_bytes: the size of the database.
        images: the number of original files.
        image_bytes: the size of the folder of the images.
        free_bytes: the free space of the disk.
        network: the kind of network file system, or None for a local disk.
        trouble: what is wrong with the database, with the next step; None where nothing is.
    """

    location: str
    exists: bool
    writable: bool
    format: int | None = None
    newest_format: int = len(STEPS)
    journal: str | None = None
    database_bytes: int = 0
    images: int = 0
    image_bytes: int = 0
    free_bytes: int = 0
    network: str | None = None
    trouble: StoreError | None = None


def look_at(store: str | os.PathLike[str] | None) -> Health:
    """Return the state of a store. The check of the database reads all of it.

    Args:
        store: the path of the store, or None for the user's data folder.

    Raises:
        InvalidRequest: the text cannot be a path.
    """
    location = location_of(store)
    file = location.file
    if file is None:
        return Health(location=location.label, exists=False, writable=True)
    exists = file.is_file()
    home = _existing(file.parent)
    number, journal, trouble = _database(location, file) if exists else (None, None, None)
    images, size = _files(location.assets)
    return Health(
        location=location.label,
        exists=exists,
        writable=os.access(file if exists else home, os.W_OK),
        format=number,
        journal=journal,
        database_bytes=file.stat().st_size if exists else 0,
        images=images,
        image_bytes=size,
        free_bytes=shutil.disk_usage(home).free,
        network=network_file_system(home),
        trouble=trouble,
    )


def _database(location: Location, file: Path) -> tuple[int | None, str | None, StoreError | None]:
    """Return the format and the journal mode of a database, and what is wrong with it."""
    uri = f"{file.as_uri()}?mode=ro"
    try:
        with translated(location), closing(sqlite3.connect(uri, uri=True)) as connection:
            found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
            wal = connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
            newest = connection.execute(f"SELECT max(number) FROM {migrations.name}").fetchone()[0]  # noqa: S608 - a name of ours
    except StoreError as error:
        return None, None, error
    trouble: StoreError | None = None
    if found != "ok":
        trouble = damaged(location.label, file, location.folders, found)
    elif int(newest or 0) > len(STEPS):
        trouble = StoreTooNew(f"A newer version of imgplay-widget has written the history {location.label}.")
    return int(newest or 0), "wal" if wal else "rollback", trouble


def _files(folder: Path | None) -> tuple[int, int]:
    """Return the number of originals, and the bytes of all files."""
    images = size = 0
    for parent, _, names in os.walk(folder or os.devnull):
        for name in names:
            # A file may be purged while this looks.
            with suppress(OSError):
                size += os.stat(os.path.join(parent, name)).st_size  # noqa: PTH116, PTH118 - as `os.walk` gives them
        if os.sep + "originals" in parent.removeprefix(str(folder)):
            images += len(names)
    return images, size


def _existing(folder: Path) -> Path:
    """Return a folder, or the nearest one above that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder

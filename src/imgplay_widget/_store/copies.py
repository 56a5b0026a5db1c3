"""The copies of a database that are made before its format changes. They lie beside the database."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imgplay_widget._ids import new_id
from imgplay_widget._store.paths import FULL
from imgplay_widget.errors import DiskFull, StoreError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["keep_copy", "newest", "snapshot"]

KEPT = 3
"""The number of copies that stay."""


def keep_copy(file: Path, format: int) -> Path:
    """Copy a database before its format changes, and remove all copies but the newest three.

    Args:
        file: the database. The caller holds its write lock, so that no other process changes it meanwhile.
        format: the number of the new format, which becomes part of the name.

    Returns:
        The copy.

    Raises:
        DiskFull: there is no space for the copy. No part of the copy stays, and the database is unchanged.
        StoreError: the copy could not be made.
    """
    target = file.with_name(f"{file.name}.before-v{format}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    part = file.with_name(f"{file.name}.{new_id()}.part")
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as source:
            snapshot(source, part)
        part.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise _failure(error, file) from error
    finally:
        part.unlink(missing_ok=True)
    for old in _copies(file)[KEPT:]:
        # A copy that another program holds is removed the next time.
        with suppress(OSError):
            old.unlink()
    return target


def snapshot(source: sqlite3.Connection, target: Path) -> None:
    """Copy a database as it is at one moment into a new file, which needs no other file beside it.

    Raises:
        sqlite3.Error, OSError: the copy could not be made. A part of it may stay.
    """
    with closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        # The journal of the source may be a WAL, which would be a second file.
        copy.execute("PRAGMA journal_mode = DELETE")
    with target.open("rb+") as written:
        os.fsync(written.fileno())


def newest(file: Path) -> list[Path]:
    """Return the copies of a database that are kept, the newest first."""
    return _copies(file)[:KEPT]


def _copies(file: Path) -> list[Path]:
    """Return all copies of a database, the newest first."""
    name = re.compile(re.escape(file.name) + r"\.before-v\d+-(\d{8}T\d{6}Z)")
    try:
        found = [(match[1], one) for one in file.parent.iterdir() if (match := name.fullmatch(one.name))]
    except OSError:
        return []
    return [one for _, one in sorted(found, reverse=True)]


def _failure(error: OSError | sqlite3.Error, file: Path) -> StoreError:
    full = error.errno in FULL if isinstance(error, OSError) else error.sqlite_errorname == "SQLITE_FULL"
    if full:
        return DiskFull(
            f"There is no space left for a copy of {file.name}, which is made before its format changes.",
            next_step="Free some space on the store's disk, then open the store again. It was not changed.",
        )
    return StoreError(
        f"A copy of {file.name} could not be made before its format changes ({error}).",
        next_step="Make the folder of the database writable, then open the store again. It was not changed.",
    )

"""Backups: a whole store with its files in one ZIP, and the way back.

::

    imgplay-backup.json    the format of the backup, and what it holds
    history.sqlite         the database at one moment
    files/originals/…      the files that its rows name, byte for byte, as they lie in the folder of the store

Nothing is compressed, because images are compressed already. Thumbnails are left out, because they are made
again. Keys are in no database, so they are in no backup.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import struct
import zipfile
import zlib
from contextlib import closing, suppress
from typing import IO, TYPE_CHECKING, Any

from imgplay_widget._ids import new_id
from imgplay_widget._store.damage import UNREADABLE
from imgplay_widget._store.database import location_of, make_folder
from imgplay_widget._store.migrations import STEPS
from imgplay_widget._store.paths import FULL, path_of
from imgplay_widget.errors import BackupDamaged, DiskFull, InvalidRequest, StoreError, StoreTooNew

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from imgplay_widget._store.assets import Assets

__all__ = ["restore_backup", "write_backup"]

FORMAT = 1
"""The number of the layout above."""

_MANIFEST, _DATABASE, _FILES = "imgplay-backup.json", "history.sqlite", "files/"
_PIECE = 2**20
_NAME = re.compile(r"(originals|recipes|covers|incoming)/([0-9a-f]{2}/)?[\w-][\w.-]*", re.ASCII)
_ORIGINAL = re.compile(r"originals/[0-9a-f]{2}/([0-9a-f]{64})\.\w+", re.ASCII)

# Which of these the library raises depends on the bytes that are damaged.
_UNREADABLE = (*UNREADABLE, zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError)


# ------------------------------------------------------------------ writing


def write_backup(target: Path, snapshot: Callable[[Path], Iterable[str]], assets: Assets) -> list[str]:
    """Write a backup while the store is in use.

    The backup appears whole or not at all, and never replaces a file.

    Args:
        target: the file to write.
        snapshot: copies the database into a new file, and returns the files that its rows name.
        assets: the folder of the files.

    Returns:
        The named files that are gone from the folder, and so from the backup.

    Raises:
        InvalidRequest: the target exists.
        DiskFull: there is no space for the backup.
        StoreError: the backup cannot be written.
    """
    _refuse_existing(target)
    part = target.with_name(f"{target.name}.{new_id()}.part")
    database = part.with_name(f"{part.name}.sqlite")
    try:
        with zipfile.ZipFile(part, "x", zipfile.ZIP_STORED) as archive:
            missing = _pack(archive, database, snapshot, assets)
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        _publish(part, target)
    except DiskFull as error:
        raise _full(target) from error
    except OSError as error:
        raise _failure(error, target) from error
    finally:
        for file in (part, database):
            with suppress(OSError):
                file.unlink()
    return missing


def _pack(
    archive: zipfile.ZipFile, database: Path, snapshot: Callable[[Path], Iterable[str]], assets: Assets
) -> list[str]:
    packed: set[str] = set()
    missing: list[str] = []
    while True:
        database.unlink(missing_ok=True)
        named = {url for url in snapshot(database) if _NAME.fullmatch(url)}
        absent = {url for url in sorted(named - packed) if not _add(archive, url, assets)}
        packed |= named - absent
        # The rows say the same as a recipe, so a recipe may be missing.
        gone = sorted(url for url in absent if not url.startswith("recipes/"))
        # A file may be purged while others are packed. Then its row is gone too, and a new snapshot shows it.
        if gone == missing:
            break
        missing = gone
    archive.write(database, _DATABASE)
    manifest = {"format": FORMAT, "files": len(packed), "missing": missing}
    archive.writestr(_MANIFEST, json.dumps(manifest, indent=2))
    return missing


def _add(archive: zipfile.ZipFile, url: str, assets: Assets) -> bool:
    for folder in filter(None, (assets.root, assets.old)):
        try:
            source = (folder / url).open("rb")
        except FileNotFoundError:
            continue
        with source:
            # A machine without a clock makes files of 1970, which no ZIP can hold.
            info = zipfile.ZipInfo.from_file(folder / url, f"{_FILES}{url}", strict_timestamps=False)
            with archive.open(info, "w") as entry:
                shutil.copyfileobj(source, entry, _PIECE)
        return True
    return False


def _publish(part: Path, target: Path) -> None:
    try:
        # Unlike a rename, a link never replaces a file that appeared meanwhile.
        os.link(part, target)
    except FileExistsError:
        _refuse_existing(target)
        raise
    except OSError:
        # This file system does not have hard links.
        _refuse_existing(target)
        part.rename(target)


# ------------------------------------------------------------------ restoring


def restore_backup(path: str | os.PathLike[str], store: str | os.PathLike[str]) -> Path:
    """Restore a backup as a new store, and return the path of the store.

    Open the store with `Studio` or `ImagePlayground`. It asks for unfinished jobs by their tickets. It does
    not send a call that was waiting, because the old store may have sent the call: the image ends as
    `Uncertain`, with Retry.

    Args:
        path: the file that `backup` wrote, on this or on another machine or system.
        store: where the store is made: the path of a SQLite file, or of a folder for it. Neither the database
            nor the folder of its images may exist.

    Raises:
        InvalidRequest: there is no such backup, or the store exists already. Nothing was changed.
        BackupDamaged: the backup is cut off, damaged or not a backup. Nothing was restored.
        StoreTooNew: a newer version of the package has written the backup.
        DiskFull: there is no space for the store. Nothing was restored.
        StoreError: the store cannot be written.
    """
    backup, location = path_of(path, "path"), location_of(store)
    file, assets = location.file, location.assets
    if file is None or assets is None:
        raise InvalidRequest("A backup cannot be restored into memory.", parameter="store")
    if not backup.is_file():
        raise InvalidRequest(f"There is no backup {backup}.", parameter="path")
    journals = [file.with_name(f"{file.name}-{end}") for end in ("wal", "journal")]
    # SQLite would write the journal of another database into the restored one.
    for one in (file, assets, *(one for one in journals if one.exists() and one.stat().st_size)):
        if os.path.lexists(one):
            raise InvalidRequest(
                f"{one} exists already, and a restored store never replaces anything.",
                parameter="store",
                next_step="Choose another path for the restored store.",
            )
    make_folder(file.parent)
    part = file.with_name(f"{file.name}.restoring-{new_id()}")
    try:
        _unpack(backup, part)
        _check(part / _DATABASE, backup)
        # The database comes last: without it, there is no store.
        (part / _FILES).rename(assets)
        (part / _DATABASE).rename(file)
    except _UNREADABLE as error:
        raise _damaged(backup, str(error)) from error
    except OSError as error:
        raise _failure(error, file) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return file


def _unpack(backup: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / _FILES).mkdir()
    files = 0
    with zipfile.ZipFile(backup) as archive:
        manifest = _manifest(archive, backup)
        for info in archive.infolist():
            url = info.filename.removeprefix(_FILES)
            if info.is_dir() or info.filename == _MANIFEST:
                continue
            if info.filename != _DATABASE and (url == info.filename or not _NAME.fullmatch(url)):
                raise _damaged(backup, f"it holds the file {info.filename!r}, which no backup has")
            # `_NAME` has let through only names inside of the folder.
            target = folder / info.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(info) as source:
                digest = _write(source, target)
            original = _ORIGINAL.fullmatch(url)
            if original is not None and original[1] != digest:
                raise _damaged(backup, f"the bytes of {url} are not those that its name says")
            files += info.filename != _DATABASE
    if files != manifest["files"]:
        raise _damaged(backup, f"it holds {files} files in place of {manifest['files']}")


def _manifest(archive: zipfile.ZipFile, backup: Path) -> dict[str, Any]:
    manifest: Any = json.loads(archive.read(_MANIFEST))
    if not isinstance(manifest, dict) or not {"format", "files"} <= manifest.keys():
        raise _damaged(backup, "its list of contents cannot be read")
    if manifest["format"] != FORMAT:
        raise StoreTooNew(f"A newer version of imgplay-widget has written the backup {backup}.")
    return manifest  # pyright: ignore[reportUnknownVariableType] - any JSON


def _write(source: IO[bytes], target: Path) -> str:
    """Write a file durably, and return its sha256."""
    digest = hashlib.sha256()
    with target.open("xb") as written:
        while piece := source.read(_PIECE):
            digest.update(piece)
            written.write(piece)
        written.flush()
        os.fsync(written.fileno())
    return digest.hexdigest()


def _check(database: Path, backup: Path) -> None:
    """Check the database of a backup, and let no call of it be sent a second time."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection, connection:
            (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            (newest,) = connection.execute("SELECT max(number) FROM image_migrations").fetchone()
            for statement in _UNSENT:
                connection.execute(statement)
    except sqlite3.Error as error:
        raise _damaged(backup, str(error)) from error
    if result != "ok":
        raise _damaged(backup, str(result))
    if newest > len(STEPS):
        raise StoreTooNew(f"A newer version of imgplay-widget has written the backup {backup}.")


_UNSENT = (
    # The store of the backup may have sent these calls since. As for a kernel that died while it sent a call,
    # nobody knows.
    "UPDATE image_async_tasks SET stage = 'submitting', status = 'processing' WHERE stage = 'pending'",
    "UPDATE image_async_tasks SET lease_owner = NULL, lease_until = NULL",
)


# ------------------------------------------------------------------ errors


def _refuse_existing(target: Path) -> None:
    if os.path.lexists(target):
        raise InvalidRequest(
            f"{target} exists already, and a backup never replaces a file.",
            parameter="path",
            next_step="Choose another path for the backup.",
        )


def _damaged(backup: Path, reason: str) -> BackupDamaged:
    return BackupDamaged(f"The backup {backup} is damaged, or is not a backup ({reason.rstrip('.')}).")


def _failure(error: OSError, target: Path) -> StoreError:
    if error.errno in FULL:
        return _full(target)
    return StoreError(
        f"{target} cannot be written ({error.strerror or error}).",
        next_step="Choose another path, or make its folder writable.",
    )


def _full(target: Path) -> DiskFull:
    return DiskFull(
        f"There is no space left to write {target}.",
        next_step="Free some space on its disk, or choose another path. Nothing else was changed.",
    )

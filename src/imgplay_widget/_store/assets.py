"""The bytes of the history, as files named by their content.

::

    originals/ab/<sha256>.png     never re-encoded; two rows with the same bytes share one file
    thumbnails/ab/<sha256>.webp   a cache
    covers/<topic>-<hash>.webp
    incoming/<generation>         arrived, and not yet named by a row
    held/<sha256>                 marks an uploaded reference that no batch names yet
    temporary/                    being written
    owners/<owner>.lock           see `leases`

A file appears whole or not at all: it is written under `temporary`, synced and renamed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import filelock

from imgplay_widget._ids import new_id
from imgplay_widget._store import images
from imgplay_widget._store.database import make_folder
from imgplay_widget._store.packs import PackedImage, write_pack
from imgplay_widget._types import Asset, Reference
from imgplay_widget.errors import DiskFull, InvalidRequest, NotFound, StoreError, StoreLocked

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

__all__ = ["UNKNOWN", "Assets"]

UNKNOWN = "unknown"
"""Who writes files before an owner is registered."""

_URL = re.compile(r"(originals|thumbnails)/[0-9a-f]{2}/[0-9a-f]{64}\.(png|jpg|webp)|covers/[\w-]+\.webp")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[\w-]{1,64}")
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_FOLDERS = ("originals", "thumbnails", "covers", "incoming", "held", "temporary", "owners")


class Assets:
    """The asset folder of a store. Thread-safe, and safe beside other processes.

    Args:
        root: the folder; made if it is missing.

    Raises:
        StoreError: it cannot be made or written to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.owner = UNKNOWN
        for name in _FOLDERS:
            make_folder(root / name)

    # -------------------------------------------------------------- names

    def original_url(self, digest: str, media_type: str) -> str:
        """Gives the place of an original, relative to `root`."""
        return f"originals/{digest[:2]}/{digest}.{images.EXTENSIONS[media_type]}"

    def thumbnail_url(self, digest: str) -> str:
        """Gives the place of the thumbnail of an original, relative to `root`."""
        return f"thumbnails/{digest[:2]}/{digest}.webp"

    def path(self, url: str) -> Path:
        """Gives the file behind a url of this folder; it need not exist.

        Raises:
            NotFound: the url is not one that this folder gives.
        """
        if not _URL.fullmatch(url):
            raise NotFound("There is no such file in the store.")
        return self.root / url

    # -------------------------------------------------------------- arriving images

    def receive(self, generation_id: str, data: bytes) -> str:
        """Keeps the bytes that arrived for a generation, durably, until a row names them.

        Args:
            generation_id: the place that they are for; bytes kept for it before are replaced.
            data: what `images.accept` gave.

        Returns:
            The sha256 of the bytes, in hex.

        Raises:
            DiskFull: they could not be written whole; nothing of them stays.
        """
        self._write(self._incoming(generation_id), data)
        return hashlib.sha256(data).hexdigest()

    def incoming(self, generation_id: str) -> bytes | None:
        """Gives the bytes that arrived for a generation and are named by no row yet, or None."""
        try:
            return self._incoming(generation_id).read_bytes()
        except FileNotFoundError:
            return None

    def discard(self, generation_id: str) -> None:
        """Removes what `receive` kept; nothing happens where there is nothing."""
        with suppress(FileNotFoundError):
            self._incoming(generation_id).unlink()

    def adopt(self, generation_id: str, digest: str, media_type: str) -> None:
        """Gives the arrived bytes their place by content. What arrived stays, for a crash before the commit.

        Raises:
            StoreError: nothing has arrived for the generation, and no other row has brought these bytes.
            DiskFull: there is no space.
        """
        target = self.path(self.original_url(digest, media_type))
        if target.exists():
            return
        source = self._incoming(generation_id)
        try:
            _make_shelf(target.parent)
            try:
                os.link(source, target)
            except FileExistsError:
                return
            except FileNotFoundError:
                raise
            except OSError:
                # A file system without hard links.
                self._write(target, source.read_bytes())
            _sync_folder(target.parent)
        except OSError as error:
            raise _failure(error, target) from error

    # -------------------------------------------------------------- references

    def add_reference(self, data: bytes) -> Reference:
        """Keeps an input image, by its content, until a batch names it (a day at most).

        Raises:
            CorruptImage: it is not a whole image of an accepted kind.
            DiskFull: there is no space.
        """
        accepted = images.accept(data)
        digest = hashlib.sha256(accepted.data).hexdigest()
        with self.exclusive():
            (self.root / "held" / digest).touch()
            target = self.path(self.original_url(digest, accepted.media_type))
            if not target.exists():
                self._write(target, accepted.data)
        return Reference(
            digest=digest, media_type=accepted.media_type, width=accepted.width, height=accepted.height
        )

    def hold(self, reference: Reference) -> bool:
        """Keeps an image that the store has already, as `add_reference` does; False where it is gone."""
        target = self.path(self.original_url(reference.digest, reference.media_type))
        with self.exclusive():
            if not target.exists():
                return False
            (self.root / "held" / reference.digest).touch()
        return True

    def reference(self, digest: str) -> Reference | None:
        """Gives what an original of that digest is, or None where the store has none."""
        if not _DIGEST.fullmatch(digest):
            return None
        for media_type in images.EXTENSIONS:
            with suppress(FileNotFoundError):
                data = self.path(self.original_url(digest, media_type)).read_bytes()
                found = images.accept(data)
                return Reference(digest=digest, media_type=media_type, width=found.width, height=found.height)
        return None

    def size(self, reference: Reference) -> int | None:
        """Gives how many bytes a reference has, or None where it is gone."""
        try:
            return self.path(self.original_url(reference.digest, reference.media_type)).stat().st_size
        except FileNotFoundError:
            return None

    def let_go(self, digests: Iterable[str]) -> None:
        """Ends the holding of references: a row names them now."""
        for digest in digests:
            (self.root / "held" / digest).unlink(missing_ok=True)

    def held(self, digest: str) -> bool:
        """Says whether a reference is held though no batch names it yet."""
        return (self.root / "held" / digest).exists()

    # -------------------------------------------------------------- reading

    def read(self, url: str) -> bytes:
        """Gives the bytes behind a url.

        Raises:
            NotFound: the url is not one of this folder's.
            StoreError: the file is gone or cannot be read.
        """
        path = self.path(url)
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise StoreError(
                f"The file {url} is gone from the store.",
                next_step="Put it back from a backup, or delete the generation.",
            ) from error
        except OSError as error:
            raise _failure(error, path) from error

    def thumbnail(self, asset: Asset) -> bytes:
        """Gives the thumbnail of an asset, and makes it where it is missing.

        Raises:
            CorruptImage: the original cannot be decoded.
            StoreError: the original is gone.
        """
        return self._thumbnail(asset.digest, asset.url)

    def reference_thumbnail(self, reference: Reference) -> bytes:
        """Gives the thumbnail of a reference. As `thumbnail` does."""
        return self._thumbnail(reference.digest, self.original_url(reference.digest, reference.media_type))

    def _thumbnail(self, digest: str, url: str) -> bytes:
        with suppress(FileNotFoundError):
            return self.path(self.thumbnail_url(digest)).read_bytes()
        data = images.thumbnail(self.read(url))
        # The picture matters more than its cache.
        with suppress(StoreError):
            self.write_thumbnail(digest, data)
        return data

    def write_thumbnail(self, digest: str, data: bytes) -> None:
        """Caches the thumbnail of an original.

        Raises:
            DiskFull: there is no space.
        """
        self._write(self.path(self.thumbnail_url(digest)), data, durable=False)

    def write_cover(self, topic_id: str, data: bytes) -> str:
        """Keeps the cover of a topic.

        Returns:
            Its url, relative to `root`, which changes with the content.

        Raises:
            DiskFull: there is no space.
        """
        url = f"covers/{topic_id}-{hashlib.sha256(data).hexdigest()[:12]}.webp"
        self._write(self.path(url), data)
        return url

    # -------------------------------------------------------------- ZIPs

    def pack(self, images: Iterable[PackedImage]) -> tuple[Path, int]:
        """Writes images into a ZIP among the temporary files, which go with their owner.

        Returns:
            Where it is, and how many images are in it.

        Raises:
            InvalidRequest: none of the images is there.
            DiskFull: there is no space; nothing of it stays.
        """
        target = self.root / "temporary" / f"{self.owner}~{new_id()}"
        try:
            return target, write_pack(target, images)
        except OSError as error:
            if error.errno in _FULL:
                raise DiskFull("There is no space left for a ZIP of these images.") from error
            raise _failure(error, target) from error

    # -------------------------------------------------------------- removing

    @contextmanager
    def exclusive(self, timeout: float = 10.0) -> Generator[None]:
        """Keeps removing and adding of references apart, between threads and processes.

        Args:
            timeout: seconds to wait.

        Raises:
            StoreLocked: another process has held it longer.
        """
        lock = filelock.FileLock(self.root / "files.lock", timeout=timeout, poll_interval=0.005)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise StoreLocked("Another program holds the files of the history.") from error
        try:
            yield
        finally:
            lock.release()

    def remove_content(self, digest: str) -> int:
        """Removes the original and the thumbnail of a digest, and gives how many files that were."""
        urls = {self.original_url(digest, kind) for kind in images.EXTENSIONS} | {self.thumbnail_url(digest)}
        return sum(_unlink(self.root / url) for url in urls)

    def remove_cover(self, url: str) -> None:
        """Removes a cover; nothing happens where there is none."""
        _unlink(self.path(url))

    def contents(self) -> set[str]:
        """Gives the digests of all originals and thumbnails."""
        return {
            file.stem
            for name in ("originals", "thumbnails")
            for file in (self.root / name).glob("??/*")
            if len(file.stem) == 64
        }

    def arrived(self) -> list[str]:
        """Gives the ids of the generations that something has arrived for."""
        return [file.name for file in (self.root / "incoming").iterdir() if _ID.fullmatch(file.name)]

    def covers(self) -> list[str]:
        """Gives the urls of all covers."""
        urls = (f"covers/{file.name}" for file in (self.root / "covers").iterdir())
        return [url for url in urls if _URL.fullmatch(url)]

    def temporary(self) -> list[tuple[Path, str, float]]:
        """Gives the files being written: path, who writes it, age in seconds."""
        now = time.time()
        found: list[tuple[Path, str, float]] = []
        for file in (self.root / "temporary").iterdir():
            with suppress(FileNotFoundError):
                found.append((file, file.name.rpartition("~")[0], now - file.stat().st_mtime))
        return found

    def forget_held(self, older: float) -> None:
        """Ends the holding of references that no batch has named for so many seconds."""
        for file in _old(self.root / "held", older):
            _unlink(file)

    def remove_all(self) -> None:
        """Removes the whole folder (that of a store in memory)."""
        shutil.rmtree(self.root, ignore_errors=True)

    # -------------------------------------------------------------- inside

    def _incoming(self, generation_id: str) -> Path:
        if not _ID.fullmatch(generation_id):
            raise InvalidRequest("A generation's id is made of letters, digits and hyphens.", parameter="id")
        return self.root / "incoming" / generation_id

    def _write(self, target: Path, data: bytes, *, durable: bool = True) -> None:
        temporary = self.root / "temporary" / f"{self.owner}~{new_id()}"
        try:
            _write_whole(temporary, data, durable=durable)
            _make_shelf(target.parent, durable=durable)
            temporary.replace(target)
            if durable:
                _sync_folder(target.parent)
        except OSError as error:
            raise _failure(error, target) from error
        finally:
            _unlink(temporary)


def _write_whole(path: Path, data: bytes, *, durable: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            # On a full disk a write may take a part, without an error; only the next one fails.
            written = os.write(descriptor, rest)
            if written == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            rest = rest[written:]
        if durable:
            getattr(os, "fdatasync", os.fsync)(descriptor)
    finally:
        os.close(descriptor)


def _make_shelf(path: Path, *, durable: bool = True) -> None:
    with suppress(FileExistsError):
        path.mkdir()
        if durable:
            _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _old(folder: Path, older: float) -> Iterator[Path]:
    limit = time.time() - older
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            if file.stat().st_mtime <= limit:
                yield file


def _failure(error: OSError, path: Path) -> StoreError:
    if error.errno in _FULL:
        return DiskFull(f"There is no space left to write {path.name}.")
    return StoreError(f"The file {path} failed: {error.strerror or error}.")

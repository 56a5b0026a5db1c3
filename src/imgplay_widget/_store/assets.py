"""The bytes of the history, as files that are named by their content.

::

    originals/ab/<sha256>.png     never encoded again; two rows with the same bytes share one file
    thumbnails/ab/<sha256>.webp   a cache
    recipes/ab/<sha256>.json      how an original was made: see `recipe_files`
    covers/<topic>-<hash>.webp
    incoming/<generation>         bytes that arrived, and that no row names yet
    held/<sha256>.<user>          a user's mark: an image that stays for a day; the mark of an upload says so
    temporary/                    files that are being written
    owners/<owner>.lock           see `leases`
    complete                      the sign that nothing is left to bring from an old folder: see `old_folder`

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
from typing import TYPE_CHECKING, Protocol

import filelock

from imgplay_widget._ids import new_id
from imgplay_widget._rules.kinds import EXTENSIONS, SUFFIXES, extension
from imgplay_widget._store import images
from imgplay_widget._store.database import make_folder
from imgplay_widget._store.packs import PackedImage, write_pack
from imgplay_widget._store.paths import FULL
from imgplay_widget._types import Asset, Reference
from imgplay_widget.errors import CorruptImage, DiskFull, InvalidRequest, NotFound, StoreError, StoreLocked

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

__all__ = ["UNKNOWN", "Assets"]

UNKNOWN = "unknown"
"""The name in temporary files before an owner is registered."""

_URL = re.compile(
    rf"(originals|thumbnails)/[0-9a-f]{{2}}/[0-9a-f]{{64}}\.({'|'.join(SUFFIXES)})|covers/[\w-]+\.webp"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[\w-]{1,64}")
_UPLOAD = "upload"
"""The content of a mark whose file came with the mark. Without a row, the file goes with the mark."""

_COMPLETE = "complete"

_FOLDERS = ("originals", "thumbnails", "recipes", "covers", "incoming", "held", "temporary", "owners")


class Described(Protocol):
    """What the structure of an image says; see `images.Accepted`."""

    @property
    def media_type(self) -> str:
        """The kind of the file."""
        ...

    @property
    def width(self) -> int | None:
        """The width in pixels, or None where it is not known."""
        ...

    @property
    def height(self) -> int | None:
        """The height in pixels, or None where it is not known."""
        ...

    @property
    def whole(self) -> bool:
        """False where the image is cut off or damaged."""
        ...


class Assets:
    """The asset folder of a store. Several threads and processes may use it at once.

    Args:
        root: the folder, which is created where it is missing.
        holder: the user, in the names of the marks.
        old: the folder that earlier versions used, or None. It is read and never changed.

    Raises:
        StoreError: the folder cannot be created or written to.
    """

    def __init__(self, root: Path, holder: str, old: Path | None = None) -> None:
        self.root = root
        self._holder = holder
        self.old = old if old is not None and old.is_dir() else None
        self.owner = UNKNOWN
        for name in _FOLDERS:
            make_folder(root / name)

    # -------------------------------------------------------------- names

    def original_url(self, digest: str, media_type: str) -> str:
        """Return the path of an original, relative to `root`."""
        return _original(digest, extension(media_type))

    def thumbnail_url(self, digest: str) -> str:
        """Return the path of the thumbnail of an original, relative to `root`."""
        return f"thumbnails/{digest[:2]}/{digest}.webp"

    def described(self, digest: str, image: Described, size: int) -> Asset:
        """Return what a row says of an original.

        Args:
            digest: the sha256 of the original.
            image: what its structure says.
            size: the number of bytes.
        """
        return Asset(
            digest=digest,
            url=self.original_url(digest, image.media_type),
            thumbnail_url=self.thumbnail_url(digest),
            width=image.width,
            height=image.height,
            media_type=image.media_type,
            size=size,
            whole=image.whole,
        )

    def recipe_url(self, digest: str) -> str:
        """Return the path of the recipe of an original, relative to `root`."""
        return f"recipes/{digest[:2]}/{digest}.json"

    def path(self, url: str) -> Path:
        """Return the file of a url, which need not exist.

        Raises:
            NotFound: the url does not belong to this folder.
        """
        if not _URL.fullmatch(url):
            raise NotFound("There is no such file in the store.")
        return self.root / url

    def where(self, url: str) -> Path:
        """Return the file of a url: in this folder, or in the old one where only that has the file.

        An earlier version of the package that still runs writes into the old folder.

        Raises:
            NotFound: the url does not belong to this folder.
        """
        path = self.path(url)
        if self.old is not None and not path.exists() and (self.old / url).exists():
            return self.old / url
        return path

    # -------------------------------------------------------------- the old folder

    @property
    def complete(self) -> bool:
        """True once all files that rows named were brought from the old folder."""
        return (self.root / _COMPLETE).exists()

    def bring(self, urls: Iterable[str]) -> None:
        """Link files of the old folder into this one, or copy them where links are not possible.

        A file that is here already, or that the old folder does not have, is left out.

        Raises:
            StoreError: a file could not be brought.
        """
        shelves: set[Path] = set()
        for url in urls:
            source, target = (self.old or self.root) / url, self.root / url
            try:
                if target.parent not in shelves:
                    target.parent.mkdir(exist_ok=True)
                    shelves.add(target.parent)
                self._bring(source, target)
            except OSError as error:
                raise _failure(error, target) from error
        for shelf in shelves | {shelf.parent for shelf in shelves}:
            _sync_folder(shelf)

    def _bring(self, source: Path, target: Path) -> None:
        try:
            os.link(source, target)
        except (FileExistsError, FileNotFoundError):
            return
        except OSError:
            # This file system does not have hard links, or the old folder lies on another one.
            if source.exists() and not target.exists():
                self._write(target, source.read_bytes())

    def mark_complete(self) -> None:
        """Remember that nothing is left to bring from the old folder."""
        self._write(self.root / _COMPLETE, b"")

    # -------------------------------------------------------------- arriving images

    def receive(self, generation_id: str, data: bytes) -> str:
        """Keep the bytes that arrived for a generation, durably, until a row names them.

        Args:
            generation_id: the generation of the bytes; earlier bytes of this generation are replaced.
            data: the bytes that `images.accept` returned.

        Returns:
            The sha256 of the bytes, in hex.

        Raises:
            DiskFull: the bytes could not be written whole, and no part of them stays.
        """
        self._write(self._incoming(generation_id), data)
        return hashlib.sha256(data).hexdigest()

    def incoming(self, generation_id: str) -> bytes | None:
        """Return the bytes that arrived for a generation and that no row names yet, or None."""
        here = self._incoming(generation_id)
        for file in (here, self.old / "incoming" / here.name) if self.old is not None else (here,):
            with suppress(FileNotFoundError):
                return file.read_bytes()
        return None

    def discard(self, generation_id: str) -> bool:
        """Remove the bytes that `receive` kept, and return whether there were any."""
        return _unlink(self._incoming(generation_id))

    def discard_copy(self, generation_id: str, digest: str) -> bool:
        """Remove the bytes that `receive` kept where the same bytes are stored as an original too."""
        data = self.incoming(generation_id)
        if data is None or hashlib.sha256(data).hexdigest() != digest or not self._stored(digest):
            return False
        return self.discard(generation_id)

    def adopt(self, generation_id: str, digest: str, media_type: str) -> None:
        """Store the bytes that arrived under their sha256. The bytes under `incoming` stay until the commit.

        Raises:
            StoreError: nothing arrived for the generation, and no other row has the same bytes.
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
                # This file system does not have hard links.
                self._write(target, source.read_bytes())
            _sync_folder(target.parent)
        except OSError as error:
            raise _failure(error, target) from error

    # -------------------------------------------------------------- references

    def add_reference(self, data: bytes) -> Reference:
        """Store an input image under its sha256, and keep it until a batch names it (a day at most).

        Raises:
            CorruptImage: the bytes are not an image whose size can be read.
            DiskFull: there is no space.
        """
        accepted = images.accept(data)
        if accepted.width is None or accepted.height is None:
            raise CorruptImage("The size of the image cannot be read.")
        digest = hashlib.sha256(data).hexdigest()
        with self.exclusive():
            mark = self._mark(digest)
            target = self.path(self.original_url(digest, accepted.media_type))
            if target.exists():
                # The file may be a result, so the end of this mark is no reason to remove the file.
                mark.touch()
            else:
                mark.write_text(_UPLOAD)
                self._write(target, data)
        return Reference(
            digest=digest, media_type=accepted.media_type, width=accepted.width, height=accepted.height
        )

    def hold(self, reference: Reference) -> bool:
        """Keep an image of the store as `add_reference` does, and return False where the image is gone."""
        with self.exclusive():
            if self.size(reference) is None:
                return False
            self._mark(reference.digest).touch()
        return True

    def reference(self, digest: str) -> Reference | None:
        """Return the reference of the original with this sha256, or None where the store does not have it."""
        if not _DIGEST.fullmatch(digest):
            return None
        for media_type in EXTENSIONS:
            with suppress(FileNotFoundError):
                data = self.where(self.original_url(digest, media_type)).read_bytes()
                found = images.accept(data)
                if found.width is None or found.height is None:
                    return None
                return Reference(digest=digest, media_type=media_type, width=found.width, height=found.height)
        return None

    def size(self, reference: Reference) -> int | None:
        """Return the number of bytes of a reference, or None where the file is gone."""
        try:
            return self.where(self.original_url(reference.digest, reference.media_type)).stat().st_size
        except FileNotFoundError:
            return None

    def let_go(self, digests: Iterable[str]) -> None:
        """Stop holding references, because a row of the user names them now."""
        for digest in digests:
            self._mark(digest).unlink(missing_ok=True)

    def held(self, digest: str) -> bool:
        """Return whether a reference is kept, for any user, although no batch names it yet."""
        return any(True for _ in self._marks(digest))

    def holds(self, digest: str) -> bool:
        """Return whether a reference is kept for this user although no batch names it yet."""
        # The digest may be any text of a page or a script.
        return _DIGEST.fullmatch(digest) is not None and self._mark(digest).exists()

    def _mark(self, digest: str) -> Path:
        return self.root / "held" / f"{digest}.{self._holder}"

    def _marks(self, digest: str) -> Iterator[Path]:
        """Return the marks of all users. Earlier versions made marks without a user."""
        return (self.root / "held").glob(f"{digest}*")

    # -------------------------------------------------------------- reading

    def read(self, url: str) -> bytes:
        """Return the bytes of a url.

        Raises:
            NotFound: the url does not belong to this folder.
            StoreError: the file is gone or cannot be read.
        """
        path = self.where(url)
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise self._missing(url) from error
        except OSError as error:
            raise _failure(error, path) from error

    def existing(self, url: str) -> Path:
        """Return the file of a url, which exists.

        Raises:
            NotFound: the url does not belong to this folder.
            StoreError: the file is gone.
        """
        path = self.where(url)
        if not path.exists():
            raise self._missing(url)
        return path

    def _missing(self, url: str) -> StoreError:
        return StoreError(
            f"The file {url} is gone from the store's folder {self.root}.",
            next_step="Put the file back from a backup, or delete the image.",
        )

    def thumbnail(self, asset: Asset) -> bytes:
        """Return the thumbnail of an asset; a missing one is made and cached.

        Raises:
            NotShown: the original cannot be drawn.
            StoreError: the original is gone.
        """
        return self._thumbnail(asset.digest, asset.url)

    def reference_thumbnail(self, reference: Reference) -> bytes:
        """Return the thumbnail of a reference; a missing one is made and cached."""
        return self._thumbnail(reference.digest, self.original_url(reference.digest, reference.media_type))

    def _thumbnail(self, digest: str, url: str) -> bytes:
        with suppress(FileNotFoundError):
            return self.path(self.thumbnail_url(digest)).read_bytes()
        data = images.thumbnail(self.read(url))
        # A thumbnail that cannot be cached is still shown.
        with suppress(StoreError):
            self.write_thumbnail(digest, data)
        return data

    def write_thumbnail(self, digest: str, data: bytes) -> None:
        """Cache the thumbnail of an original.

        Raises:
            DiskFull: there is no space.
        """
        self._write(self.path(self.thumbnail_url(digest)), data, durable=False)

    def write_cover(self, topic_id: str, data: bytes) -> str:
        """Write the cover of a topic.

        Returns:
            The url of the cover, relative to `root`, which changes with the content.

        Raises:
            DiskFull: there is no space.
        """
        url = self.cover_url(topic_id, data)
        self._write(self.path(url), data)
        return url

    def cover_url(self, topic_id: str, data: bytes) -> str:
        """Return the url that `write_cover` gives to a cover."""
        return f"covers/{topic_id}-{hashlib.sha256(data).hexdigest()[:12]}.webp"

    # -------------------------------------------------------------- recipes and recovery

    def write_recipe(self, digest: str, data: bytes) -> None:
        """Write the recipe of an original. A failure of power may cost the recipe, as the rows have it too.

        Raises:
            DiskFull: there is no space.
        """
        self._write(self._recipe(digest), data, durable=False)

    def recipe(self, digest: str) -> bytes | None:
        """Return the recipe of an original, or None."""
        try:
            return self._recipe(digest).read_bytes()
        except FileNotFoundError:
            return None

    def _recipe(self, digest: str) -> Path:
        return self.root / self.recipe_url(digest)

    def originals(self) -> tuple[list[str], list[str]]:
        """Return the digests of all originals with a recipe, and of those without, the oldest file first."""
        files: list[tuple[int, str]] = []
        for shelf in (self.root / "originals").iterdir():
            with suppress(NotADirectoryError), os.scandir(shelf) as entries:
                files += [(one.stat().st_mtime_ns, one.name) for one in entries]
        stems = dict.fromkeys(name.partition(".")[0] for _, name in sorted(files))
        known = {file.stem for file in (self.root / "recipes").glob("*/*.json")}
        found = [stem for stem in stems if _DIGEST.fullmatch(stem)]
        return [one for one in found if one in known], [one for one in found if one not in known]

    def original(self, digest: str) -> Path:
        """Return the file of an original, whatever its kind. The file need not exist."""
        paths = [self.root / url for url in _originals(digest)]
        return next((path for path in paths if path.exists()), paths[0])

    def upload(self, digest: str) -> bool:
        """Return whether an original is an input image that was uploaded, and that is kept for a day."""
        for mark in self._marks(digest):
            with suppress(FileNotFoundError):
                if mark.read_text() == _UPLOAD:
                    return True
        return False

    def arrived_file(self, generation_id: str) -> Path:
        """Return the file of the bytes that arrived for a generation. The file need not exist."""
        return self._incoming(generation_id)

    # -------------------------------------------------------------- ZIPs

    def pack(self, images: Iterable[PackedImage]) -> tuple[Path, int]:
        """Write images into a ZIP among the temporary files, which are removed after their owner ended.

        Returns:
            The file, and the number of images in it.

        Raises:
            InvalidRequest: the files of all images are gone.
            DiskFull: there is no space; no part of the ZIP stays.
        """
        target = self.root / "temporary" / f"{self.owner}~{new_id()}"
        try:
            return target, write_pack(target, images)
        except OSError as error:
            if error.errno in FULL:
                raise DiskFull("There is no space left for a ZIP of these images.") from error
            raise _failure(error, target) from error

    # -------------------------------------------------------------- removing

    @contextmanager
    def exclusive(self, timeout: float = 10.0) -> Generator[None]:
        """Hold the lock of the files, so that no other thread or process adds or removes files meanwhile.

        Args:
            timeout: seconds to wait for the lock.

        Raises:
            StoreLocked: another process held the lock for longer.
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
        """Remove the original, the thumbnail and the recipe of a digest, and return the number of files."""
        urls = (*_originals(digest), self.thumbnail_url(digest))
        return sum(_unlink(file) for file in (*(self.root / url for url in urls), self._recipe(digest)))

    def forget_thumbnails(self, digests: Iterable[str]) -> None:
        """Remove the thumbnails of images that were not stored in the end."""
        for digest in digests:
            if not self._stored(digest):
                _unlink(self.path(self.thumbnail_url(digest)))

    def remove_cover(self, url: str) -> bool:
        """Remove a cover, and return whether there was one."""
        return _unlink(self.path(url))

    def arrived(self, *, old: bool = False) -> list[str]:
        """Return the ids of the generations with bytes under `incoming`, here or in the old folder."""
        folder = (self.old if old and self.old is not None else self.root) / "incoming"
        return [file.name for file in folder.glob("*") if _ID.fullmatch(file.name)]

    def temporary(self) -> list[tuple[Path, str, float]]:
        """Return the temporary files: the path, the owner and the age in seconds of each."""
        now = time.time()
        found: list[tuple[Path, str, float]] = []
        for file in (self.root / "temporary").iterdir():
            with suppress(FileNotFoundError):
                found.append((file, file.name.rpartition("~")[0], now - file.stat().st_mtime))
        return found

    def forget_held(self, older: float) -> list[str]:
        """Stop holding images after a number of seconds, and return the digests of those that were uploaded.

        A mark on a file that was there before it is no reason to remove the file.
        """
        uploads: list[str] = []
        for file in _old(self.root / "held", older):
            with suppress(FileNotFoundError):
                digest = file.name.partition(".")[0]
                if file.read_text() == _UPLOAD and _DIGEST.fullmatch(digest):
                    uploads.append(digest)
                _unlink(file)
        return uploads

    def remove_all(self) -> None:
        """Remove the whole folder, which belongs to a store in memory."""
        shutil.rmtree(self.root, ignore_errors=True)

    # -------------------------------------------------------------- inside

    def _stored(self, digest: str) -> bool:
        return any((self.root / url).exists() for url in _originals(digest))

    def _incoming(self, generation_id: str) -> Path:
        if not _ID.fullmatch(generation_id):
            raise InvalidRequest(
                "The id of a generation consists of letters, digits and hyphens.", parameter="id"
            )
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


def _original(digest: str, suffix: str) -> str:
    return f"originals/{digest[:2]}/{digest}.{suffix}"


def _originals(digest: str) -> list[str]:
    """Return the paths that an original of any kind can have."""
    return [_original(digest, suffix) for suffix in SUFFIXES]


def _write_whole(path: Path, data: bytes, *, durable: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            # On a full disk, a write may take only a part without an error. Then the next write fails.
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
    if error.errno in FULL:
        return DiskFull(f"There is no space left to write {path.name}.")
    return StoreError(f"The file {path} failed: {error.strerror or error}.")

"""The connection to the database: its location, how it is opened, and its transactions.

The module controls SQLite itself where the driver's defaults would lose data or time. Every write begins with
``BEGIN IMMEDIATE``, so that two kernels wait for each other at the start of a transaction and do not fail in
its middle.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import platformdirs
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from imgplay_widget._ids import new_id
from imgplay_widget._store import copies
from imgplay_widget._store.damage import DamagedValue, damaged, means_damage
from imgplay_widget._store.paths import path_of
from imgplay_widget._types import Notice
from imgplay_widget.errors import DiskFull, InvalidRequest, StoreError, StoreLocked

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import PurePath

__all__ = ["Database", "Location", "location_of", "network_file_system", "wal_is_safe"]

_FILE = "history.sqlite"
_WRITE = "imgplay_write"

_JOURNAL_LIMIT = 2**20
"""The most bytes that a journal keeps on the disk after a large write."""

_NETWORK = (
    *("nfs", "cifs", "smb", "fuse", "lustre", "9p", "afs", "ceph", "gluster", "gpfs", "beegfs", "ncp"),
    # The names that macOS has, beside some of these.
    *("afpfs", "webdav", "autofs", "macfuse", "osxfuse", "ftp", "acfs", "xsan"),
)


class Mount(Protocol):
    """A mounted file system, as `psutil.disk_partitions` describes it."""

    @property
    def mountpoint(self) -> str:
        """The folder under which the file system is reached; on Windows the drive."""
        ...

    @property
    def fstype(self) -> str:
        """The kind of the file system."""
        ...

    @property
    def opts(self) -> str:
        """The options of the mount, with commas between them."""
        ...


@dataclass(frozen=True, slots=True)
class Location:
    """The location of a store.

    Attributes:
        key: a text that is equal for all ways to write the same location; unique for a store in memory.
        label: the text for people.
        file: the SQLite file, or None for a store in memory.
        assets: the folder of the bytes, or None where the store creates a temporary one. No other database
            has the same folder.
        old_assets: the folder that earlier versions used, which other databases may share; None for a store
            in memory.
    """

    key: str
    label: str
    file: Path | None
    assets: Path | None
    old_assets: Path | None = None

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that may hold images of the store."""
        found = (self.assets, self.old_assets)
        return tuple(one for one in found if one is not None and (one == self.assets or one.is_dir()))


def location_of(location: str | os.PathLike[str] | None) -> Location:
    """Return the location that a path, a URL of SQLite or None (the user's data folder) means.

    Raises:
        InvalidRequest: the text is neither a path nor a URL of SQLite, or cannot be a path.
    """
    if location is None:
        return _file_location(Path(platformdirs.user_data_dir("imgplay-widget", appauthor=False)) / _FILE)
    text = os.fspath(location)
    if not isinstance(location, str) or "://" not in text:
        path = path_of(location, "store")
        folder = path.is_dir() or text.endswith(("/", os.sep))
        return _file_location(path / _FILE if folder else path)
    url = _sqlite_url(text)
    if not url.database or url.database == ":memory:":
        return Location(key=f"sqlite://{new_id()}", label="in memory", file=None, assets=None)
    return _file_location(path_of(url.database, "store"))


def _sqlite_url(text: str) -> URL:
    try:
        url = make_url(text)
        if url.get_backend_name() == "sqlite":
            return url
    except ArgumentError:
        pass
    # The text is not repeated, because it may hold a password.
    raise InvalidRequest(
        "store= is the URL of something other than a SQLite file.",
        parameter="store",
        next_step="Give a path, such as history.sqlite, or a URL such as sqlite:///history.sqlite.",
    ) from None


def _file_location(path: Path) -> Location:
    if path.suffix.lower() == ".duckdb":
        raise InvalidRequest(
            "A store is a SQLite file: SQLite keeps the history, and DuckDB queries it (studio.sql).",
            parameter="store",
            next_step="Give another name, such as history.sqlite.",
        )
    path = Path(os.path.realpath(path))
    # A name without a suffix gets another ending: "foxes.assets" is the old folder of "foxes.sqlite" too.
    assets = path.with_name(f"{path.name}.assets" if path.suffix else f"{path.name}-assets")
    old = path.with_suffix(".assets")
    return Location(key=str(path), label=str(path), file=path, assets=assets, old_assets=old)


class Database:
    """One connection to one database. Only one thread may use it at a time.

    Args:
        location: the location of the database.
        busy_timeout: seconds to wait for another program that writes.

    Raises:
        StoreError: the database cannot be opened.
        StoreDamaged: the database is damaged.
        StoreLocked: another program holds the database.
    """

    notices: tuple[Notice, ...] = ()

    def __init__(self, location: Location, *, busy_timeout: float = 5.0) -> None:
        self.location = location
        self.network = network_file_system(location.file.parent) if location.file else None
        if location.file is not None:
            make_folder(location.file.parent)
        try:
            self._engine = self._connect(busy_timeout)
            self._writer = self._engine.execution_options(**{_WRITE: True})
            with translated(location), self._engine.connect() as connection:
                if location.file is not None:
                    self._choose_journal(connection)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """Return a context with a connection whose reads all see the same moment."""
        with translated(self.location), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """Return a context with a connection in a transaction. The transaction is the only writer.

        The transaction is committed at the end of the context, and rolled back where the context raises.

        Raises:
            StoreLocked: another program has held the write lock for longer than the busy timeout.
            DiskFull: the disk does not have enough space for the commit.
        """
        with translated(self.location), self._writer.begin() as connection:
            yield connection

    @staticmethod
    def copy(connection: Connection, target: Path) -> None:
        """Copy the database, as a connection of `reading` sees it, into a new file."""
        copies.snapshot(_driver(connection), target)

    def version(self) -> int:
        """Return a number that changes when another connection commits."""
        with self.reading() as connection:
            return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())

    def close(self) -> None:
        """Close the connection. A second call does nothing."""
        if hasattr(self, "_engine"):
            self._engine.dispose()

    def _connect(self, busy_timeout: float) -> Engine:
        target = ":memory:" if self.location.file is None else str(self.location.file)

        def connect() -> sqlite3.Connection:
            # With isolation_level None, the driver does not begin transactions of its own.
            connection = sqlite3.connect(
                target, timeout=busy_timeout, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA synchronous = FULL")
            except BaseException:
                connection.close()
                raise
            return connection

        engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool)
        event.listen(engine, "begin", _begin)
        return engine

    def _choose_journal(self, connection: Connection) -> None:
        driver = _driver(connection)
        found = str(driver.execute("PRAGMA journal_mode").fetchone()[0])
        # "persist" is a rollback journal whose file stays. So a write does not create and remove a file, and
        # its end is synced, which the removal of a file would not be.
        wanted = "wal" if self.network is None and wal_is_safe(sqlite3.sqlite_version_info) else "persist"
        if found != wanted:
            try:
                driver.execute(f"PRAGMA journal_mode = {wanted}")
            except sqlite3.OperationalError as error:
                # Another kernel uses the other mode. Both modes are durable, so that mode stays.
                if _name_of(error) not in ("SQLITE_BUSY", "SQLITE_LOCKED"):
                    raise
        driver.execute(f"PRAGMA journal_size_limit = {_JOURNAL_LIMIT}")
        if self.network is not None:
            message = (
                f"The store is on a network file system ({self.network}), where file locks can fail. "
                "Use the store from one machine at a time, or choose a local path."
            )
            self.notices = (Notice(kind="other", message=message),)


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get(_WRITE, False)
    # The driver runs the statement directly, because the way through SQLAlchemy costs more than the
    # statement.
    _driver(connection).execute("BEGIN IMMEDIATE" if write else "BEGIN")


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def make_folder(path: Path) -> None:
    """Create a folder and the folders above it.

    Raises:
        StoreError: the folder cannot be created, or cannot be written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        # Only a real file shows whether the folder is writable: permission bits do not show a read-only
        # mount.
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise StoreError(
            f"The folder {path} cannot be created or written to ({error.strerror}).",
            next_step="Choose another folder with store=, or make this folder writable.",
        ) from error


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Return whether a version of SQLite has the fix of the bug by which WAL mode can lose commits."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def network_file_system(path: PurePath, mounts: Sequence[Mount] | None = None) -> str | None:
    """Return the kind of network file system of a path, or None where the path is local or unknown.

    Args:
        path: an absolute path, which need not exist.
        mounts: the mounted file systems; None asks the system.
    """
    if path.drive.startswith("\\\\"):
        # A share that Windows reaches by its name: \\server\share. Only \\?\C: and \\.\C: are local.
        name = path.drive[4:] if path.drive[2:4] in ("?\\", ".\\") else "UNC"
        return "a network share" if name.upper().startswith("UNC") else None
    best: Mount | None = None
    for mount in _mounts() if mounts is None else mounts:
        # A later mount on the same point hides the earlier one.
        point = type(path)(mount.mountpoint)
        if path.is_relative_to(point) and (
            best is None or len(point.parts) >= len(type(path)(best.mountpoint).parts)
        ):
            best = mount
    if best is None:
        return None
    if best.fstype.lower().startswith(_NETWORK):
        return best.fstype
    # Windows calls the file system of a drive on a server NTFS, as the server does.
    return "a network drive" if "remote" in best.opts.split(",") else None


def _mounts() -> Sequence[Mount]:
    import psutil

    try:
        return psutil.disk_partitions(all=True)
    except (OSError, psutil.Error):
        # Where the system does not tell, as in some containers, the disk counts as local.
        return ()


@contextmanager
def translated(location: Location) -> Generator[None]:
    """Return a context that turns errors of the driver, and unreadable values, into errors of the store."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, DamagedValue, UnicodeDecodeError) as error:
        origin = error.orig if isinstance(error, DBAPIError) else error
        if means_damage(origin):
            raise damaged(location.label, location.file, location.folders, origin) from error
        raise _failure(location.label, origin) from error


def _failure(label: str, error: BaseException | None) -> StoreError:
    name = _name_of(error)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreLocked(f"Another program holds the history {label}.")
    if name == "SQLITE_FULL":
        return DiskFull(f"There is no space left for the history {label}.")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
        return StoreError(
            f"The history {label} cannot be opened for writing.",
            next_step="Choose another path with store=, or make the file and its folder writable.",
        )
    return StoreError(f"The history {label} failed: {error}.")


def _name_of(error: BaseException | None) -> str:
    return str(getattr(error, "sqlite_errorname", ""))

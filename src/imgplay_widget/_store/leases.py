"""The owners of tasks: a lease in the row, and a file lock that ends with its process.

With a lease alone, a restart would wait until the lease ends. A lock alone does not work on every file
system. Together they show a dead owner at once, and a silent owner after its lease.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, timedelta
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import quote

import filelock
from sqlalchemy import Connection, and_, case, func, or_, select, update

from imgplay_widget._store import rows
from imgplay_widget._store.tables import UtcTime, tasks
from imgplay_widget.errors import StoreLocked

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime
    from pathlib import Path

    from imgplay_widget._store.queries import Scope
    from imgplay_widget._types import Task

__all__ = ["Owners", "claim", "release", "renew"]

_UNFINISHED = ("pending", "processing")

LEASE = timedelta(seconds=30)
"""The time for which a lease is valid after its last renewal, by the clock of the database."""

SILENCE = 30.0
"""The seconds without a renewal after which an owner on a network share counts as gone."""

_YOUNG = 60.0
"""The seconds for which `clean` leaves a new lock file alone, because its owner may be about to lock it."""


class Owners:
    """The lock files of the owners.

    Args:
        folder: the folder of the lock files.
        trusted: False on a network file system, where a held lock may look free on another machine.
        old: the folder of the lock files of earlier versions, which may still run, or None.
    """

    def __init__(self, folder: Path, *, trusted: bool, old: Path | None = None) -> None:
        self._folder = folder
        self._old = old
        self._trusted = trusted
        self._held: dict[str, filelock.BaseFileLock] = {}
        # The lease of each foreign owner as it was seen last, with the seconds of this process's own clock at
        # which it was first seen so. Only `gone` writes it.
        self._seen: dict[str, tuple[datetime | None, float]] = {}

    def register(self, owner: str) -> None:
        """Acquire the lock of an owner, which ends with this process or with `close`.

        Raises:
            StoreLocked: another process has the same owner.
        """
        if owner in self._held:
            return
        lock = filelock.FileLock(self._file(owner), timeout=0.5, poll_interval=0.01, thread_local=False)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise StoreLocked(f"Another process already uses the owner name {owner}.") from error
        self._held[owner] = lock

    def dead(self, owner: str) -> bool:
        """Return whether the process of an owner is certainly gone."""
        if not self._trusted or owner in self._held:
            return False
        file = self._file(owner)
        if self._old is not None and not _unlocked(self._old / file.name):
            return False
        return self._free(file)

    def gone(self, owner: str, lease: datetime | None) -> bool:
        """Return whether others may take over the tasks of an owner.

        On a local disk the lock file decides alone. On a network share, where a lock may not be seen, an
        owner is gone after its lease was not renewed for `SILENCE`, by the clock of this process alone. No
        clock is compared with another one.

        Args:
            owner: the owner.
            lease: the newest lease of the owner.
        """
        if self._trusted or owner in self._held:
            return self.dead(owner)
        now = monotonic()
        known, since = self._seen.get(owner, (lease, now))
        if known != lease:
            since = now
        self._seen[owner] = lease, since
        return now - since >= SILENCE

    def clean(self) -> None:
        """Remove the lock files of owners that are gone."""
        if not self._trusted:
            return
        held = {self._file(owner) for owner in self._held}
        for file in self._folder.glob("*.lock"):
            try:
                young = time.time() - file.stat().st_mtime < _YOUNG
            except FileNotFoundError:
                continue
            if file not in held and not young:
                self._free(file)

    def close(self) -> None:
        """Release all locks of this store."""
        for owner, lock in self._held.items():
            lock.release()
            _unlink(self._file(owner))
        self._held.clear()

    def _file(self, owner: str) -> Path:
        return self._folder / f"{quote(owner, safe='')}.lock"

    def _free(self, file: Path) -> bool:
        free = _unlocked(file)
        if free:
            _unlink(file)
        return free


def _unlocked(file: Path) -> bool:
    if not file.exists():
        return True
    lock = filelock.FileLock(file, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        return False
    lock.release()
    return True


def _unlink(file: Path) -> None:
    # On Windows, a process that looks at the lock keeps its file. The next `clean` removes the file.
    with suppress(OSError):
        file.unlink()


def claim(
    connection: Connection,
    scope: Scope,
    owners: Owners,
    owner: str,
    able: Callable[[str, str], bool] | None = None,
) -> list[Task]:
    """Claim the unfinished tasks that no living owner drives, and return them after the change.

    Args:
        connection: the connection.
        scope: whose tasks.
        owners: the owners.
        owner: the new owner.
        able: returns whether the new owner can drive a task of this provider and model; None for all tasks.
    """
    unfinished = select(tasks).where(
        *scope.tasks(),
        tasks.c.status.in_(_UNFINISHED),
        # This owner still drives its own tasks, even where their leases ended while the machine slept.
        or_(tasks.c.lease_owner.is_(None), tasks.c.lease_owner != owner),
    )
    found_rows = connection.execute(unfinished.order_by(tasks.c.id)).all()
    leases: dict[str, datetime | None] = {}
    for row in found_rows:
        if row.lease_owner is not None:
            leases[row.lease_owner] = max(
                filter(None, (leases.get(row.lease_owner), row.lease_until)), default=None
            )
    gone = {other: owners.gone(other, lease) for other, lease in leases.items()}
    taken: list[str] = []
    until = _until(connection) if found_rows else None
    for row in found_rows:
        if row.lease_owner is not None and not gone[row.lease_owner]:
            continue
        if able is not None and not able(row.provider, row.model):
            continue
        change = {"lease_owner": owner, "lease_until": until}
        connection.execute(update(tasks).where(tasks.c.id == row.id).values(change))
        taken.append(row.id)
    found = connection.execute(select(tasks).where(tasks.c.id.in_(taken)).order_by(tasks.c.id))
    return [rows.task_of(row) for row in found.mappings()]


def renew(connection: Connection, scope: Scope, owner: str) -> None:
    """Extend the leases of an owner."""
    mine = update(tasks).where(*scope.tasks(), tasks.c.status.in_(_UNFINISHED), tasks.c.lease_owner == owner)
    connection.execute(mine.values(lease_until=_until(connection)))


def release(connection: Connection, scope: Scope, owner: str, counted: Collection[str]) -> None:
    """Release the unfinished tasks of an owner, which ends in peace: they did not kill its process.

    Args:
        connection: the connection.
        scope: whose tasks.
        owner: the owner.
        counted: the tasks whose take-up by this owner was counted.
    """
    mine = update(tasks).where(*scope.tasks(), tasks.c.status.in_(_UNFINISHED), tasks.c.lease_owner == owner)
    worked_on = and_(tasks.c.id.in_(counted), tasks.c.resumes > 0)
    resumes = case((worked_on, tasks.c.resumes - 1), else_=tasks.c.resumes)
    connection.execute(mine.values(lease_owner=None, lease_until=None, resumes=resumes))


def _until(connection: Connection) -> datetime:
    """Return the end of a lease that begins now, by the clock of the database."""
    now = connection.scalar(select(func.current_timestamp(type_=UtcTime)))
    assert now is not None
    return now.astimezone(UTC) + LEASE

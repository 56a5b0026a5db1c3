"""SQL over the history: a copy of its tables in DuckDB, in memory, kept in step with what changes.

SQLite keeps the history, and DuckDB queries it. A query runs on a thread of its own, in a transaction that
only reads, on a connection that reaches no file, network, extension or setting. This keeps accidents out. It
is no sandbox: DuckDB itself counts SQL as trusted code.
"""

from __future__ import annotations

import threading
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any, TypeVar

from imgplay_widget._rules.changes import (
    Change,
    EntryAdded,
    EntryChanged,
    EntryWritten,
    Removed,
    StoreWritten,
    TopicWritten,
)
from imgplay_widget._store.frames import FRAMES, Frame, Span
from imgplay_widget._studio import duck
from imgplay_widget._studio.results import Rows
from imgplay_widget.errors import InvalidRequest, QueryTooLong

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._studio.loop import Hop

__all__ = ["LIMIT", "Analysis"]

T = TypeVar("T")

LIMIT = 30.0
"""The most seconds of a query."""

PART = 2_500
"""The rowids that are read at a time: topics, batches with all their rows, or calls."""

AGAIN = 0.05
"""Seconds between two tries to interrupt a query. A try before its start would have no effect."""


class Analysis:
    """A studio's history in DuckDB. Any thread but the studio's own may call it.

    Args:
        archive: the store, and the thread of the queries.
        hop: the way to the studio's loop.
    """

    def __init__(self, archive: Archive, hop: Hop) -> None:
        self._archive = archive
        self._hop = hop
        self._one_at_a_time = threading.Lock()
        self._connection: Any = None
        self._version: int | None = None
        # The things that changed since the last reading. `heed` writes them on the studio's loop.
        self._marks = threading.Lock()
        self._all = True
        self._stale: dict[str, set[str]] = {"topic": set(), "batch": set()}
        self._stopped = False

    # -------------------------------------------------------------- changes

    def heed(self, change: Change) -> None:
        """Mark what a change makes stale."""
        with self._marks:
            topics, batches = self._stale["topic"], self._stale["batch"]
            match change:
                case EntryAdded() | EntryChanged() | EntryWritten():
                    batches.add(change.entry.batch.id)
                    topics.add(change.entry.batch.topic_id)
                case Removed():
                    topics.update(change.topic_ids, (topic_id for _, topic_id in change.batches))
                    batches.update(batch_id for batch_id, _ in change.batches)
                    batches.update(batch_id for _, batch_id in change.generations)
                case TopicWritten():
                    topics.add(change.topic.id)
                    self._all = self._all or change.returned
                case StoreWritten():
                    self._all = True
                case _:
                    pass

    # -------------------------------------------------------------- queries

    def ask(self, text: str, values: Sequence[Any] = ()) -> Rows:
        """Bring the tables up to date, run one statement that only reads, and return its rows.

        Args:
            text: the statement.
            values: the values of its ``?``.

        Raises:
            InvalidRequest: the text is not one statement that only reads, or DuckDB refuses it.
            QueryTooLong: the statement took longer than `LIMIT`.
        """
        self._hop.refuse_own_thread()
        with self._one_at_a_time:
            self._stopped = False
            self._wait(self._archive.query_thread.submit(self._refresh), None)
            return self._wait(self._archive.query_thread.submit(self._run, text, values), LIMIT)

    def _wait(self, work: Future[T], limit: float | None) -> T:
        """Return the result of work. A KeyboardInterrupt and the limit end the work first."""
        try:
            ended, _ = wait([work], limit)
        except BaseException:
            self._end(work)
            raise
        if not ended:
            self._end(work)
            raise QueryTooLong(f"The query took longer than {limit:g} seconds, and was stopped.")
        return work.result()

    def _end(self, work: Future[Any]) -> None:
        self._stopped = True
        work.cancel()
        while not work.done():
            if self._connection is not None:
                self._connection.interrupt()
            wait([work], AGAIN)

    def _run(self, text: str, values: Sequence[Any]) -> Rows:
        connection, failed = self._connection, duck.error_of()
        try:
            statement, count = duck.is_question(connection, text)
            if statement is None:
                raise _refusal(count)
            connection.execute("BEGIN TRANSACTION READ ONLY")
            try:
                answer = connection.execute(statement, list(values) or None)
                columns = [(str(name), str(kind)) for name, kind, *_ in answer.description]
                return Rows(columns, answer.fetchall())
            finally:
                connection.rollback()
        except failed as error:
            first = str(error).strip().splitlines()[0]
            raise InvalidRequest(
                f"DuckDB refuses the query: {first}",
                next_step="Correct the SQL. docs/sql.md lists the tables and their columns.",
            ) from error

    # -------------------------------------------------------------- loading

    def _refresh(self) -> None:
        """Read what changed. On the thread of the queries."""
        if self._connection is None:
            connection = duck.connect()
            for frame in FRAMES:
                duck.make_table(connection, frame.name, ((one.name, one.type) for one in frame.columns))
            duck.lock(connection)
            self._connection = connection
        version = self._store(self._archive.store.version)
        with self._marks:
            everything = self._all or version != self._version
            stale = self._stale
            self._all, self._stale = False, {"topic": set(), "batch": set()}
        try:
            if everything or any(stale.values()):
                self._load(None if everything else stale)
            self._version = version
        except BaseException:
            with self._marks:
                self._all = True
            raise

    def _load(self, stale: dict[str, set[str]] | None) -> None:
        connection = self._connection
        connection.begin()
        try:
            for frame in FRAMES:
                self._load_frame(frame, None if stale is None else sorted(stale[frame.key]))
        except BaseException:
            connection.rollback()
            raise
        connection.commit()

    def _load_frame(self, frame: Frame, ids: list[str] | None) -> None:
        connection, store = self._connection, self._archive.store
        if ids is not None:
            if ids:
                gone = f"DELETE FROM {frame.name} WHERE {frame.key_column} IN (SELECT unnest(?))"  # noqa: S608 - names of ours
                connection.execute(gone, [ids])
                duck.fill(connection, frame.name, self._store(store.frame_rows, frame, ids))
            return
        connection.execute(f"DELETE FROM {frame.name}")  # noqa: S608 - a name of ours
        # A row that comes meanwhile is read at the next query, because its change marks it.
        for after in range(0, self._store(store.frame_end, frame), PART):
            if self._stopped:
                raise InvalidRequest("The reading of the history was stopped.")
            duck.fill(connection, frame.name, self._store(store.frame_part, frame, Span(after, after + PART)))

    def _store(self, function: Callable[..., T], *args: Any) -> T:
        return self._hop.call(self._archive.in_store, function, *args)


def _refusal(count: int) -> InvalidRequest:
    if count == 1:
        message = "The query is not one that only reads."
    else:
        message = f"The query holds {count} statements, and one is run."
    return InvalidRequest(message, next_step="Give one SELECT. Nothing was run.")

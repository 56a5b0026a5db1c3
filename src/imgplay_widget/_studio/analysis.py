"""SQL over the history: a copy of its tables in DuckDB, in memory, kept in step with what changes.

SQLite keeps the history, and DuckDB queries it. A query runs on a thread of its own, in a transaction that
only reads, on a connection that reaches no file, network, extension or setting. This keeps accidents out. It
is no sandbox: DuckDB itself counts SQL as trusted code.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import wait
from functools import partial
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
from imgplay_widget._store.frames import FRAMES, Frame, Part, Span
from imgplay_widget._studio import duck, history_tables
from imgplay_widget._studio.notes import shown_line
from imgplay_widget._studio.results import Rows
from imgplay_widget.errors import InvalidRequest, QueryTooLong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._studio.loop import Hop

__all__ = ["LIMIT", "Analysis"]

T = TypeVar("T")

LIMIT = 30.0
"""The most seconds of a query."""

PATIENCE = 1.0
"""Seconds of reading after which a line says so."""

PART = 2_500
"""The rowids that are read at a time: topics, batches with all their rows, or calls."""

AGAIN = 0.05
"""Seconds between two tries to interrupt a query. A try before its start would have no effect."""


class _Marks:
    """What changed since some time: everything, or the topics and batches with these ids."""

    def __init__(self, *, everything: bool = True) -> None:
        self.everything = everything
        self.ids: dict[str, set[str]] = {"topic": set(), "batch": set()}

    def add(self, other: _Marks) -> None:
        """Add what changed later."""
        self.everything = self.everything or other.everything
        for key, ids in other.ids.items():
            self.ids[key] |= ids


class Analysis:
    """A studio's history in DuckDB. Any thread but the studio's own may call it.

    Args:
        archive: the store, and the thread of the queries.
        hop: the way to the studio's loop.
        progress: returns whether a long reading shows a line: True, False, or None where somebody looks.
    """

    def __init__(self, archive: Archive, hop: Hop, progress: Callable[[], bool | None]) -> None:
        self._progress = progress
        self._archive = archive
        self._hop = hop
        self._one_at_a_time = threading.Lock()
        self._connection: Any = None
        self._version: int | None = None
        # What changed since a frame was last read. `heed` writes the marks on the studio's loop.
        self._marks = threading.Lock()
        self._stale = {frame.name: _Marks() for frame in FRAMES}
        self._stopped = False

    # -------------------------------------------------------------- changes

    def heed(self, change: Change) -> None:
        """Mark what a change makes stale."""
        marks = _Marks(everything=False)
        topics, batches = marks.ids["topic"], marks.ids["batch"]
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
                marks.everything = change.returned
            case StoreWritten():
                marks.everything = True
            case _:
                return
        self._mark(marks)

    def _mark(self, marks: _Marks) -> None:
        with self._marks:
            for known in self._stale.values():
                known.add(marks)

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
            self._read(text)
            return self._wait(self._archive.query_thread.submit(self._run, text, values), LIMIT)

    def _read(self, text: str) -> None:
        """Bring the tables of a query up to date. Say so where that takes long."""
        start = time.monotonic()
        work = self._archive.query_thread.submit(self._refresh, text)
        if not self._ends(work, PATIENCE):
            with shown_line("Reading the history…", partial(_took, start), wanted=self._progress()):
                self._ends(work, None)
        work.result()

    def _wait(self, work: Future[T], limit: float | None) -> T:
        """Return the result of work, which the limit ends."""
        if not self._ends(work, limit):
            self._end(work)
            raise QueryTooLong(f"The query took longer than {limit:g} seconds, and was stopped.")
        return work.result()

    def _ends(self, work: Future[Any], limit: float | None) -> bool:
        """Wait for work, which a KeyboardInterrupt ends. Return whether it ended within the limit."""
        try:
            ended, _ = wait([work], limit)
        except BaseException:
            self._end(work)
            raise
        return bool(ended)

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
            raise InvalidRequest(
                f"DuckDB refuses the query: {duck.first_line(error)}",
                next_step="Correct the SQL. docs/sql.md lists the tables and their columns.",
            ) from error

    # -------------------------------------------------------------- loading

    def _refresh(self, text: str) -> None:
        """Read what changed in the tables that a query names. On the thread of the queries."""
        if self._connection is None:
            connection = duck.connect()
            history_tables.make(connection)
            duck.lock(connection)
            self._connection = connection
        version = self._store(self._archive.store.version)
        if version != self._version:
            self._mark(_Marks())
            self._version = version
        for frame in _named(text):
            with self._marks:
                marks, self._stale[frame.name] = self._stale[frame.name], _Marks(everything=False)
            if marks.everything or marks.ids[frame.key]:
                self._load(frame, marks)

    def _load(self, frame: Frame, marks: _Marks) -> None:
        try:
            if marks.everything:
                self._load_all(frame)
            else:
                self._load_some(frame, sorted(marks.ids[frame.key]))
        except BaseException as error:
            # The next query empties the table and reads all of it.
            with self._marks:
                self._stale[frame.name].add(_Marks())
            if isinstance(error, duck.error_of()) and not self._stopped:
                self._store(self._archive.store.refuse_value, duck.first_line(error))
            raise

    def _load_some(self, frame: Frame, ids: list[str]) -> None:
        history_tables.empty(self._connection, frame, ids)
        history_tables.put(self._connection, frame, self._store(self._archive.store.frame_rows, frame, ids))

    def _load_all(self, frame: Frame) -> None:
        history_tables.empty(self._connection, frame)
        # A row that comes meanwhile is read at the next query, because its change marks it.
        for part in self._parts(frame):
            if self._stopped:
                raise InvalidRequest("The reading of the history was stopped.")
            history_tables.put(self._connection, frame, part)

    def _parts(self, frame: Frame) -> Iterator[Part]:
        """Yield all parts of a frame. The store reads the next part while DuckDB takes one."""
        store, coming = self._archive.store, None
        for after in range(0, self._store(store.frame_end, frame), PART):
            span = Span(after, after + PART)
            ready, coming = coming, self._hop.start(self._archive.in_store, store.frame_part, frame, span)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()

    def _store(self, function: Callable[..., T], *args: Any) -> T:
        return self._hop.call(self._archive.in_store, function, *args)


def _took(start: float) -> str:
    return f"The history was read in {time.monotonic() - start:.1f} s. Later queries read what changed."


def _named(text: str) -> list[Frame]:
    """Return the tables that a query may read: those whose names it holds."""
    lower = text.casefold()
    # The functions query and query_table read a table whose name may be composed.
    return [frame for frame in FRAMES if frame.name in lower or "query" in lower]


def _refusal(count: int) -> InvalidRequest:
    if count == 1:
        message = "The query is not one that only reads."
    else:
        message = f"The query holds {count} statements, and one is run."
    return InvalidRequest(message, next_step="Give one SELECT. Nothing was run.")

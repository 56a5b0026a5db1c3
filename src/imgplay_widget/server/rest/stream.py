"""The events of a studio for REST: numbered, kept for readers that come back, and bounded for slow ones."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgplay_widget._ids import new_id
from imgplay_widget._rules.changes import (
    Change,
    DraftWritten,
    EntryAdded,
    EntryChanged,
    EntryWritten,
    ModelsWritten,
    NoticeGiven,
    PresetsWritten,
    Progressed,
    Removed,
    SettingWritten,
    SpendingWritten,
    StoreWritten,
    SweepWritten,
    TopicWritten,
)
from imgplay_widget.server.rest.states import batch_answer, spending_event, status_answer, topic_answer
from imgplay_widget.server.rest.values import NoFields, NoticeEvent, ProgressEvent, RemovedEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from imgplay_widget._types import Batch
    from imgplay_widget.server.rest.values import WireValue

__all__ = ["EVENTS", "KEEP_ALIVE", "EventLog", "Reader"]

KEPT = 256
"""The most events that are kept for readers that come back, and that wait for one reader. A slower reader
gets the event `fresh` in place of them."""

MOST_RUNNING = 10_000
"""The most running generations whose progress is kept."""

KEEP_ALIVE = 15.0
"""Seconds without an event, after which a reader gets a comment, so that no proxy ends the connection."""

EVENTS = {
    "fresh": "What the reader knows may be old, so the reader reads the lists again. Each stream begins with "
    "this event, unless the reader missed nothing.",
    "batch": "A batch was made, moved or restored (`BatchAnswer`).",
    "generation": "The state of a generation changed (`StatusAnswer`).",
    "progress": "A running generation made progress (`ProgressEvent`).",
    "topic": "A topic was made, restored or changed (`TopicAnswer`).",
    "removed": "Topics, batches or generations were deleted (`RemovedEvent`).",
    "spending": "The spending of today changed (`SpendingEvent`).",
    "models": "The models or the keys of providers changed.",
    "presets": "A preset was saved, renamed or deleted.",
    "notice": "A message to the user (`NoticeEvent`).",
}
"""The names of all events, each with its meaning."""


@dataclass(frozen=True, slots=True)
class _Told:
    number: int
    name: str
    value: WireValue


class Reader:
    """A reader of the events of a studio. On the engine's loop.

    Args:
        log: the log that the reader follows.
        seen: the id of the last event that the reader has, or an empty text.
        keep_alive: the seconds without an event, after which `next` returns a comment.
    """

    def __init__(self, log: EventLog, seen: str, keep_alive: float) -> None:
        self._log = log
        self._keep_alive = keep_alive
        self._waiting: deque[_Told] = deque()
        self._wake = asyncio.Event()
        self._closed = False
        missed = log.since(seen)
        self._behind = missed is None
        for told in missed or ():
            self.put(told)
        if self._behind:
            self._wake.set()

    def put(self, told: _Told) -> None:
        """Add an event. Where too many wait, all of them become one mark."""
        if len(self._waiting) >= KEPT:
            self._waiting.clear()
            self._behind = True
        if not self._behind:
            self._waiting.append(told)
        self._wake.set()

    def close(self) -> None:
        """End the reader. Its `next` returns None from now on."""
        self._closed = True
        self._log.leave(self)
        self._wake.set()

    async def next(self) -> bytes | None:
        """Wait, and return the next events as the lines of the stream, or None at the end."""
        try:
            async with asyncio.timeout(self._keep_alive):
                await self._wake.wait()
        except TimeoutError:
            return b": still here\n\n"
        self._wake.clear()
        if self._closed:
            return None
        if self._behind:
            self._behind = False
            self._waiting.clear()
            return _lines(self._log.mark, "fresh", NoFields())
        told, self._waiting = self._waiting, deque()
        return b"".join(_lines(self._log.id_of(one.number), one.name, one.value) for one in told)


def _lines(id: str, name: str, value: WireValue) -> bytes:
    data = json.dumps(value.wire(), ensure_ascii=False, separators=(",", ":"))
    return f"id: {id}\nevent: {name}\ndata: {data}\n\n".encode()


class EventLog:
    """The newest events of a studio, and their readers. On the engine's loop.

    Args:
        base: the path of the REST interface.
        usual: returns the seconds that a task of a batch's model usually takes, or None.

    Attributes:
        progress: the progress of the running generations, 0.0 to 1.0, by their ids.
        waits: the seconds to the next try of the generations that a rate limit stops, by their ids.
    """

    def __init__(self, base: str, usual: Callable[[Batch], float | None]) -> None:
        self._base = base
        self._usual = usual
        # A reader that knows the events of an earlier run of the server must not take these for them.
        self._run = new_id()[-12:]
        self._number = 0
        self._kept: deque[_Told] = deque(maxlen=KEPT)
        self._readers: set[Reader] = set()
        self.progress: dict[str, float] = {}
        self.waits: dict[str, float] = {}

    @property
    def mark(self) -> str:
        """The id of the newest event."""
        return self.id_of(self._number)

    def id_of(self, number: int) -> str:
        """Return the id of an event."""
        return f"{self._run}-{number}"

    def since(self, seen: str) -> list[_Told] | None:
        """Return the events after the one that a reader has, or None where some of them are not kept."""
        run, _, number = seen.rpartition("-")
        if run != self._run or not number.isascii() or not number.isdigit() or len(number) > len("9" * 18):
            return None
        last = int(number)
        first_kept = self._kept[0].number if self._kept else self._number + 1
        if not first_kept - 1 <= last <= self._number:
            return None
        return [told for told in self._kept if told.number > last]

    def read(self, seen: str, keep_alive: float = KEEP_ALIVE) -> Reader:
        """Return a new reader, which `Reader.close` ends.

        Args:
            seen: the id of the last event that the reader has, or an empty text.
            keep_alive: the seconds without an event, after which the reader gets a comment.
        """
        reader = Reader(self, seen, keep_alive)
        self._readers.add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """Forget a reader."""
        self._readers.discard(reader)

    def close(self) -> None:
        """End all readers."""
        for reader in tuple(self._readers):
            reader.close()

    async def take(self, changes: list[Change]) -> None:
        """Take changes of the studio, and hand them to the readers."""
        for change in changes:
            self._learn(change)
            for name, value in self._events(change):
                self._number += 1
                told = _Told(self._number, name, value)
                self._kept.append(told)
                for reader in self._readers:
                    reader.put(told)

    def _learn(self, change: Change) -> None:
        """Keep the progress of what runs, and forget that of what ended."""
        match change:
            case Progressed():
                if change.progress is not None:
                    _keep(self.progress, change.generation_id, change.progress)
                if change.retry_in is None:
                    self.waits.pop(change.generation_id, None)
                else:
                    _keep(self.waits, change.generation_id, change.retry_in)
            case EntryChanged():
                self._forget(one.id for one in change.entry.generations if change.entry.status_of(one).final)
            case Removed():
                self._forget(generation_id for generation_id, _ in change.generations)
            case _:
                pass

    def _forget(self, ids: Iterable[str]) -> None:
        for one in ids:
            self.progress.pop(one, None)
            self.waits.pop(one, None)

    def _events(self, change: Change) -> list[tuple[str, WireValue]]:
        match change:
            case EntryAdded():
                return [
                    ("batch", batch_answer(change.entry, self._base)),
                    ("topic", topic_answer(change.topic, self._base)),
                ]
            case EntryWritten():
                return [("batch", batch_answer(change.entry, self._base))]
            case EntryChanged():
                return [
                    ("generation", self._state(change, index))
                    for index, one in enumerate(change.entry.generations)
                    if one.id in change.generation_ids
                ]
            case Progressed() | Removed():
                return [_small(change)]
            case TopicWritten():
                return [("topic", topic_answer(change.topic, self._base))]
            case SpendingWritten():
                return [("spending", spending_event(change))]
            case NoticeGiven():
                return [("notice", NoticeEvent(level=change.level, message=change.notice.message))]
            case ModelsWritten():
                return [("models", NoFields())]
            case PresetsWritten():
                return [("presets", NoFields())]
            case StoreWritten():
                return [("fresh", NoFields())]
            case SettingWritten() | DraftWritten() | SweepWritten():
                # The panel, the prompt box and the card of a sweep belong to pages.
                return []

    def _state(self, change: EntryChanged, index: int) -> WireValue:
        entry, generation = change.entry, change.entry.generations[index]
        progress, usual = self.progress.get(generation.id), self._usual(entry.batch)
        return status_answer(entry, generation, self._base, progress=progress, usual=usual)


def _small(change: Progressed | Removed) -> tuple[str, WireValue]:
    match change:
        case Progressed():
            return "progress", ProgressEvent(
                id=change.generation_id,
                batch_id=change.batch_id,
                progress=change.progress,
                queue_position=change.queue_position,
                retry_in=change.retry_in,
            )
        case Removed():
            return "removed", RemovedEvent(
                topic_ids=list(change.topic_ids),
                batch_ids=[batch_id for batch_id, _ in change.batches],
                generation_ids=[generation_id for generation_id, _ in change.generations],
            )


def _keep(known: dict[str, float], id: str, value: float) -> None:
    known.pop(id, None)
    known[id] = value
    if len(known) > MOST_RUNNING:
        del known[next(iter(known))]

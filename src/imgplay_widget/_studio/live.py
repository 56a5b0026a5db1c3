"""The present state of the batches and topics that have handles.

A handle (`handles`) reads a live value and keeps it alive. The studio updates the value with each change, and
forgets it with its last handle.
"""

from __future__ import annotations

import logging
import threading
import weakref
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imgplay_widget._rules.changes import (
    Change,
    EntryAdded,
    EntryChanged,
    EntryWritten,
    Progressed,
    Removed,
    StoreWritten,
    SweepWritten,
    TopicWritten,
)
from imgplay_widget._text import shown
from imgplay_widget._types import Entry, Generation, Stage, Status, Sweep, Topic
from imgplay_widget.errors import (
    Cancelled,
    ErrorInfo,
    ImgplayError,
    InternalError,
    InvalidRequest,
    NotFound,
    StudioClosed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._engine.engine import Engine

__all__ = ["Live", "LiveBatch", "LiveSweep", "LiveTopic"]

logger = logging.getLogger("imgplay_widget")


class LiveBatch:
    """A batch as it was last committed, and the future of its end.

    Args:
        entry: the batch with its generations and tasks.
        monotonic: returns the seconds of a clock that never goes back.

    Attributes:
        entry: the same, as it was last committed.
    """

    def __init__(self, entry: Entry, monotonic: Callable[[], float]) -> None:
        self.entry = entry
        self._monotonic = monotonic
        # The seconds of the clock at the next try of a call that the provider refused for its rate limit, by
        # the generation that waits for it.
        self._tries: dict[str, float] = {}
        self._progress: dict[str, float] = {}
        self._previews: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._done: Future[None] = Future()
        self._gone = False
        self._failed = False
        self._settle()

    @property
    def id(self) -> str:
        """The batch's id in the store."""
        return self.entry.batch.id

    def generation(self, generation_id: str) -> Generation:
        """Return one of the generations.

        Raises:
            NotFound: the generation was deleted.
        """
        for generation in self.entry.generations:
            if generation.id == generation_id:
                return generation
        raise NotFound(f"The generation {shown(generation_id)} was deleted.")

    def error_of(self, generation: Generation) -> ImgplayError:
        """Return the error of a generation that failed or was cancelled."""
        task = self.entry.task_of(generation)
        info: ErrorInfo | None = generation.error or (task.error if task else None)
        return info.to_exception() if info else Cancelled("The generation was cancelled.")

    def note_wait(self, generation_id: str, seconds: float | None) -> None:
        """Note that a generation waits for a rate limit; None where it waits no longer."""
        if seconds is None:
            self._tries.pop(generation_id, None)
        else:
            self._tries[generation_id] = self._monotonic() + seconds

    def wait_of(self, generation: Generation) -> float | None:
        """Return the seconds until the next try where a rate limit stops a generation, else None."""
        due = self._tries.get(generation.id)
        if due is None or self.entry.status_of(generation).final:
            return None
        return max(0.0, due - self._monotonic())

    def note_progress(self, change: Progressed) -> None:
        """Note the progress of a running generation and its newest preview. Only the newest ones are kept."""
        if change.progress is not None:
            self._progress[change.generation_id] = change.progress
        if change.preview is not None:
            self._previews[change.generation_id] = change.preview

    @property
    def progress(self) -> dict[str, float]:
        """The progress of the running generations, 0.0 to 1.0, as far as it is known."""
        return {one: self._progress[one] for one in self._running() if one in self._progress}

    @property
    def previews(self) -> dict[str, bytes]:
        """The newest previews of the running generations."""
        return {one: self._previews[one] for one in self._running() if one in self._previews}

    @property
    def waits(self) -> dict[str, float]:
        """The seconds until the next try, by the generations that a rate limit stops."""
        waits = {one.id: self.wait_of(one) for one in self.entry.generations}
        return {name: wait for name, wait in waits.items() if wait is not None}

    def _running(self) -> list[str]:
        entry = self.entry
        return [one.id for one in entry.generations if not entry.status_of(one).final]

    def end(self) -> Future[None]:
        """Return the future of the end, when every generation is finished. It raises where no image came.

        After a retry there is another future.
        """
        with self._lock:
            return self._done

    def update(self, entry: Entry) -> None:
        """Replace the state by the one that was just committed. A batch that failed has no such state."""
        with self._lock:
            if self._failed:
                return
            # An image that arrived earlier may fill a slot after the end, without a new call.
            ended_bare = not _has_image(self.entry) and _has_image(entry)
            self.entry = entry
            running = set(self._running())
            for known in (self._progress, self._previews):
                for ended in known.keys() - running:
                    known.pop(ended, None)
            finished = entry.generations and all(entry.status_of(g).final for g in entry.generations)
            returned, self._gone = self._gone and bool(entry.generations), not entry.generations
            if (returned or ended_bare or not finished) and self._done.done():
                self._done = Future()
        self._settle()

    def fail(self, error: Exception) -> None:
        """End the batch with an error: it could not be stored. Later changes do not concern it."""
        info = (error if isinstance(error, ImgplayError) else InternalError(str(error))).info
        with self._lock:
            self._failed = True
            failed = tuple(replace(task, stage=Stage.ERROR, error=info) for task in self.entry.tasks)
            self.entry = replace(self.entry, tasks=failed)
        self.stop_waiting(error)

    def stop_waiting(self, error: Exception) -> None:
        """End the waiting with an error. A batch that has ended already keeps its own end."""
        with self._lock:
            if not self._done.done():
                self._done.set_exception(error)

    def _settle(self) -> None:
        entry = self.entry
        states = [entry.status_of(g) for g in entry.generations]
        if not all(state.final for state in states):
            return
        with self._lock:
            if self._done.done():
                return
            if not states:
                self._done.set_exception(NotFound(f"The batch {self.id!r} was deleted."))
            elif Status.SUCCESS in states:
                self._done.set_result(None)
            else:
                self._done.set_exception(self.error_of(entry.generations[0]))


def _has_image(entry: Entry) -> bool:
    return any(generation.asset is not None for generation in entry.generations)


class LiveTopic:
    """A topic as it was last committed.

    Attributes:
        topic: the topic.
    """

    def __init__(self, topic: Topic) -> None:
        self.topic = topic


class LiveSweep:
    """A sweep as it was last committed, with the live batches of its cells.

    Attributes:
        sweep: the sweep.
    """

    def __init__(self, sweep: Sweep, batches: Mapping[str, LiveBatch]) -> None:
        self.sweep = sweep
        self._batches = dict(batches)

    @property
    def cells(self) -> tuple[LiveBatch | None, ...]:
        """The live batch of each cell; None where it was deleted."""
        found = [None if one is None else self._batches.get(one) for one in self.sweep.cells]
        return tuple(one if one is not None and one.entry.generations else None for one in found)

    def update(self, sweep: Sweep, batches: Mapping[str, LiveBatch]) -> None:
        """Replace the state by the one that was just committed."""
        self._batches = dict(batches)
        self.sweep = sweep


class Live:
    """The batches, sweeps and topics that handles show.

    Args:
        archive: the store.
        engine: has the unfinished batches in memory, and calls functions at its beats.
    """

    def __init__(self, archive: Archive, engine: Engine) -> None:
        self._archive = archive
        self._engine = engine
        # Several threads may ask for the same batch at once.
        self._lock = threading.Lock()
        self._batches: weakref.WeakValueDictionary[str, LiveBatch] = weakref.WeakValueDictionary()
        self._sweeps: weakref.WeakValueDictionary[str, LiveSweep] = weakref.WeakValueDictionary()
        self._topics: weakref.WeakValueDictionary[str, LiveTopic] = weakref.WeakValueDictionary()

    def batch(self, entry: Entry) -> LiveBatch:
        """Return the live batch of an entry, which is the same one as long as any handle holds it."""
        with self._lock:
            live = self._batches.get(entry.batch.id)
            if live is None:
                live = self._batches[entry.batch.id] = LiveBatch(entry, self._engine.monotonic)
        return live

    def held(self, batch_id: str) -> LiveBatch:
        """Return the live batch of a handle that is held.

        Raises:
            InvalidRequest: the handle belongs to another studio.
        """
        live = self._batches.get(batch_id)
        if live is None:
            raise InvalidRequest(
                "The image belongs to another studio.",
                next_step="Find it with search or batches of this studio, if both are on one store.",
            )
        return live

    def close(self) -> None:
        """End the waiting for all batches, which nothing updates any more. Any thread may call this."""
        with self._lock:
            held = list(self._batches.values())
        for live in held:
            live.stop_waiting(
                StudioClosed(
                    "The studio was closed before the batch ended.",
                    next_step="Open the store again: the batch goes on, and batches() of its topic finds it.",
                )
            )

    async def sweep(self, sweep: Sweep) -> LiveSweep:
        """Return the live value of a sweep that was just read: the same value while a handle holds it."""
        ids = [one for one in dict.fromkeys(sweep.cells) if one is not None]
        batches = {one: live for one in ids if (live := self._batches.get(one)) is not None}
        missing = [one for one in ids if one not in batches]
        for entry in await self._archive.entries(missing) if missing else ():
            batches[entry.batch.id] = self.batch(entry)
        live = self._sweeps.get(sweep.id)
        if live is None:
            live = self._sweeps[sweep.id] = LiveSweep(sweep, batches)
        else:
            live.update(sweep, batches)
        return live

    def topic(self, topic: Topic) -> LiveTopic:
        """Return the live value of a topic that was just read: the same value while a handle holds it."""
        with self._lock:
            live = self._topics.get(topic.id)
            if live is None:
                live = self._topics[topic.id] = LiveTopic(topic)
            else:
                live.topic = topic
        return live

    def heed(self, change: Change) -> None:
        """Update the live values after a change. On the loop."""
        match change:
            case EntryAdded() | EntryChanged() | EntryWritten():
                live = self._batches.get(change.entry.batch.id)
                if live is not None:
                    live.update(change.entry)
                if isinstance(change, EntryAdded):
                    self._take_topic(change.topic)
            case Progressed():
                live = self._batches.get(change.batch_id)
                if live is not None:
                    live.note_wait(change.generation_id, change.retry_in)
                    live.note_progress(change)
            case Removed():
                self._remove(change)
            case SweepWritten():
                if change.sweep.id in self._sweeps:
                    self._archive.aside(self._refresh(self._refresh_sweeps, change.sweep.id))
            case StoreWritten():
                self._archive.aside(self._refresh(self._refresh_batches))
                self._archive.aside(self._refresh(self._refresh_sweeps))
                self._archive.aside(self._refresh(self._refresh_topics))
            case TopicWritten():
                self._take_topic(change.topic)
                if change.returned:
                    self._archive.aside(self._refresh(self._refresh_batches, change.topic.id))
            case _:
                pass

    def _take_topic(self, topic: Topic) -> None:
        live = self._topics.get(topic.id)
        if live is not None:
            live.topic = topic

    def _remove(self, removed: Removed) -> None:
        gone = {generation_id for generation_id, _ in removed.generations}
        whole = {batch_id for batch_id, _ in removed.batches}
        for batch_id in whole | {batch_id for _, batch_id in removed.generations}:
            live = self._batches.get(batch_id)
            if live is None:
                continue
            entry = live.entry
            left = tuple(g for g in entry.generations if batch_id not in whole and g.id not in gone)
            live.update(replace(entry, generations=left))

    async def _refresh(self, refresh: Callable[..., Any], *args: str) -> None:
        """Call a function that reads live values again. If the store cannot be read, repeat it at a beat."""
        try:
            await refresh(*args)
        except ImgplayError as error:
            logger.warning("Batches or topics could not be read again: %s", error.message)

            # Without this, code that waits for a batch would wait for ever.
            def again() -> None:
                self._engine.each_beat.remove(again)
                self._archive.aside(self._refresh(refresh, *args))

            self._engine.each_beat.append(again)

    async def _refresh_batches(self, topic_id: str | None = None) -> None:
        """Read the live batches again that may get images, or all those of a topic that was restored.

        Another process may retry what failed.
        """
        for live in list(self._batches.values()):
            batch = live.entry.batch
            if batch.topic_id != topic_id if topic_id is not None else _is_whole(live.entry):
                continue
            try:
                entry = await self._engine.entry(live.id)
            except NotFound:
                entry = replace(live.entry, generations=(), tasks=())
            live.update(entry)

    async def _refresh_sweeps(self, *ids: str) -> None:
        """Read live sweeps again: those with these ids, or all of them."""
        known = list(ids or self._sweeps)
        store = self._archive.store
        for sweep in await self._archive.in_store(store.sweeps_by_id, known) if known else ():
            await self.sweep(sweep)

    async def _refresh_topics(self) -> None:
        ids = list(self._topics)
        for topic in await self._archive.topics_by_id(ids) if ids else ():
            self._take_topic(topic)


def _is_whole(entry: Entry) -> bool:
    return all(entry.status_of(g) is Status.SUCCESS for g in entry.generations)

"""The changes that users make to a history: titles, pins, stars, scores, tags, moving and deleting."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from imgplay_widget._engine.archive import gone
from imgplay_widget._rules.changes import (
    Change,
    EntryWritten,
    Removed,
    StoreWritten,
    SweepWritten,
    TopicWritten,
)
from imgplay_widget._store import imports
from imgplay_widget._types import FolderImport, Recovery
from imgplay_widget.errors import CorruptImage, ImgplayError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from imgplay_widget._clock import Clock
    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._engine.covers import Covers
    from imgplay_widget._engine.engine import Engine
    from imgplay_widget._store import Hidden, Restored
    from imgplay_widget._store.imports import TakenFile
    from imgplay_widget._types import Kind, Topic

__all__ = ["Curator"]

logger = logging.getLogger("imgplay_widget")

KEPT = timedelta(seconds=60)
"""The time for which a deletion can be undone. The page offers Undo for the first ten seconds."""

RECOVER_PART = 50
"""The most images that come back in one call of the store, so that other calls run in between."""

PURGE_EVERY = 10.0
"""Seconds between two searches for deletions that can no longer be undone."""


class Curator:
    """The changes of a user to a store, and the removal of what the user deleted.

    Args:
        archive: the store.
        covers: the covers of topics.
        engine: stops the tasks of deleted batches, and reads changed batches again.
        notify: called on the loop with each change, after the change was committed. Must not block or raise.
        clock: the time.
    """

    def __init__(
        self,
        archive: Archive,
        covers: Covers,
        engine: Engine,
        notify: Callable[[Change], None],
        clock: Clock,
    ) -> None:
        self._archive = archive
        self._covers = covers
        self._engine = engine
        self._notify = notify
        self._clock = clock
        # Seconds of the clock at the last purge.
        self._purged_at = clock.monotonic()

    def start(self) -> None:
        """Remove left-over files now, and deleted images from now on at the beats of the engine."""
        self._purged_at = self._clock.monotonic()
        self._archive.aside(self._clean())
        self._engine.each_beat.append(self._purge_when_due)

    async def _clean(self) -> None:
        archive = self._archive
        try:
            await self.purge()
            # A process may have ended after it stored an image and before it made the cover.
            self._covers.make_missing(await archive.in_store(archive.store.bare_topics))
            await archive.in_store(archive.store.sweep)
        except ImgplayError as error:
            logger.warning("Left-over files could not be removed: %s", error.message)

    # -------------------------------------------------------------- topics

    async def add_topic(self, topic: Topic) -> Topic:
        """Store a new, empty topic, and return it as stored: its title may have got a number."""
        topic = await self._archive.in_store(self._archive.store.add_topic, topic)
        self._notify(TopicWritten(topic=topic))
        return topic

    async def title_topic(
        self, topic_id: str, title: str, *, by: Literal["prompt", "model", "user"]
    ) -> Topic:
        """Set the title of a topic, and return the topic.

        A title by a user is kept where a model or a prompt proposes another, and a title by a model is kept
        where a prompt proposes another.

        Raises:
            NotFound: there is no such topic.
        """
        store = self._archive.store
        return self._written(
            topic_id, await self._archive.in_store(store.title_topic, topic_id, title, by=by)
        )

    async def pin_topic(self, topic_id: str, *, pinned: bool) -> Topic:
        """Keep a topic at the top of the list, or let the topic go. Return the topic.

        Raises:
            NotFound: there is no such topic.
        """
        store = self._archive.store
        return self._written(
            topic_id, await self._archive.in_store(store.update_topic, topic_id, pinned=pinned)
        )

    def _written(self, topic_id: str, topic: Topic | None) -> Topic:
        if topic is None:
            raise gone("topic", topic_id)
        self._notify(TopicWritten(topic=topic))
        return topic

    # -------------------------------------------------------------- stars, scores, tags and moving

    async def star(self, generation_ids: Sequence[str], *, starred: bool) -> None:
        """Star images, or take the stars away. Images that are gone are ignored."""
        store = self._archive.store
        changed = await self._archive.in_store(store.star, generation_ids, starred=starred)
        await self._tell_entries(changed)

    async def score(self, scores: Mapping[str, Mapping[str, float | None]]) -> None:
        """Set scores of images by their ids, or remove them (None). Images that are gone are ignored.

        Raises:
            InvalidRequest: a name or a value cannot be stored, or an image would have too many scores.
        """
        await self._tell_entries(await self._archive.in_store(self._archive.store.score, scores))

    async def tag(
        self, generation_ids: Sequence[str], *, add: Collection[str] = (), remove: Collection[str] = ()
    ) -> None:
        """Give images tags, and take tags away. Images that are gone are ignored.

        Raises:
            InvalidRequest: a tag cannot be stored, or an image would have too many tags.
        """
        store = self._archive.store
        changed = await self._archive.in_store(store.tag, generation_ids, add=add, remove=remove)
        await self._tell_entries(changed)

    async def move(self, batch_ids: Sequence[str], topic_id: str, new_topic: Topic | None = None) -> None:
        """Move batches to another topic, where their tasks go on. Batches that are gone are ignored.

        Args:
            batch_ids: the batches.
            topic_id: the topic to move them to.
            new_topic: the same topic, where it must be made first.

        Raises:
            NotFound: the topic is gone.
        """
        store, now = self._archive.store, self._clock.now()
        moved, topics = await self._archive.in_store(
            store.move, batch_ids, topic_id, at=now, new_topic=new_topic
        )
        for topic in topics:
            self._notify(TopicWritten(topic=topic))
        await self._tell_entries(moved)
        await self._tell_sweeps(moved)
        self._covers.make_missing(topics)

    async def _tell_entries(self, batch_ids: Sequence[str]) -> None:
        """Tell how some batches are now, after a change of them was committed."""
        await self._engine.reread(batch_ids)
        try:
            entries = await self._archive.in_store(self._archive.store.entries, batch_ids)
        except ImgplayError as error:
            # The change is committed. Subscribers that show the batches read them when the store can be read.
            logger.warning("How batches changed could not be told: %s", error.message)
            self._notify(StoreWritten())
            return
        for entry in entries:
            self._notify(EntryWritten(entry=entry))

    async def _tell_sweeps(self, batch_ids: Sequence[str]) -> None:
        """Tell how the sweeps of some batches are now, after a change of these batches was committed."""
        try:
            changed = await self._archive.in_store(self._archive.store.sweeps_of, batch_ids)
        except ImgplayError as error:
            logger.warning("How sweeps changed could not be told: %s", error.message)
            self._notify(StoreWritten())
            return
        for sweep in changed:
            self._notify(SweepWritten(sweep=sweep))

    # -------------------------------------------------------------- deleting

    async def delete(self, what: Kind, ids: Sequence[str], *, source: str | None = None) -> None:
        """Delete topics, batches or generations. Until they are purged, `restore` brings them back.

        A task that fills no other generation is stopped. A batch is deleted with its last generation.

        Args:
            what: what the ids name.
            ids: the ids.
            source: the page that deletes them (see `SettingWritten`).
        """
        hide, ended = self._archive.store.hide, self._engine.as_cancelled
        hidden = await self._archive.in_store(hide, what, ids, at=self._clock.now(), ended=ended)
        await self._after_hiding(hidden, source)

    async def delete_sweep(self, sweep_id: str) -> None:
        """Delete a sweep with the batches that it asked for. Until they are purged, `restore_sweep` helps."""
        hide, ended = self._archive.store.hide_sweep, self._engine.as_cancelled
        hidden = await self._archive.in_store(hide, sweep_id, at=self._clock.now(), ended=ended)
        await self._after_hiding(hidden, None)

    async def _after_hiding(self, hidden: Hidden, source: str | None) -> None:
        engine = self._engine
        await engine.stop_ended(hidden.tasks)
        changed = {batch_id for batch_id, _ in (*hidden.batches, *hidden.generations)}
        changed |= {batch_id for _, batch_id in hidden.generations}
        await engine.reread(changed)
        self._notify(
            Removed(
                topic_ids=hidden.topic_ids,
                batches=hidden.batches,
                generations=hidden.generations,
                source=source,
            )
        )
        for topic in hidden.topics:
            self._notify(TopicWritten(topic=topic))
        if not hidden.topic_ids:
            await self._tell_sweeps([batch_id for batch_id, _ in hidden.batches])
        self._covers.make_missing(hidden.topics)

    async def restore(self, what: Kind, ids: Sequence[str]) -> Restored:
        """Bring back deleted topics, batches or generations, with what their deletion removed.

        What was deleted before them stays deleted. Tasks that were stopped stay stopped, and can be retried.
        """
        restored = await self._archive.in_store(self._archive.store.restore, what, ids)
        await self._after_restoring(restored)
        return restored

    async def restore_sweep(self, sweep_id: str) -> bool:
        """Bring back a deleted sweep with the batches that its deletion took. Return whether it is back."""
        restored = await self._archive.in_store(self._archive.store.restore_sweep, sweep_id)
        if restored is not None:
            await self._after_restoring(restored)
        return restored is not None

    async def _after_restoring(self, restored: Restored) -> None:
        for topic in restored.topics:
            self._notify(TopicWritten(topic=topic, returned=topic.id in restored.ids))
        await self._tell_entries(restored.batch_ids)
        await self._tell_sweeps(restored.batch_ids)
        self._covers.make_missing(restored.topics)

    # -------------------------------------------------------------- recovering

    async def recover(self) -> Recovery:
        """Make rows again for the images of the folder that no row names, and return what was done."""
        archive, report = self._archive, Recovery()
        lost = await archive.in_store(archive.store.lost)
        topic_ids: set[str] = set()
        for start in range(0, len(lost), RECOVER_PART):
            part = await archive.in_store(archive.store.recover, lost[start : start + RECOVER_PART])
            report += part.report
            topic_ids |= part.topic_ids
            await self._tell_entries(sorted(part.batch_ids))
        archive.store.forget_lost()
        if topic_ids:
            self._notify(StoreWritten())
            self._covers.make_missing(await archive.topics_by_id(sorted(topic_ids)))
        return report

    # -------------------------------------------------------------- pictures from outside

    async def bring_in(self, paths: Mapping[str, Path], topic_id: str) -> FolderImport:
        """Copy some pictures into a topic, in their order, and return what became of them.

        Args:
            paths: the files, by the names for which the result gives reasons.
            topic_id: the topic.

        Raises:
            NotFound: the topic is gone.
            DiskFull: there is no space.
        """
        archive = self._archive
        await archive.topic(topic_id)
        taken: list[TakenFile] = []
        skipped: dict[str, str] = {}
        for name, path in paths.items():
            try:
                taken.append(await archive.in_pool(imports.take, archive.store.assets, path))
            except CorruptImage as error:
                skipped[name] = error.message
            except OSError as error:
                skipped[name] = f"It cannot be read: {error.strerror or error}."
        report = await archive.in_store(archive.store.bring_in, topic_id, taken)
        if report.added:
            self._notify(StoreWritten())
            self._covers.make_missing(await archive.topics_by_id([topic_id]))
        return report + FolderImport(skipped=skipped)

    # -------------------------------------------------------------- removing for good

    async def _purge_when_due(self) -> None:
        now = self._clock.monotonic()
        if now - self._purged_at >= PURGE_EVERY:
            self._purged_at = now
            await self.purge()

    async def purge(self) -> None:
        """Remove rows and files for good whose deletion can no longer be undone."""
        before = self._clock.now() - KEPT
        while await self._archive.in_store(self._archive.store.purge, before):
            # The store removes a part at each call, so that other calls of the store run in between.
            continue

"""What users do with what is there, as the loop sees it: topics, covers, stars, moving, deleting, undoing."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from imgplay_widget._engine.archive import gone
from imgplay_widget._rules.changes import Change, EntryWritten, Removed, StoreWritten, TopicWritten
from imgplay_widget.errors import ImgplayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgplay_widget._clock import Clock
    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._engine.covers import Covers
    from imgplay_widget._engine.engine import Engine
    from imgplay_widget._store import Restored
    from imgplay_widget._types import Kind, Topic

__all__ = ["Curator"]

logger = logging.getLogger("imgplay_widget")

KEPT = timedelta(seconds=60)
"""How long a deletion can be undone. The page offers Undo for the first ten seconds."""

PURGE_EVERY = 10.0
"""Seconds between looks for what was deleted long enough ago."""


class Curator:
    """Keeps a store in order for its user.

    Args:
        archive: the store.
        covers: the covers of topics.
        engine: stops what runs for what is deleted, and reads again what it works on.
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
        """Clear away what was left, and from then on what was deleted, at each beat of the engine."""
        self._purged_at = self._clock.monotonic()
        self._archive.aside(self._clean())
        self._engine.each_beat.append(self._purge_when_due)

    async def _clean(self) -> None:
        archive = self._archive
        try:
            await self.purge()
            # A process may have died between an image and the cover that is made from the image.
            self._covers.make_missing(await archive.in_store(archive.store.bare_topics))
            await archive.in_store(archive.store.sweep)
        except ImgplayError as error:
            logger.warning("Left-over files could not be removed: %s", error.message)

    # -------------------------------------------------------------- topics

    async def add_topic(self, topic: Topic) -> Topic:
        """Store a new, empty topic, and return it with the title that it has then."""
        topic = await self._archive.in_store(self._archive.store.add_topic, topic)
        self._notify(TopicWritten(topic=topic))
        return topic

    async def title_topic(
        self, topic_id: str, title: str, *, by: Literal["prompt", "model", "user"]
    ) -> Topic:
        """Set the title of a topic, unless somebody who goes before has set one. Return the topic.

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

    # -------------------------------------------------------------- stars and moving

    async def favour(self, generation_ids: Sequence[str], *, favourite: bool) -> None:
        """Star images, or take the stars away. Images that are gone are passed over."""
        store = self._archive.store
        changed = await self._archive.in_store(store.favour, generation_ids, favourite=favourite)
        await self._tell_entries(changed)

    async def move(self, batch_ids: Sequence[str], topic_id: str, new_topic: Topic | None = None) -> None:
        """Move batches to another topic; what runs goes on there. Batches that are gone are passed over.

        Args:
            batch_ids: the batches.
            topic_id: the topic to move them to.
            new_topic: the same topic, where it is still to be made.

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
        self._covers.make_missing(topics)

    async def _tell_entries(self, batch_ids: Sequence[str]) -> None:
        """Tell how some batches are now, after a change of them was committed."""
        await self._engine.reread(batch_ids)
        try:
            entries = await self._archive.in_store(self._archive.store.entries, batch_ids)
        except ImgplayError as error:
            # The change is done; whoever shows the batches reads them when the store can be read.
            logger.warning("How batches changed could not be told: %s", error.message)
            self._notify(StoreWritten())
            return
        for entry in entries:
            self._notify(EntryWritten(entry=entry))

    # -------------------------------------------------------------- deleting

    async def delete(self, what: Kind, ids: Sequence[str]) -> None:
        """Delete topics, batches or generations, so that `restore` brings them back until they are purged.

        What runs for nothing else is stopped. A batch goes with its last generation.
        """
        engine, now = self._engine, self._clock.now()
        hide = self._archive.store.hide
        hidden = await self._archive.in_store(hide, what, ids, at=now, ended=engine.as_cancelled)
        await engine.stop_ended(hidden.tasks)
        changed = {batch_id for batch_id, _ in (*hidden.batches, *hidden.generations)}
        changed |= {batch_id for _, batch_id in hidden.generations}
        await engine.reread(changed)
        self._notify(
            Removed(topic_ids=hidden.topic_ids, batches=hidden.batches, generations=hidden.generations)
        )
        for topic in hidden.topics:
            self._notify(TopicWritten(topic=topic))
        self._covers.make_missing(hidden.topics)

    async def restore(self, what: Kind, ids: Sequence[str]) -> Restored:
        """Bring back what a deletion of these took; what was deleted before that stays deleted.

        What was stopped stays stopped, and can be retried.
        """
        restored = await self._archive.in_store(self._archive.store.restore, what, ids)
        for topic in restored.topics:
            self._notify(TopicWritten(topic=topic, returned=topic.id in restored.ids))
        await self._tell_entries(restored.batch_ids)
        self._covers.make_missing(restored.topics)
        return restored

    async def _purge_when_due(self) -> None:
        now = self._clock.monotonic()
        if now - self._purged_at >= PURGE_EVERY:
            self._purged_at = now
            await self.purge()

    async def purge(self) -> None:
        """Remove what was deleted so long ago that it cannot come back, with its files."""
        before = self._clock.now() - KEPT
        while await self._archive.in_store(self._archive.store.purge, before):
            # One part after the other, so that whoever else needs the store comes in between.
            continue

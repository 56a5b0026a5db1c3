"""What users do with what is there, as the loop sees it: titles, covers, stars, places, deleting, undoing."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from imgplay_widget._engine.archive import Archive, gone
from imgplay_widget._rules.changes import Change, EntryWritten, Removed, StoreWritten, TopicWritten
from imgplay_widget._store import images
from imgplay_widget.errors import ImgplayError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from imgplay_widget._clock import Clock
    from imgplay_widget._store import Restored, Store
    from imgplay_widget._types import Generation, Kind, Task, Topic

__all__ = ["Curator"]

logger = logging.getLogger("imgplay_widget")

KEPT = timedelta(seconds=60)
"""How long what was deleted can come back. The page offers it for ten seconds of these."""


class Curator(Archive):
    """Keeps a store in order for its user.

    What is being worked on belongs to the engine, which fills the three holes at the end.

    Args:
        store: where everything is kept; the curator owns it from now on.
        notify: called on the loop with each change, after it was committed. It must not block or raise.
        clock: the time.
    """

    def __init__(self, store: Store, notify: Callable[[Change], None], clock: Clock) -> None:
        super().__init__(store, notify)
        self._clock = clock
        self._covered: set[str] = set()
        self._stale: set[str] = set()
        self._telling = False

    # -------------------------------------------------------------- topics

    async def add_topic(self, topic: Topic) -> Topic:
        """Stores a new, empty topic, and gives it with the title that it has then."""
        topic = await self.write(self.store.add_topic, topic)
        self._notify(TopicWritten(topic=topic))
        return topic

    async def title_topic(
        self, topic_id: str, title: str, *, by: Literal["prompt", "model", "user"]
    ) -> Topic:
        """Gives a topic a title, unless somebody who goes before has given it one.

        Raises:
            NotFound: there is no such topic.
        """
        topic = await self.write(self.store.title_topic, topic_id, title, by=by)
        if topic is None:
            raise gone("topic", topic_id)
        self._notify(TopicWritten(topic=topic))
        return topic

    async def pin_topic(self, topic_id: str, *, pinned: bool) -> Topic:
        """Keeps a topic at the top of the list, or lets it go.

        Raises:
            NotFound: there is no such topic.
        """
        topic = await self.write(self.store.update_topic, topic_id, pinned=pinned)
        if topic is None:
            raise gone("topic", topic_id)
        self._notify(TopicWritten(topic=topic))
        return topic

    def tell_topic(self, topic_id: str) -> None:
        """Tells, as soon as it is read, how a topic is now; several of these are one."""
        self._stale.add(topic_id)
        if not self._telling:
            self._telling = True
            self.aside(self._tell_topics())

    async def _tell_topics(self) -> None:
        try:
            while self._stale:
                ids = tuple(self._stale)
                self._stale.clear()
                for topic in await self.write(self.store.topics_by_id, ids):
                    self._notify(TopicWritten(topic=topic))
        except ImgplayError as error:
            # The rows are right; the next change of the topic tells them.
            logger.warning("How a topic changed could not be told: %s", error.message)
        finally:
            self._telling = False

    # -------------------------------------------------------------- covers

    def cover_aside(self, topic_id: str, generations: Sequence[Generation]) -> None:
        """Gives a topic its cover, if it has none, from the first of these that is an image."""
        first = next((g for g in generations if g.asset is not None), None)
        if first is not None and topic_id not in self._covered:
            self.aside(self._cover(topic_id, first))

    def _cover_anew(self, topics: Collection[Topic]) -> None:
        """Gives those of some topics that have no cover one from the first image that they have."""
        for topic in topics:
            if topic.cover_url is None:
                self._covered.discard(topic.id)
                if topic.images:
                    self.aside(self._cover(topic.id))

    async def _cover(self, topic_id: str, generation: Generation | None = None) -> None:
        try:
            if (await self.topic(topic_id)).cover_url is None:
                chosen = generation or await self.write(self.store.cover_candidate, topic_id)
                if chosen is None or chosen.asset is None:
                    return
                data = await self.in_pool(self._make_cover, chosen.asset.url)
                changed = await self.write(self.store.save_cover, topic_id, chosen.id, data)
                if changed is not None:
                    self._notify(TopicWritten(topic=changed))
            self._covered.add(topic_id)
        except ImgplayError as error:
            # The image itself is safe; the next one makes the cover.
            logger.warning("A cover could not be made: %s", error.message)

    async def choose_cover(self, topic_id: str, generation_id: str) -> Topic:
        """Makes an image the cover of its topic.

        Raises:
            NotFound: there is no such image in the topic.
        """
        entry, generation = await self.generation(generation_id)
        if generation.asset is None or entry.batch.topic_id != topic_id:
            raise NotFound("There is no such image in this topic.")
        data = await self.in_pool(self._make_cover, generation.asset.url)
        topic = await self.write(self.store.save_cover, topic_id, generation_id, data, replace=True)
        if topic is None:
            raise gone("topic", topic_id)
        self._covered.add(topic_id)
        self._notify(TopicWritten(topic=topic))
        return topic

    def _make_cover(self, url: str) -> bytes:
        return images.cover(self.store.assets.read(url))

    # -------------------------------------------------------------- stars and places

    async def favour(self, generation_ids: Sequence[str], *, favourite: bool) -> None:
        """Stars images, or takes the stars away. What is gone is left out."""
        changed = await self.write(self.store.favour, generation_ids, favourite=favourite)
        await self._tell_entries(changed)

    async def move(self, batch_ids: Sequence[str], topic_id: str, new_topic: Topic | None = None) -> None:
        """Puts batches into another topic; what runs goes on there. What is gone is left out.

        Args:
            batch_ids: the batches.
            topic_id: where to.
            new_topic: the topic, where it is to be made.

        Raises:
            NotFound: the topic is gone.
        """
        now = self._clock.now()
        moved, topics = await self.write(self.store.move, batch_ids, topic_id, at=now, new_topic=new_topic)
        for topic in topics:
            self._notify(TopicWritten(topic=topic))
        await self._tell_entries(moved)
        self._cover_anew(topics)

    async def _tell_entries(self, batch_ids: Sequence[str]) -> None:
        """Tells how some batches are now, after what was committed."""
        await self._reread(batch_ids)
        try:
            entries = await self.write(self.store.entries, batch_ids)
        except ImgplayError as error:
            # It is done; who shows them reads them when the store can be read.
            logger.warning("How batches changed could not be told: %s", error.message)
            self._notify(StoreWritten())
            return
        for entry in entries:
            self._notify(EntryWritten(entry=entry))

    # -------------------------------------------------------------- deleting

    async def delete(self, what: Kind, ids: Sequence[str]) -> None:
        """Deletes topics, batches or generations, so that `restore` brings them back until they are purged.

        What runs for nothing else is stopped. A batch goes with its last generation.
        """
        hidden = await self.write(self.store.hide, what, ids, at=self._clock.now(), ended=self._as_cancelled)
        await self._stop_ended(hidden.tasks)
        changed = {batch_id for batch_id, _ in (*hidden.batches, *hidden.generations)}
        changed |= {batch_id for _, batch_id in hidden.generations}
        await self._reread(changed)
        self._notify(
            Removed(topic_ids=hidden.topic_ids, batches=hidden.batches, generations=hidden.generations)
        )
        for topic in hidden.topics:
            self._notify(TopicWritten(topic=topic))
        self._cover_anew(hidden.topics)

    async def restore(self, what: Kind, ids: Sequence[str]) -> Restored:
        """Brings back what a deletion of these took; what was deleted before it stays deleted.

        What was stopped stays stopped; it can be retried.
        """
        restored = await self.write(self.store.restore, what, ids)
        for topic in restored.topics:
            self._notify(TopicWritten(topic=topic, returned=topic.id in restored.ids))
        await self._tell_entries(restored.batch_ids)
        self._cover_anew(restored.topics)
        return restored

    async def purge(self) -> None:
        """Removes what was deleted so long ago that it cannot come back, with its files."""
        before = self._clock.now() - KEPT
        while await self.write(self.store.purge, before):
            # One part after the other, so that whoever else needs the store comes in between.
            continue

    # -------------------------------------------------------------- what the engine knows

    def _as_cancelled(self, task: Task) -> Task:
        """Gives an unfinished task as it is when it was cancelled. On any thread."""
        raise NotImplementedError

    async def _stop_ended(self, tasks: Sequence[Task]) -> None:
        """Stops what drives tasks that have just been ended, and asks their providers to stop."""
        raise NotImplementedError

    async def _reread(self, batch_ids: Collection[str]) -> None:
        """Reads those of some batches again that are worked on."""
        raise NotImplementedError

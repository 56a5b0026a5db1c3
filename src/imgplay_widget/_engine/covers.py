"""The covers of topics, and the changes of topics that subscribers are told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from imgplay_widget._engine.archive import gone
from imgplay_widget._rules.changes import Change, TopicWritten
from imgplay_widget._store import images
from imgplay_widget.errors import ImgplayError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._types import Generation, Topic

__all__ = ["Covers"]

logger = logging.getLogger("imgplay_widget")


class Covers:
    """The covers of topics, and the news of topics whose batches changed.

    Args:
        archive: the store.
        notify: called on the loop with each change, after the change was committed. Must not block or raise.
    """

    def __init__(self, archive: Archive, notify: Callable[[Change], None]) -> None:
        self._archive = archive
        self._notify = notify
        # Topics that are known to have a cover, so that not every finished image needs a call of the store.
        self._covered: set[str] = set()
        # Topics that changed and are still to be read and told.
        self._stale: set[str] = set()
        # True while a task reads and tells the stale topics.
        self._telling = False

    def tell_topic(self, topic_id: str) -> None:
        """Read a topic and tell how it is now. Several calls for one topic become one change."""
        self._stale.add(topic_id)
        if not self._telling:
            self._telling = True
            self._archive.aside(self._tell_topics())

    async def _tell_topics(self) -> None:
        try:
            while self._stale:
                ids = tuple(self._stale)
                self._stale.clear()
                for topic in await self._archive.topics_by_id(ids):
                    self._notify(TopicWritten(topic=topic))
        except ImgplayError as error:
            # The rows are right, and the next change of the topic tells them.
            logger.warning("How a topic changed could not be told: %s", error.message)
        finally:
            self._telling = False

    def forget(self) -> None:
        """Forget which topics have a cover: another process wrote to the store."""
        self._covered.clear()

    def make_aside(self, topic_id: str, generations: Sequence[Generation]) -> None:
        """Make a cover from the first of these generations that has an image, if the topic has no cover."""
        first = next((g for g in generations if g.asset is not None), None)
        if first is not None and topic_id not in self._covered:
            self._archive.aside(self._make(topic_id, first))

    def make_missing(self, topics: Collection[Topic]) -> None:
        """Make a cover from the first image of each topic that has no cover."""
        for topic in topics:
            if topic.cover_url is None:
                self._covered.discard(topic.id)
                if topic.images:
                    self._archive.aside(self._make(topic.id))

    async def _make(self, topic_id: str, generation: Generation | None = None) -> None:
        archive = self._archive
        try:
            if (await archive.topic(topic_id)).cover_url is None:
                chosen = generation or await archive.in_store(archive.store.cover_candidate, topic_id)
                if chosen is None or chosen.asset is None:
                    return
                data = await archive.in_pool(self._draw, chosen.asset.url)
                changed = await archive.in_store(archive.store.save_cover, topic_id, chosen.id, data)
                if changed is not None:
                    self._notify(TopicWritten(topic=changed))
            self._covered.add(topic_id)
        except ImgplayError as error:
            # The image itself is stored, and the next image makes the cover.
            logger.warning("A cover could not be made: %s", error.message)

    async def choose(self, topic_id: str, generation_id: str) -> Topic:
        """Make an image the cover of its topic, and return the topic.

        Raises:
            NotFound: the topic has no such image.
        """
        archive = self._archive
        entry, generation = await archive.generation(generation_id)
        if generation.asset is None or entry.batch.topic_id != topic_id:
            raise NotFound("There is no such image in this topic.")
        data = await archive.in_pool(self._draw, generation.asset.url)
        save = archive.store.save_cover
        topic = await archive.in_store(save, topic_id, generation_id, data, replace=True)
        if topic is None:
            raise gone("topic", topic_id)
        self._covered.add(topic_id)
        self._notify(TopicWritten(topic=topic))
        return topic

    def _draw(self, url: str) -> bytes:
        return images.cover(self._archive.store.assets.read(url))

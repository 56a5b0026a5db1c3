"""The store, as the loop sees it: what blocks runs on the store's thread or in the image pool."""

from __future__ import annotations

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from imgplay_widget._store import Store, images
from imgplay_widget._types import EVERYTHING
from imgplay_widget.errors import CorruptImage, ImgplayError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from imgplay_widget._types import Entry, FeedPage, Generation, Reference, Topic, TopicPage, Wanted

__all__ = ["Archive", "gone"]

T = TypeVar("T")

logger = logging.getLogger("imgplay_widget")


class Archive:
    """Reads and writes a store from an event loop.

    Args:
        store: where everything is kept; the archive owns it from now on.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        # One thread: a locked or remote database never stops the loop, and writes keep their order.
        self._store_thread = ThreadPoolExecutor(1, thread_name_prefix="imgplay-store")
        self.pool = ThreadPoolExecutor(min(2, os.cpu_count() or 1), thread_name_prefix="imgplay-image")
        self._side: set[asyncio.Task[Any]] = set()

    async def in_store(self, function: Callable[..., T], *args: Any, **keywords: Any) -> T:
        """Return what a function of the store returns, called on the store's thread."""
        return await self._on(self._store_thread, lambda: function(*args, **keywords))

    async def in_pool(self, function: Callable[..., T], *args: Any) -> T:
        """Return what a function that decodes, hashes or reads files returns, called in the pool."""
        return await self._on(self.pool, lambda: function(*args))

    @staticmethod
    async def _on(threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        try:
            future = asyncio.get_running_loop().run_in_executor(threads, call)
        except RuntimeError as error:
            # The interpreter ends, and its threads take nothing any more: the rows say how to go on.
            raise asyncio.CancelledError from error
        return await future

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something beside; the reference keeps the task from being collected."""
        task = asyncio.create_task(work)
        self._side.add(task)
        task.add_done_callback(self._side.discard)

    async def settle(self) -> None:
        """Waits for what runs beside the tasks: covers, and calls that ask a provider to stop."""
        while self._side:
            await asyncio.gather(*self._side, return_exceptions=True)

    def stop_aside(self) -> set[asyncio.Task[Any]]:
        """Cancel what runs beside the tasks, and return it for whoever waits for its end."""
        for task in self._side:
            task.cancel()
        return set(self._side)

    async def close(self) -> None:
        """Close the store and end the threads."""
        await self.in_store(self.store.close)
        self._store_thread.shutdown(wait=False)
        self.pool.shutdown(wait=False)

    # -------------------------------------------------------------- what users ask

    async def generation(self, generation_id: str) -> tuple[Entry, Generation]:
        """Gives a generation and its batch.

        Raises:
            NotFound: there is no such generation.
        """
        found = await self.in_store(self.store.generation, generation_id)
        if found is None:
            raise gone("generation", generation_id)
        return found

    async def generation_of(self, digest: str) -> tuple[Entry, Generation] | None:
        """Gives the newest generation whose image has these bytes (sha256), with its batch, or None."""
        return await self.in_store(self.store.generation_of, digest)

    async def feed(
        self, topic_id: str | None, *, before: str | None = None, limit: int = 12, wanted: Wanted = EVERYTHING
    ) -> FeedPage:
        """Gives a page of the feed of a topic, or of all of them (None), newest batch first."""
        return await self.in_store(self.store.feed, topic_id, before=before, limit=limit, wanted=wanted)

    async def entries_in_topic(self, batch_ids: Sequence[str]) -> tuple[list[Entry], Topic]:
        """Gives batches of one topic, oldest first, and that topic, as all of them are at one moment.

        Raises:
            NotFound: none of the batches is there.
        """

        def read() -> tuple[list[Entry], Topic]:
            entries = self.store.entries(batch_ids)
            topic = self.store.topic(entries[0].batch.topic_id) if entries else None
            if topic is None:
                raise gone("batch", batch_ids[0])
            return entries, topic

        return await self.in_store(read)

    async def unfinished(self, limit: int) -> list[Entry]:
        """Gives the batches of all topics that run or wait, oldest first."""
        return await self.in_store(self.store.unfinished, limit)

    async def prompts(self, limit: int) -> list[str]:
        """Gives the prompts of the newest batches, newest first, each once."""
        return await self.in_store(self.store.prompts, limit)

    async def models_used(self, topic_id: str | None) -> list[str]:
        """Gives the models of a topic's batches, or of all of them (None), by name."""
        return await self.in_store(self.store.models_used, topic_id)

    async def topics(self) -> list[Topic]:
        """Gives all topics: those that are pinned first, then the last used one."""
        return await self.in_store(self.store.topics)

    async def topic_page(self, *, search: str = "", before: str | None = None, limit: int) -> TopicPage:
        """Gives a page of the topics whose titles hold all words, in the order of `topics`.

        Raises:
            InvalidRequest: `before` is no cursor.
        """
        return await self.in_store(self.store.topic_page, search=search, before=before, limit=limit)

    async def topics_by_id(self, ids: Sequence[str]) -> list[Topic]:
        """Gives those of some topics that are there."""
        return await self.in_store(self.store.topics_by_id, ids)

    async def find_topic(self, name: str) -> str | None:
        """Gives the id of the topic with this id or else with this title, or None."""
        return await self.in_store(self.store.find_topic, name)

    async def topic(self, topic_id: str) -> Topic:
        """Gives a topic.

        Raises:
            NotFound: there is no such topic.
        """
        topic = await self.in_store(self.store.topic, topic_id)
        if topic is None:
            raise gone("topic", topic_id)
        return topic

    async def setting(self, name: str) -> Any:
        """Gives a stored setting, or None."""
        return await self.in_store(self.store.setting, name)

    async def save_setting(self, name: str, value: Any) -> None:
        """Stores a setting (JSON)."""
        await self.in_store(self.store.save_setting, name, value)

    async def thumbnail(self, generation: Generation) -> bytes | None:
        """Gives a generation's thumbnail (WebP, longest edge 768 px at most), or None without an image."""
        if generation.asset is None:
            return None
        try:
            return await self.in_pool(self.store.assets.thumbnail, generation.asset)
        except ImgplayError as error:
            logger.warning("A thumbnail could not be made: %s", error.message)
            return None

    async def miniature(self, generation: Generation) -> bytes | None:
        """Gives a very small WebP of a generation (192 px at most), or None where there is none."""
        data = await self.thumbnail(generation)
        try:
            return None if data is None else await self.in_pool(images.miniature, data)
        except CorruptImage:
            return None

    async def shrink(self, data: bytes) -> bytes | None:
        """Gives a preview made small (WebP, longest edge 768 px at most), or None where it is no image."""
        try:
            return await self.in_pool(images.thumbnail, data)
        except CorruptImage:
            return None

    async def white_mask(self, mask: Reference) -> bytes:
        """Gives a stored mask as a grayscale PNG, white where the image may change.

        Raises:
            StoreError: it is gone.
            CorruptImage: it cannot be decoded.
        """
        data = await self.read(self.store.assets.original_url(mask.digest, mask.media_type))
        return await self.in_pool(images.white_mask, data)

    async def read(self, url: str) -> bytes:
        """Gives the bytes at a place that is relative to the asset folder.

        Raises:
            StoreError: they are gone.
        """
        return await self.in_pool(self.store.assets.read, url)


def gone(what: str, id: str) -> NotFound:
    """The error of something that is not there."""
    return NotFound(f"There is no {what} {id!r}.")

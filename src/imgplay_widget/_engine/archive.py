"""The store for the event loop: calls that block run on the store's thread or in the image pool."""

from __future__ import annotations

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from imgplay_widget._store import Store, images
from imgplay_widget._text import shown
from imgplay_widget._types import EVERYTHING
from imgplay_widget.errors import CorruptImage, ImgplayError, NotFound, NotShown

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from imgplay_widget._types import (
        Entry,
        FeedPage,
        GalleryPage,
        Generation,
        Reference,
        Sweep,
        Topic,
        TopicPage,
        Wanted,
    )

__all__ = ["Archive", "gone"]

T = TypeVar("T")

Hidden = Literal["kind", "large", "damaged", "gone"]
"""Why a stored image is not shown. See `NotShown`; the file of an image that is gone is missing."""

logger = logging.getLogger("imgplay_widget")


class Archive:
    """A store that is read and written from an event loop.

    Args:
        store: the store, which the archive owns from now on and closes.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        # A thread, so that a locked or remote database never stops the loop. One, so that writes keep their
        # order.
        self._store_thread = ThreadPoolExecutor(1, thread_name_prefix="imgplay-store")
        self.pool = ThreadPoolExecutor(min(2, os.cpu_count() or 1), thread_name_prefix="imgplay-image")
        # A query in SQL may take seconds. The thread starts with the first one.
        self.query_thread = ThreadPoolExecutor(1, thread_name_prefix="imgplay-sql")
        self._side: set[asyncio.Task[Any]] = set()

    async def in_store(self, function: Callable[..., T], *args: Any, **keywords: Any) -> T:
        """Call a function of the store on the store's thread, and return its result."""
        return await self._on(self._store_thread, lambda: function(*args, **keywords))

    async def in_pool(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function that decodes, hashes or reads files in the pool, and return its result."""
        return await self._on(self.pool, lambda: function(*args))

    @staticmethod
    async def _on(threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        try:
            future = asyncio.get_running_loop().run_in_executor(threads, call)
        except RuntimeError as error:
            # The interpreter ends, and its threads do not accept calls any more. The next start continues.
            raise asyncio.CancelledError from error
        return await future

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside the tasks, without waiting for it."""
        task = asyncio.create_task(work)
        # Without this reference, the garbage collector could remove the task before its end.
        self._side.add(task)
        task.add_done_callback(self._side.discard)

    async def settle(self) -> None:
        """Wait for the work beside the tasks: covers, and calls that ask a provider to stop."""
        while self._side:
            await asyncio.gather(*self._side, return_exceptions=True)

    def stop_aside(self) -> set[asyncio.Task[Any]]:
        """Cancel the work beside the tasks, and return it, so that the caller can wait for its end."""
        for task in self._side:
            task.cancel()
        return set(self._side)

    async def close(self) -> None:
        """Close the store and end the threads. Afterwards nothing is written into the store's folder."""
        # A task that was stopped leaves its image to the pool, which still writes it. A store in memory
        # removes its folder when it closes, and the folder must get no file then.
        await self.in_store(self.pool.shutdown, cancel_futures=True)
        await self.in_store(self.store.close)
        self._store_thread.shutdown(wait=False)
        self.query_thread.shutdown(wait=False, cancel_futures=True)

    # -------------------------------------------------------------- reading

    async def generation(self, generation_id: str) -> tuple[Entry, Generation]:
        """Return a generation and its batch.

        Raises:
            NotFound: there is no such generation.
        """
        found = await self.in_store(self.store.generation, generation_id)
        if found is None:
            raise gone("generation", generation_id)
        return found

    async def generation_of(self, digest: str) -> tuple[Entry, Generation] | None:
        """Return the newest generation whose image has this sha256, with its batch, or None."""
        return await self.in_store(self.store.generation_of, digest)

    async def feed(
        self,
        topic_id: str | None,
        *,
        before: str | None = None,
        limit: int = 12,
        wanted: Wanted = EVERYTHING,
        folded: bool = False,
    ) -> FeedPage:
        """Return a page of the feed of a topic, or of all topics (None), newest batch first.

        In a folded feed, the newest batch of a sweep stands for the whole sweep.
        """
        read = self.store.feed
        return await self.in_store(read, topic_id, before=before, limit=limit, wanted=wanted, folded=folded)

    async def gallery(
        self,
        topic_id: str | None,
        *,
        before: str | None,
        limit: int,
        wanted: Wanted,
        starred_first: bool,
    ) -> GalleryPage:
        """Return a page of the finished images of a topic, or of all topics (None), as `Store.gallery`.

        Raises:
            InvalidRequest: `before` is not a cursor.
        """
        return await self.in_store(
            self.store.gallery,
            topic_id,
            before=before,
            limit=limit,
            wanted=wanted,
            starred_first=starred_first,
        )

    async def entries(self, batch_ids: Sequence[str]) -> list[Entry]:
        """Return the batches with these ids, oldest first, without those that do not exist."""
        return await self.in_store(self.store.entries, batch_ids)

    async def entries_in_topic(self, batch_ids: Sequence[str]) -> tuple[list[Entry], Topic]:
        """Return batches of one topic, oldest first, and the topic, all read at the same moment.

        Raises:
            NotFound: none of the batches exists.
        """

        def read() -> tuple[list[Entry], Topic]:
            entries = self.store.entries(batch_ids)
            topic = self.store.topic(entries[0].batch.topic_id) if entries else None
            if topic is None:
                raise gone("batch", batch_ids[0])
            return entries, topic

        return await self.in_store(read)

    async def sweep(self, sweep_id: str) -> Sweep:
        """Return a sweep.

        Raises:
            NotFound: there is no such sweep.
        """
        found = await self.in_store(self.store.sweeps_by_id, [sweep_id])
        if not found:
            raise gone("sweep", sweep_id)
        return found[0]

    async def unfinished(self, limit: int) -> list[Entry]:
        """Return the batches of all topics that run or wait, oldest first."""
        return await self.in_store(self.store.unfinished, limit)

    async def prompts(self, limit: int) -> list[str]:
        """Return the prompts of the newest batches, newest first, each prompt once."""
        return await self.in_store(self.store.prompts, limit)

    async def models_used(self, topic_id: str | None) -> list[str]:
        """Return the names of the models that made a topic's batches, or all batches (None)."""
        return await self.in_store(self.store.models_used, topic_id)

    async def labels_used(self, topic_id: str | None) -> tuple[list[str], list[str]]:
        """Return the names of the scores and the tags of a topic's images, or of all images (None)."""
        return await self.in_store(self.store.labels_used, topic_id)

    async def topics(self) -> list[Topic]:
        """Return all topics: the pinned ones first, then by their last use, newest first."""
        return await self.in_store(self.store.topics)

    async def topic_page(self, *, search: str = "", before: str | None = None, limit: int) -> TopicPage:
        """Return a page of the topics whose titles contain all words, in the order of `topics`.

        Raises:
            InvalidRequest: `before` is not a cursor.
        """
        return await self.in_store(self.store.topic_page, search=search, before=before, limit=limit)

    async def topics_by_id(self, ids: Sequence[str]) -> list[Topic]:
        """Return the topics with these ids, without those that do not exist."""
        return await self.in_store(self.store.topics_by_id, ids)

    async def find_topic(self, name: str) -> str | None:
        """Return the id of the topic with this id, else with this title, or None."""
        return await self.in_store(self.store.find_topic, name)

    async def topic(self, topic_id: str) -> Topic:
        """Return a topic.

        Raises:
            NotFound: there is no such topic.
        """
        topic = await self.in_store(self.store.topic, topic_id)
        if topic is None:
            raise gone("topic", topic_id)
        return topic

    async def setting(self, name: str) -> Any:
        """Return a stored setting, or None."""
        return await self.in_store(self.store.setting, name)

    async def save_setting(self, name: str, value: Any) -> None:
        """Store a setting (JSON)."""
        await self.in_store(self.store.save_setting, name, value)

    async def thumbnail(self, generation: Generation) -> bytes | None:
        """Return a generation's thumbnail (WebP, at most 768 px on its longest edge), or None."""
        return (await self.thumbnail_or_reason(generation))[0]

    async def thumbnail_or_reason(self, generation: Generation) -> tuple[bytes | None, Hidden | None]:
        """Return a generation's thumbnail, or the reason why its image cannot be shown."""
        if generation.asset is None:
            return None, None
        try:
            return await self.in_pool(self.store.assets.thumbnail, generation.asset), None
        except NotShown as error:
            # That is so each time, and the page says it.
            return None, error.reason
        except ImgplayError as error:
            logger.warning("A thumbnail could not be made: %s", error.message)
            return None, "damaged" if isinstance(error, CorruptImage) else "gone"

    async def miniature(self, generation: Generation) -> bytes | None:
        """Return a very small WebP of a generation (192 px at most), or None where there is no image."""
        data = await self.thumbnail(generation)
        try:
            return None if data is None else await self.in_pool(images.miniature, data)
        except (CorruptImage, NotShown):
            return None

    async def shrink(self, data: bytes) -> bytes | None:
        """Return a small WebP of a preview (768 px at most), or None where the bytes are not an image."""
        try:
            return await self.in_pool(images.thumbnail, data)
        except (CorruptImage, NotShown):
            return None

    async def white_mask(self, mask: Reference) -> bytes:
        """Return a stored mask as a grayscale PNG, white where the image may change.

        Raises:
            StoreError: the file of the mask is gone.
            NotShown: the mask cannot be decoded.
        """
        data = await self.read(self.store.assets.original_url(mask.digest, mask.media_type))
        return await self.in_pool(images.white_mask, data)

    async def read(self, url: str) -> bytes:
        """Return the bytes of a file, which is named relative to the asset folder.

        Raises:
            StoreError: the file is gone.
        """
        return await self.in_pool(self.store.assets.read, url)


def gone(what: str, id: str) -> NotFound:
    """Return the error that nothing of this kind has this id."""
    return NotFound(f"There is no {what} {shown(id)}.")

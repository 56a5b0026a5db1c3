"""What a studio does with its history: topics, batches, input images, deleting and undoing."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from imgplay_widget._engine.archive import gone
from imgplay_widget._ids import new_id
from imgplay_widget._rules.changes import Change, Removed, SettingWritten
from imgplay_widget._rules.costs import moment_of
from imgplay_widget._rules.titles import first_words
from imgplay_widget._studio.handles import BatchHandle, GenerationHandle, Images
from imgplay_widget._studio.images import StudioImages
from imgplay_widget._studio.inputs import ReferenceLike, read_input
from imgplay_widget._studio.loop import Hop
from imgplay_widget._types import EVERYTHING, Entry, Reference, Status, Topic, Wanted
from imgplay_widget.errors import ImgplayError, InvalidRequest, NotFound

if TYPE_CHECKING:
    import os
    import threading
    import weakref
    from collections.abc import Sequence
    from datetime import date, datetime

    from imgplay_widget._clock import Clock
    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._engine.clients import Clients
    from imgplay_widget._engine.covers import Covers
    from imgplay_widget._engine.curator import Curator
    from imgplay_widget._engine.engine import Engine
    from imgplay_widget._rules.costs import Spend
    from imgplay_widget._studio.drafts import Drafts
    from imgplay_widget._studio.prepare import Scope
    from imgplay_widget._studio.references import References
    from imgplay_widget._types import Draft, FeedPage, Kind

__all__ = ["StudioHistory"]

logger = logging.getLogger("imgplay_widget")

MAX_BATCHES = 1000
"""The most batches that one call gives."""

MAX_TITLE = 200
"""The most characters of a title of the user's."""


class StudioHistory(StudioImages, Hop):
    """The calls of a studio that are about what is kept, and the handles of it that code holds."""

    archive: Archive
    clients: Clients
    covers: Covers
    curator: Curator
    engine: Engine
    inputs: References
    drafts: Drafts
    _clock: Clock
    _scope: Scope
    _active_topic: str | None
    _stored_topic: str | None
    _handles: weakref.WeakValueDictionary[str, BatchHandle]
    _handles_lock: threading.Lock

    # -------------------------------------------------------------- topics

    @property
    def topics(self) -> list[Topic]:
        """All topics: those that are pinned first, then the last used one."""
        return self._call(self.archive.topics)

    @property
    def active_topic(self) -> str | None:
        """The id of the topic that requests without one go to, or None for a new one."""
        return self._active_topic

    def new_topic(self, title: str | None = None) -> Topic:
        """Makes a topic and makes it the active one.

        Args:
            title: its title; None leaves it to the first prompt. Where another topic is called so,
                a number comes after it.
        """
        topic = self._fresh_topic(title, by="user" if title else "prompt")
        topic = self._call(self.curator.add_topic, topic)
        self._call(self.select_topic, topic.id)
        return topic

    def _fresh_topic(self, title: str | None, *, by: Literal["prompt", "user"]) -> Topic:
        now = self._clock.now()
        return Topic(
            id=new_id(),
            user_id=self._scope.user_id,
            organization_id=self._scope.organization_id,
            title=title,
            cover_url=None,
            created_at=now,
            updated_at=now,
            title_by=by,
        )

    def pin_topic(self, topic: Topic | str, *, pinned: bool = True) -> Topic:
        """Keeps a topic at the top of the list, or lets it go, and gives the topic.

        Args:
            topic: a topic, its id or its title.
            pinned: False lets it go.

        Raises:
            NotFound: there is no such topic.
        """
        topic_id = self._existing_topic(topic)
        return self._call(partial(self.curator.pin_topic, topic_id, pinned=pinned))

    def choose_cover(self, image: GenerationHandle | str) -> Topic:
        """Makes an image the cover of its topic, and gives the topic.

        Args:
            image: a generation with an image, or its id.

        Raises:
            NotFound: there is no such image.
        """
        return self._call(self._choose_cover, image if isinstance(image, str) else image.id)

    async def _choose_cover(self, generation_id: str) -> Topic:
        entry, _ = await self.archive.generation(generation_id)
        return await self.covers.choose(entry.batch.topic_id, generation_id)

    def favour(self, images: Images, *, favourite: bool = True) -> None:
        """Stars images, or takes the stars away.

        Args:
            images: generations, and batches for all of theirs.
            favourite: False takes the stars away.
        """
        several = [images] if isinstance(images, BatchHandle | GenerationHandle) else images
        ids = [one.id for item in several for one in (item if isinstance(item, BatchHandle) else (item,))]
        self._call(partial(self.curator.favour, ids, favourite=favourite))

    def move(self, batches: BatchHandle | str | Sequence[BatchHandle | str], topic: Topic | str) -> None:
        """Puts batches into another topic. What runs goes on there.

        Args:
            batches: a batch, its id, or several of them.
            topic: a topic, its id or its title (made where there is none of that title).

        Raises:
            NotFound: there is no such topic.
        """
        several = [batches] if isinstance(batches, (BatchHandle, str)) else batches
        ids = [batch if isinstance(batch, str) else batch.id for batch in several]
        topic_id, title = self._topic_for(topic)
        self._call(self.move_batches, ids, topic_id, title)

    async def move_batches(
        self, batch_ids: Sequence[str], topic_id: str | None, title: str | None = None
    ) -> str:
        """Puts batches into another topic, or into a new one (None), and gives its id. On the loop.

        Raises as `move` does.
        """
        if topic_id is not None:
            await self.curator.move(batch_ids, topic_id)
            return topic_id
        by: Literal["prompt", "user"] = "user" if title else "prompt"
        title = title or first_words((await self.engine.entry(batch_ids[0])).batch.prompt)
        topic = self._fresh_topic(title, by=by)
        await self.curator.move(batch_ids, topic.id, topic)
        return topic.id

    def rename_topic(self, topic: Topic | str, title: str) -> Topic:
        """Gives a topic a title of the user's, which is never overwritten, and gives the topic.

        Args:
            topic: a topic, its id or its title.
            title: 1 to 200 characters.

        Raises:
            InvalidRequest: the title is empty or too long.
            NotFound: there is no such topic.
        """
        return self._call(self.rename, self._existing_topic(topic), title)

    async def rename(self, topic_id: str, title: str) -> Topic:
        """Gives a topic a title of the user's. On the loop. Raises as `rename_topic` does."""
        wanted = " ".join(title.split())
        if not 1 <= len(wanted) <= MAX_TITLE:
            raise InvalidRequest(
                f"A title has 1 to {MAX_TITLE} characters, not {len(wanted)}.", parameter="title"
            )
        return await self.curator.title_topic(topic_id, wanted, by="user")

    async def select_topic(self, topic_id: str | None, *, source: str | None = None) -> None:
        """Makes a topic the active one; None stands for "a new one". On the loop."""
        if topic_id != self._stored_topic:
            await self.archive.save_setting("active_topic", topic_id)
        self._selected(topic_id, source)

    async def show_topic(
        self, topic_id: str | None, *, limit: int, source: str | None = None
    ) -> tuple[FeedPage | None, Draft]:
        """Makes a topic the active one, and gives the first page of its feed and its draft. On the loop.

        All in one step of the store: what cannot be read is not selected, and nothing is told meanwhile that
        what is read does not know. None stands for "a new one", which has a draft alone.

        Raises:
            NotFound: there is no such topic.
        """
        store, fresh = self.archive.store, topic_id != self._stored_topic

        def show() -> tuple[FeedPage | None, Draft]:
            if topic_id is not None and store.topic(topic_id) is None:
                raise gone("topic", topic_id)
            feed = None if topic_id is None else store.feed(topic_id, limit=limit)
            draft = store.draft(topic_id)
            if fresh:
                store.save_setting("active_topic", topic_id)
            return feed, draft

        shown = await self.archive.in_store(show)
        self._selected(topic_id, source)
        return shown

    def _selected(self, topic_id: str | None, source: str | None) -> None:
        fresh = topic_id != self._stored_topic
        self._active_topic = self._stored_topic = topic_id
        if fresh:
            self._on_change(SettingWritten(name="active_topic", value=topic_id, source=source))

    # -------------------------------------------------------------- batches

    def batches(self, topic: Topic | str | None = None, *, limit: int = 20) -> list[BatchHandle]:
        """Gives the newest batches of a topic, newest first.

        Args:
            topic: a topic, its id or its title; None takes the active one.
            limit: how many at most, 1 to 1000.

        Raises:
            NotFound: there is no such topic.
            InvalidRequest: the limit is out of range.
        """
        topic_id = self._existing_topic(topic) if topic is not None else self._active_topic
        if topic_id is None:
            return []
        return self._call(self._batches, topic_id, limit, EVERYTHING)

    def search(
        self,
        words: str = "",
        *,
        topic: Topic | str | None = None,
        model: str | None = None,
        status: Status | str | None = None,
        favourite: bool = False,
        limit: int = 20,
    ) -> list[BatchHandle]:
        """Gives the newest batches that meet all that is asked, newest first.

        Args:
            words: what the prompt must hold, in any order, whatever the case; empty for any prompt.
            topic: a topic, its id or its title; None looks in all of them.
            model: ``"provider:id"``; None for any.
            status: a generation of the batch stands there: ``"pending"``, ``"processing"``, ``"success"``,
                ``"error"`` or ``"cancelled"``; None for anywhere.
            favourite: True for batches with a starred image.
            limit: how many at most, 1 to 1000.

        Raises:
            NotFound: there is no such topic.
            InvalidRequest: there is no such status, the model is not written as ``"provider:id"``, or the
                limit is out of range.
        """
        if model is not None and ":" not in model:
            raise InvalidRequest(f'{model!r} is no model: write "provider:id".', parameter="model")
        if status is not None and status not in set(Status):
            known = ", ".join(Status)
            raise InvalidRequest(f"{status!r} is no status: {known}.", parameter="status")
        topic_id = None if topic is None else self._existing_topic(topic)
        wanted = Wanted(
            search=words,
            model=model,
            status=None if status is None else Status(status),
            favourite=favourite,
        )
        return self._call(self._batches, topic_id, limit, wanted)

    def recipe_of(self, image: str | os.PathLike[str] | bytes) -> dict[str, Any] | None:
        """Gives how an image file was made, where this store made it: it is known by its bytes, not its name.

        Args:
            image: a file as it was saved, downloaded or taken out of a ZIP, or its bytes.

        Returns:
            What ``generation.recipe`` gives, or None where the store has no image of these bytes.

        Raises:
            OSError: the file cannot be read.
        """
        data = image if isinstance(image, bytes) else Path(image).read_bytes()
        made = self._call(self.archive.generation_of, hashlib.sha256(data).hexdigest())
        return None if made is None else self.recipe(*made).as_json()

    async def _batches(self, topic_id: str | None, limit: int, wanted: Wanted) -> list[BatchHandle]:
        if not 1 <= limit <= MAX_BATCHES:
            raise InvalidRequest(f"limit={limit} is out of range: 1 to {MAX_BATCHES}.", parameter="limit")
        # On the loop: no change can come between the reading and the handle that would take it.
        page = await self.archive.feed(topic_id, limit=limit, wanted=wanted)
        return [self._handle(entry) for entry in page.entries]

    # -------------------------------------------------------------- input images

    def add_reference(self, image: ReferenceLike, *, topic: Topic | str | None = None) -> Reference:
        """Puts an input image beside the prompt of a topic, where the page shows it, and gives it.

        Args:
            image: a path, a public https link, the bytes of a file, a Pillow image, a result, a NumPy array,
                a matplotlib figure, or what this gave before.
            topic: a topic, its id or its title; None takes the active one.

        Raises:
            InvalidRequest: it cannot be read or fetched, is no image, or there are too many.
            NotFound: there is no such topic, or the image is gone from the store.
        """
        topic_id = self._active_topic if topic is None else self._existing_topic(topic)
        if isinstance(image, Reference):
            reference = self._call(self.inputs.find, image.digest)
        elif isinstance(image, str) and image.lower().startswith("https://"):
            reference = self._call(self.inputs.keep, self._call(self.clients.fetch, image))
        else:
            # On this thread: a figure must be drawn where it was made.
            read = read_input(image)
            assert read.data is not None
            reference = self._call(self.inputs.keep, read.data)
        self._call(self.drafts.add, topic_id, reference)
        return reference

    @property
    def references(self) -> tuple[Reference, ...]:
        """The input images beside the prompt of the active topic."""
        return self._call(self.drafts.read, self._active_topic).references

    def clear_references(self, *, topic: Topic | str | None = None) -> None:
        """Takes the input images and the mask away from the prompt of a topic.

        Args:
            topic: a topic, its id or its title; None takes the active one.

        Raises:
            NotFound: there is no such topic.
        """
        topic_id = self._active_topic if topic is None else self._existing_topic(topic)
        self._call(self.drafts.clear_references, topic_id)

    # -------------------------------------------------------------- deleting, stopping, trying again

    def delete(self, what: object) -> None:
        """Deletes a topic, a batch or a generation, with all that it holds. What runs for it is stopped.

        For a minute, `restore` brings it back; then its images are removed from the disk.

        Args:
            what: a topic, a handle, or the id of any of them.

        Raises:
            NotFound: there is no such thing.
        """
        self._call(self._delete, *_named(what, "deleted"))

    async def _delete(self, kind: Kind | None, id: str) -> None:
        if kind is None:
            kind = await self._kind(id)
        await self.curator.delete(kind, [id])

    async def _kind(self, id: str) -> Kind:
        with contextlib.suppress(NotFound):
            await self.archive.topic(id)
            return "topic"
        with contextlib.suppress(NotFound):
            await self.engine.entry(id)
            return "batch"
        await self.archive.generation(id)
        return "generation"

    def restore(self, what: object) -> None:
        """Brings back what was deleted in the last minute; what is there stays as it is.

        What was deleted before it stays deleted: a batch that went with its topic comes back with it, one
        that was deleted for itself does not. What ran and was stopped can be retried.

        Args:
            what: a topic, a handle, or the id of any of them.

        Raises:
            NotFound: it is gone for good, or never was.
        """
        self._call(self._restore, *_named(what, "brought back"))

    async def _restore(self, kind: Kind | None, id: str) -> None:
        kinds: tuple[Kind, ...] = ("topic", "batch", "generation") if kind is None else (kind,)
        for one in kinds:
            if (await self.curator.restore(one, [id])).ids:
                return
        await self._kind(id)

    def cancel(self, batch_id: str, generation_id: str | None = None) -> None:
        """Stops the unfinished tasks of a batch, or that of one generation."""
        self._call(self.engine.cancel, [batch_id], generation_id)

    def retry(self, batch_id: str, generation_id: str | None = None) -> None:
        """Runs one failed generation again, or all of a batch."""
        self._call(self.engine.retry, batch_id, generation_id)

    # -------------------------------------------------------------- spending

    def spent(self, since: date | datetime | None = None, topic: Topic | str | None = None) -> Spend:
        """Gives what was spent. It shows itself as a table, by model.

        Also of calls that failed and were billed, and of images that were deleted. What a provider does not
        tell is estimated by the model's price; for how many images nobody knows is said.

        Args:
            since: from when on: a date (its local midnight), or a time (local where it has no zone); None for
                all that was ever spent.
            topic: a topic, its id or its title; None for all of them. What is moved takes its cost along.

        Raises:
            NotFound: there is no such topic.
        """
        topic_id = None if topic is None else self._existing_topic(topic)
        read = partial(self.archive.store.spent, since=moment_of(since), topic_id=topic_id)
        return self._call(self.archive.in_store, read)

    # -------------------------------------------------------------- inside

    def _topic_for(self, topic: Topic | str | None) -> tuple[str | None, str | None]:
        """The id of the topic to use, or None and the title of the one to make."""
        if topic is None:
            return self._active_topic, None
        if isinstance(topic, Topic):
            return topic.id, None
        found = self._call(self.archive.find_topic, topic)
        return found, None if found else topic

    def _existing_topic(self, topic: Topic | str) -> str:
        topic_id, title = self._topic_for(topic)
        if topic_id is None:
            raise NotFound(f"There is no topic {title!r}.")
        return topic_id

    async def _refresh_handles(self, topic_id: str | None = None) -> None:
        """Brings handles in step with what another process wrote, or those of a topic that came back."""
        for handle in list(self._handles.values()):
            if handle.topic_id != topic_id if topic_id is not None else handle.status.final:
                continue
            try:
                entry = await self.engine.entry(handle.id)
            except NotFound:
                entry = replace(handle.entry, generations=(), tasks=())
            except ImgplayError as error:
                logger.warning("A batch could not be read again: %s", error.message)
                self._refresh_later(topic_id)
                return
            handle.update(entry)

    def _refresh_later(self, topic_id: str | None) -> None:
        """Tries again at the next beat: whoever waits for a handle would wait for ever."""

        def again() -> None:
            self.engine.each_beat.remove(again)
            self.archive.aside(self._refresh_handles(topic_id))

        self.engine.each_beat.append(again)

    def _handles_of_removed(self, removed: Removed) -> None:
        gone = {generation_id for generation_id, _ in removed.generations}
        whole = {batch_id for batch_id, _ in removed.batches}
        for batch_id in whole | {batch_id for _, batch_id in removed.generations}:
            handle = self._handles.get(batch_id)
            if handle is None:
                continue
            entry = handle.entry
            left = tuple(g for g in entry.generations if batch_id not in whole and g.id not in gone)
            handle.update(replace(entry, generations=left))

    def _handle(self, entry: Entry) -> BatchHandle:
        with self._handles_lock:
            handle = self._handles.get(entry.batch.id)
            if handle is None:
                handle = self._handles[entry.batch.id] = BatchHandle(self, entry)
        return handle

    def _on_change(self, change: Change) -> None:
        """Hands a change on. On the loop."""
        raise NotImplementedError


def _named(what: object, done: str) -> tuple[Kind | None, str]:
    """The kind of a thing, or None where only its id is known, and its id."""
    match what:
        case Topic():
            return "topic", what.id
        case BatchHandle():
            return "batch", what.id
        case GenerationHandle():
            return "generation", what.id
        case str():
            return None, what
        case _:
            raise InvalidRequest(
                f"{type(what).__name__} is nothing that can be {done}.",
                next_step="Give a topic, a batch, a generation, or the id of one.",
            )

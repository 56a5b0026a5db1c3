"""What the page asks and what it is told, whatever carries the messages.

A `Page` answers the calls of `_protocol` from a studio and turns the studio's changes into events. It
runs on the engine's loop. The widget (and, later, a server) only carries its messages.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import logging
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from imgplay_widget._ids import new_id
from imgplay_widget._page import protocol
from imgplay_widget._page.downloads import Archives
from imgplay_widget._page.feeds import FIRST_TOPICS, Feeds
from imgplay_widget._page.history import History
from imgplay_widget._page.parts import PartFiles
from imgplay_widget._page.providers import Offered
from imgplay_widget._page.references import PageReferences
from imgplay_widget._page.states import (
    batch_state,
    draft_state,
    error_state,
    generation_state,
    model_state,
    provider_state,
    spending_state,
    topic_state,
)
from imgplay_widget._rules.changes import (
    Change,
    DraftWritten,
    EntryAdded,
    EntryChanged,
    EntryWritten,
    ModelsWritten,
    NoticeGiven,
    Progressed,
    Removed,
    SettingWritten,
    SpendingWritten,
    StoreWritten,
    TopicWritten,
)
from imgplay_widget._rules.recipes import file_name
from imgplay_widget._studio.core import DEFAULT_MODEL, Core
from imgplay_widget.errors import ImgplayError, InvalidRequest, NotFound, StoreError, StudioClosed

if TYPE_CHECKING:
    from imgplay_widget._studio.prepare import Prepared
    from imgplay_widget._types import Entry, ModelSpec, Topic
    from imgplay_widget.providers.base import Provider

__all__ = ["Page"]

logger = logging.getLogger("imgplay_widget")

UNACKNOWLEDGED = 64
"""Thumbnails that are pushed without a sign that anybody sees them; after that only ids are sent."""

SMALL_PREVIEW = 100_000
"""Bytes above which a preview is made small before it is sent."""

STATE_IMAGES, STATE_PICTURES = 8, 28_000
"""Pictures in the synced state, and the characters of all of them."""

STATE_TOPICS, STATE_BATCHES, STATE_TEXT = 24, 6, 240
"""Bounds of the synced state: topics, batches, and characters of a text."""

Buffers = list[bytes]
Send = Callable[[dict[str, Any], Buffers], None]


class Part(Protocol):
    """Answers some of the calls."""

    calls: tuple[type[Any], ...]

    async def answer(self, call: Any, buffers: Buffers) -> protocol.Result:
        """Answers one of its calls; bytes of the answer are added to the buffers."""
        ...


class _WishRefusedError(Exception):
    """One of the requests of a click was refused."""

    def __init__(self, error: ImgplayError, wish: int) -> None:
        super().__init__(error.message)
        self.error = error
        self.wish = wish


class Page:
    """One page's side of a studio.

    Args:
        core: what it shows.
        send: sends a message (JSON and buffers) to the page; thread-safe, never blocks for long.
    """

    def __init__(self, core: Core, send: Send) -> None:
        self._core = core
        self._engine, self._archive = core.engine, core.archive
        self._send = send
        self._id = new_id()
        self._seq = 0
        self._seen = False
        self._pushed = 0
        self._minis: dict[str, str] = {}
        self._archives = Archives(core)
        self._references = PageReferences(core)
        self._feeds = Feeds(core)
        self._parts: tuple[Part, ...] = (
            self._archives,
            self._feeds,
            History(core),
            Offered(core),
            PartFiles(core),
        )

    async def close(self) -> None:
        """Forgets what only this page can still ask for."""
        self._archives.close()
        self._references.close()

    # -------------------------------------------------------------- what comes from the page

    async def receive(self, content: object, pieces: Sequence[bytes | memoryview] = ()) -> None:
        """Takes a message of the page. Every request is answered exactly once, with a result or an error.

        What an answer tells is read last and at one moment, with nothing awaited after it: the page would
        take it for newer than the events that it was sent meanwhile.

        Args:
            content: the message.
            pieces: the binary buffers that came with it.
        """
        try:
            message = protocol.parse(content)
        except InvalidRequest as error:
            to = content.get("id") if isinstance(content, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - anything may come
            if isinstance(to, str):
                self._reply(to, error=error)
            else:
                logger.warning("The page sent a message that is none: %s", error.message)
            return
        if isinstance(message, protocol.Ack):
            self._pushed = 0
            return
        buffers: Buffers = []
        try:
            result = await self._answer(message.call, pieces, buffers)
        except ImgplayError as error:
            self._reply(message.id, error=error)
        except _WishRefusedError as refused:
            self._reply(message.id, error=refused.error, wish=refused.wish)
        except asyncio.CancelledError:
            self._reply(message.id, error=StudioClosed("The studio was closed before this was done."))
            raise
        except Exception:
            logger.exception("A request of the page failed: %s", message.call.method)
            self._reply(
                message.id, error=ImgplayError("This failed inside imgplay-widget; the log has more.")
            )
        else:
            self._reply(message.id, result=result, buffers=buffers)

    def _reply(
        self,
        to: str,
        *,
        result: Any = None,
        error: ImgplayError | None = None,
        wish: int | None = None,
        buffers: Buffers | None = None,
    ) -> None:
        state = error_state(error.info) if error else None
        if state is not None and wish is not None:
            state = protocol.WishRefused(**dict(state), wish=wish)
        self._send(protocol.Reply(to=to, result=result, error=state).wire(), buffers or [])

    async def _answer(
        self, call: protocol.Call, pieces: Sequence[bytes | memoryview], buffers: Buffers
    ) -> Any:
        if isinstance(call, self._references.calls):
            return await self._references.answer(call, pieces, buffers)
        for part in self._parts:
            if isinstance(call, part.calls):
                return await part.answer(call, buffers)
        return await self._answer_itself(call, buffers)

    async def _answer_itself(self, call: protocol.Call, buffers: Buffers) -> Any:
        match call:
            case protocol.Hello():
                if not self._seen:
                    await self.publish([NoticeGiven(notice=notice) for notice in self._core.notices])
                self._seen, self._pushed = True, 0
                self._engine.eager_thumbnails = True
                self._archive.aside(self._core.offers.freshen())
                return protocol.SnapshotResult(snapshot=await self.snapshot(buffers, call.catalog))
            case protocol.Generate():
                return await self._generate(call)
            case protocol.Thumbnails() | protocol.Covers() | protocol.Original():
                return await self._pictures(call, buffers)
            case protocol.SelectTopic():
                return await self._feeds.show(call.topic_id, self._id)
            case (
                protocol.Cancel()
                | protocol.Retry()
                | protocol.RenameTopic()
                | protocol.SaveDraft()
                | protocol.Configure()
            ):
                await self._act(call)
                return protocol.Empty()
            case _:
                raise InvalidRequest(f"This version does not answer {call.method!r}.")

    async def _pictures(
        self, call: protocol.Thumbnails | protocol.Covers | protocol.Original, buffers: Buffers
    ) -> Any:
        match call:
            case protocol.Thumbnails():
                return await self._thumbnails(call.generation_ids, buffers)
            case protocol.Covers():
                return await self._covers(call.topic_ids, buffers)
            case protocol.Original():
                return await self._original(call.generation_id, buffers)

    async def _act(
        self,
        call: protocol.Cancel
        | protocol.Retry
        | protocol.RenameTopic
        | protocol.SaveDraft
        | protocol.Configure,
    ) -> None:
        match call:
            case protocol.Cancel():
                await self._engine.cancel(call.batch_ids, call.generation_id)
            case protocol.Retry():
                await self._engine.retry(call.batch_id, call.generation_id)
            case protocol.RenameTopic():
                await self._core.topics.rename(call.topic_id, call.title)
            case protocol.SaveDraft():
                await self._core.drafts.save(
                    call.topic_id,
                    prompt=call.prompt,
                    references=call.references,
                    mask=call.mask,
                    source=self._id,
                )
            case protocol.Configure():
                config = call.config.model_dump(mode="json")
                await self._core.save_config(config, source=self._id)

    async def _generate(self, call: protocol.Generate) -> protocol.Generated:
        click_id = new_id() if len(call.wishes) > 1 else None
        topic_id = call.topic_id
        prepared: list[Prepared] = []
        # All are checked before any is stored.
        for place, wish in enumerate(call.wishes):
            try:
                one = await self._prepare(wish, n=call.n, topic_id=topic_id, click_id=click_id)
            except ImgplayError as error:
                raise _WishRefusedError(error, place) from error
            prepared.append(one)
            topic_id = one.entry.batch.topic_id
        topic = await self._core.add(prepared, select=True, source=self._id)
        entries = [one.entry for one in prepared]
        try:
            entries, topic = await self._archive.entries_in_topic([entry.batch.id for entry in entries])
        except StoreError as error:
            # They are stored and run: an error would ask the user to pay for them again.
            logger.warning("How new batches stand could not be read: %s", error.message)
        return protocol.Generated(topic=topic_state(topic), batches=[self._batch(entry) for entry in entries])

    async def _prepare(
        self, wish: protocol.Wish, *, n: int, topic_id: str | None, click_id: str | None
    ) -> Prepared:
        await self._core.offers.find_key(self._core.registry.find(wish.model)[0])
        inputs = self._core.references
        return self._core.prepare(
            wish.prompt,
            model=wish.model,
            n=n,
            topic_id=topic_id,
            references=[await inputs.find(digest) for digest in wish.references],
            mask=None if wish.mask is None else await inputs.find(wish.mask, "mask"),
            params=wish.params,
            click_id=click_id,
        )

    async def _thumbnails(self, ids: Sequence[str], buffers: Buffers) -> protocol.ThumbnailList:
        items: list[protocol.ThumbnailItem] = []
        for generation_id in ids:
            try:
                _, generation = await self._archive.generation(generation_id)
            except NotFound:
                data = None
            else:
                data = await self._archive.thumbnail(generation)
            items.append(protocol.ThumbnailItem(generation_id=generation_id, buffer=_add(buffers, data)))
        return protocol.ThumbnailList(items=items)

    async def _covers(self, ids: Sequence[str], buffers: Buffers) -> protocol.CoverList:
        items: list[protocol.CoverItem] = []
        for topic_id in ids:
            try:
                data = await self._cover(await self._archive.topic(topic_id))
            except NotFound:
                data = None
            items.append(protocol.CoverItem(topic_id=topic_id, buffer=_add(buffers, data)))
        return protocol.CoverList(items=items)

    async def _cover(self, topic: Topic) -> bytes | None:
        if topic.cover_url is None:
            return None
        try:
            return await self._archive.read(topic.cover_url)
        except StoreError as error:
            logger.warning("A cover could not be read: %s", error.message)
            return None

    async def _original(self, id: str, buffers: Buffers) -> protocol.OriginalImage:
        entry, generation = await self._archive.generation(id)
        if generation.asset is None:
            raise NotFound("There is no image here yet.", next_step="Wait until it is done.")
        buffers.append(await self._archive.read(generation.asset.url))
        return protocol.OriginalImage(
            generation_id=id,
            media_type=generation.asset.media_type,
            file_name=file_name(entry, generation),
            buffer=len(buffers) - 1,
        )

    # -------------------------------------------------------------- what goes to the page

    async def publish(self, changes: list[Change]) -> None:
        """Tells the page what happened. Subscribed to the studio."""
        buffers: Buffers = []
        events: list[Any] = []
        for change in changes:
            events += await self._events(change, buffers)
        if events:
            self._seq += 1
            self._send(protocol.Events(seq=self._seq, events=events).wire(), buffers)

    async def _events(self, change: Change, buffers: Buffers) -> list[Any]:
        match change:
            case EntryAdded():
                return [
                    protocol.BatchAdded(batch=self._batch(change.entry)),
                    protocol.TopicChanged(topic=topic_state(change.topic)),
                ]
            case EntryChanged():
                return await self._changed(change, buffers)
            case EntryWritten():
                return [protocol.BatchChanged(batch=self._batch(change.entry))]
            case Progressed():
                return [await self._progress(change, buffers)]
            case Removed():
                return _removed(change)
            case TopicWritten():
                data = await self._cover(change.topic) if self._pushing else None
                return [protocol.TopicChanged(topic=topic_state(change.topic, _add(buffers, data)))]
            case SettingWritten():
                return self._setting(change)
            case DraftWritten():
                return self._draft(change)
            case StoreWritten() | ModelsWritten() | SpendingWritten() | NoticeGiven():
                return [_plain(change)]

    async def _changed(self, change: EntryChanged, buffers: Buffers) -> list[Any]:
        events: list[Any] = []
        for generation in change.entry.generations:
            if generation.id not in change.generation_ids:
                continue
            data = None
            if generation.asset is not None and self._pushing:
                data = await self._archive.thumbnail(generation)
                self._pushed += 1
            state = generation_state(change.entry, generation, _add(buffers, data))
            events.append(protocol.GenerationChanged(generation=state))
        return events

    async def _progress(self, change: Progressed, buffers: Buffers) -> protocol.GenerationProgress:
        preview = change.preview if self._pushing else None
        if preview is not None and len(preview) > SMALL_PREVIEW:
            preview = await self._archive.shrink(preview)
        return protocol.GenerationProgress(
            generation_id=change.generation_id,
            batch_id=change.batch_id,
            progress=change.progress,
            queue_position=change.queue_position,
            preview_buffer=_add(buffers, preview),
        )

    def _setting(self, change: SettingWritten) -> list[Any]:
        if change.source == self._id:
            return []
        if change.name == "config":
            return [protocol.ConfigChanged(config=self._config())]
        return [protocol.TopicSelected(topic_id=change.value)]

    def _draft(self, change: DraftWritten) -> list[Any]:
        if change.source == self._id:
            return []
        return [protocol.DraftChanged(topic_id=change.topic_id, draft=draft_state(change.draft))]

    @property
    def _pushing(self) -> bool:
        """True while somebody looks: a page said hello and acknowledges what it gets."""
        return self._seen and self._pushed < UNACKNOWLEDGED

    # -------------------------------------------------------------- the whole picture

    async def snapshot(
        self,
        buffers: Buffers | None = None,
        known_catalog: str | None = None,
        *,
        max_topics: int = FIRST_TOPICS,
    ) -> protocol.Snapshot:
        """Gives all that a page needs to show itself.

        Args:
            buffers: takes the models that are offered; without it, the catalog is left out.
            known_catalog: the digest of the catalog that the page has.
            max_topics: how many topics, beside the active one.
        """
        # Read first: what happens while the rest is read is told again, and telling twice does no harm.
        seq = self._seq
        active = self._core.topics.active
        topics = await self._feeds.topics(active, max_topics)
        feed = await self._feeds.page(active) if active else None
        registry = self._core.registry
        config = self._config()
        catalog, packed = "", None
        if buffers is not None:
            catalog, packed = _packed(tuple(registry.models()))
            packed = None if catalog == known_catalog else packed
        return protocol.Snapshot(
            protocol=protocol.PROTOCOL,
            seq=seq,
            models=[model_state(spec) for spec in self._configured(config)],
            catalog=catalog,
            catalog_buffer=None if buffers is None else _add(buffers, packed),
            providers=[self._provider(provider) for provider in registry.providers()],
            config=config,
            max_count=self._core.max_count,
            topics=topics.topics,
            topics_before=topics.before,
            active_topic_id=active,
            feed=feed,
            draft=draft_state(await self._core.drafts.read(active)),
            spending=spending_state(await self._core.spending.read()),
            thumbnails={},
        )

    def _configured(self, config: protocol.Config) -> list[ModelSpec]:
        found: list[ModelSpec] = []
        for name in dict.fromkeys((config.model, *config.also_models)):
            # A provider that was there when it was configured may not be there now; the page says so.
            with contextlib.suppress(NotFound):
                found.append(self._core.registry.find(name)[1])
        return found

    def _provider(self, provider: Provider) -> protocol.ProviderState:
        spec, keys, writer = provider.spec, self._core.keys, self._core.writer
        writes = writer.model(spec.name)
        return provider_state(
            spec,
            keys.state(spec),
            source=keys.source(spec),
            discovered_at=self._core.offers.asked_at(spec.name),
            server=self._core.servers.url(spec.name),
            writes=bool(writer.text_model(provider)),
            writer=None if writes is None else writes.name,
        )

    async def small_snapshot(self) -> dict[str, Any]:
        """Gives the snapshot for the synced state: bounded, whatever the history, with very small pictures.

        A page shows it until the kernel answers; a saved notebook keeps it.
        """
        whole = await self.snapshot(max_topics=STATE_TOPICS)
        feed = whole.feed
        if feed is not None:
            batches = [_shortened(batch) for batch in feed.batches[:STATE_BATCHES]]
            feed = feed.model_copy(update={"batches": batches, "before": None})
        config = whole.config
        shown = [] if feed is None else [g.id for b in feed.batches for g in b.generations if g.media_type]
        # What else a click asks for is only told to who can click.
        models = [model for model in whole.models if model.name == config.model]
        used = {model.provider for model in models}
        bounded = whole.model_copy(
            update={
                "models": models,
                "providers": [provider for provider in whole.providers if provider.name in used],
                "config": config.model_copy(
                    update={
                        "also_models": [],
                        "params": {k: v for k, v in config.params.items() if k == config.model},
                    }
                ),
                "feed": feed,
                # It changes with each word; the kernel tells it.
                "draft": protocol.Draft(),
                # A saved notebook is opened on another day.
                "spending": protocol.SpendingState(),
                "thumbnails": await self._miniatures(shown[:STATE_IMAGES]),
            }
        )
        return bounded.wire()

    async def _miniatures(self, ids: Sequence[str]) -> dict[str, str]:
        """The pictures of a saved notebook, in base64 by generation; each is made once."""
        known, self._minis, room = self._minis, {}, STATE_PICTURES
        for generation_id in ids:
            text = known.get(generation_id)
            if text is None:
                try:
                    _, generation = await self._archive.generation(generation_id)
                except NotFound:
                    continue
                data = await self._archive.miniature(generation)
                text = "" if data is None else base64.b64encode(data).decode()
            self._minis[generation_id] = text
        found: dict[str, str] = {}
        for generation_id, text in tuple(self._minis.items()):
            if text and len(text) <= room:
                found[generation_id] = text
                room -= len(text)
        return found

    def _batch(self, entry: Entry) -> protocol.BatchState:
        return batch_state(entry, self._core.files.model_title(entry.batch))

    def _config(self) -> protocol.Config:
        stored = self._core.config
        return protocol.Config.model_validate({"model": DEFAULT_MODEL, **stored})


def _add(buffers: Buffers, data: bytes | None) -> int | None:
    if data is None:
        return None
    buffers.append(data)
    return len(buffers) - 1


@lru_cache(4)
def _packed(models: tuple[ModelSpec, ...]) -> tuple[str, bytes]:
    """Gives the digest of the models, and the models as the page gets them.

    A hundred models are hundreds of kilobytes of JSON that say nearly the same: compressed they are a tenth
    of it, and a page that has them is not sent them again.
    """
    text = json.dumps([model_state(spec).wire() for spec in models], separators=(",", ":")).encode()
    return hashlib.sha256(text).hexdigest()[:16], zlib.compress(text)


def _plain(change: StoreWritten | ModelsWritten | SpendingWritten | NoticeGiven) -> Any:
    """The event of a change that belongs to no topic."""
    match change:
        case StoreWritten():
            return protocol.StoreChanged()
        case ModelsWritten():
            return protocol.ModelsChanged()
        case SpendingWritten():
            return protocol.SpendingChanged(spending=spending_state(change))
        case NoticeGiven():
            return protocol.NoticeShown(level="warning", message=change.notice.message)


def _removed(change: Removed) -> list[Any]:
    topics = set(change.topic_ids)
    return [
        *(protocol.TopicRemoved(topic_id=topic_id) for topic_id in change.topic_ids),
        *(
            protocol.BatchRemoved(batch_id=batch_id, topic_id=topic_id)
            for batch_id, topic_id in change.batches
            if topic_id not in topics
        ),
        *(
            protocol.GenerationRemoved(generation_id=generation_id, batch_id=batch_id)
            for generation_id, batch_id in change.generations
        ),
    ]


def _shortened(batch: protocol.BatchState) -> protocol.BatchState:
    params = {
        name: value[:STATE_TEXT] if isinstance(value, str) else value for name, value in batch.params.items()
    }
    generations = [
        generation.model_copy(
            update={
                "error": generation.error.model_copy(
                    update={
                        "message": generation.error.message[:STATE_TEXT],
                        "next_step": generation.error.next_step[:STATE_TEXT],
                    }
                )
            }
        )
        if generation.error
        else generation
        for generation in batch.generations
    ]
    return batch.model_copy(
        update={"prompt": batch.prompt[:STATE_TEXT], "params": params, "generations": generations}
    )

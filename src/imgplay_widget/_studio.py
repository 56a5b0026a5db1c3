"""The composition root: store, engine and providers, and the only place that crosses threads.

A `Studio` has one daemon thread with one event loop, on which its engine lives. Every call from outside
hops there; every change hops back through `subscribe`. It knows nothing of comms, widgets or servers.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import getpass
import logging
import os
import threading
import weakref
from concurrent.futures import CancelledError
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from imgplay_widget import catalog
from imgplay_widget._changes import (
    Change,
    EntryAdded,
    EntryChanged,
    EntryWritten,
    NoticeGiven,
    Removed,
    SettingWritten,
    StoreWritten,
    TopicWritten,
)
from imgplay_widget._clock import Clock
from imgplay_widget._drafts import Drafts
from imgplay_widget._engine import HEARTBEAT, Engine
from imgplay_widget._handles import BatchHandle, GenerationHandle, Images
from imgplay_widget._ids import new_id
from imgplay_widget._inputs import Input, ReferenceLike, Role, check_inputs, read_input
from imgplay_widget._key_reports import Ask, KeyCheck, KeyKept
from imgplay_widget._loop import LoopThread, Subscriber, Subscription
from imgplay_widget._models import ModelTable, table_of
from imgplay_widget._offers import DISCOVERY, Offers
from imgplay_widget._prepare import Prepared, Scope, prepare
from imgplay_widget._recipes import Recipe, code, file_name, recipe
from imgplay_widget._references import References, stored_input
from imgplay_widget._servers import SETTING as SERVERS
from imgplay_widget._servers import Servers
from imgplay_widget._store import PackedImage, Store, write_pack
from imgplay_widget._titles import INSTRUCTION, first_words, tidy
from imgplay_widget._types import (
    EVERYTHING,
    Entry,
    Notice,
    Reference,
    Status,
    Topic,
    Wanted,
)
from imgplay_widget.errors import (
    DiskFull,
    ImgplayError,
    InvalidRequest,
    NotFound,
    StudioClosed,
)
from imgplay_widget.providers.http import missing_key
from imgplay_widget.providers.keys import Keys
from imgplay_widget.providers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from concurrent.futures import Future
    from datetime import datetime
    from decimal import Decimal

    from imgplay_widget._types import Batch, Generation, Kind, ModelSpec
    from imgplay_widget.providers.base import Provider

__all__ = ["DEFAULT_MODEL", "Prepared", "Studio", "Subscription"]

logger = logging.getLogger("imgplay_widget")

T = TypeVar("T")

DEFAULT_MODEL = "demo:instant"
"""What is used where nothing was chosen: it needs no key and costs nothing."""

PUBLISH_EVERY = 0.05
"""Seconds between two deliveries to a subscriber: at most 20 a second."""

MAX_BATCHES = 1000
"""The most batches that one call gives."""

MAX_TITLE = 200
"""The most characters of a title of the user's."""

CLOSE_WAIT, EXIT_WAIT = 15.0, 2.0
"""Seconds that closing waits for the engine, when it is asked for and when the interpreter ends. What is not
written by then is taken up at the next start."""


class Studio:
    """Generation without a page: store, engine and providers.

    Use it as a context manager, or call `close`. What runs when it is closed goes on at the next start.

    Args:
        store: a path of an SQLite file (or of a folder for it), an SQLAlchemy URL, or None for the
            platform's user data folder. The images lie beside the database.
        user_id, organization_id: whose history it is; one store can hold several.
        providers: providers for this studio, beside the installed ones.
        keys: keys by provider name; they stay in memory. Without one, the environment is asked.
        max_count: the most images of one request, 1 to 64.
        titles: who names a topic after its first batch: ``"auto"`` (a small text model of a provider whose
            key is set, the batch's own first), ``"off"`` (the first words of the prompt), or a text model,
            ``"provider:model"``. Without a key the first words stay.
        concurrency: the most tasks at once, by provider name.
        clock: the time; for tests.
        heartbeat: seconds between looks at what other processes did, or None for none; for tests.

    Raises:
        StoreError: the store cannot be opened.
    """

    def __init__(
        self,
        store: str | os.PathLike[str] | None = None,
        *,
        user_id: str = "local",
        organization_id: str | None = None,
        providers: Sequence[Provider] = (),
        keys: Mapping[str, str] | None = None,
        max_count: int = 4,
        titles: str = "auto",
        concurrency: Mapping[str, int] | None = None,
        clock: Clock | None = None,
        heartbeat: float | None = HEARTBEAT,
    ) -> None:
        if not 1 <= max_count <= 64:
            raise InvalidRequest(f"max_count={max_count} is out of range: 1 to 64.", parameter="max_count")
        if titles not in ("auto", "off") and ":" not in titles:
            raise InvalidRequest(
                f'titles={titles!r} is neither "auto", "off" nor "provider:model".', parameter="titles"
            )
        self.max_count = max_count
        self._titles = titles
        self.registry = Registry(providers)
        self.keys = Keys(keys)
        self._user_id, self._organization_id = user_id, organization_id
        self._clock = clock or Clock()
        self._pid = os.getpid()
        self._closed = False
        self._handles: weakref.WeakValueDictionary[str, BatchHandle] = weakref.WeakValueDictionary()
        self._handles_lock = threading.Lock()
        self._subscriptions: list[Subscription] = []
        self._store = Store.open(store, user_id=user_id, organization_id=organization_id)
        self._config: dict[str, Any] = self._store.setting("config") or {}
        self._active_topic: str | None = self._store.setting("active_topic")
        self._stored_topic = self._active_topic
        stored, servers = self._store.settings(DISCOVERY), self._store.setting(SERVERS)
        if self._active_topic is not None and self._store.topic(self._active_topic) is None:
            self._active_topic = None
        self._loop = LoopThread()
        self._portal = self._loop.open()
        self.engine = Engine(
            self._store,
            self.registry,
            self.keys,
            self._on_change,
            clock=self._clock,
            concurrency=concurrency or {},
            heartbeat=heartbeat,
        )
        self.inputs = References(self.engine)
        self.drafts = Drafts(self.engine, self.inputs, self._on_change)
        self.keys.read_env_file()
        self.offers = Offers(self.engine, self.registry, self.keys, self._on_change, self._clock)
        self.servers = Servers(self.engine, self.registry, self.offers, self.keys, self._on_change)
        self.servers.load(servers)
        self.offers.load(stored)
        atexit.register(self._close, EXIT_WAIT)
        try:
            self._call(self.engine.start)
        except BaseException:
            self.close()
            raise

    # -------------------------------------------------------------- generate

    def generate(
        self,
        prompt: str,
        *,
        model: str | None = None,
        n: int = 1,
        topic: Topic | str | None = None,
        references: Sequence[ReferenceLike] = (),
        mask: ReferenceLike | None = None,
        deadline: float | None = None,
        **params: Any,
    ) -> BatchHandle:
        """Starts a request and gives its handle at once.

        Args:
            prompt: what to paint.
            model: ``"provider:id"``; None takes the one of the config panel (at first a demo).
            n: how many images, 1 to `max_count`.
            topic: where it goes: a topic, its id or its title (made where there is none of that title);
                None takes the active topic, or a new one.
            references: input images, for models that take some: paths, bytes, Pillow images or results.
            mask: for models that take one: a PNG of the first reference's size, transparent where the
                picture may change: a path, bytes, a Pillow image or a result.
            deadline: seconds in all for each task; None takes the model's.
            params: the model's own parameters: ``width``, ``height``, ``seed`` …; one that is not given
                stands on its default, and None leaves it out. Without a seed, one is drawn and recorded.

        Raises:
            UnknownParameter: the model has no such parameter (a TypeError).
            InvalidRequest: a value is out of its range (a ValueError).
            MissingKey: the provider's key is not set.
            NotFound: no such model or topic.
            All are raised before anything is stored, sent or paid.
        """
        self._check_open()
        self._look_for_key(self._model(model)[0])
        topic_id, title = self._topic_for(topic)
        prepared = self.prepare(
            prompt,
            model=model,
            n=n,
            topic_id=topic_id,
            title=title,
            references=references,
            mask=mask,
            deadline=deadline,
            params=params,
        )
        if topic is None and topic_id is None:
            # The next call without a topic goes to the same one, also before this one is stored.
            self._active_topic = prepared.entry.batch.topic_id
        handle = self._handle(prepared.entry)
        self.start(partial(self._add, prepared, handle, select=topic is None))
        return handle

    def prepare(
        self,
        prompt: str,
        *,
        model: str | None,
        n: int,
        topic_id: str | None,
        title: str | None = None,
        references: Sequence[ReferenceLike] = (),
        mask: ReferenceLike | None = None,
        deadline: float | None = None,
        params: Mapping[str, Any],
    ) -> Prepared:
        """Checks a request and gives what would be stored. Raises as `generate` does."""
        provider, spec = self._model(model)
        if self.keys.state(provider.spec) == "missing":
            raise missing_key(provider.spec)
        inputs = [self._input(item) for item in references]
        over = None if mask is None else self._input(mask, "mask")
        check_inputs(spec, inputs, over)
        request = catalog.make_request(
            spec,
            prompt=prompt,
            n=n,
            params=params,
            references=tuple(item.reference for item in inputs),
            mask=None if over is None else over.reference,
            deadline=deadline,
            max_count=self.max_count,
        )
        for item in inputs if over is None else (*inputs, over):
            if item.data is not None:
                self._store.assets.add_reference(item.data)
        scope = Scope(self._user_id, self._organization_id)
        return prepare(provider, spec, request, scope, topic_id=topic_id, title=title, now=self._clock.now())

    def _input(self, item: ReferenceLike, role: Role = "reference") -> Input:
        return (
            stored_input(self.engine, item, role) if isinstance(item, Reference) else read_input(item, role)
        )

    async def add(self, prepared: Prepared, *, select: bool, source: str | None = None) -> None:
        """Stores a prepared request and starts it. On the loop.

        Args:
            prepared: what `prepare` gave.
            select: True where its topic becomes the active one.
            source: who asked (see `SettingWritten`).
        """
        topic = await self.engine.add(prepared.entry, prepared.new_topic)
        try:
            await self._name(topic, prepared)
            if select:
                await self.select_topic(topic.id, source=source)
        except ImgplayError as error:
            # The request is stored and runs; only what goes with it was not written.
            logger.warning("A topic could not be named or chosen: %s", error.message)

    async def _name(self, topic: Topic, prepared: Prepared) -> None:
        """Names a topic by its first batch, and only by that."""
        if topic.title is not None and prepared.new_topic is None:
            return
        batch = prepared.entry.batch
        if topic.title is None:
            topic = await self.engine.title_topic(topic.id, first_words(batch.prompt), by="prompt")
        if topic.title_by == "prompt" and self._titles != "off":
            self.engine.aside(self._entitle(topic.id, batch))

    async def _add(self, prepared: Prepared, handle: BatchHandle, *, select: bool) -> None:
        try:
            await self.add(prepared, select=select)
        except Exception as error:
            # Whoever waits for the handle must hear of anything, or would wait for ever.
            handle.fail(error)
            if prepared.new_topic is not None and self._active_topic == prepared.new_topic.id:
                # It was never stored; the next request makes one.
                self._active_topic = None
            if not isinstance(error, ImgplayError):
                logger.exception("A request could not be stored")
            message = error.message if isinstance(error, ImgplayError) else "The log has the details."
            notice = Notice(kind="other", message=f"A request could not be stored. {message}")
            self._on_change(NoticeGiven(notice=notice))

    async def _entitle(self, topic_id: str, batch: Batch) -> None:
        """Has a text model name a topic. The first words of the prompt stay where it cannot."""
        try:
            provider, model = self._writer(batch.provider)
            if provider is None:
                return
            answer = await self.engine.write_text(provider, model, INSTRUCTION, batch.prompt)
            title = tidy(answer)
            if title is not None:
                await self.engine.title_topic(topic_id, title, by="model")
        except ImgplayError as error:
            # A title is a courtesy: nobody is troubled when it does not come.
            logger.info("A topic was not named: %s", error.message)

    def _writer(self, first: str) -> tuple[Provider | None, str]:
        """The provider and the text model that write titles: the one that was chosen, else the first of those
        whose key is set, the batch's own provider before the others.
        """
        if self._titles not in ("auto", "off"):
            name, _, model = self._titles.partition(":")
            return self.registry.get(name), model
        ready = [
            p for p in self.registry.providers() if p.text_model() and self.keys.state(p.spec) != "missing"
        ]
        ready.sort(key=lambda provider: provider.spec.name != first)
        return (ready[0], ready[0].text_model() or "") if ready else (None, "")

    # -------------------------------------------------------------- topics and history

    @property
    def topics(self) -> list[Topic]:
        """The topics: those that are pinned first, then the last used one."""
        return self._call(self.engine.topics)

    @property
    def active_topic(self) -> str | None:
        """The id of the topic that requests without one go to, or None for a new one."""
        return self._active_topic

    def new_topic(self, title: str | None = None) -> Topic:
        """Makes a topic and makes it the active one.

        Args:
            title: its title; None leaves it to the first prompt.
        """
        topic = self._fresh_topic(title, by="user" if title else "prompt")
        self._call(self.engine.add_topic, topic)
        self._call(self.select_topic, topic.id)
        return topic

    def _fresh_topic(self, title: str | None, *, by: Literal["prompt", "user"]) -> Topic:
        now = self._clock.now()
        return Topic(
            id=new_id(),
            user_id=self._user_id,
            organization_id=self._organization_id,
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
        return self._call(partial(self.engine.pin_topic, topic_id, pinned=pinned))

    def choose_cover(self, image: GenerationHandle | str) -> Topic:
        """Makes an image the cover of its topic, and gives the topic.

        Args:
            image: a generation with an image, or its id.

        Raises:
            NotFound: there is no such image.
        """
        return self._call(self._choose_cover, image if isinstance(image, str) else image.id)

    async def _choose_cover(self, generation_id: str) -> Topic:
        entry, _ = await self.engine.generation(generation_id)
        return await self.engine.choose_cover(entry.batch.topic_id, generation_id)

    def favour(self, images: Images, *, favourite: bool = True) -> None:
        """Stars images, or takes the stars away.

        Args:
            images: generations, and batches for all of theirs.
            favourite: False takes the stars away.
        """
        several = [images] if isinstance(images, BatchHandle | GenerationHandle) else images
        ids = [one.id for item in several for one in (item if isinstance(item, BatchHandle) else (item,))]
        self._call(partial(self.engine.favour, ids, favourite=favourite))

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
    ) -> None:
        """Puts batches into another topic, or into a new one (None). On the loop. Raises as `move` does."""
        if topic_id is not None:
            return await self.engine.move(batch_ids, topic_id)
        by: Literal["prompt", "user"] = "user" if title else "prompt"
        title = title or first_words((await self.engine.entry(batch_ids[0])).batch.prompt)
        topic = self._fresh_topic(title, by=by)
        return await self.engine.move(batch_ids, topic.id, topic)

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
        return await self.engine.title_topic(topic_id, wanted, by="user")

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
            reference = self._call(self.inputs.keep, self._call(self.engine.fetch, image))
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

    async def _batches(self, topic_id: str | None, limit: int, wanted: Wanted) -> list[BatchHandle]:
        if not 1 <= limit <= MAX_BATCHES:
            raise InvalidRequest(f"limit={limit} is out of range: 1 to {MAX_BATCHES}.", parameter="limit")
        # On the loop: no change can come between the reading and the handle that would take it.
        page = await self.engine.feed(topic_id, limit=limit, wanted=wanted)
        return [self._handle(entry) for entry in page.entries]

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
        await self.engine.delete(kind, [id])

    async def _kind(self, id: str) -> Kind:
        with contextlib.suppress(NotFound):
            await self.engine.topic(id)
            return "topic"
        with contextlib.suppress(NotFound):
            await self.engine.entry(id)
            return "batch"
        await self.engine.generation(id)
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
            if (await self.engine.restore(one, [id])).ids:
                return
        await self._kind(id)

    def cancel(self, batch_id: str, generation_id: str | None = None) -> None:
        """Stops the unfinished tasks of a batch, or that of one generation."""
        self._call(self.engine.cancel, batch_id, generation_id)

    def retry(self, batch_id: str, generation_id: str | None = None) -> None:
        """Runs one failed generation again, or all of a batch."""
        self._call(self.engine.retry, batch_id, generation_id)

    # -------------------------------------------------------------- models and keys

    def models(self, provider: str | None = None) -> ModelTable:
        """Gives the models as a table that shows itself in a notebook.

        Args:
            provider: the name of a provider; None for all.

        Raises:
            NotFound: there is no such provider.
        """
        notes: list[str] = []
        for one in self.registry.providers():
            at = self.offers.asked_at(one.spec.name)
            if at is not None and provider in (None, one.spec.name):
                notes.append(f"{one.spec.title} was asked for its models on {at:%Y-%m-%d at %H:%M} UTC.")
        return table_of(self.registry, self.keys, provider, notes)

    def refresh_models(self, provider: str | None = None) -> ModelTable:
        """Asks what is offered now, waits for the answer, and gives the table of `models`.

        Args:
            provider: the name of a provider; None asks all that have such a list and a key. Of these,
                one that cannot be asked is a notice, and keeps the list that it had.

        Raises:
            NotFound: there is no such provider.
            ProviderError: the one that was named could not be asked.
        """
        if provider is None:
            self._call(self.offers.refresh_all)
        else:
            self._call(self.offers.refresh, provider)
        return self.models(provider)

    def estimate(self, model: str | None = None, n: int = 1, **params: Any) -> Decimal | None:
        """Gives what a request is known to cost in USD, or None where that is not known. Nothing is sent.

        Args:
            model: ``"provider:id"``; None takes the one of the config panel.
            n: how many images, 1 to `max_count`.
            params: the model's own parameters, as in `generate`.

        Raises:
            UnknownParameter, InvalidRequest, NotFound: as `generate` does.
        """
        _, spec = self._model(model)
        request = catalog.make_request(spec, prompt="any", n=n, params=params, max_count=self.max_count)
        return catalog.estimate(spec, n, request.params)

    def check(self, provider: str) -> KeyCheck:
        """Tests the connection to a provider, by a call that costs nothing. The result says itself.

        Raises:
            NotFound: there is no such provider.
        """
        self._look_for_key(self.registry.get(provider))
        return self._call(self.offers.check, provider)

    def set_key(
        self, provider: str, key: str | Literal[Ask.KEY] | None = Ask.KEY, *, remember: bool = False
    ) -> KeyKept:
        """Sets a provider's key for this studio. The result says where the key is.

        Args:
            provider: the provider's name.
            key: the key; without one, it is asked for without being shown; None forgets it.
            remember: True puts it into the system's keyring too (or takes it out of there); where there is no
                keyring, the key stays in memory.

        Raises:
            NotFound: there is no such provider.
            InvalidRequest: it cannot be a key.
        """
        spec = self.registry.get(provider).spec
        self.refuse_own_thread()
        if key is Ask.KEY:
            where = f" (made at {spec.key_url})" if spec.key_url else ""
            key = getpass.getpass(f"Key of {spec.title}{where}: ").strip()
            if not key:
                return KeyKept(provider, "nowhere", "Nothing was entered, and nothing changed.")
        return self._call(partial(self.offers.keep_key, spec.name, key, remember=remember))

    def add_server(self, name: str, url: str, key: str | None = None, *, remember: bool = False) -> KeyCheck:
        """Adds a server that speaks OpenAI's protocol, for this and later studios on the store.

        Its models are then ``"name:model-id"``. What comes back says itself: whether it answers. A server
        that does not run now is added all the same.

        Args:
            name: 1 to 64 letters, digits, ``-`` and ``_``; no other provider's. One that was added before
                gets the new address.
            url: its base address (``"http://localhost:8080/v1"``). Plain http only on this machine or
                network.
            key: its key, where it needs one; it stays in memory.
            remember: True puts the key into the system's keyring too.

        Raises:
            InvalidRequest: name, address or key cannot be one.
        """
        return self._call(partial(self.servers.add, name, url, key, remember=remember))

    def remove_server(self, name: str) -> None:
        """Forgets a server that was added, and its key. What it made stays.

        Raises:
            NotFound: no such server was added.
        """
        self._call(self.servers.remove, name)

    def _model(self, name: str | None) -> tuple[Provider, ModelSpec]:
        return self.registry.find(name or self._config.get("model") or DEFAULT_MODEL)

    def _look_for_key(self, provider: Provider) -> None:
        """Looks in slow places on the caller's thread, where Colab can be asked too."""
        if self.keys.state(provider.spec) == "missing":
            self.keys.look([provider.spec])

    # -------------------------------------------------------------- settings

    @property
    def config(self) -> dict[str, Any]:
        """What the config panel holds, as JSON."""
        return self._config

    async def save_config(self, config: dict[str, Any], *, source: str | None = None) -> None:
        """Stores what the config panel holds. On the loop."""
        self._config = config
        await self.engine.save_setting("config", config)
        self._on_change(SettingWritten(name="config", value=config, source=source))

    async def select_topic(self, topic_id: str | None, *, source: str | None = None) -> None:
        """Makes a topic the active one; None stands for "a new one". On the loop."""
        if topic_id == self._stored_topic:
            self._active_topic = topic_id
            return
        self._active_topic = self._stored_topic = topic_id
        await self.engine.save_setting("active_topic", topic_id)
        self._on_change(SettingWritten(name="active_topic", value=topic_id, source=source))

    # -------------------------------------------------------------- threads

    def start(self, function: Callable[..., Awaitable[T]], *args: Any) -> Future[T]:
        """Runs a coroutine function on the engine's loop, from any thread, and gives its future at once.

        Raises:
            StudioClosed: the studio is closed or belongs to another process.
        """
        self._check_open()
        return self._portal.start_task_soon(function, *args)

    def subscribe(self, subscriber: Subscriber, *, every: float = PUBLISH_EVERY) -> Callable[[], None]:
        """Sends every change to a subscriber, bundled. Gives the function that ends it.

        Args:
            subscriber: takes the changes, on the engine's loop.
            every: seconds between two deliveries at least.
        """
        subscription = Subscription(subscriber, self._clock, every)
        running = self.start(subscription.run)
        self._portal.call(self._subscriptions.append, subscription)

        def end() -> None:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
            running.cancel()

        return end

    def refuse_own_thread(self) -> None:
        """Raises where a call would wait for itself."""
        if threading.current_thread() is self._loop:
            raise StudioClosed(
                "This would wait for itself: it was called on the studio's own thread.",
                next_step="Call it from a cell or another thread.",
            )

    def _call(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        self.refuse_own_thread()
        return self.start(function, *args).result()

    def _check_open(self) -> None:
        if self._closed:
            raise StudioClosed("The studio is closed.")
        if os.getpid() != self._pid:
            raise StudioClosed("The studio belongs to the process that made it; this is a fork of it.")

    def _on_change(self, change: Change) -> None:
        """Hands a change on. On the loop."""
        match change:
            case EntryAdded() | EntryChanged() | EntryWritten():
                handle = self._handles.get(change.entry.batch.id)
                if handle is not None:
                    handle.update(change.entry)
            case Removed():
                self._handles_of_removed(change)
                if self._active_topic in change.topic_ids:
                    self._active_topic = None
            case StoreWritten():
                self.engine.aside(self._refresh_handles())
            case TopicWritten(returned=True):
                self.engine.aside(self._refresh_handles(change.topic.id))
            case _:
                pass
        for subscription in self._subscriptions:
            subscription.put(change)

    async def _refresh_handles(self, topic_id: str | None = None) -> None:
        """Brings handles in step with what another process wrote, or those of a topic that came back."""
        for handle in list(self._handles.values()):
            if handle.topic_id != topic_id if topic_id is not None else handle.status.final:
                continue
            try:
                entry = await self.engine.entry(handle.id)
            except NotFound:
                entry = replace(handle.entry, generations=(), tasks=())
            handle.update(entry)

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

    # -------------------------------------------------------------- small parts

    def asset_path(self, url: str) -> Path:
        """Gives where the bytes of an asset lie."""
        return self._store.assets.path(url)

    def now(self) -> datetime:
        """Gives the present by the studio's clock, aware UTC."""
        return self._clock.now()

    def reference_path(self, reference: Reference) -> Path:
        """Gives where the bytes of an input image lie."""
        assets = self._store.assets
        return assets.path(assets.original_url(reference.digest, reference.media_type))

    def save_zip(self, path: str | os.PathLike[str], images: Images) -> Path:
        """Writes finished images into a ZIP, byte for byte, with their recipes (``recipes.json``).

        Args:
            path: the file to write; one that is there is replaced.
            images: batches and generations; of them, what is not finished is left out.

        Returns:
            The path.

        Raises:
            InvalidRequest: no image among them is finished.
            DiskFull: there is no space for it.
            OSError: it cannot be written there.
        """
        several = [images] if isinstance(images, BatchHandle | GenerationHandle) else images
        found: dict[str, PackedImage] = {}
        for item in several:
            for one in item if isinstance(item, BatchHandle) else (item,):
                packed = self.packed(one.batch.entry, one.row)
                if packed is not None:
                    found[one.id] = packed
        target = Path(path)
        part = target.with_name(f"{target.name}.part")
        try:
            write_pack(part, found.values())
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            if error.errno == errno.ENOSPC:
                raise DiskFull(f"There is no space left to write {target.name}.") from error
            raise
        return target

    def packed(self, entry: Entry, generation: Generation) -> PackedImage | None:
        """Gives an image as it goes into a ZIP, or None while there is none."""
        if generation.asset is None:
            return None
        recipe = self.recipe(entry, generation)
        return PackedImage(
            name=file_name(entry, generation),
            source=self.asset_path(generation.asset.url),
            made_at=recipe.finished_at or recipe.created_at,
            recipe=recipe.as_json(),
        )

    def model_title(self, batch: Batch) -> str:
        """Gives the title of a batch's model; its id where the model is no longer known."""
        try:
            return self.registry.find(f"{batch.provider}:{batch.model}")[1].title
        except NotFound:
            return batch.model

    def recipe(self, entry: Entry, generation: Generation) -> Recipe:
        """Gives how an image was made, or was to be made."""
        return recipe(
            entry,
            generation,
            model_title=self.model_title(entry.batch),
            path=None if generation.asset is None else self.asset_path(generation.asset.url),
            version=_version(),
        )

    def code(self, entry: Entry) -> str:
        """Gives the Python code that makes a batch again."""
        return code(entry, self.reference_path)

    @property
    def location(self) -> str:
        """Where the store is, without a password."""
        return self._store.location

    @property
    def notices(self) -> list[Notice]:
        """What the user should know of the store and the providers."""
        return [*self._store.notices, *self.registry.notices]

    def _topic_for(self, topic: Topic | str | None) -> tuple[str | None, str | None]:
        """The id of the topic to use, or None and the title of the one to make."""
        if topic is None:
            return self._active_topic, None
        if isinstance(topic, Topic):
            return topic.id, None
        for known in self.topics:
            if topic in (known.id, known.title):
                return known.id, None
        return None, topic

    def _existing_topic(self, topic: Topic | str) -> str:
        topic_id, title = self._topic_for(topic)
        if topic_id is None:
            raise NotFound(f"There is no topic {title!r}.")
        return topic_id

    def close(self) -> None:
        """Stops the engine and closes the store. What runs goes on at the next start. Idempotent."""
        self._close(CLOSE_WAIT)

    def _close(self, wait: float) -> None:
        if self._closed or os.getpid() != self._pid:
            return
        self._closed = True
        atexit.unregister(self._close)
        self._subscriptions.clear()
        # Too slow, or the interpreter has stopped its threads already: the rows say what was going on, and
        # the next start goes on from there.
        with contextlib.suppress(TimeoutError, RuntimeError, CancelledError):
            self._portal.start_task_soon(self.engine.close).result(wait)
        self._portal.start_task_soon(self._portal.stop, True)  # noqa: FBT003 - anyio's own argument
        self._loop.join(wait)

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<Studio on {self.location} ({state})>"


@cache
def _version() -> str:
    return version("imgplay-widget")


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

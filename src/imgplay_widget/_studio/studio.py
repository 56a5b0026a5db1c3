"""The composition root: store, engine and providers, and with `loop` the only place that crosses threads.

A `Studio` has one daemon thread with one event loop, on which its engine lives. Every call from outside
hops there; every change hops back through `subscribe`. It knows nothing of comms, widgets or servers.
What is not about running a request or its own life stands in the parts that it is made of.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
import weakref
from concurrent.futures import CancelledError
from functools import partial
from typing import TYPE_CHECKING, Any

from imgplay_widget import catalog
from imgplay_widget._clock import Clock
from imgplay_widget._engine.archive import Archive
from imgplay_widget._engine.clients import Clients
from imgplay_widget._engine.covers import Covers
from imgplay_widget._engine.curator import Curator
from imgplay_widget._engine.engine import HEARTBEAT, Engine
from imgplay_widget._rules.changes import (
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
from imgplay_widget._rules.costs import budget_of
from imgplay_widget._rules.titles import first_words
from imgplay_widget._store import Store
from imgplay_widget._studio.drafts import Drafts
from imgplay_widget._studio.history import StudioHistory
from imgplay_widget._studio.inputs import Input, ReferenceLike, Role, check_inputs, read_input
from imgplay_widget._studio.loop import LoopThread, Subscriber, Subscription
from imgplay_widget._studio.offers import DISCOVERY, Offers
from imgplay_widget._studio.offers_calls import DEFAULT_MODEL, StudioOffers
from imgplay_widget._studio.prepare import Prepared, Scope, prepare
from imgplay_widget._studio.references import References, stored_input
from imgplay_widget._studio.servers import SETTING as SERVERS
from imgplay_widget._studio.servers import Servers
from imgplay_widget._studio.spending import Spending
from imgplay_widget._studio.writer import Writer
from imgplay_widget._types import (
    Notice,
    Reference,
    Topic,
)
from imgplay_widget.errors import (
    ImgplayError,
    InvalidRequest,
)
from imgplay_widget.providers.http import missing_key
from imgplay_widget.providers.keys import Keys
from imgplay_widget.providers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from imgplay_widget._rules.prompts import Mode
    from imgplay_widget._studio.handles import BatchHandle
    from imgplay_widget.providers.base import Provider

__all__ = ["DEFAULT_MODEL", "Prepared", "Studio", "Subscription"]

logger = logging.getLogger("imgplay_widget")

PUBLISH_EVERY = 0.05
"""Seconds between two deliveries to a subscriber: at most 20 a second."""

CLOSE_WAIT, EXIT_WAIT = 15.0, 2.0
"""Seconds that closing waits for the engine, when it is asked for and when the interpreter ends. What is not
written by then is taken up at the next start."""


class Studio(StudioHistory, StudioOffers):
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
            ``"provider:model"``, which then rewrites prompts too (`improve`). Without a key the first words
            stay.
        concurrency: the most tasks at once, by provider name.
        budget: see `budget`.
        clock: the time; for tests.
        heartbeat: seconds between looks at what other processes did, or None for none; for tests.

    Raises:
        StoreError: the store cannot be opened.
        InvalidRequest: an argument is out of its range.
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
        budget: float | Decimal | None = None,
        clock: Clock | None = None,
        heartbeat: float | None = HEARTBEAT,
    ) -> None:
        if not 1 <= max_count <= 64:
            raise InvalidRequest(f"max_count={max_count} is out of range: 1 to 64.", parameter="max_count")
        if titles not in ("auto", "off") and ":" not in titles:
            raise InvalidRequest(
                f'titles={titles!r} is neither "auto", "off" nor "provider:model".', parameter="titles"
            )
        limit = budget_of(budget)
        self.max_count = max_count
        self.registry = Registry(providers)
        self.keys = Keys(keys)
        self._scope = Scope(user_id, organization_id)
        self._clock = clock or Clock()
        self._pid = os.getpid()
        self._closed = False
        self._handles = weakref.WeakValueDictionary()
        self._handles_lock = threading.Lock()
        self._subscriptions: list[Subscription] = []
        self._store = Store.open(store, user_id=user_id, organization_id=organization_id)
        self._config = self._store.setting("config") or {}
        self._active_topic = self._store.setting("active_topic")
        self._stored_topic = self._active_topic
        stored, servers = self._store.settings(DISCOVERY), self._store.setting(SERVERS)
        if self._active_topic is not None and self._store.topic(self._active_topic) is None:
            self._active_topic = None
        self._loop = LoopThread()
        self._portal = self._loop.open()
        self.archive = Archive(self._store)
        self.covers = Covers(self.archive, self._on_change)
        self.clients = Clients(self.archive, self.keys, self._clock)
        self.engine = Engine(
            self.archive,
            self.covers,
            self.clients,
            self.registry,
            self._on_change,
            clock=self._clock,
            concurrency=concurrency or {},
            heartbeat=heartbeat,
        )
        self.engine.budget = limit
        self.curator = Curator(self.archive, self.covers, self.engine, self._on_change, self._clock)
        self.spending = Spending(self.engine, self.archive, self._on_change, self._clock)
        self.inputs = References(self.archive)
        self.drafts = Drafts(self.archive, self.inputs, self._on_change)
        self.keys.read_env_file()
        self.offers = Offers(
            self.archive, self.clients, self.registry, self.keys, self._on_change, self._clock
        )
        self.servers = Servers(self.archive, self.registry, self.offers, self.keys, self._on_change)
        self.servers.load(servers)
        self.writer = Writer(self.clients, self.curator, self.registry, self.keys, titles)
        self.offers.load(stored)
        atexit.register(self._close, EXIT_WAIT)
        try:
            self._call(self._start)
        except BaseException:
            self.close()
            raise

    async def _start(self) -> None:
        await self.engine.start()
        self.curator.start()

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
            OverBudget: it would take today's total over the `budget`.
            All are raised before anything is stored, sent or paid. Where another thread or kernel spends
            the rest of the budget at the same moment, the handle raises `OverBudget` instead.
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
            allow=self._allow,
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
        click_id: str | None = None,
        allow: Callable[[Prepared], None] | None = None,
    ) -> Prepared:
        """Checks a request, keeps its input images, and gives what would be stored. Raises as `generate`.

        The requests of one click share a `click_id`. `allow` may refuse it before any file is written; else
        `add` refuses what is over the budget.
        """
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
        prepared = prepare(
            provider,
            spec,
            request,
            self._scope,
            topic_id=topic_id,
            title=title,
            click_id=click_id,
            now=self._clock.now(),
        )
        if allow is not None:
            allow(prepared)
        for item in inputs if over is None else (*inputs, over):
            if item.data is not None:
                self._store.assets.add_reference(item.data)
        return prepared

    def _allow(self, prepared: Prepared) -> None:
        if self.engine.budget is not None:
            self._call(self.engine.refuse_beyond_budget, prepared.entry.tasks)

    def _input(self, item: ReferenceLike, role: Role = "reference") -> Input:
        return (
            stored_input(self.archive, item, role) if isinstance(item, Reference) else read_input(item, role)
        )

    async def add(self, prepared: Sequence[Prepared], *, select: bool, source: str | None = None) -> Topic:
        """Stores the requests of one click, or none of them, starts them, and gives their topic. On the loop.

        Args:
            prepared: what `prepare` gave, all for one topic; a new one came with the first.
            select: True where its topic becomes the active one.
            source: who asked (see `SettingWritten`).
        """
        topic = await self.engine.add([one.entry for one in prepared], prepared[0].new_topic)
        try:
            await self._name(topic, prepared[0])
            if select:
                await self.select_topic(topic.id, source=source)
        except ImgplayError as error:
            # What was asked for is stored and runs; only what goes with it was not written.
            logger.warning("A topic could not be named or chosen: %s", error.message)
        return topic

    async def _name(self, topic: Topic, prepared: Prepared) -> None:
        """Names a topic by its first batch, and only by that."""
        if topic.title is not None and prepared.new_topic is None:
            return
        batch = prepared.entry.batch
        if topic.title is None:
            topic = await self.curator.title_topic(topic.id, first_words(batch.prompt), by="prompt")
        if topic.title_by == "prompt" and self.writer.names_topics:
            self.archive.aside(self.writer.entitle(topic.id, batch))

    async def _add(self, prepared: Prepared, handle: BatchHandle, *, select: bool) -> None:
        try:
            await self.add([prepared], select=select)
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

    def improve(self, prompt: str, mode: Mode = "expand", *, model: str | None = None) -> str:
        """Has a text model rewrite a prompt, waits, and gives the new one. Nothing is stored or generated.

        It is one call to a small text model, which its provider bills; it is never repeated by itself. The
        provider of the image model writes where it has a text model and a key, else the first one that does;
        `titles` of the studio can choose another.

        Args:
            prompt: what to paint.
            mode: ``"expand"`` keeps the meaning, the language, every subject and what is quoted, and adds
                what can be seen; ``"translate"`` gives the same in English.
            model: the image model that it is for, whose limit it keeps; None takes the one of the config
                panel.

        Raises:
            InvalidRequest: the prompt is empty, or there is no such mode (a ValueError).
            MissingKey: no key of a provider with a text model is set; the error says which would do.
            NotFound: no such model.
            ProviderError: the text model did not answer, or not with a prompt.
        """
        self.refuse_own_thread()
        _, spec = self._model(model)
        if self.writer.model(spec.provider) is None:
            # On the caller's thread, where Colab can be asked too.
            self.keys.look([provider.spec for provider in self.writer.candidates()])
        return self._call(self.writer.improve, prompt, mode, spec)

    # -------------------------------------------------------------- settings

    @property
    def config(self) -> dict[str, Any]:
        """What the config panel holds, as JSON."""
        return self._config

    async def save_config(self, config: dict[str, Any], *, source: str | None = None) -> None:
        """Stores what the config panel holds. On the loop."""
        await self.archive.save_setting("config", config)
        self._config = config
        self._on_change(SettingWritten(name="config", value=config, source=source))

    @property
    def budget(self) -> Decimal | None:
        """The most that may be spent, in USD a day, or None for any amount. It can be set at any time.

        A request, or a Retry, is refused (`OverBudget`) before anything is stored or sent where what it is
        expected to cost would take the total of today, by the local clock and of all kernels on the store,
        over it. What runs counts as spent. A request whose cost nobody knows (see `estimate`) passes.
        """
        return self.engine.budget

    @budget.setter
    def budget(self, value: float | Decimal | None) -> None:
        self.engine.budget = budget_of(value)
        self.start(self._tell_spending)

    async def _tell_spending(self) -> None:
        self.spending.tell()

    # -------------------------------------------------------------- threads

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
                self.archive.aside(self._refresh_handles())
            case TopicWritten(returned=True):
                self.archive.aside(self._refresh_handles(change.topic.id))
            case _:
                pass
        self.spending.heed(change)
        for subscription in self._subscriptions:
            subscription.put(change)

    # -------------------------------------------------------------- small parts

    def now(self) -> datetime:
        """Gives the present by the studio's clock, aware UTC."""
        return self._clock.now()

    @property
    def location(self) -> str:
        """Where the store is, without a password."""
        return self._store.location

    @property
    def notices(self) -> list[Notice]:
        """What the user should know of the store and the providers."""
        return [*self._store.notices, *self.registry.notices]

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

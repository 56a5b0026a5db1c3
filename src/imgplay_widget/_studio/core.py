"""The core of a studio: store, engine and providers together, on an event loop of their own.

A `Core` has a daemon thread with an event loop, on which its engine lives. Calls from other threads hop to
the loop, and changes hop back through `subscribe`. The core does not know comms, widgets or web servers. The
public calls (`api`) and the Python side of the page (`_page`) use it.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
from concurrent.futures import CancelledError
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

from imgplay_widget import catalog
from imgplay_widget._clock import Clock
from imgplay_widget._engine.archive import Archive, gone
from imgplay_widget._engine.clients import Clients
from imgplay_widget._engine.covers import Covers
from imgplay_widget._engine.curator import Curator
from imgplay_widget._engine.engine import Engine
from imgplay_widget._rules.changes import Change, EntryChanged, NoticeGiven
from imgplay_widget._rules.lineage import in_words
from imgplay_widget._rules.titles import first_words
from imgplay_widget._store import Store, write_backup
from imgplay_widget._store.paths import path_of
from imgplay_widget._studio.analysis import Analysis
from imgplay_widget._studio.callbacks import Callbacks
from imgplay_widget._studio.chains import revisions
from imgplay_widget._studio.conditions import check_limit
from imgplay_widget._studio.configured import able_models, takes_no_images
from imgplay_widget._studio.drafts import Drafts
from imgplay_widget._studio.edit import kept_params
from imgplay_widget._studio.files import Files
from imgplay_widget._studio.follow_ups import WantedChange, chosen_model, follow_up_params, words_wanted
from imgplay_widget._studio.gallery import Gallery
from imgplay_widget._studio.handles import (
    Batches,
    BatchHandle,
    Chain,
    GenerationHandle,
    Generations,
    TopicHandle,
    tell_kept,
)
from imgplay_widget._studio.inputs import Input, as_mask, check_inputs, link_of, read_input, several
from imgplay_widget._studio.live import Live
from imgplay_widget._studio.loop import Hop, LoopThread, Subscription, check_threads
from imgplay_widget._studio.offers import DESCRIBED, DISCOVERY, Offers
from imgplay_widget._studio.panel import CONFIG, Panel
from imgplay_widget._studio.prepare import Checked, HistoryOwner, Prepared, prepare, topic_for
from imgplay_widget._studio.presets import PresetShelf
from imgplay_widget._studio.references import References
from imgplay_widget._studio.servers import SETTING as SERVERS
from imgplay_widget._studio.servers import Servers
from imgplay_widget._studio.spending import Spending
from imgplay_widget._studio.sweeps import Sweeps, digest_of
from imgplay_widget._studio.topics import ACTIVE_TOPIC, Topics, check_title
from imgplay_widget._studio.waiting import GOES_ON
from imgplay_widget._studio.workflows import Workflows
from imgplay_widget._studio.writer import Writer
from imgplay_widget._text import clean, shown
from imgplay_widget._types import EVERYTHING, Notice, Reference
from imgplay_widget.errors import ImgplayError, InvalidRequest, NotFound, StudioClosed, TakesNoImages
from imgplay_widget.providers.http import missing_key
from imgplay_widget.providers.keys import Keys
from imgplay_widget.providers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path

    from imgplay_widget._rules.embedded import FileRecipe
    from imgplay_widget._rules.lineage import Revision
    from imgplay_widget._studio.configured import Able
    from imgplay_widget._studio.handles import Images
    from imgplay_widget._studio.inputs import ReferenceLike, Role
    from imgplay_widget._studio.loop import Subscriber
    from imgplay_widget._studio.options import StudioOptions
    from imgplay_widget._types import (
        Ability,
        Action,
        Batch,
        Entry,
        Generation,
        Kind,
        Lineage,
        ModelSpec,
        Request,
        Topic,
        Wanted,
    )
    from imgplay_widget.providers.base import Provider

__all__ = ["Core"]

logger = logging.getLogger("imgplay_widget")

MAX_FAILURE = 300
"""The most characters of the error of a function of the user that a page shows."""

MOST_VERSIONS = 50
"""The most versions of an image that are looked through for their words."""

PUBLISH_EVERY = 0.05
"""The fewest seconds between two deliveries to a subscriber."""

CALLS_WAIT = 2.0
"""The most seconds that closing waits for functions of the user which were called for images."""

CLOSE_WAIT, EXIT_WAIT = 15.0, 2.0
"""The most seconds to wait for the engine when code closes the studio, and when the interpreter ends. The
next start continues from what is written by then."""


class Core(Hop):
    """Store, engine and providers, and the parts that use them. Its coroutines run on its loop.

    Args:
        options: the options of the studio.
        budget: USD that may be spent a day, or None for any amount.
        take_up: True continues the tasks that earlier processes left. False leaves them alone.

    Attributes:
        max_count: the most images of one request.
        registry: the providers.
        keys: the keys of the providers.
        files: the files of images, and their recipes.
        gallery: the displays of handles.
        progress: True where waiting shows the progress, False where not, None where somebody looks.
        goes_on: what an interrupted wait says.
        cache: True where `generate` gives the stored batch of the same request.
        owner: the owner of the rows that this studio makes.
        one_at_a_time: held while a request looks for its stored batch, so that two threads do not both ask
            for the same images.
        archive, covers, clients, engine, curator: see `_engine`.
        live: the state of the batches and topics that have handles.
        analysis: the history in SQL.
        topics: the topics, and the active one.
        panel: the content of the config panel.
        callbacks: the functions that are called for each finished image.
        spending: the total of today.
        references: the input images.
        drafts: the drafts of topics.
        offers: the models that providers list, and the tests of keys.
        servers: the servers that the user added.
        sweeps: the sweeps.
        presets: the presets of the user.
        writer: the text models.

    Raises:
        NoThreads: this Python cannot start a thread.
        StoreError: the store cannot be opened.
    """

    def __init__(
        self, options: StudioOptions, budget: Decimal | None = None, *, take_up: bool = True
    ) -> None:
        # This comes before the store, so that a Python without threads leaves no file behind.
        check_threads()
        self.max_count = options.max_count
        self.progress: bool | None = None
        self.goes_on = GOES_ON
        self.cache = False
        self.one_at_a_time = threading.Lock()
        self.registry = Registry(options.providers)
        self.keys = Keys(options.keys, user=options.key_owner)
        # The topics of requests that are being stored, by the id of the batch. `begin` and `_begin` write it.
        self._coming: dict[str, Topic] = {}
        self.owner = HistoryOwner(options.user_id, options.organization_id)
        self._clock = options.clock or Clock()
        self._pid = os.getpid()
        self._closed = False
        self._subscriptions: list[Subscription] = []
        store = Store.open(options.store, user_id=options.user_id, organization_id=options.organization_id)
        # Settings of a kind that no version wrote are ignored: they can be chosen anew.
        config, active = store.setting(CONFIG), store.setting(ACTIVE_TOPIC)
        servers = store.setting(SERVERS)
        discovered, described = store.settings(DISCOVERY), store.settings(DESCRIBED)
        self._loop = LoopThread()
        self._portal = self._loop.open()
        self._compose(Archive(store), options, take_up=take_up)
        self.engine.budget = budget
        notify, clock = self._on_change, self._clock
        self.topics = Topics(
            self.archive,
            self.curator,
            self.engine,
            self.owner,
            clock,
            notify,
            active=active if isinstance(active, str) else None,
        )
        self.panel = Panel(
            self.archive,
            self.registry,
            self.drafts,
            self.topics,
            self.offers.describe,
            notify,
            config=cast("dict[str, Any]", config) if isinstance(config, dict) else {},
            max_count=options.max_count,
        )
        self.keys.read_env_file()
        self.servers.load(servers)
        self.offers.load(discovered)
        self.offers.load_described(described)
        atexit.register(self.close, EXIT_WAIT)
        try:
            self.call(self._start)
        except BaseException:
            self.close()
            raise

    def _compose(self, archive: Archive, options: StudioOptions, *, take_up: bool) -> None:
        notify, clock, registry, keys = self._on_change, self._clock, self.registry, self.keys
        self.archive = archive
        self.files = Files(archive.store.assets, registry, recipes=options.recipes)
        self.gallery = Gallery(archive)
        self.callbacks = Callbacks(self.report_failure)
        self.covers = Covers(archive, notify)
        self.clients = Clients(archive, keys, clock)
        self.engine = Engine(
            archive,
            self.covers,
            self.clients,
            registry,
            notify,
            clock=clock,
            concurrency=options.concurrency or {},
            heartbeat=options.heartbeat,
            take_up=take_up,
            only_able=options.only_able,
        )
        self.curator = Curator(archive, self.covers, self.engine, notify, clock)
        self.live = Live(archive, self.engine)
        self.analysis = Analysis(archive, self, lambda: self.progress)
        self.spending = Spending(self.engine, archive, notify, clock)
        self.references = References(archive)
        self.drafts = Drafts(archive, self.references, notify)
        self.offers = Offers(archive, self.clients, registry, keys, notify, clock)
        self.servers = Servers(archive, registry, self.offers, keys, notify)
        self.sweeps = Sweeps(self)
        self.presets = PresetShelf(archive, registry, self.offers.describe, notify)
        self.workflows = Workflows(archive, self.clients, registry, self.offers, notify)
        self.writer = Writer(
            self.clients, self.curator, registry, keys, options.titles, lambda: self.engine.budget
        )

    async def _start(self) -> None:
        await self.engine.start()
        self.curator.start()
        await self.panel.start()

    # -------------------------------------------------------------- requests

    def model(self, name: str | None) -> tuple[Provider, ModelSpec]:
        """Return a model with its provider; None stands for the model of the config panel.

        Raises:
            NotFound: there is no such model.
        """
        return self.registry.find(name or self.panel.model)

    def learn(self, name: str | None) -> None:
        """Ask what a model takes, where only its id is known. From any thread but the loop's.

        Args:
            name: ``"provider:model"``; None stands for the model of the config panel.
        """
        wanted = name or self.panel.model
        if self.offers.is_unknown(wanted):
            self.look_for_key(self.registry.find(wanted)[0])
            self.call(self.offers.describe, wanted)

    def usual(self, batch: Batch) -> float | None:
        """Return the seconds that a task of the batch's model usually takes, or None if that is not known."""
        return self.engine.paces.usual(batch.provider, batch.model)

    def look_for_key(self, provider: Provider) -> None:
        """Look for a missing key in slow sources on the caller's thread, where Colab can be asked too."""
        if self.keys.state(provider.spec) == "missing":
            self.keys.look([provider.spec])

    def check(
        self,
        prompt: str,
        *,
        model: str | None,
        n: int,
        references: Sequence[ReferenceLike | Input] = (),
        mask: ReferenceLike | Input | None = None,
        deadline: float | None = None,
        params: Mapping[str, Any],
        action: Action | None = None,
    ) -> Checked:
        """Read the input images of a request, and check the request against its model.

        Input images that were read before (`read_inputs`) are taken as they are.

        Raises:
            NotFound: there is no such model, or an input image is gone from the store.
            TakesNoImages: the model takes no input images; the error names models that do.
            InvalidRequest: the model does not take the request, an input image cannot be read, or there is an
                action and no input image.
        """
        provider, spec = self.model(model)
        inputs = self.read_inputs(references)
        over = None if mask is None else self._input(mask, "mask")
        if over is not None and over is not mask and over.data is not None and spec.mask and inputs:
            over = as_mask(over)
        check_inputs(spec, inputs, over)
        try:
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
        except TakesNoImages:
            raise takes_no_images(spec, self.editors(spec.provider)) from None
        if action is not None and not inputs:
            raise InvalidRequest(
                f"action={shown(action)} is about an input image, and the request has none.",
                parameter="action",
                next_step="Add the image to the references, or leave the action out.",
            )
        if action is None and not request.prompt and spec.does and len(spec.does) == 1:
            # Without words, what the model is for says what the user wants.
            (action,) = spec.does
        every = (*inputs,) if over is None else (*inputs, over)
        return Checked(provider=provider, spec=spec, request=request, inputs=every, action=action)

    def read_inputs(self, items: Sequence[ReferenceLike | Input], role: Role = "reference") -> list[Input]:
        """Read input images. From any thread, but links only from another one than the loop's.

        Raises:
            NotFound: an input image is gone from the store.
            InvalidRequest: an input image cannot be read.
        """
        return [self._input(item, role) for item in items]

    def editors(self, near: str) -> Able:
        """Return the models that take images with words and can be used now, those of a provider first."""
        return able_models(
            self.registry,
            self.keys,
            lambda spec: spec.references is not None and spec.prompt != "none",
            near=near,
            known=self.panel.known_models,
        )

    def ask(
        self,
        checked: Checked,
        *,
        topic_id: str | None,
        title: str | None = None,
        select: bool,
        confirm: bool,
        cache: bool | None,
    ) -> BatchHandle:
        """Begin a checked request and return its handle at once. From any thread but the loop's.

        Args:
            checked: the request.
            topic_id: the topic, or None for a new one.
            title: the title of a new topic; None takes the first words of the prompt.
            select: True where the topic becomes the active one.
            confirm: True where the user agreed to pay an unknown price.
            cache: True returns the stored batch of the same request, where there is one; None as `cache` of
                the studio.
        """

        def begin() -> BatchHandle:
            self.look_for_key(checked.provider)
            allow = partial(self.allow, confirm=confirm)
            prepared = self.prepare(checked, topic_id=topic_id, title=title, allow=allow)
            return self.begin(prepared, select=select, confirm=confirm)

        if not (self.cache if cache is None else cache):
            return begin()
        with self.one_at_a_time:
            kept = self.call(self.same_request, checked.request)
            if kept is None:
                return begin()
        tell_kept(kept, wanted=self.progress)
        return kept

    def edit(
        self,
        picture: GenerationHandle,
        prompt: str,
        *,
        model: str | None,
        n: int,
        topic: TopicHandle | str | None,
        references: ReferenceLike | Sequence[ReferenceLike],
        mask: ReferenceLike | None,
        confirm: bool,
        cache: bool | None,
        params: Mapping[str, Any],
    ) -> BatchHandle:
        """Ask for a change of an image; see `GenerationHandle.edit`. From any thread but the loop's."""
        self.check_open()
        ((entry, generation),) = self.rows(picture)
        # An image that is not there is refused before its model is.
        _ = picture.path
        batch = entry.batch
        name = model or f"{batch.provider}:{batch.model}"
        try:
            self.learn(name)
            _, spec = self.model(name)
        except NotFound as error:
            if model is not None:
                raise
            able = self.editors(batch.provider)
            raise NotFound(error.message, next_step=able.advice("takes images")) from None
        topic_id, title = (batch.topic_id, None) if topic is None else self.topic_named(topic)
        checked = self.check(
            prompt,
            model=name,
            n=n,
            references=[picture, *several(references)],
            mask=mask,
            params=kept_params(spec, entry, generation, params),
            action="edit",
        )
        return self.ask(checked, topic_id=topic_id, title=title, select=False, confirm=confirm, cache=cache)

    def topic_named(self, topic: TopicHandle | str) -> tuple[str | None, str | None]:
        """Return the id of the topic to use, or None and the title of the topic to make."""
        if isinstance(topic, TopicHandle):
            return topic.id, None
        return self.call(self.topics.find, topic)

    async def wanted(
        self,
        generation_id: str,
        action: Ability,
        *,
        model: str | None,
        prompt: str | None,
        params: Mapping[str, Any],
    ) -> WantedChange:
        """Return what a request is like that does something with a finished image.

        Args:
            generation_id: the image.
            action: what shall be done.
            model: ``"provider:id"``; None takes the best one that can be used now.
            prompt: the words; None takes those of the image, where the model needs words.
            params: the parameters that are given.

        Raises:
            NoAbleModel: no model that can be used now does this with the image, or the given one does not.
            NotFound: there is no such image or model, or its file is gone.
        """
        if model is not None:
            await self.offers.describe(model)
        entry, generation = await self.archive.generation(generation_id)
        reference = await self.references.of_result(generation_id)
        assert generation.asset is not None
        spec = chosen_model(
            self.registry,
            self.keys,
            entry,
            generation.asset,
            action,
            name=model,
            known=self.panel.known_models,
            runs=self.offers.runs,
        )
        words = prompt
        if words is None:
            words = await self._words_of(entry) if words_wanted(spec, action) else ""
        return WantedChange(
            model=spec.name,
            prompt=words,
            params=follow_up_params(spec, entry, generation, action, params),
            reference=reference,
            topic_id=entry.batch.topic_id,
        )

    async def _words_of(self, entry: Entry) -> str:
        """Return the prompt of a batch, or of the nearest version before it that has one."""
        for _ in range(MOST_VERSIONS):
            if entry.batch.prompt or not entry.batch.parents:
                break
            try:
                entry, _ = await self.archive.generation(entry.batch.parents[0])
            except NotFound:
                break
        return entry.batch.prompt

    def follow_up(
        self,
        picture: GenerationHandle,
        action: Ability,
        *,
        model: str | None,
        prompt: str | None,
        n: int,
        topic: TopicHandle | str | None,
        mask: ReferenceLike | None,
        confirm: bool,
        cache: bool | None,
        params: Mapping[str, Any],
    ) -> BatchHandle:
        """Do something with an image; see `GenerationHandle.upscale`. From any thread but the loop's."""
        self.check_open()
        # An image that is not there is refused before its model is.
        _ = picture.path
        wanted = self.call(
            partial(self.wanted, picture.id, action, model=model, prompt=prompt, params=params)
        )
        topic_id, title = (wanted.topic_id, None) if topic is None else self.topic_named(topic)
        checked = self.check(
            wanted.prompt,
            model=wanted.model,
            n=n,
            references=[wanted.reference],
            mask=mask,
            params=wanted.params,
            action=action,
        )
        return self.ask(checked, topic_id=topic_id, title=title, select=False, confirm=confirm, cache=cache)

    async def same_request(self, request: Request) -> BatchHandle | None:
        """Return the newest batch of the same request whose images are all there or still come, or None.

        Requests that were begun before are stored before this one looks, because the store has one thread.
        """
        digest = digest_of(request)
        found = await self.archive.in_store(self.archive.store.same_requests, [digest])
        entry = found.get(digest)
        if entry is None:
            return None
        urls = [one.asset.url for one in entry.generations if one.asset is not None]
        if not await self.archive.in_pool(self.files.exist, urls):
            return None
        return BatchHandle(self, self.live.batch(entry), cached=True)

    def prepare(
        self,
        checked: Checked,
        *,
        topic_id: str | None,
        title: str | None = None,
        click_id: str | None = None,
        allow: Callable[[Prepared], None] | None = None,
    ) -> Prepared:
        """Look at key and budget, store the input images of a request, and return its rows.

        The requests of one click share a `click_id`. `allow` may refuse a request before any file is
        written. Without it, `add` refuses a request that the budget does not allow.

        Raises:
            InvalidRequest: the title cannot be stored.
            MissingKey: the provider's key is not set.
        """
        if title is not None:
            check_title(title)
        prepared = self.rows_for(checked, topic_id=topic_id, title=title, click_id=click_id)
        if allow is not None:
            allow(prepared)
        self.keep_inputs(checked.inputs)
        return prepared

    def rows_for(
        self,
        checked: Checked,
        *,
        topic_id: str | None,
        title: str | None = None,
        click_id: str | None = None,
        sweep_id: str | None = None,
    ) -> Prepared:
        """Look at the key, and return the rows of a request, whose input images are not stored yet.

        Raises:
            MissingKey: the provider's key is not set.
        """
        if self.keys.state(checked.provider.spec) == "missing":
            raise missing_key(checked.provider.spec)
        return prepare(
            checked.provider,
            checked.spec,
            checked.request,
            self.owner,
            topic_id=topic_id,
            title=title,
            click_id=click_id,
            sweep_id=sweep_id,
            action=checked.action,
            now=self._clock.now(),
        )

    def keep_inputs(self, inputs: Sequence[Input]) -> None:
        """Store input images that rows are about to name."""
        for item in inputs:
            if item.data is not None:
                self.archive.store.assets.add_reference(item.data)

    def topic_for(self, prompt: str, title: str | None) -> Topic:
        """Return a new topic, which is not stored.

        Raises:
            InvalidRequest: the title cannot be stored.
        """
        if title is not None:
            check_title(title)
        return topic_for(prompt, self.owner, title=title, now=self._clock.now())

    def coming(self, topic_id: str) -> Topic | None:
        """Return a topic that another request is about to store, or None."""
        known = tuple(self._coming.values())
        return next((topic for topic in known if topic.id == topic_id), None)

    def _input(self, item: ReferenceLike | Input, role: Role = "reference") -> Input:
        if isinstance(item, Input):
            return item
        if isinstance(item, Reference):
            return self.references.stored(item, role)
        link = link_of(item, role)
        return read_input(item if link is None else self.call(self.clients.fetch, link), role)

    def allow(self, prepared: Prepared, *, confirm: bool) -> None:
        """Refuse a request that the budget does not allow. From any thread but the loop's.

        Raises:
            OverBudget: the budget does not allow it.
            PriceUnknown: there is a budget and no known price, and the user did not confirm.
        """
        if self.engine.budget is not None:
            self.call(partial(self.engine.refuse_beyond_budget, prepared.entry.tasks, confirm=confirm))

    def begin(self, prepared: Prepared, *, select: bool, confirm: bool) -> BatchHandle:
        """Return the handle of a request at once, and store and start the request on the loop.

        Args:
            prepared: the request that `prepare` returned.
            select: True where its topic becomes the active one.
            confirm: True where the user agreed to pay an unknown price.
        """
        batch = prepared.entry.batch
        if select and self.topics.active is None:
            # The next call without a topic uses the same topic, even if it comes before this one is stored.
            self.topics.active = batch.topic_id
        # Such a call must make the topic where this one fails.
        topic = prepared.new_topic or self.coming(batch.topic_id)
        if topic is not None:
            self._coming[batch.id] = topic
        handle = self.handle(prepared.entry)
        self.start(partial(self._begin, prepared, handle, select=select, confirm=confirm))
        return handle

    async def _begin(self, prepared: Prepared, handle: BatchHandle, *, select: bool, confirm: bool) -> None:
        batch = prepared.entry.batch
        coming = self._coming.get(batch.id)
        try:
            await self.add([prepared], coming=coming, select=select, confirm=confirm)
        except Exception as error:
            # Code that waits for the handle must get the error, or it would wait for ever.
            self.live.batch(prepared.entry).fail(error)
            known = self._coming.pop(batch.id, None)
            waiting = any(topic.id == batch.topic_id for topic in tuple(self._coming.values()))
            if known is not None and not waiting and self.topics.active == batch.topic_id:
                # The topic was not stored, so the next request makes a new one.
                self.topics.active = None
            if not isinstance(error, ImgplayError):
                logger.exception("A request could not be stored")
            message = error.message if isinstance(error, ImgplayError) else "The log has the details."
            notice = Notice(kind="other", message=f"A request could not be stored. {message}")
            self._on_change(NoticeGiven(notice=notice))
        else:
            # The topic is stored. The failure of another request does not concern it.
            for batch_id, topic in tuple(self._coming.items()):
                if topic.id == batch.topic_id:
                    self._coming.pop(batch_id, None)

    async def add(
        self,
        prepared: Sequence[Prepared],
        *,
        coming: Topic | None = None,
        select: bool,
        confirm: bool = False,
        source: str | None = None,
    ) -> Topic:
        """Store the requests of one click, or none of them, start them, and return their topic.

        Args:
            prepared: the requests that `prepare` returned, all for one topic; the first one has a new topic.
            coming: the topic, where an earlier request that may fail makes it.
            select: True where the topic becomes the active one.
            confirm: True where the user agreed to pay an unknown price.
            source: the page that asked (see `SettingWritten`).
        """
        new_topic = prepared[0].new_topic or coming
        topic = await self.engine.add([one.entry for one in prepared], new_topic, confirm=confirm)
        batch = prepared[0].entry.batch
        new = prepared[0].new_topic is not None
        await self.after_adding(topic, batch.prompt, batch, new=new, select=select, source=source)
        return topic

    async def after_adding(
        self,
        topic: Topic,
        prompt: str,
        batch: Batch | None,
        *,
        new: bool,
        select: bool,
        source: str | None = None,
    ) -> None:
        """Name a topic after what was just added to it, and choose it.

        Args:
            topic: the topic.
            prompt: the prompt whose first words a topic without a title gets.
            batch: the first batch that was added, or None where the store had all.
            new: True where the topic was made with it. Later batches do not change the title.
            select: True where the topic becomes the active one.
            source: the page that asked (see `SettingWritten`).
        """
        try:
            if topic.title is None:
                new, topic = True, await self.curator.title_topic(topic.id, first_words(prompt), by="prompt")
            if new and batch is not None and topic.title_by == "prompt" and self.writer.names_topics:
                self.archive.aside(self.writer.entitle(topic.id, batch))
            if select:
                await self.topics.select(topic.id, source=source)
        except ImgplayError as error:
            # The requests are stored and run. Only the title or the choice of the topic was not written.
            logger.warning("A topic could not be named or chosen: %s", error.message)

    # -------------------------------------------------------------- calls of handles and of the public calls

    def handle(self, entry: Entry) -> BatchHandle:
        """Return a handle of a batch."""
        return BatchHandle(self, self.live.batch(entry))

    def generation_handles(self, rows: Sequence[tuple[Entry, Generation]]) -> Generations:
        """Return handles of generations that were just read with their batches."""
        batches = {entry.batch.id: self.handle(entry) for entry, _ in rows}
        handles = {one.id: one for batch in batches.values() for one in batch}
        return Generations(handles[one.id] for _, one in rows if one.id in handles)

    def topic_handle(self, topic: Topic) -> TopicHandle:
        """Return a handle of a topic that was just read."""
        return TopicHandle(self, self.live.topic(topic))

    def rows(self, images: Images) -> list[tuple[Entry, Generation]]:
        """Return the generations that are meant, each with its batch.

        Raises:
            NotFound: a generation was deleted.
        """
        found: list[tuple[Entry, Generation]] = []
        for item in [images] if isinstance(images, BatchHandle | GenerationHandle) else images:
            batch = item if isinstance(item, BatchHandle) else item.batch
            live = self.live.held(batch.id)
            several = item if isinstance(item, BatchHandle) else (item,)
            found += [(live.entry, live.generation(one.id)) for one in several]
        return found

    async def cancel(self, batch_id: str, generation_id: str | None = None) -> None:
        """Stop the unfinished tasks of a batch, or the task of one generation."""
        await self.engine.cancel([batch_id], generation_id)

    async def retry(self, batch_id: str, generation_id: str | None = None, *, confirm: bool = False) -> None:
        """Run one failed generation again, or all failed generations of a batch."""
        await self.engine.retry(batch_id, generation_id, confirm=confirm)

    async def star(self, generation_ids: Sequence[str], starred: bool) -> None:  # noqa: FBT001 - goes through `call`
        """Star images, or take the stars away."""
        await self.curator.star(generation_ids, starred=starred)

    async def score(self, scores: Mapping[str, Mapping[str, float | None]]) -> None:
        """Set scores of images by their ids, or remove them (None)."""
        await self.curator.score(scores)

    async def tag(
        self, generation_ids: Sequence[str], *, add: Collection[str] = (), remove: Collection[str] = ()
    ) -> None:
        """Give images tags, and take tags away."""
        await self.curator.tag(generation_ids, add=add, remove=remove)

    async def rename_topic(self, topic: str, title: str) -> Topic:
        """Set the title of a topic, which is named by its id or its title."""
        return await self.topics.rename(topic, title)

    async def pin_topic(self, topic: str, pinned: bool) -> Topic:  # noqa: FBT001 - goes through `call`
        """Pin a topic, which is named by its id or its title, to the top of the list, or unpin it."""
        return await self.curator.pin_topic(await self.topics.existing(topic), pinned=pinned)

    async def choose_cover(self, generation_id: str) -> Topic:
        """Make an image the cover of its topic, and return the topic."""
        entry, _ = await self.archive.generation(generation_id)
        return await self.covers.choose(entry.batch.topic_id, generation_id)

    async def parents(self, batch_id: str) -> Generations:
        """Return the generations among the references of a batch, in their order."""
        return self.generation_handles(await self.archive.in_store(self.archive.store.parents, batch_id))

    async def children(self, generation_id: str) -> Generations:
        """Return the generations that were made from a generation, oldest first."""
        return self.generation_handles(
            await self.archive.in_store(self.archive.store.children, generation_id)
        )

    async def lineage(self, generation_id: str) -> tuple[Lineage, Mapping[str, Revision]]:
        """Return the chain of a generation, and what changed in each version, by the ids of the versions.

        Raises:
            NotFound: there is no such generation.
        """
        found = await self.archive.in_store(self.archive.store.lineage, generation_id)
        if found is None:
            raise gone("generation", generation_id)
        # Long prompts take a while to be compared.
        return found, await self.archive.in_pool(revisions, found, self.registry)

    async def chain(self, generation_id: str) -> Chain:
        """Return the versions of an image, from the first ancestor to this one."""
        found, changes = await self.lineage(generation_id)
        path = [one for one in (*found.ancestors, found.shown) if one in found.versions]
        words = {one: in_words(changes[one]) for one in path if one in changes}
        return Chain(self.generation_handles([found.versions[one] for one in path]), words)

    async def known(self, digest: str, found: FileRecipe | None) -> tuple[Entry, Generation] | None:
        """Return the image of this store that a file is, with its batch, or None.

        Args:
            digest: the sha256 of the file.
            found: what the file says. A saved file names the image and the original from which it was saved.
        """
        own: Mapping[str, Any] = {} if found is None or found.own is None else found.own
        named, original = own.get("generation_id"), own.get("digest")
        if isinstance(named, str) and isinstance(original, str):
            with contextlib.suppress(NotFound):
                entry, generation = await self.archive.generation(named)
                if generation.asset is not None and generation.asset.digest == original:
                    return entry, generation
            made = await self.archive.generation_of(original)
            if made is not None:
                return made
        return await self.archive.generation_of(digest)

    async def newest(self, topic_id: str | None, limit: int, wanted: Wanted = EVERYTHING) -> Batches:
        """Return the newest batches of a topic, or of all topics (None), newest first.

        Raises:
            InvalidRequest: the limit is out of range.
        """
        count = check_limit(limit)
        # This runs on the loop, so that the handle misses no change after the reading.
        page = await self.archive.feed(topic_id, limit=count, wanted=wanted)
        return Batches(self.handle(entry) for entry in page.entries)

    # -------------------------------------------------------------- deleting

    async def delete(self, kind: Kind | Literal["sweep"] | None, id: str) -> None:
        """Delete a topic, a batch, a sweep or a generation. Without a kind, the id finds which is meant.

        Raises:
            NotFound: there is no such thing.
        """
        kind = kind or await self._kind(id)
        if kind == "sweep":
            await self.sweeps.delete(id)
        else:
            await self.curator.delete(kind, [id])

    async def restore(self, kind: Kind | Literal["sweep"] | None, id: str) -> None:
        """Bring back a deleted topic, batch, sweep or generation. Without a kind, the id finds which.

        Raises:
            NotFound: it is gone for good, or never existed.
        """
        if kind in ("sweep", None) and await self.curator.restore_sweep(id):
            return
        kinds: tuple[Kind, ...] = ("topic", "batch", "generation")
        for one in kinds:
            if kind in (one, None) and (await self.curator.restore(one, [id])).ids:
                return
        await self._kind(id)

    async def _kind(self, id: str) -> Kind | Literal["sweep"]:
        with contextlib.suppress(NotFound):
            await self.archive.topic(id)
            return "topic"
        with contextlib.suppress(NotFound):
            await self.engine.entry(id)
            return "batch"
        with contextlib.suppress(NotFound):
            await self.archive.sweep(id)
            return "sweep"
        await self.archive.generation(id)
        return "generation"

    # -------------------------------------------------------------- backups

    def backup(self, path: str | os.PathLike[str]) -> Path:
        """Write a backup of the whole store on the caller's thread, and return its path."""
        target, store = path_of(path, "path"), self.archive.store
        missing = write_backup(
            target, lambda part: self.call(self.archive.in_store, store.snapshot, part), store.assets
        )
        if missing:
            logger.warning("Files that the history names are gone, and so from the backup: %s", missing)
        return target

    # -------------------------------------------------------------- settings

    @property
    def budget(self) -> Decimal | None:
        """The most USD that may be spent a day, or None for any amount."""
        return self.engine.budget

    @budget.setter
    def budget(self, limit: Decimal | None) -> None:
        self.engine.budget = limit
        self.start(self._tell_spending)

    async def _tell_spending(self) -> None:
        self.spending.tell()

    # -------------------------------------------------------------- changes

    def report_failure(self, what: str, error: BaseException) -> None:
        """Show on the pages that a function of the user failed. Any thread may call this.

        Args:
            what: names the function, at the start of a sentence.
            error: its error, which the log has already.
        """
        text = clean(f"{what} failed: {type(error).__name__}: {error}", MAX_FAILURE)
        notice = Notice(kind="other", message=f"{text} (The log has the details.)")
        with contextlib.suppress(StudioClosed):
            self.start(self._tell_failure, NoticeGiven(notice=notice, level="error"))

    async def _tell_failure(self, change: NoticeGiven) -> None:
        self._on_change(change)

    def subscribe(self, subscriber: Subscriber, *, every: float = PUBLISH_EVERY) -> Callable[[], None]:
        """Send every change to a subscriber, bundled, and return the function that ends this.

        Args:
            subscriber: is called on the loop with the changes.
            every: the fewest seconds between two deliveries.
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
        """Pass a change on to all parts and subscribers. On the loop."""
        self.live.heed(change)
        self.analysis.heed(change)
        self.topics.heed(change)
        self.panel.heed(change)
        self.spending.heed(change)
        if isinstance(change, EntryChanged):
            entry = change.entry
            self.callbacks.tell(entry, change.generation_ids, lambda: self.handle(entry).generations)
        for subscription in self._subscriptions:
            subscription.put(change)

    # -------------------------------------------------------------- life

    def now(self) -> datetime:
        """Return the present time by the studio's clock, aware UTC."""
        return self._clock.now()

    @property
    def location(self) -> str:
        """The store's address, without a password."""
        return self.archive.store.location

    @property
    def notices(self) -> list[Notice]:
        """Messages to the user about the store and the providers."""
        return [*self.archive.store.notices, *self.registry.notices]

    @property
    def closed(self) -> bool:
        """True once the core was closed."""
        return self._closed

    def close(self, wait: float = CLOSE_WAIT) -> None:
        """Stop the engine and close the store, once. Running tasks go on at the next start.

        Args:
            wait: the most seconds to wait for the engine.
        """
        if self._closed or os.getpid() != self._pid:
            return
        # Functions for finished images still find the studio open, if they do not take long.
        self.callbacks.close(min(wait, CALLS_WAIT))
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._subscriptions.clear()
        # The engine may be too slow, or the interpreter may have stopped its threads already. Then the next
        # start continues from the stored rows.
        with contextlib.suppress(TimeoutError, RuntimeError, CancelledError):
            self._portal.start_task_soon(self.engine.close).result(wait)
        self.live.close()
        self._portal.start_task_soon(self._portal.stop, True)  # noqa: FBT003 - anyio's own argument
        self._loop.join(wait)

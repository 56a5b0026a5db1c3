"""The content of the config panel and of the prompt box, as code reads and writes it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget import catalog
from imgplay_widget._rules.changes import (
    Change,
    DraftWritten,
    ModelsWritten,
    Removed,
    SettingWritten,
    StoreWritten,
)
from imgplay_widget._studio.topics import ACTIVE_TOPIC
from imgplay_widget._text import shown
from imgplay_widget.errors import ImgplayError, InvalidRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._studio.drafts import Drafts
    from imgplay_widget._studio.topics import Topics
    from imgplay_widget._types import JSON
    from imgplay_widget.providers.registry import Registry

__all__ = ["CONFIG", "DEFAULT_MODEL", "MAX_PROMPT", "Panel", "PanelValues"]

logger = logging.getLogger("imgplay_widget")

CONFIG = "config"
"""The setting with the content of the config panel."""

DEFAULT_MODEL = "demo:instant"
"""The model before the user chose one. It needs no key and costs nothing."""

MAX_PROMPT = 100_000
"""The most characters of a prompt in the prompt box. Models have lower limits of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelValues:
    """What the config panel and the prompt box show.

    Attributes:
        model: ``"provider:id"``.
        params: the value of each parameter of the model, with the defaults. None: not sent.
        n: the number of images that a click makes with each model.
        prompt: the text in the prompt box of the active topic.
    """

    model: str
    params: dict[str, JSON]
    n: int
    prompt: str


class Panel:
    """The config panel of a studio, which its pages and its code share. Its coroutines run on the loop.

    Args:
        archive: the store.
        registry: the providers.
        drafts: the drafts of topics.
        topics: the topics, and the active one.
        learn: asks what a model takes of which only the id is known.
        notify: called with each change, after the change was committed.
        config: the stored values.
        max_count: the most images of one request.

    Attributes:
        config: the stored values.
        followers: functions that are called on the loop after each change, with whether a page gave the panel
            other values than it had. They must not block or raise.
    """

    def __init__(
        self,
        archive: Archive,
        registry: Registry,
        drafts: Drafts,
        topics: Topics,
        learn: Callable[[str], Coroutine[Any, Any, None]],
        notify: Callable[[Change], None],
        *,
        config: Mapping[str, Any],
        max_count: int,
    ) -> None:
        self._archive = archive
        self._registry = registry
        self._drafts = drafts
        self._topics = topics
        self._learn = learn
        self._notify = notify
        self._max_count = max_count
        # One write at a time: a change of one value must not bring back an older value of another.
        self._order = asyncio.Lock()
        self._prompt = ""
        # The topic whose prompt is known.
        self._prompt_of = topics.active
        self.config = config
        self.followers: list[Callable[[bool], None]] = []
        self._told: PanelValues | None = None

    async def start(self) -> None:
        """Read the prompt of the active topic. Where the store cannot be read, a later change brings it."""
        with contextlib.suppress(ImgplayError):
            await self._read_prompt(None)
        self._told = self.values

    # -------------------------------------------------------------- reading

    @property
    def model(self) -> str:
        """The chosen model, ``"provider:id"``. A model that was chosen earlier may be gone."""
        return self.config.get("model") or DEFAULT_MODEL

    @property
    def known_models(self) -> list[str]:
        """The names of the models that the user starred, and of those that were used last."""
        return [*self.config.get("starred_models", ()), *self.config.get("recent_models", ())]

    @property
    def values(self) -> PanelValues:
        """What the panel shows now. Any thread may read it."""
        config, model = self.config, self.model
        stored: Mapping[str, JSON] = config.get("params", {}).get(model, {})
        params = dict(stored)
        with contextlib.suppress(NotFound):
            spec = self._registry.find(model)[1]
            params = {one.name: stored.get(one.name, one.default) for one in spec.parameters}
        count = min(config.get("count", 1), self._max_count)
        return PanelValues(model=model, params=params, n=count, prompt=self._prompt)

    # -------------------------------------------------------------- writing

    async def save_config(self, config: Mapping[str, Any], *, source: str | None = None) -> None:
        """Store the values of the panel. `source` is the page that wrote them (see `SettingWritten`)."""
        async with self._order:
            await self._save(config, source)

    async def _save(self, config: Mapping[str, Any], source: str | None = None) -> None:
        await self._archive.save_setting(CONFIG, config)
        self.config = config
        self._notify(SettingWritten(name=CONFIG, value=config, source=source))

    async def choose_model(self, name: object) -> None:
        """Choose a model, and no other model beside it. It has the values that it was last used with.

        Raises:
            InvalidRequest: the name is not text.
            NotFound: there is no such model.
        """
        if not isinstance(name, str):
            raise InvalidRequest(f'model={shown(name)} is not text: write "provider:id".', parameter="model")
        chosen = self._registry.find(name)[1].name
        self._archive.aside(self._learn(chosen))
        async with self._order:
            if chosen != self.config.get("model") or self.config.get("also_models"):
                # Code that names a model means this model alone.
                await self._save({**self.config, "model": chosen, "also_models": []})

    async def set_params(self, params: object) -> None:
        """Set the parameters of the chosen model. A parameter that is not given gets its default.

        Raises:
            UnknownParameter: the model has no such parameter.
            InvalidRequest: the parameters are not a dict, or a value is out of its range.
            NotFound: the model is gone.
        """
        if not isinstance(params, Mapping):
            raise InvalidRequest(
                f"params={shown(params)} is not a dict.",
                parameter="params",
                next_step='Assign a dict such as {"width": 1024}.',
            )
        given = cast("Mapping[str, Any]", params)
        async with self._order:
            spec = self._registry.find(self.model)[1]
            checked = catalog.make_request(spec, params=given, partial=True).params
            defaults = {one.name: one.default for one in spec.parameters}
            # A missing parameter has its default, so that a later default of the model is used.
            values = {name: checked.get(name) for name in given if checked.get(name) != defaults[name]}
            stored: Mapping[str, Any] = self.config.get("params", {})
            await self._save({**self.config, "model": spec.name, "params": {**stored, spec.name: values}})

    async def set_count(self, n: object) -> None:
        """Set the number of images that a click makes.

        Raises:
            InvalidRequest: the number is out of its range.
        """
        count = catalog.check_count(n, self._max_count)
        async with self._order:
            await self._save({"model": DEFAULT_MODEL, **self.config, "count": count})

    async def set_prompt(self, prompt: object) -> None:
        """Set the text in the prompt box of the active topic. Its input images stay.

        Raises:
            InvalidRequest: the prompt is not text, or it is too long.
        """
        if not isinstance(prompt, str):
            raise InvalidRequest(f"prompt={shown(prompt)} is not text.", parameter="prompt")
        if len(prompt) > MAX_PROMPT:
            raise InvalidRequest(
                f"prompt has {len(prompt)} characters: {MAX_PROMPT} are the most.", parameter="prompt"
            )
        catalog.check_text("prompt", prompt)
        await self._drafts.set_prompt(self._topics.active, prompt)

    # -------------------------------------------------------------- changes

    def heed(self, change: Change) -> None:
        """Follow a change of the panel, of the active topic or of its draft. On the loop."""
        match change:
            case SettingWritten(name=name, source=source) if name == CONFIG:
                self._tell(source)
            case DraftWritten(source=source) if change.topic_id == self._topics.active:
                self._take(change.topic_id, change.draft.prompt, source)
            case Removed(source=source) if self._prompt_of in change.topic_ids:
                self._archive.aside(self._read_again(source))
            case SettingWritten(name=name, source=source) if name == ACTIVE_TOPIC:
                self._archive.aside(self._read_again(source))
            case StoreWritten():
                self._archive.aside(self._read_again(None))
            case ModelsWritten():
                # The chosen model may have other parameters now.
                self._tell(None)
            case _:
                pass

    async def _read_again(self, source: str | None) -> None:
        try:
            await self._read_prompt(source)
        except ImgplayError as error:
            logger.warning("The prompt of a topic could not be read: %s", error.message)

    async def _read_prompt(self, source: str | None) -> None:
        topic_id = self._topics.active
        draft = await self._drafts.read(topic_id)
        if topic_id == self._topics.active:
            self._take(topic_id, draft.prompt, source)

    def _take(self, topic_id: str | None, prompt: str, source: str | None) -> None:
        self._prompt_of = topic_id
        if prompt != self._prompt:
            self._prompt = prompt
            self._tell(source)

    def _tell(self, source: str | None) -> None:
        before, self._told = self._told, self.values
        by_page = source is not None and before != self._told
        for follower in tuple(self.followers):
            follower(by_page)

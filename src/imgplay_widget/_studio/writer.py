"""The text models of the providers: which one writes, and what it is asked to write.

A `Writer` lives on the engine's loop. It names topics, unasked, and rewrites prompts, when the user asks.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from imgplay_widget._rules import prompts, titles
from imgplay_widget.errors import BadResponse, ImgplayError, InvalidRequest, MissingKey, NotFound

if TYPE_CHECKING:
    from imgplay_widget._engine.clients import Clients
    from imgplay_widget._engine.curator import Curator
    from imgplay_widget._types import Batch, ModelSpec
    from imgplay_widget.providers.base import Provider
    from imgplay_widget.providers.keys import Keys
    from imgplay_widget.providers.registry import Registry

__all__ = ["TextModel", "Writer"]

logger = logging.getLogger("imgplay_widget")


class TextModel(NamedTuple):
    """A text model that can be asked."""

    provider: Provider
    id: str

    @property
    def name(self) -> str:
        """``"provider:id"``."""
        return f"{self.provider.spec.name}:{self.id}"


class Writer:
    """Has text models write.

    Args:
        clients: the ways to the providers.
        curator: titles topics.
        registry: the providers.
        keys: the keys.
        chosen: ``"provider:model"`` for the one that always writes, ``"auto"`` for any, or ``"off"`` for any
            but not for titles.
    """

    def __init__(
        self, clients: Clients, curator: Curator, registry: Registry, keys: Keys, chosen: str
    ) -> None:
        self._clients = clients
        self._curator = curator
        self._registry = registry
        self._keys = keys
        self._chosen = chosen

    @property
    def names_topics(self) -> bool:
        """False where the first words of a prompt shall stay a topic's title."""
        return self._chosen != "off"

    def candidates(self) -> list[Provider]:
        """Gives the providers that may write: that of the chosen text model, else all that have one."""
        return [provider for provider in self._registry.providers() if self.text_model(provider)]

    def model(self, first: str) -> TextModel | None:
        """Gives the text model that writes, or None where no key opens one.

        Args:
            first: the name of the provider that goes before the others: that of the image model.
        """
        ready = [p for p in self.candidates() if self._keys.state(p.spec) != "missing"]
        ready.sort(key=lambda provider: provider.spec.name != first)
        return TextModel(ready[0], self.text_model(ready[0])) if ready else None

    def text_model(self, provider: Provider) -> str:
        """Gives the id of a provider's text model that may write, or "" where it has none."""
        if self._chosen in ("auto", "off"):
            return provider.text_model() or ""
        name, _, model = self._chosen.partition(":")
        return model if name == provider.spec.name else ""

    async def entitle(self, topic_id: str, batch: Batch) -> None:
        """Has a text model name a topic. The first words of the prompt stay where it cannot."""
        try:
            model = self.model(batch.provider)
            if model is None:
                return
            answer = await self._clients.write_text(
                model.provider, model.id, titles.INSTRUCTION, batch.prompt
            )
            title = titles.tidy(answer)
            if title is not None:
                await self._curator.title_topic(topic_id, title, by="model")
        except ImgplayError as error:
            # A title is a courtesy: nobody is troubled when it does not come.
            logger.info("A topic was not named: %s", error.message)

    async def improve(self, prompt: str, mode: str, spec: ModelSpec) -> str:
        """Has a text model rewrite a prompt, in one call.

        Args:
            prompt: the user's.
            mode: one of `prompts.MODES`.
            spec: the image model: its provider writes before others, and its limit counts.

        Raises:
            InvalidRequest: there is no prompt, or no such mode.
            MissingKey: no key opens a text model.
            NotFound: the provider of the chosen text model is not there.
            ProviderError: it did not answer, or not with a prompt.
        """
        if mode not in prompts.MODES:
            known = " or ".join(f'"{one}"' for one in prompts.MODES)
            raise InvalidRequest(f"mode={mode!r} is not {known}.", parameter="mode")
        prompt = prompt.strip()
        if not prompt:
            raise InvalidRequest(
                "prompt is empty.", parameter="prompt", next_step="Write some words to begin with."
            )
        provider, model = await self._ready(spec.provider)
        told = prompts.instruction(mode, prompt, spec.max_prompt)
        answer = await self._clients.write_text(provider, model, told, prompt)
        text = prompts.rewritten(mode, prompt, answer, spec.max_prompt)
        if text is None:
            raise BadResponse(
                f"{provider.spec.title}'s text model {model} did not answer with a prompt.",
                provider=provider.spec.name,
                next_step="Your prompt is as it was. Try again, or use other words.",
            )
        return text

    async def _ready(self, first: str) -> TextModel:
        """The text model that writes; keys are looked for in slow places too.

        Raises: as `improve` does.
        """
        candidates = self.candidates()
        if self.model(first) is None and candidates:
            await self._clients.look_for_keys([provider.spec for provider in candidates])
        model = self.model(first)
        if model is not None:
            return model
        if not candidates:
            raise NotFound(
                f"There is no provider for the text model {self._chosen!r}.",
                next_step="Give titles= a text model of a provider that is there.",
            )
        specs = [provider.spec for provider in candidates]
        raise MissingKey(
            "Improving a prompt needs a text model, and no key of a provider that has one is set.",
            next_step=f"Set a key of {_any_of([spec.title for spec in specs])}: "
            f"call set_key({specs[0].name!r}), or set the environment variable "
            f"{_any_of([spec.key_variables[0] for spec in specs])}.",
        )


def _any_of(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

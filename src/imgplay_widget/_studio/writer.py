"""The choice of a text model, and the texts that it writes.

A `Writer` lives on the engine's loop. It names topics by itself, and rewrites a prompt when the user asks.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from imgplay_widget import catalog
from imgplay_widget._rules import prompts, titles
from imgplay_widget._rules.costs import price_unknown
from imgplay_widget._text import shown
from imgplay_widget.errors import BadResponse, ImgplayError, InvalidRequest, MissingKey, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from imgplay_widget._engine.clients import Clients
    from imgplay_widget._engine.curator import Curator
    from imgplay_widget._types import Batch, ModelSpec
    from imgplay_widget.errors import PriceUnknown
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
        """The name of the model, ``"provider:id"``."""
        return f"{self.provider.spec.name}:{self.id}"


class Writer:
    """The titles of topics and the improved prompts that text models write.

    Args:
        clients: the HTTP clients of the providers.
        curator: sets the titles of topics.
        registry: the providers.
        keys: the keys.
        chosen: the option `titles`: ``"provider:model"`` for a model that writes everything, ``"auto"`` for
            any model, or ``"off"`` for any model but without titles.
        budget: returns the USD that may be spent a day, or None for any amount.
    """

    def __init__(
        self,
        clients: Clients,
        curator: Curator,
        registry: Registry,
        keys: Keys,
        chosen: str,
        budget: Callable[[], Decimal | None],
    ) -> None:
        self._clients = clients
        self._curator = curator
        self._registry = registry
        self._keys = keys
        self._chosen = chosen
        self._budget = budget

    @property
    def names_topics(self) -> bool:
        """True where a text model writes titles; False keeps the first words of the prompt."""
        return self._chosen != "off"

    def candidates(self) -> list[Provider]:
        """Return the providers that may write: the provider of the chosen text model, else all with one."""
        return [provider for provider in self._registry.providers() if self.text_model(provider)]

    def model(self, first: str) -> TextModel | None:
        """Return the text model that writes, or None where no provider of a text model has a key.

        Args:
            first: the name of the preferred provider: the one of the image model.
        """
        ready = [p for p in self.candidates() if self._keys.state(p.spec) != "missing"]
        ready.sort(key=lambda provider: provider.spec.name != first)
        return TextModel(ready[0], self.text_model(ready[0])) if ready else None

    def text_model(self, provider: Provider) -> str:
        """Return the id of the text model of a provider that may write, or "" where it has none."""
        if self._chosen in ("auto", "off"):
            return provider.text_model() or ""
        name, _, model = self._chosen.partition(":")
        return model if name == provider.spec.name else ""

    async def entitle(self, topic_id: str, batch: Batch) -> None:
        """Let a text model name a topic. Where that fails, the first words of the prompt stay the title.

        With a budget, only a free text model is asked, or the text model that the user chose: nobody knows
        the price of the others.
        """
        try:
            model = self.model(batch.provider)
            if model is None or (self._chosen == "auto" and self._refusal(model)):
                return
            answer = await self._clients.write_text(
                model.provider, model.id, titles.INSTRUCTION, batch.prompt
            )
            title = titles.tidy(answer)
            if title is not None:
                await self._curator.title_topic(topic_id, title, by="model")
        except ImgplayError as error:
            # A title is a courtesy, so the user is not told that it did not come.
            logger.info("A topic was not named: %s", error.message)

    def _refusal(self, model: TextModel) -> PriceUnknown | None:
        """Return why a call of a text model needs the user's consent, or None where it does not."""
        budget = self._budget()
        if budget is None or catalog.cannot_bill(model.provider.spec):
            return None
        return price_unknown([model.name], budget)

    async def improve(self, prompt: str, mode: str, spec: ModelSpec, *, confirm: bool = False) -> str:
        """Let a text model rewrite a prompt in one call, and return the new prompt.

        Args:
            prompt: the user's prompt.
            mode: one of `prompts.MODES`.
            spec: the image model. Its provider is preferred, and its limit of characters is kept.
            confirm: True where the user agreed to pay an unknown price.

        Raises:
            InvalidRequest: the prompt is empty, or there is no such mode.
            PriceUnknown: there is a budget, and the user did not confirm.
            MissingKey: no provider of a text model has a key.
            NotFound: the provider of the chosen text model is not there.
            ProviderError: the text model did not answer, or not with a prompt.
        """
        if mode not in prompts.MODES:
            known = " or ".join(f'"{one}"' for one in prompts.MODES)
            raise InvalidRequest(f"mode={shown(mode)} is not {known}.", parameter="mode")
        prompt = prompt.strip()
        if not prompt:
            raise InvalidRequest(
                "prompt is empty.", parameter="prompt", next_step="Write some words to begin with."
            )
        writer = provider, model = await self._ready(spec.provider)
        refusal = self._refusal(writer)
        if refusal is not None and not confirm:
            raise refusal
        instruction = prompts.instruction(mode, prompt, spec.max_prompt)
        answer = await self._clients.write_text(provider, model, instruction, prompt)
        text = prompts.rewritten(mode, prompt, answer, spec.max_prompt)
        if text is None:
            raise BadResponse(
                f"{provider.spec.title}'s text model {model} did not answer with a prompt.",
                provider=provider.spec.name,
                next_step="Your prompt is as it was. Try again, or use other words.",
            )
        return text

    async def _ready(self, first: str) -> TextModel:
        """Return the text model that writes, after a search for keys in slow sources where that is needed.

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
                f"There is no provider for the text model {shown(self._chosen)}.",
                next_step="Set titles= to a text model of an installed provider.",
            )
        specs = [provider.spec for provider in candidates]
        raise MissingKey(
            "Improving a prompt needs a text model, and no provider that has one has a key.",
            next_step=f"Set a key of {_any_of([spec.title for spec in specs])}: "
            f"call set_key({specs[0].name!r}), or set the environment variable "
            f"{_any_of([spec.key_variables[0] for spec in specs])}.",
        )


def _any_of(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

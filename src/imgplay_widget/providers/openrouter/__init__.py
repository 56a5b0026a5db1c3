"""OpenRouter's Image API: many hosts' image models behind one call.

The protocol is that of OpenRouterTeam/docs, ``openapi/openapi.yaml`` and the page "Image Generation"
(2026-08-22). A run is billed whole or not at all, and each answer says what it cost.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pybase64

from imgplay_widget._types import Done, ModelSpec, Partial, Pending, Price, ProviderSpec, Unit
from imgplay_widget.errors import BadResponse, BillingError, ModelNotFound, ProviderError
from imgplay_widget.providers._shared.answers import (
    collected,
    image_of,
    items_of,
    read_images,
    table,
    text,
)
from imgplay_widget.providers._shared.chat import ask
from imgplay_widget.providers._shared.listed import records_of
from imgplay_widget.providers._shared.streams import streamed
from imgplay_widget.providers.cloud import HttpProvider
from imgplay_widget.providers.openrouter.errors import error_from
from imgplay_widget.providers.openrouter.models import general_model, listed_model
from imgplay_widget.providers.openrouter.prices import listed_price

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from imgplay_widget.providers.http import Http, Reply

__all__ = ["OpenRouter"]

_TEXT_MODEL = "google/gemini-3.1-flash-lite"
"""A small and cheap model, which the provider gemini uses too."""
_ID = re.compile(r"[\w.~-]+/[\w.-]+(:[\w.-]+)?")
_STREAMS = "openai/"
"""The only author whose models stream, by the API's description; other models ignore the wish."""
_EXPECTED_PARTIALS = 3
"""The documentation gives no number of previews; no more than these were seen."""


class OpenRouter(HttpProvider):
    """The Image API of OpenRouter.

    Args:
        base_url: another address of the same API, up to and including ``/api/v1``; None for OpenRouter.
    """

    spec = ProviderSpec(
        name="openrouter",
        title="OpenRouter",
        key_variables=("OPENROUTER_API_KEY",),
        key_url="https://openrouter.ai/settings/keys",
    )
    address = "https://openrouter.ai/api/v1"

    def model(self, id: str) -> ModelSpec | None:
        """Return the model of an id. Any ``author/slug`` may be a model."""
        return super().model(id) or (general_model(self.spec.name, id) if _ID.fullmatch(id) else None)

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Send one call and wait for its images."""
        return self._done(await self._plainly(unit, http), unit, http)

    async def _plainly(self, unit: Unit, http: Http) -> Reply:
        return await http.request("POST", f"{self.base_url}/images", json=_body(unit, http))

    def stream(self, unit: Unit, http: Http) -> AsyncGenerator[Partial | Pending | Done] | None:
        """Send one call with previews on the way, for a single image of a model that streams."""
        streams = unit.previews or unit.model.startswith(_STREAMS)
        if unit.n != 1 or not streams:
            return None
        return streamed(
            http.events("POST", f"{self.base_url}/images", json={**_body(unit, http), "stream": True}),
            http,
            partials=_EXPECTED_PARTIALS,
            whole=lambda reply: self._done(reply, unit, http),
            collect=lambda answer: self._collected(answer, unit, http),
            failed=lambda reply: error_from(reply, http),
            plainly=lambda: self._plainly(unit, http),
        )

    def text_model(self) -> str | None:
        """Return a small text model."""
        return _TEXT_MODEL

    async def write(self, model: str, instruction: str, text: str, http: Http) -> str:
        """Ask a text model by chat completions."""
        return await ask(http, f"{self.base_url}/chat/completions", model, instruction, text, error_from)

    async def discover(self, http: Http) -> Sequence[ModelSpec]:
        """Ask for all image models with the parameters that each of them takes, then for their prices."""
        answer = await self._asked("images/models", http)
        listed = (listed_model(self.spec.name, record) for record in records_of(answer, "data", http))
        found = [spec for spec in listed if spec is not None]
        prices = await self._prices(found, http)
        return [replace(spec, price=prices.get(spec.id)) for spec in found]

    async def _prices(self, specs: Sequence[ModelSpec], http: Http) -> dict[str, Price]:
        """Ask for the price of each model. Raise nothing: the list is of use without its prices too."""
        found: dict[str, Price] = {}
        for spec in specs:
            path = f"images/models/{quote(spec.id, safe='/:~')}/endpoints"
            try:
                answer = await self._asked(path, http)
            except (ModelNotFound, BadResponse):
                continue
            except ProviderError:
                # The next question would fail too. Models without a price here keep the shipped one.
                break
            price = listed_price(spec, answer, f"{self.base_url}/{path}")
            if price is not None:
                found[spec.id] = price
        return found

    async def check(self, http: Http) -> None:
        """Ask about the key, which costs nothing.

        Raises:
            BillingError: the key is good, but its own limit is used up.
            ProviderError: as in `Provider.check`.
        """
        known = table((await self._asked("key", http)).get("data"))
        left = known.get("limit_remaining")
        if isinstance(left, (int, float)) and left <= 0:
            raise BillingError(
                "The key is good, but its own limit is used up.",
                provider=self.spec.name,
                next_step="Raise the key's limit, or use another key.",
            )

    async def _asked(self, path: str, http: Http) -> dict[str, Any]:
        reply = await http.request("GET", f"{self.base_url}/{path}")
        if not reply.ok:
            raise error_from(reply, http)
        return read_images(reply.body, reply.content_type, http)

    def _done(self, reply: Reply, unit: Unit, http: Http) -> Done:
        if not reply.ok:
            raise error_from(reply, http)
        answer = read_images(reply.body, reply.content_type, http)
        if answer.get("error") and not answer.get("data"):
            raise error_from(reply, http)
        return self._collected(answer, unit, http, request_id=reply.request_id)

    def _collected(
        self,
        answer: Mapping[str, Any],
        unit: Unit,
        http: Http,
        *,
        request_id: str | None = None,
    ) -> Done:
        usage = table(answer.get("usage"))
        return collected(
            map(image_of, items_of(answer)),
            unit.n,
            http,
            cost=_cost(usage.get("cost")),
            request_id=request_id,
            usage=usage,
            served_by=text(answer.get("model")),
        )


def _body(unit: Unit, http: Http) -> dict[str, Any]:
    body: dict[str, Any] = {"model": unit.model, "prompt": unit.prompt, **unit.params}
    if unit.n > 1:
        # Models that make single images refuse the field itself.
        body["n"] = unit.n
    if unit.seed is not None:
        body["seed"] = unit.seed
    if unit.references:
        body["input_references"] = [
            {
                "type": "image_url",
                "image_url": {
                    "url": f"data:{r.media_type};base64,"
                    f"{pybase64.b64encode(http.reference(r)).decode('ascii')}"
                },
            }
            for r in unit.references
        ]
    return body


def _cost(value: object) -> str | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    # The shortest text of the number keeps 0.04 as 0.04. An exponent is never wanted.
    return format(Decimal(str(value)), "f")

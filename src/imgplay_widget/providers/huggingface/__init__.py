"""Hugging Face's router to its inference partners.

The wire: huggingface_hub ``inference/_providers`` (2026-08). One token for all; the body is that of the
partner that serves the model, and which one does, the Hub says. ``owner/name`` takes any partner,
``owner/name:fal-ai`` that one.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import Done, ModelSpec, Pending, ProviderSpec, Unit
from imgplay_widget.errors import BadResponse, ConnectFailed, Lost, ModelNotFound, NetworkError, ProviderError
from imgplay_widget.providers._shared.answers import rows, table, text
from imgplay_widget.providers._shared.failures import unbilled
from imgplay_widget.providers._shared.openai_errors import error_from
from imgplay_widget.providers.cloud import HttpProvider
from imgplay_widget.providers.huggingface.partners import PARTNERS, Partner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget.providers.http import Http, Reply

__all__ = ["HuggingFace"]

_HUB = "https://huggingface.co"
_TASK = "text-to-image"
_ID = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?::(?P<partner>[a-z0-9-]+))?")
_SHOWN = 20
"""Models of each partner that discovery lists; there are thousands, most of them small variants."""


class HuggingFace(HttpProvider):
    """Images from whichever partner serves a model of the Hub; one image a call.

    Args:
        base_url: the router; None for Hugging Face's.
        hub_url: where models are looked up; None for ``HF_ENDPOINT`` or Hugging Face's.
    """

    spec = ProviderSpec(
        name="huggingface",
        title="Hugging Face",
        key_variables=("HF_TOKEN",),
        key_url="https://huggingface.co/settings/tokens",
    )
    address = "https://router.huggingface.co"

    def __init__(self, base_url: str | None = None, *, hub_url: str | None = None) -> None:
        super().__init__(base_url)
        self._hub = (hub_url or os.environ.get("HF_ENDPOINT") or _HUB).rstrip("/")

    def model(self, id: str) -> ModelSpec | None:
        """Gives the model of that id: any ``owner/name``, with ``:partner`` to name who shall serve it."""
        match = _ID.fullmatch(id)
        if match is None or match["partner"] not in (None, *PARTNERS):
            return None
        known = super().model(match["repo"])
        return known if known and known.id == id else self._general(id, known)

    def takes_key(self, url: str) -> bool:
        """Says yes to the Hub's API, which issues the tokens."""
        return url.startswith(f"{self._hub}/api/") and self._hub.startswith("https://")

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Asks the Hub who serves the model, then sends one call there."""
        partner, served = await self._resolve(unit.model, http)
        repo = unit.model.partition(":")[0]
        call = partner.call(unit, repo, served)
        url = f"{self.base_url}/{partner.name}{call.path}"
        reply = await http.request("POST", url, json=call.fields, headers=call.headers)
        self._check(reply, http)
        return partner.answered(reply, unit, http)

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Asks for a job, at those partners that have a queue.

        Raises:
            Lost: the partner does not know it.
            ProviderError: the question failed.
        """
        partner = PARTNERS[ticket["partner"]]
        reply = await http.request("GET", f"{self.base_url}/{partner.name}{ticket['path']}")
        if reply.status in (404, 410):
            raise Lost("The partner no longer knows the job.", provider=self.spec.name)
        self._check(reply, http)
        return partner.polled(reply, ticket, http)

    async def discover(self, http: Http) -> Sequence[ModelSpec]:
        """Asks for the models that the partners serve, the first ones of each.

        Raises:
            ProviderError: it could not be asked.
        """
        found = {model.id: model for model in self.models()}
        for partner in PARTNERS:
            query = f"inference_provider={partner}&pipeline_tag={_TASK}&limit={_SHOWN}"
            reply = await http.request("GET", f"{self._hub}/api/models?{query}")
            self._check(reply, http)
            for row in map(table, rows(self._json(reply))):
                name = text(row.get("id"))
                if _ID.fullmatch(name):
                    found.setdefault(name, self._general(name, None))
        return list(found.values())

    async def check(self, http: Http) -> None:
        """Asks the Hub whose token it is.

        Raises:
            ProviderError: as in `Provider.check`.
        """
        self._check(await http.request("GET", f"{self._hub}/api/whoami-v2"), http)

    async def _resolve(self, model: str, http: Http) -> tuple[Partner, str]:
        """The partner that serves a model, and the model's id there."""
        repo, _, wanted = model.partition(":")
        url = f"{self._hub}/api/models/{repo}?expand[]=inferenceProviderMapping"
        try:
            reply = await http.request("GET", url)
        except NetworkError as error:
            # Only a question: the call itself was not sent.
            raise ConnectFailed(error.message, provider=self.spec.name) from None
        if reply.status in (401, 404):
            raise ModelNotFound(
                f"The Hub has no model {repo}, or not for this token.", provider=self.spec.name
            )
        self._check(reply, http)
        live = _live(table(self._json(reply)).get("inferenceProviderMapping"))
        for name, partner in PARTNERS.items():
            if name in live and wanted in ("", name):
                return partner, live[name]
        who = ", ".join(live) or "nobody"
        asked = wanted or f"one of {', '.join(PARTNERS)}"
        raise ModelNotFound(f"{repo} is served by {who}; {asked} was asked for.", provider=self.spec.name)

    def _general(self, id: str, known: ModelSpec | None) -> ModelSpec:
        model = known or replace(self.models()[0], title=id.partition(":")[0], description="")
        partner = id.partition(":")[2]
        return replace(model, id=id, title=f"{model.title} ({partner})" if partner else model.title)

    def _json(self, reply: Reply) -> object:
        try:
            return reply.json()
        except (ValueError, RecursionError):
            raise unbilled(BadResponse("The Hub's answer is not JSON.", provider=self.spec.name)) from None

    def _check(self, reply: Reply, http: Http) -> None:
        if reply.ok:
            return
        error: ProviderError = error_from(reply, http)
        if reply.status == 403:
            error.next_step = "Give the token the permission for Inference Providers, then retry."
        raise error


def _live(mapping: object) -> dict[str, str]:
    """Who serves text-to-image now, with the model's id there; an object by partner, or a list."""
    pairs = [(name, table(row)) for name, row in table(mapping).items()]
    pairs += [(text(row.get("provider")), row) for row in map(table, rows(mapping))]
    return {
        name: text(row.get("providerId"))
        for name, row in pairs
        if row.get("status") == "live" and row.get("task") == _TASK and text(row.get("providerId"))
    }

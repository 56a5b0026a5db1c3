"""Hugging Face's router to its inference partners.

The protocol is that of huggingface_hub ``inference/_providers`` (2026-08). One token is for all partners. The
Hub says which partner serves a model, and the body of the call is in that partner's form. ``owner/name``
takes any partner, ``owner/name:fal-ai`` takes this one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import Done, ModelSpec, Pending, ProviderSpec, Unit
from imgplay_widget.errors import BadResponse, ConnectFailed, Lost, ModelNotFound, NetworkError, ProviderError
from imgplay_widget.providers._shared.answers import rows, table, text
from imgplay_widget.providers._shared.environment import variable
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
"""The most models of each partner that discovery lists; there are thousands, most of them small variants."""


class HuggingFace(HttpProvider):
    """Images from the partner that serves a model of the Hub; one image a call.

    Args:
        base_url: the router; None means the router of Hugging Face.
        hub_url: the Hub; None means ``HF_ENDPOINT``, or the Hub of Hugging Face.
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
        self._hub = (hub_url or variable("HF_ENDPOINT") or _HUB).rstrip("/")

    def model(self, id: str) -> ModelSpec | None:
        """Return the model of an id: any ``owner/name``, with ``:partner`` to choose the partner."""
        match = _ID.fullmatch(id)
        if match is None or match["partner"] not in (None, *PARTNERS):
            return None
        known = super().model(match["repo"])
        return known if known and known.id == id else self._general(id, known)

    def takes_key(self, url: str) -> bool:
        """Return True for the API of the Hub, which issues the tokens."""
        return url.startswith(f"{self._hub}/api/") and self._hub.startswith("https://")

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Ask the Hub which partner serves the model, then send one call there."""
        partner, served = await self._resolve(unit.model, http)
        repo = unit.model.partition(":")[0]
        call = partner.call(unit, repo, served)
        url = f"{self.base_url}/{partner.name}{call.path}"
        reply = await http.request("POST", url, json=call.fields, headers=call.headers)
        self._check(reply, http)
        return partner.answered(reply, unit, http)

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Ask for a job of a partner that has a queue.

        Raises:
            Lost: the partner does not know the job.
            ProviderError: the question failed.
        """
        partner = PARTNERS[ticket["partner"]]
        reply = await http.request("GET", f"{self.base_url}/{partner.name}{ticket['path']}")
        if reply.status in (404, 410):
            raise Lost("The partner no longer knows the job.", provider=self.spec.name)
        self._check(reply, http)
        return partner.polled(reply, ticket, http)

    async def discover(self, http: Http) -> Sequence[ModelSpec]:
        """Ask for the first models of each partner.

        Raises:
            ProviderError: the question failed.
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
        """Ask the Hub for the owner of the token.

        Raises:
            ProviderError: as in `Provider.check`.
        """
        self._check(await http.request("GET", f"{self._hub}/api/whoami-v2"), http)

    async def _resolve(self, model: str, http: Http) -> tuple[Partner, str]:
        """Return the partner that serves a model, and the model's id there."""
        repo, _, wanted = model.partition(":")
        url = f"{self._hub}/api/models/{repo}?expand[]=inferenceProviderMapping"
        try:
            reply = await http.request("GET", url)
        except NetworkError as error:
            # This was only a question; the call itself was not sent.
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
        who = http.redact(", ".join(live))[:300] or "nobody"
        asked = wanted or f"one of {', '.join(PARTNERS)}"
        raise ModelNotFound(f"{repo} is served by {who}; {asked} was asked for.", provider=self.spec.name)

    def _general(self, id: str, known: ModelSpec | None) -> ModelSpec:
        model = known or replace(self.models()[0], title=id.partition(":")[0], description="")
        partner = id.partition(":")[2]
        return replace(model, id=id, title=f"{model.title} ({partner})" if partner else model.title)

    def _json(self, reply: Reply) -> object:
        try:
            return reply.json()
        except ValueError:
            raise unbilled(BadResponse("The Hub's answer is not JSON.", provider=self.spec.name)) from None

    def _check(self, reply: Reply, http: Http) -> None:
        if reply.ok:
            return
        error: ProviderError = error_from(reply, http)
        if reply.status == 403:
            error.next_step = "Give the token the permission for Inference Providers, then retry."
        raise error


def _live(mapping: object) -> dict[str, str]:
    """Return which partners serve text-to-image now, with the model's id there, from an object or a list."""
    pairs = [(name, table(row)) for name, row in table(mapping).items()]
    pairs += [(text(row.get("provider")), row) for row in map(table, rows(mapping))]
    return {
        name: text(row.get("providerId"))
        for name, row in pairs
        if row.get("status") == "live" and row.get("task") == _TASK and text(row.get("providerId"))
    }

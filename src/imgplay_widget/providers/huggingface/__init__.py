"""Hugging Face's router to its inference partners.

The protocol is that of huggingface_hub ``inference/_providers`` (2026-08). One token is for all partners. The
Hub says which partner serves a model, and the body of the call is in that partner's form. ``owner/name``
takes any partner, ``owner/name:fal-ai`` takes this one. Some partners also change an input image.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imgplay_widget import catalog
from imgplay_widget._types import Done, ModelSpec, Pending, ProviderSpec, Unit
from imgplay_widget.errors import (
    BadKey,
    BadRequest,
    BadResponse,
    ConnectFailed,
    Lost,
    ModelNotFound,
    NetworkError,
    ProviderError,
)
from imgplay_widget.providers._shared.answers import rows, table, text
from imgplay_widget.providers._shared.environment import variable
from imgplay_widget.providers._shared.failures import unbilled
from imgplay_widget.providers._shared.listed import makes_images, records_of
from imgplay_widget.providers._shared.openai_errors import error_from
from imgplay_widget.providers.cloud import HttpProvider, data_uri
from imgplay_widget.providers.huggingface.partners import PARTNERS, Partner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget.providers.http import Http, Reply

__all__ = ["HuggingFace"]

_HUB = "https://huggingface.co"
_TASK = "text-to-image"
_EDIT = "image-to-image"
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
        known = super().model(match["repo"]) or catalog.by_hand(self.spec.name, match["repo"])
        return None if known is None else _at(match["partner"], known)

    def takes_key(self, url: str) -> bool:
        """Return True for the API of the Hub, which issues the tokens."""
        return url.startswith(f"{self._hub}/api/") and self._hub.startswith("https://")

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Ask the Hub which partner serves the model, then send one call there."""
        partner, served = await self._resolve(unit, http)
        repo = unit.model.partition(":")[0]
        if unit.references:
            call = partner.edit(unit, repo, served, data_uri(http, unit.references[0]))
        else:
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
            for row in records_of(self._json(reply), "models", http):
                general = catalog.by_hand(self.spec.name, text(row.get("id")))
                if general is not None and makes_images(row) is not False:
                    # The list has models that make images from words.
                    found.setdefault(general.id, replace(general, references=None))
        return list(found.values())

    async def describe(self, id: str, http: Http) -> ModelSpec | None:
        """Ask the Hub who serves a model, and whether it makes images, changes them, or both."""
        general = self.model(id)
        repo, _, wanted = id.partition(":")
        reply = await http.request("GET", self._model_address(repo))
        if general is None or reply.status in (401, 404):
            return None
        self._check(reply, http)
        live = _live(self._mapping(reply))
        partners = [
            (partner, live[name])
            for name, partner in PARTNERS.items()
            if name in live and wanted in ("", name)
        ]
        edits = any(partner.edits and _EDIT in tasks for partner, tasks in partners)
        makes = any(_TASK in tasks for _, tasks in partners)
        if not edits and not makes:
            return None
        taken = [p for p in general.parameters if any(p.name not in one.refuses for one, _ in partners)]
        return replace(
            general,
            parameters=tuple(taken),
            references=general.references if edits else None,
            notice="" if makes else "It needs a reference.",
        )

    async def check(self, http: Http) -> None:
        """Ask the Hub for the owner of the token.

        Raises:
            ProviderError: as in `Provider.check`.
        """
        self._check(await http.request("GET", f"{self._hub}/api/whoami-v2"), http)

    async def _resolve(self, unit: Unit, http: Http) -> tuple[Partner, str]:
        """Return the partner that serves the model for such a call, and the model's id there."""
        repo, _, wanted = unit.model.partition(":")
        try:
            reply = await http.request("GET", self._model_address(repo))
        except NetworkError as error:
            # This was only a question; the call itself was not sent.
            raise ConnectFailed(error.message, provider=self.spec.name) from None
        if reply.status in (401, 404):
            raise ModelNotFound(
                f"The Hub has no model {repo}, or not for this token.", provider=self.spec.name
            )
        self._check(reply, http)
        task = _EDIT if unit.references else _TASK
        live = {name: tasks[task] for name, tasks in _live(self._mapping(reply)).items() if task in tasks}
        able = [one for one in PARTNERS.values() if one.edits or not unit.references]
        serving = [one for one in able if one.name in live and wanted in ("", one.name)]
        for partner in serving:
            if not set(partner.refuses) & unit.params.keys():
                return partner, live[partner.name]
        if serving:
            refused = next(name for name in serving[0].refuses if name in unit.params)
            raise BadRequest(
                f"{repo} is served by {serving[0].name}, which does not take {refused}.",
                provider=self.spec.name,
                next_step=f"Leave {refused} out, then generate again. Nothing was sent.",
            )
        who = http.redact(", ".join(live))[:300] or "nobody"
        asked = wanted or f"one of {', '.join(one.name for one in able)}"
        raise ModelNotFound(
            f"{repo} is served for {task} by {who}; {asked} was asked for.", provider=self.spec.name
        )

    def _model_address(self, repo: str) -> str:
        return f"{self._hub}/api/models/{repo}?expand[]=inferenceProviderMapping"

    def _mapping(self, reply: Reply) -> object:
        return table(self._json(reply)).get("inferenceProviderMapping")

    def _json(self, reply: Reply) -> object:
        try:
            return reply.json()
        except ValueError:
            raise unbilled(BadResponse("The Hub's answer is not JSON.", provider=self.spec.name)) from None

    def _check(self, reply: Reply, http: Http) -> None:
        if reply.ok:
            return
        error: ProviderError = error_from(reply, http)
        if reply.status == 403 and isinstance(error, BadKey):
            error.next_step = "Give the token the permission for Inference Providers, then retry."
        raise error


def _at(partner: str | None, spec: ModelSpec) -> ModelSpec:
    """Return a model at one partner, without what this partner refuses."""
    if partner is None:
        return spec
    refuses = PARTNERS[partner].refuses
    return replace(
        spec,
        id=f"{spec.id}:{partner}",
        title=f"{spec.title} ({partner})",
        parameters=tuple(one for one in spec.parameters if one.name not in refuses),
    )


def _live(mapping: object) -> dict[str, dict[str, str]]:
    """Return who serves a model now: by partner and task its id there, from an object or a list."""
    pairs = [(name, table(row)) for name, row in table(mapping).items()]
    pairs += [(text(row.get("provider")), row) for row in map(table, rows(mapping))]
    found: dict[str, dict[str, str]] = {}
    for name, row in pairs:
        task, served = text(row.get("task")), text(row.get("providerId"))
        if row.get("status") == "live" and served and task in (_TASK, _EDIT):
            found.setdefault(name, {})[task] = served
    return found

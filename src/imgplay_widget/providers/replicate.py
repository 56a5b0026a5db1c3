"""Replicate: predictions of official models and of any version of any model.

The protocol is that of Replicate's HTTP API 1.0.0-a1 (2026-04) and of its Python client (0110c2c). The
parameters of a model come from the schema of its latest version.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import Done, ModelSpec, Pending, ProviderSpec
from imgplay_widget.errors import (
    BadResponse,
    Cancelled,
    Lost,
    Moderated,
    NoImage,
    ProviderError,
    ServerError,
)
from imgplay_widget.providers._shared.answers import link, rows, table, text
from imgplay_widget.providers._shared.failures import before_the_call
from imgplay_widget.providers._shared.jobs import (
    POLL_BYTES,
    body_of,
    ended,
    fields_of,
    logged_progress,
    moderated,
    refusal,
)
from imgplay_widget.providers._shared.listed import records_of
from imgplay_widget.providers._shared.schema_inputs import (
    as_call,
    call_input,
    data_uri,
    parameters_from,
    prompt_from,
    references_from,
)
from imgplay_widget.providers.cloud import HttpProvider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget._types import Reference, Request, Unit
    from imgplay_widget.providers.base import CancelOutcome
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["Replicate"]

_MODEL = re.compile(r"(\w[\w.-]*/\w[\w.-]*)(?::([0-9a-f]{16,64}))?")
_MAX_DATA_URI = 256_000
"""The most bytes of an input image in the request itself; Replicate asks to upload larger images."""
_COLLECTION = "text-to-image"


class Replicate(HttpProvider):
    """Replicate's predictions.

    A model's id is ``owner/name`` for an official model, and ``owner/name:version`` for any other.

    Args:
        base_url: up to and including ``/v1``; None for Replicate itself (``REPLICATE_BASE_URL`` may name a
            gateway to it).
    """

    spec = ProviderSpec(
        name="replicate",
        title="Replicate",
        key_variables=("REPLICATE_API_TOKEN",),
        key_url="https://replicate.com/account/api-tokens",
    )
    address = "https://api.replicate.com/v1"
    address_variable = "REPLICATE_BASE_URL"

    def model(self, id: str) -> ModelSpec | None:
        """Return the model of an id.

        A model that is not in the catalog takes a prompt only, until Replicate is asked.
        """
        known = super().model(id)
        return known or (_model(id) if _MODEL.fullmatch(id) else None)

    def plan(self, request: Request, spec: ModelSpec, seed: int | None) -> list[Unit]:
        """Split a request as every provider does, and give the parameters the names of the model."""
        return [
            replace(unit, params=as_call(unit.params, spec)) for unit in super().plan(request, spec, seed)
        ]

    # -------------------------------------------------------------- a prediction

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Start a prediction. Large input images are uploaded first, which costs nothing."""
        with before_the_call():
            images = [await self._image(reference, http) for reference in unit.references]
        body: dict[str, Any] = {"input": call_input(unit, images)}
        model, _, version = unit.model.partition(":")
        if version:
            body["version"] = version
        address = "predictions" if version else f"models/{model}/predictions"
        reply = await http.request("POST", f"{self.base_url}/{address}", json=body, max_bytes=POLL_BYTES)
        if not reply.ok:
            raise _error(reply, http)
        job = text(fields_of(reply, http).get("id"))
        if not re.fullmatch(r"\w[\w-]*", job):
            raise BadResponse("The answer names no prediction.", provider=self.spec.name)
        # The ticket holds the id, because an address of the answer could lead elsewhere.
        return Pending(ticket={"job": job, "n": unit.n})

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Ask for the prediction."""
        reply = await http.request(
            "GET", f"{self.base_url}/predictions/{ticket['job']}", max_bytes=POLL_BYTES
        )
        if reply.status in (404, 410):
            raise Lost(
                "Replicate no longer knows the prediction.",
                provider=self.spec.name,
                request_id=ticket["job"],
            )
        if not reply.ok:
            raise _error(reply, http)
        answer = fields_of(reply, http)
        match text(answer.get("status")).lower():
            case "succeeded":
                return self._done(answer, ticket)
            case "failed":
                return self._failed(answer, ticket, http)
            case "canceled" | "aborted":
                return ended(Cancelled("The prediction was cancelled at Replicate."), ticket["n"])
            case _:
                return Pending(ticket=ticket, progress=logged_progress(text(answer.get("logs"))))

    async def cancel(self, ticket: Mapping[str, Any], http: Http) -> CancelOutcome:
        """Stop the prediction, whether it waits or runs."""
        address = f"{self.base_url}/predictions/{ticket['job']}/cancel"
        reply = await http.request("POST", address, max_bytes=POLL_BYTES)
        return "cancelled" if reply.ok else "unsupported"

    def _done(self, answer: Mapping[str, Any], ticket: Mapping[str, Any]) -> Done:
        output = answer.get("output")
        listed = map(link, [output] if isinstance(output, str) else rows(output))
        found = [image for image in listed if image is not None]
        common: dict[str, Any] = {"provider": self.spec.name, "request_id": ticket["job"]}
        if not found and answer.get("data_removed") is True:
            raise Lost("Replicate has deleted the images, as it does an hour after the run.", **common)
        if not found:
            raise NoImage("The prediction gave no image.", **common)
        return Done(
            images=tuple(found[: ticket["n"]]),
            request_id=ticket["job"],
            usage=table(answer.get("metrics")),
            served_by=_served_by(answer) or None,
        )

    def _failed(self, answer: Mapping[str, Any], ticket: Mapping[str, Any], http: Http) -> Done:
        said = http.redact(str(answer.get("error") or "the prediction failed"))[:500]
        kind: type[ProviderError] = Moderated if moderated(said) else ServerError
        error = kind(f"Replicate: {said}", provider=self.spec.name, request_id=ticket["job"])
        return ended(error, ticket["n"])

    async def _image(self, reference: Reference, http: Http) -> str:
        """Return an input image as Replicate takes it: as a data URI, or as the address of its upload."""
        data = http.reference(reference)
        if len(data) <= _MAX_DATA_URI:
            return data_uri(reference, http)
        name = f"image.{reference.media_type.rpartition('/')[2]}"
        reply = await http.request(
            "POST",
            f"{self.base_url}/files",
            files={"content": (name, data, reference.media_type)},
            max_bytes=POLL_BYTES,
        )
        if not reply.ok:
            raise _error(reply, http)
        url = text(table(fields_of(reply, http).get("urls")).get("get"))
        if not url:
            raise BadResponse("The upload of an input image gave no address.", provider=self.spec.name)
        return url

    # -------------------------------------------------------------- the catalogue

    async def discover(self, http: Http) -> Sequence[ModelSpec] | None:
        """Ask for Replicate's own collection of image models, each with its schema."""
        reply = await http.request("GET", f"{self.base_url}/collections/{_COLLECTION}")
        if not reply.ok:
            raise _error(reply, http)
        specs = [_discovered(record) for record in records_of(fields_of(reply, http), "models", http)]
        return [spec for spec in specs if spec is not None]

    async def describe(self, id: str, http: Http) -> ModelSpec | None:
        """Ask Replicate for the schema of one model.

        A model that is not an official one runs by its version alone, so its id gets its latest version.
        """
        model, _, version = id.partition(":")
        address = f"{self.base_url}/models/{model}"
        reply = await http.request("GET", f"{address}/versions/{version}" if version else address)
        if reply.status == 404:
            return None
        if not reply.ok:
            raise _error(reply, http)
        record = fields_of(reply, http)
        if version:
            owner, _, name = model.partition("/")
            record = {"owner": owner, "name": name, "latest_version": record}
        found = _discovered(record)
        return replace(found, id=id) if found is not None and version else found

    async def check(self, http: Http) -> None:
        """Ask for the account of the key."""
        reply = await http.request("GET", f"{self.base_url}/account", max_bytes=POLL_BYTES)
        if not reply.ok:
            raise _error(reply, http)


def _served_by(answer: Mapping[str, Any]) -> str:
    """Return the model of a prediction, with its version where that is public."""
    model, version = text(answer.get("model")), text(answer.get("version"))
    return f"{model}:{version}" if model and re.fullmatch("[0-9a-f]{64}", version) else model


def _model(id: str, **known: Any) -> ModelSpec:
    common: dict[str, Any] = {
        "title": id.partition(":")[0],
        "progress": True,
        "cancel": "full",
        "resume": True,
    }
    return ModelSpec(provider="replicate", id=id, **{**common, **known})


def _discovered(record: Mapping[str, Any]) -> ModelSpec | None:
    version = table(record.get("latest_version"))
    name = f"{text(record.get('owner'))}/{text(record.get('name'))}"
    if record.get("is_official") is not True and version.get("id"):
        name += f":{version['id']}"
    if not _MODEL.fullmatch(name):
        return None
    components = table(table(table(version.get("openapi_schema")).get("components")).get("schemas"))
    schema = table(components.get("Input"))
    parameters = parameters_from(schema, components)
    return _model(
        name,
        description=" ".join(text(record.get("description")).split())[:300],
        parameters=parameters,
        seed="best_effort" if any(p.name == "seed" for p in parameters) else "none",
        prompt=prompt_from(schema),
        references=references_from(schema, components),
    )


def _error(reply: Reply, http: Http) -> ProviderError:
    """Return the error of an answer: ``{"type", "title", "status", "detail"}``."""
    body = body_of(reply)
    words = text(body.get("detail")) or text(body.get("title"))
    return refusal(reply, words, http)

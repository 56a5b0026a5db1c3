"""Stability AI: Stable Image and Stable Diffusion 3.5, one call an image. Two of the calls start a job.

The protocol is that of two clients that agree (ComfyUI's nodes a125cd8; litellm, 2026-10), of a public
description of the API (2026-08) and of clients that were generated from the vendor's own. The vendor
publishes nothing newer. The transfer of a style is left out, which takes two images of different meaning.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import Done, Missing, Pending, ProviderSpec
from imgplay_widget.errors import BadResponse, InvalidRequest, Lost, Moderated
from imgplay_widget.providers._shared.answers import collected, image_of, read_images, rows, text
from imgplay_widget.providers._shared.jobs import POLL_BYTES, body_of, refusal
from imgplay_widget.providers._shared.schema_inputs import as_call, call_input
from imgplay_widget.providers.cloud import HttpProvider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._types import ModelSpec, Request, Unit
    from imgplay_widget.errors import ProviderError
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["Stability"]

_SD3 = re.compile(r"sd3[\w.-]*")
"""Models that share one address; a field names the model."""
_STRENGTH = 0.5
"""How much of an input image is repainted if the user does not say it; the API wants a value."""
_WORDS_NEEDED = ("search_prompt", "select_prompt")
"""Parameters that say which object of the input image changes. A call that has one needs it."""
_RELIGHT = "edit/replace-background-and-relight"
_JOBS = ("upscale/creative", _RELIGHT)
"""The calls that start a job."""
_ASK_AGAIN = 10.0
"""Seconds between two questions about a job. The vendor refuses those that come more often."""


class Stability(HttpProvider):
    """The calls of Stability AI that make and change images.

    Args:
        base_url: without a version; None for Stability AI itself.
    """

    spec = ProviderSpec(
        name="stability",
        title="Stability AI",
        key_variables=("STABILITY_API_KEY",),
        key_url="https://platform.stability.ai/account/keys",
    )
    address = "https://api.stability.ai"

    def plan(self, request: Request, spec: ModelSpec, seed: int | None) -> list[Unit]:
        """Split a request into calls of one image each.

        Raises:
            InvalidRequest: a parameter has no meaning with, or without, an input image.
        """
        for name in _WORDS_NEEDED:
            if spec.parameter(name) is not None and not str(request.params.get(name, "")).strip():
                raise InvalidRequest(
                    f"{name} is missing: {spec.name} wants to know which object of the image changes.",
                    parameter=name,
                )
        if "light_source_strength" in request.params and "light_source_direction" not in request.params:
            raise InvalidRequest(
                "light_source_strength says how bright the light of a direction is, and there is none.",
                parameter="light_source_strength",
            )
        if _path(spec.id) == spec.id:
            return self._calls(request, spec, seed)
        if request.references and "aspect_ratio" in request.params:
            raise InvalidRequest(
                "aspect_ratio cannot be given with an input image: the result has the shape of that image.",
                parameter="aspect_ratio",
            )
        if not request.references and "strength" in request.params:
            raise InvalidRequest(
                "strength says how much of an input image is repainted, and there is none.",
                parameter="strength",
            )
        return self._calls(request, spec, seed)

    def _calls(self, request: Request, spec: ModelSpec, seed: int | None) -> list[Unit]:
        return [
            replace(unit, params=as_call(unit.params, spec)) for unit in super().plan(request, spec, seed)
        ]

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Send one call, and wait for its image where it starts no job."""
        fields, applied = self._fields(unit)
        # The API wants a multipart form even without a file.
        parts: dict[str, Any] = {name: (None, value) for name, value in fields.items()}
        if unit.references:
            (reference,) = unit.references
            kind = reference.media_type
            field = "subject_image" if unit.model == _RELIGHT else "image"
            parts[field] = (f"image.{kind.rpartition('/')[2]}", http.reference(reference), kind)
        if unit.mask is not None:
            parts["mask"] = ("mask.png", await http.white_mask(unit.mask), "image/png")
        reply = await http.request(
            "POST",
            f"{self.base_url}/v2beta/stable-image/{_path(unit.model)}",
            files=parts,
            headers={"Accept": "application/json"},
        )
        if not reply.ok:
            raise _error(reply, http)
        if unit.model in _JOBS:
            return self._accepted(reply)
        return self._done(reply, applied, http)

    def _accepted(self, reply: Reply) -> Pending:
        job = text(body_of(reply).get("id"))
        if not re.fullmatch(r"[\w-]+", job):
            raise BadResponse("The answer names no job.", provider=self.spec.name)
        return Pending(ticket={"job": job}, retry_after=_ASK_AGAIN)

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Ask for the result of a job. The vendor keeps it for 24 hours."""
        url = f"{self.base_url}/v2beta/results/{ticket['job']}"
        reply = await http.request("GET", url, headers={"Accept": "application/json"})
        if reply.status == 404:
            raise Lost("The provider does not know the job.", provider=self.spec.name)
        if not reply.ok:
            raise _error(reply, http)
        if reply.status == 202:
            return Pending(ticket=ticket, retry_after=_ASK_AGAIN)
        return self._done(reply, {}, http)

    def _fields(self, unit: Unit) -> tuple[dict[str, str], dict[str, Any]]:
        given = call_input(unit, [])
        if unit.model == _RELIGHT:
            given["background_prompt"] = given.pop("prompt")
        applied: dict[str, Any] = {}
        if _SD3.fullmatch(unit.model):
            given["model"] = unit.model
            given["mode"] = "image-to-image" if unit.references else "text-to-image"
        if unit.references and _path(unit.model) != unit.model and "strength" not in given:
            given["strength"] = applied["strength"] = _STRENGTH
        return {name: _written(value) for name, value in given.items()}, applied

    def _done(self, reply: Reply, applied: dict[str, Any], http: Http) -> Done:
        # The result of a job has another name in one of the descriptions of the API.
        field = "image" if b'"image"' in reply.body else "result"
        answer = read_images(reply.body, reply.content_type, http, field=field)
        if text(answer.get("finish_reason")).upper() == "CONTENT_FILTERED":
            # An image may still come, but it is blurred.
            said = Moderated(
                "Stability AI: the finished image was filtered.",
                provider=self.spec.name,
                request_id=reply.request_id,
            )
            return Done(images=(Missing(error=said.info),), request_id=reply.request_id)
        seed = answer.get("seed")
        if isinstance(seed, int):
            applied = {**applied, "seed": seed}
        image = image_of(answer, field, **applied)
        return collected([image], 1, http, request_id=reply.request_id)

    async def check(self, http: Http) -> None:
        """Ask for the credits of the account."""
        reply = await http.request("GET", f"{self.base_url}/v1/user/balance", max_bytes=POLL_BYTES)
        if not reply.ok:
            raise _error(reply, http)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _path(model: str) -> str:
    """Return the path of a model's calls. The ids of the models that only change images are paths."""
    if "/" in model:
        return model
    return f"generate/{'sd3' if _SD3.fullmatch(model) else model}"


def _error(reply: Reply, http: Http) -> ProviderError:
    """Return the error of an answer: ``{"id", "name", "errors": [text]}``."""
    body = body_of(reply)
    words = "; ".join(text(said) for said in rows(body.get("errors"))) or text(body.get("message"))
    request_id: str | None = text(body.get("id")) or None
    return refusal(reply, words, http, marks=text(body.get("name")), request_id=request_id)

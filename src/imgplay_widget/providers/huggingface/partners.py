"""The dialects behind Hugging Face's router: the form of a call and of its answer at each partner.

Which partners change an input image, and how, is that of huggingface_hub ``inference/_providers`` (2026-08).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlsplit

from imgplay_widget._types import Done, Inline, Pending, Unit
from imgplay_widget.errors import BadResponse, ImgplayError, Lost, Moderated, NoImage, ServerError
from imgplay_widget.providers._shared.answers import (
    collected,
    image_of,
    items_of,
    link,
    read_images,
    rows,
    table,
    text,
)
from imgplay_widget.providers._shared.failures import perhaps_billed
from imgplay_widget.providers._shared.jobs import ended

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget.providers.http import Http, Reply

__all__ = ["PARTNERS", "Call", "Partner"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call: the path after the partner's name, the JSON, further headers."""

    path: str
    fields: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Partner:
    """One dialect.

    Attributes:
        name: the name of the partner, which is also the first part of the router's path.
        edits: True where the partner changes input images.
        refuses: the parameters that the partner refuses.
    """

    name: ClassVar[str]
    edits: ClassVar[bool] = False
    refuses: ClassVar[tuple[str, ...]] = ()

    def call(self, unit: Unit, repo: str, served: str) -> Call:
        """Return the call of a unit without an input image.

        Args:
            unit: the unit.
            repo: the model's id on the Hub.
            served: the model's id at the partner.
        """
        raise NotImplementedError

    def edit(self, unit: Unit, repo: str, served: str, image: str) -> Call:
        """Return the call of a unit with an input image.

        Args:
            unit: the unit.
            repo: the model's id on the Hub.
            served: the model's id at the partner.
            image: the input image as a data URI.
        """
        raise NotImplementedError

    def answered(self, reply: Reply, unit: Unit, http: Http) -> Pending | Done:
        """Read the answer to the call.

        Raises:
            ProviderError: the answer holds no image.
        """
        raise NotImplementedError

    def polled(self, reply: Reply, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Read the answer to a question about a job.

        Raises:
            Lost: the partner has no queue.
        """
        raise Lost("This partner has no jobs to ask for.", provider=http.provider.spec.name)


_QUEUE = "?_subdomain=queue"
"""What leads a call through the router to fal's queue."""
_JOB = re.compile(r"(/[\w-][\w.-]*)+/requests/[\w-]+")
"""The path of a job at fal."""
_COMMON = {"steps": "num_inference_steps", "cfg": "guidance_scale"}
"""The Hub's names for our parameters, which most partners share."""


def _params(unit: Unit, names: Mapping[str, str] = _COMMON) -> dict[str, Any]:
    found = {names.get(name, name): value for name, value in unit.params.items()}
    return found if unit.seed is None else {**found, "seed": unit.seed}


def _take_size(params: dict[str, Any]) -> tuple[int, int] | None:
    width, height = params.pop("width", None), params.pop("height", None)
    return None if width is None or height is None else (width, height)


def _sized(unit: Unit) -> dict[str, Any]:
    """Return the parameters, with the size as ``"WxH"``."""
    params = _params(unit)
    size = _take_size(params)
    return params | ({"size": f"{size[0]}x{size[1]}"} if size else {})


def _json(reply: Reply, http: Http) -> dict[str, Any]:
    return read_images(reply.body, reply.content_type, http)


def _one(url: object, unit: Unit, http: Http, **applied: Any) -> Done:
    return collected([link(url, **applied)], unit.n, http)


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _ticket(partner: str, path: str, http: Http) -> Pending:
    if not path.startswith("/api/"):
        raise _unplaced(http)
    return Pending(ticket={"partner": partner, "path": path})


def _unplaced(http: Http) -> BadResponse:
    return BadResponse("The job was taken without saying where it is.", provider=http.provider.spec.name)


def _finished(url: object, http: Http) -> Done:
    image = link(url)
    if image is not None:
        return Done(images=(image,))
    return ended(NoImage("The finished job holds no image.", provider=http.provider.spec.name), 1)


def _failure(message: str, provider: str) -> ImgplayError:
    words = message.lower()
    kind = Moderated if any(word in words for word in ("nsfw", "safety", "sensitive")) else ServerError
    return kind(message, provider=provider)


class _HfInference(Partner):
    name = "hf-inference"
    edits = True

    def call(self, unit: Unit, repo: str, served: str) -> Call:
        return Call(f"/models/{quote(repo)}", {"inputs": unit.prompt, "parameters": _params(unit)})

    def edit(self, unit: Unit, repo: str, served: str, image: str) -> Call:
        params = _params(unit)
        size = _take_size(params)
        target = {"target_size": {"width": size[0], "height": size[1]}} if size else {}
        fields = {
            "inputs": image.partition("base64,")[2],
            "parameters": {"prompt": unit.prompt, **params, **target},
        }
        return Call(f"/models/{quote(repo)}", fields)

    def answered(self, reply: Reply, unit: Unit, http: Http) -> Done:
        if reply.content_type.startswith("image/"):
            return Done(
                images=(Inline(data=bytes(reply.body), media_type=reply.content_type),),
                request_id=reply.request_id,
            )
        said = http.redact(text(_json(reply, http).get("error")))
        raise BadResponse(
            f"Hugging Face: the answer is no image. {said}".strip(), provider=http.provider.spec.name
        )


class _Fal(Partner):
    name = "fal-ai"
    edits = True

    def call(self, unit: Unit, repo: str, served: str) -> Call:
        return Call(f"/{quote(served)}", self._fields(unit))

    def edit(self, unit: Unit, repo: str, served: str, image: str) -> Call:
        # Models differ in the field that they read. Only the queue takes these calls.
        images = {"image_url": image, "image_urls": [image]}
        return Call(f"/{quote(served)}{_QUEUE}", {**self._fields(unit), **images})

    def _fields(self, unit: Unit) -> dict[str, Any]:
        params = _params(unit)
        size = _take_size(params)
        if size:
            params["image_size"] = {"width": size[0], "height": size[1]}
        return {"prompt": unit.prompt, **params}

    def answered(self, reply: Reply, unit: Unit, http: Http) -> Pending | Done:
        answer = _json(reply, http)
        if unit.references:
            # Only the path: the router asks for jobs, because the partner does not know the token.
            job = _path(text(answer.get("response_url")))
            if not _JOB.fullmatch(job):
                raise _unplaced(http)
            return Pending(ticket={"partner": self.name, "path": f"{job}/status{_QUEUE}", "job": job})
        return self._image(answer, unit, http)

    def polled(self, reply: Reply, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        answer = _json(reply, http)
        if ticket["path"].endswith(f"/status{_QUEUE}"):
            done = text(answer.get("status")).upper() == "COMPLETED"
            return Pending(ticket={**ticket, "path": ticket["job"] + _QUEUE} if done else ticket)
        images = [table(image) for image in rows(answer.get("images"))]
        if rows(answer.get("has_nsfw_concepts"))[:1] == [True]:
            held = "fal: the finished image was held back by the content rules."
            return ended(perhaps_billed(Moderated(held, provider=http.provider.spec.name)), 1)
        return _finished(images[0].get("url") if images else None, http)

    def _image(self, answer: Mapping[str, Any], unit: Unit, http: Http) -> Done:
        if rows(answer.get("has_nsfw_concepts"))[:1] == [True]:
            raise perhaps_billed(
                Moderated(
                    "fal: the finished image was held back by the content rules.",
                    provider=http.provider.spec.name,
                )
            )
        images = [table(image) for image in rows(answer.get("images"))]
        seed = answer.get("seed")
        applied = {"seed": seed} if isinstance(seed, int) else {}
        return _one(images[0].get("url") if images else None, unit, http, **applied)


class _Together(Partner):
    name = "together"
    edits = True

    def call(self, unit: Unit, repo: str, served: str) -> Call:
        params = _params(unit, {"cfg": "guidance_scale"})
        fields = {"model": served, "prompt": unit.prompt, "response_format": "base64", **params}
        return Call("/v1/images/generations", fields)

    def edit(self, unit: Unit, repo: str, served: str, image: str) -> Call:
        call, own = self.call(unit, repo, served), served.lower()
        # FLUX.1 Kontext takes one image in a field of its own, and every other model takes a list.
        alone = "kontext" in own and "flux.1" in own
        images = {"image_url": image} if alone else {"reference_images": [image]}
        return Call(call.path, {**call.fields, **images})

    def answered(self, reply: Reply, unit: Unit, http: Http) -> Done:
        return collected(
            map(image_of, items_of(_json(reply, http))), unit.n, http, request_id=reply.request_id
        )


class _Nscale(_Together):
    name = "nscale"
    edits = False
    # The Hub's own client sends no steps here, because nscale has none.
    refuses = ("steps",)

    def call(self, unit: Unit, repo: str, served: str) -> Call:
        params = _sized(unit)
        fields = {"model": served, "prompt": unit.prompt, "response_format": "b64_json", **params}
        return Call("/v1/images/generations", fields)


class _Replicate(Partner):
    name = "replicate"
    edits = True

    def call(self, unit: Unit, repo: str, served: str) -> Call:
        model, _, version = served.partition(":")
        fields: dict[str, Any] = {"input": {"prompt": unit.prompt, **_params(unit)}}
        path = "/v1/predictions" if version else f"/v1/models/{quote(model)}/predictions"
        return Call(path, fields | ({"version": version} if version else {}), {"Prefer": "wait"})

    def edit(self, unit: Unit, repo: str, served: str, image: str) -> Call:
        call = self.call(unit, repo, served)
        # Models differ in the field that they read.
        images = {"image": image, "images": [image], "input_image": image, "input_images": [image]}
        return Call(call.path, {**call.fields, "input": {**images, **call.fields["input"]}}, call.headers)

    def answered(self, reply: Reply, unit: Unit, http: Http) -> Done:
        answer = _json(reply, http)
        name = http.provider.spec.name
        error = http.redact(text(answer.get("error")))
        if error:
            return ended(_failure(f"Replicate: {error}", name), unit.n)
        if answer.get("output") is None and text(answer.get("status")) in ("starting", "processing"):
            raise perhaps_billed(
                ServerError("Replicate was not done in the minute that the router waits.", provider=name)
            )
        output = answer.get("output")
        return _one(rows(output)[0] if rows(output) else output, unit, http)


class _WaveSpeed(Partner):
    name = "wavespeed"
    edits = True

    def call(self, unit: Unit, repo: str, served: str) -> Call:
        return Call(f"/api/v3/{quote(served)}", {"prompt": unit.prompt, **_params(unit)})

    def edit(self, unit: Unit, repo: str, served: str, image: str) -> Call:
        call = self.call(unit, repo, served)
        return Call(call.path, {**call.fields, "image": image})

    def answered(self, reply: Reply, unit: Unit, http: Http) -> Pending:
        address = text(table(table(_json(reply, http).get("data")).get("urls")).get("get"))
        # Only the path: the router asks for jobs, because the partner does not know the token.
        return _ticket("wavespeed", _path(address), http)

    def polled(self, reply: Reply, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        data = table(_json(reply, http).get("data"))
        match text(data.get("status")).lower():
            case "completed":
                outputs = rows(data.get("outputs"))
                return _finished(outputs[0] if outputs else None, http)
            case "failed":
                said = http.redact(text(data.get("error"))) or "the job failed."
                return ended(_failure(f"WaveSpeed: {said}", http.provider.spec.name), 1)
            case _:
                return Pending(ticket=ticket)


class _Zai(Partner):
    name = "zai-org"

    def call(self, unit: Unit, repo: str, served: str) -> Call:
        fields = {"model": served, "prompt": unit.prompt, **_sized(unit)}
        return Call("/api/paas/v4/async/images/generations", fields)

    def answered(self, reply: Reply, unit: Unit, http: Http) -> Pending:
        job = text(_json(reply, http).get("id"))
        return _ticket("zai-org", f"/api/paas/v4/async-result/{quote(job, safe='')}" if job else "", http)

    def polled(self, reply: Reply, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        answer = _json(reply, http)
        match text(answer.get("task_status")).upper():
            case "SUCCESS":
                results = [table(result) for result in rows(answer.get("image_result"))]
                return _finished(results[0].get("url") if results else None, http)
            case "FAIL":
                said = http.redact(text(table(answer.get("error")).get("message"))) or "the job failed."
                return ended(_failure(f"Z.ai: {said}", http.provider.spec.name), 1)
            case _:
                return Pending(ticket=ticket)


PARTNERS: Mapping[str, Partner] = {
    partner.name: partner
    for partner in (_HfInference(), _Fal(), _Together(), _Nscale(), _Replicate(), _WaveSpeed(), _Zai())
}
"""The partners whose protocol is known, in the order of choice."""

"""fal: over a thousand models behind one queue.

The protocol is that of fal's clients (fal_client c6f0afa, 2026-08; fal-js 381105e, 2026-08) and of its
documentation on the queue, errors and the platform API.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode, urlsplit

from imgplay_widget._types import Done, Missing, ModelSpec, Pending, Price, ProviderSpec
from imgplay_widget.errors import (
    BadResponse,
    InvalidRequest,
    Lost,
    Moderated,
    NoImage,
    ProviderError,
    ServerError,
)
from imgplay_widget.providers._shared.answers import Item, link, rows, table, text
from imgplay_widget.providers._shared.environment import variable
from imgplay_widget.providers._shared.jobs import (
    POLL_BYTES,
    body_of,
    detailed,
    ended,
    fields_of,
    logged_progress,
    refusal,
)
from imgplay_widget.providers._shared.listed import amount_of, makes_images, records_of
from imgplay_widget.providers._shared.schema_inputs import (
    as_call,
    call_input,
    data_uri,
    mask_uri,
    parameters_from,
    prompt_from,
    references_from,
)
from imgplay_widget.providers.cloud import HttpProvider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget._types import Request, Unit
    from imgplay_widget.providers.base import CancelOutcome
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["Fal"]

_CATALOGUE = "https://api.fal.ai/v1"
_MODEL = re.compile(r"\w[\w.-]*(/\w[\w.-]*)+")
_PREFIXES = ("workflows", "comfy")
"""First parts of an id that stay in the address of a job, before owner and app."""
_PAGES = 20
"""The most pages, of fifty models each; fal lists fewer models in a category."""
_PROBE = "fal-ai/flux/dev"
_ASKED = 50
"""The most models whose prices one question asks for (Platform API, "Pricing")."""
_UNITS: dict[str, Literal["image", "megapixel"]] = {"image": "image", "megapixel": "megapixel"}
"""The units of fal whose number a request tells. Seconds of a GPU are known only afterwards."""


class Fal(HttpProvider):
    """The queue of fal, with the models of our catalog and of fal's own list, and with any id.

    Args:
        base_url: the base URL of the queue; None means fal itself (``FAL_QUEUE_RUN_HOST`` may name another
            host). With a base URL, fal's list of models is expected under its ``/v1``.
    """

    spec = ProviderSpec(
        name="fal",
        title="fal",
        key_variables=("FAL_KEY",),
        key_url="https://fal.ai/dashboard/keys",
        # Two jobs of a new account run at once. More jobs wait in fal's queue and do not fail.
        concurrency=8,
    )
    address = "https://queue.fal.run"

    def __init__(self, base_url: str | None = None) -> None:
        host = variable("FAL_QUEUE_RUN_HOST").removeprefix("https://")
        super().__init__(base_url or (f"https://{host}" if host else None))
        self._catalogue = f"{self.base_url}/v1" if base_url else _CATALOGUE

    def model(self, id: str) -> ModelSpec | None:
        """Return the model of an id.

        A model that is not in the catalog takes a prompt only, until fal is asked.
        """
        known = super().model(id)
        return known or (_model(id) if _MODEL.fullmatch(id) else None)

    def takes_key(self, url: str) -> bool:
        """Return True for the address of prices, which needs the key too."""
        return url.startswith(f"{_CATALOGUE}/models/pricing?")

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the key in fal's own scheme."""
        return {"Authorization": f"Key {key}"}

    def plan(self, request: Request, spec: ModelSpec, seed: int | None) -> list[Unit]:
        """Split a request as every provider does, and give the parameters the names of fal."""
        if request.params.get("size") is not None and request.params.get("width") is not None:
            raise InvalidRequest(
                "size and width/height name two sizes: give only one of them.", parameter="size"
            )
        return [
            replace(unit, params=as_call(unit.params, spec)) for unit in super().plan(request, spec, seed)
        ]

    # -------------------------------------------------------------- a job

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Put a job into the queue."""
        images = [data_uri(reference, http) for reference in unit.references]
        given = call_input(unit, images, await mask_uri(unit, http))
        if unit.n > 1:
            given["num_images"] = unit.n
        reply = await http.request("POST", f"{self.base_url}/{unit.model}", json=given, max_bytes=POLL_BYTES)
        if not reply.ok:
            raise _error(reply, http)
        answer = fields_of(reply, http)
        job = text(answer.get("request_id"))
        if not re.fullmatch(r"[\w.-]+", job):
            raise BadResponse("The answer names no job.", provider=self.spec.name)
        ticket = {
            "job": job,
            "n": unit.n,
            "status": self._own(answer.get("status_url"), self._job(unit.model, job, "/status"), http),
            "result": self._own(answer.get("response_url"), self._job(unit.model, job, ""), http),
            "cancel": self._own(answer.get("cancel_url"), self._job(unit.model, job, "/cancel"), http),
        }
        return Pending(ticket=ticket, queue_position=_position(answer))

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Ask for the status, and for the result once there is one."""
        address: str = ticket["status"]
        address += ("&" if urlsplit(address).query else "?") + "logs=1"
        reply = await http.request("GET", address, max_bytes=POLL_BYTES)
        if not reply.ok:
            raise _lost_or(reply, ticket, http)
        status = fields_of(reply, http)
        if text(status.get("status")).upper() != "COMPLETED":
            log = "\n".join(text(table(line).get("message")) for line in rows(status.get("logs")))
            return Pending(ticket=ticket, progress=logged_progress(log), queue_position=_position(status))
        return await self._result(status, ticket, http)

    async def cancel(self, ticket: Mapping[str, Any], http: Http) -> CancelOutcome:
        """Take a waiting job out of the queue. A running job only gets a signal."""
        reply = await http.request("PUT", ticket["cancel"], max_bytes=POLL_BYTES)
        said = text(body_of(reply).get("status")).upper()
        if said == "OK":
            return "cancelled"
        return "requested" if said == "CANCELLATION_REQUESTED" else "unsupported"

    async def _result(self, status: Mapping[str, Any], ticket: Mapping[str, Any], http: Http) -> Done:
        reply = await http.request("GET", ticket["result"], max_bytes=POLL_BYTES)
        if reply.ok:
            return self._done(reply, ticket, http)
        error = _lost_or(reply, ticket, http)
        failed = status.get("error") or status.get("error_type") or reply.headers.get("x-fal-error-type")
        if failed and isinstance(error, ServerError):
            # The job failed. Without such a sign, perhaps only the question failed.
            return ended(error, ticket["n"])
        raise error

    def _done(self, reply: Reply, ticket: Mapping[str, Any], http: Http) -> Done:
        answer = fields_of(reply, http)
        n: int = ticket["n"]
        # The answer has one seed in all. For several images nobody knows which one has it.
        seed = answer.get("seed")
        applied = {"seed": seed} if isinstance(seed, int) and n == 1 else {}
        flags = rows(answer.get("has_nsfw_concepts"))
        images = rows(answer.get("images")) or rows([answer["image"]] if "image" in answer else None)
        found = [
            self._image(table(image), applied, flagged=index < len(flags) and flags[index] is True)
            for index, image in enumerate(images)
        ]
        found = [image for image in found if image is not None]
        if not found:
            raise NoImage("The answer holds no image.", provider=self.spec.name, request_id=ticket["job"])
        units = reply.headers.get("x-fal-billable-units")
        return Done(
            images=tuple(found[:n]),
            request_id=ticket["job"],
            usage={"billable_units": units} if units else {},
        )

    def _image(self, image: Mapping[str, Any], applied: Mapping[str, Any], *, flagged: bool) -> Item | None:
        if flagged:
            # A flagged image is black.
            said = "fal: the safety checker blackened the image."
            return Missing(error=Moderated(said, provider=self.spec.name).info)
        return link(image.get("url"), **applied)

    def _job(self, model: str, job: str, end: str) -> str:
        """Return the address of a job, which leaves out the parts of the id after owner and app."""
        parts = model.split("/")
        kept = "/".join(parts[: 3 if parts[0] in _PREFIXES else 2])
        return f"{self.base_url}/{kept}/requests/{job}{end}"

    def _own(self, url: object, rebuilt: str, http: Http) -> str:
        """Return the address of the answer if the key may go there, else the address that we build."""
        return url if isinstance(url, str) and http.owns(url) else rebuilt

    # -------------------------------------------------------------- the catalogue

    async def discover(self, http: Http) -> Sequence[ModelSpec] | None:
        """Ask fal for its image models, each with its schema."""
        found: dict[str, ModelSpec] = {}
        for category in ("text-to-image", "image-to-image"):
            cursor = ""
            for _ in range(_PAGES):
                query = {"category": category, "status": "active", "limit": 50, "expand": "openapi-3.0"}
                if cursor:
                    query["cursor"] = cursor
                reply = await http.request("GET", f"{self._catalogue}/models?{urlencode(query)}")
                if not reply.ok:
                    raise _error(reply, http)
                page = fields_of(reply, http)
                for record in records_of(page, "models", http):
                    spec = _discovered(record)
                    if spec is not None:
                        found.setdefault(spec.id, spec)
                cursor = text(page.get("next_cursor"))
                if not cursor:
                    break
        prices = await self._prices(list(found), http)
        return [replace(spec, price=prices.get(spec.id)) for spec in found.values()]

    async def _prices(self, names: Sequence[str], http: Http) -> dict[str, Price]:
        """Ask for the prices of models. Raise nothing: the list is of use without its prices too."""
        found: dict[str, Price] = {}
        for first in range(0, len(names), _ASKED):
            url = f"{self._catalogue}/models/pricing"
            query = urlencode([("endpoint_id", name) for name in names[first : first + _ASKED]])
            try:
                reply = await http.request("GET", f"{url}?{query}")
                told = rows(fields_of(reply, http).get("prices")) if reply.ok else []
            except ProviderError:
                # The next question would fail too. Models without a price here keep the shipped one.
                break
            if reply.status in (401, 403, 429):
                break
            for record in map(table, told):
                price = _price(record, url)
                if price is not None:
                    found[text(record.get("endpoint_id"))] = price
        return found

    async def describe(self, id: str, http: Http) -> ModelSpec | None:
        """Ask fal for the schema of one model."""
        query = urlencode({"endpoint_id": id, "expand": "openapi-3.0"})
        reply = await http.request("GET", f"{self._catalogue}/models?{query}")
        if reply.status == 404:
            return None
        if not reply.ok:
            raise _error(reply, http)
        found = (_discovered(table(record)) for record in rows(fields_of(reply, http).get("models")))
        return next((spec for spec in found if spec is not None and spec.id == id), None)

    async def check(self, http: Http) -> None:
        """Ask for a price, which needs the key and costs nothing."""
        query = urlencode({"endpoint_id": _PROBE})
        reply = await http.request("GET", f"{self._catalogue}/models/pricing?{query}", max_bytes=POLL_BYTES)
        if not reply.ok:
            raise _error(reply, http)


def _model(id: str, **known: Any) -> ModelSpec:
    common: dict[str, Any] = {"title": id, "cancel": "queued", "resume": True, "progress": True}
    return ModelSpec(provider="fal", id=id, **{**common, **known})


def _price(record: Mapping[str, Any], source: str) -> Price | None:
    """Return the price of a record, or None where it is not one of an image or a megapixel in USD.

    fal counts the megapixels of 1024 × 1024 pixels that have begun.
    """
    amount, unit = amount_of(record.get("unit_price")), text(record.get("unit")).lower().rstrip("s")
    if amount is None or text(record.get("currency")).upper() != "USD" or unit not in _UNITS:
        return None
    further = amount if _UNITS[unit] == "megapixel" else None
    return Price(amount=amount, unit=_UNITS[unit], further=further, source=source)


def _discovered(record: Mapping[str, Any]) -> ModelSpec | None:
    name, about = text(record.get("endpoint_id")), table(record.get("metadata"))
    if not _MODEL.fullmatch(name) or makes_images(about) is False:
        return None
    components = table(table(table(record.get("openapi")).get("components")).get("schemas"))
    schema = _input_schema(table(record.get("openapi")), components)
    parameters = parameters_from(schema, components)
    count = table(table(schema.get("properties")).get("num_images")).get("maximum")
    return _model(
        name,
        title=text(about.get("display_name")) or name,
        description=" ".join(text(about.get("description")).split())[:300],
        parameters=parameters,
        native_n=count if isinstance(count, int) and count > 0 else 1,
        seed="best_effort" if any(p.name == "seed" for p in parameters) else "none",
        prompt=prompt_from(schema),
        references=references_from(schema, components),
    )


def _input_schema(openapi: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the input, from the one POST in a model's description."""
    for path in table(openapi.get("paths")).values():
        body = table(table(table(path).get("post")).get("requestBody"))
        schema = table(table(table(body.get("content")).get("application/json")).get("schema"))
        name = text(schema.get("$ref")).rpartition("/")[2]
        if schema:
            return table(components.get(name)) if name else schema
    return {}


def _position(answer: Mapping[str, Any]) -> int | None:
    position = answer.get("queue_position")
    return position if isinstance(position, int) else None


def _lost_or(reply: Reply, ticket: Mapping[str, Any], http: Http) -> ProviderError:
    if reply.status in (404, 410):
        return Lost("fal no longer knows the job.", provider="fal", request_id=ticket["job"])
    return _error(reply, http, ticket["job"])


def _error(reply: Reply, http: Http, job: str | None = None) -> ProviderError:
    body = body_of(reply)
    words, kinds = detailed(body)
    kinds += [text(body.get("error_type")), reply.headers.get("x-fal-error-type", "")]
    request_id = reply.headers.get("x-fal-request-id") or job
    if "no_media_generated" in kinds:
        return NoImage(
            f"fal: {http.redact(words)[:500] or 'the model gave no image.'}",
            provider="fal",
            request_id=request_id,
        )
    error = refusal(
        reply, words or text(body.get("error")), http, marks=" ".join(kinds), request_id=request_id
    )
    retryable = reply.headers.get("x-fal-retryable", "").lower()
    if retryable in ("true", "false"):
        error.retryable = retryable == "true"
    return error

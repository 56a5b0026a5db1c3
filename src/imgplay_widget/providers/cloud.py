"""Base classes for providers that are reached over HTTP.

`HttpProvider` is a provider behind one base URL. `CloudProvider` is one whose call is a single POST of JSON,
answered by JSON that holds the images or links to them. Such a provider is data (its address, its words for
failures) and three short methods::

    class Acme(CloudProvider):
        spec = ProviderSpec(name="acme", title="Acme", key_variables=("ACME_API_KEY",))
        address = "https://api.acme.example/v1"
        failures = {"no_credit": BillingError}
        refusals = ("content rules",)

        def models(self):
            return [ModelSpec(provider="acme", id="paint-1", title="Paint 1", native_n=4)]

        def path(self, unit):
            return "/images"

        def fields(self, unit, http):
            return {"model": unit.model, "prompt": unit.prompt, "n": unit.n, **self.wire_params(unit)}

        def images(self, answer):
            return [image for item in answer["data"] if (image := image_of(item))]

``docs/write-a-provider.md`` leads from there to a provider that passes the contract suite.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pybase64

from imgplay_widget import catalog
from imgplay_widget._types import Done, Inline, Missing, ModelSpec, Pending, ProviderSpec, Remote, Unit
from imgplay_widget.errors import BadResponse, Moderated, NoImage, ProviderError
from imgplay_widget.providers._shared import addresses
from imgplay_widget.providers._shared.answers import collected, read_images, table, text
from imgplay_widget.providers._shared.failures import failure
from imgplay_widget.providers._shared.wire import json_of
from imgplay_widget.providers.base import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget._types import Reference
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["CloudProvider", "HttpProvider", "Item", "code_and_words", "data_uri", "image_of", "link"]

Item = Inline | Remote | Missing
"""One image of an answer: its bytes, a link to it, or the reason why it is missing."""


class HttpProvider(Provider):
    """A provider behind one base URL.

    Attributes:
        spec: what is known of the provider; a subclass sets it on the class. Each instance has a copy, in
            which `local` fits the base URL.
        address: the official base URL.
        address_variable: the environment variable that may hold another base URL, or an empty string.
        base_url: the base URL of this instance, without a slash at its end.

    Args:
        base_url: the base URL to use instead of the official one.
    """

    spec: ProviderSpec
    base_url: str
    address: ClassVar[str]
    address_variable: ClassVar[str] = ""

    def __init__(self, base_url: str | None = None) -> None:
        base = base_url or os.environ.get(self.address_variable) or self.address
        self.base_url = base.strip().rstrip("/")
        self.spec = replace(type(self).spec, local=addresses.is_local(self.base_url))

    def models(self) -> Sequence[ModelSpec]:
        """Return the models that the package's catalog has for the provider.

        A provider of another package returns its own list here.
        """
        return catalog.load(self.spec.name)

    def origin(self) -> str:
        """Return the base URL."""
        return self.base_url


class CloudProvider(HttpProvider):
    """A provider whose call is one POST of JSON that is answered by JSON with the images.

    A subclass writes `path`, `fields` and `images`, and says in `failures` and `refusals` which words of the
    provider stand for which error. The base sends the call, reads the answer, decodes base64, names each
    missing image, and turns failures into errors.

    Attributes:
        failures: the class of error for each of the provider's own codes, in lower case. A code with dots is
            also found by its beginning: ``"throttling"`` stands for ``"throttling.user"`` too.
        refusals: parts of the provider's codes and sentences, in lower case, by which it says that its
            content rules refused the request.
        image_field: the field that holds an image as base64; in the answer that `images` receives, the
            decoded bytes stand in its place.

    Args:
        base_url: the base URL to use instead of the official one.
    """

    failures: ClassVar[Mapping[str, type[ProviderError]]] = {}
    refusals: ClassVar[tuple[str, ...]] = ()
    image_field: ClassVar[str] = "b64_json"

    # -------------------------------------------------------------- what a subclass writes

    def path(self, unit: Unit) -> str:
        """Return the path of the call, which follows the base URL."""
        raise NotImplementedError

    def fields(self, unit: Unit, http: Http) -> dict[str, Any]:
        """Return the JSON of the call."""
        raise NotImplementedError

    def images(self, answer: Mapping[str, Any]) -> Sequence[Item]:
        """Return the images of an answer, in their order.

        Args:
            answer: the JSON of the answer, with decoded bytes in each `image_field`.

        Raises:
            ProviderError: the answer says that there is no image, and why.
        """
        raise NotImplementedError

    # -------------------------------------------------------------- what a subclass may write

    def failed(self, answer: Mapping[str, Any]) -> bool:
        """Return whether an answer with a status of success is a failure."""
        return bool(answer.get("error")) and not answer.get("data")

    def cost(self, answer: Mapping[str, Any]) -> str | None:
        """Return what the call cost, in USD as a decimal string, or None where the answer does not say it."""
        return None

    def error(self, reply: Reply, http: Http) -> ProviderError:
        """Return the error that an answer stands for, with the provider's own words."""
        body = json_of(reply.body)
        code, sentence = code_and_words(body)
        return failure(
            reply,
            http,
            sentence or code,
            kind=self.kind(code, sentence),
            request_id=_request_id(reply, table(body)),
        )

    def kind(self, code: str, sentence: str) -> type[ProviderError] | None:
        """Return the class of error for the provider's own code or words; None where the status decides."""
        name = code.lower()
        while name:
            if name in self.failures:
                return self.failures[name]
            name = name.rpartition(".")[0]
        words = f"{code} {sentence}".lower()
        return Moderated if any(part in words for part in self.refusals) else None

    # -------------------------------------------------------------- what a subclass uses

    def wire_params(self, unit: Unit) -> dict[str, Any]:
        """Return the parameters of a call under the names that they have in the provider's protocol.

        Width and height are left out, because each provider writes a size in its own way.
        """
        spec = self.model(unit.model)
        fields: dict[str, Any] = {}
        for name, value in unit.params.items():
            parameter = spec.parameter(name) if spec else None
            if name not in ("width", "height"):
                fields[(parameter.wire if parameter else "") or name] = value
        return fields

    def read(self, reply: Reply, http: Http) -> dict[str, Any]:
        """Return the JSON of an answer, with decoded bytes in each `image_field`.

        Raises:
            ProviderError: the answer says that the call failed, or it cannot be read.
        """
        if not reply.ok:
            raise self.error(reply, http)
        images, answer = read_images(
            reply.body, reply.content_type, http, key=f'"{self.image_field}"'.encode()
        )
        if self.failed(answer):
            raise self.error(reply, http)
        return _with_bytes(answer, self.image_field, images) if images else answer

    def missing(self, item: Mapping[str, Any]) -> Missing:
        """Return a missing image, with the reason that the provider gives in its place."""
        code, sentence = code_and_words(item)
        kind = self.kind(code, sentence) or NoImage
        message = f"{self.spec.title}: {(sentence or code)[:500]}"
        return Missing(error=kind(message, provider=self.spec.name).info)

    # -------------------------------------------------------------- the contract

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Send one call and wait for its images."""
        reply = await http.request("POST", self.base_url + self.path(unit), json=self.fields(unit, http))
        answer = self.read(reply, http)
        request_id = _request_id(reply, answer)
        try:
            images = self.images(answer)
        except ProviderError as error:
            error.request_id = error.request_id or request_id
            raise
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            raise BadResponse(
                "The answer does not have the shape that the provider's protocol has.",
                provider=self.spec.name,
                request_id=request_id,
            ) from None
        return collected(
            images,
            unit,
            http,
            cost=self.cost(answer),
            request_id=request_id,
            usage=table(answer.get("usage")),
            served_by=text(answer.get("model")),
        )


def code_and_words(body: object) -> tuple[str, str]:
    """Return the code and the sentence of a failure, in whichever form they came; empty where absent."""
    if isinstance(body, str):
        return "", body
    outer = table(body)
    if isinstance(outer.get("error"), str):
        return "", outer["error"]
    for part in (outer.get("error"), outer.get("base_resp"), outer.get("output"), outer):
        inner = table(part)
        code = inner.get("code", inner.get("status_code"))
        words = inner.get("message") or inner.get("status_msg") or ""
        if code is not None or words:
            return "" if code is None else str(code), text(words) or str(words)
    return "", ""


def data_uri(http: Http, reference: Reference) -> str:
    """Return an input image as a data URI."""
    data = pybase64.b64encode(http.reference(reference)).decode("ascii")
    return f"data:{reference.media_type};base64,{data}"


def image_of(item: object, field: str = "b64_json", **applied: Any) -> Inline | Remote | None:
    """Return the image of one entry of an answer: its decoded bytes, else the link in its ``url``.

    Args:
        item: the entry, as `CloudProvider.images` receives it; anything else is no image.
        field: the provider's `CloudProvider.image_field`.
        applied: what the provider says it used for this image; values of None are left out.
    """
    entry = table(item)
    data = entry.get(field)
    if isinstance(data, bytes) and data:
        return Inline(data=data, applied=_given(applied))
    return link(entry.get("url"), **applied)


def link(url: object, **applied: Any) -> Remote | None:
    """Return the image behind a link, or None where the value is not a link.

    Args:
        url: anything.
        applied: what the provider says it used for this image; values of None are left out.
    """
    if not text(url).startswith(("https://", "http://")):
        return None
    return Remote(url=text(url), applied=_given(applied))


def _given(applied: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in applied.items() if value is not None}


def _with_bytes(answer: dict[str, Any], field: str, images: Sequence[bytes]) -> dict[str, Any]:
    """Return the JSON, in which each index of an image under `field` is replaced by the image."""

    def walked(value: Any) -> Any:
        if isinstance(value, dict):
            entries = cast("dict[str, Any]", value).items()
            return {
                name: images[inner] if name == field and type(inner) is int else walked(inner)
                for name, inner in entries
            }
        return [walked(inner) for inner in cast("list[Any]", value)] if isinstance(value, list) else value

    return walked(answer)


def _request_id(reply: Reply, answer: Mapping[str, Any]) -> str | None:
    """Return the provider's own id of the call, from the headers, the JSON or its error."""
    inner = table(answer.get("error"))
    return reply.request_id or text(answer.get("request_id") or inner.get("request_id")) or None

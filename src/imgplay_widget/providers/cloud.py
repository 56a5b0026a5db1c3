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
            return [image_of(item) for item in answer["data"]]

``docs/write-a-provider.md`` leads from there to a provider that passes the contract suite.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import pybase64

from imgplay_widget import catalog
from imgplay_widget._types import Done, Missing, ModelSpec, Pending, ProviderSpec, Unit
from imgplay_widget.errors import BadResponse, Moderated, NoImage, ProviderError
from imgplay_widget.providers._shared import addresses
from imgplay_widget.providers._shared.answers import Item, collected, image_of, link, read_images, table, text
from imgplay_widget.providers._shared.environment import bare, variable
from imgplay_widget.providers._shared.failures import failure
from imgplay_widget.providers._shared.wire import json_of
from imgplay_widget.providers.base import Provider

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from imgplay_widget._types import Reference
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["CloudProvider", "HttpProvider", "Item", "code_and_words", "data_uri", "image_of", "link"]


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
        base = bare(base_url or "") or variable(self.address_variable) or self.address
        self.base_url = base.rstrip("/")
        self.spec = replace(type(self).spec, local=addresses.is_local(self.base_url))

    def models(self) -> Sequence[ModelSpec]:
        """Return the models that the package's catalog has for the provider.

        A provider of another package returns its own list here.
        """
        return catalog.load(self.spec.name)

    def model(self, id: str) -> ModelSpec | None:
        """Return the model of an id. An id that is not listed takes what its family takes."""
        return super().model(id) or catalog.by_hand(self.spec.name, id)

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

    def images(self, answer: Mapping[str, Any]) -> Iterable[Item | None]:
        """Return the images of an answer, in their order; None for an entry that holds no image.

        Args:
            answer: the JSON of the answer, with decoded bytes in each `image_field` that is base64.
                `image_of` reads one entry of it.

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
            if name in ("width", "height"):
                continue
            parameter = spec.parameter(name) if spec else None
            *outer, last = ((parameter.wire if parameter else "") or name).split(".")
            inner = fields
            for part in outer:
                inner = inner.setdefault(part, {})
            inner[last] = value
        return fields

    def read(self, reply: Reply, http: Http) -> dict[str, Any]:
        """Return the JSON of an answer, with decoded bytes in each `image_field`.

        Raises:
            ProviderError: the answer says that the call failed, or it cannot be read.
        """
        if not reply.ok:
            raise self.error(reply, http)
        answer = read_images(reply.body, reply.content_type, http, field=self.image_field)
        if self.failed(answer):
            raise self.error(reply, http)
        return answer

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
            images = list(self.images(answer))
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
            unit.n,
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


def _request_id(reply: Reply, answer: Mapping[str, Any]) -> str | None:
    """Return the provider's own id of the call, from the headers, the JSON or its error."""
    inner = table(answer.get("error"))
    return reply.request_id or text(answer.get("request_id") or inner.get("request_id")) or None

"""What providers share whose call is one POST of JSON, answered by JSON that names its images.

Such a provider is data (its address, its words for failures) and two mappings: the request to fields, the
answer to images.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import pybase64

from imgplay_widget import catalog
from imgplay_widget._types import Done, Inline, Missing, ModelSpec, Pending, ProviderSpec, Remote, Unit
from imgplay_widget.errors import Moderated, NoImage, ProviderError
from imgplay_widget.providers._shared import addresses
from imgplay_widget.providers._shared.answers import collected, read_images, table, text
from imgplay_widget.providers._shared.failures import failure
from imgplay_widget.providers._shared.wire import json_of
from imgplay_widget.providers.base import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget._types import Reference
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["CloudProvider", "Item", "data_uri", "link", "said"]

Item = Inline | Remote | Missing
"""One place of an answer."""


class CloudProvider(Provider):
    """The base of such providers.

    Attributes:
        known: what is known of the provider; `spec` is the same, fitted to the base URL.
        address: the official base URL.
        address_variable: the environment variable that may name another one.
        failures: the error for each of the provider's own codes, in lower case. A code with dots is also
            found by its beginning.
        refusals: parts of the provider's codes and sentences, in lower case, that tell of its content rules.

    Args:
        base_url: instead of the official one.
    """

    known: ClassVar[ProviderSpec]
    address: ClassVar[str]
    address_variable: ClassVar[str]
    failures: ClassVar[Mapping[str, type[ProviderError]]] = {}
    refusals: ClassVar[tuple[str, ...]] = ()

    def __init__(self, base_url: str | None = None) -> None:
        base = base_url or os.environ.get(self.address_variable) or self.address
        self._base = base.strip().rstrip("/")
        self.spec = replace(self.known, local=addresses.is_local(self._base))

    # -------------------------------------------------------------- to be written

    def path(self, unit: Unit) -> str:
        """Gives the path of the call, after the base URL."""
        raise NotImplementedError

    def fields(self, unit: Unit, http: Http) -> dict[str, Any]:
        """Gives the JSON of the call."""
        raise NotImplementedError

    def images(self, answer: Mapping[str, Any]) -> list[Item]:
        """Gives what the answer holds, in order."""
        raise NotImplementedError

    def failed(self, answer: Mapping[str, Any]) -> bool:
        """Says whether an answer that came as a success is a failure all the same."""
        return bool(answer.get("error")) and not answer.get("data")

    # -------------------------------------------------------------- the contract

    def models(self) -> Sequence[ModelSpec]:
        """Gives the models of the catalog."""
        return catalog.load(self.known.name)

    def origin(self) -> str:
        """Gives the base URL."""
        return self._base

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Sends one call and waits for its images."""
        reply = await http.request("POST", self._base + self.path(unit), json=self.fields(unit, http))
        answer = self.read(reply, http)
        return collected(
            self.images(answer),
            unit,
            http,
            request_id=_request_id(reply, answer),
            usage=table(answer.get("usage")),
        )

    # -------------------------------------------------------------- for subclasses

    def named(self, unit: Unit) -> dict[str, Any]:
        """Gives the parameters of a call under the names that the catalog says they have on the wire.

        Width and height are left out: each provider writes a size in its own way.
        """
        spec = self.model(unit.model)
        fields: dict[str, Any] = {}
        for name, value in unit.params.items():
            parameter = spec.parameter(name) if spec else None
            if name not in ("width", "height"):
                fields[(parameter.wire if parameter else "") or name] = value
        return fields

    def read(self, reply: Reply, http: Http) -> dict[str, Any]:
        """Gives the answer's JSON.

        Raises:
            ProviderError: it says that the call failed, or it is no such answer.
        """
        if not reply.ok:
            raise self.error(reply, json_of(reply.body), http)
        _, answer = read_images(reply.body, reply.content_type, http)
        if self.failed(answer):
            raise self.error(reply, answer, http)
        return answer

    def error(self, reply: Reply, body: object, http: Http) -> ProviderError:
        """Gives the error that an answer stands for, in the provider's own words."""
        code, sentence = said(body)
        return failure(
            reply,
            http,
            sentence or code,
            kind=self.kind(code, sentence),
            request_id=_request_id(reply, table(body)),
        )

    def kind(self, code: str, sentence: str) -> type[ProviderError] | None:
        """Gives the class of error for the provider's own code or words; None where they say nothing."""
        name = code.lower()
        while name:
            if name in self.failures:
                return self.failures[name]
            name = name.rpartition(".")[0]
        words = f"{code} {sentence}".lower()
        return Moderated if any(part in words for part in self.refusals) else None

    def missing(self, place: Mapping[str, Any]) -> Missing:
        """Gives a place that stayed empty, with what the provider says of it."""
        code, sentence = said(place)
        kind = self.kind(code, sentence) or NoImage
        message = f"{self.known.title}: {(sentence or code)[:500]}"
        return Missing(error=kind(message, provider=self.known.name).info)


def said(body: object) -> tuple[str, str]:
    """Gives the code and the sentence of a failure, in whichever form they came; empty where absent."""
    if isinstance(body, str):
        return "", body
    outer = table(body)
    if isinstance(outer.get("error"), str):
        return "", outer["error"]
    for place in (outer.get("error"), outer.get("base_resp"), outer.get("output"), outer):
        inner = table(place)
        code = inner.get("code", inner.get("status_code"))
        words = inner.get("message") or inner.get("status_msg") or ""
        if code is not None or words:
            return "" if code is None else str(code), text(words) or str(words)
    return "", ""


def data_uri(http: Http, reference: Reference) -> str:
    """Gives an input image as a data URI."""
    data = pybase64.b64encode(http.reference(reference)).decode("ascii")
    return f"data:{reference.media_type};base64,{data}"


def link(url: object, **applied: Any) -> Remote | None:
    """Gives the image behind a link, or None where it is none; `applied` without what is None."""
    if not text(url).startswith(("https://", "http://")):
        return None
    return Remote(
        url=text(url), applied={name: value for name, value in applied.items() if value is not None}
    )


def _request_id(reply: Reply, answer: Mapping[str, Any]) -> str | None:
    """The provider's own id of the call, in the headers, at the top or in the error."""
    inner = table(answer.get("error"))
    return reply.request_id or text(answer.get("request_id") or inner.get("request_id")) or None

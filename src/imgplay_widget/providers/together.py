"""Together AI.

The wire: togethercomputer/openapi ``openapi.yaml`` (2026-04) and vercel/ai ``packages/togetherai``, which
sends pictures as data URIs. The request asks for ``base64``; the answer calls the field ``b64_json``.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pybase64

from imgplay_widget import catalog
from imgplay_widget._types import Done, Inline, ModelSpec, Pending, ProviderSpec, Remote, Unit
from imgplay_widget.errors import BadResponse, ProviderError
from imgplay_widget.providers._shared import addresses
from imgplay_widget.providers._shared.answers import collected, read_images, rows, table, text
from imgplay_widget.providers._shared.openai_errors import error_from
from imgplay_widget.providers.base import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget._types import Reference
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["Together"]

_OFFICIAL = "https://api.together.ai/v1"
_ID = re.compile(r"[\w.-]+/[\w.-]+")
_GENERAL = "black-forest-labs/FLUX.1-schnell"
"""The model whose parameters are in the specification that holds for every model."""
_WIRE = {"cfg": "guidance_scale"}


class Together(Provider):
    """One call gives the images at once; with seeds, each image is a call of its own.

    Args:
        base_url: up to and including ``/v1``; None for ``TOGETHER_BASE_URL`` or Together itself.
    """

    def __init__(self, base_url: str | None = None) -> None:
        self._base = (base_url or os.environ.get("TOGETHER_BASE_URL") or _OFFICIAL).rstrip("/")
        self.spec = ProviderSpec(
            name="together",
            title="Together AI",
            key_variables=("TOGETHER_API_KEY",),
            key_url="https://api.together.ai/settings/api-keys",
            local=addresses.is_local(self._base),
        )

    def models(self) -> Sequence[ModelSpec]:
        """Gives the catalog."""
        return catalog.load("together")

    def model(self, id: str) -> ModelSpec | None:
        """Gives the model of that id; of any other ``owner/name`` what most models take."""
        known = super().model(id)
        if known is None and _ID.fullmatch(id):
            return self._general(id, id)
        return known

    def origin(self) -> str:
        """Gives the base URL."""
        return self._base

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Sends one call and waits for its images."""
        fields: dict[str, Any] = {
            "model": unit.model,
            "prompt": unit.prompt,
            "n": unit.n,
            "response_format": "base64",
            **{_WIRE.get(name, name): value for name, value in unit.params.items()},
        }
        if unit.seed is not None:
            fields["seed"] = unit.seed
        if unit.references:
            rule = (self.model(unit.model) or self.models()[0]).references
            pictures = [_data_uri(http, reference) for reference in unit.references]
            many = rule is not None and rule.wire.endswith("[]")
            fields |= {"reference_images": pictures} if many else {"image_url": pictures[0]}
        reply = await http.request("POST", f"{self._base}/images/generations", json=fields)
        if not reply.ok:
            raise self._error(reply, http)
        images, answer = read_images(reply.body, reply.content_type, http)
        if answer.get("error") and not answer.get("data"):
            raise self._error(reply, http)
        items = map(table, rows(answer.get("data")))
        found = [image for item in items if (image := _image(item, images)) is not None]
        return collected(found, unit, http, request_id=reply.request_id)

    async def discover(self, http: Http) -> Sequence[ModelSpec]:
        """Asks which image models there are now.

        Raises:
            ProviderError: it could not be asked.
        """
        reply = await http.request("GET", f"{self._base}/models")
        if not reply.ok:
            raise self._error(reply, http)
        try:
            listed: object = reply.json()
        except (ValueError, RecursionError):
            raise BadResponse("The list of models is not JSON.", provider=self.spec.name) from None
        # The specification has a bare list; relays put it under "data".
        items = rows(listed) or rows(table(listed).get("data"))
        found: list[ModelSpec] = []
        for item in map(table, items):
            name = text(item.get("id"))
            if item.get("type") == "image" and _ID.fullmatch(name):
                title = text(item.get("display_name")) or name
                found.append(super().model(name) or self._general(name, title))
        return found

    def _general(self, id: str, title: str) -> ModelSpec:
        model = next(model for model in self.models() if model.id == _GENERAL)
        # How many steps are good differs widely; without a value the model's own number holds.
        parameters = tuple(
            replace(parameter, default=None, maximum=100, help="") if parameter.name == "steps" else parameter
            for parameter in model.parameters
        )
        return replace(model, id=id, title=title, description="", parameters=parameters)

    def _error(self, reply: Reply, http: Http) -> ProviderError:
        return error_from(reply, http)


def _data_uri(http: Http, reference: Reference) -> str:
    return f"data:{reference.media_type};base64,{pybase64.b64encode_as_string(http.reference(reference))}"


def _image(item: Mapping[str, Any], images: Sequence[bytes]) -> Inline | Remote | None:
    index, url = item.get("b64_json"), text(item.get("url"))
    if isinstance(index, int) and images[index]:
        return Inline(data=images[index])
    return Remote(url=url) if url else None

"""Together AI.

The protocol is that of togethercomputer/openapi ``openapi.yaml`` (2026-04) and vercel/ai
``packages/togetherai``, which sends images as data URIs. The request asks for ``base64``; the answer calls
the field ``b64_json``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import ModelSpec, ProviderSpec, Unit
from imgplay_widget.errors import BadResponse, ProviderError
from imgplay_widget.providers._shared.answers import items_of, text
from imgplay_widget.providers._shared.listed import makes_images, records_of
from imgplay_widget.providers._shared.openai_errors import error_from
from imgplay_widget.providers.cloud import CloudProvider, Item, data_uri, image_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget.providers.http import Http, Reply

__all__ = ["Together"]

_ID = re.compile(r"[\w.-]+/[\w.-]+")
_WIRE = {"cfg": "guidance_scale"}


class Together(CloudProvider):
    """Together AI: one call makes several images; with seeds, each image is a call of its own.

    Args:
        base_url: up to and including ``/v1``; None for ``TOGETHER_BASE_URL`` or Together itself.
    """

    spec = ProviderSpec(
        name="together",
        title="Together AI",
        key_variables=("TOGETHER_API_KEY",),
        key_url="https://api.together.ai/settings/api-keys",
    )
    address = "https://api.together.ai/v1"
    address_variable = "TOGETHER_BASE_URL"

    def path(self, unit: Unit) -> str:
        """Return the path of the call."""
        return "/images/generations"

    def fields(self, unit: Unit, http: Http) -> dict[str, Any]:
        """Return the JSON of the call."""
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
            pictures = [data_uri(http, reference) for reference in unit.references]
            many = rule is not None and rule.wire.endswith("[]")
            fields |= {"reference_images": pictures} if many else {"image_url": pictures[0]}
        return fields

    def images(self, answer: Mapping[str, Any]) -> list[Item | None]:
        """Return the images."""
        return [image_of(item) for item in items_of(answer)]

    def error(self, reply: Reply, http: Http) -> ProviderError:
        """Return the error of an answer, which has the form of OpenAI's errors."""
        return error_from(reply, http)

    async def discover(self, http: Http) -> Sequence[ModelSpec]:
        """Ask which image models there are now.

        Raises:
            ProviderError: the question failed.
        """
        reply = await http.request("GET", f"{self.base_url}/models")
        if not reply.ok:
            raise self.error(reply, http)
        try:
            listed: object = reply.json()
        except ValueError:
            raise BadResponse("The list of models is not JSON.", provider=self.spec.name) from None
        # The specification has a bare list; relays put the list under "data".
        found: list[ModelSpec] = []
        for item in records_of(listed, "data", http):
            name = text(item.get("id"))
            if makes_images(item) and _ID.fullmatch(name):
                title = text(item.get("display_name")) or name
                spec = self.model(name)
                if spec is not None:
                    found.append(replace(spec, title=title) if spec.title == name else spec)
        return found

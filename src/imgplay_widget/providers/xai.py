"""xAI's Grok Imagine.

The wire: xai-org/xai-proto ``image.proto`` and xai-org/xai-sdk-python (2026-08), docs.x.ai (2026-10).
Moderation is silent: HTTP 200 with ``respect_moderation: false``, or with an empty list.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pybase64

from imgplay_widget import catalog
from imgplay_widget._types import Done, Inline, Missing, ModelSpec, Pending, ProviderSpec, Remote, Unit
from imgplay_widget.errors import Moderated
from imgplay_widget.providers._shared import addresses
from imgplay_widget.providers._shared.answers import collected, read_images, rows, table, text
from imgplay_widget.providers._shared.failures import perhaps_billed
from imgplay_widget.providers._shared.openai_errors import error_from
from imgplay_widget.providers.base import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget._types import Reference
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["XAI"]

_OFFICIAL = "https://api.x.ai/v1"
_OWN_MODELS = re.compile(r"grok-[\w.-]*image[\w.-]*")
_NEWEST = "grok-imagine-image-2.0"
_TICK = Decimal("1e-10")
"""USD of one of the "ticks" in which xAI counts (xai-sdk-python ``cost.py``)."""


class XAI(Provider):
    """Grok Imagine: several images a call, references as JSON, no seed.

    Args:
        base_url: up to and including ``/v1``; None for xAI itself.
    """

    def __init__(self, base_url: str | None = None) -> None:
        self._base = (base_url or _OFFICIAL).rstrip("/")
        self.spec = ProviderSpec(
            name="xai",
            title="xAI",
            key_variables=("XAI_API_KEY",),
            key_url="https://console.x.ai",
            local=addresses.is_local(self._base),
        )

    def models(self) -> Sequence[ModelSpec]:
        """Gives the catalog."""
        return catalog.load("xai")

    def model(self, id: str) -> ModelSpec | None:
        """Gives the model of that id; one that the catalog does not list takes what the newest takes."""
        known = super().model(id)
        if known is not None or not _OWN_MODELS.fullmatch(id):
            return known
        newest = super().model(_NEWEST)
        return None if newest is None else replace(newest, id=id, title=id, description="")

    def origin(self) -> str:
        """Gives the base URL."""
        return self._base

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Sends one call and waits for its images."""
        fields: dict[str, Any] = {
            "model": unit.model,
            "prompt": unit.prompt,
            "n": unit.n,
            "response_format": "b64_json",
            **unit.params,
        }
        path = "generations"
        if unit.references:
            path = "edits"
            pictures = [_picture(http, reference) for reference in unit.references]
            # One of the two, never both.
            fields |= {"image": pictures[0]} if len(pictures) == 1 else {"images": pictures}
        reply = await http.request("POST", f"{self._base}/images/{path}", json=fields)
        if not reply.ok:
            raise error_from(reply, http)
        return self._done(reply, unit, http)

    def _done(self, reply: Reply, unit: Unit, http: Http) -> Done:
        images, answer = read_images(reply.body, reply.content_type, http)
        if answer.get("error") and not answer.get("data"):
            raise error_from(reply, http)
        refusal = self._refusal(reply.request_id)
        if answer.get("data") == []:
            raise refusal
        found: list[Inline | Remote | Missing] = []
        for item in map(table, rows(answer.get("data"))):
            if item.get("respect_moderation") is False:
                found.append(Missing(error=refusal.info))
            elif (image := _image(item, images)) is not None:
                found.append(image)
        if found and all(isinstance(item, Missing) for item in found):
            raise refusal
        usage = table(answer.get("usage"))
        return collected(found, unit, http, cost=_cost(usage), request_id=reply.request_id, usage=usage)

    def _refusal(self, request_id: str | None) -> Moderated:
        return perhaps_billed(
            Moderated(
                "xAI: the finished image was held back by the content rules.",
                provider=self.spec.name,
                request_id=request_id,
            )
        )


def _picture(http: Http, reference: Reference) -> dict[str, str]:
    data = pybase64.b64encode_as_string(http.reference(reference))
    return {"type": "image_url", "url": f"data:{reference.media_type};base64,{data}"}


def _image(item: Mapping[str, Any], images: Sequence[bytes]) -> Inline | Remote | None:
    revised = text(item.get("revised_prompt"))
    applied = {"revised_prompt": revised} if revised else {}
    index, url = item.get("b64_json"), text(item.get("url"))
    if isinstance(index, int) and images[index]:
        return Inline(data=images[index], applied=applied)
    return Remote(url=url, applied=applied) if url else None


def _cost(usage: Mapping[str, Any]) -> str | None:
    ticks = usage.get("cost_in_usd_ticks")
    return format(ticks * _TICK, "f") if isinstance(ticks, int) and ticks >= 0 else None

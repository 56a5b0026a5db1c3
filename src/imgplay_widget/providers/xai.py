"""xAI's Grok Imagine.

The protocol is that of xai-org/xai-proto ``image.proto``, of xai-org/xai-sdk-python (2026-08) and of
docs.x.ai (2026-10).
Moderation is silent: HTTP 200 with ``respect_moderation: false``, or with an empty list.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import Missing, ModelSpec, Price, ProviderSpec, Unit
from imgplay_widget.errors import Moderated, ProviderError
from imgplay_widget.providers._shared.answers import items_of, table, text
from imgplay_widget.providers._shared.failures import perhaps_billed
from imgplay_widget.providers._shared.listed import amount_of, makes_images, records_of, takes_images
from imgplay_widget.providers._shared.openai_errors import error_from
from imgplay_widget.providers.cloud import CloudProvider, Item, data_uri, image_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget.providers.http import Http, Reply

__all__ = ["XAI"]

_DATE = re.compile(r"-(latest|\d{8}|\d{4}-\d{2}-\d{2})$")
_CENT = Decimal("0.01")
_DEAREST = Decimal(10)
"""The most USD of an image that is taken for one."""
_TICK = Decimal("1e-10")
"""The USD of one "tick", in which xAI counts (xai-sdk-python ``cost.py``)."""


class XAI(CloudProvider):
    """Grok Imagine: several images a call, references as JSON, no seed.

    Args:
        base_url: up to and including ``/v1``; None for xAI itself.
    """

    spec = ProviderSpec(
        name="xai",
        title="xAI",
        key_variables=("XAI_API_KEY",),
        key_url="https://console.x.ai",
    )
    address = "https://api.x.ai/v1"

    def model(self, id: str) -> ModelSpec | None:
        """Return the model of an id, also of one that the catalog does not list.

        A dated form of a retired model is as retired.
        """
        listed = {spec.id: spec for spec in self.models()}
        dated = listed.get(_DATE.sub("", id))
        if id not in listed and dated is not None and dated.retired_on is not None:
            return replace(dated, id=id, title=id)
        return super().model(id)

    async def discover(self, http: Http) -> Sequence[ModelSpec]:
        """Ask for the image models of the key, with what they take and cost."""
        url = f"{self.base_url}/image-generation-models"
        answer = self.read(await http.request("GET", url), http)
        shipped = {spec.id for spec in self.models()}
        found: list[ModelSpec] = []
        for record in records_of(answer, "models", http):
            id_ = text(record.get("id"))
            spec = self.model(id_)
            if spec is None or makes_images(record) is False:
                continue
            if takes_images(record) is False and id_ not in shipped:
                spec = replace(spec, references=None)
            found.append(replace(spec, price=_price(record, url)))
        return found

    def path(self, unit: Unit) -> str:
        """Return the path of the call; calls with references have a path of their own."""
        return "/images/edits" if unit.references else "/images/generations"

    def fields(self, unit: Unit, http: Http) -> dict[str, Any]:
        """Return the JSON of the call."""
        fields: dict[str, Any] = {
            "model": unit.model,
            "prompt": unit.prompt,
            "n": unit.n,
            "response_format": "b64_json",
            **unit.params,
        }
        if fields.get("quality") == "auto":
            # The provider chooses where the field is missing; "auto" is our word for this choice.
            del fields["quality"]
        if unit.references:
            pictures = [{"type": "image_url", "url": data_uri(http, one)} for one in unit.references]
            # Only one of the two fields may be there.
            fields |= {"image": pictures[0]} if len(pictures) == 1 else {"images": pictures}
        return fields

    def images(self, answer: Mapping[str, Any]) -> list[Item]:
        """Return the images, with a refusal for each image that was held back.

        Raises:
            Moderated: all images were held back.
        """
        refusal = perhaps_billed(
            Moderated("xAI: the content rules held the finished image back.", provider=self.spec.name)
        )
        if answer.get("data") == []:
            raise refusal
        found: list[Item] = []
        for item in map(table, items_of(answer)):
            if item.get("respect_moderation") is False:
                found.append(Missing(error=refusal.info))
            elif (
                image := image_of(item, revised_prompt=text(item.get("revised_prompt")) or None)
            ) is not None:
                found.append(image)
        if found and all(isinstance(item, Missing) for item in found):
            raise refusal
        return found

    def cost(self, answer: Mapping[str, Any]) -> str | None:
        """Return what the call cost, in USD."""
        ticks = table(answer.get("usage")).get("cost_in_usd_ticks")
        return format(ticks * _TICK, "f") if isinstance(ticks, int) and ticks >= 0 else None

    def error(self, reply: Reply, http: Http) -> ProviderError:
        """Return the error of an answer, which has the form of OpenAI's errors."""
        return error_from(reply, http)


def _price(record: Mapping[str, Any], source: str) -> Price | None:
    """Return the price of one image, which the list has in cents (docs.x.ai, xai-proto ``models.proto``).

    Lists with much larger numbers were seen, of an unknown unit. They are passed over as odd.
    """
    amount = amount_of(record.get("image_price"), _CENT)
    return (
        None
        if amount is None or Decimal(amount) > _DEAREST
        else Price(amount=amount, unit="image", source=source)
    )

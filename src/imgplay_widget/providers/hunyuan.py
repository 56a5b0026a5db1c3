"""Tencent Hunyuan, by TokenHub.

The protocol and limits are those of the vendor's pages (cloud.tencent.com, document 1823/135745 on images and
1823/131595 on errors, seen 2026-11). Input images are left out, because the page does not say which
form of base64 they have, and clients differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgplay_widget._types import ProviderSpec, Unit
from imgplay_widget.errors import ModelNotFound, ProviderError
from imgplay_widget.providers._shared.answers import items_of, table, text
from imgplay_widget.providers.cloud import CloudProvider, Item, image_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget.providers.http import Http

__all__ = ["Hunyuan"]


class Hunyuan(CloudProvider):
    """Tencent's Hy-Image 3.0: one image a call, which answers when it is done."""

    spec = ProviderSpec(
        name="hunyuan",
        title="Tencent Hunyuan",
        key_variables=("TOKENHUB_API_KEY", "HUNYUAN_API_KEY"),
        key_url="https://console.cloud.tencent.com/tokenhub/apikey",
        # The default limit of an account; more calls at once are refused.
        concurrency=1,
    )
    address = "https://tokenhub.tencentmaas.com/v1"
    address_variable = "TOKENHUB_BASE_URL"
    refusals = ("content_filter",)

    def path(self, unit: Unit) -> str:
        """Return the path of the call."""
        return "/wand/hunyuan-image/v3-generation"

    def fields(self, unit: Unit, http: Http) -> dict[str, Any]:
        """Return the JSON of the call."""
        fields = {"model": unit.model, "prompt": unit.prompt, **self.wire_params(unit)}
        if "width" in unit.params and "height" in unit.params:
            fields["size"] = f"{unit.params['width']}x{unit.params['height']}"
        if unit.seed is not None:
            fields["seed"] = unit.seed
        return fields

    def kind(self, code: str, sentence: str) -> type[ProviderError] | None:
        """Return the class of error. A wrong model has the same code as any wrong parameter."""
        if code == "400004" and ("不存在" in sentence or "not exist" in sentence):
            return ModelNotFound
        return super().kind(code, sentence)

    def images(self, answer: Mapping[str, Any]) -> list[Item | None]:
        """Return the images, with the prompt that made them."""
        return [
            image_of(item, revised_prompt=text(item.get("revised_prompt")) or None)
            for item in map(table, items_of(answer))
        ]

"""Tencent Hunyuan, by TokenHub.

The protocol and limits are those of the vendor's pages (cloud.tencent.com, document 1823/135745 on images and
1823/131595 on errors, seen 2026-11). Hy-Image 3.0 gets no input images, because the page does not say which
form of base64 they have, and clients differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgplay_widget._types import ProviderSpec, Unit
from imgplay_widget.errors import ModelNotFound, ProviderError
from imgplay_widget.providers._shared.answers import items_of, rows, table, text
from imgplay_widget.providers.cloud import CloudProvider, Item, data_uri, image_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget.providers.http import Http

__all__ = ["Hunyuan"]


_CHATS = "hy-image-v3.5"
"""The beginning of the ids whose calls are messages, as in a chat, and may hold input images."""


class Hunyuan(CloudProvider):
    """Tencent's Hy-Image: one image a call, which answers when it is done.

    The service outside China is at ``https://tokenhub-intl.tencentcloudmaas.com/v1``, with other keys.
    """

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
        version = "v35" if unit.model.startswith(_CHATS) else "v3"
        return f"/wand/hunyuan-image/{version}-generation"

    def fields(self, unit: Unit, http: Http) -> dict[str, Any]:
        """Return the JSON of the call."""
        fields: dict[str, Any] = {"model": unit.model, **self.wire_params(unit)}
        if unit.model.startswith(_CHATS):
            words = {"type": "text", "text": unit.prompt}
            images = [
                {"type": "image_url", "image_url": {"url": data_uri(http, reference)}}
                for reference in unit.references
            ]
            fields["messages"] = [{"role": "user", "content": [*images, words]}]
        else:
            fields["prompt"] = unit.prompt
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

    def failed(self, answer: Mapping[str, Any]) -> bool:
        """Return whether an answer with a status of success names an error."""
        return bool(answer.get("error"))

    def images(self, answer: Mapping[str, Any]) -> list[Item | None]:
        """Return the images, with the prompt that made them."""
        painted = [table(table(choice).get("delta")).get("image") for choice in rows(answer.get("choices"))]
        if painted:
            return [image_of(table(image)) for image in painted]
        return [
            image_of(item, revised_prompt=text(item.get("revised_prompt")) or None)
            for item in map(table, items_of(answer))
        ]

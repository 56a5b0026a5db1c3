"""MiniMax: image-01 and image-01-live.

The protocol and codes are those of the vendor's reference (platform.minimax.io, "image generation" and
"error codes", seen 2026-11). MINIMAX_API_HOST is the variable of its own tools.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, ClassVar

from imgplay_widget._types import Missing, ProviderSpec, Unit
from imgplay_widget.errors import (
    BadKey,
    BadRequest,
    BillingError,
    Moderated,
    ProviderError,
    RateLimited,
    ServerError,
)
from imgplay_widget.providers._shared.answers import rows, table
from imgplay_widget.providers.cloud import CloudProvider, Item, data_uri, image_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget.providers.http import Http

__all__ = ["MiniMax"]


class MiniMax(CloudProvider):
    """MiniMax's image model. One input image shows how a person looks.

    Failures come with HTTP 200 and a code. The service in China is at ``https://api.minimaxi.com``.
    """

    spec = ProviderSpec(
        name="minimax",
        title="MiniMax",
        key_variables=("MINIMAX_API_KEY",),
        key_url="https://platform.minimax.io/user-center/basic-information/interface-key",
    )
    address = "https://api.minimax.io"
    address_variable = "MINIMAX_API_HOST"
    failures: ClassVar[Mapping[str, type[ProviderError]]] = {
        **dict.fromkeys(("1000", "1001", "1013", "1024", "1033"), ServerError),
        **dict.fromkeys(("1002", "1039", "1041", "2045"), RateLimited),
        **dict.fromkeys(("1004", "2049"), BadKey),
        **dict.fromkeys(("1008", "2056"), BillingError),
        **dict.fromkeys(("1026", "1027"), Moderated),
        **dict.fromkeys(("1042", "2013"), BadRequest),
    }

    def __init__(self, base_url: str | None = None) -> None:
        super().__init__(base_url)
        # Some users give the host, some the host with the version.
        self.base_url = self.base_url.removesuffix("/v1")

    def path(self, unit: Unit) -> str:
        """Return the path of the call."""
        return "/v1/image_generation"

    def fields(self, unit: Unit, http: Http) -> dict[str, Any]:
        """Return the JSON of the call."""
        fields = {
            "model": unit.model,
            "prompt": unit.prompt,
            "n": unit.n,
            "response_format": "base64",
            **self.wire_params(unit),
        }
        if "style_type" not in table(fields.get("style")):
            # Its weight alone is not a style.
            fields.pop("style", None)
        if unit.seed is not None:
            fields["seed"] = unit.seed
        if unit.references:
            fields["subject_reference"] = [
                {"type": "character", "image_file": data_uri(http, reference)}
                for reference in unit.references
            ]
        return fields

    def failed(self, answer: Mapping[str, Any]) -> bool:
        """Return whether the code in the answer means a failure."""
        return table(answer.get("base_resp")).get("status_code", 0) != 0

    def images(self, answer: Mapping[str, Any]) -> list[Item]:
        """Return the images. The answer only counts the images that the content rules removed."""
        found: list[Item] = []
        data = table(answer.get("data"))
        inline, links = rows(data.get("image_base64")), rows(data.get("image_urls"))
        for item, url in zip_longest(inline, links):
            image = image_of({"b64_json": item, "url": url})
            if image is not None:
                found.append(image)
        if not found and str(table(answer.get("metadata")).get("failed_count", 0)) != "0":
            blocked = Moderated("MiniMax: the content rules removed the image.", provider=self.spec.name)
            found.append(Missing(error=blocked.info))
        return found

"""Zhipu (BigModel, Z.ai): GLM-Image and CogView.

The protocol, sizes and codes are those of the vendor's reference (docs.bigmodel.cn, "image generation" and
"API codes", seen 2026-11). The variables are those of its SDK (z-ai-sdk-python).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from imgplay_widget._types import ProviderSpec, Unit
from imgplay_widget.errors import (
    BadKey,
    BillingError,
    ModelNotFound,
    Moderated,
    Overloaded,
    ProviderError,
    RateLimited,
    ServerError,
)
from imgplay_widget.providers._shared.answers import items_of
from imgplay_widget.providers.cloud import CloudProvider, Item, image_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget.providers.http import Http

__all__ = ["Zhipu"]


class Zhipu(CloudProvider):
    """GLM-Image and CogView: one image a call, no seed, no input images.

    The international service has the same protocol at ``https://api.z.ai/api/paas/v4``.
    """

    spec = ProviderSpec(
        name="zhipu",
        title="Zhipu",
        key_variables=("ZAI_API_KEY", "ZHIPUAI_API_KEY", "ZHIPU_API_KEY"),
        key_url="https://open.bigmodel.cn/usercenter/apikeys",
    )
    address = "https://open.bigmodel.cn/api/paas/v4"
    address_variable = "ZAI_BASE_URL"
    failures: ClassVar[Mapping[str, type[ProviderError]]] = {
        **dict.fromkeys(("1000", "1001", "1002", "1003", "1004", "1110", "1111", "1112", "1121"), BadKey),
        # Limits of a day, a week or a plan: a short wait does not help.
        **dict.fromkeys(("1113", "1304", "1308", "1309", "1310"), BillingError),
        **dict.fromkeys(("1211", "1220", "1221", "1222", "1311"), ModelNotFound),
        **dict.fromkeys(("1300", "1301"), Moderated),
        **dict.fromkeys(("1302", "1303", "1305"), RateLimited),
        "1312": Overloaded,
        **dict.fromkeys(("500", "1234"), ServerError),
    }

    def path(self, unit: Unit) -> str:
        """Return the path of the call."""
        return "/images/generations"

    def fields(self, unit: Unit, http: Http) -> dict[str, Any]:
        """Return the JSON of the call."""
        fields = {"model": unit.model, "prompt": unit.prompt, **self.wire_params(unit)}
        if "width" in unit.params and "height" in unit.params:
            fields["size"] = f"{unit.params['width']}x{unit.params['height']}"
        return fields

    def images(self, answer: Mapping[str, Any]) -> list[Item | None]:
        """Return the images."""
        return [image_of(item) for item in items_of(answer)]

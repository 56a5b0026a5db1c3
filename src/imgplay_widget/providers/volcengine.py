"""Volcengine Ark: ByteDance's Seedream models.

The protocol is that of the official SDK (volcengine-python-sdk, resources and types of images, seen
2026-11). Limits and sizes are those of the vendor's image API pages (July 2026), codes are those of its
page of error codes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from imgplay_widget._types import ProviderSpec, Unit
from imgplay_widget.errors import (
    BadKey,
    BillingError,
    ModelNotFound,
    Overloaded,
    ProviderError,
    RateLimited,
    ServerError,
)
from imgplay_widget.providers._shared.answers import items_of, table, text
from imgplay_widget.providers.cloud import CloudProvider, Item, data_uri, image_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget.providers.http import Http

__all__ = ["Volcengine"]


class Volcengine(CloudProvider):
    """Seedream on Volcengine Ark, or on BytePlus ModelArk with its base URL.

    A model id may also be the id of a user's own endpoint (``ep-…``). One call makes one image. The current
    models take no seed.
    """

    spec = ProviderSpec(
        name="volcengine",
        title="Volcengine Ark",
        key_variables=("ARK_API_KEY",),
        key_url="https://console.volcengine.com/ark/region:ark+cn-beijing/apikey",
    )
    address = "https://ark.cn-beijing.volces.com/api/v3"
    address_variable = "ARK_BASE_URL"
    failures: ClassVar[Mapping[str, type[ProviderError]]] = {
        "authenticationerror": BadKey,
        "accountoverdueerror": BillingError,
        "quotaexceeded": BillingError,
        "setlimitexceeded": BillingError,
        "invalidendpointormodel": ModelNotFound,
        "invalidendpoint": ModelNotFound,
        "modelnotopen": ModelNotFound,
        "ratelimitexceeded": RateLimited,
        "serveroverloaded": Overloaded,
        "internalserviceerror": ServerError,
    }
    refusals = ("sensitivecontent", "riskdetection", "policyviolation")

    def path(self, unit: Unit) -> str:
        """Return the path of the call."""
        return "/images/generations"

    def fields(self, unit: Unit, http: Http) -> dict[str, Any]:
        """Return the JSON of the call."""
        fields = {
            "model": unit.model,
            "prompt": unit.prompt,
            "response_format": "url",
            **self.wire_params(unit),
        }
        if "width" in unit.params and "height" in unit.params:
            fields["size"] = f"{unit.params['width']}x{unit.params['height']}"
        if unit.references:
            fields["image"] = [data_uri(http, reference) for reference in unit.references]
        return fields

    def images(self, answer: Mapping[str, Any]) -> list[Item]:
        """Return the images; a failed one has its own error in its place."""
        found: list[Item] = []
        for item in map(table, items_of(answer)):
            size = re.fullmatch(r"(\d+)x(\d+)", text(item.get("size")))
            applied: dict[str, Any] = {"width": int(size[1]), "height": int(size[2])} if size else {}
            image = image_of(item, **applied)
            if image is not None:
                found.append(image)
            elif item.get("error"):
                found.append(self.missing(item))
        return found

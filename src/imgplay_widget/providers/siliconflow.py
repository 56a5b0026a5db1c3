"""SiliconFlow: open image models as a service.

The protocol and limits are those of the vendor's reference (docs.siliconflow.cn, "images/generations" and
"error codes", seen 2026-11), which the LobeChat client sends in the same way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from imgplay_widget._types import ProviderSpec, ReferenceRule, Unit
from imgplay_widget.errors import BillingError, ModelNotFound, ProviderError
from imgplay_widget.providers._shared.answers import items_of, text
from imgplay_widget.providers._shared.listed import records_of
from imgplay_widget.providers.cloud import CloudProvider, Item, data_uri, image_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget._types import ModelSpec
    from imgplay_widget.providers.http import Http

__all__ = ["SiliconFlow"]

_REFERENCE_FIELDS = ("image", "image2", "image3")

_EDITS = ReferenceRule(max_count=1, max_bytes=10_000_000)
"""What an image model takes of which only this is known."""


class SiliconFlow(CloudProvider):
    """Any image model of SiliconFlow; its list of models comes from the service itself.

    The service outside China is at ``https://api.siliconflow.com/v1``, with other keys.
    """

    spec = ProviderSpec(
        name="siliconflow",
        title="SiliconFlow",
        key_variables=("SILICONFLOW_API_KEY",),
        key_url="https://cloud.siliconflow.cn/account/ak",
    )
    address = "https://api.siliconflow.cn/v1"
    address_variable = "SILICONFLOW_BASE_URL"
    failures: ClassVar[Mapping[str, type[ProviderError]]] = {"20012": ModelNotFound, "30001": BillingError}

    async def discover(self, http: Http) -> Sequence[ModelSpec] | None:
        """Ask for the image models that the account can use, and for those of them that take images.

        The records hold ids only; the service chooses by its own "type" and "sub_type".
        """
        ids = await self._listed("type=image", http)
        try:
            takers = await self._listed("type=image&sub_type=image-to-image", http)
        except ProviderError:
            # The list is of use without this too.
            takers = []
        shipped = {spec.id for spec in self.models()}
        found: list[ModelSpec] = []
        for id_ in dict.fromkeys([*ids, *takers]):
            spec = self.model(id_)
            if spec is not None and spec.references is None and id_ in takers and id_ not in shipped:
                spec = replace(spec, references=_EDITS)
            if spec is not None:
                found.append(spec)
        return found

    async def _listed(self, query: str, http: Http) -> list[str]:
        answer = self.read(await http.request("GET", f"{self.base_url}/models?{query}"), http)
        return [text(record.get("id")) for record in records_of(answer, "data", http)]

    def path(self, unit: Unit) -> str:
        """Return the path of the call."""
        return "/images/generations"

    def fields(self, unit: Unit, http: Http) -> dict[str, Any]:
        """Return the JSON of the call."""
        fields = {"model": unit.model, "prompt": unit.prompt, **self.wire_params(unit)}
        if unit.seed is not None:
            fields["seed"] = unit.seed
        for field, reference in zip(_REFERENCE_FIELDS, unit.references, strict=False):
            fields[field] = data_uri(http, reference)
        return fields

    def failed(self, answer: Mapping[str, Any]) -> bool:
        """Return whether an answer has a code and no images."""
        return bool(answer.get("code")) and not answer.get("images") and not answer.get("data")

    def images(self, answer: Mapping[str, Any]) -> list[Item | None]:
        """Return the images, with the seed that made them."""
        seed = answer.get("seed")
        used = seed if isinstance(seed, int) else None
        # The answer has the same list under "data" too.
        listed = items_of(answer, "images") or items_of(answer)
        return [image_of(item, seed=used) for item in listed]

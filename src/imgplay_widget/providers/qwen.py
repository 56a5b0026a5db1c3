"""Alibaba Cloud Model Studio (DashScope, Qwen Cloud): Qwen-Image and Wan.

The protocol, limits and codes are those of the vendor's reference (Model Studio's "Qwen image generation and
editing", "Wan2.7 image", "asynchronous tasks" and "error codes", as of October 2026). The variables
are those of its SDK (dashscope-sdk-python).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from imgplay_widget._types import Done, Missing, Pending, ProviderSpec, Unit
from imgplay_widget.errors import (
    BadKey,
    BadResponse,
    BillingError,
    Cancelled,
    Lost,
    ModelNotFound,
    Moderated,
    Overloaded,
    ProviderError,
    RateLimited,
    ServerError,
)
from imgplay_widget.providers._shared.answers import collected, rows, table, text
from imgplay_widget.providers.cloud import CloudProvider, Item, code_and_words, data_uri, link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget.providers.base import CancelOutcome
    from imgplay_widget.providers.http import Http

__all__ = ["Qwen"]

_QUEUED = ("wan",)
"""Models whose calls become jobs; the other models answer when the images are done."""


class Qwen(CloudProvider):
    """Qwen-Image, Wan and Z-Image.

    The default is the service in China. Each region has an address and keys of its own, for example
    ``https://dashscope-intl.aliyuncs.com/api/v1``, and so has each workspace.
    """

    spec = ProviderSpec(
        name="qwen",
        title="Qwen (Model Studio)",
        key_variables=("DASHSCOPE_API_KEY",),
        key_url="https://bailian.console.aliyun.com/?tab=model#/api-key",
    )
    address = "https://dashscope.aliyuncs.com/api/v1"
    address_variable = "DASHSCOPE_HTTP_BASE_URL"
    failures: ClassVar[Mapping[str, type[ProviderError]]] = {
        **dict.fromkeys(("invalidapikey", "invalid_api_key", "accessdenied", "workspace"), BadKey),
        **dict.fromkeys(("arrearage", "prepaidbilloverdue", "postpaidbilloverdue"), BillingError),
        **dict.fromkeys(("commoditynotpurchased", "allocationquota"), BillingError),
        **dict.fromkeys(("model.accessdenied", "modelnotfound", "model_not_found"), ModelNotFound),
        **dict.fromkeys(("datainspectionfailed", "data_inspection_failed"), Moderated),
        "ipinfringementsuspect": Moderated,
        "throttling": RateLimited,
        **dict.fromkeys(("modelservingerror", "modelunavailable", "serviceunavailable"), Overloaded),
        **dict.fromkeys(("internalerror", "systemerror"), ServerError),
    }

    def __init__(self, base_url: str | None = None) -> None:
        super().__init__(base_url)
        # Users of the chat models often have the address of these.
        self.base_url = self.base_url.replace("/compatible-mode/v1", "/api/v1")

    def path(self, unit: Unit) -> str:
        """Return the path of the call."""
        kind = "image" if unit.model.startswith(_QUEUED) else "multimodal"
        return f"/services/aigc/{kind}-generation/generation"

    def fields(self, unit: Unit, http: Http) -> dict[str, Any]:
        """Return the JSON of the call."""
        content = [{"image": data_uri(http, reference)} for reference in unit.references]
        parameters = self.wire_params(unit)
        if not unit.model.startswith("z-image"):
            # Without the number Wan makes four images; Z-Image takes no number.
            parameters["n"] = unit.n
        if "width" in unit.params and "height" in unit.params:
            parameters["size"] = f"{unit.params['width']}*{unit.params['height']}"
        if unit.seed is not None:
            parameters["seed"] = unit.seed
        return {
            "model": unit.model,
            "input": {"messages": [{"role": "user", "content": [*content, {"text": unit.prompt}]}]},
            "parameters": parameters,
        }

    def failed(self, answer: Mapping[str, Any]) -> bool:
        """Return whether an answer has a code and no output."""
        return bool(answer.get("code")) and not answer.get("output")

    def images(self, answer: Mapping[str, Any]) -> list[Item | None]:
        """Return the images of all choices."""
        return [
            link(table(part).get("image"))
            for choice in rows(table(answer.get("output")).get("choices"))
            for part in rows(table(table(choice).get("message")).get("content"))
        ]

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Send one call. Wan starts a job, the other models answer with the images."""
        if not unit.model.startswith(_QUEUED):
            return await super().submit(unit, http)
        reply = await http.request(
            "POST",
            self.base_url + self.path(unit),
            json=self.fields(unit, http),
            headers={"X-DashScope-Async": "enable"},
        )
        answer = self.read(reply, http)
        task = text(table(answer.get("output")).get("task_id"))
        if not task:
            raise BadResponse("The answer holds no task id.", provider=self.spec.name)
        return Pending(ticket={"task": task, "unit": _places(unit)})

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Ask for a job."""
        reply = await http.request("GET", f"{self.base_url}/tasks/{ticket['task']}")
        if reply.status in (404, 410):
            raise self._lost()
        answer = self.read(reply, http)
        output = table(answer.get("output"))
        status = text(output.get("task_status")).upper()
        unit = Unit(model="", prompt="", params={}, positions=tuple(ticket["unit"]), seeds=())
        if status == "SUCCEEDED":
            usage, request_id = table(answer.get("usage")), text(answer.get("request_id")) or None
            return collected(self.images(answer), unit.n, http, usage=usage, request_id=request_id)
        if status == "FAILED":
            return Done(
                images=(self._failure(output, http),), request_id=text(answer.get("request_id")) or None
            )
        if status in ("CANCELED", "CANCELLED"):
            raise Cancelled("The job was cancelled at the provider.")
        if status == "UNKNOWN":
            raise self._lost()
        return Pending(ticket=ticket)

    async def cancel(self, ticket: Mapping[str, Any], http: Http) -> CancelOutcome:
        """Cancel a job that waits. A running job cannot be stopped."""
        reply = await http.request("POST", f"{self.base_url}/tasks/{ticket['task']}/cancel")
        return "cancelled" if reply.ok else "unsupported"

    def _failure(self, output: Mapping[str, Any], http: Http) -> Missing:
        """Return the end of a failed job as a missing image. The engine would ask again after an error."""
        code, sentence = code_and_words(output)
        kind = self.kind(code, sentence) or ServerError
        message = f"{self.spec.title}: {http.redact(sentence or code)[:500] or 'the job failed.'}"
        return Missing(error=kind(message, provider=self.spec.name).info)

    def _lost(self) -> Lost:
        return Lost(
            "The provider no longer knows the job; it keeps one for 24 hours.", provider=self.spec.name
        )


def _places(unit: Unit) -> list[int]:
    return list(unit.positions)

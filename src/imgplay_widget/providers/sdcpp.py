"""The server of stable-diffusion.cpp, with its queue.

The protocol is that of leejet/stable-diffusion.cpp ``examples/server/api.md`` (2026-08). Jobs are kept for
ten minutes after their end. The server tells the place of a job in the queue, but no progress of an image.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import Done, ModelSpec, Parameter, Pending, ProviderSpec, Unit
from imgplay_widget.errors import BadResponse, Lost, NoImage, ServerError
from imgplay_widget.providers._shared.answers import image_of, read_images, rows, table, text
from imgplay_widget.providers._shared.jobs import ended
from imgplay_widget.providers._shared.openai_errors import error_from
from imgplay_widget.providers.cloud import HttpProvider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget.providers.base import CancelOutcome
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["SdCpp"]

_MODE = "img_gen"
_DEFAULTS = ("width", "height", "steps", "cfg")
"""Parameters whose defaults are those of the server's command line."""


class SdCpp(HttpProvider):
    """One server with one model: one image after the other.

    Args:
        base_url: the address without a path; None means ``SDCPP_BASE_URL``, or the usual port here.
    """

    spec = ProviderSpec(name="sdcpp", title="stable-diffusion.cpp", concurrency=1, free=True)
    address = "http://127.0.0.1:1234"
    address_variable = "SDCPP_BASE_URL"

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Put a job into the server's queue."""
        reply = await http.request(
            "POST", f"{self.base_url}/sdcpp/v1/{_MODE}", json=await self._fields(unit, http)
        )
        answer = self._read(reply, http)
        job = text(answer.get("id"))
        if not job:
            raise BadResponse("The server took the job without giving its id.", provider=self.spec.name)
        return Pending(ticket={"id": job, "n": unit.n})

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Ask for a job.

        Raises:
            Lost: the server does not know the job, or no longer knows it.
            ProviderError: the question failed.
        """
        reply = await http.request("GET", self._job(ticket))
        if reply.status in (404, 410):
            raise Lost("The server no longer knows the job.", provider=self.spec.name)
        if not reply.ok:
            raise error_from(reply, http)
        answer = read_images(reply.body, reply.content_type, http)
        count = int(ticket["n"])
        match text(answer.get("status")).lower():
            case "completed":
                listed = map(image_of, rows(table(answer.get("result")).get("images")))
                found = [image for image in listed if image is not None]
                absent = NoImage("The finished job holds no image.", provider=self.spec.name)
                return Done(images=tuple(found[:count])) if found else ended(absent, count)
            case "failed":
                said = http.redact(text(table(answer.get("error")).get("message")))
                message = f"{self.spec.title}: {said or 'the job failed.'}"
                step = "Retry. If the error comes back, see the log of the server."
                return ended(ServerError(message, provider=self.spec.name, next_step=step), count)
            case "cancelled" | "canceled":
                return ended(Lost("The job was cancelled at the server.", provider=self.spec.name), count)
            case status:
                position = answer.get("queue_position")
                waits = status == "queued" and isinstance(position, int)
                return Pending(ticket=ticket, queue_position=position if waits else None)

    async def cancel(self, ticket: Mapping[str, Any], http: Http) -> CancelOutcome:
        """Take a job out of the queue. At most servers, a running job goes on."""
        reply = await http.request("POST", f"{self._job(ticket)}/cancel")
        return "cancelled" if reply.ok else "unsupported"

    async def discover(self, http: Http) -> Sequence[ModelSpec]:
        """Ask for the abilities of the server's model.

        Raises:
            ProviderError: the question failed.
        """
        answer = self._read(await http.request("GET", f"{self.base_url}/sdcpp/v1/capabilities"), http)
        known = self.models()[0]
        model = table(answer.get("model"))
        modes = rows(answer.get("supported_modes"))
        if modes and _MODE not in modes:
            return []
        title = text(model.get("stem")) or text(model.get("name")) or known.title
        return [
            replace(
                known,
                title=title,
                parameters=tuple(_fitted(parameter, answer) for parameter in known.parameters),
            )
        ]

    async def _fields(self, unit: Unit, http: Http) -> dict[str, Any]:
        params = dict(unit.params)
        starts = params.pop("reference_use", None) == "start" or unit.mask is not None
        known = self.models()[0]
        fields: dict[str, Any] = {"prompt": unit.prompt, "batch_count": unit.n}
        if unit.seed is not None:
            fields["seed"] = unit.seed
        for name, value in params.items():
            if name == "strength" and not starts:
                continue
            parameter = known.parameter(name)
            *outer, last = ((parameter.wire if parameter else "") or name).split(".")
            inner = fields
            for part in outer:
                inner = inner.setdefault(part, {})
            inner[last] = value
        pictures = [b64encode(http.reference(reference)).decode() for reference in unit.references]
        if pictures and starts:
            fields["init_image"] = pictures.pop(0)
        if unit.mask is not None:
            fields["mask_image"] = b64encode(await http.white_mask(unit.mask)).decode()
        if pictures:
            fields["ref_images"] = pictures
        return fields

    def _job(self, ticket: Mapping[str, Any]) -> str:
        return f"{self.base_url}/sdcpp/v1/jobs/{ticket['id']}"

    def _read(self, reply: Reply, http: Http) -> dict[str, Any]:
        if not reply.ok:
            raise error_from(reply, http)
        return read_images(reply.body, reply.content_type, http)


def _fitted(parameter: Parameter, answer: Mapping[str, Any]) -> Parameter:
    """Return a parameter with the choices, limits and defaults of the server."""
    limits = table(answer.get("limits"))
    defaults = table(table(answer.get("defaults_by_mode")).get(_MODE)) or table(answer.get("defaults"))
    lists = {
        "sampler": answer.get("samplers"),
        "scheduler": answer.get("schedulers"),
        "output_format": table(answer.get("output_formats_by_mode")).get(_MODE),
    }
    choices = tuple(text(choice) for choice in rows(lists.get(parameter.name)) if text(choice))
    if choices:
        return replace(parameter, choices=choices, default=None)
    if parameter.name in ("width", "height"):
        parameter = replace(
            parameter,
            minimum=_whole(limits.get(f"min_{parameter.name}"), parameter.minimum),
            maximum=_whole(limits.get(f"max_{parameter.name}"), parameter.maximum),
        )
    if parameter.name in _DEFAULTS:
        value: Any = defaults
        for part in (parameter.wire or parameter.name).split("."):
            value = table(value).get(part)
        if _fits(value, parameter):
            return replace(parameter, default=value)
    return parameter


def _whole(limit: object, known: float | None) -> float | None:
    """Return a limit in steps of 8, from which the form counts its numbers."""
    return limit + -limit % 8 if isinstance(limit, int) and limit > 0 else known


def _fits(value: object, parameter: Parameter) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    low, high, step = parameter.minimum or 0, parameter.maximum, parameter.step or 1
    steps = (value - low) / step
    return low <= value and (high is None or value <= high) and abs(steps - round(steps)) < 1e-6

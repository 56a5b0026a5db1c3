"""Black Forest Labs: the FLUX models from their makers.

The protocol is that of the published OpenAPI file (dfc296a, 2026-05), of the skill pages of Black Forest
Labs (d0793c8, 2026-02) and, for FLUX 3, of its release (2026-10).
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from imgplay_widget._types import Done, Pending, ProviderSpec
from imgplay_widget.errors import BadResponse, Lost, Moderated, NoImage, ServerError
from imgplay_widget.providers._shared.answers import link, table, text
from imgplay_widget.providers._shared.jobs import POLL_BYTES, body_of, detailed, ended, fields_of, refusal
from imgplay_widget.providers._shared.schema_inputs import as_call, call_input
from imgplay_widget.providers.cloud import HttpProvider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._types import ModelSpec, Request, Unit
    from imgplay_widget.errors import ProviderError
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["BlackForestLabs"]

_REGION = re.compile(r"api(\.[a-z0-9-]+)?\.bfl\.ai")
"""The host that accepts jobs, and the hosts of the clusters that run them."""
_CREDITS = Decimal(100)
"""Credits of one US dollar."""
_UNSEEN = 4
"""How often a new job may be unknown: its cluster learns of it a little late."""


class BlackForestLabs(HttpProvider):
    """The API of Black Forest Labs.

    Args:
        base_url: up to and including ``/v1``; None for the global address.
    """

    spec = ProviderSpec(
        name="bfl",
        title="Black Forest Labs",
        key_variables=("BFL_API_KEY",),
        key_url="https://dashboard.bfl.ai/keys",
        # One of the models takes six jobs at once, the others take 24.
        concurrency=6,
    )
    address = "https://api.bfl.ai/v1"

    def takes_key(self, url: str) -> bool:
        """Return True for the cluster of a job, which needs the key too."""
        if self.base_url != self.address:
            return False
        where = urlsplit(url)
        plain = where.scheme == "https" and where.netloc == where.hostname
        return plain and _REGION.fullmatch(where.netloc) is not None

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the key in the scheme of Black Forest Labs."""
        return {"x-key": key}

    def plan(self, request: Request, spec: ModelSpec, seed: int | None) -> list[Unit]:
        """Split a request into calls of one image each, and give the parameters the names of the protocol."""
        return [
            replace(unit, params=as_call(unit.params, spec)) for unit in super().plan(request, spec, seed)
        ]

    # -------------------------------------------------------------- a job

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Start a job."""
        reply = await http.request(
            "POST", f"{self.base_url}/{unit.model}", json=await _input(unit, http), max_bytes=POLL_BYTES
        )
        if not reply.ok:
            raise _error(reply, http)
        answer = fields_of(reply, http)
        job = text(answer.get("id"))
        if not re.fullmatch(r"[\w.:-]+", job):
            raise BadResponse("The answer names no job.", provider=self.spec.name)
        # Without an address the job is at the host that accepted it.
        address = text(answer.get("polling_url")) or f"{self.base_url}/get_result?id={job}"
        if not http.owns(address):
            raise BadResponse(
                "The answer's address for the job is not at Black Forest Labs, so the key does not go there.",
                provider=self.spec.name,
                request_id=job,
            )
        return Pending(
            ticket={"job": job, "address": address, "cost": _dollars(answer.get("cost")), "unseen": 0}
        )

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Ask for the job at its own address."""
        reply = await http.request("GET", ticket["address"], max_bytes=POLL_BYTES)
        # A failed job may come as 422, an unknown one as 404, both with a status in the body.
        body = fields_of(reply, http) if reply.ok else body_of(reply)
        status = text(body.get("status")).lower() if reply.ok or reply.status in (404, 422) else ""
        if not status and not reply.ok and reply.status != 404:
            raise _error(reply, http, ticket["job"])
        common: dict[str, Any] = {"provider": self.spec.name, "request_id": ticket["job"]}
        said = http.redact(_reasons(body))
        match status:
            case "ready":
                return self._done(table(body.get("result")), ticket)
            case "request moderated" | "content moderated":
                what = "the request" if status.startswith("request") else "the finished image"
                error = Moderated(f"Black Forest Labs: {what} was refused. {said}".strip(), **common)
                return ended(error, 1)
            case "error" | "failed":
                return ended(ServerError(f"Black Forest Labs: {said or 'the job failed.'}", **common), 1)
            case "task not found" | "" if status or reply.status == 404:
                if ticket["unseen"] >= _UNSEEN:
                    raise Lost("Black Forest Labs no longer knows the job.", **common)
                return Pending(ticket={**ticket, "unseen": ticket["unseen"] + 1})
            case _:
                progress = body.get("progress")
                shown = progress if isinstance(progress, (int, float)) and 0 <= progress <= 1 else None
                return Pending(ticket=ticket, progress=shown)

    def _done(self, result: Mapping[str, Any], ticket: Mapping[str, Any]) -> Done:
        seed = result.get("seed")
        sample = link(result.get("sample"), seed=seed if isinstance(seed, int) else None)
        if sample is None:
            raise NoImage("The job gave no image.", provider=self.spec.name, request_id=ticket["job"])
        return Done(images=(sample,), cost=ticket["cost"], request_id=ticket["job"])

    async def check(self, http: Http) -> None:
        """Ask for the credits of the account."""
        reply = await http.request("GET", f"{self.base_url}/credits", max_bytes=POLL_BYTES)
        if not reply.ok:
            raise _error(reply, http)


async def _input(unit: Unit, http: Http) -> dict[str, Any]:
    """Return the body: base64 without a ``data:`` prefix, several images in a list or in numbered fields."""
    images = [b64encode(http.reference(reference)).decode() for reference in unit.references]
    given = call_input(unit, images)
    field: str = unit.params["references"]
    if field and not field.endswith("[]"):
        given |= {f"{field}_{number}": image for number, image in enumerate(images[1:], 2)}
    if unit.mask is not None:
        given["mask"] = b64encode(await http.white_mask(unit.mask)).decode()
    return given


def _dollars(credits: object) -> str | None:
    if isinstance(credits, bool) or not isinstance(credits, (int, float)):
        return None
    return f"{Decimal(str(credits)) / _CREDITS:f}"


def _reasons(body: Mapping[str, Any]) -> str:
    """Return all words of the details, whose names are not fixed."""
    found: list[str] = []
    for value in table(body.get("details")).values():
        found += [str(item) for item in (value if isinstance(value, list) else [value]) if item]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
    return ", ".join(found)[:500]


def _error(reply: Reply, http: Http, job: str | None = None) -> ProviderError:
    """Return the error of ``{"detail"}`` (of its framework) or ``{"error", "message", "details"}``."""
    body = body_of(reply)
    words, kinds = detailed(body)
    words = words or text(body.get("message")) or text(body.get("error"))
    kinds.append(text(body.get("error")))
    return refusal(reply, words, http, marks=" ".join(kinds), request_id=job)

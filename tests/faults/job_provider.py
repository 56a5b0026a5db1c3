"""A provider as a plug-in would write it, for `tests.servers.job_server`, and a clock that hurries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from imgplay_widget._clock import Clock
from imgplay_widget._types import Done, Inline, ModelSpec, Parameter, Pending, ProviderSpec, Remote, Unit
from imgplay_widget.errors import Lost, ServerError
from imgplay_widget.providers.base import CancelOutcome, Provider
from imgplay_widget.providers.http import Http, Reply, decode_base64

SEED = Parameter(name="seed", type="integer", kind="seed", title="Seed", minimum=0, maximum=2**31 - 1)


class JobProvider(Provider):
    """The models ``image`` and ``sheet`` (four images a call) answer at once. ``queue`` and ``queue-sheet``
    send tickets. ``keyed`` (tickets) and ``keyed-sheet`` (at once) honour the key of a call.

    Args:
        origin: the address of the server.
    """

    spec = ProviderSpec(name="jobs", title="Jobs", concurrency=8, local=True)

    def __init__(self, origin: str) -> None:
        self._origin = origin

    def origin(self) -> str:
        return self._origin

    def models(self) -> Sequence[ModelSpec]:
        return (
            ModelSpec(provider="jobs", id="image", title="Image", parameters=(SEED,), seed="exact"),
            ModelSpec(provider="jobs", id="sheet", title="Sheet", native_n=4),
            ModelSpec(provider="jobs", id="keyed-sheet", title="Keyed sheet", native_n=4, idempotent=True),
            ModelSpec(provider="jobs", id="queue", title="Queue", resume=True, cancel="full"),
            ModelSpec(provider="jobs", id="queue-sheet", title="Queue", native_n=4, resume=True),
            ModelSpec(provider="jobs", id="keyed", title="Keyed", resume=True, idempotent=True),
        )

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        kind = "images" if unit.model in ("image", "sheet", "keyed-sheet") else "jobs"
        reply = await http.request(
            "POST",
            f"{self._origin}/{kind}",
            json={
                "key": unit.key,
                "prompt": unit.prompt,
                "positions": unit.positions,
                "keyed": unit.model.startswith("keyed"),
            },
        )
        answer = self._read(reply, maybe_billed=False)
        if "job" in answer:
            return Pending(ticket={"job": answer["job"]})
        return Done(images=tuple(Inline(data=decode_base64(image)) for image in answer["images"]))

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        reply = await http.request("GET", f"{self._origin}/jobs/{ticket['job']}")
        if reply.status == 404:
            raise Lost("The job is unknown.", provider="jobs")
        answer = self._read(reply)
        if answer["state"] == "queued":
            return Pending(ticket=ticket)
        return Done(images=tuple(Remote(url=link) for link in answer["links"]))

    async def cancel(self, ticket: Mapping[str, Any], http: Http) -> CancelOutcome:
        await http.request("DELETE", f"{self._origin}/jobs/{ticket['job']}")
        return "cancelled"

    def _read(self, reply: Reply, **options: Any) -> dict[str, Any]:
        if not reply.ok:
            raise ServerError(f"HTTP {reply.status}.", provider="jobs", **options)
        return reply.json()


class QuickClock(Clock):
    """The real time, perhaps ahead, with shortened waits, because these tests are not about schedules.

    Args:
        ahead: the seconds by which the clock is ahead of the real time, as after a long sleep.
        longest: the longest wait, in seconds.
    """

    def __init__(self, ahead: float = 0.0, longest: float = 0.02) -> None:
        self._ahead = timedelta(seconds=ahead)
        self._longest = longest

    def now(self) -> datetime:
        return super().now() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, self._longest))

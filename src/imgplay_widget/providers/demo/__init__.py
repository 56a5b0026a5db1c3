"""The demo: no network, no key. It draws pictures by rules, and behaves in every way a provider can."""

from __future__ import annotations

import asyncio
import io
import random
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from PIL import Image, UnidentifiedImageError

from imgplay_widget import catalog
from imgplay_widget._types import (
    SIDES,
    Done,
    Inline,
    Missing,
    ModelSpec,
    Partial,
    Pending,
    ProviderSpec,
    Request,
    Unit,
)
from imgplay_widget.errors import (
    BadKey,
    BadRequest,
    BillingError,
    DeadlineExceeded,
    Lost,
    Moderated,
    NetworkError,
    NoImage,
    Overloaded,
    ProviderError,
    RateLimited,
    ServerError,
)
from imgplay_widget.providers.base import CancelOutcome, Provider, seeds_from
from imgplay_widget.providers.demo import painting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

    from imgplay_widget.providers.http import Http

__all__ = ["Demo"]

_ASKED = "The demo was asked to fail in this way"
_PREVIEW_EDGE = 320
_QUEUED = 0.3
"""The part of a queued job's time that the job waits before it runs."""

_FAILURES: Mapping[str, Callable[[], ProviderError]] = {
    "moderated": lambda: Moderated(f"{_ASKED}: a content rule refused the prompt.", provider="demo"),
    "rate_limited": lambda: RateLimited(f"{_ASKED}: too many requests.", provider="demo", retry_after=2.0),
    "overloaded": lambda: Overloaded(f"{_ASKED}: no capacity.", provider="demo", retry_after=2.0),
    "server_error": lambda: ServerError(f"{_ASKED}: an error inside the provider.", provider="demo"),
    "network": lambda: NetworkError(f"{_ASKED}: the connection broke before the answer.", provider="demo"),
    "bad_key": lambda: BadKey(f"{_ASKED}: the key was refused.", provider="demo"),
    "billing": lambda: BillingError(f"{_ASKED}: no credit is left.", provider="demo"),
    "bad_request": lambda: BadRequest(f"{_ASKED}: a parameter was refused.", provider="demo"),
    "no_image": lambda: NoImage(f"{_ASKED}: the answer holds no image.", provider="demo"),
    "deadline": lambda: DeadlineExceeded(f"{_ASKED}: no answer came in time.", provider="demo"),
    "lost": lambda: Lost(f"{_ASKED}: the provider no longer knows the job.", provider="demo"),
}


class Demo(Provider):
    """The embedded provider.

    Args:
        sleep: spends the time that a server would take. Only this provider waits, because it also plays the
            server.
        clock: returns the seconds since the epoch, because a ticket must count after a restart.
    """

    spec = ProviderSpec(name="demo", title="Demo", local=True, free=True)

    def __init__(
        self,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sleep = sleep
        self._clock = clock

    def models(self) -> Sequence[ModelSpec]:
        """Return the demo models."""
        return catalog.load("demo")

    def plan(self, request: Request, spec: ModelSpec, seed: int | None) -> list[Unit]:
        """Split a request into calls. `instant` draws several images in one call, each from its own seed."""
        units = super().plan(request, spec, seed)
        if spec.native_n == 1 or seed is None:
            return units
        seeds = seeds_from(seed, request.n, spec)
        chunks = [range(s, min(s + spec.native_n, request.n)) for s in range(0, request.n, spec.native_n)]
        return [
            Unit(
                model=spec.id,
                prompt=request.prompt,
                params=units[0].params,
                positions=tuple(chunk),
                seeds=tuple(seeds[p] for p in chunk),
                references=request.references,
                mask=request.mask,
                previews=spec.previews,
            )
            for chunk in chunks
        ]

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Draw, put the job into the queue, or fail as asked."""
        match unit.model:
            case "queue":
                return Pending(ticket=self._ticket(unit), progress=0.0)
            case "broken":
                return await self._fail(unit)
            case "slow":
                async for event in self._watch(unit, http):
                    if isinstance(event, Done):
                        return event
                raise AssertionError("unreachable")
            case "upscale" | "extend" | "retouch":
                mask = None if unit.mask is None else await http.white_mask(unit.mask)
                (picture,) = _read(unit, http)
                change = partial(_change, unit, picture, mask)
                # A cancelled task must not wait for the drawing; the thread ends by itself.
                return Done(images=(Inline(data=await to_thread.run_sync(change, abandon_on_cancel=True)),))
            case _:
                return Done(images=await _draw(unit, _read(unit, http)))

    def stream(self, unit: Unit, http: Http) -> AsyncGenerator[Partial | Pending | Done] | None:
        """Draw with progress and previews, for `slow`."""
        return self._watch(unit, http) if unit.model == "slow" else None

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Return how far a queued job is. The ticket holds all data of the job.

        Raises:
            Lost: the demo was asked to lose the job.
        """
        if ticket.get("lost"):
            raise _failure("lost")
        total = float(ticket["seconds"])
        spent = max(0.0, self._clock() - float(ticket["accepted"]))
        if spent < total * _QUEUED:
            return Pending(
                ticket=ticket, progress=0.0, queue_position=1 + int(2 * (1 - spent / total / _QUEUED))
            )
        if spent < total:
            return Pending(ticket=ticket, progress=(spent / total - _QUEUED) / (1 - _QUEUED))
        return Done(images=await _draw(Unit.from_json(ticket["unit"]), ()))

    async def cancel(self, ticket: Mapping[str, Any], http: Http) -> CancelOutcome:
        """Forget a job. It runs nowhere, so there is nothing to stop."""
        return "cancelled"

    def _ticket(self, unit: Unit) -> dict[str, Any]:
        return {
            "unit": unit.to_json(),
            "accepted": self._clock(),
            "seconds": unit.params.get("seconds", 0),
        }

    async def _watch(self, unit: Unit, http: Http) -> AsyncGenerator[Partial | Pending | Done]:
        references = _read(unit, http)
        images = await _draw(unit, references)
        steps = int(unit.params.get("steps", 20))
        pause = float(unit.params.get("seconds", 0)) / steps
        looks = await to_thread.run_sync(_previews, images[0].data, unit.seed or 0, min(steps, 6))
        for step in range(steps):
            if pause:
                await self._sleep(pause)
            before, now = (step * len(looks) // steps, (step + 1) * len(looks) // steps)
            yield Partial(
                index=0,
                data=looks[now - 1] if now > before else None,
                progress=(step + 1) / steps,
            )
        yield Done(images=images)

    async def _fail(self, unit: Unit) -> Pending | Done:
        failure = unit.params.get("failure", "moderated")
        match failure:
            case "lost":
                return Pending(ticket={**self._ticket(unit), "lost": True})
            case "corrupt_image":
                return Done(images=tuple(_damaged(image) for image in await _draw(unit, ())))
            case "fewer":
                last = Missing(error=NoImage(f"{_ASKED}: one image fewer.", provider="demo").info)
                return Done(images=(*(await _draw(unit, ()))[:-1], last))
            case "deadline":
                await self._sleep(catalog.MAX_DEADLINE)
                raise _failure("deadline")
            case _:
                raise _failure(failure)


def _failure(name: str) -> ProviderError:
    return _FAILURES[name]()


def _read(unit: Unit, http: Http) -> tuple[bytes, ...]:
    return tuple(http.reference(reference) for reference in unit.references)


async def _draw(unit: Unit, references: Sequence[bytes]) -> tuple[Inline, ...]:
    return tuple(
        [
            # A cancelled task must not wait for the drawing; the thread ends by itself.
            Inline(data=await to_thread.run_sync(_paint, unit, i, references, abandon_on_cancel=True))
            for i in range(unit.n)
        ]
    )


def _paint(unit: Unit, index: int, references: Sequence[bytes]) -> bytes:
    params = unit.params
    seed = unit.seeds[index]
    picture = painting.paint(
        unit.prompt,
        # Without a seed, the slot decides, so that the images of a batch differ.
        seed=unit.positions[index] if seed is None else seed,
        width=int(params.get("width", 1024)),
        height=int(params.get("height", 1024)),
        style=str(params.get("style", "natural")),
        vivid=float(params.get("vivid", 1.0)) * (0.75 + float(params.get("cfg", 7.0)) / 28),
        grain=bool(params.get("grain", True)),
        without=str(params.get("negative_prompt", "")),
    )
    for data in references:
        picture = _weave(picture, data)
    return _png(picture)


def _change(unit: Unit, data: bytes, mask: bytes | None) -> bytes:
    picture, params, seed = _opened(data), unit.params, unit.seed or 0
    match unit.model:
        case "upscale":
            return _png(painting.enlarge(picture, int(params["scale"])))
        case "extend":
            sides = {side: int(params.get(side, 0)) for side in SIDES}
            return _png(painting.extend(picture, unit.prompt, seed=seed, **sides))
        case _:
            area = Image.new("L", picture.size, 255) if mask is None else _opened(mask)
            return _png(painting.retouch(picture, area, unit.prompt, seed=seed))


def _weave(picture: Image.Image, data: bytes) -> Image.Image:
    return painting.overlay(picture, _opened(data))


def _opened(data: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return image
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise BadRequest(
            "A reference is not an image that the demo can read.",
            provider="demo",
            next_step="Choose another reference.",
        ) from error


def _previews(data: bytes, seed: int, count: int) -> list[bytes]:
    with Image.open(io.BytesIO(data)) as image:
        small = image.convert("RGB")
    small.thumbnail((_PREVIEW_EDGE, _PREVIEW_EDGE))
    rng = random.Random(seed)  # noqa: S311 - a picture, not a secret
    looks: list[bytes] = []
    for i in range(count):
        out = io.BytesIO()
        painting.emerge(small, (i + 1) / (count + 1), rng).save(out, "JPEG", quality=80)
        looks.append(out.getvalue())
    return looks


def _damaged(image: Inline) -> Inline:
    return Inline(data=image.data[: len(image.data) // 2])


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()

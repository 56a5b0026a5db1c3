"""Doubles for the tests of this package, of plug-ins and of code that uses a studio, without network and
waits.

::

    fake = FakeProvider([RateLimited("busy", provider="fake", retry_after=3), picture()])
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:image")
        assert batch.result(timeout=10)[0].status == "success"
    assert len(fake.submits) == 2
"""

from __future__ import annotations

import asyncio
import io
import tempfile
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from imgplay_widget._clock import Clock
from imgplay_widget._studio.studio import Studio
from imgplay_widget._types import (
    Done,
    Inline,
    ModelSpec,
    Parameter,
    Partial,
    Pending,
    ProviderSpec,
    ReferenceRule,
    Unit,
)
from imgplay_widget.errors import ImgplayError
from imgplay_widget.providers.base import CancelOutcome, Provider

if TYPE_CHECKING:
    import os
    from collections.abc import (
        AsyncGenerator,
        Callable,
        Generator,
        Iterable,
        Mapping,
        Sequence,
    )

    from imgplay_widget.providers.http import Http

__all__ = [
    "FakeProvider",
    "Gate",
    "InstantClock",
    "free_of",
    "mask_png",
    "open_studio",
    "picture",
    "png",
]

Answer: TypeAlias = "Done | Pending | ImgplayError | Gate | Callable[[Unit], Done | Pending]"
"""An answer in the script of a `FakeProvider`."""


def png(width: int = 64, height: int = 64, color: tuple[int, int, int] = (200, 120, 60)) -> bytes:
    """Return a PNG of one colour (red, green, blue; 0 to 255 each), with a size in pixels."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (width, height), color).save(buffer, format="PNG")
    return buffer.getvalue()


def mask_png(width: int, height: int, *, free: tuple[int, int, int, int]) -> bytes:
    """Return a mask with one free rectangle, as a PNG: transparent inside, black and opaque outside.

    Args:
        width: the width in pixels.
        height: the height in pixels.
        free: left, top, right and bottom of the area that may change, in pixels.
    """
    from PIL import Image

    buffer = io.BytesIO()
    mask = Image.new("RGBA", (width, height), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), free)
    mask.save(buffer, format="PNG")
    return buffer.getvalue()


def free_of(mask: bytes) -> tuple[int, int, int, int] | None:
    """Return the rectangle around the area that a mask leaves free: left, top, right, bottom.

    Args:
        mask: an image, which is free where it is transparent. An image without transparency is free where it
            is white.

    Returns:
        The rectangle in pixels, or None where nothing is free.
    """
    from PIL import Image, ImageOps

    image = Image.open(io.BytesIO(mask))
    if image.has_transparency_data:
        return ImageOps.invert(image.convert("RGBA").getchannel("A")).getbbox()
    return image.convert("L").getbbox()


def picture(n: int = 1, **applied: Any) -> Done:
    """Return an answer with images of different colours.

    Args:
        n: the number of images.
        applied: the values that the provider reports for each image (see `Inline.applied`).
    """
    images = tuple(Inline(data=png(color=(40 * i % 256, 90, 160)), applied=applied) for i in range(n))
    return Done(images=images)


class _Limit(NamedTuple):
    """A running time-out: when it is due, and how it is ended."""

    due: float
    loop: asyncio.AbstractEventLoop
    timeout: asyncio.Timeout


class InstantClock(Clock):
    """A clock on which every wait ends at once, and moves the time on by its seconds.

    Real seconds do not end a time-out on this clock; `advance` does.

    Attributes:
        waits: all waits so far, in seconds.
    """

    def __init__(self) -> None:
        self._start = datetime(2026, 1, 1, tzinfo=UTC)
        self._passed = 0.0
        self.waits: list[float] = []
        self._limits: set[_Limit] = set()

    def now(self) -> datetime:
        """Return the clock's present time as an aware datetime in UTC."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Return the seconds since the start of the clock."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Move the time on, and end the time-outs that are due. Any thread may call this."""
        self._passed += seconds
        for limit in tuple(self._limits):
            if limit.due <= self._passed:
                limit.loop.call_soon_threadsafe(self._expire, limit)

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncGenerator[None]:
        """Return a context that ends its body with TimeoutError when `advance` has passed the time-out."""
        async with asyncio.timeout(None) as timeout:
            limit = _Limit(self._passed + seconds, asyncio.get_running_loop(), timeout)
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    def _expire(self, limit: _Limit) -> None:
        # The body may have ended before the loop called this.
        if limit in self._limits:
            limit.timeout.reschedule(limit.loop.time())

    async def sleep(self, seconds: float) -> None:
        """Move the time on and let other tasks run, without waiting."""
        self.waits.append(seconds)
        self._passed += seconds
        await asyncio.sleep(0)


class Gate:
    """A point at which a call stops until the test opens it.

    Args:
        answer: the answer of the call after that.

    Attributes:
        reached: set when a call has reached the gate.
    """

    def __init__(self, answer: Answer | str) -> None:
        self.answer = answer
        self.reached = threading.Event()
        self._opened: Future[None] = Future()

    def open(self) -> None:
        """Let the call go on. Any thread may call this."""
        if not self._opened.done():
            self._opened.set_result(None)

    async def wait(self) -> None:
        """Set `reached`, and wait until the gate is open."""
        self.reached.set()
        await asyncio.shield(asyncio.wrap_future(self._opened))


class FakeProvider(Provider):
    """A provider that answers by a script, and remembers the calls.

    Its models are ``image`` (one image for each call, exact seeds, references and a mask), ``sheet`` (up to
    four images for each call, without seeds), ``queue`` (tickets), ``keyed`` (tickets and idempotency keys)
    and ``stream`` (previews from `partials`).

    Args:
        script: the answers to submits, in order. After the last one, each submit answers with images.
        polls: the answers to polls, in order. After the last one, each poll answers with images.
        partials: what a stream sends before its answer.
        words: the answers of the text model, in order. After the last one, the text model answers with the
            text of the question. None means that the provider does not have a text model.
        name: the provider's name.
        concurrency: the most tasks that run at once.

    Attributes:
        submits: the units that were sent, in order. A real provider would bill these.
        polled: the tickets of the polls, in order.
        cancelled: the tickets of the cancels, in order.
        questions: the questions to the text model, in order: the model, the instruction and the text.
    """

    def __init__(
        self,
        script: Iterable[Answer] = (),
        *,
        polls: Iterable[Answer] = (),
        partials: Sequence[Partial] = (),
        words: Iterable[str | ImgplayError | Gate] | None = None,
        name: str = "fake",
        concurrency: int = 4,
    ) -> None:
        self.spec = ProviderSpec(name=name, title="Fake", concurrency=concurrency, local=True)
        self.submits: list[Unit] = []
        self.polled: list[Mapping[str, Any]] = []
        self.cancelled: list[Mapping[str, Any]] = []
        self.questions: list[tuple[str, str, str]] = []
        self.partials = partials
        self._script = deque(script)
        self._polls = deque(polls)
        self._words = None if words is None else deque(words)

    def models(self) -> Sequence[ModelSpec]:
        """Return the models."""
        return tuple(replace(spec, provider=self.spec.name) for spec in _MODELS)

    def origin(self) -> str:
        """Return an address on the internet, as a provider has that charges money."""
        return "https://fake.example"

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Return the next answer of the script."""
        self.submits.append(unit)
        default = picture(unit.n)
        if unit.model in ("queue", "keyed"):
            return await _play(self._script, Pending(ticket={"job": f"job-{len(self.submits)}"}), unit)
        return await _play(self._script, default, unit)

    def stream(self, unit: Unit, http: Http) -> AsyncGenerator[Partial | Pending | Done] | None:
        """Return a stream of the partials and the next answer, or None for other models than ``stream``."""
        return self._stream(unit, http) if unit.model == "stream" else None

    async def _stream(self, unit: Unit, http: Http) -> AsyncGenerator[Partial | Pending | Done]:
        for partial in self.partials:
            yield partial
        yield await self.submit(unit, http)

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Return the next answer of the script."""
        self.polled.append(ticket)
        return await _play(self._polls, picture(), None)

    async def cancel(self, ticket: Mapping[str, Any], http: Http) -> CancelOutcome:
        """Remember the ticket."""
        self.cancelled.append(ticket)
        return "cancelled"

    def text_model(self) -> str | None:
        """Return ``"words"``, or None without a script for the text model."""
        return None if self._words is None else "words"

    async def write(self, model: str, instruction: str, text: str, http: Http) -> str:
        """Return the next answer of the script."""
        if self._words is None:
            return await super().write(model, instruction, text, http)
        self.questions.append((model, instruction, text))
        return str(await _opened(self._words.popleft() if self._words else text))


async def _play(script: deque[Answer], default: Done | Pending, unit: Unit | None) -> Pending | Done:
    answer = await _opened(script.popleft() if script else default)
    if isinstance(answer, Done | Pending):
        return answer
    assert unit is not None, "a function can only answer a submit"
    assert not isinstance(answer, str), "words can only answer a text model's question"
    return answer(unit)


async def _opened(answer: Answer | str) -> Done | Pending | Callable[[Unit], Done | Pending] | str:
    """Return an answer after its gates are open."""
    while isinstance(answer, Gate):
        await answer.wait()
        answer = answer.answer
    if isinstance(answer, ImgplayError):
        raise answer
    return answer


_WIDTH = Parameter(
    name="width",
    type="integer",
    kind="width",
    title="Width",
    minimum=64,
    maximum=2048,
    step=64,
    default=64,
)
_HEIGHT = Parameter(
    name="height",
    type="integer",
    kind="height",
    title="Height",
    minimum=64,
    maximum=2048,
    step=64,
    default=64,
)
_SEED = Parameter(name="seed", type="integer", kind="seed", title="Seed", minimum=0, maximum=2**31 - 1)

_MODELS = (
    ModelSpec(
        provider="",
        id="image",
        title="Fake image",
        parameters=(_WIDTH, _HEIGHT, _SEED),
        seed="exact",
        references=ReferenceRule(max_count=2, max_bytes=1_000_000),
        mask=True,
    ),
    ModelSpec(provider="", id="sheet", title="Fake sheet", parameters=(_WIDTH, _HEIGHT), native_n=4),
    ModelSpec(
        provider="",
        id="queue",
        title="Fake queue",
        parameters=(_SEED,),
        seed="exact",
        resume=True,
        cancel="full",
    ),
    ModelSpec(
        provider="",
        id="keyed",
        title="Fake queue with idempotency keys",
        parameters=(_SEED,),
        seed="exact",
        resume=True,
        idempotent=True,
    ),
    ModelSpec(
        provider="",
        id="stream",
        title="Fake stream",
        parameters=(_SEED,),
        seed="exact",
        previews=True,
        progress=True,
    ),
)


@contextmanager
def open_studio(
    *providers: Provider,
    store: str | os.PathLike[str] | None = None,
    clock: Clock | None = None,
    **options: Any,
) -> Generator[Studio]:
    """Return a context with a studio that never waits, on a store of its own.

    Args:
        providers: the providers, beside the installed ones.
        store: the location of the store; None means a temporary folder, which is removed at the end.
        clock: the clock; None means an `InstantClock`.
        options: further arguments of `Studio`.
    """
    with tempfile.TemporaryDirectory(prefix="imgplay-") as folder:
        location = Path(folder) / "history.sqlite" if store is None else store
        options = {"heartbeat": None, "titles": "off", **options}
        with Studio(location, providers=providers, clock=clock or InstantClock(), **options) as studio:
            yield studio

"""Doubles for tests: of this package, of plug-ins, and of code that uses a studio. No network, no waiting.

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
"""What a `FakeProvider` can be told to answer."""


def png(width: int = 64, height: int = 64, color: tuple[int, int, int] = (200, 120, 60)) -> bytes:
    """Gives the bytes of a PNG of one colour (red, green, blue; 0 to 255 each), in pixels."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (width, height), color).save(buffer, format="PNG")
    return buffer.getvalue()


def mask_png(width: int, height: int, *, free: tuple[int, int, int, int]) -> bytes:
    """Gives the bytes of a mask of one free rectangle: transparent inside of it, black and opaque elsewhere.

    Args:
        width: in pixels.
        height: in pixels.
        free: left, top, right and bottom of what may change, in pixels.
    """
    from PIL import Image

    buffer = io.BytesIO()
    mask = Image.new("RGBA", (width, height), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), free)
    mask.save(buffer, format="PNG")
    return buffer.getvalue()


def free_of(mask: bytes) -> tuple[int, int, int, int] | None:
    """Gives the rectangle around what a mask leaves free to change: left, top, right, bottom; None: nothing.

    Args:
        mask: an image, free where it is transparent; one without transparency is free where it is white.
    """
    from PIL import Image, ImageOps

    image = Image.open(io.BytesIO(mask))
    if image.has_transparency_data:
        return ImageOps.invert(image.convert("RGBA").getchannel("A")).getbbox()
    return image.convert("L").getbbox()


def picture(n: int = 1, **applied: Any) -> Done:
    """Gives an answer with n images, each of another colour.

    Args:
        n: how many.
        applied: what the provider says it used for each.
    """
    images = tuple(Inline(data=png(color=(40 * i % 256, 90, 160)), applied=applied) for i in range(n))
    return Done(images=images)


class _Limit(NamedTuple):
    """A time-out that runs: when it is due, and how it is ended before."""

    due: float
    loop: asyncio.AbstractEventLoop
    timeout: asyncio.Timeout


class InstantClock(Clock):
    """A clock on which every wait is over at once; the time moves on by what was waited.

    A time-out ends what real seconds do not: `advance` beyond it.

    Attributes:
        waits: all waits so far, in seconds.
    """

    def __init__(self) -> None:
        self._start = datetime(2026, 1, 1, tzinfo=UTC)
        self._passed = 0.0
        self.waits: list[float] = []
        self._limits: set[_Limit] = set()

    def now(self) -> datetime:
        """Gives the present, aware UTC."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Gives the seconds that have passed."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Lets time pass; a time-out that is due then ends. From any thread."""
        self._passed += seconds
        for limit in tuple(self._limits):
            if limit.due <= self._passed:
                limit.loop.call_soon_threadsafe(self._expire, limit)

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncGenerator[None]:
        """Ends what is awaited inside, with TimeoutError, when `advance` has gone so far."""
        async with asyncio.timeout(None) as timeout:
            limit = _Limit(self._passed + seconds, asyncio.get_running_loop(), timeout)
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    def _expire(self, limit: _Limit) -> None:
        # What it limited may have come to its end before this was called on the loop.
        if limit in self._limits:
            limit.timeout.reschedule(limit.loop.time())

    async def sleep(self, seconds: float) -> None:
        """Lets time pass and others run, without waiting."""
        self.waits.append(seconds)
        self._passed += seconds
        await asyncio.sleep(0)


class Gate:
    """A point at which a call stays until the test opens it.

    Args:
        answer: what the call answers then.
    """

    def __init__(self, answer: Answer | str) -> None:
        self.answer = answer
        self.reached = threading.Event()
        self._opened: Future[None] = Future()

    def open(self) -> None:
        """Lets the call go on. From any thread."""
        if not self._opened.done():
            self._opened.set_result(None)

    async def wait(self) -> None:
        """Waits until it is opened; says that it was reached."""
        self.reached.set()
        await asyncio.shield(asyncio.wrap_future(self._opened))


class FakeProvider(Provider):
    """A provider that answers as it is told, and remembers what it was asked.

    Its models: ``image`` (one image a call, exact seeds, references and a mask), ``sheet`` (four images a
    call, no seeds), ``queue`` (tickets), ``keyed`` (tickets, and it honours idempotency keys), ``stream``
    (partial images from `partials`).

    Args:
        script: what submits answer, one after the other; when it is used up, images come.
        polls: what polls answer, one after the other; when they are used up, images come.
        partials: what a stream gives before its answer.
        words: what its text model answers, one after the other; when they are used up, what it was asked.
            None: it has no text model.
        name: the provider's name.

    Attributes:
        submits: the units that were sent, in order. What a real provider would bill.
        polled, cancelled: the tickets that were asked for and cancelled, in order.
        questions: what its text model was asked, in order: the model, the instruction and the text.
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
        """Gives the models."""
        return tuple(replace(spec, provider=self.spec.name) for spec in _MODELS)

    def origin(self) -> str:
        """Gives an address: it plays a provider that is paid for."""
        return "https://fake.example"

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Answers as scripted."""
        self.submits.append(unit)
        default = picture(unit.n)
        if unit.model in ("queue", "keyed"):
            return await _play(self._script, Pending(ticket={"job": f"job-{len(self.submits)}"}), unit)
        return await _play(self._script, default, unit)

    def stream(self, unit: Unit, http: Http) -> AsyncGenerator[Partial | Pending | Done] | None:
        """Gives the partials, then answers as scripted; only for the model ``stream``."""
        return self._stream(unit, http) if unit.model == "stream" else None

    async def _stream(self, unit: Unit, http: Http) -> AsyncGenerator[Partial | Pending | Done]:
        for partial in self.partials:
            yield partial
        yield await self.submit(unit, http)

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Answers as scripted."""
        self.polled.append(ticket)
        return await _play(self._polls, picture(), None)

    async def cancel(self, ticket: Mapping[str, Any], http: Http) -> CancelOutcome:
        """Remembers the ticket."""
        self.cancelled.append(ticket)
        return "cancelled"

    def text_model(self) -> str | None:
        """Gives ``words`` where it was told what to write."""
        return None if self._words is None else "words"

    async def write(self, model: str, instruction: str, text: str, http: Http) -> str:
        """Answers as scripted."""
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
    """What an answer is once its gates are open."""
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
    """Opens a studio that never waits, on a store of its own, and closes it.

    Args:
        providers: the providers, beside the installed ones.
        store: where; None for a temporary folder that is removed.
        clock: the time; None for an `InstantClock`.
        options: further arguments of `Studio`.
    """
    with tempfile.TemporaryDirectory(prefix="imgplay-") as folder:
        place = Path(folder) / "history.sqlite" if store is None else store
        options = {"heartbeat": None, "titles": "off", **options}
        with Studio(place, providers=providers, clock=clock or InstantClock(), **options) as studio:
            yield studio

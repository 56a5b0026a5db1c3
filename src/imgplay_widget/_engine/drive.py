"""The steps of one task: send, wait, download, store. Only this module calls providers for images."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from imgplay_widget._engine.admission import admit, admit_error, admit_ticket
from imgplay_widget._engine.listening import Ear
from imgplay_widget._rules.kinds import SOME_IMAGE
from imgplay_widget._rules.lifecycle import Accept, Event, Fail, Fetch, Refuse, Renew, Resume, Send, Succeed
from imgplay_widget._rules.schedule import Schedule
from imgplay_widget._store import StoredImage, images
from imgplay_widget._types import (
    Done,
    Generation,
    Inline,
    Missing,
    ModelSpec,
    Partial,
    Pending,
    Remote,
    Stage,
    Task,
)
from imgplay_widget.errors import (
    BadResponse,
    ConnectFailed,
    CorruptImage,
    DeadlineExceeded,
    ErrorInfo,
    ImgplayError,
    Lost,
    NetworkError,
    NoImage,
    NotFetched,
    NotShown,
    Overloaded,
    ProviderError,
    RateLimited,
    ServerError,
    Uncertain,
)
from imgplay_widget.providers._shared.failures import of_no_cost, perhaps_billed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
    from concurrent.futures import Executor
    from random import Random

    from imgplay_widget._clock import Clock
    from imgplay_widget._store.assets import Assets
    from imgplay_widget.providers.base import Provider
    from imgplay_widget.providers.http import Http

__all__ = ["Drive", "LeaseLost", "Saver", "Tools", "Turn"]

T = TypeVar("T")

WATCH_EVERY = 1.0
"""Seconds between two questions about a call that was not answered yet."""

POLL_TIMEOUT = 30.0
"""The most seconds for one question to a provider. The task's own deadline may end it earlier."""

CONNECT_TRIES = 3
"""The number of tries of a refused connection, because a local server may be starting."""

RATE_TRIES = 6
"""The number of tries of a call that the provider refuses for its rate limit."""

LINK_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds between the tries to fetch a finished image: a link may be announced before its file is there.
After the last try, the link stays with the task, and Retry fetches again."""

ASK_AGAIN = (NetworkError, ServerError, Overloaded, RateLimited, BadResponse)
"""Errors of a question or a download after which the job itself may still succeed."""

FETCH_AGAIN = (*ASK_AGAIN, Lost, CorruptImage)
"""Errors of a download after which the same link may still work: the file was not there yet, or not whole."""


class LeaseLost(Exception):
    """Another engine drives the task now, or its row was deleted. The drive stops and stores nothing."""


class Saver(Protocol):
    """The writer of a drive: the engine commits each step, and then tells it to subscribers."""

    async def save(self, drive: Drive, event: Event) -> None:
        """Commit one step of the task. Raises `LeaseLost`."""
        ...

    async def finish(
        self,
        drive: Drive,
        event: Succeed | Fail,
        stored: Sequence[StoredImage],
        failures: Mapping[str, ErrorInfo],
    ) -> None:
        """Commit the end of the task with its images. Raises `LeaseLost`."""
        ...

    def progress(
        self,
        drive: Drive,
        *,
        index: int | None,
        progress: float | None,
        queue_position: int | None,
        preview: bytes | None,
        retry_in: float | None = None,
    ) -> None:
        """Tell the progress of one image of the unit, or of all its images (index None)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The tools that all drives of an engine share.

    Attributes:
        clock: the time.
        random: the source of jitter.
        pool: threads that decode, hash and write files.
        assets: the folder of the images.
        eager_thumbnails: returns True where a thumbnail is to be made before the row is written, because
            a page shows the image at once.
    """

    clock: Clock
    random: Random
    pool: Executor
    assets: Assets
    eager_thumbnails: Callable[[], bool]

    async def in_pool(self, function: Callable[..., T], *args: Any) -> T:
        """Run a blocking function in the pool, and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, function, *args)


class Turn:
    """One of the slots of a provider, which limit the tasks that run at once.

    Args:
        slots: the slots of the provider.
    """

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots = slots
        self._held = False

    async def __aenter__(self) -> None:
        await self._slots.acquire()
        self._held = True

    async def __aexit__(self, *_: object) -> None:
        if self._held:
            self._held = False
            self._slots.release()

    @asynccontextmanager
    async def lent(self) -> AsyncGenerator[None]:
        """Return a context in which another task may use the slot. After an error, the slot stays free."""
        await self.__aexit__()
        yield
        await self.__aenter__()


@dataclass(eq=False, slots=True, kw_only=True)
class Drive:
    """One task that is being driven.

    Attributes:
        task: the task as it was last committed. Only the saver changes it.
        generations: the generations that the task fills, in the order of the unit's positions; None for a
            generation that was deleted.
        provider: the provider that is called.
        spec: the model.
        http: the HTTP client of the provider.
        tools: the tools that all drives share.
        saver: commits the steps.
        action: the step to start with.
        durations: returns the seconds that past jobs of the model took. Only a job that is polled needs them.
        turn: the slot of the provider, which the engine takes before it starts the drive.
        started: seconds of the clock at the start.
        ends: the loop's time at the deadline.
        renewed: True once expired links were asked for again.
        reached: the last known progress of each image of the call, by its place in the unit.
    """

    task: Task
    generations: list[Generation | None]
    provider: Provider
    spec: ModelSpec
    http: Http
    tools: Tools
    saver: Saver
    action: Resume
    durations: Callable[[], Awaitable[Sequence[float]]]
    turn: Turn
    started: float = 0.0
    ends: float = 0.0
    renewed: bool = False
    reached: dict[int, float] = field(default_factory=dict[int, float])

    async def run(self) -> None:
        """Drive the task to a final stage within its deadline.

        Raises:
            LeaseLost: another engine drives the task now.
            CancelledError: the engine stopped the drive. The stage is as it was last committed.
        """
        self.started = self.tools.clock.monotonic()
        self.ends = asyncio.get_running_loop().time() + self.task.deadline
        try:
            await self._collect(await self._first_answer())
        except TimeoutError:
            await self._fail(self._deadline())
            await self.stop_remote()
        except ImgplayError as error:
            await self._fail(error)

    async def stop_remote(self) -> None:
        """Ask the provider to stop the job. A provider that cannot stop it does not raise an error here."""
        if self.task.submitted_at is None:
            return
        try:
            async with asyncio.timeout(POLL_TIMEOUT):
                if self.task.ticket is None:
                    await self.provider.stop(self.task.unit, self.http)
                else:
                    await self.provider.cancel(self.task.ticket, self.http)
        except (ProviderError, TimeoutError):
            # The task is cancelled here in any case, and the user was told so already.
            return

    # -------------------------------------------------------------- the provider

    async def _first_answer(self) -> Done:
        if self.action is Resume.FETCH:
            return Done(images=tuple(_from_json(item) for item in self.task.results))
        if self.action is Resume.POLL:
            return await self._in_time(self._poll())
        answer = await self._in_time(self._submit())
        if isinstance(answer, Done):
            return answer
        # Without the deadline: a store that is locked for long must not lose a job that was paid for.
        answer = replace(answer, ticket=admit_ticket(answer.ticket, self.http))
        await self.saver.save(self, Accept(answer.ticket))
        self._report(answer)
        return await self._in_time(self._poll())

    async def _submit(self) -> Pending | Done:
        waits = Schedule((), self.tools.random)
        refusals = 0
        # True once one of the sent calls may have been billed: a later refusal does not change that.
        unsure = self.task.stage is Stage.SUBMITTING and self._bills
        while True:
            await self.saver.save(self, Send())
            try:
                return await self._send()
            except ProviderError as error:
                # The next call begins from nothing.
                self.reached.clear()
                unsure = unsure or error.maybe_billed
                limited = isinstance(error, RateLimited)
                wait = waits.wait(0.0, error.retry_after)
                if limited:
                    wait = max(wait, 2.0**refusals)
                if not self._may_resend(error, refusals, wait):
                    if unsure:
                        perhaps_billed(error)
                    raise
                refusals += 1
                if not unsure:
                    await self.saver.save(self, Refuse())
            if limited:
                self._tell_wait(wait)
            async with self.turn.lent():
                await self._sleep(wait)
            if limited:
                self._tell_wait(None)

    def _tell_wait(self, seconds: float | None) -> None:
        """Tell how long a call waits for the provider's rate limit; None where it waits no longer."""
        self.saver.progress(
            self, index=None, progress=None, queue_position=None, preview=None, retry_in=seconds
        )

    async def _send(self) -> Pending | Done:
        stream = self.provider.stream(self.task.unit, self.http)
        if stream is None:
            return await self._watched(self.provider.submit(self.task.unit, self.http))
        # The stream is closed at once, so that its connection ends with the answer or a cancellation.
        async with aclosing(stream):
            async for item in stream:
                if not isinstance(item, Partial):
                    return item
                self.saver.progress(
                    self,
                    index=item.index,
                    progress=item.progress,
                    queue_position=None,
                    preview=item.data,
                )
        raise BadResponse("The stream ended before the image was complete.", provider=self.task.provider)

    async def _watched(self, call: Coroutine[Any, Any, T]) -> T:
        """Wait for a call, and meanwhile report its progress where the provider can tell it."""
        watcher = asyncio.create_task(self._watch())
        try:
            return await call
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    async def _watch(self) -> None:
        shown: bytes | None = None
        while True:
            try:
                async with asyncio.timeout(POLL_TIMEOUT):
                    look = await self.provider.watch(self.task.unit, self.http)
            except (ProviderError, TimeoutError):
                # Progress is a courtesy. Errors of the job itself come with the answer of the call.
                look = Partial()
            if look is None:
                return
            fresh = look.data if look.data != shown else None
            if fresh is not None or look.progress is not None:
                self.saver.progress(
                    self,
                    index=look.index,
                    progress=look.progress,
                    queue_position=None,
                    preview=fresh,
                )
            shown = look.data or shown
            await self.tools.clock.sleep(WATCH_EVERY)

    def _may_resend(self, error: ProviderError, refusals: int, wait: float) -> bool:
        """Return whether the call may be sent again without asking the user: nothing is paid twice."""
        if self._elapsed() + wait >= self.task.deadline:
            return False
        if error.maybe_billed:
            # The provider knows the key of the call, and returns the same job without another bill.
            return self.spec.idempotent and isinstance(error, ASK_AGAIN) and refusals < CONNECT_TRIES
        if isinstance(error, ConnectFailed):
            return refusals < CONNECT_TRIES - 1
        return isinstance(error, RateLimited) and error.retryable and refusals < RATE_TRIES - 1

    async def _poll(self) -> Done:
        async with aclosing(Ear(self.provider, self.http, self._heard)) as ear:
            return await self._poll_beside(ear)

    async def _poll_beside(self, ear: Ear) -> Done:
        submitted = self.task.submitted_at or self.task.created_at
        schedule = Schedule(await self.durations(), self.tools.random)
        retry_after: float | None = None
        while True:
            # A clock that went back must not make the first wait longer than the job.
            age = max(0.0, (self.tools.clock.now() - submitted).total_seconds())
            await ear.wait(self._sleep(schedule.wait(age, retry_after)), self.task.ticket)
            ticket = self.task.ticket
            if ticket is None:
                raise Lost("The job's ticket is missing.", provider=self.task.provider)
            try:
                async with asyncio.timeout(POLL_TIMEOUT):
                    answer = await self.provider.poll(ticket, self.http)
            except ASK_AGAIN as error:
                retry_after = error.retry_after
                continue
            except TimeoutError:
                if self._elapsed() >= self.task.deadline:
                    raise
                continue
            if isinstance(answer, Done):
                return self._of_unit(answer)
            if answer.ticket != ticket or self.task.resumes:
                await self.saver.save(self, Renew(admit_ticket(answer.ticket, self.http)))
            retry_after = answer.retry_after
            self._report(answer)

    def _of_unit(self, done: Done) -> Done:
        """Return the part of a job's answer that the task fills. An earlier attempt filled the rest."""
        if not self.task.job_positions:
            return done
        found = dict(zip(self.task.job_positions, done.images, strict=False))
        absent = Missing(
            error=NoImage("The job gave no image for this slot.", provider=self.task.provider).info
        )
        return replace(done, images=tuple(found.get(p, absent) for p in self.task.unit.positions))

    def _heard(self, look: Partial) -> None:
        """Tell what the provider said of a job by itself."""
        # After an earlier attempt, the places in the job are not those in the unit.
        whole = bool(self.task.job_positions)
        self.saver.progress(
            self,
            index=None if whole else look.index,
            progress=look.progress,
            queue_position=None,
            preview=None if whole else look.data,
        )

    def _report(self, pending: Pending) -> None:
        self.saver.progress(
            self,
            index=None,
            progress=pending.progress,
            queue_position=pending.queue_position,
            preview=None,
        )
        if self.task.job_positions:
            # The previews are of other slots too, which an earlier attempt filled.
            return
        for index, preview in pending.previews.items():
            self.saver.progress(
                self,
                index=index,
                progress=pending.progress,
                queue_position=None,
                preview=preview,
            )

    # -------------------------------------------------------------- the images

    async def _collect(self, done: Done) -> None:
        """Store the images of an answer, each independently of the others."""
        done = admit(done, self.http)
        items = self._items(done)
        if any(isinstance(item, Remote) for item in items) and self.task.stage is not Stage.DOWNLOADING:
            # The bytes of inline images are on the disk before the links are stored, so that a restart finds
            # both.
            await asyncio.gather(*(self._keep_inline(i, item) for i, item in enumerate(items)))
            results = tuple(_to_json(item, self.http.hide) for item in items)
            await self.saver.save(
                self, Fetch(results, done.cost, done.request_id, done.usage, done.served_by)
            )
        outcomes = await asyncio.gather(*(self._fetched(i, item) for i, item in enumerate(items)))
        if self._can_renew() and any(isinstance(outcome, Lost) for outcome in outcomes):
            self.renewed = True
            await self.saver.save(self, Renew(dict(self.task.ticket or {})))
            return await self._collect(await self._in_time(self._poll()))
        stored = [outcome for outcome in outcomes if isinstance(outcome, StoredImage)]
        failures = {
            generation.id: admit_error(self._told(outcome), self.http)
            for generation, outcome in zip(self.generations, outcomes, strict=True)
            if generation is not None and isinstance(outcome, ImgplayError)
        }
        if failures and not stored:
            # One error stands for all images. The one that keeps a paid image within reach comes first.
            worst = min(failures.values(), key=lambda info: info.code != NotFetched.code)
            return await self.saver.finish(self, Fail(worst, done.cost), (), {})
        end = Succeed(done.cost, done.request_id, done.usage, done.served_by)
        return await self.saver.finish(self, end, stored, failures)

    def _items(self, done: Done) -> list[Inline | Remote | Missing]:
        wanted = len(self.generations)
        items = list(done.images[:wanted])
        if len(items) < wanted:
            short = NoImage(
                f"The provider gave {len(items)} of {wanted} images.",
                provider=self.task.provider,
                request_id=done.request_id,
            )
            items += [Missing(error=short.info)] * (wanted - len(items))
        return items

    def _can_renew(self) -> bool:
        """Return whether expired links can be asked for again, which needs a ticket and is done once."""
        possible = self.task.stage is Stage.DOWNLOADING and self.task.ticket is not None
        return possible and not self.renewed

    async def _keep_inline(self, index: int, item: Inline | Remote | Missing) -> None:
        generation = self.generations[index]
        if isinstance(item, Inline) and generation is not None:
            await self.tools.in_pool(self.tools.assets.receive, generation.id, item.data)

    async def _fetched(
        self, index: int, item: Inline | Remote | Missing
    ) -> StoredImage | ImgplayError | None:
        """Download, check and store one image. Return an error instead of raising it."""
        generation = self.generations[index]
        if generation is None:
            return None
        if isinstance(item, Missing):
            return item.error.to_exception()
        try:
            kept = None
            if self.task.stage is Stage.DOWNLOADING:
                kept = await self.tools.in_pool(self.tools.assets.incoming, generation.id)
            if isinstance(item, Remote):
                return await self._fetch(generation, item, kept)
            return await self._store(generation, item if kept is None else replace(item, data=kept))
        except ImgplayError as error:
            # What arrived stays under `incoming`: Retry uses it before it sends anything.
            return self._not_fetched(error) if isinstance(item, Remote) else error

    async def _store(self, generation: Generation, image: Inline, *, only_whole: bool = False) -> StoredImage:
        """Check and store an image. Raises as `store_image`, which runs in the pool."""

        def store() -> StoredImage:
            return store_image(
                self.tools.assets,
                generation.id,
                image,
                thumbnail=self.tools.eager_thumbnails(),
                only_whole=only_whole,
            )

        return await self.tools.in_pool(store)

    async def _fetch(self, generation: Generation, item: Remote, kept: bytes | None) -> StoredImage:
        """Store what arrived earlier, else download the image. A link that does not work yet is tried again.

        A damaged image is tried again too: the server may still be writing the file. The last one is kept.
        """
        if kept is not None:
            with suppress(CorruptImage):
                image = Inline(data=kept, applied=item.applied, media_type=SOME_IMAGE)
                return await self._store(generation, image)
        got: Inline | None = None
        for wait in (*LINK_WAITS, None):
            try:
                file = await self._in_time(self.http.download(item.url))
                got = Inline(data=file.data, applied=item.applied, media_type=file.media_type)
                return await self._store(generation, got, only_whole=True)
            except FETCH_AGAIN as error:
                pause = max(wait or 0.0, error.retry_after or 0.0)
                late = wait is None or self._elapsed() + pause >= self.task.deadline
                if late or not self._may_work_later(error):
                    return await self._store_damaged(generation, got, error)
            except TimeoutError:
                # Only this image is late. The other images of the task are kept.
                return await self._store_damaged(generation, got, self._deadline())
            await self._sleep(pause)
        raise AssertionError

    async def _store_damaged(
        self, generation: Generation, got: Inline | None, error: ImgplayError
    ) -> StoredImage:
        """Store what the last download brought. Raise the error where nothing of an image is in it."""
        if got is not None:
            with suppress(CorruptImage):
                return await self._store(generation, got)
        raise error from None

    def _may_work_later(self, error: ImgplayError) -> bool:
        """Return whether the same link may work later. A ticket gives a fresh link at once."""
        if isinstance(error, Lost):
            return not error.gone and not self._can_renew()
        return error.retryable

    def _not_fetched(self, error: ImgplayError) -> ImgplayError:
        """Return the error of a link that did not work: whether Retry fetches again, or starts a new run."""
        if not isinstance(error, FETCH_AGAIN) or not error.retryable or getattr(error, "gone", False):
            return error
        if isinstance(error, Lost) and self._can_renew():
            return error
        if self._fetched_before() and isinstance(error, Lost | CorruptImage | BadResponse):
            return Lost(f"The finished image is gone. {error.message}", provider=self.task.provider)
        return NotFetched(
            f"The image is finished, but could not be fetched yet. {error.message}",
            provider=self.task.provider,
        )

    def _fetched_before(self) -> bool:
        """Return whether an earlier attempt failed to fetch the same image."""
        earlier: Any = self.task.previous[-1]["error"] if self.task.previous else None
        return earlier is not None and earlier["code"] == NotFetched.code

    # -------------------------------------------------------------- time and ends

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for the provider until the deadline. Writing to the store has no deadline."""
        async with self.tools.clock.timeout(self.ends - asyncio.get_running_loop().time()):
            return await work

    def _elapsed(self) -> float:
        return self.tools.clock.monotonic() - self.started

    async def _sleep(self, seconds: float) -> None:
        if self._elapsed() + seconds > self.task.deadline:
            # A longer sleep cannot help. The clock of a test jumps, so the timeout alone would come too late.
            seconds = max(0.0, self.task.deadline - self._elapsed())
            await self.tools.clock.sleep(seconds)
            raise TimeoutError
        await self.tools.clock.sleep(seconds)

    def _deadline(self) -> ProviderError:
        spent = f"after {self.task.deadline:g} s"
        if self.task.stage is Stage.SUBMITTING and self._bills:
            return NetworkError(f"No answer came {spent}.", provider=self.task.provider)
        return DeadlineExceeded(f"The image was not ready {spent}.", provider=self.task.provider)

    async def _fail(self, error: ImgplayError) -> None:
        if self.task.stage is Stage.SUBMITTING and self._bills and _unknown(error):
            info = Uncertain(
                f"{error.message} The call may have been billed.",
                provider=self.task.provider,
                request_id=error.info.request_id,
            ).info
        else:
            info = self._told(error)
        await self.saver.finish(self, Fail(admit_error(info, self.http)), (), {})

    @property
    def _bills(self) -> bool:
        """Whether the call may cost money. The provider may learn this while it sends the call."""
        return self.provider.bills(self.spec)

    def _told(self, error: ImgplayError) -> ErrorInfo:
        """Return an error as the user reads it: what costs nothing does not speak of bills."""
        return error.info if self._bills else of_no_cost(error.info)


def store_image(
    assets: Assets,
    generation_id: str,
    image: Inline,
    *,
    thumbnail: bool,
    only_whole: bool = False,
) -> StoredImage:
    """Write the bytes of an image as they came, where `Store.finish_task` finds them. This blocks.

    Args:
        assets: the folder of the images.
        generation_id: the generation of the image.
        image: the bytes, with the kind that their sender named.
        thumbnail: whether the thumbnail is made at once.
        only_whole: whether a damaged image is refused. It is kept otherwise, if anything of it can be drawn.

    Raises:
        CorruptImage: the bytes are not an image, or nothing of the image can be drawn.
        DiskFull: the bytes could not be written whole.
    """
    data = image.data
    accepted = images.accept(data, image.media_type)
    if only_whole and not accepted.whole:
        raise CorruptImage("The image is cut off or damaged.")
    drawn = None
    if thumbnail or not accepted.whole:
        try:
            drawn = images.thumbnail(data)
        except NotShown as error:
            # An image that cannot be drawn here is kept all the same: it was paid for.
            if error.reason == "damaged" and not accepted.whole:
                raise CorruptImage(
                    "The image is cut off or damaged, and nothing of it can be drawn."
                ) from error
    digest = assets.receive(generation_id, data)
    if drawn is not None:
        assets.write_thumbnail(digest, drawn)
    return StoredImage(
        generation_id=generation_id,
        digest=digest,
        media_type=accepted.media_type,
        width=accepted.width,
        height=accepted.height,
        whole=accepted.whole,
        size=len(data),
        applied=image.applied,
    )


def _unknown(error: ImgplayError) -> bool:
    """Return whether the provider may have done (and billed) the work although no answer tells it.

    An answer that cannot be used is not such a case: its own error helps the user more than "perhaps".
    """
    silent = (NetworkError, ServerError, Overloaded, DeadlineExceeded)
    return isinstance(error, silent) and error.maybe_billed


def _to_json(item: Inline | Remote | Missing, hide: Callable[[str], str]) -> dict[str, Any]:
    match item:
        case Inline():
            return {"kind": "inline", "applied": dict(item.applied), "mediaType": item.media_type}
        case Remote():
            return {"kind": "remote", "url": hide(item.url), "applied": dict(item.applied)}
        case Missing():
            return {"kind": "missing", "error": item.error.to_json()}


def _from_json(item: Mapping[str, Any]) -> Inline | Remote | Missing:
    match item["kind"]:
        case "remote":
            return Remote(url=item["url"], applied=item["applied"])
        case "missing":
            return Missing(error=ErrorInfo.from_json(item["error"]))
        case _:
            # The bytes are among the incoming files. Without them, the generation fails.
            return Inline(data=b"", applied=item["applied"], media_type=item.get("mediaType", ""))

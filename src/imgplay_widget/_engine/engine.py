"""The engine: the only part that starts tasks and waits for them.

An engine lives on one event loop. It commits each step of a task before it tells the step to subscribers. It
holds leases, so that two kernels on one store never drive the same task, and it continues the tasks that
another process left. Calls that block run elsewhere: the store on a thread of its own, so that a locked
database never stops the loop, and images in a small pool.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, TypeVar

from imgplay_widget import catalog
from imgplay_widget._engine.archive import gone
from imgplay_widget._engine.drive import Drive, LeaseLost, Tools, Turn, store_image
from imgplay_widget._engine.paces import Paces
from imgplay_widget._ids import new_id
from imgplay_widget._rules.attempts import cancel_note, fetchable, next_attempt
from imgplay_widget._rules.changes import (
    Change,
    EntryAdded,
    EntryChanged,
    NoticeGiven,
    Progressed,
    StoreWritten,
    SweepWritten,
)
from imgplay_widget._rules.costs import Budget, day_start
from imgplay_widget._rules.kinds import SOME_IMAGE
from imgplay_widget._rules.lifecycle import (
    MAX_RESUMES,
    Cancel,
    Event,
    Fail,
    Refuse,
    Resume,
    Succeed,
    advance,
    cut_off,
    resume,
)
from imgplay_widget._types import (
    Entry,
    Generation,
    Inline,
    Notice,
    Stage,
    Status,
    Sweep,
    Task,
    Topic,
)
from imgplay_widget.errors import (
    DiskFull,
    ErrorInfo,
    ImgplayError,
    InternalError,
    NotFound,
    ProviderMissing,
    StoreLocked,
    Uncertain,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from decimal import Decimal

    from imgplay_widget._clock import Clock
    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._engine.clients import Clients
    from imgplay_widget._engine.covers import Covers
    from imgplay_widget._store import StoredImage
    from imgplay_widget._types import ProviderSpec
    from imgplay_widget.providers.base import Provider
    from imgplay_widget.providers.registry import Registry

__all__ = ["Engine"]

T = TypeVar("T")

logger = logging.getLogger("imgplay_widget")

RENEW_EVERY = 10.0
"""Seconds between two renewals of the leases."""

HEARTBEAT = 1.5
"""Seconds between two beats, at which the engine looks for changes and for tasks of other processes. A change
is so seen within two seconds."""

LOCKED_WAIT = 2.0
"""Seconds between two tries to write to a store that is locked or full."""

AT_ONCE = 20
"""The tasks of one call that are started before the loop turns to other work."""

_INSIDE = "imgplay-widget failed while it worked on this; the log has the details."

_FIRST_STEP = {
    Stage.PENDING: Resume.SUBMIT,
    Stage.PROCESSING: Resume.POLL,
    Stage.DOWNLOADING: Resume.FETCH,
}
"""The step with which a new attempt starts, by its stage."""


class Engine:
    """The owner of all tasks of a studio.

    Args:
        archive: the store, which the engine closes.
        covers: the covers of topics.
        clients: the HTTP clients of the providers, which the engine closes.
        registry: the providers.
        notify: called on the loop with each change, after the change was committed. Must not block or raise.
        clock: the time.
        concurrency: the most tasks at once by provider; a provider that is not named has its own default.
        heartbeat: seconds between two beats, or None for no beats (tests call `beat`).
        take_up: True continues the tasks that earlier processes left. False waits for a call of `take_up`.
        only_able: True where tasks of ended processes wait for another studio while this one does not have
            their provider or its key. Otherwise they end with an error that names what is missing.
    """

    def __init__(
        self,
        archive: Archive,
        covers: Covers,
        clients: Clients,
        registry: Registry,
        notify: Callable[[Change], None],
        *,
        clock: Clock,
        concurrency: Mapping[str, int],
        heartbeat: float | None = HEARTBEAT,
        take_up: bool = True,
        only_able: bool = False,
    ) -> None:
        # The parts that the engine works with. None of them changes.
        self._archive = archive
        self._store = archive.store
        self._covers = covers
        self._clients = clients
        self._registry = registry
        self._notify = notify
        self._clock = clock
        self._concurrency = dict(concurrency)
        self._heartbeat = heartbeat
        self._takes_up = take_up
        self._only_able = only_able
        # The name of this engine in its leases. It never changes.
        self.owner = new_id()
        # USD that may be spent a day, or None for any amount. The studio sets it.
        self.budget: Decimal | None = None
        # True once a page shows the studio: thumbnails are then made before a row is written. A page sets it.
        self.eager_thumbnails = False
        # The times that models usually take. The tasks that run here teach it.
        self.paces = Paces(archive)
        # Functions that each beat calls. A part with work that is due later adds its function and removes it.
        self.each_beat: list[Callable[[], Awaitable[None] | None]] = []
        # The tools that all drives share. They never change.
        self._tools = Tools(
            clock=clock,
            random=Random(),  # noqa: S311 - jitter
            pool=archive.pool,
            assets=archive.store.assets,
            eager_thumbnails=lambda: self.eager_thumbnails,
        )
        # The tasks that are driven here, by id. `_launch` adds one; `_run` and `_let_go` take it out.
        self._drives: dict[str, tuple[Drive, asyncio.Task[None]]] = {}
        # The batches that are worked on, as they were last committed. `add`, `_launch`, `_reload` and `_told`
        # write them.
        self._entries: dict[str, Entry] = {}
        # The limit of tasks that run at once, by provider. `_turn` makes the semaphores.
        self._turns: dict[str, asyncio.Semaphore] = {}
        # The asyncio task that beats, or None while it does not run. `start` sets it.
        self._heart: asyncio.Task[None] | None = None
        # Tasks that were claimed and are not continued yet. Only `_take_up` changes them, under `_taking_up`.
        self._claimed: list[Task] = []
        self._taking_up = asyncio.Lock()
        # The providers of waiting tasks whose keys were looked for in slow sources. `_look_for_keys` adds.
        self._looked_for: set[str] = set()
        # The ids of tasks of earlier processes: those that wait here for their turn, and those whose work is
        # counted here. `_continue` and `_count` write them.
        self._taken_up: set[str] = set()
        self._counted: set[str] = set()
        # Seconds of the clock at the last renewal of the leases. `start` and `beat` set it.
        self._renewed_at = 0.0
        # The store's version when this engine last looked. `start` and `beat` set it.
        self._version = 0
        # True from `close` on, when the threads that write end.
        self._closing = False
        # True from `close` on, and from `hand_over` where it sends nothing more: no task may be launched.
        self._leaving = False
        # Done at the next committed step of any task. Only `hand_over` waits for it.
        self._step: asyncio.Future[None] | None = None

    # -------------------------------------------------------------- life

    async def start(self) -> None:
        """Continue the unfinished tasks of earlier processes, and start the beats."""
        await self._archive.in_store(self._store.register, self.owner)
        self._version = await self._archive.in_store(self._store.version)
        self._renewed_at = self._clock.monotonic()
        await self._take_up()
        if self._heartbeat is not None:
            self._heart = asyncio.create_task(self._beat_for_ever(self._heartbeat))

    async def close(self) -> None:
        """Stop all work and give the leases back, so that the next start can continue the tasks."""
        self._closing = self._leaving = True
        running = [runner for _, runner in self._drives.values()]
        if self._heart is not None:
            running.append(self._heart)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, *self._archive.stop_aside(), return_exceptions=True)
        try:
            await self._archive.in_store(self._store.release, self.owner, self._counted)
        except ImgplayError as error:
            # The lock file of this owner is removed nevertheless, so the next start sees that the leases are
            # free.
            logger.warning("Leases could not be given back: %s", error.message)
        await self._clients.close()
        await self._archive.close()

    async def hand_over(self, *, send: bool) -> None:
        """Wait until another process can continue every task, for a process that is about to end.

        A job with a ticket goes on at its provider. A call that has no answer yet is waited for, because its
        answer reaches this process alone, and may be paid for. A call that may be repeated under its key
        needs no waiting.

        Args:
            send: True sends the waiting tasks first. False leaves them to the next process.
        """
        if not send:
            self._leaving = True
            await self._stop_waiting()
        needed = {Stage.PENDING, Stage.SUBMITTING} if send else {Stage.SUBMITTING}
        while out := self._runners(needed):
            self._step = asyncio.get_running_loop().create_future()
            await asyncio.wait((self._step, *out), return_when=asyncio.FIRST_COMPLETED)

    async def calls_out(self) -> int:
        """Return the number of calls whose answer reaches this process alone."""
        return len(self._runners({Stage.SUBMITTING}))

    def _runners(self, stages: Collection[Stage]) -> list[asyncio.Task[None]]:
        """Return the runners of the tasks in these stages, without calls that may be repeated under a key."""
        return [
            runner
            for drive, runner in self._drives.values()
            if drive.task.stage in stages
            and not (drive.task.stage is Stage.SUBMITTING and drive.spec.idempotent)
        ]

    async def _stop_waiting(self) -> None:
        """Stop the tasks that were not sent yet. They stay pending in the store."""
        waiting = [one for one in self._drives.values() if one[0].task.stage is Stage.PENDING]
        await self._halt(waiting)
        for drive, _ in waiting:
            # The halt came after the commit of the intent to send, and before the call itself.
            if drive.task.stage is Stage.SUBMITTING:
                with contextlib.suppress(LeaseLost):
                    await self.save(drive, Refuse())

    async def beat(self) -> None:
        """Renew the leases, call `each_beat`, continue abandoned tasks, and tell what others wrote."""
        now = self._clock.monotonic()
        if now - self._renewed_at >= RENEW_EVERY:
            self._renewed_at = now
            await self._archive.in_store(self._store.renew, self.owner)
        for follow in tuple(self.each_beat):
            due = follow()
            if due is not None:
                await due
        await self._take_up()
        version = await self._archive.in_store(self._store.version)
        if version != self._version:
            self._covers.forget()
            await self._catch_up()
            # The version is kept only now, so that the next beat repeats a reading that failed.
            self._version = version
            self._notify(StoreWritten())

    async def _catch_up(self) -> None:
        """Stop the drives that another process ended or took over, and read the unfinished batches again."""
        driven = dict(self._drives)
        found = await self._archive.in_store(self._store.tasks, tuple(driven))
        lost: list[tuple[Drive, asyncio.Task[None]]] = []
        for task_id, (drive, runner) in driven.items():
            mine = task_id in found and found[task_id].lease_owner == self.owner
            if not mine and task_id in self._drives and not drive.task.stage.final:
                lost.append((drive, runner))
        await self._halt(lost)
        for drive, _ in lost:
            await self._let_go(drive)
        for batch_id in tuple(self._entries):
            await self._reload(batch_id)

    async def _let_go(self, drive: Drive) -> None:
        """Leave a task that another process ended or took over."""
        if drive.task.stage.final:
            return
        self._drives.pop(drive.task.id, None)
        found = await self._archive.in_store(self._store.tasks, (drive.task.id,))
        task = found.get(drive.task.id)
        if task is None or task.stage is Stage.CANCELLED:
            # Another process cancelled or deleted the task. Only this one can have the provider stop its job.
            self._archive.aside(drive.stop_remote())
        await self._reload(drive.task.batch_id)

    async def _reload(self, batch_id: str) -> None:
        """Read a batch again if this engine drives it, else forget it."""
        entry = await self._archive.in_store(self._store.entry, batch_id)
        drives = (drive for drive, _ in self._drives.values() if drive.task.batch_id == batch_id)
        if entry is None or all(drive.task.stage.final for drive in drives):
            self._entries.pop(batch_id, None)
        else:
            self._entries[batch_id] = entry

    async def _beat_for_ever(self, seconds: float) -> None:
        while True:
            await self._clock.sleep(seconds)
            try:
                await self.beat()
            except ImgplayError as error:
                # A store that is locked now may be free at the next beat. The tasks go on.
                logger.warning("The store could not be looked after: %s", error.message)
            except Exception:
                # Without further beats, the leases run out and another process takes over the tasks.
                logger.exception("The store could not be looked after")

    # -------------------------------------------------------------- requests

    async def add(self, entries: Sequence[Entry], new_topic: Topic | None, *, confirm: bool = False) -> Topic:
        """Store the requests of one click, all of them or none, start them, and return their topic.

        Args:
            entries: the new batches of one topic with their generations and tasks, all pending.
            new_topic: the topic to make with them, or None where it exists.
            confirm: True where the user agreed to pay an unknown price.

        Raises:
            NotFound: the topic was deleted meanwhile.
            OverBudget: the budget does not allow all of them. Nothing was stored or sent.
            PriceUnknown: there is a budget and no known price. Nothing was stored or sent.
            StoreError: the requests could not be stored. Nothing was sent.
        """
        leased = [self._leased_entry(entry) for entry in entries]
        topic, stored = await self._archive.in_store(
            self._store.add_batches, leased, new_topic=new_topic, budget=self._budget(confirm=confirm)
        )
        await self._begin(stored, topic)
        return topic

    async def add_sweep(
        self,
        sweep: Sweep,
        cells: Mapping[int, str],
        entries: Mapping[int, Entry],
        new_topic: Topic | None,
        *,
        fresh: bool,
        lost: Collection[str],
        confirm: bool,
    ) -> tuple[Sweep, Topic]:
        """Store a sweep with its new batches, all or nothing, start them, and return the sweep and its topic.

        Args:
            sweep: the sweep, which may be stored already.
            cells: the ids of stored batches that cells get, by the positions of the cells.
            entries: the new batches that cells get, with their generations and tasks, all pending.
            new_topic: the topic to make with them, or None where it exists.
            fresh: see `Store.save_sweep`.
            lost: see `Store.save_sweep`.
            confirm: True where the user agreed to spend more than the budget allows, and to pay unknown
                prices.

        Raises:
            NotFound: the topic was deleted meanwhile.
            OverBudget, PriceUnknown: the budget does not allow all of them. Nothing was stored or sent.
            StoreError: the sweep could not be stored. Nothing was sent.
        """
        leased = {position: self._leased_entry(entry) for position, entry in entries.items()}
        saved = await self._archive.in_store(
            self._store.save_sweep,
            sweep,
            cells,
            leased,
            new_topic=new_topic,
            budget=None if confirm else self._budget(confirm=False),
            fresh=fresh,
            lost=lost,
        )
        self._notify(SweepWritten(sweep=saved.sweep))
        await self._begin(saved.entries, saved.topic)
        return saved.sweep, saved.topic

    async def _begin(self, stored: Sequence[Entry], topic: Topic) -> None:
        """Tell batches that were just stored, and start their tasks."""
        for entry in stored:
            self._entries[entry.batch.id] = entry
            # All batches are told before a task starts, so that a cancellation of all visible batches stops
            # every task.
            self._notify(EntryAdded(entry=entry, topic=topic))
        for number, task in enumerate([task for entry in stored for task in entry.tasks], 1):
            await self._launch(task, Resume.SUBMIT)
            if number % AT_ONCE == 0:
                # A sweep has hundreds of tasks, and whatever else is on the loop goes on in between.
                await self._clock.sleep(0)

    async def cancel(self, batch_ids: Sequence[str], generation_id: str | None = None) -> None:
        """Stop the unfinished tasks of batches, or the task of one generation.

        The tasks are stopped here at once and together, so that no waiting task is sent when another one
        ends. Their providers are asked to stop the jobs. Finished tasks stay as they are, and batches that
        are gone are ignored.

        Raises:
            NotFound: none of the batches exists.
        """
        await self._take_up()
        entries: list[Entry] = []
        for batch_id in batch_ids:
            with contextlib.suppress(NotFound):
                entries.append(await self.entry(batch_id))
        if not entries:
            raise gone("batch", batch_ids[0])
        unfinished = [
            (entry, task)
            for entry in entries
            for task in entry.tasks
            if not task.stage.final and _fills(entry, task, generation_id)
        ]
        driven = [self._drives[task.id] for _, task in unfinished if task.id in self._drives]
        elsewhere = [(entry, task) for entry, task in unfinished if task.id not in self._drives]
        await self._halt(driven)
        running = [drive for drive, _ in driven if not drive.task.stage.final]
        # The tasks end in one step of the store. After a kill in between, the next start would send the rest.
        changed = {drive.task.id: self.as_cancelled(drive.task) for drive in running}
        changed |= {task.id: self.as_cancelled(task) for _, task in elsewhere}
        owners = {drive.task.id: self.owner for drive in running}
        # A task of another process loses its lease, and its driver stops at its next write.
        owners |= {task.id: task.lease_owner or "" for _, task in elsewhere}

        def commit() -> set[str]:
            return self._store.save_tasks([(task, owners[one]) for one, task in changed.items()])

        def tell(kept: set[str]) -> None:
            for drive in running:
                if drive.task.id in kept:
                    self._told(drive, changed[drive.task.id])
                    self._archive.aside(drive.stop_remote())
            self._tell_cancelled([entry for entry, _ in elsewhere], {one: changed[one] for one in kept})

        if running:
            await self._insist(commit, tell)
        elif changed:
            await self._commit_once(commit, tell)

    async def retry(
        self,
        batch_id: str,
        generation_id: str | None = None,
        *,
        confirm: bool = False,
        beyond: bool = False,
    ) -> None:
        """Run one failed or cancelled generation again, or all such generations of a batch.

        An image that arrived and was not stored is used. A finished image whose link is kept is fetched, and
        a job that may still run at its provider is asked for by its ticket. Other tasks are sent again. A
        task that another process retries already is not sent: only its present state is told.

        Args:
            batch_id: the batch.
            generation_id: the generation, or None for all of the batch.
            confirm: True where the user agreed to pay an unknown price.
            beyond: True where the user also agreed to spend more than the budget allows.

        Raises:
            NotFound: there is no such batch, or its provider is not known here.
            OverBudget: the budget does not allow the retry. Nothing was sent.
            PriceUnknown: there is a budget and no known price. Nothing was sent.
        """
        entry = await self._fill_arrived(await self.entry(batch_id), generation_id)
        budget = None if beyond else self._budget(confirm=confirm)
        # What may be refused comes first, so that a refusal changes nothing.
        for failed in _failed(entry, generation_id):
            await self._replace(entry, failed, budget)

    def calls_of_retry(self, entry: Entry) -> list[Task]:
        """Return the calls that a retry of a batch would send. Nothing is stored or sent.

        Raises:
            NotFound: the provider of the batch is not known here.
        """
        anew, _ = _failed(entry, None)
        return [task for task in self._attempts(entry, anew).values() if task.stage is Stage.PENDING]

    async def _fill_arrived(self, entry: Entry, generation_id: str | None) -> Entry:
        """Use the images that arrived for failed generations before anything is sent. Return the batch."""
        failed = [
            generation.id
            for generation in entry.generations
            if generation_id in (None, generation.id)
            and entry.status_of(generation) in (Status.ERROR, Status.CANCELLED)
        ]
        if not await self._archive.in_store(self._store.fill_arrived, failed):
            return entry
        batch = entry.batch
        await self._reload(batch.id)
        entry = await self.entry(batch.id)
        filled = [one for one in entry.generations if one.id in failed and one.asset is not None]
        self._notify(EntryChanged(entry=entry, generation_ids=tuple(one.id for one in filled)))
        self._covers.tell_topic(batch.topic_id)
        self._covers.make_aside(batch.topic_id, filled)
        return entry

    def _attempts(self, entry: Entry, failed: Mapping[str, Sequence[Generation]]) -> dict[str, Task]:
        """Return the next attempts of failed tasks, by the ids of these tasks."""
        attempts: dict[str, Task] = {}
        for task in entry.tasks:
            if task.id in failed:
                provider, spec = self._registry.find(f"{task.provider}:{task.model}")
                cost = partial(catalog.call_cost, provider.spec, spec, entry.batch.config)
                attempts[task.id] = self._leased(
                    next_attempt(task, failed[task.id], self._clock.now(), estimate=cost)
                )
        return attempts

    async def _replace(
        self, entry: Entry, failed: Mapping[str, Sequence[Generation]], budget: Budget | None
    ) -> None:
        """Replace failed tasks by their next attempts, for the generations that they left empty."""
        batch_id = entry.batch.id
        attempts = self._attempts(entry, failed)
        if not attempts:
            return
        changed = await self._archive.in_store(self._store.replace_tasks, attempts, budget=budget)
        if changed is None:
            raise gone("batch", batch_id)
        taken = {task.id for task in changed.tasks}
        fresh = [task for task in attempts.values() if task.id in taken]
        if fresh or batch_id in self._entries:
            self._entries[batch_id] = changed
        asked = tuple(generation.id for several in failed.values() for generation in several)
        self._notify(EntryChanged(entry=changed, generation_ids=asked))
        self._covers.tell_topic(changed.batch.topic_id)
        for task in fresh:
            await self._launch(task, _FIRST_STEP[task.stage])

    async def refuse_beyond_budget(self, tasks: Sequence[Task], *, confirm: bool) -> None:
        """Refuse tasks that are not stored yet and that the budget does not allow.

        Raises:
            OverBudget: the budget does not allow the tasks.
            PriceUnknown: there is a budget and no known price, and the user did not confirm.
        """
        budget = self._budget(confirm=confirm)
        if budget is not None:
            await self._archive.in_store(self._store.refuse_beyond, tasks, budget)

    def _budget(self, *, confirm: bool) -> Budget | None:
        if self.budget is None:
            return None
        return Budget(limit=self.budget, since=day_start(self._clock.now()), confirmed=confirm)

    async def entry(self, batch_id: str) -> Entry:
        """Return a batch as it is now.

        Raises:
            NotFound: there is no such batch.
        """
        entry = self._entries.get(batch_id) or await self._archive.in_store(self._store.entry, batch_id)
        if entry is None:
            raise gone("batch", batch_id)
        return entry

    # -------------------------------------------------------------- the saver of the drives

    async def save(self, drive: Drive, event: Event) -> None:
        """Commit one step of a task, then tell it. A cancellation waits for the commit."""
        changed = advance(drive.task, event, self._clock.now())

        def commit() -> bool:
            return self._store.save_task(changed, owner=self.owner)

        await self._commit(drive, commit, lambda kept: self._told(drive, changed) if kept else None)

    async def finish(
        self,
        drive: Drive,
        event: Succeed | Fail,
        stored: Sequence[StoredImage],
        failures: Mapping[str, ErrorInfo],
    ) -> None:
        """Commit the end of a task with its images, then tell it and make the topic's cover."""
        changed = advance(drive.task, event, self._clock.now())

        def commit() -> list[Generation] | None:
            return self._store.finish_task(changed, stored, failures, owner=self.owner)

        def tell(generations: list[Generation] | None) -> None:
            if generations is None:
                return
            entry = self._entries.get(changed.batch_id)
            self._told(drive, changed, generations)
            if entry is not None:
                seen = {generation.id for generation in entry.generations}
                self._covers.make_aside(entry.batch.topic_id, [g for g in generations if g.id in seen])

        await self._commit(drive, commit, tell)

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
        """Tell the progress of one image of a task's unit, or of all its images (index None).

        An unknown progress (None) does not take back the last known one.
        """
        entry = self._entries.get(drive.task.batch_id)
        seen = {generation.id for generation in entry.generations} if entry else set[str]()
        for number, generation in enumerate(drive.generations):
            if generation is not None and generation.id in seen and index in (None, number):
                if progress is not None:
                    drive.reached[number] = progress
                self._notify(
                    Progressed(
                        batch_id=generation.batch_id,
                        generation_id=generation.id,
                        progress=drive.reached.get(number),
                        queue_position=queue_position,
                        preview=preview,
                        retry_in=retry_in,
                    )
                )

    async def _commit(self, drive: Drive, commit: Callable[[], T], tell: Callable[[T], None]) -> None:
        """Write a step of a task. The task is lost where nothing was written."""
        kept = await self._insist(commit, tell)
        if kept is None or kept is False:
            raise LeaseLost(drive.task.id)

    async def _insist(self, commit: Callable[[], T], tell: Callable[[T], None]) -> T:
        """Write, also where the store is locked for now, and return what was written.

        What is committed is always told and kept in memory, also after a cancellation.
        """
        warned = False
        while True:
            work = asyncio.ensure_future(self._commit_once(commit, tell))
            try:
                return await _whole(work)
            except (StoreLocked, DiskFull) as error:
                # The answer may be paid for, so it stays in memory until it can be written.
                if not warned:
                    warned = True
                    text = f"{error.message} Results are kept and written as soon as the store takes them."
                    self._notify(NoticeGiven(notice=Notice(kind="other", message=text)))
                await self._clock.sleep(LOCKED_WAIT)

    async def _commit_once(self, commit: Callable[[], T], tell: Callable[[T], None]) -> T:
        result = await self._archive.in_store(commit)
        tell(result)
        return result

    def _told(self, drive: Drive, changed: Task, generations: Sequence[Generation] | None = None) -> None:
        """Keep a committed step in memory, and tell it where a status or an image changed."""
        before = drive.task
        drive.task = changed
        if changed.stage is Stage.SUCCESS:
            self.paces.ended(changed.provider, changed.model)
        if self._step is not None and not self._step.done():
            self._step.set_result(None)
        entry = self._entries.get(changed.batch_id)
        if entry is None:
            # The batch is not in memory. The reading of it from the store includes the committed step.
            self._archive.aside(self._tell_from_store(changed))
            return
        fresh = {generation.id: generation for generation in generations or ()}
        entry = replace(
            entry,
            generations=tuple(fresh.get(g.id, g) for g in entry.generations),
            tasks=tuple(changed if t.id == changed.id else t for t in entry.tasks),
        )
        self._entries[changed.batch_id] = entry
        if before.status is changed.status and not fresh:
            return
        self._tell_task(entry, changed)
        if all(entry.status_of(g).final for g in entry.generations):
            del self._entries[changed.batch_id]

    async def _tell_from_store(self, task: Task) -> None:
        try:
            self._tell_task(await self.entry(task.batch_id), task)
        except ImgplayError as error:
            logger.warning("A change of task %s could not be told: %s", task.id, error.message)

    def _tell_task(self, entry: Entry, task: Task) -> None:
        ids = tuple(g.id for g in entry.generations if g.async_task_id == task.id)
        self._notify(EntryChanged(entry=entry, generation_ids=ids))
        if task.stage.final:
            self._covers.tell_topic(entry.batch.topic_id)

    # -------------------------------------------------------------- driving

    async def _launch(self, task: Task, action: Resume, filled: Sequence[Generation] | None = None) -> None:
        """Start to drive a task.

        Args:
            task: the task.
            action: the step to start with.
            filled: the generations that the task fills, with deleted ones; None takes those of the batch that
                are not deleted.
        """
        if self._leaving:
            return
        entry = await self.entry(task.batch_id)
        self._entries[task.batch_id] = entry
        try:
            drive = self._drive(entry, task, action, filled)
        except Exception as error:
            # The task is stored. A task that nobody drives would be sent at the next start, unasked.
            if not isinstance(error, ImgplayError):
                logger.exception("Task %s could not be started", task.id)
                error = InternalError(_INSIDE, provider=task.provider)
            await self._end_unstarted(task, error)
            return
        runner = asyncio.create_task(self._run(drive), name=f"imgplay-task-{task.id}")
        self._drives[task.id] = (drive, runner)

    def _drive(self, entry: Entry, task: Task, action: Resume, filled: Sequence[Generation] | None) -> Drive:
        by_position = {g.position: g for g in filled or entry.generations if g.async_task_id == task.id}
        provider, spec = self._registry.find(f"{task.provider}:{task.model}")
        return Drive(
            task=task,
            generations=[by_position.get(position) for position in task.unit.positions],
            provider=provider,
            spec=spec,
            http=self._clients.http(provider),
            tools=self._tools,
            saver=self,
            action=action,
            durations=partial(self.paces.durations, task.provider, task.model),
            turn=Turn(self._turn(provider)),
        )

    async def _run(self, drive: Drive) -> None:
        try:
            async with drive.turn:
                await self.paces.learn(drive.task.provider, drive.task.model)
                if drive.task.id in self._taken_up:
                    # From now on the task may be what kills the kernel.
                    await self._count(drive)
                if self._clients.keys.state(drive.provider.spec) == "missing":
                    await self._clients.look_for_keys([drive.provider.spec])
                await drive.run()
        except LeaseLost:
            with contextlib.suppress(ImgplayError):
                # Where the store is locked, the next beat reads the batch.
                await self._let_go(drive)
            self._notify(StoreWritten())
        except Exception:
            if self._closing or not threading.main_thread().is_alive():
                # The threads that write have ended. The next start continues from the last committed step.
                return
            logger.exception("Task %s failed inside imgplay-widget", drive.task.id)
            await self._park(drive)
        finally:
            self._drives.pop(drive.task.id, None)

    async def _count(self, drive: Drive) -> None:
        """Count that this process works on a task of an earlier process, before it does."""
        self._taken_up.discard(drive.task.id)
        counted = replace(drive.task, resumes=drive.task.resumes + 1)

        def commit() -> bool:
            return self._store.save_task(counted, owner=self.owner)

        def tell(kept: bool) -> None:  # noqa: FBT001 - the result of `commit`
            if kept:
                self._counted.add(counted.id)
                self._told(drive, counted)

        await self._commit(drive, commit, tell)

    async def _park(self, drive: Drive) -> None:
        """End a task whose drive failed unexpectedly, so that the task is not "processing" for ever."""
        if drive.task.stage.final:
            return
        broken = InternalError(_INSIDE, provider=drive.task.provider)
        error = broken.info
        if drive.task.stage is Stage.SUBMITTING and self._bills(drive.task):
            error = Uncertain(f"{broken.message} The call may have been billed.").info
        try:
            await self.finish(drive, Fail(error), (), {})
        except LeaseLost:
            logger.warning("Task %s could not be ended. The next start continues it.", drive.task.id)
        except ImgplayError as failure:
            logger.warning("Task %s could not be ended. The next start continues it.", drive.task.id)
            # The store cannot keep this end, for instance because it is damaged. Who waits must hear of it.
            self._told(drive, advance(drive.task, Fail(failure.info), self._clock.now()))

    def _turn(self, provider: Provider) -> asyncio.Semaphore:
        name = provider.spec.name
        if name not in self._turns:
            limit = self._concurrency.get(name, provider.spec.concurrency)
            self._turns[name] = asyncio.Semaphore(limit)
        return self._turns[name]

    async def _halt(self, driven: Sequence[tuple[Drive, asyncio.Task[None]]]) -> None:
        """Stop drives together, so that no waiting task is sent because another one ended."""
        for _, runner in driven:
            runner.cancel()
        await asyncio.gather(*(runner for _, runner in driven), return_exceptions=True)

    # -------------------------------------------------------------- calls of the curator

    def as_cancelled(self, task: Task) -> Task:
        """Return the cancelled form of an unfinished task. Any thread may call this."""
        return advance(task, Cancel(cancel_note(task, paid=self._bills(task))), self._clock.now())

    async def stop_ended(self, tasks: Sequence[Task]) -> None:
        """Stop the drives of tasks that were ended in the store, and ask their providers to stop the jobs."""
        driven = [self._drives[task.id] for task in tasks if task.id in self._drives]
        await self._halt(driven)
        for drive, _ in driven:
            if not drive.task.stage.final:
                self._archive.aside(drive.stop_remote())

    async def reread(self, batch_ids: Collection[str]) -> None:
        """Read batches again, as far as this engine drives them."""
        for batch_id in self._entries.keys() & set(batch_ids):
            try:
                await self._reload(batch_id)
            except ImgplayError as error:
                # The change is committed. The batch is read from the store when it is needed.
                logger.warning("A batch could not be read again: %s", error.message)
                self._entries.pop(batch_id, None)

    def _tell_cancelled(self, entries: Sequence[Entry], changed: Mapping[str, Task]) -> None:
        """Tell that tasks of another process were cancelled."""
        for entry in {entry.batch.id: entry for entry in entries}.values():
            now = replace(entry, tasks=tuple(changed.get(task.id, task) for task in entry.tasks))
            for task in entry.tasks:
                if task.id in changed:
                    self._tell_task(now, changed[task.id])

    # -------------------------------------------------------------- tasks of other processes

    async def take_up(self) -> None:
        """Continue the tasks that no living process drives, now and at each beat from now on."""
        self._takes_up = True
        await self._take_up()

    async def _take_up(self) -> None:
        """Claim and continue the tasks that no living process drives."""
        if not self._takes_up:
            return
        async with self._taking_up:
            lacking: list[ProviderSpec] = []
            able = self._able(lacking) if self._only_able else None
            found = await self._archive.in_store(self._store.claim, self.owner, able)
            self._look_for_keys(lacking)
            self._claimed += [task for task in found if task.id not in self._drives]
            while self._claimed:
                task = self._claimed[0]
                try:
                    await self._continue(task)
                except (StoreLocked, DiskFull):
                    # The task is not at fault. It is claimed already, and the next beat continues it.
                    raise
                except ImgplayError as error:
                    await self._end_unstarted(task, error)
                self._claimed.pop(0)

    def _able(self, lacking: list[ProviderSpec]) -> Callable[[str, str], bool]:
        """Return a function that returns whether this engine can drive a task of a provider and a model.

        Args:
            lacking: gets the providers that only lack a key.
        """
        keys = self._clients.keys

        def able(provider: str, model: str) -> bool:
            if not self._registry.has(provider, model):
                return False
            spec = self._registry.get(provider).spec
            if keys.state(spec) != "missing":
                return True
            lacking.append(spec)
            return False

        return able

    def _look_for_keys(self, lacking: Sequence[ProviderSpec]) -> None:
        """Look once in slow sources for the keys of waiting tasks. A later beat continues the tasks."""
        fresh = [spec for spec in lacking if spec.name not in self._looked_for]
        if fresh:
            self._looked_for.update(spec.name for spec in fresh)
            self._archive.aside(self._look_aside(fresh))

    async def _look_aside(self, specs: Sequence[ProviderSpec]) -> None:
        await self._clients.look_for_keys(specs)

    async def _continue(self, task: Task) -> None:
        entry = await self._archive.in_store(self._store.entry, task.batch_id)
        if entry is None:
            return
        self._entries[task.batch_id] = entry
        provider, spec = self._registry.find(f"{task.provider}:{task.model}")
        plan = resume(task, idempotent=spec.idempotent, bills=provider.bills(spec), now=self._clock.now())
        # After too many resumes, the bytes are not even read: they may be what kills the kernel.
        given_up = task.resumes >= MAX_RESUMES
        if not given_up and task.stage is Stage.SUBMITTING:
            # The bytes are read now, which is work.
            task = replace(task, resumes=task.resumes + 1)
            await self._archive.in_store(self._store.save_task, task, owner=self.owner)
            self._counted.add(task.id)
        if not given_up and await self._adopt(task, whole=plan.error is None):
            return
        if plan.error is not None:
            await self._end_unstarted(task, plan.error.to_exception())
        else:
            if task.id not in self._counted:
                self._taken_up.add(task.id)
            # Deleted generations too: an image that is paid for is stored in case the user restores it.
            await self._launch(task, plan.action, await self._archive.in_store(self._store.slots, task.id))

    async def _adopt(self, task: Task, *, whole: bool) -> bool:
        """Finish a task from images that an ended process wrote without their rows. Return whether it did.

        Args:
            task: the task as it was found.
            whole: True where all images must be there, because the call can be sent again without a bill.
        """
        if task.stage is not Stage.SUBMITTING:
            # In the other stages, the provider can be asked again and returns all images.
            return False
        stored: list[StoredImage] = []
        failures: dict[str, ErrorInfo] = {}
        for generation in await self._archive.in_store(self._store.slots, task.id):
            try:
                image = await self._archive.in_pool(self._adopt_one, generation.id)
            except ImgplayError as error:
                failures[generation.id] = error.info
                continue
            if image is not None:
                stored.append(image)
            else:
                lost: ImgplayError = cut_off(task)
                if self._bills(task):
                    lost = Uncertain(
                        "The studio stopped before this image was stored. The image may have been billed.",
                        provider=task.provider,
                    )
                failures[generation.id] = lost.info
        if not stored or (failures and whole):
            return False
        changed = advance(task, Succeed(), self._clock.now())
        generations = await self._archive.in_store(
            self._store.finish_task, changed, stored, failures, owner=self.owner
        )
        await self._reload(task.batch_id)
        if generations:
            entry = await self.entry(task.batch_id)
            self._notify(EntryChanged(entry=entry, generation_ids=tuple(g.id for g in generations)))
            self._covers.tell_topic(entry.batch.topic_id)
            self._covers.make_aside(entry.batch.topic_id, generations)
        return True

    def _adopt_one(self, generation_id: str) -> StoredImage | None:
        data = self._store.assets.incoming(generation_id)
        if data is None:
            return None
        image = Inline(data=data, media_type=SOME_IMAGE)
        return store_image(self._store.assets, generation_id, image, thumbnail=False)

    async def _end_unstarted(self, task: Task, error: ImgplayError) -> None:
        """Store the error of a task that cannot be continued."""
        if isinstance(error, NotFound):
            error = ProviderMissing(
                f"This studio has no model {task.provider}:{task.model}.", provider=task.provider
            )
        ended = advance(task, Fail(error.info), self._clock.now())
        saved = await self._archive.in_store(self._store.save_task, ended, owner=self.owner)
        await self._reload(task.batch_id)
        if saved:
            self._tell_task(await self.entry(task.batch_id), ended)

    # -------------------------------------------------------------- small parts

    def _bills(self, task: Task) -> bool:
        """Return whether the call of a task may cost money; True where its provider is not known here."""
        try:
            provider, spec = self._registry.find(f"{task.provider}:{task.model}")
        except NotFound:
            return True
        return provider.bills(spec)

    def monotonic(self) -> float:
        """Return the seconds of a clock that never goes back."""
        return self._clock.monotonic()

    def _leased_entry(self, entry: Entry) -> Entry:
        return replace(entry, tasks=tuple(self._leased(task) for task in entry.tasks))

    def _leased(self, task: Task) -> Task:
        return replace(task, lease_owner=self.owner)


async def _whole(work: asyncio.Future[T]) -> T:
    """Wait for the end of a future, even where the waiting is cancelled; then raise the cancellation."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError as error:
            cancelled = error
        except ImgplayError:
            break
    if cancelled is not None:
        raise cancelled
    return work.result()


def _failed(
    entry: Entry, generation_id: str | None
) -> tuple[dict[str, list[Generation]], dict[str, list[Generation]]]:
    """Return the failed generations by their tasks: those to ask for anew, and those with a link to fetch."""
    anew: dict[str, list[Generation]] = {}
    linked: dict[str, list[Generation]] = {}
    for generation in entry.generations:
        task = entry.task_of(generation)
        failure = entry.status_of(generation) in (Status.ERROR, Status.CANCELLED)
        if task is not None and failure and generation_id in (None, generation.id):
            group = linked if fetchable(task, generation) else anew
            group.setdefault(task.id, []).append(generation)
    return anew, linked


def _fills(entry: Entry, task: Task, generation_id: str | None) -> bool:
    return generation_id is None or any(
        g.id == generation_id and g.async_task_id == task.id for g in entry.generations
    )

"""The making of sweeps: what a call asks for, what the store has of it, and what is sent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from imgplay_widget._ids import new_id
from imgplay_widget._plain import plain
from imgplay_widget._rules.requests import request_digest, same_text
from imgplay_widget._rules.sweeps import (
    RESERVED,
    ROW,
    UNCONFIRMED,
    cell_values,
    check_count,
    filled,
    labels_of,
    plan_line,
    refused,
    retry_line,
    rows_of,
    sweep_digest,
    unknown_keyword,
    values_of,
    word_of,
    words_of,
)
from imgplay_widget._studio.inputs import Input, as_mask
from imgplay_widget._studio.sweep_handles import SweepHandle, SweepHandles
from imgplay_widget._studio.waiting import shown_line
from imgplay_widget._text import shown
from imgplay_widget._types import Axis, Status, Sweep
from imgplay_widget.errors import (
    ConfirmationNeeded,
    InvalidRequest,
    OverBudget,
    PriceUnknown,
    UnknownParameter,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget._studio.core import Core
    from imgplay_widget._studio.inputs import ReferenceLike
    from imgplay_widget._studio.prepare import Checked
    from imgplay_widget._types import JSON, Entry, ModelSpec, Request, Task, Topic

__all__ = ["SweepRequest", "Sweeps"]

AGREE = (
    "Call again with confirm=True to agree to it, or ask for fewer images. Nothing was stored, sent or paid."
)
"""The next step of a sweep that the user has to agree to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """What a call asks for, as the user gave it."""

    template: Any
    model: Any
    seed: Any
    n: Any
    rows: Any
    references: Sequence[ReferenceLike]
    mask: ReferenceLike | None
    deadline: float | None
    keywords: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A sweep whose requests are checked. Nothing was stored, and the store was not asked.

    Attributes:
        inputs: the input images that were read, the mask among them.
    """

    template: str
    axes: tuple[Axis, ...]
    fixed: Mapping[str, JSON]
    digest: str
    requests: tuple[Checked, ...]
    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the store has of a sweep.

    Attributes:
        sweep: the same sweep, or None.
        kept: the batches whose images are all there or still come, by the positions of the cells.
        failed: the batches of the sweep that miss images, by the positions of the cells.
        lost: the ids of batches of which a file is gone.
    """

    sweep: Sweep | None
    kept: Mapping[int, Entry]
    failed: Mapping[int, Entry]
    lost: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """The rows of a sweep that are not stored yet.

    Attributes:
        new: True where the store does not have the sweep.
        new_topic: the topic to make with it, or None where it exists.
        found: what the store has.
        entries: the new batches, by the positions of their cells.
    """

    sweep: Sweep
    new: bool
    new_topic: Topic | None
    found: _Found
    entries: Mapping[int, Entry]


class Sweeps:
    """The sweeps of a studio.

    Args:
        core: the studio.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    # -------------------------------------------------------------- making

    def make(
        self,
        asked: SweepRequest,
        *,
        topic_id: str | None,
        title: str | None,
        select: bool,
        confirm: bool,
        cache: bool,
    ) -> SweepHandle:
        """Check, store and start a sweep, and return its handle. From any thread but the loop's.

        Args:
            asked: what the call asks for.
            topic_id: the topic of a new sweep, or None for a new topic.
            title: the title of a new topic; None takes the template.
            select: True where the topic becomes the active one.
            confirm: True where the user agreed to many requests, to a price that is unknown, and to spend
                more than the budget allows.
            cache: True completes the same sweep and takes from the store what it has. False asks for all.
        """
        core = self._core
        core.refuse_own_thread()
        planned = self._plan(asked)
        with core.one_at_a_time:
            found = core.call(self._find, planned) if cache else _Found(sweep=None, kept={}, failed={})
            if found.sweep is not None:
                topic_id, title, select = found.sweep.topic_id, None, False
            draft = self._draft(planned, found, topic_id, title)
            self._consent(planned, draft, confirm=confirm)
            if draft.entries:
                core.keep_inputs(planned.inputs)
            begin = partial(self._begin, draft, select=select, fresh=not cache, confirm=confirm)
            return core.call(begin)

    def _draft(self, planned: _Planned, found: _Found, topic_id: str | None, title: str | None) -> _Draft:
        """Return the rows of a sweep. Nothing is stored, sent or paid here.

        Raises:
            InvalidRequest: the title cannot be stored.
            MissingKey: the key of a provider is not set.
        """
        core = self._core
        new_topic = core.topic_for(planned.template, title) if topic_id is None else None
        sweep = found.sweep or Sweep(
            id=new_id(),
            topic_id=topic_id or (new_topic.id if new_topic else ""),
            user_id=core.owner.user_id,
            organization_id=core.owner.organization_id,
            digest=planned.digest,
            template=planned.template,
            axes=planned.axes,
            fixed=planned.fixed,
            created_at=core.now(),
        )
        missing = {
            at: checked
            for at, checked in enumerate(planned.requests)
            if at not in found.kept and at not in found.failed
        }
        for provider in {one.provider.spec.name: one.provider for one in missing.values()}.values():
            core.look_for_key(provider)
        return _Draft(
            sweep=sweep,
            new=found.sweep is None,
            new_topic=new_topic,
            found=found,
            entries={
                at: core.rows_for(checked, topic_id=sweep.topic_id, sweep_id=sweep.id).entry
                for at, checked in missing.items()
            },
        )

    async def _begin(self, draft: _Draft, *, select: bool, fresh: bool, confirm: bool) -> SweepHandle:
        """Store a sweep, start its requests and retries, and return its handle."""
        core, sweep, kept = self._core, draft.sweep, draft.found.kept
        # The live batches are made first and held, so that they miss no change.
        lives = [core.live.batch(entry) for entry in (*draft.entries.values(), *kept.values())]
        cells = {at: entry.batch.id for at, entry in kept.items()}
        if draft.entries or draft.new or any(sweep.cells[at] != one for at, one in cells.items()):
            sweep, topic = await core.engine.add_sweep(
                sweep,
                cells,
                draft.entries,
                draft.new_topic or core.coming(sweep.topic_id),
                fresh=fresh,
                lost=draft.found.lost,
                confirm=confirm,
            )
            first = next((entry.batch for entry in draft.entries.values()), None)
            new = draft.new_topic is not None
            await core.after_adding(topic, sweep.template, first, new=new, select=select)
        await self._retry([entry.batch.id for entry in draft.found.failed.values()], confirm)
        handle = await self._handle(sweep)
        del lives
        return handle

    def _consent(self, planned: _Planned, draft: _Draft, *, confirm: bool) -> None:
        """Tell the size and the cost of a sweep, or refuse what needs the agreement of the user."""
        failed = draft.found.failed.values()
        calls = [task for entry in draft.entries.values() for task in entry.tasks]
        calls += [task for entry in failed for task in self._core.engine.calls_of_retry(entry)]
        requests, sent = len(planned.requests), len(draft.entries) + len(failed)
        images = requests * planned.requests[0].request.n
        self._agree(plan_line(images, requests, requests - sent, calls), calls, sent, confirm=confirm)

    def _agree(self, line: str, calls: Sequence[Task], sent: int, *, confirm: bool) -> None:
        core = self._core
        if not confirm:
            try:
                if core.engine.budget is not None:
                    core.call(partial(core.engine.refuse_beyond_budget, calls, confirm=False))
            except (OverBudget, PriceUnknown) as error:
                raise type(error)(f"{line} {error.message}", next_step=AGREE) from None
            if sent > UNCONFIRMED:
                raise ConfirmationNeeded(
                    f"{line} More than {UNCONFIRMED} requests at once need your agreement.", next_step=AGREE
                )
        shown_line(line, wanted=core.progress)

    async def _handle(self, sweep: Sweep) -> SweepHandle:
        """Return the handle of a sweep."""
        return SweepHandle(self._core, await self._core.live.sweep(sweep))

    async def _find(self, planned: _Planned) -> _Found:
        """Look for the sweep in the store, and for the batches of its requests."""
        core, store = self._core, self._core.archive.store
        digests = [digest_of(checked.request) for checked in planned.requests]

        def look() -> tuple[Sweep | None, dict[int, Entry], dict[str, Entry]]:
            sweep = store.same_sweep(planned.digest)
            cells = () if sweep is None else sweep.cells
            by_id = {one.batch.id: one for one in store.entries([one for one in cells if one is not None])}
            own = {at: by_id[one] for at, one in enumerate(cells) if one is not None and one in by_id}
            rest = [digest for at, digest in enumerate(digests) if at not in own or not _is_whole(own[at])]
            return sweep, own, store.same_requests(rest)

        sweep, own, same = await core.archive.in_store(look)
        kept = {at: entry for at, entry in own.items() if _is_whole(entry)}
        for at, digest in enumerate(digests):
            if at not in kept and digest in same:
                kept[at] = same[digest]
        lost = await core.archive.in_pool(self._without_files, list(kept.values()))
        kept = {at: entry for at, entry in kept.items() if entry.batch.id not in lost}
        failed = {at: entry for at, entry in own.items() if at not in kept and _is_failed(entry)}
        return _Found(sweep=sweep, kept=kept, failed=failed, lost=lost)

    def _without_files(self, entries: Sequence[Entry]) -> frozenset[str]:
        """Return the ids of the batches of which a file is gone."""
        files = self._core.files
        return frozenset(
            entry.batch.id
            for entry in entries
            if not files.exist([one.asset.url for one in entry.generations if one.asset is not None])
        )

    # -------------------------------------------------------------- planning

    def _plan(self, asked: SweepRequest) -> _Planned:
        """Read and check all that a call asks for, before the store is looked at.

        Raises:
            InvalidRequest, UnknownParameter, NotFound: the call cannot be done as it is.
        """
        core = self._core
        template = plain(asked.template)
        if not isinstance(template, str):
            raise InvalidRequest(f"template={shown(template)} is not text.", parameter="template")
        axes, fixed = _axes_of(asked, core.panel.model)
        check_count(axes)
        models = _models_of(axes, fixed)
        specs: list[ModelSpec] = []
        for name in models:
            core.learn(name)
            specs.append(core.model(name)[1])
        words = _check_names(template, axes, fixed, specs)
        inputs = core.read_inputs(asked.references)
        over = None if asked.mask is None else core.read_inputs([asked.mask], "mask")[0]
        if over is not None and over.data is not None and inputs and any(spec.mask for spec in specs):
            over = as_mask(over)
        requests: list[Checked] = []
        for of_cell in cell_values(axes):
            row: Any = of_cell.pop(ROW) if asked.rows is not None else {}
            values: dict[str, JSON] = {**fixed, **row, **of_cell}
            params = {name: value for name, value in values.items() if name != "model" and name not in words}
            requests.append(
                core.check(
                    filled(template, {name: values[name] for name in words if name in values}),
                    model=values["model"],
                    n=asked.n,
                    references=inputs,
                    mask=over,
                    deadline=asked.deadline,
                    params=params,
                )
            )
        fixed = {**fixed, "n": requests[0].request.n}
        _check_different(axes, requests)
        return _Planned(
            template=template,
            axes=axes,
            fixed=fixed,
            digest=sweep_digest(
                template,
                axes,
                fixed,
                [one.reference.digest for one in inputs],
                None if over is None else over.reference.digest,
            ),
            requests=tuple(requests),
            inputs=(*inputs,) if over is None else (*inputs, over),
        )

    # -------------------------------------------------------------- reading

    async def newest(self, topic_id: str | None, limit: int) -> SweepHandles:
        """Return the newest sweeps of a topic, or of all topics (None), newest first."""
        store = self._core.archive.store
        found = await self._core.archive.in_store(store.newest_sweeps, topic_id, limit)
        return SweepHandles([await self._handle(sweep) for sweep in found])

    # -------------------------------------------------------------- acting

    async def cancel(self, sweep_id: str, batch_ids: Sequence[str] | None = None) -> None:
        """Stop the unfinished tasks of the batches that a sweep asked for, or of some of these batches.

        Raises:
            NotFound: there is no such sweep.
        """
        core = self._core
        sweep = await core.archive.sweep(sweep_id)
        chosen = [one for one in sweep.asked if batch_ids is None or one in batch_ids]
        running = [
            entry.batch.id
            for entry in await core.archive.entries(chosen)
            if not all(entry.status_of(one).final for one in entry.generations)
        ]
        if running:
            await core.engine.cancel(running)

    def retry(self, batch_ids: Sequence[str], *, confirm: bool) -> None:
        """Run the failed generations of batches again. From any thread but the loop's.

        Raises:
            ConfirmationNeeded: there are many, and the user did not confirm.
            OverBudget, PriceUnknown: the budget does not allow it, and the user did not confirm.
        """
        core = self._core
        with core.one_at_a_time:
            entries = core.call(core.archive.entries, batch_ids)
            failed = [entry for entry in entries if _is_failed(entry)]
            calls = [task for entry in failed for task in core.engine.calls_of_retry(entry)]
            images = sum(task.unit.n for task in calls)
            line = retry_line(images, len(failed), calls)
            self._agree(line, calls, len(failed), confirm=confirm)
            core.call(self._retry, [entry.batch.id for entry in failed], confirm)

    async def _retry(self, batch_ids: Sequence[str], confirm: bool) -> None:  # noqa: FBT001 - goes through `call`
        for batch_id in batch_ids:
            await self._core.engine.retry(batch_id, confirm=confirm, beyond=confirm)

    async def delete(self, sweep_id: str, batch_ids: Sequence[str] | None = None) -> None:
        """Delete a sweep with the batches that it asked for, or some of these batches."""
        core = self._core
        if batch_ids is None:
            await core.curator.delete_sweep(sweep_id)
            return
        sweep = await core.archive.sweep(sweep_id)
        await core.curator.delete("batch", [one for one in sweep.asked if one in batch_ids])


def digest_of(request: Request) -> str:
    """Return the digest by which the store finds the batch of the same request."""
    return request_digest(
        provider=request.provider,
        model=request.model,
        prompt=request.prompt,
        config={**request.params, "n": request.n},
        references=[one.digest for one in request.references],
        mask=None if request.mask is None else request.mask.digest,
    )


def _axes_of(asked: SweepRequest, panel_model: str) -> tuple[tuple[Axis, ...], dict[str, JSON]]:
    """Return the axes of a call, and the values that all cells share."""
    axes: list[Axis] = []
    fixed: dict[str, JSON] = {}
    columns: dict[str, None] = {}
    if asked.rows is not None:
        table = rows_of(asked.rows)
        axes.append(Axis(name=ROW, values=table))
        columns = dict.fromkeys(name for row in table for name in row)
        reserved = next((name for name in columns if name in RESERVED), None)
        if reserved is not None:
            raise refused(
                "rows",
                f"the column {reserved} cannot be used, because {reserved} is an argument of the call",
                f"Give {reserved} to the call, or name the column in another way.",
            )
    named = {
        name: value for name, value in (("model", asked.model), ("seed", asked.seed)) if value is not None
    }
    for name, given in (*asked.keywords.items(), *named.items()):
        if name in columns:
            raise refused(name, "it is a column of the rows and an argument too", "Give it once.")
        values = values_of(name, given)
        if values is None:
            fixed[name] = plain(given)
        elif asked.rows is not None:
            raise refused(
                name,
                "the rows are the axis of this sweep, so every other argument has one value",
                f"Put {name} into the rows, or give one value.",
            )
        else:
            axes.append(Axis(name=name, values=values))
    if "model" not in fixed and all(axis.name != "model" for axis in axes):
        every = asked.rows is not None and all("model" in row for row in axes[0].values)
        fixed |= {} if every else {"model": panel_model}
    return tuple(axes), fixed


def _models_of(axes: Sequence[Axis], fixed: Mapping[str, JSON]) -> list[str]:
    """Return the names of the models of a sweep, each once."""
    names: list[JSON] = [fixed["model"]] if "model" in fixed else []
    for axis in axes:
        if axis.name == "model":
            names += axis.values
        elif axis.name == ROW:
            names += [row["model"] for row in axis.values if isinstance(row, dict) and "model" in row]
    for name in names:
        if not isinstance(name, str):
            raise InvalidRequest(f"model={shown(name)} is not the name of a model.", parameter="model")
    return list(dict.fromkeys(names))


def _check_names(
    template: str, axes: Sequence[Axis], fixed: Mapping[str, JSON], specs: Sequence[ModelSpec]
) -> tuple[str, ...]:
    """Return the names in braces that get values. Refuse a name that is neither that nor a parameter."""
    braces = words_of(template)
    table = next((axis.values for axis in axes if axis.name == ROW and _is_table(axis)), ())
    columns = dict.fromkeys(name for row in table for name in row)
    names = dict.fromkeys((*(axis.name for axis in axes if not _is_table(axis)), *fixed), "keyword")
    names |= dict.fromkeys(columns, "column")
    words: list[str] = []
    for name, what in names.items():
        if name == "model":
            continue
        if name in braces and name != "seed":
            words.append(name)
            continue
        lacking = [spec for spec in specs if spec.parameter(name) is None]
        if len(lacking) == len(specs):
            raise unknown_keyword(name, braces, specs, what)
        if lacking and what == "keyword":
            raise UnknownParameter(
                f"{lacking[0].name} does not have a parameter {name}, which all models of the sweep get.",
                next_step=f"Leave {name} or the model out, or use rows=. Nothing was stored, sent or paid.",
            )
    given = {axis.name: axis.values for axis in axes} | {name: (value,) for name, value in fixed.items()}
    for name in words:
        if name in columns:
            for index, row in enumerate(table):
                if name not in row:
                    raise refused(
                        "rows", f"row {index + 1} has no {name}, which the template needs", "Give it a value."
                    )
        for value in given.get(name, ()):
            word_of(name, value)
    return tuple(words)


def _is_table(axis: Axis) -> bool:
    return axis.name == ROW and all(isinstance(value, dict) for value in axis.values)


def _check_different(axes: Sequence[Axis], requests: Sequence[Checked]) -> None:
    """Refuse two cells that ask for the same image."""
    first: dict[str, int] = {}
    for at, checked in enumerate(requests):
        before = first.setdefault(digest_of(checked.request), at)
        if before != at:
            named = [", ".join(labels) for labels in _labelled(axes)]
            raise InvalidRequest(
                f"Two cells ask for the same images: {named[before]} and {named[at]}.",
                next_step="Leave one of them out. For several images of one request, use n or "
                "seed=range(…). Nothing was stored, sent or paid.",
            )


def _labelled(axes: Sequence[Axis]) -> list[tuple[str, ...]]:
    labels = [dict(zip(map(same_text, axis.values), labels_of(axis), strict=True)) for axis in axes]
    return [
        tuple(labels[index][same_text(value)] for index, value in enumerate(of_cell.values()))
        for of_cell in cell_values(axes)
    ]


def _is_whole(entry: Entry) -> bool:
    """Return whether all images of a batch are there or still come."""
    lost = (Status.ERROR, Status.CANCELLED)
    there = len(entry.generations) == entry.batch.config.get("n")
    return there and all(entry.status_of(one) not in lost for one in entry.generations)


def _is_failed(entry: Entry) -> bool:
    """Return whether a retry makes the batch whole: images failed or were cancelled, and none was deleted."""
    lost = (Status.ERROR, Status.CANCELLED)
    there = len(entry.generations) == entry.batch.config.get("n")
    return there and any(entry.status_of(one) in lost for one in entry.generations)

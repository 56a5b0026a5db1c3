"""The handles of sweeps: `SweepHandle`, and the list of several."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import wait
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from imgplay_widget._plain import plain
from imgplay_widget._rules.costs import image_cost
from imgplay_widget._rules.file_names import pattern_of
from imgplay_widget._rules.requests import same_text
from imgplay_widget._rules.sheets import shortened
from imgplay_widget._rules.sweeps import ROW, cell_values, labels_of
from imgplay_widget._studio.handles import LISTED, Batches, BatchHandle, Generations
from imgplay_widget._studio.results import Rows
from imgplay_widget._studio.shown import show, show_updating
from imgplay_widget._studio.sweep_shown import SweepWork, labelled, sweeps_bundle
from imgplay_widget._studio.waiting import shown_progress
from imgplay_widget._text import shown
from imgplay_widget._types import Axis, Status
from imgplay_widget.errors import ImgplayError, InvalidRequest, NotFound

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path
    from typing import Protocol

    from PIL.Image import Image

    from imgplay_widget._studio.gallery import Bundle
    from imgplay_widget._studio.handles import Keeper
    from imgplay_widget._studio.live import LiveBatch, LiveSweep
    from imgplay_widget._types import JSON, Entry, Generation, Sweep

    class SweepKeeper(Keeper, Protocol):
        """The parts of a studio that the handle of a sweep needs."""

        @property
        def sweeps(self) -> SweepCalls:
            """The sweeps of the studio."""
            ...

        async def delete(self, kind: Any, id: str) -> None:
            """Delete a topic, a batch, a generation or a sweep."""
            ...

    class SweepCalls(Protocol):
        """What a handle asks of a sweep."""

        async def cancel(self, sweep_id: str, batch_ids: Sequence[str] | None = None) -> None:
            """Stop what the sweep asked for."""
            ...

        def retry(self, batch_ids: Sequence[str], *, confirm: bool) -> None:
            """Run the failed generations of batches again."""
            ...

        async def delete(self, sweep_id: str, batch_ids: Sequence[str] | None = None) -> None:
            """Delete a sweep, or some of the batches that it asked for."""
            ...


__all__ = ["Cell", "SweepHandle", "SweepHandles", "axes_of", "cells_of", "rows_of", "table_of"]

WAKE_EVERY = 0.5
"""The seconds after which a loop that waits wakes up. An interrupt of a kernel reaches no sleeping loop."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a sweep.

    Attributes:
        values: its values, by the names of the axes.
        labels: the short texts of these values, in the order of the axes.
        live: its batch as it is now, or None where it was deleted.
    """

    values: Mapping[str, JSON]
    labels: tuple[str, ...]
    live: LiveBatch | None


class SweepHandle:
    """A sweep: one request for each combination of the values of its axes, as they are now.

    ``pg.sweep(…)`` returns it at once, and ``pg.sweeps()`` finds it again. Wait with ``await grid`` (from any
    event loop) or ``grid.result(timeout=…)``. ``grid[{"animal": "fox"}]`` is the part with this value, and
    with a value for each axis the batch of one cell. Iterating goes through the batches, the last axis first.
    Code never makes a handle itself.
    """

    def __init__(
        self, keeper: SweepKeeper, live: LiveSweep, *, chosen: Mapping[str, JSON] | None = None
    ) -> None:
        self._keeper = keeper
        self._live = live
        # The values that this part of the sweep has in common, by the names of axes or of columns of rows.
        self._chosen = dict(chosen or {})

    # -------------------------------------------------------------- the request

    @property
    def id(self) -> str:
        """The sweep's id in the store."""
        return self._live.sweep.id

    @property
    def topic_id(self) -> str:
        """The id of the sweep's topic."""
        return self._live.sweep.topic_id

    @property
    def template(self) -> str:
        """The prompt, in which the names of axes stand in braces."""
        return self._live.sweep.template

    @property
    def axes(self) -> dict[str, list[Any]]:
        """The values of each axis, by its name. Axes on which the part has one value are left out.

        The rows of a table are one axis, ``"row"``, whose values are objects.
        """
        return {axis.name: list(axis.values) for axis in axes_of(self)}

    @property
    def fixed(self) -> dict[str, Any]:
        """The words, the parameters, ``"model"``, ``"seed"`` and ``"n"`` that all cells share."""
        return {**self._live.sweep.fixed, **self._chosen}

    @property
    def created_at(self) -> datetime:
        """The time at which the sweep was made, aware UTC."""
        return self._live.sweep.created_at

    # -------------------------------------------------------------- its images

    @property
    def batches(self) -> Batches:
        """The batches of the cells, in their order. Deleted ones are left out."""
        return Batches(BatchHandle(self._keeper, live) for live in _lives(self))

    @property
    def generations(self) -> Generations:
        """The generations of all cells, in the order of the cells."""
        return Generations(one for batch in self.batches for one in batch)

    @property
    def total(self) -> int:
        """The number of images that the sweep has when all are there."""
        n = self._live.sweep.fixed.get("n", 1)
        return len(cells_of(self)) * (n if isinstance(n, int) else 1)

    @property
    def finished(self) -> int:
        """The number of images that are there."""
        return sum(one.asset is not None for _, one in rows_of(self))

    @property
    def status(self) -> Status:
        """The state of the sweep as a whole.

        ``pending`` before any generation started, ``processing`` until all have ended, then ``success`` if at
        least one image is there, ``cancelled`` if all generations were cancelled, else ``error``.
        """
        states = [entry.status_of(one) for entry, one in rows_of(self)]
        if not all(state.final for state in states):
            started = any(state is not Status.PENDING for state in states)
            return Status.PROCESSING if started else Status.PENDING
        for status in (Status.SUCCESS, Status.ERROR):
            if status in states:
                return status
        return Status.CANCELLED

    @property
    def cost(self) -> Decimal | None:
        """The cost of the images in USD, as far as it is known; None where no cost is known.

        Images from the store count with what they cost when they were made.
        """
        costs = [image_cost(entry, one) for entry, one in rows_of(self)]
        known = [cost for cost in costs if cost is not None]
        return sum(known[1:], known[0]) if known else None

    def __len__(self) -> int:
        return len(_lives(self))

    def __iter__(self) -> Iterator[BatchHandle]:
        return iter(self.batches)

    def __getitem__(self, chosen: Mapping[str, Any]) -> SweepHandle | BatchHandle:
        """Return the part of the sweep with these values, or the batch of a cell if all axes have one.

        Args:
            chosen: one value for each of some axes: ``grid[{"animal": "fox"}]``. Of a sweep of rows, the
                columns can be chosen too.

        Raises:
            NotFound: there is no such axis or value (a LookupError), or the batch of the cell was deleted.
        """
        if not isinstance(chosen, dict) or not chosen:
            raise InvalidRequest(
                f"grid[{shown(chosen)}] does not name an axis.",
                next_step='Name axes and values: grid[{"animal": "fox"}]. Iterate over grid for the batches.',
            )
        values = dict(self._chosen)
        for name, given in chosen.items():
            values[str(name)] = self._value(name, plain(given))
        part = SweepHandle(self._keeper, self._live, chosen=values)
        cells = cells_of(part)
        if not cells:
            raise NotFound(f"The sweep has no cell with {shown(dict(chosen))}.")
        if len(cells) > 1 or axes_of(part):
            return part
        live = cells[0].live
        if live is None:
            raise NotFound(
                "The batch with these values was deleted.",
                next_step="Call the sweep again: it asks for what is missing.",
            )
        return BatchHandle(self._keeper, live)

    def _value(self, name: object, given: Any) -> JSON:
        """Return the value of an axis, or of a column of rows, that a user means."""
        known: dict[str, list[JSON]] = {}
        for axis in axes_of(self):
            known[axis.name] = list(axis.values)
            if axis.name == ROW and axis.values and isinstance(axis.values[0], dict):
                for row in axis.values:
                    for column, value in row.items():
                        known.setdefault(column, []).append(value)
        if name not in known:
            raise NotFound(
                f"The sweep has no axis {shown(name)}.", next_step=f"Its axes are {', '.join(known)}."
            )
        wanted = same_text(given)
        for value in known[str(name)]:
            if same_text(value) == wanted:
                return value
        listed = ", ".join(dict.fromkeys(shown(value, 40) for value in known[str(name)][:20]))
        raise NotFound(f"{name} has no value {shown(given)}.", next_step=f"Its values are {listed}.")

    def __eq__(self, other: object) -> bool:
        """Return True for another handle of the same part of the same sweep."""
        return (
            isinstance(other, SweepHandle)
            and other.id == self.id
            and same_text(other._chosen) == same_text(self._chosen)
        )

    def __hash__(self) -> int:
        return hash((self.id, same_text(self._chosen)))

    def __repr__(self) -> str:
        sizes = " × ".join(f"{axis.name} {len(axis.values)}" for axis in axes_of(self))
        states = [entry.status_of(one) for entry, one in rows_of(self)]
        counts = ", ".join(f"{states.count(s)} {s.value}" for s in Status if s in states)
        return f"<Sweep {self.template[:40]!r} of {sizes}: {counts or 'empty'}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        work = _work_of(self)
        return show(self._keeper, work.bundle, work.text)

    def _ipython_display_(self) -> None:
        # IPython takes the error as "show this value as any other one".
        if not show_updating(self._keeper, _work_of(self)):
            raise NotImplementedError

    # -------------------------------------------------------------- waiting

    def result(self, timeout: float | None = None, *, progress: bool | None = None) -> SweepHandle:
        """Wait until every image is there or has failed, and return the sweep.

        A KeyboardInterrupt stops the waiting, and not the work.

        Args:
            timeout: seconds to wait at most; None waits as long as it takes (each task has a deadline of
                its own).
            progress: True shows the progress meanwhile, False does not; None as the studio's `progress`.

        Raises:
            TimeoutError: the sweep is not done yet. It goes on, and code can wait for it again.
            ImgplayError: no image came. This is the error of the first generation.
        """
        self._keeper.refuse_own_thread()
        end = None if timeout is None else time.monotonic() + timeout
        with self._progress(wanted=progress):
            while running := _running(self):
                left = None if end is None else max(0.0, end - time.monotonic())
                _, unfinished = wait(running, left)
                if unfinished and left is not None and time.monotonic() >= (end or 0):
                    raise TimeoutError
            _raise_bare(self)
        return self

    def _progress(self, *, wanted: bool | None = None) -> AbstractContextManager[None]:
        wanted = self._keeper.progress if wanted is None else wanted
        return shown_progress(self._keeper, _work_of(self), wanted=wanted, goes_on=self._keeper.goes_on)

    def __await__(self) -> Generator[Any, None, SweepHandle]:
        with self._progress():
            yield from _ended(self).__await__()
        return self

    # -------------------------------------------------------------- acting

    def cancel(self) -> None:
        """Stop all unfinished generations that the sweep asked for, at once. Finished images stay."""
        chosen = None if not self._chosen else [live.id for live in _lives(self)]
        self._keeper.call(self._keeper.sweeps.cancel, self.id, chosen)

    def retry(self, *, confirm: bool = False) -> SweepHandle:
        """Run the generations that failed or were cancelled again, and return the sweep.

        Args:
            confirm: True agrees to send more than 16 requests, to spend more than the budget allows, and to
                pay an unknown price although there is a budget.

        Raises:
            ConfirmationNeeded: more than 16 requests would be sent, and `confirm` is False.
            OverBudget, PriceUnknown: the budget does not allow the new calls, and `confirm` is False.
        """
        self._keeper.refuse_own_thread()
        self._keeper.sweeps.retry([live.id for live in _lives(self)], confirm=confirm)
        return self

    def delete(self) -> None:
        """Delete the batches that the sweep asked for, with their images. Images from the store stay.

        `restore` of the studio or the playground brings them back, for a minute.
        """
        chosen = None if not self._chosen else [live.id for live in _lives(self)]
        self._keeper.call(self._keeper.sweeps.delete, self.id, chosen)

    # -------------------------------------------------------------- data and files

    @property
    def image(self) -> Image:
        """All images as one labelled picture (a Pillow image in RGB), for ``grid.image.save("grid.png")``.

        It has the axes beside and above the images, each further axis as a grid of its own with a heading,
        and white ground. Cells without an image say why. A cell is as large as its images, up to 768 pixels,
        and smaller where the picture would have more than 8,192 pixels on a side or 32 million in all. The
        originals are read one after the other.

        Raises:
            ImgplayError: there is no image at all. This is the error of the first cell, or `NotFound` while
                an image may still come.
        """
        if not self.finished:
            if self.status.final:
                _raise_bare(self)
            raise NotFound(
                f"There is no image yet; the sweep is {self.status.value}.",
                next_step="Wait for the images: await grid, or grid.result().",
            )
        return _work_of(self).picture(partial(_original, self._keeper))

    def df(self) -> Any:
        """Return a pandas data frame with one row for each image, finished or not.

        Its columns are the axes (or the columns of the rows), then ``model``, ``seed``, ``slot``, ``status``,
        ``path``, ``width``, ``height``, ``cost_usd``, ``seconds``, ``error``, ``starred``, one column for
        each score (its name), ``tags``, ``batch_id`` and ``generation_id``.

        Raises:
            MissingPackage: pandas is not installed.
        """
        return table_of(self).df()

    def save(self, folder: str | os.PathLike[str], pattern: str | None = None) -> list[Path]:
        """Write the original bytes of the finished images into a folder, and return the paths of the files.

        Slots without an image are left out. Existing files of the same names are replaced.

        Args:
            folder: the folder, which is made where it does not exist.
            pattern: the name of each file without its extension, as a format string. Beside the words of
                `BatchHandle.save`, it can have ``cell`` (the number of the cell, from 0) and the names of the
                axes. None numbers the cells, and names the values of the axes.

        Raises:
            InvalidRequest: the pattern cannot be used, or gives two images the same name, or no image is
                finished. Nothing was written.
            StoreError: the file of an image is gone from the store. Nothing was written.
            DiskFull: there is no space for the files.
            OSError: a file cannot be written.
        """
        images: list[tuple[Entry, Generation]] = []
        words: list[dict[str, Any]] = []
        names = [axis.name for axis in self._live.sweep.axes]
        for number, cell in enumerate(cells_of(SweepHandle(self._keeper, self._live))):
            if cell.live is None or not _fits(cell.values, self._chosen):
                continue
            of_cell: dict[str, Any] = {"cell": number, **dict(zip(names, cell.labels, strict=True))}
            entry = cell.live.entry
            images += [(entry, one) for one in entry.generations]
            words += [of_cell] * len(entry.generations)
        if pattern is None:
            pattern = pattern_of(names)
        return self._keeper.files.save(folder, images, pattern, words)

    def save_zip(self, path: str | os.PathLike[str]) -> Path:
        """Write the finished images and their recipes (``recipes.json``) into a ZIP, and return its path.

        Args:
            path: the file to write; an existing file is replaced.

        Raises:
            InvalidRequest: no image is finished.
            DiskFull: there is no space for the ZIP.
            OSError: the file cannot be written.
        """
        return self._keeper.files.save_zip(path, rows_of(self))


class SweepHandles(list[SweepHandle]):
    """A list of sweeps, which shows itself."""

    def __repr__(self) -> str:
        lines = [repr(one) for one in islice(self, LISTED)]
        rest = [f"and {len(self) - LISTED:,} more"] if len(self) > LISTED else []
        return "\n".join([*lines, *rest]) or "[]"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        if not self:
            return {"text/plain": "[]"}
        keeper = _keeper_of(self[0])
        works = [_work_of(sweep) for sweep in self]
        return show(keeper, partial(sweeps_bundle, keeper.gallery, works), self.__repr__)


# Users of the handles must not see their parts. The displays of a sweep read them here.


def axes_of(sweep: SweepHandle) -> list[Axis]:
    """Return the axes of a part of a sweep on which it has several values or was not narrowed."""
    chosen = _chosen_of(sweep)
    found: list[Axis] = []
    for axis in _whole_of(sweep).axes:
        if axis.name in chosen:
            continue
        values = axis.values
        if axis.name == ROW:
            values = tuple(row for row in values if _fits({ROW: row}, chosen))
            if chosen and len(values) <= 1:
                continue
        found.append(Axis(name=axis.name, values=values))
    return found


def cells_of(sweep: SweepHandle) -> list[Cell]:
    """Return the cells of a part of a sweep in the order of its axes, the last axis first."""
    whole, chosen = _whole_of(sweep), _chosen_of(sweep)
    labels = [dict(zip(map(same_text, axis.values), labels_of(axis), strict=True)) for axis in whole.axes]
    named = {axis.name for axis in axes_of(sweep)}
    left = [index for index, axis in enumerate(whole.axes) if axis.name in named]
    found: list[Cell] = []
    for of_cell, live in zip(cell_values(whole.axes), _live_of(sweep).cells, strict=True):
        if not _fits(of_cell, chosen):
            continue
        values = list(of_cell.values())
        names = tuple(labels[index][same_text(values[index])] for index in left)
        found.append(Cell(values=of_cell, labels=names, live=live))
    return found


def _work_of(sweep: SweepHandle) -> SweepWork:
    """Return a part of a sweep as its displays need it."""
    keeper, whole, chosen = _keeper_of(sweep), _whole_of(sweep), _chosen_of(sweep)
    return SweepWork(
        keeper.gallery,
        _live_of(sweep),
        [labelled(axis, keeper.files.title_of) for axis in axes_of(sweep)],
        [position for position, values in enumerate(cell_values(whole.axes)) if _fits(values, chosen)],
        [f"{name} = {shortened(str(value), 40)}" for name, value in chosen.items()],
    )


def _original(keeper: SweepKeeper, generation: Generation) -> bytes | None:
    """Return the original bytes of an image, or None where there is none or its file is gone."""
    asset = generation.asset
    try:
        return None if asset is None else keeper.files.original_path(asset.url).read_bytes()
    except (ImgplayError, OSError):
        return None


def rows_of(sweep: SweepHandle) -> list[tuple[Entry, Generation]]:
    """Return the generations of the cells of a part of a sweep, each with its batch."""
    return [(live.entry, one) for live in _lives(sweep) for one in live.entry.generations]


def _fits(of_cell: Mapping[str, JSON], chosen: Mapping[str, JSON]) -> bool:
    row: Any = of_cell.get(ROW)
    values: dict[str, JSON] = {**(row if isinstance(row, dict) else {}), **of_cell}
    return all(name in values and same_text(values[name]) == same_text(one) for name, one in chosen.items())


def _lives(sweep: SweepHandle) -> list[LiveBatch]:
    return [cell.live for cell in cells_of(sweep) if cell.live is not None]


def _running(sweep: SweepHandle) -> list[Future[None]]:
    """Return the ends of the batches that have not ended."""
    ends = [live.end() for live in _lives(sweep)]
    return [end for end in ends if not end.done()]


def _raise_bare(sweep: SweepHandle) -> None:
    """Raise where no image came: the error of the first cell."""
    errors = [live.end().exception() for live in _lives(sweep)]
    if not errors:
        raise NotFound(f"The batches of the sweep {shown(sweep.id)} were deleted.")
    first = errors[0]
    if first is not None and None not in errors:
        raise first


async def _ended(sweep: SweepHandle) -> None:
    """Return when all batches have ended. Cancelling this ends the waiting, and not the batches."""
    while running := _running(sweep):
        ends = [asyncio.wrap_future(end) for end in running]
        for end in ends:
            # Where the waiting stops early, nobody else reads the error.
            end.add_done_callback(lambda done: done.cancelled() or done.exception())
        while not all(end.done() for end in ends):
            await asyncio.wait(ends, timeout=WAKE_EVERY)
    _raise_bare(sweep)


_COLUMNS = (
    ("slot", "INTEGER"),
    ("status", "VARCHAR"),
    ("path", "VARCHAR"),
    ("width", "INTEGER"),
    ("height", "INTEGER"),
    ("cost_usd", "DECIMAL(18,9)"),
    ("seconds", "DOUBLE"),
    ("error", "VARCHAR"),
    ("starred", "BOOLEAN"),
)
_LAST = (("tags", "VARCHAR[]"), ("batch_id", "VARCHAR"), ("generation_id", "VARCHAR"))


def table_of(sweep: SweepHandle) -> Rows:
    """Return the images of a sweep as a table, with their values first."""
    keeper = _keeper_of(sweep)
    found: list[tuple[dict[str, JSON], BatchHandle, Entry, Generation]] = []
    for cell in cells_of(sweep):
        if cell.live is None:
            continue
        row = cell.values.get(ROW)
        values = {name: value for name, value in cell.values.items() if not isinstance(value, dict)}
        values |= row if isinstance(row, dict) else {}
        batch = BatchHandle(keeper, cell.live)
        found += [(values, batch, cell.live.entry, one) for one in cell.live.entry.generations]
    names = dict.fromkeys(name for values, *_ in found for name in values)
    scores = sorted({name for *_, one in found for name in one.scores})
    single = all(len(batch) == 1 for _, batch, *_ in found)
    own = [("model", "VARCHAR")] if "model" not in names else []
    own += [("seed", "BIGINT")] if "seed" not in names or not single else []
    axes = [(name, _kind_of([values.get(name) for values, *_ in found])) for name in names]
    columns = [*axes, *own, *_COLUMNS, *((name, "DOUBLE") for name in scores), *_LAST]
    rows: list[tuple[Any, ...]] = []
    for values, batch, entry, one in found:
        handle = batch[[item.id for item in entry.generations].index(one.id)]
        error = handle.error
        given = [_as(kind, values.get(name)) for name, kind in axes]
        told = {"model": batch.model, "seed": one.seed}
        path = None if one.asset is None else str(keeper.files.path(one.asset.url))
        rows.append(
            (
                *given,
                *(told[name] for name, _ in own),
                one.position,
                handle.status.value,
                path,
                handle.width,
                handle.height,
                handle.cost,
                handle.seconds,
                None if error is None else error.code,
                one.starred,
                *(one.scores.get(name) for name in scores),
                list(one.tags),
                batch.id,
                one.id,
            )
        )
    return Rows(columns, rows)


def _kind_of(values: Sequence[JSON]) -> str:
    """Return the type of a column that holds some values."""
    kinds: set[type[Any]] = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {int} and all(value is None or -(2**63) <= value < 2**63 for value in values):
        return "BIGINT"
    return "DOUBLE" if kinds and kinds <= {int, float} else "VARCHAR"


def _as(kind: str, value: JSON) -> JSON:
    return str(value) if kind == "VARCHAR" and value is not None else value


def _whole_of(sweep: SweepHandle) -> Sweep:
    return _live_of(sweep).sweep


def _live_of(sweep: SweepHandle) -> LiveSweep:
    return sweep._live  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _chosen_of(sweep: SweepHandle) -> Mapping[str, JSON]:
    return sweep._chosen  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _keeper_of(sweep: SweepHandle) -> SweepKeeper:
    return sweep._keeper  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

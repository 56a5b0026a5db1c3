"""What code holds of a request: `BatchHandle` and its `GenerationHandle`s."""

from __future__ import annotations

import asyncio
import io
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, overload

from imgplay_widget._types import Entry, Generation, Status
from imgplay_widget.errors import Cancelled, ErrorInfo, ImgplayError, NotFound

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from PIL.Image import Image

    from imgplay_widget._rules.recipes import Recipe

__all__ = ["BatchHandle", "GenerationHandle", "Images"]

Images: TypeAlias = "BatchHandle | GenerationHandle | Iterable[BatchHandle | GenerationHandle]"
"""What can be named where images are wanted: batches, generations, or several of them."""


class Owner(Protocol):
    """What a handle needs of its studio."""

    def asset_path(self, url: str) -> Path:
        """Where the bytes of an asset lie."""
        ...

    def recipe(self, entry: Entry, generation: Generation) -> Recipe:
        """How an image was made."""
        ...

    def code(self, entry: Entry) -> str:
        """The Python code that makes a batch again."""
        ...

    def save_zip(self, path: str | os.PathLike[str], images: Images) -> Path:
        """Writes images into a ZIP of the user's."""
        ...

    def cancel(self, batch_id: str, generation_id: str | None = None) -> None:
        """Stops what runs."""
        ...

    def retry(self, batch_id: str, generation_id: str | None = None) -> None:
        """Runs what failed again."""
        ...

    def delete(self, what: object) -> None:
        """Deletes."""
        ...

    def favour(self, images: Images, *, favourite: bool = True) -> None:
        """Stars."""
        ...

    def refuse_own_thread(self) -> None:
        """Raises where waiting would wait for itself."""
        ...


class BatchHandle:
    """One request: its generations, as they are now.

    It is there at once; the images come later. Wait with ``await batch`` (from any event loop) or
    ``batch.result(timeout=…)``; both give the batch itself. Iterate, index or take ``len()`` to reach
    the generations. Made by `generate`, not by hand.
    """

    def __init__(self, owner: Owner, entry: Entry) -> None:
        self._owner = owner
        self._entry = entry
        self._lock = threading.Lock()
        self._done: Future[BatchHandle] = Future()
        self._gone = False
        self._generations = {g.id: GenerationHandle(owner, self, g.id) for g in entry.generations}
        self._settle()

    # -------------------------------------------------------------- what it is

    @property
    def id(self) -> str:
        """The batch's id in the store."""
        return self._entry.batch.id

    @property
    def topic_id(self) -> str:
        """The id of its topic."""
        return self._entry.batch.topic_id

    @property
    def prompt(self) -> str:
        """The words that were asked for."""
        return self._entry.batch.prompt

    @property
    def model(self) -> str:
        """The model, as ``"provider:id"``."""
        return f"{self._entry.batch.provider}:{self._entry.batch.model}"

    @property
    def params(self) -> Mapping[str, Any]:
        """Every parameter that was asked for."""
        return dict(self._entry.batch.config)

    @property
    def code(self) -> str:
        """The Python code that makes it again: a call of ``pg.generate`` with the seed that was sent."""
        return self._owner.code(self._entry)

    @property
    def status(self) -> Status:
        """Where the request stands as a whole.

        ``processing`` while any image is on its way, then ``success`` if at least one image is there,
        ``cancelled`` if all were cancelled, else ``error``.
        """
        states = [self._entry.status_of(g) for g in self._entry.generations]
        if not all(state.final for state in states):
            started = any(state is not Status.PENDING for state in states)
            return Status.PROCESSING if started else Status.PENDING
        for status in (Status.SUCCESS, Status.ERROR):
            if status in states:
                return status
        return Status.CANCELLED

    @property
    def generations(self) -> list[GenerationHandle]:
        """The generations by position."""
        return [self._generations[g.id] for g in self._entry.generations]

    def __len__(self) -> int:
        return len(self._entry.generations)

    def __iter__(self) -> Iterator[GenerationHandle]:
        return iter(self.generations)

    @overload
    def __getitem__(self, index: int) -> GenerationHandle: ...
    @overload
    def __getitem__(self, index: slice) -> list[GenerationHandle]: ...
    def __getitem__(self, index: int | slice) -> GenerationHandle | list[GenerationHandle]:
        return self.generations[index]

    def __repr__(self) -> str:
        states = [self._entry.status_of(g) for g in self._entry.generations]
        counts = ", ".join(f"{states.count(s)} {s.value}" for s in Status if s in states)
        return f"<Batch {self.prompt[:40]!r} on {self.model}: {counts or 'empty'}>"

    # -------------------------------------------------------------- waiting

    def result(self, timeout: float | None = None) -> BatchHandle:
        """Waits until every image is there or has failed, and gives the batch.

        Args:
            timeout: seconds to wait at most; None waits as long as it takes (each task has its own
                deadline).

        Raises:
            TimeoutError: it is not done yet; it goes on, and can be waited for again.
            ImgplayError: no image came; the error is that of the first generation.
        """
        self._owner.refuse_own_thread()
        return self._current().result(timeout)

    def __await__(self) -> Generator[Any, None, BatchHandle]:
        # Shielded: a cell that is interrupted stops waiting; the images still come.
        # A generator, whose frame keeps the handle: nobody else may, and the studio only tells living ones.
        future = asyncio.wrap_future(self._current())
        return (yield from asyncio.shield(future).__await__())

    def _current(self) -> Future[BatchHandle]:
        with self._lock:
            return self._done

    # -------------------------------------------------------------- acting

    def cancel(self) -> None:
        """Stops what is not finished. Finished images stay."""
        self._owner.cancel(self.id)

    def retry(self) -> BatchHandle:
        """Runs the generations that failed or were cancelled again, and gives the batch."""
        self._owner.retry(self.id)
        return self

    def save_zip(self, path: str | os.PathLike[str]) -> Path:
        """Writes the finished images and their recipes (``recipes.json``) into a ZIP, and gives its path.

        Args:
            path: the file to write; one that is there is replaced.

        Raises:
            InvalidRequest: no image is finished.
            DiskFull: there is no space for it.
            OSError: it cannot be written there.
        """
        return self._owner.save_zip(path, self)

    def delete(self) -> None:
        """Deletes the batch with its images; `restore` of the studio or the playground brings it back."""
        self._owner.delete(self)

    # -------------------------------------------------------------- kept in step by the studio

    def update(self, entry: Entry) -> None:
        """Takes the state that was just committed."""
        with self._lock:
            self._entry = entry
            for generation in entry.generations:
                if generation.id not in self._generations:
                    self._generations[generation.id] = GenerationHandle(self._owner, self, generation.id)
            finished = entry.generations and all(entry.status_of(g).final for g in entry.generations)
            returned, self._gone = self._gone and bool(entry.generations), not entry.generations
            if (returned or not finished) and self._done.done():
                self._done = Future()
        self._settle()

    def fail(self, error: BaseException) -> None:
        """Takes the news that the request could not be stored."""
        with self._lock:
            if not self._done.done():
                self._done.set_exception(error)

    def _settle(self) -> None:
        entry = self._entry
        states = [entry.status_of(g) for g in entry.generations]
        if not all(state.final for state in states):
            return
        with self._lock:
            if self._done.done():
                return
            if not states:
                gone = NotFound(f"The batch {self.id!r} was deleted.")
                self._done.set_exception(gone)
            elif Status.SUCCESS in states:
                self._done.set_result(self)
            else:
                self._done.set_exception(_error_of(entry, entry.generations[0]))

    @property
    def entry(self) -> Entry:
        """The values behind the handle, as they were last committed."""
        return self._entry


class GenerationHandle:
    """One image, or the place of one. Reached through its `BatchHandle`."""

    def __init__(self, owner: Owner, batch: BatchHandle, id: str) -> None:
        self._owner = owner
        self._batch = batch
        self._id = id

    @property
    def _row(self) -> Generation:
        for generation in self._batch.entry.generations:
            if generation.id == self._id:
                return generation
        raise NotFound(f"The generation {self._id!r} was deleted.")

    @property
    def row(self) -> Generation:
        """The values behind the handle, as they were last committed. Raises `NotFound` once it is deleted."""
        return self._row

    @property
    def id(self) -> str:
        """The generation's id in the store."""
        return self._id

    @property
    def batch(self) -> BatchHandle:
        """The request that it belongs to."""
        return self._batch

    @property
    def prompt(self) -> str:
        """The words that were asked for."""
        return self._batch.prompt

    @property
    def position(self) -> int:
        """Its place in the batch, from 0."""
        return self._row.position

    @property
    def seed(self) -> int | None:
        """The seed that was sent for it, or None where the model has none."""
        return self._row.seed

    @property
    def status(self) -> Status:
        """Where it stands."""
        return self._batch.entry.status_of(self._row)

    @property
    def error(self) -> ImgplayError | None:
        """Why there is no image, or None while it may still come."""
        if self.status not in (Status.ERROR, Status.CANCELLED):
            return None
        return _error_of(self._batch.entry, self._row)

    @property
    def applied(self) -> Mapping[str, Any]:
        """What the provider says it used, where it says so."""
        return dict(self._row.applied)

    @property
    def favourite(self) -> bool:
        """Whether it has a star. Setting it stores it."""
        return self._row.favourite

    @favourite.setter
    def favourite(self, favourite: bool) -> None:
        self._owner.favour(self, favourite=favourite)

    @property
    def recipe(self) -> dict[str, Any]:
        """How it was made, as JSON: prompt, model, what was requested and applied, times, cost, place."""
        return self._owner.recipe(self._batch.entry, self._row).as_json()

    @property
    def width(self) -> int | None:
        """Width of the image in pixels, or None while there is none."""
        return self._row.asset.width if self._row.asset else None

    @property
    def height(self) -> int | None:
        """Height of the image in pixels, or None while there is none."""
        return self._row.asset.height if self._row.asset else None

    @property
    def path(self) -> Path:
        """Where the original bytes lie.

        Raises:
            ImgplayError: the generation's own error, or `NotFound` while there is no image yet.
        """
        asset = self._row.asset
        if asset is not None:
            return self._owner.asset_path(asset.url)
        raise self.error or NotFound(
            f"There is no image yet; the generation is {self.status.value}.",
            next_step="Wait for it: await batch, or batch.result().",
        )

    @property
    def bytes(self) -> bytes:
        """The original bytes, as the provider sent them. Raises as `path` does."""
        return self.path.read_bytes()

    @property
    def image(self) -> Image:
        """The image as a Pillow image, loaded. Raises as `path` does."""
        from PIL import Image

        with Image.open(io.BytesIO(self.bytes)) as image:
            image.load()
            return image

    def save(self, path: str | Path) -> Path:
        """Writes the original bytes to a file of the user's, and gives its path. Raises as `path` does."""
        target = Path(path)
        target.write_bytes(self.bytes)
        return target

    def retry(self) -> GenerationHandle:
        """Runs this one again if it failed or was cancelled, and gives itself."""
        self._owner.retry(self._batch.id, self._id)
        return self

    def cancel(self) -> None:
        """Stops the task that fills it (and the others of that task)."""
        self._owner.cancel(self._batch.id, self._id)

    def delete(self) -> None:
        """Deletes it with its image; `restore` of the studio or the playground brings it back."""
        self._owner.delete(self)

    def __repr__(self) -> str:
        size = f" {self.width}×{self.height}" if self.width else ""
        seed = "" if self.seed is None else f" seed={self.seed}"
        return f"<Generation {self.position} of {self.prompt[:40]!r}: {self.status.value}{size}{seed}>"


def _error_of(entry: Entry, generation: Generation) -> ImgplayError:
    task = entry.task_of(generation)
    info: ErrorInfo | None = generation.error or (task.error if task else None)
    return info.to_exception() if info else Cancelled("The generation was cancelled.")

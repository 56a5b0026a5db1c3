"""The handles by which code reaches the history: `BatchHandle`, `GenerationHandle` and `TopicHandle`."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, TypeAlias, TypeVar, overload

from imgplay_widget._rules.costs import image_cost
from imgplay_widget._rules.file_names import PATTERN
from imgplay_widget._rules.recipes import differences, served_by
from imgplay_widget._rules.sheets import MAX_TILES, kept_line
from imgplay_widget._store.paths import path_of
from imgplay_widget._studio import shown
from imgplay_widget._studio.labels import Labeller, Scores, Tags
from imgplay_widget._studio.packages import array_of
from imgplay_widget._studio.waiting import ended, shown_line, shown_progress
from imgplay_widget._types import Generation, Status
from imgplay_widget.errors import ImgplayError, InvalidRequest, NotFound

if TYPE_CHECKING:
    import os
    from collections.abc import (
        Generator,
        Iterable,
        Iterator,
        Mapping,
        MutableMapping,
        MutableSet,
        Sequence,
    )
    from contextlib import AbstractContextManager
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from imgplay_widget._studio.files import Files
    from imgplay_widget._studio.gallery import Bundle, Gallery
    from imgplay_widget._studio.live import LiveBatch, LiveTopic
    from imgplay_widget._types import Ability, Action, Entry, Kind, Reference, Topic

__all__ = [
    "Array",
    "BatchHandle",
    "Batches",
    "Chain",
    "Figure",
    "GenerationHandle",
    "Generations",
    "Images",
    "ReferenceLike",
    "TopicHandle",
    "TopicHandles",
    "tell_kept",
]

Handle = TypeVar("Handle", "BatchHandle", "GenerationHandle", "TopicHandle")

FROM_STORE = "from the store"
"""What a batch says of itself that `generate` took from the store."""

LISTED = 20
"""The most handles that the text of a list names."""

Images: TypeAlias = "BatchHandle | GenerationHandle | Iterable[BatchHandle | GenerationHandle]"
"""Images that a call is about: a batch, a generation, or several of them."""


class Array(Protocol):
    """A NumPy array of an image: uint8, uint16, floats of 0.0 to 1.0, or True and False.

    Its shape is height × width × 3 (RGB) or 4 (RGBA), height × width (grey), or height × width × 2 (grey with
    transparency).
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels."""
        ...

    @property
    def dtype(self) -> Any:
        """The type of the numbers."""
        ...

    def tobytes(self) -> bytes:
        """Return the numbers, row by row."""
        ...


class Figure(Protocol):
    """A matplotlib figure."""

    def savefig(self, fname: Any, *, format: str) -> Any:
        """Draw the figure into a file."""
        ...


ReferenceLike: TypeAlias = (
    "str | os.PathLike[str] | bytes | Image | GenerationHandle | BatchHandle | Reference | Array | Figure"
)
"""The forms of an input image: a path, a public https link, a data URL or the base64 of a file as text, the
bytes of a file, a Pillow image, a generation, a batch of one image, a reference that the store has already, a
NumPy array, or a matplotlib figure."""


class Keeper(shown.Shower, Labeller, Protocol):
    """The parts of a studio that a handle needs."""

    files: Files
    progress: bool | None
    goes_on: str

    def rows(self, images: Images) -> list[tuple[Entry, Generation]]:
        """Return the generations that are meant, each with its batch."""
        ...

    async def cancel(self, batch_id: str, generation_id: str | None = None) -> None:
        """Stop the unfinished tasks of a batch, or the task of one generation."""
        ...

    async def retry(self, batch_id: str, generation_id: str | None = None, *, confirm: bool = False) -> None:
        """Run the failed generations of a batch again, or one of them."""
        ...

    async def delete(self, kind: Kind | None, id: str) -> None:
        """Delete a topic, a batch or a generation."""
        ...

    async def star(self, generation_ids: Sequence[str], starred: bool) -> None:  # noqa: FBT001 - goes through `call`
        """Star images, or take the stars away."""
        ...

    async def rename_topic(self, topic: str, title: str) -> Topic:
        """Set the title of a topic."""
        ...

    async def pin_topic(self, topic: str, pinned: bool) -> Topic:  # noqa: FBT001 - goes through `call`
        """Pin a topic to the top of the list, or unpin it."""
        ...

    async def newest(self, topic_id: str | None, limit: int) -> Batches:
        """Return the newest batches of a topic."""
        ...

    async def parents(self, batch_id: str) -> Generations:
        """Return the generations among the references of a batch."""
        ...

    async def children(self, generation_id: str) -> Generations:
        """Return the generations that were made from a generation."""
        ...

    async def chain(self, generation_id: str) -> Chain:
        """Return the versions of an image, from the first ancestor to this one."""
        ...

    def edit(
        self,
        picture: GenerationHandle,
        prompt: str,
        *,
        model: str | None,
        n: int,
        topic: TopicHandle | str | None,
        references: ReferenceLike | Sequence[ReferenceLike],
        mask: ReferenceLike | None,
        confirm: bool,
        cache: bool | None,
        params: Mapping[str, Any],
    ) -> BatchHandle:
        """Ask for a change of an image."""
        ...

    def follow_up(
        self,
        picture: GenerationHandle,
        action: Ability,
        *,
        model: str | None,
        prompt: str | None,
        n: int,
        topic: TopicHandle | str | None,
        mask: ReferenceLike | None,
        confirm: bool,
        cache: bool | None,
        params: Mapping[str, Any],
    ) -> BatchHandle:
        """Do something with an image."""
        ...


class BatchHandle:
    """One request, with its generations as they are now.

    `generate` returns a handle at once, and the images come later. Wait with ``await batch`` (from any event
    loop) or ``batch.result(timeout=…)``; both return the batch itself. Iterate over the batch, index it or
    take its ``len()`` to reach the generations. Code never makes a handle itself.
    """

    def __init__(self, keeper: Keeper, live: LiveBatch, *, cached: bool = False) -> None:
        self._keeper = keeper
        self._live = live
        self._cached = cached

    # -------------------------------------------------------------- the request

    @property
    def id(self) -> str:
        """The batch's id in the store."""
        return self._live.id

    @property
    def topic_id(self) -> str:
        """The id of the batch's topic."""
        return self._live.entry.batch.topic_id

    @property
    def prompt(self) -> str:
        """The prompt of the request."""
        return self._live.entry.batch.prompt

    @property
    def model(self) -> str:
        """The model, as ``"provider:id"``."""
        return f"{self._live.entry.batch.provider}:{self._live.entry.batch.model}"

    @property
    def params(self) -> Mapping[str, Any]:
        """Every parameter of the request."""
        return dict(self._live.entry.batch.config)

    @property
    def action(self) -> Action | None:
        """What the user wanted of the first input image, such as ``"edit"``, or None."""
        return self._live.entry.batch.action

    @property
    def cached(self) -> bool:
        """True where `generate` took the batch from the store (``cache=True``) and asked for nothing new."""
        return self._cached

    @property
    def code(self) -> str:
        """Python code that makes the batch again, a call of ``pg.generate`` with the seed that was sent."""
        return self._keeper.files.code(self._live.entry)

    @property
    def status(self) -> Status:
        """The state of the request as a whole.

        ``pending`` before any generation started, ``processing`` until all have ended, then ``success`` if at
        least one image is there, ``cancelled`` if all generations were cancelled, else ``error``.
        """
        states = self._states()
        if not all(state.final for state in states):
            started = any(state is not Status.PENDING for state in states)
            return Status.PROCESSING if started else Status.PENDING
        for status in (Status.SUCCESS, Status.ERROR):
            if status in states:
                return status
        return Status.CANCELLED

    @property
    def generations(self) -> Generations:
        """The generations in the order of their slots."""
        found = self._live.entry.generations
        return Generations(GenerationHandle(self._keeper, self, self._live, one.id) for one in found)

    def __len__(self) -> int:
        return len(self._live.entry.generations)

    def __iter__(self) -> Iterator[GenerationHandle]:
        return iter(self.generations)

    @overload
    def __getitem__(self, index: int) -> GenerationHandle: ...
    @overload
    def __getitem__(self, index: slice) -> Generations: ...
    def __getitem__(self, index: int | slice) -> GenerationHandle | Generations:
        """Return the generation of a slot, or the generations of several slots."""
        return self.generations[index]

    def __eq__(self, other: object) -> bool:
        """Return True for another handle of the same batch."""
        return isinstance(other, BatchHandle) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        states = self._states()
        counts = ", ".join(f"{states.count(s)} {s.value}" for s in Status if s in states)
        origin = f", {FROM_STORE}" if self._cached else ""
        return f"<Batch {self._live.entry.batch.words[:40]!r} on {self.model}: {counts or 'empty'}{origin}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        notes = (FROM_STORE,) if self._cached else ()
        make = partial(shown.batch_bundle, self._keeper.gallery, self._live, notes=notes)
        return shown.show(self._keeper, make, self.__repr__)

    def _ipython_display_(self) -> None:
        # IPython takes the error as "show this value as any other one".
        if not shown.show_updating(self._keeper, self._work()):
            raise NotImplementedError

    def _work(self) -> shown.BatchWork:
        return shown.BatchWork(self._keeper.gallery, self._live)

    def _states(self) -> list[Status]:
        entry = self._live.entry
        return [entry.status_of(generation) for generation in entry.generations]

    # -------------------------------------------------------------- waiting

    def result(self, timeout: float | None = None, *, progress: bool | None = None) -> BatchHandle:
        """Wait until every image is there or has failed, and return the batch.

        A KeyboardInterrupt stops the waiting, and not the work.

        Args:
            timeout: seconds to wait at most; None waits as long as it takes (each task has a deadline of
                its own).
            progress: True shows the progress meanwhile, False does not; None as the studio's `progress`.

        Raises:
            TimeoutError: the batch is not done yet. It goes on, and code can wait for it again.
            ImgplayError: no image came. This is the error of the first generation.
        """
        self._keeper.refuse_own_thread()
        with self._progress(wanted=progress):
            self._live.end().result(timeout)
        return self

    def _progress(self, *, wanted: bool | None = None) -> AbstractContextManager[None]:
        wanted = self._keeper.progress if wanted is None else wanted
        return shown_progress(self._keeper, self._work(), wanted=wanted, goes_on=self._keeper.goes_on)

    def __await__(self) -> Generator[Any, None, BatchHandle]:
        # An interrupted cell stops waiting while the images still come. This is a generator because its frame
        # holds the handle: the studio only follows batches that have a handle.
        with self._progress():
            yield from ended(self._live).__await__()
        return self

    # -------------------------------------------------------------- acting

    def edit(
        self,
        prompt: str,
        *,
        model: str | None = None,
        n: int = 1,
        topic: TopicHandle | str | None = None,
        references: ReferenceLike | Sequence[ReferenceLike] = (),
        mask: ReferenceLike | None = None,
        confirm: bool = False,
        cache: bool | None = None,
        **params: Any,
    ) -> BatchHandle:
        """Ask for a change of the only image of the batch; see `GenerationHandle.edit`.

        Raises:
            InvalidRequest: the batch has several images. And all that `GenerationHandle.edit` raises.
        """
        if len(self) != 1:
            raise InvalidRequest(
                f"A batch of {len(self)} images cannot be edited at once.",
                next_step="Edit one of its images, such as batch[0].edit(…).",
            )
        return self[0].edit(
            prompt,
            model=model,
            n=n,
            topic=topic,
            references=references,
            mask=mask,
            confirm=confirm,
            cache=cache,
            **params,
        )

    def cancel(self) -> None:
        """Stop the unfinished generations. Finished images stay."""
        self._keeper.call(self._keeper.cancel, self.id)

    def retry(self, *, confirm: bool = False) -> BatchHandle:
        """Run the generations that failed or were cancelled again, and return the batch.

        Args:
            confirm: True agrees to pay an unknown price although there is a budget.

        Raises:
            OverBudget, PriceUnknown: the budget does not allow the new calls.
        """
        self._keeper.call(partial(self._keeper.retry, confirm=confirm), self.id)
        return self

    @property
    def images(self) -> list[Image]:
        """The finished images as Pillow images, in the order of their slots.

        Slots whose image has not come or failed are left out.

        Raises:
            ImgplayError: there is no image at all. This is the error of the first generation, or `NotFound`
                while an image may still come.
            NotShown: Pillow cannot read an image.
        """
        return [one.image for one in self._finished()]

    @property
    def arrays(self) -> list[NDArray[np.uint8]]:
        """The finished images as NumPy arrays, in the order of their slots.

        Each is height × width × 3 or 4, as `GenerationHandle.array`. Raises as `images` does.

        Raises:
            MissingPackage: NumPy is not installed.
        """
        return [one.array for one in self._finished()]

    def _finished(self) -> list[GenerationHandle]:
        several = self.generations
        finished = [one for one in several if one.status is Status.SUCCESS]
        if several and not finished:
            # The path raises the reason why there is no image.
            _ = several[0].path
        return finished

    def save(self, folder: str | os.PathLike[str], pattern: str = PATTERN) -> list[Path]:
        """Write the finished images into a folder, and return the paths of the files.

        Each file has its recipe inside, where its kind can have one. Its pixels are those of the original,
        byte for byte; with the option ``recipes=False``, so are all its bytes. Slots without an image are
        left out. Existing files of the same names are replaced.

        Args:
            folder: the folder, which is made where it does not exist.
            pattern: the name of each file without its extension, as a format string. The words in braces are
                ``index`` (of the slot, from 0), ``seed``, ``prompt``, ``model``, ``width``, ``height`` and
                ``id``. Characters that a file name cannot have become dashes.

        Raises:
            InvalidRequest: the pattern cannot be used, or gives two images the same name, or no image is
                finished. Nothing was written.
            StoreError: the file of an image is gone from the store. Nothing was written.
            DiskFull: there is no space for the files.
            OSError: a file cannot be written.
        """
        return self._keeper.files.save(folder, self._keeper.rows(self), pattern)

    def save_zip(self, path: str | os.PathLike[str]) -> Path:
        """Write the finished images into a ZIP as `save` does, with ``recipes.json``, and return its path.

        Args:
            path: the file to write; an existing file is replaced.

        Raises:
            InvalidRequest: no image is finished.
            DiskFull: there is no space for the ZIP.
            OSError: the file cannot be written.
        """
        return self._keeper.files.save_zip(path, self._keeper.rows(self))

    def delete(self) -> None:
        """Delete the batch with its images. `restore` of the studio or the playground brings them back."""
        self._keeper.call(self._keeper.delete, "batch", self.id)


class GenerationHandle:
    """One image of a batch, or the empty slot that the image will fill. Its `BatchHandle` has it."""

    def __init__(self, keeper: Keeper, batch: BatchHandle, live: LiveBatch, id: str) -> None:
        self._keeper = keeper
        self._batch = batch
        self._live = live
        self._id = id

    @property
    def _row(self) -> Generation:
        return self._live.generation(self._id)

    @property
    def id(self) -> str:
        """The generation's id in the store."""
        return self._id

    @property
    def batch(self) -> BatchHandle:
        """The batch of the generation."""
        return self._batch

    @property
    def prompt(self) -> str:
        """The prompt of the request."""
        return self._batch.prompt

    @property
    def slot(self) -> int:
        """The index of the generation's slot in the batch, from 0."""
        return self._row.position

    @property
    def seed(self) -> int | None:
        """The seed that was sent for the image, or None where the model does not take a seed."""
        return self._row.seed

    @property
    def status(self) -> Status:
        """The state of the generation."""
        return self._live.entry.status_of(self._row)

    @property
    def error(self) -> ImgplayError | None:
        """The reason why there is no image, or None while an image may still come."""
        if self.status not in (Status.ERROR, Status.CANCELLED):
            return None
        return self._live.error_of(self._row)

    @property
    def applied(self) -> Mapping[str, Any]:
        """The parameters that the provider used, as far as the provider reports them."""
        return dict(self._row.applied)

    @property
    def served_by(self) -> str | None:
        """The model that answered, as the provider names it, or None where the provider does not tell."""
        return served_by(self._live.entry, self._row)

    @property
    def starred(self) -> bool:
        """True where the image has a star. Setting it stores the star."""
        return self._row.starred

    @starred.setter
    def starred(self, starred: bool) -> None:
        self._keeper.call(self._keeper.star, [self._id], starred)

    @property
    def scores(self) -> MutableMapping[str, float]:
        """The numbers that code gives to the image, by their names.

        Write ``generation.scores["clip"] = 0.31``. A change is stored before the call returns. An assignment
        to ``scores`` replaces all of them, and ``scores.update(…)`` stores several, all or none. A name has 1
        to 64 characters on one line, and an image has at most 64 scores.

        Raises:
            InvalidRequest: a name or a number cannot be stored. Nothing was stored.
            NotFound: the generation was deleted.
        """
        return Scores(self._keeper, self._live, self._id)

    @scores.setter
    def scores(self, scores: Mapping[str, float]) -> None:
        Scores(self._keeper, self._live, self._id).replace(scores)

    @property
    def tags(self) -> MutableSet[str]:
        """The words that code or the user gives to the image.

        Write ``generation.tags.add("poster")``. A change is stored before the call returns. An assignment to
        ``tags`` replaces all of them, and ``tags |= {…}`` adds several, all or none. A tag has 1 to 64
        characters on one line, and an image has at most 64 tags.

        Raises:
            InvalidRequest: a tag cannot be stored. Nothing was stored.
            NotFound: the generation was deleted.
        """
        return Tags(self._keeper, self._live, self._id)

    @tags.setter
    def tags(self, tags: Iterable[str]) -> None:
        Tags(self._keeper, self._live, self._id).replace(tags)

    @property
    def recipe(self) -> dict[str, Any]:
        """The record of how the image was made, as JSON.

        It has the prompt, the model, the parameters sent and used, the times, the cost and the file.
        """
        return self._keeper.files.recipe(self._live.entry, self._row).as_json()

    @property
    def cost(self) -> Decimal | None:
        """The cost of the image in USD, or None where there is no image or its cost is not known.

        It is the provider's figure, else the model's price, and 0 for a model that cannot bill. A call for
        several images shares its cost among them.
        """
        return image_cost(self._live.entry, self._row)

    @property
    def seconds(self) -> float | None:
        """The seconds from sending the call to its end, or None before the end.

        A call for several images has one time for all of them.
        """
        task = self._live.entry.task_of(self._row)
        if task is None or task.submitted_at is None or task.finished_at is None:
            return None
        seconds = (task.finished_at - task.submitted_at).total_seconds()
        # The clock may have gone back meanwhile.
        return seconds if seconds >= 0 else None

    def edit(
        self,
        prompt: str,
        *,
        model: str | None = None,
        n: int = 1,
        topic: TopicHandle | str | None = None,
        references: ReferenceLike | Sequence[ReferenceLike] = (),
        mask: ReferenceLike | None = None,
        confirm: bool = False,
        cache: bool | None = None,
        **params: Any,
    ) -> BatchHandle:
        """Ask for a change of the image, and return the handle of the new batch at once.

        The image is the first input image of the request. Its model, its parameters and its seed are kept, as
        far as the model takes them; what is given here wins. The size is kept too, except where the model
        gives an image the size of its first input image. The new batch comes into the topic of the image, and
        its `action` is ``"edit"``.

        Args:
            prompt: the words that say what shall change.
            model: ``"provider:id"``; None takes the model that made the image.
            n: the number of images, 1 to `max_count`.
            topic: as in `generate`; None takes the topic of the image.
            references: further input images, which come after the image; as in `generate`.
            mask: the part of the image that may change, for models that take a mask; as in `generate`.
            confirm: True agrees to pay an unknown price although there is a `budget`.
            cache: as in `generate`.
            params: the model's own parameters.

        Raises:
            TakesNoImages: the model takes no input images; the error names models that do.
            NotFound: there is no image yet, its file is gone, or its model is no longer offered.
            UnknownParameter, InvalidRequest, MissingKey, OverBudget, PriceUnknown: as `generate` does.
        """
        return self._keeper.edit(
            self,
            prompt,
            model=model,
            n=n,
            topic=topic,
            references=references,
            mask=mask,
            confirm=confirm,
            cache=cache,
            params=params,
        )

    @property
    def chain(self) -> Chain:
        """The versions of the image, from the first ancestor to this one. The list shows what changed.

        Each version is the first result among the references of the next one. Deleted versions are left out,
        and of a long chain, the last 50 ancestors are in the list.
        """
        return self._keeper.call(self._keeper.chain, self._id)

    @property
    def parents(self) -> Generations:
        """The results among the references of the request, in their order. Deleted ones are left out.

        A reference is a result where code or the page gave a generation, or a file with the same bytes.
        """
        return self._keeper.call(self._keeper.parents, self._batch.id)

    @property
    def children(self) -> Generations:
        """The generations of the requests that have this one as a reference, oldest first."""
        return self._keeper.call(self._keeper.children, self._id)

    def upscale(
        self,
        model: str | None = None,
        *,
        topic: TopicHandle | str | None = None,
        confirm: bool = False,
        cache: bool | None = None,
        **params: Any,
    ) -> BatchHandle:
        """Ask for an enlarged version of the image, and return the handle of the new batch at once.

        The image is the reference of the request. The new batch comes into the topic of the image, and its
        `action` says what was asked for. The best model that can be used now does it: the one that made the
        image where it can, else one of the same provider, else one that you starred or used.

        Args:
            model: ``"provider:id"``; None takes the best one.
            topic: as in `generate`; None takes the topic of the image.
            confirm: True agrees to pay an unknown price although there is a `budget`.
            cache: as in `generate`.
            params: the model's own parameters, such as ``scale``.

        Raises:
            NoAbleModel: no model that can be used now does this with the image. The error lists models that
                would, with the variables of their keys.
            NotFound: there is no image yet, its file is gone, or there is no such model.
            UnknownParameter, InvalidRequest, MissingKey, OverBudget, PriceUnknown: as `generate` does.
        """
        return self._keeper.follow_up(
            self,
            "upscale",
            model=model,
            prompt=None,
            n=1,
            topic=topic,
            mask=None,
            confirm=confirm,
            cache=cache,
            params=params,
        )

    def remove_background(
        self,
        model: str | None = None,
        *,
        topic: TopicHandle | str | None = None,
        confirm: bool = False,
        cache: bool | None = None,
        **params: Any,
    ) -> BatchHandle:
        """Ask for the image without its background, which becomes transparent.

        Args:
            model: as in `upscale`.
            topic: as in `upscale`.
            confirm: as in `upscale`.
            cache: as in `generate`.
            params: the model's own parameters.

        Raises:
            NoAbleModel, NotFound, UnknownParameter, InvalidRequest, MissingKey, OverBudget, PriceUnknown: as
                `upscale` does.
        """
        return self._keeper.follow_up(
            self,
            "remove_background",
            model=model,
            prompt=None,
            n=1,
            topic=topic,
            mask=None,
            confirm=confirm,
            cache=cache,
            params=params,
        )

    def vary(
        self,
        model: str | None = None,
        *,
        n: int = 1,
        topic: TopicHandle | str | None = None,
        confirm: bool = False,
        cache: bool | None = None,
        **params: Any,
    ) -> BatchHandle:
        """Ask for other versions of the image: with the same words and parameters, and another seed.

        Args:
            n: the number of images, 1 to `max_count`.
            model: as in `upscale`.
            topic: as in `upscale`.
            confirm: as in `upscale`.
            cache: as in `generate`.
            params: the model's own parameters.

        Raises:
            NoAbleModel, NotFound, UnknownParameter, InvalidRequest, MissingKey, OverBudget, PriceUnknown: as
                `upscale` does.
        """
        return self._keeper.follow_up(
            self,
            "vary",
            model=model,
            prompt=None,
            n=n,
            topic=topic,
            mask=None,
            confirm=confirm,
            cache=cache,
            params=params,
        )

    def outpaint(
        self,
        model: str | None = None,
        *,
        left: int = 0,
        right: int = 0,
        top: int = 0,
        bottom: int = 0,
        prompt: str | None = None,
        topic: TopicHandle | str | None = None,
        confirm: bool = False,
        cache: bool | None = None,
        **params: Any,
    ) -> BatchHandle:
        """Ask for a larger image that goes on beyond the sides of this one.

        Args:
            left: how many pixels are added on the left.
            right: how many pixels are added on the right.
            top: how many pixels are added at the top.
            bottom: how many pixels are added at the bottom.
            prompt: words for what is added; None leaves it to the model, where that is possible.
            model: as in `upscale`.
            topic: as in `upscale`.
            confirm: as in `upscale`.
            cache: as in `generate`.
            params: the model's own parameters.

        Raises:
            NoAbleModel, NotFound, UnknownParameter, InvalidRequest, MissingKey, OverBudget, PriceUnknown: as
                `upscale` does.
        """
        return self._keeper.follow_up(
            self,
            "outpaint",
            model=model,
            prompt=prompt,
            n=1,
            topic=topic,
            mask=None,
            confirm=confirm,
            cache=cache,
            params={"left": left, "right": right, "top": top, "bottom": bottom, **params},
        )

    def inpaint(
        self,
        mask: ReferenceLike,
        prompt: str,
        model: str | None = None,
        *,
        n: int = 1,
        topic: TopicHandle | str | None = None,
        confirm: bool = False,
        cache: bool | None = None,
        **params: Any,
    ) -> BatchHandle:
        """Ask for the image with a part of it painted anew.

        Args:
            mask: what may change, as in `generate`.
            prompt: words for what shall be there.
            n: the number of images, 1 to `max_count`.
            model: as in `upscale`.
            topic: as in `upscale`.
            confirm: as in `upscale`.
            cache: as in `generate`.
            params: the model's own parameters.

        Raises:
            NoAbleModel, NotFound, UnknownParameter, InvalidRequest, MissingKey, OverBudget, PriceUnknown: as
                `upscale` does.
        """
        return self._keeper.follow_up(
            self,
            "inpaint",
            model=model,
            prompt=prompt,
            n=n,
            topic=topic,
            mask=mask,
            confirm=confirm,
            cache=cache,
            params=params,
        )

    @property
    def width(self) -> int | None:
        """Width of the image in pixels, or None while there is no image, and for an SVG."""
        return self._row.asset.width if self._row.asset else None

    @property
    def height(self) -> int | None:
        """Height of the image in pixels, or None while there is no image, and for an SVG."""
        return self._row.asset.height if self._row.asset else None

    @property
    def path(self) -> Path:
        """The file with the original bytes.

        Raises:
            ImgplayError: the generation's own error, or `NotFound` while there is no image yet.
            StoreError: the file is gone from the store.
        """
        asset = self._row.asset
        if asset is not None:
            return self._keeper.files.original_path(asset.url)
        raise self.error or NotFound(
            f"There is no image yet; the generation is {self.status.value}.",
            next_step="Wait for the image: await batch, or batch.result().",
        )

    @property
    def bytes(self) -> bytes:
        """The original bytes, as the provider sent them. Raises as `path` does."""
        return self.path.read_bytes()

    @property
    def image(self) -> Image:
        """The image as a Pillow image, loaded and upright. Of a damaged image, what can be read.

        Raises:
            ImgplayError: as `path` does.
            NotShown: Pillow cannot read the image (an SVG, say). `bytes` and `save` have the original.
        """
        from imgplay_widget._store import images

        return images.pillow_image(self.bytes)

    @property
    def array(self) -> NDArray[np.uint8]:
        """The image as a new NumPy array, height × width × 3 (RGB) or 4 (RGBA), uint8, upright.

        ``numpy.asarray(generation)`` returns the same, so that other packages take a generation as an array.

        Raises:
            MissingPackage: NumPy is not installed.
            ImgplayError: as `image` does.
        """
        from imgplay_widget._store import images

        return array_of(images.true_colours(self.image))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001 - NumPy's own argument
        if copy is False:
            raise ValueError("An array of an image is always a copy.")
        return self.array if dtype is None else self.array.astype(dtype)

    def save(self, path: str | Path) -> Path:
        """Write the image to a file with its recipe inside, and return the file's path.

        The pixels are those of the original, byte for byte. `bytes` and `path` are the original itself.

        Raises:
            DiskFull: there is no space for the file.
            OSError: the file cannot be written.
            ImgplayError: as `path` does.
        """
        target = path_of(path, "path")
        _ = self.path
        self._keeper.files.save_as(target, self._live.entry, self._row)
        return target

    def retry(self, *, confirm: bool = False) -> GenerationHandle:
        """Run this generation again if it failed or was cancelled, and return its handle.

        Args:
            confirm: True agrees to pay an unknown price although there is a budget.

        Raises:
            OverBudget, PriceUnknown: the budget does not allow the new call.
        """
        self._keeper.call(partial(self._keeper.retry, confirm=confirm), self._batch.id, self._id)
        return self

    def cancel(self) -> None:
        """Stop the task of this generation, which may fill other generations of the batch too."""
        self._keeper.call(self._keeper.cancel, self._batch.id, self._id)

    def delete(self) -> None:
        """Delete the generation with its image. `restore` of the studio or the playground brings it back."""
        self._keeper.call(self._keeper.delete, "generation", self._id)

    def __eq__(self, other: object) -> bool:
        """Return True for another handle of the same generation."""
        return isinstance(other, GenerationHandle) and other.id == self._id

    def __hash__(self) -> int:
        return hash(self._id)

    def __repr__(self) -> str:
        size = f" {self.width}×{self.height}" if self.width else ""
        seed = "" if self.seed is None else f" seed={self.seed}"
        changed = differences(self._live.entry, self._row)
        other = "".join(f" by {change.applied}" for change in changed if change.parameter == "model")
        words = self._live.entry.batch.words[:40]
        wait = self._live.wait_of(self._row)
        if wait is not None:
            other += f", rate limited, next try in {wait:.0f} s"
        return f"<Generation {self.slot} of {words!r}: {self.status.value}{size}{seed}{other}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        make = partial(shown.batch_bundle, self._keeper.gallery, self._live, [self._id])
        return shown.show(self._keeper, make, self.__repr__)


class TopicHandle:
    """A topic, as it is now: a title, a cover and batches. Calls take the handle, the id or the title."""

    def __init__(self, keeper: Keeper, live: LiveTopic) -> None:
        self._keeper = keeper
        self._live = live

    @property
    def id(self) -> str:
        """The topic's id in the store."""
        return self._live.topic.id

    @property
    def title(self) -> str | None:
        """The title, or None while the topic is empty and has none."""
        return self._live.topic.title

    @property
    def pinned(self) -> bool:
        """True where the topic stays at the top of the list."""
        return self._live.topic.pinned

    @property
    def images(self) -> int:
        """The number of finished images."""
        return self._live.topic.images

    @property
    def running(self) -> int:
        """The number of generations that wait or run."""
        return self._live.topic.running

    @property
    def created_at(self) -> datetime:
        """The time at which the topic was made, aware UTC."""
        return self._live.topic.created_at

    @property
    def updated_at(self) -> datetime:
        """The time at which the topic was last used, aware UTC."""
        return self._live.topic.updated_at

    @property
    def cover(self) -> Path | None:
        """The file of the cover, or None while the topic has none."""
        url = self._live.topic.cover_url
        return None if url is None else self._keeper.files.path(url)

    def batches(self, *, limit: int = 20) -> Batches:
        """Return the newest batches of the topic, newest first.

        Args:
            limit: the most batches, 1 to 1000.

        Raises:
            InvalidRequest: the limit is out of range.
        """
        return self._keeper.call(self._keeper.newest, self.id, limit)

    def rename(self, title: str) -> TopicHandle:
        """Set the title, which only the user changes from then on, and return the topic.

        Args:
            title: 1 to 200 characters.

        Raises:
            InvalidRequest: the title is empty or too long.
            NotFound: the topic is gone.
        """
        self._live.topic = self._keeper.call(self._keeper.rename_topic, self.id, title)
        return self

    def pin(self, *, pinned: bool = True) -> TopicHandle:
        """Pin the topic to the top of the list, or unpin it (``pinned=False``), and return the topic.

        Raises:
            NotFound: the topic is gone.
        """
        self._live.topic = self._keeper.call(self._keeper.pin_topic, self.id, pinned)
        return self

    def delete(self) -> None:
        """Delete the topic with its batches. `restore` of the studio or the playground brings it back."""
        self._keeper.call(self._keeper.delete, "topic", self.id)

    def __eq__(self, other: object) -> bool:
        """Return True for another handle of the same topic."""
        return isinstance(other, TopicHandle) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        running = f", {self.running} running" if self.running else ""
        return f"<Topic {self.title!r}: {self.images} images{running}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        async def make() -> Bundle:
            newest = await self._keeper.newest(self.id, MAX_TILES)
            rows = list(islice((_row_of(one) for batch in newest for one in batch), MAX_TILES))
            more = max(0, self.images - len(rows))
            return await shown.images_bundle(self._keeper.gallery, self.title or "", rows, more=more)

        return shown.show(self._keeper, make, self.__repr__)


class _Listed(list[Handle]):
    """A list of handles, which shows itself. A slice of the list is such a list too."""

    @overload
    def __getitem__(self, index: SupportsIndex) -> Handle: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Handle | Self:
        """Return a handle, or the list of several."""
        found = super().__getitem__(index)
        return self._part(found) if isinstance(found, list) else found

    def _part(self, found: Iterable[Handle]) -> Self:
        return type(self)(found)

    def __repr__(self) -> str:
        lines = [repr(one) for one in islice(self, LISTED)]
        rest = [f"and {len(self) - LISTED:,} more"] if len(self) > LISTED else []
        return "\n".join([*lines, *rest]) or "[]"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        if not self:
            return {"text/plain": "[]"}
        keeper = _keeper_of(self[0])
        return shown.show(keeper, partial(self._bundle, keeper.gallery), self.__repr__)

    async def _bundle(self, gallery: Gallery) -> Bundle:
        raise NotImplementedError


class Generations(_Listed[GenerationHandle]):
    """A list of generations, which shows itself as a contact sheet. A slice of it is one too."""

    async def _bundle(self, gallery: Gallery) -> Bundle:
        if len({one.batch.id for one in self}) == 1:
            return await shown.batch_bundle(gallery, _live_of(self[0]), [one.id for one in self])
        rows = [_row_of(one) for one in self]
        return await shown.images_bundle(gallery, f"{len(self):,} images", rows)


class Chain(Generations):
    """The versions of an image, the first one first, which show what changed from each to the next."""

    def __init__(
        self, versions: Iterable[GenerationHandle] = (), words: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(versions)
        self._words = dict(words or {})

    @property
    def changes(self) -> list[str]:
        """What changed, as one line for each version. The line of the first one is empty."""
        return [self._words.get(one.id, "") for one in self]

    def _part(self, found: Iterable[GenerationHandle]) -> Chain:
        return Chain(found, self._words)

    def __repr__(self) -> str:
        lines = [
            f"{one!r}{f' ({words})' if words else ''}" for one, words in zip(self, self.changes, strict=True)
        ]
        return "\n".join(lines) or "[]"

    async def _bundle(self, gallery: Gallery) -> Bundle:
        rows = [_row_of(one) for one in self]
        title = "1 version" if len(self) == 1 else f"{len(self)} versions"
        return await shown.images_bundle(gallery, title, rows, captions=self._words)


class Batches(_Listed[BatchHandle]):
    """A list of batches, which shows itself as a contact sheet of their images. A slice of it is one too."""

    async def _bundle(self, gallery: Gallery) -> Bundle:
        if len(self) == 1:
            return await shown.batch_bundle(gallery, _live_of(self[0][0]))
        rows = [_row_of(one) for batch in self for one in batch]
        images = sum(generation.asset is not None for _, generation in rows)
        return await shown.images_bundle(gallery, f"{len(self):,} batches, {images:,} images", rows)


class TopicHandles(_Listed[TopicHandle]):
    """A list of topics, which shows itself as a sheet of their covers. A slice of it is one too."""

    async def _bundle(self, gallery: Gallery) -> Bundle:
        return await shown.topics_bundle(gallery, [_topic_of(one) for one in self])


def tell_kept(batch: BatchHandle, *, wanted: bool | None) -> None:
    """Tell in the cell or in the terminal that a batch comes from the store.

    Args:
        batch: the batch.
        wanted: True tells it in any case, False never, and None where somebody looks.
    """
    shown_line(kept_line(_batch_of(batch).entry), wanted=wanted)


# Users of the handles must not see their parts.


def _batch_of(batch: BatchHandle) -> LiveBatch:
    return batch._live  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _keeper_of(handle: BatchHandle | GenerationHandle | TopicHandle) -> Keeper:
    return handle._keeper  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _live_of(generation: GenerationHandle) -> LiveBatch:
    return generation._live  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _row_of(generation: GenerationHandle) -> tuple[Entry, Generation]:
    live = _live_of(generation)
    return live.entry, live.generation(generation.id)


def _topic_of(topic: TopicHandle) -> Topic:
    return topic._live.topic  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

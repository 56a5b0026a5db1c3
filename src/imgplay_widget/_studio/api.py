"""The public calls of a studio, which `Studio` and `ImagePlayground` inherit."""

from __future__ import annotations

import getpass
import hashlib
import inspect
import io
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, overload

from imgplay_widget import catalog
from imgplay_widget._rules.costs import budget_of, moment_of
from imgplay_widget._rules.embedded import found_in, metadata_of
from imgplay_widget._store import restore_backup
from imgplay_widget._store.paths import path_of
from imgplay_widget._studio.conditions import check_conditions, check_limit, wanted_of
from imgplay_widget._studio.export import check_format, export, new_folder
from imgplay_widget._studio.handles import (
    Batches,
    BatchHandle,
    GenerationHandle,
    TopicHandle,
    TopicHandles,
)
from imgplay_widget._studio.importing import MOST_SHOWN, import_pictures
from imgplay_widget._studio.inputs import link_of, read_input, several
from imgplay_widget._studio.key_reports import Ask, KeyCheck, KeyKept
from imgplay_widget._studio.models import ModelTable, table_of
from imgplay_widget._studio.presets import Presets
from imgplay_widget._studio.sweep_handles import SweepHandle, SweepHandles
from imgplay_widget._studio.sweeps import SweepRequest
from imgplay_widget._studio.workflows import read_workflow
from imgplay_widget._text import shown
from imgplay_widget._types import Reference
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal
    from pathlib import Path

    from imgplay_widget._rules.costs import Spend
    from imgplay_widget._rules.prompts import Mode
    from imgplay_widget._studio.callbacks import OnGeneration
    from imgplay_widget._studio.core import Core
    from imgplay_widget._studio.export import Format
    from imgplay_widget._studio.handles import Images
    from imgplay_widget._studio.inputs import ReferenceLike
    from imgplay_widget._studio.results import Rows
    from imgplay_widget._types import Estimate, FolderImport, Kind, Recovery, Status

__all__ = ["StudioApi", "core_of"]

PathLike: TypeAlias = "str | os.PathLike[str]"
Called = TypeVar("Called", bound="OnGeneration")
Deletable: TypeAlias = "TopicHandle | BatchHandle | SweepHandle | GenerationHandle | str"


class _Restore:
    """Bring back what was deleted (`studio.restore(what)`), or a whole store (`Studio.restore(path, store)`).

    A backup is restored before there is a studio, so the class itself makes a store of it.
    """

    @overload
    def __get__(self, studio: None, kind: type[StudioApi]) -> Callable[[PathLike, PathLike], Path]: ...
    @overload
    def __get__(self, studio: StudioApi, kind: type[StudioApi]) -> Callable[[Deletable], None]: ...
    def __get__(self, studio: StudioApi | None, kind: type[StudioApi]) -> Callable[..., Path | None]:
        return restore_backup if studio is None else studio._restore  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - one call of the class


class StudioApi:
    """The public calls of a studio. Any thread may make them, except the studio's own."""

    _core: Core

    # -------------------------------------------------------------- generating

    def generate(
        self,
        prompt: str = "",
        *,
        model: str | None = None,
        n: int = 1,
        topic: TopicHandle | str | None = None,
        references: ReferenceLike | Sequence[ReferenceLike] = (),
        mask: ReferenceLike | None = None,
        deadline: float | None = None,
        confirm: bool = False,
        cache: bool | None = None,
        preset: str | None = None,
        **params: Any,
    ) -> BatchHandle:
        """Start a request and return its handle at once. The batch appears in the feed of a page.

        An error below is raised before anything is stored, sent or paid. Where another thread or kernel
        spends the rest of the budget at the same moment, the handle raises `OverBudget` instead.

        Args:
            prompt: the words that describe the image. A model that takes no words, which only changes an
                image, needs none.
            model: ``"provider:id"``; None takes the model of the config panel (at first a demo).
            n: the number of images, 1 to `max_count`.
            topic: the topic of the batch: a topic, its id or its title (a new title makes a new topic); None
                takes the active topic, or makes a new one.
            references: an input image or a list of them, for models that take input images: paths, public
                https links, bytes, Pillow images, NumPy arrays, matplotlib figures, generations, and batches
                of one image.
            mask: for models that take a mask: an image of the first reference's size, transparent where the
                image may change, or in black and white and white there. It has the same forms.
            deadline: seconds in all for each task; None takes the model's deadline.
            confirm: True agrees to pay an unknown price although there is a `budget`.
            cache: True gives the stored batch of the same request, where there is one, and sends and pays
                nothing; see `cache`. None takes the studio's `cache`.
            preset: the name of one of the `presets`: its model and its parameters where the call names none,
                and its words around the prompt.
            params: the model's own parameters: ``width``, ``height``, ``seed`` …; a parameter that is not
                given has its default, and None leaves it out. Without a seed, a random one is drawn and kept.

        Raises:
            UnknownParameter: the model has no such parameter (a TypeError).
            InvalidRequest: a value is out of its range (a ValueError).
            TakesNoImages: the model takes no input images; the error names models that do.
            MissingKey: the provider's key is not set.
            NotFound: there is no such model, topic or preset, or the model of the preset is gone.
            OverBudget: the request would take today's total over the `budget`.
            PriceUnknown: there is a `budget`, the price of the request is not known, and `confirm` is False.
        """
        core = self._core
        core.check_open()
        topic_id, title = (core.topics.active, None) if topic is None else core.topic_named(topic)
        if preset is not None:
            prompt, model, params = core.call(core.presets.fill, preset, prompt, model, params)
        core.learn(model)
        checked = core.check(
            prompt,
            model=model,
            n=n,
            references=several(references),
            mask=mask,
            deadline=deadline,
            params=params,
        )
        select = topic is None
        return core.ask(checked, topic_id=topic_id, title=title, select=select, confirm=confirm, cache=cache)

    def sweep(
        self,
        template: str,
        *,
        model: str | Iterable[str] | None = None,
        seed: int | Iterable[int] | None = None,
        n: int = 1,
        topic: TopicHandle | str | None = None,
        rows: Any = None,
        confirm: bool = False,
        cache: bool = True,
        references: ReferenceLike | Sequence[ReferenceLike] = (),
        mask: ReferenceLike | None = None,
        deadline: float | None = None,
        **axes: Any,
    ) -> SweepHandle:
        """Start one request for each combination of some values, and return the handle of all at once.

        ``pg.sweep("a {animal} in {style}", animal=["fox", "owl"], style=["ink", "oil"], seed=range(4))`` asks
        for 16 images. A list is an axis, and a text or a number is one value for all cells. A name in braces
        of the template that is given is replaced, and all other braces stay. Any other name is a parameter of
        the model. The axes go in the order in which they are given, then the models, then the seeds.

        A line first says how many images that are, how many the store has already, and what the rest is known
        to cost. All requests are stored in one step before any is sent. An error below is raised before
        anything is stored, sent or paid.

        Args:
            template: the prompt.
            model: ``"provider:id"``, or several of them; None takes the model of the config panel.
            seed: a seed, or several of them. None draws a random one for each image.
            n: the number of images of each request, 1 to `max_count`.
            topic: the topic, as in `generate`. A sweep that the store has stays in its own topic.
            rows: a table whose rows are the cells, in place of other lists: a pandas or polars data frame, a
                table of Arrow, the answer of `sql`, or a list of dicts. A column is a name in braces of the
                template, a parameter, ``model`` or ``seed``. An empty cell is as if it was not given.
            confirm: True agrees to send more than 16 requests, to spend more than the `budget` allows, and to
                pay an unknown price although there is a `budget`.
            cache: True gives the same sweep where the store has it, and asks only for what is missing: cells
                that failed, were cancelled or deleted. Cells of a new sweep that the store has from any
                earlier request come from the store too. False asks for all images again.
            references: input images for all cells, as in `generate`.
            mask: a mask for all cells, as in `generate`.
            deadline: seconds in all for each task; None takes the model's deadline.
            axes: lists or single values for names in braces of the template and for parameters.

        Raises:
            ConfirmationNeeded: more than 16 requests would be sent, and `confirm` is False.
            OverBudget: the sweep would take today's total over the `budget`, and `confirm` is False.
            PriceUnknown: there is a `budget`, a price is not known, and `confirm` is False.
            UnknownParameter: a name is neither in the template nor a parameter, or one of the models does
                not have the parameter (a TypeError).
            InvalidRequest: a value is out of its range, an axis is empty or has a value twice, or there are
                more than 2,000 requests (a ValueError).
            MissingKey: the key of a provider is not set.
            NotFound: there is no such model or topic.
            StoreError: the sweep could not be stored.
        """
        core = self._core
        core.check_open()
        asked = SweepRequest(
            template=template,
            model=model,
            seed=seed,
            n=n,
            rows=rows,
            references=several(references),
            mask=mask,
            deadline=deadline,
            keywords=axes,
        )
        topic_id, title = (core.topics.active, None) if topic is None else core.topic_named(topic)
        return core.sweeps.make(
            asked, topic_id=topic_id, title=title, select=topic is None, confirm=confirm, cache=cache
        )

    def sweeps(self, topic: TopicHandle | str | None = None, *, limit: int = 20) -> SweepHandles:
        """Return the newest sweeps, newest first. A sweep is found again after a restart too.

        Args:
            topic: a topic, its id or its title; None for all topics.
            limit: the most sweeps, 1 to 1000.

        Raises:
            NotFound: there is no such topic.
            InvalidRequest: the limit is out of range.
        """
        topic_id = None if topic is None else self._existing(topic)
        return self._core.call(self._core.sweeps.newest, topic_id, check_limit(limit))

    def improve(
        self, prompt: str, mode: Mode = "expand", *, model: str | None = None, confirm: bool = False
    ) -> str:
        """Let a text model rewrite a prompt, wait, and return the new prompt.

        Nothing is stored or generated. This is one call to a small text model, which its provider bills. The
        studio never repeats the call by itself. The text model belongs to the provider of the image model if
        it has a text model and a key, else to the first provider that has both. The option `titles` can
        choose another text model.

        Args:
            prompt: the words that describe the image.
            mode: ``"expand"`` keeps the meaning, the language, every subject and every quotation, and adds
                what can be seen; ``"translate"`` returns the same prompt in English.
            model: the image model of the prompt, whose limit of characters is kept; None takes the model of
                the config panel.
            confirm: True agrees to pay the call although there is a `budget`: prices of text models are not
                known.

        Raises:
            InvalidRequest: the prompt is empty, or there is no such mode (a ValueError).
            PriceUnknown: there is a `budget`, and `confirm` is False.
            MissingKey: no provider with a text model has a key; the error names the keys that are possible.
            NotFound: there is no such model.
            ProviderError: the text model did not answer, or not with a prompt.
        """
        core = self._core
        core.refuse_own_thread()
        _, spec = core.model(model)
        if core.writer.model(spec.provider) is None:
            # Keys are looked for on the caller's thread, where Colab can be asked too.
            core.keys.look([provider.spec for provider in core.writer.candidates()])
        return core.call(partial(core.writer.improve, prompt, mode, spec, confirm=confirm))

    @property
    def progress(self) -> bool | None:
        """Whether `await batch` and `batch.result` show the progress. It can be set at any time.

        True shows it, False does not. None, the default, shows it where somebody looks: in a notebook and in
        a terminal.
        """
        return self._core.progress

    @progress.setter
    def progress(self, value: bool | None) -> None:
        self._core.progress = value

    def on_generation(self, fn: Called, *, remove: bool = False) -> Called:
        """Call a function for each image that finishes from now on, and return the function.

        Use it as a call or as a decorator, ``@pg.on_generation``. The functions run on a thread of their own,
        one after the other and in the order in which the images come. Code and images go on meanwhile. An
        error of a function is shown on the page and logged, and changes nothing else. Where a cell defines
        a function again, the new one replaces the old one. `close` waits two seconds for the functions.

        Args:
            fn: the function, which gets the generation. Its result is ignored.
            remove: True ends the calls of the function.

        Returns:
            The function.

        Raises:
            InvalidRequest: it cannot be called, or it is a coroutine function.
            StudioClosed: the studio is closed.
        """
        if not callable(fn) or inspect.iscoroutinefunction(fn):
            raise InvalidRequest(
                f"{shown(fn)} is not a function that can be called with a generation.",
                parameter="fn",
                next_step="Give a plain function of one argument, such as one made with def.",
            )
        self._core.check_open()
        callbacks = self._core.callbacks
        (callbacks.remove if remove else callbacks.add)(fn)
        return fn

    @property
    def cache(self) -> bool:
        """Whether `generate` gives the stored batch of the same request. It can be set at any time.

        A notebook that is run again then costs nothing twice. A request is the same where model, parameters,
        prompt, references, mask, n and seed are the same; the bytes of references count, and not their
        names. Without a seed, the newest batch that was asked for without one is given. A batch that still
        runs is given as it is. A batch of which an image failed, was cancelled or was deleted is not given.
        Such a batch is in its own topic, needs neither key nor budget, and says that it comes from the store
        (`BatchHandle.cached`). *Generate* on the page always makes new images.

        Raises:
            InvalidRequest: the value is neither True nor False.
        """
        return self._core.cache

    @cache.setter
    def cache(self, value: bool) -> None:
        if not isinstance(value, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - users have no types
            raise InvalidRequest(f"cache={shown(value)} is neither True nor False.", parameter="cache")
        self._core.cache = value

    @property
    def presets(self) -> Presets:
        """The presets of the user by name, which are models with parameters and words around the prompt.

        It is a mapping to read and write, and shows itself as a table. All pages and kernels on the store see
        a change at once.
        """
        return Presets(self._core)

    # -------------------------------------------------------------- topics

    @property
    def topics(self) -> TopicHandles:
        """All topics, the pinned ones first, then by their last use, newest first."""
        found = self._core.call(self._core.archive.topics)
        return TopicHandles(self._core.topic_handle(topic) for topic in found)

    def new_topic(self, title: str | None = None) -> TopicHandle:
        """Make a topic, make it the active one, and return it.

        Args:
            title: the title; None leaves it to the first prompt. Where another topic has the same title,
                a number comes after it.
        """
        return self._core.topic_handle(self._core.call(self._core.topics.new, title))

    def rename_topic(self, topic: TopicHandle | str, title: str) -> TopicHandle:
        """Set the title of a topic, which only the user changes from then on, and return the topic.

        Args:
            topic: a topic, its id or its title.
            title: 1 to 200 characters.

        Raises:
            InvalidRequest: the title is empty or too long.
            NotFound: there is no such topic.
        """
        renamed = self._core.call(self._core.rename_topic, _name_of(topic), title)
        return self._core.topic_handle(renamed)

    def pin_topic(self, topic: TopicHandle | str, *, pinned: bool = True) -> TopicHandle:
        """Pin a topic to the top of the list, or unpin it, and return the topic.

        Args:
            topic: a topic, its id or its title.
            pinned: False unpins the topic.

        Raises:
            NotFound: there is no such topic.
        """
        return self._core.topic_handle(self._core.call(self._core.pin_topic, _name_of(topic), pinned))

    def choose_cover(self, image: GenerationHandle | str) -> TopicHandle:
        """Make an image the cover of its topic, and return the topic.

        Args:
            image: a generation with an image, or its id.

        Raises:
            NotFound: there is no such image.
        """
        generation_id = image if isinstance(image, str) else image.id
        return self._core.topic_handle(self._core.call(self._core.choose_cover, generation_id))

    # -------------------------------------------------------------- batches

    def batches(self, topic: TopicHandle | str | None = None, *, limit: int = 20) -> Batches:
        """Return the newest batches of a topic, newest first. Those of a sweep are listed one by one.

        Args:
            topic: a topic, its id or its title; None takes the active topic.
            limit: the most batches, 1 to 1000.

        Raises:
            NotFound: there is no such topic.
            InvalidRequest: the limit is out of range.
        """
        topic_id = self._core.topics.active if topic is None else self._existing(topic)
        return Batches() if topic_id is None else self._core.call(self._core.newest, topic_id, limit)

    def search(
        self,
        words: str = "",
        *,
        topic: TopicHandle | str | None = None,
        model: str | None = None,
        status: Status | str | None = None,
        starred: bool = False,
        tag: str | None = None,
        min_scores: Mapping[str, float] | None = None,
        max_scores: Mapping[str, float] | None = None,
        sort_by: str | None = None,
        lowest_first: bool = False,
        limit: int = 20,
    ) -> Batches:
        """Return the newest batches that meet all conditions, newest first, or the best ones by a score.

        Args:
            words: words of the prompt, in any order and in any case; empty for any prompt.
            topic: a topic, its id or its title; None searches all topics.
            model: ``"provider:id"``; None for any model.
            status: the state of a generation of the batch: ``"pending"``, ``"processing"``, ``"success"``,
                ``"error"`` or ``"cancelled"``; None for any.
            starred: True for batches with a starred image.
            tag: a tag of an image of the batch; None for any.
            min_scores: the least that scores of an image of the batch may be, by the names of the scores
                (``{"clip": 0.3}``).
            max_scores: the most that they may be.
            sort_by: the name of a score, by which the batches are sorted, the highest first. A batch counts
                with its best image, and a batch without the score comes last. None sorts by time.
            lowest_first: True sorts by the lowest score first.
            limit: the most batches, 1 to 1000.

        Raises:
            NotFound: there is no such topic.
            InvalidRequest: there is no such status, the model is not written as ``"provider:id"``, a score or
                a tag cannot be one, or the limit is out of range.
        """
        wanted = wanted_of(
            words,
            model=model,
            status=status,
            starred=starred,
            tag=tag,
            min_scores=min_scores,
            max_scores=max_scores,
            sort_by=sort_by,
            lowest_first=lowest_first,
        )
        topic_id = None if topic is None else self._existing(topic)
        return self._core.call(self._core.newest, topic_id, limit, wanted)

    def recipe_of(self, image: str | os.PathLike[str] | bytes) -> dict[str, Any] | None:
        """Return how the image of a file was made: by a studio, or by another tool.

        The file tells it itself. Files that a studio saves have their recipe inside, and so have those of
        AUTOMATIC1111, Forge, ComfyUI, InvokeAI, Fooocus and SwarmUI. An original of this store is known by
        its bytes too. Nothing in the file is evaluated, and its pixels are not decoded.

        Args:
            image: a PNG, JPEG or WebP, or its bytes; an image of this store may be of any kind.

        Returns:
            The same as ``generation.recipe`` where this store has the image. Else what the file says:
            ``tool``, ``prompt``, ``negative_prompt``, ``model``, ``seed``, ``width``, ``height``, ``steps``,
            ``cfg``, ``sampler``, ``created_at``, and in ``parameters`` all others by name, as text. What the
            file does not say is None, or empty. None where nothing is known of the image.

        Raises:
            InvalidRequest: the text cannot be a path.
            OSError: the file cannot be read.
        """
        data = image if isinstance(image, bytes) else path_of(image, "image").read_bytes()
        found = found_in(metadata_of(io.BytesIO(data)))
        made = self._core.call(self._core.known, hashlib.sha256(data).hexdigest(), found)
        if made is not None:
            return self._core.files.recipe(*made).as_json()
        return None if found is None else found.as_json()

    def import_folder(
        self, path: str | os.PathLike[str], *, topic: TopicHandle | str | None = None
    ) -> FolderImport:
        """Copy the pictures of a folder into a topic, with what they say of how they were made, and wait.

        All pictures of the folder and of the folders in it come in, the oldest first: by the date of their
        recipe, else of the camera, else of the file. `recipe_of` says whose recipes are read. A picture
        without one comes in too; its prompt then is the name of its file. Provider, model and parameters are
        those that the file says, and there is no cost. Nothing is sent, and the files stay where they are.

        A picture that the history has is left out, so a second call brings what is new, and goes on where
        an earlier one was stopped. A file that cannot be read does not stop the others. Progress shows as
        `progress` says.

        Args:
            path: the folder.
            topic: a topic, its id or its title (a new title makes a new topic); None takes the name of the
                folder for a title.

        Returns:
            What was found and done. The value shows itself.

        Raises:
            InvalidRequest: it is not a folder.
            NotFound: there is no such topic.
            DiskFull: there is no space for the pictures. Those before stay in the history.
            OSError: the folder cannot be read.
        """
        folder = path_of(path, "path")
        self._core.refuse_own_thread()
        named = folder.resolve().name[:MOST_SHOWN] or "Pictures"
        return import_pictures(self._core, folder, *self._core.topic_named(named if topic is None else topic))

    def star(self, images: Images, *, starred: bool = True) -> None:
        """Star images, or take the stars away.

        Args:
            images: generations, or batches for all their generations.
            starred: False takes the stars away.

        Raises:
            NotFound: an image was deleted.
        """
        ids = [generation.id for _, generation in self._core.rows(images)]
        self._core.call(self._core.star, ids, starred)

    def move(
        self, batches: BatchHandle | str | Sequence[BatchHandle | str], topic: TopicHandle | str
    ) -> None:
        """Move batches to another topic. Their unfinished tasks go on there.

        Args:
            batches: a batch, its id, or several of them.
            topic: a topic, its id or its title (a new title makes a new topic).

        Raises:
            NotFound: there is no such topic.
        """
        several = [batches] if isinstance(batches, (BatchHandle, str)) else batches
        ids = [batch if isinstance(batch, str) else batch.id for batch in several]
        self._core.call(self._core.topics.move, ids, *self._core.topic_named(topic))

    def save_zip(self, path: str | os.PathLike[str], images: Images) -> Path:
        """Write finished images into a ZIP, with their recipes in the files and in ``recipes.json``.

        Args:
            path: the file to write; an existing file is replaced.
            images: batches and generations; generations without an image are left out.

        Returns:
            The path.

        Raises:
            InvalidRequest: no image among them is finished.
            NotFound: an image was deleted.
            DiskFull: there is no space for the ZIP.
            OSError: the file cannot be written.
        """
        return self._core.files.save_zip(path, self._core.rows(images))

    # -------------------------------------------------------------- the history as data

    def history(
        self,
        *,
        topic: TopicHandle | str | None = None,
        model: str | None = None,
        status: Status | str | None = None,
        since: date | datetime | None = None,
    ) -> Rows:
        """Return the history as data, one row for each image, the newest batch first.

        The columns are those of the table ``generations``, after the title of the topic. Slots whose image
        failed or has not come yet are rows too. Deleted images are left out.

        Args:
            topic: a topic, its id or its title; None for all topics.
            model: ``"provider:id"``; None for any model.
            status: the state of the image, as in `search`; None for any.
            since: the earliest time of the request: a date (its local midnight), or a time (local where it
                has no zone); None for any.

        Returns:
            The rows, which show themselves. ``.df()``, ``.pl()`` and ``.arrow()`` make data frames of them.

        Raises:
            NotFound: there is no such topic.
            InvalidRequest: there is no such status, or the model is not written as ``"provider:id"``.
        """
        check_conditions(model, status)
        moment = moment_of(since)
        given = {
            "g.topic_id =": None if topic is None else self._existing(topic),
            "g.model =": model,
            "g.status =": None if status is None else str(status),
            "g.created_at >=": None if moment is None else moment.astimezone(UTC).replace(tzinfo=None),
        }
        conditions = {where: value for where, value in given.items() if value is not None}
        where = "".join(f" AND {condition} ?" for condition in conditions)
        return self._core.analysis.ask(
            "SELECT t.title AS topic, g.* FROM generations g JOIN topics t ON t.id = g.topic_id "  # noqa: S608 - words of ours
            f"WHERE true{where} ORDER BY g.batch_id DESC, g.slot",
            list(conditions.values()),
        )

    def sql(self, text: str) -> Rows:
        """Run a query in SQL over the history, and return its rows.

        DuckDB runs the query, on a copy of the history in memory that the first query reads. The tables are
        ``topics``, ``batches``, ``generations``, ``tasks``, ``spending``, ``scores`` and ``tags``. The page
        docs/sql.md lists their columns. A query reads: it reaches no file, network, extension or setting.
        This keeps accidents out, and is no sandbox for SQL of strangers.

        Args:
            text: one statement that only reads.

        Returns:
            The rows, which show themselves. ``.df()``, ``.pl()`` and ``.arrow()`` make data frames of them.

        Raises:
            InvalidRequest: the text is not one statement that only reads, or DuckDB refuses it.
            QueryTooLong: the query took longer than 30 seconds. A KeyboardInterrupt ends it too.
        """
        return self._core.analysis.ask(text)

    def export(
        self,
        folder: str | os.PathLike[str],
        format: Format = "imagefolder",
        *,
        topic: TopicHandle | str | None = None,
    ) -> Path:
        """Write the history as a data set into a new folder, and return the folder.

        The folder appears when the data set is complete. Images whose file is gone are left out; the log
        names them.

        Args:
            folder: the folder, which is new or empty. Nothing is ever replaced.
            format: ``"imagefolder"``: the originals and ``metadata.jsonl``, as Hugging Face `datasets` reads
                them; ``"jsonl"``: ``images.jsonl``, and the originals in ``images``; ``"parquet"``: a file
                for each table of `sql`; ``"duckdb"``: these tables in ``history.duckdb``; ``"html"``:
                ``index.html``, one page with all pictures in it.
            topic: a topic, its id or its title; None for all topics.

        Raises:
            InvalidRequest: the folder is not empty, or there is no such format.
            NotFound: there is no such topic.
            DiskFull: there is no space for the data set.
            OSError: a file cannot be written.
        """
        check_format(format)
        topic_id = None if topic is None else self._existing(topic)
        target = new_folder(folder)
        export(self._core.analysis, self._core.files, target, format, topic_id)
        return target

    # -------------------------------------------------------------- input images

    def add_reference(self, image: ReferenceLike, *, topic: TopicHandle | str | None = None) -> Reference:
        """Add an input image to the draft of a topic, which the page shows, and return the image.

        Args:
            image: a path, a public https link, the bytes of a file, a Pillow image, a generation, a batch of
                one image, a NumPy array, a matplotlib figure, or a `Reference` from an earlier call.
            topic: a topic, its id or its title; None takes the active topic.

        Raises:
            InvalidRequest: the image cannot be read or fetched, is not an image, or there are too many.
            NotFound: there is no such topic, or the image is gone from the store.
        """
        core = self._core
        topic_id = self._shown(topic)
        if isinstance(image, Reference):
            reference = core.call(core.references.find, image.digest)
        elif (link := link_of(image, "reference")) is not None:
            reference = core.call(core.references.keep, core.call(core.clients.fetch, link))
        else:
            # The image is read on this thread, because a figure must be drawn where it was made.
            read = read_input(image)
            assert read.data is not None
            made_by = read.reference.generation_id
            reference = core.call(partial(core.references.keep, generation_id=made_by), read.data)
        core.call(core.drafts.add, topic_id, reference)
        return reference

    @property
    def references(self) -> tuple[Reference, ...]:
        """The input images beside the prompt of the active topic."""
        return self._core.call(self._core.drafts.read, self._core.topics.active).references

    def clear_references(self, *, topic: TopicHandle | str | None = None) -> None:
        """Remove the input images and the mask from the prompt of a topic.

        Args:
            topic: a topic, its id or its title; None takes the active topic.

        Raises:
            NotFound: there is no such topic.
        """
        self._core.call(self._core.drafts.clear_references, self._shown(topic))

    # -------------------------------------------------------------- deleting

    def delete(self, what: TopicHandle | BatchHandle | SweepHandle | GenerationHandle | str) -> None:
        """Delete a topic, a batch, a sweep or a generation with all images in it, and stop its tasks.

        For a minute, `restore` brings it back. Then its images are removed from the disk.

        Args:
            what: a topic, a batch, a sweep, a generation, or the id of one.

        Raises:
            NotFound: there is no such thing.
        """
        if isinstance(what, SweepHandle):
            what.delete()
        else:
            self._core.call(self._core.delete, *_thing(what, "deleted"))

    restore = _Restore()

    def _restore(self, what: TopicHandle | BatchHandle | SweepHandle | GenerationHandle | str) -> None:
        """Bring back a topic, a batch, a sweep or a generation that was deleted in the last minute.

        A topic comes back with the batches that were deleted together with it. A batch that was deleted
        earlier by itself stays deleted. Tasks that were stopped can be retried. If nothing was deleted,
        nothing changes.

        Args:
            what: a topic, a batch, a sweep, a generation, or the id of one.

        Raises:
            NotFound: it is gone for good, or never existed.
        """
        self._core.call(self._core.restore, *_thing(what, "brought back"))

    def recover(self) -> Recovery:
        """Bring back the images in the folder of the history that the history does not name.

        Images get lost from a history when its database is deleted, or replaced by an older copy. They come
        back with their prompts, models and parameters, in their topics. An image that arrived for a slot
        which failed fills this slot. An image of which nothing is known comes into the topic "Recovered".
        Nothing is sent or paid, and a second call changes nothing.

        Returns:
            What was found and done. The value shows itself.
        """
        return self._core.call(self._core.curator.recover)

    # -------------------------------------------------------------- backups

    def backup(self, path: str | os.PathLike[str]) -> Path:
        """Write the whole store into one file: the history and all its images. The studio goes on meanwhile.

        The file is an uncompressed ZIP. It holds no keys. ``Studio.restore(path, store)`` makes a store of it
        again, also on another machine.

        Args:
            path: the file to write; an existing file is never replaced.

        Returns:
            The path.

        Raises:
            InvalidRequest: the file exists already, or the path cannot be one.
            DiskFull: there is no space for the backup; no part of it stays.
            StoreError: the file cannot be written, or the store cannot be read.
        """
        return self._core.backup(path)

    # -------------------------------------------------------------- money

    def spent(self, since: date | datetime | None = None, topic: TopicHandle | str | None = None) -> Spend:
        """Return the money that was spent. The value shows itself as a table, by model.

        Failed calls that were billed count, and so do deleted images. Where a provider does not report a
        cost, the model's price is the estimate. The value also has the number of images whose cost is not
        known.

        Args:
            since: the start: a date (its local midnight), or a time (local where it has no zone); None counts
                from the beginning.
            topic: a topic, its id or its title; None for all topics. The cost of a batch counts for the
                topic in which the batch is now.

        Raises:
            NotFound: there is no such topic.
        """
        topic_id = None if topic is None else self._existing(topic)
        archive = self._core.archive
        read = partial(archive.store.spent, since=moment_of(since), topic_id=topic_id)
        return self._core.call(archive.in_store, read)

    @property
    def budget(self) -> Decimal | None:
        """The most that may be spent, in USD a day, or None for any amount. It can be set at any time.

        The studio refuses a request or a Retry (`OverBudget`) before anything is stored or sent if the most
        that it can cost would take the total of today over the budget. The total is that of all kernels on
        the store, since midnight by the local clock. Running tasks count as spent. A request whose cost is
        not known is refused too (`PriceUnknown`) unless it has ``confirm=True``. A model on this machine or
        network that does not need a key costs nothing.
        """
        return self._core.budget

    @budget.setter
    def budget(self, value: float | Decimal | None) -> None:
        self._core.budget = budget_of(value)

    def estimate(
        self, model: str | None = None, n: int = 1, *, references: int = 0, **params: Any
    ) -> Estimate | None:
        """Return what a request is expected to cost, or None where the cost is not known. Nothing is paid.

        The value comes from the list price of the model. It has the amount to expect (`expected`), and the
        `least` and the `most` that the request can cost, in USD. A budget counts the most. The bill may
        differ.

        Args:
            model: ``"provider:id"``; None takes the model of the config panel.
            n: the number of images, 1 to `max_count`.
            references: the number of input images, each of up to a megapixel.
            params: the model's own parameters, as in `generate`.

        Raises:
            UnknownParameter, InvalidRequest, NotFound: as `generate` does.
        """
        self._core.learn(model)
        provider, spec = self._core.model(model)
        most = self._core.max_count
        request = catalog.make_request(spec, n=n, params=params, max_count=most, partial=True)
        return catalog.request_cost(provider.spec, spec, request, references)

    # -------------------------------------------------------------- models, keys and servers

    def models(self, provider: str | None = None) -> ModelTable:
        """Return the models as a table that shows itself in a notebook.

        Sentences below the table tell the age of the lists that providers sent, and why a newer list of a
        provider is missing.

        Args:
            provider: the name of a provider; None for all.

        Raises:
            NotFound: there is no such provider.
        """
        core, notes = self._core, list[str]()
        for one in core.registry.providers():
            if provider in (None, one.spec.name):
                notes += core.offers.ages(one.spec)
        return table_of(core.registry, core.keys, provider, notes)

    def refresh_models(self, provider: str | None = None) -> ModelTable:
        """Ask providers for their models, wait for the answers, and return the table of `models`.

        Args:
            provider: the name of a provider; None asks all providers that have such a list and a key. One
                that cannot be asked keeps its last list, and a notice may tell the reason.

        Raises:
            NotFound: there is no such provider.
            ProviderError: the provider that was named could not be asked.
        """
        if provider is None:
            self._core.call(self._core.offers.refresh_all)
        else:
            self._core.call(self._core.offers.refresh, provider)
        return self.models(provider)

    def check(self, provider: str) -> KeyCheck:
        """Test the connection to a provider by a call that costs nothing. The result shows itself.

        Raises:
            NotFound: there is no such provider.
        """
        self._core.look_for_key(self._core.registry.get(provider))
        return self._core.call(self._core.offers.check, provider)

    def set_key(
        self, provider: str, key: str | Literal[Ask.KEY] | None = Ask.KEY, *, remember: bool = False
    ) -> KeyKept:
        """Set a provider's key for this studio. The result tells where the key is.

        Args:
            provider: the provider's name.
            key: the key; without one, the user is asked for it, and it is not shown; None forgets it.
            remember: True puts the key into the system's keyring too (or takes it out of there). Without a
                keyring, the key stays in memory.

        Raises:
            NotFound: there is no such provider.
            InvalidRequest: the text cannot be a key.
        """
        core = self._core
        spec = core.registry.get(provider).spec
        core.refuse_own_thread()
        if key is Ask.KEY:
            where = f" (made at {spec.key_url})" if spec.key_url else ""
            key = getpass.getpass(f"Key of {spec.title}{where}: ").strip()
            if not key:
                return KeyKept(provider, "nowhere", "No key was entered, and nothing changed.")
        return core.call(partial(core.offers.keep_key, spec.name, key, remember=remember))

    def add_server(
        self,
        name: str | None = None,
        url: str | None = None,
        key: str | None = None,
        *,
        preset: str | None = None,
        remember: bool = False,
        **blanks: str,
    ) -> KeyCheck:
        """Add a server that speaks OpenAI's protocol, for this and later studios on the store.

        Its models are then ``"name:model-id"``. The result shows itself and tells if the server answers.
        A server that does not run now is added nevertheless.

        A known server needs only the name of its server preset, which brings the address and the models:
        ``pg.add_server(preset="azure", resource="my-team", key=…)``. `server_presets` lists them.

        Args:
            name: 1 to 64 letters, digits, ``-`` and ``_``, and not another provider's name. A server that
                was added under this name before gets the new address. None takes the name of the server
                preset.
            url: the base address (``"http://localhost:8080/v1"``). Plain http only on this machine or
                network. None takes the address of the server preset.
            key: the server's key, if the server needs one; the key stays in memory.
            preset: the name of a server preset; None for another server.
            remember: True puts the key into the system's keyring too.
            blanks: what fills the blanks in the address of the server preset (``resource="my-team"``).

        Raises:
            NotFound: there is no such server preset; the error names those that there are.
            InvalidRequest: the name, the address, the key or a blank cannot be used, or is missing.
        """
        servers = self._core.servers
        add = partial(servers.add, name or "", url or "", key, remember=remember)
        return self._core.call(partial(add, preset=preset or "", values=blanks))

    def remove_server(self, name: str) -> None:
        """Forget a server that was added, and its key. The images that it made stay.

        Args:
            name: the server's name.

        Raises:
            NotFound: the user did not add such a server.
        """
        self._core.call(self._core.servers.remove, name)

    def add_workflow(
        self,
        workflow: str | os.PathLike[str] | bytes | Mapping[str, Any],
        name: str | None = None,
        *,
        provider: str = "comfyui",
    ) -> str:
        """Add a workflow of ComfyUI as a model, and return the name of the model.

        The workflow is kept in the folder of the provider, for this and later studios. Where the folder has
        another workflow of this name, the new one gets a number behind its name.

        Args:
            workflow: a JSON file in the format of the editor or of the API, a PNG that ComfyUI saved, or the
                content of one of these. ComfyUI must run for a file of the editor, which is converted.
            name: the name of the model; None takes that of the file.
            provider: the name of the provider that gets the model.

        Raises:
            NotFound: there is no such provider.
            InvalidRequest: the file cannot be read, or the provider takes no workflows.
            BadRequest: the file is not a workflow, or a node cannot be converted; the message names it.
            ProviderError: ComfyUI could not be asked for its nodes.
        """
        title, data = read_workflow(workflow)
        return self._core.call(partial(self._core.workflows.add, name or title, data, provider)).name

    # -------------------------------------------------------------- small parts

    def _existing(self, topic: TopicHandle | str) -> str:
        if isinstance(topic, TopicHandle):
            return topic.id
        return self._core.call(self._core.topics.existing, topic)

    def _shown(self, topic: TopicHandle | str | None) -> str | None:
        """Return the id of a topic; None stands for the active one."""
        return self._core.topics.active if topic is None else self._existing(topic)


def core_of(api: StudioApi) -> Core:
    """Return the core of a studio or a playground, for the widget and the page."""
    return api._core  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - users must not see the core


def _name_of(topic: TopicHandle | str) -> str:
    return topic.id if isinstance(topic, TopicHandle) else topic


def _thing(what: object, done: str) -> tuple[Kind | Literal["sweep"] | None, str]:
    """Return the kind of a thing, or None where only its id is known, and its id."""
    match what:
        case TopicHandle():
            return "topic", what.id
        case BatchHandle():
            return "batch", what.id
        case SweepHandle():
            return "sweep", what.id
        case GenerationHandle():
            return "generation", what.id
        case str():
            return None, what
        case _:
            raise InvalidRequest(
                f"{type(what).__name__} cannot be {done}.",
                next_step="Give a topic, a batch, a sweep, a generation, or the id of one.",
            )

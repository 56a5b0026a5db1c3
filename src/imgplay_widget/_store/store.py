"""The store: the layers above reach the history and its files only through `Store`."""

from __future__ import annotations

import logging
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self

from sqlalchemy import Connection, Select, Table, Update, bindparam, func, insert, select, update

from imgplay_widget._ids import sort_after
from imgplay_widget._rules.costs import spend_of
from imgplay_widget._store import (
    curation,
    drafts,
    feeds,
    frames,
    gallery,
    imports,
    leases,
    lineage,
    migrations,
    old_folder,
    queries,
    recipe_files,
    recovery,
    removal,
    rows,
    settings,
    spending,
    sweeps,
    tables,
)
from imgplay_widget._store.assets import Assets
from imgplay_widget._store.curation import Hidden, Restored
from imgplay_widget._store.damage import DamagedValue
from imgplay_widget._store.database import Database, location_of
from imgplay_widget._store.leases import Owners
from imgplay_widget._store.queries import Scope
from imgplay_widget._text import shown
from imgplay_widget._types import (
    EVERYTHING,
    JSON,
    Draft,
    Entry,
    FeedPage,
    GalleryPage,
    Generation,
    Notice,
    Reference,
    Sweep,
    Task,
    Topic,
    TopicPage,
    Wanted,
)
from imgplay_widget.errors import ErrorInfo, NotFound, StoreError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from types import EllipsisType

    from imgplay_widget._rules.costs import Budget, Spend, Today
    from imgplay_widget._store.frames import Frame, Part, Span
    from imgplay_widget._store.imports import TakenFile
    from imgplay_widget._store.recovery import LostFile, Recovered
    from imgplay_widget._types import FolderImport, Kind, Lineage

__all__ = ["Hidden", "Restored", "SavedSweep", "Store", "StoredImage"]

logger = logging.getLogger("imgplay_widget")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """An image whose bytes `Assets.receive` keeps, and which a row is about to name.

    Attributes:
        generation_id: the generation of the image.
        digest: the sha256 that `Assets.receive` returned.
        media_type, width, height, whole: what `images.accept` found.
        size: the number of bytes.
        applied: the values that the provider reports (see `Inline.applied`).
    """

    generation_id: str
    digest: str
    media_type: str
    width: int | None
    height: int | None
    size: int
    whole: bool = True
    applied: Mapping[str, JSON] = field(default_factory=dict[str, JSON])


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSweep:
    """A sweep as it was stored.

    Attributes:
        sweep: the sweep. It may be another one than the given one, which another process stored before.
        topic: its topic after the change.
        entries: the batches that were added.
    """

    sweep: Sweep
    topic: Topic
    entries: tuple[Entry, ...]


class Store:
    """The history of one user. The store blocks, and one thread uses it; any thread may use `assets`.

    `open` returns a store. Every method may raise `StoreLocked` (another program has held the database for
    longer than the busy timeout), `DiskFull` and `StoreError`; the method has then written nothing.

    Attributes:
        key: a text that is equal for all ways to write the same location.
        location: the location as people read it, without a password.
        assets: the files.
        notices: what the user should know of the location.
    """

    def __init__(self, database: Database, assets: Assets, scope: Scope, *, temporary: bool) -> None:
        self.key = database.location.key
        self.location = database.location.label
        self.assets = assets
        self.notices: list[Notice] = list(database.notices)
        # The notice that images were lost, until they are recovered. `open` sets it.
        self._lost: list[Notice] = []
        self._database = database
        self._scope = scope
        self._temporary = temporary
        self._version: int | None = None
        self._follow_ids()
        old = None if assets.old is None else assets.old / "owners"
        self._owners = Owners(assets.root / "owners", trusted=database.network is None, old=old)

    @classmethod
    def open(
        cls,
        location: str | os.PathLike[str] | None = None,
        *,
        user_id: str = "local",
        organization_id: str | None = None,
        busy_timeout: float = 5.0,
    ) -> Self:
        """Open a history, and create it where it does not exist.

        Args:
            location: the path of a file, the path of a folder (for its ``history.sqlite``), a URL of
                SQLite, ``"sqlite://"`` for a store in memory, or None for the user's own data folder.
            user_id: the user whose rows the store reads and writes.
            organization_id: the organization of these rows, or None.
            busy_timeout: seconds to wait for another program that writes.

        Raises:
            InvalidRequest: the location is neither a path nor a URL of SQLite.
            StoreError: the history cannot be opened; the message says why.
            StoreDamaged: the database is damaged; the error names the folder of the images.
            StoreTooNew: a newer version of the package has written the history.
            StoreLocked: another program holds the history.
        """
        where = location_of(location)
        database = Database(where, busy_timeout=busy_timeout)
        try:
            migrations.migrate(database)
            scope = Scope(user_id, organization_id)
            folder = where.assets or Path(tempfile.mkdtemp(prefix="imgplay-"))
            assets = Assets(folder, scope.holder, where.old_assets)
            notices = old_folder.bring_over(database, assets)
            lost = recovery.notices(database, assets)
            store = cls(database, assets, scope, temporary=where.assets is None)
            store.notices += notices + lost
            store._lost = lost
            return store
        except BaseException:
            database.close()
            raise

    @staticmethod
    def key_of(location: str | os.PathLike[str] | None = None) -> str:
        """Return the `key` of a store at a location, without opening the store."""
        return location_of(location).key

    def close(self) -> None:
        """Release the locks and close the connection. A second call does nothing."""
        self._owners.close()
        self._database.close()
        if self._temporary:
            self.assets.remove_all()

    def version(self) -> int:
        """Return a number that changes when another connection or process commits."""
        version = self._database.version()
        if version != self._version:
            self._version = version
            self._follow_ids()
        return version

    def _follow_ids(self) -> None:
        """Let new ids sort after those of the store, whose writers may have had another time."""
        with self._database.reading() as connection:
            newest = [connection.scalar(select(func.max(table.c.id))) for table in _TIMED]
        for known in filter(None, newest):
            sort_after(known)

    def snapshot(self, target: Path) -> list[str]:
        """Copy the database into a new file, and return the files that its rows name at the same moment."""
        with self._database.reading() as connection:
            # The first reading fixes the moment that the copy shows too.
            named = old_folder.named_files(connection, self.assets)
            self._database.copy(connection, target)
        return named

    # -------------------------------------------------------------- topics

    def add_topic(self, topic: Topic) -> Topic:
        """Add a topic and return it, with a number after its title where another topic has this title."""
        with self._database.writing() as connection:
            return self._insert_topic(connection, topic)

    def _insert_topic(self, connection: Connection, topic: Topic) -> Topic:
        at = queries.first_place(connection, self._scope, topic.id, topic.updated_at)
        topic = replace(topic, updated_at=at)
        if topic.title is not None:
            free = queries.free_title(connection, self._scope, topic.title, topic.id)
            topic = replace(topic, title=free)
        _insert(connection, tables.topics, [rows.topic_row(topic)])
        return topic

    def topics(self) -> list[Topic]:
        """Return all topics: first the pinned ones, then the others, the last used one first."""
        with self._database.reading() as connection:
            return queries.topics_of(connection, self._scope)

    def topic_page(self, *, search: str = "", before: str | None = None, limit: int) -> TopicPage:
        """Return a page of the topics whose titles hold all words, in any order, in upper or lower case.

        Args:
            search: the words; an empty text finds all topics.
            before: `TopicPage.before` of the page before, or None for the first page.
            limit: the most topics of the page.

        Raises:
            InvalidRequest: `before` is not a cursor of this list.
        """
        with self._database.reading() as connection:
            return queries.topic_page(connection, self._scope, search=search, before=before, limit=limit)

    def find_topic(self, name: str) -> str | None:
        """Return the id of the topic with this id, else of the topic with this title, else None."""
        with self._database.reading() as connection:
            return queries.find_topic(connection, self._scope, name)

    def bare_topics(self) -> list[Topic]:
        """Return the topics that hold images and do not have a cover."""
        with self._database.reading() as connection:
            return queries.bare_topics(connection, self._scope)

    def topic(self, id: str) -> Topic | None:
        """Return a topic, or None."""
        with self._database.reading() as connection:
            return queries.topic(connection, self._scope, id)

    def topics_by_id(self, ids: Sequence[str]) -> list[Topic]:
        """Return the topics with these ids; unknown ids are left out."""
        with self._database.reading() as connection:
            return queries.topics_by_id(connection, self._scope, ids)

    def title_topic(
        self, topic_id: str, title: str, *, by: Literal["prompt", "model", "user"]
    ) -> Topic | None:
        """Set the title of a topic, unless the topic has a title of higher rank.

        A title by the user ranks above one by a model, and a title by a model above the first words of a
        prompt. Where another topic has this title, a number follows it.

        Returns:
            The topic after the change, or None where it is gone.
        """
        weaker = {"prompt": ("prompt",), "model": ("prompt", "model"), "user": ("prompt", "model", "user")}
        with self._database.writing() as connection:
            if queries.topic(connection, self._scope, topic_id) is not None:
                mine = (tables.topics.c.id == topic_id, tables.topics.c.title_by.in_(weaker[by]))
                free = queries.free_title(connection, self._scope, title, topic_id)
                connection.execute(update(tables.topics).where(*mine).values(title=free, title_by=by))
            return queries.topic(connection, self._scope, topic_id)

    def update_topic(
        self,
        id: str,
        *,
        title: str | EllipsisType | None = ...,
        cover_url: str | EllipsisType | None = ...,
        pinned: bool | EllipsisType = ...,
    ) -> Topic | None:
        """Change some fields of a topic, without moving the topic to the front of the list.

        Returns:
            The topic after the change, or None where it is gone.
        """
        given = {"title": title, "cover_url": cover_url, "pinned": pinned}
        changes = {name: value for name, value in given.items() if value is not ...}
        with self._database.writing() as connection:
            old = queries.topic(connection, self._scope, id)
            if old is not None and changes:
                connection.execute(update(tables.topics).where(tables.topics.c.id == id).values(changes))
            new = queries.topic(connection, self._scope, id)
            if old is not None and new is not None and old.cover_url not in (None, new.cover_url):
                removal.enlist(connection, "cover", [old.cover_url])
        self._work_off()
        return new

    def save_cover(
        self, topic_id: str, generation_id: str, data: bytes, *, replace: bool = False
    ) -> Topic | None:
        """Save the cover of a topic, if the image is still visible in the topic.

        Args:
            topic_id: the topic.
            generation_id: the image from which the cover was made.
            data: the bytes that `images.cover` returned.
            replace: True replaces an earlier cover; False keeps it.

        Returns:
            The topic after the change, or None where it is gone.
        """
        # The lock keeps `work_off` from removing a new file of the same name as an old cover.
        with self.assets.exclusive():
            # The file is listed before it is written, so that a crash before the row names it leaves nothing.
            with self._database.writing() as connection:
                removal.enlist(connection, "cover", [self.assets.cover_url(topic_id, data)])
            new = self._set_cover(topic_id, generation_id, data, replace=replace)
        self._work_off()
        return new

    def _set_cover(self, topic_id: str, generation_id: str, data: bytes, *, replace: bool) -> Topic | None:
        with self._database.writing() as connection:
            old = queries.topic(connection, self._scope, topic_id)
            seen = queries.generation(connection, self._scope, generation_id)
            if old is None or seen is None or seen[0].batch.topic_id != topic_id:
                return old
            if old.cover_url is not None and not replace:
                return old
            url = self.assets.write_cover(topic_id, data)
            mine = tables.topics.c.id == topic_id
            changes = {"cover_url": url, "cover_of": generation_id}
            connection.execute(update(tables.topics).where(mine).values(changes))
            if old.cover_url not in (None, url):
                removal.enlist(connection, "cover", [old.cover_url])
            return queries.topic(connection, self._scope, topic_id)

    def cover_candidate(self, topic_id: str) -> Generation | None:
        """Return the first image of a topic without a cover, or None."""
        with self._database.reading() as connection:
            return queries.cover_candidate(connection, self._scope, topic_id)

    # -------------------------------------------------------------- batches

    def add_batches(
        self, entries: Sequence[Entry], *, new_topic: Topic | None = None, budget: Budget | None = None
    ) -> tuple[Topic, list[Entry]]:
        """Add batches to one topic, with their generations and tasks, all or none.

        Their input images and generations get the results from which they are made: see `Batch.parents`.

        Args:
            entries: the batches, oldest first; their tasks have leases. The topic moves to the front of the
                list.
            new_topic: the topic, where it must be added too.
            budget: the budget that must allow the tasks, or None for no budget.

        Returns:
            The topic after the change, and the batches as they are stored.

        Raises:
            NotFound: the topic, or the file of a reference, is gone.
            OverBudget: the budget does not allow it.
            PriceUnknown: the price of a task is not known, and the user did not agree to pay it.
        """
        inputs, last = _inputs(entries), entries[-1].batch
        with self._files_locked(needed=bool(inputs)), self._database.writing() as connection:
            if budget is not None:
                # The check is in the same transaction, so that two clicks at once cannot exceed the budget
                # together.
                tasks = [task for entry in entries for task in entry.tasks]
                spending.refuse_beyond(connection, self._scope, tasks, budget)
            self._touch_topic(connection, last.topic_id, last.created_at, new_topic)
            stored = self._insert_batches(connection, entries)
            (topic,) = queries.topics_by_id(connection, self._scope, [last.topic_id])
        self.assets.let_go(inputs)
        return topic, stored

    def _insert_batches(self, connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
        """Insert batches with their generations and tasks, and return them as they are stored."""
        for reference in _inputs(entries).values():
            if self.assets.size(reference) is None:
                raise NotFound("A reference is gone from the store.", next_step="Add the image again.")
        stored = queries.with_parents(connection, self._scope, entries)
        batches = [entry.batch for entry in stored]
        tasks = [task for entry in stored for task in entry.tasks]
        generations = [generation for entry in stored for generation in entry.generations]
        _insert(connection, tables.batches, [rows.batch_row(batch) for batch in batches])
        _insert(connection, tables.references, [row for b in batches for row in rows.input_rows(b)])
        _insert(connection, tables.tasks, [rows.task_row(task) for task in tasks])
        _insert(connection, tables.generations, [rows.generation_row(item) for item in generations])
        return stored

    def entry(self, batch_id: str) -> Entry | None:
        """Return a batch with its generations and tasks, or None."""
        with self._database.reading() as connection:
            return queries.entry(connection, self._scope, batch_id)

    def entries(self, batch_ids: Sequence[str]) -> list[Entry]:
        """Return the batches with these ids, with their generations and tasks, oldest first."""
        with self._database.reading() as connection:
            return queries.entries(connection, self._scope, batch_ids)

    def slots(self, task_id: str) -> list[Generation]:
        """Return the generations in the slots of a task, also deleted ones that the user may restore."""
        with self._database.reading() as connection:
            return queries.slots(connection, self._scope, task_id)

    def generation(self, id: str) -> tuple[Entry, Generation] | None:
        """Return a generation and its batch, or None."""
        with self._database.reading() as connection:
            return queries.generation(connection, self._scope, id)

    def generation_of(self, digest: str) -> tuple[Entry, Generation] | None:
        """Return the newest generation whose image has this sha256, with its batch, or None."""
        with self._database.reading() as connection:
            return queries.generation_of(connection, self._scope, digest)

    def owns(self, digest: str) -> bool:
        """Return whether the user gave or made an image: an upload, a result, an input of a batch or a draft.

        All users share one file of the same bytes, so the file does not show to whom it belongs.
        """
        # An upload loses its mark after a row names it, so the mark is looked for first.
        if self.assets.holds(digest):
            return True
        with self._database.reading() as connection:
            of_rows = queries.names_image(connection, self._scope, digest)
            return of_rows or drafts.names_image(connection, self._scope, digest)

    def generations_by_id(self, ids: Sequence[str]) -> list[tuple[Entry, Generation]]:
        """Return the generations with these ids, in this order, each with its batch."""
        with self._database.reading() as connection:
            return queries.generations_by_id(connection, self._scope, ids)

    def parents(self, batch_id: str) -> list[tuple[Entry, Generation]]:
        """Return the generations among the references of a batch, in their order, each with its batch."""
        with self._database.reading() as connection:
            return queries.parents(connection, self._scope, batch_id)

    def children(self, generation_id: str) -> list[tuple[Entry, Generation]]:
        """Return the generations of the batches that have a generation as a reference, oldest first."""
        with self._database.reading() as connection:
            return queries.children(connection, self._scope, generation_id)

    def lineage(self, generation_id: str) -> Lineage | None:
        """Return the chain of a generation, or None where there is no such generation."""
        with self._database.reading() as connection:
            return lineage.lineage(connection, self._scope, generation_id)

    def feed(
        self,
        topic_id: str | None,
        *,
        before: str | None = None,
        limit: int = 12,
        wanted: Wanted = EVERYTHING,
        folded: bool = False,
    ) -> FeedPage:
        """Return a page of a topic's batches, newest first. All pages of an unfiltered topic cost the same.

        Args:
            topic_id: the topic, or None for all topics; an unknown topic has an empty feed.
            before: `FeedPage.before` of the page before, or None for the newest batches.
            limit: the most batches of the page, from 1.
            wanted: the filter.
            folded: True where the newest batch of a sweep in its topic stands for the whole sweep.
        """
        with self._database.reading() as connection:
            return feeds.feed(
                connection,
                self._scope,
                topic_id,
                before=before,
                limit=limit,
                wanted=wanted,
                folded=folded,
            )

    def gallery(
        self,
        topic_id: str | None,
        *,
        before: str | None = None,
        limit: int = 60,
        wanted: Wanted = EVERYTHING,
        starred_first: bool = False,
    ) -> GalleryPage:
        """Return a page of finished images, newest first, starred ones first, or by `Wanted.sort`.

        Each image counts alone: a filter by stars, a tag or scores passes the images that meet all of its
        conditions, and an order by a score mixes the images of different batches. Images with the same score
        stand in the order of their ids. A state other than success passes no image.

        Args:
            topic_id: the topic, or None for all topics; an unknown topic has no images.
            before: `GalleryPage.before` of the page before, or None for the first images.
            limit: the most images of the page, from 1.
            wanted: the filter.
            starred_first: whether the starred images come first; an order by a score wins.

        Raises:
            InvalidRequest: `before` is not a cursor.
        """
        with self._database.reading() as connection:
            return gallery.gallery(
                connection,
                self._scope,
                topic_id,
                before=before,
                limit=limit,
                wanted=wanted,
                starred_first=starred_first,
            )

    def unfinished(self, limit: int) -> list[Entry]:
        """Return the batches of all topics with a generation that waits or runs, oldest first."""
        with self._database.reading() as connection:
            return feeds.unfinished(connection, self._scope, limit)

    def same_requests(self, digests: Sequence[str]) -> dict[str, Entry]:
        """Return the newest batch of each request whose images are all there or still come, by the digests.

        A batch of which an image failed, was cancelled or was deleted does not count.

        Args:
            digests: the `request_digest` of each request.
        """
        with self._database.reading() as connection:
            return feeds.same_requests(connection, self._scope, digests)

    def prompts(self, limit: int) -> list[str]:
        """Return the different prompts of the newest batches, newest first."""
        with self._database.reading() as connection:
            return feeds.prompts(connection, self._scope, limit)

    def labels_used(self, topic_id: str | None) -> tuple[list[str], list[str]]:
        """Return the names of the scores and the tags of a topic's images, or of all images (None)."""
        with self._database.reading() as connection:
            return feeds.labels_used(connection, self._scope, topic_id)

    def models_used(self, topic_id: str | None) -> list[str]:
        """Return the names of the models of a topic's batches, or of all batches (None), sorted."""
        with self._database.reading() as connection:
            return feeds.models_used(connection, self._scope, topic_id)

    # -------------------------------------------------------------- tasks

    def save_task(self, task: Task, *, owner: str) -> bool:
        """Save the state of a task. The lease of the task stays, and ends with the task.

        Returns:
            False where nothing was saved: the task is gone, has ended, or belongs to another owner.
        """
        with self._database.writing() as connection:
            return self._save(connection, task, owner, images=0)

    def save_tasks(self, changed: Sequence[tuple[Task, str]]) -> set[str]:
        """Save the states of several tasks in one step, each as `save_task` does.

        Args:
            changed: the tasks, each with the owner that drives it; an empty text for none.

        Returns:
            The ids of the tasks that were saved.
        """
        with self._database.writing() as connection:
            return {task.id for task, owner in changed if self._save(connection, task, owner, images=0)}

    def finish_task(
        self,
        task: Task,
        images: Sequence[StoredImage],
        failures: Mapping[str, ErrorInfo],
        *,
        owner: str,
    ) -> list[Generation] | None:
        """Save an ended task with its images, all or nothing.

        Args:
            task: the task in its final stage.
            images: the images that `Assets.receive` keeps.
            failures: the reason of each slot that stays empty, by the id of its generation.
            owner: the owner that drives the task.

        Returns:
            The generations that changed, without those that were deleted meanwhile. None where nothing was
            saved: the task is gone, has ended, or belongs to another owner.
        """
        with self._database.writing() as connection:
            saved = self._save(connection, task, owner, images=len(images))
            changed = self._fill(connection, task, images, failures) if saved else None
        if changed is None:
            self._abandon(images)
            return None
        done = {generation.id for generation in changed}
        for image in images:
            self.assets.discard(image.generation_id)
        self.assets.forget_thumbnails(i.digest for i in images if i.generation_id not in done)
        return changed

    def replace_tasks(self, attempts: Mapping[str, Task], *, budget: Budget | None = None) -> Entry | None:
        """Give the slots that failed tasks left empty to new tasks; remove tasks that lost all their slots.

        A new task is saved only if each slot of its unit exists, is empty and still belongs to the failed
        task. Otherwise another process already retries these slots, and the user would pay a second time.

        Args:
            attempts: the new tasks of one batch, each by the id of the failed task.
            budget: the budget that must allow the new tasks, or None for no budget.

        Returns:
            The batch after the change, with the new tasks that were saved, or None where the batch is gone.

        Raises:
            OverBudget, PriceUnknown: the budget does not allow the new tasks.
        """
        table = tables.generations
        with self._database.writing() as connection:
            empty = select(table).where(
                *self._scope.generations(),
                table.c.async_task_id.in_(attempts),
                table.c.asset_digest.is_(None),
                queries.SEEN_GENERATION,
            )
            found = {(row.async_task_id, row.position): row.id for row in connection.execute(empty)}
            taken = {
                old: task
                for old, task in attempts.items()
                if all((old, position) in found for position in task.unit.positions)
            }
            if budget is not None:
                spending.refuse_beyond(connection, self._scope, taken.values(), budget)
            _insert(connection, tables.tasks, [rows.task_row(task) for task in taken.values()])
            for old, task in taken.items():
                for position, seed in zip(task.unit.positions, task.unit.seeds, strict=True):
                    # The new task may send another seed, and the row must show the seed that was sent.
                    changes: dict[str, Any] = {"async_task_id": task.id, "error": None, "applied": {}}
                    slot = update(table).where(table.c.id == found[old, position])
                    connection.execute(slot.values(changes | {"seed": seed}))
            (batch_id,) = {task.batch_id for task in attempts.values()}
            if taken:
                removal.delete_idle_tasks(connection, batch_id)
            return queries.entry(connection, self._scope, batch_id)

    def fill_arrived(self, generation_ids: Sequence[str]) -> bool:
        """Fill empty slots of ended tasks with the images that arrived for them. Return whether any was."""
        arrived = [one for one in generation_ids if self.assets.arrived_file(one).exists()]
        if not arrived:
            return False
        some = [recovery.LostFile("arrived", one) for one in arrived]
        return recovery.recover(self._database, self.assets, self._scope, some).report.filled > 0

    def tasks(self, ids: Sequence[str]) -> dict[str, Task]:
        """Return the tasks with these ids, by id; unknown ids are left out."""
        with self._database.reading() as connection:
            return queries.tasks_of(connection, self._scope, ids)

    def durations(self, provider: str, model: str, limit: int = 200) -> list[float]:
        """Return the durations of successful tasks of a model, in seconds, the newest first."""
        with self._database.reading() as connection:
            return queries.durations(connection, self._scope, provider, model, limit)

    # -------------------------------------------------------------- sweeps

    def save_sweep(
        self,
        sweep: Sweep,
        cells: Mapping[int, str],
        entries: Mapping[int, Entry],
        *,
        new_topic: Topic | None = None,
        budget: Budget | None = None,
        fresh: bool = True,
        lost: Collection[str] = (),
    ) -> SavedSweep:
        """Store a sweep, its new batches and the batches of its cells, all or nothing.

        Args:
            sweep: the sweep. It is added where the store does not have it yet.
            cells: the ids of stored batches that cells get, by the positions of the cells.
            entries: the batches that cells get and that are added, by the positions of the cells. Their tasks
                have leases.
            new_topic: the topic, where it must be added too.
            budget: the budget that must allow the tasks, or None for no budget.
            fresh: True adds all batches. False leaves out what another process has asked for meanwhile, and
                takes its batches; of two new sweeps of the same digest, the first one counts.

            lost: the ids of batches that are not taken, because their files are gone.

        Raises:
            NotFound: the topic, or the file of a reference, is gone.
            OverBudget, PriceUnknown: the budget does not allow the tasks.
        """
        inputs = _inputs(list(entries.values()))
        with self._files_locked(needed=bool(inputs)), self._database.writing() as connection:
            added = dict(entries)
            filled = dict(cells)
            known = bool(sweeps.read(connection, self._scope, [sweep.id]))
            if not fresh:
                digests = {position: rows.digest_of(one.batch) for position, one in entries.items()}
                same = feeds.same_requests(connection, self._scope, list(digests.values()))
                same = {digest: one for digest, one in same.items() if one.batch.id not in lost}
                found = {at: same[digest] for at, digest in digests.items() if digest in same}
                added = {at: one for at, one in entries.items() if at not in found}
                filled |= {at: one.batch.id for at, one in found.items()}
                first = None if known else sweeps.same(connection, self._scope, sweep.digest)
                if first is not None:
                    sweep, new_topic, known = first, None, True
                    own = {"sweep_id": first.id, "topic_id": first.topic_id}
                    added = {at: replace(one, batch=replace(one.batch, **own)) for at, one in added.items()}
            several = [added[position] for position in sorted(added)]
            if budget is not None:
                tasks = [task for entry in several for task in entry.tasks]
                spending.refuse_beyond(connection, self._scope, tasks, budget)
            at = max([sweep.created_at, *(entry.batch.created_at for entry in several)])
            self._touch_topic(connection, sweep.topic_id, at, new_topic)
            if not known:
                sweeps.add(connection, sweep)
            stored = self._insert_batches(connection, several)
            filled |= {position: one.batch.id for position, one in added.items()}
            sweeps.fill(connection, sweep.id, filled)
            (sweep,) = sweeps.read(connection, self._scope, [sweep.id])
            (topic,) = queries.topics_by_id(connection, self._scope, [sweep.topic_id])
        self.assets.let_go(inputs)
        return SavedSweep(sweep=sweep, topic=topic, entries=tuple(stored))

    def sweeps_by_id(self, ids: Sequence[str]) -> list[Sweep]:
        """Return the sweeps with these ids, oldest first; unknown ids are left out."""
        with self._database.reading() as connection:
            return sweeps.read(connection, self._scope, ids)

    def same_sweep(self, digest: str) -> Sweep | None:
        """Return the newest sweep with a digest, or None."""
        with self._database.reading() as connection:
            return sweeps.same(connection, self._scope, digest)

    def newest_sweeps(self, topic_id: str | None, limit: int) -> list[Sweep]:
        """Return the newest sweeps of a topic, or of all topics (None), newest first."""
        with self._database.reading() as connection:
            return sweeps.newest(connection, self._scope, topic_id, limit)

    def sweeps_of(self, batch_ids: Sequence[str]) -> list[Sweep]:
        """Return the sweeps in whose cells one of these batches stands, or that asked for one."""
        with self._database.reading() as connection:
            return sweeps.of_batches(connection, self._scope, batch_ids)

    def hide_sweep(self, sweep_id: str, *, at: datetime, ended: Callable[[Task], Task]) -> Hidden:
        """Delete a sweep and the batches that it asked for, which can be restored until they are purged.

        Args:
            sweep_id: the sweep; where it is gone, nothing is deleted.
            at: the present time.
            ended: returns an unfinished task in its final stage.
        """
        with self._database.writing() as connection:
            asked = sweeps.asked(connection, self._scope, sweep_id)
            hidden, covers = curation.hide(connection, self._scope, "batch", asked, at=at, ended=ended)
            sweeps.mark(connection, self._scope, sweep_id, deleted_at=at)
            removal.enlist(connection, "cover", covers)
        self._work_off()
        return hidden

    def restore_sweep(self, sweep_id: str) -> Restored | None:
        """Restore a deleted sweep with the batches that its deletion took. Return None where it is gone."""
        with self._database.writing() as connection:
            at = sweeps.deleted_at(connection, self._scope, sweep_id)
            if at is None:
                return None
            taken = sweeps.asked(connection, self._scope, sweep_id, deleted_at=at)
            sweeps.mark(connection, self._scope, sweep_id, deleted_at=None)
            return curation.restore(connection, self._scope, "batch", taken)

    # -------------------------------------------------------------- spending

    def spent(self, *, since: datetime | None = None, topic_id: str | None = None) -> Spend:
        """Return what was spent since a time (None: ever), in one topic (None: in all topics)."""
        with self._database.reading() as connection:
            return spend_of(spending.lines(connection, self._scope, since=since, topic_id=topic_id))

    # -------------------------------------------------------------- frames

    def frame_end(self, frame: Frame) -> int:
        """Return the last rowid by which `frame_part` divides a frame."""
        with self._database.reading() as connection:
            return frames.last_rowid(connection, frame)

    def frame_part(self, frame: Frame, span: Span) -> Part:
        """Return the rows of a part of a frame."""
        with self._database.reading() as connection:
            return frames.part_in(connection, self._scope, frame, span)

    def frame_rows(self, frame: Frame, ids: Collection[str]) -> Part:
        """Return the rows of a frame that belong to some topics or batches (see `Frame.key`)."""
        with self._database.reading() as connection:
            return frames.part_of(connection, self._scope, frame, ids)

    def refuse_value(self, reason: str) -> NoReturn:
        """Say that a value of a frame is not of the type of its column, which the reader of the frame found.

        Raises:
            StoreDamaged: always.
        """
        with self._database.reading():
            raise DamagedValue(reason)

    # -------------------------------------------------------------- budget

    def today(self, since: datetime) -> Today:
        """Return the total of the day that began at a time."""
        with self._database.reading() as connection:
            return spending.today(connection, self._scope, since)

    def refuse_beyond(self, tasks: Sequence[Task], budget: Budget) -> None:
        """Refuse tasks, which are not stored yet, if the budget does not allow them.

        Raises:
            OverBudget, PriceUnknown: the budget does not allow the tasks.
        """
        with self._database.reading() as connection:
            spending.refuse_beyond(connection, self._scope, tasks, budget)

    # -------------------------------------------------------------- leases

    def register(self, owner: str) -> None:
        """Acquire the lock of an owner, which ends with this process or with `close`.

        The call must come before a task gets this owner, because any process may claim the tasks of an owner
        without a lock.
        """
        self._owners.register(owner)
        self.assets.owner = owner

    def claim(self, owner: str, able: Callable[[str, str], bool] | None = None) -> list[Task]:
        """Claim the unfinished tasks that no living process drives.

        Args:
            owner: the new owner, which must be registered.
            able: returns whether the owner can drive a task of this provider and model; None for all tasks.
        """
        with self._database.writing() as connection:
            return leases.claim(connection, self._scope, self._owners, owner, able)

    def renew(self, owner: str) -> None:
        """Extend the leases of an owner."""
        with self._database.writing() as connection:
            leases.renew(connection, self._scope, owner)

    def release(self, owner: str, counted: Collection[str] = ()) -> None:
        """Release the unfinished tasks of an owner, so that another owner can claim them.

        Args:
            owner: the owner.
            counted: the tasks whose take-up by this owner was counted. The count is taken back.
        """
        with self._database.writing() as connection:
            leases.release(connection, self._scope, owner, counted)

    # -------------------------------------------------------------- deleting

    def hide(self, what: Kind, ids: Sequence[str], *, at: datetime, ended: Callable[[Task], Task]) -> Hidden:
        """Delete topics, batches or generations, which can be restored until they are purged.

        A batch is deleted with its last generation. Running tasks end if no visible slot needs them.

        Args:
            what: the kind of all `ids`.
            ids: the ids to delete; unknown ids are left out.
            at: the present time.
            ended: returns an unfinished task in its final stage.
        """
        with self._database.writing() as connection:
            hidden, covers = curation.hide(connection, self._scope, what, ids, at=at, ended=ended)
            removal.enlist(connection, "cover", covers)
        self._work_off()
        return hidden

    def restore(self, what: Kind, ids: Sequence[str]) -> Restored:
        """Restore exactly what a deletion of these ids took; what was deleted before stays deleted."""
        with self._database.writing() as connection:
            return curation.restore(connection, self._scope, what, ids)

    # -------------------------------------------------------------- keeping order

    def star(self, generation_ids: Sequence[str], *, starred: bool) -> list[str]:
        """Give generations a star or take it away, and return the batches of those that changed."""
        with self._database.writing() as connection:
            return curation.star(connection, self._scope, generation_ids, starred=starred)

    def score(self, scores: Mapping[str, Mapping[str, float | None]]) -> list[str]:
        """Set scores of generations, all or none, and return the batches of those that changed.

        Args:
            scores: the values by the names of the scores, by the ids of the generations; None removes a
                score. Unknown generations are left out.

        Raises:
            InvalidRequest: a name or a value cannot be stored, or a generation would have too many scores.
        """
        with self._database.writing() as connection:
            return curation.score(connection, self._scope, scores)

    def tag(
        self, generation_ids: Sequence[str], *, add: Collection[str] = (), remove: Collection[str] = ()
    ) -> list[str]:
        """Give generations tags and take tags away, and return the batches of those that changed.

        Raises:
            InvalidRequest: a tag cannot be stored, or a generation would have too many tags.
        """
        with self._database.writing() as connection:
            return curation.tag(connection, self._scope, generation_ids, add=add, remove=remove)

    def move(
        self, batch_ids: Sequence[str], topic_id: str, *, at: datetime, new_topic: Topic | None = None
    ) -> tuple[list[str], list[Topic]]:
        """Move batches into another topic, all or none.

        Args:
            batch_ids: the batches to move; unknown ids are left out.
            topic_id: the topic to move to.
            at: the present time.
            new_topic: this topic, where it must be added too. It is not added where no batch moves.

        Returns:
            The batches that moved, and the topics that lost or got batches, after the change.

        Raises:
            NotFound: the topic is gone.
        """
        with self._database.writing() as connection:
            if new_topic is not None:
                self._insert_topic(connection, new_topic)
            elif queries.topic(connection, self._scope, topic_id) is None:
                raise NotFound(f"There is no topic {shown(topic_id)}.")
            moved, changed, covers = curation.move(connection, self._scope, batch_ids, topic_id, at=at)
            if new_topic is not None and not moved:
                connection.rollback()
                return [], []
            removal.enlist(connection, "cover", covers)
        self._work_off()
        return moved, changed

    # -------------------------------------------------------------- removing for good

    def purge(self, before: datetime) -> bool:
        """Remove some of the rows that were deleted before a time, and their files.

        Returns:
            True where more may be left to remove.
        """
        with self._database.reading() as connection:
            if not removal.expired(connection, self._scope, before):
                return False
        with self._database.writing() as connection:
            removal.purge(connection, self._scope, before)
        self._work_off()
        return True

    def sweep(self) -> int:
        """Remove listed files and what crashes left, also while other processes run. Return their number.

        An original, an input image, a cover or an image that arrived is never removed only because no row
        names it.
        """
        return removal.sweep(self._database, self.assets, self._owners)

    # -------------------------------------------------------------- recovering

    def lost(self) -> list[LostFile]:
        """Return the images of the folder that no row names, the oldest first."""
        return list(recovery.lost(self._database, self.assets))

    def recover(self, some: Sequence[LostFile]) -> Recovered:
        """Make rows for some lost images, all or none. See `recovery`."""
        return recovery.recover(self._database, self.assets, self._scope, some)

    # -------------------------------------------------------------- pictures from outside

    def bring_in(self, topic_id: str, some: Sequence[TakenFile]) -> FolderImport:
        """Make rows for pictures that `imports.take` copied into the store, all or none."""
        return imports.add(self._database, self.assets, self._scope, topic_id, some)

    def forget_lost(self) -> None:
        """Take back the notice of lost images, after they were recovered."""
        self.notices = [notice for notice in self.notices if notice not in self._lost]

    # -------------------------------------------------------------- settings

    def setting(self, name: str) -> JSON:
        """Return a setting, or None."""
        with self._database.reading() as connection:
            return settings.read(connection, self._scope, name)

    def settings(self, prefix: str) -> dict[str, JSON]:
        """Return the settings whose names begin with a prefix, by name."""
        with self._database.reading() as connection:
            return settings.beginning(connection, self._scope, prefix)

    def save_setting(self, name: str, value: JSON) -> None:
        """Save a setting, which is any JSON value."""
        with self._database.writing() as connection:
            settings.save(connection, self._scope, name, value)

    def add_setting(self, name: str, value: JSON) -> bool:
        """Save a setting, unless there is one of this name. Return whether it was saved."""
        with self._database.writing() as connection:
            return settings.add(connection, self._scope, name, value)

    def rename_setting(self, name: str, to: str) -> Literal["renamed", "missing", "taken"]:
        """Give a setting another name, unless it is missing or another setting has the name."""
        with self._database.writing() as connection:
            return settings.rename(connection, self._scope, name, to)

    def remove_setting(self, name: str) -> bool:
        """Remove a setting, if it exists. Return whether it existed."""
        with self._database.writing() as connection:
            return settings.remove(connection, self._scope, name)

    # -------------------------------------------------------------- drafts

    def draft(self, topic_id: str | None) -> Draft:
        """Return the draft of a topic, or of a new topic (None), without images whose files are gone."""
        with self._database.reading() as connection:
            draft = drafts.read(connection, self._scope, topic_id)
        return self._with_files(draft)

    def save_draft(self, topic_id: str | None, draft: Draft) -> Draft:
        """Save the draft of a topic, or of a new topic (None). The draft keeps the files that it names.

        Returns:
            The draft that was saved, without images whose files are gone.

        Raises:
            NotFound: the topic is gone.
        """
        # The lock keeps others from removing a file after the check and before the commit.
        with self._files_locked(needed=bool(draft.inputs)), self._database.writing() as connection:
            kept = self._with_files(draft)
            dropped = drafts.save(connection, self._scope, topic_id, kept)
            removal.enlist(connection, "content", dropped, after=removal.DAY)
        self.assets.let_go(one.digest for one in kept.inputs)
        return kept

    # -------------------------------------------------------------- inside

    def _work_off(self) -> None:
        """Remove the listed files. The change is committed, so a failure here waits for the next start."""
        try:
            removal.work_off(self._database, self.assets)
        except StoreError as error:
            logger.warning("Files could not be removed yet: %s", error.message)

    def _with_files(self, draft: Draft) -> Draft:
        """Return a draft without the images whose files are gone."""
        kept = tuple(one for one in draft.references if self.assets.size(one) is not None)
        mask = draft.mask if draft.mask is not None and self.assets.size(draft.mask) is not None else None
        return replace(draft, references=kept, mask=mask)

    def _files_locked(self, *, needed: bool) -> AbstractContextManager[None]:
        # The lock always comes before the transaction, so that two processes cannot wait for each other.
        return self.assets.exclusive() if needed else nullcontext()

    def _touch_topic(
        self, connection: Connection, topic_id: str, at: datetime, new_topic: Topic | None
    ) -> None:
        if new_topic is not None and not queries.topic_exists(connection, new_topic.id):
            self._insert_topic(connection, new_topic)
        first = queries.first_place(connection, self._scope, topic_id, at)
        changes = {"topic": topic_id, "updated_at": first}
        if not connection.execute(_topic(self._scope), changes).rowcount:
            raise NotFound("The topic is gone.")

    def _save(self, connection: Connection, task: Task, owner: str, *, images: int) -> bool:
        changes = rows.task_changes(task)
        before = None
        if task.stage.final:
            changes |= {"lease_owner": None, "lease_until": None}
            before = spending.stage_of(connection, task.id)
        fence = {"task": task.id, "owner": owner}
        saved = connection.execute(_driven(self._scope), fence | changes).rowcount == 1
        if saved and before is not None:
            spending.book(connection, self._scope, task, before=before, images=images)
        return saved

    def _fill(
        self,
        connection: Connection,
        task: Task,
        images: Sequence[StoredImage],
        failures: Mapping[str, ErrorInfo],
    ) -> list[Generation]:
        wanted = {"batch": task.batch_id, "ids": [*failures, *(image.generation_id for image in images)]}
        found = connection.execute(_slots(self._scope), wanted).mappings()
        alive = {one.id: one for one in queries.read_generations(connection, found.all())}
        changed: dict[str, Generation] = {}
        for generation_id in failures.keys() & alive.keys():
            changed[generation_id] = replace(alive[generation_id], error=failures[generation_id])
        for image in images:
            if image.generation_id not in alive:
                continue
            self.assets.adopt(image.generation_id, image.digest, image.media_type)
            changed[image.generation_id] = replace(
                alive[image.generation_id],
                asset=self.assets.described(image.digest, image, image.size),
                applied=dict(image.applied),
                error=None,
            )
        if changed:
            parameters = [{"generation": item.id, **rows.filling(item)} for item in changed.values()]
            connection.execute(_GENERATION, parameters)
            made = [one for one in changed.values() if one.asset is not None]
            recipe_files.write(connection, self.assets, made, {task.id: task}, len(images))
            self._count(connection, task.batch_id, [image.generation_id for image in images])
        return sorted(changed.values(), key=lambda generation: generation.position)

    def _count(self, connection: Connection, batch_id: str, generation_ids: Sequence[str]) -> None:
        """Add images that were just stored to the number of images of their topic."""
        more = connection.scalar(_SEEN_OF, {"ids": generation_ids})
        if more:
            connection.execute(_COUNTED, {"batch": batch_id, "more": more})

    def _abandon(self, images: Sequence[StoredImage]) -> None:
        # Where the slot is still waiting, another owner drives its task and may need the bytes that arrived.
        with self._database.reading() as connection:
            table = tables.generations
            wanted = select(table.c.id).where(table.c.id.in_([image.generation_id for image in images]))
            waiting = set(connection.scalars(wanted))
        for image in images:
            if image.generation_id not in waiting:
                self.assets.discard(image.generation_id)
        self.assets.forget_thumbnails(image.digest for image in images)


def _inputs(entries: Sequence[Entry]) -> dict[str, Reference]:
    """Return the input images of batches by their digests."""
    return {one.digest: one for entry in entries for one in entry.batch.inputs}


def _insert(connection: Connection, table: Table, values: list[dict[str, Any]]) -> None:
    if values:
        connection.execute(_INSERTS[table], values)


# ------------------------------------------------------------------ statements, built once as in `queries`

# The parameters of a call name the columns that an insert or an update sets.

_TIMED = (tables.topics, tables.batches, tables.tasks, tables.generations)
"""The tables whose rows are listed in the order of their ids."""

_INSERTS = {table: insert(table) for table in tables.metadata.tables.values()}
_GENERATION = update(tables.generations).where(tables.generations.c.id == bindparam("generation"))
_SEEN_OF = (
    select(func.count())
    .select_from(tables.generations)
    .join(tables.batches, tables.batches.c.id == tables.generations.c.batch_id)
    .where(
        tables.generations.c.id.in_(bindparam("ids")),
        tables.generations.c.deleted_at.is_(None),
        tables.batches.c.deleted_at.is_(None),
    )
)
_COUNTED = (
    update(tables.topics)
    .where(
        tables.topics.c.id
        == select(tables.batches.c.topic_id)
        .where(tables.batches.c.id == bindparam("batch"))
        .scalar_subquery()
    )
    .values(images=tables.topics.c.images + bindparam("more"))
)


@lru_cache(queries.SCOPES)
def _topic(scope: Scope) -> Update:
    mine = tables.topics.c.id == bindparam("topic"), tables.topics.c.deleted_at.is_(None)
    return update(tables.topics).where(*mine, *scope.topics())


@lru_cache(queries.SCOPES)
def _driven(scope: Scope) -> Update:
    """Return the update of a task, which has an effect only while the owner drives the task."""
    table = tables.tasks
    mine = table.c.id == bindparam("task"), table.c.lease_owner == bindparam("owner")
    return update(table).where(*mine, *scope.tasks())


@lru_cache(queries.SCOPES)
def _slots(scope: Scope) -> Select[Any]:
    slots = tables.generations
    return select(slots).where(
        slots.c.batch_id == bindparam("batch"), slots.c.id.in_(bindparam("ids")), *scope.generations()
    )

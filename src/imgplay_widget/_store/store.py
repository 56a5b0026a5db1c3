"""The store: the one door to the history and its bytes."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from sqlalchemy import Connection, Select, Table, Update, bindparam, func, insert, select, update

from imgplay_widget._rules.costs import spend_of
from imgplay_widget._store import (
    curation,
    drafts,
    feeds,
    leases,
    migrations,
    queries,
    removal,
    rows,
    settings,
    spending,
    tables,
)
from imgplay_widget._store.assets import Assets
from imgplay_widget._store.curation import Hidden, Restored
from imgplay_widget._store.database import Database, place_of
from imgplay_widget._store.leases import Owners
from imgplay_widget._store.queries import Scope
from imgplay_widget._types import (
    EVERYTHING,
    JSON,
    Asset,
    Batch,
    Draft,
    Entry,
    FeedPage,
    Generation,
    Notice,
    Task,
    Topic,
    TopicPage,
    Wanted,
)
from imgplay_widget.errors import ErrorInfo, NotFound

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from types import EllipsisType

    from imgplay_widget._rules.costs import Budget, Spend, Today
    from imgplay_widget._types import Kind

__all__ = ["Hidden", "Restored", "Store", "StoredImage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """An image that `Assets.receive` has kept, to be named by a row.

    Attributes:
        generation_id: the place that it fills.
        digest: what `Assets.receive` gave.
        media_type, width, height: what `images.accept` gave.
        size: bytes.
        applied: what the provider says it used.
    """

    generation_id: str
    digest: str
    media_type: str
    width: int
    height: int
    size: int
    applied: Mapping[str, JSON] = field(default_factory=dict[str, JSON])


class Store:
    """The history of one user in one place. Blocking; used from one thread, `assets` from any.

    Make one with `open`. Every method may raise `StoreLocked` (another program has held the database for
    longer than the busy timeout), `DiskFull` and `StoreError`; what it was about to write is then not
    written at all.

    Attributes:
        key: the same text for every way to write the same place.
        location: the place, for people; without a password.
        assets: the files.
        notices: what the user should know of the place.
    """

    def __init__(self, database: Database, assets: Assets, scope: Scope, *, temporary: bool) -> None:
        self.key = database.place.key
        self.location = database.place.label
        self.assets = assets
        self.notices: list[Notice] = list(database.notices)
        self._database = database
        self._scope = scope
        self._temporary = temporary
        self._owners = Owners(assets.root / "owners", trusted=database.network is None)

    @classmethod
    def open(
        cls,
        location: str | os.PathLike[str] | None = None,
        *,
        user_id: str = "local",
        organization_id: str | None = None,
        busy_timeout: float = 5.0,
    ) -> Self:
        """Opens a history, and makes it where there is none.

        Args:
            location: a path (of a file, or of a folder that holds ``history.sqlite``), a database URL,
                ``"sqlite://"`` for one in memory, or None for the user's own data folder.
            user_id: whose rows are seen.
            organization_id: the organization within which they are seen, or None.
            busy_timeout: seconds to wait for another program that writes.

        Raises:
            InvalidRequest: the location cannot be read.
            StoreError: it cannot be opened; a message says why.
            StoreTooNew: a newer version of the package has written it.
            StoreLocked: another program holds it.
        """
        place = place_of(location)
        database = Database(place, busy_timeout=busy_timeout)
        try:
            migrations.migrate(database)
            root = place.assets or Path(tempfile.mkdtemp(prefix="imgplay-"))
            scope = Scope(user_id, organization_id)
            return cls(database, Assets(root), scope, temporary=place.assets is None)
        except BaseException:
            database.close()
            raise

    @staticmethod
    def key_of(location: str | os.PathLike[str] | None = None) -> str:
        """Gives the `key` that a store opened at a location would have, without opening it."""
        return place_of(location).key

    def close(self) -> None:
        """Gives locks and connection back. May be called again."""
        self._owners.close()
        self._database.close()
        if self._temporary:
            self.assets.remove_all()

    def version(self) -> int:
        """Gives a number that changes when another connection or process has committed."""
        return self._database.version()

    # -------------------------------------------------------------- topics

    def add_topic(self, topic: Topic) -> Topic:
        """Adds a topic, and gives it: a number comes after its title where another topic is called so."""
        with self._database.writing() as connection:
            return self._insert_topic(connection, topic)

    def _insert_topic(self, connection: Connection, topic: Topic) -> Topic:
        if topic.title is not None:
            free = queries.free_title(connection, self._scope, topic.title, topic.id)
            topic = replace(topic, title=free)
        _insert(connection, tables.topics, [rows.topic_row(topic)])
        return topic

    def topics(self) -> list[Topic]:
        """Gives all topics: those that are pinned first, then the one worked on last."""
        with self._database.reading() as connection:
            return queries.topics_of(connection, self._scope)

    def topic_page(self, *, search: str = "", before: str | None = None, limit: int) -> TopicPage:
        """Gives a page of the topics whose titles hold all words, in any order and whatever the case.

        Args:
            search: the words; none for all topics.
            before: the cursor of the page before, or None for the first page.
            limit: how many at most.

        Raises:
            InvalidRequest: the cursor is none.
        """
        with self._database.reading() as connection:
            return queries.topic_page(connection, self._scope, search=search, before=before, limit=limit)

    def find_topic(self, name: str) -> str | None:
        """Gives the id of the topic with this id or else with this title, or None."""
        with self._database.reading() as connection:
            return queries.find_topic(connection, self._scope, name)

    def bare_topics(self) -> list[Topic]:
        """Gives the topics that hold images and have no cover."""
        with self._database.reading() as connection:
            return queries.bare_topics(connection, self._scope)

    def topic(self, id: str) -> Topic | None:
        """Gives a topic, or None."""
        with self._database.reading() as connection:
            return queries.topic(connection, self._scope, id)

    def topics_by_id(self, ids: Sequence[str]) -> list[Topic]:
        """Gives those of some topics that are there."""
        with self._database.reading() as connection:
            return queries.topics_by_id(connection, self._scope, ids)

    def title_topic(
        self, topic_id: str, title: str, *, by: Literal["prompt", "model", "user"]
    ) -> Topic | None:
        """Gives a topic a title, unless somebody who goes before has given it one.

        The user goes before a model, and a model before the first words of a prompt. A number comes after
        a title that another topic has.

        Returns:
            The topic as it is now, or None where it is gone.
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
        """Changes a topic; its place in the list stays. What is not given stays as it is.

        Returns:
            The topic as it is now, or None where it is gone.
        """
        given = {"title": title, "cover_url": cover_url, "pinned": pinned}
        changes = {name: value for name, value in given.items() if value is not ...}
        with self._database.writing() as connection:
            old = queries.topic(connection, self._scope, id)
            if old is not None and changes:
                connection.execute(update(tables.topics).where(tables.topics.c.id == id).values(changes))
            new = queries.topic(connection, self._scope, id)
        if old is not None and new is not None and old.cover_url not in (None, new.cover_url):
            self.assets.remove_cover(old.cover_url or "")
        return new

    def save_cover(
        self, topic_id: str, generation_id: str, data: bytes, *, replace: bool = False
    ) -> Topic | None:
        """Gives a topic its cover, where it has none and the image is still seen in it.

        Args:
            topic_id: the topic.
            generation_id: the image that the cover was made from.
            data: what `images.cover` gave.
            replace: True takes the place of another cover.

        Returns:
            The topic as it is now, or None where it is gone.
        """
        # Nothing removes files meanwhile: a cover that no row names is a left-over at any other moment.
        with self._filing(needed=True), self._database.writing() as connection:
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
            new = queries.topic(connection, self._scope, topic_id)
        if old.cover_url not in (None, url):
            self.assets.remove_cover(old.cover_url or "")
        return new

    def cover_candidate(self, topic_id: str) -> Generation | None:
        """Gives the first image of a topic that has no cover, or None."""
        with self._database.reading() as connection:
            return queries.cover_candidate(connection, self._scope, topic_id)

    # -------------------------------------------------------------- batches

    def add_batches(
        self, entries: Sequence[Entry], *, new_topic: Topic | None = None, budget: Budget | None = None
    ) -> Topic:
        """Adds the batches of one topic with all that belongs to them, or nothing. It moves to the front.

        Args:
            entries: the batches, oldest first; their tasks have leases.
            new_topic: a topic to add with them.
            budget: what may be spent, or None for anything.

        Returns:
            The topic as it is now.

        Raises:
            NotFound: the topic, or the file of a reference, is gone.
            OverBudget: the budget does not allow it.
        """
        batches = [entry.batch for entry in entries]
        tasks = [task for entry in entries for task in entry.tasks]
        generations = [generation for entry in entries for generation in entry.generations]
        inputs = {one.digest: one for batch in batches for one in batch.inputs}
        with self._filing(needed=bool(inputs)), self._database.writing() as connection:
            for reference in inputs.values():
                url = self.assets.original_url(reference.digest, reference.media_type)
                if not self.assets.path(url).exists():
                    raise NotFound("A reference image is gone from the store.", next_step="Add it again.")
            if budget is not None:
                # In the same transaction: two clicks at once cannot pass it together.
                spending.refuse_beyond(connection, self._scope, tasks, budget)
            self._touch_topic(connection, batches[-1], new_topic)
            _insert(connection, tables.batches, [rows.batch_row(batch) for batch in batches])
            _insert(connection, tables.references, [row for b in batches for row in rows.input_rows(b)])
            _insert(connection, tables.tasks, [rows.task_row(task) for task in tasks])
            _insert(connection, tables.generations, [rows.generation_row(item) for item in generations])
            (topic,) = queries.topics_by_id(connection, self._scope, [batches[-1].topic_id])
        self.assets.let_go(inputs)
        return topic

    def entry(self, batch_id: str) -> Entry | None:
        """Gives a batch with what belongs to it, or None."""
        with self._database.reading() as connection:
            return queries.entry(connection, self._scope, batch_id)

    def entries(self, batch_ids: Sequence[str]) -> list[Entry]:
        """Gives those of some batches that are there, with what belongs to them, oldest first."""
        with self._database.reading() as connection:
            return queries.entries(connection, self._scope, batch_ids)

    def places(self, task_id: str) -> list[Generation]:
        """Gives the generations that a task fills, also those that are deleted and may come back."""
        with self._database.reading() as connection:
            return queries.places(connection, self._scope, task_id)

    def generation(self, id: str) -> tuple[Entry, Generation] | None:
        """Gives a generation and the batch it belongs to, or None."""
        with self._database.reading() as connection:
            return queries.generation(connection, self._scope, id)

    def generation_of(self, digest: str) -> tuple[Entry, Generation] | None:
        """Gives the newest generation whose image has these bytes (sha256), with its batch, or None."""
        with self._database.reading() as connection:
            return queries.generation_of(connection, self._scope, digest)

    def feed(
        self, topic_id: str | None, *, before: str | None = None, limit: int = 12, wanted: Wanted = EVERYTHING
    ) -> FeedPage:
        """Gives a page of a topic's batches, newest first. Every page of a whole topic costs the same.

        Args:
            topic_id: the topic, or None for all of them; an unknown one has an empty feed.
            before: `FeedPage.before` of the page before; None for the newest.
            limit: the most batches of a page, from 1.
            wanted: which batches.
        """
        with self._database.reading() as connection:
            return feeds.feed(connection, self._scope, topic_id, before=before, limit=limit, wanted=wanted)

    def unfinished(self, limit: int) -> list[Entry]:
        """Gives the batches with a generation that is not at its end, of all topics, oldest first."""
        with self._database.reading() as connection:
            return feeds.unfinished(connection, self._scope, limit)

    def prompts(self, limit: int) -> list[str]:
        """Gives the prompts of the newest batches, newest first, each once."""
        with self._database.reading() as connection:
            return feeds.prompts(connection, self._scope, limit)

    def models_used(self, topic_id: str | None) -> list[str]:
        """Gives the models of a topic's batches, or of all of them (None), by name."""
        with self._database.reading() as connection:
            return feeds.models_used(connection, self._scope, topic_id)

    # -------------------------------------------------------------- tasks

    def save_task(self, task: Task, *, owner: str) -> bool:
        """Saves where a task stands. Its lease stays, and ends with the task.

        Returns:
            False where nothing was saved: the task is gone, at its end, or driven by another owner.
        """
        with self._database.writing() as connection:
            return self._save(connection, task, owner, images=0)

    def finish_task(
        self,
        task: Task,
        images: Sequence[StoredImage],
        failures: Mapping[str, ErrorInfo],
        *,
        owner: str,
    ) -> list[Generation] | None:
        """Saves a task that came to its end, with its images, or nothing.

        Args:
            task: as it is now, in a final stage.
            images: what `Assets.receive` has kept.
            failures: by generation, why a place stays empty.
            owner: who drives the task.

        Returns:
            The generations that changed; those deleted meanwhile are left out. None where nothing was
            saved: the task is gone, at its end, or driven by another owner.
        """
        with self._filing(needed=not self._database.single_writer), self._database.writing() as connection:
            saved = self._save(connection, task, owner, images=len(images))
            changed = self._fill(connection, task, images, failures) if saved else None
        if changed is None:
            self._abandon(images)
            return None
        done = {generation.id for generation in changed}
        for image in images:
            self.assets.discard(image.generation_id)
        removal.collect(
            self._database, self.assets, {i.digest for i in images if i.generation_id not in done}
        )
        return changed

    def replace_tasks(self, attempts: Mapping[str, Task], *, budget: Budget | None = None) -> Entry | None:
        """Gives what tasks have left empty new ones, and removes the tasks that fill nothing any more.

        An attempt is taken whole or not at all: all places of its unit must be there, be empty and still
        have the old task. Else another process retries them already, and would pay a second time.

        Args:
            attempts: of one batch, by the task that failed, the next one.
            budget: what may be spent, or None for anything.

        Returns:
            The batch as it is now, with those of the new tasks that were taken; None where it is gone.

        Raises:
            OverBudget: the budget does not allow it.
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
            filled: list[str] = []
            for old, task in taken.items():
                for position, seed in zip(task.unit.positions, task.unit.seeds, strict=True):
                    # The record is of what is sent, and that may be another seed than the first time.
                    changes: dict[str, Any] = {"async_task_id": task.id, "error": None, "applied": {}}
                    place = update(table).where(table.c.id == found[old, position])
                    connection.execute(place.values(changes | {"seed": seed}))
                    filled.append(found[old, position])
            (batch_id,) = {task.batch_id for task in attempts.values()}
            if taken:
                removal.delete_idle_tasks(connection, batch_id)
            entry = queries.entry(connection, self._scope, batch_id)
        for generation_id in filled:
            # What an earlier try left must not be taken for what the new one brings.
            self.assets.discard(generation_id)
        return entry

    def tasks(self, ids: Sequence[str]) -> dict[str, Task]:
        """Gives those of some tasks that are there, by id."""
        with self._database.reading() as connection:
            return queries.tasks_of(connection, self._scope, ids)

    def durations(self, provider: str, model: str, limit: int = 200) -> list[float]:
        """Gives how long successful tasks of a model took, in seconds, the newest first."""
        with self._database.reading() as connection:
            return queries.durations(connection, self._scope, provider, model, limit)

    # -------------------------------------------------------------- spending

    def spent(self, *, since: datetime | None = None, topic_id: str | None = None) -> Spend:
        """Gives what was spent from a time on (None: ever), in a topic (None: in all of them)."""
        with self._database.reading() as connection:
            return spend_of(spending.lines(connection, self._scope, since=since, topic_id=topic_id))

    def today(self, since: datetime) -> Today:
        """Gives where the total of a day stands that began at a time."""
        with self._database.reading() as connection:
            return spending.today(connection, self._scope, since)

    def refuse_beyond(self, tasks: Sequence[Task], budget: Budget) -> None:
        """Refuses calls that are not stored yet and that a budget does not allow.

        Raises:
            OverBudget: it does not.
        """
        with self._database.reading() as connection:
            spending.refuse_beyond(connection, self._scope, tasks, budget)

    # -------------------------------------------------------------- leases

    def register(self, owner: str) -> None:
        """Takes a lock in the owner's name that ends with this process or with `close`.

        To be called before a task has this owner: a task of an owner without a lock is free.
        """
        self._owners.register(owner)
        self.assets.owner = owner

    def claim(self, owner: str, *, now: datetime, until: datetime) -> list[Task]:
        """Takes every unfinished task that nobody drives, and counts the resume.

        Args:
            owner: who takes them; registered.
            now: a lease that ended before is over.
            until: when the new leases end.
        """
        with self._database.writing() as connection:
            return leases.claim(connection, self._scope, self._owners, owner, now=now, until=until)

    def renew(self, owner: str, *, until: datetime) -> None:
        """Makes the leases of an owner last longer."""
        with self._database.writing() as connection:
            leases.renew(connection, self._scope, owner, until=until)

    def release(self, owner: str) -> None:
        """Gives the unfinished tasks of an owner free, for the next one to claim."""
        with self._database.writing() as connection:
            leases.release(connection, self._scope, owner)

    # -------------------------------------------------------------- deleting

    def hide(self, what: Kind, ids: Sequence[str], *, at: datetime, ended: Callable[[Task], Task]) -> Hidden:
        """Deletes topics, batches or generations, so that they can come back until they are purged.

        A batch goes with its last generation. Running tasks that fill nothing else end with it.

        Args:
            what: the kind of all `ids`.
            ids: what to delete; what is gone is left out.
            at: now.
            ended: gives an unfinished task as it is when it has ended.
        """
        with self._filing(needed=True):
            with self._database.writing() as connection:
                hidden, covers = curation.hide(connection, self._scope, what, ids, at=at, ended=ended)
            for url in covers:
                self.assets.remove_cover(url)
        return hidden

    def restore(self, what: Kind, ids: Sequence[str]) -> Restored:
        """Brings back exactly what a deletion of these took; what was deleted before it stays deleted."""
        with self._database.writing() as connection:
            return curation.restore(connection, self._scope, what, ids)

    # -------------------------------------------------------------- keeping order

    def favour(self, generation_ids: Sequence[str], *, favourite: bool) -> list[str]:
        """Stars generations, or takes the stars away, and gives the batches of those that changed."""
        with self._database.writing() as connection:
            return curation.favour(connection, self._scope, generation_ids, favourite=favourite)

    def move(
        self, batch_ids: Sequence[str], topic_id: str, *, at: datetime, new_topic: Topic | None = None
    ) -> tuple[list[str], list[Topic]]:
        """Puts batches into another topic, or does nothing.

        Args:
            batch_ids: what to move; what is gone is left out.
            topic_id: where to.
            at: now.
            new_topic: a topic to add with them, where there is something to move.

        Returns:
            The batches that lay elsewhere, and the topics that lost or got some, as they are now.

        Raises:
            NotFound: the topic is gone.
        """
        with self._filing(needed=True):
            with self._database.writing() as connection:
                if new_topic is not None:
                    self._insert_topic(connection, new_topic)
                elif queries.topic(connection, self._scope, topic_id) is None:
                    raise NotFound(f"There is no topic {topic_id!r}.")
                moved, changed, covers = curation.move(connection, self._scope, batch_ids, topic_id, at=at)
                if new_topic is not None and not moved:
                    connection.rollback()
                    return [], []
            for url in covers:
                self.assets.remove_cover(url)
        return moved, changed

    # -------------------------------------------------------------- what is gone for good

    def purge(self, before: datetime) -> bool:
        """Removes some of what was deleted before a time, with its files.

        Returns:
            True where there may be more.
        """
        with self._database.reading() as connection:
            if not removal.expired(connection, self._scope, before):
                return False
        with self._database.writing() as connection:
            removed = removal.purge(connection, self._scope, before)
        removal.finish(self._database, self.assets, removed)
        return True

    def sweep(self) -> int:
        """Removes the files that crashes have left, and gives how many. Safe beside other processes."""
        return removal.sweep(self._database, self.assets, self._owners)

    # -------------------------------------------------------------- settings

    def setting(self, name: str) -> JSON:
        """Gives a setting, or None."""
        with self._database.reading() as connection:
            return settings.read(connection, self._scope, name)

    def settings(self, prefix: str) -> dict[str, JSON]:
        """Gives the settings whose names begin so, by name."""
        with self._database.reading() as connection:
            return settings.beginning(connection, self._scope, prefix)

    def save_setting(self, name: str, value: JSON) -> None:
        """Saves a setting: any JSON value."""
        with self._database.writing() as connection:
            settings.save(connection, self._scope, name, value)

    # -------------------------------------------------------------- drafts

    def draft(self, topic_id: str | None) -> Draft:
        """Gives the draft of a topic (None: of the "new topic" screen), without images that are gone."""
        with self._database.reading() as connection:
            draft = drafts.read(connection, self._scope, topic_id)
        return self._there(draft)

    def save_draft(self, topic_id: str | None, draft: Draft) -> Draft:
        """Saves the draft of a topic (None: of the "new topic" screen). It keeps the files that it names.

        Returns:
            What was saved: images whose files are gone are left out.

        Raises:
            NotFound: the topic is gone.
        """
        # Nothing removes files meanwhile: none is taken between the look and the commit.
        with self._filing(needed=bool(draft.inputs)), self._database.writing() as connection:
            kept = self._there(draft)
            drafts.save(connection, self._scope, topic_id, kept)
        return kept

    # -------------------------------------------------------------- inside

    def _there(self, draft: Draft) -> Draft:
        """A draft without the images whose files are gone."""
        there = tuple(one for one in draft.references if self.assets.size(one) is not None)
        mask = draft.mask if draft.mask is not None and self.assets.size(draft.mask) is not None else None
        return replace(draft, references=there, mask=mask)

    def _filing(self, *, needed: bool) -> AbstractContextManager[None]:
        # Always before the transaction, so that two processes cannot wait for each other.
        return self.assets.exclusive() if needed else nullcontext()

    def _touch_topic(self, connection: Connection, batch: Batch, new_topic: Topic | None) -> None:
        if new_topic is not None:
            self._insert_topic(connection, new_topic)
        changes = {"topic": batch.topic_id, "updated_at": batch.created_at}
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
        found = connection.execute(_places(self._scope), wanted).mappings()
        alive = {row["id"]: rows.generation_of(row) for row in found}
        changed: dict[str, Generation] = {}
        for generation_id in failures.keys() & alive.keys():
            changed[generation_id] = replace(alive[generation_id], error=failures[generation_id])
        for image in images:
            if image.generation_id not in alive:
                continue
            self.assets.adopt(image.generation_id, image.digest, image.media_type)
            changed[image.generation_id] = replace(
                alive[image.generation_id], asset=self._asset(image), applied=dict(image.applied), error=None
            )
        if changed:
            parameters = [{"generation": item.id, **rows.filling(item)} for item in changed.values()]
            connection.execute(_GENERATION, parameters)
            self._count(connection, task.batch_id, [image.generation_id for image in images])
        return sorted(changed.values(), key=lambda generation: generation.position)

    def _count(self, connection: Connection, batch_id: str, generation_ids: Sequence[str]) -> None:
        """Adds images that have just come to those of their topic."""
        more = connection.scalar(_SEEN_OF, {"ids": generation_ids})
        if more:
            connection.execute(_COUNTED, {"batch": batch_id, "more": more})

    def _asset(self, image: StoredImage) -> Asset:
        return Asset(
            digest=image.digest,
            url=self.assets.original_url(image.digest, image.media_type),
            thumbnail_url=self.assets.thumbnail_url(image.digest),
            width=image.width,
            height=image.height,
            media_type=image.media_type,
            size=image.size,
        )

    def _abandon(self, images: Sequence[StoredImage]) -> None:
        # Where the place still waits, another owner drives it and may need what has arrived.
        with self._database.reading() as connection:
            table = tables.generations
            wanted = select(table.c.id).where(table.c.id.in_([image.generation_id for image in images]))
            waiting = set(connection.scalars(wanted))
        for image in images:
            if image.generation_id not in waiting:
                self.assets.discard(image.generation_id)
        removal.collect(self._database, self.assets, {image.digest for image in images})


def _insert(connection: Connection, table: Table, values: list[dict[str, Any]]) -> None:
    if values:
        connection.execute(_INSERTS[table], values)


# ------------------------------------------------------------------ statements, built once as in `queries`

# What an insert or an update sets is named by the parameters that it is run with.

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
    """The task, as long as the owner drives it."""
    table = tables.tasks
    mine = table.c.id == bindparam("task"), table.c.lease_owner == bindparam("owner")
    return update(table).where(*mine, *scope.tasks())


@lru_cache(queries.SCOPES)
def _places(scope: Scope) -> Select[Any]:
    places = tables.generations
    return select(places).where(
        places.c.batch_id == bindparam("batch"), places.c.id.in_(bindparam("ids")), *scope.generations()
    )

"""The recovery of images that no row names: after the database was lost, emptied or replaced by an older one.

The originals come back as they were, by their recipes (`recipe_files`). Bytes that arrived for a slot which
is empty fill this slot. An image of which nothing is known goes into the topic "Recovered".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Table, insert, select, update

from imgplay_widget._ids import new_id
from imgplay_widget._rules.kinds import SOME_IMAGE
from imgplay_widget._rules.titles import first_words
from imgplay_widget._store import (
    curation,
    images,
    queries,
    recipe_files,
    removal,
    rows,
    spending,
    sweeps,
    tables,
)
from imgplay_widget._store.tables import batches, generations, removals, tasks, topics
from imgplay_widget._types import Asset, Batch, Generation, Notice, Recovery, Stage, Topic
from imgplay_widget.errors import CorruptImage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import RowMapping

    from imgplay_widget._store.assets import Assets
    from imgplay_widget._store.database import Database
    from imgplay_widget._store.queries import Scope
    from imgplay_widget._store.recipe_files import Kept

__all__ = ["LostFile", "Recovered", "fill", "lost", "notices", "recover"]

_CHUNK = 500

TITLE = "Recovered"
"""The title of the topic for images of which nothing is known."""

UNKNOWN = "unknown"
"""The provider and the model of such an image."""

_Outcome = Literal["filled", "with_recipe", "without_recipe"]

DAMAGED = "The file is not a whole image."
RUNNING = "The request of the image still runs."
FOREIGN = "The image belongs to another user."
NAMED = "Another process recovered the image meanwhile."


@dataclass(frozen=True, slots=True)
class LostFile:
    """A file that no row names.

    Attributes:
        kind: an original, or bytes that arrived for a generation.
        name: the sha256 of the original, or the id of the generation.
    """

    kind: Literal["original", "arrived"]
    name: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """The result of a part of a recovery.

    Attributes:
        report: what was found and done.
        topic_ids: the topics that got images.
        batch_ids: the batches that were there before, and that got images.
    """

    report: Recovery
    topic_ids: frozenset[str]
    batch_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Found:
    """A lost file that was looked at: its image, and its recipe where that is known."""

    lost: LostFile
    asset: Asset
    kept: Kept | None
    made_at: datetime


# ------------------------------------------------------------------ finding


def notices(database: Database, assets: Assets) -> list[Notice]:
    """Return a notice where the database names no image, although its folder holds some."""
    with database.reading() as connection:
        stored = select(generations.c.id).where(generations.c.asset_digest.is_not(None)).limit(1)
        if connection.scalar(stored) is not None:
            return []
    if next(lost(database, assets), None) is None:
        return []
    message = (
        f"The folder {assets.root} holds images that the history does not name. "
        "Call recover() to bring them back."
    )
    return [Notice(kind="other", message=message)]


def lost(database: Database, assets: Assets) -> Iterator[LostFile]:
    """Return the images that no row names, without uploads and files that are about to be removed.

    Images with a recipe come first, because their batches name the input images among the others.
    """
    with_recipe, without = assets.originals()
    for part in _chunks(with_recipe + without):
        with database.reading() as connection:
            known = removal.named(connection, part) | _listed(connection, "content", part)
        yield from (
            LostFile("original", name) for name in part if name not in known and not assets.upload(name)
        )
    for part in _chunks(assets.arrived()):
        slots = select(generations.c.id).outerjoin(tasks, tasks.c.id == generations.c.async_task_id)
        filled = generations.c.asset_digest.is_not(None) | tasks.c.status.in_(queries.UNFINISHED)
        with database.reading() as connection:
            known = _listed(connection, "incoming", part)
            known.update(connection.scalars(slots.where(generations.c.id.in_(part), filled)))
        yield from (LostFile("arrived", name) for name in part if name not in known)


def _listed(connection: Connection, kind: str, names: Sequence[str]) -> set[str]:
    mine = select(removals.c.name).where(removals.c.kind == kind, removals.c.name.in_(names))
    return set(connection.scalars(mine))


def _look(assets: Assets, one: LostFile) -> _Found | None:
    """Return what a lost file holds, or None where it is not an image."""
    kept = recipe_files.read(assets, one.name) if one.kind == "original" else None
    file = assets.original(one.name) if one.kind == "original" else assets.arrived_file(one.name)
    try:
        state = file.stat()
        made_at = datetime.fromtimestamp(state.st_mtime, UTC)
        if kept is not None and kept.generation.asset and kept.generation.asset.size == state.st_size:
            return _Found(one, kept.generation.asset, kept, made_at)
        data = file.read_bytes()
        # The studio stored an original as an image. Bytes that only arrived may be anything.
        accepted = images.accept(data, SOME_IMAGE if one.kind == "original" else "")
    except (CorruptImage, OSError):
        return None
    digest = one.name if one.kind == "original" else assets.receive(one.name, data)
    asset = assets.described(digest, accepted, len(data))
    return _Found(one, asset, kept, made_at)


# ------------------------------------------------------------------ making rows again


def recover(database: Database, assets: Assets, scope: Scope, some: Sequence[LostFile]) -> Recovered:
    """Make rows for some lost files, in one transaction."""
    counts = {"filled": 0, "with_recipe": 0, "without_recipe": 0}
    skipped: dict[str, str] = {}
    seen = {one: _look(assets, one) for one in some}
    # A writer that is about to name a file in a row holds one of these two locks.
    with assets.exclusive(), database.writing() as connection:
        work = _Work(connection, scope, assets)
        for one, found in seen.items():
            outcome = DAMAGED if found is None else work.bring_back(found)
            if outcome in counts:
                counts[outcome] += 1
            elif outcome != NAMED:
                skipped[one.name] = outcome
        curation.update_topics(connection, scope, work.topic_ids)
    for one in some:
        if one.kind == "arrived" and one.name not in skipped:
            assets.discard(one.name)
    report = Recovery(**counts, skipped=skipped)
    return Recovered(report, frozenset(work.topic_ids), frozenset(work.batch_ids))


def fill(connection: Connection, scope: Scope, assets: Assets, row: RowMapping, asset: Asset) -> Generation:
    """Put an image that arrived into its empty slot, without an end of its task."""
    assets.adopt(row["id"], asset.digest, asset.media_type)
    filled = replace(rows.generation_of(row), asset=asset, error=None)
    mine = update(generations).where(generations.c.id == filled.id)
    connection.execute(mine.values(rows.filling(filled)))
    calls = queries.tasks_of(connection, scope, [filled.async_task_id or ""])
    recipe_files.write(connection, assets, [filled], calls, 1)
    return filled


class _Work:
    """A transaction that makes rows, and the topics and batches that it changed."""

    def __init__(self, connection: Connection, scope: Scope, assets: Assets) -> None:
        self.topic_ids: set[str] = set()
        self.batch_ids: set[str] = set()
        # The batches that this transaction makes.
        self._added: set[str] = set()
        self._connection = connection
        self._scope = scope
        self._assets = assets

    def bring_back(self, found: _Found) -> str:
        """Make the rows of one image. Return the outcome, or why the image is skipped."""
        kept = found.kept
        if found.lost.kind == "original" and removal.named(self._connection, [found.lost.name]):
            return NAMED
        if kept is not None and not self._mine(kept.batch.user_id, kept.batch.organization_id):
            return FOREIGN
        slot = found.lost.name if kept is None else kept.generation.id
        row = self._row(generations, slot)
        if row is None:
            if found.lost.kind == "arrived":
                if removal.named(self._connection, [found.asset.digest]):
                    return NAMED
                self._assets.adopt(found.lost.name, found.asset.digest, found.asset.media_type)
            return self._add_unknown(found) if kept is None else self._add(kept, found.asset)
        task = self._row(tasks, row["async_task_id"])
        if task is not None and not Stage(task["stage"]).final:
            return RUNNING
        batch = self._row(batches, row["batch_id"])
        if batch is None or not self._owns(batch):
            return FOREIGN
        if row["asset_digest"] is not None:
            # The slot holds another image, so this one gets a batch of its own.
            return self._add_unknown(found) if kept is None else self._add(_renamed(kept), found.asset)
        self._fill(row, found.asset, kept)
        self.topic_ids.add(batch["topic_id"])
        self.batch_ids.add(batch["id"])
        return "filled"

    def _fill(self, row: RowMapping, asset: Asset, kept: Kept | None) -> None:
        if kept is None:
            fill(self._connection, self._scope, self._assets, row, asset)
            return
        filled = replace(rows.generation_of(row), asset=asset, error=None, applied=kept.generation.applied)
        mine = update(generations).where(generations.c.id == filled.id)
        self._connection.execute(mine.values(rows.filling(filled)))

    def _add(self, kept: Kept, asset: Asset) -> str:
        batch = self._row(batches, kept.batch.id)
        if batch is not None and (batch["deleted_at"] is not None or not self._owns(batch)):
            kept, batch = _renamed(kept), None
        if batch is None:
            topic_id = self._topic_of(kept)
            self._added.add(kept.batch.id)
            sweep_id = self._sweep_of(kept, topic_id)
            self._add_batch(replace(kept.batch, topic_id=topic_id, sweep_id=sweep_id))
            if sweep_id is not None and kept.cell is not None:
                sweeps.fill_empty(self._connection, sweep_id, kept.cell, kept.batch.id)
        else:
            topic_id = batch["topic_id"]
        later = topics.c.id == topic_id, topics.c.updated_at < kept.batch.created_at
        used = update(topics).where(*later).values(updated_at=kept.batch.created_at)
        self._connection.execute(used)
        if kept.task is not None and self._row(tasks, kept.task.id) is None:
            self._insert(tables.tasks, rows.task_row(kept.task))
            # What was spent is known again too.
            book = spending.book
            book(self._connection, self._scope, kept.task, before=Stage.SUBMITTING, images=kept.images)
        position = self._free_position(kept.batch.id, kept.generation.position)
        self._add_generation(replace(kept.generation, position=position, asset=asset), topic_id)
        if kept.batch.id not in self._added:
            self.batch_ids.add(kept.batch.id)
        return "with_recipe"

    def _add_unknown(self, found: _Found) -> str:
        batch = Batch(
            id=new_id(),
            topic_id=self._recovered_topic(),
            user_id=self._scope.user_id,
            organization_id=self._scope.organization_id,
            provider=UNKNOWN,
            model=UNKNOWN,
            prompt="An image whose prompt is not known",
            config={"n": 1},
            width=None,
            height=None,
            created_at=found.made_at,
        )
        self._add_batch(batch)
        generation = Generation(
            id=new_id(),
            batch_id=batch.id,
            user_id=batch.user_id,
            async_task_id=None,
            position=0,
            seed=None,
            asset=found.asset,
            error=None,
            applied={},
            starred=False,
            parent_id=None,
            created_at=found.made_at,
        )
        self._add_generation(generation, batch.topic_id)
        return "without_recipe"

    def _add_batch(self, batch: Batch) -> None:
        # Without some of its references, the batch still does not answer a request without them.
        request = rows.digest_of(batch)
        # A reference whose file is gone could not be shown.
        there = [one for one in batch.references if self._assets.size(one) is not None]
        mask = batch.mask if batch.mask is not None and self._assets.size(batch.mask) is not None else None
        batch = replace(batch, references=tuple(there), mask=mask)
        self._insert(tables.batches, rows.batch_row(batch) | {"request_digest": request})
        for row in rows.input_rows(batch):
            self._insert(tables.references, row)

    def _add_generation(self, generation: Generation, topic_id: str) -> None:
        self._insert(tables.generations, rows.generation_row(generation))
        self.topic_ids.add(topic_id)

    def _free_position(self, batch_id: str, wanted: int) -> int:
        mine = select(generations.c.position).where(generations.c.batch_id == batch_id)
        taken = set(self._connection.scalars(mine))
        return wanted if wanted not in taken else max(taken) + 1

    def _topic_of(self, kept: Kept) -> str:
        """Return the topic of a recipe, which is made again where its row is gone."""
        row = self._row(topics, kept.topic.id)
        if row is None:
            title = kept.topic.title or first_words(kept.batch.words)
            self._add_topic(replace(kept.topic, title=title))
            return kept.topic.id
        seen = row["deleted_at"] is None and self._owns(row)
        return kept.topic.id if seen else self._recovered_topic()

    def _sweep_of(self, kept: Kept, topic_id: str) -> str | None:
        """Return the sweep of a recipe, which is made again where its row is gone, or None."""
        wanted = kept.batch.sweep_id
        row = self._row(tables.sweeps, wanted)
        if row is not None:
            return wanted if self._owns(row) and row["deleted_at"] is None else None
        if kept.sweep is None or kept.sweep.id != wanted:
            return None
        sweeps.add(self._connection, replace(kept.sweep, topic_id=topic_id))
        return wanted

    def _recovered_topic(self) -> str:
        found = queries.find_topic(self._connection, self._scope, TITLE)
        if found is not None:
            return found
        now = datetime.now(UTC)
        topic = Topic(
            id=new_id(),
            user_id=self._scope.user_id,
            organization_id=self._scope.organization_id,
            title=TITLE,
            title_by="user",
            cover_url=None,
            created_at=now,
            updated_at=now,
        )
        at = queries.first_place(self._connection, self._scope, topic.id, now)
        self._add_topic(replace(topic, updated_at=at))
        return topic.id

    def _add_topic(self, topic: Topic) -> None:
        free = queries.free_title(self._connection, self._scope, topic.title or TITLE, topic.id)
        self._insert(tables.topics, rows.topic_row(replace(topic, title=free)))

    def _owns(self, row: RowMapping) -> bool:
        return self._mine(row["user_id"], row["organization_id"])

    def _mine(self, user_id: str, organization_id: str | None) -> bool:
        return self._scope == queries.Scope(user_id, organization_id)

    def _row(self, table: Table, id: str | None) -> RowMapping | None:
        return self._connection.execute(select(table).where(table.c.id == id)).mappings().one_or_none()

    def _insert(self, table: Table, row: dict[str, Any]) -> None:
        self._connection.execute(insert(table), row)


def _renamed(kept: Kept) -> Kept:
    """Return a recipe for a new batch, where the rows of its own are taken."""
    batch = replace(kept.batch, id=new_id(), sweep_id=None)
    generation = replace(kept.generation, id=new_id(), batch_id=batch.id, async_task_id=None)
    return replace(kept, batch=batch, generation=generation, task=None)


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]

"""The migrations: numbered, append-only steps, each in one transaction.

A released step never changes. Its SQL is plain text, so that a later change of `tables` cannot change an old
step, and both SQLite and PostgreSQL understand it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Connection, bindparam, insert, inspect, select, text

from imgplay_widget._rules.costs import to_units
from imgplay_widget._rules.requests import request_digest
from imgplay_widget._store import copies, tables
from imgplay_widget._store.damage import reads_rows
from imgplay_widget._store.rows import folded
from imgplay_widget._text import clean, clean_json
from imgplay_widget.errors import DiskFull, StoreDamaged, StoreError, StoreLocked, StoreTooNew

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgplay_widget._store.database import Database

__all__ = ["migrate"]


def m0001_first_tables(connection: Connection) -> None:
    """Create the four tables of the history, the references of a batch, and the settings."""
    for statement in _M0001:
        connection.exec_driver_sql(statement)


def m0002_who_gave_the_title(connection: Connection) -> None:
    """Store the origin of a title, because a title by the user is never overwritten."""
    connection.exec_driver_sql(
        "ALTER TABLE image_generation_topics ADD COLUMN title_by TEXT NOT NULL DEFAULT 'prompt'"
    )


def m0003_masks(connection: Connection) -> None:
    """Store whether an input image is a reference or the mask over the first reference."""
    connection.exec_driver_sql(
        "ALTER TABLE image_generation_references ADD COLUMN role TEXT NOT NULL DEFAULT 'reference'"
    )


def m0004_undo_and_search(connection: Connection) -> None:
    """Add the marks of deletions, pinned topics, the number of their images, and searchable prompts."""
    for statement in _M0004:
        connection.exec_driver_sql(statement)
    # Python folds the prompts, because it folds the words of a search too, and each database folds
    # differently.
    prompts = connection.execute(text("SELECT id, prompt FROM image_generation_batches")).all()
    values = [{"batch": row.id, "folded": folded(row.prompt)} for row in prompts]
    if values:
        connection.execute(
            text("UPDATE image_generation_batches SET prompt_folded = :folded WHERE id = :batch"), values
        )


def m0005_spending(connection: Connection) -> None:
    """Create the ledger, which stays when images are deleted, and fill it from the history."""
    for statement in _M0005:
        connection.exec_driver_sql(statement)
    # Python reads the JSON, because each database reads JSON differently.
    lines: dict[str, dict[str, Any]] = {}
    for row in connection.execute(text(_ENDED)).mappings():
        unit, kept = _json(row["unit"]), _json(row["metadata"])
        line: dict[str, Any] = {name: row[name] for name in _COPIED}
        line["images"] = len(unit["positions"])
        for before in kept.get("previous", ()):
            error = before.get("error") or {"code": None}
            if before.get("cost") or error["code"] == "uncertain":
                # The end of this attempt is not known any more. It was before the next attempt began.
                line |= _amount(before.get("cost"), "uncertain") | {"at": row["created_at"]}
                lines[before["task"]] = line | {"key": before["task"]}
        key = unit["key"] or row["id"]
        line |= {"key": key, "at": row["finished_at"] or row["updated_at"]}
        if row["status"] == "success":
            free = "0" if row["provider"] in ("demo", "diffusers") else None
            line["images"] = row["images"] or line["images"]
            lines[key] = line | _amount(row["cost"] or free, "estimated")
        elif row["cost"] or row["error_code"] == "uncertain":
            lines[key] = line | _amount(row["cost"], "uncertain")
    if lines:
        connection.execute(text(_BOOKED), list(lines.values()))


def m0006_any_number_of_topics(connection: Connection) -> None:
    """Add the indexes that read the list of topics page by page, and find a topic by its title."""
    for statement in _M0006:
        connection.exec_driver_sql(statement)


def m0007_clicks(connection: Connection) -> None:
    """Store which batches belong to one click."""
    connection.exec_driver_sql("ALTER TABLE image_generation_batches ADD COLUMN click_id TEXT")


def m0008_stars(connection: Connection) -> None:
    """Call a star a star: rename the column of images, and the list of starred models in the settings."""
    for statement in _M0008:
        connection.exec_driver_sql(statement)
    # The typed values make each database read and write its own kind of JSON.
    configs = text(_CONFIGS).columns(value=JSON)
    changed = text(_RECONFIGURED).bindparams(bindparam("value", type_=JSON))
    for row in connection.execute(configs).mappings().all():
        config: dict[str, Any] | None = row["value"]
        if config and "favourite_models" in config:
            config["starred_models"] = config.pop("favourite_models")
            connection.execute(changed, dict(row))


def m0009_removals(connection: Connection) -> None:
    """Create the list of files to remove, because a file is removed only where a row says so."""
    connection.exec_driver_sql(_M0009)


def m0010_images_as_values(connection: Connection) -> None:
    """Store scores and tags, which results were used as input images, and the digests of requests.

    For the past, the digests of the input images tell which results they are.
    """
    for statement in _M0010:
        connection.exec_driver_sql(statement)
    inputs: dict[str, list[tuple[str, str]]] = {}
    for row in connection.execute(text(_INPUTS)):
        inputs.setdefault(row.batch_id, []).append((row.role, row.digest))
    digests: list[dict[str, str]] = []
    for row in connection.execute(text(_REQUESTS)):
        mine = inputs.get(row.id, [])
        digest = request_digest(
            provider=row.provider,
            model=row.model,
            prompt=clean(row.prompt),
            config=clean_json(_json(row.config)),
            references=[digest for role, digest in mine if role == "reference"],
            mask=next((digest for role, digest in mine if role == "mask"), None),
        )
        digests.append({"batch": row.id, "digest": digest})
    if digests:
        connection.execute(text(_REQUESTED), digests)


def m0011_sweeps(connection: Connection) -> None:
    """Store sweeps and their cells, and which sweep asked for a batch."""
    for statement in _M0011:
        connection.exec_driver_sql(statement)


def m0012_actions(connection: Connection) -> None:
    """Store what the user wanted of the first input image of a request."""
    connection.exec_driver_sql("ALTER TABLE image_generation_batches ADD COLUMN action TEXT")


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _amount(cost: str | None, otherwise: str) -> dict[str, Any]:
    told = to_units(cost)
    return {"amount": told, "basis": otherwise if told is None else "told"}


STEPS: tuple[Callable[[Connection], None], ...] = (
    m0001_first_tables,
    m0002_who_gave_the_title,
    m0003_masks,
    m0004_undo_and_search,
    m0005_spending,
    m0006_any_number_of_topics,
    m0007_clicks,
    m0008_stars,
    m0009_removals,
    m0010_images_as_values,
    m0011_sweeps,
    m0012_actions,
)


def migrate(database: Database) -> None:
    """Bring a database up to date. Two processes may do this at once.

    Before the format of an existing history changes, a copy of its database is kept (see `copies`).

    Raises:
        StoreTooNew: a newer version of the package has written the database.
        DiskFull: there is no space for the copy or for the change. A step is made whole or not at all.
        StoreError: the copy or a step failed. The error names the newest copies.
    """
    with database.reading() as connection:
        before = _applied(connection)
    if before == len(STEPS):
        return
    try:
        for number, step in enumerate(STEPS[before:], start=before + 1):
            _make_step(database, number, step, before)
    except (DiskFull, StoreDamaged, StoreLocked, StoreTooNew):
        raise
    except StoreError as error:
        raise StoreError(
            f"{error.message} The history could not be brought to the format of this version.",
            next_step=f"{error.next_step} {_copies_of(database)}".strip(),
        ) from error


def _make_step(database: Database, number: int, step: Callable[[Connection], None], before: int) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql(_MIGRATIONS)
        # The number is read again under the write lock, because another process may have been faster.
        present = _applied(connection)
        if present >= number:
            return
        file = database.location.file
        if file is not None and 0 < present == before == number - 1:
            # Only the first step of a run finds the history as it was, so only this one is worth a copy.
            copies.keep_copy(file, len(STEPS))
        # A step reads values that an earlier version wrote; only damage makes it fail on them.
        reads_rows(step)(connection)
        row = {"number": number, "name": step.__name__, "applied_at": datetime.now(UTC)}
        connection.execute(insert(tables.migrations), row)


def _copies_of(database: Database) -> str:
    file = database.location.file
    found = [] if file is None else copies.newest(file)
    if not found:
        return ""
    return f"The newest copies of the database are {', '.join(str(one) for one in found)}."


def _applied(connection: Connection) -> int:
    if not inspect(connection).has_table(tables.migrations.name):
        return 0
    numbers = connection.scalars(select(tables.migrations.c.number)).all()
    newest = max(numbers, default=0)
    if newest > len(STEPS):
        raise StoreTooNew(
            f"A newer version of imgplay-widget has written the history (its format is {newest}, "
            f"this version knows {len(STEPS)})."
        )
    return newest


_MIGRATIONS = """
CREATE TABLE IF NOT EXISTS image_migrations (
  number INTEGER NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at TIMESTAMP WITH TIME ZONE NOT NULL
)
"""

_M0001 = (
    """
CREATE TABLE image_generation_topics (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL,
  organization_id TEXT,
  title TEXT,
  cover_url TEXT,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT CURRENT_TIMESTAMP
)
""",
    """
CREATE TABLE image_generation_batches (
  id TEXT NOT NULL PRIMARY KEY,
  topic_id TEXT NOT NULL REFERENCES image_generation_topics(id) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  organization_id TEXT,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  prompt TEXT NOT NULL,
  config JSON NOT NULL DEFAULT '{}',
  width INTEGER,
  height INTEGER,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT CURRENT_TIMESTAMP
)
""",
    """
CREATE TABLE image_generation_references (
  batch_id TEXT NOT NULL REFERENCES image_generation_batches(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  digest TEXT NOT NULL,
  media_type TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  PRIMARY KEY (batch_id, position)
)
""",
    """
CREATE TABLE image_generations (
  id TEXT NOT NULL PRIMARY KEY,
  batch_id TEXT NOT NULL REFERENCES image_generation_batches(id) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  async_task_id TEXT,
  position INTEGER NOT NULL DEFAULT 0,
  seed BIGINT,
  asset JSON,
  asset_digest TEXT,
  error JSON,
  applied JSON NOT NULL DEFAULT '{}',
  favourite BOOLEAN NOT NULL DEFAULT FALSE,
  parent_id TEXT,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT CURRENT_TIMESTAMP
)
""",
    """
CREATE TABLE image_async_tasks (
  id TEXT NOT NULL PRIMARY KEY,
  batch_id TEXT NOT NULL REFERENCES image_generation_batches(id) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  type TEXT NOT NULL DEFAULT 'image_generation',
  status TEXT NOT NULL DEFAULT 'pending',
  stage TEXT NOT NULL DEFAULT 'pending',
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  unit JSON NOT NULL,
  deadline DOUBLE PRECISION NOT NULL,
  metadata JSON NOT NULL DEFAULT '{}',
  ticket JSON,
  results JSON NOT NULL DEFAULT '[]',
  error JSON,
  error_code TEXT,
  retryable BOOLEAN,
  attempt INTEGER NOT NULL DEFAULT 1,
  resumes INTEGER NOT NULL DEFAULT 0,
  request_id TEXT,
  cost TEXT,
  lease_owner TEXT,
  lease_until TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT CURRENT_TIMESTAMP,
  submitted_at TIMESTAMP WITH TIME ZONE,
  finished_at TIMESTAMP WITH TIME ZONE
)
""",
    """
CREATE TABLE image_settings (
  user_id TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  name TEXT NOT NULL,
  value JSON,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (user_id, organization_id, name)
)
""",
    "CREATE INDEX idx_topics_user ON image_generation_topics(user_id, organization_id)",
    "CREATE INDEX idx_batches_topic ON image_generation_batches(topic_id)",
    "CREATE INDEX idx_batches_feed ON image_generation_batches(topic_id, id)",
    "CREATE INDEX idx_references_digest ON image_generation_references(digest)",
    "CREATE INDEX idx_generations_batch ON image_generations(batch_id)",
    "CREATE INDEX idx_generations_task ON image_generations(async_task_id)",
    "CREATE INDEX idx_generations_digest ON image_generations(asset_digest)",
    "CREATE INDEX idx_tasks_status ON image_async_tasks(user_id, status)",
    "CREATE INDEX idx_tasks_batch ON image_async_tasks(batch_id)",
    "CREATE INDEX idx_tasks_durations ON image_async_tasks(user_id, provider, model, status, finished_at)",
)

_M0004 = (
    "ALTER TABLE image_generation_topics ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE image_generation_topics ADD COLUMN images INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE image_generation_topics ADD COLUMN cover_of TEXT",
    "ALTER TABLE image_generation_topics ADD COLUMN deleted_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE image_generation_batches ADD COLUMN prompt_folded TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE image_generation_batches ADD COLUMN deleted_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE image_generations ADD COLUMN deleted_at TIMESTAMP WITH TIME ZONE",
    """
UPDATE image_generation_topics SET images = (
  SELECT count(*) FROM image_generations AS g JOIN image_generation_batches AS b ON b.id = g.batch_id
  WHERE b.topic_id = image_generation_topics.id AND g.asset_digest IS NOT NULL
)
""",
    """
UPDATE image_generation_topics SET cover_of = (
  SELECT g.id FROM image_generations AS g JOIN image_generation_batches AS b ON b.id = g.batch_id
  LEFT JOIN image_async_tasks AS t ON t.id = g.async_task_id
  WHERE b.topic_id = image_generation_topics.id AND g.asset_digest IS NOT NULL
  ORDER BY t.finished_at, g.id LIMIT 1
) WHERE cover_url IS NOT NULL
""",
    "CREATE INDEX idx_batches_user ON image_generation_batches(user_id, organization_id, id)",
    "CREATE INDEX idx_generations_favourite ON image_generations(favourite, batch_id)",
    "CREATE INDEX idx_topics_deleted ON image_generation_topics(deleted_at) WHERE deleted_at IS NOT NULL",
    "CREATE INDEX idx_batches_deleted ON image_generation_batches(deleted_at) WHERE deleted_at IS NOT NULL",
    "CREATE INDEX idx_generations_deleted ON image_generations(deleted_at) WHERE deleted_at IS NOT NULL",
)

_M0005 = (
    "ALTER TABLE image_async_tasks ADD COLUMN estimate TEXT",
    """
CREATE TABLE image_spending (
  call_key TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL,
  organization_id TEXT,
  topic_id TEXT NOT NULL,
  batch_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  images INTEGER NOT NULL,
  amount BIGINT,
  basis TEXT NOT NULL,
  spent_at TIMESTAMP WITH TIME ZONE NOT NULL
)
""",
    "CREATE INDEX idx_spending_time ON image_spending(user_id, spent_at)",
    "CREATE INDEX idx_spending_batch ON image_spending(batch_id)",
)

_M0006 = (
    """
CREATE INDEX idx_topics_list ON image_generation_topics(
  user_id, organization_id, pinned, updated_at, id
)
""",
    "CREATE INDEX idx_topics_title ON image_generation_topics(user_id, organization_id, title)",
)

_COPIED = ("user_id", "organization_id", "topic_id", "batch_id", "provider", "model")

_ENDED = """
SELECT t.id, t.user_id, b.organization_id, b.topic_id, t.batch_id, t.provider, t.model, t.status, t.cost,
  t.error_code, t.unit, t.metadata, t.created_at, t.updated_at, t.finished_at,
  (SELECT count(*) FROM image_generations AS g
   WHERE g.async_task_id = t.id AND g.asset_digest IS NOT NULL) AS images
FROM image_async_tasks AS t JOIN image_generation_batches AS b ON b.id = t.batch_id
ORDER BY t.created_at, t.id
"""

_BOOKED = """
INSERT INTO image_spending (call_key, user_id, organization_id, topic_id, batch_id, provider, model, images,
  amount, basis, spent_at)
VALUES (:key, :user_id, :organization_id, :topic_id, :batch_id, :provider, :model, :images, :amount, :basis,
  :at)
"""

_M0008 = (
    "ALTER TABLE image_generations RENAME COLUMN favourite TO starred",
    "DROP INDEX idx_generations_favourite",
    "CREATE INDEX idx_generations_starred ON image_generations(starred, batch_id)",
)

_M0009 = """
CREATE TABLE image_removals (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (kind, name)
)
"""

_M0010 = (
    "ALTER TABLE image_generation_references ADD COLUMN generation_id TEXT",
    # The same image may have been made several times. Its first one counts, if it is older than the request.
    """
UPDATE image_generation_references SET generation_id = (
  SELECT g.id FROM image_generations AS g
  JOIN image_generation_batches AS made ON made.id = g.batch_id
  JOIN image_generation_batches AS b ON b.id = image_generation_references.batch_id
  WHERE g.asset_digest = image_generation_references.digest AND g.created_at < b.created_at
    AND made.user_id = b.user_id AND (
      made.organization_id = b.organization_id
      OR (made.organization_id IS NULL AND b.organization_id IS NULL)
    )
  ORDER BY g.created_at, g.id LIMIT 1
)
""",
    "CREATE INDEX idx_references_generation ON image_generation_references(generation_id)",
    """
UPDATE image_generations SET parent_id = (
  SELECT r.generation_id FROM image_generation_references AS r
  WHERE r.batch_id = image_generations.batch_id AND r.role = 'reference' AND r.generation_id IS NOT NULL
  ORDER BY r.position LIMIT 1
) WHERE batch_id IN (
  SELECT r.batch_id FROM image_generation_references AS r
  WHERE r.role = 'reference' AND r.generation_id IS NOT NULL
)
""",
    """
CREATE TABLE image_scores (
  generation_id TEXT NOT NULL REFERENCES image_generations(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (generation_id, name)
)
""",
    """
CREATE TABLE image_tags (
  generation_id TEXT NOT NULL REFERENCES image_generations(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  PRIMARY KEY (generation_id, name)
)
""",
    "CREATE INDEX idx_scores_name ON image_scores(name, value, generation_id)",
    "CREATE INDEX idx_tags_name ON image_tags(name, generation_id)",
    "ALTER TABLE image_generation_batches ADD COLUMN request_digest TEXT NOT NULL DEFAULT ''",
    """
CREATE INDEX idx_batches_request ON image_generation_batches(
  user_id, organization_id, request_digest, id
)
""",
)

_M0011 = (
    """
CREATE TABLE image_sweeps (
  id TEXT NOT NULL PRIMARY KEY,
  topic_id TEXT NOT NULL REFERENCES image_generation_topics(id) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  organization_id TEXT,
  digest TEXT NOT NULL,
  template TEXT NOT NULL,
  axes JSON NOT NULL,
  fixed JSON NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  deleted_at TIMESTAMP WITH TIME ZONE
)
""",
    "CREATE INDEX idx_sweeps_user ON image_sweeps(user_id, organization_id, id)",
    "CREATE INDEX idx_sweeps_topic ON image_sweeps(topic_id, id)",
    "CREATE INDEX idx_sweeps_digest ON image_sweeps(user_id, organization_id, digest, id)",
    "CREATE INDEX idx_sweeps_deleted ON image_sweeps(deleted_at) WHERE deleted_at IS NOT NULL",
    """
ALTER TABLE image_generation_batches ADD COLUMN sweep_id TEXT
  REFERENCES image_sweeps(id) ON DELETE SET NULL
""",
    "CREATE INDEX idx_batches_sweep ON image_generation_batches(sweep_id, topic_id, id)",
    """
CREATE TABLE image_sweep_cells (
  sweep_id TEXT NOT NULL REFERENCES image_sweeps(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  batch_id TEXT NOT NULL REFERENCES image_generation_batches(id) ON DELETE CASCADE,
  PRIMARY KEY (sweep_id, position)
)
""",
    "CREATE INDEX idx_sweep_cells_batch ON image_sweep_cells(batch_id)",
)

_INPUTS = "SELECT batch_id, role, digest FROM image_generation_references ORDER BY batch_id, position"

_REQUESTS = "SELECT id, provider, model, prompt, config FROM image_generation_batches"

_REQUESTED = "UPDATE image_generation_batches SET request_digest = :digest WHERE id = :batch"

_CONFIGS = "SELECT user_id, organization_id, value FROM image_settings WHERE name = 'config'"

_RECONFIGURED = """
UPDATE image_settings SET value = :value
WHERE user_id = :user_id AND organization_id = :organization_id AND name = 'config'
"""

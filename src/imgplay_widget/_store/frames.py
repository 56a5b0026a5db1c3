"""The history as tables of plain values, for analysis. The columns are documented here, and nowhere else.

The SELECTs go past SQLAlchemy's types, because a hundred thousand rows must come in seconds. Each value that
becomes an object of Python costs time, so a row comes as one text (`SEPARATOR`), which DuckDB takes apart.
The SELECTs read a part of the history at a time, so that the thread of the store is never held for long. The
parts follow the rowids of a table. The images of a batch come together, because they share its costs. A plus
before a column keeps SQLite from the index of that column, which would lead it through the whole history for
each part.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from imgplay_widget._text import clean_json
from imgplay_widget._types import Action

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from imgplay_widget._store.queries import Scope

__all__ = [
    "FRAMES",
    "SEPARATOR",
    "Frame",
    "FrameColumn",
    "Key",
    "Part",
    "Span",
    "last_rowid",
    "part_in",
    "part_of",
]

Key = Literal["topic", "batch"]
"""The thing whose change makes the rows of a frame stale."""

SEPARATOR = "\x1f"
"""The character between two values of a row: the unit separator of ASCII. An empty value means NULL.

The store keeps no such character. An old history may have some; each comes as U+FFFD, the replacement
character.
"""


@dataclass(frozen=True, slots=True)
class FrameColumn:
    """A column of a frame.

    Attributes:
        name: the name in SQL.
        type: the type in DuckDB.
        about: the meaning, for the documentation.
        sql: the expression that reads the column from the store; empty where DuckDB makes the column.
        made: the expression by which DuckDB makes the column from others at each query. A column that is made
            need not be read and copied.
        empty: whether an empty text is a value, and NULL does not occur.
    """

    name: str
    type: str
    about: str
    sql: str
    made: str = ""
    empty: bool = False

    @property
    def definition(self) -> str:
        """The type in the table of a query, with the expression of a column that is made."""
        return f"{self.type} GENERATED ALWAYS AS ({self.made}) VIRTUAL" if self.made else self.type


@dataclass(frozen=True, slots=True)
class Frame:
    """A table of the history.

    Attributes:
        name: the name in SQL.
        about: what a row is, for the documentation.
        columns: the columns, in their order: what a person reads first, and the ids last.
        key: what decides when the rows are read anew.
        key_column: the column that holds the id of this topic or batch.
        root: the table of the store whose rowids divide the rows into parts.
        source: the FROM and WHERE of the SELECT, where ``{pick}`` stands for the condition of the part.
        head: the WITH before the SELECT.
        hidden: columns that a part has and the table does not, from which `cost_usd` is made: the call of a
            slot, and whether the slot is deleted. Empty where the store knows the costs of a row.
    """

    name: str
    about: str
    columns: tuple[FrameColumn, ...]
    key: Key
    key_column: str
    root: str
    source: str
    head: str = ""
    hidden: tuple[FrameColumn, ...] = ()

    @property
    def read(self) -> tuple[FrameColumn, ...]:
        """The columns whose values a part has, in their order."""
        return tuple(column for column in (*self.columns, *self.hidden) if column.sql)

    def statement(self, pick: str) -> str:
        """Return the SELECT of a part of the rows, each as one text with the values of `read`."""
        form = SEPARATOR.join(["%s"] * len(self.read))
        values = ", ".join(column.sql for column in self.read)
        return f"{self.head} SELECT printf('{form}', {values}) {self.source}".replace("{pick}", pick)


@dataclass(frozen=True, slots=True)
class Span:
    """Rowids from `after`, which is not among them, to `last`."""

    after: int
    last: int


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a frame.

    Attributes:
        rows: the text of each row, with the values of `Frame.read`.
        spent: where the frame has hidden columns, the key of the call, the batch, and the billionths of a USD
            for all calls of the batches of these rows. The billionths are None where the cost is not known.
    """

    rows: list[tuple[str]]
    spent: list[tuple[str, str, int | None]]


def _usd(units: str) -> str:
    """Return the SQL of an amount in USD. As text, the amount reaches a decimal column without loss."""
    whole, part = f"{units} / 1000000000", f"{units} % 1000000000"
    return f"CASE WHEN {units} IS NOT NULL THEN printf('%d.%09d', {whole}, {part}) END"


def _free(text: str) -> str:
    """Return the SQL of a text that a user or a provider wrote."""
    return f"replace({text}, char(31), '\ufffd')"


def _sound(column: str) -> str:
    """Return the SQL of a JSON text. An old history may hold half an emoji, which DuckDB would refuse."""
    return f"CASE WHEN instr({column}, '\\ud') THEN imgplay_sound({column}) ELSE {column} END"


_SECONDS = FrameColumn(
    "seconds",
    "DOUBLE",
    "the seconds from sending the call to its end",
    sql="",
    # A task that ended before it was sent, because a clock went back, has no duration.
    made="CASE WHEN finished_at >= submitted_at "
    "THEN round((epoch_us(finished_at) - epoch_us(submitted_at)) / 1000000, 3) END",
)
_PROVIDER = FrameColumn(
    "provider", "VARCHAR", "the name of the provider", sql="", made="split_part(model, ':', 1)"
)

_PROMPT = FrameColumn("prompt", "VARCHAR", "the prompt", sql=_free("b.prompt"), empty=True)

_ACTION = FrameColumn(
    "action",
    "VARCHAR",
    "what the user wanted of the first input image: " + ", ".join(f"`{one}`" for one in get_args(Action)),
    sql="b.action",
)

_STATUS = "CASE WHEN k.stage IN ('submitting', 'downloading') THEN 'processing' ELSE k.stage END"
_SLOT_STATUS = (
    "CASE WHEN g.asset_digest IS NOT NULL THEN 'success' WHEN g.error IS NOT NULL THEN 'error' "
    f"WHEN k.id IS NULL THEN 'pending' ELSE {_STATUS} END"
)

_PICKED = """
WITH picked AS MATERIALIZED (
  SELECT b.id, b.topic_id, b.provider, b.model, b.prompt, b.config, b.width, b.height, b.created_at,
    b.sweep_id, b.action
  FROM image_generation_batches b JOIN image_generation_topics t ON t.id = b.topic_id
  WHERE +b.user_id = :user AND +b.organization_id IS :organization
    AND b.deleted_at IS NULL AND t.deleted_at IS NULL AND {pick}
)"""

_CALL = "coalesce(json_extract(k.unit, '$.key'), k.id)"
_LINES = (
    f"{_PICKED} SELECT s.call_key, s.batch_id, s.amount "  # noqa: S608 - words of ours
    "FROM picked JOIN image_spending s ON s.batch_id = picked.id"
)
_PARENTS = (
    "(SELECT '[' || coalesce(group_concat(r.generation_id, ', '), '') || ']' FROM (SELECT generation_id "
    "FROM image_generation_references WHERE batch_id = b.id ORDER BY position) r)"
)


def _columns(*columns: tuple[str, str, str, str] | FrameColumn) -> tuple[FrameColumn, ...]:
    return tuple(one if isinstance(one, FrameColumn) else FrameColumn(*one) for one in columns)


_TOPICS = Frame(
    name="topics",
    about="One row for each topic.",
    key="topic",
    key_column="id",
    root="image_generation_topics",
    source="FROM image_generation_topics t WHERE +t.user_id = :user AND +t.organization_id IS :organization "
    "AND t.deleted_at IS NULL AND {pick}",
    columns=_columns(
        ("title", "VARCHAR", "the title; NULL until the first prompt", _free("t.title")),
        ("pinned", "BOOLEAN", "whether the topic is pinned to the top of the list", "t.pinned"),
        ("images", "INTEGER", "the number of its images", "t.images"),
        ("created_at", "TIMESTAMP", "when the topic was made, in UTC", "t.created_at"),
        ("updated_at", "TIMESTAMP", "when the topic was last used, in UTC", "t.updated_at"),
        ("id", "VARCHAR", "the id", "t.id"),
    ),
)

_BATCHES = Frame(
    name="batches",
    about="One row for each batch, which is one request.",
    key="batch",
    key_column="id",
    root="image_generation_batches",
    head=_PICKED,
    source="FROM picked b WHERE EXISTS (SELECT 1 FROM image_generations g "
    "WHERE g.batch_id = b.id AND g.deleted_at IS NULL)",
    columns=_columns(
        _PROMPT,
        ("model", "VARCHAR", 'the model, `"provider:id"`', _free("b.provider || ':' || b.model")),
        _PROVIDER,
        ("width", "INTEGER", "the width that was asked for, in pixels", "b.width"),
        ("height", "INTEGER", "the height that was asked for, in pixels", "b.height"),
        (
            "references_count",
            "INTEGER",
            "the number of input images, the mask included",
            "(SELECT count(*) FROM image_generation_references r WHERE r.batch_id = b.id)",
        ),
        _ACTION,
        ("created_at", "TIMESTAMP", "when the batch was asked for, in UTC", "b.created_at"),
        ("params", "JSON", "the parameters as they were asked for", _sound("b.config")),
        (
            "parent_ids",
            "VARCHAR[]",
            "the images of the history among the input images, `generations.id`",
            _PARENTS,
        ),
        ("id", "VARCHAR", "the id", "b.id"),
        ("topic_id", "VARCHAR", "the topic, `topics.id`", "b.topic_id"),
        ("sweep_id", "VARCHAR", "the sweep that asked for the batch; NULL for none", "b.sweep_id"),
    ),
)

_GENERATIONS = Frame(
    name="generations",
    about="One row for each image, and for each slot whose image failed or has not come yet.",
    key="batch",
    key_column="batch_id",
    root="image_generation_batches",
    head=_PICKED,
    source="FROM picked b JOIN image_generations g ON g.batch_id = b.id "
    "LEFT JOIN image_async_tasks k ON k.id = g.async_task_id",
    hidden=_columns(
        ("call", "VARCHAR", "the call that fills the slot, `spending.call`", _CALL),
        ("deleted", "BOOLEAN", "whether the slot is deleted", "g.deleted_at IS NOT NULL"),
    ),
    columns=_columns(
        _PROMPT,
        ("model", "VARCHAR", 'the model, `"provider:id"`', _free("b.provider || ':' || b.model")),
        _PROVIDER,
        (
            "status",
            "VARCHAR",
            "`pending`, `processing`, `success`, `error` or `cancelled`",
            _SLOT_STATUS,
        ),
        ("seed", "BIGINT", "the seed that was sent", "g.seed"),
        ("width", "INTEGER", "the width of the image, in pixels", "json_extract(g.asset, '$.width')"),
        ("height", "INTEGER", "the height of the image, in pixels", "json_extract(g.asset, '$.height')"),
        _SECONDS,
        (
            "cost_usd",
            "DECIMAL(18,9)",
            "the cost of the call in USD, divided by its images; NULL where nothing is known to be spent",
            "",
        ),
        ("error", "VARCHAR", "the code of the error", "json_extract(g.error, '$.code')"),
        (
            "error_message",
            "VARCHAR",
            "what happened, in a sentence",
            _free(f"json_extract({_sound('g.error')}, '$.message')"),
        ),
        ("starred", "BOOLEAN", "whether the image has a star", "g.starred"),
        _ACTION,
        ("created_at", "TIMESTAMP", "when the image was asked for, in UTC", "g.created_at"),
        ("submitted_at", "TIMESTAMP", "when the call was sent, in UTC", "k.submitted_at"),
        ("finished_at", "TIMESTAMP", "when the call ended, in UTC", "k.finished_at"),
        ("params", "JSON", "the parameters as they were asked for", _sound("b.config")),
        ("applied", "JSON", "the values that the provider reported", _sound("g.applied")),
        ("media_type", "VARCHAR", "the kind of the file", "json_extract(g.asset, '$.mediaType')"),
        ("bytes", "BIGINT", "the size of the file", "json_extract(g.asset, '$.size')"),
        ("digest", "VARCHAR", "the sha256 of the file", "g.asset_digest"),
        (
            "file",
            "VARCHAR",
            "the file, relative to the folder of the images",
            "json_extract(g.asset, '$.url')",
        ),
        ("slot", "INTEGER", "the place in the batch, from 0", "g.position"),
        ("id", "VARCHAR", "the id", "g.id"),
        ("batch_id", "VARCHAR", "the batch, `batches.id`", "g.batch_id"),
        ("topic_id", "VARCHAR", "the topic, `topics.id`", "b.topic_id"),
        ("task_id", "VARCHAR", "the call that fills the slot, `tasks.id`", "g.async_task_id"),
        ("parent_id", "VARCHAR", "the first of `batches.parent_ids`", "g.parent_id"),
    ),
)

_TASKS = Frame(
    name="tasks",
    about="One row for each task, which is one call to a provider.",
    key="batch",
    key_column="batch_id",
    root="image_generation_batches",
    head=_PICKED,
    source="FROM picked b JOIN image_async_tasks k ON k.batch_id = b.id "
    f"LEFT JOIN image_spending s ON s.call_key = {_CALL}",
    columns=_columns(
        ("model", "VARCHAR", 'the model, `"provider:id"`', _free("k.provider || ':' || k.model")),
        _PROVIDER,
        (
            "images",
            "INTEGER",
            "the number of images that were asked for",
            "json_array_length(k.unit, '$.positions')",
        ),
        (
            "status",
            "VARCHAR",
            "`pending`, `processing`, `success`, `error` or `cancelled`",
            _STATUS,
        ),
        ("stage", "VARCHAR", "the exact state of the call", "k.stage"),
        _SECONDS,
        (
            "cost_usd",
            "DECIMAL(18,9)",
            "the cost of the call in USD. Tries for the same job are one call, so add up `spending` instead",
            _usd("s.amount"),
        ),
        ("error", "VARCHAR", "the code of the error", "k.error_code"),
        (
            "error_message",
            "VARCHAR",
            "what happened, in a sentence",
            _free(f"json_extract({_sound('k.error')}, '$.message')"),
        ),
        ("attempt", "INTEGER", "the number of the try", "k.attempt"),
        ("created_at", "TIMESTAMP", "when the task was made, in UTC", "k.created_at"),
        ("submitted_at", "TIMESTAMP", "when the call was sent, in UTC", "k.submitted_at"),
        ("finished_at", "TIMESTAMP", "when the call ended, in UTC", "k.finished_at"),
        ("request_id", "VARCHAR", "the provider's own id of the call", _free("k.request_id")),
        ("call", "VARCHAR", "the call, `spending.call`", _CALL),
        ("id", "VARCHAR", "the id", "k.id"),
        ("batch_id", "VARCHAR", "the batch, `batches.id`", "k.batch_id"),
        ("topic_id", "VARCHAR", "the topic, `topics.id`", "b.topic_id"),
    ),
)

_SPENDING = Frame(
    name="spending",
    about="One row for each call that cost something, or may have. Money stays spent when its images are "
    "deleted, so the calls of deleted images are among them. `sum(cost_usd)` is what `pg.spent()` says.",
    key="batch",
    key_column="batch_id",
    root="image_spending",
    source="FROM image_spending s "
    "WHERE +s.user_id = :user AND +s.organization_id IS :organization AND {pick}",
    columns=_columns(
        ("model", "VARCHAR", 'the model, `"provider:id"`', _free("s.provider || ':' || s.model")),
        _PROVIDER,
        ("images", "INTEGER", "the number of images that came, or that were asked for", "s.images"),
        ("cost_usd", "DECIMAL(18,9)", "the cost in USD; NULL where it is not known", _usd("s.amount")),
        (
            "basis",
            "VARCHAR",
            "`told` by the provider, `estimated` from the price, or `uncertain`: perhaps not billed",
            "s.basis",
        ),
        ("spent_at", "TIMESTAMP", "when the call ended, in UTC", "s.spent_at"),
        ("call", "VARCHAR", "the call, `tasks.call`", "s.call_key"),
        ("topic_id", "VARCHAR", "the topic of the batch, also where it was deleted", "s.topic_id"),
        ("batch_id", "VARCHAR", "the batch, also where it was deleted", "s.batch_id"),
    ),
)

# The rowids of the scores and the tags divide these two, because few images have any.
_LABELLED = (
    "FROM {table} s JOIN image_generations g ON g.id = s.generation_id "
    "JOIN image_generation_batches b ON b.id = g.batch_id "
    "JOIN image_generation_topics t ON t.id = b.topic_id "
    "WHERE +b.user_id = :user AND +b.organization_id IS :organization AND g.deleted_at IS NULL "
    "AND b.deleted_at IS NULL AND t.deleted_at IS NULL AND {pick}"
)

_OF_AN_IMAGE = (
    ("generation_id", "VARCHAR", "the image, `generations.id`", "s.generation_id"),
    ("batch_id", "VARCHAR", "the batch, `batches.id`", "g.batch_id"),
    ("topic_id", "VARCHAR", "the topic, `topics.id`", "b.topic_id"),
)

_SCORES = Frame(
    name="scores",
    about="One row for each score of an image.",
    key="batch",
    key_column="batch_id",
    root="image_scores",
    source=_LABELLED.replace("{table}", "image_scores"),
    columns=_columns(
        ("name", "VARCHAR", 'the name, such as `"clip"`', _free("s.name")),
        # A number with a fraction needs 17 digits to come back as the same number.
        ("value", "DOUBLE", "the value", "printf('%!.17g', s.value)"),
        *_OF_AN_IMAGE,
    ),
)

_TAGS = Frame(
    name="tags",
    about="One row for each tag of an image.",
    key="batch",
    key_column="batch_id",
    root="image_tags",
    source=_LABELLED.replace("{table}", "image_tags"),
    columns=_columns(("name", "VARCHAR", "the tag", _free("s.name")), *_OF_AN_IMAGE),
)

FRAMES: tuple[Frame, ...] = (_TOPICS, _BATCHES, _GENERATIONS, _TASKS, _SPENDING, _SCORES, _TAGS)
"""All tables, in the order of the documentation."""

_ROOTS = {
    "image_generation_topics": "t",
    "image_generation_batches": "b",
    "image_spending": "s",
    "image_scores": "s",
    "image_tags": "s",
}
_IDS = {
    "image_generation_topics": "t.id",
    "image_generation_batches": "b.id",
    "image_spending": "s.batch_id",
    "image_scores": "b.id",
    "image_tags": "b.id",
}


def last_rowid(connection: Connection, frame: Frame) -> int:
    """Return the last rowid of the table that divides a frame into parts, or 0."""
    return int(connection.exec_driver_sql(f"SELECT coalesce(max(rowid), 0) FROM {frame.root}").scalar_one())  # noqa: S608 - a name of ours


def part_in(connection: Connection, scope: Scope, frame: Frame, span: Span) -> Part:
    """Return the rows of a part of a frame."""
    root = _ROOTS[frame.root]
    pick = f"{root}.rowid > :after AND {root}.rowid <= :last"
    return _read(connection, scope, frame, pick, {"after": span.after, "last": span.last})


def part_of(connection: Connection, scope: Scope, frame: Frame, ids: Collection[str]) -> Part:
    """Return the rows of a frame that belong to some topics or batches (see `Frame.key`)."""
    # One parameter for all ids, because SQLite limits the number of parameters.
    pick = f"{_IDS[frame.root]} IN (SELECT value FROM json_each(:ids))"  # noqa: S608 - a name of ours
    return _read(connection, scope, frame, pick, {"ids": json.dumps(sorted(ids))})


def _read(connection: Connection, scope: Scope, frame: Frame, pick: str, parameters: dict[str, Any]) -> Part:
    driver: Any = connection.connection.driver_connection
    driver.create_function("imgplay_sound", 1, _sound_json, deterministic=True)
    values = {"user": scope.user_id, "organization": scope.organization_id, **parameters}
    # SQLAlchemy would wrap each of many rows.
    rows = driver.execute(frame.statement(pick), values).fetchall()
    lines = _LINES.replace("{pick}", pick)
    return Part(rows, driver.execute(lines, values).fetchall() if frame.hidden else [])


def _sound_json(text: str) -> str:
    return json.dumps(clean_json(json.loads(text)))

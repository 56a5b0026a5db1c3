"""The tables as they are now. `migrations` creates them; a test checks that both agree."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator

from imgplay_widget._store.damage import DamagedValue, reads_rows
from imgplay_widget._text import clean, clean_json

N = TypeVar("N", int | None, float | None)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

__all__ = [
    "batches",
    "generations",
    "metadata",
    "migrations",
    "references",
    "removals",
    "scores",
    "settings",
    "spending",
    "sweep_cells",
    "sweeps",
    "tags",
    "tasks",
    "topics",
]


class _Reader(Protocol[T_co]):
    """A function that turns what the driver returns into the value of a column."""

    def __call__(self, value: Any) -> T_co | None:
        """Return the value of the column."""
        ...


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC: text that sorts (SQLite), or a timestamp with time zone (PostgreSQL)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware time in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored time with its zone, which SQLite does not keep."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> _Reader[datetime] | None:
        """Return what reads a stored time."""
        return _checked(super().result_processor(dialect, coltype))


class CleanText(TypeDecorator[str]):
    """A text that is clean in both directions, because an earlier version may have stored half an emoji."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the text to store."""
        return None if value is None else clean(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Return the stored text."""
        if value is None:
            return None
        # A database in which bytes were overwritten may hold a value of any kind in any column.
        if not isinstance(value, str):
            raise DamagedValue(f"a column of text holds {type(value).__name__}")
        return clean(value)


class CleanJson(TypeDecorator[Any]):
    """A JSON value whose texts are clean in both directions."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return the value to store."""
        return clean_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return the stored value."""
        return clean_json(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> _Reader[Any] | None:
        """Return what reads a stored value."""
        return _checked(super().result_processor(dialect, coltype))


class Whole(TypeDecorator[int]):
    """A whole number."""

    impl = Integer
    cache_ok = True

    def process_result_value(self, value: int | None, dialect: Dialect) -> int | None:
        """Return the stored number."""
        return _number(value, str, bytes, float)


class BigWhole(Whole):
    """A whole number of 64 bits."""

    impl = BigInteger
    cache_ok = True


class Real(TypeDecorator[float]):
    """A number that need not be whole."""

    impl = Double
    cache_ok = True

    def process_result_value(self, value: float | None, dialect: Dialect) -> float | None:
        """Return the stored number."""
        return _number(value, str, bytes)


def _number(value: N, *wrong: type) -> N:
    if isinstance(value, wrong):
        raise DamagedValue(f"a column of numbers holds {type(value).__name__}")
    return value


def _checked(read: _Reader[T] | None) -> _Reader[T] | None:
    if read is None:
        return None
    checked = reads_rows(read)

    def reader(value: Any) -> T | None:
        return checked(value)

    return reader


def _json(name: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, CleanJson(none_as_null=True), nullable=nullable)


def _cascade(name: str, target: str, *, primary_key: bool = False) -> Column[str]:
    key = ForeignKey(target, ondelete="CASCADE")
    return Column(name, CleanText, key, primary_key=primary_key, nullable=False)


def _deleted(name: str) -> Index:
    """Return the index by which a purge finds deleted rows. It holds no other rows, so it costs nothing."""
    only = text("deleted_at IS NOT NULL")
    return Index(name, "deleted_at", sqlite_where=only, postgresql_where=only)


metadata = MetaData()

topics = Table(
    "image_generation_topics",
    metadata,
    Column("id", CleanText, primary_key=True),
    Column("user_id", CleanText, nullable=False),
    Column("organization_id", CleanText),
    Column("title", CleanText),
    Column("cover_url", CleanText),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("title_by", CleanText, nullable=False),
    Column("pinned", Boolean, nullable=False),
    # The number of visible images, updated with every write, because counting ten thousand would take too
    # long.
    Column("images", Whole, nullable=False, default=0),
    # The generation from which the cover was made.
    Column("cover_of", CleanText),
    Column("deleted_at", UtcTime),
    Index("idx_topics_user", "user_id", "organization_id"),
    Index("idx_topics_list", "user_id", "organization_id", "pinned", "updated_at", "id"),
    Index("idx_topics_title", "user_id", "organization_id", "title"),
    _deleted("idx_topics_deleted"),
)

# A sweep is one mark for many batches. Its cells come below, after the batches that they name.
sweeps = Table(
    "image_sweeps",
    metadata,
    Column("id", CleanText, primary_key=True),
    _cascade("topic_id", "image_generation_topics.id"),
    Column("user_id", CleanText, nullable=False),
    Column("organization_id", CleanText),
    Column("digest", CleanText, nullable=False),
    Column("template", CleanText, nullable=False),
    _json("axes", nullable=False),
    _json("fixed", nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("deleted_at", UtcTime),
    Index("idx_sweeps_user", "user_id", "organization_id", "id"),
    Index("idx_sweeps_topic", "topic_id", "id"),
    Index("idx_sweeps_digest", "user_id", "organization_id", "digest", "id"),
    _deleted("idx_sweeps_deleted"),
)

batches = Table(
    "image_generation_batches",
    metadata,
    Column("id", CleanText, primary_key=True),
    _cascade("topic_id", "image_generation_topics.id"),
    Column("user_id", CleanText, nullable=False),
    Column("organization_id", CleanText),
    Column("provider", CleanText, nullable=False),
    Column("model", CleanText, nullable=False),
    Column("prompt", CleanText, nullable=False),
    _json("config", nullable=False),
    Column("width", Whole),
    Column("height", Whole),
    Column("created_at", UtcTime, nullable=False),
    # The prompt as `rows.folded` returns it, because no database knows the capitals of every language.
    Column("prompt_folded", CleanText, nullable=False),
    Column("deleted_at", UtcTime),
    Column("click_id", CleanText),
    # The digest of `_rules.requests`, by which the same request is found again.
    Column("request_digest", CleanText, nullable=False),
    # The sweep that asked for the batch. A batch from the store can stand in other sweeps too.
    Column("sweep_id", CleanText, ForeignKey("image_sweeps.id", ondelete="SET NULL")),
    # What the user wanted of the first input image (`_types.Action`).
    Column("action", CleanText),
    Index("idx_batches_topic", "topic_id"),
    Index("idx_batches_feed", "topic_id", "id"),
    Index("idx_batches_user", "user_id", "organization_id", "id"),
    Index("idx_batches_request", "user_id", "organization_id", "request_digest", "id"),
    Index("idx_batches_sweep", "sweep_id", "topic_id", "id"),
    _deleted("idx_batches_deleted"),
)

sweep_cells = Table(
    "image_sweep_cells",
    metadata,
    _cascade("sweep_id", "image_sweeps.id", primary_key=True),
    # The place among the combinations of the values, the last axis first.
    Column("position", Whole, primary_key=True, autoincrement=False),
    _cascade("batch_id", "image_generation_batches.id"),
    Index("idx_sweep_cells_batch", "batch_id"),
)

references = Table(
    "image_generation_references",
    metadata,
    _cascade("batch_id", "image_generation_batches.id", primary_key=True),
    Column("position", Whole, primary_key=True, autoincrement=False),
    Column("digest", CleanText, nullable=False),
    Column("media_type", CleanText, nullable=False),
    Column("width", Whole, nullable=False),
    Column("height", Whole, nullable=False),
    Column("role", CleanText, nullable=False),
    # The generation whose image this is. Its row may be gone, and a recovery may bring the row back.
    Column("generation_id", CleanText),
    Index("idx_references_digest", "digest"),
    Index("idx_references_generation", "generation_id"),
)

generations = Table(
    "image_generations",
    metadata,
    Column("id", CleanText, primary_key=True),
    _cascade("batch_id", "image_generation_batches.id"),
    Column("user_id", CleanText, nullable=False),
    Column("async_task_id", CleanText),
    Column("position", Whole, nullable=False),
    Column("seed", BigWhole),
    _json("asset"),
    Column("asset_digest", CleanText),
    _json("error"),
    _json("applied", nullable=False),
    Column("starred", Boolean, nullable=False),
    Column("parent_id", CleanText),
    Column("created_at", UtcTime, nullable=False),
    Column("deleted_at", UtcTime),
    Index("idx_generations_batch", "batch_id"),
    Index("idx_generations_task", "async_task_id"),
    Index("idx_generations_digest", "asset_digest"),
    Index("idx_generations_starred", "starred", "batch_id"),
    _deleted("idx_generations_deleted"),
)

# What code and users say of an image. These rows go with the generation.
scores = Table(
    "image_scores",
    metadata,
    _cascade("generation_id", "image_generations.id", primary_key=True),
    Column("name", CleanText, primary_key=True),
    Column("value", Real, nullable=False),
    Index("idx_scores_name", "name", "value", "generation_id"),
)

tags = Table(
    "image_tags",
    metadata,
    _cascade("generation_id", "image_generations.id", primary_key=True),
    Column("name", CleanText, primary_key=True),
    Index("idx_tags_name", "name", "generation_id"),
)

tasks = Table(
    "image_async_tasks",
    metadata,
    Column("id", CleanText, primary_key=True),
    _cascade("batch_id", "image_generation_batches.id"),
    Column("user_id", CleanText, nullable=False),
    Column("type", CleanText, nullable=False, default="image_generation"),
    Column("status", CleanText, nullable=False),
    Column("stage", CleanText, nullable=False),
    Column("provider", CleanText, nullable=False),
    Column("model", CleanText, nullable=False),
    _json("unit", nullable=False),
    Column("deadline", Real, nullable=False),
    _json("metadata", nullable=False),
    _json("ticket"),
    _json("results", nullable=False),
    _json("error"),
    Column("error_code", CleanText),
    Column("retryable", Boolean),
    Column("attempt", Whole, nullable=False),
    Column("resumes", Whole, nullable=False),
    Column("request_id", CleanText),
    Column("cost", CleanText),
    Column("lease_owner", CleanText),
    Column("lease_until", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("submitted_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("estimate", CleanText),
    Index("idx_tasks_status", "user_id", "status"),
    Index("idx_tasks_batch", "batch_id"),
    Index("idx_tasks_durations", "user_id", "provider", "model", "status", "finished_at"),
)

# What was spent. The table does not cascade: money stays spent when its images are deleted.
spending = Table(
    "image_spending",
    metadata,
    # The key of the call. A Retry that asks for the same job has the same key, so that no call is booked
    # twice.
    Column("call_key", CleanText, primary_key=True),
    Column("user_id", CleanText, nullable=False),
    Column("organization_id", CleanText),
    Column("topic_id", CleanText, nullable=False),
    Column("batch_id", CleanText, nullable=False),
    Column("provider", CleanText, nullable=False),
    Column("model", CleanText, nullable=False),
    Column("images", Whole, nullable=False),
    # Billionths of a dollar, or NULL where the cost is unknown. A database cannot add text, nor floats
    # exactly.
    Column("amount", BigWhole),
    Column("basis", CleanText, nullable=False),
    Column("spent_at", UtcTime, nullable=False),
    Index("idx_spending_time", "user_id", "spent_at"),
    Index("idx_spending_batch", "batch_id"),
)

settings = Table(
    "image_settings",
    metadata,
    Column("user_id", CleanText, primary_key=True),
    # Empty without an organization, because a primary key may not hold NULL.
    Column("organization_id", CleanText, primary_key=True),
    Column("name", CleanText, primary_key=True),
    _json("value"),
    Column("updated_at", UtcTime, nullable=False),
)

# The files that lost a row which named them. Nothing else removes an original.
removals = Table(
    "image_removals",
    metadata,
    # "content" (an original and its thumbnail, by digest), "cover" (by url) or "incoming" (by generation).
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("due_at", UtcTime, nullable=False),
)

migrations = Table(
    "image_migrations",
    metadata,
    Column("number", Whole, primary_key=True, autoincrement=False),
    Column("name", CleanText, nullable=False),
    Column("applied_at", UtcTime, nullable=False),
)

"""What the engine tells: values, each sent after the row that it speaks of was committed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from imgplay_widget._rules.costs import Today
    from imgplay_widget._types import JSON, Draft, Entry, Notice, Topic

__all__ = [
    "Change",
    "DraftWritten",
    "EntryAdded",
    "EntryChanged",
    "EntryWritten",
    "ModelsWritten",
    "NoticeGiven",
    "Progressed",
    "Removed",
    "SettingWritten",
    "SpendingWritten",
    "StoreWritten",
    "TopicWritten",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryAdded:
    """A batch was stored. `topic` is its topic as it is now."""

    entry: Entry
    topic: Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChanged:
    """The generations of `generation_ids` in `entry` changed."""

    entry: Entry
    generation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryWritten:
    """A batch came back, or lost or regained images: it is to be shown as it is now."""

    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """A running generation moved. Not stored.

    Attributes:
        progress: 0.0 to 1.0, or None where unknown.
        queue_position: how many jobs are before it, or None.
        preview: bytes of a partial image, or None where there is no new one.
    """

    batch_id: str
    generation_id: str
    progress: float | None
    queue_position: int | None
    preview: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """Something was deleted: ids of topics, (batch, topic) pairs and (generation, batch) pairs.

    Generations that went with their batch are not among them; batches that went with their topic are.
    """

    topic_ids: tuple[str, ...]
    batches: tuple[tuple[str, str], ...]
    generations: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicWritten:
    """A topic was made or came back, or something of it changed.

    Attributes:
        returned: True where it had been deleted, with all that it holds.
    """

    topic: Topic
    returned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreWritten:
    """Another process wrote to the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsWritten:
    """A provider said what it offers now, or a key came or went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingWritten:
    """A setting (``"config"``, ``"active_topic"``) was changed by `source`, a view or code.

    Attributes:
        source: who changed it, so that it need not be told to itself; None for code.
    """

    name: str
    value: JSON
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftWritten:
    """The draft of a topic (None: of the "new topic" screen) was changed by `source`, a view or code.

    Attributes:
        source: as of `SettingWritten`.
    """

    topic_id: str | None
    draft: Draft
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingWritten:
    """Today's total or the budget is another one now.

    Attributes:
        budget: USD a day, or None for none.
    """

    today: Today
    budget: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeGiven:
    """Something that the user should know and that belongs to no batch."""

    notice: Notice


Change = (
    EntryAdded
    | EntryChanged
    | EntryWritten
    | Progressed
    | Removed
    | TopicWritten
    | SettingWritten
    | DraftWritten
    | StoreWritten
    | ModelsWritten
    | SpendingWritten
    | NoticeGiven
)

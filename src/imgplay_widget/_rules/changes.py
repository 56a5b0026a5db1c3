"""The changes that the engine announces. Each is sent after its row was committed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from decimal import Decimal

    from imgplay_widget._rules.costs import Today
    from imgplay_widget._types import JSON, Draft, Entry, Notice, Sweep, Topic

__all__ = [
    "Change",
    "DraftWritten",
    "EntryAdded",
    "EntryChanged",
    "EntryWritten",
    "ModelsWritten",
    "NoticeGiven",
    "PresetsWritten",
    "Progressed",
    "Removed",
    "SettingWritten",
    "SpendingWritten",
    "StoreWritten",
    "SweepWritten",
    "TopicWritten",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryAdded:
    """A batch was stored in `topic`."""

    entry: Entry
    topic: Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChanged:
    """Some generations of a batch changed: those with the ids `generation_ids`."""

    entry: Entry
    generation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryWritten:
    """A batch was moved or restored, or its images were restored, or got stars, scores or tags.

    The page shows the batch anew.
    """

    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepWritten:
    """A sweep was stored, or other batches stand in its cells now."""

    sweep: Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """A running generation made progress, which is not stored.

    Attributes:
        progress: 0.0 to 1.0, or None where it is unknown.
        queue_position: the number of jobs before this one at the provider, or None.
        preview: the bytes of a new preview, or None.
        retry_in: seconds to the next try of a call that the provider refused for its rate limit, or None.
    """

    batch_id: str
    generation_id: str
    progress: float | None
    queue_position: int | None
    preview: bytes | None
    retry_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """Topics, batches or generations were deleted.

    Attributes:
        topic_ids: the deleted topics.
        batches: pairs of the ids of a batch and its topic; batches of deleted topics are among them.
        generations: pairs of the ids of a generation and its batch, for generations whose batch stays.
        source: the page that deleted them (see `SettingWritten`).
    """

    topic_ids: tuple[str, ...]
    batches: tuple[tuple[str, str], ...]
    generations: tuple[tuple[str, str], ...]
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicWritten:
    """A topic was created, restored or changed.

    Attributes:
        returned: True where the topic was restored, with all that it holds.
    """

    topic: Topic
    returned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreWritten:
    """Another process wrote to the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsWritten:
    """The models of a provider changed, or a key was set or removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetsWritten:
    """A preset was saved, renamed or deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingWritten:
    """A setting (``"config"`` or ``"active_topic"``) changed.

    Attributes:
        source: the view that made the change and knows it already; None for code.
    """

    name: str
    value: JSON
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftWritten:
    """The draft of a topic, or of the screen for a new topic, changed.

    Attributes:
        topic_id: the topic, or None for the screen for a new topic.
    """

    topic_id: str | None
    draft: Draft
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingWritten:
    """Today's total or the budget changed.

    Attributes:
        budget: USD a day, or None where there is no budget.
    """

    today: Today
    budget: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeGiven:
    """There is a notice for the user that does not belong to a batch."""

    notice: Notice
    level: Literal["warning", "error"] = "warning"


Change = (
    EntryAdded
    | EntryChanged
    | EntryWritten
    | SweepWritten
    | Progressed
    | Removed
    | TopicWritten
    | SettingWritten
    | DraftWritten
    | StoreWritten
    | ModelsWritten
    | PresetsWritten
    | SpendingWritten
    | NoticeGiven
)

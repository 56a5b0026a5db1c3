"""The events of a page: the changes of the studio in order, as messages of the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imgplay_widget._page import protocol
from imgplay_widget._page.calls import Attachments
from imgplay_widget._page.states import (
    batch_state,
    config_state,
    draft_state,
    generation_state,
    spending_state,
    sweep_state,
    topic_state,
)
from imgplay_widget._rules.changes import (
    Change,
    DraftWritten,
    EntryAdded,
    EntryChanged,
    EntryWritten,
    ModelsWritten,
    NoticeGiven,
    PresetsWritten,
    Progressed,
    Removed,
    SettingWritten,
    SpendingWritten,
    StoreWritten,
    SweepWritten,
    TopicWritten,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgplay_widget._page.pictures import Pictures
    from imgplay_widget._studio.core import Core
    from imgplay_widget._types import Entry

    Send = Callable[[dict[str, Any], list[bytes]], None]

__all__ = ["EventStream"]

UNACKNOWLEDGED = 64
"""The most thumbnails, and the most previews, that are pushed without an acknowledgement."""

SMALL_PREVIEW = 100_000
"""The most bytes of a preview that is sent as it is. A larger one is made small first."""


@dataclass
class _Pushed:
    """The number of pictures that were pushed since a page last acknowledged."""

    thumbnails: int
    previews: int


class EventStream:
    """The events of a playground, whose page several browsers may show. They run on the engine's loop.

    A page that said hello gets events until it leaves. Events have pictures while a page acknowledges them.
    So the playgrounds of earlier runs of a cell, which nobody sees, cost next to nothing.

    Args:
        core: the studio.
        pictures: the pictures, of which the stream reads covers.
        send: sends a message (JSON and buffers) to the page.
        source: the id of the page. The page is not told the settings that it wrote (see `SettingWritten`).

    Attributes:
        seq: the number of the newest event message.
    """

    def __init__(self, core: Core, pictures: Pictures, send: Send, source: str) -> None:
        self.seq = 0
        self._core = core
        self._archive = core.archive
        self._pictures = pictures
        self._send = send
        self._source = source
        self._met = False
        # The pages that said hello and did not leave, by their ids.
        self._pages: dict[str, _Pushed] = {}

    def hello(self, page: str) -> None:
        """Send events to a page from now on."""
        self._met = True
        # A page that never acknowledged counts as one that was pushed all pictures it may have.
        self._pages.setdefault(page, _Pushed(UNACKNOWLEDGED, UNACKNOWLEDGED))

    def acknowledge(self, page: str) -> None:
        """Note that a page has shown the events that were pushed."""
        self._pages[page] = _Pushed(thumbnails=0, previews=0)

    def leave(self, page: str) -> None:
        """Note that nobody sees a page any more."""
        self._pages.pop(page, None)

    @property
    def met(self) -> bool:
        """Whether a page ever said hello."""
        return self._met

    @property
    def seen(self) -> bool:
        """Whether a page is seen: it said hello, acknowledges the events and did not leave."""
        return any(pushed.thumbnails < UNACKNOWLEDGED for pushed in self._pages.values())

    @property
    def _previewed(self) -> bool:
        return any(pushed.previews < UNACKNOWLEDGED for pushed in self._pages.values())

    async def publish(self, changes: list[Change]) -> None:
        """Send the changes to the pages that said hello, as events in one message."""
        if not self._pages:
            return
        buffers = Attachments()
        events: list[Any] = []
        for change in changes:
            events += await self._events(change, buffers)
        if events:
            self._tell(events, buffers)

    def announce(self, event: protocol.SelectionChanged) -> None:
        """Send an event that is not a change of the studio to the pages that said hello."""
        if self._pages:
            self._tell([event], Attachments())

    def _tell(self, events: list[Any], buffers: Attachments) -> None:
        self.seq += 1
        self._send(protocol.Events(seq=self.seq, events=events).wire(), buffers.sent)

    async def _events(self, change: Change, buffers: Attachments) -> list[Any]:
        match change:
            case EntryAdded():
                return [
                    protocol.BatchAdded(batch=self._batch(change.entry)),
                    protocol.TopicChanged(topic=topic_state(change.topic)),
                ]
            case EntryChanged():
                return await self._changed(change, buffers)
            case EntryWritten():
                return [protocol.BatchChanged(batch=self._batch(change.entry))]
            case SweepWritten():
                return [protocol.SweepChanged(sweep=sweep_state(change.sweep))]
            case Progressed():
                return [await self._progress(change, buffers)]
            case Removed():
                return _removed(change)
            case TopicWritten():
                data = await self._pictures.cover(change.topic) if self.seen else None
                return [protocol.TopicChanged(topic=topic_state(change.topic, buffers.add_optional(data)))]
            case SettingWritten():
                return self._setting(change)
            case DraftWritten():
                return self._draft(change)
            case StoreWritten() | ModelsWritten() | PresetsWritten() | SpendingWritten() | NoticeGiven():
                return [_plain(change)]

    async def _changed(self, change: EntryChanged, buffers: Attachments) -> list[Any]:
        events: list[Any] = []
        for generation in change.entry.generations:
            if generation.id not in change.generation_ids:
                continue
            data = None
            if generation.asset is not None and self.seen:
                data = await self._archive.thumbnail(generation)
                for pushed in self._pages.values():
                    pushed.thumbnails += 1
            usual = self._core.usual(change.entry.batch)
            state = generation_state(change.entry, generation, usual, buffers.add_optional(data))
            events.append(protocol.GenerationChanged(generation=state))
        return events

    async def _progress(self, change: Progressed, buffers: Attachments) -> protocol.GenerationProgress:
        preview = change.preview if self._previewed else None
        if preview is not None:
            for pushed in self._pages.values():
                pushed.previews += 1
            if len(preview) > SMALL_PREVIEW:
                preview = await self._archive.shrink(preview)
        return protocol.GenerationProgress(
            generation_id=change.generation_id,
            batch_id=change.batch_id,
            progress=change.progress,
            queue_position=change.queue_position,
            retry_in=change.retry_in,
            preview_buffer=buffers.add_optional(preview),
        )

    def _setting(self, change: SettingWritten) -> list[Any]:
        if change.source == self._source:
            return []
        if change.name == "config":
            return [protocol.ConfigChanged(config=config_state(self._core.panel.config))]
        return [protocol.TopicSelected(topic_id=change.value)]

    def _draft(self, change: DraftWritten) -> list[Any]:
        if change.source == self._source:
            return []
        return [protocol.DraftChanged(topic_id=change.topic_id, draft=draft_state(change.draft))]

    def _batch(self, entry: Entry) -> protocol.BatchState:
        return batch_state(entry, self._core.files.model_title(entry.batch), self._core.usual(entry.batch))


def _plain(change: StoreWritten | ModelsWritten | PresetsWritten | SpendingWritten | NoticeGiven) -> Any:
    """Return the event of a change that does not belong to a topic."""
    match change:
        case StoreWritten():
            return protocol.StoreChanged()
        case ModelsWritten():
            return protocol.ModelsChanged()
        case PresetsWritten():
            return protocol.PresetsChanged()
        case SpendingWritten():
            return protocol.SpendingChanged(spending=spending_state(change))
        case NoticeGiven():
            return protocol.NoticeShown(level=change.level, message=change.notice.message)


def _removed(change: Removed) -> list[Any]:
    topics = set(change.topic_ids)
    return [
        *(protocol.TopicRemoved(topic_id=topic_id) for topic_id in change.topic_ids),
        *(
            protocol.BatchRemoved(batch_id=batch_id, topic_id=topic_id)
            for batch_id, topic_id in change.batches
            if topic_id not in topics
        ),
        *(
            protocol.GenerationRemoved(generation_id=generation_id, batch_id=batch_id)
            for generation_id, batch_id in change.generations
        ),
    ]

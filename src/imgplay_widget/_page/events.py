"""The events of a page: the changes of the studio in order, as messages of the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgplay_widget._page import protocol
from imgplay_widget._page.calls import Attachments
from imgplay_widget._page.states import (
    batch_state,
    config_state,
    draft_state,
    generation_state,
    spending_state,
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
    Progressed,
    Removed,
    SettingWritten,
    SpendingWritten,
    StoreWritten,
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
"""The most thumbnails that are pushed without an acknowledgement. Later events have no thumbnails."""

SMALL_PREVIEW = 100_000
"""The most bytes of a preview that is sent as it is. A larger one is made small first."""


class EventStream:
    """The events of one page. The stream runs on the engine's loop.

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
        # True once a page said hello.
        self._seen = False
        # The number of thumbnails that were pushed since the page last acknowledged.
        self._pushed = 0

    async def hello(self) -> None:
        """Push pictures to the page from now on. The first hello also gets the notices of the studio."""
        if not self._seen:
            await self.publish([NoticeGiven(notice=notice) for notice in self._core.notices])
        self._seen, self._pushed = True, 0

    def acknowledge(self) -> None:
        """Note that the page has shown the events that were pushed."""
        self._pushed = 0

    @property
    def pushing(self) -> bool:
        """Whether pictures are pushed: the page said hello and acknowledges the events."""
        return self._seen and self._pushed < UNACKNOWLEDGED

    async def publish(self, changes: list[Change]) -> None:
        """Send the changes to the page, as events in one message."""
        buffers = Attachments()
        events: list[Any] = []
        for change in changes:
            events += await self._events(change, buffers)
        if events:
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
            case Progressed():
                return [await self._progress(change, buffers)]
            case Removed():
                return _removed(change)
            case TopicWritten():
                data = await self._pictures.cover(change.topic) if self.pushing else None
                return [protocol.TopicChanged(topic=topic_state(change.topic, buffers.add_optional(data)))]
            case SettingWritten():
                return self._setting(change)
            case DraftWritten():
                return self._draft(change)
            case StoreWritten() | ModelsWritten() | SpendingWritten() | NoticeGiven():
                return [_plain(change)]

    async def _changed(self, change: EntryChanged, buffers: Attachments) -> list[Any]:
        events: list[Any] = []
        for generation in change.entry.generations:
            if generation.id not in change.generation_ids:
                continue
            data = None
            if generation.asset is not None and self.pushing:
                data = await self._archive.thumbnail(generation)
                self._pushed += 1
            state = generation_state(change.entry, generation, buffers.add_optional(data))
            events.append(protocol.GenerationChanged(generation=state))
        return events

    async def _progress(self, change: Progressed, buffers: Attachments) -> protocol.GenerationProgress:
        preview = change.preview if self.pushing else None
        if preview is not None and len(preview) > SMALL_PREVIEW:
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
            return [protocol.ConfigChanged(config=config_state(self._core.config))]
        return [protocol.TopicSelected(topic_id=change.value)]

    def _draft(self, change: DraftWritten) -> list[Any]:
        if change.source == self._source:
            return []
        return [protocol.DraftChanged(topic_id=change.topic_id, draft=draft_state(change.draft))]

    def _batch(self, entry: Entry) -> protocol.BatchState:
        return batch_state(entry, self._core.files.model_title(entry.batch))


def _plain(change: StoreWritten | ModelsWritten | SpendingWritten | NoticeGiven) -> Any:
    """Return the event of a change that does not belong to a topic."""
    match change:
        case StoreWritten():
            return protocol.StoreChanged()
        case ModelsWritten():
            return protocol.ModelsChanged()
        case SpendingWritten():
            return protocol.SpendingChanged(spending=spending_state(change))
        case NoticeGiven():
            return protocol.NoticeShown(level="warning", message=change.notice.message)


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

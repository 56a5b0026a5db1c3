"""What a page is told: the changes of the studio as events of the protocol, in order."""

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
"""Thumbnails that are pushed without a sign that anybody sees them; after that only ids are sent."""

SMALL_PREVIEW = 100_000
"""Bytes above which a preview is made small before it is sent."""


class EventStream:
    """The events of one page. On the loop.

    Args:
        core: the studio.
        pictures: reads covers.
        send: sends a message (JSON and buffers) to the page.
        source: the id of the page, which is not told what it wrote itself (see `SettingWritten`).

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
        # Thumbnails that were pushed since the page last acknowledged.
        self._pushed = 0

    async def hello(self) -> None:
        """Push pictures to the page from now on. The first hello also gets the notices of the studio."""
        if not self._seen:
            await self.publish([NoticeGiven(notice=notice) for notice in self._core.notices])
        self._seen, self._pushed = True, 0

    def acknowledge(self) -> None:
        """Take the page's word that it got what was pushed."""
        self._pushed = 0

    @property
    def pushing(self) -> bool:
        """True while somebody looks: a page said hello and acknowledges what it gets."""
        return self._seen and self._pushed < UNACKNOWLEDGED

    async def publish(self, changes: list[Change]) -> None:
        """Tell the page what happened."""
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
    """The event of a change that belongs to no topic."""
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

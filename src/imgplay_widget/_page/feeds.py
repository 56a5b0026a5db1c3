"""The answers to calls that read lists: feed, topics, queue, chains, past prompts and the models used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._page import protocol
from imgplay_widget._page.states import batch_state, chain_result, draft_state, sweep_state, topic_state
from imgplay_widget._types import EVERYTHING, ScoreOrder, ScoreRange, Status, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgplay_widget._page.calls import Answers, Attachments
    from imgplay_widget._studio.core import Core
    from imgplay_widget._types import Entry, FeedPage, Topic

__all__ = ["Feeds"]

FEED_PAGE = 12
"""The number of batches on the first page of a feed."""

FIRST_TOPICS = 200
"""The most topics in a snapshot, besides the active topic."""

QUEUE = 200
"""The most batches of a queue. The oldest ones are in it."""


class Feeds:
    """The answers to a page that reads lists. They run on the engine's loop.

    Args:
        core: the studio.
        source: the id of the page (see `SettingWritten`).
    """

    def __init__(self, core: Core, source: str) -> None:
        self._core = core
        self._archive = core.archive
        self._source = source

    def answers(self) -> Answers:
        """Return the calls that this part answers, each with its answer."""
        return {
            protocol.Feed: self._feed,
            protocol.ReadGallery: self._gallery,
            protocol.NamedBatches: self._named_batches,
            protocol.ReadSweep: self._sweep,
            protocol.ReadChain: self._chain,
            protocol.Queue: self._queue,
            protocol.Prompts: self._prompts,
            protocol.ModelsUsed: self._models_used,
            protocol.LabelsUsed: self._labels_used,
            protocol.ReadTopics: self._topics,
            protocol.NamedTopics: self._named_topics,
            protocol.SelectTopic: self._select_topic,
        }

    async def _feed(self, call: protocol.Feed, _: Attachments) -> protocol.FeedResult:
        wanted = _wanted(call)
        page = await self.page(call.topic_id, before=call.before, limit=call.limit, wanted=wanted)
        return protocol.FeedResult(feed=page)

    async def _gallery(self, call: protocol.ReadGallery, _: Attachments) -> protocol.GalleryResult:
        page = await self._archive.gallery(
            call.topic_id,
            before=call.before,
            limit=call.limit,
            wanted=_wanted(call),
            starred_first=call.starred_first,
        )
        batches = [self._batch(entry) for entry in page.entries]
        return protocol.GalleryResult(images=list(page.images), batches=batches, before=page.before)

    async def _named_batches(self, call: protocol.NamedBatches, _: Attachments) -> protocol.BatchList:
        return protocol.BatchList(batches=await self.named(call.batch_ids))

    async def _sweep(self, call: protocol.ReadSweep, _: Attachments) -> protocol.SweepResult:
        return protocol.SweepResult(sweep=sweep_state(await self._archive.sweep(call.sweep_id)))

    async def _chain(self, call: protocol.ReadChain, _: Attachments) -> protocol.ChainResult:
        return chain_result(*await self._core.lineage(call.generation_id))

    async def _queue(self, call: protocol.Queue, _: Attachments) -> protocol.QueueResult:
        waiting = await self._archive.unfinished(QUEUE)
        return protocol.QueueResult(batches=[self._batch(entry) for entry in waiting])

    async def _prompts(self, call: protocol.Prompts, _: Attachments) -> protocol.PromptList:
        return protocol.PromptList(prompts=await self._archive.prompts(call.limit))

    async def _models_used(self, call: protocol.ModelsUsed, _: Attachments) -> protocol.ModelNames:
        return protocol.ModelNames(names=await self._archive.models_used(call.topic_id))

    async def _labels_used(self, call: protocol.LabelsUsed, _: Attachments) -> protocol.LabelNames:
        scores, tags = await self._archive.labels_used(call.topic_id)
        return protocol.LabelNames(scores=scores, tags=tags)

    async def _topics(self, call: protocol.ReadTopics, _: Attachments) -> protocol.TopicList:
        before, limit = call.before, call.limit
        page = await self._archive.topic_page(search=call.search, before=before, limit=limit)
        return _listed(page.topics, page.before)

    async def _named_topics(self, call: protocol.NamedTopics, _: Attachments) -> protocol.TopicList:
        return _listed(await self._archive.topics_by_id(call.topic_ids))

    async def _select_topic(self, call: protocol.SelectTopic, _: Attachments) -> protocol.TopicShown:
        page, draft = await self._core.topics.show(call.topic_id, limit=FEED_PAGE, source=self._source)
        feed = None if page is None else self._state(call.topic_id, page)
        return protocol.TopicShown(feed=feed, draft=draft_state(draft))

    async def topics(self, active: str | None, limit: int = FIRST_TOPICS) -> protocol.TopicList:
        """Return the first page of the list of topics, with the active topic even where it comes later."""
        page = await self._archive.topic_page(limit=limit)
        topics = list(page.topics)
        if active is not None and all(topic.id != active for topic in topics):
            topics += await self._archive.topics_by_id([active])
        return _listed(topics, page.before)

    async def named(self, batch_ids: Sequence[str]) -> list[protocol.BatchState]:
        """Return batches by their ids. Those that are not there are left out."""
        return [self._batch(entry) for entry in await self._archive.entries(batch_ids)]

    async def page(
        self,
        topic_id: str | None,
        *,
        before: str | None = None,
        limit: int = FEED_PAGE,
        wanted: Wanted = EVERYTHING,
    ) -> protocol.FeedState:
        """Return a page of the feed of a topic, or of all topics (None): by default the first page."""
        # What matches a filter is one batch, and not its whole sweep.
        folded = wanted == EVERYTHING
        page = await self._archive.feed(topic_id, before=before, limit=limit, wanted=wanted, folded=folded)
        return self._state(topic_id, page)

    def _state(self, topic_id: str | None, page: FeedPage) -> protocol.FeedState:
        return protocol.FeedState(
            topic_id=topic_id,
            batches=[self._batch(entry) for entry in page.entries],
            before=page.before,
        )

    def _batch(self, entry: Entry) -> protocol.BatchState:
        return batch_state(entry, self._core.files.model_title(entry.batch), self._core.usual(entry.batch))


def _wanted(call: protocol.Narrowed) -> Wanted:
    return Wanted(
        search=call.search,
        model=call.model,
        status=None if call.status is None else Status(call.status),
        starred=call.starred,
        tag=call.tag,
        scores=tuple(ScoreRange(**one.model_dump()) for one in call.scores),
        sort=None if call.sort is None else ScoreOrder(**call.sort.model_dump()),
    )


def _listed(topics: Sequence[Topic], before: str | None = None) -> protocol.TopicList:
    return protocol.TopicList(topics=[topic_state(topic) for topic in topics], before=before)

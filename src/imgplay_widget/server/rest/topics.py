"""The endpoints of topics."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from imgplay_widget._studio.topics import title_of
from imgplay_widget._text import shown
from imgplay_widget.errors import CorruptImage, DiskFull, InvalidRequest, NotFound, NotShown
from imgplay_widget.server.rest.declare import Asked, Endpoint, JsonAnswer
from imgplay_widget.server.rest.states import topic_answer
from imgplay_widget.server.rest.values import (
    NewTopic,
    NoFields,
    TopicAnswer,
    TopicChange,
    TopicsAnswer,
    TopicsQuery,
)

if TYPE_CHECKING:
    from imgplay_widget._types import Topic
    from imgplay_widget.server.rest.studio import RestStudio

__all__ = ["ENDPOINTS"]


async def list_topics(asked: Asked[TopicsQuery, NoFields], studio: RestStudio) -> JsonAnswer:
    """List the topics: first the pinned ones, then the others, the last used one first."""
    query = asked.query
    before = None if query.cursor is None else _opened(query.cursor)
    page = await studio.core.archive.topic_page(search=query.search, before=before, limit=query.limit)
    next_page = None if page.before is None else base64.urlsafe_b64encode(page.before.encode()).decode()
    topics = [topic_answer(topic, studio.base) for topic in page.topics]
    return JsonAnswer(value=TopicsAnswer(topics=topics, next=next_page))


def _opened(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor.encode("ascii")).decode("ascii")
    except (binascii.Error, ValueError):
        raise InvalidRequest(
            f"cursor={shown(cursor)} is not a cursor of the list of topics.",
            parameter="cursor",
            next_step="Use the value of next from the page before, or leave the cursor out.",
        ) from None


async def create_topic(asked: Asked[NoFields, NewTopic], studio: RestStudio) -> JsonAnswer:
    """Make a topic. The pages of the studio list it, and go on showing the topic that they show."""
    title = asked.body.title
    topic = await studio.core.topics.add(None if title is None else title_of(title))
    return _told(topic, studio)


async def read_topic(asked: Asked[NoFields, NoFields], studio: RestStudio) -> JsonAnswer:
    """Return a topic."""
    return _told(await studio.core.archive.topic(asked.id), studio)


async def change_topic(asked: Asked[NoFields, TopicChange], studio: RestStudio) -> JsonAnswer:
    """Change the title, the pin or the cover of a topic."""
    core, change = studio.core, asked.body
    topic = await core.archive.topic(asked.id)
    title = None if change.title is None else title_of(change.title)
    if change.cover_generation_id is not None:
        entry, generation = await core.archive.generation(change.cover_generation_id)
        if entry.batch.topic_id != topic.id or generation.asset is None:
            raise NotFound(
                f"The topic has no image {shown(change.cover_generation_id)}.",
                next_step="Choose a finished image of the topic.",
            )
        try:
            topic = await core.covers.choose(topic.id, generation.id)
        except CorruptImage as error:
            raise NotShown(error.message, reason="damaged") from None
    if title is not None:
        topic = await core.curator.title_topic(topic.id, title, by="user")
    if change.pinned is not None:
        topic = await core.curator.pin_topic(topic.id, pinned=change.pinned)
    return _told(topic, studio)


async def delete_topic(asked: Asked[NoFields, NoFields], studio: RestStudio) -> JsonAnswer:
    """Delete a topic with all that it holds, and stop its tasks. For a minute it can be restored."""
    topic = await studio.core.archive.topic(asked.id)
    await studio.core.delete("topic", topic.id)
    return JsonAnswer()


async def restore_topic(asked: Asked[NoFields, NoFields], studio: RestStudio) -> JsonAnswer:
    """Bring back a topic that was deleted in the last minute, with all that was deleted together with it."""
    await studio.core.restore("topic", asked.id)
    return _told(await studio.core.archive.topic(asked.id), studio)


def _told(topic: Topic, studio: RestStudio) -> JsonAnswer:
    return JsonAnswer(value=topic_answer(topic, studio.base))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/topics",
        function=list_topics,
        query=TopicsQuery,
        answer=TopicsAnswer,
        group="topics",
    ),
    Endpoint(
        method="POST",
        path="/topics",
        function=create_topic,
        body=NewTopic,
        status=201,
        answer=TopicAnswer,
        group="topics",
    ),
    Endpoint(method="GET", path="/topics/{topicId}", function=read_topic, answer=TopicAnswer, group="topics"),
    Endpoint(
        method="PATCH",
        path="/topics/{topicId}",
        function=change_topic,
        body=TopicChange,
        answer=TopicAnswer,
        errors=(NotShown, DiskFull),
        group="topics",
    ),
    Endpoint(method="DELETE", path="/topics/{topicId}", function=delete_topic, status=204, group="topics"),
    Endpoint(
        method="POST",
        path="/topics/{topicId}/restore",
        function=restore_topic,
        answer=TopicAnswer,
        group="topics",
    ),
)
"""The endpoints of topics."""

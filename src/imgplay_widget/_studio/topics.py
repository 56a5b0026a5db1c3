"""The topics of a studio: the active one, new ones, and the changes by users. On the engine's loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imgplay_widget import catalog
from imgplay_widget._engine.archive import gone
from imgplay_widget._ids import new_id
from imgplay_widget._rules.changes import Change, Removed, SettingWritten
from imgplay_widget._rules.titles import first_words
from imgplay_widget._text import shown
from imgplay_widget._types import Topic
from imgplay_widget.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgplay_widget._clock import Clock
    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._engine.curator import Curator
    from imgplay_widget._engine.engine import Engine
    from imgplay_widget._studio.prepare import HistoryOwner
    from imgplay_widget._types import Draft, FeedPage

__all__ = ["ACTIVE_TOPIC", "Topics", "check_title", "title_of"]

ACTIVE_TOPIC = "active_topic"
"""The setting with the id of the active topic."""

MAX_TITLE = 200
"""The most characters of a title that a user gives."""


class Topics:
    """The topics of a studio, with calls to find, make, select and rename them, and to move batches.

    Args:
        archive: the store.
        curator: writes topics.
        engine: returns batches as they are now.
        owner: the owner of the topics.
        clock: the time.
        notify: called with each change.
        active: the id of the topic that was active when the store was last used, or None.
    """

    def __init__(
        self,
        archive: Archive,
        curator: Curator,
        engine: Engine,
        owner: HistoryOwner,
        clock: Clock,
        notify: Callable[[Change], None],
        *,
        active: str | None,
    ) -> None:
        self._archive = archive
        self._curator = curator
        self._engine = engine
        self._owner = owner
        self._clock = clock
        self._notify = notify
        # The active topic in the store. `active` may already be a topic that is still being stored.
        self._stored = active
        self.active = active
        """The id of the topic that requests without a topic go to, or None for a new topic."""
        if active is not None and archive.store.topic(active) is None:
            self.active = None

    def heed(self, change: Change) -> None:
        """Make no topic active where a change removed the active one."""
        if isinstance(change, Removed) and self.active in change.topic_ids:
            self.active = None

    # -------------------------------------------------------------- finding

    async def find(self, topic: str) -> tuple[str | None, str | None]:
        """Return the id of a topic, or None and the title of the topic to make.

        Args:
            topic: an id or a title.
        """
        found = await self._archive.find_topic(topic)
        return found, None if found else topic

    async def existing(self, topic: str) -> str:
        """Return the id of a topic.

        Args:
            topic: an id or a title.

        Raises:
            NotFound: there is no such topic.
        """
        found = await self._archive.find_topic(topic)
        if found is None:
            raise NotFound(f"There is no topic {shown(topic)}.")
        return found

    # -------------------------------------------------------------- writing

    async def new(self, title: str | None) -> Topic:
        """Make a topic, make it the active one, and return it.

        Args:
            title: the title; None leaves it to the first prompt. Where another topic has the same title,
                a number comes after it.

        Raises:
            InvalidRequest: the title cannot be stored.
        """
        topic = await self.add(title)
        await self.select(topic.id)
        return topic

    async def add(self, title: str | None) -> Topic:
        """Make a topic as `new` does, and leave the active topic as it is.

        Args:
            title: the title; None leaves it to the first prompt.

        Raises:
            InvalidRequest: the title cannot be stored.
        """
        if title is not None:
            check_title(title)
        return await self._curator.add_topic(self._fresh(title, by="user" if title else "prompt"))

    def _fresh(self, title: str | None, *, by: Literal["prompt", "user"]) -> Topic:
        now = self._clock.now()
        return Topic(
            id=new_id(),
            user_id=self._owner.user_id,
            organization_id=self._owner.organization_id,
            title=title,
            cover_url=None,
            created_at=now,
            updated_at=now,
            title_by=by,
        )

    async def rename(self, topic: str, title: str) -> Topic:
        """Set a title by the user, which only the user changes from then on, and return the topic.

        Args:
            topic: the id or the title of a topic.
            title: 1 to 200 characters.

        Raises:
            InvalidRequest: the title is empty or too long.
            NotFound: there is no such topic.
        """
        wanted = title_of(title)
        return await self._curator.title_topic(await self.existing(topic), wanted, by="user")

    async def move(self, batch_ids: Sequence[str], topic_id: str | None, title: str | None = None) -> str:
        """Move batches to another topic, or to a new one (None), and return the topic's id.

        Args:
            batch_ids: the batches.
            topic_id: the topic, or None for a new one.
            title: the title of the new topic; None takes the first words of the first batch's prompt.

        Raises:
            NotFound: there is no such topic.
        """
        if topic_id is not None:
            await self._curator.move(batch_ids, topic_id)
            return topic_id
        by: Literal["prompt", "user"] = "user" if title else "prompt"
        title = title or first_words((await self._engine.entry(batch_ids[0])).batch.words)
        topic = self._fresh(title, by=by)
        await self._curator.move(batch_ids, topic.id, topic)
        return topic.id

    # -------------------------------------------------------------- the active topic

    async def select(self, topic_id: str | None, *, source: str | None = None) -> None:
        """Make a topic the active one; None stands for a new topic.

        Args:
            topic_id: the topic.
            source: the page that asked (see `SettingWritten`).
        """
        if topic_id != self._stored:
            await self._archive.save_setting(ACTIVE_TOPIC, topic_id)
        self._selected(topic_id, source)

    async def show(
        self, topic_id: str | None, *, limit: int, source: str | None = None
    ) -> tuple[FeedPage | None, Draft]:
        """Make a topic the active one, and return the first page of its feed and its draft.

        This is one step of the store: a topic that cannot be read is not selected, and no change comes
        between the reading and the answer. None stands for a new topic, which only has a draft.

        Raises:
            NotFound: there is no such topic.
        """
        store, fresh = self._archive.store, topic_id != self._stored

        def show() -> tuple[FeedPage | None, Draft]:
            if topic_id is not None and store.topic(topic_id) is None:
                raise gone("topic", topic_id)
            feed = None if topic_id is None else store.feed(topic_id, limit=limit, folded=True)
            draft = store.draft(topic_id)
            if fresh:
                store.save_setting(ACTIVE_TOPIC, topic_id)
            return feed, draft

        shown = await self._archive.in_store(show)
        self._selected(topic_id, source)
        return shown

    def _selected(self, topic_id: str | None, source: str | None) -> None:
        fresh = topic_id != self._stored
        self.active = self._stored = topic_id
        if fresh:
            self._notify(SettingWritten(name=ACTIVE_TOPIC, value=topic_id, source=source))


def check_title(title: str) -> None:
    """Refuse the title of a new topic that is too long or cannot be stored.

    Raises:
        InvalidRequest: the title is neither.
    """
    catalog.check_text("title", title)
    if len(title) > MAX_TITLE:
        raise InvalidRequest(f"A title has 1 to {MAX_TITLE} characters, not {len(title)}.", parameter="title")


def title_of(text: str) -> str:
    """Return the title that a user means: the words of a text, with one space between them.

    Args:
        text: the text.

    Raises:
        InvalidRequest: the title would be empty or too long, or cannot be stored.
    """
    catalog.check_text("title", text)
    title = " ".join(text.split())
    if not 1 <= len(title) <= MAX_TITLE:
        raise InvalidRequest(f"A title has 1 to {MAX_TITLE} characters, not {len(title)}.", parameter="title")
    return title

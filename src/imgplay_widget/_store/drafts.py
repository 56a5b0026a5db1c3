"""The drafts: one setting for each topic, and one for a new topic.

A draft names input images. So their files stay as long as the draft does.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from imgplay_widget._store import settings
from imgplay_widget._store.damage import reads_rows
from imgplay_widget._store.tables import settings as table
from imgplay_widget._store.tables import topics
from imgplay_widget._text import shown
from imgplay_widget._types import Draft, Reference
from imgplay_widget.errors import NotFound

if TYPE_CHECKING:
    from imgplay_widget._store.queries import Scope
    from imgplay_widget._types import JSON

__all__ = ["inputs", "named", "names_image", "read", "remove", "save"]

_PREFIX = "draft:"


def read(connection: Connection, scope: Scope, topic_id: str | None) -> Draft:
    """Return the draft of a topic, or of a new topic (None). The draft may be empty."""
    return _draft_of(settings.read(connection, scope, _name(topic_id)))


def save(connection: Connection, scope: Scope, topic_id: str | None, draft: Draft) -> set[str]:
    """Save the draft of a topic, also of a deleted topic, which may be restored; an empty draft is removed.

    Returns:
        The digests that the draft named before and does not name any more.

    Raises:
        NotFound: the topic was purged, or belongs to another user.
    """
    if topic_id is not None:
        mine = select(topics.c.id).where(topics.c.id == topic_id, *scope.topics())
        if connection.scalar(mine) is None:
            raise NotFound(f"There is no topic {shown(topic_id)}.")
    before = read(connection, scope, topic_id)
    if draft == Draft():
        settings.remove(connection, scope, _name(topic_id))
    else:
        settings.save(connection, scope, _name(topic_id), asdict(draft))
    return {one.digest for one in before.inputs} - {one.digest for one in draft.inputs}


def remove(connection: Connection, scope: Scope, topic_id: str) -> set[str]:
    """Remove the draft of a topic that is purged, and return the digests that the draft named."""
    draft = read(connection, scope, topic_id)
    settings.remove(connection, scope, _name(topic_id))
    return {reference.digest for reference in draft.inputs}


def named(connection: Connection) -> set[str]:
    """Return the digests that the drafts of all users name, because all users share the files."""
    return {digest for digest, _ in inputs(connection)}


def names_image(connection: Connection, scope: Scope, digest: str) -> bool:
    """Return whether a draft of this user names an image with this sha256."""
    found = settings.beginning(connection, scope, _PREFIX).values()
    return any(one.digest == digest for value in found for one in _draft_of(value).inputs)


def inputs(connection: Connection) -> set[tuple[str, str]]:
    """Return the digests that the drafts of all users name, each with its media type."""
    found = connection.scalars(select(table.c.value).where(table.c.name.startswith(_PREFIX, autoescape=True)))
    return {(one.digest, one.media_type) for value in found for one in _draft_of(value).inputs}


def _name(topic_id: str | None) -> str:
    return f"{_PREFIX}{topic_id or ''}"


@reads_rows
def _draft_of(value: JSON) -> Draft:
    if not value:
        return Draft()
    return Draft(
        prompt=value["prompt"],
        references=tuple(_reference_of(one) for one in value["references"]),
        mask=_reference_of(value["mask"]) if value["mask"] else None,
    )


def _reference_of(value: dict[str, Any]) -> Reference:
    return Reference(**value)

"""The settings of one user: any JSON, each under a name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, delete, insert, select, update

from imgplay_widget._store.tables import settings

if TYPE_CHECKING:
    from imgplay_widget._store.queries import Condition, Scope
    from imgplay_widget._types import JSON

__all__ = ["add", "beginning", "read", "remove", "rename", "save"]


def read(connection: Connection, scope: Scope, name: str) -> JSON:
    """Return a setting, or None."""
    return connection.scalar(select(settings.c.value).where(*_owned(scope), settings.c.name == name))


def beginning(connection: Connection, scope: Scope, prefix: str) -> dict[str, JSON]:
    """Return the settings whose names begin with a prefix, by name."""
    named = settings.c.name.startswith(prefix, autoescape=True)
    found = connection.execute(select(settings.c.name, settings.c.value).where(*_owned(scope), named))
    return {row.name: row.value for row in found}


def save(connection: Connection, scope: Scope, name: str, value: JSON) -> None:
    """Save a setting."""
    changes = {"value": value, "updated_at": datetime.now(UTC)}
    mine = (*_owned(scope), settings.c.name == name)
    if not connection.execute(update(settings).where(*mine).values(changes)).rowcount:
        owner = {"user_id": scope.user_id, "organization_id": scope.organization_id or ""}
        connection.execute(insert(settings), {**owner, "name": name, **changes})


def add(connection: Connection, scope: Scope, name: str, value: JSON) -> bool:
    """Save a setting, unless there is one of this name. Return whether it was saved."""
    if _exists(connection, scope, name):
        return False
    save(connection, scope, name, value)
    return True


def rename(
    connection: Connection, scope: Scope, name: str, to: str
) -> Literal["renamed", "missing", "taken"]:
    """Give a setting another name, unless it is missing or another setting has the name."""
    if not _exists(connection, scope, name):
        return "missing"
    if _exists(connection, scope, to):
        return "taken"
    mine = (*_owned(scope), settings.c.name == name)
    connection.execute(update(settings).where(*mine).values(name=to, updated_at=datetime.now(UTC)))
    return "renamed"


def remove(connection: Connection, scope: Scope, name: str) -> bool:
    """Remove a setting, if it exists. Return whether it existed."""
    return bool(connection.execute(delete(settings).where(*_owned(scope), settings.c.name == name)).rowcount)


def _exists(connection: Connection, scope: Scope, name: str) -> bool:
    mine = (*_owned(scope), settings.c.name == name)
    return connection.scalar(select(settings.c.name).where(*mine)) is not None


def _owned(scope: Scope) -> tuple[Condition, ...]:
    return (
        settings.c.user_id == scope.user_id,
        settings.c.organization_id == (scope.organization_id or ""),
    )

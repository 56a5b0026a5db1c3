"""Damage of a database: how the store recognises it, and the error that it raises.

Damage shows as an error of SQLite, or as a stored value that cannot be what its column holds. Both become
`StoreDamaged` at one door, `Database.reading` and `Database.writing`.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from imgplay_widget._store import copies
from imgplay_widget.errors import StoreDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["UNREADABLE", "DamagedValue", "damaged", "means_damage", "reads_rows"]

P = ParamSpec("P")
T = TypeVar("T")

UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What Python raises where a stored value is not of the kind that the code expects."""

_CODES = (
    "SQLITE_CORRUPT",
    "SQLITE_NOTADB",
    "SQLITE_FORMAT",
    "SQLITE_TOOBIG",
    "SQLITE_IOERR_DATA",
    "SQLITE_IOERR_CORRUPTFS",
    "SQLITE_IOERR_SHORT_READ",
)

_MESSAGES = (
    "could not decode to utf-8",
    "malformed",
    "unsupported file format",
    "no such table",
    "no such column",
    "no such index",
    "no column named",
    "duplicate column name",
    "already exists",
    "values were supplied",
    "error in ",
)
"""Parts of the messages that SQLite has for a wrong schema. All SQL is this package's own, so only a schema
that somebody or something changed can be the reason."""


class DamagedValue(ValueError):
    """A stored value cannot be what its column holds."""


def reads_rows(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function that turns stored values into others raise `DamagedValue` where they make no sense."""

    @wraps(function)
    def reading(*args: P.args, **keywords: P.kwargs) -> T:
        try:
            return function(*args, **keywords)
        except DamagedValue:
            raise
        except UNREADABLE as error:
            raise DamagedValue(f"a stored value cannot be read: {type(error).__name__}: {error}") from error

    return reading


def means_damage(error: BaseException | None) -> bool:
    """Return whether an error of the driver means that the database is damaged."""
    if isinstance(error, (DamagedValue, UnicodeDecodeError)):
        # The driver cannot even decode the name of a table or a column in its own message.
        return True
    text = str(error).lower()
    code = str(getattr(error, "sqlite_errorname", ""))
    # An error of the driver itself, such as text that is not UTF-8, has no code.
    return code.startswith(_CODES) or (code in ("", "SQLITE_ERROR") and any(one in text for one in _MESSAGES))


def damaged(label: str, file: Path | None, folders: Sequence[Path], reason: object) -> StoreDamaged:
    """Return the error that a database is damaged. The error names the images' folder and the newest copies.

    Args:
        label: the location of the store for people.
        file: the database, or None for a store in memory.
        folders: the folders that may hold images of the store.
        reason: the reason in SQLite's or Python's words.
    """
    text = str(reason).rstrip(".")
    message = f"The database of the history {label} is damaged, or is not one of this package ({text})."
    if file is None:
        return StoreDamaged(message)
    where = " and ".join(str(one) for one in folders)
    made = copies.newest(file)
    copy = (
        f"copy the newest copy of the database to its place ({', '.join(str(one) for one in made)})"
        if made
        else "let the studio begin a new database in its place"
    )
    return StoreDamaged(
        message,
        next_step=(
            f"No image is lost: the images stay in the folder {where}, so keep this folder. "
            f"Close all studios of this store, add .damaged to the names of {file.name}, {file.name}-wal and "
            f"{file.name}-journal (as far as they exist), and {copy}. Then open the store and "
            "call studio.recover(), which brings back images that the database does not know. "
            "Studio.restore(path, store) brings back a whole backup. If you meant another file, name it with "
            "store=."
        ),
    )

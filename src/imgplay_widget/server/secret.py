"""The secret that signs the logins of browsers. It outlives the server, so a page goes on after a restart."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["kept_secret"]

LENGTH = 32
"""The random bytes of a secret."""


def kept_secret(store: str | os.PathLike[str] | None) -> str:
    """Return the secret of a store, from the file beside the store that only its owner can read.

    Where no such file can be kept, the secret is a new one, and all browsers log in again.

    Args:
        store: the store, as `Studio` takes it.

    Raises:
        InvalidRequest: the store is none.
    """
    # The import takes long, and only the command needs it.
    from imgplay_widget._store.database import location_of

    new = secrets.token_urlsafe(LENGTH)
    database = location_of(store).file
    if database is None:
        return new
    path = database.with_name(f"{database.name}.server-secret")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _read(path) or _written(path, new)
    except (OSError, UnicodeDecodeError):
        return new


def _read(path: Path) -> str | None:
    """Return the secret of a file, or None where there is no file.

    Raises:
        OSError: the file cannot be read, or another server is writing it.
    """
    if not path.exists():
        return None
    secret = path.read_text(encoding="ascii").strip()
    if len(secret) < LENGTH:
        raise OSError(f"{path} holds no secret.")
    return secret


def _written(path: Path, secret: str) -> str:
    """Write a secret into a new file of its owner, and return the secret."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secret)
    return secret

"""Folders of pictures that come into a history."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from imgplay_widget._rules.kinds import EXTENSIONS
from imgplay_widget._store.imports import date_of
from imgplay_widget._studio.waiting import shown_count
from imgplay_widget._types import FolderImport
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from imgplay_widget._studio.core import Core

__all__ = ["import_pictures", "pictures_in"]

AT_ONCE = 20
"""The most pictures that come in with one transaction: what a killed process may have to do again."""

MOST_SHOWN = 200
"""The most characters of the title of a topic."""

_ENDINGS = frozenset(EXTENSIONS.values()) | {"jpeg", "jpe", "jfif", "tif"}


def pictures_in(folder: Path) -> dict[str, Path]:
    """Return the pictures of a folder and of the folders in it, by their paths within it, the oldest first.

    Files and folders whose names begin with a dot are left out, and links to folders are not followed.

    Raises:
        InvalidRequest: it is not a folder.
        OSError: the folder cannot be read.
    """
    if not folder.is_dir():
        raise InvalidRequest(
            f"{folder} is not a folder.", parameter="path", next_step="Give the path of a folder of pictures."
        )
    found: list[tuple[datetime, str, Path]] = []
    for root, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = Path(root, name)
            if not name.startswith(".") and path.suffix[1:].lower() in _ENDINGS:
                found.append((_date(path), str(path.relative_to(folder)), path))
    return {name: path for _, name, path in sorted(found)}


def import_pictures(core: Core, folder: Path, topic_id: str | None, title: str | None) -> FolderImport:
    """Copy the pictures of a folder into a topic, and show how far it is.

    Args:
        core: the core of the studio.
        folder: the folder.
        topic_id: the topic, or None where it is made.
        title: the title of a new topic.

    Raises:
        InvalidRequest: it is not a folder, or the title cannot be stored.
        DiskFull: there is no space.
        OSError: the folder cannot be read.
    """
    pictures = list(pictures_in(folder).items())
    report = FolderImport()
    if not pictures:
        return report
    if topic_id is None:
        topic_id = core.call(core.topics.add, title).id
    with shown_count(len(pictures), "pictures", wanted=core.progress) as tell:
        for start in range(0, len(pictures), AT_ONCE):
            some = pictures[start : start + AT_ONCE]
            report += core.call(partial(core.curator.bring_in, dict(some), topic_id))
            tell(start + len(some))
    return report


def _date(path: Path) -> datetime:
    try:
        return date_of(path)
    except OSError:
        # The reason is told when the picture comes in.
        return datetime.fromtimestamp(0, UTC)


def _raise(error: OSError) -> None:
    raise error

"""The history as a data set: a new folder with images and recipes, tables, or one page."""

from __future__ import annotations

import json
import logging
import shutil
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, get_args

from imgplay_widget._ids import new_id
from imgplay_widget._store.frames import FRAMES
from imgplay_widget._store.paths import path_of, room_for
from imgplay_widget._studio import album, duck
from imgplay_widget._text import shown
from imgplay_widget.errors import ImgplayError, InvalidRequest

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from imgplay_widget._studio.analysis import Analysis
    from imgplay_widget._studio.files import Files
    from imgplay_widget._studio.results import Rows

__all__ = ["Format", "check_format", "export", "new_folder"]

logger = logging.getLogger("imgplay_widget")

Format = Literal["imagefolder", "jsonl", "parquet", "duckdb", "html"]

_IMAGES = """
SELECT t.title AS topic, g.*,
  (SELECT list(name ORDER BY name) FROM tags WHERE generation_id = g.id) AS tags,
  (SELECT json_group_object(name, value) FROM scores WHERE generation_id = g.id) AS scores
FROM generations g JOIN topics t ON t.id = g.topic_id
WHERE g.file IS NOT NULL AND (? IS NULL OR g.topic_id = ?)
ORDER BY t.created_at, t.id, g.batch_id, g.slot
"""


def check_format(format: str) -> None:
    """Raise where there is no such format.

    Raises:
        InvalidRequest: there is no such format.
    """
    if format not in get_args(Format):
        known = ", ".join(get_args(Format))
        raise InvalidRequest(f"{shown(format)} is not a format: {known}.", parameter="format")


def new_folder(given: str | os.PathLike[str]) -> Path:
    """Return the path of the folder for a data set.

    Raises:
        InvalidRequest: the path cannot be one, or something is there already.
    """
    folder = path_of(given, "folder")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidRequest(
            f"{folder} exists already, and nothing in it is replaced.",
            parameter="folder",
            next_step="Choose a new or an empty folder.",
        )
    return folder


def export(analysis: Analysis, files: Files, target: Path, format: Format, topic_id: str | None) -> None:
    """Write a data set into a folder of `new_folder`, whole or not at all. On the caller's thread.

    Args:
        analysis: the history in SQL.
        files: the files of the images.
        target: the folder.
        format: the kind of data set.
        topic_id: the topic, or None for all topics.

    Raises:
        DiskFull: there is no space for the data set.
        OSError: a file cannot be written.
    """
    with _whole(target) as folder:
        if format in ("parquet", "duckdb"):
            _write_tables(analysis, folder, format, topic_id)
            return
        images = _Images(analysis.ask(_IMAGES, [topic_id, topic_id]), files)
        if format == "html":
            _write_page(images, folder / "index.html")
        elif format == "jsonl":
            _write_images(images, folder, "images.jsonl", "images/")
        else:
            # The layout that Hugging Face `datasets` reads as "imagefolder".
            _write_images(images, folder, "metadata.jsonl", "")
        images.report()


@contextmanager
def _whole(target: Path) -> Generator[Path]:
    """Return a context with a folder beside the target, which takes the target's name at the end."""
    part = target.with_name(f"{target.name}.exporting-{new_id()[-8:]}")
    part.mkdir(parents=True)
    with room_for(target):
        try:
            yield part
            if target.exists():
                # Windows renames no folder over another one. This fails where something came into the folder.
                target.rmdir()
            part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


class _Images:
    """The images of a data set.

    Args:
        rows: their columns.
        files: their files.
    """

    def __init__(self, rows: Rows, files: Files) -> None:
        self._rows = rows
        self._files = files
        self._gone: list[str] = []

    def __len__(self) -> int:
        return len(self._rows)

    def each(self) -> Iterator[tuple[dict[str, Any], Path | None]]:
        """Return the columns of each image with its file, or None where the file is gone."""
        for values in self._rows:
            row = dict(zip(self._rows.columns, values, strict=True))
            row["tags"] = row["tags"] or []
            try:
                yield row, self._files.original_path(row["file"])
            except ImgplayError:
                self._gone.append(row["id"])
                yield row, None

    def report(self) -> None:
        """Say which files were gone."""
        if self._gone:
            logger.warning(
                "%d of %d images have lost their file, and so are not in the data set: %s",
                len(self._gone),
                len(self),
                ", ".join(self._gone),
            )


def _write_images(images: _Images, folder: Path, name: str, under: str) -> None:
    (folder / under).mkdir(exist_ok=True)
    with (folder / name).open("w", encoding="utf-8") as lines:
        for row, source in images.each():
            if source is None:
                continue
            # The digest would be the same for equal images, and the id never is.
            file_name = f"{under}{row['id']}{source.suffix}"
            shutil.copyfile(source, folder / file_name)
            line = {"file_name": file_name, **_plain(row)}
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as JSON types, without the place of its file in the store."""
    return {name: _plain_value(value) for name, value in row.items() if name != "file"}


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _write_page(images: _Images, target: Path) -> None:
    topic = None
    with target.open("w", encoding="utf-8") as page:
        many = "1 image" if len(images) == 1 else f"{len(images):,} images"
        page.write(album.head("Images", f"{many}, with the recipe of each. Click a picture to enlarge it."))
        for row, source in images.each():
            if row["topic_id"] != topic:
                topic = row["topic_id"]
                page.write(album.heading(row["topic"] or "Untitled"))
            page.write(album.figure(row, None if source is None else source.read_bytes()))
        page.write(album.END)


def _write_tables(analysis: Analysis, folder: Path, format: Format, topic_id: str | None) -> None:
    target = duck.connect(folder / "history.duckdb" if format == "duckdb" else None)
    try:
        for frame in FRAMES:
            own = "id" if frame.name == "topics" else "topic_id"
            rows = analysis.ask(
                f"SELECT * FROM {frame.name} WHERE ? IS NULL OR {own} = ?",  # noqa: S608 - names of ours
                [topic_id, topic_id],
            )
            duck.make_table(target, frame.name, ((one.name, one.type) for one in frame.columns))
            duck.fill(target, frame.name, list(rows))
            if format == "parquet":
                duck.write_parquet(target, frame.name, folder / f"{frame.name}.parquet")
    finally:
        target.close()

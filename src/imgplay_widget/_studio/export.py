"""The history as a data set: a new folder with images and recipes, tables, or one page."""

from __future__ import annotations

import base64
import json
import shutil
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any, Literal, get_args

from imgplay_widget._store.frames import FRAMES
from imgplay_widget._store.paths import path_of
from imgplay_widget._studio import duck
from imgplay_widget.errors import ImgplayError, InvalidRequest

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

    from imgplay_widget._studio.analysis import Analysis
    from imgplay_widget._studio.files import Files
    from imgplay_widget._studio.results import Rows

__all__ = ["Format", "check_format", "export", "new_folder"]

Format = Literal["imagefolder", "jsonl", "parquet", "duckdb", "html"]

_IMAGES = (
    "SELECT t.title AS topic, g.* FROM generations g JOIN topics t ON t.id = g.topic_id "
    "WHERE g.file IS NOT NULL AND (? IS NULL OR g.topic_id = ?) ORDER BY g.batch_id, g.slot"
)

_SHOWN = ("topic", "model", "seed", "width", "height", "seconds", "cost_usd", "created_at")
"""The columns that the page shows beside an image."""

_STYLE = (
    "body{font:15px system-ui;margin:2rem;color-scheme:light dark}"
    "main{display:grid;gap:1.5rem;grid-template-columns:repeat(auto-fill,minmax(16rem,1fr))}"
    "figure{margin:0}img{width:100%;height:auto;border-radius:8px}dl{display:grid;"
    "grid-template-columns:auto 1fr;gap:0 .8em;font-size:13px}dd{margin:0}"
)


def check_format(format: str) -> None:
    """Raise where there is no such format.

    Raises:
        InvalidRequest: there is no such format.
    """
    if format not in get_args(Format):
        known = ", ".join(get_args(Format))
        raise InvalidRequest(f"{format!r} is not a format: {known}.", parameter="format")


def new_folder(given: str | os.PathLike[str]) -> Path:
    """Return the folder for a data set, which is made where it does not exist.

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
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def export(analysis: Analysis, files: Files, folder: Path, format: Format, topic_id: str | None) -> None:
    """Write a data set into an empty folder. On the caller's thread.

    Args:
        analysis: the history in SQL.
        files: the files of the images.
        folder: the folder.
        format: the kind of data set.
        topic_id: the topic, or None for all topics.
    """
    if format in ("parquet", "duckdb"):
        _write_tables(analysis, folder, format, topic_id)
        return
    images = analysis.ask(_IMAGES, [topic_id, topic_id])
    if format == "html":
        _write_page(images, files, folder / "index.html")
    elif format == "jsonl":
        _write_images(images, files, folder, "images.jsonl", "images/")
    else:
        # The layout that Hugging Face `datasets` reads as "imagefolder".
        _write_images(images, files, folder, "metadata.jsonl", "")


def _found(images: Rows, files: Files) -> Iterator[tuple[dict[str, Any], Path]]:
    """Return the images with their originals, without those whose file is gone."""
    for values in images:
        row = dict(zip(images.columns, values, strict=True))
        try:
            yield row, files.original_path(row["file"])
        except ImgplayError:
            continue


def _write_images(images: Rows, files: Files, folder: Path, name: str, under: str) -> None:
    (folder / under).mkdir(exist_ok=True)
    with (folder / name).open("w", encoding="utf-8") as lines:
        for row, source in _found(images, files):
            # The digest would be the same for equal images, and the id never is.
            file_name = f"{under}{row['id']}{source.suffix}"
            shutil.copyfile(source, folder / file_name)
            line = {"file_name": file_name, **_plain(row)}
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as JSON types, without the place of its file in the store."""
    plain = {name: _plain_value(value) for name, value in row.items() if name != "file"}
    return plain | {name: json.dumps(json.loads(row[name])) for name in ("params", "applied") if row[name]}


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _write_page(images: Rows, files: Files, target: Path) -> None:
    with target.open("w", encoding="utf-8") as page:
        page.write(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Images</title>'
            f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style><main>'
        )
        for row, source in _found(images, files):
            page.write(_figure(row, source.read_bytes()))
        page.write("</main></html>\n")


def _figure(row: dict[str, Any], data: bytes) -> str:
    prompt = escape(row["prompt"])
    recipe = "".join(
        f"<dt>{name}</dt><dd>{escape(str(row[name]))}</dd>" for name in _SHOWN if row[name] is not None
    )
    source = f"data:{escape(row['media_type'])};base64,{base64.b64encode(data).decode('ascii')}"
    return (
        f'<figure><img loading="lazy" alt="{prompt}" src="{source}"><figcaption><p>{prompt}</p>'
        f"<dl>{recipe}</dl></figcaption></figure>"
    )


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
            duck.fill(target, frame.name, rows)
            if format == "parquet":
                duck.write_parquet(target, frame.name, folder / f"{frame.name}.parquet")
    finally:
        target.close()

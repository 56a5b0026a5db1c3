"""Contact sheets: how images, and slots without an image, show themselves in the output of a cell.

A `Sheet` describes a display without any picture in it. `html_sheet` draws the sheet as HTML without scripts
and style sheets: a saved notebook, an export and a viewer of a repository keep such HTML. The text takes the
colour of the host, and every other colour is half transparent, so the sheet fits light and dark pages.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Literal

from imgplay_widget._rules.costs import image_cost
from imgplay_widget._text import money
from imgplay_widget._types import Status

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from imgplay_widget._types import Entry, Generation, Topic

__all__ = [
    "CANCELLED",
    "HIDDEN",
    "MAX_DISPLAY",
    "MAX_HTML",
    "MAX_PICTURE",
    "MAX_TEXT",
    "MAX_TILES",
    "PROMPT",
    "TINTS",
    "Picture",
    "Sheet",
    "Tile",
    "Tone",
    "batch_sheet",
    "bounded",
    "counted",
    "end_line",
    "finished",
    "html_line",
    "html_sheet",
    "images_sheet",
    "kept_line",
    "paid",
    "progress_bar",
    "progress_line",
    "progress_sheet",
    "several",
    "share_of",
    "shortened",
    "text_sheet",
    "text_within",
    "tile_of",
    "topics_sheet",
]

MAX_DISPLAY = 100_000
"""The most bytes of one display, with all its kinds of content, as a notebook stores them."""

MAX_HTML, MAX_TEXT = 72_000, 2_000
"""The most bytes of the HTML and of the text of a display."""

MAX_PICTURE = 18_000
"""The most bytes of the one picture of a display, before base64 makes a third more of them."""

MAX_TILES = 36
"""The most tiles of a sheet. The others are counted in its last line."""

PROMPT, WORDS = 90, 320
"""The most characters of a prompt and of the words in a tile."""

FEW = 4
"""The most tiles that share one row of a usual cell."""

LOW, LOWEST = (3, 2), (4, 1)
"""The shapes of error tiles without a picture beside them: of several, and of one alone."""

MANY, SHORT_PROMPT = 12, 48
"""A sheet of more tiles has smaller ones, with so many characters of their prompts."""

CANCELLED = "Cancelled"
"""What the tile of a slot says that was cancelled."""

HIDDEN = {
    "kind": "Images of this kind are not drawn here.",
    "large": "The image is too large to be drawn here.",
    "damaged": "The image is damaged.",
    "gone": "The file of the image is gone from the store.",
}
"""What the tile of a stored image says that cannot be drawn, by the reason."""

Tone = Literal["image", "running", "error", "hidden"]
"""What a tile shows: an image, a slot that still waits or runs, a failure, or an image that is not drawn."""

Picture = tuple[str, bytes]
"""A small picture: its media type and its bytes."""

# A file path would tell readers of a shared notebook about the machine. Web addresses stay.
_FILE_PATH = re.compile(r"(?<![\w:/.])(?:~?/[^\s/'\"]+){2,}/?|\b[A-Za-z]:\\[^\s'\"]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile of a sheet.

    Attributes:
        id: the id of the generation or of the topic, by which its picture is found.
        tone: what the tile shows.
        words: what a tile without a picture says: "Waiting", or an error with its next step.
        caption: the parts of the line below: prompt, model, seed and cost, as far as they are not the same
            for the whole sheet.
        alt: the description of the picture for those who do not see it.
        shape: width and height of the image, or None where they are unknown.
    """

    id: str
    tone: Tone
    words: str = ""
    caption: tuple[str, ...] = ()
    alt: str = ""
    shape: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A contact sheet, without the pictures.

    Attributes:
        title: the first line: a prompt, a title, or what the sheet lists.
        details: the second line: model, numbers, cost.
        tiles: at most `MAX_TILES` tiles.
        more: the number of images that have no tile.
        small: True for small tiles, such as covers and previews.
        part: how much of the work is done, 0.0 to 1.0, for a sheet with a bar of progress. Else None.
    """

    title: str
    details: tuple[str, ...] = ()
    tiles: tuple[Tile, ...] = ()
    more: int = 0
    small: bool = False
    part: float | None = None


# ------------------------------------------------------------------ what is shown


def batch_sheet(
    entry: Entry,
    chosen: Sequence[Generation] | None = None,
    *,
    waits: Mapping[str, float] | None = None,
    progress: Mapping[str, float] | None = None,
) -> Sheet:
    """Return the sheet of a batch, or of some of its generations.

    Args:
        entry: the batch.
        chosen: the generations to show; None for all.
        waits: the seconds until the next try, by generations that wait for a rate limit.
        progress: the progress of running generations, 0.0 to 1.0.
    """
    all_chosen = entry.generations if chosen is None else chosen
    rows = [(entry, one) for one in all_chosen]
    tiles = [
        tile_of(entry, one, wait=(waits or {}).get(one.id), progress=(progress or {}).get(one.id))
        for one in all_chosen[:MAX_TILES]
    ]
    return Sheet(
        title=shortened(entry.batch.words, PROMPT * 3),
        details=(_model(entry), counted(rows), *paid(rows)),
        tiles=_low(tiles),
        more=max(0, len(rows) - MAX_TILES),
    )


def images_sheet(title: str, images: Sequence[tuple[Entry, Generation]], *, more: int = 0) -> Sheet:
    """Return the sheet of images of several batches.

    Args:
        title: what the images have in common.
        images: the generations, each with its batch.
        more: the number of images beside those.
    """
    tiles: list[Tile] = []
    for entry, generation in images[:MAX_TILES]:
        most = PROMPT if len(images) <= MANY else SHORT_PROMPT
        shared = (shortened(entry.batch.words, most), _model(entry))
        tiles.append(tile_of(entry, generation, shared))
    return Sheet(title=title, tiles=_low(tiles), more=more + max(0, len(images) - MAX_TILES))


def _low(tiles: Sequence[Tile]) -> tuple[Tile, ...]:
    """Return the tiles; those of a sheet that only has errors are low, because no picture is beside them."""
    if any(tile.tone != "error" for tile in tiles):
        return tuple(tiles)
    shape = LOW if len(tiles) > 1 else LOWEST
    return tuple(replace(tile, shape=shape) for tile in tiles)


def topics_sheet(topics: Sequence[Topic], covered: Container[str]) -> Sheet:
    """Return the sheet of a list of topics: a tile with the cover of each.

    Args:
        topics: the topics.
        covered: the ids of the topics that have a cover.
    """
    tiles = [_topic_tile(topic, has_cover=topic.id in covered) for topic in topics[:MAX_TILES]]
    return Sheet(
        title=several(len(topics), "topic"),
        details=(several(sum(topic.images for topic in topics), "image"),),
        tiles=tuple(tiles),
        more=max(0, len(topics) - MAX_TILES),
        small=True,
    )


def _topic_tile(topic: Topic, *, has_cover: bool) -> Tile:
    title = shortened(topic.title or "Without a title", PROMPT)
    running = (f"{topic.running} running",) if topic.running else ()
    return Tile(
        id=topic.id,
        tone="image" if has_cover else "hidden",
        words="" if has_cover else "No image yet",
        caption=(title, several(topic.images, "image"), *running),
        alt=f"Cover of the topic {title}",
        shape=(1, 1),
    )


def tile_of(
    entry: Entry,
    generation: Generation,
    shared: tuple[str, ...] = (),
    *,
    wait: float | None = None,
    progress: float | None = None,
) -> Tile:
    """Return the tile of a generation.

    Args:
        entry: the batch of the generation.
        generation: the generation.
        shared: the parts of the caption before the seed and the cost.
        wait: the seconds until the next try, where the generation waits for a rate limit.
        progress: the progress of a running generation, 0.0 to 1.0, where it is known.
    """
    status = entry.status_of(generation)
    tone, words = _state(entry, generation, status, wait, progress)
    asset = generation.asset
    shape = None if asset is None or not asset.width or not asset.height else (asset.width, asset.height)
    if shape is None and entry.batch.width and entry.batch.height:
        shape = entry.batch.width, entry.batch.height
    return Tile(
        id=generation.id,
        tone=tone,
        words=words,
        caption=(
            *shared,
            *([] if generation.seed is None else [f"seed {generation.seed}"]),
            *paid([(entry, generation)]),
        ),
        alt=f"Image {generation.position + 1}: {shortened(entry.batch.words, PROMPT)}",
        shape=shape,
    )


def _state(
    entry: Entry, generation: Generation, status: Status, wait: float | None, progress: float | None
) -> tuple[Tone, str]:
    if status is Status.SUCCESS:
        return "image", ""
    if not status.final:
        if wait is not None:
            return "running", f"Rate limited, next try in {wait:.0f} s"
        if progress is not None:
            return "running", f"Running, {progress:.0%}"
        return "running", "Waiting" if status is Status.PENDING else "Running"
    task = entry.task_of(generation)
    error = generation.error or (None if task is None else task.error)
    if status is Status.CANCELLED:
        return "error", CANCELLED
    if error is None:
        return "error", "Failed"
    return "error", shortened(_FILE_PATH.sub(_last_name, f"{error.message} {error.next_step}"), WORDS)


def _last_name(path: re.Match[str]) -> str:
    return re.split(r"[/\\]", path[0].rstrip("/\\"))[-1]


def paid(rows: Iterable[tuple[Entry, Generation]]) -> tuple[str, ...]:
    """Return what images cost, with a mark where the provider did not say it all; () where nobody knows.

    Args:
        rows: the generations, each with its batch.
    """
    costs = [(cost, _told(entry, one)) for entry, one in rows if (cost := image_cost(entry, one)) is not None]
    total = money(sum((cost for cost, _ in costs), Decimal(0)))
    if any(cost and not told for cost, told in costs):
        return (f"≈ {total}",)
    return (total,) if any(told for _, told in costs) else ()


def _told(entry: Entry, generation: Generation) -> bool:
    task = entry.task_of(generation)
    return task is not None and task.cost is not None


def _model(entry: Entry) -> str:
    return f"{entry.batch.provider}:{entry.batch.model}"


def counted(rows: Iterable[tuple[Entry, Generation]]) -> str:
    """Return the numbers of images, failed, cancelled and running slots, such as "3 images, 1 failed".

    Args:
        rows: the generations, each with its batch.
    """
    states = [entry.status_of(one) for entry, one in rows]
    names = {Status.SUCCESS: "", Status.ERROR: " failed", Status.CANCELLED: " cancelled"}
    parts: list[str] = []
    for status, name in names.items():
        number = states.count(status)
        if number:
            parts.append(f"{number}{name}" if name else several(number, "image"))
    running = sum(not state.final for state in states)
    return ", ".join([*parts, *([f"{running} running"] if running else [])]) or "no images"


def several(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 image" and "2,000 images"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def shortened(text: str, most: int) -> str:
    """Return a text as one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


# ------------------------------------------------------------------ size


def bounded(sheet: Sheet) -> Sheet:
    """Return a sheet whose texts take at most a third of `MAX_HTML`, with fewer tiles where they must be."""
    while sheet.tiles and _bare(sheet) > MAX_HTML // 3:
        kept = len(sheet.tiles) * 3 // 4
        more = sheet.more + len(sheet.tiles) - kept
        sheet = replace(sheet, tiles=sheet.tiles[:kept], more=more)
    return sheet


def share_of(sheet: Sheet, pictures: int) -> int:
    """Return the most bytes of each picture, so that a sheet with so many pictures is not too large."""
    # Base64 makes four characters of three bytes.
    return (MAX_HTML - _bare(sheet)) // max(1, pictures) * 3 // 4 - 3


def _bare(sheet: Sheet) -> int:
    empty = {tile.id: ("image/webp", b"") for tile in sheet.tiles if tile.tone != "error"}
    return len(html_sheet(sheet, empty).encode())


# ------------------------------------------------------------------ text


def text_sheet(sheet: Sheet) -> str:
    """Return a sheet as text, of at most `MAX_TEXT` bytes: its first lines, and a line for each problem."""
    lines = [sheet.title, " · ".join(sheet.details)]
    lines += [f"{index + 1}: {tile.words}" for index, tile in enumerate(sheet.tiles) if tile.words]
    if sheet.more:
        lines.append(f"and {sheet.more:,} more")
    return text_within("\n".join(line for line in lines if line), MAX_TEXT)


def text_within(text: str, most: int) -> str:
    """Return a text, cut where it takes more than so many bytes."""
    data = text.encode()
    return (data if len(data) <= most else data[: most - 3] + "…".encode()).decode(errors="ignore")


# ------------------------------------------------------------------ progress


def finished(entry: Entry, progress: Mapping[str, float]) -> float:
    """Return how much of a batch is done, 0.0 to 1.0.

    Args:
        entry: the batch.
        progress: the progress of the running generations, 0.0 to 1.0.
    """
    total = len(entry.generations)
    return min(1.0, (_ended(entry) + sum(progress.values())) / total) if total else 1.0


def progress_line(entry: Entry) -> str:
    """Return the number of finished slots of a batch, with the beginning of its prompt."""
    return f"{_ended(entry)}/{len(entry.generations)} · {shortened(entry.batch.words, 40)}"


def _ended(entry: Entry) -> int:
    return sum(entry.status_of(one).final for one in entry.generations)


def progress_sheet(entry: Entry, *, waits: Mapping[str, float], progress: Mapping[str, float]) -> Sheet:
    """Return the sheet that shows how far a batch is. The arguments are those of `batch_sheet`."""
    sheet = batch_sheet(entry, waits=waits, progress=progress)
    tiles = tuple(replace(tile, caption=()) for tile in sheet.tiles)
    part = finished(entry, progress)
    return replace(sheet, title=progress_line(entry), details=(), tiles=tiles, small=True, part=part)


def end_line(entry: Entry) -> str:
    """Return the end of a batch as one line: images, seconds, cost, and the first error."""
    sheet = batch_sheet(entry)
    ends = [task.finished_at for task in entry.tasks if task.finished_at is not None]
    seconds = [f"{(max(ends) - entry.batch.created_at).total_seconds():.1f} s"] if ends else []
    errors = [tile.words for tile in sheet.tiles if tile.tone == "error"]
    return " · ".join([sheet.details[1], *seconds, *sheet.details[2:], *errors[:1]])


def kept_line(entry: Entry) -> str:
    """Return what a user reads who asked for a batch that is in the store already."""
    if any(not entry.status_of(one).final for one in entry.generations):
        return "This request runs already: you get its batch, and nothing more is sent."
    images = several(len(entry.generations), "image")
    at = f"{entry.batch.created_at.astimezone():%Y-%m-%d at %H:%M}"
    return f"From the store: {images}, requested on {at}. Nothing was sent or paid."


def html_line(line: str) -> str:
    """Return a line as HTML."""
    style = "font-family:system-ui,sans-serif;font-size:12px;opacity:.85"
    return f'<div style="{style}">{escape(line)}</div>'


# ------------------------------------------------------------------ HTML

TINTS: dict[Tone, str] = {
    "image": "rgba(128,128,128,.12)",
    "running": "rgba(64,128,255,.14)",
    "error": "rgba(224,64,48,.16)",
    "hidden": "rgba(128,128,128,.16)",
}
"""The colour behind a tile, by what the tile shows."""


def html_sheet(sheet: Sheet, pictures: Mapping[str, Picture]) -> str:
    """Return a sheet as HTML, which scales with the width of its cell.

    Args:
        sheet: the sheet.
        pictures: the pictures of its tiles, by the ids of the tiles. A tile that shows an image and has no
            picture says that the image cannot be shown here.
    """
    few = len(sheet.tiles)
    edge, widest = (112, 168) if sheet.small else _edges(few)
    tiles = "".join(_figure(tile, pictures.get(tile.id)) for tile in sheet.tiles)
    details = " · ".join(escape(part) for part in sheet.details)
    # A few tiles share the whole width. Many keep the width of their column, also in the last row.
    fill = "auto-fit" if few <= FEW else "auto-fill"
    grid = (
        f'<div style="display:grid;grid-template-columns:repeat({fill},minmax(min(100%,{edge}px),1fr));'
        f'gap:10px;max-width:{max(1, few) * widest}px">{tiles}</div>'
    )
    return (
        '<div style="font-family:system-ui,sans-serif;font-size:12px;line-height:1.45;text-align:left">'
        '<div style="font-size:13px;font-weight:600;overflow-wrap:anywhere;margin-bottom:4px">'
        f"{escape(sheet.title)}</div>"
        + ("" if sheet.part is None else progress_bar(sheet.part))
        + (f'<div style="opacity:.8;margin-bottom:8px">{details}</div>' if details else "")
        + (grid if tiles else "")
        + (f'<div style="opacity:.8;margin-top:8px">and {sheet.more:,} more</div>' if sheet.more else "")
        + "</div>"
    )


def _edges(tiles: int) -> tuple[int, int]:
    """Return the least and the largest width of a tile, in pixels."""
    if tiles <= FEW:
        return (480, 720) if tiles <= 1 else (150, 340)
    return (150, 225) if tiles <= MANY else (112, 168)


def progress_bar(part: float) -> str:
    """Return a bar of progress as HTML.

    Args:
        part: how much is done, 0.0 to 1.0.
    """
    inner = f"height:6px;border-radius:3px;background:rgba(64,128,255,.85);width:{part:.0%}"
    return (
        '<div style="border-radius:3px;background:rgba(128,128,128,.3);max-width:480px;margin:2px 0 8px">'
        f'<div style="{inner}"></div></div>'
    )


def _figure(tile: Tile, picture: Picture | None) -> str:
    width, height = tile.shape or (1, 1)
    # Neither a banner nor a column may take the whole sheet.
    ratio = f"{min(4.0, max(0.5, width / height)):.3g}"
    box = f"aspect-ratio:{ratio};border-radius:8px;background:{TINTS[tile.tone]}"
    if picture is None:
        words = escape(tile.words or "This image cannot be shown here.")
        inside = (
            f'<div style="{box};display:flex;align-items:center;justify-content:center;text-align:center;'
            f'padding:8px;box-sizing:border-box;overflow:hidden;overflow-wrap:anywhere">{words}</div>'
        )
    else:
        kind, data = picture
        inside = (
            f'<img alt="{escape(tile.alt)}" src="data:{kind};base64,{base64.b64encode(data).decode()}" '
            f'style="{box};display:block;width:100%;height:auto;object-fit:contain;margin:0">'
        )
        if tile.words:
            inside += f"<div>{escape(tile.words)}</div>"
    caption = " · ".join(escape(part) for part in tile.caption)
    below = f'<figcaption style="opacity:.8;overflow-wrap:anywhere;margin-top:3px">{caption}</figcaption>'
    return f'<figure style="margin:0;min-width:0">{inside}{below if caption else ""}</figure>'

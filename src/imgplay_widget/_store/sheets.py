"""The pictures of contact sheets: small pictures that fit into some bytes, and a whole sheet as one JPEG."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from imgplay_widget._store import images
from imgplay_widget._store.lettering import drawable, wrapped, write
from imgplay_widget.errors import CorruptImage, NotShown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._rules.sheets import Picture, Sheet, Tile, Tone

__all__ = ["BARE", "GREY", "INK", "PAPER", "TONES", "fitted", "one_picture", "opened"]

WIDEST, LARGEST, SMALLEST = 880, 320, 24
"""The most pixels of the width of a sheet, and the most and the fewest of the edge of a cell in it."""

_GAP, _LINE, _SIZE = 8, 13, 11

PAPER, INK, GREY = (255, 255, 255), (32, 32, 36), (104, 104, 112)
"""The colours of the ground, of words, and of words that are less important."""

TONES: dict[Tone, tuple[int, int, int]] = {
    "image": (240, 240, 242),
    "running": (228, 237, 255),
    "error": (251, 228, 225),
    "hidden": (236, 236, 238),
}
"""The colour behind a tile, by what the tile shows."""

BARE: dict[Tone, str] = {
    "image": "",
    "running": "Running",
    "error": "Failed",
    "hidden": "This image cannot be shown here.",
}
"""The words of a tile in the place of words that no font draws."""


def fitted(data: bytes, most: int) -> Picture | None:
    """Return the largest small WebP of an image that fits into some bytes, or None where none does.

    Args:
        data: the image.
        most: the most bytes.
    """
    try:
        small = images.thumbnail_within(data, most)
    except (CorruptImage, NotShown):
        return None
    return None if small is None else ("image/webp", small)


def one_picture(sheet: Sheet, pictures: Mapping[str, Picture], most: int) -> bytes:
    """Return a sheet as one JPEG of at most so many bytes, with its captions drawn.

    Args:
        sheet: the sheet.
        pictures: the pictures of its tiles, by the ids of the tiles.
        most: the most bytes, at least 4,000.
    """
    small = {name: opened(picture[1]) for name, picture in pictures.items()}
    cell = min(LARGEST, WIDEST // _columns(sheet))
    while True:
        out = io.BytesIO()
        _drawn(sheet, small, cell).save(out, "JPEG", quality=68, optimize=True)
        data = out.getvalue()
        if len(data) <= most or cell <= SMALLEST:
            return data
        # The bytes grow about as the pixels do.
        cell = max(SMALLEST, min(cell - 1, int(cell * 0.95 * (most / len(data)) ** 0.5)))


def opened(data: bytes) -> Image.Image:
    """Return a small picture, decoded, on the colour of the ground."""
    image = Image.open(io.BytesIO(data), formats=("WEBP", "JPEG", "PNG")).convert("RGBA")
    paper = Image.new("RGBA", image.size, (*PAPER, 255))
    return Image.alpha_composite(paper, image).convert("RGB")


def _columns(sheet: Sheet) -> int:
    return max(1, math.ceil(math.sqrt(len(sheet.tiles))))


def _drawn(sheet: Sheet, pictures: Mapping[str, Image.Image], cell: int) -> Image.Image:
    columns = _columns(sheet)
    rows = max(1, math.ceil(len(sheet.tiles) / columns))
    head = 2 * _LINE + _GAP
    step = cell + _LINE + _GAP
    width = max(columns * (cell + _GAP) + _GAP, 200)
    foot = _LINE + _GAP if sheet.more else 0
    picture = Image.new("RGB", (width, head + rows * step + _GAP + foot), PAPER)
    draw = ImageDraw.Draw(picture)
    write(draw, (_GAP, 4), sheet.title, width - 2 * _GAP, INK, _SIZE)
    write(draw, (_GAP, 4 + _LINE), " · ".join(sheet.details), width - 2 * _GAP, GREY, _SIZE)
    for index, tile in enumerate(sheet.tiles):
        left = _GAP + index % columns * (cell + _GAP)
        top = head + index // columns * step
        _draw_tile(picture, draw, tile, pictures.get(tile.id), (left, top, cell))
    if sheet.more:
        write(draw, (_GAP, picture.height - _LINE - 4), f"and {sheet.more:,} more", width, GREY, _SIZE)
    return picture


def _draw_tile(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    tile: Tile,
    picture: Image.Image | None,
    box: tuple[int, int, int],
) -> None:
    left, top, cell = box
    tone = TONES[tile.tone]
    draw.rounded_rectangle((left, top, left + cell - 1, top + cell - 1), 6, fill=tone)
    if picture is None:
        font, words = drawable(tile.words or "This image cannot be shown here.", _SIZE)
        lines = wrapped(words or BARE[tile.tone], cell - 12, font)
        for line, text in enumerate(lines[: max(1, (cell - 12) // _LINE)]):
            write(draw, (left + 6, top + 6 + line * _LINE), text, cell - 12, INK, _SIZE)
    else:
        factor = cell / max(picture.size)
        size = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
        small = picture.resize(size, Image.Resampling.BICUBIC)  # pyright: ignore[reportUnknownMemberType]
        sheet.paste(small, (left + (cell - size[0]) // 2, top + (cell - size[1]) // 2))
    # A prompt that no font draws must not take the seed and the cost with it.
    caption = " · ".join(part for part in tile.caption if drawable(part, _SIZE)[1])
    write(draw, (left, top + cell + 1), caption, cell, GREY, _SIZE)

"""The pictures of contact sheets: small pictures that fit into some bytes, and a whole sheet as one JPEG."""

from __future__ import annotations

import io
import math
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont, features

from imgplay_widget._store import images
from imgplay_widget.errors import CorruptImage, NotShown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._rules.sheets import Picture, Sheet, Tile, Tone

__all__ = ["fitted", "one_picture"]

WIDEST, LARGEST, SMALLEST = 880, 320, 24
"""The most pixels of the width of a sheet, and the most and the fewest of the edge of a cell in it."""

_GAP, _LINE = 8, 13

_PAPER, _INK, _GREY = (255, 255, 255), (32, 32, 36), (104, 104, 112)

_TINTS: dict[Tone, tuple[int, int, int]] = {
    "image": (240, 240, 242),
    "running": (228, 237, 255),
    "error": (251, 228, 225),
    "hidden": (236, 236, 238),
}


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
    opened = {name: _opened(picture[1]) for name, picture in pictures.items()}
    cell = min(LARGEST, WIDEST // _columns(sheet))
    while True:
        out = io.BytesIO()
        _drawn(sheet, opened, cell).save(out, "JPEG", quality=68, optimize=True)
        data = out.getvalue()
        if len(data) <= most or cell <= SMALLEST:
            return data
        # The bytes grow about as the pixels do.
        cell = max(SMALLEST, min(cell - 1, int(cell * 0.95 * (most / len(data)) ** 0.5)))


def _opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=("WEBP", "JPEG", "PNG")).convert("RGBA")
    paper = Image.new("RGBA", image.size, (*_PAPER, 255))
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
    picture = Image.new("RGB", (width, head + rows * step + _GAP + foot), _PAPER)
    draw = ImageDraw.Draw(picture)
    _write(draw, (_GAP, 4), sheet.title, width - 2 * _GAP, _INK)
    _write(draw, (_GAP, 4 + _LINE), " · ".join(sheet.details), width - 2 * _GAP, _GREY)
    for index, tile in enumerate(sheet.tiles):
        left = _GAP + index % columns * (cell + _GAP)
        top = head + index // columns * step
        _draw_tile(picture, draw, tile, pictures.get(tile.id), (left, top, cell))
    if sheet.more:
        _write(draw, (_GAP, picture.height - _LINE - 4), f"and {sheet.more:,} more", width, _GREY)
    return picture


def _draw_tile(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    tile: Tile,
    picture: Image.Image | None,
    box: tuple[int, int, int],
) -> None:
    left, top, cell = box
    tone = _TINTS[tile.tone]
    draw.rounded_rectangle((left, top, left + cell - 1, top + cell - 1), 6, fill=tone)
    if picture is None:
        font, words = _drawable(tile.words or "This image cannot be shown here.")
        lines = _wrapped(words or _BARE[tile.tone], cell - 12, font)
        for line, text in enumerate(lines[: max(1, (cell - 12) // _LINE)]):
            _write(draw, (left + 6, top + 6 + line * _LINE), text, cell - 12, _INK)
    else:
        factor = cell / max(picture.size)
        size = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
        small = picture.resize(size, Image.Resampling.BICUBIC)  # pyright: ignore[reportUnknownMemberType]
        sheet.paste(small, (left + (cell - size[0]) // 2, top + (cell - size[1]) // 2))
    # A prompt that no font draws must not take the seed and the cost with it.
    caption = " · ".join(part for part in tile.caption if _drawable(part)[1])
    _write(draw, (left, top + cell + 1), caption, cell, _GREY)


# ------------------------------------------------------------------ words

_FONTS = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial.ttf", "Arial Unicode.ttf"),
    *("NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf"),
    *("PingFang.ttc", "Hiragino Sans GB.ttc", "msyh.ttc", "YuGothM.ttc", "malgun.ttf", "meiryo.ttc"),
)
"""Fonts that many systems have. They are looked for where the font of Pillow lacks letters of a text."""

_IMAGINARY = "\U0010fffe"
"""A character that is in no font, so it is drawn as each character is that the font lacks."""

_BARE: dict[Tone, str] = {
    "image": "",
    "running": "Running",
    "error": "Failed",
    "hidden": "This image cannot be shown here.",
}
"""The words of a tile in the place of words that no font draws."""

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@cache
def _plain() -> _Font:
    return ImageFont.load_default(11)


@cache
def _fonts() -> tuple[_Font, ...]:
    return (_plain(), *filter(None, map(_font_named, _FONTS)))


def _font_named(name: str) -> _Font | None:
    try:
        return ImageFont.truetype(name, 11)
    except OSError:
        return None


@cache
def _absent(font: _Font) -> tuple[tuple[int, int], bytes]:
    return _shape(font, _IMAGINARY)


def _shape(font: _Font, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)  # pyright: ignore[reportArgumentType] - Pillow does not declare its buffer


@lru_cache(4096)
def _has(font: _Font, letter: str) -> bool:
    return letter.isspace() or _shape(font, letter) != _absent(font)


def _drawable(text: str) -> tuple[_Font, str]:
    """Return a font and the part of a text that the font draws: the whole text, but for emoji and signs.

    A text with letters that no font has is left out whole, because a picture of empty boxes says nothing.
    """
    known = "".join(letter for letter in text if not _is_sign(letter))
    plain, *others = (_plain(),) if known.isascii() else _fonts()
    shaped = features.check_feature("raqm") or not any(map(_needs_shaping, known))
    for font in (plain, *others):
        if shaped and all(_has(font, letter) for letter in known):
            # Of the signs, the font may have some.
            drawn = "".join(one for one in text if not _is_sign(one) or _has(font, one))
            return font, " ".join(drawn.split())
    return plain, ""


def _is_sign(letter: str) -> bool:
    # Emoji, and what joins and colours them.
    return unicodedata.category(letter) in ("So", "Sk", "Cf", "Cn", "Co") or "\ufe00" <= letter <= "\ufe0f"


def _needs_shaping(letter: str) -> bool:
    # Without a layout engine, words from right to left stand backwards, and letters do not join.
    return unicodedata.bidirectional(letter) in ("R", "AL") or unicodedata.category(letter) in ("Mc", "Mn")


def _write(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, width: int, colour: tuple[int, int, int]
) -> None:
    font, known = _drawable(text)
    if draw.textlength(known, font=font) > width:
        fits = len(known)
        while fits and draw.textlength(f"{known[:fits]}...", font=font) > width:
            fits = fits * 9 // 10 if fits > 9 else fits - 1
        known = f"{known[:fits]}..." if fits else ""
    draw.text(at, known, fill=colour, font=font)


def _wrapped(text: str, width: int, font: _Font) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line]

"""Words in pictures: which font has their letters, and how they fit into a line."""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from PIL import ImageFont, features

if TYPE_CHECKING:
    from PIL import ImageDraw

__all__ = ["Colour", "Font", "drawable", "wrapped", "write"]

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
"""A font in one size."""

_FONTS = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial.ttf", "Arial Unicode.ttf"),
    *("NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf"),
    *("PingFang.ttc", "Hiragino Sans GB.ttc", "msyh.ttc", "YuGothM.ttc", "malgun.ttf", "meiryo.ttc"),
)
"""Fonts that many systems have. They are looked for where the font of Pillow lacks letters of a text."""

_IMAGINARY = "\U0010fffe"
"""A character that is in no font, so it is drawn as each character is that the font lacks."""


@cache
def _plain(size: int) -> Font:
    return ImageFont.load_default(size)


@cache
def _fonts(size: int) -> tuple[Font, ...]:
    named = (_font_named(name, size) for name in _FONTS)
    return (_plain(size), *filter(None, named))


def _font_named(name: str, size: int) -> Font | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


@cache
def _absent(font: Font) -> tuple[tuple[int, int], bytes]:
    return _shape(font, _IMAGINARY)


def _shape(font: Font, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)  # pyright: ignore[reportArgumentType] - Pillow does not declare its buffer


@lru_cache(4096)
def _has(font: Font, letter: str) -> bool:
    return letter.isspace() or _shape(font, letter) != _absent(font)


def drawable(text: str, size: int) -> tuple[Font, str]:
    """Return a font and the part of a text that the font draws: the whole text, but for emoji and signs.

    A text with letters that no font has is left out whole, because a picture of empty boxes says nothing.

    Args:
        text: the text.
        size: the size of the font, in pixels.
    """
    known = "".join(letter for letter in text if not _is_sign(letter))
    plain, *others = (_plain(size),) if known.isascii() else _fonts(size)
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


def write(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    width: int,
    colour: Colour,
    size: int,
) -> None:
    """Draw a text as one line, cut where it is too wide.

    Args:
        draw: the picture.
        at: the left upper corner.
        text: the text.
        width: the most pixels of the line.
        colour: the colour of the letters.
        size: the size of the font, in pixels.
    """
    font, known = drawable(text, size)
    if draw.textlength(known, font=font) > width:
        fits = len(known)
        while fits and draw.textlength(f"{known[:fits]}...", font=font) > width:
            fits = fits * 9 // 10 if fits > 9 else fits - 1
        known = f"{known[:fits]}..." if fits else ""
    draw.text(at, known, fill=colour, font=font)


def wrapped(text: str, width: int, font: Font) -> list[str]:
    """Return a text as lines of whole words, which are at most so many pixels wide where their words are."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line]

"""A sweep as one picture: its grid with the labels of the axes, on white ground."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from imgplay_widget._rules.sheets import PROMPT, shortened
from imgplay_widget._store import images
from imgplay_widget._store.lettering import drawable, wrapped, write
from imgplay_widget._store.sheets import BARE, GREY, INK, PAPER, TONES, opened
from imgplay_widget.errors import CorruptImage, NotShown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from imgplay_widget._rules.sheets import Picture, Tile, Tone
    from imgplay_widget._rules.sweep_sheets import Facet, SheetCell, SweepSheet
    from imgplay_widget._store.lettering import Colour

    Open = Callable[[Tile, tuple[int, int]], Image.Image | str | None]

__all__ = ["LARGEST_CELL", "LONGEST_SIDE", "MOST_PIXELS", "small_picture", "whole_picture"]

LONGEST_SIDE, MOST_PIXELS = 8192, 32_000_000
"""The most pixels of a side of the whole picture, and of all of it: 96 MB of memory."""

LARGEST_CELL = 768
"""The most pixels of the longer side of a cell."""

_FIRST, _SMALLEST = 320, 16
"""The pixels of the longer side of a cell in the first small picture, and the fewest of any picture."""

_TITLE_WIDTH = 240
"""The fewest pixels of a picture's width, so that its first line can be read."""


def small_picture(sheet: SweepSheet, pictures: Mapping[str, Picture], most: int) -> bytes:
    """Return a sheet as one JPEG of at most so many bytes.

    Args:
        sheet: the sheet.
        pictures: the small pictures of its tiles, by the ids of the tiles.
        most: the most bytes, at least 4,000.
    """
    decoded = {name: opened(picture[1]) for name, picture in pictures.items()}
    edge = _FIRST
    while _plan(sheet, edge).width > 2 * _FIRST and edge > _SMALLEST:
        edge = edge * 4 // 5
    while True:
        out = io.BytesIO()
        drawn = _draw(sheet, _plan(sheet, edge), lambda tile, _: decoded.get(tile.id))
        drawn.save(out, "JPEG", quality=68, optimize=True)
        data = out.getvalue()
        if len(data) <= most or edge <= _SMALLEST:
            return data
        # The bytes grow about as the pixels do.
        edge = max(_SMALLEST, min(edge - 1, int(edge * 0.95 * (most / len(data)) ** 0.5)))


def whole_picture(sheet: SweepSheet, read: Callable[[str], bytes | None]) -> Image.Image:
    """Return a sheet as one picture of the original images, which are read and decoded one after the other.

    A cell has at most `LARGEST_CELL` pixels on its longer side, and fewer where its images have fewer, or
    where the picture would be larger than `LONGEST_SIDE` and `MOST_PIXELS` allow.

    Args:
        sheet: the sheet, with all images.
        read: returns the original bytes for the id of a tile, or None where they are gone.
    """
    sheet = replace(sheet, facets=tuple(part for facet in sheet.facets for part in _parts(facet)))
    least, edge = _SMALLEST, _largest(sheet)
    while least < edge:
        middle = (least + edge + 1) // 2
        least, edge = (middle, edge) if _plan(sheet, middle).fits else (least, middle - 1)

    def original(tile: Tile, size: tuple[int, int]) -> Image.Image | str | None:
        data = read(tile.id) if tile.tone == "image" else None
        if data is None:
            return None if tile.words else "The file is gone."
        try:
            return images.within(data, max(size))
        except (CorruptImage, NotShown) as error:
            return error.message

    return _draw(sheet, _plan(sheet, edge), original)


def _parts(facet: Facet) -> Iterator[Facet]:
    """Return the parts of a table that is far higher than wide, which then stand beside each other."""
    rows, columns = len(facet.rows), len(facet.across.labels)
    if facet.down is None or rows <= max(16, 4 * columns):
        yield facet
        return
    each = math.ceil(rows / math.ceil(math.sqrt(rows / (2 * columns))))
    for begin in range(0, rows, each):
        down = replace(facet.down, labels=facet.down.labels[begin : begin + each])
        yield replace(facet, down=down, rows=facet.rows[begin : begin + each])


def _largest(sheet: SweepSheet) -> int:
    """Return the pixels of the longer side of a cell in which each image has its own size, or fewer."""
    sides = [
        max(tile.shape) * _each(cell) for cell in sheet.cells for tile in cell.tiles if tile.shape is not None
    ]
    return min(LARGEST_CELL, max(_FIRST // 2, *sides, 0)) if sides else _FIRST


def _each(cell: SheetCell) -> int:
    """Return how many images of a cell are beside each other."""
    return max(1, math.ceil(math.sqrt(len(cell.tiles))))


# ------------------------------------------------------------------ where everything stands


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """The size of a facet, in pixels.

    Attributes:
        columns: the number of cells beside each other.
        rows: the number of rows of cells.
        beside: the width of the labels of the rows.
        above: the height of the heading and of the labels of the columns.
        below: the height of the label below each cell of a strip.
        width, height: the whole size.
    """

    columns: int
    rows: int
    beside: int
    above: int
    below: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """The size of everything in a picture, in pixels.

    Attributes:
        cell: the width and height of a cell.
        font: the size of the letters.
        blocks: the facets.
        beside: the number of facets beside each other.
        head: the height of the first lines.
        width, height: the whole size.
    """

    cell: tuple[int, int]
    font: int
    blocks: tuple[_Block, ...]
    beside: int
    head: int
    width: int
    height: int

    @property
    def line(self) -> int:
        return self.font * 13 // 10

    @property
    def gap(self) -> int:
        return max(2, self.font // 2)

    @property
    def fits(self) -> bool:
        return max(self.width, self.height) <= LONGEST_SIDE and self.width * self.height <= MOST_PIXELS


def _plan(sheet: SweepSheet, edge: int) -> _Plan:
    """Return the plan of a picture whose cells have so many pixels on their longer sides."""
    shapes = [tile.shape for tile in sheet.tiles if tile.shape is not None]
    # The usual shape fits most images. The others stand in the middle of their cells.
    wide, high = max(set(shapes), key=shapes.count) if shapes else (1, 1)
    wide, high = (wide, high) if 0.25 <= wide / high <= 4 else (1, 1)
    cell = max(1, edge * wide // max(wide, high)), max(1, edge * high // max(wide, high))
    font = min(32, max(9, edge // 20))
    line, gap = font * 13 // 10, max(2, font // 2)
    blocks = tuple(_block(facet, cell, font, line, gap) for facet in sheet.facets)
    widest = max((block.width for block in blocks), default=0)
    highest = max((block.height for block in blocks), default=0)
    # Beside each other so that the picture becomes about as wide as high.
    beside = max(1, min(len(blocks), round(math.sqrt(len(blocks) * highest / max(1, widest)))))
    head = 2 * line + 2 * gap
    lines = len(sheet.notes)
    return _Plan(
        cell=cell,
        font=font,
        blocks=blocks,
        beside=beside,
        head=head,
        width=max(_TITLE_WIDTH, beside * (widest + 3 * gap) + gap),
        height=head + math.ceil(len(blocks) / beside) * (highest + 3 * gap) + lines * line + gap,
    )


def _block(facet: Facet, cell: tuple[int, int], font: int, line: int, gap: int) -> _Block:
    if facet.down is None:
        (row,) = facet.rows
        columns = max(1, min(len(row), round(math.sqrt(len(row) * cell[1] / cell[0]))))
        rows = math.ceil(len(row) / columns)
        below = max((len(lines) for lines in _below(facet, cell[0], font)), default=0) * line
        above, beside = (line + gap if facet.across.name and len(row) > 1 else 0), 0
    else:
        columns, rows, below = len(facet.across.labels), len(facet.rows), 0
        above = (3 if facet.heading else 2) * line + gap
        most = max(cell[0] * 3 // 4, 8 * font)
        labels = [facet.down.name, *facet.down.labels]
        beside = max(_width(line, font) for label in labels for line in (_lines(label, most, font) or [""]))
        beside = max(min(beside, most), 2 * font) + gap
    return _Block(
        columns=columns,
        rows=rows,
        beside=beside,
        above=above,
        below=below,
        width=beside + columns * (cell[0] + gap),
        height=above + rows * (cell[1] + below + gap),
    )


def _below(facet: Facet, width: int, font: int) -> list[list[str]]:
    """Return the lines of the labels below the cells of a strip, at most three for each."""
    return [_lines(label, width, font)[:3] for label in facet.across.labels]


def _lines(text: str, width: int, font: int) -> list[str]:
    drawn, known = drawable(shortened(text, PROMPT), font)
    return wrapped(known, width, drawn)


def _width(text: str, font: int) -> int:
    drawn, known = drawable(shortened(text, PROMPT), font)
    return math.ceil(drawn.getlength(known))


# ------------------------------------------------------------------ drawing


def _draw(sheet: SweepSheet, plan: _Plan, open_tile: Open) -> Image.Image:
    picture = Image.new("RGB", (plan.width, plan.height), PAPER)
    pen = _Pen(picture, plan, open_tile)
    room = plan.width - 2 * plan.gap
    pen.write((plan.gap, plan.gap), sheet.title, room)
    pen.write((plan.gap, plan.gap + plan.line), " · ".join(sheet.details), room, GREY)
    widest = max((block.width for block in plan.blocks), default=0)
    highest = max((block.height for block in plan.blocks), default=0)
    for index, (facet, block) in enumerate(zip(sheet.facets, plan.blocks, strict=True)):
        left = plan.gap + index % plan.beside * (widest + 3 * plan.gap)
        top = plan.head + index // plan.beside * (highest + 3 * plan.gap)
        if facet.down is None:
            pen.strip(facet, block, left, top)
        else:
            pen.table(facet, facet.down.labels, block, left, top)
    for index, note in enumerate(reversed(sheet.notes)):
        pen.write((plan.gap, plan.height - (index + 1) * plan.line - plan.gap), note, room, GREY)
    return picture


class _Pen:
    """Draws the parts of a plan.

    Args:
        picture: what to draw on.
        plan: the sizes.
        open_tile: returns the image for a tile, the words to draw instead, or None for the words of the tile.
    """

    def __init__(
        self,
        picture: Image.Image,
        plan: _Plan,
        open_tile: Open,
    ) -> None:
        self._picture = picture
        self._draw = ImageDraw.Draw(picture)
        self._plan = plan
        self._open = open_tile

    def write(self, at: tuple[int, int], text: str, width: int, colour: Colour = INK) -> None:
        """Draw a line of text."""
        write(self._draw, at, text, width, colour, self._plan.font)

    def table(self, facet: Facet, labels: Sequence[str], block: _Block, left: int, top: int) -> None:
        """Draw a facet with columns and rows."""
        plan, (width, height) = self._plan, self._plan.cell
        if facet.heading:
            self.write((left, top), facet.heading, block.width)
        above = top + block.above - plan.gap
        self.write((left + block.beside, above - 2 * plan.line), facet.across.name, block.width, GREY)
        self.write(
            (left, above - plan.line),
            "" if facet.down is None else facet.down.name,
            block.beside - plan.gap,
            GREY,
        )
        for column, label in enumerate(facet.across.labels):
            self.write((left + block.beside + column * (width + plan.gap), above - plan.line), label, width)
        for row, (label, cells) in enumerate(zip(labels, facet.rows, strict=True)):
            y = top + block.above + row * (height + plan.gap)
            self._beside(label, left, y, block.beside - plan.gap)
            for column, cell in enumerate(cells):
                self.cell(cell, left + block.beside + column * (width + plan.gap), y)

    def _beside(self, label: str, left: int, top: int, width: int) -> None:
        plan = self._plan
        lines = _lines(label, width, plan.font)[: max(1, plan.cell[1] // plan.line)]
        top += max(0, (plan.cell[1] - len(lines) * plan.line) // 2)
        for index, text in enumerate(lines):
            self.write((left, top + index * plan.line), text, width)

    def strip(self, facet: Facet, block: _Block, left: int, top: int) -> None:
        """Draw a facet with one axis, whose cells wrap."""
        plan, (width, height) = self._plan, self._plan.cell
        (row,) = facet.rows
        if block.above:
            self.write((left, top), facet.across.name, block.width, GREY)
        for index, (cell, lines) in enumerate(zip(row, _below(facet, width, plan.font), strict=True)):
            x = left + index % block.columns * (width + plan.gap)
            y = top + block.above + index // block.columns * (height + block.below + plan.gap)
            self.cell(cell, x, y)
            for number, text in enumerate(lines):
                self.write((x, y + height + number * plan.line), text, width)

    def cell(self, cell: SheetCell, left: int, top: int) -> None:
        """Draw a cell: one image, or several in a small grid."""
        width, height = self._plan.cell
        if not cell.tiles:
            self._box("hidden", "Deleted", (left, top, width, height))
            return
        each = _each(cell)
        between = 2 if each > 1 else 0
        size = max(1, (width + between) // each - between), max(1, (height + between) // each - between)
        for index, tile in enumerate(cell.tiles):
            x, y = left + index % each * (size[0] + between), top + index // each * (size[1] + between)
            self._tile(tile, (x, y, *size))

    def _tile(self, tile: Tile, box: tuple[int, int, int, int]) -> None:
        left, top, width, height = box
        found = self._open(tile, (width, height))
        if found is None or isinstance(found, str):
            tone = "hidden" if isinstance(found, str) else tile.tone
            self._box(tone, found or tile.words or BARE["hidden"], box, BARE[tone])
            return
        factor = min(width / found.width, height / found.height)
        size = max(1, round(found.width * factor)), max(1, round(found.height * factor))
        small = found if found.size == size else _resized(found, size)
        corner = left + (width - size[0]) // 2, top + (height - size[1]) // 2
        # Transparent parts show the white ground.
        self._picture.paste(small, corner, small if small.mode == "RGBA" else None)

    def _box(self, tone: Tone, words: str, box: tuple[int, int, int, int], bare: str = "") -> None:
        left, top, width, height = box
        self._draw.rectangle((left, top, left + width - 1, top + height - 1), fill=TONES[tone])
        font, line, inset = self._plan.font, self._plan.line, self._plan.gap
        drawn, known = drawable(words, font)
        lines = wrapped(known or bare, max(1, width - 2 * inset), drawn)
        for index, text in enumerate(lines[: max(1, (height - 2 * inset) // line)]):
            self.write((left + inset, top + inset + index * line), text, max(1, width - 2 * inset))


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image.resize(size, Image.Resampling.BICUBIC)  # pyright: ignore[reportUnknownMemberType]

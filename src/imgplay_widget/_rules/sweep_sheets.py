"""The sheet of a sweep: its images as a grid with the values of the axes beside and above them.

Two axes are the rows and the columns of a table. Each combination of the values of further axes is a table of
its own, a facet. One axis alone is a strip that wraps, with the value below each image. An axis of one value
stands in the second line. As every sheet, this one holds no picture, and its HTML needs neither scripts nor
style sheets.
"""

from __future__ import annotations

import base64
import itertools
import math
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

from imgplay_widget._rules.sheets import (
    CANCELLED,
    MAX_HTML,
    MAX_TEXT,
    PROMPT,
    TINTS,
    Tile,
    counted,
    paid,
    progress_bar,
    several,
    shortened,
    text_within,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from imgplay_widget._rules.sheets import Picture, Tone
    from imgplay_widget._types import Entry, Generation

__all__ = [
    "MOST_IMAGES",
    "Facet",
    "LabelledAxis",
    "SheetCell",
    "SweepSheet",
    "html_sweep",
    "share_in_sweep",
    "sweep_details",
    "sweep_end_line",
    "sweep_progress_line",
    "sweep_sheet",
    "text_sweep",
    "with_reasons",
]

MOST_IMAGES = 64
"""The most images that one display of a sweep draws. The others are counted in its last line."""

MOST_COLUMNS, MOST_EACH = 12, 4
"""The most columns of a table, and the most images in one cell."""

READABLE_COLUMNS, READABLE_LABEL = 8, 30
"""The most values, and the most characters of one, with which an axis is easy to read across a cell."""

LABEL, SPOKEN, FULL = 48, 24, 200
"""The most characters of a label, of its part in the description of an image, and of its full text."""

WORDS, NOTES = 28, 3
"""The most characters of the words in a cell, and the most errors that the notes name."""


@dataclass(frozen=True, slots=True)
class LabelledAxis:
    """An axis of a sweep.

    Attributes:
        name: the name, or "" for the rows of a data frame, whose labels say everything.
        labels: the values, as the user reads them.
    """

    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetCell:
    """One combination of the values of all axes.

    Attributes:
        label: the values, such as "fox, oil".
        tiles: the first images of the request, or () where its batch was deleted.
    """

    label: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """A table or a strip of cells.

    Attributes:
        heading: the values of the axes that the facet fixes, such as "style = oil". Else "".
        across: the axis of the columns.
        down: the axis of the rows, or None for a strip.
        rows: the cells, row by row. A strip has one row.
    """

    heading: str
    across: LabelledAxis
    down: LabelledAxis | None
    rows: tuple[tuple[SheetCell, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSheet:
    """The sheet of a sweep, without the pictures.

    Attributes:
        title: the template.
        details: the second line: axes of one value, the model, numbers, cost.
        facets: the tables, each cut where the sheet would have too many images.
        notes: the lines below: errors, and the number of images that are not drawn.
        part: how much of the work is done, 0.0 to 1.0, for a sheet with a bar of progress. Else None.
    """

    title: str
    details: tuple[str, ...] = ()
    facets: tuple[Facet, ...] = ()
    notes: tuple[str, ...] = ()
    part: float | None = None

    @property
    def cells(self) -> list[SheetCell]:
        """All cells of the sheet."""
        return [cell for facet in self.facets for row in facet.rows for cell in row]

    @property
    def tiles(self) -> list[Tile]:
        """All tiles of the sheet."""
        return [tile for cell in self.cells for tile in cell.tiles]


# ------------------------------------------------------------------ what is shown


def sweep_sheet(
    template: str,
    axes: Sequence[LabelledAxis],
    cells: Sequence[Sequence[Tile]],
    *,
    details: Sequence[str] = (),
    part: float | None = None,
    most: int | None = MOST_IMAGES,
) -> SweepSheet:
    """Return the sheet of a sweep.

    Args:
        template: the template of the prompts.
        axes: the axes.
        cells: the tiles of each cell, row by row: the values of the last axis change fastest.
        details: the parts of the second line.
        part: how much of the work is done, for a bar of progress.
        most: the most images, which become fewer where the texts alone would fill the display. None draws all
            of them, however long the texts are.
    """
    fixed = [f"{axis.name} = {axis.labels[0]}" for axis in axes if len(axis.labels) == 1 and axis.name]
    sheet = SweepSheet(
        title=shortened(template, PROMPT * 3),
        details=(*(shortened(one, LABEL) for one in fixed), *details),
        part=part,
    )
    while True:
        facets = tuple(_facets(axes, cells, most))
        left = sum(map(len, cells)) - sum(len(cell.tiles) for facet in facets for cell in _cells_of(facet))
        notes = (*_error_notes(cells), *([f"and {several(left, 'more image')}"] if left else []))
        sheet = replace(sheet, facets=facets, notes=notes)
        if most is None or most <= 1 or _bare(sheet) <= MAX_HTML // 3:
            return sheet
        most = most * 3 // 4


def _cells_of(facet: Facet) -> list[SheetCell]:
    return [cell for row in facet.rows for cell in row]


def _facets(
    axes: Sequence[LabelledAxis], cells: Sequence[Sequence[Tile]], most: int | None
) -> Iterator[Facet]:
    """Return the facets, cut after whole rows so that they have at most so many images."""
    long = [index for index, axis in enumerate(axes) if len(axis.labels) > 1]
    each = max(1, max(map(len, cells), default=1))
    each = each if most is None else min(each, MOST_EACH, most)
    cell_index = _cell_finder(axes)

    def cell_at(steps: dict[int, int]) -> SheetCell:
        spoken = [shortened(axes[index].labels[steps[index]], SPOKEN) for index in sorted(steps)]
        tiles = tuple(cells[cell_index(steps)][:each])
        return SheetCell(", ".join(spoken), tuple(_in_cell(tile, spoken, len(tiles) > 1) for tile in tiles))

    if len(long) < 2:
        axis = axes[long[0]] if long else LabelledAxis("", ("",))
        shown = len(axis.labels) if most is None else min(len(axis.labels), max(1, most // each))
        row = tuple(cell_at(dict.fromkeys(long, step)) for step in range(shown))
        yield Facet(heading="", across=LabelledAxis(axis.name, axis.labels[:shown]), down=None, rows=(row,))
        return
    down, across = _placed(long, axes)
    columns, left = len(axes[across].labels), most
    if left is not None:
        columns = min(columns, MOST_COLUMNS, max(1, left // each))
    others = [index for index in long if index not in (down, across)]
    for steps in itertools.product(*(range(len(axes[index].labels)) for index in others)):
        fixed = dict(zip(others, steps, strict=True))
        rows = len(axes[down].labels)
        if left is not None:
            rows = min(rows, left // (columns * each))
            left -= rows * columns * each
        if not rows:
            return
        yield Facet(
            heading=" · ".join(_heading(axes[index], step) for index, step in fixed.items()),
            across=LabelledAxis(axes[across].name, axes[across].labels[:columns]),
            down=LabelledAxis(axes[down].name, axes[down].labels[:rows]),
            rows=tuple(
                tuple(cell_at({**fixed, down: row, across: column}) for column in range(columns))
                for row in range(rows)
            ),
        )


def _placed(long: Sequence[int], axes: Sequence[LabelledAxis]) -> tuple[int, int]:
    """Return which of the first two axes goes down and which across: the shorter one that is easy to read."""
    first, second = long[:2]

    def hardness(index: int) -> tuple[bool, int]:
        labels = axes[index].labels
        easy = len(labels) <= READABLE_COLUMNS and max(map(len, labels)) <= READABLE_LABEL
        return not easy, len(labels)

    across = min((second, first), key=hardness)
    return (first, second) if across == second else (second, first)


def _cell_finder(axes: Sequence[LabelledAxis]) -> Callable[[Mapping[int, int]], int]:
    """Return the function that finds the index of a cell, by the index of its value on each axis."""
    sizes = [len(axis.labels) for axis in axes]
    strides = [math.prod(sizes[index + 1 :]) for index in range(len(sizes))]
    return lambda steps: sum(strides[index] * step for index, step in steps.items())


def _heading(axis: LabelledAxis, step: int) -> str:
    label = axis.labels[step]
    return f"{axis.name} = {label}" if axis.name else label


def _in_cell(tile: Tile, spoken: Sequence[str], one_of_several: bool) -> Tile:  # noqa: FBT001 - a helper of one call
    number = [tile.alt.partition(":")[0].lower()] if one_of_several else []
    return replace(tile, caption=(), alt=", ".join([*spoken, *number]) or tile.alt)


def _error_notes(cells: Sequence[Sequence[Tile]]) -> list[str]:
    """Return the errors of all cells, the most frequent first, each with the number of its images."""
    errors = Counter(
        tile.words for cell in cells for tile in cell if tile.tone == "error" and tile.words != CANCELLED
    )
    notes = [f"{number:,} failed: {words}" for words, number in errors.most_common(NOTES)]
    others = sum(number for _, number in errors.most_common()[NOTES:])
    return [*notes, *([f"{others:,} failed for other reasons."] if others else [])]


def with_reasons(sheet: SweepSheet, reasons: Mapping[str, str]) -> SweepSheet:
    """Return a sheet some of whose tiles say why their images are not drawn.

    Args:
        sheet: the sheet.
        reasons: the words, by the ids of the tiles.
    """
    if not reasons:
        return sheet

    def told(tile: Tile) -> Tile:
        return replace(tile, tone="hidden", words=reasons[tile.id]) if tile.id in reasons else tile

    def mended(facet: Facet) -> Facet:
        rows = (
            tuple(replace(cell, tiles=tuple(map(told, cell.tiles))) for cell in row) for row in facet.rows
        )
        return replace(facet, rows=tuple(rows))

    return replace(sheet, facets=tuple(map(mended, sheet.facets)))


# ------------------------------------------------------------------ lines


def sweep_details(rows: Sequence[tuple[Entry, Generation]]) -> tuple[str, ...]:
    """Return the parts of the second line: the model where there is one for all, the numbers and the cost.

    Args:
        rows: the generations of a sweep, each with its batch.
    """
    models = {f"{entry.batch.provider}:{entry.batch.model}" for entry, _ in rows}
    return (*(models if len(models) == 1 else ()), counted(rows), *paid(rows))


def sweep_progress_line(template: str, rows: Sequence[tuple[Entry, Generation]]) -> str:
    """Return the number of finished slots of a sweep, with the beginning of its template."""
    ended = sum(entry.status_of(one).final for entry, one in rows)
    return f"{ended:,}/{len(rows):,} · {shortened(template, 40)}"


def sweep_end_line(rows: Sequence[tuple[Entry, Generation]], tiles: Sequence[Sequence[Tile]]) -> str:
    """Return the end of a sweep as one line: images, seconds, cost, and the most frequent error.

    Args:
        rows: the generations, each with its batch.
        tiles: the tiles of the cells.
    """
    entries = {entry.batch.id: entry for entry, _ in rows}.values()
    ends = [task.finished_at for entry in entries for task in entry.tasks if task.finished_at is not None]
    begins = [entry.batch.created_at for entry in entries]
    seconds = [f"{(max(ends) - min(begins)).total_seconds():.1f} s"] if ends else []
    return " · ".join([counted(rows), *seconds, *paid(rows), *_error_notes(tiles)[:1]])


# ------------------------------------------------------------------ size


def share_in_sweep(sheet: SweepSheet, *, steady: bool) -> int:
    """Return the most bytes of each picture of a sheet.

    Args:
        sheet: the sheet.
        steady: True for a number that does not change while the images come, so that a display that is drawn
            again and again makes each small picture once. False uses all the room.
    """
    # Base64 makes four characters of three bytes.
    room = MAX_HTML * 2 // 3 if steady else MAX_HTML - _bare(sheet)
    return room // max(1, len(sheet.tiles)) * 3 // 4 - 3


def _bare(sheet: SweepSheet) -> int:
    empty = {tile.id: ("image/webp", b"") for tile in sheet.tiles if tile.tone != "error"}
    return len(html_sweep(sheet, empty).encode())


# ------------------------------------------------------------------ text

_MARKS: dict[Tone, str] = {"image": "✓", "running": "…", "error": "✗", "hidden": "?"}
_LEGEND = {"✓": "image", "…": "running", "✗": "failed", "⊘": "cancelled", "?": "not drawn", "–": "deleted"}


def text_sweep(sheet: SweepSheet) -> str:
    """Return a sheet as text, of at most `MAX_TEXT` bytes: tables with a mark for each image."""
    lines = [sheet.title, " · ".join(sheet.details)]
    for facet in sheet.facets:
        lines += ["", facet.heading] if facet.heading else [""]
        lines += _strip_lines(facet) if facet.down is None else _table_lines(facet, facet.down)
    used = {mark for cell in sheet.cells for mark in _marks(cell)}
    legend = "  ".join(f"{mark} {words}" for mark, words in _LEGEND.items() if mark in used)
    lines += ["", legend if used > {"✓"} else "", *sheet.notes]
    # Empty lines stand between parts, and neither at the beginning nor twice.
    kept = [line for index, line in enumerate(lines) if line or (index > 1 and lines[index - 1])]
    return text_within("\n".join(kept).rstrip(), MAX_TEXT)


def _strip_lines(facet: Facet) -> list[str]:
    name = f"{facet.across.name} = " if facet.across.name else ""
    (row,) = facet.rows
    return [
        f"{_marks(cell)} {name}{shortened(label, LABEL)}".rstrip()
        for label, cell in zip(facet.across.labels, row, strict=True)
    ]


def _table_lines(facet: Facet, down: LabelledAxis) -> list[str]:
    corner = " / ".join(filter(None, (down.name, facet.across.name)))
    table = [[corner, *(shortened(label, SPOKEN) for label in facet.across.labels)]]
    table += [
        [shortened(label, SPOKEN), *map(_marks, row)]
        for label, row in zip(down.labels, facet.rows, strict=True)
    ]
    widths = [max(map(_wide, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - _wide(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in table
    ]


def _marks(cell: SheetCell) -> str:
    marks = ("⊘" if tile.words == CANCELLED else _MARKS[tile.tone] for tile in cell.tiles)
    return "".join(marks) or "–"


def _wide(text: str) -> int:
    # A letter of Chinese takes two columns of a terminal.
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


# ------------------------------------------------------------------ HTML

_NARROW, _EDGES = 56, ((1, 320), (3, 225), (6, 168), (MOST_COLUMNS, 120))
"""The fewest pixels of a column, and by the number of columns the most."""

_HEAD = 96
"""The pixels of the column that has the labels of the rows."""

_FLAT = "border:0;background:none"
"""What no cell of a table may have from the style sheet of a host: its lines and stripes."""

_FAINT = "font-weight:400;opacity:.7"


def html_sweep(sheet: SweepSheet, pictures: Mapping[str, Picture]) -> str:
    """Return a sheet as HTML, which scales with the width of its cell.

    Args:
        sheet: the sheet.
        pictures: the pictures of its tiles, by the ids of the tiles.
    """
    details = " · ".join(map(escape, sheet.details))
    notes = "".join(f'<div style="opacity:.8;margin-top:6px">{escape(note)}</div>' for note in sheet.notes)
    return (
        '<div style="font-family:system-ui,sans-serif;font-size:12px;line-height:1.45;text-align:left">'
        '<div style="font-size:13px;font-weight:600;overflow-wrap:anywhere;margin-bottom:4px">'
        f"{escape(sheet.title)}</div>"
        + ("" if sheet.part is None else progress_bar(sheet.part))
        + (f'<div style="opacity:.8;margin-bottom:8px">{details}</div>' if details else "")
        + _facets_html(sheet.facets, pictures)
        + notes
        + "</div>"
    )


def _facets_html(facets: Sequence[Facet], pictures: Mapping[str, Picture]) -> str:
    drawn = [
        _strip(facet, pictures) if facet.down is None else _table(facet, facet.down, pictures)
        for facet in facets
    ]
    if len(drawn) < 2:
        return "".join(drawn)
    columns = len(facets[0].across.labels)
    narrow = _HEAD + columns * (_NARROW + 34)
    return (
        f'<div style="display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,{narrow}px),1fr));'
        f'gap:14px 20px;max-width:{2 * (_HEAD + columns * _widest(columns))}px">{"".join(drawn)}</div>'
    )


def _widest(columns: int) -> int:
    return next((edge for most, edge in _EDGES if columns <= most), _EDGES[-1][1])


def _strip(facet: Facet, pictures: Mapping[str, Picture]) -> str:
    (row,) = facet.rows
    widest = max(168, _widest(len(row)))
    figures = "".join(
        f'<figure style="margin:0;min-width:0">{_cell(cell, pictures)}'
        + (f"<figcaption{_named(label)}>{escape(shortened(label, LABEL))}</figcaption>" if label else "")
        + "</figure>"
        for label, cell in zip(facet.across.labels, row, strict=True)
    )
    # A few cells share the whole width. Many keep the width of their column, also in the last row.
    fill = "auto-fit" if len(row) <= 3 else "auto-fill"
    name = facet.across.name if len(row) > 1 else ""
    return (
        (f'<div style="{_FAINT}">{escape(name)}</div>' if name else "")
        + '<div style="display:grid;gap:10px 8px;'
        f"grid-template-columns:repeat({fill},minmax(min(100%,{widest * 2 // 3}px),1fr));"
        f'max-width:{min(len(row), 6) * widest}px">{figures}</div>'
    )


def _table(facet: Facet, down: LabelledAxis, pictures: Mapping[str, Picture]) -> str:
    columns = len(facet.across.labels)
    heading = (
        f'<caption style="caption-side:top;text-align:left;font-weight:600;padding:0 0 2px;color:inherit">'
        f"{escape(shortened(facet.heading, PROMPT))}</caption>"
        if facet.heading
        else ""
    )
    # Across a wide table, the labels of the rows stay. The colour behind them is the host's.
    behind = "var(--jp-layout-color0,var(--vscode-editor-background,transparent))"
    row_head = (
        f"padding:3px 8px 3px 0;border:0;background:{behind};position:sticky;left:0;z-index:1;"
        "text-align:left;vertical-align:middle;overflow-wrap:anywhere"
    )
    corner = f'<td style="padding:0;{_FLAT};width:{_HEAD}px"></td>'
    top = (
        f'<tr style="background:none">{corner}<th scope="colgroup" colspan="{columns}" '
        f'style="padding:0 3px;{_FLAT};text-align:left;{_FAINT}">{escape(facet.across.name)}</th></tr>'
    )
    labels = "".join(
        f'<th scope="col" style="padding:2px 3px;{_FLAT};text-align:left;vertical-align:bottom;'
        f'overflow-wrap:anywhere"{_titled(label)}>{escape(shortened(label, LABEL))}</th>'
        for label in facet.across.labels
    )
    head = (
        f'<tr style="background:none"><td style="padding:2px 8px 2px 0;{_FLAT};text-align:left;'
        f'vertical-align:bottom;{_FAINT}">{escape(down.name)}</td>{labels}</tr>'
    )
    body = "".join(
        f'<tr style="background:none"><th scope="row" style="{row_head}"{_titled(label)}>'
        f"{escape(shortened(label, LABEL))}</th>"
        + "".join(f'<td style="padding:3px;{_FLAT}">{_cell(cell, pictures)}</td>' for cell in row)
        + "</tr>"
        for label, row in zip(down.labels, facet.rows, strict=True)
    )
    return (
        '<div style="overflow-x:auto;min-width:0">'
        f'<table style="table-layout:fixed;border-collapse:collapse;border:0;margin:0;font-size:12px;'
        f"width:100%;min-width:{_HEAD + columns * _NARROW}px;"
        f'max-width:{_HEAD + columns * _widest(columns)}px">'
        f'{heading}<thead style="{_FLAT}">{top}{head}</thead><tbody>{body}</tbody></table></div>'
    )


def _named(label: str) -> str:
    return f' style="overflow-wrap:anywhere;margin-top:2px"{_titled(label)}'


def _titled(label: str) -> str:
    """Return the attribute with the full text of a label that is shortened, else nothing."""
    full = shortened(label, FULL)
    return f' title="{escape(full)}"' if full != shortened(label, LABEL) else ""


def _cell(cell: SheetCell, pictures: Mapping[str, Picture]) -> str:
    if not cell.tiles:
        return _box("Deleted", f"{cell.label}: the request was deleted.", "hidden", None)
    drawn = [_drawn(tile, pictures.get(tile.id)) for tile in cell.tiles]
    if len(drawn) == 1:
        return drawn[0]
    return f'<div style="display:grid;grid-template-columns:1fr 1fr;gap:3px">{"".join(drawn)}</div>'


def _drawn(tile: Tile, picture: Picture | None) -> str:
    if picture is None:
        words = tile.words or "This image cannot be shown here."
        short = "Failed" if tile.tone == "error" and words != CANCELLED else shortened(words, WORDS)
        return _box(short, f"{tile.alt}: {words}", tile.tone, tile.shape)
    kind, data = picture
    source = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    # While an image runs, its preview is drawn faint.
    faint = ";opacity:.6" if tile.words else ""
    title = f' title="{escape(tile.words)}"' if tile.words else ""
    return (
        f'<img alt="{escape(tile.alt)}"{title} src="{source}" style="display:block;width:100%;height:auto;'
        f'margin:0;border-radius:5px{_ratio(tile.shape)}{faint}">'
    )


def _box(words: str, full: str, tone: Tone, shape: tuple[int, int] | None) -> str:
    tint = TINTS[tone]
    return (
        f'<div title="{escape(shortened(full, FULL * 2))}" style="display:flex;align-items:center;'
        f"justify-content:center;text-align:center;border-radius:5px;overflow:hidden;overflow-wrap:anywhere;"
        f'background:{tint}{_ratio(shape or (1, 1))}">{escape(words)}</div>'
    )


def _ratio(shape: tuple[int, int] | None) -> str:
    if shape is None:
        return ""
    # Neither a banner nor a column may take the whole sheet.
    return f";aspect-ratio:{min(4.0, max(0.5, shape[0] / shape[1])):.3g}"

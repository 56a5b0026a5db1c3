"""Rows as a table, for terminals and for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["html_table", "text_table"]

NARROW = 48
"""The most characters of a cell in a terminal."""


def text_table(rows: Sequence[Sequence[str]], notes: Iterable[str] = ()) -> str:
    """Return rows as lines of text.

    Args:
        rows: the head, then the other rows.
        notes: the sentences below the table.
    """
    cells = [[_shortened(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*lines, *notes])


def html_table(rows: Sequence[Sequence[str]], notes: Iterable[str] = (), *, flat: bool = False) -> str:
    """Return rows as HTML that scrolls where the table is long. All texts are escaped.

    Args:
        rows: the head, then the other rows.
        notes: the sentences below the table.
        flat: True keeps each row on one line, and the table scrolls where it is wide.
    """
    cell_of = '<td style="white-space:nowrap">' if flat else "<td>"
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(f"<tr>{''.join(f'{cell_of}{escape(cell)}</td>' for cell in row)}</tr>" for row in rows[1:])
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return (
        '<div style="max-height: 32em; overflow: auto"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{below}"
    )


def _shortened(text: str) -> str:
    return text if len(text) <= NARROW else f"{text[: NARROW - 1]}…"

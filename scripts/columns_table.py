"""The writer of ``docs/sql.md``: the tables that ``pg.sql`` queries, and their columns.

``python scripts/columns_table.py`` writes the file. With ``--check`` it only compares, and ends with 1 where
the file differs.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from imgplay_widget._store.frames import FRAMES, Frame  # noqa: E402
from scripts.generated import write_or_compare  # noqa: E402

TARGET = ROOT / "docs" / "sql.md"

HEAD = """# The history in SQL

`pg.sql("…")` queries these tables, and `pg.history()` returns the table `generations` with the title of the
topic before it. See [The history as data](data.md). The tables hold what belongs to you and is not
deleted.

This page is generated from the code. After a change, run `make columns`.
"""


def document() -> str:
    """Return the text of the page."""
    return "\n".join([HEAD, *(_section(frame) for frame in FRAMES)])


def _section(frame: Frame) -> str:
    rows = [f"| `{one.name}` | {one.type} | {one.about} |" for one in frame.columns]
    table = "\n".join(["| column | type | meaning |", "|---|---|---|", *rows])
    return f"## {frame.name}\n\n{frame.about}\n\n{table}\n"


def main() -> None:
    """Write or compare the file."""
    write_or_compare(TARGET, document, "columns", __doc__)


if __name__ == "__main__":
    main()

"""The writer of ``docs/sql.md``: the tables that ``pg.sql`` queries, and their columns.

``python scripts/columns_table.py`` writes the file. With ``--check`` it only compares, and ends with 1 where
the file differs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from imgplay_widget._store.frames import FRAMES, Frame  # noqa: E402

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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file differs")
    check = parser.parse_args().check
    text = document()
    if not check:
        TARGET.write_text(text, encoding="utf-8")
        return
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        sys.exit("docs/sql.md does not match the tables: run `make columns` and commit it")


if __name__ == "__main__":
    main()

"""The tables of the history in DuckDB: how they are made, and filled from the parts that the store reads.

A part goes into tables of its own first, as it comes. DuckDB takes the texts of the rows apart and divides
the costs, because it does both many times faster than Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgplay_widget._store.frames import FRAMES, SEPARATOR, Frame, FrameColumn, Part
from imgplay_widget._studio import duck

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["empty", "make", "put"]

_ROWS = "imgplay_rows"
_SPENT = "imgplay_spent"

# The cost of a call is divided by its images, or by its slots where no image came. The call of a try that
# failed, and whose slots a Retry filled, is no longer known: its cost is divided by the images of the batch.
# The division is exact: the first images take what remains. Deleted images take their share along.
_SHARES = f"""
  hits AS (
    SELECT s.call, s.amount, r.id, r.digest IS NOT NULL AS came
    FROM {_SPENT} s JOIN slots r ON r.call = s.call WHERE s.amount IS NOT NULL
    UNION ALL
    SELECT s.call, s.amount, r.id, r.digest IS NOT NULL
    FROM {_SPENT} s ANTI JOIN slots k ON k.call = s.call JOIN slots r ON r.batch_id = s.batch_id
    WHERE s.amount IS NOT NULL
  ),
  ranks AS (
    SELECT id, amount, row_number() OVER (PARTITION BY call ORDER BY came DESC, id) - 1 AS rank,
      coalesce(nullif(count(*) FILTER (came) OVER (PARTITION BY call), 0), count(*) OVER (PARTITION BY call))
        AS sharers
    FROM hits
  ),
  shares AS (
    SELECT id, sum(amount // sharers + CASE WHEN rank < amount % sharers THEN 1 ELSE 0 END) AS units
    FROM ranks WHERE rank < sharers GROUP BY id
  )
"""  # noqa: S608 - names of ours


def make(connection: Any) -> None:
    """Make the tables of all frames, empty."""
    for frame in FRAMES:
        duck.make_table(connection, frame.name, ((one.name, one.definition) for one in frame.columns))


def empty(connection: Any, frame: Frame, ids: Sequence[str] | None = None) -> None:
    """Remove the rows of some topics or batches (see `Frame.key`) from the table of a frame, or all rows."""
    where = "" if ids is None else f" WHERE {frame.key_column} IN (SELECT unnest(?))"
    connection.execute(f"DELETE FROM {frame.name}{where}", None if ids is None else [list(ids)])  # noqa: S608 - names of ours


def put(connection: Any, frame: Frame, part: Part) -> None:
    """Add a part of a frame to its table.

    Raises:
        duckdb.Error: a value is not of the type of its column. Nothing was added.
    """
    if not part.rows:
        return
    # DuckDB keeps the memory of a dropped table until the transaction ends, so each part has its own.
    connection.begin()
    try:
        _fill(connection, _ROWS, [("row", "VARCHAR")], part.rows)
        if frame.hidden:
            _fill(connection, _SPENT, _SPENT_COLUMNS, part.spent)
        connection.execute(_insertion(frame))
        connection.execute(f"DROP TABLE {_ROWS}; DROP TABLE IF EXISTS {_SPENT}")
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


_SPENT_COLUMNS = [("call", "VARCHAR"), ("batch_id", "VARCHAR"), ("amount", "BIGINT")]


def _fill(
    connection: Any, name: str, columns: list[tuple[str, str]], rows: Sequence[tuple[Any, ...]]
) -> None:
    duck.make_table(connection, name, columns)
    duck.fill(connection, name, rows)


def _insertion(frame: Frame) -> str:
    """Return the INSERT that takes the rows of a part apart."""
    columns = [one for one in frame.columns if not one.made]
    cells = ", ".join(_cell(one, index) for index, one in enumerate(frame.read, 1))
    split = f"(SELECT string_split(row, '{SEPARATOR}') AS cells FROM {_ROWS})"  # noqa: S608 - names of ours
    slots = f"slots AS MATERIALIZED (SELECT {cells} FROM {split})"  # noqa: S608 - names of ours
    names = ", ".join(duck.quoted(one.name) for one in columns)
    if not frame.hidden:
        return f"INSERT INTO {frame.name} ({names}) WITH {slots} SELECT {names} FROM slots"  # noqa: S608 - names of ours
    values = ", ".join(_value(one) for one in columns)
    return (
        f"INSERT INTO {frame.name} ({names}) WITH {slots}, {_SHARES} "  # noqa: S608 - names of ours
        f"SELECT {values} FROM slots LEFT JOIN shares USING (id) WHERE NOT deleted"
    )


def _cell(column: FrameColumn, index: int) -> str:
    value = f"cells[{index}]" if column.empty else f"nullif(cells[{index}], '')"
    return f"{value}::{column.type} AS {duck.quoted(column.name)}"


def _value(column: FrameColumn) -> str:
    if column.sql:
        return duck.quoted(column.name)
    # The store counts whole billionths of a USD.
    return f"(units::DECIMAL(38,0) / 1000000000)::{column.type}"

"""Rows of an answer, which show themselves and become a data frame of the reader's choice."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, overload

from imgplay_widget._rules.tables import html_table, text_table
from imgplay_widget._studio import duck
from imgplay_widget._studio.packages import needed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Rows"]

SHOWN = 50
"""The most rows that a result shows of itself."""

CELL = 60
"""The most characters of a cell that a result shows of itself."""


class Rows:
    """The rows of an answer: tuples in their order. They show themselves as a table.

    Data frames are made of the rows as they are, such as ``polars.DataFrame(rows)``, with the types of the
    columns.

    Attributes:
        columns: the names of the columns, each once.

    Args:
        columns: the names and DuckDB types of the columns.
        rows: the rows.
    """

    def __init__(self, columns: Iterable[tuple[str, str]], rows: Iterable[tuple[Any, ...]]) -> None:
        self._types = _each_once(columns)
        self._rows = tuple(rows)
        self.columns = tuple(name for name, _ in self._types)

    @overload
    def __getitem__(self, index: int) -> tuple[Any, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> Rows: ...
    def __getitem__(self, index: int | slice) -> tuple[Any, ...] | Rows:
        """Return a row, or several rows with the same columns."""
        return Rows(self._types, self._rows[index]) if isinstance(index, slice) else self._rows[index]

    # The rows are no `Sequence` of Python, because polars would guess the types of the columns of one.
    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def df(self) -> Any:
        """Return a pandas data frame.

        Raises:
            MissingPackage: pandas is not installed.
        """
        needed("pandas")
        return self._table().df()

    def pl(self) -> Any:
        """Return a polars data frame.

        Raises:
            MissingPackage: polars is not installed.
        """
        return needed("polars").DataFrame(self)

    def arrow(self) -> Any:
        """Return a table of PyArrow.

        Raises:
            MissingPackage: pyarrow is not installed.
        """
        return needed("pyarrow").table(self)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the rows as a stream of Arrow, which needs no package of Arrow."""
        return self._table().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return text_table(self._shown(), self._notes())

    def _repr_html_(self) -> str:
        return html_table(self._shown(), self._notes(), flat=True)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _shown(self) -> list[tuple[str, ...]]:
        return [self.columns, *(tuple(_cell(value) for value in row) for row in self._rows[:SHOWN])]

    def _notes(self) -> tuple[str, ...]:
        if len(self) <= SHOWN:
            return ()
        return (f"{len(self):,} rows, of which the first {SHOWN} are shown.",)

    def _table(self) -> Any:
        """Return the rows as a table of a DuckDB of their own, which no other call waits for."""
        connection = duck.connect()
        # "NULL" is the type of a column without values, which a table cannot have.
        types = [(name, "VARCHAR" if kind == '"NULL"' else kind) for name, kind in self._types]
        duck.make_table(connection, "answer", types)
        duck.fill(connection, "answer", self._rows)
        return connection.table("answer")


def _each_once(columns: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the columns with a number after a name that came before, in any case: ``id``, ``id_1``."""
    taken, found = set[str](), list[tuple[str, str]]()
    for name, kind in columns:
        free, number = name, 1
        while free.casefold() in taken:
            free, number = f"{name}_{number}", number + 1
        taken.add(free.casefold())
        found.append((free, kind))
    return tuple(found)


def _cell(value: object) -> str:
    match value:
        case None:
            text = ""
        case float():
            text = f"{value:g}"
        case Decimal():
            # Without the zeros at the end, and never as 0E-9.
            text = f"{value.normalize():f}"
        case _:
            text = str(value)
    return text if len(text) <= CELL else f"{text[: CELL - 1]}…"

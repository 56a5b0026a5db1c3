"""DuckDB: the only module that imports it, when the history is first queried or exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

__all__ = [
    "connect",
    "error_of",
    "fill",
    "first_line",
    "is_question",
    "lock",
    "make_table",
    "quoted",
    "write_parquet",
]

_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

_MEMORY = "1GB"

_QUESTIONS = {"SELECT", "EXPLAIN", "MULTI"}
"""The statements that only read. MULTI is a PIVOT."""


def connect(file: Path | None = None) -> Any:
    """Return a connection to a database in memory, or in a new file, that reads no variable of Python."""
    import duckdb

    return duckdb.connect(":memory:" if file is None else str(file), config=_CLOSED)


def lock(connection: Any) -> None:
    """Close a connection in for good: no file, network, extension or setting is reached from it."""
    for setting in (
        # The folder cannot be set once the access is off.
        "temp_directory=''",
        f"memory_limit='{_MEMORY}'",
        "enable_external_access=false",
        "lock_configuration=true",
    ):
        connection.execute(f"SET {setting}")


def quoted(name: str) -> str:
    """Return a name for use in SQL."""
    return '"' + name.replace('"', '""') + '"'


def make_table(connection: Any, name: str, columns: Iterable[tuple[str, str]]) -> None:
    """Make a table of columns, each with its type or definition."""
    inner = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns)
    connection.execute(f"CREATE TABLE {quoted(name)} ({inner})")


def fill(connection: Any, name: str, rows: Collection[tuple[Any, ...]]) -> None:
    """Append rows to a table."""
    if rows:
        with connection.appender(name) as appender:
            appender.append_rows(rows)


def is_question(connection: Any, text: str) -> tuple[Any, int]:
    """Return the statement of a text, or None where it is not one that only reads, and their number."""
    found = connection.extract_statements(text)
    one = found[0] if len(found) == 1 and found[0].type.name in _QUESTIONS else None
    return one, len(found)


def error_of() -> type[Exception]:
    """Return the root of DuckDB's errors."""
    import duckdb

    return duckdb.Error


def first_line(error: BaseException) -> str:
    """Return what an error of DuckDB says, without the picture of the query that follows."""
    return str(error).strip().splitlines()[0]


def write_parquet(connection: Any, name: str, file: Path) -> None:
    """Write a table into a file."""
    connection.table(name).write_parquet(str(file))

"""Sweeps: the values of their axes, the prompts that a template makes, and what is said before one starts."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence, Set, Sized
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from imgplay_widget._plain import plain
from imgplay_widget._rules.requests import same_text
from imgplay_widget._text import money, shown
from imgplay_widget.errors import InvalidRequest, UnknownParameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgplay_widget._types import JSON, Axis, ModelSpec, Task

__all__ = [
    "MAX_CELLS",
    "RESERVED",
    "ROW",
    "UNCONFIRMED",
    "cell_values",
    "check_count",
    "filled",
    "labels_of",
    "plan_line",
    "refused",
    "retry_line",
    "rows_of",
    "sweep_digest",
    "unknown_keyword",
    "values_of",
    "word_of",
    "words_of",
]

MAX_CELLS = 2000
"""The most requests of one sweep."""

UNCONFIRMED = 16
"""The most requests that a sweep sends without ``confirm=True``."""

ROW = "row"
"""The name of the axis that the rows of a table are."""

RESERVED = frozenset({"template", "n", "topic", "rows", "confirm", "cache", "references", "mask", "deadline"})
"""The arguments of a sweep that cannot be columns of its rows."""

MAX_LABEL = 60
"""The most characters of the label of a value."""

_WORD = re.compile(r"\{([^\W\d]\w*)\}")


# ------------------------------------------------------------------ the template


def words_of(template: str) -> tuple[str, ...]:
    """Return the names in braces of a template, in their order, each once."""
    return tuple(dict.fromkeys(_WORD.findall(template)))


def filled(template: str, words: Mapping[str, JSON]) -> str:
    """Return a template with values for the names in braces. All other braces stay.

    The text is read once: a value that has a name in braces itself stays as it is.
    """
    return _WORD.sub(lambda name: str(words[name[1]]) if name[1] in words else name[0], template)


# ------------------------------------------------------------------ what users give


def values_of(name: str, given: Any) -> tuple[JSON, ...] | None:
    """Return the values of an axis, or None where one value was given, which all cells share.

    A text, a number, True, False and None are one value. A list, a tuple, a range, an array, a column of a
    table and any other iterable in an order are axes.

    Args:
        name: the name of the axis.
        given: what the user gave.

    Raises:
        InvalidRequest: the axis is empty, too long or has a value twice, or a value is not text, a number,
            True, False or None.
    """
    value: Any = plain(given)
    if value is None or isinstance(value, str | bool | int | float | bytes | bytearray | memoryview):
        return None
    found: list[JSON] = []
    for index, one in enumerate(islice(_several_of(name, given), MAX_CELLS + 1)):
        found.append(_value(name, one, f"value {index + 1}"))
    if len(found) > MAX_CELLS:
        raise refused(name, f"it has more than {MAX_CELLS:,} values")
    if not found:
        raise refused(name, "it has no values", "Give at least one value, or leave it out.")
    _check_once(name, found)
    return tuple(found)


def rows_of(given: Any) -> tuple[dict[str, JSON], ...]:
    """Return the rows of a table as objects, without empty cells.

    Args:
        given: a pandas or polars data frame, a table of Arrow, a relation of DuckDB, the answer of a query
            (`Rows`), or a list of dicts.

    Raises:
        InvalidRequest: it is none of these, has no rows or too many, has a row twice, or a value is not text,
            a number, True or False.
    """
    check_length("rows", given)
    found: list[dict[str, JSON]] = []
    row: Any
    for index, row in enumerate(islice(_records(given), MAX_CELLS + 1)):
        if not isinstance(row, Mapping):
            raise refused("rows", f"row {index + 1} ({shown(row)}) is not a dict of columns")  # pyright: ignore[reportUnknownArgumentType] - anything
        cells: dict[str, JSON] = {}
        for column, one in row.items():  # pyright: ignore[reportUnknownVariableType] - anything
            if not isinstance(column, str):
                raise refused("rows", f"the column {shown(column)} has no name")  # pyright: ignore[reportUnknownArgumentType] - anything
            value = _value("rows", one, f"{column} in row {index + 1}")  # pyright: ignore[reportUnknownArgumentType] - anything
            if value is not None:
                cells[column] = value
        found.append(cells)
    if len(found) > MAX_CELLS:
        raise refused("rows", f"it has more than {MAX_CELLS:,} rows")
    if not found:
        raise refused("rows", "it has no rows")
    _check_once("rows", found)
    return tuple(found)


def word_of(name: str, value: JSON) -> None:
    """Refuse a value that cannot stand in a prompt.

    Raises:
        InvalidRequest: it is neither text nor a number, or a number that is not finite.
    """
    if value is None or isinstance(value, bytes | bytearray | memoryview):
        raise refused(name, f"{shown(value)} cannot stand in the prompt", "Give a text or a number.")  # pyright: ignore[reportUnknownArgumentType] - bytes of any kind
    _value(name, value, "the value")


def check_length(name: str, given: object) -> None:
    """Refuse what says that it has too many values, before any of them is read.

    Raises:
        InvalidRequest: it has more than `MAX_CELLS`.
    """
    if not isinstance(given, Sized):
        return
    try:
        count = len(given)
    except OverflowError:
        raise refused(name, f"it has more than {MAX_CELLS:,} values") from None
    except TypeError:
        # An array without dimensions has no length.
        return
    if count > MAX_CELLS:
        raise refused(name, f"it has {count:,} values, and a sweep has at most {MAX_CELLS:,} requests")


def check_count(axes: Sequence[Axis]) -> int:
    """Return the number of cells of a sweep.

    Raises:
        InvalidRequest: there are more than `MAX_CELLS`.
    """
    count = math.prod(len(axis.values) for axis in axes)
    if count > MAX_CELLS:
        sizes = " × ".join(f"{axis.name} {len(axis.values):,}" for axis in axes)
        raise InvalidRequest(
            f"The sweep has {count:,} requests ({sizes}). At most {MAX_CELLS:,} are allowed.",
            next_step="Give shorter lists, or make several sweeps. Nothing was stored, sent or paid.",
        )
    return count


def cell_values(axes: Sequence[Axis]) -> Iterator[dict[str, JSON]]:
    """Return the values of each cell by the names of the axes. The last axis changes first."""
    for values in product(*(axis.values for axis in axes)):
        yield {axis.name: value for axis, value in zip(axes, values, strict=True)}


def unknown_keyword(
    name: str, words: Sequence[str], specs: Sequence[ModelSpec], what: str
) -> UnknownParameter:
    """Return the error that a name is neither in the template nor a parameter of a model.

    Args:
        name: the name.
        words: the names in braces of the template.
        specs: the models of the sweep.
        what: how the name was given, such as "keyword".
    """
    parameters = {one.name: None for spec in specs for one in spec.parameters}
    near = get_close_matches(name, [*words, *parameters], n=1)
    hint = (
        ""
        if not near
        else f" Did you mean {{{near[0]}}}?"
        if near[0] in words
        else f" Did you mean {near[0]}?"
    )
    braces = ", ".join(f"{{{word}}}" for word in words) or "no name in braces"
    takes = ", ".join(parameters) or "no parameters"
    models = " and ".join(spec.name for spec in specs[:3])
    return UnknownParameter(
        f"The {what} {shown(name)} is neither in the template nor a parameter of a model.{hint} The template "
        f"has {braces}; {models} takes {takes}.",
        next_step=f"Write {{{name}}} into the template, or leave the {what} out. Nothing was stored or paid.",
    )


# ------------------------------------------------------------------ what is shown and stored


def labels_of(axis: Axis) -> list[str]:
    """Return a short text for each value of an axis. A row is named by what differs between the rows."""
    if axis.name != ROW or not all(isinstance(value, Mapping) for value in axis.values):
        return [_label(value) for value in axis.values]
    columns = dict.fromkeys(name for row in axis.values for name in row)
    varied = [name for name in columns if len({same_text(row.get(name)) for row in axis.values}) > 1]
    named = varied or list(columns)
    return [_short(" · ".join(_label(row[name]) for name in named if name in row)) for row in axis.values]


def plan_line(images: int, requests: int, kept: int, calls: Sequence[Task]) -> str:
    """Return what is said before a sweep starts: its size, what the store has, and the cost of the rest.

    Args:
        images: the number of images.
        requests: the number of requests.
        kept: the number of requests whose images come from the store.
        calls: the calls that are sent.
    """
    size = f"{_several(images, 'image')} in {_several(requests, 'request')}"
    if kept == requests:
        return f"{size}, all from the store."
    store = f", {kept:,} from the store" if kept else ""
    return f"{size}{store}{_priced(calls)}."


def retry_line(images: int, requests: int, calls: Sequence[Task]) -> str:
    """Return what is said before the failed images of a sweep are asked for again."""
    again = f"{_several(images, 'image')} in {_several(requests, 'request')} again"
    return f"{again}{_priced(calls) if calls else ''}."


def _priced(calls: Sequence[Task]) -> str:
    known = [call for call in calls if call.estimate is not None]
    unknown = sum(call.unit.n for call in calls if call.estimate is None)
    if not known:
        return ", at an unknown price"
    least = sum((Decimal(call.estimate or 0) for call in known), Decimal())
    most = sum((Decimal(call.most or call.estimate or 0) for call in known), Decimal())
    if most:
        cost = f", about {money(least)}" + (f", at most {money(most)}" if most != least else "")
    else:
        cost = ", free of charge"
    return cost + (f", and {_several(unknown, 'image')} at an unknown price" if unknown else "")


def _several(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def sweep_digest(
    template: str,
    axes: Sequence[Axis],
    fixed: Mapping[str, JSON],
    references: Sequence[str],
    mask: str | None,
) -> str:
    """Return a digest that two sweeps share if they ask for the same images in the same order.

    Args:
        template: the template.
        axes: the axes.
        fixed: the values that all cells share, with the model and the number of images of a request.
        references: the digests of the input images, in their order.
        mask: the digest of the mask, or None.
    """
    sweep = {
        "template": template,
        "axes": [[axis.name, list(axis.values)] for axis in axes],
        "fixed": dict(fixed),
        "references": list(references),
        "mask": mask,
    }
    return hashlib.sha256(same_text(sweep).encode("utf-8", "surrogatepass")).hexdigest()


# ------------------------------------------------------------------ small parts


def _several_of(name: str, given: Any) -> Iterable[Any]:
    """Return the values of an axis, which are not read yet. Refuse what has no order or is too long."""
    if not hasattr(given, "__iter__"):
        raise refused(name, f"{shown(given)} is neither one value nor a list of values")
    if isinstance(given, Mapping | Set):
        raise refused(name, f"a {type(given).__name__} has no order of values", "Give a list.")  # pyright: ignore[reportUnknownArgumentType] - anything
    if hasattr(given, "columns"):
        raise refused(name, "a table is not a list of values", "Give one of its columns, or rows=table.")
    check_length(name, given)
    # The values of an array of Arrow are objects of Arrow.
    return given.to_pylist() if hasattr(given, "to_pylist") else given


def _records(given: Any) -> Iterable[Any]:
    """Return the rows of a table of some package, by the methods that it has."""
    if isinstance(given, str | bytes | Mapping):
        raise refused("rows", f"{shown(given)} is not a table", "Give a data frame, or a list of dicts.")  # pyright: ignore[reportUnknownArgumentType] - anything
    if hasattr(given, "to_dicts"):
        return given.to_dicts()
    if hasattr(given, "to_pylist"):
        return given.to_pylist()
    if hasattr(given, "to_dict") and hasattr(given, "columns"):
        return given.to_dict("records")
    columns = getattr(given, "columns", None)
    if columns is not None:
        # A relation of DuckDB has a limit of its own, so that a large one is not read whole.
        limited = given.limit(MAX_CELLS + 1).fetchall() if hasattr(given, "fetchall") else given
        return (dict(zip(columns, row, strict=True)) for row in limited)
    if not isinstance(given, Iterable):
        raise refused("rows", f"{shown(given)} is not a table", "Give a data frame, or a list of dicts.")
    return given  # pyright: ignore[reportUnknownVariableType] - anything


def _value(name: str, given: Any, what: str) -> JSON:
    value = plain(given)
    if isinstance(value, float) and not math.isfinite(value):
        raise refused(name, f"{what} is {value}, and not a number that can be used")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise refused(name, f"{what} ({shown(given)}) is neither text nor a number")


def _check_once(name: str, values: Sequence[JSON]) -> None:
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        before = first.setdefault(same_text(value), index)
        if before != index:
            what = "row" if name == "rows" else "value"
            raise refused(
                name,
                f"{shown(value)} is there twice ({what}s {before + 1} and {index + 1})",
                f"Give each {what} once. For several images of one {what}, use n or seed=range(…).",
            )


def _label(value: JSON) -> str:
    return "none" if value is None else _short(str(value)) or "(empty)"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_LABEL else f"{line[: MAX_LABEL - 1]}…"


def refused(name: str, what: str, next_step: str = "Correct the value and call again.") -> InvalidRequest:
    """Return the error that an argument of a sweep cannot be used.

    Args:
        name: the argument.
        what: what is wrong, as the rest of a sentence without its point.
        next_step: what the user can do.
    """
    return InvalidRequest(
        f"{name}: {what}.", parameter=name, next_step=f"{next_step} Nothing was stored, sent or paid."
    )

"""The declaration of an endpoint, the value of a request, and the values of answers, without a web server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from imgplay_widget._rules.embedded import Piece
    from imgplay_widget.errors import ImgplayError
    from imgplay_widget.server.rest.stream import Reader
    from imgplay_widget.server.rest.studio import RestStudio
    from imgplay_widget.server.rest.values import WireValue

__all__ = ["Answer", "Asked", "Endpoint", "FileAnswer", "JsonAnswer", "StreamAnswer"]

Query = TypeVar("Query", bound="WireValue")
Body = TypeVar("Body", bound="WireValue | bytes")

SMALL = 2**20
"""The most bytes of a request in JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[Query, Body]):
    """A request whose path, query and body were checked.

    Attributes:
        id: the id in the path, or an empty text where the path has none.
        query: the query.
        body: the body: JSON as a value, or bytes.
        headers: the headers that the endpoint declares, by their names as it declares them.
        media_type: the media type of the body.
    """

    id: str
    query: Query
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    media_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonAnswer:
    """An answer in JSON, or without a body (None)."""

    value: WireValue | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnswer:
    """An answer with the bytes of a file.

    Attributes:
        path: the file, or None where `data` has the bytes.
        data: the bytes.
        pieces: the spans of the file and the bytes between them that are the answer, where it is not the file
            alone.
        size: the number of bytes.
        media_type: the kind of the file.
        name: the name under which a browser saves the file.
        shown: whether a browser may show the file instead of saving it.
        etag: a text that changes with the bytes, or None for a file that is made for each request.
        temporary: whether the file is removed after the answer.
    """

    path: Path | None = None
    data: bytes = b""
    pieces: Sequence[Piece] | None = None
    size: int
    media_type: str
    name: str
    shown: bool
    etag: str | None = None
    temporary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAnswer:
    """An answer that goes on: the events of a studio."""

    reader: Reader


Answer: TypeAlias = JsonAnswer | FileAnswer | StreamAnswer
Function: TypeAlias = Callable[[Asked[Any, Any], "RestStudio"], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The declaration of an endpoint. The first line of its function's docstring is its summary.

    Attributes:
        method: the method of HTTP.
        path: the path below the base. A part in braces stands for an id.
        function: answers a request. It runs on the engine's loop.
        status: the status of an answer that is not an error.
        answer: the value of an answer in JSON, or None.
        query: the query, or None where no field counts.
        body: the body in JSON, or None where there is none.
        binary: the media types of a body of bytes, beside JSON.
        largest: the most bytes of a body.
        media_types: the media types of an answer that is not JSON.
        headers: the headers of a request that count, each with its meaning.
        tells: the headers of an answer, each with its meaning.
        errors: the errors of the tree that the function raises, beside those of any endpoint.
        group: the name of the group of the endpoint in the documentation.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    function: Function
    status: int = 200
    answer: type[WireValue] | None = None
    query: type[WireValue] | None = None
    body: type[WireValue] | None = None
    binary: tuple[str, ...] = ()
    largest: int = SMALL
    media_types: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    tells: Mapping[str, str] = field(default_factory=dict[str, str])
    errors: tuple[type[ImgplayError], ...] = ()
    group: str

    @property
    def name(self) -> str:
        """The name of the endpoint: that of its function."""
        return self.function.__name__  # pyright: ignore[reportFunctionMemberAccess] - each is a plain function

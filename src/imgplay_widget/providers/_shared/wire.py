"""Read data from the wire, without I/O: images in JSON, server-sent events, times to wait."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast

import pybase64

from imgplay_widget._text import clean_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "Body",
    "EventParser",
    "ServerEvent",
    "decode_base64",
    "json_of",
    "media_type_of",
    "retry_after",
    "slice_images",
]

Body = bytes | bytearray
"""The bytes of an answer. A bytearray is the buffer that received them, so nothing is copied."""

_RESETS = re.compile(
    r"(?i)\b(?:resets?|again|retry|wait)\b[^.]{0,30}?\b(?:in|after) ~?(\d+(?:\.\d+)?) ?s(?:ec|\b)"
)


def json_of(body: Body) -> object:
    """Return the parsed JSON of an answer, or None where it is not JSON."""
    try:
        return clean_json(json.loads(body))
    except (ValueError, RecursionError):
        return None


def retry_after(
    headers: Mapping[str, str], body: object = None, *, now: datetime | None = None
) -> float | None:
    """Return the seconds that an answer asks to wait (at least 0), or None if it does not ask to wait.

    Args:
        headers: the headers of the answer, with lower-case or case-insensitive names.
        body: the parsed JSON of the answer, where some providers give the time.
        now: the current time, with a time zone; needed for dates.
    """
    milliseconds = _seconds(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("retry-after")
    if said is not None:
        seconds = _seconds(said)
        return seconds if seconds is not None else _until(said, now or datetime.now(UTC))
    return _asked(body)


def _seconds(text: object) -> float | None:
    try:
        number = float(text) if isinstance(text, (str, int, float)) else math.nan
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _until(text: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - now).total_seconds())


def _asked(body: object) -> float | None:
    for part in (_table(body), _table(_table(body).get("error"))):
        seconds = _seconds(part.get("retry_after"))
        if seconds is not None:
            return seconds
        said = part.get("detail")
        match = _RESETS.search(said) if isinstance(said, str) else None
        if match:
            return float(match[1])
        details = part.get("details")
        for detail in cast("list[object]", details) if isinstance(details, list) else []:
            delay = _table(detail).get("retryDelay")
            if isinstance(delay, str) and delay.endswith("s"):
                return _seconds(delay[:-1])
    return None


def _table(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


# ------------------------------------------------------------------ images in JSON


class _Surprise(Exception):
    """The bytes do not have the layout that the fast path expects."""


def slice_images(body: Body, key: bytes = b'"b64_json"') -> tuple[list[bytes], Any]:
    """Take base64 images out of a JSON answer without parsing them.

    Parsing megabytes of base64 as JSON costs more than all other steps of an image. So this function cuts
    the payloads out of the raw bytes and decodes them in place. Anything unusual (escapes, spaces, a
    ``data:`` prefix) takes the slow way, with the same result.

    Args:
        body: the raw JSON.
        key: the quoted name of the fields that hold images.

    Returns:
        The images, and the JSON in which each payload is replaced by the index of its image.

    Raises:
        ValueError: the body is not JSON, or a payload is not base64.
    """
    try:
        return _sliced(body, key)
    except (_Surprise, ValueError, RecursionError):
        images: list[bytes] = []
        try:
            rest = clean_json(_walked(json.loads(body), key[1:-1].decode(), images))
        except RecursionError as error:
            raise ValueError("It is nested too deeply.") from error
        return images, rest


def _sliced(body: Body, key: bytes) -> tuple[list[bytes], Any]:
    view = memoryview(body)
    images: list[bytes] = []
    pieces: list[bytes | memoryview] = []
    done = 0
    at = body.find(key)
    while at >= 0:
        start = _value_at(body, at + len(key))
        if start is None:
            at = body.find(key, at + len(key))
            continue
        end = body.find(b'"', start + 1)
        if end < 0:
            raise _Surprise
        pieces += [view[done:start], str(len(images)).encode()]
        # Without `validate`, the decoder would silently skip junk and escapes.
        images.append(pybase64.b64decode(view[start + 1 : end], validate=True))
        done = end + 1
        at = body.find(key, done)
    pieces.append(view[done:])
    return images, clean_json(json.loads(b"".join(pieces)))


def _value_at(body: Body, at: int) -> int | None:
    """Return where the string begins that belongs to the key before `at`, or None if no string follows."""
    colon = False
    while at < len(body):
        char = body[at]
        if char == 0x22:
            return at if colon else None
        if char == 0x3A and not colon:
            colon = True
        elif char not in b" \t\r\n":
            return None
        at += 1
    raise _Surprise


def _walked(value: Any, name: str, images: list[bytes]) -> Any:
    if isinstance(value, dict):
        return {k: _walked_field(k, v, name, images) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
    if isinstance(value, list):
        return [_walked(item, name, images) for item in value]  # pyright: ignore[reportUnknownVariableType] - JSON
    return value


def _walked_field(key: Any, value: Any, name: str, images: list[bytes]) -> Any:
    if key == name and isinstance(value, str):
        images.append(decode_base64(value))
        return len(images) - 1
    return _walked(value, name, images)


def decode_base64(text: str) -> bytes:
    """Return the bytes of base64 text, with or without a ``data:`` prefix, spaces and padding.

    Raises:
        ValueError: the text is not base64.
    """
    if text.startswith("data:"):
        text = text.partition(",")[2]
    text = "".join(text.split()).rstrip("=")
    return pybase64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def media_type_of(text: str) -> str:
    """Return the media type in the ``data:`` prefix of a base64 text, or an empty text without a prefix."""
    if not text.startswith("data:"):
        return ""
    return re.split("[;,]", text[5:200], maxsplit=1)[0].strip().lower()


# ------------------------------------------------------------------ server-sent events


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One server-sent event.

    Attributes:
        event: the name of the event; ``"message"`` if it has no name.
        data: the lines of the event, joined by line feeds, as raw bytes.
    """

    event: str
    data: bytes


class EventParser:
    """Cut a byte stream into server-sent events."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._event = ""
        self._data: list[bytes] = []
        self._first = True

    @property
    def held(self) -> int:
        """The bytes that wait for the end of their event."""
        return len(self._buffer) + sum(map(len, self._data))

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """Yield the events that the chunk completes."""
        self._buffer += chunk
        for line in self._lines(last=False):
            event = self._take(line)
            if event is not None:
                yield event

    def end(self) -> Iterator[ServerEvent]:
        """Yield the event that the end of the stream completes; not every server ends with a blank line."""
        for line in [*self._lines(last=True), b""]:
            event = self._take(line)
            if event is not None:
                yield event

    def _lines(self, *, last: bool) -> Iterator[bytes]:
        buffer = self._buffer
        while True:
            # One line of megabytes arrives in many chunks. Bytes that were searched are not searched again.
            feed, back = buffer.find(b"\n", self._scanned), buffer.find(b"\r", self._scanned)
            cut = min(x for x in (feed, back, len(buffer)) if x >= 0)
            at_end = cut == len(buffer)
            if at_end or (buffer[cut] == 0x0D and cut + 1 == len(buffer) and not last):
                # A line feed may still follow the carriage return at the end of the chunk.
                self._scanned = cut
                break
            width = 2 if buffer.startswith(b"\r\n", cut) else 1
            line = bytes(buffer[:cut])
            del buffer[: cut + width]
            self._scanned = 0
            yield line
        if last and buffer:
            yield bytes(buffer)
            buffer.clear()

    def _take(self, line: bytes) -> ServerEvent | None:
        if self._first:
            self._first = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            event = ServerEvent(self._event or "message", b"\n".join(self._data)) if self._data else None
            self._event, self._data = "", []
            return event
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode(errors="replace")
        return None

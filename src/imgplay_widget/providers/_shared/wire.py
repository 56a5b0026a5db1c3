"""Read data from the wire, without I/O: JSON, the images in it, server-sent events, times to wait."""

from __future__ import annotations

import json
import math
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote_to_bytes

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
    "parsed",
    "retry_after",
    "slice_images",
    "unwrapped",
]

Body = bytes | bytearray
"""The bytes of an answer. A bytearray is the buffer that received them, so nothing is copied."""

_RESETS = re.compile(
    r"(?i)\b(?:resets?|again|retry|wait)\b[^.]{0,30}?\b(?:in|after) ~?(\d+(?:\.\d+)?) ?s(?:ec|\b)"
)


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
    except (ValueError, OverflowError):
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _until(text: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    try:
        return max(0.0, (then - now).total_seconds())
    except OverflowError:
        return None


def _asked(body: object) -> float | None:
    for part in (_table(body), _table(_table(body).get("error"))):
        seconds = _seconds(part.get("retry_after"))
        if seconds is not None:
            return seconds
        said = part.get("detail")
        match = _RESETS.search(said) if isinstance(said, str) else None
        if match:
            return _seconds(match[1])
        details = part.get("details")
        for detail in cast("list[object]", details) if isinstance(details, list) else []:
            delay = _table(detail).get("retryDelay")
            if isinstance(delay, str) and delay.endswith("s"):
                return _seconds(delay[:-1])
    return None


def _table(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


# ------------------------------------------------------------------ JSON


def parsed(body: Body) -> Any:
    """Return the parsed JSON of a body, clean.

    Bytes that are no text become U+FFFD, and line ends within texts stay: relays write such JSON, and an
    image in it was paid for.

    Raises:
        ValueError: the body is not JSON, or is nested too deeply.
    """
    return clean_json(_parsed(body))


def json_of(body: Body) -> object:
    """Return the parsed JSON of an answer, or None where it is not JSON."""
    try:
        return parsed(body)
    except ValueError:
        return None


def _parsed(body: Body) -> Any:
    try:
        return json.loads(body.decode(json.detect_encoding(body), "replace"), strict=False)
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None


# ------------------------------------------------------------------ images in JSON

_MARK = f"image-{secrets.token_hex(16)}-"
"""Begins the text that stands for an image while the rest is parsed. No answer can hold it."""
_BASE64_TEXT = re.compile(rb"[A-Za-z0-9+/_-]{64}")
"""No kind of image begins with so many letters of base64."""


def slice_images(body: Body, key: bytes = b'"b64_json"') -> tuple[list[bytes], Any]:
    """Take base64 images out of a JSON answer without parsing them.

    Parsing megabytes of base64 as JSON costs more than all other steps of an image. So this function cuts
    the payloads out of the raw bytes and decodes them in place. What is unusual (escapes, spaces, a ``data:``
    prefix, the alphabet of addresses) is decoded after the parsing, with the same result.

    Args:
        body: the raw JSON.
        key: the quoted name of the fields that hold images.

    Returns:
        The images, and the JSON in which the index of its image replaces each payload. A text that is not
        base64, such as a link, stays. A number in such a field is no index, and becomes None.

    Raises:
        ValueError: the body is not JSON, or is nested too deeply.
    """
    encoding = json.detect_encoding(body)
    if not encoding.startswith("utf-8"):
        body = body.decode(encoding, "replace").encode()
    images: list[bytes] = []
    rest = parsed(_sliced(body, key, images))
    return images, _walked(rest, key[1:-1].decode(), images)


def _sliced(body: Body, key: bytes, images: list[bytes]) -> Body:
    """Return the JSON with a mark for each payload that is plain base64, and add its image to the list."""
    view = memoryview(body)
    pieces: list[bytes | memoryview] = []
    done = 0
    at = body.find(key)
    while at >= 0:
        start = _value_at(body, at + len(key))
        end = -1 if start is None else body.find(b'"', start + 1)
        if start is not None and end >= 0:
            try:
                # Without `validate`, the decoder would silently skip junk and escapes.
                image = pybase64.b64decode(view[start + 1 : end], validate=True)
            except ValueError:
                at = body.find(key, start + 1)
                continue
            pieces += [view[done:start], f'"{_MARK}{len(images)}"'.encode()]
            images.append(_inner(image))
            done = end + 1
        at = body.find(key, max(done, at + len(key)))
    pieces.append(view[done:])
    return b"".join(pieces) if done else body


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
    return None


def _walked(value: Any, name: str, images: list[bytes]) -> Any:
    if isinstance(value, dict):
        return {k: _walked_field(k, v, name, images) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
    if isinstance(value, list):
        return [_walked(item, name, images) for item in value]  # pyright: ignore[reportUnknownVariableType] - JSON
    return value


def _walked_field(key: Any, value: Any, name: str, images: list[bytes]) -> Any:
    if key != name or isinstance(value, (dict, list)):
        return _walked(value, name, images)
    if not isinstance(value, str):
        return None
    if value.startswith(_MARK):
        return int(value.removeprefix(_MARK))
    try:
        images.append(decode_base64(value))
    except ValueError:
        return value
    return len(images) - 1


def decode_base64(text: str) -> bytes:
    """Return the bytes of base64 text, in any of the forms in which relays send it.

    It may have a ``data:`` prefix, spaces, no padding or the alphabet of addresses, and may be encoded twice.

    Raises:
        ValueError: the text is not base64.
    """
    return _inner(_decoded(text))


def _decoded(text: str) -> bytes:
    if text[:5].lower() == "data:":
        head, _, text = text.partition(",")
        if not head.rstrip().lower().endswith("base64"):
            return unquote_to_bytes(text)
    plain = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    return pybase64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _inner(data: bytes) -> bytes:
    """Return the bytes of an image that was encoded twice, and any other bytes as they are."""
    if data[:5].lower() != b"data:" and _BASE64_TEXT.match(data) is None:
        return data
    try:
        return _decoded(data.decode("ascii"))
    except ValueError:
        return data


def media_type_of(text: str) -> str:
    """Return the media type in the ``data:`` prefix of a base64 text, or an empty text without a prefix."""
    if text[:5].lower() != "data:":
        return ""
    return re.split("[;,]", text[5:200], maxsplit=1)[0].strip().lower()


# ------------------------------------------------------------------ server-sent events


_LINE = 50
"""The bytes that Python needs for a line beside its text."""
_LONGEST_NAME = 200
_LOOKED_AT = 200
_SMALL = 2**16
"""The most bytes of an event that is parsed to see if it is an error."""
_MOST_EVENTS = 10_000
_PARTIAL = b".partial_image"


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
        self._taken = 0
        self._first = True

    @property
    def held(self) -> int:
        """The bytes that wait for the end of their event."""
        return len(self._buffer) + self._taken

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
        buffer, size = self._buffer, len(self._buffer)
        # One line of megabytes arrives in many chunks, and one chunk may have thousands of lines. Bytes that
        # were searched are not searched again.
        start, scanned, feed, back = 0, self._scanned, -1, -1
        try:
            while True:
                feed = _next(buffer, b"\n", scanned, feed)
                back = _next(buffer, b"\r", scanned, back)
                cut = min(feed, back)
                if cut == size or (cut == back and cut + 1 == size and not last):
                    # A line feed may still follow the carriage return at the end of the chunk.
                    scanned = cut
                    break
                line = bytes(buffer[start:cut])
                start = scanned = cut + (2 if buffer.startswith(b"\r\n", cut) else 1)
                yield line
        finally:
            del buffer[:start]
            self._scanned = scanned - start
        if last and buffer:
            yield bytes(buffer)
            buffer.clear()

    def _take(self, line: bytes) -> ServerEvent | None:
        if self._first:
            self._first = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            event = ServerEvent(self._event or "message", b"\n".join(self._data)) if self._data else None
            self._event, self._data, self._taken = "", [], 0
            return event
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._taken += len(value) + _LINE
        elif name == b"event":
            self._event = value[:_LONGEST_NAME].decode(errors="replace")
        return None


def _next(buffer: bytearray, end: bytes, start: int, known: int) -> int:
    """Return where the next end of a line is, or the length of the buffer; `known` is an earlier result."""
    if known >= start:
        return known
    found = buffer.find(end, start)
    return len(buffer) if found < 0 else found


def unwrapped(body: Body) -> Body:
    """Return the JSON of an answer that a gateway wrapped into server-sent events. Other bodies stay.

    Of several events, the one that holds an error counts, else the largest one: it has the image, while the
    others tell of progress or usage. Partial images and the mark of the end do not count.
    """
    if not body[:_LOOKED_AT].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"data:", b"event:", b"id:", b":")):
        return body
    parser = EventParser()
    found = b""
    for event in islice(chain(parser.feed(bytes(body)), parser.end()), _MOST_EVENTS):
        data = event.data
        fields = _table(json_of(data)) if len(data) < _SMALL else {}
        if fields.get("error") or event.event == "error":
            return data
        partial = _PARTIAL in event.event.encode() + data[:_LOOKED_AT] + data[-_LOOKED_AT:]
        if not partial and len(data) >= len(found) and data.strip() != b"[DONE]":
            found = data
    return found or body

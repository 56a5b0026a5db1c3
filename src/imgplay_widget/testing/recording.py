"""A recorder of the requests that studios and providers send, as text that shows a change in review.

::

    with record() as recording:
        studio.generate("a fox", model="openai:gpt-image-2").result()
    print(recording.text)

The text holds the method, the address, the headers and the body of each request. It holds neither keys nor
pictures: a key stands as ``<key>``, and a picture as ``<png 512×512, 4711 bytes, sha256 0123456789ab>``. What
differs between two machines or two runs is left out. A test compares the text with a file in the
repository::

    def test_requests_stay_the_same():
        with record(answer=server.answer) as recording:
            ...
        compare(recording.text, Path("wire/acme.txt"))

``IMGPLAY_RECORD=1 pytest`` writes the files anew.
"""

from __future__ import annotations

import difflib
import hashlib
import io
import json
import os
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pybase64

from imgplay_widget.providers._shared.answers import rows, table
from imgplay_widget.providers._shared.hiding import without_keys
from imgplay_widget.providers._shared.transport import Answered, Sent, tapped
from imgplay_widget.testing.server import Answer, FormPart, Received

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

__all__ = ["VARIABLE", "Recorded", "Recording", "compare", "record"]

VARIABLE = "IMGPLAY_RECORD"
"""The environment variable with which `compare` writes its file instead of comparing."""

_LEFT_OUT = frozenset({"accept-encoding", "connection", "content-length", "host"})
"""Headers that say nothing more than the rest, or that differ between machines."""

_SECRET = re.compile(r"auth|cookie|key|password|secret|signature|token")
"""What the name of a header holds whose value is never shown."""

_SCHEMES = frozenset({"apikey", "basic", "bearer", "key", "token"})
"""The words before a key in the header ``Authorization``, which may be shown."""

_VERSION = re.compile(r"(?<=\w)/\d[\w.+-]*")
_DATA_URI = re.compile(r"(data:[\w/+.-]+;base64,)(.+)", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")
"""Text that may be an encoded picture. The smallest picture has more letters."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it was sent, without keys and pictures.

    Attributes:
        method: the method, such as ``"POST"``.
        url: the whole address.
        headers: the headers with names in lower case, in the order of their names.
        body: the body as text: JSON with one field on each line, the parts of a form, or what else it is.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: str

    def __str__(self) -> str:
        """Return the request as the text of a file."""
        lines = [f"{self.method} {self.url}", *(f"{name}: {value}" for name, value in self.headers)]
        return "\n".join([*lines, *(["", self.body] if self.body else [])])


class Recording:
    """The requests that were sent while `record` ran.

    Attributes:
        requests: the requests, in the order in which they were sent.
    """

    def __init__(self) -> None:
        self.requests: list[Recorded] = []

    @property
    def text(self) -> str:
        """All requests as text, with an empty line between two of them."""
        return "\n\n".join(str(request) for request in self.requests)


@contextmanager
def record(answer: Callable[[Received], Answer] | None = None) -> Generator[Recording]:
    """Return a context that records every request which this process sends to a provider.

    Args:
        answer: returns the answer to a request, as `ProviderServer.answer` does; then nothing leaves this
            machine, and each answer comes at once and whole. None sends the requests.
    """
    recording = Recording()

    def tap(sent: Sent) -> Answered | None:
        recording.requests.append(_recorded(sent))
        if answer is None:
            return None
        found = answer(_received(sent))
        body = b"".join(found.chunks) or found.body
        return Answered(found.status, tuple(found.headers.items()), body)

    with tapped(tap):
        yield recording


def compare(text: str, path: Path) -> None:
    """Compare a text with the file of an earlier recording; with ``IMGPLAY_RECORD=1``, write the file.

    Args:
        text: the text, for instance `Recording.text`.
        path: the file, which belongs into the repository.

    Raises:
        AssertionError: the file is absent, or holds another text. The message shows the lines that differ.
    """
    text = text.rstrip("\n") + "\n"
    if os.environ.get(VARIABLE):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before == text:
        return
    lines = difflib.unified_diff(before.splitlines(), text.splitlines(), "before", "now", lineterm="", n=8)
    changed = "\n".join(lines)
    step = f"If the change is meant, run the test with {VARIABLE}=1, and commit {path.name}."
    raise AssertionError(f"The requests of {path.name} have changed.\n{changed}\n{step}")


# ------------------------------------------------------------------ as text


def _recorded(sent: Sent) -> Recorded:
    shown = {name.lower(): _header(name.lower(), value) for name, value in sent.headers}
    return Recorded(
        method=sent.method,
        url=without_keys(sent.url),
        headers=tuple(sorted((name, value) for name, value in shown.items() if name not in _LEFT_OUT)),
        body=_body(_received(sent)),
    )


def _received(sent: Sent) -> Received:
    """Return a request as its server reads it."""
    where = urlsplit(sent.url)
    path = f"{where.path}?{where.query}" if where.query else where.path
    return Received(sent.method, path, {name.lower(): value for name, value in sent.headers}, sent.body)


def _header(name: str, value: str) -> str:
    if _SECRET.search(name):
        scheme, _, _ = value.partition(" ")
        return f"{scheme} <key>" if scheme.lower() in _SCHEMES else "<key>"
    if name == "content-type":
        return value.partition(";")[0]
    return without_keys(_VERSION.sub("", value) if name == "user-agent" else value)


def _body(received: Received) -> str:
    kind = received.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return "\n".join(map(_part, received.parts()))
    try:
        text = received.body.decode()
    except UnicodeDecodeError:
        return _picture(received.body)
    if kind.startswith("application/json"):
        with suppress(ValueError, RecursionError):
            return "\n".join(_lines(json.loads(text)))
    if kind.startswith("application/x-www-form-urlencoded"):
        fields = parse_qsl(text, keep_blank_values=True)
        return "\n".join(f"{name} = {_text(value)}" for name, value in fields)
    return _text(text)


def _part(part: FormPart) -> str:
    if part.filename:
        return f"{part.name} = {_picture(part.data)} as {part.filename}, {part.media_type}"
    return f"{part.name} = {_text(part.data.decode(errors='replace'))}"


def _lines(value: Any) -> list[str]:
    """Return JSON with one field on each line, and a list of plain values on one line."""
    fields, items = table(value), rows(value)
    if fields:
        return ["{", *_indented([(f"{_scalar(name)}: ", item) for name, item in fields.items()]), "}"]
    if any(table(item) or rows(item) for item in items):
        return ["[", *_indented([("", item) for item in items]), "]"]
    if items:
        return [f"[{', '.join(map(_scalar, items))}]"]
    return [_scalar(value)]


def _indented(items: list[tuple[str, Any]]) -> list[str]:
    found: list[str] = []
    for at, (name, item) in enumerate(items, start=1):
        first, *more = _lines(item)
        inner = [name + first, *more]
        inner[-1] += "," if at < len(items) else ""
        found += [f"  {line}" for line in inner]
    return found


def _scalar(value: Any) -> str:
    return json.dumps(_text(value) if isinstance(value, str) else value, ensure_ascii=False)


def _text(value: str) -> str:
    uri = _DATA_URI.fullmatch(value)
    if uri is not None:
        return f"{uri[1]}{_encoded(uri[2]) or without_keys(uri[2])}"
    found = _encoded(value)
    return f"base64 of {found}" if found else without_keys(value)


def _encoded(value: str) -> str:
    """Return what stands for a picture in base64, or an empty text for any other text."""
    if not _BASE64.fullmatch(value):
        return ""
    try:
        found = _picture(pybase64.b64decode_as_bytearray(value))
    except ValueError:
        return ""
    return "" if found.startswith("<data") else found


def _picture(data: bytes | bytearray) -> str:
    """Return what stands for a picture, or for other bytes."""
    from PIL import Image

    what = "data"
    # What Pillow does not open is no picture.
    with suppress(OSError, ValueError, Image.DecompressionBombError), Image.open(io.BytesIO(data)) as image:
        what = f"{str(image.format).lower()} {image.width}×{image.height}"
    return f"<{what}, {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()[:12]}>"

"""Mutate the answers of every provider's contract case, and see how each request ends.

The tests run some hundred mutations of each provider, ``make soak`` some thousand. Every mutation follows
from the seed, the name of the case and its number alone, so that one can be repeated::

    python -m tests.providers.fuzz --mutations 10000 --seed 1
    python -m tests.providers.fuzz --case FalWire --number 17
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gzip
import json
import logging
import sys
import tempfile
import traceback
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, aclosing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock
from urllib.parse import quote

import httpx

from imgplay_widget import catalog
from imgplay_widget._engine import clients
from imgplay_widget._engine.admission import admit, admit_error, admit_ticket
from imgplay_widget._engine.drive import ASK_AGAIN
from imgplay_widget._studio.api import core_of
from imgplay_widget._types import (
    Done,
    Missing,
    ModelSpec,
    Partial,
    Pending,
    Reference,
    Remote,
    Request,
)
from imgplay_widget.errors import Cancelled, ImgplayError, InternalError, InvalidRequest, ProviderError
from imgplay_widget.providers import Http, Provider
from imgplay_widget.testing import InstantClock, open_studio, png
from imgplay_widget.testing.contract import KEY, PROMPT, ProviderContract, Wire
from imgplay_widget.testing.server import Answer, ProviderServer, Received
from tests.providers.lists import listed

IMAGE = Reference(digest="0" * 64, media_type="image/png", width=64, height=64)
MUTATIONS = 200
SEED = 1
PATIENCE = 60.0
"""The seconds after which a request hangs. On the clock of a test none takes a second."""

MOST_REQUESTS = 400
"""The requests of one generation. A job that never ends is asked for until its deadline."""

DEADLINE = 300.0

MOST_POLLS = 12

_CODED = base64.b64encode(KEY.encode()).decode()
FORMS = (
    KEY,
    KEY.upper(),
    quote(KEY, safe=""),
    _CODED,
    base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("="),
    base64.b64encode(f"user:{KEY}".encode()).decode(),
    KEY.encode().hex(),
    KEY.encode().hex().upper(),
    f"Bearer {KEY}",
    f"{KEY[:10]}*****",
)
"""The key as an answer may repeat it."""

_SOUGHT = (
    *(core for core in (KEY.lower(), KEY.encode().hex(), "sk-canary-5e")),
    *(base64.b64encode(b"\0" * n + KEY.encode()).decode()[4:-4].lower() for n in range(3)),
)
"""What no text may hold, in lower case."""


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


TEXTS = (
    "",
    "x",
    "\ud800",
    "\ude00\ud83d",
    "a\0b",
    "\x1b[2J",
    "n/a",
    "null",
    "0",
    "1e999",
    "9" * 400,
    "%",
    "é" * 300,
    "long " * 20_000,
    "x-" * 20_000,
    "?key" * 5000,
    "<script>alert(1)</script>",
    *FORMS,
    *(f"refused: {form}!" for form in FORMS),
)
LINKS = (
    "https://a..b/i.png",
    "http://xn--a/",
    "https://[::1",
    "http://h:99999/",
    "http://h:x/",
    "//h/x.png",
    "file:///etc/passwd",
    "ftp://h/x",
    "data:",
    "data:image/png;base64,",
    "data:image/png;base64,%%%",
    "data:text/html,<html>",
    "javascript:alert(1)",
    "/files/none.png",
    "../..",
    f"https://h.example/{KEY}.png",
    f"https://{KEY}.example/i.png?key={KEY}",
    "https://" + "a" * 70 + ".example/",
    "https://h.example/" + "a" * 20_000,
    "https://user:pw@h.example/i.png",
    "https://\ud800/",
    "http://h.example/\0",
    "https://h.example:0/",
)
NUMBERS = (0, 1, -1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**70), 10**30, 10**400, 0.5, -0.0, 1e308, 5e-324)
FLOATS = (float("nan"), float("inf"), float("-inf"))
OTHERS = (None, True, False, [], {}, [None], [[]], {"a": {}}, {"": ""}, *FLOATS)
_FIELDS = ("error", "data", "url", "b64_json", "status", "id", "code", "message", "images", "image")
NAMES = (*_FIELDS, "", KEY, "\ud800", "x" * 5000)
STATUSES = (
    *(200, 200, 201, 202, 204, 206, 226, 299, 300, 301, 302, 304, 307, 399),
    *(400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 418, 422, 425, 429, 431, 451, 499),
    *(500, 501, 502, 503, 504, 507, 520, 524, 529, 599),
)
TYPES = (
    "application/json",
    "application/json; charset=utf-16",
    "text/html",
    "text/plain",
    "image/png",
    "image/svg+xml",
    "text/event-stream",
    "application/octet-stream",
    "multipart/form-data",
    "",
    ";",
    f"text/{KEY}",
)
ENCODINGS = ("gzip", "x-gzip", "deflate", "br", "zstd", "gzip, gzip", "identity", "compress", "\xff", "", KEY)
HEADERS = (
    ("Retry-After", "nan"),
    ("Retry-After", "1e400"),
    ("Retry-After", "-5"),
    ("Retry-After", "Thu, 01 Jan 0001 00:00:00 +2359"),
    ("Retry-After", "soon"),
    ("Retry-After", KEY),
    ("retry-after-ms", "1e308"),
    ("x-request-id", KEY),
    ("x-request-id", _CODED),
    ("x-request-id", "r" * 5000),
    ("x-request-id", "\xff\xfe"),
    ("Content-Length", "9" * 5000),
    ("Content-Length", "-1"),
    ("Location", "http://a..b/"),
    ("Location", "//[::1"),
    ("Location", f"https://h.example/?k={KEY}"),
    ("Location", ""),
    ("x-fal-error-type", KEY),
    ("x-fal-retryable", "true"),
    ("x-fal-billable-units", KEY),
)

# ------------------------------------------------------------------ mutations


def mutated(found: Answer, random: Random) -> Answer:
    """Return an answer with one to three mutations."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        found = random.choices((_in_json, _in_bytes, _around), (10, 2, 2))[0](found, random)
    return found


def _in_json(found: Answer, random: Random) -> Answer:
    events = found.body.startswith((b"data:", b"event:"))
    try:
        if events:
            lines = found.body.split(b"\n")
            at = random.choice([i for i, line in enumerate(lines) if line.startswith(b"data: {")])
            lines[at] = b"data: " + _json(json.loads(lines[at][6:]), random)
            return replace(found, body=b"\n".join(lines))
        return replace(found, body=_json(json.loads(found.body), random))
    except (ValueError, IndexError, RecursionError):
        return _in_bytes(found, random)


def _json(value: Any, random: Random) -> bytes:
    where = random.choice(list(_places(value)))
    if random.random() < 0.06:
        # A name that stands twice.
        text = json.dumps(value)
        twice = json.dumps(_value(random))
        name = json.dumps(str(where[-1]) if where else "x")
        return (text[:-1] + f", {name}: {twice}}}").encode() if text.endswith("}") and text != "{}" else b"{}"
    return json.dumps(_at(value, where, random)).encode()


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from _places(item, (*path, name))


def _at(value: Any, path: tuple[Any, ...], random: Random) -> Any:
    if not path:
        return _instead(value, random)
    first, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_at(item, rest, random) if at == first else item for at, item in enumerate(value)]
    if rest or random.random() < 0.6:
        return {name: _at(item, rest, random) if name == first else item for name, item in value.items()}
    if random.random() < 0.5:
        return {name: item for name, item in value.items() if name != first}
    return {random.choice(NAMES) if name == first else name: item for name, item in value.items()}


def _instead(value: Any, random: Random) -> Any:
    if isinstance(value, str) and random.random() < 0.5:
        return _text(value, random)
    if isinstance(value, list) and random.random() < 0.5:
        return random.choice((value * 3, value[:-1], [*value, _value(random)], value[::-1], {"0": value}))
    if isinstance(value, dict) and random.random() < 0.4:
        return {**value, random.choice(NAMES): _value(random)}
    return _value(random)


def _value(random: Random) -> Any:
    kind = random.choice((TEXTS, LINKS, NUMBERS, OTHERS, OTHERS, None))
    return deep(random.choice((90, 150, 900))) if kind is None else random.choice(kind)


def _text(value: str, random: Random) -> str:
    changes: tuple[Callable[[str], str], ...] = (
        str.upper,
        str.swapcase,
        lambda text: text[: len(text) // 2],
        lambda text: text + text,
        lambda text: text.rstrip("="),
        lambda text: text.replace("+", "-").replace("/", "_"),
        lambda text: base64.b64encode(text.encode(errors="replace")).decode(),
        lambda text: "data:image/png;base64," + text,
        lambda text: "\r\n".join(text[i : i + 76] for i in range(0, min(len(text), 7600), 76)),
        lambda text: text + "\ud83d",
        lambda text: f"{text} {random.choice(FORMS)}",
        lambda text: random.choice(LINKS),
        lambda text: random.choice(TEXTS),
    )
    return random.choice(changes)(value)


def _in_bytes(found: Answer, random: Random) -> Answer:
    body = found.body
    text = body.decode(errors="replace")
    cut = random.randrange(len(body) + 1)
    changes: tuple[Callable[[], bytes], ...] = (
        lambda: b"",
        lambda: body[:cut],
        lambda: body[cut:],
        lambda: body[:cut] + random.randbytes(3) + body[cut:],
        lambda: text.encode("utf-16"),
        lambda: text.encode("utf-16-be"),
        lambda: text.encode("utf-32"),
        lambda: b"\xef\xbb\xbf" + body,
        lambda: b"data: " + body + b"\n\n",
        lambda: b"event: x\ndata: " + body + b"\n\ndata: [DONE]\n\n",
        lambda: b'"' + body + b'"',
        lambda: b"[" + body + b"]",
        lambda: json.dumps(deep(900)).encode(),
        lambda: b"[" * 100_000,
        lambda: b"data\n" * 5000,
        lambda: f"<html>{random.choice(FORMS)}</html>".encode(),
        lambda: random.choice(FORMS).encode("utf-16"),
        lambda: random.randbytes(200),
        lambda: b"null",
        lambda: b"{}",
    )
    return replace(found, body=random.choice(changes)())


def _around(found: Answer, random: Random) -> Answer:
    headers = dict(found.headers)
    match random.randrange(5):
        case 0 | 1:
            return replace(found, status=random.choice(STATUSES))
        case 2:
            headers["Content-Type"] = random.choice(TYPES)
        case 3:
            name = random.choice(ENCODINGS)
            headers["Content-Encoding"] = name
            packed = gzip.compress(found.body) if "gzip" in name else zlib.compress(found.body)
            body = random.choice((found.body, packed, packed, packed[:-9], gzip.compress(packed), packed * 2))
            return replace(found, headers=headers, body=body)
        case _:
            name, value = random.choice(HEADERS)
            headers[name] = value
    return replace(found, headers=headers)


# ------------------------------------------------------------------ a case


_KEPT = ("lock", "_arrived", "latency", "port", "origin")
"""What a server of the contract keeps from one mutation to the next."""


class _Stream(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 65_536):
            yield self._body[start : start + 65_536]


@dataclass
class Case:
    """A provider's side, which answers without a socket, and mutates some of its answers.

    Attributes:
        wire_type: the contract's class.
        asked: the requests of the present mutation, each with the status and the body of its answer.
        faults: what was wrong, in words.
        seen: how the requests ended.
    """

    wire_type: type[Wire]
    asked: list[tuple[Received, int, bytes]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.name = self.wire_type.__name__
        self.module = self.wire_type.__module__.rpartition("_contract_")[2]
        self._wire: Wire = self.wire_type()
        _close(self._wire)
        self.origins = (self._wire.origin, self._wire.elsewhere.origin)
        self.provider = self.wire_type.connect(self._wire.origin)
        self._random = Random()
        self._mutates: Callable[[int], bool] = lambda number: False

    def begin(self, seed: int, number: int) -> Random:
        """Begin a mutation, with a fresh state of the provider."""
        wire = self._wire
        with mock.patch.object(ProviderServer, "__init__", return_value=None):
            # The state of the protocol begins anew, but no socket is opened.
            fresh = self.wire_type()
        for server, old in ((fresh, wire), (wire.elsewhere, wire.elsewhere)):
            kept = {name: vars(old)[name] for name in _KEPT}
            vars(server).update({**kept, "script": [], "files": {}, "requests": []})
        fresh.elsewhere = wire.elsewhere
        self._wire = fresh
        self.asked.clear()
        self._random = Random(f"{seed}:{self.module}:{self.name}:{number}")
        first = self._random.choices((0, 1, 2, 3), (10, 5, 3, 1))[0]
        every = self._random.random() < 0.2
        self._mutates = lambda at: at >= first if every else at == first
        if self._random.random() < 0.2:
            refusals = [item for item in fresh.failures().values() if isinstance(item, Answer)]
            if refusals:
                fresh.script.append(self._random.choice(refusals))
        return self._random

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, as the server of the contract would."""
        received = Received(
            request.method,
            request.url.raw_path.decode(),
            {name.lower(): value for name, value in request.headers.items()},
            request.read(),
        )
        where = f"{request.url.scheme}://{request.url.host}:{request.url.port}"
        found = Answer(404, {"Content-Type": "text/plain"}, b"none")
        if where in self.origins:
            server = self._wire if where == self.origins[0] else self._wire.elsewhere
            with suppress(Exception):
                # The servers of the contract do not expect requests that follow from broken answers.
                found = listed(self.module, received) or server._next(received)
        if found.hang or found.reset:
            raise httpx.ReadTimeout("nothing came", request=request)
        if found.chunks:
            found = replace(found, body=b"".join(found.chunks), chunks=())
        if self._mutates(len(self.asked)):
            found = mutated(found, self._random)
        self.asked.append((received, found.status, found.body))
        return httpx.Response(
            found.status,
            headers=[(k.encode(), value.encode("latin-1", "replace")) for k, value in found.headers.items()],
            stream=_Stream(found.body),
            request=request,
        )

    # -------------------------------------------------------------- what must hold

    def look(self, text: str, what: str) -> None:
        """Note a text that holds the key."""
        low = text.lower()
        if any(part in low for part in _SOUGHT):
            at = min(low.find(part) for part in _SOUGHT if part in low)
            self.faults.append(f"the key is in {what}: {text[max(0, at - 80) : at + 80]!r}")

    def judge(self) -> None:
        """Note calls that were sent twice, and more requests than any job needs."""
        if len(self.asked) > MOST_REQUESTS:
            self.faults.append(f"{len(self.asked)} requests")
        submits = [one for one in self.asked if self._wire.is_submit(one[0])]
        for (_, status, body), _ in pairwise(submits):
            # A refused call did no work. The provider may say in any refusal that it is busy.
            refused = 400 <= status < 500 and status not in (408, 499)
            said_busy = any(
                word in body.lower().replace(b"\0", b"") for word in (b"429", b"rate", b"base_resp")
            )
            if not (said_busy or refused):
                self.faults.append(f"a call was sent again after HTTP {status}: {body[:200]!r}")


def _close(wire: Wire) -> None:
    wire._listener.close()
    wire.elsewhere._listener.close()


def cases() -> dict[str, type[Wire]]:
    """Return the wires of all contract cases by name. Each provider that passes the contract is here."""
    found: dict[str, type[Wire]] = {}
    for path in sorted((Path(__file__).parent / "contract").glob("test_contract_*.py")):
        module = import_module(f"tests.providers.contract.{path.stem}")
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, ProviderContract) and kind is not ProviderContract:
                name = path.stem.removeprefix("test_contract_")
                found[f"{name}-{kind.wire_type.__name__}"] = kind.wire_type
    return found


# ------------------------------------------------------------------ a run


class _Log(logging.Handler):
    def __init__(self, case: Case) -> None:
        super().__init__(logging.DEBUG)
        self._case = case

    def emit(self, record: logging.LogRecord) -> None:
        said = self.format(record)
        self._case.look(said, f"the log of {record.name}")
        if record.name == "imgplay_widget" and record.levelno >= logging.ERROR:
            self._case.faults.append(f"logged: {said[-1500:]}")


@contextmanager
def _heard(case: Case) -> Iterator[None]:
    """Look at all that is logged, down to the headers of answers."""
    handler, names = _Log(case), ("imgplay_widget", "httpx", "httpcore")
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger(name).addHandler(handler)
    try:
        yield
    finally:
        for name in names:
            logging.getLogger(name).removeHandler(handler)
            logging.getLogger(name).setLevel(before[name])


def run(wire_type: type[Wire], numbers: range, seed: int = SEED) -> Case:
    """Run the mutations of one case on a store of its own, and return what was found."""
    case = Case(wire_type)
    name = case.provider.spec.name

    def client(*_: Any, **__: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(case.answer))

    with (
        ExitStack() as stack,
        tempfile.TemporaryDirectory(prefix="imgplay-fuzz-") as folder,
        mock.patch.object(clients, "new_client", client),
        _heard(case),
        open_studio(
            case.provider,
            store=Path(folder) / "fuzz.sqlite",
            clock=InstantClock(),
            keys={name: KEY},
            max_count=10,
        ) as studio,
    ):
        runner = stack.enter_context(asyncio.Runner())
        for number in numbers:
            before = len(case.faults)
            random = case.begin(seed, number)
            match number % 10:
                case 7:
                    _ask_for_models(studio, case)
                case 3 | 9:
                    _generate(studio, case, random)
                case _:
                    runner.run(_call(case, client))
            case.judge()
            case.faults[before:] = [f"{case.name} {number}: {fault}" for fault in case.faults[before:]]
        _look_at_rows(studio, case)
        studio.export(Path(folder) / "export", format="jsonl")
        for path in Path(folder).rglob("*"):
            if path.is_file():
                case.look(path.read_bytes().decode("latin-1"), f"the file {path.name}")
    return case


async def _call(case: Case, client: Callable[[], httpx.AsyncClient]) -> None:
    """Do what the engine does with a call, without a store: this is ten times as fast."""
    async with client() as connection:
        http = Http(case.provider, connection, lambda: KEY, references=lambda _: png())
        try:
            await _drive(case.provider, http, case)
            case.judge()
            case.asked.clear()
            await _beside(case.provider, http, case)
            case.asked.clear()
        except ImgplayError as error:
            case.seen[error.info.code] += 1
            case.look(f"{admit_error(error.info, http)!r} {error}", "an error")
            if isinstance(error, InternalError) or not isinstance(error, ProviderError | Cancelled):
                case.faults.append(f"{error!r}")
        except Exception as error:
            case.faults.append(f"outside the tree: {error!r} {traceback.format_exc()[-800:]}")


def _request(spec: ModelSpec, params: Mapping[str, Any]) -> Request:
    """Return a request with what the model needs: words, and an image where it only changes images."""
    needed = spec.references is not None and spec.references.min_count > 0
    words = "" if spec.prompt == "none" else PROMPT
    return catalog.make_request(spec, prompt=words, params=params, references=(IMAGE,) if needed else ())


async def _drive(provider: Provider, http: Http, case: Case) -> None:
    wire = case.wire_type
    spec = provider.model(wire.model)
    assert spec is not None
    request = _request(spec, wire.params)
    unit = replace(provider.plan(request, spec, 5 if spec.seed != "none" else None)[0], key="unit-1")
    found: Any = None
    stream = provider.stream(unit, http)
    if stream is None:
        found = await provider.submit(unit, http)
    else:
        async with aclosing(stream):
            async for found in stream:
                assert not isinstance(found, Partial) or 0 <= (found.progress or 0) <= 1
    for _ in range(MOST_POLLS):
        if not isinstance(found, Pending):
            break
        assert found.progress is None or 0 <= found.progress <= 1
        ticket = admit_ticket(found.ticket, http)
        case.look(json.dumps(ticket), "a ticket")
        with suppress(*ASK_AGAIN):
            found = await provider.poll(ticket, http)
    if not isinstance(found, Done):
        case.seen["no end"] += 1
        return
    done = admit(found, http)
    assert done.images
    case.look(f"{done.usage!r} {done.request_id} {done.served_by} {done.cost}", "an answer")
    json.dumps([dict(done.usage), done.cost], allow_nan=False)
    for image in done.images:
        case.seen[type(image).__name__.lower()] += 1
        if isinstance(image, Missing):
            case.look(repr(image.error), "an error")
            continue
        case.look(json.dumps(dict(image.applied), allow_nan=False), "a value")
        if isinstance(image, Remote):
            await http.download(image.url)


async def _beside(provider: Provider, http: Http, case: Case) -> None:
    """Ask for what an engine asks for beside a call: its progress, its end, and words."""
    spec = provider.model(case.wire_type.model)
    assert spec is not None
    (unit, *_) = provider.plan(_request(spec, {}), spec, None)
    await provider.watch(unit, http)
    await provider.stop(unit, http)
    if provider.text_model():
        case.look(http.hide(await provider.write("m", "Name it.", PROMPT, http)), "words")


def _generate(studio: Any, case: Case, random: Random) -> None:
    wire = case.wire_type
    model, n = wire.model, 1
    if wire.native_model and random.random() < 0.3:
        model, n = wire.native_model, 2
    name = f"{case.provider.spec.name}:{model}"
    spec = core_of(studio).registry.find(name)[1]
    needed = {"references": [png()]} if spec.references and spec.references.min_count else {}
    prompt = "" if spec.prompt == "none" else PROMPT
    batch = studio.generate(prompt, model=name, n=n, deadline=DEADLINE, **{**needed, **wire.params})
    try:
        batch.result(PATIENCE)
        case.seen["success"] += 1
    except ImgplayError as error:
        case.seen[error.info.code] += 1
        case.look(f"{error} {error!r} {error.info!r}", "an error")
        if isinstance(error, InternalError) or "imgplay-widget failed" in str(error):
            case.faults.append(f"{error!r}")
    except Exception as error:
        case.faults.append(f"outside the tree: {error!r} {traceback.format_exc()[-800:]}")
    for one in batch:
        case.look(repr(one.recipe) + repr(one.error), "a recipe")
        json.dumps(one.recipe, allow_nan=False)


def _ask_for_models(studio: Any, case: Case) -> None:
    core = core_of(studio)
    try:
        core.call(core.offers.refresh, case.provider.spec.name)
        case.seen["models"] += 1
    except ImgplayError as error:
        case.seen[f"models: {error.info.code}"] += 1
        case.look(f"{error!r}", "an error")
        if "is not understood (" in error.message:
            case.faults.append(f"{error!r}")
    with suppress(InvalidRequest):
        check = core.call(core.offers.check, case.provider.spec.name)
        case.look(repr(check), "a check")
        if "is not understood (" in check.message:
            case.faults.append(f"{check!r}")
    for model in studio.models(case.provider.spec.name):
        case.look(repr(model), "a model")
    # Each mutation stands alone.
    core.call(core.offers.forget, case.provider.spec.name)


def _look_at_rows(studio: Any, case: Case) -> None:
    for row in studio.history():
        case.look(json.dumps(row, default=str), "a row")


def main() -> None:
    """Run all cases, print a line for each, and fail where anything was found."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--case", default="")
    parser.add_argument("--number", type=int)
    given = parser.parse_args()
    numbers = range(given.mutations) if given.number is None else range(given.number, given.number + 1)
    faults: list[str] = []
    for name, wire_type in cases().items():
        if given.case in name:
            case = run(wire_type, numbers, given.seed)
            faults += case.faults
            ends = ", ".join(f"{end} {count}" for end, count in case.seen.most_common())
            sys.stdout.write(f"{name}: {len(numbers)} mutations, {len(case.faults)} faults; {ends}\n")
            sys.stdout.flush()
    for fault in faults[:50]:
        sys.stdout.write(f"{fault}\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()

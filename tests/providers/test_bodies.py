"""How bodies are read: packed ones in bounded steps, errors by their beginning, JSON of any encoding."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from imgplay_widget import errors
from imgplay_widget._text import MAX_DEPTH, clean_json
from imgplay_widget.providers._shared.packing import STEP, Unpacker, packing_of
from imgplay_widget.providers._shared.wire import EventParser, json_of, parsed, unwrapped
from imgplay_widget.providers.http import Reply
from imgplay_widget.providers.openai import OpenAI
from imgplay_widget.testing import png
from imgplay_widget.testing.server import Answer
from tests.providers.conftest import Caller, unit_of
from tests.servers.openai_server import OpenAIServer, item

BODY = json.dumps({"created": 1, "data": [item(png())]}).encode()


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "its old name": ("X-GZip", gzip.compress),
    "two members": ("gzip", lambda data: gzip.compress(data[:50]) + gzip.compress(data[50:])),
    "zeros at the end": ("gzip", lambda data: gzip.compress(data) + b"\0" * 40),
    "deflate": ("deflate", zlib.compress),
    "deflate without its head": ("deflate", raw_deflate),
    "a proxy unpacked it": ("gzip", bytes),
    "identity": ("identity", bytes),
    "nothing": ("", bytes),
}


def packed(name: str, data: bytes, status: int = 200, kind: str = "application/json") -> Answer:
    header, pack = PACKED[name]
    return Answer(status, {"Content-Type": kind, "Content-Encoding": header}, pack(data))


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_body_is_read(name: str) -> None:
    with OpenAIServer([packed(name, BODY)]) as server:
        done = Caller(OpenAI(server.base_url, name="local")).submit(unit_of(model="x"))
    assert done.images[0].data == png()
    assert server.requests[0].headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_image_is_downloaded(name: str) -> None:
    with OpenAIServer(files={"/a.png": packed(name, png(), kind="image/png")}) as server:
        caller = Caller(OpenAI(server.base_url))
        assert caller.run(lambda http: http.download(f"{server.origin}/a.png")).data == png()


@pytest.mark.parametrize("name", PACKED)
def test_the_words_of_a_packed_error_are_read(name: str) -> None:
    refusal = json.dumps({"error": {"message": "no such size"}}).encode()
    with (
        OpenAIServer([packed(name, refusal, 400)]) as server,
        pytest.raises(errors.BadRequest, match="no such"),
    ):
        Caller(OpenAI(server.base_url, name="local")).submit(unit_of(model="x"))


@pytest.mark.parametrize("name", PACKED)
def test_packed_events_are_read(official: Callable[..., Caller], name: str) -> None:
    event = {"type": "image_generation.completed", **item(png())}
    answer = packed(name, b"data: " + json.dumps(event).encode() + b"\n\n", kind="text/event-stream")
    with OpenAIServer([answer]) as server:
        assert official(server.base_url).stream(unit_of())[1].images[0].data == png()


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("br", BODY),
        ("zstd", BODY),
        ("gzip, gzip", gzip.compress(gzip.compress(BODY))),
        ("gzip", gzip.compress(BODY)[:-9]),
        ("gzip", gzip.compress(BODY)[:20] + b"junk" * 20),
        ("deflate", b"\xff\xfe\xfd" * 20),
    ],
    ids=["brotli", "zstd", "two layers", "cut", "damaged", "no deflate"],
)
def test_what_cannot_be_unpacked_is_a_bad_response(header: str, body: bytes) -> None:
    answer = Answer(200, {"Content-Type": "application/json", "Content-Encoding": header}, body)
    with OpenAIServer([answer]) as server, pytest.raises(errors.BadResponse, match="unpacked") as caught:
        Caller(OpenAI(server.base_url, name="local")).submit(unit_of(model="x"))
    assert caught.value.maybe_billed
    refused = Answer(401, {"Content-Encoding": header}, body)
    with OpenAIServer([refused]) as server, pytest.raises(errors.BadKey):
        Caller(OpenAI(server.base_url, name="local")).submit(unit_of(model="x"))


BOMB = gzip.compress(b"\0" * 2**28, 1)
"""A quarter of a gigabyte."""


@pytest.mark.parametrize("status", [200, 500])
def test_a_bomb_is_stopped_while_other_tasks_go_on(status: int) -> None:
    answer = Answer(status, {"Content-Encoding": "gzip"}, BOMB)

    async def work(http: Any) -> float:
        longest, last, ended = 0.0, time.thread_time(), False

        async def beat() -> None:
            nonlocal longest, last
            while not ended:
                # The time of this thread, which a busy machine does not make longer.
                now = time.thread_time()
                longest, last = max(longest, now - last), now
                await asyncio.sleep(0)

        beats = asyncio.create_task(beat())
        try:
            await http.request("GET", f"{server.origin}/x", max_bytes=2**25)
        except errors.BadResponse as error:
            assert (status, error.message) == (200, "The answer is larger than 32 MB.")  # noqa: PT017 - or none
        ended = True
        await beats
        return longest

    with OpenAIServer([answer]) as server:
        # A step takes milliseconds. The whole bomb would take a second of one core, and no other task a turn.
        assert Caller(OpenAI(server.base_url)).run(work) < 0.2


def test_a_bomb_within_a_bomb_is_unpacked_once() -> None:
    inner = gzip.compress(BOMB)
    with OpenAIServer(files={"/a.png": Answer(200, {"Content-Encoding": "gzip"}, inner)}) as server:
        caller = Caller(OpenAI(server.base_url))
        assert caller.run(lambda http: http.download(f"{server.origin}/a.png")).data == BOMB


def test_a_step_is_small_however_much_a_chunk_holds() -> None:
    steps = [len(step) for step in Unpacker("gzip").feed(gzip.compress(b"\0" * 2**24))]
    assert sum(steps) == 2**24
    assert max(steps) <= STEP


def test_a_packing_that_nobody_asked_for_is_named() -> None:
    assert packing_of("") == packing_of(" identity ,") == ""
    with pytest.raises(ValueError, match="br"):
        packing_of("br")


def test_a_long_error_is_read_by_its_beginning() -> None:
    body = b'{"error": {"message": "it broke"}}' + b" " * 2**22
    broken = Answer(500, {"Content-Type": "application/json"}, body)
    with OpenAIServer([broken]) as server, pytest.raises(errors.ServerError):
        Caller(OpenAI(server.base_url, name="local")).submit(unit_of(model="x"))


# ------------------------------------------------------------------ JSON


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_an_answer_in_another_encoding_is_read(encoding: str) -> None:
    answer = Answer(200, {"Content-Type": "application/json"}, BODY.decode().encode(encoding))
    with OpenAIServer([answer]) as server:
        done = Caller(OpenAI(server.base_url, name="local")).submit(unit_of(model="x"))
    assert done.images[0].data == png()


def test_a_word_in_another_encoding_does_not_cost_the_image() -> None:
    body = BODY[:-1] + b', "note": "' + "狐狸".encode("gbk") + b'\nin two lines"}'
    with OpenAIServer([Answer(200, {"Content-Type": "application/json"}, body)]) as server:
        done = Caller(OpenAI(server.base_url, name="local")).submit(unit_of(model="x"))
    assert done.images[0].data == png()


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 900, 100_000])
def test_json_that_is_nested_too_deeply_is_a_bad_response(levels: int) -> None:
    body = BODY[:-1] + b', "x": ' + b"[" * levels + b"]" * levels + b"}"
    deep = Answer(200, {"Content-Type": "application/json"}, body)
    with OpenAIServer([deep]) as server, pytest.raises(errors.BadResponse):
        Caller(OpenAI(server.base_url, name="local")).submit(unit_of(model="x"))
    with pytest.raises(ValueError, match="nested"):
        parsed(body)
    with pytest.raises(ValueError, match="nested"):
        Reply(200, {}, body).json()
    assert json_of(body) is None


def test_numbers_that_nothing_can_hold_are_none() -> None:
    body = (
        b'{"a": NaN, "b": Infinity, "c": 1e999, "d": 1'
        + b"0" * 40
        + b', "e": 18446744073709551615, "f": true}'
    )
    assert parsed(body) == {"a": None, "b": None, "c": None, "d": None, "e": 2**64 - 1, "f": True}
    assert clean_json([-(2**63), -(2**63) - 1, 0.5]) == [-(2**63), None, 0.5]


# ------------------------------------------------------------------ events


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'data: {"a": 1}\n\n', b'{"a": 1}'),
        (b'\n: hello\n\nevent: x\ndata: {"a": 1}\n\ndata: [DONE]\n\n', b'{"a": 1}'),
        (b'data: {"long": "an image"}\n\ndata: {"u": 1}\n\n', b'{"long": "an image"}'),
        (
            b'event: x.partial_image\ndata: {"b64_json": "a long one"}\n\ndata: {"a": 1}\n\n',
            b'{"a": 1}',
        ),
        (
            b'data: {"b64_json": "a long one", "type": "x.partial_image"}\n\ndata: {"a": 1}\n\n',
            b'{"a": 1}',
        ),
        (b'data: {"a": "b"}\n\ndata: {"error": 1}\n\n', b'{"error": 1}'),
        (b'{"data": 1}', b'{"data": 1}'),
        (b"data: ", b"data: "),
        (b"", b""),
    ],
)
def test_an_answer_that_is_wrapped_into_events_is_unwrapped(body: bytes, found: bytes) -> None:
    assert unwrapped(body) == found


def test_many_short_lines_take_no_longer_than_long_ones() -> None:
    parser, line = EventParser(), b"data\r"
    before = time.process_time()
    for _ in range(40):
        assert list(parser.feed(line * 10_000)) == []
    assert time.process_time() - before < 5
    # The bookkeeping of each line counts, so that lines without text end at the limit too.
    assert parser.held >= 40 * 10_000 * 10

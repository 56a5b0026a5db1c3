"""The requests and answers that the providers' client allows, and the secrets that it never shows."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgplay_widget import errors
from imgplay_widget.providers import ServerEvent, redact, retry_after, slice_images
from imgplay_widget.providers._shared.addresses import is_private
from imgplay_widget.providers._shared.wire import EventParser
from imgplay_widget.providers.openai import OpenAI
from tests.providers.conftest import KEY, Caller
from tests.servers import openai_server as script
from tests.servers.openai_server import OpenAIServer

REMOTE = "https://api.example.org/v1"


async def _loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def download(caller: Caller, url: str, **options: Any) -> bytes:
    return caller.run(lambda http: http.download(url, **options)).data


# ------------------------------------------------------------------ downloads


def test_the_key_stays_at_its_own_origin() -> None:
    with OpenAIServer() as home, OpenAIServer(files={"/a.png": script.png()}) as elsewhere:
        caller = Caller(OpenAI(home.base_url))
        home.files["/own.png"] = script.png()
        assert download(caller, f"{elsewhere.origin}/a.png") == script.png()
        assert download(caller, f"{home.origin}/own.png") == script.png()
    assert "authorization" not in elsewhere.requests[0].headers
    assert home.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_redirect_to_another_origin_loses_the_key() -> None:
    with OpenAIServer() as home, OpenAIServer(files={"/a.png": script.png()}) as elsewhere:
        home.files["/go"] = script.Answer(302, {"Location": f"{elsewhere.origin}/a.png"})
        assert download(Caller(OpenAI(home.base_url)), f"{home.origin}/go") == script.png()
    assert "authorization" in home.requests[0].headers
    assert "authorization" not in elsewhere.requests[0].headers


def test_endless_redirects_end() -> None:
    with OpenAIServer(files={"/go": script.Answer(302, {"Location": "/go"})}) as server:
        caller = Caller(OpenAI(server.base_url))
        with pytest.raises(errors.BadResponse, match="redirected"):
            download(caller, f"{server.origin}/go")
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "url",
    [
        "http://pictures.example.org/a.png",
        "https://user:secret@pictures.example.org/a.png",
        "https://127.0.0.1/a.png",
        "https://[::1]/a.png",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.5/a.png",
        "https://[::ffff:192.168.0.1]/a.png",
    ],
)
def test_a_remote_providers_link_must_be_public_https(url: str) -> None:
    with pytest.raises(errors.BadResponse) as caught:
        download(Caller(OpenAI(REMOTE)), url)
    assert not caught.value.retryable


def test_a_name_that_leads_into_the_own_network_is_refused() -> None:
    with pytest.raises(errors.BadResponse, match="private network"):
        download(Caller(OpenAI(REMOTE), resolve=_loopback), "https://pictures.example.org/a.png")


def test_a_redirect_into_the_own_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAIServer(files={"/secret": b"secret"}) as inner, OpenAIServer() as home:
        home.files["/go"] = script.Answer(302, {"Location": f"{inner.origin}/secret"})
        provider = OpenAI(home.base_url)
        # Its data say that the provider is on the internet.
        provider.spec = script.replace(provider.spec, local=False)
        with pytest.raises(errors.BadResponse, match="not plain https"):
            download(Caller(provider), f"{home.origin}/go")
    assert inner.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a",
        "not an address",
        "https://",
        "",
        "https://a..b/i.png",
        "https://.example.org/",
        "https://xn--a/i.png",
        "https://[::1",
        "https://example.org:99999/",
        "https://example.org:-1/",
        f"https://{'a' * 64}.example.org/",
        "https://\ud800.example.org/",
    ],
)
def test_only_http_addresses_are_fetched(url: str) -> None:
    with pytest.raises(errors.BadResponse, match="not an http address"):
        download(Caller(OpenAI(REMOTE)), url)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_expired_link_is_lost(status: int) -> None:
    with OpenAIServer(files={"/a.png": script.Answer(status)}) as server, pytest.raises(errors.Lost):
        download(Caller(OpenAI(server.base_url)), f"{server.origin}/a.png")


def test_a_failing_server_may_be_asked_again() -> None:
    busy = script.Answer(503, {"Retry-After": "3"})
    with OpenAIServer(files={"/a.png": busy}) as server, pytest.raises(errors.ServerError) as caught:
        download(Caller(OpenAI(server.base_url)), f"{server.origin}/a.png")
    assert (caught.value.retryable, caught.value.retry_after) == (True, 3.0)


@pytest.mark.parametrize(
    "answer",
    [script.Answer(body=b"x" * 2000), script.Answer(chunks=(b"x" * 900, b"x" * 900))],
    ids=["length", "chunks"],
)
def test_a_download_is_capped(answer: Any) -> None:
    with OpenAIServer(files={"/a.png": answer}) as server, pytest.raises(errors.BadResponse, match="larger"):
        download(Caller(OpenAI(server.base_url)), f"{server.origin}/a.png", max_bytes=1000)


def test_a_name_that_nobody_knows_is_a_failed_connection() -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(errors.ConnectFailed, match=r"pictures\.example\.org"):
        download(Caller(OpenAI(REMOTE), resolve=unknown), "https://pictures.example.org/a.png")


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("127.0.0.1", True),
        ("0.0.0.0", True),
        ("100.64.0.1", True),
        ("192.168.1.1", True),
        ("224.0.0.1", True),
        ("fe80::1", True),
        ("fd00::1", True),
        ("::ffff:10.0.0.1", True),
        ("2002:7f00:1::", True),
        ("64:ff9b::7f00:1", True),
        ("64:ff9b::808:808", False),
    ],
)
def test_private_addresses_are_known_in_every_spelling(address: str, private: bool) -> None:
    assert is_private(address) is private


# ------------------------------------------------------------------ what is shown


@pytest.mark.parametrize(
    "text",
    [
        f"refused {KEY}",
        f"https://x.example/v1?key={KEY}&n=1",
        f"{{'Authorization': 'Bearer {KEY}'}}",
        f"bad key {KEY[:9]}****",
        "Authorization: Key abcdefgh:ijklmnop",
        "x-goog-api-key: abcdefghijkl",
        "https://x.example/a?api_key=abcdefghijkl&n=1",
        "https://user:abcdefghijkl@x.example/",
        "hf_abcdefghijkl",
    ],
)
def test_redacted_text_holds_no_key(text: str) -> None:
    shown = redact(text, KEY)
    assert KEY[3:9] not in shown
    assert "abcdefgh" not in shown
    assert "ijkl" not in shown


def test_plain_words_stay() -> None:
    text = "The key of this picture is a basic idea: a bearer of news at https://example.org/a?n=1."
    assert redact(text, KEY) == text


# ------------------------------------------------------------------ images in JSON


def _encoded(*images: bytes, **options: Any) -> bytes:
    items = [{"b64_json": base64.b64encode(image).decode()} for image in images]
    return json.dumps({"created": 1, "data": items}, **options).encode()


@given(st.lists(st.binary(max_size=200), max_size=4), st.sampled_from([None, 0, 2]), st.booleans())
def test_images_come_out_however_the_json_is_laid_out(
    images: list[bytes], indent: int | None, compact: bool
) -> None:
    body = _encoded(*images, indent=indent, separators=(",", ":") if compact else None)
    found, rest = slice_images(body)
    assert found == images
    assert rest == {"created": 1, "data": [{"b64_json": i} for i in range(len(images))]}
    assert slice_images(bytearray(body)) == (found, rest)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("/", "\\/"),
        lambda text: "data:image/png;base64," + text,
        lambda text: text[:8] + "\\n" + text[8:],
        lambda text: text.rstrip("="),
    ],
    ids=["escaped", "data link", "line ends", "no padding"],
)
def test_unusual_base64_is_understood(change: Any) -> None:
    image = bytes(range(256)) + b"\xff\xfe\xff\xef"
    body = b'{"data":[{"b64_json":"' + change(base64.b64encode(image).decode()).encode() + b'"}]}'
    assert slice_images(body) == ([image], {"data": [{"b64_json": 0}]})


def test_the_name_as_a_value_or_within_text_is_no_image() -> None:
    body = {
        "format": "b64_json",
        "prompt": 'say "b64_json": "x"',
        "data": [{"b64_json": None}, {"b64_json": "aGk="}],
    }
    found, rest = slice_images(json.dumps(body).encode())
    assert found == [b"hi"]
    assert rest == {**body, "data": [{"b64_json": None}, {"b64_json": 0}]}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"b64_json"', b'{"b64_json":"aGk=', b"\xff\xfe", b"[" * 900 + b"]" * 900, b"[" * 10**6],
)
def test_what_is_no_json_of_a_sensible_depth_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which one is not promised
        slice_images(body)


# ------------------------------------------------------------------ events and waiting times


@given(st.data())
def test_events_do_not_depend_on_how_the_bytes_are_cut(data: st.DataObject) -> None:
    end = data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    lines = [
        b"\xef\xbb\xbf: hello",
        b"event: a",
        b"data: 1",
        b"data: 2",
        b"",
        b"id: 4",
        b"data:x",
        b"",
        b"data: last",
    ]
    stream = end.join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    parser = EventParser()
    found: list[ServerEvent] = []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += parser.feed(stream[start:stop])
    found += parser.end()
    assert found == [ServerEvent("a", b"1\n2"), ServerEvent("message", b"x"), ServerEvent("message", b"last")]


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"details": [{"@type": "RetryInfo", "retryDelay": "17.5s"}]}}, 17.5),
        ({"retry_after": 4}, 4.0),
        ({"detail": "Request was throttled. Your rate limit resets in ~30s."}, 30.0),
        ({"detail": "a painting of 30 soldiers in 1812"}, None),
        ({"error": "text"}, None),
        ([], None),
        (None, None),
    ],
)
def test_a_waiting_time_may_stand_in_the_body(body: object, seconds: float | None) -> None:
    assert retry_after({}, body) == seconds


def test_a_waiting_time_may_be_a_date() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert retry_after({"retry-after": "Thu, 01 Jan 2026 00:02:00 GMT"}, now=now) == 120.0

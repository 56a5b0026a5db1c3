"""The recorder shows what is sent, and nothing that is secret or differs between two runs."""

from __future__ import annotations

import base64
import json

import pytest

from imgplay_widget.errors import NetworkError
from imgplay_widget.providers import ModelSpec, ProviderSpec, ReferenceRule
from imgplay_widget.providers.cloud import CloudProvider, data_uri, image_of
from imgplay_widget.providers.comfyui import ComfyUI
from imgplay_widget.testing import open_studio, png
from imgplay_widget.testing.contract import WAIT
from imgplay_widget.testing.recording import VARIABLE, compare, record
from imgplay_widget.testing.server import Answer, ProviderServer, answer
from tests.providers.conftest import Caller
from tests.providers.fuzz import FORMS, KEY


class Acme(CloudProvider):
    spec = ProviderSpec(name="acme", title="Acme", key_variables=("ACME_API_KEY",))
    address = "https://api.acme.example/v1"

    def models(self):
        takes = ReferenceRule(max_count=2, max_bytes=10_000_000)
        return [ModelSpec(provider="acme", id="paint", title="Paint", references=takes)]

    def headers(self, key):
        return {"Acme-Secret": key, "Authorization": f"Basic {base64.b64encode(key.encode()).decode()}"}

    def path(self, unit):
        return "/images"

    def fields(self, unit, http):
        return {
            "prompt": unit.prompt,
            "sizes": [1, 2],
            "images": [data_uri(http, one) for one in unit.references],
        }

    def images(self, found):
        return [image_of(item) for item in found["data"]]


def painted(received):
    return answer({"data": [{"b64_json": base64.b64encode(png()).decode()}]})


def sent(**content):
    """Return the recording of one request that is sent with the key."""
    with record(answer=lambda received: Answer()) as recording:
        Caller(Acme(), key=KEY).run(lambda http: http.request("POST", f"{Acme.address}/x?page=2", **content))
    return recording.requests[0]


def test_a_studio_is_recorded_and_nothing_leaves():
    picture = png(48, 32)
    with open_studio(Acme(), keys={"acme": KEY}) as studio:
        with record(answer=painted) as recording:
            batch = studio.generate("a fox", model="acme:paint", references=[picture]).result(WAIT)
        assert batch[0].bytes == png()
    encoded = [line for line in recording.text.splitlines() if "data:" in line]
    assert encoded[0].strip().startswith('"images": ["data:image/png;base64,<png 48×32, ')
    assert recording.text.splitlines()[:12] == [
        "POST https://api.acme.example/v1/images",
        "accept: */*",
        "acme-secret: <key>",
        "authorization: Basic <key>",
        "content-type: application/json",
        "user-agent: python-httpx",
        "",
        "{",
        '  "prompt": "a fox",',
        '  "sizes": [1, 2],',
        encoded[0],
        "}",
    ]


def test_without_an_answer_the_server_answers():
    with ProviderServer([answer({"data": []})]) as server, record() as recording:
        reply = Caller(Acme(server.origin), key=KEY).run(
            lambda http: http.request("GET", f"{server.origin}/models")
        )
    assert reply.json() == {"data": []}
    assert [request.path for request in server.requests] == ["/models"]
    assert recording.requests[0].url == f"{server.origin}/models"


def test_nothing_is_recorded_afterwards():
    with record(answer=painted) as recording:
        pass
    with ProviderServer([answer({})]) as server:
        Caller(Acme(server.origin), key=KEY).run(lambda http: http.request("GET", f"{server.origin}/models"))
    assert recording.requests == []
    assert recording.text == ""


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_the_key_is_recorded(form):
    recorded = sent(json={"prompt": form, form: [form, {"a": form}]}, headers={"X-Note": form})
    text = str(recorded) + str(sent(data={"a": form})) + str(sent(data={"a": form}, files={"f": ("x", b"1")}))
    for hidden in FORMS:
        assert hidden.lower() not in text.lower()


def test_the_key_in_an_address_is_not_recorded():
    with record(answer=painted) as recording:
        Caller(Acme(), key=KEY).run(lambda http: http.request("GET", f"{Acme.address}/x?key={KEY}&page=2"))
    assert recording.requests[0].url == "https://api.acme.example/v1/x?key=…&page=2"


def test_the_parts_of_a_form_stand_in_their_order():
    odd = bytes(range(256)) * 3 + b"\r\n\r\n--x\r\n"
    files = [("image[]", ("a.png", png(9, 7), "image/png")), ("note", ("n.bin", odd, "application/x-note"))]
    lines = sent(data={"prompt": "a fox", "n": "2"}, files=files).body.splitlines()
    assert lines[:2] == ["prompt = a fox", "n = 2"]
    assert lines[2].startswith("image[] = <png 9×7, ")
    assert lines[2].endswith(" as a.png, image/png")
    assert lines[3].startswith(f"note = <data, {len(odd)} bytes, sha256 ")


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ({"data": {"b": "2", "a": "1"}}, "b = 2\na = 1"),
        ({"json": {"b": None, "a": [], "c": {}, "d": [[1, 2], {"e": True}]}}, None),
        ({"json": "x"}, '"x"'),
        ({}, ""),
    ],
)
def test_a_body_is_shown_as_what_it_is(content, body):
    shown = sent(**content).body
    if body is None:
        assert json.loads(shown) == content["json"]
        assert list(json.loads(shown)) == list(content["json"])
    else:
        assert shown == body


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_a_picture_in_json_is_named_and_not_shown(prefix):
    data = base64.b64encode(png(512, 256)).decode()
    shown = json.loads(sent(json={"image": prefix + data}).body)["image"]
    assert shown.startswith(f"{prefix or 'base64 of '}<png 512×256, {len(png(512, 256))} bytes, sha256 ")


def test_words_that_look_like_base64_stay():
    words = "a" * 64
    assert json.loads(sent(json={"prompt": words}).body)["prompt"] == words


def test_two_recordings_see_the_same_and_the_inner_one_answers():
    with record(answer=lambda _: Answer(201)) as outer, record(answer=lambda _: Answer(202)) as inner:
        reply = Caller(Acme(), key=KEY).run(lambda http: http.request("GET", Acme.address))
    assert reply.status == 202
    assert outer.requests == inner.requests != []


def test_the_address_of_a_socket_is_recorded():
    async def look(http):
        return [partial async for partial in ComfyUI().listen({"prompt_id": "job-1"}, http)]

    with record(answer=lambda _: Answer()) as recording, pytest.raises(NetworkError):
        Caller(ComfyUI(), key=None).run(look)
    assert recording.text == "GET ws://127.0.0.1:8188/ws?clientId=job-1"


def test_a_change_is_a_difference_of_lines(tmp_path, monkeypatch):
    path = tmp_path / "wire" / "acme.txt"
    monkeypatch.setenv(VARIABLE, "1")
    compare("one\ntwo", path)
    monkeypatch.delenv(VARIABLE)
    compare("one\ntwo", path)
    with pytest.raises(AssertionError) as caught:
        compare("one\nthree", path)
    said = str(caught.value).splitlines()
    assert "-two" in said
    assert "+three" in said
    assert VARIABLE in said[-1]


def test_a_file_that_is_absent_is_a_difference(tmp_path):
    with pytest.raises(AssertionError, match=r"\+one"):
        compare("one", tmp_path / "none.txt")

"""Odd answers of real relays and gateways, in which the image is there all the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from imgplay_widget import errors
from imgplay_widget._types import Done, Inline, Missing, Remote, Unit
from imgplay_widget.providers import image_of, link, slice_images
from imgplay_widget.providers.a1111 import A1111
from imgplay_widget.providers.base import Provider
from imgplay_widget.providers.bfl import BlackForestLabs
from imgplay_widget.providers.fal import Fal
from imgplay_widget.providers.gemini import Gemini
from imgplay_widget.providers.huggingface.partners import PARTNERS
from imgplay_widget.providers.hunyuan import Hunyuan
from imgplay_widget.providers.minimax import MiniMax
from imgplay_widget.providers.openai import OpenAI
from imgplay_widget.providers.openrouter import OpenRouter
from imgplay_widget.providers.qwen import Qwen
from imgplay_widget.providers.replicate import Replicate
from imgplay_widget.providers.sdcpp import SdCpp
from imgplay_widget.providers.siliconflow import SiliconFlow
from imgplay_widget.providers.stability import Stability
from imgplay_widget.providers.together import Together
from imgplay_widget.providers.volcengine import Volcengine
from imgplay_widget.providers.xai import XAI
from imgplay_widget.providers.zhipu import Zhipu
from imgplay_widget.testing.server import HANG, RESET_AFTER, Answer, answer
from tests.providers.conftest import Caller, unit_of
from tests.servers import openai_server as images_api
from tests.servers.openai_server import OpenAIServer

IMAGE = images_api.png()
"""An image of noise, whose base64 has every letter."""
PLAIN = base64.b64encode(IMAGE).decode()
LINK = "https://pictures.example.org/a.png"
FORMS: dict[str, str] = {
    "plain": PLAIN,
    "line breaks": "\r\n".join(PLAIN[i : i + 76] for i in range(0, len(PLAIN), 76)),
    "the alphabet of addresses": base64.urlsafe_b64encode(IMAGE).decode(),
    "without padding": PLAIN.rstrip("="),
    "both": base64.urlsafe_b64encode(IMAGE).decode().rstrip("="),
    "encoded twice": base64.b64encode(PLAIN.encode()).decode(),
    "a data address": f"data:image/png;base64,{PLAIN}",
    "a data address in capitals": f"DATA:image/png;BASE64,{PLAIN}",
    "a data address, encoded": base64.b64encode(f"data:image/png;base64,{PLAIN}".encode()).decode(),
}


def only(done: Done) -> Any:
    (image,) = done.images
    return image


# ------------------------------------------------------------------ every provider

Entry = Callable[[str], Any]
READERS: dict[str, tuple[Provider, str, Entry]] = {
    "openai": (OpenAI("https://x.example/v1", name="x"), "x", lambda v: {"data": [{"b64_json": v}]}),
    "openai, as url": (OpenAI("https://x.example/v1", name="x"), "x", lambda v: {"data": [{"url": v}]}),
    "openai, no list": (OpenAI("https://x.example/v1", name="x"), "x", lambda v: {"data": {"b64_json": v}}),
    "openai, the entry": (OpenAI("https://x.example/v1", name="x"), "x", lambda v: {"b64_json": v}),
    "openrouter": (OpenRouter(), "a/b", lambda v: {"data": [{"b64_json": v}]}),
    "together": (Together(), "a/b", lambda v: {"data": [{"b64_json": v}]}),
    "xai": (XAI(), "grok-imagine-image-2.0", lambda v: {"data": [{"b64_json": v}]}),
    "zhipu": (Zhipu(), "glm-image", lambda v: {"data": [{"url": v}]}),
    "zhipu, as base64": (Zhipu(), "glm-image", lambda v: {"data": [{"b64_json": v}]}),
    "hunyuan": (Hunyuan(), "hy-image-v3.0", lambda v: {"data": [{"url": v}]}),
    "siliconflow": (SiliconFlow(), "a/b", lambda v: {"images": [{"url": v}]}),
    "siliconflow, data": (SiliconFlow(), "a/b", lambda v: {"data": [{"b64_json": v}]}),
    "volcengine": (Volcengine(), "ep-1", lambda v: {"data": [{"b64_json": v}]}),
    "minimax": (MiniMax(), "image-01", lambda v: {"data": {"image_base64": [v]}}),
    "minimax, as link": (MiniMax(), "image-01", lambda v: {"data": {"image_urls": [v]}}),
    "qwen": (
        Qwen(),
        "qwen-image",
        lambda v: {"output": {"choices": [{"message": {"content": [{"image": v}]}}]}},
    ),
    "gemini": (
        Gemini(),
        "gemini-3-pro-image",
        lambda v: {"candidates": [{"content": {"parts": [{"inlineData": {"data": v}}]}}]},
    ),
    "stability": (Stability(), "core", lambda v: {"image": v, "finish_reason": "SUCCESS"}),
    "a1111": (A1111(), "loaded", lambda v: {"images": [v], "info": "{}"}),
}


def submitted(provider: Provider, model: str, body: Any) -> Done:
    found = Answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())
    with OpenAIServer([found]) as server:
        moved = type(provider)(server.origin)
        unit = unit_of(model=model)
        if isinstance(provider, Stability):
            unit = Unit(**{**_fields(unit), "params": {"input": {}, "references": "", "seed": "seed"}})
        return Caller(moved).submit(unit)


def _fields(unit: Unit) -> dict[str, Any]:
    return {name: getattr(unit, name) for name in unit.__dataclass_fields__}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", READERS)
def test_base64_is_read_in_all_its_forms(name: str, form: str) -> None:
    provider, model, entry = READERS[name]
    assert only(submitted(provider, model, entry(FORMS[form]))).data == IMAGE


@pytest.mark.parametrize("name", READERS)
def test_a_link_is_read_where_base64_belongs(name: str) -> None:
    provider, model, entry = READERS[name]
    assert only(submitted(provider, model, entry(LINK))).url == LINK


@pytest.mark.parametrize("value", [5, True, 1.5, ["x"], {"a": 1}])
@pytest.mark.parametrize("name", READERS)
def test_a_value_that_is_no_text_is_no_image(name: str, value: Any) -> None:
    provider, model, entry = READERS[name]
    with pytest.raises(errors.NoImage):
        submitted(provider, model, entry(value))


POLLS: dict[str, tuple[Provider, dict[str, Any], Entry]] = {
    "bfl": (
        BlackForestLabs(),
        {"job": "j", "address": "/get_result?id=j", "cost": None, "unseen": 0},
        lambda v: {"status": "Ready", "result": {"sample": v}},
    ),
    "replicate": (Replicate(), {"job": "j", "n": 1}, lambda v: {"status": "succeeded", "output": v}),
    "replicate, list": (Replicate(), {"job": "j", "n": 1}, lambda v: {"status": "succeeded", "output": [v]}),
    "sdcpp": (
        SdCpp(),
        {"id": "j", "n": 1},
        lambda v: {"status": "completed", "result": {"images": [{"b64_json": v}]}},
    ),
    "fal": (
        Fal(),
        {"job": "j", "n": 1, "status": "/status", "result": "/result", "cancel": "/cancel"},
        lambda v: {"status": "COMPLETED", "images": [{"url": v}]},
    ),
}


@pytest.mark.parametrize("form", [*FORMS, "link"])
@pytest.mark.parametrize("name", POLLS)
def test_the_image_of_a_job_is_read_in_all_its_forms(name: str, form: str) -> None:
    provider, ticket, entry = POLLS[name]
    with OpenAIServer([answer(entry(FORMS.get(form, LINK)))] * 2) as server:
        ticket = {k: server.origin + v if str(v).startswith("/") else v for k, v in ticket.items()}
        moved = type(provider)(server.origin)
        image = only(Caller(moved).run(lambda http: moved.poll(ticket, http)))
    assert image.url == LINK if form == "link" else image.data == IMAGE


@pytest.mark.parametrize("name", ["fal-ai", "together", "nscale", "replicate"])
def test_partners_of_the_router_may_send_data_addresses(name: str) -> None:
    url = FORMS["a data address"]
    body = {
        "fal-ai": {"images": [{"url": url}]},
        "replicate": {"status": "succeeded", "output": url},
    }.get(name, {"data": [{"url": url}]})
    with OpenAIServer([answer(body)]) as server:
        caller = Caller(OpenAI(server.base_url, name="x"))

        async def asked(http: Any) -> Any:
            reply = await http.request("GET", f"{server.origin}/x")
            return PARTNERS[name].answered(reply, unit_of(), http)

        assert only(caller.run(asked)).data == IMAGE


# ------------------------------------------------------------------ one entry


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"b64_json": "", "url": LINK}, LINK),
        ({"b64_json": None, "url": LINK}, LINK),
        ({"b64_json": "null", "url": LINK}, LINK),
        ({"b64_json": "n/a!", "url": LINK}, LINK),
        ({"b64_json": PLAIN, "url": ""}, IMAGE),
        ({"b64_json": PLAIN, "url": "n/a"}, IMAGE),
        ({"b64_json": PLAIN, "url": LINK}, IMAGE),
        ({"b64_json": LINK, "url": None}, LINK),
        ({"url": f" {LINK}\n"}, LINK),
        ({"url": LINK.replace("https", "HTTPS")}, LINK.replace("https", "HTTPS")),
        ({"url": f"data:image/svg+xml,{quote('<svg/>')}"}, b"<svg/>"),
        ({}, None),
        ({"b64_json": "", "url": ""}, None),
        ("x", None),
    ],
)
def test_the_better_one_of_two_fields_counts(entry: Any, found: Any) -> None:
    images, read = slice_images(json.dumps(entry).encode())
    if isinstance(read, dict) and isinstance(read.get("b64_json"), int):
        read["b64_json"] = images[read["b64_json"]]
    image = image_of(read)
    assert (
        image.data if isinstance(image, Inline) else image.url if isinstance(image, Remote) else image
    ) == found


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        ({"b64_json": "n/a!"}, "corrupt_image"),
        ({"url": "ftp://h/x.png"}, "bad_response"),
        ({"url": "https://h/" + "a" * 20_000}, "bad_response"),
        ({"url": "n/a"}, "bad_response"),
    ],
)
def test_an_entry_that_is_no_image_says_so(entry: Any, error: str) -> None:
    found = image_of(entry)
    assert isinstance(found, Missing)
    assert (found.error.code, found.error.maybe_billed) == (error, True)


def test_one_broken_image_does_not_cost_the_others() -> None:
    body = {"data": [{"b64_json": "n/a!"}, {"b64_json": PLAIN}]}
    with OpenAIServer([answer(body)]) as server:
        done = Caller(OpenAI(server.base_url, name="x")).submit(unit_of(2, model="x"))
    broken, good = done.images
    assert isinstance(broken, Missing)
    assert broken.error.code == "corrupt_image"
    assert good.data == IMAGE


def test_a_relative_link_needs_the_address_of_its_server() -> None:
    assert link("/a.png", base="http://h/v1/").url == "http://h/a.png"
    assert isinstance(link("/a.png"), Missing)
    assert isinstance(link("//[::1", base="http://h/v1/"), Missing)
    assert link(IMAGE).data == IMAGE
    assert link(b"") is link(5) is link(" ") is None


def test_a_number_in_the_answer_is_not_the_index_of_an_image() -> None:
    images, read = slice_images(json.dumps({"data": [{"b64_json": 0}, {"b64_json": PLAIN}]}).encode())
    assert (images, read) == ([IMAGE], {"data": [{"b64_json": None}, {"b64_json": 0}]})


# ------------------------------------------------------------------ events

WHOLE = {"created": 1, "data": [{"b64_json": PLAIN}]}
COMPLETED = {"type": "image_generation.completed", "b64_json": PLAIN}


def events(*found: Any, kind: str = "text/event-stream") -> Answer:
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in found)
    return Answer(200, {"Content-Type": kind}, body + b"data: [DONE]\n\n")


WRAPPED = {
    "the answer as an event": events(WHOLE),
    "a completed event": events(COMPLETED),
    "under the name of JSON": events(WHOLE, kind="application/json"),
    "with the usage behind it": events(WHOLE, {"usage": {"tokens": 1}}),
    "JSON under the name of events": Answer(
        200, {"Content-Type": "text/event-stream"}, json.dumps(WHOLE, indent=1).encode()
    ),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_an_answer_that_comes_as_events_is_read(official: Callable[..., Caller], name: str) -> None:
    with OpenAIServer([WRAPPED[name]]) as server:
        assert only(Caller(OpenAI(server.base_url, name="x")).submit(unit_of(model="x"))).data == IMAGE
    with OpenAIServer([WRAPPED[name]]) as server:
        assert only(official(server.base_url).stream(unit_of())[1]).data == IMAGE


def test_an_error_that_comes_as_an_event_is_an_error() -> None:
    said = {"error": {"message": "rejected", "code": "moderation_blocked"}}
    with OpenAIServer([events(said)]) as server, pytest.raises(errors.Moderated, match="rejected"):
        Caller(OpenAI(server.base_url, name="x")).submit(unit_of(model="x"))


@pytest.mark.parametrize("status", [400, 404, 422])
@pytest.mark.parametrize(
    "words", ["Unknown parameter: 'stream'.", "Streaming is not supported", "partial_images?"]
)
def test_a_refused_stream_is_asked_for_once_without_it(
    official: Callable[..., Caller], status: int, words: str
) -> None:
    with OpenAIServer([images_api.error(status, words), images_api.answer(WHOLE)]) as server:
        partials, done = official(server.base_url).stream(unit_of())
    assert (partials, only(done).data) == ([], IMAGE)
    first, second = (request.json() for request in server.requests)
    assert {*first} - {*second} == {"stream", "partial_images"}


def test_a_second_refusal_is_the_error(official: Callable[..., Caller]) -> None:
    refusals = [images_api.error(400, "no stream"), images_api.error(400, "no stream")]
    with OpenAIServer(refusals) as server, pytest.raises(errors.BadRequest):
        official(server.base_url).stream(unit_of())
    assert server.posts == 2


def test_openrouter_is_asked_once_without_the_stream_too() -> None:
    with OpenAIServer([images_api.error(400, "stream: extra field"), images_api.answer(WHOLE)]) as server:
        _, done = Caller(OpenRouter(server.base_url)).stream(unit_of(model="openai/gpt-image-2"))
    assert only(done).data == IMAGE
    assert "stream" not in server.requests[1].json()


@pytest.mark.parametrize(
    "found",
    [
        images_api.error(500, "the stream broke"),
        images_api.error(502, "stream"),
        images_api.error(429, "too many streams"),
        images_api.error(401, "stream"),
        images_api.error(400, "the upstream refused it"),
        images_api.error(400, "unknown size"),
        RESET_AFTER,
    ],
)
def test_a_call_that_may_have_worked_is_not_sent_again(official: Callable[..., Caller], found: Any) -> None:
    with OpenAIServer([found, HANG]) as server, pytest.raises(errors.ProviderError):
        official(server.base_url).stream(unit_of())
    assert server.posts == 1

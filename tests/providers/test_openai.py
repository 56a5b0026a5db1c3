"""OpenAI's provider against a server that speaks the protocol, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import logging
import traceback
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from imgplay_widget import catalog, errors
from imgplay_widget._types import Inline, Missing, Reference, Remote
from imgplay_widget.catalog import make_request
from imgplay_widget.providers.openai import OpenAI
from tests.providers.conftest import KEY, Caller, unit_of
from tests.servers import openai_server as script
from tests.servers.openai_server import OpenAIServer


def failure(call: Any, unit: Any) -> errors.ProviderError:
    with pytest.raises(errors.ProviderError) as caught:
        call.submit(unit)
    return caught.value


def test_generation_sends_the_parameters_and_gives_the_image(official) -> None:
    said = script.images(1, size="1024x1024", quality="high", background="opaque", output_format="png")
    with OpenAIServer([said]) as server:
        done = official(server.base_url).submit(unit_of(1, width=1024, height=1536, quality="auto"))
    (request,) = server.requests
    assert request.path == "/v1/images/generations"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.json() == {
        "model": "gpt-image-2",
        "prompt": "a paper boat",
        "n": 1,
        "quality": "auto",
        "size": "1024x1536",
    }
    (image,) = done.images
    assert isinstance(image, Inline)
    assert image.data == script.png(shade=0)
    assert image.applied == {
        "width": 1024,
        "height": 1024,
        "quality": "high",
        "background": "opaque",
        "output_format": "png",
    }
    assert (done.request_id, done.usage, done.cost) == ("req-images", {"total_tokens": 100}, None)


def test_several_images_are_one_call(official) -> None:
    with OpenAIServer() as server:
        done = official(server.base_url).submit(unit_of(4))
    assert server.posts == 1
    assert server.requests[0].json()["n"] == 4
    assert len(done.images) == 4


def test_a_missing_image_is_named_at_its_place(official) -> None:
    with OpenAIServer([script.images(2)]) as server:
        done = official(server.base_url).submit(unit_of(3))
    assert [type(image) for image in done.images] == [Inline, Inline, Missing]
    assert done.images[2].error.code == "no_image"


def test_a_surplus_image_is_left_out(official) -> None:
    with OpenAIServer([script.images(3)]) as server:
        assert len(official(server.base_url).submit(unit_of(2)).images) == 2


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n"])
def test_streaming_gives_previews_and_then_the_image(official, end: str) -> None:
    answer = script.stream(2, size="1024x1024")
    noisy = script.replace(
        answer,
        chunks=(
            b": keep-alive\n\n",
            *(chunk.replace(b"\n\n", end.encode()) for chunk in answer.chunks),
            b"data: [DONE]\n\n",
        ),
    )
    with OpenAIServer([noisy]) as server:
        partials, done = official(server.base_url).stream(unit_of(1))
    body = server.requests[0].json()
    assert (body["stream"], body["partial_images"]) == (True, 2)
    assert [partial.data for partial in partials] == [script.png(shade=0), script.png(shade=1)]
    assert [partial.progress for partial in partials] == [pytest.approx(1 / 3), pytest.approx(2 / 3)]
    assert done.images[0].data == script.png(shade=200)
    assert done.usage == {"total_tokens": 300}


def test_a_stream_that_arrives_in_tiny_pieces_is_the_same(official) -> None:
    whole = b"".join(script.stream(1).chunks)
    tiny = script.replace(script.stream(1), chunks=tuple(whole[i : i + 7] for i in range(0, len(whole), 7)))
    with OpenAIServer([tiny]) as server:
        partials, done = official(server.base_url).stream(unit_of(1))
    assert len(partials) == 1
    assert done.images[0].data == script.png(shade=200)


def test_json_instead_of_a_stream_is_taken(official) -> None:
    with OpenAIServer([script.images(1)]) as server:
        partials, done = official(server.base_url).stream(unit_of(1))
    assert (partials, len(done.images)) == ([], 1)


def test_an_error_within_a_stream_is_that_error(official) -> None:
    said = {"type": "error", "error": {"message": "rejected", "code": "moderation_blocked"}}
    with (
        OpenAIServer([script.events(("error", said))]) as server,
        pytest.raises(errors.Moderated, match="rejected"),
    ):
        official(server.base_url).stream(unit_of(1))


def test_a_stream_without_an_end_may_have_been_billed(official) -> None:
    cut = script.replace(script.stream(2), chunks=script.stream(2).chunks[:2])
    with OpenAIServer([cut]) as server, pytest.raises(errors.BadResponse) as caught:
        official(server.base_url).stream(unit_of(1))
    assert caught.value.maybe_billed


def test_only_a_single_image_of_a_streaming_model_is_streamed(official) -> None:
    provider = official("http://127.0.0.1:1/v1").provider
    assert provider.stream(unit_of(2), None) is None
    assert OpenAI("http://127.0.0.1:1/v1").stream(unit_of(1, model="any", previews=False), None) is None


def test_references_go_as_a_form(official) -> None:
    references = tuple(
        Reference(digest=name, media_type="image/png", width=8, height=8) for name in ("first", "second")
    )
    files = {"first": b"first bytes", "second": b"\x89PNG second\r\n--bytes"}
    with OpenAIServer([script.images(1)]) as server:
        official(server.base_url, files=files).submit(
            unit_of(1, references=references, width=1024, height=1024)
        )
    (request,) = server.requests
    assert request.path == "/v1/images/edits"
    form = request.form()
    assert form["image[]"] == [b"first bytes", b"\x89PNG second\r\n--bytes"]
    assert (form["prompt"], form["size"], form["n"]) == ([b"a paper boat"], [b"1024x1024"], [b"1"])
    assert "mask" not in form


def test_a_mask_is_a_part_of_the_form(official) -> None:
    picture, mask = (
        Reference(digest=name, media_type="image/png", width=8, height=8) for name in ("picture", "mask")
    )
    files = {"picture": b"picture bytes", "mask": b"mask bytes"}
    with OpenAIServer([script.images(1)]) as server:
        official(server.base_url, files=files).submit(replace(unit_of(1, references=(picture,)), mask=mask))
    (request,) = server.requests
    assert request.form()["mask"] == [b"mask bytes"]
    assert request.form()["image[]"] == [b"picture bytes"]
    assert b'filename="mask.png"' in request.body


@pytest.mark.parametrize("streamed", [False, True])
def test_moderation_goes_with_references_as_json(official, streamed) -> None:
    pictures = tuple(
        Reference(digest=name, media_type=kind, width=8, height=8)
        for name, kind in (("one", "image/png"), ("two", "image/webp"))
    )
    mask = Reference(digest="mask", media_type="image/png", width=8, height=8)
    files = {name: f"{name} bytes".encode() for name in ("one", "two", "mask")}
    unit = replace(unit_of(1, references=pictures, moderation="low", size="1024x1024"), mask=mask)
    said = script.stream(1, kind="image_edit") if streamed else script.images(1)
    with OpenAIServer([said]) as server:
        call = official(server.base_url, files=files)
        done = call.stream(unit)[1] if streamed else call.submit(unit)
    (request,) = server.requests
    assert len(done.images) == 1
    assert request.path == "/v1/images/edits"
    sent = request.json()
    assert [sent.pop(name) for name in ("images", "mask")] == [
        [{"image_url": _uri("png", b"one bytes")}, {"image_url": _uri("webp", b"two bytes")}],
        {"image_url": _uri("png", b"mask bytes")},
    ]
    stream = {"stream": True, "partial_images": 2} if streamed else {}
    assert sent == {
        "model": "gpt-image-2",
        "prompt": "a paper boat",
        "n": 1,
        "moderation": "low",
        "size": "1024x1024",
        **stream,
    }


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def test_a_reference_that_json_cannot_hold_is_refused_before_it_is_sent(official) -> None:
    picture = Reference(digest="large", media_type="image/png", width=8, height=8)
    with OpenAIServer() as server:
        found = failure(
            official(server.base_url, files={"large": bytes(16_000_000)}),
            unit_of(1, references=(picture,), moderation="low"),
        )
    assert isinstance(found, errors.BadRequest)
    assert not found.maybe_billed
    assert "moderation" in found.next_step
    assert server.requests == []


def test_fidelity_to_the_references_goes_with_references_to_the_model_that_has_it(official) -> None:
    takes = {spec.id for spec in OpenAI().models() if spec.parameter("input_fidelity")}
    assert takes == {"gpt-image-1.5"}
    spec = OpenAI().model("gpt-image-1.5")
    picture = Reference(digest="one", media_type="image/png", width=8, height=8)

    def sent(references: tuple[Reference, ...]) -> dict[str, Any]:
        params = {"input_fidelity": "high"}
        request = make_request(
            spec, prompt="a boat", params=params, references=references, today=date(2026, 1, 1)
        )
        return OpenAI().plan(request, spec, None)[0].params

    assert sent((picture,))["input_fidelity"] == "high"
    assert "input_fidelity" not in sent(())
    with OpenAIServer([script.images(1)]) as server:
        official(server.base_url, files={"one": b"one bytes"}).submit(
            unit_of(1, model="gpt-image-1.5", references=(picture,), input_fidelity="high")
        )
    assert server.requests[0].form()["input_fidelity"] == [b"high"]


CASES = [
    (script.error(401, f"Incorrect API key provided: {KEY}"), errors.BadKey, False),
    (script.error(403, "Country not supported"), errors.BadKey, False),
    (
        script.error(403, "Project does not have access to model x", code="model_not_found"),
        errors.ModelNotFound,
        False,
    ),
    (script.error(404, "The model does not exist", code="model_not_found"), errors.ModelNotFound, False),
    (script.html("<h1>nginx</h1>", 404), errors.ModelNotFound, False),
    (script.error(400, "Your request was rejected", code="moderation_blocked"), errors.Moderated, False),
    (script.error(400, "Invalid value", param="size"), errors.BadRequest, False),
    (script.answer({"detail": [{"msg": "bad n"}]}, 422), errors.BadRequest, False),
    (script.answer({"error": "bad size"}, 400), errors.BadRequest, False),
    (script.error(402, "Payment required"), errors.BillingError, False),
    (script.error(429, "You exceeded your quota", code="insufficient_quota"), errors.BillingError, False),
    (script.error(400, "Limit reached", code="billing_hard_limit_reached"), errors.BillingError, False),
    (script.error(429, "Slow down"), errors.RateLimited, False),
    (script.error(500, "Oops"), errors.ServerError, False),
    (script.html("<h1>Bad gateway</h1>", 502), errors.ServerError, True),
    (script.error(503, "Overloaded"), errors.Overloaded, False),
    (script.error(504, "Timeout"), errors.ServerError, True),
    (script.html(), errors.BadResponse, True),
    (script.answer([1, 2]), errors.BadResponse, True),
    (script.answer({"data": []}), errors.NoImage, True),
    (script.answer({"data": "soon"}), errors.NoImage, True),
    (script.answer({"data": [{"b64_json": None}, 7]}), errors.NoImage, True),
    (script.answer({"data": [{"b64_json": "%%%"}]}), errors.CorruptImage, True),
    (
        script.Answer(200, {"Content-Type": "application/json"}, b'{"data": [{"b64_json": "iVBO'),
        errors.BadResponse,
        True,
    ),
    (
        script.Answer(200, {"Content-Type": "application/json"}, b'{"data":' + b"[" * 200_000),
        errors.BadResponse,
        True,
    ),
    (script.answer({"error": {"message": "rejected by the safety system"}}), errors.Moderated, False),
    (script.RESET_AFTER, errors.NetworkError, True),
    (script.RESET_BEFORE, errors.NetworkError, True),
    (script.replace(script.images(1), cut=100), errors.NetworkError, True),
    (script.replace(script.images(1), headers={"Content-Length": str(2**40)}), errors.BadResponse, True),
    (script.Answer(301, {"Location": "https://example.org/"}), errors.BadResponse, False),
]


@pytest.mark.parametrize(("answer", "kind", "billed"), CASES)
@pytest.mark.parametrize("streamed", [False, True], ids=["call", "stream"])
def test_each_failure_is_its_error_and_one_post(
    official, answer: Any, kind: type[errors.ProviderError], billed: bool, streamed: bool, caplog
) -> None:
    caplog.set_level(logging.DEBUG)
    with OpenAIServer([answer]) as server:
        caller = official(server.base_url)
        with pytest.raises(errors.ProviderError) as caught:
            (caller.stream if streamed else caller.submit)(unit_of(1))
    error = caught.value
    assert type(error) is kind
    assert error.maybe_billed is billed
    assert error.provider == "openai"
    assert error.next_step
    assert server.posts == (0 if answer is script.RESET_BEFORE else 1)
    shown = [str(error), repr(error), str(error.info), *traceback.format_exception(error), caplog.text]
    assert not any(KEY in text or KEY[:12] in text for text in shown)


def test_an_error_keeps_the_providers_words_and_id(official) -> None:
    with OpenAIServer([script.error(400, "Invalid value", param="size")]) as server:
        error = failure(official(server.base_url), unit_of(1))
    assert "Invalid value (parameter size)" in error.message
    assert error.request_id == "req-error"


def test_html_is_shown_briefly(official) -> None:
    with OpenAIServer([script.html("<html>login " + "x" * 500)]) as server:
        error = failure(official(server.base_url), unit_of(1))
    assert "text/html" in error.message
    assert "<html>login" in error.message
    assert len(error.message) < 200


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"Retry-After": "7"}, 7, 7),
        ({"Retry-After": "0"}, 0, 0),
        ({"Retry-After": "-3"}, 0, 0),
        ({"retry-after-ms": "1500", "Retry-After": "60"}, 1.5, 1.5),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0, 0),
    ],
)
def test_a_rate_limit_says_when_to_come_back(
    official, headers: dict[str, str], low: float, high: float
) -> None:
    with OpenAIServer([script.error(429, "Slow down", headers=headers)]) as server:
        error = failure(official(server.base_url), unit_of(1))
    assert error.retry_after is not None
    assert low <= error.retry_after <= high


def test_a_rate_limit_may_name_the_moment(official) -> None:
    asked = datetime.now(UTC).replace(microsecond=0)
    moment = format_datetime(asked + timedelta(hours=1), usegmt=True)
    with OpenAIServer([script.error(429, "Slow down", headers={"Retry-After": moment})]) as server:
        error = failure(official(server.base_url), unit_of(1))
    passed = (datetime.now(UTC) - asked).total_seconds()
    assert error.retry_after is not None
    assert 3600 - passed <= error.retry_after <= 3600


@pytest.mark.parametrize("said", ["soon", "nan", "inf", "", "99999999999999999999 Nov"])
def test_a_senseless_waiting_time_is_none(official, said: str) -> None:
    with OpenAIServer([script.error(429, "Slow down", headers={"Retry-After": said})]) as server:
        assert failure(official(server.base_url), unit_of(1)).retry_after is None


@pytest.mark.parametrize(
    "answer",
    [
        script.HANG,
        script.replace(script.images(1, data=script.png(200, 200, noise=bytes(range(256)) * 500)), pause=30),
    ],
)
def test_a_total_deadline_ends_a_slow_answer(official, answer: Any) -> None:
    async def hurried(http: Any) -> None:
        async with asyncio.timeout(0.3):
            await caller.provider.submit(unit_of(1), http)

    with OpenAIServer([answer]) as server:
        caller = official(server.base_url)
        with pytest.raises(TimeoutError):
            caller.run(hurried)


def test_nothing_listens_and_nothing_was_sent(official) -> None:
    with OpenAIServer() as server:
        pass
    error = failure(official(server.base_url), unit_of(1))
    assert type(error) is errors.ConnectFailed
    assert not error.maybe_billed


def test_without_a_key_nothing_is_sent(official) -> None:
    with OpenAIServer() as server:
        error = failure(official(server.base_url, key=None), unit_of(1))
    assert type(error) is errors.MissingKey
    assert "OPENAI_API_KEY" in str(error)
    assert "demo:" in str(error)
    assert server.requests == []


@pytest.mark.parametrize("key", ["schlüssel-mit-umlaut", "two\nlines"])
def test_a_key_that_cannot_be_sent_is_named_but_not_shown(official, key: str) -> None:
    with OpenAIServer() as server:
        error = failure(official(server.base_url, key=key), unit_of(1))
    assert type(error) is errors.BadKey
    assert key not in str(error)


# ------------------------------------------------------------------ other servers


def test_a_local_server_needs_no_key_and_takes_any_model() -> None:
    with OpenAIServer([script.images(1)]) as server:
        provider = OpenAI(server.base_url, name="local")
        spec = provider.model("sd-cpp-local")
        done = Caller(provider, key=None).submit(unit_of(1, model="sd-cpp-local"))
    assert spec is not None
    assert spec.name == "local:sd-cpp-local"
    assert provider.spec.local
    assert provider.spec.key_variables == ()
    assert "authorization" not in server.requests[0].headers
    assert server.requests[0].json() == {
        "model": "sd-cpp-local",
        "prompt": "a paper boat",
        "n": 1,
        "response_format": "b64_json",
    }
    assert len(done.images) == 1


def test_a_refused_response_format_is_left_out_once() -> None:
    refusal = script.error(400, "Unknown parameter: 'response_format'.", param="response_format")
    with OpenAIServer([refusal, script.images(1)]) as server:
        Caller(OpenAI(server.base_url)).submit(unit_of(1))
    first, second = (request.json() for request in server.requests)
    assert "response_format" in first
    assert "response_format" not in second
    with OpenAIServer([refusal, refusal, script.images(1)]) as server:
        assert type(failure(Caller(OpenAI(server.base_url)), unit_of(1))) is errors.BadRequest
    assert server.posts == 2


def test_a_relative_link_is_joined_and_fetched() -> None:
    listed = script.answer({"data": [{"url": "/generated-images/1.png"}]})
    with OpenAIServer([listed], files={"/generated-images/1.png": script.png()}) as server:
        caller = Caller(OpenAI(server.base_url))
        (image,) = caller.submit(unit_of(1)).images
        assert image == Remote(url=f"{server.origin}/generated-images/1.png")
        assert caller.run(lambda http: http.download(image.url)).data == script.png()


def test_a_data_link_is_an_image() -> None:
    link = "data:image/png;base64," + base64.b64encode(script.png()).decode()
    with OpenAIServer([script.answer({"data": [{"url": link}]})]) as server:
        (image,) = Caller(OpenAI(server.base_url)).submit(unit_of(1)).images
    assert image.data == script.png()


# ------------------------------------------------------------------ models


def test_dated_models_are_known_and_dead_ones_name_what_follows_them() -> None:
    provider = OpenAI()
    dated = provider.model("gpt-image-2-2026-04-21")
    assert dated is not None
    assert dated.name == "openai:gpt-image-2-2026-04-21"
    assert dated.parameter("quality") is not None
    assert provider.model("gpt-imgae-2") is None
    for dead in ("dall-e-3", "dall-e-2", "gpt-image-1"):
        spec = provider.model(dead)
        assert spec is not None
        with pytest.raises(errors.InvalidRequest, match=f"retired openai:{dead} on 2026") as caught:
            catalog.make_request(spec, prompt="a boat", params={})
        assert "openai:gpt-image-2.6" in caught.value.next_step


def test_a_remote_server_of_another_name_has_a_key_of_its_own() -> None:
    spec = OpenAI("https://images.example.org/v1", name="my-lab").spec
    assert spec.key_variables == ("MY_LAB_API_KEY",)
    assert not spec.local


def test_the_list_of_models_is_asked_for_free(official) -> None:
    listed = {
        "data": [
            {"id": "gpt-6-luna"},
            {"id": "gpt-image-2", "shutdown_date": "2027-05-01"},
            {"id": "gpt-image-3-dawn"},
            {"id": 7},
            "noise",
        ]
    }
    with OpenAIServer(files={"/v1/models": script.answer(listed)}) as server:
        caller = official(server.base_url)
        found = caller.run(caller.provider.discover)
        local = Caller(OpenAI(server.base_url, name="local"), key=None)
        others = local.run(local.provider.discover)
        assert server.posts == 0
    assert [spec.id for spec in found] == ["gpt-image-2", "gpt-image-3-dawn"]
    assert found[0].retired_on == "2027-05-01"
    assert found[0].parameter("width") is not None
    assert [spec.id for spec in others] == ["gpt-6-luna", "gpt-image-2", "gpt-image-3-dawn"]


def test_a_key_is_checked_by_the_list_of_models(official) -> None:
    refused = script.error(401, "Incorrect API key provided")
    page = script.html()
    with OpenAIServer(files={"/v1/models": refused}) as server:
        caller = official(server.base_url)
        with pytest.raises(errors.BadKey):
            caller.run(caller.provider.check)
    with OpenAIServer(files={"/v1/models": page}) as server:
        caller = official(server.base_url)
        with pytest.raises(errors.BadResponse):
            caller.run(caller.provider.check)

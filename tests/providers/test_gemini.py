"""The special features of Gemini: the body, the choice of the image, its list of models, its addresses."""

from __future__ import annotations

import base64
from datetime import date
from typing import Any

import pytest

from imgplay_widget import catalog, errors
from imgplay_widget._types import Reference
from imgplay_widget.providers import Registry
from imgplay_widget.providers.gemini import Gemini
from imgplay_widget.testing import png
from imgplay_widget.testing.server import ProviderServer, answer
from tests.providers.conftest import KEY, Caller, unit_of

MODEL = "gemini-nano-banana-2.1"
REFERENCE = Reference(digest="d1", media_type="image/webp", width=8, height=8)


def part(data: bytes, *, snake: bool = False, **fields: Any) -> dict[str, Any]:
    kind, name = ("mime_type", "inline_data") if snake else ("mimeType", "inlineData")
    return {name: {kind: "image/png", "data": base64.b64encode(data).decode()}, **fields}


def painted(*parts: dict[str, Any], **fields: Any) -> Any:
    return answer({"candidates": [{"finishReason": "STOP", "content": {"parts": list(parts)}}], **fields})


def submitted(script: list[Any], *, model: str = MODEL, **params: Any) -> tuple[Any, Any]:
    with ProviderServer(script) as server:
        done = Caller(Gemini(server.origin)).submit(unit_of(1, model=model, **params))
    return done, server.requests[0]


def failure(said: Any) -> errors.ProviderError:
    with ProviderServer([said]) as server, pytest.raises(errors.ProviderError) as caught:
        Caller(Gemini(server.origin)).submit(unit_of(1, model=MODEL))
    return caught.value


def test_the_body_holds_only_what_was_asked_for() -> None:
    _, request = submitted([painted(part(png()))])
    assert request.path == f"/v1/models/{MODEL}:generateContent"
    assert request.headers["x-goog-api-key"] == KEY
    assert KEY not in request.path
    assert "authorization" not in request.headers
    assert request.json() == {
        "contents": [{"role": "user", "parts": [{"text": "a paper boat"}]}],
        "generationConfig": {"responseModalities": ["TEXT", "IMAGE"]},
    }


def test_parameters_have_their_wire_names() -> None:
    _, request = submitted(
        [painted(part(png()))], aspect_ratio="16:9", resolution="2K", thinking_level="high"
    )
    assert request.json()["generationConfig"] == {
        "responseModalities": ["TEXT", "IMAGE"],
        "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
        "thinkingConfig": {"thinkingLevel": "high"},
    }


def test_references_follow_the_prompt_with_their_kind() -> None:
    with ProviderServer([painted(part(png()))]) as server:
        Caller(Gemini(server.origin), files={"d1": b"pixels"}).submit(
            unit_of(1, model=MODEL, references=(REFERENCE,))
        )
    (content,) = server.requests[0].json()["contents"]
    assert content["parts"] == [
        {"text": "a paper boat"},
        {"inlineData": {"mimeType": "image/webp", "data": base64.b64encode(b"pixels").decode()}},
    ]


def test_the_last_image_that_is_not_thought_is_taken() -> None:
    first, last, thought = (png(color=(shade, 0, 0)) for shade in (1, 2, 3))
    done, _ = submitted(
        [
            painted(
                part(first),
                part(last),
                {"text": "Done."},
                part(thought, thought=True),
                usageMetadata={"totalTokenCount": 5},
                modelVersion="gemini-nano-banana-2.1-0042",
                responseId="r-7",
            )
        ]
    )
    (image,) = done.images
    assert image.data == last
    assert done.served_by == "gemini-nano-banana-2.1-0042"
    assert (done.request_id, done.usage, done.cost) == ("r-7", {"totalTokenCount": 5}, None)


def test_names_with_underscores_are_read_too() -> None:
    done, _ = submitted([painted(part(png(), snake=True), response_id="r-8")])
    assert done.images[0].data == png()
    assert done.request_id == "r-8"


def test_an_error_inside_200_is_one() -> None:
    assert isinstance(
        failure(answer({"error": {"code": 503, "message": "later", "status": "UNAVAILABLE"}})),
        errors.Overloaded,
    )


def test_an_error_in_a_list_is_read() -> None:
    said = answer(
        [{"error": {"code": 400, "message": 'Unknown name "x"', "status": "INVALID_ARGUMENT"}}], 400
    )
    found = failure(said)
    assert isinstance(found, errors.BadRequest)
    assert 'Unknown name "x"' in str(found)


def test_the_model_s_own_words_explain_a_missing_image() -> None:
    said = answer(
        {"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": f"Which boat? {KEY}"}]}}]}
    )
    found = failure(said)
    assert isinstance(found, errors.NoImage)
    assert found.retryable
    assert "Which boat?" in str(found)
    assert KEY not in str(found)


def test_a_finish_message_explains_a_refusal() -> None:
    found = failure(
        answer({"candidates": [{"finishReason": "IMAGE_SAFETY", "finishMessage": "No such things."}]})
    )
    assert isinstance(found, errors.Moderated)
    assert "IMAGE_SAFETY" in str(found)
    assert "No such things." in str(found)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            answer({"candidates": [{"finishReason": "LANGUAGE"}]}),
            errors.BadRequest,
            "another language",
        ),
        (
            answer({"error": {"message": "User location is not supported for the API use."}}, 400),
            errors.BadRequest,
            "region",
        ),
        (answer({"error": {"message": "too large"}}, 413), errors.BadRequest, "references"),
        (
            answer({"error": {"message": "models/x is not found"}}, 404),
            errors.ModelNotFound,
            "refresh_models('gemini')",
        ),
        (answer("gone", 404), errors.ModelNotFound, "base URL"),
    ],
)
def test_a_failure_names_the_next_step(said: Any, kind: type[Exception], words: str) -> None:
    found = failure(said)
    assert isinstance(found, kind)
    assert words in found.next_step


def test_a_payload_that_is_no_base64_is_a_corrupt_image() -> None:
    said = painted({"inlineData": {"mimeType": "image/png", "data": "%%%"}})
    assert isinstance(failure(said), errors.CorruptImage)


def test_every_page_of_the_listing_is_read_and_only_painters_are_kept() -> None:
    pages = [
        answer(
            {
                "models": [
                    {"name": "models/gemini-3-pro", "supportedGenerationMethods": ["generateContent"]},
                    {"name": f"models/{MODEL}", "supportedGenerationMethods": ["generateContent"]},
                    {"name": "models/imagen-4.0-generate-001", "supportedGenerationMethods": ["predict"]},
                    {"name": 7},
                    "junk",
                ],
                "nextPageToken": "a b",
            }
        ),
        answer(
            {
                "models": [
                    {
                        "name": "models/gemini-9-image",
                        "displayName": "Nano Banana 9",
                        "description": "New.",
                        "supportedGenerationMethods": ["generateContent"],
                    },
                    {"name": "models/gemini-9-image-live", "supportedGenerationMethods": ["bidi"]},
                ]
            }
        ),
    ]
    with ProviderServer(pages) as server:
        provider = Gemini(server.origin)
        found = Caller(provider).run(provider.discover)
    assert [spec.id for spec in found] == [MODEL, "gemini-9-image"]
    assert found[0] == provider.model(MODEL)
    assert (found[1].title, found[1].description) == ("Nano Banana 9", "New.")
    assert server.requests[1].path.endswith("&pageToken=a%20b")


def test_checking_tells_a_good_key_from_a_bad_one() -> None:
    bad = answer({"error": {"code": 400, "message": "API key not valid. Pass another one."}}, 400)
    with ProviderServer([answer({"models": []}), bad]) as server:
        provider = Gemini(server.origin)
        Caller(provider).run(provider.check)
        with pytest.raises(errors.BadKey):
            Caller(provider).run(provider.check)
    assert [request.method for request in server.requests] == ["GET", "GET"]


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1/v1"),
        ("http://127.0.0.1:1/v1beta/", "http://127.0.0.1:1/v1beta"),
        ("http://127.0.0.1:1/google/v1", "http://127.0.0.1:1/google/v1"),
    ],
)
def test_the_version_is_added_where_it_is_missing(
    base: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Gemini(base).origin() == expected
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", base)
    assert Gemini().origin() == expected


@pytest.mark.parametrize(
    ("set_to", "base", "model", "version"),
    [
        ("", "", MODEL, "v1"),
        ("", "", "gemini-9-image-preview", "v1beta"),
        ("", "", "gemini-9-image-preview-11-2026", "v1beta"),
        ("", "", "gemini-image-latest", "v1beta"),
        ("", "/v1", "gemini-9-image-preview", "v1"),
        ("", "/v1beta", MODEL, "v1beta"),
        ("beta", "", MODEL, "v1beta"),
        ("v1", "", "gemini-9-image-preview", "v1"),
        ("v1alpha", "", MODEL, "v1alpha"),
        ("beta", "/v1", MODEL, "v1"),
        ("../x", "", MODEL, "v1"),
    ],
)
def test_a_model_is_asked_by_the_version_that_has_it(
    set_to: str, base: str, model: str, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", set_to)
    with ProviderServer([painted(part(png()))]) as server:
        Caller(Gemini(server.origin + base)).submit(unit_of(1, model=model))
    assert server.requests[0].path == f"/{version}/models/{model}:generateContent"


def test_a_free_text_id_works_and_sends_nothing_by_itself() -> None:
    registry = Registry(extra=[Gemini()])
    _, spec = registry.find("gemini:gemini-9-flash-image")
    request = catalog.make_request(spec, prompt="a boat", params={"resolution": "512"})
    assert request.params == {"resolution": "512"}
    assert Gemini().model("models/gemini-9-flash-image") == spec
    assert Gemini().model("imagen-3.0-generate-002") is None
    assert Gemini().model("gemini-x/../y") is None


def test_the_first_model_is_not_retired_and_each_makes_a_request() -> None:
    models = catalog.load("gemini")
    assert models[0].retired_on is None
    for model in models:
        catalog.make_request(model, prompt="a boat", params={}, today=date.min)
        assert model.successor in (None, *(other.id for other in models))

"""The special features of Replicate: versions, uploads, its own names and its collection."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from imgplay_widget import catalog, errors
from imgplay_widget._types import Missing, Reference, Remote
from imgplay_widget.providers.replicate import Replicate
from imgplay_widget.testing.server import RESET_AFTER, ProviderServer, answer
from tests.providers.conftest import Caller

CREATED = answer({"id": "p1", "status": "starting"}, 201)


def planned(provider: Replicate, spec: Any, references: tuple[Reference, ...] = (), **params: Any) -> Any:
    request = catalog.make_request(spec, prompt="a paper boat", params=params, references=references)
    (unit,) = provider.plan(request, spec, 5 if spec.seed != "none" else None)
    return unit


def polled(said: dict[str, Any]) -> Any:
    with ProviderServer([answer(said)]) as server:
        provider = Replicate(f"{server.origin}/v1")
        found = Caller(provider).run(lambda http: provider.poll({"job": "p1", "n": 1}, http))
    assert server.requests[0].path == "/v1/predictions/p1"
    return found


def test_an_official_model_is_called_by_its_name() -> None:
    with ProviderServer([CREATED]) as server:
        provider = Replicate(f"{server.origin}/v1")
        unit = planned(provider, provider.model("black-forest-labs/flux-dev"), cfg=2.5, steps=20)
        Caller(provider).submit(unit)
    (request,) = server.requests
    assert request.path == "/v1/models/black-forest-labs/flux-dev/predictions"
    sent = request.json()
    assert set(sent) == {"input"}
    assert sent["input"]["guidance"] == 2.5
    assert sent["input"]["num_inference_steps"] == 20
    assert sent["input"]["seed"] == 5


def test_any_other_model_is_called_by_its_version() -> None:
    version = "0123456789abcdef" * 4
    with ProviderServer([CREATED]) as server:
        provider = Replicate(f"{server.origin}/v1")
        Caller(provider).submit(planned(provider, provider.model(f"someone/thing:{version}")))
    (request,) = server.requests
    assert request.path == "/v1/predictions"
    assert request.json() == {"version": version, "input": {"prompt": "a paper boat"}}


def large(provider: Replicate) -> tuple[Any, dict[str, bytes]]:
    data = b"x" * 300_000
    reference = Reference(digest=hashlib.sha256(data).hexdigest(), media_type="image/png", width=9, height=9)
    return planned(provider, provider.model("google/gemini-2.5-flash-image"), (reference,)), {
        reference.digest: data
    }


def test_a_large_input_image_is_uploaded_first() -> None:
    with ProviderServer(
        [answer({"id": "f1", "urls": {"get": "https://files.example.com/f1"}}), CREATED]
    ) as server:
        provider = Replicate(f"{server.origin}/v1")
        unit, files = large(provider)
        Caller(provider, files=files).submit(unit)
    upload, create = server.requests
    assert upload.path == "/v1/files"
    assert upload.form()["content"] == list(files.values())
    assert create.json()["input"]["image_input"] == ["https://files.example.com/f1"]


@pytest.mark.parametrize("broken", [RESET_AFTER, answer({"detail": "too slow"}, 504)])
def test_an_upload_that_fails_cannot_have_been_billed(broken: Any) -> None:
    with ProviderServer([broken]) as server:
        provider = Replicate(f"{server.origin}/v1")
        unit, files = large(provider)
        with pytest.raises(errors.ProviderError) as caught:
            Caller(provider, files=files).submit(unit)
    assert not caught.value.maybe_billed


def test_one_link_or_a_list_of_them_is_the_output() -> None:
    single = polled({"id": "p1", "status": "succeeded", "output": "https://replicate.delivery/a.webp"})
    listed = polled({"id": "p1", "status": "succeeded", "output": ["https://replicate.delivery/a.webp"]})
    assert single.images == listed.images == (Remote(url="https://replicate.delivery/a.webp"),)


@pytest.mark.parametrize("word", ["canceled", "aborted"])
def test_a_prediction_that_was_cancelled_there_says_so(word: str) -> None:
    (image,) = polled({"id": "p1", "status": word}).images
    assert isinstance(image, Missing)
    assert image.error.code == "cancelled"
    assert image.error.retryable


def test_progress_is_read_from_the_log() -> None:
    assert polled({"id": "p1", "status": "processing", "logs": "10%|#  |\n 70%|####|"}).progress == 0.7
    assert polled({"id": "p1", "status": "processing", "logs": None}).progress is None


def test_discovery_tells_official_models_from_versions() -> None:
    version = "f" * 64
    schema = {
        "components": {
            "schemas": {
                "Input": {
                    "properties": {
                        "seed": {"type": "integer", "x-order": 2, "nullable": True},
                        "prompt": {"type": "string", "x-order": 0},
                        "aspect_ratio": {
                            "allOf": [{"$ref": "#/components/schemas/aspect_ratio"}],
                            "default": "16:9",
                            "x-order": 1,
                        },
                        "input_image": {"type": "string", "format": "uri", "x-order": 3},
                        "num_outputs": {"type": "integer", "maximum": 4},
                    }
                },
                "aspect_ratio": {"type": "string", "enum": ["1:1", "16:9"]},
            }
        }
    }
    models = [
        {"owner": "a", "name": "b", "is_official": True, "latest_version": {"id": version}},
        {"owner": "c", "name": "d", "latest_version": {"id": version, "openapi_schema": schema}},
        {"owner": None, "name": "e"},
    ]
    with ProviderServer([answer({"slug": "text-to-image", "models": models})]) as server:
        provider = Replicate(f"{server.origin}/v1")
        official, other = Caller(provider).run(provider.discover)
    assert (official.id, other.id, other.title) == ("a/b", f"c/d:{version}", "c/d")
    assert [p.name for p in other.parameters] == ["aspect_ratio", "seed"]
    ratio = other.parameter("aspect_ratio")
    assert (ratio.kind, ratio.choices, ratio.default) == ("aspect_ratio", ("1:1", "16:9"), "16:9")
    assert (other.references.wire, other.references.max_count) == ("input_image", 1)
    assert provider.model(other.id) is not None


def test_check_asks_whose_key_it_is() -> None:
    with ProviderServer([answer({"type": "user"}), answer({"detail": "Unauthenticated"}, 401)]) as server:
        provider = Replicate(f"{server.origin}/v1")
        Caller(provider).run(provider.check)
        with pytest.raises(errors.BadKey, match="Unauthenticated"):
            Caller(provider).run(provider.check)

"""What lists of models say: the kind of a model, its input images, and its price."""

from __future__ import annotations

from typing import Any

import pytest

from imgplay_widget import catalog, errors
from imgplay_widget._types import ModelSpec
from imgplay_widget.providers import Provider
from imgplay_widget.providers._shared.listed import amount_of, makes_images, only_edits, takes_images
from imgplay_widget.providers.a1111 import A1111
from imgplay_widget.providers.fal import Fal
from imgplay_widget.providers.gemini import Gemini
from imgplay_widget.providers.huggingface import HuggingFace
from imgplay_widget.providers.openai import OpenAI
from imgplay_widget.providers.replicate import Replicate
from imgplay_widget.providers.siliconflow import SiliconFlow
from imgplay_widget.providers.together import Together
from imgplay_widget.providers.xai import XAI
from imgplay_widget.testing.server import Answer, ProviderServer, answer
from tests.providers.conftest import Caller


@pytest.mark.parametrize(
    ("record", "makes", "takes", "edits"),
    [
        ({}, None, None, False),
        ({"type": "model", "object": "model"}, None, None, False),
        ({"type": "image"}, True, None, False),
        ({"type": "chat"}, False, None, False),
        ({"mode": "image_generation"}, True, None, False),
        ({"mode": "image_edit"}, True, True, True),
        ({"mode": "embedding"}, False, None, False),
        ({"mode": "audio_transcription"}, False, None, False),
        ({"pipeline_tag": "text-to-video"}, False, None, False),
        ({"pipeline_tag": "image-to-image"}, True, True, True),
        ({"category": "text-to-image"}, True, None, False),
        ({"task": ["text-to-image", "image-to-image"]}, True, True, False),
        ({"architecture": {"input_modalities": ["text"], "output_modalities": ["image"]}},
         True, False, False),
        ({"architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]}},
         False, True, False),
        ({"input_modalities": ["text", "image"], "output_modalities": ["Image", "text"]}, True, True, False),
        ({"supported_endpoint_types": ["image-generation", "openai"]}, True, None, False),
        ({"supported_endpoint_types": ["openai"]}, None, None, False),
        ({"supported_endpoint_types": ["embeddings"]}, False, None, False),
        ({"supported_endpoints": ["/v1/images/generations", "/v1/images/edits"]}, True, True, False),
        ({"supported_endpoints": ["/v1/chat/completions"]}, False, None, False),
        ({"capabilities": ["chat", "vision"]}, False, None, False),
        ({"capabilities": {"image_generation": True, "chat": False}}, True, None, False),
        ({"capabilities": {"chat": True}}, False, None, False),
        ({"capabilities": ["new"], "type": 7, "mode": None, "task": {}}, None, None, False),
    ],
)  # fmt: skip
def test_a_record_says_what_a_model_is_for(
    record: dict[str, Any], makes: bool | None, takes: bool | None, edits: bool
) -> None:
    assert (makes_images(record), takes_images(record), only_edits(record)) == (makes, takes, edits)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (0.04, "0.04"), ("0.0400", "0.04"), (1, "1"), (3e-5, "0.00003"), (" 2 ", "2"),
        (0, None), ("0", None), (-0.04, None), ("NaN", None), (float("nan"), None), (float("inf"), None),
        ("free", None), ("", None), (None, None), (True, None), ([1], None), (1e9, None), ("1e999999", None),
        ("1e-999999", None),
    ],
)  # fmt: skip
def test_only_an_amount_is_one(value: object, amount: str | None) -> None:
    assert amount_of(value) == amount
    assert amount_of("1e999999", 1_000_000) is None
    assert amount_of(10**5000) is None


def listed(provider: Provider, server: ProviderServer, *script: Answer) -> list[ModelSpec]:
    server.script = list(script)
    return list(Caller(provider).run(provider.discover))


def cost(spec: ModelSpec, **params: Any) -> str:
    return repr(catalog.estimate(spec, 1, params))


# ------------------------------------------------------------------ servers like OpenAI


def test_a_list_with_kinds_needs_no_second_question() -> None:
    records = [
        {"id": "paint", "type": "image", "shutdown_date": "2027-01-01"},
        {"id": "talk", "type": "chat"},
        {"id": "unsaid"},
        {"id": "retouch", "mode": "image_edit"},
        {"id": "words-only", "output_modalities": ["image"], "input_modalities": ["text"]},
    ]
    with ProviderServer() as server:
        found = listed(OpenAI(f"{server.origin}/v1", name="own"), server, answer({"data": records}))
    assert len(server.requests) == 1
    by_id = {spec.id: spec for spec in found}
    assert list(by_id) == ["paint", "unsaid", "retouch", "words-only"]
    assert by_id["paint"].retired_on == "2027-01-01"
    assert by_id["paint"].references is not None
    assert by_id["retouch"].references is not None
    assert by_id["retouch"].references.min_count == 1
    assert by_id["words-only"].references is None


def test_localai_tells_the_abilities_beside_its_list() -> None:
    names = {"object": "list", "data": [{"id": "sd", "object": "model"}, {"id": "llama", "object": "model"}]}
    told = [
        {"id": "sd", "capabilities": ["image"], "input_modalities": ["text"], "output_modalities": ["image"]},
        {"id": "llama", "capabilities": ["chat", "vision"], "output_modalities": ["text"]},
    ]
    with ProviderServer() as server:
        provider = OpenAI(f"{server.origin}/v1", name="localai")
        found = listed(provider, server, answer(names), answer({"data": told}))
    assert [request.path for request in server.requests] == ["/v1/models", "/v1/models/capabilities"]
    assert [spec.id for spec in found] == ["sd"]


def test_litellm_tells_modes_and_prices() -> None:
    names = [
        {"id": name, "object": "model", "owned_by": "openai"} for name in ("art", "tokens", "pixels", "gpt")
    ]
    told = [
        {"model_name": "art", "model_info": {"mode": "image_generation", "output_cost_per_image": 0.04}},
        {"model_name": "art", "model_info": {"mode": "image_generation", "output_cost_per_image": 0.05}},
        {
            "model_name": "tokens",
            "model_info": {"mode": "image_generation", "output_cost_per_image_token": 4e-5},
        },
        {"model_name": "pixels", "model_info": {"mode": "image_edit", "input_cost_per_pixel": 1e-8}},
        {"model_name": "gpt", "model_info": {"mode": "chat", "output_cost_per_image": 0.1}},
    ]
    missing = answer({"detail": "Not Found"}, 404)
    with ProviderServer() as server:
        provider = OpenAI(f"{server.origin}/v1", name="litellm")
        art, tokens, pixels = listed(
            provider, server, answer({"data": names}), missing, answer({"data": told})
        )
    assert server.requests[2].path == "/v1/model/info"
    assert (cost(art), cost(tokens)) == ("$0.04", "$0.0076–0.96")
    assert cost(pixels, width=1000, height=1000) == "$0.01"
    assert pixels.references is not None
    assert pixels.references.min_count == 1
    assert art.price is not None
    assert art.price.source == f"{server.origin}/v1/model/info"


def test_a_server_that_says_nothing_of_kinds_has_all_its_models() -> None:
    missing = answer({"error": "no such route"}, 404)
    html = answer("<html>")
    with ProviderServer() as server:
        provider = OpenAI(f"{server.origin}/v1", name="plain")
        found = listed(provider, server, answer({"data": [{"id": "a"}, {"id": "b"}]}), missing, html)
    assert [spec.id for spec in found] == ["a", "b"]
    assert found[0].price is None


# ------------------------------------------------------------------ prices


def fal_list(*ids: str) -> tuple[Answer, Answer]:
    return answer({"models": [{"endpoint_id": name} for name in ids]}), answer({"models": []})


def test_fal_tells_prices_of_an_account() -> None:
    prices = [
        {"endpoint_id": "acme/image", "unit_price": 0.05, "unit": "images", "currency": "USD"},
        {"endpoint_id": "acme/mega", "unit_price": 0.01, "unit": "megapixels", "currency": "USD"},
        {"endpoint_id": "acme/gpu", "unit_price": 0.001, "unit": "compute_seconds", "currency": "USD"},
        {"endpoint_id": "acme/euro", "unit_price": 0.05, "unit": "image", "currency": "EUR"},
        {"endpoint_id": "acme/odd", "unit_price": -1, "unit": "image", "currency": "USD"},
        {"endpoint_id": "acme/huge", "unit_price": 1e9, "unit": "image", "currency": "USD"},
        {"endpoint_id": "acme/nan", "unit_price": "NaN", "unit": "image", "currency": "USD"},
        "junk",
    ]
    names = [record["endpoint_id"] for record in prices if isinstance(record, dict)]
    with ProviderServer() as server:
        found = listed(Fal(server.origin), server, *fal_list(*names), answer({"prices": prices}))
    assert server.requests[2].path.startswith("/v1/models/pricing?endpoint_id=acme%2Fimage&endpoint_id=")
    by_id = {spec.id: spec for spec in found}
    assert cost(by_id["acme/image"]) == "$0.05"
    # Megapixels of 1024 × 1024 pixels that have begun.
    assert cost(by_id["acme/mega"], width=1024, height=1025) == "$0.02"
    assert [spec.id for spec in found if spec.price is not None] == ["acme/image", "acme/mega"]


def test_fal_is_asked_for_fifty_prices_at_once_and_not_after_a_refusal() -> None:
    names = [f"acme/model-{i}" for i in range(120)]
    pages = fal_list(*names)
    first = {"endpoint_id": names[0], "unit_price": 0.05, "unit": "image", "currency": "USD"}
    with ProviderServer() as server:
        script = (*pages, answer({"prices": [first]}), answer({"detail": "no"}, 401))
        found = listed(Fal(server.origin), server, *script)
    asked = [request.path.count("endpoint_id=") for request in server.requests[2:]]
    assert asked == [50, 50]
    assert (len(found), [spec.id for spec in found if spec.price]) == (120, [names[0]])


def test_the_price_of_fal_goes_over_the_shipped_one() -> None:
    told = {"endpoint_id": "fal-ai/flux/dev", "unit_price": 0.03, "unit": "megapixels", "currency": "USD"}
    with ProviderServer() as server:
        provider = Fal(server.origin)
        found = listed(provider, server, *fal_list("fal-ai/flux/dev"), answer({"prices": [told]}))
    merged = catalog.merge(provider.models(), {spec.id: spec for spec in found})["fal-ai/flux/dev"]
    assert cost(merged) == "$0.03"
    assert merged.price is not None
    assert merged.price.source == f"{server.origin}/v1/models/pricing"


def test_xai_lists_its_image_models_with_prices_in_cents() -> None:
    records = [
        {"id": "grok-imagine-image", "image_price": 3, "output_modalities": ["image"]},
        {
            "id": "grok-3-image",
            "image_price": 7,
            "input_modalities": ["text"],
            "output_modalities": ["image"],
        },
        {"id": "grok-imagine-image-2.0", "image_price": 600000000, "input_modalities": ["text", "image"]},
        {"id": "grok-image-eye", "output_modalities": ["text"]},
        {"id": "grok-4"},
    ]
    with ProviderServer() as server:
        provider = XAI(f"{server.origin}/v1")
        found = listed(provider, server, answer({"models": records}))
    assert server.requests[0].path == "/v1/image-generation-models"
    first, other, newest = found
    assert (cost(first), cost(other)) == ("$0.03", "$0.07")
    assert other.references is None
    assert newest.price is None, "a number without a known unit is no price"
    assert newest.references is not None


# ------------------------------------------------------------------ kinds at other providers


def test_siliconflow_says_which_models_take_images() -> None:
    takers = answer({"data": [{"id": "acme/retouch"}, {"id": "Qwen/Qwen-Image"}]})
    every = answer({"data": [{"id": "acme/paint"}, {"id": "acme/retouch"}, {"id": "Qwen/Qwen-Image"}]})
    with ProviderServer() as server:
        provider = SiliconFlow(f"{server.origin}/v1")
        paint, retouch, known = sorted(
            listed(provider, server, every, takers), key=lambda one: one.id.lower()
        )
    assert [request.path.partition("?")[2] for request in server.requests] == [
        "type=image",
        "type=image&sub_type=image-to-image",
    ]
    assert paint.references is None
    assert retouch.references is not None
    assert known == provider.model("Qwen/Qwen-Image")


def test_other_kinds_are_no_image_models() -> None:
    with ProviderServer() as server:
        records = [
            {"id": "a/paint", "pipeline_tag": "text-to-image"},
            {"id": "a/film", "pipeline_tag": "text-to-video"},
        ]
        server.script = [answer(records)] * 20
        hub = HuggingFace(server.origin, hub_url=server.origin)
        names = [spec.id for spec in Caller(hub).run(hub.discover)]
        assert "a/paint" in names
        assert "a/film" not in names
        film = {"endpoint_id": "acme/film", "metadata": {"category": "image-to-video"}}
        paint = {"endpoint_id": "acme/paint", "metadata": {"category": "text-to-image"}}
        script = (answer({"models": [film, paint]}), answer({"models": []}), answer({"prices": []}))
        assert [spec.id for spec in listed(Fal(server.origin), server, *script)] == ["acme/paint"]
        kinds = [
            {"id": "a/talk", "type": "chat"},
            {"id": "a/paint", "type": "image"},
            {"id": "a/film", "type": "video"},
        ]
        together = Together(f"{server.origin}/v1")
        assert [spec.id for spec in listed(together, server, answer(kinds))] == ["a/paint"]


NEEDED = {"type": "object", "required": ["prompt", "image"], "properties": {"image": {"type": "string"}}}


@pytest.mark.parametrize("required", [True, False])
def test_a_schema_that_needs_an_image_is_called_with_one(required: bool) -> None:
    schema = NEEDED if required else {**NEEDED, "required": ["prompt"]}
    version = {"id": "a" * 64, "openapi_schema": {"components": {"schemas": {"Input": schema}}}}
    record = {"owner": "acme", "name": "retouch", "is_official": True, "latest_version": version}
    with ProviderServer() as server:
        (spec,) = listed(Replicate(f"{server.origin}/v1"), server, answer({"models": [record]}))
    assert spec.references is not None
    assert spec.references.min_count == int(required)


@pytest.mark.parametrize(
    ("names", "required", "prompt"),
    [
        (["prompt", "image"], ["prompt"], "needed"),
        (["prompt", "image"], ["image"], "optional"),
        (["image", "scale"], ["image"], "none"),
        # An input without words and without an image is not understood, and keeps the prompt.
        (["text"], ["text"], "needed"),
        ([], [], "needed"),
    ],
)
def test_a_schema_says_whether_the_model_takes_words(
    names: list[str], required: list[str], prompt: str
) -> None:
    schema = {"required": required, "properties": {name: {"type": "string"} for name in names}}
    version = {"id": "a" * 64, "openapi_schema": {"components": {"schemas": {"Input": schema}}}}
    record = {"owner": "acme", "name": "retouch", "is_official": True, "latest_version": version}
    with ProviderServer() as server:
        (spec,) = listed(Replicate(f"{server.origin}/v1"), server, answer({"models": [record]}))
    assert spec.prompt == prompt


@pytest.mark.parametrize(
    "provider",
    [A1111, Fal, OpenAI, Replicate, SiliconFlow, Together, XAI],
    ids=lambda provider: provider.__name__,
)
def test_an_answer_without_a_list_is_a_failure_and_not_an_empty_list(provider: Any) -> None:
    with ProviderServer() as server:
        server.script = [answer({"message": "We are back soon."})] * 3
        asked = provider(f"{server.origin}/v1")
        with pytest.raises(errors.BadResponse, match="no list of models"):
            Caller(asked).run(asked.discover)


def test_google_leaves_out_an_empty_list() -> None:
    with ProviderServer() as server:
        assert listed(Gemini(f"{server.origin}/v1beta"), server, answer({})) == []

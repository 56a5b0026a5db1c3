"""The special features of fal: its names in the protocol, its addresses, its list of models."""

from __future__ import annotations

import pytest

from imgplay_widget import catalog, errors
from imgplay_widget._types import Pending, Reference
from imgplay_widget.providers.fal import Fal
from imgplay_widget.testing.server import ProviderServer, answer
from tests.providers.conftest import KEY, Caller

SCHEMA = {
    "paths": {
        "/acme/paint": {
            "post": {
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PaintInput"}}}
                }
            }
        },
        "/acme/paint/requests/{id}": {"get": {}},
    },
    "components": {
        "schemas": {
            "ImageSize": {
                "type": "object",
                "properties": {
                    "width": {"type": "integer", "maximum": 2048, "default": 512},
                    "height": {"type": "integer", "maximum": 2048, "default": 512},
                },
            },
            "PaintInput": {
                "type": "object",
                "properties": {
                    "prompt": {"type": "string"},
                    "image_size": {
                        "anyOf": [
                            {"$ref": "#/components/schemas/ImageSize"},
                            {"enum": ["square", "landscape_4_3"], "type": "string"},
                        ],
                        "default": "square",
                    },
                    "num_inference_steps": {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": 12,
                        "default": 4,
                        "description": "How many steps. More take longer.",
                    },
                    "steps": {"type": "integer"},
                    "model": {"enum": ["a", "b"], "type": "string"},
                    "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                    "num_images": {"type": "integer", "minimum": 1, "maximum": 4},
                    "image_urls": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
                    "mask_url": {"type": "string"},
                    "loras": {"type": "array", "items": {"type": "object"}},
                    "enable_safety_checker": {"type": "boolean", "default": True},
                },
            },
        }
    },
}


def planned(provider, spec, **params):
    request = catalog.make_request(spec, prompt="a paper boat", params=params)
    (unit,) = provider.plan(request, spec, 5 if spec.seed != "none" else None)
    return unit


def job(**addresses):
    return answer({"status": "IN_QUEUE", "request_id": "r1", **addresses})


def test_parameters_go_out_under_the_names_of_fal() -> None:
    with ProviderServer([job()]) as server:
        provider = Fal(server.origin)
        unit = planned(provider, provider.model("fal-ai/flux-2"), steps=20, width=640, height=512, cfg=3)
        Caller(provider).submit(unit)
    (request,) = server.requests
    assert request.path == "/fal-ai/flux-2"
    assert request.headers["authorization"] == f"Key {KEY}"
    sent = request.json()
    assert sent["num_inference_steps"] == 20
    assert sent["guidance_scale"] == 3
    assert sent["image_size"] == {"width": 640, "height": 512}
    assert sent["seed"] == 5
    assert not {"steps", "cfg", "size", "width", "num_images"} & set(sent)


def test_a_named_size_and_a_width_are_one_too_many() -> None:
    provider = Fal("http://127.0.0.1:9")
    with pytest.raises(errors.InvalidRequest, match="size"):
        planned(provider, provider.model("fal-ai/flux-2"), size="square", width=640, height=512)


@pytest.mark.parametrize(
    "foreign", ["https://queue.fal.run.example.com/x", "http://", "not an address", None]
)
def test_an_address_of_another_host_is_not_used(foreign: str | None) -> None:
    with ProviderServer([job(status_url=foreign, response_url=foreign, cancel_url=foreign)]) as server:
        provider = Fal(server.origin)
        pending = Caller(provider).submit(planned(provider, provider.model("openai/gpt-image-2")))
    assert isinstance(pending, Pending)
    base = f"{server.origin}/openai/gpt-image-2/requests/r1"
    assert pending.ticket["status"] == f"{base}/status"
    assert pending.ticket["result"] == base
    assert pending.ticket["cancel"] == f"{base}/cancel"


def test_progress_is_read_from_the_log() -> None:
    logs = [{"message": "loading"}, {"message": " 25%|##   | 7/28"}]
    script = [answer({"status": "IN_PROGRESS", "logs": logs}, 202)]
    with ProviderServer(script) as server:
        provider = Fal(server.origin)
        ticket = {"job": "r1", "n": 1, "status": f"{server.origin}/a/b/requests/r1/status"}
        pending = Caller(provider).run(lambda http: provider.poll(ticket, http))
    assert pending.progress == 0.25
    assert server.requests[0].path.endswith("/status?logs=1")


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("OK", "cancelled"),
        ("CANCELLATION_REQUESTED", "requested"),
        ("ALREADY_COMPLETED", "unsupported"),
        ("NOT_FOUND", "unsupported"),
    ],
)
def test_cancel_says_what_became_of_the_job(said: str, outcome: str) -> None:
    with ProviderServer([answer({"status": said})]) as server:
        provider = Fal(server.origin)
        ticket = {"cancel": f"{server.origin}/a/b/requests/r1/cancel"}
        assert Caller(provider).run(lambda http: provider.cancel(ticket, http)) == outcome
    assert server.requests[0].method == "PUT"


@pytest.mark.parametrize("word", ["true", "false"])
def test_fal_itself_says_whether_a_retry_makes_sense(word: str) -> None:
    with ProviderServer([answer({"detail": "no"}, 500, x_fal_retryable=word)]) as server:
        provider = Fal(server.origin)
        with pytest.raises(errors.ServerError) as caught:
            Caller(provider).submit(planned(provider, provider.model("fal-ai/flux-2")))
    assert caught.value.retryable is (word == "true")


def test_discovery_makes_parameters_of_each_model_s_own_schema() -> None:
    record = {
        "endpoint_id": "acme/paint",
        "metadata": {"display_name": "Acme Paint", "description": "Paints.", "status": "active"},
        "openapi": SCHEMA,
    }
    pages = [
        answer({"models": [record], "next_cursor": "more", "has_more": True}),
        answer({"models": [{"endpoint_id": "acme/plain"}, {"endpoint_id": "../x"}, "junk"]}),
        answer({"models": []}),
    ]
    with ProviderServer(pages) as server:
        provider = Fal(server.origin)
        paint, plain = Caller(provider).run(provider.discover)
    assert "cursor=more" in server.requests[1].path
    assert (paint.title, paint.native_n, paint.seed, plain.id) == (
        "Acme Paint",
        4,
        "best_effort",
        "acme/plain",
    )
    assert paint.references.max_count == 3
    assert [p.name for p in paint.parameters] == [
        "size", "width", "height", "steps", "steps_", "model_", "seed", "enable_safety_checker",
    ]  # fmt: skip
    steps = paint.parameter("steps")
    assert (steps.minimum, steps.maximum, steps.default, steps.help) == (1, 12, 4, "How many steps.")
    unit = planned(provider, paint, steps=6, steps_=2, width=512, height=256)
    assert unit.params["input"] == {
        "num_inference_steps": 6,
        "steps": 2,
        "image_size": {"width": 512, "height": 256},
        "enable_safety_checker": True,
    }
    assert unit.params["references"] == "image_urls[]"


def test_check_tells_a_bad_key() -> None:
    with ProviderServer([answer({"prices": []}), answer({"detail": "Invalid"}, 401)]) as server:
        provider = Fal(server.origin)
        Caller(provider).run(provider.check)
        with pytest.raises(errors.BadKey):
            Caller(provider).run(provider.check)


def test_an_id_that_is_no_path_is_not_taken() -> None:
    provider = Fal()
    assert provider.model("someone/new-model/fast").parameters == ()
    assert provider.model("flux") is None
    assert provider.model("a/../b") is None
    assert provider.model("a/b?c=d") is None


def test_the_key_goes_to_the_queue_and_to_prices_only() -> None:
    def asks(http):
        return [
            http.owns("https://queue.fal.run/a/b/requests/1"),
            http.owns("https://api.fal.ai/v1/models/pricing?endpoint_id=a"),
            http.owns("https://v3.fal.media/files/a.png"),
            http.owns("https://queue.fal.run.example.com/a"),
            http.owns("http://queue.fal.run/a"),
        ]

    async def ask(http):
        return asks(http)

    assert Caller(Fal()).run(ask) == [True, True, False, False, False]


def test_a_found_field_is_not_sent_under_the_name_that_was_shipped() -> None:
    fields = {"prompt": {"type": "string"}, "steps": {"type": "integer", "minimum": 1, "maximum": 8}}
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": fields}}}}
    record = {
        "endpoint_id": "fal-ai/flux-2",
        "openapi": {"paths": {"/": {"post": {"requestBody": body}}}},
    }
    script = [answer({"models": [record]}), answer({"models": []})]
    with ProviderServer(script) as server:
        provider = Fal(server.origin)
        found = Caller(provider).run(provider.discover)
    merged = catalog.merge(provider.models(), {spec.id: spec for spec in found})["fal-ai/flux-2"]
    assert planned(provider, merged, steps=5).params["input"] == {"steps": 5}


IMAGE = Reference(digest="a" * 64, media_type="image/png", width=64, height=64)


@pytest.mark.parametrize(
    ("id", "params", "n", "body"),
    [
        ("openai/gpt-image-2.5/flare/text-to-image", {"quality": "xhigh", "width": 1536, "height": 1024}, 3,
         {"quality": "xhigh", "image_size": {"width": 1536, "height": 1024}, "background": "auto",
          "output_format": "png", "num_images": 3}),
        ("openai/gpt-image-2.5/sunburst/edit", {"size": "auto", "background": "transparent"}, 1,
         {"quality": "high", "image_size": "auto", "background": "transparent", "output_format": "png"}),
        ("blackforestlabs/flux-3/edit-image", {}, 1, {"aspect_ratio": "auto"}),
        ("fal-ai/ideogram/v3", {"style": "DESIGN", "prompt_expansion": False}, 1,
         {"style": "DESIGN", "expand_prompt": False, "rendering_speed": "BALANCED", "seed": 5}),
        ("fal-ai/stable-diffusion-v35-medium", {"negative_prompt": "fog"}, 1,
         {"negative_prompt": "fog", "guidance_scale": 4.5, "num_inference_steps": 40,
          "enable_safety_checker": True, "output_format": "jpeg", "seed": 5}),
        ("fal-ai/flux-2-flex/edit", {"cfg": 3}, 1,
         {"guidance_scale": 3, "num_inference_steps": 28, "safety_tolerance": "2",
          "enable_safety_checker": True, "output_format": "jpeg", "seed": 5}),
    ],
)  # fmt: skip
def test_the_newest_families_get_their_own_fields(
    id: str, params: dict[str, object], n: int, body: dict[str, object]
) -> None:
    with ProviderServer([job()]) as server:
        provider = Fal(server.origin)
        spec = provider.model(id)
        assert spec is not None
        edits = spec.references is not None
        request = catalog.make_request(
            spec, prompt="a paper boat", params=params, n=n, references=[IMAGE] if edits else []
        )
        (unit,) = provider.plan(request, spec, 5 if spec.seed != "none" else None)
        Caller(provider, files={IMAGE.digest: b"first"}).submit(unit)
    (received,) = server.requests
    assert received.path == f"/{id}"
    images = {"image_urls": ["data:image/png;base64,Zmlyc3Q="]} if edits else {}
    assert received.json() == {"prompt": "a paper boat"} | body | images

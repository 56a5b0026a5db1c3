"""The special features of OpenRouter: the body, its list of models, the cost, the key's limit."""

from __future__ import annotations

import base64
import json
from datetime import date
from typing import Any

import pytest

from imgplay_widget import catalog, errors
from imgplay_widget._types import Missing, ModelSpec, Partial, Reference, Request, Unit
from imgplay_widget.providers import Registry
from imgplay_widget.providers.openrouter import OpenRouter
from imgplay_widget.testing import png
from imgplay_widget.testing.server import Answer, ProviderServer, answer
from tests.providers.conftest import KEY, Caller, unit_of

REFERENCES = (
    Reference(digest="d1", media_type="image/png", width=8, height=8),
    Reference(digest="d2", media_type="image/jpeg", width=8, height=8),
)


def item(data: bytes) -> dict[str, str]:
    return {"b64_json": base64.b64encode(data).decode()}


def painted(count: int = 1, **fields: Any) -> Answer:
    return answer({"created": 1, "data": [item(png(color=(i, 0, 0))) for i in range(count)], **fields})


def connect(server: ProviderServer) -> OpenRouter:
    return OpenRouter(f"{server.origin}/api/v1/")


def submitted(said: Answer, unit: Unit) -> tuple[Any, Any]:
    with ProviderServer([said]) as server:
        done = Caller(connect(server), files={"d1": b"one", "d2": b"two"}).submit(unit)
    return done, server.requests[0]


def failure(said: Answer) -> errors.ProviderError:
    with pytest.raises(errors.ProviderError) as caught:
        submitted(said, unit_of(1, model="x/y"))
    return caught.value


def discovered(*records: Any) -> list[Any]:
    with ProviderServer([answer({"data": list(records)})]) as server:
        found = Caller(connect(server)).run(connect(server).discover)
    assert server.requests[0].path == "/api/v1/images/models"
    return list(found)


def test_the_body_holds_only_what_was_asked_for() -> None:
    _, request = submitted(painted(), unit_of(1, model="x/y"))
    assert (request.method, request.path) == ("POST", "/api/v1/images")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.json() == {"model": "x/y", "prompt": "a paper boat"}


def test_parameters_ratio_and_references_are_really_sent() -> None:
    unit = unit_of(2, model="x/y", references=REFERENCES, aspect_ratio="16:9", resolution="2K")
    _, request = submitted(painted(2), unit)
    links = [f"data:image/{kind};base64,{data}" for kind, data in (("png", "b25l"), ("jpeg", "dHdv"))]
    assert request.json() == {
        "model": "x/y",
        "prompt": "a paper boat",
        "n": 2,
        "aspect_ratio": "16:9",
        "resolution": "2K",
        "input_references": [{"type": "image_url", "image_url": {"url": link}} for link in links],
    }


@pytest.mark.parametrize(
    ("said", "cost"),
    [(0.04, "0.04"), (1e-05, "0.00001"), (0, "0"), (None, None), ("free", None), (True, None)],
)
def test_the_cost_is_what_the_answer_says(said: Any, cost: str | None) -> None:
    usage = {"total_tokens": 7, "cost": said}
    done, _ = submitted(painted(usage=usage), unit_of(1, model="x/y"))
    assert (done.cost, done.usage) == (cost, usage)


def test_fewer_images_leave_gaps_that_say_why() -> None:
    done, _ = submitted(painted(1), unit_of(3, model="x/y"))
    first, *gaps = done.images
    assert first.data == png(color=(0, 0, 0))
    assert all(isinstance(gap, Missing) and "1" in gap.error.message for gap in gaps)
    assert len(gaps) == 2


def test_a_stream_gives_previews_then_the_image_and_its_cost() -> None:
    events: list[dict[str, Any]] = [
        {"type": "image_generation.partial_image", "partial_image_index": i, **item(png(color=(0, i, 0)))}
        for i in range(2)
    ]
    events += [
        {"type": "image_generation.text_chunk", "phase": "reasoning", "text": "hm"},
        {"type": "image_generation.completed", **item(png()), "usage": {"cost": 0.011}},
    ]
    chunks = tuple(f"data: {json.dumps(event)}\n\n".encode() for event in events)
    said = Answer(200, {"Content-Type": "text/event-stream"}, chunks=chunks)
    with ProviderServer([said]) as server:
        partials, done = Caller(connect(server)).stream(unit_of(1, model="openai/gpt-image-2"))
    assert server.requests[0].json()["stream"] is True
    assert partials == [
        Partial(index=0, data=png(color=(0, 0, 0)), progress=0.25),
        Partial(index=0, data=png(color=(0, 1, 0)), progress=0.5),
    ]
    assert done.images[0].data == png()
    assert done.cost == "0.011"


def test_a_stream_that_was_ignored_is_read_as_json() -> None:
    with ProviderServer([painted()]) as server:
        partials, done = Caller(connect(server)).stream(unit_of(1, model="openai/new-image"))
    assert partials == []
    assert done.images[0].data == png(color=(0, 0, 0))


def test_only_single_images_of_models_that_stream_are_streamed() -> None:
    provider = OpenRouter()
    for unit in (
        unit_of(2, model="openai/gpt-image-2"),
        unit_of(1, model="krea/krea-2-large", previews=False),
    ):
        assert Caller(provider).run(lambda http, unit=unit: _none(provider.stream(unit, http)))


def test_a_found_model_of_any_author_streams_where_the_list_says_so() -> None:
    provider = OpenRouter()
    found = ModelSpec(provider="openrouter", id="krea/krea-2-large", title="Krea", previews=True)
    request = Request(provider="openrouter", model=found.id, prompt="a boat", n=1, params={})
    (unit,) = provider.plan(request, found, None)
    assert not Caller(provider).run(lambda http: _none(provider.stream(unit, http)))


async def _none(value: object) -> bool:
    return value is None


def test_a_flagged_prompt_says_by_whom_and_why() -> None:
    metadata = {"reasons": ["violence"], "flagged_input": "boat", "provider_name": "Acme"}
    found = failure(answer({"error": {"code": 403, "message": "flagged", "metadata": metadata}}, 403))
    assert isinstance(found, errors.Moderated)
    assert "by Acme, violence" in str(found)


@pytest.mark.parametrize(
    ("said", "billed"),
    [
        (answer({"error": {"code": 502, "message": "the provider failed"}}, 502), False),
        (answer({"error": {"code": 504, "message": "the provider is slow"}}, 504), False),
        (Answer(502, {"Content-Type": "text/html"}, b"<html>"), True),
        (answer({"error": {"code": 524, "message": "edge"}}, 524), True),
        (answer({"error": {"code": 408, "message": "late"}}, 408), True),
        (answer({"error": {"code": 500, "message": "oops"}}, 500), False),
    ],
)
def test_a_failed_run_is_unbilled_only_where_openrouter_says_so_itself(said: Answer, billed: bool) -> None:
    found = failure(said)
    assert isinstance(found, errors.ServerError)
    assert found.maybe_billed is billed


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (answer({"error": {"code": 400, "message": "bad size"}}, 400), errors.BadRequest),
        (answer({"error": {"code": 413, "message": "too large"}}, 413), errors.BadRequest),
        (answer({"error": {"code": 422, "message": "no"}}, 422), errors.BadRequest),
        (
            answer(
                {"error": {"code": 404, "message": "no", "metadata": {"error_type": "image_not_found"}}}, 404
            ),
            errors.BadRequest,
        ),
        (answer("gone", 404), errors.ModelNotFound),
        (answer({}, 308, Location="https://example.com/"), errors.BadResponse),
        (
            answer({"error": {"message": "no", "metadata": {"error_type": "rate_limit_exceeded"}}}),
            errors.RateLimited,
        ),
        (
            answer({"error": {"message": "no", "metadata": {"error_type": "invalid_image"}}}),
            errors.BadRequest,
        ),
        (
            answer({"error": {"message": "Rate limit exceeded: free-models-per-day"}}, 429),
            errors.BillingError,
        ),
    ],
)
def test_each_kind_of_error_has_its_name(said: Answer, kind: type[Exception]) -> None:
    assert type(failure(said)) is kind


def test_a_failure_keeps_its_wait_and_never_shows_the_key() -> None:
    found = failure(
        answer({"error": {"code": 503, "message": f"later, Bearer {KEY}"}}, 503, Retry_After="12")
    )
    assert isinstance(found, errors.Overloaded)
    assert found.retry_after == 12
    assert KEY not in f"{found} {found!r}"


def test_the_list_says_exactly_what_a_model_takes() -> None:
    (spec,) = discovered(
        {
            "id": "acme/paint-1",
            "name": "Acme: Paint 1",
            "description": "It paints.",
            "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["image"]},
            "supported_parameters": {
                "glow": {"type": "range", "min": 0, "max": 9},
                "mood": {"type": "enum", "values": ["calm", "wild"]},
                "magic": {"type": "boolean"},
                "riddle": {"type": "tensor"},
                "seed": {"type": "boolean"},
                "n": {"type": "range", "min": 1, "max": 4},
                "input_references": {"type": "range", "min": 0, "max": 3},
                "output_format": {"type": "enum", "values": ["png", "svg"]},
                "output_compression": {"type": "range", "min": 10, "max": 90},
                "quality": {"type": "enum", "values": ["auto", "max"]},
                "background": {"type": "boolean"},
                "resolution": {"type": "enum", "values": ["1K", "2K"]},
                "aspect_ratio": {"type": "enum", "values": ["1:1", "16:9"]},
            },
            "supports_streaming": True,
        }
    )
    assert (spec.name, spec.title, spec.description) == (
        "openrouter:acme/paint-1",
        "Acme: Paint 1",
        "It paints.",
    )
    assert (spec.native_n, spec.seed, spec.previews, spec.notice) == (4, "best_effort", True, "")
    assert spec.references.max_count == 3
    shown = {p.name: (p.kind, p.choices, p.minimum, p.maximum, p.default) for p in spec.parameters}
    assert shown == {
        "aspect_ratio": ("aspect_ratio", ("1:1", "16:9"), None, None, None),
        "resolution": (None, ("1K", "2K"), None, None, None),
        "quality": (None, ("auto", "max"), None, None, None),
        "background": (None, ("auto", "transparent", "opaque"), None, None, None),
        "output_format": (None, ("png",), None, None, None),
        "output_compression": (None, (), 10, 90, None),
        "seed": ("seed", (), 0, 2147483647, None),
        "glow": (None, (), 0, 9, None),
        "mood": (None, ("calm", "wild"), None, None, None),
    }
    request = catalog.make_request(spec, prompt="a boat", params={"glow": 3, "mood": "calm"})
    assert request.params == {"glow": 3, "mood": "calm"}


def test_a_model_of_few_words_takes_nothing_but_a_prompt() -> None:
    (spec,) = discovered({"id": "acme/plain", "supported_parameters": {"n": {"type": "range", "max": 1}}})
    assert (spec.title, spec.parameters, spec.references) == ("acme/plain", (), None)
    assert (spec.native_n, spec.seed, spec.previews) == (1, "none", False)


def test_a_model_that_needs_a_reference_is_called_with_one() -> None:
    (spec,) = discovered(
        {
            "id": "acme/edit",
            "supported_parameters": {"input_references": {"type": "range", "min": 1, "max": 1}},
        }
    )
    assert spec.references is not None
    assert spec.references.min_count == 1


def test_what_makes_no_raster_images_and_junk_is_left_out() -> None:
    svg = {"output_format": {"type": "enum", "values": ["svg"]}}
    assert (
        discovered(
            {"id": "acme/vector", "supported_parameters": svg},
            {"id": "acme/words", "architecture": {"output_modalities": ["text"]}},
            {"name": "nameless"},
            "junk",
            None,
        )
        == []
    )


@pytest.mark.parametrize("data", [{"limit_remaining": 74.5}, {"limit_remaining": None}, {}])
def test_a_good_key_passes_the_check(data: dict[str, Any]) -> None:
    with ProviderServer([answer({"data": data})]) as server:
        Caller(connect(server)).run(connect(server).check)
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/api/v1/key")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (answer({"error": {"code": 401, "message": "Invalid credentials"}}, 401), errors.BadKey),
        (answer({"data": {"limit_remaining": 0}}), errors.BillingError),
        (Answer(200, {"Content-Type": "text/html"}, b"<html>log in</html>"), errors.BadResponse),
    ],
)
def test_the_check_tells_troubles_apart(said: Answer, kind: type[Exception]) -> None:
    with ProviderServer([said]) as server, pytest.raises(kind):
        Caller(connect(server)).run(connect(server).check)


def test_the_check_tells_that_there_is_no_network() -> None:
    with ProviderServer() as server:
        provider = connect(server)
    with pytest.raises(errors.ConnectFailed):
        Caller(provider).run(provider.check)


def test_a_free_text_id_works() -> None:
    _, spec = Registry(extra=[OpenRouter()]).find("openrouter:acme/paint-9:free")
    assert spec.id == "acme/paint-9:free"
    assert catalog.make_request(spec, prompt="a boat", params={}).params == {}
    assert OpenRouter().model("no-author") is None


def test_each_shipped_model_makes_a_request_that_sends_nothing_unasked() -> None:
    for model in catalog.load("openrouter"):
        assert catalog.make_request(model, prompt="a boat", params={}, today=date(2026, 11, 1)).params == {}


# ------------------------------------------------------------------ prices

SIZED = {
    "id": "acme/paint",
    "supported_parameters": {"resolution": {"type": "enum", "values": ["1K", "2K", "4K"]}},
}


def line(cost: Any, unit: str = "image", billable: str = "output_image", **more: Any) -> dict[str, Any]:
    return {"billable": billable, "unit": unit, "cost_usd": cost, **more}


def priced(*hosts: list[dict[str, Any]], id: str = "acme/paint") -> ModelSpec:
    told = {"id": id, "endpoints": [{"provider_name": "Host", "pricing": host} for host in hosts]}
    with ProviderServer([answer({"data": [{**SIZED, "id": id}]}), answer(told)]) as server:
        (spec,) = Caller(connect(server)).run(connect(server).discover)
    assert server.requests[1].path == f"/api/v1/images/models/{id}/endpoints"
    return spec


def cost(spec: ModelSpec, references: int = 0, **params: Any) -> str:
    return repr(catalog.estimate(spec, 1, params, [(1024, 1024)] * references))


def test_the_price_of_an_image_comes_with_its_source() -> None:
    spec = priced([line(0.05), line(0.01, billable="input_image"), line(1e-6, "token", "input_text")])
    assert (cost(spec), cost(spec, references=2)) == ("$0.05", "$0.07")
    assert spec.price is not None
    assert spec.price.source.endswith("/api/v1/images/models/acme/paint/endpoints")


def test_a_variant_is_the_value_of_a_parameter_and_hosts_are_a_range() -> None:
    tiers = [line(0.03, variant="1k"), line(0.06, variant="2K"), line(0.12, variant="4k")]
    spec = priced(tiers, [line(0.04, variant="1k"), line(0.06, variant="2k")])
    assert (cost(spec, resolution="1K"), cost(spec, resolution="2K")) == ("$0.03–0.04", "$0.06")
    assert (cost(spec, resolution="4K"), cost(spec)) == ("$0.12", "$0.03–0.12")


def test_a_price_of_tokens_is_a_range_and_that_of_megapixels_follows_the_size() -> None:
    spec = priced([line(0.00003, "token"), line(0.000005, "token", "input_text")])
    assert cost(spec) == "$0.0057–0.72"
    assert spec.price is not None
    assert spec.price.token == "0.00003"
    flux = priced([line(0.03, "megapixel"), line(0.015, "megapixel", "input_image")])
    assert cost(flux, width=1000, height=2000, references=1) == "$0.075"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [line(None)],
        [line("NaN")],
        [line(-0.04)],
        [line(0)],
        [line(1e12)],
        [line(float("inf"))],
        [line(True)],
        [line(0.04), line("a lot", variant="4k")],
        [line(0.04, "page")],
        [line(0.04), line(0.03, "megapixel")],
        [line(0.04, billable="input_image")],
        ["odd"],
    ],
)
def test_an_odd_price_is_passed_over(lines: list[Any]) -> None:
    assert priced(lines).price is None
    shipped = priced(lines, id="bytedance-seed/seedream-4.5")
    merged = catalog.merge(catalog.load("openrouter"), {shipped.id: shipped})[shipped.id]
    assert merged.price is not None
    assert merged.price.amount == "0.04"


def test_only_a_free_model_costs_nothing() -> None:
    assert cost(priced([line(0)], id="acme/paint:free")) == "$0.00"


@pytest.mark.parametrize(("status", "asked"), [(404, 3), (503, 2), (401, 2)])
def test_prices_that_cannot_be_asked_for_cost_no_model(status: int, asked: int) -> None:
    records = [{"id": "acme/one"}, {"id": "acme/two"}]
    failed = answer({"error": {"code": status, "message": "no"}}, status)
    with ProviderServer([answer({"data": records}), failed, failed]) as server:
        found = Caller(connect(server)).run(connect(server).discover)
    assert [(spec.id, spec.price) for spec in found] == [("acme/one", None), ("acme/two", None)]
    assert len(server.requests) == asked


def test_an_answer_without_a_list_is_not_an_empty_list() -> None:
    with (
        ProviderServer([answer({"message": "maintenance"})]) as server,
        pytest.raises(errors.BadResponse, match="no list of models"),
    ):
        Caller(connect(server)).run(connect(server).discover)

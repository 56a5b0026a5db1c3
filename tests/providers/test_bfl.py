"""The special features of Black Forest Labs: its clusters, its strict schemas, its credits."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from imgplay_widget import catalog, errors
from imgplay_widget._types import Done, Pending, Reference
from imgplay_widget.providers.bfl import BlackForestLabs
from imgplay_widget.testing.server import ProviderServer, answer
from tests.providers.conftest import KEY, Caller

PICTURES = {"a" * 64: b"first", "b" * 64: b"second"}
REFERENCES = tuple(
    Reference(digest=digest, media_type="image/png", width=512, height=512) for digest in PICTURES
)


def sent(
    id: str, references: tuple[Reference, ...] = (), mask: Reference | None = None, **params: Any
) -> dict[str, Any]:
    with ProviderServer([answer({"id": "t1"})]) as server:
        provider = BlackForestLabs(f"{server.origin}/v1")
        spec = provider.model(id)
        assert spec is not None
        request = catalog.make_request(
            spec, prompt="a paper boat", params=params, references=references, mask=mask
        )
        (unit,) = provider.plan(request, spec, 5 if spec.seed != "none" else None)
        Caller(provider, files=PICTURES).submit(unit)
    (received,) = server.requests
    assert received.path == f"/v1/{id}"
    assert received.headers["x-key"] == KEY
    return received.json()


def ask(ticket: dict[str, Any], *script: Any) -> Any:
    with ProviderServer(script) as server:
        provider = BlackForestLabs(f"{server.origin}/v1")
        full = {"job": "t1", "address": f"{server.origin}/v1/get_result?id=t1", "cost": None, "unseen": 0}
        return Caller(provider).run(lambda http: provider.poll({**full, **ticket}, http))


def test_flux_3_gets_nothing_that_it_does_not_know() -> None:
    body = sent("flux-3-image", REFERENCES, aspect_ratio="16:9", resolution="2k")
    assert set(body) == {
        "prompt", "images", "aspect_ratio", "resolution", "safety_tolerance", "grounding",
    }  # fmt: skip
    assert body["images"] == ["Zmlyc3Q=", "c2Vjb25k"]


def test_a_mask_goes_beside_its_image_in_black_and_white() -> None:
    body = sent("flux-pro-1.0-fill", REFERENCES[:1], mask=REFERENCES[1], cfg=30, steps=20)
    assert (body["image"], body["mask"]) == ("Zmlyc3Q=", b64encode(b"white b").decode())
    assert (body["guidance"], body["steps"], body["seed"]) == (30, 20, 5)


def test_a_border_is_told_in_pixels() -> None:
    body = sent("flux-pro-1.0-expand", REFERENCES[:1], left=64, top=128)
    assert body["image"] == "Zmlyc3Q="
    assert (body["top"], body["bottom"], body["left"], body["right"]) == (128, 0, 64, 0)
    with pytest.raises(errors.InvalidRequest, match="needs at least 1"):
        sent("flux-pro-1.0-expand", left=64)


def test_flux_2_gets_images_in_numbered_fields_and_its_own_names() -> None:
    body = sent("flux-2-flex", REFERENCES, cfg=4.5, steps=30, width=1024, height=768, prompt_expansion=False)
    assert (body["input_image"], body["input_image_2"]) == ("Zmlyc3Q=", "c2Vjb25k")
    assert (body["guidance"], body["steps"], body["prompt_upsampling"]) == (4.5, 30, False)
    assert (body["width"], body["height"], body["seed"]) == (1024, 768, 5)
    assert not {"cfg", "prompt_expansion"} & set(body)


def test_width_and_height_are_left_to_the_model_unless_given() -> None:
    assert not {"width", "height"} & set(sent("flux-2-pro"))


def test_an_area_above_four_megapixels_is_refused_before() -> None:
    with pytest.raises(errors.InvalidRequest, match="pixels"):
        sent("flux-2-pro", width=4096, height=2048)


@pytest.mark.parametrize(
    "address",
    ["https://api.bfl.ai.example.com/v1/get_result?id=t1", "http://api.eu.bfl.ai/x", "not an address"],
)
def test_a_job_at_a_foreign_address_is_refused_before_the_key_goes_there(address: str) -> None:
    with ProviderServer([answer({"id": "t1", "polling_url": address})]) as server:
        provider = BlackForestLabs(f"{server.origin}/v1")
        spec = provider.model("flux-3-image")
        assert spec is not None
        request = catalog.make_request(spec, prompt="a paper boat", params={})
        (unit,) = provider.plan(request, spec, None)
        with pytest.raises(errors.BadResponse, match="key does not go there") as caught:
            Caller(provider).submit(unit)
    assert caught.value.maybe_billed
    assert len(server.requests) == 1


def test_the_key_goes_to_the_clusters_of_the_provider_and_nowhere_else() -> None:
    async def owned(http: Any) -> list[bool]:
        return [
            http.owns(url)
            for url in (
                "https://api.bfl.ai/v1/get_result?id=1",
                "https://api.eu.bfl.ai/v1/get_result?id=1",
                "https://api.us2.bfl.ai/v1/get_result?id=1",
                "https://delivery-eu1.bfl.ai/results/a.jpeg",
                "http://api.eu.bfl.ai/v1/get_result?id=1",
                "https://api.eu.bfl.ai:8443/v1/get_result?id=1",
                "https://api.eu.bfl.ai@example.com/v1/get_result?id=1",
                "https://api.eu.bfl.ai.example.com/",
                "https://api.x.y.bfl.ai/",
            )
        ]

    assert Caller(BlackForestLabs()).run(owned) == [True, True, True] + [False] * 6


def test_a_new_job_may_be_unknown_for_a_while() -> None:
    missing = answer({"id": "t1", "status": "Task not found"}, 404)
    pending = ask({}, missing)
    assert isinstance(pending, Pending)
    assert pending.ticket["unseen"] == 1
    assert ask({"unseen": 3}, answer({"detail": "Not Found"}, 404)).ticket["unseen"] == 4
    with pytest.raises(errors.Lost):
        ask({"unseen": 4}, missing)


def test_progress_cost_and_seed_are_told() -> None:
    assert ask({}, answer({"status": "Reasoning", "progress": 0.3})).progress == 0.3
    assert ask({}, answer({"status": "Pending", "progress": None})).progress is None
    done = ask(
        {"cost": "0.045"}, answer({"status": "Ready", "result": {"sample": "https://x.bfl.ai/a", "seed": 9}})
    )
    assert isinstance(done, Done)
    assert done.cost == "0.045"
    assert done.images[0].applied == {"seed": 9}


@pytest.mark.parametrize(("credits", "dollars"), [(3.0, "0.03"), (4.5, "0.045"), (0, "0"), (None, None)])
def test_credits_are_cents(credits: Any, dollars: str | None) -> None:
    with ProviderServer([answer({"id": "t1", "cost": credits})]) as server:
        provider = BlackForestLabs(f"{server.origin}/v1")
        spec = provider.model("flux-3-image")
        assert spec is not None
        (unit,) = provider.plan(catalog.make_request(spec, prompt="x", params={}), spec, None)
        pending = Caller(provider).submit(unit)
    cost = pending.ticket["cost"]
    assert cost is None if dollars is None else float(cost) == float(dollars)


def test_a_moderated_job_says_which_side_and_why() -> None:
    done = ask({}, answer({"status": "Request Moderated", "details": {"Moderation Reasons": ["violence"]}}))
    message = done.images[0].error.message
    assert "request" in message
    assert "violence" in message


def test_a_refused_field_is_named_without_what_was_sent() -> None:
    detail = [{"loc": ["body", "width"], "msg": "too small", "type": "value_error", "input": "secret prompt"}]
    with ProviderServer([answer({"detail": detail}, 422)]) as server:
        provider = BlackForestLabs(f"{server.origin}/v1")
        spec = provider.model("flux-2-pro")
        assert spec is not None
        (unit,) = provider.plan(catalog.make_request(spec, prompt="x", params={}), spec, 1)
        with pytest.raises(errors.BadRequest) as caught:
            Caller(provider).submit(unit)
    assert "too small (body.width)" in str(caught.value)
    assert "secret prompt" not in str(caught.value)


def test_check_asks_for_the_credits() -> None:
    with ProviderServer([answer({"credits": 12.5}), answer({"detail": "Not authenticated"}, 403)]) as server:
        provider = BlackForestLabs(f"{server.origin}/v1")
        Caller(provider).run(provider.check)
        with pytest.raises(errors.BadKey):
            Caller(provider).run(provider.check)
    assert server.requests[0].path == "/v1/credits"

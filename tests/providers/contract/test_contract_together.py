"""Together AI passes the contract, and its own cases: its names for fields, discovery."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode

import pytest

from imgplay_widget.errors import BadKey
from imgplay_widget.providers.http import Http, new_client
from imgplay_widget.providers.together import Together
from imgplay_widget.testing import png
from imgplay_widget.testing.contract import KEY, WAIT, ProviderContract, Wire
from imgplay_widget.testing.server import answer

MODELS = [
    {"id": "black-forest-labs/FLUX.2-pro", "type": "image", "display_name": "FLUX.2 [pro]"},
    {"id": "acme/brand-new", "type": "image", "display_name": "Brand New"},
    {"id": "acme/words", "type": "chat"},
    {"type": "image"},
]


class TogetherWire(Wire):
    model = "black-forest-labs/FLUX.1-kontext-pro"
    seeded = True

    @classmethod
    def connect(cls, origin):
        return Together(f"{origin}/v1")

    def answer(self, received):
        assert received.path == "/v1/images/generations"
        asked = received.json()
        assert asked["response_format"] == "base64"
        data = [
            {"index": i, "type": "b64_json", "b64_json": b64encode(self.image(i)).decode()}
            for i in range(asked["n"])
        ]
        return answer({"id": "o1", "model": asked["model"], "object": "list", "data": data})

    def half_empty(self):
        return answer({"data": [{"index": 0, "b64_json": "", "url": self.link()}]})

    def answered_by(self, model):
        return answer({"model": model, "data": [{"b64_json": b64encode(self.image()).decode()}]})

    def failures(self):
        def failed(status, message, **more):
            return answer({"error": {"message": message, "type": "x", "param": None, **more}}, status)

        return {
            "bad_key": failed(401, "Invalid API key provided", code="invalid_api_key"),
            "bad_key:403": failed(403, "forbidden"),
            "billing": failed(402, "credit limit exceeded"),
            "moderated": failed(422, "NSFW content detected in image"),
            "model_not_found": failed(404, "Unable to access model", code="model_not_found"),
            "rate_limited": failed(429, "slow down"),
            "server_error": failed(500, "oops"),
            "overloaded": failed(503, "busy"),
            "bad_gateway:502": failed(502, "bad gateway"),
            "bad_gateway:504": failed(504, "too slow"),
            "no_image": answer({"data": []}),
        }

    def rate_limits(self):
        busy = {"error": {"message": "slow down"}}
        return {
            "seconds": (answer(busy, 429, Retry_After="7"), 7.0),
            "milliseconds": (answer(busy, 429, retry_after_ms="2500"), 2.5),
            "none": (answer(busy, 429), 0.4),
        }

    def seed_of(self, received):
        return received.json()["seed"]

    def references_of(self, received):
        asked = received.json()
        pictures = asked.get("reference_images") or [asked["image_url"]]
        return [b64decode(picture.partition("base64,")[2]) for picture in pictures]


class TestTogether(ProviderContract):
    wire_type = TogetherWire

    def test_several_references_have_a_list_of_their_own(self, studio, wire):
        pictures = [png(40, 30), png(30, 40)]
        self.generate(studio, model="black-forest-labs/FLUX.2-pro", references=pictures).result(WAIT)
        assert wire.references_of(wire.submits[0]) == pictures
        assert "image_url" not in wire.submits[0].json()

    def test_parameters_go_under_their_wire_names(self, studio, wire):
        model = "black-forest-labs/FLUX.2-dev"
        self.generate(studio, model=model, cfg=4.5, steps=30, width=1024, height=768).result(WAIT)
        asked = wire.submits[0].json()
        assert (asked["guidance_scale"], asked["steps"], asked["width"], asked["height"]) == (
            4.5,
            30,
            1024,
            768,
        )
        assert "cfg" not in asked

    def test_a_model_that_takes_no_steps_gets_none(self, studio, wire):
        self.generate(studio).result(WAIT)
        assert "steps" not in wire.submits[0].json()

    def test_any_model_id_works(self, studio, wire):
        self.generate(studio, model="acme/brand-new").result(WAIT)
        asked = wire.submits[0].json()
        assert asked["model"] == "acme/brand-new"
        assert "steps" not in asked


@pytest.mark.parametrize("listed", [MODELS, {"data": MODELS}], ids=["list", "data"])
def test_discovery_keeps_what_is_known_and_adds_what_is_new(listed):
    async def ask(wire):
        provider = Together(f"{wire.origin}/v1")
        async with new_client() as client:
            return provider, await provider.discover(Http(provider, client, lambda: KEY))

    with TogetherWire([answer(listed)]) as wire:
        provider, found = asyncio.run(ask(wire))
        assert wire.requests[0].path == "/v1/models"
    assert [model.id for model in found] == ["black-forest-labs/FLUX.2-pro", "acme/brand-new"]
    assert found[0] == provider.model("black-forest-labs/FLUX.2-pro")
    assert found[1].title == "Brand New"


def test_the_list_of_models_tells_a_bad_key():
    async def ask(wire):
        provider = Together(f"{wire.origin}/v1")
        async with new_client() as client:
            await provider.check(Http(provider, client, lambda: KEY))

    refused = answer({"error": {"message": f"bad {KEY}"}}, 401)
    with TogetherWire([refused]) as wire, pytest.raises(BadKey) as caught:
        asyncio.run(ask(wire))
    assert KEY not in str(caught.value)

"""xAI passes the contract, and its own cases: silent moderation, cost, edits in JSON."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest

from imgplay_widget import Status
from imgplay_widget.errors import InvalidRequest, Moderated
from imgplay_widget.providers.xai import XAI
from imgplay_widget.testing import png
from imgplay_widget.testing.contract import WAIT, ProviderContract, Wire
from imgplay_widget.testing.server import answer


class XAIWire(Wire):
    model = "grok-imagine-image-2.0"
    native_model = "grok-imagine-image-2.0"

    @classmethod
    def connect(cls, origin):
        return XAI(f"{origin}/v1")

    def answer(self, received):
        path = received.path.rpartition("/")[2]
        asked = received.json()
        assert path == ("edits" if asked.keys() & {"image", "images"} else "generations")
        return self.images(asked["n"])

    def images(self, count, *refused, ticks=200_000_000):
        data = [
            {"b64_json": b64encode(self.image(i)).decode(), "respect_moderation": i not in refused}
            for i in range(count)
        ]
        return answer({"data": data, "usage": {"cost_in_usd_ticks": ticks * count}}, x_request_id="x-1")

    def half_empty(self):
        return answer({"data": [{"b64_json": "", "url": self.link(), "respect_moderation": True}]})

    def answered_by(self, model):
        return answer({"model": model, "data": [{"b64_json": b64encode(self.image()).decode()}]})

    def failures(self):
        def failed(status, error):
            return answer({"error": error}, status)

        return {
            "bad_key": failed(401, {"message": "Incorrect API key", "code": "unauthenticated"}),
            "bad_key:403": answer({"code": "permission-denied", "error": "no access"}, 403),
            "billing": failed(402, "no credit"),
            "moderated:empty": answer({"data": []}),
            "moderated:flag": self.images(1, 0),
            "moderated:flag without picture": answer({"data": [{"respect_moderation": False}]}),
            "moderated:words": failed(400, {"message": "violates the content policy"}),
            "moderated:code": answer({"code": "content_policy_violation", "error": "refused"}, 400),
            "model_not_found": answer({"code": "not-found", "error": "The model does not exist"}, 404),
            "rate_limited": failed(429, {"message": "slow down"}),
            "server_error": failed(500, "oops"),
            "overloaded": failed(503, "busy"),
            "bad_gateway": failed(502, "bad gateway"),
            "no_image": answer({"data": [{"respect_moderation": True}]}),
            "fewer": self.images(2),
            "fewer:moderated": self.images(3, 1),
        }

    def rate_limits(self):
        busy = {"error": {"message": "slow down"}}
        return {
            "seconds": (answer(busy, 429, Retry_After="7"), 7.0),
            "none": (answer(busy, 429), 0.4),
        }

    def references_of(self, received):
        asked = received.json()
        pictures = asked.get("images") or [asked["image"]]
        return [b64decode(picture["url"].partition("base64,")[2]) for picture in pictures]


class TestXAI(ProviderContract):
    wire_type = XAIWire

    def test_a_place_that_moderation_emptied_says_so(self, studio, wire):
        wire.script.append(wire.images(3, 1))
        batch = self.generate(studio, n=3).result(WAIT)
        assert [g.status for g in batch] == [Status.SUCCESS, Status.ERROR, Status.SUCCESS]
        assert batch[1].error.code == Moderated.code
        assert batch[2].bytes == wire.image(2)

    def test_the_cost_is_what_the_provider_says(self, studio, wire):
        batch = self.generate(studio, n=2).result(WAIT)
        assert [task.cost for task in batch._live.entry.tasks] == ["0.0400000000"]

    def test_several_references_go_together(self, studio, wire):
        pictures = [png(40, 30), png(30, 40)]
        self.generate(studio, references=pictures).result(WAIT)
        assert wire.references_of(wire.submits[0]) == pictures
        assert "image" not in wire.submits[0].json()

    def test_only_what_the_model_takes_is_sent(self, studio, wire):
        self.generate(studio, model="grok-imagine-image", aspect_ratio="16:9").result(WAIT)
        assert wire.submits[0].json().keys() == {
            "model", "prompt", "n", "response_format", "aspect_ratio", "resolution",
        }  # fmt: skip

    def test_the_provider_chooses_the_quality_unless_the_user_does(self, studio, wire):
        self.generate(studio).result(WAIT)
        self.generate(studio, quality="low").result(WAIT)
        assert [one.json().get("quality") for one in wire.submits] == [None, "low"]

    @pytest.mark.parametrize(
        "model",
        [
            "grok-imagine-image-pro",
            "grok-imagine-image-quality",
            "grok-imagine-image-quality-latest",
            "grok-imagine-image-quality-20260403",
        ],
    )
    def test_a_retired_model_names_its_successor(self, studio, wire, model):
        with pytest.raises(InvalidRequest, match=r"grok-imagine-image-2\.0"):
            self.generate(studio, model=model)
        assert wire.submits == []

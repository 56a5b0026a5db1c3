"""SiliconFlow passes the contract."""

from __future__ import annotations

import base64

import pytest

from imgplay_widget.errors import InvalidRequest
from imgplay_widget.providers.siliconflow import SiliconFlow
from imgplay_widget.testing import png
from imgplay_widget.testing.contract import WAIT, ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer


def error(status: int, code: int, message: str, **headers: str) -> Answer:
    return answer({"code": code, "message": message, "data": None}, status, **headers)


class SiliconFlowWire(Wire):
    model = "Qwen/Qwen-Image"
    seeded = True
    linked = True

    @classmethod
    def connect(cls, origin):
        return SiliconFlow(f"{origin}/v1")

    def answer(self, received):
        if received.path != "/v1/images/generations":
            return super().answer(received)
        asked = received.json()
        timings = {"inference": 1.5}
        return answer({"images": [{"url": self.link()}], "timings": timings, "seed": asked["seed"]})

    def failures(self):
        return {
            "bad_key:text": answer("Invalid token", 401),
            "bad_key:rights": error(403, 30000, "Please verify your name first."),
            "billing": error(403, 30001, "Sorry, your account balance is insufficient"),
            "model_not_found": error(400, 20012, "Model does not exist. Please check it carefully."),
            "moderated": error(451, 50501, "blocked"),
            "rate_limited": error(429, 50603, "Request was rejected due to rate limiting: IPM."),
            "server_error": error(500, 60000, "unknown"),
            "overloaded": error(503, 50505, "Model service overloaded. Please try again later."),
            "bad_gateway:502": Answer(502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
            "bad_gateway:504": Answer(504, {"Content-Type": "text/html"}, b"<html>timeout</html>"),
            "no_image": answer({"images": [], "timings": {}, "seed": 1}),
        }

    def rate_limits(self):
        return {
            "seconds": (error(429, 50603, "IPM limit reached.", Retry_After="7"), 7.0),
            "none": (error(429, 50603, "IPM limit reached."), 0.4),
        }

    def seed_of(self, received):
        return received.json().get("seed")

    def references_of(self, received):
        asked = received.json()
        fields = [asked[name] for name in ("image", "image2", "image3") if name in asked]
        return [base64.b64decode(image.partition(",")[2]) for image in fields]


class TestSiliconFlow(ProviderContract):
    wire_type = SiliconFlowWire

    def test_a_model_that_only_changes_images_sends_each_in_a_field_of_its_own(self, studio, wire):
        pictures = [png(48, 32), png(32, 48), png(40, 40)]
        model = "siliconflow:Qwen/Qwen-Image-Edit-2509"
        studio.generate("a paper boat in the rain", model=model, references=pictures).result(WAIT)
        assert wire.references_of(wire.submits[-1]) == pictures
        with pytest.raises(InvalidRequest, match="needs at least 1"):
            studio.generate("a paper boat in the rain", model=model)
        assert len(wire.submits) == 1

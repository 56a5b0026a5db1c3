"""OpenAI, and servers that speak its protocol, pass the contract."""

from __future__ import annotations

import os

from imgplay_widget.providers.openai import OpenAI
from imgplay_widget.testing.contract import ProviderContract, Wire
from tests.servers import openai_server as images_api


class OpenAIWire(Wire):
    model = "gpt-image-2"
    native_model = "gpt-image-2"

    @classmethod
    def connect(cls, origin):
        before = os.environ.get("OPENAI_BASE_URL")
        os.environ["OPENAI_BASE_URL"] = f"{origin}/v1"
        try:
            return OpenAI()
        finally:
            os.environ.pop("OPENAI_BASE_URL")
            if before is not None:
                os.environ["OPENAI_BASE_URL"] = before

    def answer(self, received):
        if received.headers["content-type"].startswith("application/json"):
            asked = received.json()
            if asked.get("stream"):
                kind = "image_edit" if "images" in asked else "image_generation"
                return images_api.stream(1, kind=kind, data=self.image(0))
            count = asked["n"]
        else:
            form = received.form()
            if form.get("stream"):
                return images_api.stream(1, kind="image_edit", data=self.image(0))
            count = int(form["n"][0])
        return self.images(count)

    def images(self, count):
        return images_api.answer({"data": [images_api.item(self.image(i)) for i in range(count)]})

    def half_empty(self):
        return images_api.answer({"data": [{"b64_json": "", "url": self.link()}]})

    def answered_by(self, model):
        return images_api.answer({"model": model, "data": [images_api.item(self.image())]})

    def failures(self):
        return {
            "bad_key": images_api.error(401, "Incorrect API key provided"),
            "billing:quota": images_api.error(429, "You exceeded your quota", code="insufficient_quota"),
            "billing:402": images_api.error(402, "no credit"),
            "moderated:code": images_api.error(400, "rejected", code="moderation_blocked"),
            "moderated:policy": images_api.error(400, "rejected", code="content_policy_violation"),
            "model_not_found": images_api.error(404, "no such model", code="model_not_found"),
            "rate_limited": images_api.error(429, "slow down"),
            "server_error": images_api.error(500, "oops"),
            "overloaded": images_api.error(503, "busy"),
            "bad_gateway:502": images_api.error(502, "bad gateway"),
            "bad_gateway:504": images_api.error(504, "too slow"),
            "no_image": images_api.answer({"data": []}),
            "fewer": lambda received: self.images(2),
        }

    def rate_limits(self):
        def busy(headers):
            return images_api.error(429, "slow down", headers=headers)

        return {
            "seconds": (busy({"Retry-After": "7"}), 7.0),
            "milliseconds": (busy({"retry-after-ms": "2500"}), 2.5),
            "none": (busy({}), 0.4),
            "garbage": (busy({"Retry-After": "soon"}), 0.4),
        }

    def references_of(self, received):
        return received.form()["image[]"]

    def mask_of(self, received):
        return received.form()["mask"][0]


class TestOpenAI(ProviderContract):
    wire_type = OpenAIWire


class CompatibleWire(OpenAIWire):
    model = "whatever-it-has"
    native_model = None
    keyed = False

    @classmethod
    def connect(cls, origin):
        return OpenAI(f"{origin}/v1", name="local")

    def failures(self):
        return {
            "moderated": images_api.error(400, "rejected", code="moderation_blocked"),
            "model_not_found": images_api.answer({"error": "no such model"}, 404),
            "server_error:text": images_api.answer({"error": "out of memory"}, 500),
            "server_error:detail": images_api.answer({"detail": "out of memory"}, 500),
            "no_image": images_api.answer({"data": []}),
        }

    def rate_limits(self):
        return {}


class TestCompatible(ProviderContract):
    wire_type = CompatibleWire

"""OpenRouter passes the contract, with models that answer at once and with models that stream."""

from __future__ import annotations

import base64
import json

from imgplay_widget.providers.openrouter import OpenRouter
from imgplay_widget.testing.contract import ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer


def failed(status, message, *, error_type=None, metadata=None, **headers):
    details = {**({"error_type": error_type} if error_type else {}), **(metadata or {})}
    error = {"code": status, "message": message, **({"metadata": details} if details else {})}
    return answer({"error": error}, status, **headers)


def gateway(status):
    return Answer(status, {"Content-Type": "text/html"}, b"<html>bad gateway</html>")


class OpenRouterWire(Wire):
    model = "bytedance-seed/seedream-4.5"
    native_model = "openai/gpt-image-2"
    seeded = True

    @classmethod
    def connect(cls, origin):
        return OpenRouter(f"{origin}/api/v1")

    def answer(self, received):
        if received.path != "/api/v1/images":
            return failed(404, f"no {received.path}")
        return self.images(received.json().get("n", 1))

    def shown(self, index):
        return {"b64_json": base64.b64encode(self.image(index)).decode(), "media_type": "image/png"}

    def images(self, count):
        return answer(
            {
                "created": 1,
                "data": [self.shown(i) for i in range(count)],
                "usage": {"total_tokens": 10, "cost": 0.04},
            }
        )

    def half_empty(self):
        return answer({"data": [{"b64_json": "", "url": self.link()}]})

    def answered_by(self, model):
        return answer({"model": model, "data": [self.shown(0)]})

    def failures(self):
        return {
            "bad_key:401": failed(401, "Invalid credentials", error_type="authentication"),
            "bad_key:403": failed(403, "Only management keys can do this", error_type="permission_denied"),
            "billing:402": failed(402, "Insufficient credits", error_type="payment_required"),
            "billing:key": failed(403, "Key limit exceeded (total limit)."),
            "billing:inside": answer({"error": {"code": 402, "message": "Insufficient credits"}}),
            "moderated:policy": failed(400, "rejected", error_type="content_policy_violation"),
            "moderated:refusal": failed(400, "I cannot draw this", error_type="refusal"),
            "moderated:flagged": failed(
                403,
                "input flagged",
                metadata={"reasons": ["violence"], "flagged_input": "a p...", "provider_name": "X"},
            ),
            "moderated:guardrail": failed(403, "Request blocked: injection", metadata={"patterns": ["x"]}),
            "moderated:inside": answer(
                {"error": {"message": "rejected", "metadata": {"error_type": "content_policy_violation"}}}
            ),
            "model_not_found": failed(404, "No endpoints found for x/y.", error_type="not_found"),
            "rate_limited": failed(429, "slow down", error_type="rate_limit_exceeded"),
            "server_error:500": failed(500, "internal", error_type="server"),
            "server_error:502": failed(502, "the provider failed", error_type="provider_unavailable"),
            "server_error:504": failed(504, "the provider is slow", error_type="timeout"),
            "overloaded:503": failed(503, "nobody is free", error_type="provider_overloaded"),
            "overloaded:529": failed(529, "overloaded"),
            "bad_gateway:502": gateway(502),
            "bad_gateway:524": gateway(524),
            "bad_gateway:524_own": failed(524, "timed out at the edge"),
            "no_image": answer({"created": 1, "data": []}),
            "no_image:empty": answer({"data": [{"b64_json": ""}]}),
            "fewer": lambda received: self.images(2),
        }

    def rate_limits(self):
        return {
            "seconds": (failed(429, "slow down", Retry_After="7"), 7.0),
            "none": (failed(429, "slow down"), 0.4),
            "garbage": (failed(429, "slow down", Retry_After="soon"), 0.4),
        }

    def seed_of(self, received):
        return received.json().get("seed")

    def references_of(self, received):
        links = [item["image_url"]["url"] for item in received.json()["input_references"]]
        assert all(link.startswith("data:image/png;base64,") for link in links)
        return [base64.b64decode(link.partition(",")[2]) for link in links]


class TestOpenRouter(ProviderContract):
    wire_type = OpenRouterWire


class StreamingWire(OpenRouterWire):
    model = "openai/gpt-image-2"
    seeded = False

    def answer(self, received):
        if not received.json().get("stream"):
            return super().answer(received)
        return self.events(
            {"type": "image_generation.partial_image", "partial_image_index": 0, **self.shown(1)},
            {"type": "image_generation.completed", **self.shown(0), "usage": {"cost": 0.011}},
        )

    def events(self, *items):
        chunks = [b": OPENROUTER PROCESSING\n\n"]
        chunks += [f"data: {json.dumps(item)}\n\n".encode() for item in items]
        return Answer(200, {"Content-Type": "text/event-stream"}, chunks=(*chunks, b"data: [DONE]\n\n"))

    def failures(self):
        partial = {"type": "image_generation.partial_image", "partial_image_index": 0, **self.shown(1)}
        return {
            "server_error:event": self.events(
                partial, {"type": "error", "error": {"message": "failed", "code": "server_error"}}
            ),
            "moderated:event": self.events(
                {"type": "error", "error": {"message": "no", "code": "content_policy_violation"}}
            ),
            "overloaded:event": self.events({"type": "error", "error": {"message": "busy", "code": 529}}),
            "billing": failed(402, "Insufficient credits"),
            "fewer": lambda received: self.images(1),
        }

    def rate_limits(self):
        return {"seconds": super().rate_limits()["seconds"]}


class TestStreaming(ProviderContract):
    wire_type = StreamingWire

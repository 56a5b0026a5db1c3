"""Tencent Hunyuan passes the contract."""

from __future__ import annotations

from base64 import b64decode

from imgplay_widget.providers.hunyuan import Hunyuan
from imgplay_widget.testing.contract import ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer


def error(status: int, kind: str, code: str, message: str = "failed", **headers: str) -> Answer:
    said = {"type": kind, "code": code, "message": message, "source": "gateway", "request_id": "r-1"}
    return answer({"error": said}, status, **headers)


class HunyuanWire(Wire):
    model = "hy-image-v3"
    seeded = True
    linked = True

    @classmethod
    def connect(cls, origin):
        return Hunyuan(f"{origin}/v1")

    def answer(self, received):
        if received.path != "/v1/wand/hunyuan-image/v3-generation":
            return super().answer(received)
        return answer({"id": "r-1", "created": 1, "data": [{"url": self.link()}]})

    def failures(self):
        return {
            "bad_key:unknown": error(401, "authentication_error", "401002"),
            "bad_key:rights": error(403, "permission_error", "403001"),
            "billing": error(402, "permission_error", "401007", "endpoint is inactive: FREE_QUOTA_EXHAUSTED"),
            "moderated": error(451, "content_filter_error", "451001"),
            "model_not_found": error(400, "invalid_request_error", "400004", "model hy-image does not exist"),
            "rate_limited": error(429, "rate_limit_error", "429001"),
            "server_error": error(500, "internal_error", "500001"),
            "overloaded": Answer(503, {"Content-Type": "text/plain"}, b"busy"),
            "bad_gateway:502": error(502, "upstream_error", "502001"),
            "bad_gateway:504": error(504, "upstream_error", "504001"),
            "no_image": answer({"id": "r-1", "created": 1, "data": []}),
        }

    def rate_limits(self):
        return {
            "seconds": (error(429, "rate_limit_error", "429001", Retry_After="7"), 7.0),
            "none": (error(429, "rate_limit_error", "429001"), 0.4),
        }

    def seed_of(self, received):
        return received.json().get("seed")


class TestHunyuan(ProviderContract):
    wire_type = HunyuanWire


class HunyuanChatWire(HunyuanWire):
    """Hy-Image 3.5: a message as in a chat, answered by the last frame of a stream."""

    model = "hy-image-v3.5-preview"

    def answer(self, received):
        if received.path != "/v1/wand/hunyuan-image/v35-generation":
            return Wire.answer(self, received)
        image = {"url": self.link(), "width": 64, "height": 64}
        return answer({"id": "r-1", "choices": [{"delta": {"type": "image", "image": image}}]})

    def failures(self):
        frame = {"id": "r-1", "choices": [{"delta": {"type": "text", "text": "done"}}]}
        return {
            **super().failures(),
            "moderated:frame": answer({"error": {"code": "451001", "message": "content_filter"}}),
            "no_image": answer(frame),
        }

    def references_of(self, received):
        (message,) = received.json()["messages"]
        links = [part["image_url"]["url"] for part in message["content"] if part["type"] == "image_url"]
        return [b64decode(link.partition(",")[2]) for link in links]


class TestHunyuanChat(ProviderContract):
    wire_type = HunyuanChatWire

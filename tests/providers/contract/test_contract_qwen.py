"""Alibaba's Model Studio passes the contract: with a model that answers at once, and with one that queues."""

from __future__ import annotations

import base64

from imgplay_widget.providers.qwen import Qwen
from imgplay_widget.testing.contract import ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer


def error(status: int, code: str, **headers: str) -> Answer:
    return answer({"code": code, "message": f"It says {code}.", "request_id": "r-1"}, status, **headers)


class QwenWire(Wire):
    model = "qwen-image-3.0-pro"
    seeded = True
    linked = True

    @classmethod
    def connect(cls, origin):
        return Qwen(f"{origin}/api/v1")

    def is_submit(self, received):
        return received.path.endswith("/generation")

    def answer(self, received):
        if received.path != "/api/v1/services/aigc/multimodal-generation/generation":
            return super().answer(received)
        assert "x-dashscope-async" not in received.headers
        return answer({"output": self.output(), "usage": {"image_count": 1}, "request_id": "r-1"})

    def output(self):
        content = [{"image": self.link()}]
        message = {"role": "assistant", "content": content}
        return {"choices": [{"finish_reason": "stop", "message": message}]}

    def failures(self):
        return {
            "bad_key:key": error(401, "InvalidApiKey"),
            "bad_key:workspace": error(403, "Workspace.AccessDenied"),
            "billing:arrears": error(400, "Arrearage"),
            "billing:free": error(403, "AllocationQuota.FreeTierOnly"),
            "moderated:content": error(400, "DataInspectionFailed"),
            "moderated:rights": error(400, "IPInfringementSuspect"),
            "model_not_found:unknown": error(404, "ModelNotFound"),
            "model_not_found:closed": error(403, "Model.AccessDenied"),
            "rate_limited": error(429, "Throttling.RateQuota"),
            "server_error": error(500, "InternalError.Algo"),
            "overloaded": error(503, "ModelUnavailable"),
            "bad_gateway:502": Answer(502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
            "bad_gateway:504": Answer(504, {"Content-Type": "text/html"}, b"<html>timeout</html>"),
            "no_image": answer({"output": {"choices": []}, "request_id": "r-1"}),
        }

    def rate_limits(self):
        return {
            "seconds": (error(429, "Throttling.AllocationQuota", Retry_After="7"), 7.0),
            "none": (error(429, "Throttling"), 0.4),
        }

    def seed_of(self, received):
        return received.json()["parameters"].get("seed")

    def references_of(self, received):
        content = received.json()["input"]["messages"][0]["content"]
        images = [part["image"] for part in content if "image" in part]
        assert "text" in content[-1]
        return [base64.b64decode(image.partition(",")[2]) for image in images]


class WanWire(QwenWire):
    model = "wan2.7-image"
    queued = True
    cancellable = True

    def __init__(self, script=()):
        super().__init__(script)
        self.failure = None

    def answer(self, received):
        if self.is_submit(received):
            assert received.path == "/api/v1/services/aigc/image-generation/generation"
            assert received.headers["x-dashscope-async"] == "enable"
            return answer({"output": {"task_id": "t-1", "task_status": "PENDING"}, "request_id": "r-1"})
        if received.path == "/api/v1/tasks/t-1/cancel":
            return answer({"request_id": "r-2"})
        assert received.path == "/api/v1/tasks/t-1"
        return answer({"output": {"task_id": "t-1", **self.status()}, "request_id": "r-2"})

    def status(self):
        if self.gone:
            return {"task_status": "UNKNOWN"}
        if self.unknown:
            return {"task_status": "RESTING"}
        if self.waiting:
            return {"task_status": "RUNNING"}
        if self.failure:
            return {"task_status": "FAILED", "code": self.failure, "message": "It failed."}
        # Each question returns fresh links.
        return {"task_status": "SUCCEEDED", **self.output()}

    def failures(self):
        def failing(code):
            def accept(received):
                self.failure = code
                return self.answer(received)

            return accept

        kept = {name: said for name, said in super().failures().items() if not name.startswith("no_image")}
        return {
            **kept,
            "moderated:job": failing("DataInspectionFailed"),
            "server_error:job": failing("InternalError.Timeout"),
            "server_error:new": failing("SomethingNew"),
        }


class TestQwen(ProviderContract):
    wire_type = QwenWire


class TestWan(ProviderContract):
    wire_type = WanWire

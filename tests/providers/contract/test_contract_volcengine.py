"""Volcengine Ark passes the contract."""

from __future__ import annotations

import base64

from imgplay_widget.providers.volcengine import Volcengine
from imgplay_widget.testing.contract import ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer


def error(status: int, code: str, **headers: str) -> Answer:
    said = {"error": {"code": code, "message": f"The request failed: {code}.", "param": "", "type": "X"}}
    return answer(said, status, **headers)


class VolcengineWire(Wire):
    model = "doubao-seedream-5-0-pro-260628"
    linked = True

    @classmethod
    def connect(cls, origin):
        return Volcengine(f"{origin}/api/v3")

    def answer(self, received):
        if received.method != "POST" or received.path != "/api/v3/images/generations":
            return super().answer(received)
        asked = received.json()
        assert {"model", "prompt", "size", "response_format", "watermark"} <= set(asked)
        item = {"url": self.link(), "size": asked["size"], "output_format": "png"}
        return answer(
            {"model": asked["model"], "created": 1, "data": [item], "usage": {"generated_images": 1}}
        )

    def answered_by(self, model):
        return answer({"model": model, "data": [{"url": self.link()}]})

    def failures(self):
        blocked = {"code": "OutputImageSensitiveContentDetected", "message": "The output may be sensitive."}
        return {
            "bad_key": error(401, "AuthenticationError"),
            "billing:overdue": error(403, "AccountOverdueError"),
            "billing:quota": error(429, "QuotaExceeded"),
            "moderated:prompt": error(400, "InputTextSensitiveContentDetected"),
            "moderated:image": error(400, "InputImageRiskDetection"),
            "moderated:item": answer({"data": [{"error": blocked}], "usage": {}}),
            "model_not_found:endpoint": error(404, "InvalidEndpointOrModel.NotFound"),
            "model_not_found:closed": error(404, "ModelNotOpen"),
            "rate_limited": error(429, "RateLimitExceeded.EndpointRPMExceeded"),
            "server_error": error(500, "InternalServiceError"),
            "overloaded": error(429, "ServerOverloaded"),
            "bad_gateway:502": Answer(502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
            "bad_gateway:504": Answer(504, {"Content-Type": "text/html"}, b"<html>timeout</html>"),
            "no_image": answer({"data": []}),
        }

    def rate_limits(self):
        return {
            "seconds": (error(429, "RateLimitExceeded.EndpointTPMExceeded", Retry_After="7"), 7.0),
            "none": (error(429, "RateLimitExceeded.EndpointTPMExceeded"), 0.4),
        }

    def references_of(self, received):
        return [base64.b64decode(image.partition(",")[2]) for image in received.json()["image"]]


class TestVolcengine(ProviderContract):
    wire_type = VolcengineWire

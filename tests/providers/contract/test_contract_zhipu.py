"""Zhipu passes the contract."""

from __future__ import annotations

from imgplay_widget.providers.zhipu import Zhipu
from imgplay_widget.testing.contract import ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer


def error(status: int, code: str, **headers: str) -> Answer:
    return answer({"error": {"code": code, "message": f"Failed with {code}."}}, status, **headers)


class ZhipuWire(Wire):
    model = "glm-image"
    linked = True

    @classmethod
    def connect(cls, origin):
        return Zhipu(f"{origin}/api/paas/v4")

    def answer(self, received):
        if received.path != "/api/paas/v4/images/generations":
            return super().answer(received)
        rules = [{"role": "assistant", "level": 3}]
        return answer({"created": 1, "data": [{"url": self.link()}], "content_filter": rules})

    def failures(self):
        return {
            "bad_key:token": error(401, "1002"),
            "bad_key:plain": error(401, "401"),
            "billing:arrears": error(429, "1113"),
            "billing:day": error(429, "1304"),
            "moderated": error(400, "1301"),
            "model_not_found": error(400, "1211"),
            "rate_limited:parallel": error(429, "1302"),
            "rate_limited:often": error(429, "1303"),
            "server_error": error(500, "500"),
            "overloaded": error(429, "1312"),
            "bad_gateway:502": Answer(502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
            "bad_gateway:504": Answer(504, {"Content-Type": "text/html"}, b"<html>timeout</html>"),
            "no_image": answer({"created": 1, "data": []}),
        }

    def rate_limits(self):
        return {
            "seconds": (error(429, "1305", Retry_After="7"), 7.0),
            "none": (error(429, "1302"), 0.4),
        }


class TestZhipu(ProviderContract):
    wire_type = ZhipuWire

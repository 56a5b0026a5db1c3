"""MiniMax passes the contract."""

from __future__ import annotations

import base64

from imgplay_widget.providers.minimax import MiniMax
from imgplay_widget.testing.contract import ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer


def code(number: int, status: int = 200, **headers: str) -> Answer:
    said = {"status_code": number, "status_msg": f"failed with {number}"}
    return answer({"id": "trace-1", "base_resp": said}, status, **headers)


class MiniMaxWire(Wire):
    model = "image-01"
    seeded = True

    @classmethod
    def connect(cls, origin):
        return MiniMax(f"{origin}/v1")

    def answer(self, received):
        if received.path != "/v1/image_generation":
            return super().answer(received)
        asked = received.json()
        images = [base64.b64encode(self.image(i)).decode() for i in range(asked["n"])]
        return self.images(images)

    def images(self, images: list[str], failed: str = "0"):
        return answer(
            {
                "id": "trace-1",
                "data": {"image_base64": images},
                "metadata": {"failed_count": failed, "success_count": str(len(images))},
                "base_resp": {"status_code": 0, "status_msg": "success"},
            }
        )

    def half_empty(self):
        return answer(
            {"data": {"image_base64": [""], "image_urls": [self.link()]}, "base_resp": {"status_code": 0}}
        )

    def failures(self):
        return {
            "bad_key:1004": code(1004),
            "bad_key:2049": code(2049),
            "billing": code(1008),
            "moderated:prompt": code(1026),
            "moderated:image": code(1027),
            "moderated:counted": self.images([], failed="1"),
            "model_not_found": answer({"error": "no such page"}, 404),
            "rate_limited:1002": code(1002),
            "rate_limited:429": code(1002, 429),
            "server_error": code(1024, 500),
            "overloaded": Answer(503, {"Content-Type": "text/plain"}, b"busy"),
            "bad_gateway:502": Answer(502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
            "bad_gateway:1001": code(1001),
            "no_image": self.images([]),
        }

    def rate_limits(self):
        return {"seconds": (code(1002, Retry_After="7"), 7.0), "none": (code(1039), 0.4)}

    def seed_of(self, received):
        return received.json().get("seed")

    def references_of(self, received):
        (subject,) = received.json()["subject_reference"]
        assert subject["type"] == "character"
        return [base64.b64decode(subject["image_file"].partition(",")[2])]


class TestMiniMax(ProviderContract):
    wire_type = MiniMaxWire

"""Stability AI passes the contract."""

from __future__ import annotations

from base64 import b64encode

from imgplay_widget.providers.stability import Stability
from imgplay_widget.testing.contract import ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer


def refused(status, name, words="refused", **headers):
    return answer({"id": "e1", "name": name, "errors": [words]}, status, **headers)


class StabilityWire(Wire):
    """A form in, one image as base64 out."""

    model = "ultra"
    seeded = True

    @classmethod
    def connect(cls, origin):
        return Stability(origin)

    def answer(self, received):
        return self.finished(self.image(0))

    def finished(self, image, reason="SUCCESS", **more):
        data = b64encode(image).decode() if image is not None else None
        return answer({"image": data, "finish_reason": reason, "seed": 123, **more})

    def failures(self):
        return {
            "bad_key": refused(401, "unauthorized"),
            "billing": refused(402, "payment_required"),
            "moderated:prompt": refused(403, "content_moderation", "Your request was flagged"),
            "moderated:image": self.finished(self.image(0), "CONTENT_FILTERED"),
            "moderated:nothing": self.finished(None, "CONTENT_FILTERED"),
            "model_not_found": refused(404, "not_found"),
            "rate_limited": refused(429, "rate_limit_exceeded"),
            "server_error": refused(500, "internal_error"),
            "overloaded": refused(503, "busy"),
            "bad_gateway:502": Answer(502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
            "bad_gateway:504": refused(504, "too_slow"),
            "no_image": self.finished(None),
        }

    def rate_limits(self):
        return {
            "seconds": (refused(429, "rate_limit_exceeded", Retry_After="7"), 7.0),
            "none": (refused(429, "rate_limit_exceeded"), 0.4),
        }

    def seed_of(self, received):
        return int(received.form()["seed"][0])

    def references_of(self, received):
        return received.form()["image"]


class TestStability(ProviderContract):
    wire_type = StabilityWire


class JobWire(StabilityWire):
    """The same form, which starts a job."""

    model = "upscale/creative"
    queued = True

    def __init__(self, script=()):
        super().__init__(script)
        self.end = None

    def answer(self, received):
        if received.method == "POST":
            return answer({"id": "job-1"})
        if self.gone:
            return refused(404, "not_found")
        if self.unknown or self.waiting:
            return answer({"id": "job-1", "status": "in-progress"}, 202)
        return self.end or self.finished(self.image(0))

    def ends(self, end):
        """Accept a form, and end its job in this way."""

        def accept(received):
            self.end = end
            return answer({"id": "job-1"})

        return accept

    def failures(self):
        at_the_end = ("moderated:image", "moderated:nothing", "no_image")
        told = super().failures()
        return {
            **{name: self.ends(end) if name in at_the_end else end for name, end in told.items()},
            "lost": self.ends(refused(404, "not_found")),
        }


class TestStabilityJob(ProviderContract):
    wire_type = JobWire

"""Replicate passes the contract."""

from __future__ import annotations

from base64 import b64decode

from imgplay_widget.providers.replicate import Replicate
from imgplay_widget.testing.contract import ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer


def problem(status, detail, **headers):
    return answer({"title": "Problem", "status": status, "detail": detail}, status, **headers)


class ReplicateWire(Wire):
    """Predictions, which are asked for and cancelled by their id."""

    model = "black-forest-labs/flux-2-pro"
    seeded = True
    queued = True
    cancellable = True
    linked = True

    def __init__(self, script=()):
        super().__init__(script)
        self.made = 0
        self.end = {}

    @classmethod
    def connect(cls, origin):
        return Replicate(f"{origin}/v1")

    def is_submit(self, received):
        return received.method == "POST" and received.path.endswith("/predictions")

    def answer(self, received):
        if self.is_submit(received):
            return self.accept(received)
        job = received.path.removesuffix("/cancel").rpartition("/")[2]
        if self.gone:
            return problem(404, "The requested resource could not be found.")
        if received.path.endswith("/cancel"):
            return answer(self.prediction(job, "canceled"))
        if self.unknown:
            return answer(self.prediction(job, "pondering"))
        if self.waiting:
            return answer(self.prediction(job, "processing", logs=" 40%|####  | 4/10"))
        return answer(self.prediction(job, **{"status": "succeeded", "output": self.link(), **self.end}))

    def prediction(self, job, status, **more):
        links = {"get": "https://replicate.example.com/get", "cancel": "https://replicate.example.com/cancel"}
        return {"id": job, "status": status, "output": None, "error": None, "urls": links, **more}

    def accept(self, received):
        self.made += 1
        return answer(self.prediction(f"p{self.made}", "starting"), 201)

    def ends(self, **end):
        """Accept a submit, and end its prediction in this way."""

        def accept(received):
            self.end = end
            return self.accept(received)

        return accept

    def answered_by(self, model):
        return self.ends(model=model)

    def failures(self):
        sensitive = "The input or output was flagged as sensitive. Please try again. (E005)"
        return {
            "bad_key": problem(401, "You did not pass a valid authentication token"),
            "billing": problem(402, "You have insufficient credit to run this model."),
            "moderated:input": self.ends(status="failed", error=sensitive),
            "moderated:output": self.ends(status="failed", error="NSFW content detected. Try again."),
            "model_not_found": problem(404, "The requested resource could not be found."),
            "rate_limited": problem(429, "Request was throttled."),
            "server_error:submit": problem(500, "oops"),
            "server_error:job": self.ends(status="failed", error="CUDA out of memory"),
            "overloaded": problem(503, "busy"),
            "bad_gateway:502": Answer(502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
            "bad_gateway:504": problem(504, "too slow"),
            "no_image": self.ends(output=[]),
            "lost": self.ends(output=None, data_removed=True),
        }

    def rate_limits(self):
        return {
            "seconds": (problem(429, "slow down", Retry_After="7"), 7.0),
            "words": (problem(429, "Request was throttled. Your rate limit resets in ~30s."), 30.0),
            "none": (problem(429, "slow down"), 0.4),
        }

    def seed_of(self, received):
        return received.json()["input"]["seed"]

    def references_of(self, received):
        return [b64decode(uri.partition(",")[2]) for uri in received.json()["input"]["input_images"]]


class TestReplicate(ProviderContract):
    wire_type = ReplicateWire

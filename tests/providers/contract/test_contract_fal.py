"""fal passes the contract."""

from __future__ import annotations

from base64 import b64decode

from imgplay_widget.providers.fal import Fal
from imgplay_widget.testing.contract import ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer


def refused(kind, status=422, **headers):
    detail = [{"loc": ["body", "prompt"], "msg": "not this", "type": kind, "input": "what was sent"}]
    return answer({"detail": detail}, status, **headers)


class FalWire(Wire):
    """The queue. A submit returns the addresses of status and result."""

    model = "fal-ai/nano-banana-2/edit"
    native_model = "openai/gpt-image-2"
    seeded = True
    queued = True
    cancellable = True
    linked = True

    def __init__(self, script=()):
        super().__init__(script)
        self.jobs = {}
        self.result = None
        self.status = {}

    @classmethod
    def connect(cls, origin):
        return Fal(origin)

    def answer(self, received):
        path = received.path.partition("?")[0]
        if received.method == "POST":
            return self.accept(received)
        if self.gone:
            return answer({"detail": "Request not found"}, 404)
        if path.endswith("/cancel"):
            return answer({"status": "CANCELLATION_REQUESTED"}, 202)
        if path.endswith("/status"):
            if self.unknown:
                return answer({"status": "PONDERING"}, 202)
            if self.waiting:
                return answer({"status": "IN_PROGRESS", "logs": [{"message": " 40%|####  |"}]}, 202)
            return answer({"status": "COMPLETED", "logs": [], **self.status})
        if self.result is not None:
            return self.result
        if path.rpartition("/")[2] not in self.jobs:
            return answer({"detail": "Request not found"}, 404)
        n = self.jobs[path.rpartition("/")[2]]
        return self.finished(n)

    def accept(self, received):
        job = f"job-{len(self.jobs)}"
        self.jobs[job] = received.json().get("num_images", 1)
        base = f"{self.origin}/{'/'.join(received.path.split('/')[1:3])}/requests/{job}"
        return answer(
            {
                "status": "IN_QUEUE",
                "request_id": job,
                "queue_position": 0,
                "response_url": base,
                "status_url": f"{base}/status",
                "cancel_url": f"{base}/cancel",
            }
        )

    def finished(self, n, **more):
        return answer({"images": [{"url": self.link(i)} for i in range(n)], "seed": 7, **more})

    def ends(self, result, **status):
        """Accept a submit, and end its job in this way."""

        def accept(received):
            self.result, self.status = result, status
            return self.accept(received)

        return accept

    def failures(self):
        flagged = {"images": [{"url": "https://v3.fal.media/black.png"}], "has_nsfw_concepts": [True]}
        return {
            "bad_key": answer({"detail": "Invalid credentials"}, 401),
            "billing:402": answer({"detail": "no credit"}, 402),
            "billing:locked": answer({"detail": "User is locked. Reason: Exhausted balance."}, 403),
            "moderated:submit": refused("content_policy_violation"),
            "moderated:result": self.ends(refused("content_policy_violation")),
            "moderated:black": self.ends(answer(flagged)),
            "model_not_found": answer({"detail": "Application not found"}, 404),
            "rate_limited": answer({"detail": "slow down"}, 429),
            "server_error:submit": answer({"detail": "oops", "error_type": "internal_server_error"}, 500),
            "server_error:job": self.ends(
                refused("internal_server_error", 500), error="it broke", error_type="internal_server_error"
            ),
            "server_error:header": self.ends(refused("generation_timeout", 504, x_fal_error_type="timeout")),
            "overloaded": answer({"detail": "busy"}, 503),
            "bad_gateway:502": Answer(502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
            "bad_gateway:504": answer({"detail": "too slow"}, 504),
            "no_image:said": self.ends(refused("no_media_generated")),
            "no_image:empty": self.ends(answer({"images": []})),
            "fewer": self.fewer,
            "lost": self.ends(answer({"detail": "Request not found"}, 404)),
        }

    def fewer(self, received):
        self.result = self.finished(2)
        return self.accept(received)

    def rate_limits(self):
        return {
            "seconds": (answer({"detail": "slow down"}, 429, Retry_After="7"), 7.0),
            "none": (answer({"detail": "slow down"}, 429), 0.4),
        }

    def seed_of(self, received):
        return received.json()["seed"]

    def references_of(self, received):
        return [b64decode(uri.partition(",")[2]) for uri in received.json()["image_urls"]]


class TestFal(ProviderContract):
    wire_type = FalWire

"""Black Forest Labs passes the contract."""

from __future__ import annotations

from base64 import b64decode

from imgplay_widget.providers.bfl import BlackForestLabs
from imgplay_widget.testing.contract import ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer


class BlackForestLabsWire(Wire):
    """Jobs of one image. A submit returns the address of the job."""

    model = "flux-2-pro"
    seeded = True
    queued = True
    linked = True

    def __init__(self, script=()):
        super().__init__(script)
        self.made = 0
        self.end = None

    @classmethod
    def connect(cls, origin):
        return BlackForestLabs(f"{origin}/v1")

    def answer(self, received):
        if received.method == "POST":
            return self.accept(received)
        job = received.path.partition("id=")[2]
        if self.gone:
            return answer({"id": job, "status": "Task not found", "result": None}, 404)
        if self.unknown:
            return answer({"id": job, "status": "Pondering"})
        if self.waiting:
            return answer({"id": job, "status": "Generating", "progress": 0.4})
        return self.end or answer(
            {"id": job, "status": "Ready", "result": {"sample": self.link(), "seed": 7}}
        )

    def accept(self, received):
        self.made += 1
        job = f"job-{self.made}"
        return answer(
            {"id": job, "polling_url": f"{self.origin}/v1/get_result?id={job}", "cost": 3.0, "input_mp": 0}
        )

    def ends(self, status, code=200, **more):
        """Accept a submit, and end its job in this way."""

        def accept(received):
            self.end = answer({"id": "job", "status": status, "result": None, **more}, code)
            return self.accept(received)

        return accept

    def failures(self):
        reasons = {"reasons": ["example"]}
        return {
            "bad_key:401": answer({"detail": "Invalid key"}, 401),
            "bad_key:403": answer({"detail": "Not authenticated"}, 403),
            "billing": answer({"detail": "Insufficient credits"}, 402),
            "moderated:request": self.ends("Request Moderated", details=reasons),
            "moderated:content": self.ends("Content Moderated", details=reasons),
            "moderated:422": self.ends("Content Moderated", 422, details=reasons),
            "model_not_found": answer({"detail": "Not Found"}, 404),
            "rate_limited": answer({"detail": "too many tasks"}, 429),
            "server_error:submit": answer({"error": "internal", "message": "oops", "details": None}, 500),
            "server_error:error": self.ends("Error", details={"error": "it broke"}),
            "server_error:failed": self.ends("Failed", 422),
            "overloaded": answer({"detail": "busy"}, 503),
            "bad_gateway:502": Answer(502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
            "bad_gateway:504": answer({"detail": "too slow"}, 504),
            "no_image": self.ends("Ready"),
            "lost": self.ends("Task not found"),
        }

    def rate_limits(self):
        return {
            "seconds": (answer({"detail": "slow down"}, 429, Retry_After="7"), 7.0),
            "body": (answer({"error": "rate_limit", "retry_after": 9}, 429), 9.0),
            "none": (answer({"detail": "slow down"}, 429), 0.4),
        }

    def seed_of(self, received):
        return received.json()["seed"]

    def references_of(self, received):
        return [b64decode(data) for name, data in received.json().items() if name.startswith("input_image")]


class TestBlackForestLabs(ProviderContract):
    wire_type = BlackForestLabsWire

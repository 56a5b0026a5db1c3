"""Gemini passes the contract."""

from __future__ import annotations

import base64
import re

from imgplay_widget.providers.gemini import Gemini
from imgplay_widget.testing.contract import ProviderContract, Wire
from imgplay_widget.testing.server import answer


def failed(status, message, *, kind="INVALID_ARGUMENT", details=(), **headers):
    body = {"error": {"code": status, "message": message, "status": kind, "details": list(details)}}
    return answer(body, status, **headers)


def refused(reason, **fields):
    """Return an answer with HTTP 200 and a candidate without an image."""
    return answer({"candidates": [{"index": 0, "finishReason": reason, **fields}], "usageMetadata": {}})


def blocked(reason, **fields):
    return answer({"promptFeedback": {"blockReason": reason}, "usageMetadata": {}, **fields})


def exhausted(*details):
    return failed(429, "quota exceeded", kind="RESOURCE_EXHAUSTED", details=details)


def wait_of(delay):
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def quota(quota_id):
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaMetric": "requests", "quotaId": quota_id}],
    }


def reason(name):
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": name}


SAFETY_REASONS = (
    "SAFETY",
    "PROHIBITED_CONTENT",
    "BLOCKLIST",
    "SPII",
    "RECITATION",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
)


class GeminiWire(Wire):
    model = "gemini-nano-banana-2.1"
    seeded = True

    @classmethod
    def connect(cls, origin):
        return Gemini(origin)

    def answer(self, received):
        if not re.fullmatch(r"/v1(beta)?/models/[\w.-]+:generateContent", received.path):
            return failed(404, f"no {received.path}", kind="NOT_FOUND")
        parts = [
            {"text": "Let me see.", "thought": True},
            {"inlineData": {"mimeType": "image/png", "data": self.shown(3)}, "thought": True},
            {"text": "Here it is."},
            {"inlineData": {"mimeType": "image/png", "data": self.shown(0)}, "thoughtSignature": "c2ln"},
        ]
        return answer(
            {
                "candidates": [
                    {"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": parts}}
                ],
                "usageMetadata": {"totalTokenCount": 1301},
                "modelVersion": self.model,
                "responseId": "r-1",
            }
        )

    def shown(self, index):
        return base64.b64encode(self.image(index)).decode()

    def answered_by(self, model):
        inline = {"inlineData": {"mimeType": "image/png", "data": self.shown(0)}}
        return answer({"candidates": [{"content": {"parts": [inline]}}], "modelVersion": model})

    def failures(self):
        thought = {"inlineData": {"mimeType": "image/png", "data": self.shown(3)}, "thought": True}
        return {
            "bad_key:400": failed(
                400, "API key not valid. Please pass one.", details=[reason("API_KEY_INVALID")]
            ),
            "bad_key:words": failed(400, "API key expired. Please renew the API key."),
            "bad_key:401": failed(401, "no credentials", kind="UNAUTHENTICATED"),
            "bad_key:403": failed(403, "not allowed", kind="PERMISSION_DENIED"),
            "billing:day": exhausted(
                quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), wait_of("17s")
            ),
            "billing:none": failed(
                429, "Quota exceeded for metric: requests, limit: 0", kind="RESOURCE_EXHAUSTED"
            ),
            "billing:off": failed(400, "Please enable billing on the project", kind="FAILED_PRECONDITION"),
            "billing:403": failed(403, "off", kind="PERMISSION_DENIED", details=[reason("BILLING_DISABLED")]),
            **{f"moderated:{word}": refused(word) for word in SAFETY_REASONS},
            **{
                f"moderated:prompt_{word}": blocked(word)
                for word in ("SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY")
            },
            "moderated:empty_candidates": blocked("SAFETY", candidates=[]),
            "moderated:message": refused("IMAGE_SAFETY", finishMessage="It was unsafe.", content={}),
            "moderated:thought": refused("IMAGE_SAFETY", content={"parts": [thought]}),
            "model_not_found": failed(404, "models/x is not found", kind="NOT_FOUND"),
            "rate_limited": exhausted(quota("GenerateRequestsPerMinutePerProject")),
            "server_error": failed(500, "internal", kind="INTERNAL"),
            "overloaded": failed(503, "the model is overloaded", kind="UNAVAILABLE"),
            "bad_gateway:502": failed(502, "bad gateway", kind="INTERNAL"),
            "bad_gateway:504": failed(504, "too slow", kind="DEADLINE_EXCEEDED"),
            "no_image:words": refused("STOP", content={"parts": [{"text": "What shall it be?"}]}),
            "no_image:nothing": refused("STOP", content={"parts": []}),
            "no_image:thought": refused("STOP", content={"parts": [thought]}),
            "no_image:NO_IMAGE": refused("NO_IMAGE"),
            "no_image:IMAGE_OTHER": refused("IMAGE_OTHER", finishMessage="Try another prompt."),
            "no_image:OTHER": refused("OTHER"),
            "no_image:MAX_TOKENS": refused("MAX_TOKENS", content={"parts": []}),
            "no_image:new_word": refused("A_WORD_OF_TOMORROW"),
            "no_image:no_candidates": answer({"usageMetadata": {}}),
        }

    def rate_limits(self):
        return {
            "retry_info": (exhausted(wait_of("17s")), 17.0),
            "fraction": (exhausted(quota("PerMinute"), wait_of("2.5s")), 2.5),
            "header": (failed(429, "slow down", kind="RESOURCE_EXHAUSTED", Retry_After="7"), 7.0),
            "words": (
                failed(429, "Quota exceeded. Please retry in 9.25s.", kind="RESOURCE_EXHAUSTED"),
                9.25,
            ),
            "garbage": (exhausted(wait_of("soon")), 0.4),
            "none": (exhausted(), 0.4),
        }

    def seed_of(self, received):
        return received.json()["generationConfig"].get("seed")

    def references_of(self, received):
        (content,) = received.json()["contents"]
        return [
            base64.b64decode(part["inlineData"]["data"]) for part in content["parts"] if "inlineData" in part
        ]


class TestGemini(ProviderContract):
    wire_type = GeminiWire

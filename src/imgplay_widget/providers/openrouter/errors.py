"""Read the errors of OpenRouter.

The page "Errors and Debugging" (OpenRouterTeam/docs, 2026-08-22) lists its error codes. The page "Image
Generation" there says that a failed run is never billed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgplay_widget.errors import BadRequest, BillingError, Moderated, ProviderError
from imgplay_widget.providers._shared.answers import rows, table, text
from imgplay_widget.providers._shared.failures import failure
from imgplay_widget.providers._shared.wire import json_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget.providers.http import Http, Reply

__all__ = ["error_from"]

_STATUS = {
    "authentication": 401,
    "payment_required": 402,
    "permission_denied": 403,
    "not_found": 404,
    "rate_limit_exceeded": 429,
    "provider_unavailable": 502,
    "provider_overloaded": 503,
    "timeout": 504,
}
"""The status of errors inside an answer that began as a success. The code of any other type decides."""
_MODERATED = ("content_policy_violation", "refusal")
_FLAGGED = ("moderation", "flagged", "guardrail", "blocked", "content policy", "safety")


def error_from(reply: Reply, http: Http) -> ProviderError:
    """Return the error that an answer stands for, with OpenRouter's own words.

    Args:
        reply: the answer; its status is not 2xx, or its body or the event in it holds an error.
        http: the provider's client.
    """
    body = table(json_of(reply.body))
    error = table(body.get("error"))
    details = table(error.get("metadata"))
    name = text(details.get("error_type")) or text(error.get("type")) or text(error.get("code"))
    status = _status(reply, error, name)
    if status == 404 and not error:
        return failure(
            reply,
            http,
            message=f"{http.provider.spec.title} has no such address (HTTP 404).",
            next_step=f"Check the base URL {http.redact(http.provider.origin())}: it must end in /api/v1.",
        )
    words = text(error.get("message"))
    limited = status == 403 and "limit exceeded" in words.lower()
    return failure(
        reply,
        http,
        _sentence(words or f"HTTP {status}", details, http),
        kind=_kind(status, name, words, details),
        status=status,
        next_step="Raise the key's own limit, or use another key." if limited else None,
        # A gateway in front of OpenRouter has other words, and the run behind it may still end well.
        never_billed=bool(error) and status in (502, 504),
    )


def _kind(status: int, name: str, words: str, details: Mapping[str, Any]) -> type[ProviderError] | None:
    """Return the class of error that the words stand for; None if the status decides."""
    if name in _MODERATED or (status == 403 and _flagged(details, words)):
        return Moderated
    if (status == 403 and "limit exceeded" in words.lower()) or (status == 429 and "per-day" in words):
        return BillingError
    return BadRequest if name == "image_not_found" else None


def _status(reply: Reply, error: Mapping[str, Any], kind: str) -> int:
    if not reply.ok:
        return reply.status
    code = error.get("code")
    if isinstance(code, int) and 400 <= code < 600:
        return code
    return _STATUS.get(kind, 400 if kind.startswith(("invalid", "image_", "unsupported")) else 500)


def _sentence(words: str, details: Mapping[str, Any], http: Http) -> str:
    reasons = [http.redact(reason)[:80] for reason in rows(details.get("reasons")) if isinstance(reason, str)]
    host = text(details.get("provider_name"))
    extra = ", ".join([*([f"by {http.redact(host)[:40]}"] if host else []), *reasons[:5]])
    return f"{http.redact(words)[:400].strip()} ({extra})" if extra else words


def _flagged(details: Mapping[str, Any], words: str) -> bool:
    named = any(name in details for name in ("reasons", "flagged_input", "patterns"))
    return named or any(word in words.lower() for word in _FLAGGED)

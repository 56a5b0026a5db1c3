"""What an error answer of OpenRouter means.

Its typed error codes are those of the page "Errors and Debugging" (OpenRouterTeam/docs, 2026-08-22). That a
run which fails is never billed says the page "Image Generation" there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgplay_widget.errors import (
    BadKey,
    BadRequest,
    BadResponse,
    BillingError,
    ModelNotFound,
    Moderated,
    Overloaded,
    ProviderError,
    RateLimited,
    ServerError,
)
from imgplay_widget.providers._shared.answers import rows, table, text
from imgplay_widget.providers.http import retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imgplay_widget._types import ProviderSpec
    from imgplay_widget.providers.http import Reply

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
"""For errors inside of an answer that began well; all other types are refusals or failures by their code."""
_MODERATED = ("content_policy_violation", "refusal")
_FLAGGED = ("moderation", "flagged", "guardrail", "blocked", "content policy", "safety")


def error_from(
    reply: Reply, *, provider: ProviderSpec, redact: Callable[[str], str], base_url: str
) -> ProviderError:
    """Gives the error that an answer stands for, with OpenRouter's own words, without keys.

    Args:
        reply: the answer; its status is not 2xx, or its body (or the event in it) is an error all the same.
        provider: whose answer it is.
        redact: takes keys out of a text.
        base_url: for the hint where the address looks wrong.
    """
    body = _json(reply)
    error = table(body.get("error"))
    details = table(error.get("metadata"))
    kind = text(details.get("error_type")) or text(error.get("type")) or text(error.get("code"))
    status = _status(reply, error, kind)
    message = _message(provider, error, details, status, redact)
    common: dict[str, Any] = {"provider": provider.name, "request_id": reply.request_id}
    wait = retry_after(reply.headers, body)
    if kind in _MODERATED or (status == 403 and _flagged(details, message)):
        return Moderated(message, **common)
    match status:
        case 402:
            return BillingError(message, **common)
        case 403 if "limit exceeded" in message.lower():
            return BillingError(message, next_step="Raise the key's own limit, or use another key.", **common)
        case 401 | 403:
            return BadKey(message, **common)
        case 404 if not error:
            return ModelNotFound(
                f"{provider.title} has no such address (HTTP 404).",
                next_step=f"Check the base URL {redact(base_url)}: it must end in /api/v1.",
                **common,
            )
        case 404 if kind != "image_not_found":
            return ModelNotFound(message, **common)
        case 429 if "per-day" in message:
            return BillingError(message, **common)
        case 429:
            return RateLimited(message, retry_after=wait, **common)
        case 503 | 529:
            return Overloaded(message, retry_after=wait, **common)
        case _:
            return _rest(status, message, wait, spoken=bool(error), common=common)


def _rest(
    status: int, message: str, wait: float | None, *, spoken: bool, common: dict[str, Any]
) -> ProviderError:
    if 300 <= status < 400:
        return BadResponse(
            f"OpenRouter redirects to another address (HTTP {status}).",
            next_step="Set the base URL to the address that it redirects to.",
            maybe_billed=False,
            **common,
        )
    if status < 500 and status != 408:
        return BadRequest(message, **common)
    # A failed run is not billed, and OpenRouter itself says that it failed. Where the words are not its own,
    # a gateway before it gave up waiting, and the run may still end well.
    unknown = status in (408, 502, 504) or status >= 520
    return ServerError(
        message,
        maybe_billed=unknown and not (spoken and status in (502, 504)),
        retry_after=wait,
        **common,
    )


def _status(reply: Reply, error: Mapping[str, Any], kind: str) -> int:
    if not reply.ok:
        return reply.status
    code = error.get("code")
    if isinstance(code, int) and 400 <= code < 600:
        return code
    return _STATUS.get(kind, 400 if kind.startswith(("invalid", "image_", "unsupported")) else 500)


def _message(
    provider: ProviderSpec,
    error: Mapping[str, Any],
    details: Mapping[str, Any],
    status: int,
    redact: Callable[[str], str],
) -> str:
    words = redact(text(error.get("message")))[:500].strip() or f"HTTP {status}"
    reasons = [redact(reason)[:80] for reason in rows(details.get("reasons")) if isinstance(reason, str)]
    host = text(details.get("provider_name"))
    extra = ", ".join([*([f"by {redact(host)[:40]}"] if host else []), *reasons[:5]])
    return f"{provider.title}: {words} ({extra})" if extra else f"{provider.title}: {words}"


def _flagged(details: Mapping[str, Any], message: str) -> bool:
    named = any(name in details for name in ("reasons", "flagged_input", "patterns"))
    return named or any(word in message.lower() for word in _FLAGGED)


def _json(reply: Reply) -> dict[str, Any]:
    try:
        return table(reply.json())
    except (ValueError, RecursionError):
        return {}

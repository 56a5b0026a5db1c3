"""What an error answer of the Images API, or of a server that speaks it, means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

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
from imgplay_widget.providers.http import retry_after

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgplay_widget._types import ProviderSpec
    from imgplay_widget.providers.http import Reply

__all__ = ["error_from"]

_BILLING = ("insufficient_quota", "billing_hard_limit", "billing_not_active", "insufficient_credit")
_MODERATED = (
    "moderation_blocked",
    "content_policy",
    "content_filter",
    "safety system",
    "content policy",
    "nsfw",
)
_MODEL = ("model_not_found", "does not exist", "model not found", "unknown model", "not have access to model")


def error_from(
    reply: Reply, *, provider: ProviderSpec, redact: Callable[[str], str], base_url: str
) -> ProviderError:
    """Gives the error that an answer stands for, with the provider's own words, without keys.

    Args:
        reply: the answer; its status is not 2xx, or its body is an error all the same.
        provider: whose answer it is.
        redact: takes keys out of a text.
        base_url: for the hint where the address looks wrong.
    """
    body = _json(reply)
    words, marks = _words(body)
    shown = redact(words)[:500].strip() or f"HTTP {reply.status}"
    message = f"{provider.title}: {shown}"
    common: dict[str, Any] = {"provider": provider.name, "request_id": reply.request_id}
    wait = retry_after(reply.headers, body)
    if reply.status == 402 or _has(marks, _BILLING):
        return BillingError(message, **common)
    match reply.status:
        case 401:
            return BadKey(message, **common)
        case 403 if not _has(marks, _MODEL) and not _has(marks, _MODERATED):
            return BadKey(message, **common)
        case 429:
            return RateLimited(message, retry_after=wait, **common)
        case 404 if body is None:
            return ModelNotFound(
                f"{provider.title} has no such address (HTTP 404).",
                next_step=f"Check the base URL {redact(base_url)}: it must end in /v1 or alike.",
                **common,
            )
        case 503 | 529:
            return Overloaded(message, retry_after=wait, **common)
        case 408 | 502 | 504:
            # A gateway gave up waiting; what stands behind it may be at work.
            return ServerError(message, maybe_billed=True, retry_after=wait, **common)
        case status if status >= 500:
            # 520 to 524 are gateways too.
            return ServerError(message, maybe_billed=status >= 520, retry_after=wait, **common)
        case status if 300 <= status < 400:
            return BadResponse(
                f"{provider.title} redirects to another address (HTTP {status}).",
                next_step="Set the base URL to the address that it redirects to.",
                maybe_billed=False,
                **common,
            )
        case _:
            return _refusal(reply.status, message, marks, common)


def _refusal(status: int, message: str, marks: str, common: dict[str, Any]) -> ProviderError:
    if _has(marks, _MODERATED):
        return Moderated(message, **common)
    if status == 404 or _has(marks, _MODEL):
        return ModelNotFound(message, **common)
    if "rate_limit" in marks:
        return RateLimited(message, **common)
    if "server_error" in marks:
        return ServerError(message, maybe_billed=True, **common)
    return BadRequest(message, **common)


def _has(marks: str, words: tuple[str, ...]) -> bool:
    return any(word in marks for word in words)


def _json(reply: Reply) -> object:
    try:
        return reply.json()
    except (ValueError, RecursionError):
        return None


def _words(body: object) -> tuple[str, str]:
    """The provider's sentence, and all that tells what kind of error it is, in lower case.

    Servers differ: ``{"error": {"message", "type", "param", "code"}}``, ``{"error": "text", "code"}``,
    ``{"error": ["text"]}``, ``{"detail": …}``, or the fields at the top.
    """
    table = _table(body)
    error = table.get("error", table)
    if isinstance(error, (str, list)):
        sentence = _sentence(cast("object", error))
        return sentence, f"{sentence} {table.get('code') or ''}".lower()
    inner = _table(error)
    said = inner.get("message") or inner.get("detail") or table.get("detail") or table.get("message") or ""
    sentence = _sentence(said)
    param = inner.get("param")
    if isinstance(param, str) and param and param not in sentence:
        sentence = f"{sentence} (parameter {param})"
    marks = [sentence, inner.get("code"), inner.get("type")]
    return sentence, " ".join(str(mark) for mark in marks if mark).lower()


def _sentence(said: object) -> str:
    """Words of any shape; FastAPI's list of wrong fields as "field: what is wrong"."""
    if isinstance(said, list):
        return "; ".join(_sentence(item) for item in cast("list[object]", said))
    table = _table(said)
    if not isinstance(table.get("msg"), str):
        return said if isinstance(said, str) else str(said)
    place = table.get("loc")
    field = cast("list[object]", place)[-1] if isinstance(place, list) and place else ""
    return f"{field}: {table['msg']}" if field else str(table["msg"])


def _table(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}

"""Read the errors of the Images API and of servers that speak its protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from imgplay_widget.errors import (
    BadRequest,
    BillingError,
    Moderated,
    ProviderError,
    RateLimited,
    ServerError,
)
from imgplay_widget.providers._shared.failures import failure
from imgplay_widget.providers._shared.wire import json_of

if TYPE_CHECKING:
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["error_from"]

_BILLING = (
    "insufficient_quota",
    "billing_hard_limit",
    "billing_not_active",
    "insufficient_credit",
    "spending limit",
    "all available credits",
)
_MODERATED = (
    "moderation_blocked",
    "content_policy",
    "content_filter",
    "safety system",
    "content policy",
    "nsfw",
)


def error_from(reply: Reply, http: Http) -> ProviderError:
    """Return the error that an answer stands for, with the provider's own words.

    Args:
        reply: the answer; its status is not 2xx, or its body holds an error.
        http: the provider's client.
    """
    body = json_of(reply.body)
    words, marks = _words(body)
    if reply.status == 404 and body is None:
        base_url = http.redact(http.provider.origin())
        return failure(
            reply,
            http,
            message=f"{http.provider.spec.title} has no such address (HTTP 404).",
            next_step=f"Check the base URL {base_url}; it ends in /v1 at most servers.",
        )
    return failure(reply, http, words, kind=_kind(reply, marks))


def _kind(reply: Reply, marks: str) -> type[ProviderError] | None:
    """Return the class of error that the words stand for; None if the status decides."""
    if reply.status == 402 or _has(marks, _BILLING):
        return BillingError
    if reply.status in (401, 408, 429, 499) or 300 <= reply.status < 400 or reply.status >= 500:
        return None
    if _has(marks, _MODERATED):
        return Moderated
    if reply.status in (403, 404, 410, 425, 451):
        return None
    if "rate_limit" in marks:
        return RateLimited
    return ServerError if "server_error" in marks else BadRequest


def _has(marks: str, words: tuple[str, ...]) -> bool:
    return any(word in marks for word in words)


def _words(body: object) -> tuple[str, str]:
    """Return the provider's sentence, and all words that tell the kind of the error, in lower case.

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
    """Return words of any shape as one sentence; FastAPI's wrong fields become "field: what is wrong"."""
    if isinstance(said, list):
        return "; ".join(_sentence(item) for item in cast("list[object]", said))
    table = _table(said)
    if not isinstance(table.get("msg"), str):
        return said if isinstance(said, str) else str(said)
    path = table.get("loc")
    field = cast("list[object]", path)[-1] if isinstance(path, list) and path else ""
    return f"{field}: {table['msg']}" if field else str(table["msg"])


def _table(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}

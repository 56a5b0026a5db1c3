"""What an error answer of a Google API means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from imgplay_widget.errors import (
    BadKey,
    BadRequest,
    BadResponse,
    BillingError,
    ModelNotFound,
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

_KEY = re.compile(r"api[ _]key[ _](not valid|invalid|expired|not found|service_blocked)", re.IGNORECASE)
_USED_UP = re.compile(r"perday|limit: 0\b|credits are depleted|spending cap", re.IGNORECASE)
"""Quotas that no wait within a task brings back: of the day, none at all, prepaid, or the user's own."""
_SOON = re.compile(r"retry in ([\d.]+) ?s")


def error_from(
    reply: Reply, *, provider: ProviderSpec, redact: Callable[[str], str], base_url: str
) -> ProviderError:
    """Gives the error that an answer stands for, with Google's own words, without keys.

    Args:
        reply: the answer; its status is not 2xx, or its body is an error all the same.
        provider: whose answer it is.
        redact: takes keys out of a text.
        base_url: for the hint where the address looks wrong.
    """
    body = _json(reply)
    error = table(body.get("error"))
    words = text(error.get("message"))
    marks = " ".join([words, text(error.get("status")), *_reasons(error)])
    shown = redact(words)[:500].strip() or f"HTTP {reply.status}"
    message = f"{provider.title}: {shown}"
    common: dict[str, Any] = {"provider": provider.name, "request_id": reply.request_id}
    wait = retry_after(reply.headers, body)
    match reply.status:
        case 429:
            return _limited(message, marks, wait, common)
        case 404 if not error:
            return ModelNotFound(
                f"{provider.title} has no such address (HTTP 404).",
                next_step=f"Check the base URL {redact(base_url)}.",
                **common,
            )
        case 404:
            return ModelNotFound(message, **common)
        case 402:
            return BillingError(message, **common)
        case 503 | 529:
            return Overloaded(message, retry_after=wait, **common)
        case status if status >= 500:
            # 502, 504 and 520 to 524 are gateways that gave up waiting; what stands behind may be at work.
            return ServerError(
                message, maybe_billed=status in (502, 504) or status >= 520, retry_after=wait, **common
            )
        case 408 | 499:
            return ServerError(message, maybe_billed=True, retry_after=wait, **common)
        case status if 300 <= status < 400:
            return BadResponse(
                f"{provider.title} redirects to another address (HTTP {status}).",
                next_step="Set the base URL to the address that it redirects to.",
                maybe_billed=False,
                **common,
            )
        case _:
            return _refusal(reply.status, message, marks, common)


def _limited(message: str, marks: str, wait: float | None, common: dict[str, Any]) -> ProviderError:
    if _USED_UP.search(marks):
        return BillingError(
            message,
            next_step="Use a model or project with quota left, turn billing on, or wait for the next day.",
            **common,
        )
    if wait is None and (soon := _SOON.search(marks)):
        wait = float(soon[1].rstrip("."))
    return RateLimited(message, retry_after=wait, **common)


def _refusal(status: int, message: str, marks: str, common: dict[str, Any]) -> ProviderError:
    # Google answers 400 to a key that it does not know.
    if status == 401 or "API_KEY_" in marks or _KEY.search(marks):
        return BadKey(message, **common)
    if (status == 403 or "FAILED_PRECONDITION" in marks) and "billing" in marks.lower():
        return BillingError(message, **common)
    if status == 403:
        return BadKey(message, **common)
    if "location is not supported" in marks:
        return BadRequest(
            message, next_step="Google does not offer this in your region; use another provider.", **common
        )
    if status == 413:
        return BadRequest(message, next_step="Use fewer or smaller references.", **common)
    return BadRequest(message, **common)


def _reasons(error: Mapping[str, Any]) -> list[str]:
    """The machine-readable reasons: of the error, and of each quota that was broken."""
    details = [table(detail) for detail in rows(error.get("details"))]
    quotas = [table(violation) for detail in details for violation in rows(detail.get("violations"))]
    return [text(d.get("reason")) for d in details] + [text(q.get("quotaId")) for q in quotas]


def _json(reply: Reply) -> dict[str, Any]:
    try:
        body: object = reply.json()
    except (ValueError, RecursionError):
        return {}
    # Some of Google's front ends wrap the error in a list.
    return table(body[0] if isinstance(body, list) and body else body)  # pyright: ignore[reportUnknownArgumentType] - JSON

"""Read the errors of a Google API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from imgplay_widget.errors import BadKey, BadRequest, BillingError, ProviderError
from imgplay_widget.providers._shared.answers import rows, table, text
from imgplay_widget.providers._shared.failures import failure
from imgplay_widget.providers._shared.wire import json_of, retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget.providers.http import Http, Reply

__all__ = ["error_from"]

_KEY = re.compile(r"api[ _]key[ _](not valid|invalid|expired|not found|service_blocked)", re.IGNORECASE)
_USED_UP = re.compile(r"perday|limit: 0\b|credits are depleted|spending cap", re.IGNORECASE)
"""Quotas that do not come back within a task: of the day, of zero, prepaid, or the user's own."""
_SOON = re.compile(r"retry in (\d{1,9}(?:\.\d{1,9})?) ?s")


def error_from(reply: Reply, http: Http, *, status: int | None = None) -> ProviderError:
    """Return the error that an answer stands for, with Google's own words.

    Args:
        reply: the answer; its status is not 2xx, or its body holds an error.
        http: the provider's client.
        status: the status that counts, if the body holds another one than the answer.
    """
    error = _error(reply)
    code = reply.status if status is None else status
    words = text(error.get("message"))
    if code == 404 and not error:
        return failure(
            reply,
            http,
            message=f"{http.provider.spec.title} has no such address (HTTP 404).",
            next_step=f"Check the base URL {http.redact(http.provider.origin())}.",
        )
    marks = " ".join([words, text(error.get("status")), *_reasons(error)])
    soon = _SOON.search(marks)
    kind, next_step = _kind(code, marks)
    return failure(
        reply,
        http,
        words,
        kind=kind,
        status=code,
        next_step=next_step,
        wait=retry_after(reply.headers, {"error": error}) or (float(soon[1]) if soon else None),
    )


def _kind(status: int, marks: str) -> tuple[type[ProviderError] | None, str | None]:
    """Return the class of error that the words stand for, and the advice; None if the status decides."""
    if status == 429 and _USED_UP.search(marks):
        return (
            BillingError,
            "Use a model or project with quota left, turn billing on, or wait for the next day.",
        )
    if status not in (400, 401, 403, 413):
        return None, None
    # Google answers 400 to a key that it does not know.
    if status == 401 or "API_KEY_" in marks or _KEY.search(marks):
        return BadKey, None
    if (status == 403 or "FAILED_PRECONDITION" in marks) and "billing" in marks.lower():
        return BillingError, None
    if status == 403:
        return BadKey, None
    if "location is not supported" in marks:
        return BadRequest, "Google does not offer this in your region; use another provider."
    return BadRequest, "Use fewer or smaller references." if status == 413 else None


def _reasons(error: Mapping[str, Any]) -> list[str]:
    """Return the machine-readable reasons: of the error, and of each quota that was exceeded."""
    details = [table(detail) for detail in rows(error.get("details"))]
    quotas = [table(violation) for detail in details for violation in rows(detail.get("violations"))]
    return [text(d.get("reason")) for d in details] + [text(q.get("quotaId")) for q in quotas]


def _error(reply: Reply) -> dict[str, Any]:
    body = json_of(reply.body)
    # Some of Google's front ends wrap the error in a list.
    return table(table(body[0] if isinstance(body, list) and body else body).get("error"))  # pyright: ignore[reportUnknownArgumentType] - JSON

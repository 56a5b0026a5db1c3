"""What providers with a queue do alike: name a refusal by its HTTP status, end a failed job, read its log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import Done, Missing
from imgplay_widget.errors import (
    BadKey,
    BadRequest,
    BadResponse,
    BillingError,
    ImgplayError,
    ModelNotFound,
    Moderated,
    Overloaded,
    ProviderError,
    RateLimited,
    ServerError,
)
from imgplay_widget.providers._shared.answers import read_images, rows, table, text
from imgplay_widget.providers.http import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget.providers.http import Http, Reply

__all__ = [
    "POLL_BYTES",
    "body_of",
    "detailed",
    "ended",
    "fields_of",
    "logged_progress",
    "moderated",
    "refusal",
]

POLL_BYTES = 8 * 2**20
"""The most bytes of an answer that holds no image, only words and links."""

_MODERATED = (
    "moderat",
    "nsfw",
    "content_policy",
    "content policy",
    "as sensitive",
    "sensitive content",
    "flagged",
)
_BILLING = ("balance", "insufficient credit", "payment", "billing", "spend limit", "quota")


def fields_of(reply: Reply, http: Http) -> dict[str, Any]:
    """Gives the fields of a JSON answer.

    Raises:
        BadResponse: it is not a JSON object; shows its beginning.
    """
    return read_images(reply.body, reply.content_type, http)[1]


def body_of(reply: Reply) -> dict[str, Any]:
    """Gives the fields of an answer that may be anything; none where it is no JSON object."""
    try:
        return table(reply.json())
    except (ValueError, RecursionError):
        return {}


def refusal(
    reply: Reply, words: str, http: Http, *, marks: str = "", request_id: str | None = None
) -> ProviderError:
    """Gives the error that an answer with a status of 300 or more stands for.

    Args:
        reply: the answer.
        words: what the provider says, for people.
        http: whose provider is named, and who takes keys out of what is shown.
        marks: the provider's own names for the error, for machines.
        request_id: the provider's id of the call, where no header tells it.
    """
    spec = http.provider.spec
    message = f"{spec.title}: {http.redact(words)[:500].strip() or f'HTTP {reply.status}'}"
    common: dict[str, Any] = {"provider": spec.name, "request_id": reply.request_id or request_id}
    wait = retry_after(reply.headers, body_of(reply))
    said = f"{marks} {words}".lower()
    match reply.status:
        case 401:
            return BadKey(message, **common)
        case 402:
            return BillingError(message, **common)
        case 403 if _has(said, _BILLING):
            return BillingError(message, **common)
        case 400 | 403 | 422 | 451 if _has(said, _MODERATED):
            return Moderated(message, **common)
        case 403:
            return BadKey(message, **common)
        case 404 | 410:
            return ModelNotFound(message, **common)
        case 429:
            return RateLimited(message, retry_after=wait, **common)
        case 503 | 529:
            return Overloaded(message, retry_after=wait, **common)
        case 408 | 502 | 504:
            # A gateway gave up waiting; what stands behind it may be at work.
            return ServerError(message, maybe_billed=True, retry_after=wait, **common)
        case status if status >= 500:
            # 520 to 524 are gateways too.
            return ServerError(message, maybe_billed=status >= 520, retry_after=wait, **common)
        case status if status < 400:
            return BadResponse(
                f"{spec.title} redirects to another address (HTTP {status}).", maybe_billed=False, **common
            )
        case _:
            return BadRequest(message, **common)


def detailed(body: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Gives the words and the kinds of ``{"detail": [{"loc", "msg", "type"}]}`` or ``{"detail": "text"}``.

    The details also hold what the user sent; that is not repeated.
    """
    detail = body.get("detail")
    reasons = [table(reason) for reason in rows(detail)]
    said = [
        f"{text(reason.get('msg'))} ({'.'.join(str(part) for part in rows(reason.get('loc')))})"
        for reason in reasons
    ]
    return "; ".join(said) or text(detail), [text(reason.get("type")) for reason in reasons]


def ended(error: ImgplayError, n: int) -> Done:
    """Gives the end of a job that failed: n empty places that say why.

    Raised instead, an error of the server would look like one of the question, and be asked again.
    """
    return Done(images=(Missing(error=error.info),) * n)


def logged_progress(log: str) -> float | None:
    """Gives the fraction that the last progress bar of a log shows, or None where there is none."""
    shown = re.findall(r"\b(\d{1,3})%\|", log)
    return min(1.0, int(shown[-1]) / 100) if shown else None


def moderated(words: str) -> bool:
    """Says whether a provider's words speak of its content rules."""
    return _has(words.lower(), _MODERATED)


def _has(said: str, words: tuple[str, ...]) -> bool:
    return any(word in said for word in words)

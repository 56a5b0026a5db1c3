"""What providers with a queue do alike: name a refusal by its HTTP status, end a failed job, read its log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import Done, Missing
from imgplay_widget.errors import BillingError, ImgplayError, Moderated, ProviderError
from imgplay_widget.providers._shared.answers import read_images, rows, table, text
from imgplay_widget.providers._shared.failures import failure
from imgplay_widget.providers._shared.wire import json_of

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
    return table(json_of(reply.body))


def refusal(
    reply: Reply, words: str, http: Http, *, marks: str = "", request_id: str | None = None
) -> ProviderError:
    """Return the error of a refusal, by the provider's words where they tell more than the status.

    Args:
        reply: the answer; its status is 300 or more.
        words: what the provider says, for people.
        http: the provider's client.
        marks: the provider's own names for the error, for machines.
        request_id: the provider's id of the call, where no header has it.
    """
    said = f"{marks} {words}".lower()
    kind: type[ProviderError] | None = None
    if reply.status == 403 and _has(said, _BILLING):
        kind = BillingError
    elif reply.status in (400, 403, 422) and _has(said, _MODERATED):
        kind = Moderated
    return failure(reply, http, words, kind=kind, request_id=request_id)


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

"""Helpers for providers with a queue: name a refusal, end a failed job, read its log."""

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
"""The most bytes of an answer that holds words and links, but no image."""

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
    """Return the fields of a JSON answer.

    Raises:
        BadResponse: the answer is not a JSON object; the message shows its beginning.
    """
    return read_images(reply.body, reply.content_type, http)


def body_of(reply: Reply) -> dict[str, Any]:
    """Return the fields of an answer, or an empty dict if the answer is not a JSON object."""
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
    """Return the words and the kinds of ``{"detail": [{"loc", "msg", "type"}]}`` or ``{"detail": "text"}``.

    The details also repeat the user's input, which the words leave out.
    """
    detail = body.get("detail")
    reasons = [table(reason) for reason in rows(detail)]
    said = [
        f"{text(reason.get('msg'))} ({'.'.join(str(part) for part in rows(reason.get('loc')))})"
        for reason in reasons
    ]
    return "; ".join(said) or text(detail), [text(reason.get("type")) for reason in reasons]


def ended(error: ImgplayError, n: int) -> Done:
    """Return the end of a failed job: n missing images with the reason.

    A raised ServerError would look like a failure of the question, and the engine would ask again.
    """
    return Done(images=(Missing(error=error.info),) * n)


def logged_progress(log: str) -> float | None:
    """Return the fraction of the last progress bar in a log, or None if the log has no progress bar."""
    shown = re.findall(r"\b(\d{1,3})%\|", log)
    return min(1.0, int(shown[-1]) / 100) if shown else None


def moderated(words: str) -> bool:
    """Return whether the words of a provider speak of its content rules."""
    return _has(words.lower(), _MODERATED)


def _has(said: str, words: tuple[str, ...]) -> bool:
    return any(word in said for word in words)

"""Decide what a failed call means: the class of its error, and whether it may have been billed.

This is the only module of the providers that decides `maybe_billed`. A provider adds what it knows better:
its own words for a failure, and the class of error that they stand for.

The rule: a refusal (4xx) and a plain failure of the server (500, 503) did no work. Where a gateway stopped
waiting (408, 499, 502, 504, 520 and above), the server behind it may still be at work. Where an answer that
looked like a success (2xx) cannot be used, the work was probably done. A redirect did no work. A provider
that computes on the user's own hardware bills nothing.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from imgplay_widget.errors import (
    BadKey,
    BadRequest,
    BadResponse,
    BillingError,
    CorruptImage,
    ErrorInfo,
    Lost,
    MissingKey,
    ModelNotFound,
    Moderated,
    Overloaded,
    ProviderError,
    QuotaUsedUp,
    RateLimited,
    ServerError,
)
from imgplay_widget.providers._shared.wire import json_of, retry_after
from imgplay_widget.providers.base import Provider

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from imgplay_widget._types import ProviderSpec
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["before_the_call", "failure", "key_step", "kind_of", "of_no_cost", "perhaps_billed", "unbilled"]

E = TypeVar("E", bound=ProviderError)

_KINDS: Mapping[int, type[ProviderError]] = {
    401: BadKey,
    402: BillingError,
    403: BadKey,
    404: ModelNotFound,
    408: ServerError,
    410: ModelNotFound,
    425: Overloaded,
    429: RateLimited,
    451: Moderated,
    499: ServerError,
    503: Overloaded,
    529: Overloaded,
}
_STOPPED_WAITING = (408, 499, 502, 504)
_FIRST_GATEWAY = 520
"""Statuses from here on are those of gateways; 529 is the one exception, and has a class of its own."""
_LONGEST_BURST = 3600.0
"""Seconds. A provider that asks to wait longer does not speak of a burst, but of a quota."""
_LONG_QUOTA = re.compile(
    rb"per[ _-]?(day|month|week)\b|PerDay|PerMonth|daily|monthly|\([rt]pd\)", re.IGNORECASE
)
"""Words of a "too many requests" that name a quota for a day or longer."""
_NO_MODEL = re.compile(
    r"""
    \b models? (?:\s (?:name|id))? ['"`]? (?: [\s:=]+ ['"`]? [\w./:@-]+ ['"`]? )? ,? \s+
    (?: (?:is|was|could) \s )?
    (?: not \s (?:be \s)? (?:found|exist|supported|recogni[sz]ed|valid\b|a \s valid)
      | does \s? n[o']t \s exist | unknown\b )
    | \b (?:unknown|invalid|unrecogni[sz]ed|unsupported|no \s such) \s (?:image \s)? model \b
      (?! \s (?:parameter|input|option|setting|format))
    | \b not \s a \s valid \s model \b
    | \b not \s have \s access \s to \s (?:the \s)? model \b
    | \b unable \s to \s access \s (?:non-serverless \s)? model \b
    | \b no \s (?:available \s channel | endpoints \s found) \s for \b
    | \b llm \s provider \s not \s provided \b
    | 模型[^，。,.]{0,80}不存在
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Words of servers and gateways for a model that they do not have. Their statuses reach from 400 to 503."""
_NO_MODEL_CODE = re.compile(
    rb"model_?not_?(found|available|supported|exists?)\b|invalid_?model(_?id)?\b", re.IGNORECASE
)
"""Their codes for the same."""
_NO_KEY = re.compile(rb"AuthenticationError|api[_ ]?key|missing credentials", re.IGNORECASE)
"""Words by which a server that fails (HTTP 500) says that it lacks a key, as litellm's proxy does."""
_FREE_STEPS = {
    CorruptImage.default_next_step: "Retry. The server sent a damaged image.",
    Lost.default_next_step: "Retry to generate the image again.",
}
"""What to do after a call that costs nothing, in place of an advice that speaks of bills."""
_LOOKED_AT = 10_000
_WORDS = 500
"""The most characters of a provider's own words in a message."""


def kind_of(status: int) -> type[ProviderError]:
    """Return the class of error that an HTTP status stands for, where the provider says nothing better.

    Args:
        status: of an answer that is a failure, or that cannot be used.
    """
    known = _KINDS.get(status)
    if known is not None:
        return known
    if status >= 500:
        return ServerError
    return BadRequest if status >= 400 else BadResponse


def failure(
    reply: Reply,
    http: Http,
    words: str = "",
    *,
    kind: type[ProviderError] | None = None,
    status: int | None = None,
    message: str | None = None,
    next_step: str | None = None,
    request_id: str | None = None,
    wait: float | None = None,
    never_billed: bool = False,
) -> ProviderError:
    """Return the error that an answer stands for.

    Args:
        reply: the answer.
        http: the provider's client; its provider is named, and its key is taken out of the words.
        words: what the provider says about the failure, for people.
        kind: the class of error, where the provider's own words name one; None decides by the status.
        status: the status that counts, where the answer holds another one than its own.
        message: the whole sentence, where the provider's words do not help.
        next_step: what to do, where the advice of the class is not the best one.
        request_id: the provider's id of the call, where no header has it.
        wait: seconds to wait, where neither headers nor JSON say it in a usual form.
        never_billed: True where the provider itself reports the failure, and promises that a failed call
            costs nothing.
    """
    spec = http.provider.spec
    code = reply.status if status is None else status
    kind = kind or kind_of(code)
    if _lacks_model(kind, code, words, reply):
        kind = ModelNotFound
    elif kind is ServerError and code == 500 and _NO_KEY.search(bytes(reply.body[:_LOOKED_AT])):
        kind, next_step = BadKey, next_step or _BEHIND.format(f"Check the key of {spec.title}, then retry.")
    if kind is BadKey and not http.has_key:
        kind, next_step = MissingKey, _asked_for(spec, next_step)
    if kind is ModelNotFound and next_step is None and type(http.provider).discover is not Provider.discover:
        next_step = (
            f"Check the id of the model: refresh_models({spec.name!r}) asks {spec.title} for its models. "
            "The model may also be retired, or your account may not use it."
        )
    if kind is ServerError and next_step is None and not spec.key_url:
        # A server of the user has no page about its state.
        next_step = "Retry. If the error comes back, see the log of the server."
    if kind is RateLimited:
        told = wait if wait is not None else retry_after(reply.headers, json_of(reply.body))
        if (told or 0.0) > _LONGEST_BURST or _LONG_QUOTA.search(bytes(reply.body[:_LOOKED_AT])):
            kind = QuotaUsedUp
    shown = http.redact(words)[:_WORDS].strip() or f"HTTP {code}"
    if message is None and 300 <= code < 400:
        message = f"{spec.title} redirects to another address (HTTP {code})."
        next_step = next_step or "Set the base URL to the address that it redirects to."
    asks_to_wait = issubclass(kind, (RateLimited, Overloaded, ServerError))
    if asks_to_wait and wait is None:
        wait = retry_after(reply.headers, json_of(reply.body))
    return kind(
        message or f"{spec.title}: {shown}",
        provider=spec.name,
        next_step=next_step,
        retry_after=wait if asks_to_wait else None,
        request_id=reply.request_id or request_id,
        maybe_billed=_may_be_billed(kind, code) and not (never_billed or spec.free),
    )


def _lacks_model(kind: type[ProviderError], status: int, words: str, reply: Reply) -> bool:
    """Return whether a failure of a general class says that there is no such model."""
    general = kind in (BadRequest, BadResponse, ServerError, Overloaded) or (kind is BadKey and status == 403)
    if not general or status in _STOPPED_WAITING or status >= _FIRST_GATEWAY:
        return False
    return bool(_NO_MODEL.search(words) or _NO_MODEL_CODE.search(bytes(reply.body[:_LOOKED_AT])))


_BEHIND = (
    "{} A server that passes calls on may itself lack the key of the service behind it: set that one there."
)


def _asked_for(spec: ProviderSpec, next_step: str | None) -> str:
    """Return what to do where a provider asks for a key and none is set."""
    step = f"{key_step(spec)}. Then retry."
    return step if next_step is None else _BEHIND.format(step)


def key_step(spec: ProviderSpec) -> str:
    """Return how a user sets the key of a provider, as a sentence that can go on."""
    step = f"Enter the key on the page or call set_key({spec.name!r})"
    if not spec.key_variables:
        return step
    where = f" (a key is made at {spec.key_url})" if spec.key_url else ""
    return f"{step}, or set the environment variable {spec.key_variables[0]}{where}"


def _may_be_billed(kind: type[ProviderError], status: int) -> bool:
    if issubclass(kind, BadResponse):
        return status < 300
    if issubclass(kind, ServerError):
        return status < 300 or status in _STOPPED_WAITING or status >= _FIRST_GATEWAY
    # Anything else is a refusal; an answer without its image is the business of `perhaps_billed`.
    return kind.maybe_billed


def perhaps_billed(error: E) -> E:
    """Return the error, marked: the provider did its work, or may have done it, and may have billed it.

    For an answer of success that holds a refusal, or no image.
    """
    error.maybe_billed = True
    return error


def unbilled(error: E) -> E:
    """Return the error, marked: nothing was billed."""
    error.maybe_billed = False
    return error


def of_no_cost(info: ErrorInfo) -> ErrorInfo:
    """Return the error of a call that costs nothing: the error does not speak of bills."""
    step = _FREE_STEPS.get(info.next_step, info.next_step)
    return replace(info, maybe_billed=False, next_step=step)


@contextmanager
def before_the_call() -> Generator[None]:
    """Mark each error that is raised inside: the call itself was not sent, so nothing was billed.

    For a question or an upload that goes before the call.
    """
    try:
        yield
    except ProviderError as error:
        unbilled(error)
        raise

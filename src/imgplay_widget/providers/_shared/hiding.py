"""Take keys out of texts: of errors, of what is stored, and of what other packages log.

An answer may repeat the key as it was sent, percent-encoded, in base64 (alone, or with a user's name as in
``Authorization: Basic``), in hexadecimal digits, or in other letters.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from base64 import b64encode
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote
from weakref import WeakSet

if TYPE_CHECKING:
    from imgplay_widget.providers.http import Http

__all__ = ["hide_in_logs", "redact", "without_key", "without_keys"]

_HIDDEN = "…"
_LONG = 8
"""The fewest characters of a key that no text holds by chance."""
_REPEATED = 12
"""The fewest characters of a key that is hidden where only its beginning is repeated, before stars."""
_REDACTED = 20_000
"""The most characters of a text that is shown to people. What follows is cut off."""
_RUN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_=-")
"""What base64 is written with."""
_PATTERNS = (
    re.compile(
        r"(?i)(\b(?:proxy-)?authorization[\"']?\s{0,9}[:=]\s{0,9}[\"']?(?:[a-z]{1,20}\s{1,9})?)[^\s\"',}]+"
    ),
    re.compile(r"(?i)(\b(?:x-[\w-]{0,40}key|x-key|api[-_]?key)[\"']?\s{0,9}[:=]\s{0,9}[\"']?)[^\s\"',}&]+"),
    re.compile(r"(?i)(\b(?:bearer|basic)\s{1,9})[\w.~+/=-]{8,}"),
    re.compile(
        r"(?i)([?&][\w-]{0,40}(?:key|token|sig|signature|secret|password|credential)[\w-]{0,40}=)[^&\s\"'<>]+"
    ),
    re.compile(r"(://)[^/\s@:]+:[^/\s@]+(?=@)"),
    re.compile(r"(\b(?:sk|pk|hf|r8)[-_])[\w*-]{8,}"),
)


def without_key(text: str, key: str | None) -> str:
    """Return the text without a key, in each form in which an answer may repeat the key.

    A short key is hidden only where it stands alone, and not at all if it is a plain word: the key of a local
    server is often "none" or "test".
    """
    if not key or not text:
        return text
    forms, encoded = _forms(key)
    text = forms.sub(_HIDDEN, text)
    for part in encoded:
        text = _without_run(text, part)
    return text


def redact(text: str, key: str | None = None) -> str:
    """Return the text without the given key and without anything else that looks like a key.

    Args:
        text: a text of a provider, an exception or an address. Only its first 20,000 characters are returned.
        key: the provider's key, or None.
    """
    if len(text) > _REDACTED:
        # The cut must not leave the beginning of a key, which would not be found.
        text = text[:_REDACTED]
        text = text[: max(text.rfind(" "), _REDACTED - 500)] + _HIDDEN
    text = without_key(text, key)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{_HIDDEN}", text)
    return text


@lru_cache(maxsize=64)
def _forms(key: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Return what finds a key as it is, and the parts of base64 by which the encoded key is found."""
    secrets = {key}
    _, colon, password = key.partition(":")
    if colon and len(password) >= _LONG:
        # The pair of a login is the key; the password alone is as secret.
        secrets.add(password)
    plain: list[str] = []
    encoded: list[str] = []
    for secret in sorted(secrets, key=len, reverse=True):
        data = secret.encode()
        spelled = {
            secret,
            quote(secret, safe=""),
            json.dumps(secret)[1:-1],
            "".join(f"%{b:02x}" for b in data),
        }
        if len(secret) >= _LONG:
            plain += [re.escape(form) for form in spelled] + [data.hex()]
            encoded += _in_base64(data)
        elif not secret.isalpha():
            plain += [rf"(?<![\w-]){re.escape(form)}(?![\w-])" for form in spelled]
    if len(key) >= _REPEATED and not key[:_LONG].isalpha():
        plain.append(re.escape(key[:_LONG]) + r"[\w*.-]*")
    flags = re.IGNORECASE if len(key) >= _LONG else re.NOFLAG
    return re.compile("|".join(plain) or r"(?!)", flags), tuple(encoded)


def _in_base64(data: bytes) -> list[str]:
    """Return the letters of base64 that depend on the bytes alone, for each place within a longer text."""
    found: list[str] = []
    for before in range(3):
        whole = b64encode(b"\0" * before + data).decode()
        # The first letters mix the bytes with those before, the last ones with those after.
        end = (before + len(data)) * 8 // 6
        core = whole[(before * 8 + 5) // 6 : end]
        found += [core, core.replace("+", "-").replace("/", "_"), quote(core, safe="")]
    return list(dict.fromkeys(found))


def _without_run(text: str, part: str) -> str:
    """Return the text without each run of base64 that holds a part."""
    at = text.find(part)
    while at >= 0:
        start, end = at, at + len(part)
        while start > 0 and text[start - 1] in _RUN:
            start -= 1
        while end < len(text) and text[end] in _RUN:
            end += 1
        text = text[:start] + _HIDDEN + text[end:]
        at = text.find(part, start)
    return text


# ------------------------------------------------------------------ logs

_CLIENTS: WeakSet[Http] = WeakSet()
"""The clients whose keys are kept out of logs."""
_LOCK = threading.Lock()

_LOGGERS = (
    "imgplay_widget",
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)
"""What logs errors with their tracebacks, addresses (from INFO on) and headers of answers (from DEBUG on)."""


class _KeyFilter(logging.Filter):
    """A filter that takes the keys of all clients out of a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace what a record says where it holds a key. Every record passes."""
        try:
            said = record.getMessage()
        except (TypeError, ValueError):
            # A record that cannot be written does no harm.
            return True
        shown = _shown(said)
        if shown != said:
            record.msg, record.args = shown, None
        if record.exc_info and record.exc_info[0] is not None:
            trace = logging.Formatter().formatException(record.exc_info)
            shown = _shown(trace)
            if shown != trace:
                record.exc_info, record.exc_text = None, shown
        return True


def _shown(text: str) -> str:
    return without_keys(redact(text))


def without_keys(text: str) -> str:
    """Return the text without the keys of all clients of this process. Other words stay as they are."""
    with _LOCK:
        clients = tuple(_CLIENTS)
    for client in clients:
        text = client.hide(text)
    return text


_FILTER = _KeyFilter()


def hide_in_logs(client: Http) -> None:
    """Keep the key of a client out of what this package and the HTTP library log, while the client lives."""
    with _LOCK:
        _CLIENTS.add(client)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)

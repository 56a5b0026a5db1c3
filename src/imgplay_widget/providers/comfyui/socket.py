"""What ComfyUI tells of a running job. Its steps and previews come by websocket, and only to a listener.

The server sends them to the client that gave the job. The id of a job is also its client id, so any process
that knows the job can listen.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from imgplay_widget._text import clean_json
from imgplay_widget.errors import NetworkError
from imgplay_widget.providers._shared import network
from imgplay_widget.providers._shared.answers import rows, table
from imgplay_widget.providers._shared.transport import Sent, tell, tls

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["AVAILABLE", "Look", "heard", "listen"]

AVAILABLE = find_spec("websockets") is not None
"""True if the optional websocket client is installed. Without it a job only shows its place in the queue."""

_MAX_FRAME = 16 * 2**20
_NEXT_ADDRESS = 0.25
"""Seconds after which the next address of the server is tried beside the first one (RFC 8305)."""
_PREVIEW, _HEAD = 1, 8
"""The event type of a binary frame that holds an image, and the bytes before the image."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the websocket told about a job.

    Attributes:
        progress: 0.0 to 1.0 of the working node, or None.
        preview: the bytes of a partial image, or None.
        ended: True if the job is over, well or not.
    """

    progress: float | None = None
    preview: bytes | None = None
    ended: bool = False


async def listen(base_url: str, job: str) -> AsyncGenerator[Look]:
    """Return each step and preview of a job as it comes. The end of the generator is the end of the job.

    Args:
        base_url: the address of the server, http or https.
        job: the id of the job, and of its client.

    Raises:
        NetworkError: the connection is lost, or did not come about.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import WebSocketException

    url = f"ws{base_url.removeprefix('http')}/ws?clientId={quote(job, safe='')}"
    if tell(Sent("GET", url)) is not None:
        raise NetworkError("A recording answers for ComfyUI, and has no socket.", provider="comfyui")
    try:
        options = await _options(base_url)
        async with connect(url, max_size=_MAX_FRAME, **options) as socket:
            async for message in socket:
                found = heard(Look(), message, job)
                if found.ended:
                    return
                if found != Look():
                    yield found
    except (OSError, WebSocketException, network.Unusable) as error:
        raise NetworkError("ComfyUI's socket is gone.", provider="comfyui") from error
    # The server closed the socket in good order, without a word about the job.
    raise NetworkError("ComfyUI closed its socket.", provider="comfyui")


async def _options(base_url: str) -> dict[str, Any]:
    """Return the way to the server, which is the one of its other calls. By SOCKS there is no look.

    Raises:
        Unusable: a variable of the network cannot be used.
        OSError: the proxy speaks SOCKS, for which the websocket client needs one more package.
    """
    way = network.way(base_url)
    if way.by_socks:
        raise OSError(way.variable)
    found: dict[str, Any] = {"proxy": way.proxy or None}
    if base_url.startswith("https:"):
        found["ssl"] = await tls()
    if way.proxy or _is_address(base_url):
        # A single address has no rival, and asyncio loses its socket when a race is cancelled.
        return found
    # Without this, an IPv6 address that does not answer takes all the time of a look.
    return {**found, "happy_eyeballs_delay": _NEXT_ADDRESS}


def _is_address(url: str) -> bool:
    """Return whether the host of a URL is an IP address and not a name."""
    try:
        ipaddress.ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return True


def heard(found: Look, message: str | bytes, job: str) -> Look:
    """Return what is known after one more message. A message of another job or kind changes nothing.

    Args:
        found: what was known before.
        message: a text or binary frame.
        job: the id of the job.
    """
    if isinstance(message, bytes):
        preview = message[_HEAD:] if int.from_bytes(message[:4]) == _PREVIEW else b""
        return replace(found, preview=preview or found.preview)
    try:
        event = table(clean_json(json.loads(message)))
    except (ValueError, RecursionError):
        return found
    data = table(event.get("data"))
    if data.get("prompt_id", job) != job:
        return found
    match event.get("type"):
        case "progress":
            return replace(found, progress=_share(data) or found.progress)
        case "progress_state":
            working = [table(node) for node in rows([*table(data.get("nodes")).values()])]
            shares = [_share(node) for node in working if node.get("state") == "running"]
            return replace(found, progress=next((share for share in shares if share), found.progress))
        case "execution_success" | "execution_error" | "execution_interrupted":
            return replace(found, ended=True)
        case "executing":
            return replace(found, ended=found.ended or data.get("node", "") is None)
        case _:
            return found


def _share(data: dict[str, Any]) -> float | None:
    value, total = data.get("value"), data.get("max")
    if isinstance(value, (int, float)) and isinstance(total, (int, float)) and total > 1:
        return min(1.0, max(0.0, value / total))
    # A node of one step says nothing about the duration of the job.
    return None

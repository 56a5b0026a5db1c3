"""The requests that a client repeats because their answer did not come. Each is done, and paid, once."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imgplay_widget.server.rest.values import WireValue

__all__ = ["LONGEST_KEY", "MOST_KEYS", "Repeats"]

LONGEST_KEY = 255
"""The most characters of a key."""

MOST_KEYS = 4096
"""The most keys that are kept. The oldest one is forgotten first."""


T = TypeVar("T")


class Repeats(Generic[T]):
    """The answers to requests by their keys. On the engine's loop."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, asyncio.Future[T]]] = OrderedDict()

    async def once(self, key: str, body: WireValue, do: Callable[[], Awaitable[T]]) -> T:
        """Do a request, or return the answer that a request with this key got.

        A repeated request waits for the first one where that still runs. A request that was refused stored
        and sent nothing, so its key can be used again.

        Args:
            key: the key, which the client chose.
            body: the request.
            do: does the request.

        Raises:
            InvalidRequest: the key belongs to another request, or is too long.
        """
        if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise InvalidRequest(
                f"An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters.",
                parameter="Idempotency-Key",
            )
        digest = hashlib.sha256(json.dumps(body.wire(), sort_keys=True).encode()).hexdigest()
        known = self._known.get(key)
        if known is not None:
            if known[0] != digest:
                raise InvalidRequest(
                    "This Idempotency-Key came with another request before.",
                    parameter="Idempotency-Key",
                    next_step="Use a new key for a new request. Nothing was stored, sent or paid.",
                )
            return await asyncio.shield(known[1])
        return await self._first(key, digest, do)

    async def _first(self, key: str, digest: str, do: Callable[[], Awaitable[T]]) -> T:
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._known[key] = digest, answer
        try:
            given = await do()
        except BaseException as error:
            self._known.pop(key, None)
            if isinstance(error, Exception):
                answer.set_exception(error)
                # Where no repeated request waits, nothing reads the error.
                answer.exception()
            else:
                answer.cancel()
            raise
        answer.set_result(given)
        self._tidy()
        return given

    def _tidy(self) -> None:
        ended = [key for key, (_, answer) in self._known.items() if answer.done()]
        for key in ended[: max(0, len(self._known) - MOST_KEYS)]:
            del self._known[key]

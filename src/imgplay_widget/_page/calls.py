"""The table in which a call of the page finds its answer, and the binary buffers of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

__all__ = ["Answers", "Attachments"]


class Attachments:
    """The binary buffers of one request and of its answer.

    Args:
        received: the buffers that came with the request.

    Attributes:
        received: the buffers that came with the request.
        sent: the buffers that go with the answer.
    """

    def __init__(self, received: Sequence[bytes | memoryview] = ()) -> None:
        self.received = received
        self.sent: list[bytes] = []

    def add(self, data: bytes) -> int:
        """Add a buffer to the answer, and return its index."""
        self.sent.append(data)
        return len(self.sent) - 1

    def add_optional(self, data: bytes | None) -> int | None:
        """Add a buffer to the answer, and return its index. Without data, add nothing and return None."""
        return None if data is None else self.add(data)


Answers: TypeAlias = "dict[type[Any], Callable[[Any, Attachments], Awaitable[Any]]]"
"""The coroutine function for each call of the protocol, which answers the call with a `protocol.Result`."""

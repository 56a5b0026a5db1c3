"""How a call of the page finds its answer: by one table, which the parts of the page fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

__all__ = ["Answers", "Attachments"]


class Attachments:
    """The binary buffers of one request: those that came with it, and those that go with its answer.

    Args:
        received: the buffers that came with the request.

    Attributes:
        received: the same.
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
        """Add a buffer to the answer where there is one, and return its index, or None."""
        return None if data is None else self.add(data)


Answers: TypeAlias = "dict[type[Any], Callable[[Any, Attachments], Awaitable[Any]]]"
"""For each call of the protocol, the coroutine function that answers it with a `protocol.Result`."""

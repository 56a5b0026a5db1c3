"""The clock of the package, which tests replace so that they do not wait."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

__all__ = ["Clock"]


class Clock:
    """The real time. Tests use `imgplay_widget.testing.InstantClock` instead."""

    def now(self) -> datetime:
        """Return the present time as an aware datetime in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds since an arbitrary start; the value never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait for a number of seconds."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Return a context that ends its body with TimeoutError after a number of seconds."""
        return asyncio.timeout(seconds)

"""Time, behind one door, so that tests need not wait."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

__all__ = ["Clock"]


class Clock:
    """The real time. `imgplay_widget.testing.InstantClock` is the one for tests."""

    def now(self) -> datetime:
        """Gives the present, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Gives seconds that never go back, from an arbitrary start."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Ends what is awaited inside, with TimeoutError, when so many seconds have passed."""
        return asyncio.timeout(seconds)

"""The total of what was spent today, which subscribers are told. On the engine's loop."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from imgplay_widget._rules.changes import (
    Change,
    EntryAdded,
    EntryChanged,
    Removed,
    SpendingWritten,
    StoreWritten,
)
from imgplay_widget._rules.costs import day_start
from imgplay_widget.errors import ImgplayError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from imgplay_widget._clock import Clock
    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._engine.engine import Engine

__all__ = ["Spending"]

logger = logging.getLogger("imgplay_widget")


class Spending:
    """The total that a studio spends in a day.

    Args:
        engine: has the budget, and calls functions at its beats.
        archive: the store.
        notify: called with each change.
        clock: the time.
    """

    def __init__(
        self, engine: Engine, archive: Archive, notify: Callable[[Change], None], clock: Clock
    ) -> None:
        self._engine = engine
        self._archive = archive
        self._notify = notify
        self._clock = clock
        self._told: SpendingWritten | None = None
        self._day: datetime | None = None
        self._stale = self._telling = False
        engine.each_beat.append(self._look_at_the_clock)

    async def read(self) -> SpendingWritten:
        """Return the total of today and the budget."""
        self._day = day_start(self._clock.now())
        today = await self._archive.in_store(self._archive.store.today, self._day)
        return SpendingWritten(today=today, budget=self._engine.budget)

    def heed(self, change: Change) -> None:
        """Tell the total after a change that may have changed it: a call began or ended."""
        match change:
            case EntryAdded() | Removed() | StoreWritten():
                self.tell()
            case EntryChanged() if any(task.stage.final for task in change.entry.tasks):
                self.tell()
            case _:
                pass

    def tell(self) -> None:
        """Read the total, and tell it where it has changed. Several calls may be told once."""
        self._stale = True
        if not self._telling:
            self._telling = True
            self._archive.aside(self._tell())

    async def _tell(self) -> None:
        try:
            while self._stale:
                self._stale = False
                now = await self.read()
                if now != self._told:
                    self._told = now
                    self._notify(now)
        except ImgplayError as error:
            # The stored costs are right, and the next call of a provider tells them.
            logger.warning("The total of today could not be read: %s", error.message)
        finally:
            self._telling = False

    def _look_at_the_clock(self) -> None:
        """Tell the total where a new day began, because nothing was spent on the new day yet."""
        if self._day is not None and day_start(self._clock.now()) != self._day:
            self.tell()

"""The times that the tasks of each model usually take, by the past ones in the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imgplay_widget._rules.schedule import usual
from imgplay_widget.errors import ImgplayError

if TYPE_CHECKING:
    from imgplay_widget._engine.archive import Archive

__all__ = ["Paces"]


class Paces:
    """The past durations of models. Its calls run on the engine's loop.

    Before a task runs, the store is read if the model is not known, or has finished a task since. So a burst
    of tasks reads the store once.

    Args:
        archive: the store.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        # The usual seconds by provider and model; None where few tasks are known. `durations` writes them.
        self._usual: dict[tuple[str, str], float | None] = {}
        # The models of which a task succeeded since they were read. `ended` adds, and `durations` removes.
        self._stale: set[tuple[str, str]] = set()
        # Tasks that wait for one reading go on in their order.
        self._reading = asyncio.Lock()

    async def durations(self, provider: str, model: str) -> list[float]:
        """Return the seconds that past tasks of a model took; none where the store cannot be read now."""
        self._stale.discard((provider, model))
        try:
            found = await self._archive.in_store(self._archive.store.durations, provider, model)
        except ImgplayError:
            # A task can go on without past durations, so a locked store must not end it.
            return []
        self._usual[provider, model] = usual(found)
        return found

    async def learn(self, provider: str, model: str) -> None:
        """Read the past durations of a model, unless they are known."""
        async with self._reading:
            if (provider, model) not in self._usual or (provider, model) in self._stale:
                await self.durations(provider, model)

    def ended(self, provider: str, model: str) -> None:
        """Note that a task of a model succeeded."""
        self._stale.add((provider, model))

    def usual(self, provider: str, model: str) -> float | None:
        """Return the seconds that a task of a model usually takes, or None where that is not known."""
        return self._usual.get((provider, model))

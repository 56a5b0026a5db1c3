"""The listener of a job: it hears the progress while the engine waits for the next poll."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from imgplay_widget.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping

    from imgplay_widget._types import JSON, Partial
    from imgplay_widget.providers.base import Provider
    from imgplay_widget.providers.http import Http

__all__ = ["Ear"]


class Ear:
    """Listens to one job, with one listener at a time. A lost connection is made again at the next wait.

    Args:
        provider: the provider that has the job.
        http: its client.
        tell: called with all that the provider says.
    """

    def __init__(self, provider: Provider, http: Http, tell: Callable[[Partial], None]) -> None:
        self._provider = provider
        self._http = http
        self._tell = tell
        self._listener: asyncio.Task[None] | None = None
        # Nothing is to be heard any more: the job is over, or its provider says nothing by itself.
        self._silent = False

    async def wait(self, sleep: Coroutine[Any, Any, None], ticket: Mapping[str, JSON] | None) -> None:
        """Sleep, and listen meanwhile. Return early once the provider has said that the job is over.

        Args:
            sleep: the sleep until the next poll. Its errors are raised here.
            ticket: the ticket of the job, or None where it has none.
        """
        listener = None if ticket is None else self._listening(ticket)
        if listener is None:
            await sleep
            return
        sleeper = asyncio.ensure_future(sleep)
        try:
            await asyncio.wait({sleeper, listener}, return_when=asyncio.FIRST_COMPLETED)
            if not self._silent:
                await sleeper
        finally:
            sleeper.cancel()
            await asyncio.gather(sleeper, return_exceptions=True)

    async def aclose(self) -> None:
        """End the listener."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)

    def _listening(self, ticket: Mapping[str, JSON]) -> asyncio.Task[None] | None:
        if self._listener is not None and self._listener.done() and self._listener.exception() is not None:
            # A plug-in failed in a way of its own. Progress is a courtesy, and the polls go on.
            self._silent = True
        if self._silent:
            return None
        if self._listener is None or self._listener.done():
            said = self._provider.listen(ticket, self._http)
            if said is None:
                self._silent = True
                return None
            self._listener = asyncio.create_task(self._hear(said))
        return self._listener

    async def _hear(self, said: AsyncGenerator[Partial]) -> None:
        async with aclosing(said):
            try:
                async for look in said:
                    self._tell(look)
            except ProviderError:
                return
        self._silent = True

"""The state that REST keeps for one studio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from imgplay_widget.errors import StudioClosed
from imgplay_widget.server.rest.repeats import Repeats
from imgplay_widget.server.rest.stream import EventLog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imgplay_widget._studio.core import Core

__all__ = ["RestStudio", "rest_studio"]

T = TypeVar("T")

STUDIOS = "imgplay_rest"
"""The setting of the application that has the studios as REST uses them, by their cores."""

ZIPS_AT_ONCE = 2
"""The most ZIPs that are written at once. The others wait."""


class RestStudio:
    """A studio as REST uses it. Make it once for a core, on a thread that is not the engine's.

    Args:
        core: the studio, which the server owns and closes.
        base: the path of the REST interface, without a slash at its end.

    Attributes:
        core: the studio.
        base: the path of the REST interface.
        events: the events of the studio.
        repeats: the requests that came with a key.
        packing: held while a ZIP is written.
    """

    def __init__(self, core: Core, base: str) -> None:
        self.core = core
        self.base = base
        self.events = EventLog(base, core.usual)
        self.repeats: Repeats[Any] = Repeats()
        self.packing = asyncio.Semaphore(ZIPS_AT_ONCE)
        self._end = core.subscribe(self.events.take)

    async def ask(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Call a function on the engine's loop, from the loop of the server, and return its result.

        A caller that gives up does not break the function off, which may be in the middle of a request.

        Raises:
            StudioClosed: the studio was closed before the function ended.
        """
        try:
            return await asyncio.shield(asyncio.wrap_future(self.core.start(function, *args)))
        except asyncio.CancelledError:
            if self.core.closed:
                raise StudioClosed("The studio was closed before this was done.") from None
            raise


async def rest_studio(settings: dict[str, Any], core: Core, base: str) -> RestStudio:
    """Return a studio as REST uses it, which is made at the first request. On the loop of the server.

    Args:
        settings: the settings of the server's application.
        core: the studio.
        base: see `RestStudio`.
    """
    known: WeakKeyDictionary[Core, asyncio.Future[RestStudio]] = settings.setdefault(
        STUDIOS, WeakKeyDictionary()
    )
    if core not in known:
        # It waits for the engine's loop, so it is made on another thread.
        known[core] = asyncio.get_running_loop().run_in_executor(None, RestStudio, core, base)
    return await asyncio.shield(known[core])

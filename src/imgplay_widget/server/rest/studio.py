"""The state that REST keeps for one studio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from imgplay_widget.server.rest.repeats import Repeats
from imgplay_widget.server.rest.stream import EventLog

if TYPE_CHECKING:
    from imgplay_widget._studio.core import Core

__all__ = ["RestStudio"]

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
        self.events = EventLog(base)
        self.repeats: Repeats[Any] = Repeats()
        self.packing = asyncio.Semaphore(ZIPS_AT_ONCE)
        self._end = core.subscribe(self.events.take)

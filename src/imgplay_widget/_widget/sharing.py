"""Which playgrounds show which studio, and the synced state that is the same for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from typing import TYPE_CHECKING, Any, Protocol

from imgplay_widget._page.page import Page
from imgplay_widget._rules.changes import Change, DraftWritten, Progressed, SpendingWritten
from imgplay_widget._studio.api import core_of
from imgplay_widget._studio.studio import Studio
from imgplay_widget.errors import ImgplayError, StudioClosed

if TYPE_CHECKING:
    from imgplay_widget._studio.options import StudioOptions

__all__ = ["Shared", "share", "share_own"]

logger = logging.getLogger("imgplay_widget")

STATE_EVERY = 1.0
"""Seconds between two writes of the synced state at least."""


class Take(Protocol):
    """Takes the synced state: the snapshot and its pictures, each as JSON in one line. On the loop."""

    def __call__(self, snapshot: str, pictures: str) -> None:
        """Takes it. What it is given for the second time costs next to nothing."""
        ...


class Shared:
    """A studio that playgrounds show. It closes with the last of them, unless the user made it.

    The synced state is made once for all of them: a cell that is run again leaves its playground behind, and
    each would else cost as much as the playground that is seen.

    Args:
        studio: the studio that they show.
        wanted: the options that it was made from; None for a studio of the user's own.

    Attributes:
        studio, wanted: the same.
        core: the core of the studio.
        playgrounds: the number of playgrounds that show it.
    """

    def __init__(self, studio: Studio, wanted: StudioOptions | None) -> None:
        self.studio = studio
        self.core = core = core_of(studio)
        self.wanted = wanted
        self.playgrounds = 0
        self._page = Page(core, _no_page)
        self._texts = ("", "")
        self._takers: list[Take] = []
        # What was read last must be written last.
        self._order = asyncio.Lock()
        self._end = core.subscribe(self._keep, every=STATE_EVERY)

    def leave(self) -> None:
        """Counts a playground less, which shows the studio no more."""
        with _lock:
            self.playgrounds -= 1
            if self.playgrounds > 0:
                return
            _all.remove(self)
            self._end()
            with contextlib.suppress(StudioClosed):
                self.core.start(self._page.close)
            if self.wanted is not None:
                self.studio.close()

    # -------------------------------------------------------------- the synced state, on the loop

    async def state(self) -> tuple[str, str]:
        """Gives the synced state as it is now; whoever follows it is given it too."""
        await self._write()
        return self._texts

    async def follow(self, take: Take) -> None:
        """Has the state as it was written last taken, and each later one."""
        self._takers.append(take)
        take(*self._texts)

    def unfollow(self, take: Take) -> None:
        """Ends that. From any thread."""
        self._takers.remove(take)

    async def _keep(self, changes: list[Change]) -> None:
        if not all(isinstance(change, Progressed | DraftWritten | SpendingWritten) for change in changes):
            with contextlib.suppress(ImgplayError):
                # A locked store: the next change writes the state.
                await self._write()

    async def _write(self) -> None:
        async with self._order:
            state = await self._page.small_snapshot()
            pictures = json.dumps(state.pop("thumbnails"), separators=(",", ":"))
            self._texts = (json.dumps(state, separators=(",", ":"), ensure_ascii=False), pictures)
            for take in tuple(self._takers):
                take(*self._texts)


def _no_page(content: dict[str, Any], buffers: list[bytes]) -> None:
    """What a face sends that is only asked for its snapshots."""


_all: list[Shared] = []
_lock = threading.Lock()


def share(wanted: StudioOptions) -> Shared:
    """Return the studio of these options, for one more playground: a cell that is run again opens no other.

    Raises as `Studio` does.
    """
    with _lock:
        found = next((shared for shared in _all if shared.wanted == wanted), None)
        if found is None:
            found = _added(Shared(Studio(wanted.store, **wanted.keywords()), wanted))
        found.playgrounds += 1
        return found


def share_own(studio: Studio) -> Shared:
    """Return a studio that is there, for one more playground: the user's own, or that of other playgrounds.

    Raises:
        StudioClosed: the studio is closed.
    """
    with _lock:
        found = next((shared for shared in _all if shared.studio is studio), None)
        found = found or _added(Shared(studio, None))
        found.playgrounds += 1
        return found


def _added(shared: Shared) -> Shared:
    _all.append(shared)
    return shared

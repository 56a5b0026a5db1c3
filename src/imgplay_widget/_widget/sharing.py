"""The studios that playgrounds show, and the synced state that playgrounds of one studio share."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import threading
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imgplay_widget._page.page import Page
from imgplay_widget._rules.changes import Change, DraftWritten, Progressed, SpendingWritten
from imgplay_widget._studio.api import core_of
from imgplay_widget._studio.studio import Studio, note_used
from imgplay_widget.errors import ImgplayError, StudioClosed

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgplay_widget._studio.options import StudioOptions

__all__ = ["Follower", "Shared", "share", "share_own"]

logger = logging.getLogger("imgplay_widget")

STATE_EVERY = 1.0
"""The fewest seconds between two writes of the synced state."""

STATE_WITHIN = 2.0
"""The most seconds that the end of a cell waits for the synced state. A locked store would take longer."""


@dataclass(frozen=True, eq=False)
class Follower:
    """A playground that follows the synced state of its studio.

    Attributes:
        take: is called on the loop with each snapshot and its pictures, each as JSON in one line. The same
            texts may come again, and must then cost next to nothing.
        met: returns whether a browser ever opened the page of the playground.
        send: sends what `take` took and nobody saw. Any thread may call it.
    """

    take: Callable[[str, str], None]
    met: Callable[[], bool]
    send: Callable[[], None]


class Shared:
    """A studio that playgrounds show. It closes with its last playground, unless the user made it.

    The synced state is written once for all playgrounds. A cell that is run again leaves its old playground
    behind, which would otherwise cost as much as a visible one.

    Args:
        studio: the studio.
        wanted: the options that the studio was made from; None for a studio that the user made.

    Attributes:
        studio, wanted: the same.
        core: the core of the studio.
        playgrounds: the number of playgrounds that show the studio.
    """

    def __init__(self, studio: Studio, wanted: StudioOptions | None) -> None:
        self.studio = studio
        self.core = core = core_of(studio)
        self.wanted = wanted
        self.playgrounds = 0
        self._page = Page(core, _send_nowhere)
        self._texts = ("", "")
        self._followers: list[Follower] = []
        # One write at a time, so that the newest state is written last.
        self._order = asyncio.Lock()
        self._end = core.subscribe(self._on_changes, every=STATE_EVERY)

    def leave(self) -> None:
        """Count one playground less, and close the studio after the last one unless the user made it."""
        with _lock:
            self.playgrounds -= 1
            if self.playgrounds > 0:
                return
            if self in _all:
                _all.remove(self)
            self._end()
            with contextlib.suppress(StudioClosed):
                self.core.start(self._page.close)
            if self.wanted is not None:
                self.studio.close()

    # -------------------------------------------------------------- the synced state, on the loop

    async def state(self) -> tuple[str, str]:
        """Write the synced state, also to the followers, and return it."""
        await self._write()
        return self._texts

    async def follow(self, follower: Follower) -> None:
        """Call a follower with the state that was written last, and with each later state."""
        self._followers.append(follower)
        follower.take(*self._texts)

    def unfollow(self, follower: Follower) -> None:
        """Stop calling a follower. Any thread may call this."""
        self._followers.remove(follower)

    def at_cell_end(self) -> None:
        """Send the state to the playgrounds that no browser opened, on the thread of the cell.

        A notebook that is executed without a browser stores the state that the messages of its cells hold.
        Messages of the engine's own thread do not belong to a cell.
        """
        unmet = [follower for follower in tuple(self._followers) if not follower.met()]
        if not unmet:
            return
        with contextlib.suppress(ImgplayError, TimeoutError, CancelledError):
            self.core.start(self._write).result(STATE_WITHIN)
        for follower in unmet:
            follower.send()

    async def _on_changes(self, changes: list[Change]) -> None:
        if not all(isinstance(change, Progressed | DraftWritten | SpendingWritten) for change in changes):
            with contextlib.suppress(ImgplayError):
                # Where the store is locked, the next change writes the state.
                await self._write()

    async def _write(self) -> None:
        async with self._order:
            state = await self._page.small_snapshot()
            pictures = json.dumps(state.pop("thumbnails"), separators=(",", ":"))
            self._texts = (json.dumps(state, separators=(",", ":"), ensure_ascii=False), pictures)
            for follower in tuple(self._followers):
                follower.take(*self._texts)


def _send_nowhere(content: dict[str, Any], buffers: list[bytes]) -> None:
    """Drop a message. The page of a shared studio only makes snapshots, and no browser reads it."""


_all: list[Shared] = []
_lock = threading.Lock()


def share(wanted: StudioOptions) -> Shared:
    """Return the studio of these options for one more playground. Raise as `Studio` does.

    Equal options share one studio, so a cell that is run again does not open a second one.
    """
    with _lock:
        _drop_closed()
        found = next((shared for shared in _all if shared.wanted == wanted), None)
        if found is None:
            found = _added(Shared(Studio(wanted.store, **wanted.keywords()), wanted))
        note_used(found.studio)
        found.playgrounds += 1
        return found


def share_own(studio: Studio) -> Shared:
    """Return an open studio, made by the user or by another playground, for one more playground.

    Raises:
        StudioClosed: the studio is closed.
    """
    with _lock:
        _drop_closed()
        found = next((shared for shared in _all if shared.studio is studio), None)
        found = found or _added(Shared(studio, None))
        note_used(studio)
        found.playgrounds += 1
        return found


def _drop_closed() -> None:
    """Forget the studios that were closed while playgrounds or cells still used them."""
    _all[:] = [shared for shared in _all if not shared.core.closed]


def _added(shared: Shared) -> Shared:
    if not _all:
        _follow_cells()
    _all.append(shared)
    return shared


def _follow_cells() -> None:
    """Call `_at_cell_end` at the end of each cell, where IPython runs the cells.

    A second call changes nothing.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None:
        shell.events.register("post_run_cell", _at_cell_end)


def _at_cell_end(_: object) -> None:
    for shared in tuple(_all):
        shared.at_cell_end()

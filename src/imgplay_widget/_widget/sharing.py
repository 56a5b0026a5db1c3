"""Which playgrounds show which studio, and the synced state that is the same for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from typing import TYPE_CHECKING, Any, Protocol

from imgplay_widget._page.page import Face
from imgplay_widget._rules.changes import Change, DraftWritten, Progressed, SpendingWritten
from imgplay_widget._studio.studio import Studio
from imgplay_widget.errors import ImgplayError, StudioClosed

if TYPE_CHECKING:
    import os

    from imgplay_widget.providers.base import Provider

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
    """A studio that playgrounds show. It closes with the last of them, where it is not the user's own.

    The synced state is made once for all of them: a cell that is run again leaves its playground behind, and
    each would else cost as much as the one that is seen.

    Args:
        studio: what they show.
        wanted: the arguments that it was made from; None for a studio of the user's own.

    Attributes:
        studio: the same.
        wanted: the same.
        playgrounds: how many there are.
    """

    def __init__(self, studio: Studio, wanted: tuple[Any, ...] | None) -> None:
        self.studio = studio
        self.wanted = wanted
        self.playgrounds = 0
        self._face = Face(studio, _no_page)
        self._texts = ("", "")
        self._takers: list[Take] = []
        # What was read last must be written last.
        self._order = asyncio.Lock()
        self._end = studio.subscribe(self._keep, every=STATE_EVERY)

    def leave(self) -> None:
        """Counts a playground less, which shows the studio no more."""
        with _lock:
            self.playgrounds -= 1
            if self.playgrounds > 0:
                return
            _all.remove(self)
            self._end()
            with contextlib.suppress(StudioClosed):
                self.studio.start(self._face.close)
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
            state = await self._face.small_snapshot()
            pictures = json.dumps(state.pop("thumbnails"), separators=(",", ":"))
            self._texts = (json.dumps(state, separators=(",", ":"), ensure_ascii=False), pictures)
            for take in tuple(self._takers):
                take(*self._texts)


def _no_page(content: dict[str, Any], buffers: list[bytes]) -> None:
    """What a face sends that is only asked for its snapshots."""


_all: list[Shared] = []
_lock = threading.Lock()


def share(
    store: str | os.PathLike[str] | None,
    *,
    user_id: str,
    organization_id: str | None,
    providers: tuple[Provider, ...],
    keys: tuple[tuple[str, str], ...],
    max_count: int,
    titles: str,
    concurrency: tuple[tuple[str, int], ...],
) -> Shared:
    """Gives the studio of these arguments to one more playground: a cell that is run again opens no other.

    Raises: as `Studio` does.
    """
    place = None if store is None else str(store)
    ids = tuple(map(id, providers))
    wanted = (place, user_id, organization_id, ids, keys, max_count, titles, concurrency)
    with _lock:
        found = next((shared for shared in _all if shared.wanted == wanted), None)
        if found is None:
            studio = Studio(
                store,
                user_id=user_id,
                organization_id=organization_id,
                providers=providers,
                keys=dict(keys),
                max_count=max_count,
                titles=titles,
                concurrency=dict(concurrency),
            )
            found = _added(Shared(studio, wanted))
        found.playgrounds += 1
        return found


def share_own(studio: Studio) -> Shared:
    """Gives a studio that is there to one more playground: the user's own, or that of other playgrounds.

    Raises:
        StudioClosed: it is closed.
    """
    with _lock:
        found = next((shared for shared in _all if shared.studio is studio), None)
        found = found or _added(Shared(studio, None))
        found.playgrounds += 1
        return found


def _added(shared: Shared) -> Shared:
    _all.append(shared)
    return shared

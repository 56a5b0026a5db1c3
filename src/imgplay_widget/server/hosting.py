"""The studios of a server: each opens at its first request, and stays open until the server stops."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from imgplay_widget._page.once import Once
    from imgplay_widget._studio.options import StudioKeywords
    from imgplay_widget._studio.studio import Studio

__all__ = ["Hosted", "Hosting"]


@dataclass(frozen=True, slots=True, eq=False)
class Hosted:
    """A studio of a server.

    Attributes:
        studio: the studio.
        once: the requests of its pages that came already. A page whose socket was cut comes back on another
            one, and repeats what was not answered.
    """

    studio: Studio
    once: Once


class Hosting:
    """The studios of a server on one store. All calls are made on the server's loop.

    Args:
        store: the store, as `Studio` takes it.
        options: the options of the studios, as `Studio` takes them.
    """

    def __init__(self, store: str | os.PathLike[str] | None, options: StudioKeywords | None = None) -> None:
        self._store = store
        self._options: StudioKeywords = options or {}
        # The studio of each user, or its opening. None stands for the owner of the store.
        self._studios: dict[str | None, asyncio.Future[Hosted]] = {}
        # True from `close` on, when no studio may be opened any more.
        self._closed = False

    async def studio(self, user: str | None) -> Hosted:
        """Return the studio of a user, which is opened in a thread where it is not open yet.

        Args:
            user: the name of an identity that has a history of its own; None for the owner of the store.

        Raises:
            StoreError: the store cannot be opened. The next request tries again.
            StudioClosed: the server stops.
        """
        if self._closed:
            # The errors are imported late, so that a server starts without them.
            from imgplay_widget.errors import StudioClosed

            raise StudioClosed("The server stops.")
        opening = self._studios.get(user)
        if opening is None or (opening.done() and (opening.cancelled() or opening.exception() is not None)):
            loop = asyncio.get_running_loop()
            opening = loop.run_in_executor(None, partial(_open, self._store, self._options, user))
            self._studios[user] = opening
        # A request that its browser gave up must not end the opening, which others wait for.
        return await asyncio.shield(opening)

    async def close(self) -> None:
        """Close all studios. Other kernels, or the next start, continue what runs."""
        self._closed = True
        opened = await asyncio.gather(*self._studios.values(), return_exceptions=True)
        loop = asyncio.get_running_loop()
        studios = [one for one in opened if not isinstance(one, BaseException)]
        await asyncio.gather(*(loop.run_in_executor(None, one.studio.close) for one in studios))


def _open(store: str | os.PathLike[str] | None, options: StudioKeywords, user: str | None) -> Hosted:
    """Open a studio. The imports take most of the time of the first one, so this thread makes them."""
    from imgplay_widget._page.once import Once
    from imgplay_widget._studio.studio import Studio

    # The prefix keeps an identity that is called like the owner of the store away from the owner's history.
    own: StudioKeywords = {} if user is None else {"user_id": f"user:{user}"}
    return Hosted(Studio(store, **{**options, **own, "only_able": True}), Once())

"""The studios of a server: each opens at its first request, and stays open until the server stops."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Sequence
    from decimal import Decimal

    from imgplay_widget._page.once import Once
    from imgplay_widget._studio.core import Core
    from imgplay_widget._studio.options import StudioKeywords
    from imgplay_widget._studio.studio import Studio

__all__ = ["Hosted", "Hosting"]

T = TypeVar("T")

logger = logging.getLogger("imgplay_widget")


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
        budget: the most USD that each studio may spend a day, or None for any amount.
    """

    def __init__(
        self,
        store: str | os.PathLike[str] | None,
        options: StudioKeywords | None = None,
        budget: float | Decimal | None = None,
    ) -> None:
        self._store = store
        self._budget = budget
        self._options: StudioKeywords = options or {}
        # The studio of each user, or its opening. None stands for the owner of the store.
        self._studios: dict[str | None, asyncio.Future[Hosted]] = {}
        # Done at the end of all studios. From `close` on, which sets it, no studio may be opened.
        self._closing: asyncio.Future[None] | None = None
        # Done once nobody wants to wait for answers any more. `close` makes it, and `leave` ends it.
        self._leaving: asyncio.Future[None] | None = None

    async def studio(self, user: str | None) -> Hosted:
        """Return the studio of a user, which is opened in a thread where it is not open yet.

        Args:
            user: the name of an identity that has a history of its own; None for the owner of the store.

        Raises:
            StoreError: the store cannot be opened. The next request tries again.
            StudioClosed: the server stops.
        """
        if self._closing is not None:
            # The errors are imported late, so that a server starts without them.
            from imgplay_widget.errors import StudioClosed

            raise StudioClosed("The server stops.", next_step="Try again when the server runs again.")
        opening = self._studios.get(user)
        if opening is None or (opening.done() and (opening.cancelled() or opening.exception() is not None)):
            loop = asyncio.get_running_loop()
            opening = loop.run_in_executor(
                None, partial(_open, self._store, self._options, self._budget, user)
            )
            self._studios[user] = opening
        # A request that its browser gave up must not end the opening, which others wait for.
        return await asyncio.shield(opening)

    async def close(
        self, *, longest: float | None = None, waits: Callable[[int], object] | None = None
    ) -> int:
        """Hand over what runs, and close all studios. Return the number of calls whose answers may be lost.

        A call to a provider that has no answer yet is waited for, because nobody else can get its answer.
        Other kernels, or the next start, continue everything else. A second call of `close` ends the waiting,
        and returns 0, because the first one counts.

        Args:
            longest: the most seconds to wait for answers; None waits for all of them.
            waits: is called with the number of answers, where there are any to wait for.
        """
        if self._closing is not None:
            self.leave()
            await asyncio.shield(self._closing)
            return 0
        loop = asyncio.get_running_loop()
        self._closing, self._leaving = loop.create_future(), loop.create_future()
        try:
            return await self._close(self._leaving, longest, waits)
        finally:
            self._closing.set_result(None)

    def leave(self) -> None:
        """End the waiting of `close`. Answers that did not come yet may be lost."""
        if self._leaving is not None and not self._leaving.done():
            self._leaving.set_result(None)

    async def _close(
        self, leaving: asyncio.Future[None], longest: float | None, waits: Callable[[int], object] | None
    ) -> int:
        opened = await asyncio.gather(*self._studios.values(), return_exceptions=True)
        studios = [one.studio for one in opened if not isinstance(one, BaseException)]
        if not studios:
            return 0
        from imgplay_widget._studio.api import core_of

        lost = await _hand_over([core_of(studio) for studio in studios], leaving, longest, waits)
        loop = asyncio.get_running_loop()
        closing = (loop.run_in_executor(None, studio.close) for studio in studios)
        for error in await asyncio.gather(*closing, return_exceptions=True):
            if error is not None:
                logger.warning("A studio could not be closed: %s", error)
        return lost


async def _hand_over(
    cores: Sequence[Core],
    leaving: asyncio.Future[None],
    longest: float | None,
    waits: Callable[[int], object] | None,
) -> int:
    """Wait for the answers of all studios side by side, and return the number of missing ones."""
    handing = asyncio.gather(
        *(_ask(core, partial(core.engine.hand_over, send=False), None) for core in cores)
    )
    out = await _calls_out(cores)
    if out and waits is not None:
        waits(out)
    await asyncio.wait((handing, leaving), timeout=longest, return_when=asyncio.FIRST_COMPLETED)
    lost = await _calls_out(cores)
    handing.cancel()
    await asyncio.gather(handing, return_exceptions=True)
    return lost


async def _calls_out(cores: Sequence[Core]) -> int:
    """Return the number of calls whose answers only these studios can get."""
    return sum(await asyncio.gather(*(_ask(core, core.engine.calls_out, 0) for core in cores)))


async def _ask(core: Core, function: Callable[[], Awaitable[T]], otherwise: T) -> T:
    """Return the result of a function on the loop of a studio, or another value where the studio fails."""
    from imgplay_widget.errors import ImgplayError

    try:
        return await asyncio.wrap_future(core.start(function))
    except ImgplayError as error:
        # Neither a studio that is closed already nor a store that is locked keeps a server from stopping.
        logger.warning("A studio could not hand over its work: %s", error.message)
        return otherwise
    except (asyncio.CancelledError, RuntimeError):
        # Other code closed the studio meanwhile, and its loop ended with the call in it.
        if not core.closed:
            raise
        return otherwise


def _open(
    store: str | os.PathLike[str] | None,
    options: StudioKeywords,
    budget: float | Decimal | None,
    user: str | None,
) -> Hosted:
    """Open a studio. The imports take most of the time of the first one, so this thread makes them."""
    from imgplay_widget._page.once import Once
    from imgplay_widget._studio.options import NAMED
    from imgplay_widget._studio.studio import Studio

    # The prefix keeps an identity that is called like the owner of the store away from the owner's history.
    own: StudioKeywords = {} if user is None else {"user_id": f"{NAMED}{user}"}
    return Hosted(Studio(store, budget=budget, **{**options, **own, "only_able": True}), Once())

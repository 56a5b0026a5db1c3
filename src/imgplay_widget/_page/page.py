"""The kernel's side of one page: it answers the calls of the page and sends the changes of the studio.

A `Page` runs on the studio's loop. It finds the answer to a call in one table, which its parts fill. A test
checks that the table has each call of `protocol`. The widget only carries the messages.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from imgplay_widget._ids import new_id
from imgplay_widget._page import protocol
from imgplay_widget._page.calls import Attachments
from imgplay_widget._page.downloads import Downloads
from imgplay_widget._page.events import EventStream
from imgplay_widget._page.feeds import Feeds
from imgplay_widget._page.history import History
from imgplay_widget._page.once import Once
from imgplay_widget._page.parts import PartFiles
from imgplay_widget._page.pictures import Pictures
from imgplay_widget._page.presets import KeptPresets
from imgplay_widget._page.providers import Offered
from imgplay_widget._page.references import PageReferences
from imgplay_widget._page.requests import Requests, WishRefusedError
from imgplay_widget._page.selection import Selection
from imgplay_widget._page.snapshots import Snapshots
from imgplay_widget._page.states import error_state
from imgplay_widget._rules.changes import Change, NoticeGiven
from imgplay_widget.errors import ImgplayError, InvalidRequest, StudioClosed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgplay_widget._page.calls import Answers
    from imgplay_widget._studio.core import Core
    from imgplay_widget._studio.handles import Generations

__all__ = ["Page"]

logger = logging.getLogger("imgplay_widget")

Send = Callable[[dict[str, Any], list[bytes]], None]


class Page:
    """The kernel's side of one page.

    Args:
        core: the studio.
        send: sends a message (JSON and buffers) to the page. It is thread-safe and does not block for long.
        shown: is called on the loop each time that a browser tells that it shows the page.
        selected: is called on the loop after each change of the selection that code did not make, with the
            selected images and whether a page selected others than before.
        once: the requests that came already, where the browser may come back with another `Page`; None for
            those of this one only.
    """

    def __init__(
        self,
        core: Core,
        send: Send,
        shown: Callable[[], None] | None = None,
        selected: Callable[[Generations, bool], None] | None = None,
        once: Once | None = None,
    ) -> None:
        self._core = core
        self._send = send
        self._shown = shown
        self._once = once or Once()
        source = new_id()
        pictures = Pictures(core)
        self._downloads = Downloads(core)
        self._references = PageReferences(core)
        self._events = EventStream(core, pictures, send, source)
        feeds = Feeds(core, source)
        self._selection = Selection(core, self._events.announce, selected or _tell_nobody)
        self._snapshots = Snapshots(core, feeds, self._events, self._selection)
        parts = (
            self._downloads,
            self._references,
            feeds,
            pictures,
            self._selection,
            Requests(core, source),
            History(core, source),
            Offered(core),
            KeptPresets(core),
            PartFiles(core),
        )
        self.answers: Answers = {protocol.Hello: self._hello}
        """The answer to each call of the protocol."""
        for part in parts:
            self.answers |= part.answers()

    async def close(self) -> None:
        """Remove the ZIPs and the unfinished uploads, which only this page could still ask for."""
        self._downloads.close()
        self._references.close()

    @property
    def met(self) -> bool:
        """Whether a browser ever opened the page."""
        return self._events.met

    @property
    def seen(self) -> bool:
        """Whether a browser shows the page and acknowledges what the page is told."""
        return self._events.seen

    async def publish(self, changes: list[Change]) -> None:
        """Send changes of the studio to the page. The studio calls this for each change."""
        self._selection.heed(changes)
        await self._events.publish(changes)

    async def select(self, images: Generations) -> None:
        """Select images on the page by code, and no others."""
        self._selection.choose(images)

    async def small_snapshot(self) -> dict[str, Any]:
        """Return the snapshot for the synced state. Its size is bounded, however long the history is."""
        return await self._snapshots.small()

    async def receive(self, content: object, received: Sequence[bytes | memoryview] = ()) -> None:
        """Handle a message of the page. Each request is answered exactly once, with a result or an error.

        A page repeats a request, with the same id, when the answer did not come. What was done is not done
        again: the repeated request gets the same answer.

        An answer must read its content last, at one moment, and must not await anything after that: the page
        assumes that an answer is newer than the events that were sent before it.

        Args:
            content: the message.
            received: the binary buffers that came with the message.
        """
        try:
            message = protocol.parse(content)
        except InvalidRequest as error:
            to = content.get("id") if isinstance(content, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - anything may come
            if isinstance(to, str):
                self._send(_refusal(to, error), [])
            else:
                logger.warning("The page sent a message that cannot be read: %s", error.message)
            return
        if not isinstance(message, protocol.PageRequest):
            self._heed(message)
            return
        if not self._once.begin(message):
            if reply := self._once.reply(message):
                self._send(dict(reply), [])
            return
        buffers = Attachments(received)
        try:
            result = await self.answers[type(message.call)](message.call, buffers)
        except ImgplayError as error:
            self._refuse(message, error)
        except WishRefusedError as refused:
            self._refuse(message, refused.error, refused.index)
        except asyncio.CancelledError:
            self._refuse(message, StudioClosed("The studio was closed before this was done."))
            raise
        except Exception:
            logger.exception("A request of the page failed: %s", message.call.method)
            self._refuse(message, ImgplayError("This failed inside imgplay-widget; the log has more."))
        else:
            self._answer(message, result, buffers.sent)

    def _heed(self, message: protocol.Ack | protocol.Leave) -> None:
        """Take in whether the page is seen."""
        if isinstance(message, protocol.Leave):
            self._events.leave(message.page)
            return
        self._events.acknowledge(message.page)
        if self._shown is not None:
            self._shown()

    def _answer(self, message: protocol.PageRequest, result: Any, buffers: list[bytes]) -> None:
        """Send the result of a request, or an error where the result cannot be sent."""
        try:
            answer = protocol.ReplyMessage(to=message.id, result=result).wire()
        except Exception:
            logger.exception("An answer to the page cannot be sent: %s", message.call.method)
            error = ImgplayError("The answer cannot be sent to the page; the log has more.")
            self._refuse(message, error)
        else:
            self._once.end(message, answer)
            self._send(answer, buffers)

    def _refuse(self, message: protocol.PageRequest, error: ImgplayError, wish: int | None = None) -> None:
        """Answer a request with an error. `wish` is the index of the refused request of a click."""
        reply = _refusal(message.id, error, wish)
        self._once.end(message, reply)
        self._send(reply, [])

    async def _hello(self, call: protocol.Hello, buffers: Attachments) -> protocol.SnapshotResult:
        first = not self._events.met
        self._events.hello(call.page)
        self._core.engine.eager_thumbnails = True
        self._core.archive.aside(self._core.offers.freshen())
        snapshot = await self._snapshots.whole(buffers, call.catalog)
        if first:
            # A page takes no event that is older than its snapshot. This work begins after the answer.
            notices: list[Change] = [NoticeGiven(notice=notice) for notice in self._core.notices]
            self._core.archive.aside(self._events.publish(notices))
        return protocol.SnapshotResult(snapshot=snapshot)


def _tell_nobody(_: Generations, by_page: bool) -> None:  # noqa: FBT001 - as the others
    """Let nobody know of a change of the selection: a page without a playground has no traits."""


def _refusal(to: str, error: ImgplayError, wish: int | None = None) -> dict[str, Any]:
    """Return the message that answers a request with an error."""
    state = error_state(error.info)
    if wish is not None:
        state = protocol.WishRefused(**dict(state), wish=wish)
    return protocol.ReplyMessage(to=to, error=state).wire()

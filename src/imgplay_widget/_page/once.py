"""The requests that a page repeats because their answer did not come. Each is done, and paid, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgplay_widget._page import protocol
from imgplay_widget._page.states import error_state
from imgplay_widget.errors import ImgplayError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ANSWERS", "READS", "REQUESTS", "Once"]

READS: frozenset[type[protocol.Message]] = frozenset(
    {
        protocol.Hello,
        protocol.Feed,
        protocol.ReadGallery,
        protocol.NamedBatches,
        protocol.Queue,
        protocol.Prompts,
        protocol.ModelsUsed,
        protocol.LabelsUsed,
        protocol.ReadTopics,
        protocol.NamedTopics,
        protocol.Thumbnails,
        protocol.ReadCovers,
        protocol.Original,
        protocol.View,
        protocol.LoadPart,
        protocol.ReadRecipe,
        protocol.Code,
        protocol.PackChunk,
        protocol.ReferenceThumbnails,
        protocol.ReferenceOriginal,
        protocol.Model,
        protocol.CheckProvider,
        protocol.ServerPresets,
        protocol.ReadPresets,
    }
)
"""The calls that change nothing and cost nothing. When they are repeated, they are answered anew."""

ANSWERS, REQUESTS = 64, 4096
"""The most answers of a page that are kept, and the most requests whose ids are kept."""


class Once:
    """The requests that came already, with their answers: those of one page, or of all pages of a server."""

    def __init__(self) -> None:
        # The oldest comes first. The value is None while the request runs, and after its answer was dropped.
        self._replies: dict[str, Mapping[str, Any] | None] = {}
        self._running: set[str] = set()
        self._answered: list[str] = []

    def begin(self, request: protocol.PageRequest) -> bool:
        """Note a request that came. Return whether it is to be done: it neither runs nor was done before."""
        if request.id in self._running or request.id in self._replies:
            return False
        self._running.add(request.id)
        return True

    def end(self, request: protocol.PageRequest, reply: Mapping[str, Any]) -> None:
        """Note the answer to a request, unless the request only reads."""
        self._running.discard(request.id)
        if type(request.call) in READS:
            return
        self._replies[request.id] = reply
        self._answered.append(request.id)
        if len(self._answered) > ANSWERS:
            self._replies[self._answered.pop(0)] = None
        while len(self._replies) > REQUESTS:
            del self._replies[next(iter(self._replies))]

    def reply(self, request: protocol.PageRequest) -> Mapping[str, Any] | None:
        """Return the answer that a repeated request gets, or None while the request runs."""
        if request.id in self._running:
            return None
        kept = self._replies[request.id]
        if kept is not None:
            return kept
        error = ImgplayError(
            "This was done, but its answer is not kept any more.", next_step="Load the page again."
        )
        return protocol.ReplyMessage(to=request.id, error=error_state(error.info)).wire()

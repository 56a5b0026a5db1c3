"""The endpoint of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget.server.rest.declare import Asked, Endpoint, StreamAnswer

if TYPE_CHECKING:
    from imgplay_widget.server.rest.studio import RestStudio
    from imgplay_widget.server.rest.values import NoFields

__all__ = ["ENDPOINTS", "SEEN"]

SEEN = "Last-Event-ID"
"""The header in which a reader that comes back names the last event that it has."""


async def follow_events(asked: Asked[NoFields, NoFields], studio: RestStudio) -> StreamAnswer:
    """Follow the changes of the studio, as server-sent events."""
    return StreamAnswer(reader=studio.events.read(asked.headers.get(SEEN, "")))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/events",
        function=follow_events,
        media_types=("text/event-stream",),
        headers={SEEN: "The id of the last event that the reader has. It gets the events after that one."},
        group="events",
    ),
)
"""The endpoint of events."""

"""Read an answer that comes as a stream: partial images on the way, then the finished ones.

OpenAI and the services that speak its protocol name their events alike: ``….partial_image``, ``….completed``
and ``error``. The events carry no image index, so that one stream is about one image.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget._types import Done, Partial
from imgplay_widget.errors import BadResponse
from imgplay_widget.providers._shared.answers import read_images, text
from imgplay_widget.providers.http import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence

    from imgplay_widget._types import Pending
    from imgplay_widget.errors import ProviderError
    from imgplay_widget.providers.http import Http, ServerEvent

__all__ = ["streamed"]

_LAST_PARTIAL = 0.9
"""The progress of the last partial image: more of them may come than were expected."""


async def streamed(
    events: AsyncIterator[ServerEvent | Reply],
    http: Http,
    *,
    partials: int,
    whole: Callable[[Reply], Done],
    collect: Callable[[Mapping[str, Any], Sequence[bytes]], Done],
    failed: Callable[[Reply], ProviderError],
) -> AsyncGenerator[Partial | Pending | Done]:
    """Yield the partial images of a stream, then its `Done`.

    Args:
        events: of `Http.events`; they are closed at the end.
        http: the provider's client.
        partials: how many partial images are expected.
        whole: reads an answer that is no stream, and raises where it is an error.
        collect: makes the end of the call from the JSON of the last event and its images.
        failed: makes the error that an event stands for.

    Raises:
        ProviderError: an event was an error, as `failed` has it.
        BadResponse: the stream ended before the image was complete.
    """
    async with aclosing(cast("Any", events)) as items:
        async for item in items:
            if isinstance(item, Reply):
                yield whole(item)
                return
            answer = _read(item, http, partials, collect, failed)
            if answer is not None:
                yield answer
            if isinstance(answer, Done):
                return
    raise BadResponse("The stream ended before the image was complete.", provider=http.provider.spec.name)


def _read(
    event: ServerEvent,
    http: Http,
    partials: int,
    collect: Callable[[Mapping[str, Any], Sequence[bytes]], Done],
    failed: Callable[[Reply], ProviderError],
) -> Partial | Done | None:
    if event.data.strip() == b"[DONE]":
        return None
    images, answer = read_images(event.data, "text/event-stream", http)
    kind = text(answer.get("type")) or event.event
    if kind == "error" or answer.get("error"):
        # The stream itself began as a success: its work may have been done.
        raise failed(Reply(200, {}, event.data))
    if kind.endswith(".partial_image") and images:
        index = answer.get("partial_image_index")
        shown = (index if isinstance(index, int) else 0) + 1
        return Partial(index=0, data=images[0], progress=min(_LAST_PARTIAL, shown / (partials + 1)))
    if kind.endswith(".completed"):
        return collect({**answer, "data": [answer]}, images)
    return None

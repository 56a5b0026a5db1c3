"""Read an answer that comes as a stream: partial images on the way, then the finished ones.

OpenAI and the services that speak its protocol name their events alike: ``….partial_image``, ``….completed``
and ``error``. The events carry no image index, so that one stream is about one image.
"""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget._types import Done, Partial
from imgplay_widget.errors import BadResponse
from imgplay_widget.providers._shared.answers import read_images, text
from imgplay_widget.providers.http import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping

    from imgplay_widget._types import Pending
    from imgplay_widget.errors import ProviderError
    from imgplay_widget.providers.http import Http, ServerEvent

__all__ = ["streamed"]

_LAST_PARTIAL = 0.9
"""The progress of the last partial image: more of them may come than were expected."""
_REFUSED = (400, 404, 422)
_STREAM = re.compile(rb"(?<![a-z])(stream|partial_images)", re.IGNORECASE)
"""The fields that only a call with a stream has; "upstream" is another word."""
_LOOKED_AT = 10_000


async def streamed(
    events: AsyncIterator[ServerEvent | Reply],
    http: Http,
    *,
    partials: int,
    whole: Callable[[Reply], Done],
    collect: Callable[[Mapping[str, Any]], Done],
    failed: Callable[[Reply], ProviderError],
    plainly: Callable[[], Awaitable[Reply]],
) -> AsyncGenerator[Partial | Pending | Done]:
    """Yield the partial images of a stream, then its `Done`.

    Args:
        events: of `Http.events`; they are closed at the end.
        http: the provider's client.
        partials: how many partial images are expected.
        whole: reads an answer that is no stream, and raises where it is an error.
        collect: makes the end of the call from the JSON of the last event, which `read_images` read.
        failed: makes the error that an event stands for.
        plainly: sends the same call without a stream. It is used once, after a refusal of the stream by its
            name: such a call did no work.

    Raises:
        ProviderError: an event was an error, as `failed` has it.
        BadResponse: the stream ended before the image was complete.
    """
    async with aclosing(cast("Any", events)) as items:
        async for item in items:
            if isinstance(item, Reply):
                refused = item.status in _REFUSED and _STREAM.search(item.body[:_LOOKED_AT])
                yield whole(await plainly() if refused else item)
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
    collect: Callable[[Mapping[str, Any]], Done],
    failed: Callable[[Reply], ProviderError],
) -> Partial | Done | None:
    if event.data.strip() == b"[DONE]":
        return None
    answer = read_images(event.data, "text/event-stream", http)
    kind = text(answer.get("type")) or event.event
    if kind == "error" or answer.get("error"):
        # The stream itself began as a success: its work may have been done.
        raise failed(Reply(200, {}, event.data))
    if kind.endswith(".partial_image"):
        data, index = answer.get("b64_json"), answer.get("partial_image_index")
        if not isinstance(data, bytes):
            return None
        shown = (index if isinstance(index, int) and index > 0 else 0) + 1
        return Partial(index=0, data=data, progress=min(_LAST_PARTIAL, shown / (partials + 1)))
    # Some gateways send the answer of a call without a stream as an event of no name.
    if kind.endswith(".completed") or answer.get("data"):
        return collect(answer)
    return None

"""The endpoint of input images.

An input image comes as bytes, as a public https link, or from a finished generation, and never as a path.
Links follow the rules of the studio: https only, not to a private address, and without any key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget import errors
from imgplay_widget._page.uploads import MAX_FILE
from imgplay_widget._rules.kinds import EXTENSIONS, OTHER
from imgplay_widget.errors import InvalidRequest
from imgplay_widget.server.rest.declare import Asked, Endpoint, JsonAnswer
from imgplay_widget.server.rest.values import ReferenceAnswer, ReferenceQuery, ReferenceSource

if TYPE_CHECKING:
    from imgplay_widget._types import Reference
    from imgplay_widget.server.rest.studio import RestStudio

__all__ = ["ENDPOINTS"]


async def add_reference(
    asked: Asked[ReferenceQuery, ReferenceSource | bytes], studio: RestStudio
) -> JsonAnswer:
    """Add an input image: send its bytes, or JSON with a link or a generation.

    The image is kept for a day, and for as long as its batches once a request names it.
    """
    kept = await _kept(asked, studio)
    return JsonAnswer(
        value=ReferenceAnswer(
            digest=kept.digest, media_type=kept.media_type, width=kept.width, height=kept.height
        )
    )


async def _kept(asked: Asked[ReferenceQuery, ReferenceSource | bytes], studio: RestStudio) -> Reference:
    references, body, role = studio.core.references, asked.body, asked.query.role
    if isinstance(body, bytes):
        return await references.keep(body, role)
    if (body.link is None) == (body.generation_id is None):
        raise InvalidRequest("Name either a link or a generationId, and not both.", parameter="body")
    if body.link is not None:
        return await references.keep(await studio.core.clients.fetch(body.link), role)
    if role == "mask":
        raise InvalidRequest("A generation is not a mask.", parameter="role", next_step="Send a PNG.")
    return await references.of_result(body.generation_id or "")


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/references",
        function=add_reference,
        query=ReferenceQuery,
        body=ReferenceSource,
        binary=(*EXTENSIONS, OTHER),
        largest=MAX_FILE,
        status=201,
        answer=ReferenceAnswer,
        errors=(errors.NotFound, errors.DiskFull),
        group="references",
    ),
)
"""The endpoint of input images."""

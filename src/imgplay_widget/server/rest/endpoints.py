"""All endpoints of REST, and the endpoint that describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget.server.rest import batches, following, offers, pictures, references, requests, topics
from imgplay_widget.server.rest.declare import Asked, Endpoint, JsonAnswer
from imgplay_widget.server.rest.document import document
from imgplay_widget.server.rest.values import NoFields, OpenApiAnswer

if TYPE_CHECKING:
    from imgplay_widget.server.rest.studio import RestStudio

__all__ = ["ENDPOINTS"]


async def read_openapi(_: Asked[NoFields, NoFields], studio: RestStudio) -> JsonAnswer:
    """Return this description of all endpoints, as OpenAPI 3.1."""
    described = await studio.core.archive.in_pool(document, ENDPOINTS, studio.base)
    return JsonAnswer(value=OpenApiAnswer.model_validate(described))


ENDPOINTS = (
    *topics.ENDPOINTS,
    *requests.ENDPOINTS,
    *batches.ENDPOINTS,
    *pictures.ENDPOINTS,
    *references.ENDPOINTS,
    *offers.ENDPOINTS,
    *following.ENDPOINTS,
    Endpoint(
        method="GET", path="/openapi.json", function=read_openapi, answer=OpenApiAnswer, group="openapi"
    ),
)
"""All endpoints, in the order of the documentation."""

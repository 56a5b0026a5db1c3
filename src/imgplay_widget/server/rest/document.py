"""The OpenAPI description of REST, made from the declarations of its endpoints."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from imgplay_widget import errors
from imgplay_widget.server.rest.statuses import status_of
from imgplay_widget.server.rest.stream import EVENTS
from imgplay_widget.server.rest.values import (
    ErrorAnswer,
    NoticeEvent,
    ProgressEvent,
    RemovedEvent,
    SpendingEvent,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget.errors import ImgplayError
    from imgplay_widget.server.rest.declare import Endpoint
    from imgplay_widget.server.rest.values import WireValue

__all__ = ["BASE", "document"]

BASE = "/api/image-playground"
"""The path of the REST interface where the base URL of the server is ``/``."""

_REF = "#/components/schemas/{model}"
_OF_ANY = (errors.StoreError, errors.StoreLocked, errors.StudioClosed)
"""The errors of the tree that any endpoint may answer with."""

_REFUSALS = {
    HTTPStatus.UNAUTHORIZED: "Nobody is logged in.",
    HTTPStatus.FORBIDDEN: "This request is not allowed: nobody is logged in, or another site made it.",
}
_UUID = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
_IN_EVENTS = (ProgressEvent, RemovedEvent, SpendingEvent, NoticeEvent)


def document(endpoints: Sequence[Endpoint], base: str = BASE) -> dict[str, Any]:
    """Return the description, as OpenAPI 3.1.

    Args:
        endpoints: all endpoints.
        base: the path of the REST interface.
    """
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for endpoint in endpoints:
        paths[endpoint.path][endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Image playground",
            "version": version("imgplay-widget"),
            "description": "Topics, batches and generations of a studio. Names are camelCase, times are in "
            "ISO 8601, amounts are USD as decimal strings. An error is a JSON object with `code`, `message` "
            "and `nextStep`.",
        },
        "servers": [{"url": base}],
        "security": [{"token": []}, {"cookie": []}],
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(endpoints),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of the server. Jupyter Server takes the scheme `token` too.",
                },
                "cookie": {"type": "apiKey", "in": "cookie", "name": "session", "description": "The login."},
            },
        },
    }


def _schemas(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    taken = {one.body for one in endpoints if one.body is not None}
    given = {one.answer for one in endpoints if one.answer is not None} | {ErrorAnswer, *_IN_EVENTS}
    inputs: list[tuple[type[WireValue], Any]] = [(one, "validation") for one in _sorted(taken)]
    outputs: list[tuple[type[WireValue], Any]] = [(one, "serialization") for one in _sorted(given)]
    _, schemas = models_json_schema([*inputs, *outputs], ref_template=_REF)
    return {name: _plain(one) for name, one in sorted(schemas["$defs"].items())}


def _sorted(kinds: set[type[WireValue]]) -> list[type[WireValue]]:
    return sorted(kinds, key=lambda kind: kind.__name__)


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without titles, and with the meanings of its fields from the docstring."""
    text, meanings = _explained(str(schema.get("description", "")))
    fields = {
        name: {key: value for key, value in one.items() if key != "title"}
        | ({"description": meanings[name]} if name in meanings else {})
        for name, one in schema.get("properties", {}).items()
    }
    kept = {key: value for key, value in schema.items() if key not in ("title", "description", "properties")}
    return {"description": text, **kept, **({"properties": fields} if fields else {})}


def _explained(docstring: str) -> tuple[str, dict[str, str]]:
    """Return the text of a docstring, and the meanings of its attributes by their names on the wire."""
    text, _, attributes = docstring.partition("Attributes:\n")
    found: dict[str, str] = {}
    for one in re.finditer(r"^ {4,}([\w, ]+): (.*(?:\n {8,}.*)*)", _indented(attributes), re.MULTILINE):
        for name in one[1].split(","):
            found[_camel(name.strip())] = " ".join(one[2].split())
    return " ".join(text.split()), found


def _indented(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.strip())


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


# ------------------------------------------------------------------ one endpoint


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    summary, _, more = inspect.cleandoc(endpoint.function.__doc__ or "").partition("\n\n")
    described = " ".join(more.split())
    if "text/event-stream" in endpoint.media_types:
        described = "\n".join(["The events:", "", *(f"- `{name}`: {text}" for name, text in EVENTS.items())])
    operation: dict[str, Any] = {
        "operationId": _camel(endpoint.name),
        "tags": [endpoint.group],
        "summary": " ".join(summary.split()),
        **({"description": described} if described else {}),
        "parameters": _parameters(endpoint),
    }
    if endpoint.body is not None:
        operation["requestBody"] = _body(endpoint, endpoint.body)
    operation["responses"] = _responses(endpoint)
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _UUID}
        for name in re.findall(r"\{(\w+)\}", endpoint.path)
    ]
    if endpoint.query is not None:
        schema = _plain(endpoint.query.model_json_schema(ref_template=_REF))
        for name, one in schema.get("properties", {}).items():
            meaning = one.pop("description", "")
            found.append(
                {
                    "name": name,
                    "in": "query",
                    "required": name in schema.get("required", ()),
                    "description": meaning,
                    "schema": _without_null(one),
                }
            )
    found += [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in endpoint.headers.items()
    ]
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field of a query, which is left out where it has no value."""
    options = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    kept = {key: value for key, value in schema.items() if key != "anyOf" and value is not None}
    return {**kept, **options[0]} if options else kept


def _body(endpoint: Endpoint, body: type[WireValue]) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": _ref(body)}}
    content |= {kind: {"schema": {"type": "string", "format": "binary"}} for kind in endpoint.binary}
    needed = any(field.is_required() for field in body.model_fields.values()) or bool(endpoint.binary)
    return {"required": needed, "content": content}


def _ref(kind: type[WireValue]) -> dict[str, str]:
    return {"$ref": _REF.format(model=kind.__name__)}


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    told = {
        name: {"description": text, "required": False, "schema": {"type": "string"}}
        for name, text in endpoint.tells.items()
    }
    success: dict[str, Any] = {"description": HTTPStatus(endpoint.status).phrase}
    if told:
        success["headers"] = told
    if endpoint.answer is not None:
        success["content"] = {"application/json": {"schema": _ref(endpoint.answer)}}
    elif endpoint.media_types:
        success["content"] = {kind: {"schema": _bytes_of(kind)} for kind in endpoint.media_types}
    responses = {str(endpoint.status): success}
    if "Range" in endpoint.headers:
        responses["206"] = {**success, "description": "A part of the file."}
        responses["304"] = {"description": "The client has the file already."}
        responses["416"] = _refusal("The range lies beyond the file (`range`).")
    for status, text in sorted(_refusals(endpoint).items()):
        responses[str(status.value)] = _refusal(text)
    return responses


def _bytes_of(kind: str) -> dict[str, str]:
    return {"type": "string"} if kind.startswith("text/") else {"type": "string", "format": "binary"}


def _refusals(endpoint: Endpoint) -> Mapping[HTTPStatus, str]:
    """Return the statuses of an endpoint's refusals, each with its codes."""
    kinds: list[type[ImgplayError]] = [*endpoint.errors, *_OF_ANY]
    if "{" in endpoint.path:
        kinds.append(errors.NotFound)
    if endpoint.query is not None or endpoint.body is not None:
        kinds.append(errors.InvalidRequest)
    codes: defaultdict[HTTPStatus, list[str]] = defaultdict(list)
    for kind in dict.fromkeys(kinds):
        codes[status_of(kind)].append(f"{_first_line(kind)} (`{kind.code}`)")
    found = dict(_REFUSALS) | {status: " ".join(some) for status, some in codes.items()}
    if endpoint.body is not None:
        found[HTTPStatus.REQUEST_ENTITY_TOO_LARGE] = (
            f"The body is larger than {endpoint.largest} bytes (`too_large`)."
        )
        found[HTTPStatus.UNSUPPORTED_MEDIA_TYPE] = "The body is of another kind (`unsupported_media_type`)."
    return found


def _first_line(kind: type[ImgplayError]) -> str:
    return " ".join((kind.__doc__ or "").partition("\n\n")[0].split())


def _refusal(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": _ref(ErrorAnswer)}}}

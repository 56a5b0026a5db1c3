"""The way from an address and a body to a checked request. No web server is here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pydantic import ValidationError

from imgplay_widget._text import MAX_SHOWN, clean, shown
from imgplay_widget.errors import InvalidRequest, NotFound
from imgplay_widget.server.rest.declare import Asked, Endpoint
from imgplay_widget.server.rest.endpoints import ENDPOINTS
from imgplay_widget.server.rest.values import NoFields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget.server.rest.values import WireValue

__all__ = ["Address", "asked", "find"]

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address with the endpoints of its methods.

    Attributes:
        id: the id in the address, or an empty text.
        endpoints: the endpoints by their methods.
    """

    id: str
    endpoints: Mapping[str, Endpoint]

    @property
    def allowed(self) -> str:
        """The methods of the address, as the header Allow has them."""
        heads = ["HEAD"] if "GET" in self.endpoints else []
        return ", ".join(sorted([*self.endpoints, *heads]))


def _table() -> list[tuple[re.Pattern[str], dict[str, Endpoint]]]:
    of_paths: dict[str, dict[str, Endpoint]] = {}
    for one in ENDPOINTS:
        of_paths.setdefault(one.path, {})[one.method] = one
    return [
        (re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(path))), some)
        for path, some in of_paths.items()
    ]


_TABLE = _table()


def find(path: str) -> Address | None:
    """Return the endpoints of an address, or None where there is no such address.

    Args:
        path: the path below the base, as the client wrote it.
    """
    for pattern, endpoints in _TABLE:
        match = pattern.fullmatch(path)
        if match is not None:
            return Address(
                id=unquote(match[1], errors="replace") if match.groups() else "", endpoints=endpoints
            )
    return None


def asked(
    endpoint: Endpoint,
    *,
    id: str,
    query: Mapping[str, Sequence[str]],
    headers: Mapping[str, str],
    media_type: str,
    body: bytes,
) -> Asked[Any, Any] | None:
    """Return a checked request, or None where the endpoint does not take such a body.

    Raises:
        NotFound: the id in the address cannot be one.
        InvalidRequest: the query or the body is not as it was declared.
    """
    if "{" in endpoint.path and _ID.fullmatch(id) is None:
        raise NotFound(f"There is nothing with the id {shown(id)}.")
    value = _body(endpoint, media_type, body)
    if value is None:
        return None
    return Asked(
        id=id, query=_query(endpoint.query, query), body=value, headers=headers, media_type=media_type
    )


def _query(kind: type[WireValue] | None, given: Mapping[str, Sequence[str]]) -> WireValue:
    """Return a query as a value. Fields that nobody declared are left to the server."""
    if kind is None:
        return NoFields()
    known = {one.alias or name for name, one in kind.model_fields.items()}
    fields: dict[str, str] = {}
    for name, values in given.items():
        if name in known:
            if len(values) > 1:
                raise InvalidRequest(f"{name} stands in the query {len(values)} times.", parameter=name)
            fields[name] = values[0]
    try:
        return kind.model_validate(fields, by_alias=True, by_name=False)
    except ValidationError as error:
        raise _unreadable(error) from None


def _body(endpoint: Endpoint, media_type: str, data: bytes) -> WireValue | bytes | None:
    if endpoint.body is None and not endpoint.binary:
        return NoFields()
    if endpoint.body is not None:
        if not data and not media_type:
            return _json(endpoint.body, b"{}")
        if media_type == "application/json":
            return _json(endpoint.body, data)
    return data if media_type in endpoint.binary else None


def _json(kind: type[WireValue], data: bytes) -> WireValue:
    try:
        return kind.model_validate_json(data, by_alias=True, by_name=False)
    except ValidationError as error:
        raise _unreadable(error) from None


def _unreadable(error: ValidationError) -> InvalidRequest:
    """Return the refusal of a value that is not as it was declared, in words for people."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = clean(".".join(str(part) for part in first["loc"]) or "body", MAX_SHOWN)
    return InvalidRequest(f"{where}: {first['msg']}.", parameter=where)

"""The tornado handler of all endpoints, which both servers use.

A server makes a class of `RestHandler` and its own base, and gives the class to `routes`. The base refuses
strangers, and has the studio of the user (``async def studio(self) -> Studio``).

::

    class Rest(RestHandler, OwnBase): ...

    handlers = routes(Rest, "/api/image-playground")
"""

# tornado declares the body of an answer as a dict of unknown types.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
from functools import partial
from http import HTTPStatus
from importlib import import_module
from inspect import isawaitable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, stream_request_body

from imgplay_widget._rules.embedded import read_at
from imgplay_widget._text import clean_json
from imgplay_widget.errors import ImgplayError, InternalError, StudioClosed
from imgplay_widget.server.rest.declare import FileAnswer, JsonAnswer, StreamAnswer
from imgplay_widget.server.rest.ranges import ByteRange, span_of
from imgplay_widget.server.rest.statuses import status_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._studio.studio import Studio
    from imgplay_widget.server.rest.declare import Answer, Asked, Endpoint
    from imgplay_widget.server.rest.studio import RestStudio

__all__ = ["RestHandler", "routes"]

logger = logging.getLogger("imgplay_widget")

DRAINED = 8
"""How many times as large as allowed a body may be that is read to its end, so that its client gets the
refusal. A connection with a larger one is closed."""

CHECKS = "imgplay_widget.server.rest.checks"
"""The module that knows the endpoints. Jupyter Server imports this one when it starts, and not that one."""

PIECE = 2**20
"""The most bytes of a file in one piece."""

FLUSH_WAIT = 60.0
"""Seconds in which a client must take a piece of an answer. A slower one is let go."""

LOCKED_WAIT = 2.0
"""Seconds after which a request is worth another try when the store was locked or the studio was closed."""

_PROBLEMS = {
    401: ("unauthorized", "Nobody is logged in.", "Log in, or send the token of the server."),
    403: ("forbidden", "This request is not allowed.", "Log in, or send the token of the server."),
    404: ("not_found", "There is no such address.", "See openapi.json for the addresses."),
    405: ("method_not_allowed", "This address does not know the method.", "See the header Allow."),
    413: ("too_large", "The body of the request is too large.", "Send less. Nothing was stored."),
    415: (
        "unsupported_media_type",
        "The body is of another kind than this address takes.",
        "See openapi.json.",
    ),
}
"""The code, the sentence and the next step of the refusals that no endpoint makes, by their status."""


def routes(handler: type[RestHandler], base: str) -> list[tuple[str, type[RestHandler], dict[str, str]]]:
    """Return the route of all addresses below a path, for a tornado application.

    Args:
        handler: the class of the server.
        base: the path of the REST interface below the base URL of the server, without a slash at its end.
    """
    return [(f"{re.escape(base)}(?:/.*)?", handler, {"base": base})]


@stream_request_body
class RestHandler(RequestHandler):
    """The handler of all endpoints. A server adds its own base, which knows who asks."""

    if TYPE_CHECKING:

        async def studio(self) -> Studio:
            """Return the studio of the user who asks. The base of the server has this."""
            ...

    def initialize(self, base: str) -> None:
        """Keep the path of the REST interface."""
        # Jupyter Server puts its own path before those of its extensions.
        self._base = self.settings.get("base_url", "/").rstrip("/") + base
        self._endpoint: Endpoint | None = None
        self._id = ""
        self._body = bytearray()
        self._too_large = False
        self._whole = False
        self._stream: StreamAnswer | None = None
        self._studio: RestStudio | None = None

    async def prepare(self) -> None:
        """Let the base check who asks, and limit the body before it is read."""
        prepared: object = super().prepare()
        if isawaitable(prepared):
            await prepared
        if self._finished:
            return
        most = await self._find()
        length = self.request.headers.get("Content-Length", "0")
        announced = int(length) if length.isascii() and length.isdigit() else 0
        self._too_large = announced > most
        drained = max(most, PIECE) * DRAINED
        if announced > drained:
            raise HTTPError(413)
        connection: Any = self.request.connection
        connection.set_max_body_size(drained)

    async def _find(self) -> int:
        """Find the endpoint of the request, and return the most bytes that its body may have."""
        # The first import takes a while, and a server that starts must not wait for it.
        loop = asyncio.get_running_loop()
        self._checks = await loop.run_in_executor(None, import_module, CHECKS)
        found = self._checks.find(self.request.path.removeprefix(self._base))
        if found is None:
            raise HTTPError(404)
        self._id = found.id
        self._endpoint = found.endpoints.get("GET" if self.request.method == "HEAD" else self.request.method)
        if self._endpoint is None:
            raise HTTPError(405)
        takes = self._endpoint.body is not None or self._endpoint.binary
        return self._endpoint.largest if takes else 0

    def data_received(self, chunk: bytes) -> None:
        """Keep a piece of the body, as far as the body may be large."""
        endpoint = self._endpoint
        most = endpoint.largest if endpoint is not None else 0
        if len(self._body) + len(chunk) > most:
            self._too_large = True
            self._body.clear()
        if not self._too_large:
            self._body += chunk

    async def get(self) -> None:
        """Answer a request."""
        await self._serve()

    head = post = patch = delete = get

    async def _serve(self) -> None:
        endpoint = self._endpoint
        self._whole = True
        if endpoint is None:
            raise HTTPError(405)
        try:
            studio = await self._open()
            if self._too_large:
                raise HTTPError(413)
            answer = await studio.ask(endpoint.function, self._asked(endpoint), studio)
            await self._give(endpoint, answer, studio)
        except ImgplayError as error:
            self._refuse(error)
        except (StreamClosedError, TimeoutError):
            # The client left, or takes nothing any more, or the file became shorter than its headers say.
            self._break_off()

    async def _open(self) -> RestStudio:
        """Return the studio of the user as REST uses it, which is made at the first request."""
        # The studio is open, so these modules are loaded.
        from imgplay_widget._studio.api import core_of
        from imgplay_widget.server.rest.studio import rest_studio

        return await rest_studio(self.application.settings, core_of(await self.studio()), self._base)

    def _asked(self, endpoint: Endpoint) -> Asked[Any, Any]:
        """Return the checked request."""
        given = {name: self.request.headers.get(name) for name in endpoint.headers}
        query = self.request.query_arguments.items()
        asked = self._checks.asked(
            endpoint,
            id=self._id,
            query={name: [self.decode_argument(one, name) for one in values] for name, values in query},
            headers={name: value for name, value in given.items() if value is not None},
            media_type=self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
            body=bytes(self._body),
        )
        if asked is None:
            raise HTTPError(415)
        return asked

    # -------------------------------------------------------------- giving an answer

    def compute_etag(self) -> str | None:
        """Return None: only files have an ETag, and `_give_file` sets it."""
        return None

    async def _give(self, endpoint: Endpoint, answer: Answer, studio: RestStudio) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        match answer:
            case JsonAnswer():
                self.set_status(endpoint.status)
                self._give_json(None if answer.value is None else answer.value.wire(), answer.headers)
            case FileAnswer():
                try:
                    await self._give_file(answer, studio)
                finally:
                    if answer.temporary and answer.path is not None:
                        answer.path.unlink(missing_ok=True)
            case StreamAnswer():
                await self._give_stream(answer, studio)

    def _give_json(self, value: object, headers: Mapping[str, str]) -> None:
        for name, text in headers.items():
            self.set_header(name, text)
        self.set_header("Cache-Control", "no-store")
        if value is None:
            self.clear_header("Content-Type")
            self.finish()
            return
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(clean_json(value), ensure_ascii=False, separators=(",", ":")))

    async def _give_file(self, answer: FileAnswer, studio: RestStudio) -> None:
        self.set_header("Content-Type", answer.media_type)
        self.set_header("Content-Disposition", _disposition(answer))
        # A drawing may hold scripts, which must not run beside the page of the studio.
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.set_header("Cache-Control", "private, no-cache")
        span = ByteRange(0, answer.size)
        if answer.etag is not None:
            self.set_header("ETag", f'"{answer.etag}"')
            self.set_header("Accept-Ranges", "bytes")
            if self._has(answer.etag):
                self.set_status(HTTPStatus.NOT_MODIFIED)
                self.clear_header("Content-Type")
                self.finish()
                return
            asked = span_of(
                self.request.headers.get("Range"),
                self.request.headers.get("If-Range"),
                answer.etag,
                answer.size,
            )
            if asked is None:
                self._refuse_range(answer.size)
                return
            span = asked
        if span != ByteRange(0, answer.size):
            self.set_status(HTTPStatus.PARTIAL_CONTENT)
            self.set_header("Content-Range", f"bytes {span.start}-{span.end - 1}/{answer.size}")
        self.set_header("Content-Length", str(span.end - span.start))
        if self.request.method != "HEAD":
            await self._send(answer, span, studio)
        self.finish()

    def _has(self, etag: str) -> bool:
        """Return whether the client has the bytes already."""
        given = self.request.headers.get("If-None-Match", "")
        known = [one.strip().removeprefix("W/") for one in given.split(",")]
        return given.strip() == "*" or f'"{etag}"' in known

    def _refuse_range(self, size: int) -> None:
        self.set_status(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        for name in ("Content-Disposition", "ETag"):
            self.clear_header(name)
        self._give_json(
            _problem(
                "range",
                f"The range lies beyond the {size} bytes of the file.",
                "Ask for a range within the file, or for the whole file.",
            ),
            {"Content-Range": f"bytes */{size}"},
        )

    async def _send(self, answer: FileAnswer, span: ByteRange, studio: RestStudio) -> None:
        position = span.start
        while position < span.end:
            length = min(PIECE, span.end - position)
            if answer.path is None:
                piece = answer.data[position : position + length]
            else:
                read = partial(studio.core.archive.in_pool, _piece, answer, position, length)
                piece = await asyncio.wrap_future(studio.core.start(read))
            if not piece:
                raise StreamClosedError
            position += len(piece)
            self.write(piece)
            async with asyncio.timeout(FLUSH_WAIT):
                await self.flush()

    async def _give_stream(self, answer: StreamAnswer, studio: RestStudio) -> None:
        self._stream, self._studio = answer, studio
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        # Some proxies would keep events back until many have come.
        self.set_header("X-Accel-Buffering", "no")
        try:
            if self.request.method != "HEAD":
                await self._follow(answer, studio)
        finally:
            self._leave()
        self.finish()

    async def _follow(self, answer: StreamAnswer, studio: RestStudio) -> None:
        await self.flush()
        while True:
            try:
                lines = await asyncio.wrap_future(studio.core.start(answer.reader.next))
            except (StudioClosed, asyncio.CancelledError):
                if studio.core.closed:
                    return
                raise
            if lines is None:
                return
            self.write(lines)
            async with asyncio.timeout(FLUSH_WAIT):
                await self.flush()

    def _break_off(self) -> None:
        """End the connection in the middle of an answer."""
        connection: Any = self.request.connection
        connection.close()

    def on_connection_close(self) -> None:
        """End the stream of a reader that left."""
        super().on_connection_close()
        self._leave()

    def _leave(self) -> None:
        stream, studio = self._stream, self._studio
        self._stream = None
        if stream is not None and studio is not None and not studio.core.closed:
            studio.core.start(_closed, stream)

    # -------------------------------------------------------------- refusing

    def _refuse(self, error: ImgplayError) -> None:
        """Answer with an error of the tree."""
        self._begin_refusal()
        self.set_status(status_of(type(error)))
        headers: dict[str, str] = {}
        wait = getattr(error, "retry_after", None)
        if self.get_status() == HTTPStatus.SERVICE_UNAVAILABLE:
            wait = wait or LOCKED_WAIT
        if wait is not None:
            headers["Retry-After"] = str(max(1, math.ceil(wait)))
        info = error.info
        self._give_json(_problem(info.code, info.message, info.next_step), headers)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with an error that the server or tornado raised."""
        self._begin_refusal()
        if not self._whole:
            # tornado closes the connection then, and the client must not send its next request on it.
            self.set_header("Connection", "close")
        if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # tornado refuses an unknown method before `prepare`.
            found = import_module(CHECKS).find(self.request.path.removeprefix(self._base))
            self.set_header("Allow", found.allowed if found else "")
        found = _PROBLEMS.get(status_code)
        if found is None and status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            found = (
                "invalid_request",
                "The request cannot be read.",
                "Correct the request and send it again.",
            )
        if found is None:
            info = InternalError("This failed inside imgplay-widget; the log has more.").info
            found = (info.code, info.message, info.next_step)
        code, message, next_step = found
        if self._reason and self._reason != HTTPStatus(status_code).phrase:
            # The server knows more than tornado.
            message = self._reason
        self._give_json(_problem(code, message, next_step), {})

    def _begin_refusal(self) -> None:
        for name in ("Content-Disposition", "Content-Length", "ETag", "Accept-Ranges"):
            self.clear_header(name)
        self.set_header("X-Content-Type-Options", "nosniff")


def _problem(code: str, message: str, next_step: str) -> dict[str, str]:
    return {"code": code, "message": message, "nextStep": next_step}


async def _closed(stream: StreamAnswer) -> None:
    stream.reader.close()


def _piece(answer: FileAnswer, start: int, length: int) -> bytes:
    assert answer.path is not None
    with answer.path.open("rb") as file:
        return read_at(file, answer.pieces or [range(answer.size)], start, length)


def _disposition(answer: FileAnswer) -> str:
    """Return how a browser treats a file, and the name of the file in ASCII and in UTF-8."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-._ ") else "_" for c in answer.name)
    way = "inline" if answer.shown else "attachment"
    return f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(answer.name, safe='')}"

"""The answers that the handlers of both servers write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tornado.web import HTTPError

from imgplay_widget.server import pages

if TYPE_CHECKING:
    from tornado.web import RequestHandler

__all__ = ["end", "write_file"]


def end(handler: RequestHandler, data: str | bytes) -> None:
    """Write the last part of an answer."""
    handler.finish(data)  # pyright: ignore[reportUnknownMemberType] - tornado's dict is not typed


def write_file(handler: RequestHandler, name: str) -> None:
    """Write a file of the page, compressed where the browser takes it, or nothing where the browser has it.

    Images and events do not pass here: images do not become smaller, and events must not wait for others.

    Raises:
        HTTPError: there is no such file.
    """
    found = pages.file(name)
    if found is None:
        raise HTTPError(404)
    handler.set_header("Content-Type", found.kind)
    # The browser asks each time, and gets the file only where it changed: tornado compares the hash of the
    # bytes that it would send (ETag). So the compressed bytes have another ETag than the plain ones.
    handler.set_header("Cache-Control", "no-cache")
    handler.set_header("Vary", "Accept-Encoding")
    if pages.takes_gzip(handler.request.headers.get("Accept-Encoding", "")):
        handler.set_header("Content-Encoding", "gzip")
        end(handler, found.packed)
    else:
        end(handler, found.data)

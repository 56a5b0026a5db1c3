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
    """Write a file of the page, or nothing where the browser has it already.

    Raises:
        HTTPError: there is no such file.
    """
    found = pages.file(name)
    if found is None:
        raise HTTPError(404)
    handler.set_header("Content-Type", found.kind)
    # The browser asks each time, and gets the file only where it changed.
    handler.set_header("Cache-Control", "no-cache")
    handler.set_header("Etag", found.tag)
    end(handler, found.data)

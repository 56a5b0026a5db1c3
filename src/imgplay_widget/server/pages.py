"""What both servers hand to a browser: the document of the page, its files, and the headers that guard it."""

from __future__ import annotations

import gzip
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import NamedTuple

__all__ = ["API", "HEADERS", "PAGE", "File", "document", "file", "policy", "refusal", "takes_gzip"]

PAGE, API = "image-playground", "api/image-playground"
"""The paths of the page and of what it asks, below the base URL of a server."""

STATIC = Path(__file__).parent.parent / "static"

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""The headers of each answer."""

KINDS = {".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".css": "text/css; charset=utf-8"}
"""The media types of the page's files."""

DOCUMENT = """<!doctype html>
<html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Image studio</title>
<link rel="icon" href="{base}{page}/static/icon.svg">
<body>
<div id="studio" data-base="{base}"></div>
<noscript lang="en">The image playground needs JavaScript.</noscript>
<script type="module" src="{base}{page}/static/page.js"></script>
</body>
</html>
"""
"""The page sets its language, which is that of the browser."""

REFUSAL = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
{again}<title>Image playground</title>
<body>
<p>{message}</p>
</body>
</html>
"""


def policy(ancestors: str) -> str:
    """Return the Content-Security-Policy of the page.

    The scripts are files of the server. The page puts its style sheets into the document by script. Images
    are blobs that the page made.

    Args:
        ancestors: who may show the page in a frame.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'unsafe-inline'",
            "img-src 'self' blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {ancestors}",
        )
    )


def document(base: str) -> str:
    """Return the document of the page.

    Args:
        base: the base URL of the server, which begins and ends with a slash.
    """
    return DOCUMENT.format(base=escape(base), page=PAGE)


def refusal(message: str, *, again: bool = False) -> str:
    """Return a document that says why there is no page.

    Args:
        message: the message.
        again: True where the browser asks again at once, from this document.
    """
    refresh = '<meta http-equiv="refresh" content="0">\n' if again else ""
    return REFUSAL.format(message=escape(message), again=refresh)


class File(NamedTuple):
    """A file of the page: its bytes, the same bytes compressed by gzip, and its media type."""

    data: bytes
    packed: bytes
    kind: str


def file(name: str) -> File | None:
    """Return a file of the page, or None where there is none of this name.

    Args:
        name: the path below the folder of the page, with slashes.
    """
    # The path comes from the folder and not from the browser, so that a name cannot lead out of the folder.
    for path in STATIC.rglob("*"):
        if path.relative_to(STATIC).as_posix() == name and path.suffix in KINDS and path.is_file():
            return _read(path, path.stat().st_mtime_ns)
    return None


@lru_cache(maxsize=64)
def _read(path: Path, _: int) -> File:
    data = path.read_bytes()
    return File(data, gzip.compress(data, mtime=0), KINDS[path.suffix])


def takes_gzip(accepted: str) -> bool:
    """Return whether a browser takes an answer that is compressed by gzip.

    Args:
        accepted: the header ``Accept-Encoding`` of its request, or "".
    """
    wanted: dict[str, bool] = {}
    for one in accepted.lower().split(","):
        name, *options = (part.strip() for part in one.split(";"))
        weight = next((option[2:] for option in options if option.startswith("q=")), "1")
        # A weight of zero, such as 0.0, refuses.
        wanted[name] = bool(weight.strip(" .0"))
    return wanted.get("gzip", wanted.get("*", False))

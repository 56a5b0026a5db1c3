"""The files of the page travel compressed, and only when they changed."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

import imgplay_widget
from tests.server import jupyter_host
from tests.server.conftest import API, PAGE, WAIT, Server

STATIC = Path(imgplay_widget.__file__).parent / "static"
ENCODED = "content-encoding"


class Site(NamedTuple):
    """A browser that is logged in on a server, and the path of the page there."""

    browser: httpx.Client
    page: str

    def file(self, name: str, encoding: str | None, **headers: str) -> httpx.Response:
        """Return the answer to a request for a file, with the encodings that the browser takes."""
        request = self.browser.build_request("GET", f"{self.page}/static/{name}", headers=headers)
        request.headers.pop("Accept-Encoding")
        if encoding is not None:
            request.headers["Accept-Encoding"] = encoding
        return self.browser.send(request)


@pytest.fixture(params=["standalone", "jupyter"])
def site(request: pytest.FixtureRequest) -> Site:
    if request.param == "standalone":
        return Site(request.getfixturevalue("server").logged_in(), PAGE)
    return Site(request.getfixturevalue("jupyter").logged_in(), jupyter_host.PAGE)


def test_a_file_is_compressed_where_the_browser_takes_it(site: Site) -> None:
    for name in ("page.js", "icon.svg"):
        content = (STATIC / name).read_bytes()
        packed, plain = site.file(name, "gzip, deflate, br, zstd"), site.file(name, None)
        assert (packed.status_code, plain.status_code) == (200, 200)
        assert packed.content == plain.content == content
        assert (packed.headers.get(ENCODED), plain.headers.get(ENCODED)) == ("gzip", None)
        assert packed.headers["Content-Type"] == plain.headers["Content-Type"]
        assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
        assert int(plain.headers["Content-Length"]) == len(content)
        assert int(packed.headers["Content-Length"]) <= len(gzip.compress(content))
    for encoding in ("gzip;q=0", "gzip; q=0.000, *", "*;q=0", "identity", "br, x-gzipped", ""):
        assert ENCODED not in site.file("icon.svg", encoding).headers, encoding
    for encoding in ("GZIP", "br;q=1, gzip;q=0.5", "br, *;q=0.1", "identity;q=0, gzip ; q=1.0"):
        assert site.file("icon.svg", encoding).headers[ENCODED] == "gzip", encoding


def test_a_file_that_the_browser_has_is_not_sent_again(site: Site) -> None:
    tags = {encoding: site.file("page.js", encoding).headers["ETag"] for encoding in ("gzip", "identity")}
    # A cache must not mix the bytes of both.
    assert len(set(tags.values())) == 2
    for encoding, tag in tags.items():
        again = site.file("page.js", encoding, **{"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["ETag"], again.headers["Vary"]) == (tag, "Accept-Encoding")
        (other,) = set(tags.values()) - {tag}
        assert site.file("page.js", encoding, **{"If-None-Match": other}).status_code == 200


def test_images_and_events_are_not_compressed(server: Server) -> None:
    script = server.script()
    with server.page() as page:
        batch = page.generate("a fox")
        page.event("generation_changed", lambda event: event["generation"]["status"] == "success")
    (generation,) = script.get(f"{API}/batches/{batch}").json()["generations"]
    image = script.get(generation["asset"]["url"])
    assert (image.status_code, image.headers.get(ENCODED)) == (200, None)
    assert image.content
    with script.stream("GET", f"{API}/events", timeout=WAIT) as events:
        assert (events.status_code, events.headers.get(ENCODED)) == (200, None)
        assert next(events.iter_text())

"""A provider of images on loopback that counts what it would bill, and holds answers back.

::

    POST   /images      the images in the answer, in base64
    POST   /jobs        {"job": id}; with "keyed": true, a repeated key finds its job again
    GET    /jobs/ID     {"state": "queued"} or {"state": "done", "links": [...]}
    DELETE /jobs/ID     the job is stopped
    GET    /files/...   the bytes behind a link
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from imgplay_widget.testing import png
from tests.servers.openai_server import png as noisy

LONGEST = 60.0
"""The seconds after which a waiting test has failed."""


@dataclass(frozen=True, slots=True)
class Submit:
    """A POST that arrived, which a provider would bill."""

    key: str
    prompt: str
    positions: tuple[int, ...]
    keyed: bool = False


@dataclass(slots=True)
class Job:
    """A job and its images."""

    images: list[bytes]
    age: int = 0
    cancelled: bool = False


@dataclass(slots=True)
class Hold:
    """A point at which answers stop until a test opens it."""

    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def wait_reached(self) -> None:
        assert self.reached.wait(LONGEST), "nothing came to the hold"

    def open(self) -> None:
        self.opened.set()

    def pass_by(self) -> None:
        self.reached.set()
        self.opened.wait(LONGEST)


class JobServer:
    """The server, on a free port of 127.0.0.1.

    Attributes:
        submits: every POST, in order of arrival.
        refused: the keys of the POSTs that were answered with 503, which nobody bills.
        polls: the number of polls of each job.
        cancelled: the jobs that were stopped.
        working: True while jobs do not end.
        big: True where images have more than a megabyte.
    """

    def __init__(self) -> None:
        self.submits: list[Submit] = []
        self.refused: set[str] = set()
        self.polls: Counter[str] = Counter()
        self.cancelled: list[str] = []
        self.working = False
        self.big = False
        self._jobs: dict[str, Job] = {}
        self._keys: dict[str, str] = {}
        self._links = 0
        self._drawn = 0
        self._refusals = 0
        self._holds: dict[str, Hold] = {}
        self._changed = threading.Condition()
        self._http = _Listener(self)
        self.origin = f"http://127.0.0.1:{self._http.server_port}"

    # -------------------------------------------------------------- for tests

    def __enter__(self) -> JobServer:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *_: object) -> None:
        for hold in self._holds.values():
            hold.open()
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()

    @property
    def billed(self) -> int:
        """The number of paid calls; calls with the same key count once."""
        return len(self._jobs)

    def digests(self, key: str) -> set[str]:
        """The sha256 of each image that the call with this key paid for."""
        return {hashlib.sha256(data).hexdigest() for data in self._jobs[self._keys[key]].images}

    def all_digests(self) -> set[str]:
        """The sha256 of each image that was ever made."""
        return {hashlib.sha256(data).hexdigest() for job in self._jobs.values() for data in job.images}

    def per_unit(self) -> Counter[tuple[str, tuple[int, ...]]]:
        """The number of times that each call was sent."""
        return Counter((submit.prompt, submit.positions) for submit in self.submits)

    def hold(self, kind: str) -> Hold:
        """Hold every ``"answer"`` (after the POST arrived) or every ``"file"`` (after its first half)."""
        hold = self._holds[kind] = Hold()
        return hold

    def expire_links(self) -> None:
        """Let all links so far expire."""
        self._links += 1

    def refuse(self, times: int) -> None:
        """Answer the next POSTs with 503."""
        self._refusals = times

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a request makes the condition true."""
        with self._changed:
            assert self._changed.wait_for(condition, LONGEST), "it never came to that"

    # -------------------------------------------------------------- answers

    def post(self, kind: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._changed:
            self.submits.append(Submit(body["key"], body["prompt"], tuple(body["positions"]), body["keyed"]))
            if self._refusals:
                self._refusals -= 1
                self.refused.add(body["key"])
                job = None
            else:
                job = self._job_for(body)
            self._changed.notify_all()
        self._pass("answer")
        if job is None:
            return 503, {"message": "out of order"}
        if kind == "jobs":
            return 200, {"job": job}
        return 200, {"images": [base64.b64encode(data).decode() for data in self._jobs[job].images]}

    def _job_for(self, body: dict[str, Any]) -> str:
        if body["keyed"] and body["key"] in self._keys:
            return self._keys[body["key"]]
        job = self._keys[body["key"]] = f"job-{len(self._jobs) + 1}"
        self._jobs[job] = Job([self._draw() for _ in body["positions"]])
        return job

    def _draw(self) -> bytes:
        # All images differ, so that no two rows share a file.
        self._drawn += 1
        if self.big:
            return noisy(640, 640, noise=os.urandom(640 * 640 * 3))
        return png(color=(self._drawn % 256, self._drawn // 256, 90))

    def get_job(self, name: str) -> tuple[int, dict[str, Any]]:
        with self._changed:
            self.polls[name] += 1
            self._changed.notify_all()
            job = self._jobs.get(name)
            if job is None:
                return 404, {"message": "no such job"}
            if self.working:
                return 200, {"state": "queued"}
            count = range(len(job.images))
            return 200, {
                "state": "done",
                "links": [f"{self.origin}/files/{self._links}/{name}/{i}" for i in count],
            }

    def delete_job(self, name: str) -> tuple[int, dict[str, Any]]:
        with self._changed:
            self.cancelled.append(name)
            self._changed.notify_all()
        return 200, {}

    def file(self, links: str, name: str, index: str) -> bytes | None:
        return self._jobs[name].images[int(index)] if int(links) == self._links else None

    def _pass(self, kind: str) -> None:
        hold = self._holds.get(kind)
        if hold is not None:
            hold.pass_by()


class _Listener(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, jobs: JobServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.jobs = jobs
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore the errors of clients, because these tests kill clients."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(*self.server.jobs.post(self.path.strip("/"), body))

    def do_GET(self) -> None:
        parts = self.path.strip("/").split("/")
        if parts[0] == "jobs":
            self._answer(*self.server.jobs.get_job(parts[1]))
            return
        data = self.server.jobs.file(*parts[1:])
        if data is None:
            self._answer(410, {"message": "expired"})
            return
        self._head(200, "image/png", len(data))
        self.wfile.write(data[: len(data) // 2])
        self.wfile.flush()
        self.server.jobs._pass("file")
        self.wfile.write(data[len(data) // 2 :])

    def do_DELETE(self) -> None:
        self._answer(*self.server.jobs.delete_job(self.path.strip("/").split("/")[1]))

    def _answer(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self._head(status, "application/json", len(data))
        self.wfile.write(data)

    def _head(self, status: int, kind: str, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Do not log."""

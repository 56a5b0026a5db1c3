"""The steps and previews of a running job, over a real websocket."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import pytest

from imgplay_widget._types import Partial, Pending
from imgplay_widget.errors import NetworkError
from imgplay_widget.providers.comfyui import ComfyUI
from imgplay_widget.providers.comfyui import socket as comfy_socket
from imgplay_widget.providers.comfyui.socket import Look, heard
from tests.providers.conftest import Caller

sync = pytest.importorskip("websockets.sync.server")

TICKET = {"prompt_id": "job-1", "places": [0], "applied": {}}
RUNNING = json.dumps({"queue_running": [[0, "job-1", {}, {}, []]], "queue_pending": []})


def event(kind: str, **data: Any) -> str:
    return json.dumps({"type": kind, "data": data})


def preview(data: bytes, kind: int = 1) -> bytes:
    return kind.to_bytes(4) + (1).to_bytes(4) + data


@contextmanager
def server(
    *messages: str | bytes, history: Callable[[], str] = lambda: "{}"
) -> Iterator[tuple[str, list[str]]]:
    """A ComfyUI that runs job-1, sends these messages to a listener, and then stays silent."""
    asked: list[str] = []

    def http(connection: Any, request: Any) -> Any:
        asked.append(request.path)
        if request.path.startswith("/ws"):
            return None
        return connection.respond(200, RUNNING if request.path == "/queue" else history())

    def speak(connection: Any) -> None:
        for message in messages:
            connection.send(message)
        # Wait until the listener goes.
        for _ in connection:
            pass

    with sync.serve(speak, "127.0.0.1", 0, process_request=http) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.socket.getsockname()[1]}", asked
        finally:
            running.shutdown()
            thread.join()


def listen(origin: str, most: int = 99) -> list[Partial]:
    """Return what the provider says by itself, until the job is over or `most` was said."""

    async def collect(http: Any) -> list[Partial]:
        said = ComfyUI(origin, workflows="/nowhere").listen(TICKET, http)
        assert said is not None
        found: list[Partial] = []
        async with aclosing(said):
            async for look in said:
                found.append(look)
                if len(found) == most:
                    break
        return found

    return Caller(ComfyUI(origin, workflows="/nowhere")).run(collect)


def test_one_listener_hears_every_step_and_preview_until_the_end_of_the_job() -> None:
    messages = [
        event("status", status={"exec_info": {"queue_remaining": 1}}, sid="job-1"),
        event("executing", node="3"),
        event("progress", value=7, max=20, prompt_id="job-1", node="3"),
        preview(b"a small jpeg"),
        event("progress", value=1, max=1, prompt_id="job-1", node="8"),
        event("progress", value=8, max=20, prompt_id="job-1", node="3"),
        event("execution_success", prompt_id="job-1"),
        event("progress", value=9, max=20, prompt_id="job-1", node="3"),
    ]
    with server(*messages) as (origin, asked):
        said = listen(origin)
    assert said == [Partial(progress=7 / 20), Partial(data=b"a small jpeg"), Partial(progress=8 / 20)]
    assert asked == ["/ws?clientId=job-1"]


def test_a_poll_asks_the_queue_and_not_the_socket() -> None:
    with server(event("progress", value=7, max=20, prompt_id="job-1")) as (origin, asked):
        caller = Caller(ComfyUI(origin, workflows="/nowhere"))
        answered = caller.run(lambda http: caller.provider.poll(TICKET, http))
    assert answered == Pending(ticket=TICKET)
    assert asked == ["/history/job-1", "/queue"]


def test_a_listener_that_goes_ends_the_connection() -> None:
    with server(event("progress", value=7, max=20, prompt_id="job-1")) as (origin, _):
        # The server's side waits for the end of the connection, and `server` waits for the server.
        assert listen(origin, most=1) == [Partial(progress=7 / 20)]


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks://127.0.0.1:1", "socks5://127.0.0.1:1"])
def test_a_server_on_this_network_is_listened_to_directly(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.setenv("NO_PROXY", "")
    with server(event("progress", value=7, max=20, prompt_id="job-1")) as (origin, _):
        assert listen(origin, most=1) == [Partial(progress=7 / 20)]
    # Elsewhere the way leads by the proxy.
    with pytest.raises(NetworkError):
        listen("http://comfy.example.org")


def test_a_listener_that_is_stopped_while_it_connects_leaves_no_connection() -> None:
    async def stop_after(turns: int, origin: str) -> None:
        async def hear() -> None:
            async for _ in comfy_socket.listen(origin, "job-1"):
                pass

        task = asyncio.create_task(hear())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # A socket that nobody closed is a warning here, and so a failure.
        gc.collect()

    async def stop_at_each_moment(origin: str) -> None:
        for turns in range(40):
            await stop_after(turns, origin)

    with server() as (origin, _):
        asyncio.run(stop_at_each_moment(origin))


def test_a_lost_connection_and_no_server_are_errors_of_the_network() -> None:
    with pytest.raises(NetworkError):
        listen("http://127.0.0.1:9")
    gone = sync.serve(lambda connection: connection.close(), "127.0.0.1", 0)
    with gone as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            with pytest.raises(NetworkError, match="closed"):
                listen(f"http://127.0.0.1:{running.socket.getsockname()[1]}")
        finally:
            running.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (event("progress", value=1, max=4, prompt_id="job-1"), Look(progress=0.25)),
        (event("progress", value=9, max=4), Look(progress=1.0)),
        (event("progress", value=1, max=4, prompt_id="other"), Look()),
        (event("progress", value=1, max=1, prompt_id="job-1"), Look()),
        (event("progress", value="x", max=None), Look()),
        (
            event(
                "progress_state",
                prompt_id="job-1",
                nodes={
                    "1": {"value": 1, "max": 1, "state": "finished"},
                    "3": {"value": 3, "max": 6, "state": "running"},
                },
            ),
            Look(progress=0.5),
        ),
        (event("progress_state", nodes=[]), Look()),
        (event("executing", node=None, prompt_id="job-1"), Look(ended=True)),
        (event("executing", node="3"), Look()),
        (event("execution_error", prompt_id="job-1"), Look(ended=True)),
        (event("execution_success", prompt_id="other"), Look()),
        (event("something_new"), Look()),
        ("not json", Look()),
        ("[]", Look()),
        (preview(b"image"), Look(preview=b"image")),
        (preview(b"with metadata", kind=4), Look()),
        (b"", Look()),
    ],
)
def test_what_a_message_says(message: str | bytes, expected: Look) -> None:
    assert heard(Look(), message, "job-1") == expected

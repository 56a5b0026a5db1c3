"""The steps and previews of a running job, over a real websocket."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from imgplay_widget._types import Pending
from imgplay_widget.providers.comfyui import ComfyUI
from imgplay_widget.providers.comfyui.socket import Look, heard, look
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


def test_a_running_job_shows_its_step_and_its_preview() -> None:
    messages = [
        event("status", status={"exec_info": {"queue_remaining": 1}}, sid="job-1"),
        event("executing", node="3"),
        event("progress", value=7, max=20, prompt_id="job-1", node="3"),
        preview(b"a small jpeg"),
    ]
    with server(*messages) as (origin, asked):
        caller = Caller(ComfyUI(origin, workflows="/nowhere"))
        answered = caller.run(lambda http: caller.provider.poll(TICKET, http))
    assert isinstance(answered, Pending)
    assert (answered.progress, answered.previews) == (7 / 20, {0: b"a small jpeg"})
    assert "/ws?clientId=job-1" in asked


def test_a_job_that_ends_while_it_is_listened_to_is_asked_for_at_once() -> None:
    file = {"filename": "x.png", "subfolder": "", "type": "output"}
    status = {"status_str": "success", "completed": True, "messages": []}
    done = json.dumps({"job-1": {"outputs": {"9": {"images": [file]}}, "status": status}})
    # The job is not in the history before it has ended.
    answers = iter(["{}", done])

    with server(event("execution_success", prompt_id="job-1"), history=lambda: next(answers)) as (origin, _):
        caller = Caller(ComfyUI(origin, workflows="/nowhere"))
        answered = caller.run(lambda http: caller.provider.poll(TICKET, http))
    assert [image.url for image in answered.images] == [
        f"{origin}/view?filename=x.png&subfolder=&type=output"
    ]


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks://127.0.0.1:1", "socks5://127.0.0.1:1"])
def test_a_server_on_this_network_is_listened_to_directly(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.setenv("NO_PROXY", "")
    with server(event("progress", value=7, max=20, prompt_id="job-1"), preview(b"jpeg")) as (origin, _):
        assert asyncio.run(look(origin, "job-1")).progress == 7 / 20
    # Elsewhere, a look fails quietly where the proxy cannot be used.
    assert asyncio.run(look("http://comfy.example.org", "job-1", 0.5)) == Look()


def test_silence_and_no_server_are_no_failure() -> None:
    with server() as (origin, _):
        found = Caller(ComfyUI(origin, workflows="/nowhere")).run(lambda http: look(origin, "job-1", 0.2))
    assert found == Look()
    assert Caller(ComfyUI("http://127.0.0.1:9")).run(lambda http: look("http://127.0.0.1:9", "x")) == Look()


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

"""What holds when a client leaves, a file goes or the studio ends in the middle of a request."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from urllib.parse import urlsplit

import httpx
import pytest

from imgplay_widget.errors import StoreError
from imgplay_widget.testing import Gate, picture
from tests.rest.conftest import WAIT
from tests.rest.test_rest_batches import WANTED, made


def sent_and_gone(client, path, body=b"", method="POST", headers=""):
    """Send a request on a connection of its own, and leave without reading the answer."""
    address = urlsplit(str(client.base_url))
    head = f"{method} {address.path.rstrip('/')}{path} HTTP/1.1\r\nHost: {address.netloc}\r\n{headers}"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(head.encode() + body)


def test_a_client_that_left_repeats_its_request_and_pays_once(client, studio, fake):
    key = "Idempotency-Key: k\r\n"
    sent_and_gone(client, "/generate", json.dumps(WANTED).encode(), headers=key)
    answer = client.post("/generate", json=WANTED, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 202
    studio.batches(answer.json()["topicId"])[0].result(timeout=WAIT)
    assert len(client.get("/batches").json()["batches"]) == 1
    assert len(fake.submits) == 1


def test_a_request_whose_body_ends_early_does_nothing(client, fake):
    address = urlsplit(str(client.base_url))
    head = f"POST {address.path.rstrip('/')}/generate HTTP/1.1\r\nHost: {address.netloc}\r\n"
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(head.encode() + b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
    assert client.get("/batches").json()["batches"] == []
    assert fake.submits == []


def test_a_studio_that_closes_answers_what_waits(client, studio, monkeypatch):
    reached = threading.Event()

    async def fetch(url):
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(studio._core.clients, "fetch", fetch)
    answers = []

    def ask():
        answers.append(client.post("/references", json={"link": "https://fox.example/fox.png"}))

    asking = threading.Thread(target=ask)
    asking.start()
    assert reached.wait(WAIT)
    studio.close()
    asking.join(WAIT)
    assert (answers[0].status_code, answers[0].json()["code"]) == (503, "studio_closed")


def test_the_state_that_cannot_be_read_after_a_request_was_stored_is_no_error(client, studio, monkeypatch):
    async def broken(batch_id):
        raise StoreError("The disk does not answer.")

    add = studio._core.add

    async def added(*args, **keywords):
        topic = await add(*args, **keywords)
        monkeypatch.setattr(studio._core.engine, "entry", broken)
        return topic

    monkeypatch.setattr(studio._core, "add", added)
    first = client.post("/generate", json=WANTED, headers={"Idempotency-Key": "k"})
    monkeypatch.undo()
    assert first.status_code == 202
    again = client.post("/generate", json=WANTED, headers={"Idempotency-Key": "k"})
    assert again.json()["id"] == first.json()["id"]


def test_a_file_that_is_gone_is_told(client, studio):
    batch = made(client, studio)
    generation = studio.batches(batch["topicId"])[0][0]
    generation.path.unlink()
    answer = client.get(f"/generations/{generation.id}/image")
    assert (answer.status_code, answer.json()["code"]) == (500, "store")
    assert "etag" not in answer.headers


def test_a_file_that_gets_shorter_breaks_the_connection_and_lies_to_nobody(client, studio, monkeypatch):
    from imgplay_widget.server.rest import handler

    batch = made(client, studio)
    path = studio.batches(batch["topicId"])[0][0].path
    whole = path.read_bytes()
    monkeypatch.setattr(handler, "PIECE", 64)
    piece = handler._piece

    def shrinking(file, start, length):
        if start:
            file.write_bytes(whole[:64])
        return piece(file, start, length)

    monkeypatch.setattr(handler, "_piece", shrinking)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(f"/generations/{batch['generations'][0]['id']}/image")


def test_no_zip_stays_behind_a_client_that_left(client, studio):
    batch = made(client, studio, imageNum=2)
    for _ in range(3):
        sent_and_gone(client, f"/batches/{batch['id']}/zip", method="GET")
    # This ZIP is written and removed after the ones before.
    assert client.get(f"/batches/{batch['id']}/zip").status_code == 200
    temporary = studio._core.archive.store.assets.root / "temporary"
    for _ in range(500):
        left = list(temporary.iterdir()) if temporary.exists() else []
        if not left:
            break
        client.get("/topics")
    assert left == []


def test_a_stopped_request_can_be_made_again(client, studio, fake):
    gate = Gate(picture())
    fake._script.append(gate)
    batch = client.post("/generate", json=WANTED).json()
    assert gate.reached.wait(WAIT)
    client.delete(f"/topics/{batch['topicId']}")
    assert client.get(f"/status/{batch['generations'][0]['id']}").status_code == 404
    client.post(f"/topics/{batch['topicId']}/restore")
    assert client.get(f"/batches/{batch['id']}").json()["generations"][0]["status"] == "cancelled"
    assert client.post(f"/batches/{batch['id']}/retry").status_code == 202

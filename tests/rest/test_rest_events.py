"""The stream of events over REST."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from imgplay_widget._rules.changes import ModelsWritten, StoreWritten
from imgplay_widget.server.rest import stream
from imgplay_widget.server.rest.stream import EventLog
from imgplay_widget.testing import Gate, Partial, picture
from tests.rest.conftest import WAIT

WANTED = {"provider": "fake", "model": "image", "prompt": "a fox"}


class Events:
    """The events of an open stream."""

    def __init__(self, answer):
        self.answer = answer
        self._lines = answer.iter_lines()

    def next(self):
        found = {}
        for line in self._lines:
            if not line and found:
                return found["id"], found["event"], json.loads(found["data"])
            if line and not line.startswith(":"):
                name, _, text = line.partition(": ")
                found[name] = text
        raise EOFError

    def until(self, name, test=lambda data: True):
        while True:
            number, event, data = self.next()
            if event == name and test(data):
                return number, data


@contextmanager
def followed(client, **headers):
    with client.stream("GET", "/events", headers=headers) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        yield Events(answer)


def test_a_reader_sees_a_request_from_its_start_to_its_image(client, studio, fake):
    gate = Gate(picture())
    fake._script.append(gate)
    fake.partials = [Partial(progress=0.5)]
    with followed(client) as events:
        assert events.next()[1:] == ("fresh", {})
        batch = client.post("/generate", json=WANTED | {"model": "stream"}).json()
        assert events.until("batch")[1]["id"] == batch["id"]
        assert events.until("topic")[1]["id"] == batch["topicId"]
        generation = batch["generations"][0]["id"]
        assert events.until("progress")[1] == {
            "id": generation,
            "batchId": batch["id"],
            "progress": 0.5,
            "queuePosition": None,
            "retryIn": None,
        }
        assert gate.reached.wait(WAIT)
        assert client.get(f"/status/{generation}").json()["progress"] == 0.5
        gate.open()
        done = events.until("generation", lambda data: data["status"] == "success")[1]
        assert done == client.get(f"/status/{generation}").json()
        client.patch(f"/topics/{batch['topicId']}", json={"title": "Foxes"})
        assert events.until("topic", lambda data: data["title"] == "Foxes")
        client.delete(f"/batches/{batch['id']}")
        assert events.until("removed")[1]["batchIds"] == [batch["id"]]


def test_a_reader_sees_the_batches_of_a_sweep_one_by_one(client, studio):
    with followed(client) as events:
        assert events.next()[1:] == ("fresh", {})
        grid = studio.sweep("a {animal}", animal=["fox", "owl"], model="fake:image")
        found = {events.until("batch")[1]["id"], events.until("batch")[1]["id"]}
        assert found == {batch.id for batch in grid}
        grid.result(WAIT)
        listed = client.get("/batches", params={"topicId": grid.topic_id}).json()["batches"]
        assert {batch["id"] for batch in listed} == found


def test_a_reader_that_comes_back_misses_nothing(client):
    with followed(client) as events:
        events.next()
        client.post("/topics", json={"title": "One"})
        last, _ = events.until("topic")
    for title in ("Two", "Three"):
        client.post("/topics", json={"title": title})
    with followed(client, **{"Last-Event-ID": last}) as events:
        assert [events.next()[2]["title"] for _ in range(2)] == ["Two", "Three"]
        client.post("/topics", json={"title": "Four"})
        assert events.next()[2]["title"] == "Four"


@pytest.mark.parametrize("seen", ["x", "other-1", "-", "0-99999999999999999999", "é-1".encode()])
def test_a_reader_with_an_unknown_event_begins_anew(client, seen):
    with followed(client, **{"Last-Event-ID": seen}) as events:
        assert events.next()[1] == "fresh"


def test_a_stream_ends_with_its_studio(client, studio):
    with followed(client) as events:
        events.next()
        studio.close()
        with pytest.raises(EOFError):
            events.next()


def test_a_reader_that_leaves_is_forgotten(client, studio):
    with followed(client) as events:
        events.next()
    rest = studio._core

    async def readers():
        for subscription in rest._subscriptions:
            log = getattr(subscription._subscriber, "__self__", None)
            if isinstance(log, EventLog):
                for _ in range(2000):
                    if not log._readers:
                        return 0
                    await asyncio.sleep(0.005)
                return len(log._readers)
        return None

    assert rest.call(readers) == 0


def test_a_client_that_reads_nothing_holds_up_nobody(client, studio):
    address = urlsplit(str(client.base_url))
    with socket.create_connection((address.hostname, address.port)) as lazy:
        lazy.sendall(
            f"GET {address.path.rstrip('/')}/events HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode()
        )
        with followed(client) as events:
            events.next()
            for number in range(50):
                client.post("/topics", json={"title": f"Topic {number} {'x' * 150}"})
            assert events.until("topic", lambda data: data["title"].startswith("Topic 49"))


# ------------------------------------------------------------------ the log itself


def test_a_slow_reader_gets_a_mark_in_place_of_too_many_events():
    async def play():
        log = EventLog("/api", lambda _: None)
        slow, quick = log.read(""), log.read("")
        await slow.next()
        await quick.next()
        for _ in range(stream.KEPT):
            await log.take([ModelsWritten()])
        assert (await quick.next()).count(b"event: models") == stream.KEPT
        await log.take([ModelsWritten()])
        found = await slow.next()
        assert found == f"id: {log.mark}\nevent: fresh\ndata: {{}}\n\n".encode()
        assert len(slow._waiting) == 0
        await log.take([ModelsWritten()])
        assert b"event: models" in await slow.next()

    asyncio.run(play())


def test_a_reader_that_was_away_for_too_long_begins_anew():
    async def play():
        log = EventLog("/api", lambda _: None)
        for _ in range(stream.KEPT + 5):
            await log.take([ModelsWritten()])
        assert b"event: fresh" in await log.read(log.id_of(4)).next()
        assert (await log.read(log.id_of(5)).next()).count(b"event: models") == stream.KEPT
        assert (await log.read(log.id_of(stream.KEPT)).next()).count(b"event: models") == 5
        assert b"event: fresh" in await log.read(log.id_of(stream.KEPT + 6)).next()

    asyncio.run(play())


def test_a_quiet_stream_is_kept_alive_and_other_writers_are_told():
    async def play():
        log = EventLog("/api", lambda _: None)
        reader = log.read(log.mark, keep_alive=0.01)
        assert await reader.next() == b": still here\n\n"
        await log.take([StoreWritten()])
        assert b"event: fresh" in await reader.next()
        log.close()
        assert await reader.next() is None

    asyncio.run(play())

"""Any step of a page's request may fail: one answer, with a code and a next step, and nothing half done."""

from __future__ import annotations

import asyncio
import itertools
import logging
import sqlite3
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass

import pytest

from imgplay_widget.errors import DiskFull, Moderated, StoreLocked
from imgplay_widget.testing import FakeProvider, Gate, picture, png

WAIT = 20
WISH = {"model": "fake:image", "prompt": "a cat", "params": {}}


class Faults:
    """A fault: the n-th call of the store or of the pool fails for which a request of the page waits."""

    def __init__(self, page):
        self._kernel, self._archive = page.kernel, page.studio._core.archive
        self._receive, self._write, self._in_pool = (
            page.kernel.receive,
            self._archive.in_store,
            self._archive.in_pool,
        )
        self._task, self._left = None, 0
        page.kernel.receive = self._watched
        self._archive.in_store = self._failing(self._write, StoreLocked("Another program holds the store."))
        self._archive.in_pool = self._failing(self._in_pool, DiskFull("There is no space left."))

    def arm(self, n):
        self._left = n

    def hit(self):
        """Remove the fault, and return whether a call failed."""
        hit, self._left = self._left <= 0, 0
        return hit

    async def _watched(self, *args):
        self._task = asyncio.current_task()
        await self._receive(*args)

    def _failing(self, function, error):
        async def call(*args, **keywords):
            # This test is not about the work beside the request.
            if self._left > 0 and asyncio.current_task() is self._task:
                self._left -= 1
                if self._left == 0:
                    raise error
            return await function(*args, **keywords)

        return call


@dataclass
class Scene:
    """A page, and the history for its requests."""

    page: object
    topic: str
    batch: object
    failed: object
    running: object
    digest: str
    store: object

    def history(self):
        """Return all that is stored."""
        with closing(sqlite3.connect(self.store)) as connection:
            return list(connection.iterdump())


@contextmanager
def scene(open_page, store):
    """Return two images in one topic, a failed and a running one in another, and an input image."""
    gate = Gate(picture())
    fake = FakeProvider(words=())
    with open_page(fake, store=store) as page:
        page.result("hello")
        batch = page.studio.generate("a fox", model="fake:image", n=2).result(WAIT)
        fake._script += [Moderated("The provider refused the prompt.", provider="fake"), gate]
        failed = page.studio.generate("a hare", model="fake:image", topic="others")
        page.wait_for(lambda events: any(e.get("generation", {}).get("error") for e in events))
        running = page.studio.generate("an owl", model="fake:queue", topic="others")
        assert gate.reached.wait(WAIT)
        digest = page.refer(png(70, 40))
        page.studio._core.start(page.studio._core.archive.settle).result(WAIT)
        yield Scene(page, batch.topic_id, batch, failed, running, digest, store)
        gate.open()


def deleted(what):
    def before(s):
        gone = {"topic": s.topic, "batch": s.batch.id, "generation": s.batch[0].id}[what]
        s.page.result("delete", what=what, ids=[gone])
        s.page.studio._core.start(s.page.studio._core.archive.settle).result(WAIT)
        return {"method": "restore", "what": what, "ids": [gone]}

    return before


def read_pack(s):
    packed = s.page.result("pack", generationIds=[one.id for one in s.batch])
    return {"method": "pack_chunk", "packId": packed["packId"], "offset": 0}


def with_server(s):
    s.page.result("add_server", name="mine", url="http://127.0.0.1:9/v1", key="sk-1", remember=False)
    s.page.studio._core.start(s.page.studio._core.archive.settle).result(WAIT)


def removed_server(s):
    with_server(s)
    return {"method": "remove_server", "name": "mine"}


def moved_server(s):
    with_server(s)
    return {
        "method": "add_server",
        "name": "mine",
        "url": "http://127.0.0.1:8/v1",
        "key": "",
        "remember": False,
    }


REQUESTS = {
    "hello": lambda s: {"method": "hello", "page": "p"},
    "generate": lambda s: {"method": "generate", "wishes": [WISH], "n": 1, "topicId": s.topic},
    "generate several": lambda s: {"method": "generate", "wishes": [WISH, WISH], "n": 1, "topicId": s.topic},
    "generate in a new topic": lambda s: {
        "method": "generate",
        "wishes": [{**WISH, "references": [s.digest], "mask": None}],
        "n": 1,
        "topicId": None,
    },
    "follow up": lambda s: {
        "method": "follow_up",
        "generationId": s.batch[0].id,
        "action": "upscale",
        "model": "demo:upscale",
    },
    "cancel": lambda s: {"method": "cancel", "batchIds": [s.running.id]},
    "retry": lambda s: {"method": "retry", "batchId": s.failed.id},
    "delete a topic": lambda s: {"method": "delete", "what": "topic", "ids": [s.topic]},
    "delete a batch": lambda s: {"method": "delete", "what": "batch", "ids": [s.batch.id]},
    "delete a batch that runs": lambda s: {"method": "delete", "what": "batch", "ids": [s.running.id]},
    "delete an image": lambda s: {"method": "delete", "what": "generation", "ids": [s.batch[0].id]},
    "restore a topic": deleted("topic"),
    "restore a batch": deleted("batch"),
    "restore an image": deleted("generation"),
    "star": lambda s: {"method": "star", "generationIds": [s.batch[0].id], "starred": True},
    "move": lambda s: {"method": "move_batches", "batchIds": [s.batch.id, s.running.id], "topicId": s.topic},
    "move to a new topic": lambda s: {"method": "move_batches", "batchIds": [s.batch.id], "topicId": None},
    "pin": lambda s: {"method": "pin_topic", "topicId": s.topic, "pinned": True},
    "cover": lambda s: {"method": "choose_cover", "topicId": s.topic, "generationId": s.batch[1].id},
    "rename": lambda s: {"method": "rename_topic", "topicId": s.topic, "title": "foxes"},
    "select": lambda s: {"method": "select_topic", "topicId": s.running.topic_id},
    "feed": lambda s: {"method": "feed", "topicId": s.topic},
    "search": lambda s: {"method": "feed", "topicId": None, "search": "fox"},
    "queue": lambda s: {"method": "queue"},
    "prompts": lambda s: {"method": "prompts"},
    "models_used": lambda s: {"method": "models_used", "topicId": None},
    "draft": lambda s: {
        "method": "save_draft",
        "topicId": s.topic,
        "prompt": "a cow",
        "references": [s.digest],
        "mask": s.digest,
    },
    "improve": lambda s: {
        "method": "improve",
        "prompt": "a cow",
        "mode": "expand",
        "model": "fake:image",
    },
    "thumbnails": lambda s: {"method": "thumbnails", "generationIds": [one.id for one in s.batch]},
    "covers": lambda s: {"method": "covers", "topicIds": [s.topic]},
    "original": lambda s: {"method": "original", "generationId": s.batch[0].id},
    "recipe": lambda s: {"method": "recipe", "generationId": s.batch[0].id},
    "chain": lambda s: {"method": "read_chain", "generationId": s.batch[0].id},
    "code": lambda s: {"method": "code", "batchId": s.batch.id},
    "pack": lambda s: {"method": "pack", "generationIds": [one.id for one in s.batch]},
    "read a pack": read_pack,
    "take a result": lambda s: {"method": "take_reference", "source": "generation", "value": s.batch[0].id},
    "reference thumbnails": lambda s: {"method": "reference_thumbnails", "digests": [s.digest]},
    "reference": lambda s: {"method": "reference_original", "digest": s.digest},
    "add a server": lambda s: {
        "method": "add_server",
        "name": "new",
        "url": "http://127.0.0.1:9/v1",
        "key": "",
        "remember": False,
    },
    "move a server": moved_server,
    "remove a server": removed_server,
    "check": lambda s: {"method": "check_provider", "provider": "fake"},
    "set a key": lambda s: {"method": "set_key", "provider": "openai", "key": "sk-1", "remember": False},
    "configure": lambda s: {
        "method": "configure",
        "config": {"model": "fake:sheet", "params": {}, "count": 2},
    },
}
"""The requests of a page, by name: the history before, and the request."""


@pytest.mark.parametrize("name", REQUESTS)
def test_whatever_fails_is_answered_once_by_name_and_leaves_nothing_half_done(
    open_page, tmp_path, caplog, name
):
    numbers = itertools.count(1)
    hit, rounds = True, 0
    while hit:
        rounds += 1
        with scene(open_page, tmp_path / f"{rounds}.sqlite") as s:
            request = REQUESTS[name](s)
            faults, before = Faults(s.page), s.history()
            error = {"code": ""}
            while hit and error is not None:
                faults.arm(next(numbers))
                reply, _ = s.page.call(**request)
                hit, error = faults.hit(), reply["error"]
                if error is not None:
                    assert error["code"] in ("store_locked", "disk_full")
                    assert error["message"]
                    assert error["nextStep"]
                    s.page.studio._core.start(s.page.studio._core.archive.settle).result(WAIT)
                    assert s.history() == before
            assert error is None
            s.page.studio._core.start(s.page.studio._core.archive.settle).result(WAIT)
            assert_page_knows(s)
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


def assert_page_knows(s):
    """Check that the page got what is stored, or was told to read again."""
    stored = {}
    for batch in s.page.result("feed", topicId=None, limit=50)["feed"]["batches"]:
        stored[batch["id"]] = {g["id"]: g["starred"] for g in batch["generations"]}
    s.page.wait_for(lambda _: s.page.events("store_changed") or told(s, stored) == stored)


def told(s, stored):
    """Return the batches by the events: their images, and the starred ones."""
    batches = {}
    for event in s.page.events():
        match event:
            case {"type": "batch_added" | "batch_changed", "batch": batch}:
                batches[batch["id"]] = {g["id"]: g["starred"] for g in batch["generations"]}
            case {"type": "generation_removed"}:
                batches[event["batchId"]].pop(event["generationId"])
            case {"type": "batch_removed"}:
                batches.pop(event["batchId"])
            case {"type": "topic_removed"}:
                # In this case it is the topic with the first batch.
                batches.pop(s.batch.id)
            case {"type": "topic_changed", "topic": topic} if topic["id"] == s.topic and s.batch.id in stored:
                # The page reads a restored topic when it is shown.
                batches.setdefault(s.batch.id, stored[s.batch.id])
    return batches


def test_what_the_page_asks_while_the_studio_closes_is_answered_by_name(open_page):
    with open_page() as page:
        reached, go = threading.Event(), threading.Event()

        def slow(limit):
            reached.set()
            assert go.wait(WAIT)
            return []

        page.studio._core.archive.store.prompts = slow
        call = {"kind": "request", "id": "late", "call": {"method": "prompts"}}
        asked = page.studio._core.start(page.kernel.receive, call)
        assert reached.wait(WAIT)
        # The request is cancelled, as when the loop ends before the store answers.
        asked.cancel()
        with page._arrived:
            assert page._arrived.wait_for(lambda: replies(page, "late"), WAIT)
        go.set()
        (error,) = replies(page, "late")
        assert (error["code"], bool(error["nextStep"])) == ("studio_closed", True)


def replies(page, to):
    return [c["error"] for c, _ in page.messages if c["kind"] == "reply" and c["to"] == to]


@pytest.mark.parametrize("method", ["select_topic", "configure"])
def test_what_could_not_be_stored_is_stored_when_it_is_asked_for_again(open_page, tmp_path, method):
    location = tmp_path / "s.sqlite"
    with open_page(store=location) as page:
        topic = page.studio.new_topic("foxes").id
        page.result("select_topic", topicId=None)
        fields = {"select_topic": {"topicId": topic}, "configure": {"config": {"model": "fake:sheet"}}}[
            method
        ]
        save = page.studio._core.archive.store.save_setting

        def locked(name, value):
            raise StoreLocked("Another program holds the store.")

        page.studio._core.archive.store.save_setting = locked
        assert page.error(method, **fields)["code"] == "store_locked"
        shown = page.result("hello")["snapshot"]
        assert (shown["activeTopicId"], shown["config"]["model"]) == (None, "demo:instant")
        page.studio._core.archive.store.save_setting = save
        page.result(method, **fields)
    with open_page(store=location) as page:
        shown = page.result("hello")["snapshot"]
        found = {"select_topic": shown["activeTopicId"], "configure": shown["config"]["model"]}
        assert found[method] == {"select_topic": topic, "configure": "fake:sheet"}[method]


@pytest.mark.parametrize(
    "name", ["original", "pack", "take a result", "cover", "reference", "generate in a new topic"]
)
def test_a_file_that_is_gone_is_named_with_a_next_step(open_page, tmp_path, name):
    with scene(open_page, tmp_path / "s.sqlite") as s:
        request, before = REQUESTS[name](s), s.history()
        for file in (s.page.studio._core.archive.store.assets.root / "originals").rglob("*.png"):
            file.unlink()
        reply, _ = s.page.call(**request)
        assert reply["error"]["code"] in ("store", "not_found", "invalid_request")
        assert reply["error"]["nextStep"]
        assert s.history() == before

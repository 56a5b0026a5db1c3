"""The answers and events that the page gets, whatever carries the messages."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import typing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from imgplay_widget._page import protocol
from imgplay_widget._page.protocol import Config, parse
from imgplay_widget._types import ModelSpec, Notice, Parameter, Partial, Price
from imgplay_widget.errors import BadResponse, Moderated, StoreLocked
from imgplay_widget.providers import Done, Inline
from imgplay_widget.providers.openai import OpenAI
from imgplay_widget.testing import FakeProvider, Gate, picture, png

WAIT = 20
WISH = {"model": "fake:image", "prompt": "a red fox", "params": {}}
REQUEST = {"wishes": [WISH], "n": 2, "topicId": None}


def done(count):
    def test(events):
        ids = {
            e["generation"]["id"]
            for e in events
            if e["type"] == "generation_changed" and e["generation"]["status"] == "success"
        }
        return len(ids) >= count

    return test


def asked_while(page, moment, meanwhile, **call):
    """Send a request, and let something happen before one of its steps in the store.

    Return the answer, and the events that were sent before the answer.
    """
    archive, asking, steps = page.studio._core.archive, [], []
    in_store = archive.in_store

    async def late(function, *args, **keywords):
        if asyncio.current_task() in asking:
            steps.append(function)
            if len(steps) == moment + 1:
                await meanwhile()
        return await in_store(function, *args, **keywords)

    async def ask():
        asking.append(asyncio.current_task())
        await page.kernel.receive({"kind": "request", "id": "late", "call": call})

    archive.in_store = late
    page.studio._core.start(ask).result(WAIT)
    archive.in_store = in_store
    (at,) = [i for i, (content, _) in enumerate(page.messages) if content.get("to") == "late"]
    return page.messages[at][0]["result"], [e for c, _ in page.messages[:at] for e in c.get("events", [])]


def test_each_call_of_the_protocol_has_its_answer_in_one_table(page):
    (members, *_) = typing.get_args(protocol.Call)
    assert set(page.kernel.answers) == set(typing.get_args(members))


def test_generate_on_the_page_makes_new_images_whatever_code_takes_from_the_store(page, fake):
    page.studio.cache = True
    first, second = (page.result("generate", **REQUEST)["batches"][0]["id"] for _ in range(2))
    page.wait_for(done(4))
    assert first != second
    assert len(fake.submits) == 4


def test_a_follow_up_comes_into_the_topic_of_its_image_and_leaves_the_shown_one(page):
    fox = page.studio.generate("a red fox", model="demo:instant", width=256, height=256, topic="foxes")
    fox.result(WAIT)
    page.studio.generate("a boat", model="demo:instant", width=256, height=256, topic="boats").result(WAIT)
    shown = page.studio.active_topic
    made = page.result("follow_up", generationId=fox[0].id, action="upscale", model="demo:upscale")
    (batch,) = made["batches"]
    assert made["topic"]["id"] == batch["topicId"] == fox.topic_id
    assert (batch["action"], batch["prompt"], batch["model"]) == ("upscale", "", "demo:upscale")
    assert page.studio.active_topic == shown
    refused = page.error("follow_up", generationId=fox[0].id, action="upscale", model="demo:instant")
    assert refused["code"] == "no_able_model"
    assert "demo:upscale" in refused["nextStep"]


def test_hello_is_answered_with_all_that_a_page_needs(page):
    snapshot = page.result("hello")["snapshot"]
    assert snapshot["activeTopicId"] is None
    assert snapshot["feed"] is None
    assert snapshot["maxCount"] == 4
    assert [model["name"] for model in snapshot["models"]] == ["demo:instant"]
    assert {"demo:instant", "fake:image"} <= page.catalog().keys()
    assert {p["name"]: p["key"] for p in snapshot["providers"]}["openai"] == "missing"
    assert snapshot["config"]["model"] == "demo:instant"


def test_a_page_that_has_the_catalog_is_not_sent_it_again(page):
    snapshot = page.result("hello")["snapshot"]
    reply, buffers = page.call("hello", catalog=snapshot["catalog"])
    assert reply["result"]["snapshot"]["catalogBuffer"] is None
    assert buffers == []


def test_generate_makes_topic_and_batch_and_tells_every_step(page):
    page.result("hello")
    made = page.result("generate", **REQUEST)
    assert made["topic"]["title"] == "a red fox"
    (batch,) = made["batches"]
    assert (len(batch["generations"]), batch["clickId"]) == (2, None)
    page.wait_for(done(2))
    (added,) = page.events("batch_added")
    assert added["batch"]["id"] == batch["id"]
    for generation in batch["generations"]:
        states = [
            e["generation"]["status"]
            for e in page.events("generation_changed")
            if e["generation"]["id"] == generation["id"]
        ]
        assert states == ["processing", "success"]
    feed = page.result("select_topic", topicId=made["topic"]["id"])["feed"]
    assert [b["id"] for b in feed["batches"]] == [batch["id"]]


def test_a_click_of_several_is_answered_by_all_its_batches_which_share_a_mark(page, fake):
    page.result("hello")
    wishes = [{**WISH, "prompt": prompt} for prompt in ("a red fox", "a blue fox", "a green fox")]
    made = page.result("generate", wishes=wishes, n=1, topicId=None)
    assert [batch["prompt"] for batch in made["batches"]] == ["a red fox", "a blue fox", "a green fox"]
    assert {batch["topicId"] for batch in made["batches"]} == {made["topic"]["id"]}
    assert made["topic"]["title"] == "a red fox"
    (mark,) = {batch["clickId"] for batch in made["batches"]}
    assert mark
    page.wait_for(done(3))
    snapshot = page.result("hello")["snapshot"]
    assert [(batch["prompt"], batch["clickId"]) for batch in snapshot["feed"]["batches"]] == [
        ("a green fox", mark),
        ("a blue fox", mark),
        ("a red fox", mark),
    ]
    assert [topic["id"] for topic in snapshot["topics"]] == [made["topic"]["id"]]
    # Another click has a different mark.
    again = page.result("generate", wishes=wishes, n=1, topicId=made["topic"]["id"])
    assert again["batches"][0]["clickId"] not in (None, mark)


def test_a_click_is_told_whole_before_anything_of_it_is_sent(page, fake):
    page.result("hello")
    wishes = [{**WISH, "prompt": f"fox {number}"} for number in range(8)]
    page.result("generate", wishes=wishes, n=1, topicId=None)
    page.wait_for(done(8))
    kinds = [event["type"] for event in page.events()]
    last_added = len(kinds) - 1 - kinds[::-1].index("batch_added")
    assert last_added < kinds.index("generation_changed")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"prompt": " "}, "invalid_request"),
        ({"params": {"width": 3}}, "invalid_request"),
        ({"model": "fake:nope"}, "not_found"),
        ({"model": "openai:gpt-image-2"}, "missing_key"),
        ({"references": ["0" * 64]}, "not_found"),
    ],
)
def test_a_click_is_refused_whole_and_says_which_of_it(page, fake, fields, code):
    wishes = [WISH, {**WISH, "prompt": "a blue fox"}, {**WISH, **fields}, WISH]
    error = page.error("generate", wishes=wishes, n=1, topicId=None)
    assert (error["code"], error["wish"]) == (code, 2)
    assert error["nextStep"]
    assert page.result("hello")["snapshot"]["topics"] == []
    assert (page.events("batch_added"), fake.submits) == ([], [])


def test_what_is_cancelled_together_is_not_sent_in_the_place_of_each_other(open_page):
    gates = [Gate(picture()) for _ in range(6)]
    fake = FakeProvider(list(gates))
    with open_page(fake, concurrency={"fake": 2}) as page:
        page.result("hello")
        made = page.result("generate", wishes=[WISH] * 6, n=1, topicId=None)
        assert gates[0].reached.wait(WAIT)
        assert gates[1].reached.wait(WAIT)
        page.result("cancel", batchIds=["gone", *(batch["id"] for batch in made["batches"])])
        assert len(fake.submits) == 2
        feed = page.result("feed", topicId=made["topic"]["id"])["feed"]
        assert {g["status"] for batch in feed["batches"] for g in batch["generations"]} == {"cancelled"}


def test_a_retry_keeps_a_batch_in_its_click(page, fake):
    fake._script.append(Moderated("no", provider="fake"))
    page.result("hello")
    made = page.result("generate", wishes=[WISH, WISH], n=1, topicId=None)
    page.wait_for(done(1))
    failed = page.wait_for(
        lambda events: [e["generation"] for e in events if e.get("generation", {}).get("status") == "error"]
    )
    page.result("retry", batchId=failed[0]["batchId"])
    page.wait_for(done(2))
    feed = page.result("feed", topicId=made["topic"]["id"])["feed"]
    assert {batch["clickId"] for batch in feed["batches"]} == {made["batches"][0]["clickId"]}


@pytest.mark.parametrize("moment", range(5))
def test_a_new_batch_is_never_answered_older_than_it_was_told(open_page, moment):
    gate = Gate(picture())
    with open_page(FakeProvider([gate])) as page:

        async def finish():
            gate.open()
            if await page.studio._core.archive.unfinished(1):
                await asyncio.to_thread(page.wait_for, done(1))

        made, told = asked_while(page, moment, finish, method="generate", **{**REQUEST, "n": 1})
        gate.open()
        assert made["batches"][0]["generations"][0]["status"] == "success" or not done(1)(told)
        counts = [event["topic"]["running"] for event in told if event["type"] == "topic_changed"]
        assert not counts or made["topic"]["running"] <= counts[-1]


@pytest.mark.parametrize("moment", range(3))
def test_a_topic_is_never_shown_older_than_it_was_told(open_page, moment):
    gate = Gate(picture())
    with open_page(FakeProvider([gate])) as page:
        topic_id = page.result("generate", **{**REQUEST, "n": 1})["topic"]["id"]
        page.studio.new_topic("another")

        async def finish():
            gate.open()
            await asyncio.to_thread(page.wait_for, done(1))
            await page.studio._core.drafts.save(topic_id, prompt="a bear", references=[], mask=None)
            await asyncio.to_thread(page.wait_for, lambda _: page.events("draft_changed"))

        shown, told = asked_while(page, moment, finish, method="select_topic", topicId=topic_id)
        gate.open()
        status = shown["feed"]["batches"][0]["generations"][0]["status"]
        before = any(event["type"] == "draft_changed" for event in told)
        assert not before or (status, shown["draft"]["prompt"]) == ("success", "a bear")


def test_a_topic_that_is_gone_does_not_become_the_active_one(page):
    topic = page.studio.new_topic("Foxes")
    assert page.error("select_topic", topicId="gone")["code"] == "not_found"
    assert page.result("hello")["snapshot"]["activeTopicId"] == topic.id


def pushed(page):
    """Return for each finished image that the page was told of whether its thumbnail came too."""
    finished = [e["generation"] for e in page.events("generation_changed")]
    return [one["thumbnailBuffer"] is not None for one in finished if one["status"] == "success"]


def test_a_finished_image_brings_its_thumbnail(page):
    page.acknowledge()
    page.result("generate", **REQUEST)
    page.wait_for(done(2))
    for content, buffers in page.messages:
        for event in content.get("events", []):
            if event["type"] == "generation_changed" and event["generation"]["status"] == "success":
                data = buffers[event["generation"]["thumbnailBuffer"]]
                assert Image.open(io.BytesIO(data)).format == "WEBP"


def test_a_page_that_never_acknowledged_gets_no_bytes(page):
    page.studio.generate("a fox", model="fake:image").result(WAIT)
    page.wait_for(done(1))
    assert all(buffers == [] for _, buffers in page.messages)


def test_a_page_that_left_gets_nothing_until_it_says_hello_again(page):
    page.acknowledge()
    page.leave()
    page.studio.generate("a fox", model="fake:image").result(WAIT)
    page.studio._core.start(page.studio._core.archive.settle).result(WAIT)
    assert page.messages == []
    (batch,) = page.result("hello")["snapshot"]["feed"]["batches"]
    assert [one["status"] for one in batch["generations"]] == ["success"]
    page.studio.generate("a fox", model="fake:image").result(WAIT)
    page.wait_for(done(1))
    assert pushed(page) == [False]
    page.acknowledge()
    page.studio.generate("a fox", model="fake:image").result(WAIT)
    page.wait_for(done(2))
    assert pushed(page) == [False, True]


def test_what_one_browser_shows_goes_on_when_another_one_leaves(page):
    page.acknowledge()
    page.result("hello", page="other")
    page.acknowledge(page="other")
    page.leave()
    page.studio.generate("a fox", model="fake:image").result(WAIT)
    page.wait_for(done(1))
    assert pushed(page) == [True]


def test_previews_are_pushed_only_while_the_page_acknowledges(fake, page, monkeypatch):
    monkeypatch.setattr("imgplay_widget._page.events.UNACKNOWLEDGED", 1)
    fake.partials = [Partial(index=0, data=png(), progress=0.4)]
    previews = []
    for count in range(1, 5):
        if count in (2, 4):
            page.acknowledge()
        page.studio.generate("a fox", model="fake:stream").result(WAIT)
        page.wait_for(done(count))
        previews.append(page.events("generation_progress")[-1]["previewBuffer"] is not None)
    # Never acknowledged, then twice.
    assert previews == [False, True, False, True]


def test_thumbnails_are_pushed_only_while_the_page_acknowledges(open_page, monkeypatch):
    monkeypatch.setattr("imgplay_widget._page.events.UNACKNOWLEDGED", 2)
    with open_page() as page:
        page.acknowledge()
        page.studio.generate("a fox", model="fake:image", n=4).result(WAIT)
        page.wait_for(done(4))
        assert sum(pushed(page)) == 2
        page.acknowledge()
        page.studio.generate("a fox", model="fake:image").result(WAIT)
        page.wait_for(done(5))
        assert sum(pushed(page)) == 3


def test_the_first_page_is_told_what_is_wrong_with_the_store_after_its_snapshot(page):
    notice = Notice(kind="other", message="The disk is a network share.")
    page.studio._core.archive.store.notices.append(notice)
    first = type(page)(page.studio)
    first.wait_for(lambda events: events)
    assert [e["message"] for e in first.events("notice_shown")] == [notice.message]
    assert first.events_messages()[0]["seq"] > first.greeting["snapshot"]["seq"]
    first.result("hello")
    first.end()
    assert len(first.events("notice_shown")) == 1


def test_the_page_can_ask_for_thumbnails_covers_and_originals(page):
    batch = page.studio.generate("a fox: in/the snow!", model="fake:image", seed=5).result(WAIT)
    page.studio._core.start(page.studio._core.archive.settle).result(WAIT)
    reply, buffers = page.call("thumbnails", generationIds=[batch[0].id, "gone"])
    assert [item["buffer"] for item in reply["result"]["items"]] == [0, None]
    assert Image.open(io.BytesIO(buffers[0])).size == (64, 64)
    reply, buffers = page.call("covers", topicIds=[batch.topic_id, "gone"])
    assert [item["buffer"] for item in reply["result"]["items"]] == [0, None]
    assert Image.open(io.BytesIO(buffers[0])).size == (256, 256)
    reply, buffers = page.call("original", generationId=batch[0].id)
    # A download has the recipe inside, and the pixels of the original.
    assert Image.open(io.BytesIO(buffers[0])).tobytes() == batch[0].image.tobytes()
    assert reply["result"]["fileName"] == "a-fox-in-the-snow-1-seed-5.png"
    assert reply["result"]["mediaType"] == "image/png"


def test_every_event_message_has_the_next_number(page):
    page.studio.generate("a fox", model="fake:image", n=4).result(WAIT)
    page.wait_for(done(4))
    last = len(page.events_messages())
    told = page.result("hello")["snapshot"]["seq"]
    numbers = [content["seq"] for content in page.events_messages()]
    assert numbers == list(range(1, len(numbers) + 1))
    # A cover may arrive meanwhile.
    assert last <= told <= numbers[-1]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"n": 9}, "invalid_request"),
        ({"wishes": [{**WISH, "prompt": ""}]}, "invalid_request"),
        ({"wishes": [{**WISH, "params": {"width": 3}}]}, "invalid_request"),
        ({"wishes": [{**WISH, "params": {"nope": 3}}]}, "unknown_parameter"),
        ({"wishes": [{**WISH, "model": "fake:nope"}]}, "not_found"),
        ({"wishes": [{**WISH, "model": "openai:gpt-image-2"}]}, "missing_key"),
        ({"topicId": "gone"}, "not_found"),
    ],
)
def test_a_refusal_explains_itself_and_stores_nothing(page, fake, fields, code):
    error = page.error("generate", **{**REQUEST, **fields})
    assert error["code"] == code
    assert error["message"]
    assert error["nextStep"]
    assert page.result("hello")["snapshot"]["topics"] == []
    assert fake.submits == []


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("cancel", {"batchIds": ["gone", "gone too"]}),
        ("retry", {"batchId": "gone"}),
        ("original", {"generationId": "gone"}),
    ],
)
def test_what_is_gone_is_named(page, method, fields):
    assert page.error(method, **fields)["code"] == "not_found"


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "request", "id": "x", "call": {"method": "nope"}},
        {"kind": "request", "id": "x", "call": {"method": "generate"}},
        {"kind": "request", "id": "x", "call": {"method": "generate", **REQUEST, "wishes": []}},
        {"kind": "request", "id": "x", "call": {"method": "generate", **REQUEST, "wishes": [WISH] * 17}},
        {"kind": "request", "id": "x"},
        {"kind": "request", "id": "x", "call": {"method": "feed", "topicId": "t", "limit": 10_000}},
    ],
)
def test_a_message_that_is_none_is_answered_once_with_an_error(page, content):
    page.send(content)
    (reply,) = [c for c, _ in page.messages]
    assert reply["to"] == "x"
    assert reply["error"]["code"] == "invalid_request"
    assert "Load the page again" in reply["error"]["nextStep"]


@pytest.mark.parametrize("content", [None, 7, "text", [], {"kind": "ack"}, {"id": 3}])
def test_noise_harms_nobody(page, content):
    page.send(content)
    assert page.messages == []
    assert page.result("hello")


def test_an_error_of_ours_is_answered_too(page, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("a secret cause")

    monkeypatch.setattr(page.studio._core.archive, "topic_page", broken)
    error = page.error("hello")
    assert error["code"] == "error"
    assert "a secret cause" not in json.dumps(error)
    assert "a secret cause" in caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
METHODS = (
    "hello",
    "feed",
    "generate",
    "rename_topic",
    "save_draft",
    "configure",
    "improve",
    "topics",
    "nope",
)
FIELDS = st.sampled_from(
    ("topicId", "limit", "search", "prompt", "title", "wishes", "n", "ids", "config", "x")
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(method=st.sampled_from(METHODS), fields=st.dictionaries(FIELDS, JSON, max_size=4))
def test_a_request_is_answered_once_whatever_it_holds(page, method, fields):
    page.messages.clear()
    page.send({"kind": "request", "id": "x", "call": {**fields, "method": method}})
    (reply,) = [content for content, _ in page.messages if content["kind"] == "reply"]
    assert reply["to"] == "x"
    assert (reply["result"] is None) != (reply["error"] is None)
    json.dumps(reply, ensure_ascii=False).encode()


def test_half_an_emoji_that_the_page_sends_is_cleaned(page):
    wish = {**WISH, "prompt": "a fox \ud83e"}
    (batch,) = page.result("generate", **{**REQUEST, "wishes": [wish]})["batches"]
    assert batch["prompt"] == "a fox \ufffd"
    page.result("save_draft", topicId=None, prompt="a fox \ud83e", references=[], mask=None)
    draft = page.result("select_topic", topicId=None)["draft"]
    assert draft["prompt"] == "a fox \ufffd"


def test_an_answer_that_cannot_be_sent_is_an_error(page, monkeypatch, caplog):
    async def names(*_):
        return protocol.ModelNames.model_construct(type="model_names", names=[object()])

    monkeypatch.setitem(page.kernel.answers, protocol.ModelsUsed, names)
    assert page.error("models_used", topicId=None)["code"] == "error"
    assert "cannot be sent" in caplog.text


def test_retry_cancel_and_delete_from_the_page(fake, page):
    gate = Gate(picture())
    fake._script.extend([Moderated("no", provider="fake"), gate])
    page.result("hello")
    batch = page.result("generate", **{**REQUEST, "n": 1})["batches"][0]
    page.wait_for(lambda events: any(e.get("generation", {}).get("status") == "error" for e in events))
    page.result("retry", batchId=batch["id"])
    assert gate.reached.wait(WAIT)
    page.result("cancel", batchIds=[batch["id"]])
    page.wait_for(lambda events: any(e.get("generation", {}).get("status") == "cancelled" for e in events))
    page.result("retry", batchId=batch["id"], generationId=batch["generations"][0]["id"])
    page.wait_for(done(1))
    page.result("delete", what="generation", ids=[batch["generations"][0]["id"]])
    page.wait_for(lambda events: [e for e in events if e["type"] == "batch_removed"])
    page.result("delete", what="topic", ids=[batch["topicId"]])
    page.wait_for(lambda events: [e for e in events if e["type"] == "topic_removed"])
    snapshot = page.result("hello")["snapshot"]
    assert snapshot["topics"] == []
    assert snapshot["activeTopicId"] is None


def test_a_delete_is_undone_from_the_page(page):
    page.result("hello")
    page.studio.generate("foxes", model="fake:image", n=2).result(WAIT)
    page.wait_for(done(2))
    snapshot = page.result("hello")["snapshot"]
    (batch,) = snapshot["feed"]["batches"]
    (topic,) = snapshot["topics"]
    assert (topic["images"], topic["running"]) == (2, 0)
    first, second = (generation["id"] for generation in batch["generations"])

    page.result("delete", what="generation", ids=[first])
    removed = {"type": "generation_removed", "generationId": first, "batchId": batch["id"]}
    page.wait_for(lambda events: removed in events)
    assert page.result("hello")["snapshot"]["topics"][0]["images"] == 1
    page.result("delete", what="generation", ids=[second])
    page.wait_for(lambda events: [e for e in events if e["type"] == "batch_removed"])
    page.result("restore", what="generation", ids=[second, first])
    back = page.wait_for(lambda events: [e for e in events if e["type"] == "batch_changed"])[-1]["batch"]
    assert [generation["id"] for generation in back["generations"]] == [first, second]
    assert {**back, "generations": []} == {**batch, "generations": []}
    page.result("delete", what="topic", ids=[topic["id"]])
    assert page.result("hello")["snapshot"]["topics"] == []
    page.result("restore", what="topic", ids=[topic["id"]])
    (again,) = page.result("hello")["snapshot"]["topics"]
    assert (again["id"], again["images"]) == (topic["id"], 2)
    assert page.error("restore", what="topic", ids=[topic["id"]])["code"] == "not_found"


def test_config_and_active_topic_last_across_studios(open_page, tmp_path):
    config = Config(model="fake:image", count=3, params={"fake:image": {"width": 128}}).wire()
    with open_page(store=tmp_path) as page:
        topic = page.result("generate", **REQUEST)["topic"]
        page.result("configure", config=config)
        assert page.events("config_changed") == []
    with open_page(store=tmp_path) as page:
        snapshot = page.result("hello")["snapshot"]
        assert snapshot["config"] == config
        assert snapshot["activeTopicId"] == topic["id"]
        assert len(snapshot["feed"]["batches"]) == 1


def test_code_and_page_see_each_other(page):
    page.result("hello")
    clicked = page.result("generate", **REQUEST)
    (batch,) = page.studio.batches()
    assert batch.id == clicked["batches"][0]["id"]
    made = page.studio.new_topic("from code")
    page.wait_for(
        lambda events: any(e["type"] == "topic_selected" and e["topicId"] == made.id for e in events)
    )


def test_what_the_provider_changed_is_a_difference(fake, page):
    fake._script.append(picture(seed=99, revised_prompt="x"))
    page.studio.generate("a fox", model="fake:image", seed=5, width=128, height=64).result(WAIT)
    page.wait_for(done(1))
    changed = page.events("generation_changed")[-1]["generation"]
    assert changed["seed"] == 5
    assert {d["parameter"]: (d["requested"], d["applied"]) for d in changed["differences"]} == {
        "seed": (5, 99),
        "width": (128, 64),
    }


def test_another_model_that_answered_is_a_difference(fake, page):
    fake._script += [
        replace(picture(), served_by="paint-9"),
        replace(picture(), served_by="image-2026-04-21"),
    ]
    for _ in range(2):
        page.studio.generate("a fox", model="fake:image", topic="foxes").result(WAIT)
    second, first = page.studio.batches("foxes")
    batches = {b["id"]: b for b in page.result("feed", topicId=first.topic_id)["feed"]["batches"]}
    assert batches[first.id]["generations"][0]["differences"][0] == {
        "parameter": "model",
        "requested": "image",
        "applied": "paint-9",
    }
    # The same model with a date is in the recipe only.
    assert all(d["parameter"] != "model" for d in batches[second.id]["generations"][0]["differences"])
    recipe = page.result("recipe", generationId=second[0].id)["recipe"]
    assert recipe["servedBy"] == second[0].served_by == "image-2026-04-21"


def test_a_feed_is_read_in_pages(page):
    topic = page.studio.new_topic("many")
    for number in range(7):
        page.studio.generate(f"fox {number}", model="fake:image", topic=topic).result(WAIT)
    first = page.result("feed", topicId=topic.id, limit=5)["feed"]
    second = page.result("feed", topicId=topic.id, limit=5, before=first["before"])["feed"]
    prompts = [b["prompt"] for b in first["batches"] + second["batches"]]
    assert prompts == [f"fox {number}" for number in range(6, -1, -1)]
    assert second["before"] is None


def test_previews_reach_the_page_small(fake, page):
    large = io.BytesIO()
    Image.effect_noise((1024, 1024), 80).convert("RGB").save(large, format="PNG")
    fake.partials = [Partial(index=0, data=large.getvalue(), progress=0.4)]
    page.acknowledge()
    page.studio.generate("a fox", model="fake:stream").result(WAIT)
    page.wait_for(done(1))
    (moved,) = page.events("generation_progress")
    assert moved["progress"] == 0.4
    (buffers,) = [
        b for c, b in page.messages for e in c.get("events", []) if e["type"] == "generation_progress"
    ]
    preview = buffers[moved["previewBuffer"]]
    assert len(preview) < len(large.getvalue()) / 4
    assert max(Image.open(io.BytesIO(preview)).size) <= 768


def test_the_synced_state_is_bounded_whatever_the_history(page):
    long = "word " * 2000
    topic = page.studio.new_topic("t")
    for number in range(30):
        page.studio.generate(f"{number} {long}", model="fake:image", n=4, topic=topic).result(WAIT)
    for number in range(40):
        page.studio.new_topic(f"topic {number}")
    page.studio._core.start(page.studio._core.topics.select, topic.id).result(WAIT)
    state = page.studio._core.start(page.kernel.small_snapshot).result(WAIT)
    assert len(json.dumps(state)) < 64_000
    assert state["feed"]["batches"]


def test_the_topic_that_is_shown_is_in_the_snapshot_and_in_the_synced_state_however_old(page):
    old = page.studio.new_topic("old")
    for number in range(230):
        page.studio.new_topic(f"topic {number}")
    page.studio._core.start(page.studio._core.topics.select, old.id).result(WAIT)
    whole = page.result("hello")["snapshot"]
    assert (len(whole["topics"]), whole["topics"][-1]["title"]) == (201, "old")
    state = page.studio._core.start(page.kernel.small_snapshot).result(WAIT)
    assert (len(state["topics"]), state["topics"][-1]["title"]) == (25, "old")
    assert state["topicsBefore"] is not None


def test_the_synced_state_holds_small_pictures_of_the_newest_images(open_page, monkeypatch):
    noise = Image.effect_noise((768, 768), 90).convert("RGB")
    large = io.BytesIO()
    noise.save(large, "PNG")
    answer = Done(images=(Inline(data=large.getvalue()),))
    with open_page(FakeProvider(script=[answer] * 4)) as page:
        old = page.studio.generate("old", model="fake:image", n=4).result(WAIT)
        state = page.studio._core.start(page.kernel.small_snapshot).result(WAIT)
        assert 1 <= len(state["thumbnails"]) <= 4
        assert sum(map(len, state["thumbnails"].values())) <= 28_000
        new = page.studio.generate("new", model="fake:image", n=4).result(WAIT)
        made = []
        kept = page.studio._core.archive.miniature

        async def counted(generation):
            made.append(generation.id)
            return await kept(generation)

        monkeypatch.setattr(page.studio._core.archive, "miniature", counted)
        for _ in range(2):
            state = page.studio._core.start(page.kernel.small_snapshot).result(WAIT)
        assert list(state["thumbnails"])[:4] == [g.id for g in new]
        # Each picture is made once, however often the state is written.
        assert made == [g.id for g in new]
        picture_of = Image.open(io.BytesIO(base64.b64decode(state["thumbnails"][new[0].id])))
        assert (picture_of.format, max(picture_of.size) <= 192) == ("WEBP", True)
        assert set(state["thumbnails"]) <= {g.id for g in (*new, *old)}


def test_the_synced_state_shows_a_sweep_as_its_template_with_the_first_images_of_its_cells(page):
    grid = page.studio.sweep(
        "a {animal} in {style}",
        animal=["fox", "owl", "bear", "cat"],
        style=["oil", "ink", "chalk", "wool"],
        model="fake:image",
    ).result(WAIT, progress=False)
    page.studio._core.start(page.studio._core.topics.select, grid.topic_id).result(WAIT)
    state = page.studio._core.start(page.kernel.small_snapshot).result(WAIT)
    (shown,) = state["feed"]["batches"]
    assert (shown["prompt"], shown["sweepId"]) == ("a {animal} in {style}", grid.id)
    first = [image.id for batch in grid for image in batch][:8]
    assert [each["id"] for each in shown["generations"]] == first
    assert [each["position"] for each in shown["generations"]] == list(range(8))
    assert set(state["thumbnails"]) <= set(first)
    assert state["thumbnails"]
    page.studio.delete(grid[{"animal": "fox", "style": "oil"}])
    state = page.studio._core.start(page.kernel.small_snapshot).result(WAIT)
    assert state["feed"]["batches"][0]["generations"][0]["id"] == first[1]


def test_no_key_reaches_the_page(page, monkeypatch):
    canary = "sk-canary-0123456789abcdef"
    monkeypatch.setenv("OPENAI_API_KEY", canary)
    page.studio.set_key("openai", canary)
    snapshot = page.result("hello")["snapshot"]
    assert {p["name"]: p["key"] for p in snapshot["providers"]}["openai"] == "set"
    assert canary not in json.dumps([content for content, _ in page.messages])
    assert canary not in repr(page.studio)
    assert canary not in repr(page.studio._core.keys)


def test_references_of_code_are_stored_with_the_batch(page):
    batch = page.studio.generate("a fox", model="fake:image", references=[png()]).result(WAIT)
    assert len(batch._live.entry.batch.references) == 1


def test_a_model_in_free_text_is_told_and_stays_in_the_snapshot(open_page):
    with open_page(OpenAI("http://127.0.0.1:9/v1", name="local")) as page:
        told = page.result("model", name="local:my-model")["model"]
        assert (told["name"], told["provider"], told["id"]) == ("local:my-model", "local", "my-model")
        snapshot = page.result("hello")["snapshot"]
        assert "local:my-model" not in [model["name"] for model in snapshot["models"]]

        page.result("configure", config={**snapshot["config"], "model": told["name"]})
        assert told in page.result("hello")["snapshot"]["models"]
        state = page.studio._core.start(page.kernel.small_snapshot).result(WAIT)
        assert [model["name"] for model in state["models"]] == [told["name"]]


def test_the_models_beside_the_chosen_one_last_and_one_that_is_gone_breaks_nothing(open_page, tmp_path):
    also = ["elsewhere:model", "fake:sheet"]
    with open_page(store=tmp_path) as page:
        config = page.result("hello")["snapshot"]["config"]
        assert config["alsoModels"] == []
        page.result("configure", config={**config, "model": "fake:image", "alsoModels": also})
    with open_page(store=tmp_path) as page:
        snapshot = page.result("hello")["snapshot"]
        assert snapshot["config"]["alsoModels"] == also
        assert [model["name"] for model in snapshot["models"]] == ["fake:image", "fake:sheet"]
        # A saved notebook holds one model, even when several are asked.
        state = page.studio._core.start(page.kernel.small_snapshot).result(WAIT)
        assert [model["name"] for model in state["models"]] == ["fake:image"]
        assert state["config"]["alsoModels"] == []


def test_more_models_than_a_click_asks_are_refused_and_change_nothing(page):
    config = page.result("hello")["snapshot"]["config"]
    many = [f"fake:{number}" for number in range(4)]
    assert page.error("configure", config={**config, "alsoModels": many})["code"] == "invalid_request"
    assert page.result("hello")["snapshot"]["config"] == config


def test_the_size_of_the_tiles_is_remembered_and_automatic_where_it_was_never_chosen(page):
    config = page.result("hello")["snapshot"]["config"]
    panels = dict(config["panels"])
    assert panels.pop("tileSize") == 0
    page.result("configure", config={**config, "panels": panels})
    assert page.result("hello")["snapshot"]["config"]["panels"]["tileSize"] == 0
    page.result("configure", config={**config, "panels": {**panels, "tileSize": 5}})
    assert page.result("hello")["snapshot"]["config"]["panels"]["tileSize"] == 5
    larger = {**config, "panels": {**panels, "tileSize": 6}}
    assert page.error("configure", config=larger)["code"] == "invalid_request"


def test_a_configured_model_whose_provider_is_gone_breaks_nothing(page):
    config = page.result("hello")["snapshot"]["config"]
    page.result("configure", config={**config, "model": "elsewhere:model"})
    snapshot = page.result("hello")["snapshot"]
    assert snapshot["config"]["model"] == "elsewhere:model"
    assert "elsewhere:model" not in [model["name"] for model in snapshot["models"]]
    assert page.error("model", name="elsewhere:model")["code"] == "not_found"


def test_a_price_reaches_the_page(open_page):
    class Shop(FakeProvider):
        def models(self):
            price = Price(
                amount="0.04",
                unit="image",
                source="https://shop.example/pricing",
                day="2026-11-30",
                note="A test.",
            )
            return [replace(spec, price=price) for spec in super().models() if spec.id == "image"]

    with open_page(Shop(name="shop")) as page:
        prices = {name: m["price"] for name, m in page.catalog().items()}
    price = prices["shop:image"]
    assert (price["least"], price["most"], price["unit"]) == ("0.04", "0.04", "image")
    assert price["note"] == "2026-11-30 · https://shop.example/pricing · A test."
    assert [rate["amount"] for rate in price["rates"]] == ["0.04"]
    assert prices["demo:instant"] is None


def test_the_page_can_give_a_key_and_never_gets_it_back(page, caplog):
    caplog.set_level("DEBUG")
    canary = "sk-canary-0123456789abcdef"
    taken = page.result("set_key", provider="openai", key=f" {canary}\n", remember=True)
    assert (taken["type"], taken["keptIn"]) == ("key_taken", "memory")
    page.wait_for(lambda events: [e for e in events if e["type"] == "models_changed"])
    providers = {p["name"]: p for p in page.result("hello")["snapshot"]["providers"]}
    assert providers["openai"]["key"] == "set"
    assert providers["openai"]["keySource"] == "given to this studio"
    assert providers["openai"]["keyVariable"] == "OPENAI_API_KEY"
    assert page.error("set_key", provider="openai", key=f"{canary} again", remember=False)["code"] == (
        "invalid_request"
    )
    assert page.error("set_key", provider="openai", key=canary * 500, remember=False)["code"] == (
        "invalid_request"
    )
    assert page.error("set_key", provider="nobody", key=canary, remember=False)["code"] == "not_found"
    assert page.result("set_key", provider="openai", key="", remember=False)["keptIn"] == "nowhere"
    state = page.studio._core.start(page.kernel.small_snapshot).result(WAIT)
    told = json.dumps([state, *(content for content, _ in page.messages)])
    assert canary not in told + caplog.text


def test_a_key_is_not_in_the_text_of_its_message():
    canary = "sk-canary-0123456789abcdef"
    call = {"method": "set_key", "provider": "openai", "key": canary, "remember": False}
    message = parse({"kind": "request", "id": "x", "call": call})
    assert canary not in f"{message!r} {message} {message.wire()}"


def test_the_page_can_test_a_connection(page):
    checked = page.result("check_provider", provider="openai")
    assert (checked["outcome"], "OPENAI_API_KEY" in checked["message"]) == ("missing_key", True)
    assert page.result("check_provider", provider="demo")["outcome"] == "good"
    assert page.error("check_provider", provider="nobody")["code"] == "not_found"


def test_found_models_are_told_with_their_age(page, fake):
    async def discover(http):
        return [ModelSpec(provider="fake", id="new", title="New", price=Price(amount="0.04", unit="image"))]

    type(fake).discover = lambda self, http: discover(http)
    try:
        page.studio.refresh_models("fake")
    finally:
        del type(fake).discover
    page.wait_for(lambda events: [e for e in events if e["type"] == "models_changed"])
    snapshot = page.result("hello")["snapshot"]
    assert page.catalog()["fake:new"]["price"]["most"] == "0.04"
    ages = {p["name"]: p["discoveredAt"] for p in snapshot["providers"]}
    assert ages["fake"] > 0
    assert ages["demo"] is None


def test_a_list_that_did_not_come_is_told_with_its_reason(page, fake):
    async def discover(http):
        raise BadResponse("The list is not understood.", provider="fake")

    type(fake).discover = lambda self, http: discover(http)
    try:
        with pytest.raises(BadResponse):
            page.studio.refresh_models("fake")
    finally:
        del type(fake).discover
    page.wait_for(lambda events: [e for e in events if e["type"] == "models_changed"])
    reasons = {p["name"]: p["discoveryError"] for p in page.result("hello")["snapshot"]["providers"]}
    assert (reasons["fake"], reasons["demo"]) == ("The list is not understood.", None)


def test_a_default_reaches_the_page_as_the_type_that_it_is(open_page):
    defaults = {"on": True, "off": False, "one": 1, "zero": 0, "whole": 1.0, "word": "1", "none": None}
    types = {bool: "boolean", int: "integer", float: "number"}

    class Typed(FakeProvider):
        def models(self):
            parameters = tuple(
                Parameter(name=name, type=types.get(type(value), "string"), title=name, default=value)
                for name, value in defaults.items()
            )
            return [ModelSpec(provider="typed", id="model", title="Typed", parameters=parameters)]

    with open_page(Typed(name="typed")) as page:
        told = page.catalog()["typed:model"]
    # In JSON, true is not 1. In Python they are equal.
    assert {p["name"]: json.dumps(p["default"]) for p in told["parameters"]} == {
        name: json.dumps(value) for name, value in defaults.items()
    }


def test_a_running_tile_is_told_how_long_five_or_more_past_ones_took(open_page):
    fake = FakeProvider()

    def run(page):
        """Return what events and a snapshot say while an image is made, and what they say at its end."""
        gate = Gate(picture())
        fake._script.append(gate)
        (batch,) = page.result("generate", **REQUEST | {"n": 1})["batches"]
        assert gate.reached.wait(WAIT)
        snapshot = page.result("hello")["snapshot"]
        (shown,) = (one for one in snapshot["feed"]["batches"] if one["id"] == batch["id"])
        gate.open()

        def ended(events):
            told = [e["generation"] for e in events if e["type"] == "generation_changed"]
            told = {one["status"]: one["usualDuration"] for one in told if one["batchId"] == batch["id"]}
            return told if "success" in told else None

        told = page.wait_for(ended)
        page.studio._core.start(page.studio._core.archive.settle).result(WAIT)
        return told["processing"], shown["generations"][0]["usualDuration"], told["success"]

    with open_page(fake) as page:
        for _ in range(5):
            assert run(page) == (None, None, None)
        past = sorted(page.studio._core.archive.store.durations("fake", "image"))
        assert run(page) == (past[2], past[2], None)


def test_a_store_that_cannot_tell_past_durations_stops_no_task(open_page, monkeypatch):
    def locked(*args):
        raise StoreLocked("Another program holds the store.")

    fake = FakeProvider()
    with open_page(fake) as page:
        monkeypatch.setattr(page.studio._core.archive.store, "durations", locked)
        page.result("generate", **REQUEST)
        page.wait_for(done(2))

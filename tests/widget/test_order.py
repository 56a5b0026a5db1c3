"""Keeping order: stars, covers, pins, and batches that move to other topics."""

from __future__ import annotations

import pytest

from imgplay_widget.errors import NotFound
from imgplay_widget.testing import FakeProvider, Gate, picture

WAIT = 20


def made(page, prompt, n=1, topic=None):
    return page.studio.generate(prompt, model="fake:image", n=n, topic=topic).result(WAIT)


def topics(page):
    return {topic["title"]: topic for topic in page.result("hello")["snapshot"]["topics"]}


def newest(page, kind, id):
    """Return what the last event of a kind says about one item."""
    key = kind.split("_")[0]
    found = [e[key] for e in page.events(kind) if e[key]["id"] == id]
    return found[-1] if found else None


def test_a_star_is_stored_and_told(page):
    page.result("hello")
    batch = made(page, "a fox", 2)
    first = batch[0].id
    page.result("star", generationIds=[first, "gone"], starred=True)
    told = page.wait_for(lambda _: newest(page, "batch_changed", batch.id))
    assert [g["starred"] for g in told["generations"]] == [True, False]
    assert batch[0].starred
    batch[0].starred = False
    page.wait_for(lambda _: not newest(page, "batch_changed", batch.id)["generations"][0]["starred"])
    feed = page.result("feed", topicId=batch.topic_id)["feed"]
    assert [g["starred"] for g in feed["batches"][0]["generations"]] == [False, False]


def test_a_star_that_is_there_already_is_told_nobody(page):
    page.result("hello")
    batch = made(page, "a fox")
    page.studio.star(batch)
    page.wait_for(lambda _: newest(page, "batch_changed", batch.id))
    told = len(page.events("batch_changed"))
    page.studio.star(batch)
    made(page, "another")
    assert len(page.events("batch_changed")) == told


def test_pinned_topics_stand_first(page):
    made(page, "old", topic="Old")
    made(page, "new", topic="New")
    assert list(topics(page)) == ["New", "Old"]
    page.result("pin_topic", topicId=topics(page)["Old"]["id"], pinned=True)
    assert list(topics(page)) == ["Old", "New"]
    assert page.studio.pin_topic("Old", pinned=False).pinned is False
    assert list(topics(page)) == ["New", "Old"]
    assert page.error("pin_topic", topicId="gone", pinned=True)["code"] == "not_found"


def test_another_image_becomes_the_cover(page):
    batch = page.studio.generate("a fox", model="demo:instant", n=2).result(WAIT)
    topic_id = batch.topic_id
    page.wait_for(lambda _: (newest(page, "topic_changed", topic_id) or {}).get("coverVersion"))
    before = topics(page)["a fox"]["coverVersion"]
    page.result("choose_cover", topicId=topic_id, generationId=batch[1].id)
    after = topics(page)["a fox"]["coverVersion"]
    assert after != before
    reply, buffers = page.call("covers", topicIds=[topic_id])
    assert reply["result"]["items"][0]["buffer"] is not None
    assert buffers


def test_a_cover_comes_from_its_own_topic_only(page):
    fox, owl = made(page, "a fox", topic="Foxes"), made(page, "an owl", topic="Owls")
    error = page.error("choose_cover", topicId=fox.topic_id, generationId=owl[0].id)
    assert error["code"] == "not_found"
    with pytest.raises(NotFound):
        page.studio.choose_cover("gone")


def test_a_batch_goes_to_another_topic_with_its_images(page):
    page.result("hello")
    fox, owl = made(page, "a fox", 2, topic="Foxes"), made(page, "an owl", topic="Owls")
    target = owl.topic_id
    page.result("move_batches", batchIds=[fox.id, "gone"], topicId=target)
    assert page.wait_for(lambda _: newest(page, "batch_changed", fox.id))["topicId"] == target
    counts = {title: topic["images"] for title, topic in topics(page).items()}
    assert counts == {"Owls": 3, "Foxes": 0}
    assert topics(page)["Foxes"]["coverVersion"] is None
    assert [b["id"] for b in page.result("feed", topicId=target)["feed"]["batches"]] == [owl.id, fox.id]
    assert fox.topic_id == target
    assert page.error("move_batches", batchIds=[fox.id], topicId="gone")["code"] == "not_found"


def test_a_batch_goes_to_a_new_topic(page):
    fox = made(page, "a red fox", topic="All")
    page.result("move_batches", batchIds=[fox.id], topicId=None)
    assert topics(page)["a red fox"]["images"] == 1
    page.studio.move(fox, "By hand")
    assert topics(page)["By hand"]["images"] == 1
    page.studio.move(["gone"], "Never made")
    assert "Never made" not in topics(page)


def test_what_runs_goes_on_in_the_other_topic(open_page):
    gate = Gate(picture(1))
    with open_page(FakeProvider([gate])) as page:
        batch = page.studio.generate("a fox", model="fake:image", topic="Foxes")
        gate.reached.wait(WAIT)
        page.studio.move(batch, "Owls")
        assert topics(page)["Owls"]["running"] == 1
        gate.open()
        batch.result(WAIT)
        assert {title: topic["images"] for title, topic in topics(page).items()} == {"Owls": 1, "Foxes": 0}
        assert topics(page)["Owls"]["running"] == 0

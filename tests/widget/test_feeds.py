"""The search and the filters of the feed, the queue, and the earlier prompts and models."""

from __future__ import annotations

import contextlib

import pytest

from imgplay_widget.errors import Cancelled, InvalidRequest, Moderated, NotFound
from imgplay_widget.testing import FakeProvider, Gate, picture

WAIT = 20


def made(page, prompt, n=1, topic="One", model="fake:image"):
    batch = page.studio.generate(prompt, model=model, n=n, topic=topic)
    with contextlib.suppress(Moderated):
        batch.result(WAIT)
    return batch


def found(page, topic=None, **wanted):
    """Return the prompts of the found batches, newest first."""
    feed = page.result("feed", topicId=topic, **wanted)["feed"]
    assert feed["topicId"] == topic
    return [batch["prompt"] for batch in feed["batches"]]


def test_words_are_found_in_any_order_and_case_in_all_topics(page):
    for prompt, topic in (("A red fox in snow", "One"), ("a FOX, red as fire", "Two"), ("a blue owl", "Two")):
        made(page, prompt, topic=topic)
    assert found(page, search="fox RED") == ["a FOX, red as fire", "A red fox in snow"]
    two = next(t["id"] for t in page.result("hello")["snapshot"]["topics"] if t["title"] == "Two")
    assert found(page, two, search="red") == ["a FOX, red as fire"]
    assert found(page, search="wolf") == []
    assert found(page, search="  ") == ["a blue owl", "a FOX, red as fire", "A red fox in snow"]
    assert [b.prompt for b in page.studio.search("snow")] == ["A red fox in snow"]
    assert page.studio.search("snow", topic="Two") == []


def test_what_is_typed_is_never_a_pattern(page):
    made(page, "100 % wool")
    made(page, "100 times wool")
    made(page, "a_b")
    assert found(page, search="100 %") == ["100 % wool"]
    assert found(page, search="a_b") == ["a_b"]
    assert found(page, search="a\\b") == []


def test_all_topics_are_read_page_by_page_after_those_of_the_snapshot(page):
    made_titles = [page.studio.new_topic(f"Study {number}").title for number in range(230)]
    snapshot = page.result("hello")["snapshot"]
    read, before = [topic["title"] for topic in snapshot["topics"]], snapshot["topicsBefore"]
    assert len(read) == 200
    while before is not None:
        answer = page.result("topics", before=before, limit=20)
        assert answer["type"] == "topics"
        read, before = [*read, *(topic["title"] for topic in answer["topics"])], answer["before"]
    assert read == made_titles[::-1]
    assert page.error("topics", before="somewhere")["code"] == "invalid_request"


def test_topics_are_found_by_their_titles_and_by_their_ids(page):
    foxes, owls = page.studio.new_topic("Red Foxes"), page.studio.new_topic("Owls")
    for number in range(210):
        page.studio.new_topic(f"Study {number}")
    answer = page.result("topics", search="foxes red")
    assert [topic["id"] for topic in answer["topics"]] == [foxes.id]
    assert answer["before"] is None
    assert page.result("topics", search="wolf")["topics"] == []
    page.studio.delete(owls)
    answer = page.result("named_topics", topicIds=[owls.id, foxes.id])
    assert [topic["title"] for topic in answer["topics"]] == ["Red Foxes"]


def test_letters_beyond_ascii_are_folded(page):
    made(page, "Ein GROẞER Ölbaum")
    made(page, "雪中的红狐狸")
    assert found(page, search="ölbaum grosser") == ["Ein GROẞER Ölbaum"]
    assert found(page, search="红狐") == ["雪中的红狐狸"]


def test_filters_meet_all_of_what_is_asked(open_page):
    with open_page(FakeProvider([picture(1), Moderated("No.", provider="fake"), picture(1)])) as page:
        made(page, "good")
        made(page, "bad")
        starred = made(page, "starred")
        page.studio.star(starred)
        assert found(page, status="error") == ["bad"]
        assert found(page, status="success") == ["starred", "good"]
        assert found(page, starred=True) == ["starred"]
        assert found(page, starred=True, status="error") == []
        assert found(page, model="fake:image", search="good") == ["good"]
        assert found(page, model="fake:other") == []
        assert [b.prompt for b in page.studio.search(status="error")] == ["bad"]
        page.studio.delete(starred)
        assert found(page, starred=True) == []
        with pytest.raises(InvalidRequest, match="status"):
            page.studio.search(status="lost")
        with pytest.raises(InvalidRequest, match="limit"):
            page.studio.search("x", limit=0)
        with pytest.raises(InvalidRequest, match="provider:id"):
            page.studio.search(model="image")
        with pytest.raises(NotFound):
            page.studio.search("x", topic="nowhere")


def test_what_is_found_comes_in_pages(page):
    for index in range(5):
        made(page, f"fox {index}")
        made(page, f"owl {index}")
    first = page.result("feed", topicId=None, search="fox", limit=3)["feed"]
    assert [b["prompt"] for b in first["batches"]] == ["fox 4", "fox 3", "fox 2"]
    assert found(page, search="fox", limit=3, before=first["before"]) == ["fox 1", "fox 0"]


def test_the_queue_is_what_runs_or_waits_in_all_topics_oldest_first(open_page):
    gates = [Gate(picture(1)), Gate(picture(1))]
    with open_page(FakeProvider(gates)) as page:
        assert page.result("queue")["batches"] == []
        first = page.studio.generate("first", model="fake:image", topic="One")
        gates[0].reached.wait(WAIT)
        second = page.studio.generate("second", model="fake:image", topic="Two")
        gates[1].reached.wait(WAIT)
        assert [b["prompt"] for b in page.result("queue")["batches"]] == ["first", "second"]
        gates[0].open()
        first.result(WAIT)
        assert [b["prompt"] for b in page.result("queue")["batches"]] == ["second"]
        second.cancel()
        with pytest.raises(Cancelled):
            second.result(WAIT)
        assert page.result("queue")["batches"] == []


def test_prompts_are_those_of_the_newest_batches_each_once(page):
    for prompt in ("a fox", "an owl", "a fox", "a hare"):
        made(page, prompt)
    assert page.result("prompts")["prompts"] == ["a hare", "a fox", "an owl"]
    assert page.result("prompts", limit=1)["prompts"] == ["a hare"]
    page.studio.delete(page.studio.search("hare")[0])
    assert page.result("prompts")["prompts"] == ["a fox", "an owl"]


def test_models_are_those_that_were_used_here_or_anywhere(page):
    made(page, "a fox", topic="One")
    made(page, "a hare", topic="Two", model="fake:sheet")
    two = next(t["id"] for t in page.result("hello")["snapshot"]["topics"] if t["title"] == "Two")
    assert page.result("models_used", topicId=None)["names"] == ["fake:image", "fake:sheet"]
    assert page.result("models_used", topicId=two)["names"] == ["fake:sheet"]
    page.studio.delete(page.studio.search("hare")[0])
    assert page.result("models_used", topicId=two)["names"] == []

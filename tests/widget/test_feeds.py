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


# ------------------------------------------------------------------ scores and tags


def scored(page):
    """Make four batches, of which three have scores and two a tag."""
    batches = [made(page, prompt, n=2) for prompt in ("low", "high", "none", "middle")]
    low, high, _, middle = batches
    low[0].scores = {"clip": 0.1, "taste": 5}
    high[0].scores["clip"], high[1].scores["clip"] = 0.2, 0.9
    middle[1].scores["clip"] = 0.5
    low[1].tags.add("poster")
    middle[0].tags = ["poster", "night"]
    return batches


def test_batches_are_found_by_the_tags_and_scores_of_their_images(page):
    scored(page)
    assert found(page, tag="poster") == ["middle", "low"]
    assert found(page, tag="post") == []
    assert found(page, scores=[{"name": "clip", "atLeast": 0.5}]) == ["middle", "high"]
    assert found(page, scores=[{"name": "clip", "atMost": 0.1}]) == ["low"]
    # One image must be within both limits: that of 0.2 and that of 0.9 are two.
    assert found(page, scores=[{"name": "clip", "atLeast": 0.3, "atMost": 0.6}]) == ["middle"]
    assert found(page, scores=[{"name": "clip"}, {"name": "taste"}]) == ["low"]
    assert found(page, tag="poster", scores=[{"name": "clip", "atLeast": 0.4}]) == ["middle"]


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ({"name": "clip"}, ["high", "middle", "low", "none"]),
        ({"name": "clip", "lowestFirst": True}, ["low", "high", "middle", "none"]),
        ({"name": "unknown"}, ["middle", "none", "high", "low"]),
    ],
)
def test_batches_are_sorted_by_their_best_image_page_by_page(page, order, wanted):
    scored(page)
    assert found(page, sort=order) == wanted
    read, before = [], None
    for _ in range(4):
        feed = page.result("feed", topicId=None, sort=order, limit=1, before=before)["feed"]
        read, before = [*read, *(batch["prompt"] for batch in feed["batches"])], feed["before"]
    assert (read, before) == (wanted, None)


def test_equal_scores_lose_no_batch_between_two_pages(page):
    batches = [made(page, f"equal {number}") for number in range(5)]
    for batch in batches:
        batch[0].scores["clip"] = 0.1 + 0.2
    read, before = [], None
    while len(read) < 5:
        feed = page.result("feed", topicId=None, sort={"name": "clip"}, limit=2, before=before)["feed"]
        read, before = [*read, *(batch["prompt"] for batch in feed["batches"])], feed["before"]
    assert read == [f"equal {number}" for number in (4, 3, 2, 1, 0)]


def test_a_deleted_image_counts_neither_for_a_filter_nor_for_the_order_nor_for_the_names(page):
    low, high, _, middle = scored(page)
    high[1].delete()
    assert found(page, sort={"name": "clip"}) == ["middle", "high", "low", "none"]
    low.delete()
    middle[0].delete()
    assert found(page, tag="poster") == []
    names = page.result("labels_used", topicId=None)
    assert (names["scores"], names["tags"]) == (["clip"], [])


def test_code_searches_by_tags_and_scores(page):
    scored(page)
    search = page.studio.search
    assert [b.prompt for b in search(tag="poster")] == ["middle", "low"]
    assert [b.prompt for b in search(min_scores={"clip": 0.5})] == ["middle", "high"]
    assert [b.prompt for b in search(min_scores={"clip": 0.3}, max_scores={"clip": 0.6})] == ["middle"]
    assert [b.prompt for b in search(sort_by="clip", limit=2)] == ["high", "middle"]
    assert [b.prompt for b in search(sort_by="clip", lowest_first=True, limit=1)] == ["low"]
    for wrong in ({"tag": ""}, {"min_scores": {"clip": "high"}}, {"sort_by": 3}):
        with pytest.raises(InvalidRequest):
            search(**wrong)


def test_the_page_learns_scores_and_tags_at_once_and_which_there_are(page):
    batch = made(page, "a fox")
    batch[0].scores["clip"] = 0.31
    page.wait_for(lambda events: any(event["type"] == "batch_changed" for event in events))
    batch[0].tags.add("poster")
    page.wait_for(lambda events: sum(event["type"] == "batch_changed" for event in events) >= 2)
    tile = page.events("batch_changed")[-1]["batch"]["generations"][0]
    assert (tile["scores"], tile["tags"]) == ({"clip": 0.31}, ["poster"])
    names = page.result("labels_used", topicId=batch.topic_id)
    assert (names["scores"], names["tags"]) == (["clip"], ["poster"])
    other = page.studio.new_topic("Other")
    names = page.result("labels_used", topicId=other.id)
    assert (names["scores"], names["tags"]) == ([], [])


def gallery(page, topic=None, **wanted):
    """Return the names of the images of all pages: the prompt and the position."""
    names, before = [], None
    while True:
        answer = page.result("gallery", topicId=topic, before=before, **wanted)
        assert answer["type"] == "gallery"
        known = {
            one["id"]: f"{batch['prompt']} {one['position']}"
            for batch in answer["batches"]
            for one in batch["generations"]
        }
        names += [known[image] for image in answer["images"]]
        before = answer["before"]
        if before is None:
            return names


def test_the_gallery_has_the_finished_images_one_by_one_in_each_order(open_page):
    with open_page(FakeProvider([picture(1)] * 4 + [Moderated("No.", provider="fake")])) as page:
        first, second = made(page, "one", 2), made(page, "two", 2)
        made(page, "bad")
        assert gallery(page, limit=3) == ["two 0", "two 1", "one 0", "one 1"]
        page.studio.star(first[1])
        first[0].scores["clip"], second[1].scores["clip"] = 0.5, 0.75
        assert gallery(page, limit=1, starredFirst=True) == ["one 1", "two 0", "two 1", "one 0"]
        best = {"name": "clip", "lowestFirst": False}
        assert gallery(page, limit=2, sort=best) == ["two 1", "one 0", "two 0", "one 1"]
        assert gallery(page, sort={**best, "lowestFirst": True})[:2] == ["one 0", "two 1"]
        assert gallery(page, starred=True) == ["one 1"]
        assert gallery(page, scores=[{"name": "clip", "atLeast": 0.6, "atMost": None}]) == ["two 1"]
        assert gallery(page, status="error") == []
        topic = page.result("named_batches", batchIds=[first.id])["batches"][0]["topicId"]
        assert gallery(page, topic=topic, search="TWO") == ["two 0", "two 1"]
        page.studio.delete(second)
        assert gallery(page) == ["one 0", "one 1"]
        assert page.error("gallery", topicId=None, before="somewhere")["code"] == "invalid_request"


def test_batches_are_read_by_their_ids_without_those_that_are_gone(page):
    first, second = made(page, "one"), made(page, "two")
    page.studio.delete(second)
    answer = page.result("named_batches", batchIds=[second.id, first.id])
    assert [batch["prompt"] for batch in answer["batches"]] == ["one"]

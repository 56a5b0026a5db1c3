"""Scores and tags: stored with an image, returned with it, and gone with it."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from store_makers import (
    add_batch,
    delete,
    fill,
    make_batch,
    make_png,
    make_task,
    make_topic,
    purge,
    receive,
    succeed,
)

from imgplay_widget.errors import InvalidRequest


@pytest.fixture
def stored(store):
    """Return a store with a batch of three images, and their ids."""
    store.register("me")
    topic = make_topic()
    batch, generations, tasks = make_batch(topic, 3)
    add_batch(store, batch, generations, tasks, new_topic=topic)
    for generation, task in zip(generations, tasks, strict=True):
        fill(store, generation, task)
    return store, batch.id, [generation.id for generation in generations]


def labels(store, batch_id):
    return [(dict(one.scores), one.tags) for one in store.entry(batch_id).generations]


def test_scores_are_set_changed_and_removed(stored, open_store):
    store, batch_id, (first, second, _) = stored
    assert store.score({first: {"clip": 0.31, "aesthetic": 7}, second: {"clip": -1}}) == [batch_id]
    assert labels(open_store(), batch_id) == [
        ({"aesthetic": 7.0, "clip": 0.31}, ()),
        ({"clip": -1.0}, ()),
        ({}, ()),
    ]
    assert list(store.entry(batch_id).generations[0].scores) == ["aesthetic", "clip"]
    assert store.score({first: {"clip": 0.5}, second: {"clip": None, "never": None}}) == [batch_id]
    assert labels(store, batch_id) == [({"aesthetic": 7.0, "clip": 0.5}, ()), ({}, ()), ({}, ())]


def test_tags_are_added_and_removed(stored, open_store):
    store, batch_id, (first, second, _) = stored
    assert store.tag([first, second], add=["poster", "雪", "blue"]) == [batch_id]
    assert labels(open_store(), batch_id) == [({}, ("blue", "poster", "雪"))] * 2 + [({}, ())]
    assert store.tag([first], add=["red"], remove=["blue", "never"]) == [batch_id]
    assert [tags for _, tags in labels(store, batch_id)] == [
        ("poster", "red", "雪"),
        ("blue", "poster", "雪"),
        (),
    ]


def test_a_score_and_a_tag_may_have_one_name(stored):
    store, batch_id, (first, *_) = stored
    store.score({first: {"clip": 0}})
    store.tag([first], add=["clip"])
    assert labels(store, batch_id)[0] == ({"clip": 0.0}, ("clip",))
    store.tag([first], remove=["clip"])
    assert labels(store, batch_id)[0] == ({"clip": 0.0}, ())


def test_what_changes_nothing_names_no_batch(stored):
    store, _, (first, second, third) = stored
    store.score({first: {"clip": 0.5}})
    store.tag([first], add=["poster"])
    delete(store, "generation", third)
    assert (
        store.score({first: {"clip": 0.5}, second: {"clip": None}, third: {"clip": 1}, "gone": {"a": 1}})
        == []
    )
    assert store.tag([first, third, "gone"], add=["poster"], remove=["never"]) == []
    store.restore("generation", [third])
    assert store.generation(third)[1].scores == {}


def test_another_user_reads_and_changes_nothing(stored, open_store):
    store, batch_id, (first, *_) = stored
    store.tag([first], add=["poster"])
    other = open_store(user_id="other")
    assert other.score({first: {"clip": 1}}) == other.tag([first], remove=["poster"]) == []
    assert labels(store, batch_id)[0] == ({}, ("poster",))


def test_what_cannot_be_stored_changes_nothing(stored):
    store, batch_id, (first, second, _) = stored
    store.score({second: {str(number): number for number in range(64)}})
    for wrong in ({first: {"clip": float("nan")}}, {first: {"": 1}}, {second: {"one more": 1}}):
        with pytest.raises(InvalidRequest):
            store.score({first: {"good": 1}, **wrong})
    with pytest.raises(InvalidRequest):
        store.tag([first], add=["good", "a\nb"])
    with pytest.raises(InvalidRequest, match="65 tags"):
        store.tag([first], add=[str(number) for number in range(65)])
    assert labels(store, batch_id)[0] == ({}, ())
    # Others may be removed in the same call.
    store.score({second: {"one more": 1, "0": None}})
    assert len(store.generation(second)[1].scores) == 64


def test_every_way_to_read_an_image_brings_its_scores_and_tags(stored):
    store, batch_id, (first, *_) = stored
    store.score({first: {"clip": 0.5}})
    store.tag([first], add=["poster"])
    entry = store.entry(batch_id)
    wanted = entry.generations[0]
    assert (wanted.scores, wanted.tags) == ({"clip": 0.5}, ("poster",))
    assert store.feed(None).entries[0].generations[0] == wanted
    assert store.generation(first)[1] == wanted
    assert store.generation_of(wanted.asset.digest)[1] == wanted
    assert store.slots(wanted.async_task_id) == [wanted]
    assert store.cover_candidate(entry.batch.topic_id) == wanted


def test_an_image_that_is_retried_or_arrives_later_keeps_them(store):
    store.register("me")
    topic = make_topic()
    batch, (generation,), (task,) = make_batch(topic)
    add_batch(store, batch, [generation], [task], new_topic=topic)
    store.score({generation.id: {"clip": 0.5}})
    store.tag([generation.id], add=["poster"])
    again = replace(make_task(batch), attempt=2)
    retried = store.replace_tasks({task.id: again}).generations[0]
    image = receive(store, generation, make_png())
    (filled,) = store.finish_task(succeed(again), [image], {}, owner="me")
    for one in (retried, filled):
        assert (one.scores, one.tags) == ({"clip": 0.5}, ("poster",))


def test_they_come_back_with_an_undo_and_go_with_a_purge(stored):
    store, batch_id, (first, second, _) = stored
    store.score({first: {"clip": 0.5}, second: {"clip": 0.7}})
    store.tag([first], add=["poster"])
    delete(store, "generation", first)
    store.restore("generation", [first])
    assert labels(store, batch_id)[0] == ({"clip": 0.5}, ("poster",))
    delete(store, "generation", first)
    purge(store)
    with closing(sqlite3.connect(store.location)) as connection:
        assert connection.execute("SELECT generation_id, value FROM image_scores").fetchall() == [
            (second, 0.7)
        ]
        assert connection.execute("SELECT count(*) FROM image_tags").fetchone() == (0,)


def test_images_are_found_by_an_index(stored):
    store, *_ = stored
    questions = {
        "SELECT generation_id FROM image_scores WHERE name = 'clip' ORDER BY value": "idx_scores_name",
        "SELECT generation_id FROM image_tags WHERE name = 'poster'": "idx_tags_name",
    }
    with closing(sqlite3.connect(store.location)) as connection:
        for question, index in questions.items():
            plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {question}"))
            assert index in plan
            assert "TEMP B-TREE" not in plan

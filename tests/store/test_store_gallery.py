"""Pages of the gallery: images one by one, in each order, and as cheap at the end as at the beginning."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from store_makers import add_batch, delete, fill, make_batch, make_png, make_topic

from imgplay_widget._ids import new_id
from imgplay_widget._types import ScoreOrder, ScoreRange, Status, Wanted
from imgplay_widget.errors import InvalidRequest

PICTURE = make_png()


@pytest.fixture
def filled(store):
    """Return the store, a topic, and the ids of the images of its three batches, oldest batch first."""
    store.register("me")
    topic = make_topic()
    store.add_topic(topic)
    return store, topic, [add_images(store, topic, 3) for _ in range(3)]


def add_images(store, topic, n, *, unfinished=0, **changes):
    """Add a batch with some images, and return their ids."""
    batch, generations, tasks = make_batch(topic, n + unfinished)
    add_batch(store, replace(batch, **changes), generations, tasks)
    for generation, task in list(zip(generations, tasks, strict=True))[:n]:
        fill(store, generation, task, PICTURE)
    return [generation.id for generation in generations[:n]]


def read(store, topic_id=None, *, limit=2, **order):
    """Return the ids of all pages, each of which but the last one is full."""
    seen, before = [], None
    while True:
        page = store.gallery(topic_id, before=before, limit=limit, **order)
        assert [one.batch.id for one in page.entries] == sorted({one.batch.id for one in page.entries})
        known = {one.id for entry in page.entries for one in entry.generations}
        assert known >= set(page.images)
        seen += page.images
        before = page.before
        if before is None:
            return seen
        assert len(page.images) == limit


def test_the_newest_batch_comes_first_and_in_it_the_first_position(filled):
    store, topic, (old, middle, new) = filled
    assert read(store, topic.id) == [*new, *middle, *old]
    assert read(store, topic.id, limit=4) == [*new, *middle, *old]
    assert store.gallery(topic.id, limit=9).before is None
    assert store.gallery(new_id()).images == ()


def test_only_finished_images_are_in_it(filled):
    store, topic, (old, middle, new) = filled
    waiting = add_images(store, topic, 1, unfinished=2)
    delete(store, "generation", middle[1])
    assert read(store, topic.id) == [*waiting, *new, middle[0], middle[2], *old]
    delete(store, "batch", store.generation(new[0])[0].batch.id)
    assert read(store, topic.id) == [*waiting, middle[0], middle[2], *old]
    store.restore("generation", [middle[1]])
    assert read(store, topic.id) == [*waiting, *middle, *old]
    delete(store, "topic", topic.id)
    assert read(store, topic.id) == read(store) == []


def test_all_topics_are_mixed_by_time_without_deleted_ones(filled):
    store, _, (old, middle, new) = filled
    other, gone = make_topic("other"), make_topic("gone")
    for topic in (other, gone):
        store.add_topic(topic)
    newest = add_images(store, other, 1)
    add_images(store, gone, 1)
    delete(store, "topic", gone.id)
    assert read(store) == [*newest, *new, *middle, *old]
    assert read(store, other.id) == newest


def test_starred_images_come_first_whatever_their_batch(filled):
    store, topic, (old, middle, new) = filled
    store.star([old[1], new[2]], starred=True)
    others = [new[0], new[1], *middle, old[0], old[2]]
    for limit in (1, 2, 3, 9):
        assert read(store, topic.id, limit=limit, starred_first=True) == [new[2], old[1], *others]
    assert read(store, starred_first=True) == [new[2], old[1], *others]


def test_a_score_mixes_the_images_of_all_batches(filled):
    store, topic, (old, middle, new) = filled
    store.score(
        {
            old[0]: {"clip": 0.9},
            new[1]: {"clip": 0.5, "other": 7},
            middle[2]: {"clip": 0.5},
            old[2]: {"clip": -1},
            middle[0]: {"other": 1},
        }
    )
    others = [new[0], new[2], middle[0], middle[1], old[1]]
    for limit in (1, 2, 3, 4, 5, 9):
        for topic_id in (topic.id, None):
            best = Wanted(sort=ScoreOrder(name="clip"))
            assert read(store, topic_id, limit=limit, wanted=best) == [
                old[0],
                *sorted([new[1], middle[2]], reverse=True),
                old[2],
                *others,
            ]
            lowest = Wanted(sort=ScoreOrder(name="clip", lowest_first=True))
            assert read(store, topic_id, limit=limit, wanted=lowest) == [
                old[2],
                *sorted([new[1], middle[2]]),
                old[0],
                *others,
            ]
    delete(store, "generation", old[0])
    assert read(store, topic.id, wanted=best)[0] == max(new[1], middle[2])
    assert read(store, topic.id, wanted=Wanted(sort=ScoreOrder(name="never"))) == [
        *new,
        *middle,
        old[1],
        old[2],
    ]


def test_the_cursor_stays_right_when_images_come_or_go_before_it(filled):
    store, topic, (old, middle, new) = filled
    first = store.gallery(topic.id, limit=4)
    assert first.images == (*new, middle[0])
    delete(store, "generation", new[0], middle[0])
    add_images(store, topic, 2)
    assert store.gallery(topic.id, before=first.before, limit=9).images == (*middle[1:], *old)
    store.star([old[0], old[1]], starred=True)
    first = store.gallery(topic.id, limit=1, starred_first=True)
    assert first.images == (old[0],)
    store.star([old[0]], starred=False)
    second = store.gallery(topic.id, limit=1, starred_first=True, before=first.before)
    assert second.images == (old[1],)
    best = Wanted(sort=ScoreOrder(name="clip"))
    store.score({old[0]: {"clip": 3}, old[1]: {"clip": 2}, old[2]: {"clip": 1}})
    first = store.gallery(topic.id, limit=2, wanted=best)
    store.score({old[1]: {"clip": None}, middle[1]: {"clip": 5}})
    assert store.gallery(topic.id, limit=1, before=first.before, wanted=best).images == (old[2],)


@pytest.mark.parametrize("cursor", ["somewhere", "others b", "others b c", "scored x y", "b 1 2", ""])
def test_what_is_not_a_cursor_is_refused(store, cursor):
    with pytest.raises(InvalidRequest) as raised:
        store.gallery(None, before=cursor)
    assert raised.value.parameter == "before"


def test_a_filter_counts_for_each_image_alone(filled):
    store, topic, (old, middle, new) = filled
    store.star([old[1]], starred=True)
    store.tag([old[0], middle[2]], add=["poster"])
    store.score({old[1]: {"clip": 0.2}, middle[2]: {"clip": 0.8, "taste": 1}, new[0]: {"clip": 0.5}})

    def found(**wanted):
        return read(store, topic.id, wanted=Wanted(**wanted))

    assert found(starred=True) == [old[1]]
    assert found(tag="poster") == [middle[2], old[0]]
    assert found(starred=True, tag="poster") == []
    high = ScoreRange(name="clip", at_least=0.4)
    assert found(scores=(high,)) == [new[0], middle[2]]
    assert found(scores=(ScoreRange(name="clip", at_most=0.5),)) == [new[0], old[1]]
    assert found(scores=(high, ScoreRange(name="taste"))) == [middle[2]]
    assert found(scores=(high,), sort=ScoreOrder(name="clip")) == [middle[2], new[0]]
    assert found(status=Status.SUCCESS) == [*new, *middle, *old]
    assert found(status=Status.ERROR) == found(status=Status.PROCESSING) == []
    assert found(search="FOX red") == [*new, *middle, *old]
    assert found(search="wolf") == found(search="%") == []
    other = add_images(store, topic, 1, model="other")
    assert found(model="demo:other") == other
    assert found(model="demo:paint") == [*new, *middle, *old]


@pytest.mark.parametrize("other", [{"user_id": "eve"}, {"organization_id": "acme"}])
def test_another_user_or_organization_sees_nothing(filled, open_store, other):
    store, topic, (old, *_) = filled
    store.star([old[0]], starred=True)
    store.score({old[1]: {"clip": 1}})
    stranger = open_store(**other)
    for topic_id in (topic.id, None):
        assert read(stranger, topic_id) == []
        assert read(stranger, topic_id, starred_first=True) == []
        assert read(stranger, topic_id, wanted=Wanted(sort=ScoreOrder(name="clip"))) == []


# ------------------------------------------------------------------ what a page costs

ORDERS = {
    "newest": {},
    "starred": {"starred_first": True},
    "best": {"wanted": Wanted(sort=ScoreOrder(name="clip"))},
    "lowest": {"wanted": Wanted(sort=ScoreOrder(name="clip", lowest_first=True))},
}


@pytest.fixture
def many(store):
    """Return the store, a topic of a thousand images, and a smaller one whose batches lie between."""
    store.register("me")
    large, small = make_topic("large"), make_topic("small")
    for topic in (large, small):
        store.add_topic(topic)
    add_images(store, small, 1)
    with closing(sqlite3.connect(store.location)) as connection:
        for number in range(550):
            copy_rows(connection, small if number % 10 == 0 else large, number)
        connection.commit()
    return store, large, small


def copy_rows(connection, topic, number):
    """Add a batch with two finished images as copies of the first one: to make each would take minutes."""
    batch_id = new_id()
    copy(connection, "image_generation_batches", {"id": batch_id, "topic_id": topic.id})
    for position in range(2):
        image = new_id()
        starred = number % 20 == 0
        changes = {"id": image, "batch_id": batch_id, "position": position, "starred": starred}
        copy(connection, "image_generations", changes, "asset_digest IS NOT NULL")
        if number % 2:
            row = (image, "clip", (number * 7919 % 100) / 10)
            connection.execute("INSERT INTO image_scores VALUES (?, ?, ?)", row)


def copy(connection, table, changes, where="1"):
    """Copy the first row of a table, with some values changed."""
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    picked = ", ".join(f":{name}" if name in changes else name for name in names)
    connection.execute(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {picked} FROM {table} WHERE {where} LIMIT 1",
        changes,
    )


def page_and_steps(store, **question):
    """Return a page, and about how many steps SQLite took for it."""
    steps = 0

    def count():
        nonlocal steps
        steps += 100
        return 0

    with store._database.reading() as connection:
        driver = connection.connection.driver_connection
    driver.set_progress_handler(count, 100)
    page = store.gallery(**question)
    driver.set_progress_handler(None, 0)
    return page, steps


@pytest.mark.parametrize("order", ORDERS)
def test_every_page_costs_the_same(many, order):
    store, large, small = many
    for topic_id in (large.id, None, small.id):
        costs, before = [], None
        while True:
            page, cost = page_and_steps(store, topic_id=topic_id, before=before, limit=50, **ORDERS[order])
            costs.append(cost)
            before = page.before
            if before is None:
                break
        assert len(costs) >= 2
        assert max(costs) < 4 * min(costs[:-1])

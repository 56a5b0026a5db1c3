"""The chain of an image: its ancestors, the images beside it, and its children, all within bounds."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from store_makers import add_batch, delete, ended, fill, make_batch, make_png, make_topic, purge

from imgplay_widget._store.lineage import MAX_ANCESTORS, MAX_BESIDE
from imgplay_widget._types import Reference


@pytest.fixture
def registered(store):
    store.register("me")
    return store


def make(store, *parents, n=1, topic=None, finish=True):
    """Store a batch with results as input images, in a topic of its own, and return its generations."""
    inputs = [
        Reference(digest=one.asset.digest, media_type="image/png", width=64, height=48, generation_id=one.id)
        for one in parents
    ]
    fresh = topic or make_topic()
    batch, generations, tasks = make_batch(fresh, n, references=inputs)
    add_batch(store, batch, generations, tasks, new_topic=None if topic else fresh)
    if not finish:
        return store.entry(batch.id).generations
    made = [fill(store, one, task, make_png()) for one, task in zip(generations, tasks, strict=True)]
    return made if n > 1 else made[0]


def ids(*generations):
    return tuple(one.id for one in generations)


def set_parent(store, child, parent_id):
    with closing(sqlite3.connect(store.location)) as connection, connection:
        connection.execute("UPDATE image_generations SET parent_id = ? WHERE id = ?", (parent_id, child.id))


def test_a_chain_goes_through_topics_from_the_first_ancestor_to_the_children(registered):
    first = make(registered)
    second = make(registered, first)
    third = make(registered, second)
    fourth, fifth = make(registered, third), make(registered, third)
    found = registered.lineage(third.id)
    assert (found.ancestors, found.earlier, found.shown) == (ids(first, second), False, third.id)
    assert (found.children, found.children_count) == (ids(fourth, fifth), 2)
    assert (found.siblings, found.siblings_count) == (ids(third), 1)
    assert set(found.versions) == set(ids(first, second, third, fourth, fifth))
    assert [found.before(one.id) for one in (first, second, third, fourth)] == [
        None,
        *(found.versions[one.id] for one in (first, second, third)),
    ]
    assert registered.lineage(first.id).ancestors == ()
    assert registered.lineage("nothing") is None


def test_images_of_the_same_parent_lie_beside_each_other_and_without_one_those_of_the_batch(registered):
    several = make(registered, n=3)
    found = registered.lineage(several[1].id)
    assert (found.siblings, found.siblings_count) == (ids(*several), 3)
    one, two = make(registered, several[0]), make(registered, several[0], n=2)
    found = registered.lineage(two[0].id)
    assert found.siblings == ids(one, *two)
    assert found.before(one.id) == found.before(two[1].id) == found.versions[several[0].id]


def test_a_chain_follows_the_first_result_among_the_references(registered):
    first, second = make(registered), make(registered)
    both = make(registered, first, second)
    assert registered.lineage(both.id).ancestors == ids(first)
    assert registered.lineage(first.id).children == ids(both)
    assert registered.lineage(second.id).children == ()


def test_what_still_comes_is_in_the_chain_and_what_failed_is_not(registered):
    parent = make(registered)
    (waiting,) = make(registered, parent, finish=False)
    assert registered.lineage(parent.id).children == ids(waiting)
    assert registered.lineage(waiting.id).siblings == ids(waiting)
    (task,) = registered.entry(waiting.batch_id).tasks
    registered.save_task(replace(ended(task), lease_owner="me"), owner="me")
    assert registered.lineage(parent.id).children == ()
    failed = registered.lineage(waiting.id)
    assert (failed.ancestors, failed.siblings) == (ids(parent), ids(waiting))


def test_a_deleted_ancestor_keeps_its_place_until_its_row_is_gone_and_then_too(registered):
    first = make(registered)
    second = make(registered, first)
    third = make(registered, second)
    delete(registered, "generation", second.id)
    found = registered.lineage(third.id)
    assert found.ancestors == ids(first, second)
    assert set(found.versions) == set(ids(first, third))
    assert found.before(third.id) == found.versions[first.id]
    registered.restore("generation", [second.id])
    assert registered.lineage(third.id).before(third.id)[1].id == second.id
    delete(registered, "generation", second.id)
    purge(registered)
    found = registered.lineage(third.id)
    # Without the row, nobody knows what came before.
    assert (found.ancestors, found.before(third.id)) == (ids(second), None)
    delete(registered, "generation", third.id)
    assert registered.lineage(third.id) is None


def test_a_topic_that_was_deleted_takes_its_images_out_of_the_chain(registered):
    first = make(registered)
    second = make(registered, first)
    topic = registered.entry(second.batch_id).batch.topic_id
    third = make(registered, second)
    delete(registered, "topic", topic)
    assert set(registered.lineage(third.id).versions) == set(ids(first, third))
    assert registered.lineage(first.id).children == ()


def test_rows_that_form_a_circle_end_the_chain(registered):
    first = make(registered)
    second = make(registered, first)
    third = make(registered, second)
    set_parent(registered, first, third.id)
    assert registered.lineage(third.id).ancestors == ids(first, second)
    assert registered.lineage(first.id).ancestors == ids(second, third)
    set_parent(registered, first, first.id)
    assert registered.lineage(first.id).ancestors == ()
    assert registered.lineage(third.id).ancestors == ids(first, second)


def test_a_row_that_names_a_stranger_as_parent_tells_nothing_of_it(registered, open_store):
    other = open_store(user_id="other")
    other.register("me too")
    theirs = make_topic(user_id="other")
    batch, generations, tasks = make_batch(theirs, owner="me too")
    add_batch(other, batch, generations, tasks, new_topic=theirs)
    foreign = fill(other, generations[0], tasks[0], make_png(), owner="me too")
    mine = make(registered)
    set_parent(registered, mine, foreign.id)
    found = registered.lineage(mine.id)
    assert (found.ancestors, set(found.versions)) == (ids(foreign), set(ids(mine)))
    assert registered.lineage(foreign.id) is None
    assert other.lineage(foreign.id).children == ()


def test_long_chains_and_many_children_have_bounds_and_say_so(registered):
    line = [make(registered)]
    topic = registered.topics()[0]
    for _ in range(MAX_ANCESTORS + 2):
        (one,) = make(registered, line[-1], topic=topic, finish=False)
        line.append(replace(one, asset=line[0].asset))
    found = registered.lineage(line[-1].id)
    assert (found.ancestors, found.earlier) == (ids(*line[2:-1]), True)
    assert registered.lineage(line[MAX_ANCESTORS].id).earlier is False
    parent = line[0]
    many = [child for _ in range(3) for child in make(registered, parent, n=10, topic=topic, finish=False)]
    found = registered.lineage(parent.id)
    assert (found.children, found.children_count) == (ids(*many[-MAX_BESIDE:]), 31)
    middle = registered.lineage(many[14].id)
    assert (middle.siblings, middle.siblings_count) == (ids(*many[4:24]), 31)
    assert registered.lineage(many[0].id).siblings == ids(line[1], *many[: MAX_BESIDE - 1])

"""The history as tables of DuckDB: what rows there are, and that the costs add up to the spending."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from store_makers import (
    NOW,
    SOON,
    add_batch,
    delete,
    fill,
    make_batch,
    make_png,
    make_topic,
    receive,
)

from imgplay_widget._rules import lifecycle as life
from imgplay_widget._rules.attempts import next_attempt
from imgplay_widget._store import frames
from imgplay_widget._store.frames import FRAMES, Span
from imgplay_widget._studio import duck, history_tables
from imgplay_widget._types import Estimate
from imgplay_widget.errors import Cancelled

FOUR = Decimal("0.04")

BY_NAME = {frame.name: frame for frame in FRAMES}


@pytest.fixture
def registered(store):
    store.register("me")
    return store


def read(store, name, *, step=1000):
    """Return the rows of a frame as dicts, read in parts."""
    frame = BY_NAME[name]
    spans = [Span(at, at + step) for at in range(0, store.frame_end(frame), step)]
    return rows_of(frame, [store.frame_part(frame, span) for span in spans])


def rows_of(frame, parts):
    connection = duck.connect()
    history_tables.make(connection)
    for part in parts:
        history_tables.put(connection, frame, part)
    names = [column.name for column in frame.columns]
    found = connection.execute(f"SELECT {', '.join(names)} FROM {frame.name} ORDER BY rowid").fetchall()
    return [dict(zip(names, row, strict=True)) for row in found]


def add(store, n=1, *, estimate="0.04", topic=None, **options):
    fresh = topic or make_topic()
    batch, generations, tasks = make_batch(fresh, n, **options)
    tasks = [replace(task, estimate=estimate) for task in tasks]
    add_batch(store, batch, generations, tasks, new_topic=None if topic else fresh)
    return batch, generations, tasks


def done(store, generations, task, *, cost=None):
    images = [receive(store, generation, make_png()) for generation in generations]
    changed = life.advance(life.advance(task, life.Send(), NOW), life.Succeed(cost=cost), NOW)
    assert store.finish_task(changed, images, {}, owner="me") is not None


def total(rows):
    return sum((row["cost_usd"] for row in rows if row["cost_usd"] is not None), Decimal())


def test_an_image_is_a_row_with_what_is_known_of_it(registered):
    batch, (first, second), tasks = add(registered, 2)
    fill(registered, first, tasks[0])
    row, waiting = sorted(read(registered, "generations"), key=lambda row: row["slot"])
    assert (row["id"], row["batch_id"], row["topic_id"], row["slot"]) == (
        first.id,
        batch.id,
        batch.topic_id,
        0,
    )
    assert (row["model"], row["status"], row["width"], row["height"]) == ("demo:paint", "success", 64, 48)
    assert (row["cost_usd"], row["media_type"]) == (Decimal("0.04"), "image/png")
    assert (waiting["id"], waiting["status"], waiting["cost_usd"]) == (second.id, "pending", None)


@pytest.mark.parametrize("step", [1, 2, 1000])
def test_parts_of_any_size_hold_every_row_once(registered, step):
    topic = make_topic()
    _, generations, tasks = add(registered, 2)
    done(registered, generations[:1], tasks[0])
    for number in range(3):
        batch = make_batch(topic, 2)
        add_batch(registered, *batch, new_topic=None if number else topic)
    for name, count in {"topics": 2, "batches": 4, "generations": 8, "tasks": 8, "spending": 1}.items():
        assert len(read(registered, name, step=step)) == count, name


def test_the_cost_of_a_call_is_divided_by_its_images_to_the_last_billionth(registered):
    _, generations, (task,) = add(registered, 3, one_task=True)
    done(registered, generations, task, cost="0.1")
    rows = read(registered, "generations")
    assert sorted(row["cost_usd"] for row in rows) == [Decimal("0.033333333")] * 2 + [Decimal("0.033333334")]
    assert total(rows) == registered.spent().usd == total(read(registered, "spending"))


def test_only_images_that_came_cost_something(registered):
    _, generations, (task,) = add(registered, 4, one_task=True, estimate="0.16")
    done(registered, generations[:3], task)
    costs = {row["slot"]: row["cost_usd"] for row in read(registered, "generations")}
    assert costs == {0: Decimal("0.04"), 1: Decimal("0.04"), 2: Decimal("0.04"), 3: None}


def test_a_try_that_failed_and_was_billed_stays_in_the_sum(registered):
    _, generations, (task,) = add(registered)
    sent = life.advance(task, life.Send(), NOW)
    assert registered.save_task(sent, owner="me")
    failed = life.advance(sent, life.Cancel(Cancelled("Stopped.").info), NOW)
    assert registered.save_task(failed, owner="me")
    fresh = next_attempt(
        failed, generations, NOW, estimate=lambda _: Estimate(expected=FOUR, least=FOUR, most=FOUR)
    )
    fresh = replace(fresh, lease_owner="me", lease_until=SOON)
    registered.replace_tasks({task.id: fresh})
    done(registered, generations, fresh, cost="0.05")
    (row,) = read(registered, "generations")
    assert row["cost_usd"] == Decimal("0.09")
    assert registered.spent().usd == Decimal("0.09")


def test_deleted_rows_are_left_out_and_their_money_stays_spent(registered):
    _, generations, (task,) = add(registered, 2, one_task=True)
    done(registered, generations, task, cost="0.10")
    delete(registered, "generation", generations[0].id)
    gone, others, tasks = add(registered)
    done(registered, others, tasks[0], cost="0.01")
    delete(registered, "batch", gone.id)
    (row,) = read(registered, "generations")
    assert (row["id"], row["cost_usd"]) == (generations[1].id, Decimal("0.05"))
    assert len(read(registered, "batches")) == 1
    assert total(read(registered, "spending")) == registered.spent().usd == Decimal("0.11")


def test_scores_and_tags_are_rows_of_their_images(registered):
    batch, (first, second), _ = add(registered, 2)
    registered.score({first.id: {"clip": 0.1 + 0.2, "size": 2.0}, second.id: {"clip": 0.2}})
    registered.tag([first.id], add=["poster"])
    scores = read(registered, "scores", step=1)
    assert {(row["generation_id"], row["name"], row["value"]) for row in scores} == {
        (first.id, "clip", 0.1 + 0.2),
        (first.id, "size", 2.0),
        (second.id, "clip", 0.2),
    }
    tags = BY_NAME["tags"]
    (tag,) = rows_of(tags, [registered.frame_rows(tags, [batch.id])])
    assert tuple(tag.values()) == ("poster", first.id, batch.id, batch.topic_id)
    delete(registered, "generation", first.id)
    assert [row["generation_id"] for row in read(registered, "scores")] == [second.id]
    assert read(registered, "tags") == []


def test_no_part_is_found_by_way_of_the_whole_history(registered):
    """A part of the rows costs what it holds, and not what the user has."""
    with registered._database.reading() as connection:
        driver = connection.connection.driver_connection
        driver.create_function("imgplay_sound", 1, str)
        values = {"user": "u", "organization": None, "after": 0, "last": 9, "ids": "[]"}
        for frame in FRAMES:
            for pick in picks(frame):
                plan = driver.execute(f"EXPLAIN QUERY PLAN {frame.statement(pick)}", values).fetchall()
                assert not [step for *_, step in plan if "user_id" in step or "SCAN image_" in step], (
                    frame.name
                )


def picks(frame):
    root = frames._ROOTS[frame.root]
    return (
        f"{root}.rowid > :after AND {root}.rowid <= :last",
        f"{frames._IDS[frame.root]} IN (SELECT value FROM json_each(:ids))",
    )


def test_rows_of_other_users_are_not_there(open_store):
    mine, other = open_store(), open_store(user_id="other")
    mine.register("me")
    _, generations, tasks = add(mine)
    done(mine, generations, tasks[0])
    assert [read(other, frame.name) for frame in FRAMES] == [[]] * len(FRAMES)


def test_the_rows_of_one_batch_are_read_by_its_id(registered):
    batch, generations, tasks = add(registered)
    add(registered)
    done(registered, generations, tasks[0])
    for name in ("batches", "generations", "tasks", "spending"):
        assert len(registered.frame_rows(BY_NAME[name], [batch.id]).rows) == 1, name
    assert len(registered.frame_rows(BY_NAME["topics"], [batch.topic_id]).rows) == 1


def test_half_an_emoji_of_an_old_history_does_not_stop_the_reading(registered):
    add(registered)
    with registered._database.writing() as connection:
        connection.exec_driver_sql('UPDATE image_generation_batches SET config = \'{"style": "\\ud83e"}\'')
    (row,) = read(registered, "generations")
    assert row["params"] == '{"style": "\\ufffd"}'


def test_texts_come_as_they_were_written(registered):
    prompts = ["one two", "", "狐\U0001f98a", "it's {pick} %s", "a\n  b"]
    for prompt in prompts:
        topic = make_topic()
        batch, generations, tasks = make_batch(topic, 1)
        add_batch(registered, replace(batch, prompt=prompt), generations, tasks, new_topic=topic)
    # An old history may hold the separator of the values, which a text of today cannot hold.
    with registered._database.writing() as connection:
        change = "UPDATE image_generation_batches SET prompt = 'one\x1ftwo' WHERE prompt = 'one two'"
        connection.exec_driver_sql(change)
    prompts[0] = "one\ufffdtwo"
    assert [row["prompt"] for row in read(registered, "batches")] == prompts
    assert sorted(row["prompt"] for row in read(registered, "generations")) == sorted(prompts)

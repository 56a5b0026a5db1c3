"""A sweep on the page: one entry of the feed, its cells, and what changes in them."""

from __future__ import annotations

import pytest

from imgplay_widget.errors import Cancelled
from imgplay_widget.testing import FakeProvider, Gate, picture

WAIT = 20
TEMPLATE = "a {animal} in {style}"
VALUES = {"animal": ["fox", "owl"], "style": ["ink", "oil"], "model": "fake:image"}


def feed(page, topic, **wanted):
    return page.result("feed", topicId=topic, **wanted)["feed"]["batches"]


def read(page, sweep):
    answer = page.result("read_sweep", sweepId=sweep)
    assert answer["type"] == "sweep"
    return answer["sweep"]


def test_the_feed_has_one_entry_for_a_sweep_and_a_filter_has_each_batch(page):
    page.result("hello")
    before = page.studio.generate("before", model="fake:image").result(WAIT)
    grid = page.studio.sweep(TEMPLATE, **VALUES).result(WAIT)
    after = page.studio.generate("after", model="fake:image").result(WAIT)
    topic = grid.topic_id
    cells = [batch.id for batch in grid]
    one, sweep, other = feed(page, topic)
    assert [one["id"], sweep["id"], other["id"]] == [after.id, cells[-1], before.id]
    assert [one["sweepId"], sweep["sweepId"]] == [None, grid.id]
    assert [batch["id"] for batch in feed(page, None)] == [after.id, cells[-1], before.id]
    snapshot = page.result("hello")["snapshot"]
    assert [batch["id"] for batch in snapshot["feed"]["batches"]] == [after.id, cells[-1], before.id]
    shown = page.result("select_topic", topicId=topic)["feed"]
    assert [batch["id"] for batch in shown["batches"]] == [after.id, cells[-1], before.id]
    assert [batch["id"] for batch in feed(page, topic, search="owl")] == cells[:1:-1]
    assert len(feed(page, topic, status="success")) == 6
    assert len(page.studio.batches()) == 6
    named = page.result("named_batches", batchIds=cells)["batches"]
    assert {batch["sweepId"] for batch in named} == {grid.id}


def test_pages_of_the_feed_hold_as_many_entries_as_they_are_asked_for(page):
    for number in range(3):
        page.studio.sweep("a {animal} " + str(number), animal=range(5), model="fake:image").result(WAIT)
    topic = page.studio.topics[0].id
    first = page.result("feed", topicId=topic, limit=2)["feed"]
    assert [batch["prompt"] for batch in first["batches"]] == ["a 4 2", "a 4 1"]
    second = page.result("feed", topicId=topic, limit=2, before=first["before"])["feed"]
    assert ([batch["prompt"] for batch in second["batches"]], second["before"]) == (["a 4 0"], None)


def test_a_page_reads_a_sweep_with_its_axes_and_cells(page):
    grid = page.studio.sweep(TEMPLATE, **VALUES, seed=range(2)).result(WAIT)
    cells = [batch.id for batch in grid]
    sweep = read(page, grid.id)
    assert sweep["axes"] == [
        {"name": "animal", "labels": ["fox", "owl"]},
        {"name": "style", "labels": ["ink", "oil"]},
        {"name": "seed", "labels": ["0", "1"]},
    ]
    assert (sweep["template"], sweep["topicId"]) == (TEMPLATE, grid.topic_id)
    assert (sweep["cells"], sweep["asked"]) == (cells, cells[::-1])
    assert sweep["createdAt"] > 0
    assert page.error("read_sweep", sweepId="nowhere")["code"] == "not_found"


def test_rows_are_labelled_by_what_differs(page):
    rows = [{"animal": "fox", "style": "ink"}, {"animal": "owl", "style": "ink"}]
    grid = page.studio.sweep(TEMPLATE, rows=rows, model="fake:image")
    assert read(page, grid.id)["axes"] == [{"name": "row", "labels": ["fox", "owl"]}]


def test_the_newest_batch_that_is_there_stands_for_the_sweep(page):
    grid = page.studio.sweep(TEMPLATE, **VALUES).result(WAIT)
    batches, topic = list(grid), grid.topic_id
    batches[3].delete()
    assert [batch["id"] for batch in feed(page, topic)] == [batches[2].id]
    page.studio.restore(batches[3])
    assert [batch["id"] for batch in feed(page, topic)] == [batches[3].id]
    page.studio.move(batches[3], "elsewhere")
    assert [batch["id"] for batch in feed(page, topic)] == [batches[2].id]
    assert [batch["id"] for batch in feed(page, page.studio.topics[0].id)] == [batches[3].id]


def test_a_page_hears_of_a_sweep_before_its_batches_and_of_each_change_of_its_cells(page):
    page.result("hello")
    grid = page.studio.sweep(TEMPLATE, **VALUES).result(WAIT)
    cells = [batch.id for batch in grid]
    page.wait_for(lambda _: len(page.events("batch_added")) == 4)
    kinds = [event["type"] for event in page.events() if event["type"] in ("sweep_changed", "batch_added")]
    assert kinds == ["sweep_changed", *["batch_added"] * 4]
    assert page.events("sweep_changed")[0]["sweep"]["cells"] == cells
    page.result("delete", what="batch", ids=cells[:1])
    page.wait_for(lambda _: len(page.events("sweep_changed")) == 2)
    assert page.events("sweep_changed")[1]["sweep"]["cells"] == [None, *cells[1:]]
    page.studio.sweep(TEMPLATE, **VALUES).result(WAIT)
    page.wait_for(lambda _: len(page.events("sweep_changed")) == 3)
    (fresh,) = {batch.id for batch in grid} - set(cells)
    changed = page.events("sweep_changed")[2]["sweep"]
    assert (changed["cells"], changed["asked"]) == ([fresh, *cells[1:]], [fresh, *cells[:0:-1]])


def test_the_card_is_deleted_and_brought_back_by_what_the_sweep_asked_for(page):
    made = page.studio.generate("a fox in ink", model="fake:image", topic="other").result(WAIT)
    grid = page.studio.sweep(TEMPLATE, **VALUES, topic="grid").result(WAIT)
    sweep = read(page, grid.id)
    assert made.id in sweep["cells"]
    assert made.id not in sweep["asked"]
    page.result("delete", what="batch", ids=sweep["asked"])
    assert page.error("read_sweep", sweepId=grid.id)["code"] == "not_found"
    assert page.studio.sweeps() == []
    page.result("restore", what="batch", ids=sweep["asked"])
    assert read(page, grid.id) == sweep
    moved = page.result("move_batches", batchIds=sweep["asked"], topicId=None)["topicId"]
    assert read(page, grid.id) == {**sweep, "topicId": moved}


def test_a_page_cancels_a_sweep_at_once(open_page):
    gate = Gate(picture())
    fake = FakeProvider([gate], concurrency=1)
    with open_page(fake) as page:
        grid = page.studio.sweep(TEMPLATE, **VALUES)
        assert gate.reached.wait(WAIT)
        page.result("cancel_sweep", sweepId=grid.id)
        with pytest.raises(Cancelled):
            grid.result(WAIT)
        gate.open()
        assert len(fake.submits) == 1
        page.result("cancel_sweep", sweepId=grid.id)
        assert page.error("cancel_sweep", sweepId="nowhere")["code"] == "not_found"

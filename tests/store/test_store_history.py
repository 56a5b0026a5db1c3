"""Topics, batches, the feed and settings, as another connection reads them."""

import sqlite3
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from store_makers import (
    LATE,
    NOW,
    SOON,
    add_batch,
    delete,
    entry_of,
    files,
    fill,
    make_batch,
    make_png,
    make_task,
    make_topic,
    receive,
    succeed,
)

from imgplay_widget._ids import new_id
from imgplay_widget._rules import lifecycle as life
from imgplay_widget._store import Hidden, Restored
from imgplay_widget._types import Stage, Status
from imgplay_widget.errors import ErrorInfo, InvalidRequest, Moderated, NotFound


def test_every_value_of_a_batch_comes_back_from_another_connection(store, open_store):
    references = [store.assets.add_reference(make_png()) for _ in range(2)]
    mask = store.assets.add_reference(make_png(mode="RGBA"))
    topic = make_topic()
    batch, generations, tasks = make_batch(topic, 2, references=references, mask=mask)
    generations[1] = replace(generations[1], starred=True, error=Moderated("No.").info)
    tasks[1] = replace(
        tasks[1],
        stage=Stage.ERROR,
        ticket={"id": "a", "n": [1, 2.5, None]},
        results=({"url": "https://x/1"},),
        error=ErrorInfo(code="rate_limited", message="m", next_step="n", fault="provider", retryable=True),
        attempt=3,
        resumes=2,
        request_id="req",
        cost="0.010",
        estimate="0.04",
        usage={"tokens": 9},
        previous=({"task": "t", "error": None, "cost": None},),
        submitted_at=NOW,
        finished_at=SOON,
    )

    add_batch(store, batch, generations, tasks, new_topic=topic)

    entry = open_store().entry(batch.id)
    assert entry.batch == batch
    assert entry.batch.inputs == (*references, mask)
    assert entry.generations == tuple(generations)
    assert entry.tasks == tuple(tasks)
    assert entry.status_of(entry.generations[1]) is Status.ERROR


def test_no_two_topics_have_the_same_title(store):
    first, second, third = make_topic(), make_topic(), make_topic()
    title = first.title
    assert store.add_topic(first).title == title
    assert store.add_topic(second).title == f"{title} 2"
    store.add_topic(third)
    assert store.topic(third.id).title == f"{title} 3"
    assert store.title_topic(third.id, "Winter Fox", by="model").title == "Winter Fox"
    assert store.title_topic(second.id, "winter fox", by="model").title == "winter fox 2"
    assert store.title_topic(second.id, "winter fox 2", by="user").title == "winter fox 2"


def test_a_time_of_any_zone_comes_back_as_the_same_moment(store):
    local = NOW.astimezone(timezone(timedelta(hours=-7)))
    topic = make_topic(at=local)
    store.add_topic(topic)
    assert store.topic(topic.id) == topic
    assert store.topic(topic.id).created_at.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(store):
    with pytest.raises(Exception, match="zone"):
        store.add_topic(make_topic(at=NOW.replace(tzinfo=None)))
    assert store.topics() == []


def test_the_topic_worked_on_last_comes_first(store):
    old, new = make_topic("old"), make_topic("new", at=NOW + timedelta(hours=1))
    store.add_topic(old)
    store.add_topic(new)
    assert [topic.title for topic in store.topics()] == ["new", "old"]

    moved = add_batch(store, *make_batch(old, at=NOW + timedelta(hours=2)))

    assert [topic.title for topic in store.topics()] == ["old", "new"]
    assert moved == store.topic(old.id)
    assert moved.updated_at == NOW + timedelta(hours=2)


def titles(page):
    return [topic.title for topic in page.topics]


def test_topics_are_read_page_by_page_in_the_order_of_the_list(store):
    same = [make_topic(f"same {number}", at=NOW + timedelta(hours=1)) for number in range(3)]
    for topic in (make_topic("old"), *same, make_topic("new", at=NOW + timedelta(hours=2))):
        store.add_topic(topic)
    store.update_topic(same[1].id, pinned=True)
    whole = [topic.title for topic in store.topics()]
    assert whole == ["same 1", "new", "same 2", "same 0", "old"]

    read, before = [], None
    while before is not None or not read:
        page = store.topic_page(limit=1, before=before)
        read, before = [*read, *titles(page)], page.before
    assert read == whole
    page = store.topic_page(limit=2)
    assert (titles(page), page.before is None) == (["same 1", "new"], False)
    # Topics that come or go above do not move the cursor below.
    store.add_topic(make_topic("newest", at=NOW + timedelta(hours=3)))
    delete(store, "topic", page.topics[-1].id)
    assert titles(store.topic_page(limit=2, before=page.before)) == ["same 2", "same 0"]
    assert store.topic_page(limit=5).before is None
    with pytest.raises(InvalidRequest):
        store.topic_page(limit=5, before="somewhere")


def test_topics_are_found_by_the_words_of_their_titles(store):
    for number, title in enumerate(("Red foxes", "GROẞE Bäume", "fox, red", None, "100 % wool", "red")):
        store.add_topic(make_topic(title, at=NOW + timedelta(hours=number)))
    assert titles(store.topic_page(search=" RED fox ", limit=9)) == ["fox, red", "Red foxes"]
    assert titles(store.topic_page(search="grosse", limit=9)) == ["GROẞE Bäume"]
    assert titles(store.topic_page(search="%", limit=9)) == ["100 % wool"]
    assert titles(store.topic_page(search="new top", limit=9)) == [None]
    assert titles(store.topic_page(search="wolf", limit=9)) == []
    first = store.topic_page(search="red", limit=2)
    assert titles(first) == ["red", "fox, red"]
    last = store.topic_page(search="red", limit=2, before=first.before)
    assert (titles(last), last.before) == (["Red foxes"], None)


def test_a_title_and_a_cover_change_alone_and_move_nothing(store):
    topic = make_topic()
    store.add_topic(topic)
    url = store.assets.write_cover(topic.id, b"first")
    assert store.update_topic(topic.id, cover_url=url) == replace(topic, cover_url=url)
    assert store.update_topic(topic.id, title=None) == replace(topic, cover_url=url, title=None)
    assert store.update_topic(topic.id) == replace(topic, cover_url=url, title=None)
    assert store.update_topic(new_id(), title="x") is None


def test_a_new_cover_has_a_new_url_and_takes_the_old_file_away(store):
    topic = make_topic()
    store.add_topic(topic)
    first = store.assets.write_cover(topic.id, b"first")
    store.update_topic(topic.id, cover_url=first)
    second = store.assets.write_cover(topic.id, b"second")
    store.update_topic(topic.id, cover_url=second)
    assert first != second
    assert not store.assets.path(first).exists()
    assert store.assets.read(second) == b"second"


def covers(store):
    return {name for name in files(store) if name.startswith("covers/")}


def test_a_topic_gets_its_cover_once(store):
    store.register("me")
    topic = make_topic()
    batch, (first, second), tasks = make_batch(topic, 2)
    add_batch(store, batch, [first, second], tasks, new_topic=topic)
    url = store.save_cover(topic.id, first.id, b"first").cover_url
    assert store.assets.read(url) == b"first"
    assert store.save_cover(topic.id, second.id, b"second") == store.topic(topic.id)
    assert store.topic(topic.id).cover_url == url
    assert store.save_cover(new_id(), second.id, b"of no topic") is None
    assert covers(store) == {url}
    chosen = store.save_cover(topic.id, second.id, b"second", replace=True).cover_url
    assert covers(store) == {chosen}
    assert store.assets.read(chosen) == b"second"


def test_a_batch_for_a_topic_that_is_gone_stores_nothing(store):
    batch, generations, tasks = make_batch(make_topic())
    with pytest.raises(NotFound):
        add_batch(store, batch, generations, tasks)
    assert store.entry(batch.id) is None


def test_a_batch_that_fails_halfway_stores_nothing(store):
    topic = make_topic()
    batch, generations, tasks = make_batch(topic)
    generations[0] = replace(generations[0], applied={"not json": object()})
    with pytest.raises(Exception, match="JSON serializable"):
        add_batch(store, batch, generations, tasks, new_topic=topic)
    assert store.topics() == []


def test_the_batches_of_one_click_are_stored_together_and_keep_its_mark(store):
    topic = make_topic()
    click = [entry_of(*make_batch(topic, 2, click_id="c1")) for _ in range(3)]
    store.add_batches(click, new_topic=topic)
    assert store.feed(topic.id).entries == tuple(reversed(click))
    assert {store.entry(one.batch.id).batch.click_id for one in click} == {"c1"}


def test_a_click_that_fails_at_its_last_batch_stores_nothing(store):
    topic = make_topic()
    reference = store.assets.add_reference(make_png())
    good, bad = (make_batch(topic, click_id="c1", references=[reference]) for _ in range(2))
    gone = replace(reference, digest="0" * 64)
    for batch in (replace(bad[0], references=(gone,)), replace(bad[0], config={"not json": object()})):
        with pytest.raises(Exception, match=r"gone from the store|JSON serializable"):
            store.add_batches([entry_of(*good), entry_of(batch, *bad[1:])], new_topic=topic)
        assert store.topics() == []
        assert store.assets.held(reference.digest)


@pytest.mark.parametrize("other", [{"user_id": "eve"}, {"organization_id": "acme"}])
def test_an_image_belongs_to_the_user_who_gave_it(store, open_store, other):
    data = make_png()
    digest = store.assets.add_reference(data).digest
    stranger = open_store(**other)
    assert (store.owns(digest), stranger.owns(digest)) == (True, False)
    assert not store.owns(f"../held/{digest}")
    reference = stranger.assets.add_reference(data)
    topic = make_topic()
    batch, *parts = make_batch(topic, references=[reference])
    add_batch(store, batch, *parts, new_topic=topic)
    # The row of one user ends the mark of that user only.
    assert (store.owns(digest), stranger.owns(digest)) == (True, True)
    assert stranger.assets.held(digest)


def test_a_generation_is_found_with_its_batch(store):
    topic = make_topic()
    batch, generations, tasks = make_batch(topic, 3)
    add_batch(store, batch, generations, tasks, new_topic=topic)
    entry, found = store.generation(generations[2].id)
    assert (entry.batch, found) == (batch, generations[2])
    assert store.generation(new_id()) is None


def test_the_feed_pages_through_everything_once_newest_first(store):
    topic = make_topic()
    store.add_topic(topic)
    # All topics are of one moment, because the order must not depend on the time.
    made = [make_batch(topic, 2) for _ in range(7)]
    for parts in made:
        add_batch(store, *parts)

    seen, before = [], None
    while True:
        page = store.feed(topic.id, before=before, limit=3)
        seen += [entry.batch.id for entry in page.entries]
        for entry in page.entries:
            assert [generation.position for generation in entry.generations] == [0, 1]
        before = page.before
        if before is None:
            break

    assert seen == [batch.id for batch, _, _ in reversed(made)]


def test_a_last_page_that_is_full_has_no_next(store):
    topic = make_topic()
    store.add_topic(topic)
    for _ in range(3):
        add_batch(store, *make_batch(topic))
    assert store.feed(topic.id, limit=3).before is None
    assert store.feed(new_id()).entries == ()


def assert_read_by(index, store, query):
    connection = sqlite3.connect(store.location)
    plan = " ".join(row[3] for row in connection.execute(query))
    connection.close()
    assert index in plan
    assert "TEMP B-TREE" not in plan


def test_a_page_is_found_by_the_index_without_sorting(store):
    query = (
        "EXPLAIN QUERY PLAN SELECT * FROM image_generation_batches WHERE topic_id = 'a' AND user_id = 'b' "
        "AND organization_id IS NULL AND id < 'c' ORDER BY id DESC LIMIT 13"
    )
    assert_read_by("idx_batches_feed", store, query)


def test_a_page_of_topics_is_found_by_the_index_without_sorting(store):
    query = (
        "EXPLAIN QUERY PLAN SELECT * FROM image_generation_topics WHERE user_id = 'b' "
        "AND organization_id IS NULL AND deleted_at IS NULL "
        "AND (pinned, updated_at, id) < (0, '2026-01-01', 'c') "
        "ORDER BY pinned DESC, updated_at DESC, id DESC LIMIT 201"
    )
    assert_read_by("idx_topics_list", store, query)


@pytest.mark.parametrize("other", [{"user_id": "eve"}, {"organization_id": "acme"}])
def test_another_user_or_organization_sees_and_changes_nothing(store, open_store, other):
    topic = make_topic()
    batch, generations, tasks = make_batch(topic)
    store.register("me")
    add_batch(store, batch, generations, tasks, new_topic=topic)
    fill(store, generations[0], tasks[0])
    waiting, more, pending = make_batch(topic, owner=None)
    add_batch(store, waiting, more, pending)
    store.save_setting("config", 1)
    stranger = open_store(**other)

    assert stranger.topics() == []
    assert stranger.topic_page(limit=9).topics == ()
    assert stranger.find_topic(topic.id) is stranger.find_topic(topic.title) is None
    assert stranger.topic(topic.id) is None
    assert stranger.update_topic(topic.id, title="mine") is None
    assert stranger.entry(batch.id) is None
    assert stranger.generation(generations[0].id) is None
    assert stranger.feed(topic.id).entries == ()
    assert stranger.durations("demo", "paint") == []
    assert stranger.claim("them") == []
    assert stranger.replace_tasks({pending[0].id: make_task(waiting)}) is None
    assert stranger.setting("config") is None
    for what in ("topic", "batch", "generation"):
        for name in (topic.id, batch.id, generations[0].id):
            assert delete(stranger, what, name) == Hidden()
    delete(store, "batch", waiting.id)
    assert stranger.restore("batch", [waiting.id]) == Restored()
    assert stranger.purge(LATE) is False
    assert store.restore("batch", [waiting.id]).ids == (waiting.id,)
    with pytest.raises(NotFound):
        add_batch(stranger, *make_batch(topic))
    assert len(store.feed(topic.id).entries) == 2
    assert store.topic(topic.id).title == "Foxes"


def test_settings_are_any_json_and_are_replaced(store, open_store):
    assert store.setting("config") is None
    for value in ({"a": [1, None, "ü"]}, 7, 0.5, "text", True, [], None):
        store.save_setting("config", value)
        assert open_store().setting("config") == value


def test_settings_of_one_kind_are_given_by_name(store, open_store):
    for name in ("found:a", "found:b", "found", "other", "foundx"):
        store.save_setting(name, name)
    open_store(user_id="other").save_setting("found:c", "not mine")
    assert store.settings("found:") == {"found:a": "found:a", "found:b": "found:b"}
    assert store.settings("100%_") == {}


def test_durations_are_those_of_successful_tasks_newest_first(store):
    topic = make_topic()
    batch, generations, tasks = make_batch(topic, 4)
    add_batch(store, batch, generations, tasks, new_topic=topic)
    for task, seconds in zip(tasks[:3], (3.0, 1.0, 2.0), strict=True):
        assert store.save_task(succeed(task, seconds=seconds), owner="me")
    failed = life.advance(tasks[3], life.Send(), NOW)
    store.save_task(life.advance(failed, life.Fail(Moderated("No.").info), NOW), owner="me")

    assert store.durations("demo", "paint") == [3.0, 2.0, 1.0]
    assert store.durations("demo", "paint", limit=1) == [3.0]
    assert store.durations("demo", "other") == []


def test_a_task_that_ended_before_it_was_sent_has_no_duration(store):
    topic = make_topic()
    batch, generations, tasks = make_batch(topic, 2)
    add_batch(store, batch, generations, tasks, new_topic=topic)
    for task, seconds in zip(tasks, (-3600.0, 2.0), strict=True):
        assert store.save_task(succeed(task, seconds=seconds), owner="me")
    assert store.durations("demo", "paint") == [2.0]


def test_the_version_moves_when_another_connection_commits(store, open_store):
    other = open_store()
    before = store.version()
    store.add_topic(make_topic())
    assert store.version() == before
    other.add_topic(make_topic())
    assert store.version() != before


def test_a_mask_may_be_the_very_picture_that_it_lies_over(store, open_store):
    picture = store.assets.add_reference(make_png())
    topic = make_topic()
    batch, generations, tasks = make_batch(topic, references=[picture], mask=picture)
    add_batch(store, batch, generations, tasks, new_topic=topic)
    assert open_store().entry(batch.id).batch == batch


def test_a_mask_whose_file_is_gone_is_refused_before_anything_is_stored(store):
    topic = make_topic()
    picture, mask = (store.assets.add_reference(make_png()) for _ in range(2))
    store.assets.remove_content(mask.digest)
    batch, generations, tasks = make_batch(topic, references=[picture], mask=mask)
    with pytest.raises(NotFound, match="reference"):
        add_batch(store, batch, generations, tasks, new_topic=topic)
    assert store.topics() == []


def test_a_reference_whose_file_is_gone_is_refused_before_anything_is_stored(store):
    topic = make_topic()
    reference = store.assets.add_reference(make_png())
    store.assets.remove_content(reference.digest)
    batch, generations, tasks = make_batch(topic, references=[reference])
    with pytest.raises(NotFound, match="reference"):
        add_batch(store, batch, generations, tasks, new_topic=topic)
    assert store.topics() == []


@pytest.fixture
def half_done(store):
    """Return a call for three images that filled the first slot, and left an error in the other slots."""
    topic = make_topic()
    batch, generations, (task,) = make_batch(topic, 3, one_task=True)
    add_batch(store, batch, generations, [task], new_topic=topic)
    image = receive(store, generations[0], make_png())
    failures = {item.id: Moderated("No.").info for item in generations[1:]}
    store.finish_task(succeed(task), [image], failures, owner="me")
    return batch, store.entry(batch.id).generations, task


def test_a_retry_points_to_its_new_task_and_keeps_what_is_filled(store, half_done):
    batch, generations, task = half_done
    receive(store, generations[1], make_png())
    again = replace(make_task(batch, (1, 2), seed=100), attempt=2)

    entry = store.replace_tasks({task.id: again})

    assert entry == store.entry(batch.id)
    assert {task.id for task in entry.tasks} == {task.id, again.id}
    assert entry.generations[0] == generations[0]
    for generation in entry.generations[1:]:
        assert generation.async_task_id == again.id
        assert (generation.error, generation.applied) == (None, {})
    assert [generation.seed for generation in entry.generations[1:]] == [101, 102]
    # The bytes that arrived for the slot are nobody's to remove.
    assert store.assets.incoming(generations[1].id) is not None


def test_a_retry_of_all_slots_forgets_the_task_that_failed(store):
    topic = make_topic()
    batch, generations, tasks = make_batch(topic, 2)
    add_batch(store, batch, generations, tasks, new_topic=topic)
    store.finish_task(succeed(tasks[1]), [], {generations[1].id: Moderated("No.").info}, owner="me")
    again = make_task(batch, (1,))
    assert {task.id for task in store.replace_tasks({tasks[1].id: again}).tasks} == {tasks[0].id, again.id}


def test_a_retry_takes_no_slot_that_another_retry_has_or_that_is_filled_or_gone(store, half_done):
    batch, generations, task = half_done
    filled = make_task(batch, (0, 1))
    before = store.entry(batch.id)
    assert store.replace_tasks({task.id: filled}) == before
    running = make_task(batch, (1,))
    store.replace_tasks({task.id: running})
    before = store.entry(batch.id)
    for late in (make_task(batch, (1,)), make_task(batch, (1, 2))):
        # The call would be sent whole, with the slot that is already paid for.
        assert store.replace_tasks({task.id: late}) == before
    rest = make_task(batch, (2,))
    entry = store.replace_tasks({task.id: rest})
    assert [item.async_task_id for item in entry.generations] == [task.id, running.id, rest.id]
    delete(store, "generation", generations[2].id)
    assert store.replace_tasks({rest.id: make_task(batch, (2,))}) == store.entry(batch.id)
    assert {task.id for task in store.entry(batch.id).tasks} == {task.id, running.id}
    delete(store, "batch", batch.id)
    assert store.replace_tasks({running.id: make_task(batch, (1,))}) is None

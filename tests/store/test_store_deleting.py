"""A deletion removes the files that its rows named, and nothing removes a file that no row names."""

import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from store_makers import (
    LATE,
    NOW,
    add_batch,
    delete,
    ended,
    files,
    fill,
    make_batch,
    make_png,
    make_topic,
    purge,
    receive,
    recipe_of,
    succeed,
)

from imgplay_widget._ids import new_id
from imgplay_widget._store import Hidden, Restored
from imgplay_widget._types import Draft, Reference
from imgplay_widget.errors import NotFound, StoreLocked


@pytest.fixture
def topic(store):
    store.register("me")
    topic = make_topic()
    store.add_topic(topic)
    return topic


def add(store, topic, n=1, data=None, **options):
    """Return a batch whose images are stored, with their thumbnails."""
    batch, generations, tasks = make_batch(topic, n, **options)
    add_batch(store, batch, generations, tasks)
    filled = [fill(store, g, t, data) for g, t in zip(generations, tasks, strict=True)]
    for generation in filled:
        store.assets.thumbnail(generation.asset)
    return batch, filled, tasks


def rows(store, table):
    connection = sqlite3.connect(store.location)
    count = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    connection.close()
    return count


def content(*generations):
    urls = {generation.asset.url for generation in generations}
    recipes = {recipe_of(generation.asset) for generation in generations}
    return urls | recipes | {generation.asset.thumbnail_url for generation in generations}


def test_deleting_a_topic_leaves_neither_row_nor_file(store, topic):
    reference, mask = (store.assets.add_reference(make_png()) for _ in range(2))
    batch, _, _ = add(store, topic, 2, references=[reference], mask=mask)
    waiting, slots, more = make_batch(topic)
    add_batch(store, waiting, slots, more)
    receive(store, slots[0], make_png())
    store.update_topic(topic.id, cover_url=store.assets.write_cover(topic.id, b"cover"))

    deleted = delete(store, "topic", topic.id)
    assert deleted.topic_ids == (topic.id,)
    assert set(deleted.batches) == {(batch.id, topic.id), (waiting.id, topic.id)}
    assert [task.id for task in deleted.tasks] == [more[0].id]
    assert rows(store, "image_generations") == 3

    purge(store)

    assert files(store) == set()
    for table in ("generation_topics", "generation_batches", "generations", "async_tasks"):
        assert rows(store, f"image_{table}") == 0
    assert rows(store, "image_generation_references") == 0


def test_deleting_a_batch_keeps_the_topic_and_its_other_batches(store, topic):
    kept, (there,), _ = add(store, topic)
    batch, _, _ = add(store, topic)

    deleted = delete(store, "batch", batch.id)

    assert deleted == Hidden(batches=((batch.id, topic.id),), topics=(store.topic(topic.id),))
    assert store.topic(topic.id).images == 1
    assert [entry.batch.id for entry in store.feed(topic.id).entries] == [kept.id]
    purge(store)
    assert files(store) == content(there)
    assert rows(store, "image_async_tasks") == 1


def test_deleting_a_generation_ends_its_task_unless_a_sibling_needs_it(store, topic):
    batch, generations, (shared,) = make_batch(topic, 2, one_task=True)
    add_batch(store, batch, generations, [shared])
    deleted = delete(store, "generation", generations[0].id)
    assert (deleted.generations, deleted.tasks) == (((generations[0].id, batch.id),), ())
    assert [task.id for task in store.entry(batch.id).tasks] == [shared.id]
    ending = delete(store, "generation", generations[1].id).tasks
    assert [(task.id, task.stage.value) for task in ending] == [(shared.id, "cancelled")]

    own, (first, second), tasks = add(store, topic, 2)
    deleted = delete(store, "generation", first.id)
    assert (deleted.batches, deleted.tasks) == ((), ())
    assert store.entry(own.id).generations == (second,)
    assert [task.id for task in store.entry(own.id).tasks] == [tasks[1].id]
    purge(store)
    assert files(store) == content(second)
    assert rows(store, "image_async_tasks") == 1


def test_deleting_the_last_generation_deletes_the_batch(store, topic):
    batch, (first, last), _ = add(store, topic, 2)
    assert delete(store, "generation", first.id).batches == ()
    assert delete(store, "generation", last.id).batches == ((batch.id, topic.id),)
    assert store.entry(batch.id) is None
    assert store.feed(topic.id).entries == ()
    purge(store)
    assert rows(store, "image_generation_batches") == 0
    assert rows(store, "image_async_tasks") == 0


def test_deleting_what_is_gone_does_nothing(store):
    for what in ("topic", "batch", "generation"):
        assert delete(store, what, new_id()) == Hidden()
        assert store.restore(what, [new_id()]) == Restored()


def test_undo_brings_back_exactly_what_was_deleted(store, topic):
    kept, (one, two, three), _ = add(store, topic, 3)
    before, _, _ = add(store, topic)
    delete(store, "generation", one.id)
    delete(store, "batch", before.id)
    delete(store, "batch", kept.id)
    delete(store, "topic", topic.id)
    assert store.topics() == []

    back = store.restore("topic", [topic.id])
    assert (back.ids, back.topics, back.batch_ids) == ((topic.id,), (store.topic(topic.id),), ())
    assert store.feed(topic.id).entries == ()
    back = store.restore("batch", [kept.id])
    assert (back.batch_ids, back.topics) == ((kept.id,), (store.topic(topic.id),))
    assert store.entry(kept.id).generations == (two, three)
    assert [entry.batch.id for entry in store.feed(topic.id).entries] == [kept.id]
    assert store.topic(topic.id).images == 2
    assert store.restore("generation", [one.id]).batch_ids == (kept.id,)
    assert store.entry(kept.id).generations == (one, two, three)
    assert store.topic(topic.id).images == 3
    assert store.entry(before.id) is None


def test_the_last_generation_comes_back_with_its_batch(store, topic):
    batch, (only,), _ = add(store, topic)
    delete(store, "generation", only.id)
    assert store.restore("generation", [only.id]).batch_ids == (batch.id,)
    assert store.entry(batch.id).generations == (only,)


def test_nothing_is_purged_before_its_time(store, topic):
    batch, generations, _ = add(store, topic, 2)
    whole = files(store)
    for what, one in (("generation", generations[0]), ("batch", batch), ("topic", topic)):
        delete(store, what, one.id)
        assert store.purge(NOW) is False
        store.sweep()
        assert files(store) == whole
        assert store.restore(what, [one.id]).ids == (one.id,)
        assert store.purge(LATE) is False
    assert store.feed(topic.id).entries[0].generations == tuple(generations)


def test_many_are_deleted_brought_back_and_purged_at_once(store, topic):
    batches = [add(store, topic)[0] for _ in range(3)]
    for _ in range(150):
        add_batch(store, *make_batch(topic))
    ids = [entry.batch.id for entry in store.feed(topic.id, limit=1000).entries]
    assert len(ids) == 153
    hidden = delete(store, "batch", *ids)
    assert (len(hidden.batches), len(hidden.tasks)) == (153, 150)
    assert set(store.restore("batch", ids).batch_ids) == set(ids)
    delete(store, "batch", *ids)
    purge(store)
    assert rows(store, "image_generation_batches") == 0
    assert files(store) == set()
    assert store.entries([batch.id for batch in batches]) == []


def test_a_deleted_task_is_neither_driven_nor_taken_up(store, topic):
    batch, generations, (task,) = make_batch(topic)
    add_batch(store, batch, generations, [task])
    delete(store, "topic", topic.id)
    assert store.save_task(task, owner="me") is False
    assert store.claim("you") == []
    store.restore("topic", [topic.id])
    assert store.entry(batch.id).tasks == (ended(task),)


def test_what_is_paid_for_reaches_a_deleted_slot_of_a_shared_call(store, topic):
    batch, generations, (task,) = make_batch(topic, 2, one_task=True)
    add_batch(store, batch, generations, [task])
    delete(store, "generation", generations[0].id)
    images = [receive(store, generation, make_png()) for generation in generations]
    assert store.finish_task(succeed(task), images, {}, owner="me")
    assert store.topic(topic.id).images == 1
    store.restore("generation", [generations[0].id])
    assert all(generation.asset for generation in store.entry(batch.id).generations)
    assert store.topic(topic.id).images == 2


def test_the_cover_goes_with_its_image(store, topic):
    _, (first, second), _ = add(store, topic, 2)
    url = store.save_cover(topic.id, first.id, b"cover").cover_url
    delete(store, "generation", second.id)
    assert store.topic(topic.id).cover_url == url
    assert store.cover_candidate(topic.id) is None
    store.restore("generation", [second.id])
    delete(store, "generation", first.id)
    assert store.topic(topic.id).cover_url is None
    assert url not in files(store)
    assert store.cover_candidate(topic.id) == second
    assert store.save_cover(topic.id, first.id, b"of what is deleted").cover_url is None


def test_bytes_that_another_row_names_stay(store, open_store, topic):
    data = make_png()
    _, (mine,), _ = add(store, topic, data=data)
    reference = store.assets.add_reference(data)
    using, slots, tasks = make_batch(topic, references=[reference])
    add_batch(store, using, slots, tasks)
    other = open_store(user_id="eve")
    other.register("her")
    theirs = make_topic(user_id="eve")
    other.add_topic(theirs)
    batch, generations, (task,) = make_batch(theirs, owner="her")
    add_batch(other, batch, generations, [task])
    hers = fill(other, generations[0], task, data, owner="her")

    delete(store, "generation", mine.id)
    purge(store)
    assert files(store) == content(mine)
    delete(store, "batch", using.id)
    purge(store)
    assert files(store) == content(mine)
    delete(other, "generation", hers.id)
    purge(store)
    assert files(store) == content(mine)
    purge(other)
    assert files(store) == set()


def test_a_mask_stays_as_long_as_some_batch_names_it(store, topic):
    picture, mask = (store.assets.add_reference(make_png()) for _ in range(2))
    urls = {store.assets.original_url(one.digest, one.media_type) for one in (picture, mask)}
    first, *rest = make_batch(topic, references=[picture], mask=mask)
    add_batch(store, first, *rest)
    second, *rest = make_batch(topic, references=[picture], mask=mask)
    add_batch(store, second, *rest)
    assert store.sweep() == 0
    delete(store, "batch", first.id)
    purge(store)
    assert files(store) == urls
    delete(store, "batch", second.id)
    purge(store)
    assert files(store) == set()


def test_a_reference_that_no_batch_names_yet_survives_until_one_does(store, topic):
    reference = store.assets.add_reference(make_png())
    url = store.assets.original_url(reference.digest, reference.media_type)
    assert store.sweep() == 0
    assert store.assets.path(url).exists()
    batch, generations, tasks = make_batch(topic, references=[reference])
    add_batch(store, batch, generations, tasks)
    assert store.sweep() == 0
    assert files(store) == {url}


def test_a_sweep_keeps_every_image_that_no_row_names(store, topic):
    _, (kept,), _ = add(store, topic)
    waiting, (slot,), tasks = make_batch(topic)
    add_batch(store, waiting, [slot], tasks)
    receive(store, slot, make_png())
    store.update_topic(topic.id, cover_url=store.assets.write_cover(topic.id, b"cover"))
    whole = files(store)

    assets = store.assets
    old = time.time() - 2 * 86400
    other = make_png()
    unnamed = add_file(store, other)
    receive(store, kept, make_png())
    arrived = new_id()
    assets.receive(arrived, make_png())
    cover = assets.write_cover(new_id(), b"other")
    whole |= {unnamed, f"incoming/{kept.id}", f"incoming/{arrived}", cover}
    # An upload that nothing named for a day, a copy, and a file that a dead process was writing.
    assets.add_reference(make_png())
    copied, (copy,), tasks = make_batch(topic)
    add_batch(store, copied, [copy], tasks)
    data = make_png()
    copy = fill(store, copy, tasks[0], data)
    receive(store, copy, data)
    whole |= {copy.asset.url, recipe_of(copy.asset)}
    (assets.root / "temporary" / "me~1").write_bytes(b"half")
    for path in assets.root.rglob("*"):
        if path.is_file():
            os.utime(path, (old, old))
    for folder in ("covers", "incoming", "owners"):
        (assets.root / folder / ".DS_Store").write_bytes(b"not ours")
    whole |= {f"{folder}/.DS_Store" for folder in ("covers", "incoming", "owners")}
    (assets.root / "temporary" / "unknown~1").write_bytes(b"half")
    writing = assets.root / "temporary" / "me~2"
    writing.write_bytes(b"half")

    removed = store.sweep()

    assert files(store) == whole | {"temporary/me~2", "temporary/unknown~1"}
    assert removed == 3
    assert store.sweep() == 0


def add_file(store, data):
    """Store an image that no row names, as it is after the database was replaced."""
    digest = store.assets.receive("lost", data)
    store.assets.adopt("lost", digest, "image/png")
    store.assets.discard("lost")
    return store.assets.original_url(digest, "image/png")


def test_a_history_that_was_replaced_by_an_empty_one_keeps_its_images(store, open_store, topic):
    _, (mine,), _ = add(store, topic)
    store.save_cover(topic.id, mine.id, b"cover")
    reference = store.assets.add_reference(make_png())
    store.save_draft(topic.id, Draft(references=(reference,)))
    forget_holds(store)
    whole = files(store)
    store.close()
    for file in Path(store.location).parent.glob("history.sqlite*"):
        if file.is_file():
            file.unlink()
    new = open_store()
    new.register("you")
    purge(new)
    new.sweep()
    assert files(new) == whole


def test_a_purge_that_dies_before_its_files_are_gone_is_worked_off_by_the_next_start(
    store, open_store, topic, monkeypatch
):
    batch, (mine,), _ = add(store, topic)
    delete(store, "batch", batch.id)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("imgplay_widget._store.removal.work_off", die)
        with pytest.raises(KeyboardInterrupt):
            store.purge(LATE)
    assert files(store) == content(mine)
    assert rows(store, "image_removals") > 0
    assert open_store().sweep() == 3
    assert files(store) == set()
    assert rows(store, "image_removals") == 0


def test_a_listed_file_that_a_row_names_again_stays(store, topic, monkeypatch):
    data = make_png()
    batch, (mine,), _ = add(store, topic, data=data)
    delete(store, "batch", batch.id)
    with monkeypatch.context() as patch:
        patch.setattr("imgplay_widget._store.removal.work_off", lambda *_: 0)
        purge(store)
    add(store, topic, data=data)
    store.sweep()
    assert files(store) == content(mine)
    assert rows(store, "image_removals") == 0


def test_a_listed_file_that_is_held_stays_on_the_list(store, topic):
    batch, (mine,), _ = add(store, topic)
    asset = mine.asset
    held = Reference(digest=asset.digest, media_type=asset.media_type, width=asset.width, height=asset.height)
    assert store.assets.hold(held)
    delete(store, "batch", batch.id)
    purge(store)
    assert files(store) >= content(mine)
    forget_holds(store)
    store.sweep()
    assert files(store) == content(mine)
    make_due(store)
    store.sweep()
    assert files(store) == set()


def make_due(store):
    """Let the time of all listed files come."""
    connection = sqlite3.connect(store.location)
    connection.execute("UPDATE image_removals SET due_at = '2026-01-01 00:00:00.000000'")
    connection.commit()
    connection.close()


def test_a_sweep_beside_a_finish_never_takes_its_file(store, open_store, topic):
    stop = threading.Event()
    failures = []

    def sweep():
        other = open_store()
        while not stop.is_set():
            try:
                other.sweep()
            except Exception as error:
                failures.append(error)

    thread = threading.Thread(target=sweep)
    thread.start()
    try:
        filled = [add(store, topic)[1][0] for _ in range(20)]
    finally:
        stop.set()
        thread.join()
    assert failures == []
    assert {generation.asset.url for generation in filled} <= files(store)


def test_files_held_by_another_program_are_a_named_error(store):
    with store.assets.exclusive():
        found = []

        def wait():
            try:
                with store.assets.exclusive(timeout=0.01):
                    pass
            except StoreLocked as error:
                found.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert len(found) == 1


def forget_holds(store):
    """Make a file look a day old."""
    for file in (store.assets.root / "held").iterdir():
        os.utime(file, (NOW.timestamp() - 10**6, NOW.timestamp() - 10**6))


def test_a_sweep_keeps_what_a_saved_draft_names_and_no_longer(store, topic):
    reference, mask = (store.assets.add_reference(make_png()) for _ in range(2))
    store.save_draft(topic.id, Draft(prompt="a fox", references=(reference,), mask=mask))
    forget_holds(store)
    store.sweep()
    assert store.draft(topic.id).inputs == (reference, mask)

    store.save_draft(topic.id, Draft(prompt="a fox", references=(reference,)))
    store.sweep()
    assert store.assets.size(mask) is not None
    make_due(store)
    store.sweep()
    assert store.assets.size(mask) is None
    assert store.assets.size(reference) is not None

    store.save_draft(topic.id, Draft())
    make_due(store)
    store.sweep()
    assert files(store) == set()
    assert rows(store, "image_settings") == 0


def test_a_draft_keeps_a_result_that_is_deleted_until_it_goes_with_its_topic(store, open_store, topic):
    batch, (there,), _ = add(store, topic)
    asset = there.asset
    result = Reference(
        digest=asset.digest, media_type=asset.media_type, width=asset.width, height=asset.height
    )
    # Users share the files, so a file that the draft of another user names stays too.
    other = open_store(user_id="you")
    other.save_draft(None, Draft(references=(result,)))
    store.save_draft(topic.id, Draft(references=(result,)))
    delete(store, "batch", batch.id)
    purge(store)
    assert asset.url in files(store)
    delete(store, "topic", topic.id)
    purge(store)
    assert rows(store, "image_settings") == 1
    assert asset.url in files(store)
    other.save_draft(None, Draft())
    make_due(store)
    store.sweep()
    assert files(store) == set()


def test_a_crash_between_an_image_and_its_draft_leaves_neither_for_long(store, topic, monkeypatch):
    reference = store.assets.add_reference(make_png())

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("imgplay_widget._store.settings.save", die)
        with pytest.raises(KeyboardInterrupt):
            store.save_draft(topic.id, Draft(prompt="a fox", references=(reference,)))
    assert store.draft(topic.id) == Draft()
    store.sweep()
    assert store.assets.size(reference) is not None
    forget_holds(store)
    store.sweep()
    assert files(store) == set()


def test_a_draft_needs_a_topic_of_the_same_user(store, open_store, topic):
    with pytest.raises(NotFound):
        open_store(user_id="you").save_draft(topic.id, Draft(prompt="a fox"))


def test_a_cover_whose_row_never_came_is_removed_by_the_next_start(store, open_store, topic, monkeypatch):
    _, (mine,), _ = add(store, topic)
    write = store.assets.write_cover

    def die(*arguments):
        write(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store.assets, "write_cover", die)
        with pytest.raises(KeyboardInterrupt):
            store.save_cover(topic.id, mine.id, b"cover")
    assert len(files(store) - content(mine)) == 1
    assert open_store().sweep() == 1
    assert files(store) == content(mine)
    cover = store.save_cover(topic.id, mine.id, b"cover").cover_url
    open_store().sweep()
    assert files(store) == content(mine) | {cover}
    assert rows(store, "image_removals") == 0

"""After a deletion or a crash, exactly the files that some row names are left."""

import os
import sqlite3
import threading
import time

import pytest
from store_makers import files, fill, make_batch, make_png, make_topic, receive

from imgplay_widget._ids import new_id
from imgplay_widget._store import Deleted
from imgplay_widget.errors import StoreLocked


@pytest.fixture
def topic(store):
    store.register("me")
    topic = make_topic()
    store.add_topic(topic)
    return topic


def add(store, topic, n=1, data=None, **options):
    """A batch whose images are there, with their thumbnails."""
    batch, generations, tasks = make_batch(topic, n, **options)
    store.add_batch(batch, generations, tasks)
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
    return urls | {generation.asset.thumbnail_url for generation in generations}


def test_deleting_a_topic_leaves_neither_row_nor_file(store, topic):
    reference, mask = (store.assets.add_reference(make_png()) for _ in range(2))
    batch, generations, tasks = add(store, topic, 2, references=[reference], mask=mask)
    waiting, places, more = make_batch(topic)
    store.add_batch(waiting, places, more)
    receive(store, places[0], make_png())
    store.update_topic(topic.id, cover_url=store.assets.write_cover(topic.id, b"cover"))

    deleted = store.delete_topic(topic.id)

    assert deleted.topic_ids == (topic.id,)
    assert set(deleted.batches) == {(batch.id, topic.id), (waiting.id, topic.id)}
    assert set(deleted.generations) == {(g.id, g.batch_id) for g in [*generations, *places]}
    assert set(deleted.task_ids) == {task.id for task in [*tasks, *more]}
    assert deleted.topic is None
    assert files(store) == set()
    for table in ("generation_topics", "generation_batches", "generations", "async_tasks"):
        assert rows(store, f"image_{table}") == 0
    assert rows(store, "image_generation_references") == 0


def test_deleting_a_batch_keeps_the_topic_and_its_other_batches(store, topic):
    kept, (there,), _ = add(store, topic)
    batch, (gone,), (task,) = add(store, topic)

    deleted = store.delete_batch(batch.id)

    assert deleted == Deleted(
        batches=((batch.id, topic.id),),
        generations=((gone.id, batch.id),),
        task_ids=(task.id,),
        topic=store.topic(topic.id),
    )
    assert deleted.topic is not None
    assert [entry.batch.id for entry in store.feed(topic.id).entries] == [kept.id]
    assert files(store) == content(there)


def test_deleting_a_generation_takes_its_task_unless_a_sibling_needs_it(store, topic):
    batch, generations, (shared,) = make_batch(topic, 2, one_task=True)
    store.add_batch(batch, generations, [shared])
    deleted = store.delete_generation(generations[0].id)
    assert (deleted.generations, deleted.task_ids) == (((generations[0].id, batch.id),), ())

    own, (first, second), tasks = add(store, topic, 2)
    deleted = store.delete_generation(first.id)
    assert (deleted.batches, deleted.task_ids) == ((), (tasks[0].id,))
    assert store.entry(own.id).generations == (second,)
    assert files(store) == content(second)


def test_deleting_the_last_generation_deletes_the_batch(store, topic):
    batch, (only,), _ = add(store, topic)
    assert store.delete_generation(only.id).batches == ((batch.id, topic.id),)
    assert store.entry(batch.id) is None
    assert rows(store, "image_async_tasks") == 0


def test_deleting_what_is_gone_does_nothing(store):
    for delete in (store.delete_topic, store.delete_batch, store.delete_generation):
        assert delete(new_id()) == Deleted()


def test_bytes_that_another_row_names_stay(store, open_store, topic):
    data = make_png()
    _, (mine,), _ = add(store, topic, data=data)
    reference = store.assets.add_reference(data)
    using, places, tasks = make_batch(topic, references=[reference])
    store.add_batch(using, places, tasks)
    other = open_store(user_id="eve")
    other.register("her")
    theirs = make_topic(user_id="eve")
    other.add_topic(theirs)
    batch, generations, (task,) = make_batch(theirs, owner="her")
    other.add_batch(batch, generations, [task])
    hers = fill(other, generations[0], task, data, owner="her")

    store.delete_generation(mine.id)
    assert files(store) == content(mine)
    store.delete_batch(using.id)
    assert files(store) == content(mine)
    other.delete_generation(hers.id)
    assert files(store) == set()


def test_a_mask_stays_as_long_as_some_batch_names_it(store, topic):
    picture, mask = (store.assets.add_reference(make_png()) for _ in range(2))
    urls = {store.assets.original_url(one.digest, one.media_type) for one in (picture, mask)}
    first, *rest = make_batch(topic, references=[picture], mask=mask)
    store.add_batch(first, *rest)
    second, *rest = make_batch(topic, references=[picture], mask=mask)
    store.add_batch(second, *rest)
    assert store.sweep() == 0
    store.delete_batch(first.id)
    assert files(store) == urls
    store.delete_batch(second.id)
    assert files(store) == set()


def test_a_reference_that_no_batch_names_yet_survives_until_one_does(store, topic):
    reference = store.assets.add_reference(make_png())
    url = store.assets.original_url(reference.digest, reference.media_type)
    assert store.sweep() == 0
    assert store.assets.path(url).exists()
    batch, generations, tasks = make_batch(topic, references=[reference])
    store.add_batch(batch, generations, tasks)
    assert store.sweep() == 0
    assert files(store) == {url}


def test_a_sweep_removes_what_crashes_left_and_nothing_else(store, topic):
    _, (kept,), _ = add(store, topic)
    waiting, (place,), tasks = make_batch(topic)
    store.add_batch(waiting, [place], tasks)
    receive(store, place, make_png())
    store.update_topic(topic.id, cover_url=store.assets.write_cover(topic.id, b"cover"))
    whole = files(store)

    assets = store.assets
    old = time.time() - 2 * 86400
    receive(store, kept, make_png())
    assets.receive(new_id(), make_png())
    assets.add_reference(make_png())
    assets.write_thumbnail("ab" * 32, b"small")
    assets.write_cover(new_id(), b"other")
    (assets.root / "temporary" / "me~1").write_bytes(b"half")
    for path in assets.root.rglob("*"):
        if path.is_file():
            os.utime(path, (old, old))
    for folder in ("covers", "incoming", "owners"):
        (assets.root / folder / ".DS_Store").write_bytes(b"not ours")
    whole |= {f"{folder}/.DS_Store" for folder in ("covers", "incoming", "owners")}
    (assets.root / "temporary" / "unknown~1").write_bytes(b"half")
    assets.write_cover(new_id(), b"of a process that died")
    writing = assets.root / "temporary" / "me~2"
    writing.write_bytes(b"half")

    removed = store.sweep()

    assert files(store) == whole | {"temporary/me~2", "temporary/unknown~1"}
    assert removed == 7
    assert store.sweep() == 0


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

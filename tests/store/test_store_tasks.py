"""Which owner may write a task, and what the end of a task leaves when it fails in the middle."""

import sqlite3
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from store_makers import (
    LATE,
    NOW,
    add_batch,
    delete,
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

from imgplay_widget._rules import lifecycle as life
from imgplay_widget._store import database, leases
from imgplay_widget._types import Stage
from imgplay_widget.errors import Moderated, StoreError, StoreLocked

HERE = Path(__file__).parent


@pytest.fixture
def registered(store):
    store.register("me")
    return store


def add(store, n=1, **options):
    topic = make_topic()
    batch, generations, tasks = make_batch(topic, n, **options)
    add_batch(store, batch, generations, tasks, new_topic=topic)
    return batch, generations, tasks


def test_only_the_owner_saves_a_task(registered):
    batch, _, (task,) = add(registered)
    sent = life.advance(task, life.Send(), NOW)
    assert not registered.save_task(sent, owner="other")
    assert registered.entry(batch.id).tasks == (task,)
    assert registered.save_task(sent, owner="me")
    assert registered.entry(batch.id).tasks == (sent,)


def test_saving_keeps_the_lease_that_was_renewed_meanwhile(registered):
    batch, _, (task,) = add(registered)
    registered.renew("me")
    (renewed,) = registered.entry(batch.id).tasks
    assert registered.save_task(life.advance(task, life.Send(), NOW), owner="me")
    assert renewed.lease_until is not None
    assert registered.entry(batch.id).tasks[0].lease_until == renewed.lease_until


def test_a_task_at_its_end_takes_no_more(registered):
    batch, _, (task,) = add(registered)
    cancelled = life.advance(task, life.Cancel(), NOW)
    assert registered.save_task(cancelled, owner="me")
    assert not registered.save_task(task, owner="me")
    assert registered.finish_task(succeed(task), [], {}, owner="me") is None
    stored = registered.entry(batch.id).tasks[0]
    assert (stored.stage, stored.lease_owner) == (Stage.CANCELLED, None)


def test_finishing_names_the_bytes_and_the_failures_together(registered):
    batch, generations, (task,) = add(registered, 3, one_task=True)
    data = make_png()
    image = receive(registered, generations[0], data)
    refusal = Moderated("The picture was refused.").info

    changed = registered.finish_task(succeed(task), [image], {generations[1].id: refusal}, owner="me")

    assert changed == list(registered.entry(batch.id).generations[:2])
    asset = changed[0].asset
    assert registered.assets.read(asset.url) == data
    assert (asset.width, asset.height, asset.media_type, asset.size) == (64, 48, "image/png", len(data))
    assert changed[0].applied == {"seed": 5}
    assert changed[0].seed == generations[0].seed
    assert changed[1].error == refusal
    assert registered.entry(batch.id).generations[2] == generations[2]
    assert registered.entry(batch.id).tasks[0].cost == "0.04"
    assert files(registered) == {asset.url, recipe_of(asset)}


def test_a_finish_by_another_owner_changes_nothing_and_keeps_what_arrived(registered):
    batch, generations, (task,) = add(registered)
    data = make_png()
    image = receive(registered, generations[0], data)
    assert registered.finish_task(succeed(task), [image], {}, owner="other") is None
    assert registered.entry(batch.id).tasks == (task,)
    assert registered.assets.incoming(generations[0].id) == data


def test_a_finish_of_a_deleted_batch_leaves_no_file(registered):
    batch, generations, (task,) = add(registered)
    image = receive(registered, generations[0], make_png())
    delete(registered, "batch", batch.id)
    purge(registered)
    registered.assets.receive(generations[0].id, make_png())
    registered.assets.write_thumbnail(image.digest, b"small")
    assert registered.finish_task(succeed(task), [image], {}, owner="me") is None
    assert files(registered) == set()


def test_a_finish_leaves_out_a_generation_that_was_deleted(registered):
    _, generations, (task,) = add(registered, 2, one_task=True)
    images = [receive(registered, generation, make_png()) for generation in generations]
    delete(registered, "generation", generations[0].id)
    purge(registered)
    registered.assets.receive(generations[0].id, make_png())
    registered.assets.write_thumbnail(images[0].digest, b"small")

    changed = registered.finish_task(succeed(task), images, {}, owner="me")

    assert [generation.id for generation in changed] == [generations[1].id]
    assert files(registered) == {changed[0].asset.url, recipe_of(changed[0].asset)}


def test_a_crash_between_file_and_row_leaves_what_arrived_to_be_adopted(registered):
    batch, generations, (task,) = add(registered)
    data = make_png()
    image = receive(registered, generations[0], data)
    broken = replace(image, applied={"not json": object()})
    with pytest.raises(Exception, match="JSON serializable"):
        registered.finish_task(succeed(task), [broken], {}, owner="me")

    assert registered.entry(batch.id).tasks == (task,)
    assert registered.entry(batch.id).generations == tuple(generations)
    registered.sweep()
    assert registered.assets.incoming(generations[0].id) == data

    changed = registered.finish_task(succeed(task), [image], {}, owner="me")
    assert registered.assets.read(changed[0].asset.url) == data
    assert len(files(registered)) == 2


def test_an_image_that_never_arrived_finishes_nothing(registered):
    batch, generations, (task,) = add(registered)
    image = receive(registered, generations[0], make_png())
    registered.assets.discard(generations[0].id)
    with pytest.raises(StoreError):
        registered.finish_task(succeed(task), [image], {}, owner="me")
    assert registered.entry(batch.id).tasks == (task,)


def test_equal_bytes_are_one_file(registered):
    _, generations, tasks = add(registered, 2)
    data = make_png()
    one, two = (fill(registered, g, t, data) for g, t in zip(generations, tasks, strict=True))
    assert one.asset == two.asset
    assert files(registered) == {one.asset.url, recipe_of(one.asset)}


# ------------------------------------------------------------------ leases


def test_tasks_whose_owner_is_gone_or_that_have_none_are_claimed(registered, open_store):
    _, _, (free,) = add(registered, owner=None)
    _, _, (over,) = add(registered, owner="gone", until=LATE)
    _, _, (driven,) = add(registered, owner="me")
    _, _, (done,) = add(registered, owner="me")
    registered.save_task(life.advance(done, life.Cancel(), NOW), owner="me")
    other = open_store()
    other.register("other")

    claimed = other.claim("other")

    assert [task.id for task in claimed] == [free.id, over.id]
    for task in claimed:
        assert (task.lease_owner, task.resumes) == ("other", 0)
        assert task.lease_until is not None
        assert task == other.entry(task.batch_id).tasks[0]
    assert not registered.save_task(over, owner="gone")
    assert registered.save_task(driven, owner="me")
    assert registered.claim("me") == []


def test_ones_own_tasks_are_not_claimed_even_when_the_machine_slept(registered):
    add(registered, owner="me", until=NOW)
    assert registered.claim("me") == []


def test_a_held_lock_outranks_a_lease_that_is_long_over(registered, open_store):
    registered.register("asleep")
    add(registered, owner="asleep", until=NOW - timedelta(days=1))
    other = open_store()
    other.register("other")
    assert other.claim("other") == []


def test_on_a_network_share_only_a_lease_that_stays_the_same_for_long_is_taken_over(open_store, monkeypatch):
    monkeypatch.setattr(database, "network_file_system", lambda _: "nfs4")
    seconds = [1000.0]
    monkeypatch.setattr(leases, "monotonic", lambda: seconds[0])
    first, second = open_store(), open_store()
    first.register("first")
    second.register("second")
    # The clock that wrote this lease is a year behind.
    _, _, (task,) = add(first, owner="first", until=NOW - timedelta(days=365))
    for day in range(1, 6):
        assert second.claim("second") == []
        seconds[0] += leases.SILENCE - 1
        first.renew("first")
        # The clock of the database shows whole seconds, so the test moves the lease itself.
        with sqlite3.connect(first.location) as connection:
            connection.execute("UPDATE image_async_tasks SET lease_until = ?", (f"2026-01-0{day} 00:00:00",))
        connection.close()
    assert second.claim("second") == []
    seconds[0] += leases.SILENCE
    assert [found.id for found in second.claim("second")] == [task.id]


def test_released_tasks_are_free(registered, open_store):
    batch, _, (task,) = add(registered)
    registered.release("me")
    assert registered.entry(batch.id).tasks[0].lease_owner is None
    other = open_store()
    other.register("other")
    assert [found.id for found in other.claim("other")] == [task.id]


def test_a_release_takes_back_the_count_of_what_was_worked_on(registered):
    batch, _, (waited,) = add(registered)
    other, _, (worked,) = add(registered)
    for task in (waited, worked):
        assert registered.save_task(replace(task, resumes=2), owner="me")
    registered.release("me", {worked.id})
    counts = [registered.entry(one.id).tasks[0].resumes for one in (batch, other)]
    assert counts == [2, 1]


def test_tasks_of_a_closed_store_are_free_at_once(open_store):
    first, second = open_store(), open_store()
    first.register("first")
    _, _, (task,) = add(first, owner="first", until=LATE)
    second.register("second")
    assert second.claim("second") == []
    first.close()
    assert [found.id for found in second.claim("second")] == [task.id]


def test_an_owner_that_is_at_work_cannot_be_registered_again(registered, open_store):
    registered.register("me")
    with pytest.raises(StoreLocked):
        open_store().register("me")


HOLDER = """
import sys
from datetime import datetime, timezone
sys.path.insert(0, sys.argv[2])
from store_makers import add_batch, make_batch, make_topic, LATE
from imgplay_widget._store import Store
store = Store.open(sys.argv[1])
store.register("doomed")
topic = make_topic()
add_batch(store, *make_batch(topic, owner="doomed", until=LATE), new_topic=topic)
store.assets.owner = "doomed"
(store.assets.root / "temporary" / "doomed~x").write_bytes(b"half")
print("ready", flush=True)
sys.stdin.read()
"""


def test_tasks_of_a_killed_process_are_free_at_once_and_those_of_a_live_one_are_not(registered):
    command = [sys.executable, "-c", textwrap.dedent(HOLDER), registered.location, str(HERE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            assert registered.claim("me") == []
            assert registered.sweep() == 0
        finally:
            process.kill()
    claimed = registered.claim("me")
    assert [task.lease_owner for task in claimed] == ["me"]
    assert registered.sweep() == 1
    assert files(registered) == set()
    owners = registered.assets.root / "owners"
    assert [file.name for file in owners.iterdir()] == ["me.lock"]


WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from store_makers import add_batch, fill, make_batch, make_topic
from imgplay_widget._store import Store
store = Store.open(sys.argv[1])
owner = sys.argv[3]
store.register(owner)
topic = make_topic(owner)
store.add_topic(topic)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(50):
    batch, generations, tasks = make_batch(topic, owner=owner)
    add_batch(store, batch, generations, tasks)
    fill(store, generations[0], tasks[0], owner=owner)
    store.sweep()
store.close()
"""


@pytest.mark.slow
def test_four_processes_write_one_history_without_an_error(store, open_store):
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WRITER, store.location, str(HERE), f"writer-{i}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(4)
    ]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert errors == [""] * 4
    assert [process.returncode for process in processes] == [0] * 4
    entries = [entry for topic in store.topics() for entry in store.feed(topic.id, limit=99).entries]
    assert len(entries) == 200
    assets = [entry.generations[0].asset for entry in entries]
    assert files(store) == {name for one in assets for name in (one.url, recipe_of(one))}

"""Each database has a folder of its own, and takes its files from the folder that earlier versions shared."""

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import filelock
import pytest
from store_makers import (
    NOW,
    add_batch,
    delete,
    files,
    files_in,
    fill,
    make_batch,
    make_png,
    make_topic,
    purge,
    with_lease,
)

from imgplay_widget._types import Draft

HERE = Path(__file__).parent


@pytest.fixture
def old(tmp_path, open_store):
    """Return the folder that an earlier version shared, with the files of a history and those of another."""
    store = open_store()
    store.register("me")
    topic = make_topic()
    reference, mask, drafted = (store.assets.add_reference(make_png()) for _ in range(3))
    batch, generations, tasks = make_batch(topic, 3, references=[reference], mask=mask)
    add_batch(store, batch, generations, tasks, new_topic=topic)
    filled = fill(store, generations[0], tasks[0])
    store.assets.thumbnail(filled.asset)
    store.save_cover(topic.id, filled.id, b"cover")
    store.save_draft(None, Draft(references=(drafted,)))
    fill(store, generations[1], tasks[1])
    delete(store, "generation", generations[1].id)
    store.assets.receive(generations[2].id, make_png())
    store.close()
    folder = tmp_path / "history.assets"
    store.assets.root.rename(folder)
    (folder / "complete").unlink()
    # Earlier versions did not write recipes.
    shutil.rmtree(folder / "recipes")
    return folder


def named(old):
    """Return the files that the history names, before the other files come."""
    found = files_in(old)
    assert len(found) == 2 + 3 + 1 + 1 + 1
    (old / "originals" / "00").mkdir(exist_ok=True)
    (old / "originals" / "00" / ("0" * 64 + ".png")).write_bytes(b"of another database")
    (old / "incoming" / "of-another").write_bytes(b"of another database")
    return found


def taken(store):
    """Return the files of a store, without the recipes that its first opening writes."""
    return {url for url in files(store) if not url.startswith(("recipes/", "temporary/"))}


def state(folder):
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [("foxes.sqlite", "foxes.db"), ("trip.11", "trip.12"), ("a.b", "a.c"), ("foxes", "foxes.sqlite")],
)
def test_two_databases_never_share_a_folder(tmp_path, open_store, one, other):
    first, second = open_store(tmp_path / one), open_store(tmp_path / other)
    assert first.assets.root != second.assets.root
    # Nor is the folder of one the old folder of the other, which must not change.
    earlier = {(tmp_path / name).with_suffix(".assets") for name in (one, other)}
    assert not earlier & {first.assets.root, second.assets.root}


def test_a_history_takes_what_its_rows_name_from_the_old_folder(old, open_store):
    wanted, before = named(old), state(old)
    store = open_store()
    assert store.notices == []
    assert taken(store) == wanted
    assert state(old) == before
    # The files are not stored twice where the disk has hard links.
    assert all((store.assets.root / url).samefile(old / url) for url in wanted)


def test_a_deletion_leaves_the_old_folder_alone(old, open_store):
    named(old)
    before = state(old)
    store = open_store()
    (topic,) = store.topics()
    delete(store, "topic", topic.id)
    purge(store)
    store.save_draft(None, Draft())
    store.sweep()
    assert len(files(store)) == 1
    assert state(old) == before


def test_where_links_are_not_possible_files_are_copied(old, open_store, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    wanted = named(old)
    monkeypatch.setattr("imgplay_widget._store.assets.os.link", refuse)
    store = open_store()
    assert taken(store) == wanted
    assert all((store.assets.root / url).read_bytes() == (old / url).read_bytes() for url in wanted)


def test_a_start_without_space_shows_the_images_from_the_old_folder(old, open_store, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    wanted = named(old)
    with monkeypatch.context() as patch:
        patch.setattr("imgplay_widget._store.assets.os.link", refuse)
        patch.setattr("imgplay_widget._store.assets._write_whole", full)
        store = open_store()
    assert str(old) in store.notices[0].message
    (topic,) = store.topics()
    (entry,) = store.feed(topic.id).entries
    assert store.assets.read(entry.generations[0].asset.url)
    assert store.assets.existing(entry.generations[0].asset.url).is_relative_to(old)
    assert store.assets.size(entry.batch.references[0]) is not None
    assert store.assets.incoming(entry.generations[1].id) is not None
    assert taken(open_store()) == wanted


KILLED = """
import os, signal, sys
from pathlib import Path
from imgplay_widget._store import Store
left, copied = int(sys.argv[2]), sys.argv[3] == "copied"
def count(home, name):
    function = getattr(home, name)
    def wrapped(*args, **keywords):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        if copied and name == "link":
            raise OSError(18, "Invalid cross-device link")
        return function(*args, **keywords)
    setattr(home, name, wrapped)
for name in ("link", "fsync"):
    count(os, name)
for name in ("mkdir", "replace"):
    count(Path, name)
Store.open(sys.argv[1]).close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("way", ["linked", "copied"])
def test_a_start_that_is_killed_at_any_point_loses_nothing(old, open_store, tmp_path, way):
    wanted, before = named(old), state(old)
    killed = 0
    for point in range(0, 200, 3):
        command = [sys.executable, "-c", KILLED, str(tmp_path / "history.sqlite"), str(point), way]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert state(old) == before
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        killed += 1
    assert killed > 5
    store = open_store()
    assert store.assets.complete
    assert taken(store) == wanted
    assert len(files(store)) >= len(wanted) + 2
    assert all((store.assets.root / url).read_bytes() == (old / url).read_bytes() for url in wanted)


def test_a_folder_that_is_complete_is_not_looked_through_again(old, open_store, monkeypatch):
    open_store().close()

    def looked(*_):
        raise AssertionError("the rows were read again")

    monkeypatch.setattr("imgplay_widget._store.old_folder.named_files", looked)
    assert len(open_store().topics()) == 1


def test_an_image_that_an_earlier_version_wrote_meanwhile_is_found(old, open_store):
    store = open_store()
    (topic,) = store.topics()
    store.register("me")
    batch, generations, tasks = make_batch(topic, 2)
    add_batch(store, batch, generations, tasks)
    asset = fill(store, generations[0], tasks[0]).asset
    store.assets.receive(generations[1].id, b"arrived")
    # An earlier version that still runs writes into the folder that it knows.
    for url in (asset.url, f"incoming/{generations[1].id}"):
        (old / url).parent.mkdir(exist_ok=True)
        shutil.move(store.assets.root / url, old / url)
    assert store.assets.read(asset.url) == store.assets.existing(asset.url).read_bytes()
    assert store.assets.thumbnail(asset)
    assert store.assets.incoming(generations[1].id) == b"arrived"


def test_a_task_of_an_earlier_version_that_still_runs_is_left_alone(old, open_store):
    lock = filelock.FileLock(old / "owners" / "earlier.lock", thread_local=False)
    lock.acquire()
    store = open_store()
    store.register("me")
    (topic,) = store.topics()
    batch, generations, (task,) = make_batch(topic)
    add_batch(store, batch, generations, [with_lease(task, "earlier", NOW)])
    assert [one for one in store.claim("me") if one.id == task.id] == []
    lock.release()
    assert [one.id for one in store.claim("me") if one.id == task.id] == [task.id]
    assert (old / "owners").is_dir()

"""The copies of a database before its format changes."""

import errno
import shutil
import sqlite3
from pathlib import Path

import pytest

from imgplay_widget._store import Store, copies, migrations
from imgplay_widget._store.database import Database, location_of
from imgplay_widget.errors import DiskFull, StoreDamaged, StoreError

HERE = Path(__file__).parent


@pytest.fixture
def old(tmp_path):
    """Return a database of the first format, whose newest rows lie in a WAL."""
    file = tmp_path / "foxes.sqlite"
    shutil.copy(HERE / "databases" / "v0001.sqlite", file)
    return file


def made(file):
    return sorted(file.parent.glob(f"{file.name}.before-*"))


def dump(file):
    connection = sqlite3.connect(file)
    found = list(connection.iterdump())
    connection.close()
    return found


def test_a_copy_of_the_old_format_lies_beside_the_database(old):
    before = dump(old)
    Store.open(old).close()
    (copy,) = made(old)
    assert copy.name.startswith(f"foxes.sqlite.before-v{len(migrations.STEPS)}-2")
    assert dump(copy) == before
    assert [path.name for path in old.parent.glob("*.part*")] == []
    assert copies.newest(old) == [copy]


def test_a_copy_has_what_lies_in_a_wal(old):
    connection = sqlite3.connect(old, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("UPDATE image_generation_topics SET title = 'Hares'")
    assert old.with_name("foxes.sqlite-wal").stat().st_size > 0
    Store.open(old).close()
    connection.close()
    (copy,) = made(old)
    assert any("Hares" in line for line in dump(copy))
    assert not copy.with_name(f"{copy.name}-wal").exists()


def test_a_new_history_and_one_of_the_present_format_get_no_copy(tmp_path):
    file = tmp_path / "new.sqlite"
    Store.open(file).close()
    Store.open(file).close()
    assert made(file) == []


def test_the_newest_three_copies_stay_and_no_other_file_goes(old):
    names = [f"foxes.sqlite.before-v8-2020010{day}T000000Z" for day in range(1, 6)]
    others = ["foxes.sqlite.before-the-trip", "hares.sqlite.before-v8-20200101T000000Z"]
    for name in [*names, *others]:
        (old.parent / name).write_text("")
    Store.open(old).close()
    found = [path.name for path in made(old)]
    assert [name for name in names if name in found] == names[-2:]
    assert len(copies.newest(old)) == 3
    assert all((old.parent / name).exists() for name in others)


@pytest.mark.parametrize("cause", ["database", "system"])
def test_a_full_disk_stops_before_anything_changes(old, monkeypatch, cause):
    def full(source, target):
        target.write_bytes(b"a part")
        if cause == "system":
            raise OSError(errno.ENOSPC, "No space left on device")
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorname = "SQLITE_FULL"
        raise error

    before = dump(old)
    monkeypatch.setattr(copies, "snapshot", full)
    with pytest.raises(DiskFull, match="no space left for a copy") as caught:
        Store.open(old)
    assert "was not changed" in caught.value.next_step
    assert dump(old) == before
    assert made(old) == []
    assert list(old.parent.glob("*.part*")) == []
    monkeypatch.undo()
    Store.open(old).close()


def test_a_failed_change_of_the_format_names_the_copy_and_keeps_the_step_before(old, monkeypatch):
    def fail(connection):
        connection.exec_driver_sql("CREATE TABLE half (id TEXT)")
        connection.exec_driver_sql("INSERT INTO image_settings (user_id) VALUES ('me')")

    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS[:-1], fail))
    with pytest.raises(StoreError, match="could not be brought to the format") as caught:
        Store.open(old)
    (copy,) = made(old)
    assert str(copy) in caught.value.next_step
    assert not any("half" in line for line in dump(old))


def test_a_history_that_no_step_can_read_is_damaged_and_the_error_names_the_copy(old):
    connection = sqlite3.connect(old)
    connection.execute("UPDATE image_async_tasks SET unit = '{', status = 'success'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreDamaged) as caught:
        Store.open(old)
    (copy,) = made(old)
    assert str(copy) in caught.value.next_step
    assert "No image is lost" in caught.value.next_step


def test_only_the_first_step_of_a_run_makes_a_copy(old, monkeypatch):
    steps = migrations.STEPS
    monkeypatch.setattr(migrations, "STEPS", steps[:4])
    database = Database(location_of(old))
    migrations.migrate(database)
    database.close()
    assert [path.name.split("-")[1] for path in made(old)] == ["v4"]
    monkeypatch.setattr(migrations, "STEPS", steps)
    Store.open(old).close()
    assert {path.name.split("-")[1] for path in made(old)} == {"v4", f"v{len(steps)}"}

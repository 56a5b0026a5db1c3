"""The location of a history, how it is opened, and its tables."""

import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable
from store_makers import NOW, add_batch, delete, files, fill, make_batch, make_png, make_topic, purge

from imgplay_widget._store import Store, database, migrations, tables
from imgplay_widget._types import Wanted
from imgplay_widget.errors import InvalidRequest, StoreError, StoreLocked, StoreTooNew

try:
    import pwd
except ImportError:  # Windows
    pwd = None

HERE = Path(__file__).parent
SEED = {
    "image_generation_topics": "id user_id organization_id title cover_url created_at updated_at",
    "image_generation_batches": "id topic_id user_id organization_id provider model prompt config"
    " width height created_at",
    "image_generations": "id batch_id user_id async_task_id seed asset created_at",
    "image_async_tasks": "id user_id type status metadata error created_at updated_at",
}
SEED_INDEXES = {
    ("image_generation_topics", "idx_topics_user", "user_id organization_id"),
    ("image_generation_batches", "idx_batches_topic", "topic_id"),
    ("image_generations", "idx_generations_batch", "batch_id"),
    ("image_async_tasks", "idx_tasks_status", "user_id status"),
}


@pytest.fixture
def schema(store):
    engine = create_engine(f"sqlite:///{store.location}")
    yield inspect(engine)
    engine.dispose()


@pytest.mark.parametrize("table", SEED)
def test_every_column_of_the_seed_design_is_there(schema, table):
    assert set(SEED[table].split()) <= {column["name"] for column in schema.get_columns(table)}


def test_the_indexes_of_the_seed_design_are_there(schema):
    found = {
        (table, index["name"], " ".join(index["column_names"]))
        for table in SEED
        for index in schema.get_indexes(table)
    }
    assert found >= SEED_INDEXES


def test_the_migrated_tables_are_those_that_the_code_speaks_of(schema):
    assert set(schema.get_table_names()) == set(tables.metadata.tables)
    for name, table in tables.metadata.tables.items():
        found = {column["name"]: column for column in schema.get_columns(name)}
        assert list(found) == [column.name for column in table.columns]
        for column in table.columns:
            assert found[column.name]["nullable"] == column.nullable, (name, column.name)
        assert schema.get_pk_constraint(name)["constrained_columns"] == [c.name for c in table.primary_key]
        with schema.engine.connect() as connection:
            rows = connection.exec_driver_sql(f"PRAGMA foreign_key_list({name})").mappings().all()
        keys = {(row["from"], row["table"], row["on_delete"]) for row in rows}
        assert keys == {(k.parent.name, k.column.table.name, k.ondelete) for k in table.foreign_keys}
        indexes = {(i["name"], tuple(i["column_names"])) for i in schema.get_indexes(name)}
        assert indexes == {(i.name, tuple(i.columns.keys())) for i in table.indexes}


def test_the_tables_can_be_written_for_postgresql():
    for table in tables.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))


def test_the_database_itself_cascades(store):
    store.register("me")
    topic = make_topic()
    add_batch(store, *make_batch(topic, 2), new_topic=topic)
    connection = sqlite3.connect(store.location)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("DELETE FROM image_generation_topics")
    for table in SEED:
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    connection.close()


def test_opening_again_migrates_nothing(store, open_store):
    store.add_topic(make_topic())
    before = store.version()
    again = open_store()
    assert store.version() == before
    assert len(again.topics()) == 1


def test_a_newer_history_is_refused_and_unchanged(tmp_path, open_store):
    store = open_store()
    store.close()
    connection = sqlite3.connect(tmp_path / "history.sqlite")
    newer = (len(migrations.STEPS) + 1, "m9", NOW.isoformat(" "))
    connection.execute("INSERT INTO image_migrations VALUES (?, ?, ?)", newer)
    connection.commit()
    connection.close()
    before = (tmp_path / "history.sqlite").read_bytes()
    with pytest.raises(StoreTooNew, match="newer"):
        Store.open(tmp_path)
    assert (tmp_path / "history.sqlite").read_bytes() == before


OPENER = """
import sys
from imgplay_widget._store import Store
sys.stdin.readline()
Store.open(sys.argv[1]).close()
"""


def test_processes_that_open_a_new_history_at_once_all_succeed(tmp_path):
    command = [sys.executable, "-W", "error", "-c", OPENER, str(tmp_path / "new" / "h.sqlite")]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[1] for process in running] == [""] * 3


@pytest.mark.parametrize("version", [1, 7, 8, 9, 10])
def test_a_history_of_every_released_format_opens(tmp_path, open_store, version):
    name = f"v{version:04}"
    shutil.copy(HERE / "databases" / f"{name}.sqlite", tmp_path / "history.sqlite")
    for folder in (".assets", ".sqlite.assets"):
        if (HERE / "databases" / f"{name}{folder}").exists():
            shutil.copytree(HERE / "databases" / f"{name}{folder}", tmp_path / f"history{folder}")
    store = open_store()
    (topic,) = store.topics()
    (entry,) = store.feed(topic.id).entries
    first, second = entry.generations
    assert (topic.title, entry.batch.prompt, entry.batch.created_at) == ("Foxes", "a red fox, 雪", NOW)
    assert store.assets.thumbnail(first.asset)
    assert second.asset is None
    assert [task.unit.positions for task in entry.tasks] == [(0,), (1,)]
    assert len(entry.batch.references) == 1
    assert (entry.batch.mask, entry.batch.click_id, entry.batch.action) == (None, None, None)
    assert [task.unit.mask for task in entry.tasks] == [None, None]
    # The first database has no stars.
    starred = version > 1
    assert (first.starred, second.starred) == (starred, False)
    labelled = version >= 10
    assert dict(first.scores) == ({"clip": 0.31} if labelled else {})
    assert first.tags == (("poster",) if labelled else ())
    starred_models = {"starred_models": ["demo:paint"]} if starred else {}
    assert store.setting("config") == {"model": "demo:paint", **starred_models}
    found = store.feed(topic.id, wanted=Wanted(starred=True)).entries
    assert [one.batch.id for one in found] == ([entry.batch.id] if starred else [])
    assert store.sweep() == 0
    assert (topic.images, topic.running, topic.pinned) == (1, 1, False)
    assert delete(store, "topic", topic.id).topic_ids == (topic.id,)
    assert store.restore("topic", [topic.id]).topics == (replace(topic, running=0),)
    delete(store, "topic", topic.id)
    purge(store)
    assert files(store) == set()


# ------------------------------------------------------------------ locations


def test_ways_to_write_one_location_have_one_key(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "history.sqlite"
    ways = [file, str(file), tmp_path, "history.sqlite", "./x/../history.sqlite", f"sqlite:///{file}"]
    assert {Store.key_of(way) for way in ways} == {str(file)}
    assert Store.key_of("sqlite://") != Store.key_of("sqlite://")


def test_the_default_lies_in_the_users_data_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(database.platformdirs, "user_data_dir", lambda *_, **__: str(tmp_path / "data"))
    assert Store.key_of() == str(tmp_path / "data" / "history.sqlite")


@pytest.mark.skipif(pwd is None, reason="HOME is a variable of Unix")
def test_the_default_is_found_without_a_home_in_the_environment(monkeypatch):
    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert Path(Store.key_of()).is_relative_to(pwd.getpwuid(os.getuid()).pw_dir)


@pytest.mark.parametrize(
    "location",
    [
        "postgresql://me:secret@db.example/history",
        "postgresql+psycopg://me:secret@db.example/history",
        "mysql://me:secret@db.example/history",
        "nosuchdb://me:secret@db.example/history",
        "https://me:secret@db.example/history.sqlite",
        "://me:secret@x",
    ],
)
def test_every_url_but_one_of_sqlite_is_refused_and_no_password_is_shown(location):
    with pytest.raises(InvalidRequest, match="SQLite file") as caught:
        Store.open(location)
    assert caught.value.parameter == "store"
    assert "secret" not in str(caught.value)
    with pytest.raises(InvalidRequest):
        Store.key_of(location)


def test_folders_are_made_and_the_bytes_lie_beside_the_database(tmp_path):
    store = Store.open(tmp_path / "a" / "b" / "pictures.sqlite")
    assert store.assets.root == tmp_path / "a" / "b" / "pictures.sqlite.assets"
    assert store.location == str(tmp_path / "a" / "b" / "pictures.sqlite")
    assert store.notices == []
    store.close()
    store.close()


def test_a_history_in_memory_leaves_nothing():
    store = Store.open("sqlite://")
    store.register("me")
    topic = make_topic()
    batch, generations, tasks = make_batch(topic)
    add_batch(store, batch, generations, tasks, new_topic=topic)
    assert fill(store, generations[0], tasks[0], make_png()).asset is not None
    root = store.assets.root
    assert root.is_dir()
    store.close()
    assert not root.exists()


def test_a_file_that_is_not_a_database_is_refused_and_unchanged(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("my notes, which are long enough to be looked at\n" * 50)
    before = file.read_bytes()
    with pytest.raises(StoreError, match="not a database"):
        Store.open(file)
    assert file.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_a_named_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be created or written to"):
        Store.open(tmp_path / "file" / "history.sqlite")


def test_a_history_that_another_program_holds_is_a_named_error(store, open_store):
    impatient = open_store(busy_timeout=0.01)
    holder = sqlite3.connect(store.location, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreLocked) as caught:
        impatient.add_topic(make_topic())
    assert caught.value.retryable
    with pytest.raises(StoreLocked):
        Store.open(store.location, busy_timeout=0.01)
    holder.execute("ROLLBACK")
    holder.close()
    impatient.add_topic(make_topic())
    assert len(store.topics()) == 1


# ------------------------------------------------------------------ the journal


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 0), True),
    ],
)
def test_wal_is_used_only_where_it_is_whole(tmp_path, monkeypatch, version, safe):
    monkeypatch.setattr(database.sqlite3, "sqlite_version_info", version)
    Store.open(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "history.sqlite")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal" if safe else "delete",)
    connection.close()


class Mount(NamedTuple):
    mountpoint: str
    fstype: str
    opts: str = "rw"


LINUX = (
    Mount("/", "ext4"),
    Mount("/shared", "nfs4"),
    Mount("/shared/local disk", "xfs"),
    Mount("/mnt/drive", "fuse.sshfs"),
    Mount("/mnt/c", "9p"),
    Mount("/var", "overlay"),
    Mount("/twice", "ext4"),
    Mount("/twice", "cifs"),
)
MACOS = (
    Mount("/", "apfs", "ro,local,rootfs,dovolfs,journaled,multilabel"),
    Mount("/dev", "devfs", "rw,local,dontbrowse"),
    Mount("/System/Volumes/Data", "apfs", "rw,local,dontbrowse,journaled,multilabel"),
    Mount("/System/Volumes/Data/net", "autofs", "rw,dontbrowse,automounted"),
    Mount("/Volumes/Pictures", "smbfs", "rw,nodev,nosuid"),
    Mount("/Volumes/Old server", "afpfs", "rw,nodev,nosuid"),
    Mount("/Volumes/Lab", "nfs", "rw,nodev,nosuid"),
    Mount("/Volumes/Cloud", "webdav", "rw,nodev,nosuid"),
    Mount("/Volumes/Far", "macfuse", "rw,nodev,nosuid"),
    Mount("/Volumes/Stick", "msdos", "rw,local,nodev,nosuid,noowners"),
)
WINDOWS = (
    Mount("C:\\", "NTFS", "rw,fixed"),
    Mount("D:\\", "", "cdrom"),
    Mount("E:\\", "exFAT", "rw,removable"),
    Mount("Z:\\", "NTFS", "rw,remote"),
)


@pytest.mark.parametrize(
    ("path", "mounts", "kind"),
    [
        ("/data/x", LINUX, None),
        ("/shared/ann/x", LINUX, "nfs4"),
        ("/sharedwork", LINUX, None),
        ("/shared/local disk/x", LINUX, None),
        ("/mnt/drive", LINUX, "fuse.sshfs"),
        ("/mnt/c/x", LINUX, "9p"),
        ("/var/lib", LINUX, None),
        ("/twice/x", LINUX, "cifs"),
        ("/Library/x", MACOS, None),
        ("/System/Volumes/Data/x", MACOS, None),
        ("/System/Volumes/Data/net/x", MACOS, "autofs"),
        ("/Volumes/Pictures/x", MACOS, "smbfs"),
        ("/Volumes/Old server/x", MACOS, "afpfs"),
        ("/Volumes/Lab", MACOS, "nfs"),
        ("/Volumes/Cloud/x", MACOS, "webdav"),
        ("/Volumes/Far/x", MACOS, "macfuse"),
        ("/Volumes/Stick/x", MACOS, None),
        ("C:\\pictures", WINDOWS, None),
        ("c:\\pictures", WINDOWS, None),
        ("E:\\x", WINDOWS, None),
        ("Z:\\pictures", WINDOWS, "a network drive"),
        ("Y:\\gone", WINDOWS, None),
        ("\\\\server\\share\\x", WINDOWS, "a network share"),
        ("\\\\?\\UNC\\server\\share\\x", WINDOWS, "a network share"),
        ("\\\\?\\C:\\x", WINDOWS, None),
        ("/data/x", (), None),
    ],
)
def test_network_file_systems_of_every_system_are_known(path, mounts, kind):
    pure = PureWindowsPath(path) if mounts is WINDOWS else PurePosixPath(path)
    assert database.network_file_system(pure, mounts) == kind


def test_the_system_is_asked_for_its_mounts(tmp_path, monkeypatch):
    mine = Mount(str(tmp_path), "smbfs")
    monkeypatch.setattr("psutil.disk_partitions", lambda **asked: [mine] if asked == {"all": True} else [])
    assert database.network_file_system(tmp_path / "x") == "smbfs"

    def broken(**_):
        raise OSError("no list of mounts")

    monkeypatch.setattr("psutil.disk_partitions", broken)
    assert database.network_file_system(tmp_path / "x") is None


def test_a_network_file_system_gets_a_rollback_journal_and_a_notice(tmp_path, monkeypatch):
    monkeypatch.setattr(database.sqlite3, "sqlite_version_info", (3, 53, 0))
    monkeypatch.setattr(database, "network_file_system", lambda path: "nfs4")
    store = Store.open(tmp_path)
    assert ["nfs4" in notice.message for notice in store.notices] == [True]
    store.close()
    connection = sqlite3.connect(tmp_path / "history.sqlite")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_a_store_is_no_duckdb_file(tmp_path):
    with pytest.raises(InvalidRequest, match="SQLite keeps the history, and DuckDB queries it"):
        Store.open(tmp_path / "x.duckdb")
    assert list(tmp_path.iterdir()) == []

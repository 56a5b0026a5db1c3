"""Backups: a whole store in one file, made while the studio runs, and the way back."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from imgplay_widget import Studio
from imgplay_widget._store import backups
from imgplay_widget.errors import (
    BackupDamaged,
    DiskFull,
    InvalidRequest,
    StoreError,
    StoreTooNew,
    StudioClosed,
    Uncertain,
)
from imgplay_widget.providers import Done, Inline
from imgplay_widget.testing import FakeProvider, Gate, open_studio, picture, png

WAIT = 20


@pytest.fixture
def backup(tmp_path):
    """Return a backup of a store with two topics, a reference and a draft."""
    with open_studio(FakeProvider(colours(1, 2, 3)), store=tmp_path / "foxes.sqlite") as studio:
        studio.new_topic("Foxes")
        studio.generate("a fox, 雪", model="fake:image", references=[png(8, 8)]).result(WAIT)
        studio.new_topic("Hares")
        studio.generate("a hare", model="fake:image", n=2).result(WAIT)
        studio.star(studio.search("hare"))
        studio.add_reference(png(9, 9))
        studio._core.call(studio._core.archive.settle)
        return studio.backup(tmp_path / "b.zip")


def contents(studio: Studio) -> list[object]:
    """Return what users see of a studio."""
    images = [image for batch in studio.search() for image in batch.generations]
    shown = [(i.prompt, i.seed, i.status, i.starred, i.bytes, i.recipe["created_at"]) for i in images]
    studio._core.call(studio._core.archive.settle)
    topics = [(topic.id, topic.title, topic.images, topic.cover.read_bytes()) for topic in studio.topics]
    return [shown, topics, studio.references, studio.spent()]


def colours(*numbers: int) -> list[Done]:
    """Return answers with one image each, in different colours."""
    return [Done(images=(Inline(data=png(color=(40 * number, 90, 160))),)) for number in numbers]


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_store_comes_back_whole_from_one_file(backup, tmp_path):
    with open_studio(FakeProvider(), store=tmp_path / "foxes.sqlite") as studio:
        before = contents(studio)
    shutil.rmtree(tmp_path / "foxes.sqlite.assets")
    (tmp_path / "foxes.sqlite").unlink()
    there = Studio.restore(backup, tmp_path / "other" / "hares.sqlite")
    assert there == tmp_path / "other" / "hares.sqlite"
    assert left(there.parent) == ["hares.sqlite", "hares.sqlite.assets"]
    with open_studio(FakeProvider(), store=there) as studio:
        assert contents(studio) == before
        assert studio.generate("more", model="fake:image").result(WAIT)[0].bytes
    assert (tmp_path / "foxes.sqlite").exists() is (tmp_path / "foxes.sqlite.assets").exists() is False


def test_a_backup_is_an_uncompressed_zip_of_what_the_rows_name(backup, tmp_path):
    folder = tmp_path / "foxes.sqlite.assets"
    (folder / "originals" / "stray.txt").write_text("not of this store")
    with zipfile.ZipFile(backup) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        names = set(archive.namelist())
    originals = {p.relative_to(folder).as_posix() for p in folder.glob("originals/??/*")}
    recipes = {p.relative_to(folder).as_posix() for p in folder.glob("recipes/??/*")}
    covers = {p.relative_to(folder).as_posix() for p in folder.glob("covers/*")}
    assert (len(originals), len(recipes), len(covers)) == (5, 3, 2)
    files = {f"files/{one}" for one in originals | recipes | covers}
    assert names == {"history.sqlite", "imgplay-backup.json"} | files


def test_no_key_is_in_a_backup(tmp_path):
    keys = {"openai": "sk-secret-of-mine"}
    with open_studio(FakeProvider(), store=tmp_path / "s.sqlite", keys=keys) as studio:
        studio.set_key("fal", "another-secret-key")
        studio.generate("a fox", model="fake:image").result(WAIT)
        data = studio.backup(tmp_path / "b.zip").read_bytes()
    assert b"secret" not in data


def test_a_store_in_memory_can_be_kept_by_a_backup(tmp_path):
    with open_studio(FakeProvider(), store="sqlite://") as studio:
        studio.generate("a fox", model="fake:image").result(WAIT)
        before = contents(studio)
        studio.backup(tmp_path / "b.zip")
    there = Studio.restore(tmp_path / "b.zip", tmp_path / "s.sqlite")
    with open_studio(FakeProvider(), store=there) as studio:
        assert contents(studio) == before


def test_work_goes_on_while_a_backup_is_made_and_the_snapshot_is_whole(tmp_path, monkeypatch):
    with open_studio(FakeProvider(colours(1, 2, 3)), store=tmp_path / "s.sqlite") as studio:
        first = studio.generate("a fox", model="fake:image").result(WAIT)
        add = backups._add

        def busy(*args):
            monkeypatch.setattr(backups, "_add", add)
            studio.generate("a hare", model="fake:image", n=2).result(WAIT)
            return add(*args)

        monkeypatch.setattr(backups, "_add", busy)
        studio.backup(tmp_path / "b.zip")
    there = Studio.restore(tmp_path / "b.zip", tmp_path / "r.sqlite")
    with open_studio(FakeProvider(), store=there) as studio:
        assert [batch.prompt for batch in studio.search()] == [first.prompt]
        assert studio.search()[0][0].bytes


def test_an_image_that_is_purged_while_a_backup_is_made_leaves_no_row_without_a_file(tmp_path, monkeypatch):
    with open_studio(FakeProvider(colours(1, 2)), store=tmp_path / "s.sqlite") as studio:
        batch = studio.generate("foxes", model="fake:image", n=2).result(WAIT)
        add = backups._add

        def purged(archive, url, assets):
            monkeypatch.setattr(backups, "_add", add)
            batch[0].delete()
            later = datetime.now(UTC) + timedelta(minutes=5)
            studio._core.call(studio._core.archive.in_store, studio._core.archive.store.purge, later)
            return add(archive, url, assets)

        monkeypatch.setattr(backups, "_add", purged)
        studio.backup(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert json.loads(archive.read("imgplay-backup.json"))["missing"] == []
    there = Studio.restore(tmp_path / "b.zip", tmp_path / "r.sqlite")
    with open_studio(FakeProvider(), store=there) as studio:
        assert all(image.bytes for image in studio.search()[0].generations)


def test_a_file_that_is_gone_does_not_stop_a_backup_and_is_told(tmp_path, caplog):
    with open_studio(FakeProvider(colours(1, 2)), store=tmp_path / "s.sqlite") as studio:
        batch = studio.generate("foxes", model="fake:image", n=2).result(WAIT)
        batch[0].path.unlink()
        studio.backup(tmp_path / "b.zip")
    assert "gone, and so from the backup" in caplog.text
    there = Studio.restore(tmp_path / "b.zip", tmp_path / "r.sqlite")
    with open_studio(FakeProvider(), store=there) as studio:
        first, second = studio.search()[0].generations
        assert second.bytes
        with pytest.raises(StoreError, match="gone"):
            first.bytes  # noqa: B018 - it raises


def test_a_restored_store_sends_no_call_that_the_old_store_may_have_sent(tmp_path):
    gate = Gate(picture())
    old = FakeProvider([gate, picture()])
    with open_studio(old, store=tmp_path / "s.sqlite", concurrency={"fake": 1}) as studio:
        studio.generate("sent", model="fake:image")
        waiting = studio.generate("waiting", model="fake:image")
        assert gate.reached.wait(WAIT)
        studio._core.call(studio._core.archive.in_store, lambda: None)
        studio.backup(tmp_path / "b.zip")
        gate.open()
        waiting.result(WAIT)
    new = FakeProvider()
    with open_studio(new, store=Studio.restore(tmp_path / "b.zip", tmp_path / "r.sqlite")) as studio:
        for batch in studio.search():
            with pytest.raises(Uncertain):
                batch.result(WAIT)
    assert (len(old.submits), len(new.submits)) == (2, 0)


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_a_backup_never_replaces_anything(tmp_path, there):
    target = tmp_path / "b.zip"
    {"file": target.touch, "folder": target.mkdir, "link": lambda: target.symlink_to("nowhere")}[there]()
    with open_studio(FakeProvider(), store=tmp_path / "s.sqlite") as studio:
        with pytest.raises(InvalidRequest, match="exists already"):
            studio.backup(target)
        with pytest.raises(InvalidRequest, match="cannot be a path"):
            studio.backup("b\0.zip")
        with pytest.raises(StoreError, match="cannot be written"):
            studio.backup(tmp_path / "nowhere" / "b.zip")
    with pytest.raises(StudioClosed):
        studio.backup(tmp_path / "c.zip")
    assert [name for name in left(tmp_path) if "part" in name or name == "c.zip"] == []


def test_a_file_that_appears_while_a_backup_is_made_stays(tmp_path, monkeypatch):
    pack = backups._pack

    def late(*args):
        (tmp_path / "b.zip").write_text("mine")
        return pack(*args)

    monkeypatch.setattr(backups, "_pack", late)
    with open_studio(FakeProvider(), store=tmp_path / "s.sqlite") as studio, pytest.raises(InvalidRequest):
        studio.backup(tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_text() == "mine"


def test_the_journal_of_another_database_never_gets_into_a_restored_one(backup, tmp_path):
    for end in ("wal", "journal"):
        journal = tmp_path / f"r.sqlite-{end}"
        journal.write_bytes(b"changes of another database")
        with pytest.raises(InvalidRequest, match="exists already"):
            Studio.restore(backup, tmp_path / "r.sqlite")
        journal.write_bytes(b"")
    assert Studio.restore(backup, tmp_path / "r.sqlite").exists()


@pytest.mark.parametrize("there", ["r.sqlite", "r.sqlite.assets"])
def test_a_restored_store_never_replaces_anything(backup, tmp_path, there):
    (tmp_path / there).mkdir()
    before = left(tmp_path)
    target = tmp_path / "r.sqlite" if there.endswith("assets") else tmp_path / "r.sqlite" / "history.sqlite"
    target.parent.mkdir(exist_ok=True)
    if there == "r.sqlite":
        target.touch()
    with pytest.raises(InvalidRequest, match="exists already"):
        Studio.restore(backup, target)
    assert left(tmp_path) == before


def test_other_wrong_paths_are_refused(backup, tmp_path):
    for wrong in (tmp_path / "nothing.zip", tmp_path):
        with pytest.raises(InvalidRequest, match="no backup"):
            Studio.restore(wrong, tmp_path / "r.sqlite")
    for wrong in ("sqlite://", "postgresql://me@db/x", "r\0"):
        with pytest.raises(InvalidRequest):
            Studio.restore(backup, wrong)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be created"):
        Studio.restore(backup, tmp_path / "file" / "r.sqlite")


# ------------------------------------------------------------------ damaged and hostile archives


def assert_nothing_restored(backup, tmp_path, kind=BackupDamaged):
    folder = tmp_path / "r"
    with pytest.raises(kind):
        Studio.restore(backup, folder / "r.sqlite")
    assert left(folder) == []


@pytest.mark.parametrize("part", [0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.9999])
def test_nothing_is_restored_from_a_cut_backup(backup, tmp_path, part):
    data = backup.read_bytes()
    backup.write_bytes(data[: int(len(data) * part)])
    assert_nothing_restored(backup, tmp_path)


@pytest.mark.parametrize("seed", range(25))
def test_a_damaged_backup_is_restored_whole_or_not_at_all(backup, tmp_path, seed):
    chosen = random.Random(seed)
    data = bytearray(backup.read_bytes())
    for _ in range(chosen.choice([1, 3, 40])):
        data[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
    backup.write_bytes(data)
    try:
        there = Studio.restore(backup, tmp_path / "r" / "r.sqlite")
    except (BackupDamaged, StoreTooNew):
        assert left(tmp_path / "r") == []
        return
    with open_studio(FakeProvider(), store=there) as studio:
        assert len([image.bytes for batch in studio.search() for image in batch.generations]) == 3


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "files/../../evil.txt",
        "files/originals/../../../evil.txt",
        "/evil.txt",
        "files//evil.txt",
        "C:\\evil.txt",
        "files/originals\\..\\..\\evil.txt",
        "files/owners/x.lock",
        "files/originals/.evil",
        "history.sqlite-wal",
        "evil.txt",
    ],
)
def test_a_file_outside_of_the_folder_is_refused(backup, tmp_path, name):
    with zipfile.ZipFile(backup, "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), "evil")
    assert_nothing_restored(backup, tmp_path)
    assert not list(tmp_path.parent.glob("evil*"))


def rewritten(backup, change):
    """Write a backup again, with other contents."""
    with zipfile.ZipFile(backup) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(backup, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def other_bytes(entries):
    name = next(name for name in entries if "originals" in name)
    entries[name] = b"other bytes"


def newer(entries):
    entries["imgplay-backup.json"] = json.dumps({"format": 2, "files": 1}).encode()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (other_bytes, BackupDamaged),
        (lambda entries: entries.pop(next(name for name in entries if "originals" in name)), BackupDamaged),
        (lambda entries: entries.pop("history.sqlite"), BackupDamaged),
        (lambda entries: entries.update({"history.sqlite": b"text " * 2000}), BackupDamaged),
        (lambda entries: entries.update({"history.sqlite": b""}), BackupDamaged),
        (lambda entries: entries.pop("imgplay-backup.json"), BackupDamaged),
        (lambda entries: entries.update({"imgplay-backup.json": b"[1]"}), BackupDamaged),
        (lambda entries: entries.update({"imgplay-backup.json": b"{"}), BackupDamaged),
        (newer, StoreTooNew),
    ],
)
def test_an_archive_that_is_not_a_whole_backup_is_refused(backup, tmp_path, change, kind):
    rewritten(backup, change)
    assert_nothing_restored(backup, tmp_path, kind)


def test_a_backup_of_a_newer_history_is_refused(backup, tmp_path):
    def change(entries):
        file = tmp_path / "newer.sqlite"
        file.write_bytes(entries["history.sqlite"])
        connection = sqlite3.connect(file)
        connection.execute("INSERT INTO image_migrations VALUES (999, 'm', '2030-01-01 00:00:00')")
        connection.commit()
        connection.close()
        entries["history.sqlite"] = file.read_bytes()

    rewritten(backup, change)
    assert_nothing_restored(backup, tmp_path, StoreTooNew)


# ------------------------------------------------------------------ faults of the machine


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("name", ["_add", "_publish"])
def test_a_full_disk_leaves_no_part_of_a_backup(tmp_path, monkeypatch, name):
    with open_studio(FakeProvider(), store=tmp_path / "s.sqlite") as studio:
        studio.generate("a fox", model="fake:image").result(WAIT)
        monkeypatch.setattr(backups, name, full)
        with pytest.raises(DiskFull, match="no space left to write"):
            studio.backup(tmp_path / "b.zip")
        monkeypatch.undo()
        assert [name for name in left(tmp_path) if name.startswith("b.zip")] == []
        assert studio.backup(tmp_path / "b.zip").exists()


def test_a_full_disk_leaves_no_part_of_a_restored_store(backup, tmp_path, monkeypatch):
    monkeypatch.setattr(backups, "_write", full)
    assert_nothing_restored(backup, tmp_path, DiskFull)
    monkeypatch.undo()
    assert Studio.restore(backup, tmp_path / "r" / "r.sqlite").exists()


KILLED = """
import os, signal, sys
from imgplay_widget import Studio
from imgplay_widget._store import backups
write, left = backups._write, [3]

def dying(*args):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(*args)

backups._write = dying
Studio.restore(*sys.argv[1:])
"""


def test_a_killed_restore_leaves_no_store_and_can_be_repeated(backup, tmp_path):
    target = tmp_path / "r" / "r.sqlite"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(backup), str(target)], timeout=60, check=False)
    assert killed.returncode != 0
    assert not any(name in ("r.sqlite", "r.sqlite.assets") for name in left(target.parent))
    with open_studio(FakeProvider(), store=Studio.restore(backup, target)) as studio:
        assert len(studio.search()) == 2

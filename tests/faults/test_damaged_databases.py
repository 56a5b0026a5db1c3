"""Damaged databases: each ends in one named error or does no harm, and no image is lost."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from imgplay_widget import Studio
from imgplay_widget._store import tables
from imgplay_widget.errors import ImgplayError, Moderated, StoreDamaged
from imgplay_widget.testing import FakeProvider, open_studio, picture, png

WAIT = 20
NAME = "foxes.sqlite"
TABLES = (
    "image_generation_topics",
    "image_generation_batches",
    "image_generation_references",
    "image_generations",
    "image_async_tasks",
    "image_settings",
    "image_spending",
    "image_removals",
    "image_scores",
    "image_tags",
    "image_migrations",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a store with some of everything, whose last batch lies in a WAL."""
    folder = tmp_path_factory.mktemp("whole")
    refusal = Moderated("The content was refused.", provider="fake")
    with open_studio(FakeProvider([picture(), picture(), refusal]), store=folder / NAME) as studio:
        for words in ("a red fox", "a blue hare", "a bear"):
            studio.new_topic(words)
            batch = studio.generate(f"{words}, 雪", model="fake:image", references=[png(8, 8)])
            if words == "a bear":
                with pytest.raises(Moderated):
                    batch.result(WAIT)
            else:
                batch.result(WAIT)
            studio._core.call(studio._core.archive.settle)
        studio.star(studio.search("fox"))
        curator, (fox,) = studio._core.curator, studio.search("fox")
        studio._core.call(curator.score, {fox[0].id: {"clip": 0.31}})
        studio._core.call(partial(curator.tag, add=["poster"]), [fox[0].id])
        studio.add_reference(png(9, 9))
        studio._core.call(studio._core.panel.save_config, {"model": "fake:image"})
    return folder


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    """Return the database of a copy of the whole store."""
    return shutil.copytree(whole, tmp_path / "store") / NAME


def files(store: Path) -> dict[str, bytes]:
    """Return the files that users own, by their path."""
    found: dict[str, bytes] = {}
    for kind in ("originals", "covers", "incoming"):
        for path in sorted(store.parent.glob(f"*.assets/{kind}/**/*")):
            if path.is_file():
                found[str(path.relative_to(store.parent))] = path.read_bytes()
    return found


def use(store: Path) -> list[ImgplayError]:
    """Open a store, read and write everything, and return the named errors. Any other error is raised."""
    errors: list[ImgplayError] = []

    def attempt(call, *args, **keywords):
        try:
            return call(*args, **keywords)
        except ImgplayError as error:
            errors.append(error)
            return None

    opened = open_studio(FakeProvider(), store=store)
    studio = attempt(opened.__enter__)
    if studio is None:
        return errors
    try:
        read(studio, attempt)
        attempt(studio.new_topic, "Trip")
        batch = attempt(studio.generate, "a hare", model="fake:image", references=[png(8, 8)])
        if batch is not None:
            attempt(batch.result, WAIT)
    finally:
        opened.__exit__(None, None, None)
    return errors


def read(studio: Studio, attempt) -> None:
    for topic in attempt(lambda: studio.topics) or ():
        attempt(lambda topic=topic: (topic.title, topic.images, topic.cover, topic.updated_at))
        attempt(studio.batches, topic)
    for batch in attempt(studio.search) or ():
        attempt(lambda batch=batch: (batch.prompt, batch.status, batch.params, batch.code))
        for image in batch.generations:
            attempt(lambda image=image: (image.recipe, image.status, image.error, image.bytes, repr(image)))
    attempt(studio.search, "fox", starred=True)
    attempt(studio.spent)
    attempt(lambda: studio.references)


def assert_named(store: Path, caplog: pytest.LogCaptureFixture) -> list[ImgplayError]:
    before = files(store)
    assert len(before) >= 5
    errors = use(store)
    after = files(store)
    assert {name: after.get(name) for name in before} == before
    logged = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert [error for error in logged if not isinstance(error, ImgplayError)] == []
    return errors


# ------------------------------------------------------------------ damage to the file


def cut(store: Path, part: float) -> None:
    data = store.read_bytes()
    store.write_bytes(data[: int(len(data) * part)])


def overwrite(store: Path, seed: int) -> None:
    """Overwrite a few bytes anywhere."""
    chosen = random.Random(seed)
    data = bytearray(store.read_bytes())
    for _ in range(chosen.choice([1, 5, 50, 500])):
        data[chosen.randrange(len(data))] = chosen.randrange(256)
    store.write_bytes(data)


def scratch(store: Path, seed: int) -> None:
    """Overwrite the bytes of a stretch that holds values, and leave the pages' own structure whole."""
    chosen = random.Random(seed)
    data = bytearray(store.read_bytes())
    words = [match.start() for match in re.finditer(rb"[ -~]{12,}", bytes(data)) if match.start() > 4096]
    at = chosen.choice(words)
    data[at : at + 8] = chosen.randbytes(8)
    store.write_bytes(data)


def blank(store: Path, seed: int) -> None:
    """Fill one page with zeros, as a file system does after a crash."""
    data = bytearray(store.read_bytes())
    page = random.Random(seed).randrange(len(data) // 4096)
    data[page * 4096 : (page + 1) * 4096] = bytes(4096)
    store.write_bytes(data)


def flip_header(store: Path, at: int) -> None:
    data = bytearray(store.read_bytes())
    data[at] ^= 0xFF
    store.write_bytes(data)


def write_text(store: Path) -> None:
    store.write_text("my notes, which are long enough to be looked at\n" * 50)


def make_a_folder(store: Path) -> None:
    store.unlink()
    (store / "history.sqlite").mkdir(parents=True)


def damage_wal(store: Path, at: int) -> None:
    """Leave a WAL beside the database, as a killed process does, and overwrite bytes of it."""
    connection = sqlite3.connect(store, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("UPDATE image_generation_batches SET prompt = prompt || ', again'")
    wal = bytearray(store.with_name(f"{NAME}-wal").read_bytes())
    data = store.read_bytes()
    connection.close()
    wal[at : at + 64] = bytes(64)
    store.write_bytes(data)
    store.with_name(f"{NAME}-wal").write_bytes(wal)


FILES = {
    **{f"cut-{part}": partial(cut, part=part) for part in (0.02, 0.1, 0.33, 0.5, 0.75, 0.9, 0.99)},
    **{f"overwrite-{seed}": partial(overwrite, seed=seed) for seed in range(12)},
    **{f"scratch-{seed}": partial(scratch, seed=seed) for seed in range(12)},
    **{f"blank-{seed}": partial(blank, seed=seed) for seed in range(10)},
    **{f"header-{at}": partial(flip_header, at=at) for at in (0, 16, 18, 19, 21, 28, 31, 44, 47, 56, 59)},
    **{f"wal-{at}": partial(damage_wal, at=at) for at in (0, 24, 40, 2000, 5000)},
    "text": write_text,
    "empty": partial(cut, part=0),
    "folder": make_a_folder,
}


@pytest.mark.parametrize("damage", FILES)
def test_a_damaged_file_ends_in_a_named_error_and_no_image_is_lost(store, damage, caplog):
    FILES[damage](store)
    assert_named(store, caplog)


# ------------------------------------------------------------------ damage to the schema and to values


def change(store: Path, damage: tuple[str, ...]) -> None:
    connection = sqlite3.connect(store, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = OFF")
    for statement in damage:
        connection.execute(statement)
    connection.close()


COLUMNS = [
    (table.name, column.name, str(column.type))
    for table in tables.metadata.sorted_tables
    for column in table.columns
    if not column.primary_key and not column.foreign_keys
]
NUMBER = {"word": "'seven'", "blob": "x'00ff00ff'"}
TEXT = {"utf8": "CAST(x'6162fffe63' AS TEXT)"}
WRONG = {
    "JSON": TEXT | {"cut": """'{"a": [1, '""", "list": "'[1, 2]'", "dict": """'{"a": 1}'"""},
    "DATETIME": {"word": "'yesterday'", "year": "'9999-99-99 00:00:00.000000'"},
    "TEXT": TEXT,
    "INTEGER": NUMBER,
    "BIGINT": NUMBER,
    "DOUBLE": NUMBER,
    "BOOLEAN": NUMBER,
}
VALUES = {
    f"{table}.{column}-{name}": (f"UPDATE {table} SET {column} = {value}",)
    for table, column, kind in COLUMNS
    for name, value in WRONG[kind].items()
}
SCHEMAS = {
    **{f"without-{table}": (f"DROP TABLE {table}",) for table in TABLES},
    **{
        f"without-{table}.{column}": (f"ALTER TABLE {table} RENAME COLUMN {column} TO lost_{column}",)
        for table, column, _ in COLUMNS[::3]
    },
    "stage": ("UPDATE image_async_tasks SET stage = 'dancing'",),
    "role": ("UPDATE image_generation_references SET role = 'dancing'",),
    "fewer-steps": ("DELETE FROM image_migrations WHERE number > 3",),
    "no-steps": ("DELETE FROM image_migrations",),
    "schema": (
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = CAST(x'43524541544520fffe' AS TEXT) WHERE name = 'image_settings'",
    ),
}


@pytest.mark.parametrize("damage", [*VALUES, *SCHEMAS])
def test_damaged_rows_and_tables_end_in_a_named_error_and_no_image_is_lost(store, damage, caplog):
    change(store, {**VALUES, **SCHEMAS}[damage])
    assert_named(store, caplog)


# ------------------------------------------------------------------ the words of the error


@pytest.mark.parametrize(
    "damage",
    [
        write_text,
        partial(cut, part=0.33),
        partial(flip_header, at=0),
        partial(change, damage=VALUES["image_generation_topics.title-utf8"]),
        partial(change, damage=VALUES["image_generations.asset-cut"]),
        partial(change, damage=VALUES["image_async_tasks.deadline-word"]),
        partial(change, damage=SCHEMAS["without-image_generations"]),
        partial(change, damage=SCHEMAS["stage"]),
        partial(change, damage=SCHEMAS["schema"]),
        partial(change, damage=SCHEMAS["no-steps"]),
    ],
)
def test_damage_has_one_name_and_advice_that_costs_no_image(store, damage):
    damage(store)
    error = next(error for error in use(store) if isinstance(error, StoreDamaged))
    assert error.code == "store_damaged"
    assert str(store) in error.message
    (folder,) = store.parent.glob("*.assets")
    assert error.next_step.startswith(f"No image is lost: the images stay in the folder {folder}")
    assert "studio.recover()" in error.next_step
    assert "Studio.restore(path, store)" in error.next_step
    assert "delete" not in str(error).lower()


def test_a_result_that_a_damaged_database_cannot_take_ends_the_waiting_and_stays_on_the_disk(store):
    change(store, SCHEMAS["without-image_spending"])
    before = files(store)
    with open_studio(FakeProvider(), store=store) as studio:
        batch = studio.generate("a hare", model="fake:image")
        with pytest.raises(StoreDamaged):
            batch.result(WAIT)
    assert any("incoming" in name for name in files(store).keys() - before.keys())

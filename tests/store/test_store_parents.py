"""The results from which other images were made, and what a migration fills for the past."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from store_makers import NOW, add_batch, delete, fill, make_batch, make_png, make_topic

from imgplay_widget._rules.requests import request_digest
from imgplay_widget._store import rows
from imgplay_widget._types import Action, Reference

HERE = Path(__file__).parent


@pytest.fixture
def registered(store):
    store.register("me")
    return store


def reference_to(generation, **changes):
    """Return the image of a generation as an input image."""
    asset = generation.asset
    found = Reference(
        digest=asset.digest, media_type=asset.media_type, width=asset.width, height=asset.height
    )
    return replace(found, **changes)


def make_result(store, data=None, **topic):
    """Store a batch with one image, and return the generation."""
    made_in = make_topic(**topic)
    batch, generations, tasks = make_batch(made_in)
    add_batch(store, batch, generations, tasks, new_topic=made_in)
    return fill(store, generations[0], tasks[0], data)


def use(store, *references, n=1, mask=None):
    """Store a batch with input images, and return it as the store has it."""
    topic = make_topic()
    batch, generations, tasks = make_batch(topic, n, references=references, mask=mask)
    add_batch(store, batch, generations, tasks, new_topic=topic)
    return store.entry(batch.id)


def ids(found):
    return [generation.id for _, generation in found]


def named(entry):
    return [one.generation_id for one in entry.batch.inputs]


def test_a_result_is_known_by_its_bytes_among_the_input_images(registered):
    first, second = make_result(registered), make_result(registered)
    upload = registered.assets.add_reference(make_png())
    entry = use(registered, upload, reference_to(second), reference_to(first), reference_to(second), n=2)
    assert named(entry) == [None, second.id, first.id, second.id]
    assert [one.parent_id for one in entry.generations] == [second.id, second.id]
    assert ids(registered.parents(entry.batch.id)) == [second.id, first.id]
    assert ids(registered.children(first.id)) == [one.id for one in entry.generations]
    assert registered.children(entry.generations[0].id) == registered.parents("nothing") == []


def test_the_stored_batches_are_returned_with_their_parents(registered):
    first = make_result(registered)
    topic = make_topic()
    batch, generations, tasks = make_batch(topic, references=[reference_to(first)])
    entry = replace(registered.entry(first.batch_id), batch=batch, generations=tuple(generations))
    entry = replace(entry, tasks=tuple(tasks))
    stored_topic, stored = registered.add_batches([entry], new_topic=topic)
    assert stored_topic.id == topic.id
    assert stored == [registered.entry(batch.id)]
    assert stored[0].generations[0].parent_id == first.id


def test_a_generation_that_was_given_counts_before_one_with_the_same_bytes(registered):
    data = make_png()
    first, second = make_result(registered, data), make_result(registered, data)
    assert named(use(registered, reference_to(first))) == [first.id]
    assert named(use(registered, reference_to(second))) == [first.id]
    assert named(use(registered, reference_to(second, generation_id=second.id))) == [second.id]
    # The bytes of the input image are those of a conversion.
    converted = replace(registered.assets.add_reference(make_png()), generation_id=second.id)
    assert named(use(registered, converted)) == [second.id]


def test_a_mask_that_is_a_result_is_no_parent(registered):
    first = make_result(registered)
    upload = registered.assets.add_reference(make_png())
    entry = use(registered, upload, mask=reference_to(first))
    assert named(entry) == [None, first.id]
    assert entry.generations[0].parent_id is None
    assert registered.parents(entry.batch.id) == registered.children(first.id) == []


def test_a_result_of_another_user_is_no_parent(registered, open_store):
    data = make_png()
    other = open_store(user_id="other")
    other.register("me too")
    theirs = make_topic(user_id="other")
    batch, generations, tasks = make_batch(theirs, owner="me too")
    add_batch(other, batch, generations, tasks, new_topic=theirs)
    foreign = fill(other, generations[0], tasks[0], data, owner="me too")
    assert named(use(registered, reference_to(foreign, generation_id=foreign.id))) == [None]
    assert other.children(foreign.id) == []
    mine = make_result(registered, data)
    assert named(use(registered, reference_to(foreign, generation_id=foreign.id))) == [mine.id]


def test_parents_and_children_that_were_deleted_are_not_returned_until_they_come_back(registered):
    first, second = make_result(registered), make_result(registered)
    entry = use(registered, reference_to(first), reference_to(second), n=2)
    delete(registered, "generation", first.id, entry.generations[0].id)
    assert ids(registered.parents(entry.batch.id)) == [second.id]
    assert ids(registered.children(second.id)) == [entry.generations[1].id]
    registered.restore("generation", [first.id, entry.generations[0].id])
    assert ids(registered.parents(entry.batch.id)) == [first.id, second.id]
    assert len(registered.children(second.id)) == 2


# ------------------------------------------------------------------ the past


class Past:
    """A history of the format 9, whose rows a test writes itself."""

    def __init__(self, file):
        shutil.copy(HERE / "databases" / "v0009.sqlite", file)
        shutil.copytree(HERE / "databases" / "v0009.assets", file.with_suffix(".assets"))
        self._file = file
        self._batch, self._generation = self._row("image_generation_batches"), self._row("image_generations")

    def _row(self, table):
        with closing(sqlite3.connect(self._file)) as connection:
            connection.row_factory = sqlite3.Row
            return dict(connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchone())

    def _insert(self, table, row):
        marks = ", ".join("?" * len(row))
        with closing(sqlite3.connect(self._file)) as connection, connection:
            connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))

    def add(self, name, minutes, *, makes=None, uses=(), mask=None, **batch):
        """Add a batch of one image: the digest of the image, and those of its references and its mask."""
        at = str(NOW + timedelta(minutes=minutes))[:26]
        owner = {"user_id": batch.get("user_id", "local")}
        self._insert("image_generation_batches", {**self._batch, "id": name, "created_at": at, **batch})
        asset = {"asset": None} if makes is None else {}
        made = {"id": f"{name}-0", "batch_id": name, "asset_digest": makes, "created_at": at}
        self._insert("image_generations", {**self._generation, **made, **owner, **asset})
        inputs = [*((one, "reference") for one in uses), *([(mask, "mask")] if mask else [])]
        for position, (digest, role) in enumerate(inputs):
            row = {"batch_id": name, "position": position, "digest": digest, "role": role}
            size = {"media_type": "image/png", "width": 8, "height": 8}
            self._insert("image_generation_references", row | size)


@pytest.fixture
def past(tmp_path):
    return Past(tmp_path / "history.sqlite")


A, B, C = (letter * 64 for letter in "abc")


def test_the_parents_of_the_past_are_found_by_their_bytes(past, open_store):
    past.add("first", 1, makes=A)
    past.add("same", 2, makes=A)
    past.add("second", 3, makes=B)
    past.add("child", 4, uses=[C, B, A], mask=A)
    past.add("masked", 5, uses=[C], mask=A)
    store = open_store()
    child = store.entry("child")
    assert named(child) == [None, "second-0", "first-0", "first-0"]
    assert child.generations[0].parent_id == "second-0"
    assert ids(store.parents("child")) == ["second-0", "first-0"]
    assert ids(store.children("first-0")) == ["child-0"]
    masked = store.entry("masked")
    assert (named(masked), masked.generations[0].parent_id) == ([None, "first-0"], None)


def test_what_is_younger_or_of_another_owner_is_no_parent_of_the_past(past, open_store):
    past.add("theirs", 1, makes=A, user_id="other")
    past.add("company", 1, makes=A, organization_id="acme")
    past.add("child", 2, uses=[A])
    past.add("colleague", 2, uses=[A], organization_id="acme")
    past.add("later", 3, makes=A)
    assert named(open_store().entry("child")) == [None]
    assert named(open_store(organization_id="acme").entry("colleague")) == ["company-0"]


def test_the_requests_of_the_past_are_found_again(past, open_store):
    past.add("plain", 1, config='{"width": 64.0, "n": 1}')
    past.add("other", 2, config='{"n": 1, "width": 64}', prompt="a blue hare")
    past.add("edited", 3, config='{"n": 1, "width": 64}', uses=[B, A], mask=C)
    store = open_store()
    for name in ("plain", "other", "edited"):
        batch = store.entry(name).batch
        digest = request_digest(
            provider=batch.provider,
            model=batch.model,
            prompt=batch.prompt,
            config={"n": 1, "width": 64},
            references=[one.digest for one in batch.references],
            mask=batch.mask and batch.mask.digest,
        )
        assert store.same_requests([digest])[digest].batch.id == name


def wanting(store, action):
    """Store a batch whose user wanted something of an image, and return it as the store has it."""
    topic = make_topic()
    upload = store.assets.add_reference(make_png())
    batch, generations, tasks = make_batch(topic, references=[upload])
    add_batch(store, replace(batch, action=action), generations, tasks, new_topic=topic)
    return store.entry(batch.id)


@pytest.mark.parametrize("action", [None, *get_args(Action)])
def test_what_the_user_wanted_of_an_image_is_kept(registered, action):
    assert wanting(registered, action).batch.action == action


def test_an_action_of_a_later_version_stands_for_none(registered):
    entry = wanting(registered, "edit")
    with closing(sqlite3.connect(registered.location)) as connection, connection:
        connection.execute("UPDATE image_generation_batches SET action = 'sing'")
    assert registered.entry(entry.batch.id) == replace(entry, batch=replace(entry.batch, action=None))


def test_an_action_does_not_make_another_request(registered):
    edited = wanting(registered, "edit")
    assert rows.digest_of(edited.batch) == rows.digest_of(replace(edited.batch, action=None))

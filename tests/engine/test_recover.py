"""Images that the history lost come back with all that is known of them, once."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from imgplay_widget._engine import curator
from imgplay_widget._ids import new_id
from imgplay_widget._types import Done, Inline, Recovery
from imgplay_widget.errors import ServerError
from imgplay_widget.testing import FakeProvider, open_studio, png

WAIT = 30
TEAL = png(color=(0, 128, 128))


def paint(unit):
    """Return images that no other call returns."""
    images = [Inline(data=png(color=tuple(os.urandom(3))), applied={"seed": s}) for s in unit.seeds]
    return Done(images=tuple(images), cost="0.04", request_id="request")


def studio_of(store, *answers, **options):
    return open_studio(FakeProvider([*answers, *[paint] * 20]), store=store, **options)


def generate(studio, prompt, n=2, **options):
    return studio.generate(prompt, model="fake:image", n=n, **options).result(WAIT)


def settle(studio):
    studio._core.call(studio._core.archive.settle)


def shown(studio):
    """Return what a user sees of each image, by its id; paths and times of writing may differ."""
    found = {}
    for topic in studio.topics:
        for batch in topic.batches():
            for one in batch:
                recipe = {name: value for name, value in one.recipe.items() if name != "path"}
                found[one.id] = (topic.title, one.bytes, recipe, batch.code, one._row.parent_id)
    return found


def remove_database(store):
    for file in store.parent.glob(f"{store.name}*"):
        if file.is_file():
            file.unlink()


def copy_database(store, target):
    with closing(sqlite3.connect(store)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "foxes.sqlite"


@pytest.fixture
def history(store):
    """Return what a history of two topics shows, with input images, and what was spent in it."""
    with studio_of(store) as studio:
        generate(studio, "a red fox, 雪 \U0001f98a", n=3, seed=7, width=64, topic="Foxes")
        first = generate(studio, "a blue hare", topic="Hares", references=[png()])
        generate(studio, "a green owl", n=1, topic="Foxes", references=[first[0]])
        settle(studio)
        return shown(studio), studio.spent(), {topic.title: topic.images for topic in studio.topics}


def test_an_emptied_history_comes_back_whole(store, history):
    before, spent, images = history
    remove_database(store)
    with studio_of(store) as studio:
        (notice,) = studio.notices
        assert "recover()" in notice.message
        assert studio.topics == []
        report = studio.recover()
        assert (report.found, report.with_recipe, report.skipped) == (6, 6, {})
        settle(studio)
        assert shown(studio) == before
        assert studio.spent() == spent
        assert {topic.title: topic.images for topic in studio.topics} == images
        assert all(topic.cover is not None for topic in studio.topics)
        assert studio.notices == []
        assert studio.recover() == Recovery()
        assert shown(studio) == before
    with studio_of(store) as studio:
        assert studio.notices == []


def test_a_history_that_an_older_copy_replaced_comes_back_whole(store, tmp_path):
    with studio_of(store) as studio:
        generate(studio, "a red fox", topic="Foxes")
    copy_database(store, tmp_path / "copy.db")
    with studio_of(store) as studio:
        generate(studio, "a blue fox", topic="Foxes")
        generate(studio, "a hare", topic="Hares")
        before = shown(studio)
    remove_database(store)
    shutil.copy(tmp_path / "copy.db", store)
    with studio_of(store) as studio:
        # The history names images, so the files were not looked through.
        assert studio.notices == []
        assert len(shown(studio)) == 2
        assert studio.recover().with_recipe == 4
        assert shown(studio) == before
        assert studio.recover().found == 0


def test_a_slot_that_was_empty_in_the_older_copy_is_filled(store, tmp_path):
    with studio_of(store, ServerError("Broken.", provider="fake")) as studio:
        batch = studio.generate("a fox", model="fake:image")
        with pytest.raises(ServerError):
            batch.result(WAIT)
        copy_database(store, tmp_path / "copy.db")
        batch.retry().result(WAIT)
        image = batch[0].bytes
    remove_database(store)
    shutil.copy(tmp_path / "copy.db", store)
    with studio_of(store) as studio:
        (found,) = studio.search("fox")
        assert found[0].status == "error"
        assert studio.recover() == Recovery(filled=1)
        assert (found[0].status, found[0].error, found[0].bytes) == ("success", None, image)
        assert studio.topics[0].images == 1


def test_bytes_that_arrived_for_a_failed_slot_fill_it(store):
    with studio_of(store, ServerError("Broken.", provider="fake")) as studio:
        batch = studio.generate("a fox", model="fake:image")
        with pytest.raises(ServerError):
            batch.result(WAIT)
        assets = studio._core.archive.store.assets
        assets.receive(batch[0].id, TEAL)
        assert studio.recover() == Recovery(filled=1)
        assert (batch[0].status, batch[0].bytes) == ("success", TEAL)
        assert assets.arrived() == []
        assert studio.recover().found == 0
    remove_database(store)
    with studio_of(store) as studio:
        assert studio.recover().with_recipe == 1
        assert studio.search("fox")[0][0].bytes == TEAL


def test_images_without_a_recipe_come_into_a_topic_of_their_own(store, history):
    before, *_ = history
    remove_database(store)
    shutil.rmtree(store.with_name("foxes.sqlite.assets") / "recipes")
    with studio_of(store) as studio:
        assets = studio._core.archive.store.assets
        assets.receive(new_id(), TEAL)
        (assets.root / "incoming" / "half").write_bytes(b"\x89PNG half")
        report = studio.recover()
        # An input image cannot be told from a result any more.
        assert (report.with_recipe, report.without_recipe) == (0, report.found - 1)
        assert report.skipped == {"half": "The file is not a whole image."}
        assert "half was left alone" in repr(report)
        (topic,) = studio.topics
        assert topic.title == "Recovered"
        images = {one.bytes for batch in topic.batches(limit=100) for one in batch}
        assert images >= {image for _, image, *_ in before.values()} | {TEAL}
        (batch, *_) = topic.batches()
        assert batch[0].recipe["model"] == "unknown:unknown"
        assert studio.recover().found == 1
        assert len(studio.topics) == 1


def test_what_was_deleted_does_not_come_back(store):
    with studio_of(store) as studio:
        generate(studio, "a fox", n=1).delete()
        generate(studio, "a hare", n=1)
        settle(studio)
        assert studio.recover().found == 0
        archive = studio._core.archive
        studio._core.call(archive.in_store, archive.store.purge, datetime.now(UTC) + timedelta(days=1))
        assert len(list(archive.store.assets.root.glob("recipes/*/*.json"))) == 1
        assert studio.recover().found == 0
        assert [one.prompt for one in studio.search()] == ["a hare"]


def test_an_image_of_another_user_is_left_alone(store):
    with studio_of(store, user_id="ann") as studio:
        generate(studio, "a fox", n=1)
    remove_database(store)
    with studio_of(store, user_id="ben") as studio:
        report = studio.recover()
        assert list(report.skipped.values()) == ["The image belongs to another user."]
        assert studio.topics == []
    with studio_of(store, user_id="ann") as studio:
        assert studio.recover().with_recipe == 1


def test_a_recipe_that_somebody_changed_does_not_stop_the_others(store, history):
    remove_database(store)
    root = store.with_name("foxes.sqlite.assets")
    for number, file in enumerate(sorted(root.glob("recipes/*/*.json"))):
        if number < 3:
            file.write_text(["{", '{"format": 1, "batch": []}', "[]"][number])
    with studio_of(store) as studio:
        report = studio.recover()
        assert (report.with_recipe, report.without_recipe >= 3, report.skipped) == (3, True, {})


def test_many_images_come_back_in_parts(store, history, monkeypatch):
    before, *_ = history
    remove_database(store)
    monkeypatch.setattr(curator, "RECOVER_PART", 1)
    with studio_of(store) as studio:
        assert studio.recover().with_recipe == 6
        assert shown(studio) == before


def test_a_recipe_holds_no_key(store):
    with studio_of(store, keys={"fake": "sk-secret-12345"}) as studio:
        generate(studio, "a fox", n=1)
    texts = [file.read_text() for file in Path(f"{store}.assets").glob("recipes/*/*.json")]
    assert len(texts) == 1
    assert "sk-secret" not in texts[0]


def test_a_history_of_an_earlier_version_gets_recipes_when_it_is_opened(store, history):
    before, *_ = history
    root = store.with_name("foxes.sqlite.assets")
    shutil.rmtree(root / "recipes")
    (root / "complete").unlink()
    root.rename(store.with_suffix(".assets"))
    with studio_of(store) as studio:
        assert shown(studio) == before
    remove_database(store)
    with studio_of(store) as studio:
        assert studio.recover().with_recipe == 6
        assert shown(studio) == before


# ------------------------------------------------------------------ Retry


def failed(studio, n):
    batch = studio.generate("a fox", model="fake:sheet", n=n)
    with pytest.raises(ServerError):
        batch.result(WAIT)
    return batch, studio._core.archive.store.assets


def test_retry_uses_what_arrived_before_it_sends_anything(store):
    provider = FakeProvider([ServerError("Broken.", provider="fake"), paint])
    with open_studio(provider, store=store) as studio:
        batch, assets = failed(studio, 3)
        assets.receive(batch[1].id, TEAL)
        batch.retry().result(WAIT)
        assert [one.status for one in batch] == ["success"] * 3
        assert batch[1].bytes == TEAL
        assert [unit.positions for unit in provider.submits] == [(0, 1, 2), (0, 2)]
        settle(studio)
        assert studio.topics[0].images == 3
        assert assets.arrived() == []


def test_retry_sends_nothing_where_every_image_arrived(store):
    provider = FakeProvider([ServerError("Broken.", provider="fake")])
    with open_studio(provider, store=store) as studio:
        batch, assets = failed(studio, 1)
        # The image is here already, so no budget stands against it.
        studio._core.budget = Decimal(0)
        assets.receive(batch[0].id, TEAL)
        batch.retry().result(WAIT)
        assert (batch[0].bytes, batch[0].error) == (TEAL, None)
        settle(studio)
        assert studio.topics[0].cover is not None
    assert len(provider.submits) == 1


def test_bytes_that_are_no_image_do_not_stop_a_retry(store):
    provider = FakeProvider([ServerError("Broken.", provider="fake"), paint])
    with open_studio(provider, store=store) as studio:
        batch, assets = failed(studio, 1)
        assets.receive(batch[0].id, b"<html>")
        batch.retry().result(WAIT)
        assert batch[0].status == "success"
        assert assets.arrived() == []
    assert len(provider.submits) == 2

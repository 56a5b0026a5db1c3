"""The stored batch of a request that was made before."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from store_makers import (
    NOW,
    add_batch,
    delete,
    ended,
    fill,
    make_batch,
    make_png,
    make_topic,
    purge,
    succeed,
)

from imgplay_widget._rules import lifecycle as life
from imgplay_widget._rules.requests import request_digest
from imgplay_widget.errors import Moderated


@pytest.fixture
def registered(store):
    store.register("me")
    return store


def ask(store, n=2, *, filled=0, **options):
    """Store a request, of which some images are there, and return the batch, generations and tasks."""
    topic = make_topic()
    batch, generations, tasks = make_batch(topic, n, **options)
    add_batch(store, batch, generations, tasks, new_topic=topic)
    for index in range(filled):
        fill(store, generations[index], tasks[index])
    return batch, generations, tasks


def digest_of(batch, **other):
    """Return the digest of a batch, or of one that differs from it."""
    request = {
        "provider": batch.provider,
        "model": batch.model,
        "prompt": batch.prompt,
        "config": batch.config,
        "references": [one.digest for one in batch.references],
        "mask": batch.mask and batch.mask.digest,
    }
    return request_digest(**{**request, **other})


def found(store, digest):
    entry = store.same_requests([digest]).get(digest)
    return None if entry is None else entry.batch.id


def test_the_newest_batch_of_a_request_is_found_whether_it_is_done_or_runs(registered):
    done, *_ = ask(registered, filled=2)
    digest = digest_of(done)
    assert found(registered, digest) == done.id
    running, *_ = ask(registered, filled=1)
    assert found(registered, digest) == running.id
    assert registered.same_requests([digest]).get(digest) == registered.entry(running.id)
    assert found(registered, digest_of(done, prompt="a blue fox")) is None


def test_input_images_belong_to_the_request(registered):
    reference, other = (registered.assets.add_reference(make_png()) for _ in range(2))
    mask = registered.assets.add_reference(make_png(mode="RGBA"))
    plain, *_ = ask(registered, filled=2)
    edited, *_ = ask(registered, filled=2, references=[reference, other], mask=mask)
    assert found(registered, digest_of(plain)) == plain.id
    assert found(registered, digest_of(edited)) == edited.id
    assert found(registered, digest_of(edited, references=[other.digest, reference.digest])) is None
    assert found(registered, digest_of(edited, mask=None)) is None


def test_a_batch_with_a_slot_that_failed_or_was_cancelled_does_not_count(registered):
    done, *_ = ask(registered, filled=2)
    digest = digest_of(done)
    failed, _, tasks = ask(registered, filled=1)
    sent = life.advance(tasks[1], life.Send(), NOW)
    registered.save_task(life.advance(sent, life.Fail(Moderated("No.").info), NOW), owner="me")
    cancelled, _, tasks = ask(registered, filled=1)
    registered.save_task(ended(tasks[1]), owner="me")
    refused, generations, tasks = ask(registered, filled=1)
    registered.finish_task(succeed(tasks[1]), [], {generations[1].id: Moderated("No.").info}, owner="me")
    assert {failed.id, cancelled.id, refused.id, done.id} == {
        one.batch.id for one in registered.feed(None).entries
    }
    assert found(registered, digest) == done.id


def test_a_batch_that_lost_an_image_counts_again_only_when_the_image_is_back(registered):
    batch, generations, _ = ask(registered, filled=2)
    digest = digest_of(batch)
    delete(registered, "generation", generations[0].id)
    assert found(registered, digest) is None
    registered.restore("generation", [generations[0].id])
    assert found(registered, digest) == batch.id
    delete(registered, "generation", generations[0].id)
    purge(registered)
    assert found(registered, digest) is None


@pytest.mark.parametrize("what", ["batch", "topic"])
def test_a_deleted_batch_does_not_count(registered, what):
    batch, *_ = ask(registered, filled=2)
    delete(registered, what, batch.id if what == "batch" else batch.topic_id)
    assert found(registered, digest_of(batch)) is None


def test_another_user_has_other_batches(registered, open_store):
    batch, *_ = ask(registered, filled=2)
    assert found(open_store(user_id="other"), digest_of(batch)) is None
    assert found(open_store(organization_id="acme"), digest_of(batch)) is None


def test_a_recovered_batch_that_lost_its_reference_answers_only_its_own_request(registered, open_store):
    reference = registered.assets.add_reference(make_png())
    edited, *_ = ask(registered, n=1, filled=1, references=[reference])
    registered.close()
    with closing(sqlite3.connect(registered.location)) as connection, connection:
        connection.execute("DELETE FROM image_generation_topics")
        connection.execute("DELETE FROM image_generation_batches")
        connection.execute("DELETE FROM image_generation_references")
        connection.execute("DELETE FROM image_generations")
        connection.execute("DELETE FROM image_async_tasks")
    (file,) = (registered.assets.root / "originals").rglob(f"{reference.digest}.*")
    file.unlink()
    store = open_store()
    assert store.recover(store.lost()).report.with_recipe == 1
    assert store.entry(edited.id).batch == replace(edited, references=())
    assert found(store, digest_of(edited, references=[])) is None
    assert found(store, digest_of(edited)) == edited.id


def test_a_request_is_found_by_an_index(registered):
    question = (
        "SELECT id FROM image_generation_batches WHERE user_id = 'local' AND organization_id IS NULL "
        "AND request_digest = 'a' ORDER BY id DESC"
    )
    with closing(sqlite3.connect(registered.location)) as connection:
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {question}"))
    assert "idx_batches_request (user_id=? AND organization_id=? AND request_digest=?)" in plan
    assert "TEMP B-TREE" not in plan

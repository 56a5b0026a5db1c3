"""Scores and tags of images: handles and pages follow each change of them."""

from __future__ import annotations

from functools import partial

import pytest

from imgplay_widget._rules.changes import EntryWritten
from imgplay_widget.errors import InvalidRequest, NotFound
from imgplay_widget.testing import FakeProvider, Gate, open_studio, picture

WAIT = 20


def test_handles_and_subscribers_follow_scores_and_tags():
    with open_studio(FakeProvider()) as studio:
        batch = studio.generate("a fox", model="fake:image", n=2).result(WAIT)
        core, told = studio._core, []
        core.subscribe(told.extend, every=0.0)
        core.call(core.curator.score, {batch[0].id: {"clip": 0.31}})
        core.call(partial(core.curator.tag, add=["poster"]), [batch[0].id, batch[1].id])
        assert [(one.scores, one.tags) for one in batch] == [({"clip": 0.31}, {"poster"}), ({}, {"poster"})]
        with pytest.raises(InvalidRequest):
            core.call(core.curator.score, {batch[0].id: {"clip": float("inf")}})
        core.call(core.curator.score, {"gone": {"clip": 1}})
    written = [one.entry.generations[0] for one in told if isinstance(one, EntryWritten)]
    assert [(dict(one.scores), one.tags) for one in written] == [
        ({"clip": 0.31}, ()),
        ({"clip": 0.31}, ("poster",)),
    ]


def test_an_image_that_still_runs_keeps_its_scores_and_tags():
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        batch = studio.generate("a fox", model="fake:image")
        core = studio._core
        assert gate.reached.wait(WAIT)
        core.call(core.curator.score, {batch[0].id: {"clip": 0.31}})
        core.call(partial(core.curator.tag, add=["poster"]), [batch[0].id])
        gate.open()
        one = batch.result(WAIT)[0]
        assert one.status == "success"
        assert (one.scores, one.tags) == ({"clip": 0.31}, {"poster"})


@pytest.fixture
def one():
    with open_studio(FakeProvider()) as studio:
        yield studio.generate("a fox", model="fake:image").result(WAIT)[0]


def test_code_scores_an_image_as_it_fills_a_dict(one):
    scores = one.scores
    scores["clip"] = 0.31
    one.scores.update({"sharp": 2}, faces=1)
    assert list(scores.items()) == [("clip", 0.31), ("faces", 1.0), ("sharp", 2.0)]
    assert repr(scores) == "{'clip': 0.31, 'faces': 1.0, 'sharp': 2.0}"
    del scores["sharp"]
    assert scores.pop("faces") == 1.0
    one.scores = {"votes": 3}
    assert (scores, len(scores), "clip" in scores) == ({"votes": 3.0}, 1, False)
    scores.clear()
    assert not scores
    with pytest.raises(KeyError):
        del scores["clip"]


def test_code_tags_an_image_as_it_fills_a_set(one):
    tags = one.tags
    tags.add("poster")
    one.tags |= {"draft", "night"}
    assert tags == {"poster", "draft", "night"}
    assert list(tags) == ["draft", "night", "poster"]
    tags.discard("draft")
    tags.discard("never there")
    tags.remove("night")
    assert (tags, repr(tags)) == ({"poster"}, "{'poster'}")
    assert (tags | {"a"}, tags & {"a"}) == ({"poster", "a"}, set())
    one.tags = ["final"]
    assert tags == {"final"}
    tags.clear()
    assert not tags
    with pytest.raises(KeyError):
        tags.remove("final")


def test_scores_and_tags_are_stored_at_once(store):
    with open_studio(FakeProvider(), store=store) as studio:
        one = studio.generate("a fox", model="fake:image").result(WAIT)[0]
        one.scores["clip"] = 0.31
        one.tags.add("poster")
        with open_studio(FakeProvider(), store=store) as other:
            (same,) = other.batches(one.batch.topic_id)[0]
            assert (same.scores, same.tags) == ({"clip": 0.31}, {"poster"})


def test_an_image_can_be_scored_before_it_is_stored():
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        one = studio.generate("a fox", model="fake:image")[0]
        one.scores["clip"] = 0.31
        one.tags.add("poster")
        assert (one.scores, one.tags) == ({"clip": 0.31}, {"poster"})
        gate.open()


@pytest.mark.parametrize("value", ["0.3", True, float("nan"), float("inf"), [1], 10**400])
def test_what_is_not_a_number_is_no_score(one, value):
    one.scores["clip"] = 0.31
    with pytest.raises(InvalidRequest, match="not a finite number"):
        one.scores.update(sharp=1.0, clip=value)
    assert one.scores == {"clip": 0.31}


@pytest.mark.parametrize("name", ["", " clip", "a\nb", "x" * 65, 7, None, ["clip"]])
def test_a_name_that_cannot_be_shown_is_refused(one, name):
    with pytest.raises((InvalidRequest, TypeError)):
        one.scores[name] = 0.31
    with pytest.raises(InvalidRequest):
        one.tags.add(name)
    with pytest.raises(InvalidRequest):
        one.tags = ["poster", name]
    assert (one.scores, one.tags) == ({}, set())


def test_all_scores_and_tags_are_replaced_by_a_mapping_and_a_collection_only(one):
    with pytest.raises(InvalidRequest, match="not a mapping"):
        one.scores = 0.31
    for tags in ("poster", 7):
        with pytest.raises(InvalidRequest, match="not a collection"):
            one.tags = tags
    assert (one.scores, one.tags) == ({}, set())


def test_a_deleted_image_is_neither_scored_nor_tagged(one):
    scores, tags = one.scores, one.tags
    one.delete()
    with pytest.raises(NotFound):
        scores["clip"] = 0.31
    with pytest.raises(NotFound):
        tags.add("poster")

"""Scores and tags of images: handles and pages follow each change of them."""

from __future__ import annotations

from functools import partial

import pytest

from imgplay_widget._rules.changes import EntryWritten
from imgplay_widget.errors import InvalidRequest
from imgplay_widget.testing import FakeProvider, Gate, open_studio, picture

WAIT = 20


def test_handles_and_subscribers_follow_scores_and_tags():
    with open_studio(FakeProvider()) as studio:
        batch = studio.generate("a fox", model="fake:image", n=2).result(WAIT)
        core, told = studio._core, []
        core.subscribe(told.extend, every=0.0)
        core.call(core.curator.score, {batch[0].id: {"clip": 0.31}})
        core.call(partial(core.curator.tag, add=["poster"]), [batch[0].id, batch[1].id])
        assert [(dict(one._row.scores), one._row.tags) for one in batch] == [
            ({"clip": 0.31}, ("poster",)),
            ({}, ("poster",)),
        ]
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
        row = batch.result(WAIT)[0]._row
        assert row.asset is not None
        assert (dict(row.scores), row.tags) == ({"clip": 0.31}, ("poster",))

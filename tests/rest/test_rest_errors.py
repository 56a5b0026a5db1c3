"""The errors of REST: one status for each class of the tree, and the same body for all of them."""

from __future__ import annotations

import pytest

from imgplay_widget import errors
from imgplay_widget.errors import ImgplayError
from imgplay_widget.server.rest.endpoints import ENDPOINTS
from imgplay_widget.server.rest.statuses import STATUSES, status_of

TREE = sorted(
    (
        one
        for one in map(errors.__dict__.get, errors.__all__)
        if isinstance(one, type) and issubclass(one, ImgplayError)
    ),
    key=lambda one: one.code,
)


def test_each_class_of_the_tree_has_a_status():
    assert set(STATUSES) == set(TREE)


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.code)
def test_a_plug_in_s_own_class_has_the_status_of_its_base(kind):
    class Own(kind):
        code = "own"

    assert status_of(Own) == STATUSES[kind]


@pytest.mark.parametrize(
    "kind",
    [
        errors.InvalidRequest,
        errors.UnknownParameter,
        errors.OverBudget,
        errors.PriceUnknown,
        errors.NotFound,
        errors.MissingKey,
        errors.BadRequest,
        errors.Moderated,
        errors.ModelNotFound,
        errors.NotShown,
        errors.BackupDamaged,
        errors.QueryTooLong,
    ],
)
def test_what_a_user_can_correct_is_no_failure_of_the_server(kind):
    assert 400 <= status_of(kind) < 500


def test_a_closed_studio_is_told_with_a_time_to_come_back(client, studio):
    client.get("/topics")
    studio.close()
    answer = client.get("/topics")
    assert (answer.status_code, answer.json()["code"]) == (503, "studio_closed")
    assert int(answer.headers["retry-after"]) >= 1


def test_a_failure_inside_is_logged_and_not_shown(client, studio, monkeypatch, caplog):
    def broken(*args, **keywords):
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(studio._core.archive.store, "topic_page", broken)
    answer = client.get("/topics")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert "a secret detail" in caplog.text


def test_a_locked_store_is_told_and_nothing_is_lost(client, studio, monkeypatch):
    def locked(*args, **keywords):
        raise errors.StoreLocked("Another program holds the database.")

    monkeypatch.setattr(studio._core.archive.store, "add_batches", locked)
    wanted = {"provider": "fake", "model": "image", "prompt": "a fox"}
    answer = client.post("/generate", json=wanted, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (503, "store_locked")
    monkeypatch.undo()
    assert client.post("/generate", json=wanted, headers={"Idempotency-Key": "k"}).status_code == 202


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/topics/", "/topics/x/y/z"])
def test_an_unknown_address_is_not_found(client, path):
    answer = client.get(client.base_url.join(str(client.base_url).rstrip("/") + path))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_every_endpoint_has_a_summary():
    assert [one.name for one in ENDPOINTS if not one.function.__doc__] == []

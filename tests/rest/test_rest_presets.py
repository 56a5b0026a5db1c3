"""Presets in REST: the list, and a request that names one."""

from __future__ import annotations

import pytest

WANTED = {"provider": "fake", "model": "image", "prompt": "a fox"}


@pytest.fixture(autouse=True)
def _presets(studio):
    studio.presets["poster"] = {
        "model": "fake:image",
        "width": 128,
        "prefix": "poster of",
        "suffix": ", flat",
    }
    studio.presets["night"] = {"suffix": "at night"}


def refused(answer):
    return answer.status_code, answer.json()["code"], answer.json()["message"]


def test_all_presets_are_listed(client):
    night, poster = client.get("/presets").json()["presets"]
    assert (night["name"], night["model"], night["suffix"]) == ("night", None, "at night")
    assert poster == {
        "name": "poster",
        "model": "fake:image",
        "params": {"width": 128},
        "prefix": "poster of",
        "suffix": ", flat",
        "gone": False,
    }


def test_a_request_takes_what_it_lacks_from_its_preset(client):
    made = client.post("/generate", json={"prompt": "a fox", "preset": "poster"})
    assert made.status_code == 202
    batch = made.json()
    assert (batch["provider"], batch["model"], batch["width"]) == ("fake", "image", 128)
    assert batch["prompt"] == "poster of a fox, flat"


def test_what_a_request_names_goes_first(client):
    body = {**WANTED, "model": "sheet", "preset": "poster", "parameters": {"width": 64}}
    batch = client.post("/generate", json=body).json()
    assert (batch["model"], batch["width"]) == ("sheet", 64)
    batch = client.post("/generate", json={**WANTED, "preset": "night"}).json()
    assert batch["prompt"] == "a fox at night"


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        ({"prompt": "a fox"}, 400, "invalid_request", "names no model"),
        ({"prompt": "a fox", "preset": "night"}, 400, "invalid_request", "names no model"),
        ({"prompt": "a fox", "provider": "fake"}, 400, "invalid_request", "model is missing"),
        ({"prompt": "a fox", "model": "image"}, 400, "invalid_request", "provider is missing"),
        ({**WANTED, "preset": "postr"}, 404, "not_found", "There is no preset 'postr'"),
        ({**WANTED, "preset": ""}, 400, "invalid_request", "preset"),
        ({**WANTED, "preset": " a"}, 400, "invalid_request", "cannot have the name"),
    ],
)
def test_a_request_that_cannot_be_made_is_refused(client, studio, body, status, code, words):
    told = refused(client.post("/generate", json=body))
    assert told[:2] == (status, code)
    assert words in told[2]
    assert studio.topics == []

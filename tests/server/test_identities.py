"""Two users whom an identity provider names see nothing of each other, at any endpoint, call or event."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from imgplay_widget import Studio
from imgplay_widget._page import protocol
from imgplay_widget._studio.options import NAMED
from imgplay_widget.server.rest.endpoints import ENDPOINTS
from tests.server.conftest import SocketPage
from tests.server.jupyter_host import API

SECRET = "a fox that only its owner may see"
WANTED = {"provider": "demo", "model": "instant", "prompt": SECRET, "imageNum": 1, "parameters": {}}


def calls() -> dict[str, type[Any]]:
    """Return all calls of the page by their methods."""
    union = protocol.Call
    while not all(isinstance(one, type) for one in get_args(union)):
        union = get_args(union)[0]
    return {one.model_fields["method"].default: one for one in get_args(union)}


# What a call needs beside ids. Calls that take no id of another user are not here.
FIELDS = {
    "cancel": {"batchIds": ["batch"]},
    "retry": {"batchId": "batch"},
    "delete": {"what": "batch", "ids": ["batch"]},
    "restore": {"what": "topic", "ids": ["topic"]},
    "star": {"generationIds": ["generation"], "starred": True},
    "select": {"generationIds": ["generation"]},
    "move_batches": {"batchIds": ["batch"], "topicId": None},
    "rename_topic": {"topicId": "topic", "title": "mine now"},
    "pin_topic": {"topicId": "topic", "pinned": True},
    "choose_cover": {"topicId": "topic", "generationId": "generation"},
    "select_topic": {"topicId": "topic"},
    "feed": {"topicId": "topic"},
    "gallery": {"topicId": "topic"},
    "named_batches": {"batchIds": ["batch"]},
    "read_sweep": {"sweepId": "sweep"},
    "cancel_sweep": {"sweepId": "sweep"},
    "queue": {},
    "prompts": {},
    "models_used": {"topicId": "topic"},
    "labels_used": {"topicId": "topic"},
    "topics": {},
    "named_topics": {"topicIds": ["topic"]},
    "save_draft": {"topicId": "topic", "prompt": "mine", "references": ["digest"], "mask": None},
    "thumbnails": {"generationIds": ["generation"]},
    "covers": {"topicIds": ["topic"]},
    "original": {"generationId": "generation"},
    "view": {"generationId": "generation"},
    "recipe": {"generationId": "generation"},
    "read_chain": {"generationId": "generation"},
    "reference_thumbnails": {"digests": ["digest"]},
    "reference_original": {"digest": "digest"},
    "code": {"batchId": "batch"},
    "pack": {"generationIds": ["generation"]},
    "presets": {},
    "rename_preset": {"name": "hers", "to": "mine now"},
    "delete_preset": {"name": "hers"},
    "take_reference": {"source": "generation", "value": "generation"},
    "hello": {"page": "p3"},
    "follow_up": {"generationId": "generation", "action": "upscale", "model": "demo:upscale"},
}
WITHOUT_IDS = {
    *("generate", "improve", "part", "pack_chunk", "drop_pack", "upload", "add_server", "remove_server"),
    *("model", "check_provider", "set_key", "configure", "add_workflow", "server_presets"),
    *("save_preset", "restore_preset"),
}


def with_ids(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [with_ids(one, ids) for one in value]
    return ids.get(value, value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def ids(named):
    """Return the ids of an image and of a sweep of Carla."""
    carla = named.named("carla")
    with named.socket(**{"X-User": "carla"}) as socket:
        page = SocketPage(socket)
        batch = page.generate(SECRET, model="demo:instant")
        words = {"model": None, "params": {}, "prefix": SECRET, "suffix": ""}
        page.call("save_preset", name="hers", replace=True, **words)
        done = page.event("generation_changed", lambda e: e["generation"]["status"] == "success")
    made = carla.get(f"{API}/batches/{batch}").json()
    with Studio(named.store, user_id=f"{NAMED}carla") as kernel:
        sweep = kernel.sweep(f"{SECRET} {{n}}", n=1, model="demo:instant", seed=[1]).result(60).id
    generation = done["generation"]["id"]
    image = carla.get(f"{API}/generations/{generation}/image")
    assert image.status_code == 200
    return {
        "batch": batch,
        "sweep": sweep,
        "topic": made["topicId"],
        "generation": generation,
        "digest": image.headers["ETag"].strip('"'),
    }


def test_every_call_is_tested():
    assert set(calls()) == set(FIELDS) | WITHOUT_IDS


@pytest.mark.parametrize("method", FIELDS)
def test_a_call_of_the_page_shows_nothing_of_another_user(named, ids, method):
    with named.socket(**{"X-User": "bob"}) as socket:
        page = SocketPage(socket)
        reply, buffers = page.call(method, **with_ids(FIELDS[method], ids))
        assert SECRET not in json.dumps(reply)
        assert method == "hello" or buffers == []
    kept = named.named("carla").get(f"{API}/batches/{ids['batch']}").json()
    assert kept["topicId"] == ids["topic"]
    assert [one["status"] for one in kept["generations"]] == ["success"]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e.method} {e.path}")
def test_an_endpoint_shows_nothing_of_another_user(named, ids, endpoint):
    if endpoint.path == "/events":
        pytest.skip("has a test of its own")
    bob, path = named.named("bob"), endpoint.path
    for name in ("topic", "batch", "generation"):
        path = path.replace(f"{{{name}Id}}", ids[name])
    body = {"/generate": {**WANTED, "prompt": "bob's", "topicId": ids["topic"]}, "/estimate": WANTED}
    body |= {"/references": {"generationId": ids["generation"]}}
    content = {"json": body.get(endpoint.path, {})} if endpoint.body is not None else {}
    answer = bob.request(endpoint.method, API + path, **content)
    assert SECRET not in answer.text
    if path != endpoint.path or endpoint.path == "/generate":
        assert answer.status_code in (400, 404)
    assert named.named("carla").get(f"{API}/batches/{ids['batch']}").status_code == 200


def test_no_event_tells_of_another_user(named):
    with (
        named.socket(**{"X-User": "bob"}) as socket,
        named.browser(**{"X-User": "bob"}).stream("GET", f"{API}/events") as stream,
    ):
        page, lines = SocketPage(socket), stream.iter_lines()
        told = [next(lines)]
        made = named.named("carla").post(f"{API}/generate", json=WANTED)
        assert made.status_code == 202
        page.generate("the end of this test", model="demo:instant")
        while "the end of this test" not in told[-1]:
            told.append(next(lines))
        assert SECRET not in str(told) + str([content for content, _ in page.messages])


def test_the_owner_sees_no_other_user_either(named, ids):
    owner = named.named("ann")
    assert owner.get(f"{API}/batches/{ids['batch']}").status_code == 404
    assert SECRET not in owner.get(f"{API}/batches").text


OWNERS = {"imgplay-widget/minimax": "sk-of-the-owner"}


@pytest.fixture
def pages(named):
    """Return the pages of two named users and of the owner, who has a key in the keyring."""
    named.keyring.write_text(json.dumps(OWNERS))
    fay, dora, ann = (named.socket(**{"X-User": name}) for name in ("fay", "dora", "ann"))
    with fay, dora, ann:
        yield SocketPage(fay), SocketPage(dora), SocketPage(ann)


def key_source(page):
    """Return the source of a key as a page shows it, after the studio looked for the key everywhere."""
    checked = page.result("check_provider", provider="minimax")
    providers = page.result("hello", page="p")["snapshot"]["providers"]
    shown = next(one for one in providers if one["name"] == "minimax")
    assert (shown["key"] == "missing") == (checked["outcome"] == "missing_key")
    return shown["keySource"]


def test_a_key_in_the_keyring_belongs_to_its_user(named, pages):
    fay, dora, ann = pages
    assert [key_source(page) for page in pages] == ["", "", "system keyring"]
    fay.result("set_key", provider="minimax", key="sk-of-fay", remember=True)
    assert [key_source(page) for page in pages] == ["system keyring", "", "system keyring"]
    for page in (dora, ann):
        page.result("set_key", provider="minimax", key="", remember=True)
    assert json.loads(named.keyring.read_text()) == {"imgplay-widget/minimax:user:fay": "sk-of-fay"}
    assert [key_source(page) for page in pages] == ["system keyring", "", ""]
    fay.result("set_key", provider="minimax", key="", remember=True)
    assert key_source(fay) == ""


def test_a_key_in_memory_belongs_to_its_user(named, pages):
    fay, dora, ann = pages
    fay.result("set_key", provider="minimax", key="sk-of-fay", remember=False)
    assert [key_source(page) for page in pages] == ["given to this studio", "", "system keyring"]
    for page in (dora, ann):
        page.result("set_key", provider="minimax", key="", remember=False)
    assert key_source(fay) == "given to this studio"
    fay.result("set_key", provider="minimax", key="", remember=False)
    assert [key_source(page) for page in pages] == ["", "", "system keyring"]
    assert json.loads(named.keyring.read_text()) == OWNERS

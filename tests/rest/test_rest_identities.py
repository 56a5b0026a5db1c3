"""Two named identities on one Jupyter Server see nothing of each other's history over REST."""

from __future__ import annotations

import json

import pytest

from imgplay_widget.server.rest.endpoints import ENDPOINTS
from tests.server.jupyter_host import API, NAMED, PAGE, Jupyter

WANTED = {"provider": "demo", "model": "instant", "prompt": "a secret of bob"}
BODIES = {"change_topic": {"title": "taken"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Jupyter(tmp_path_factory.mktemp("named"), NAMED, JUPYTERHUB_USER="ann")
    yield server
    server.stop()


def script(server, name):
    client = server.browser(**{"X-User": name, "Authorization": "token the-token"})
    # A script with a token needs no XSRF cookie. Here a proxy logs in, so the cookie of the page is needed.
    client.get(PAGE)
    client.headers["X-XSRFToken"] = client.cookies.get("_xsrf", "")
    return client


@pytest.fixture(scope="module")
def bobs(server):
    """Return a script of bob, and the ids of his topic, his batch and his image."""
    bob = script(server, "bob")
    batch = bob.post(f"{API}/generate", json=WANTED).json()
    generation = batch["generations"][0]["id"]
    with bob.stream("GET", f"{API}/events") as events:
        for line in events.iter_lines():
            done = line.startswith("event: ") and bob.get(f"{API}/status/{generation}").json()
            if done and done["status"] == "success":
                break
    return bob, {"topicId": batch["topicId"], "batchId": batch["id"], "generationId": generation}


@pytest.mark.parametrize("name", ["ann", "carol"])
@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if "{" in one.path], ids=lambda one: one.name)
def test_an_id_of_another_identity_is_not_found(server, bobs, endpoint, name):
    bob, ids = bobs
    before = bob.get(f"{API}/batches").json()
    path = API + endpoint.path.format(**ids)
    sent = {"json": BODIES.get(endpoint.name, {})} if endpoint.body is not None else {}
    if endpoint.method == "GET" and endpoint.name != "read_cover":
        assert bob.get(path).status_code == 200
    answer = script(server, name).request(endpoint.method, path, **sent)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert bob.get(f"{API}/batches").json() == before


@pytest.mark.parametrize("name", ["ann", "carol"])
def test_no_list_no_sum_and_no_request_reaches_another_identity(server, bobs, name):
    _, ids = bobs
    other = script(server, name)
    assert other.get(f"{API}/topics").json()["topics"] == []
    assert other.get(f"{API}/batches").json()["batches"] == []
    assert other.get(f"{API}/batches", params={"topicId": ids["topicId"]}).status_code == 404
    assert other.get(f"{API}/spent").json()["images"] == 0
    assert other.post(f"{API}/generate", json=WANTED | {"topicId": ids["topicId"]}).status_code == 404
    taken = other.post(f"{API}/references", json={"generationId": ids["generationId"]})
    assert taken.status_code == 404


def test_no_event_reaches_another_identity(server, bobs):
    bob, ids = bobs
    carol = script(server, "carol")
    with carol.stream("GET", f"{API}/events") as events:
        lines = events.iter_lines()
        while next(lines) != "event: fresh":
            pass
        bob.patch(f"{API}/topics/{ids['topicId']}", json={"title": "A secret title"})
        mine = carol.post(f"{API}/topics", json={"title": "Of carol"}).json()
        seen = []
        for line in lines:
            seen.append(line)
            if line.startswith("data: ") and json.loads(line[6:]).get("id") == mine["id"]:
                break
    assert "secret" not in "".join(seen)
    carol.delete(f"{API}/topics/{mine['id']}")


def test_an_authorizer_lets_a_guest_look_and_change_nothing(server):
    guest = script(server, "guest")
    assert guest.get(f"{API}/topics").status_code == 200
    for method, path in (("POST", "/topics"), ("POST", "/generate"), ("POST", "/references")):
        refused = guest.request(method, API + path, json={})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert script(server, "banned").get(f"{API}/topics").status_code == 403


def test_a_browser_needs_the_xsrf_header(server):
    browser = script(server, "dora")
    token = browser.headers.pop("X-XSRFToken")
    browser.headers.pop("Authorization")
    refused = browser.post(f"{API}/topics", json={"title": "x"})
    assert refused.status_code == 403
    assert set(refused.json()) == {"code", "message", "nextStep"}
    browser.headers["X-XSRFToken"] = token
    assert browser.post(f"{API}/topics", json={"title": "x"}).status_code == 201

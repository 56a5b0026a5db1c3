"""Topics over REST."""

from __future__ import annotations

import pytest

from tests.rest.conftest import TOPIC

NOBODY = "00000000-0000-7000-8000-000000000000"


def test_a_topic_is_made_renamed_pinned_listed_and_deleted(client):
    made = client.post("/topics", json={"title": "Foxes"})
    assert made.status_code == 201
    assert set(made.json()) == TOPIC
    path = f"/topics/{made.json()['id']}"
    changed = client.patch(path, json={"title": "  Red \n foxes "})
    assert (changed.status_code, changed.json()["title"]) == (200, "Red foxes")
    assert client.get(path).json() == changed.json()
    assert client.get("/topics").json() == {"topics": [changed.json()], "next": None}
    gone = client.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.get(path).status_code == 404
    assert client.post(f"{path}/restore").json() == changed.json()


def test_a_topic_needs_no_title_and_no_body(client):
    assert client.post("/topics").json()["title"] is None
    assert client.post("/topics", json={}).json()["title"] is None


def test_the_list_of_topics_comes_page_by_page(client):
    for number in range(5):
        client.post("/topics", json={"title": f"Topic {number}"})
    client.patch(f"/topics/{client.get('/topics').json()['topics'][-1]['id']}", json={"pinned": True})
    titles, cursor = [], None
    while cursor is not None or not titles:
        page = client.get("/topics", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        titles += [topic["title"] for topic in page["topics"]]
        cursor = page["next"]
    assert titles == ["Topic 0", "Topic 4", "Topic 3", "Topic 2", "Topic 1"]
    assert [t["title"] for t in client.get("/topics?search=4").json()["topics"]] == ["Topic 4"]


def test_no_call_selects_a_topic(client, studio):
    mine = studio.new_topic("Mine")
    made = client.post("/topics", json={"title": "Other"}).json()
    client.patch(f"/topics/{made['id']}", json={"title": "Another"})
    client.delete(f"/topics/{made['id']}")
    client.post(f"/topics/{made['id']}/restore")
    assert studio.active_topic == mine.id


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("GET", f"/topics/{NOBODY}", {}, 404, "not_found"),
        ("GET", "/topics/..%2F..%2Fetc", {}, 404, "not_found"),
        ("DELETE", f"/topics/{NOBODY}", {}, 404, "not_found"),
        ("POST", f"/topics/{NOBODY}/restore", {}, 404, "not_found"),
        ("GET", "/topics?limit=0", {}, 400, "invalid_request"),
        ("GET", "/topics?limit=x", {}, 400, "invalid_request"),
        ("GET", "/topics?limit=1&limit=2", {}, 400, "invalid_request"),
        ("GET", "/topics?cursor=x", {}, 400, "invalid_request"),
        ("GET", "/topics?cursor=MSAyMDI2LTAxLTAxIHg=", {}, 200, None),
        ("POST", "/topics", {"json": {"title": ""}}, 400, "invalid_request"),
        ("POST", "/topics", {"json": {"title": "   "}}, 400, "invalid_request"),
        ("POST", "/topics", {"json": {"title": "x" * 201}}, 400, "invalid_request"),
        ("POST", "/topics", {"json": {"title": "a\0b"}}, 400, "invalid_request"),
        ("POST", "/topics", {"json": {"name": "x"}}, 400, "invalid_request"),
        ("POST", "/topics", {"json": []}, 400, "invalid_request"),
        (
            "POST",
            "/topics",
            {"content": b"{}", "headers": {"content-type": "text/plain"}},
            415,
            "unsupported_media_type",
        ),
        (
            "POST",
            "/topics",
            {"content": b"[" * 100_000, "headers": {"content-type": "application/json"}},
            400,
            "invalid_request",
        ),
        (
            "POST",
            "/topics",
            {"content": b'{"title":"\\ud800"}', "headers": {"content-type": "application/json"}},
            400,
            "invalid_request",
        ),
        (
            "POST",
            "/topics",
            {"content": b" " * (2**20 + 1), "headers": {"content-type": "application/json"}},
            413,
            "too_large",
        ),
        ("PUT", "/topics", {}, 405, "method_not_allowed"),
        ("OPTIONS", "/topics", {}, 405, "method_not_allowed"),
        ("TRACE", "/topics", {}, 405, "method_not_allowed"),
    ],
)
def test_a_refusal_explains_itself_and_changes_nothing(client, method, path, sent, status, code):
    answer = client.request(method, path, **sent)
    assert answer.status_code == status
    if code is not None:
        assert set(answer.json()) == {"code", "message", "nextStep"}
        assert answer.json()["code"] == code
        assert answer.headers["content-type"] == "application/json"
    if status == 405:
        assert answer.headers["allow"] == "GET, HEAD, POST"
    assert client.get("/topics").json()["topics"] == []


def test_a_large_body_without_a_length_is_refused(client):
    answer = client.post(
        "/topics", content=iter([b" " * 2**20, b" " * 10]), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

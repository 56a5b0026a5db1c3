"""The nine endpoints of the first design, one after the other, on both servers."""

from __future__ import annotations

import pytest

from tests.rest.conftest import BATCH, TOPIC
from tests.server.conftest import Server
from tests.server.jupyter_host import API, TOKEN, Jupyter

NO_ONE = "00000000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module", params=["alone", "jupyter"])
def door(request, tmp_path_factory):
    """Return a script that is logged in, the path of REST, and a script that is not logged in."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "alone":
        server = Server(folder / "studio.sqlite")
        yield server.script(), "/api/image-playground", server.browser()
    else:
        server = Jupyter(folder)
        yield server.browser(Authorization=f"token {TOKEN}"), API, server.browser()
    server.stop()


def ended(script, api, generation_id):
    """Poll a generation as the answers tell, and return its end."""
    with script.stream("GET", f"{api}/events") as events:
        for line in events.iter_lines():
            if line.startswith(("event: fresh", "event: generation")):
                answer = script.get(f"{api}/status/{generation_id}")
                if answer.json()["status"] not in ("pending", "processing"):
                    return answer.json()
                assert int(answer.headers["retry-after"]) >= 1
    raise AssertionError


def test_the_nine_endpoints_of_the_first_design(door):
    script, api, _ = door
    made = script.post(f"{api}/topics", json={"title": "Foxes"})
    assert (made.status_code, set(made.json())) == (201, TOPIC)
    topic = script.patch(f"{api}/topics/{made.json()['id']}", json={"title": "Red foxes"}).json()
    assert set(topic) == TOPIC
    assert script.get(f"{api}/topics").json() == {"topics": [topic], "next": None}
    wanted = {
        "topicId": topic["id"],
        "provider": "demo",
        "model": "instant",
        "prompt": "a fox",
        "imageNum": 2,
        "parameters": {"width": 256, "height": 256, "seed": 7},
    }
    answer = script.post(f"{api}/generate", json=wanted)
    assert (answer.status_code, set(answer.json())) == (202, BATCH)
    first, second = (one["id"] for one in answer.json()["generations"])
    status = ended(script, api, first)
    assert set(status) == {"id", "batchId", "status", "progress", "seed", "asset", "error", "usualDuration"}
    assert (status["status"], status["seed"], status["batchId"]) == ("success", 7, answer.json()["id"])
    assert set(status["asset"]) == {"url", "thumbnailUrl", "width", "height"}
    assert status["asset"]["url"].startswith(f"{api}/")
    image = script.get(status["asset"]["url"])
    assert (image.headers["content-type"], image.content[:4]) == ("image/png", b"\x89PNG")
    small = script.get(status["asset"]["thumbnailUrl"])
    assert (small.headers["content-type"], small.content[8:12]) == ("image/webp", b"WEBP")
    listed = script.get(f"{api}/batches", params={"topicId": topic["id"]}).json()
    assert ([one["id"] for one in listed["batches"]], listed["next"]) == ([answer.json()["id"]], None)
    ended(script, api, second)
    assert script.delete(f"{api}/generations/{second}").status_code == 204
    assert script.delete(f"{api}/batches/{answer.json()['id']}").status_code == 204
    assert script.delete(f"{api}/topics/{topic['id']}").status_code == 204
    assert script.get(f"{api}/topics").json()["topics"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/topics"),
        ("POST", "/topics"),
        ("PATCH", f"/topics/{NO_ONE}"),
        ("DELETE", f"/topics/{NO_ONE}"),
        ("POST", "/generate"),
        ("GET", "/batches"),
        ("GET", f"/status/{NO_ONE}"),
        ("DELETE", f"/batches/{NO_ONE}"),
        ("DELETE", f"/generations/{NO_ONE}"),
        ("GET", f"/generations/{NO_ONE}/image"),
        ("GET", "/events"),
        ("GET", "/openapi.json"),
        ("GET", "/nothing"),
    ],
)
def test_nobody_without_a_login_gets_an_answer(door, method, path):
    script, api, stranger = door
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        refused = stranger.request(method, api + path, headers=headers)
        assert refused.status_code in (401, 403)
        assert set(refused.json()) == {"code", "message", "nextStep"}
    foreign = script.request(method, api + path, headers={"Host": "evil.example"})
    assert foreign.status_code == 403
    assert script.get(f"{api}/topics").json()["topics"] == []

"""The studio on a real JupyterHub: behind its proxy and its login, and for each user apart."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image
from websockets.exceptions import InvalidStatus

from imgplay_widget import Studio
from scripts.hub import WAIT, Hub, cookie
from tests.server.conftest import SocketPage

MODULE = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "script"}
"""How a browser asks for a script that is a module, on HTTPS and on this machine."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = Hub(tmp_path_factory.mktemp("hub"))
    yield hub
    hub.stop()


@pytest.fixture(scope="module")
def ann(hub: Hub) -> httpx.Client:
    """Return the browser of Ann, whose server runs."""
    return hub.started("ann")


def noise() -> bytes:
    """Return a picture that nothing makes smaller: almost as much as a page sends at once."""
    file = io.BytesIO()
    Image.frombytes("RGB", (560, 560), random.Random(7).randbytes(3 * 560 * 560)).save(file, "png")
    return file.getvalue()


def titles(page: SocketPage) -> list[str]:
    return [topic["title"] for topic in page.result("topics", limit=100)["topics"]]


def test_the_page_its_files_and_its_socket_come_through_the_proxy(hub: Hub, ann: httpx.Client) -> None:
    asked = hub.browser().get(hub.page("ann"))
    assert asked.url.path == "/hub/login"
    shown = ann.get(hub.page("ann"), headers={"Sec-Fetch-Mode": "navigate"})
    assert 'data-base="/user/ann/"' in shown.text
    script = ann.get(f"{hub.page('ann')}/static/page.js", headers=MODULE)
    assert script.headers["Content-Type"].startswith("text/javascript")
    with hub.socket(ann, "ann") as socket:
        page = SocketPage(socket)
        page.generate("a fox behind a proxy", model="demo:instant")
        page.event("generation_changed", lambda event: event["generation"]["status"] == "success")
        data = noise()
        taken, _ = page.call("upload", (data,), uploadId="noise", offset=0, total=len(data))
        digest = taken["result"]["reference"]["digest"]
        assert page.call("reference_original", digest=digest)[1] == [data]


def test_scripts_come_with_a_token_and_pages_with_their_cookie(hub: Hub, ann: httpx.Client) -> None:
    topics = f"{hub.api('ann')}/topics"
    assert ann.post(topics, json={"title": "foxes"}).status_code == 403
    token = {"X-XSRFToken": cookie(ann, "_xsrf", "/user/ann/")}
    assert ann.post(topics, json={"title": "foxes"}, headers=token).status_code == 201
    assert hub.browser().get(topics).status_code == 403
    assert "foxes" in hub.script(ann, "ann").get(topics).text


def test_two_users_see_nothing_of_each_other(hub: Hub, ann: httpx.Client) -> None:
    bob = hub.started("bob")
    with hub.socket(ann, "ann") as one, hub.socket(bob, "bob") as other:
        mine, theirs = SocketPage(one), SocketPage(other)
        mine.generate("only for ann", model="demo:instant")
        theirs.generate("only for bob", model="demo:instant")
        assert "only for ann" not in str([titles(theirs), [content for content, _ in theirs.messages]])
        assert "only for bob" not in titles(mine)
    # Nor does one of them reach the server of the other.
    assert bob.get(hub.page("ann")).status_code == 403
    assert bob.get(f"{hub.api('ann')}/topics").status_code == 403
    with pytest.raises(InvalidStatus) as error:
        hub.socket(bob, "ann")
    assert error.value.response.status_code == 403


def test_a_guest_on_a_server_does_not_see_the_history_of_its_owner(hub: Hub, ann: httpx.Client) -> None:
    eve = hub.script(hub.logged_in("eve"), "eve")
    (store,) = hub.home("ann").rglob("history.sqlite")
    with hub.socket(ann, "ann") as one, hub.socket(eve, "ann") as other, Studio(store) as kernel:
        owner, guest = SocketPage(one), SocketPage(other)
        batch = kernel.generate("by a kernel of ann", model="demo:instant").result(WAIT)
        owner.event("store_changed")
        shown = owner.result("feed", topicId=batch.topic_id, limit=10)["feed"]["batches"]
        assert shown[0]["prompt"] == "by a kernel of ann"
        guest.generate("by eve", model="demo:instant")
        assert titles(guest) == ["by eve"]
        assert "by eve" not in titles(owner)

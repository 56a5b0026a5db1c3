"""Servers with a name of the user's choice: added, tested, kept, removed."""

from __future__ import annotations

import json

import pytest

from imgplay_widget.testing import FakeProvider, open_studio
from tests.servers.openai_server import OpenAIServer, answer, error, images

WAIT = 20
KEY = "a-key-of-mine-0123"
LISTED = answer({"data": [{"id": "flux-mini"}]})


def add(page, url, name="mine", key="", remember=False):
    return page.result("add_server", name=name, url=url, key=key, remember=remember)


def provider(page, name="mine"):
    reply, _ = page.call("hello")
    found = [p for p in reply["result"]["snapshot"]["providers"] if p["name"] == name]
    return found[0] if found else None


def test_a_server_is_added_and_draws(page):
    with OpenAIServer(script=[LISTED, LISTED, images(1)]) as server:
        told = add(page, server.base_url)
        assert (told["provider"], told["outcome"]) == ("mine", "good")
        page.wait_for(lambda events: sum(e["type"] == "models_changed" for e in events) >= 2)
        assert "mine:flux-mini" in page.catalog()
        state = provider(page)
        assert (state["server"], state["key"]) == (server.base_url, "not_needed")
        assert provider(page, "fake")["server"] is None
        batch = page.studio.generate("a fox", model="mine:flux-mini").result(WAIT)
        assert batch[0].bytes


def test_a_server_is_there_again_without_its_key(tmp_path, open_page):
    location = tmp_path / "s.sqlite"
    with OpenAIServer(script=[LISTED] * 4) as server:
        with open_page(store=location) as page:
            assert add(page, server.base_url, key=KEY)["outcome"] in ("good", "reached")
            page.studio._core.start(page.studio._core.archive.settle).result(WAIT)
            assert server.requests
            assert all(f"Bearer {KEY}" in str(r.headers) for r in server.requests)
            assert KEY not in json.dumps([content for content, _ in page.messages])
        assert KEY.encode() not in location.read_bytes()
        with open_page(store=location) as page:
            state = provider(page)
            assert (state["server"], state["key"]) == (server.base_url, "missing")
            assert state["keyVariable"] == "MINE_API_KEY"
            assert "mine:flux-mini" in page.catalog()


@pytest.mark.parametrize(("user", "sent"), [("local", True), ("user:eve", False)])
def test_a_named_user_sends_no_shared_variable_to_a_server_of_their_own(
    tmp_path, open_page, monkeypatch, user, sent
):
    monkeypatch.setenv("MINE_API_KEY", KEY)
    with OpenAIServer(script=[LISTED] * 4) as server:
        for _ in range(2):
            with open_page(store=tmp_path / "s.sqlite", user_id=user) as page:
                if provider(page) is None:
                    add(page, server.base_url)
                page.result("check_provider", provider="mine")
                assert provider(page)["keySource"] == ("environment variable MINE_API_KEY" if sent else "")
        assert server.requests
        assert [KEY in str(one.headers) for one in server.requests] == [sent] * len(server.requests)


def test_a_server_that_wants_a_key_says_so(page):
    with OpenAIServer(script=[error(401, "no key")] * 3) as server:
        assert add(page, server.base_url)["outcome"] == "missing_key"
        assert provider(page)["key"] == "missing"


def test_a_server_that_does_not_run_is_added_all_the_same(page):
    with OpenAIServer() as server:
        url = server.base_url
    assert add(page, url)["outcome"] == "no_network"
    assert provider(page)["server"] == url


def test_another_address_does_not_get_the_key(page):
    with OpenAIServer(script=[LISTED] * 2) as first, OpenAIServer(script=[LISTED] * 2) as second:
        add(page, first.base_url, key=KEY)
        add(page, second.base_url)
        page.studio._core.start(page.studio._core.archive.settle).result(WAIT)
        assert provider(page)["server"] == second.base_url
        assert second.requests
        assert not any(KEY in str(r.headers) for r in second.requests)


def test_what_a_removed_server_made_stays(page):
    with OpenAIServer(script=[LISTED, LISTED, images(1)]) as server:
        add(page, server.base_url, key=KEY)
        page.studio._core.start(page.studio._core.archive.settle).result(WAIT)
        batch = page.studio.generate("a fox", model="mine:flux-mini").result(WAIT)
        page.result("remove_server", name="mine")
    assert provider(page) is None
    assert not [name for name in page.catalog() if name.startswith("mine:")]
    feed = page.result("feed", topicId=batch.topic_id)["feed"]
    assert feed["batches"][0]["modelTitle"] == "flux-mini"
    assert page.result("recipe", generationId=batch[0].id)["recipe"]["model"] == "mine:flux-mini"
    assert page.error("remove_server", name="mine")["code"] == "not_found"
    assert page.error("remove_server", name="fake")["code"] == "not_found"


@pytest.mark.parametrize(
    "name", ["", "a b", "ä", "../x", "x" * 65, "openai", "OpenAI", "fake", "a:b", "google"]
)
def test_a_name_that_is_none_or_anothers_is_refused(page, name):
    reply = page.call("add_server", name=name, url="http://localhost:1/v1", key="", remember=False)[0]
    assert reply["error"]["fault"] == "you"
    assert page.studio._core.servers.url(name) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8080",
        "ftp://localhost",
        "http://",
        "http://example.com/v1",
        "https://me:secret@host.example/v1",
        "https://host.example/v1?key=1",
        "http://localhost:99999/v1",
        "http://local host/v1",
    ],
)
def test_an_address_that_is_none_or_unsafe_is_refused(page, url):
    told = page.error("add_server", name="mine", url=url, key="", remember=False)
    assert (told["code"], told["fault"]) == ("invalid_request", "you")
    assert "secret" not in told["message"]
    assert provider(page) is None


def test_code_adds_and_removes_servers():
    with OpenAIServer(script=[LISTED] * 2) as server, open_studio(FakeProvider()) as studio:
        root = server.base_url.removesuffix("/v1")
        check = studio.add_server("mine", root)
        assert (check.ok, studio._core.servers.url("mine")) == (True, f"{root}/v1")
        studio.remove_server("mine")
        assert studio._core.servers.url("mine") is None

"""Servers with a name of the user's choice: added, tested, kept, removed."""

from __future__ import annotations

import json

import pytest

from imgplay_widget.errors import InvalidRequest, NotFound
from imgplay_widget.testing import FakeProvider, open_studio
from tests.servers.known_servers import KEY as KNOWN_KEY
from tests.servers.known_servers import KnownServer
from tests.servers.openai_server import OpenAIServer, answer, error, images

WAIT = 20
KEY = "a-key-of-mine-0123"
LISTED = answer({"data": [{"id": "flux-mini"}]})


def add(page, url, name="mine", key="", remember=False, **options):
    return page.result("add_server", name=name, url=url, key=key, remember=remember, **options)


def provider(page, name="mine"):
    reply, _ = page.call("hello")
    found = [p for p in reply["result"]["snapshot"]["providers"] if p["name"] == name]
    return found[0] if found else None


def test_a_server_is_added_and_draws(page):
    # Each question for the models is followed by one for what the models can do.
    with OpenAIServer(script=[LISTED] * 4 + [images(1)]) as server:
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


# ------------------------------------------------------------------ presets


def test_the_page_lists_the_presets_and_adds_one(page):
    listed = page.result("server_presets")["presets"]
    azure = next(one for one in listed if one["name"] == "azure")
    assert azure["address"] == "https://{resource}.openai.azure.com/openai/v1"
    assert (azure["key"], azure["keyVariable"]) == ("needed", "AZURE_OPENAI_API_KEY")
    assert [blank["name"] for blank in azure["blanks"]] == ["resource"]
    assert "ollama" not in [one["name"] for one in listed]
    with KnownServer("vllm") as server:
        told = add(page, server.base_url, name="gpu", preset="vllm")
        assert (told["provider"], told["outcome"]) == ("gpu", "good")
        state = provider(page, "gpu")
        assert (state["server"], state["preset"]) == (server.base_url, "vllm")


def test_the_page_fills_a_blank_and_names_one_that_is_missing(page):
    told = page.error("add_server", name="", url="", preset="azure", values={}, key="", remember=False)
    assert (told["code"], told["fault"]) == ("invalid_request", "you")
    assert "resource" in told["message"]
    assert provider(page, "azure") is None
    told = page.result(
        "add_server", name="", url="", preset="azure", values={"resource": "my-team"}, key="", remember=False
    )
    assert (told["provider"], told["outcome"]) == ("azure", "missing_key")
    state = provider(page, "azure")
    assert state["server"] == "https://my-team.openai.azure.com/openai/v1"
    assert state["title"] == "Azure OpenAI"
    assert "azure:gpt-image-2" in page.catalog()


def test_a_preset_is_there_again_in_a_later_studio(tmp_path, open_page):
    location = tmp_path / "s.sqlite"
    with KnownServer("stepfun") as server:
        with open_page(store=location) as page:
            add(page, server.base_url, name="step", key=KNOWN_KEY, preset="stepfun")
        assert KNOWN_KEY.encode() not in location.read_bytes()
        with open_page(store=location) as page:
            state = provider(page, "step")
            assert (state["preset"], state["key"]) == ("stepfun", "missing")
            page.result("set_key", provider="step", key=KNOWN_KEY, remember=False)
            batch = page.studio.generate("a fox", model="step:step-image-edit-2").result(WAIT)
            assert batch[0].status == "success"


def test_a_preset_that_this_version_does_not_know_is_a_server_all_the_same(tmp_path, open_page):
    location = tmp_path / "s.sqlite"
    with OpenAIServer() as server:
        with open_page(store=location) as page:
            stored = {"mine": {"url": server.base_url, "keyed": False, "preset": "of-tomorrow"}}
            core = page.studio._core
            core.start(core.archive.save_setting, "servers", stored).result(WAIT)
        with open_page(store=location) as page:
            assert provider(page)["preset"] == "of-tomorrow"
            assert page.studio.generate("a fox", model="mine:any").result(WAIT)[0].status == "success"


def test_another_preset_at_the_same_address_brings_its_own_models():
    with KnownServer("vllm") as server, open_studio() as studio:
        studio.add_server("gpu", server.base_url)
        studio.refresh_models("gpu")
        assert studio.models("gpu")[0].parameter("steps") is None
        studio.add_server("gpu", server.base_url, preset="vllm")
        studio.refresh_models("gpu")
        assert studio.models("gpu")[0].parameter("steps") is not None
        studio.add_server("gpu", server.base_url, preset="azure")
        assert "Qwen/Qwen-Image" not in [spec.id for spec in studio.models("gpu")]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "a name and an address, or a preset"),
        ({"name": "mine"}, "address"),
        ({"preset": "azure"}, "resource is missing"),
        ({"preset": "azure", "resource": "evil.example/#"}, "cannot be part of the address"),
        ({"preset": "azure", "resource": ""}, "resource is missing"),
        ({"preset": "azure", "resorce": "my-team"}, "It takes resource"),
        ({"preset": "vllm", "resource": "my-team"}, "It takes none"),
        (
            {"preset": "azure", "url": "https://a.example/v1", "resource": "my-team"},
            "a whole address, and also",
        ),
        ({"name": "mine", "url": "http://localhost:1/v1", "resource": "my-team"}, "no preset was given"),
        ({"preset": "azure", "resource": "my-team", "key": "two words"}, "not a key"),
    ],
)
def test_a_preset_that_is_not_filled_in_is_refused_before_anything_is_stored(given, words):
    with open_studio() as studio:
        with pytest.raises(InvalidRequest, match=words):
            studio.add_server(**given)
        core = studio._core
        assert core.start(core.archive.setting, "servers").result(WAIT) is None
        assert core.servers.url("azure") is None


def test_an_unknown_preset_names_the_known_ones():
    with open_studio() as studio, pytest.raises(NotFound, match=r"Did you mean 'azure'\?") as caught:
        studio.add_server(preset="Azur")
    assert all(name in caught.value.next_step for name in ("azure", "stepfun", "localai", "vllm"))
    assert "ollama" not in caught.value.next_step

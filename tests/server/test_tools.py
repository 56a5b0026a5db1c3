"""The tools of agents: a real client of MCP, on a real Jupyter Server that has jupyter-server-mcp."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import ToolError

from imgplay_widget import Studio
from imgplay_widget.server import hosting as hostings
from imgplay_widget.server import tool_answers, tools
from imgplay_widget.server.hosting import Hosting
from imgplay_widget.server.jupyter import HOSTING
from tests.faults.test_store_faults import another_program_holds
from tests.server.conftest import SocketPage
from tests.server.jupyter_host import API, BASE, TOKEN, Jupyter
from tests.servers.job_plugin import install_plugin
from tests.servers.job_server import JobServer
from tests.servers.priced_jobs import PricedJobs

KEY = "sk-of-the-owner-which-no-agent-sees"
# A busy machine takes a while to import a client, or the studio.
WAIT = 60
TOOLS = {f"imgplay_{name}" for name in ("estimate", "generate", "models", "search", "spent", "status")}
WITH_TOOLS = """
c.ServerApp.jpserver_extensions = {"jupyter_server_mcp": True}
c.MCPExtensionApp.mcp_port = 0
"""
ACCEPT = {"Accept": "application/json, text/event-stream"}
GREETING = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "a program", "version": "1"},
    },
}
"""The first message of any client of MCP."""


class Agent:
    """A client of MCP, and all texts that it got.

    Args:
        to: the address of the tools, or another way to them.
    """

    def __init__(self, to: Any) -> None:
        self._to = to
        self.heard: list[str] = []

    def tools(self) -> dict[str, Any]:
        """Return the tools by their names."""

        async def ask() -> dict[str, Any]:
            async with Client(self._to, timeout=WAIT) as client:
                return {tool.name: tool for tool in await client.list_tools()}

        found = asyncio.run(ask())
        self.heard += [tool.model_dump_json() for tool in found.values()]
        return found

    def call(self, name: str, **given: Any) -> Any:
        """Return the answer of a tool."""
        failed, text = self._call(name, given)
        assert not failed, text
        return json.loads(text)

    def refused(self, name: str, **given: Any) -> str:
        """Return the words with which a tool refuses."""
        failed, text = self._call(name, given)
        assert failed, text
        return text

    def _call(self, name: str, given: dict[str, Any]) -> tuple[bool, str]:
        async def ask() -> tuple[bool, str]:
            async with Client(self._to, timeout=WAIT) as client:
                told = await client.call_tool(f"imgplay_{name}", given, raise_on_error=False)
                return told.is_error, told.content[0].text

        failed, text = asyncio.run(ask())
        self.heard.append(text)
        return failed, text

    def finished(self, batch_id: str) -> Any:
        """Ask for a batch until it is finished, and return it."""
        while not (batch := self.call("status", batch_id=batch_id))["finished"]:
            assert batch["retryAfter"] > 0
        return batch


@pytest.fixture(scope="module")
def jobs():
    with JobServer() as running:
        running.working = True
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory, jobs):
    folder = tmp_path_factory.mktemp("agents")
    config = f"{WITH_TOOLS}c.ImgplayServer.budget = 0.1\n"
    running = Jupyter(folder, config, JOBS_TEST_KEY=KEY, **install_plugin(folder, jobs.origin, PricedJobs))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def agent(server):
    agent = Agent(server.tools_url())
    yield agent
    assert KEY not in str(agent.heard)


@pytest.fixture(scope="module")
def poor(tmp_path_factory):
    """Return a server without a budget."""
    running = Jupyter(tmp_path_factory.mktemp("poor"), WITH_TOOLS)
    yield running
    running.stop()


def script(server):
    return server.browser(Authorization=f"token {TOKEN}")


# ------------------------------------------------------------------ what there is


def test_the_tools_have_names_of_their_own_and_explain_each_argument(agent):
    found = agent.tools()
    assert set(found) == TOOLS
    for tool in found.values():
        assert tool.description
        assert all(one["description"] for one in tool.input_schema["properties"].values())


def test_no_tool_deletes_or_tells_a_key_or_agrees_to_a_price(agent):
    arguments = {name for tool in agent.tools().values() for name in tool.input_schema["properties"]}
    assert not [name for name in (*TOOLS, *arguments) if name in ("key", "confirm") or "delete" in name]
    assert "Unexpected keyword argument" in agent.refused(
        "generate", model="jobs:sheet", prompt="a fox", confirm=True
    )


# ------------------------------------------------------------------ the core story


def test_an_agent_generates_and_finds_its_image(agent, server):
    begun = agent.call(
        "generate", model="demo:instant", prompt="an agent's fox", image_num=2, parameters={"width": 256}
    )
    assert (begun["config"]["width"], begun["finished"], len(begun["generations"])) == (256, False, 2)
    batch = agent.finished(begun["id"])
    image = batch["generations"][0]
    assert (image["status"], image["asset"]["width"]) == ("success", 256)
    # The address of REST and the path lead to the same bytes.
    assert script(server).get(image["asset"]["url"]).content == Path(image["path"]).read_bytes()
    (found,) = agent.call("search", words="agent's fox")["batches"]
    assert found["id"] == batch["id"]
    assert agent.call("status")["running"] == [] or batch["id"] not in str(agent.call("status"))


def test_a_page_of_the_same_server_sees_the_batch_of_an_agent(agent, server):
    with server.socket(Authorization=f"token {TOKEN}") as socket:
        page = SocketPage(socket)
        begun = agent.call("generate", model="demo:instant", prompt="a fox for the page")
        added = page.event("batch_added", lambda event: event["batch"]["prompt"] == "a fox for the page")
        assert added["batch"]["id"] == begun["id"]


def test_parameters_may_come_as_a_text_of_json(agent):
    begun = agent.call("generate", model="demo:instant", prompt="a hare", parameters='{"seed": 7}')
    assert begun["generations"][0]["seed"] == 7


def test_a_repeated_call_with_its_key_is_done_once(agent):
    wish = {"model": "demo:instant", "prompt": "only one owl", "idempotency_key": "owl"}
    assert agent.call("generate", **wish)["id"] == agent.call("generate", **wish)["id"]
    assert len(agent.call("search", words="only one owl")["batches"]) == 1


def test_what_runs_is_listed_and_its_batch_says_when_to_ask_again(agent):
    begun = agent.call("generate", model="jobs:queue", prompt="a slow fox")
    (running,) = [one for one in agent.call("status")["running"] if one["id"] == begun["id"]]
    assert (running["finished"], running["generationsLeftOut"]) == (False, 0)
    assert running["retryAfter"] > 0


# ------------------------------------------------------------------ money


def test_without_a_budget_nothing_is_generated_and_the_refusal_says_what_to_do(poor):
    agent = Agent(poor.tools_url())
    words = agent.refused("generate", model="demo:instant", prompt="a fox")
    assert words.startswith("This server has no budget")
    assert "c.ImgplayServer.budget = 5" in words
    assert words.endswith("Nothing was stored, sent or paid.")
    assert agent.call("search")["batches"] == []
    assert script(poor).get(f"{API}/topics").json()["topics"] == []
    assert agent.call("spent")["today"]["budget"] is None
    assert agent.call("models", words="demo instant")["models"]


def test_a_request_over_the_budget_is_refused_and_not_sent(agent, jobs):
    sent = len(jobs.submits)
    words = agent.refused("generate", model="jobs:image", prompt="too dear", image_num=3)
    assert "over the budget of $0.10 a day" in words
    assert "c.ImgplayServer.budget" in words
    assert len(jobs.submits) == sent
    assert agent.call("search", words="too dear")["batches"] == []


def test_an_unknown_price_is_refused_and_only_the_user_can_agree(agent, server, jobs):
    sent = len(jobs.submits)
    words = agent.refused("generate", model="jobs:sheet", prompt="of unknown price")
    wish = {"provider": "jobs", "model": "sheet", "prompt": "of unknown price", "imageNum": 1}
    refused = script(server).post(f"{API}/generate", json=wish).json()
    assert refused["code"] == "price_unknown"
    assert words.startswith(refused["message"])
    assert "Only the user can agree to an unknown price" in words
    assert "confirm" not in words
    assert len(jobs.submits) == sent


def known(usd):
    return {"usd": usd, "leastUsd": usd, "mostUsd": usd}


def test_costs_are_told_before_and_after(agent):
    assert agent.call("estimate", model="jobs:image", image_num=2) == known("0.08")
    assert agent.call("estimate", model="jobs:sheet") == known(None)
    assert agent.call("estimate", model="demo:instant") == known("0")
    begun = agent.call("generate", model="jobs:image", prompt="a paid fox")
    agent.finished(begun["id"])
    spent = agent.call("spent")
    assert spent["byModel"]["jobs:image"]["usd"] == "0.04"
    assert spent["today"]["budget"] == "0.1"
    assert agent.call("spent", since="beginning")["byModel"].keys() >= {"jobs:image"}
    assert agent.call("spent", since="2999-01-01T00:00:00Z")["byModel"] == {}


# ------------------------------------------------------------------ lists


def test_models_are_those_that_a_key_allows_page_by_page(agent):
    first = agent.call("models", limit=2)
    second = agent.call("models", limit=2, cursor=first["next"])
    names = [one["model"] for page in (first, second) for one in page["models"]]
    assert names == sorted(set(names))
    assert len(names) == 4
    ready = {one["model"] for one in agent.call("models", limit=50)["models"]}
    assert {"jobs:image", "demo:instant"} <= ready
    assert not [one for one in ready if one.startswith("openai:")]
    missing = agent.call("models", provider="openai", ready=False)["models"]
    assert {one["key"] for one in missing} == {"missing"}


def test_one_model_has_its_parameters(agent):
    (model,) = agent.call("models", words="demo:INSTANT")["models"]
    assert {"width", "seed", "style"} <= {one["name"] for one in model["parameters"]}
    (model,) = agent.call("models", provider="jobs", words="queue")["models"][:1]
    assert "parameters" not in model


def test_a_search_has_the_conditions_of_the_studio(agent, server):
    with Studio(server.store) as kernel:
        topic = kernel.new_topic("A zoo")
        good, bad = (
            kernel.generate(f"zebra {name}", model="demo:instant", topic=topic).result(WAIT)
            for name in ("one", "two")
        )
        kernel.star(good)
        good[0].scores["clip"], bad[0].scores["clip"] = 0.9, 0.1
        good[0].tags.add("print")
    both = {"words": "zebra"}
    (image,) = agent.call("search", **both, starred=True)["batches"][0]["generations"]
    assert (image["starred"], image["tags"], image["scores"]) == (True, ["print"], {"clip": 0.9})

    def ids(**conditions):
        return [one["id"] for one in agent.call("search", **both, **conditions)["batches"]]

    assert ids() == [bad.id, good.id]
    assert ids(sort_by="clip") == [good.id, bad.id]
    assert ids(sort_by="clip", lowest_first=True) == [bad.id, good.id]
    assert ids(tag="print") == ids(starred=True) == ids(min_scores={"clip": 0.5}) == [good.id]
    assert ids(max_scores={"clip": 0.5}) == [bad.id]
    assert ids(topic="A zoo", model="demo:instant", status="success") == [bad.id, good.id]
    assert ids(status="error") == ids(model="jobs:image") == []
    first = agent.call("search", **both, limit=1)
    assert [one["id"] for one in first["batches"]] == [bad.id]
    assert ids(limit=1, cursor=first["next"]) == [good.id]


def test_a_page_is_bounded_and_one_batch_is_whole(agent, server):
    with Studio(server.store, max_count=20) as kernel:
        large = kernel.generate("long " * 700, model="demo:instant", n=20, width=256, height=256)
        large.result(WAIT)
    (found,) = agent.call("search", words="long", limit=10)["batches"]
    assert (len(found["generations"]), found["generationsLeftOut"]) == (16, 4)
    assert (len(found["prompt"]), found["prompt"][-1]) == (1000, "…")
    assert len(agent.call("status", batch_id=large.id)["generations"]) == 20


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("tool", "given", "words"),
    [
        (
            "generate",
            {"model": "demo:instant", "prompt": ""},
            "prompt is empty. Describe what the image",
        ),
        ("generate", {"model": "demo", "prompt": "x"}, 'write "provider:id"'),
        ("generate", {"model": "demo:none", "prompt": "x"}, "'demo:none'"),
        (
            "generate",
            {"model": "demo:instant", "prompt": "x", "image_num": 5},
            "n=5 is out of range: ask for 1 to 4",
        ),
        ("generate", {"model": "demo:instant", "prompt": "x", "image_num": 0}, "imageNum: Input should be"),
        (
            "generate",
            {"model": "demo:instant", "prompt": "x", "parameters": {"size": 1}},
            "does not have a parameter 'size'",
        ),
        (
            "generate",
            {"model": "demo:instant", "prompt": "x", "parameters": "width=5"},
            "parameters: Input should be an object",
        ),
        ("generate", {"model": "demo:instant", "prompt": "x", "topic_id": "zoo"}, "topicId: String should"),
        ("generate", {"model": "demo:instant", "prompt": "x", "idempotency_key": ""}, "1 to 255 printable"),
        ("generate", {"model": "openai:gpt-image-2", "prompt": "x"}, "needs a key, and none is set"),
        ("status", {"batch_id": "../topics"}, "There is nothing with the id '../topics'"),
        ("status", {"batch_id": ""}, "An empty text is not an id"),
        ("search", {"limit": 11}, "limit=11 is out of range: 1 to 10"),
        ("search", {"limit": "many"}, "unable to parse string as an integer"),
        ("search", {"status": "done"}, "'done' is not a status: pending, processing, success"),
        ("search", {"cursor": "zoo"}, "cursor: String should match"),
        ("search", {"topic": "Nowhere"}, "There is no topic 'Nowhere'"),
        ("search", {"min_scores": "clip"}, "min_scores: Input should be an object"),
        ("search", {"min_scores": {"clip": "high"}}, "clip"),
        ("estimate", {"model": "demo:instant", "image_num": 65}, "imageNum: Input should be less than"),
        ("spent", {"since": "yesterday"}, "write it as 2026-05-04T00:00:00Z"),
        ("models", {"provider": "acme"}, "acme"),
        ("models", {"limit": 0}, "limit=0 is out of range: 1 to 50"),
    ],
)
def test_a_wrong_argument_is_refused_in_plain_words(agent, tool, given, words):
    refused = agent.refused(tool, **given)
    assert words in refused
    assert "imgplay-widget" not in refused, "this is not a fault of the package"


def test_a_store_that_another_program_holds_is_told_and_does_not_stop_the_server(agent, server):
    agent.call("status")
    told: list[str] = []
    wish = {"model": "demo:instant", "prompt": "behind a lock"}
    asking = threading.Thread(target=lambda: told.append(agent.refused("generate", **wish)))
    with another_program_holds(server.store):
        asking.start()
        # The server answers others while the tool waits for the store.
        assert script(server).get(f"{BASE}api/status").status_code == 200
        assert told == []
        asking.join(WAIT)
    assert "nother program" in told[0]
    assert "try again" in told[0]


def used_on(monkeypatch, hosting):
    """Let the tools use studios of this process, as if a Jupyter Server ran in it."""
    monkeypatch.setattr(
        tools, "running_settings", lambda: {HOSTING: hosting, "base_url": "/", "imgplay_tools": True}
    )


def test_a_studio_that_was_closed_is_told(monkeypatch, store):
    hosting = Hosting(store, budget=1)
    used_on(monkeypatch, hosting)

    async def ask():
        assert await tools.imgplay_status() == {"running": []}
        (await hosting.studio(None)).studio.close()
        with pytest.raises(ToolError, match="closed"):
            await tools.imgplay_status()
        await hosting.close()
        with pytest.raises(ToolError, match=r"The server stops\. Try again when"):
            await tools.imgplay_status()

    asyncio.run(ask())


def test_a_call_that_the_end_of_the_studio_cuts_off_is_told(monkeypatch, store):
    hosting = Hosting(store)
    used_on(monkeypatch, hosting)

    async def ask():
        begun, core = asyncio.Event(), (await hosting.studio(None)).studio._core
        loop = asyncio.get_running_loop()

        async def wait(*_, **__):
            loop.call_soon_threadsafe(begun.set)
            await asyncio.Event().wait()

        monkeypatch.setitem(tool_answers._TOOLS, "status", wait)
        asking = loop.create_task(tools.imgplay_status())
        await begun.wait()
        await loop.run_in_executor(None, core.close)
        with pytest.raises(ToolError, match="The studio was closed before this was done"):
            await asking
        await hosting.close()

    asyncio.run(ask())


def test_an_agent_that_gives_up_does_not_break_off_what_it_began(monkeypatch, store):
    hosting = Hosting(store)
    used_on(monkeypatch, hosting)

    async def ask():
        begun, ended, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()
        go = threading.Event()

        async def work(*_, **__):
            loop.call_soon_threadsafe(begun.set)
            await asyncio.to_thread(go.wait, WAIT)
            loop.call_soon_threadsafe(ended.set)

        monkeypatch.setitem(tool_answers._TOOLS, "status", work)
        asking = loop.create_task(tools.imgplay_status())
        await begun.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        go.set()
        await asyncio.wait_for(ended.wait(), WAIT)
        await hosting.close()

    asyncio.run(ask())


def test_a_fault_of_the_package_is_logged_and_its_words_stay_here(monkeypatch, store, caplog):
    def fail(*_):
        raise RuntimeError(KEY)

    monkeypatch.setattr(hostings, "_open", fail)
    used_on(monkeypatch, Hosting(store))
    with pytest.raises(ToolError, match="failed inside imgplay-widget") as refused:
        asyncio.run(tools.imgplay_status())
    assert KEY not in str(refused.value)
    assert "The tool status failed" in caplog.text


# ------------------------------------------------------------------ on and off


def test_tools_are_only_offered_where_the_studio_is():
    assert tools.offered() == []
    with pytest.raises(ToolError, match="The server stops"):
        asyncio.run(tools.imgplay_spent())


def test_the_tools_can_be_turned_off(tmp_path):
    server = Jupyter(tmp_path, f"{WITH_TOOLS}c.ImgplayServer.tools = False\n")
    try:
        assert Agent(server.tools_url()).tools() == {}
        assert script(server).get(f"{API}/topics").status_code == 200
    finally:
        server.stop()


@pytest.mark.parametrize("budget", ["-1", '"much"', 'float("nan")'])
def test_a_budget_that_cannot_be_one_is_named_at_the_start(tmp_path, budget):
    server = Jupyter(tmp_path, f"c.ImgplayServer.budget = {budget}\n")
    try:
        server.until_said("extension failed loading with message: TraitError")
        assert re.search("error linking extension: .*budget", server.said())
        # Nothing of the studio runs with another limit than the user meant.
        assert script(server).get(f"{API}/topics").status_code == 404
    finally:
        server.stop()


def test_the_server_starts_without_jupyter_server_mcp(tmp_path):
    absent = tmp_path / "absent"
    absent.mkdir()
    for name in ("jupyter_server_mcp", "fastmcp", "mcp"):
        (absent / f"{name}.py").write_text(f"raise ModuleNotFoundError({name!r})\n")
    server = Jupyter(tmp_path, PYTHONPATH=str(absent))
    try:
        assert script(server).get(f"{API}/topics").status_code == 200
    finally:
        server.stop()


# ------------------------------------------------------------------ the port


def test_the_port_of_the_tools_asks_for_no_login(agent, server):
    """The page docs/agents.md says so. Where this changes, the page must change too."""
    with httpx.Client(timeout=WAIT) as stranger:
        assert stranger.post(server.tools_url(), json=GREETING, headers=ACCEPT).status_code == 200
    assert "localhost" in server.tools_url()
    assert agent.call("search", words="nothing like this")["batches"] == []


def test_a_page_of_another_site_cannot_use_the_port(server):
    url = server.tools_url()
    port = httpx.URL(url).port
    with httpx.Client(timeout=WAIT, headers=ACCEPT) as browser:
        for origin in ("https://evil.example", "null", f"http://evil.example:{port}"):
            assert browser.post(url, json=GREETING, headers={"Origin": origin}).status_code == 403
        # A name of a foreign site that leads to this machine (DNS rebinding).
        evil = {"Host": f"evil.example:{port}"}
        assert browser.post(url, json=GREETING, headers=evil).status_code == 421


def test_a_page_of_this_machine_cannot_use_the_port_from_a_browser(server):
    """A browser asks before it sends JSON to another origin, and the server does not allow it."""
    url, origin = server.tools_url(), {"Origin": "http://localhost:8888"}
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    with httpx.Client(timeout=WAIT, headers=ACCEPT) as browser:
        allowed = browser.request("OPTIONS", url, headers={**origin, **asks})
        assert not allowed.is_success
        assert "access-control-allow-origin" not in allowed.headers
        plain = {**origin, "Content-Type": "text/plain"}
        assert browser.post(url, content=json.dumps(GREETING), headers=plain).status_code == 400


def test_a_program_on_its_own_streams_reaches_the_tools_through_the_proxy(server):
    """The way that docs/agents.md shows for clients that start a program."""
    arguments = ["-m", "jupyter_server_mcp.proxy", "--url", server.tools_url()]
    agent = Agent(StdioTransport(sys.executable, arguments))
    assert set(agent.tools()) == TOOLS


def test_the_server_imports_the_studio_with_the_first_call_of_a_tool():
    code = """
import sys, fastmcp, imgplay_widget.server.tools
print([name for name in ("sqlalchemy", "PIL", "imgplay_widget._studio.core") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

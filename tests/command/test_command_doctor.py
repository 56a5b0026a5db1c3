"""`imgplay doctor` finds what is wrong and says what to do. It makes no paid call and shows no key."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from imgplay_widget import server_presets
from tests.command.conftest import Command, Ended
from tests.servers import openai_server as script
from tests.servers.openai_server import OpenAIServer, answer

KEY = "sk-canary-9c1f0a7be4d2"
MODELS = {"/v1/models": answer({"data": [{"id": "gpt-image-2"}]})}


def outcome_of(ended: Ended, provider: str) -> str:
    return {one["provider"]: one["outcome"] for one in ended.json["providers"]}[provider]


def test_a_healthy_history_has_no_problems(command: Command, made: dict[str, Any]) -> None:
    ended = command("doctor", "--offline", "--json")
    assert (ended.code, ended.json["problems"]) == (0, [])
    store = ended.json["store"]
    assert (store["exists"], store["integrity"], store["images"]) == (True, "ok", 2)
    assert store["format"] == store["newestFormat"]
    assert store["freeBytes"] > store["databaseBytes"] > 0
    assert {"imgplay-widget", "python", "sqlite", "httpx"} <= set(ended.json["versions"])
    assert {one["state"] for one in ended.json["keys"]} == {"missing"}
    shown = command("doctor", "--offline")
    assert (shown.code, "\x1b" in shown.out) == (0, False)
    assert "integrity: ok" in shown.out
    assert "OPENAI_API_KEY" in shown.out


def test_the_doctor_makes_no_history(command: Command) -> None:
    ended = command("doctor", "--offline", "--json")
    assert (ended.code, ended.json["store"]["exists"]) == (0, False)
    assert not command.store.exists()


def test_providers_are_asked_at_once_and_without_a_paid_call(command: Command) -> None:
    with OpenAIServer(files=MODELS) as server:
        ended = command("doctor", "--json", OPENAI_API_KEY=KEY, OPENAI_BASE_URL=server.base_url)
        assert server.posts == 0
    assert ended.code == 0, ended.out
    assert outcome_of(ended, "openai") == "good"
    # Servers that do not run on this machine are no problem.
    assert outcome_of(ended, "comfyui") == "no_network"
    assert KEY not in ended.out + ended.err


def test_a_refused_key_and_a_silent_provider_are_problems(command: Command) -> None:
    refusal = script.error(401, f"Incorrect API key provided: {KEY}")
    with OpenAIServer(files={"/v1/models": refusal}) as server:
        ended = command("doctor", "--json", OPENAI_API_KEY=KEY, OPENAI_BASE_URL=server.base_url)
    assert (ended.code, outcome_of(ended, "openai")) == (4, "bad_key")
    assert "imgplay keys set openai" in ended.json["problems"][0]["nextStep"]
    assert KEY not in ended.out + ended.err
    with OpenAIServer(files={"/v1/models": script.HANG}) as server:
        arguments = ("doctor", "--timeout", "0.5", "--json")
        ended = command(*arguments, OPENAI_API_KEY=KEY, OPENAI_BASE_URL=server.base_url)
    assert (ended.code, outcome_of(ended, "openai")) == (4, "no_network")
    assert "0.5 s" in ended.json["problems"][0]["message"]


def test_the_servers_that_can_be_added_by_name_are_named(command: Command) -> None:
    names = [preset.name for preset in server_presets()]
    assert command("doctor", "--offline", "--json").json["serverPresets"] == names
    assert ", ".join(names) in command("doctor", "--offline").out


def test_proxies_are_shown_without_credentials(command: Command) -> None:
    proxies = {
        "HTTPS_PROXY": "http://ann:pass@word@proxy.example:3128",
        "http_proxy": "ann:password@proxy.example:3128",
        "NO_PROXY": "localhost,127.0.0.1",
    }
    ended = command("doctor", "--offline", "--json", **proxies)
    shown = ended.json["proxies"]
    assert {name: shown[name] for name in proxies} == {
        "HTTPS_PROXY": "http://…@proxy.example:3128",
        "http_proxy": "…@proxy.example:3128",
        "NO_PROXY": "localhost,127.0.0.1",
    }
    assert "ann" not in ended.out
    assert "word" not in ended.out


def test_a_variable_of_the_network_that_cannot_be_used_is_one_problem(command: Command) -> None:
    proxy = "socks9://ann:secret@127.0.0.1:1"
    certificates = str(command.store.parent / "nowhere.pem")
    bundle = {"SSL_CERT_FILE": "", "SSL_CERT_DIR": "", "REQUESTS_CA_BUNDLE": certificates}
    ended = command("doctor", "--json", OPENAI_API_KEY=KEY, ALL_PROXY=proxy, NO_PROXY="", **bundle)
    assert (ended.code, outcome_of(ended, "openai")) == (4, "no_network")
    assert [one["message"].partition(" ")[0].partition("=")[0] for one in ended.json["problems"]] == [
        "ALL_PROXY",
        "REQUESTS_CA_BUNDLE",
    ]
    assert "socks5://host:port" in ended.json["problems"][0]["nextStep"]
    assert ended.json["proxies"]["REQUESTS_CA_BUNDLE"] == certificates
    assert "secret" not in ended.out + ended.err
    offline = command("doctor", "--offline", "--json", ALL_PROXY=proxy, **dict.fromkeys(bundle, ""))
    assert (offline.code, len(offline.json["problems"])) == (4, 1)


def test_a_damaged_history_is_named_with_what_to_do(command: Command, made: dict[str, Any]) -> None:
    data = bytearray(command.store.read_bytes())
    data[4096 : 4096 * 8] = b"\x55" * (4096 * 7)
    command.store.write_bytes(data)
    ended = command("doctor", "--offline", "--json")
    assert ended.code == 4
    assert "damaged" in ended.json["problems"][0]["message"]
    assert str(command.store) in ended.json["problems"][0]["nextStep"]


def test_a_history_of_a_newer_version_is_a_problem(command: Command, made: dict[str, Any]) -> None:
    with closing(sqlite3.connect(command.store)) as database, database:
        database.execute(
            "INSERT INTO image_migrations SELECT 999, name, applied_at FROM image_migrations LIMIT 1"
        )
    ended = command("doctor", "--offline", "--json")
    assert (ended.code, ended.json["store"]["format"]) == (4, 999)
    assert "Update imgplay-widget" in ended.json["problems"][0]["nextStep"]

"""`imgplay serve` prints its address, serves the page, and ends in peace."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request

import pytest

from tests.command.conftest import WAIT, Command


def test_serve_prints_an_address_that_logs_in_and_ends_with_an_interrupt(command: Command) -> None:
    process = command.start("serve", "--port", "0", "--no-browser")
    assert process.stdout is not None
    address = process.stdout.readline().decode().strip()
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor()
    )
    with opener.open(address, timeout=WAIT) as answer:
        assert b'id="studio"' in answer.read()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            address.partition("?")[0], timeout=WAIT
        )
    refused.value.close()
    process.send_signal(signal.SIGINT)
    ended = command.ended(process)
    assert (ended.code, ended.err) == (0, "")


def test_a_taken_port_is_refused_as_json(command: Command) -> None:
    process = command.start("serve", "--port", "0", "--no-browser", "--json")
    assert process.stdout is not None
    lines = [process.stdout.readline().decode() for _ in range(3)]
    port = json.loads("".join(lines))["address"].partition("?")[0].split(":")[2].split("/")[0]
    taken = command("serve", "--port", port, "--no-browser", "--json")
    process.send_signal(signal.SIGTERM)
    assert command.ended(process).code == 0
    assert (taken.code, taken.json["code"]) == (3, "invalid_request")


def test_a_port_that_cannot_be_one_is_a_wrong_argument(command: Command) -> None:
    ended = command("serve", "--port", "70000")
    assert (ended.code, ended.out) == (2, "")
    assert "invalid port value: '70000'" in ended.err

"""`imgplay serve` prints its address, serves the page, and ends in peace."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import httpx
import pytest

from tests.command.conftest import WAIT, Command
from tests.servers.job_server import Hold, JobServer


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
    taken = command.apart("serve", "--port", port, "--no-browser", "--json")
    process.send_signal(signal.SIGTERM)
    assert command.ended(process).code == 0
    assert (taken.code, taken.json["code"]) == (3, "invalid_request")


def test_a_port_that_cannot_be_one_is_a_wrong_argument(command: Command) -> None:
    ended = command("serve", "--port", "70000")
    assert (ended.code, ended.out) == (2, "")
    assert "invalid port value: '70000'" in ended.err


def test_a_server_keeps_the_budget_of_its_command(command: Command) -> None:
    process = command.start("serve", "--port", "0", "--no-browser", "--budget", "0.5")
    assert process.stdout is not None
    address = httpx.URL(process.stdout.readline().decode().strip())
    token = {"Authorization": f"Bearer {address.params['token']}"}
    spent = httpx.get(
        address.copy_with(path="/api/image-playground/spent", query=None), headers=token, timeout=WAIT
    )
    process.send_signal(signal.SIGTERM)
    assert command.ended(process).code == 0
    assert spent.json()["today"]["budget"] == "0.5"


def test_a_budget_that_cannot_be_one_is_refused_before_the_server_starts(command: Command) -> None:
    ended = command.apart("serve", "--no-browser", "--budget", "-1", "--json")
    assert (ended.code, ended.json["code"]) == (3, "invalid_request")
    assert "is not an amount of USD a day" in ended.json["message"]
    assert command("serve", "--no-browser", "--budget", "much").code == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_stops_waits_for_an_answer_that_would_be_lost(
    command: Command, jobs: JobServer, number: int
) -> None:
    process, hold = _with_a_call_out(command, jobs)
    process.send_signal(number)
    assert process.stderr is not None
    # The server says that it waits before the answer comes.
    said = process.stderr.readline().decode()
    hold.open()
    ended = command.ended(process)
    assert said.startswith("Waiting for the answer to 1 call, which only this server can get.")
    assert (ended.code, ended.err) == (0, "")
    (image,) = command("search", "--json").json["batches"][0]["generations"]
    assert image["status"] == "success"
    assert Path(image["path"]).is_file()
    assert command("wait").err == "Nothing is unfinished.\n"
    assert (jobs.billed, len(jobs.submits)) == (1, 1)


def test_a_second_interrupt_ends_a_server_at_once(command: Command, jobs: JobServer) -> None:
    process, hold = _with_a_call_out(command, jobs)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    ended = command.ended(process)
    hold.open()
    assert ended.code == 128 + signal.SIGTERM
    assert ended.err.startswith("The answer to 1 call may be lost, and the provider may bill it.")
    left = command("wait", "--json")
    assert (left.code, left.json["code"]) == (4, "uncertain")


def test_a_server_that_stops_leaves_a_job_to_the_next_one(command: Command, jobs: JobServer) -> None:
    jobs.working = True
    process = _serving(command, "jobs", "queue")
    jobs.until(lambda: bool(jobs.polls))
    process.send_signal(signal.SIGINT)
    ended = command.ended(process)
    assert (ended.code, ended.err) == (0, "")
    jobs.working = False
    assert command("wait").code == 0
    assert (jobs.billed, len(jobs.submits), jobs.cancelled) == (1, 1, [])


def _with_a_call_out(command: Command, jobs: JobServer) -> tuple[subprocess.Popen[bytes], Hold]:
    """Return a server that waits for the answer to a call, and the hold of this answer."""
    hold = jobs.hold("answer")
    process = _serving(command, "jobs", "image")
    hold.wait_reached()
    return process, hold


def _serving(command: Command, provider: str, model: str) -> subprocess.Popen[bytes]:
    """Return a server that was asked for an image."""
    process = command.start("serve", "--port", "0", "--no-browser", IMGPLAY_TOKEN="t")
    assert process.stdout is not None
    address = process.stdout.readline().decode().partition("/image-playground")[0]
    wish = {"provider": provider, "model": model, "prompt": "a fox", "imageNum": 1}
    with httpx.Client(trust_env=False, timeout=WAIT, headers={"Authorization": "Bearer t"}) as script:
        answer = script.post(f"{address}/api/image-playground/generate", json=wish)
    assert answer.status_code == 202, answer.text
    return process

"""A Jupyter Server that stops waits for answers that nobody else gets, but not for long."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from imgplay_widget.server.jupyter import STOP_WAIT
from tests.faults.conftest import rows
from tests.server.jupyter_host import API, TOKEN, Jupyter
from tests.servers.job_plugin import install_plugin
from tests.servers.job_server import JobServer

WAITS = "The image studio waits for answers of providers: 1."
LOST = "Lost, and perhaps billed: 1."
CONFIG = """
c.Application.log_level = "DEBUG"
others = "jupyterlab jupyter_lsp jupyter_server_terminals notebook notebook_shim voila.server_extension"
others += " jupyter_server_mcp"
c.ServerApp.jpserver_extensions = dict.fromkeys(others.split(), False)
"""
"""The log names the ends of extensions, and no other extension slows the server down."""

STAGES = "SELECT stage FROM image_async_tasks"


@pytest.fixture
def jobs():
    with JobServer() as running:
        yield running


@pytest.fixture
def start(tmp_path, jobs):
    """Return a function that starts a server, with lines of its configuration."""
    servers = []

    def start_server(config=""):
        servers.append(Jupyter(tmp_path, CONFIG + config, **install_plugin(tmp_path, jobs.origin)))
        return servers[-1]

    yield start_server
    for server in servers:
        server.stop()


@pytest.fixture
def patient(start):
    """Return a server that would wait for an answer longer than any test."""
    return start("import imgplay_widget.server.jupyter as studio\nstudio.STOP_WAIT = 1000.0\n")


def generate(server, model):
    wish = {"provider": "jobs", "model": model, "prompt": "a fox", "imageNum": 1}
    script = server.browser(Authorization=f"token {TOKEN}")
    assert script.post(f"{API}/generate", json=wish).status_code == 202


def seconds_of_the_end(log):
    """Return the time that the extension took to stop."""
    began, ended = (
        datetime.fromisoformat(re.findall(rf"^\[\w (\S+ \S+) .*'imgplay' {word}$", log, re.MULTILINE)[0])
        for word in ("stopping", "stopped")
    )
    return (ended - began).total_seconds()


def test_a_stop_waits_a_few_seconds_for_an_answer_and_names_the_lost_one(start, jobs):
    server, hold = start(), jobs.hold("answer")
    generate(server, "image")
    hold.wait_reached()
    server.process.terminate()
    # The answer never comes.
    server.until_ended()
    log = server.said()
    # JupyterHub and Docker kill a server after ten seconds.
    assert STOP_WAIT < 10
    assert seconds_of_the_end(log) >= STOP_WAIT
    assert (log.count(WAITS), log.count(LOST)) == (1, 1)
    assert rows(server.store, STAGES) == [("submitting",)]
    assert len(jobs.submits) == 1


def test_a_second_signal_ends_the_waiting_at_once(patient, jobs):
    hold = jobs.hold("answer")
    generate(patient, "image")
    hold.wait_reached()
    patient.process.terminate()
    patient.until_said(WAITS)
    patient.process.terminate()
    patient.until_ended()
    assert patient.said().count(LOST) == 1
    assert rows(patient.store, STAGES) == [("submitting",)]


def test_a_stop_without_calls_does_not_wait(patient, jobs):
    jobs.working = True
    generate(patient, "queue")
    jobs.until(lambda: bool(jobs.polls))
    patient.process.terminate()
    patient.until_ended()
    log = patient.said()
    assert "waits for answers" not in log
    assert "billed" not in log
    assert rows(patient.store, STAGES) == [("processing",)]

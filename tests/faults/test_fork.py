"""A process that forks, as `multiprocessing` does on Linux."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import pytest

from tests.faults.conftest import assert_whole

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def test_a_fork_is_told_that_the_studio_is_not_its_own_and_the_work_goes_on(start, store, server):
    hold = server.hold("answer")
    child = start()
    child.ask("generate", prompts=["a fox"], model="image", n=1)
    hold.wait_reached()
    assert child.ask("fork")["refused"] == "studio_closed"
    hold.open()
    assert child.ask("wait") == [["success"]]
    child.ask("settle")
    child.leave()
    assert len(server.submits) == 1
    assert_whole(store)


def test_a_fork_that_outlives_its_kernel_keeps_no_task(start, store, server):
    server.working = True
    holder = start()
    holder.ask("generate", prompts=["a fox"], model="queue", n=1)
    server.until(lambda: len(server.polls) == 1)
    fork = holder.ask("fork", stays=True)["pid"]
    try:
        holder.kill()
        server.working = False
        other = start()
        assert other.ask("wait") == [["success"]]
        other.ask("settle")
        other.leave()
    finally:
        with suppress(ProcessLookupError):
            os.kill(fork, signal.SIGKILL)
    assert len(server.submits) == 1
    assert_whole(store)

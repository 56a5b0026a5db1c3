"""The server finishes what a kernel that died had begun, and sees what kernels do. Nothing is paid twice."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from imgplay_widget import Studio
from tests.faults.conftest import Child, assert_whole, next_start, outcomes, rows
from tests.faults.job_provider import JobProvider, QuickClock
from tests.server.conftest import WAIT, Server
from tests.servers.job_server import JobServer

UNFINISHED = "SELECT count(*) FROM image_async_tasks WHERE status IN ('pending', 'processing')"


class KeyedJobs(JobProvider):
    """The same provider, with a key."""

    spec = replace(JobProvider.spec, key_variables=("JOBS_TEST_KEY",))


@pytest.fixture
def jobs():
    with JobServer() as running:
        yield running


@pytest.fixture
def kernel(store, jobs):
    """Return a process like a kernel, whose two jobs run at the provider."""
    jobs.working = True
    child = Child(store, jobs)
    child.ask("generate", prompts=["a fox"], model="queue", n=2)
    jobs.until(lambda: len(jobs.polls) == 2)
    yield child
    child.end()


@pytest.fixture
def serve(store, jobs):
    """Return a function that starts a server with a provider for the jobs of the kernel."""
    running = []

    def start(provider=JobProvider, **options):
        providers = [provider(jobs.origin)] if provider else []
        options = {"clock": QuickClock(), "heartbeat": 0.05, "providers": providers, **options}
        running.append(Server(store, **options))
        return running[-1]

    yield start
    for server in running:
        server.stop()


def wait_for_images(page, count=2):
    """Wait until so many generations are finished, with an image each."""
    done = set()

    def enough(content):
        for event in content.get("events", ()):
            if event["type"] == "generation_changed" and event["generation"]["status"] == "success":
                done.add(event["generation"]["id"])
        return len(done) == count

    page.until(enough)


def test_a_generation_whose_kernel_dies_is_finished_by_the_server(kernel, serve, jobs, store):
    server = serve()
    with server.page() as page:
        kernel.kill()
        jobs.working = False
        wait_for_images(page)
    server.stop()
    assert set(jobs.per_unit().values()) == {1}
    assert_whole(store)


def test_a_server_takes_nothing_up_before_it_is_used(kernel, serve, jobs, store):
    server = serve()
    kernel.kill()
    jobs.working = False
    polls = dict(jobs.polls)
    assert server.browser().get(server.address).status_code == 302
    assert jobs.polls == polls
    with server.page() as page:
        wait_for_images(page)
    server.stop()
    assert set(jobs.per_unit().values()) == {1}
    assert_whole(store)


def test_what_the_server_has_no_key_for_waits_until_it_has_one(kernel, serve, jobs, store):
    kernel.kill()
    jobs.working = False
    server = serve(KeyedJobs)
    with server.page() as page:
        polls = dict(jobs.polls)
        for _ in range(3):
            server.core().call(server.core().engine.beat)
        assert rows(store, UNFINISHED) == [(2,)]
        assert jobs.polls == polls
        page.result("set_key", provider="jobs", key="sk-secret", remember=False)
        wait_for_images(page)
    server.stop()
    assert set(jobs.per_unit().values()) == {1}
    assert_whole(store)


def test_what_the_server_has_no_provider_for_waits_for_a_kernel_that_has(kernel, serve, jobs, store):
    kernel.kill()
    jobs.working = False
    server = serve(None)
    with server.page():
        server.core().call(server.core().engine.beat)
        assert rows(store, UNFINISHED) == [(2,)]
        with next_start(store, jobs) as studio:
            assert outcomes(studio) == [["success", "success"]]
    server.stop()
    assert set(jobs.per_unit().values()) == {1}
    assert_whole(store)


def test_what_runs_when_the_server_stops_goes_on_in_the_next_kernel(serve, jobs, store):
    jobs.working = True
    server = serve()
    with server.page() as page:
        page.generate("a fox", model="jobs:queue", n=2)
        jobs.until(lambda: len(jobs.polls) == 2)
        server.stop()
    jobs.working = False
    with next_start(store, jobs) as studio:
        assert outcomes(studio) == [["success", "success"]]
    assert set(jobs.per_unit().values()) == {1}
    assert_whole(store)


def test_the_server_and_a_kernel_see_each_other_within_two_seconds(store):
    # A busy machine may take a moment more.
    most = 2.5
    server = Server(store)
    try:
        with server.page() as page, Studio(store) as kernel:
            batch = kernel.generate("a fox", model="demo:instant").result(WAIT)
            began = time.monotonic()
            page.event("store_changed")
            assert time.monotonic() - began < most
            page.result("rename_topic", topicId=batch.topic_id, title="Foxes")
            began = time.monotonic()
            while kernel.topics[0].title != "Foxes":
                assert time.monotonic() - began < most
    finally:
        server.stop()

"""Processes, a server that counts, and the checks of every store at the end."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from imgplay_widget import Studio
from imgplay_widget.testing import open_studio
from tests.faults.child import outcomes
from tests.faults.job_provider import JobProvider, QuickClock
from tests.servers.job_server import JobServer

ROOT = Path(__file__).resolve().parents[2]
WAIT = 60


class Child:
    """A process that runs `tests.faults.child`."""

    def __init__(self, store: Path, server: JobServer, **options: Any) -> None:
        arguments = json.dumps({"store": str(store), "origin": server.origin, **options})
        paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.child", arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            text=True,
        )
        self._ready = False

    def ask(self, do: str, **command: Any) -> Any:
        """Send a command, and return the answer."""
        self.tell(do, **command)
        return self.hear()

    def tell(self, do: str, **command: Any) -> None:
        assert self.process.stdin is not None
        self.wait_ready()
        self.process.stdin.write(json.dumps({"do": do, **command}) + "\n")
        self.process.stdin.flush()

    def wait_ready(self) -> None:
        """Wait until the child's studio is open. Several children may be started first, and open together."""
        if not self._ready:
            assert self.hear() == "ready"
            self._ready = True

    def hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the child ended with {self.process.wait(WAIT)}"
        return json.loads(line)

    def lives(self) -> bool:
        """Wait for any answer, and return False where the child has died instead."""
        assert self.process.stdout is not None
        return bool(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.died()

    def died(self) -> None:
        """Wait until the child has killed itself."""
        assert self.process.wait(WAIT) == -signal.SIGKILL

    def stopped(self) -> None:
        """Wait until the child has stopped itself."""
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

    def wake(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def leave(self) -> None:
        """End the child as a kernel is shut down."""
        assert self.process.stdin is not None
        self.wait_ready()
        self.process.stdin.close()
        assert self.process.wait(WAIT) == 0

    def end(self) -> None:
        self.process.kill()
        self.process.wait(WAIT)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()


StartChild = Callable[..., Child]


@pytest.fixture
def server() -> Iterator[JobServer]:
    with JobServer() as running:
        yield running


@pytest.fixture
def start(store: Path, server: JobServer) -> Iterator[StartChild]:
    """Return a function that starts a child on the store of the test."""
    children: list[Child] = []

    def start_child(**options: Any) -> Child:
        children.append(Child(store, server, **options))
        return children[-1]

    yield start_child
    for child in children:
        child.end()


@contextmanager
def next_start(store: Path, server: JobServer, **options: Any) -> Iterator[Studio]:
    """Return the studio of the next kernel, after it has finished all that was left."""
    clock = QuickClock(options.pop("ahead", 0.0))
    with open_studio(JobProvider(server.origin), store=store, clock=clock, **options) as studio:
        outcomes(studio)
        studio._core.call(studio._core.archive.settle)
        yield studio


def rows(store: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(query).fetchall()


def assets_of(store: Path) -> Path:
    return store.with_name(f"{store.name}.assets")


def left_over(store: Path) -> list[str]:
    """Return the files that no row names, without the locks of processes, and the rows whose file is gone."""
    root = assets_of(store)
    there = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".lock" and path.name != "complete"
    }
    assets = [json.loads(asset) for (asset,) in rows(store, "SELECT asset FROM image_generations") if asset]
    assets = [asset for asset in assets if asset]
    covers = {url for (url,) in rows(store, "SELECT cover_url FROM image_generation_topics") if url}
    needed = {asset["url"] for asset in assets} | covers
    needed |= {f"recipes/{asset['digest'][:2]}/{asset['digest']}.json" for asset in assets}
    allowed = needed | {asset["thumbnailUrl"] for asset in assets}
    return sorted(there - allowed) + [f"missing: {url}" for url in sorted(needed - there)]


def assert_whole(store: Path) -> None:
    """Check what must be true of every store when nothing runs."""
    unfinished = "SELECT stage FROM image_async_tasks WHERE status IN ('pending', 'processing')"
    assert rows(store, unfinished) == []
    idle = (
        "SELECT id FROM image_async_tasks WHERE id NOT IN"
        " (SELECT async_task_id FROM image_generations WHERE async_task_id IS NOT NULL)"
    )
    assert rows(store, idle) == []
    assert rows(store, "PRAGMA integrity_check") == [("ok",)]
    assert rows(store, "PRAGMA foreign_key_check") == []
    assert left_over(store) == []

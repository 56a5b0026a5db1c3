"""A real kernel: it restarts during a job, and images and answers arrive while it computes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests.faults.conftest import ROOT, WAIT, assert_whole
from tests.servers.job_server import JobServer

SETUP = """
from imgplay_widget import ImagePlayground
from tests.faults.job_provider import JobProvider
pg = ImagePlayground(store={store!r}, providers=[JobProvider({origin!r})])
"""
BUSY = {
    "asleep": "import time\nprint('busy', flush=True)\ntime.sleep(600)",
    "computing": "print('busy', flush=True)\nwhile True:\n    sum(range(1000))",
}


HELLO = {"kind": "request", "id": "hello", "call": {"method": "hello", "page": "p"}}
WISH = {"prompt": "a hare", "model": "jobs:image", "params": {}}
GENERATE = {
    "kind": "request",
    "id": "click-1",
    "call": {"method": "generate", "wishes": [WISH], "n": 1, "topicId": None},
}


class Kernel:
    """A kernel and its messages on iopub."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client

    def run(self, code: str) -> str:
        """Run a cell to its end and return what it printed."""
        asked = self.start(code)
        printed: list[str] = []

        def ended(message: dict[str, Any]) -> bool:
            if message["parent_header"].get("msg_id") != asked:
                return False
            content = message["content"]
            assert message["msg_type"] != "error", "\n".join(content["traceback"])
            printed.append(content.get("text", ""))
            return content.get("execution_state") == "idle"

        self.until(ended)
        return "".join(printed)

    def start(self, code: str) -> str:
        """Start a cell and return the id of the request."""
        return self.client.execute(code)

    def until(self, wanted: Callable[[dict[str, Any]], object]) -> list[dict[str, Any]]:
        """Read messages of the kernel until one of them is wanted, and return all of them."""
        said: list[dict[str, Any]] = []
        ends = time.monotonic() + WAIT
        while not said or not wanted(said[-1]):
            said.append(self.client.get_iopub_msg(timeout=max(0.0, ends - time.monotonic())))
        return said

    def show(self, setup: str) -> str:
        """Show a playground, whose page says hello, and return the id of its comm."""
        said = self.until(ended(self.start(setup + "pg")))
        (comm,) = {
            message["content"]["comm_id"]
            for message in said
            if message["msg_type"] == "comm_open"
            and message["content"]["data"]["state"].get("_model_module") == "anywidget"
        }
        self.click(comm, HELLO, shell=None)
        self.until(lambda message: custom(message).get("to") == "hello")
        return comm

    def control(self, kind: str, **content: Any) -> dict[str, Any]:
        """Send a request on the control channel."""
        message = self.client.session.msg(kind, content)
        self.client.control_channel.send(message)
        return self.client.get_control_msg(timeout=WAIT)["content"]

    def click(self, comm: str, content: dict[str, Any], *, shell: str | None) -> None:
        """Send a message of the page, as JupyterLab does on a subshell, and other hosts without one."""
        body = {"comm_id": comm, "data": {"method": "custom", "content": content}}
        message = self.client.session.msg("comm_msg", body)
        if shell is not None:
            message["header"]["subshell_id"] = shell
        self.client.shell_channel.send(message)


def ended(request: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: (
        message["parent_header"].get("msg_id") == request
        and message["content"].get("execution_state") == "idle"
    )


def custom(message: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a message to the page, or an empty one."""
    data = message["content"].get("data", {})
    return data.get("content", {}) if message["msg_type"] == "comm_msg" else {}


def came(message: dict[str, Any]) -> list[str]:
    """Return the ids of the batches for which a message has an image."""
    return [
        event["generation"]["batchId"]
        for event in custom(message).get("events", [])
        if event["type"] == "generation_changed" and event["generation"]["status"] == "success"
    ]


@pytest.fixture
def kernel(store: Path, server: JobServer, tmp_path: Path) -> Iterator[Kernel]:
    paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    manager = KernelManager(kernel_name="python3")
    manager.kernel_spec.argv[0] = sys.executable
    manager.start_kernel(env=env)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=WAIT)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


@pytest.fixture
def setup(store: Path, server: JobServer) -> str:
    return SETUP.format(store=str(store), origin=server.origin)


@pytest.mark.parametrize("now", [True, False], ids=["killed", "asked"])
def test_a_kernel_restarted_in_mid_job_finishes_it_at_the_next_playground(kernel, setup, store, server, now):
    server.working = True
    kernel.run(setup + 'batch = pg.generate("a fox", model="jobs:queue", n=2)')
    server.until(lambda: len(server.polls) == 2)
    kernel.manager.restart_kernel(now=now)
    kernel.client.wait_for_ready(timeout=WAIT)
    server.working = False
    kernel.run(setup)
    printed = kernel.run("print([g.status.value for g in pg.batches()[0].result(60)])")
    assert printed == "['success', 'success']\n"
    kernel.run("pg.studio._core.call(pg.studio._core.archive.settle); pg.close()")
    assert len(server.submits) == 2
    assert_whole(store)


@pytest.mark.parametrize("kind", BUSY)
def test_images_come_to_the_page_while_a_cell_runs(kernel, setup, server, kind):
    hold = server.hold("answer")
    kernel.show(setup)
    kernel.run('batch = pg.generate("a fox", model="jobs:image")')
    hold.wait_reached()
    cell = kernel.start(BUSY[kind])
    kernel.until(lambda message: message["content"].get("text") == "busy\n")
    hold.open()
    said = kernel.until(came)
    assert not any(map(ended(cell), said))
    kernel.manager.interrupt_kernel()
    kernel.until(ended(cell))


needs_subshells = pytest.mark.skipif(
    tuple(map(int, version("ipykernel").split(".")[:2])) < (7, 1), reason="this ipykernel has no subshells"
)


@needs_subshells
@pytest.mark.parametrize("kind", BUSY)
def test_a_click_is_answered_while_a_cell_runs(kernel, setup, server, kind):
    comm = kernel.show(setup)
    shell = kernel.control("create_subshell_request")["subshell_id"]
    # The engine's messages in between must not lead the answer back to the cell's shell.
    kernel.run('pg.generate("a fox", model="jobs:image").result(60)')

    cell = kernel.start(BUSY[kind])
    kernel.until(lambda message: message["content"].get("text") == "busy\n")
    kernel.click(comm, GENERATE, shell=shell)
    said = kernel.until(lambda message: custom(message).get("to") == "click-1")
    assert custom(said[-1])["error"] is None
    batch = custom(said[-1])["result"]["batches"][0]["id"]
    if not any(batch in came(message) for message in said):
        said += kernel.until(lambda message: batch in came(message))
    assert not any(map(ended(cell), said))
    assert [submit.prompt for submit in server.submits] == ["a fox", "a hare"]
    kernel.manager.interrupt_kernel()
    kernel.until(ended(cell))


@needs_subshells
def test_a_click_goes_on_when_its_subshell_is_deleted(kernel, setup, server):
    hold = server.hold("answer")
    comm = kernel.show(setup)
    shell = kernel.control("create_subshell_request")["subshell_id"]
    kernel.click(comm, GENERATE, shell=shell)
    hold.wait_reached()
    assert kernel.control("delete_subshell_request", subshell_id=shell)["status"] == "ok"
    hold.open()
    assert kernel.until(came)
    assert kernel.run("print(pg.batches()[0].result(60).status.value)") == "success\n"


@pytest.mark.parametrize("wait", ["await batch", "batch.result()"])
def test_an_interrupt_ends_the_waiting_and_not_the_work(kernel, store, wait):
    kernel.run(
        f"from imgplay_widget import Studio\nstudio = Studio({str(store)!r})\n"
        'batch = studio.generate("a fox", model="demo:slow", seconds=60)'
    )

    def text(message):
        return str(message["content"].get("data", {}).get("text/plain"))

    asked = kernel.start(wait)
    kernel.until(lambda message: "0/1 · a fox" in text(message))
    kernel.manager.interrupt_kernel()
    kernel.until(lambda message: text(message).startswith("Stopped waiting. The work goes on"))
    kernel.until(ended(asked))
    assert kernel.run("print(batch.status.final, end='')") == "False"
    kernel.run("batch.cancel()\nstudio.close()")

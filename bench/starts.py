"""The measurement of what the extension adds to the start of a Jupyter Server; it prints one line of JSON.

Each server starts in a fresh process and without any other extension, such as JupyterLab. Starts with and
without the extension alternate. The CPU time counts, from the begin of the process until the server could
listen: it depends less on the load of the machine than the time of a clock. Between two whole starts it still
varies more than the extension takes. So what the extension adds is the CPU time of the steps in which the
server imports, links and loads its extensions.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

from jupyter_server.serverapp import ServerApp

ROOT = Path(__file__).resolve().parent.parent
EXTENSION = "imgplay_widget.server"
PAIRS = 5


class MeasuredServer(ServerApp):
    """A Jupyter Server that measures the steps that concern its extensions."""

    # The CPU time of the steps, in seconds.
    took = 0.0

    def init_server_extensions(self) -> None:
        """Import and link the extensions."""
        self._measure(super().init_server_extensions)

    def load_server_extensions(self) -> None:
        """Load the extensions."""
        self._measure(super().load_server_extensions)

    def _measure(self, step: Callable[[], None]) -> None:
        start = process_time()
        step()
        self.took += process_time() - start


def start(*, extended: bool) -> dict[str, float]:
    """Prepare a server in this process, and return its CPU times in ms: of all, and of its extensions."""
    # Jupyter Server imports an extension also where it is listed as disabled.
    server = MeasuredServer(jpserver_extensions={EXTENSION: True} if extended else {})
    arguments = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"]
    server.initialize(arguments, find_extensions=False)
    found = {"whole": 1000 * process_time(), "extensions": 1000 * server.took}
    loaded = f"{EXTENSION}.jupyter" in sys.modules
    if loaded is not extended or bool(server.extension_manager.extension_apps) is not extended:
        raise RuntimeError("The server did not load the extensions that it should load.")
    return found


def measured(compiled: str, *, extended: bool) -> dict[str, float]:
    """Return the CPU times of `start` in a fresh process, with folders of its own.

    Args:
        compiled: the folder of compiled modules, which an installed package has too.
        extended: True with the extension.
    """
    with tempfile.TemporaryDirectory(prefix="imgplay-bench-") as folder:
        names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
        own = {name: str(Path(folder, name)) for name in names}
        own |= {"JUPYTER_NO_CONFIG": "1", "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        done = subprocess.run(
            [sys.executable, "-m", "bench.starts", "--once", "with" if extended else "without"],
            cwd=ROOT,
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    return json.loads(done.stdout)


def pairs() -> dict[str, float]:
    """Return the medians of starts with and without the extension."""
    found: dict[bool, list[dict[str, float]]] = {True: [], False: []}
    with tempfile.TemporaryDirectory(prefix="imgplay-bench-") as compiled:
        # The first pair compiles the modules, and fills the caches of the system.
        for number in range(PAIRS + 1):
            for extended in (True, False):
                times = measured(compiled, extended=extended)
                if number:
                    found[extended].append(times)

    def middle(name: str, *, extended: bool) -> float:
        return median(times[name] for times in found[extended])

    return {
        "with_ms": middle("whole", extended=True),
        "without_ms": middle("whole", extended=False),
        "added_ms": middle("extensions", extended=True) - middle("extensions", extended=False),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", choices=("with", "without"), help="start one server in this process")
    once = parser.parse_args().once
    print(json.dumps(pairs() if once is None else start(extended=once == "with")))


if __name__ == "__main__":
    main()

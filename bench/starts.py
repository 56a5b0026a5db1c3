"""The measurement of what the extension adds to the start of a Jupyter Server; it prints one line of JSON.

Starts with and without the extension alternate, so that the load of the machine is the same for both. The CPU
time of the process counts, up to the moment when the server has written the file with its address.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import psutil

ROOT = Path(__file__).resolve().parent.parent
PAIRS = 5
LIMIT = 60.0
"""The longest start, in seconds."""


def cpu_ms(folder: Path, *, extended: bool) -> float:
    """Start a server, and return the CPU time of its start in ms."""
    runtime = folder / "runtime"
    command = [
        *(
            sys.executable,
            "-m",
            "jupyter_server",
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            "--port=0",
        ),
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.jpserver_extensions={{'imgplay_widget.server': {extended}}}",
    ]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_TOKEN": "bench",
    }
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + LIMIT
        while not any(runtime.glob("jpserver-*.json")):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("The server did not start.")
            time.sleep(0.01)
        times = psutil.Process(process.pid).cpu_times()
    finally:
        process.kill()
        process.wait()
    return 1000 * (times.user + times.system)


def main() -> None:
    found: dict[bool, list[float]] = {True: [], False: []}
    # The first pair fills the caches of the system.
    for number in range(PAIRS + 1):
        for extended in (True, False):
            with tempfile.TemporaryDirectory(prefix="imgplay-bench-") as folder:
                taken = cpu_ms(Path(folder), extended=extended)
            if number:
                found[extended].append(taken)
    added = median(mine - bare for mine, bare in zip(found[True], found[False], strict=True))
    print(json.dumps({"with_ms": median(found[True]), "without_ms": median(found[False]), "added_ms": added}))


if __name__ == "__main__":
    main()

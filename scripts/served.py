"""The command `imgplay serve` as a process of its own, for the browser tests and the benchmarks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


class Served:
    """The command `imgplay serve`, on a store of its own.

    Attributes:
        address: the address that the command printed last.
    """

    def __init__(
        self, store: Path, python: str = sys.executable, environment: Mapping[str, str] = os.environ
    ) -> None:
        self.store, self.address, self._port = store, "", 0
        self._python, self._environment = python, environment
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the server, at the second time on the same port."""
        command = [
            self._python,
            "-m",
            "imgplay_widget",
            "serve",
            "--no-browser",
            "--store",
            str(self.store),
        ]
        self._process = subprocess.Popen(
            [*command, "--port", str(self._port)],
            stdout=subprocess.PIPE,
            text=True,
            env={**self._environment, "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(r"http://\S+:(\d+)/\S+token=\S+", line):
                self.address, self._port = found[0], int(found[1])
                return
        raise AssertionError("The command ended without an address.")

    def kill(self) -> None:
        """End the server without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None

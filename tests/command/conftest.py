"""The real command, with a provider that is installed as a plug-in would be.

A command that only runs to its end runs in the process of the tests, because the start of a process takes
longer than most commands. One whose signals, terminal or start matter runs in a process of its own.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from imgplay_widget._command.main import main
from imgplay_widget.providers import registry
from tests.servers.job_plugin import install_plugin
from tests.servers.job_server import JobServer

ROOT = Path(__file__).resolve().parents[2]
WAIT = 60


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Command:
    """The command `imgplay` on one store.

    Args:
        store: the store, or None for the one that a command takes by itself.
        folder: the working folder, which also holds the plug-in.
        environ: the environment.

    Attributes:
        has_plugin: True where the folder has a plug-in.
    """

    def __init__(self, store: Path | None, folder: Path, environ: dict[str, str]) -> None:
        self.store = store
        self.folder = folder
        self.environ = environ
        self.has_plugin = False

    def __call__(self, *arguments: str, given: str = "", **environ: str) -> Ended:
        """Run a command to its end, in this process."""
        streams = {"stdin": io.BytesIO(given.encode()), "stdout": io.BytesIO(), "stderr": io.BytesIO()}
        handler = signal.getsignal(signal.SIGTERM)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            for name, value in {**self.environ, **environ}.items():
                patch.setenv(name, value)
            for name, stream in streams.items():
                patch.setattr(sys, name, io.TextIOWrapper(stream, encoding="utf-8", write_through=True))
            if self.has_plugin:
                for folder in (str(ROOT), str(self.folder)):
                    patch.syspath_prepend(folder)
                patch.setattr(registry, "entry_points", entry_points)
                patch.delitem(sys.modules, "imgplay_jobs", raising=False)
            try:
                code = main(self._with_store(arguments))
            finally:
                signal.signal(signal.SIGTERM, handler)
            out, err = (streams[name].getvalue().decode() for name in ("stdout", "stderr"))
        return Ended(int(code), out, err)

    def apart(self, *arguments: str, given: str = "", stdout: int = subprocess.PIPE, **environ: str) -> Ended:
        """Run a command to its end, in a process of its own."""
        return self.ended(self.start(*arguments, stdout=stdout, **environ), given)

    def start(
        self,
        *arguments: str,
        stdin: int = subprocess.PIPE,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        **environ: str,
    ) -> subprocess.Popen[bytes]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "imgplay_widget", *self._with_store(arguments)],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=self.folder,
            env={**self.environ, **environ},
            # A runner in the background hands ignored interrupts on, and these tests send some.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def _with_store(self, arguments: Sequence[str]) -> list[str]:
        if self.store is None or "--store" in arguments:
            return [*arguments]
        return ["--store", str(self.store), *arguments]

    def ended(self, process: subprocess.Popen[bytes], given: str = "") -> Ended:
        """Wait for the end of a command that was started."""
        out, err = process.communicate(given.encode() if process.stdin else None, WAIT)
        return Ended(process.returncode, (out or b"").decode(), (err or b"").decode())


def open_terminal() -> tuple[int, int]:
    """Return the outer and the inner end of a terminal of the usual size."""
    terminal, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 80, 0, 0))
    return terminal, inner


def read_all(terminal: int) -> bytes:
    """Return what a terminal showed until the last program on it ended, and close the terminal."""
    seen = b""
    # Linux ends the reading with an error.
    with suppress(OSError):
        while piece := os.read(terminal, 4096):
            seen += piece
    os.close(terminal)
    return seen


@pytest.fixture
def command(tmp_path: Path, store: Path) -> Command:
    """Return the command, on a store that does not exist yet and without keys."""
    folder = tmp_path / "work"
    folder.mkdir()
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    return Command(store, folder, {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))})


@pytest.fixture
def jobs(command: Command) -> Iterator[JobServer]:
    """Return a server of images whose provider the command knows as ``jobs``."""
    with JobServer() as server:
        command.environ |= install_plugin(command.folder, server.origin)
        command.has_plugin = True
        yield server


@pytest.fixture
def made(command: Command) -> Any:
    """Return the document of a batch of two images in the topic "foxes"."""
    arguments = ("a red fox", "-m", "demo:instant", "-n", "2", "--seed", "7", "-p", "width=256")
    ended = command("generate", *arguments, "-p", "height=256", "--topic", "foxes", "--json")
    assert ended.code == 0, ended.err
    return ended.json["batches"][0]

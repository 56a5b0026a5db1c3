"""The files of a release, and environments into which they are installed: made once for all workers."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from filelock import FileLock

from scripts import dist

WAIT = 200

Make = Callable[[Path], object]


class Release(NamedTuple):
    """The two files of a release."""

    sdist: Path
    wheel: Path


class Environment:
    """A virtual environment into which one file of a release is installed, with a user of its own.

    It sees the dependencies that are installed for the tests, but not the package that is being worked on: a
    `.pth` file leads to that one, and Python reads these files in the environment's own folder only. Its PATH
    has no Node, nor any other program of this machine.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, folder / "venv" / "bin"
        self.python = str(self.bin / "python")
        self.variables = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("JUPYTER", "PYTHON"))
            },
            "PATH": str(self.bin),
            "HOME": str(folder / "home"),
            "XDG_DATA_HOME": str(folder / "home" / "data"),
        }

    def install(self, file: Path) -> None:
        """Make the environment, and install a file as a user does whose index is out of reach."""
        venv.create(self.folder / "venv")
        inside, outside = (
            Path(sysconfig.get_path("purelib", vars=variables))
            for variables in ({"base": str(self.folder / "venv")}, None)
        )
        (inside / "dependencies.pth").write_text(f"{outside}\n")
        (self.folder / "home").mkdir()
        installed = self.run(
            "-m", "pip", "install", "--no-deps", "--no-index", "--no-build-isolation", str(file)
        )
        assert installed.returncode == 0, installed.stderr

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the environment to its end."""
        return subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str, Make], Path]:
    """Return a call that makes a folder when the first worker asks for it."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def made(name: str, make: Make) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def release(once: Callable[[str, Make], Path]) -> Release:
    """Return an sdist of the repository, and the wheel of the sdist."""
    folder = once("dist", lambda folder: dist.build(folder, isolated=False))
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return Release(sdist, wheel)


@pytest.fixture(scope="session")
def installed(once: Callable[[str, Make], Path], release: Release) -> Environment:
    """Return an environment that has the wheel."""
    return Environment(once("from-wheel", lambda folder: Environment(folder).install(release.wheel)))


@pytest.fixture(scope="session")
def installed_sdist(once: Callable[[str, Make], Path], release: Release) -> Environment:
    """Return an environment that has the sdist."""
    return Environment(once("from-sdist", lambda folder: Environment(folder).install(release.sdist)))

"""The setup of all tests: no user data, no keys, no network but this machine, and browser tests last."""

from __future__ import annotations

import functools
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from imgplay_widget.providers import registry

MEMORY, ENOUGH = Path("/dev/shm"), 4 * 1024**3
"""A file system in memory, and the free bytes that all tests need."""

KEY_SUFFIXES = ("_API_KEY", "_API_TOKEN", "_KEY")


def pytest_configure() -> None:
    """Write the files of the tests into memory where there is room: stores sync often, and disks are slow."""
    if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run quick tests first: a browser test takes seconds, and its driver keeps a loop in the main thread."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session", autouse=True)
def _own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's store and keys out of every test, and of the processes that tests start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("user-data")))
        for name in list(os.environ):
            if name.endswith(KEY_SUFFIXES) or name == "OPENAI_BASE_URL":
                patch.delenv(name)
        patch.setenv("IMGPLAY_ENV_FILE", "")
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        # Each studio looks through all installed packages, which do not change during the tests.
        patch.setattr(registry, "entry_points", functools.cache(registry.entry_points))
        yield


@pytest.fixture(autouse=True)
def _only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections that leave this machine: a test that needs one is wrong."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object, /) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0]) if isinstance(address, tuple) else str(address)
            if not host.startswith("127.") and host not in ("::1", "localhost"):
                raise AssertionError(f"a test tried to reach {host}")
        connect(self, address)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return the path of a store that does not exist yet."""
    return tmp_path / "studio.sqlite"

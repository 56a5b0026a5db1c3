"""A keyring in a file, which tests can read. `PYTHON_KEYRING_BACKEND` names its class."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend

BACKEND = f"{__name__}.FileKeyring"


class FileKeyring(KeyringBackend):
    """A keyring in the file that `KEYRING_FILE` names."""

    priority = 1  # pyright: ignore[reportAssignmentType] - the library declares a property of the class

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write({**self._read(), f"{service}/{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        found = self._read()
        del found[f"{service}/{username}"]
        self._write(found)

    def _read(self) -> dict[str, str]:
        return json.loads(self._file().read_text()) if self._file().exists() else {}

    def _write(self, found: dict[str, str]) -> None:
        self._file().write_text(json.dumps(found))

    @staticmethod
    def _file() -> Path:
        return Path(os.environ["KEYRING_FILE"])

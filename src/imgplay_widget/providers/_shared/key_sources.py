"""Where a key may be, besides the environment: a ``.env`` file, the system's keyring, Colab's secrets.

All of these sources may be slow or ask the user something, so they are never asked on the engine's loop. They
never raise an error: a source that is missing or broken has no key. JupyterHub passes its secrets as
environment variables, which need no source of their own.
"""

from __future__ import annotations

import importlib
import io
import sys
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgplay_widget.providers._shared.environment import bare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "SERVICE",
    "can_ask_colab",
    "colab_secret",
    "from_keyring",
    "has_keyring",
    "read_env_files",
    "to_keyring",
]

SERVICE = "imgplay-widget"
"""The service under which the keyring holds our keys. `Keys` chooses the name of each entry."""

ENV_FILE = "IMGPLAY_ENV_FILE"
"""Name another ``.env`` file; empty for none."""

_LARGEST = 64 * 2**10
"""The most bytes of a file of settings."""


def read_env_files(
    environ: Mapping[str, str], folder: Path | None = None, home: Path | None = None
) -> dict[str, str]:
    """Return the variables of the ``.env`` files, the nearest file first.

    The files are searched in the folder and its parents, up to the root of the repository or the home,
    whichever comes first. In a folder outside of both, only the folder itself counts, because any user of the
    machine could have put a file into a parent.

    Args:
        environ: the environment; ``IMGPLAY_ENV_FILE`` in it names the only file to read.
        folder: the folder where the search begins; None means the working folder.
        home: the home, where the search ends; None means the user's home.
    """
    named = environ.get(ENV_FILE)
    try:
        if named is not None:
            files = [Path(bare(named)).expanduser()] if bare(named) else []
        else:
            files = _env_files(folder or Path.cwd(), home or Path.home())
    except (OSError, RuntimeError):
        # The working folder was removed, or there is no home, of this user or of the one that the path names.
        return {}
    found: dict[str, str] = {}
    for file in files:
        for name, value in _parse(file).items():
            found.setdefault(name, value)
    return found


def _env_files(folder: Path, home: Path) -> list[Path]:
    files: list[Path] = []
    for level in (folder, *folder.parents):
        files.append(level / ".env")
        if level == home or (level / ".git").exists():
            return files
    return files[:1]


def _parse(file: Path) -> dict[str, str]:
    """Return the variables of one file."""
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST:
            return {}
        return _values(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return {}


@lru_cache(maxsize=8)
def _values(text: str) -> dict[str, str]:
    """Return the variables of a text, as python-dotenv reads it.

    python-dotenv logs the number of a line that it does not understand. The cache keeps it from saying so at
    each look at the file.
    """
    from dotenv import dotenv_values

    found = dotenv_values(stream=io.StringIO(text), interpolate=False)
    # To python-dotenv, a comment behind `KEY=` is the value.
    return {name: value for name, value in found.items() if value is not None and value[:1] != "#"}


# ------------------------------------------------------------------ the system's keyring


def _keyring() -> Any:
    """Return the library, if it is installed and can keep a secret; else None."""
    try:
        keyring = importlib.import_module("keyring")
        return keyring if keyring.get_keyring().priority > 0 else None
    except Exception:  # noqa: BLE001 - its backends are foreign code, and look for services when imported
        return None


def has_keyring() -> bool:
    """Return whether there is a keyring that keeps secrets."""
    return _keyring() is not None


def from_keyring(entry: str) -> str:
    """Return the key of an entry in the system's keyring, or "". It may ask the user to unlock."""
    keyring = _keyring()
    if keyring is None:
        return ""
    try:
        return bare(str(keyring.get_password(SERVICE, entry) or ""))
    except Exception:  # noqa: BLE001 - locked, refused, or a service that is not there
        return ""


def to_keyring(entry: str, key: str | None) -> bool:
    """Put a key into the system's keyring, or remove the entry (None). Return whether this worked."""
    keyring = _keyring()
    if keyring is None:
        return False
    try:
        if key is None:
            if keyring.get_password(SERVICE, entry) is not None:
                keyring.delete_password(SERVICE, entry)
            return True
        keyring.set_password(SERVICE, entry, key)
        return keyring.get_password(SERVICE, entry) == key
    except Exception:  # noqa: BLE001 - locked, refused, or a service that is not there
        return False


# ------------------------------------------------------------------ Colab


def can_ask_colab() -> bool:
    """Return whether this is Colab, and the thread on which it can be asked.

    Colab asks its page as `input` does, which works on the main thread only.
    """
    return "google.colab" in sys.modules and threading.current_thread() is threading.main_thread()


def colab_secret(variables: Sequence[str]) -> tuple[str, str]:
    """Return the first of these secrets that this notebook may read at Colab, and its name; or "", ""."""
    try:
        userdata: Any = importlib.import_module("google.colab.userdata")
    except ImportError:
        return "", ""
    for variable in variables:
        try:
            value = bare(str(userdata.get(variable) or ""))
        except Exception:  # noqa: BLE001, S112 - not there, or this notebook may not read it
            continue
        if value:
            return value, variable
    return "", ""

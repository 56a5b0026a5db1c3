"""What the user's browser is given to open.

Each user of a machine can read the arguments of all programs there, and so the address with which a browser
starts. So the browser is given a file that only this user can read, and the file leads to the address.
"""

from __future__ import annotations

import os
import platform
import subprocess
from contextlib import ExitStack, contextmanager
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["opened_by_browser", "shares_files"]

DOCUMENT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>Image playground</title>
<body>
<p><a href="{address}">Open the image playground</a></p>
</body>
</html>
"""

CHROMEBOOK = Path("/dev/.cros_milestone")
"""A file that exists in the Linux of a Chromebook."""

SNAPS = Path("/var/lib/snapd/desktop/applications")
"""The folder of the desktop entries of programs that are snaps."""

ASK_BROWSER = ("xdg-settings", "get", "default-web-browser")
"""The command that prints the name of the desktop entry of the user's browser."""

ASK_WAIT = 2.0
"""The most seconds for which this command is waited for."""


@contextmanager
def opened_by_browser(address: str) -> Generator[str]:
    """Return a context with the URL of a file that leads to an address, or the address where no file can.

    The file is removed at the end of the context.

    Args:
        address: the address, which logs a browser in.
    """
    with ExitStack() as kept:
        url = address
        if shares_files():
            # Without a folder for temporary files, the page opens all the same.
            try:
                url = _file(kept, address).as_uri()
            except OSError:
                kept.close()
        yield url


def _file(kept: ExitStack, address: str) -> Path:
    """Write the file into a folder that only this user can open."""
    folder = kept.enter_context(TemporaryDirectory(prefix="imgplay-", ignore_cleanup_errors=True))
    file = Path(folder, "open.html")
    file.touch(mode=0o600)
    file.write_text(DOCUMENT.format(address=escape(address)), encoding="utf-8")
    return file


def shares_files() -> bool:
    """Return whether the user's browser finds the temporary files of this process.

    The browser of a Windows with this Linux (WSL), or of a Chromebook, has other paths. A browser that is a
    snap has a folder of its own for temporary files.
    """
    if "microsoft" in platform.uname().release.lower() or CHROMEBOOK.exists():
        return False
    chosen = os.environ.get("BROWSER")
    return not (_is_snap() if chosen is None else "/snap/" in chosen)


def _is_snap() -> bool:
    """Return whether the user's browser is a snap."""
    if not SNAPS.is_dir():
        return False
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are constants
            ASK_BROWSER, capture_output=True, text=True, timeout=ASK_WAIT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    name = done.stdout.strip()
    return bool(name) and (SNAPS / name).is_file()

"""Read values that people wrote by hand: environment variables, lines of a ``.env`` file, pasted keys."""

from __future__ import annotations

import os

__all__ = ["bare", "variable"]


def bare(text: str) -> str:
    """Return a value without what came along when it was pasted: spaces, line ends, and quotes around it.

    Docker's ``--env-file`` and Windows' ``set`` keep quotes, and a file from Windows ends its lines by CR LF.
    """
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1].strip()
    return text


def variable(name: str) -> str:
    """Return the value of an environment variable as `bare` leaves it, or "" where it is not set."""
    return bare(os.environ.get(name, ""))

"""The paths that users give."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from imgplay_widget.errors import InvalidRequest

__all__ = ["path_of", "shown_path"]

_SHOWN = 120
"""The most characters of a path in an error: text that is taken for a path may be a whole image."""


def path_of(given: str | os.PathLike[str], parameter: str) -> Path:
    """Return the path that a user means, with the home folder in place of ``~``. The file need not exist.

    Args:
        given: the path.
        parameter: the name of the parameter, for the error.

    Raises:
        InvalidRequest: the text cannot be a path: it has a NUL character or half an emoji, is too long for
            the file system, or names the home folder of an unknown user.
    """
    try:
        path = Path(given).expanduser()
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            os.lstat(path)
    except (ValueError, RuntimeError) as error:
        raise _refusal(given, parameter, str(error).rstrip(".")) from None
    except OSError as error:
        raise _refusal(given, parameter, error.strerror or "the system refuses it") from None
    return path


def shown_path(given: str | os.PathLike[str]) -> str:
    """Return a path for an error, cut off where it is long."""
    text = repr(os.fspath(given))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _refusal(given: str | os.PathLike[str], parameter: str, reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"{parameter}: {shown_path(given)} cannot be a path ({reason}).",
        parameter=parameter,
        next_step="Give the path of a file.",
    )

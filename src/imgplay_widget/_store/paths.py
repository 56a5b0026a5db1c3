"""The paths that users give, and the files that are written there."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from imgplay_widget._text import shown
from imgplay_widget.errors import DiskFull, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["FULL", "path_of", "replacing", "room_for"]

FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""The errors of a disk without space: it is full, the file is too large, or the user's quota is used up."""


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


@contextmanager
def room_for(target: Path) -> Generator[None]:
    """Return a context in which a disk without space raises an error that names the target.

    Raises:
        DiskFull: there is no space for the target.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull(f"There is no space left to write {target.name}.") from error
        raise


@contextmanager
def replacing(target: Path) -> Generator[Path]:
    """Return a context with a file beside the target, which takes the target's name at the end.

    Where the context raises, the target stays as it was.

    Raises:
        DiskFull: there is no space for the file.
        OSError: the file cannot be written.
    """
    # The name is cut off, because a file system allows 255 bytes.
    part = target.with_name(f".{target.name[-60:]}.part")
    with room_for(target):
        try:
            yield part
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def _refusal(given: str | os.PathLike[str], parameter: str, reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"{parameter}: {shown(os.fspath(given))} cannot be a path ({reason}).",
        parameter=parameter,
        next_step="Give the path of a file.",
    )

"""Outputs of a cell that change in place, where IPython runs with a kernel. Nothing imports IPython here."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from imgplay_widget._ids import new_id

if TYPE_CHECKING:
    from imgplay_widget._studio.gallery import Bundle

__all__ = ["Output", "draws", "notebook"]


def _shell() -> Any | None:
    # A program that uses IPython has loaded it, so nobody pays for an import.
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if get is None else get()


def notebook() -> Any | None:
    """Return the shell of a notebook's kernel, or None where Python does not run in one."""
    shell = _shell()
    return shell if hasattr(shell, "kernel") and hasattr(shell, "display_pub") else None


def draws() -> bool:
    """Return whether a value may be shown as a picture: not in the terminal of IPython, which takes text."""
    formatter = getattr(_shell(), "display_formatter", None)
    return formatter is None or "text/html" in getattr(formatter, "active_types", ("text/html",))


class Output:
    """One output of a cell, which later calls replace. Any thread may use it.

    Args:
        shell: the shell of the kernel.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._id = new_id()
        self._lock = threading.Lock()
        self._shown = False
        self._closed = False

    def show(self, bundle: Bundle, *, last: bool = False) -> None:
        """Show a display in the output instead of the last one. After the last one, nothing changes it."""
        with self._lock:
            if self._closed:
                return
            self._closed = last
            transient = {"display_id": self._id}
            self._shell.display_pub.publish(bundle, {}, transient=transient, update=self._shown)
            self._shown = True

"""Outputs of a cell that change in place, in a kernel of IPython and in marimo. Neither is imported here."""

from __future__ import annotations

import logging
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from imgplay_widget._ids import new_id
from imgplay_widget._studio.call_threads import CallThread

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgplay_widget._studio.gallery import Bundle

__all__ = ["MarimoOutput", "Output", "cell_output", "draws", "follow_cells", "notebook"]

logger = logging.getLogger("imgplay_widget")

END_WAIT = 2.0
"""The most seconds for which the end of an output waits for its earlier states."""

_followers: list[Callable[[], bool]] = []


def _shell() -> Any | None:
    # A program that uses IPython has loaded it, so nobody pays for an import.
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if get is None else get()


def notebook() -> Any | None:
    """Return the shell of a notebook's kernel, or None where Python does not run in one."""
    shell = _shell()
    return shell if hasattr(shell, "kernel") and hasattr(shell, "display_pub") else None


def cell_output() -> Output | MarimoOutput | None:
    """Return a new output of the cell that runs, or None where Python does not run in a notebook."""
    shell = notebook()
    if shell is not None:
        return Output(shell)
    marimo = sys.modules.get("marimo")
    # marimo may be there half imported, and as a library in another program.
    if marimo is not None and getattr(marimo, "running_in_notebook", bool)():
        return MarimoOutput(marimo)
    return None


def draws() -> bool:
    """Return whether a value may be shown as a picture: not in the terminal of IPython, which takes text."""
    formatter = getattr(_shell(), "display_formatter", None)
    return formatter is None or "text/html" in getattr(formatter, "active_types", ("text/html",))


def follow_cells(shell: Any, at_end: Callable[[], bool]) -> None:
    """Call a function at the end of each cell, on the thread of the cell, until the function returns False.

    A notebook that is executed without a browser stores the messages that belong to the cell that runs. What
    other threads send after a cell has ended belongs to none.

    Args:
        shell: the shell of the kernel.
        at_end: the function.
    """
    _followers.append(at_end)
    # A second registration of the same function changes nothing.
    shell.events.register("post_run_cell", _at_cell_end)


def _at_cell_end(_: object) -> None:
    for at_end in tuple(_followers):
        if not at_end():
            _followers.remove(at_end)


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
        self._unsent: Bundle | None = None

    def show(self, bundle: Bundle, *, last: bool = False, of_cell: bool = True) -> None:
        """Show a display in the output instead of the last one. After the last one, nothing changes it.

        Args:
            bundle: the display.
            last: True for the last one.
            of_cell: False where the message may belong to no cell, so that `send_again` is needed.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = last
            self._unsent = None if of_cell else bundle
            self._publish(bundle)

    def send_again(self) -> bool:
        """Send a state that may belong to no cell again, from the thread of a cell.

        Returns:
            False where the output has its last state.
        """
        with self._lock:
            if self._unsent is not None:
                self._publish(self._unsent)
                self._unsent = None
            return not self._closed

    def _publish(self, bundle: Bundle) -> None:
        transient = {"display_id": self._id}
        self._shell.display_pub.publish(bundle, {}, transient=transient, update=self._shown)
        self._shown = True


class MarimoOutput:
    """The output of a marimo cell, which each state replaces until the value of the cell takes its place.

    The thread of the cell makes it, and shows the last state. Other threads may show the others.

    Args:
        marimo: the package.
    """

    def __init__(self, marimo: Any) -> None:
        self._marimo = marimo
        self._cell = threading.get_ident()
        # marimo knows the cell only on its own kind of threads.
        self._others = CallThread("imgplay-output", _failed)

    def show(self, bundle: Bundle, *, last: bool = False) -> None:
        """Show a display in the output instead of the last one. After the last one, nothing changes it."""
        replace = partial(self._replace, bundle["text/html"])
        if threading.get_ident() != self._cell:
            self._others.put("The output of a cell", replace)
            return
        if last:
            self._others.end(END_WAIT)
        replace()

    def _replace(self, html: str) -> None:
        self._marimo.output.replace(self._marimo.Html(html))


def _failed(what: str, error: BaseException) -> None:
    logger.debug("%s was not drawn: %s", what, error)

"""The line that code sees while it waits for something that takes long: in a cell, or in a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imgplay_widget._rules.sheets import html_line
from imgplay_widget._studio.outputs import cell_output

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["shown_line"]


@contextmanager
def shown_line(during: str, after: Callable[[], str], *, wanted: bool | None) -> Generator[None]:
    """Return a context that shows one line while code waits in it, and another line from then on.

    Args:
        during: the first line.
        after: returns the other line.
        wanted: True shows the lines in any case, False never, and None where somebody looks: in a notebook
            and in a terminal.
    """
    output = cell_output()
    if not ((output is not None or sys.stderr.isatty()) if wanted is None else wanted):
        yield
        return

    def show(line: str, *, last: bool) -> None:
        if output is None:
            sys.stderr.write(f"{line}\n")
        else:
            output.show({"text/plain": line, "text/html": html_line(line)}, last=last)

    show(during, last=False)
    try:
        yield
    except BaseException:
        show("Stopped.", last=True)
        raise
    show(after(), last=True)

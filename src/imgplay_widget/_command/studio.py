"""The studio of a command: it makes only the calls that the user asked for."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from imgplay_widget._engine.engine import HEARTBEAT
from imgplay_widget._store.database import location_of
from imgplay_widget._studio.api import StudioApi
from imgplay_widget._studio.core import Core
from imgplay_widget._studio.options import MOST_IMAGES, StudioOptions
from imgplay_widget.errors import NotFound, StudioClosed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator
    from decimal import Decimal

    from imgplay_widget._command.output import Printer

__all__ = ["IN_MEMORY", "CommandStudio", "opened"]

IN_MEMORY = "sqlite://"
"""The store of a command that reads where there is no history yet."""


class CommandStudio(StudioApi):
    """The public calls of a studio, with the core below them.

    Args:
        core: the core.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def core(self) -> Core:
        """The core of the studio."""
        return self._core


@contextmanager
def opened(
    args: argparse.Namespace,
    output: Printer,
    *,
    generates: bool = False,
    budget: Decimal | None = None,
) -> Generator[CommandStudio]:
    """Return a context with the studio of a command.

    Args:
        args: the arguments, with the store.
        output: prints the notices of the studio.
        generates: True where the command generates: it may make the store, and looks for changes of other
            processes. False opens a store in memory where the user has no history yet.
        budget: USD that may be spent a day, or None for any amount.

    Raises:
        NotFound: there is no history at the given path.
        StoreError: the store cannot be opened.
    """
    options = StudioOptions(
        store=args.store if generates else _readable(args.store),
        max_count=MOST_IMAGES,
        # A text model would be one more call, which may be billed.
        titles="off",
        heartbeat=HEARTBEAT if generates else None,
        # A command that lacks a key must not end the task of a notebook that has it.
        only_able=True,
    )
    # A command may end at any moment, and would leave the work of others half done.
    core = Core(options, budget, take_up=False)
    try:
        for notice in core.notices:
            output.note(notice.message)
        yield CommandStudio(core)
    finally:
        if generates:
            # The command may have ended early, by an error or an interrupt.
            with suppress(StudioClosed, KeyboardInterrupt):
                core.call(partial(core.engine.hand_over, send=False))
        core.close()


def _readable(store: str | None) -> str | None:
    location = location_of(store)
    if location.file is None or location.file.exists():
        return store
    if store is None:
        return IN_MEMORY
    raise NotFound(
        f"There is no history {location.label}.",
        next_step="Check the path. imgplay generate and imgplay serve begin a new history there.",
    )

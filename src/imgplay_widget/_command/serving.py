"""The command `serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._command.output import Exit
from imgplay_widget._command.parsing import dollars

if TYPE_CHECKING:
    import argparse

    from imgplay_widget._command.output import Printer
    from imgplay_widget._command.parsing import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add(
        "serve",
        serve,
        "open the studio in the browser, without a notebook",
        examples=["imgplay serve", "imgplay serve --store foxes.sqlite --no-browser"],
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="(127.0.0.1: this machine)")
    parser.add_argument(
        "--port", type=_port, metavar="PORT", help="0 takes a free one (8460, or the next one that is free)"
    )
    parser.add_argument(
        "--budget", type=dollars, metavar="USD", help="refuse what takes today's total over this amount"
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address only")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


# Errors of argparse name the function that reads a value.
_port.__name__ = "port"


def serve(args: argparse.Namespace, output: Printer) -> int:
    """Serve the page until an interrupt."""
    from imgplay_widget.server import standalone

    standalone.serve(
        store=args.store,
        host=args.host,
        port=args.port,
        budget=args.budget,
        browser=not args.no_browser,
        say=lambda address: output.result({"address": address}, [address]),
        note=output.note,
    )
    return Exit.DONE

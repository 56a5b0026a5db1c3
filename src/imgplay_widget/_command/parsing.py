"""The arguments of the command: options that all commands have, and errors that can be shown as JSON."""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeAlias

from imgplay_widget._studio.flags import Parser, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgplay_widget._command.output import Printer

__all__ = ["Commands", "dollars"]

Run: TypeAlias = "Callable[[argparse.Namespace, Printer], int]"


class Version(argparse.Action):
    """The option that prints the version. The version is read only when somebody asks for it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        """Print the version and end."""
        from importlib.metadata import version

        sys.stdout.write(f"imgplay {version('imgplay-widget')}\n")
        parser.exit()


class Commands:
    """All commands. Each gets the options ``--store`` and ``--json``, which may also stand before its name.

    Args:
        description: what `imgplay` is.
        epilog: what the help says at its end.
    """

    def __init__(self, description: str, epilog: str) -> None:
        self._parser = Parser(prog="imgplay", description=description, epilog=epilog)
        self._parser.add_argument("--version", action=Version, nargs=0, help="print the version and end")
        _add_common(self._parser, None, as_json=False)
        self._names = self._parser.add_subparsers(
            dest="command", metavar="COMMAND", title="commands", parser_class=Parser
        )

    def add(self, name: str, run: Run, help: str, *, examples: Sequence[str] = ()) -> Parser:
        """Add a command, and return its parser.

        Args:
            name: the command.
            run: does what the command does, and returns the exit code.
            help: one sentence without a full stop; it begins with a small letter.
            examples: lines that a user may type.
        """
        shown = "\n".join(["examples:", *(f"  {line}" for line in examples)]) if examples else None
        parser = self._names.add_parser(
            name, help=help, description=f"{help[:1].upper()}{help[1:]}.", epilog=shown
        )
        # Without a default here, the options that stand before the command stay.
        _add_common(parser, argparse.SUPPRESS, as_json=argparse.SUPPRESS)
        parser.set_defaults(run=run)
        return parser

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the parsed arguments.

        Raises:
            UsageError: the arguments are wrong.
        """
        parsed, unknown = self._parser.parse_known_args(arguments)
        if unknown:
            name = f"imgplay {parsed.command}" if parsed.command else "imgplay"
            # A key that somebody types by mistake must not appear in a log of errors.
            shown = "an unknown argument" if parsed.command == "keys" else " ".join(unknown)
            raise UsageError(f"unknown arguments: {shown}", self._parser.format_usage(), name)
        return parsed

    def help(self) -> str:
        """Return the list of all commands."""
        return self._parser.format_help()


def _add_common(parser: Parser, store: Any, *, as_json: Any) -> None:
    parser.add_argument(
        "--store",
        metavar="PATH",
        default=store,
        help="the history: a SQLite file, or a folder for it (your user data folder if not given)",
    )
    parser.add_argument(
        "--json", action="store_true", default=as_json, help="print one JSON document in place of text"
    )


def dollars(text: str) -> Decimal:
    """Return an amount of an argument.

    Raises:
        ValueError: the text is not a number.
    """
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None


# Errors of argparse name the function that reads a value.
dollars.__name__ = "amount"

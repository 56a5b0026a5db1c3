"""`imgplay`: the arguments, the streams, and how a command ends."""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from imgplay_widget._command import (
    backups,
    doctor,
    generating,
    history,
    keys,
    models,
    pictures,
    presets,
    serving,
)
from imgplay_widget._command.output import SYSTEM, Exit, Printer
from imgplay_widget._command.parsing import Commands
from imgplay_widget._studio.flags import UsageError
from imgplay_widget.errors import ImgplayError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

__all__ = ["commands", "main"]

DESCRIPTION = "Generate images, and keep every image with its prompt. The same history as in notebooks."

EPILOG = """\
examples:
  imgplay serve                                    open the studio in the browser
  imgplay generate "a red fox" -m demo:instant -o foxes
  imgplay models --ready                           the models that can be used now
  imgplay doctor                                   what is wrong, and what to do

"imgplay COMMAND --help" explains a command.
"""

BROKEN_PIPE = 141
"""The exit code of a program whose reader is gone, as shells count it: 128 and the number of the signal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit code.

    Args:
        arguments: the arguments; None takes those of the process.
    """
    given = sys.argv[1:] if arguments is None else arguments
    output = Printer(as_json="--json" in given)
    _set_streams(as_json=output.as_json)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = _run(given, output)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as interrupt:
        return 128 + (interrupt.args[0] if interrupt.args else signal.SIGINT)
    except BrokenPipeError:
        # Python would write the rest when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(given: Sequence[str], output: Printer) -> int:
    all_commands = commands()
    try:
        args = all_commands.parse(given)
        if args.command is None:
            output.note(all_commands.help())
            return Exit.USAGE
        return args.run(args, output)
    except UsageError as error:
        if not output.as_json:
            output.note(error.usage.rstrip())
        output.refusal("usage", error.message, error.next_step)
        return Exit.USAGE
    except ImgplayError as error:
        output.failure(error)
        return Exit.of(error)
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        output.refusal(SYSTEM, f"{error.strerror or error}{where}.", "Check the path and its disk.")
        return Exit.FAILED


def commands() -> Commands:
    """Return all commands."""
    found = Commands(DESCRIPTION, EPILOG)
    for group in (serving, generating, models, presets, history, pictures, backups, keys, doctor):
        group.add(found)
    return found


def _set_streams(*, as_json: bool) -> None:
    """Let all output be UTF-8, on every system.

    A path may have bytes that are not UTF-8. They pass as they are; in JSON, they become an escape.
    """
    for stream, errors in (
        (sys.stdout, "backslashreplace" if as_json else "surrogateescape"),
        (sys.stderr, "backslashreplace"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    """Let SIGTERM end a command as an interrupt does, so that no paid answer is lost."""
    raise KeyboardInterrupt(number)

"""What a command prints: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from imgplay_widget.errors import (
    ConfirmationNeeded,
    ImgplayError,
    InvalidRequest,
    MissingKey,
    MissingPackage,
    NotFound,
    NoThreads,
    OverBudget,
    PriceUnknown,
    UnknownParameter,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TextIO

__all__ = ["SYSTEM", "Exit", "Printer", "coloured", "error_document", "next_step_of"]

_REFUSED = (
    InvalidRequest,
    UnknownParameter,
    NotFound,
    OverBudget,
    PriceUnknown,
    ConfirmationNeeded,
    MissingKey,
    MissingPackage,
    NoThreads,
)

_NEXT_STEPS = {
    "over_budget": "Raise --budget, or wait until tomorrow. Nothing was stored, sent or paid.",
    "price_unknown": (
        "Add --confirm to pay an unknown price, or choose a model whose price is known. Nothing was stored, "
        "sent or paid."
    ),
    "deadline": "Run imgplay retry with the id of the batch, or give more time with --deadline.",
}
"""The next steps of errors whose own words name Python."""


SYSTEM = "system"
"""The code of an error of the operating system, such as a file that cannot be written."""


class Exit(IntEnum):
    """How a command ended. The page docs/command.md explains each code."""

    DONE = 0
    USAGE = 2
    REFUSED = 3
    FAILED = 4
    PARTLY = 5

    @classmethod
    def of(cls, error: ImgplayError) -> Exit:
        """Return the code of an error: refused before anything was sent, or failed."""
        return cls.REFUSED if isinstance(error, _REFUSED) else cls.FAILED


class Printer:
    """The printer of one command.

    Args:
        as_json: True prints one JSON document in place of text.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def result(self, document: Mapping[str, Any], lines: Iterable[str]) -> None:
        """Print the result, as a JSON document or as lines."""
        if self.as_json:
            self._document(document)
        else:
            for line in lines:
                sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def note(self, line: str) -> None:
        """Print a line for people. Programs do not read it."""
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def failure(self, error: ImgplayError, **more: Any) -> None:
        """Print an error: for people on standard error, as JSON on standard output.

        Args:
            error: the error.
            more: what the JSON document has beside the error.
        """
        self.refusal(error.code, error.message, next_step_of(error), **more)

    def refusal(self, code: str, message: str, next_step: str, **more: Any) -> None:
        """Print an error as `failure` does, from its parts."""
        if self.as_json:
            self._document({"code": code, "message": message, "nextStep": next_step, **more})
            sys.stdout.flush()
        else:
            self.note(f"imgplay: {message} {next_step}".strip())

    def _document(self, document: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def next_step_of(error: ImgplayError) -> str:
    """Return the next step of an error in the words of the command."""
    step = _NEXT_STEPS.get(error.code, error.next_step)
    provider = error.info.provider
    if provider is not None:
        in_python = f"Enter the key on the page or call set_key({provider!r})"
        step = step.replace(in_python, f"Run imgplay keys set {provider}")
        listed = f"imgplay models --refresh --provider {provider}"
        step = step.replace(f"refresh_models({provider!r})", listed)
    return (
        step.replace("store=", "--store")
        .replace("deadline=", "--deadline")
        .replace("Studio.restore(path, store)", "imgplay restore")
    )


def error_document(error: ImgplayError | None) -> dict[str, str] | None:
    """Return an error as JSON, or None."""
    if error is None:
        return None
    return {"code": error.code, "message": error.message, "nextStep": next_step_of(error)}


def coloured(text: str, code: int, stream: TextIO) -> str:
    """Return a text in a colour of ANSI where a terminal shows it and the user did not refuse colours."""
    plain = not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[{code}m{text}\x1b[0m"

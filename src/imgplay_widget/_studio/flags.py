"""The flags of a request, as a terminal and a magic of IPython write them."""

from __future__ import annotations

import argparse
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgplay_widget._studio.core import Core
    from imgplay_widget._types import ModelSpec, Parameter

__all__ = ["Parser", "UsageError", "add_confirm", "add_request_flags", "model_of", "parameters", "read_value"]


class UsageError(Exception):
    """The arguments are wrong.

    Args:
        message: what is wrong. It never repeats a text that may be a key.
        usage: the line that shows the arguments.
        name: the command, as a user types it.
    """

    def __init__(self, message: str, usage: str, name: str) -> None:
        super().__init__(message)
        self.message = f"{message[:1].upper()}{message[1:]}".rstrip(".") + "."
        self.usage = usage
        self.next_step = f"Run {name} --help."


class Parser(argparse.ArgumentParser):
    """A parser that raises `UsageError` in place of ending the process."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **keywords)

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the arguments."""
        raise UsageError(message, self.format_usage(), self.prog)


def add_request_flags(parser: Parser) -> None:
    """Add the flags that every request takes, whatever its model."""
    parser.add_argument("-m", "--model", metavar="MODEL", help='"provider:id"')
    parser.add_argument("--preset", metavar="NAME", help="a preset: its model, parameters and words")
    parser.add_argument("-n", "--n", type=int, default=1, metavar="N", help="the number of images (1)")
    parser.add_argument(
        "-p",
        "--param",
        type=_pair,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the model; a number or a yes/no without a value is left out",
    )
    parser.add_argument(
        "--reference", action="append", default=[], metavar="PATH", help="an input image: a file or a link"
    )
    parser.add_argument("--mask", metavar="PATH", help="a mask over the first input image")
    parser.add_argument("--topic", metavar="TOPIC", help="its id or title; a new title makes a new topic")
    parser.add_argument("--deadline", type=float, metavar="SECONDS", help="the most time for each call")
    add_confirm(parser)


def add_confirm(parser: Parser) -> None:
    """Add the flag by which a user agrees to pay an unknown price."""
    parser.add_argument(
        "--confirm", action="store_true", help="agree to pay an unknown price although there is a budget"
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(text)
    return name, value


# Errors of argparse name the function that reads a value.
_pair.__name__ = "NAME=VALUE"


def model_of(core: Core, model: str | None, preset: str | None) -> ModelSpec:
    """Return the model of a request: the one that it names, else that of its preset, else that of the panel.

    From any thread but the loop's.

    Raises:
        NotFound: there is no such model or preset, or the model of the preset is gone.
    """
    if preset is not None:
        model = core.call(core.presets.fill, preset, "", model, {}).model
    core.learn(model)
    return core.model(model)[1]


def parameters(spec: ModelSpec, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the values of ``-p`` in the types of the model's parameters.

    A value that does not fit its type stays a text, so that the check of the request names it.

    Raises:
        UnknownParameter: the model does not have such a parameter.
    """
    from imgplay_widget import catalog

    values: dict[str, Any] = {}
    for name, text in pairs:
        parameter = spec.parameter(name)
        if parameter is None:
            # This raises the error that names what the model takes.
            catalog.make_request(spec, params={name: text}, partial=True)
        else:
            values[name] = read_value(parameter, text)
    return values


def read_value(parameter: Parameter, text: str) -> Any:
    """Return a value in the type of its parameter, or the text where it does not fit the type."""
    if parameter.type == "string":
        return text
    if not text:
        return None
    if parameter.type == "boolean":
        return _BOOLEANS.get(text.casefold(), text)
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


_BOOLEANS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}

"""The magics ``%imagine`` and ``%%imagine`` of IPython: a prompt with flags, whose batch shows itself.

IPython imports this module when a notebook loads the extension. The studio is imported with the first prompt.
"""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from imgplay_widget._studio.flags import (
    Parser,
    UsageError,
    add_request_flags,
    model_of,
    parameters,
    read_value,
)
from imgplay_widget._text import shown
from imgplay_widget.errors import ImgplayError, InvalidRequest, UnknownParameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgplay_widget._studio.handles import Batches, BatchHandle
    from imgplay_widget._studio.studio import Studio
    from imgplay_widget._types import ModelSpec

__all__ = ["load", "words_of"]

MOST_PROMPTS = 16
"""The most prompts of a pattern, as many as a click on the page asks for."""

PARAMETER = "parameter:"
"""The beginning of the names under which the parser keeps the parameters of the model."""

HELP = "%imagine --help lists the flags. Nothing was stored, sent or paid."


def load(shell: Any) -> None:
    """Add the magics to a shell of IPython."""
    from IPython.core.magic import no_var_expand

    def imagine(line: str, cell: str | None = None) -> BatchHandle | Batches | None:
        """Generate images: ``%imagine a red fox --n 2``, or a prompt below ``%%imagine --width 768``.

        ``%imagine --help`` lists the flags.
        """
        try:
            return _imagine(shell, line, cell)
        except UsageError as wrong:
            error: ImgplayError = InvalidRequest(wrong.message, next_step=HELP)
        except ImgplayError as refused:
            error = refused
        # IPython asks the error for the lines to show: where in this package it arose is of no use here.
        setattr(error, "_render_traceback_", lambda: [f"{type(error).__name__}: {error}"])  # noqa: B010 - not of the type
        raise error from None

    # Braces belong to the prompt, so IPython must not put the values of variables in their place.
    shell.register_magic_function(no_var_expand(imagine), "line_cell", "imagine")


def _imagine(shell: Any, line: str, cell: str | None) -> BatchHandle | Batches | None:
    from imgplay_widget._rules.variants import variants
    from imgplay_widget._studio.api import core_of

    words = words_of(line)
    end = words.index("--") if "--" in words else len(words)
    flags, text = words[:end], words[end + 1 :]
    studio = _studio()
    # The model comes first, because it decides which flags there are.
    named, _ = _model_parser().parse_known_args(flags)
    spec = model_of(core_of(studio), named.model, named.preset)
    parser = _parser(spec)
    args, others = parser.parse_known_args(flags)
    if args.help:
        sys.stdout.write(parser.format_help())
        return None
    _refuse_unknown(others, parser, spec)
    prompt = _prompt([*others, *text], cell)
    name = _variable(args.output)
    prompts = variants(prompt)
    if len(prompts) > MOST_PROMPTS:
        raise InvalidRequest(
            f"The pattern has {len(prompts)} prompts. At most {MOST_PROMPTS} are allowed here.",
            parameter="prompt",
            next_step="Write fewer choices in braces. Nothing was stored, sent or paid.",
        )
    params = parameters(spec, args.param) | _own_parameters(spec, args)
    batches = [
        studio.generate(
            one,
            model=args.model,
            preset=args.preset,
            n=args.n,
            topic=args.topic,
            references=[_input(shell, item) for item in args.reference],
            mask=None if args.mask is None else _input(shell, args.mask),
            deadline=args.deadline,
            confirm=args.confirm,
            cache=args.cache,
            **params,
        )
        for one in prompts
    ]
    made = batches[0] if len(batches) == 1 else _several(batches)
    if name is not None:
        shell.push({name: made})
    return made


def _studio() -> Studio:
    """Return the newest studio that is open in this kernel, else that of the user's own history."""
    from imgplay_widget._studio.options import StudioOptions
    from imgplay_widget._studio.studio import newest_studio
    from imgplay_widget._widget.sharing import share

    # A playground that is shown later on the same history shows this very studio.
    return newest_studio() or share(StudioOptions.of(None, {}, caller="%imagine")).studio


def _several(batches: Sequence[BatchHandle]) -> Batches:
    """Return batches as a list that shows each of them as it comes."""
    from imgplay_widget._studio.handles import Batches

    class Each(Batches):
        def _ipython_display_(self) -> None:
            from IPython.display import display  # pyright: ignore[reportUnknownVariableType] - has no types

            for batch in self:
                display(batch)

    return Each(batches)


# ------------------------------------------------------------------ the line


def words_of(line: str) -> list[str]:
    """Return the words of a line, with quotation marks as in a shell.

    A quotation mark counts at the start of a word and after ``=``. Elsewhere it is text, as in ``fox's den``.

    Raises:
        InvalidRequest: a quotation mark is not closed.
    """
    words: list[str] = []
    at = 0
    while (start := _SPACE.match(line, at).end()) < len(line):  # pyright: ignore[reportOptionalMemberAccess] - it always matches
        word, at = "", start
        while at < len(line) and not line[at].isspace():
            quoted = _QUOTED.match(line, at) if not word or word.endswith("=") else None
            if quoted is not None:
                word += quoted[2] if quoted[2] is not None else _ESCAPED.sub(r"\1", quoted[1])
                at = quoted.end()
            elif line[at] in "\"'" and (not word or word.endswith("=")):
                raise InvalidRequest(
                    f"The quotation mark before {shown(line[at + 1 : at + 21])} is not closed.",
                    parameter="prompt",
                    next_step="Close it, or write the whole prompt in the other kind of quotation marks.",
                )
            else:
                word += line[at]
                at += 1
        words.append(word)
    return words


_SPACE = re.compile(r"\s*")
_QUOTED = re.compile(r""""((?:[^"\\]|\\.)*)"|'([^']*)'""", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')
_FLAG = re.compile(r"--?[A-Za-z]")


def _model_parser() -> Parser:
    parser = Parser(prog="%imagine", add_help=False)
    parser.add_argument("-m", "--model")
    parser.add_argument("--preset")
    return parser


def _parser(spec: ModelSpec) -> Parser:
    """Return the reader of all flags: those of every request, and the parameters of the model."""
    from imgplay_widget.catalog import range_of

    parser = Parser(
        prog="%imagine",
        usage="%%imagine PROMPT [flags], or %%%%imagine [flags] and the prompt below",
        add_help=False,
    )
    add_request_flags(parser)
    parser.add_argument(
        "--cache",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="take the stored images of the same request",
    )
    parser.add_argument("-o", "--output", metavar="NAME", help="keep the batch in a variable")
    parser.add_argument("-h", "--help", action="store_true", help="list the flags")
    group = parser.add_argument_group(f"parameters of {spec.name}")
    for parameter in spec.parameters:
        flags = {f"--{parameter.name}": None, f"--{parameter.name.replace('_', '-')}": None}
        keywords: dict[str, Any] = {"dest": PARAMETER + parameter.name, "default": argparse.SUPPRESS}
        if parameter.type == "boolean":
            keywords["action"] = argparse.BooleanOptionalAction
        else:
            keywords["metavar"] = "VALUE"
        # A parameter of the same name as a flag is given by -p.
        with suppress(argparse.ArgumentError):
            group.add_argument(*flags, help=range_of(parameter).replace("%", "%%"), **keywords)
    return parser


def _own_parameters(spec: ModelSpec, args: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters of the model that were given as flags of their own, in their types."""
    found: dict[str, Any] = {}
    for parameter in spec.parameters:
        value = getattr(args, PARAMETER + parameter.name, None)
        if value is not None:
            found[parameter.name] = read_value(parameter, value) if isinstance(value, str) else value
    return found


def _refuse_unknown(words: Sequence[str], parser: Parser, spec: ModelSpec) -> None:
    """Refuse a word that looks like a flag.

    Raises:
        UnknownParameter: there is no such flag; the error lists near ones.
    """
    from difflib import get_close_matches

    odd = next((word.partition("=")[0] for word in words if _FLAG.match(word)), None)
    if odd is None:
        return
    known = re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", parser.format_help())
    near = get_close_matches(odd, dict.fromkeys(known), n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UnknownParameter(
        f"There is no flag {shown(odd)}, and {spec.name} does not have such a parameter.{hint}",
        next_step=f"A prompt that holds such a word stands after -- on the line. {HELP}",
    )


def _prompt(words: Sequence[str], cell: str | None) -> str:
    """Return the prompt: the words of the line, or the text of the cell.

    Raises:
        InvalidRequest: there are words both on the line and below it.
    """
    if cell is None:
        return " ".join(words)
    if words:
        raise InvalidRequest(
            f"{shown(' '.join(words))} stands on the line of %%imagine, which has only flags.",
            parameter="prompt",
            next_step=f"Write the whole prompt below it. {HELP}",
        )
    return cell.strip()


def _variable(name: str | None) -> str | None:
    if name is None or (name.isidentifier() and not keyword.iskeyword(name)):
        return name
    raise InvalidRequest(
        f"{shown(name)} is not the name of a variable.",
        parameter="output",
        next_step="Give a name such as foxes. Nothing was stored, sent or paid.",
    )


def _input(shell: Any, text: str) -> Any:
    """Return an input image: what a variable holds, else the path or the link."""
    return shell.user_ns[text] if text.isidentifier() and text in shell.user_ns else text

"""The command `models`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._command.documents import model_document
from imgplay_widget._command.output import Exit

if TYPE_CHECKING:
    import argparse

    from imgplay_widget._command.output import Printer
    from imgplay_widget._command.parsing import Commands
    from imgplay_widget._types import ModelSpec

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add(
        "models",
        models,
        "list the models, and the parameters where only one model is left",
        examples=[
            "imgplay models --ready",
            "imgplay models flux --references",
            "imgplay models demo:instant",
        ],
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="parts of the name or the title")
    parser.add_argument("--provider", metavar="NAME", help="the models of one provider")
    parser.add_argument("--ready", action="store_true", help="whose key is set or not needed")
    parser.add_argument("--references", action="store_true", help="that take input images")
    parser.add_argument("--mask", action="store_true", help="that take a mask")
    parser.add_argument("--refresh", action="store_true", help="ask the providers for their models first")


def models(args: argparse.Namespace, output: Printer) -> int:
    """List the models."""
    from imgplay_widget._command.studio import opened
    from imgplay_widget._studio.models import ModelTable, key_text

    with opened(args, output) as studio:
        core = studio.core
        core.keys.look([provider.spec for provider in core.registry.providers()])
        table = studio.refresh_models(args.provider) if args.refresh else studio.models(args.provider)
        states = {one.spec.name: core.keys.state(one.spec) for one in core.registry.providers()}
        found = [spec for spec in table if _fits(spec, args, states[spec.provider])]
        document = {"models": [model_document(spec, states[spec.provider]) for spec in found]}
        texts = {one.spec.name: key_text(one.spec, core.keys) for one in core.registry.providers()}
        lines = [repr(ModelTable(found, keys=texts))] if found else []
        if not found:
            output.note("No model fits.")
        if len(found) == 1:
            lines += ["", *_parameter_lines(found[0])]
        output.result(document, lines)
    return Exit.DONE


def _fits(spec: ModelSpec, args: argparse.Namespace, key: str) -> bool:
    text = f"{spec.name} {spec.title}".casefold()
    return (
        all(word.casefold() in text for word in args.words)
        and not (args.ready and key == "missing")
        and not (args.references and spec.references is None)
        and not (args.mask and not spec.mask)
    )


def _parameter_lines(spec: ModelSpec) -> list[str]:
    from imgplay_widget._rules.tables import text_table
    from imgplay_widget.catalog import range_of

    if not spec.parameters:
        return ["The model has no parameters."]
    rows = [
        (one.name, one.type, range_of(one), "" if one.default is None else str(one.default))
        for one in spec.parameters
    ]
    return text_table([("parameter", "type", "values", "default"), *rows]).splitlines()

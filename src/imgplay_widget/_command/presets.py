"""The command `presets`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._command.documents import preset_document
from imgplay_widget._command.output import Exit

if TYPE_CHECKING:
    import argparse

    from imgplay_widget._command.output import Printer
    from imgplay_widget._command.parsing import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add(
        "presets",
        presets,
        "list the presets: models, parameters and words under a name",
        examples=["imgplay presets", 'imgplay generate "a red fox" --preset poster'],
    )


def presets(args: argparse.Namespace, output: Printer) -> int:
    """List the presets."""
    from imgplay_widget._command.studio import opened

    with opened(args, output) as studio:
        shelf = studio.core.presets
        found = studio.core.call(shelf.all)
        documents = [preset_document(name, one, gone=not shelf.has_model(one)) for name, one in found.items()]
        if not found:
            output.note("There is no preset yet. Save one on the page, or in code with pg.presets.")
        output.result({"presets": documents}, [repr(studio.presets)] if found else [])
    return Exit.DONE

"""The commands about picture files: `import` and `recipe`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._command.output import Exit

if TYPE_CHECKING:
    import argparse

    from imgplay_widget._command.output import Printer
    from imgplay_widget._command.parsing import Commands

__all__ = ["add"]

_FIRST = (
    *("tool", "model", "prompt", "negative_prompt"),
    *("seed", "width", "height", "steps", "cfg", "sampler"),
)
"""What `recipe` prints before the other parameters."""


def add(commands: Commands) -> None:
    """Add the commands."""
    parser = commands.add(
        "import",
        bring_in,
        "copy the pictures of a folder into the history, with what they say of how they were made",
        examples=["imgplay import foxes", "imgplay import outputs --topic Foxes"],
    )
    parser.add_argument("folder", metavar="FOLDER", help="a folder; the folders in it come in too")
    parser.add_argument("--topic", metavar="TOPIC", help="its id or title (the name of the folder)")
    parser = commands.add(
        "recipe",
        recipe,
        "print how the image of a file was made",
        examples=["imgplay recipe fox.png", "imgplay recipe fox.png --json"],
    )
    parser.add_argument("file", metavar="FILE", help="a picture of any tool")


def bring_in(args: argparse.Namespace, output: Printer) -> int:
    """Copy the pictures of a folder into the history."""
    from imgplay_widget._command.studio import opened

    with opened(args, output, generates=True) as studio:
        report = studio.import_folder(args.folder, topic=args.topic)
        document = {
            "topicId": report.topic_id,
            "withRecipe": report.with_recipe,
            "withoutRecipe": report.without_recipe,
            "known": report.known,
            "skipped": dict(report.skipped),
        }
        output.result(document, [repr(report)])
    return Exit.DONE


def recipe(args: argparse.Namespace, output: Printer) -> int:
    """Print how the image of a file was made."""
    from imgplay_widget._command.studio import opened

    with opened(args, output) as studio:
        found = studio.recipe_of(args.file)
    if found is None:
        output.refusal("no_recipe", f"{args.file} does not say how it was made.", "Try the original file.")
        return Exit.REFUSED
    said = {name: found[name] for name in _FIRST} | found["parameters"]
    output.result(found, [f"{name}: {value}" for name, value in said.items() if value not in (None, "")])
    return Exit.DONE

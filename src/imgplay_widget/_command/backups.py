"""The commands `backup` and `restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._command.output import Exit

if TYPE_CHECKING:
    import argparse

    from imgplay_widget._command.output import Printer
    from imgplay_widget._command.parsing import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the commands."""
    parser = commands.add(
        "backup",
        backup,
        "write the history and all its images into one file",
        examples=["imgplay backup foxes.zip"],
    )
    parser.add_argument("file", metavar="FILE", help="a new file; nothing is replaced")
    parser = commands.add(
        "restore",
        restore,
        "make a history of a backup",
        examples=["imgplay restore foxes.zip --store foxes.sqlite"],
    )
    parser.add_argument("file", metavar="FILE", help="the backup; --store names the new history")


def backup(args: argparse.Namespace, output: Printer) -> int:
    """Write a backup."""
    from imgplay_widget._command.studio import opened

    with opened(args, output) as studio:
        path = str(studio.backup(args.file))
        output.result({"path": path}, [path])
    return Exit.DONE


def restore(args: argparse.Namespace, output: Printer) -> int:
    """Make a history of a backup."""
    from imgplay_widget._store import restore_backup
    from imgplay_widget._store.database import location_of

    path = str(restore_backup(args.file, location_of(args.store).file or ""))
    output.result({"path": path}, [path])
    return Exit.DONE

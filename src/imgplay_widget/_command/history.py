"""The commands that read the history: `topics`, `search`, `spent` and `export`."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from imgplay_widget._command.documents import (
    batch_documents,
    path_of_image,
    spend_document,
    topic_document,
)
from imgplay_widget._command.output import Exit

if TYPE_CHECKING:
    import argparse

    from imgplay_widget._command.output import Printer
    from imgplay_widget._command.parsing import Commands
    from imgplay_widget._command.studio import CommandStudio
    from imgplay_widget._studio.handles import BatchHandle

__all__ = ["add"]

STATUSES = ("pending", "processing", "success", "error", "cancelled")

FORMATS = ("imagefolder", "jsonl", "parquet", "duckdb", "html")


def add(commands: Commands) -> None:
    """Add the commands."""
    commands.add("topics", topics, "list the topics, the newest first", examples=["imgplay topics"])
    parser = commands.add(
        "search",
        search,
        "list batches whose prompts have these words, the newest first",
        examples=["imgplay search fox snow", "imgplay search --starred --paths"],
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="words of the prompt, in any order")
    parser.add_argument("--topic", metavar="TOPIC", help="its id or title")
    parser.add_argument("--model", "-m", metavar="MODEL", help='"provider:id"')
    parser.add_argument("--status", choices=STATUSES, help="the state of an image of the batch")
    parser.add_argument("--starred", action="store_true", help="batches with a starred image")
    parser.add_argument("--tag", metavar="TAG", help="a tag of an image of the batch")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="the most batches, 1 to 1000 (20)")
    parser.add_argument("--paths", action="store_true", help="print only the paths of the images")
    spent_parser = commands.add(
        "spent",
        spent,
        "show what was spent, by model",
        examples=["imgplay spent", "imgplay spent --since today", "imgplay spent --since 2026-11-01"],
    )
    spent_parser.add_argument(
        "--since", type=_moment, metavar="TIME", help='"today", a date or a time, such as 2026-11-01T09:00'
    )
    spent_parser.add_argument("--topic", metavar="TOPIC", help="its id or title")
    export_parser = commands.add(
        "export",
        export,
        "write the history as a data set into a new folder",
        examples=["imgplay export foxes --format html"],
    )
    export_parser.add_argument("folder", metavar="FOLDER", help="a new or an empty folder")
    export_parser.add_argument("--format", choices=FORMATS, default="imagefolder", help="(imagefolder)")
    export_parser.add_argument("--topic", metavar="TOPIC", help="its id or title")


def _moment(text: str) -> date | datetime:
    if text == "today":
        return date.today()  # noqa: DTZ011 - a day begins at the local midnight
    return date.fromisoformat(text) if len(text) <= len("2026-11-01") else datetime.fromisoformat(text)


# Errors of argparse name the function that reads a value.
_moment.__name__ = "time"


def topics(args: argparse.Namespace, output: Printer) -> int:
    """List the topics."""
    from imgplay_widget._command.studio import opened
    from imgplay_widget._rules.tables import text_table

    with opened(args, output) as studio:
        found = studio.topics
        rows = [
            (one.id, one.title or "", str(one.images), str(one.running), f"{one.updated_at:%Y-%m-%d %H:%M}")
            for one in found
        ]
        table = text_table([("id", "title", "images", "running", "last used (UTC)"), *rows])
        output.result({"topics": [topic_document(one) for one in found]}, [table] if rows else [])
    return Exit.DONE


def search(args: argparse.Namespace, output: Printer) -> int:
    """List batches."""
    from imgplay_widget._command.studio import opened

    with opened(args, output) as studio:
        found = studio.search(
            " ".join(args.words),
            topic=args.topic,
            model=args.model,
            status=args.status,
            starred=args.starred,
            tag=args.tag,
            limit=args.limit,
        )
        lines = _paths(found) if args.paths else _batch_lines(studio, found)
        output.result({"batches": batch_documents(studio, found)}, lines)
    return Exit.DONE


def _paths(batches: list[BatchHandle]) -> list[str]:
    return [path for batch in batches for one in batch if (path := path_of_image(one)) is not None]


def _batch_lines(studio: CommandStudio, batches: list[BatchHandle]) -> list[str]:
    from imgplay_widget._rules.tables import text_table

    rows: list[tuple[str, ...]] = []
    for batch in batches:
        row = next((entry.batch for entry, _ in studio.core.rows(batch)), None)
        finished = sum(one.status == "success" for one in batch)
        prompt = " ".join((batch.prompt if row is None else row.words).split())
        rows.append(
            (
                batch.id,
                "" if row is None else f"{row.created_at:%Y-%m-%d %H:%M}",
                batch.model,
                f"{finished} of {len(batch)}",
                batch.status.value,
                prompt,
            )
        )
    head = ("id", "made (UTC)", "model", "images", "status", "prompt")
    return [text_table([head, *rows])] if rows else []


def spent(args: argparse.Namespace, output: Printer) -> int:
    """Show what was spent."""
    from imgplay_widget._command.studio import opened

    with opened(args, output) as studio:
        spend = studio.spent(args.since, args.topic)
        output.result(spend_document(spend), [repr(spend)])
    return Exit.DONE


def export(args: argparse.Namespace, output: Printer) -> int:
    """Write the history as a data set."""
    from imgplay_widget._command.studio import opened

    with opened(args, output) as studio:
        folder = studio.export(args.folder, args.format, topic=args.topic)
        output.result({"path": str(folder)}, [str(folder)])
    return Exit.DONE

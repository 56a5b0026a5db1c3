"""What the scripts share that write a file from the code: they write the file, or compare it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


def write_or_compare(target: Path, text: Callable[[], str], command: str, about: str | None) -> None:
    """Write a generated file; with ``--check`` on the command line, compare it and write nothing.

    Args:
        target: the file.
        text: returns what the file holds.
        command: the target of make that writes the file. The script names it, and ends with 1, where the file
            differs.
        about: the docstring of the script, for ``--help``.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; end with 1 where the file differs"
    )
    check = parser.parse_args().check
    made = text()
    if not check:
        target.write_text(made, encoding="utf-8")
    elif not target.exists() or target.read_text(encoding="utf-8") != made:
        sys.exit(f"{target.name} does not match the code: run `make {command}` and commit it")

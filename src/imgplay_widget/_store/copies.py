"""The copies of a database that are made before its format changes. They lie beside the database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["newest"]

KEPT = 3
"""The number of copies that stay."""


def newest(file: Path) -> list[Path]:
    """Return the copies of a database that are kept, the newest first."""
    return _copies(file)[:KEPT]


def _copies(file: Path) -> list[Path]:
    """Return all copies of a database, the newest first."""
    name = re.compile(re.escape(file.name) + r"\.before-v\d+-(\d{8}T\d{6}Z)")
    try:
        found = [(match[1], one) for one in file.parent.iterdir() if (match := name.fullmatch(one.name))]
    except OSError:
        return []
    return [one for _, one in sorted(found, reverse=True)]

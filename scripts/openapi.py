"""The writer of ``docs/openapi.json``, the description of REST, from its declarations.

``python scripts/openapi.py`` writes the file. With ``--check`` it only compares, and ends with 1 where the
file differs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from imgplay_widget.server.rest.document import document  # noqa: E402
from imgplay_widget.server.rest.endpoints import ENDPOINTS  # noqa: E402
from scripts.generated import write_or_compare  # noqa: E402

TARGET = ROOT / "docs" / "openapi.json"


def text() -> str:
    """Return the description as JSON."""
    return json.dumps(document(ENDPOINTS), ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    """Write or compare the file."""
    write_or_compare(TARGET, text, "openapi", __doc__)


if __name__ == "__main__":
    main()

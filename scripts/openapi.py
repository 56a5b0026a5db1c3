"""The writer of ``docs/openapi.json``, the description of REST, from its declarations.

``python scripts/openapi.py`` writes the file. With ``--check`` it only compares, and ends with 1 where the
file differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from imgplay_widget.server.rest.document import document  # noqa: E402
from imgplay_widget.server.rest.endpoints import ENDPOINTS  # noqa: E402

TARGET = ROOT / "docs" / "openapi.json"


def main() -> None:
    """Write or compare the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; end with 1 where the file differs"
    )
    check = parser.parse_args().check
    text = json.dumps(document(ENDPOINTS), ensure_ascii=False, indent=2) + "\n"
    if not check:
        TARGET.write_text(text, encoding="utf-8")
        return
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        sys.exit("docs/openapi.json does not match server/rest: run `make openapi` and commit it")


if __name__ == "__main__":
    main()

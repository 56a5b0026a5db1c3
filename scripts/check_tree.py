"""The check of the files in git: no built page, no stored output of a notebook, no large file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 1_000_000
BUILT = ("src/imgplay_widget/static/", "jupyter/labextension/", "docs/_build/", "dist/", "js/node_modules/")


def main() -> int:
    """Print what is wrong, and return the exit status."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode != 0:
        print("check_tree: not a git checkout, nothing to check")
        return 0
    names = [name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    wrong = [line for name in names for line in problems(name)]
    for line in wrong:
        print(line)
    print(f"check_tree: {len(names)} files, {len(wrong)} problems")
    return 1 if wrong else 0


def problems(name: str) -> list[str]:
    """Return what is wrong with one tracked file."""
    path = ROOT / name
    found: list[str] = []
    if name.startswith(BUILT):
        found.append(f"{name}: is built, and must not be in git")
    if path.stat().st_size > LARGEST:
        found.append(f"{name}: is larger than {LARGEST} bytes")
    if path.suffix == ".ipynb":
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if any(cell.get("outputs") or cell.get("execution_count") for cell in notebook["cells"]):
            found.append(f"{name}: has stored outputs; clear them before committing")
        if "widgets" in notebook["metadata"]:
            found.append(f"{name}: has stored widget state; clear it before committing")
    return found


if __name__ == "__main__":
    sys.exit(main())

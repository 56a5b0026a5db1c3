"""The builder of a release: ``python scripts/dist.py`` writes an sdist and a wheel into ``dist/``.

The wheel is built from the sdist, as pip builds one: so a wheel shows that the sdist is complete. Nothing is
built where the page is older than its sources, or where the files of the repository name several versions.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from hatch_build import is_built, is_fresh  # noqa: E402

DIST = ROOT / "dist"
HEADING = re.compile(r"^## \[(?P<name>[^\]]+)\](?: - (?P<date>\S+))?$", re.MULTILINE)
"""The heading of a version in the changelog."""


def main() -> None:
    """Build and check a release, and print its files."""
    if wrong := problems(ROOT):
        sys.exit("\n".join(f"dist: {line}" for line in wrong))
    # An upload takes all files of the folder.
    shutil.rmtree(DIST, ignore_errors=True)
    files = build(DIST)
    check(files)
    for file in files:
        print(f"{file.stat().st_size:>10,} bytes  {file.relative_to(ROOT)}")


def problems(root: Path) -> list[str]:
    """Return why a repository cannot be released as it is, in one sentence each."""
    version = json.loads((root / "js" / "package.json").read_text(encoding="utf-8"))["version"]
    described = json.loads((root / "docs" / "openapi.json").read_text(encoding="utf-8"))["info"]["version"]
    found = unreleased(version, (root / "CHANGELOG.md").read_text(encoding="utf-8"))
    if described != version:
        found.append(
            f"docs/openapi.json is of {described}, and js/package.json of {version}: run `make openapi`."
        )
    if not is_built(root) or not is_fresh(root):
        found.append(
            "the built page is not complete, or older than its sources: run `npm --prefix js run build`."
        )
    return found


def unreleased(version: str, changelog: str) -> list[str]:
    """Return what keeps a changelog from being that of a version."""
    headings = list(HEADING.finditer(changelog))
    if headings and headings[0]["name"] == "Unreleased":
        first, *headings = headings
        if changelog[first.end() : headings[0].start() if headings else None].strip():
            return [f"CHANGELOG.md has unreleased changes: give them the heading `## [{version}] - <date>`."]
    if not headings or headings[0]["name"] != version:
        newest = headings[0]["name"] if headings else "missing"
        return [f"the newest version in CHANGELOG.md is {newest}, and that of js/package.json {version}."]
    try:
        date.fromisoformat(headings[0]["date"] or "")
    except ValueError:
        return [f"{version} has no date in CHANGELOG.md: write `## [{version}] - YYYY-MM-DD`."]
    return []


def build(folder: Path, *, isolated: bool = True) -> list[Path]:
    """Build an sdist of the repository, and a wheel of the sdist.

    Args:
        folder: a folder, which is made where it is missing.
        isolated: whether to install what the build needs into environments of its own, which needs a network.

    Returns:
        The two files.
    """
    command = [sys.executable, "-m", "build", "--outdir", str(folder)]
    command += [] if isolated else ["--no-isolation"]
    subprocess.run([*command, str(ROOT)], env={**os.environ, **time_of_the_commit()}, check=True)
    return sorted(folder.iterdir())


def time_of_the_commit() -> dict[str, str]:
    """Return the variable by which every build of a commit has the same bytes; none outside a checkout."""
    command = ["git", "log", "-1", "--format=%ct"]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return {"SOURCE_DATE_EPOCH": asked.stdout.strip()} if asked.returncode == 0 else {}


def check(files: list[Path]) -> None:
    """Have twine check what an index would refuse or could not show."""
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *map(str, files)], check=True)


if __name__ == "__main__":
    main()

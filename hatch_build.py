"""The build of the page (TypeScript, Preact) into the package, for wheels, editable installs and sdists.

Only a build from the repository needs Node: wheels and sdists already hold the finished page.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = 20
BUNDLE = ("index.js", "page.js", "icon.svg")


class PageBuildHook(BuildHookInterface):
    """The hook that builds the page into `static/` before hatch collects the files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page, unless `static/` holds one that is as new as its sources."""
        root = Path(self.root)
        page, static = root / "js", root / "src" / "imgplay_widget" / "static"
        # Only an sdist has this file. Its page belongs to its sources, even where their times differ.
        from_sdist = (root / "PKG-INFO").is_file()
        if not is_built(static) or not (from_sdist or is_fresh(page, static)):
            build(page, static, self.app.display_info)


def is_built(static: Path) -> bool:
    """Return whether a folder holds a complete page."""
    return all((static / name).is_file() for name in BUNDLE) and any((static / "parts").glob("*.js"))


def is_fresh(page: Path, static: Path) -> bool:
    """Return whether the built page is at least as new as all its sources."""
    settings = [page / name for name in ("package.json", "package-lock.json", "tsconfig.json")]
    sources = [
        path for path in (*settings, *page.glob("*.mjs"), *(page / "src").rglob("*")) if path.is_file()
    ]
    newest = max((path.stat().st_mtime for path in sources), default=0.0)
    return min((static / name).stat().st_mtime for name in BUNDLE) >= newest


def build(page: Path, static: Path, say: Any) -> None:
    """Install the page's packages from its lock file, and build the page."""
    node, npm = find_node()
    lock, installed = page / "package-lock.json", page / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        say("Installing the page's packages (npm ci)")
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=page, check=True)
        installed.touch()
    say("Building the page (node build.mjs)")
    subprocess.run([node, "build.mjs"], cwd=page, check=True)
    if not is_built(static):
        raise RuntimeError(f"js/build.mjs succeeded, but {' and '.join(BUNDLE)} is not in {static}.")


def find_node() -> tuple[str, str]:
    """Return the paths of node and npm.

    Raises:
        RuntimeError: one of them is missing, or Node is too old.
    """
    need = (
        f"Building imgplay-widget from its repository needs Node >= {OLDEST_NODE} with npm on the PATH. "
        "Install Node, or install a released wheel, which does not need it."
    )
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise RuntimeError(f"{'node' if node is None else 'npm'} was not found. {need}")
    text = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    version = re.match(r"v(\d+)\.", text)
    if version is None or int(version[1]) < OLDEST_NODE:
        raise RuntimeError(f"{node} is {text}. {need}")
    return node, npm

"""The build of the page and of the extension of JupyterLab, for wheels, editable installs and sdists.

Only a build from the repository needs Node: wheels and sdists already hold what it builds.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = 20
STATIC, EXTENSION = Path("src", "imgplay_widget", "static"), Path("jupyter", "labextension")
"""The folders of the built page and of the extension of JupyterLab, below the root."""

BUILT = (
    *(STATIC / name for name in ("index.js", "page.js", "icon.svg")),
    *(EXTENSION / name for name in ("package.json", "install.json")),
)


class PageBuildHook(BuildHookInterface):
    """The hook that builds the page and the extension before hatch collects the files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page and the extension, unless they are there and as new as their sources."""
        root = Path(self.root)
        # Only an sdist has this file. Its page belongs to its sources, even where their times differ.
        from_sdist = (root / "PKG-INFO").is_file()
        if not is_built(root) or not (from_sdist or is_fresh(root)):
            build(root, self.app.display_info)


def is_built(root: Path) -> bool:
    """Return whether all built files are there."""
    names = all((root / path).is_file() for path in BUILT)
    scripts = (STATIC / "parts", EXTENSION / "static")
    return names and all(any((root / folder).glob("*.js")) for folder in scripts)


def is_fresh(root: Path) -> bool:
    """Return whether the built files are at least as new as all their sources."""
    page = root / "js"
    settings = [page / name for name in ("package.json", "package-lock.json", "tsconfig.json")]
    sources = [
        path for path in (*settings, *page.glob("*.mjs"), *(page / "src").rglob("*")) if path.is_file()
    ]
    newest = max((path.stat().st_mtime for path in sources), default=0.0)
    return min((root / path).stat().st_mtime for path in BUILT) >= newest


def build(root: Path, say: Any) -> None:
    """Install the page's packages from its lock file, and build the page and the extension."""
    page = root / "js"
    node, npm = find_node()
    lock, installed = page / "package-lock.json", page / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        say("Installing the page's packages (npm ci)")
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=page, check=True)
        installed.touch()
    say("Building the page and the extension of JupyterLab (node build.mjs)")
    subprocess.run([node, "build.mjs"], cwd=page, check=True)
    if not is_built(root):
        raise RuntimeError(f"js/build.mjs succeeded, but a file is missing of {', '.join(map(str, BUILT))}.")


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

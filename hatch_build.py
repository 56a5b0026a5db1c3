"""Builds the page (TypeScript, Preact) into the package, for wheels, editable installs and sdists.

Node is needed only where there is no finished page: a wheel and an sdist carry it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = 20
BUNDLE = ("index.js",)


class PageBuildHook(BuildHookInterface):
    """Makes `static/` before files are collected."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the page unless a finished one, as new as its sources, is there."""
        root = Path(self.root)
        page, static = root / "js", root / "src" / "imgplay_widget" / "static"
        # Only an sdist has this file; the page in it belongs to its sources, whatever their times say.
        from_sdist = (root / "PKG-INFO").is_file()
        if not is_built(static) or not (from_sdist or is_fresh(page, static)):
            build(page, static, self.app.display_info)


def is_built(static: Path) -> bool:
    """Tells whether a whole page lies there."""
    return all((static / name).is_file() for name in BUNDLE)


def is_fresh(page: Path, static: Path) -> bool:
    """Tells whether the built page is as new as everything that it is built from."""
    parts = [page / name for name in ("build.mjs", "package.json", "package-lock.json", "tsconfig.json")]
    sources = [path for path in (*parts, *(page / "src").rglob("*")) if path.is_file()]
    newest = max((path.stat().st_mtime for path in sources), default=0.0)
    return min((static / name).stat().st_mtime for name in BUNDLE) >= newest


def build(page: Path, static: Path, say: Any) -> None:
    """Installs what the page needs from its lock file, and bundles it."""
    node, npm = find_node()
    lock, installed = page / "package-lock.json", page / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        say("Installing the page's packages (npm ci)")
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=page, check=True)
        installed.touch()
    say("Building the page (node build.mjs)")
    subprocess.run([node, "build.mjs"], cwd=page, check=True)
    if not is_built(static):
        raise RuntimeError(f"js/build.mjs ended well, but {' and '.join(BUNDLE)} are not in {static}.")


def find_node() -> tuple[str, str]:
    """Gives the paths of node and npm.

    Raises:
        RuntimeError: one of them is missing, or Node is too old.
    """
    need = (
        f"Building imgplay-widget from its repository needs Node >= {OLDEST_NODE} with npm on the PATH. "
        "Install it, or install a released wheel, which needs no Node."
    )
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise RuntimeError(f"{'node' if node is None else 'npm'} was not found. {need}")
    text = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    version = re.match(r"v(\d+)\.", text)
    if version is None or int(version[1]) < OLDEST_NODE:
        raise RuntimeError(f"{node} is {text}. {need}")
    return node, npm

"""The wheel and the sdist hold what users need, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

import imgplay_widget
from scripts import dist
from tests.release.conftest import Release

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "imgplay_widget"
UNWANTED = re.compile(r"(^|/)(tests|node_modules|__pycache__)/|(^|/)test_|\.(map|pyc|sqlite)$")
SETTINGS = "etc/jupyter/jupyter_server_config.d/imgplay_widget.json"
EXTENSION = "share/jupyter/labextensions/imgplay-widget"
"""What a wheel installs beside the package, for Jupyter Server and for JupyterLab."""


def sources(*folders: str) -> set[str]:
    """Return the files that git has, or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}


def built_files() -> set[str]:
    """Return what the build of the page writes into two folders that git ignores."""
    folders = (PACKAGE / "static", ROOT / "jupyter" / "labextension")
    paths = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in paths}


@pytest.fixture
def wheel(release: Release) -> dict[str, bytes]:
    with zipfile.ZipFile(release.wheel) as files:
        return {name: files.read(name) for name in files.namelist()}


@pytest.fixture
def sdist(release: Release) -> set[str]:
    with tarfile.open(release.sdist) as files:
        return {name.partition("/")[2] for name in files.getnames()}


@pytest.fixture
def about(wheel: dict[str, bytes]) -> Message:
    (name,) = [name for name in wheel if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(wheel[name].decode())


def test_the_wheel_has_the_package_and_the_page_as_they_are(wheel: dict[str, bytes]) -> None:
    known = sources("src") | built_files()
    names = {name.removeprefix("src/") for name in known if name.startswith("src/")}
    assert {name for name in wheel if name.startswith("imgplay_widget/")} == names
    assert {name for name in names if wheel[name] != (ROOT / "src" / name).read_bytes()} == set()
    assert {f"imgplay_widget/static/{name}" for name in ("index.js", "page.js", "icon.svg")} <= names
    assert any(name.startswith("imgplay_widget/static/parts/") for name in names)
    assert "imgplay_widget/py.typed" in names


def test_the_wheel_has_the_extensions_of_jupyter_server_and_jupyterlab(wheel: dict[str, bytes]) -> None:
    data = {name.partition(".data/data/")[2]: content for name, content in wheel.items() if ".data/" in name}
    extension = json.loads(data[f"{EXTENSION}/package.json"])
    script = extension["jupyterlab"]["_build"]["load"]
    assert set(data) == {
        SETTINGS,
        *(f"{EXTENSION}/{name}" for name in ("package.json", "install.json", script)),
    }
    assert extension["version"] == imgplay_widget.__version__


def test_the_wheel_has_the_licence_the_command_and_the_tools_of_agents(wheel: dict[str, bytes]) -> None:
    (licence,) = [name for name in wheel if name.endswith(".dist-info/licenses/LICENSE")]
    assert wheel[licence] == (ROOT / "LICENSE").read_bytes()
    (entries,) = [name for name in wheel if name.endswith(".dist-info/entry_points.txt")]
    lines = wheel[entries].decode().splitlines()
    assert "imgplay = imgplay_widget._command.main:main" in lines
    assert "imgplay = imgplay_widget.server.tools:offered" in lines


def test_the_wheel_says_what_it_is(about: Message) -> None:
    assert (about["Name"], about["Version"]) == ("imgplay-widget", imgplay_widget.__version__)
    assert (about["License-Expression"], about["Requires-Python"]) == ("MIT", ">=3.11")
    assert about["Description-Content-Type"] == "text/markdown"
    assert about.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
    prebuilt = "Framework :: Jupyter :: JupyterLab :: Extensions :: Prebuilt"
    assert {"Typing :: Typed", prebuilt} <= set(about.get_all("Classifier", []))
    needed = [line for line in about.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert not [
        line for line in needed if line.startswith(("jupyterlab", "jupyter-server", "numpy", "pytest"))
    ]


def test_nothing_that_only_developers_need_is_in_either(wheel: dict[str, bytes], sdist: set[str]) -> None:
    assert [name for name in [*wheel, *sdist] if UNWANTED.search(name)] == []


def test_the_sdist_has_what_builds_the_page_and_the_page_itself(sdist: set[str]) -> None:
    assert {"hatch_build.py", "js/package-lock.json", "js/build.mjs"} <= sdist
    assert sources("js/src") | sources("src") | built_files() <= sdist
    # By this file the build knows that it is in an sdist, whose page is finished.
    assert sdist - sources() - built_files() == {"PKG-INFO"}


def test_twine_finds_nothing(release: Release) -> None:
    dist.check(list(release))


def test_a_commit_has_the_same_files_in_every_build(release: Release, tmp_path: Path) -> None:
    again = dist.build(tmp_path / "again", isolated=False)
    assert {path.name: path.read_bytes() for path in again} == {
        path.name: path.read_bytes() for path in release
    }

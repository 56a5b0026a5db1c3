"""The wheel that users install holds all that a server and the command need."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WAIT = 300


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WAIT, check=False)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_has_the_page_and_enables_the_extension_of_jupyter_server(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        names = files.namelist()
    assert {f"imgplay_widget/static/{name}" for name in ("index.js", "page.js", "icon.svg")} <= set(names)
    assert any(name.startswith("imgplay_widget/static/parts/") for name in names)
    settings = "data/etc/jupyter/jupyter_server_config.d/imgplay_widget.json"
    assert any(name.endswith(settings) for name in names)


def test_the_wheel_has_the_extension_of_jupyterlab_with_the_script_that_it_names(wheel: Path) -> None:
    folder = "data/share/jupyter/labextensions/imgplay-widget/"
    with zipfile.ZipFile(wheel) as files:
        found = {name.partition(folder)[2]: name for name in files.namelist() if folder in name}
        settings = json.loads(files.read(found["package.json"]))
    script = settings["jupyterlab"]["_build"]["load"]
    assert set(found) == {"package.json", "install.json", script}


def test_the_wheel_has_the_command_and_the_tools_of_agents(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        (name,) = [one for one in files.namelist() if one.endswith("entry_points.txt")]
        lines = files.read(name).decode().splitlines()
    assert "imgplay = imgplay_widget._command.main:main" in lines
    assert "imgplay = imgplay_widget.server.tools:offered" in lines

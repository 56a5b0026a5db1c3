"""An installed package works without Node and without the repository."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

import nbformat
import pytest

import imgplay_widget
from scripts.served import Served
from tests.release.conftest import Environment

pytestmark = pytest.mark.slow

SHOW = """
import shutil
import imgplay_widget
pg = imgplay_widget.ImagePlayground(store="widget.sqlite", model="demo:instant")
print(shutil.which("node"), imgplay_widget.__file__)
pg
"""
STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"


def test_the_widget_shows_itself_in_a_kernel(installed: Environment) -> None:
    file = installed.folder / "widget.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SHOW)]), file)
    ran = installed.run("-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", str(file))
    assert ran.returncode == 0, ran.stderr
    notebook = nbformat.read(file, as_version=4)
    printed, shown = notebook.cells[0].outputs
    node, module = printed.text.split()
    assert node == "None"
    assert Path(module).is_relative_to(installed.folder)
    assert VIEW in shown.data
    states = [one["state"] for one in notebook.metadata.widgets[STATE]["state"].values()]
    (page,) = [state["_esm"] for state in states if "_esm" in state]
    assert page == (Path(module).parent / "static" / "index.js").read_text(encoding="utf-8")


def test_jupyter_server_finds_its_extension(installed: Environment) -> None:
    listed = installed.run("-m", "jupyter_server.extension.serverextension", "list")
    text = listed.stdout + listed.stderr
    assert listed.returncode == 0, text
    own = text.partition(str(installed.folder / "venv" / "etc"))[2]
    assert "imgplay_widget.server" in own.partition("Config dir")[0]
    assert "imgplay_widget.server  \x1b[32mOK" in own.partition("Config dir")[0]


def test_jupyterlab_finds_its_extension(installed: Environment) -> None:
    listed = installed.run("-m", "jupyterlab.labextensions", "list")
    (line,) = [line for line in (listed.stdout + listed.stderr).splitlines() if "imgplay-widget" in line]
    assert f"imgplay-widget v{imgplay_widget.__version__}" in line
    assert line.count("enabled") == line.count("OK") == 1
    own = installed.folder / "venv" / "share" / "jupyter" / "labextensions"
    assert str(own) in listed.stdout + listed.stderr


def test_the_command_has_the_version_and_draws(installed: Environment) -> None:
    command = str(installed.bin / "imgplay")
    assert installed.run(command, "--version").stdout == f"imgplay {imgplay_widget.__version__}\n"
    drawn = installed.run(
        *(command, "generate", "a red fox", "-m", "demo:instant", "-n", "2", "--json"),
        *("-o", "foxes", "--store", "command.sqlite"),
    )
    assert drawn.returncode == 0, drawn.stderr
    images = json.loads(drawn.stdout)["batches"][0]["generations"]
    assert [image["status"] for image in images] == ["success", "success"]
    files = sorted((installed.folder / "foxes").iterdir())
    assert [file.read_bytes()[:4] for file in files] == [b"\x89PNG", b"\x89PNG"]


def test_the_server_of_the_command_has_the_page(installed: Environment) -> None:
    served = Served(installed.folder / "served.sqlite", installed.python, installed.variables)
    served.start()
    try:
        browser = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor()
        )
        with browser.open(served.address) as answer:
            page = answer.read().decode()
        (script,) = [
            part.partition('"')[0] for part in page.split('src="') if "page.js" in part.partition('"')[0]
        ]
        with browser.open(urljoin(served.address, script)) as answer:
            assert answer.read() == (installed_package(installed) / "static" / "page.js").read_bytes()
    finally:
        served.kill()


def test_an_sdist_installs_without_node(installed: Environment, installed_sdist: Environment) -> None:
    whole, same = installed_package(installed), installed_package(installed_sdist)
    assert files(same) == files(whole)
    assert installed_sdist.run("-m", "imgplay_widget", "--version").returncode == 0


def installed_package(environment: Environment) -> Path:
    found = environment.run("-c", "import imgplay_widget; print(imgplay_widget.__path__[0])")
    package = Path(found.stdout.strip())
    assert package.is_relative_to(environment.folder)
    return package


def files(package: Path) -> dict[str, bytes]:
    return {
        path.relative_to(package).as_posix(): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }

"""The examples of docs/command.md run in their order, with the real command."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "command.md"
WAIT = 600
"""Seconds for all examples: each of them is a process that imports the studio."""

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(WAIT + 30)
def test_the_examples_of_the_command_run_in_their_order(tmp_path: Path) -> None:
    shim = tmp_path / "bin" / "imgplay"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m imgplay_widget "$@"\n')
    shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    folder = tmp_path / "work"
    folder.mkdir()
    environ = {
        **os.environ,
        "PATH": os.pathsep.join([str(shim.parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    script = "set -eu\n" + "".join(BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert len(list((folder / "foxes").iterdir())) == 3
    assert (folder / "album" / "index.html").is_file()
    assert "Foxes" in done.stdout


def test_each_command_and_each_option_of_the_page_exists() -> None:
    from imgplay_widget._command.main import commands

    known = commands().help()
    text = PAGE.read_text(encoding="utf-8")
    named = {*re.findall(r"imgplay ([a-z]+)", text)}
    assert named
    assert [name for name in sorted(named) if not re.search(rf"^    {name}\b", known, re.MULTILINE)] == []

"""The page about writing a provider keeps its word: its code is short, passes the suite, and is found."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from imgplay_widget.providers.registry import GROUP

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "write-a-provider.md").read_text(encoding="utf-8")
PROVIDER, SUITE, NOTEBOOK = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
LONGEST = 40
"""Lines of the provider, empty ones among them."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acme.py").write_text(PROVIDER, encoding="utf-8")
    (tmp_path / "test_acme.py").write_text(SUITE, encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "src")])}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_provider_has_forty_lines_at_most() -> None:
    assert PROVIDER.count("\n") <= LONGEST


def test_the_provider_passes_the_contract_suite(folder: Path) -> None:
    result = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_acme.py")
    assert result.returncode == 0, result.stdout + result.stderr
    passed = re.search(r"(\d+) passed", result.stdout)
    assert passed is not None
    assert int(passed[1]) >= 25


def test_a_notebook_and_an_entry_point_find_the_provider(folder: Path) -> None:
    (group,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    entries = tomllib.loads(group)["project"]["entry-points"][GROUP]
    code = f"""
from importlib.metadata import EntryPoint
from imgplay_widget.providers import Registry

{NOTEBOOK}
assert Registry(entries=[]).find("acme:paint-1")[0].spec.title == "Acme"
from imgplay_widget.providers import registry
registry._registered.clear()
entries = [EntryPoint(name, value, {GROUP!r}) for name, value in {entries!r}.items()]
there = Registry(entries=entries)
assert there.find("acme:paint-1")[0].spec.name == "acme"
assert there.notices == ()
"""
    result = run(folder, "-c", code)
    assert result.returncode == 0, result.stderr

"""The reference of the documentation has the whole public surface."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from imgplay_widget import Studio
from tests.public.test_surface import NAMES

REFERENCE = sorted((Path(__file__).resolve().parents[2] / "docs" / "reference").glob("*.md"))
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in REFERENCE)
DIRECTIVE = re.compile(r"^\.\. (?:auto|py:)(\w+):: ([\w.]+)[^\n]*\n((?:   :[^\n]*\n)*)", re.MULTILINE)
DIRECTIVES = DIRECTIVE.findall(TEXT + "\n")
MODULES = ("imgplay_widget", "imgplay_widget.errors", "imgplay_widget.providers", "imgplay_widget.testing")
NAMED = [name.rpartition(".")[2] for kind, name, _ in DIRECTIVES if kind not in ("module", "currentmodule")]
WHOLE = {name for kind, name, options in DIRECTIVES if kind == "module" and ":members:" in options}
"""The modules of which the reference has every name of `__all__`."""


@pytest.mark.parametrize("module", MODULES)
def test_each_name_of_a_module_has_its_description(module: str) -> None:
    if module not in WHOLE:
        assert set(import_module(module).__all__) - set(NAMED) - {"ImgplayError"} == set()


def test_each_call_of_a_studio_has_its_description() -> None:
    assert NAMES[Studio] - set(NAMED) == set()


def test_each_handle_has_all_its_names() -> None:
    members = {name for kind, name, options in DIRECTIVES if kind == "class" and ":members:" in options}
    for kind in set(NAMES) - {Studio}:
        assert f"imgplay_widget.{kind.__name__}" in members

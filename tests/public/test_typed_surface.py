"""The file that pyright checks uses each public name, so that no name loses its type unseen."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

from imgplay_widget import ImagePlayground
from tests.public.test_surface import CALLS, NAMES, PANEL

TREE = ast.parse((Path(__file__).resolve().parents[1] / "typing" / "api.py").read_text(encoding="utf-8"))
SURFACE = {**NAMES, ImagePlayground: CALLS | PANEL | {"close", "height", "studio", "theme"}}
MODULES = ("imgplay_widget", "imgplay_widget.errors", "imgplay_widget.providers", "imgplay_widget.testing")


def used_of(kind: type) -> set[str]:
    """Return the names that a function uses of a parameter of that class."""
    used = set()
    for function in ast.walk(TREE):
        if not isinstance(function, ast.FunctionDef):
            continue
        of_kind = {
            arg.arg for arg in function.args.args if ast.unparse(arg.annotation or arg) == kind.__name__
        }
        used |= {
            node.attr
            for node in ast.walk(function)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in of_kind
        }
    return used


@pytest.mark.parametrize("kind", SURFACE, ids=lambda kind: kind.__name__)
def test_each_name_of_a_class_is_checked(kind: type) -> None:
    assert SURFACE[kind] - used_of(kind) == set()


@pytest.mark.parametrize("module", MODULES)
def test_each_name_of_a_module_is_checked(module: str) -> None:
    names = {node.id for node in ast.walk(TREE) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(TREE) if isinstance(node, ast.Attribute)}
    assert set(import_module(module).__all__) - names == set()

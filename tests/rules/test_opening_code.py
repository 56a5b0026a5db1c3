"""The code that opens an image file."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath, PureWindowsPath

import pytest

from imgplay_widget._rules.recipes import opening_code

PATHS = [
    PurePosixPath("/data/ann/images/a.png"),
    PurePosixPath('/data/ann/My images/it\'s "new".png'),
    PurePosixPath("/data/ann/back\\slash\\new.png"),
    PurePosixPath("/data/ann/a\nline\ttab {x} %s.png"),
    PurePosixPath("/data/ann/狐狸 \u2028 \udcff.png"),
    PureWindowsPath(r"C:\Users\new ann\table.png"),
]


def call_in(code: str) -> tuple[list[str], str, object]:
    """Return the names that code imports, the name of the one call, and its argument."""
    *imports, shown = ast.parse(code).body
    names = [alias.name for line in imports if isinstance(line, ast.ImportFrom) for alias in line.names]
    assert len(names) == len(imports) == 1
    assert isinstance(shown, ast.Expr)
    assert isinstance(shown.value, ast.Call)
    (argument,) = shown.value.args
    return names, ast.unparse(shown.value.func), ast.literal_eval(argument)


@pytest.mark.parametrize("path", PATHS)
def test_the_code_opens_exactly_this_file(path):
    code = opening_code(path, "image/png")
    assert call_in(code) == (["Image"], "Image.open", str(path))
    # A message between the kernel and the page is UTF-8.
    code.encode()


@pytest.mark.parametrize("kind", ["image/svg+xml", "image/heic", "image/jxl", "application/octet-stream"])
@pytest.mark.parametrize("path", PATHS)
def test_the_code_only_names_a_file_that_pillow_cannot_open(path, kind):
    code = opening_code(path, kind)
    assert call_in(code) == (["Path"], "Path", str(path))
    assert "# Pillow alone does not open files of this kind." in code

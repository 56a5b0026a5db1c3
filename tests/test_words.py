"""The words of the house: how docstrings and comments begin, and one term for one thing."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = {
    path.relative_to(ROOT).as_posix(): path
    for folder in ("src/imgplay_widget", "scripts", "bench", "tests", "js/src")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".ts", ".tsx") and not path.name.endswith(".gen.ts")
}

BAD_START = re.compile(
    r"(Gives|Says|Tells|Stands|Makes|Takes|Lets|Holds|Keeps|Puts|Brings|Shows|Answers|Asks|Whoever|Whatever)\b"
)
"""First words that neither name a thing nor tell a call what to do."""

THIRD_PERSON = re.compile(r"[A-Z][a-z]*[^su\W]s\b")
"""A first word such as `Returns`, in the docstring of a call: the imperative ("Return …") is shorter."""

INSTEAD = {
    "folder": re.compile(r"\bdirector(y|ies)\b", re.IGNORECASE),
    "the noun that is meant": re.compile(r"\bwhoever\b", re.IGNORECASE),
}
"""Words that no docstring and no comment needs, each with the better one."""

VAGUE_NAMES = {"place", "places", "directory"}
"""Names that meant many things. Each of these has a term of its own: slot, index, folder, location."""


HOST = re.compile(r"\bkernels?\b|\b(?:a|the|from|this) cells?\b", re.IGNORECASE)
"""Words of notebooks."""


class Text(NamedTuple):
    """A docstring or a comment."""

    where: str
    text: str
    of_call: bool


def texts(name: str) -> list[Text]:
    source = FILES[name].read_text(encoding="utf-8")
    return list((python_texts if name.endswith(".py") else script_texts)(name, source))


def python_texts(name: str, source: str) -> Iterator[Text]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for item in node.body:
            # A string after an assignment is the docstring of a variable.
            if not (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)):
                continue
            if isinstance(item.value.value, str):
                yield Text(f"{name}:{item.lineno}", item.value.value, is_call(node))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(f"{name}:{token.start[0]}", token.string.lstrip("# "), of_call=False)


def is_call(node: ast.AST) -> bool:
    """Return whether a docstring tells a call what to do. That of a property names a thing."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return not any("property" in ast.unparse(decorator) for decorator in node.decorator_list)


def script_texts(name: str, source: str) -> Iterator[Text]:
    for found in re.finditer(r"/\*\*\s*(.*?)\*/|^\s*//\s?([^\n]*)", source, re.DOTALL | re.MULTILINE):
        line = source.count("\n", 0, found.start()) + 1
        yield Text(f"{name}:{line}", found[1] or found[2] or "", of_call=False)


def test_docstrings_and_comments_are_found() -> None:
    found = texts("src/imgplay_widget/errors.py")
    assert any(text.of_call and text.text.startswith("Return the value") for text in found)
    assert texts("js/src/messages/en.ts")
    assert {"src/imgplay_widget/_types.py", "scripts/lab.py", "tests/conftest.py"} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_text_begins_with_an_imperative_or_names_a_thing(name: str) -> None:
    wrong = [
        f"{text.where}: {text.text.splitlines()[0]}"
        for text in texts(name)
        if BAD_START.match(text.text) or (text.of_call and THIRD_PERSON.match(text.text))
    ]
    assert wrong == []


@pytest.mark.parametrize("name", [name for name in FILES if name != "tests/test_words.py"])
def test_one_thing_has_one_term(name: str) -> None:
    wrong = [
        f"{text.where}: not {found[0]!r}, but {better}"
        for text in texts(name)
        for better, pattern in INSTEAD.items()
        if (found := pattern.search(text.text))
    ]
    assert wrong == []


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".py")])
def test_no_name_means_many_things(name: str) -> None:
    nodes = list(ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))))
    named = [(node.arg, node.lineno) for node in nodes if isinstance(node, ast.arg)]
    named += [(node.id, node.lineno) for node in nodes if isinstance(node, ast.Name)]
    assert [f"{name}:{line}: {word}" for word, line in named if word in VAGUE_NAMES] == []


def sentences(source: str) -> Iterator[str]:
    """Return the texts of a file that are not docstrings, with spaces in them."""
    tree = ast.parse(source)
    lone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in lone:
            yield from (node.value,) if " " in node.value.strip() else ()


@pytest.mark.parametrize(
    "name",
    [one for one in FILES if re.match(r"src/(?!.*/(_widget/|outputs\.py)).*\.py$", one)],
)
def test_what_people_read_fits_every_host(name: str) -> None:
    """A server and a command have neither a kernel nor cells, so words that fit everywhere tell of Python."""
    found = [
        text
        for text in sentences(FILES[name].read_text(encoding="utf-8"))
        if HOST.search(text) and "n a notebook, " not in text
    ]
    assert found == []


def test_the_glossary_has_each_term_once() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\| ([\w-]+) \|", text, re.MULTILINE)[1:]
    assert len(terms) == len(set(terms))
    assert {"slot", "index", "folder", "location", "star", "reference"} <= set(terms)

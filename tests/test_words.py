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
FOLDERS = ("src/imgplay_widget", "scripts", "bench", "js/src")
FILES = {
    path.relative_to(ROOT).as_posix(): path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".ts", ".tsx") and not path.name.endswith(".gen.ts")
}

NOT_YET = (
    "src/imgplay_widget/_engine/",
    "src/imgplay_widget/_page/",
    "src/imgplay_widget/_studio/",
    "src/imgplay_widget/_widget/",
    "src/imgplay_widget/providers/",
    "js/src/",
)
"""The folders whose texts still have the old habits. This list only ever gets shorter."""

THIRD_PERSON = re.compile(
    r"(Gives|Says|Tells|Stands|Makes|Takes|Lets|Holds|Keeps|Puts|Brings|Shows|Answers|Asks|Whoever|Whatever)\b"
)
"""The first words that describe a thing instead of naming it, or instead of saying what a call does."""

VERB_OF_A_CALL = re.compile(r"[A-Z][a-z]*[^su\W]s\b")
"""A first word such as `Returns`: a call is told what to do ("Return …")."""

ONE_TERM = {
    re.compile(r"\bdirector(y|ies)\b", re.IGNORECASE): "folder",
    re.compile(r"\bwhoever\b", re.IGNORECASE): "the noun that is meant",
    re.compile(r"\btime-?out of ours\b"): "deadline",
}
"""Words that have another word in the glossary of docs/design.md, in docstrings and comments."""

NAMES = {"place", "places", "dir", "directory"}
"""Names that mean too many things: a *slot* (in a batch), an *index* (in a list), a *folder*, a *location*."""


class Text(NamedTuple):
    """A docstring or a comment."""

    where: str
    text: str
    of_call: bool


def is_done(name: str) -> bool:
    return not name.startswith(NOT_YET)


def python_texts(name: str, source: str) -> Iterator[Text]:
    for node in ast.walk(ast.parse(source)):
        for body in (getattr(node, "body", None),):
            for item in body if isinstance(body, list) else ():
                if isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant):
                    text = item.value.value
                    if isinstance(text, str):
                        yield Text(f"{name}:{item.lineno}", text, item is body[0] and is_call(node))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(f"{name}:{token.start[0]}", token.string.lstrip("# "), of_call=False)


def is_call(node: ast.AST) -> bool:
    """A property is described as a thing, and so is a fixture of pytest."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return not any("property" in ast.unparse(one) for one in node.decorator_list)


def script_texts(name: str, source: str) -> Iterator[Text]:
    for found in re.finditer(r"/\*\*\s*(.*?)\*/|(?<![:\"'`])//\s?([^\n]*)", source, re.DOTALL):
        line = source.count("\n", 0, found.start()) + 1
        yield Text(f"{name}:{line}", found[1] or found[2] or "", of_call=False)


def texts(name: str) -> list[Text]:
    source = FILES[name].read_text(encoding="utf-8")
    return list((python_texts if name.endswith(".py") else script_texts)(name, source))


DONE = [name for name in FILES if is_done(name)]


def test_the_texts_are_found() -> None:
    assert len(DONE) > 50
    found = texts("src/imgplay_widget/errors.py")
    assert any(text.of_call and text.text.startswith("Return the value") for text in found)
    assert texts("js/src/messages/en.ts")


@pytest.mark.parametrize("name", DONE)
def test_a_docstring_says_what_to_do_or_what_a_thing_is(name: str) -> None:
    wrong = [
        f"{text.where}: {text.text.splitlines()[0]}"
        for text in texts(name)
        if THIRD_PERSON.match(text.text) or (text.of_call and VERB_OF_A_CALL.match(text.text))
    ]
    assert wrong == []


@pytest.mark.parametrize("name", DONE)
def test_one_thing_has_one_term(name: str) -> None:
    wrong = [
        f"{text.where}: {found[0]!r} is {better}"
        for text in texts(name)
        for pattern, better in ONE_TERM.items()
        if (found := pattern.search(text.text))
    ]
    assert wrong == []


@pytest.mark.parametrize("name", [name for name in DONE if name.endswith(".py")])
def test_no_name_means_too_many_things(name: str) -> None:
    tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
    wrong = [f"{name}:{node.lineno}" for node in ast.walk(tree) if isinstance(node, ast.arg) and node.arg in NAMES]
    wrong += [f"{name}:{node.lineno}" for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in NAMES]
    assert wrong == []

"""The examples of README.md and docs/ run, and their links lead somewhere."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest
from ipywidgets import Widget

from tests.servers.openai_server import TextServer, answer

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / "docs").glob("*.md"))
REFERENCE = sorted((ROOT / "docs" / "reference").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *GUIDES, *REFERENCE]
BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"""\]\(([^)\s]+)\)|src="([^"]+)\"""")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

REWRITTEN = "a red fox in deep snow, morning light"
OFFERED = {"/v1/models": answer({"data": [{"id": "gpt-image-2"}]})}
"""The answers of the reader's OpenAI: an improved prompt, and a list of models."""

FIRST_SCREEN = 40
"""The lines of the README within which a reader makes the first image."""


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    return [code for kind, code in BLOCK.findall(path.read_text(encoding="utf-8")) if kind == language]


FILES = {"docs/write-a-provider.md"}
"""Pages whose examples are files; they have tests of their own."""

EXAMPLES = [path for path in PAGES if blocks(path, "python") and named(path) not in FILES]


def compiled(code: str, name: str) -> CodeType:
    # A cell of a notebook may await outside of a function.
    return compile(code, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.fixture
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set up a reader's machine: an empty folder and history, a key, and OpenAI at a local address."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-reader")
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "sk-of-a-reader")
    with TextServer(REWRITTEN, files=OFFERED) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        yield


@pytest.mark.usefixtures("_own_machine")
@pytest.mark.parametrize("path", EXAMPLES, ids=named)
def test_the_examples_of_a_page_run_in_their_order(path: Path) -> None:
    async def run() -> None:
        for number, code in enumerate(blocks(path, "python"), 1):
            waiting = eval(compiled(code, f"{named(path)}, example {number}"), names)
            if inspect.iscoroutine(waiting):
                await waiting

    names: dict[str, object] = {}
    try:
        asyncio.run(run())
    finally:
        Widget.close_all()


def test_the_readme_makes_the_first_image_within_a_screen() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first = text.index("generate(")
    assert text[:first].count("\n") < FIRST_SCREEN


def test_the_readme_names_the_two_commands() -> None:
    shells = "".join(blocks(ROOT / "README.md", "sh"))
    assert re.search(r"^make lab\b", shells, re.MULTILINE)
    assert re.search(r"^make test\b", shells, re.MULTILINE)


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_make_command_of_a_page_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    assert {*re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)} <= targets


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_link_of_a_page_leads_to_a_file_and_its_heading(path: Path) -> None:
    found = [one or other for one, other in LINK.findall(path.read_text(encoding="utf-8"))]
    lost = [link for link in found if "://" not in link and not leads_somewhere(path, link)]
    assert not lost


def leads_somewhere(page: Path, link: str) -> bool:
    file, _, heading = link.partition("#")
    target = (page.parent / file).resolve() if file else page
    return target.is_file() and (not heading or heading in anchors(target))


def anchors(page: Path) -> set[str]:
    """Return the headings as GitHub names them in a link."""
    titles = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def test_every_page_of_the_docs_is_reached_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path for path in [PAGES[1], *GUIDES] if f"({named(path)})" not in text] == []


def test_a_page_asks_no_other_server_for_what_it_shows() -> None:
    settings = [ROOT / "docs" / "conf.py", *(ROOT / "docs" / "_static").iterdir()]
    assert [path.name for path in settings if "://" in path.read_text(encoding="utf-8")] == []
    shown = re.compile(r"""!\[[^]]*\]\(https?:|<(?:img|script|link|iframe)[^>]*https?:""")
    assert [named(path) for path in PAGES if shown.search(path.read_text(encoding="utf-8"))] == []


FAULT = re.compile(r"^\| (\d+) \|[^|]+\|[^|]+\|([^|]+)\|$", re.MULTILINE)


def test_each_fault_names_tests_that_there_are():
    found = FAULT.findall((ROOT / "docs" / "faults.md").read_text(encoding="utf-8"))
    assert [int(number) for number, _ in found] == list(range(1, 40))
    for number, named_tests in found:
        tests = re.findall(r"`([\w/]+\.py)::(\w+)`", named_tests)
        assert tests, number
        for file, test in tests:
            text = (ROOT / "tests" / file).read_text(encoding="utf-8")
            assert re.search(rf"^(async )?def {test}\(", text, re.MULTILINE), f"{number}: {file}::{test}"

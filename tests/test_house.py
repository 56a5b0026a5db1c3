"""The rules of the house that no other tool checks: who may do what, and what no file may hold."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "imgplay_widget"
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}

ENGINE = {
    "_engine/archive.py",
    "_engine/clients.py",
    "_engine/engine.py",
    "_engine/drive.py",
    "_engine/listening.py",
    "_studio/callbacks.py",
    "_studio/core.py",
    "_studio/loop.py",
}
"""The owners of tasks and of time: the engine, what it does with one task, the studio and its thread."""

DOUBLES = {"testing/__init__.py", "testing/server.py", "testing/contract.py"}
"""Test doubles stand in for other code, so they may do what that code does."""

ONLY_IN = {
    "dotenv": ("providers/_shared/key_sources.py",),
    "duckdb": ("_studio/duck.py",),
    "anywidget": ("_widget/widget.py",),
    "fastmcp": ("server/tools.py",),
    "httpcore": ("providers/_shared/transport.py",),
    "httpx": ("providers/http.py", "providers/_shared/transport.py"),
    "PIL": (
        "_store/images.py",
        "_store/lettering.py",
        "_store/sheets.py",
        "_store/sweep_pictures.py",
        "_studio/handles.py",
        "providers/comfyui/reading.py",
        "providers/demo/",
        "providers/diffusers/pipelines.py",
        "testing/",
    ),
    "numpy": (),
    "psutil": ("_store/database.py",),
    "jupyter_server": ("server/jupyter.py",),
    "pydantic": ("_page/protocol.py", "server/rest/"),
    "sqlalchemy": ("_store/",),
    "tornado": ("server/",),
    "tqdm": ("_studio/waiting.py",),
}
"""The modules that may import a dependency: few for each, so that few change with the dependency."""

LONGEST_FUNCTION = 60


def everywhere(kind: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield name, node


def word(node: ast.expr) -> str:
    """Return the last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.expr) -> str:
    return ast.unparse(node) if isinstance(node, (ast.Attribute, ast.Name)) else ""


def lines_of(found: Iterator[tuple[str, ast.AST]]) -> list[str]:
    return [f"{name}:{getattr(node, 'lineno', 0)}" for name, node in found]


def test_only_the_engine_starts_tasks_and_threads() -> None:
    starters = {
        "create_task",
        "ensure_future",
        "start_soon",
        "start_task_soon",
        "run_coroutine_threadsafe",
        "Thread",
        "ThreadPoolExecutor",
        "TaskGroup",
        "create_task_group",
    }
    found = (
        (n, c)
        for n, c in everywhere(ast.Call)
        # A local pipeline computes beside the loop, on a thread that ends with its image.
        if word(c.func) in starters and n not in ENGINE | DOUBLES | {"providers/diffusers/pipelines.py"}
    )
    assert lines_of(found) == []


def test_only_the_engine_waits_for_time_to_pass() -> None:
    owners = ENGINE | DOUBLES | {"_clock.py"}
    sleeps = {"sleep", "sleep_until", "sleep_forever"}
    calls = (
        (n, c)
        for n, c in everywhere(ast.Call)
        # The demo acts as a server, and waits by the clock that it gets.
        if word(c.func) in sleeps and n not in owners
    )
    assert lines_of(calls) == []
    real = {"asyncio.sleep", "time.sleep", "anyio.sleep", "trio.sleep"}
    names = (
        (n, a)
        for n, a in everywhere(ast.Attribute)
        if dotted(a) in real and n not in DOUBLES | {"_clock.py", "providers/demo/__init__.py"}
    )
    assert lines_of(names) == []


@pytest.mark.parametrize("dependency", ONLY_IN)
def test_a_dependency_is_imported_in_its_place_only(dependency: str) -> None:
    wrong = [
        f"{name}:{line}"
        for name, tree in TREES.items()
        for module, line in imports(tree)
        if module.split(".")[0] == dependency and not name.startswith(ONLY_IN[dependency])
    ]
    assert wrong == []


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Return the imports of a module when it runs, without the imports for the type checker."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and word(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
        yield from imports(node)


def test_any_error_is_caught_only_at_the_edges() -> None:
    # At these points a failure must not end other work: tasks, requests of the page, foreign plug-ins.
    edges = {
        "_engine/clients.py",
        "_engine/engine.py",
        "_page/page.py",
        "_studio/callbacks.py",
        "_studio/loop.py",
        "_studio/offers.py",
        "_studio/core.py",
        "_studio/shown.py",
        "_widget/widget.py",
        "providers/_shared/key_sources.py",
        "providers/diffusers/pipelines.py",
        "providers/registry.py",
        "server/tools.py",
    }
    found = (
        (n, h)
        for n, h in everywhere(ast.ExceptHandler)
        if (h.type is None or word(h.type) == "Exception") and n not in edges
    )
    assert lines_of(found) == []


def test_one_module_decides_what_may_have_been_billed() -> None:
    """The classes of errors have defaults; beside them, only `failures` sets the mark."""
    deciders = {"errors.py", "providers/_shared/failures.py"}
    keywords = (
        (n, k.value) for n, k in everywhere(ast.keyword) if k.arg == "maybe_billed" and n not in deciders
    )
    stores = (
        (n, a)
        for n, a in everywhere(ast.Attribute)
        if a.attr == "maybe_billed" and isinstance(a.ctx, ast.Store) and n not in deciders
    )
    assert lines_of(keywords) + lines_of(stores) == []


def test_what_stops_the_program_is_never_kept_from_it() -> None:
    """Check that a handler of BaseException tidies up and raises the error again."""
    found = (
        (n, h)
        for n, h in everywhere(ast.ExceptHandler)
        if h.type is not None
        and word(h.type) == "BaseException"
        and not any(isinstance(node, ast.Raise) for node in ast.walk(h))
    )
    assert lines_of(found) == []


@pytest.mark.parametrize("name", MODULES)
def test_public_names_say_what_they_give(name: str) -> None:
    bare = [node.name for node in public_definitions(TREES[name]) if ast.get_docstring(node) is None]
    assert ast.get_docstring(TREES[name]), "a module says what it is"
    assert bare == []


def public_definitions(tree: ast.AST) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            overload = any(word(d) in {"overload", "setter"} for d in node.decorator_list)
            if not node.name.startswith("_") and not overload:
                yield node
                if isinstance(node, ast.ClassDef):
                    yield from public_definitions(node)


def test_functions_fit_on_a_screen() -> None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, kinds) and length(node) > LONGEST_FUNCTION
    ]
    assert long == []


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its docstring, because a long explanation must not count."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__.py")])
def test_all_names_what_is_there(name: str) -> None:
    dotted_name = ".".join(("imgplay_widget", *Path(name).with_suffix("").parts)).removesuffix(".__init__")
    module = importlib.import_module(dotted_name)
    listed = getattr(module, "__all__", [])
    assert [n for n in listed if not hasattr(module, n)] == []
    assert len(listed) == len(set(listed))


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = [
        "sqlalchemy",
        "PIL",
        "httpx",
        "pydantic",
        "numpy",
        "duckdb",
        "pandas",
        "polars",
        "pyarrow",
        "torch",
        "diffusers",
    ]
    code = f"import sys, imgplay_widget; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def tracked_texts() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = [name for name in listing.stdout.decode().split("\0") if name]
    pictures = {".png", ".webp", ".jpg", ".ico", ".sqlite"}
    return [ROOT / name for name in names if (ROOT / name).is_file() and Path(name).suffix not in pictures]


def test_no_file_speaks_of_one_machine_or_holds_a_key() -> None:
    # The patterns are split, so that this file does not hold what it looks for.
    forbidden = re.compile(
        r"/(?:home|Users|root|work)/[a-z]"
        r"|registry\.npm[j]s|files\.python[h]osted|pypi\.o[r]g/simple"
        r"|\bsk-[A-Za-z0-9]{20,}|\bsk-proj-[A-Za-z0-9_-]{20,}|\bAKIA[0-9A-Z]{16}\b"
    )
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in tracked_texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (match := forbidden.search(line))
    ]
    assert wrong == []


def test_no_two_types_share_a_name() -> None:
    homes: dict[str, list[str]] = {}
    for name, tree in TREES.items():
        for node in ast.iter_child_nodes(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(name)
    assert {kind: modules for kind, modules in homes.items() if len(modules) > 1} == {}

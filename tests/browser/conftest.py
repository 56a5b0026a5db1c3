"""One JupyterLab and one Chromium for all browser tests; a page, a notebook and a store for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from scripts.lab import LabServer, Notebook, View, chromium
from scripts.page_states import page_server

RESULTS = Path(__file__).resolve().parents[2] / "test-results"
REPORT = pytest.StashKey[pytest.TestReport]()

OpenNotebook = Callable[..., Notebook]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remembers how the test went, for the fixture that keeps what is needed to understand a failure."""
    report = yield
    if report.when == "call":
        item.stash[REPORT] = report
    return report


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A JupyterLab with default settings."""
    with LabServer(tmp_path_factory.mktemp("lab") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright) as running:
        yield running


@pytest.fixture(scope="session")
def page_address() -> Iterator[str]:
    """Where the page without a notebook is, as it stands now."""
    with page_server() as address:
        yield address


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without memory: cookies and caches of its own."""
    context = browser.new_context(viewport={"width": 1500, "height": 1000}, accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def open_notebook(
    request: pytest.FixtureRequest, context: BrowserContext, lab: LabServer
) -> Iterator[OpenNotebook]:
    """Opens a notebook made of the given cells; at the end, our own console errors fail the test."""
    opened: list[Notebook] = []
    used = {lab}

    def open_cells(cells: Sequence[str], *, server: LabServer = lab) -> Notebook:
        used.add(server)
        name = f"{re.sub(r'[^a-z0-9]+', '-', request.node.name.lower()).strip('-')[:60]}-{len(opened)}"
        notebook = Notebook(context.new_page(), server, name, cells)
        opened.append(notebook)
        return notebook

    yield open_cells
    keep_for_a_failure(request.node, context.pages, [line for each in opened for line in said_in(each)])
    errors = [line for notebook in opened for line in errors_of_ours(notebook)]
    for page in context.pages:
        page.close()
    for server in used:
        server.end_sessions()
    assert not errors, "\n".join(errors)


@pytest.fixture
def studio_cells(store: Path) -> list[str]:
    """A cell that shows a playground on the test's own store, and one that does nothing."""
    return [
        f"from imgplay_widget import ImagePlayground\npg = ImagePlayground(store={str(store)!r})\npg",
        "pass",
    ]


@pytest.fixture
def notebook(open_notebook: OpenNotebook, studio_cells: list[str]) -> Notebook:
    """A notebook that shows a playground."""
    notebook = open_notebook(studio_cells)
    notebook.run(0)
    return notebook


@pytest.fixture
def view(notebook: Notebook) -> View:
    """The playground of `notebook`."""
    return notebook.view(0)


def errors_of_ours(notebook: Notebook) -> list[str]:
    """The console errors that come from our page, not from JupyterLab's own parts."""
    errors = [m.text for m in notebook.console if m.type == "error" and is_ours(m)]
    return errors + [error for error in notebook.page_errors if "blob:" in error or "imgplay" in error]


def is_ours(message: ConsoleMessage) -> bool:
    """The page is loaded from a blob by anywidget, which also reports its errors."""
    return message.location.get("url", "").startswith("blob:") or bool(
        re.search(r"imgplay|anywidget|blob:", message.text)
    )


def said_in(notebook: Notebook) -> list[str]:
    """What the browser said while a notebook was open."""
    return [f"{m.type}: {m.text}" for m in notebook.console] + notebook.page_errors


def keep_for_a_failure(test: pytest.Item, pages: Sequence[Page], said: Sequence[str]) -> None:
    """Keeps pictures of the pages and what the browser said, unless the test has passed."""
    report = test.stash.get(REPORT, None)
    if report is not None and report.passed:
        return
    RESULTS.mkdir(exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", test.name)
    for number, page in enumerate(pages):
        page.screenshot(path=RESULTS / f"{stem}-{number}.png")
    (RESULTS / f"{stem}-console.txt").write_text("\n".join(said), encoding="utf-8")

"""Servers of each kind and one Chromium for all browser tests; a page, and a notebook or topic for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from scripts.lab import WAIT, LabServer, Notebook, View, chromium
from scripts.page_states import page_server
from scripts.served import Served
from tests.browser.served import ServerPage
from tests.server.jupyter_host import PAGE, TOKEN, Jupyter

RESULTS = Path(__file__).resolve().parents[2] / "test-results"
REPORT = pytest.StashKey[pytest.TestReport]()

OpenNotebook = Callable[..., Notebook]

# One limit for every wait. Playwright's own five seconds would test the speed of the machine.
expect.set_options(timeout=WAIT)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Store the result of the test, for the fixture that keeps pictures of a failure."""
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
    """Return the address of the page without a notebook."""
    with page_server() as address:
        yield address


@pytest.fixture(scope="session")
def command_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerPage]:
    """Return the page that a running `imgplay serve` printed."""
    server = Served(tmp_path_factory.mktemp("served") / "studio.sqlite")
    server.start()
    yield ServerPage(server.address, server.store)
    server.kill()


@pytest.fixture(scope="session")
def jupyter_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerPage]:
    """Return the page of a Jupyter Server that has a base URL.

    Only the configuration file of the extension enables the page.
    """
    server = Jupyter(tmp_path_factory.mktemp("jupyter"))
    yield ServerPage(f"{server.base}{PAGE}?token={TOKEN}", server.store)
    server.stop()


@pytest.fixture(params=["command", "jupyter"])
def server_page(request: pytest.FixtureRequest) -> ServerPage:
    """Return the page of each of both servers."""
    return request.getfixturevalue(f"{request.param}_page")


@pytest.fixture
def server_address(server_page: ServerPage) -> str:
    """Return the address of the page on each of both servers."""
    return server_page.address


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Return a browser with its own cookies and caches."""
    context = browser.new_context(viewport={"width": 1500, "height": 1000}, accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def complaints() -> list[str]:
    """Return the list of the page's own errors. Errors that are left at the end fail the test."""
    return []


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser, complaints: list[str]) -> Iterator[Page]:
    """Return a page for a host, in a browser with its own cookies and caches."""
    context = browser.new_context(viewport={"width": 1400, "height": 950}, accept_downloads=True)
    page = context.new_page()
    said: list[str] = []

    def keep(message: ConsoleMessage) -> None:
        said.append(f"{message.type}: {message.text}")
        if message.type == "error" and ("imgplay" in message.text or "blob:" in message.text):
            complaints.append(message.text)

    page.on("console", keep)
    yield page
    keep_for_a_failure(request.node, [page], said)
    context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def open_notebook(
    request: pytest.FixtureRequest, context: BrowserContext, lab: LabServer
) -> Iterator[OpenNotebook]:
    """Return a function that opens a notebook of cells. Our own console errors fail the test at its end."""
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
    """Return a cell that shows a playground on the test's own store, and a cell that does nothing."""
    return [
        f"from imgplay_widget import ImagePlayground\npg = ImagePlayground(store={str(store)!r})\npg",
        "pass",
    ]


@pytest.fixture
def notebook(open_notebook: OpenNotebook, studio_cells: list[str]) -> Notebook:
    """Return a notebook that shows a playground."""
    notebook = open_notebook(studio_cells)
    notebook.run(0)
    return notebook


@pytest.fixture
def view(notebook: Notebook) -> View:
    """Return the playground of `notebook`."""
    return notebook.view(0)


def errors_of_ours(notebook: Notebook) -> list[str]:
    """Return the console errors of our page, without those of JupyterLab."""
    errors = [m.text for m in notebook.console if m.type == "error" and is_ours(m)]
    return errors + [error for error in notebook.page_errors if "blob:" in error or "imgplay" in error]


def is_ours(message: ConsoleMessage) -> bool:
    """Return whether an error comes from our page. anywidget loads it from a blob, and reports its errors."""
    return message.location.get("url", "").startswith("blob:") or bool(
        re.search(r"imgplay|anywidget|blob:", message.text)
    )


def said_in(notebook: Notebook) -> list[str]:
    """The messages of the browser while a notebook was open."""
    return [f"{m.type}: {m.text}" for m in notebook.console] + notebook.page_errors


def keep_for_a_failure(test: pytest.Item, pages: Sequence[Page], said: Sequence[str]) -> None:
    """Save pictures of the pages and the messages of the browser, unless the test has passed."""
    report = test.stash.get(REPORT, None)
    if report is not None and report.passed:
        return
    RESULTS.mkdir(exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", test.name)
    for number, page in enumerate(pages):
        page.screenshot(path=RESULTS / f"{stem}-{number}.png")
    (RESULTS / f"{stem}-console.txt").write_text("\n".join(said), encoding="utf-8")

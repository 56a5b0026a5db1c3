"""The core story in every host that can be run here: show, generate, look, put aside, come back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from scripts.hosts import MarimoServer, NotebookServer, VoilaServer
from scripts.lab import View

pytestmark = pytest.mark.browser

WEBVIEW = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws://127.0.0.1:*"
)
"""What a webview of VS Code allows: nothing from elsewhere, pictures as blobs and data."""

VSCODE = """() => {
  const dress = () => {
    document.documentElement.style.setProperty('--vscode-editor-background', '#1f1f1f');
    document.documentElement.style.setProperty('--vscode-foreground', '#cccccc');
    document.documentElement.style.setProperty('--vscode-font-family', 'sans-serif');
    document.body.dataset.vscodeThemeKind = 'vscode-dark';
    delete document.body.dataset.jpThemeLight;
  };
  if (document.body) dress();
  else document.addEventListener('DOMContentLoaded', dress);
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose own errors, if they are ours, fail the test."""
    context = browser.new_context(viewport={"width": 1400, "height": 950}, accept_downloads=True)
    page = context.new_page()
    errors: list[str] = []

    def keep(message: ConsoleMessage) -> None:
        if message.type == "error" and ("imgplay" in message.text or "blob:" in message.text):
            errors.append(message.text)

    page.on("console", keep)
    yield page
    context.close()
    assert not errors, "\n".join(errors)


def core_story(view: View) -> None:
    """Generates, looks at an image large, and makes a second topic."""
    view.generate("a sunset over the sea", 2, model="demo:instant")
    view.expect_images(2)
    view.tiles("success").first.get_by_role("button").first.click()
    large = view.part("lightbox")
    expect(large).to_be_visible()
    view.expect_decoded(view.part("lightbox-image"))
    view.page.keyboard.press("ArrowRight")
    view.page.keyboard.press("Escape")
    expect(large).to_be_hidden()

    view.part("new-topic").click()
    view.generate("a quiet forest", 1)
    view.expect_images(1)
    expect(view.topics()).to_have_count(2)


def still_there(view: View) -> None:
    """Everything is there after the page was loaded again."""
    expect(view.topics()).to_have_count(2)
    view.topics().filter(has_text="sunset").click()
    view.expect_images(2)


def test_notebook(page: Page, tmp_path: Path) -> None:
    with NotebookServer(tmp_path / "server") as server:
        core_story(server.show(page, "studio", tmp_path / "store"))
        still_there(server.again(page))


def test_voila(page: Page, tmp_path: Path) -> None:
    with VoilaServer(tmp_path / "server") as server:
        core_story(server.show(page, "studio", tmp_path / "store"))
        still_there(server.again(page))


def test_marimo(page: Page, tmp_path: Path) -> None:
    with MarimoServer(tmp_path / "server", tmp_path / "store") as server:
        core_story(server.show(page))
        still_there(server.again(page))


def test_a_webview_with_a_strict_policy(page: Page, tmp_path: Path) -> None:
    """In place of VS Code: its policy, its variables and its attribute, around a real widget manager."""
    page.add_init_script(f"({VSCODE})()")
    with VoilaServer(tmp_path / "server", policy=WEBVIEW) as server:
        view = server.show(page, "studio", tmp_path / "store")
        answer = page.request.head(page.url)
        assert answer.headers["content-security-policy"] == WEBVIEW
        expect(view.root).to_have_attribute("data-theme", "dark")
        core_story(view)
        still_there(server.again(page))

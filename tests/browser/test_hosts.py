"""The core story in every host without a desktop: show, generate, look, save, switch topics, reload."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Locator, Page, expect

from scripts.hosts import CELLS, MarimoServer, NotebookServer, VoilaServer
from scripts.lab import WAIT, Notebook, View
from tests.browser.conftest import OpenNotebook, keep_for_a_failure

pytestmark = pytest.mark.browser

POLICY = (
    "default-src 'none'; "
    "script-src 'self' https://*.vscode-cdn.net 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' https://*.vscode-cdn.net 'unsafe-inline'; "
    "img-src 'self' https://*.vscode-cdn.net https: http: data:; "
    "font-src 'self' https://*.vscode-cdn.net https:; "
    "connect-src https: 'self' ws://127.0.0.1:*; "
    "child-src https: data:"
)
"""The content policy of VS Code for a notebook's outputs, when its ``notebook.experimental.enableCsp`` is on.

The test adds ``blob:`` for scripts, because anywidget loads the module of each widget from there, and the
connections by which Voilà carries the messages that VS Code's own page posts.
"""

VSCODE = """policy => {
  new MutationObserver((_, observer) => {
    if (!document.head) return;
    observer.disconnect();
    const meta = document.createElement('meta');
    meta.httpEquiv = 'Content-Security-Policy';
    meta.content = policy;
    document.head.prepend(meta);
  }).observe(document, { childList: true, subtree: true });
  const dress = () => {
    const { style } = document.documentElement;
    style.setProperty('--jp-ui-font-family', 'initial');
    style.setProperty('--vscode-font-family', 'monospace');
    document.body.dataset.vscodeThemeKind = 'vscode-dark';
    delete document.body.dataset.jpThemeLight;
    // What a click leads to is never followed: the editor saves it, and reads a blob first.
    window.saved = [];
    document.body.addEventListener('click', async event => {
      const link = event.composedPath().find(node => node instanceof HTMLAnchorElement && node.href);
      if (!link) return;
      event.preventDefault();
      const { href, download } = link;
      const read = blob => new Promise(resolve => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader.readAsDataURL(blob);
      });
      const data = href.startsWith('data:') ? href : await read(await (await fetch(href)).blob());
      window.saved.push([download, data.split(';base64,')[1]]);
    });
  };
  if (document.body) dress();
  else document.addEventListener('DOMContentLoaded', dress);
}"""
"""The page around an output in VS Code: its policy, variables and attribute, and how it saves files."""

REFUSED = """() => new Promise(resolve => {
  const end = event => resolve(event.effectiveDirective);
  document.addEventListener('securitypolicyviolation', end, { once: true });
  new Audio('https://127.0.0.1/a.wav');
})"""
"""The script that asks for what the policy refuses, and returns the directive of the refusal."""

Save = Callable[[Page, Locator], tuple[str, bytes]]


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


@pytest.fixture(scope="module")
def voila(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoilaServer]:
    """Return a Voilà, which starts a new kernel for each load of a page."""
    with VoilaServer(tmp_path_factory.mktemp("voila") / "server") as server:
        yield server


def saved_by_the_browser(page: Page, button: Locator) -> tuple[str, bytes]:
    """Return the name and the bytes of the file that a click saves."""
    with page.expect_download(timeout=WAIT) as waiting:
        button.click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def saved_by_vscode(page: Page, button: Locator) -> tuple[str, bytes]:
    """Return the name and the bytes of the file that a click saves through the editor."""
    button.click()
    name, data = page.wait_for_function("() => window.saved.shift()", timeout=WAIT).json_value()
    return name, base64.b64decode(data)


def core_story(view: View, store: Path, save: Save = saved_by_the_browser) -> None:
    """Generate, show an image large, save the images, and switch to a second topic."""
    for panel in ("config-panel", "workspace", "topics-panel"):
        expect(view.part(panel)).to_be_visible()
    view.generate("a sunset over the sea", 2, model="demo:instant")
    view.expect_images(2)
    originals = {path.read_bytes() for path in store.parent.rglob("*.png")}

    view.tiles("success").first.get_by_role("button").first.click()
    large = view.part("lightbox")
    expect(large).to_be_visible()
    view.expect_decoded(view.part("lightbox-image"))
    view.page.keyboard.press("ArrowRight")
    name, original = save(view.page, large.get_by_test_id("lightbox-download"))
    assert re.fullmatch(r"[\w.-]+\.png", name)
    assert original in originals
    view.page.keyboard.press("Escape")
    expect(large).to_be_hidden()
    view.part("show-shortcuts").click()
    expect(view.part("shortcuts")).to_be_visible()
    view.page.keyboard.press("Escape")
    expect(view.part("shortcuts")).to_be_hidden()

    view.batches().first.hover()
    view.batches().first.get_by_test_id("batch-menu").click()
    name, packed = save(view.page, view.part("zip-batch"))
    assert re.fullmatch(r"[\w.-]+\.zip", name)
    with zipfile.ZipFile(io.BytesIO(packed)) as pack:
        recipes = json.loads(pack.read("recipes.json"))
        images = [name for name in pack.namelist() if name != "recipes.json"]
        assert len(images) == len(set(images)) == len(recipes) == 2
        assert {pack.read(name) for name in images} == originals
    assert {recipe["prompt"] for recipe in recipes} == {"a sunset over the sea"}

    view.part("new-topic").click()
    expect(view.tiles()).to_have_count(0)
    view.generate("a quiet forest", 1)
    view.expect_images(1)
    still_there(view)


def still_there(view: View) -> None:
    """Expect both topics, each with its own images."""
    # The page shows the saved state before the kernel answers, but cannot be clicked until then.
    expect(view.root.locator("[data-live=true]")).to_be_visible(timeout=WAIT)
    expect(view.topics()).to_have_count(2)
    view.topics().filter(has_text="sunset").click()
    view.expect_images(2)
    expect(view.active_topic()).to_contain_text("sunset")
    expect(view.batches()).to_have_count(1)
    expect(view.batches().first).to_contain_text("a sunset over the sea")


def test_jupyterlab(open_notebook: OpenNotebook, studio_cells: list[str], store: Path) -> None:
    notebook: Notebook = open_notebook(studio_cells)
    notebook.run(0)
    core_story(notebook.view(), store)
    notebook.reload()
    still_there(notebook.view())


def test_notebook(page: Page, tmp_path: Path, store: Path) -> None:
    with NotebookServer(tmp_path / "server") as server:
        core_story(server.show(page, "studio", store), store)
        still_there(server.again(page))


def test_voila(page: Page, voila: VoilaServer, store: Path) -> None:
    core_story(voila.show(page, "plain", store), store)
    still_there(voila.again(page))


def test_marimo(page: Page, tmp_path: Path, store: Path) -> None:
    with MarimoServer(tmp_path / "server", store) as server:
        core_story(server.show(page), store)
        still_there(server.again(page))


MASKED = """
from imgplay_widget import ImagePlayground
from imgplay_widget._types import ModelSpec, ReferenceRule
from imgplay_widget.testing import FakeProvider

class MadeUp(FakeProvider):
    def models(self):
        rule = ReferenceRule(max_count=2, max_bytes=5_000_000, media_types=("image/png",))
        return (ModelSpec(provider="made_up", id="edit", title="Edit", mask=True, references=rule),)

pg = ImagePlayground(store={store!r}, providers=[MadeUp(name="made_up")])
pg
"""


def show_in_vscode(
    page: Page, voila: VoilaServer, store: Path, policy: str, cells: Sequence[str] = CELLS
) -> View:
    """An imitation of VS Code: its policy and its changes of the page, around a real widget manager."""
    page.add_init_script(f"({VSCODE})({json.dumps(policy)})")
    view = voila.show(page, "webview", store, cells)
    assert page.evaluate(REFUSED) == "media-src"
    return view


def test_a_webview_that_refuses_blobs(
    page: Page, voila: VoilaServer, store: Path, complaints: list[str]
) -> None:
    view = show_in_vscode(page, voila, store, POLICY)
    core_story(view, store, saved_by_vscode)
    view.choose_model("demo:slow")
    view.part("reference-file").set_input_files(next(store.parent.rglob("*.png")))
    view.expect_decoded(view.part("reference").locator("img"))
    still_there(voila.again(page))
    # Each load of the page found out once which addresses its pictures may have.
    assert ["img-src" in complaint for complaint in complaints] == [True, True]
    complaints.clear()


def test_a_mask_is_painted_in_a_webview_that_refuses_blobs(
    page: Page, voila: VoilaServer, store: Path, complaints: list[str]
) -> None:
    view = show_in_vscode(page, voila, store, POLICY, [MASKED])
    view.choose_model("made_up:edit")
    picture = io.BytesIO()
    Image.new("RGB", (80, 40), "teal").save(picture, "PNG")
    file: FilePayload = {"name": "teal.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    view.part("reference-file").set_input_files(file)
    view.part("mask-paint").click()
    view.expect_decoded(page.get_by_test_id("mask-area").locator("img"))
    area = page.get_by_test_id("mask-area")
    area.focus()
    for key in ("Space", "ArrowRight", "Space"):
        area.press(key)
    page.get_by_test_id("mask-save").click()
    expect(page.get_by_test_id("mask-painter")).to_have_count(0, timeout=WAIT)
    expect(view.part("mask-paint")).to_have_accessible_name("Edit the mask")
    assert ["img-src" in complaint for complaint in complaints] == [True]
    complaints.clear()


def test_a_webview_that_allows_blobs_and_changes_its_theme(
    page: Page, voila: VoilaServer, store: Path
) -> None:
    view = show_in_vscode(page, voila, store, POLICY.replace(" data:; font", " data: blob:; font"))
    view.generate("a red fox", 1, model="demo:instant")
    view.expect_images(1)
    assert (view.part("tile-image").get_attribute("src") or "").startswith("blob:")

    # The theme of the editor, and a change of it while the page is open.
    expect(view.root).to_have_attribute("data-theme", "dark")
    expect(view.part("prompt")).to_have_css("font-family", "monospace")
    page.evaluate("""() => {
      document.body.dataset.vscodeThemeKind = 'vscode-high-contrast-light';
      document.documentElement.style.setProperty('--vscode-font-family', 'serif');
    }""")
    expect(view.root).to_have_attribute("data-theme", "light")
    expect(view.part("prompt")).to_have_css("font-family", "serif")

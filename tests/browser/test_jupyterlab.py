"""The extension of JupyterLab: its sidebar, tab, launcher card and commands. The menu entry in Notebook 7."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from scripts.hosts import NotebookServer
from scripts.lab import WAIT, LabServer, View
from tests.browser.served import violations

pytestmark = pytest.mark.browser

SIDEBAR, TAB = "#imgplay-sidebar", "#imgplay-studio"
NAME = "Image Playground"
SCRIPT = "**/image-playground/static/page.js*"
IS_RESTORED = "async () => { await window.jupyterapp.restored }"
EXECUTE = "([command, given]) => void window.jupyterapp.commands.execute(command, given)"
OVERFLOW = """root => {
  const holder = root.parentElement;
  return [holder.scrollHeight - holder.clientHeight, holder.scrollWidth - holder.clientWidth,
    Math.round(holder.clientHeight - root.getBoundingClientRect().height)];
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A JupyterLab whose server has a history of its own."""
    with LabServer(tmp_path_factory.mktemp("lab-extension") / "server") as server:
        yield server


@pytest.fixture
def lab(request: pytest.FixtureRequest, page: Page, server: LabServer) -> Page:
    """Return a page with an empty JupyterLab: the workspace of the test."""
    return opened(page, f"{server.url}/lab/workspaces/{re.sub(r'[^a-z]+', '-', request.node.name)}")


def opened(page: Page, address: str) -> Page:
    """Open JupyterLab or Notebook, and return when it has restored what was open."""
    page.set_default_timeout(WAIT)
    page.goto(address)
    restored(page)
    return page


def restored(page: Page) -> None:
    page.wait_for_function("() => window.jupyterapp")
    page.evaluate(IS_RESTORED)


def execute(page: Page, command: str, **arguments: str) -> None:
    """Execute a command of JupyterLab, as a menu does."""
    page.evaluate(EXECUTE, [command, arguments])


def icon(page: Page) -> Locator:
    """Return the icon of the studio in the left sidebar."""
    return page.locator('.jp-SideBar.jp-mod-left [data-id="imgplay-sidebar"]')


def card(page: Page) -> Locator:
    return page.locator(".jp-LauncherCard", has_text=NAME)


def view(page: Page, panel: str) -> View:
    """Return the studio in a panel, ready for a prompt."""
    shown = View(page, page.locator(panel).get_by_test_id("imgplay"))
    expect(shown.part("prompt")).to_be_enabled()
    return shown


def in_sidebar(page: Page) -> View:
    icon(page).click()
    return view(page, SIDEBAR)


def in_tab(page: Page) -> View:
    execute(page, "imgplay:open")
    return view(page, TAB)


def new_topic(shown: View) -> None:
    """Show no topic. A narrow studio has its topics in a drawer."""
    if not shown.part("new-topic").is_visible():
        shown.part("toggle-right").click()
    shown.part("new-topic").click()
    expect(shown.tiles()).to_have_count(0)


def topics(server: LabServer) -> dict[str, str]:
    """Return the ids of the topics of the server by their titles."""
    with urllib.request.urlopen(f"{server.url}/api/image-playground/topics") as answer:
        return {topic["title"]: topic["id"] for topic in json.load(answer)["topics"]}


def a_topic(page: Page, server: LabServer, prompt: str) -> str:
    """Generate an image in a new topic, show no topic, and return the id of the topic."""
    shown = in_tab(page)
    new_topic(shown)
    shown.generate(prompt, 1, model="demo:instant")
    shown.expect_images(1)
    new_topic(shown)
    return topics(server)[prompt]


def test_the_icon_in_the_sidebar_opens_a_narrow_studio(lab: Page) -> None:
    shown = in_sidebar(lab)
    new_topic(shown)
    shown.part("toggle-left").click()
    shown.generate("a red fox", 2, model="demo:instant")
    shown.expect_images(2)
    # Both side panels are drawers: the fold of a narrow studio.
    shown.part("toggle-right").click()
    expect(shown.root.locator('[data-drawer="right"]')).to_be_visible()


def test_the_studio_fills_its_panel_and_nothing_else_scrolls(lab: Page) -> None:
    shown = [in_sidebar(lab), in_tab(lab)]
    for width, height in ((1400, 900), (1000, 600)):
        lab.set_viewport_size({"width": width, "height": height})
        for each in shown:
            expect(each.root).to_be_visible()
            assert each.root.evaluate(OVERFLOW) == [0, 0, 0]


def test_the_launcher_and_the_palette_open_one_tab(lab: Page) -> None:
    card(lab).click()
    expect(view(lab, TAB).root).to_be_visible()
    lab.keyboard.press("Escape")
    execute(lab, "apputils:activate-command-palette")
    lab.locator(".lm-CommandPalette-input").fill(NAME)
    lab.locator('.lm-CommandPalette-item[data-command="imgplay:open"]').click()
    expect(view(lab, TAB).root).to_be_visible()
    expect(lab.locator(TAB)).to_have_count(1)
    expect(lab.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text=NAME)).to_have_count(1)


def test_sidebar_and_tab_are_two_views_of_one_page(lab: Page) -> None:
    sockets: list[str] = []
    lab.on("websocket", lambda socket: sockets.append(socket.url))
    side, tab = in_sidebar(lab), in_tab(lab)
    new_topic(tab)
    side.part("prompt").fill("a blue fox")
    expect(tab.part("prompt")).to_have_value("a blue fox")
    tab.generate("a blue fox", 1, model="demo:instant")
    side.expect_images(1)
    assert len([url for url in sockets if "image-playground" in url]) == 1
    lab.locator(".lm-TabBar-tab", has_text=NAME).locator(".lm-TabBar-tabCloseIcon").click()
    expect(lab.locator(TAB)).to_have_count(0)
    # The page goes on in the other view.
    side.generate("a green fox")
    side.expect_images(2)


def test_the_sidebar_opens_the_tab_and_the_tab_offers_no_other_one(lab: Page) -> None:
    in_sidebar(lab).part("open-tab").click()
    expect(view(lab, TAB).part("open-tab")).to_have_count(0)
    expect(lab.locator(TAB)).to_have_count(1)


def test_the_studio_puts_code_into_the_notebook_beside_it(lab: Page) -> None:
    execute(lab, "notebook:create-new", kernelName="python3")
    shown = in_sidebar(lab)
    new_topic(shown)
    shown.generate("a fox in a notebook")
    expect(shown.tiles("success").first).to_be_visible()
    shown.part("batch-menu").first.click()
    shown.part("insert-code").click()
    expect(lab.locator(".jp-Notebook .jp-Cell")).to_have_count(2)
    expect(lab.locator(".jp-Notebook .jp-Cell").nth(1)).to_contain_text("a fox in a notebook")


def test_nothing_is_asked_of_the_studio_before_the_user_opens_it(page: Page, server: LabServer) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    opened(page, f"{server.url}/lab/workspaces/nothing-asked")
    expect(card(page)).to_be_visible()
    assert [url for url in asked if "image-playground" in url] == []
    in_sidebar(page)
    assert [url for url in asked if "image-playground" in url] != []


@pytest.mark.parametrize("path", ["/lab", "/lab/tree/notes.ipynb"])
def test_an_address_with_a_topic_opens_the_tab_there(lab: Page, server: LabServer, path: str) -> None:
    topic = a_topic(lab, server, f"a lighthouse on {path}")
    server.write_notebook("notes", ["1 + 1"])
    other = opened(lab.context.new_page(), f"{server.url}{path}?topic={topic}")
    shown = view(other, TAB)
    expect(shown.batches().first).to_contain_text("a lighthouse")
    if "tree" in path:
        expect(other.locator(".jp-Notebook")).to_have_count(1)
    # The next load shows what was shown last.
    expect(other).not_to_have_url(re.compile("topic="))


def test_a_reload_restores_the_panels_the_topic_and_the_text(lab: Page, server: LabServer) -> None:
    in_sidebar(lab)
    shown = in_tab(lab)
    new_topic(shown)
    shown.generate("a fox in the rain", 1, model="demo:instant")
    shown.expect_images(1)
    shown.part("prompt").fill("a fox that is not sent yet")
    # JupyterLab saves its layout a moment after a change, and nothing in the page shows when.
    lab.wait_for_function(
        """async () => {
          const [id] = location.pathname.match(/workspaces.(.*)/)?.slice(1) ?? [];
          const saved = await (await fetch(`/lab/api/workspaces/${id}`)).json();
          return JSON.stringify(saved.data ?? {}).includes('imgplay:studio');
        }"""
    )
    lab.reload()
    restored(lab)
    for panel in (SIDEBAR, TAB):
        again = view(lab, panel)
        expect(again.part("prompt")).to_have_value("a fox that is not sent yet")
        expect(again.batches().first).to_contain_text("a fox in the rain")


def test_the_theme_follows_while_it_changes(lab: Page) -> None:
    shown = in_sidebar(lab)
    for name, theme in (("JupyterLab Dark", "dark"), ("JupyterLab Light", "light")):
        execute(lab, "apputils:change-theme", theme=name)
        expect(shown.root).to_have_attribute("data-theme", theme)


def test_the_keys_of_the_studio_stay_in_it(lab: Page) -> None:
    execute(lab, "notebook:create-new", kernelName="python3")
    cells = lab.locator(".jp-Notebook .jp-Cell")
    expect(cells).to_have_count(1)
    shown = in_sidebar(lab)
    shown.part("toggle-right").focus()
    # In a notebook these letters are commands.
    for key in ("b", "a", "Escape"):
        lab.keyboard.press(key)
    shown.part("prompt").fill("a fox")
    lab.keyboard.press("Shift+Enter")
    expect(cells).to_have_count(1)
    # An activated tab has the keys at once.
    in_tab(lab)
    lab.keyboard.press("?")
    expect(lab.get_by_role("dialog")).to_contain_text("Keyboard shortcuts")


def test_a_server_without_the_studio_says_what_to_do(page: Page, tmp_path: Path) -> None:
    config = tmp_path / "server" / "config"
    config.mkdir(parents=True)
    (config / "jupyter_server_config.json").write_text(
        '{"ServerApp": {"jpserver_extensions": {"imgplay_widget.server": false}}}'
    )
    with LabServer(tmp_path / "server") as server:
        icon(opened(page, f"{server.url}/lab")).click()
        expect(page.locator(SIDEBAR)).to_contain_text("does not run the image playground")
        expect(page.locator(SIDEBAR)).to_contain_text("jupyter server extension enable imgplay_widget.server")
        assert violations(page, SIDEBAR) == []


def test_a_failed_load_can_be_tried_again_in_all_panels(lab: Page) -> None:
    def gone(route: Route) -> None:
        route.fulfill(status=404)

    lab.route(SCRIPT, gone)
    icon(lab).click()
    expect(lab.locator(SIDEBAR)).to_contain_text("does not run the image playground")
    execute(lab, "imgplay:open")
    expect(lab.locator(TAB)).to_contain_text("does not run the image playground")
    lab.unroute(SCRIPT, gone)
    lab.locator(SIDEBAR).get_by_role("button", name="Try again").click()
    for panel in (SIDEBAR, TAB):
        expect(view(lab, panel).root).to_be_visible()


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_axe_finds_nothing_in_the_sidebar(lab: Page, theme: str) -> None:
    execute(lab, "apputils:change-theme", theme=theme)
    shown = in_sidebar(lab)
    new_topic(shown)
    shown.generate("a red fox")
    expect(shown.tiles("success").first).to_be_visible()
    assert violations(lab, SIDEBAR) == []


def test_the_extension_speaks_the_language_of_jupyterlab(page: Page, tmp_path: Path) -> None:
    settings = {"@jupyterlab/translation-extension/plugin": {"locale": "zh_CN"}}
    with LabServer(tmp_path / "server", settings=settings) as server:
        opened(page, f"{server.url}/lab")
        expect(page.locator(".jp-LauncherCard", has_text="图像工作室")).to_be_visible()
        expect(icon(page)).to_have_attribute("title", re.compile("图像工作室"))
        # The card stands among JupyterLab's own, whose category has a Chinese name too.
        expect(page.locator(".jp-Launcher-section", has_text="图像工作室")).to_contain_text("Markdown")
        expect(in_sidebar(page).part("generate")).to_contain_text("生成")


def test_notebook_opens_the_page_in_a_tab_of_the_browser(page: Page, tmp_path: Path) -> None:
    with NotebookServer(tmp_path / "server") as server:
        server.write_notebook("notes", ["1 + 1"])
        for path in ("tree", "notebooks/notes.ipynb"):
            opened(page, f"{server.url}/{path}")
            page.get_by_role("menubar").get_by_text("View", exact=True).click()
            with page.context.expect_page() as waiting:
                page.get_by_role("menu").get_by_text(NAME, exact=True).click()
            other = waiting.value
            assert other.url.startswith(f"{server.url}/image-playground")
            expect(other.get_by_test_id("prompt")).to_be_enabled(timeout=WAIT)
            assert page.locator(SIDEBAR).count() == 0
            other.close()

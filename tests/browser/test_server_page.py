"""The page that `imgplay serve` opens: its window, its address, its policy, and a server that comes back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from scripts.lab import WAIT

pytestmark = pytest.mark.browser

AXE = Path(__file__).resolve().parents[2] / "js" / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = "async () => (await axe.run(document)).violations.map(({ id, nodes }) => [id, nodes[0].html])"
# Axe cannot judge texts on a gradient.
PLAIN = ".imgplay { --ip-ambient: #2b3163 !important }"
OVERFLOW = """() => {
  const { scrollHeight, scrollWidth } = document.documentElement;
  const box = document.querySelector('.imgplay').getBoundingClientRect();
  return [scrollHeight, box.height].map(height => height - innerHeight)
    .concat([scrollWidth, box.width].map(width => width - innerWidth));
}"""
"""How much higher and wider the document and the studio are than the window."""


class Served:
    """The command `imgplay serve`, on a store of its own.

    Attributes:
        address: the address that the command printed last.
    """

    def __init__(self, store: Path) -> None:
        self.store, self.address, self._port = store, "", 0
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the server, at the second time on the same port."""
        command = [
            sys.executable,
            "-m",
            "imgplay_widget",
            "serve",
            "--no-browser",
            "--store",
            str(self.store),
        ]
        self._process = subprocess.Popen(
            [*command, "--port", str(self._port)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(r"http://\S+:(\d+)/\S+token=\S+", line):
                self.address, self._port = found[0], int(found[1])
                return
        raise AssertionError("The command ended without an address.")

    def kill(self) -> None:
        """End the server without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path / "foxes.sqlite")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def studio(page: Page, served: Served) -> Page:
    """Return the page of a running server."""
    page.goto(served.address)
    expect(page.get_by_test_id("prompt")).to_be_enabled(timeout=WAIT)
    return page


def generate(page: Page, prompt: str) -> Locator:
    """Generate an image, and return it."""
    page.get_by_test_id("prompt").fill(prompt)
    page.get_by_test_id("generate").click()
    image = page.locator(f'[data-testid="batch"]:has-text("{prompt}") img').first
    expect(image).to_be_visible(timeout=WAIT)
    return image


def bar(page: Page) -> Locator:
    return page.get_by_test_id("connection")


def test_the_studio_fills_the_window_and_nothing_else_scrolls(studio: Page) -> None:
    for width, height in ((1400, 900), (900, 700), (420, 800)):
        studio.set_viewport_size({"width": width, "height": height})
        assert studio.evaluate(OVERFLOW) == [0, 0, 0, 0]
    expect(studio.get_by_test_id("resize-bottom")).to_have_count(0)
    expect(studio.get_by_test_id("full-window")).to_be_hidden()


def test_the_address_opens_its_topic_and_keeps_no_login(studio: Page, served: Served) -> None:
    generate(studio, "a red fox")
    title = studio.title()
    link = studio.url
    assert "topic=" in link
    assert "token" not in link
    studio.get_by_test_id("new-topic").click()
    expect(studio).to_have_url(re.compile(r"/image-playground$"))
    other = studio.context.new_page()
    other.goto(link)
    expect(other.locator('[data-testid="batch"]:has-text("a red fox")')).to_be_visible(timeout=WAIT)
    assert title.endswith(" · Image studio")
    expect(other).to_have_title(title)


def test_what_a_click_opens_comes_from_the_server_under_its_policy(
    studio: Page, complaints: list[str]
) -> None:
    studio.on("console", lambda said: complaints.append(said.text) if "Security" in said.text else None)
    generate(studio, "a red fox").click()
    expect(studio.get_by_test_id("lightbox")).to_be_visible(timeout=WAIT)
    studio.keyboard.press("Escape")
    studio.get_by_test_id("show-shortcuts").click()
    expect(studio.get_by_role("dialog")).to_contain_text("Keyboard shortcuts", timeout=WAIT)


def test_a_page_goes_on_when_its_server_comes_back(studio: Page, served: Served) -> None:
    generate(studio, "a red fox")
    studio.get_by_test_id("prompt").fill("a blue fox")
    served.kill()
    expect(bar(studio)).to_contain_text("The connection to the server was lost", timeout=WAIT)
    served.start()
    expect(bar(studio)).to_have_count(0, timeout=WAIT)
    expect(studio.get_by_test_id("prompt")).to_have_value("a blue fox")
    generate(studio, "a blue fox")


def test_a_page_without_a_login_says_so_and_goes_on_after_one(studio: Page, served: Served) -> None:
    served.kill()
    served.store.with_name(f"{served.store.name}.server-secret").unlink()
    served.start()
    expect(bar(studio)).to_contain_text("You are no longer logged in", timeout=WAIT)
    other = studio.context.new_page()
    other.goto(served.address)
    expect(bar(studio)).to_have_count(0, timeout=WAIT)


def test_axe_finds_nothing_in_the_document(browser: Browser, served: Served) -> None:
    context = browser.new_context(bypass_csp=True, color_scheme="dark")
    page = context.new_page()
    page.goto(served.address)
    generate(page, "a red fox")
    page.add_style_tag(content=PLAIN)
    page.add_script_tag(path=AXE)
    assert page.evaluate(RUN_AXE) == []
    context.close()


def test_the_page_speaks_the_language_and_has_the_theme_of_the_browser(
    browser: Browser, served: Served
) -> None:
    context = browser.new_context(locale="zh-CN", color_scheme="light")
    page = context.new_page()
    page.goto(served.address)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_test_id("generate")).to_contain_text("生成", timeout=WAIT)
    expect(page.get_by_test_id("imgplay")).to_have_attribute("data-theme", "light")
    context.close()

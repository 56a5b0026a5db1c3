"""The page that `imgplay serve` opens: its window, its address, its policy, and a server that comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from imgplay_widget.server.opening import opened_by_browser
from scripts.lab import WAIT
from scripts.served import Served
from tests.browser.served import opened, overflow, violations

pytestmark = pytest.mark.browser


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
        assert overflow(studio) == [0, 0, 0, 0]
    expect(studio.get_by_test_id("resize-bottom")).to_have_count(0)
    expect(studio.get_by_test_id("full-window")).to_be_hidden()


def test_the_file_that_the_command_opens_leads_to_the_page(page: Page, served: Served) -> None:
    with opened_by_browser(served.address) as url:
        assert url.startswith("file:")
        page.goto(url)
        expect(page.get_by_test_id("prompt")).to_be_enabled(timeout=WAIT)
    assert page.url == served.address.partition("?")[0]


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


def test_axe_finds_nothing_in_the_document(browser: Browser, server_address: str) -> None:
    context = browser.new_context(bypass_csp=True, color_scheme="dark")
    page = context.new_page()
    view = opened(page, server_address)
    view.generate("a red fox", 2, model="demo:instant")
    view.expect_images(2)
    assert violations(page) == []
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

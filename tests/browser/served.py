"""What is asked of the pages of both servers."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page, expect

from scripts.lab import WAIT, View

AXE = Path(__file__).resolve().parents[2] / "js" / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """async within => (await axe.run(within ?? document)).violations
  .map(({ id, nodes }) => [id, nodes[0].html])"""
# Axe cannot judge texts on a gradient.
PLAIN = ".imgplay { --ip-ambient: #2b3163 !important }"
OVERFLOW = """() => {
  const { scrollHeight, scrollWidth } = document.documentElement;
  const box = document.querySelector('.imgplay').getBoundingClientRect();
  return [scrollHeight, box.height].map(height => height - innerHeight)
    .concat([scrollWidth, box.width].map(width => width - innerWidth));
}"""


class ServerPage(NamedTuple):
    """The page of a running server.

    Attributes:
        address: its address, with the token that logs in a new browser.
        store: the history that it shows.
    """

    address: str
    store: Path


def opened(page: Page, address: str) -> View:
    """Open the page of a server, and return its studio with no topic chosen."""
    page.set_default_timeout(WAIT)
    page.goto(address)
    view = View(page, page.get_by_test_id("imgplay"))
    expect(view.part("prompt")).to_be_enabled(timeout=WAIT)
    view.part("new-topic").click()
    expect(view.tiles()).to_have_count(0)
    return view


def overflow(page: Page) -> list[int]:
    """Return how much higher and wider the document and the studio are than the window."""
    return page.evaluate(OVERFLOW)


def violations(page: Page, within: str | None = None) -> list[list[str]]:
    """Return the findings of axe-core in a context without a policy.

    Args:
        page: the page.
        within: a selector of the elements to look at; the whole document if it is left out.
    """
    page.add_style_tag(content=PLAIN)
    page.add_script_tag(path=AXE)
    return page.evaluate(RUN_AXE, within)

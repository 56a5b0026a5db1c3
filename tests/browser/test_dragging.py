"""Images that are dragged out of the window: what a drag carries for the desktop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from scripts.lab import WAIT
from scripts.page_states import reach_state
from scripts.served import Served

pytestmark = pytest.mark.browser

# Notes what a drag carries, after all others have filled it.
WATCH = """() => window.addEventListener('dragstart', ({ dataTransfer: data }) => {
  window.carried = Object.fromEntries([...data.types].map(type => [type, data.getData(type)]));
})"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path / "foxes.sqlite")
    server.start()
    yield server
    server.kill()


def drag(page: Page, image: Locator) -> dict[str, str]:
    """Drag an image a little, and return what the drag carries."""
    page.evaluate(WATCH)
    image.hover()
    expect(page.get_by_test_id("tile-menu").first).to_be_visible(timeout=WAIT)
    page.mouse.down()
    box = image.bounding_box()
    assert box is not None
    for step in range(1, 5):
        page.mouse.move(box["x"] + 20 + 12 * step, box["y"] + 20 + 12 * step)
    page.wait_for_function("window.carried")
    carried: dict[str, str] = page.evaluate("window.carried")
    page.keyboard.press("Escape")
    page.mouse.up()
    return carried


def test_an_image_of_a_server_is_dragged_by_its_address(page: Page, served: Served) -> None:
    page.goto(served.address)
    page.get_by_test_id("prompt").fill("a fox, in snow")
    page.get_by_test_id("generate").click()
    image = page.get_by_test_id("tile-image").first
    expect(image).to_be_visible(timeout=WAIT)
    carried = drag(page, image)
    kind, name, address = carried["downloadurl"].split(":", 2)
    assert (kind, name) == ("image/png", "a-fox-in-snow-1.png")
    # The browser saves a copy with the recipe inside. Others get the address of the original.
    assert address == f"{carried['text/uri-list']}?download=true"
    # The address of the copy.
    answer = page.request.get(address)
    assert answer.status == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.body().startswith(b"\x89PNG")


def test_an_image_of_a_notebook_is_dragged_from_memory(page: Page, page_address: str) -> None:
    reach_state(page, page_address, "lightbox")
    page.keyboard.press("Escape")
    carried = drag(page, page.locator('[data-generation-id="b5-0"]').get_by_test_id("tile-image"))
    _, name, address = carried["downloadurl"].split(":", 2)
    assert name
    assert address.startswith("blob:http://127.0.0.1")
    assert "text/uri-list" not in carried
    # The same page can read what the drag names, and Chromium reads it in its place.
    size = page.evaluate(
        "address => fetch(address).then(answer => answer.blob()).then(blob => blob.size)", address
    )
    assert size > 0

"""The versions of an image in the large view: the strip, the words, the walk, and a second kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from imgplay_widget import GenerationHandle, Studio
from scripts.lab import WAIT
from scripts.served import Served
from tests.browser.served import overflow

pytestmark = pytest.mark.browser

DEMO = "demo:slow"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path / "foxes.sqlite")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def kernel(served: Served) -> Iterator[Studio]:
    """Return a studio of another kernel, on the history of the page."""
    with Studio(served.store, titles="off") as studio:
        yield studio


def fox(kernel: Studio) -> list[GenerationHandle]:
    """Return three versions of an image, the second one in another topic."""
    first = kernel.generate("a fox, day", model=DEMO, seconds=0, seed=7, topic="Foxes").result(60)[0]
    second = first.edit("a fox, night, snow", topic="Nights").result(60)[0]
    third = second.edit("put a red hat on its head", topic="Foxes", seed=8).result(60)[0]
    return [first, second, third]


def open_large(page: Page, served: Served, generation: GenerationHandle) -> None:
    page.set_default_timeout(WAIT)
    page.goto(f"{served.address}&topic={generation.batch.topic_id}")
    tile = page.locator(f'[data-generation-id="{generation.id}"] [data-select]')
    expect(tile).to_be_visible(timeout=WAIT)
    tile.click()
    expect(page.get_by_test_id("versions")).to_be_visible(timeout=WAIT)


def expect_shown(page: Page, prompt: str) -> None:
    shown = page.get_by_test_id("lightbox").locator("footer p[title]")
    expect(shown).to_have_text(prompt, timeout=WAIT)


def test_versions_are_seen_walked_and_compared_across_topics_and_grow_while_one_looks(
    page: Page, served: Served, kernel: Studio
) -> None:
    first, second, third = fox(kernel)
    open_large(page, served, third)
    versions = page.get_by_test_id("version")
    words = page.get_by_test_id("version-words")
    expect(versions).to_have_count(3)
    expect(versions.locator("img")).to_have_count(3, timeout=WAIT)
    expect(versions.nth(2)).to_have_attribute("aria-current", "true")
    expect(words).to_have_text("Edit“put a red hat on its head”Seed 7 → 8")
    # The version before stands in another topic, which the page does not know yet.
    page.keyboard.press("Alt+ArrowLeft")
    expect_shown(page, "a fox, night, snow")
    expect(words).to_have_text("Edit+ night+ snow− day")
    expect(versions.nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("Alt+ArrowLeft")
    expect_shown(page, "a fox, day")
    expect(words).to_have_count(0)
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("Alt+ArrowRight")
    expect_shown(page, "put a red hat on its head")
    # One click compares with the version before.
    page.get_by_test_id("compare-before").click()
    expect(page.get_by_test_id("lightbox")).to_contain_text("a fox, night, snow")
    page.keyboard.press("Escape")
    # Another kernel makes a version, and it appears.
    kernel_child = third.edit("in the rain")
    expect(versions).to_have_count(4, timeout=WAIT)
    kernel_child.result(60)
    expect(versions.locator("img")).to_have_count(4, timeout=WAIT)
    versions.nth(3).click()
    expect_shown(page, "in the rain")
    # A version that is deleted leaves an empty place.
    second.delete()
    gone = page.locator('[data-testid="version"][data-status="gone"]')
    expect(gone).to_have_count(1, timeout=WAIT)
    expect(gone).to_have_attribute("aria-label", "This version was deleted.")
    for width, height in ((1400, 900), (420, 800)):
        page.set_viewport_size({"width": width, "height": height})
        assert overflow(page) == [0, 0, 0, 0]
        box = page.get_by_test_id("versions").bounding_box()
        assert box is not None
        assert box["width"] <= width
        # The images are the largest thing.
        assert box["height"] < height / 6
    assert first.children == []


def test_edit_keeps_what_made_the_image_and_the_new_version_is_in_the_strip(
    page: Page, served: Served, kernel: Studio
) -> None:
    only = kernel.generate("a fox", model=DEMO, seconds=0, seed=7, topic="Foxes").result(60)[0]
    page.set_default_timeout(WAIT)
    page.goto(f"{served.address}&topic={only.batch.topic_id}")
    page.locator(f'[data-generation-id="{only.id}"] [data-select]').click()
    expect(page.get_by_test_id("lightbox-image")).to_be_visible(timeout=WAIT)
    # An image without other versions has no strip.
    expect(page.get_by_test_id("versions")).to_have_count(0)
    page.keyboard.press("e")
    expect(page.get_by_test_id("prompt")).to_be_focused(timeout=WAIT)
    page.keyboard.type("make it night")
    page.keyboard.press("Enter")
    new = page.locator('[data-testid="batch"]:has-text("make it night") [data-select]').first
    expect(new.locator("img")).to_be_visible(timeout=WAIT)
    (made,) = [one for one in kernel.batches(only.batch.topic_id) if one.prompt == "make it night"]
    made.result(60)
    assert (made.action, made.model, made[0].seed) == ("edit", DEMO, 7)
    assert made[0].parents == [only]
    new.click()
    expect(page.get_by_test_id("version")).to_have_count(2, timeout=WAIT)

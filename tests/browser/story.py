"""The core story of a user, for the tests of every host."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, expect

from scripts.lab import WAIT, View

Save = Callable[[Locator], tuple[str, bytes]]
"""A call that clicks, and returns the name and the bytes of the file that the click saves."""


def saved_by_the_browser(button: Locator) -> tuple[str, bytes]:
    """Return the name and the bytes of the file that a click saves."""
    with button.page.expect_download(timeout=WAIT) as waiting:
        button.click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def core_story(view: View, store: Path, save: Save = saved_by_the_browser) -> None:
    """Generate, show an image large, save the images, and switch to a second topic."""
    originals = two_sunsets(view, store)
    large_view(view, originals, save)
    saved_pack(view, originals, save)
    second_topic(view)
    still_there(view)


def two_sunsets(view: View, store: Path) -> set[bytes]:
    """Generate two images, and return the bytes of their originals."""
    for panel in ("config-panel", "workspace", "topics-panel"):
        expect(view.part(panel)).to_be_visible()
    view.generate("a sunset over the sea", 2, model="demo:instant")
    view.expect_images(2)
    return {pixels(path.read_bytes()) for path in store.parent.rglob("*.png")}


def pixels(file: bytes) -> bytes:
    """Return the pixels of a file. A saved file has those of its original, and its recipe inside."""
    return Image.open(io.BytesIO(file)).tobytes()


def large_view(view: View, originals: set[bytes], save: Save) -> None:
    """Show an image large, and save the image from there. Then open a dialog."""
    view.tiles("success").first.get_by_role("button").first.click()
    large = view.part("lightbox")
    expect(large).to_be_visible()
    view.expect_decoded(view.part("lightbox-image"))
    view.page.keyboard.press("ArrowRight")
    name, original = save(large.get_by_test_id("lightbox-download"))
    assert re.fullmatch(r"[\w.-]+\.png", name)
    assert pixels(original) in originals
    view.page.keyboard.press("Escape")
    expect(large).to_be_hidden()
    view.part("show-shortcuts").click()
    expect(view.part("shortcuts")).to_be_visible()
    view.page.keyboard.press("Escape")
    expect(view.part("shortcuts")).to_be_hidden()


def saved_pack(view: View, originals: set[bytes], save: Save) -> None:
    """Save both images as one ZIP."""
    view.batches().first.hover()
    view.batches().first.get_by_test_id("batch-menu").click()
    name, packed = save(view.part("zip-batch"))
    assert re.fullmatch(r"[\w.-]+\.zip", name)
    with zipfile.ZipFile(io.BytesIO(packed)) as pack:
        recipes = json.loads(pack.read("recipes.json"))
        images = [name for name in pack.namelist() if name != "recipes.json"]
        assert len(images) == len(set(images)) == len(recipes) == 2
        assert {pixels(pack.read(name)) for name in images} == originals
    assert {recipe["prompt"] for recipe in recipes} == {"a sunset over the sea"}


def second_topic(view: View) -> None:
    """Generate an image in a new topic."""
    view.part("new-topic").click()
    expect(view.tiles()).to_have_count(0)
    view.generate("a quiet forest", 1)
    view.expect_images(1)


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

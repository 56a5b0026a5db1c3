"""References beside the prompt, and a mask over the first one, reach the provider as the page shows them."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, expect

from scripts.lab import WAIT, Notebook, View

pytestmark = pytest.mark.browser

SHOW = """
from imgplay_widget import ImagePlayground
from imgplay_widget._types import ModelSpec, ReferenceRule
from imgplay_widget.testing import FakeProvider

EDIT = ModelSpec(
    provider="made_up", id="edit", title="Edit", mask=True, parameters=(),
    references=ReferenceRule(max_count=2, max_bytes=5_000_000, media_types=("image/png",)),
)

class MadeUp(FakeProvider):
    def models(self):
        return (EDIT,)

made_up = MadeUp(name="made_up")
pg = ImagePlayground(store={store!r}, providers=[made_up])
pg
"""
SENT = """
import json
unit = made_up.submits[-1]
print(json.dumps([[r.width for r in unit.references], unit.mask and [unit.mask.media_type, unit.mask.width]]))
"""


def png(width: int, *, noisy: bool = False) -> FilePayload:
    """Return a PNG of a width; a noisy one is uploaded in more than one piece."""
    picture = Image.effect_noise((width, width), 80) if noisy else Image.new("RGB", (width, 40), "teal")
    data = io.BytesIO()
    picture.save(data, "PNG")
    return {"name": f"{width}.png", "mimeType": "image/png", "buffer": data.getvalue()}


@pytest.fixture
def notebook(open_notebook, store: Path) -> Notebook:
    notebook = open_notebook([SHOW.replace("{store!r}", repr(str(store))), SENT])
    notebook.run(0)
    return notebook


def test_uploads_and_a_painted_mask_are_sent(notebook: Notebook, view: View) -> None:
    view.choose_model("made_up:edit")
    large = png(1300, noisy=True)
    assert len(large["buffer"]) > 1_000_000
    view.part("reference-file").set_input_files([large, png(80), png(90)])
    ready = view.part("reference").and_(view.root.locator('[data-status="ready"]'))
    expect(ready).to_have_count(2, timeout=WAIT)
    # The page refused the third reference, because the model takes two.
    expect(view.part("reference")).to_have_count(2)

    view.part("mask-paint").click()
    area = notebook.page.get_by_test_id("mask-area")
    # The painter itself and the whole picture come from the kernel.
    expect(area.locator("img")).to_be_visible(timeout=WAIT)
    area.focus()
    for key in ("Space", "ArrowRight", "ArrowDown", "Space"):
        area.press(key)
    notebook.page.get_by_test_id("mask-save").click()
    expect(notebook.page.get_by_test_id("mask-painter")).to_have_count(0, timeout=WAIT)

    view.generate("A calm evening")
    view.expect_images(1)
    expect(view.part("batch-reference")).to_have_count(2)
    notebook.run(1)
    assert json.loads(notebook.text(1)) == [[1300, 80], ["image/png", 1300]]


DROPPED = """([name, data]) => {
  const transfer = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  transfer.items.add(new File([bytes], name, { type: 'image/png' }));
  return transfer;
}"""
"""Return what a browser gets when a user drags a file into it, which only the desktop can do."""


def test_a_dropped_file_and_a_dragged_result_become_references(notebook: Notebook, view: View) -> None:
    view.choose_model("made_up:edit")
    file = png(80)
    data = base64.b64encode(file["buffer"]).decode()
    transfer = notebook.page.evaluate_handle(DROPPED, [file["name"], data])
    view.part("workspace").dispatch_event("dragover", {"dataTransfer": transfer})
    expect(view.part("drop")).to_be_visible()
    view.part("workspace").dispatch_event("drop", {"dataTransfer": transfer})
    ready = view.part("reference").and_(view.root.locator('[data-status="ready"]'))
    expect(ready).to_have_count(1, timeout=WAIT)
    expect(view.part("drop")).to_be_hidden()
    view.generate("A calm evening", 1)
    view.expect_images(1)

    view.tiles("success").first.drag_to(view.part("prompt"))
    expect(ready).to_have_count(2, timeout=WAIT)
    view.generate("A calm morning")
    view.expect_images(2)
    notebook.run(1)
    assert json.loads(notebook.text(1)) == [[80, 64], None]


def test_a_downloaded_image_brings_its_settings_back(notebook: Notebook, view: View, tmp_path: Path) -> None:
    view.choose_model("made_up:edit")
    view.generate("A calm evening", 1)
    view.expect_images(1)
    view.tiles("success").first.hover()
    with notebook.page.expect_download() as download:
        view.tiles("success").first.get_by_test_id("download").click()
    path = tmp_path / "kept.png"
    download.value.save_as(path)
    view.part("prompt").fill("something else")
    view.part("reference-file").set_input_files(path)
    view.part("notice-action").click()
    expect(view.part("prompt")).to_have_value("A calm evening")
    expect(view.part("reference")).to_have_count(0)

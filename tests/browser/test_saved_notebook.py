"""The notebook stays small and clean, also when it holds the widget state."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from scripts.lab import WAIT, LabServer

pytestmark = pytest.mark.browser

CANARY = "sk-canary-0123456789abcdefghij"
SAVE_STATE = {"@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True}}
SIGNATURES = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff\xe0", "WebP": b"RIFF"}


@pytest.fixture(scope="module")
def lab_that_saves_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Return a JupyterLab that saves widget state, and whose kernels have a key."""
    folder = tmp_path_factory.mktemp("lab") / "server"
    with LabServer(folder, settings=SAVE_STATE, environment={"OPENAI_API_KEY": CANARY}) as server:
        yield server


def test_a_saved_notebook_is_small_and_holds_no_key_and_no_large_image(
    open_notebook, studio_cells: list[str], lab_that_saves_state: LabServer
) -> None:
    # The size of the images does not matter, because the saved pictures are small in any case.
    call = 'pg.generate("a city", n=4, seed=seed, model="demo:instant", width=512, height=512)'
    more = f"for seed in range(4):\n    {call}.result(timeout=60)"
    key = "import os\nassert os.environ['OPENAI_API_KEY']"
    notebook = open_notebook([studio_cells[0], more, key], server=lab_that_saves_state)
    notebook.run(0)
    view = notebook.view()
    view.generate("a sunset over the sea", 4, model="demo:instant")
    view.expect_images(4)
    notebook.run(1)
    notebook.run(2)
    notebook.save()

    text = notebook.path.read_text(encoding="utf-8")
    assert "widgets" in json.loads(text)["metadata"], "widget state was not saved; this test shows nothing"
    assert len(text.encode()) < 300_000
    assert CANARY not in text
    # The page itself is packed, and its parts stay out of it.
    scripts = re.findall(r"const t='([^']+)'", text)
    assert len(scripts) == 1
    text = text.replace(scripts[0], "")
    # Without a kernel, the page still shows the newest images, very small.
    small = set(re.findall(r'"(UklG[A-Za-z0-9+/]+={0,2})\\*"', text))
    assert 1 <= len(small) <= 8
    assert sum(map(len, small)) <= 28_000
    for picture in small:
        text = text.replace(picture, "")
    for kind, signature in SIGNATURES.items():
        # A signature at the start stays readable in base64, because three bytes become four letters.
        letters = base64.b64encode(signature)[: len(signature) // 3 * 4].decode()
        assert f'"{letters}' not in text, f"a {kind} image is in the notebook"
    assert "data:image/" not in text.replace("data:image/svg+xml", "")
    longest = max(re.findall(r"[A-Za-z0-9+/]{200,}={0,2}", text), key=len, default="")
    assert len(longest) < 2_000, f"a long run of base64 is in the notebook: {longest[:80]}…"


def test_a_saved_notebook_that_is_opened_again_shows_its_images_and_says_why_nothing_can_be_done(
    open_notebook, studio_cells: list[str], lab_that_saves_state: LabServer
) -> None:
    notebook = open_notebook(studio_cells, server=lab_that_saves_state)
    notebook.run(0)
    view = notebook.view()
    view.generate("a sunset over the sea", 2, model="demo:instant")
    view.expect_images(2)
    # The state that a notebook saves is updated once a second.
    while notebook.path.read_text(encoding="utf-8").count('"UklG') < 2:
        notebook.save()

    address = notebook.page.url
    notebook.page.goto("about:blank")
    lab_that_saves_state.end_sessions()
    notebook.page.goto(address)
    view = notebook.view()
    said = view.part("connection")
    expect(said).to_have_attribute("data-connection", "gone", timeout=WAIT)
    expect(said).to_contain_text("The kernel no longer knows this studio. Run the cell again")
    expect(view.batches()).to_contain_text("a sunset over the sea")
    pictures = view.tiles("success").locator("img")
    expect(pictures).to_have_count(2)
    for index in range(2):
        view.expect_decoded(pictures.nth(index))
    for control in ("config-panel", "topics-panel", "generate"):
        expect(view.part(control)).to_have_attribute("title", re.compile("Run the cell again"))
    expect(view.part("generate")).to_be_disabled()
    expect(view.part("generate")).to_have_css("opacity", "0.5")


def test_a_notebook_that_is_not_trusted_says_what_to_do(open_notebook, studio_cells: list[str]) -> None:
    notebook = open_notebook(studio_cells)
    notebook.run(0)
    expect(notebook.view().part("prompt")).to_be_visible()
    notebook.save()
    # The user trusts what was run here, but not a notebook that somebody else changed.
    text = notebook.path.read_text(encoding="utf-8")
    notebook.path.with_name("changed.ipynb").write_text(text.replace('"pass"', '"..."'), encoding="utf-8")
    notebook.page.goto(notebook.page.url.replace(f"{notebook.path.stem}.ipynb", "changed.ipynb"))
    output = notebook.page.locator(".jp-OutputArea-output:visible")
    expect(output).to_have_text(
        "To see this ImagePlayground, run the cell that makes it again. All images are saved.", timeout=WAIT
    )

"""Results that show themselves: in JupyterLab while they come, once they are saved, and in an HTML export."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from scripts.hosts import MarimoServer
from scripts.lab import WAIT
from tests.browser.conftest import OpenNotebook

pytestmark = pytest.mark.browser

STUDIO = "from imgplay_widget import Studio\nstudio = Studio({store!r})"
ASK = "batch = studio.generate('a red fox', model='demo:slow', seconds={seconds}, n=4, seed=7)\nbatch"
IN_A_ROW = """([root, count]) => {
  const boxes = [...root.querySelectorAll('figure img')]
    .filter(one => one.complete && one.naturalWidth > 0).map(one => one.getBoundingClientRect());
  const places = (side) => new Set(boxes.map(box => Math.round(box[side]))).size;
  return boxes.length === count && places('x') === count && places('y') === 1;
}"""
"""Whether the pictures are beside each other. One look at all of them, because a sheet may be drawn again."""


def expect_sheet(area: Locator, images: int) -> None:
    """Wait until an area, whose element must stay, shows this number of pictures beside each other."""
    area.page.wait_for_function(IN_A_ROW, arg=[area.element_handle(), images], timeout=WAIT)


def test_a_running_batch_becomes_a_contact_sheet_in_its_place(
    open_notebook: OpenNotebook, store: Path
) -> None:
    notebook = open_notebook([STUDIO.format(store=str(store)), ASK.format(seconds=2)])
    notebook.run(0)
    notebook.run(1)
    output = notebook.cell(1).locator(".jp-OutputArea-output")
    expect(output).to_contain_text("a red fox", timeout=WAIT)
    expect_sheet(notebook.cell(1), 4)
    expect(output).to_contain_text("demo:slow · 4 images", timeout=WAIT)
    expect(output).not_to_contain_text("Running")
    (stored,) = notebook.outputs(1)
    assert set(stored["data"]) == {"text/plain", "text/html", "image/jpeg"}


def test_waiting_shows_the_progress_and_ends_as_one_line_above_the_images(
    open_notebook: OpenNotebook, store: Path, browser: Browser, tmp_path: Path
) -> None:
    ask = ASK.format(seconds=4).replace("\nbatch", "")
    notebook = open_notebook([STUDIO.format(store=str(store)), f"{ask}\nawait batch"])
    notebook.run(0)
    notebook.start(1)
    outputs = notebook.cell(1).locator(".jp-OutputArea-output")
    expect(outputs.first).to_contain_text("/4 · a red fox", timeout=WAIT)
    expect(outputs.first).to_contain_text("Running", timeout=WAIT)
    notebook.wait_for_end(1)
    expect(outputs).to_have_count(2, timeout=WAIT)
    line = outputs.first.inner_text().strip()
    assert line.startswith("4 images · ")
    assert "\n" not in line
    expect(outputs.first.locator("img")).to_have_count(0)
    expect_sheet(outputs.nth(1), 4)

    # The export needs neither a kernel nor a script.
    notebook.save()
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(tmp_path)]
    subprocess.run([*command, str(notebook.path)], check=True, capture_output=True)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / f"{notebook.path.stem}.html").as_uri())
    pictures = page.locator("figure img")
    expect(pictures).to_have_count(4)
    for picture in pictures.all():
        assert picture.get_attribute("alt", timeout=WAIT)
        box = picture.bounding_box()
        assert box is not None
        assert box["width"] > 100
    context.close()


def test_marimo_shows_the_progress_of_a_wait_and_then_the_images(
    page: Page, store: Path, tmp_path: Path
) -> None:
    ask = "view.widget.generate('a red fox', model='demo:slow', seconds=4, n=4, seed=7)"
    with MarimoServer(tmp_path / "server", store, shown=f"{ask}.result()") as server:
        page.goto(server.url)
        expect(page.get_by_text("/4 · a red fox")).to_be_visible(timeout=WAIT)
        expect(page.get_by_text("Running").first).to_be_visible(timeout=WAIT)
        expect(page.get_by_text("demo:slow · 4 images")).to_be_visible(timeout=WAIT)
        expect_sheet(page.locator("body"), 4)


def test_a_notebook_that_is_not_trusted_shows_its_contact_sheets(
    open_notebook: OpenNotebook, store: Path
) -> None:
    cells = [STUDIO.format(store=str(store)), f"{ASK.format(seconds=0)}.result()", "pass"]
    notebook = open_notebook(cells)
    notebook.run(0)
    notebook.run(1)
    notebook.save()
    text = notebook.path.read_text(encoding="utf-8")
    notebook.path.with_name("changed.ipynb").write_text(text.replace('"pass"', '"..."'), encoding="utf-8")
    notebook.page.goto(notebook.page.url.replace(f"{notebook.path.stem}.ipynb", "changed.ipynb"))
    output = notebook.page.locator(".jp-OutputArea-output:visible").last
    expect(output).to_contain_text("demo:slow · 4 images", timeout=WAIT)
    expect_sheet(output, 4)


SWEEP = (
    "grid = studio.sweep('a {{animal}} at {{time}}', animal=['fox', 'cat', 'bird'],"
    " time=['dawn', 'noon', 'night'], model='demo:slow', seconds={seconds}, seed=7)\ngrid"
)
IN_A_TABLE = """root => {
  const table = root.querySelector('table');
  const images = [...root.querySelectorAll('tbody td img')];
  if (!table || !images.every(one => one.complete && one.naturalWidth > 0)) return null;
  const labelled = images.map(one => {
    const row = one.closest('tr');
    const heads = [...table.querySelectorAll('th[scope=col]')];
    const middle = one.getBoundingClientRect().x + one.getBoundingClientRect().width / 2;
    const above = heads.find(head => {
      const box = head.getBoundingClientRect();
      return box.left <= middle && middle <= box.right;
    });
    return `${row.querySelector('th[scope=row]').innerText}, ${above?.innerText}` === one.alt && one.alt;
  });
  const widths = new Set(images.map(one => Math.round(one.getBoundingClientRect().width)));
  return { labelled, widths: widths.size, fits: table.scrollWidth <= table.parentElement.clientWidth + 1 };
}"""
"""Whether each image of a grid stands below and beside the labels that its description names."""

NINE = [f"{animal}, {time}" for animal in ("fox", "cat", "bird") for time in ("dawn", "noon", "night")]


def expect_grid(area: Locator) -> None:
    """Wait until an area shows nine images of the same width, each below and beside its labels."""
    expect(area.locator("tbody td img")).to_have_count(9, timeout=WAIT)
    area.page.wait_for_function(
        f"root => ({IN_A_TABLE})(root) !== null", arg=area.element_handle(), timeout=WAIT
    )
    assert area.evaluate(IN_A_TABLE) == {"labelled": NINE, "widths": 1, "fits": True}


def test_a_sweep_fills_its_grid_in_place_and_is_seen_in_the_export(
    open_notebook: OpenNotebook, store: Path, browser: Browser, tmp_path: Path
) -> None:
    notebook = open_notebook([STUDIO.format(store=str(store)), SWEEP.format(seconds=2), "pass"])
    notebook.run(0)
    notebook.run(1)
    output = notebook.cell(1).locator(".jp-OutputArea-output").last
    expect(output).to_contain_text("running", timeout=WAIT)
    # The whole grid is there before its images, with its labels.
    expect(output.locator("th[scope=row]")).to_have_text(["fox", "cat", "bird"])
    expect(output.locator("th[scope=col]")).to_have_text(["dawn", "noon", "night"])
    expect(output.locator("tbody td")).to_have_count(9)
    expect(output).to_contain_text("demo:slow · 9 images", timeout=WAIT)
    expect_grid(output)
    *_, stored = notebook.outputs(1)
    assert set(stored["data"]) == {"text/plain", "text/html", "image/jpeg"}

    notebook.save()
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(tmp_path)]
    subprocess.run([*command, str(notebook.path)], check=True, capture_output=True)
    context = browser.new_context()
    page = context.new_page()
    page.goto((tmp_path / f"{notebook.path.stem}.html").as_uri())
    expect_grid(page.locator(".jp-OutputArea-output").filter(has=page.locator("table")))
    context.close()

    text = notebook.path.read_text(encoding="utf-8")
    notebook.path.with_name("changed-grid.ipynb").write_text(
        text.replace('"pass"', '"..."'), encoding="utf-8"
    )
    notebook.page.goto(notebook.page.url.replace(f"{notebook.path.stem}.ipynb", "changed-grid.ipynb"))
    # A notebook that is not trusted shows the same grid.
    expect_grid(
        notebook.page.locator(".jp-OutputArea-output:visible").filter(has=notebook.page.locator("table"))
    )


def test_waiting_for_a_sweep_shows_one_bar_and_ends_as_one_line(
    open_notebook: OpenNotebook, store: Path
) -> None:
    ask = SWEEP.format(seconds=3).replace("\ngrid", "")
    notebook = open_notebook([STUDIO.format(store=str(store)), ask, "await grid"])
    notebook.run(0)
    notebook.run(1)
    notebook.start(2)
    outputs = notebook.cell(2).locator(".jp-OutputArea-output")
    expect(outputs.first).to_contain_text("/9 · a {animal} at {time}", timeout=WAIT)
    expect(outputs.first.locator("tbody td")).to_have_count(9, timeout=WAIT)
    notebook.wait_for_end(2)
    expect(outputs).to_have_count(2, timeout=WAIT)
    line = outputs.first.inner_text().strip()
    assert line.startswith("9 images · ")
    assert "\n" not in line
    expect_grid(outputs.nth(1))

"""Real pictures of the widget. Run this with ``make screenshots``.

``docs/images/studio.png`` is for the README, and the grids beside it are for docs/sweeps.md.
``screenshots/`` (not in git) gets the states of the page at four widths, dark and light, for people to look
at, and a few of the states and the grids of sweeps in a real JupyterLab.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, ViewportSize, expect, sync_playwright

from scripts.lab import WAIT, LabServer, Notebook, View, chromium
from scripts.page_states import STATES, page_server, take_state

ROOT = Path(__file__).resolve().parent.parent
README_IMAGE = ROOT / "docs" / "images" / "studio.png"
SWEEP_IMAGES = ROOT / "docs" / "images"
FOLDER = ROOT / "screenshots"
SIZE: ViewportSize = {"width": 1400, "height": 900}
SWEEP_SIZE: ViewportSize = {"width": 1100, "height": 1250}
WIDTHS = (1400, 900, 634, 420)
THEMES = {"dark": "JupyterLab Dark", "light": "JupyterLab Light"}
FROM_CODE = (
    ("Lighthouses", "A lighthouse at night, stars over a calm sea", 4, 21),
    ("Mountains", "Misty mountains at sunrise, soft violet haze", 4, 7),
)
FROM_PAGE = (
    ("A red fox in snow under a winter moon", 3),
    ("The same fox in a golden forest at sunset", 4),
)
SWEEP = (
    "grid = pg.sweep(\n"
    '    "a {animal} at {time}",\n'
    '    animal=["fox", "cat", "bird"], time=["dawn", "noon", "night"],\n'
    '    model="demo:slow", seconds=8, seed=7, width=512, height=512,\n'
    ")\n"
    "grid"
)
FACETS = (
    "pg.sweep(\n"
    '    "a {animal} at {time}",\n'
    '    animal=["fox", "cat"], time=["dawn", "night"], style=["natural", "duotone"],\n'
    '    model="demo:instant", seed=7, width=512, height=512,\n'
    ").result()"
)
# The pictures do not show the frame of JupyterLab around the notebook.
TIDY = """() => {
  const { commands, shell } = window.jupyterapp;
  shell.collapseLeft();
  shell.collapseRight();
  return commands.execute('application:set-mode', { mode: 'single-document' });
}"""


SCROLL_TO_TOP = """element => {
  let scroller = element.parentElement;
  while (scroller.scrollHeight <= scroller.clientHeight) scroller = scroller.parentElement;
  scroller.scrollTop = 0;
}"""
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readme", action="store_true", help="only docs/images/studio.png")
    parser.add_argument("--sweeps", action="store_true", help="only the grids of sweeps in a notebook")
    parser.add_argument("--page", action="store_true", help="only the page without a notebook")
    parser.add_argument("--width", type=int, choices=WIDTHS, action="append", help="only this width")
    parser.add_argument("--theme", choices=THEMES, action="append", help="only this theme")
    parser.add_argument("states", nargs="*", choices=[[], *STATES], help="only these states of the page")
    options = parser.parse_args()
    themes: list[str] = options.theme or list(THEMES)
    with sync_playwright() as playwright, chromium(playwright) as browser:
        if options.sweeps:
            for theme in themes:
                take_sweeps(browser, theme)
            return
        if not options.readme:
            take_page(browser, themes, options.width or WIDTHS, options.states or STATES)
        if not options.page and not options.states:
            for theme in themes:
                take_lab(browser, theme, readme_only=options.readme)
                if not options.readme:
                    take_sweeps(browser, theme)


def take_page(browser: Browser, themes: Sequence[str], widths: Sequence[int], states: Iterable[str]) -> None:
    """Take every state of the page without a notebook, at each width."""
    FOLDER.mkdir(exist_ok=True)
    with page_server() as address:
        for theme, width in itertools.product(themes, widths):
            # A narrow window stands for a phone, which has a touch screen.
            context = browser.new_context(viewport={"width": width, "height": 900}, has_touch=width < 600)
            page = context.new_page()
            for name in states:
                take_state(page, address, theme, name, FOLDER / f"{theme}-{name}-{width}.png")
            context.close()


def take_lab(browser: Browser, theme: str, *, readme_only: bool) -> None:
    """Take the README's picture and a few states in a dark JupyterLab."""
    settings = {"@jupyterlab/apputils-extension/themes": {"theme": THEMES[theme]}}
    with tempfile.TemporaryDirectory() as folder, LabServer(Path(folder), settings=settings) as server:
        if theme == "dark":
            take_readme_image(browser, server)
        if not readme_only:
            take_states(browser, server, Path(folder), theme)


def take_sweeps(browser: Browser, theme: str) -> None:
    """Take a sweep of three by three while it runs, saved and in an HTML export; and one with facets."""
    FOLDER.mkdir(exist_ok=True)
    settings = {"@jupyterlab/apputils-extension/themes": {"theme": THEMES[theme]}}
    with tempfile.TemporaryDirectory() as folder, LabServer(Path(folder), settings=settings) as server:
        context = browser.new_context(viewport=SWEEP_SIZE)
        make = f"from imgplay_widget import Studio\n\npg = Studio({str(Path(folder) / 'sweeps.sqlite')!r})"
        notebook = Notebook(context.new_page(), server, f"{theme}-sweeps", [make, SWEEP, FACETS])
        notebook.page.evaluate(TIDY)
        notebook.run(0)
        notebook.run(1)
        outputs = notebook.cell(1).locator(".jp-OutputArea-output")
        # Half of the images are there, and the others run or wait.
        expect(outputs.last.locator("tbody img:not([title])").nth(3)).to_be_visible(timeout=WAIT)
        take_grid(
            notebook.cell(1),
            f"{theme}-sweep-live",
            SWEEP_IMAGES / "sweep-live.png" if theme == "dark" else None,
        )
        expect(outputs.last).to_contain_text("9 images", timeout=WAIT)
        notebook.page.set_viewport_size({"width": 700, "height": 1250})
        take_grid(notebook.cell(1), f"{theme}-sweep-narrow", None)
        notebook.page.set_viewport_size(SWEEP_SIZE)
        take_grid(notebook.cell(1), f"{theme}-sweep-saved", None)
        notebook.run(2)
        expect(notebook.cell(2).locator("table")).to_have_count(2, timeout=WAIT)
        take_grid(
            notebook.cell(2),
            f"{theme}-sweep-facets",
            SWEEP_IMAGES / "sweep-facets.png" if theme == "light" else None,
        )
        notebook.save()
        command = [
            sys.executable,
            "-m",
            "nbconvert",
            "--to",
            "html",
            "--theme",
            theme,
            "--output-dir",
            folder,
        ]
        subprocess.run([*command, str(notebook.path)], check=True, capture_output=True)
        page = context.new_page()
        page.goto((Path(folder) / f"{theme}-sweeps.html").as_uri())
        page.screenshot(path=FOLDER / f"{theme}-sweep-export.png", full_page=True)
        context.close()


def take_grid(cell: Locator, name: str, kept: Path | None) -> None:
    """Take the cell of a sweep into the folder of pictures, and into the documentation."""
    cell.scroll_into_view_if_needed()
    path = FOLDER / f"{name}.png"
    cell.screenshot(path=path, animations="disabled")
    if kept is not None:
        with Image.open(path) as picture:
            # As the README's picture, it is compressed better than the browser does.
            picture.convert("RGB").save(kept, optimize=True)
        print(kept.relative_to(ROOT))


def take_readme_image(browser: Browser, server: LabServer) -> None:
    """Take the studio with a history, in the middle of a notebook."""
    notebook, view = open_studio(browser, server, None, "studio")
    fill(notebook, view)
    expect(view.part("connection")).to_have_count(0, timeout=WAIT)
    notebook.cell(0).evaluate("cell => cell.scrollIntoView({ block: 'start' })")
    README_IMAGE.parent.mkdir(parents=True, exist_ok=True)
    notebook.page.screenshot(path=README_IMAGE)
    with Image.open(README_IMAGE) as picture:
        # The repository keeps every version, so the picture is compressed better than the browser does.
        picture.convert("RGB").save(README_IMAGE, optimize=True)
    notebook.page.context.close()
    print(README_IMAGE.relative_to(ROOT))


def take_states(browser: Browser, server: LabServer, folder: Path, theme: str) -> None:
    """Take the empty, filled, running and failed studio and the large view, at each width."""
    FOLDER.mkdir(exist_ok=True)
    store = folder / f"{theme}-states.sqlite"
    notebook, view = open_studio(browser, server, store, f"{theme}-states")
    picture(notebook, f"{theme}-empty")
    fill(notebook, view)
    view.generate("A forest after rain", 2, model="demo:slow")
    expect(view.tiles("processing").first).to_be_visible(timeout=WAIT)
    picture(notebook, f"{theme}-running")
    view.generate("Anything at all", 2, model="demo:broken")
    expect(view.tiles("error")).to_have_count(2, timeout=WAIT)
    expect(view.tiles("processing")).to_have_count(0, timeout=WAIT)
    picture(notebook, f"{theme}-failed")
    view.part("tile-image").first.click()
    expect(notebook.page.get_by_test_id("lightbox-image")).to_be_visible()
    # The picture must show the original, not its placeholder.
    view.expect_decoded(notebook.page.get_by_test_id("lightbox-image"))
    notebook.page.screenshot(path=FOLDER / f"{theme}-lightbox.png")
    notebook.page.context.close()


def open_studio(browser: Browser, server: LabServer, store: Path | None, name: str) -> tuple[Notebook, View]:
    """Open a notebook with an empty studio, by default on the server's own store, and return its view too."""
    context = browser.new_context(viewport=SIZE)
    arguments = "" if store is None else f"store={str(store)!r}"
    show = f"from imgplay_widget import ImagePlayground\n\npg = ImagePlayground({arguments})\npg"
    generate = "\n".join(
        f"pg.generate({prompt!r}, n={n}, seed={seed}, topic={title!r}).result(60)"
        for title, prompt, n, seed in FROM_CODE
    )
    notebook = Notebook(context.new_page(), server, name, [show, generate])
    notebook.page.evaluate(TIDY)
    notebook.run(0)
    return notebook, notebook.view()


def fill(notebook: Notebook, view: View) -> None:
    """Make a history for the studio: two topics from code, and one from the page with two batches."""
    notebook.run(1)
    view.part("new-topic").click()
    shown = 0
    for prompt, count in FROM_PAGE:
        view.generate(prompt, count, model="demo:instant")
        shown += count
        view.expect_images(shown)
    view.batches().first.evaluate(SCROLL_TO_TOP)


def picture(notebook: Notebook, name: str) -> None:
    """Take the widget at each width."""
    for width in WIDTHS:
        notebook.page.set_viewport_size({"width": width, "height": 900})
        notebook.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        root = notebook.view().root
        root.scroll_into_view_if_needed()
        root.screenshot(path=FOLDER / f"{name}-{width}.png", animations="disabled")
    notebook.page.set_viewport_size(SIZE)


if __name__ == "__main__":
    main()

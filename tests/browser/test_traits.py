"""The config panel, the prompt and the selection in code, in a real JupyterLab: both ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from scripts.lab import WAIT

pytestmark = pytest.mark.browser


FIRST = """
import ipywidgets
import traitlets
from imgplay_widget import ImagePlayground

pg = ImagePlayground(store={!r}, model="demo:instant")
pg
"""

LINK = """
slider, told, seen = ipywidgets.IntSlider(1, 1, 4), ipywidgets.Label(), []
link = ipywidgets.link((pg, "n"), (slider, "value"))
traitlets.dlink((pg, "prompt"), (told, "value"))
pg.observe(lambda change: seen.append(change["new"]), "selected")
chosen = ipywidgets.IntText()
traitlets.dlink((pg, "selected"), (chosen, "value"), len)
ipywidgets.VBox([slider, told, chosen])
"""

SET = """
batch = pg.generate("two sunsets", n=2)
batch.result(60, progress=False)
pg.n, pg.prompt, pg.model = 3, "from a cell", "demo:slow"
pg.params = {"width": 768}
pg.selected = batch
"""

TELL = """
print(pg.model, pg.n, slider.value, pg.prompt, pg.params["width"], len(pg.selected), len(seen[-1]))
"""


def test_the_panel_and_the_selection_are_traits_in_both_directions(open_notebook, store: Path) -> None:
    notebook = open_notebook([FIRST.format(str(store)), LINK, SET, TELL])
    for cell in range(3):
        notebook.run(cell)
    view = notebook.view()
    selected = view.root.locator('[data-testid="tile"][data-selected="true"]')
    # From code to the page.
    expect(view.part("prompt")).to_have_value("from a cell")
    expect(view.part("count-3")).to_have_attribute("aria-pressed", "true")
    expect(view.part("model-select")).to_contain_text("slow", ignore_case=True)
    expect(view.part("width")).to_have_value("768")
    expect(selected).to_have_count(2)
    # From the page to code.
    view.part("prompt").fill("from the page")
    view.part("count-2").click()
    view.tiles().first.get_by_test_id("select").click()
    expect(selected).to_have_count(1)
    # Widgets that are linked to the traits show what the kernel has.
    linked = notebook.cell(1)
    expect(linked.get_by_text("from the page")).to_be_visible(timeout=WAIT)
    expect(linked.locator(".widget-readout")).to_have_text("2", timeout=WAIT)
    expect(linked.locator(".widget-text input")).to_have_value("1", timeout=WAIT)
    notebook.run(3)
    assert notebook.text(3).strip() == "demo:slow 2 2 from the page 768 1 1"

"""The frame in a real JupyterLab: the full window, the look that code sets, and a kernel that ends."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from scripts.lab import WAIT, Notebook

pytestmark = pytest.mark.browser

KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"

CHANGE_THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"


def test_the_full_window_covers_jupyterlab_and_keeps_keys_to_itself(notebook: Notebook) -> None:
    view = notebook.view()
    cells = notebook.cell_count()
    view.part("new-topic").focus()
    notebook.page.keyboard.press("f")
    size = notebook.page.viewport_size
    assert size is not None
    assert view.root.bounding_box() == {"x": 0, "y": 0, **size}
    # The notebook would insert a cell.
    notebook.page.keyboard.press("b")
    assert notebook.cell_count() == cells
    view.generate("a fox in the full window", 1, model="demo:instant")
    view.expect_images(1)
    view.part("full-window").focus()
    # JupyterLab has rules of its own for lists of terms.
    notebook.page.keyboard.press("?")
    words = notebook.page.get_by_test_id("shortcuts").get_by_text("Enter or exit full window")
    assert words.evaluate("e => e.offsetHeight < 1.8 * parseFloat(getComputedStyle(e).lineHeight)")
    notebook.page.keyboard.press("Escape")
    notebook.page.keyboard.press("Escape")
    expect(notebook.page.locator(":popover-open")).to_have_count(0)
    box = view.root.bounding_box()
    assert box is not None
    assert box["width"] < size["width"]
    expect(view.part("tile-image")).to_be_visible()


CONTAINERS = {
    "a row": "w.HBox([w.Label('Notes'), pg, w.Button(description='Go')])",
    "a column in a row": "w.HBox([w.VBox([pg, w.Label('Notes')]), w.Button(description='Go')])",
    "a box": "w.Box([w.Label('Notes'), pg])",
    "a centred column": "w.VBox([w.Label('Notes'), pg], layout=w.Layout(align_items='center'))",
}


def test_the_studio_takes_the_room_that_ipywidgets_leave(open_notebook, studio_cells: list[str]) -> None:
    cells = [f"import ipywidgets as w\n{code}" for code in CONTAINERS.values()]
    notebook = open_notebook([studio_cells[0], *cells, "pg.layout.width = '500px'; w.HBox([pg])"])
    for cell, (least, most) in enumerate([(800, 2000)] * 5 + [(500, 500)]):
        notebook.run(cell)
        root = notebook.cell(cell).get_by_test_id("imgplay")
        expect(root.get_by_test_id("prompt")).to_be_visible()
        box, others = root.bounding_box(), notebook.cell(cell).locator(".widget-label, .widget-button")
        assert box is not None
        assert least <= box["width"] <= most
        # The words of the others are whole.
        assert others.evaluate_all("all => all.every(each => each.scrollWidth <= each.clientWidth)")


def test_the_look_is_jupyterlabs_until_code_sets_it_and_a_dragged_edge_tells_it(
    open_notebook, studio_cells: list[str]
) -> None:
    tell = "told = w.Label()\ntraitlets.dlink((pg, 'height'), (told, 'value'), str)\ntold"
    notebook = open_notebook(
        [
            studio_cells[0],
            f"import ipywidgets as w, traitlets\npg.theme = 'dark'; pg.height = 500\n{tell}",
            "print(pg.theme, pg.height)",
        ]
    )
    notebook.run(0)
    view = notebook.view()
    for theme in ("Dark", "Light"):
        notebook.page.evaluate(CHANGE_THEME, f"JupyterLab {theme}")
        expect(view.root).to_have_attribute("data-theme", theme.lower())
    notebook.run(1)
    expect(view.root).to_have_attribute("data-theme", "dark")
    edge = view.part("resize-bottom")
    expect(edge).to_have_attribute("aria-valuenow", "500")
    edge.press("ArrowDown")
    expect(edge).to_have_attribute("aria-valuenow", "516")
    # JupyterLab sends what a widget says on a subshell, so a cell may run before the kernel has the height.
    expect(notebook.cell(1).locator(".widget-label")).to_have_text("516", timeout=WAIT)
    notebook.run(2)
    assert notebook.text(2) == "dark 516\n"


def test_a_restarted_kernel_makes_the_page_say_so_until_the_cell_is_run_again(
    open_notebook, studio_cells: list[str]
) -> None:
    notebook: Notebook = open_notebook([studio_cells[0]] * 2)
    notebook.run(0)
    notebook.run(1)
    view = notebook.view()
    view.generate("a fox that outlives its kernel", 1, model="demo:instant")
    view.expect_images(1)
    other = notebook.view(1)
    other.topics().first.click()
    view.part("prompt").fill("and its cub")
    # The store has the unsent prompt by the time that another page shows it.
    expect(other.part("prompt")).to_have_value("and its cub", timeout=WAIT)

    notebook.page.evaluate(f"() => {KERNEL}.restart()")
    banner = view.part("connection")
    expect(banner).to_have_attribute("data-connection", "gone", timeout=WAIT)
    expect(banner).to_contain_text("Run the cell again")
    expect(view.part("tile-image")).to_be_visible()
    expect(view.part("generate")).to_be_disabled()
    notebook.page.wait_for_function(f"() => {KERNEL}.status === 'idle'", timeout=WAIT)
    notebook.run(0)
    expect(view.part("connection")).to_have_count(0, timeout=WAIT)
    expect(view.part("tile-image")).to_be_visible(timeout=WAIT)
    expect(view.part("prompt")).to_have_value("and its cub")

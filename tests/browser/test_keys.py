"""Keys in a real JupyterLab: the studio's keys stay in the studio, and the notebook's keys still work."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from scripts.lab import WAIT, Notebook, View

pytestmark = pytest.mark.browser

# All that a key of the notebook could change: the cells, the selected ones, the mode, what was run.
STATE = """() => {
  const { content } = window.jupyterapp.shell.currentWidget;
  return {
    cells: content.widgets.map(({ model }) => [model.type, model.sharedModel.source, model.executionCount]),
    active: content.activeCellIndex,
    chosen: content.selectedCells.length,
    mode: content.mode,
  };
}"""
DIRTY = "() => window.jupyterapp.shell.currentWidget.context.model.dirty"
# The keys on which JupyterLab's notebook acts in its command mode.
COMMANDS = (
    *(
        "a",
        "b",
        "d",
        "d",
        "x",
        "c",
        "v",
        "m",
        "y",
        "r",
        "z",
        "Shift+z",
        "1",
        "0",
        "0",
        "i",
        "i",
        "j",
        "k",
        "h",
    ),
    *("Shift+m", "Shift+l", "Shift+v", "Shift+j", "ArrowUp", "ArrowDown", "Shift+ArrowDown", "Home", "End"),
    *("Control+a", "Control+z", "Control+Shift+z", "Control+Shift+Minus", "Control+Shift+m", "Control+Enter"),
    *("Alt+Enter", "Shift+Enter", "Space", "/"),
)


def state_of(notebook: Notebook) -> dict[str, Any]:
    """Return the state of the notebook that its keys could change."""
    return dict(notebook.page.evaluate(STATE))


def test_no_key_of_the_studio_reaches_the_notebook(notebook: Notebook, view: View) -> None:
    keyboard = notebook.page.keyboard
    view.generate("a lighthouse", 2, model="demo:instant")
    view.expect_images(2)
    view.part("new-topic").focus()
    before = state_of(notebook)

    def press(*keys: str) -> None:
        for key in keys:
            keyboard.press(key)
            assert state_of(notebook) == before, key

    # Each key, where our code does not handle it: on an element that is not a button, and on the handle of a
    # panel.
    view.root.focus()
    press(*COMMANDS, "Escape", "Enter")
    view.part("resize-bottom").focus()
    press(*COMMANDS, "Escape", "Enter")
    # The most harmful keys, on every element that has keys of its own.
    harmful = ("b", "a", "d", "d", "y", "z", "Control+z", "Control+a", "ArrowDown", "ArrowUp")
    view.part("topic").first.locator("[data-row]").focus()
    press(*harmful, "Shift+Enter", "Control+Enter", "Enter")
    view.part("batch-menu").first.focus()
    press("Enter", *harmful, "Escape")
    view.part("tile").first.locator("[data-select]").focus()
    press(*harmful, "Control+Enter", "Shift+Enter", "Escape", "Enter")
    expect(view.part("lightbox")).to_be_visible()
    press(*harmful, "Shift+Enter", "+", "0", "ArrowRight", "i", "Escape")
    expect(view.part("lightbox")).to_have_count(0)
    press("?", *harmful, "Shift+Enter", "Escape")
    view.part("model-select").focus()
    press("Enter", *harmful, "Escape")
    view.part("prompt").focus()
    press(*harmful, "Shift+Enter", "Control+Enter", "Escape")

    # The same keys act where the notebook has the focus. Otherwise this test would prove nothing.
    notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.node.focus()")
    keyboard.press("b")
    assert len(state_of(notebook)["cells"]) == len(before["cells"]) + 1


def test_the_notebooks_own_keys_work_in_the_studio_and_ours_not_beside_it(
    notebook: Notebook, view: View
) -> None:
    page, keyboard = notebook.page, notebook.page.keyboard
    palette = page.locator(".jp-ModalCommandPalette")
    for name in ("new-topic", "prompt"):
        page.evaluate("() => { window.jupyterapp.shell.currentWidget.context.model.dirty = true }")
        view.part(name).focus()
        keyboard.press("Control+s")
        page.wait_for_function(f"() => !({DIRTY})()", timeout=WAIT)
        keyboard.press("Control+Shift+c")
        expect(palette).to_be_visible()
        keyboard.press("Escape")
        expect(palette).to_be_hidden()

    page.evaluate("() => window.jupyterapp.shell.currentWidget.content.node.focus()")
    for key in ("?", "f", "p", "[", "]", "/"):
        keyboard.press(key)
    expect(view.part("shortcuts")).to_have_count(0)
    expect(page.locator(":popover-open")).to_have_count(0)
    expect(view.part("prompt")).not_to_be_focused()
    expect(view.part("config-panel")).to_be_visible()
    expect(view.part("topics-panel")).to_be_visible()

"""Topics as a user keeps them: own names, and a prompt that stays in its topic."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from scripts.lab import WAIT, Notebook, View

pytestmark = pytest.mark.browser

INSTANT = "demo:instant"


def test_a_topic_is_renamed_in_its_place_and_code_sees_it(open_notebook, studio_cells: list[str]) -> None:
    titles = "print([topic.title for topic in pg.topics])"
    notebook: Notebook = open_notebook([studio_cells[0], studio_cells[0], titles])
    notebook.run(0)
    notebook.run(1)
    view: View = notebook.view()
    view.generate("a red fox", 1, model=INSTANT)
    view.expect_images(1)
    cells = notebook.cell_count()

    view.topics().first.get_by_role("button").first.dblclick()
    view.part("topic-title").fill("Foxes, at last")
    view.part("topic-title").press("Enter")
    expect(view.topics().first).to_contain_text("Foxes, at last")
    # The kernel has the title by the time that another playground shows it.
    expect(notebook.view(1).topics().first).to_contain_text("Foxes, at last", timeout=WAIT)

    notebook.run(2)
    assert "Foxes, at last" in notebook.text(2)
    assert notebook.cell_count() == cells


def test_the_unsaved_prompt_belongs_to_its_topic(view: View) -> None:
    view.generate("a red fox", 1, model=INSTANT)
    view.expect_images(1)
    prompt = view.part("prompt")
    prompt.fill("a red fox, asleep")

    view.part("new-topic").click()
    expect(prompt).to_have_value("")
    prompt.fill("something else")
    view.topics().first.click()
    expect(prompt).to_have_value("a red fox, asleep")
    view.part("new-topic").click()
    expect(prompt).to_have_value("something else")


def test_a_batch_is_dragged_by_its_header_to_another_topic(view: View) -> None:
    view.generate("a red fox", 1, model=INSTANT)
    view.expect_images(1)
    view.part("new-topic").click()
    view.generate("a blue owl", 1)
    view.expect_images(1)

    view.batches().first.locator("header").drag_to(view.topics().filter(has_text="red fox"))
    expect(view.batches()).to_have_count(0)
    view.topics().filter(has_text="red fox").click()
    expect(view.batches()).to_have_count(2)
    expect(view.batches().first).to_contain_text("a blue owl")
    view.expect_images(2)

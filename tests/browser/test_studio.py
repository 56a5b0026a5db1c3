"""What a user does with the three panels, in JupyterLab, on the demo provider."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from scripts.lab import WAIT, Notebook, View

pytestmark = pytest.mark.browser

INSTANT = "demo:instant"


def test_the_demo_says_that_it_is_not_an_ai_model(view: View) -> None:
    view.choose_model(INSTANT)
    expect(view.part("no-key")).to_contain_text("not an AI model")


def test_deleting_a_generation_a_batch_and_a_topic(notebook: Notebook, view: View) -> None:
    view.generate("a desert at night", 3, model=INSTANT)
    view.expect_images(3)
    view.generate("a city at night", 1)
    view.expect_images(4)

    gone = view.tiles().nth(1)
    gone_id = gone.get_attribute("data-generation-id")
    gone.hover()
    gone.get_by_test_id("tile-menu").click()
    gone.get_by_test_id("delete-generation").click()
    expect(view.tiles()).to_have_count(3)
    expect(view.root.locator(f'[data-generation-id="{gone_id}"]')).to_have_count(0)

    newest = view.batches().first
    newest.hover()
    newest.get_by_test_id("batch-menu").click()
    newest.get_by_test_id("delete-batch").click()
    expect(view.batches()).to_have_count(1)
    expect(view.batches().first).to_contain_text("a desert at night")

    topic = view.topics().first
    topic.hover()
    topic.get_by_test_id("topic-menu").click()
    view.part("delete-topic").click()
    expect(view.topics()).to_have_count(0)
    expect(view.batches()).to_have_count(0)

    notebook.reload()
    expect(notebook.view().topics()).to_have_count(0)


def test_what_was_changed_a_moment_before_a_reload_is_kept(open_notebook, studio_cells: list[str]) -> None:
    notebook = open_notebook(studio_cells)
    notebook.run(0)
    view = notebook.view()
    expect(view.part("generate")).to_be_visible()
    notebook.save()
    view.part("count-3").click()
    view.part("prompt").fill("half a tho")
    notebook.reload(save=False)
    expect(notebook.view().part("prompt")).to_have_value("half a tho")
    expect(notebook.view().part("count-3")).to_have_attribute("aria-pressed", "true")


def test_a_second_view_stays_in_step(open_notebook, studio_cells: list[str]) -> None:
    notebook = open_notebook([studio_cells[0], "display(pg)"])
    notebook.run(0)
    notebook.run(1)
    first, second = notebook.view(0), notebook.view(1)

    first.generate("a forest in snow", 2, model=INSTANT)
    first.expect_images(2)
    second.expect_images(2)
    expect(second.batches().first).to_contain_text("a forest in snow")

    second.tiles().first.hover()
    second.tiles().first.get_by_test_id("tile-menu").click()
    second.tiles().first.get_by_test_id("delete-generation").click()
    expect(second.tiles()).to_have_count(1)
    expect(first.tiles()).to_have_count(1)

    first.part("new-topic").click()
    expect(second.batches()).to_have_count(0)


def test_code_appears_in_the_feed_and_a_click_is_visible_to_code(
    open_notebook, studio_cells: list[str]
) -> None:
    generate = 'batch = await pg.generate("a fox", n=2, seed=7, model="demo:instant", width=512, height=512)'
    seeds = "print([g.seed for g in batch])"
    topics = "print([topic.title for topic in pg.topics])"
    notebook = open_notebook([studio_cells[0], f"{generate}\n{seeds}", topics])
    notebook.run(0)
    view = notebook.view()

    notebook.run(1)
    assert notebook.text(1) == "[7, 8]\n"
    view.topics().filter(has_text="a fox").click()
    view.expect_images(2)

    view.part("new-topic").click()
    view.generate("a lighthouse", 1)
    view.expect_images(1)
    notebook.run(2)
    assert "a lighthouse" in notebook.text(2)
    assert "a fox" in notebook.text(2)


def test_enter_generates_and_shift_enter_makes_a_line(view: View) -> None:
    view.choose_model(INSTANT)
    view.part("count-1").click()
    prompt = view.part("prompt")
    prompt.fill("a quiet lake")
    prompt.press("Shift+Enter")
    prompt.press_sequentially("at dawn")
    expect(prompt).to_have_value("a quiet lake\nat dawn")
    expect(view.batches()).to_have_count(0)
    prompt.press("Enter")
    view.expect_images(1)


def test_the_lightbox_shows_the_original(notebook: Notebook, view: View) -> None:
    view.choose_model(INSTANT)
    view.part("width").fill("1536")
    view.part("width").press("Tab")
    view.generate("mountains in haze", 1)
    view.expect_images(1)

    view.part("tile-image").click()
    lightbox = notebook.page.get_by_test_id("lightbox")
    expect(lightbox).to_be_visible()
    image = lightbox.get_by_test_id("lightbox-image")
    # The thumbnail is 768 pixels wide at most: only the original has its own width.
    notebook.page.wait_for_function("image => image.naturalWidth === 1536", arg=image.element_handle())
    notebook.page.keyboard.press("Escape")
    expect(lightbox).to_be_hidden()


def test_a_failure_says_what_to_do_next(view: View) -> None:
    view.generate("anything", 1, model="demo:broken")
    failed = view.tiles("error")
    expect(failed).to_have_count(1, timeout=WAIT)
    expect(failed.first).to_contain_text("demo was asked to fail", ignore_case=True)
    expect(failed.first).to_contain_text("Rephrase the prompt")
    # The second try may succeed, and the user decides.
    expect(failed.first.get_by_test_id("retry")).to_be_visible()


def test_failures_that_may_pass_are_tried_again_in_their_places(
    open_notebook, studio_cells: list[str]
) -> None:
    attempts = "print(sorted(task.attempt for task in pg.batches()[0]._live.entry.tasks))"
    notebook = open_notebook([studio_cells[0], attempts])
    notebook.run(0)
    view = notebook.view()
    view.choose_model("demo:broken")
    view.part("config-panel").get_by_role("combobox", name="Failure").select_option(label="Overloaded")
    view.generate("anything", 2)
    failed = view.tiles("error")
    expect(failed).to_have_count(2, timeout=WAIT)

    def tried(expected: str) -> None:
        for _ in range(100):
            notebook.run(1)
            if notebook.text(1) == expected:
                break
        assert notebook.text(1) == expected
        expect(failed).to_have_count(2, timeout=WAIT)
        expect(view.tiles()).to_have_count(2)

    tried("[1]\n")
    failed.first.get_by_test_id("retry").click()
    tried("[1, 2]\n")
    view.batches().first.hover()
    view.batches().first.get_by_test_id("retry-batch").click()
    tried("[2, 3]\n")


def test_a_cancelled_generation_can_be_retried(view: View) -> None:
    view.generate("a slow picture", 1, model="demo:queue")
    view.part("cancel").first.click()
    expect(view.tiles("cancelled")).to_have_count(1, timeout=WAIT)
    view.tiles().first.get_by_test_id("retry").click()
    view.expect_images(1)


def test_a_click_of_several_is_cancelled_whole_also_after_a_reload(notebook: Notebook, view: View) -> None:
    view.choose_model("demo:queue")
    view.part("advanced").click()
    view.part("config-panel").get_by_role("slider", name="Seconds").fill("120")
    view.part("count-1").click()
    view.part("prompt").fill("a {red|blue|green} fox")
    view.part("generate").click()
    expect(view.part("cancel-batch").first).to_be_visible(timeout=WAIT)

    notebook.reload()
    again = notebook.view()
    again.part("cancel-batch").first.click()
    for index in range(3):
        cancelled = again.batches().nth(index).locator('[data-status="cancelled"]')
        cancelled.scroll_into_view_if_needed()
        expect(cancelled).to_have_count(1, timeout=WAIT)


def test_a_call_that_waits_for_a_rate_limit_says_so_and_is_cancelled(
    open_notebook, studio_cells: list[str]
) -> None:
    limited = "FakeProvider([RateLimited('Too many requests.', provider='fake', retry_after=90.0)])"
    notebook = open_notebook(
        [
            "from imgplay_widget.errors import RateLimited\n"
            "from imgplay_widget.testing import FakeProvider\n"
            + studio_cells[0].replace(")\npg", f", providers=[{limited}], model='fake:image')\npg")
        ]
    )
    notebook.run(0)
    view = notebook.view()
    view.generate("a fox at a full counter", 1)
    tile = view.tiles().first
    expect(tile).to_contain_text(re.compile(r"Rate limited, next try in (9\d|[78]\d) s"))
    tile.get_by_test_id("cancel").click()
    expect(tile).to_contain_text("Cancelled")
    expect(tile).to_contain_text("Retry")


def test_text_is_never_run_as_markup(open_notebook, studio_cells: list[str]) -> None:
    evil = "<img src=x onerror='window.__run = 1'></script><script>window.__run = 1</script>\u202egnp.exe"
    generate = f"pg.generate({evil!r}, model={INSTANT!r}, topic=pg.new_topic({evil!r})).result(60)"
    notebook = open_notebook([studio_cells[0], generate])
    notebook.run(0)
    view = notebook.view()
    notebook.run(1)
    view.topics().first.get_by_role("button").first.click()
    view.expect_images(1)
    expect(view.batches().first).to_contain_text("<img src=x onerror=")
    expect(view.topics().first).to_contain_text("<img src=x onerror=")
    view.tiles("success").first.get_by_role("button").first.click()
    expect(view.part("lightbox")).to_be_visible()
    expect(view.part("lightbox")).to_contain_text("</script>")
    expect(view.root.locator("script, img[src=x]")).to_have_count(0)
    assert view.page.evaluate("window.__run") is None

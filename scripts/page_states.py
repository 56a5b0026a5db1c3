"""The states of the page, for pictures and for axe-core, each reached as a user would reach it.

The page runs without a notebook (``js/dev``), with a scripted kernel. So one browser shows all states in the
time that one JupyterLab takes to start.
"""

from __future__ import annotations

import functools
import http.server
import io
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

ROOT = Path(__file__).resolve().parent.parent
WAIT = 20_000

Steps = Callable[[Page], None]

DRAWN = """async () => {
  const frame = () => new Promise(done => requestAnimationFrame(done));
  await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
  await frame();
  await frame();
  // What was put off until then, such as the focus that is moved on, is done too: timers keep their order.
  await new Promise(done => setTimeout(done));
}"""


def stay(_: Page) -> None:
    """Do nothing, because the page opens in this state."""


def part(page: Page, name: str) -> Locator:
    """Return the elements with a test id."""
    return page.get_by_test_id(name)


def settle(page: Page) -> None:
    """Wait until all is drawn, because the feed draws only plain shapes while it scrolls fast."""
    expect(page.locator(".ip-passing-head")).to_have_count(0, timeout=WAIT)
    page.evaluate(DRAWN)


def unfold(page: Page, side: str) -> None:
    """Open the left or the right panel, if it is a drawer."""
    toggle = part(page, f"toggle-{side}")
    if toggle.get_attribute("aria-expanded") == "false":
        toggle.click()


def tile(page: Page, name: str) -> Locator:
    """Scroll to the tile of a generation, and return the tile."""
    found = page.locator(f'[data-generation-id="{name}"]')
    feed = part(page, "feed")
    for _ in range(30):
        if found.count():
            break
        feed.evaluate("feed => { feed.scrollTop += feed.clientHeight * 0.7 }")
        # The page must notice first that it was scrolled.
        page.evaluate(DRAWN)
        settle(page)
    found.evaluate("tile => tile.closest('article').scrollIntoView({ block: 'start' })")
    page.evaluate(DRAWN)
    settle(page)
    return found


def standing(connection: str) -> Steps:
    """Return the steps that wait until the page has noticed the state of the kernel."""

    def wait(page: Page) -> None:
        expect(page.locator(f'[data-connection="{connection}"]')).to_be_visible(timeout=WAIT)

    return wait


def show_first_screen(page: Page) -> None:
    """Wait until the little pictures are painted."""
    expect(page.locator(".ip-fan > span").first).to_be_visible(timeout=WAIT)


def show_errors(page: Page) -> None:
    """Show a refusal and a cancelled image."""
    tile(page, "b4-2")


def show_older(page: Page) -> None:
    """Show batches of other days."""
    tile(page, "b2-0")


def refuse_older(page: Page) -> None:
    """Scroll down until the kernel refuses an older page of the feed."""
    part(page, "feed").evaluate("feed => { feed.scrollTop = feed.scrollHeight }")
    part(page, "feed-retry").scroll_into_view_if_needed(timeout=WAIT)


def hover_tile(page: Page) -> None:
    """Show the buttons of a tile."""
    tile(page, "b4-0").hover()


def edit(page: Page) -> None:
    """Edit an image, in place of the prompt and the reference that were there."""
    part(page, "prompt").fill("A greenhouse full of ferns")
    found = tile(page, "b4-0")
    found.hover()
    found.get_by_test_id("edit-image").click()
    expect(page.locator("[data-testid=reference][data-status=ready] img")).to_be_visible(timeout=WAIT)
    expect(part(page, "notice-action")).to_be_visible(timeout=WAIT)


def edit_with_another(page: Page) -> None:
    """Edit an image while the chosen model takes none, so that another model is offered."""
    found = tile(page, "b4-0")
    found.hover()
    found.get_by_test_id("edit-image").click()
    expect(part(page, "notice-action")).to_be_visible(timeout=WAIT)


def open_tile_menu(page: Page) -> None:
    """Open the menu of a tile."""
    found = tile(page, "b4-0")
    found.hover()
    found.get_by_test_id("tile-menu").click()


def open_follow_ups(page: Page) -> None:
    """Open what can be done with a finished image, in the menu of its tile."""
    open_tile_menu(page)
    page.get_by_test_id("follow-up").click()
    page.get_by_test_id("follow-upscale").first.hover()


def open_batch_menu(page: Page) -> None:
    """Open the menu of a batch."""
    part(page, "batch").nth(1).get_by_test_id("batch-menu").click()


def select(page: Page) -> None:
    """Select four tiles."""
    tile(page, "b4-0").hover()
    tile(page, "b4-0").get_by_test_id("select").click()
    tile(page, "b4-3").locator("[data-select]").click(modifiers=["Shift"])
    page.mouse.move(2, 2)
    expect(part(page, "selection")).to_contain_text("4", timeout=WAIT)


def delete_tile(page: Page) -> None:
    """Delete an image, and show Undo."""
    open_tile_menu(page)
    part(page, "menu").get_by_test_id("delete-generation").click()
    expect(part(page, "notice-action")).to_be_visible(timeout=WAIT)


def show_empty_topic(page: Page) -> None:
    """Show an empty topic."""
    unfold(page, "right")
    part(page, "topic").nth(2).locator("[data-row]").click()
    expect(part(page, "empty-topic")).to_be_visible(timeout=WAIT)


def find_nothing(page: Page) -> None:
    """Search for words that no prompt has."""
    part(page, "filter-button").click()
    part(page, "filter-search").fill("a blue whale")
    part(page, "filter-starred").click()
    expect(part(page, "nothing-found")).to_be_visible(timeout=WAIT)


def open_gallery(page: Page) -> None:
    """Show the gallery in the place of the feed."""
    part(page, "gallery-button").click()
    expect(page.locator("[data-view=gallery] [data-testid=tile-image]").first).to_be_visible(timeout=WAIT)
    page.mouse.move(2, 2)


def sort_gallery(page: Page) -> None:
    """Show the images of all topics, the ones with the best score first."""
    open_gallery(page)
    part(page, "gallery-everywhere").click()
    part(page, "gallery-sort").select_option("-clip")
    expect(part(page, "day")).to_have_count(0, timeout=WAIT)


def select_in_gallery(page: Page) -> None:
    """Select four images of the gallery, and point at one of them."""
    open_gallery(page)
    tiles = page.locator("[data-view=gallery] [data-testid=tile]")
    tiles.nth(1).hover()
    tiles.nth(1).get_by_test_id("select").click()
    tiles.nth(4).locator("[data-select]").click(modifiers=["Shift"])
    expect(part(page, "selection")).to_contain_text("4", timeout=WAIT)


def find_nothing_in_gallery(page: Page) -> None:
    """Search the gallery for words that no prompt has."""
    open_gallery(page)
    find_nothing(page)


def show_empty_gallery(page: Page) -> None:
    """Show the gallery of an empty topic."""
    open_gallery(page)
    unfold(page, "right")
    part(page, "topic").nth(2).locator("[data-row]").click()
    expect(part(page, "empty-gallery")).to_be_visible(timeout=WAIT)


def refuse_gallery(page: Page) -> None:
    """Show the gallery of a kernel that refuses it."""
    part(page, "gallery-button").click()
    expect(part(page, "feed-retry")).to_be_visible(timeout=WAIT)


def find(page: Page) -> None:
    """Search for a word."""
    part(page, "filter-button").click()
    part(page, "filter-search").fill("mountains")
    expect(part(page, "batch")).to_have_count(1, timeout=WAIT)


def find_scores(page: Page) -> None:
    """Look for images with a tag and a score."""
    part(page, "filter-button").click()
    part(page, "filter-tag").select_option("poster")
    part(page, "filter-score").select_option("clip")
    expect(part(page, "filter-at-least")).to_be_visible(timeout=WAIT)


def open_models(page: Page) -> None:
    """Open the list of models."""
    unfold(page, "left")
    part(page, "model-select").click()
    expect(part(page, "model-picker")).to_be_visible(timeout=WAIT)


def open_presets(page: Page) -> None:
    """Open the list of presets."""
    unfold(page, "left")
    part(page, "presets").click()
    expect(part(page, "preset-list")).to_be_visible(timeout=WAIT)


def list_presets(page: Page) -> None:
    """Open the list of presets, and rename one of them."""
    open_presets(page)
    part(page, "rename-preset").nth(1).click()
    expect(part(page, "preset-new-name")).to_be_focused(timeout=WAIT)
    page.keyboard.press("Escape")
    expect(part(page, "preset-new-name")).to_have_count(0, timeout=WAIT)


def apply_preset(page: Page) -> None:
    """Apply a preset with words before and after the prompt, and write a prompt."""
    open_presets(page)
    page.locator('[data-name="Poster"]').get_by_test_id("preset").click()
    expect(part(page, "preset-list")).to_have_count(0, timeout=WAIT)
    part(page, "prompt").fill("a fox on a hill")
    expect(part(page, "words-suffix")).to_be_visible(timeout=WAIT)


def model_entry(page: Page, name: str) -> Locator:
    """Search the open list for a model, and return its line: without a key, models are folded away."""
    part(page, "model-search").fill(name)
    return page.locator(f'[data-testid="model-option"][data-model="{name}"]')


def unfold_models(page: Page) -> None:
    """Show the models of two providers without a key, and go to the line of one of them by key."""
    open_models(page)
    for name in ("openai", "fal"):
        page.locator(f'[data-testid="model-fold"][data-provider="{name}"]').click()


def narrow_models(page: Page) -> None:
    """Narrow the list to models that take images and have a price."""
    open_models(page)
    for trait in ("images", "price"):
        part(page, f"trait-{trait}").click()


def narrow_to_nothing(page: Page) -> None:
    """Narrow the list and search for words that none of the models left has."""
    narrow_models(page)
    part(page, "model-search").fill("watercolour")
    expect(part(page, "traits-clear")).to_be_visible(timeout=WAIT)


def name_model(page: Page) -> None:
    """Open the form for a model that no list has."""
    open_models(page)
    part(page, "other-model").click()
    expect(part(page, "model-search")).to_have_count(0, timeout=WAIT)


def ask_for_key(page: Page) -> None:
    """Choose a model whose provider's key is missing."""
    open_models(page)
    model_entry(page, "openai:gpt-image-1").click()
    expect(part(page, "key-input")).to_be_visible(timeout=WAIT)


def ask_several(page: Page) -> None:
    """Ask three models beside the chosen one, one of which cannot be asked yet."""
    open_models(page)
    for name in ("demo:instant", "demo:every", "openai:gpt-image-1"):
        model_entry(page, name).click(modifiers=["ControlOrMeta"])
    part(page, "model-search").fill("")
    expect(part(page, "also-model")).to_have_count(3, timeout=WAIT)


def show_several(page: Page) -> None:
    """Show the models that are asked beside the chosen one."""
    ask_several(page)
    page.keyboard.press("Escape")
    expect(part(page, "model-picker")).to_have_count(0, timeout=WAIT)


def write_pattern(page: Page) -> None:
    """Write a pattern of four prompts, and show them."""
    part(page, "prompt").fill("A {red|blue} fox asleep in fresh {snow|leaves}, soft morning light")
    part(page, "requests").click()
    expect(part(page, "request-list")).to_be_visible(timeout=WAIT)


def refuse_one(page: Page) -> None:
    """Ask three models, the second of which is refused."""
    open_models(page)
    for name in ("demo:every", "demo:instant"):
        page.locator(f'[data-testid="model-option"][data-model="{name}"]').click(modifiers=["ControlOrMeta"])
    page.keyboard.press("Escape")
    if page.viewport_size and page.viewport_size["width"] < 600:
        # The drawer covers the feed.
        page.keyboard.press("[")
    part(page, "prompt").fill("A red fox asleep in fresh snow")
    part(page, "generate").click()
    expect(part(page, "refusal")).to_be_visible(timeout=WAIT)


def refuse_for_price(page: Page) -> None:
    """Ask for images of unknown price while there is a budget."""
    part(page, "prompt").fill("A red fox asleep in fresh snow")
    part(page, "generate").click()
    expect(part(page, "generate-anyway")).to_be_visible(timeout=WAIT)


def open_server(page: Page) -> None:
    """Open the form for a server of the user."""
    open_models(page)
    part(page, "add-server").click()


def choose_server(page: Page) -> None:
    """Choose a known server, with a blank in its address."""
    open_server(page)
    part(page, "server-preset").select_option("azure")
    expect(part(page, "server-blank")).to_be_visible(timeout=WAIT)


def choose_own_server(page: Page) -> None:
    """Choose a known server on the user's own machines."""
    open_server(page)
    part(page, "server-preset").select_option("vllm")


def show_config(page: Page) -> None:
    """Show the left panel."""
    unfold(page, "left")


def show_topics(page: Page) -> None:
    """Show the right panel."""
    unfold(page, "right")


def open_topic_menu(page: Page) -> None:
    """Open the menu of a topic."""
    unfold(page, "right")
    second = part(page, "topic").nth(1)
    second.hover()
    second.get_by_test_id("topic-menu").click()


def show_older_topics(page: Page) -> None:
    """Scroll the list of topics until it loads older ones."""
    show_topics(page)
    page.locator(".ip-topics").evaluate("list => { list.scrollTop = list.scrollHeight }")
    expect(part(page, "topics-rest")).to_be_in_viewport(timeout=WAIT)


def choose_topic(page: Page) -> None:
    """Open the choice of a topic for a batch."""
    open_batch_menu(page)
    part(page, "move-batch").click()
    expect(part(page, "move-dialog")).to_be_visible(timeout=WAIT)


def rename_topic(page: Page) -> None:
    """Rename a topic."""
    open_topic_menu(page)
    part(page, "rename-topic").click()


def choose_cover(page: Page) -> None:
    """Open the choice of a cover."""
    unfold(page, "right")
    first = part(page, "topic").first
    first.hover()
    first.get_by_test_id("topic-menu").click()
    part(page, "cover-topic").click()
    expect(part(page, "cover-choice").first).to_be_visible(timeout=WAIT)


def open_queue(page: Page) -> None:
    """Open the list of what runs and waits."""
    part(page, "queue").click()
    expect(part(page, "queue-row").first).to_be_visible(timeout=WAIT)


def choose_notify(page: Page) -> None:
    """Ask for notifications, which the browser allows."""
    page.context.grant_permissions(["notifications"])
    open_queue(page)
    # The browser keeps the answer, so it may be there from an earlier state.
    part(page, "notify").set_checked(True)
    expect(part(page, "notify")).to_be_checked(timeout=WAIT)


def add_references(page: Page) -> None:
    """Use two images of the feed as references."""
    for name in ("b6-0", "b4-1"):
        found = tile(page, name)
        found.hover()
        found.get_by_test_id("tile-menu").click()
        part(page, "menu").get_by_text("reference", exact=False).first.click()
    part(page, "feed").evaluate("feed => { feed.scrollTop = 0 }")
    page.mouse.move(2, 2)


def leave_reference(page: Page) -> None:
    """Add an image that is much higher than wide, and choose a model that does not take it."""
    file = io.BytesIO()
    picture = Image.linear_gradient("L").resize((400, 900))
    picture.paste(255, (0, 400, 400, 500))
    picture.save(file, "PNG")
    tall: FilePayload = {"name": "tall.png", "mimeType": "image/png", "buffer": file.getvalue()}
    part(page, "reference-file").set_input_files([tall])
    expect(page.locator("[data-testid=reference][data-status=ready] img")).to_be_visible(timeout=WAIT)
    open_models(page)
    page.locator('[data-testid="model-option"][data-model="demo:instant"]').click()
    expect(part(page, "reference-unsent")).to_be_visible(timeout=WAIT)
    if page.viewport_size and page.viewport_size["width"] < 600:
        # The drawer covers the feed.
        page.keyboard.press("[")


def fail_references(page: Page) -> None:
    """Add a file that is not an image, and begin to write a link that is not valid."""
    words: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"words"}
    part(page, "reference-file").set_input_files([words])
    expect(page.locator(".ip-notice")).to_be_visible(timeout=WAIT)
    part(page, "reference-link").click()
    part(page, "reference-url").fill("a picture of a cat")
    part(page, "reference-url").press("Enter")


def preview_reference(page: Page) -> None:
    """Show a reference large."""
    add_references(page)
    part(page, "reference").first.get_by_role("button").first.click()
    expect(part(page, "reference-preview").locator("img")).to_be_visible(timeout=WAIT)


def paint_mask(page: Page) -> None:
    """Paint over the first reference."""
    add_references(page)
    # The button is too small for a finger. The preview has the same button.
    part(page, "mask-paint").evaluate("button => button.click()")
    box = part(page, "mask-area").bounding_box()
    assert box is not None
    for step, share in enumerate((0.3, 0.4, 0.5, 0.6, 0.65)):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * (0.3 + 0.06 * step))
        page.mouse.down()
    page.mouse.up()


def open_lightbox(page: Page) -> None:
    """Show one image large."""
    tile(page, "b5-0").get_by_test_id("tile-image").click()
    expect(part(page, "lightbox-image")).to_be_visible(timeout=WAIT)


def show_versions(page: Page) -> None:
    """Show an image large that has versions."""
    open_lightbox(page)
    expect(part(page, "version-words")).to_be_visible(timeout=WAIT)
    expect(part(page, "versions").locator("img")).to_have_count(5, timeout=WAIT)


def compare_versions(page: Page) -> None:
    """Compare an image with the version before."""
    show_versions(page)
    part(page, "compare-before").click()


def delete_large(page: Page) -> None:
    """Delete an image in the large view, and show Undo there."""
    open_lightbox(page)
    page.keyboard.press("Delete")
    expect(part(page, "notice-action")).to_be_visible(timeout=WAIT)


def show_recipe(page: Page) -> None:
    """Show how an image was made."""
    tile(page, "b4-0").get_by_test_id("tile-image").click()
    part(page, "lightbox-info").click()
    expect(part(page, "recipe")).to_be_visible(timeout=WAIT)


def compare(page: Page) -> None:
    """Show two images side by side."""
    open_lightbox(page)
    part(page, "lightbox-compare").click()
    page.keyboard.press("ArrowRight")


def compare_by_slider(page: Page) -> None:
    """Show two images with a line between them."""
    compare(page)
    part(page, "compare-slider").click()


def show_shortcuts(page: Page) -> None:
    """Show the keyboard shortcuts."""
    part(page, "feed").press("?")


def fill_window(page: Page) -> None:
    """Let the studio fill the window."""
    part(page, "full-window").click()
    expect(page.locator(".imgplay:popover-open")).to_be_visible(timeout=WAIT)


def lose_network(page: Page) -> None:
    """Disconnect the network."""
    page.context.set_offline(True)
    standing("offline")(page)


def write_prompt(page: Page) -> None:
    """Write a prompt and a negative prompt."""
    part(page, "prompt").fill(
        "A greenhouse full of ferns after rain, soft light through glass, a brass watering can on the bench"
    )
    part(page, "add-negative").click()


def write_only_prompt(page: Page) -> None:
    """Write a prompt for a model that takes no negative prompt, and show why."""
    part(page, "prompt").fill("A red fox asleep in fresh snow")
    part(page, "add-negative").hover()
    expect(part(page, "tip")).to_be_visible(timeout=WAIT)


def show_tip(page: Page) -> None:
    """Go by key to a button without words, whose words appear beside it."""
    unfold(page, "left")
    part(page, "seed").press("Tab")
    expect(part(page, "tip")).to_be_visible(timeout=WAIT)


def open_improve(page: Page) -> None:
    """Open the menu for improving the prompt."""
    write_prompt(page)
    part(page, "improve").click()
    expect(part(page, "expand-prompt")).to_be_visible(timeout=WAIT)


def improve_prompt(page: Page) -> None:
    """Improve the prompt, and show Undo."""
    open_improve(page)
    part(page, "expand-prompt").click()
    expect(part(page, "notice-action")).to_be_visible(timeout=WAIT)


def close_panels(page: Page) -> None:
    """Hide both panels, so that only the workspace is left."""
    for side in ("left", "right"):
        toggle = part(page, f"toggle-{side}")
        if toggle.get_attribute("aria-expanded") == "true":
            toggle.click()


def write_long_prompt(page: Page) -> None:
    """Write a prompt that is too long for the composer and for the model."""
    part(page, "prompt").fill("A market street in the rain, lanterns and steam over wet stones. " * 18)


def open_long_prompt(page: Page) -> None:
    """Show all of a very long prompt of a batch."""
    batch = tile(page, "aa7-0").locator("xpath=ancestor::article")
    batch.locator("button[aria-expanded]").first.click()
    batch.evaluate("batch => batch.scrollIntoView({ block: 'start' })")


def show_wide(page: Page) -> None:
    """Show one and two images that are much wider than high."""
    expect(tile(page, "aa6-0").get_by_test_id("tile-image")).to_be_visible(timeout=WAIT)


def show_tall(page: Page) -> None:
    """Show two and three images that are much higher than wide."""
    expect(tile(page, "aa4-0").get_by_test_id("tile-image")).to_be_visible(timeout=WAIT)


def show_many(page: Page) -> None:
    """Show batches of five and of eight."""
    expect(tile(page, "aa2-0").get_by_test_id("tile-image")).to_be_visible(timeout=WAIT)


def show_refusals(page: Page) -> None:
    """Show failed tiles that are much wider than high."""
    tile(page, "aa0-0")


def wait_for_large(page: Page) -> None:
    """Open an image while its part does not come, so that the page shows the small picture in large."""
    tile(page, "b4-0").get_by_role("button").first.click()
    expect(part(page, "part-loading")).to_be_visible(timeout=WAIT)


def wait_for_models(page: Page) -> None:
    """Open the list of models while its part does not come."""
    unfold(page, "left")
    part(page, "model-select").click()
    expect(part(page, "part-loading")).to_be_visible(timeout=WAIT)


def need_kernel_for_large(page: Page) -> None:
    """Open an image of a saved notebook without a kernel."""
    standing("none")(page)
    tile(page, "b4-0").get_by_role("button").first.click()
    expect(part(page, "part-needs-kernel")).to_be_visible(timeout=WAIT)


def need_kernel_for_filter(page: Page) -> None:
    """Open the filter of a saved notebook without a kernel."""
    standing("none")(page)
    part(page, "filter-button").click()
    expect(part(page, "part-needs-kernel")).to_be_visible(timeout=WAIT)


def show_sweep(page: Page) -> None:
    """Wait until the first images of the grid of a sweep are drawn."""
    grid = part(page, "sweep").get_by_test_id("tile-image")
    expect(grid.first).to_be_visible(timeout=WAIT)
    expect(part(page, "sweep").locator(".ip-tile-open .ip-skeleton")).to_have_count(0, timeout=WAIT)


def swap_axes(page: Page) -> None:
    """Let the rows of a sweep be columns."""
    show_sweep(page)
    part(page, "swap-axes").click()
    show_sweep(page)


def open_sweep_menu(page: Page) -> None:
    """Open the menu of a sweep."""
    show_sweep(page)
    part(page, "sweep-menu").click()
    expect(part(page, "menu")).to_be_visible(timeout=WAIT)


def select_sweep(page: Page) -> None:
    """Select all images of a sweep."""
    open_sweep_menu(page)
    part(page, "select-sweep").click()
    expect(part(page, "selection")).to_be_visible(timeout=WAIT)


def enlarge_sweep(page: Page) -> None:
    """Show a sweep over all of the studio."""
    show_sweep(page)
    part(page, "enlarge-sweep").click()
    large = part(page, "sweep-large")
    expect(large.get_by_test_id("tile-image").first).to_be_visible(timeout=WAIT)
    expect(large.locator(".ip-tile-open .ip-skeleton")).to_have_count(0, timeout=WAIT)


def scroll_sweep(page: Page) -> None:
    """Scroll a large sweep in both directions, so that its labels lie over its images."""
    enlarge_sweep(page)
    part(page, "sweep-large").get_by_role("slider").fill("160")
    scroll = part(page, "sweep-large").get_by_test_id("sweep-scroll")
    scroll.evaluate("grid => grid.scrollTo(500, 420)")
    page.evaluate(DRAWN)
    enlarged = part(page, "sweep-large").locator(".ip-tile-open .ip-skeleton")
    expect(enlarged).to_have_count(0, timeout=WAIT)


def choose_side(page: Page) -> None:
    """Choose where the values of an axis stand."""
    enlarge_sweep(page)
    part(page, "axis-style").click()
    expect(part(page, "menu")).to_be_visible(timeout=WAIT)


def select_in_sweep(page: Page) -> None:
    """Select images in the large grid."""
    enlarge_sweep(page)
    part(page, "sweep-large").get_by_test_id("tile").first.hover()
    part(page, "sweep-large").get_by_test_id("select").first.click()
    expect(part(page, "sweep-large").get_by_test_id("selection")).to_be_visible(timeout=WAIT)


STATES: dict[str, tuple[str, Steps]] = {
    "first-run": ("topic=none&topics=0", show_first_screen),
    "first-run-keyed": ("topic=none&topics=0&catalog&keyed", show_first_screen),
    "new-topic": ("topic=none", show_first_screen),
    "empty-topic": ("", show_empty_topic),
    "feed": ("", stay),
    "prompt": ("", write_prompt),
    "no-negative": ("model=edit", write_only_prompt),
    "tip": ("", show_tip),
    "budget": ("spent=4.9", write_prompt),
    "improve": ("writer", open_improve),
    "improved": ("writer", improve_prompt),
    "errors": ("", show_errors),
    "broken": ("broken", stay),
    "older": ("", show_older),
    "older-refused": ("long=30&refuse=feed", refuse_older),
    "hover": ("", hover_tile),
    "tile-menu": ("", open_tile_menu),
    "follow-ups": ("follow", open_follow_ups),
    "edit": ("model=edit&made=edit", edit),
    "edit-elsewhere": ("", edit_with_another),
    "batch-menu": ("", open_batch_menu),
    "move": ("", choose_topic),
    "selection": ("", select),
    "deleted": ("", delete_tile),
    "filter": ("", find),
    "scores": ("scores", find_scores),
    "nothing-found": ("", find_nothing),
    "gallery": ("shapes", open_gallery),
    "gallery-by-score": ("scores", sort_gallery),
    "gallery-selection": ("", select_in_gallery),
    "gallery-empty": ("", show_empty_gallery),
    "gallery-nothing-found": ("", find_nothing_in_gallery),
    "gallery-refused": ("refuse=gallery", refuse_gallery),
    "sweep": ("sweep=grid", show_sweep),
    "sweep-done": ("sweep=done", show_sweep),
    "sweep-swapped": ("sweep=shapes", swap_axes),
    "sweep-facets": ("sweep=facets", show_sweep),
    "sweep-rows": ("sweep=rows", show_sweep),
    "sweep-big": ("sweep=big", show_sweep),
    "sweep-running": ("sweep=running", show_sweep),
    "sweep-menu": ("sweep=grid", open_sweep_menu),
    "sweep-selection": ("sweep=done", select_sweep),
    "sweep-large": ("sweep=grid", enlarge_sweep),
    "sweep-large-facets": ("sweep=facets", enlarge_sweep),
    "sweep-large-rows": ("sweep=rows", enlarge_sweep),
    "sweep-large-big": ("sweep=big", enlarge_sweep),
    "sweep-large-scrolled": ("sweep=big", scroll_sweep),
    "sweep-large-axis": ("sweep=facets", choose_side),
    "sweep-large-selection": ("sweep=done", select_in_sweep),
    "sweep-refused": ("sweep=grid&refuse=read_sweep", stay),
    "config": ("model=every", show_config),
    "presets": ("presets", list_presets),
    "no-presets": ("", open_presets),
    "preset-applied": ("presets", apply_preset),
    "models": ("", open_models),
    "models-catalog": ("catalog", open_models),
    "models-unfolded": ("catalog", unfold_models),
    "models-narrowed": ("catalog", narrow_models),
    "models-none": ("catalog", narrow_to_nothing),
    "other-model": ("", name_model),
    "key": ("", ask_for_key),
    "several-models": ("", ask_several),
    "several": ("", show_several),
    "pattern": ("", write_pattern),
    "refused": ("refuse=demo:every", refuse_one),
    "unpriced": ("unpriced", refuse_for_price),
    "hidden": ("hidden", show_errors),
    "server": ("", open_server),
    "server-preset": ("", choose_server),
    "server-own": ("", choose_own_server),
    "references": ("model=edit", add_references),
    "references-failed": ("model=edit", fail_references),
    "reference-unsent": ("model=edit", leave_reference),
    "reference-preview": ("model=edit", preview_reference),
    "mask": ("model=edit", paint_mask),
    "queue": ("", open_queue),
    "notify": ("", choose_notify),
    "topics": ("many=40", show_topics),
    "topics-older": ("many=300&slow=600000", show_older_topics),
    "topic-menu": ("", open_topic_menu),
    "topic-rename": ("", rename_topic),
    "covers": ("", choose_cover),
    "lightbox": ("", open_lightbox),
    "versions": ("chain=long", show_versions),
    "versions-compare": ("chain", compare_versions),
    "deleted-large": ("", delete_large),
    "recipe": ("", show_recipe),
    "compare": ("", compare),
    "compare-slider": ("", compare_by_slider),
    "shortcuts": ("", show_shortcuts),
    "full-window": ("", fill_window),
    "waiting": ("saved&silent&kernel=idle", standing("waiting")),
    "busy": ("saved&silent&kernel=busy", standing("busy")),
    "gone": ("saved&silent&kernel=dead", standing("gone")),
    "offline": ("saved&silent", lose_network),
    "read-only": ("saved&silent&kernel=none", standing("none")),
    "no-kernel": ("silent&kernel=none", standing("none")),
    "loading": ("silent", stay),
    "part-loading": ("parts=none", wait_for_large),
    "models-loading": ("parts=none", wait_for_models),
    "part-needs-kernel": ("saved&silent&kernel=none", need_kernel_for_large),
    "filter-needs-kernel": ("saved&silent&kernel=none", need_kernel_for_filter),
    "chinese": ("lang=zh", stay),
}
STATES |= {
    "panels-closed": ("", close_panels),
    "long-prompt": ("", write_long_prompt),
    "long-batch": ("shapes", open_long_prompt),
    "wide": ("shapes", show_wide),
    "tall": ("shapes", show_tall),
    "many": ("shapes", show_many),
    "refusals": ("shapes", show_refusals),
}
# Chinese texts have other lengths, so they are shown where the room is smallest.
STATES |= {
    f"chinese-{name}": (f"lang=zh&{STATES[name][0]}", STATES[name][1])
    for name in (
        "first-run",
        "prompt",
        "improve",
        "errors",
        "tile-menu",
        "follow-ups",
        "edit",
        "edit-elsewhere",
        "nothing-found",
        "older-refused",
        "config",
        "models",
        "models-unfolded",
        "several",
        "pattern",
        "refused",
        "unpriced",
        "hidden",
        "server",
        "server-preset",
        "presets",
        "preset-applied",
        "queue",
        "notify",
        "topics",
        "recipe",
        "compare",
        "shortcuts",
    )
}


@contextmanager
def page_server() -> Iterator[str]:
    """Return a context with the address of the page, which is built without a notebook and served."""
    subprocess.run(["node", "build.mjs", "--dev"], cwd=ROOT / "js", check=True)
    handler = functools.partial(QuietHandler, directory=str(ROOT / "js"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/dev/index.html"
        server.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """A server of files that does not log."""

    def log_message(self, format: str, *args: object) -> None:
        """Do not log."""


def reach_state(page: Page, address: str, name: str, *, options: str = "theme=dark") -> None:
    """Bring the page to a state, and wait until all is drawn.

    Args:
        page: a page of the wanted size.
        address: the address from `page_server`.
        name: one of `STATES`.
        options: more for the page's address: the theme, and ``plain`` for images that are drawn fast.
    """
    query, steps = STATES[name]
    page.context.set_offline(False)
    page.goto(f"{address}?{options}&{query}")
    if "topic=none" in query:
        expect(part(page, "new-topic-screen")).to_be_visible(timeout=WAIT)
    elif "silent" not in query:
        expect(part(page, "tile-image").first).to_be_visible(timeout=WAIT)
        # A sweep leaves no room for the batches before it.
        if "sweep" not in query:
            expect(page.locator('[data-generation-id="b6-1"] .ip-preview')).to_have_count(1, timeout=WAIT)
    steps(page)
    settle(page)


def take_state(page: Page, address: str, theme: str, name: str, path: Path) -> None:
    """Take a picture of a state.

    Args:
        page: a page of the wanted size.
        address: the address from `page_server`.
        theme: ``dark`` or ``light``.
        name: one of `STATES`.
        path: the file of the picture.
    """
    reach_state(page, address, name, options=f"theme={theme}")
    page.screenshot(path=path, animations="disabled")

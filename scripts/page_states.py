"""The states of the page, for pictures and for axe-core, each reached as a user would reach it.

They are shown by the page without a notebook (``js/dev``), against its scripted kernel: one browser shows
all of them in the time that one JupyterLab takes to start.
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
    """The state is the one that the page opens in."""


def part(page: Page, name: str) -> Locator:
    """Gives what has this test id."""
    return page.get_by_test_id(name)


def settle(page: Page) -> None:
    """Waits until all is drawn: of what rushes by, the feed draws only the shapes."""
    expect(page.locator(".ip-passing-head")).to_have_count(0, timeout=WAIT)
    page.evaluate(DRAWN)


def unfold(page: Page, side: str) -> None:
    """Opens the left or right panel where it is a drawer."""
    toggle = part(page, f"toggle-{side}")
    if toggle.get_attribute("aria-expanded") == "false":
        toggle.click()


def tile(page: Page, name: str) -> Locator:
    """Gives the tile of this generation, scrolled to."""
    found = page.locator(f'[data-generation-id="{name}"]')
    feed = part(page, "feed")
    for _ in range(30):
        if found.count():
            break
        feed.evaluate("feed => { feed.scrollTop += feed.clientHeight * 0.7 }")
        # Not before the page has noticed that it was scrolled.
        page.evaluate(DRAWN)
        settle(page)
    found.evaluate("tile => tile.closest('article').scrollIntoView({ block: 'start' })")
    page.evaluate(DRAWN)
    settle(page)
    return found


def standing(connection: str) -> Steps:
    """Gives the steps that wait until the page has noticed how it stands to the kernel."""

    def wait(page: Page) -> None:
        expect(page.locator(f'[data-connection="{connection}"]')).to_be_visible(timeout=WAIT)

    return wait


def show_errors(page: Page) -> None:
    """Shows a refusal and a cancelled image."""
    tile(page, "b4-2")


def show_older(page: Page) -> None:
    """Shows what was made on other days."""
    tile(page, "b2-0")


def refuse_older(page: Page) -> None:
    """Goes down to where an older page is refused."""
    part(page, "feed").evaluate("feed => { feed.scrollTop = feed.scrollHeight }")
    part(page, "feed-retry").scroll_into_view_if_needed(timeout=WAIT)


def hover_tile(page: Page) -> None:
    """Shows the buttons of a tile."""
    tile(page, "b4-0").hover()


def open_tile_menu(page: Page) -> None:
    """Opens the menu of a tile."""
    found = tile(page, "b4-0")
    found.hover()
    found.get_by_test_id("tile-menu").click()


def open_batch_menu(page: Page) -> None:
    """Opens the menu of a batch."""
    part(page, "batch").nth(1).get_by_test_id("batch-menu").click()


def select(page: Page) -> None:
    """Selects four tiles."""
    tile(page, "b4-0").hover()
    tile(page, "b4-0").get_by_test_id("select").click()
    tile(page, "b4-3").locator("[data-select]").click(modifiers=["Shift"])
    page.mouse.move(2, 2)
    expect(part(page, "selection")).to_contain_text("4", timeout=WAIT)


def delete_tile(page: Page) -> None:
    """Deletes an image, which can be taken back."""
    open_tile_menu(page)
    part(page, "menu").get_by_test_id("delete-generation").click()
    expect(part(page, "notice-action")).to_be_visible(timeout=WAIT)


def show_empty_topic(page: Page) -> None:
    """Shows a topic with nothing in it."""
    unfold(page, "right")
    part(page, "topic").nth(2).locator("[data-row]").click()
    expect(part(page, "empty-topic")).to_be_visible(timeout=WAIT)


def find_nothing(page: Page) -> None:
    """Looks for words that no prompt has."""
    part(page, "filter-button").click()
    part(page, "filter-search").fill("a blue whale")
    part(page, "filter-favourites").click()
    expect(part(page, "nothing-found")).to_be_visible(timeout=WAIT)


def find(page: Page) -> None:
    """Looks for a word."""
    part(page, "filter-button").click()
    part(page, "filter-search").fill("mountains")
    expect(part(page, "batch")).to_have_count(1, timeout=WAIT)


def open_models(page: Page) -> None:
    """Opens the list of models."""
    unfold(page, "left")
    part(page, "model-select").click()
    expect(part(page, "model-picker")).to_be_visible(timeout=WAIT)


def name_model(page: Page) -> None:
    """Opens the form for a model that no list has."""
    open_models(page)
    part(page, "other-model").click()
    expect(part(page, "model-search")).to_have_count(0, timeout=WAIT)


def ask_for_key(page: Page) -> None:
    """Chooses a model whose provider's key is missing."""
    open_models(page)
    page.locator('[data-testid="model-option"][data-model="openai:gpt-image-1"]').click()
    expect(part(page, "key-input")).to_be_visible(timeout=WAIT)


def ask_several(page: Page) -> None:
    """Asks three models beside the chosen one, of which one cannot be asked yet."""
    open_models(page)
    for name in ("demo:instant", "demo:every", "openai:gpt-image-1"):
        page.locator(f'[data-testid="model-option"][data-model="{name}"]').click(modifiers=["ControlOrMeta"])
    expect(part(page, "also-model")).to_have_count(3, timeout=WAIT)


def show_several(page: Page) -> None:
    """Shows the models that are asked beside the chosen one."""
    ask_several(page)
    page.keyboard.press("Escape")
    expect(part(page, "model-picker")).to_have_count(0, timeout=WAIT)


def write_pattern(page: Page) -> None:
    """Writes four prompts in one, and shows them."""
    part(page, "prompt").fill("A {red|blue} fox asleep in fresh {snow|leaves}, soft morning light")
    part(page, "requests").click()
    expect(part(page, "request-list")).to_be_visible(timeout=WAIT)


def refuse_one(page: Page) -> None:
    """Asks three models, of which the second is refused."""
    open_models(page)
    for name in ("demo:every", "demo:instant"):
        page.locator(f'[data-testid="model-option"][data-model="{name}"]').click(modifiers=["ControlOrMeta"])
    page.keyboard.press("Escape")
    if page.viewport_size and page.viewport_size["width"] < 600:
        # The drawer lies over the prompt.
        page.keyboard.press("[")
    part(page, "prompt").fill("A red fox asleep in fresh snow")
    part(page, "generate").click()
    expect(part(page, "refusal")).to_be_visible(timeout=WAIT)


def open_server(page: Page) -> None:
    """Opens the form of a server of one's own."""
    open_models(page)
    part(page, "add-server").click()


def show_config(page: Page) -> None:
    """Shows the left panel."""
    unfold(page, "left")


def show_topics(page: Page) -> None:
    """Shows the right panel."""
    unfold(page, "right")


def open_topic_menu(page: Page) -> None:
    """Opens the menu of a topic."""
    unfold(page, "right")
    second = part(page, "topic").nth(1)
    second.hover()
    second.get_by_test_id("topic-menu").click()


def show_older_topics(page: Page) -> None:
    """Scrolls the list of topics to where older ones are being loaded."""
    show_topics(page)
    page.locator(".ip-topics").evaluate("list => { list.scrollTop = list.scrollHeight }")
    expect(part(page, "topics-rest")).to_be_in_viewport(timeout=WAIT)


def choose_topic(page: Page) -> None:
    """Asks where a batch shall go."""
    open_batch_menu(page)
    part(page, "move-batch").click()
    expect(part(page, "move-dialog")).to_be_visible(timeout=WAIT)


def rename_topic(page: Page) -> None:
    """Renames a topic."""
    open_topic_menu(page)
    part(page, "rename-topic").click()


def choose_cover(page: Page) -> None:
    """Chooses the picture of a topic."""
    unfold(page, "right")
    first = part(page, "topic").first
    first.hover()
    first.get_by_test_id("topic-menu").click()
    part(page, "cover-topic").click()
    expect(part(page, "cover-choice").first).to_be_visible(timeout=WAIT)


def open_queue(page: Page) -> None:
    """Opens the list of what runs."""
    part(page, "queue").click()
    expect(part(page, "queue-row").first).to_be_visible(timeout=WAIT)


def add_references(page: Page) -> None:
    """Takes two images of the feed as references."""
    for name in ("b6-0", "b4-1"):
        found = tile(page, name)
        found.hover()
        found.get_by_test_id("tile-menu").click()
        part(page, "menu").get_by_text("reference", exact=False).first.click()
    part(page, "feed").evaluate("feed => { feed.scrollTop = 0 }")
    page.mouse.move(2, 2)


def leave_reference(page: Page) -> None:
    """Adds a picture that is much higher than wide, and chooses a model that does not take it."""
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
        # The drawer lies over the prompt.
        page.keyboard.press("[")


def fail_references(page: Page) -> None:
    """Adds a file that is no image, and begins to write a link that is none."""
    words: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"words"}
    part(page, "reference-file").set_input_files([words])
    expect(page.locator(".ip-notice")).to_be_visible(timeout=WAIT)
    part(page, "reference-link").click()
    part(page, "reference-url").fill("a picture of a cat")
    part(page, "reference-url").press("Enter")


def preview_reference(page: Page) -> None:
    """Shows a reference large."""
    add_references(page)
    part(page, "reference").first.get_by_role("button").first.click()
    expect(part(page, "reference-preview").locator("img")).to_be_visible(timeout=WAIT)


def paint_mask(page: Page) -> None:
    """Paints over the first reference."""
    add_references(page)
    # Under a finger it is too small to be a button; the preview has the same one.
    part(page, "mask-paint").evaluate("button => button.click()")
    box = part(page, "mask-area").bounding_box()
    assert box is not None
    for step, share in enumerate((0.3, 0.4, 0.5, 0.6, 0.65)):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * (0.3 + 0.06 * step))
        page.mouse.down()
    page.mouse.up()


def open_lightbox(page: Page) -> None:
    """Shows one image large."""
    tile(page, "b5-0").get_by_test_id("tile-image").click()
    expect(part(page, "lightbox-image")).to_be_visible(timeout=WAIT)


def delete_large(page: Page) -> None:
    """Deletes an image in the large view, which can be taken back there."""
    open_lightbox(page)
    page.keyboard.press("Delete")
    expect(part(page, "notice-action")).to_be_visible(timeout=WAIT)


def show_recipe(page: Page) -> None:
    """Shows how an image was made."""
    tile(page, "b4-0").get_by_test_id("tile-image").click()
    part(page, "lightbox-info").click()
    expect(part(page, "recipe")).to_be_visible(timeout=WAIT)


def compare(page: Page) -> None:
    """Shows two images side by side."""
    open_lightbox(page)
    part(page, "lightbox-compare").click()
    page.keyboard.press("ArrowRight")


def compare_by_slider(page: Page) -> None:
    """Shows two images with a line between."""
    compare(page)
    part(page, "compare-slider").click()


def show_shortcuts(page: Page) -> None:
    """Shows the list of keys."""
    part(page, "feed").press("?")


def fill_window(page: Page) -> None:
    """Lets the studio fill the window."""
    part(page, "full-window").click()
    expect(page.locator(".imgplay:popover-open")).to_be_visible(timeout=WAIT)


def lose_network(page: Page) -> None:
    """Takes the network away."""
    page.context.set_offline(True)
    standing("offline")(page)


def write_prompt(page: Page) -> None:
    """Writes a prompt and what to leave out."""
    part(page, "prompt").fill(
        "A greenhouse full of ferns after rain, soft light through glass, a brass watering can on the bench"
    )
    add = part(page, "add-negative")
    if add.count():
        add.click()


def open_improve(page: Page) -> None:
    """Opens the menu of what a text model can do with the prompt."""
    write_prompt(page)
    part(page, "improve").click()
    expect(part(page, "expand-prompt")).to_be_visible(timeout=WAIT)


def improve_prompt(page: Page) -> None:
    """Has the prompt improved, which can be taken back."""
    open_improve(page)
    part(page, "expand-prompt").click()
    expect(part(page, "notice-action")).to_be_visible(timeout=WAIT)


def close_panels(page: Page) -> None:
    """Leaves the workspace alone."""
    for side in ("left", "right"):
        toggle = part(page, f"toggle-{side}")
        if toggle.get_attribute("aria-expanded") == "true":
            toggle.click()


def write_long_prompt(page: Page) -> None:
    """Writes more than the composer has room for, and more than the model takes."""
    part(page, "prompt").fill("A market street in the rain, lanterns and steam over wet stones. " * 18)


def open_long_prompt(page: Page) -> None:
    """Shows the whole of a very long prompt of a batch."""
    batch = tile(page, "aa7-0").locator("xpath=ancestor::article")
    batch.locator("button[aria-expanded]").first.click()
    batch.evaluate("batch => batch.scrollIntoView({ block: 'start' })")


def show_wide(page: Page) -> None:
    """Shows one and two images that are much wider than high."""
    expect(tile(page, "aa6-0").get_by_test_id("tile-image")).to_be_visible(timeout=WAIT)


def show_tall(page: Page) -> None:
    """Shows two and three images that are much higher than wide."""
    expect(tile(page, "aa4-0").get_by_test_id("tile-image")).to_be_visible(timeout=WAIT)


def show_many(page: Page) -> None:
    """Shows batches of five and of eight."""
    expect(tile(page, "aa2-0").get_by_test_id("tile-image")).to_be_visible(timeout=WAIT)


def show_refusals(page: Page) -> None:
    """Shows refusals whose images would have been much wider than high."""
    tile(page, "aa0-0")


STATES: dict[str, tuple[str, Steps]] = {
    "first-run": ("topic=none&topics=0", stay),
    "new-topic": ("topic=none", stay),
    "empty-topic": ("", show_empty_topic),
    "feed": ("", stay),
    "prompt": ("", write_prompt),
    "budget": ("spent=4.9", write_prompt),
    "improve": ("writer", open_improve),
    "improved": ("writer", improve_prompt),
    "errors": ("", show_errors),
    "broken": ("broken", stay),
    "older": ("", show_older),
    "older-refused": ("long=30&refuse=feed", refuse_older),
    "hover": ("", hover_tile),
    "tile-menu": ("", open_tile_menu),
    "batch-menu": ("", open_batch_menu),
    "move": ("", choose_topic),
    "selection": ("", select),
    "deleted": ("", delete_tile),
    "filter": ("", find),
    "nothing-found": ("", find_nothing),
    "config": ("model=every", show_config),
    "models": ("", open_models),
    "other-model": ("", name_model),
    "key": ("", ask_for_key),
    "several-models": ("", ask_several),
    "several": ("", show_several),
    "pattern": ("", write_pattern),
    "refused": ("refuse=demo:every", refuse_one),
    "server": ("", open_server),
    "references": ("model=edit", add_references),
    "references-failed": ("model=edit", fail_references),
    "reference-unsent": ("model=edit", leave_reference),
    "reference-preview": ("model=edit", preview_reference),
    "mask": ("model=edit", paint_mask),
    "queue": ("", open_queue),
    "topics": ("many=40", show_topics),
    "topics-older": ("many=300&slow=600000", show_older_topics),
    "topic-menu": ("", open_topic_menu),
    "topic-rename": ("", rename_topic),
    "covers": ("", choose_cover),
    "lightbox": ("", open_lightbox),
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
# Words of another length, where there is least room for them.
STATES |= {
    f"chinese-{name}": (f"lang=zh&{STATES[name][0]}", STATES[name][1])
    for name in (
        "first-run",
        "prompt",
        "improve",
        "errors",
        "tile-menu",
        "nothing-found",
        "older-refused",
        "config",
        "models",
        "several",
        "pattern",
        "refused",
        "server",
        "queue",
        "topics",
        "recipe",
        "compare",
        "shortcuts",
    )
}


@contextmanager
def page_server() -> Iterator[str]:
    """Builds the page without a notebook and serves it; gives its address."""
    subprocess.run(["node", "build.mjs", "--dev"], cwd=ROOT / "js", check=True)
    handler = functools.partial(QuietHandler, directory=str(ROOT / "js"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/dev/index.html"
        server.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing of it."""

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def reach_state(page: Page, address: str, name: str, *, options: str = "theme=dark") -> None:
    """Brings the page to a state, until all of it is drawn.

    Args:
        page: a page of the wanted size.
        address: what `page_server` gave.
        name: one of `STATES`.
        options: more for the page's address: the theme, ``plain`` for pictures that are quickly made.
    """
    query, steps = STATES[name]
    page.context.set_offline(False)
    page.goto(f"{address}?{options}&{query}")
    if "topic=none" in query:
        expect(part(page, "new-topic-screen")).to_be_visible(timeout=WAIT)
    elif "silent" not in query:
        expect(part(page, "tile-image").first).to_be_visible(timeout=WAIT)
        expect(page.locator('[data-generation-id="b6-1"] .ip-preview')).to_have_count(1, timeout=WAIT)
    steps(page)
    settle(page)


def take_state(page: Page, address: str, theme: str, name: str, path: Path) -> None:
    """Takes a picture of a state.

    Args:
        page: a page of the wanted size.
        address: what `page_server` gave.
        theme: ``dark`` or ``light``.
        name: one of `STATES`.
        path: where the picture goes.
    """
    reach_state(page, address, name, options=f"theme={theme}")
    page.screenshot(path=path, animations="disabled")

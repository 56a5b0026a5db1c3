"""Keys can do everything, and the focus is always visible. The page alone, on a scripted kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from scripts.lab import WAIT
from scripts.page_states import DRAWN, reach_state

pytestmark = pytest.mark.browser

# Returns the element with the focus, and whether the focus is visible: the element has an outline, or the
# element or its container looks different without the focus.
FOCUSED = """() => {
  const at = document.activeElement;
  const what = [at.tagName, at.dataset.testid, at.getAttribute('aria-label') ?? at.textContent.slice(0, 40)];
  if (!at.closest('.imgplay')) return { inside: false, what: what.join(' ') };
  if (getComputedStyle(at).outlineStyle !== 'none') return { inside: true, seen: true, what: what.join(' ') };
  const around = [document.querySelector('.ip-frame')];
  for (let each = at; each && around.length < 5; each = each.parentElement) around.push(each);
  const look = () => around.flatMap(each => ['', '::after'].map(part => {
    const style = getComputedStyle(each, part || null);
    const { outlineStyle, outlineColor, boxShadow, borderColor, backgroundColor, opacity } = style;
    return [outlineStyle === 'none' || outlineColor, boxShadow, borderColor, backgroundColor, opacity].join();
  })).join();
  // In a list that one types to, the entry is marked.
  const marked = document.getElementById(at.getAttribute('aria-activedescendant') ?? '') !== null;
  const events = ['focusin', 'focusout', 'focus', 'blur'];
  const silence = event => event.stopImmediatePropagation();
  for (const type of events) addEventListener(type, silence, true);
  const before = look();
  at.blur();
  const without = look();
  at.focus({ preventScroll: true, focusVisible: true });
  for (const type of events) removeEventListener(type, silence, true);
  return { inside: true, seen: marked || before !== without, what: what.join(' ') };
}"""


class Hand:
    """A user without a mouse. After each key the focus is in the studio, and visible."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.way: list[str] = []

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
            self.look(key)

    def look(self, after: str) -> None:
        """Check the focus when all is drawn."""
        self.page.evaluate(DRAWN)
        found = self.page.evaluate(FOCUSED)
        self.way.append(f"{after}: {found['what']}")
        assert found["inside"], f"the focus is lost after {self.way[-4:]}"
        assert found["seen"], f"the focus is not seen after {self.way[-4:]}"

    def tab_to(self, target: Locator, *, back: bool = False) -> None:
        """Press Tab until an element has the focus."""
        for _ in range(120):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"Tab does not reach {target}: {self.way[-30:]}")


@pytest.fixture
def page(browser: Browser, page_address: str) -> Iterator[Page]:
    """Return a user on the page, which is wide and full of images."""
    context = browser.new_context(
        viewport={"width": 1400, "height": 900}, reduced_motion="reduce", accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(WAIT)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    reach_state(page, page_address, "feed", options="theme=dark&plain")
    yield page
    context.close()
    assert not errors, "\n".join(errors)


def test_an_image_is_asked_for_with_keys_alone(page: Page) -> None:
    part, hand = page.get_by_test_id, Hand(page)
    hand.press("Tab")
    hand.tab_to(part("model-select"))
    hand.press("Enter")
    page.keyboard.type("instant")
    hand.press("Enter")
    expect(part("model-select")).to_contain_text("instant")
    expect(part("model-select")).to_be_focused()
    hand.tab_to(part("count-2"))
    hand.press("Space")
    hand.tab_to(part("config-panel").get_by_role("button", name="16:9"))
    hand.press("Space")
    expect(part("width")).to_have_value("1344")
    hand.tab_to(part("width"))
    page.keyboard.press("Control+a")
    page.keyboard.type("1024")
    hand.press("Enter")
    expect(part("width")).to_have_value("1024")
    hand.tab_to(part("seed"))
    page.keyboard.type("7")
    hand.press("Enter")
    hand.tab_to(part("prompt"))
    page.keyboard.type("a fox by keyboard")
    hand.press("Enter")
    expect(part("batch").first).to_contain_text("a fox by keyboard")
    expect(part("prompt")).to_be_focused()
    # The button works too. It is disabled while the request is on its way.
    page.keyboard.type(", again")
    hand.tab_to(part("generate"))
    hand.press("Enter")
    expect(part("batch").first).to_contain_text("a fox by keyboard, again")
    hand.look("generated")
    expect(part("generate")).to_be_focused()
    expect(part("announcements")).to_contain_text("finished.")


def test_a_request_of_unknown_price_is_sent_when_the_user_agrees(page: Page, page_address: str) -> None:
    reach_state(page, page_address, "unpriced", options="theme=dark&plain")
    part, hand = page.get_by_test_id, Hand(page)
    expect(part("refusal")).to_contain_text("The price of demo:studio is not known")
    hand.tab_to(part("generate-anyway"))
    hand.press("Enter")
    expect(part("refusal")).to_have_count(0)
    expect(part("batch").first).to_contain_text("A red fox asleep in fresh snow")


def test_a_retry_of_unknown_price_is_sent_when_the_user_agrees(page: Page, page_address: str) -> None:
    reach_state(page, page_address, "errors", options="theme=dark&plain&unpriced")
    failed = page.locator('[data-generation-id="b4-2"]')
    failed.get_by_test_id("retry").click()
    expect(page.locator(".ip-notice")).to_contain_text("The price of demo:studio is not known")
    page.get_by_test_id("notice-action").click()
    expect(page.locator(".ip-notice")).to_have_count(0)


def test_a_refusal_leaves_the_focus_on_the_button(page: Page, page_address: str) -> None:
    reach_state(page, page_address, "feed", options="theme=dark&plain&refuse=demo:studio")
    part, hand = page.get_by_test_id, Hand(page)
    part("prompt").fill("a fox")
    part("prompt").focus()
    hand.tab_to(part("generate"))
    hand.press("Enter")
    expect(part("refusal")).to_be_visible()
    hand.look("refused")
    expect(part("generate")).to_be_focused()
    hand.tab_to(part("refusal").get_by_role("button"))
    hand.press("Enter")
    expect(part("refusal")).to_have_count(0)
    hand.look("dismissed")
    expect(part("generate")).to_be_focused()


def test_all_that_runs_is_cancelled_with_keys_alone(page: Page) -> None:
    part, hand = page.get_by_test_id, Hand(page)
    hand.press("Tab", "p")
    hand.tab_to(part("queue"))
    hand.press("Enter")
    hand.tab_to(part("queue-cancel-all"))
    hand.press("Enter")
    expect(part("queue-list")).to_contain_text("Nothing is running.")
    hand.look("cancelled")
    expect(part("queue-list")).to_be_focused()
    hand.press("Escape")
    expect(part("queue-list")).to_have_count(0)
    expect(part("prompt")).to_be_focused()


def test_references_are_kept_with_keys_alone(page: Page, page_address: str) -> None:
    reach_state(page, page_address, "references", options="theme=dark&plain")
    part, hand = page.get_by_test_id, Hand(page)
    opens = part("reference").locator(".ip-reference-open")
    expect(part("reference").and_(page.locator("[data-status=ready]"))).to_have_count(2)
    hand.press("Tab", "p")
    hand.tab_to(part("reference-link"), back=True)
    hand.press("Enter")
    expect(part("reference-url")).to_be_focused()
    hand.press("Escape")
    expect(part("reference-link")).to_be_focused()
    hand.press("Enter")
    page.keyboard.type("https://example.org/cat.png")
    hand.press("Enter")
    expect(opens).to_have_count(3)
    expect(part("reference-link")).to_be_focused()

    # A mask: cancelled, painted and saved, and cleared.
    hand.tab_to(part("mask-paint"), back=True)
    hand.press("Enter")
    expect(part("mask-area").locator("img")).to_be_visible()
    hand.press("Escape")
    expect(part("mask-painter")).to_have_count(0)
    expect(part("mask-paint")).to_be_focused()
    for clear in (False, True):
        hand.press("Enter")
        expect(part("mask-area").locator("img")).to_be_visible()
        expect(part("mask-area")).to_be_focused()
        if clear:
            hand.tab_to(part("mask-clear"))
            hand.press("Enter")
        else:
            hand.press("Space", "ArrowRight", "Space")
        hand.tab_to(part("mask-save"))
        hand.press("Enter")
        expect(part("mask-painter")).to_have_count(0)
        expect(part("mask-paint")).to_be_focused()
        masked = page.locator(".ip-reference-mask[data-set=true]")
        expect(masked).to_have_count(0 if clear else 1)

    hand.tab_to(opens.first, back=True)
    hand.press("Enter")
    expect(part("reference-preview")).to_be_visible()
    hand.tab_to(part("reference-after"))
    hand.press("Enter", "Shift+ArrowRight")
    expect(part("reference-after")).to_have_attribute("aria-disabled", "true")
    hand.press("Escape")
    expect(opens.nth(2)).to_be_focused()
    hand.press("ArrowLeft", "ArrowLeft", "Tab", "Enter")
    expect(opens).to_have_count(2)
    expect(opens.first).to_be_focused()
    hand.press("Delete")
    expect(opens).to_have_count(1)
    expect(opens.first).to_be_focused()
    hand.press("Delete")
    expect(part("reference-add")).to_be_focused()


def test_several_models_and_prompts_are_asked_with_keys_alone(page: Page) -> None:
    part, hand = page.get_by_test_id, Hand(page)
    hand.press("Tab")
    hand.tab_to(part("model-select"))
    hand.press("Enter")
    page.keyboard.type("instant")
    hand.press("Control+Enter")
    hand.press("Escape")
    expect(part("model-select")).to_be_focused()
    expect(part("also-model")).to_contain_text("instant")
    hand.tab_to(part("count-1"))
    hand.press("Space")
    hand.tab_to(part("prompt"))
    page.keyboard.type("a {red|blue} fox")
    hand.tab_to(part("requests"))
    hand.press("Enter")
    expect(part("request-list").get_by_role("listitem")).to_have_text(["a red fox", "a blue fox"])
    hand.press("Escape")
    expect(part("requests")).to_be_focused()
    hand.tab_to(part("generate"))
    hand.press("Enter")
    for index, (colour, model) in enumerate((("blue", "instant"), ("blue", "studio"), ("red", "instant"))):
        expect(part("batch").nth(index)).to_contain_text(f"a {colour} fox")
        expect(part("batch").nth(index)).to_contain_text(f"Demo {model}")
    hand.tab_to(part("remove-also"), back=True)
    hand.press("Enter")
    expect(part("model-select")).to_be_focused()


def test_images_are_looked_at_and_ordered_with_keys_alone(page: Page) -> None:
    part, hand = page.get_by_test_id, Hand(page)
    image = page.locator('[data-generation-id="b5-0"] [data-select]')
    hand.press("Tab")
    hand.tab_to(image)
    hand.press("Enter")
    expect(part("lightbox-image")).to_be_visible()
    hand.press("+", "1", "0", "i", "c", "ArrowRight")
    expect(page.locator(".ip-lightbox-caption")).to_have_count(2)
    hand.tab_to(part("compare-slider"))
    hand.press("Enter")
    hand.tab_to(part("compare-line"))
    hand.press("ArrowLeft")
    page.keyboard.press("Escape")
    expect(page.locator(".ip-lightbox-line")).to_have_count(0)
    hand.look("comparison left")
    hand.press("Escape")
    expect(part("lightbox")).to_have_count(0)
    second = page.locator('[data-generation-id="b5-1"] [data-select]')
    expect(second).to_be_focused()
    # An image that was deleted in the large view cannot get the focus back.
    hand.press("Enter", "Delete", "Escape")
    expect(part("lightbox")).to_have_count(0)
    hand.look("closed")
    hand.press("Control+z")
    expect(second).to_be_visible()

    # The menus of an image and of its batch.
    hand.tab_to(image, back=True)
    menu = page.locator('[data-generation-id="b5-0"]').get_by_test_id("tile-menu")
    hand.tab_to(menu)
    hand.press("Enter", "ArrowDown", "End", "Enter")
    expect(page.locator('[data-generation-id="b5-0"]')).to_have_count(0)
    expect(second).to_be_focused()
    expect(part("announcements")).to_contain_text("Ctrl+Z takes it back.")
    hand.press("p")
    expect(part("prompt")).to_be_focused()
    hand.tab_to(part("notice-action"), back=True)
    hand.press("Enter")
    expect(image).to_be_visible()
    hand.look("taken back")
    batch_menu = page.locator('[data-batch-id="b5"]').get_by_test_id("batch-menu")
    hand.tab_to(batch_menu)
    hand.press("ArrowDown", "m")
    expect(part("move-batch")).to_be_focused()
    hand.press("Enter")
    expect(part("move-dialog")).to_be_visible()
    hand.press("Escape")
    expect(batch_menu).to_be_focused()
    hand.press("Enter", "ArrowUp", "Enter")
    expect(page.locator('[data-batch-id="b5"]')).to_have_count(0)
    hand.press("Control+z")
    expect(page.locator('[data-batch-id="b5"]')).to_be_visible()

    # Several at once.
    hand.tab_to(image, back=True)
    hand.press("Control+Enter", "ArrowRight", "Shift+Enter")
    expect(part("selection")).to_contain_text("2 selected")
    # With Tab alone, the focus would pass the rest of the history.
    hand.press("s")
    expect(part("selection-zip")).to_be_focused()
    hand.press("Enter")
    expect(part("selection-zip")).to_be_focused()
    hand.tab_to(part("selection-delete"))
    hand.press("Enter")
    expect(page.locator('[data-batch-id="b5"]')).to_have_count(0)
    hand.press("Control+z")
    expect(page.locator('[data-batch-id="b5"]')).to_be_visible()
    # A search, and its end.
    hand.press("/")
    page.keyboard.type("whale")
    expect(part("nothing-found")).to_be_visible()
    expect(part("announcements")).to_contain_text("Nothing found")
    hand.tab_to(part("nothing-found").get_by_role("button").first)
    hand.press("Enter")
    expect(part("nothing-found")).to_have_count(0)
    hand.look("word dropped")


def test_topics_are_kept_with_keys_alone(page: Page) -> None:
    part, hand = page.get_by_test_id, Hand(page)
    rows = page.locator("[data-topic-id] [data-row]")
    # With Tab alone, the focus would pass the whole history.
    hand.press("Tab", "t")
    expect(rows.first).to_be_focused()
    hand.tab_to(part("new-topic"), back=True)
    hand.press("Enter")
    expect(part("new-topic-screen")).to_be_visible()
    hand.tab_to(rows.first)
    hand.press("ArrowDown", "Enter")
    expect(rows.nth(1).locator("..")).to_have_attribute("aria-current", "true")
    hand.press("F2")
    page.keyboard.type("Foxes")
    hand.press("Enter")
    expect(rows.nth(1)).to_be_focused()
    expect(rows.nth(1)).to_contain_text("Foxes")
    hand.press("F2", "Escape")
    expect(rows.nth(1)).to_be_focused()
    hand.press("Tab", "Enter", "c", "Enter")
    expect(part("cover-picker")).to_be_visible()
    hand.press("Escape")
    expect(part("cover-picker")).to_have_count(0)
    hand.look("covers closed")
    hand.tab_to(rows.nth(1), back=True)
    hand.press("Delete")
    expect(rows).to_have_count(3)
    hand.press("Control+z")
    expect(rows).to_have_count(4)
    hand.press("?")
    expect(part("shortcuts")).to_be_visible()
    hand.press("Escape")
    expect(part("shortcuts")).to_have_count(0)
    hand.look("shortcuts closed")
    hand.press("]")
    expect(part("topics-panel")).to_be_hidden()
    expect(part("toggle-right")).to_be_focused()
    hand.press("f", "Escape")


def test_drawers_are_opened_and_left_with_keys_alone(page: Page) -> None:
    part, hand = page.get_by_test_id, Hand(page)
    page.set_viewport_size({"width": 400, "height": 900})
    expect(part("topics-panel")).to_be_hidden()
    hand.press("Tab")
    hand.tab_to(part("toggle-right"))
    hand.press("Enter", "Tab", "Tab", "ArrowDown", "Enter")
    expect(part("topics-panel")).to_be_hidden()
    expect(part("toggle-right")).to_be_focused()
    hand.press("[", "Tab", "Escape")
    expect(part("config-panel")).to_be_hidden()
    expect(part("toggle-left")).to_be_focused()


# The names of the keys in the list, and in the browser.
NAMES = {
    "Arrow keys": ["ArrowLeft", "ArrowRight"],
    "←": ["ArrowLeft"],
    "→": ["ArrowRight"],
    "−": ["-"],
}
LISTED = """() => Object.fromEntries([...document.querySelectorAll('.ip-shortcuts section')].map(group => [
  group.querySelector('h3').textContent,
  [...group.querySelectorAll('dd > span')].map(({ children }) => [...children].map(key => key.textContent)),
]))"""
# Each of these keys alone: which ones does our code handle?
TAKEN = """([target, keys]) => keys.filter(key => {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, composed: true });
  document.querySelector(target).dispatchEvent(event);
  return event.defaultPrevented;
})"""
LETTERS = [*"abcdefghijklmnopqrstuvwxyz0123456789?/[]+-.,;#*", "ArrowLeft", "ArrowRight", "Delete"]


@pytest.mark.parametrize(
    ("state", "target", "groups"),
    [
        ("feed", "[data-generation-id='b5-0'] [data-select]", ("Everywhere", "Feed")),
        ("lightbox", "[data-testid='lightbox']", ("Large image",)),
        ("mask", "[data-testid='mask-area']", ("Paint a mask",)),
    ],
)
def test_the_list_of_shortcuts_holds_what_the_keys_do(
    page: Page, page_address: str, state: str, target: str, groups: tuple[str, ...]
) -> None:
    page.get_by_test_id("show-shortcuts").click()
    listed: dict[str, list[list[str]]] = page.evaluate(LISTED)
    alone = {keys[0] for group in groups for keys in listed[group] if len(keys) == 1}
    known = {name for key in alone for name in NAMES.get(key, [key if len(key) > 1 else key.lower()])}
    reach_state(page, page_address, state, options="theme=dark&plain")
    assert set(page.evaluate(TAKEN, [target, LETTERS])) == known & set(LETTERS)

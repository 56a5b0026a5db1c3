"""The page of a user's server on a real JupyterHub, in a browser: its login, its proxy, two users."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, WebSocketRoute, expect

from imgplay_widget import Studio
from scripts.hub import PASSWORD, Hub
from scripts.lab import WAIT, View
from tests.browser.conftest import keep_for_a_failure

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = Hub(tmp_path_factory.mktemp("hub"))
    yield hub
    hub.stop()


@pytest.fixture
def contexts(request: pytest.FixtureRequest, browser: Browser) -> Iterator[list[BrowserContext]]:
    """Return the browsers of two users."""
    both = [browser.new_context(viewport={"width": 1400, "height": 900}) for _ in range(2)]
    yield both
    keep_for_a_failure(request.node, [page for context in both for page in context.pages], [])
    for context in both:
        context.close()


def log_in(page: Page, user: str) -> None:
    """Fill in the form of the hub."""
    page.locator("#username_input").fill(user)
    page.locator("#password_input").fill(PASSWORD)
    page.locator("#login_submit").click()


def shown(page: Page) -> View:
    """Return the studio of the page, once it can be used."""
    view = View(page, page.get_by_test_id("imgplay"))
    expect(view.root.locator("[data-live=true]")).to_be_visible(timeout=WAIT)
    return view


def started(context: BrowserContext, hub: Hub, user: str, search: str = "") -> View:
    """Open the page of a user who is not logged in and whose server does not run, as the user does."""
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(f"{hub.base}{hub.page(user)}{search}")
    log_in(page, user)
    page.get_by_role("button", name="Launch Server").click()
    return shown(page)


def bar(view: View) -> Locator:
    return view.part("connection")


def test_a_link_to_a_topic_leads_through_the_login_and_the_start_of_the_server(
    hub: Hub, contexts: list[BrowserContext]
) -> None:
    with Studio(hub.history("ann")) as studio:
        foxes = studio.generate("foxes in snow", model="demo:instant").result(WAIT)
        studio.generate("a wolf", topic="wolves", model="demo:instant").result(WAIT)
    view = started(contexts[0], hub, "ann", f"?topic={foxes.topic_id}")
    expect(view.active_topic()).to_contain_text("foxes in snow")
    view.expect_images(1)
    view.generate("a fox behind a proxy", 1)
    view.expect_images(2)
    view.page.reload()
    again = shown(view.page)
    again.expect_images(2)
    expect(again.active_topic()).to_contain_text("foxes in snow")

    other = started(contexts[1], hub, "bob")
    expect(other.topics()).to_have_count(0)
    expect(other.tiles()).to_have_count(0)
    other.page.goto(f"{hub.base}{hub.page('ann')}")
    expect(other.page.locator("body")).to_contain_text("403")


def test_a_page_whose_user_logged_out_says_so_and_goes_on_after_a_login(
    hub: Hub, contexts: list[BrowserContext]
) -> None:
    sockets: list[WebSocketRoute] = []

    def through(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    contexts[0].route_web_socket(re.compile("/api/image-playground/socket$"), through)
    view = started(contexts[0], hub, "eve")
    view.part("prompt").fill("an owl")
    away = contexts[0].new_page()
    away.goto(f"{hub.base}/hub/home")
    away.get_by_role("button", name="Logout").click()
    expect(away.locator("#login_submit")).to_be_visible()
    # The hub ends no open socket. A network that changes does.
    sockets[-1].close()
    expect(bar(view)).to_contain_text("You are no longer logged in", timeout=WAIT)
    log_in(away, "eve")
    away.goto(f"{hub.base}{hub.page('eve')}")
    shown(away)
    expect(bar(view)).to_have_count(0, timeout=WAIT)
    expect(view.part("prompt")).to_have_value("an owl")
    view.generate("an owl at night", 1, model="demo:instant")
    view.expect_images(1)

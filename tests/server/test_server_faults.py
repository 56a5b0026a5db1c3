"""Each wait of a server may fail or be cut: the page is told, the next request works, nothing is left."""

from __future__ import annotations

import threading

import pytest
from websockets.exceptions import ConnectionClosed

from imgplay_widget.errors import StoreLocked
from imgplay_widget.server import hosting
from tests.server.conftest import API, WAIT


@pytest.fixture
def opening(monkeypatch):
    """Return the steps of the openings to come: each is called before a studio opens."""
    steps, real = [], hosting._open

    def open_after(*args):
        if steps:
            steps.pop(0)()
        return real(*args)

    monkeypatch.setattr(hosting, "_open", open_after)
    return steps


def fail():
    raise StoreLocked("Another program holds the store.")


class Held:
    """A step that waits until a test lets it go on."""

    def __init__(self):
        self.reached, self.go = threading.Event(), threading.Event()

    def __call__(self):
        self.reached.set()
        assert self.go.wait(WAIT)


def bearer(server):
    return {"Authorization": f"Bearer {server.token}"}


def test_a_page_learns_why_its_studio_cannot_open_and_the_next_one_opens_it(server, opening):
    opening.append(fail)
    with server.socket(**bearer(server)) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(WAIT)
        assert closed.value.rcvd.code == 4011
        assert "Another program holds the store" in closed.value.rcvd.reason
    with server.page() as page:
        assert page.greeting["snapshot"]


def test_a_script_learns_why_its_studio_cannot_open_and_the_next_one_opens_it(server, opening):
    opening.append(fail)
    refused = server.script().get(f"{API}/topics")
    assert (refused.status_code, refused.json()["code"]) == (503, "store_locked")
    assert server.script().get(f"{API}/topics").status_code == 200


def test_requests_at_once_open_one_studio(server, opening):
    held = Held()
    opening += [held, lambda: pytest.fail("a second studio")]
    with server.socket(**bearer(server)) as one, server.socket(**bearer(server)) as other:
        assert held.reached.wait(WAIT)
        held.go.set()
        assert one.recv(WAIT) == other.recv(WAIT)


def test_a_page_that_leaves_while_its_studio_opens_leaves_nothing_behind(server, opening):
    held = Held()
    opening.append(held)
    with server.socket(**bearer(server)):
        assert held.reached.wait(WAIT)
    held.go.set()
    with server.page() as page:
        page.result("topics")
        # The line of this page, and no other.
        assert len(server.core()._subscriptions) == 1


def test_a_page_that_leaves_while_its_line_opens_leaves_nothing_behind(server, monkeypatch):
    with server.page() as first:
        core, held = server.core(), Held()
        subscribe = core.subscribe

        def slow(*args):
            held()
            return subscribe(*args)

        monkeypatch.setattr(core, "subscribe", slow)
        with server.socket(**bearer(server)):
            assert held.reached.wait(WAIT)
        monkeypatch.undo()
        held.go.set()
        with server.page() as last:
            last.result("topics")
            first.result("topics")
            assert len(core._subscriptions) == 2


def test_a_server_that_stops_while_a_studio_opens_closes_the_studio(start, opening):
    held, server = Held(), start()
    opening.append(held)
    with server.socket(**bearer(server)):
        assert held.reached.wait(WAIT)
        held.go.set()
        server.stop()
    opened = next(iter(server.standalone._hosting._studios.values())).result()
    assert opened.studio._core.closed


def test_a_page_whose_studio_was_closed_is_told(server):
    with server.page() as page:
        server.core().close()
        page.ask("topics")
        with pytest.raises(ConnectionClosed) as closed:
            page.until(lambda _: False)
        assert closed.value.rcvd.code == 4011


def test_a_page_that_leaves_ends_its_subscription(server):
    with server.page() as stays:
        with server.page():
            assert len(server.core()._subscriptions) == 2
        # The server hears of the end before it takes the next socket.
        with server.page() as next_one:
            next_one.result("topics")
        stays.result("topics")
        assert len(server.core()._subscriptions) <= 2

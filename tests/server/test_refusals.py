"""Requests that a server refuses, for the page, the socket, REST and bytes, on both servers."""

from __future__ import annotations

import pytest
from websockets.exceptions import ConnectionClosed

from imgplay_widget.server.secret import kept_secret
from tests.server import jupyter_host
from tests.server.conftest import API, PAGE, UPGRADE
from tests.server.jupyter_host import TOKEN

NOBODY = "00000000-0000-7000-8000-000000000000"
READS = ("/topics", "/models", f"/generations/{NOBODY}/image", "/events", "/openapi.json")
EVIL = ("http://evil.example", "null", "http://127.0.0.1:1")


def reads(browser, api, **headers):
    """Return the statuses of reading requests. An event stream that is not refused does not end by itself."""
    found = set()
    for path in READS:
        with browser.stream("GET", api + path, headers=headers) as answer:
            found.add(answer.status_code)
    return found


def statuses(browser, api, **headers):
    """Return the statuses of reading and of changing requests."""
    found = reads(browser, api, **headers)
    found.add(browser.get(f"{api}/socket", headers={**UPGRADE, **headers}).status_code)
    changes = [
        browser.post(f"{api}/topics", json={}, headers=headers),
        browser.patch(f"{api}/topics/{NOBODY}", json={"title": "x"}, headers=headers),
        browser.delete(f"{api}/batches/{NOBODY}", headers=headers),
        browser.post(f"{api}/references", content=b"x", headers={"Content-Type": "image/png", **headers}),
    ]
    return found | {answer.status_code for answer in changes}


def nothing_made(browser, api, **headers):
    return browser.get(f"{api}/topics", headers=headers).json()["topics"] == []


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic d3Jvbmc=", "token {token}"])
def test_nobody_is_answered_without_the_token(server, authorization):
    headers = {} if authorization is None else {"Authorization": authorization.format(token=server.token)}
    assert statuses(server.browser(), API, **headers) == {403}
    assert nothing_made(server.script(), API)


@pytest.mark.parametrize("origin", EVIL)
def test_a_foreign_origin_is_refused_with_a_cookie_and_with_the_token(server, origin):
    browser = server.logged_in()
    assert statuses(browser, API, Origin=origin) == {403}
    assert statuses(server.script(), API, Origin=origin) == {403}
    assert nothing_made(server.script(), API)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_an_image_or_a_script_on_another_site_is_refused(server, site):
    browser = server.logged_in()
    del browser.headers["Origin"]
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    assert reads(browser, API, **headers) == {403}


def test_a_browser_must_name_its_origin_to_change_something(server):
    browser = server.logged_in()
    assert browser.post(f"{API}/topics", json={}).status_code == 201
    del browser.headers["Origin"]
    assert browser.post(f"{API}/topics", json={}).status_code == 403


def test_another_name_of_the_machine_is_refused_everywhere(server):
    assert statuses(server.script(), API, Host="evil.example") == {403}
    assert nothing_made(server.script(), API)


def test_a_link_on_another_site_leads_to_the_page_all_the_same(server):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    first = server.browser().get(PAGE, headers=headers)
    assert 'http-equiv="refresh"' in first.text
    assert "studio" not in first.text
    assert server.browser().get(PAGE, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 403


def test_a_login_outlives_a_server(start, store):
    first = start(secret=kept_secret(store))
    port, browser = first.standalone.port, first.logged_in()
    cookies = dict(browser.cookies)
    first.stop()
    again = start(port=port, secret=kept_secret(store))
    assert again.token != first.token
    assert again.browser(cookies=cookies).get(PAGE).status_code == 200


def test_a_cookie_of_another_secret_is_worth_nothing(start):
    first = start(secret="a" * 40)
    port, browser = first.standalone.port, first.logged_in()
    cookies = dict(browser.cookies)
    first.stop()
    assert start(port=port, secret="b" * 40).browser(cookies=cookies).get(PAGE).status_code == 403


def test_too_large_requests_are_refused(server):
    script = server.script()
    assert script.post(f"{API}/topics", content=b" " * (2**20 + 1)).status_code == 413
    with server.page() as page, pytest.raises((ConnectionError, ConnectionClosed)):
        page.result("part", name="x" * (9 * 2**20), build="x")


@pytest.mark.parametrize("frame", [b"", b"\0", b"\xff" * 8, b"\0\0\0\x02[]", b"\0\0\0\x08[1, [-1]]", "text"])
def test_what_is_not_a_message_ends_the_socket_and_nothing_else(server, frame):
    with server.page() as page, server.page() as other:
        page.socket.send(frame)
        with pytest.raises(ConnectionClosed, match="4007"):
            page.socket.recv(20)
        other.result("topics")


def test_every_answer_guards_itself(server):
    for path in (PAGE, f"{PAGE}/static/page.js", f"{API}/topics", "/nothing"):
        headers = server.script().get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "DENY"
        assert "script-src 'self';" in headers["Content-Security-Policy"] or "sandbox" in str(headers)
        assert "Server" not in headers


def test_jupyter_refuses_strangers_and_other_sites(jupyter):
    api = jupyter_host.API
    assert statuses(jupyter.browser(), api) == {403}
    assert statuses(jupyter.browser(), api, Authorization="token wrong") == {403}
    for origin in EVIL:
        # Jupyter Server answers changes from another site as if the address did not exist.
        assert statuses(jupyter.logged_in(), api, Origin=origin) == {403, 404}
    assert statuses(jupyter.browser(), api, Authorization=f"token {TOKEN}", Host="evil.example") == {403}


def test_jupyter_wants_the_xsrf_header_for_changes(jupyter):
    browser, api = jupyter.logged_in(), jupyter_host.API
    for headers in ({}, {"X-XSRFToken": "wrong"}):
        assert browser.post(f"{api}/topics", json={}, headers=headers).status_code == 403
        assert browser.delete(f"{api}/batches/{NOBODY}", headers=headers).status_code == 403
    right = {"X-XSRFToken": browser.cookies["_xsrf"]}
    assert browser.post(f"{api}/topics", json={}, headers=right).status_code == 201
    script = jupyter.browser(Authorization=f"token {TOKEN}")
    assert script.post(f"{api}/topics", json={}).status_code == 201


def test_an_authorizer_refuses_rest_and_bytes_too(named):
    api = jupyter_host.API
    banned = named.browser(**{"X-User": "banned"})
    assert reads(banned, api) == {403}
    guest = named.named("guest")
    assert guest.get(f"{api}/topics").status_code == 200
    assert guest.post(f"{api}/topics", json={}).status_code == 403


def test_a_key_is_set_on_the_page_and_never_read_back(server):
    with server.page() as page, server.page() as other:
        page.result("set_key", provider="openai", key="sk-never-read-back", remember=False)
        state = other.result("check_provider", provider="openai")
        assert "sk-never-read-back" not in str(state)
        for told in (page, other):
            told.messages.clear()
            told.result("hello", page="p2")
            assert "sk-never-read-back" not in str(told.messages)
        script = server.script()
        assert "sk-never-read-back" not in script.get(f"{API}/models").text

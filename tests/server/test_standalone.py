"""The studio's own server: its page, its socket, and who may use them."""

from __future__ import annotations

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.faults.conftest import rows
from tests.server.conftest import API, PAGE


def test_the_printed_address_logs_a_browser_in_and_hides_the_token(server):
    browser = server.browser()
    answer = browser.get(server.address)
    assert answer.status_code == 302
    assert answer.headers["Location"] == PAGE
    (cookie,) = answer.headers.get_list("Set-Cookie")
    assert server.token not in cookie
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    page = browser.get(PAGE)
    assert page.status_code == 200
    assert 'id="studio" data-base="/"' in page.text


@pytest.mark.parametrize(
    ("query", "rest"),
    [
        ("token={token}&topic=a+b%26c", "?topic=a+b%26c"),
        ("topic=t&token={token}&empty=&x=1&x=2", "?topic=t&empty=&x=1&x=2"),
        ("topic=t&token=wrong", None),
        ("topic=%0d%0aSet-Cookie:+evil&token={token}", "?topic=%0D%0ASet-Cookie%3A+evil"),
    ],
)
def test_a_login_keeps_what_else_the_address_says(server, query, rest):
    answer = server.browser().get(f"{PAGE}?{query.format(token=server.token)}")
    if rest is None:
        assert answer.status_code == 403
    else:
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{PAGE}{rest}")


def test_a_page_on_the_socket_generates_and_sees_the_image(server):
    with server.page() as page:
        assert page.greeting["snapshot"]["topics"] == []
        page.send({"kind": "ack", "page": "p", "seq": 0})
        batch = page.generate("a fox")
        done = page.event("generation_changed", lambda e: e["generation"]["status"] == "success")
        assert done["generation"]["batchId"] == batch


def test_two_pages_see_the_same_studio(server):
    with server.page() as one, server.page() as other:
        batch = one.generate("a fox")
        assert other.event("batch_added")["batch"]["id"] == batch


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/static/page.js", f"{PAGE}/static/index.js", "/nothing"])
@pytest.mark.parametrize("token", [None, "", "wrong", "Ö"])
def test_nothing_is_given_without_the_token(server, path, token):
    query = {} if token is None else {"token": token}
    assert server.browser().get(path, params=query).status_code == 403
    headers = {} if token is None else {"Authorization": f"Bearer {token}".strip().encode()}
    assert server.browser(headers=headers).get(path).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Cookie": "imgplay-127-0-0-1-{port}=in"},
        {"Authorization": "Bearer {token}", "Origin": "http://evil.example"},
        {"Authorization": "Bearer {token}", "Origin": "null"},
    ],
)
def test_a_socket_is_refused_without_login_and_from_elsewhere(server, headers):
    known = {"token": server.token, "port": server.standalone.port}
    with pytest.raises(InvalidStatus) as refused:
        server.socket(**{name: value.format(**known) for name, value in headers.items()})
    assert refused.value.response.status_code == 403


def test_the_token_in_the_query_opens_the_page_only(server):
    assert server.browser().get(f"{API}/nothing", params={"token": server.token}).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example"])
def test_another_name_for_this_machine_is_refused(server, host):
    port = server.base.rsplit(":", 1)[1]
    for headers in ({"Host": f"{host}:{port}"}, {"Host": host}):
        assert server.script().get(PAGE, headers=headers).status_code == 403
        assert server.browser().get(server.address, headers=headers).status_code == 403


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_the_names_of_this_machine_are_taken(server, name):
    assert server.script().get(PAGE, headers={"Host": name}).status_code == 200


def test_the_server_closes_its_studio_when_it_stops(start, store):
    server = start()
    with server.page() as page:
        page.generate("a fox")
        server.stop()
        with pytest.raises(ConnectionClosed):
            page.until(lambda _: False)
    leases = "SELECT count(*) FROM image_async_tasks WHERE lease_owner IS NOT NULL AND status = 'processing'"
    assert rows(store, leases) == [(0,)]

"""The studio on a real Jupyter Server: under its login, its checks of requests and its base URL."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from websockets.exceptions import InvalidStatus

from imgplay_widget import Studio
from tests.server.conftest import UPGRADE, WAIT, SocketPage
from tests.server.jupyter_host import API, BASE, PAGE, TOKEN


def refused(jupyter, browser=None, **headers):
    with pytest.raises(InvalidStatus) as error:
        jupyter.socket(browser, **headers)
    return error.value.response.status_code


def test_the_file_in_the_wheel_enables_the_extension(jupyter):
    page = jupyter.logged_in().get(PAGE)
    assert page.status_code == 200
    assert f'data-base="{BASE}"' in page.text
    assert f'src="{PAGE}/static/page.js"' in page.text


def test_the_page_needs_the_login_of_the_server(jupyter):
    answer = jupyter.browser().get(PAGE)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{BASE}login?")
    assert jupyter.browser().get(f"{PAGE}?token=wrong").status_code == 302
    assert jupyter.browser().get(f"{API}/topics").status_code == 403


def test_the_files_of_the_page_need_no_login(jupyter):
    script = jupyter.browser().get(f"{PAGE}/static/page.js")
    assert script.status_code == 200
    assert script.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_socket_is_refused_without_login_and_from_elsewhere(jupyter):
    browser = jupyter.logged_in()
    assert refused(jupyter) == 403
    assert refused(jupyter, Authorization="token wrong") == 403
    for origin in ("http://evil.example", "null", f"{jupyter.base}0"):
        assert refused(jupyter, browser, Origin=origin) == 403
    evil = {**UPGRADE, "Host": "evil.example", "Authorization": f"token {TOKEN}"}
    assert jupyter.browser().get(f"{API}/socket", headers=evil).status_code == 403


def test_a_token_login_in_two_browsers_sees_one_history(jupyter):
    one, other = jupyter.logged_in(), jupyter.logged_in()
    with jupyter.socket(one, Origin=jupyter.base) as a, jupyter.socket(other, Origin=jupyter.base) as b:
        mine, theirs = SocketPage(a), SocketPage(b)
        batch = mine.generate("a fox", model="demo:instant")
        assert theirs.event("batch_added")["batch"]["id"] == batch


def test_the_owner_sees_what_a_kernel_makes(jupyter):
    with Studio(jupyter.store) as kernel, jupyter.socket(Authorization=f"token {TOKEN}") as socket:
        page = SocketPage(socket)
        batch = kernel.generate("a hare in a kernel", model="demo:instant").result(WAIT)
        page.event("store_changed")
        feed = page.result("feed", topicId=batch.topic_id, limit=10)
        assert feed["feed"]["batches"][0]["prompt"] == "a hare in a kernel"


def test_the_owner_of_a_hub_is_the_owner_of_the_store(named):
    with Studio(named.store) as kernel, named.socket(**{"X-User": "ann"}) as socket:
        page = SocketPage(socket)
        batch = kernel.generate("an owl", model="demo:instant").result(WAIT)
        page.event("store_changed")
        feed = page.result("feed", topicId=batch.topic_id, limit=10)
        assert feed["feed"]["batches"][0]["prompt"] == "an owl"


@pytest.mark.parametrize("name", ["local", "bob"])
def test_a_named_identity_has_a_history_of_its_own(named, name):
    with named.socket(**{"X-User": "ann"}) as a, named.socket(**{"X-User": name}) as b:
        ann, other = SocketPage(a), SocketPage(b)
        ann.generate(f"not for {name}", model="demo:instant")
        other.generate(f"by {name}", model="demo:instant")
        seen = str([content for content, _ in other.messages])
        assert f"by {name}" in seen
        assert f"not for {name}" not in seen
        titles = [topic["title"] for topic in other.result("topics", limit=100)["topics"]]
        assert f"not for {name}" not in str(titles)


def test_an_authorizer_decides_by_the_name_of_the_resource(named):
    assert named.browser(**{"X-User": "banned"}).get(PAGE).status_code == 403
    assert named.browser(**{"X-User": "guest"}).get(PAGE).status_code == 200
    assert refused(named, **{"X-User": "guest"}) == 403
    assert refused(named, **{"X-User": "banned"}) == 403


def test_the_policy_of_the_page_allows_no_inline_script(jupyter):
    policy = jupyter.logged_in().get(PAGE).headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'self'" in policy


def test_the_server_starts_without_the_studio():
    code = """
import sys, jupyter_server.serverapp
before = set(sys.modules)
import imgplay_widget.server
points = imgplay_widget.server._jupyter_server_extension_points()
print(sorted(name for name in set(sys.modules) - before if not name.startswith("imgplay_widget.server")))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = re.findall(r"pydantic|sqlalchemy|httpx|PIL|imgplay_widget\.\w+", found.stdout)
    assert heavy == []

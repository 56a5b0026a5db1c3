"""The studio on a real Jupyter Server: under its login, its checks of requests and its base URL."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from imgplay_widget import Studio
from tests.server.conftest import UPGRADE, WAIT, SocketPage

ROOT = Path(__file__).resolve().parents[2]
BASE = "/user/ann/"
PAGE, API = f"{BASE}image-playground", f"{BASE}api/image-playground"
TOKEN = "the-token"

NAMED = '''
import json
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.auth.authorizer import Authorizer


class Names(IdentityProvider):
    """Each request names its user, as a proxy with a login in front of a server does."""

    def get_user(self, handler):
        name = handler.request.headers.get("X-User")
        return User(name) if name else None


class Doorkeeper(Authorizer):
    """A guest may only look at the studio, and the banned user may not even do that."""

    def is_authorized(self, handler, user, action, resource):
        allowed = {"guest": ["read"], "banned": []}.get(user.username)
        return resource != "imgplay" or allowed is None or action in allowed


c.ServerApp.identity_provider_class = Names
c.ServerApp.authorizer_class = Doorkeeper
'''


class Jupyter:
    """A Jupyter Server in a process of its own.

    Attributes:
        base: its origin.
    """

    def __init__(self, folder: Path, config: str = "", **environment: str) -> None:
        for name in ("config", "data", "runtime", "root"):
            (folder / name).mkdir(exist_ok=True)
        (folder / "config" / "jupyter_server_config.py").write_text(f"c = get_config()\n{config}")
        self._browsers: list[httpx.Client] = []
        self.store = folder / "studio.sqlite"
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
                *("--port=0", f"--ServerApp.base_url={BASE}", f"--ServerApp.root_dir={folder / 'root'}"),
                f"--ImgplayServer.store={self.store}",
            ],
            env={
                **os.environ,
                "JUPYTER_CONFIG_DIR": str(folder / "config"),
                "JUPYTER_CONFIG_PATH": str(ROOT / "jupyter"),
                "JUPYTER_NO_CONFIG": "",
                "JUPYTER_DATA_DIR": str(folder / "data"),
                "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
                "JUPYTER_TOKEN": TOKEN,
                **environment,
            },
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        self.base = self._find(folder / "runtime")

    def _find(self, runtime: Path) -> str:
        for _ in range(600):
            for file in runtime.glob("jpserver-*.json"):
                found = json.loads(file.read_text() or "{}")
                if found:
                    return f"http://127.0.0.1:{found['port']}"
            try:
                self.process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            break
        self.log.seek(0)
        raise AssertionError(self.log.read())

    def browser(self, **headers: str) -> httpx.Client:
        browser = httpx.Client(base_url=self.base, headers=headers, timeout=WAIT)
        self._browsers.append(browser)
        return browser

    def logged_in(self) -> httpx.Client:
        """Return a browser that logged in with the token."""
        browser = self.browser()
        browser.get(f"{PAGE}?token={TOKEN}").raise_for_status()
        return browser

    def socket(self, browser: httpx.Client | None = None, **headers: str):
        if browser is not None:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        url = f"{self.base.replace('http', 'ws', 1)}{API}/socket"
        return connect(url, additional_headers=headers, max_size=None, compression=None)

    def stop(self) -> None:
        for browser in self._browsers:
            browser.close()
        self.process.terminate()
        self.process.wait(WAIT)
        self.log.close()


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    server = Jupyter(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    server = Jupyter(tmp_path_factory.mktemp("named"), NAMED, JUPYTERHUB_USER="ann")
    yield server
    server.stop()


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
    assert jupyter.browser().get(f"{PAGE}/static/page.js").status_code in (302, 403)


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
        kernel.generate("an owl", model="demo:instant").result(WAIT)
        page.event("store_changed")


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
    heavy = re.findall(r"pydantic|sqlalchemy|httpx|PIL|imgplay_widget\._\w+", found.stdout)
    assert set(heavy) <= {"imgplay_widget._text"}

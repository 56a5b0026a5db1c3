"""A real JupyterHub behind its own proxy, whose users have servers and homes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
from websockets.sync.client import ClientConnection, connect

from scripts.lab import free_port

WAIT = 60
ROOT = Path(__file__).resolve().parents[1]
PROXY = ROOT / "js" / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
PASSWORD = "the-password-of-all"

WITHOUT_LAB = {
    "ServerApp": {
        "jpserver_extensions": dict.fromkeys(
            (
                *("jupyter_lsp", "jupyter_server_mcp", "jupyter_server_terminals"),
                *("jupyterlab", "notebook", "notebook_shim"),
            ),
            False,
        )
        | {"voila.server_extension": False}
    }
}
"""Servers without what takes most of the time of their start."""

CONFIG = """
import os, sys

c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{public}/"
c.JupyterHub.hub_port = {hub}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.ConfigurableHTTPProxy.command = ["node", {proxy!r}]
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = {password!r}
c.Authenticator.allowed_users = {{"ann", "bob", "eve"}}
# Eve is a guest on the server of Ann.
c.JupyterHub.load_roles = [
    {{"name": "guest", "users": ["eve"], "scopes": ["self", "access:servers!user=ann"]}},
]
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r}
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"] if os.getuid() == 0 else []
c.Spawner.environment = {{
    "JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp",
    "JUPYTER_CONFIG_PATH": {config!r},
    "JUPYTER_CONFIG_DIR": {settings!r},
}}
c.Spawner.env_keep = ["PATH", "PYTHONPATH", "LANG", "IMGPLAY_ENV_FILE", "PYTHON_KEYRING_BACKEND"]
# A busy machine takes a minute to start a server.
c.Spawner.start_timeout = c.Spawner.http_timeout = {wait}
"""


class Hub:
    """A JupyterHub of three users, in a process of its own.

    Attributes:
        base: its origin.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = (folder / "log").open("w+")
        public, hub, api = free_port(), free_port(), free_port()
        self.base = f"http://127.0.0.1:{public}"
        ports = {"public": public, "hub": hub, "api": api}
        homes = str(folder / "homes" / "{username}")
        settings = folder / "settings"
        settings.mkdir()
        (settings / "jupyter_server_config.json").write_text(json.dumps(WITHOUT_LAB), encoding="utf-8")
        folders = {"homes": homes, "config": str(ROOT / "jupyter"), "settings": str(settings)}
        text = CONFIG.format(**ports, **folders, proxy=str(PROXY), password=PASSWORD, wait=WAIT)
        (folder / "jupyterhub_config.py").write_text(text, encoding="utf-8")
        self._browsers: list[httpx.Client] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", "jupyterhub_config.py"],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._until_it_answers()

    def _until_it_answers(self) -> None:
        # A busy machine takes a minute to start a hub.
        for _ in range(2400):
            if "JupyterHub is now running" in self.said():
                return
            try:
                self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            break
        self.stop()
        raise AssertionError(self.said())

    def said(self) -> str:
        """Return what the hub and the servers of the users have written into their log."""
        return (self._folder / "log").read_text(encoding="utf-8")

    def home(self, user: str) -> Path:
        """Return the home of a user."""
        return self._folder / "homes" / user

    def history(self, user: str) -> Path:
        """Return the path of the history of a user."""
        return self.home(user) / ".local" / "share" / "imgplay-widget" / "history.sqlite"

    def page(self, user: str) -> str:
        """Return the path of the page on the server of a user."""
        return f"/user/{user}/image-playground"

    def api(self, user: str) -> str:
        """Return the path of the REST interface on the server of a user."""
        return f"/user/{user}/api/image-playground"

    def browser(self) -> httpx.Client:
        """Return a browser that is not logged in."""
        browser = httpx.Client(base_url=self.base, timeout=WAIT, follow_redirects=True)
        self._browsers.append(browser)
        return browser

    def logged_in(self, user: str, wish: str = "/hub/home") -> httpx.Client:
        """Return a browser that logged in with the form of the hub.

        Args:
            user: the name of the user.
            wish: the path to which the hub leads the browser after the login.
        """
        browser = self.browser()
        browser.get("/hub/login").raise_for_status()
        form = {"username": user, "password": PASSWORD, "_xsrf": cookie(browser, "_xsrf", "/hub/")}
        browser.post("/hub/login", params={"next": wish}, data=form).raise_for_status()
        return browser

    def script(self, browser: httpx.Client, user: str) -> httpx.Client:
        """Return a script with a token, which the user made in a browser that is logged in."""
        headers = {"X-XSRFToken": cookie(browser, "_xsrf", "/hub/")}
        token = browser.post(f"/hub/api/users/{user}/tokens", headers=headers).json()["token"]
        script = self.browser()
        script.headers["Authorization"] = f"token {token}"
        return script

    def started(self, user: str) -> httpx.Client:
        """Return the browser of a user who started the own server, and looks at the page there."""
        page = self.page(user)
        browser = self.logged_in(user, f"/hub/spawn/{user}?next={page}")
        # The page of the hub reads this stream, which ends when the server runs.
        token = {"X-XSRFToken": cookie(browser, "_xsrf", "/hub/")}
        told = browser.get(f"/hub/api/users/{user}/server/progress", headers=token)
        assert '"ready": true' in told.text, told.text + self.said()
        browser.get(page).raise_for_status()
        return browser

    def socket(self, browser: httpx.Client, user: str) -> ClientConnection:
        """Return an open socket of the page of a user, as a browser or a script opens it."""
        sent = {"Cookie": cookies(browser, self.page(user)), "Sec-Fetch-Mode": "websocket"}
        if (login := browser.headers.get("Authorization")) is not None:
            sent = {"Authorization": login}
        return connect(
            f"{self.base.replace('http', 'ws', 1)}{self.api(user)}/socket",
            additional_headers={**sent, "Origin": self.base},
            max_size=None,
            compression=None,
        )

    def stop(self) -> None:
        """End the hub, which ends its proxy and the servers of its users."""
        for browser in self._browsers:
            browser.close()
        self._process.terminate()
        self._process.wait(60)
        self._log.close()


def cookies(browser: httpx.Client, path: str) -> str:
    """Return the cookies that a browser sends to a path."""
    return "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar if path.startswith(one.path))


def cookie(browser: httpx.Client, name: str, path: str) -> str:
    """Return the cookie that a browser keeps for a path."""
    return next(one.value or "" for one in browser.cookies.jar if (one.name, one.path) == (name, path))

"""A real Jupyter Server in a process of its own, with the extension of the studio."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx
from websockets.sync.client import connect

T = TypeVar("T")

WAIT = 20
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


WITHOUT_TOOLS = 'c.ServerApp.jpserver_extensions = {"jupyter_server_mcp": False}'
"""Jupyter Server without jupyter-server-mcp, whose port only one server of a machine gets."""


class Jupyter:
    """A Jupyter Server in a process of its own.

    Args:
        folder: the folder of all its files.
        config: lines of its configuration.
        environment: the variables that it gets beside those of this process.

    Attributes:
        base: its origin.
        store: its history.
        keyring: the file of its keyring, where `PYTHON_KEYRING_BACKEND` names `file_keyring`.
    """

    def __init__(self, folder: Path, config: str = "", **environment: str) -> None:
        for name in ("config", "data", "runtime", "root"):
            (folder / name).mkdir(exist_ok=True)
        (folder / "config" / "jupyter_server_config.py").write_text(
            f"c = get_config()\n{WITHOUT_TOOLS}\n{config}"
        )
        self._browsers: list[httpx.Client] = []
        self.store, self.keyring = folder / "studio.sqlite", folder / "keyring.json"
        self.log = (folder / "log").open("w+")
        self._log_file = folder / "log"
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
                "KEYRING_FILE": str(self.keyring),
                "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
                **environment,
            },
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        self._runtime = folder / "runtime"
        self.base = self._find(self._runtime)

    def _find(self, runtime: Path) -> str:
        def port() -> int | None:
            for file in runtime.glob("jpserver-[0-9]*.json"):
                found = json.loads(file.read_text() or "{}")
                # The file is there before the server listens.
                if found and _listens(found["port"]):
                    return found["port"]
            return None

        return f"http://127.0.0.1:{self._until(port)}"

    def tools_url(self) -> str:
        """Return the address at which jupyter-server-mcp offers its tools."""

        def url() -> str | None:
            files = self._runtime.glob("jpserver-mcp-*.json")
            return next((json.loads(file.read_text())["url"] for file in files), None)

        return self._until(url)

    def until_said(self, text: str) -> None:
        """Wait until the server has written a text into its log."""
        self._until(lambda: text in self.said())

    def said(self) -> str:
        """Return what the server has written into its log."""
        return self._log_file.read_text()

    def _until(self, look: Callable[[], T | None]) -> T:
        """Return what a look at the running process finds, when it finds something."""
        # A busy machine takes a minute to start a server.
        for _ in range(2400):
            if found := look():
                return found
            try:
                self.process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            break
        self.stop_process()
        raise AssertionError(self.said())

    def browser(self, **headers: str) -> httpx.Client:
        browser = httpx.Client(base_url=self.base, headers=headers, timeout=WAIT)
        self._browsers.append(browser)
        return browser

    def logged_in(self) -> httpx.Client:
        """Return a browser that logged in with the token."""
        browser = self.browser()
        browser.get(f"{PAGE}?token={TOKEN}").raise_for_status()
        return browser

    def named(self, name: str) -> httpx.Client:
        """Return the browser of a user whom the identity provider names."""
        browser = self.browser(**{"X-User": name})
        browser.get(PAGE).raise_for_status()
        browser.headers["X-XSRFToken"] = browser.cookies["_xsrf"]
        return browser

    def socket(self, browser: httpx.Client | None = None, **headers: str):
        if browser is not None:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        url = f"{self.base.replace('http', 'ws', 1)}{API}/socket"
        return connect(url, additional_headers=headers, max_size=None, compression=None)

    def stop(self) -> None:
        for browser in self._browsers:
            browser.close()
        self.stop_process()
        self.log.close()

    def stop_process(self) -> None:
        self.process.terminate()
        self.until_ended()

    def until_ended(self) -> None:
        """Wait until the process has ended by itself. A busy machine takes a minute."""
        self.process.wait(60)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), WAIT).close()
    except ConnectionRefusedError:
        return False
    return True

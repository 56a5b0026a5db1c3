"""`imgplay serve` opens the user's browser, and no other user of the machine learns how to log in."""

from __future__ import annotations

import json
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from imgplay_widget.server import opening
from tests.command.conftest import Command

BROWSER = f"""#!{sys.executable}
import html, json, os, pathlib, re, sys, urllib.error, urllib.parse, urllib.request

def visit(address):
    keeps = urllib.request.HTTPCookieProcessor()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}), keeps)
    try:
        with opener.open(address, timeout=60) as answer:
            return [answer.status, answer.geturl(), b'id="studio"' in answer.read()]
    except urllib.error.HTTPError as refused:
        with refused:
            return [refused.code, refused.geturl(), False]

def look(url):
    file = pathlib.Path(urllib.parse.urlsplit(url).path)
    modes = [oct(path.stat().st_mode & 0o777) for path in (file.parent, file)]
    (address,) = set(re.findall(r'(?:url=|href=")(http[^"]+)"', file.read_text()))
    address = html.unescape(address)
    visits = [visit(address), visit(address)] if "VISIT" in os.environ else []
    return dict(file=str(file), modes=modes, address=address, visits=visits)

(url,) = sys.argv[1:]
# A test that waits for a line must get one.
try:
    seen = look(url)
except Exception as error:
    seen = dict(error=repr(error))
print(json.dumps(dict(url=url, **seen)), flush=True)
"""


def opened(command: Command, **environ: str) -> tuple[subprocess.Popen[bytes], str, dict[str, Any]]:
    """Return a server, the address that it printed, and what its browser saw."""
    browser = command.folder / "browser"
    browser.write_text(BROWSER)
    browser.chmod(0o700)
    (command.folder / "tmp").mkdir()
    process = command.start(
        "serve", "--port", "0", BROWSER=str(browser), TMPDIR=str(command.folder / "tmp"), **environ
    )
    assert process.stdout is not None
    return process, process.stdout.readline().decode().strip(), json.loads(process.stdout.readline())


def test_the_browser_logs_in_once_by_a_file_that_only_the_user_can_read(command: Command) -> None:
    process, printed, seen = opened(command, VISIT="1")
    token = printed.partition("token=")[2]
    assert seen["url"].startswith("file:///")
    assert "token" not in seen["url"]
    assert seen["modes"] == ["0o700", "0o600"]
    # What the file has is of no use to anybody who reads the file later.
    assert token not in seen["address"]
    first, second = seen["visits"]
    assert first == [200, printed.partition("?")[0], True]
    assert second[0] == 403
    assert not Path(seen["file"]).parent.exists()
    process.send_signal(signal.SIGINT)
    ended = command.ended(process)
    assert (ended.code, ended.err) == (0, "")


def test_a_file_that_no_browser_used_is_removed_with_the_server(command: Command) -> None:
    process, _, seen = opened(command)
    assert Path(seen["file"]).is_file()
    process.send_signal(signal.SIGTERM)
    assert command.ended(process).code == 0
    assert not Path(seen["file"]).parent.exists()


@pytest.mark.parametrize("case", ["wsl", "chromebook", "snap", "chosen snap", "no folder"])
def test_a_browser_that_cannot_read_the_file_gets_the_address(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setattr(opening, "SNAPS", tmp_path)
    monkeypatch.setattr(opening, "ASK_BROWSER", ("echo", "firefox_firefox.desktop"))
    with opening.opened_by_browser("http://here") as url:
        assert url.startswith("file:")
    if case == "wsl":
        monkeypatch.setattr(platform, "uname", lambda: SimpleNamespace(release="5.15-microsoft-standard"))
    elif case == "chromebook":
        monkeypatch.setattr(opening, "CHROMEBOOK", tmp_path)
    elif case == "snap":
        (tmp_path / "firefox_firefox.desktop").touch()
    elif case == "chosen snap":
        monkeypatch.setenv("BROWSER", "/snap/bin/firefox")
    else:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with opening.opened_by_browser("http://here") as url:
        assert url == "http://here"


@pytest.mark.parametrize("asks", [("sh", "-c", "exit 3"), ("no-such-command",), ("sleep", "60")])
def test_a_system_that_names_no_browser_gets_the_file(
    asks: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setattr(opening, "SNAPS", tmp_path)
    monkeypatch.setattr(opening, "ASK_BROWSER", asks)
    monkeypatch.setattr(opening, "ASK_WAIT", 0.1)
    assert opening.shares_files()

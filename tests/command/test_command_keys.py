"""`imgplay keys`: a key is read unseen, kept in the keyring, and never printed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.command.conftest import ROOT, Command, Ended, open_terminal, read_all
from tests.servers.file_keyring import BACKEND

KEY = "sk-canary-9c1f0a7be4d2"


@pytest.fixture
def keyring(command: Command, tmp_path: Path) -> Path:
    """Return the file of a keyring that the command uses."""
    file = tmp_path / "keyring.json"
    command.store = None
    command.environ |= {
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "KEYRING_FILE": str(file),
        "PYTHON_KEYRING_BACKEND": BACKEND,
        "PYTHONPATH": os.pathsep.join([command.environ["PYTHONPATH"], str(ROOT)]),
    }
    return file


def state_of(ended: Ended, provider: str) -> tuple[str, str | None]:
    found = {one["provider"]: one for one in ended.json["keys"]}[provider]
    return found["state"], found["source"]


def test_a_key_from_standard_input_is_kept_listed_and_forgotten(command: Command, keyring: Path) -> None:
    kept = command.apart("keys", "set", "openai", "--json", given=f"{KEY}\n")
    assert (kept.code, kept.json["key"]["state"]) == (0, "set"), kept.err
    assert json.loads(keyring.read_text()) == {"imgplay-widget/openai": KEY}
    listed = command.apart("keys", "--json", FAL_KEY="fal-canary")
    assert state_of(listed, "openai") == ("set", "system keyring")
    assert state_of(listed, "fal") == ("set", "environment variable FAL_KEY")
    assert state_of(listed, "xai") == ("missing", None)
    shown = command.apart("keys")
    gone = command.apart("keys", "forget", "openai")
    assert (gone.code, json.loads(keyring.read_text())) == (0, {})
    for ended in (kept, listed, shown, gone):
        assert KEY not in ended.out + ended.err
        assert "fal-canary" not in ended.out + ended.err


def test_a_key_that_is_typed_is_not_echoed(command: Command, keyring: Path) -> None:
    terminal, inner = open_terminal()
    process = command.start("keys", "set", "openai", stdin=inner, stderr=inner)
    seen = b""
    while b"Key of OpenAI" not in seen:
        seen += os.read(terminal, 1000)
    os.write(terminal, f"{KEY}\n".encode())
    ended = command.ended(process)
    os.close(inner)
    seen += read_all(terminal)
    assert ended.code == 0, seen
    assert json.loads(keyring.read_text()) == {"imgplay-widget/openai": KEY}
    assert KEY.encode() not in seen + ended.out.encode()


def test_without_a_keyring_nothing_is_kept(command: Command) -> None:
    command.store = None
    ended = command.apart("keys", "set", "openai", "--json", given=KEY)
    assert (ended.code, ended.json["code"]) == (3, "missing_package")
    assert "OPENAI_API_KEY" in ended.json["nextStep"]
    assert KEY not in ended.out + ended.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("set", "openai", KEY), 2),
        (("set", "openai", f"--key={KEY}"), 2),
        (("set", KEY), 3),
        ((KEY,), 2),
        (("set",), 2),
        ((f"--{KEY}",), 2),
    ],
)
@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_key_among_the_arguments_is_refused_and_not_repeated(
    command: Command, arguments: tuple[str, ...], code: int, as_json: tuple[str, ...]
) -> None:
    command.store = None
    ended = command("keys", *arguments, *as_json)
    assert ended.code == code
    assert KEY not in ended.out + ended.err
    assert ended.json["code"] if as_json else ended.err


def test_an_empty_key_changes_nothing(command: Command, keyring: Path) -> None:
    ended = command.apart("keys", "set", "openai", given="\n")
    assert (ended.code, ended.out) == (3, "")
    assert not keyring.exists()

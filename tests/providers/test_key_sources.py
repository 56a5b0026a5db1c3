"""The sources of keys besides the environment."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from imgplay_widget._types import ProviderSpec
from imgplay_widget.providers import Keys
from imgplay_widget.providers._shared.key_sources import read_env_files

SPEC = ProviderSpec(name="cloud", title="Cloud", key_variables=("CLOUD_KEY", "OLD_CLOUD_KEY"))
FREE = ProviderSpec(name="free", title="Free")


class Memory(KeyringBackend):
    """A keyring that keeps secrets and can be locked."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        if self.locked:
            raise KeyringLocked("locked")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked("locked")
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.held.pop((service, username), None) is None:
            raise PasswordDeleteError("not there")


@pytest.fixture
def memory() -> Iterator[Memory]:
    before, backend = keyring.get_keyring(), Memory()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


# ------------------------------------------------------------------ .env


def write(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".env").write_text(text, encoding="utf-8")


def found(folder: Path, home: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    return read_env_files(environ or {}, folder, home)


def test_the_nearest_file_goes_first_and_the_home_ends_the_search(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "home" / "project" / "notebooks"
    write(tmp_path, "OUTSIDE=1")
    write(home, "A=home\nB=home")
    write(project, "A=project")
    assert found(project, home) == {"A": "project", "B": "home"}


def test_the_root_of_the_repository_ends_the_search(tmp_path: Path) -> None:
    write(tmp_path, "A=home")
    write(tmp_path / "repository", "B=repository")
    (tmp_path / "repository" / ".git").mkdir()
    (tmp_path / "repository" / "deep").mkdir()
    assert found(tmp_path / "repository" / "deep", tmp_path) == {"B": "repository"}


def test_outside_of_both_only_the_folder_itself_counts(tmp_path: Path) -> None:
    write(tmp_path, "A=anybody")
    write(tmp_path / "scratch", "B=mine")
    assert found(tmp_path / "scratch", tmp_path / "elsewhere") == {"B": "mine"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=plain", "plain"),
        ("  export KEY = spaced  ", "spaced"),
        ("KEY='single # kept' # comment", "single # kept"),
        ('KEY="double"', "double"),
        ("KEY=with#inside # comment", "with#inside"),
        ("KEY=", ""),
        ("KEY=#nothing", ""),
        ("KEY=   # nothing", ""),
        ("KEY=a=b", "a=b"),
        ("KEY=$HOME/${OTHER}", "$HOME/${OTHER}"),
        ("KEY='one\ntwo'", "one\ntwo"),
        ('KEY="one\\ntwo"', "one\ntwo"),
        ("KEY=windows\r", "windows"),
    ],
)
def test_a_line_is_read_as_people_write_it(tmp_path: Path, line: str, value: str) -> None:
    write(tmp_path, f"# a comment\n\nnot a line\n{line}\n")
    assert found(tmp_path, tmp_path).get("KEY", "") == value


def test_a_value_of_several_lines_does_not_become_other_variables(tmp_path: Path) -> None:
    write(tmp_path, 'ACCOUNT="{\nCLOUD_KEY=inner\n}"\nOTHER=x\n')
    assert found(tmp_path, tmp_path) == {"ACCOUNT": "{\nCLOUD_KEY=inner\n}", "OTHER": "x"}


def test_a_line_that_is_not_understood_is_told_once_and_without_its_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "KEY='never-closed-1742\n")
    assert found(tmp_path, tmp_path) == found(tmp_path, tmp_path) == {}
    assert caplog.text.count("line 1") == 1
    assert "1742" not in caplog.text


@pytest.mark.parametrize("value", ["'a-key'", '"a-key"\r', " a-key \n", '" a-key "'])
def test_a_key_is_cleaned_in_every_source(memory: Memory, tmp_path: Path, value: str) -> None:
    assert Keys({}, {"CLOUD_KEY": value}).get(SPEC) == "a-key"
    assert Keys({"cloud": value}, {}).get(SPEC) == "a-key"
    memory.held["imgplay-widget", "cloud"] = value
    keys = Keys({}, {})
    keys.look([SPEC])
    assert keys.get(SPEC) == "a-key"
    assert keys.remember("cloud", value)
    assert memory.held["imgplay-widget", "cloud"] == "a-key"


def test_what_is_no_such_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert found(tmp_path, tmp_path) == {}
    (tmp_path / ".env").rmdir()
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe")
    assert found(tmp_path, tmp_path) == {}
    (tmp_path / ".env").write_text("A=1\n" * 30_000)
    assert found(tmp_path, tmp_path) == {}


def test_another_file_can_be_named_or_none(tmp_path: Path) -> None:
    write(tmp_path, "A=nearest")
    (tmp_path / "keys.txt").write_text("A=named")
    assert found(tmp_path, tmp_path, {"IMGPLAY_ENV_FILE": str(tmp_path / "keys.txt")}) == {"A": "named"}
    assert found(tmp_path, tmp_path, {"IMGPLAY_ENV_FILE": ""}) == {}
    # A file of a user that there is not is a file that there is not. It stops nothing.
    assert found(tmp_path, tmp_path, {"IMGPLAY_ENV_FILE": "~nobody-of-this-name/keys"}) == {}


def test_a_file_goes_after_the_environment_and_is_read_when_asked(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("OLD_CLOUD_KEY=from the file")
    environ = {"IMGPLAY_ENV_FILE": str(tmp_path / "keys")}
    keys = Keys({}, environ)
    assert keys.state(SPEC) == "missing"
    assert keys.read_env_file()
    assert (keys.get(SPEC), keys.source(SPEC)) == ("from the file", ".env file (OLD_CLOUD_KEY)")
    assert not keys.read_env_file()
    environ["CLOUD_KEY"] = "from the environment"
    assert keys.get(SPEC) == "from the environment"
    assert keys.source(SPEC) == "environment variable CLOUD_KEY"
    keys.set("cloud", "given")
    assert keys.source(SPEC) == "given to this studio"


# ------------------------------------------------------------------ the keyring


def test_the_keyring_is_asked_last_and_only_by_look(memory: Memory) -> None:
    memory.held["imgplay-widget", "cloud"] = "kept\n"
    environ: dict[str, str] = {}
    keys = Keys({}, environ)
    assert keys.state(SPEC) == "missing"
    assert memory.asked == 0
    assert keys.look([SPEC, FREE])
    assert (keys.get(SPEC), keys.source(SPEC)) == ("kept", "system keyring")
    assert keys.state(FREE) == "not_needed"
    assert not keys.look([SPEC])
    environ["CLOUD_KEY"] = "nearer"
    asked = memory.asked
    keys.look([SPEC])
    assert keys.get(SPEC) == "nearer"
    assert memory.asked == asked, "what is there already needs no keyring"


def test_a_key_is_remembered_and_forgotten(memory: Memory) -> None:
    keys = Keys({}, {})
    assert keys.remember("cloud", " kept ")
    assert (keys.get(SPEC), keys.source(SPEC)) == ("kept", "system keyring")
    later = Keys({}, {})
    later.look([SPEC])
    assert later.get(SPEC) == "kept"
    assert later.remember("cloud", None)
    assert later.remember("cloud", None)
    assert memory.held == {}
    assert later.state(SPEC) == "missing"
    assert "kept" not in repr(keys)


def test_a_named_user_has_entries_of_their_own(memory: Memory) -> None:
    memory.held["imgplay-widget", "cloud"] = "of the owner"
    owner, one, other = Keys({}, {}), Keys({}, {}, "user:ann"), Keys({}, {}, "user:bob")
    assert one.remember("cloud", "of ann")
    assert not other.look([SPEC])
    for keys in (owner, one):
        keys.look([SPEC])
    assert [keys.get(SPEC) for keys in (owner, one, other)] == ["of the owner", "of ann", None]
    assert other.remember("cloud", None)
    assert memory.held == {
        ("imgplay-widget", "cloud"): "of the owner",
        ("imgplay-widget", "cloud:user:ann"): "of ann",
    }


def test_a_keyring_that_refuses_leaves_the_key_in_memory(memory: Memory) -> None:
    memory.locked = True
    keys = Keys({}, {})
    assert not keys.look([SPEC])
    assert not keys.remember("cloud", "mine")
    assert (keys.get(SPEC), keys.source(SPEC)) == ("mine", "given to this studio")


def test_without_a_keyring_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    keys = Keys({}, {})
    assert not keys.look([SPEC])
    assert not keys.remember("cloud", "mine")
    assert keys.get(SPEC) == "mine"


def test_a_keyring_that_keeps_nothing_counts_as_none() -> None:
    # The test run itself names keyring.backends.null.
    assert not Keys({}, {}).remember("cloud", "mine")


# ------------------------------------------------------------------ Colab


@pytest.fixture
def colab(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    secrets: dict[str, str] = {}

    def get(name: str) -> str:
        if name not in secrets:
            raise LookupError(name)
        return secrets[name]

    userdata = ModuleType("google.colab.userdata")
    userdata.get = get  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    monkeypatch.setitem(sys.modules, "google.colab.userdata", userdata)
    return secrets


def test_secrets_of_colab_are_found_by_the_variables_names(colab: dict[str, str]) -> None:
    keys = Keys({}, {})
    assert not keys.look([SPEC])
    colab["OLD_CLOUD_KEY"] = "a secret"
    assert keys.look([SPEC])
    assert (keys.get(SPEC), keys.source(SPEC)) == ("a secret", "Colab secret OLD_CLOUD_KEY")


def test_colab_is_asked_on_the_main_thread_only(colab: dict[str, str]) -> None:
    colab["CLOUD_KEY"] = "a secret"
    keys = Keys({}, {})
    thread = threading.Thread(target=keys.look, args=([SPEC],))
    thread.start()
    thread.join()
    assert keys.state(SPEC) == "missing"
    keys.look([SPEC])
    thread = threading.Thread(target=keys.look, args=([SPEC],))
    thread.start()
    thread.join()
    assert keys.state(SPEC) == "set", "what was found on the main thread stays"

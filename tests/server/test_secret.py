"""A browser stays logged in when the server starts again."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from imgplay_widget.server.secret import kept_secret


def test_the_next_server_of_a_store_has_the_same_secret(tmp_path: Path) -> None:
    store = tmp_path / "deep" / "foxes.sqlite"
    secret = kept_secret(store)
    assert len(secret) >= 32
    assert kept_secret(str(store)) == secret
    assert kept_secret(tmp_path / "other.sqlite") != secret


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    kept_secret(tmp_path / "foxes.sqlite")
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"short", "ü".encode() * 40])
def test_a_file_without_a_secret_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """It may be of another server, which is writing it."""
    kept_secret(tmp_path / "foxes.sqlite")
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    first, second = kept_secret(tmp_path / "foxes.sqlite"), kept_secret(tmp_path / "foxes.sqlite")
    assert len(first) >= 32
    assert first != second
    assert file.read_bytes() == content


def test_a_store_in_memory_or_in_no_folder_keeps_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for store in ("sqlite://", tmp_path / "file" / "foxes.sqlite"):
        assert kept_secret(store) != kept_secret(store)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

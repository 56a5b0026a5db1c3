"""A kernel that is killed while it brings an old history up to date."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imgplay_widget._store.migrations import STEPS
from imgplay_widget._store.store import Store
from tests.faults.conftest import ROOT, WAIT, rows

DATABASES = ROOT / "tests" / "store" / "databases"

KILLED = """
import os, signal, sys
from imgplay_widget._store import migrations
from imgplay_widget._store.store import Store
number, when = int(sys.argv[2]), sys.argv[3]
step = migrations.STEPS[number - 1]
def struck(connection):
    if when == "after":
        step(connection)
    os.kill(os.getpid(), signal.SIGKILL)
struck.__name__ = step.__name__
migrations.STEPS = (*migrations.STEPS[:number - 1], struck, *migrations.STEPS[number:])
Store.open(sys.argv[1])
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(2, len(STEPS) + 1))
def test_a_kernel_that_is_killed_in_a_migration_leaves_a_history_that_opens(tmp_path: Path, number, when):
    file = tmp_path / "history.sqlite"
    shutil.copy(DATABASES / "v0001.sqlite", file)
    shutil.copytree(DATABASES / "v0001.assets", tmp_path / "history.assets")
    command = [sys.executable, "-c", KILLED, str(file), str(number), when]
    assert subprocess.run(command, timeout=WAIT, check=False).returncode == -signal.SIGKILL
    assert rows(file, "SELECT max(number) FROM image_migrations") == [(number - 1,)]

    store = Store.open(file)
    (topic,) = store.topics()
    (entry,) = store.feed(topic.id).entries
    assert (topic.title, entry.batch.prompt) == ("Foxes", "a red fox, 雪")
    assert store.assets.read(entry.generations[0].asset.url)
    store.close()
    assert rows(file, "SELECT max(number) FROM image_migrations") == [(len(STEPS),)]
    assert rows(file, "PRAGMA integrity_check") == [("ok",)]

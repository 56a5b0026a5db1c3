"""The commands that read the history, and those that copy it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from imgplay_widget.testing import png
from tests.command.conftest import Command


def test_topics_batches_and_costs_are_told_as_json_and_as_tables(
    command: Command, made: dict[str, Any]
) -> None:
    topics = command("topics", "--json").json["topics"]
    assert [(topic["id"], topic["title"], topic["images"]) for topic in topics] == [
        (made["topicId"], "foxes", 2)
    ]
    assert command("search", "fox", "--topic", "foxes", "--json").json == {"batches": [made]}
    assert command("search", "wolf", "--json").json == {"batches": []}
    spent = command("spent", "--since", "today", "--json").json
    assert (spent["usd"], spent["images"], spent["byModel"]["demo:instant"]["images"]) == (0.0, 2, 2)
    assert made["id"] in command("search").out
    assert "foxes" in command("topics").out
    paths = command("search", "--paths").out.splitlines()
    assert paths == [one["path"] for one in made["generations"]]


def test_an_unknown_topic_is_refused(command: Command, made: dict[str, Any]) -> None:
    ended = command("search", "--topic", "wolves", "--json")
    assert (ended.code, ended.json["code"]) == (3, "not_found")
    assert set(ended.json) == {"code", "message", "nextStep"}


def test_a_history_is_exported_backed_up_and_restored(command: Command, made: dict[str, Any]) -> None:
    assert command("export", "album", "--format", "jsonl").out == "album\n"
    lines = (command.folder / "album" / "images.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [one["id"] for one in made["generations"]]
    assert command("backup", "foxes.zip", "--json").json == {"path": "foxes.zip"}
    again = command("backup", "foxes.zip")
    assert (again.code, again.out) == (3, "")
    restored = command("restore", "foxes.zip", "--store", "restored.sqlite")
    assert (restored.code, Path(restored.out.strip()).name) == (0, "restored.sqlite")
    found = command("search", "--store", "restored.sqlite", "--json").json["batches"]
    assert [batch["id"] for batch in found] == [made["id"]]


def test_a_folder_comes_in_and_a_file_tells_its_recipe(command: Command, made: dict[str, Any]) -> None:
    one = made["generations"][0]
    told = command("recipe", one["path"], "--json").json
    assert (told["generation_id"], told["tool"]) == (one["id"], "imgplay-widget")
    assert "prompt: " in command("recipe", one["path"]).out
    nothing = command.folder / "pictures" / "plain.png"
    nothing.parent.mkdir()
    nothing.write_bytes(png())
    ended = command("recipe", str(nothing), "--json")
    assert (ended.code, ended.json["code"]) == (3, "no_recipe")
    report = command("import", "pictures", "--topic", "From a folder", "--json").json
    assert (report["withRecipe"], report["withoutRecipe"], report["skipped"]) == (0, 1, {})
    assert command("import", "pictures", "--topic", "From a folder").out.endswith("1 was there already.\n")
    assert command("import", "gone").code == 3


def test_a_store_that_is_not_there_is_refused_and_not_made(command: Command) -> None:
    ended = command("topics", "--json")
    assert (ended.code, ended.json["code"]) == (3, "not_found")
    assert not command.store.exists()


def test_looking_at_a_history_that_has_not_begun_makes_none(command: Command, tmp_path: Path) -> None:
    data = tmp_path / "data"
    command.store = None
    ended = command("topics", "--json", XDG_DATA_HOME=str(data))
    assert (ended.code, ended.json) == (0, {"topics": []})
    assert not data.exists()


def test_a_reader_that_leaves_ends_the_command_quietly(command: Command, made: dict[str, Any]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = command.apart("search", "--paths", stdout=writer)
    os.close(writer)
    assert (ended.code, ended.err) == (141, "")


def test_output_is_utf_8_whatever_the_terminal_says(command: Command) -> None:
    command("generate", "ein Fuchs – 狐", "-m", "demo:instant", "-p", "width=256", "-p", "height=256")
    ended = command.apart(
        "search", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
    )
    assert (ended.code, ended.err) == (0, "")
    assert "ein Fuchs – 狐" in ended.out


def test_images_that_cannot_be_saved_stay_in_the_history(command: Command) -> None:
    (command.folder / "file").write_text("")
    ended = command("generate", "a fox", "-m", "demo:instant", "-o", "file/below", "--json")
    assert (ended.code, ended.json["code"]) == (3, "invalid_request")
    assert not command.store.exists()

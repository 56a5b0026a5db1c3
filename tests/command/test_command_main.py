"""The arguments, the streams and the start of `imgplay`."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from imgplay_widget import Studio
from tests.command.conftest import ROOT, Command, open_terminal, read_all

HEAVY = ("sqlalchemy", "httpx", "pydantic", "PIL", "tornado", "anyio", "tqdm", "imgplay_widget._engine")


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_version_and_help_import_no_engine(argument: str) -> None:
    code = (
        "import sys\nfrom imgplay_widget._command.main import main\n"
        f"try:\n    main([{argument!r}])\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert done.stdout.startswith("imgplay 0." if argument == "--version" else "usage: imgplay")


def test_the_script_of_the_package_leads_to_the_command() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, name = scripts["imgplay"].partition(":")
    assert getattr(import_module(module), name) is import_module("imgplay_widget._command.main").main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("teleport",), "teleport"),
        (("topics", "--nonsense"), "--nonsense"),
        (("generate", "a fox", "an owl"), "an owl"),
        (("generate", "a fox", "-p", "width"), "NAME=VALUE"),
        (("generate", "a fox", "--budget", "much"), "amount"),
        (("spent", "--since", "once"), "time"),
    ],
)
def test_wrong_arguments_end_with_2_and_as_json_where_asked(
    command: Command, arguments: tuple[str, ...], words: str
) -> None:
    said = command(*arguments)
    assert (said.code, said.out) == (2, "")
    assert "usage: imgplay" in said.err
    assert words in said.err
    document = command(*arguments, "--json")
    assert (document.code, set(document.json), document.err) == (2, {"code", "message", "nextStep"}, "")
    assert (document.json["code"], words in document.json["message"]) == ("usage", True)


def test_without_a_command_the_help_is_shown(command: Command) -> None:
    ended = command()
    assert (ended.code, ended.out) == (2, "")
    assert "imgplay doctor" in ended.err


def test_store_and_json_may_stand_before_the_command(command: Command) -> None:
    command.store = None
    ended = command("--store", "gone.sqlite", "--json", "topics")
    assert (ended.code, ended.json["code"]) == (3, "not_found")
    assert "gone.sqlite" in ended.json["message"]


def test_presets_are_listed_and_used(command: Command) -> None:
    with Studio(command.store) as studio:
        empty = command("presets")
        assert (empty.code, empty.out) == (0, "")
        assert "There is no preset yet" in empty.err
        studio.presets["poster"] = {"model": "demo:instant", "width": 256, "height": 256, "suffix": ", flat"}
    assert command("presets", "--json").json["presets"] == [
        {
            "name": "poster",
            "model": "demo:instant",
            "parameters": {"width": 256, "height": 256},
            "prefix": "",
            "suffix": ", flat",
            "gone": False,
        }
    ]
    assert "width=256, height=256" in command("presets").out
    made = command("generate", "a fox", "--preset", "poster", "-p", "vivid=0.5", "--json").json["batches"][0]
    assert (made["prompt"], made["config"]["width"], made["config"]["vivid"]) == ("a fox, flat", 256, 0.5)
    wrong = command("generate", "a fox", "--preset", "postr")
    assert (wrong.code, wrong.out) == (3, "")
    assert "There is no preset 'postr'. Did you mean 'poster'?" in wrong.err


def test_models_are_filtered_and_the_last_one_shows_its_parameters(command: Command) -> None:
    command.store = None
    found = command("models", "demo", "--references", "--json").json["models"]
    assert {model["provider"] for model in found} == {"demo"}
    assert all(model["references"] and model["key"] == "not_needed" for model in found)
    shown = command("models", "demo:instant")
    assert "Demo Instant" in shown.out
    assert "256 to 2048 in steps of 64" in shown.out
    ready = command("models", "--ready", "--json").json["models"]
    assert {model["key"] for model in ready} == {"not_needed"}
    assert command("models", "--provider", "nobody").code == 3


@pytest.mark.parametrize(("environ", "colours"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_appear_in_a_terminal_only(command: Command, environ: dict[str, str], colours: bool) -> None:
    terminal, inner = open_terminal()
    command.environ |= {"TERM": "xterm"} | environ
    command.environ.pop("NO_COLOR", None) if colours else None
    process = command.start("doctor", "--offline", stdout=inner)
    os.close(inner)
    seen = read_all(terminal).decode()
    assert command.ended(process).code == 0
    assert "Versions" in seen
    assert ("\x1b[" in seen) is colours


def test_a_bar_shows_the_progress_in_a_terminal_and_leaves_the_output_alone(command: Command) -> None:
    terminal, inner = open_terminal()
    arguments = (
        "generate",
        "a fox",
        "-m",
        "demo:slow",
        "-p",
        "seconds=1",
        "-p",
        "width=256",
        "-p",
        "height=256",
    )
    process = command.start(*arguments, stderr=inner)
    os.close(inner)
    seen = read_all(terminal).decode()
    ended = command.ended(process)
    assert ended.code == 0
    assert "%" in seen
    assert "1 image" in seen
    assert Path(ended.out.strip()).is_file()

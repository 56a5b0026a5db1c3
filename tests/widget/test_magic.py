"""`%imagine` and `%%imagine` in a real shell of IPython: prompts, flags, errors, and the studio they use."""

from __future__ import annotations

import subprocess
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell

from imgplay_widget import Batches, BatchHandle, ImagePlayground, Studio
from imgplay_widget._studio.studio import newest_studio
from imgplay_widget._widget.magic import words_of
from imgplay_widget.errors import InvalidRequest, NotFound, UnknownParameter
from imgplay_widget.testing import FakeProvider, mask_png, png

WAIT = 20


@pytest.fixture
def studio(tmp_path):
    with Studio(tmp_path / "s.sqlite", providers=[FakeProvider()]) as opened:
        opened.model = "fake:image"
        yield opened


@pytest.fixture
def shell():
    found = InteractiveShell()
    found.run_line_magic("load_ext", "imgplay_widget")
    yield found
    found.history_manager.end_session()
    InteractiveShell.clear_instance()


def run(shell, cell):
    """Run a cell, and return its value or raise its error."""
    ran = shell.run_cell(cell)
    ran.raise_error()
    return ran.result


# ------------------------------------------------------------------ the prompt


def test_the_words_of_a_line_are_the_prompt(shell, studio):
    batch = run(shell, "%imagine a red fox --n 2 --width 128 in snow")
    assert isinstance(batch, BatchHandle)
    assert (batch.prompt, len(batch), batch.params["width"]) == ("a red fox in snow", 2, 128)
    assert batch.result(WAIT) in studio.batches()


def test_the_text_of_a_cell_is_one_prompt_of_several_lines(shell, studio):
    batch = run(shell, "%%imagine -m fake:sheet -n 2\na red fox\n\n  in 'snow' --width\n")
    assert batch.prompt == "a red fox\n\n  in 'snow' --width"
    assert batch.model == "fake:sheet"


def test_the_value_of_a_line_can_be_kept(shell, studio):
    run(shell, "fox = %imagine a fox")
    assert shell.user_ns["fox"].prompt == "a fox"


def test_a_batch_is_kept_in_a_variable(shell, studio):
    batch = run(shell, "%%imagine -o foxes\na fox")
    assert shell.user_ns["foxes"] is batch


def test_braces_are_not_variables_of_python(shell, studio):
    shell.user_ns |= {"name": "fox", "cell": "x"}
    assert run(shell, "%imagine a {name} for $name").prompt == "a {name} for $name"
    assert run(shell, "%%imagine\na {name} for $name").prompt == "a {name} for $name"


def test_a_pattern_is_one_request_for_each_prompt(shell, studio):
    batches = run(shell, "%%imagine -o both\na {red|blue} fox")
    assert isinstance(batches, Batches)
    assert [batch.prompt for batch in batches] == ["a red fox", "a blue fox"]
    assert shell.user_ns["both"] is batches
    assert len({batch.topic_id for batch in batches}) == 1
    with pytest.raises(InvalidRequest, match="The pattern has 17 prompts"):
        run(shell, "%%imagine\na {" + "|".join(map(str, range(17))) + "} fox")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  a  fox ", ["a", "fox"]),
        ('"a  fox" x', ["a  fox", "x"]),
        ("'a \"red\" fox'", ['a "red" fox']),
        (r'"a \"red\" \\ fox"', ['a "red" \\ fox']),
        ("the fox's and the cat's", ["the", "fox's", "and", "the", "cat's"]),
        ('--style="oil paint" x=""', ["--style=oil paint", "x="]),
        ('a "red", fox', ["a", "red,", "fox"]),
    ],
)
def test_quotation_marks_are_those_of_a_shell(line, words):
    assert words_of(line) == words


# ------------------------------------------------------------------ flags


def test_every_parameter_of_the_model_is_a_flag(shell, studio):
    flags = "--no-grain --vivid=0.5 --negative-prompt 'a cat' -p style=soft --seed 7"
    batch = run(shell, f"%imagine a fox -m demo:instant {flags}")
    assert batch.params["grain"] is False
    assert (batch.params["vivid"], batch.params["style"]) == (0.5, "soft")
    assert (batch.params["negative_prompt"], batch[0].seed) == ("a cat", 7)


def test_a_preset_and_a_topic(shell, studio):
    studio.presets["poster"] = {"model": "demo:instant", "width": 768, "suffix": ", flat"}
    batch = run(shell, "%imagine a fox --preset poster --topic Foxes --vivid 0.5")
    assert (batch.model, batch.prompt, batch.params["width"]) == ("demo:instant", "a fox, flat", 768)
    assert batch.params["vivid"] == 0.5
    batch.result(WAIT)
    assert [topic.title for topic in studio.topics] == ["Foxes"]


def test_the_cache_and_the_consent_to_pay(shell, studio, monkeypatch):
    first = run(shell, "%imagine a fox").result(WAIT)
    assert run(shell, "%imagine a fox --cache").id == first.id
    studio.cache = True
    assert run(shell, "%imagine a fox --no-cache").id != first.id
    asked = []
    real = Studio.generate
    monkeypatch.setattr(Studio, "generate", lambda *a, **k: asked.append(k["confirm"]) or real(*a, **k))
    run(shell, "%imagine an owl")
    run(shell, "%imagine an owl --confirm")
    assert asked == [False, True]


def test_input_images_are_files_or_variables(shell, studio, tmp_path):
    (tmp_path / "fox.png").write_bytes(png(64, 64))
    shell.user_ns["hole"] = mask_png(64, 64, free=(0, 0, 32, 64))
    batch = run(shell, f"%imagine at night --reference '{tmp_path / 'fox.png'}' --mask hole")
    assert len(studio._core.call(studio._core.engine.entry, batch.id).batch.inputs) == 2


def test_what_follows_two_dashes_is_the_prompt(shell, studio):
    assert run(shell, "%imagine --n 1 -- a -n fox --width").prompt == "a -n fox --width"


def test_help_lists_the_flags_and_the_parameters_of_the_model(shell, studio, capsys):
    assert run(shell, "%imagine -m demo:instant --help") is None
    out = capsys.readouterr().out
    for text in (
        "%imagine PROMPT",
        "--preset NAME",
        "--no-cache",
        "parameters of demo:instant",
        "256 to 2048",
    ):
        assert text in out
    assert studio.batches() == []


@pytest.mark.parametrize(
    ("cell", "error", "words"),
    [
        ("%imagine a fox --widht 512", UnknownParameter, "There is no flag '--widht'"),
        ("%imagine a fox --widht 512", UnknownParameter, "Did you mean --width"),
        ("%imagine a fox -p widht=512", UnknownParameter, "Did you mean width?"),
        ("%imagine a fox -m fake:imgae", NotFound, "Did you mean fake:image"),
        ("%imagine a fox --preset postr", NotFound, "There is no preset 'postr'"),
        ("%imagine a fox --n x", InvalidRequest, "invalid int value"),
        ("%imagine a fox --n", InvalidRequest, "expected one argument"),
        ("%imagine a fox --n 99", InvalidRequest, "n=99 is out of range"),
        ("%imagine a fox --width big", InvalidRequest, "width='big' is not a whole number"),
        ("%imagine", InvalidRequest, "prompt is empty"),
        ("%imagine 'a fox", InvalidRequest, "is not closed"),
        ("%%imagine a fox\nin snow", InvalidRequest, "which has only flags"),
        ("%%imagine -o for\na fox", InvalidRequest, "is not the name of a variable"),
        ("%%imagine -o a.b\na fox", InvalidRequest, "is not the name of a variable"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_sent(shell, studio, capsys, cell, error, words):
    with pytest.raises(error) as refused:
        run(shell, cell)
    assert words in str(refused.value)
    assert studio.batches() == []
    # The cell shows the error of the house, and no way through the code.
    assert capsys.readouterr().out.strip() == f"{error.__name__}: {refused.value}"


# ------------------------------------------------------------------ the studio


def test_the_newest_studio_that_is_open_is_used(shell, tmp_path):
    with Studio(tmp_path / "a.sqlite") as first, Studio(tmp_path / "b.sqlite") as second:
        assert run(shell, "%imagine a fox -m demo:instant") in second.batches()
        widget = ImagePlayground(studio=first)
        assert newest_studio() is first
        assert run(shell, "%imagine an owl -m demo:instant") in first.batches()
        widget.close()
        first.close()
        assert newest_studio() is second


def test_a_studio_that_nobody_holds_is_not_kept(tmp_path):
    held = Studio(tmp_path / "a.sqlite")
    dropped = Studio(tmp_path / "b.sqlite")
    dropped.close()
    del dropped
    assert newest_studio() is held
    held.close()


def test_without_a_studio_the_history_of_the_user_is_opened_once(shell, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("imgplay_widget._studio.studio._used", [])
    batch = run(shell, "%imagine a fox -m demo:instant").result(WAIT)
    opened = newest_studio()
    assert str(tmp_path) in opened.location
    assert run(shell, "%imagine a fox -m demo:instant --cache").id == batch.id
    # A playground on the same history shows this very studio.
    widget = ImagePlayground()
    assert widget.studio is opened
    widget.close()
    assert newest_studio() is opened
    # A closed studio is opened again by the next cell that needs one, also where a playground still shows it.
    shown = ImagePlayground()
    opened.close()
    again = run(shell, "%imagine an owl -m demo:instant").result(WAIT)
    reopened = newest_studio()
    assert reopened is not opened
    assert [found.id for found in reopened.batches()] == [again.id, batch.id]
    shown.close()
    other = ImagePlayground()
    assert other.studio is reopened
    reopened.close()
    other.close()


def test_loading_the_extension_imports_no_studio():
    code = (
        "import sys\nfrom IPython.core.interactiveshell import InteractiveShell\n"
        "before = set(sys.modules)\n"
        "InteractiveShell().run_line_magic('load_ext', 'imgplay_widget')\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new & {'sqlalchemy', 'httpx', 'PIL', 'anywidget', 'pydantic', 'duckdb'}))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"

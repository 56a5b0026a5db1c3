"""What each provider sends is what was reviewed. `situations` says what is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgplay_widget.providers._shared.hiding import redact, without_key
from imgplay_widget.providers.registry import BUILT_IN
from imgplay_widget.testing.contract import KEY
from imgplay_widget.testing.recording import compare
from tests.providers.fuzz import FORMS
from tests.providers.situations import recorded

WIRE = Path(__file__).parent / "wire"
SILENT = {"demo", "diffusers"}
"""The providers that send nothing, because they draw in this process."""


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_provider_sends_what_was_reviewed(name):
    text = recorded(name)
    assert (not text) == (name in SILENT)
    if text:
        compare(text, WIRE / f"{name}.txt")


def test_each_file_belongs_to_a_provider():
    assert {path.stem for path in WIRE.iterdir()} == {*BUILT_IN} - SILENT


@pytest.mark.parametrize("path", sorted(WIRE.iterdir()), ids=lambda path: path.stem)
def test_no_file_holds_a_key(path):
    text = path.read_text(encoding="utf-8")
    assert without_key(text, KEY) == text
    assert not [form for form in FORMS if form.lower() in text.lower()]
    for line in text.splitlines():
        # A partner of Hugging Face has a name that looks like a key.
        plain = line.replace("hf-inference", "inference")
        assert redact(plain).replace("…", "<key>") == plain

"""Models that their providers end: the data, and the report for maintainers.

No test compares with today, so that none begins to fail by the date alone.
"""

from __future__ import annotations

import runpy
from datetime import date
from pathlib import Path

from imgplay_widget.providers import Registry

SCRIPT = Path(__file__).parents[2] / "scripts" / "retired_models.py"

MODELS = {model.name: model for one in Registry(entries=[]).providers() for model in one.models()}
ENDING = [model for model in MODELS.values() if model.retired_on]


def test_a_successor_is_a_model_of_the_catalog_that_lasts_longer() -> None:
    assert ENDING
    for model in ENDING:
        successor = MODELS[f"{model.provider}:{model.successor}"]
        assert successor.retired_on is None or successor.retired_on > str(model.retired_on)


def test_the_report_names_what_ended_and_what_ends_soon() -> None:
    report = runpy.run_path(str(SCRIPT))["report"]
    assert report(date(2026, 1, 1)) == []
    lines = report(date(2026, 11, 30))
    assert lines[0] == "openai:dall-e-2 ended on 2026-05-12, then openai:gpt-image-2.6-flare"
    assert "xai:grok-imagine-image-pro ended on 2026-05-15, then xai:grok-imagine-image-2.0" in lines
    assert "openai:gpt-image-1.5 ends on 2026-12-01, then openai:gpt-image-2" in lines
    assert "gemini:gemini-3.1-flash-image ended on 2026-10-29, then gemini:gemini-nano-banana-2.1" in lines
    assert not any("gemini-2.5-flash-image" in line for line in lines)
    assert len(report(date(2030, 1, 1))) == len(ENDING)

"""Which names in an answer are the requested model, and which are another one."""

from __future__ import annotations

import pytest

from imgplay_widget._rules.served import is_another

VERSION = "f" * 64


@pytest.mark.parametrize(
    ("requested", "served"),
    [
        ("gpt-image-2", "gpt-image-2"),
        ("gpt-image-2", "GPT-Image-2"),
        ("gpt-image-2", "gpt-image-2-2026-04-21"),
        ("gpt-image-2-2026-04-21", "gpt-image-2"),
        ("chatgpt-image-latest", "chatgpt-image-2026-04-21"),
        ("doubao-seedream-5-0-pro", "doubao-seedream-5-0-pro-260628"),
        ("grok-imagine-image-quality", "grok-imagine-image-quality-20260403"),
        ("imagen-4", "imagen-4-001"),
        ("gemini-nano-banana-2.1", "models/gemini-nano-banana-2.1"),
        ("openai/gpt-image-2", "gpt-image-2-2026-04-21"),
        ("openai/gpt-image-2:free", "openai/gpt-image-2"),
        ("black-forest-labs/flux-dev", f"black-forest-labs/flux-dev:{VERSION}"),
        ("sd-xl.safetensors", "sd-xl"),
        ("ep-20260101120000-abcde", "doubao-seedream-5-0-pro-260628"),
    ],
)
def test_a_date_a_version_and_a_route_are_the_same_model(requested, served):
    assert not is_another(requested, served)


@pytest.mark.parametrize(
    ("requested", "served"),
    [
        ("grok-imagine-image-quality", "grok-imagine-image-2.0"),
        ("grok-imagine-image", "grok-imagine-image-2.0"),
        ("gpt-image-1", "gpt-image-1.5"),
        ("gpt-image-1", "gpt-image-1-mini"),
        ("gpt-image-1", "gpt-image-10"),
        ("gpt-image-2-2026-04-21", "gpt-image-2-2026-09-08"),
        ("gemini-3-pro-image", "gemini-3-flash-image"),
        ("google/flux", "acme/flux"),
        (f"acme/paint:{VERSION}", f"acme/paint:{'0' * 64}"),
        ("Qwen/Qwen-Image", "Qwen/Qwen-Image-Edit-2509"),
    ],
)
def test_another_name_number_or_date_is_another_model(requested, served):
    assert is_another(requested, served)

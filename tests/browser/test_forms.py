"""The config panel comes from data: every parameter has a control, and the page sends its value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from scripts.lab import WAIT, Notebook, View

pytestmark = pytest.mark.browser

# The catalog of a plug-in: a model with every kind of parameter, and a model with few, narrow ones.
CATALOG = """
from imgplay_widget._types import ModelSpec, Parameter, Price
from imgplay_widget.providers.openai import OpenAI
from imgplay_widget.testing import FakeProvider

def edge(name, maximum):
    return Parameter(name=name, type="integer", kind=name, title=name.title(), minimum=64, maximum=maximum,
                     step=64, default=64)

def text(name, kind=None, **more):
    return Parameter(name=name, type="string", kind=kind, title=name.replace("_", " ").capitalize(), **more)

def number(name, type="number", **more):
    return Parameter(name=name, type=type, title=name.capitalize(), **more)

def switch(name, **more):
    return Parameter(name=name, type="boolean", title=name.capitalize(), **more)

SEED = Parameter(name="seed", type="integer", kind="seed", title="Seed", minimum=0, maximum=2**31 - 1)
SAMPLERS = ("euler", "euler_a", "dpmpp_2m", "ddim")
EVERY = ModelSpec(
    provider="made_up", id="every", title="Every kind", seed="exact",
    price=Price(amount="0.04", unit="image", note="November 2026"),
    parameters=(
        edge("width", 2048), edge("height", 2048), SEED,
        text("size", choices=("auto", "1024x1024", "1536x1024", "1024x1536"), default="auto"),
        text("aspect_ratio", "aspect_ratio", choices=("1:1", "16:9", "9:16")),
        text("resolution", choices=("1K", "2K", "4K"), default="1K"),
        text("quality", choices=("auto", "low", "medium", "high"), default="auto"),
        text("output_format", choices=("png", "jpeg", "webp"), default="png"),
        number("cfg", minimum=1, maximum=20, step=0.5, default=7.0),
        number("steps", "integer", minimum=1, maximum=50, default=20),
        number("strength", minimum=0, maximum=1),
        text("negative_prompt", max_length=400),
        text("sampler", choices=SAMPLERS, default="euler"),
        text("scheduler", choices=("normal", "karras")),
        switch("expansion", default=True),
        switch("watermark"),
        text("extra_text", max_length=40),
        number("extra", advanced=True),
    ),
)
NARROW = ModelSpec(
    provider="made_up", id="narrow", title="Narrow", seed="exact",
    parameters=(
        edge("width", 512), edge("height", 512), SEED,
        number("steps", "integer", minimum=1, maximum=30, default=10),
        text("sampler", choices=SAMPLERS[:2], default="euler"),
        text("aspect_ratio", "aspect_ratio", choices=("1:1", "16:9")),
    ),
)

class MadeUp(FakeProvider):
    def models(self):
        return (EVERY, NARROW)

made_up = MadeUp(name="made_up")
"""
SENT = """
import json
unit = made_up.submits[-1]
print(json.dumps([unit.model, {**unit.params, "seed": unit.seeds[0]}]))
"""


@pytest.fixture
def notebook(open_notebook, store: Path) -> Notebook:
    show = (
        "from imgplay_widget import ImagePlayground\n"
        'local = OpenAI("http://127.0.0.1:9/v1", name="local", key_variables=())\n'
        f"pg = ImagePlayground(store={str(store)!r}, providers=[made_up, local])\npg"
    )
    notebook = open_notebook([CATALOG + show, SENT])
    notebook.run(0)
    return notebook


@pytest.fixture
def panel(view: View) -> Locator:
    return view.part("config-panel")


def sent(notebook: Notebook) -> tuple[str, dict[str, object]]:
    """Return the model's id and the parameters of the last call."""
    notebook.run(1)
    model, params = json.loads(notebook.text(1))
    return model, params


def number(panel: Locator, title: str) -> Locator:
    return panel.get_by_role("spinbutton", name=title, exact=True)


def choose(panel: Locator, title: str, label: str) -> None:
    panel.get_by_role("combobox", name=title, exact=True).select_option(label=label)


def press(panel: Locator, group: str, name: str) -> None:
    panel.get_by_role("group", name=group, exact=True).get_by_role("button", name=name, exact=True).click()


def write(field: Locator, value: str) -> None:
    field.fill(value)
    field.press("Tab")


def test_each_kind_of_parameter_has_a_control_and_is_sent(
    notebook: Notebook, view: View, panel: Locator
) -> None:
    view.choose_model("made_up:every")
    press(panel, "Ratio", "16:9")
    write(view.part("width"), "640")
    write(view.part("height"), "320")
    write(view.part("seed"), "7")
    press(panel, "Size", "1536 × 1024")
    press(panel, "Aspect ratio", "9:16")
    press(panel, "Resolution", "2K")
    press(panel, "Quality", "High")
    press(panel, "Output format", "WEBP")
    write(number(panel, "Cfg"), "7.3")
    panel.get_by_role("slider", name="Steps").fill("31")
    panel.get_by_role("slider", name="Strength").fill("0.25")
    view.part("add-negative").click()
    view.part("negative-prompt").fill("blur, text")
    choose(panel, "Sampler", "dpmpp_2m")
    press(panel, "Scheduler", "Karras")
    panel.get_by_role("switch", name="Expansion").uncheck()
    press(panel, "Watermark", "Off")
    panel.get_by_label("Extra text").fill("later")
    panel.get_by_text("Advanced").click()
    write(number(panel, "Extra"), "-2.5")

    expect(panel.get_by_role("switch", name="Expansion")).not_to_be_checked()
    view.part("count-2").click()
    expect(view.part("estimate")).to_have_text("≈ $0.08")
    view.generate("a fox", 1)
    view.expect_images(1)
    model, params = sent(notebook)

    assert model == "every"
    # 7.3 is between two steps; the form shows and sends the nearest one.
    assert params == {
        "width": 640,
        "height": 320,
        "seed": 7,
        "size": "1536x1024",
        "aspect_ratio": "9:16",
        "resolution": "2K",
        "quality": "high",
        "output_format": "webp",
        "cfg": 7.5,
        "steps": 31,
        "strength": 0.25,
        "negative_prompt": "blur, text",
        "sampler": "dpmpp_2m",
        "scheduler": "karras",
        "expansion": False,
        "watermark": False,
        "extra_text": "later",
        "extra": -2.5,
    }


def test_another_model_changes_the_form_at_once_and_keeps_what_fits(
    notebook: Notebook, view: View, panel: Locator
) -> None:
    view.choose_model("made_up:every")
    write(view.part("seed"), "9")
    panel.get_by_role("slider", name="Steps").fill("28")
    choose(panel, "Sampler", "dpmpp_2m")
    press(panel, "Aspect ratio", "16:9")
    write(view.part("width"), "1024")

    view.choose_model("made_up:narrow")
    expect(view.part("add-negative")).to_be_disabled()
    expect(view.part("estimate")).to_have_count(0)
    expect(view.part("seed")).to_have_value("9")
    expect(number(panel, "Steps")).to_have_value("28")
    # This model has neither this sampler nor this size.
    expect(view.part("width")).to_have_value("64")
    view.generate("a fox", 1)
    view.expect_images(1)
    assert sent(notebook) == (
        "narrow",
        {"width": 64, "height": 64, "seed": 9, "steps": 28, "sampler": "euler", "aspect_ratio": "16:9"},
    )


def test_any_model_can_be_named_and_a_wrong_one_is_explained(view: View) -> None:
    view.part("model-select").click()
    view.part("other-model").click()
    view.part("other-provider").select_option("made_up")
    view.part("other-id").fill("evry")
    view.part("other-use").click()
    expect(view.part("other-error")).to_contain_text("made_up:evry")
    expect(view.part("other-id")).to_be_focused()

    view.part("other-provider").select_option("local")
    view.part("other-id").fill("my-model")
    view.part("other-id").press("Enter")
    expect(view.part("model-select")).to_have_text("my-model")
    view.part("prompt").fill("a fox")
    expect(view.part("generate")).to_be_enabled()


def test_the_configured_model_of_a_server_without_a_list_is_there_after_a_reload(
    notebook: Notebook, view: View
) -> None:
    view.part("model-select").click()
    view.part("other-model").click()
    view.part("other-provider").select_option("local")
    view.part("other-id").fill("my-model")
    view.part("other-use").click()
    expect(view.part("model-select")).to_have_text("my-model")
    # The kernel has the change when it has answered a later request.
    view.part("prompt").fill("a fox")
    view.part("generate").click()
    expect(view.tiles("error")).to_have_count(1, timeout=WAIT)

    notebook.reload()
    again = notebook.view()
    expect(again.part("model-select")).to_have_text("my-model")
    again.part("prompt").fill("a fox")
    expect(again.part("generate")).to_be_enabled()


def test_one_click_asks_two_models_for_each_prompt_and_goes_on_after_a_reload(
    notebook: Notebook, view: View
) -> None:
    view.choose_model("demo:instant")
    view.part("model-select").click()
    view.part("model-search").fill("made_up:narrow")
    view.part("model-search").press("ControlOrMeta+Enter")
    view.part("model-search").press("Escape")
    expect(view.part("also-model")).to_have_text(["Narrow"])
    view.part("count-1").click()
    view.part("prompt").fill("a {red|blue} fox")
    expect(view.part("generate")).to_have_text("Generate 4")
    view.part("generate").click()

    expect(view.topics()).to_have_count(1, timeout=WAIT)
    expect(view.topics()).to_contain_text("4 images", timeout=WAIT)
    # The feed draws only the rows near the screen. The newest two are compared.
    for index, model in enumerate(("Narrow", "Demo Instant")):
        batch = view.batches().nth(index)
        expect(batch).to_contain_text("a blue fox")
        expect(batch).to_contain_text(model)
        view.expect_decoded(batch.get_by_test_id("tile-image"))
    expect(view.part("prompt")).to_have_value("a {red|blue} fox")

    notebook.reload()
    again = notebook.view()
    expect(again.part("also-model")).to_have_text(["Narrow"])
    expect(again.part("prompt")).to_have_value("a {red|blue} fox")
    expect(again.part("generate")).to_have_text("Generate 4")

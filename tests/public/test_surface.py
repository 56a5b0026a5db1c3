"""The public surface: which names there are, that each is documented, and that each call is written once."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields

import pytest

import imgplay_widget.errors
import imgplay_widget.providers
from imgplay_widget import (
    BatchHandle,
    GenerationHandle,
    ImagePlayground,
    Studio,
    SweepHandle,
    TopicHandle,
)
from imgplay_widget._studio import handles, inputs
from imgplay_widget._studio.api import StudioApi
from imgplay_widget._studio.options import StudioKeywords, StudioOptions
from imgplay_widget.errors import NotFound, StudioClosed
from imgplay_widget.testing import FakeProvider, Gate, open_studio, picture

WAIT = 20

CALLS = {
    "add_reference",
    "add_server",
    "add_workflow",
    "backup",
    "batches",
    "budget",
    "cache",
    "check",
    "choose_cover",
    "clear_references",
    "delete",
    "estimate",
    "export",
    "generate",
    "history",
    "improve",
    "models",
    "move",
    "new_topic",
    "on_generation",
    "pin_topic",
    "presets",
    "progress",
    "recipe_of",
    "recover",
    "import_folder",
    "references",
    "refresh_models",
    "remove_server",
    "rename_topic",
    "restore",
    "save_zip",
    "search",
    "set_key",
    "spent",
    "sql",
    "star",
    "sweep",
    "sweeps",
    "topics",
}
"""What a studio and a playground can both do. A new name here is a decision."""

PANEL = {"model", "n", "params", "prompt", "selected"}
"""What the page shows: attributes of a studio, and traits of a playground."""

NAMES = {
    Studio: CALLS | PANEL | {"active_topic", "close", "location", "notices"},
    BatchHandle: {
        "action",
        "arrays",
        "cached",
        "cancel",
        "code",
        "delete",
        "edit",
        "generations",
        "id",
        "images",
        "model",
        "params",
        "prompt",
        "result",
        "retry",
        "save",
        "save_zip",
        "status",
        "topic_id",
    },
    GenerationHandle: {
        "applied",
        "array",
        "batch",
        "bytes",
        "cancel",
        "chain",
        "children",
        "cost",
        "delete",
        "edit",
        "error",
        "height",
        "id",
        "image",
        "inpaint",
        "outpaint",
        "parents",
        "path",
        "prompt",
        "recipe",
        "remove_background",
        "retry",
        "save",
        "scores",
        "seconds",
        "seed",
        "served_by",
        "slot",
        "starred",
        "status",
        "tags",
        "upscale",
        "vary",
        "width",
    },
    SweepHandle: {
        "axes",
        "batches",
        "cancel",
        "cost",
        "created_at",
        "delete",
        "df",
        "finished",
        "fixed",
        "generations",
        "id",
        "image",
        "result",
        "retry",
        "save",
        "save_zip",
        "status",
        "template",
        "topic_id",
        "total",
    },
    TopicHandle: {
        "batches",
        "cover",
        "created_at",
        "delete",
        "id",
        "images",
        "pin",
        "pinned",
        "rename",
        "running",
        "title",
        "updated_at",
    },
}


@pytest.fixture
def made():
    """A studio and a handle of each kind, as code holds them."""
    with open_studio(FakeProvider()) as studio:
        batch = studio.generate("a fox", model="fake:image").result(WAIT)
        yield {
            Studio: studio,
            BatchHandle: batch,
            GenerationHandle: batch[0],
            SweepHandle: studio.sweep("a {animal}", animal=["fox"], model="fake:image"),
            TopicHandle: studio.topics[0],
        }


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


@pytest.mark.parametrize("kind", NAMES, ids=lambda kind: kind.__name__)
def test_code_sees_the_names_of_the_interface_and_no_others(made, kind):
    assert public(made[kind]) == NAMES[kind]


@pytest.mark.parametrize("kind", NAMES, ids=lambda kind: kind.__name__)
def test_each_public_name_is_documented_and_needs_no_loop(kind):
    for name in NAMES[kind]:
        one = inspect.getattr_static(kind, name)
        assert inspect.getdoc(one), name
        assert not inspect.iscoroutinefunction(one), name


def test_a_playground_and_a_studio_share_the_very_same_calls():
    own = public(StudioApi)
    assert own == CALLS
    for name in own:
        assert inspect.getattr_static(Studio, name) is inspect.getattr_static(ImagePlayground, name), name


def test_each_option_stands_in_one_list_with_one_type():
    options = {field.name: field.type for field in fields(StudioOptions) if field.name != "store"}
    keywords = {name: hint.__forward_arg__ for name, hint in StudioKeywords.__annotations__.items()}
    assert keywords == options


@pytest.mark.parametrize("kind", [Studio, ImagePlayground])
def test_help_shows_each_option_with_its_default(kind):
    parameters = inspect.signature(kind).parameters
    assert {field.name for field in fields(StudioOptions)} <= set(parameters)
    assert parameters["max_count"].default == 4
    assert parameters["titles"].default == "auto"


@pytest.mark.parametrize("kind", [Studio, ImagePlayground])
def test_an_option_that_there_is_not_is_named(kind, tmp_path):
    with pytest.raises(TypeError, match=rf"{kind.__name__}\(\) .* 'max_cuont'"):
        kind(tmp_path / "s.sqlite", max_cuont=8)


def test_all_that_a_call_takes_or_returns_is_exported():
    homes = [imgplay_widget.providers, imgplay_widget.errors, imgplay_widget]
    exported = {name for home in homes for name in home.__all__}
    taken = set()
    for owner in (StudioApi, Studio, BatchHandle, GenerationHandle, SweepHandle, TopicHandle):
        for name in public(owner):
            one = inspect.getattr_static(owner, name)
            function = one.fget if isinstance(one, property) else getattr(owner, name)
            for annotation in function.__annotations__.values():
                text = annotation.replace("ReferenceLike", inputs.ReferenceLike).replace(
                    "Images", handles.Images
                )
                taken |= set(re.findall(r"[A-Z]\w+", text))
    # Array and Figure describe arrays and figures of other packages: nobody makes one from them.
    others = {
        "Action",
        "Any",
        "Array",
        "Called",
        "Decimal",
        "Figure",
        "Format",
        "Image",
        "Iterable",
        "Literal",
        "Mapping",
        "Mode",
        "MutableMapping",
        "MutableSet",
        "NDArray",
        "None",
    }
    assert taken - exported == others | {"KEY", "Path", "PathLike", "Sequence"}


# ------------------------------------------------------------------ topics that code holds


def test_a_topic_that_code_holds_stays_in_step():
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        topic = studio.new_topic("Foxes")
        batch = studio.generate("a fox", model="fake:image")
        assert gate.reached.wait(WAIT)
        gate.open()
        batch.result(WAIT)
        studio._core.call(studio._core.archive.settle)
        assert (topic.images, topic.running) == (1, 0)
        assert topic.cover.exists()
        assert topic.batches() == [batch]
        studio.rename_topic("Foxes", "Red foxes")
        assert topic.title == "Red foxes"
        assert topic.pin() == studio.topics[0]
        assert topic.pinned
        assert repr(topic) == "<Topic 'Red foxes': 1 images>"


def test_a_topic_that_code_holds_hears_of_another_kernel(tmp_path):
    store = tmp_path / "s.sqlite"
    with open_studio(store=store) as here, open_studio(store=store) as there:
        topic = here.new_topic("Foxes")
        there.rename_topic("Foxes", "Wolves")
        here._core.call(here._core.engine.beat)
        here._core.call(here._core.archive.settle)
        assert topic.title == "Wolves"


def test_a_topic_is_renamed_and_deleted_by_its_handle():
    with open_studio() as studio:
        topic = studio.new_topic("Foxes")
        assert topic.rename("Owls").title == "Owls"
        topic.delete()
        assert studio.topics == []
        with pytest.raises(NotFound):
            topic.rename("Crows")
        studio.restore(topic)
        assert studio.topics == [topic]


def test_a_call_of_a_closed_studio_says_so():
    with open_studio(FakeProvider()) as studio:
        topic = studio.new_topic("Foxes")
    with pytest.raises(StudioClosed):
        topic.rename("Owls")

"""The catalog files, and the check of a request against them."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgplay_widget import catalog
from imgplay_widget._types import SIDES, ModelSpec, Parameter, Price, Reference, ReferenceRule, SizeRule
from imgplay_widget.catalog import CatalogError
from imgplay_widget.errors import InvalidRequest, UnknownParameter

MODEL = ModelSpec(
    provider="demo",
    id="slow",
    title="Slow",
    parameters=(
        Parameter(name="steps", type="integer", title="", minimum=1, maximum=100, step=1, default=20),
        Parameter(name="cfg", type="number", title="", minimum=0, maximum=2, step=0.1, default=1.0),
        Parameter(name="style", type="string", title="", choices=("soft", "hard"), default="soft"),
        Parameter(name="grain", type="boolean", title="", default=True),
        Parameter(name="without", type="string", title="", max_length=10),
        Parameter(name="seed", type="integer", kind="seed", title="", minimum=0, maximum=2**31 - 1, step=1),
        Parameter(
            name="width",
            type="integer",
            kind="width",
            title="",
            minimum=256,
            maximum=2048,
            step=64,
            default=1024,
        ),
        Parameter(
            name="height",
            type="integer",
            kind="height",
            title="",
            minimum=256,
            maximum=2048,
            step=64,
            default=1024,
        ),
    ),
    max_prompt=50,
    size_rule=SizeRule(min_pixels=300_000, max_pixels=2_000_000, max_ratio=3.0),
    references=ReferenceRule(max_count=1, max_bytes=1000, media_types=("image/png",)),
    deadline=60.0,
)
REFERENCE = Reference(digest="d", media_type="image/png", width=8, height=8)


def ask(spec: ModelSpec = MODEL, **options: Any) -> Any:
    params = options.pop("params", {})
    return catalog.make_request(spec, **{"prompt": "a fox", "params": params, **options})


def test_every_shipped_file_loads_and_says_whose_models_it_has() -> None:
    names = [
        f.name.removesuffix(".toml")
        for f in files("imgplay_widget.catalog").iterdir()
        if f.name.endswith(".toml")
    ]
    assert {"demo", "openai"} <= set(names)
    for name in names:
        models = catalog.load(name)
        assert models
        assert all(model.provider == name for model in models)
        assert catalog.load(name) is models


def test_the_defaults_of_every_shipped_model_make_a_request() -> None:
    for name in ("demo", "openai"):
        for model in catalog.load(name):
            rule = model.references
            images = (REFERENCE,) * (0 if rule is None else rule.min_count)
            words = "" if model.prompt == "none" else "a fox"
            sides = {"left": 64} if model.parameter("left") else {}
            mask = REFERENCE if model.mask_needed else None
            ask(model, prompt=words, references=images, mask=mask, params=sides, today=date.min)


def test_every_demo_model_says_that_it_is_no_ai() -> None:
    for model in catalog.load("demo"):
        assert model.notice == "This is a demo that draws pictures by rules. It is not an AI model."


def test_defaults_are_filled_in_and_what_has_none_is_left_out() -> None:
    request = ask(params={"steps": 30}, n=2, references=[REFERENCE])
    assert dict(request.params) == {
        "steps": 30,
        "cfg": 1.0,
        "style": "soft",
        "grain": True,
        "width": 1024,
        "height": 1024,
    }
    assert (request.n, request.deadline, request.references) == (2, 60.0, (REFERENCE,))


def test_a_model_that_only_changes_images_refuses_a_request_without_one() -> None:
    edits = replace(MODEL, references=ReferenceRule(max_count=3, max_bytes=1000, min_count=2))
    for references in ([], [REFERENCE]):
        with pytest.raises(InvalidRequest, match="needs at least 2") as caught:
            ask(edits, references=references)
        assert caught.value.next_step
    assert ask(edits, references=[REFERENCE] * 2).references
    assert ask(edits, partial=True).params


def test_none_leaves_a_parameter_out() -> None:
    assert "steps" not in ask(params={"steps": None}).params


def test_whole_floats_are_integers_and_integers_are_numbers() -> None:
    params = ask(params={"steps": 12.0, "cfg": 2}).params
    assert (params["steps"], type(params["steps"])) == (12, int)
    assert params["cfg"] == 2


@given(st.integers(0, 20))
def test_every_step_of_a_tenth_is_a_step(count: int) -> None:
    assert ask(params={"cfg": count * 0.1}).params["cfg"] == count * 0.1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"steps": 200}, "steps=200 is out of range: demo:slow takes 1 to 100 in steps of 1."),
        ({"steps": 0}, "steps=0 is out of range"),
        ({"steps": 1.5}, "steps=1.5 is not a whole number"),
        ({"steps": True}, "steps=True is not a whole number"),
        ({"steps": "20"}, "steps='20' is not a whole number"),
        ({"cfg": math.nan}, "cfg=nan is not a finite number"),
        ({"cfg": math.inf}, "cfg=inf is not a finite number"),
        ({"cfg": 0.15}, "cfg=0.15 is between its steps: demo:slow takes 0 to 2 in steps of 0.1"),
        ({"style": "odd"}, "style='odd' is not one of its choices: demo:slow takes one of soft, hard"),
        ({"style": 1}, "style=1 is not text"),
        ({"grain": 1}, "grain=1 is not True or False: demo:slow takes True or False"),
        ({"without": "x" * 11}, "without has 11 characters: demo:slow takes up to 10"),
        ({"without": "a\0b"}, "without has a character"),
        ({"width": 1000}, "width=1000 is between its steps"),
        ({"width": None}, "width is missing: set both"),
        ({"seed": 2**31}, "0 to 2147483647 in steps of 1"),
        ({"width": 1024, "height": 256}, "ratio of 4.00:1: demo:slow takes up to 3:1"),
        (
            {"width": 512, "height": 512},
            "262,144 pixels: demo:slow takes at least 300,000 and at most 2,000,000",
        ),
        ({"width": 2048, "height": 1024}, "2,097,152 pixels"),
    ],
)
def test_a_wrong_value_is_named_with_its_range(params: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(params=params)
    assert message in caught.value.message
    assert caught.value.parameter in params or caught.value.parameter == "width"
    assert isinstance(caught.value, ValueError)


def test_an_unknown_keyword_is_a_type_error_with_the_near_one() -> None:
    with pytest.raises(
        UnknownParameter, match=r"not have a parameter 'stesp'. Did you mean steps\? It takes steps, cfg"
    ) as caught:
        ask(params={"stesp": 3})
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": " \n"}, "prompt is empty"),
        ({"prompt": "x" * 51}, "prompt has 51 characters: demo:slow takes up to 50"),
        ({"prompt": None}, "prompt=None is not text"),
        ({"prompt": "\ud800"}, "prompt has a character"),
        ({"n": 0}, "n=0 is out of range: ask for 1 to 4"),
        ({"n": 5}, "n=5 is out of range: ask for 1 to 4"),
        ({"n": 9, "max_count": 8}, "ask for 1 to 8 images"),
        ({"n": True}, "n=True is not a whole number"),
        ({"n": 2.0}, "n=2.0 is not a whole number"),
        ({"deadline": 0}, "deadline=0 is out of range"),
        ({"deadline": math.nan}, "deadline=nan is out of range"),
        ({"deadline": "60"}, "deadline='60' is out of range"),
        ({"references": [REFERENCE, REFERENCE]}, "2 are too many: demo:slow takes up to 1"),
        (
            {"references": [Reference(digest="d", media_type="image/gif", width=1, height=1)]},
            "does not take image/gif",
        ),
    ],
)
def test_a_wrong_request_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(**options)
    assert message in caught.value.message


CUTS = replace(
    MODEL,
    references=ReferenceRule(max_count=1, max_bytes=1000, min_count=1),
    prompt="none",
    max_prompt=None,
    does=(),
)


def test_a_model_without_words_gets_none() -> None:
    assert ask(CUTS, prompt=" ", references=[REFERENCE]).prompt == ""
    with pytest.raises(InvalidRequest, match="takes no words, only an image") as caught:
        ask(CUTS, references=[REFERENCE])
    assert caught.value.parameter == "prompt"
    assert "Leave the prompt empty" in caught.value.next_step


def test_words_may_be_left_out_where_there_is_an_image() -> None:
    either = replace(MODEL, prompt="optional")
    assert ask(either, prompt="", references=[REFERENCE]).prompt == ""
    assert ask(either, references=[REFERENCE]).prompt == "a fox"
    with pytest.raises(InvalidRequest, match="prompt is empty"):
        ask(either, prompt="")


def test_the_other_fields_say_what_most_models_can_do() -> None:
    words = replace(MODEL, references=None)
    masked = replace(MODEL, mask=True)
    assert [one.abilities for one in (words, MODEL, masked, CUTS)] == [(), ("vary",), ("vary", "inpaint"), ()]
    assert replace(masked, does=("upscale",)).abilities == ("upscale",)
    assert replace(CUTS, does=None).abilities == ()


def grows(**fields: Any) -> ModelSpec:
    side = Parameter(name="left", type="integer", title="Left", default=0)
    sides = [replace(side, name=name) for name in SIDES]
    scale = Parameter(name="factor", type="number", title="Enlarge", kind="scale", default=2)
    return replace(CUTS, parameters=(scale, *sides), **fields)


def test_an_image_that_would_be_too_large_to_read_is_refused() -> None:
    photo = replace(REFERENCE, width=4000, height=3000)
    assert ask(grows(), prompt="", references=[photo]).params["factor"] == 2
    with pytest.raises(InvalidRequest, match=r"12000 × 9000 pixels, which is 108 megapixels") as caught:
        ask(grows(), prompt="", references=[photo], params={"factor": 3})
    assert caught.value.parameter == "factor"


def test_an_image_is_extended_to_some_side() -> None:
    extends = grows(does=("outpaint",))
    with pytest.raises(InvalidRequest, match="left, right, top, bottom are all 0"):
        ask(extends, prompt="", references=[REFERENCE])
    assert ask(extends, prompt="", references=[REFERENCE], params={"top": 8}).params["top"] == 8
    assert ask(extends, prompt="", partial=True).params


def test_a_needed_mask_and_the_largest_reference_are_checked() -> None:
    strict = replace(MODEL, mask=True, mask_needed=True)
    with pytest.raises(InvalidRequest, match="needs a mask"):
        ask(strict, references=[REFERENCE])
    assert ask(strict, references=[REFERENCE], mask=REFERENCE).mask
    small = replace(MODEL, references=ReferenceRule(max_count=1, max_bytes=1000, max_pixels=63))
    with pytest.raises(InvalidRequest, match="has 8 × 8 pixels"):
        ask(small, references=[REFERENCE])


def test_what_a_model_grows_to_decides_its_price() -> None:
    price = Price(amount="0.03", unit="megapixel", further="0.03")
    spec = replace(grows(does=("outpaint",)), price=price)
    cost = catalog.estimate(spec, 1, {"factor": 2, "left": 0}, [(1024, 1024)])
    assert cost is not None
    assert cost.most == Decimal("0.12")
    assert catalog.estimate(spec, 1, {"factor": 2}) is None


def test_references_need_a_model_that_takes_them() -> None:
    with pytest.raises(InvalidRequest, match="demo:instant does not take input images"):
        ask(catalog.load("demo")[0], references=[REFERENCE])


MASKED = replace(MODEL, mask=True)


def test_a_mask_goes_with_its_reference() -> None:
    assert ask(MASKED, references=[REFERENCE], mask=REFERENCE).mask == REFERENCE
    assert ask(MASKED, references=[REFERENCE]).mask is None


@pytest.mark.parametrize(
    ("spec", "references", "changed", "message"),
    [
        (MODEL, [REFERENCE], {}, "demo:slow does not take a mask"),
        (MASKED, [], {}, "not have a reference"),
        (MASKED, [REFERENCE], {"media_type": "image/webp"}, "image/png, not image/webp"),
        (MASKED, [REFERENCE], {"height": 9}, "the mask has 8 × 9 pixels, but the first reference has 8 × 8"),
    ],
)
def test_a_wrong_mask_is_refused(spec: ModelSpec, references: Any, changed: Any, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(spec, references=references, mask=replace(REFERENCE, **changed))
    assert message in caught.value.message
    assert caught.value.parameter == "mask"


def test_the_size_of_a_mask_is_that_of_the_first_reference() -> None:
    two = replace(MASKED, references=ReferenceRule(max_count=2, max_bytes=1000))
    ask(two, references=[REFERENCE, replace(REFERENCE, width=99)], mask=REFERENCE)


def test_every_image_model_of_openai_takes_a_mask() -> None:
    living = [model for model in catalog.load("openai") if not model.retired_on]
    assert {(model.mask, model.max_mask_bytes) for model in living} == {(True, 4_000_000)}


def test_a_retired_model_names_its_successor_from_its_last_day_on() -> None:
    (model,) = (m for m in catalog.load("openai") if m.id == "gpt-image-1.5")
    ask(model, today=date(2026, 11, 30))
    with pytest.raises(InvalidRequest, match=r"retired openai:gpt-image-1\.5 on 2026-12-01") as caught:
        ask(model, today=date(2026, 12, 1))
    assert "openai:gpt-image-2" in caught.value.next_step


GOOD = """
[parameters.width]
type = "integer"
kind = "width"
title = "Width"
minimum = 64
maximum = 1024
step = 64
default = 512

[[models]]
id = "one"
title = "One"
parameters = ["width"]
"""


def test_a_plug_in_can_ship_its_models_as_text() -> None:
    (model,) = catalog.parse(GOOD, provider="mine", file="mine.toml")
    assert (model.name, model.parameter("width").default) == ("mine:one", 512)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'kind = "width"',
            'kind = "width"\nunit = "px"',
            "mine.toml: parameters.width: unknown field 'unit'",
        ),
        (
            'kind = "width"',
            'kind = "widht"',
            "kind 'widht' is not one of width, height, seed, size, aspect_ratio, negative_prompt, scale. Did",
        ),
        ('kind = "width"', 'kind = "number"', "kind 'number' is not one of"),
        ('title = "Width"', "", "mine.toml: parameters.width: title is missing"),
        ('id = "one"', 'id = "one"\ncolour = 1', "mine.toml: models.one: unknown field 'colour'"),
        ('id = "one"', 'id = "one"\nprovider = "other"', "mine.toml: models.one: provider"),
        ('["width"]', '["wide"]', "mine.toml: models.one: parameters: 'wide' is not in"),
        ('["width"]', '["width", "width"]', "a name is listed twice"),
        ("default = 512", "default = 2048", "parameters.width: default: width=2048 is out of range"),
        ("default = 512", "default = 500", "is between its steps"),
        ("minimum = 64", "minimum = 65", "minimum 65 is not a multiple of step 64"),
        ("minimum = 64", "minimum = 4096", "minimum 4096 is above maximum 1024"),
        ("step = 64", "step = 0", "step 0 is not above 0"),
        ('type = "integer"', 'type = "int"', "type 'int' is not one of"),
        ("[[models]]", "[models]]", "mine.toml is not TOML"),
        ("[[models]]", "[extra]\n[[models]]", "mine.toml: unknown field 'extra'"),
        ('parameters = ["width"]', '[[models]]\nid = "one"\ntitle = ""', "the model 'one' is listed twice"),
        ('parameters = ["width"]', "size_rule = { max = 3 }", "models.one.size_rule: unknown field 'max'"),
        (
            'parameters = ["width"]',
            "references = { max_count = 3 }",
            "models.one.references: max_bytes is missing",
        ),
        ('id = "one"', 'id = "one"\nprompt = "no"', "models.one: prompt 'no' is not one of needed, optional"),
        (
            'id = "one"',
            'id = "one"\nprompt = "none"\nmax_prompt = 9\nreferences = { max_count = 1, max_bytes = 9 }',
            "models.one: max_prompt: the model takes no words",
        ),
        (
            'id = "one"',
            'id = "one"\nprompt = "optional"',
            "without words and without references makes nothing",
        ),
        ('id = "one"', 'id = "one"\nmask_needed = true', "models.one: mask_needed: the model takes no mask"),
        (
            'id = "one"',
            'id = "one"\ndoes = ["fly"]',
            "models.one: does: 'fly' is not one of upscale, remove_b",
        ),
        ('id = "one"', 'id = "one"\ndoes = ["vary"]', "models.one: does: the model takes no references"),
        (
            'id = "one"',
            'id = "one"\ndoes = ["vary", "vary"]\nreferences = { max_count = 1, max_bytes = 9 }',
            "models.one: does: a word is listed twice",
        ),
        (
            'id = "one"',
            'id = "one"\ndoes = ["inpaint"]\nreferences = { max_count = 1, max_bytes = 9 }',
            "models.one: does: inpaint needs a mask",
        ),
        (
            'id = "one"',
            'id = "one"\ndoes = ["outpaint"]\nreferences = { max_count = 1, max_bytes = 9 }',
            "models.one: does: outpaint needs the parameter 'left'",
        ),
    ],
)
def test_a_wrong_file_is_named_with_its_field(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(CatalogError) as caught:
        catalog.parse(GOOD.replace(old, new, 1), provider="mine", file="mine.toml")
    assert message in str(caught.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(CatalogError, match=r"no catalog file nobody\.toml"):
        catalog.load("nobody")


# ------------------------------------------------------------------ what a reference decides

EDITOR = replace(
    MODEL,
    parameters=(
        *(replace(p, step=8, minimum=64) if p.kind in ("width", "height") else p for p in MODEL.parameters),
        Parameter(name="blur", type="integer", title="", default=4, needs="mask"),
        Parameter(name="strength", type="number", title="", default=0.75, needs="reference"),
    ),
    size_rule=None,
    references=ReferenceRule(max_count=2, max_bytes=1000, gives_size=True),
    mask=True,
)


def picture(width: int, height: int) -> Reference:
    return Reference(digest="d", media_type="image/png", width=width, height=height)


@pytest.mark.parametrize(
    ("own", "size"),
    [
        ((768, 512), (768, 512)),
        # The nearest lengths on the steps.
        ((500, 333), (504, 336)),
        # A photograph is too much for most graphics cards.
        ((6000, 4000), (2048, 1368)),
        ((30, 60), (64, 128)),
        # One edge is out of range whatever is done, and the other one keeps to its own range.
        ((8, 800), (64, 2048)),
    ],
)
def test_a_reference_gives_its_size_if_none_is_chosen(own: tuple[int, int], size: tuple[int, int]) -> None:
    params = ask(EDITOR, references=[picture(*own), picture(640, 640)]).params
    assert (params["width"], params["height"]) == size


def test_a_chosen_size_counts_and_a_model_may_have_its_own_rule() -> None:
    given = ask(EDITOR, references=[picture(768, 512)], params={"width": 1024}).params
    assert (given["width"], given["height"]) == (1024, 1024)
    left_out = ask(EDITOR, references=[picture(768, 512)], params={"width": None, "height": None}).params
    assert not {"width", "height"} & set(left_out)
    assert ask(EDITOR).params["width"] == 1024
    assert ask(replace(MODEL, size_rule=None), references=[REFERENCE]).params["width"] == 1024


def test_a_parameter_of_a_mask_is_in_no_request_without_a_mask() -> None:
    reference, mask = picture(768, 512), picture(768, 512)
    assert not {"blur", "strength"} & set(ask(EDITOR, params={"blur": 9}).params)
    assert ask(EDITOR, references=[reference]).params["strength"] == 0.75
    assert "blur" not in ask(EDITOR, references=[reference], params={"blur": 9}).params
    params = ask(EDITOR, references=[reference], mask=mask, params={"blur": 9}).params
    assert (params["blur"], params["strength"]) == (9, 0.75)
    with pytest.raises(InvalidRequest, match="blur"):
        ask(EDITOR, params={"blur": "much"})

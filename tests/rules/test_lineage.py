"""What changed between two versions of an image, in data and in words."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from imgplay_widget._rules.lineage import (
    COMPARED,
    MAX_LINE,
    Altered,
    Revision,
    in_words,
    revision,
    words_between,
)
from imgplay_widget._types import (
    Asset,
    Batch,
    Entry,
    Generation,
    ModelSpec,
    Parameter,
    Reference,
    Stage,
    Task,
    Unit,
)

NOW = datetime(2026, 5, 4, tzinfo=UTC)
PICTURE = Reference(digest="a" * 64, media_type="image/png", width=64, height=64)


def version(prompt="a red fox", *, model="one", seed=5, size=(64, 48), params=None, n=1, **batch):
    """Return an image with its batch."""
    config = {"width": 64, "height": 48, **(params or {}), "n": n}
    row = Batch(
        id="b",
        topic_id="t",
        user_id="u",
        organization_id=None,
        provider="fake",
        model=model,
        prompt=prompt,
        config=config,
        width=64,
        height=48,
        created_at=NOW,
        **batch,
    )
    sent = {name: value for name, value in config.items() if name != "n"}
    unit = Unit(model=model, prompt=prompt, params=sent, positions=(0,), seeds=(seed,))
    task = Task(
        id="k",
        batch_id="b",
        user_id="u",
        provider="fake",
        model=model,
        stage=Stage.SUCCESS,
        unit=unit,
        deadline=1.0,
        created_at=NOW,
        updated_at=NOW,
    )
    asset = Asset(
        digest="d",
        url="u",
        thumbnail_url="t",
        width=size and size[0],
        height=size and size[1],
        media_type="image/png",
        size=1,
    )
    made = Generation(
        id="g",
        batch_id="b",
        user_id="u",
        async_task_id="k",
        position=0,
        seed=seed,
        asset=asset if size else None,
        error=None,
        applied={},
        starred=False,
        parent_id=None,
        created_at=NOW,
    )
    return Entry(batch=row, generations=(made,), tasks=(task,)), made


@pytest.mark.parametrize(
    ("before", "after", "added", "removed"),
    [
        ("a red fox", "a red fox", [], []),
        ("a red fox", "A red  fox.", [], []),
        ("a red fox, day", "a red fox, night, snow", ["night", "snow"], ["day"]),
        ("a red fox in the sun", "a blue fox in the deep snow", ["blue", "deep snow"], ["red", "sun"]),
        ("a fox", "a fox with a very long tail", ["with a very long tail"], []),
        ("fox, red, forest", "forest, fox, red", [], []),
        ("a red\nfox in a wood", "a red fox at noon in a wood", ["at noon"], []),
        ("the fox's den", "the fox’s den", ["fox’s"], ["fox's"]),
        ("a fox 🦊", "a fox 🐻", ["🐻"], ["🦊"]),
        # Each character of Chinese and Japanese is a word.
        ("一只红色的狐狸，白天", "一只蓝色的狐狸，夜晚，下雪", ["蓝", "夜晚", "下雪"], ["红", "白天"]),
        ("森の赤い狐", "雪の森の赤い狐", ["雪の"], []),
        ("一只狐狸 in Paris", "一只狐狸 in Rome", ["Rome"], ["Paris"]),
        ("붉은 여우", "붉은 여우 밤에", ["밤에"], []),
    ],
)
def test_words_that_came_and_went_are_phrases_of_the_prompts(before, after, added, removed):
    assert words_between(before, after) == (tuple(added), tuple(removed), False)


def test_a_prompt_that_shares_little_is_a_new_one():
    assert words_between("a red fox in the forest", "make it night") == (("make it night",), (), True)
    assert words_between("", "make it night") == (("make it night",), (), True)
    assert words_between("把背景换成雪山", "一只红色的狐狸") == (("一只红色的狐狸",), (), True)
    (only,), _, new = words_between("fox", "snow " * 1000)
    assert (len(only), only[-1], new) == (80, "…", True)


def test_many_phrases_are_bounded_and_say_that_there_are_more():
    shared = ", ".join(f"word{i}" for i in range(40))
    more = ", ".join(f"word{i}, new{i}" for i in range(40))
    added, removed, new = words_between(shared, more)
    assert (len(added), added[-1], removed, new) == (6, "new5 …", (), False)


def test_prompts_of_any_length_are_compared():
    long = " ".join(f"w{i}" for i in range(20 * COMPARED))
    assert words_between(long, long.replace("w7 ", "v7 ")) == (("v7",), ("w7",), False)
    assert words_between(long, "x " + long)[0] == ("x",)
    # Neither is a time for which a page would wait.
    words_between("a " * 50_000, "b " + "a " * 50_000)
    words_between("a b " * 25_000, "b a " * 25_000)


def test_nothing_changed_between_the_same_versions():
    assert revision(version(), version()) == Revision()
    assert in_words(Revision()) == ""


def test_all_that_changed_is_named_with_both_values():
    before = version("a fox, day")
    after = version(
        "a fox, night, snow",
        model="two",
        seed=9,
        size=(128, 96),
        params={"strength": 0.6, "tiles": True},
        references=(PICTURE, PICTURE, PICTURE),
        mask=PICTURE,
        action="edit",
    )
    found = revision(before, after)
    assert found == Revision(
        action="edit",
        added=("night", "snow"),
        removed=("day",),
        changes=(
            Altered("model", "fake:one", "fake:two"),
            Altered("size", "64 × 48", "128 × 96"),
            Altered("strength", None, 0.6),
            Altered("tiles", None, True),
            Altered("references", None, 2),
            Altered("mask", None, True),
            Altered("seed", 5, 9),
        ),
    )
    assert in_words(found, 999) == (
        "edit · + night, + snow · − day · model fake:one → fake:two · size 64 × 48 → 128 × 96 · "
        "strength 0.6 · tiles on · with 2 more images · with a mask · seed 5 → 9"
    )


def test_the_words_are_one_short_line():
    change = replace(revision(version("a fox"), version("make\nit night")), action="remove_background")
    assert in_words(change) == "remove background · “make it night”"
    line = in_words(replace(change, changes=(Altered("style", "x" * 500, "y" * 500),) * 9))
    assert (len(line), line[-1]) == (MAX_LINE, "…")


def model(id, *parameters, title=None):
    return ModelSpec(provider="fake", id=id, title=title or id.title(), parameters=parameters)


def test_a_default_is_no_wish_where_only_one_model_has_it():
    steps = Parameter(name="steps", type="integer", title="Steps", default=28)
    strength = Parameter(name="strength", type="number", title="Strength", default=0.8)
    before = version(params={"guidance": 4.0})
    specs = model("one"), model("two", steps, strength)
    after = version(model="two", params={"steps": 28, "strength": 0.6})
    assert revision(before, after, specs=specs).changes == (
        Altered("model", "One", "Two"),
        Altered("strength", None, 0.6),
    )
    same = model("two", steps, strength), specs[1]
    before = version(model="two", params={"steps": 20, "strength": 0.8})
    assert revision(before, after, specs=same).changes == (
        Altered("steps", 20, 28),
        Altered("strength", 0.8, 0.6),
    )
    # A value that the same model does not have any more was taken away.
    bare = version(model="two", params={"steps": 28})
    taken = revision(version(model="two", params={"steps": 28, "strength": 0.6}), bare, specs=same)
    assert taken.changes == (Altered("strength", 0.6, None),)
    assert in_words(taken) == "strength 0.6 → none"


def test_models_of_one_title_are_told_apart_by_their_names():
    specs = model("one", title="Flux"), model("two", title="Flux")
    found = revision(version(), version(model="two"), specs=specs)
    assert found.changes == (Altered("model", "fake:one", "fake:two"),)


def test_a_size_counts_once_and_as_the_image_has_it():
    size = Parameter(name="image_size", type="string", title="Size", kind="size")
    specs = model("one", size), model("one", size)
    before = version(params={"image_size": "square", "aspect_ratio": "1:1"})
    after = version(params={"image_size": "wide", "aspect_ratio": "3:1", "width": 96}, size=(96, 32))
    assert revision(before, after, specs=specs).changes == (Altered("size", "64 × 48", "96 × 32"),)
    # Before there is an image, the size is the requested one.
    assert revision(version(size=None), version(), specs=specs).changes == ()

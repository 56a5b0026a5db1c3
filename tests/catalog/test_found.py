"""The models that a provider lists itself: stored, checked, and merged over the shipped ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imgplay_widget import catalog
from imgplay_widget._types import ModelSpec, Parameter, Price, Rate, ReferenceRule, SizeRule, Tier

STEPS = Parameter(name="steps", type="integer", title="Steps", minimum=1, maximum=50, step=1, default=20)
SHAPE = Parameter(
    name="aspect_ratio", type="string", kind="aspect_ratio", title="Shape", choices=("1:1", "16:9")
)
FULL = ModelSpec(
    provider="cloud",
    id="full",
    title="Full",
    description="All of it.",
    parameters=(STEPS, SHAPE),
    max_prompt=1000,
    native_n=4,
    seed="exact",
    size_rule=SizeRule(max_pixels=1_000_000, max_ratio=2.5),
    references=ReferenceRule(max_count=2, max_bytes=1000, media_types=("image/png",)),
    previews=True,
    cancel="full",
    resume=True,
    deadline=60.0,
    price=Price(amount="0.04", unit="image", note="of a day"),
    notice="Mind this.",
    retired_on="2027-01-01",
    successor="next",
)


def through_json(spec: ModelSpec) -> ModelSpec | None:
    return catalog.from_json(json.loads(json.dumps(catalog.to_json(spec))), "cloud")


@pytest.mark.parametrize(
    "provider", sorted(file.stem for file in Path(catalog.__file__).parent.glob("*.toml"))
)
def test_every_shipped_model_comes_back_as_it_was(provider: str) -> None:
    for spec in catalog.load(provider):
        assert catalog.from_json(json.loads(json.dumps(catalog.to_json(spec))), provider) == spec


def test_a_model_comes_back_as_it_was_and_what_is_usual_takes_no_room() -> None:
    assert through_json(FULL) == FULL
    plain = ModelSpec(provider="cloud", id="plain", title="Plain")
    assert through_json(plain) == plain
    assert catalog.to_json(plain) == {"provider": "cloud", "id": "plain", "title": "Plain"}


@pytest.mark.parametrize("kind", ["of_a_later_version", "choice", 7, ["width"]])
def test_an_unknown_kind_is_forgotten_and_the_parameter_stays(kind: Any) -> None:
    listed = {"name": "steps", "type": "integer", "title": "Steps", "kind": kind}
    spec = catalog.from_json({"id": "x", "title": "X", "parameters": [listed]}, "cloud")
    assert spec is not None
    assert spec.parameters == (Parameter(name="steps", type="integer", title="Steps"),)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "full",
        {},
        {"id": "x"},
        {"id": "", "title": "X"},
        {"id": 7, "title": "X"},
        {"id": "x", "title": None},
        {"id": "x", "title": "X", "native_n": "four"},
        {"id": "x", "title": "X", "native_n": True},
        {"id": "x", "title": "X", "seed": "maybe"},
        {"id": "x", "title": "X", "references": {"max_count": 2}},
        {"id": "x", "title": "X", "size_rule": [1]},
    ],
)
def test_what_is_no_model_is_left_out(data: Any) -> None:
    assert catalog.from_json(data, "cloud") is None


@pytest.mark.parametrize(
    "change",
    [
        {"type": "object"},
        {"type": ["integer", "null"]},
        {"title": None},
        {"name": ""},
        {"minimum": "1"},
        {"minimum": 60},
        {"step": 0},
        {"default": 99},
        {"default": {"a": 1}},
        {"choices": [None]},
        {"choices": "abc"},
    ],
)
def test_a_parameter_that_cannot_be_obeyed_is_left_out(change: dict[str, Any]) -> None:
    data = catalog.to_json(FULL)
    data["parameters"][0] |= change
    spec = catalog.from_json(data, "cloud")
    assert spec is not None
    assert spec.parameters == (SHAPE,)


def test_unknown_fields_of_another_version_are_passed_over() -> None:
    data = {**catalog.to_json(FULL), "smell": "of roses"}
    data["parameters"][0]["taste"] = "sweet"
    assert catalog.from_json(data, "cloud") == FULL


def test_the_provider_is_the_one_that_was_asked() -> None:
    stranger = replace(FULL, provider="openai")
    (spec,) = catalog.checked([stranger, FULL], "cloud")
    assert spec == FULL


def test_a_text_is_clean_and_bounded_and_an_id_is_never_cut() -> None:
    data = {"id": "a", "title": "T\ud83d" + "t" * 5000, "description": "d\0" + "d" * 50_000}
    spec = catalog.from_json(data, "cloud")
    assert spec is not None
    assert spec.title.startswith("T\ufffdt")
    assert (len(spec.title), len(spec.description)) == (300, 4000)
    assert catalog.from_json({"id": "i" * 301, "title": "T"}, "cloud") is None


def test_a_price_that_is_none_is_left_out() -> None:
    for amount in ("free", "NaN", "-1", "Infinity"):
        (spec,) = catalog.checked([replace(FULL, price=Price(amount=amount, unit="image"))], "cloud")
        assert spec.price is None


def test_the_providers_word_goes_first_and_its_silence_changes_nothing() -> None:
    said = ModelSpec(
        provider="cloud",
        id="full",
        title="full",
        parameters=(replace(STEPS, title="steps", maximum=100),),
        native_n=8,
        price=Price(amount="0.05", unit="image"),
    )
    merged = catalog.merge([FULL], {"full": said})["full"]
    assert merged.native_n == 8
    assert merged.price == Price(amount="0.05", unit="image")
    assert merged.parameters == (replace(STEPS, maximum=100),)
    kept = ("title", "description", "notice", "retired_on", "successor", "references", "resume")
    assert [getattr(merged, name) for name in kept] == [getattr(FULL, name) for name in kept]


QUALITY = Parameter(name="quality", type="string", title="Quality", choices=("low", "high"))
TIERED = Price(
    amount="0.04",
    unit="image",
    tiers=(Tier(when={"quality": ("high",)}, rate=Rate(amount="0.08", unit="image")),),
    reference="0.01",
    source="https://cloud.example/pricing",
    day="2026-01-01",
)
TOLD = {"source": "https://api.cloud.example/models", "day": "2026-06-01"}


def repriced(shipped: Price | None, listed: Price | None) -> ModelSpec:
    below = ModelSpec(provider="cloud", id="full", title="Full", parameters=(QUALITY,), price=shipped)
    above = replace(below, price=listed)
    return catalog.merge([below], {"full": above})["full"]


def cost(spec: ModelSpec, n: int = 1, references: int = 0, **params: Any) -> str:
    return repr(catalog.estimate(spec, n, params, [(1024, 1024)] * references))


def test_the_figure_that_is_listed_keeps_the_tiers_where_it_is_the_shipped_one() -> None:
    spec = repriced(TIERED, Price(amount="0.040", unit="image", **TOLD))
    assert (cost(spec), cost(spec, quality="high"), cost(spec, references=1)) == ("$0.04", "$0.08", "$0.05")
    assert spec.price is not None
    assert (spec.price.source, spec.price.day) == (TOLD["source"], TOLD["day"])


def test_another_figure_counts_and_what_nobody_lists_is_a_range() -> None:
    spec = repriced(TIERED, Price(amount="0.06", unit="image", **TOLD))
    assert (cost(spec, quality="low"), cost(spec, 2, quality="low")) == ("$0.06", "$0.12")
    assert cost(spec, quality="high") == "$0.08–0.12"
    assert cost(spec, quality="low", references=1) == "$0.07"
    cheaper = repriced(TIERED, Price(amount="0.02", unit="image", **TOLD))
    assert (cost(cheaper, quality="low"), cost(cheaper, quality="high")) == ("$0.02", "$0.04–0.08")
    several = repriced(TIERED, Price(amount="0.04", most="0.05", unit="image", **TOLD))
    assert (cost(several, quality="low"), cost(several, quality="high")) == ("$0.04–0.05", "$0.08–0.10")


def test_another_unit_counts_alone_and_where_the_size_is_not_set_the_shipped_one_holds() -> None:
    sized = replace(TIERED, size=(1000, 1000))
    spec = repriced(sized, Price(amount="0.03", unit="megapixel", **TOLD))
    assert (cost(spec), cost(spec, width=1000, height=2000, quality="high")) == ("$0.03", "$0.06")


def test_a_new_price_of_a_token_changes_all_amounts_alike() -> None:
    counted = replace(TIERED, token="0.00003")
    listed = Price(amount="0.003", most="0.9", unit="image", token="0.000015", **TOLD)
    spec = repriced(counted, listed)
    assert (cost(spec, quality="low"), cost(spec, quality="high")) == ("$0.02", "$0.04")
    assert spec.price is not None
    assert (spec.price.token, spec.price.day) == ("0.000015", "2026-06-01")
    assert cost(repriced(TIERED, listed), quality="high") == "$0.003–0.90"


@pytest.mark.parametrize("amount", ["NaN", "-0.04", "Infinity", "free", ""])
def test_an_odd_price_of_a_list_leaves_the_shipped_one(amount: str) -> None:
    below = ModelSpec(provider="cloud", id="full", title="Full", parameters=(QUALITY,), price=TIERED)
    odd = replace(below, price=Price(amount=amount, unit="image"))
    (found,) = catalog.checked([odd], "cloud", day="2026-06-01")
    assert catalog.merge([below], {"full": found})["full"].price == TIERED
    assert catalog.merge([below], {"full": replace(below, price=None)})["full"].price == TIERED


def test_a_listed_price_gets_the_day_of_the_answer() -> None:
    live = Price(amount="0.04", unit="image")
    (found,) = catalog.checked([replace(FULL, price=live)], "cloud", day="2026-06-01")
    assert found.price == replace(live, day="2026-06-01")
    (found,) = catalog.checked([FULL], "cloud", day="2026-06-01")
    assert found.price == replace(FULL.price, day="2026-06-01")


def test_a_model_that_is_listed_without_a_seed_takes_none() -> None:
    seed = Parameter(name="seed", type="integer", kind="seed", title="Seed")
    said = ModelSpec(provider="cloud", id="full", title="Full", parameters=(STEPS,))
    assert catalog.merge([FULL], {"full": said})["full"].seed == "none"
    said = replace(said, parameters=(STEPS, seed))
    assert catalog.merge([FULL], {"full": said})["full"].seed == FULL.seed != "none"
    assert catalog.merge([FULL], {"full": replace(said, parameters=())})["full"].seed == FULL.seed


def test_shipped_models_come_first_and_stay_when_they_were_not_found() -> None:
    new = ModelSpec(provider="cloud", id="new", title="New")
    other = replace(FULL, id="other")
    merged = catalog.merge([FULL, other], {"new": new, "other": ModelSpec(**_named("other"))})
    assert list(merged) == ["full", "other", "new"]
    assert merged["full"] is FULL
    assert merged["other"] == other


def _named(id: str) -> Any:
    return {"provider": "cloud", "id": id, "title": id}

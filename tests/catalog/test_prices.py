"""The list prices of the catalog, and what a request costs by them."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from imgplay_widget import catalog
from imgplay_widget._page.states import model_state
from imgplay_widget._types import Estimate, ModelSpec, Price, Unit
from imgplay_widget.catalog import CatalogError
from imgplay_widget.providers import Registry

SHARED = json.loads((Path(__file__).parent / "prices.json").read_text(encoding="utf-8"))

SHIPPED = [
    model
    for provider in Registry(entries=[]).providers()
    if not catalog.cannot_bill(provider.spec)
    for model in provider.models()
    # What a provider ended cannot be billed.
    if model.retired_on is None or model.retired_on > "2026-11-30"
]
PRICED = [model for model in SHIPPED if model.price is not None]


def usd(value: str) -> Estimate:
    return Estimate(expected=Decimal(value), least=Decimal(value), most=Decimal(value))


def values(spec: ModelSpec, params: dict[str, Any]) -> Any:
    return catalog.make_request(spec, n=1, params=params, max_count=1, today=date.min, partial=True).params


def shared(name: str) -> ModelSpec:
    spec = catalog.from_json(SHARED["models"][name]["spec"], "cloud")
    assert spec is not None
    assert spec.price is not None
    return spec


@pytest.mark.parametrize("name", list(SHARED["models"]))
def test_the_page_gets_the_whole_price(name: str) -> None:
    state = model_state(shared(name)).model_dump(mode="json", by_alias=True)
    expected = SHARED["models"][name]["page"]
    assert {key: state[key] for key in expected} == expected


@pytest.mark.parametrize("case", SHARED["cases"], ids=lambda case: f"{case['model']}-{case['values']}")
def test_every_rule_gives_the_cost_of_the_table(case: dict[str, Any]) -> None:
    spec, n = shared(case["model"]), case["count"]
    params = dict(case["values"])
    if case["size"]:
        params["width"], params["height"] = case["size"]
    calls = -(-n // spec.native_n)
    references = [(width, height) for width, height in case["references"]] * calls
    cost = catalog.estimate(spec, n, params, references)
    if case["expected"] is None:
        assert cost is None
    else:
        assert cost == Estimate(
            expected=Decimal(case["expected"]), least=Decimal(case["least"]), most=Decimal(case["most"])
        )


@pytest.mark.parametrize("spec", PRICED, ids=lambda spec: spec.name)
def test_a_shipped_price_has_a_source_and_a_day_and_gives_a_cost(spec: ModelSpec) -> None:
    assert spec.price is not None
    assert spec.price.source.startswith("https://")
    assert date(2026, 1, 1) <= date.fromisoformat(spec.price.day) <= date(2026, 12, 31)
    # What a model enlarges or extends decides the size of the image.
    inputs = [(1024, 1024)] if spec.references and spec.references.min_count else []
    cost = catalog.estimate(spec, 1, values(spec, {}), inputs)
    assert cost is not None
    assert 0 <= cost.least <= cost.expected <= cost.most < 2
    assert catalog.price_text(spec).startswith("$")
    assert isinstance(hash(spec), int)


@pytest.mark.parametrize(
    "name",
    [
        # No public page with a figure for these could be read. A price of another service is not theirs.
        "hunyuan:hy-image-v3.5-preview",
        "openai:gpt-image-2.6-flare",
        "openai:gpt-image-2.6-sunburst",
        "openrouter:google/gemini-3-pro-image",
        "openrouter:krea/krea-2-large",
    ],
)
def test_a_price_that_no_page_confirms_stays_out(name: str) -> None:
    assert next(spec for spec in SHIPPED if spec.name == name).price is None


def test_most_cloud_models_have_a_price() -> None:
    assert len(PRICED) >= 0.7 * len(SHIPPED), f"{len(PRICED)} of {len(SHIPPED)}"


@pytest.mark.parametrize(
    ("name", "params", "cost"),
    [
        # The figures are those of the public lists, for each way in which a price depends on the parameters.
        ("fal:fal-ai/flux/schnell", {}, "0.003"),
        ("fal:fal-ai/flux/dev", {"width": 1024, "height": 2048}, "0.05"),
        ("fal:fal-ai/nano-banana-pro", {"resolution": "4K"}, "0.3"),
        ("fal:openai/gpt-image-2", {}, "0.145"),
        ("fal:openai/gpt-image-2", {"quality": "low", "size": "square_hd"}, "0.006"),
        ("fal:openai/gpt-image-2", {"quality": "high", "width": 3840, "height": 2160}, "0.401"),
        ("fal:openai/gpt-image-2/edit", {"quality": "medium", "width": 2560, "height": 1440}, "0.068"),
        ("fal:bytedance/seedream/v5/pro/text-to-image", {"size": "auto_1K"}, "0.0675"),
        ("openai:gpt-image-2", {"quality": "high"}, "0.21072"),
        ("openai:gpt-image-2.5-flare", {"quality": "low"}, "0.00588"),
        ("openai:gpt-image-2.5-sunburst", {"quality": "max"}, "0.21072"),
        ("openai:gpt-image-1.5", {"quality": "medium", "size": "1536x1024"}, "0.05"),
        ("openai:gpt-image-1-mini", {"quality": "low", "size": "1024x1024"}, "0.005"),
        ("gemini:gemini-3-pro-image", {"resolution": "4K"}, "0.24"),
        ("gemini:gemini-2.5-flash-image", {}, "0.039"),
        ("xai:grok-imagine-image-2.0", {"quality": "low"}, "0.04"),
        ("xai:grok-imagine-image-2.0", {"quality": "medium", "resolution": "2k"}, "0.08"),
        ("bfl:flux-3-image", {"resolution": "4k"}, "0.607"),
        ("bfl:flux-2-pro", {"width": 2048, "height": 2048}, "0.075"),
        ("bfl:flux-pro-1.1-ultra", {}, "0.06"),
        ("together:black-forest-labs/FLUX.1-schnell", {"width": 1600, "height": 1600}, "0.006912"),
        ("stability:ultra", {}, "0.08"),
        ("stability:upscale/conservative", {}, "0.4"),
        ("bfl:flux-pro-1.0-fill", {}, "0.05"),
        ("fal:openai/gpt-image-2.5/flare/text-to-image", {"quality": "low"}, "0.00402"),
        ("fal:openai/gpt-image-2.5/sunburst/edit", {"quality": "max", "size": "square_hd"}, "0.21072"),
        (
            "fal:openai/gpt-image-2.5/flare/edit",
            {"quality": "xhigh", "width": 3840, "height": 2160},
            "0.1779",
        ),
        ("fal:blackforestlabs/flux-3/edit-image", {}, "0.048"),
        ("fal:bytedance/seedream/v5/lite/edit", {}, "0.035"),
        ("fal:fal-ai/recraft/v3/text-to-image", {}, "0.0398"),
        ("fal:fal-ai/flux-pro/v1.1", {}, "0.04"),
        ("stability:edit/outpaint", {}, "0.04"),
        ("openrouter:recraft/recraft-v4.1", {}, "0.035"),
        ("volcengine:doubao-seedream-5-5-261028", {}, "0.02"),
        ("volcengine:doubao-seedream-5-5-261028", {"width": 2048, "height": 2048}, "0.035"),
        ("qwen:z-image-turbo", {"prompt_expansion": True}, "0.03"),
    ],
)
def test_the_figures_of_the_lists(name: str, params: dict[str, Any], cost: str) -> None:
    provider, _, model = name.partition(":")
    spec = next(one for one in SHIPPED if (one.provider, one.id) == (provider, model))
    assert catalog.estimate(spec, 1, values(spec, params)) == usd(cost)


def test_a_call_counts_its_input_images() -> None:
    spec = shared("by_resolution")
    provider = Registry(entries=[]).get("gemini").spec
    assert catalog.call_cost(
        provider, spec, {}, Unit(positions=(0,), seeds=(None,), model=spec.id, prompt="", params={})
    ) == usd("0.134")
    request = catalog.make_request(spec, prompt="a fox", n=2, params={}, max_count=4)
    assert catalog.request_cost(provider, spec, request, references=1) == usd("0.2702")


def test_words_for_people() -> None:
    assert repr(usd("0.04")) == "$0.04"
    wide = Estimate(expected=Decimal("0.034"), least=Decimal("0.009"), most=Decimal("0.2"))
    assert f"{wide}" == "$0.009–0.20"
    assert catalog.price_text(shared("by_quality_and_size")) == "$0.009–0.20 / image"
    assert catalog.price_text(shared("by_megapixel")) == "$0.025 / megapixel"
    assert catalog.price_text(shared("from_to")) == "$0.005–0.0075 / megapixel"
    assert catalog.price_text(ModelSpec(provider="x", id="y", title="Y")) == ""
    assert catalog.price_facts(ModelSpec(provider="x", id="y", title="Y")) is None


FILE = """
[price_list]
source = "https://cloud.example/pricing"
day = "2026-11-30"

[parameters.quality]
type = "string"
title = "Quality"
choices = ["low", "high"]

[prices.shared]
amount = "0.04"
unit = "image"
tiers = [{ when = { quality = ["high"] }, amount = "0.08" }]

[[models]]
id = "one"
title = "One"
parameters = ["quality"]
price = PRICE
"""


def parsed(price: str) -> Price | None:
    (spec,) = catalog.parse(FILE.replace("PRICE", price), provider="cloud", file="cloud.toml")
    return spec.price


def test_a_price_of_a_file() -> None:
    price = parsed('"shared"')
    assert price is not None
    assert (price.source, price.day) == ("https://cloud.example/pricing", "2026-11-30")
    assert [(tier.when, tier.rate.amount, tier.rate.unit) for tier in price.tiers] == [
        ({"quality": ("high",)}, "0.08", "image")
    ]
    own = parsed('{ amount = "0.01", unit = "megapixel", day = "2026-10-01" }')
    assert own is not None
    assert (own.amount, own.day, own.source) == ("0.01", "2026-10-01", "https://cloud.example/pricing")


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ('"other"', "not in \\[prices\\]"),
        ('{ unit = "image" }', "amount is missing"),
        ('{ amount = "free", unit = "image" }', "not an amount"),
        ('{ amount = "-1", unit = "image" }', "not an amount"),
        ('{ amount = "1", unit = "pixel" }', "not one of image"),
        ('{ amount = "1", unit = "token" }', "grid belongs to"),
        ('{ amount = "1", unit = "image", grid = 3 }', "grid belongs to"),
        ('{ amount = "1", most = "0.5", unit = "image" }', "below the amount"),
        ('{ amount = "1", unit = "image", size = [1] }', "not a width and a height"),
        ('{ amount = "1", unit = "image", day = "soon" }', "not a day"),
        ('{ amount = "1", unit = "image", price = "2" }', "unknown field 'price'"),
        ('{ amount = "1", unit = "image", tiers = [{ when = { size = ["1K"] } }] }', "does not have"),
        ('{ amount = "1", unit = "image", tiers = [{ when = { quality = ["max"] } }] }', "does not offer"),
        ('{ amount = "1", unit = "image", tiers = [{ cost = "1" }] }', "unknown field 'cost'"),
    ],
)
def test_a_price_that_is_wrong_is_refused(price: str, words: str) -> None:
    with pytest.raises(CatalogError, match=words):
        parsed(price)


def test_the_price_that_a_provider_lists_goes_first() -> None:
    shipped = shared("by_resolution")
    said = ModelSpec(provider="cloud", id=shipped.id, title="", price=Price(amount="0.12", unit="image"))
    merged = catalog.merge([shipped], {shipped.id: said})[shipped.id].price
    assert merged is not None
    assert (merged.amount, merged.unit) == ("0.12", "image")
    same = ModelSpec(provider="cloud", id=shipped.id, title="", price=Price(amount="0.1340", unit="image"))
    assert catalog.merge([shipped], {shipped.id: same})[shipped.id].price == shipped.price


def test_a_price_survives_the_store_and_one_of_a_newer_version_is_unknown() -> None:
    for name in SHARED["models"]:
        assert catalog.from_json(catalog.to_json(shared(name)), "cloud") == shared(name)
    data = catalog.to_json(shared("by_image"))
    data["price"]["unit"] = "second"
    spec = catalog.from_json(data, "cloud")
    assert spec is not None
    assert spec.price is None

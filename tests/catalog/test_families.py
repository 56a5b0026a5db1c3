"""What an id takes that no catalogue file lists."""

from __future__ import annotations

import pytest

from imgplay_widget import catalog
from imgplay_widget._types import ModelSpec
from imgplay_widget.catalog._families import _family
from imgplay_widget.providers import Registry

PROVIDERS = [
    "bfl", "huggingface", "minimax", "qwen", "siliconflow", "stability", "together", "volcengine", "xai",
    "zhipu",
]  # fmt: skip

NEAREST = [
    ("bfl:flux-3-image-quick", "flux-3-image"),
    ("bfl:flux-3-image-fast", "flux-3-image"),
    ("bfl:flux-2-klein-3b", "flux-2-klein-9b"),
    ("bfl:flux-2-flex-preview", "flux-2-flex"),
    ("bfl:flux-2-ultra", "flux-2-pro"),
    ("bfl:flux-kontext-dev", "flux-kontext-pro"),
    ("bfl:flux-pro", "flux-pro-1.1"),
    ("bfl:flux-9", "flux-3-image"),
    ("together:black-forest-labs/FLUX.1-kontext-dev", "black-forest-labs/FLUX.1-kontext-pro"),
    ("together:google/gemini-3-pro-image", "Qwen/Qwen-Image"),
    ("volcengine:doubao-seedream-5-0-pro-261111", "doubao-seedream-5-0-pro-260628"),
    ("volcengine:doubao-seedream-4-0-261111", "doubao-seedream-4-0-20260415"),
    ("volcengine:doubao-seedream-4-5-261111", "doubao-seedream-4-0-20260415"),
    ("volcengine:doubao-seedream-5-0-261111", "doubao-seedream-5-0-pro-260628"),
    ("volcengine:ep-20260101-abcde", "doubao-seedream-5-0-pro-260628"),
    ("zhipu:cogview-4-261111", "cogview-4-250304"),
    ("zhipu:cogview-3-plus", "cogview-3-flash"),
    ("zhipu:glm-image-2", "glm-image"),
    ("qwen:qwen-image-3.5-pro", "qwen-image-3.0-pro"),
    ("qwen:qwen-image-2.0-pro-2026-06-22", "qwen-image-2.0-pro"),
    ("qwen:qwen-image-turbo", "qwen-image-2.0"),
    ("qwen:wan3.0-image-pro", "wan2.7-image-pro"),
    ("qwen:wan2.6-t2i", "wan2.7-image"),
    ("qwen:z-image", "z-image-turbo"),
]


def model(name: str) -> ModelSpec:
    return Registry(entries=[]).find(name)[1]


@pytest.mark.parametrize(("name", "like"), NEAREST)
def test_an_id_takes_what_the_nearest_model_of_its_family_takes(name: str, like: str) -> None:
    spec = model(name)
    family = model(f"{spec.provider}:{like}")
    assert spec.name == name
    assert spec.title == spec.id
    assert {p.name for p in spec.parameters} <= {p.name for p in family.parameters}
    assert (spec.resume, spec.cancel, spec.progress) == (family.resume, family.cancel, family.progress)
    assert spec.price is None


@pytest.mark.parametrize("provider", PROVIDERS)
def test_nothing_is_sent_by_default_but_what_the_whole_family_takes(provider: str) -> None:
    rules = catalog.families(provider)
    assert rules
    for rule in rules:
        spec = rule.spec("typed/by-hand")
        # A model that changes images asks for one, which says nothing about its parameters.
        request = catalog.make_request(spec, prompt="a fox", params={}, partial=True)
        if not rule.same:
            assert set(request.params) <= set(rule.keeps)
            assert (spec.seed != "none") == ("seed" in rule.keeps and rule.like.seed != "none")


def test_a_seed_that_is_set_is_sent_although_none_is_drawn() -> None:
    provider, spec = Registry(entries=[]).find("together:acme/new")
    request = catalog.make_request(spec, prompt="a fox", params={"seed": 7, "steps": 12})
    (unit,) = provider.plan(request, spec, request.params["seed"])
    assert (unit.seed, unit.params) == (7, {"steps": 12})
    silent = catalog.make_request(spec, prompt="a fox", params={})
    assert provider.plan(silent, spec, None)[0].params == {}


def test_input_images_go_where_the_family_takes_them() -> None:
    def wire(name: str) -> str | None:
        rule = model(name).references
        return None if rule is None else rule.wire

    assert wire("together:google/gemini-3-pro-image") == "reference_images[]"
    assert wire("together:black-forest-labs/FLUX.1-kontext-dev") == "image_url"
    assert wire("bfl:flux-2-ultra") == "input_image"
    assert wire("bfl:flux-4") == "images[]"
    assert model("volcengine:ep-1").references is not None
    assert model("qwen:wan2.6-t2i").references is None
    assert model("siliconflow:acme/painter").references is None
    assert model("siliconflow:acme/painter-edit").references is not None


def test_a_watermark_is_not_added_because_an_id_was_typed() -> None:
    for name in ("volcengine:ep-1", "volcengine:doubao-seedream-4-5-261111", "volcengine:seedream-9"):
        assert catalog.make_request(model(name), prompt="a fox", params={}).params == {"watermark": False}


def test_a_version_of_a_model_is_that_model_without_its_price() -> None:
    spec, known = (
        model("volcengine:doubao-seedream-4-0-261111"),
        model("volcengine:doubao-seedream-4-0-20260415"),
    )
    assert (spec.parameters, spec.size_rule, spec.references) == (
        known.parameters,
        known.size_rule,
        known.references,
    )


def test_values_whose_choices_are_not_known_are_taken_as_they_are() -> None:
    spec = model("siliconflow:acme/painter")
    assert catalog.make_request(spec, prompt="a fox", params={"size": "1x2"}).params == {"size": "1x2"}


@pytest.mark.parametrize("name", ["bfl:sd3", "zhipu:glm-5", "qwen:qwen-plus", "qwen:wan2.5-t2i-preview"])
def test_an_id_of_no_family_is_refused(name: str) -> None:
    provider, _, typed = name.partition(":")
    assert Registry(entries=[]).get(provider).model(typed) is None


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"ids": "x", "like": "flux-2-pro", "keep": ["seed"]}, "keep"),
        ({"like": "flux-2-pro"}, "ids is missing"),
        ({"ids": "x", "like": "flux-0"}, "flux-0"),
        ({"ids": "x", "like": "flux-2-pro", "drops": ["paint"]}, "paint"),
    ],
)
def test_a_wrong_rule_names_its_field(rule: dict[str, object], words: str) -> None:
    with pytest.raises(catalog.CatalogError, match=words):
        _family("bfl", rule, 0)

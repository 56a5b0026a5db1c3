"""The table of models, and the expected cost of a request."""

from __future__ import annotations

from decimal import Decimal

import pytest

import imgplay_widget
from imgplay_widget import ModelTable, catalog, models
from imgplay_widget._studio.models import sizes, table_of
from imgplay_widget._types import ModelSpec, Parameter, Price, ProviderSpec, ReferenceRule
from imgplay_widget.errors import NotFound
from imgplay_widget.providers import Keys, Provider, Registry

NASTY = "<script>alert('x')</script>"


def edge(name: str, **more: object) -> Parameter:
    return Parameter(name=name, type="integer", kind=name, title=name, **more)  # pyright: ignore[reportArgumentType]


FREE_SIZES = ModelSpec(
    provider="cloud",
    id="free",
    title=NASTY,
    parameters=(edge("width", minimum=64, maximum=2048), edge("height", minimum=64, maximum=1024)),
    native_n=4,
    seed="best_effort",
    references=ReferenceRule(max_count=3, max_bytes=1000),
    price=Price(amount="0.04", unit="megapixel"),
)
SHAPES = ModelSpec(
    provider="cloud",
    id="shapes",
    title="Shapes",
    parameters=(
        Parameter(
            name="aspect_ratio",
            type="string",
            kind="aspect_ratio",
            title="Shape",
            choices=("1:1", "16:9", "9:16", "4:3", "3:4"),
        ),
    ),
    price=Price(amount="0.04", unit="image"),
    retired_on="2027-01-01",
    successor="free",
)


class Cloud(Provider):
    spec = ProviderSpec(name="cloud", title="Cloud", key_variables=("CLOUD_KEY",))

    def models(self):
        return [FREE_SIZES, SHAPES]


def table(environ=None, provider="cloud") -> ModelTable:
    return table_of(Registry([Cloud()], entries=[]), Keys({}, environ or {}), provider)


def test_the_package_lists_what_it_ships() -> None:
    everything = models()
    assert "demo:instant" in [spec.name for spec in everything]
    demo = models("demo")
    assert {spec.provider for spec in demo} == {"demo"}
    assert 0 < len(demo) < len(everything)
    assert "models" in dir(imgplay_widget)
    with pytest.raises(NotFound):
        models("nobody")


def test_a_table_is_a_sequence() -> None:
    found = table()
    assert (found[0], found[-1], len(found)) == (FREE_SIZES, SHAPES, 2)
    part = found[1:]
    assert isinstance(part, ModelTable)
    assert list(part) == [SHAPES]
    assert "cloud:free" not in repr(part)


def test_a_terminal_shows_it_in_columns() -> None:
    head, rule, free, shapes = repr(table()).splitlines()
    assert set(rule) <= {"-", " "}
    for name in ("model", "sizes", "price", "key", "retired"):
        assert name in head
    assert "64–2048 × 64–1024" in free
    assert "$0.04 / megapixel" in free
    assert "best effort" in free
    assert "up to 3" in free
    assert "1:1, 16:9, 9:16, 4:3 +1" in shapes
    assert "2027-01-01, then free" in shapes
    assert shapes.index("Shapes") == head.index("title")


def test_a_notebook_shows_it_without_letting_anything_in() -> None:
    html = table()._repr_html_()
    assert NASTY not in html
    assert "&lt;script&gt;" in html
    assert html.count("<tr>") == 3


def test_of_a_key_only_the_source_is_shown() -> None:
    secret = "a-very-secret-key"
    found = table({"CLOUD_KEY": secret})
    assert "set (environment variable CLOUD_KEY)" in repr(found)
    assert "missing: CLOUD_KEY" in repr(table())
    assert secret not in repr(found) + found._repr_html_()
    assert "not needed" in repr(table(provider="demo"))


def test_a_model_without_sizes_says_none() -> None:
    assert sizes(ModelSpec(provider="x", id="y", title="Y")) == ""
    assert sizes(ModelSpec(provider="x", id="y", title="Y", parameters=(edge("width"), edge("height")))) == (
        "any × any"
    )


@pytest.mark.parametrize(
    ("spec", "n", "params", "cost"),
    [
        (SHAPES, 4, {}, "0.16"),
        (FREE_SIZES, 2, {"width": 2000, "height": 1000}, "0.16"),
        (FREE_SIZES, 2, {}, None),
        (ModelSpec(provider="x", id="y", title="Y"), 1, {}, None),
    ],
)
def test_a_price_is_known_before(spec: ModelSpec, n: int, params: dict[str, int], cost: str | None) -> None:
    found = catalog.estimate(spec, n, params)
    assert (found and found.expected) == (Decimal(cost) if cost else None)

"""The file with the known servers, and what is wrong in a file."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from imgplay_widget import catalog, server_presets
from imgplay_widget.catalog import CatalogError

GOOD = """
[parameters.width]
type = "integer"
title = "Width"

[[servers]]
name = "acme"
title = "Acme"
address = "https://{team}.acme.example/v1"
source = "https://acme.example/docs"
day = "2026-11-30"
catalog = "openai"
offers = ["gpt-image-2"]

[servers.blanks.team]
title = "Team"
example = "mine"

[servers.wire]
omits = ["n"]

[[servers.models]]
id = "*"
title = "*"
parameters = ["width"]
"""


@pytest.mark.parametrize("preset", server_presets(), ids=lambda one: one.name)
def test_a_preset_names_its_source_and_where_a_key_is_made(preset):
    assert urlsplit(preset.source).scheme == "https"
    assert (preset.key_url != "") is (preset.key == "needed")
    assert re.fullmatch(r"[a-z]+", preset.name)
    for blank in preset.blanks:
        assert re.fullmatch(blank.pattern, blank.example)
        assert blank.help.endswith(".")
    url = preset.url({blank.name: blank.example for blank in preset.blanks})
    assert preset.fits(url)
    assert urlsplit(url).scheme == ("http" if preset.key == "optional" else "https")


@pytest.mark.parametrize("preset", server_presets(), ids=lambda one: one.name)
def test_no_model_of_a_preset_has_a_price_of_another_service(preset):
    assert not any(spec.price or spec.retired_on for spec in (*preset.models, *preset.known))


def test_ollama_makes_no_images_and_is_no_preset():
    assert "ollama" not in [preset.name for preset in server_presets()]


def test_the_presets_show_themselves_as_a_table():
    shown = repr(server_presets())
    assert "https://{resource}.openai.azure.com/openai/v1" in shown
    assert "VLLM_API_KEY (optional)" in shown
    assert "<table>" in server_presets()._repr_html_()
    assert [one.name for one in server_presets()[:2]] == ["azure", "stepfun"]
    assert len(server_presets()) == len(catalog.server_presets())


def test_a_preset_is_data():
    (preset,) = catalog.parse_servers(GOOD, file="mine.toml")
    assert [spec.id for spec in preset.models] == ["gpt-image-2"]
    assert preset.other.parameter("width") is not None
    assert preset.url({"team": " mine "}) == "https://mine.acme.example/v1"
    assert not preset.fits("https://mine.acme.example.org/v1")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[servers]]", "[servers]]", "mine.toml is not TOML"),
        ('title = "Acme"', "", "mine.toml: servers.acme: title is missing"),
        ("omits", "drops", "mine.toml: servers.acme.wire: unknown field 'drops'"),
        ("{team}", "{group}", "mine.toml: servers.acme: the blanks of the address"),
        ('id = "*"', 'id = "one"', "mine.toml: servers.acme: a preset has one model"),
        ('["width"]', '["wide"]', "mine.toml: servers.acme: models.*: parameters: 'wide'"),
        ('"gpt-image-2"', '"none"', "mine.toml: servers.acme: offers: 'none' is not in the catalog"),
        ('day = "2026-11-30"', 'day = "soon"', "mine.toml: servers.acme: day 'soon'"),
        ('name = "acme"', 'name = "acme"\nkey = "maybe"', "mine.toml: servers.acme: key 'maybe'"),
        ("omits =", 'list = "some"\nomits =', "mine.toml: servers.acme: list 'some'"),
    ],
)
def test_a_wrong_file_is_named_with_its_field(old, new, message):
    with pytest.raises(CatalogError) as caught:
        catalog.parse_servers(GOOD.replace(old, new, 1), file="mine.toml")
    assert str(caught.value).startswith(message)


def test_a_preset_stands_once_in_a_file():
    twice = GOOD + GOOD[GOOD.index("[[servers]]") :]
    with pytest.raises(CatalogError, match="listed twice"):
        catalog.parse_servers(twice, file="mine.toml")

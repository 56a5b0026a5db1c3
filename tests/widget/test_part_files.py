"""The parts of the page that load when they are needed: the page gets them from the kernel."""

from __future__ import annotations

import pytest

from imgplay_widget._page.parts import PARTS

BUILD = next(PARTS.glob("large-*.js")).stem.partition("-")[2]


def test_a_page_gets_every_part_of_its_build(page):
    assert {path.stem for path in PARTS.iterdir()} == {
        f"{name}-{BUILD}" for name in ("gallery", "large", "mask", "picker", "sweep", "tools", "zh")
    }
    for path in PARTS.iterdir():
        reply, buffers = page.call("part", name=path.stem.partition("-")[0], build=BUILD)
        assert buffers[reply["result"]["buffer"]] == path.read_bytes()


def test_a_page_of_another_version_is_told_to_load_again(page):
    error = page.error("part", name="large", build="0" * 12)
    assert (error["code"], error["fault"]) == ("page_outdated", "here")
    assert "Load the page again" in error["nextStep"]


@pytest.mark.parametrize(
    ("name", "build"),
    [("../index", BUILD), ("large", "../../../x"), ("large*", BUILD), ("", BUILD), ("large", "")],
)
def test_a_name_leads_nowhere_else(page, name, build):
    assert page.error("part", name=name, build=build)["code"] == "invalid_request"


def test_a_part_that_there_is_not_is_of_another_version(page):
    assert page.error("part", name="none", build=BUILD)["code"] == "page_outdated"

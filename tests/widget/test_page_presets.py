"""Presets on the page: listed, saved, renamed, deleted, brought back, and the words in the panel."""

from __future__ import annotations

import pytest

from imgplay_widget._page.once import READS
from imgplay_widget._page.protocol import ReadPresets
from imgplay_widget._store import Store
from imgplay_widget.errors import StoreLocked

WORDS = {"prefix": "poster of", "suffix": ", flat"}
POSTER = {"model": "fake:image", "params": {"width": 128}, **WORDS}


def save(page, name="poster", *, replace=False, **change):
    page.result("save_preset", name=name, replace=replace, **{**POSTER, **change})


def listed(page):
    return page.result("presets")["presets"]


def told(page):
    return len(page.events("presets_changed"))


def test_a_preset_of_the_page_is_one_of_code_and_the_other_way_round(page):
    save(page, " poster ")
    assert page.studio.presets["poster"] == POSTER
    page.studio.presets["night"] = {"suffix": "at night"}
    page.wait_for(lambda events: sum(e["type"] == "presets_changed" for e in events) == 2)
    assert listed(page) == [
        {"name": "night", "model": None, "params": {}, "prefix": "", "suffix": "at night", "gone": False},
        {"name": "poster", **POSTER, "gone": False},
    ]


def test_a_page_renames_deletes_and_brings_back(page):
    save(page)
    page.result("rename_preset", name="poster", to=" big poster ")
    assert list(page.studio.presets) == ["big poster"]
    page.result("delete_preset", name="big poster")
    assert listed(page) == []
    page.result("restore_preset", name="big poster", **POSTER)
    assert page.studio.presets["big poster"] == POSTER


def test_a_preset_whose_model_is_gone_is_marked_and_comes_back_after_its_deletion(page):
    page.result("restore_preset", name="old", **{**POSTER, "model": "gone:model"})
    assert [(one["name"], one["gone"]) for one in listed(page)] == [("old", True)]
    assert page.error("save_preset", name="old", replace=True, **{**POSTER, "model": "gone:model"})[
        "code"
    ] == ("not_found")


@pytest.mark.parametrize(
    ("call", "fields", "code"),
    [
        ("save_preset", {"name": "poster", "replace": False, **POSTER}, "invalid_request"),
        ("save_preset", {"name": "", "replace": True, **POSTER}, "invalid_request"),
        ("save_preset", {"name": "a" * 61, "replace": True, **POSTER}, "invalid_request"),
        ("save_preset", {"name": "x", "replace": True, **POSTER, "prefix": "a" * 2001}, "invalid_request"),
        ("save_preset", {"name": "x", "replace": True, **POSTER, "params": {"odd": 1}}, "unknown_parameter"),
        ("save_preset", {"name": "x", "replace": True, **POSTER, "params": {"width": -1}}, "invalid_request"),
        ("restore_preset", {"name": "poster", **POSTER}, "invalid_request"),
        ("rename_preset", {"name": "postr", "to": "x"}, "not_found"),
        ("rename_preset", {"name": "poster", "to": "other"}, "invalid_request"),
        ("delete_preset", {"name": "postr"}, "not_found"),
    ],
)
def test_what_cannot_be_done_changes_nothing(page, call, fields, code):
    save(page)
    save(page, "other")
    before = listed(page)
    assert page.error(call, **fields)["code"] == code
    assert listed(page) == before


def test_a_repeated_call_is_done_once(page):
    call = {"method": "save_preset", "name": "poster", "replace": False, **POSTER}
    request = {"kind": "request", "id": "again", "call": call}
    page.send(request)
    page.send(request)
    replies = [c for c, _ in page.messages if c["kind"] == "reply" and c["to"] == "again"]
    assert [reply["error"] for reply in replies] == [None, None]
    assert told(page) <= 1
    assert ReadPresets in READS


def test_pages_of_one_studio_hear_of_each_other(page):
    save(page)
    page.wait_for(lambda events: [e for e in events if e["type"] == "presets_changed"])


def test_the_words_of_the_panel_are_kept_and_travel_with_every_snapshot(page):
    config = page.result("hello")["snapshot"]["config"]
    assert config["words"] == {"prefix": "", "suffix": ""}
    page.result("configure", config={**config, "words": WORDS})
    assert page.result("hello")["snapshot"]["config"]["words"] == WORDS
    core = page.studio._core
    assert core.call(page.kernel.small_snapshot)["config"]["words"] == WORDS
    # Code that chooses a model leaves the words.
    page.studio.model = "fake:sheet"
    assert page.result("hello")["snapshot"]["config"]["words"] == WORDS
    too_long = {**config, "words": {"prefix": "a" * 2001, "suffix": ""}}
    assert page.error("configure", config=too_long)["code"] == "invalid_request"


@pytest.mark.parametrize(
    ("method", "call", "fields"),
    [
        ("settings", "presets", {}),
        ("add_setting", "save_preset", {"name": "new", "replace": False, **POSTER}),
        ("save_setting", "save_preset", {"name": "poster", "replace": True, **POSTER, "suffix": "new"}),
        ("add_setting", "restore_preset", {"name": "new", **POSTER}),
        ("rename_setting", "rename_preset", {"name": "poster", "to": "new"}),
        ("remove_setting", "delete_preset", {"name": "poster"}),
    ],
)
def test_a_locked_store_is_told_and_nothing_changes(page, monkeypatch, method, call, fields):
    save(page)
    before = listed(page)

    def locked(*_: object):
        raise StoreLocked("The store is locked.")

    with monkeypatch.context() as broken:
        broken.setattr(Store, method, locked)
        assert page.error(call, **fields)["code"] == "store_locked"
    assert listed(page) == before

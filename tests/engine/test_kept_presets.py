"""Presets in code: kept for the user, checked when they are set, used by `generate`."""

from __future__ import annotations

import pytest

from imgplay_widget import Studio
from imgplay_widget.errors import InvalidRequest, NotFound, StoreLocked, UnknownParameter
from imgplay_widget.testing import FakeProvider, open_studio

WAIT = 20
POSTER = {"model": "demo:instant", "width": 768, "prefix": "poster of", "suffix": ", flat colours"}


@pytest.fixture
def studio():
    with open_studio(FakeProvider()) as opened:
        yield opened


def names(studio):
    return list(studio.presets)


def test_a_preset_is_a_model_with_parameters_and_words(studio):
    studio.presets["poster"] = POSTER
    assert studio.presets["poster"] == {
        "model": "demo:instant",
        "params": {"width": 768},
        "prefix": "poster of",
        "suffix": ", flat colours",
    }
    batch = studio.generate("a fox", preset="poster")
    assert (batch.model, batch.params["width"]) == ("demo:instant", 768)
    assert batch.prompt == "poster of a fox, flat colours"
    # The prompt that is stored is the one that was sent.
    batch.result(WAIT)
    assert studio.search("flat colours")[0].prompt == batch.prompt
    assert batch[0].recipe["prompt"] == batch.prompt


def test_the_arguments_of_the_call_go_first(studio):
    studio.presets["poster"] = {**POSTER, "seed": 5}
    batch = studio.generate("a fox", preset="poster", width=512, seed=None)
    assert batch.params["width"] == 512
    assert "seed" not in batch.params
    other = studio.generate("a fox", preset="poster", model="fake:image")
    assert (other.model, other.params["width"]) == ("fake:image", 768)
    with pytest.raises(UnknownParameter):
        studio.generate("a fox", preset="poster", model="fake:image", vivid=1)


def test_words_alone_go_with_any_model(studio):
    studio.presets["night"] = {"suffix": "at night"}
    batch = studio.generate("a fox", model="fake:image", preset="night")
    assert (batch.model, batch.prompt) == ("fake:image", "a fox at night")
    studio.model = "fake:image"
    assert studio.generate("a fox", preset="night").model == "fake:image"


def test_the_same_request_is_found_with_and_without_its_preset(studio):
    studio.presets["night"] = {"suffix": "at night"}
    first = studio.generate("a fox", model="fake:image", preset="night").result(WAIT)
    again = studio.generate("a fox at night", model="fake:image", cache=True)
    assert again.id == first.id


def test_presets_are_a_mapping_sorted_by_name(studio):
    presets = studio.presets
    presets.update({"b": {"suffix": "b"}, "A": {"suffix": "a"}, "c": {"suffix": "c"}})
    assert list(presets) == ["A", "b", "c"]
    assert len(presets) == 3
    assert ("b" in presets, "d" in presets, 5 in presets) == (True, False, False)
    assert [preset.suffix for preset in presets.values()] == ["a", "b", "c"]
    assert presets.get("d") is None
    assert presets.pop("d", 5) == 5
    assert presets.pop("b").suffix == "b"
    assert presets.setdefault("A", {"suffix": "x"}).suffix == "a"
    assert presets.setdefault("e", {"suffix": "e"}).suffix == "e"
    del presets["c"]
    assert list(presets) == ["A", "e"]
    presets.clear()
    assert dict(presets) == {}


def test_a_preset_gets_another_name(studio):
    presets = studio.presets
    presets.update({"a": {"suffix": "a"}, "b": {"suffix": "b"}})
    presets.rename("a", "c")
    presets.rename("c", "c")
    assert list(presets) == ["b", "c"]
    assert presets["c"].suffix == "a"
    with pytest.raises(InvalidRequest, match="There is a preset 'b' already"):
        presets.rename("c", "b")
    with pytest.raises(NotFound, match="no preset 'x'"):
        presets.rename("x", "y")
    assert list(presets) == ["b", "c"]


def test_an_unknown_name_lists_near_names(studio):
    with pytest.raises(NotFound, match="There is no preset yet"):
        studio.generate("a fox", preset="poster")
    studio.presets["poster"] = POSTER
    for call in (
        lambda: studio.presets["postr"],
        lambda: studio.presets.pop("postr"),
        lambda: studio.generate("a fox", preset="postr"),
    ):
        with pytest.raises(NotFound, match="Did you mean 'poster'"):
            call()
    with pytest.raises(NotFound, match="There are 'poster'"):
        del studio.presets["xyz"]
    with pytest.raises(InvalidRequest, match="is not the name of a preset"):
        studio.generate("a fox", preset=5)
    assert studio.batches() == []


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"model": "demo:instnt"}, NotFound, "Did you mean demo:instant"),
        ({"width": 7}, InvalidRequest, "width=7 is out of range: demo:instant takes 256 to 2048"),
        ({"colour": "red"}, UnknownParameter, "does not have a parameter 'colour'"),
        ({"sufix": "red"}, UnknownParameter, "did you mean this"),
        ({"references": ["a.png"]}, InvalidRequest, "Give input images to generate"),
    ],
)
def test_a_wrong_preset_is_refused_when_it_is_set(studio, change, error, words):
    with pytest.raises(error) as refused:
        studio.presets["poster"] = {**POSTER, **change}
    assert words in str(refused.value)
    with pytest.raises(error):
        studio.generate("a fox", **{"model": "demo:instant", **change})
    assert names(studio) == []


def test_words_that_are_too_long_for_the_model_are_refused():
    with open_studio(keys={"qwen": "no-key"}) as studio:
        model = "qwen:qwen-image-plus"
        with pytest.raises(InvalidRequest, match="takes up to 800"):
            studio.presets["long"] = {"model": model, "prefix": "a" * 800}
        studio.presets["long"] = {"prefix": "a" * 800}
        with pytest.raises(InvalidRequest, match="takes up to 800"):
            studio.generate("a fox", model=model, preset="long")


def test_a_preset_whose_model_is_gone_says_so(tmp_path):
    store = tmp_path / "s.sqlite"
    with Studio(store, providers=[FakeProvider()]) as studio:
        studio.presets["old"] = {"model": "fake:image", "suffix": "at night"}
    with Studio(store) as studio:
        with pytest.raises(NotFound, match="'old' uses 'fake:image', and there is no such model now"):
            studio.generate("a fox", preset="old")
        assert "fake:image (gone)" in repr(studio.presets)
        batch = studio.generate("a fox", preset="old", model="demo:instant")
        assert batch.prompt == "a fox at night"


def test_presets_belong_to_their_user_and_other_kernels_see_them_at_once(tmp_path):
    store = tmp_path / "s.sqlite"
    with Studio(store) as first, Studio(store) as second, Studio(store, user_id="other") as other:
        first.presets["poster"] = POSTER
        assert second.presets["poster"] == first.presets["poster"]
        assert "poster" not in other.presets
        other.presets["poster"] = {"suffix": "mine"}
        del second.presets["poster"]
        assert names(first) == []
        assert names(other) == ["poster"]


def test_presets_show_themselves_as_a_table(studio):
    assert "There is no preset yet." in repr(studio.presets)
    studio.presets["<b>"] = {**POSTER, "prefix": "a\nlong " + "word " * 40}
    text, html = repr(studio.presets), studio.presets._repr_html_()
    assert text.splitlines()[0].split("  ")[0] == "preset"
    assert "width=768" in text
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    studio.close()
    assert "The studio is closed." in repr(studio.presets)


def test_there_is_a_most_of_presets(studio, monkeypatch):
    monkeypatch.setattr("imgplay_widget._studio.presets.MAX_PRESETS", 2)
    studio.presets.update({"a": {"suffix": "a"}, "b": {"suffix": "b"}})
    with pytest.raises(InvalidRequest, match="There are 2 presets already"):
        studio.presets["c"] = {"suffix": "c"}
    studio.presets["b"] = {"suffix": "again"}
    assert studio.presets["b"].suffix == "again"


def test_a_setting_that_no_version_wrote_is_passed_over(studio):
    studio.presets["poster"] = POSTER
    store = studio._core.archive.store
    for name, value in (("odd", 5), ("empty", {}), ("none", None)):
        studio._core.call(studio._core.archive.in_store, store.save_setting, f"preset:{name}", value)
    assert names(studio) == ["poster"]
    with pytest.raises(NotFound):
        studio.presets["odd"]


def test_a_parameter_that_needs_an_input_image_stays(studio):
    studio.presets["redraw"] = {"model": "a1111:loaded", "strength": 0.4}
    assert studio.presets["redraw"].params == {"strength": 0.4}
    studio.model = "a1111:loaded"
    studio.params = {"strength": 0.4}
    assert studio.params["strength"] == 0.4


@pytest.mark.parametrize(
    "method", ["save_setting", "rename_setting", "remove_setting", "settings", "setting"]
)
def test_a_store_that_fails_changes_nothing(studio, monkeypatch, method):
    studio.presets["poster"] = POSTER

    def locked(*_: object):
        raise StoreLocked("The store is locked.")

    calls = {
        "save_setting": lambda: studio.presets.update(poster={"suffix": "x"}),
        "rename_setting": lambda: studio.presets.rename("poster", "other"),
        "remove_setting": lambda: studio.presets.pop("poster"),
        "settings": lambda: list(studio.presets),
        "setting": lambda: studio.generate("a fox", preset="poster"),
    }
    with monkeypatch.context() as broken:
        broken.setattr(studio._core.archive.store, method, locked)
        with pytest.raises(StoreLocked):
            calls[method]()
    assert studio.presets["poster"].suffix == POSTER["suffix"]
    assert studio.batches() == []

"""The picture of a contact sheet: which words it has, and that no letter becomes an empty box."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from imgplay_widget._rules.sheets import Sheet, Tile
from imgplay_widget._store import lettering
from imgplay_widget._store.sheets import one_picture
from tests.store.store_makers import make_png

IMAGE = make_png((64, 64))
UNKNOWN = "\u4e00\u4e8c\u4e09"
"""Letters that no font of the test has."""


@pytest.fixture(autouse=True)
def no_other_fonts(monkeypatch):
    """Leave only the font of Pillow, as on a small server."""
    monkeypatch.setattr(lettering, "_fonts", lambda size: (lettering._plain(size),))


def pixels(title="", caption=(), words="", tone="image"):
    tile = Tile(id="g", tone=tone, words=words, caption=caption)
    pictures = {} if words or tone != "image" else {"g": ("image/png", IMAGE)}
    data = one_picture(Sheet(title=title, tiles=(tile,)), pictures, 18_000)
    with Image.open(io.BytesIO(data)) as image:
        return image.tobytes()


def test_words_that_no_font_draws_are_left_out():
    assert pixels(title=UNKNOWN) == pixels()
    assert pixels(title="a fox") != pixels()
    assert pixels(caption=(UNKNOWN, "seed 7")) == pixels(caption=("seed 7",))


def test_signs_are_left_out_alone():
    assert pixels(title="a fox \U0001f98a in snow") == pixels(title="a fox in snow")


def test_an_error_that_no_font_draws_is_still_an_error():
    assert pixels(words=UNKNOWN, tone="error") == pixels(words="Failed", tone="error")


def test_a_font_of_the_machine_draws_other_letters(monkeypatch):
    font = lettering._font_named("DejaVuSans.ttf", 11)
    if font is None:
        pytest.skip("this machine has no DejaVu")
    monkeypatch.setattr(lettering, "_fonts", lambda size: (lettering._plain(size), font))
    assert pixels(title="лиса") != pixels()


def test_letters_that_join_need_a_layout_engine(monkeypatch):
    font = lettering._font_named("DejaVuSans.ttf", 11)
    if font is None:
        pytest.skip("this machine has no DejaVu")
    monkeypatch.setattr(lettering, "_fonts", lambda size: (lettering._plain(size), font))
    monkeypatch.setattr(lettering.features, "check_feature", lambda name: False)
    assert pixels(title="ثعلب") == pixels()

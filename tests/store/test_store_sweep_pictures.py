"""Pictures of sweeps: their size, and that every layout is drawn with its words."""

from __future__ import annotations

import io
import math

import pytest
from PIL import Image

from imgplay_widget._rules.sheets import Tile
from imgplay_widget._rules.sweep_sheets import LabelledAxis, sweep_sheet
from imgplay_widget._store import lettering, sweep_pictures
from imgplay_widget._store.sweep_pictures import LONGEST_SIDE, MOST_PIXELS, small_picture, whole_picture
from tests.store.store_makers import make_png

IMAGE = make_png((64, 48))


def sheet_of(*sizes, n=1, shape=(64, 48), label="value", most=None, tone="image", words=""):
    axes = [
        LabelledAxis(f"axis {index}", tuple(f"{label} {one}" for one in range(size)))
        for index, size in enumerate(sizes)
    ]
    tiles = [
        [Tile(id=f"{cell}-{slot}", tone=tone, words=words, shape=shape) for slot in range(n)]
        for cell in range(math.prod(sizes))
    ]
    return sweep_sheet("a {animal}", axes, tiles, most=most)


def drawn(sheet, image=IMAGE):
    return whole_picture(sheet, lambda _: image)


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("sizes", [(1,), (7,), (2, 3), (2, 3, 4), (2, 2, 2, 2)])
def test_every_layout_is_one_picture(sizes, n):
    picture = drawn(sheet_of(*sizes, n=n))
    assert picture.mode == "RGB"
    # The images are noise, so the picture has about as many dark pixels as they have.
    assert sum(picture.convert("L").histogram()[:64]) > 64 * 48 * math.prod(sizes) // 16
    with Image.open(io.BytesIO(small_picture(sheet_of(*sizes, n=n, most=64), {}, 18_000))) as small:
        assert small.format == "JPEG"


@pytest.mark.parametrize("sizes", [(10, 10), (2000,), (2, 1000), (40, 50), (5, 5, 80)])
def test_a_picture_has_bounds(sizes, monkeypatch):
    monkeypatch.setattr(sweep_pictures.images, "within", lambda data, edge: Image.new("RGB", (edge, edge)))
    picture = drawn(sheet_of(*sizes, shape=(1024, 1024)))
    assert max(picture.size) <= LONGEST_SIDE
    assert picture.width * picture.height <= MOST_PIXELS


def test_a_hundred_large_images_are_opened_one_after_the_other(monkeypatch):
    alive, most = 0, 0

    class Counted:
        def __init__(self, image):
            nonlocal alive, most
            self.image, alive = image, alive + 1
            most = max(most, alive)

        def __del__(self):
            nonlocal alive
            alive -= 1

        def __getattr__(self, name):
            return getattr(self.image, name)

    def within(data, edge):
        assert edge <= 768
        return Counted(Image.new("RGB", (edge, edge)))

    monkeypatch.setattr(sweep_pictures.images, "within", within)
    monkeypatch.setattr(Image.Image, "paste", lambda *_: None)
    drawn(sheet_of(10, 10, shape=(1024, 1024)))
    assert most <= 2


def test_a_cell_is_not_larger_than_its_images():
    assert drawn(sheet_of(2, 2, shape=(2048, 1536))).width > 2 * 768
    assert drawn(sheet_of(2, 2)).width < 2 * 320


def test_a_file_that_is_gone_or_damaged_is_said():
    blank = drawn(sheet_of(2, 2, tone="hidden", words=" "))
    for image in (None, b"no image"):
        assert drawn(sheet_of(2, 2), image).tobytes() != blank.tobytes()


def test_labels_of_chinese_are_drawn_where_a_font_has_them():
    if not any(lettering._font_named(name, 11) for name in ("wqy-microhei.ttc", "NotoSansCJK-Regular.ttc")):
        pytest.skip("this machine has no Chinese font")
    assert drawn(sheet_of(2, 2, label="狐")).tobytes() != drawn(sheet_of(2, 2, label="")).tobytes()
    font, known = lettering.drawable("狐狸", 20)
    assert known == "狐狸"
    assert font.getlength(known) > 20

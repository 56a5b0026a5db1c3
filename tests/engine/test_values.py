"""Results as values: images, arrays, costs, files, and what was made from what."""

from __future__ import annotations

import base64
import errno
import os
import sys
from decimal import Decimal
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from imgplay_widget import Generations
from imgplay_widget._studio import files
from imgplay_widget._types import Done, Inline
from imgplay_widget.errors import DiskFull, InvalidRequest, MissingPackage, Moderated, NotFound, StoreError
from imgplay_widget.testing import FakeProvider, Gate, InstantClock, open_studio, picture, png
from tests.store.store_makers import encode

WAIT = 30
MODEL = "fake:image"


def of(image):
    """Return an answer with an image, which is a Pillow image or bytes."""
    return Done(images=(Inline(data=image if isinstance(image, bytes) else encode(image, "PNG")),))


def on_its_side():
    """Return a JPEG, 32 × 16 pixels with a white left half, that asks to be turned by a quarter."""
    image = Image.new("L", (32, 16))
    image.paste(255, (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    return encode(image, "JPEG", exif=exif, quality=95)


# ------------------------------------------------------------------ pixels

PIXELS = [
    (Image.new("RGB", (8, 6), (1, 2, 3)), [1, 2, 3]),
    (Image.new("RGBA", (8, 6), (1, 2, 3, 4)), [1, 2, 3, 4]),
    (Image.new("L", (8, 6), 9), [9, 9, 9]),
    (Image.new("LA", (8, 6), (9, 4)), [9, 9, 9, 4]),
    (Image.new("I;16", (8, 6), 257 * 9), [9, 9, 9]),
    (Image.new("1", (8, 6), 1), [255, 255, 255]),
    (Image.new("RGB", (8, 6), (1, 2, 3)).quantize(), [1, 2, 3]),
]


def test_each_image_is_an_array_of_three_or_four_bytes_a_pixel():
    with open_studio(FakeProvider([of(image) for image, _ in PIXELS], concurrency=1), max_count=9) as studio:
        batch = studio.generate("a fox", model=MODEL, n=len(PIXELS)).result(WAIT)
        for one, (_, pixel) in zip(batch, PIXELS, strict=True):
            array = one.array
            assert (array.shape, array.dtype) == ((6, 8, len(pixel)), np.uint8)
            assert array[3, 4].tolist() == pixel
            array[:] = 0


def test_packages_take_a_generation_as_an_array():
    with open_studio(FakeProvider()) as studio:
        one = studio.generate("a fox", model=MODEL).result(WAIT)[0]
        assert np.array_equal(np.asarray(one), one.array)
        assert np.asarray(one, dtype=np.float32).dtype == np.float32
        assert np.stack([one, one]).shape == (2, 64, 64, 3)
        with pytest.raises(ValueError, match="always a copy"):
            np.array(one, copy=False)


def test_an_image_that_asks_for_a_turn_is_upright():
    with open_studio(FakeProvider([of(on_its_side())])) as studio:
        one = studio.generate("a fox", model=MODEL).result(WAIT)[0]
        assert one.image.size == (16, 32)
        assert one.array.shape == (32, 16, 3)
        assert [one.array[4, 8, 0] > 200, one.array[28, 8, 0] > 200] == [True, False]
        # A program that turns images by their metadata must not turn it again.
        assert one.image.getexif().get(0x0112, 1) == 1
        assert one.bytes == on_its_side()


def test_without_numpy_an_array_says_how_to_install_it(monkeypatch):
    with open_studio(FakeProvider()) as studio:
        batch = studio.generate("a fox", model=MODEL).result(WAIT)
        monkeypatch.setitem(sys.modules, "numpy", None)
        with pytest.raises(MissingPackage, match="pip install numpy"):
            _ = batch[0].array
        with pytest.raises(MissingPackage):
            _ = batch.arrays
        assert batch.images


def test_a_batch_has_its_images_and_its_arrays():
    script = [picture(), Moderated("No."), picture()]
    with open_studio(FakeProvider(script, concurrency=1)) as studio:
        batch = studio.generate("a fox", model=MODEL, n=3).result(WAIT)
        assert [image.size for image in batch.images] == [(64, 64)] * 2
        assert [array.shape for array in batch.arrays] == [(64, 64, 3)] * 2


@pytest.mark.parametrize("part", ["images", "arrays"])
def test_a_batch_without_an_image_says_why(part):
    gate = Gate(Moderated("The prompt was refused."))
    with open_studio(FakeProvider([gate])) as studio:
        batch = studio.generate("a fox", model=MODEL)
        with pytest.raises(NotFound, match="no image yet"):
            getattr(batch, part)
        gate.open()
        with pytest.raises(Moderated):
            batch.result(WAIT)
        with pytest.raises(Moderated, match="The prompt was refused"):
            getattr(batch, part)


# ------------------------------------------------------------------ cost and time


class Passing(InstantClock):
    """A clock that moves on with each look at it."""

    def now(self):
        self.advance(0.25)
        return super().now()


def test_a_generation_has_its_seconds_after_its_end():
    gate = Gate(picture())
    with open_studio(FakeProvider([gate]), clock=Passing()) as studio:
        batch = studio.generate("a fox", model=MODEL)
        assert batch[0].seconds is None
        gate.open()
        one = batch.result(WAIT)[0]
        assert one.seconds > 0
        assert one.seconds == studio.sql("select seconds from generations")[0][0]


def test_a_call_shares_its_cost_among_its_images():
    answer = Done(images=picture(3).images, cost="0.1")
    with open_studio(FakeProvider([answer])) as studio:
        batch = studio.generate("a fox", model="fake:sheet", n=3).result(WAIT)
        costs = [one.cost for one in batch]
        assert sum(costs) == studio.spent().usd == Decimal("0.1")
        assert max(costs) - min(costs) <= Decimal("0.000000001")
        assert costs == [row[0] for row in studio.sql("select cost_usd from generations order by slot")]
        batch[2].delete()
        assert [one.cost for one in batch] == costs[:2]


def test_a_free_image_costs_nothing_and_a_failed_one_has_no_cost():
    with open_studio(FakeProvider([picture(), Moderated("No.")], concurrency=1)) as studio:
        batch = studio.generate("a fox", model=MODEL, n=2).result(WAIT)
        assert [one.cost for one in batch] == [Decimal(0), None]


# ------------------------------------------------------------------ parents and children


def test_parents_and_children_follow_the_references():
    with open_studio(FakeProvider()) as studio:
        first = studio.generate("a fox", model=MODEL).result(WAIT)[0]
        second = studio.generate("a wolf", model=MODEL, width=128).result(WAIT)[0]
        mixed = studio.generate("both", model=MODEL, n=2, references=[second, first]).result(WAIT)
        assert type(mixed[0].parents) is Generations
        assert mixed[0].parents == mixed[1].parents == [second, first]
        assert first.children == second.children == list(mixed)
        assert (first.parents, mixed[0].children) == ([], [])
        second.delete()
        assert mixed[0].parents == [first]
        studio.restore(second)
        assert mixed[0].parents[0].prompt == "a wolf"


def test_parents_are_known_at_once():
    gate = Gate(picture())
    with open_studio(FakeProvider([picture(), gate])) as studio:
        fox = studio.generate("a fox", model=MODEL).result(WAIT)
        assert studio.generate("a wolf", model=MODEL, references=fox)[0].parents == [fox[0]]
        gate.open()


# ------------------------------------------------------------------ files


def test_a_batch_is_saved_into_a_folder(tmp_path):
    script = [picture(), Moderated("No."), of(encode(Image.new("RGB", (8, 8)), "JPEG"))]
    with open_studio(FakeProvider(script, concurrency=1), recipes=False) as studio:
        batch = studio.generate("a red fox / in snow", model=MODEL, n=3, seed=5).result(WAIT)
        paths = batch.save(tmp_path / "new" / "foxes")
        assert [path.name for path in paths] == ["00-5-a-red-fox-in-snow.png", "02-7-a-red-fox-in-snow.jpg"]
        assert [path.read_bytes() for path in paths] == [batch[0].bytes, batch[2].bytes]
        paths[0].write_bytes(b"older")
        assert batch.save(str(tmp_path / "new" / "foxes")) == paths
        assert paths[0].read_bytes() == batch[0].bytes
        assert sorted(path.name for path in paths[0].parent.iterdir()) == [path.name for path in paths]
        assert batch.save(tmp_path, "{index}-{width}")[0] == tmp_path / "0-64.png"


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), DiskFull),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), DiskFull),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_file_that_cannot_be_written_whole_leaves_the_older_one(tmp_path, monkeypatch, failure, raised):
    def cut_off(_, target, __):
        target.write(b"half")
        raise failure

    with open_studio(FakeProvider()) as studio:
        batch = studio.generate("a fox", model=MODEL, seed=5).result(WAIT)
        (path,) = batch.save(tmp_path)
        path.write_bytes(b"older")
        monkeypatch.setattr(files, "copy_saved", cut_off)
        with pytest.raises(raised):
            batch.save(tmp_path)
        assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [(path.name, b"older")]


def test_nothing_is_written_where_the_pattern_or_an_image_is_wrong(tmp_path):
    folder = tmp_path / "foxes"
    gate = Gate(picture())
    with open_studio(FakeProvider([gate, *[picture()] * 2], concurrency=1)) as studio:
        batch = studio.generate("a fox", model=MODEL)
        with pytest.raises(InvalidRequest, match="None of these images is finished"):
            batch.save(folder)
        with pytest.raises(InvalidRequest, match="cannot be read"):
            batch.save(folder, "{index")
        gate.open()
        batch.result(WAIT)
        with pytest.raises(InvalidRequest, match="has the word"):
            batch.save(folder, "{colour}")
        file = tmp_path / "file"
        file.touch()
        with pytest.raises(InvalidRequest, match="is a file, and not a folder"):
            batch.save(file)
        batch[0].path.unlink()
        with pytest.raises(StoreError):
            batch.save(folder)
    assert not folder.exists()


# ------------------------------------------------------------------ whatever holds an image


class Figure:
    """A figure as matplotlib has it."""

    def savefig(self, fname, *, format):
        Image.new("RGB", (8, 6), "teal").save(fname, format=format)


class Tensor:
    """A tensor as other packages have it: it can only become an array."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


GREY = np.full((6, 8), 128, np.uint8)
COLOURS = np.full((6, 8, 3), 128, np.uint8)
BASE64 = base64.b64encode(png(8, 6)).decode()
HOLDERS = [
    Image.new("RGB", (8, 6)),
    Image.new("L", (8, 6)),
    Figure(),
    COLOURS,
    COLOURS / 255,
    np.dstack([COLOURS, GREY]),
    GREY,
    GREY[..., None],
    GREY > 0,
    GREY / 255,
    COLOURS[::-1, ::-1],
    Tensor(COLOURS),
    png(8, 6),
    bytearray(png(8, 6)),
    memoryview(png(8, 6)),
    np.full((6, 8), 32_896, np.uint16),
    np.full((6, 8, 3), 32_896, ">u2"),
    np.full((6, 8, 2), 128, np.uint8),
    np.full((6, 8), 1 + 1e-7, np.float32),
    COLOURS.astype(np.float16) / 255,
    Image.new("CMYK", (8, 6)),
    Image.new("F", (8, 6), 0.5),
    BASE64,
    BASE64.rstrip("="),
    "\n".join(BASE64[at : at + 76] for at in range(0, len(BASE64), 76)),
    base64.urlsafe_b64encode(encode(Image.effect_noise((8, 6), 99), "PNG")).decode(),
    f"data:image/png;base64,{BASE64}",
    f"DATA:image/png;charset=utf-8;base64,{quote(BASE64)}",
    "data:image/png," + quote(png(8, 6)),
]


def test_a_reference_is_whatever_holds_an_image_alone_or_in_a_list():
    fake = FakeProvider()
    with open_studio(fake) as studio:
        for image in HOLDERS:
            batches = [studio.generate("a fox", model=MODEL, references=one) for one in ([image], image)]
            one, other = (batch.result(WAIT) for batch in batches)
            assert one[0].recipe["references"] == other[0].recipe["references"]
            assert (one[0].recipe["references"][0]["width"], fake.submits[-1].references[0].height) == (8, 6)
            assert studio.add_reference(image) in fake.submits[-1].references


def test_sixteen_bits_become_eight():
    fake = FakeProvider()
    with open_studio(fake) as studio:
        for image in (np.full((6, 8), 257 * 77, np.uint16), Image.new("I;16", (8, 6), 257 * 77)):
            studio.generate("a fox", model=MODEL, references=image).result(WAIT)
            with Image.open(studio._core.files.reference_path(fake.submits[-1].references[0])) as sent:
                assert (sent.mode, sent.getpixel((3, 3))) == ("L", 77)


def test_no_reference_is_none():
    fake = FakeProvider()
    with open_studio(fake) as studio:
        studio.generate("a fox", model=MODEL, references=None, mask=None).result(WAIT)
    assert fake.submits[0].references == ()


def test_a_photo_of_a_phone_is_upright_for_the_model_and_for_its_mask(tmp_path):
    fake = FakeProvider()
    file = tmp_path / "photo.jpg"
    file.write_bytes(on_its_side())
    text = base64.b64encode(on_its_side()).decode()
    mask = Image.new("L", (16, 32), 255)
    with open_studio(fake) as studio:
        for photo in (file, on_its_side(), Image.open(file), text, f"data:image/jpeg;base64,{text}"):
            studio.generate("a fox", model=MODEL, references=photo, mask=mask).result(WAIT)
            (sent,) = fake.submits[-1].references
            assert (sent.width, sent.height) == (16, 32)
            with Image.open(studio._core.files.reference_path(sent)) as image:
                assert image.size == (16, 32)
                assert image.getexif().get(0x0112, 1) == 1
                assert [image.convert("L").getpixel((8, row)) > 200 for row in (4, 28)] == [True, False]
            added = studio.add_reference(photo)
            assert (added.digest, added.height) == (sent.digest, 32)


def test_a_result_that_asks_for_a_turn_is_upright_wherever_it_is_seen(tmp_path):
    fake = FakeProvider([of(on_its_side())])
    with open_studio(fake, recipes=False) as studio:
        batch = studio.generate("a fox", model=MODEL).result(WAIT)
        one = batch[0]
        assert (one.width, one.height) == (16, 32)
        assert (one.recipe["width"], one.recipe["height"]) == (16, 32)
        assert "16×32" in repr(one)
        assert studio.history()[0][studio.history().columns.index("width")] == 16
        assert one.save(tmp_path / "fox.jpg").read_bytes() == on_its_side()
        # As an input image, it is a new file.
        again = studio.generate("again", model=MODEL, references=one).result(WAIT)
        (sent,) = fake.submits[-1].references
        assert (sent.width, sent.height, sent.generation_id) == (16, 32, one.id)
        assert again[0].parents == [one]


def test_an_array_keeps_its_pixels():
    fake = FakeProvider()
    pixels = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)[:, ::-1]
    with open_studio(fake) as studio:
        studio.generate("a fox", model=MODEL, references=pixels).result(WAIT)
        with Image.open(studio._core.files.reference_path(fake.submits[0].references[0])) as image:
            assert np.array_equal(np.asarray(image), pixels)


def test_a_generation_a_batch_of_one_and_a_path_are_references(tmp_path):
    with open_studio(FakeProvider()) as studio:
        fox = studio.generate("a fox", model=MODEL).result(WAIT)
        file = fox[0].save(tmp_path / "fox.png")
        for image in (fox, fox[0], file, str(file)):
            made = studio.generate("again", model=MODEL, references=image)
            assert made.result(WAIT)[0].parents == [fox[0]]
        assert studio.add_reference(fox).generation_id == fox[0].id


def test_a_batch_of_several_is_refused_and_nothing_is_sent():
    fake = FakeProvider()
    with open_studio(fake) as studio:
        pair = studio.generate("a fox", model=MODEL, n=2).result(WAIT)
        for given in ({"references": pair}, {"references": [pair]}, {"references": [pair[0]], "mask": pair}):
            with pytest.raises(InvalidRequest, match="A batch of 2 images") as refused:
                studio.generate("again", model=MODEL, **given)
            assert "batch[0]" in refused.value.next_step
    assert len(fake.submits) == 2


NO_IMAGES = [
    (np.zeros((3, 6, 8), np.uint8), "3 × 6 × 8"),
    (np.zeros((6, 8, 3), np.int64), "int64"),
    (np.full((6, 8), np.nan), "outside of 0 to 1"),
    (Image.new("I", (8, 6), -1), "cannot be written as a PNG: its numbers"),
    (np.zeros(5, np.uint8), "shape 5"),
    (COLOURS / 100, "outside of 0 to 1"),
    (np.zeros((0, 8), np.uint8), "8 × 0 pixels"),
    (Tensor(np.zeros((2, 2), object)), "object"),
    (7, "int cannot be used"),
    ("http://example.com/a.png", "not an https link"),
    ("ftp://example.com/a.png", "not an https link"),
    ("no/such/file.png", "cannot be read"),
    (b"GIF", "cannot be used"),
    (b"", "nothing (zero bytes)"),
    (b"a text", "plain text"),
    (os.curdir, "is a folder"),
    (os.devnull, "is not a file"),
    ("data:image/png;base64,????", "a data URL that cannot be read"),
    ("data:image/png;base64", "a data URL that cannot be read"),
    ("data:text/plain,a%20text", "plain text"),
    ("data:image/png;base64," + base64.b64encode(os.urandom(300_000)).decode(), "are not an image"),
    (base64.b64encode(os.urandom(300_000)).decode(), "cannot be a path"),
    (base64.b64encode(png(8, 6)[:60]).decode(), "cut off"),
]


def test_what_holds_no_image_is_refused_with_a_reason():
    fake = FakeProvider()
    with open_studio(fake) as studio:
        for image, says in NO_IMAGES:
            for call in (
                lambda image=image: studio.generate("a fox", model=MODEL, references=[image]),
                lambda image=image: studio.add_reference(image),
            ):
                with pytest.raises(InvalidRequest) as refused:
                    call()
                assert says in refused.value.message
                assert len(str(refused.value)) < 500
        assert studio.topics == []
    assert fake.submits == []


def hole(mode):
    """Return a picture that is white in its left half, and black elsewhere."""
    image = Image.new("L", (64, 64))
    image.paste(255, (0, 0, 32, 64))
    return image.convert(mode)


WHITE_LEFT = np.asarray(hole("L"))
MASKS = [
    hole("L"),
    hole("1"),
    hole("RGB"),
    WHITE_LEFT,
    WHITE_LEFT > 0,
    WHITE_LEFT / 255,
    encode(hole("L"), "JPEG", quality=95),
    encode(hole("RGB"), "WEBP", lossless=True),
]


def test_a_mask_in_black_and_white_is_free_where_it_is_white():
    fake = FakeProvider()
    with open_studio(fake) as studio:
        for mask in MASKS:
            studio.generate("a fox", model=MODEL, references=png(), mask=mask).result(WAIT)
            sent = fake.submits[-1].mask
            assert sent.media_type == "image/png"
            with Image.open(studio._core.files.reference_path(sent)) as image:
                alpha = np.asarray(image.getchannel("A"))
            assert alpha[:, :28].max() < 16
            assert alpha[:, 36:].min() > 239


def test_a_transparent_mask_is_sent_as_it_is():
    fake = FakeProvider()
    image = Image.new("RGBA", (64, 64), (9, 9, 9, 255))
    image.putpixel((3, 3), (0, 0, 0, 0))
    with open_studio(fake) as studio:
        studio.generate("a fox", model=MODEL, references=png(), mask=encode(image, "PNG")).result(WAIT)
        path = studio._core.files.reference_path(fake.submits[0].mask)
        assert path.read_bytes() == encode(image, "PNG")


def test_a_picture_in_colours_is_no_mask():
    with open_studio(FakeProvider()) as studio, pytest.raises(InvalidRequest, match="in colours"):
        studio.generate("a fox", model=MODEL, references=png(), mask=png())

"""Every image that is paid for is kept as it came, of whatever kind and size, also a damaged one."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image, ImageDraw

from imgplay_widget import Status
from imgplay_widget._store import images
from imgplay_widget._types import Done, Inline, Remote
from imgplay_widget.errors import CorruptImage, InvalidRequest, NotFetched, NotShown
from imgplay_widget.testing import FakeProvider, InstantClock, open_studio
from imgplay_widget.testing.server import Answer, ProviderServer

WAIT = 30
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='64' height='48'><script>alert(1)</script></svg>"
HTML = b"<!DOCTYPE html><p>Sign in"
UNKNOWN = b"8BPS\0\1" + bytes(range(256))


def photo(kind, **options):
    """Return an image of 64 × 48 pixels that every part of its file matters for."""
    image = Image.effect_noise((64, 48), 90).convert("RGB")
    ImageDraw.Draw(image).rectangle((8, 8, 30, 30), "red")
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


DRAWN = {
    "avif": photo("AVIF"),
    "gif": photo("GIF"),
    "bmp": photo("BMP"),
    "tif": photo("TIFF"),
    "jp2": photo("JPEG2000"),
}
NOT_DRAWN = {
    "svg": (SVG, ""),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ""),
    "bin": (UNKNOWN, "image/vnd.adobe.photoshop"),
}
PNG = photo("PNG")
HALF = PNG[: len(PNG) // 2]


class Files(ProviderServer):
    """A server that answers each request for a file with the next answer, and then with the last one."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = list(answers)

    def answer(self, received):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Linked(FakeProvider):
    """A provider that answers with a link to a file of a server."""

    def __init__(self, server):
        super().__init__([Done(images=(Remote(url=f"{server.origin}/a?sig=secret"),))])
        self._server = server

    def origin(self):
        return self._server.origin


def file(data, media_type="image/png"):
    return Answer(200, {"Content-Type": media_type}, data)


def inline(data, media_type=""):
    return FakeProvider([Done(images=(Inline(data=data, media_type=media_type),))])


@pytest.mark.parametrize("suffix", DRAWN)
def test_an_image_of_another_kind_is_kept_and_drawn(suffix, tmp_path):
    data = DRAWN[suffix]
    with open_studio(inline(data)) as studio:
        (image,) = studio.generate("a fox", model="fake:image").result(WAIT)
        assert image.bytes == data
        assert image.path.suffix == f".{suffix}"
        assert (image.width, image.height) == image.image.size == (64, 48)
        assert studio._core.files._assets.thumbnail(image._row.asset)[8:12] == b"WEBP"
        with zipfile.ZipFile(studio.save_zip(tmp_path / "a.zip", image.batch)) as pack:
            assert [name.rpartition(".")[2] for name in pack.namelist()] == [suffix, "json"]
        again = studio.generate("like this", model="fake:image", references=[image]).result(WAIT)
        assert again.status is Status.SUCCESS
        assert again._live.entry.batch.references[0].media_type == "image/png"


@pytest.mark.parametrize("suffix", NOT_DRAWN)
def test_an_image_that_cannot_be_drawn_is_kept_and_every_use_of_its_pixels_is_a_named_error(suffix, tmp_path):
    data, said = NOT_DRAWN[suffix]
    with open_studio(inline(data, said)) as studio:
        (image,) = studio.generate("a fox", model="fake:image").result(WAIT)
        assert image.bytes == data == image.save(tmp_path / "a").read_bytes()
        assert image.path.suffix == f".{suffix}"
        assert (image.width, image.height) == (None, None)
        with pytest.raises(NotShown, match="Save the original") as caught:
            _ = image.image
        assert caught.value.reason == "kind"
        with zipfile.ZipFile(studio.save_zip(tmp_path / "a.zip", image.batch)) as pack:
            assert pack.read(pack.namelist()[0]) == data
        with pytest.raises(InvalidRequest, match=r"reference cannot be used: .* not drawn here"):
            studio.generate("like this", model="fake:image", references=[image])
        assert studio.generate("on", model="fake:image").result(WAIT).status is Status.SUCCESS


@pytest.mark.parametrize(
    ("data", "said", "kept"),
    [
        (UNKNOWN, "image/x-new", True),
        (UNKNOWN, "image/png", True),
        (UNKNOWN, "application/octet-stream", False),
        (UNKNOWN, "", False),
        (HTML, "image/png", False),
        (b'{"error": "pending"}', "image/png", False),
        (b"Not found", "image/png", False),
        (b"", "image/png", False),
    ],
)
def test_what_only_its_sender_calls_an_image_is_kept_unless_it_is_a_text(data, said, kept):
    with Files(file(data, said)) as files, open_studio(Linked(files), clock=InstantClock()) as studio:
        batch = studio.generate("a fox", model="fake:image")
        if kept:
            assert batch.result(WAIT)[0].bytes == data
            assert batch[0].path.suffix == ".bin"
        else:
            with pytest.raises(NotFetched):
                batch.result(WAIT)


def test_a_damaged_image_is_kept_marked_and_drawn_as_far_as_it_came():
    with open_studio(inline(HALF)) as studio:
        (image,) = studio.generate("a fox", model="fake:image").result(WAIT)
        assert image.bytes == HALF
        assert not image._row.asset.whole
        seen = image.image.convert("RGB")
        assert seen.crop((0, 0, 64, 8)).getextrema()[0][1] > 0
        assert seen.crop((0, 44, 64, 48)).getextrema() == ((0, 0),) * 3
        with pytest.raises(InvalidRequest, match="cut off or damaged"):
            studio.generate("like this", model="fake:image", references=[image])


@pytest.mark.parametrize("suffix", ["gif", "bmp", "tif", "avif"])
def test_an_image_of_another_kind_is_known_to_be_cut_off(suffix):
    whole = DRAWN[suffix]
    assert images.accept(whole).whole
    assert not images.accept(whole[: len(whole) * 9 // 10]).whole


@pytest.mark.parametrize("data", [PNG[:60], PNG[:33] + bytes(len(PNG) - 33)], ids=["cut", "zeros"])
def test_a_damaged_image_of_which_nothing_is_left_is_an_error(data):
    with open_studio(inline(data)) as studio:
        batch = studio.generate("a fox", model="fake:image")
        with pytest.raises(CorruptImage):
            batch.result(WAIT)


def test_a_damaged_file_is_asked_for_again_and_the_whole_one_is_kept():
    files = Files(file(HALF), file(HALF), file(PNG))
    with files, open_studio(Linked(files), clock=InstantClock()) as studio:
        (image,) = studio.generate("a fox", model="fake:image").result(WAIT)
        assert image.bytes == PNG
        assert image._row.asset.whole


@pytest.mark.parametrize("last", [file(HALF), Answer(404, {}, b"gone"), Answer(410, {}, b"gone")])
def test_a_file_that_stays_damaged_is_kept_as_it_is(last):
    with Files(file(HALF), last) as files, open_studio(Linked(files), clock=InstantClock()) as studio:
        (image,) = studio.generate("a fox", model="fake:image").result(WAIT)
        assert image.bytes == HALF
        assert not image._row.asset.whole

"""Which bytes are accepted as an image, and the small pictures that are made from it."""

import io
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from store_makers import encode, make_png

from imgplay_widget._store import images
from imgplay_widget.errors import CorruptImage, NotShown

PHOTO = Image.effect_mandelbrot((120, 80), (-2, -1.5, 1, 1.5), 30).convert("RGB")
WHOLE = {
    "png": encode(PHOTO, "PNG"),
    "apng": encode(PHOTO, "PNG", save_all=True, append_images=[PHOTO.rotate(90)]),
    "jpeg": encode(PHOTO, "JPEG"),
    "progressive": encode(PHOTO, "JPEG", progressive=True, quality=95, exif=Image.Exif().tobytes()),
    "webp": encode(PHOTO, "WEBP", quality=80),
    "lossless": encode(PHOTO, "WEBP", lossless=True),
    "alpha": encode(PHOTO.convert("RGBA"), "WEBP", exif=b"Exif\0\0" + Image.Exif().tobytes()),
    "animated": encode(PHOTO, "WEBP", save_all=True, append_images=[PHOTO.rotate(90)]),
}


OTHERS = {kind.lower(): encode(PHOTO, kind) for kind in ("AVIF", "GIF", "BMP", "TIFF")}


@pytest.mark.parametrize("name", [*WHOLE, *OTHERS])
def test_a_whole_image_is_accepted_and_drawn(name):
    data = (WHOLE | OTHERS)[name]
    accepted = images.accept(data)
    with Image.open(io.BytesIO(data)) as image:
        assert accepted.media_type == image.get_format_mimetype().replace("apng", "png")
    assert (accepted.width, accepted.height, accepted.whole) == (120, 80, True)
    for picture in (images.thumbnail(data), images.as_png(data)):
        with Image.open(io.BytesIO(picture)) as small:
            assert small.size == (120, 80)


@pytest.mark.parametrize("name", WHOLE)
def test_what_lies_behind_the_end_is_no_damage(name):
    data = WHOLE[name] + b"<script>\xff\xd9"
    assert images.accept(data).whole
    images.thumbnail(data)


@pytest.mark.parametrize("name", WHOLE)
@given(part=st.floats(0, 1, exclude_max=True))
def test_a_cut_image_never_counts_as_whole(name, part):
    cut = WHOLE[name][: int(len(WHOLE[name]) * part)]
    try:
        assert not images.accept(cut).whole
    except CorruptImage:
        return
    with suppress(NotShown):
        images.thumbnail(cut)


@pytest.mark.parametrize("name", ["png", "jpeg", "progressive", "bmp", "tiff"])
def test_an_image_that_is_cut_off_is_drawn_as_far_as_it_came(name):
    data = (WHOLE | OTHERS)[name]
    with Image.open(io.BytesIO(images.thumbnail(data[: len(data) // 2]))) as small:
        assert small.size == (120, 80)
        # A BMP begins with its lowest row.
        rows = (0, 70, 120, 80) if name == "bmp" else (0, 0, 120, 10)
        assert small.convert("RGB").crop(rows).getextrema()[0][1] > 0


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_a_text_that_is_a_bomb_or_damaged_does_not_hide_the_picture():
    text = chunk(b"zTXt", b"parameters\0\0" + zlib.compress(bytes(100_000_000), 9))
    head = 8 + 25
    for extra in (text, text[:-1] + b"?"):
        data = WHOLE["png"][:head] + extra + WHOLE["png"][head:]
        assert images.accept(data).whole
        images.thumbnail(data)


DRAWINGS = [
    b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    b"\xef\xbb\xbf\n<?xml version='1.0'?><!-- <html> --><svg:svg xmlns:svg='x'/>",
    b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x" [<!ENTITY a "b">]><SVG width="1"/>',
]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        *((drawing, "image/svg+xml") for drawing in DRAWINGS),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
        (encode(PHOTO, "ICO"), "image/x-icon"),
    ],
)
def test_an_image_that_cannot_be_drawn_is_kept(data, kind):
    accepted = images.accept(data)
    assert (accepted.media_type, accepted.width, accepted.whole) == (kind, None, True)
    for make in (images.thumbnail, images.cover, images.render, images.as_png):
        with pytest.raises(NotShown) as caught:
            make(data)
        assert caught.value.reason == "kind"


@given(st.binary(max_size=200), st.sampled_from([b"", *(data[:40] for data in WHOLE.values())]))
def test_any_bytes_are_an_image_or_a_named_error(rest, head):
    with suppress(CorruptImage, NotShown):
        images.accept(head + rest)
        images.thumbnail(head + rest)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "nothing"),
        (b"\n <!DOCTYPE html><html>", "HTML"),
        (b"<html><body><svg/></body></html>", "HTML"),
        (b'{"error": "no"}', "JSON"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "video"),
        (b"Not found", "plain text"),
        (b"\x00\x01\x02", "something else"),
    ],
)
def test_a_refusal_says_what_came_instead(data, word):
    with pytest.raises(CorruptImage, match=word) as caught:
        images.accept(data)
    assert caught.value.fault == "provider"


def bomb(width, height):
    """Return a small PNG with an enormous size in its header."""

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("make", [images.thumbnail, images.cover, images.render, images.as_png])
def test_a_bomb_is_kept_but_not_decoded(make):
    data = bomb(20_000, 20_000)
    assert images.accept(data).width == 20_000
    with pytest.raises(NotShown, match="too large"):
        make(data)


def test_an_image_without_area_is_refused():
    with pytest.raises(CorruptImage, match="size"):
        images.accept(bomb(0, 5))


def test_too_many_bytes_are_refused():
    with pytest.raises(CorruptImage, match="bytes"):
        images.accept(bytes(images.MAX_BYTES + 1))


@pytest.mark.parametrize("make", [images.thumbnail, images.cover, images.render])
def test_an_image_whose_pixels_are_missing_is_refused_when_they_are_needed(make):
    data = bomb(1000, 1000)
    assert images.accept(data).width == 1000
    with pytest.raises(NotShown, match="decoded"):
        make(data)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1024, 1024), (768, 768)),
        ((3000, 1000), (768, 256)),
        ((100, 60), (100, 60)),
        ((1, 4000), (1, 768)),
        ((769, 10), (768, 10)),
    ],
)
@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_a_thumbnail_is_webp_with_a_longest_edge_of_768(size, expected, format):
    data = images.thumbnail(encode(Image.new("RGB", size, (200, 30, 90)), format))
    with Image.open(io.BytesIO(data)) as small:
        assert (small.format, small.size) == ("WEBP", expected)
        red, green, blue = small.convert("RGB").getpixel((0, 0))
    assert abs(red - 200) < 12
    assert abs(green - 30) < 12
    assert abs(blue - 90) < 12


def test_a_cover_is_the_middle_of_the_image():
    wide = Image.new("RGB", (900, 300), "red")
    wide.paste("blue", (300, 0, 600, 300))
    for data in (images.cover(encode(wide, "PNG")), images.render(encode(wide, "PNG"))[1]):
        with Image.open(io.BytesIO(data)) as square:
            assert square.size == (256, 256)
            for corner in ((3, 3), (252, 252), (128, 128)):
                assert square.convert("RGB").getpixel(corner)[2] > 200
    tiny = images.accept(images.cover(make_png((3, 5))))
    assert (tiny.width, tiny.height) == (256, 256)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "PA", "1", "RGBA", "I;16", "CMYK"])
def test_every_mode_of_pixels_becomes_a_thumbnail(mode):
    if mode == "I;16":
        image = Image.frombytes("I;16", (20, 20), struct.pack("<400H", *[0x8000] * 400))
    else:
        image = Image.new("RGBA", (20, 20), (128, 128, 128, 255)).convert("RGB" if mode == "CMYK" else "RGBA")
        image = image.convert("P") if mode in ("P", "PA") else image.convert(mode)
    data = images.thumbnail(encode(image, "JPEG" if mode == "CMYK" else "PNG"))
    with Image.open(io.BytesIO(data)) as small:
        assert small.size == (20, 20)
        if mode != "1":
            assert abs(small.convert("RGB").getpixel((10, 10))[0] - 128) < 12


def test_transparency_stays_and_metadata_does_not():
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    image = Image.new("RGBA", (40, 40), (10, 200, 10, 0))
    data = encode(image, "PNG", exif=exif, icc_profile=b"profile" * 20)
    small = images.thumbnail(data)
    assert b"secret" not in small
    assert b"profile" not in small
    with Image.open(io.BytesIO(small)) as opened:
        assert opened.convert("RGBA").getpixel((5, 5))[3] == 0


def test_a_rotated_photo_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(Image.new("RGB", (60, 40)), "JPEG", exif=exif)
    small = images.accept(images.thumbnail(data))
    assert (small.width, small.height) == (40, 60)

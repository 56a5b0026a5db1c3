"""Which bytes are accepted as an image, and the small pictures that are made from it."""

import io
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
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


# ------------------------------------------------------------------ images that ask for a turn


def turned(orientation, kind="JPEG", mode="RGB", **options):
    """Return a file that asks for a turn: upright, it is 40 × 60 with a white upper third."""
    upright = Image.new("RGB", (40, 60), (10, 20, 30))
    upright.paste("white", (0, 0, 40, 20))
    undo = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    stored = upright if undo is None else upright.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(stored.convert(mode), kind, exif=exif, **options)


def white_rows(data):
    """Return the rows of a file, 0 to 5 from the top as its pixels lie, that are white."""
    with Image.open(io.BytesIO(data)) as image:
        rows = image.convert("L").resize((1, 6), Image.Resampling.BOX)
    return [row for row in range(6) if rows.getpixel((0, row)) > 200]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_size_of_an_image_is_that_of_what_one_sees(kind, orientation):
    data = turned(orientation, kind)
    accepted = images.accept(data)
    assert (accepted.width, accepted.height, accepted.whole) == (40, 60, True)
    for picture in (images.thumbnail(data), images.as_png(data), images.view(data, always=True)):
        with Image.open(io.BytesIO(picture)) as image:
            assert image.size == (40, 60)
        assert white_rows(picture) == [0, 1]
    assert images.pillow_image(data).size == (40, 60)


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_upright_file_asks_nobody_to_turn_it(kind, orientation):
    data = images.upright(turned(orientation, kind, icc_profile=b"profile" * 20))
    accepted = images.accept(data)
    assert (accepted.media_type, accepted.width, accepted.height) == (f"image/{kind.lower()}", 40, 60)
    assert not accepted.turned
    assert white_rows(data) == [0, 1]
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif().get(0x0112, 1) == 1
        assert image.info["icc_profile"] == b"profile" * 20


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "I;16"])
def test_a_png_keeps_its_pixels_when_it_is_turned(mode):
    data = turned(6, "PNG", "L" if mode == "I;16" else mode)
    if mode == "I;16":
        with Image.open(io.BytesIO(data)) as image:
            data = encode(image.convert("I;16"), "PNG", exif=image.getexif())
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(images.upright(data))) as after:
        assert after.mode == before.mode
        assert after.tobytes() == before.transpose(Image.Transpose.ROTATE_270).tobytes()


def test_a_lossless_webp_and_the_colours_of_a_jpeg_stay():
    data = turned(8, "WEBP", lossless=True)
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(images.upright(data))) as after:
        assert after.tobytes() == before.transpose(Image.Transpose.ROTATE_90).tobytes()
    for mode in ("L", "CMYK"):
        assert white_rows(images.upright(turned(3, mode=mode, quality=95))) == [0, 1]


@pytest.mark.parametrize("data", [turned(1), WHOLE["png"], WHOLE["alpha"], turned(1, "PNG")])
def test_a_file_that_asks_for_nothing_keeps_its_bytes(data):
    assert images.upright(data) is data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@settings(deadline=None)
@example(at=24, byte=255)
@given(at=st.integers(0, 400), byte=st.integers(0, 255))
def test_damaged_metadata_are_no_damage(kind, at, byte):
    data = bytearray(turned(6, kind))
    data[at % len(data)] = byte
    with suppress(CorruptImage):
        accepted = images.accept(bytes(data))
        assert accepted.width is None or accepted.width > 0
        with suppress(NotShown):
            images.upright(bytes(data))


# ------------------------------------------------------------------ Pillow images of any mode

GREEN = Image.new("RGB", (8, 6), (30, 180, 60))
PICTURES = {
    "1": (Image.new("1", (8, 6), 1), (255, 255, 255)),
    "L": (Image.new("L", (8, 6), 77), (77, 77, 77)),
    "LA": (Image.new("LA", (8, 6), (77, 9)), (77, 77, 77, 9)),
    "P": (GREEN.quantize(), (30, 180, 60)),
    "RGBA": (Image.new("RGBA", (8, 6), (1, 2, 3, 4)), (1, 2, 3, 4)),
    "RGBX": (Image.new("RGBX", (8, 6), (1, 2, 3, 4)), (1, 2, 3)),
    "CMYK": (GREEN.convert("CMYK"), (30, 180, 60)),
    "YCbCr": (GREEN.convert("YCbCr"), (30, 180, 60)),
    "HSV": (GREEN.convert("HSV"), (30, 180, 60)),
    "LAB": (Image.new("LAB", (8, 6), (128, 128, 128)), (119, 119, 119)),
    "I;16": (Image.new("I;16", (8, 6), 257 * 77), (77, 77, 77)),
    "I of eight bits": (Image.new("I", (8, 6), 77), (77, 77, 77)),
    "I of sixteen bits": (Image.new("I", (8, 6), 257 * 77), (77, 77, 77)),
    "F of 0 to 1": (Image.new("F", (8, 6), 77 / 255), (77, 77, 77)),
    "F of 0 to 255": (Image.new("F", (8, 6), 77.0), (77, 77, 77)),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_pillow_image_of_any_mode_is_a_picture_of_its_colours(name):
    picture, expected = PICTURES[name]
    picture.info["icc_profile"] = b"profile of other colours"
    with Image.open(io.BytesIO(images.picture_png(picture))) as image:
        assert image.mode in ("1", "L", "LA", "P", "RGB", "RGBA")
        got = image.convert("RGBA" if len(expected) == 4 else "RGB").getpixel((3, 3))
        if image.mode != picture.mode:
            assert "icc_profile" not in image.info
    assert all(abs(one - other) <= 3 for one, other in zip(got, expected, strict=True)), got


def test_a_palette_keeps_its_transparency():
    picture = Image.new("P", (8, 6), 1)
    picture.putpalette([0, 0, 0, 30, 180, 60])
    picture.info["transparency"] = 1
    with Image.open(io.BytesIO(images.picture_png(picture))) as image:
        assert image.convert("RGBA").getpixel((3, 3)) == (30, 180, 60, 0)


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("I", (8, 6), 70_000),
        Image.new("I", (8, 6), -1),
        Image.new("F", (8, 6), 256.0),
        Image.new("F", (8, 6), -0.5),
        Image.new("F", (8, 6), float("nan")),
        Image.new("F", (8, 6), float("inf")),
    ],
)
def test_numbers_that_are_no_brightness_are_refused(picture):
    with pytest.raises(ValueError, match="numbers are not all of 0 to"):
        images.picture_png(picture)

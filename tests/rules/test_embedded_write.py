"""Recipes that are written into picture files: where other tools look, with every pixel as it was."""

from __future__ import annotations

import io
import json
import struct
import zlib

import pytest
from PIL import Image

from imgplay_widget._rules.embedded import found_in, joined, metadata_of, pieces_with, size_of, written
from tests.servers.foreign_files import (
    PARAMETERS,
    a1111_jpeg,
    comfyui_webp,
    comment_of,
    picture,
    png,
    tiff_with,
    with_exif,
)

MADE = {
    "tool": "imgplay-widget",
    "prompt": "a red fox, in “snow”",
    "negative_prompt": "blurry",
    "provider": "fake",
    "model": "fake:image",
    "model_title": "Image",
    "seed": 7,
    "width": 96,
    "height": 64,
    "steps": 20,
    "cfg": 6.5,
    "sampler": "euler",
    "parameters": {"style": "ink, wash", "note": "https://secret.example/a"},
    "requested": {"steps": 20, "cfg": 6.5, "style": "ink, wash", "note": "https://secret.example/a"},
    "applied": {},
    "created_at": "2026-11-01T10:00:00+00:00",
    "digest": "ab" * 32,
    "path": "/srv/originals/ab.png",
    "request_id": "req-1",
    "version": "0.2.0",
}


def encoded(kind, mode="RGB", **options):
    out = io.BytesIO()
    picture(mode=mode).save(out, kind, **options)
    return out.getvalue()


def saved(data, **changes):
    """Return a file as it is saved, or None where it stays as it is."""
    pieces = pieces_with(io.BytesIO(data), written(MADE | changes))
    if pieces is None:
        return None
    out = joined(data, pieces)
    assert len(out) == size_of(pieces)
    return out


def read(data):
    return found_in(metadata_of(io.BytesIO(data)))


def packed(data):
    """Return the bytes of our recipe in a file."""
    if data.startswith(b"\x89PNG"):
        return json.dumps(MADE["prompt"]).encode()
    return pillow(data).getexif()[0xFDE9]


def pillow(data):
    """Return what Pillow finds: it warns of nothing, and decodes the same pixels."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


def coded(data):
    """Return the compressed pixels of a file, and all that decides how they are drawn."""
    if data.startswith(b"\x89PNG"):
        at, found = 8, b""
        while at < len(data):
            length, name = struct.unpack_from(">I4s", data, at)
            if name not in (b"tEXt", b"iTXt"):
                found += data[at : at + 12 + length]
            at += 12 + length
        return found
    if data.startswith(b"\xff\xd8"):
        return data[data.index(b"\xff\xdb") :]
    at, found = 12, []
    while at < len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        if name not in (b"VP8X", b"EXIF"):
            found.append(data[at : at + 8 + length])
        at += 8 + length + (length & 1)
    return found


def icc():
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


FILES = {
    "a PNG": encoded("PNG"),
    "a PNG with alpha": encoded("PNG", "RGBA"),
    "a PNG with colours in a table": encoded("PNG", "P"),
    "a JPEG": encoded("JPEG"),
    "a JPEG in grey": encoded("JPEG", "L"),
    "a progressive JPEG with a profile": encoded("JPEG", progressive=True, icc_profile=icc()),
    "a JPEG with an EXIF": with_exif("JPEG", tiff_with(comment_of("  "))),
    "a WebP": encoded("WEBP"),
    "a lossless WebP": encoded("WEBP", lossless=True),
    "a lossless WebP with alpha": encoded("WEBP", "RGBA", lossless=True),
    "a WebP with alpha": encoded("WEBP", "RGBA"),
    "a WebP with a profile": encoded("WEBP", icc_profile=icc()),
    "a WebP with XMP": encoded("WEBP", xmp=b"<x:xmpmeta/>"),
    "a WebP that moves": encoded("WEBP", save_all=True, append_images=[picture().rotate(9)], duration=50),
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_a_saved_file_tells_its_recipe_and_has_the_same_pixels(data):
    out = saved(data)
    assert coded(out) == coded(data)
    before, after = pillow(data), pillow(out)
    assert (after.mode, after.size, after.tobytes()) == (before.mode, before.size, before.tobytes())
    assert after.info.get("icc_profile") == before.info.get("icc_profile")
    assert after.info.get("xmp") == before.info.get("xmp")
    assert getattr(after, "n_frames", 1) == getattr(before, "n_frames", 1)
    found = read(out).as_json()
    named = ("prompt", "negative_prompt", "model", "seed", "steps", "cfg", "sampler", "digest", "created_at")
    assert {name: found[name] for name in named} == {name: MADE[name] for name in named}
    # The file names no path of this machine and no link.
    assert b"/srv/originals" not in out
    assert not {"path", "request_id"} & found.keys()
    assert "secret" not in json.dumps(found)
    # A second saving changes nothing more.
    assert saved(out) is None


def a1111_reads(data):
    """Return what A1111 reads: the text of a PNG, else the comment as piexif loads it."""
    image = pillow(data)
    if "parameters" in image.info:
        return image.info["parameters"]
    comment = image.getexif().get_ifd(0x8769)[0x9286]
    head, body = comment[:8], comment[8:]
    return body.decode({b"UNICODE\0": "utf-16-be", b"ASCII\0\0\0": "ascii"}[head])


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_a1111_finds_its_text(data):
    assert a1111_reads(saved(data)) == (
        "a red fox, in “snow”\nNegative prompt: blurry\n"
        "Steps: 20, Sampler: euler, CFG scale: 6.5, Seed: 7, Size: 96x64, Model: image, Provider: fake, "
        'Style: "ink, wash", Version: imgplay-widget 0.2.0'
    )


def test_a_text_in_latin_letters_is_the_chunk_that_every_program_reads():
    assert b"tEXtparameters\0caf\xe9" in saved(encoded("PNG"), prompt="café")
    assert b"iTXtparameters\0\0\0\0\0" in saved(encoded("PNG"), prompt="狐")


@pytest.mark.parametrize("name", ["a PNG", "a JPEG", "a WebP"])
def test_what_stands_behind_the_end_stays(name):
    data = FILES[name] + b"a tail"
    assert saved(data).endswith(b"a tail")
    assert pillow(saved(data)).tobytes() == pillow(data).tobytes()


# ------------------------------------------------------------------ files that tell something already


def test_a_text_of_a1111_stays_and_our_recipe_is_added():
    for data in (png(parameters=PARAMETERS), a1111_jpeg(), a1111_jpeg(kind="WEBP")):
        out = saved(data)
        assert metadata_of(io.BytesIO(out)).texts["parameters"] == PARAMETERS
        assert (read(out).prompt, read(out).model) == (MADE["prompt"], MADE["model"])


def test_a_recipe_of_ours_is_replaced():
    for name in ("a PNG", "a JPEG", "a WebP"):
        out = saved(saved(FILES[name]), prompt="an owl")
        assert read(out).prompt == "an owl"
        # Of the old one, not even its bytes stay.
        assert out.count(packed(saved(FILES[name]))) == 0
        assert metadata_of(io.BytesIO(out)).texts["parameters"].startswith("a red fox")


@pytest.mark.parametrize("order", "><")
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_an_exif_is_kept_and_extended(kind, order):
    exif = Image.Exif()
    exif.endian = order
    exif[0x0112] = 6
    exif[0x010F] = "A maker with a long name"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    exif.get_ifd(0x8825)[2] = (1.5, 2.5, 3.5)
    data = encoded(kind, exif=exif)
    kept = pillow(saved(data)).getexif()
    assert (kept[0x0112], kept[0x010F]) == (6, "A maker with a long name")
    assert kept.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
    assert kept.get_ifd(0x8825) == exif.get_ifd(0x8825)
    assert a1111_reads(saved(data)).startswith("a red fox")
    assert metadata_of(io.BytesIO(saved(data))).taken_at.isoformat() == "2024-05-06T07:08:09+00:00"


def test_a_workflow_of_comfyui_stays():
    texts = metadata_of(io.BytesIO(saved(comfyui_webp()))).texts
    assert texts["prompt"].startswith('{"3"')
    assert texts["imgplay"].startswith('{"format"')


# ------------------------------------------------------------------ files that stay as they are


def with_chunk(data, name, body):
    chunk = struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return data[:33] + chunk + data[33:]


def with_segment(data, marker, body):
    return data[:2] + b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


def with_riff(data, name, body):
    more = name + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(data) - 8 + len(more)) + data[8:] + more


XMP = b"http://ns.adobe.com/xap/1.0/\0<rdf dcterms:provenance='https://cai.example/m'/>"

KEPT = {
    "a PNG with a manifest": with_chunk(encoded("PNG"), b"caBX", b"\0\0\0\x20jumb"),
    "a PNG whose manifest is elsewhere": with_chunk(
        encoded("PNG"), b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<rdf dcterms:provenance='x'/>"
    ),
    "a JPEG with a manifest": with_segment(encoded("JPEG"), 0xEB, b"JP\0\1\0\0\0\1\0\0\0\x20jumb"),
    "a JPEG whose manifest is elsewhere": with_segment(encoded("JPEG"), 0xE1, XMP),
    "a WebP with a manifest": with_riff(encoded("WEBP", icc_profile=icc()), b"C2PA", b"\0\0\0\x20jumb"),
    "a GIF": encoded("GIF"),
    "a TIFF": encoded("TIFF"),
    "a BMP": encoded("BMP"),
    "half a PNG": encoded("PNG")[:90],
    "half a WebP": encoded("WEBP")[:60],
    "half a JPEG": encoded("JPEG")[:60],
    "a JPEG with a broken EXIF": with_exif("JPEG", b"MM\0*\0\0\1\0"),
    "a WebP with a broken EXIF": with_riff(encoded("WEBP", icc_profile=icc()), b"EXIF", b"II*\0\1\0"),
    "a WebP of no picture": b"RIFF\x0c\0\0\0WEBPnone\0\0\0\0",
    "no bytes": b"",
}


@pytest.mark.parametrize("data", KEPT.values(), ids=KEPT)
def test_some_files_stay_as_they_are(data):
    assert saved(data) is None


# ------------------------------------------------------------------ long texts


def test_a_long_prompt_is_whole_where_there_is_room():
    long = "狐" * 30_000
    for kind in ("PNG", "WEBP"):
        out = saved(encoded(kind), prompt=long)
        assert read(out).prompt == long
        assert a1111_reads(out).startswith(long)


@pytest.mark.parametrize(
    ("letters", "exact"),
    [("fox ", True), ("狐", True), ("🦊狐café", True), (None, False)],
)
def test_a_long_prompt_fits_a_jpeg(letters, exact):
    # No compression helps with letters by chance.
    chance = "".join(chr(0x4E00 + (n * n * 2654435761 >> 7) % 20_000) for n in range(60_000))
    prompt = chance if letters is None else (letters * 30_000)[:30_000]
    out = saved(encoded("JPEG"), prompt=prompt)
    assert pillow(out).size == (96, 64)
    found = read(out)
    if exact:
        assert found.prompt == prompt
    else:
        assert found.prompt.endswith("…")
        assert prompt.startswith(found.prompt[:-1])
    assert found.as_json().get("shortened", False) is not exact
    # The line of parameters is whole, whatever became of the prompt.
    assert a1111_reads(out).endswith("Version: imgplay-widget 0.2.0")
    assert len(a1111_reads(out)) > 2_000


def test_a_jpeg_whose_exif_has_no_room_stays_as_it_is():
    full = tiff_with(b"ASCII\0\0\0" + b" " * 65_400)
    assert saved(with_exif("JPEG", full)) is None

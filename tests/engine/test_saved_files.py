"""Saved and zipped files hold their recipes. Originals stay as they are."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest
from PIL import Image

from imgplay_widget import Studio
from imgplay_widget._store import saving
from imgplay_widget._types import Done, Inline
from imgplay_widget.errors import DiskFull, InvalidRequest
from imgplay_widget.testing import FakeProvider, open_studio, png
from tests.servers.foreign_files import PARAMETERS, a1111_jpeg, comfyui_webp, picture
from tests.servers.foreign_files import png as foreign_png

WAIT = 30


def encoded(kind, **options):
    out = io.BytesIO()
    picture().save(out, kind, **options)
    return out.getvalue()


ALL = {
    "PNG": encoded("PNG"),
    "JPEG": encoded("JPEG"),
    "WebP": encoded("WEBP"),
    "AVIF": encoded("AVIF"),
    "GIF": encoded("GIF"),
}
CARRIES = ("PNG", "JPEG", "WebP")


def studio_with(*images, **options):
    answers = [Done(images=(Inline(data=data),)) for data in images]
    return open_studio(FakeProvider(answers), **options)


def generate(studio, prompt="a red fox", **options):
    return studio.generate(prompt, model="fake:image", **{"n": 1, **options}).result(WAIT)


def saved_ways(studio, one, folder):
    """Return the bytes of an image in every way in which code saves it."""
    (named,) = one.batch.save(folder / "named")
    packed = [one.batch.save_zip(folder / "a.zip"), studio.save_zip(folder / "b.zip", one)]
    archives = [zipfile.ZipFile(path) for path in packed]
    zipped = [archive.read(archive.namelist()[0]) for archive in archives]
    return [one.save(folder / "one").read_bytes(), named.read_bytes(), *zipped]


@pytest.mark.parametrize("kind", ALL)
def test_a_saved_image_tells_its_recipe_and_its_original_stays(tmp_path, kind):
    with studio_with(ALL[kind]) as studio:
        one = generate(studio, seed=7)[0]
        ways = saved_ways(studio, one, tmp_path)
        assert len(set(ways)) == 1
        assert (ways[0] != ALL[kind]) is (kind in CARRIES)
        assert (one.bytes, one.path.read_bytes()) == (ALL[kind], ALL[kind])
        # The digest of the saved file is another one, and the recipe is found nevertheless.
        assert studio.recipe_of(ways[0]) == studio.recipe_of(one.path) == one.recipe
        assert str(one.path.parent) not in ways[0].decode("latin-1")
        with Image.open(io.BytesIO(ways[0])) as after, Image.open(io.BytesIO(ALL[kind])) as before:
            assert after.tobytes() == before.tobytes()


@pytest.mark.parametrize("kind", ALL)
def test_a_studio_without_recipes_saves_the_bytes_of_the_original(tmp_path, kind):
    with studio_with(ALL[kind], recipes=False) as studio:
        one = generate(studio)[0]
        assert set(saved_ways(studio, one, tmp_path)) == {ALL[kind]}
        assert studio.recipe_of(tmp_path / "one") == one.recipe


@pytest.mark.parametrize("recipes", [None, 1, "no"])
def test_the_option_is_true_or_false(tmp_path, recipes):
    with pytest.raises(InvalidRequest, match="recipes="):
        Studio(str(tmp_path / "a.sqlite"), recipes=recipes)


def test_another_studio_reads_what_the_file_says(tmp_path):
    with studio_with(ALL["JPEG"]) as studio:
        path = generate(studio, "a red fox\nin “snow”", seed=7, width=128)[0].save(tmp_path / "a.jpg")
        recipe = studio.recipe_of(path)
    with studio_with() as other:
        said = other.recipe_of(path)
    # The file has the whole recipe but its private fields.
    assert said | {name: recipe[name] for name in ("path", "request_id")} == recipe
    assert recipe["tool"] == "imgplay-widget"


def test_a_generation_that_is_gone_is_found_by_its_original(tmp_path):
    with studio_with(ALL["PNG"], ALL["PNG"]) as studio:
        first, second = generate(studio), generate(studio)
        path = first[0].save(tmp_path / "a.png")
        assert studio.recipe_of(path)["generation_id"] == first[0].id
        first.delete()
        assert studio.recipe_of(path)["generation_id"] == second[0].id
        second.delete()
        # Then the file alone knows it.
        assert studio.recipe_of(path)["prompt"] == "a red fox"


@pytest.mark.parametrize("data", [foreign_png(parameters=PARAMETERS), a1111_jpeg()])
def test_an_image_that_a_provider_gave_its_own_text_keeps_it(tmp_path, data):
    with studio_with(data) as studio:
        one = generate(studio)[0]
        assert studio.recipe_of(data) == one.recipe
        saved = one.save(tmp_path / "a").read_bytes()
        assert studio.recipe_of(saved) == one.recipe
    with Image.open(io.BytesIO(saved)) as image:
        texts = image.info if data[:1] == b"\x89" else image.getexif().get_ifd(0x8769)
        assert (texts.get("parameters") or texts[0x9286][8:].decode("utf-16-be")) == PARAMETERS


def test_the_recipe_of_another_tool_is_told(tmp_path):
    (tmp_path / "a.webp").write_bytes(comfyui_webp())
    with studio_with() as studio:
        said = studio.recipe_of(tmp_path / "a.webp")
        assert studio.recipe_of(png()) is None
        assert studio.recipe_of(b"no picture") is None
    assert said == {
        "tool": "ComfyUI",
        "prompt": "a red fox",
        "negative_prompt": "blurry",
        "model": "v1-5-pruned-emaonly.ckpt",
        "seed": 156680208700286,
        "width": 96,
        "height": 64,
        "steps": 20,
        "cfg": 8.0,
        "sampler": "euler",
        "parameters": {"scheduler": "normal", "denoise": "1.0"},
        "created_at": None,
    }


def test_a_foreign_file_that_names_an_image_of_this_store_gets_no_more_than_its_recipe(tmp_path):
    with studio_with(ALL["PNG"]) as studio:
        one = generate(studio)[0]
        named = '{"prompt": "x", "model": "y:z", "generation_id": "%s", "digest": "%s"}'
        wrong = foreign_png(imgplay=named % (one.id, hashlib.sha256(b"another").hexdigest()))
        assert studio.recipe_of(wrong)["prompt"] == "x"


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"before")
    with studio_with(ALL["PNG"]) as studio:
        batch = generate(studio)

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(saving, "read_at", full)
        with pytest.raises(DiskFull):
            batch[0].save(tmp_path / "a.png")
        with pytest.raises(DiskFull):
            batch.save(tmp_path / "folder")
    assert (tmp_path / "a.png").read_bytes() == b"before"
    assert list((tmp_path / "folder").iterdir()) == []

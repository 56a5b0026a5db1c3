"""ZIPs: images with their recipes, read in pieces, and removed afterwards."""

from __future__ import annotations

import errno
import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from PIL import Image

from imgplay_widget._clock import Clock
from imgplay_widget._page.downloads import PIECE
from imgplay_widget._store import packs
from imgplay_widget.errors import DiskFull, InvalidRequest
from imgplay_widget.providers import Done, Inline
from imgplay_widget.testing import FakeProvider, Gate, open_studio, picture, png

WAIT = 20


def made(page, prompt="A red fox!", **options):
    return page.studio.generate(prompt, **{"model": "fake:image", "n": 2, **options}).result(WAIT)


def pixels(data):
    with Image.open(io.BytesIO(data)) as image:
        return image.mode, image.size, image.tobytes()


def left(page):
    """Return the files that packing has left in the store, once covers and thumbnails are written."""
    page.studio._core.start(page.studio._core.archive.settle).result(WAIT)
    return list((page.studio._core.archive.store.assets.root / "temporary").iterdir())


def read(page, packed):
    """Read a ZIP as the page does."""
    data, sizes = b"", []
    while True:
        reply, buffers = page.call("pack_chunk", packId=packed["packId"], offset=len(data))
        chunk = reply["result"]
        data += buffers[chunk["buffer"]]
        sizes.append(len(buffers[chunk["buffer"]]))
        if chunk["last"]:
            return data, sizes


def test_a_zip_holds_the_images_and_their_recipes(page):
    batch = made(page, n=3)
    packed = page.result("pack", generationIds=[g.id for g in batch])
    data, sizes = read(page, packed)
    assert (len(data), max(sizes) <= PIECE) == (packed["size"], True)
    assert (packed["images"], packed["fileName"]) == (3, "a-red-fox-3.zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
        recipes = json.loads(archive.read("recipes.json"))
        assert [r["generation_id"] for r in recipes] == [g.id for g in batch]
        # The recipe does not name the file on this machine, because users pass a ZIP on.
        own = {name: value for name, value in batch[1].recipe.items() if name != "path"}
        assert recipes[1] == {"file": recipes[1]["file"], **own}
        assert str(batch[1].path.parent) not in archive.read("recipes.json").decode()
        for recipe, generation in zip(recipes, batch, strict=True):
            saved = archive.read(recipe["file"])
            assert page.studio.recipe_of(saved) == generation.recipe
            assert pixels(saved) == pixels(generation.bytes)
    assert left(page) == []
    assert page.error("pack_chunk", packId=packed["packId"], offset=0)["code"] == "not_found"


def test_names_in_a_zip_are_safe_and_each_is_once(page, tmp_path):
    batches = [made(page, prompt, seed=5) for prompt in ("a fox", "A FOX", "../../a  fox\\", "狐")]
    path = page.studio.save_zip(tmp_path / "foxes.zip", batches)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    assert len({name.casefold() for name in names}) == len(names) == 9
    assert "a-fox-1-seed-5.png" in names
    assert "a-fox-1-seed-5-2.png" in names
    assert not [name for name in names if set(name) & set('/\\:*?"<>| ')]


def test_what_is_not_finished_or_gone_is_left_out(open_page):
    gate, other = Gate(picture()), Done(images=(Inline(data=png(32, 32)),))
    with open_page(FakeProvider(script=[picture(), other, gate])) as page:
        done = made(page, n=1)
        lost = made(page, n=1)
        lost[0].path.unlink()
        running = page.studio.generate("slow", model="fake:image")
        assert gate.reached.wait(WAIT)
        wanted = [done[0].id, done[0].id, lost[0].id, running[0].id, "gone"]
        assert page.result("pack", generationIds=wanted)["images"] == 1
        nothing = page.error("pack", generationIds=[running[0].id])
        assert (nothing["code"], nothing["fault"]) == ("invalid_request", "you")
        assert len(left(page)) == 1
        gate.open()


def test_a_zip_goes_when_nobody_wants_it(page):
    ids = [g.id for g in made(page)]
    page.result("drop_pack", packId=page.result("pack", generationIds=ids)["packId"])
    assert left(page) == []
    page.result("drop_pack", packId="none")
    page.result("pack", generationIds=ids)
    page.studio._core.start(page.kernel.close).result(WAIT)
    assert left(page) == []


def test_a_zip_that_nobody_reads_goes_after_ten_minutes(open_page):
    with open_page() as page:
        clock, ids = page.studio._core._clock, [g.id for g in made(page)]
        packed = page.result("pack", generationIds=ids)
        clock.advance(599)
        page.studio._core.start(page.studio._core.engine.beat).result(WAIT)
        assert len(left(page)) == 1
        clock.advance(1)
        page.studio._core.start(page.studio._core.engine.beat).result(WAIT)
        assert left(page) == []
        assert page.error("pack_chunk", packId=packed["packId"], offset=0)["code"] == "not_found"


def test_a_page_that_forgets_its_zips_does_not_fill_the_disk(page):
    ids = [g.id for g in made(page)]
    for _ in range(7):
        last = page.result("pack", generationIds=ids)
    assert len(left(page)) == 4
    assert read(page, last)[0]


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_said_and_leaves_nothing(page, tmp_path, monkeypatch):
    batch = made(page)
    monkeypatch.setattr(packs, "copy_saved", full)
    assert page.error("pack", generationIds=[batch[0].id])["code"] == "disk_full"
    assert left(page) == []
    (tmp_path / "mine.zip").write_bytes(b"before")
    with pytest.raises(DiskFull):
        batch.save_zip(tmp_path / "mine.zip")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"mine.zip": b"before"}


def test_code_writes_the_same_zip(page, tmp_path):
    batch = made(page)
    told = read(page, page.result("pack", generationIds=[g.id for g in batch]))[0]
    assert batch.save_zip(tmp_path / "a.zip").read_bytes() == told
    assert page.studio.save_zip(tmp_path / "b.zip", [batch[0], batch[1]]).read_bytes() == told
    with pytest.raises(InvalidRequest, match="None of these images is finished"):
        page.studio.save_zip(tmp_path / "c.zip", [])
    with pytest.raises(FileNotFoundError):
        batch.save_zip(tmp_path / "none" / "a.zip")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.zip", "b.zip"]


def test_an_image_of_a_machine_without_a_clock_goes_into_a_zip(tmp_path):
    class Unset(Clock):
        def now(self):
            return datetime(1970, 1, 2, tzinfo=UTC)

    with open_studio(FakeProvider(), clock=Unset()) as studio:
        target = studio.generate("a fox", model="fake:image").result(30).save_zip(tmp_path / "foxes.zip")
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)

"""Folders of pictures that come into the history: in order, once, and with what the files say."""

from __future__ import annotations

import io
import json
import os
from datetime import UTC, datetime

import pytest
from PIL import Image

from imgplay_widget import FolderImport
from imgplay_widget._engine import curator
from imgplay_widget._store import imports
from imgplay_widget._studio import importing
from imgplay_widget._types import Done, Inline
from imgplay_widget.errors import DiskFull, InvalidRequest
from imgplay_widget.testing import FakeProvider, open_studio, png
from tests.servers.foreign_files import GRAPH, PARAMETERS, SWARMUI, a1111_jpeg
from tests.servers.foreign_files import png as foreign_png

WAIT = 30


def day(number):
    return datetime(2025, 1, number, tzinfo=UTC)


def put(folder, name, data, made=None):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if made is not None:
        os.utime(path, (made.timestamp(), made.timestamp()))
    return path


def photo(taken):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = taken
    out = io.BytesIO()
    Image.new("RGB", (32, 32), (1, 2, 3)).save(out, "JPEG", exif=exif)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path):
    """Return a folder with pictures of several tools, whose names are in another order than their times."""
    folder = tmp_path / "My foxes"
    put(folder, "c.png", foreign_png(parameters=PARAMETERS), day(1))
    put(folder, "deep/er/b.jpg", photo("2025:01:02 00:00:00"), day(30))
    put(folder, "z.JPG", a1111_jpeg(), day(3))
    put(folder, "a.png", foreign_png(prompt=json.dumps(GRAPH)), day(4))
    put(folder, "d.png", foreign_png(parameters=json.dumps(SWARMUI)), day(1))
    put(folder, "notes.txt", b"no picture")
    put(folder, ".hidden/x.png", png())
    put(folder, "broken.png", b"\x89PNG\r\n\x1a\n" + bytes(40), day(5))
    return folder


def oldest_first(studio, topic):
    (found,) = [one for one in studio.topics if one.title == topic]
    return list(reversed(found.batches(limit=100)))


def test_a_folder_comes_in_with_what_its_files_say_in_the_order_of_their_dates(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with open_studio(FakeProvider([])) as studio:
        report = studio.import_folder(folder)
        assert (report.with_recipe, report.without_recipe, report.known) == (4, 1, 0)
        assert list(report.skipped) == ["broken.png"]
        assert report.added == 5
        made = [(batch.model, batch.prompt.partition(",")[0]) for batch in oldest_first(studio, "My foxes")]
        assert made == [
            ("a1111:sd_xl_base_1.0", "a red fox"),
            ("unknown:unknown", "An image whose prompt is not known (b.jpg)"),
            ("a1111:sd_xl_base_1.0", "a red fox"),
            ("comfyui:v1-5-pruned-emaonly.ckpt", "a red fox"),
            # The date that its tool wrote goes before that of the file.
            ("swarmui:OfficialStableDiffusion/sd_xl_base_1.0", "a red fox"),
        ]
        one = oldest_first(studio, "My foxes")[0][0]
        recipe = one.recipe
        named = ("tool", "seed", "steps", "cfg", "sampler", "negative_prompt", "created_at")
        assert {name: recipe[name] for name in named} == {
            "tool": "AUTOMATIC1111",
            "seed": 1234567890,
            "steps": 28,
            "cfg": 6.5,
            "sampler": "DPM++ 2M",
            "negative_prompt": "blurry, lowres\nbad hands",
            "created_at": "2025-01-01T00:00:00+00:00",
        }
        assert recipe["parameters"]["Clip skip"] == "2"
        assert (one.bytes, one.status, one.cost) == (before[folder / "c.png"], "success", None)
        assert one.image.size == (96, 64)
        # Nothing was paid, and the files are as they were.
        assert studio.spent().usd == 0
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        studio._core.call(studio._core.archive.settle)
        assert studio.topics[0].cover is not None
        assert studio.topics[0].images == 5


def test_a_second_time_only_what_is_new_comes_in(folder):
    with open_studio(FakeProvider([])) as studio:
        first = studio.import_folder(folder)
        again = studio.import_folder(folder)
        assert (again.added, again.known, again.topic_id) == (0, 5, first.topic_id)
        put(folder, "new.png", png(color=(9, 9, 9)))
        put(folder, "twice.png", png(color=(9, 9, 9)))
        third = studio.import_folder(folder, topic="Others")
        assert (third.added, third.known) == (1, 6)
        assert [topic.title for topic in studio.topics] == ["Others", "My foxes"]
        assert studio._core.archive.store.assets.arrived() == []


def test_a_saved_image_is_known_by_its_original(tmp_path):
    answer = Done(images=(Inline(data=png(color=(4, 5, 6))),))
    with open_studio(FakeProvider([answer])) as studio:
        studio.generate("a fox", model="fake:image", seed=7).result(WAIT).save(tmp_path / "saved")
        assert studio.import_folder(tmp_path / "saved").known == 1
    with open_studio(FakeProvider([])) as other:
        assert other.import_folder(tmp_path / "saved").with_recipe == 1
        (batch,) = other.search("fox")
        assert (batch.model, batch[0].seed, batch.prompt) == ("fake:image", 7, "a fox")
        assert batch[0].recipe["tool"] == "imgplay-widget"
        assert other.import_folder(tmp_path / "saved").known == 1


def test_what_a_file_says_answers_no_request(tmp_path):
    answers = [Done(images=(Inline(data=png(color=(n, 5, 6))),)) for n in (1, 2)]
    with open_studio(FakeProvider(answers[:1])) as studio:
        studio.generate("a fox", model="fake:image", seed=7, n=1).result(WAIT).save(tmp_path / "saved")
    with open_studio(FakeProvider(answers[1:])) as other:
        other.import_folder(tmp_path / "saved")
        batch = other.generate("a fox", model="fake:image", seed=7, n=1, cache=True).result(WAIT)
        assert not batch.cached


def test_an_import_that_was_stopped_goes_on(folder, tmp_path, monkeypatch):
    store = tmp_path / "foxes.sqlite"
    monkeypatch.setattr(importing, "AT_ONCE", 2)
    real, calls = imports.take, []

    def stopped(assets, path):
        calls.append(path)
        if len(calls) == 4:
            raise RuntimeError("the process ends here")
        return real(assets, path)

    with open_studio(FakeProvider([]), store=store) as studio:
        monkeypatch.setattr(curator.imports, "take", stopped)
        with pytest.raises(RuntimeError, match="ends here"):
            studio.import_folder(folder)
        monkeypatch.setattr(curator.imports, "take", real)
    with open_studio(FakeProvider([]), store=store) as studio:
        report = studio.import_folder(folder)
        assert (report.added, report.known) == (3, 2)
        assert len(oldest_first(studio, "My foxes")) == 5


def test_a_full_disk_ends_the_import_and_keeps_what_came(folder, monkeypatch):
    monkeypatch.setattr(importing, "AT_ONCE", 1)
    with open_studio(FakeProvider([])) as studio:
        real, calls = imports.take, []

        def full(assets, path):
            calls.append(path)
            if len(calls) > 2:
                raise DiskFull("There is no space left.")
            return real(assets, path)

        monkeypatch.setattr(curator.imports, "take", full)
        with pytest.raises(DiskFull):
            studio.import_folder(folder)
        assert len(oldest_first(studio, "My foxes")) == 2


def test_imported_images_are_recovered_like_others(folder, tmp_path):
    store = tmp_path / "foxes.sqlite"
    with open_studio(FakeProvider([]), store=store) as studio:
        studio.import_folder(folder)
    for file in tmp_path.glob("foxes.sqlite*"):
        if file.is_file():
            file.unlink()
    with open_studio(FakeProvider([]), store=store) as studio:
        assert studio.recover().with_recipe == 5
        assert oldest_first(studio, "My foxes")[0][0].seed == 1234567890


def test_numbers_of_a_file_that_no_column_holds_stay_as_text(tmp_path):
    said = f"a\nSteps: 1, Sampler: x, Seed: {2**64 - 1}, Size: 999999x999999, CFG scale: 1e400"
    put(tmp_path, "in/a.png", foreign_png(parameters=said))
    put(tmp_path, "in/b.png", foreign_png(imgplay=json.dumps({"prompt": "b", "model": "x", "width": 2**63})))
    with open_studio(FakeProvider([])) as studio:
        assert studio.import_folder(tmp_path / "in").with_recipe == 2
        one = studio.search("a")[0][0]
        assert (one.seed, one.recipe["requested"]["seed"]) == (None, str(2**64 - 1))


def test_an_empty_folder_and_none(tmp_path):
    (tmp_path / "none").mkdir()
    with open_studio(FakeProvider([])) as studio:
        assert studio.import_folder(tmp_path / "none") == FolderImport()
        assert studio.topics == []
        for wrong in (tmp_path / "gone", put(tmp_path, "a.png", png())):
            with pytest.raises(InvalidRequest, match="is not a folder"):
                studio.import_folder(wrong)


def test_the_result_tells_what_came_and_what_did_not():
    skipped = {f"{n}.png": "The image is cut off." for n in range(12)}
    report = FolderImport(topic_id="t", with_recipe=3, without_recipe=1, known=2, skipped=skipped)
    lines = repr(report).splitlines()
    assert lines[:3] == [
        "4 of 18 pictures came in: 3 with their recipes, 1 without.",
        "2 were there already.",
        "0.png was left alone. The image is cut off.",
    ]
    assert lines[-1] == "2 more files were left alone: see `skipped`."
    assert repr(FolderImport()) == "The folder has no pictures."


def test_progress_shows_where_it_is_wanted(folder, capsys):
    with open_studio(FakeProvider([])) as studio:
        studio.progress = True
        studio.import_folder(folder)
        assert "6 of 6 pictures\n" in capsys.readouterr().err
        studio.progress = False
        studio.import_folder(folder)
        assert capsys.readouterr().err == ""

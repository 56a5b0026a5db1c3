"""The data sets that `export` writes."""

from __future__ import annotations

import errno
import json
import re
import shutil
import subprocess
import sys

import duckdb
import pytest

from imgplay_widget._studio import album, duck
from imgplay_widget.errors import DiskFull, InvalidRequest
from imgplay_widget.providers import Done, Inline
from imgplay_widget.testing import FakeProvider, open_studio, picture, png

WAIT = 20
OWL = Done(images=(Inline(data=png(9, 9)),))


@pytest.fixture
def studio():
    with open_studio(FakeProvider([picture(), picture(), OWL])) as opened:
        opened.generate("a <red> fox", model="fake:image", n=2, topic="Foxes").result(WAIT)
        opened.generate("an owl", model="fake:image", topic="Owls").result(WAIT)
        yield opened


@pytest.mark.parametrize(
    ("format", "listing"), [("imagefolder", "metadata.jsonl"), ("jsonl", "images.jsonl")]
)
def test_images_are_copied_beside_a_list_of_them(studio, tmp_path, format, listing):
    folder = studio.export(tmp_path / "set", format=format, topic="Foxes")
    lines = [json.loads(line) for line in (folder / listing).read_text("utf-8").splitlines()]
    assert [line["prompt"] for line in lines] == ["a <red> fox"] * 2
    originals = [generation.bytes for generation in studio.search("fox")[0]]
    assert [(folder / line["file_name"]).read_bytes() for line in lines] == originals
    assert all("file" not in line for line in lines)


def test_tables_are_written_for_duckdb_and_as_parquet(studio, tmp_path):
    base = studio.export(tmp_path / "base", format="duckdb")
    with duckdb.connect(str(base / "history.duckdb")) as connection:
        assert connection.execute("SELECT count(*) FROM generations").fetchall() == [(3,)]
    folder = studio.export(tmp_path / "parquet", format="parquet", topic="Owls")
    wanted = f"SELECT prompt FROM '{folder}/generations.parquet'"
    assert duckdb.sql(wanted).fetchall() == [("an owl",)]


def test_a_page_holds_its_pictures_and_escapes_its_texts(studio, tmp_path):
    page = (studio.export(tmp_path / "page", format="html") / "index.html").read_text("utf-8")
    assert len(re.findall(r'src="data:image/\w+;base64,', page)) == 3
    assert "a &lt;red&gt; fox" in page
    assert "<red>" not in page
    assert "http" not in page


def test_a_page_is_one_file_without_scripts_and_shows_what_is_known(studio, tmp_path):
    fox = studio.search("fox")[0][0]
    fox.scores["clip"] = 0.31
    fox.tags.add("<poster>")
    studio.star(fox)
    folder = studio.export(tmp_path / "page", format="html")
    page = (folder / "index.html").read_text("utf-8")
    assert [path.name for path in folder.iterdir()] == ["index.html"]
    assert not re.search(r"<script|<link|@import|url\(|https?:", page)
    assert len(re.findall(r'<img [^>]*alt="[^"]+"', page)) == 3
    for shown in (
        "3 images",
        "<h2>Foxes</h2>",
        "<h2>Owls</h2>",
        "★ a &lt;red&gt; fox",
        "#&lt;poster&gt;",
        "0.31",
    ):
        assert shown in page, shown
    assert str(fox.path.parent) not in page


@pytest.mark.parametrize("format", ["imagefolder", "jsonl"])
def test_a_lost_original_is_reported_and_left_out(studio, tmp_path, format, caplog):
    lost = studio.search("owl")[0][0]
    lost.path.unlink()
    folder = studio.export(tmp_path / "set", format=format)
    (listing,) = folder.glob("*.jsonl")
    lines = [json.loads(line) for line in listing.read_text("utf-8").splitlines()]
    assert [line["prompt"] for line in lines] == ["a <red> fox"] * 2
    (report,) = reports(caplog)
    assert report.startswith("1 of 3 images")
    assert lost.id in report


def test_a_page_names_an_image_whose_file_is_gone(studio, tmp_path, caplog):
    studio.search("owl")[0][0].path.unlink()
    page = (studio.export(tmp_path / "page", format="html") / "index.html").read_text("utf-8")
    assert "The file of this image is gone." in page
    assert page.count("<img ") == 2
    assert len(reports(caplog)) == 1


def reports(caplog):
    # The studio may log that it could not make a cover, too.
    return [record.getMessage() for record in caplog.records if "lost their file" in record.getMessage()]


class Broken:
    """A function that fails at its second call."""

    def __init__(self, real, error):
        self._real = real
        self._error = error
        self.calls = 0

    def __call__(self, *args):
        self.calls += 1
        if self.calls == 2:
            raise self._error
        return self._real(*args)


FAILURES = {
    "the disk is full": (OSError(errno.ENOSPC, "No space left on device"), DiskFull),
    "the quota is used up": (OSError(errno.EDQUOT, "Disk quota exceeded"), DiskFull),
    "a file cannot be written": (PermissionError("no"), PermissionError),
    "the cell is interrupted": (KeyboardInterrupt(), KeyboardInterrupt),
}


@pytest.mark.parametrize(
    ("format", "owner", "name"),
    [
        ("imagefolder", shutil, "copyfile"),
        ("jsonl", shutil, "copyfile"),
        ("html", album, "figure"),
        ("parquet", duck, "write_parquet"),
        ("duckdb", duck, "make_table"),
    ],
)
@pytest.mark.parametrize("failure", FAILURES)
def test_a_data_set_is_whole_or_not_there(studio, tmp_path, monkeypatch, format, owner, name, failure):
    # The tables of the studio's own copy are made, so that those of the data set break.
    studio.sql("SELECT 1")
    error, named = FAILURES[failure]
    broken = Broken(getattr(owner, name), error)
    monkeypatch.setattr(owner, name, broken)
    with pytest.raises(named):
        studio.export(tmp_path / "set", format=format)
    assert broken.calls == 2
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, shutil, sys
from imgplay_widget import Studio
with Studio("sqlite://") as studio:
    studio.generate("a fox", model="demo:instant", n=2, width=256, height=256).result(60)
    shutil.copyfile = lambda *_: os._exit(9)
    studio.export(sys.argv[1])
"""


def test_a_kernel_that_dies_leaves_no_folder_of_that_name(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "set")], check=False)
    assert done.returncode == 9
    (left,) = tmp_path.iterdir()
    assert re.fullmatch(r"set\.exporting-\w+", left.name)


def test_an_empty_folder_is_filled(studio, tmp_path):
    (tmp_path / "set").mkdir()
    assert studio.export(tmp_path / "set", format="html") == tmp_path / "set"
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_nothing_is_replaced_and_a_wrong_format_is_named(studio, tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    for taken in (tmp_path, tmp_path / "kept.txt"):
        with pytest.raises(InvalidRequest, match="exists already"):
            studio.export(taken, format="html")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("kept.txt", "mine")]
    with pytest.raises(InvalidRequest, match="not a format"):
        studio.export(tmp_path / "new", format="csv")
    assert not (tmp_path / "new").exists()

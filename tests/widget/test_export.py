"""The data sets that `export` writes."""

from __future__ import annotations

import json
import re

import duckdb
import pytest

from imgplay_widget.errors import InvalidRequest
from imgplay_widget.testing import FakeProvider, open_studio

WAIT = 20


@pytest.fixture
def studio():
    with open_studio(FakeProvider()) as opened:
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


def test_nothing_is_replaced_and_a_wrong_format_is_named(studio, tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(InvalidRequest, match="exists already"):
        studio.export(tmp_path, format="html")
    with pytest.raises(InvalidRequest, match="not a format"):
        studio.export(tmp_path / "new", format="csv")
    assert not (tmp_path / "new").exists()

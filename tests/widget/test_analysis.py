"""SQL over the history: what a query sees, what it cannot reach, and how it ends."""

from __future__ import annotations

import sys
import threading
from decimal import Decimal

import pytest

from imgplay_widget import Rows
from imgplay_widget._store.frames import FRAMES
from imgplay_widget._studio import analysis, results
from imgplay_widget.errors import InvalidRequest, MissingPackage, NotFound, QueryTooLong
from imgplay_widget.testing import FakeProvider, open_studio

WAIT = 20
ENDLESS = "SELECT count(*) FROM range(100000000000) a, range(1000) b"


@pytest.fixture
def studio():
    with open_studio(FakeProvider()) as opened:
        yield opened


def made(studio, prompt="a fox", n=1, **options):
    return studio.generate(prompt, model="fake:image", n=n, **options).result(WAIT)


def count(studio, table="generations"):
    return studio.sql(f"SELECT count(*) FROM {table}")[0][0]


def test_a_query_counts_what_the_history_holds(studio):
    made(studio, n=2)
    found = studio.sql("SELECT model, count(*) AS images FROM generations GROUP BY model")
    assert (found.columns, list(found)) == (("model", "images"), [("fake:image", 2)])
    assert studio.sql("SELECT sum(cost_usd) FROM spending")[0][0] in (None, studio.spent().usd)
    assert {frame.name for frame in FRAMES} == {row[0] for row in studio.sql("SHOW TABLES")}


def test_each_change_is_seen_by_the_next_query(studio):
    batch = made(studio, topic="Foxes")
    assert count(studio) == 1
    other = made(studio, "an owl", topic="Owls")
    assert count(studio) == 2
    studio.star(other)
    assert studio.sql("SELECT prompt FROM generations WHERE starred")[0] == ("an owl",)
    studio.move(other, "Foxes")
    assert studio.sql("SELECT count(DISTINCT topic_id) FROM generations")[0] == (1,)
    studio.delete(batch)
    assert count(studio, "batches") == 1
    studio.restore(batch)
    assert count(studio, "batches") == 2
    studio.rename_topic("Owls", "Night")
    assert count(studio, "topics WHERE title = 'Night'") == 1


def test_only_what_changed_is_read_again(studio, monkeypatch):
    made(studio)
    count(studio)
    read = []
    monkeypatch.setattr(studio._core.archive.store, "frame_part", lambda *args: read.append(args) or [])
    made(studio, "an owl")
    assert (count(studio), read) == (2, [])


def test_another_kernel_is_seen(tmp_path):
    store = tmp_path / "s.sqlite"
    fake = FakeProvider()
    with open_studio(fake, store=store) as here, open_studio(fake, store=store) as there:
        assert count(here) == 0
        made(there)
        assert count(here) == 1


def test_the_history_is_one_row_for_each_image(studio):
    made(studio, n=2, topic="Foxes")
    made(studio, "an owl", topic="Owls")
    rows = studio.history(topic="Foxes", model="fake:image", status="success")
    assert [(row[0], row[rows.columns.index("prompt")]) for row in rows] == [("Foxes", "a fox")] * 2
    assert len(studio.history()) == 3
    assert len(studio.history(status="error")) == 0
    with pytest.raises(NotFound):
        studio.history(topic="Crows")
    with pytest.raises(InvalidRequest, match="not a status"):
        studio.history(status="done")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM glob('/*')",
        "COPY generations TO 'x.csv'",
        "ATTACH 'x.duckdb'",
        "ATTACH ':memory:' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "SELECT * FROM secret",
        "INSERT INTO topics (id) VALUES ('x')",
        "DROP TABLE topics",
        "CREATE TABLE other (i INTEGER)",
        "COMMIT; DROP TABLE topics",
        "SELECT 1; SELECT 2",
        "",
        "SELEC 1",
        "SELECT * FROM 'https://localhost/a.parquet'",
        "EXPORT DATABASE 'x'",
        "EXPLAIN ANALYZE DELETE FROM topics",
    ],
)
def test_a_query_reaches_nothing_but_the_history(studio, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    secret = [1, 2, 3]
    made(studio)
    with pytest.raises(InvalidRequest):
        studio.sql(text)
    assert secret
    assert count(studio, "topics") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_query_that_takes_too_long_is_stopped(studio, monkeypatch):
    monkeypatch.setattr(analysis, "LIMIT", 0.2)
    with pytest.raises(QueryTooLong, match=r"longer than 0\.2 seconds"):
        studio.sql(ENDLESS)
    assert count(studio) == 0


def test_an_interrupt_of_the_kernel_ends_a_query(studio, monkeypatch):
    count(studio)
    waiting = analysis.wait

    def interrupted(work, limit):
        if limit == analysis.LIMIT:
            raise KeyboardInterrupt
        return waiting(work, limit)

    monkeypatch.setattr(analysis, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        studio.sql(ENDLESS)
    monkeypatch.undo()
    assert count(studio) == 0


def test_several_threads_ask_one_after_the_other(studio):
    made(studio)
    found = []
    threads = [threading.Thread(target=lambda: found.append(count(studio))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 4


# ------------------------------------------------------------------ results


def test_a_result_shows_itself_and_escapes_what_it_shows():
    rows = Rows([("a", "VARCHAR"), ("A", "INTEGER")], [("<b>", None)] * (results.SHOWN + 1))
    bundle = rows._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert "&lt;b&gt;" in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert f"{results.SHOWN + 1} rows, of which the first {results.SHOWN} are shown." in repr(rows)
    assert rows.columns == ("a", "A_1")
    assert isinstance(rows[:2], Rows)


@pytest.mark.parametrize(("call", "package"), [("df", "pandas"), ("pl", "polars"), ("arrow", "pyarrow")])
def test_a_package_that_is_not_there_is_named(call, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match=f"pip install {package}"):
        getattr(Rows([("a", "INTEGER")], [(1,)]), call)()


def test_a_result_is_a_stream_of_arrow_without_a_package_of_arrow():
    rows = Rows([("a", "INTEGER"), ("b", "DECIMAL(18,9)"), ("c", '"NULL"')], [(1, Decimal("0.04"), None)])
    assert "arrow_array_stream" in repr(rows.__arrow_c_stream__())
    assert not {"pyarrow", "pandas", "polars"} & set(sys.modules)

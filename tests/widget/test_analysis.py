"""SQL over the history: what a query sees, what it cannot reach, and how it ends."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from importlib.util import find_spec

import pytest

from imgplay_widget import Rows
from imgplay_widget._rules.changes import StoreWritten
from imgplay_widget._store.frames import FRAMES
from imgplay_widget._studio import analysis, results
from imgplay_widget.errors import InvalidRequest, MissingPackage, NotFound, QueryTooLong, StoreDamaged
from imgplay_widget.testing import FakeProvider, open_studio, picture

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
    assert {frame.name for frame in FRAMES} == {row[0] for row in studio.sql("SHOW TABLES")}


@pytest.mark.parametrize("table", ["generations", "tasks"])
def test_columns_that_a_query_makes_have_the_values_of_the_handles(studio, table):
    image = made(studio)[0]
    provider, seconds = studio.sql(f"SELECT provider, seconds FROM {table}")[0]
    assert provider == "fake"
    assert seconds == pytest.approx(image.seconds, abs=0.001)


def change(store, statement):
    """Change the database of a store from outside."""
    with closing(sqlite3.connect(store)) as database:
        database.execute(statement)
        database.commit()


def test_a_call_that_ended_before_it_was_sent_has_no_seconds(tmp_path):
    store = tmp_path / "s.sqlite"
    with open_studio(FakeProvider(), store=store) as studio:
        made(studio)
        change(store, "UPDATE image_async_tasks SET finished_at = '2020-01-01 00:00:00.000000'")
        assert studio.sql("SELECT seconds FROM tasks")[0] == (None,)


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


def test_scores_and_tags_are_joined_with_their_images(studio):
    batch = made(studio, n=2)
    assert count(studio, "scores") == 0
    first, second = batch
    first.scores["clip"] = 0.31
    second.scores["clip"] = 0.25
    second.tags.add("poster")
    best = "SELECT id, value FROM generations JOIN scores ON generation_id = id ORDER BY value DESC"
    assert list(studio.sql(best)) == [(first.id, 0.31), (second.id, 0.25)]
    tagged = "SELECT generation_id, batch_id, name FROM tags"
    assert list(studio.sql(tagged)) == [(second.id, batch.id, "poster")]
    second.tags.remove("poster")
    studio.delete(first)
    assert (count(studio, "tags"), list(studio.sql(best))) == (0, [(second.id, 0.25)])


def test_an_image_knows_the_images_that_it_was_made_from(studio):
    fox = made(studio)[0]
    owl = made(studio, "an owl", references=[fox])[0]
    parents = "SELECT unnest(parent_ids) FROM batches WHERE id = ?".replace("?", f"'{owl.batch.id}'")
    assert list(studio.sql(parents)) == [(fox.id,)]
    assert studio.sql(f"SELECT parent_id FROM generations WHERE id = '{owl.id}'")[0] == (fox.id,)


def test_the_costs_of_the_images_are_what_was_spent():
    with open_studio(FakeProvider([replace(picture(3), cost="0.1")])) as studio:
        batch = studio.generate("a fox", model="fake:sheet", n=3).result(WAIT)
        costs = [cost for (cost,) in studio.sql("SELECT cost_usd FROM generations")]
        assert sorted(costs) == [Decimal("0.033333333"), Decimal("0.033333333"), Decimal("0.033333334")]
        assert sum(costs) == studio.spent().usd == studio.sql("SELECT sum(cost_usd) FROM spending")[0][0]
        studio.delete(batch[0])
        assert studio.sql("SELECT sum(cost_usd) FROM spending")[0][0] == studio.spent().usd == Decimal("0.1")


def test_only_the_tables_of_the_query_are_read(studio, monkeypatch):
    made(studio)
    read = []
    store = studio._core.archive.store
    part = store.frame_part
    monkeypatch.setattr(store, "frame_part", lambda *args: read.append(args[0].name) or part(*args))
    assert (count(studio, "Topics"), read) == (1, ["topics"])
    assert count(studio, "query_table('gen' || 'erations')") == 1


def test_only_what_changed_is_read_again(studio, monkeypatch):
    made(studio)
    count(studio)
    read = []
    monkeypatch.setattr(studio._core.archive.store, "frame_part", lambda *args: read.append(args) or [])
    made(studio, "an owl")
    assert (count(studio), read) == (2, [])


def test_a_value_that_is_not_of_its_type_is_damage(tmp_path):
    store = tmp_path / "s.sqlite"
    with open_studio(FakeProvider(), store=store) as studio:
        made(studio)
        change(store, "UPDATE image_generations SET created_at = 'some day'")
        with pytest.raises(StoreDamaged, match="some day"):
            count(studio)


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


CLOSED = [
    # files
    "SELECT * FROM read_text('mine.csv')",
    "SELECT * FROM read_blob('mine.csv')",
    "SELECT * FROM read_csv('mine.csv')",
    "SELECT * FROM read_json('mine.csv')",
    "SELECT * FROM read_parquet('mine.csv')",
    "SELECT * FROM parquet_metadata('mine.csv')",
    "SELECT * FROM sniff_csv('mine.csv')",
    "SELECT * FROM 'mine.csv'",
    "SELECT * FROM glob('*')",
    "COPY generations TO 'new.csv'",
    "COPY (SELECT 1) TO 'new.parquet'",
    "COPY topics FROM 'mine.csv'",
    "ATTACH 'new.duckdb'",
    "ATTACH 'mine.sqlite' (TYPE sqlite)",
    "ATTACH ':memory:' AS other",
    "EXPORT DATABASE 'new'",
    "IMPORT DATABASE 'new'",
    "EXPLAIN ANALYZE COPY generations TO 'new.csv'",
    # the network, extensions and secrets
    "SELECT * FROM 'https://localhost/a.parquet'",
    "SELECT * FROM read_csv('https://localhost/a.csv')",
    "COPY topics TO 's3://bucket/a.parquet'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD 'mine.duckdb_extension'",
    "CREATE SECRET (TYPE s3)",
    "SELECT * FROM duckdb_secrets()",
    # settings and the process
    "SET enable_external_access = true",
    "SET memory_limit = '64GB'",
    "SET VARIABLE x = 1",
    "RESET lock_configuration",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "CALL pragma_version()",
    "USE memory",
    "SELECT getenv('HOME')",
    "SELECT * FROM secret",
    # writing
    "INSERT INTO topics (id) VALUES ('x')",
    "WITH new AS (INSERT INTO topics (id) VALUES ('x') RETURNING id) SELECT * FROM new",
    "UPDATE topics SET title = 'x'",
    "DELETE FROM topics",
    "TRUNCATE topics",
    "MERGE INTO topics USING topics AS t ON t.id = topics.id WHEN MATCHED THEN DELETE",
    "DROP TABLE topics",
    "ALTER TABLE topics RENAME TO other",
    "CREATE TABLE other (i INTEGER)",
    "CREATE TEMP TABLE other AS SELECT 1",
    "CREATE MACRO other() AS 1",
    "EXPLAIN ANALYZE DELETE FROM topics",
    "CHECKPOINT",
    "VACUUM",
    # more than one question
    "BEGIN",
    "PREPARE p AS SELECT 1",
    "COMMIT; DROP TABLE topics",
    "SELECT 1; SELECT 2",
]
"""Ways out of a query. Each is a sentence that DuckDB understands."""


@pytest.fixture(scope="module")
def closed_studio():
    with open_studio(FakeProvider()) as opened:
        made(opened)
        yield opened


@pytest.mark.parametrize("text", CLOSED)
def test_a_query_reaches_nothing_but_the_history(closed_studio, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n")
    secret = [1, 2, 3]
    with pytest.raises(InvalidRequest) as caught:
        closed_studio.sql(text)
    assert "Parser Error" not in caught.value.message
    assert secret
    assert count(closed_studio, "topics WHERE title IS NOT NULL") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


@pytest.mark.parametrize("text", ["", "SELEC 1", "SELECT nothing FROM generations"])
def test_a_query_that_duckdb_does_not_understand_is_refused(closed_studio, text):
    with pytest.raises(InvalidRequest):
        closed_studio.sql(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT now() - created_at AS age FROM generations",
        "PIVOT generations ON status USING count(*)",
        "SUMMARIZE generations",
        "DESCRIBE scores",
        "SELECT params->>'n', list(id), {'a': seed}, map {'a': 1} FROM generations GROUP BY ALL",
        "FROM query_table('generations')",
        "EXPLAIN SELECT 1",
        "SELECT NULL AS nothing, [NULL] AS many",
    ],
)
def test_all_that_reads_is_answered_in_all_types(closed_studio, text):
    rows = closed_studio.sql(text)
    assert len(rows) >= 1
    assert "arrow_array_stream" in repr(rows.__arrow_c_stream__())


def test_a_query_that_takes_too_long_is_stopped(studio, monkeypatch):
    monkeypatch.setattr(analysis, "LIMIT", 0.2)
    with pytest.raises(QueryTooLong, match=r"longer than 0\.2 seconds"):
        studio.sql(ENDLESS)
    assert count(studio) == 0


ASKS = """
import signal
import sqlite3
import sys
from imgplay_widget import Studio
# A shell starts a program in the background without a handler of interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
with Studio("sqlite://") as studio:
    studio.sql("SELECT 1")
    try:
        print("asks", flush=True)
        studio.sql(sys.argv[1])
    except KeyboardInterrupt:
        print("interrupted", studio.sql("SELECT count(*) FROM topics")[0][0], flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_an_interrupt_of_the_kernel_ends_a_query():
    command = [sys.executable, "-c", ASKS, ENDLESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "asks\n"
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=analysis.LIMIT)
    assert (out, child.returncode) == ("interrupted 0\n", 0)


def test_an_interrupt_of_the_kernel_ends_the_reading(studio, monkeypatch):
    made(studio)
    held = threading.Event()
    version = studio._core.archive.store.version

    def slow():
        held.wait(WAIT)
        return version()

    def interrupted(work, limit):
        held.set()
        raise KeyboardInterrupt

    monkeypatch.setattr(studio._core.archive.store, "version", slow)
    with monkeypatch.context() as once:
        once.setattr(analysis, "wait", interrupted_once(interrupted, analysis.wait))
        with pytest.raises(KeyboardInterrupt):
            count(studio)
    assert count(studio) == 1


def interrupted_once(first, later):
    calls = iter([first])
    return lambda work, limit: next(calls, later)(work, limit)


def test_a_long_reading_says_so_once(studio, monkeypatch):
    made(studio)
    monkeypatch.setattr(analysis, "PATIENCE", 0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    studio.progress = True
    count(studio)
    assert "Reading the history…" in sys.stderr.getvalue()
    assert "The history was read in" in sys.stderr.getvalue()
    studio.progress = False
    sys.stderr.truncate(0)
    studio._core.analysis.heed(StoreWritten())
    count(studio)
    assert sys.stderr.getvalue() == ""


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


@pytest.mark.parametrize(
    ("value", "shown"), [("0.000000000", "0"), ("0.040000000", "0.04"), ("100.000000000", "100")]
)
def test_an_amount_is_shown_without_zeros_at_its_end(value, shown):
    rows = Rows([("cost_usd", "DECIMAL(18,9)")], [(Decimal(value),)])
    assert repr(rows).splitlines()[-1] == shown
    assert f">{shown}</td>" in rows._repr_html_()


@pytest.mark.parametrize(("call", "package"), [("df", "pandas"), ("pl", "polars"), ("arrow", "pyarrow")])
def test_a_package_that_is_not_there_is_named(call, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match=f"pip install {package}"):
        getattr(Rows([("a", "INTEGER")], [(1,)]), call)()


def test_a_result_is_a_stream_of_arrow_without_a_package_of_arrow():
    rows = Rows([("a", "INTEGER"), ("b", "DECIMAL(18,9)"), ("c", '"NULL"')], [(1, Decimal("0.04"), None)])
    assert "arrow_array_stream" in repr(rows.__arrow_c_stream__())


REAL = {
    "pandas": """
import pandas
frame = rows.df()
assert isinstance(frame, pandas.DataFrame)
assert list(frame["prompt"]) == ["a fox", "a fox"]
assert frame["created_at"].dtype.kind == "M"
""",
    "polars": """
import polars
for frame in (rows.pl(), polars.DataFrame(rows)):
    assert frame["prompt"].to_list() == ["a fox", "a fox"]
    assert frame.schema["created_at"] == polars.Datetime("us")
assert "pyarrow" not in sys.modules and "pandas" not in sys.modules
""",
    "pyarrow": """
import pyarrow
for table in (rows.arrow(), pyarrow.table(rows)):
    assert table["prompt"].to_pylist() == ["a fox", "a fox"]
    assert str(table.schema.field("cost_usd").type) == "decimal128(18, 9)"
""",
    "datasets": """
import datasets
found = datasets.load_dataset("imagefolder", data_dir=str(studio.export(sys.argv[1])), split="train")
assert [one["prompt"] for one in found] == ["a fox", "a fox"]
assert found[0]["image"].size == rows.select
""".replace("rows.select", "(rows[0][rows.columns.index('width')], rows[0][rows.columns.index('height')])"),
}
"""What each package makes of a history of two images."""

WITH_ROWS = """
import sys
from imgplay_widget import Studio
with Studio("sqlite://") as studio:
    studio.generate("a fox", model="demo:instant", n=2, width=256, height=256).result(60)
    rows = studio.history()
"""


@pytest.mark.parametrize("package", REAL)
def test_the_packages_for_data_read_a_result(package, tmp_path):
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    # In a process of its own, because other tests check that nothing imports these packages.
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    code = WITH_ROWS + textwrap.indent(REAL[package], "    ")
    command = [sys.executable, "-c", code, str(tmp_path / "set")]
    done = subprocess.run(command, env=os.environ | offline, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

"""Sweeps: one call for many requests, which is one mark in the store."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path

import duckdb
import numpy as np
import pytest

from imgplay_widget import Status, SweepHandle
from imgplay_widget.errors import (
    Cancelled,
    ConfirmationNeeded,
    InvalidRequest,
    MissingKey,
    Moderated,
    NotFound,
    OverBudget,
    PriceUnknown,
    StoreLocked,
    UnknownParameter,
)
from imgplay_widget.providers import ProviderSpec
from imgplay_widget.testing import FakeProvider, Gate, open_studio, picture, png
from tests.engine.priced import Priced
from tests.engine.test_two_studios import beat

WAIT = 30
FOXES = {"animal": ["fox", "owl"], "style": ["ink", "oil"], "model": "fake:image"}
TEMPLATE = "a {animal} in {style}"


def prompts(batches):
    return [batch.prompt for batch in batches]


# ------------------------------------------------------------------ what is asked for


def test_a_sweep_asks_for_each_combination_and_the_last_axis_changes_first(studio, fake):
    grid = studio.sweep(TEMPLATE, **FOXES, seed=range(2)).result(WAIT)
    assert isinstance(grid, SweepHandle)
    assert grid.axes == {"animal": ["fox", "owl"], "style": ["ink", "oil"], "seed": [0, 1]}
    assert grid.fixed == {"model": "fake:image", "n": 1}
    expected = [(f"a {a} in {s}", seed) for a in ("fox", "owl") for s in ("ink", "oil") for seed in (0, 1)]
    assert [(batch.prompt, batch.params["seed"]) for batch in grid] == expected
    assert sorted((unit.prompt, unit.seeds[0]) for unit in fake.submits) == sorted(expected)
    assert (grid.status, len(grid), grid.total, grid.finished) == ("success", 8, 8, 8)
    assert [one.seed for one in grid.generations] == [0, 1] * 4


def test_models_parameters_and_words_are_axes(studio, fake):
    models = ("fake:image", "fake:sheet")
    grid = studio.sweep("a fox", model=models, width=np.array([64, 128])).result(WAIT)
    assert list(grid.axes.items()) == [("width", [64, 128]), ("model", list(models))]
    assert [(batch.model, batch.params["width"]) for batch in grid] == [
        (model, width) for width in (64, 128) for model in models
    ]


def test_the_axes_of_models_and_seeds_come_after_the_words(studio):
    grid = studio.sweep("a {b}", seed=[1], model=["fake:image"], b=["c"])
    assert list(grid.axes) == ["b", "model", "seed"]


@pytest.mark.parametrize(
    ("template", "values", "prompt"),
    [
        ("a {a} {other} {x|y} {", {"a": ["fox"]}, "a fox {other} {x|y} {"),
        ("{a} {b}", {"a": ["{b}"], "b": "{a}"}, "{b} {a}"),
        ("{{a}} {a}{a}", {"a": [1]}, "{1} 11"),
        ("{a}", {"a": [0.5]}, "0.5"),
        ("{ä_1}", {"ä_1": ["雪"]}, "雪"),
        ("{a} {seed} {model}", {"a": ["fox"], "seed": 3}, "fox {seed} {model}"),
    ],
)
def test_only_the_names_that_are_given_are_replaced_and_once(studio, template, values, prompt):
    assert prompts(studio.sweep(template, model="fake:image", **values)) == [prompt]


def test_a_text_or_a_number_is_one_value_of_all_cells(studio):
    grid = studio.sweep(TEMPLATE, animal="fox", style=["ink"], model="fake:image", width=128, seed=5)
    assert grid.axes == {"style": ["ink"]}
    assert grid.fixed == {"animal": "fox", "model": "fake:image", "width": 128, "seed": 5, "n": 1}


def test_a_style_of_the_template_is_not_the_parameter_of_the_model(studio):
    (batch,) = studio.sweep("a {style} fox", style=["ink"], model="demo:instant")
    assert batch.prompt == "a ink fox"
    assert batch.params["style"] != "ink"


def test_several_images_of_one_request_are_in_one_cell(studio):
    grid = studio.sweep("a {animal}", animal=["fox", "owl"], model="fake:image", n=3).result(WAIT)
    assert ([len(batch) for batch in grid], grid.total, grid.finished) == ([3, 3], 6, 6)


def test_without_a_model_the_panel_decides(studio):
    assert studio.sweep("a {a}", a=["fox"]).fixed["model"] == studio.generate("a fox").model


def test_references_and_a_mask_are_for_all_cells(studio, fake):
    red, blue = png(color=(255, 0, 0)), png(color=(0, 0, 255))
    grid = studio.sweep("a {a}", a=["fox", "owl"], model="fake:image", references=[red, blue]).result(WAIT)
    assert {len(unit.references) for unit in fake.submits} == {2}
    again = studio.sweep("a {a}", a=["fox", "owl"], model="fake:image", references=[blue, red])
    assert again != grid


class Table:
    """A table with the methods of another package."""

    columns = ("animal", "seed")

    def __init__(self, name, rows):
        self._rows = rows
        setattr(self, name, lambda *kind: rows)

    def __len__(self):
        return len(self._rows)


ROWS = [{"animal": "fox", "seed": 1}, {"animal": "owl", "seed": 2}]


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        tuple(ROWS),
        Table("to_dicts", ROWS),
        Table("to_pylist", ROWS),
        Table("to_dict", ROWS),
        duckdb.sql("SELECT 'fox' AS animal, 1 AS seed UNION ALL SELECT 'owl', 2 ORDER BY seed"),
        [{"animal": np.str_("fox"), "seed": np.int64(1)}, {"animal": "owl", "seed": np.float32(2)}],
    ],
    ids=["list", "tuple", "polars", "arrow", "pandas", "duckdb", "numpy"],
)
def test_each_row_of_a_table_is_a_cell(studio, rows):
    grid = studio.sweep("a {animal}", rows=rows, model="fake:image").result(WAIT)
    assert [(batch.prompt, batch.params["seed"]) for batch in grid] == [("a fox", 1), ("a owl", 2)]
    assert grid.axes == {"row": ROWS}
    assert grid[{"animal": "owl"}] == grid[{"row": ROWS[1]}] == list(grid)[1]


def test_the_answer_of_a_query_is_such_a_table_and_an_empty_cell_is_not_given(studio):
    rows = studio.sql(
        "SELECT * FROM (VALUES ('fox', 128, 'fake:sheet'), ('owl', NULL, NULL)) AS t(a, width, model)"
    )
    grid = studio.sweep("a {a}", rows=rows, model=None).result(WAIT)
    first, _ = grid
    assert (first.prompt, first.params["width"]) == ("a fox", 128)
    assert [batch.model for batch in grid] == ["fake:sheet", studio.generate("a fox").model]


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("more", "kind", "text"),
    [
        ({"animal": []}, InvalidRequest, "animal: it has no values"),
        ({"animal": ["fox", "owl", "fox"]}, InvalidRequest, r"'fox' is there twice \(values 1 and 3\)"),
        ({"width": [64, 64.0]}, InvalidRequest, "width: 64.0 is there twice"),
        ({"animal": range(10**9)}, InvalidRequest, "1,000,000,000 values"),
        ({"animal": range(10**30)}, InvalidRequest, "more than 2,000 values"),
        ({"animal": count()}, InvalidRequest, "more than 2,000 values"),
        ({"animal": range(1999), "seed": range(1999)}, InvalidRequest, "3,996,001 requests"),
        ({"animal": [1.0, float("nan")]}, InvalidRequest, "value 2 is nan"),
        ({"animal": float("nan")}, InvalidRequest, "the value is nan"),
        ({"animal": [None]}, InvalidRequest, "None cannot stand in the prompt"),
        ({"animal": b"fox"}, InvalidRequest, "cannot stand in the prompt"),
        ({"animal": [object()]}, InvalidRequest, "value 1 .* is neither text nor a number"),
        ({"animal": {"fox"}}, InvalidRequest, "a set has no order"),
        ({"animal": {"fox": 1}}, InvalidRequest, "a dict has no order"),
        ({"animal": np.zeros((2, 2))}, InvalidRequest, "neither text nor a number"),
        ({"animal": ["fox"], "size": [1]}, UnknownParameter, "'size' is neither in the template nor a"),
        ({"animl": ["fox"]}, UnknownParameter, r"Did you mean {animal}\?"),
        ({"widht": [64]}, UnknownParameter, r"Did you mean width\?"),
        ({"animal": ["fox"], "width": [1]}, InvalidRequest, "width=1 is out of range"),
        ({"animal": ["fox"], "n": 0}, InvalidRequest, "n=0"),
        ({"animal": ["fox"], "seed": ["x"]}, InvalidRequest, "seed='x' is not a whole number"),
        ({"animal": ["fox"], "model": ["fake:image", "fake:none"]}, NotFound, "fake:none"),
        ({"animal": ["fox"], "model": [1]}, InvalidRequest, "model=1"),
        ({"animal": ["fox"], "model": []}, InvalidRequest, "model: it has no values"),
        (
            {"animal": ["fox"], "model": ["fake:image", "fake:sheet"], "seed": [1]},
            UnknownParameter,
            "fake:sheet does not have a parameter seed",
        ),
        ({"rows": []}, InvalidRequest, "it has no rows"),
        ({"rows": "fox"}, InvalidRequest, "'fox' is not a table"),
        ({"rows": [1]}, InvalidRequest, r"row 1 \(1\) is not a dict"),
        ({"rows": [{"animal": "fox"}] * 2}, InvalidRequest, r"there twice \(rows 1 and 2\)"),
        ({"rows": [{"animal": "fox", "note": "x"}]}, UnknownParameter, "The column 'note'"),
        ({"rows": [{"animal": "fox"}, {"width": 64}]}, InvalidRequest, "row 2 has no animal"),
        ({"rows": [{"animal": float("nan")}]}, InvalidRequest, "animal in row 1 is nan"),
        ({"rows": [{"animal": "fox"}], "seed": [1, 2]}, InvalidRequest, "the rows are the axis"),
        ({"rows": [{"animal": "fox"}], "animal": "owl"}, InvalidRequest, "it is a column of the rows"),
        ({"rows": [{"animal": "fox", "n": 2}]}, InvalidRequest, "the column n cannot be used"),
        ({"rows": [{"animal": i} for i in range(2001)]}, InvalidRequest, "2,001 values"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_done_is_refused_before_anything_is_stored(studio, fake, more, kind, text):
    with pytest.raises(kind, match=text):
        studio.sweep("a {animal}", **{"model": "fake:image", **more}, confirm=True)
    assert (studio.topics, studio.sweeps(), fake.submits) == ([], [], [])


def test_a_template_must_be_text(studio):
    with pytest.raises(InvalidRequest, match="template=5 is not text"):
        studio.sweep(5)


def test_two_cells_that_ask_for_the_same_are_refused(studio):
    with pytest.raises(
        InvalidRequest, match=r"Two cells ask for the same images: fox · x and foxx · .empty."
    ):
        studio.sweep("{a}{b}", rows=[{"a": "fox", "b": "x"}, {"a": "foxx", "b": ""}], model="fake:image")


def test_a_key_that_is_missing_is_named_before_anything_is_stored(tmp_path):
    fake = FakeProvider()
    fake.spec = ProviderSpec(name="fake", title="Fake", key_variables=("FAKE_KEY",))
    with open_studio(fake, store=tmp_path) as studio, pytest.raises(MissingKey):
        studio.sweep("a {a}", a=["fox"], model="fake:image")
    with open_studio(FakeProvider(), store=tmp_path) as studio:
        assert (studio.topics, studio.sweeps()) == ([], [])


# ------------------------------------------------------------------ what is said and agreed to


def said(cell):
    return [data["text/plain"] for _, data in cell.shown] if hasattr(cell, "shown") else cell


def test_more_than_sixteen_requests_need_an_agreement(studio, fake):
    studio.sweep("a {a}", a=range(16), model="fake:image").result(WAIT)
    with pytest.raises(ConfirmationNeeded, match="17 images in 17 requests, free of charge") as caught:
        studio.sweep("an {a}", a=range(17), model="fake:image")
    assert "confirm=True" in caught.value.next_step
    assert len(studio.sweeps()) == 1
    studio.sweep("an {a}", a=range(17), model="fake:image", confirm=True).result(WAIT)
    # What the store has does not count.
    assert len(studio.sweep("an {a}", a=range(33), model="fake:image").result(WAIT)) == 33
    assert len(fake.submits) == 16 + 33


def test_a_sweep_past_the_budget_needs_an_agreement_as_a_whole():
    fake = Priced()
    with open_studio(fake, budget=0.10) as studio:
        with pytest.raises(OverBudget, match=r"^3 images in 3 requests, about \$0\.12\. .*\$0\.10") as caught:
            studio.sweep("a {a}", a=range(3), model="fake:image")
        assert "confirm=True" in caught.value.next_step
        assert (studio.topics, studio.sweeps(), fake.submits) == ([], [], [])
        studio.sweep("a {a}", a=range(3), model="fake:image", confirm=True).result(WAIT)
        assert studio.spent().usd == Decimal("0.12")
        with pytest.raises(OverBudget):
            studio.generate("a fox", model="fake:image")
        assert len(studio.sweep("a {a}", a=range(3), model="fake:image")) == 3


def test_an_unknown_price_needs_an_agreement_where_there_is_a_budget():
    fake = Priced()
    with open_studio(fake, budget=1) as studio:
        with pytest.raises(PriceUnknown, match="2 images at an unknown price") as caught:
            studio.sweep("a {a}", a=["b", "c"], model=["fake:image", "fake:queue"])
        assert "confirm=True" in caught.value.next_step
        assert (studio.topics, fake.submits) == ([], [])
        studio.sweep("a {a}", a=["b", "c"], model=["fake:image", "fake:queue"], confirm=True).result(WAIT)
    with open_studio(Priced()) as studio:
        studio.sweep("a {a}", a=["b"], model=["fake:image", "fake:queue"]).result(WAIT)


def test_it_says_first_how_many_images_and_what_they_cost(capsys):
    with open_studio(Priced()) as studio:
        studio.progress = True
        studio.sweep("a {a}", a=range(2), model="fake:image", n=2).result(WAIT, progress=False)
        assert "4 images in 2 requests, about $0.16." in capsys.readouterr().err
        studio.sweep("a {a}", a=range(3), model="fake:image", n=2).result(WAIT, progress=False)
        assert "6 images in 3 requests, 2 from the store, about $0.08." in capsys.readouterr().err
        studio.sweep("a {a}", a=range(3), model="fake:image", n=2)
        assert "6 images in 3 requests, all from the store." in capsys.readouterr().err


# ------------------------------------------------------------------ what the store has


def test_calling_it_again_gives_the_same_sweep_and_sends_nothing(studio, fake):
    grid = studio.sweep(TEMPLATE, **FOXES).result(WAIT)
    again = studio.sweep(TEMPLATE, **FOXES, topic="elsewhere")
    assert (again, again.topic_id, studio.sweeps()) == (grid, grid.topic_id, [grid])
    assert len(fake.submits) == 4
    assert [topic.title for topic in studio.topics] == [TEMPLATE]


def test_without_the_cache_it_is_a_new_sweep(studio, fake):
    grid = studio.sweep(TEMPLATE, **FOXES).result(WAIT)
    other = studio.sweep(TEMPLATE, **FOXES, cache=False).result(WAIT)
    assert other != grid
    assert studio.sweeps() == [other, grid]
    assert len(fake.submits) == 8
    assert {batch.id for batch in grid}.isdisjoint(batch.id for batch in other)


def test_cells_are_taken_from_any_earlier_request(studio, fake):
    made = studio.generate("a fox in ink", model="fake:image", topic="by hand").result(WAIT)
    grid = studio.sweep(TEMPLATE, **FOXES).result(WAIT)
    assert grid[{"animal": "fox", "style": "ink"}] == made
    assert made.topic_id != grid.topic_id
    assert len(fake.submits) == 4
    larger = studio.sweep(TEMPLATE, animal=["fox", "owl", "cat"], style=["ink", "oil"], model="fake:image")
    assert list(larger)[:4] == list(grid)
    assert len(larger.result(WAIT)) == 6
    assert len(fake.submits) == 6


def test_a_sweep_that_the_store_has_whole_is_a_sweep_too(studio, fake):
    for animal in ("fox", "owl"):
        studio.generate(f"a {animal}", model="fake:image").result(WAIT)
    grid = studio.sweep("a {a}", a=["fox", "owl"], model="fake:image")
    assert (studio.sweeps(), grid.finished, len(fake.submits)) == ([grid], 2, 2)
    grid.delete()
    assert studio.sweeps() == []
    assert len(studio.batches()) == 2
    studio.restore(grid)
    assert studio.sweeps() == [grid]


def test_what_failed_is_asked_for_again_and_what_is_there_is_not():
    fake = FakeProvider(
        [picture(), Moderated("no", provider="fake"), picture(), Moderated("no", provider="fake")]
    )
    fake.spec = replace(fake.spec, concurrency=1)
    with open_studio(fake) as studio:
        grid = studio.sweep(TEMPLATE, **FOXES).result(WAIT)
        assert (grid.finished, grid.status) == (2, "success")
        again = studio.sweep(TEMPLATE, **FOXES).result(WAIT)
        assert (again, grid.finished, len(fake.submits)) == (grid, 4, 6)


def test_what_was_deleted_is_asked_for_again_in_its_cell(studio, fake):
    grid = studio.sweep(TEMPLATE, **FOXES).result(WAIT)
    gone = grid[{"animal": "owl", "style": "ink"}]
    gone.delete()
    assert (len(grid), grid.finished) == (3, 3)
    with pytest.raises(NotFound, match="was deleted"):
        grid[{"animal": "owl", "style": "ink"}]
    studio.sweep(TEMPLATE, **FOXES).result(WAIT)
    fresh = grid[{"animal": "owl", "style": "ink"}]
    assert (fresh != gone, fresh.prompt, grid.finished, len(fake.submits)) == (True, "a owl in ink", 4, 5)


def test_a_cell_whose_file_is_gone_is_asked_for_again(studio, fake):
    grid = studio.sweep(TEMPLATE, **FOXES, seed=range(2)).result(WAIT)
    paths = {Path(one.path) for one in grid.generations}
    for path in paths:
        path.unlink()
    studio.sweep(TEMPLATE, **FOXES, seed=range(2)).result(WAIT)
    assert len(fake.submits) == 16


def test_what_still_runs_is_not_asked_for_twice(fake):
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        grid = studio.sweep(TEMPLATE, **FOXES)
        assert gate.reached.wait(WAIT)
        assert studio.sweep(TEMPLATE, **FOXES) == grid
        gate.open()
        assert grid.result(WAIT).finished == 4


# ------------------------------------------------------------------ the handle


def test_a_part_of_a_sweep_has_the_other_axes(studio):
    grid = studio.sweep(TEMPLATE, **FOXES, seed=range(2)).result(WAIT)
    part = grid[{"animal": "owl"}]
    assert (part.axes, len(part)) == ({"style": ["ink", "oil"], "seed": [0, 1]}, 4)
    assert prompts(part[{"seed": 1}]) == ["a owl in ink", "a owl in oil"]
    assert part[{"seed": 1.0, "style": "oil"}].prompt == "a owl in oil"
    assert part.fixed["animal"] == "owl"
    assert part == grid[{"animal": "owl"}] != grid
    with pytest.raises(NotFound, match=r"no axis 'colour'.*animal, style, seed"):
        grid[{"colour": 1}]
    with pytest.raises(NotFound, match=r"no value 'cat'.*'fox', 'owl'"):
        grid[{"animal": "cat"}]
    with pytest.raises(InvalidRequest, match="does not name an axis"):
        grid["fox"]
    with pytest.raises(InvalidRequest):
        grid[{}]


def test_a_sweep_is_waited_for_in_any_loop(studio):
    grid = studio.sweep(TEMPLATE, **FOXES)

    async def wait():
        return await grid

    assert asyncio.run(wait()) is grid
    assert grid.finished == 4


def test_waiting_ends_with_the_time_and_the_sweep_goes_on():
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        grid = studio.sweep(TEMPLATE, **FOXES)
        with pytest.raises(TimeoutError):
            grid.result(0.01)
        gate.open()
        assert grid.result(WAIT).finished == 4


def test_a_sweep_without_any_image_raises_the_error_of_its_first_one():
    with open_studio(FakeProvider([Moderated("no", provider="fake")] * 4)) as studio:
        grid = studio.sweep(TEMPLATE, **FOXES)
        with pytest.raises(Moderated):
            grid.result(WAIT)
        assert grid.status is Status.ERROR
        assert grid.retry().result(WAIT).finished == 4


def test_a_sweep_is_cancelled_as_one_and_asked_for_again():
    gate = Gate(picture())
    fake = FakeProvider([gate], concurrency=1)
    with open_studio(fake) as studio:
        grid = studio.sweep(TEMPLATE, **FOXES)
        assert gate.reached.wait(WAIT)
        grid.cancel()
        with pytest.raises(Cancelled):
            grid.result(WAIT)
        assert (grid.status, len(fake.submits)) == ("cancelled", 1)
        gate.open()
        assert studio.sweep(TEMPLATE, **FOXES).result(WAIT).finished == 4


def test_a_sweep_does_not_cancel_or_delete_what_others_asked_for():
    gate = Gate(picture())
    fake = FakeProvider([gate], concurrency=1)
    with open_studio(fake) as studio:
        made = studio.generate("a fox in ink", model="fake:image")
        assert gate.reached.wait(WAIT)
        grid = studio.sweep(TEMPLATE, **FOXES)
        grid.cancel()
        gate.open()
        assert made.result(WAIT).status == "success"
        grid.delete()
        assert studio.batches() == [made]


def test_a_sweep_is_deleted_and_brought_back_as_one(studio):
    grid = studio.sweep(TEMPLATE, **FOXES).result(WAIT)
    first = grid[{"animal": "fox", "style": "ink"}]
    first.delete()
    studio._core._clock.advance(1)
    studio.delete(grid)
    assert (studio.sweeps(), studio.batches(), len(grid)) == ([], [], 0)
    with pytest.raises(NotFound):
        grid.result(0)
    studio.restore(grid)
    assert (studio.sweeps(), len(studio.batches()), len(grid)) == ([grid], 3, 3)
    studio.delete(grid.id)
    studio.restore(grid.id)
    assert len(grid) == 3
    grid[{"animal": "owl"}].delete()
    assert len(grid) == 1
    studio.delete(grid)
    studio._core._clock.advance(61)
    studio._core.call(studio._core.curator.purge)
    with pytest.raises(NotFound):
        studio.restore(grid)
    assert studio.sweep(TEMPLATE, **FOXES).result(WAIT) != grid


def test_many_failures_are_retried_only_with_an_agreement():
    fake = FakeProvider([Moderated("no", provider="fake")] * 17)
    with open_studio(fake) as studio:
        grid = studio.sweep("a {a}", a=range(17), model="fake:image", confirm=True)
        with pytest.raises(Moderated):
            grid.result(WAIT)
        with pytest.raises(ConfirmationNeeded, match="17 images in 17 requests again, free of charge"):
            grid.retry()
        assert grid.retry(confirm=True).result(WAIT).finished == 17


def test_a_sweep_is_a_table(studio):
    grid = studio.sweep(TEMPLATE, **FOXES, width=[64, 128], n=2).result(WAIT)
    grid.generations[0].scores["clip"] = 0.5
    from imgplay_widget._studio.sweep_handles import table_of

    table = table_of(grid)
    assert table.columns[:8] == ("animal", "style", "width", "model", "seed", "slot", "status", "path")
    assert len(table) == 16
    rows = [dict(zip(table.columns, row, strict=True)) for row in table]
    assert {(row["animal"], row["style"], row["width"]) for row in rows} == {
        (a, s, w) for a in ("fox", "owl") for s in ("ink", "oil") for w in (64, 128)
    }
    assert [row["clip"] for row in rows][:2] == [0.5, None]
    assert Path(rows[0]["path"]).read_bytes() == grid.generations[0].bytes
    assert len(table._table().fetchall()) == 16


def test_a_sweep_is_saved_with_its_values_in_the_names(studio, tmp_path):
    grid = studio.sweep(TEMPLATE, **FOXES, seed=[3]).result(WAIT)
    names = [path.name for path in grid.save(tmp_path / "all")]
    assert names == [
        "000-fox-ink-3-00.png",
        "001-fox-oil-3-00.png",
        "002-owl-ink-3-00.png",
        "003-owl-oil-3-00.png",
    ]
    part = grid[{"animal": "owl"}]
    assert [one.name for one in part.save(tmp_path, "{animal}_{style}")] == ["owl_ink.png", "owl_oil.png"]
    with pytest.raises(InvalidRequest, match="images 0 of cell 0 and 0 of cell 1 the same name"):
        grid.save(tmp_path, "{animal}")
    with pytest.raises(InvalidRequest, match=r"the word {colour}.*cell, animal"):
        grid.save(tmp_path, "{colour}")
    assert grid.save_zip(tmp_path / "grid.zip").stat().st_size > 0


# ------------------------------------------------------------------ the list


def test_sweeps_are_found_again_after_a_restart_newest_first(tmp_path):
    with open_studio(FakeProvider(), store=tmp_path) as studio:
        studio.sweep(TEMPLATE, **FOXES, topic="foxes").result(WAIT)
        studio.sweep("an {a}", a=["owl"], model="fake:image", topic="owls").result(WAIT)
    fake = FakeProvider()
    with open_studio(fake, store=tmp_path) as studio:
        owls, foxes = studio.sweeps()
        assert repr(studio.sweeps()).splitlines()[0] == "<Sweep 'an {a}' of a 1: 1 success>"
        assert (owls.template, foxes.template) == ("an {a}", TEMPLATE)
        assert studio.sweeps("foxes") == studio.sweeps(limit=2)[1:] == [foxes]
        assert (foxes.finished, foxes.axes["style"]) == (4, ["ink", "oil"])
        assert studio.sweep(TEMPLATE, **FOXES) == foxes
        assert fake.submits == []
        with pytest.raises(InvalidRequest):
            studio.sweeps(limit=0)
        with pytest.raises(NotFound):
            studio.sweeps("nowhere")


def test_a_sweep_goes_with_its_topic_and_follows_its_batches(studio):
    grid = studio.sweep(TEMPLATE, **FOXES, topic="foxes").result(WAIT)
    studio.move(list(grid)[:2], "others")
    assert studio.sweeps("others") == []
    studio.move(list(grid), "others")
    assert (studio.sweeps("others"), studio.sweeps("foxes")) == ([grid], [])
    studio.delete(studio.topics[0])
    assert studio.sweeps() == []


def test_a_lost_sweep_comes_back_with_its_images(tmp_path):
    store = tmp_path / "history.sqlite"
    with open_studio(FakeProvider(), store=store) as studio:
        grid = studio.sweep(TEMPLATE, **FOXES, n=2).result(WAIT)
        ids = [batch.id for batch in grid]
        studio._core.call(studio._core.archive.settle)
    for file in tmp_path.glob("history.sqlite*"):
        if file.is_file():
            file.unlink()
    fake = FakeProvider()
    with open_studio(fake, store=store) as studio:
        # The fake images have the same bytes, so one of them is there for all.
        studio.recover()
        (back,) = studio.sweeps()
        assert (back.template, back.axes) == (TEMPLATE, {"animal": ["fox", "owl"], "style": ["ink", "oil"]})
        assert {batch.id for batch in back} <= set(ids)
        assert studio.sweep(TEMPLATE, **FOXES, n=2) == back


# ------------------------------------------------------------------ several at once


def test_what_one_studio_asked_for_another_one_sees_cancels_and_completes(tmp_path):
    gate = Gate(picture())
    fake, other = FakeProvider([gate], concurrency=1), FakeProvider()
    with open_studio(fake, store=tmp_path) as first, open_studio(other, store=tmp_path) as second:
        grid = first.sweep(TEMPLATE, **FOXES)
        assert gate.reached.wait(WAIT)
        beat(second)
        (seen,) = second.sweeps()
        assert (seen.id, seen.status) == (grid.id, "processing")
        seen.cancel()
        assert seen.status is Status.CANCELLED
        beat(first)
        gate.open()
        with pytest.raises(Cancelled):
            grid.result(WAIT)
        assert len(fake.submits) == 1
        assert second.sweep(TEMPLATE, **FOXES).result(WAIT).finished == 4
        beat(first)
        first._core.call(first._core.archive.settle)
        assert grid.finished == 4


def test_a_cell_that_another_studio_replaced_is_seen(tmp_path):
    with (
        open_studio(FakeProvider(), store=tmp_path) as first,
        open_studio(FakeProvider(), store=tmp_path) as second,
    ):
        grid = first.sweep(TEMPLATE, **FOXES).result(WAIT)
        next(iter(grid)).delete()
        second.sweep(TEMPLATE, **FOXES).result(WAIT)
        beat(first)
        first._core.call(first._core.archive.settle)
        assert (len(grid), grid.finished) == (4, 4)


def test_two_studios_that_ask_at_once_pay_once(tmp_path, monkeypatch):
    fakes = FakeProvider(), FakeProvider()
    with open_studio(fakes[0], store=tmp_path) as first, open_studio(fakes[1], store=tmp_path) as second:
        look = first._core.sweeps._find
        both = []

        async def find(planned):
            found = await look(planned)
            # The other studio asks between the look and the store.
            thread = threading.Thread(
                target=lambda: both.append(second.sweep(TEMPLATE, **FOXES).result(WAIT))
            )
            thread.start()
            await asyncio.to_thread(thread.join)
            return found

        monkeypatch.setattr(first._core.sweeps, "_find", find)
        grid = first.sweep(TEMPLATE, **FOXES)
        assert grid == both[0]
        assert (len(fakes[0].submits), len(fakes[1].submits)) == (0, 4)
        assert grid.result(WAIT).finished == 4


def test_a_topic_that_is_deleted_meanwhile_stops_the_sweep(studio, fake):
    topic = studio.new_topic("foxes")
    make = studio._core.sweeps.make

    def late(*args, **options):
        studio.delete(topic)
        return make(*args, **options)

    studio._core.sweeps.make = late
    with pytest.raises(NotFound, match="topic"):
        studio.sweep(TEMPLATE, **FOXES, topic=topic)
    assert (studio.sweeps(), fake.submits) == ([], [])


@pytest.mark.parametrize("call", ["same_sweep", "save_sweep"])
def test_a_locked_store_refuses_the_whole_sweep_and_the_next_call_sends_it(studio, fake, call):
    def locked(*_, **__):
        raise StoreLocked("Another program holds the store.")

    store = studio._core.archive.store
    free = getattr(store, call)
    setattr(store, call, locked)
    with pytest.raises(StoreLocked):
        studio.sweep(TEMPLATE, **FOXES)
    setattr(store, call, free)
    assert (studio.topics, studio.sweeps(), fake.submits) == ([], [], [])
    assert studio.sweep(TEMPLATE, **FOXES).result(WAIT).finished == 4


def test_what_arrives_while_the_store_is_locked_is_kept(studio):
    store = studio._core.archive.store
    finish, failures = store.finish_task, iter([True, True])

    def sometimes(*args, **options):
        if next(failures, False):
            raise StoreLocked("Another program holds the store.")
        return finish(*args, **options)

    store.finish_task = sometimes
    assert studio.sweep(TEMPLATE, **FOXES).result(WAIT).finished == 4


def test_two_hundred_requests_hold_neither_the_cell_nor_the_loop(studio):
    late = []

    async def watch():
        while True:
            start = time.monotonic()
            await asyncio.sleep(0.001)
            late.append(time.monotonic() - start)

    watching = studio._core.start(watch)
    grid = studio.sweep("a {a}", a=range(200), model="fake:queue", confirm=True)
    watching.cancel()
    assert len(grid) == 200
    assert max(late) < 1.0
    assert grid.result(60).finished == 200


def test_a_forgotten_sweep_is_not_followed(studio):
    grid = studio.sweep(TEMPLATE, **FOXES).result(WAIT)
    live = studio._core.live
    assert grid.id in live._sweeps
    before = sys.getrefcount(grid)
    assert before < 5
    del grid
    assert list(live._sweeps) == []

"""A notebook that is executed without a browser stores what it made."""

from __future__ import annotations

import json

import nbclient
import nbformat

MAKE = """
from imgplay_widget import ImagePlayground
pg = ImagePlayground(store="history.sqlite", model="demo:instant")
pg
"""


def executed(tmp_path, *cells):
    """Run a notebook, and return it with the stored state of its playground."""
    notebook = run(tmp_path, *cells)
    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    (state,) = [one["state"] for one in states if "_snapshot" in one["state"]]
    return notebook, json.loads(state["_snapshot"]), json.loads(state["_pictures"])


def run(tmp_path, *cells):
    """Run a notebook, and return it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    return notebook


def shown(snapshot):
    return [
        (batch["prompt"], [one["status"] for one in batch["generations"]])
        for batch in snapshot["feed"]["batches"]
    ]


def test_the_stored_state_is_that_of_the_end(tmp_path):
    notebook, snapshot, pictures = executed(
        tmp_path,
        MAKE,
        'pg.generate("a fox", n=2).result()',
        'late = pg.generate("a bear")',
        "await late",
    )
    assert shown(snapshot) == [("a bear", ["success"]), ("a fox", ["success"] * 2)]
    assert [topic["images"] for topic in snapshot["topics"]] == [3]
    assert len(pictures) == 3
    (output,) = notebook.cells[0].outputs
    assert "run the cell that makes it again" in output["data"]["text/plain"]


def test_a_request_that_nobody_waited_for_is_stored_as_it_was_then(tmp_path):
    _, snapshot, _ = executed(tmp_path, MAKE, 'pg.generate("a fox", model="demo:slow")')
    assert [prompt for prompt, _ in shown(snapshot)] == ["a fox"]


def test_each_display_keeps_its_last_state(tmp_path):
    notebook = run(
        tmp_path,
        'from imgplay_widget import Studio\nstudio = Studio("history.sqlite")',
        'fox = studio.generate("a fox", model="demo:slow", seconds=1, n=2)\nfox',
        "await fox",
        'wolf = studio.generate("a wolf", model="demo:slow", seconds=1)\nwolf',
        "wolf.result()",
        "studio.close()",
    )
    for index in (1, 3):
        (running,), (line, value) = notebook.cells[index].outputs, notebook.cells[index + 1].outputs
        assert "Running" not in running["data"]["text/html"]
        assert "<img " in running["data"]["text/html"]
        assert "image/jpeg" in running["data"]
        assert " · " in line["data"]["text/plain"]
        assert "<img " not in line["data"]["text/html"]
        assert "<img " in value["data"]["text/html"]
        for output in (running, line, value):
            assert len(json.dumps(output["data"], ensure_ascii=False).encode()) <= 100_000

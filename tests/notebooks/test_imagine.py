"""`%%imagine` in a real kernel: the batch shows itself, and an error is short and stops the notebook."""

from __future__ import annotations

import nbclient
import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests.notebooks.test_headless import run

OPEN = """
%load_ext imgplay_widget
from imgplay_widget import ImagePlayground
pg = ImagePlayground(store="history.sqlite", model="demo:instant")
"""


def test_a_cell_is_a_prompt_and_shows_its_batch(tmp_path):
    notebook = run(
        tmp_path,
        OPEN,
        "%%imagine --n 2 --width 256 --height 256 -o foxes\na red fox\nin snow",
        "await foxes",
        "print([foxes.prompt, len(foxes), len(pg.batches())])",
    )
    (shown,) = notebook.cells[1].outputs
    assert set(shown["data"]) >= {"text/html", "text/plain"}
    # The display of the cell is filled afterwards, as that of any batch.
    assert shown["data"]["text/html"].count("<img") == 2
    assert notebook.cells[3].outputs[0]["text"] == "['a red fox\\nin snow', 2, 1]\n"


def test_an_error_is_short_and_stops_the_notebook(tmp_path):
    cells = [OPEN, "%imagine a fox --widht 256", "print('never')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    with pytest.raises(CellExecutionError):
        client.execute()
    (error,) = notebook.cells[1].outputs
    assert error["ename"] == "UnknownParameter"
    assert len(error["traceback"]) == 1
    assert "Did you mean --width" in error["traceback"][0]
    assert notebook.cells[2].outputs == []

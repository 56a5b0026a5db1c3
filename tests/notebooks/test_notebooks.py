"""The promises of the notebooks to their readers. nbval runs them (``make test-notebooks``)."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_says_its_goal_and_stores_no_output(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("**"), "the first line says the one goal"
    assert len(notebook.cells) <= 15
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")
    assert "widgets" not in notebook.metadata


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_needs_no_key(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert "set_key" not in cell.source
            assert "api_key" not in cell.source.lower()


def test_there_is_a_notebook_for_each_goal() -> None:
    assert {path.stem for path in NOTEBOOKS} >= {
        "compare-models",
        "headless",
        "images-as-data",
        "quickstart",
        "references-and-masks",
        "sweeps",
        "write-a-provider",
    }

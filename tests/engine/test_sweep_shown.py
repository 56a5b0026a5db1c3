"""Displays of sweeps: the grid in a cell while it fills, its progress, and all images as one picture."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from imgplay_widget._rules.sheets import MAX_DISPLAY
from imgplay_widget._types import Done, Inline
from imgplay_widget.errors import Moderated, NotFound
from imgplay_widget.testing import FakeProvider, Gate, open_studio, picture
from tests.engine.test_shown import WAIT, bytes_of, cell
from tests.store.store_makers import make_png

__all__ = ["cell"]

FOXES = {"animal": ["fox", "owl"], "style": ["oil", "ink"], "model": "fake:image"}


def sweep_of(studio, **other):
    return studio.sweep("a {animal} in {style}", **{**FOXES, **other})


def coloured(colour):
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "PNG")
    return Done(images=(Inline(data=out.getvalue()),))


def test_a_grid_shows_all_its_forms_in_100_kb():
    noisy = [Done(images=(Inline(data=make_png((256, 192))),)) for _ in range(60)]
    with open_studio(FakeProvider(noisy)) as studio:
        values = {"animal": [f"fox {one}" for one in range(20)], "style": ["oil", "ink", "chalk " * 40]}
        grid = sweep_of(studio, **values, confirm=True).result(WAIT)
        bundle = grid._repr_mimebundle_()
        assert set(bundle) == {"text/plain", "text/html", "image/jpeg"}
        assert bytes_of(bundle) <= MAX_DISPLAY
        assert bundle["text/html"].count("<img alt=") == 60
        assert 'alt="fox 7, oil"' in bundle["text/html"]
        with Image.open(io.BytesIO(base64.b64decode(bundle["image/jpeg"]))) as image:
            image.load()
            assert image.format == "JPEG"


def test_a_part_of_a_grid_says_what_it_has_in_common():
    with open_studio(FakeProvider([picture() for _ in range(4)])) as studio:
        grid = sweep_of(studio).result(WAIT)
        text = grid[{"animal": "owl"}]._repr_mimebundle_()["text/plain"]
        assert text.splitlines() == [
            "a {animal} in {style}",
            "animal = owl · fake:image · 2 images",
            "",
            "✓ style = oil",
            "✓ style = ink",
        ]


def test_models_have_their_titles():
    with open_studio() as studio:
        grid = studio.sweep("a {animal}", animal=["fox", "owl"], model=["demo:instant", "demo:slow"])
        assert "animal / model  Demo Instant  Demo Slow" in grid._repr_mimebundle_()["text/plain"]
        grid.cancel()


def test_a_running_grid_updates_its_output_until_its_end(cell):
    gates = [Gate(picture()) for _ in range(4)]
    with open_studio(FakeProvider(gates, concurrency=4)) as studio:
        grid = sweep_of(studio)
        grid._ipython_display_()
        assert cell.shown[0][1] is False
        for number, gate in enumerate(gates, 1):
            gate.open()
            cell.wait_for(lambda shown, number=number: shown[-1][2]["text/html"].count("<img ") == number)
        cell.wait_for(lambda shown: "image/jpeg" in shown[-1][2])
        displays = [data for name, _, data in cell.shown if "<table" in data["text/html"]]
        # Each state has the whole grid, so that nothing jumps.
        assert {html.count('<td style="padding:3px') for data in displays if (html := data["text/html"])} == {
            4
        }
        with pytest.raises(NotImplementedError):
            grid._ipython_display_()


def test_waiting_for_a_grid_shows_its_progress_and_ends_as_one_line(cell):
    gates = [Gate(picture()), Gate(Moderated("No.", next_step="Ask for another one.")), picture(), picture()]
    with open_studio(FakeProvider(gates, concurrency=4)) as studio:
        grid = sweep_of(studio)
        open_display = cell.publish

        def publish(data, *args, **kwargs):
            open_display(data, *args, **kwargs)
            if "2/4" in data["text/plain"]:
                gates[0].open()
                gates[1].open()

        cell.publish = publish
        grid.result(WAIT)
        waiting = [data for _, _, data in cell.shown if "2/4 · a {animal} in {style}" in data["text/plain"]]
        assert any("width:50%" in data["text/html"] for data in waiting)
        line = cell.shown[-1][2]["text/plain"]
        assert line.startswith("3 images, 1 failed · ")
        assert line.endswith(" · 1 failed: No. Ask for another one.")
        assert "\n" not in line


def test_a_grid_whose_studio_is_closed_shows_text():
    with open_studio(FakeProvider([picture() for _ in range(4)])) as studio:
        grid = sweep_of(studio).result(WAIT)
    bundle = grid._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert bundle["text/plain"].splitlines()[-1] == "owl             ✓    ✓"


def test_a_list_of_sweeps_shows_the_first_image_of_each():
    script = [picture(), picture(), Moderated("No."), Moderated("No.")]
    with open_studio(FakeProvider(script, concurrency=1)) as studio:
        sweep_of(studio, style="oil").result(WAIT)
        with pytest.raises(Moderated):
            sweep_of(studio, style="ink").result(WAIT)
        bundle = studio.sweeps()._repr_mimebundle_()
        assert bundle["text/html"].count("<img alt=") == 1
        assert "2 sweeps" in bundle["text/html"]
        assert "No image yet" in bundle["text/html"]
        assert "2 failed" in bundle["text/html"]
        assert bundle["text/plain"].count("<Sweep ") == 2


# ------------------------------------------------------------------ one picture


def test_the_picture_of_a_grid_has_each_image_at_its_place():
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0)]
    with open_studio(FakeProvider([coloured(one) for one in colours], concurrency=1)) as studio:
        image = sweep_of(studio).result(WAIT).image
        assert image.mode == "RGB"
        assert image.getpixel((image.width - 1, image.height - 1)) == (255, 255, 255)
        boxes = []
        for colour in colours:
            hits = [
                (x, y)
                for x in range(0, image.width, 4)
                for y in range(0, image.height, 4)
                if image.getpixel((x, y)) == colour
            ]
            boxes.append((min(x for x, _ in hits), min(y for _, y in hits)))
        (left, top), (right, _), (_, below), last = boxes
        assert left < right
        assert top < below
        assert last == (right, below)


def test_a_picture_draws_what_is_there_and_needs_one_image(tmp_path):
    script = [Moderated("No."), picture(), Moderated("No."), Moderated("No.")]
    with open_studio(FakeProvider(script, concurrency=1), store=tmp_path / "a.sqlite") as studio:
        grid = sweep_of(studio).result(WAIT)
        grid.image.save(tmp_path / "grid.png")
        next(one for one in grid.generations if one.width).path.unlink()
        assert grid.image.size
        with pytest.raises(Moderated):
            _ = grid[{"animal": "owl"}].image


def test_a_picture_does_not_wait_for_images():
    gate = Gate(picture())
    with open_studio(FakeProvider([gate, *(picture() for _ in range(3))], concurrency=1)) as studio:
        grid = sweep_of(studio)
        assert gate.reached.wait(WAIT)
        with pytest.raises(NotFound, match="There is no image yet"):
            _ = grid.image
        gate.open()
        grid.result(WAIT)

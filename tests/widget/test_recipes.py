"""Recipes as the page and code get them, and the code that makes a batch again."""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from imgplay_widget import __version__
from imgplay_widget.errors import BadRequest
from imgplay_widget.providers import Done, Inline
from imgplay_widget.testing import FakeProvider, picture, png
from tests.servers.foreign_files import GRAPH, PARAMETERS
from tests.servers.foreign_files import png as foreign_png

WAIT = 20


def made(page, prompt="a fox", **options):
    return page.studio.generate(prompt, **{"model": "fake:image", **options}).result(WAIT)


def replay(code):
    """Run code against a playground that only records, and return its calls."""
    calls = []

    def generate(*args, **options):
        calls.append((args, options))
        return "a batch"

    names = {"pg": SimpleNamespace(generate=generate)}
    exec(code, names)
    assert names["batch"] == "a batch"
    ((call),) = calls
    return call


def test_a_recipe_says_how_an_image_was_made(page):
    batch = made(page, n=2, seed=7)
    second = batch[1]
    recipe = page.result("recipe", generationId=second.id)["recipe"]
    assert (recipe["generationId"], recipe["batchId"]) == (second.id, batch.id)
    assert (recipe["prompt"], recipe["model"], recipe["provider"]) == ("a fox", "fake:image", "fake")
    assert (recipe["seed"], recipe["requested"]["seed"]) == (8, 8)
    assert "n" not in recipe["requested"]
    assert recipe["digest"] == hashlib.sha256(second.bytes).hexdigest()
    assert (recipe["bytes"], recipe["path"]) == (len(second.bytes), str(second.path))
    assert (recipe["width"], recipe["height"]) == (second.width, second.height)
    assert recipe["createdAt"] <= recipe["startedAt"] <= recipe["finishedAt"]
    assert (recipe["attempt"], recipe["version"]) == (1, __version__)


def test_code_reads_the_same_recipe(page):
    one = made(page, n=1, seed=7)[0]
    told = page.result("recipe", generationId=one.id)["recipe"]
    read = one.recipe
    assert read["generation_id"] == told["generationId"]
    assert read["requested"] == told["requested"]
    assert read["path"] == told["path"]
    assert read["created_at"].endswith("+00:00")


def test_a_recipe_tells_what_the_provider_changed(open_page):
    provider = FakeProvider(script=[picture(seed=9, parts=["a", 1])])
    with open_page(provider) as page:
        one = made(page, seed=7)[0]
        recipe = page.result("recipe", generationId=one.id)["recipe"]
    assert {"parameter": "seed", "requested": 7, "applied": 9} in recipe["differences"]
    assert recipe["requested"]["seed"] == 7
    # Values that a form could not hold arrive as text.
    assert recipe["applied"]["parts"] == '["a", 1]'


def found(page, data, purpose="recipe"):
    """Return what the page hears of a file that it uploads."""
    reply = page.upload(data, purpose=purpose)["result"]
    assert (reply["received"], reply["reference"] is None) == (len(data), purpose == "recipe")
    return reply["found"]


def test_an_image_that_was_made_here_is_known_by_its_bytes(page, tmp_path):
    batch = made(page, n=2, seed=7, references=[png(32, 32)])
    recipe = page.studio.recipe_of(batch[1].path)
    assert recipe == batch[1].recipe
    for data in (batch[1].bytes, batch[1].save(tmp_path / "renamed.png").read_bytes()):
        for purpose in ("recipe", "reference"):
            told = found(page, data, purpose)
            assert (told["here"], told["model"], told["prompt"]) == (True, "fake:image", "a fox")
            assert told["requested"] == recipe["requested"]
            assert [one["digest"] for one in told["references"]] == [
                one["digest"] for one in recipe["references"]
            ]
    page.studio.delete(batch)
    assert found(page, batch_bytes := (tmp_path / "renamed.png").read_bytes())["here"] is False
    assert page.studio.recipe_of(batch_bytes)["prompt"] == "a fox"
    assert found(page, png(3, 3)) is None
    assert found(page, b"no picture at all") is None


def test_a_file_that_only_shows_its_recipe_is_not_stored(page):
    folder = page.studio._core.archive.store.assets.root
    before = sorted(path for path in folder.rglob("*") if path.is_file())
    assert found(page, foreign_png(parameters=PARAMETERS))["tool"] == "AUTOMATIC1111"
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == before


def test_a_model_of_another_tool_is_found_by_its_name_and_takes_what_it_allows(page):
    said = "a fox\nSteps: 2000, Sampler: x, Seed: 7, Size: 128x64, Model: sub/Image.safetensors"
    told = found(page, foreign_png(parameters=said))
    # The size is in the steps of the model, and its parameters have no others of these.
    assert (told["model"], told["requested"]) == ("fake:image", {"seed": 7, "width": 128, "height": 64})
    told = found(page, foreign_png(parameters=PARAMETERS))
    assert (told["here"], told["model"], told["modelTitle"]) == (False, "sd_xl_base_1.0", "sd_xl_base_1.0")
    assert (told["requested"], told["width"], told["height"]) == ({}, 96, 64)
    assert told["workflow"] is None


def test_a_picture_of_comfyui_brings_its_workflow(page):
    told = found(page, foreign_png(prompt=json.dumps(GRAPH), workflow="{}"))
    assert (told["tool"], told["prompt"], told["model"]) == (
        "ComfyUI",
        "a red fox",
        "v1-5-pruned-emaonly.ckpt",
    )
    assert json.loads(told["workflow"]).keys() == GRAPH.keys()
    # A graph without a sampler is a workflow too.
    told = found(page, foreign_png(prompt='{"1": {"class_type": "EmptyImage", "inputs": {}}}'))
    assert (told["prompt"], told["tool"], bool(told["workflow"])) == (None, "ComfyUI", True)
    assert found(page, foreign_png(prompt="a red fox")) is None


def test_a_download_of_the_page_has_the_recipe_inside_and_the_large_view_has_not(page):
    one = made(page, seed=7)[0]
    reply, buffers = page.call("original", generationId=one.id)
    saved = bytes(buffers[reply["result"]["buffer"]])
    assert page.studio.recipe_of(saved) == one.recipe
    assert saved != one.bytes
    reply, buffers = page.call("view", generationId=one.id)
    assert bytes(buffers[reply["result"]["buffer"]]) == one.bytes


def test_a_recipe_of_nothing_is_refused(page):
    assert page.error("recipe", generationId="none")["code"] == "not_found"
    assert page.error("code", batchId="none")["code"] == "not_found"


@pytest.mark.parametrize(
    "prompt",
    [
        "a fox",
        'a "red" fox',
        "a fox's den",
        "both ' and \"",
        'ends in quotes"""',
        "a line\nand\r\nanother\ttab",
        "back\\slash \\n \\",
        '{braces} %s f"{x}"',
        '"); import os; os.abort() #',
        "狐狸 🦊 \u2028 \x85",
    ],
)
def test_the_code_of_a_batch_asks_for_the_same(page, prompt):
    batch = made(page, prompt, n=3, seed=11)
    (args, options) = replay(page.result("code", batchId=batch.id)["text"])
    assert args == (prompt,)
    assert {k: options.pop(k) for k in ("model", "n", "seed")} == {"model": "fake:image", "n": 3, "seed": 11}
    assert options == {k: v for k, v in batch.params.items() if k not in ("n", "seed")}
    assert batch.code == page.result("code", batchId=batch.id)["text"]


def test_the_code_holds_the_seed_that_was_drawn_and_makes_the_same_again(page):
    batch = made(page, n=2)
    (args, options) = replay(batch.code)
    again = page.studio.generate(*args, **options).result(WAIT)
    assert [g.seed for g in again] == [g.seed for g in batch]
    batch[0].delete()
    assert replay(batch.code)[1]["seed"] == options["seed"]


def test_the_code_names_the_inputs_by_their_place_in_the_store(page):
    batch = made(page, model="fake:image", references=[png(), png(32, 32)])
    (_, options) = replay(batch.code)
    assert len(options["references"]) == 2
    again = page.studio.generate("a fox", **options).result(WAIT)
    assert again._live.entry.batch.references == batch._live.entry.batch.references


def value_of(code):
    """Run code as a cell, and return the value of its last line."""
    *before, last = ast.parse(code).body
    names = {}
    exec(compile(ast.Module(before, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def test_the_code_of_an_image_opens_its_file(page):
    batch = made(page, n=2, seed=7)
    for one in batch:
        opened = value_of(page.result("code", batchId=batch.id, generationId=one.id)["text"])
        with opened:
            assert Path(opened.filename) == one.path
            assert opened.tobytes() == one.image.tobytes()
    # Without the image, the code still makes the batch.
    assert page.result("code", batchId=batch.id, generationId=None)["text"] == batch.code


def test_the_code_of_an_image_that_pillow_does_not_open_names_its_file(open_page):
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='64' height='48'></svg>"
    with open_page(FakeProvider(script=[Done(images=(Inline(data=svg),))])) as page:
        one = made(page)[0]
        shown = value_of(page.result("code", batchId=one.batch.id, generationId=one.id)["text"])
        assert (shown, shown.read_bytes()) == (one.path, svg)


def test_there_is_no_code_of_an_image_that_is_gone_or_never_came(open_page):
    with open_page(FakeProvider(script=[picture(), picture(), BadRequest("Not this one.")])) as page:
        gone, deleted = made(page)[0], made(page)[0]
        (failed,) = page.studio.generate("a fox", model="fake:image", n=1)
        ask = {"batchId": gone.batch.id}
        gone.path.unlink()
        error = page.error("code", generationId=gone.id, **ask)
        assert "is gone" in error["message"]
        deleted.delete()
        assert page.error("code", generationId=deleted.id, **ask)["code"] == "not_found"
        for other in (failed.id, "none"):
            assert page.error("code", generationId=other, **ask)["code"] == "not_found"

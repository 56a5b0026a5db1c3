"""Workflows that a user adds, from code and from the page."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from imgplay_widget import errors
from imgplay_widget.providers.comfyui import ComfyUI
from imgplay_widget.testing import FakeProvider, open_studio
from imgplay_widget.testing.server import Answer, ProviderServer, answer
from tests.providers.comfyui.drawings import GRAPHS, OBJECT_INFO, draw

GRAPH = GRAPHS["text to image"]()


class Server(ProviderServer):
    """A ComfyUI that knows its nodes."""

    def answer(self, received) -> Answer:
        kind = received.path.removeprefix("/object_info/")
        return answer({kind: OBJECT_INFO[kind]} if kind in OBJECT_INFO else {})


def test_a_file_of_the_editor_becomes_a_model(tmp_path: Path):
    file = tmp_path / "My poster.json"
    file.write_text(json.dumps(draw(GRAPH)))
    with Server() as server, open_studio(ComfyUI(server.origin, workflows=tmp_path / "kept")) as studio:
        name = studio.add_workflow(file)
        assert name == "comfyui:My poster"
        spec = studio._core.registry.find(name)[1]
        assert spec.parameter("steps").maximum == 10000
        assert json.loads((tmp_path / "kept" / "My poster.json").read_text()) == GRAPH
        # The same workflow is the same model, and another one of this name is a model of its own.
        assert studio.add_workflow(str(file)) == name
        assert studio.add_workflow(GRAPHS["flux"](), "My poster") == "comfyui:My poster 2"
        assert len(list((tmp_path / "kept").iterdir())) == 2


def test_a_picture_and_a_graph_need_no_server(tmp_path: Path):
    out, info = io.BytesIO(), PngInfo()
    info.add_text("prompt", json.dumps(GRAPH))
    Image.new("RGB", (4, 4)).save(out, "PNG", pnginfo=info)
    with open_studio(ComfyUI("http://127.0.0.1:9", workflows=tmp_path)) as studio:
        assert studio.add_workflow(out.getvalue(), "cat.png") == "comfyui:cat"
        assert studio.add_workflow({"prompt": GRAPHS["flux"](), "client_id": "x"}) == "comfyui:workflow"
        with pytest.raises(errors.ConnectFailed):
            studio.add_workflow(draw(GRAPH), "drawn")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cat.json", "workflow.json"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\\b\\flow.JSON", "flow"),
        ("default", "workflow"),
        ("  ..  ", "workflow"),
        ("海报 (v2).json", "海报 (v2)"),
        ("a:b|c?.json", "a-b-c"),
        ("x" * 300, "x" * 80),
    ],
)
def test_the_name_of_a_model_is_a_name_of_a_file(tmp_path: Path, name: str, kept: str):
    with open_studio(ComfyUI("http://127.0.0.1:9", workflows=tmp_path)) as studio:
        assert studio.add_workflow(GRAPH, name) == f"comfyui:{kept}"
    assert [path.name for path in tmp_path.iterdir()] == [f"{kept}.json"]


def test_what_is_no_workflow_is_refused_before_anything_is_kept(tmp_path: Path):
    provider = ComfyUI("http://127.0.0.1:9", workflows=tmp_path / "kept")
    with open_studio(provider, FakeProvider()) as studio:
        with pytest.raises(errors.BadRequest, match="not JSON"):
            studio.add_workflow(b"\x00\x01", "x")
        with pytest.raises(errors.InvalidRequest, match="cannot be read"):
            studio.add_workflow(tmp_path / "gone.json")
        for path in ("~nobody-of-this-name/flow.json", "flow\0.json"):
            with pytest.raises(errors.InvalidRequest) as refused:
                studio.add_workflow(path)
            assert refused.value.parameter == "workflow"
            with pytest.raises(errors.InvalidRequest) as refused:
                studio.recipe_of(path)
            assert refused.value.parameter == "image"
        with pytest.raises(errors.InvalidRequest, match="takes no workflows"):
            studio.add_workflow(GRAPH, "x", provider="fake")
        with pytest.raises(errors.InvalidRequest, match="bytes"):
            studio.add_workflow(b" " * (64 * 2**20 + 1), "x")
        assert not (tmp_path / "kept").exists()
        (tmp_path / "kept").write_text("a file in the place of the folder")
        with pytest.raises(errors.InvalidRequest, match="cannot be written"):
            studio.add_workflow(GRAPH, "x")


def test_a_page_adds_a_workflow_and_gets_the_model(tmp_path: Path, open_page):
    with Server() as server, open_page(ComfyUI(server.origin, workflows=tmp_path)) as page:
        result = page.result("add_workflow", name="poster.json", text=json.dumps(draw(GRAPH)))
        assert result["model"]["name"] == "comfyui:poster"
        assert "steps" in [one["name"] for one in result["model"]["parameters"]]
        told = page.error("add_workflow", name="poster.json", text="{}")
        assert "not a workflow" in told["message"]
        told = page.error("add_workflow", name="poster.json", text=" " * 2_000_001)
        assert told["code"] == "invalid_request"

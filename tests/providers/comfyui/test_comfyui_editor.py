"""Workflows in the format of ComfyUI's editor mean what the editor itself would send."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from imgplay_widget.providers.comfyui.editor import Lacking, NotConverted, classes, converted
from tests.providers.comfyui.drawings import (
    GRAPHS,
    OBJECT_INFO,
    WAYS,
    Drawn,
    Graph,
    added,
    draw,
    folded,
    found,
    linked,
    node,
    promoted,
    renamed,
)


def convert(drawn: Drawn) -> dict[str, Any]:
    before = copy.deepcopy(drawn)
    graph = converted(drawn, OBJECT_INFO)
    assert drawn == before
    return graph


# ------------------------------------------------------------------ flat drawings


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", GRAPHS)
def test_a_flat_drawing_is_its_graph(name: str, way: Callable[[Graph], Drawn]) -> None:
    drawn = way(GRAPHS[name]())
    assert convert(drawn) == GRAPHS[name]()
    assert classes(drawn) == {one["class_type"] for one in GRAPHS[name]().values()}


def test_a_title_of_the_user_is_kept() -> None:
    drawn = draw(GRAPHS["text to image"]())
    found(drawn, 6)["title"] = "What I want"
    assert convert(drawn)["6"]["_meta"] == {"title": "What I want"}


def test_a_muted_node_goes_with_what_hangs_on_it() -> None:
    graph = GRAPHS["controlled"]()
    drawn = draw(graph)
    found(drawn, 22)["mode"] = 2
    del graph["22"]
    del graph["23"]["inputs"]["image"]
    assert convert(drawn) == graph


def test_a_bypassed_node_passes_on_what_fits() -> None:
    graph = GRAPHS["with loras"]()
    drawn = draw(graph)
    found(drawn, 40)["mode"] = 4
    del graph["40"]
    graph["3"]["inputs"]["model"] = ["4", 0]
    graph["41"]["inputs"]["clip"] = ["4", 1]
    assert convert(drawn) == graph


def test_a_bypassed_node_that_makes_something_new_passes_on_nothing() -> None:
    graph = GRAPHS["image to image"]()
    drawn = draw(graph)
    # A VAE encoder has no latent to pass on.
    found(drawn, 5)["mode"] = 4
    del graph["5"]
    del graph["3"]["inputs"]["latent_image"]
    assert convert(drawn) == graph


def test_two_bypassed_nodes_behind_each_other() -> None:
    graph = GRAPHS["upscaled"]()
    drawn = draw(graph)
    for key in (31, 32):
        found(drawn, key)["mode"] = 4
        del graph[str(key)]
    graph["9"]["inputs"]["images"] = graph["33"]["inputs"]["images"] = ["8", 0]
    assert convert(drawn) == graph


def test_a_widget_that_hangs_on_a_muted_node_has_nothing() -> None:
    graph = GRAPHS["worded"]()
    drawn = draw(graph)
    found(drawn, 51)["mode"] = 2
    del graph["51"]
    del graph["6"]["inputs"]["text"]
    assert convert(drawn) == graph


def test_missing_values_are_those_of_a_new_node() -> None:
    graph = GRAPHS["text to image"]()
    drawn = draw(graph)
    found(drawn, 3)["widgets_values"] = [7, "fixed", 12]
    found(drawn, 5)["widgets_values"] = None
    found(drawn, 9)["widgets_values"] = []
    given = convert(drawn)
    assert given["3"]["inputs"] == {
        **graph["3"]["inputs"],
        "steps": 12,
        "cfg": 8.0,
        "sampler_name": "euler",
        "scheduler": "simple",
        "denoise": 1.0,
    }
    assert given["5"]["inputs"] == {"width": 512, "height": 512, "batch_size": 1}
    assert given["9"]["inputs"]["filename_prefix"] == "ComfyUI"


@pytest.mark.parametrize("control", ["fixed", "increment", "decrement", "randomize", True, False, None])
def test_every_control_after_generate_is_left_out(control: object) -> None:
    graph = GRAPHS["text to image"]()
    drawn = draw(graph)
    values = found(drawn, 3)["widgets_values"]
    values[1:2] = [] if control is None else [control]
    assert convert(drawn) == graph


def test_a_list_is_no_link() -> None:
    drawn = draw(GRAPHS["text to image"]())
    found(drawn, 4)["widgets_values"] = [["4", 0]]
    assert convert(drawn)["4"]["inputs"] == {"ckpt_name": {"__value__": ["4", 0]}}


def test_a_value_that_only_the_script_of_a_node_knows_is_kept() -> None:
    drawn = draw(GRAPHS["text to image"]())
    found(drawn, 9)["widgets_values"] = {"filename_prefix": "a", "crf": 19, "shown": {"a": 1}, "no name": 2}
    assert convert(drawn)["9"]["inputs"] == {"filename_prefix": "a", "crf": 19, "images": ["8", 0]}


def test_an_input_of_an_unknown_type_is_a_widget_if_the_node_says_so() -> None:
    info = copy.deepcopy(OBJECT_INFO)
    info["SaveImage"]["input"]["required"] |= {"points": ["POINT_EDITOR", {}], "socket": ["POINT_EDITOR", {}]}
    info["SaveImage"]["input_order"]["required"] += ["points", "socket"]
    drawn = draw(GRAPHS["text to image"]())
    saver = found(drawn, 9)
    saver["inputs"].append({"name": "points", "type": "POINT_EDITOR", "widget": {"name": "points"}})
    saver["widgets_values"].append("1,2")
    inputs = converted(drawn, info)["9"]["inputs"]
    assert inputs == {"images": ["8", 0], "filename_prefix": "ComfyUI", "points": "1,2"}


# ------------------------------------------------------------------ subgraphs

FOLDS = [
    ("text to image", (6, 7)),
    ("text to image", (3, 8)),
    ("image to image", (10, 11, 5)),
    ("two samplers", (10, 11)),
    ("flux", (22, 16, 17, 25, 13)),
    ("inpaint", (12, 13)),
    ("controlled", (20, 21, 22, 23)),
    ("upscaled", (30, 31, 32)),
    ("with loras", (40, 41)),
    ("joined", (3, 4)),
    ("worded", (50, 51, 52)),
]


@pytest.mark.parametrize(("name", "inside"), FOLDS)
def test_a_subgraph_is_its_nodes(name: str, inside: tuple[int, ...]) -> None:
    drawn = folded(draw(GRAPHS[name]()), inside)
    assert convert(drawn) == renamed(GRAPHS[name](), inside)


@pytest.mark.parametrize(("name", "inside"), FOLDS)
def test_a_subgraph_in_a_subgraph_is_its_nodes(name: str, inside: tuple[int, ...]) -> None:
    graph = GRAPHS[name]()
    inner = folded(draw(graph), inside)
    rest = [one["id"] for one in inner["nodes"] if one["id"] not in (9, 33)]
    drawn = folded(inner, rest, 200, "around")
    expected = renamed(renamed(graph, inside), [100], 200)
    own = {name: name if name in ("9", "33") else f"200:{name}" for name in expected}
    assert convert(drawn) == {
        own[name]: {
            **content,
            "inputs": {
                at: [own[value[0]], value[1]] if isinstance(value, list) else value
                for at, value in content["inputs"].items()
            },
        }
        for name, content in expected.items()
    }


def test_two_instances_of_a_subgraph_have_values_of_their_own() -> None:
    graph = GRAPHS["text to image"]()
    drawn = folded(draw(graph), (6,))
    promoted(drawn, 100, 6, "text", "prompt")
    first = found(drawn, 100)
    first["properties"] = {}
    first["widgets_values"] = ["a fox"]
    second = copy.deepcopy(first)
    second |= {"id": 101, "widgets_values": ["an owl"]}
    drawn["nodes"].append(second)
    given = convert(drawn)
    assert given["100:6"]["inputs"] == {"text": "a fox", "clip": ["4", 1]}
    assert given["101:6"]["inputs"] == {"text": "an owl", "clip": ["4", 1]}


def test_the_values_of_an_instance_go_before_those_inside() -> None:
    graph = GRAPHS["text to image"]()
    drawn = folded(draw(graph), (3, 5))
    promoted(drawn, 100, 3, "steps", "quality")
    promoted(drawn, 100, 5, "width", "wide")
    instance = found(drawn, 100)
    instance["properties"]["proxyWidgets"] = [
        ["-1", "quality"],
        ["3", "seed"],
        ["3", "control_after_generate"],
        ["-1", "wide"],
        ["5", "height"],
    ]
    instance["widgets_values"] = [33, None, "fixed", 640, 320]
    given = convert(drawn)
    assert given["100:3"]["inputs"]["steps"] == 33
    assert given["100:3"]["inputs"]["seed"] == 7
    assert given["100:5"]["inputs"] == {"width": 640, "height": 320, "batch_size": 1}


def test_an_instance_without_values_has_those_inside() -> None:
    graph = GRAPHS["text to image"]()
    drawn = folded(draw(graph), (3, 5))
    promoted(drawn, 100, 3, "steps", "quality")
    found(drawn, 100)["properties"]["proxyWidgets"] = [["-1", "quality"], ["3", "seed"]]
    assert convert(drawn) == renamed(graph, (3, 5))


def test_a_link_into_an_instance_goes_before_its_value() -> None:
    graph = GRAPHS["text to image"]()
    drawn = folded(draw(graph), (5,))
    at = promoted(drawn, 100, 5, "width", "wide")
    found(drawn, 100)["widgets_values"] = [999]
    number = added(drawn, "PrimitiveInt", widgets_values=[640, "fixed"], outputs=[{"type": "INT"}])
    linked(drawn, number["id"], 0, 100, at, "INT")
    assert convert(drawn)["100:5"]["inputs"]["width"] == [str(number["id"]), 0]


def test_an_outer_instance_gives_values_to_the_inner_one() -> None:
    graph = GRAPHS["text to image"]()
    inner = folded(draw(graph), (6,))
    promoted(inner, 100, 6, "text", "prompt")
    found(inner, 100)["properties"]["proxyWidgets"] = [["-1", "prompt"]]
    found(inner, 100)["widgets_values"] = ["a fox"]
    drawn = folded(inner, (100, 7), 200, "around")
    outer = found(drawn, 200)
    assert convert(drawn)["200:100:6"]["inputs"]["text"] == "a fox"
    outer["properties"]["proxyWidgets"] = [["100", "prompt"], ["7", "text"]]
    outer["widgets_values"] = ["an owl", "dull"]
    given = convert(drawn)
    assert given["200:100:6"]["inputs"]["text"] == "an owl"
    assert given["200:7"]["inputs"]["text"] == "dull"


def test_a_subgraph_that_only_passes_on_is_a_reroute() -> None:
    graph = GRAPHS["text to image"]()
    drawn = folded(draw(graph), (8,))
    definition = drawn["definitions"]["subgraphs"][0]
    # The image comes straight from an input now.
    definition["inputs"].append({"name": "through", "type": "IMAGE", "linkIds": [7000]})
    definition["links"] = [
        {"id": 7000, "origin_id": -10, "origin_slot": 2, "target_id": -20, "target_slot": 0, "type": "IMAGE"}
    ]
    definition["nodes"] = []
    found(drawn, 100)["inputs"].append({"name": "through", "type": "IMAGE", "link": None})
    picture = added(drawn, "LoadImage", widgets_values=["cat.png"], outputs=[{"type": "IMAGE"}])
    linked(drawn, picture["id"], 0, 100, 2, "IMAGE")
    assert convert(drawn)["9"]["inputs"]["images"] == [str(picture["id"]), 0]


@pytest.mark.parametrize("mode", [2, 4])
def test_an_instance_that_does_not_run_has_no_nodes(mode: int) -> None:
    graph = GRAPHS["with loras"]()
    drawn = folded(draw(graph), (40,))
    found(drawn, 100)["mode"] = mode
    given = convert(drawn)
    assert not [name for name in given if name.startswith("100")]
    assert given["3"]["inputs"].get("model") == (["4", 0] if mode == 4 else None)
    assert given["41"]["inputs"].get("clip") == (["4", 1] if mode == 4 else None)


# ------------------------------------------------------------------ what cannot be converted


def test_missing_nodes_are_named() -> None:
    drawn = draw(GRAPHS["text to image"]())
    found(drawn, 8)["type"] = "TiledDecode"
    with pytest.raises(Lacking, match=r"lacks a node of the workflow: TiledDecode \(node 8\)"):
        convert(drawn)
    assert "TiledDecode" in classes(drawn)


def test_a_value_that_does_not_fit_names_its_node_and_input() -> None:
    drawn = draw(GRAPHS["text to image"]())
    found(drawn, 3)["widgets_values"] = [7, "fixed", "euler", 20]
    with pytest.raises(NotConverted, match=r"Node 3 \(KSampler\).*'euler' cannot be its steps"):
        convert(drawn)


def test_a_group_of_an_older_editor_says_what_to_do() -> None:
    drawn = draw(GRAPHS["text to image"]())
    found(drawn, 3)["type"] = "workflow>My group"
    with pytest.raises(NotConverted, match=r"Node 3 \(My group\) is a group node.*subgraph"):
        convert(drawn)


def test_a_name_that_no_node_sets_is_named() -> None:
    drawn = draw(GRAPHS["text to image"]())
    got = added(drawn, "GetNode", widgets_values=["gone"], outputs=[{"type": "MODEL"}])
    linked(drawn, got["id"], 0, 3, 0, "MODEL")
    with pytest.raises(NotConverted, match=r"GetNode\) gets 'gone', which no node sets"):
        convert(drawn)


def test_a_loop_and_a_subgraph_in_itself_end() -> None:
    drawn = draw(GRAPHS["text to image"]())
    turn = added(drawn, "Reroute", inputs=[{"name": "", "type": "*"}], outputs=[{"type": "*"}])
    linked(drawn, turn["id"], 0, turn["id"], 0, "*")
    linked(drawn, turn["id"], 0, 3, 0, "MODEL")
    with pytest.raises(NotConverted, match="loop"):
        convert(drawn)
    itself = folded(draw(GRAPHS["text to image"]()), (6,))
    itself["definitions"]["subgraphs"][0]["nodes"].append({"id": 1, "type": "a-subgraph", "inputs": []})
    with pytest.raises(NotConverted, match="contains itself"):
        convert(itself)


def test_a_drawing_in_which_nothing_runs_says_so() -> None:
    with pytest.raises(NotConverted, match="No node"):
        convert({"nodes": [{"id": 1, "type": "Note", "widgets_values": ["x"]}], "links": []})


@pytest.mark.parametrize(
    "drawn",
    [
        {"nodes": [None, 7, "x"], "links": None},
        {"nodes": [{"id": 1}], "links": []},
        {"nodes": [{"id": None, "type": "SaveImage"}], "links": []},
        {"nodes": [{"id": 1, "type": ["SaveImage"]}], "links": []},
        {"nodes": [node("SaveImage")], "links": []},
    ],
)
def test_a_damaged_drawing_is_refused(drawn: Drawn) -> None:
    with pytest.raises(NotConverted):
        convert(drawn)


@pytest.mark.parametrize(
    "broken",
    [
        {"links": [None, [], [1], ["a", "b", "c", "d", "e"], {"id": 1}]},
        {"links": {}},
        {"definitions": {"subgraphs": [None, {}, {"id": 5}]}},
        {"definitions": []},
    ],
)
def test_damaged_links_and_definitions_do_no_harm(broken: Drawn) -> None:
    drawn = {**draw(GRAPHS["text to image"]()), **broken}
    assert set(convert(drawn)) == set(GRAPHS["text to image"]())

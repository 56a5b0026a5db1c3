"""Drawings as ComfyUI's editor saves them, made of graphs in API format: the way back from what is tested.

`OBJECT_INFO` has the inputs of well-known nodes of ComfyUI, in the order in which a server lists them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Graph = dict[str, dict[str, Any]]
Drawn = dict[str, Any]

OBJECT_INFO: dict[str, Any] = json.loads(
    Path(__file__).with_name("object_info.json").read_text(encoding="utf-8")
)

_WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    """Return a node of a graph, with the title that the editor gives it."""
    return {"class_type": kind, "inputs": inputs, "_meta": {"title": OBJECT_INFO[kind]["display_name"]}}


# ------------------------------------------------------------------ graphs

_SAMPLER = {"seed": 7, "steps": 20, "cfg": 8, "sampler_name": "euler", "scheduler": "normal", "denoise": 1}


def _sampler(**inputs: Any) -> dict[str, Any]:
    return node("KSampler", **_SAMPLER, **inputs)


def _text_to_image() -> Graph:
    return {
        "4": node("CheckpointLoaderSimple", ckpt_name="sd15.safetensors"),
        "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
        "6": node("CLIPTextEncode", text="a boat", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="blurry", clip=["4", 1]),
        "3": _sampler(model=["4", 0], positive=["6", 0], negative=["7", 0], latent_image=["5", 0]),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="ComfyUI"),
    }


def _image_to_image() -> Graph:
    graph = _text_to_image()
    graph["5"] = node("VAEEncode", pixels=["11", 0], vae=["4", 2])
    graph["10"] = node("LoadImage", image="example.png")
    graph["11"] = node(
        "ImageScale", image=["10", 0], upscale_method="lanczos", width=640, height=480, crop="center"
    )
    return graph


def _two_samplers() -> Graph:
    steps = {"steps": 25, "cfg": 7.5, "sampler_name": "dpmpp_2m", "scheduler": "karras"}
    text = {"width": 1024, "height": 1024, "crop_w": 0, "crop_h": 0, "target_width": 1024}
    both = {**text, "target_height": 1024, "text_g": "a boat", "text_l": "a boat"}
    return {
        "4": node("CheckpointLoaderSimple", ckpt_name="sdxl.safetensors"),
        "6": node("CLIPTextEncodeSDXL", clip=["4", 1], **both),
        "7": node("CLIPTextEncode", text="", clip=["4", 1]),
        "5": node("EmptyLatentImage", width=1024, height=1024, batch_size=2),
        "10": node(
            "KSamplerAdvanced",
            add_noise="enable",
            noise_seed=2**53 + 1,
            start_at_step=0,
            end_at_step=20,
            return_with_leftover_noise="enable",
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
            **steps,
        ),
        "11": node(
            "KSamplerAdvanced",
            add_noise="disable",
            noise_seed=0,
            start_at_step=20,
            end_at_step=10000,
            return_with_leftover_noise="disable",
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["10", 0],
            **steps,
        ),
        "8": node("VAEDecode", samples=["11", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="xl"),
    }


def _flux() -> Graph:
    return {
        "12": node("UNETLoader", unet_name="flux.safetensors", weight_dtype="default"),
        "11": node(
            "DualCLIPLoader",
            clip_name1="t5.safetensors",
            clip_name2="clip_l.safetensors",
            type="flux",
            device="default",
        ),
        "10": node("VAELoader", vae_name="ae.safetensors"),
        "6": node("CLIPTextEncode", text="a boat", clip=["11", 0]),
        "26": node("FluxGuidance", conditioning=["6", 0], guidance=3.5),
        "30": node(
            "ModelSamplingFlux", model=["12", 0], max_shift=1.15, base_shift=0.5, width=1024, height=1024
        ),
        "22": node("BasicGuider", model=["30", 0], conditioning=["26", 0]),
        "16": node("KSamplerSelect", sampler_name="euler"),
        "17": node("BasicScheduler", model=["30", 0], scheduler="simple", steps=20, denoise=1),
        "25": node("RandomNoise", noise_seed=219670278747233),
        "27": node("EmptySD3LatentImage", width=1024, height=1024, batch_size=1),
        "13": node(
            "SamplerCustomAdvanced",
            noise=["25", 0],
            guider=["22", 0],
            sampler=["16", 0],
            sigmas=["17", 0],
            latent_image=["27", 0],
        ),
        "8": node("VAEDecode", samples=["13", 0], vae=["10", 0]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="flux"),
    }


def _inpaint() -> Graph:
    graph = _text_to_image()
    graph["10"] = node("LoadImage", image="cat.png")
    graph["12"] = node("LoadImageMask", image="mask.png", channel="red")
    graph["13"] = node("GrowMask", mask=["12", 0], expand=6, tapered_corners=True)
    graph["5"] = node("VAEEncodeForInpaint", pixels=["10", 0], vae=["4", 2], mask=["13", 0], grow_mask_by=6)
    return graph


def _controlled() -> Graph:
    graph = _text_to_image()
    graph["20"] = node("ControlNetLoader", control_net_name="canny.safetensors")
    graph["21"] = node("LoadImage", image="example.png")
    graph["22"] = node("Canny", image=["21", 0], low_threshold=0.2, high_threshold=0.6)
    graph["23"] = node(
        "ControlNetApplyAdvanced",
        positive=["6", 0],
        negative=["7", 0],
        control_net=["20", 0],
        image=["22", 0],
        strength=0.8,
        start_percent=0,
        end_percent=0.9,
        vae=["4", 2],
    )
    graph["3"]["inputs"] |= {"positive": ["23", 0], "negative": ["23", 1]}
    return graph


def _upscaled() -> Graph:
    graph = _text_to_image()
    graph["30"] = node("UpscaleModelLoader", model_name="4x.pth")
    graph["31"] = node("ImageUpscaleWithModel", upscale_model=["30", 0], image=["8", 0])
    graph["32"] = node("ImageScaleBy", image=["31", 0], upscale_method="bicubic", scale_by=0.5)
    graph["33"] = node("PreviewImage", images=["32", 0])
    graph["9"]["inputs"]["images"] = ["32", 0]
    return graph


def _with_loras() -> Graph:
    graph = _text_to_image()
    lora = {"strength_model": 0.7, "strength_clip": 1}
    graph["40"] = node("LoraLoader", model=["4", 0], clip=["4", 1], lora_name="style.safetensors", **lora)
    graph["41"] = node("CLIPSetLastLayer", clip=["40", 1], stop_at_clip_layer=-2)
    graph["3"]["inputs"]["model"] = ["40", 0]
    for name in ("6", "7"):
        graph[name]["inputs"]["clip"] = ["41", 0]
    return graph


def _joined() -> Graph:
    return {
        "1": node("LoadImage", image="example.png"),
        "2": node("LoadImage", image="cat.png"),
        "3": node("BatchImagesNode", **{"images.image0": ["1", 0], "images.image1": ["2", 0]}),
        "4": node(
            "ResizeImageMaskNode",
            input=["3", 0],
            resize_type="scale dimensions",
            **{"resize_type.width": 640, "resize_type.height": 0, "resize_type.crop": "center"},
            scale_method="lanczos",
        ),
        "5": node(
            "ResizeImageMaskNode",
            input=["4", 0],
            resize_type="match size",
            **{"resize_type.match": ["2", 0], "resize_type.crop": "disabled"},
            scale_method="area",
        ),
        "6": node("SaveImage", images=["5", 0], filename_prefix="joined"),
    }


def _worded() -> Graph:
    graph = _text_to_image()
    graph["50"] = node("PrimitiveStringMultiline", value="a boat")
    graph["51"] = node("StringConcatenate", string_a=["50", 0], string_b="at dusk", delimiter=", ")
    graph["52"] = node("PrimitiveInt", value=640)
    graph["6"]["inputs"]["text"] = ["51", 0]
    graph["5"]["inputs"] |= {"width": ["52", 0], "height": ["52", 0]}
    return graph


GRAPHS: Mapping[str, Callable[[], Graph]] = {
    "text to image": _text_to_image,
    "image to image": _image_to_image,
    "two samplers": _two_samplers,
    "flux": _flux,
    "inpaint": _inpaint,
    "controlled": _controlled,
    "upscaled": _upscaled,
    "with loras": _with_loras,
    "joined": _joined,
    "worded": _worded,
}
"""Graphs in API format by name. Each call makes a new one."""


# ------------------------------------------------------------------ drawing


def inputs_of(kind: str, values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the inputs of a node in their order, those of the chosen options among them."""
    given = OBJECT_INFO[kind]
    found: list[tuple[str, Any]] = []
    for part in ("required", "optional"):
        for name in given["input_order"].get(part, ()):
            found += _unfolded(name, given["input"][part][name], values)
    return found


def _unfolded(name: str, said: list[Any], values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    if said[0] == "COMFY_AUTOGROW_V3":
        return [(key, ["IMAGE"]) for key in values if key.startswith(f"{name}.")]
    found = [(name, said)]
    if said[0] == "COMFY_DYNAMICCOMBO_V3":
        chosen = next(one for one in said[1]["options"] if one["key"] == values[name])
        for part in ("required", "optional"):
            for key, below in chosen["inputs"].get(part, {}).items():
                found += _unfolded(f"{name}.{key}", below, values)
    return found


def is_widget(said: list[Any]) -> bool:
    return isinstance(said[0], list) or said[0] in (*_WIDGETS, "COMFY_DYNAMICCOMBO_V3")


def default_of(said: list[Any]) -> Any:
    """Return a value that is not the one of the graph: what a linked widget has beside its link."""
    options = said[1] if len(said) > 1 else {}
    choices = said[0] if isinstance(said[0], list) else options.get("options", [""])
    return options.get("default", {"INT": 0, "FLOAT": 0, "BOOLEAN": False}.get(str(said[0]), choices[0]))


def draw(graph: Graph, *, slots: bool = True, buttons: bool = False) -> Drawn:
    """Return a graph as the editor saves it.

    Args:
        graph: the graph in API format.
        slots: True draws a slot for each widget, as newer editors do; False only for linked ones.
        buttons: True saves the value of the upload button, as older editors did.
    """
    nodes: list[dict[str, Any]] = []
    links: list[list[Any]] = []
    for order, (key, content) in enumerate(graph.items()):
        kind, values = content["class_type"], content["inputs"]
        entries: list[dict[str, Any]] = []
        saved: list[Any] = []
        for name, said in inputs_of(kind, values):
            value = values.get(name)
            linked = isinstance(value, list)
            type_ = "COMBO" if isinstance(said[0], list) else str(said[0])
            if linked or not is_widget(said) or slots:
                entry: dict[str, Any] = {"name": name, "type": type_, "link": None}
                if is_widget(said):
                    entry["widget"] = {"name": name}
                if linked:
                    links.append([len(links) + 1, int(value[0]), value[1], int(key), len(entries), type_])
                    entry["link"] = len(links)
                entries.append(entry)
            if is_widget(said):
                saved.append(default_of(said) if linked or name not in values else value)
                if (said[1:] and said[1].get("control_after_generate")) or name in ("seed", "noise_seed"):
                    saved.append("randomize")
        if buttons and kind.startswith("LoadImage"):
            # The button stands behind all inputs.
            saved.append("image")
        outputs = [{"name": one, "type": one, "links": []} for one in OBJECT_INFO[kind]["output"]]
        nodes.append(
            {
                "id": int(key),
                "type": kind,
                "pos": [0, 0],
                "order": order,
                "mode": 0,
                "inputs": entries,
                "outputs": outputs,
                "properties": {"Node name for S&R": kind},
                "widgets_values": saved,
            }
        )
    return {"nodes": nodes, "links": links, "groups": [], "extra": {}, "version": 0.4}


def found(drawn: Drawn, key: int) -> dict[str, Any]:
    """Return a node of a drawing."""
    return next(one for one in drawn["nodes"] if one["id"] == key)


def added(drawn: Drawn, kind: str, **more: Any) -> dict[str, Any]:
    """Add a node to a drawing, and return it."""
    key = max(one["id"] for one in drawn["nodes"]) + 1
    one = {"id": key, "type": kind, "mode": 0, "order": 99, "inputs": [], "outputs": [], **more}
    drawn["nodes"].append(one)
    return one


def linked(drawn: Drawn, origin: int, slot: int, target: int, at: int, kind: str) -> None:
    """Draw a link into an input, in the place of the one that is there."""
    key = max((row[0] for row in drawn["links"]), default=0) + 1
    drawn["links"].append([key, origin, slot, target, at, kind])
    found(drawn, target)["inputs"][at]["link"] = key


# ------------------------------------------------------------------ ways of drawing the same graph


def old(graph: Graph) -> Drawn:
    """As the first editors saved it: slots only for what is linked, and the values of buttons."""
    return draw(graph, slots=False, buttons=True)


def new(graph: Graph) -> Drawn:
    return draw(graph)


def tables(graph: Graph) -> Drawn:
    """As the schema of version 1 saves it: links are tables."""
    drawn = draw(graph)
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    drawn["links"] = [dict(zip(names, row, strict=True)) for row in drawn["links"]]
    return drawn


def noted(graph: Graph) -> Drawn:
    """With notes, and a muted and a bypassed node that nobody reads."""
    drawn = draw(graph)
    added(drawn, "Note", widgets_values=["a note"])
    added(drawn, "MarkdownNote", widgets_values=["# A note"])
    added(drawn, "PreviewImage", mode=2, widgets_values=[])
    added(drawn, "ANodeThatIsNotInstalled", mode=4, widgets_values=[1, 2])
    return drawn


def rerouted(graph: Graph) -> Drawn:
    """With two reroutes in each link."""
    drawn = draw(graph)
    for row in list(drawn["links"]):
        _, origin, slot, target, at, kind = row
        for _ in range(2):
            one = added(
                drawn,
                "Reroute",
                inputs=[{"name": "", "type": "*", "link": None}],
                outputs=[{"name": "", "type": kind, "links": []}],
                properties={"showOutputText": False},
            )
            linked(drawn, origin, slot, one["id"], 0, kind)
            origin, slot = one["id"], 0
        linked(drawn, origin, slot, target, at, kind)
    return drawn


def primitives(graph: Graph) -> Drawn:
    """With a primitive in the place of each number, and another value beside it."""
    drawn = draw(graph)
    for one in list(drawn["nodes"]):
        values = graph[str(one["id"])]["inputs"]
        for at, entry in enumerate(one["inputs"]):
            value = values.get(entry["name"])
            if "widget" in entry and isinstance(value, (int, float)) and not isinstance(value, bool):
                said = [value, "fixed"]
                primitive = added(drawn, "PrimitiveNode", widgets_values=said, outputs=[{"type": "INT"}])
                linked(drawn, primitive["id"], 0, one["id"], at, entry["type"])
                index = one["widgets_values"].index(value)
                one["widgets_values"][index] = 63 if isinstance(value, int) else 0.63
    return drawn


def bypassed(graph: Graph) -> Drawn:
    """With a bypassed node in each link of an image or a model."""
    drawn = draw(graph)
    for row in list(drawn["links"]):
        _, origin, slot, target, at, kind = row
        if kind not in ("IMAGE", "MODEL"):
            continue
        one = added(
            drawn,
            "ANodeThatIsNotInstalled",
            mode=4,
            inputs=[{"name": "mask", "type": "MASK", "link": None}, {"name": "in", "type": kind}],
            outputs=[{"name": "out", "type": kind, "links": []}],
            widgets_values=[0.5],
        )
        linked(drawn, origin, slot, one["id"], 1, kind)
        linked(drawn, one["id"], 0, target, at, kind)
    return drawn


def named(graph: Graph) -> Drawn:
    """With the values of the widgets by name, as some nodes save them."""
    drawn = draw(graph)
    for one in drawn["nodes"]:
        values = graph[str(one["id"])]["inputs"]
        one["widgets_values"] = {
            name: values[name] if name in values and not isinstance(values[name], list) else default_of(said)
            for name, said in inputs_of(one["type"], values)
            if is_widget(said)
        }
    return drawn


def set_and_got(graph: Graph) -> Drawn:
    """With a pair of nodes that set and get a name in each link of a model, a VAE or a CLIP."""
    drawn = draw(graph)
    for row in list(drawn["links"]):
        _, origin, slot, target, at, kind = row
        if kind in ("MODEL", "VAE", "CLIP"):
            name = f"{kind}_{target}_{at}"
            one = added(
                drawn, "SetNode", inputs=[{"name": kind, "type": kind, "link": None}], widgets_values=[name]
            )
            other = added(drawn, "GetNode", outputs=[{"type": kind}], widgets_values=[name])
            linked(drawn, origin, slot, one["id"], 0, kind)
            linked(drawn, other["id"], 0, target, at, kind)
    return drawn


WAYS: Sequence[Callable[[Graph], Drawn]] = (
    old,
    new,
    tables,
    noted,
    rerouted,
    primitives,
    bypassed,
    named,
    set_and_got,
)
"""The ways of drawing a graph. All of them mean the same graph."""


# ------------------------------------------------------------------ subgraphs


def folded(drawn: Drawn, inside: Sequence[int], key: int = 100, kind: str = "a-subgraph") -> Drawn:
    """Return a drawing in which some nodes are in a subgraph, with an instance of it in their place.

    Args:
        drawn: the drawing.
        inside: the ids of the nodes.
        key: the id of the instance.
        kind: the id of the definition.
    """
    drawn = copy.deepcopy(drawn)
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    own: list[dict[str, Any]] = []
    kept: list[list[Any]] = []
    inputs: list[dict[str, Any]] = []
    outputs: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    ports: dict[tuple[int, int], int] = {}
    for row in drawn["links"]:
        link, origin, slot, target, at, type_ = row
        if origin in inside and target in inside:
            own.append(dict(zip(names, row, strict=True)))
        elif target in inside:
            name = f"in_{len(inputs)}"
            inner = [link + 1000, -10, len(inputs), target, at, type_]
            own.append(dict(zip(names, inner, strict=True)))
            found(drawn, target)["inputs"][at]["link"] = inner[0]
            kept.append([link, origin, slot, key, len(entries), type_])
            inputs.append({"id": name, "name": name, "type": type_, "linkIds": [inner[0]]})
            entries.append({"name": name, "type": type_, "link": link})
        elif origin in inside:
            if (origin, slot) not in ports:
                ports[origin, slot] = len(outputs)
                inner = [link + 2000, origin, slot, -20, len(outputs), type_]
                own.append(dict(zip(names, inner, strict=True)))
                outputs.append({"id": str(len(outputs)), "name": "out", "type": type_, "linkIds": [inner[0]]})
            kept.append([link, key, ports[origin, slot], target, at, type_])
        else:
            kept.append(row)
    definition = {
        "id": kind,
        "name": "A subgraph",
        "inputNode": {"id": -10},
        "outputNode": {"id": -20},
        "inputs": inputs,
        "outputs": outputs,
        "nodes": [one for one in drawn["nodes"] if one["id"] in inside],
        "links": own,
    }
    instance = {
        "id": key,
        "type": kind,
        "mode": 0,
        "order": 50,
        "inputs": entries,
        "outputs": [{"name": "out", "type": one["type"], "links": []} for one in outputs],
        "properties": {"proxyWidgets": []},
        "widgets_values": [],
    }
    others = [one for one in drawn["nodes"] if one["id"] not in inside]
    before = drawn.get("definitions", {}).get("subgraphs", [])
    drawn |= {
        "nodes": [*others, instance],
        "links": kept,
        "definitions": {"subgraphs": [*before, definition]},
    }
    return drawn


def renamed(graph: Graph, inside: Sequence[int], key: int = 100) -> Graph:
    """Return the graph that a folded drawing means: the ids of the nodes inside begin with the instance's."""
    ids = {str(one): f"{key}:{one}" for one in inside}
    return {
        ids.get(name, name): {
            **content,
            "inputs": {
                at: [ids.get(value[0], value[0]), value[1]] if isinstance(value, list) else value
                for at, value in content["inputs"].items()
            },
        }
        for name, content in graph.items()
    }


def promoted(drawn: Drawn, key: int, inner: int, widget: str, name: str) -> int:
    """Let an instance show the widget of an inner node as an input, and return the number of the input."""
    instance = found(drawn, key)
    definition = next(one for one in drawn["definitions"]["subgraphs"] if one["id"] == instance["type"])
    node_ = next(one for one in definition["nodes"] if one["id"] == inner)
    at = next(at for at, entry in enumerate(node_["inputs"]) if entry["name"] == widget)
    entry = node_["inputs"][at]
    entry["link"] = 3000 + len(definition["links"])
    slot = len(definition["inputs"])
    definition["links"].append(
        {
            "id": entry["link"],
            "origin_id": -10,
            "origin_slot": slot,
            "target_id": inner,
            "target_slot": at,
            "type": entry["type"],
        }
    )
    definition["inputs"].append({"name": name, "type": entry["type"], "linkIds": [entry["link"]]})
    instance["inputs"].append({"name": name, "type": entry["type"], "link": None, "widget": {"name": name}})
    return len(instance["inputs"]) - 1

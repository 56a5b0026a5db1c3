"""ComfyUI's workflows as models: which inputs are parameters, and how values get in. No I/O.

A workflow in API format is a table of nodes, ``{"3": {"class_type": "KSampler", "inputs": {…}}}``. An input
is a value, or a link to another node's output, ``["4", 0]``. Values become parameters. The prompt goes to the
text that a sampler reads, or to every text that says ``{prompt}``. Further texts are parameters with the
titles of their nodes.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget._types import ModelSpec, Parameter, ReferenceRule, Unit
from imgplay_widget.providers._shared.answers import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Workflow", "plain_graph"]

PLACEHOLDER = "{prompt}"
"""The mark for the prompt in a text of a workflow."""

MAX_SEED = 2**53 - 1
"""ComfyUI takes 64 bits, but the numbers of JavaScript on the page are exact to 53 bits only."""

_SEEDS = ("seed", "noise_seed")
_TEXTS = ("text", "prompt", "text_g", "text_l", "clip_l", "t5xxl")
_STRINGS = ("value", "string", "string_a", "string_b")
"""The texts of nodes that only hold or join texts, whose class has "String" in its name."""
_OWN = ("filename_prefix", "batch_size", "control_after_generate", "upload")
"""Inputs that do not become parameters: names of files, and numbers that the plan decides."""
_WORDS = {"sampler_name": "sampler", "ckpt_name": "checkpoint", "denoise": "strength"}
_FLOATS = re.compile("cfg|denoise|guidance|strength|weight|shift")
"""Inputs that take fractions, even if a file holds a whole number."""
_TITLES = {"cfg": "Guidance", "negative_prompt": "Negative prompt", "lora_name": "LoRA", "vae_name": "VAE"}
_FRONT = ("width", "height", "steps", "cfg", "checkpoint", "strength", "guidance", "sampler", "scheduler")
"""Parameters that are shown unfolded, in their order; the others are folded away."""

NodeInput = tuple[str, str]
"""A node's id and the name of one of its inputs."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow that was read.

    Attributes:
        graph: the nodes by id.
        prompts: where the prompt goes.
        seeds: where the seed goes.
        pictures: where input images go, in order.
        values: where each parameter goes, by the parameter's name.
    """

    graph: Mapping[str, Mapping[str, Any]]
    prompts: tuple[NodeInput, ...] = ()
    seeds: tuple[NodeInput, ...] = ()
    pictures: tuple[NodeInput, ...] = ()
    values: Mapping[str, tuple[NodeInput, ...]] = field(default_factory=dict[str, tuple[NodeInput, ...]])

    @classmethod
    def of(cls, graph: Mapping[str, Mapping[str, Any]]) -> Workflow:
        """Find the inputs of a graph that a request fills."""
        prompts = _marked(graph) or _alike(graph, _followed(graph, "positive")) or _first_text(graph)
        negative = _alike(graph, [at for at in _followed(graph, "negative") if at not in prompts])
        seeds = tuple(at for at, value in _values(graph) if at[1] in _SEEDS and _is_int(value))
        pictures = tuple(
            at
            for at, _ in _values(graph)
            if at[1] == "image" and _class(graph, at[0]).startswith("LoadImage")
        )
        taken = {*prompts, *seeds, *pictures, *negative}
        values: dict[str, tuple[NodeInput, ...]] = {"negative_prompt": negative} if negative else {}
        for at, _ in _values(graph):
            if at not in taken and at[1] not in _OWN:
                values = _added(values, graph, at)
        return cls(graph, prompts, seeds, pictures, values)

    @property
    def classes(self) -> set[str]:
        """The classes of the nodes."""
        return {_class(self.graph, node) for node in self.graph}

    def spec(self, provider: str, id: str, known: Mapping[str, Any] | None = None) -> ModelSpec:
        """Return the workflow as a model.

        Args:
            provider: the provider's name.
            id: the model's own name.
            known: the choices and limits of the server's nodes (``/object_info``).
        """
        parameters = [self._parameter(name, inputs[0], known or {}) for name, inputs in self.values.items()]
        order = {name: i for i, name in enumerate(_FRONT)}
        parameters.sort(key=lambda p: (p.advanced, order.get(p.name, len(order))))
        if self.seeds:
            parameters.append(_SEED)
        count = len(self.pictures)
        return ModelSpec(
            provider=provider,
            id=id,
            title=id,
            description="A workflow of ComfyUI.",
            parameters=tuple(parameters),
            seed="exact" if self.seeds else "none",
            references=ReferenceRule(max_count=count, max_bytes=100_000_000) if count else None,
            cancel="full",
            resume=True,
            deadline=1800.0,
            notice="" if self.prompts else "This workflow has no input for a prompt: it ignores the words.",
        )

    def filled(self, unit: Unit, pictures: Sequence[str] = ()) -> dict[str, Any]:
        """Return the graph with the values of a call.

        Args:
            unit: the call.
            pictures: the server's names of the input images; inputs without a name stay as they are.
        """
        graph = cast("dict[str, Any]", copy.deepcopy({**self.graph}))
        for node, name in self.prompts:
            text = graph[node]["inputs"][name]
            graph[node]["inputs"][name] = (
                text.replace(PLACEHOLDER, unit.prompt) if PLACEHOLDER in text else unit.prompt
            )
        for node, name in self.seeds if unit.seed is not None else ():
            graph[node]["inputs"][name] = unit.seed
        for key, value in unit.params.items():
            for node, name in self.values.get(key, ()):
                graph[node]["inputs"][name] = value
        for (node, name), picture in zip(self.pictures, pictures, strict=False):
            graph[node]["inputs"][name] = picture
        for node in graph.values():
            if _is_int(node["inputs"].get("batch_size")):
                # Each image is a call with a seed of its own.
                node["inputs"]["batch_size"] = 1
        return graph

    def _parameter(self, name: str, at: NodeInput, known: Mapping[str, Any]) -> Parameter:
        node, key = at
        value = self.graph[node]["inputs"][key]
        where = _title(self.graph, node)
        edge = name in ("width", "height") and _is_int(value) and value % 8 == 0
        text = self._is_text(at)
        plain = Parameter(
            name=name,
            type="number" if _is_int(value) and _FLOATS.search(key) else _type(value),
            kind=name if name in ("width", "height") else None,
            title=self._titled(name, at),
            minimum=16 if edge else None,
            maximum=16384 if edge else None,
            step=8 if edge else None,
            help=f"{key} of node {node} ({where}).",
            default=value,
            advanced=name not in _FRONT and not text,
        )
        return _limited(plain, known, _class(self.graph, node), key)

    def _titled(self, name: str, at: NodeInput) -> str:
        """Return the title of a parameter. A text has that of its node, which says what the text is for."""
        node, key = at
        where = _title(self.graph, node)
        if self._is_text(at) and name != "negative_prompt":
            same = [one[0] for one in self.values.values() if self._is_text(one[0])]
            twice = [other for other in same if _title(self.graph, other[0]) == where]
            if len({other[0] for other in twice}) > 1:
                where = f"{where} ({node})"
            several = sum(other[0] == node for other in twice) > 1
            return f"{where}: {key}" if several else where
        said = name if name in (*_FRONT, "negative_prompt") else key
        title = _TITLES.get(said, said.replace("_", " ").capitalize())
        # Two nodes of a kind have the same inputs.
        return title if name in (key, _WORDS.get(key, key), "negative_prompt") else f"{title} ({where})"

    def _is_text(self, at: NodeInput) -> bool:
        node, key = at
        named = key in _TEXTS or (key in _STRINGS and "String" in _class(self.graph, node))
        return named and isinstance(self.graph[node]["inputs"][key], str)


_SEED = Parameter(
    name="seed",
    type="integer",
    kind="seed",
    title="Seed",
    help="The same seed gives the same image again.",
    minimum=0,
    maximum=MAX_SEED,
    step=1,
)


def _added(
    values: dict[str, tuple[NodeInput, ...]], graph: Mapping[str, Mapping[str, Any]], at: NodeInput
) -> dict[str, tuple[NodeInput, ...]]:
    """Add an input to the parameters: all latents share one size, other names are made unique."""
    node, key = at
    name = _WORDS.get(key, key)
    if key in ("width", "height") and key in values:
        first = values[key][0]
        if graph[first[0]]["inputs"][key] == graph[node]["inputs"][key]:
            return {**values, key: (*values[key], at)}
    name = re.sub(r"\W", "_", name)
    if name in values or not name.isidentifier():
        # The id of a node in a subgraph has colons.
        name = re.sub(r"\W", "_", f"{name}_{node}")
    return {**values, name: (at,)}


def _alike(graph: Mapping[str, Mapping[str, Any]], texts: Sequence[NodeInput]) -> tuple[NodeInput, ...]:
    """Return the texts of the first node, and all that are the same: a second sampler often reads a copy."""
    if not texts:
        return ()
    first = [at for at in texts if at[0] == texts[0][0]]
    said = {graph[node]["inputs"][name] for node, name in first}
    return tuple(at for at in texts if at in first or graph[at[0]]["inputs"][at[1]] in said)


def _title(graph: Mapping[str, Mapping[str, Any]], node: str) -> str:
    """Return the title that the user gave to a node, or its class."""
    return str(table(graph[node].get("_meta")).get("title") or _class(graph, node))


def _values(graph: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[NodeInput, Any]]:
    """Return all inputs that are values."""
    for node, content in graph.items():
        for name, value in content["inputs"].items():
            if isinstance(value, (str, int, float, bool)):
                yield (node, name), value


def _marked(graph: Mapping[str, Mapping[str, Any]]) -> tuple[NodeInput, ...]:
    return tuple(at for at, value in _values(graph) if isinstance(value, str) and PLACEHOLDER in value)


def _followed(graph: Mapping[str, Mapping[str, Any]], side: str) -> tuple[NodeInput, ...]:
    """Return the texts that the samplers read for one side of their conditioning."""
    found: dict[NodeInput, None] = {}
    for content in graph.values():
        start = content["inputs"].get(side)
        if "Sampler" in str(content["class_type"]) or "Guider" in str(content["class_type"]):
            found |= dict.fromkeys(_upstream(graph, start, side, set()))
    return tuple(found)


def _upstream(
    graph: Mapping[str, Mapping[str, Any]], link: Any, side: str, seen: set[str]
) -> list[NodeInput]:
    """Return the texts of the nearest node that has some, against the direction of the links."""
    node = str(cast("list[Any]", link)[0]) if isinstance(link, list) and link else ""
    if node not in graph or node in seen:
        return []
    seen.add(node)
    inputs: Mapping[str, Any] = graph[node]["inputs"]
    texts = [(node, name) for name in _TEXTS if isinstance(inputs.get(name), str)]
    if not texts and "String" in _class(graph, node):
        # Of a node that joins texts, the first one is the prompt.
        texts = [(node, name) for name in _STRINGS if isinstance(inputs.get(name), str)][:1]
    if texts:
        return texts
    # A node that passes both sides on has the names of the sides.
    names = [side] if side in inputs else [name for name in inputs if name not in ("positive", "negative")]
    return [at for name in names for at in _upstream(graph, inputs[name], side, seen)]


def _first_text(graph: Mapping[str, Mapping[str, Any]]) -> tuple[NodeInput, ...]:
    """Return the texts of the first node that encodes some."""
    for node, content in graph.items():
        if "TextEncode" in str(content["class_type"]):
            inputs = [(node, name) for name in _TEXTS if isinstance(content["inputs"].get(name), str)]
            if inputs:
                return tuple(inputs)
    return ()


def _limited(parameter: Parameter, known: Mapping[str, Any], kind: str, key: str) -> Parameter:
    """Return the parameter with the choices and limits of its node at the server."""
    inputs = table(table(known.get(kind)).get("input"))
    said: Any = table(inputs.get("required")).get(key, table(inputs.get("optional")).get(key))
    if not isinstance(said, list) or not said:
        return parameter
    said = cast("list[Any]", said)
    limits = table(said[1]) if len(said) > 1 else {}
    combo: Any = limits.get("options") if said[0] == "COMBO" else said[0]
    if isinstance(combo, list) and parameter.type == "string":
        choices = tuple(str(choice) for choice in cast("list[Any]", combo))
        if parameter.default in choices:
            return replace(parameter, choices=choices)
        return parameter
    if parameter.type == "boolean" or parameter.type == "string":
        return parameter
    return _merged(replace(parameter, type="number" if said[0] == "FLOAT" else "integer"), limits)


def _merged(parameter: Parameter, limits: Mapping[str, Any]) -> Parameter:
    """Return a number with the limits that its node states in the place of those that were assumed."""
    low, high, step = (_number(limits.get(name)) for name in ("min", "max", "step"))
    low = parameter.minimum if low is None else low
    high = parameter.maximum if high is None else high
    step = parameter.step if step is None else step
    value = parameter.default
    # The workflow's own value stays possible, whatever the node says.
    low = low if low is None else min(low, value)
    high = high if high is None else max(high, value)
    if step is not None and not (step > 0 and _on(step, low or 0) and _on(step, value - (low or 0))):
        step = None
    return replace(parameter, minimum=low, maximum=high, step=step)


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _on(step: float, value: float) -> bool:
    return abs(value / step - round(value / step)) < 1e-6


def _class(graph: Mapping[str, Mapping[str, Any]], node: str) -> str:
    return str(graph[node]["class_type"])


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _type(value: Any) -> Any:
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "integer" if isinstance(value, int) else "number"


def plain_graph(checkpoint: str, *, edits: bool) -> dict[str, Any]:
    """Return the graph of a plain workflow, from a prompt to an image.

    Args:
        checkpoint: the file name that the server knows.
        edits: True for the graph that begins with an input image.
    """
    empty = {"class_type": "EmptyLatentImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 1}}
    graph: dict[str, Any] = {
        "loader": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": checkpoint}},
        "positive": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["loader", 1]}},
        "negative": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["loader", 1]}},
        "latent": empty,
        "sampler": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["loader", 0],
                "positive": ["positive", 0],
                "negative": ["negative", 0],
                "latent_image": ["latent", 0],
                "seed": 0,
                "steps": 20,
                "cfg": 7.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 0.75 if edits else 1.0,
            },
        },
        "decoder": {"class_type": "VAEDecode", "inputs": {"samples": ["sampler", 0], "vae": ["loader", 2]}},
        "saver": {
            "class_type": "SaveImage",
            "inputs": {"images": ["decoder", 0], "filename_prefix": "imgplay"},
        },
    }
    if edits:
        scaled = {"image": ["picture", 0], "upscale_method": "lanczos", "crop": "center"}
        graph |= {
            "picture": {"class_type": "LoadImage", "inputs": {"image": ""}},
            "scaled": {"class_type": "ImageScale", "inputs": {**scaled, "width": 1024, "height": 1024}},
            "latent": {"class_type": "VAEEncode", "inputs": {"pixels": ["scaled", 0], "vae": ["loader", 2]}},
        }
    return graph

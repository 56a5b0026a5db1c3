"""The graph of ComfyUI that made an image: from the sampler to the words, seed, model and size."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget._rules.embedded.values import json_of, number, parameters_of, table, text, whole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = ["read"]

MOST_NODES = 5000
"""The most nodes of a graph that are looked at. The largest workflows have a few hundred."""

_TEXTS = ("text", "prompt", "text_g", "t5xxl", "clip_l", "text_l", "positive", "value", "string", "string_a")
"""The inputs in which nodes have the words, the likeliest first."""

_MODELS = ("ckpt_name", "unet_name", "model_name", "model")


def read(texts: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the fields of a `FileRecipe`, or None where there is no graph with a sampler."""
    said = json_of(texts.get("prompt"))
    graph = {name: table(table(node).get("inputs")) for name, node in (said or {}).items() if table(node)}
    if said is None or not graph or len(graph) > MOST_NODES:
        return None
    classes = {name: text(table(said[name]).get("class_type")) or "" for name in graph}
    flow = _Flow(graph, classes)
    sampler = flow.sampler()
    return None if sampler is None else flow.fields(sampler)


class _Flow:
    """A graph: the inputs of each node, and its class."""

    def __init__(self, graph: Mapping[str, Mapping[str, Any]], classes: Mapping[str, str]) -> None:
        self._graph = graph
        self._classes = classes

    def sampler(self) -> str | None:
        """Return the sampler next to an output, else the first one."""
        outputs = [node for node, kind in self._classes.items() if "Save" in kind or "Preview" in kind]
        for start in outputs or list(self._graph):
            for node in self._upstream(start):
                inputs = self._graph[node]
                if (
                    "positive" in inputs and ("seed" in inputs or "noise_seed" in inputs)
                ) or "guider" in inputs:
                    return node
        # Nodes of services that draw have the words and the seed themselves.
        return next((node for node, inputs in self._graph.items() if _is_drawer(inputs)), None)

    def fields(self, node: str) -> dict[str, Any]:
        inputs = self._graph[node]
        guider = self._graph.get(_link(inputs.get("guider")) or "", {})
        sides = {**guider, **inputs}
        positive = sides.get("positive", sides.get("conditioning"))
        prompt = self._words(positive, "positive") if _link(positive) else text(sides.get("prompt"))
        size = self._first(inputs.get("latent_image", inputs.get("latent")), ("width", "height"))
        return {
            "tool": "ComfyUI",
            "prompt": prompt or "",
            "negative_prompt": self._words(sides.get("negative"), "negative") or "",
            "model": text(self._value(sides.get("model"), _MODELS)),
            "seed": whole(
                self._value(sides.get("seed", sides.get("noise_seed", sides.get("noise"))), _SEEDS)
            ),
            "width": whole(size.get("width", sides.get("width"))),
            "height": whole(size.get("height", sides.get("height"))),
            "steps": whole(self._value(sides.get("steps", sides.get("sigmas")), ("steps", "value"))),
            "cfg": number(self._value(sides.get("cfg"), ("cfg", "value"))),
            "sampler": text(self._value(sides.get("sampler_name", sides.get("sampler")), ("sampler_name",))),
            "parameters": self._rest(sides),
        }

    def _rest(self, sides: Mapping[str, Any]) -> dict[str, str]:
        plain = {name: value for name, value in sides.items() if not isinstance(value, list | dict)}
        named = ("seed", "noise_seed", "steps", "cfg", "sampler_name", "width", "height", "prompt", "model")
        guidance = self._value(sides.get("positive", sides.get("conditioning")), ("guidance",))
        more = {} if guidance is None else {"guidance": guidance}
        return parameters_of(plain | more, without=named)

    def _words(self, link: Any, side: str) -> str | None:
        """Return the words of a side of the sampler: those of the nearest node that has some."""
        for node in self._upstream(_link(link), side):
            inputs = self._graph[node]
            for name in _TEXTS:
                value = inputs.get(name)
                if isinstance(value, str):
                    return value
        return None

    def _value(self, said: Any, names: Collection[str]) -> Any:
        """Return a value of a node, or what the nearest node before it has under one of some names."""
        if not isinstance(said, list):
            return said if isinstance(said, str | int | float) else None
        found = self._first(cast("list[Any]", said), names)
        return next((found[name] for name in names if name in found), None)

    def _first(self, link: Any, names: Collection[str]) -> Mapping[str, Any]:
        """Return the inputs of the nearest node that has values under some names."""
        for node in self._upstream(_link(link)):
            inputs = self._graph[node]
            found = {name: inputs[name] for name in names if isinstance(inputs.get(name), str | int | float)}
            if found:
                return found
        return {}

    def _upstream(self, start: str | None, side: str = "") -> Iterator[str]:
        """Yield a node and all before it, the nearest first and each once, however the graph is linked."""
        waiting = deque([start] if start in self._graph else [])
        seen = set(waiting)
        while waiting:
            node = waiting.popleft()
            assert node is not None
            yield node
            inputs = self._graph[node]
            # A node that passes both sides on has the names of the sides.
            names = [side] if side in inputs else inputs
            for name in names:
                if side and name != side and name in ("positive", "negative"):
                    continue
                before = _link(inputs[name])
                if before in self._graph and before not in seen:
                    seen.add(before)
                    waiting.append(before)


_SEEDS = ("noise_seed", "seed", "value")


def _is_drawer(inputs: Mapping[str, Any]) -> bool:
    return isinstance(inputs.get("prompt"), str) and "seed" in inputs


def _link(value: Any) -> str | None:
    """Return the node that a link names, or None where the value is not a link."""
    if isinstance(value, list) and value and isinstance(value[0], str | int):
        return str(cast("list[Any]", value)[0])
    return None

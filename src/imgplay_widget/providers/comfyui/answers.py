"""Read ComfyUI's answers: places in the queue, files, choices and refusals. No I/O."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imgplay_widget.providers._shared.answers import rows, table, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._types import ModelSpec

__all__ = ["files_of", "options", "position_of", "title", "with_choices", "words_of"]


def words_of(body: Mapping[str, Any]) -> str:
    """Return the words of a refusal, with the node and the input that are wrong."""
    error = body.get("error")
    said = table(error)
    parts = [
        error
        if isinstance(error, str)
        else " ".join(filter(None, map(text, (said.get("message"), said.get("details")))))
    ]
    for node in table(body.get("node_errors")).values():
        for item in map(table, rows(table(node).get("errors"))):
            kind, details = text(table(node).get("class_type")), text(item.get("details"))
            parts.append(f"{kind}: {text(item.get('message'))} {details}".strip())
    return "; ".join(filter(None, parts))


def position_of(job: str, queue: Mapping[str, Any]) -> int | None:
    """Return how many jobs are before this one: 0 while it runs, None if it is not in the queue."""
    running = [rows(item) for item in rows(queue.get("queue_running"))]
    if any(len(item) > 1 and item[1] == job for item in running):
        return 0
    waiting = [item for item in (rows(item) for item in rows(queue.get("queue_pending"))) if len(item) > 1]
    mine = next((item for item in waiting if item[1] == job), None)
    if mine is None:
        return None
    before = sum(1 for item in waiting if item is not mine and _number(item[0]) < _number(mine[0]))
    return max(1, before + len(running))


def _number(value: Any) -> float:
    return value if isinstance(value, (int, float)) else 0.0


def files_of(entry: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the images of a job: the saved ones, or the previews if none was saved."""
    outputs = table(entry.get("outputs"))
    files = [
        {key: text(file.get(key)) for key in ("filename", "subfolder", "type")}
        for node in outputs.values()
        for file in map(table, rows(table(node).get("images")))
        if text(file.get("filename"))
    ]
    saved = [file for file in files if file["type"] == "output"]
    return saved or files


def options(node: Mapping[str, Any], name: str) -> list[str]:
    """Return the choices of an input, in the older and the newer form."""
    said = rows(table(table(node.get("input")).get("required")).get(name))
    if not said:
        return []
    listed = rows(table(said[1]).get("options")) if said[0] == "COMBO" and len(said) > 1 else rows(said[0])
    return [str(option) for option in listed]


def with_choices(spec: ModelSpec, sampler: Mapping[str, Any]) -> ModelSpec:
    """Return the model with the samplers and schedulers of the server."""
    names = {"sampler": "sampler_name", "scheduler": "scheduler"}
    changed = [
        replace(parameter, choices=choices)
        if (choices := tuple(options(sampler, names.get(parameter.name, ""))))
        and parameter.default in choices
        else parameter
        for parameter in spec.parameters
    ]
    return replace(spec, parameters=tuple(changed))


def title(checkpoint: str) -> str:
    """Return the name of a checkpoint for people."""
    return re.split(r"[/\\]", checkpoint)[-1].rpartition(".")[0]

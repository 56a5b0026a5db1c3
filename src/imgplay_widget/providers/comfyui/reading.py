"""Read the files in which people have workflows: JSON of the API or of the editor, and ComfyUI's pictures."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from imgplay_widget._text import clean_json
from imgplay_widget.providers._shared.answers import table
from imgplay_widget.providers.comfyui.editor import is_drawing

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_TEXT", "NotAWorkflow", "is_graph", "read"]

MAX_TEXT = 4 * 2**20
"""The most bytes of a workflow. The largest ones of ComfyUI's own templates have a few hundred kilobytes."""

_PNG = b"\x89PNG\r\n\x1a\n"

_CHUNKS = ("prompt", "workflow")
"""The texts in a picture of ComfyUI: the graph that ran, in API format, and the drawing in the editor."""


class NotAWorkflow(ValueError):
    """The file is not a workflow that can be used; the message says what it is."""


def read(data: bytes) -> dict[str, Any]:
    """Return the workflow of a file, in API format or in that of the editor.

    Args:
        data: JSON, also the body of a ``POST /prompt``, or a PNG that ComfyUI saved.

    Raises:
        NotAWorkflow: there is no workflow in the file.
    """
    if data.startswith(_PNG):
        return _of_picture(data)
    if len(data) > MAX_TEXT:
        raise NotAWorkflow(f"The file has {len(data):,} bytes: a workflow has up to {MAX_TEXT:,}.")
    try:
        found = table(clean_json(json.loads(data)))
    except (ValueError, RecursionError) as error:
        raise NotAWorkflow("The file is not JSON, and not a PNG of ComfyUI.") from error
    # The body of a POST /prompt has the graph inside.
    inner = table(found.get("prompt"))
    found = inner if is_graph(inner) else found
    if not is_drawing(found) and not is_graph(found):
        raise NotAWorkflow("The file is JSON, but not a workflow of ComfyUI.")
    return found


def is_graph(data: Mapping[str, Any]) -> bool:
    """Return whether JSON is a workflow in API format."""
    nodes = [table(node) for node in data.values()]
    return bool(nodes) and all("class_type" in n and isinstance(n.get("inputs"), dict) for n in nodes)


def _of_picture(data: bytes) -> dict[str, Any]:
    from PIL import Image, UnidentifiedImageError

    try:
        # This reads the texts before the pixels, where ComfyUI writes them, and bounds their size.
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            texts = {str(name): value for name, value in picture.info.items() if isinstance(value, str)}
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise NotAWorkflow("The file is a damaged PNG.") from error
    for name in _CHUNKS:
        try:
            return read(texts.get(name, "").encode("utf-8", "replace"))
        except NotAWorkflow:
            continue
    raise NotAWorkflow(
        "The picture holds no workflow of ComfyUI. Programs that change or send a picture often drop it."
    )

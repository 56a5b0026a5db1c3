"""Known servers with OpenAI's Images API, each of which refuses what the real one refuses.

    with KnownServer("azure") as server:
        ...  # server.base_url, server.requests, server.calls

`KINDS` has the behaviour of each preset, from the public page that the preset names.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from imgplay_widget.testing.server import Answer, ProviderServer, Received, answer
from tests.servers.openai_server import error, item, png

__all__ = ["KEY", "KnownServer"]

KEY = "a-key-of-a-known-server-0123"


_STEP_SIZES = {"1024x1024", "768x1360", "896x1184", "1360x768", "1184x896"}
_MEDIUM_SIZES = {"256x256", "512x512", "768x768", "1024x1024", "1280x800", "800x1280"}


def azure(received: Received, fields: dict[str, Any]) -> Answer:
    if received.headers.get("api-key") != KEY or "authorization" in received.headers:
        return error(401, "Access denied due to invalid subscription key.")
    if received.method == "GET":
        return answer({"data": [{"id": "gpt-5.6"}, {"id": "gpt-image-2"}]})
    if "response_format" in fields:
        return error(400, "Unknown parameter: 'response_format'.", code="unknown_parameter")
    return answer({"data": [item(png(*_size(fields.get("size", "1024x1024"), "x")))] * int(fields["n"])})


def stepfun(received: Received, fields: dict[str, Any]) -> Answer:
    if received.headers.get("authorization") != f"Bearer {KEY}":
        return error(401, "Incorrect API key provided")
    if received.method == "GET":
        return answer({"data": [{"id": "step-3"}]})
    edits = received.path.endswith("/edits")
    medium = fields["model"] == "step-1x-medium"
    if int(fields.get("n", 1)) != 1:
        return error(400, "n must be 1")
    if not edits and fields.get("size", "1024x1024") not in (_MEDIUM_SIZES if medium else _STEP_SIZES):
        return error(400, "this size is not supported")
    if edits and ("size" in fields or "image" not in received.form()):
        return error(400, "one image and no size")
    if fields["prompt"] == "a riot":
        return answer({"data": [{"finish_reason": "content_filtered", "seed": 5}]})
    first, second = (64, 64) if edits else _size(fields.get("size", "1024x1024"), "x")
    # The newer model means the height first.
    data = png(first, second) if medium or edits else png(second, first)
    name = "image" if medium else "b64_json"
    entry = {
        name: base64.b64encode(data).decode(),
        "finish_reason": "success",
        "seed": int(fields.get("seed", 5)),
    }
    return answer({"created": 1, "data": [entry]})


def aihubmix(received: Received, fields: dict[str, Any]) -> Answer:
    if received.headers.get("authorization") != f"Bearer {KEY}":
        return error(401, "invalid token")
    if received.method == "GET" or "response_format" in fields:
        return error(400, "Unknown parameter: 'response_format'.")
    return answer({"data": [item(png())] * int(fields["n"])})


def litellm(received: Received, fields: dict[str, Any]) -> Answer:
    if received.method == "GET":
        return answer({"data": [{"id": "my-images"}]})
    if "response_format" in fields:
        return error(400, "litellm.UnsupportedParamsError: vertex_ai does not support response_format")
    return answer({"data": [item(png())]})


def localai(received: Received, fields: dict[str, Any]) -> Answer:
    if received.method == "GET":
        return answer({"data": [{"id": "flux"}]})
    if not received.path.endswith("/generations"):
        return error(404, "no such path")
    for data in fields.get("ref_images", ()):
        if not base64.b64decode(data, validate=True).startswith(b"\x89PNG"):
            return error(500, "illegal base64 data")
    prompt, _, negative = fields["prompt"].partition("|")
    # What the server does not know, it ignores without a word.
    used = {"prompt": prompt, "negative": negative, "steps": fields.get("step", 15)}
    return answer({"data": [{**item(png()), "revised_prompt": json.dumps(used)}] * int(fields.get("n", 1))})


def vllm(received: Received, fields: dict[str, Any]) -> Answer:
    if received.method == "GET":
        return answer({"data": [{"id": "Qwen/Qwen-Image"}]})
    if fields.get("response_format", "b64_json") != "b64_json" or not 1 <= int(fields.get("n", 1)) <= 10:
        return answer({"detail": [{"loc": ["body", "response_format"], "msg": "bad"}]}, 422)
    if received.path.endswith("/edits") and "image" not in received.form():
        return answer({"detail": "Field 'image' or 'url' is required"}, 422)
    return answer({"data": [item(png(*_size(fields.get("size", "64x64"), "x")))] * int(fields.get("n", 1))})


def sglang(received: Received, fields: dict[str, Any]) -> Answer:
    if received.method == "GET":
        return answer({"data": [{"id": "Qwen/Qwen-Image"}]})
    if fields.get("response_format", "url") != "b64_json":
        return answer({"detail": "response_format='url' requires cloud storage to be configured."}, 400)
    if received.path.endswith("/edits") and not {"image", "image[]"} & {*received.form()}:
        return answer({"detail": "Field 'image' or 'url' is required"}, 422)
    return answer({"data": [item(png())] * int(fields["n"])})


def xinference(received: Received, fields: dict[str, Any]) -> Answer:
    if received.method == "GET":
        models = [{"id": "chat", "model_type": "LLM"}, {"id": "sdxl-turbo", "model_type": "image"}]
        return answer({"data": models})
    unknown = {*fields} - {"model", "prompt", "n", "size", "response_format", "kwargs"}
    if unknown or received.path.endswith("/edits"):
        return answer({"detail": f"not understood: {sorted(unknown)}"}, 400)
    if received.path.endswith("/variations") and "image" not in received.form():
        return answer({"detail": "image: field required"}, 422)
    size = _size(fields.get("size", "64*64"), "*")
    known = {"num_inference_steps", "guidance_scale", "negative_prompt"}
    if {*json.loads(fields.get("kwargs", "{}"))} - known:
        return answer({"detail": "unexpected keyword argument"}, 400)
    return answer({"data": [item(png(*size))] * int(fields.get("n", 1))})


KINDS = {
    "azure": azure,
    "stepfun": stepfun,
    "aihubmix": aihubmix,
    "litellm": litellm,
    "localai": localai,
    "vllm": vllm,
    "sglang": sglang,
    "xinference": xinference,
}


class KnownServer(ProviderServer):
    """The server of a preset.

    Args:
        kind: the name of the preset.
        options: those of `ProviderServer`.
    """

    def __init__(self, kind: str, **options: Any) -> None:
        super().__init__(**options)
        self.base_url = f"{self.origin}/v1"
        self._kind = KINDS[kind]

    def answer(self, received: Received) -> Answer:
        return self._kind(received, _fields(received))

    @property
    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """The path and the fields of each call for images."""
        return [(r.path, _fields(r)) for r in self.requests if r.method == "POST"]


def _fields(received: Received) -> dict[str, Any]:
    if received.method != "POST":
        return {}
    if received.headers["content-type"].startswith("application/json"):
        return received.json()
    form = received.form()
    return {name: values[0].decode() for name, values in form.items() if not values[0].startswith(b"\x89PNG")}


def _size(text: str, between: str) -> tuple[int, int]:
    found = re.fullmatch(rf"(\d+){re.escape(between)}(\d+)", text)
    if found is None:
        raise ValueError(f"The server does not understand the size {text}.")
    return int(found[1]), int(found[2])

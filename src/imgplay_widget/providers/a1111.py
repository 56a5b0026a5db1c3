"""The Stable Diffusion WebUI by AUTOMATIC1111, and Forge, started with ``--api``.

The protocol is that of Forge's ``modules/api``, ``modules/processing.py`` and ``modules/progress.py``
(2025-06), a fork of A1111. A call blocks until the image is done; a second call with the task's id tells its
progress.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import Done, ModelSpec, Parameter, Partial, Pending, ProviderSpec, Unit
from imgplay_widget.errors import BadRequest, BadResponse, ProviderError, ServerError
from imgplay_widget.providers._shared.answers import Item, beginning, collected, image_of, rows, table, text
from imgplay_widget.providers._shared.failures import failure
from imgplay_widget.providers._shared.listed import records_of
from imgplay_widget.providers._shared.openai_errors import error_from
from imgplay_widget.providers._shared.wire import json_of
from imgplay_widget.providers.cloud import HttpProvider
from imgplay_widget.providers.http import decode_base64

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget.providers.base import CancelOutcome
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["A1111"]

_LOADED = "loaded"
"""The model that stands for the checkpoint that the server has loaded."""
_EDITS = {
    "strength": "denoising_strength",
    "resize_mode": "resize_mode",
    "inpaint_area": "inpaint_full_res",
    "masked_content": "inpainting_fill",
    "mask_padding": "inpaint_full_res_padding",
    "mask_blur": "mask_blur",
}
"""The parameters of a call that begins with a picture, and their names at the server.

The API's own defaults are not those of the web page: it paints a tight cut around the mask, from a smear.
"""
_NUMBERED = {
    "resize_mode": ("just resize", "crop and resize", "resize and fill"),
    "masked_content": ("fill", "original", "latent noise", "latent nothing"),
}
"""The choices to which the server gives numbers from 0, in its order."""
_WIRE = {"cfg": "cfg_scale", "distilled_cfg": "distilled_cfg_scale", "sampler": "sampler_name"}
_USED = {
    "width": "width",
    "height": "height",
    "steps": "steps",
    "cfg_scale": "cfg",
    "sampler_name": "sampler",
}
"""The settings that the answer's ``info`` reports, with our names."""


class A1111(HttpProvider):
    """One server with one graphics card: one image after the other.

    The server needs no key. If it was started with ``--api-auth``, the key is ``user:password``.

    Args:
        base_url: the address without a path; None means ``A1111_BASE_URL``, or the usual port here.
    """

    spec = ProviderSpec(name="a1111", title="Stable Diffusion WebUI", concurrency=1, free=True)
    address = "http://127.0.0.1:7860"
    address_variable = "A1111_BASE_URL"

    def model(self, id: str) -> ModelSpec | None:
        """Return the model of an id: `loaded`, or the title of a checkpoint on the server."""
        known = super().model(id)
        return known or (replace(self.models()[0], id=id, title=id, description="") if id.strip() else None)

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the header with user and password, for ``--api-auth``."""
        return {"Authorization": f"Basic {b64encode(key.encode()).decode()}"}

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Send one call and wait until its image is done."""
        params = dict(unit.params)
        edits = {name: params.pop(name) for name in _EDITS if name in params}
        fields: dict[str, Any] = {
            "prompt": unit.prompt,
            **{_WIRE.get(name, name): value for name, value in params.items()},
            "batch_size": unit.n,
            "n_iter": 1,
            "send_images": True,
            "save_images": False,
            "force_task_id": _task_id(unit),
        }
        if unit.seed is not None:
            fields["seed"] = unit.seed
        if unit.model != _LOADED:
            fields["override_settings"] = {"sd_model_checkpoint": unit.model}
            # Otherwise the server would load the old checkpoint again after each image.
            fields["override_settings_restore_afterwards"] = False
        path = "txt2img"
        if unit.references:
            path = "img2img"
            fields["init_images"] = [b64encode(http.reference(r)).decode() for r in unit.references]
            fields |= {_EDITS[name]: _edit(name, value) for name, value in edits.items()}
        if unit.mask is not None:
            fields["mask"] = b64encode(await http.white_mask(unit.mask)).decode()
        reply = await http.request("POST", f"{self.base_url}/sdapi/v1/{path}", json=fields)
        if not reply.ok:
            raise self._error(reply, http)
        return self._done(reply, unit, http)

    async def watch(self, unit: Unit, http: Http) -> Partial | None:
        """Ask for the progress of the image."""
        reply = await self._progress(unit, http, preview=True)
        if reply.status in (404, 405):
            return None
        state = table(json_of(reply.body))
        progress = state.get("progress")
        if not state.get("active") or not isinstance(progress, (int, float)):
            return Partial()
        progress = min(1.0, max(0.0, float(progress)))
        try:
            preview = decode_base64(text(state.get("live_preview"))) or None
        except ValueError:
            preview = None
        return Partial(index=min(unit.n - 1, int(progress * unit.n)), data=preview, progress=progress)

    async def stop(self, unit: Unit, http: Http) -> CancelOutcome:
        """Interrupt the server, if it works on this image.

        The interrupt stops whatever runs, so it must never be sent while an image of others runs.
        """
        state = table(json_of((await self._progress(unit, http, preview=False)).body))
        if not state.get("active"):
            return "unsupported"
        reply = await http.request("POST", f"{self.base_url}/sdapi/v1/interrupt")
        return "requested" if reply.ok else "unsupported"

    async def discover(self, http: Http) -> Sequence[ModelSpec]:
        """Ask for the server's checkpoints, samplers and schedulers.

        Raises:
            ProviderError: the question failed.
        """
        titles = [text(row.get("title")) for row in await self._list("sd-models", http)]
        choices = {
            "sampler": [text(row.get("name")) for row in await self._list("samplers", http)],
            "scheduler": [
                text(row.get("label")) or text(row.get("name"))
                for row in await self._list("schedulers", http, optional=True)
            ],
        }
        loaded = self.models()[0]
        parameters = tuple(
            _chosen(parameter, choices.get(parameter.name, [])) for parameter in loaded.parameters
        )
        loaded = replace(loaded, parameters=parameters)
        named = [replace(loaded, id=title, title=title, description="") for title in titles if title]
        return [loaded, *named]

    async def _progress(self, unit: Unit, http: Http, *, preview: bool) -> Reply:
        question = {"id_task": _task_id(unit), "id_live_preview": -1, "live_preview": preview}
        return await http.request("POST", f"{self.base_url}/internal/progress", json=question)

    async def _list(self, name: str, http: Http, *, optional: bool = False) -> list[dict[str, Any]]:
        reply = await http.request("GET", f"{self.base_url}/sdapi/v1/{name}")
        if optional and reply.status == 404:
            return []
        if not reply.ok:
            raise self._error(reply, http)
        try:
            return records_of(reply.json(), name, http)
        except ValueError:
            raise BadResponse(f"The list {name} is not JSON.", provider=self.spec.name) from None

    def _done(self, reply: Reply, unit: Unit, http: Http) -> Done:
        answer = table(json_of(reply.body))
        if "images" not in answer:
            kind = http.redact(reply.content_type)[:80] or "something of no stated kind"
            raise BadResponse(
                f"The answer holds no images but {kind}: {beginning(reply.body, http)!r}.",
                provider=self.spec.name,
            )
        info = _info(answer)
        first = info.get("index_of_first_image")
        # A grid of all images may come first.
        listed = rows(answer["images"])[first if isinstance(first, int) and first > 0 else 0 :]
        seeds = rows(info.get("all_seeds"))
        used = {ours: info[theirs] for theirs, ours in _USED.items() if theirs in info}
        found: list[Item | None] = []
        for i, data in enumerate(listed[: unit.n]):
            applied = used | ({"seed": seeds[i]} if i < len(seeds) else {})
            found.append(image_of({"b64_json": data}, **applied))
        return collected(found, unit.n, http)

    def _error(self, reply: Reply, http: Http) -> ProviderError:
        """Return the error of ``{"error": class, "detail": words, "errors": words}``, or of FastAPI."""
        body = table(json_of(reply.body))
        name = text(body.get("error"))
        said = body.get("detail") or body.get("errors") or name
        plain = replace(reply, body=json.dumps({"detail": said}).encode()) if said else reply
        words = f"{name} {said}".lower()
        error = error_from(plain, http)
        if reply.status == 401:
            step = 'Set user and password of --api-auth as the key: set_key("a1111", "user:password").'
            error.next_step = step
        if reply.status == 404 and ("sampler" in words or "scheduler" in words):
            return failure(reply, http, kind=BadRequest, message=error.message)
        if reply.status == 404 and "checkpoint" not in words:
            return failure(
                reply,
                http,
                kind=BadRequest,
                message=f"{self.spec.title}: there is no API at this address.",
                next_step=f"Start the server with --api, and check the address {http.redact(self.base_url)}.",
            )
        if "outofmemory" in words or "out of memory" in words:
            step = "Choose a smaller size, or free memory on the server, then retry."
            return failure(reply, http, kind=ServerError, message=error.message, next_step=step)
        return error


def _task_id(unit: Unit) -> str:
    return f"task(imgplay-{unit.key})"


def _edit(name: str, value: Any) -> Any:
    """Return a value of `_EDITS` as the server takes it."""
    if name == "inpaint_area":
        return value == "only masked"
    return _NUMBERED[name].index(value) if name in _NUMBERED else value


def _info(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer's ``info``, which is JSON in a string, and empty at some servers."""
    return table(json_of(text(answer.get("info")).encode()))


def _chosen(parameter: Parameter, choices: Sequence[str]) -> Parameter:
    names = tuple(choice for choice in choices if choice)
    return replace(parameter, choices=names) if names else parameter

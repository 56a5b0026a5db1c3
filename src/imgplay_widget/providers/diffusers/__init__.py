"""diffusers: pipelines in this process, on CPU, CUDA or MPS. They need no key, no server and no money.

A model is a folder with a pipeline (``"diffusers:/path/to/model"``) or the id of a repository on the Hugging
Face Hub (``"diffusers:owner/name"``), which is downloaded on its first use and then found in the cache.
``HF_HUB_OFFLINE``, ``HF_HOME`` and ``HF_TOKEN`` count as they do for the libraries themselves.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import re
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgplay_widget import catalog
from imgplay_widget._types import Done, ModelSpec, Partial, Pending, ProviderSpec, Unit
from imgplay_widget.errors import ModelNotFound, ProviderError
from imgplay_widget.providers._shared.environment import variable
from imgplay_widget.providers.base import Provider
from imgplay_widget.providers.diffusers.pipelines import NAME, Drawing, Setup, Shelf
from imgplay_widget.providers.diffusers.torch import Torch, installed, missing_extra

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from imgplay_widget.providers.http import Http

__all__ = ["Diffusers"]

_ANY = "*"
"""The catalog's entry for pipelines that it does not list."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")

_INDEX = "model_index.json"
"""The file by which a folder is a pipeline."""

_CLASSES = {
    "StableDiffusionPipeline": "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "StableDiffusionXLPipeline": "stabilityai/stable-diffusion-xl-base-1.0",
}
"""The model of the catalog that describes other pipelines of a class."""

_shelf = Shelf(Torch())
"""The one pipeline of this process, for all studios, because two would not fit into memory."""

atexit.register(_shelf.close)


class Diffusers(Provider):
    """Local pipelines.

    Args:
        models: folders or ids to list, besides those of the catalog.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"`` …; None takes the best.
        dtype: the name of torch's type for the weights, for instance ``"float32"``; None takes the type that
            suits the device.
        offload: True keeps only the part that computes on the device: slower, for little memory.
        shelf: the holder of the pipeline; None takes the one of this process.
    """

    spec = ProviderSpec(name=NAME, title="diffusers", concurrency=1, local=True, free=True)

    def __init__(
        self,
        models: Sequence[str | os.PathLike[str]] = (),
        *,
        device: str | None = None,
        dtype: str | None = None,
        offload: bool = False,
        shelf: Shelf | None = None,
    ) -> None:
        self._own = [os.fspath(model) for model in models]
        self._setup = Setup(device=device, dtype=dtype, offload=offload)
        self._shelf = _shelf if shelf is None else shelf

    def models(self) -> Sequence[ModelSpec]:
        """Return the given models, and those of the catalog if the packages are installed."""
        own = [spec for model in self._own if (spec := self.model(model)) is not None]
        shipped = catalog.load(NAME) if installed() else ()
        listed = {spec.id for spec in own}
        return (*own, *(spec for spec in shipped if spec.id != _ANY and spec.id not in listed))

    def model(self, id: str) -> ModelSpec | None:
        """Return the model of a folder or of a repository, or None if the id can be neither."""
        shipped = {spec.id: spec for spec in catalog.load(NAME)}
        if id in shipped and id != _ANY:
            return shipped[id]
        path = _folder(id)
        if path is None and not _HUB_ID.fullmatch(id):
            return None
        found = path if path is not None else next(_cached(id), None)
        like = shipped[_CLASSES.get(_class_of(found), _ANY)]
        title = path.name if path is not None else id.partition("/")[2]
        here = "Runs on this machine."
        notice = here if found is not None else f"{here} The first use downloads its weights."
        return replace(like, id=id, title=title or id, description=_class_of(found), notice=notice)

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Draw without progress."""
        async with aclosing(self._watch(unit, http)) as events:
            async for event in events:
                if not isinstance(event, Partial):
                    return event
        raise AssertionError("unreachable")

    def stream(self, unit: Unit, http: Http) -> AsyncGenerator[Partial | Pending | Done] | None:
        """Draw, with previews and progress. Closing the stream stops the pipeline at its next step.

        Raises:
            MissingExtra: torch or diffusers is not installed.
            ModelNotFound: there is no such pipeline.
            BadRequest: the pipeline does not take a parameter, or not this value.
            ServerError: the pipeline failed; the message has its words.
        """
        return self._watch(unit, http)

    async def discover(self, http: Http) -> Sequence[ModelSpec] | None:
        """Return the listed models, and the pipelines in the cache of the Hub. Use no network."""
        listed = list(self.models())
        known = {spec.id for spec in listed}
        cached = {"/".join(path.parents[1].name.split("--", 2)[1:]) for path in _cached()}
        found = [self.model(name) for name in sorted(cached - known)]
        return [*listed, *(spec for spec in found if spec is not None)]

    async def check(self, http: Http) -> None:
        """Check that the packages are installed.

        Raises:
            MissingExtra: a package is missing.
        """
        if not installed():
            raise missing_extra()

    def unload(self) -> bool:
        """Free the memory of the loaded pipeline. Return False while it draws."""
        return self._shelf.unload()

    async def _watch(self, unit: Unit, http: Http) -> AsyncGenerator[Partial | Pending | Done]:
        loop = asyncio.get_running_loop()
        inbox: asyncio.Queue[Partial | Done | ProviderError] = asyncio.Queue()

        def tell(item: Partial | Done | ProviderError) -> None:
            try:
                loop.call_soon_threadsafe(inbox.put_nowait, item)
            except RuntimeError:
                # The loop is gone, and nobody waits any more.
                drawing.stop()

        drawing = Drawing(
            unit,
            _source(unit.model),
            tuple(http.reference(reference) for reference in unit.references),
            shelf=self._shelf,
            setup=self._setup,
            tell=tell,
        )
        drawing.start()
        try:
            while True:
                item = await inbox.get()
                if isinstance(item, ProviderError):
                    raise item
                yield item
                if isinstance(item, Done):
                    return
        finally:
            drawing.stop()


def _source(id: str) -> str:
    """Return the folder or the id that the libraries shall load.

    Raises:
        ModelNotFound: the id looks like a folder, but there is no pipeline in it.
    """
    path = _folder(id)
    if path is None:
        return id
    if not (path / _INDEX).is_file():
        raise ModelNotFound(
            f"There is no pipeline at {path}: it has no {_INDEX}.",
            provider=NAME,
            next_step="Give the folder that save_pretrained wrote, not a single file of weights.",
        )
    return str(path)


def _folder(id: str) -> Path | None:
    """Return the folder that an id means, whether it exists or not, or None for the id of a repository."""
    path = Path(id)
    if id.startswith(("~", ".")) or path.is_absolute() or os.path.isfile(path / _INDEX):  # noqa: PTH113
        # os.path, because a Path raises an error if a name is too long, or if there is no such user.
        return Path(os.path.expanduser(path))  # noqa: PTH111
    return None


def _cached(id: str = "*/*") -> Iterator[Path]:
    """Return the snapshots in the cache that hold a pipeline, of one repository or of all."""
    home = Path(variable("HF_HOME") or Path.home() / ".cache" / "huggingface")
    cache = Path(variable("HF_HUB_CACHE") or home / "hub")
    for index in sorted(cache.glob(f"models--{id.replace('/', '--')}/snapshots/*/{_INDEX}")):
        yield index.parent


def _class_of(folder: Path | None) -> str:
    """Return the name of the pipeline's class, or an empty text if it is unknown."""
    if folder is None:
        return ""
    try:
        index: Any = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        name: Any = index["_class_name"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return name if isinstance(name, str) else ""

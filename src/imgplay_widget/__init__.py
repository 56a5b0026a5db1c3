"""An image-generation studio that lives in a notebook.

``pg = ImagePlayground()`` in a cell shows the studio. ``pg.generate("a red fox in snow", n=4)`` in the next
cell uses the same studio. `Studio` does the same without a page.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imgplay_widget._rules.costs import Spend
    from imgplay_widget._rules.presets import Preset
    from imgplay_widget._rules.variants import variants
    from imgplay_widget._studio.handles import (
        Batches,
        BatchHandle,
        Chain,
        GenerationHandle,
        Generations,
        TopicHandle,
        TopicHandles,
    )
    from imgplay_widget._studio.key_reports import Ask, KeyCheck, KeyKept
    from imgplay_widget._studio.models import ModelTable, models
    from imgplay_widget._studio.presets import Presets
    from imgplay_widget._studio.results import Rows
    from imgplay_widget._studio.server_presets import ServerPresetTable, server_presets
    from imgplay_widget._studio.studio import Studio
    from imgplay_widget._studio.sweep_handles import SweepHandle, SweepHandles
    from imgplay_widget._types import Estimate, FolderImport, Notice, Recovery, Reference, Status
    from imgplay_widget._widget.widget import ImagePlayground
    from imgplay_widget.errors import ImgplayError

    __version__: str

__all__ = [
    "Ask",
    "BatchHandle",
    "Batches",
    "Chain",
    "Estimate",
    "FolderImport",
    "GenerationHandle",
    "Generations",
    "ImagePlayground",
    "ImgplayError",
    "KeyCheck",
    "KeyKept",
    "ModelTable",
    "Notice",
    "Preset",
    "Presets",
    "Recovery",
    "Reference",
    "Rows",
    "ServerPresetTable",
    "Spend",
    "Status",
    "Studio",
    "SweepHandle",
    "SweepHandles",
    "TopicHandle",
    "TopicHandles",
    "__version__",
    "models",
    "server_presets",
    "variants",
]

# The module of each public name. A name is imported when it is first used, so that importing the package
# costs next to nothing.
_HOME = {
    "Ask": "_studio.key_reports",
    "Estimate": "_types",
    "KeyCheck": "_studio.key_reports",
    "KeyKept": "_studio.key_reports",
    "Notice": "_types",
    "Preset": "_rules.presets",
    "Presets": "_studio.presets",
    "FolderImport": "_types",
    "Recovery": "_types",
    "Reference": "_types",
    "BatchHandle": "_studio.handles",
    "Batches": "_studio.handles",
    "Chain": "_studio.handles",
    "GenerationHandle": "_studio.handles",
    "Generations": "_studio.handles",
    "ImagePlayground": "_widget.widget",
    "ImgplayError": "errors",
    "ModelTable": "_studio.models",
    "ServerPresetTable": "_studio.server_presets",
    "Rows": "_studio.results",
    "Spend": "_rules.costs",
    "Status": "_types",
    "Studio": "_studio.studio",
    "SweepHandle": "_studio.sweep_handles",
    "SweepHandles": "_studio.sweep_handles",
    "TopicHandle": "_studio.handles",
    "TopicHandles": "_studio.handles",
    "models": "_studio.models",
    "server_presets": "_studio.server_presets",
    "variants": "_rules.variants",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("imgplay-widget")
    if name in _HOME:
        value = getattr(import_module(f"imgplay_widget.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'imgplay_widget' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """Add ``%imagine`` and ``%%imagine`` to IPython, which calls this for ``%load_ext imgplay_widget``."""
    from imgplay_widget._widget.magic import load

    load(shell)


def __dir__() -> list[str]:
    return sorted(__all__)

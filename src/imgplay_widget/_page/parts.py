"""The parts of the page that load when they are needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imgplay_widget._page import protocol
from imgplay_widget.errors import PageOutdated

if TYPE_CHECKING:
    from imgplay_widget._page.calls import Answers, Attachments
    from imgplay_widget._studio.core import Core

__all__ = ["PartFiles"]

PARTS = Path(__file__).parent.parent / "static" / "parts"
"""The folder of the parts. The name of a file is made from the names of its part and of the build."""


class PartFiles:
    """The answers to a page that asks for one of its parts. They run on the engine's loop.

    Args:
        core: the studio whose pool reads the files.
        folder: the folder of the files.
    """

    def __init__(self, core: Core, folder: Path = PARTS) -> None:
        self._archive = core.archive
        self._folder = folder

    def answers(self) -> Answers:
        """Return the calls that this part answers, each with its answer."""
        return {protocol.LoadPart: self._load}

    async def _load(self, call: protocol.LoadPart, buffers: Attachments) -> protocol.PartFile:
        data = await self._archive.in_pool(self._read, f"{call.name}-{call.build}.js")
        return protocol.PartFile(buffer=buffers.add(data))

    def _read(self, name: str) -> bytes:
        # The path comes from the folder and not from the page, so that a name cannot lead out of the folder.
        for path in self._folder.glob("*.js"):
            if path.name == name:
                return path.read_bytes()
        raise PageOutdated("The page and the studio are of different versions of imgplay-widget.")

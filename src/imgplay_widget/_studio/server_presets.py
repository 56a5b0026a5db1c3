"""The table of the known servers, which shows itself in a notebook and in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from imgplay_widget import catalog
from imgplay_widget._rules.tables import html_table, text_table
from imgplay_widget.catalog import ServerPreset

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ServerPresetTable", "server_presets"]

HEAD = ("preset", "server", "address", "key", "models", "cost")


class ServerPresetTable(Sequence[ServerPreset]):
    """Known servers, in order. It is a sequence of records, and shows itself as a table.

    Args:
        presets: the known servers.
    """

    def __init__(self, presets: Iterable[ServerPreset]) -> None:
        self._presets = tuple(presets)

    @overload
    def __getitem__(self, index: int) -> ServerPreset: ...
    @overload
    def __getitem__(self, index: slice) -> ServerPresetTable: ...
    def __getitem__(self, index: int | slice) -> ServerPreset | ServerPresetTable:
        """Return a known server, or a table of several."""
        if isinstance(index, slice):
            return ServerPresetTable(self._presets[index])
        return self._presets[index]

    def __len__(self) -> int:
        return len(self._presets)

    def __repr__(self) -> str:
        return text_table(self._rows())

    def _repr_html_(self) -> str:
        return html_table(self._rows())

    def _rows(self) -> list[tuple[str, ...]]:
        return [HEAD, *map(_row, self._presets)]


def server_presets() -> ServerPresetTable:
    """Return the known servers that `Studio.add_server` adds by the name of their preset, as a table."""
    return ServerPresetTable(catalog.server_presets())


def _row(preset: ServerPreset) -> tuple[str, ...]:
    needed = preset.key == "needed"
    return (
        preset.name,
        preset.title,
        preset.address,
        preset.variable if needed else f"{preset.variable} (optional)" if preset.variable else "optional",
        ", ".join(spec.id for spec in preset.models) or "those of your server",
        "none" if preset.free else "that of the service" if needed else "that of the models behind it",
    )

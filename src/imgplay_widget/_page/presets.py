"""The answers to calls about the presets of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgplay_widget._page import protocol
from imgplay_widget._page.states import preset_state

if TYPE_CHECKING:
    from imgplay_widget._page.calls import Answers, Attachments
    from imgplay_widget._studio.core import Core

__all__ = ["KeptPresets"]


class KeptPresets:
    """The answers to a page that lists, saves, renames and deletes presets. They run on the engine's loop.

    Args:
        core: the studio that keeps the presets.
    """

    def __init__(self, core: Core) -> None:
        self._presets = core.presets

    def answers(self) -> Answers:
        """Return the calls that this part answers, each with its answer."""
        return {
            protocol.ReadPresets: self._read,
            protocol.SavePreset: self._save,
            protocol.RestorePreset: self._restore,
            protocol.RenamePreset: self._rename,
            protocol.DeletePreset: self._delete,
        }

    async def _read(self, _: protocol.ReadPresets, __: Attachments) -> protocol.PresetList:
        found = await self._presets.all()
        has_model = self._presets.has_model
        states = [preset_state(name, one, gone=not has_model(one)) for name, one in found.items()]
        return protocol.PresetList(presets=states)

    async def _save(self, call: protocol.SavePreset, _: Attachments) -> protocol.Empty:
        await self._presets.save(call.name.strip(), _preset(call), replace=call.replace)
        return protocol.Empty()

    async def _restore(self, call: protocol.RestorePreset, _: Attachments) -> protocol.Empty:
        await self._presets.put_back(call.name, _preset(call))
        return protocol.Empty()

    async def _rename(self, call: protocol.RenamePreset, _: Attachments) -> protocol.Empty:
        await self._presets.rename(call.name, call.to.strip())
        return protocol.Empty()

    async def _delete(self, call: protocol.DeletePreset, _: Attachments) -> protocol.Empty:
        await self._presets.remove(call.name)
        return protocol.Empty()


def _preset(call: protocol.SavePreset | protocol.RestorePreset) -> dict[str, Any]:
    return {"model": call.model, "params": call.params, "prefix": call.prefix, "suffix": call.suffix}

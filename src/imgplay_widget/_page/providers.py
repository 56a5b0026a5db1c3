"""The answers to calls about models, providers, keys, servers and workflows, and to calls of a text model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._page import protocol
from imgplay_widget._page.states import model_state, server_preset_state
from imgplay_widget.catalog import server_presets
from imgplay_widget.errors import NotFound

if TYPE_CHECKING:
    from imgplay_widget._page.calls import Answers, Attachments
    from imgplay_widget._studio.core import Core
    from imgplay_widget._types import ModelSpec

__all__ = ["Offered"]


class Offered:
    """The answers to a page that asks about models and providers. They run on the engine's loop.

    Args:
        core: the studio that offers the models.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def answers(self) -> Answers:
        """Return the calls that this part answers, each with its answer."""
        return {
            protocol.Model: self._read_model,
            protocol.CheckProvider: self._check,
            protocol.SetKey: self._set_key,
            protocol.AddServer: self._add_server,
            protocol.ServerPresets: self._server_presets,
            protocol.RemoveServer: self._remove_server,
            protocol.AddWorkflow: self._add_workflow,
            protocol.Improve: self._improve,
        }

    async def _read_model(self, call: protocol.Model, _: Attachments) -> protocol.ModelResult:
        await self._core.offers.describe(call.name)
        return protocol.ModelResult(model=model_state(self._model(call.name), call.name))

    async def _check(self, call: protocol.CheckProvider, _: Attachments) -> protocol.ProviderChecked:
        check = await self._core.offers.check(call.provider)
        return protocol.ProviderChecked(provider=check.provider, outcome=check.outcome, message=check.message)

    async def _set_key(self, call: protocol.SetKey, _: Attachments) -> protocol.KeyTaken:
        key = call.key.get_secret_value()
        kept = await self._core.offers.keep_key(call.provider, key, remember=call.remember)
        return protocol.KeyTaken(provider=kept.provider, kept_in=kept.kept_in, message=kept.message)

    async def _add_server(self, call: protocol.AddServer, _: Attachments) -> protocol.ServerAdded:
        key = call.key.get_secret_value()
        check = await self._core.servers.add(
            call.name, call.url, key, remember=call.remember, preset=call.preset, values=call.values
        )
        return protocol.ServerAdded(provider=check.provider, outcome=check.outcome, message=check.message)

    async def _server_presets(self, _: protocol.ServerPresets, __: Attachments) -> protocol.ServerPresetList:
        return protocol.ServerPresetList(presets=[server_preset_state(one) for one in server_presets()])

    async def _remove_server(self, call: protocol.RemoveServer, _: Attachments) -> protocol.Empty:
        await self._core.servers.remove(call.name)
        return protocol.Empty()

    async def _add_workflow(self, call: protocol.AddWorkflow, _: Attachments) -> protocol.ModelResult:
        spec = await self._core.workflows.add(call.name, call.text.encode())
        return protocol.ModelResult(model=model_state(spec))

    async def _improve(self, call: protocol.Improve, _: Attachments) -> protocol.Improved:
        spec = self._core.registry.find(call.model)[1]
        improve = self._core.writer.improve
        return protocol.Improved(prompt=await improve(call.prompt, call.mode, spec, confirm=call.confirm))

    def _model(self, name: str) -> ModelSpec:
        try:
            return self._core.registry.find(name)[1]
        except NotFound as error:
            raise NotFound(
                error.message, next_step="Check the id: it must be exactly the id that the provider uses."
            ) from None

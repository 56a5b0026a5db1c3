"""What the page asks about models, providers and keys, and of text models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._page import protocol
from imgplay_widget._page.states import model_state
from imgplay_widget.errors import NotFound

if TYPE_CHECKING:
    from imgplay_widget._studio.core import Core
    from imgplay_widget._types import ModelSpec

__all__ = ["Offered"]


Call = (
    protocol.Model
    | protocol.CheckProvider
    | protocol.SetKey
    | protocol.AddServer
    | protocol.RemoveServer
    | protocol.Improve
)


class Offered:
    """Answers one page's calls. On the engine's loop.

    Args:
        core: whose models they are.
    """

    calls = (
        protocol.Model,
        protocol.CheckProvider,
        protocol.SetKey,
        protocol.AddServer,
        protocol.RemoveServer,
        protocol.Improve,
    )

    def __init__(self, core: Core) -> None:
        self._core = core

    async def answer(self, call: Call, buffers: list[bytes]) -> protocol.Result:
        """Answers a call.

        Raises:
            NotFound: there is no such model, provider or server.
            InvalidRequest: it cannot be a key, a server's name or address, or a prompt.
            ProviderError: the text model did not answer with a prompt, or there is none.
        """
        match call:
            case protocol.Model():
                return protocol.ModelResult(model=model_state(self._model(call.name)))
            case protocol.CheckProvider():
                check = await self._core.offers.check(call.provider)
                return protocol.ProviderChecked(
                    provider=check.provider, outcome=check.outcome, message=check.message
                )
            case protocol.SetKey():
                key = call.key.get_secret_value()
                kept = await self._core.offers.keep_key(call.provider, key, remember=call.remember)
                return protocol.KeyTaken(provider=kept.provider, place=kept.place, message=kept.message)
            case protocol.AddServer():
                key = call.key.get_secret_value()
                check = await self._core.servers.add(call.name, call.url, key, remember=call.remember)
                return protocol.ServerAdded(
                    provider=check.provider, outcome=check.outcome, message=check.message
                )
            case protocol.RemoveServer():
                await self._core.servers.remove(call.name)
                return protocol.Empty()
            case protocol.Improve():
                spec = self._core.registry.find(call.model)[1]
                return protocol.Improved(prompt=await self._core.writer.improve(call.prompt, call.mode, spec))

    def _model(self, name: str) -> ModelSpec:
        try:
            return self._core.registry.find(name)[1]
        except NotFound as error:
            raise NotFound(
                error.message, next_step="Check the id: it is the provider's own, letter by letter."
            ) from None

"""What a studio can make images with: models, prices, keys and servers."""

from __future__ import annotations

import getpass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from imgplay_widget import catalog
from imgplay_widget._studio.key_reports import Ask, KeyCheck, KeyKept
from imgplay_widget._studio.loop import Hop
from imgplay_widget._studio.models import ModelTable, table_of

if TYPE_CHECKING:
    from decimal import Decimal

    from imgplay_widget._studio.offers import Offers
    from imgplay_widget._studio.servers import Servers
    from imgplay_widget._types import ModelSpec
    from imgplay_widget.providers.base import Provider
    from imgplay_widget.providers.keys import Keys
    from imgplay_widget.providers.registry import Registry

__all__ = ["DEFAULT_MODEL", "StudioOffers"]

DEFAULT_MODEL = "demo:instant"
"""What is used where nothing was chosen: it needs no key and costs nothing."""


class StudioOffers(Hop):
    """The calls of a studio that are about providers and what they offer."""

    max_count: int
    registry: Registry
    keys: Keys
    offers: Offers
    servers: Servers
    _config: dict[str, Any]

    def models(self, provider: str | None = None) -> ModelTable:
        """Gives the models as a table that shows itself in a notebook.

        Args:
            provider: the name of a provider; None for all.

        Raises:
            NotFound: there is no such provider.
        """
        notes: list[str] = []
        for one in self.registry.providers():
            at = self.offers.asked_at(one.spec.name)
            if at is not None and provider in (None, one.spec.name):
                notes.append(f"{one.spec.title} was asked for its models on {at:%Y-%m-%d at %H:%M} UTC.")
        return table_of(self.registry, self.keys, provider, notes)

    def refresh_models(self, provider: str | None = None) -> ModelTable:
        """Asks what is offered now, waits for the answer, and gives the table of `models`.

        Args:
            provider: the name of a provider; None asks all that have such a list and a key. Of these,
                one that cannot be asked is a notice, and keeps the list that it had.

        Raises:
            NotFound: there is no such provider.
            ProviderError: the one that was named could not be asked.
        """
        if provider is None:
            self._call(self.offers.refresh_all)
        else:
            self._call(self.offers.refresh, provider)
        return self.models(provider)

    def estimate(self, model: str | None = None, n: int = 1, **params: Any) -> Decimal | None:
        """Gives what a request is known to cost in USD, or None where that is not known. Nothing is sent.

        Args:
            model: ``"provider:id"``; None takes the one of the config panel.
            n: how many images, 1 to `max_count`.
            params: the model's own parameters, as in `generate`.

        Raises:
            UnknownParameter, InvalidRequest, NotFound: as `generate` does.
        """
        _, spec = self._model(model)
        request = catalog.make_request(spec, prompt="any", n=n, params=params, max_count=self.max_count)
        return catalog.estimate(spec, n, request.params)

    def check(self, provider: str) -> KeyCheck:
        """Tests the connection to a provider, by a call that costs nothing. The result says itself.

        Raises:
            NotFound: there is no such provider.
        """
        self._look_for_key(self.registry.get(provider))
        return self._call(self.offers.check, provider)

    def set_key(
        self, provider: str, key: str | Literal[Ask.KEY] | None = Ask.KEY, *, remember: bool = False
    ) -> KeyKept:
        """Sets a provider's key for this studio. The result says where the key is.

        Args:
            provider: the provider's name.
            key: the key; without one, it is asked for without being shown; None forgets it.
            remember: True puts it into the system's keyring too (or takes it out of there); where there is no
                keyring, the key stays in memory.

        Raises:
            NotFound: there is no such provider.
            InvalidRequest: it cannot be a key.
        """
        spec = self.registry.get(provider).spec
        self.refuse_own_thread()
        if key is Ask.KEY:
            where = f" (made at {spec.key_url})" if spec.key_url else ""
            key = getpass.getpass(f"Key of {spec.title}{where}: ").strip()
            if not key:
                return KeyKept(provider, "nowhere", "Nothing was entered, and nothing changed.")
        return self._call(partial(self.offers.keep_key, spec.name, key, remember=remember))

    def add_server(self, name: str, url: str, key: str | None = None, *, remember: bool = False) -> KeyCheck:
        """Adds a server that speaks OpenAI's protocol, for this and later studios on the store.

        Its models are then ``"name:model-id"``. What comes back says itself: whether it answers. A server
        that does not run now is added all the same.

        Args:
            name: 1 to 64 letters, digits, ``-`` and ``_``; no other provider's. One that was added before
                gets the new address.
            url: its base address (``"http://localhost:8080/v1"``). Plain http only on this machine or
                network.
            key: its key, where it needs one; it stays in memory.
            remember: True puts the key into the system's keyring too.

        Raises:
            InvalidRequest: name, address or key cannot be one.
        """
        return self._call(partial(self.servers.add, name, url, key, remember=remember))

    def remove_server(self, name: str) -> None:
        """Forgets a server that was added, and its key. What it made stays.

        Raises:
            NotFound: no such server was added.
        """
        self._call(self.servers.remove, name)

    def _model(self, name: str | None) -> tuple[Provider, ModelSpec]:
        return self.registry.find(name or self._config.get("model") or DEFAULT_MODEL)

    def _look_for_key(self, provider: Provider) -> None:
        """Looks in slow places on the caller's thread, where Colab can be asked too."""
        if self.keys.state(provider.spec) == "missing":
            self.keys.look([provider.spec])

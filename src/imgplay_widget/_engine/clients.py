"""The ways out of this process: HTTP clients of the providers, and the slow places where keys are kept."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from imgplay_widget.errors import (
    BadResponse,
    DeadlineExceeded,
    ImgplayError,
    InvalidRequest,
    ProviderError,
)
from imgplay_widget.providers.http import Http, new_client
from imgplay_widget.providers.links import Links

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgplay_widget._clock import Clock
    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._types import ProviderSpec, Reference
    from imgplay_widget.providers.base import Provider
    from imgplay_widget.providers.keys import Keys

__all__ = ["Clients"]

LINK_TIMEOUT = 60.0
"""Seconds in all within which an image must arrive by a link of the user's."""

TEXT_TIMEOUT = 30.0
"""Seconds that a text model may take for a title or a prompt."""


class Clients:
    """The HTTP clients of the providers, one each, and a thread that looks for keys.

    Args:
        archive: the store, whose input images go with requests.
        keys: the keys.
        clock: the time.
    """

    def __init__(self, archive: Archive, keys: Keys, clock: Clock) -> None:
        self.keys = keys
        # The provider of links that users give: it has no key and no origin.
        self.links = Links()
        self._archive = archive
        self._clock = clock
        # A thread of its own: a keyring may wait for the user, and nothing else may wait with the keyring.
        self._key_thread = ThreadPoolExecutor(1, thread_name_prefix="imgplay-keys")
        # The connection pool that all clients share; made when it is first needed.
        self._client: Any = None
        # The client of each provider, by the provider's name.
        self._https: dict[str, Http] = {}

    # -------------------------------------------------------------- HTTP

    async def connect(self) -> None:
        """Make the shared connection pool off the loop, because reading the certificates takes 0.1 s."""
        if self._client is None:
            client = await self._archive.in_pool(new_client)
            self._client = self._client or client

    def http(self, provider: Provider) -> Http:
        """Return the client of a provider, which lives as long as the engine."""
        name = provider.spec.name
        known = self._https.get(name)
        if known is None or known.provider is not provider:
            if self._client is None:
                self._client = new_client()
            known = self._https[name] = Http(
                provider,
                self._client,
                key=lambda: self.keys.get(provider.spec),
                references=self._reference,
                masks=self._archive.white_mask,
            )
        return known

    def _reference(self, reference: Reference) -> bytes:
        assets = self._archive.store.assets
        return assets.read(assets.original_url(reference.digest, reference.media_type))

    async def write_text(self, provider: Provider, model: str, instruction: str, text: str) -> str:
        """Return the answer of a provider's text model, from one call that takes `TEXT_TIMEOUT` at most.

        Raises:
            ProviderError: the text model did not answer.
        """
        await self.connect()
        http = self.http(provider)
        try:
            async with self._clock.timeout(TEXT_TIMEOUT):
                return await provider.write(model, instruction, text, http)
        except TimeoutError:
            raise DeadlineExceeded(
                f"The text model did not answer in {TEXT_TIMEOUT:g} s.", provider=provider.spec.name
            ) from None
        except ImgplayError:
            raise
        except Exception as error:  # noqa: BLE001 - a plug-in's reading of foreign data is foreign code
            what = http.redact(f"{type(error).__name__}: {error}")[:200]
            raise BadResponse(
                f"The answer of {provider.spec.title}'s text model is not understood ({what}).",
                provider=provider.spec.name,
            ) from None

    async def fetch(self, url: str) -> bytes:
        """Return the bytes of an image behind a user's link, within `LINK_TIMEOUT` and without any key.

        The link must be https, must not lead to a private address, and must not hold more than a download
        may have.

        Raises:
            InvalidRequest: the image cannot be fetched; the message says why.
        """
        try:
            async with self._clock.timeout(LINK_TIMEOUT):
                return await self.http(self.links).download(url)
        except (ProviderError, TimeoutError) as error:
            late = f"The link did not answer in {LINK_TIMEOUT:g} s."
            raise InvalidRequest(
                error.message if isinstance(error, ProviderError) else late,
                parameter="references",
                next_step="Give a public https link to an image, or save the image and add the file.",
            ) from None

    # -------------------------------------------------------------- keys

    async def look_for_keys(self, specs: Sequence[ProviderSpec]) -> bool:
        """Look for keys in slow places too. Return True where that changed anything."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._key_thread, self.keys.look, specs)

    async def keep_key(self, name: str, key: str | None) -> bool:
        """Put a key into the system's keyring, or take it out (None). See `Keys.remember`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._key_thread, self.keys.remember, name, key)

    # -------------------------------------------------------------- the end

    async def close(self) -> None:
        """Close the connections and end the thread of the keys."""
        if self._client is not None:
            await self._client.aclose()
        self._key_thread.shutdown(wait=False, cancel_futures=True)

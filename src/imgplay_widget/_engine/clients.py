"""The ways out of this process: the HTTP clients of the providers, and the search for keys."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

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
"""The most seconds in all for the download of an image from a user's link."""

TEXT_TIMEOUT = 30.0
"""The most seconds that a text model may take for a title or a prompt."""


class Clients:
    """One HTTP client for each provider, and a thread that looks for keys.

    Args:
        archive: the store, which has the input images of requests.
        keys: the keys.
        clock: the time.
    """

    def __init__(self, archive: Archive, keys: Keys, clock: Clock) -> None:
        self.keys = keys
        # The provider of links that users give: it has no key and no origin.
        self.links = Links()
        self._archive = archive
        self._clock = clock
        # A separate thread, because a keyring may wait for the user while other work must go on.
        self._key_thread = ThreadPoolExecutor(1, thread_name_prefix="imgplay-keys")
        # The connections that all clients share. They are made when a request first needs them.
        self._client = new_client()
        # The client of each provider, by the provider's name.
        self._https: dict[str, Http] = {}

    # -------------------------------------------------------------- HTTP

    def http(self, provider: Provider) -> Http:
        """Return the client of a provider. The same client serves as long as the engine lives."""
        name = provider.spec.name
        known = self._https.get(name)
        if known is None or known.provider is not provider:
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
        """Call a provider's text model once, for `TEXT_TIMEOUT` at most, and return its answer.

        Raises:
            ProviderError: the text model did not answer.
        """
        http = self.http(provider)
        try:
            async with self._clock.timeout(TEXT_TIMEOUT):
                return http.hide(await provider.write(model, instruction, text, http))
        except TimeoutError:
            raise DeadlineExceeded(
                f"The text model did not answer in {TEXT_TIMEOUT:g} s.", provider=provider.spec.name
            ) from None
        except ImgplayError:
            raise
        except Exception as error:  # noqa: BLE001 - a plug-in may fail in any way
            what = http.redact(f"{type(error).__name__}: {error}")[:200]
            raise BadResponse(
                f"The answer of {provider.spec.title}'s text model is not understood ({what}).",
                provider=provider.spec.name,
            ) from None

    async def fetch(self, url: str) -> bytes:
        """Download an image from a user's link, without any key, and return its bytes.

        The link must be https and must not lead to a private address. The image must not be larger than a
        download may be, and must arrive within `LINK_TIMEOUT`.

        Raises:
            InvalidRequest: the image cannot be fetched; the message says why.
        """
        try:
            async with self._clock.timeout(LINK_TIMEOUT):
                return (await self.http(self.links).download(url)).data
        except (ProviderError, TimeoutError) as error:
            late = f"The link did not answer in {LINK_TIMEOUT:g} s."
            raise InvalidRequest(
                error.message if isinstance(error, ProviderError) else late,
                parameter="references",
                next_step="Give a public https link to an image, or save the image and add the file.",
            ) from None

    # -------------------------------------------------------------- keys

    async def look_for_keys(self, specs: Sequence[ProviderSpec]) -> bool:
        """Look for keys in slow sources too, such as a keyring. Return True where any key changed."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._key_thread, self.keys.look, specs)

    async def keep_key(self, name: str, key: str | None) -> bool:
        """Put a key into the system's keyring, or take the key out (None). See `Keys.remember`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._key_thread, self.keys.remember, name, key)

    # -------------------------------------------------------------- the end

    async def close(self) -> None:
        """Close the connections and end the thread of the keys."""
        await self._client.aclose()
        self._key_thread.shutdown(wait=False, cancel_futures=True)

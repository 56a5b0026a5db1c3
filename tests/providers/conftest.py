"""Fixtures: a provider with its client, as the engine makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from imgplay_widget._types import Done, Partial, Reference, Unit
from imgplay_widget.providers import Http, Provider
from imgplay_widget.providers.http import new_client
from imgplay_widget.providers.openai import OpenAI

KEY = "sk-canary-7f3a91c2d4e5b6a7"


async def white_mask(mask: Reference) -> bytes:
    """Return the bytes that stand for a mask in black and white."""
    return b"white " + mask.digest[:1].encode()


class Caller:
    """Runs one call of a provider in a loop of its own, with a fresh client."""

    def __init__(
        self,
        provider: Provider,
        *,
        key: str | None = KEY,
        files: Mapping[str, bytes] | None = None,
        mask: bytes | None = None,
        **options: Any,
    ):
        self.provider = provider
        self.key = key
        self.files = dict(files or {})
        self.mask = mask
        self.options = options

    def run(self, call: Callable[[Http], Awaitable[Any]]) -> Any:
        async def within() -> Any:
            async with new_client(**self.options) as client:
                http = Http(
                    self.provider,
                    client,
                    lambda: self.key,
                    lambda reference: self.files[reference.digest],
                    masks=self._mask,
                )
                return await call(http)

        return asyncio.run(within())

    async def _mask(self, mask: Reference) -> bytes:
        return await white_mask(mask) if self.mask is None else self.mask

    def submit(self, unit: Unit) -> Done:
        return self.run(lambda http: self.provider.submit(unit, http))

    def stream(self, unit: Unit) -> tuple[list[Partial], Done]:
        async def collect(http: Http) -> list[Any]:
            found = self.provider.stream(unit, http)
            assert found is not None
            return [item async for item in found]

        *partials, done = self.run(collect)
        return partials, done


def unit_of(
    n: int = 1,
    *,
    model: str = "gpt-image-2",
    references: tuple[Reference, ...] = (),
    previews: bool = True,
    **params: Any,
) -> Unit:
    return Unit(
        model=model,
        prompt="a paper boat",
        params=params,
        positions=tuple(range(n)),
        seeds=(None,) * n,
        references=references,
        previews=previews,
        key="unit-1",
    )


@pytest.fixture
def official(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Caller]:
    """Return a maker of OpenAI's own provider, with the given server as its gateway."""

    def make(base_url: str, **options: Any) -> Caller:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        return Caller(OpenAI(), **options)

    return make

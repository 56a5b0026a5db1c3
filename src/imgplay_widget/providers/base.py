"""The provider contract: how a request becomes HTTP, and an answer becomes a value.

A provider maps. It never sleeps, loops over time, retries, downloads to disk, stores or logs: the engine
does that, once, for all. What a model can do is data (`ModelSpec`); form, validation, planning and docs
come from it.

Write one in four steps: subclass `Provider`, set `spec`, list `models`, map `submit` (and `poll`, for a
provider with a queue). Register it with `register` or under the entry-point group
``imgplay_widget.providers``; the built-in providers come through the same hole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from imgplay_widget._types import (
    Done,
    ModelSpec,
    Partial,
    Pending,
    ProviderSpec,
    Request,
    Unit,
)
from imgplay_widget.errors import ModelNotFound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from imgplay_widget.providers.http import Http

__all__ = ["CancelOutcome", "Provider"]

CancelOutcome = Literal["cancelled", "requested", "unsupported"]
"""What became of a cancel: the job is gone, a signal was sent, or the provider has no way."""


class Provider:
    """The base of all providers.

    A provider has no state that a request changes, so that one instance serves any number of tasks.
    """

    spec: ClassVar[ProviderSpec] | ProviderSpec
    """What is known of it beside its models."""

    def models(self) -> Sequence[ModelSpec]:
        """Gives the models that it ships. No network."""
        raise NotImplementedError

    def model(self, id: str) -> ModelSpec | None:
        """Gives the model of that id, or None where the provider cannot have such a model.

        A provider that takes free-text ids gives a general `ModelSpec` for those that it does not ship.
        """
        return next((m for m in self.models() if m.id == id), None)

    def origin(self) -> str:
        """Gives the origin (scheme, host, port) or base URL that alone may receive the key.

        An empty string stands for a provider that uses no network.
        """
        return ""

    def takes_key(self, url: str) -> bool:
        """Says whether an address outside `origin` belongs to the provider and gets the key too.

        For a provider whose jobs live on other hosts than the one that takes them.

        Args:
            url: the whole address; only https ones may be accepted.
        """
        return False

    def headers(self, key: str) -> Mapping[str, str]:
        """Gives the headers that carry the key. Only `Http` calls this, and only where the key may go."""
        return {"Authorization": f"Bearer {key}"}

    def plan(self, request: Request, spec: ModelSpec, seed: int | None) -> list[Unit]:
        """Splits a request into calls.

        The default makes as few calls as `ModelSpec.native_n` allows where no seed is sent, and one call
        an image, each with its own seed, where the model has seeds.

        Args:
            request: what the user asked for.
            spec: the model.
            seed: the seed of the first image (the user's, or one drawn for this request); None where the
                model has none. The image at position i gets ``seed + i``, wrapped at the seed's maximum.
        """
        params = {name: value for name, value in request.params.items() if name != "seed"}
        seeds = seeds_from(seed, request.n, spec)
        size = 1 if seed is not None else max(1, spec.native_n)
        units: list[Unit] = []
        for start in range(0, request.n, size):
            positions = tuple(range(start, min(start + size, request.n)))
            units.append(
                Unit(
                    model=spec.id,
                    prompt=request.prompt,
                    params=params,
                    positions=positions,
                    seeds=tuple(seeds[p] for p in positions),
                    references=request.references,
                    mask=request.mask,
                    previews=spec.previews,
                )
            )
        return units

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Sends one call.

        Args:
            unit: what to send.
            http: the provider's own client; it adds the key and turns failures into errors.

        Raises:
            ProviderError: with `maybe_billed` True unless the provider provably did no work.
        """
        raise NotImplementedError

    def stream(self, unit: Unit, http: Http) -> AsyncGenerator[Partial | Pending | Done] | None:
        """Sends one call whose answer is a stream: partial images, then `Done` (or `Pending`).

        Gives None where this call has no stream; the engine then uses `submit`. Raises as `submit` does.
        """
        return None

    async def watch(self, unit: Unit, http: Http) -> Partial | None:
        """Looks how far a call is that was sent and not answered yet; for servers that say it beside.

        The engine asks once at the start of a `submit`, then every `WATCH_EVERY` seconds until it ends,
        never twice at a time. Nothing depends on it: an error means that there is nothing to see this time.

        Args:
            unit: what was sent; its `key` tells this call from others.
            http: the provider's own client.

        Returns:
            The look (an empty `Partial` where nothing can be seen yet), or None where the call cannot be
            watched; the engine then stops asking.
        """
        return None

    async def stop(self, unit: Unit, http: Http) -> CancelOutcome:
        """Asks the provider to stop a call that was sent and not answered, nor given a ticket.

        The connection is closed already; many servers work on all the same. It must not touch the jobs of
        others.
        """
        return "unsupported"

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Asks for a job by its ticket. May be repeated freely.

        Raises:
            Lost: the provider no longer knows the job.
            ProviderError: other failures; the engine asks again where they are retryable.
        """
        raise NotImplementedError

    def text_model(self) -> str | None:
        """Gives the id of a cheap text model for titles and prompts, or None where it has none of its own."""
        return None

    async def write(self, model: str, instruction: str, text: str, http: Http) -> str:
        """Has a text model answer, once.

        Args:
            model: the id of the text model, without the provider.
            instruction: what it shall do.
            text: with what.
            http: the provider's own client.

        Raises:
            ProviderError: it did not answer, or the provider has no text models.
        """
        raise ModelNotFound(f"{self.spec.title} has no text models here.", provider=self.spec.name)

    async def discover(self, http: Http) -> Sequence[ModelSpec] | None:
        """Asks the provider what it offers now; None where it has no such list. Costs nothing.

        Raises:
            ProviderError: it could not be asked.
        """
        return None

    async def check(self, http: Http) -> None:
        """Asks the provider whether key and network are good, by a call that costs nothing.

        The default asks what it offers. Nothing is said where it can't be known without paying.

        Raises:
            MissingKey: no key is set.
            BadKey: it was refused.
            NetworkError: the provider cannot be reached.
            ProviderError: the provider has another trouble.
        """
        await self.discover(http)

    async def cancel(self, ticket: Mapping[str, Any], http: Http) -> CancelOutcome:
        """Asks the provider to stop a job."""
        return "unsupported"


def seeds_from(seed: int | None, n: int, spec: ModelSpec) -> tuple[int | None, ...]:
    """Gives a distinct seed for each of n images, or None for each where no seed is sent."""
    if seed is None:
        return (None,) * n
    parameter = spec.parameter("seed")
    low = int(parameter.minimum or 0) if parameter else 0
    high = int(parameter.maximum) if parameter and parameter.maximum is not None else 2**31 - 1
    return tuple(low + (seed - low + i) % (high - low + 1) for i in range(n))

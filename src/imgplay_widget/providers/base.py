"""The provider contract: how a request becomes HTTP, and an answer becomes a value.

A provider only maps. It never sleeps, retries, downloads to disk, stores or logs: the engine does all of
this, once for all providers. The abilities of a model are data (`ModelSpec`); the form, the validation, the
planning and the docs come from these data.

To write a provider, subclass `Provider`, set `spec`, list `models` and map `submit` (and `poll`, for a
provider with a queue). ``docs/write-a-provider.md`` shows the way; `imgplay_widget.providers.cloud` has base
classes that already do most of it.
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
    from pathlib import Path

    from imgplay_widget.providers.http import Http

__all__ = ["CancelOutcome", "Provider"]

CancelOutcome = Literal["cancelled", "requested", "unsupported"]
"""The result of a cancel. The job is gone, the provider got a signal, or the provider cannot cancel."""


class Provider:
    """The base of all providers.

    A request changes nothing in a provider, so that one instance serves any number of tasks.
    """

    spec: ClassVar[ProviderSpec] | ProviderSpec
    """The name, the title, the key variables and the limits of the provider."""

    def models(self) -> Sequence[ModelSpec]:
        """Return the models that the provider ships. Use no network."""
        raise NotImplementedError

    def model(self, id: str) -> ModelSpec | None:
        """Return the model of that id, or None where the provider cannot have such a model.

        A provider that accepts any id returns a general `ModelSpec` for an id that it does not ship.
        """
        return next((m for m in self.models() if m.id == id), None)

    def origin(self) -> str:
        """Return the origin (scheme, host, port) or base URL. The key goes nowhere else.

        An empty string means that the provider uses no network.
        """
        return ""

    def takes_key(self, url: str) -> bool:
        """Return whether an address outside `origin` belongs to the provider and gets the key too.

        Override this for a provider whose jobs are on other hosts than the one that accepts them.

        Args:
            url: the whole address; accept https addresses only.
        """
        return False

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the headers with the key. `Http` calls this only for addresses that may get the key."""
        return {"Authorization": f"Bearer {key}"}

    def plan(self, request: Request, spec: ModelSpec, seed: int | None) -> list[Unit]:
        """Split a request into calls.

        The default makes one call for each image, with a seed of its own, if the model has seeds. Otherwise
        it makes as few calls as `ModelSpec.native_n` allows.

        Args:
            request: the user's request.
            spec: the model.
            seed: the seed of the first image, chosen by the user or drawn for this request; None if the
                model has no seeds. The image at position i gets ``seed + i``, wrapped at the maximum.
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
        """Send one call.

        Args:
            unit: the call.
            http: the provider's own client. It adds the key, and turns failures of the network into errors.

        Raises:
            ProviderError: the call failed; `failure` decides whether it may have been billed.
        """
        raise NotImplementedError

    def stream(self, unit: Unit, http: Http) -> AsyncGenerator[Partial | Pending | Done] | None:
        """Send one call whose answer is a stream: partial images, then `Done` (or `Pending`).

        Return None for a call without a stream; the engine then uses `submit`. Errors are those of `submit`.
        """
        return None

    async def watch(self, unit: Unit, http: Http) -> Partial | None:
        """Ask for the progress of a call that is not answered yet, if the server has a second call for this.

        The engine asks at the start of a `submit`, then every `WATCH_EVERY` seconds until the call ends,
        never twice at a time. Nothing depends on the answer; after an error the engine asks again.

        Args:
            unit: the call; its `key` distinguishes it from others.
            http: the provider's own client.

        Returns:
            The progress, an empty `Partial` if there is nothing to see yet, or None if the server has no such
            call; then the engine stops asking.
        """
        return None

    def listen(self, ticket: Mapping[str, Any], http: Http) -> AsyncGenerator[Partial] | None:
        """Listen to a job whose server tells its progress by itself, for instance over a socket.

        The engine listens from the ticket until the job is over, beside its polls and with one listener at a
        time. The end of the generator says that the job is over; the engine then polls at once. Nothing else
        depends on what it says.

        Args:
            ticket: the ticket of the job, which may still wait.
            http: the provider's own client.

        Returns:
            What the server tells, or None if it tells nothing by itself; then the engine does not ask again.

        Raises:
            ProviderError: the connection is lost or did not come about. The engine listens again after its
                next poll.
        """
        return None

    async def stop(self, unit: Unit, http: Http) -> CancelOutcome:
        """Ask the provider to stop a call that has neither an answer nor a ticket yet.

        The connection is closed already, but many servers go on with the work. The job of another user
        must never be stopped.
        """
        return "unsupported"

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Ask for a job by its ticket. The engine may repeat this at will.

        Raises:
            Lost: the provider no longer knows the job.
            ProviderError: the question failed; the engine asks again if this is retryable.
        """
        raise NotImplementedError

    def bills(self, model: ModelSpec) -> bool:
        """Return whether a call of a model may cost money, so that a lost answer may have been billed."""
        return bool(self.origin()) and (model.paid or not self.spec.free)

    def text_model(self) -> str | None:
        """Return the id of a cheap text model for titles and prompts, or None if there is none."""
        return None

    async def write(self, model: str, instruction: str, text: str, http: Http) -> str:
        """Ask a text model once, and return its answer.

        Args:
            model: the id of the text model, without the provider.
            instruction: what the model shall do.
            text: the text that it shall work on.
            http: the provider's own client.

        Raises:
            ProviderError: the model did not answer, or the provider has no text models.
        """
        raise ModelNotFound(f"{self.spec.title} has no text models here.", provider=self.spec.name)

    async def discover(self, http: Http) -> Sequence[ModelSpec] | None:
        """Ask the provider for its current models, by a call that costs nothing.

        Return None if the provider has no such list.

        Raises:
            ProviderError: the question failed.
        """
        return None

    async def describe(self, id: str, http: Http) -> ModelSpec | None:
        """Ask the provider what one model takes that no list has, by a call that costs nothing.

        The studio asks before the first request for an id that a user typed, and keeps the answer.

        Args:
            id: the id, for which `model` returns a general `ModelSpec`.
            http: the provider's own client.

        Returns:
            The model, whose id may be a more exact one, or None if the provider does not list the model.

        Raises:
            ProviderError: the question failed.
        """
        return None

    async def check(self, http: Http) -> None:
        """Test the key and the network, by a call that costs nothing.

        The default calls `discover`. It raises nothing if the provider has no free call for a test.

        Raises:
            MissingKey: no key is set.
            BadKey: the provider refused the key.
            NetworkError: the provider cannot be reached.
            ProviderError: something else is wrong at the provider.
        """
        await self.discover(http)

    async def cancel(self, ticket: Mapping[str, Any], http: Http) -> CancelOutcome:
        """Ask the provider to stop a job."""
        return "unsupported"

    def workflow_folder(self) -> Path | None:
        """Return the folder whose files are models of the provider, or None if it has no such models.

        The studio puts a workflow there that a user adds: ``<name>.json``, with the text of `read_workflow`.
        """
        return None

    async def read_workflow(self, data: bytes, http: Http) -> str:
        """Return the text of a workflow as the provider keeps it.

        Args:
            data: the file of the user.
            http: the provider's own client.

        Raises:
            BadRequest: the file is not a workflow that the provider can use.
            ProviderError: the provider could not be asked.
        """
        raise NotImplementedError


def seeds_from(seed: int | None, n: int, spec: ModelSpec) -> tuple[int | None, ...]:
    """Return a different seed for each of n images, or None for each image if no seed is sent."""
    if seed is None:
        return (None,) * n
    parameter = spec.parameter("seed")
    low = int(parameter.minimum or 0) if parameter else 0
    high = int(parameter.maximum) if parameter and parameter.maximum is not None else 2**31 - 1
    return tuple(low + (seed - low + i) % (high - low + 1) for i in range(n))

"""The workflows that a user adds: files that a provider has as models."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from imgplay_widget._ids import new_id
from imgplay_widget._rules.changes import Change, ModelsWritten
from imgplay_widget._store.paths import path_of
from imgplay_widget.errors import DeadlineExceeded, InvalidRequest

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path

    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._engine.clients import Clients
    from imgplay_widget._studio.offers import Offers
    from imgplay_widget._types import ModelSpec
    from imgplay_widget.providers.registry import Registry

__all__ = ["MAX_FILE", "Workflows", "read_workflow"]

MAX_FILE = 64 * 2**20
"""The most bytes of a file that may hold a workflow. A picture holds one beside its pixels."""

READ_WAIT = 60.0
"""The most seconds for the questions that a provider asks its server about a workflow."""

_LONGEST_NAME = 80

_DEFAULT = "default"
"""The name that a provider keeps for a model of its own."""


class Workflows:
    """The keeper of the workflows of users. On the engine's loop.

    Args:
        archive: has the threads that write files.
        clients: the HTTP clients of the providers.
        registry: the providers.
        offers: asks a provider for its models again.
        notify: called with each change.
    """

    def __init__(
        self,
        archive: Archive,
        clients: Clients,
        registry: Registry,
        offers: Offers,
        notify: Callable[[Change], None],
    ) -> None:
        self._archive = archive
        self._clients = clients
        self._registry = registry
        self._offers = offers
        self._notify = notify
        # One after the other, so that two files of one name do not take each other's place.
        self._order = asyncio.Lock()

    async def add(self, name: str, data: bytes, provider: str = "comfyui") -> ModelSpec:
        """Keep a workflow as a model, and return the model. A model of the same name stays.

        Args:
            name: the name of the file or of the model, with or without its ending.
            data: the file.
            provider: the name of the provider that shall have the model.

        Raises:
            NotFound: there is no such provider.
            InvalidRequest: the provider takes no workflows, the file is too large, or the folder cannot be
                written to.
            BadRequest: the file is not a workflow, or the provider cannot use it.
            ProviderError: the provider could not be asked about the workflow.
        """
        one = self._registry.get(provider)
        folder = one.workflow_folder()
        if folder is None:
            raise InvalidRequest(
                f"{one.spec.title} takes no workflows.",
                parameter="provider",
                next_step="Add the workflow to ComfyUI.",
            )
        if len(data) > MAX_FILE:
            raise _too_large(len(data))
        try:
            async with asyncio.timeout(READ_WAIT):
                text = await one.read_workflow(data, self._clients.http(one))
        except TimeoutError:
            raise DeadlineExceeded(
                f"{one.spec.title} did not answer in {READ_WAIT:g} s.", provider=provider
            ) from None
        async with self._order:
            kept = await self._archive.in_pool(_write, folder, _named(name), text)
        await self._offers.refresh_quietly(one)
        self._notify(ModelsWritten())
        return self._registry.find(f"{provider}:{kept}")[1]


def read_workflow(workflow: str | os.PathLike[str] | bytes | Mapping[str, Any]) -> tuple[str, bytes]:
    """Return the name and the content of a workflow as code gives it: a file, its bytes, or its JSON.

    Raises:
        InvalidRequest: the file cannot be read, or is too large.
    """
    if isinstance(workflow, bytes):
        return "", workflow
    if isinstance(workflow, Mapping):
        return "", json.dumps(workflow).encode()
    path = path_of(workflow, "workflow")
    try:
        if path.stat().st_size > MAX_FILE:
            raise _too_large(path.stat().st_size)
        return path.name, path.read_bytes()
    except OSError as error:
        raise InvalidRequest(
            f"The file {path} cannot be read: {error.strerror or error}.",
            parameter="workflow",
            next_step="Check the path of the workflow.",
        ) from error


def _too_large(size: int) -> InvalidRequest:
    return InvalidRequest(
        f"The file has {size:,} bytes: a file with a workflow has up to {MAX_FILE:,}.",
        parameter="workflow",
        next_step="Choose the JSON file of the workflow.",
    )


def _named(name: str) -> str:
    """Return the name of a model: letters, digits, spaces and a few signs, which every file system allows."""
    stem = re.sub(r"\.(json|png)$", "", re.split(r"[/\\]", name.strip())[-1], flags=re.IGNORECASE)
    kept = re.sub(r"[^\w ()+.-]+", "-", stem)[:_LONGEST_NAME].strip(" .-")
    return kept if kept and kept != _DEFAULT else "workflow"


def _write(folder: Path, name: str, text: str) -> str:
    """Write a file whole, under a name that no other workflow has, and return the name."""
    data = text.encode()
    kept, number = name, 1
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while (path := folder / f"{kept}.json").exists():
            if path.read_bytes() == data:
                return kept
            number += 1
            kept = f"{name} {number}"
        draft = folder / f".{new_id()}.part"
        draft.write_bytes(data)
        draft.replace(path)
    except OSError as error:
        raise InvalidRequest(
            f"The workflow cannot be written to {folder}: {error.strerror or error}.",
            parameter="workflow",
            next_step="Give the provider a folder that you may write to (COMFYUI_WORKFLOWS).",
        ) from error
    return kept

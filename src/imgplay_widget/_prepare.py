"""From a checked request to the rows that will be stored: nothing is stored, sent or paid here."""

from __future__ import annotations

import hashlib
import io
import os
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from imgplay_widget._handles import GenerationHandle
from imgplay_widget._ids import new_id
from imgplay_widget._store import images
from imgplay_widget._titles import first_words
from imgplay_widget._types import Batch, Entry, Generation, Reference, Stage, Task, Topic
from imgplay_widget.errors import CorruptImage, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from PIL.Image import Image

    from imgplay_widget._types import ModelSpec, Request, Unit
    from imgplay_widget.providers.base import Provider

__all__ = ["Input", "Prepared", "ReferenceLike", "Scope", "check_inputs", "prepare", "read_input"]

ReferenceLike: TypeAlias = "str | os.PathLike[str] | bytes | Image | GenerationHandle"
"""What can be given as an input image."""


class Scope(NamedTuple):
    """Whose rows they are."""

    user_id: str
    organization_id: str | None


class Input(NamedTuple):
    """An input image that was read and checked, with its bytes."""

    reference: Reference
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request that was checked and can be stored: nothing was stored, sent or paid so far."""

    entry: Entry
    new_topic: Topic | None


def prepare(
    provider: Provider,
    spec: ModelSpec,
    request: Request,
    scope: Scope,
    *,
    topic_id: str | None,
    title: str | None,
    now: datetime,
) -> Prepared:
    """Gives the rows of a request.

    Args:
        provider: who will be asked.
        spec: the model.
        request: what was asked for, checked.
        scope: whose rows they are.
        topic_id: the topic, or None for a new one.
        title: the title of a new topic; None takes the first words of the prompt.
        now: aware UTC.
    """
    new_topic = None
    if topic_id is None:
        topic_id = new_id()
        new_topic = Topic(
            id=topic_id,
            user_id=scope.user_id,
            organization_id=scope.organization_id,
            title=title or first_words(request.prompt),
            title_by="user" if title else "prompt",
            cover_url=None,
            created_at=now,
            updated_at=now,
        )
    batch = Batch(
        id=new_id(),
        topic_id=topic_id,
        user_id=scope.user_id,
        organization_id=scope.organization_id,
        provider=spec.provider,
        model=spec.id,
        prompt=request.prompt,
        config={**request.params, "n": request.n},
        width=request.params.get("width"),
        height=request.params.get("height"),
        created_at=now,
        references=request.references,
        mask=request.mask,
    )
    seed = request.params.get("seed")
    units = provider.plan(request, spec, _draw_seed(spec) if seed is None else seed)
    tasks: list[Task] = []
    generations: list[Generation] = []
    for unit in units:
        task = _task(batch, unit, request.deadline)
        tasks.append(task)
        generations += _generations(batch, task)
    generations.sort(key=lambda generation: generation.position)
    entry = Entry(batch=batch, generations=tuple(generations), tasks=tuple(tasks))
    return Prepared(entry=entry, new_topic=new_topic)


def _task(batch: Batch, unit: Unit, deadline: float) -> Task:
    task_id = new_id()
    return Task(
        id=task_id,
        batch_id=batch.id,
        user_id=batch.user_id,
        provider=batch.provider,
        model=batch.model,
        stage=Stage.PENDING,
        unit=replace(unit, key=task_id),
        deadline=deadline,
        created_at=batch.created_at,
        updated_at=batch.created_at,
    )


def _generations(batch: Batch, task: Task) -> list[Generation]:
    return [
        Generation(
            id=new_id(),
            batch_id=batch.id,
            user_id=batch.user_id,
            async_task_id=task.id,
            position=position,
            seed=seed,
            asset=None,
            error=None,
            applied={},
            favourite=False,
            parent_id=None,
            created_at=batch.created_at,
        )
        for position, seed in zip(task.unit.positions, task.unit.seeds, strict=True)
    ]


def _draw_seed(spec: ModelSpec) -> int | None:
    """A random seed in the model's range, so that the image can be made again; None where it has none."""
    if spec.seed == "none":
        return None
    parameter = spec.parameter("seed")
    if parameter is None:
        return None
    low = int(parameter.minimum or 0)
    high = int(parameter.maximum) if parameter.maximum is not None else 2**31 - 1
    return random.randint(low, high)  # noqa: S311 - no secret


def check_inputs(spec: ModelSpec, inputs: Sequence[Input], mask: Input | None) -> None:
    """Refuses an input image or a mask that is too large for the model.

    Raises:
        InvalidRequest: names the image and the limit.
    """
    rule = spec.references
    for number, (_, data) in enumerate(inputs, 1):
        if rule is not None and len(data) > rule.max_bytes:
            raise InvalidRequest(
                f"Reference {number} has {len(data) / 1e6:.1f} MB; {spec.name} takes"
                f" {rule.max_bytes / 1e6:g} MB at most.",
                parameter="references",
            )
    limit = spec.max_mask_bytes or (rule.max_bytes if rule is not None else None)
    if mask is not None and limit is not None and len(mask.data) > limit:
        raise InvalidRequest(
            f"The mask has {len(mask.data) / 1e6:.1f} MB; {spec.name} takes {limit / 1e6:g} MB at most.",
            parameter="mask",
        )


def read_input(item: ReferenceLike, role: Literal["reference", "mask"] = "reference") -> Input:
    """Reads an input image and checks that it is one.

    Args:
        item: the image.
        role: what it is for; errors call it so.

    Raises:
        InvalidRequest: it cannot be read, or is no image.
    """
    parameter = "references" if role == "reference" else role
    match item:
        case bytes():
            data = item
        case GenerationHandle():
            data = item.bytes
        case str() | os.PathLike():
            try:
                data = Path(item).expanduser().read_bytes()
            except OSError as error:
                raise InvalidRequest(
                    f"The {role} {str(item)!r} cannot be read ({error.strerror}).",
                    parameter=parameter,
                ) from None
        case _:
            data = _encoded(item, role, parameter)
    try:
        accepted = images.accept(data)
    except CorruptImage as error:
        raise InvalidRequest(f"A {role} is no image: {error.message}", parameter=parameter) from None
    reference = Reference(
        digest=hashlib.sha256(accepted.data).hexdigest(),
        media_type=accepted.media_type,
        width=accepted.width,
        height=accepted.height,
    )
    return Input(reference, accepted.data)


def _encoded(item: object, role: str, parameter: str) -> bytes:
    """The PNG of a Pillow image."""
    save = getattr(item, "save", None)
    if save is None:
        raise InvalidRequest(
            f"{type(item).__name__} is no {role}.",
            parameter=parameter,
            next_step="Give a path, bytes, a Pillow image or a result.",
        )
    buffer = io.BytesIO()
    save(buffer, format="PNG")
    return buffer.getvalue()

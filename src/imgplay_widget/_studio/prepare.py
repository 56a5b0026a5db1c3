"""The making of rows from a checked request. Nothing is stored, sent or paid here."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from imgplay_widget import catalog
from imgplay_widget._ids import new_id
from imgplay_widget._rules.costs import priced
from imgplay_widget._rules.titles import first_words
from imgplay_widget._types import Batch, Entry, Generation, Stage, Task, Topic

if TYPE_CHECKING:
    from datetime import datetime

    from imgplay_widget._studio.inputs import Input
    from imgplay_widget._types import Action, ModelSpec, Request, Unit
    from imgplay_widget.providers.base import Provider

__all__ = ["Checked", "HistoryOwner", "Prepared", "prepare", "topic_for"]


class HistoryOwner(NamedTuple):
    """The owner of a history: a user, who may belong to an organization."""

    user_id: str
    organization_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A request that its model takes. Nothing was stored, and neither key nor budget was looked at.

    Attributes:
        provider: the provider of the model.
        spec: the model.
        request: the request.
        inputs: the input images that were read, the mask among them.
        action: see `Batch`.
    """

    provider: Provider
    spec: ModelSpec
    request: Request
    inputs: tuple[Input, ...]
    action: Action | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A checked request that can be stored. Nothing was stored, sent or paid so far."""

    entry: Entry
    new_topic: Topic | None


def prepare(
    provider: Provider,
    spec: ModelSpec,
    request: Request,
    owner: HistoryOwner,
    *,
    topic_id: str | None,
    title: str | None,
    click_id: str | None,
    sweep_id: str | None,
    action: Action | None,
    now: datetime,
) -> Prepared:
    """Return the rows of a request.

    Args:
        provider: the provider of the model.
        spec: the model.
        request: the checked request.
        owner: the owner of the rows.
        topic_id: the topic, or None for a new one.
        title: the title of a new topic; None takes the first words of the batch.
        click_id: see `Batch`.
        sweep_id: see `Batch`.
        action: see `Batch`.
        now: the present time, aware UTC.
    """
    batch = Batch(
        id=new_id(),
        topic_id=topic_id or new_id(),
        user_id=owner.user_id,
        organization_id=owner.organization_id,
        provider=spec.provider,
        model=spec.id,
        prompt=request.prompt,
        config={**request.params, "n": request.n},
        width=request.params.get("width"),
        height=request.params.get("height"),
        created_at=now,
        references=request.references,
        mask=request.mask,
        click_id=click_id,
        sweep_id=sweep_id,
        action=action,
    )
    new_topic = None
    if topic_id is None:
        new_topic = replace(topic_for(batch.words, owner, title=title, now=now), id=batch.topic_id)
    seed = request.params.get("seed")
    units = provider.plan(request, spec, _draw_seed(spec) if seed is None else seed)
    tasks: list[Task] = []
    generations: list[Generation] = []
    for unit in units:
        cost = catalog.call_cost(provider.spec, spec, request.params, unit)
        task = priced(_task(batch, unit, request.deadline), cost)
        tasks.append(task)
        generations += _generations(batch, task)
    generations.sort(key=lambda generation: generation.position)
    entry = Entry(batch=batch, generations=tuple(generations), tasks=tuple(tasks))
    return Prepared(entry=entry, new_topic=new_topic)


def topic_for(prompt: str, owner: HistoryOwner, *, title: str | None, now: datetime) -> Topic:
    """Return a new topic.

    Args:
        prompt: the first prompt of the topic.
        owner: the owner of the topic.
        title: the title; None takes the first words of the prompt.
        now: the present time, aware UTC.
    """
    return Topic(
        id=new_id(),
        user_id=owner.user_id,
        organization_id=owner.organization_id,
        title=title or first_words(prompt),
        title_by="user" if title else "prompt",
        cover_url=None,
        created_at=now,
        updated_at=now,
    )


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
            starred=False,
            parent_id=None,
            created_at=batch.created_at,
        )
        for position, seed in zip(task.unit.positions, task.unit.seeds, strict=True)
    ]


def _draw_seed(spec: ModelSpec) -> int | None:
    """Return a random seed, so that the image can be made again, or None where the model takes none."""
    if spec.seed == "none":
        return None
    parameter = spec.parameter("seed")
    if parameter is None:
        return None
    low = int(parameter.minimum or 0)
    high = int(parameter.maximum) if parameter.maximum is not None else 2**31 - 1
    return random.randint(low, high)  # noqa: S311 - not a secret

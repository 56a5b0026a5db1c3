"""Values for the tests of the store."""

import io
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from PIL import Image

from imgplay_widget._ids import new_id
from imgplay_widget._rules import lifecycle as life
from imgplay_widget._store import StoredImage, images
from imgplay_widget._types import Batch, Entry, Generation, Stage, Task, Topic, Unit
from imgplay_widget.errors import Cancelled

NOW = datetime(2026, 5, 4, 3, 2, 1, 987654, tzinfo=UTC)
SOON = NOW + timedelta(seconds=30)
LATE = NOW + timedelta(seconds=60)


def make_topic(title="Foxes", *, user_id="local", organization_id=None, at=NOW):
    return Topic(
        id=new_id(),
        user_id=user_id,
        organization_id=organization_id,
        title=title,
        cover_url=None,
        created_at=at,
        updated_at=at,
    )


def make_batch(
    topic, n=1, *, one_task=False, owner="me", until=SOON, references=(), mask=None, at=NOW, click_id=None
):
    """Return a batch, its generations and its tasks."""
    batch = Batch(
        id=new_id(),
        topic_id=topic.id,
        user_id=topic.user_id,
        organization_id=topic.organization_id,
        provider="demo",
        model="paint",
        prompt="a red fox, 雪",
        config={"n": n, "width": 64, "quality": "high"},
        width=64,
        height=48,
        created_at=at,
        references=tuple(references),
        mask=mask,
        click_id=click_id,
    )
    groups = [tuple(range(n))] if one_task else [(i,) for i in range(n)]
    tasks = [make_task(batch, positions, owner=owner, until=until) for positions in groups]
    generations = [
        Generation(
            id=new_id(),
            batch_id=batch.id,
            user_id=batch.user_id,
            async_task_id=task.id,
            position=position,
            seed=2**40 + position,
            asset=None,
            error=None,
            applied={},
            starred=False,
            parent_id=None,
            created_at=at,
        )
        for task in tasks
        for position in task.unit.positions
    ]
    return batch, generations, tasks


def add_batch(store, batch, generations, tasks, **more):
    """Add a single batch, and return its topic."""
    topic, _ = store.add_batches([entry_of(batch, generations, tasks)], **more)
    return topic


def entry_of(batch, generations, tasks):
    """Return a batch with its generations and tasks."""
    return Entry(batch=batch, generations=tuple(generations), tasks=tuple(tasks))


def make_task(batch, positions=(0,), *, owner="me", until=SOON, seed=2**40):
    unit = Unit(
        model=batch.model,
        prompt=batch.prompt,
        params={"width": 64},
        positions=tuple(positions),
        seeds=tuple(seed + i for i in positions),
        references=batch.references,
        mask=batch.mask,
        key=new_id(),
    )
    return Task(
        id=new_id(),
        batch_id=batch.id,
        user_id=batch.user_id,
        provider=batch.provider,
        model=batch.model,
        stage=Stage.PENDING,
        unit=unit,
        deadline=12.5,
        created_at=NOW,
        updated_at=NOW,
        lease_owner=owner,
        lease_until=until if owner else None,
    )


def make_png(size=(64, 48), mode="RGB", *, noise=True):
    image = Image.new(mode, size)
    if noise:
        channels = [
            Image.frombytes("L", size, os.urandom(size[0] * size[1])) for _ in range(len(image.getbands()))
        ]
        image = Image.merge(mode, channels) if len(channels) > 1 else channels[0]
    return encode(image, "PNG")


def encode(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def receive(store, generation, data):
    """Keep the bytes of a generation, as the engine does."""
    accepted = images.accept(data)
    digest = store.assets.receive(generation.id, data)
    return StoredImage(
        generation_id=generation.id,
        digest=digest,
        media_type=accepted.media_type,
        width=accepted.width,
        height=accepted.height,
        size=len(data),
        applied={"seed": 5},
    )


def succeed(task, *, seconds=2.0):
    """Return a task after its success."""
    sent = life.advance(task, life.Send(), NOW)
    return life.advance(sent, life.Succeed(cost="0.04"), NOW + timedelta(seconds=seconds))


def fill(store, generation, task, data=None, *, owner="me"):
    """Store the image of a generation, and return the generation after the change."""
    image = receive(store, generation, make_png() if data is None else data)
    changed = store.finish_task(succeed(task), [image], {}, owner=owner)
    assert changed is not None
    return changed[0]


def with_lease(task, owner, until=SOON):
    return replace(task, lease_owner=owner, lease_until=until if owner else None)


def recipe_of(asset):
    """Return the file of the recipe of an image."""
    return f"recipes/{asset.digest[:2]}/{asset.digest}.json"


def files(store):
    """Return the files of the asset folder, without the locks and the sign that the folder is complete."""
    return files_in(store.assets.root)


def files_in(root):
    kept = [path for path in root.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {str(path.relative_to(root)) for path in kept} - {"complete"}


def ended(task):
    """Return a task as a deletion ends it."""
    cancelled = life.advance(task, life.Cancel(Cancelled("Cancelled.").info), NOW)
    return replace(cancelled, lease_owner=None, lease_until=None)


def delete(store, what, *ids):
    """Delete, at `NOW`."""
    return store.hide(what, ids, at=NOW, ended=ended)


def purge(store):
    """Purge all that was deleted."""
    while store.purge(LATE):
        pass

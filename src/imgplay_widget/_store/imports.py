"""Pictures from outside: files that come into the history with what they say of how they were made.

A file is copied, and stays where it is. Nothing is sent, and the rows have no call and no cost.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from imgplay_widget._ids import new_id
from imgplay_widget._rules.embedded import FileRecipe, found_in, metadata_of
from imgplay_widget._rules.embedded.values import table
from imgplay_widget._store import curation, images, queries, recipe_files, rows, tables
from imgplay_widget._text import MAX_NAME, clean
from imgplay_widget._types import Asset, Batch, FolderImport, Generation
from imgplay_widget.errors import CorruptImage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from imgplay_widget._store.assets import Assets
    from imgplay_widget._store.database import Database
    from imgplay_widget._store.queries import Scope

__all__ = ["TakenFile", "add", "date_of", "take"]

UNKNOWN = "unknown"
"""The provider and the model where the file does not say them."""

PROVIDERS = {
    "AUTOMATIC1111": "a1111",
    "Forge": "a1111",
    "ComfyUI": "comfyui",
    "InvokeAI": "invokeai",
    "Fooocus": "fooocus",
    "SwarmUI": "swarmui",
}
"""The name of each tool as a provider: where this package has a provider for its server, the name of that."""

MOST_PIXELS = 1_000_000
"""The most pixels of an edge. A file may say any number."""

EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
"""A file of an earlier time has lost it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile:
    """A picture whose bytes the store has, and which no row names yet.

    Attributes:
        name: the name of the file.
        generation_id: the id for which the bytes arrived.
        asset: the picture.
        recipe: what the file says of how it was made, or None.
        made_at: the time of the picture.
    """

    name: str
    generation_id: str
    asset: Asset
    recipe: FileRecipe | None
    made_at: datetime


def date_of(path: Path) -> datetime:
    """Return the time of a picture: that of its recipe, else of the camera, else of the file. Aware UTC.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        metadata = metadata_of(file)
    found = found_in(metadata)
    said = (None if found is None else found.made_at) or metadata.taken_at
    if said is not None and said >= EARLIEST:
        return said
    return max(EARLIEST, datetime.fromtimestamp(path.stat().st_mtime, UTC))


def take(assets: Assets, path: Path) -> TakenFile:
    """Copy a picture into the store, where it waits for its row.

    Raises:
        CorruptImage: the file is not an image, or is too large.
        DiskFull: there is no space.
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    if size > images.MAX_BYTES:
        raise CorruptImage(f"The image has {size:,} bytes. At most {images.MAX_BYTES:,} are allowed.")
    data = path.read_bytes()
    accepted = images.accept(data)
    generation_id = new_id()
    digest = assets.receive(generation_id, data)
    asset = assets.described(digest, accepted, len(data))
    return TakenFile(
        name=clean(path.name, MAX_NAME),
        generation_id=generation_id,
        asset=asset,
        recipe=found_in(metadata_of(io.BytesIO(data))),
        made_at=date_of(path),
    )


def add(
    database: Database, assets: Assets, scope: Scope, topic_id: str, some: Sequence[TakenFile]
) -> FolderImport:
    """Make rows for pictures, in their order and in one transaction. A picture that is there is left out."""
    with_recipe = without = known = 0
    with assets.exclusive(), database.writing() as connection:
        for one in some:
            if _is_known(connection, scope, one):
                known += 1
                continue
            assets.adopt(one.generation_id, one.asset.digest, one.asset.media_type)
            _add(connection, scope, assets, topic_id, one)
            if one.recipe is None:
                without += 1
            else:
                with_recipe += 1
        curation.update_topics(connection, scope, [topic_id])
    for one in some:
        assets.discard(one.generation_id)
    return FolderImport(topic_id=topic_id, with_recipe=with_recipe, without_recipe=without, known=known)


def _is_known(connection: Connection, scope: Scope, one: TakenFile) -> bool:
    """Return whether the user has the picture: the same file, or the original from which it was saved."""
    own: Mapping[str, Any] = {} if one.recipe is None or one.recipe.own is None else one.recipe.own
    digests = [digest for digest in (one.asset.digest, own.get("digest")) if isinstance(digest, str)]
    return any(queries.generation_of(connection, scope, digest) is not None for digest in digests)


def _add(connection: Connection, scope: Scope, assets: Assets, topic_id: str, one: TakenFile) -> None:
    recipe = one.recipe
    provider, model = _names(recipe)
    batch = Batch(
        id=new_id(),
        topic_id=topic_id,
        user_id=scope.user_id,
        organization_id=scope.organization_id,
        provider=provider,
        model=model,
        prompt=f"An image whose prompt is not known ({one.name})" if recipe is None else recipe.prompt,
        config={"n": 1} | ({} if recipe is None else _config(recipe)),
        width=_edge(recipe and recipe.width),
        height=_edge(recipe and recipe.height),
        created_at=one.made_at,
    )
    generation = Generation(
        id=one.generation_id,
        batch_id=batch.id,
        user_id=batch.user_id,
        async_task_id=None,
        position=0,
        seed=None if recipe is None or not _fits(recipe.seed) else recipe.seed,
        asset=one.asset,
        error=None,
        applied={},
        starred=False,
        parent_id=None,
        created_at=one.made_at,
    )
    # What a file says of its request does not answer a request of the user (`cache=True`).
    row = rows.batch_row(batch) | {"request_digest": f"imported {batch.id}"}
    connection.execute(insert(tables.batches), row)
    connection.execute(insert(tables.generations), rows.generation_row(generation))
    recipe_files.write(connection, assets, [generation], {}, 0)


def _fits(seed: int | None) -> bool:
    """Return whether a seed fits its column. Those of some tools have all 64 bits."""
    return seed is None or seed < 2**63


def _edge(pixels: int | None) -> int | None:
    return pixels if pixels is not None and 0 < pixels <= MOST_PIXELS else None


def _names(recipe: FileRecipe | None) -> tuple[str, str]:
    """Return the provider and the model, as the file says them."""
    if recipe is None:
        return UNKNOWN, UNKNOWN
    model = recipe.model or UNKNOWN
    provider = PROVIDERS.get(recipe.tool)
    if provider is None:
        # A recipe of this package names the provider too.
        provider, _, model = model.partition(":")
    return clean(provider, MAX_NAME) or UNKNOWN, clean(model, MAX_NAME) or UNKNOWN


def _config(recipe: FileRecipe) -> dict[str, Any]:
    """Return the parameters of the request, as the file says them."""
    requested = table((recipe.own or {}).get("requested"))
    said: dict[str, Any]
    if recipe.own is not None:
        said = {name: value for name, value in requested.items() if name != "seed"}
    else:
        said = {
            "negative_prompt": recipe.negative_prompt or None,
            "width": recipe.width,
            "height": recipe.height,
            "steps": recipe.steps,
            "cfg": recipe.cfg,
            "sampler": recipe.sampler,
            **recipe.parameters,
        }
    if recipe.tool in PROVIDERS:
        said["tool"] = recipe.tool
    if recipe.seed is not None and not _fits(recipe.seed):
        said["seed"] = str(recipe.seed)
    plain = {name: value for name, value in said.items() if isinstance(value, str | int | float)}
    return {name: value for name, value in plain.items() if name != "n"}

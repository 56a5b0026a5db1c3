"""What changed from version to version in the chain of an image."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from imgplay_widget._rules.lineage import Revision, revision
from imgplay_widget.errors import NotFound

if TYPE_CHECKING:
    from imgplay_widget._types import Entry, Lineage, ModelSpec
    from imgplay_widget.providers.registry import Registry

__all__ = ["revisions"]


def revisions(lineage: Lineage, registry: Registry) -> dict[str, Revision]:
    """Return what changed in each version of a chain against the version before, by the ids of the versions.

    A version without one before is left out. Any thread may call this.

    Args:
        lineage: the chain.
        registry: the providers, which know the titles and the defaults of models.
    """
    found: dict[str, Revision] = {}
    # Looking for a model that is gone takes long, and most versions have the same few models.
    spec = cache(partial(_spec, registry))
    for generation_id, version in lineage.versions.items():
        before = lineage.before(generation_id)
        if before is not None:
            specs = spec(_model(before[0])), spec(_model(version[0]))
            found[generation_id] = revision(before, version, specs=specs)
    return found


def _model(entry: Entry) -> str:
    return f"{entry.batch.provider}:{entry.batch.model}"


def _spec(registry: Registry, name: str) -> ModelSpec | None:
    try:
        return registry.find(name)[1]
    except NotFound:
        return None

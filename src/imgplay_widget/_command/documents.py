"""What `--json` prints: handles and values as JSON, with names as the REST interface has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgplay_widget._command.output import error_document
from imgplay_widget.catalog import price_facts
from imgplay_widget.errors import ImgplayError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from imgplay_widget._command.studio import CommandStudio
    from imgplay_widget._rules.costs import Spend
    from imgplay_widget._rules.presets import Preset
    from imgplay_widget._studio.handles import BatchHandle, GenerationHandle, TopicHandle
    from imgplay_widget._types import ModelSpec

__all__ = ["batch_documents", "model_document", "preset_document", "spend_document", "topic_document"]


def batch_documents(studio: CommandStudio, batches: Iterable[BatchHandle]) -> list[dict[str, Any]]:
    """Return batches with their generations as JSON."""
    return [_batch_document(studio, batch) for batch in batches]


def _batch_document(studio: CommandStudio, batch: BatchHandle) -> dict[str, Any]:
    made = [entry.batch.created_at for entry, _ in studio.core.rows(batch)]
    return {
        "id": batch.id,
        "topicId": batch.topic_id,
        "model": batch.model,
        "prompt": batch.prompt,
        "config": dict(batch.params),
        "status": batch.status.value,
        "createdAt": made[0].isoformat() if made else None,
        "generations": [_generation_document(one) for one in batch],
    }


def _generation_document(one: GenerationHandle) -> dict[str, Any]:
    return {
        "id": one.id,
        "slot": one.slot,
        "status": one.status.value,
        "seed": one.seed,
        "path": path_of_image(one),
        "width": one.width,
        "height": one.height,
        "costUsd": _usd(one.cost),
        "starred": one.starred,
        "tags": sorted(one.tags),
        "scores": dict(one.scores),
        "error": error_document(one.error),
    }


def path_of_image(one: GenerationHandle) -> str | None:
    """Return the path of an image in the store, or None where there is none."""
    try:
        return str(one.path)
    except ImgplayError:
        return None


def topic_document(topic: TopicHandle) -> dict[str, Any]:
    """Return a topic as JSON."""
    return {
        "id": topic.id,
        "title": topic.title,
        "pinned": topic.pinned,
        "images": topic.images,
        "running": topic.running,
        "createdAt": topic.created_at.isoformat(),
        "updatedAt": topic.updated_at.isoformat(),
    }


def model_document(spec: ModelSpec, key: str) -> dict[str, Any]:
    """Return a model as JSON.

    Args:
        spec: the model.
        key: the state of its provider's key.
    """
    return {
        "model": spec.name,
        "provider": spec.provider,
        "title": spec.title,
        "description": spec.description,
        "key": key,
        "references": spec.references.max_count if spec.references else 0,
        "mask": spec.mask,
        "seed": spec.seed,
        "price": price_facts(spec),
        "retiredOn": spec.retired_on,
        "successor": spec.successor,
        "parameters": [
            {
                "name": one.name,
                "type": one.type,
                "title": one.title,
                "minimum": one.minimum,
                "maximum": one.maximum,
                "step": one.step,
                "choices": list(one.choices),
                "default": one.default,
            }
            for one in spec.parameters
        ],
    }


def preset_document(name: str, preset: Preset, *, gone: bool) -> dict[str, Any]:
    """Return a preset as JSON.

    Args:
        name: its name.
        preset: the preset.
        gone: whether there is no such model any more.
    """
    return {
        "name": name,
        "model": preset.model,
        "parameters": dict(preset.params),
        "prefix": preset.prefix,
        "suffix": preset.suffix,
        "gone": gone,
    }


def spend_document(spend: Spend) -> dict[str, Any]:
    """Return what was spent as JSON."""
    return {
        "usd": float(spend.usd),
        "images": spend.images,
        "unknown": spend.unknown,
        "estimatedUsd": float(spend.estimated),
        "uncertainUsd": float(spend.uncertain),
        "byModel": {name: spend_document(one) for name, one in spend.by_model.items()},
    }


def _usd(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)

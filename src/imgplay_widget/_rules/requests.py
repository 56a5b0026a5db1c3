"""When two requests are the same."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["request_digest", "same_text"]


def request_digest(
    *,
    provider: str,
    model: str,
    prompt: str,
    config: Mapping[str, Any],
    references: Sequence[str],
    mask: str | None,
) -> str:
    """Return a digest that two requests share if they ask for the same images.

    The store holds these digests, so the same request must get the same digest in every version.

    Args:
        provider: the name of the provider.
        model: the id of the model.
        prompt: the text.
        config: every parameter as requested, and ``"n"``. A seed that was drawn is not among them.
        references: the digests of the input images, in their order.
        mask: the digest of the mask, or None.
    """
    request = {
        "provider": provider,
        "model": model,
        "prompt": prompt,
        "config": config,
        "references": list(references),
        "mask": mask,
    }
    # A history of an earlier version may hold half an emoji, which no encoding but this one takes.
    return hashlib.sha256(same_text(request).encode("utf-8", "surrogatepass")).hexdigest()


def same_text(value: Any) -> str:
    """Return the text that a JSON value shares with all values that are the same: 1 and 1.0 are."""
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """Return a JSON value in which each number has one form: 1.0 becomes 1."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - any JSON
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType] - any JSON
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value

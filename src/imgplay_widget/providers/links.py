"""The links of users: images that are fetched as those of an answer are, but without any provider's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._types import ProviderSpec
from imgplay_widget.providers.base import Provider

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgplay_widget._types import ModelSpec

__all__ = ["Links"]


class Links(Provider):
    """Stands for no provider: it has no models, no origin and no key."""

    def __init__(self) -> None:
        self.spec = ProviderSpec(name="link", title="The link")

    def models(self) -> Sequence[ModelSpec]:
        """Gives none."""
        return ()

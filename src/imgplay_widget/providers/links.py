"""Links that users give: they are fetched like the links of an answer, but without any key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgplay_widget._types import ProviderSpec
from imgplay_widget.providers.base import Provider

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgplay_widget._types import ModelSpec

__all__ = ["Links"]


class Links(Provider):
    """A stand-in where no provider takes part: it has no models, no origin and no key."""

    def __init__(self) -> None:
        self.spec = ProviderSpec(name="link", title="The link")

    def models(self) -> Sequence[ModelSpec]:
        """Return no models."""
        return ()

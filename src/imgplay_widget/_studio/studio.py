"""`Studio`, which generates images without a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from imgplay_widget._rules.costs import budget_of
from imgplay_widget._studio.api import StudioApi
from imgplay_widget._studio.core import Core
from imgplay_widget._studio.options import StudioKeywords, StudioOptions, signature_with

if TYPE_CHECKING:
    import os
    from decimal import Decimal

    from imgplay_widget._types import Notice

__all__ = ["Studio"]


class Studio(StudioApi):
    """A studio without a page: store, engine and providers.

    Use a studio as a context manager, or call `close`. Tasks that run when it closes go on at the next start.

    Args:
        store: a path of an SQLite file (or of a folder for it), a URL of SQLite, or None for the
            platform's user data folder. The images lie beside the database.
        budget: see `budget`.
        options: see `StudioOptions`: ``user_id``, ``organization_id``, ``providers``, ``keys``,
            ``max_count``, ``titles``, ``concurrency``.

    Raises:
        StoreError: the store cannot be opened.
        InvalidRequest: an option is out of its range.
        TypeError: there is no such option.
    """

    def __init__(
        self,
        store: str | os.PathLike[str] | None = None,
        *,
        budget: float | Decimal | None = None,
        **options: Unpack[StudioKeywords],
    ) -> None:
        limit = budget_of(budget)
        self._core = Core(StudioOptions.of(store, options, caller="Studio"), limit)

    @property
    def location(self) -> str:
        """The address of the store, without a password."""
        return self._core.location

    @property
    def notices(self) -> list[Notice]:
        """Messages to the user about the store and the providers."""
        return self._core.notices

    @property
    def active_topic(self) -> str | None:
        """The id of the topic that requests without a topic go to, or None for a new topic."""
        return self._core.topics.active

    def close(self) -> None:
        """Stop the engine and close the store. Running tasks go on at the next start.

        A second call does nothing.
        """
        self._core.close()

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._core.closed else "open"
        return f"<Studio on {self.location} ({state})>"


Studio.__signature__ = signature_with(Studio.__init__)  # pyright: ignore[reportAttributeAccessIssue]

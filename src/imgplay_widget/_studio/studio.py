"""`Studio`, which generates images without a page."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Unpack

from imgplay_widget._rules.costs import budget_of
from imgplay_widget._studio.api import StudioApi
from imgplay_widget._studio.core import Core
from imgplay_widget._studio.options import StudioKeywords, StudioOptions, signature_with
from imgplay_widget.errors import NoPage

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from decimal import Decimal

    from imgplay_widget._studio.handles import Generations, Images
    from imgplay_widget._types import Notice

__all__ = ["Studio", "newest_studio", "note_used"]


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
        note_used(self)

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

    # -------------------------------------------------------------- the config panel

    @property
    def model(self) -> str:
        """The model of the config panel, ``"provider:id"``, which requests without a model use.

        Setting it raises `NotFound` where there is no such model.
        """
        return self._core.panel.values.model

    @model.setter
    def model(self, value: str) -> None:
        self._core.call(self._core.panel.choose_model, value)

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters of the config panel for its model, with the defaults.

        A parameter that is None is not sent.
        Set all of them at once: a parameter that is not given gets its default. Setting them raises
        `UnknownParameter` and `InvalidRequest` as `generate` does.
        """
        return self._core.panel.values.params

    @params.setter
    def params(self, value: Mapping[str, Any]) -> None:
        self._core.call(self._core.panel.set_params, value)

    @property
    def n(self) -> int:
        """The number of images that a click on Generate makes, 1 to `max_count`. Code passes its own ``n``.

        Setting it raises `InvalidRequest` where it is out of its range.
        """
        return self._core.panel.values.n

    @n.setter
    def n(self, value: int) -> None:
        self._core.call(self._core.panel.set_count, value)

    @property
    def prompt(self) -> str:
        """The text in the prompt box of the active topic.

        Setting it raises `InvalidRequest` where it is not text or is too long.
        """
        return self._core.panel.values.prompt

    @prompt.setter
    def prompt(self, value: str) -> None:
        self._core.call(self._core.panel.set_prompt, value)

    @property
    def selected(self) -> Generations:
        """The selected images of a page. A studio has no page, so this raises `NoPage`."""
        raise NoPage("Images are selected on a page, and a Studio has no page.")

    @selected.setter
    def selected(self, value: Images) -> None:
        raise NoPage("Images are selected on a page, and a Studio has no page.")

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


_used: list[weakref.ReferenceType[Studio]] = []
# The studios of this process, the newest last. A studio that nobody holds any more is not kept by the list.


def note_used(studio: Studio) -> None:
    """Note a studio as the newest one of this process: it was opened, or a playground begins to show it."""
    others = [one for one in _used if one() not in (None, studio)]
    _used[:] = [*others, weakref.ref(studio)]


def newest_studio() -> Studio | None:
    """Return the studio of this process that was opened or shown last and is still open, or None."""
    studios = [studio for one in _used if (studio := one()) is not None]
    return next((studio for studio in reversed(studios) if not studio._core.closed), None)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - of this module


Studio.__signature__ = signature_with(Studio.__init__)  # pyright: ignore[reportAttributeAccessIssue]

"""`ImagePlayground`: the studio's widget in a notebook. It carries messages and holds two small traits."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

import anywidget
import traitlets

from imgplay_widget._page.page import Page
from imgplay_widget._rules.costs import budget_of
from imgplay_widget._studio.api import StudioApi
from imgplay_widget._studio.options import StudioKeywords, StudioOptions, signature_with
from imgplay_widget._widget.sharing import share, share_own
from imgplay_widget.errors import InvalidRequest, StudioClosed

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from decimal import Decimal

    from imgplay_widget._studio.studio import Studio

__all__ = ["ImagePlayground"]

STATIC = Path(__file__).parent.parent / "static"

if not (STATIC / "index.js").exists():
    raise ImportError("The page of imgplay-widget is not built. In a source checkout, run: make page")

logger = logging.getLogger("imgplay_widget")

THEMES = ("auto", "dark", "light")

LOWEST, HIGHEST = 320, 2000
"""Pixels: below, the prompt box has no room; above, no screen shows it."""


class ImagePlayground(StudioApi, anywidget.AnyWidget):
    """An image-generation studio in a cell: config panel, prompt and feed, topics.

    Show it as the last expression of a cell. `generate` in another cell drives the same studio: what code
    makes appears in the feed, and what is clicked is there for code (`batches`).

    Args:
        store: a path of an SQLite file (or of a folder for it), an SQLAlchemy URL, or None for the
            platform's user data folder. Playgrounds on one store share a studio.
        studio: an open studio to show, instead of `store` and `options`. A studio that you made stays open
            when its playgrounds close.
        model: the model to start with, ``"provider:id"``; None takes the model that was used last.
        theme: ``"auto"`` follows the notebook; ``"dark"`` and ``"light"`` stay. Can be set later too.
        height: height of the widget, 320 to 2000 pixels; None leaves it to the page. Can be set later too.
        budget: the most that may be spent, in USD a day; None leaves it as it is. Can be set later too.
        options: see `StudioOptions`: ``user_id``, ``organization_id``, ``providers``, ``keys``,
            ``max_count``, ``titles``, ``concurrency``.

    Raises:
        StoreError: the store cannot be opened.
        NotFound: there is no such model.
        InvalidRequest: there is no such theme, or a height, a budget or an option is out of its range.
        TypeError: there is no such option.
    """

    _esm = STATIC / "index.js"

    # JSON in one line: a notebook writes a dict over many, and indents each.
    _snapshot = traitlets.Unicode().tag(sync=True)
    # Its pictures stand apart: the snapshot changes with each step of a task, pictures only with a finished
    # image.
    _pictures = traitlets.Unicode().tag(sync=True)

    theme = traitlets.Unicode("auto", help="The colours: 'auto' follows the notebook.").tag(sync=True)
    height = traitlets.Int(None, allow_none=True, help="The height in pixels, or None.").tag(sync=True)

    def __init__(
        self,
        store: str | os.PathLike[str] | None = None,
        *,
        studio: Studio | None = None,
        model: str | None = None,
        theme: Literal["auto", "dark", "light"] = "auto",
        height: int | None = None,
        budget: float | Decimal | None = None,
        **options: Unpack[StudioKeywords],
    ) -> None:
        _check_theme(theme)
        _check_height(height)
        limit = budget_of(budget)
        wanted = StudioOptions.of(store, options, caller="ImagePlayground")
        if studio is not None and store is not None:
            raise InvalidRequest("Give a studio or a store, not both.", parameter="studio")
        # First, so that a store that cannot be opened leaves no half a widget behind.
        shared = share(wanted) if studio is None else share_own(studio)
        self._studio = shared.studio
        self._core = core = shared.core
        with contextlib.ExitStack() as ends:
            # What cannot be made lets go of what it took.
            ends.callback(shared.leave)
            self._prepare(model, limit)
            # All of it before the comm opens: the page is loaded at once, beside this cell, and what it asks
            # while nobody listens is lost.
            self._page = Page(core, self._send_to_page)
            ends.callback(self._close_page)
            ends.callback(core.subscribe(self._page.publish))
            self.on_msg(self._receive)  # pyright: ignore[reportUnknownMemberType] - ipywidgets has no types
            self._snapshot, self._pictures = core.call(shared.state)
            super().__init__(theme=theme, height=height)
            if hasattr(self.comm, "_reply_subshell_for"):
                # ipykernel 7.4 answers a message in the shell that last published on its comm; the cell that
                # made the widget is the first to do so, and clicks would wait for it. This keeps them on the
                # page's own subshell. Private, hence the guard.
                setattr(self.comm, "_reply_subshell_for", _stay)  # noqa: B010 - not in the type
            core.call(shared.follow, self._take_state)
            ends.callback(shared.unfollow, self._take_state)
            self._ends = ends.pop_all()

    def _prepare(self, model: str | None, budget: Decimal | None) -> None:
        """Set what the arguments say of the studio."""
        core = self._core
        chosen = None if model is None else core.registry.find(model)[1].name
        if budget is not None:
            core.budget = budget
        if chosen is not None:
            # Code that names a model gets that one alone.
            core.call(core.save_config, {**core.config, "model": chosen, "also_models": []})

    @traitlets.validate("theme")
    def _valid_theme(self, proposal: Any) -> str:
        return _check_theme(proposal["value"])

    @traitlets.validate("height")
    def _valid_height(self, proposal: Any) -> int | None:
        return _check_height(proposal["value"])

    @property
    def studio(self) -> Studio:
        """The studio that the playground shows."""
        return self._studio

    def close(self) -> None:
        """Take the widget off the page. The studio closes with its last playground."""
        ends: contextlib.ExitStack | None = getattr(self, "_ends", None)
        if ends is not None:
            ends.close()
        super().close()

    def _close_page(self) -> None:
        with contextlib.suppress(StudioClosed):
            self._core.start(self._page.close)

    def __repr__(self) -> str:
        # The default holds the whole state; a notebook stores this text.
        return "<ImagePlayground>"

    # -------------------------------------------------------------- messages

    def _receive(self, _: object, content: object, buffers: Sequence[bytes | memoryview] | None) -> None:
        """Hand a message of the page over and return, on whatever thread the kernel uses."""
        try:
            self._core.start(self._page.receive, content, tuple(buffers or ()))
        except StudioClosed:
            # Nobody can answer any more; the page says that the kernel does not.
            return

    def _send_to_page(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        if self.comm is not None:
            self.send(content, buffers)  # pyright: ignore[reportUnknownMemberType] - see above

    def _take_state(self, snapshot: str, pictures: str) -> None:
        # The only writer of the traits, always on the engine's loop: traits are not thread-safe.
        try:
            self._pictures, self._snapshot = pictures, snapshot
        except Exception:
            # One comm that fails must not keep the state from the others.
            logger.exception("The state of a playground could not be sent")


def _check_theme(theme: Any) -> str:
    if theme not in THEMES:
        raise InvalidRequest(
            f"There is no theme {theme!r}.", parameter="theme", next_step='Take "auto", "dark" or "light".'
        )
    return theme


def _check_height(height: Any) -> int | None:
    if height is None:
        return None
    if isinstance(height, bool) or not isinstance(height, int) or not LOWEST <= height <= HIGHEST:
        raise InvalidRequest(
            f"height={height!r} is out of range: {LOWEST} to {HIGHEST} pixels.",
            parameter="height",
            next_step="None leaves it to the page.",
        )
    return height


def _stay(_: object, default: object) -> object:
    """Return the shell to which a message of the page came: that shell answers it."""
    return default


ImagePlayground.__signature__ = signature_with(ImagePlayground.__init__)  # pyright: ignore[reportAttributeAccessIssue]

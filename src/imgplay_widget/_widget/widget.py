"""`ImagePlayground`, the widget of a studio. It carries messages, and syncs two small traits."""

from __future__ import annotations

import contextlib
import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

import anywidget
import traitlets

from imgplay_widget._page.page import Page
from imgplay_widget._page.protocol import MAX_MARKED
from imgplay_widget._plain import whole
from imgplay_widget._rules.costs import budget_of
from imgplay_widget._studio.api import StudioApi
from imgplay_widget._studio.call_threads import CallThread
from imgplay_widget._studio.handles import Generations
from imgplay_widget._studio.options import StudioKeywords, StudioOptions, signature_with
from imgplay_widget._text import shown
from imgplay_widget._widget.sharing import Follower, share, share_own
from imgplay_widget._widget.traits import KeptTrait
from imgplay_widget.errors import InvalidRequest, StudioClosed

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
    from decimal import Decimal

    from imgplay_widget._studio.handles import Images
    from imgplay_widget._studio.studio import Studio

__all__ = ["ImagePlayground"]

STATIC = Path(__file__).parent.parent / "static"

if not (STATIC / "index.js").exists():
    raise ImportError("The page of imgplay-widget is not built. In a source checkout, run: make page")

logger = logging.getLogger("imgplay_widget")

THEMES = ("auto", "dark", "light")

STATE = ("_snapshot", "_pictures")
"""The synced traits that change with the studio."""

PANEL = ("model", "params", "n", "prompt")
"""The traits that follow the config panel."""

NOT_SHOWN = "To see this ImagePlayground, run the cell that makes it again. All images are saved."
"""The text of an output whose host does not show the widget: a notebook that is not trusted or was stored
without its state, a page that was loaded again (VS Code), a converter."""

LOWEST, HIGHEST = 320, 2000
"""Pixels. A lower widget does not have room for the prompt box, and a higher one does not fit a screen."""


class ImagePlayground(StudioApi, anywidget.AnyWidget):
    """An image-generation studio in a cell: config panel, prompt and feed, topics.

    Show the playground as the last expression of a cell. `generate` in another cell drives the same studio:
    the feed shows batches that code makes, and code finds batches that the page makes (`batches`).

    The traits `model`, `params`, `n`, `prompt` and `selected` are what the page shows, in both directions.
    They can be observed and linked as those of any widget. After a change on the page, observers run one
    after the other on a thread of the playground. A value that is refused raises, and changes nothing.

    Args:
        store: a path of an SQLite file (or of a folder for it), a URL of SQLite, or None for the
            platform's user data folder. Playgrounds on one store share a studio.
        studio: an open studio to show, instead of `store` and `options`. A studio that you made stays open
            when its playgrounds close.
        model: the model to start with, ``"provider:id"``; None takes the model that was used last.
        theme: ``"auto"`` follows the notebook; ``"dark"`` and ``"light"`` stay. Can be set later too.
        height: height of the widget, 320 to 2000 pixels; None leaves it to the page. Can be set later too.
        budget: the most that may be spent, in USD a day; None keeps the present one. Can be set later too.
        options: see `StudioOptions`: ``user_id``, ``organization_id``, ``providers``, ``keys``,
            ``max_count``, ``titles``, ``concurrency``.

    Raises:
        NoThreads: this Python cannot start a thread, as in JupyterLite.
        StoreError: the store cannot be opened.
        NotFound: there is no such model.
        InvalidRequest: there is no such theme, or a height, a budget or an option is out of its range.
        TypeError: there is no such option.
    """

    _esm = STATIC / "index.js"

    # JSON in one line: a notebook would write a dict over many lines and indent each.
    _snapshot = traitlets.Unicode().tag(sync=True)
    # The pictures of the snapshot are a trait of their own: they only change with a finished image, while the
    # snapshot changes with each step of a task.
    _pictures = traitlets.Unicode().tag(sync=True)
    # marimo runs cells when the browser writes synced state. So the page writes the number of changes that it
    # was told of.
    _changes = traitlets.Int(0).tag(sync=True)
    _heard = traitlets.Int(0).tag(sync=True)

    theme = traitlets.Unicode("auto", help="The colours. 'auto' follows the notebook.").tag(sync=True)
    height = traitlets.Int(None, allow_none=True, help="The height in pixels, or None.").tag(sync=True)

    # These are not synced: a notebook that is saved must not grow with them, and the protocol carries them.

    def _choose_model(self, value: str) -> None:
        self._write_panel(self._core.panel.choose_model, value)

    def _set_params(self, value: Mapping[str, Any]) -> None:
        self._write_panel(self._core.panel.set_params, value)

    def _set_count(self, value: int) -> None:
        self._write_panel(self._core.panel.set_count, value)

    def _set_prompt(self, value: str) -> None:
        self._write_panel(self._core.panel.set_prompt, value)

    def _select(self, value: Images) -> None:
        core = self._core
        chosen = core.generation_handles(core.rows(value))
        if len(chosen) > MAX_MARKED:
            raise InvalidRequest(
                f"{len(chosen):,} images are too many: {MAX_MARKED:,} can be selected.", parameter="selected"
            )
        core.call(self._page.select, chosen)
        self._show("selected", chosen)

    model = KeptTrait[str, str]("", _choose_model, "The model of the config panel, 'provider:id'.")
    params = KeptTrait["Mapping[str, Any]", "Mapping[str, Any]"](
        {}, _set_params, "The parameters of the config panel for its model, with the defaults."
    )
    n = KeptTrait[int, int](1, _set_count, "The number of images that a click on Generate makes.")
    prompt = KeptTrait[str, str]("", _set_prompt, "The text in the prompt box of the active topic.")
    selected = KeptTrait["Generations", "Images"](
        Generations(), _select, "The images that are selected on the page."
    )

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
        # This comes first, so that a store that cannot be opened does not leave half a widget behind.
        shared = share(wanted) if studio is None else share_own(studio)
        self._studio = shared.studio
        self._core = core = shared.core
        # The names of synced traits whose newest values were not sent, because nobody saw the page.
        self._kept: set[str] = set()
        with contextlib.ExitStack() as ends:
            # Where a later step fails, the widget leaves the studio again.
            ends.callback(shared.leave)
            self._prepare(model, limit)
            # All this is done before the comm opens: the page loads at once, beside this cell, and a message
            # that comes before `on_msg` is lost.
            # Observers run on a thread of their own, so that none can stop the engine or a cell.
            observers = CallThread("imgplay-observers", core.report_failure)
            self._observers = observers
            ends.callback(observers.end)
            self._page = Page(core, self._send_to_page, self._send_kept_state, self._page_selected)
            ends.callback(self._close_page)
            ends.callback(core.subscribe(self._page.publish))
            self.on_msg(self._receive)  # pyright: ignore[reportUnknownMemberType] - ipywidgets has no types
            self._snapshot, self._pictures = core.call(shared.state)
            page = ImagePlayground._esm
            before = list(_listeners(page))
            super().__init__(theme=theme, height=height)
            # The layout is a widget of its own, which ipywidgets closes with no other one.
            ends.callback(self.layout.close)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - see above
            ends.callback(_forget, page, [one for one in _listeners(page) if one not in before])
            if hasattr(self.comm, "_reply_subshell_for"):
                # ipykernel 7.4 answers a message in the shell that last published on its comm; the cell that
                # made the widget is the first to do so, and clicks would wait for it. This keeps them on the
                # page's own subshell. Private, hence the guard.
                setattr(self.comm, "_reply_subshell_for", _keep_shell)  # noqa: B010 - not in the type
            core.panel.followers.append(self._panel_changed)
            ends.callback(core.panel.followers.remove, self._panel_changed)
            self._show_panel()
            follower = Follower(self._take_state, lambda: self._page.met, self._send_kept_state)
            core.call(shared.follow, follower)
            ends.callback(shared.unfollow, follower)
            self._ends = ends.pop_all()

    def _prepare(self, model: str | None, budget: Decimal | None) -> None:
        """Apply the arguments for the model and the budget to the studio."""
        core = self._core
        chosen = None if model is None else core.registry.find(model)[1].name
        if budget is not None:
            core.budget = budget
        if chosen is not None:
            core.call(core.panel.choose_model, chosen)

    # -------------------------------------------------------------- the config panel and the selection

    def _write_panel(self, write: Callable[[Any], Awaitable[None]], value: object) -> None:
        self._core.call(write, value)
        self._show_panel()

    def _panel_changed(self, by_page: bool) -> None:  # noqa: FBT001 - the panel calls it
        """Show a change that a page or other code made, away from the loop."""
        self._observers.put("An observer of the config panel", self._show_panel)
        if by_page:
            self._tell_marimo()

    def _show_panel(self) -> None:
        values = self._core.panel.values
        with contextlib.ExitStack() as rest:
            # The failure of an observer must not keep the newer values from the other traits.
            for name in reversed(PANEL):
                rest.callback(self._show, name, getattr(values, name))

    def _page_selected(self, images: Generations, by_page: bool) -> None:  # noqa: FBT001 - the page calls it
        self._observers.put("An observer of the selection", partial(self._show, "selected", images))
        if by_page:
            self._tell_marimo()

    def _tell_marimo(self) -> None:
        """Let marimo run the cells that use the playground, once the traits have what a page changed.

        A change by code runs nothing: a cell that generates and selects would start itself again and again.
        """
        if self._in_marimo:
            self._observers.put("The change of a page", partial(self._core.start, self._count_change))

    async def _count_change(self) -> None:
        with _failed_comm_logged():
            self._changes += 1

    @property
    def _in_marimo(self) -> bool:
        # Only a comm of marimo has the id of an element, whose value is the state of the widget.
        return hasattr(self.comm, "ui_element_id")

    def _show(self, name: str, value: Any) -> None:
        trait = self.traits()[name]
        assert isinstance(trait, KeptTrait)
        trait.show(self, value)

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
        """Take the widget off the page. The studio closes with its last playground.

        Observers of the traits are not called any more.
        """
        ends: contextlib.ExitStack | None = getattr(self, "_ends", None)
        if ends is not None:
            ends.close()
        super().close()

    def _close_page(self) -> None:
        with contextlib.suppress(StudioClosed):
            self._core.start(self._page.close)

    def __repr__(self) -> str:
        # A notebook stores this text, and the default of ipywidgets would contain the whole state.
        return "<ImagePlayground>"

    def _repr_mimebundle_(self, **keywords: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle: Any = super()._repr_mimebundle_(**keywords)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - no types
        return bundle and ({**bundle[0], "text/plain": NOT_SHOWN}, bundle[1])

    # -------------------------------------------------------------- messages

    def _receive(self, _: object, content: object, buffers: Sequence[bytes | memoryview] | None) -> None:
        """Pass a message of the page on and return at once. The kernel may call this on any thread."""
        try:
            self._core.start(self._page.receive, content, tuple(buffers or ()))
        except StudioClosed:
            # A closed studio cannot answer. The page notices that, and tells the user.
            return

    def _send_to_page(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        if self.comm is not None:
            self.send(content, buffers)  # pyright: ignore[reportUnknownMemberType] - see above

    def get_state(
        self,
        key: str | Iterable[str] | None = None,
        drop_defaults: bool = False,  # noqa: FBT001, FBT002 - as in ipywidgets
    ) -> dict[str, Any]:
        """Return the values of synced traits. In marimo, the whole state is what the user sees.

        That is the value of the element that marimo makes of the playground. The browser does not get it.
        """
        state: dict[str, Any] = super().get_state(key, drop_defaults)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - see above
        if key is not None or not self._in_marimo:
            return state
        shown = {name: value for name, value in state.items() if not name.startswith("_")}
        panel = {name: getattr(self, name) for name in PANEL}
        return {**shown, **panel, "selected": [one.id for one in self.selected]}

    def send_state(self, key: str | Iterable[str] | None = None) -> None:
        """Send the values of synced traits. The state of a page that nobody sees is sent later."""
        if isinstance(key, str) and key in STATE and not self._page.seen:
            self._kept.add(key)
        else:
            super().send_state(self.keys if key is None else key)  # pyright: ignore[reportUnknownMemberType] - ipywidgets has no types

    def _send_kept_state(self) -> None:
        """Send the state that was kept back while nobody saw the page."""
        kept, self._kept = self._kept, set()
        if kept and self.comm is not None:
            with _failed_comm_logged():
                super().send_state(kept)  # pyright: ignore[reportUnknownMemberType] - see above

    def _take_state(self, snapshot: str, pictures: str) -> None:
        # Only this method writes the traits, on the engine's loop, because traits are not thread-safe.
        with _failed_comm_logged():
            self._pictures, self._snapshot = pictures, snapshot


@contextlib.contextmanager
def _failed_comm_logged() -> Generator[None]:
    """Log the failure of a comm, which must not keep the state from the other playgrounds."""
    try:
        yield
    except Exception:
        logger.exception("The state of a playground could not be sent")


def _listeners(page: object) -> list[Any]:
    """Return the functions that anywidget calls when a developer changes the file of the page.

    The list is private, hence the guards. Each function holds its playground, and anywidget removes none.
    """
    return getattr(getattr(page, "changed", None), "_slots", [])


def _forget(page: object, listeners: list[Any]) -> None:
    """Remove the functions of a playground, so that Python frees the playground."""
    kept = _listeners(page)
    kept[:] = [one for one in kept if one not in listeners]


def _check_theme(theme: Any) -> str:
    if theme not in THEMES:
        raise InvalidRequest(
            f"There is no theme {shown(theme)}.",
            parameter="theme",
            next_step='Use "auto", "dark" or "light".',
        )
    return theme


def _check_height(height: Any) -> int | None:
    if height is None:
        return None
    pixels = whole(height)
    if pixels is None or not LOWEST <= pixels <= HIGHEST:
        raise InvalidRequest(
            f"height={shown(height)} is out of range: {LOWEST} to {HIGHEST} pixels.",
            parameter="height",
            next_step="Use a height within the range, or None to leave the height to the page.",
        )
    return pixels


def _keep_shell(_: object, default: object) -> object:
    """Return the shell that received a message of the page, so that this shell also answers."""
    return default


ImagePlayground.__signature__ = signature_with(ImagePlayground.__init__)  # pyright: ignore[reportAttributeAccessIssue]

"""`ImagePlayground`: the studio's face in a notebook. It carries messages and holds two small traits."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import anywidget
import traitlets

from imgplay_widget._page.page import Face
from imgplay_widget._rules.costs import budget_of
from imgplay_widget._studio.key_reports import Ask
from imgplay_widget._widget.sharing import share, share_own
from imgplay_widget.errors import InvalidRequest, StudioClosed

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from imgplay_widget._rules.costs import Spend
    from imgplay_widget._rules.prompts import Mode
    from imgplay_widget._studio.handles import BatchHandle, GenerationHandle, Images
    from imgplay_widget._studio.inputs import ReferenceLike
    from imgplay_widget._studio.key_reports import KeyCheck, KeyKept
    from imgplay_widget._studio.models import ModelTable
    from imgplay_widget._studio.studio import Studio
    from imgplay_widget._types import Reference, Status, Topic
    from imgplay_widget.providers.base import Provider

__all__ = ["ImagePlayground"]

STATIC = Path(__file__).parent.parent / "static"

if not (STATIC / "index.js").exists():
    raise ImportError("The page of imgplay-widget is not built. In a source checkout, run: make page")

logger = logging.getLogger("imgplay_widget")

THEMES = ("auto", "dark", "light")

LOWEST, HIGHEST = 320, 2000
"""Pixels: below, the prompt box has no room; above, no screen shows it."""


class ImagePlayground(anywidget.AnyWidget):
    """An image-generation studio in a cell: config panel, prompt and feed, topics.

    Show it as the last expression of a cell. `generate` in another cell drives the same studio: what code
    makes appears in the feed, and what is clicked is there for code (`batches`).

    Args:
        store: a path of an SQLite file (or of a folder for it), an SQLAlchemy URL, or None for the
            platform's user data folder. Playgrounds on one store share a studio.
        studio: an open studio to show, instead of `store` and the arguments below. One that you made stays
            open when its playgrounds close.
        model: the model to start with, ``"provider:id"``; None takes the one that was used last.
        theme: ``"auto"`` follows the notebook; ``"dark"`` and ``"light"`` stay. Can be set later too.
        height: of the widget, 320 to 2000 pixels; None leaves it to the page. Can be set later too.
        budget: the most that may be spent, in USD a day; None leaves it as it is. Can be set later too.
        user_id, organization_id, providers, keys, max_count, titles, concurrency: see `Studio`.

    Raises:
        StoreError: the store cannot be opened.
        NotFound: there is no such model.
        InvalidRequest: a theme that there is not, or a height or a budget out of its range.
    """

    _esm = STATIC / "index.js"

    # JSON in one line: a notebook writes a dict over many, and indents each.
    _snapshot = traitlets.Unicode().tag(sync=True)
    # Its pictures stand apart: it changes with each step of a task, they only with a finished image.
    _pictures = traitlets.Unicode().tag(sync=True)

    theme = traitlets.Unicode("auto").tag(sync=True)
    height = traitlets.Int(None, allow_none=True).tag(sync=True)

    def __init__(
        self,
        store: str | os.PathLike[str] | None = None,
        *,
        studio: Studio | None = None,
        model: str | None = None,
        theme: Literal["auto", "dark", "light"] = "auto",
        height: int | None = None,
        budget: float | Decimal | None = None,
        user_id: str = "local",
        organization_id: str | None = None,
        providers: Sequence[Provider] = (),
        keys: Mapping[str, str] | None = None,
        max_count: int = 4,
        titles: str = "auto",
        concurrency: Mapping[str, int] | None = None,
    ) -> None:
        _check_theme(theme)
        _check_height(height)
        limit = budget_of(budget)
        if studio is not None and store is not None:
            raise InvalidRequest("Give a studio or a store, not both.", parameter="studio")
        # First, so that a store that cannot be opened leaves no half a widget behind.
        if studio is not None:
            shared = share_own(studio)
        else:
            shared = share(
                store,
                user_id=user_id,
                organization_id=organization_id,
                providers=tuple(providers),
                keys=tuple(sorted((keys or {}).items())),
                max_count=max_count,
                titles=titles,
                concurrency=tuple(sorted((concurrency or {}).items())),
            )
        self._studio = shared.studio
        with contextlib.ExitStack() as ends:
            # What cannot be made lets go of what it took.
            ends.callback(shared.leave)
            self._prepare(model, limit)
            # All of it before the comm opens: the page is loaded at once, beside this cell, and what it asks
            # while nobody listens is lost.
            self._face = Face(self._studio, self._send_to_page)
            ends.callback(self._close_face)
            ends.callback(self._studio.subscribe(self._face.publish))
            self.on_msg(self._receive)  # pyright: ignore[reportUnknownMemberType] - ipywidgets has no types
            self._snapshot, self._pictures = self._studio.start(shared.state).result()
            super().__init__(theme=theme, height=height)
            if hasattr(self.comm, "_reply_subshell_for"):
                # ipykernel 7.4 answers a message in the shell that last published on its comm; the cell that
                # made the widget is the first to do so, and clicks would wait for it. This keeps them on the
                # page's own subshell. Private, hence the guard.
                setattr(self.comm, "_reply_subshell_for", _stay)  # noqa: B010 - not in the type
            self._studio.start(shared.follow, self._take_state).result()
            ends.callback(shared.unfollow, self._take_state)
            self._ends = ends.pop_all()

    def _prepare(self, model: str | None, budget: Decimal | None) -> None:
        """Sets what the studio is told by the arguments."""
        chosen = None if model is None else self._studio.registry.find(model)[1].name
        if budget is not None:
            self._studio.budget = budget
        if chosen is not None:
            # Code that names a model gets that one alone.
            config: dict[str, Any] = {**self._studio.config, "model": chosen, "also_models": []}
            self._studio.start(self._studio.save_config, config).result()

    @traitlets.validate("theme")
    def _valid_theme(self, proposal: Any) -> str:
        return _check_theme(proposal["value"])

    @traitlets.validate("height")
    def _valid_height(self, proposal: Any) -> int | None:
        return _check_height(proposal["value"])

    # -------------------------------------------------------------- the studio, from code

    def generate(
        self,
        prompt: str,
        *,
        model: str | None = None,
        n: int = 1,
        topic: Topic | str | None = None,
        references: Sequence[ReferenceLike] = (),
        mask: ReferenceLike | None = None,
        deadline: float | None = None,
        **params: Any,
    ) -> BatchHandle:
        """Starts a request and gives its handle at once; it appears in the feed. See `Studio.generate`.

        Args:
            prompt: what to paint.
            model: ``"provider:id"``; None takes the one of the config panel.
            n: how many images, 1 to `max_count`.
            topic: a topic, its id or its title; None takes the one that is shown, or makes a new one.
            references: input images, for models that take some: paths, bytes, Pillow images or results.
            mask: for models that take one: a PNG of the first reference's size, transparent where the
                picture may change: a path, bytes, a Pillow image or a result.
            deadline: seconds in all for each task; None takes the model's.
            params: the model's own parameters: ``width``, ``height``, ``seed`` …

        Raises:
            UnknownParameter: the model has no such parameter (a TypeError).
            InvalidRequest: a value is out of its range (a ValueError).
            MissingKey: the provider's key is not set.
            NotFound: no such model or topic.
            OverBudget: it would take today's total over the `budget`.
            All are raised before anything is stored, sent or paid.
        """
        return self._studio.generate(
            prompt,
            model=model,
            n=n,
            topic=topic,
            references=references,
            mask=mask,
            deadline=deadline,
            **params,
        )

    def improve(self, prompt: str, mode: Mode = "expand", *, model: str | None = None) -> str:
        """Has a text model rewrite a prompt, waits, and gives the new one. See `Studio.improve`.

        Args:
            prompt: what to paint.
            mode: ``"expand"`` adds what can be seen; ``"translate"`` gives the same in English.
            model: the image model that it is for; None takes the one of the config panel.

        Raises:
            InvalidRequest: the prompt is empty, or there is no such mode (a ValueError).
            MissingKey: no key of a provider with a text model is set; the error says which would do.
            NotFound: no such model.
            ProviderError: the text model did not answer, or not with a prompt.
        """
        return self._studio.improve(prompt, mode, model=model)

    @property
    def studio(self) -> Studio:
        """The studio that it shows."""
        return self._studio

    @property
    def topics(self) -> list[Topic]:
        """All topics: those that are pinned first, then the last used one."""
        return self._studio.topics

    def new_topic(self, title: str | None = None) -> Topic:
        """Makes a topic and shows it; without a title, the first prompt gives it one."""
        return self._studio.new_topic(title)

    def rename_topic(self, topic: Topic | str, title: str) -> Topic:
        """Gives a topic a title of the user's, which is never overwritten. See `Studio.rename_topic`.

        Args:
            topic: a topic, its id or its title.
            title: 1 to 200 characters.

        Raises:
            InvalidRequest: the title is empty or too long.
            NotFound: there is no such topic.
        """
        return self._studio.rename_topic(topic, title)

    def pin_topic(self, topic: Topic | str, *, pinned: bool = True) -> Topic:
        """Keeps a topic at the top of the list, or lets it go. See `Studio.pin_topic`.

        Args:
            topic: a topic, its id or its title.
            pinned: False lets it go.

        Raises:
            NotFound: there is no such topic.
        """
        return self._studio.pin_topic(topic, pinned=pinned)

    def choose_cover(self, image: GenerationHandle | str) -> Topic:
        """Makes an image the cover of its topic. See `Studio.choose_cover`.

        Args:
            image: a generation with an image, or its id.

        Raises:
            NotFound: there is no such image.
        """
        return self._studio.choose_cover(image)

    def favour(self, images: Images, *, favourite: bool = True) -> None:
        """Stars images, or takes the stars away. See `Studio.favour`.

        Args:
            images: generations, and batches for all of theirs.
            favourite: False takes the stars away.
        """
        self._studio.favour(images, favourite=favourite)

    def move(self, batches: BatchHandle | str | Sequence[BatchHandle | str], topic: Topic | str) -> None:
        """Puts batches into another topic, which is made where there is none. See `Studio.move`.

        Args:
            batches: a batch, its id, or several of them.
            topic: a topic, its id or its title.

        Raises:
            NotFound: there is no such topic.
        """
        self._studio.move(batches, topic)

    def batches(self, topic: Topic | str | None = None, *, limit: int = 20) -> list[BatchHandle]:
        """Gives the newest batches of a topic, newest first; without one, of the topic that is shown.

        Args:
            topic: a topic, its id or its title.
            limit: how many at most, 1 to 1000.

        Raises:
            NotFound: there is no such topic.
        """
        return self._studio.batches(topic, limit=limit)

    def add_reference(self, image: ReferenceLike, *, topic: Topic | str | None = None) -> Reference:
        """Puts an input image beside the prompt that is shown, and gives it.

        Args:
            image: a path, a public https link, the bytes of a file, a Pillow image, a result, a NumPy array,
                a matplotlib figure, or what this gave before.
            topic: a topic, its id or its title; None takes the one that is shown.

        Raises:
            InvalidRequest: it cannot be read or fetched, is no image, or there are too many.
            NotFound: there is no such topic, or the image is gone from the store.
        """
        return self._studio.add_reference(image, topic=topic)

    @property
    def references(self) -> tuple[Reference, ...]:
        """The input images beside the prompt that is shown."""
        return self._studio.references

    def clear_references(self, *, topic: Topic | str | None = None) -> None:
        """Takes the input images and the mask away from the prompt that is shown, or from a topic's."""
        self._studio.clear_references(topic=topic)

    def search(
        self,
        words: str = "",
        *,
        topic: Topic | str | None = None,
        model: str | None = None,
        status: Status | str | None = None,
        favourite: bool = False,
        limit: int = 20,
    ) -> list[BatchHandle]:
        """Gives the newest batches that meet all that is asked, in any topic. See `Studio.search`.

        Args:
            words: what the prompt must hold, in any order, whatever the case; empty for any prompt.
            topic: a topic, its id or its title; None looks in all of them.
            model: ``"provider:id"``; None for any.
            status: a generation of the batch stands there, e.g. ``"success"``; None for anywhere.
            favourite: True for batches with a starred image.
            limit: how many at most, 1 to 1000.

        Raises:
            NotFound: there is no such topic.
            InvalidRequest: there is no such status.
        """
        return self._studio.search(
            words, topic=topic, model=model, status=status, favourite=favourite, limit=limit
        )

    def delete(self, what: object) -> None:
        """Deletes a topic, a batch or a generation, with all that it holds. What runs for it is stopped.

        For a minute, `restore` brings it back.

        Args:
            what: a topic, a handle, or the id of any of them.

        Raises:
            NotFound: there is no such thing.
        """
        self._studio.delete(what)

    def restore(self, what: object) -> None:
        """Brings back what was deleted in the last minute. See `Studio.restore`.

        Args:
            what: a topic, a handle, or the id of any of them.

        Raises:
            NotFound: it is gone for good, or never was.
        """
        self._studio.restore(what)

    def recipe_of(self, image: str | os.PathLike[str] | bytes) -> dict[str, Any] | None:
        """Gives how an image file was made, where this store made it. See `Studio.recipe_of`.

        Args:
            image: a file as it was saved, downloaded or taken out of a ZIP, or its bytes.

        Raises:
            OSError: the file cannot be read.
        """
        return self._studio.recipe_of(image)

    def save_zip(self, path: str | os.PathLike[str], images: Images) -> Path:
        """Writes finished images into a ZIP with their recipes, and gives its path. See `Studio.save_zip`.

        Args:
            path: the file to write; one that is there is replaced.
            images: batches and generations; of them, what is not finished is left out.

        Raises:
            InvalidRequest: no image among them is finished.
            DiskFull: there is no space for it.
            OSError: it cannot be written there.
        """
        return self._studio.save_zip(path, images)

    def models(self, provider: str | None = None) -> ModelTable:
        """Gives the models as a table that shows itself. See `Studio.models`.

        Args:
            provider: the name of a provider; None for all.

        Raises:
            NotFound: there is no such provider.
        """
        return self._studio.models(provider)

    def refresh_models(self, provider: str | None = None) -> ModelTable:
        """Asks what is offered now, waits, and gives the table. See `Studio.refresh_models`.

        Args:
            provider: the name of a provider; None asks all that have such a list and a key.

        Raises:
            NotFound: there is no such provider.
            ProviderError: the one that was named could not be asked.
        """
        return self._studio.refresh_models(provider)

    def estimate(self, model: str | None = None, n: int = 1, **params: Any) -> Decimal | None:
        """Gives what a request is known to cost in USD, or None. See `Studio.estimate`.

        Args:
            model: ``"provider:id"``; None takes the one of the config panel.
            n: how many images, 1 to `max_count`.
            params: the model's own parameters, as in `generate`.

        Raises:
            UnknownParameter, InvalidRequest, NotFound: as `generate` does.
        """
        return self._studio.estimate(model, n, **params)

    def spent(self, since: date | datetime | None = None, topic: Topic | str | None = None) -> Spend:
        """Gives what was spent, as a table that shows itself. See `Studio.spent`.

        Args:
            since: from when on: a date (its local midnight), or a time; None for all that was ever spent.
            topic: a topic, its id or its title; None for all of them.

        Raises:
            NotFound: there is no such topic.
        """
        return self._studio.spent(since, topic)

    @property
    def budget(self) -> Decimal | None:
        """The most that may be spent, in USD a day, or None for any amount. See `Studio.budget`."""
        return self._studio.budget

    @budget.setter
    def budget(self, value: float | Decimal | None) -> None:
        self._studio.budget = value

    def check(self, provider: str) -> KeyCheck:
        """Tests the connection to a provider; the result says itself. See `Studio.check`.

        Args:
            provider: the provider's name.

        Raises:
            NotFound: there is no such provider.
        """
        return self._studio.check(provider)

    def set_key(
        self, provider: str, key: str | Literal[Ask.KEY] | None = Ask.KEY, *, remember: bool = False
    ) -> KeyKept:
        """Sets a provider's key; without one, it is asked for. None forgets it. See `Studio.set_key`.

        Args:
            provider: the provider's name.
            key: the key; without one, it is asked for without being shown; None forgets it.
            remember: True puts it into the system's keyring too.

        Raises:
            NotFound: there is no such provider.
            InvalidRequest: it cannot be a key.
        """
        return self._studio.set_key(provider, key, remember=remember)

    def add_server(self, name: str, url: str, key: str | None = None, *, remember: bool = False) -> KeyCheck:
        """Adds a server that speaks OpenAI's protocol, and says whether it answers. See `Studio.add_server`.

        Args:
            name: 1 to 64 letters, digits, ``-`` and ``_``; its models are then ``"name:model-id"``.
            url: its base address (``"http://localhost:8080/v1"``).
            key: its key, where it needs one.
            remember: True puts the key into the system's keyring too.

        Raises:
            InvalidRequest: name, address or key cannot be one.
        """
        return self._studio.add_server(name, url, key, remember=remember)

    def remove_server(self, name: str) -> None:
        """Forgets a server that was added, and its key. See `Studio.remove_server`.

        Args:
            name: of the server.

        Raises:
            NotFound: no such server was added.
        """
        self._studio.remove_server(name)

    def close(self) -> None:
        """Takes the widget off the page. The studio closes with its last playground."""
        ends: contextlib.ExitStack | None = getattr(self, "_ends", None)
        if ends is not None:
            ends.close()
        super().close()

    def _close_face(self) -> None:
        with contextlib.suppress(StudioClosed):
            self._studio.start(self._face.close)

    def __repr__(self) -> str:
        # The default holds the whole state; a notebook stores this text.
        return "<ImagePlayground>"

    # -------------------------------------------------------------- messages

    def _receive(self, _: object, content: object, buffers: Sequence[bytes | memoryview] | None) -> None:
        """Takes a message of the page, on whatever thread the kernel uses: hand over and return."""
        try:
            self._studio.start(self._face.receive, content, tuple(buffers or ()))
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
    """Which shell answers a message of the page: the one that it came to."""
    return default

"""The options of a studio: one list for `Studio`, for `ImagePlayground`, and for studios that are shared."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypedDict, cast

from imgplay_widget._engine.engine import HEARTBEAT
from imgplay_widget._plain import whole
from imgplay_widget._text import shown
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from imgplay_widget._clock import Clock
    from imgplay_widget.providers.base import Provider

__all__ = ["NAMED", "StudioKeywords", "StudioOptions", "signature_with"]

MOST_IMAGES = 64
"""The highest `max_count`."""

NAMED = "user:"
"""The beginning of the `user_id` of a user whom the identity provider of a server names."""


class StudioKeywords(TypedDict, total=False):
    """The options as keyword arguments. `StudioOptions` explains them and has their defaults."""

    user_id: str
    organization_id: str | None
    providers: Sequence[Provider]
    keys: Mapping[str, str] | None
    max_count: int
    titles: str
    concurrency: Mapping[str, int] | None
    clock: Clock | None
    heartbeat: float | None
    only_able: bool
    recipes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioOptions:
    """All options of a studio. Playgrounds with equal options share one studio.

    Attributes:
        store: a path of an SQLite file (or of a folder for it), a URL of SQLite, or None for the
            platform's user data folder. The images lie beside the database.
        user_id: the owner of the history; one store can hold several histories.
        organization_id: the organization of the owner, or None.
        providers: providers for this studio, beside the installed ones.
        keys: keys by provider name, which stay in memory. Keys that are not here are looked for elsewhere,
            such as in the environment.
        max_count: the most images of one request, 1 to 64.
        titles: the source of a topic's title after its first batch: ``"auto"`` (a small text model of a
            provider whose key is set, the batch's own provider first), ``"off"`` (the first words of the
            prompt), or a text model, ``"provider:model"``, which then rewrites prompts too (`improve`).
            Without a key the first words stay.
        concurrency: the most tasks at once, by provider name.
        clock: the time; for tests.
        heartbeat: seconds between two looks for changes of other processes, or None to never look; for tests.
        only_able: True where unfinished tasks of ended processes wait for another studio while this one does
            not have their provider or its key; for servers. Otherwise they end with an error that names what
            is missing.
        recipes: True writes the recipe of an image into each file that is saved, downloaded or put into a
            ZIP. False leaves the bytes of these files as the provider sent them.
    """

    store: str | None = None
    user_id: str = "local"
    organization_id: str | None = None
    providers: Sequence[Provider] = ()
    keys: Mapping[str, str] | None = None
    max_count: int = 4
    titles: str = "auto"
    concurrency: Mapping[str, int] | None = None
    clock: Clock | None = None
    heartbeat: float | None = HEARTBEAT
    only_able: bool = False
    recipes: bool = True

    def __post_init__(self) -> None:
        # Copies, which can be compared and which the caller cannot change later.
        object.__setattr__(self, "providers", tuple(self.providers))
        object.__setattr__(self, "keys", dict(self.keys or {}))
        object.__setattr__(self, "concurrency", dict(self.concurrency or {}))
        count = whole(self.max_count)
        if count is None or not 1 <= count <= MOST_IMAGES:
            raise InvalidRequest(
                f"max_count={shown(self.max_count)} is out of range: 1 to {MOST_IMAGES}.",
                parameter="max_count",
            )
        object.__setattr__(self, "max_count", count)
        titles = cast("object", self.titles)
        if not isinstance(titles, str) or (titles not in ("auto", "off") and ":" not in titles):
            raise InvalidRequest(
                f'titles={shown(titles)} is neither "auto", "off" nor "provider:model".',
                parameter="titles",
            )

        recipes = cast("object", self.recipes)
        if not isinstance(recipes, bool):
            raise InvalidRequest(f"recipes={shown(recipes)} is neither True nor False.", parameter="recipes")

    @property
    def key_owner(self) -> str | None:
        """The user who has keys of their own in the keyring; None where the keys are those of its owner."""
        return self.user_id if self.user_id.startswith(NAMED) else None

    def keywords(self) -> StudioKeywords:
        """Return all options except the store as keyword arguments."""
        return StudioKeywords(
            user_id=self.user_id,
            organization_id=self.organization_id,
            providers=self.providers,
            keys=self.keys,
            max_count=self.max_count,
            titles=self.titles,
            concurrency=self.concurrency,
            clock=self.clock,
            heartbeat=self.heartbeat,
            only_able=self.only_able,
            recipes=self.recipes,
        )

    @classmethod
    def of(
        cls, store: str | os.PathLike[str] | None, keywords: StudioKeywords, *, caller: str
    ) -> StudioOptions:
        """Return the options from the arguments of a constructor.

        Args:
            store: see `StudioOptions`.
            keywords: the other options, by name.
            caller: the name of the class that was called, for errors.

        Raises:
            TypeError: there is no such option.
            InvalidRequest: an option is out of its range.
        """
        known = {field.name for field in fields(cls)}
        for name in keywords:
            if name not in known or name == "store":
                raise TypeError(f"{caller}() got an unexpected keyword argument {shown(name)}")
        return cls(store=None if store is None else str(store), **keywords)


def signature_with(init: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a constructor with all options by name, for help and completion in a notebook.

    Args:
        init: an `__init__` whose last parameter takes `StudioKeywords`.
    """
    own = [
        parameter
        for parameter in list(inspect.signature(init).parameters.values())[1:]
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    options = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        for field in fields(StudioOptions)
        if field.name in StudioKeywords.__annotations__
    ]
    return inspect.Signature([*own, *options])

"""The scores and tags of an image, as a mapping and as a set, whose changes are stored at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, MutableSet
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from imgplay_widget._text import shown
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from imgplay_widget._studio.live import LiveBatch
    from imgplay_widget._types import Generation

__all__ = ["Labeller", "Scores", "Tags"]


class Labeller(Protocol):
    """The parts of a studio that scores and tags need."""

    def call(self, function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """Run a coroutine function on the studio's loop, and return its result."""
        ...

    async def score(self, scores: Mapping[str, Mapping[str, float | None]]) -> None:
        """Set scores of images by their ids, or remove them (None)."""
        ...

    async def tag(
        self, generation_ids: Sequence[str], *, add: Collection[str] = (), remove: Collection[str] = ()
    ) -> None:
        """Give images tags, and take tags away."""
        ...


class _Label:
    """A view of one image. It reads the present state, and fails where the image was deleted."""

    def __init__(self, labeller: Labeller, live: LiveBatch, generation_id: str) -> None:
        self._labeller = labeller
        self._live = live
        self._generation_id = generation_id

    @property
    def _row(self) -> Generation:
        return self._live.generation(self._generation_id)

    def _refuse_gone(self) -> None:
        """Raise where the image was deleted.

        Raises:
            NotFound: the image was deleted.
        """
        self._live.generation(self._generation_id)


class Scores(_Label, MutableMapping[str, float]):
    """The scores of an image by their names, sorted. A change is stored before the call returns.

    A score of None is removed.
    """

    def __getitem__(self, name: str) -> float:
        """Return a score."""
        return self._row.scores[name]

    def __setitem__(self, name: str, value: float | None) -> None:
        """Store a score."""
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        """Remove a score."""
        if name not in self._row.scores:
            raise KeyError(name)
        self.update({name: None})

    def __iter__(self) -> Iterator[str]:
        return iter(self._row.scores)

    def __len__(self) -> int:
        return len(self._row.scores)

    def update(self, other: Any = (), /, **names: float | None) -> None:
        """Store several scores, all or none."""
        given = dict(other, **names)
        self._refuse_gone()
        self._labeller.call(self._labeller.score, {self._generation_id: given})

    def clear(self) -> None:
        """Remove all scores."""
        self.replace({})

    def replace(self, scores: Mapping[str, float]) -> None:
        """Make these the scores of the image, all or none.

        Raises:
            InvalidRequest: the scores are not a mapping, or cannot be stored.
        """
        if not isinstance(scores, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - users have no types
            raise InvalidRequest(
                f"{type(scores).__name__} is not a mapping of scores.",
                parameter="scores",
                next_step='Give names with numbers, such as {"clip": 0.31}. Nothing was stored.',
            )
        self.update({**dict.fromkeys(self._row.scores), **scores})

    def __repr__(self) -> str:
        return repr(dict(self._row.scores))


class Tags(_Label, MutableSet[str]):
    """The tags of an image, sorted. A change is stored before the call returns."""

    @classmethod
    def _from_iterable(cls, it: Iterable[Any]) -> set[Any]:  # pyright: ignore[reportIncompatibleMethodOverride] - a plain set
        return set(it)

    def __contains__(self, tag: object) -> bool:
        return tag in self._row.tags

    def __iter__(self) -> Iterator[str]:
        return iter(self._row.tags)

    def __len__(self) -> int:
        return len(self._row.tags)

    def add(self, value: str) -> None:
        """Give the image a tag."""
        self._store(add=[value])

    def discard(self, value: str) -> None:
        """Take a tag away, if the image has the tag."""
        if value in self:
            self._store(remove=[value])

    def clear(self) -> None:
        """Take all tags away."""
        self.replace(())

    def __ior__(self, it: AbstractSet[str]) -> Tags:  # pyright: ignore[reportIncompatibleMethodOverride] - the same set
        self._store(add=list(it))
        return self

    def replace(self, tags: Iterable[str]) -> None:
        """Make these the tags of the image, all or none.

        Raises:
            InvalidRequest: the tags are one text, or cannot be stored.
        """
        if isinstance(tags, str) or not isinstance(tags, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - users have no types
            raise InvalidRequest(
                f"{shown(tags)} is not a collection of tags.",
                parameter="tags",
                next_step='Give a list, such as ["poster"]. Nothing was stored.',
            )
        new = list(tags)
        self._store(add=new, remove=[tag for tag in self._row.tags if tag not in new])

    def _store(self, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        self._refuse_gone()
        self._labeller.call(partial(self._labeller.tag, add=add, remove=remove), [self._generation_id])

    def __repr__(self) -> str:
        return repr(set(self._row.tags))

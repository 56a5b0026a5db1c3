"""The traits of a playground whose values its studio or its page keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import traitlets

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KeptTrait"]

Got = TypeVar("Got")
Given = TypeVar("Given")


class KeptTrait(traitlets.TraitType[Got, Given]):
    """A trait whose value something else keeps. It is not synced: the protocol carries the value.

    Args:
        first: the value until the playground shows its studio.
        write: is called with the playground and an assigned value. It raises where the value is refused, else
            stores the value and calls `show`.
        help: the documentation of the trait.
    """

    def __init__(self, first: Got, write: Callable[[Any, Given], None], help: str) -> None:
        super().__init__(default_value=first, help=help)
        self._write = write

    def set(self, obj: Any, value: Any) -> None:
        """Store an assigned value before the trait has it, so that a refused value changes nothing."""
        self._write(obj, value)

    def show(self, obj: Any, value: Any) -> None:
        """Give the trait the value that is kept, and tell the observers where it is another value."""
        super().set(obj, value)

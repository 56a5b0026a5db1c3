"""What came of trying or keeping a key: values that say it to people, and that never hold the key."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

__all__ = ["Ask", "KeyCheck", "KeyKept"]


class Ask(Enum):
    """What stands for "ask the user" where None has another meaning."""

    KEY = "ask for it"


@dataclass(frozen=True, slots=True, repr=False)
class KeyCheck:
    """What came of a connection test. It shows itself as a sentence.

    Attributes:
        provider: the provider's name.
        outcome: ``"good"`` (it answers, and the key is good where one is needed), ``"reached"`` (it answers,
            but whether the key is good shows only when an image is paid for), ``"unknown"`` (nothing can be
            asked for free), ``"missing_key"``, ``"bad_key"``, ``"no_network"``, or ``"other"``.
        message: the same in a sentence or two, with the next step where there is one.
    """

    provider: str
    outcome: Literal["good", "reached", "unknown", "missing_key", "bad_key", "no_network", "other"]
    message: str

    def __repr__(self) -> str:
        return self.message

    @property
    def ok(self) -> bool:
        """True where the provider answered and refused nothing."""
        return self.outcome in ("good", "reached")


@dataclass(frozen=True, slots=True, repr=False)
class KeyKept:
    """Where a key is now. It shows itself as a sentence.

    Attributes:
        provider: the provider's name.
        place: ``"keyring"`` (it lasts), ``"memory"`` (it goes with this process), or ``"nowhere"``.
        message: the same in a sentence or two.
    """

    provider: str
    place: Literal["keyring", "memory", "nowhere"]
    message: str

    def __repr__(self) -> str:
        return self.message

"""The results of testing or keeping a key. They show themselves as text and never contain the key."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

__all__ = ["Ask", "KeyCheck", "KeyKept"]


class Ask(Enum):
    """A value that stands for "ask the user" where None has another meaning."""

    KEY = "ask for it"


@dataclass(frozen=True, slots=True, repr=False)
class KeyCheck:
    """The result of a connection test. It shows itself as a sentence.

    Attributes:
        provider: the provider's name.
        outcome: ``"good"`` (the provider answers, and accepts the key where it needs one), ``"reached"`` (the
            provider answers, but only a paid image tests the key), ``"unknown"`` (no call is free),
            ``"missing_key"``, ``"bad_key"``, ``"no_network"``, or ``"other"``.
        message: the same in a sentence or two, with the next step where there is one.
    """

    provider: str
    outcome: Literal["good", "reached", "unknown", "missing_key", "bad_key", "no_network", "other"]
    message: str

    def __repr__(self) -> str:
        return self.message

    @property
    def ok(self) -> bool:
        """True where the provider answered and did not refuse the call."""
        return self.outcome in ("good", "reached")


@dataclass(frozen=True, slots=True, repr=False)
class KeyKept:
    """The result of keeping or forgetting a key. It shows itself as a sentence.

    Attributes:
        provider: the provider's name.
        kept_in: where the key is now: ``"keyring"`` (it lasts), ``"memory"`` (until this process ends), or
            ``"nowhere"``.
        message: the same in a sentence or two.
    """

    provider: str
    kept_in: Literal["keyring", "memory", "nowhere"]
    message: str

    def __repr__(self) -> str:
        return self.message

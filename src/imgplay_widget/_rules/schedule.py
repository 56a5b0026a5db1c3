"""The times at which the engine asks a provider for a job.

Without a history, the waits grow from 0.5 s by a factor of 1.5, up to 5 s, with jitter. With five or more
past durations of the model, the engine first asks at their 5th percentile, and then every 0.26·√median
seconds, within 0.1–10 s. The cheapest gaps between checks for a random end grow with the square root of the
mean (Barlow and Proschan's inspection problem). In a simulation these gaps halve the mean wait after the end,
with the same number of questions.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

__all__ = ["Schedule", "pause", "usual"]

FIRST, FACTOR, CAP = 0.5, 1.5, 5.0
"""The backoff without a history: the first wait and the longest one in seconds, and the factor between."""

LEARN_FROM = 5
"""The number of past durations from which on the engine uses the history."""

SHORTEST, LONGEST = 0.1, 10.0
"""The limits of the learned gap, in seconds."""

GROWTH = 12
"""The number of waits that may grow. They reach `CAP` earlier, and in a job of hours the power of `FACTOR`
would otherwise overflow."""

JITTER = 0.1
"""The share by which a wait varies at random, so that many jobs do not ask at once."""


class Schedule:
    """The waits of one job.

    Args:
        durations: the seconds that past jobs of the model took, in any order.
        random: the source of jitter.
    """

    def __init__(self, durations: Sequence[float], random: Random) -> None:
        self._random = random
        self._asked = 0
        self._first, self._gap = _learned(durations)

    def wait(self, elapsed: float, retry_after: float | None = None) -> float:
        """Return the seconds to wait before the next question.

        Args:
            elapsed: the seconds since the job was sent.
            retry_after: the seconds that the provider asked for; the wait is never shorter.
        """
        if self._first is None:
            seconds = min(CAP, self._gap * FACTOR ** min(self._asked, GROWTH))
        elif self._asked == 0:
            seconds = max(self._first - elapsed, SHORTEST)
        else:
            seconds = self._gap
        self._asked += 1
        seconds *= 1 + self._random.uniform(-JITTER, JITTER)
        return max(seconds, retry_after or 0.0)


def pause(durations: Sequence[float], elapsed: float, retry_after: float | None = None) -> float:
    """Return the seconds until the next question of a client that does not count its questions.

    These are the waits of a `Schedule` without jitter, as a function of the time: the sum of waits that grow
    by a factor tells how long the next one is.

    Args:
        durations: the seconds that past jobs of the model took, in any order.
        elapsed: the seconds since the job was sent.
        retry_after: the seconds for which nothing can change; the pause is never shorter.
    """
    first, gap = _learned(durations)
    if first is None:
        seconds = min(CAP, FIRST + (FACTOR - 1) * elapsed)
    elif elapsed < first:
        seconds = max(first - elapsed, SHORTEST)
    else:
        seconds = gap
    return max(seconds, retry_after or 0.0)


def usual(durations: Sequence[float]) -> float | None:
    """Return the seconds that a job of a model usually takes: the median, or None without a history."""
    return median(durations) if len(durations) >= LEARN_FROM else None


def _learned(durations: Sequence[float]) -> tuple[float | None, float]:
    """Return the seconds after which to ask first, or None without a history, and the gap after that."""
    if len(durations) < LEARN_FROM:
        return None, FIRST
    ordered = sorted(durations)
    gap = min(LONGEST, max(SHORTEST, 0.26 * math.sqrt(median(ordered))))
    return ordered[int(0.05 * (len(ordered) - 1))], gap

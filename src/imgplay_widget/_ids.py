"""Ids whose order is the order of time."""

from __future__ import annotations

import os
import threading
import time

__all__ = ["new_id", "sort_after"]

_lock = threading.Lock()
_last = [0]
"""The time stamp of the last id."""


def new_id() -> str:
    """Return a UUID of version 7 (RFC 9562); a later id sorts after an earlier one, also in one millisecond.

    An id begins with 48 bits of milliseconds. Then come 12 bits that count within the process (method 1 of
    the RFC's section 6.2; the count starts at the fraction of the millisecond) and 62 random bits.
    """
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    stamp = milliseconds << 12 | rest * 4096 // 1_000_000
    with _lock:
        # The stamp never goes back, even when the clock does, because the order of a feed must not change.
        _last[0] = stamp = max(stamp, _last[0] + 1)
    random = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | random
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def sort_after(id: str) -> None:
    """Let all ids that this process makes from now on sort after an id, whatever the clock says."""
    digits = id.replace("-", "")
    try:
        value = int(digits, 16)
    except ValueError:
        return
    if len(digits) == 32 and value >> 76 & 0xF == 7:
        with _lock:
            _last[0] = max(_last[0], value >> 80 << 12 | value >> 64 & 0xFFF)

"""The measurement of the synced state after a long history, and of the page; it prints one line of JSON."""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import imgplay_widget
from imgplay_widget import ImagePlayground
from imgplay_widget._studio.api import core_of
from imgplay_widget.errors import Moderated
from imgplay_widget.testing import FakeProvider, open_studio, picture

BATCHES, COUNT, TOPICS = 250, 4, 50
REFUSED = 24
"""The number of the newest generations, which are synced; they are errors with long texts."""
PROMPT = "a lighthouse on a cliff at dawn, oil on canvas, in the manner of no painter at all. " * 12


def state_bytes(widget: ImagePlayground) -> int:
    """Return the size of a widget's state as JSON, without the page's own code."""
    state: dict[str, Any] = widget.get_state()
    return len(json.dumps({k: v for k, v in state.items() if k != "_esm"}).encode())


def synced_state() -> dict[str, int]:
    """Return the bytes of the state with an empty history, and with a history of 1,000 generations."""
    refusal = Moderated("The prompt was refused. " * 40, provider="fake")
    script = [picture()] * (BATCHES * COUNT - REFUSED) + [refusal] * REFUSED
    with open_studio(FakeProvider(script, concurrency=16), max_count=COUNT) as studio:
        empty = state_bytes(ImagePlayground(studio=studio))
        for number in range(BATCHES):
            topic = f"topic {number // (BATCHES // TOPICS)}: a title that is as long as some titles are"
            batch = studio.generate(PROMPT, model="fake:image", n=COUNT, topic=topic, seed=number)
            with suppress(Moderated):
                batch.result(timeout=60)
        core_of(studio).start(core_of(studio).topics.select, studio.topics[0].id).result()
        # A new widget begins with the present state. The state of an open widget follows within a second.
        return {"state_bytes_empty": empty, "state_bytes_1000": state_bytes(ImagePlayground(studio=studio))}


def page() -> dict[str, int]:
    """Return the bytes of the shipped page, and of the script and the style inside."""
    shipped = (Path(imgplay_widget.__file__).parent / "static" / "index.js").read_text(encoding="utf-8")
    return {"page_bytes": len(shipped), "unpacked_bytes": len(zlib.decompress(unpacked(shipped), -15))}


def unpacked(shipped: str) -> bytes:
    """Return the bytes that js/smaller.mjs wrote, with 13 bits in two of 91 signs."""
    signs = {
        chr(code): value for value, code in enumerate(c for c in range(32, 127) if chr(c) not in "\"'<\\")
    }
    text = shipped.split("'")[1]
    held = 0
    for index in range(0, len(text), 2):
        held |= (signs[text[index]] + len(signs) * signs[text[index + 1]]) << (index // 2 * 13)
    return held.to_bytes((held.bit_length() + 7) // 8, "little")


if __name__ == "__main__":
    print(json.dumps({**synced_state(), **page()}))

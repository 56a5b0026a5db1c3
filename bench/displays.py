"""The measurement of batches that show themselves in the output of a cell; it prints one line of JSON."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from time import perf_counter

from imgplay_widget import BatchHandle, Studio

MOST = 64
PROMPT = "a lighthouse on a cliff at dawn, oil on canvas, in the manner of no painter at all"


def displayed(batch: BatchHandle) -> dict[str, float]:
    """Return the bytes of the output that a notebook stores, and the time of the first display."""
    start = perf_counter()
    bundle = batch._repr_mimebundle_()
    seconds = perf_counter() - start
    assert "image/jpeg" in bundle
    return {"bytes": len(json.dumps(bundle, ensure_ascii=False).encode()), "ms": 1000 * seconds}


def main() -> None:
    figures: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        Studio(Path(folder) / "bench.sqlite", max_count=MOST) as studio,
    ):
        for count in (4, MOST):
            batch = studio.generate(PROMPT, model="demo:instant", n=count, width=768, height=512, seed=1)
            for name, value in displayed(batch.result(timeout=240)).items():
                figures[f"{name}_{count}"] = value
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

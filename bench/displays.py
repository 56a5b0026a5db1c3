"""The measurement of batches and a sweep that show themselves in a cell; it prints one line of JSON."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from time import perf_counter

from imgplay_widget import BatchHandle, Studio, SweepHandle

MOST = 64
PROMPT = "a lighthouse on a cliff at dawn, oil on canvas, in the manner of no painter at all"


def displayed(value: BatchHandle | SweepHandle) -> dict[str, float]:
    """Return the bytes of the output that a notebook stores, and the time of the first display."""
    start = perf_counter()
    bundle = value._repr_mimebundle_()
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
        sizes = {"width": 768, "height": 512, "model": "demo:instant", "seed": 2}
        eight = [f"number {number}" for number in range(8)]
        grid = studio.sweep(f"{PROMPT} {{row}}{{column}}", row=eight, column=eight, confirm=True, **sizes)
        for name, value in displayed(grid.result(timeout=240)).items():
            figures[f"{name}_grid"] = value
        start = perf_counter()
        _ = grid.image
        figures["image_ms"] = 1000 * (perf_counter() - start)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

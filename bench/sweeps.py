"""The measurement of a sweep of 200 against a loop of ``generate``; it prints one line of JSON.

Both ask the same provider for 200 images, 50 at once, each on a store of its own, in turns and in one
process. The overhead is the time beside that of the provider.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from imgplay_widget import Studio
from imgplay_widget._studio.api import core_of
from imgplay_widget.providers.openai import OpenAI

ANIMALS = [f"animal {number}" for number in range(20)]
STYLES = [f"style {number}" for number in range(10)]
IMAGES, CONCURRENCY, TURNS = len(ANIMALS) * len(STYLES), 50, 3
MODEL = "bench:image"


def looped(studio: Studio) -> float:
    """Ask for all images in a loop, wait for them, and return the seconds until all are asked for."""
    start = perf_counter()
    batches = [
        studio.generate(f"a {animal} in {style}", model=MODEL, topic="loop")
        for animal in ANIMALS
        for style in STYLES
    ]
    asked = perf_counter() - start
    for batch in batches:
        batch.result(progress=False)
    return asked


def swept(studio: Studio) -> float:
    """Ask for all images as a sweep, wait for them, and return the seconds until all are asked for."""
    start = perf_counter()
    grid = studio.sweep(
        "a {animal} in {style}", animal=ANIMALS, style=STYLES, model=MODEL, topic="sweep", confirm=True
    )
    asked = perf_counter() - start
    grid.result(progress=False)
    return asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--latency", type=float, required=True)
    args = parser.parse_args()
    least = args.latency * IMAGES / CONCURRENCY
    samples: defaultdict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="imgplay-bench-") as folder:
        for turn in range(TURNS):
            # Who is first has the cold caches, so both are first in turns.
            for name in ("loop", "sweep") if turn % 2 else ("sweep", "loop"):
                provider = OpenAI(args.url, name="bench", key_variables=())
                with Studio(
                    Path(folder) / f"{name}-{turn}.sqlite",
                    providers=[provider],
                    concurrency={"bench": CONCURRENCY},
                ) as studio:
                    core_of(studio).engine.eager_thumbnails = False
                    studio.generate("warm", model=MODEL, topic="warm").result(progress=False)
                    gc.collect()
                    start, cpu = perf_counter(), process_time()
                    asked = (swept if name == "sweep" else looped)(studio)
                    wall, cpu = perf_counter() - start, process_time() - cpu
                    samples[f"{name}_overhead_ms_per_image"].append(1000 * (wall - least) / IMAGES)
                    samples[f"{name}_cpu_ms_per_image"].append(1000 * cpu / IMAGES)
                    samples[f"{name}_call_ms"].append(1000 * asked)
    print(json.dumps({key: median(values) for key, values in samples.items()}))


if __name__ == "__main__":
    main()

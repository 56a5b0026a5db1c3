"""The measurement of one client in this process, which prints one line of JSON.

``small`` makes batches of four, cold and warm. ``large`` makes 200 images, 50 at once. ``stall`` does the
same with a ticker on the main thread, and with thumbnails where the client has them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from bench.clients import CLIENTS, Client

BATCH, WARM_BATCHES = 4, 12
LARGE, CONCURRENCY = 200, 50
TICK = 0.001


async def small(client: Client, latency: float) -> dict[str, float]:
    """Return the overhead of the first batch and of later ones, and the CPU time of later ones, in ms."""
    begin = perf_counter()
    client.load()
    loaded = perf_counter()
    client.open(thumbnails=False)
    await client.generate(BATCH)
    first = perf_counter() - loaded
    warm: list[float] = []
    cpu = process_time()
    for _ in range(WARM_BATCHES):
        start = perf_counter()
        await client.generate(BATCH)
        warm.append(perf_counter() - start - latency)
    cpu = process_time() - cpu
    return {
        "import_ms": 1000 * (loaded - begin),
        "cold_ms": 1000 * (first - latency),
        "warm_ms": 1000 * median(warm),
        "cpu_ms_per_image": 1000 * cpu / (BATCH * WARM_BATCHES),
    }


async def large(client: Client, latency: float) -> dict[str, float]:
    """Return the overhead and the CPU time for each image, in ms, and the peak of the memory, in MB."""
    client.load()
    client.open(thumbnails=False)
    start, cpu = perf_counter(), process_time()
    await client.generate(LARGE)
    wall, cpu = perf_counter() - start, process_time() - cpu
    return {
        "overhead_ms_per_image": 1000 * (wall - latency * LARGE / CONCURRENCY) / LARGE,
        "cpu_ms_per_image": 1000 * cpu / LARGE,
        "peak_rss_mb": peak_memory(),
    }


async def stall(client: Client, _: float) -> dict[str, float]:
    """Return how late a ticker of 1 ms runs on the main thread, in ms, while the client makes 200 images."""
    client.load()
    client.open(thumbnails=True)
    await client.generate(1)
    late: list[float] = []

    async def tick() -> None:
        while True:
            start = perf_counter()
            await asyncio.sleep(TICK)
            late.append(1000 * (perf_counter() - start - TICK))

    ticker = asyncio.create_task(tick())
    await client.generate(LARGE)
    ticker.cancel()
    late.sort()
    return {
        "stall_p99_ms": late[int(len(late) * 0.99)],
        "stall_max_ms": late[-1],
        "peak_rss_mb": peak_memory(),
    }


def peak_memory() -> float:
    """Return the peak of this process's memory, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024  # type: ignore[index]
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


PHASES = {"small": small, "large": large, "stall": stall}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("phase", choices=PHASES)
    parser.add_argument("url")
    parser.add_argument("--latency", type=float, required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imgplay-bench-") as folder:
        concurrency = BATCH if args.phase == "small" else CONCURRENCY
        client = CLIENTS[args.client](args.url, Path(folder), concurrency)
        figures = await PHASES[args.phase](client, args.latency)
        await client.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    asyncio.run(main())

"""The measurement of queries over a history of 100,000 images; it prints one line of JSON.

The peer is SQLite itself: the same question to the store's own tables, as one would write it by hand. The
first query of `Studio.sql` imports DuckDB and copies the history; each later one is answered from the copy.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from bench.history import make_store
from imgplay_widget import Studio

IMAGES = 100_000
REPEATS = 5

QUESTION = """
SELECT model, count(*), avg(seconds), sum(cost_usd) FROM generations
WHERE status = 'success' GROUP BY model ORDER BY model
"""
BY_HAND = """
SELECT b.provider || ':' || b.model AS name, count(*),
  avg((julianday(k.finished_at) - julianday(k.submitted_at)) * 86400), sum(s.amount / s.images) / 1e9
FROM image_generations g
JOIN image_generation_batches b ON b.id = g.batch_id JOIN image_generation_topics t ON t.id = b.topic_id
LEFT JOIN image_async_tasks k ON k.id = g.async_task_id
LEFT JOIN image_spending s ON s.call_key = json_extract(k.unit, '$.key')
WHERE g.deleted_at IS NULL AND b.deleted_at IS NULL AND t.deleted_at IS NULL AND g.asset_digest IS NOT NULL
GROUP BY name ORDER BY name
"""

# Six models, other durations, and a call with a cost of its own for each image.
VARIED = """
UPDATE image_generation_batches SET model = 'model-' || (rowid % 6);
UPDATE image_async_tasks SET unit = json_set(unit, '$.key', id), finished_at =
  strftime('%Y-%m-%d %H:%M:%f', submitted_at, '+' || (rowid % 20) || ' seconds') || '000';
DELETE FROM image_spending;
INSERT INTO image_spending SELECT k.id, k.user_id, NULL, b.topic_id, b.id, b.provider, b.model, 1,
  (k.rowid % 90 + 10) * 1000000, 'told', k.finished_at
FROM image_async_tasks k JOIN image_generation_batches b ON b.id = k.batch_id;
"""


def milliseconds(call: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def by_hand(path: Path) -> float:
    """Return the ms in which SQLite answers, with the file in the system's cache."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return min(milliseconds(lambda: database.execute(BY_HAND).fetchall()) for _ in range(REPEATS))


def measure(path: Path) -> dict[str, float]:
    """Return the times in ms, and the memory that the copy takes in MB."""
    make_store(path, IMAGES)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(VARIED)
    with closing(sqlite3.connect(path)) as database:
        wanted = database.execute(BY_HAND).fetchall()
    process = psutil.Process()
    with Studio(path, titles="off") as studio:
        found = {"sqlite_ms": by_hand(path)}
        before = process.memory_info().rss
        found["first_ms"] = milliseconds(lambda: studio.sql(QUESTION))
        found["memory_mb"] = (process.memory_info().rss - before) / 1e6
        found["later_ms"] = median(milliseconds(lambda: studio.sql(QUESTION)) for _ in range(REPEATS * 4))
        assert [(row[0], row[1]) for row in studio.sql(QUESTION)] == [(row[0], row[1]) for row in wanted]
        took: list[float] = []
        for number in range(REPEATS):
            studio.generate(f"an owl, study {number}", n=4, model="demo:instant", topic="Owls").result(60)
            took.append(milliseconds(lambda: studio.sql(QUESTION)))
        found["refresh_ms"] = median(took)
        found["sqlite_ms"] = min(found["sqlite_ms"], by_hand(path))
    return found


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="imgplay-bench-") as folder:
        found = measure(Path(folder, "s.sqlite"))
    print(json.dumps({name: round(value, 2) for name, value in found.items()}))


if __name__ == "__main__":
    main()

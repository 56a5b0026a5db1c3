"""The bench: it measures ours and the peers, in turns and in fresh processes, and prints a table.

Run ``make bench``, or ``python -m bench.run --rounds 5``. The bench also writes one JSON file. It is not a
test: compare the ratios of one run, not the times of two runs, and look at the load in the head of the table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LATENCY = 0.3
"""The seconds that the provider takes for an image."""
LIMIT = 300
"""The longest time of one measurement, in seconds."""
IMPORTS = {
    "anywidget": "import anywidget",
    "package": "import imgplay_widget",
    "widget": "from imgplay_widget import ImagePlayground",
}
IMPORTS_EACH_ROUND = 5

Samples = dict[str, list[float]]


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        ours, peer, floor, ratio: the values as text; the ratio is ours divided by the peer.
        met: whether the aim is met, or None without an aim.
    """

    name: str
    ours: str
    peer: str = ""
    floor: str = ""
    ratio: str = ""
    aim: str = ""
    met: bool | None = None


# ------------------------------------------------------------------ measuring


class Bench:
    """The measurements and their results: ``samples["large.ours.cpu_ms_per_image"]``."""

    def __init__(self, url: str, peers: Path) -> None:
        self.samples: defaultdict[str, list[float]] = defaultdict(list)
        self.missing: dict[str, str] = {}
        self._url = url
        self._python = {"ours": sys.executable, "floor": sys.executable, "peer": str(peers)}

    def measure(self, key: str, module: str, *arguments: str, who: str = "ours") -> None:
        """Run a module in a fresh process, and keep the figures of the JSON that the module prints."""
        say(f"{key} …")
        command = [self._python[who], "-m", f"bench.{module}", *arguments]
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False
            )
        except subprocess.TimeoutExpired:
            self.missing[key] = f"took more than {LIMIT} s"
            return
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            self.missing[key] = next((line for line in lines if "Error" in line), lines[-1])[:160]
            return
        for name, value in json.loads(done.stdout).items():
            self.samples[f"{key}.{name}"].append(value)

    def round(self) -> None:
        """Measure once what varies between runs, ours and the peers in turns."""
        clients = {"ours": "ours", "openai": "peer", "floor": "floor"}
        for phase in ("small", "large", "stall"):
            for client, who in clients.items():
                arguments = (client, phase, self._url, "--latency", str(LATENCY))
                self.measure(f"{phase}.{client}", "generate", *arguments, who=who)
        self.imports()
        self.measure("sweep", "sweeps", self._url, "--latency", str(LATENCY))
        self.measure("page", "page", self._url)
        self.measure("faces", "faces", self._url)

    def imports(self) -> None:
        """Measure how long the imports take in fresh processes."""
        say("imports …")
        for _ in range(IMPORTS_EACH_ROUND):
            for name, code in IMPORTS.items():
                start = time.perf_counter()
                done = subprocess.run(
                    [sys.executable, "-c", code], cwd=HERE, capture_output=True, check=False
                )
                if done.returncode:
                    self.missing[f"import.{name}"] = "it failed"
                else:
                    self.samples[f"import.{name}"].append(1000 * (time.perf_counter() - start))

    def once(self) -> None:
        """Measure what does not vary between runs."""
        for count in ("4", "200"):
            self.measure(f"wire{count}.ours", "wire", "ours", count, self._url)
            self.measure(f"wire{count}.ipywidgets", "wire", "ipywidgets", count, self._url, who="peer")
        self.measure("state", "state")
        self.measure("display", "displays")
        self.measure("history", "history")
        self.measure("sql", "sql")
        self.measure("starts", "starts")


@contextmanager
def provider() -> Iterator[str]:
    """Return a context with the base URL of the provider, which runs in its own process."""
    command = [sys.executable, "-m", "bench.server", "--latency", str(LATENCY)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[0]
        finally:
            process.kill()


def peers() -> Path:
    """Install the peers into an environment of their own, and return the Python of this environment."""
    folder, wanted = HERE / ".venv", HERE / "requirements.txt"
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    if installed.exists() and installed.read_text() == wanted.read_text():
        return python
    say("installing the peers …")
    uv = shutil.which("uv")
    if uv:
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", python]
    else:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--requirement", wanted], check=True)
    installed.write_text(wanted.read_text())
    return python


# ------------------------------------------------------------------ the table


class Table:
    """The table, whose rows are made from the samples."""

    def __init__(self, samples: Mapping[str, Sequence[float]], missing: Mapping[str, str]) -> None:
        self.rows: list[Row] = []
        self._samples = samples
        self._missing = missing

    def add(
        self,
        name: str,
        ours: str,
        peer: str = "",
        floor: str = "",
        *,
        ratio: float | None = None,
        limit: float | None = None,
        show: Callable[[float], str] = lambda value: f"{value:.1f}",
    ) -> None:
        """Add a row.

        Args:
            name: the name of the row.
            ours, peer, floor: the keys of the samples.
            ratio: the most that ours, divided by the peer, shall be.
            limit: the most that ours shall be, in the unit of the samples.
            show: returns one value as text.
        """
        mine, theirs = self._median(ours), self._median(peer)
        found = mine / theirs if mine is not None and theirs else None
        aims: list[tuple[str, float | None, float]] = []
        if ratio is not None:
            aims.append((f"≤ {ratio:g}×", found, ratio))
        if limit is not None:
            aims.append((f"≤ {show(limit)}", mine, limit))
        known = all(value is not None for _, value, _ in aims)
        self.rows.append(
            Row(
                name,
                self._text(ours, show),
                self._text(peer, show),
                self._text(floor, show),
                "" if found is None else f"{found:.3g}",
                ", ".join(text for text, _, _ in aims),
                all(value <= aim for _, value, aim in aims if value is not None) if aims and known else None,
            )
        )

    def _median(self, key: str) -> float | None:
        values = self._samples.get(key)
        return median(values) if values else None

    def _text(self, key: str, show: Callable[[float], str]) -> str:
        if not key:
            return ""
        values = self._samples.get(key)
        if not values:
            return "not run"
        if len(values) == 1 or min(values) == max(values):
            return show(median(values))
        return f"{show(median(values))} [{show(min(values))}–{show(max(values))}]"

    def text(self) -> str:
        """Return the table as text, with the reasons for missing measurements below."""
        head = ("", "ours", "peer", "floor", "ratio", "aim", "")
        marks = {True: "ok", False: "MISSED", None: ""}
        lines = [head] + [(r.name, r.ours, r.peer, r.floor, r.ratio, r.aim, marks[r.met]) for r in self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        text = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        text.insert(1, "─" * max(map(len, text)))
        return "\n".join([*text, *(f"not run: {key}: {why}" for key, why in self._missing.items())])


def kilobytes(value: float) -> str:
    """Return a number of bytes as text."""
    return f"{value / 1000:,.1f} kB"


def megabytes(value: float) -> str:
    """Return a number of bytes as text."""
    return f"{value / 1e6:,.3g} MB"


def table_of(bench: Bench) -> Table:
    """Make the table."""
    table = Table(bench.samples, bench.missing)

    def against_sdk(name: str, phase: str, key: str, **aim: Any) -> None:
        table.add(name, f"{phase}.ours.{key}", f"{phase}.openai.{key}", f"{phase}.floor.{key}", **aim)

    against_sdk("CPU an image, durable path, n=4 warm [ms]", "small", "cpu_ms_per_image", ratio=0.65)
    against_sdk("overhead of n=4, cold [ms]", "small", "cold_ms", ratio=0.3)
    against_sdk("overhead of n=4, warm [ms]", "small", "warm_ms", ratio=0.65)
    against_sdk("imports before it [ms]", "small", "import_ms")
    against_sdk(
        "200 images, 50 at once: overhead an image [ms]", "large", "overhead_ms_per_image", ratio=0.35
    )
    against_sdk("… CPU an image [ms]", "large", "cpu_ms_per_image")
    against_sdk("… peak memory [MB]", "large", "peak_rss_mb", ratio=0.5)
    against_sdk("… main thread late, p99 (ours with thumbnails) [ms]", "stall", "stall_p99_ms", limit=15)
    against_sdk("… main thread late, worst [ms]", "stall", "stall_max_ms")
    against_sdk("… peak memory (ours with thumbnails) [MB]", "stall", "peak_rss_mb")
    table.add(
        "sweep of 200 : loop of generate, overhead an image [ms]",
        "sweep.sweep_overhead_ms_per_image",
        "sweep.loop_overhead_ms_per_image",
        ratio=1.1,
        show=lambda value: f"{value:.2f}",
    )
    table.add(
        "… CPU an image [ms]",
        "sweep.sweep_cpu_ms_per_image",
        "sweep.loop_cpu_ms_per_image",
        ratio=1.2,
        show=lambda value: f"{value:.2f}",
    )
    table.add(
        "… until the call returns [ms]",
        "sweep.sweep_call_ms",
        "sweep.loop_call_ms",
        show=lambda value: f"{value:.0f}",
    )
    table.add("import imgplay_widget : anywidget [ms]", "import.package", "import.anywidget", ratio=1.1)
    table.add("import ImagePlayground : anywidget [ms]", "import.widget", "import.anywidget")
    for count in (4, 200):
        ours, peer = f"wire{count}.ours", f"wire{count}.ipywidgets"
        table.add(
            f"{count} images on the wire : ipywidgets.Image",
            f"{ours}.wire_bytes",
            f"{peer}.wire_bytes",
            ratio=0.03,
            show=megabytes,
        )
        table.add(
            f"{count} images in the saved notebook : ipywidgets.Image",
            f"{ours}.notebook_bytes",
            f"{peer}.notebook_bytes",
            ratio=0.03,
            limit=100_000,
            show=kilobytes,
        )
    table.add("… of these, the page's own code", "wire200.ours.page_code_bytes", show=kilobytes)
    table.add("synced state, empty history", "state.state_bytes_empty", show=kilobytes)
    table.add("synced state, 1,000 generations", "state.state_bytes_1000", limit=64_000, show=kilobytes)
    for key, what in (
        ("4", "batch of 4 images"),
        ("64", "batch of 64 images"),
        ("grid", "sweep of 64 images"),
    ):
        table.add(
            f"a displayed {what}, in the saved notebook",
            f"display.bytes_{key}",
            limit=100_000,
            show=kilobytes,
        )
        table.add("… drawing it for the first time [ms]", f"display.ms_{key}")
    table.add("… grid.image of it [ms]", "display.image_ms")
    table.add("page, as it is shipped", "state.page_bytes", limit=90_000, show=kilobytes)
    table.add("page, unpacked", "state.unpacked_bytes", show=kilobytes)
    table.add(
        "start of a Jupyter Server with : without the studio, CPU [ms]", "starts.with_ms", "starts.without_ms"
    )
    table.add("… what the studio adds, CPU [ms]", "starts.added_ms", limit=20)
    table.add(
        "click to tile: page of a server (socket) : JupyterLab (comm) [ms]",
        "faces.socket_tile_ms",
        "faces.comm_tile_ms",
    )
    table.add(
        "… median ratio of clicks in turns", "faces.tile_ratio", limit=1.2, show=lambda value: f"{value:.2f}"
    )
    table.add(
        "… click to thumbnail, socket : comm [ms]", "faces.socket_thumbnail_ms", "faces.comm_thumbnail_ms"
    )
    table.add("JupyterLab: display to usable [ms]", "page.display_ms", limit=150)
    table.add("JupyterLab: first click to the large view, a part [ms]", "page.part_drawn_ms", limit=100)
    table.add("… to the sign that it loads [ms]", "page.part_acknowledged_ms")
    table.add("JupyterLab: first click to tile [ms]", "page.first_click_to_tile_ms")
    table.add("JupyterLab: click to tile [ms]", "page.click_to_tile_ms")
    table.add("JupyterLab: file written to thumbnail on screen [ms]", "page.file_to_thumbnail_ms")
    table.add(
        "JupyterLab: click to thumbnail, 300 ms of it the provider's [ms]", "page.click_to_thumbnail_ms"
    )
    table.add(
        "JupyterLab: 10,000 images open : 10 [ms]", "history.open_many_ms", "history.open_few_ms", ratio=1.2
    )
    table.add(
        "… scrolling, p95 frame : at rest [ms]",
        "history.scroll_frame_p95_ms",
        "history.rest_frame_p95_ms",
        limit=20,
    )
    table.add("… main thread a frame, with all of JupyterLab [ms]", "history.scroll_cpu_ms_per_frame")
    table.add("… dragging the scroll bar, p95 frame [ms]", "history.rush_frame_p95_ms")
    table.add("… elements of the feed", "history.feed_elements", show=lambda value: f"{value:.0f}")
    sqlite = "sql.sqlite_ms"
    table.add("pg.sql on 100,000 images, first : SQLite by hand [ms]", "sql.first_ms", sqlite, ratio=8)
    table.add("… each later one [ms]", "sql.later_ms", sqlite, ratio=0.05)
    table.add("… the first one after a new batch [ms]", "sql.refresh_ms", limit=100)
    table.add("… memory that the tables of the query take [MB]", "sql.memory_mb")
    return table


def machine() -> dict[str, Any]:
    """Return the conditions on which the figures depend."""
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "versions": {
            name: version(name) for name in ("anywidget", "httpx", "ipykernel", "pillow", "sqlalchemy")
        },
        "peers": (HERE / "requirements.txt").read_text().split("\n", 1)[1].split(),
        "load_before": os.getloadavg()[0],
    }


def say(text: str) -> None:
    """Print the progress to stderr, apart from the table."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="the number of measurements of each kind")
    rounds = parser.parse_args().rounds
    where = machine()
    with provider() as url:
        bench = Bench(url, peers())
        bench.once()
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            bench.round()
    where["load_after"] = os.getloadavg()[0]
    table = table_of(bench)
    now = datetime.now(UTC)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    path = results / f"{now:%Y%m%d-%H%M%S}.json"
    whole = {
        "at": now.isoformat(timespec="seconds"),
        "machine": where,
        "rounds": rounds,
        "rows": [asdict(row) for row in table.rows],
        "samples": bench.samples,
        "not_run": bench.missing,
    }
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")
    load = f"{where['load_before']:.1f} before, {where['load_after']:.1f} after"
    print(f"{where['cpu']}, {where['cores']} cores, Python {where['python']}, load {load}; {rounds} rounds,")
    print(
        f"median [least–most]; peer: the openai SDK unless the line says another. {path.relative_to(ROOT)}\n"
    )
    print(table.text())


if __name__ == "__main__":
    main()

"""Three kernels work on one store, do what users do, and are killed at random, some hundred times.

``make soak`` runs this for half an hour and prints what it counted. The tests run it for a few kills.

::

    python -m tests.faults.soak --kills 500 --seed 1
"""

from __future__ import annotations

import argparse
import hashlib
import json
import select
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from random import Random
from typing import Any

from imgplay_widget import Studio
from tests.faults.child import POINTS, all_batches
from tests.faults.conftest import Child, left_over, next_start, rows
from tests.servers.job_server import JobServer

KERNELS = 3
MODELS = ("image", "sheet", "queue", "queue-sheet", "keyed", "keyed-sheet")
TOPICS = ("Foxes", "Boats", "Lamps")
PATIENCE = 60.0
"""The seconds after which a kernel that neither answers nor dies has failed."""

KNOWN = frozenset({"success", "uncertain", "cancelled", "server_error", "interrupted", "lost", "not_fetched"})
"""How a generation may end here: its image, a kill, a cancel, or a server that was out of order."""


@dataclass(slots=True)
class Tally:
    """What a soak counted. All but the first line must be zero.

    Attributes:
        seen: the kills, the POSTs, the operations by name, and the ends of the generations.
        doubled: the calls that were sent twice, although their provider does not know repeated keys.
        unasked: the slots for which more calls were sent than users asked for.
        unbooked: the POSTs without a line of spending.
        stuck: the tasks that did not end, and the tasks that no generation names.
        lost: the images that a row names and that are gone, or are not those that were paid for, and the
            generations that nobody deleted and that are gone.
        broken: what the database itself says of damage.
        strange: the ends of generations that nothing here explains.
    """

    seen: Counter[str] = field(default_factory=Counter)
    doubled: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    unbooked: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    def faults(self) -> dict[str, list[str]]:
        """Return the kinds of faults that were found."""
        return {
            f.name: getattr(self, f.name) for f in fields(self) if f.name != "seen" and getattr(self, f.name)
        }

    def __str__(self) -> str:
        lines = [f"{name}: {count}" for name, count in sorted(self.seen.items())]
        for f in fields(self):
            if f.name != "seen":
                found = getattr(self, f.name)
                lines.append(f"{f.name}: {len(found)} {found[:5] or ''}")
        return "\n".join(lines)


class Soak:
    """One soak on a store.

    Args:
        store: the location of the store.
        server: the provider that counts.
        seed: the seed of what happens. What a kernel has done when it is killed differs all the same.
    """

    def __init__(self, store: Path, server: JobServer, seed: int) -> None:
        self._store = store
        self._server = server
        self._random = Random(seed)
        self._kernels: list[Child] = []
        self._number = 0
        # The batches that a kernel named, with their prompts, and those of them that nobody deleted.
        self._batches: dict[str, str] = {}
        self._kept: set[str] = set()
        self._stored: set[str] = set()
        self._prompts: dict[str, str] = {}
        self._deleted: list[str] = []
        self._asked: Counter[str] = Counter()
        self.tally = Tally()

    def run(self, kills: int) -> Tally:
        """Kill kernels so many times, let the next kernel finish what is left, and return the tally."""
        try:
            while self.tally.seen["kills"] < kills:
                self._step()
        finally:
            for kernel in self._kernels:
                kernel.end()
        self._server.working = False
        with next_start(self._store, self._server) as studio:
            self._look(studio)
        self._judge()
        return self.tally

    # -------------------------------------------------------------- what happens

    def _step(self) -> None:
        while len(self._kernels) < KERNELS:
            # The clocks of machines that share a store differ.
            ahead = self._random.choice([0.0, 0.0, 3600.0, -3600.0])
            kernel = Child(self._store, self._server, heartbeat=2.0, ahead=ahead)
            self._kernels.append(kernel)
            if self._random.random() < 0.5:
                point, count = self._random.choice(sorted(POINTS)), self._random.randint(1, 15)
                self._tell(kernel, do="arm", point=point, count=count)
        if self._number % 10 == 0 and self._batches:
            self._stored |= {batch for batch, _ in self._all_batches()}
        kernel = self._random.choice(self._kernels)
        match self._random.random():
            case chance if chance < 0.06:
                kernel.process.kill()
                self._gone(kernel)
            case chance if chance < 0.12:
                self._server.working = not self._server.working
            case chance if chance < 0.15:
                self._server.expire_links()
            case chance if chance < 0.20:
                self._server.refuse(1)
            case _:
                self._operate(kernel, next(self._operations()))

    def _operations(self) -> Iterator[dict[str, Any]]:
        """Return the next thing that a user does."""
        one = self._random.choice(list(self._batches)[-12:]) if self._batches else None
        kind = self._random.choices(
            ["generate", "retry", "cancel", "delete", "restore", "purge", "star", "move"],
            [8, 4, 2, 3, 2, 1, 1, 1],
        )[0]
        topic = self._random.choice(TOPICS)
        if kind == "restore" and self._deleted:
            yield {"do": kind, "what": self._deleted[-1]}
        elif kind == "purge":
            yield {"do": kind}
        elif kind == "generate" or one is None or kind == "restore":
            self._number += 1
            prompt, model = f"fox {self._number}", self._random.choice(MODELS)
            n = self._random.randint(1, 4)
            yield {"do": "generate", "prompts": [prompt], "model": model, "n": n, "topic": topic}
        elif kind == "delete":
            yield {"do": kind, "what": one}
        elif kind == "move":
            yield {"do": kind, "batch": one, "topic": topic}
        else:
            yield {"do": kind, "batch": one}

    def _operate(self, kernel: Child, command: dict[str, Any]) -> None:
        """Let a kernel do what a user does, and note what the user may expect from then on."""
        what = command.get("what")
        if command["do"] == "delete":
            self._kept.discard(what)
        if command["do"] == "retry":
            self._asked[command["batch"]] += 1
        answer = self._tell(kernel, do="try", command=command)
        if answer is None or "refused" in answer:
            self.tally.seen[f"{command['do']}: {'killed' if answer is None else answer['refused']}"] += 1
            return
        self.tally.seen[command["do"]] += 1
        match command["do"]:
            case "generate":
                (batch,) = answer["answer"]
                self._batches[batch] = self._prompts[batch] = command["prompts"][0]
                self._kept.add(batch)
            case "delete":
                self._deleted.append(what)
                self._batches.pop(what, None)
            case "restore":
                self._deleted.remove(what)
                self._kept.add(what)
            case "purge":
                self._deleted.clear()

    def _tell(self, kernel: Child, **command: Any) -> Any:
        """Return the answer of a kernel, or None where it died."""
        assert kernel.process.stdout is not None
        with suppress(BrokenPipeError, AssertionError):
            kernel.tell(command.pop("do"), **command)
            ready, _, _ = select.select([kernel.process.stdout], [], [], PATIENCE)
            if not ready:
                raise TimeoutError(f"a kernel neither answered {command} nor died")
            line = kernel.process.stdout.readline()
            if line:
                return json.loads(line) or {}
        self._gone(kernel)
        return None

    def _gone(self, kernel: Child) -> None:
        kernel.end()
        self._kernels.remove(kernel)
        self.tally.seen["kills"] += 1

    # -------------------------------------------------------------- what must be true

    def _look(self, studio: Studio) -> None:
        """Look at each image as a user does."""
        paid = self._server.all_digests()
        for image in (image for batch in all_batches(studio) for image in batch):
            code = "success" if image.error is None else image.error.code
            self.tally.seen[f"end: {code}"] += 1
            if code not in KNOWN:
                self.tally.strange.append(code)
            if code == "success" and hashlib.sha256(image.bytes).hexdigest() not in paid:
                self.tally.lost.append(f"the image of {image.id} is none that was paid for")

    def _judge(self) -> None:
        tally, server = self.tally, self._server
        tally.seen["posts"] = len(server.submits)
        prompts = {prompt: batch for batch, prompt in self._all_batches()}
        keys = Counter(submit.key for submit in server.submits if not submit.keyed)
        tally.doubled = [key for key, count in keys.items() if count > 1]
        slots = Counter(
            (submit.prompt, slot)
            for submit in server.submits
            if not submit.keyed
            for slot in submit.positions
        )
        tally.unasked = [
            f"{prompt} {slot}: {count}"
            for (prompt, slot), count in slots.items()
            if count > 1 + self._asked[prompts.get(prompt, "")] and prompt in prompts
        ]
        booked = {key for (key,) in rows(self._store, "SELECT call_key FROM image_spending")}
        refused = server.refused
        tally.unbooked = sorted({s.key for s in server.submits} - booked - refused)
        tally.stuck = [
            f"{task}: {stage}"
            for task, stage in rows(
                self._store,
                "SELECT id, stage FROM image_async_tasks WHERE status IN ('pending', 'processing')"
                " OR id NOT IN (SELECT async_task_id FROM image_generations WHERE async_task_id NOT NULL)",
            )
        ]
        tally.broken = [
            text
            for check in ("PRAGMA integrity_check", "PRAGMA foreign_key_check")
            for text, *_ in rows(self._store, check)
            if text != "ok"
        ]
        tally.lost += [line for line in left_over(self._store) if line.startswith("missing")]
        # A kernel names a batch just before the batch is stored. Nothing is sent, and nothing is lost, of a
        # batch whose kernel died in between.
        posted = {submit.prompt for submit in server.submits}
        begun = {batch for batch, prompt in self._prompts.items() if prompt in posted} | self._stored
        gone = (self._kept & begun) - {batch for batch, _ in self._all_batches()}
        tally.lost += [f"the batch {batch} is gone" for batch in gone]

    def _all_batches(self) -> list[tuple[str, str]]:
        query = "SELECT id, prompt FROM image_generation_batches WHERE deleted_at IS NULL"
        return [tuple(row) for row in rows(self._store, query)]


def main() -> None:
    """Run a soak in a temporary folder, print the tally, and fail where anything is not zero."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imgplay-soak-") as folder, JobServer() as server:
        tally = Soak(Path(folder) / "history.sqlite", server, options.seed).run(options.kills)
    sys.stdout.write(f"{tally}\n")
    sys.exit(bool(tally.faults()))


if __name__ == "__main__":
    main()

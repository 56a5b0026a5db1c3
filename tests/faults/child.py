"""A process with a studio, like a kernel. It follows commands, one JSON line after the other, and can
kill or stop itself at a given point of the code. The package does not know these points."""

from __future__ import annotations

import functools
import itertools
import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from imgplay_widget._store import removal
from imgplay_widget._store.assets import Assets
from imgplay_widget._store.store import Store
from imgplay_widget._studio.handles import BatchHandle
from imgplay_widget._studio.studio import Studio
from imgplay_widget.errors import ImgplayError
from tests.faults.job_provider import JobProvider, QuickClock


def saved(stage: str) -> Callable[..., bool]:
    return lambda _, task, **__: task.stage.value == stage


def always(*_: Any, **__: Any) -> bool:
    return True


POINTS: dict[str, tuple[Any, str, str, Callable[..., bool]]] = {
    # name: (the owner, the function, before or after it, which calls count)
    "inside the batch's transaction": (Store, "_touch_topic", "after", always),
    "after the batch": (Store, "add_batches", "after", always),
    "after the sweep": (Store, "save_sweep", "after", always),
    "before a cancellation": (Store, "save_tasks", "before", always),
    "after a cancellation": (Store, "save_tasks", "after", always),
    "after submitting": (Store, "save_task", "after", saved("submitting")),
    "before the ticket": (Store, "save_task", "before", saved("processing")),
    "after the ticket": (Store, "save_task", "after", saved("processing")),
    "after the links": (Store, "save_task", "after", saved("downloading")),
    "while a file is written": (Path, "replace", "before", always),
    "after a file": (Assets, "receive", "after", always),
    "inside the row's transaction": (Assets, "adopt", "after", always),
    "after the row": (Store, "finish_task", "after", always),
    "before the end": (Store, "finish_task", "before", always),
    "after a delete": (Store, "hide", "after", always),
    "after an undo": (Store, "restore", "after", always),
    "between rows and files": (removal, "work_off", "before", always),
    "after a retry's task": (Store, "replace_tasks", "after", always),
    "before a retry's files": (Assets, "discard", "before", always),
    "after a cover's file": (Assets, "write_cover", "after", always),
    "in the decoder": (sys.modules["imgplay_widget._store.images"], "accept", "before", always),
}


def arm(point: str, how: str, count: int) -> None:
    """Make this process kill, stop or end itself at the count-th passing of a point."""
    home, name, when, counts = POINTS[point]
    function = getattr(home, name)
    passed = itertools.count(1)

    @functools.wraps(function)
    def wrapped(*args: Any, **keywords: Any) -> Any:
        hit = counts(*args, **keywords)
        if hit and when == "before" and next(passed) == count:
            _strike(how)
        result = function(*args, **keywords)
        if hit and when == "after" and next(passed) == count:
            _strike(how)
        return result

    setattr(home, name, wrapped)


def _strike(how: str) -> None:
    if how == "exit":
        os._exit(7)
    # The signal goes to this thread: another one might take it while this one goes on for a moment.
    signal.pthread_kill(threading.get_ident(), {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}[how])


def obey(studio: Studio, command: dict[str, Any]) -> Any:  # noqa: C901 - one case for each command
    match command:
        case {"do": "arm", "point": point}:
            return arm(point, command.get("how", "kill"), command.get("count", 1))
        case {"do": "try", "command": inner}:
            return _tried(studio, inner)
        case {"do": "generate", "prompts": prompts, "model": model, "n": n}:
            topic = command.get("topic")
            batches = [studio.generate(p, model=f"jobs:{model}", n=n, topic=topic) for p in prompts]
            return [batch.id for batch in batches]
        case {"do": "sweep", "values": values, "model": model}:
            grid = studio.sweep("a {a}", a=values, model=f"jobs:{model}", confirm=True)
            return grid.id
        case {"do": "cancel sweep", "sweep": sweep}:
            return studio._core.call(studio._core.sweeps.cancel, sweep)
        case {"do": "wait"}:
            return outcomes(studio)
        case {"do": "beat"}:
            return studio._core.call(studio._core.engine.beat)
        case {"do": "settle"}:
            return studio._core.call(studio._core.archive.settle)
        case {"do": "retry", "batch": batch}:
            return studio._core.call(studio._core.retry, batch)
        case {"do": "delete", "what": what}:
            return studio.delete(what)
        case {"do": "restore", "what": what}:
            return studio.restore(what)
        case {"do": "purge"}:
            assert isinstance(studio._core._clock, QuickClock)
            studio._core._clock.advance(61)
            return studio._core.call(studio._core.curator.purge)
        case {"do": "cancel", "batch": batch}:
            return studio._core.call(studio._core.cancel, batch, command.get("generation"))
        case {"do": "fork"}:
            return _fork(studio, stays=command.get("stays", False))
        case {"do": "star", "batch": batch}:
            return studio.star(
                [image for found in all_batches(studio) if found.id == batch for image in found]
            )
        case {"do": "move", "batch": batch, "topic": topic}:
            return studio.move(batch, topic)
        case {"do": "limit files", "bytes": size}:
            return resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        case _:
            raise AssertionError(command)


def _tried(studio: Studio, command: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a command, or the code of the error that refused the command."""
    try:
        return {"answer": obey(studio, command)}
    except ImgplayError as error:
        return {"refused": error.code, "message": error.message}


def _fork(studio: Studio, *, stays: bool) -> dict[str, Any]:
    """Fork this process, and return the fork's pid where it stays, or else the error that it got."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        if stays:
            while True:
                signal.pause()
        os.write(writer, json.dumps(_tried(studio, {"do": "settle"})).encode())
        os._exit(0)
    os.close(writer)
    if stays:
        return {"pid": pid}
    with os.fdopen(reader) as answer:
        return json.loads(answer.read())


def outcomes(studio: Studio) -> list[list[str]]:
    """Wait for all batches, and return ``"success"`` or the error's code of each generation, oldest first."""
    return [_outcome(batch) for batch in sorted(all_batches(studio), key=lambda batch: batch.id)]


def all_batches(studio: Studio) -> list[BatchHandle]:
    return [batch for topic in studio.topics for batch in studio.batches(topic, limit=1000)]


def _outcome(batch: BatchHandle) -> list[str]:
    with suppress(ImgplayError):
        batch.result(60)
    return [g.error.code if g.error is not None else g.status.value for g in batch]


def _say(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main() -> None:
    # A file that grows beyond the limit must be an error, not the end of the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    options = json.loads(sys.argv[1])
    if "die_in" in options:
        arm(options["die_in"], "exit", 1)
    with Studio(
        options["store"],
        providers=[JobProvider(options["origin"])],
        clock=QuickClock(options.get("ahead", 0.0), options.get("longest", 0.02)),
        heartbeat=options.get("heartbeat"),
    ) as studio:
        _say("ready")
        for line in sys.stdin:
            _say(obey(studio, json.loads(line)))


if __name__ == "__main__":
    main()

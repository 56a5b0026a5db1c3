"""The studio of a command leaves the work of others alone."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from imgplay_widget import Studio
from imgplay_widget._command.output import Printer
from imgplay_widget._command.studio import opened
from imgplay_widget._types import Stage


@pytest.mark.parametrize("generates", [True, False])
def test_a_command_takes_no_task_of_others(store: Path, generates: bool) -> None:
    # The job of the demo takes real time, which a clock without waits would not give it before the deadline.
    with Studio(store) as studio:
        batch = studio.generate("a fox", model="demo:queue", seconds=60)
        # A call whose answer is not stored yet would end as interrupted, and nobody would take it up.
        entry = studio._core.call(studio._core.engine.entry, batch.id)
        while entry.tasks[0].stage is not Stage.PROCESSING:
            entry = studio._core.call(studio._core.engine.entry, batch.id)
    with opened(Namespace(store=str(store)), Printer(as_json=False), generates=generates) as command:
        core = command.core
        core.call(core.engine.beat)
        entry = core.call(core.engine.entry, batch.id)
        assert [task.lease_owner for task in entry.tasks] == [None]
        core.call(core.engine.take_up)
        entry = core.call(core.engine.entry, batch.id)
        assert [task.lease_owner for task in entry.tasks] == [core.engine.owner]

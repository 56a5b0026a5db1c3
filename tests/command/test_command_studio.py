"""The studio of a command leaves the work of others alone."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from imgplay_widget._command.output import Printer
from imgplay_widget._command.studio import opened
from imgplay_widget._types import Status
from imgplay_widget.testing import open_studio


@pytest.mark.parametrize("generates", [True, False])
def test_a_command_takes_no_task_of_others(store: Path, generates: bool) -> None:
    with open_studio(store=store) as studio:
        batch = studio.generate("a fox", model="demo:queue", seconds=60)
        # A call that was not sent yet would end as interrupted, and nobody would take it up.
        while batch[0].status is Status.PENDING:
            studio._core.call(studio._core.engine.entry, batch.id)
    with opened(Namespace(store=str(store)), Printer(as_json=False), generates=generates) as command:
        core = command.core
        core.call(core.engine.beat)
        entry = core.call(core.engine.entry, batch.id)
        assert [task.lease_owner for task in entry.tasks] == [None]
        core.call(core.engine.take_up)
        entry = core.call(core.engine.entry, batch.id)
        assert [task.lease_owner for task in entry.tasks] == [core.engine.owner]

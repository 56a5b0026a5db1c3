"""The life of a task.

::

    pending ──Send──► submitting ──Accept──► processing ──Fetch──► downloading ──Succeed──► success
       ▲                  │                    │  ▲  │                  │
       └────── Refuse ────┘                 Renew │  └──── Renew ◄──────┘   (a link expired; ask again)
                                               └──┘
    submitting, processing ──Succeed──► success          (the answer held the images)
    any unfinished stage   ──Fail──► error, ──Cancel──► cancelled;  success, error, cancelled stay as they are

Only `advance` changes a stage. `resume` decides what a restart does with an unfinished task.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import Stage, Task
from imgplay_widget.errors import ErrorInfo, InternalError, Interrupted, Uncertain

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MAX_RESUMES",
    "Accept",
    "Cancel",
    "Event",
    "Fail",
    "Fetch",
    "IllegalEvent",
    "Plan",
    "Refuse",
    "Renew",
    "Resume",
    "Send",
    "Succeed",
    "advance",
    "cut_off",
    "resume",
]

MAX_RESUMES = 4
"""The most times that a restart works on a task after a process died with it: the task may be what kills the
kernel. A process that ends in peace does not count, and neither does one in which the task only waited or
the provider answered."""

PENDING_AGE = timedelta(minutes=15)
"""The age up to which a restart sends a call that was never sent. An older call waits for Retry, because the
user may no longer want the image, or want to pay for it."""


class IllegalEvent(Exception):
    """The event cannot happen in the task's stage."""

    def __init__(self, task: Task, event: Event) -> None:
        super().__init__(f"{type(event).__name__} cannot happen to a task that is {task.stage.value}")


@dataclass(frozen=True, slots=True)
class Send:
    """The call is about to be sent; for a task that is submitting already, again under the same key."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The provider certainly did not do any work (429, connection refused), so the call may be sent again."""


@dataclass(frozen=True, slots=True)
class Accept:
    """The provider took the call and answered with a ticket."""

    ticket: Mapping[str, Any]
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Renew:
    """The provider sent another ticket for the same job, or a link expired and the job is asked again."""

    ticket: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fetch:
    """The provider finished and answered with links."""

    results: tuple[Mapping[str, Any], ...]
    cost: str | None = None
    request_id: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])
    served_by: str | None = None


@dataclass(frozen=True, slots=True)
class Succeed:
    """At least one image is stored."""

    cost: str | None = None
    request_id: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])
    served_by: str | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """The call ended without an image. `cost` is the amount that the provider reports all the same."""

    error: ErrorInfo
    cost: str | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """The user stopped the task. `note` says what the cancel means for the bill."""

    note: ErrorInfo | None = None


Event = Send | Refuse | Accept | Renew | Fetch | Succeed | Fail | Cancel


def advance(task: Task, event: Event, now: datetime) -> Task:
    """Return the task after an event.

    Args:
        task: the task before the event.
        event: what happened.
        now: the present time, aware.

    Raises:
        IllegalEvent: the event cannot happen in the task's stage. In a final stage no event can happen.
    """
    match task.stage, event:
        case ((Stage.PENDING | Stage.SUBMITTING), Send()):
            changed = replace(task, stage=Stage.SUBMITTING, submitted_at=task.submitted_at or now)
        case Stage.SUBMITTING, Refuse():
            changed = replace(task, stage=Stage.PENDING)
        case Stage.SUBMITTING, Accept():
            changed = replace(
                task,
                stage=Stage.PROCESSING,
                ticket=event.ticket,
                request_id=event.request_id or task.request_id,
            )
        case Stage.PROCESSING, Renew():
            # The provider answered a question, so this task did not kill the kernel.
            changed = replace(task, ticket=event.ticket, results=(), resumes=0)
        case Stage.DOWNLOADING, Renew():
            changed = replace(task, stage=Stage.PROCESSING, ticket=event.ticket, results=())
        case ((Stage.SUBMITTING | Stage.PROCESSING), Fetch()):
            changed = replace(_paid(task, event), stage=Stage.DOWNLOADING, results=event.results)
        case ((Stage.SUBMITTING | Stage.PROCESSING | Stage.DOWNLOADING), Succeed()):
            changed = replace(_paid(task, event), stage=Stage.SUCCESS, finished_at=now)
        case ((Stage.PENDING | Stage.SUBMITTING | Stage.PROCESSING | Stage.DOWNLOADING), Fail()):
            changed = replace(
                task,
                stage=Stage.ERROR,
                error=event.error,
                cost=event.cost or task.cost,
                request_id=event.error.request_id or task.request_id,
                finished_at=now,
            )
        case ((Stage.PENDING | Stage.SUBMITTING | Stage.PROCESSING | Stage.DOWNLOADING), Cancel()):
            changed = replace(task, stage=Stage.CANCELLED, error=event.note, finished_at=now)
        case _:
            raise IllegalEvent(task, event)
    return replace(changed, updated_at=now)


def _paid(task: Task, event: Fetch | Succeed) -> Task:
    return replace(
        task,
        cost=event.cost or task.cost,
        request_id=event.request_id or task.request_id,
        usage=event.usage or task.usage,
        served_by=event.served_by or task.served_by,
    )


class Resume(StrEnum):
    """What a restart does with an unfinished task."""

    SUBMIT = "submit"
    POLL = "poll"
    FETCH = "fetch"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restart does with an unfinished task, and the error for `Resume.FAIL`."""

    action: Resume
    error: ErrorInfo | None = None


def cut_off(task: Task) -> Interrupted:
    """Return the error of a call that cost nothing, and whose answer was lost with the process."""
    return Interrupted(
        "The studio stopped while the image was made.",
        provider=task.provider,
        next_step="Retry to generate the image again. It costs nothing.",
    )


def resume(task: Task, *, idempotent: bool, bills: bool, now: datetime) -> Plan:
    """Decide what a restart does with an unfinished task.

    Args:
        task: the task, as the restart found it.
        idempotent: True where the provider answers a repeated key with the same job, without a second charge.
        bills: False where the call cost nothing, so that there is no doubt about a bill.
        now: the present time, aware.
    """
    if task.resumes >= MAX_RESUMES:
        parked = InternalError(
            f"The studio's process died {task.resumes + 1} times while it worked on this task.",
            provider=task.provider,
            next_step="Retry to send the call again (it may be billed twice), or delete the image."
            if task.stage is Stage.SUBMITTING and bills
            else "Retry to try once more, or delete the image.",
        )
        return Plan(Resume.FAIL, parked.info)
    match task.stage:
        case Stage.PENDING:
            if now - task.created_at <= PENDING_AGE:
                return Plan(Resume.SUBMIT)
            stopped = Interrupted("The studio stopped before the call was sent.", provider=task.provider)
            return Plan(Resume.FAIL, stopped.info)
        case Stage.SUBMITTING:
            if idempotent:
                return Plan(Resume.SUBMIT)
            if not bills:
                return Plan(Resume.FAIL, cut_off(task).info)
            unknown = Uncertain(
                "The studio stopped while the call was being sent. The call may have been billed.",
                provider=task.provider,
                request_id=task.request_id,
            )
            return Plan(Resume.FAIL, unknown.info)
        case Stage.PROCESSING:
            return Plan(Resume.POLL)
        case Stage.DOWNLOADING:
            return Plan(Resume.FETCH)
        case Stage.SUCCESS | Stage.ERROR | Stage.CANCELLED:
            raise IllegalEvent(task, Send())

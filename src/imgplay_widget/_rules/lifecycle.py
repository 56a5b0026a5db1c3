"""The life of a task, pure.

::

    pending ──Send──► submitting ──Accept──► processing ──Fetch──► downloading ──Succeed──► success
       ▲                  │                    │  ▲  │                  │
       └────── Refuse ────┘                 Renew │  └──── Renew ◄──────┘   (a link expired; ask again)
                                               └──┘
    submitting, processing ──Succeed──► success          (the answer held the images themselves)
    any unfinished stage   ──Fail──► error, ──Cancel──► cancelled;  success, error, cancelled stay as they are

`advance` is the only place that changes a stage; `resume` says what a restart has to do.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import Stage, Task
from imgplay_widget.errors import ErrorInfo, Interrupted, ServerError, Uncertain

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
    "resume",
]

MAX_RESUMES = 5
"""A task that was taken up so often without an end is parked: it may be what kills the kernel."""

PENDING_AGE = timedelta(minutes=15)
"""A call that was never sent is sent by itself after a restart only while it is this young: later the
user may no longer want (and pay for) it, so that it waits for Retry."""


class IllegalEvent(Exception):
    """The event cannot happen in the task's stage."""

    def __init__(self, task: Task, event: Event) -> None:
        super().__init__(f"{type(event).__name__} cannot happen to a task that is {task.stage.value}")


@dataclass(frozen=True, slots=True)
class Send:
    """The call is about to be sent. On a task that is submitting already: sent again under the same key."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The provider provably did no work (429, connection refused): it may be sent again."""


@dataclass(frozen=True, slots=True)
class Accept:
    """The provider took the call and gave a ticket."""

    ticket: Mapping[str, Any]
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Renew:
    """The provider gave another ticket for the same job, or a link expired and the job is asked again."""

    ticket: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fetch:
    """The provider is done and gave links."""

    results: tuple[Mapping[str, Any], ...]
    cost: str | None = None
    request_id: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Succeed:
    """At least one image is stored."""

    cost: str | None = None
    request_id: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Fail:
    """It ended without an image. `cost` is what the provider says it charged all the same."""

    error: ErrorInfo
    cost: str | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """The user stopped it. `note` says what that means for the bill."""

    note: ErrorInfo | None = None


Event = Send | Refuse | Accept | Renew | Fetch | Succeed | Fail | Cancel


def advance(task: Task, event: Event, now: datetime) -> Task:
    """Gives the task as it is after the event.

    Args:
        task: as it is.
        event: what happened.
        now: aware UTC.

    Raises:
        IllegalEvent: the event cannot happen in the task's stage. Final stages take no event at all.
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
        case ((Stage.PROCESSING | Stage.DOWNLOADING), Renew()):
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
    )


class Resume(StrEnum):
    """What a restart has to do with a task that it found unfinished."""

    SUBMIT = "submit"
    POLL = "poll"
    FETCH = "fetch"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, and the error where it is `Resume.FAIL`."""

    action: Resume
    error: ErrorInfo | None = None


def resume(task: Task, *, idempotent: bool, now: datetime) -> Plan:
    """Says what a restart has to do with an unfinished task.

    Args:
        task: as it was found.
        idempotent: True where the provider answers a repeated key with the same job, unpaid.
        now: aware UTC.
    """
    if task.resumes >= MAX_RESUMES:
        parked = ServerError(
            f"The task was taken up {task.resumes} times without coming to an end.",
            provider=task.provider,
            next_step="Retry to try it once more, or delete it.",
        )
        return Plan(Resume.FAIL, parked.info)
    match task.stage:
        case Stage.PENDING:
            if now - task.created_at <= PENDING_AGE:
                return Plan(Resume.SUBMIT)
            stopped = Interrupted("The kernel stopped before this was sent.", provider=task.provider)
            return Plan(Resume.FAIL, stopped.info)
        case Stage.SUBMITTING:
            if idempotent:
                return Plan(Resume.SUBMIT)
            unknown = Uncertain(
                "The kernel stopped while this was being sent; it may have been billed.",
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

"""The values that everything else speaks about. Frozen, without I/O.

The words are those of `docs/design.md`: a *topic* holds *batches* (one request each), a batch holds
*generations* (one image, or the place of one), a generation gets an *asset* (the stored bytes). A *task*
is one call to a provider; it fills one or several generations of its batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from imgplay_widget.errors import ErrorInfo

__all__ = [
    "EVERYTHING",
    "Asset",
    "Batch",
    "Cover",
    "Done",
    "Draft",
    "Entry",
    "FeedPage",
    "Generation",
    "Inline",
    "Kind",
    "Missing",
    "ModelSpec",
    "Notice",
    "Parameter",
    "Partial",
    "Pending",
    "Price",
    "ProviderSpec",
    "Reference",
    "ReferenceRule",
    "Remote",
    "Request",
    "SizeRule",
    "Stage",
    "Status",
    "Task",
    "Topic",
    "TopicPage",
    "Unit",
]

JSON = Any
"""A value made of dict (str keys), list, str, int, float, bool and None."""

Kind = Literal["topic", "batch", "generation"]
"""What can be deleted and brought back."""


class Status(StrEnum):
    """Where a generation or a task stands, in the words that users see."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCESS = "success"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """True where nothing more will happen by itself."""
        return self in (Status.SUCCESS, Status.ERROR, Status.CANCELLED)


class Stage(StrEnum):
    """Where a task stands, exactly. Each change is one committed transaction."""

    PENDING = "pending"
    """Stored, not sent. Nothing can have been paid."""
    SUBMITTING = "submitting"
    """The intent to send is stored; the answer is not. It may have been paid."""
    PROCESSING = "processing"
    """The provider gave a ticket, which is stored."""
    DOWNLOADING = "downloading"
    """The provider gave links, which are stored."""
    SUCCESS = "success"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def status(self) -> Status:
        """The word that users see for this stage."""
        if self in (Stage.SUBMITTING, Stage.DOWNLOADING):
            return Status.PROCESSING
        return Status(self.value)

    @property
    def final(self) -> bool:
        """True where nothing more will happen by itself."""
        return self.status.final


# ------------------------------------------------------------------ what a model can do


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a model: a subset of JSON schema, and what a form needs.

    Attributes:
        name: the keyword in Python and the key in stored parameters.
        type: the JSON type of a value.
        kind: what it means, so that the page can choose a control: ``"width"``, ``"height"``, ``"seed"``,
            ``"choice"``, ``"aspect_ratio"`` (a choice of shapes), ``"text"``, ``"number"``, ``"switch"``.
        title: the label.
        help: one sentence for people.
        minimum, maximum: the range, both ends included; None where open.
        step: the distance between allowed numbers, counted from `minimum` (or 0); None where any.
        choices: the allowed values; empty where any.
        default: the value where the user gives none; None means "not sent".
        max_length: the most characters of a string.
        advanced: True where the page folds it away.
        wire: its name in the provider's protocol, dots leading into objects (``"image_size.width"``); empty
            where it is the same.
    """

    name: str
    type: Literal["integer", "number", "string", "boolean"]
    kind: str
    title: str
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str | int | float, ...] = ()
    default: JSON = None
    max_length: int | None = None
    advanced: bool = False
    wire: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRule:
    """What width and height must satisfy together, beside their own ranges.

    Attributes:
        min_pixels, max_pixels: the area, in pixels.
        max_ratio: the longer edge divided by the shorter one.
    """

    min_pixels: int | None = None
    max_pixels: int | None = None
    max_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRule:
    """How many input images a model takes, and of which kind.

    Attributes:
        max_count: the most references of one request.
        max_bytes: the most bytes of each.
        media_types: the accepted kinds.
        wire: the field of the provider's protocol that holds them, with ``[]`` at its end where it is a
            list; empty where the provider has one for all its models.
    """

    max_count: int
    max_bytes: int
    media_types: tuple[str, ...] = ("image/png", "image/jpeg", "image/webp")
    wire: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a provider is known to charge, as data of a certain day.

    Attributes:
        amount: USD as a decimal string, for one `unit`.
        unit: ``"image"`` or ``"megapixel"`` (of the finished image).
        note: where the figure comes from, and of when it is.
    """

    amount: str
    unit: Literal["image", "megapixel"]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """What a model can do, as data: form, validation, planning and docs come from it.

    Attributes:
        provider, id: together the model's name, ``"provider:id"``.
        title, description: for people.
        parameters: what it takes beside prompt and n. Only these are ever sent.
        max_prompt: the most characters of a prompt, or None.
        native_n: the most images that one call can give.
        seed: ``"none"``, ``"best_effort"`` or ``"exact"`` (same seed, same image).
        size_rule: what width and height must satisfy together.
        references: the input images it takes, or None.
        mask: True where it takes a mask over its first reference; transparent is what may change.
        max_mask_bytes: the most bytes of a mask; None takes those of a reference.
        previews: True where partial images arrive on the way.
        progress: True where a fraction arrives on the way.
        cancel: what the provider can do to stop a job: ``"none"``, ``"queued"`` (while it waits), ``"full"``.
        resume: True where a ticket finds the job again after a restart.
        idempotent: True where the provider answers a repeated key with the same job, unpaid.
        deadline: seconds in all that a task may take.
        price: what it is known to cost, or None; the provider's own figure comes with the answer.
        notice: a sentence that the page must show beside the model.
        retired_on: the day (ISO 8601) from which the provider no longer offers it.
        successor: the id of the model to use instead.
    """

    provider: str
    id: str
    title: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    max_prompt: int | None = None
    native_n: int = 1
    seed: Literal["none", "best_effort", "exact"] = "none"
    size_rule: SizeRule | None = None
    references: ReferenceRule | None = None
    mask: bool = False
    max_mask_bytes: int | None = None
    previews: bool = False
    progress: bool = False
    cancel: Literal["none", "queued", "full"] = "none"
    resume: bool = False
    idempotent: bool = False
    deadline: float = 600.0
    price: Price | None = None
    notice: str = ""
    retired_on: str | None = None
    successor: str | None = None

    @property
    def name(self) -> str:
        """``"provider:id"``, the way users write the model."""
        return f"{self.provider}:{self.id}"

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name, or None."""
        return next((p for p in self.parameters if p.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """What is known of a provider beside its models.

    Attributes:
        name: the prefix in ``"provider:model"``.
        title: for people.
        key_variables: the environment variables that may hold its key, first one first; empty where it
            needs none.
        key_url: the page where a key is made.
        concurrency: the most tasks that run at once.
        local: True where it runs on this machine or network, so that plain http and private addresses
            are allowed.
    """

    name: str
    title: str
    key_variables: tuple[str, ...] = ()
    key_url: str = ""
    concurrency: int = 4
    local: bool = False


# ------------------------------------------------------------------ a request and its answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An input image, already in the store.

    Attributes:
        digest: sha256 of the bytes, in hex.
        media_type: what the bytes are, by their signature.
        width, height: in pixels.
    """

    digest: str
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was written for a topic and not sent yet.

    Attributes:
        prompt: the words.
        references: the input images, in their order.
        mask: where the first of them may change, or None.
    """

    prompt: str = ""
    references: tuple[Reference, ...] = ()
    mask: Reference | None = None

    @property
    def inputs(self) -> tuple[Reference, ...]:
        """The references, and the mask after them."""
        return self.references if self.mask is None else (*self.references, self.mask)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for, checked: every parameter is one of the model's, in its range.

    Attributes:
        provider, model: the model's two names.
        prompt: the words.
        n: how many images.
        params: every parameter that will be sent, width, height and seed included; a parameter without
            a value is left out. ``"seed"`` is missing where the seed is random or the model has none.
        references: input images, in the user's order.
        mask: a PNG of the first reference's size, or None; transparent is what may change.
        deadline: seconds in all for each task.
    """

    provider: str
    model: str
    prompt: str
    n: int
    params: Mapping[str, JSON]
    references: tuple[Reference, ...] = ()
    mask: Reference | None = None
    deadline: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One call to a provider: what a task sends. It is stored with the task before it is sent.

    Attributes:
        model: the model's id, without the provider.
        prompt: the words.
        params: the parameters to send, without the seed.
        positions: the places in the batch that it fills; their number is the n of the call.
        seeds: the seed of each place, or None where none is sent; as long as `positions`.
        references: input images.
        mask: the mask over the first of them, or None; transparent is what may change.
        previews: True where the model sends partial images on the way.
        key: unique for this call; sent where a provider honours an idempotency key.
    """

    model: str
    prompt: str
    params: Mapping[str, JSON]
    positions: tuple[int, ...]
    seeds: tuple[int | None, ...]
    references: tuple[Reference, ...] = ()
    mask: Reference | None = None
    previews: bool = False
    key: str = ""

    @property
    def n(self) -> int:
        """How many images the call asks for."""
        return len(self.positions)

    @property
    def seed(self) -> int | None:
        """The seed of the call: that of its first image."""
        return self.seeds[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline:
    """An image that came as bytes.

    Attributes:
        data: the bytes, unconverted.
        applied: what the provider says it used for this image where that may differ from the request
            (``"seed"``, ``"width"``, ``"quality"``, ``"revised_prompt"`` …).
    """

    data: bytes
    applied: Mapping[str, JSON] = field(default_factory=dict[str, JSON])


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """An image that came as a link, which may expire.

    Attributes:
        url: where it is; fetched without a key unless it is at the provider's own origin.
        applied: as in `Inline`.
    """

    url: str
    applied: Mapping[str, JSON] = field(default_factory=dict[str, JSON])


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A place that the provider did not fill, and why."""

    error: ErrorInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The provider works on it.

    Attributes:
        ticket: JSON by which the job is found again, after a restart too.
        progress: 0.0 to 1.0, or None where unknown.
        retry_after: seconds until it makes sense to ask again, or None.
        queue_position: how many jobs are before it, or None.
        previews: partial images so far, by index in the unit.
    """

    ticket: Mapping[str, JSON]
    progress: float | None = None
    retry_after: float | None = None
    queue_position: int | None = None
    previews: Mapping[int, bytes] = field(default_factory=dict[int, bytes])


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """A look at an image on the way, from a stream.

    Attributes:
        index: which image of the unit.
        data: the bytes of the preview, or None where only the progress moved.
        progress: 0.0 to 1.0, or None.
    """

    index: int = 0
    data: bytes | None = None
    progress: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The provider is done.

    Attributes:
        images: one item for each place of the unit, in order; where fewer come, the last places failed.
        cost: what the provider says it charged, in USD as a decimal string, or None.
        request_id: the provider's own id of the call.
        usage: the provider's own figures (tokens …), as they came.
    """

    images: tuple[Inline | Remote | Missing, ...]
    cost: str | None = None
    request_id: str | None = None
    usage: Mapping[str, JSON] = field(default_factory=dict[str, JSON])


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that the user should know and that is not an error."""

    kind: Literal["unsupported", "adjusted", "deprecated", "other"]
    message: str
    parameter: str | None = None


# ------------------------------------------------------------------ what is stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A row of ``image_generation_topics``.

    Attributes:
        title: its name, or None while it has no batch.
        cover_url: relative to the store's asset folder, or None.
        title_by: who gave the title: ``"prompt"`` (the first words of one), ``"model"``, or ``"user"``, whose
            title is never overwritten.
        pinned: True where it stays at the top of the list.
        images: how many images it holds.
        running: how many of its generations are not at their end.
    """

    id: str
    user_id: str
    organization_id: str | None
    title: str | None
    cover_url: str | None
    created_at: datetime
    updated_at: datetime
    title_by: Literal["prompt", "model", "user"] = "prompt"
    pinned: bool = False
    images: int = 0
    running: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A row of ``image_generation_batches``: one request.

    Attributes:
        config: every parameter that was asked for, as in `Request.params`, and ``"n"``.
        width, height: the size that was asked for, in pixels, or None where the model chose.
        references: the input images.
        mask: the mask over the first of them, or None.
        click_id: what the batches share that one click asked for; None where it asked for one.
    """

    id: str
    topic_id: str
    user_id: str
    organization_id: str | None
    provider: str
    model: str
    prompt: str
    config: Mapping[str, JSON]
    width: int | None
    height: int | None
    created_at: datetime
    references: tuple[Reference, ...] = ()
    mask: Reference | None = None
    click_id: str | None = None

    @property
    def inputs(self) -> tuple[Reference, ...]:
        """Every stored image that the request names: its references, then its mask."""
        return self.references if self.mask is None else (*self.references, self.mask)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """The stored bytes of an image.

    Attributes:
        digest: sha256 of the original bytes, in hex: its content address.
        url, thumbnail_url: where the original and its thumbnail lie, relative to the store's asset
            folder. The thumbnail is a cache: it is made when it is first needed.
        width, height: of the original, in pixels.
        media_type: what the bytes are, by their signature.
        size: bytes of the original.
    """

    digest: str
    url: str
    thumbnail_url: str
    width: int
    height: int
    media_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A row of ``image_generations``: one image, or the place of one.

    Attributes:
        position: its place in the batch, from 0.
        seed: the seed that was sent for it, or None.
        asset: the image, once it is there.
        error: why this place stayed empty though its task ended well.
        applied: what the provider says it used (see `Inline.applied`).
        parent_id: the generation that it was made from, or None.
    """

    id: str
    batch_id: str
    user_id: str
    async_task_id: str | None
    position: int
    seed: int | None
    asset: Asset | None
    error: ErrorInfo | None
    applied: Mapping[str, JSON]
    favourite: bool
    parent_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A row of ``image_async_tasks``: one call to a provider.

    Attributes:
        stage: where it stands, exactly; the column ``status`` holds the users' word for it.
        unit: what is sent.
        deadline: seconds in all that it may take.
        ticket: by which the job is found again.
        results: the links of a task that is downloading (`Remote` values as JSON).
        error: why it failed.
        attempt: 1 for the first try of the user, 2 after the first Retry …
        resumes: how often it was taken up again after a restart.
        request_id, cost, usage: as in `Done`.
        estimate: what it is expected to cost, in USD as a decimal string, or None where nobody knows.
        previous: what went before, for a retried task: a list of ``{"task", "error", "cost"}``.
        lease_owner, lease_until: who drives it, and until when.
        submitted_at, finished_at: when it was first sent, and when it reached its final stage.
    """

    id: str
    batch_id: str
    user_id: str
    provider: str
    model: str
    stage: Stage
    unit: Unit
    deadline: float
    created_at: datetime
    updated_at: datetime
    ticket: Mapping[str, JSON] | None = None
    results: tuple[Mapping[str, JSON], ...] = ()
    error: ErrorInfo | None = None
    attempt: int = 1
    resumes: int = 0
    request_id: str | None = None
    cost: str | None = None
    estimate: str | None = None
    usage: Mapping[str, JSON] = field(default_factory=dict[str, JSON])
    previous: tuple[Mapping[str, JSON], ...] = ()
    lease_owner: str | None = None
    lease_until: datetime | None = None
    submitted_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def status(self) -> Status:
        """The word that users see for its stage."""
        return self.stage.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A batch with what belongs to it: generations by position, tasks by creation."""

    batch: Batch
    generations: tuple[Generation, ...]
    tasks: tuple[Task, ...]

    def task_of(self, generation: Generation) -> Task | None:
        """The task that fills a generation of this entry."""
        return next((t for t in self.tasks if t.id == generation.async_task_id), None)

    def status_of(self, generation: Generation) -> Status:
        """Where a generation of this entry stands."""
        if generation.asset is not None:
            return Status.SUCCESS
        if generation.error is not None:
            return Status.ERROR
        task = self.task_of(generation)
        return Status.PENDING if task is None else task.status


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """A page of the feed, newest batch first.

    Attributes:
        entries: the batches.
        before: the cursor of the next (older) page, or None at the end.
    """

    entries: tuple[Entry, ...]
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicPage:
    """A page of the list of topics: those that are pinned first, then the one worked on last.

    Attributes:
        topics: the topics.
        before: the cursor of the next page, or None at the end.
    """

    topics: tuple[Topic, ...]
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which batches of a feed are wanted: those that meet all of it.

    Attributes:
        search: words that the prompt must hold, in any order, whatever their case.
        model: ``"provider:id"``, or None for any.
        status: one of its generations stands there, or None for anywhere.
        favourite: True where one of its generations must be starred.
    """

    search: str = ""
    model: str | None = None
    status: Status | None = None
    favourite: bool = False


EVERYTHING = Wanted()
"""All batches are wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """The square picture of a topic: WebP bytes, 256 × 256 pixels."""

    topic_id: str
    data: bytes

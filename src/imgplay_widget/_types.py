"""The values that all layers share. They are frozen, and do not read or write anything.

The words are those of the glossary, ``docs/glossary.md``: a *topic* holds *batches* (one request each). A
batch holds *generations* (one image each), each in its *slot*. A finished generation has an *asset* (the
stored bytes). A *task* is one call to a provider, which fills one or several slots of its batch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from imgplay_widget._text import money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from imgplay_widget.errors import ErrorInfo

__all__ = [
    "ACTIONS",
    "EVERYTHING",
    "SIDES",
    "Ability",
    "Action",
    "Asset",
    "Axis",
    "Batch",
    "Cover",
    "Done",
    "Draft",
    "Entry",
    "Estimate",
    "FeedPage",
    "FolderImport",
    "Generation",
    "Inline",
    "Kind",
    "Lineage",
    "Missing",
    "ModelSpec",
    "Notice",
    "Parameter",
    "ParameterKind",
    "Partial",
    "Pending",
    "Price",
    "ProviderSpec",
    "Rate",
    "Recovery",
    "Reference",
    "ReferenceRule",
    "Remote",
    "Request",
    "ScoreOrder",
    "ScoreRange",
    "SizeRule",
    "Stage",
    "Status",
    "Sweep",
    "Task",
    "Tier",
    "Topic",
    "TopicPage",
    "Unit",
    "Wanted",
]

JSON = Any
"""A value made of dict (str keys), list, str, int, float, bool and None."""

Kind = Literal["topic", "batch", "generation"]
"""What users can delete and restore."""

Action = Literal["edit", "vary", "upscale", "remove_background", "outpaint", "inpaint"]
"""What a user wants of the first input image of a request."""


class Status(StrEnum):
    """The state of a generation or a task, in the words that users see."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCESS = "success"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """True at the end, when the studio does nothing more unless the user asks."""
        return self in (Status.SUCCESS, Status.ERROR, Status.CANCELLED)


class Stage(StrEnum):
    """The exact state of a task. Each change of it is one committed transaction."""

    PENDING = "pending"
    """The task is stored and not sent. Nothing can have been paid."""
    SUBMITTING = "submitting"
    """The intent to send is stored, but not an answer. The call may have been paid."""
    PROCESSING = "processing"
    """The provider answered with a ticket, which is stored."""
    DOWNLOADING = "downloading"
    """The provider answered with links to the images, which are stored."""
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
        """True at the end, when the studio does nothing more unless the user asks."""
        return self.status.final


# ------------------------------------------------------------------ what a model can do


ParameterKind = Literal["width", "height", "seed", "size", "aspect_ratio", "negative_prompt", "scale"]
"""A meaning that the studio and the page know, such as an edge in pixels, the seed, a choice of sizes or
shapes, the words for what the image shall not show, or the factor by which the edges of a reference grow."""

Ability = Literal["upscale", "remove_background", "vary", "outpaint", "inpaint"]
"""What a model can do with a finished image: enlarge it, remove its background, make another one like it,
add to its sides, or paint a part of it anew."""

ACTIONS: Mapping[Action, str] = {
    "edit": "Edit",
    "vary": "Vary",
    "upscale": "Upscale",
    "remove_background": "Remove background",
    "outpaint": "Extend",
    "inpaint": "Edit part",
}
"""What each action is called, where a request has no words of its own."""

SIDES = ("left", "right", "top", "bottom")
"""The parameters of a model that adds to the sides of an image, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a model: a subset of JSON schema, and the data that a form needs.

    Attributes:
        name: the keyword in Python and the key in stored parameters.
        type: the JSON type of a value.
        title: the label.
        kind: the special meaning that the page gives to it, one of `ParameterKind`; None where it has none,
            and its type and choices decide the control.
        help: one sentence for people.
        minimum: the lowest allowed number; None means no limit.
        maximum: the highest allowed number; None means no limit.
        step: the distance between allowed numbers, counted from `minimum` (or 0); None allows any.
        choices: the allowed values; empty allows any.
        default: the value that is sent when the user does not choose one; None sends nothing.
        max_length: the most characters of a string.
        advanced: True where the page folds it away.
        needs: the input image without which the parameter means nothing, ``"reference"`` or ``"mask"``. A
            request without it does not have the parameter, neither its default nor a given value.
        wire: the name in the provider's protocol, where it differs from `name`; a dot leads into an object
            (``"image_size.width"``).
    """

    name: str
    type: Literal["integer", "number", "string", "boolean"]
    title: str
    kind: ParameterKind | None = None
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str | int | float, ...] = ()
    default: JSON = None
    max_length: int | None = None
    advanced: bool = False
    needs: Literal["", "reference", "mask"] = ""
    wire: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRule:
    """The limits that width and height have together, beside their own ranges.

    Attributes:
        min_pixels: the smallest area, in pixels.
        max_pixels: the largest area, in pixels.
        max_ratio: the most that the longer edge, divided by the shorter one, may be.
    """

    min_pixels: int | None = None
    max_pixels: int | None = None
    max_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRule:
    """The number and kinds of input images that a model takes.

    Attributes:
        max_count: the most references of one request.
        max_bytes: the most bytes of each reference.
        media_types: the accepted kinds of files.
        wire: the field of the provider's protocol that holds the references, with ``[]`` at its end where
            the field is a list; empty where the provider uses one field for all its models.
        gives_size: True where the image gets the size of the first reference if the user chose none, as far
            as the limits of width and height allow it.
        min_count: the fewest references of one request; above 0 for a model that only changes images.
        max_pixels: the largest area of a reference, in pixels, or None.
    """

    max_count: int
    max_bytes: int
    media_types: tuple[str, ...] = ("image/png", "image/jpeg", "image/webp")
    wire: str = ""
    gives_size: bool = False
    min_count: int = 0
    max_pixels: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one image costs, as the words of a price list say it.

    Attributes:
        amount: USD as a decimal string, for one `unit`.
        unit: ``"image"``; ``"megapixel"``, a million pixels of the finished image; or ``"token"``, an image
            token of OpenAI, whose number comes from `grid` and the size (`catalog.tokens`).
        most: the most USD that one `unit` can cost, where more than the parameters decides; None means
            `amount`.
        further: USD for each further megapixel, where the price counts megapixels of 1024 × 1024 pixels that
            have begun; `amount` is then the price of the first one. None counts in proportion.
        grid: the tokens along each edge of a square image, for the unit ``"token"``.
    """

    amount: str
    unit: Literal["image", "megapixel", "token"]
    most: str | None = None
    further: str | None = None
    grid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A price that holds for some values of parameters.

    Attributes:
        when: the values of each parameter that counts, by the parameter's name. The value ``"auto"`` of a
            request leaves the choice to the provider, so any tier may hold.
        up_to: the largest area for which the tier holds, in pixels; None means any.
        rate: the price.
    """

    rate: Rate
    when: Mapping[str, tuple[JSON, ...]] = field(default_factory=dict[str, tuple[JSON, ...]], hash=False)
    up_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A provider's list price, as it was known on a certain day.

    Attributes:
        amount: USD as a decimal string, for one `unit`.
        unit: as in `Rate`. With `amount`, it is the price where no tier holds.
        most: as in `Rate`, where no tier holds.
        further: as in `Rate`, where no tier holds.
        grid: as in `Rate`, where no tier holds.
        tiers: the prices for certain parameters. The first that holds decides.
        size: the width and the height of the image in pixels where the request does not set them, or None.
        reference: USD for each input image, or for its megapixels where `reference_unit` says so.
        reference_unit: ``"image"``, or ``"megapixel"`` for each begun megapixel of 1024 × 1024 pixels.
        token: USD of one output token, where the provider counts tokens and the amounts were computed from
            them; else empty. A provider that lists another price of a token changes all amounts with it.
        source: the web page that lists the price, or the address at which the provider lists it.
        day: the day (ISO 8601) on which the page, or the copy of it, showed the price, or on which the
            provider listed it.
        note: a sentence for people.
    """

    amount: str
    unit: Literal["image", "megapixel", "token"]
    most: str | None = None
    further: str | None = None
    grid: int = 0
    tiers: tuple[Tier, ...] = ()
    size: tuple[int, int] | None = None
    reference: str = "0"
    reference_unit: Literal["image", "megapixel"] = "image"
    token: str = ""
    source: str = ""
    day: str = ""
    note: str = ""

    @property
    def rate(self) -> Rate:
        """The price where no tier holds."""
        return Rate(amount=self.amount, unit=self.unit, most=self.most, further=self.further, grid=self.grid)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Estimate:
    """What a request is expected to cost by the list price of its model, in USD. The bill counts.

    Attributes:
        expected: the amount to expect.
        least: the least that the request can cost.
        most: the most that the request can cost. A budget counts this amount.
    """

    expected: Decimal
    least: Decimal
    most: Decimal

    def __repr__(self) -> str:
        low, high = money(self.least), money(self.most)
        return low if low == high else f"{low}–{high.removeprefix('$')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """The abilities of a model, as data: the form, the checks, the tasks and the docs come from it.

    Attributes:
        provider: the name of the provider.
        id: the provider's name for the model; together they are ``"provider:id"``.
        title: the model's name for people.
        description: a sentence or two for people.
        parameters: what the model takes beside the prompt and n. Nothing else is ever sent.
        prompt: ``"needed"``; ``"optional"``, where a request with a reference may leave the words out; or
            ``"none"``, where the model takes no words.
        max_prompt: the most characters of a prompt, or None.
        native_n: the most images that one call can ask for.
        seed: ``"none"``, ``"best_effort"`` or ``"exact"`` (same seed, same image).
        size_rule: the limits that width and height have together, or None.
        references: the number and kinds of input images that the model takes, or None.
        mask: True where the model takes a mask over its first reference; transparent areas may change.
        mask_needed: True where a request must have a mask.
        mask_wire: the field of the provider's protocol that holds the mask; empty where the provider uses one
            field for all its models.
        max_mask_bytes: the most bytes of a mask; None means the limit of a reference.
        does: what the model is for, where the other fields do not say it; None leaves it to them (see
            `abilities`).
        previews: True where the provider sends previews of unfinished images.
        progress: True where the provider reports how far an image is.
        cancel: when the provider can stop a job: ``"none"``, ``"queued"`` (only while it waits), ``"full"``.
        resume: True where a ticket finds the job again after a restart.
        idempotent: True where the provider answers a repeated key with the same job, without a second charge.
        deadline: seconds that a task may take in all.
        price: the list price, or None; the provider's own figure comes with the answer.
        paid: True where the model may cost money although its provider is free by itself.
        notice: a sentence that the page must show beside the model.
        retired_on: the day (ISO 8601) from which the provider no longer offers the model.
        successor: the id of the model to use instead.
    """

    provider: str
    id: str
    title: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    prompt: Literal["needed", "optional", "none"] = "needed"
    max_prompt: int | None = None
    native_n: int = 1
    seed: Literal["none", "best_effort", "exact"] = "none"
    size_rule: SizeRule | None = None
    references: ReferenceRule | None = None
    mask: bool = False
    mask_needed: bool = False
    mask_wire: str = ""
    max_mask_bytes: int | None = None
    does: tuple[Ability, ...] | None = None
    previews: bool = False
    progress: bool = False
    cancel: Literal["none", "queued", "full"] = "none"
    resume: bool = False
    idempotent: bool = False
    deadline: float = 600.0
    price: Price | None = None
    paid: bool = False
    notice: str = ""
    retired_on: str | None = None
    successor: str | None = None

    @property
    def name(self) -> str:
        """The name by which users choose the model, ``"provider:id"``."""
        return f"{self.provider}:{self.id}"

    @property
    def abilities(self) -> tuple[Ability, ...]:
        """What the model can do with a finished image.

        A model without `does` can vary an image where it takes words and references, and can paint a part of
        an image anew where it also takes a mask.
        """
        if self.does is not None:
            return self.does
        if self.references is None or self.prompt == "none":
            return ()
        return ("vary", "inpaint") if self.mask else ("vary",)

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter with this name, or None."""
        return next((p for p in self.parameters if p.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """The data of a provider, beside its models.

    Attributes:
        name: the first part of ``"provider:model"``.
        title: the name for people.
        key_variables: the environment variables that may hold the key, in the order in which they are
            read; empty where the provider does not need a key.
        key_url: the web page where users get a key.
        concurrency: the most tasks that run at once.
        local: True where the provider runs on this machine or network, so that plain http and private
            addresses are allowed.
        free: True where a call costs nothing, wherever the provider runs: the user's own hardware computes.
            A server that the user added may be a gateway to a cloud; it is free only if its preset says so.
    """

    name: str
    title: str
    key_variables: tuple[str, ...] = ()
    key_url: str = ""
    concurrency: int = 4
    local: bool = False
    free: bool = False


# ------------------------------------------------------------------ a request and its answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An input image that is in the store.

    Attributes:
        digest: sha256 of the bytes, in hex.
        media_type: the kind of file, read from the signature of the bytes.
        width: the width in pixels.
        height: the height in pixels.
        generation_id: the generation whose image this is, or None. A conversion may have changed the bytes.
    """

    digest: str
    media_type: str
    width: int
    height: int
    generation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The prompt and the input images of a topic that were not sent yet.

    Attributes:
        prompt: the text.
        references: the input images, in the user's order.
        mask: the area of the first reference that may change, as an image, or None.
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
    """A checked request: the model has every parameter, and every value is in its range.

    Attributes:
        provider: the name of the provider.
        model: the model's id.
        prompt: the text.
        n: the number of images.
        params: every parameter that will be sent, also width, height and seed; a parameter without a value
            is left out. ``"seed"`` is missing where the seed is random or the model does not have one.
        references: the input images, in the user's order.
        mask: a PNG of the first reference's size, or None; transparent areas may change.
        deadline: seconds that each task may take in all.
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
    """The content of one call to a provider. The unit is stored with its task before it is sent.

    Attributes:
        model: the model's id, without the provider.
        prompt: the text.
        params: the parameters to send, without the seed.
        positions: the indexes of the slots that the call fills; their number is the n of the call.
        seeds: the seed of each slot, or None where no seed is sent; as many as `positions`.
        references: the input images.
        mask: the mask over the first reference, or None; transparent areas may change.
        previews: True where the model sends previews of unfinished images.
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

    def to_json(self) -> dict[str, JSON]:
        """Return the unit as a dict of JSON types."""
        return {**asdict(self), "params": dict(self.params)}

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Unit:
        """Return the unit that `to_json` wrote. Rows of older versions lack `mask` and `previews`."""
        mask = data.get("mask")
        return cls(
            model=data["model"],
            prompt=data["prompt"],
            params=data["params"],
            positions=tuple(data["positions"]),
            seeds=tuple(data["seeds"]),
            references=tuple(Reference(**reference) for reference in data["references"]),
            mask=None if mask is None else Reference(**mask),
            previews=data.get("previews", False),
            key=data["key"],
        )

    @property
    def n(self) -> int:
        """The number of images that the call asks for."""
        return len(self.positions)

    @property
    def seed(self) -> int | None:
        """The seed of the call, which is the seed of its first image."""
        return self.seeds[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline:
    """An image that arrived as bytes.

    Attributes:
        data: the bytes, as they arrived.
        applied: the values that the provider reports for this image, where they may differ from the
            request (``"seed"``, ``"width"``, ``"quality"``, ``"revised_prompt"`` …).
        media_type: the kind of the image as the provider names it, or an empty text. It only counts where
            the bytes do not have a known signature.
    """

    data: bytes
    applied: Mapping[str, JSON] = field(default_factory=dict[str, JSON])
    media_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """An image that arrived as a link, which may expire.

    Attributes:
        url: the address; it is fetched without a key, except from the provider's own origin.
        applied: as in `Inline`.
    """

    url: str
    applied: Mapping[str, JSON] = field(default_factory=dict[str, JSON])


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A slot that the provider did not fill, and the reason."""

    error: ErrorInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A job that runs or waits at the provider.

    Attributes:
        ticket: JSON by which the job is found again, also after a restart.
        progress: 0.0 to 1.0, or None where it is unknown.
        retry_after: seconds until the provider wants to be asked again, or None.
        queue_position: the number of jobs before this one, or None.
        previews: the newest previews, each by the index of its image in the unit.
    """

    ticket: Mapping[str, JSON]
    progress: float | None = None
    retry_after: float | None = None
    queue_position: int | None = None
    previews: Mapping[int, bytes] = field(default_factory=dict[int, bytes])


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """A preview of an unfinished image, from a stream.

    Attributes:
        index: the index of the image in the unit.
        data: the bytes of the preview, or None where only the progress changed.
        progress: 0.0 to 1.0, or None where it is unknown.
    """

    index: int = 0
    data: bytes | None = None
    progress: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A call that the provider finished.

    Attributes:
        images: one item for each slot of the unit, in order; when fewer items arrive, the last slots failed.
        cost: the amount that the provider reports, in USD as a decimal string, or None.
        request_id: the provider's own id of the call.
        usage: the provider's own figures (tokens …), as they arrived.
        served_by: the model that answered, as the provider names it, or None where the answer does not tell.
    """

    images: tuple[Inline | Remote | Missing, ...]
    cost: str | None = None
    request_id: str | None = None
    usage: Mapping[str, JSON] = field(default_factory=dict[str, JSON])
    served_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message that the user should see and that is not an error."""

    kind: Literal["unsupported", "adjusted", "deprecated", "other"]
    message: str
    parameter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Recovery:
    """The result of `recover`: the images that no row of the history named, and what became of them.

    Attributes:
        filled: the number of images that are in their slots again, which were empty.
        with_recipe: the number of images that came back with their prompt, model and parameters.
        without_recipe: the number of images of which nothing was known. They are in the topic "Recovered".
        skipped: the reason why a file was left alone, by the name of the file.
    """

    filled: int = 0
    with_recipe: int = 0
    without_recipe: int = 0
    skipped: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def found(self) -> int:
        """The number of files that no row named."""
        return self.filled + self.with_recipe + self.without_recipe + len(self.skipped)

    def __add__(self, other: Recovery) -> Recovery:
        return Recovery(
            filled=self.filled + other.filled,
            with_recipe=self.with_recipe + other.with_recipe,
            without_recipe=self.without_recipe + other.without_recipe,
            skipped={**self.skipped, **other.skipped},
        )

    def __repr__(self) -> str:
        if not self.found:
            return "Nothing was lost: the history names every image of its folder."
        back = self.found - len(self.skipped)
        parts = f"{self.with_recipe} with their recipes, {self.filled} in their empty slots"
        rest = f'{self.without_recipe} in the topic "Recovered"'
        first = f"{back} of {self.found} lost images are back: {parts}, {rest}."
        return "\n".join([first, *_left_out(self.skipped)])


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FolderImport:
    """The result of `import_folder`: the pictures of the folder, and what became of them.

    Attributes:
        topic_id: the id of the topic that has the pictures, or None where the folder has none.
        with_recipe: the number of pictures that came in with their prompt, model and parameters.
        without_recipe: the number of pictures that do not say how they were made.
        known: the number of pictures that the history had already.
        skipped: the reason why a file was left out, by its path within the folder.
    """

    topic_id: str | None = None
    with_recipe: int = 0
    without_recipe: int = 0
    known: int = 0
    skipped: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def added(self) -> int:
        """The number of pictures that came in."""
        return self.with_recipe + self.without_recipe

    @property
    def found(self) -> int:
        """The number of pictures in the folder."""
        return self.added + self.known + len(self.skipped)

    def __add__(self, other: FolderImport) -> FolderImport:
        return FolderImport(
            topic_id=self.topic_id or other.topic_id,
            with_recipe=self.with_recipe + other.with_recipe,
            without_recipe=self.without_recipe + other.without_recipe,
            known=self.known + other.known,
            skipped={**self.skipped, **other.skipped},
        )

    def __repr__(self) -> str:
        if not self.found:
            return "The folder has no pictures."
        parts = f"{self.with_recipe} with their recipes, {self.without_recipe} without"
        lines = [f"{self.added} of {self.found} pictures came in: {parts}."]
        if self.known:
            lines.append(f"{self.known} {'was' if self.known == 1 else 'were'} there already.")
        return "\n".join([*lines, *_left_out(self.skipped)])


def _left_out(skipped: Mapping[str, str]) -> list[str]:
    """Return lines about the files that were left alone."""
    lines = [f"{name} was left alone. {reason}" for name, reason in list(skipped.items())[:_LISTED]]
    if len(skipped) > _LISTED:
        lines.append(f"{len(skipped) - _LISTED} more files were left alone: see `skipped`.")
    return lines


_LISTED = 10
"""The most files that the text of a result names."""


# ------------------------------------------------------------------ what is stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A row of ``image_generation_topics``.

    Attributes:
        title: the title, or None while the topic is empty.
        cover_url: the file of the cover, relative to the store's asset folder, or None.
        title_by: the origin of the title: ``"prompt"`` (the first words of a prompt), ``"model"`` or
            ``"user"``. A title by the user is never overwritten.
        pinned: True where the topic stays at the top of the list.
        images: the number of finished images.
        running: the number of generations that wait or run.
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
        config: every parameter of the request, as in `Request.params`, and ``"n"``.
        width, height: the requested size in pixels, or None where the model chose.
        references: the input images.
        mask: the mask over the first reference, or None.
        click_id: the mark that all batches of one click share; None where the click asked for one batch.
        sweep_id: the sweep that asked for the batch, or None.
        action: what the user wanted of the first reference; None where the user did not say it. The provider
            does not learn it, so the same request with another action is the same request.
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
    sweep_id: str | None = None
    action: Action | None = None

    @property
    def words(self) -> str:
        """The prompt. A request without one has what it does, such as "Remove background", or its model."""
        return self.prompt or (ACTIONS[self.action] if self.action else self.model)

    @property
    def inputs(self) -> tuple[Reference, ...]:
        """The stored images that the request names: the references, and the mask after them."""
        return self.references if self.mask is None else (*self.references, self.mask)

    @property
    def parents(self) -> tuple[str, ...]:
        """The ids of the generations among the references, in their order, each once."""
        return tuple(dict.fromkeys(one.generation_id for one in self.references if one.generation_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of a sweep: a name, and the values that the sweep goes through.

    Attributes:
        name: a word of the template, a parameter, ``"model"``, ``"seed"`` or ``"row"``.
        values: the values, each once. Those of ``"row"`` are objects: the cells of a row by their columns.
    """

    name: str
    values: tuple[JSON, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A row of ``image_sweeps``, with its cells: one request for each combination of the values of its axes.

    Attributes:
        digest: the digest of the whole sweep, by which the same sweep is found again.
        template: the prompt, in which the names of axes stand in braces.
        axes: the axes. The last one changes first from cell to cell.
        fixed: the values that are the same for all cells.
        cells: the batch of each cell; None where it was deleted.
        asked: the batches that the sweep asked for, the newest first. The other cells come from the store.
    """

    id: str
    topic_id: str
    user_id: str
    organization_id: str | None
    digest: str
    template: str
    axes: tuple[Axis, ...]
    fixed: Mapping[str, JSON]
    created_at: datetime
    cells: tuple[str | None, ...] = ()
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """The stored bytes of an image.

    Attributes:
        digest: sha256 of the original bytes, in hex, by which the asset is found.
        url, thumbnail_url: the files of the original and of the thumbnail, relative to the store's asset
            folder. The thumbnail is a cache, which is made when it is first needed.
        width, height: the size of the original, in pixels; None where the file does not say it.
        media_type: the kind of file, read from the signature of the bytes; as the provider named it where
            the signature is unknown.
        size: the number of bytes of the original.
        whole: False where the image is cut off or damaged, and only a part of it may be shown.
    """

    digest: str
    url: str
    thumbnail_url: str
    width: int | None
    height: int | None
    media_type: str
    size: int
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A row of ``image_generations``: one image of a batch, whether it is finished or not.

    Attributes:
        position: the index of its slot in the batch, from 0.
        seed: the seed that was sent for the image, or None.
        asset: the image, or None until it is stored.
        error: why the slot stayed empty although its task succeeded, or None.
        applied: the values that the provider reports (see `Inline.applied`).
        starred: True where the user gave the image a star.
        parent_id: the first generation among the references of the batch, or None.
        scores: numbers that code gave to the image, by their names, which are sorted.
        tags: words that the user or code gave to the image, sorted.
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
    starred: bool
    parent_id: str | None
    created_at: datetime
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A row of ``image_async_tasks``: one call to a provider.

    Attributes:
        stage: the exact state; the column ``status`` holds the users' word for it.
        unit: the content of the call.
        deadline: seconds that the task may take in all.
        ticket: JSON by which the job is found again, or None.
        results: the links of a task that is downloading (`Remote` values as JSON).
        error: why the task failed, or None.
        attempt: 1 for the first try, 2 after the first Retry …
        resumes: how often a studio took the task up again after a restart and began to work on it.
        request_id, cost, usage, served_by: as in `Done`.
        job_positions: the positions that the job of the ticket fills, where the task fills only some of them,
            because the others were filled by an earlier attempt. Else empty.
        estimate: the expected cost, in USD as a decimal string, or None where the price is unknown.
        most: the most that the call can cost, in USD as a decimal string; None means `estimate`.
        previous: the earlier attempts of a retried task: a list of ``{"task", "error", "cost"}``.
        lease_owner, lease_until: the process that drives the task, and the end of its lease.
        submitted_at, finished_at: when the task was first sent, and when it reached its final stage.
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
    most: str | None = None
    usage: Mapping[str, JSON] = field(default_factory=dict[str, JSON])
    served_by: str | None = None
    job_positions: tuple[int, ...] = ()
    previous: tuple[Mapping[str, JSON], ...] = ()
    lease_owner: str | None = None
    lease_until: datetime | None = None
    submitted_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def status(self) -> Status:
        """The word that users see for the stage."""
        return self.stage.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A batch with its generations, in the order of their slots, and its tasks, oldest first."""

    batch: Batch
    generations: tuple[Generation, ...]
    tasks: tuple[Task, ...]

    def task_of(self, generation: Generation) -> Task | None:
        """Return the task that fills a generation of this entry, or None."""
        return next((t for t in self.tasks if t.id == generation.async_task_id), None)

    def status_of(self, generation: Generation) -> Status:
        """Return the state of a generation of this entry."""
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
        entries: the batches, each with its generations and tasks.
        before: the cursor of the next (older) page, or None at the end.
    """

    entries: tuple[Entry, ...]
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryPage:
    """A page of the gallery, which shows images and not batches.

    Attributes:
        images: the ids of the generations whose images are shown, in the order of the gallery.
        entries: the batches of these images, each once, with all of their generations and tasks.
        before: the cursor of the next page, or None at the end.
    """

    images: tuple[str, ...]
    entries: tuple[Entry, ...]
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """The chain of a generation: what it was made from, what lies beside it, and what was made from it.

    Attributes:
        ancestors: the ids of the images from which it was made, the first one first.
        earlier: True where there are more ancestors before those.
        shown: the id of the generation.
        siblings: the ids of the images that were made from the same image, or else in the same batch. The
            generation itself is among them. They are in the order in which they were asked for.
        siblings_count: the number of all siblings, also of those that are not in `siblings`.
        children: the ids of the newest images that were made from it, the newest one last.
        children_count: the number of all children.
        versions: the generations that are there, by id, each with its batch. A deleted one is missing.
    """

    ancestors: tuple[str, ...]
    earlier: bool
    shown: str
    siblings: tuple[str, ...]
    siblings_count: int
    children: tuple[str, ...]
    children_count: int
    versions: Mapping[str, tuple[Entry, Generation]]

    def before(self, generation_id: str) -> tuple[Entry, Generation] | None:
        """Return the version from which another one of the chain was made, or None where there is none.

        Where the version between them was deleted, the nearest one that is there counts.
        """
        path = [*self.ancestors, self.shown]
        if generation_id in self.children:
            known = path
        elif generation_id in path:
            known = path[: path.index(generation_id)]
        else:
            known = path[:-1]
        return next((self.versions[one] for one in reversed(known) if one in self.versions), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicPage:
    """A page of the list of topics: first the pinned topics, then the others, the last used one first.

    Attributes:
        topics: the topics.
        before: the cursor of the next page, or None at the end.
    """

    topics: tuple[Topic, ...]
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRange:
    """The range of a score. An image without the score is not in it.

    Attributes:
        name: the name of the score.
        at_least, at_most: the limits, or None.
    """

    name: str
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreOrder:
    """The order of a feed by a score. A batch counts with its best image; without the score, it is last.

    Attributes:
        name: the name of the score.
        lowest_first: True where a low score is better than a high one.
    """

    name: str
    lowest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A filter of a feed, and its order. A batch passes when it meets all conditions.

    Attributes:
        search: words that the prompt must hold, in any order, in upper or lower case.
        model: ``"provider:id"``, or None for any model.
        status: the state that one of its generations must have, or None for any state.
        starred: True where one of its generations must have a star.
        tag: a tag that one of its generations must have, or None.
        scores: the ranges in which scores of one of its generations must be, for each range.
        sort: the order by a score, or None for the newest batch first.
    """

    search: str = ""
    model: str | None = None
    status: Status | None = None
    starred: bool = False
    tag: str | None = None
    scores: tuple[ScoreRange, ...] = ()
    sort: ScoreOrder | None = None


EVERYTHING = Wanted()
"""The filter that all batches pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """The square picture of a topic: WebP bytes, 256 × 256 pixels."""

    topic_id: str
    data: bytes

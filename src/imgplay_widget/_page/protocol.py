"""Every message between Python and the page.

``js/src/protocol.gen.ts`` is generated from this file (``make protocol``), so that the two sides always
match. On the wire, names are camelCase. Unless a field says otherwise, times are milliseconds since the epoch
(UTC), durations are seconds, sizes of images are pixels, and progress goes from 0.0 to 1.0. Bytes travel as
the binary buffers of the message: a field ``buffer`` or ``…_buffer`` is an index into these buffers.

The page sends a `PageMessage`: a request, which is answered exactly once by a `ReplyMessage`, an `Ack`, or a
`Leave`.
The kernel sends `ReplyMessage` and `Events`. Events have a sequence number. A page that finds a gap in the
numbers, or that was loaded again, sends `Hello` and gets a `SnapshotResult`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from imgplay_widget._rules.presets import MAX_PRESET_NAME, MAX_WORDS
from imgplay_widget._text import clean_json
from imgplay_widget._types import Ability, Action, ParameterKind  # noqa: TC001 - read at run time
from imgplay_widget.errors import InvalidRequest

__all__ = ["PROTOCOL", "PageMessage", "parse"]

MAX_SELECTED = 2000
"""The most topics, batches or images that one call names."""

MAX_MARKED = 20_000
"""The most images that can be selected on a page at once."""

MAX_ALSO = 3
"""The most models that a click asks besides the chosen model."""

PROTOCOL = 3
"""The version of the protocol. A saved notebook may contain an older page than the kernel's package."""

MAX_WISHES = 16
"""The most requests of one click. The page has the same limit (`lib/several.ts`)."""

MAX_WORKFLOW = 2_000_000
"""The most characters of a workflow. A message to a server has up to 8 MiB, and a character up to 3 bytes."""


Words = Annotated[str, Field(max_length=MAX_WORDS)]
PresetName = Annotated[str, Field(max_length=MAX_PRESET_NAME)]


class Message(BaseModel):
    """The base of all messages: names are camelCase on the wire, and unknown fields are refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        json_schema_serialization_defaults_required=True,
    )

    def wire(self) -> dict[str, Any]:
        """Return the message as a dict of JSON types."""
        return clean_json(self.model_dump(mode="json", by_alias=True))


# ------------------------------------------------------------------ states


class ErrorState(Message):
    """An error as the page shows it: what happened, whose fault it is, and the next step.

    Attributes:
        message: what happened, in a sentence.
        next_step: the next step of the user, or empty.
        retry_after: the seconds after which a retry makes sense, or None.
        request_id: the provider's id of the failed request, or None.
    """

    code: str
    message: str
    next_step: str
    fault: Literal["you", "provider", "network", "here"]
    provider: str | None
    retryable: bool
    retry_after: float | None
    request_id: str | None


class WishRefused(ErrorState):
    """The error that a request of a click was refused. Then none of the requests is sent.

    Attributes:
        wish: the index of the refused request in `Generate.wishes`.
    """

    wish: int


class ParameterState(Message):
    """A parameter of a model, from which the page makes a field of the form."""

    name: str
    type: Literal["integer", "number", "string", "boolean"]
    kind: ParameterKind | None
    title: str
    help: str
    minimum: float | None
    maximum: float | None
    step: float | None
    choices: list[str | int | float]
    default: str | bool | int | float | None
    max_length: int | None
    advanced: bool


class ReferenceRuleState(Message):
    """The limits of a model's input images: their number, bytes and pixels of each, and the media types.

    Attributes:
        gives_size: whether an image gets the size of its first reference where no size was chosen.
    """

    min_count: int
    max_count: int
    max_bytes: int
    max_pixels: int | None
    media_types: list[str]
    gives_size: bool


class ReferenceState(Message):
    """An input image in the store. `digest` is the sha256 of its bytes."""

    digest: str
    media_type: str
    width: int
    height: int


class SizeRuleState(Message):
    """The rule that width and height must fulfil together.

    Attributes:
        min_pixels, max_pixels: the range of the area in pixels. None: without this limit.
        max_ratio: the most that the longer edge, divided by the shorter one, may be, or None.
    """

    min_pixels: int | None
    max_pixels: int | None
    max_ratio: float | None


class RateState(Message):
    """What one image costs for some values of parameters, in USD as decimal strings (see `Rate` and `Tier`).

    Attributes:
        when: the values of each parameter that counts, by its name. Without one, the rate always holds.
        up_to: the largest area for which the rate holds, in pixels, or None.
    """

    when: dict[str, list[str | bool | int | float | None]]
    up_to: int | None
    amount: str
    most: str
    unit: Literal["image", "megapixel", "token"]
    further: str | None
    grid: int


class PriceState(Message):
    """The list price of a model, in USD as decimal strings.

    Attributes:
        least, most: what one `unit` costs with the default parameters.
        unit: one image, or a megapixel where the size decides.
        note: the day of the price and the page that lists it.
        rates: the prices in the order in which they are tried. The last one always holds.
        size: the width and the height of an image that the request does not set, or None.
        reference: the price of an input image, or of each of its megapixels.
    """

    least: str
    most: str
    unit: Literal["image", "megapixel"]
    note: str
    rates: list[RateState]
    size: list[int] | None
    reference: str
    reference_unit: Literal["image", "megapixel"]


class ModelState(Message):
    """A model that the user can choose. `name` is ``"provider:id"``.

    Attributes:
        prompt: whether the model takes words: a request with a reference may leave optional ones out.
        does: what the model can do with a finished image.
    """

    name: str
    provider: str
    id: str
    title: str
    description: str
    notice: str
    parameters: list[ParameterState]
    prompt: Literal["needed", "optional", "none"]
    max_prompt: int | None
    native_n: int
    seed: Literal["none", "best_effort", "exact"]
    size_rule: SizeRuleState | None
    references: ReferenceRuleState | None
    mask: bool
    does: list[Ability]
    previews: bool
    progress: bool
    cancel: Literal["none", "queued", "full"]
    price: PriceState | None
    retired_on: str | None
    successor: str | None


class ProviderState(Message):
    """A provider and the state of its key. The key itself is never sent to the page.

    Attributes:
        key: whether a key is needed, and whether the kernel has one.
        key_help: the next step where the key is missing, else empty.
        key_variable: the environment variable of the key, or None where a key is not needed.
        key_url: the address at which a user makes a key, or empty.
        key_source: the source of the key ("environment variable FAL_KEY"), or empty.
        discovered_at: when the provider last sent the list of its models, or None.
        discovery_error: why the provider did not send a newer list when it was last asked, or None.
        server: the address of a server that the user added and can remove, or None.
        preset: the name of the known server that it is, or None.
        writes: whether the provider has a text model that can rewrite prompts.
        writer: the text model (``"provider:id"``) that now rewrites prompts for models of the provider. It
            may be of another provider. None where no text model has a key.
    """

    name: str
    title: str
    key: Literal["not_needed", "set", "missing"]
    key_help: str
    key_variable: str | None
    key_url: str
    key_source: str
    discovered_at: int | None
    discovery_error: str | None
    server: str | None
    preset: str | None
    writes: bool
    writer: str | None


class Difference(Message):
    """A parameter that the provider applied with another value than was requested.

    The name `model` stands for the model itself: the provider answered with another model.
    """

    parameter: str
    requested: str | bool | int | float | None
    applied: str | bool | int | float | None


class GenerationState(Message):
    """A generation, which the page shows as a tile.

    Attributes:
        position: the index of the generation in its batch.
        width, height: the size of the finished image, and before that the requested size. None: unknown.
        cancellable: whether the generation can still be cancelled.
        started_at: when the task of the generation was first sent, or None.
        finished_at: when the task ended, or None.
        usual_duration: the seconds that a task of the model usually takes, while the generation is not
            finished. None where too few tasks are known.
        damaged: whether the file is cut off or damaged, so that only a part of the image may be shown.
        scores: the scores by their names, which are sorted.
        tags: the tags, sorted.
        thumbnail_buffer: the index of the thumbnail among the message's buffers, or None where the message
            does not contain the thumbnail.
    """

    id: str
    batch_id: str
    position: int
    status: Literal["pending", "processing", "success", "error", "cancelled"]
    seed: int | None
    width: int | None
    height: int | None
    media_type: str | None
    error: ErrorState | None
    differences: list[Difference]
    damaged: bool
    cancellable: bool
    starred: bool
    scores: dict[str, float]
    tags: list[str]
    started_at: int | None
    finished_at: int | None
    usual_duration: float | None
    thumbnail_buffer: int | None


class BatchState(Message):
    """A batch, which the page shows as one request in the feed.

    Attributes:
        model: the name of the model (``"provider:id"``).
        width, height: the requested size, or None where the model chose the size.
        cost: the cost in USD as a decimal string, or None where it is unknown.
        cost_estimated: whether a part of the cost is an estimate, because the provider does not tell costs.
        click_id: the id that all batches of one click share, or None where the click made one batch.
        sweep_id: the id of the sweep that asked for the batch, or None. `ReadSweep` reads the sweep.
        action: what the user wanted of the first reference, or None where the user did not say it.
    """

    id: str
    topic_id: str
    provider: str
    model: str
    model_title: str
    prompt: str
    params: dict[str, str | bool | int | float | None]
    width: int | None
    height: int | None
    created_at: int
    cost: str | None
    cost_estimated: bool
    references: list[ReferenceState]
    mask: ReferenceState | None
    click_id: str | None
    sweep_id: str | None
    action: Action | None
    generations: list[GenerationState]


class AxisState(Message):
    """An axis of a sweep: its name, and a short text for each of its values."""

    name: str
    labels: list[str]


class SweepState(Message):
    """A sweep: one request for each combination of the values of its axes.

    Attributes:
        topic_id: the topic of the sweep. Batches of its cells may be in other topics.
        template: the prompt, in which the names of axes stand in braces.
        axes: the axes. The last one changes first from cell to cell.
        cells: the id of the batch of each cell, in the order of the axes; None where it was deleted.
        asked: the ids of the batches that the sweep asked for, the newest first, also those whose cells have
            other batches now. What is done to the whole sweep (delete, restore, move) is done to these.
    """

    id: str
    topic_id: str
    template: str
    axes: list[AxisState]
    cells: list[str | None]
    asked: list[str]
    created_at: int


class TopicState(Message):
    """A topic in the list.

    Attributes:
        images: the number of finished images in the topic.
        running: the number of generations that run or wait.
        cover_version: a text that changes with the cover, or None where the topic has no cover.
        cover_buffer: the index of the cover among the message's buffers, or None where the message does not
            contain the cover.
    """

    id: str
    title: str
    pinned: bool
    images: int
    running: int
    cover_version: str | None
    cover_buffer: int | None
    created_at: int
    updated_at: int


class Panels(Message):
    """The widths of the side panels in pixels, what of the page is open, and the size of the tiles.

    Attributes:
        tile_size: how large the tiles of the feed are, from 1 (very small) to 5 (one a row); 0 is automatic.
        gallery: whether the gallery stands in the place of the feed.
    """

    left: Annotated[float, Field(ge=160, le=640)] = 280
    right: Annotated[float, Field(ge=120, le=640)] = 220
    left_open: bool = True
    right_open: bool = True
    advanced_open: bool = False
    tile_size: Annotated[int, Field(ge=0, le=5)] = 0
    gallery: bool = False


class MeantSize(Message):
    """The ratio and the area that the user meant with a size.

    The steps and limits of a model round a size. The page computes the next size from what was meant, so that
    the rounding does not add up.

    Attributes:
        width, height: the rounded size in pixels. The entry counts only while the form has this size.
        ratio: the meant width divided by the meant height.
        area: the meant area in pixels.
    """

    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    ratio: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    area: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PromptWords(Message):
    """The words of a preset that stand around the prompt of each click.

    Attributes:
        prefix: the words before the prompt, or empty.
        suffix: the words after the prompt, or empty.
    """

    prefix: Words = ""
    suffix: Words = ""


class Config(Message):
    """The content of the config panel. The store keeps it across kernels.

    Attributes:
        model: the name of the chosen model (``"provider:id"``).
        also_models: the names of the other models that a click asks. A model among them may be gone.
        count: the number of images that a click makes with each model.
        params: the parameters by name, by the name of each used model. A missing parameter has its default,
            and ``None`` means that the parameter is not sent (a random seed).
        ratio_locked: whether a change of the width also changes the height, and the reverse.
        meant_sizes: the meant size, by the name of each model whose ratio was chosen or locked.
        starred_models: the names of the models that the user starred.
        recent_models: the names of the models that were used last, newest first.
        words: the words around the prompt. The page joins them with the prompt box.
    """

    model: str
    also_models: Annotated[list[str], Field(max_length=MAX_ALSO)] = Field(default_factory=list)
    count: Annotated[int, Field(ge=1, le=64)] = 1
    params: dict[str, dict[str, str | bool | int | float | None]] = Field(default_factory=dict)
    ratio_locked: bool = False
    meant_sizes: dict[str, MeantSize] = Field(default_factory=dict[str, MeantSize])
    starred_models: Annotated[list[str], Field(max_length=64)] = Field(default_factory=list)
    recent_models: Annotated[list[str], Field(max_length=8)] = Field(default_factory=list)
    panels: Panels = Field(default_factory=Panels)
    words: PromptWords = Field(default_factory=PromptWords)


class FeedState(Message):
    """A page of a topic's feed, newest batch first.

    Attributes:
        topic_id: the id of the topic, or None for a feed of all topics.
        before: the cursor of the next page, or None on the last page.
    """

    topic_id: str | None
    batches: list[BatchState]
    before: str | None


class DraftState(Message):
    """The unsent content of the prompt box of a topic, or of the "new topic" screen."""

    prompt: str = ""
    references: list[ReferenceState] = Field(default_factory=list[ReferenceState])
    mask: ReferenceState | None = None


class SpendingState(Message):
    """The spending of today, by the kernel's clock. Amounts are USD as decimal strings.

    Attributes:
        today: the amount that was spent.
        unknown: the number of images whose cost is unknown. They are not in `today`.
        running: the most that the tasks which run can cost.
        budget: the most that may be spent in a day, or None without a budget.
    """

    today: str = "0"
    unknown: int = 0
    running: str = "0"
    budget: str | None = None


class Snapshot(Message):
    """The state of a studio with which the page starts.

    Attributes:
        seq: the sequence number of the last events that the snapshot includes.
        models: the models that are chosen in `config`, because the page needs them at once.
        catalog: a digest of all models that are offered.
        catalog_buffer: the index of the offered models among the message's buffers, as a JSON list of
            `ModelState`, compressed with zlib. None where `Hello` told that the page has them.
        max_count: the most images that a click makes with each model.
        topics: the first page of the list of topics, and the active topic even where it comes later.
        topics_before: the cursor of the next page of the list (`ReadTopics`), or None on the last page.
        feed: the first page of the feed of the active topic, or None without an active topic.
        draft: the draft of the active topic, or of the "new topic" screen.
        selected: the ids of the images that are selected on the page.
        thumbnails: small WebP pictures in base64 by generation id. Only the synced state has them, so that a
            saved notebook shows them without a kernel.
    """

    protocol: int
    seq: int
    models: list[ModelState]
    catalog: str
    catalog_buffer: int | None
    providers: list[ProviderState]
    config: Config
    max_count: int
    topics: list[TopicState]
    topics_before: str | None
    active_topic_id: str | None
    feed: FeedState | None
    draft: DraftState
    spending: SpendingState
    selected: list[str]
    thumbnails: dict[str, str]


# ------------------------------------------------------------------ page → kernel


class Hello(Message):
    """The first message of a page, and of a page that missed events. Answer: `SnapshotResult`.

    Attributes:
        page: the id of the page. Several browsers may show one playground.
        catalog: `Snapshot.catalog` of the models that the page has, or None.
    """

    method: Literal["hello"] = "hello"
    protocol: int = PROTOCOL
    page: str
    catalog: str | None = None


class Wish(Message):
    """A request of a click, for one model and one prompt.

    References and the mask are named by the digest from the answer to `UploadPiece` or `TakeReference`.

    Attributes:
        action: what the user wants of the first reference, or None where the user did not say it.
    """

    model: str
    prompt: str
    params: dict[str, str | bool | int | float | None]
    references: list[str] = Field(default_factory=list)
    mask: str | None = None
    action: Action | None = None


class Generate(Message):
    """The requests of a click on Generate. Answer: `Generated`.

    Either all requests are stored and sent, or none. An error of one request is a `WishRefused`.

    Attributes:
        n: the number of images of each request.
        topic_id: the id of the topic, or None for a new topic, which becomes the active topic.
        confirm: whether the user agreed to pay an unknown price.
    """

    method: Literal["generate"] = "generate"
    wishes: list[Wish] = Field(min_length=1, max_length=MAX_WISHES)
    n: int
    topic_id: str | None
    confirm: bool = False


class FollowUp(Message):
    """A call to do something with a finished image, in the topic of the image. Answer: `Generated`.

    Attributes:
        generation_id: the image.
        action: what shall be done.
        model: the name of the model that does it.
        params: the parameters that the user chose.
        confirm: whether the user agreed to pay an unknown price.
    """

    method: Literal["follow_up"] = "follow_up"
    generation_id: str
    action: Ability
    model: str
    params: dict[str, str | bool | int | float | None] = Field(default_factory=dict)
    confirm: bool = False


class CancelBatches(Message):
    """A call to stop all tasks of batches, or the task of one generation. Answer: `Empty`."""

    method: Literal["cancel"] = "cancel"
    batch_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]
    generation_id: str | None = None


class ReadSweep(Message):
    """A call to read a sweep. Answer: `SweepResult`, or the error "not_found" where the sweep is gone."""

    method: Literal["read_sweep"] = "read_sweep"
    sweep_id: str


class CancelSweep(Message):
    """A call to stop all unfinished tasks of a sweep at once. Answer: `Empty`."""

    method: Literal["cancel_sweep"] = "cancel_sweep"
    sweep_id: str


class Retry(Message):
    """A call to run failed and cancelled generations again: one, or all of a batch. Answer: `Empty`.

    Attributes:
        confirm: whether the user agreed to pay an unknown price.
    """

    method: Literal["retry"] = "retry"
    batch_id: str
    generation_id: str | None = None
    confirm: bool = False


What = Literal["topic", "batch", "generation"]


class Delete(Message):
    """A call to delete topics, batches or generations, with all that belongs to them. Answer: `Empty`.

    For a limited time, `Restore` brings everything back. Then the kernel removes rows and files for good.
    """

    method: Literal["delete"] = "delete"
    what: What
    ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]


class Restore(Message):
    """A call to undo a `Delete`. Answer: `Empty`."""

    method: Literal["restore"] = "restore"
    what: What
    ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]


class Star(Message):
    """A call to star images, or to remove their stars. Answer: `Empty`."""

    method: Literal["star"] = "star"
    generation_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]
    starred: bool


class Select(Message):
    """The news that the user selected these images, and no others. Answer: `Empty`."""

    method: Literal["select"] = "select"
    generation_ids: Annotated[list[str], Field(max_length=MAX_MARKED)]


class MoveBatches(Message):
    """A call to move batches to another topic, or to a new topic (None). Answer: `BatchesMoved`."""

    method: Literal["move_batches"] = "move_batches"
    batch_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]
    topic_id: str | None


class PinTopic(Message):
    """A call to pin a topic to the top of the list, or to unpin the topic. Answer: `Empty`."""

    method: Literal["pin_topic"] = "pin_topic"
    topic_id: str
    pinned: bool


class ChooseCover(Message):
    """A call to make an image the cover of its topic. Answer: `Empty`."""

    method: Literal["choose_cover"] = "choose_cover"
    topic_id: str
    generation_id: str


class RenameTopic(Message):
    """A call to set the title that the user typed for a topic. Answer: `Empty`."""

    method: Literal["rename_topic"] = "rename_topic"
    topic_id: str
    title: str


class SelectTopic(Message):
    """A call to show a topic, or the "new topic" screen (None). Answer: `TopicShown`."""

    method: Literal["select_topic"] = "select_topic"
    topic_id: str | None


class WantedScore(Message):
    """The range of a score that an image of a batch must have. A limit is None where there is none."""

    name: Annotated[str, Field(max_length=64)]
    at_least: Annotated[float, Field(allow_inf_nan=False)] | None = None
    at_most: Annotated[float, Field(allow_inf_nan=False)] | None = None


class FeedOrder(Message):
    """The order of a feed by a score. A batch counts with its best image; one without the score comes last.

    Attributes:
        name: the name of the score.
        lowest_first: whether the lowest score comes first.
    """

    name: Annotated[str, Field(max_length=64)]
    lowest_first: bool = False


class Narrowed(Message):
    """What a request for a page of batches or images asks for.

    Attributes:
        topic_id: the topic, or None for all topics.
        before: the cursor from the previous page, or None for the first page.
        search: words that the prompt must contain, in any order and in upper or lower case.
        model: the name of a model, or None for all models.
        status: the status that a generation must have, or None for any.
        starred: True for only what is starred.
        tag: a tag that an image must have, or None.
        scores: the ranges of scores that an image must have.
        sort: the order by a score, or None for the order of time.
    """

    topic_id: str | None
    before: str | None = None
    search: Annotated[str, Field(max_length=500)] = ""
    model: str | None = None
    status: Literal["pending", "processing", "success", "error", "cancelled"] | None = None
    starred: bool = False
    tag: Annotated[str, Field(max_length=64)] | None = None
    scores: Annotated[list[WantedScore], Field(max_length=8)] = Field(default_factory=list[WantedScore])
    sort: FeedOrder | None = None


class Feed(Narrowed):
    """A request for a page of the feed of a topic, or of all topics. Answer: `FeedResult`.

    A batch passes if, for each thing that is wanted, one of its images has it.

    Attributes:
        limit: the most batches of the page.
    """

    method: Literal["feed"] = "feed"
    limit: Annotated[int, Field(ge=1, le=50)] = 12


class ReadGallery(Narrowed):
    """A request for finished images of a topic, or of all topics. Answer: `GalleryResult`.

    Each image of the page has all that is wanted. Only finished images are shown, so a status other than
    success finds nothing. Images without the score of `sort` come last.

    Attributes:
        limit: the most images of the page.
        starred_first: whether the starred images come first, in an order by time.
    """

    method: Literal["gallery"] = "gallery"
    limit: Annotated[int, Field(ge=1, le=100)] = 60
    starred_first: bool = False


class NamedBatches(Message):
    """A request for batches by their ids, to show their present state. Answer: `BatchList`."""

    method: Literal["named_batches"] = "named_batches"
    batch_ids: Annotated[list[str], Field(min_length=1, max_length=100)]


class Queue(Message):
    """A request for the batches of all topics that run or wait, oldest first. Answer: `QueueResult`."""

    method: Literal["queue"] = "queue"


class Prompts(Message):
    """A request for the prompts of the newest batches, each prompt once. Answer: `PromptList`."""

    method: Literal["prompts"] = "prompts"
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ModelsUsed(Message):
    """A request for the models of a topic's batches, or of all batches (None). Answer: `ModelNames`."""

    method: Literal["models_used"] = "models_used"
    topic_id: str | None


class LabelsUsed(Message):
    """A request for the scores and tags in a topic, or in all topics (None). Answer: `LabelNames`."""

    method: Literal["labels_used"] = "labels_used"
    topic_id: str | None


class ReadTopics(Message):
    """A request for a page of the list of topics. Answer: `TopicList`.

    Pinned topics come first. Other topics come in the order of their last use, newest first.

    Attributes:
        search: words that the title must contain, in any order and in upper or lower case.
        before: the cursor from the previous page, or None for the first page.
        limit: the most topics of the page.
    """

    method: Literal["topics"] = "topics"
    search: Annotated[str, Field(max_length=500)] = ""
    before: Annotated[str, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 100


class NamedTopics(Message):
    """A request for topics by their ids, to show their present state. Answer: `TopicList`."""

    method: Literal["named_topics"] = "named_topics"
    topic_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]


class SaveDraft(Message):
    """A call to store the changed content of the prompt box. Answer: `Empty`."""

    method: Literal["save_draft"] = "save_draft"
    topic_id: str | None
    prompt: Annotated[str, Field(max_length=100_000)]
    references: list[str]
    mask: str | None


class Improve(Message):
    """A request that a text model rewrites a prompt. Answer: `Improved`.

    The provider bills the call, so the kernel never repeats it without the user.

    Attributes:
        mode: "expand" adds visible details, and "translate" translates the prompt into English.
        model: the name of the image model that will get the prompt.
        confirm: whether the user agreed to pay an unknown price.
    """

    method: Literal["improve"] = "improve"
    prompt: Annotated[str, Field(max_length=100_000)]
    mode: Literal["expand", "translate"]
    model: str
    confirm: bool = False


class Thumbnails(Message):
    """A request for the thumbnails of generations on the screen. Answer: `ThumbnailList`."""

    method: Literal["thumbnails"] = "thumbnails"
    generation_ids: Annotated[list[str], Field(max_length=64)]


class ReadCovers(Message):
    """A request for the covers of topics on the screen. Answer: `CoverList`."""

    method: Literal["covers"] = "covers"
    topic_ids: Annotated[list[str], Field(max_length=64)]


class Original(Message):
    """A request for the file of an image, as it is saved. Answer: `OriginalImage`."""

    method: Literal["original"] = "original"
    generation_id: str


class View(Message):
    """A request for the picture of an image in the large view. Answer: `ViewImage`.

    Attributes:
        as_webp: whether the browser could not draw the original.
    """

    method: Literal["view"] = "view"
    generation_id: str
    as_webp: bool = False


class LoadPart(Message):
    """A request for a part of the page that loads only when the page needs the part. Answer: `PartFile`.

    Attributes:
        name: the name of the part.
        build: the name of the page's build. Parts of other builds do not work with the page.
    """

    method: Literal["part"] = "part"
    name: Annotated[str, Field(pattern="^[a-z]{1,32}$")]
    build: Annotated[str, Field(pattern="^[0-9a-f]{12}$")]


class ReadRecipe(Message):
    """A request for the recipe of an image. Answer: `RecipeResult`."""

    method: Literal["recipe"] = "recipe"
    generation_id: str


class ReadChain(Message):
    """A request for the versions of an image: its ancestors, those beside it and its children.

    Answer: `ChainResult`.
    """

    method: Literal["read_chain"] = "read_chain"
    generation_id: str


class Code(Message):
    """A request for the Python code that makes a batch again, or that opens an image. Answer: `CodeText`.

    Attributes:
        generation_id: the image whose file the code opens, or None for the code that makes the batch.
    """

    method: Literal["code"] = "code"
    batch_id: str
    generation_id: str | None = None


class Pack(Message):
    """A request for a ZIP of images and their recipes, to be read with `PackChunk`. Answer: `Packed`."""

    method: Literal["pack"] = "pack"
    generation_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]


class PackChunk(Message):
    """A request for a piece of a ZIP. The last piece also removes the ZIP. Answer: `Chunk`.

    Attributes:
        offset: the first byte of the piece in the ZIP. The piece has at most 1 MiB.
    """

    method: Literal["pack_chunk"] = "pack_chunk"
    pack_id: str
    offset: Annotated[int, Field(ge=0)]


class DropPack(Message):
    """A call to remove a ZIP that the page will not read any more. Answer: `Empty`."""

    method: Literal["drop_pack"] = "drop_pack"
    pack_id: str


class UploadPiece(Message):
    """A piece of a file, at most 1 MiB, as the first buffer of the message. Answer: `UploadTaken`.

    The page sends the pieces in order, and each piece after the answer to the one before. The kernel stores
    the file when it is whole.

    Attributes:
        upload_id: the id that the page gives the file.
        offset: the first byte of the piece in the file.
        total: the bytes of the whole file.
        purpose: the use of the image. A mask must be a PNG. A file that only shows its recipe is not stored.
    """

    method: Literal["upload"] = "upload"
    upload_id: Annotated[str, Field(max_length=64)]
    offset: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=1)]
    purpose: Literal["reference", "mask", "recipe"] = "reference"


class TakeReference(Message):
    """A call to make a reference from a generation, or from a link. Answer: `ReferenceTaken`.

    Attributes:
        value: the id of the generation, or the link, whose image the kernel downloads.
    """

    method: Literal["take_reference"] = "take_reference"
    source: Literal["generation", "link"]
    value: Annotated[str, Field(max_length=4096)]


class ReferenceThumbnails(Message):
    """A request for the thumbnails of references on the screen. Answer: `ReferenceThumbnailList`."""

    method: Literal["reference_thumbnails"] = "reference_thumbnails"
    digests: Annotated[list[str], Field(max_length=64)]


class ReferenceOriginal(Message):
    """A request for the bytes of a reference. Answer: `ReferenceImage`."""

    method: Literal["reference_original"] = "reference_original"
    digest: str


class AddServer(Message):
    """A call to add a server with OpenAI's protocol as a provider. Answer: `ServerAdded`.

    Attributes:
        name: the name of the new provider.
        url: the base address of the server (``http://localhost:8080/v1``), or empty for that of the preset.
        preset: the name of a known server, or empty.
        values: what fills the blanks in the address of the preset, by their names.
        key: the key of the server, or empty where it needs none. The key is never sent back.
        remember: whether the key is put into the system's keyring, if the system has one.
    """

    method: Literal["add_server"] = "add_server"
    name: Annotated[str, Field(max_length=64)]
    url: Annotated[str, Field(max_length=2048)]
    preset: Annotated[str, Field(max_length=64)] = ""
    values: Annotated[dict[str, Annotated[str, Field(max_length=2048)]], Field(max_length=8)] = {}
    key: Annotated[SecretStr, Field(max_length=4096)]
    remember: bool


class ServerPresets(Message):
    """A request for the known servers that a user can add by name. Answer: `ServerPresetList`."""

    method: Literal["server_presets"] = "server_presets"


class ReadPresets(Message):
    """A request for all presets of the user. Answer: `PresetList`."""

    method: Literal["presets"] = "presets"


class _PresetToKeep(Message):
    name: PresetName
    model: str | None
    params: dict[str, str | bool | int | float | None]
    prefix: Words
    suffix: Words


class SavePreset(_PresetToKeep):
    """A call to check a preset against its model and to store it. Answer: `Empty`.

    Attributes:
        model: the name of the model, or None for words alone.
        params: the parameters that differ from the defaults of the model.
        replace: whether a preset of the same name is replaced. Without it, such a name is refused.
    """

    method: Literal["save_preset"] = "save_preset"
    replace: bool


class RestorePreset(_PresetToKeep):
    """A call to bring back a preset that was just deleted, as it was, also where its model is gone. Answer:
    `Empty`.
    """

    method: Literal["restore_preset"] = "restore_preset"


class RenamePreset(Message):
    """A call to give a preset another name. Answer: `Empty`."""

    method: Literal["rename_preset"] = "rename_preset"
    name: PresetName
    to: PresetName


class DeletePreset(Message):
    """A call to delete a preset. Answer: `Empty`."""

    method: Literal["delete_preset"] = "delete_preset"
    name: PresetName


class RemoveServer(Message):
    """A call to forget an added server and its key. Its images stay in the history. Answer: `Empty`."""

    method: Literal["remove_server"] = "remove_server"
    name: str


class AddWorkflow(Message):
    """A call to keep a workflow of ComfyUI as a model. Answer: `ModelResult`, with the model.

    Attributes:
        name: the name of the file, which becomes that of the model.
        text: the workflow as JSON, in the format of the editor or of the API.
    """

    method: Literal["add_workflow"] = "add_workflow"
    name: Annotated[str, Field(max_length=255)]
    text: Annotated[str, Field(max_length=MAX_WORKFLOW)]


class Model(Message):
    """A request for a model by the name that the user typed (``"provider:id"``). Answer: `ModelResult`."""

    method: Literal["model"] = "model"
    name: str


class CheckProvider(Message):
    """A request for a free test of the connection to a provider. Answer: `ProviderChecked`."""

    method: Literal["check_provider"] = "check_provider"
    provider: str


class SetKey(Message):
    """A call to set the key of a provider. Answer: `KeyTaken`.

    Attributes:
        key: the key, or empty to forget the present one. The key is never sent back.
        remember: whether the key is put into the system's keyring, if the system has one.
    """

    method: Literal["set_key"] = "set_key"
    provider: str
    key: Annotated[SecretStr, Field(max_length=4096)]
    remember: bool


class Configure(Message):
    """A call to store the changed content of the config panel. Answer: `Empty`."""

    method: Literal["configure"] = "configure"
    config: Config


Call = Annotated[
    Hello
    | Generate
    | FollowUp
    | CancelBatches
    | ReadSweep
    | CancelSweep
    | Retry
    | Delete
    | Restore
    | Star
    | Select
    | MoveBatches
    | RenameTopic
    | PinTopic
    | ChooseCover
    | SelectTopic
    | Feed
    | ReadGallery
    | NamedBatches
    | Queue
    | Prompts
    | ModelsUsed
    | LabelsUsed
    | ReadTopics
    | NamedTopics
    | SaveDraft
    | Improve
    | Thumbnails
    | ReadCovers
    | Original
    | View
    | LoadPart
    | ReadRecipe
    | ReadChain
    | Code
    | Pack
    | PackChunk
    | DropPack
    | UploadPiece
    | TakeReference
    | ReferenceThumbnails
    | ReferenceOriginal
    | AddServer
    | ServerPresets
    | ReadPresets
    | SavePreset
    | RestorePreset
    | RenamePreset
    | DeletePreset
    | RemoveServer
    | AddWorkflow
    | Model
    | CheckProvider
    | SetKey
    | Configure,
    Field(discriminator="method"),
]


class PageRequest(Message):
    """A request of the page. It is answered exactly once, by a `ReplyMessage` whose `to` is its `id`.

    A page repeats a request whose answer did not come, with the same `id`. The kernel does it once.
    """

    kind: Literal["request"] = "request"
    id: str
    call: Call


class Ack(Message):
    """The news that a page has shown all events up to `seq`. Without it, events have no pictures."""

    kind: Literal["ack"] = "ack"
    page: str
    seq: int


class Leave(Message):
    """The news that nobody sees a page any more. The page gets no events until it says hello again."""

    kind: Literal["leave"] = "leave"
    page: str


PageMessage = Annotated[PageRequest | Ack | Leave, Field(discriminator="kind")]

# ------------------------------------------------------------------ kernel → page: answers


class Empty(Message):
    """The answer to a call that succeeded and has no result."""

    type: Literal["empty"] = "empty"


class Generated(Message):
    """The answer to `Generate`: the new batches, in the order of the requests, and their topic."""

    type: Literal["generated"] = "generated"
    topic: TopicState
    batches: list[BatchState]


class SnapshotResult(Message):
    """The answer to `Hello`."""

    type: Literal["snapshot"] = "snapshot"
    snapshot: Snapshot


class FeedResult(Message):
    """The answer to `Feed`."""

    type: Literal["feed"] = "feed"
    feed: FeedState


class GalleryResult(Message):
    """The answer to `ReadGallery`.

    Attributes:
        images: the ids of the generations whose images are shown, in their order.
        batches: the batches of these images, each once, with all of their generations.
        before: the cursor of the next page, or None on the last page.
    """

    type: Literal["gallery"] = "gallery"
    images: list[str]
    batches: list[BatchState]
    before: str | None


class BatchList(Message):
    """The answer to `NamedBatches`. Batches that are gone are not in the list."""

    type: Literal["batches"] = "batches"
    batches: list[BatchState]


class SweepResult(Message):
    """The answer to `ReadSweep`."""

    type: Literal["sweep"] = "sweep"
    sweep: SweepState


class TopicShown(Message):
    """The answer to `SelectTopic`.

    Attributes:
        feed: the first page of the topic's feed, or None for the "new topic" screen.
        draft: the draft of the topic, or of the "new topic" screen.
    """

    type: Literal["topic_shown"] = "topic_shown"
    feed: FeedState | None
    draft: DraftState


class QueueResult(Message):
    """The answer to `Queue`."""

    type: Literal["queue"] = "queue"
    batches: list[BatchState]


class PromptList(Message):
    """The answer to `Prompts`, newest prompt first."""

    type: Literal["prompts"] = "prompts"
    prompts: list[str]


class ModelNames(Message):
    """The answer to `ModelsUsed`.

    Attributes:
        names: the sorted names of the models (``"provider:id"``).
    """

    type: Literal["model_names"] = "model_names"
    names: list[str]


class LabelNames(Message):
    """The answer to `LabelsUsed`: the names of the scores, and the tags, both sorted."""

    type: Literal["label_names"] = "label_names"
    scores: list[str]
    tags: list[str]


class TopicList(Message):
    """The answer to `ReadTopics` and `NamedTopics`. Topics that are gone are not in the list.

    Attributes:
        before: the cursor of the next page, or None on the last page.
    """

    type: Literal["topics"] = "topics"
    topics: list[TopicState]
    before: str | None


class Improved(Message):
    """The answer to `Improve`: the new prompt."""

    type: Literal["improved"] = "improved"
    prompt: str


class RecipeState(Message):
    """The recipe of an image: all that is known of how it was made, and the file of its original.

    Attributes:
        requested: the parameters that were sent, by name.
        applied: the parameters that the provider says it used, by name.
        width, height: the size of the image in pixels, or None.
        bytes: the size of the original in bytes, or None.
        digest: the sha256 of the original, in hexadecimal digits, or None.
        path: the path of the original on the kernel's machine, or None.
        cost: the cost in USD of the task that made the image, as a decimal string, or None where it is
            unknown. One task can make several images.
        served_by: the model that answered, as the provider names it, or None where the answer does not tell.
        request_id: the provider's id of the request, or None.
        attempt: the number of the try that made the image, from 1.
        action: what the user wanted of the first reference, or None where the user did not say it.
        version: the version of imgplay-widget that wrote the recipe.
    """

    generation_id: str
    batch_id: str
    prompt: str
    provider: str
    model: str
    model_title: str
    seed: int | None
    requested: dict[str, str | bool | int | float | None]
    applied: dict[str, str | bool | int | float | None]
    differences: list[Difference]
    width: int | None
    height: int | None
    media_type: str | None
    bytes: int | None
    digest: str | None
    path: str | None
    created_at: int
    started_at: int | None
    finished_at: int | None
    served_by: str | None
    cost: str | None
    request_id: str | None
    attempt: int
    references: list[ReferenceState]
    mask: ReferenceState | None
    action: Action | None
    version: str


class RecipeResult(Message):
    """The answer to `ReadRecipe`."""

    type: Literal["recipe"] = "recipe"
    recipe: RecipeState


class ChangeState(Message):
    """A value that differs between two versions. None stands for a value that a version does not have.

    Attributes:
        name: the name of a parameter, or `model`, `size`, `seed`, `references` (the number of further input
            images) or `mask`.
    """

    name: str
    before: str | bool | int | float | None
    after: str | bool | int | float | None


class VersionState(Message):
    """A version of an image, and what changed against the version before.

    Attributes:
        batch_id: the id of the batch, or None where the version was deleted. Then nothing else is known.
        status: the state of the generation; `gone` where it was deleted.
        action: what the user wanted of the version before, or None.
        added, removed: the phrases that came into the prompt and went out of it. Where the prompt is
            `rewritten`, `added` has the whole prompt.
        changes: the other values that differ.
    """

    generation_id: str
    batch_id: str | None
    topic_id: str | None
    position: int
    status: Literal["pending", "processing", "success", "error", "cancelled", "gone"]
    prompt: str
    action: Action | None
    added: list[str]
    removed: list[str]
    rewritten: bool
    changes: list[ChangeState]


class ChainResult(Message):
    """The answer to `ReadChain`.

    Attributes:
        ancestors: the images from which the image was made, the first one first.
        earlier: whether there are more ancestors before those.
        siblings: the images that were made from the same image, or else those of the same batch. The image
            itself is among them.
        siblings_count: the number of all siblings.
        children: the newest images that were made from the image, the newest one last.
        children_count: the number of all children.
    """

    type: Literal["chain"] = "chain"
    generation_id: str
    ancestors: list[VersionState]
    earlier: bool
    siblings: list[VersionState]
    siblings_count: int
    children: list[VersionState]
    children_count: int


class BatchesMoved(Message):
    """The answer to `MoveBatches`: the id of the topic that has the batches now."""

    type: Literal["batches_moved"] = "batches_moved"
    topic_id: str


class CodeText(Message):
    """The answer to `Code`."""

    type: Literal["code"] = "code"
    text: str


class Packed(Message):
    """The answer to `Pack`: a ZIP that can be read.

    Attributes:
        size: the bytes of the ZIP.
        images: the number of images in the ZIP. Images that are gone are not in it.
    """

    type: Literal["packed"] = "packed"
    pack_id: str
    file_name: str
    size: int
    images: int


class Chunk(Message):
    """The answer to `PackChunk`: a piece of a ZIP.

    Attributes:
        offset: the first byte of the piece in the ZIP.
        buffer: the index of the piece among the message's buffers.
        last: whether the ZIP ends with this piece.
    """

    type: Literal["chunk"] = "chunk"
    offset: int
    buffer: int
    last: bool


class FoundState(Message):
    """What an image file says of how it was made.

    Attributes:
        tool: the program that made the image.
        here: whether this store has the image.
        prompt: the prompt, or None where the file holds only a workflow.
        model: the name of the model, where it is offered here; else the name that the file says, or an empty
            text.
        model_title: the name of the model for people.
        requested: the parameters that the model takes, by name.
        width, height: the size in pixels, or None.
        references, mask: the input images, which only this store knows.
        workflow: the workflow of ComfyUI in the file, or None.
    """

    tool: str
    here: bool
    prompt: str | None
    model: str
    model_title: str
    requested: dict[str, str | bool | int | float | None]
    width: int | None
    height: int | None
    references: list[ReferenceState]
    mask: ReferenceState | None
    workflow: str | None


class UploadTaken(Message):
    """The answer to `UploadPiece`.

    Attributes:
        received: the bytes of the file that came so far.
        reference: the reference, or None while the file is not whole, and for a file that is not stored.
        found: what the whole file says of how it was made, or None.
    """

    type: Literal["upload_taken"] = "upload_taken"
    received: int
    reference: ReferenceState | None
    found: FoundState | None = None


class ReferenceTaken(Message):
    """The answer to `TakeReference`."""

    type: Literal["reference_taken"] = "reference_taken"
    reference: ReferenceState


class ReferenceThumbnail(Message):
    """The thumbnail (WebP) of a reference. `buffer` is None where the image is gone."""

    digest: str
    buffer: int | None


class ReferenceThumbnailList(Message):
    """The answer to `ReferenceThumbnails`."""

    type: Literal["reference_thumbnails"] = "reference_thumbnails"
    items: list[ReferenceThumbnail]


class ReferenceImage(Message):
    """The answer to `ReferenceOriginal`."""

    type: Literal["reference_original"] = "reference_original"
    digest: str
    media_type: str
    buffer: int


class BlankState(Message):
    """A part of an address that the user fills in.

    Attributes:
        name: the word in the braces of the address.
        example: a value as it may look.
    """

    name: str
    title: str
    help: str
    example: str


class ServerPresetState(Message):
    """A known server that a user can add by name.

    Attributes:
        name: the name of the preset.
        address: the base address; a word in braces is a blank that the user fills in.
        help: a sentence or two for people, or empty.
        key: whether the server needs a key.
        key_variable: the environment variable that usually holds the key, or None.
        key_url: the address at which a user makes a key, or empty.
        free: whether an image costs nothing, because the server runs on the user's own hardware.
    """

    name: str
    title: str
    address: str
    help: str
    key: Literal["needed", "optional"]
    key_variable: str | None
    key_url: str
    free: bool
    blanks: list[BlankState]


class ServerPresetList(Message):
    """The answer to `ServerPresets`."""

    type: Literal["server_presets"] = "server_presets"
    presets: list[ServerPresetState]


class PresetState(Message):
    """A preset of the user.

    Attributes:
        model: the name of the model, or None where the preset only has words.
        params: the parameters that differ from the defaults of the model. None: the parameter is not sent.
        prefix: the words before the prompt, or empty.
        suffix: the words after the prompt, or empty.
        gone: whether there is no such model any more.
    """

    name: str
    model: str | None
    params: dict[str, str | bool | int | float | None]
    prefix: str
    suffix: str
    gone: bool


class PresetList(Message):
    """The answer to `ReadPresets`, sorted by name."""

    type: Literal["presets"] = "presets"
    presets: list[PresetState]


class ServerAdded(Message):
    """The answer to `AddServer`: the outcome of a test of the connection.

    Attributes:
        provider: the name of the new provider.
        message: the outcome as a sentence, with the next step.
    """

    type: Literal["server_added"] = "server_added"
    provider: str
    outcome: Literal["good", "reached", "unknown", "missing_key", "bad_key", "no_network", "other"]
    message: str


class ThumbnailItem(Message):
    """The thumbnail (WebP) of a generation.

    Attributes:
        buffer: the index of the thumbnail among the message's buffers, or None where there is none.
        reason: why a stored image cannot be shown: nothing here draws its kind, its pixels would take too
            much memory, the file is damaged, or the file is gone. None where there is a thumbnail, or no
            image.
    """

    generation_id: str
    buffer: int | None
    reason: Literal["kind", "large", "damaged", "gone"] | None


class ThumbnailList(Message):
    """The answer to `Thumbnails`."""

    type: Literal["thumbnails"] = "thumbnails"
    items: list[ThumbnailItem]


class CoverItem(Message):
    """The cover (WebP) of a topic. `buffer` is None where the topic has no cover."""

    topic_id: str
    buffer: int | None


class CoverList(Message):
    """The answer to `ReadCovers`."""

    type: Literal["covers"] = "covers"
    items: list[CoverItem]


class ProviderChecked(Message):
    """The answer to `CheckProvider`: the outcome of the test.

    Attributes:
        message: the outcome as a sentence, with the next step.
    """

    type: Literal["provider_checked"] = "provider_checked"
    provider: str
    outcome: Literal["good", "reached", "unknown", "missing_key", "bad_key", "no_network", "other"]
    message: str


class KeyTaken(Message):
    """The answer to `SetKey`: the store that has the key now, and the same as a sentence."""

    type: Literal["key_taken"] = "key_taken"
    provider: str
    kept_in: Literal["keyring", "memory", "nowhere"]
    message: str


class PartFile(Message):
    """The answer to `LoadPart`: the index of the script among the message's buffers."""

    type: Literal["part"] = "part"
    buffer: int


class OriginalImage(Message):
    """The answer to `Original`. `file_name` is a name that every operating system allows."""

    type: Literal["original"] = "original"
    generation_id: str
    media_type: str
    file_name: str
    buffer: int


class ViewImage(Message):
    """The answer to `View`: the original where browsers draw its kind, else a WebP of at most 4096 px.

    Attributes:
        file_name: the name of the original, or None where the picture is not the original.
    """

    type: Literal["view"] = "view"
    generation_id: str
    media_type: str
    file_name: str | None
    buffer: int


class ModelResult(Message):
    """The answer to `Model` and `AddWorkflow`."""

    type: Literal["model"] = "model"
    model: ModelState


Result = Annotated[
    Empty
    | Generated
    | SnapshotResult
    | FeedResult
    | GalleryResult
    | BatchList
    | SweepResult
    | TopicShown
    | QueueResult
    | PromptList
    | ModelNames
    | LabelNames
    | TopicList
    | Improved
    | ThumbnailList
    | CoverList
    | PartFile
    | OriginalImage
    | ViewImage
    | RecipeResult
    | ChainResult
    | BatchesMoved
    | CodeText
    | Packed
    | Chunk
    | UploadTaken
    | ReferenceTaken
    | ReferenceThumbnailList
    | ReferenceImage
    | ServerAdded
    | ServerPresetList
    | PresetList
    | ModelResult
    | ProviderChecked
    | KeyTaken,
    Field(discriminator="type"),
]


class ReplyMessage(Message):
    """The answer to the request whose id is `to`: either a result or an error."""

    kind: Literal["reply"] = "reply"
    to: str
    result: Result | None = None
    error: WishRefused | ErrorState | None = None


# ------------------------------------------------------------------ kernel → page: events


class BatchAdded(Message):
    """The event that a batch was stored, from a page or from code."""

    type: Literal["batch_added"] = "batch_added"
    batch: BatchState


class BatchChanged(Message):
    """The event that a batch was moved or restored, or that images of it were deleted or restored."""

    type: Literal["batch_changed"] = "batch_changed"
    batch: BatchState


class SweepChanged(Message):
    """The event that a sweep was stored, or that other batches stand in its cells now."""

    type: Literal["sweep_changed"] = "sweep_changed"
    sweep: SweepState


class GenerationChanged(Message):
    """The event that a generation changed. A finished one has its thumbnail while the page sends `Ack`."""

    type: Literal["generation_changed"] = "generation_changed"
    generation: GenerationState


class GenerationProgress(Message):
    """The event that a running generation made progress. Progress is not stored.

    Attributes:
        progress: the done part of the work, from 0.0 to 1.0, or None where it is unknown.
        queue_position: the number of jobs before this one at the provider, or None.
        retry_in: seconds to the next try of a call that the provider refused for its rate limit, or None.
        preview_buffer: the index of a preview among the message's buffers, or None.
    """

    type: Literal["generation_progress"] = "generation_progress"
    generation_id: str
    batch_id: str
    progress: float | None
    queue_position: int | None
    retry_in: float | None
    preview_buffer: int | None


class GenerationRemoved(Message):
    """The event that a generation was deleted. A batch is deleted with its last generation."""

    type: Literal["generation_removed"] = "generation_removed"
    generation_id: str
    batch_id: str


class BatchRemoved(Message):
    """The event that a batch was deleted."""

    type: Literal["batch_removed"] = "batch_removed"
    batch_id: str
    topic_id: str


class TopicChanged(Message):
    """The event that a topic was made or that one of its fields changed."""

    type: Literal["topic_changed"] = "topic_changed"
    topic: TopicState


class TopicRemoved(Message):
    """The event that a topic was deleted."""

    type: Literal["topic_removed"] = "topic_removed"
    topic_id: str


class TopicSelected(Message):
    """The event that code or another page chose the topic that is shown."""

    type: Literal["topic_selected"] = "topic_selected"
    topic_id: str | None


class DraftChanged(Message):
    """The event that code or another page changed a draft. `topic_id` is None for the "new topic" screen."""

    type: Literal["draft_changed"] = "draft_changed"
    topic_id: str | None
    draft: DraftState


class ConfigChanged(Message):
    """The event that code or another page changed the config panel."""

    type: Literal["config_changed"] = "config_changed"
    config: Config


class SelectionChanged(Message):
    """The event that code selected these images on the page, and no others."""

    type: Literal["selection_changed"] = "selection_changed"
    generation_ids: list[str]


class StoreChanged(Message):
    """The event that another kernel wrote to the store. The page answers with `Hello`."""

    type: Literal["store_changed"] = "store_changed"


class ModelsChanged(Message):
    """The event that offered models, servers or keys changed. The page answers with `Hello`."""

    type: Literal["models_changed"] = "models_changed"


class PresetsChanged(Message):
    """The event that a preset was saved, renamed or deleted. A page that shows them asks for them again."""

    type: Literal["presets_changed"] = "presets_changed"


class SpendingChanged(Message):
    """The event that today's total or the budget changed."""

    type: Literal["spending_changed"] = "spending_changed"
    spending: SpendingState


class NoticeShown(Message):
    """A message for the user that does not belong to a generation."""

    type: Literal["notice_shown"] = "notice_shown"
    level: Literal["info", "warning", "error"]
    message: str


Event = Annotated[
    BatchAdded
    | BatchChanged
    | SweepChanged
    | GenerationChanged
    | GenerationProgress
    | GenerationRemoved
    | BatchRemoved
    | TopicChanged
    | TopicRemoved
    | TopicSelected
    | DraftChanged
    | ConfigChanged
    | SelectionChanged
    | StoreChanged
    | ModelsChanged
    | PresetsChanged
    | SpendingChanged
    | NoticeShown,
    Field(discriminator="type"),
]


class Events(Message):
    """The events since the last message, in order. The kernel sends at most 20 such messages a second."""

    kind: Literal["events"] = "events"
    seq: int
    events: list[Event]


KernelMessage = Annotated[ReplyMessage | Events, Field(discriminator="kind")]

_page_message: TypeAdapter[PageRequest | Ack | Leave] = TypeAdapter(PageMessage)


def parse(content: object) -> PageRequest | Ack | Leave:
    """Return a message of the page after a check of its fields.

    Raises:
        InvalidRequest: the content is not such a message. The error names the wrong field.
    """
    try:
        # What a user types is cleaned: half an emoji of a keystroke must not cost the prompt.
        cleaned = clean_json(content)
    except ValueError as error:
        raise InvalidRequest(f"The page sent a message that cannot be read. {error}") from None
    try:
        return _page_message.validate_python(cleaned)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "message"
        raise InvalidRequest(
            f"The page sent a message that this version does not understand ({where}: {first['msg']}).",
            next_step="Load the page again. In a notebook, run the cell again too.",
        ) from None

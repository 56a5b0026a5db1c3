"""Every message between Python and the page.

``js/src/protocol.gen.ts`` is generated from this file (``make protocol``), so that the two sides cannot
part. On the wire, names are camelCase. Times are milliseconds since the epoch (UTC), durations seconds,
sizes pixels, progress 0.0 to 1.0. Bytes travel as the binary buffers of the message; a field that ends in
``_buffer`` is an index into them.

The page sends a `PageMessage`: a request, which is answered exactly once by a `Reply`, or an `Ack`. The
kernel sends `Reply` and `Events`. Events carry a sequence number; a page that finds a gap, or that was
loaded again, asks with ``hello`` and gets a `Snapshot`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from imgplay_widget.errors import InvalidRequest

__all__ = ["PROTOCOL", "PageMessage", "parse"]

PROTOCOL = 1
"""The version of the protocol. A saved notebook may hold an older page than the kernel's package."""


class Message(BaseModel):
    """What all messages share: camelCase on the wire, no unknown fields."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        json_schema_serialization_defaults_required=True,
    )

    def wire(self) -> dict[str, Any]:
        """Gives the message as a dict of JSON types."""
        return self.model_dump(mode="json", by_alias=True)


# ------------------------------------------------------------------ what is shown


class ErrorState(Message):
    """An error as it is shown: what happened, whose fault it is, and the next step."""

    code: str
    message: str
    next_step: str
    fault: Literal["you", "provider", "network", "here"]
    provider: str | None
    retryable: bool
    retry_after: float | None
    request_id: str | None


class ParameterState(Message):
    """One parameter of a model; the form is made from it."""

    name: str
    type: Literal["integer", "number", "string", "boolean"]
    kind: str
    title: str
    help: str
    minimum: float | None
    maximum: float | None
    step: float | None
    choices: list[str | int | float]
    default: str | bool | int | float | None
    max_length: int | None
    advanced: bool


class SizeRuleState(Message):
    """What width and height must satisfy together."""

    min_pixels: int | None
    max_pixels: int | None
    max_ratio: float | None


class PriceState(Message):
    """What a model is known to cost: USD as a decimal string for one unit; `note` says since when."""

    amount: str
    unit: Literal["image", "megapixel"]
    note: str


class ModelState(Message):
    """A model that can be chosen. `name` is ``"provider:id"``."""

    name: str
    provider: str
    id: str
    title: str
    description: str
    notice: str
    parameters: list[ParameterState]
    max_prompt: int | None
    native_n: int
    seed: Literal["none", "best_effort", "exact"]
    size_rule: SizeRuleState | None
    max_references: int
    mask: bool
    previews: bool
    progress: bool
    cancel: Literal["none", "queued", "full"]
    price: PriceState | None
    retired_on: str | None
    successor: str | None


class ProviderState(Message):
    """A provider. `key` says whether a key is needed and there; the key itself never travels to the page.

    Attributes:
        key_help: the next step where the key is missing, else empty.
        key_variable: the environment variable that holds the key, or None where none is needed.
        key_url: the page where a key is made, or empty.
        key_source: where the key comes from ("environment variable FAL_KEY"), or empty.
        discovered_at: when it said itself which models it has, or None.
    """

    name: str
    title: str
    key: Literal["not_needed", "set", "missing"]
    key_help: str
    key_variable: str | None
    key_url: str
    key_source: str
    discovered_at: int | None


class Difference(Message):
    """Something that the provider changed."""

    parameter: str
    requested: str | bool | int | float | None
    applied: str | bool | int | float | None


class GenerationState(Message):
    """A tile.

    Attributes:
        width, height: of the image once it is there, before that what was asked for (None: unknown).
        started_at: when its task was first sent.
        thumbnail_buffer: index of its thumbnail among the message's buffers, or None where it is not in
            this message.
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
    cancellable: bool
    started_at: int | None
    finished_at: int | None
    thumbnail_buffer: int | None


class BatchState(Message):
    """One request in the feed. `width` and `height` are what was asked for, or None where the model chose."""

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
    generations: list[GenerationState]


class TopicState(Message):
    """A topic in the list. `cover_version` changes when the cover does; None where there is none."""

    id: str
    title: str
    cover_version: str | None
    cover_buffer: int | None
    created_at: int
    updated_at: int


class Panels(Message):
    """The widths of the side panels in pixels, and whether they are open."""

    left: Annotated[float, Field(ge=160, le=640)] = 280
    right: Annotated[float, Field(ge=120, le=640)] = 220
    left_open: bool = True
    right_open: bool = True


class Config(Message):
    """What the config panel holds; kept in the store across kernels.

    Attributes:
        model: ``"provider:id"``.
        count: how many images a click makes.
        params: for each model that was used, its parameters; a missing one stands on its default, and
            ``None`` means "not sent" (a random seed).
        ratio_locked: whether width and height move together.
    """

    model: str
    count: Annotated[int, Field(ge=1, le=64)] = 1
    params: dict[str, dict[str, str | bool | int | float | None]] = Field(default_factory=dict)
    ratio_locked: bool = False
    panels: Panels = Field(default_factory=Panels)


class FeedState(Message):
    """A page of a topic's feed, newest batch first. `before` is the cursor of the next page, or None."""

    topic_id: str
    batches: list[BatchState]
    before: str | None


class Snapshot(Message):
    """All that the page needs to show itself. `seq` is that of the last event it includes.

    `models` are those that the providers list, and the configured one where its id is free text.
    """

    protocol: int
    seq: int
    models: list[ModelState]
    providers: list[ProviderState]
    config: Config
    max_count: int
    topics: list[TopicState]
    active_topic_id: str | None
    feed: FeedState | None


# ------------------------------------------------------------------ page → kernel


class Hello(Message):
    """A view was shown, or events were missed. Answer: `Snapshot`."""

    method: Literal["hello"] = "hello"
    protocol: int = PROTOCOL


class Generate(Message):
    """Generate was clicked. Answer: `Generated`. Without a topic, one is made and becomes the active one."""

    method: Literal["generate"] = "generate"
    model: str
    prompt: str
    n: int
    params: dict[str, str | bool | int | float | None]
    topic_id: str | None


class Cancel(Message):
    """Stop the tasks of a batch, or that of one generation. Answer: `Empty`."""

    method: Literal["cancel"] = "cancel"
    batch_id: str
    generation_id: str | None = None


class Retry(Message):
    """Run one failed generation again, or all failed ones of a batch. Answer: `Empty`."""

    method: Literal["retry"] = "retry"
    batch_id: str
    generation_id: str | None = None


class Delete(Message):
    """Delete a topic, a batch or a generation (with it, what it holds). Answer: `Empty`."""

    method: Literal["delete"] = "delete"
    what: Literal["topic", "batch", "generation"]
    id: str


class RenameTopic(Message):
    """Give a topic a title of the user's. Answer: `Empty`."""

    method: Literal["rename_topic"] = "rename_topic"
    topic_id: str
    title: str


class SelectTopic(Message):
    """Show a topic, or the "new topic" screen. Answer: `FeedState`, or `Empty` for the screen."""

    method: Literal["select_topic"] = "select_topic"
    topic_id: str | None


class Feed(Message):
    """The next page of a topic. Answer: `FeedState`."""

    method: Literal["feed"] = "feed"
    topic_id: str
    before: str | None = None
    limit: Annotated[int, Field(ge=1, le=50)] = 12


class Thumbnails(Message):
    """Thumbnails of what is on screen. Answer: `ThumbnailList`."""

    method: Literal["thumbnails"] = "thumbnails"
    generation_ids: Annotated[list[str], Field(max_length=64)]


class Covers(Message):
    """Covers of the topics on screen. Answer: `CoverList`."""

    method: Literal["covers"] = "covers"
    topic_ids: Annotated[list[str], Field(max_length=64)]


class Original(Message):
    """The original bytes of one image. Answer: `OriginalImage`."""

    method: Literal["original"] = "original"
    generation_id: str


class Model(Message):
    """Tell of a model that the page does not know: a free-text ``"provider:id"``. Answer: `ModelResult`."""

    method: Literal["model"] = "model"
    name: str


class CheckProvider(Message):
    """Test the connection to a provider, for free. Answer: `ProviderChecked`."""

    method: Literal["check_provider"] = "check_provider"
    provider: str


class SetKey(Message):
    """Take a key for a provider, or forget it (empty). Answer: `KeyTaken`. The key is never sent back.

    Attributes:
        remember: True puts it into the system's keyring, where there is one.
    """

    method: Literal["set_key"] = "set_key"
    provider: str
    key: Annotated[SecretStr, Field(max_length=4096)]
    remember: bool


class Configure(Message):
    """The config panel or the panels changed. Answer: `Empty`."""

    method: Literal["configure"] = "configure"
    config: Config


Call = Annotated[
    Hello
    | Generate
    | Cancel
    | Retry
    | Delete
    | RenameTopic
    | SelectTopic
    | Feed
    | Thumbnails
    | Covers
    | Original
    | Model
    | CheckProvider
    | SetKey
    | Configure,
    Field(discriminator="method"),
]


class PageRequest(Message):
    """A request of the page; answered exactly once by a `Reply` with the same id."""

    kind: Literal["request"] = "request"
    id: str
    call: Call


class Ack(Message):
    """The page has shown all events up to `seq`. While acks come, thumbnails are pushed with their events."""

    kind: Literal["ack"] = "ack"
    seq: int


PageMessage = Annotated[PageRequest | Ack, Field(discriminator="kind")]

# ------------------------------------------------------------------ kernel → page: answers


class Empty(Message):
    """Done; nothing to say."""

    type: Literal["empty"] = "empty"


class Generated(Message):
    """The new batch and its topic."""

    type: Literal["generated"] = "generated"
    topic: TopicState
    batch: BatchState


class SnapshotResult(Message):
    """Answer to `Hello`."""

    type: Literal["snapshot"] = "snapshot"
    snapshot: Snapshot


class FeedResult(Message):
    """Answer to `Feed` and `SelectTopic`."""

    type: Literal["feed"] = "feed"
    feed: FeedState


class ThumbnailItem(Message):
    """A thumbnail (WebP). `buffer` is None where the image is gone."""

    generation_id: str
    buffer: int | None


class ThumbnailList(Message):
    """Answer to `Thumbnails`."""

    type: Literal["thumbnails"] = "thumbnails"
    items: list[ThumbnailItem]


class CoverItem(Message):
    """A cover (WebP). `buffer` is None where there is none."""

    topic_id: str
    buffer: int | None


class CoverList(Message):
    """Answer to `Covers`."""

    type: Literal["covers"] = "covers"
    items: list[CoverItem]


class ProviderChecked(Message):
    """Answer to `CheckProvider`: what came of it, and the same in a sentence with the next step."""

    type: Literal["provider_checked"] = "provider_checked"
    provider: str
    outcome: Literal["good", "reached", "unknown", "missing_key", "bad_key", "no_network", "other"]
    message: str


class KeyTaken(Message):
    """Answer to `SetKey`: where the key is now, and the same in a sentence."""

    type: Literal["key_taken"] = "key_taken"
    provider: str
    place: Literal["keyring", "memory", "nowhere"]
    message: str


class OriginalImage(Message):
    """Answer to `Original`. `file_name` is safe on every system."""

    type: Literal["original"] = "original"
    generation_id: str
    media_type: str
    file_name: str
    buffer: int


class ModelResult(Message):
    """Answer to `Model`."""

    type: Literal["model"] = "model"
    model: ModelState


Result = Annotated[
    Empty
    | Generated
    | SnapshotResult
    | FeedResult
    | ThumbnailList
    | CoverList
    | OriginalImage
    | ModelResult
    | ProviderChecked
    | KeyTaken,
    Field(discriminator="type"),
]


class Reply(Message):
    """The answer to a request: a result or an error, never both."""

    kind: Literal["reply"] = "reply"
    to: str
    result: Result | None = None
    error: ErrorState | None = None


# ------------------------------------------------------------------ kernel → page: events


class BatchAdded(Message):
    """A batch was stored, from the page or from code."""

    type: Literal["batch_added"] = "batch_added"
    batch: BatchState


class GenerationChanged(Message):
    """A tile changed its status; a finished one brings its thumbnail while the page acknowledges."""

    type: Literal["generation_changed"] = "generation_changed"
    generation: GenerationState


class GenerationProgress(Message):
    """A running tile moved. Not stored."""

    type: Literal["generation_progress"] = "generation_progress"
    generation_id: str
    batch_id: str
    progress: float | None
    queue_position: int | None
    preview_buffer: int | None


class GenerationRemoved(Message):
    """A generation was deleted. The batch goes with its last one."""

    type: Literal["generation_removed"] = "generation_removed"
    generation_id: str
    batch_id: str


class BatchRemoved(Message):
    """A batch was deleted."""

    type: Literal["batch_removed"] = "batch_removed"
    batch_id: str
    topic_id: str


class TopicChanged(Message):
    """A topic was made, or its title, cover or last use changed."""

    type: Literal["topic_changed"] = "topic_changed"
    topic: TopicState


class TopicRemoved(Message):
    """A topic was deleted."""

    type: Literal["topic_removed"] = "topic_removed"
    topic_id: str


class TopicSelected(Message):
    """Another topic is shown, chosen from code or by another view."""

    type: Literal["topic_selected"] = "topic_selected"
    topic_id: str | None


class ConfigChanged(Message):
    """The configuration was changed from code or by another view."""

    type: Literal["config_changed"] = "config_changed"
    config: Config


class StoreChanged(Message):
    """Another kernel wrote to the store; the page asks again."""

    type: Literal["store_changed"] = "store_changed"


class ModelsChanged(Message):
    """A provider said what it offers now, or a key came or went; the page asks again."""

    type: Literal["models_changed"] = "models_changed"


class NoticeShown(Message):
    """Something that the user should know and that belongs to no tile."""

    type: Literal["notice_shown"] = "notice_shown"
    level: Literal["info", "warning", "error"]
    message: str


Event = Annotated[
    BatchAdded
    | GenerationChanged
    | GenerationProgress
    | GenerationRemoved
    | BatchRemoved
    | TopicChanged
    | TopicRemoved
    | TopicSelected
    | ConfigChanged
    | StoreChanged
    | ModelsChanged
    | NoticeShown,
    Field(discriminator="type"),
]


class Events(Message):
    """What happened, in order; at most 20 such messages a second."""

    kind: Literal["events"] = "events"
    seq: int
    events: list[Event]


KernelMessage = Annotated[Reply | Events, Field(discriminator="kind")]

_page_message: TypeAdapter[PageRequest | Ack] = TypeAdapter(PageMessage)


def parse(content: object) -> PageRequest | Ack:
    """Reads a message of the page.

    Raises:
        InvalidRequest: it is not one; the message names the field.
    """
    try:
        return _page_message.validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "message"
        raise InvalidRequest(
            f"The page sent a message that this version does not understand ({where}: {first['msg']}).",
            next_step="Reload the page; if it comes back, run the cell again.",
        ) from None

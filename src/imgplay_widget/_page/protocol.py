"""Every message between Python and the page.

``js/src/protocol.gen.ts`` is generated from this file (``make protocol``), so that the two sides cannot
part. On the wire, names are camelCase. Times are milliseconds since the epoch (UTC), durations seconds,
sizes pixels, progress 0.0 to 1.0. Bytes travel as the binary buffers of the message; a field that ends in
``_buffer`` is an index into them.

The page sends a `PageMessage`: a request, which is answered exactly once by a `ReplyMessage`, or an `Ack`.
The kernel sends `ReplyMessage` and `Events`. Events carry a sequence number; a page that finds a gap, or that
was loaded again, asks with ``hello`` and gets a `Snapshot`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from imgplay_widget._types import ParameterKind  # noqa: TC001 - pydantic reads it at run time
from imgplay_widget.errors import InvalidRequest

__all__ = ["PROTOCOL", "PageMessage", "parse"]

MAX_SELECTED = 2000
"""The most things that one call names."""

MAX_ALSO = 3
"""The most models that one click asks beside the chosen one."""

PROTOCOL = 3
"""The version of the protocol. A saved notebook may hold an older page than the kernel's package."""

MAX_WISHES = 16
"""The most requests of one click. The page knows the number too (`lib/several.ts`)."""


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


class WishRefused(ErrorState):
    """Why the requests of a click were refused, and the place of the one among them that was."""

    wish: int


class ParameterState(Message):
    """One parameter of a model; the form is made from it."""

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
    """How many input images a model takes, the most bytes of each, and the kinds."""

    max_count: int
    max_bytes: int
    media_types: list[str]


class ReferenceState(Message):
    """An input image that the store holds. `digest` is the sha256 of its bytes."""

    digest: str
    media_type: str
    width: int
    height: int


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
    references: ReferenceRuleState | None
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
        server: the address of a server that the user added and can remove, or None.
        writes: whether it has a text model that can rewrite prompts.
        writer: the text model (``"provider:id"``) that would rewrite a prompt for its models now, its own or
            another provider's, or None where no key opens one.
    """

    name: str
    title: str
    key: Literal["not_needed", "set", "missing"]
    key_help: str
    key_variable: str | None
    key_url: str
    key_source: str
    discovered_at: int | None
    server: str | None
    writes: bool
    writer: str | None


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
    starred: bool
    started_at: int | None
    finished_at: int | None
    thumbnail_buffer: int | None


class BatchState(Message):
    """One request in the feed. `width` and `height` are what was asked for, or None where the model chose.

    Attributes:
        cost: USD as a decimal string; None where nobody knows.
        cost_estimated: some of it goes by the model's price, because the provider does not tell.
        click_id: what the batches share that one click asked for; None where it asked for one.
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
    generations: list[GenerationState]


class TopicState(Message):
    """A topic in the list.

    Attributes:
        images: how many finished images it holds.
        running: how many of its generations are not at their end.
        cover_version: changes when the cover does; None where there is none.
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
    """The widths of the side panels in pixels, and which parts are open: both panels, the advanced fold."""

    left: Annotated[float, Field(ge=160, le=640)] = 280
    right: Annotated[float, Field(ge=120, le=640)] = 220
    left_open: bool = True
    right_open: bool = True
    advanced_open: bool = False


class MeantSize(Message):
    """What was asked of a size. Steps and limits move the size itself, and would move it on with each change.

    Attributes:
        width, height: the size that it became, in pixels. For another size it says nothing.
        ratio: width divided by height, as asked for.
        area: in pixels, as asked for.
    """

    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    ratio: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    area: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Config(Message):
    """What the config panel holds; kept in the store across kernels.

    Attributes:
        model: ``"provider:id"``.
        also_models: the names of those that a click asks beside it; one may be gone.
        count: how many images a click makes with each.
        params: for each model that was used, its parameters; a missing one stands on its default, and
            ``None`` means "not sent" (a random seed).
        ratio_locked: whether width and height move together.
        meant_sizes: for each model whose ratio was chosen or locked, what was asked for.
        starred_models: the names of the models that the user starred.
        recent_models: the names of those used last, the newest first.
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


class FeedState(Message):
    """A page of a topic's feed, newest batch first.

    Attributes:
        topic_id: the topic, or None for a feed of all topics.
        before: the cursor of the next page, or None.
    """

    topic_id: str | None
    batches: list[BatchState]
    before: str | None


class DraftState(Message):
    """What stands in the prompt box of a topic, or of the "new topic" screen, and was not sent."""

    prompt: str = ""
    references: list[ReferenceState] = Field(default_factory=list[ReferenceState])
    mask: ReferenceState | None = None


class SpendingState(Message):
    """Where today's total stands, by the kernel's clock. Amounts are USD as decimal strings.

    Attributes:
        today: what was spent.
        unknown: images whose cost nobody knows; they are not in `today`.
        running: what the calls under way are expected to cost.
        budget: a day, or None for none.
    """

    today: str = "0"
    unknown: int = 0
    running: str = "0"
    budget: str | None = None


class Snapshot(Message):
    """All that the page needs to show itself.

    Attributes:
        seq: that of the last event it includes.
        models: those that the page needs at once: the configured ones.
        catalog: a digest of all models that are offered.
        catalog_buffer: index of these among the message's buffers: a JSON list of `ModelState`, compressed
            (zlib); None where the page said in its `Hello` that it has them.
        topics: the first of the list, and the active one wherever it stands.
        topics_before: the cursor of the next page of the list (`ReadTopics`), or None where all are here.
        draft: that of the active topic.
        thumbnails: small WebP pictures in base64 by generation id, in the synced state alone: a saved
            notebook shows them without a kernel.
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
    thumbnails: dict[str, str]


# ------------------------------------------------------------------ page → kernel


class Hello(Message):
    """A view was shown, or events were missed. Answer: `Snapshot`.

    Attributes:
        catalog: `Snapshot.catalog` of the models that the page has, or None.
    """

    method: Literal["hello"] = "hello"
    protocol: int = PROTOCOL
    catalog: str | None = None


class Wish(Message):
    """One of the requests of a click.

    References and mask are named by the digest that an `UploadPiece` or a `TakeReference` gave.
    """

    model: str
    prompt: str
    params: dict[str, str | bool | int | float | None]
    references: list[str] = Field(default_factory=list)
    mask: str | None = None


class Generate(Message):
    """Generate was clicked. Answer: `Generated`. Without a topic, one is made and becomes the active one.

    All of the requests are stored and sent, or none of them. The error is a `WishRefused` where it is of one.

    Attributes:
        n: how many images of each.
    """

    method: Literal["generate"] = "generate"
    wishes: list[Wish] = Field(min_length=1, max_length=MAX_WISHES)
    n: int
    topic_id: str | None


class CancelBatches(Message):
    """Stop the tasks of batches, all at once, or that of one generation of a batch. Answer: `Empty`."""

    method: Literal["cancel"] = "cancel"
    batch_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]
    generation_id: str | None = None


class Retry(Message):
    """Run one failed generation again, or all failed ones of a batch. Answer: `Empty`."""

    method: Literal["retry"] = "retry"
    batch_id: str
    generation_id: str | None = None


What = Literal["topic", "batch", "generation"]


class Delete(Message):
    """Delete topics, batches or generations, with what they hold. Answer: `Empty`.

    Nothing is gone before the time to undo is over; until then `Restore` brings all of it back.
    """

    method: Literal["delete"] = "delete"
    what: What
    ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]


class Restore(Message):
    """Undo a `Delete`. Answer: `Empty`."""

    method: Literal["restore"] = "restore"
    what: What
    ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]


class Star(Message):
    """Star images, or take the star away. Answer: `Empty`."""

    method: Literal["star"] = "star"
    generation_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]
    starred: bool


class MoveBatches(Message):
    """Put batches into another topic, or into a new one (None). Answer: `BatchesMoved`."""

    method: Literal["move_batches"] = "move_batches"
    batch_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]
    topic_id: str | None


class PinTopic(Message):
    """Keep a topic at the top of the list, or let it go. Answer: `Empty`."""

    method: Literal["pin_topic"] = "pin_topic"
    topic_id: str
    pinned: bool


class ChooseCover(Message):
    """Make an image the cover of its topic. Answer: `Empty`."""

    method: Literal["choose_cover"] = "choose_cover"
    topic_id: str
    generation_id: str


class RenameTopic(Message):
    """Give a topic a title of the user's. Answer: `Empty`."""

    method: Literal["rename_topic"] = "rename_topic"
    topic_id: str
    title: str


class SelectTopic(Message):
    """Show a topic, or the "new topic" screen (None). Answer: `TopicShown`."""

    method: Literal["select_topic"] = "select_topic"
    topic_id: str | None


class Feed(Message):
    """A page of a topic, or of all of them (None), newest batch first. Answer: `FeedResult`.

    Attributes:
        before: the cursor of the page before, or None for the newest.
        search: words that the prompt must hold, in any order, whatever their case.
        model: the name of the model, or None for any.
        status: batches with a generation of this status, or None for any.
        starred: True for batches with a starred image alone.
    """

    method: Literal["feed"] = "feed"
    topic_id: str | None
    before: str | None = None
    limit: Annotated[int, Field(ge=1, le=50)] = 12
    search: Annotated[str, Field(max_length=500)] = ""
    model: str | None = None
    status: Literal["pending", "processing", "success", "error", "cancelled"] | None = None
    starred: bool = False


class Queue(Message):
    """The batches that run or wait, in all topics, the oldest first. Answer: `QueueResult`."""

    method: Literal["queue"] = "queue"


class Prompts(Message):
    """The prompts of the newest batches, each once. Answer: `PromptList`."""

    method: Literal["prompts"] = "prompts"
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ModelsUsed(Message):
    """The models of a topic's batches, or of all of them (None). Answer: `ModelNames`."""

    method: Literal["models_used"] = "models_used"
    topic_id: str | None


class ReadTopics(Message):
    """A page of the list of topics: pinned ones first, then the last used one. Answer: `TopicList`.

    Attributes:
        search: words that the title must hold, in any order, whatever their case.
        before: the cursor of the page before, or None for the first.
    """

    method: Literal["topics"] = "topics"
    search: Annotated[str, Field(max_length=500)] = ""
    before: Annotated[str, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 100


class NamedTopics(Message):
    """Topics that the page has met and does not know, or wants to know again. Answer: `TopicList`."""

    method: Literal["named_topics"] = "named_topics"
    topic_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]


class SaveDraft(Message):
    """What stands in the prompt box changed. Answer: `Empty`."""

    method: Literal["save_draft"] = "save_draft"
    topic_id: str | None
    prompt: Annotated[str, Field(max_length=100_000)]
    references: list[str]
    mask: str | None


class Improve(Message):
    """Have a text model rewrite a prompt, which is billed and never repeated by itself. Answer: `Improved`.

    Attributes:
        mode: with more to be seen, or the same in English.
        model: the image model that it is for.
    """

    method: Literal["improve"] = "improve"
    prompt: Annotated[str, Field(max_length=100_000)]
    mode: Literal["expand", "translate"]
    model: str


class Thumbnails(Message):
    """Thumbnails of what is on screen. Answer: `ThumbnailList`."""

    method: Literal["thumbnails"] = "thumbnails"
    generation_ids: Annotated[list[str], Field(max_length=64)]


class ReadCovers(Message):
    """Covers of the topics on screen. Answer: `CoverList`."""

    method: Literal["covers"] = "covers"
    topic_ids: Annotated[list[str], Field(max_length=64)]


class Original(Message):
    """The original bytes of one image. Answer: `OriginalImage`."""

    method: Literal["original"] = "original"
    generation_id: str


class LoadPart(Message):
    """A part of the page that loads when it is needed. Answer: `PartFile`.

    Attributes:
        name: the name of the part.
        build: the name of the build that the page is of: the parts of other builds do not fit.
    """

    method: Literal["part"] = "part"
    name: Annotated[str, Field(pattern="^[a-z]{1,32}$")]
    build: Annotated[str, Field(pattern="^[0-9a-f]{12}$")]


class ReadRecipe(Message):
    """How an image was made, in full. Answer: `RecipeResult`."""

    method: Literal["recipe"] = "recipe"
    generation_id: str


class RecipeOf(Message):
    """How the image with these bytes was made, where it was made here. Answer: `RecipeResult` or `Empty`.

    Attributes:
        digest: sha256 of the file, in hexadecimal digits.
    """

    method: Literal["recipe_of"] = "recipe_of"
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Code(Message):
    """A batch as Python code. Answer: `CodeText`."""

    method: Literal["code"] = "code"
    batch_id: str


class Pack(Message):
    """Put images into a ZIP, with a recipe of each. Answer: `Packed`; then it is read with `PackChunk`."""

    method: Literal["pack"] = "pack"
    generation_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_SELECTED)]


class PackChunk(Message):
    """The next piece of a ZIP, at most 1 MB. Answer: `Chunk`. After the last one the ZIP is gone."""

    method: Literal["pack_chunk"] = "pack_chunk"
    pack_id: str
    offset: Annotated[int, Field(ge=0)]


class DropPack(Message):
    """Nobody wants a ZIP any more. Answer: `Empty`."""

    method: Literal["drop_pack"] = "drop_pack"
    pack_id: str


class UploadPiece(Message):
    """A piece of a file, at most 1 MB, as the first buffer of the message. Answer: `UploadTaken`.

    Pieces come in order, the next one after the answer to the last. The file is kept when all of it came.

    Attributes:
        upload_id: made by the page, the same for all pieces.
        offset: where the piece belongs, in bytes.
        total: bytes of the file.
        purpose: what it is for: a mask must be a PNG.
    """

    method: Literal["upload"] = "upload"
    upload_id: Annotated[str, Field(max_length=64)]
    offset: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=1)]
    purpose: Literal["reference", "mask"] = "reference"


class TakeReference(Message):
    """Make a reference of a result, or of a link, which the kernel fetches. Answer: `ReferenceTaken`."""

    method: Literal["take_reference"] = "take_reference"
    source: Literal["generation", "link"]
    value: Annotated[str, Field(max_length=4096)]


class ReferenceThumbnails(Message):
    """Thumbnails of references that are on screen. Answer: `ReferenceThumbnailList`."""

    method: Literal["reference_thumbnails"] = "reference_thumbnails"
    digests: Annotated[list[str], Field(max_length=64)]


class ReferenceOriginal(Message):
    """The bytes of a reference. Answer: `ReferenceImage`."""

    method: Literal["reference_original"] = "reference_original"
    digest: str


class AddServer(Message):
    """Add a server that speaks OpenAI's protocol under a name. Answer: `ServerAdded`.

    Attributes:
        url: its base address (``http://localhost:8080/v1``).
        key: its key, or empty where it needs none. It is never sent back.
        remember: True puts the key into the system's keyring, where there is one.
    """

    method: Literal["add_server"] = "add_server"
    name: Annotated[str, Field(max_length=64)]
    url: Annotated[str, Field(max_length=2048)]
    key: Annotated[SecretStr, Field(max_length=4096)]
    remember: bool


class RemoveServer(Message):
    """Forget a server that the user added, and its key. Answer: `Empty`. The history stays."""

    method: Literal["remove_server"] = "remove_server"
    name: str


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
    | CancelBatches
    | Retry
    | Delete
    | Restore
    | Star
    | MoveBatches
    | RenameTopic
    | PinTopic
    | ChooseCover
    | SelectTopic
    | Feed
    | Queue
    | Prompts
    | ModelsUsed
    | ReadTopics
    | NamedTopics
    | SaveDraft
    | Improve
    | Thumbnails
    | ReadCovers
    | Original
    | LoadPart
    | ReadRecipe
    | RecipeOf
    | Code
    | Pack
    | PackChunk
    | DropPack
    | UploadPiece
    | TakeReference
    | ReferenceThumbnails
    | ReferenceOriginal
    | AddServer
    | RemoveServer
    | Model
    | CheckProvider
    | SetKey
    | Configure,
    Field(discriminator="method"),
]


class PageRequest(Message):
    """A request of the page; answered exactly once by a `ReplyMessage` with the same id."""

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
    """The new batches, one for each request of the click in its order, and their topic."""

    type: Literal["generated"] = "generated"
    topic: TopicState
    batches: list[BatchState]


class SnapshotResult(Message):
    """Answer to `Hello`."""

    type: Literal["snapshot"] = "snapshot"
    snapshot: Snapshot


class FeedResult(Message):
    """Answer to `Feed`."""

    type: Literal["feed"] = "feed"
    feed: FeedState


class TopicShown(Message):
    """Answer to `SelectTopic`: the newest page of its feed (None: the "new topic" screen) and its draft."""

    type: Literal["topic_shown"] = "topic_shown"
    feed: FeedState | None
    draft: DraftState


class QueueResult(Message):
    """Answer to `Queue`."""

    type: Literal["queue"] = "queue"
    batches: list[BatchState]


class PromptList(Message):
    """Answer to `Prompts`, the newest first."""

    type: Literal["prompts"] = "prompts"
    prompts: list[str]


class ModelNames(Message):
    """Answer to `ModelsUsed`, by name.

    Attributes:
        names: as ``"provider:model"``.
    """

    type: Literal["model_names"] = "model_names"
    names: list[str]


class TopicList(Message):
    """Answer to `ReadTopics` and `NamedTopics`; what is gone is not in it.

    Attributes:
        before: the cursor of the next page, or None.
    """

    type: Literal["topics"] = "topics"
    topics: list[TopicState]
    before: str | None


class Improved(Message):
    """Answer to `Improve`: the new prompt."""

    type: Literal["improved"] = "improved"
    prompt: str


class RecipeState(Message):
    """How an image was made: what was asked for, what was applied, and where it lies.

    Attributes:
        requested: every parameter that was sent.
        applied: what the provider says it used.
        bytes: of the original.
        path: of the original on the kernel's machine.
        cost: of the call that made it; one call can make several images.
        attempt: 1 for the first try.
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
    cost: str | None
    request_id: str | None
    attempt: int
    references: list[ReferenceState]
    mask: ReferenceState | None
    version: str


class RecipeResult(Message):
    """Answer to `Recipe`."""

    type: Literal["recipe"] = "recipe"
    recipe: RecipeState


class BatchesMoved(Message):
    """Answer to `MoveBatches`: the topic that they are in now."""

    type: Literal["batches_moved"] = "batches_moved"
    topic_id: str


class CodeText(Message):
    """Answer to `Code`."""

    type: Literal["code"] = "code"
    text: str


class Packed(Message):
    """Answer to `Pack`: a ZIP that can be read. `size` in bytes; `images` may be fewer than were named."""

    type: Literal["packed"] = "packed"
    pack_id: str
    file_name: str
    size: int
    images: int


class Chunk(Message):
    """Answer to `PackChunk`."""

    type: Literal["chunk"] = "chunk"
    offset: int
    buffer: int
    last: bool


class UploadTaken(Message):
    """Answer to `UploadPiece`: how many bytes are there now, and the reference once all are."""

    type: Literal["upload_taken"] = "upload_taken"
    received: int
    reference: ReferenceState | None


class ReferenceTaken(Message):
    """Answer to `TakeReference`."""

    type: Literal["reference_taken"] = "reference_taken"
    reference: ReferenceState


class ReferenceThumbnail(Message):
    """A thumbnail (WebP) of a reference. `buffer` is None where the image is gone."""

    digest: str
    buffer: int | None


class ReferenceThumbnailList(Message):
    """Answer to `ReferenceThumbnails`."""

    type: Literal["reference_thumbnails"] = "reference_thumbnails"
    items: list[ReferenceThumbnail]


class ReferenceImage(Message):
    """Answer to `ReferenceOriginal`."""

    type: Literal["reference_original"] = "reference_original"
    digest: str
    media_type: str
    buffer: int


class ServerAdded(Message):
    """Answer to `AddServer`: what a test of the connection said, in a sentence."""

    type: Literal["server_added"] = "server_added"
    provider: str
    outcome: Literal["good", "reached", "unknown", "missing_key", "bad_key", "no_network", "other"]
    message: str


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
    """Answer to `ReadCovers`."""

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


class PartFile(Message):
    """A part of the page: a script, in a buffer."""

    type: Literal["part"] = "part"
    buffer: int


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
    | TopicShown
    | QueueResult
    | PromptList
    | ModelNames
    | TopicList
    | Improved
    | ThumbnailList
    | CoverList
    | PartFile
    | OriginalImage
    | RecipeResult
    | BatchesMoved
    | CodeText
    | Packed
    | Chunk
    | UploadTaken
    | ReferenceTaken
    | ReferenceThumbnailList
    | ReferenceImage
    | ServerAdded
    | ModelResult
    | ProviderChecked
    | KeyTaken,
    Field(discriminator="type"),
]


class ReplyMessage(Message):
    """The answer to a request: a result or an error, never both."""

    kind: Literal["reply"] = "reply"
    to: str
    result: Result | None = None
    error: WishRefused | ErrorState | None = None


# ------------------------------------------------------------------ kernel → page: events


class BatchAdded(Message):
    """A batch was stored, from the page or from code."""

    type: Literal["batch_added"] = "batch_added"
    batch: BatchState


class BatchChanged(Message):
    """A batch came back, went to another topic, or lost or regained images: it is shown as it is now."""

    type: Literal["batch_changed"] = "batch_changed"
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


class DraftChanged(Message):
    """The draft of a topic (None: of the "new topic" screen) was changed from code or by another view."""

    type: Literal["draft_changed"] = "draft_changed"
    topic_id: str | None
    draft: DraftState


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


class SpendingChanged(Message):
    """Today's total or the budget is another one now."""

    type: Literal["spending_changed"] = "spending_changed"
    spending: SpendingState


class NoticeShown(Message):
    """Something that the user should know and that belongs to no tile."""

    type: Literal["notice_shown"] = "notice_shown"
    level: Literal["info", "warning", "error"]
    message: str


Event = Annotated[
    BatchAdded
    | BatchChanged
    | GenerationChanged
    | GenerationProgress
    | GenerationRemoved
    | BatchRemoved
    | TopicChanged
    | TopicRemoved
    | TopicSelected
    | DraftChanged
    | ConfigChanged
    | StoreChanged
    | ModelsChanged
    | SpendingChanged
    | NoticeShown,
    Field(discriminator="type"),
]


class Events(Message):
    """What happened, in order; at most 20 such messages a second."""

    kind: Literal["events"] = "events"
    seq: int
    events: list[Event]


KernelMessage = Annotated[ReplyMessage | Events, Field(discriminator="kind")]

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

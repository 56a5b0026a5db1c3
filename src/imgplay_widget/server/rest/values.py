"""The values that REST takes and gives, as JSON. Names are camelCase, and unknown names are refused.

Times are in ISO 8601 with their zone, amounts are USD as decimal strings, and sizes are pixels.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic.alias_generators import to_camel

from imgplay_widget._page.protocol import ModelState, PresetState, ProviderState  # noqa: TC001 - see above
from imgplay_widget._rules.presets import MAX_PRESET_NAME
from imgplay_widget._text import clean_json
from imgplay_widget._types import Action  # noqa: TC001 - see above

__all__ = [
    "AssetAnswer",
    "BatchAnswer",
    "BatchesAnswer",
    "BatchesQuery",
    "Digest",
    "ErrorAnswer",
    "EstimateAnswer",
    "EstimateBody",
    "GenerateBody",
    "GenerationAnswer",
    "ImageQuery",
    "ModelsAnswer",
    "ModelsQuery",
    "NewTopic",
    "NoFields",
    "NoticeEvent",
    "OpenApiAnswer",
    "ProgressEvent",
    "ReferenceAnswer",
    "ReferenceQuery",
    "ReferenceSource",
    "RemovedEvent",
    "RetryBody",
    "SpendingEvent",
    "SpentAnswer",
    "SpentLine",
    "SpentQuery",
    "StatusAnswer",
    "TopicAnswer",
    "TopicChange",
    "TopicsAnswer",
    "TopicsQuery",
    "WireValue",
]

MAX_TEXT = 100_000
"""The most characters of a prompt or of a text parameter. A model may take fewer."""

MAX_NAMED = 300
"""The most characters of a name: of a provider, a model or a parameter."""

BIGGEST = 2**63 - 1
"""The largest whole number that databases and JavaScript's BigInt64 hold."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


def _moment(text: object) -> object:
    """Refuse a time that is not written as RFC 3339 has it, such as a number of seconds."""
    if isinstance(text, str) and _MOMENT.fullmatch(text) is None:
        raise ValueError("write it as 2026-05-04T00:00:00Z")
    return text


StatusWord = Literal["pending", "processing", "success", "error", "cancelled"]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAMED)]
Identifier = Annotated[str, StringConstraints(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Whole = Annotated[int, Field(ge=-BIGGEST, le=BIGGEST, strict=True)]
Real = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Truth = Annotated[bool, Field(strict=True)]
Parameters = Annotated[dict[Name, Text | Truth | Whole | Real | None], Field(max_length=100)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Cursor = Annotated[str, Field(max_length=400)]


class WireValue(BaseModel):
    """The base of all values on the wire."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        json_schema_serialization_defaults_required=True,
    )

    def wire(self) -> Any:
        """Return the value as JSON types."""
        return clean_json(self.model_dump(mode="json", by_alias=True))


class OpenApiAnswer(WireValue):
    """A description of all endpoints, as the OpenAPI Specification 3.1 defines it."""

    model_config = ConfigDict(extra="allow", alias_generator=None)


class NoFields(WireValue):
    """A value without fields."""


# ------------------------------------------------------------------ errors


class ErrorAnswer(WireValue):
    """An error: what happened, and the next step of the user.

    Attributes:
        code: a stable word, for instance "over_budget".
        message: what happened, in a sentence.
        next_step: what the user can do about it, or empty.
    """

    code: str
    message: str
    next_step: str


# ------------------------------------------------------------------ topics


class NewTopic(WireValue):
    """A topic to make.

    Attributes:
        title: the title. Without one, the first prompt of the topic gives it.
    """

    title: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class TopicChange(WireValue):
    """The fields of a topic to change. A field that is missing stays as it is.

    Attributes:
        title: the title, which only the user changes from then on.
        pinned: whether the topic stays at the top of the list.
        cover_generation_id: the generation whose image becomes the cover.
    """

    title: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    pinned: Truth | None = None
    cover_generation_id: Identifier | None = None


class TopicAnswer(WireValue):
    """A topic.

    Attributes:
        title: the title, or null while the topic has none.
        cover_url: the address of the cover (WebP, 256 × 256), or null while the topic has no image.
        updated_at: the time of the last request in the topic.
    """

    id: str
    title: str | None
    cover_url: str | None
    created_at: datetime
    updated_at: datetime


class TopicsAnswer(WireValue):
    """A page of the list of topics: first the pinned ones, then the others, the last used one first.

    Attributes:
        next: the cursor of the next page, or null on the last page.
    """

    topics: list[TopicAnswer]
    next: str | None


class TopicsQuery(WireValue):
    """The part of the list of topics that is asked for.

    Attributes:
        cursor: the `next` of the page before.
        limit: the most topics of the page.
        search: words that the title must contain, in any order and in upper or lower case.
    """

    cursor: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    search: Annotated[str, Field(max_length=500)] = ""


# ------------------------------------------------------------------ batches and generations


class AssetAnswer(WireValue):
    """A finished image.

    Attributes:
        url: the address of the original bytes.
        thumbnail_url: the address of a small WebP.
        width: the width of the original, or null where its file does not tell it.
        height: the height of the original, or null.
    """

    url: str
    thumbnail_url: str
    width: int | None
    height: int | None


class GenerationAnswer(WireValue):
    """A generation: one image of a batch, whether it is finished or not.

    Attributes:
        seed: the seed that was sent, or null where the model takes none.
        asset: the image, or null until it is finished.
        error: why there is no image, or null.
    """

    id: str
    status: StatusWord
    seed: int | None
    asset: AssetAnswer | None
    error: ErrorAnswer | None


class StatusAnswer(WireValue):
    """The state of a generation.

    Attributes:
        progress: 0.0 to 1.0, or null where it is not known.
        usual_duration: the seconds that the model usually takes, until the end. Null where too few past
            ones are known.
        seed: the seed that was sent, or null where the model takes none.
        asset: the image, or null until it is finished.
        error: why there is no image, or null.
    """

    id: str
    batch_id: str
    status: StatusWord
    progress: Annotated[float, Field(ge=0, le=1)] | None
    usual_duration: Annotated[float, Field(ge=0)] | None
    seed: int | None
    asset: AssetAnswer | None
    error: ErrorAnswer | None


class BatchAnswer(WireValue):
    """A batch: one request.

    Attributes:
        model: the model's id at its provider.
        config: the parameters that were sent by name, and "n", the number of images.
        width: the requested width, or null where the model chose it.
        height: the requested height, or null where the model chose it.
        action: what the user wanted of the first input image, or null where the user did not say it.
    """

    id: str
    topic_id: str
    provider: str
    model: str
    prompt: str
    config: dict[str, str | bool | int | float | None]
    width: int | None
    height: int | None
    created_at: datetime
    action: Action | None
    generations: list[GenerationAnswer]


class BatchesAnswer(WireValue):
    """A page of batches, the newest first.

    Attributes:
        next: the cursor of the next page, or null on the last page.
    """

    batches: list[BatchAnswer]
    next: str | None


class BatchesQuery(WireValue):
    """The batches that are asked for.

    Attributes:
        topic_id: the topic of the batches. Without it, the batches of all topics are listed.
        cursor: the `next` of the page before.
        limit: the most batches of the page.
    """

    topic_id: Identifier | None = None
    cursor: Identifier | None = None
    limit: Annotated[int, Field(ge=1, le=50)] = 20


class GenerateBody(WireValue):
    """A request for images.

    Attributes:
        topic_id: the topic of the batch. Without it, the request makes a new topic.
        provider: the name of the provider. With a preset, it may be missing together with the model.
        model: the model's id at its provider.
        prompt: the words that describe the image; empty for a model that takes no words.
        preset: the name of a preset, as `GET /presets` lists it. Its model and parameters hold where the
            request names none, and its words stand around the prompt.
        image_num: the number of images.
        parameters: the model's own parameters by name. A missing one has its default; null leaves it out.
        references: input images in their order, by the digests from `POST /references`.
        mask: the mask over the first reference, by the digest from `POST /references?role=mask`.
        action: what is wanted of the first reference. The history keeps it, and no provider learns it.
        confirm: true agrees to pay an unknown price although there is a budget.
    """

    topic_id: Identifier | None = None
    provider: Name | None = None
    model: Name | None = None
    prompt: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    preset: Annotated[str, Field(min_length=1, max_length=MAX_PRESET_NAME)] | None = None
    image_num: Annotated[int, Field(ge=1, le=64, strict=True)] = 1
    parameters: Parameters = Field(default_factory=dict)
    references: Annotated[list[Digest], Field(max_length=64)] = Field(default_factory=list[str])
    mask: Digest | None = None
    action: Action | None = None
    confirm: Truth = False


class RetryBody(WireValue):
    """The consent to a retry.

    Attributes:
        confirm: true agrees to pay an unknown price although there is a budget.
    """

    confirm: Truth = False


class ImageQuery(WireValue):
    """The way in which a browser gets a file.

    Attributes:
        download: true makes a browser save the file instead of showing it.
    """

    download: bool = False


# ------------------------------------------------------------------ input images


class ReferenceSource(WireValue):
    """The source of an input image: exactly one of the two.

    Attributes:
        link: a public https link to an image.
        generation_id: a finished generation.
    """

    link: Annotated[str, Field(max_length=4000, pattern="^https://")] | None = None
    generation_id: Identifier | None = None


class ReferenceQuery(WireValue):
    """The use of an input image.

    Attributes:
        role: a mask is a PNG with transparency.
    """

    role: Literal["reference", "mask"] = "reference"


class ReferenceAnswer(WireValue):
    """An input image that is kept for a day, and longer where a request names it.

    Attributes:
        digest: the sha256 of its bytes, by which `POST /generate` names it.
    """

    digest: str
    media_type: str
    width: int
    height: int


# ------------------------------------------------------------------ models and money


class ModelsQuery(WireValue):
    """The models that are asked for.

    Attributes:
        provider: the name of a provider. Without it, the models of all providers are listed.
        cursor: the `next` of the page before.
        limit: the most models of the page.
    """

    provider: Name | None = None
    cursor: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 200


class ModelsAnswer(WireValue):
    """A page of models, and the providers with the states of their keys. No key is ever given.

    Attributes:
        next: the cursor of the next page, or null on the last page.
    """

    models: list[ModelState]
    providers: list[ProviderState]
    next: str | None


class PresetsAnswer(WireValue):
    """All presets of the user, sorted by name."""

    presets: list[PresetState]


class EstimateBody(WireValue):
    """A request whose cost is asked for. Nothing is sent.

    Attributes:
        provider: the name of the provider.
        model: the model's id at its provider.
        image_num: the number of images.
        reference_num: the number of input images, each of up to a megapixel.
        parameters: the model's own parameters by name.
    """

    provider: Name
    model: Name
    image_num: Annotated[int, Field(ge=1, le=64, strict=True)] = 1
    reference_num: Annotated[int, Field(ge=0, le=64, strict=True)] = 0
    parameters: Parameters = Field(default_factory=dict)


class EstimateAnswer(WireValue):
    """The cost of a request by the list price of its model.

    Attributes:
        usd: the expected cost in USD, or null where it is not known.
        least_usd: the least that the request can cost, or null.
        most_usd: the most that the request can cost, or null. A budget counts this amount.
    """

    usd: str | None
    least_usd: str | None
    most_usd: str | None


class SpentQuery(WireValue):
    """The spending that is asked for.

    Attributes:
        since: the start, such as 2026-05-04T00:00:00Z. Without it, the beginning of the history.
        topic_id: the topic. Without it, all topics.
    """

    since: Moment | None = None
    topic_id: Identifier | None = None


class SpentLine(WireValue):
    """A sum of costs.

    Attributes:
        usd: the sum of all known costs in USD.
        images: the number of images in the sum.
        unknown: the number of images of unknown cost, which are not in `usd`.
        estimated: the part of `usd` that is the model's price, because the provider did not tell the cost.
        uncertain: the part of `usd` that may not have been billed.
    """

    usd: str
    images: int
    unknown: int
    estimated: str
    uncertain: str


class SpendingEvent(WireValue):
    """The spending of today, by the server's clock.

    Attributes:
        spent: the amount that was spent today.
        unknown: the number of images whose cost is unknown.
        running: the most that the tasks which run can cost.
        budget: the most that may be spent in a day, or null without a budget.
    """

    spent: str
    unknown: int
    running: str
    budget: str | None


class SpentAnswer(SpentLine):
    """The money that was spent.

    Attributes:
        by_model: the sums of the models ("provider:id"), the most expensive one first.
        today: the spending of today, of all topics.
    """

    by_model: dict[str, SpentLine]
    today: SpendingEvent


# ------------------------------------------------------------------ events


class ProgressEvent(WireValue):
    """The progress of a running generation.

    Attributes:
        progress: 0.0 to 1.0, or null where it is not known.
        queue_position: the number of jobs before this one at the provider, or null.
        retry_in: the seconds until the next try where a rate limit stops the call, or null.
    """

    id: str
    batch_id: str
    progress: float | None
    queue_position: int | None
    retry_in: float | None


class RemovedEvent(WireValue):
    """The ids of topics, batches and generations that were deleted."""

    topic_ids: list[str]
    batch_ids: list[str]
    generation_ids: list[str]


class NoticeEvent(WireValue):
    """A message to the user that does not belong to a batch."""

    level: Literal["warning", "error"]
    message: str

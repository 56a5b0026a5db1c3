"""What the record of a model in a provider's list says: what the model is for, and what it costs.

Servers use many fields for the same. `type` is that of Together and of Vercel's gateway, `mode` that of
litellm (``model_info``), `pipeline_tag` that of Hugging Face, `category` that of fal, and `architecture` with
its modalities that of OpenRouter. LocalAI has the modalities and `capabilities` in the record itself, and
relays such as New API have `supported_endpoint_types`. A word that is not known here says nothing.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import Price
from imgplay_widget.errors import BadResponse
from imgplay_widget.providers._shared.answers import rows, table, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from imgplay_widget.providers.http import Http

__all__ = [
    "FEWEST_TOKENS",
    "MOST_TOKENS",
    "amount_of",
    "litellm_price",
    "makes_images",
    "only_edits",
    "plain",
    "records_of",
    "takes_images",
]

LOWEST, HIGHEST = Decimal("1e-12"), Decimal(100)
"""The least and the most USD of one unit that are taken for a price. A token costs more than the least, and
an image or a megapixel costs some USD at most."""

FEWEST_TOKENS, MOST_TOKENS = 190, 24_000
"""The output tokens of one image, where nobody says more: from the lowest quality of OpenAI's models at
1024 × 1024 pixels to their highest quality at the largest size, by the calculator of OpenAI's guide. The
images of Gemini lie between them."""

_MAKES = frozenset({"image", "images", "image generation", "images generations", "text to image", "txt2img"})
_EDITS = frozenset({"image edit", "images edits", "image editing", "image to image", "img2img", "inpainting"})
_OTHERS = frozenset({
    "chat", "language", "llm", "text", "text generation", "code", "completion", "responses", "vision",
    "chat completions", "image text to text", "image to text", "ocr", "realtime", "thinking", "tools",
    "embedding", "embeddings", "sentence similarity", "feature extraction", "rerank", "reranker", "reranking",
    "moderation", "moderations", "classification", "search", "vector store",
    "audio", "audio speech", "audio transcription", "speech", "speech to text", "text to speech",
    "text to audio", "transcript", "transcription", "tts", "stt", "asr", "automatic speech recognition",
    "sound generation", "music", "video", "video generation", "text to video", "image to video",
    "video to video", "3d", "text to 3d", "image to 3d", "vad", "detection", "depth", "diarization",
    "anthropic", "openai response", "openai video", "jina rerank",
})  # fmt: skip
_KINDS = ("type", "mode", "task", "model_type", "sub_type", "pipeline_tag", "category")
_WAYS = ("capabilities", "supported_endpoint_types", "supported_endpoints", "endpoints")


def records_of(listed: object, field: str, http: Http) -> list[dict[str, Any]]:
    """Return the records of a list of models, which is bare or a field of an object.

    Raises:
        BadResponse: there is no such list. An answer without one must not pass for "no models".
    """
    whole: dict[str, Any] = {field: listed} if isinstance(listed, list) else table(listed)
    if not isinstance(whole.get(field), list):
        provider = http.provider.spec
        raise BadResponse(f"The answer of {provider.title} holds no list of models.", provider=provider.name)
    return [table(record) for record in rows(whole[field])]


def makes_images(record: Mapping[str, Any]) -> bool | None:
    """Return whether a model makes images or changes them, or None where its record does not say it."""
    made = _modalities(record, "output")
    if made:
        return "image" in made
    kinds = set(_words(record, _KINDS))
    if kinds & (_MAKES | _EDITS):
        return True
    if kinds & _OTHERS:
        return False
    ways = set(_words(record, _WAYS))
    if ways & (_MAKES | _EDITS):
        return True
    return False if ways and ways <= _OTHERS else None


def takes_images(record: Mapping[str, Any]) -> bool | None:
    """Return whether a model takes input images, or None where its record does not say it."""
    if set(_words(record, _KINDS + _WAYS)) & _EDITS:
        return True
    taken = _modalities(record, "input")
    return "image" in taken if taken else None


def only_edits(record: Mapping[str, Any]) -> bool:
    """Return whether the record says that a model changes images and makes none from words alone."""
    words = set(_words(record, _KINDS)) or set(_words(record, _WAYS))
    return bool(words & _EDITS) and not words & _MAKES


def amount_of(value: object, per: int | str | Decimal = 1) -> str | None:
    """Return an amount of USD as a decimal string, or None where the value cannot be a price.

    A zero is none either: lists have it where a price is not known or not for images.

    Args:
        value: a number, or a text with one.
        per: what the amount is multiplied with.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        amount = Decimal(str(value).strip()) * Decimal(per)
    except (ArithmeticError, ValueError):
        return None
    if not amount.is_finite() or not LOWEST <= amount <= HIGHEST:
        return None
    return plain(amount)


def plain(amount: Decimal) -> str:
    """Return an amount as a decimal string without an exponent and without zeros at its end."""
    digits = format(amount, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def litellm_price(record: Mapping[str, Any], source: str) -> Price | None:
    """Return the price of litellm's ``model_info``, or None where it has none for images.

    Args:
        record: the record.
        source: the address of the list.
    """
    for field in ("output_cost_per_image", "input_cost_per_image"):
        if (amount := amount_of(record.get(field))) is not None:
            return Price(amount=amount, unit="image", source=source)
    if (token := amount_of(record.get("output_cost_per_image_token"))) is not None:
        least, most = (plain(Decimal(token) * count) for count in (FEWEST_TOKENS, MOST_TOKENS))
        return Price(amount=least, most=most, unit="image", token=token, source=source)
    for field in ("output_cost_per_pixel", "input_cost_per_pixel"):
        if (amount := amount_of(record.get(field), 1_000_000)) is not None:
            return Price(amount=amount, unit="megapixel", source=source)
    return None


def _modalities(record: Mapping[str, Any], end: str) -> list[str]:
    inner = table(record.get("architecture")).get(f"{end}_modalities")
    found = inner or record.get(f"{end}_modalities") or table(record.get("modalities")).get(end)
    return [text(one).lower() for one in rows(found) if text(one)]


def _words(record: Mapping[str, Any], fields: tuple[str, ...]) -> Iterator[str]:
    for field in fields:
        value = record.get(field)
        # Some servers name each ability, and say of each whether it is there.
        named = [name for name, is_so in table(value).items() if is_so is True]
        for one in [value] if isinstance(value, str) else rows(value) or named:
            word = text(one).lower().strip("/").removeprefix("v1/")
            if word:
                yield word.replace("-", " ").replace("_", " ").replace("/", " ").replace(".", " ")

"""File names of images, made of a pattern that a user writes."""

from __future__ import annotations

import unicodedata
from string import Formatter
from typing import TYPE_CHECKING, Any

from imgplay_widget._rules.kinds import extension
from imgplay_widget._text import MAX_SHOWN, clean, shown
from imgplay_widget.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from imgplay_widget._types import Entry, Generation

__all__ = ["PATTERN", "file_names", "pattern_of"]

PATTERN = "{index:02d}-{seed}-{prompt:.40}"
"""The pattern of a user who does not give one."""

FIELDS = ("index", "seed", "prompt", "model", "width", "height", "id")
"""The words that a pattern may have in braces."""

MOST = 240
"""The most bytes of a name without its extension. File systems take 255 in all."""

NO_SEED = "no-seed"
"""The seed of an image whose model does not take one."""

# Windows keeps these names for devices, with any extension.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def pattern_of(axes: Sequence[str]) -> str:
    """Return the pattern of the images of a sweep, for a user who does not give one.

    Args:
        axes: the names of the axes.
    """
    # The words of every image may be numbers, which have no length.
    values = [f"{{{name}}}" if name in FIELDS else f"{{{name}:.24}}" for name in axes]
    return "-".join(["{cell:03d}", *values, "{index:02d}"])


def file_names(
    pattern: str,
    images: Sequence[tuple[Entry, Generation]],
    words: Sequence[Mapping[str, Any]] | None = None,
) -> list[str]:
    """Return a file name for each image, which every system allows, with the extension of its kind.

    Args:
        pattern: the name without the extension, as a format string. `FIELDS` has the words in braces.
        images: the images, each with its batch.
        words: further words of the pattern for each image; None for no further words. They include ``cell``,
            the number of the image's cell in a sweep.

    Raises:
        InvalidRequest: the pattern cannot be read, has an unknown word or a separator of folders, or gives
            two images the same name.
    """
    none: Mapping[str, Any] = {}
    further = [none] * len(images) if words is None else list(words)
    fields = tuple(dict.fromkeys((*FIELDS, *(name for one in further for name in one))))
    _check(pattern, fields)
    names = [_name(pattern, *image, more) for image, more in zip(images, further, strict=True)]
    number = "index" if words is None else "cell"
    first: dict[str, tuple[str, str]] = {}
    for (_, one), more, name in zip(images, further, names, strict=True):
        said = f"{one.position}" if words is None else f"{one.position} of cell {more['cell']}"
        # Some file systems take upper and lower case for the same.
        same, before = first.setdefault(name.casefold(), (one.id, said))
        if same != one.id:
            raise _refused(
                f"The pattern {shown(pattern)} gives images {before} and {said} the same name, {shown(name)}",
                f'Put {{{number}}} into the pattern, near its beginning: "{{{number}}}-{{prompt:.40}}".',
            )
    return names


def _check(pattern: Any, fields: Sequence[str]) -> None:
    if not isinstance(pattern, str):
        raise _refused(f"The pattern {shown(pattern)} is not text", f"Give a text such as {PATTERN!r}.")
    if "/" in pattern or "\\" in pattern:
        raise _refused(
            f"The pattern {shown(pattern)} has a separator of folders",
            "Name the folder by the argument `folder`.",
        )
    for field in _fields(pattern):
        if field not in fields:
            raise _refused(
                f"The pattern {shown(pattern)} has the word {{{clean(field, MAX_SHOWN)}}}",
                f"The words in braces are {', '.join(fields)}. Write {{{{ and }}}} for braces.",
            )


def _fields(pattern: str) -> Iterator[str]:
    """Return the words in braces, also those inside of a width or a precision."""
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError as error:
        raise _refused(
            f"The pattern {shown(pattern)} cannot be read: {clean(str(error), MAX_SHOWN)}",
            f"Write it like {PATTERN!r}.",
        ) from None
    for _, field, form, _ in parts:
        if field is not None:
            yield field
            yield from _fields(form or "")


def _name(pattern: str, entry: Entry, generation: Generation, further: Mapping[str, Any]) -> str:
    spoken = {name: _spoken(value) if isinstance(value, str) else value for name, value in further.items()}
    try:
        text = pattern.format_map({**spoken, **_values(entry, generation)})
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise _refused(
            f"The pattern {shown(pattern)} does not fit image {generation.position}:"
            f" {clean(str(error), MAX_SHOWN)}",
            "Correct what follows the colon: {index:02d} has two digits, {prompt:.40} has 40 characters.",
        ) from None
    media_type = generation.asset.media_type if generation.asset else ""
    end = f".{extension(media_type)}"
    stem = _safe(text.removesuffix(end))
    if not stem:
        raise _refused(
            f"The pattern {shown(pattern)} gives image {generation.position} an empty name",
            f"Write it like {PATTERN!r}.",
        )
    return stem + end


def _values(entry: Entry, generation: Generation) -> Mapping[str, Any]:
    asset, batch = generation.asset, entry.batch
    return {
        "index": generation.position,
        "seed": NO_SEED if generation.seed is None else generation.seed,
        "prompt": _spoken(batch.words),
        "model": f"{batch.provider}-{batch.model}",
        "width": asset.width if asset else None,
        "height": asset.height if asset else None,
        "id": generation.id,
    }


def _spoken(text: str) -> str:
    """Return the words of a text with dashes between them."""
    return "-".join("".join(c if _is_letter(c) else " " for c in text).split())


def _is_letter(character: str) -> bool:
    # Marks are parts of letters in many scripts.
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _safe(text: str) -> str:
    """Return a name without characters that a file system refuses or a shell reads in its own way."""
    kept = "".join(c if _is_letter(c) or c in " -_.,+=()[]@" else "-" for c in text)
    kept = kept.encode("utf-8", "ignore")[:MOST].decode("utf-8", "ignore").strip(" .").rstrip("-")
    return f"_{kept}" if kept.split(".")[0].strip().casefold() in _DEVICES else kept


def _refused(what: str, next_step: str) -> InvalidRequest:
    return InvalidRequest(f"{what}. No file was written.", parameter="pattern", next_step=next_step)

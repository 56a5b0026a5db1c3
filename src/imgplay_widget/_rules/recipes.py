"""Recipes: how an image was made, and the code that makes it again."""

from __future__ import annotations

import json
import keyword
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from imgplay_widget._rules.embedded.values import CFG, SAMPLERS, TOOL, number, parameters_of, text, whole
from imgplay_widget._rules.kinds import extension
from imgplay_widget._rules.served import is_another

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from imgplay_widget._types import Action, Entry, Generation, Reference

__all__ = [
    "Changed",
    "Recipe",
    "code",
    "differences",
    "file_name",
    "opening_code",
    "pack_name",
    "recipe",
    "sent_params",
    "served_by",
]

NAME_LENGTH = 60
"""The most characters of a prompt in a file name."""

_BY_PILLOW = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/webp",
        "image/avif",
        "image/gif",
        "image/bmp",
        "image/tiff",
        "image/jp2",
        "image/x-icon",
    }
)
"""The kinds of image files that Pillow opens without a package of its own for the kind."""

Plain = str | bool | int | float | None


class Changed(NamedTuple):
    """A parameter that the provider changed, or the model that answered instead (``"model"``)."""

    parameter: str
    requested: Plain
    applied: Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that is known of how an image was made.

    Attributes:
        model: ``"provider:id"``.
        model_title: the model's name for people.
        seed: the seed that was sent for the image, or None.
        requested: every parameter that was sent with the call.
        applied: the values that the provider reports, and the size of the image.
        differences: the parameters whose applied value differs from the requested one.
        width, height: the size of the image in pixels.
        bytes: the number of bytes of the original.
        digest, path: the sha256 and the file of the original.
        created_at: when the batch was requested, aware UTC.
        started_at, finished_at: when the call was sent and when it ended, aware UTC.
        served_by: the model that answered, as the provider names it, or None where the answer does not tell.
        cost: the provider's figure for the call, in USD; one call can make several images.
        attempt: 1 for the first try.
        action: what the user wanted of the first reference (`Batch.action`), or None.
        version: the version of imgplay-widget.
    """

    generation_id: str
    batch_id: str
    prompt: str
    provider: str
    model: str
    model_title: str
    seed: int | None
    requested: Mapping[str, Plain]
    applied: Mapping[str, Plain]
    differences: tuple[Changed, ...]
    width: int | None
    height: int | None
    media_type: str | None
    bytes: int | None
    digest: str | None
    path: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    served_by: str | None
    cost: str | None
    request_id: str | None
    attempt: int
    references: tuple[Reference, ...]
    mask: Reference | None
    action: Action | None
    version: str

    def as_json(self) -> dict[str, Any]:
        """Return the recipe as JSON types; times are ISO 8601.

        It has all fields of a `FileRecipe` too, so that code reads the recipes of all tools alike.
        """
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("created_at", "started_at", "finished_at"):
            found[name] = found[name].isoformat() if found[name] else None
        return (
            self._common()
            | found
            | {
                "requested": dict(self.requested),
                "applied": dict(self.applied),
                "differences": [change._asdict() for change in self.differences],
                "references": [asdict(reference) for reference in self.references],
                "mask": None if self.mask is None else asdict(self.mask),
            }
        )

    def _common(self) -> dict[str, Any]:
        """Return the fields of a `FileRecipe` that a recipe here has among its parameters."""
        sent = dict(self.requested)
        tool, negative = sent.pop("tool", TOOL), sent.pop("negative_prompt", None)
        steps, cfg, sampler = (_taken(sent, names) for names in (("steps",), CFG, SAMPLERS))
        return {
            "tool": tool,
            "negative_prompt": negative or "",
            "steps": whole(steps),
            "cfg": number(cfg),
            "sampler": text(sampler),
            "parameters": parameters_of(sent, without=("seed", "width", "height")),
        }


def recipe(
    entry: Entry, generation: Generation, *, model_title: str, path: Path | None, version: str
) -> Recipe:
    """Return how an image was made, or was to be made where the slot is still empty.

    Args:
        entry: the batch of the image.
        generation: the image.
        model_title: the model's name for people.
        path: the file of the original, or None.
        version: the version of this package.
    """
    batch, asset = entry.batch, generation.asset
    task = entry.task_of(generation)
    return Recipe(
        generation_id=generation.id,
        batch_id=batch.id,
        prompt=batch.prompt if task is None else task.unit.prompt,
        provider=batch.provider,
        model=f"{batch.provider}:{batch.model}",
        model_title=model_title,
        seed=generation.seed,
        requested=sent_params(entry, generation),
        applied={name: _plain(value) for name, value in _applied(generation).items()},
        differences=differences(entry, generation),
        width=asset.width if asset else None,
        height=asset.height if asset else None,
        media_type=asset.media_type if asset else None,
        bytes=asset.size if asset else None,
        digest=asset.digest if asset else None,
        path=None if path is None else str(path),
        created_at=batch.created_at,
        started_at=task.submitted_at if task else None,
        finished_at=task.finished_at if task else None,
        served_by=task.served_by if task else None,
        cost=task.cost if task else None,
        request_id=task.request_id if task else None,
        attempt=task.attempt if task else 1,
        references=batch.references,
        mask=batch.mask,
        action=batch.action,
        version=version,
    )


def differences(entry: Entry, generation: Generation) -> tuple[Changed, ...]:
    """Return what differs from the request: the model, the applied parameters, the size of the image."""
    requested: dict[str, Any] = dict(entry.batch.config)
    if generation.seed is not None:
        requested["seed"] = generation.seed
    asked, answered = entry.batch.model, served_by(entry, generation)
    another = answered is not None and is_another(asked, answered)
    return (
        *((Changed("model", asked, answered),) if another else ()),
        *_changed(requested, generation),
    )


def served_by(entry: Entry, generation: Generation) -> str | None:
    """Return the model that answered, as the provider names it, or None where the answer does not tell."""
    task = entry.task_of(generation)
    return None if task is None else task.served_by


def _changed(requested: Mapping[str, Any], generation: Generation) -> tuple[Changed, ...]:
    return tuple(
        Changed(name, requested[name], value)
        for name, value in _applied(generation).items()
        if name in requested
        and requested[name] not in (value, "auto")
        and isinstance(value, str | int | float | bool)
    )


def file_name(entry: Entry, generation: Generation) -> str:
    """Return a file name for an image that every system allows: letters, digits and dashes."""
    mark = f"seed-{generation.seed}" if generation.seed is not None else generation.id[-8:]
    media_type = generation.asset.media_type if generation.asset else ""
    return f"{_words(entry) or 'image'}-{generation.position + 1}-{mark}.{extension(media_type)}"


def pack_name(entries: Sequence[Entry], images: int, now: datetime) -> str:
    """Return the file name of a ZIP: the prompt where all images are of one batch, else the day."""
    of_one = len({entry.batch.id for entry in entries}) == 1
    words = _words(entries[0]) if of_one else ""
    return f"{words or f'images-{now:%Y-%m-%d}'}-{images}.zip"


def code(entry: Entry, path_of: Callable[[Reference], Path]) -> str:
    """Return Python code that makes a batch again: a call of ``pg.generate``.

    The code holds the seed of the batch, also where the seed was random. So a model with exact seeds makes
    the same images.

    Args:
        entry: the batch.
        path_of: returns the file in which the store keeps an input image.
    """
    batch = entry.batch
    params = dict(batch.config)
    n = params.pop("n", len(entry.generations))
    seed = params.pop("seed", None)
    seed = _first_seed(entry) if seed is None else seed
    arguments = [_quoted(batch.prompt), f"model={_quoted(f'{batch.provider}:{batch.model}')}", f"n={n}"]
    if seed is not None:
        arguments.append(f"seed={seed!r}")
    names = [name for name in params if name.isidentifier() and not keyword.iskeyword(name)]
    arguments += [f"{name}={_quoted(params[name])}" for name in names]
    if batch.references:
        paths = ", ".join(_quoted(str(path_of(reference))) for reference in batch.references)
        arguments.append(f"references=[{paths}]")
    if batch.mask is not None:
        arguments.append(f"mask={_quoted(str(path_of(batch.mask)))}")
    others = ", ".join(f"{name!r}: {_quoted(params[name])}" for name in params if name not in names)
    if others:
        arguments.append(f"**{{{others}}}")
    lines = "".join(f"    {argument},\n" for argument in arguments)
    return f"batch = pg.generate(\n{lines})\n"


def opening_code(path: Path, media_type: str) -> str:
    """Return Python code that opens an image file with Pillow, or only names the file where Pillow cannot."""
    file = _quoted(str(path))
    if media_type in _BY_PILLOW:
        return f"from PIL import Image\n\nImage.open({file})"
    return f"from pathlib import Path\n\n# Pillow alone does not open files of this kind.\nPath({file})"


def _taken(sent: dict[str, Plain], names: Sequence[str]) -> Plain:
    """Return the first parameter under one of some names, and take it out."""
    name = next((one for one in names if sent.get(one) is not None), names[0])
    return sent.pop(name, None)


def _words(entry: Entry) -> str:
    kept = "".join(c if c.isalnum() else "-" for c in entry.batch.words[: 2 * NAME_LENGTH])
    return "-".join(word for word in kept.split("-") if word)[:NAME_LENGTH].strip("-").lower()


def sent_params(entry: Entry, generation: Generation) -> dict[str, Plain]:
    """Return every parameter that was sent for an image, or that is to be sent, with its seed."""
    task = entry.task_of(generation)
    sent = dict(entry.batch.config) if task is None else dict(task.unit.params)
    sent.pop("n", None)
    # A call for several images sends one seed: the seed of its first image.
    seed = generation.seed if task is None or generation.seed is not None else task.unit.seed
    if seed is not None:
        sent["seed"] = seed
    return {name: _plain(value) for name, value in sent.items()}


def _applied(generation: Generation) -> dict[str, Any]:
    applied = dict(generation.applied)
    if generation.asset is not None and generation.asset.width is not None:
        applied["width"], applied["height"] = generation.asset.width, generation.asset.height
    return applied


def _first_seed(entry: Entry) -> int | None:
    """Return the seed of the first image of a batch; each later image has the next number."""
    for generation in entry.generations:
        if generation.seed is not None and generation.seed >= generation.position:
            return generation.seed - generation.position
    return None


def _plain(value: Any) -> Plain:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _quoted(value: Any) -> str:
    """Return a value as Python code, with a text in double quotes where it does not contain any."""
    text = repr(value)
    if isinstance(value, str) and text.startswith("'") and '"' not in text:
        return f'"{text[1:-1]}"'
    return text

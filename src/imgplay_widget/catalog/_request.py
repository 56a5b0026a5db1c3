"""The check of what a user asks for, against the data of the model."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from imgplay_widget._plain import plain, whole
from imgplay_widget._text import is_clean, shown
from imgplay_widget._types import SIDES, ModelSpec, Parameter, Reference, Request
from imgplay_widget.errors import InvalidRequest, TakesNoImages, UnknownParameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "MAX_DEADLINE",
    "check_count",
    "check_prompt",
    "check_text",
    "check_value",
    "grown",
    "make_request",
    "range_of",
]

LARGEST = 2**64
"""The largest whole number, of either sign. No model takes a larger seed."""

MAX_DEADLINE = 86_400.0
"""The longest deadline, in seconds. A notebook does not wait for longer than a day."""

MOST_PIXELS = 8192 * 8192
"""The largest area of an image, in pixels, that the studio can read in every kind of file."""

LONGEST_EDGE = 2048
"""The longest edge, in pixels, that a reference gives to an image.

A photograph has more pixels than most graphics cards can draw.
"""


def make_request(
    spec: ModelSpec,
    *,
    prompt: str = "",
    n: int = 1,
    params: Mapping[str, Any],
    references: Sequence[Reference] = (),
    mask: Reference | None = None,
    deadline: float | None = None,
    max_count: int = 4,
    today: date | None = None,
    partial: bool = False,
) -> Request:
    """Return a checked request, with the defaults filled in. Nothing is stored or sent.

    Args:
        spec: the model.
        prompt: the text.
        n: the number of images, 1 to `max_count`.
        params: the values of the model's own parameters by name. A parameter that is missing here gets its
            default, and a parameter with the value None is left out of the request. Width and height follow
            the first reference where the model says so (`ReferenceRule.gives_size`).
        references: the input images, in the user's order.
        mask: a mask over the first reference, for models that take a mask.
        deadline: seconds that each task may take in all, up to a day; None means the model's deadline.
        max_count: the most images of one request.
        today: the day to compare with `ModelSpec.retired_on`; None means the current day (UTC).
        partial: True for a request that is not sent and whose parameters alone count. The prompt, and input
            images and the mask that the model needs, may then be missing, and parameters that need an input
            image stay.

    Raises:
        UnknownParameter: the model does not have such a parameter.
        InvalidRequest: a value is of the wrong kind or out of its range; the message names both.
    """
    _check_retired(spec, today or datetime.now(UTC).date())
    prompt = plain(prompt)
    if not partial:
        prompt = check_prompt(spec, prompt, references)
    n = check_count(n, max_count)
    if references or not partial:
        _check_references(spec, references)
    _check_mask(spec, mask, references, partial=partial)
    seconds = spec.deadline if deadline is None else _check_deadline(deadline)
    for name in params:
        if spec.parameter(name) is None:
            raise _unknown(spec, name)
    given = {"": True, "reference": bool(references), "mask": mask is not None}
    values: dict[str, Any] = {}
    followed = _followed(spec, params, references)
    for parameter in spec.parameters:
        value = params.get(parameter.name, followed.get(parameter.name, parameter.default))
        if value is not None:
            value = check_value(parameter, value, model=spec.name)
        if value is not None and (partial or given[parameter.needs]):
            values[parameter.name] = value
    _check_size(spec, values)
    _check_sides(spec, values, partial=partial)
    _check_result(spec, values, references)
    return Request(
        provider=spec.provider,
        model=spec.id,
        prompt=prompt,
        n=n,
        params=values,
        references=tuple(references),
        mask=mask,
        deadline=seconds,
    )


def check_value(parameter: Parameter, value: Any, *, model: str) -> Any:
    """Return a checked value, in the type of its parameter.

    Args:
        parameter: the parameter of the value.
        value: the user's value; not None. Numbers of other packages are taken, and 512.0 as a whole number.
        model: the model's name, for the message.

    Raises:
        InvalidRequest: the value is of the wrong kind, out of range, between two steps or not one of the
            choices.
    """
    value = plain(value)
    match parameter.type:
        case "integer" | "number":
            checked = _number(parameter, value, model)
        case "boolean":
            if not isinstance(value, bool):
                raise _invalid(parameter, value, "is not True or False", model)
            checked = value
        case "string":
            checked = _string(parameter, value, model)
    if parameter.choices and checked not in parameter.choices:
        raise _invalid(parameter, value, "is not one of its choices", model)
    return checked


def _number(parameter: Parameter, value: Any, model: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        kind = "a whole number" if parameter.type == "integer" else "a number"
        raise _invalid(parameter, value, f"is not {kind}", model)
    number: int | float = value
    if isinstance(number, float) and not math.isfinite(number):
        raise _invalid(parameter, value, "is not a finite number", model)
    if parameter.type == "integer":
        if number != int(number):
            raise _invalid(parameter, value, "is not a whole number", model)
        number = int(number)
    if isinstance(number, int) and abs(number) > LARGEST:
        # Such a number is neither a float, nor a number to a database or to other programs.
        raise _invalid(parameter, value, "is out of range", model)
    low, high, step = parameter.minimum, parameter.maximum, parameter.step
    if (low is not None and number < low) or (high is not None and number > high):
        raise _invalid(parameter, value, "is out of range", model)
    if step is not None:
        count = (number - (low or 0)) / step
        # Floats are not exact: 0.1 + 0.2 must count as a step of 0.1.
        if abs(count - round(count)) > 1e-6:
            raise _invalid(parameter, value, "is between its steps", model)
    return number


def _string(parameter: Parameter, value: Any, model: str) -> str:
    if not isinstance(value, str):
        raise _invalid(parameter, value, "is not text", model)
    if parameter.max_length is not None and len(value) > parameter.max_length:
        raise InvalidRequest(
            f"{parameter.name} has {len(value)} characters: {model} takes up to {parameter.max_length}.",
            parameter=parameter.name,
        )
    check_text(parameter.name, value)
    return value


def check_text(parameter: str, text: object) -> None:
    """Refuse a user's text that no file, database or message can hold. Other values pass.

    Args:
        parameter: the name of the parameter.
        text: the text.

    Raises:
        InvalidRequest: the text has half an emoji or a control character.
    """
    if isinstance(text, str) and not is_clean(text):
        raise InvalidRequest(
            f"{parameter} has a character that cannot be stored: half an emoji, or a control character.",
            parameter=parameter,
            next_step="Remove the character and call again. Nothing was stored, sent or paid.",
        )


def _followed(spec: ModelSpec, params: Mapping[str, Any], references: Sequence[Reference]) -> dict[str, int]:
    """Return the size that the first reference gives to the image, or nothing where it gives none."""
    edges = [spec.parameter("width"), spec.parameter("height")]
    if not references or spec.references is None or not spec.references.gives_size or "width" in params:
        return {}
    if "height" in params or not all(edges):
        return {}
    own = (references[0].width, references[0].height)
    # Both edges shrink or grow alike, so that the picture keeps its shape.
    limits = [min(edge.maximum or LONGEST_EDGE, LONGEST_EDGE) for edge in edges if edge]
    factor = min(1.0, *(limit / length for limit, length in zip(limits, own, strict=True)))
    factor = max(
        factor, *((edge.minimum or 1) / length for edge, length in zip(edges, own, strict=True) if edge)
    )
    return {
        edge.name: _nearest(edge, length * factor)
        for edge, length in zip(edges, own, strict=True)
        if edge is not None
    }


def _nearest(edge: Parameter, length: float) -> int:
    """Return the allowed length of an edge that is nearest to another length."""
    low, step = edge.minimum or 0, edge.step or 1
    count = math.floor((length - low) / step + 0.5)
    if edge.maximum is not None:
        count = min(count, math.floor((edge.maximum - low) / step))
    return int(low + max(0, count) * step)


def _check_retired(spec: ModelSpec, today: date) -> None:
    if spec.retired_on is None or date.fromisoformat(spec.retired_on) > today:
        return
    instead = f"Use {spec.provider}:{spec.successor} instead." if spec.successor else "Choose another model."
    raise InvalidRequest(
        f"The provider retired {spec.name} on {spec.retired_on}.",
        parameter="model",
        next_step=f"{instead} Nothing was stored, sent or paid.",
    )


def check_prompt(spec: ModelSpec, prompt: Any, references: Sequence[Reference] = ()) -> str:
    """Return a prompt that a model takes.

    Args:
        spec: the model.
        prompt: the words.
        references: the input images of the request, with which some models need no words.

    Raises:
        InvalidRequest: the model does not take the prompt.
    """
    if not isinstance(prompt, str):
        raise InvalidRequest(f"prompt={shown(prompt)} is not text.", parameter="prompt")
    if not prompt.strip():
        if spec.prompt == "none" or (spec.prompt == "optional" and references):
            return ""
        raise InvalidRequest("prompt is empty. Describe what the image shall show.", parameter="prompt")
    if spec.prompt == "none":
        raise InvalidRequest(
            f"prompt: {spec.name} takes no words, only an image.",
            parameter="prompt",
            next_step="Leave the prompt empty, or choose a model that takes words. Nothing was paid.",
        )
    if spec.max_prompt is not None and len(prompt) > spec.max_prompt:
        raise InvalidRequest(
            f"prompt has {len(prompt)} characters: {spec.name} takes up to {spec.max_prompt}.",
            parameter="prompt",
        )
    check_text("prompt", prompt)
    return prompt


def check_count(n: object, max_count: int) -> int:
    """Return a number of images as an int. Whole numbers of other packages are taken.

    Raises:
        InvalidRequest: the number is not a whole number from 1 to `max_count`.
    """
    count = whole(n)
    if count is None:
        raise InvalidRequest(f"n={shown(n)} is not a whole number from 1 to {max_count}.", parameter="n")
    if not 1 <= count <= max_count:
        raise InvalidRequest(
            f"n={shown(count)} is out of range: ask for 1 to {max_count} images.", parameter="n"
        )
    return count


def _check_deadline(deadline: Any) -> float:
    deadline = plain(deadline)
    good = isinstance(deadline, (int, float)) and not isinstance(deadline, bool)
    if not good or not 0 < deadline <= MAX_DEADLINE:
        raise InvalidRequest(
            f"deadline={shown(deadline)} is out of range: use more than 0 and up to {MAX_DEADLINE:g}"
            " seconds.",
            parameter="deadline",
        )
    return float(deadline)


def _check_references(spec: ModelSpec, references: Sequence[Reference]) -> None:
    rule = spec.references
    least = 0 if rule is None else rule.min_count
    if len(references) < least:
        raise InvalidRequest(
            f"references: {spec.name} changes input images, and needs at least {least}.",
            parameter="references",
            next_step="Add the image that shall change, or choose a model that makes images from words.",
        )
    if not references:
        return
    if rule is None:
        raise TakesNoImages(f"references: {spec.name} does not take input images.", parameter="references")
    if len(references) > rule.max_count:
        raise InvalidRequest(
            f"references: {len(references)} are too many: {spec.name} takes up to {rule.max_count}.",
            parameter="references",
        )
    for reference in references:
        if reference.media_type not in rule.media_types:
            raise InvalidRequest(
                f"references: {spec.name} does not take {reference.media_type}. "
                f"It takes {', '.join(rule.media_types)}.",
                parameter="references",
            )
        most, area = rule.max_pixels, reference.width * reference.height
        if most is not None and area > most:
            raise InvalidRequest(
                f"references: the image has {reference.width} × {reference.height} pixels, which is "
                f"{area / 1e6:.1f} megapixels: {spec.name} takes up to {most / 1e6:.1f}.",
                parameter="references",
                next_step="Choose a model that takes larger images, or make the image smaller first.",
            )


def _check_mask(
    spec: ModelSpec, mask: Reference | None, references: Sequence[Reference], *, partial: bool
) -> None:
    if mask is None:
        if spec.mask_needed and not partial:
            raise InvalidRequest(
                f"mask: {spec.name} needs a mask, which says what part of the image changes.",
                parameter="mask",
                next_step="Paint the part that shall change, or choose a model that needs no mask.",
            )
        return
    if not spec.mask:
        raise InvalidRequest(
            f"mask: {spec.name} does not take a mask.",
            parameter="mask",
            next_step="Leave the mask out, or choose a model that takes a mask.",
        )
    if not references:
        raise InvalidRequest(
            "mask: the request does not have a reference for the mask.",
            parameter="mask",
            next_step="Pass the image that shall change as the first reference.",
        )
    if mask.media_type != "image/png":
        raise InvalidRequest(
            f"mask: a mask must be image/png, not {mask.media_type}.",
            parameter="mask",
            next_step="Save the mask as a PNG file which is transparent where the image may change.",
        )
    first = references[0]
    if (mask.width, mask.height) != (first.width, first.height):
        raise InvalidRequest(
            f"mask: the mask has {mask.width} × {mask.height} pixels, but the first reference has "
            f"{first.width} × {first.height}. Both must have the same size.",
            parameter="mask",
        )


def _check_sides(spec: ModelSpec, values: Mapping[str, Any], *, partial: bool) -> None:
    """Refuse a request to extend an image that adds nothing to any side."""
    if partial or "outpaint" not in spec.abilities or any(values.get(side) for side in SIDES):
        return
    raise InvalidRequest(
        f"{', '.join(SIDES)} are all 0: {spec.name} wants to know to which side it shall add, and how much.",
        parameter=SIDES[0],
    )


def _check_result(spec: ModelSpec, values: Mapping[str, Any], references: Sequence[Reference]) -> None:
    """Refuse a request whose image would have more pixels than the studio reads."""
    first = (references[0].width, references[0].height) if references else None
    size = grown(spec, values, first)
    if size is not None and size[0] * size[1] > MOST_PIXELS:
        raise InvalidRequest(
            f"The image would have {size[0]} × {size[1]} pixels, which is {size[0] * size[1] / 1e6:.0f} "
            f"megapixels. The studio reads images of up to {MOST_PIXELS / 1e6:.0f}.",
            parameter=next((p.name for p in spec.parameters if p.kind == "scale"), SIDES[0]),
        )


def grown(
    spec: ModelSpec, values: Mapping[str, Any], first: tuple[int, int] | None
) -> tuple[int, int] | None:
    """Return the size of an image that a model enlarges or extends, or None where the request does not tell.

    Args:
        spec: the model.
        values: the parameters of the request.
        first: width and height of the first reference in pixels, or None without one.
    """
    scale = next((parameter for parameter in spec.parameters if parameter.kind == "scale"), None)
    if first is None or (scale is None and "outpaint" not in spec.abilities):
        return None
    factor = float(values.get(scale.name, scale.default) or 1) if scale else 1.0
    left, right, top, bottom = (int(values.get(side) or 0) for side in SIDES)
    return round(first[0] * factor) + left + right, round(first[1] * factor) + top + bottom


def _check_size(spec: ModelSpec, values: Mapping[str, Any]) -> None:
    rule, width, height = spec.size_rule, values.get("width"), values.get("height")
    if (width is None) != (height is None) and spec.parameter("width") and spec.parameter("height"):
        absent = "width" if width is None else "height"
        raise InvalidRequest(f"{absent} is missing: set both width and height, or neither.", parameter=absent)
    if rule is None or width is None or height is None:
        return
    area, ratio = width * height, max(width, height) / min(width, height)
    said = f"width={width} and height={height}"
    if rule.max_ratio is not None and ratio > rule.max_ratio:
        raise InvalidRequest(
            f"{said} have a ratio of {ratio:.2f}:1: {spec.name} takes up to {rule.max_ratio:g}:1.",
            parameter="width",
        )
    low, high = rule.min_pixels, rule.max_pixels
    if (low is not None and area < low) or (high is not None and area > high):
        span = " and ".join(
            text
            for text in (
                f"at least {low:,}" if low is not None else "",
                f"at most {high:,}" if high is not None else "",
            )
            if text
        )
        raise InvalidRequest(f"{said} are {area:,} pixels: {spec.name} takes {span}.", parameter="width")


def range_of(parameter: Parameter) -> str:
    """Return the values of a parameter in words, such as "64 to 2048 in steps of 64"."""
    if parameter.choices:
        return "one of " + ", ".join(str(choice) for choice in parameter.choices)
    match parameter.type:
        case "boolean":
            return "True or False"
        case "string":
            limit = parameter.max_length
            return "text" if limit is None else f"text of up to {limit} characters"
        case "integer" | "number":
            pass
    low, high, step = parameter.minimum, parameter.maximum, parameter.step
    if low is not None and high is not None:
        text = f"{low:g} to {high:g}" if high < 1e6 else f"{_plain(low)} to {_plain(high)}"
    elif low is not None:
        text = f"{_plain(low)} or more"
    elif high is not None:
        text = f"up to {_plain(high)}"
    else:
        text = "any number" if parameter.type == "number" else "any whole number"
    return text if step is None else f"{text} in steps of {_plain(step)}"


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:g}"


def _invalid(parameter: Parameter, value: Any, what: str, model: str) -> InvalidRequest:
    return InvalidRequest(
        f"{parameter.name}={shown(value, 60)} {what}: {model} takes {range_of(parameter)}.",
        parameter=parameter.name,
    )


def _unknown(spec: ModelSpec, name: str) -> UnknownParameter:
    if spec.notice and not spec.parameters:
        # Such a model says that nobody knows its parameters, and why.
        return UnknownParameter(f"{spec.name} does not have a parameter {shown(name)}. {spec.notice}")
    names = [parameter.name for parameter in spec.parameters]
    near = get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    takes = ", ".join(names) if names else "no parameters beside prompt and n"
    return UnknownParameter(f"{spec.name} does not have a parameter {shown(name)}.{hint} It takes {takes}.")

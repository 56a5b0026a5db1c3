"""Turn a JSON schema of inputs into parameters, and values back into inputs."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from imgplay_widget._types import Parameter, ReferenceRule
from imgplay_widget.catalog import check_value
from imgplay_widget.errors import InvalidRequest
from imgplay_widget.providers._shared.answers import rows, table, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from imgplay_widget._types import ModelSpec, Reference, Unit
    from imgplay_widget.providers.http import Http

__all__ = [
    "as_call",
    "call_input",
    "data_uri",
    "mask_uri",
    "parameters_from",
    "prompt_from",
    "references_from",
]

_WORDS = {
    "num_inference_steps": "steps",
    "guidance_scale": "cfg",
    "guidance": "cfg",
    "cfg_scale": "cfg",
    "prompt_strength": "strength",
    "enable_prompt_expansion": "prompt_expansion",
    "prompt_upsampling": "prompt_expansion",
    "image_size": "size",
}
"""Our names for fields that mean the same at all of these providers."""

_IMAGES = (
    "image_urls",
    "input_images",
    "image_input",
    "reference_images",
    "images",
    "image_url",
    "input_image",
    "image",
    "image_prompt",
)
"""Fields that hold input images. The first one that a model has is used."""

_NOT_OURS = {"prompt", "sync_mode", "num_images", "num_outputs", "webhook", "webhook_url"}
"""Fields that the request itself fills, or that change the form of the answer."""

_RESERVED = {"model", "n", "topic", "references", "mask", "deadline"}
"""Names that `generate` takes itself."""

_FILE = re.compile(r"(.*_)?(image|mask|audio|video|pdf|file)s?(_\d+)?(_url)?s?")

_SHOWN = {
    "size", "width", "height", "aspect_ratio", "resolution", "quality", "style", "seed", "negative_prompt",
}  # fmt: skip
"""Parameters that the page does not fold away."""

_MAX_REFERENCES = 10
_MAX_BYTES = 10_000_000
_MAX_SEED = 2**31 - 1

_Type = Literal["integer", "number", "string", "boolean"]


def parameters_from(schema: Mapping[str, Any], components: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Return the parameters that the schema of an input describes, without those that no form can show.

    Args:
        schema: the schema of the input object.
        components: the schemas that it may refer to, by name.
    """
    properties = table(schema.get("properties"))
    order = sorted(properties, key=lambda name: _order(table(properties[name])))
    fields = {name: _resolved(table(properties[name]), components) for name in order}
    fields = {name: field for name, field in fields.items() if not _left_out(name, field)}
    names = _names(fields)
    found: dict[str, Parameter] = {}
    for name, field in fields.items():
        for parameter in _parameters(name, names[name], field, components):
            found.setdefault(parameter.name, parameter)
    return tuple(found.values())


def references_from(schema: Mapping[str, Any], components: Mapping[str, Any]) -> ReferenceRule | None:
    """Return the rule for input images, or None if the input has no field for them."""
    properties, needed = table(schema.get("properties")), rows(schema.get("required"))
    # A field that must be there goes before one that may.
    for name in sorted(_IMAGES, key=lambda name: name not in needed):
        if name not in properties:
            continue
        field = _resolved(table(properties[name]), components)
        least = int(name in needed)
        if field.get("type") == "array":
            most = field.get("maxItems")
            count = most if isinstance(most, int) and most > 0 else _MAX_REFERENCES
            return ReferenceRule(max_count=count, max_bytes=_MAX_BYTES, wire=f"{name}[]", min_count=least)
        if field.get("type") == "string":
            return ReferenceRule(max_count=1, max_bytes=_MAX_BYTES, wire=name, min_count=least)
    return None


def prompt_from(schema: Mapping[str, Any]) -> Literal["needed", "optional", "none"]:
    """Return whether an input takes words. An input that nobody described is thought to need them."""
    properties = table(schema.get("properties"))
    if not properties or "prompt" in rows(schema.get("required")):
        return "needed"
    if "prompt" in properties:
        return "optional"
    # An input without words and without an image is one that this table does not understand.
    return "none" if any(name in properties for name in _IMAGES) else "needed"


def as_call(params: Mapping[str, Any], spec: ModelSpec) -> dict[str, Any]:
    """Return the parameters of a unit, so that it can be sent even when the model's data are gone.

    ``"input"`` holds the values under the provider's names, ``"references"`` the field of input images, and
    ``"mask"`` that of the mask.
    """
    given: dict[str, Any] = {}
    for name, value in params.items():
        parameter = spec.parameter(name)
        *outer, last = ((parameter.wire if parameter else "") or name).split(".")
        inner = given
        for part in outer:
            inner = inner.setdefault(part, {})
        inner[last] = value
    seed = spec.parameter("seed")
    return {
        "input": given,
        "references": spec.references.wire if spec.references else "",
        **({"mask": spec.mask_wire} if spec.mask_wire else {}),
        "seed": (seed.wire if seed else "") or "seed",
    }


def call_input(unit: Unit, images: Sequence[str], mask: str | None = None) -> dict[str, Any]:
    """Return the input of a call. A call without words has no prompt.

    Args:
        unit: the unit, whose parameters `as_call` made.
        images: its input images as the provider takes them, in order.
        mask: its mask as the provider takes it, or None without one.
    """
    given = {**({"prompt": unit.prompt} if unit.prompt else {}), **unit.params["input"]}
    if unit.seed is not None:
        given[unit.params["seed"]] = unit.seed
    field: str = unit.params["references"]
    if images and field:
        given[field.removesuffix("[]")] = list(images) if field.endswith("[]") else images[0]
    if mask is not None:
        given[unit.params["mask"]] = mask
    return given


def data_uri(reference: Reference, http: Http) -> str:
    """Return an input image as a ``data:`` address."""
    return f"data:{reference.media_type};base64,{b64encode(http.reference(reference)).decode()}"


async def mask_uri(unit: Unit, http: Http) -> str | None:
    """Return the mask of a call as a ``data:`` address, white where the image may change, or None."""
    if unit.mask is None:
        return None
    return f"data:image/png;base64,{b64encode(await http.white_mask(unit.mask)).decode()}"


# ------------------------------------------------------------------ one field


def _parameters(
    name: str, own: str, field: Mapping[str, Any], components: Mapping[str, Any]
) -> list[Parameter]:
    kind, choices = _type(field), _choices(field, components)
    common = Parameter(
        name=own,
        type=kind or "string",
        title=text(field.get("title")) or name.replace("_", " ").capitalize(),
        help=_sentence(text(field.get("description"))),
        advanced=own not in _SHOWN,
        # Set even if it is the same, because the shipped data may use our name for another field.
        wire=name,
    )
    edges = _edges(name, field, components)
    if choices:
        words = all(isinstance(choice, str) for choice in choices)
        if not words and not all(type(choice) is int for choice in choices):
            return []
        chosen = replace(
            common,
            type="string" if words else "integer",
            kind="aspect_ratio" if own == "aspect_ratio" else None,
            choices=tuple(choices),
        )
        # A preset that is always sent would contradict the width and height of the user.
        return [chosen if edges else _with_default(chosen, field), *edges]
    if edges or kind is None:
        return edges
    return [_plain(common, kind, field)]


def _plain(common: Parameter, kind: _Type, field: Mapping[str, Any]) -> Parameter:
    if kind == "boolean":
        return _with_default(common, field)
    if kind == "string":
        most = field.get("maxLength")
        return _with_default(replace(common, max_length=most if isinstance(most, int) else None), field)
    low, high = _bound(field.get("minimum")), _bound(field.get("maximum"))
    if common.name == "seed" and kind == "integer":
        low = max(0, low or 0)
        return replace(common, kind="seed", minimum=low, maximum=high or _MAX_SEED, step=1)
    step = _bound(field.get("multipleOf")) or (1 if kind == "integer" else None)
    edge = common.name if common.name in ("width", "height") else None
    return _with_default(replace(common, kind=edge, minimum=low, maximum=high, step=step), field)


def _edges(name: str, field: Mapping[str, Any], components: Mapping[str, Any]) -> list[Parameter]:
    """Return width and height, if one field holds both in an object."""
    for form in (field, *_forms(field, components)):
        inner = table(form.get("properties"))
        if not {"width", "height"} <= inner.keys():
            continue
        return [
            replace(
                _plain(
                    Parameter(
                        name=edge,
                        type="integer",
                        kind=edge,
                        title=edge.capitalize(),
                        help="In pixels, instead of a named size.",
                        wire=f"{name}.{edge}",
                    ),
                    "integer",
                    table(inner[edge]),
                ),
                default=None,
            )
            for edge in ("width", "height")
        ]
    return []


def _left_out(name: str, field: Mapping[str, Any]) -> bool:
    file = name in _IMAGES or _FILE.fullmatch(name) is not None or field.get("format") == "uri"
    return file or name in _NOT_OURS or not name.isidentifier()


def _names(fields: Iterable[str]) -> dict[str, str]:
    """Return our name for each field; no name occurs twice."""
    names: dict[str, str] = {}
    for wire in sorted(fields, key=lambda name: name not in _WORDS):
        taken = {*_RESERVED, *names.values()}
        wanted = (_WORDS.get(wire, wire), wire, f"{wire}_")
        names[wire] = next(name for name in wanted if name not in taken)
    return names


def _with_default(parameter: Parameter, field: Mapping[str, Any]) -> Parameter:
    default = field.get("default")
    if default is None or default == "":
        return parameter
    try:
        return replace(parameter, default=check_value(parameter, default, model="discovery"))
    except InvalidRequest:
        # Some schemas have a default that they would refuse themselves.
        return parameter


def _type(field: Mapping[str, Any]) -> _Type | None:
    said = field.get("type")
    for kind in [said] if isinstance(said, str) else rows(said):
        if kind in ("integer", "number", "string", "boolean"):
            return kind
    return None


def _choices(field: Mapping[str, Any], components: Mapping[str, Any]) -> list[Any]:
    for form in (field, *_forms(field, components)):
        listed = rows(form.get("enum"))
        if listed:
            return [choice for choice in listed if choice is not None]
    return []


def _forms(field: Mapping[str, Any], components: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the alternatives of a field, without null."""
    listed = rows(field.get("anyOf")) or rows(field.get("oneOf"))
    return [_resolved(table(form), components) for form in listed if table(form).get("type") != "null"]


def _resolved(field: dict[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    """Return the field together with the schema that it refers to, or with its only alternative."""
    for part in [field, *map(table, rows(field.get("allOf")))]:
        name = text(part.get("$ref")).rpartition("/")[2]
        if name:
            field = {**table(components.get(name)), **field}
    forms = [table(form) for form in rows(field.get("anyOf")) if table(form).get("type") != "null"]
    if len(forms) == 1:
        outer = {name: value for name, value in field.items() if name != "anyOf"}
        return _resolved({**forms[0], **outer}, components)
    return field


def _bound(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _order(field: Mapping[str, Any]) -> int:
    order = field.get("x-order")
    return order if isinstance(order, int) else 1000


def _sentence(description: str) -> str:
    """Return the first sentence of a description, on one line."""
    words = " ".join(description.split())
    first = re.split(r"(?<=[.!?]) ", words, maxsplit=1)[0]
    return first if len(first) <= 200 else f"{first[:199]}…"

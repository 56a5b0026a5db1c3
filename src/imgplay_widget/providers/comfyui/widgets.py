"""The widgets of a node in the editor: which inputs have one, and which value belongs to which. No I/O.

The editor saves the values of a node's widgets as a list, in the order of the node's inputs as
``/object_info`` has them. Some widgets are no inputs: "control after generate" behind a seed, the button of
an upload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgplay_widget.providers._shared.answers import rows, table, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Misfit", "inputs_of", "values_of", "wrapped"]

_WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COLOR", "MARKDOWN", "TEXTAREA", "CURVE", "RANGE")
"""The types of inputs that have a widget. An input of another type has one if the saved node says so."""

_DYNAMIC = "COMFY_DYNAMICCOMBO_V3"
"""The type of a choice that decides which further inputs the node has."""

_CONTROLS = ("fixed", "increment", "decrement", "randomize", "increment-wrap")
"""The values of "control after generate"."""

_SEEDS = ("seed", "noise_seed")
"""The numbers that have a "control after generate" unless the node says otherwise."""

_DEPTH = 8
"""The most dynamic choices inside each other. Real nodes have two."""


class Misfit(ValueError):
    """A saved value cannot belong to its input; the message names both."""


def inputs_of(node: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the inputs of a node of ``/object_info`` in their order, each with its type and options."""
    given = table(node.get("input"))
    order = table(node.get("input_order"))
    found: dict[str, list[Any]] = {}
    for part in ("required", "optional"):
        inputs = table(given.get(part))
        names = [text(name) for name in rows(order.get(part))] or [*inputs]
        found |= {name: rows(inputs[name]) for name in names if rows(inputs.get(name))}
    return found


def values_of(info: Mapping[str, Any], saved: object, named: Sequence[str] = ()) -> dict[str, Any]:
    """Return the value of each input that has a widget.

    Args:
        info: the node in ``/object_info``.
        saved: the ``widgets_values`` of the node: a list, or a table by name.
        named: the inputs that the saved node itself calls widgets.

    Raises:
        Misfit: a value cannot belong to its input. The node has changed since the workflow was saved.
    """
    if table(saved):
        return _by_name(info, table(saved), named)
    values = rows(saved)
    found: dict[str, Any] = {}
    at = 0
    last = ""
    # `_widgets` looks at `found` for the choices that bring further inputs.
    for name, said in _widgets(inputs_of(info), named, found):
        if last == "INT" and at < len(values) and _is_control(values[at]) and not _takes(said, values[at]):
            # A control that the node does not declare: some nodes add it by a script of their own.
            at += 1
        value = values[at] if at < len(values) else None
        at += 1
        found[name] = _default(said) if value is None else _checked(name, said, value)
        last = "" if isinstance(said[0], list) else said[0]
        if _is_controlled(name, said) and at < len(values) and values[at] in _CONTROLS:
            at += 1
            # The control of a choice has a filter beside it, which is a text.
            at += last not in ("INT", "FLOAT")
            last = ""
    return found


def _by_name(info: Mapping[str, Any], saved: Mapping[str, Any], named: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, said in _widgets(inputs_of(info), named, found):
        found[name] = _checked(name, said, saved[name]) if saved.get(name) is not None else _default(said)
    # A node that saves its values by name may have widgets that only its own script knows.
    own = {
        name: value
        for name, value in saved.items()
        if name.isidentifier() and isinstance(value, (str, int, float)) and name not in found
    }
    return {**found, **{name: value for name, value in own.items() if name not in inputs_of(info)}}


def _widgets(
    inputs: Mapping[str, list[Any]],
    named: Sequence[str],
    found: Mapping[str, Any],
    prefix: str = "",
    depth: int = 0,
) -> Iterator[tuple[str, list[Any]]]:
    """Return the inputs with a widget, in the order of the saved values."""
    for key, said in inputs.items():
        name = prefix + key
        if not _has_widget(name, said, named):
            continue
        yield name, said
        if said[0] == _DYNAMIC and depth < _DEPTH:
            # The inputs of the chosen option come directly behind the choice.
            chosen = next(
                (one for one in map(table, _options(said)) if one.get("key") == found.get(name)),
                dict[str, Any](),
            )
            below = inputs_of({"input": chosen.get("inputs")})
            yield from _widgets(below, named, found, f"{name}.", depth + 1)


def _has_widget(name: str, said: Sequence[Any], named: Sequence[str]) -> bool:
    options = table(said[1]) if len(said) > 1 else {}
    if options.get("forceInput"):
        return False
    kind = said[0]
    if isinstance(kind, list) or options.get("widgetType") or options.get("socketless"):
        return True
    return kind in _WIDGETS or kind == _DYNAMIC or name in named


def _is_controlled(name: str, said: Sequence[Any]) -> bool:
    options = table(said[1]) if len(said) > 1 else {}
    told = options.get("control_after_generate")
    if told is not None:
        return bool(told)
    return said[0] == "INT" and name.rpartition(".")[2] in _SEEDS


def _is_control(value: object) -> bool:
    """Return whether a value may be that of a control. The first editors had a switch there."""
    return isinstance(value, bool) or (isinstance(value, str) and value in _CONTROLS)


def _takes(said: Sequence[Any], value: object) -> bool:
    """Return whether an input may have a value that looks like a control."""
    choices = _options(said)
    if choices:
        return value in choices
    return said[0] == "BOOLEAN" if isinstance(value, bool) else said[0] not in ("INT", "FLOAT", "BOOLEAN")


def _options(said: Sequence[Any]) -> list[Any]:
    """Return the choices of an input, in the older and the newer form."""
    if rows(said[0]):
        return rows(said[0])
    return rows(table(said[1]).get("options")) if len(said) > 1 else []


def _default(said: Sequence[Any]) -> Any:
    """Return the value that the editor gives to a new widget."""
    options = table(said[1]) if len(said) > 1 else {}
    if "default" in options:
        return options["default"]
    choices = _options(said)
    if choices:
        return table(choices[0]).get("key", choices[0])
    match options.get("widgetType") or said[0]:
        case "INT" | "FLOAT":
            return options.get("min", 0)
        case "BOOLEAN":
            return False
        case _:
            return ""


def _checked(name: str, said: Sequence[Any], value: Any) -> Any:
    """Return a saved value, or raise `Misfit` where its type says that it belongs to another input."""
    kind, shown = said[0], repr(value)[:40]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    wrong = (
        (kind in ("INT", "FLOAT") and not number)
        or (kind == "BOOLEAN" and not isinstance(value, (bool, int)))
        or (kind == "STRING" and isinstance(value, (bool, list, dict)))
    )
    if wrong:
        raise Misfit(f"the saved value {shown} cannot be its {name}")
    return wrapped(value)


def wrapped(value: Any) -> Any:
    """Return a value in a form that does not count as a link."""
    return {"__value__": rows(value)} if rows(value) or value == [] else value

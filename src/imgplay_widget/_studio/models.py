"""The table of models, which shows itself in a notebook and in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from imgplay_widget._rules.tables import html_table, text_table
from imgplay_widget._types import ModelSpec
from imgplay_widget.catalog import price_text
from imgplay_widget.providers.keys import Keys
from imgplay_widget.providers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgplay_widget._types import Parameter, ProviderSpec

__all__ = ["ModelTable", "key_text", "models", "table_of"]

HEAD = ("model", "title", "sizes", "n a call", "references", "seed", "price", "key", "retired")

CHOICES = 4
"""The most choices of a size that a cell of the table lists."""


class ModelTable(Sequence[ModelSpec]):
    """Models, in order. It is a sequence of `ModelSpec`, and shows itself as a table.

    Args:
        specs: the models.
        keys: the text for the key of each provider, by the provider's name.
        notes: sentences below the table.
    """

    def __init__(
        self, specs: Iterable[ModelSpec], *, keys: dict[str, str], notes: Iterable[str] = ()
    ) -> None:
        self._specs = tuple(specs)
        self._keys = keys
        self._notes = tuple(notes)

    @overload
    def __getitem__(self, index: int) -> ModelSpec: ...
    @overload
    def __getitem__(self, index: slice) -> ModelTable: ...
    def __getitem__(self, index: int | slice) -> ModelSpec | ModelTable:
        """Return a model, or a table of several models."""
        if isinstance(index, slice):
            return ModelTable(self._specs[index], keys=self._keys, notes=self._notes)
        return self._specs[index]

    def __len__(self) -> int:
        return len(self._specs)

    def __repr__(self) -> str:
        return text_table(self._rows(), self._notes)

    def _repr_html_(self) -> str:
        return html_table(self._rows(), self._notes)

    def _rows(self) -> list[tuple[str, ...]]:
        return [HEAD, *(self._row(spec) for spec in self._specs)]

    def _row(self, spec: ModelSpec) -> tuple[str, ...]:
        retired = spec.retired_on or ""
        if spec.retired_on and spec.successor:
            retired = f"{spec.retired_on}, then {spec.successor}"
        return (
            spec.name,
            spec.title,
            sizes(spec),
            str(spec.native_n),
            _inputs(spec),
            {"none": "", "best_effort": "best effort", "exact": "exact"}[spec.seed],
            price_text(spec),
            self._keys.get(spec.provider, ""),
            retired,
        )


def _inputs(spec: ModelSpec) -> str:
    if spec.references is None:
        return ""
    return f"up to {spec.references.max_count}{' and a mask' if spec.mask else ''}"


def models(provider: str | None = None) -> ModelTable:
    """Return the models that the installed providers ship, as a table.

    A studio has more models: those of its own providers, and those that providers listed when they were asked
    (`Studio.models`, `Studio.refresh_models`).

    Args:
        provider: the name of a provider; None for all.

    Raises:
        NotFound: there is no such provider.
    """
    keys = Keys()
    keys.read_env_file()
    return table_of(Registry(), keys, provider)


def table_of(registry: Registry, keys: Keys, provider: str | None, notes: Iterable[str] = ()) -> ModelTable:
    """Return the models of a registry as a table.

    Args:
        registry: the providers.
        keys: the keys of the providers. The table shows their sources only.
        provider: the name of a provider; None for all.
        notes: sentences below the table.

    Raises:
        NotFound: there is no such provider.
    """
    chosen = [registry.get(provider)] if provider is not None else registry.providers()
    key_texts: dict[str, str] = {}
    for one in chosen:
        key_texts[one.spec.name] = key_text(one.spec, keys)
    specs = (spec for spec in registry.models() if spec.provider in key_texts)
    return ModelTable(specs, keys=key_texts, notes=notes)


def key_text(spec: ProviderSpec, keys: Keys) -> str:
    """Return whether a provider's key is set, and its source or the variable that is missing."""
    if not spec.key_variables:
        return "not needed"
    source = keys.source(spec)
    return f"set ({source})" if source else f"missing: {spec.key_variables[0]}"


def sizes(spec: ModelSpec) -> str:
    """Return the sizes or shapes of a model's images as a text, or "" where they are not known."""
    parts: list[str] = []
    width, height = spec.parameter("width"), spec.parameter("height")
    if width is not None and height is not None:
        parts.append(f"{_range(width)} × {_range(height)}")
    for kind in ("size", "aspect_ratio", "resolution"):
        parameter = spec.parameter(kind)
        if parameter is None:
            continue
        named = [str(choice) for choice in parameter.choices]
        more = f" +{len(named) - CHOICES}" if len(named) > CHOICES else ""
        parts.append(", ".join(named[:CHOICES]) + more if named else parameter.title.lower())
    return "; ".join(parts)


def _range(edge: Parameter) -> str:
    if edge.choices:
        numbers = [choice for choice in edge.choices if not isinstance(choice, str)]
        return f"{min(numbers):g}–{max(numbers):g}" if numbers else "any"
    if edge.minimum is None and edge.maximum is None:
        return "any"
    low = f"{edge.minimum:g}" if edge.minimum is not None else ""
    return f"{low}–{edge.maximum:g}" if edge.maximum is not None else f"{low}–"

"""Which providers there are.

The built-in providers are the list `BUILT_IN`. Other packages declare theirs under the entry-point group
``imgplay_widget.providers``; an entry names a `Provider`, or a class or function that returns one. In a
notebook, `register` adds a provider. None of these takes the name of a built-in provider by accident: its
users trust that name with a key.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from imgplay_widget import catalog
from imgplay_widget._text import shown
from imgplay_widget._types import ModelSpec, Notice, Parameter
from imgplay_widget.errors import InvalidRequest, NotFound
from imgplay_widget.providers.base import Provider

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["BUILT_IN", "GROUP", "Registry", "register"]

GROUP = "imgplay_widget.providers"
"""The entry-point group of providers from other packages."""

BUILT_IN: Mapping[str, str] = {
    "demo": "imgplay_widget.providers.demo:Demo",
    "diffusers": "imgplay_widget.providers.diffusers:Diffusers",
    "gemini": "imgplay_widget.providers.gemini:Gemini",
    "openai": "imgplay_widget.providers.openai:OpenAI",
    "openrouter": "imgplay_widget.providers.openrouter:OpenRouter",
    "volcengine": "imgplay_widget.providers.volcengine:Volcengine",
    "zhipu": "imgplay_widget.providers.zhipu:Zhipu",
    "minimax": "imgplay_widget.providers.minimax:MiniMax",
    "xai": "imgplay_widget.providers.xai:XAI",
    "fal": "imgplay_widget.providers.fal:Fal",
    "replicate": "imgplay_widget.providers.replicate:Replicate",
    "siliconflow": "imgplay_widget.providers.siliconflow:SiliconFlow",
    "hunyuan": "imgplay_widget.providers.hunyuan:Hunyuan",
    "qwen": "imgplay_widget.providers.qwen:Qwen",
    "bfl": "imgplay_widget.providers.bfl:BlackForestLabs",
    "together": "imgplay_widget.providers.together:Together",
    "comfyui": "imgplay_widget.providers.comfyui:ComfyUI",
    "a1111": "imgplay_widget.providers.a1111:A1111",
    "sdcpp": "imgplay_widget.providers.sdcpp:SdCpp",
    "stability": "imgplay_widget.providers.stability:Stability",
    "huggingface": "imgplay_widget.providers.huggingface:HuggingFace",
}
"""The class of each built-in provider, as an address, so that it is imported only when it is asked for."""

_registered: dict[str, Provider] = {}


def register(provider: Provider, *, override: bool = False) -> None:
    """Add a provider to every studio of this process. It replaces an earlier one of the same name.

    Args:
        provider: the provider, with its `spec` set.
        override: True to replace a built-in provider of the same name.

    Raises:
        InvalidRequest: a built-in provider has the name, and `override` is False.
    """
    name = provider.spec.name
    if name in BUILT_IN and not override:
        raise InvalidRequest(
            f"The name {name!r} belongs to a built-in provider.",
            parameter="provider",
            next_step="Give the provider another name in its spec, or pass override=True to replace the "
            "built-in one.",
        )
    _registered[name] = provider


class Registry:
    """The providers of one studio. Each is imported when it is first asked for. Thread-safe.

    Args:
        extra: providers of this studio alone. They go before registered ones, and registered ones before
            built-in ones and entry points.
        entries: entry points to use instead of the installed ones.
    """

    def __init__(
        self, extra: Sequence[Provider] = (), *, entries: Iterable[EntryPoint] | None = None
    ) -> None:
        self._extra = {provider.spec.name: provider for provider in extra}
        self._loaded: dict[str, Provider | None] = {}
        self._found: dict[str, Mapping[str, ModelSpec]] = {}
        # What providers said about ids that no list has, by the id that was asked for.
        self._described: dict[str, dict[str, ModelSpec]] = {}
        self._notices: list[Notice] = []
        self._lock = threading.RLock()
        self._entries = self._collect(entry_points(group=GROUP) if entries is None else entries)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What went wrong so far with providers of other packages."""
        return tuple(self._notices)

    def add(self, provider: Provider) -> None:
        """Add a provider to this studio alone. It replaces one of the same name."""
        with self._lock:
            self._extra = {**self._extra, provider.spec.name: provider}

    def remove(self, name: str) -> None:
        """Remove a provider that was added to this studio alone. Do nothing where there is none."""
        with self._lock:
            self._extra = {known: provider for known, provider in self._extra.items() if known != name}

    def get(self, name: str) -> Provider:
        """Return the provider of that name.

        Raises:
            NotFound: there is no such provider; the error lists the names that there are.
        """
        with self._lock:
            found = self._extra.get(name) or _registered.get(name) or self._load(name)
        if found is None:
            raise NotFound(
                f"There is no provider {shown(name)}.{_hint(name, self._names())}",
                next_step=f"There are {', '.join(self._names())}.",
            )
        return found

    def find(self, name: str) -> tuple[Provider, ModelSpec]:
        """Return a model and its provider.

        Args:
            name: ``"provider:model"``, or the id of a model that only one provider has.

        Raises:
            NotFound: there is no such model, or there are several; the error names similar ones.
        """
        prefix, _, model = name.partition(":")
        if model and prefix in self._names():
            provider = self.get(prefix)
            spec = self._models_of(provider).get(model) or self._described.get(prefix, {}).get(model)
            spec = spec or provider.model(model)
            if spec is not None:
                return provider, spec
        same = [spec for spec in self.models() if spec.id == name]
        if len(same) == 1:
            return self.get(same[0].provider), same[0]
        if same:
            raise NotFound(
                f"Several providers have a model {shown(name)}.",
                next_step=f"Choose one of {', '.join(spec.name for spec in same)}.",
            )
        names = [spec.name for spec in self.models()]
        near = get_close_matches(name, names, n=3, cutoff=0.5)
        raise NotFound(
            f"There is no model {shown(name)}.",
            next_step=f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(names)}.",
        )

    def has(self, provider: str, model: str) -> bool:
        """Return whether there is a model of a provider."""
        with self._lock:
            found = self._extra.get(provider) or _registered.get(provider) or self._load(provider)
        return found is not None and (model in self._models_of(found) or found.model(model) is not None)

    def models(self) -> list[ModelSpec]:
        """Return all models of all providers, shipped and discovered ones, in the order of the providers."""
        return [spec for provider in self.providers() for spec in self._models_of(provider).values()]

    def found(self, name: str, specs: Sequence[ModelSpec]) -> bool:
        """Take in the models that a provider itself lists. They go over the models that it ships.

        Args:
            name: the provider's name.
            specs: its models, already checked.

        Returns:
            True where this changed anything.
        """
        before, self._found[name] = self._found.get(name, {}), {spec.id: spec for spec in specs}
        return before != self._found[name]

    def described(self, name: str, id: str, spec: ModelSpec | None) -> None:
        """Take in what a provider says about an id that no list has; None forgets it.

        Args:
            name: the provider's name.
            id: the id that was asked for.
            spec: the model, already checked. Its own id may be a more exact one.
        """
        known = dict(self._described.get(name, {}))
        if spec is None:
            known.pop(id, None)
        else:
            known |= {id: spec, spec.id: spec}
        self._described[name] = known

    def unlisted(self, name: str) -> tuple[Provider, str] | None:
        """Return the provider and the id of a model that no list has, where the provider can be asked for it.

        Args:
            name: ``"provider:model"``.
        """
        prefix, _, model = name.partition(":")
        if not model or prefix not in self._names():
            return None
        provider = self.get(prefix)
        asks = type(provider).describe is not Provider.describe
        if not asks or model in self._models_of(provider) or provider.model(model) is None:
            return None
        return provider, model

    def providers(self) -> list[Provider]:
        """Return all providers that can be loaded, by name: the demo, other built-in ones, the rest."""
        with self._lock:
            found = [
                self._extra.get(name) or _registered.get(name) or self._load(name) for name in self._names()
            ]
        return [provider for provider in found if provider is not None]

    def _names(self) -> list[str]:
        broken = {name for name, provider in self._loaded.items() if provider is None}
        names = {*self._entries} - broken | {*_registered} | {*self._extra}
        return sorted(names, key=lambda name: (name not in BUILT_IN, name != "demo", name))

    def _collect(self, entries: Iterable[EntryPoint]) -> dict[str, EntryPoint]:
        known = {name: EntryPoint(name, value, GROUP) for name, value in BUILT_IN.items()}
        for entry in entries:
            taken = known.setdefault(entry.name, entry)
            if taken.value == entry.value:
                continue
            owner = "imgplay-widget itself" if entry.name in BUILT_IN else f"the package {_source(taken)}"
            self._note(
                f"The package {_source(entry)} declares a provider {entry.name!r}, but {owner} has one of "
                f"that name. The provider of {_source(entry)} is left out. To use it, pass it with "
                f"providers=[…], or ask its authors for another name."
            )
        return known

    def _load(self, name: str) -> Provider | None:
        if name in self._loaded:
            return self._loaded[name]
        entry = self._entries.get(name)
        if entry is None:
            return None
        provider: Provider | None = None
        try:
            found = entry.load()
            made = found if isinstance(found, Provider) else found()
            if not isinstance(made, Provider) or made.spec.name != name:
                self._note(
                    f"The entry {name!r} of the package {_source(entry)} is left out: it is not a provider "
                    f"with that name in its spec."
                )
            else:
                provider = made
        except Exception as error:  # noqa: BLE001 - foreign code may raise anything
            what = f"{type(error).__name__}: {error}"
            self._note(f"The provider {name!r} of the package {_source(entry)} cannot be loaded ({what}).")
        self._loaded[name] = provider
        return provider

    def _models_of(self, provider: Provider) -> Mapping[str, ModelSpec]:
        name = provider.spec.name
        shipped: Sequence[ModelSpec] = ()
        try:
            shipped = provider.models()
            if name not in BUILT_IN:
                shipped = [self._whole(spec) for spec in shipped]
        except Exception as error:  # noqa: BLE001 - foreign code may raise anything
            self._note(f"The provider {name!r} cannot list its models ({type(error).__name__}: {error}).")
        return catalog.merge(shipped, self._found.get(name, {}))

    def _whole(self, spec: ModelSpec) -> ModelSpec:
        """Return a model of another package without the parameters that the page could not show."""
        kept: list[Parameter] = []
        for parameter in spec.parameters:
            try:
                catalog.check_parameter(parameter, f"{spec.name}: {parameter.name}")
            except catalog.CatalogError as error:
                self._note(f"A parameter of {spec.name} is left out. {error}")
            else:
                kept.append(parameter)
        return replace(spec, parameters=tuple(kept))

    def _note(self, message: str) -> None:
        notice = Notice(kind="other", message=message)
        if notice not in self._notices:
            self._notices.append(notice)


def _source(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.value


def _hint(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""

"""Which providers there are.

Built-in and third-party providers come through the same hole: the entry-point group
``imgplay_widget.providers``. An entry names a `Provider`, or a class or function that gives one.
"""

from __future__ import annotations

import threading
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from imgplay_widget import catalog
from imgplay_widget._types import ModelSpec, Notice
from imgplay_widget.errors import NotFound
from imgplay_widget.providers.base import Provider

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["GROUP", "Registry", "register"]

GROUP = "imgplay_widget.providers"
"""The entry-point group."""

_BUILT_IN = {
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
"""What pyproject.toml declares too: a source tree without metadata has no entry points."""

_registered: dict[str, Provider] = {}


def register(provider: Provider) -> None:
    """Makes a provider known to every studio of this process; a later one of the same name replaces it.

    Args:
        provider: the provider, with its `spec` set.
    """
    _registered[provider.spec.name] = provider


class Registry:
    """The providers of one studio. They are imported when they are first asked for. Thread-safe.

    Args:
        extra: providers of this studio alone; they go before registered ones, and those before
            entry points.
        entries: entry points to use instead of the installed ones.
    """

    def __init__(
        self, extra: Sequence[Provider] = (), *, entries: Iterable[EntryPoint] | None = None
    ) -> None:
        self._extra = {provider.spec.name: provider for provider in extra}
        self._loaded: dict[str, Provider | None] = {}
        self._found: dict[str, Mapping[str, ModelSpec]] = {}
        self._notices: list[Notice] = []
        self._lock = threading.RLock()
        self._entries = self._collect(entry_points(group=GROUP) if entries is None else entries)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What went wrong with third-party providers so far."""
        return tuple(self._notices)

    def add(self, provider: Provider) -> None:
        """Takes in a provider of this studio alone; one of the same name is replaced."""
        with self._lock:
            self._extra = {**self._extra, provider.spec.name: provider}

    def remove(self, name: str) -> None:
        """Forgets a provider that was given to this studio alone; nothing where there is none."""
        with self._lock:
            self._extra = {known: provider for known, provider in self._extra.items() if known != name}

    def get(self, name: str) -> Provider:
        """Gives the provider of that name.

        Raises:
            NotFound: there is none; names those that there are.
        """
        with self._lock:
            found = self._extra.get(name) or _registered.get(name) or self._load(name)
        if found is None:
            raise NotFound(
                f"There is no provider {name!r}.{_hint(name, self._names())}",
                next_step=f"There are {', '.join(self._names())}.",
            )
        return found

    def find(self, name: str) -> tuple[Provider, ModelSpec]:
        """Gives a model and its provider.

        Args:
            name: ``"provider:model"``, or the id of a model that only one provider has.

        Raises:
            NotFound: there is no such model, or several; names near ones.
        """
        prefix, _, model = name.partition(":")
        if model and prefix in self._names():
            provider = self.get(prefix)
            spec = self._models_of(provider).get(model) or provider.model(model)
            if spec is not None:
                return provider, spec
        same = [spec for spec in self.models() if spec.id == name]
        if len(same) == 1:
            return self.get(same[0].provider), same[0]
        if same:
            raise NotFound(
                f"Several providers have a model {name!r}.",
                next_step=f"Choose one of {', '.join(spec.name for spec in same)}.",
            )
        names = [spec.name for spec in self.models()]
        near = get_close_matches(name, names, n=3, cutoff=0.5)
        raise NotFound(
            f"There is no model {name!r}.",
            next_step=f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(names)}.",
        )

    def models(self) -> list[ModelSpec]:
        """Gives all models that the providers ship or were found to have, in the providers' order."""
        return [spec for provider in self.providers() for spec in self._models_of(provider).values()]

    def found(self, name: str, specs: Sequence[ModelSpec]) -> bool:
        """Takes in what a provider offers by its own word; it goes over what it ships.

        Args:
            name: the provider's name.
            specs: its models, checked.

        Returns:
            True where that changed anything.
        """
        before, self._found[name] = self._found.get(name, {}), {spec.id: spec for spec in specs}
        return before != self._found[name]

    def providers(self) -> list[Provider]:
        """Gives all providers that can be loaded: the demo, the other built-in ones, the rest; by name."""
        with self._lock:
            found = [
                self._extra.get(name) or _registered.get(name) or self._load(name) for name in self._names()
            ]
        return [provider for provider in found if provider is not None]

    def _names(self) -> list[str]:
        broken = {name for name, provider in self._loaded.items() if provider is None}
        names = {*self._entries} - broken | {*_registered} | {*self._extra}
        return sorted(names, key=lambda name: (name not in _BUILT_IN, name != "demo", name))

    def _collect(self, entries: Iterable[EntryPoint]) -> dict[str, EntryPoint]:
        known = {name: EntryPoint(name, value, GROUP) for name, value in _BUILT_IN.items()}
        for entry in entries:
            if entry.name not in known:
                known[entry.name] = entry
            elif entry.value != known[entry.name].value:
                # A plug-in must not slip in under a name whose key the user trusts.
                self._note(f"The provider {entry.name!r} of {_source(entry)} is left out: the name is taken.")
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
                self._note(f"The provider {name!r} of {_source(entry)} is left out: it is no such provider.")
            else:
                provider = made
        except Exception as error:  # noqa: BLE001 - foreign code may raise anything
            what = f"{type(error).__name__}: {error}"
            self._note(f"The provider {name!r} of {_source(entry)} cannot be loaded ({what}).")
        self._loaded[name] = provider
        return provider

    def _models_of(self, provider: Provider) -> Mapping[str, ModelSpec]:
        name = provider.spec.name
        shipped: Sequence[ModelSpec] = ()
        try:
            shipped = provider.models()
        except Exception as error:  # noqa: BLE001 - foreign code may raise anything
            self._note(f"The provider {name!r} cannot list its models ({type(error).__name__}: {error}).")
        return catalog.merge(shipped, self._found.get(name, {}))

    def _note(self, message: str) -> None:
        notice = Notice(kind="other", message=message)
        if notice not in self._notices:
            self._notices.append(notice)


def _source(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.value


def _hint(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""

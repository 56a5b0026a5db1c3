"""The presets of a user: a mapping for code, and what stands behind it on the loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from imgplay_widget import catalog
from imgplay_widget._plain import plain
from imgplay_widget._rules.changes import Change, PresetsWritten
from imgplay_widget._rules.presets import (
    MAX_PRESETS,
    Preset,
    check_preset_name,
    near_field,
    preset_of,
    stored_preset,
    with_words,
)
from imgplay_widget._rules.sheets import shortened
from imgplay_widget._rules.tables import html_table, text_table
from imgplay_widget._text import shown
from imgplay_widget.errors import ImgplayError, InvalidRequest, NotFound, UnknownParameter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imgplay_widget._engine.archive import Archive
    from imgplay_widget._types import JSON, ModelSpec
    from imgplay_widget.providers.registry import Registry

__all__ = ["Filled", "PresetShelf", "Presets"]

PRESET = "preset:"
"""The prefix of the settings that keep the presets; the name of the preset follows."""

HEAD = ("preset", "model", "parameters", "before the prompt", "after the prompt")

LONGEST_CELL = 80
"""The most characters that the table shows of words and of parameters."""

NOTHING_STORED = "Nothing was stored."


class Filled(NamedTuple):
    """What a request with a preset asks for.

    Attributes:
        prompt: the prompt with the words of the preset around it.
        model: ``"provider:id"``, or None for the model of the config panel.
        params: the parameters of the preset, with those of the request over them.
    """

    prompt: Any
    model: str | None
    params: dict[str, Any]


class PresetShelf:
    """The presets of a studio, as the store has them now. Its coroutines run on the engine's loop.

    Other kernels write presets too, so every call reads the store.

    Args:
        archive: the store.
        registry: the providers.
        learn: asks what a model takes of which only the id is known.
        notify: called with each change, after the change was committed.
    """

    def __init__(
        self,
        archive: Archive,
        registry: Registry,
        learn: Callable[[str], Awaitable[None]],
        notify: Callable[[Change], None],
    ) -> None:
        self._archive = archive
        self._registry = registry
        self._learn = learn
        self._notify = notify

    # -------------------------------------------------------------- reading

    async def all(self) -> dict[str, Preset]:
        """Return all presets by name, sorted by name."""
        found: dict[str, Preset] = {}
        stored = await self._archive.in_store(self._archive.store.settings, PRESET)
        for setting in sorted(stored, key=lambda name: (name.casefold(), name)):
            preset = stored_preset(stored[setting])
            if preset is not None:
                found[setting.removeprefix(PRESET)] = preset
        return found

    async def get(self, name: object) -> Preset:
        """Return a preset.

        Raises:
            InvalidRequest: the name cannot be that of a preset.
            NotFound: there is no such preset; the error lists near names.
        """
        found = check_preset_name(name)
        preset = stored_preset(await self._archive.setting(PRESET + found))
        if preset is None:
            raise await self._missing(found)
        return preset

    async def fill(self, name: object, prompt: Any, model: str | None, params: Mapping[str, Any]) -> Filled:
        """Return what a request with a preset asks for: what the request names itself goes first.

        With another model than that of the preset, the parameters of the preset that this model has count.

        Args:
            name: the name of the preset.
            prompt: the prompt of the request.
            model: the model of the request, or None for that of the preset.
            params: the parameters of the request.

        Raises:
            InvalidRequest: the name cannot be that of a preset.
            NotFound: there is no such preset, or its model is gone, or there is no such model.
        """
        preset = await self.get(name)
        own = dict(preset.params)
        if model is None and preset.model is not None:
            if not self.has_model(preset):
                raise NotFound(
                    f"The preset {shown(name)} uses {shown(preset.model)}, and there is no such model now.",
                    next_step="Give another model with the request, or save the preset with another model.",
                )
            model = preset.model
        elif model is not None and own:
            chosen = self._registry.find(model)[1]
            if chosen.name != preset.model:
                own = {one: value for one, value in own.items() if chosen.parameter(one) is not None}
        return Filled(with_words(plain(prompt), preset.prefix, preset.suffix), model, {**own, **params})

    def has_model(self, preset: Preset) -> bool:
        """Return whether there is the model of a preset, or the preset has none."""
        provider, _, model = (preset.model or "").partition(":")
        return preset.model is None or self._registry.has(provider, model)

    # -------------------------------------------------------------- writing

    async def save(self, name: object, given: object, *, replace: bool = True) -> None:
        """Check a preset against its model, and store it.

        Args:
            name: the name of the preset.
            given: the preset, as `preset_of` takes it.
            replace: False refuses a name that another preset has.

        Raises:
            InvalidRequest: the name, the words or a value of a parameter cannot be used; or another preset
                has the name; or there are too many presets.
            UnknownParameter: the model has no such parameter.
            NotFound: there is no such model.
        """
        chosen = check_preset_name(name)
        preset = await self._checked(preset_of(given))
        await self._store(chosen, preset.as_json(), replace=replace)

    async def put_back(self, name: object, given: object) -> None:
        """Store a preset that was just deleted, as it was: its model may be gone by now.

        Raises:
            InvalidRequest: it is not a preset, or another preset has the name.
        """
        await self._store(check_preset_name(name), preset_of(given).as_json(), replace=False)

    async def rename(self, name: object, to: object) -> None:
        """Give a preset another name.

        Raises:
            InvalidRequest: the new name cannot be that of a preset, or another preset has it.
            NotFound: there is no such preset.
        """
        old, new = check_preset_name(name), check_preset_name(to)
        if old == new:
            await self.get(old)
            return
        done = await self._archive.in_store(self._archive.store.rename_setting, PRESET + old, PRESET + new)
        if done == "missing":
            raise await self._missing(old)
        if done == "taken":
            raise _taken(new)
        self._notify(PresetsWritten())

    async def remove(self, name: object) -> None:
        """Delete a preset.

        Raises:
            InvalidRequest: the name cannot be that of a preset.
            NotFound: there is no such preset; the error lists near names.
        """
        found = check_preset_name(name)
        if not await self._archive.in_store(self._archive.store.remove_setting, PRESET + found):
            raise await self._missing(found)
        self._notify(PresetsWritten())

    async def _checked(self, preset: Preset) -> Preset:
        """Return a preset with the full name of its model and the values that the model takes."""
        if preset.model is None:
            return preset
        await self._learn(preset.model)
        spec = self._registry.find(preset.model)[1]
        params = _checked_params(spec, preset)
        return Preset(model=spec.name, params=params, prefix=preset.prefix, suffix=preset.suffix)

    async def _store(self, name: str, value: JSON, *, replace: bool) -> None:
        names = await self.all()
        if len(names) >= MAX_PRESETS and name not in names:
            raise InvalidRequest(
                f"There are {MAX_PRESETS} presets already, the most that there may be.",
                parameter="preset",
                next_step=f"Delete one that you do not need. {NOTHING_STORED}",
            )
        store = self._archive.store
        if replace:
            await self._archive.save_setting(PRESET + name, value)
        elif not await self._archive.in_store(store.add_setting, PRESET + name, value):
            raise _taken(name)
        self._notify(PresetsWritten())

    async def _missing(self, name: str) -> NotFound:
        names = [*await self.all()]
        near = get_close_matches(name, names, n=3, cutoff=0.5)
        if near:
            step = f"Did you mean {' or '.join(map(shown, near))}?"
        elif names:
            step = f"There are {', '.join(map(shown, names[:8]))}{' and more' if len(names) > 8 else ''}."
        else:
            step = "There is no preset yet. Save one on the page, or in code with pg.presets."
        return NotFound(f"There is no preset {shown(name)}.", next_step=step)


def _checked_params(spec: ModelSpec, preset: Preset) -> dict[str, Any]:
    """Return the parameters of a preset in the types of the model.

    Raises:
        InvalidRequest: a value is out of its range, or the words alone are too long for the model.
        UnknownParameter: the model has no such parameter.
    """
    if preset.prefix or preset.suffix:
        catalog.check_prompt(spec, with_words("any", preset.prefix, preset.suffix))
    try:
        request = catalog.make_request(spec, params=preset.params, partial=True)
    except UnknownParameter as error:
        odd = next(name for name in preset.params if spec.parameter(name) is None)
        meant = near_field(odd)
        if meant is None:
            raise
        raise UnknownParameter(f"{error.message} A preset also has {meant}: did you mean this?") from None
    # A parameter that is None is not sent, and stays None.
    return {name: request.params.get(name) for name in preset.params}


def _taken(name: str) -> InvalidRequest:
    return InvalidRequest(
        f"There is a preset {shown(name)} already.",
        parameter="preset",
        next_step=f"Choose another name. {NOTHING_STORED}",
    )


# ------------------------------------------------------------------ the mapping


class PresetKeeper(Protocol):
    """The parts of a studio that the mapping needs."""

    presets: PresetShelf

    def call(self, function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """Run a coroutine function on the studio's loop, and return its result."""
        ...

    def learn(self, name: str | None) -> None:
        """Ask what a model takes of which only the id is known."""
        ...


class Presets(MutableMapping[str, Preset]):
    """The presets of the user by name, which show themselves as a table.

    A change is stored before the call returns.
    ``pg.presets["poster"] = {"model": "demo:instant", "width": 768, "suffix": "in the style of a poster"}``
    saves a preset, and ``pg.generate("a fox", preset="poster")`` uses it. A name has 1 to 60 characters.
    Parameters may also stand in ``params``. A preset has no input images and no number of images.

    Saving raises what `generate` raises for such a request: `NotFound` for the model, `UnknownParameter`, and
    `InvalidRequest` for a value. A name that no preset has raises `NotFound`, which lists near names.
    """

    def __init__(self, keeper: PresetKeeper) -> None:
        self._keeper = keeper

    def __getitem__(self, name: str) -> Preset:
        """Return a preset."""
        return self._keeper.call(self._keeper.presets.get, name)

    def __setitem__(self, name: str, preset: Mapping[str, Any]) -> None:
        """Save a preset, also over another one of the name."""
        model = preset_of(preset).model
        if model is not None:
            # A key that is needed to ask for the model is looked for on the caller's thread.
            self._keeper.learn(model)
        self._keeper.call(self._keeper.presets.save, name, preset)

    def __delitem__(self, name: str) -> None:
        """Delete a preset."""
        self._keeper.call(self._keeper.presets.remove, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __contains__(self, name: object) -> bool:
        return name in self._all()

    def get(self, name: str, default: Any = None) -> Any:
        """Return a preset, or the default where there is none."""
        return self._all().get(name, default)

    def pop(self, name: str, *default: Any) -> Any:
        """Delete a preset and return it, or return the default where there is none."""
        if default and name not in self:
            return default[0]
        preset = self[name]
        del self[name]
        return preset

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return a preset, which is saved first where there is none."""
        if name not in self:
            self[name] = default
        return self[name]

    def rename(self, name: str, to: str) -> None:
        """Give a preset another name.

        Args:
            name: its name.
            to: the new name, which no other preset has.

        Raises:
            NotFound: there is no such preset.
            InvalidRequest: another preset has the new name, or it cannot be the name of a preset.
        """
        self._keeper.call(self._keeper.presets.rename, name, to)

    def __repr__(self) -> str:
        return self._shown(text_table)

    def _repr_html_(self) -> str:
        return self._shown(html_table)

    def _shown(self, table: Callable[[list[tuple[str, ...]], list[str]], str]) -> str:
        try:
            presets = self._all()
        except ImgplayError as error:
            # A cell must not fail because a value shows itself.
            return table([HEAD], [error.message])
        has_model = self._keeper.presets.has_model
        rows = [_row(name, preset, gone=not has_model(preset)) for name, preset in presets.items()]
        return table([HEAD, *rows], [] if rows else ["There is no preset yet."])

    def _all(self) -> dict[str, Preset]:
        return self._keeper.call(self._keeper.presets.all)


def _row(name: str, preset: Preset, *, gone: bool) -> tuple[str, ...]:
    params = ", ".join(f"{one}={shown(value, 40)}" for one, value in preset.params.items())
    return (
        name,
        f"{preset.model} (gone)" if gone else preset.model or "that of the request",
        shortened(params, LONGEST_CELL),
        shortened(preset.prefix, LONGEST_CELL),
        shortened(preset.suffix, LONGEST_CELL),
    )

"""A known server with OpenAI's Images API, as `catalog/presets/servers.toml` describes it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pybase64

from imgplay_widget._types import Missing, ModelSpec, Unit
from imgplay_widget.errors import Moderated
from imgplay_widget.providers._shared.answers import Item, link, text
from imgplay_widget.providers.base import Provider
from imgplay_widget.providers.openai import OpenAI

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget.catalog import ServerPreset
    from imgplay_widget.providers.http import Http

__all__ = ["KnownServer", "UnlistedServer", "known_server"]

_PROTOCOL = frozenset({"model", "prompt", "n", "size", "quality", "response_format"})
"""The fields that OpenAI's protocol has too."""
_SIZE = re.compile(r"(\d+)x(\d+)")
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def known_server(preset: ServerPreset, url: str, *, name: str, keyed: bool) -> KnownServer:
    """Return the provider of a known server.

    Args:
        preset: what is known of the server.
        url: the base address.
        name: the prefix in ``"provider:model"``.
        keyed: whether the server gets a key.
    """
    kind = UnlistedServer if preset.wire.list == "none" else KnownServer
    return kind(preset, url, name=name, keyed=keyed)


class KnownServer(OpenAI):
    """A known server, as its preset describes it.

    Args:
        preset: what is known of the server.
        url: the base address.
        name: the prefix in ``"provider:model"``.
        keyed: whether the server gets a key.
    """

    def __init__(self, preset: ServerPreset, url: str, *, name: str, keyed: bool) -> None:
        own = f"{re.sub('[^A-Z0-9]', '_', name.upper())}_API_KEY"
        # The variable of a service holds a key for its own address, and no other one must get it.
        usual = (preset.variable,) if preset.variable and preset.fits(url) else ()
        variables = usual if usual and name == preset.name else tuple(dict.fromkeys((own, *usual)))
        super().__init__(
            url,
            name=name,
            title=preset.title if name == preset.name else name,
            key_variables=variables if keyed else (),
        )
        self._preset = preset
        self.spec = replace(self.spec, key_url=preset.key_url, free=preset.free and self.spec.local)

    def models(self) -> Sequence[ModelSpec]:
        """Return the models that the preset offers."""
        return [replace(spec, provider=self.spec.name) for spec in self._preset.models]

    def model(self, id: str) -> ModelSpec | None:
        """Return the model of an id. An id that the preset does not list takes what most models take."""
        if not id:
            return None
        listed = {spec.id: spec for spec in (*self._preset.known, *self._preset.models)}
        known = listed.get(id) or listed.get(_DATED.sub("", id))
        title = known.title if known is not None and known.id == id else id
        return replace(known or self._preset.other, provider=self.spec.name, id=id, title=title)

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the header with the key."""
        header = self._preset.header
        return {header: f"Bearer {key}" if header == "Authorization" else key}

    async def discover(self, http: Http) -> Sequence[ModelSpec] | None:
        """Ask which models there are now, where the list has the models that the server can use.

        Raises:
            ProviderError: the question failed.
        """
        return None if self._preset.wire.list == "test" else await super().discover(http)

    async def check(self, http: Http) -> None:
        """Ask for the list of models, which is free and needs a good key."""
        await self._records(http)

    async def _records(self, http: Http) -> list[dict[str, Any]]:
        wanted = self._preset.wire.list_where
        return [
            record
            for record in await super()._records(http)
            if all(record.get(name) == value for name, value in wanted.items())
        ]

    def _form(self) -> str:
        return self._preset.wire.response_format

    def _asked(self, unit: Unit) -> dict[str, Any]:
        wire, spec = self._preset.wire, self.model(unit.model)
        asked = super()._asked(unit)
        negative = asked.pop("negative_prompt", "") if wire.negative == "bar" else ""
        if negative:
            asked["prompt"] = f"{asked['prompt']}|{negative}"
        if size := _SIZE.fullmatch(text(asked.get("size"))):
            form = wire.sizes.get(unit.model, wire.size)
            asked["size"] = form.format(width=size[1], height=size[2])
        if unit.seed is not None:
            asked["seed"] = unit.seed
        fields: dict[str, Any] = {}
        for name, value in asked.items():
            parameter = spec.parameter(name) if spec else None
            fields[(parameter.wire if parameter else "") or name] = value
        for name in (*wire.omits, *(wire.edit_omits if unit.references else ())):
            fields.pop(name, None)
        if wire.inside:
            more = {name: fields.pop(name) for name in [*fields] if name not in _PROTOCOL}
            if more:
                fields[wire.inside] = json.dumps(more, ensure_ascii=False)
        return fields

    def _content(self, unit: Unit, fields: Mapping[str, Any], http: Http) -> tuple[str, dict[str, Any]]:
        wire = self._preset.wire
        if unit.references and not wire.edits:
            images = [pybase64.b64encode(http.reference(one)).decode("ascii") for one in unit.references]
            return f"{self.origin()}/images/generations", {"json": {**fields, wire.references: images}}
        _, content = super()._content(unit, fields, http)
        if not unit.references:
            return f"{self.origin()}/images/generations", content
        files = [(wire.references if name == "image[]" else name, file) for name, file in content["files"]]
        return f"{self.origin()}{wire.edits}", {**content, "files": files}

    def _image(self, item: Mapping[str, Any], common: Mapping[str, Any]) -> Item | None:
        wire, seed = self._preset.wire, item.get("seed")
        if wire.refused and all(item.get(name) == value for name, value in wire.refused.items()):
            message = f"The content rules of {self.spec.title} held the image back."
            return Missing(error=Moderated(message, provider=self.spec.name).info)
        used = {**common, "seed": seed} if type(seed) is int else common
        found = super()._image(item, used)
        return found if found is not None or not wire.image else link(item.get(wire.image), **used)


class UnlistedServer(KnownServer):
    """A known server without a list of models, so that only an image tests its key."""

    discover = Provider.discover
    check = Provider.check

"""The reader of `presets/servers.toml`, which describes known servers with OpenAI's Images API.

A preset has an address, in which a word in braces is a blank that the user fills in, and says in ``wire``
where the server differs from OpenAI. Its models are written as in the file of a provider. The model ``"*"``
stands for every model that is not listed::

    [[servers]]
    name = "acme"
    title = "Acme"
    address = "https://{team}.acme.example/v1"
    variable = "ACME_API_KEY"
    source = "https://acme.example/docs"
    day = "2026-11-30"

    [servers.blanks.team]
    title = "Team"

    [servers.wire]
    omits = ["n"]

    [[servers.models]]
    id = "*"
    title = "*"
    parameters = ["width", "height"]
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from imgplay_widget._text import shown
from imgplay_widget.catalog._load import CatalogError, build, load, models_of, tables_of
from imgplay_widget.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._types import ModelSpec

__all__ = ["Blank", "ServerPreset", "ServerWire", "parse_servers", "server_preset", "server_presets"]

_FILE = "servers.toml"
_ANY = "*"
_BLANK = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """A part of an address that the user fills in.

    Attributes:
        name: the word in the braces, and the keyword in Python.
        title: the label.
        help: one sentence for people.
        example: a value as it may look.
        pattern: the regular expression that the whole value must match.
    """

    name: str
    title: str
    help: str = ""
    example: str = ""
    pattern: str = r"[A-Za-z0-9_-]+"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerWire:
    """How a server differs from OpenAI's Images API.

    Attributes:
        response_format: the value of this field; empty sends none.
        omits: the fields that the server refuses, and that are never sent.
        edit_omits: further fields that are not sent with input images.
        size: the form of a size.
        sizes: the form of a size for single models, by their ids.
        edits: the path for calls with input images; empty where they go to the path of the other calls, as
            base64 in JSON.
        references: the field with the input images, with ``[]`` at its end where OpenAI has it.
        negative: ``"field"``, or ``"bar"`` where the negative prompt follows a bar in the prompt.
        inside: the field whose text is JSON with what OpenAI's protocol does not have; empty for none.
        image: another field of the answer that may hold an image.
        refused: the values of fields of an entry of the answer, by which the server says that its content
            rules hold the image back.
        list: what the list of the models is good for: ``"models"``, the models to choose from; ``"test"``,
            only a test of the key; ``"none"``, not even that.
        list_where: the values that an entry of the list must have to be a model for images.
    """

    response_format: Literal["", "b64_json", "url"] = ""
    omits: tuple[str, ...] = ()
    edit_omits: tuple[str, ...] = ()
    size: str = "{width}x{height}"
    sizes: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    edits: str = "/images/edits"
    references: str = "image[]"
    negative: Literal["field", "bar"] = "field"
    inside: str = ""
    image: str = ""
    refused: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    list: Literal["models", "test", "none"] = "models"
    list_where: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPreset:
    """A known server that speaks OpenAI's Images API.

    Attributes:
        name: the name of the preset.
        title: the name of the server for people.
        address: the base address; a word in braces is a blank that the user fills in.
        help: a sentence or two for people.
        header: the header of the key: ``"Authorization"``, with ``Bearer`` before the key, or another one
            with the key alone.
        key: whether the server needs a key: ``"needed"`` or ``"optional"``.
        variable: the environment variable that usually holds the key, or empty.
        key_url: the web page where users get a key, or empty.
        free: True where the server runs on the user's own hardware, so that an image costs nothing as long as
            the server is on this machine or network.
        blanks: what the user fills in.
        wire: how the server differs from OpenAI.
        models: the models that the preset knows. Their provider is the name of the preset.
        other: what every other model takes; its id and title are ``"*"``.
        known: models of another catalog that the server may have too, which the preset does not offer.
        source: the public page or source that describes the server.
        day: the day (ISO 8601) on which the source said so.
    """

    name: str
    title: str
    address: str
    source: str
    day: str
    help: str = ""
    header: str = "Authorization"
    key: Literal["needed", "optional"] = "needed"
    variable: str = ""
    key_url: str = ""
    free: bool = False
    blanks: tuple[Blank, ...] = ()
    wire: ServerWire = ServerWire()
    models: tuple[ModelSpec, ...] = ()
    other: ModelSpec
    known: tuple[ModelSpec, ...] = ()

    def url(self, values: Mapping[str, str]) -> str:
        """Return the address with its blanks filled in.

        Args:
            values: the values of the blanks, by name.

        Raises:
            InvalidRequest: a blank is missing or cannot be part of an address, or there is no such blank.
        """
        names = [blank.name for blank in self.blanks]
        for name in values:
            if name not in names:
                takes = f"It takes {', '.join(names)}." if names else "It takes none."
                raise InvalidRequest(
                    f"The preset {self.name} does not have a part {shown(name)} in its address. {takes}",
                    parameter="preset",
                    next_step="Check the spelling. Nothing was stored.",
                )
        found = self.address
        for blank in self.blanks:
            value = str(values.get(blank.name, "")).strip()
            if not re.fullmatch(blank.pattern, value):
                wrong = f"={shown(value)} cannot be part of" if value else " is missing in"
                raise InvalidRequest(
                    f"{blank.name}{wrong} the address of {self.title}, {self.address}.",
                    parameter=blank.name,
                    next_step=f"Give a value such as {blank.example!r}. {blank.help} Nothing was stored.",
                )
            found = found.replace(f"{{{blank.name}}}", value)
        return found

    def fits(self, url: str) -> bool:
        """Return whether an address is one of this preset, so that its own key may be sent there."""
        form = re.escape(self.address)
        for blank in self.blanks:
            form = form.replace(re.escape(f"{{{blank.name}}}"), f"(?:{blank.pattern})")
        return re.fullmatch(form, url.rstrip("/")) is not None


@cache
def server_presets() -> tuple[ServerPreset, ...]:
    """Return the servers that the package knows, in their order."""
    text = (files("imgplay_widget.catalog") / "presets" / _FILE).read_text(encoding="utf-8")
    return parse_servers(text, file=_FILE)


def server_preset(name: str) -> ServerPreset:
    """Return the preset of a name.

    Raises:
        NotFound: there is no such preset; the error names those that there are.
    """
    names = [preset.name for preset in server_presets()]
    if name in names:
        return server_presets()[names.index(name)]
    near = get_close_matches(str(name).lower(), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise NotFound(
        f"There is no preset {shown(name)} of a server.{hint}",
        next_step=f"There are {', '.join(names)}. Nothing was stored.",
    )


def parse_servers(text: str, *, file: str) -> tuple[ServerPreset, ...]:
    """Return the presets of a file.

    Args:
        text: TOML, as the docstring of this module describes it.
        file: the name of the file in errors.

    Raises:
        CatalogError: the text is wrong; the message names the file and the field.
    """
    data = tables_of(text, file)
    shared = data.get("parameters", {})
    presets = tuple(_preset(table, shared, file) for table in data.get("servers", ()))
    names = [preset.name for preset in presets]
    if len(set(names)) < len(names):
        raise CatalogError(f"{file}: a preset is listed twice.")
    return presets


def _preset(table: Mapping[str, Any], parameters: Mapping[str, Any], file: str) -> ServerPreset:
    name = str(table.get("name", "?"))
    where = f"{file}: servers.{name}"
    values = dict(table)
    wire: dict[str, Any] = dict(values.pop("wire", {}))
    for key in ("omits", "edit_omits"):
        if key in wire:
            wire[key] = tuple(wire[key])
    values["wire"] = build(ServerWire, wire, f"{where}.wire")
    values["blanks"] = tuple(
        build(Blank, {"name": key, **blank}, f"{where}.blanks.{key}")
        for key, blank in values.pop("blanks", {}).items()
    )
    own = models_of({"parameters": parameters, "models": values.pop("models", ())}, provider=name, file=where)
    others = [model for model in own if model.id == _ANY]
    if len(others) != 1:
        raise CatalogError(f"{where}: a preset has one model {_ANY!r}, for every id that is not listed.")
    catalog, offered = values.pop("catalog", None), values.pop("offers", [])
    # Another service has prices and days of its own for the same model.
    known = {
        model.id: replace(
            model, provider=name, price=None, retired_on=None, successor=None, previews=False, description=""
        )
        for model in (load(catalog) if catalog else ())
    }
    missing = [one for one in offered if one not in known]
    if missing:
        raise CatalogError(f"{where}: offers: {missing[0]!r} is not in the catalog {catalog!r}.")
    values |= {
        "models": (*(known.pop(one) for one in offered), *(model for model in own if model.id != _ANY)),
        "other": others[0],
        "known": tuple(known.values()),
    }
    preset: ServerPreset = build(ServerPreset, values, where)
    _check(preset, where)
    return preset


def _check(preset: ServerPreset, where: str) -> None:
    blanks = [blank.name for blank in preset.blanks]
    if sorted(_BLANK.findall(preset.address)) != sorted(blanks):
        raise CatalogError(f"{where}: the blanks of the address are not those in blanks.")
    if preset.key not in ("needed", "optional"):
        raise CatalogError(f"{where}: key {preset.key!r} is not one of needed, optional.")
    if preset.wire.list not in ("models", "test", "none"):
        raise CatalogError(f"{where}: list {preset.wire.list!r} is not one of models, test, none.")
    try:
        date.fromisoformat(preset.day)
    except ValueError as error:
        raise CatalogError(f"{where}: day {preset.day!r} is not a day.") from error

"""Send the same requests by every built-in provider, and return what was sent as text.

Each provider goes to its own official address, where the server of its contract case answers. Nothing leaves
this machine, and nothing depends on the time, on chance or on the machine. ``make wire`` writes the files in
``tests/providers/wire``.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, closing, contextmanager, suppress
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any
from unittest import mock
from urllib.parse import quote, urlsplit

from imgplay_widget import catalog
from imgplay_widget._types import Done, ModelSpec, Parameter, Pending, Reference, Remote, Unit
from imgplay_widget.errors import ImgplayError, InvalidRequest, NetworkError
from imgplay_widget.providers import Http, Provider
from imgplay_widget.providers.http import new_client
from imgplay_widget.providers.registry import Registry
from imgplay_widget.testing.contract import KEY, PROMPT, Wire
from imgplay_widget.testing.recording import Recording, record
from imgplay_widget.testing.server import Answer, Received
from tests.providers.contract.test_contract_huggingface import BOTH, HubWire
from tests.providers.fuzz import cases
from tests.providers.lists import listed

TODAY = date(2026, 1, 1)
"""A day on which no model of a catalog is retired."""
SEED, ID = 11, "00000000-0000-7000-8000-000000000001"
MOST_POLLS = 3
ELSEWHERE = "https://files.example"

_PICTURES = (
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAAAwAQAAAACJMEGyAAAADklEQVR4nGNgGAVDCQAAAbAAAZFQESkAAAAASUVORK5CYII=",
    (
        "iVBORw0KGgoAAAANSUhEUgAAAGAAAABAAQAAAADNT0+jAAAAFklEQVR4nGP8z4AATAyjnFHOKIcEDgAPPQF/Qk0wpAAAAABJ"
        "RU5ErkJggg=="
    ),
    (
        "iVBORw0KGgoAAAANSUhEUgAAAFAAAABQAQAAAACmas8AAAAAFklEQVR4nGP8zwADTAyjzFHmKJOmTACCPQGfZJSM+QAAAABJ"
        "RU5ErkJggg=="
    ),
)
_SIZES = ((64, 48), (96, 64), (80, 80))
_MASK = (
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAAAwAQAAAACJMEGyAAAAAnRSTlMAAQGU/a4AAAAZSURBVHicY/zPwMDAyMDAwMQABaOM"
    "wcwAAAHKAWAURfYcAAAAAElFTkSuQmCC"
)
_WHITE_MASK = (
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAAAwAQAAAACJMEGyAAAAGUlEQVR4nGP8z8DAwMjAwMDEAAWjjMHMAAABygFgFEX2HAAA"
    "AABJRU5ErkJggg=="
)
# Pillow writes other bytes of the same picture with another version, so that the files are constants.
FILES = {sha256(data).hexdigest(): data for data in map(b64decode, (*_PICTURES, _MASK))}
REFERENCES = tuple(
    Reference(digest=digest, media_type="image/png", width=width, height=height)
    for digest, (width, height) in zip(FILES, _SIZES, strict=False)
)
MASK = Reference(digest=[*FILES][-1], media_type="image/png", width=64, height=48)

BY_HAND = ("gpt-image-9", "gemini-9-image", "acme/paint-9", "paint-9.safetensors", "paint-9")
"""Ids that no catalog has. The first that a provider takes shows what it sends for such a model."""


def recorded(name: str) -> str:
    """Return what a provider sends in all situations, for each family of its models.

    The text is empty for a provider without an address, which sends nothing.
    """
    with _surroundings():
        provider = Registry(entries=()).get(name)
        if not provider.origin():
            return ""
        wires = [wire for case, wire in cases().items() if case.startswith(f"{name}-")]
        assert wires, f"{name} has no contract case, whose server could answer"
        parts = [
            f"# What {provider.spec.title} gets, recorded by `make wire`. A family of models has one section."
        ]
        for ids, situations in _families(provider, wires).items():
            parts.append(f"==== {', '.join(ids)}")
            parts += [f"---- {situation}\n\n{text}" for situation, text in situations]
        parts.append("==== beside the calls")
        for question, ask in _questions(provider).items():
            text = asyncio.run(_asked(provider, wires[0], ask))
            if text:
                parts.append(f"---- {question}\n\n{text}")
    return "\n\n".join(parts)


@contextmanager
def _surroundings() -> Iterator[None]:
    """Keep the addresses, keys and workflows of this machine out."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG")
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(
            os.environ, {name: os.environ[name] for name in kept if name in os.environ}, clear=True
        ),
    ):
        os.environ["XDG_DATA_HOME"] = folder
        yield


# ------------------------------------------------------------------ models

Situations = tuple[tuple[str, str], ...]


def _families(provider: Provider, wires: Sequence[type[Wire]]) -> dict[tuple[str, ...], Situations]:
    """Return the situations of each family: the models whose requests differ in the id alone."""
    families: dict[Situations, list[str]] = {}
    for spec in _models(provider, wires):
        families.setdefault(tuple(_situations(provider, spec, wires)), []).append(spec.id)
    return {tuple(ids): situations for situations, ids in families.items()}


def _models(provider: Provider, wires: Sequence[type[Wire]]) -> list[ModelSpec]:
    """Return the shipped models, what the contract cases add to them, and one that is chosen by hand."""
    found = {spec.id: spec for spec in provider.models()}
    by_hand = [name for name in BY_HAND if name not in found and provider.model(name)]
    for name in (*(wire.model for wire in wires), *by_hand[:1]):
        spec = provider.model(name)
        if spec is not None:
            found.setdefault(name, spec)
    return list(found.values())


def _situations(
    provider: Provider, spec: ModelSpec, wires: Sequence[type[Wire]]
) -> Iterator[tuple[str, str]]:
    wire = next((wire for wire in wires if wire.model == spec.id), None) or _fitting(provider, spec, wires)
    for situation, options in _requests(provider, spec):
        text = asyncio.run(_called(provider, wire, spec, **options))
        yield situation, _without_id(text, spec.id)


def _fitting(provider: Provider, spec: ModelSpec, wires: Sequence[type[Wire]]) -> type[Wire]:
    """Return the case whose server finishes a job of a model, or the last one."""
    _, options = next(_requests(provider, spec))
    for wire in wires[:-1]:
        with suppress(ImgplayError, AssertionError):
            asyncio.run(_called(provider, wire, spec, **options))
            return wire
    return wires[-1]


def _without_id(text: str, id: str) -> str:
    for form in dict.fromkeys((id, quote(id), quote(id, safe=""))):
        text = text.replace(form, "<model>")
    return text


def _requests(provider: Provider, spec: ModelSpec) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the situations of a model."""
    rule = spec.references
    least = _least(provider, spec)
    if "references" not in least:
        yield "text to image", least
        plain = _others(provider, spec)
        if plain:
            yield "text to image, all parameters", {"params": plain}
    if spec.native_n > 1:
        yield "two images", {"n": 2, **least}
    if spec.previews:
        yield "without previews", {"previews": False, **least}
    if spec.cancel != "none":
        yield "cancelled", {"cancels": True, **least}
    if rule is None:
        return
    if not spec.mask_needed:
        yield "one reference", {**least, "references": REFERENCES[:1]}
    if spec.prompt == "optional":
        yield "one reference without words", {**least, "references": REFERENCES[:1], "prompt": ""}
    most = min(rule.max_count, len(REFERENCES))
    if most > 1:
        yield "several references", {**least, "references": REFERENCES[:most]}
    area: dict[str, Any] = {"references": REFERENCES[:1]}
    if spec.mask:
        area["mask"] = MASK
        yield "a mask", {**least, **area}
    full = _others(provider, spec, **area)
    if full:
        yield (
            "a mask, all parameters" if spec.mask else "a reference, all parameters",
            {**area, "params": full},
        )


def _prompt(spec: ModelSpec) -> str:
    return "" if spec.prompt == "none" else PROMPT


def _least(provider: Provider, spec: ModelSpec) -> dict[str, Any]:
    """Return what a request needs: an image where the model only changes images, and what has no default."""
    params: dict[str, Any] = {}
    least: dict[str, Any] = {}
    if spec.references and spec.references.min_count:
        least["references"] = REFERENCES[: spec.references.min_count]
    if spec.mask_needed:
        least["mask"] = MASK
    for parameter in spec.parameters:
        try:
            request = catalog.make_request(spec, prompt=_prompt(spec), params=params, today=TODAY, **least)
            provider.plan(request, spec, None if spec.seed == "none" else SEED)
        except InvalidRequest as error:
            if error.parameter == parameter.name:
                params[parameter.name] = next(_values(parameter))
    return {**least, "params": params} if params else least


def _others(provider: Provider, spec: ModelSpec, **area: Any) -> dict[str, Any]:
    """Return a value for each parameter, another one than its default where the model takes it."""
    chosen: dict[str, Any] = {}
    for choice in _choices(spec):
        if choice.keys() & chosen.keys():
            continue
        with suppress(InvalidRequest):
            request = catalog.make_request(
                spec, prompt=_prompt(spec), params={**chosen, **choice}, today=TODAY, **area
            )
            provider.plan(request, spec, None if spec.seed == "none" else SEED)
            chosen |= choice
    return chosen


def _choices(spec: ModelSpec) -> Iterator[dict[str, Any]]:
    """Return what can be chosen: both edges together, and one parameter after the other."""
    edges = [name for name in ("width", "height") if spec.parameter(name)]
    if edges:
        for size in ((1280, 768), (768, 1280), (1536, 1024)):
            yield dict(zip(edges, size, strict=False))
    for parameter in spec.parameters:
        if parameter.name not in edges:
            for value in _values(parameter):
                yield {parameter.name: value}


def _values(parameter: Parameter) -> Iterator[Any]:
    default = parameter.default
    if parameter.kind == "seed":
        yield 7
    elif parameter.choices:
        yield from (choice for choice in reversed(parameter.choices) if choice != default)
    elif parameter.type == "boolean":
        yield not default
    elif parameter.type == "string":
        yield "ink"
    else:
        low = parameter.minimum or 0
        high = low + 10 if parameter.maximum is None else parameter.maximum
        step = parameter.step or (1 if parameter.type == "integer" else 0.5)
        for share in (0.75, 0.5, 0.25):
            value = round(low + int((high - low) * share / step) * step, 6)
            if value != default:
                yield int(value) if parameter.type == "integer" else value


# ------------------------------------------------------------------ calls


async def _called(
    provider: Provider,
    wire_type: type[Wire],
    spec: ModelSpec,
    *,
    params: Mapping[str, Any] = {},
    n: int = 1,
    references: Sequence[Reference] = (),
    mask: Reference | None = None,
    previews: bool = True,
    cancels: bool = False,
    prompt: str | None = None,
) -> str:
    """Do what the engine does with a request, and return what was sent."""
    words = _prompt(spec) if prompt is None else prompt
    request = catalog.make_request(
        spec, prompt=words, n=n, params=params, references=references, mask=mask, today=TODAY
    )
    seed = request.params.get("seed", SEED) if spec.seed != "none" else None
    unit = replace(provider.plan(request, spec, seed)[0], key=ID)
    if not previews:
        unit = replace(unit, previews=False)

    async def drive(http: Http, wire: Wire) -> None:
        wire.waiting = cancels
        stream = provider.stream(unit, http)
        if stream is None:
            found = await provider.submit(unit, http)
        else:
            async with aclosing(stream):
                *_, found = [item async for item in stream]
        if cancels:
            await _cancel(provider, unit, found, http)
        else:
            await _follow(provider, unit, found, http)

    return (await _over(provider, wire_type, drive)).text


async def _cancel(provider: Provider, unit: Unit, found: object, http: Http) -> None:
    if isinstance(found, Pending):
        await provider.cancel(found.ticket, http)
    else:
        await provider.stop(unit, http)


async def _follow(provider: Provider, unit: Unit, found: object, http: Http) -> None:
    """Ask for the progress of a call and for its end, and fetch its images."""
    await provider.watch(unit, http)
    if isinstance(found, Pending):
        looks = provider.listen(found.ticket, http)
        with suppress(NetworkError):
            while looks is not None and await anext(looks, None):
                pass
    for _ in range(MOST_POLLS):
        if isinstance(found, Pending):
            found = await provider.poll(found.ticket, http)
    assert isinstance(found, Done), f"the server of the contract case does not finish {unit.model}"
    for image in found.images:
        if isinstance(image, Remote):
            await http.download(image.url)


async def _asked(provider: Provider, wire_type: type[Wire], ask: Callable[[Http], Awaitable[Any]]) -> str:
    async def drive(http: Http, wire: Wire) -> None:
        # The recording needs the request alone, so a refused answer does not matter.
        with suppress(ImgplayError):
            await ask(http)

    return (await _over(provider, wire_type, drive)).text


def _questions(provider: Provider) -> dict[str, Callable[[Http], Awaitable[Any]]]:
    found: dict[str, Callable[[Http], Awaitable[Any]]] = {
        "discovery": provider.discover,
        "check": provider.check,
    }
    words = provider.text_model()
    if words:
        found["words"] = lambda http: provider.write(words, "Name it.", PROMPT, http)
    return found


async def _over(
    provider: Provider,
    wire_type: type[Wire],
    drive: Callable[[Http, Wire], Awaitable[None]],
) -> Recording:
    """Run calls whose answers come from the server of a contract case."""
    name = wire_type.__module__.rpartition("_contract_")[2]
    official = urlsplit(provider.origin())
    wire = wire_type()
    if isinstance(wire, HubWire):
        wire.mapping = BOTH
    # The server answers without a socket.
    with closing(wire._listener), closing(wire.elsewhere._listener):
        case_path = urlsplit(wire_type.connect(wire.origin).origin()).path
        wire.origin = f"{official.scheme}://{official.netloc}"
        wire.elsewhere.origin = ELSEWHERE

        def answer(received: Received) -> Answer:
            path = received.path
            if path.startswith(official.path):
                path = case_path + path.removeprefix(official.path)
            received = replace(received, path=path)
            file = wire.elsewhere.files.get(path)
            if file is not None:
                return Answer(200, {"Content-Type": "image/png"}, file) if isinstance(file, bytes) else file
            # A request counts as one that arrived: the numbers of jobs follow from it.
            return listed(name, received) or wire._next(received)

        with record(answer=answer) as recording:
            async with new_client() as client:
                http = Http(
                    provider,
                    client,
                    lambda: KEY if provider.spec.key_variables or name == "a1111" else None,
                    lambda reference: FILES[reference.digest],
                    _white,
                )
                await drive(http, wire)
    return recording


async def _white(mask: Reference) -> bytes:
    return b64decode(_WHITE_MASK)

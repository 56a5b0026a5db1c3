"""The OpenAI Images API, and every server that speaks it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imgplay_widget import catalog
from imgplay_widget._types import (
    Done,
    ModelSpec,
    Parameter,
    Partial,
    Pending,
    ProviderSpec,
    ReferenceRule,
    Unit,
)
from imgplay_widget.errors import BadRequest, BadResponse, ProviderError
from imgplay_widget.providers._shared import addresses
from imgplay_widget.providers._shared.answers import (
    Item,
    collected,
    image_of,
    items_of,
    read_images,
    rows,
    table,
    text,
)
from imgplay_widget.providers._shared.chat import ask
from imgplay_widget.providers._shared.environment import bare, variable
from imgplay_widget.providers._shared.failures import unbilled
from imgplay_widget.providers._shared.listed import (
    litellm_price,
    makes_images,
    only_edits,
    records_of,
    takes_images,
)
from imgplay_widget.providers._shared.openai_errors import error_from
from imgplay_widget.providers._shared.streams import streamed
from imgplay_widget.providers.base import Provider
from imgplay_widget.providers.cloud import data_uri

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from imgplay_widget.providers.http import Http, Reply

__all__ = ["OpenAI"]

_OFFICIAL = "https://api.openai.com/v1"
_TEXT_MODEL = "gpt-5.6-luna"
"""The small model that OpenAI's deprecation page names as the successor of its nano models (2026-06)."""
_MAX_DATA_URI = 20_971_520
"""The most characters of an input image in JSON (``ImageRefParam`` of OpenAI's specification, 2026-08)."""
_PARTIALS = 2
"""The number of previews of one streamed image; each costs a few tokens."""
_OWN_MODELS = re.compile(r"gpt-image-[2-9].*|gpt-image-1\.5.*|gpt-image-1-mini.*|chatgpt-image-.*")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")


class OpenAI(Provider):
    """The Images API.

    Without arguments this is OpenAI itself, with the models of the catalog; ``OPENAI_BASE_URL`` may name a
    gateway. With another base URL or name it is any server that speaks the same protocol, and takes any
    model id.

    Args:
        base_url: up to and including ``/v1``; None for OpenAI itself.
        name: the prefix in ``"provider:model"``.
        title: the name for people; None makes one from `name`.
        key_variables: the environment variables that may hold the key. An empty tuple means that the server
            needs no key. None decides by the address: a server on this machine or network needs no key.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        name: str = "openai",
        title: str | None = None,
        key_variables: Sequence[str] | None = None,
    ) -> None:
        self._compatible = base_url is not None or name != "openai"
        base = bare(base_url or "") or variable("OPENAI_BASE_URL") or _OFFICIAL
        self._base = base.rstrip("/")
        local = addresses.is_local(self._base)
        if key_variables is None:
            own = (
                "OPENAI_API_KEY" if name == "openai" else f"{re.sub('[^A-Z0-9]', '_', name.upper())}_API_KEY"
            )
            key_variables = () if self._compatible and local else (own,)
        self.spec = ProviderSpec(
            name=name,
            title=title or ("OpenAI" if name == "openai" else name),
            key_variables=tuple(key_variables),
            key_url="" if self._compatible else "https://platform.openai.com/api-keys",
            # A local server has one graphics card, which makes one image after the other.
            concurrency=1 if local else 4,
            local=local,
        )

    def models(self) -> Sequence[ModelSpec]:
        """Return the catalog of OpenAI; no models for another server, which takes any id."""
        return () if self._compatible else catalog.load("openai")

    def model(self, id: str) -> ModelSpec | None:
        """Return the model of an id. Dated and newer ids, which the catalog does not list, are models too."""
        known = super().model(id) or super().model(_DATED.sub("", id))
        if known is not None:
            return known if known.id == id else replace(known, id=id, title=f"{known.title} ({id[-10:]})")
        if self._compatible:
            return _general(self.spec.name, id) if id else None
        return _general(self.spec.name, id) if _OWN_MODELS.fullmatch(id) else None

    def origin(self) -> str:
        """Return the base URL."""
        return self._base

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the headers with the key, the organisation and the project."""
        found = {"Authorization": f"Bearer {key}"}
        if not self._compatible:
            for header, name in (
                ("OpenAI-Organization", "OPENAI_ORG_ID"),
                ("OpenAI-Project", "OPENAI_PROJECT_ID"),
            ):
                if value := variable(name):
                    found[header] = value
        return found

    def text_model(self) -> str | None:
        """Return OpenAI's small text model. The text models of another server are unknown."""
        return None if self._compatible else _TEXT_MODEL

    async def write(self, model: str, instruction: str, text: str, http: Http) -> str:
        """Ask a text model by chat completions, which compatible servers also have."""
        return await ask(http, f"{self._base}/chat/completions", model, instruction, text, error_from)

    async def discover(self, http: Http) -> Sequence[ModelSpec] | None:
        """Ask which models there are now.

        OpenAI lists models of every kind; their ids tell which ones make images. Models of another server are
        left out where the server says that they do something else.

        Raises:
            ProviderError: the question failed.
        """
        found: list[ModelSpec] = []
        for record in await self._records(http):
            spec = self.model(text(record.get("id")))
            if spec is not None and makes_images(record) is not False:
                found.append(self._described(spec, record))
        return found

    async def _records(self, http: Http) -> list[dict[str, Any]]:
        """Return the records of the server's list of models, with what the server says of them elsewhere."""
        reply = await http.request("GET", f"{self._base}/models")
        if not reply.ok:
            raise error_from(reply, http)
        try:
            listed: object = reply.json()
        except ValueError:
            raise BadResponse("The list of models is not JSON.", provider=self.spec.name) from None
        records = records_of(listed, "data", http)
        if self._compatible and all(makes_images(record) is None for record in records):
            said = await self._abilities(http)
            records = [{**said.get(text(record.get("id")), {}), **record} for record in records]
        return records

    async def _abilities(self, http: Http) -> dict[str, dict[str, Any]]:
        """Return what a server says of its models beside its list, by their ids.

        The list of LocalAI and that of litellm hold ids only. LocalAI has the same list with abilities
        (mudler/LocalAI ``list_capabilities.go``, 2026-08), and litellm has the "mode" of each model
        (docs.litellm.ai, "Model Management"). Other servers answer 404.
        """
        for path in ("models/capabilities", "model/info"):
            try:
                reply = await http.request("GET", f"{self._base}/{path}")
                listed: object = reply.json() if reply.ok else None
            except (ProviderError, ValueError):
                continue
            said: dict[str, dict[str, Any]] = {}
            for row in map(table, rows(table(listed).get("data"))):
                # In litellm, several deployments may have one name. The first is as good as another.
                name = text(row.get("model_name")) or text(row.get("id"))
                said.setdefault(name, {**row, **table(row.get("model_info"))})
            if said:
                return said
        return {}

    def _described(self, spec: ModelSpec, record: Mapping[str, Any]) -> ModelSpec:
        """Return a model with what its record says of it."""
        ends = text(record.get("shutdown_date"))
        if _DAY.fullmatch(ends):
            spec = replace(spec, retired_on=ends)
        if not self._compatible:
            return spec
        if takes_images(record) is False:
            spec = replace(spec, references=None)
        if only_edits(record) and spec.references is not None:
            spec = replace(spec, references=replace(spec.references, min_count=1))
        return replace(spec, price=litellm_price(record, f"{self._base}/model/info"))

    async def check(self, http: Http) -> None:
        """Ask for the list of models, which is free and needs a good key."""
        await self.discover(http)

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Send one call and wait for its images."""
        return self._done(await self._plainly(unit, http), unit, http)

    async def _plainly(self, unit: Unit, http: Http) -> Reply:
        """Send one call without a stream, and return its answer."""
        fields = self._asked(unit)
        if form := self._form():
            fields["response_format"] = form
        url, content = self._content(unit, fields, http)
        reply = await http.request("POST", url, **content)
        if reply.status in (400, 422) and "response_format" in fields and b"response_format" in reply.body:
            # Only here, and where a stream is refused, a call is sent twice: the server refused a field by
            # its name, so it did no work, and nobody can know beforehand which servers take this field.
            del fields["response_format"]
            url, content = self._content(unit, fields, http)
            reply = await http.request("POST", url, **content)
        return reply

    def stream(self, unit: Unit, http: Http) -> AsyncGenerator[Partial | Pending | Done] | None:
        """Send one call with previews on the way, for a single image of a model that streams.

        The events carry no image index, so several images in one call have no previews.
        """
        if unit.n != 1 or not unit.previews:
            return None
        fields = {**self._asked(unit), "stream": True, "partial_images": _PARTIALS}
        url, content = self._content(unit, fields, http)
        return streamed(
            http.events("POST", url, **content),
            http,
            partials=_PARTIALS,
            whole=lambda reply: self._done(reply, unit, http),
            collect=lambda answer: self._collected(answer, unit, http),
            failed=lambda reply: error_from(reply, http),
            plainly=lambda: self._plainly(unit, http),
        )

    def _form(self) -> str:
        """Return the form in which the answer shall hold the images, or "" where the server is not asked."""
        return "b64_json" if self._compatible else ""

    def _asked(self, unit: Unit) -> dict[str, Any]:
        """Return the fields of a call, without the form of its answer."""
        params = dict(unit.params)
        width, height = params.pop("width", None), params.pop("height", None)
        if width is not None and height is not None:
            params["size"] = f"{width}x{height}"
        return {"model": unit.model, "prompt": unit.prompt, "n": unit.n, **params}

    def _content(self, unit: Unit, fields: Mapping[str, Any], http: Http) -> tuple[str, dict[str, Any]]:
        """Return the address, and the body: JSON, or a form if there are references.

        OpenAI's specification has `moderation` in the JSON of an edit, but not in its form. Other servers
        read forms only.

        Raises:
            BadRequest: an input image is too large for JSON.
        """
        if not unit.references:
            return f"{self._base}/images/generations", {"json": fields}
        if "moderation" in fields and not self._compatible:
            return f"{self._base}/images/edits", {"json": {**fields, **self._pictures(unit, http)}}
        files = [
            (
                "image[]",
                (f"image-{i}.{r.media_type.rpartition('/')[2]}", http.reference(r), r.media_type),
            )
            for i, r in enumerate(unit.references)
        ]
        if unit.mask is not None:
            files.append(("mask", ("mask.png", http.reference(unit.mask), unit.mask.media_type)))
        data = {name: "true" if value is True else str(value) for name, value in fields.items()}
        return f"{self._base}/images/edits", {"data": data, "files": files}

    def _pictures(self, unit: Unit, http: Http) -> dict[str, Any]:
        """Return the references and the mask as JSON."""
        found = [{"image_url": data_uri(http, one)} for one in (*unit.references, *filter(None, [unit.mask]))]
        if any(len(one["image_url"]) > _MAX_DATA_URI for one in found):
            raise unbilled(
                BadRequest(
                    "A reference is too large: together with moderation, OpenAI takes images of up to 15 MB.",
                    provider=self.spec.name,
                    next_step="Leave moderation out, or use a smaller file. Nothing was sent.",
                )
            )
        count = len(unit.references)
        return {"images": found[:count], **({"mask": found[count]} if unit.mask else {})}

    def _done(self, reply: Reply, unit: Unit, http: Http) -> Done:
        if not reply.ok:
            raise error_from(reply, http)
        answer = read_images(reply.body, reply.content_type, http)
        if isinstance(answer.get("error"), (dict, str)) and not answer.get("data"):
            raise error_from(reply, http)
        return self._collected(answer, unit, http, request_id=reply.request_id)

    def _collected(
        self,
        answer: Mapping[str, Any],
        unit: Unit,
        http: Http,
        *,
        request_id: str | None = None,
    ) -> Done:
        common = _applied(answer, unit)
        return collected(
            (self._image(item, common) for item in map(table, items_of(answer))),
            unit.n,
            http,
            request_id=request_id,
            usage=table(answer.get("usage")),
            served_by=text(answer.get("model")),
        )

    def _image(self, item: Mapping[str, Any], common: Mapping[str, Any]) -> Item | None:
        applied = dict(common)
        if isinstance(item.get("revised_prompt"), str):
            applied["revised_prompt"] = item["revised_prompt"]
        # Local servers give addresses like /generated-images/1.png.
        return image_of(item, base=f"{self._base}/", **applied)


def _applied(answer: Mapping[str, Any], unit: Unit) -> dict[str, Any]:
    applied = {
        name: answer[name]
        for name in ("quality", "background", "output_format")
        if isinstance(answer.get(name), str)
    }
    size = answer.get("size")
    if isinstance(size, str):
        match = re.fullmatch(r"(\d+)x(\d+)", size)
        if "size" in unit.params:
            applied["size"] = size
        elif match:
            applied |= {"width": int(match[1]), "height": int(match[2])}
    return applied


def _general(provider: str, id: str) -> ModelSpec:
    """Return a model that no catalog lists, with the parameters that every server takes."""
    edge = Parameter(
        name="width",
        type="integer",
        kind="width",
        title="Width",
        help="In pixels.",
        minimum=64,
        maximum=4096,
        step=8,
    )
    return ModelSpec(
        provider=provider,
        id=id,
        title=id,
        parameters=(
            edge,
            replace(edge, name="height", kind="height", title="Height"),
            Parameter(
                name="quality",
                type="string",
                title="Quality",
                help="In the server's own words.",
                max_length=40,
                advanced=True,
            ),
        ),
        references=ReferenceRule(max_count=16, max_bytes=50_000_000),
    )

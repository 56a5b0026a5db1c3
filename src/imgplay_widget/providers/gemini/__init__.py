"""Google's Gemini API: image models behind ``generateContent``.

One call gives one image. Refusals come as HTTP 200, in three shapes. Drafts of the model's thinking come
beside the finished image.

The protocol is that of googleapis/python-genai 3.6.1, and vercel/ai, ``packages/google`` (2026-08-22).

Models are asked by version ``v1``, which Google's clients use since November 2026. Their release notes
(python-genai 3.0.0, go-genai 1.78.0) name what is on ``v1beta`` alone: the aliases that end with
``-latest``, some previews, and models of speech. They do not name images and ``imageConfig``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pybase64

from imgplay_widget import catalog
from imgplay_widget._types import Done, Inline, ModelSpec, Parameter, Pending, ProviderSpec, Remote, Unit
from imgplay_widget.errors import BadRequest, ModelNotFound, Moderated, NoImage, ProviderError
from imgplay_widget.providers._shared.answers import Item, collected, image_of, read_images, rows, table, text
from imgplay_widget.providers._shared.environment import variable
from imgplay_widget.providers._shared.failures import perhaps_billed
from imgplay_widget.providers.cloud import HttpProvider
from imgplay_widget.providers.gemini.errors import error_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgplay_widget.providers.http import Http, Reply

__all__ = ["Gemini"]

_OWN_MODELS = re.compile(r"gemini-[\w.-]+|nano-banana[\w.-]*")
_PAINTS = re.compile(r"-image\b|nano-banana")
"""The list does not say which models make images; their ids do."""
_TEXT_MODEL = "gemini-3.1-flash-lite"
"""The small model that Google names as the successor of gemini-2.0-flash-lite (shut down on 2026-06-01)."""
_VERSION, _BETA_VERSION = "v1", "v1beta"
_IS_VERSION = re.compile(r"v\d\w*")
_BETA = re.compile(r"-latest$|-preview\b")
"""The ids of models that only the beta has."""
_MAX_PAGES = 20
_MODERATED = {
    "SAFETY",
    "PROHIBITED_CONTENT",
    "BLOCKLIST",
    "SPII",
    "RECITATION",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "MODEL_ARMOR",
    "JAILBREAK",
}
"""Reasons by which the same request is refused again; other reasons (OTHER, NO_IMAGE …) may be passing."""


class Gemini(HttpProvider):
    """The Gemini API of Google AI Studio.

    Args:
        base_url: another address of the same API, with or without the version at its end; None takes
            ``GOOGLE_GEMINI_BASE_URL``, or Google itself. Without a version, ``GOOGLE_GENAI_API_VERSION`` has
            it (``beta`` stands for ``v1beta``), or the model decides.
    """

    spec = ProviderSpec(
        name="gemini",
        title="Google Gemini",
        # The first variable is for this API only; the second may belong to any Google service.
        key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        key_url="https://aistudio.google.com/apikey",
    )
    address = "https://generativelanguage.googleapis.com"
    address_variable = "GOOGLE_GEMINI_BASE_URL"

    def __init__(self, base_url: str | None = None) -> None:
        super().__init__(base_url)
        said = variable("GOOGLE_GENAI_API_VERSION")
        version = _BETA_VERSION if said == "beta" else said
        with_version = _IS_VERSION.fullmatch(urlsplit(self.base_url).path.rpartition("/")[2]) is not None
        # A version of the user holds for all models.
        self._chosen = with_version or _IS_VERSION.fullmatch(version) is not None
        if not with_version:
            self.base_url += f"/{version if self._chosen else _VERSION}"

    def model(self, id: str) -> ModelSpec | None:
        """Return the model of an id. A model that the catalog does not list gets the parameters of all."""
        bare = id.removeprefix("models/")
        return super().model(bare) or (_general(bare) if _OWN_MODELS.fullmatch(bare) else None)

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the key in Google's own header. It never goes into an address."""
        return {"x-goog-api-key": key}

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Send one call and wait for its image."""
        reply = await http.request("POST", self._address(unit.model), json=_body(unit, http))
        if not reply.ok:
            raise self._error(reply, unit.model, http)
        answer = read_images(reply.body, reply.content_type, http, field="data")
        if answer.get("error"):
            code = table(answer["error"]).get("code")
            status = code if isinstance(code, int) and 400 <= code < 600 else 500
            raise self._error(reply, unit.model, http, status)
        request_id = text(_field(answer, "responseId")) or reply.request_id
        image = _painted(answer)
        if image is None:
            raise perhaps_billed(self._refusal(answer, request_id, http))
        return collected(
            [image],
            unit.n,
            http,
            request_id=request_id,
            usage=table(_field(answer, "usageMetadata")),
            served_by=text(_field(answer, "modelVersion")),
        )

    def _address(self, model: str) -> str:
        """Return the address of a model, in the version that has the model unless the user chose one."""
        base = self.base_url
        if not self._chosen and _BETA.search(model):
            base = f"{base.removesuffix(_VERSION)}{_BETA_VERSION}"
        return f"{base}/models/{quote(model, safe='')}:generateContent"

    def text_model(self) -> str | None:
        """Return Google's small text model."""
        return _TEXT_MODEL

    async def write(self, model: str, instruction: str, text: str, http: Http) -> str:
        """Ask a text model, by the same method that makes images."""
        body = {
            "systemInstruction": {"parts": [{"text": instruction}]},
            "contents": [{"role": "user", "parts": [{"text": text}]}],
        }
        reply = await http.request("POST", self._address(model), json=body)
        if not reply.ok:
            raise self._error(reply, model, http)
        answer = read_images(reply.body, reply.content_type, http)
        candidates = rows(answer.get("candidates"))
        parts = rows(table(table(candidates[0]).get("content")).get("parts")) if candidates else []
        words = [str(table(part).get("text") or "") for part in parts if not table(part).get("thought")]
        return "".join(words)

    async def discover(self, http: Http) -> Sequence[ModelSpec]:
        """Ask which models there are now, and return those that make images."""
        found: dict[str, ModelSpec] = {}
        page = ""
        for _ in range(_MAX_PAGES):
            answer = await self._listed(http, f"pageSize=1000{page}")
            for record in map(table, rows(answer.get("models"))):
                name = text(record.get("name")).removeprefix("models/")
                methods = rows(record.get("supportedGenerationMethods")) or ["generateContent"]
                if _PAINTS.search(name) and _OWN_MODELS.fullmatch(name) and "generateContent" in methods:
                    found[name] = self._described(name, record)
            token = text(answer.get("nextPageToken"))
            if not token:
                break
            page = f"&pageToken={quote(token, safe='')}"
        return list(found.values())

    async def check(self, http: Http) -> None:
        """Ask for one entry of the list of models, which costs nothing."""
        await self._listed(http, "pageSize=1")

    async def _listed(self, http: Http, query: str) -> dict[str, Any]:
        reply = await http.request("GET", f"{self.base_url}/models?{query}")
        if not reply.ok:
            raise self._error(reply, "", http)
        return read_images(reply.body, reply.content_type, http)

    def _described(self, id: str, record: Mapping[str, Any]) -> ModelSpec:
        known = super().model(id)
        if known is not None:
            return known
        return replace(
            _general(id),
            title=text(record.get("displayName")) or id,
            description=text(record.get("description"))[:300],
        )

    def _error(self, reply: Reply, model: str, http: Http, status: int | None = None) -> ProviderError:
        error = error_from(reply, http, status=status)
        if isinstance(error, ModelNotFound) and error.next_step == ModelNotFound.default_next_step:
            other = next(spec.name for spec in self.models() if spec.id != model)
            error.next_step = f"Choose another model, for instance {other}; this one may be retired."
        return error

    def _refusal(self, answer: Mapping[str, Any], request_id: str | None, http: Http) -> ProviderError:
        """Return the error of an answer without an image, which comes as HTTP 200."""
        common: dict[str, Any] = {"provider": self.spec.name, "request_id": request_id}
        feedback = table(_field(answer, "promptFeedback"))
        blocked = text(_field(feedback, "blockReason"))
        if blocked:
            said = text(_field(feedback, "blockReasonMessage"))
            return Moderated(_sentence("Gemini refused the prompt", blocked, said, http), **common)
        candidates = [table(candidate) for candidate in rows(answer.get("candidates"))]
        candidate = candidates[0] if candidates else {}
        reason = text(_field(candidate, "finishReason"))
        said = text(_field(candidate, "finishMessage")) or _words(candidate)
        if reason in _MODERATED:
            return Moderated(_sentence("Gemini refused the image", reason, said, http), **common)
        if reason == "LANGUAGE":
            return BadRequest(
                _sentence("Gemini does not take the prompt's language", reason, said, http),
                next_step="Write the prompt in another language.",
                **common,
            )
        what = "Gemini answered in words instead of an image" if said else "Gemini gave no image"
        return NoImage(_sentence(what, reason, said, http), **common)


def _body(unit: Unit, http: Http) -> dict[str, Any]:
    params = unit.params
    parts: list[dict[str, Any]] = [{"text": unit.prompt}]
    for reference in unit.references:
        data = pybase64.b64encode(http.reference(reference)).decode("ascii")
        parts.append({"inlineData": {"mimeType": reference.media_type, "data": data}})
    # Text is requested too, because a refusal has no words without it.
    config: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"]}
    image = {
        wire: params[name]
        for name, wire in (("aspect_ratio", "aspectRatio"), ("resolution", "imageSize"))
        if name in params
    }
    if image:
        config["imageConfig"] = image
    if "thinking_level" in params:
        config["thinkingConfig"] = {"thinkingLevel": params["thinking_level"]}
    if unit.seed is not None:
        config["seed"] = unit.seed
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}


def _painted(answer: Mapping[str, Any]) -> Item | None:
    """Return the last image that is not a draft, of the first candidate that has one."""
    broken: Item | None = None
    for candidate in map(table, rows(answer.get("candidates"))):
        for part in reversed([table(part) for part in rows(table(candidate.get("content")).get("parts"))]):
            inline = table(_field(part, "inlineData"))
            kind = text(_field(inline, "mimeType")).lower()
            if part.get("thought") is True or (kind and not kind.startswith("image/")):
                continue
            image = image_of(inline, "data")
            if isinstance(image, Inline):
                return replace(image, media_type=kind or image.media_type)
            if isinstance(image, Remote):
                return image
            broken = broken or image
    return broken


def _words(candidate: Mapping[str, Any]) -> str:
    parts = [table(part) for part in rows(table(candidate.get("content")).get("parts"))]
    return " ".join(text(part.get("text")) for part in parts if part.get("thought") is not True).strip()


def _sentence(what: str, reason: str, said: str, http: Http) -> str:
    shown = http.redact(said).strip()[:400]
    because = f" ({http.redact(reason)[:100]})" if reason not in ("", "STOP") else ""
    return f"{what}{because}: {shown}" if shown else f"{what}{because}."


def _field(of: Mapping[str, Any], name: str) -> Any:
    """Return a field of an answer. Gateways to the API spell its name with underscores."""
    return of.get(name, of.get(re.sub("[A-Z]", lambda match: f"_{match[0].lower()}", name)))


def _general(id: str) -> ModelSpec:
    """Return a model that the catalog does not list: it takes all parameters, without defaults."""
    newest = catalog.load("gemini")[0]
    return replace(
        newest,
        id=id,
        title=id,
        description="",
        parameters=tuple(_unset(parameter) for parameter in newest.parameters),
    )


def _unset(parameter: Parameter) -> Parameter:
    choices = ("512", *parameter.choices) if parameter.name == "resolution" else parameter.choices
    return replace(parameter, choices=choices, default=None)

"""How an image was made, as its file says: by this package, or by another tool."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget._rules.embedded import a1111, comfyui, invokeai
from imgplay_widget._rules.embedded.metadata import PARAMETERS, RECIPE
from imgplay_widget._rules.embedded.values import TOOL, json_of, number, parameters_of, table, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._rules.embedded.metadata import Metadata

__all__ = ["FileRecipe", "found_in"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecipe:
    """How an image was made, as its file says. What the file does not say is None, or empty.

    Attributes:
        tool: the program that made the image: "imgplay-widget", "AUTOMATIC1111", "Forge", "ComfyUI",
            "InvokeAI", "Fooocus" or "SwarmUI".
        prompt: the words that describe the image.
        negative_prompt: the words for what the image shall not show.
        model: the name of the model, as the tool names it; of this package, ``"provider:id"``.
        width, height: the requested size in pixels.
        cfg: how closely the image follows the prompt (classifier-free guidance).
        sampler: the name of the sampler or scheduler, as the tool names it.
        parameters: all other parameters by their names, as text.
        made_at: the time of the image, aware UTC.
        own: our own JSON, where this package wrote the file.
    """

    tool: str
    prompt: str
    negative_prompt: str = ""
    model: str | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    cfg: float | None = None
    sampler: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    made_at: datetime | None = None
    own: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the recipe as JSON types: of this package, all that the file says."""
        said = asdict(self)
        del said["own"], said["made_at"]
        said["parameters"] = dict(self.parameters)
        said["created_at"] = None if self.made_at is None else self.made_at.isoformat()
        return {**(self.own or {}), **said}


def found_in(metadata: Metadata) -> FileRecipe | None:
    """Return how an image was made, or None where its file does not say it. Nothing is evaluated."""
    texts = metadata.texts
    for read in (_own, _swarmui, _fooocus, invokeai.read, a1111.read, comfyui.read):
        said = read(texts)
        if said is not None:
            return said if isinstance(said, FileRecipe) else FileRecipe(**said)
    return None


def _own(texts: Mapping[str, str]) -> FileRecipe | None:
    said = json_of(texts.get(RECIPE))
    if said is None or not isinstance(said.get("prompt"), str) or not isinstance(said.get("model"), str):
        return None
    said.pop("format", None)
    made_at = None
    try:
        moment = datetime.fromisoformat(text(said.get("created_at")) or "")
        made_at = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    return FileRecipe(
        tool=text(said.get("tool")) or TOOL,
        prompt=said["prompt"],
        negative_prompt=text(said.get("negative_prompt")) or "",
        model=said["model"],
        seed=whole(said.get("seed")),
        width=whole(said.get("width")),
        height=whole(said.get("height")),
        steps=whole(said.get("steps")),
        cfg=number(said.get("cfg")),
        sampler=text(said.get("sampler")),
        parameters=parameters_of(table(said.get("parameters"))),
        made_at=made_at,
        own=said,
    )


def _swarmui(texts: Mapping[str, str]) -> FileRecipe | None:
    said = json_of(texts.get(PARAMETERS))
    params = table((said or {}).get("sui_image_params"))
    if not params:
        return None
    extra = table((said or {}).get("sui_extra_data"))
    named = ("prompt", "negativeprompt", "model", "seed", "width", "height", "steps", "cfgscale", "sampler")
    return FileRecipe(
        tool="SwarmUI",
        prompt=text(params.get("prompt")) or "",
        negative_prompt=text(params.get("negativeprompt")) or "",
        model=text(params.get("model")),
        seed=whole(params.get("seed")),
        width=whole(params.get("width")),
        height=whole(params.get("height")),
        steps=whole(params.get("steps")),
        cfg=number(params.get("cfgscale")),
        sampler=text(params.get("sampler")),
        parameters=parameters_of(params, without=named),
        made_at=_day(text(extra.get("date"))),
    )


def _day(said: str | None) -> datetime | None:
    try:
        return datetime.strptime(said or "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _fooocus(texts: Mapping[str, str]) -> FileRecipe | None:
    """Read a picture of Fooocus, which writes JSON of its own, or the text of A1111."""
    scheme = texts.get("fooocus_scheme")
    said = json_of(texts.get(PARAMETERS))
    if said is not None and (scheme == "fooocus" or "full_prompt" in said):
        edges = [whole(edge) for edge in _edges(said.get("resolution"))]
        width, height = edges if len(edges) == 2 else (None, None)
        named = (
            *("prompt", "negative_prompt", "base_model", "seed", "resolution", "steps", "guidance_scale"),
            *("sampler", "full_prompt", "full_negative_prompt"),
        )
        return FileRecipe(
            tool="Fooocus",
            prompt=text(said.get("prompt")) or "",
            negative_prompt=text(said.get("negative_prompt")) or "",
            model=text(said.get("base_model")),
            seed=whole(said.get("seed")),
            width=width,
            height=height,
            steps=whole(said.get("steps")),
            cfg=number(said.get("guidance_scale")),
            sampler=text(said.get("sampler")),
            parameters=parameters_of(said, without=named),
        )
    plain = a1111.read(texts) if scheme == "a1111" else None
    if plain is None:
        return None
    # The prompt of the user, before the styles and the expansion.
    rest = dict(plain["parameters"])
    prompt, negative = rest.pop("Raw prompt", None), rest.pop("Raw negative prompt", None)
    found = replace(FileRecipe(**plain), tool="Fooocus", parameters=rest)
    return replace(
        found,
        prompt=found.prompt if prompt is None else prompt,
        negative_prompt=found.negative_prompt if negative is None else negative,
    )


def _edges(said: Any) -> list[str]:
    """Return the two numbers of a size, which Fooocus writes as Python does: ``"(1152, 896)"``."""
    if isinstance(said, list):
        return [str(edge) for edge in cast("list[Any]", said)]
    return (text(said) or "").strip(" ()").split(",")

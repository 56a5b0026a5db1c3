"""What can be done with a finished image: which model does it, with which words and parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imgplay_widget._studio.configured import NAMED, able_models
from imgplay_widget._studio.edit import kept_params
from imgplay_widget._studio.inputs import SENT
from imgplay_widget.errors import NoAbleModel

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from imgplay_widget._types import Ability, Asset, Entry, Generation, ModelSpec, Reference
    from imgplay_widget.providers.keys import Keys
    from imgplay_widget.providers.registry import Registry

__all__ = ["WantedChange", "chosen_model", "follow_up_params", "takes_image", "words_wanted"]

_DOES: Mapping[Ability, str] = {
    "upscale": "enlarges images",
    "remove_background": "removes the background of images",
    "vary": "varies images",
    "outpaint": "extends images",
    "inpaint": "paints a part of an image anew",
}
"""What a model with an ability does, as the end of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedChange:
    """A request about a finished image. Nothing of it is checked against the model.

    Attributes:
        model: the name of the model, ``"provider:id"``.
        prompt: the words, which may be empty.
        params: the parameters that are given.
        reference: the image.
        topic_id: the topic of the image.
    """

    model: str
    prompt: str
    params: Mapping[str, Any]
    reference: Reference
    topic_id: str


def takes_image(spec: ModelSpec, asset: Asset) -> bool:
    """Return whether a model takes an image as its only reference."""
    rule = spec.references
    if rule is None or rule.min_count > 1 or asset.size > rule.max_bytes:
        return False
    # An image of a kind that nobody takes is sent as PNG.
    sent = asset.media_type if asset.media_type in SENT else "image/png"
    area = (asset.width or 0) * (asset.height or 0)
    return sent in rule.media_types and (rule.max_pixels is None or area <= rule.max_pixels)


def chosen_model(
    registry: Registry,
    keys: Keys,
    entry: Entry,
    asset: Asset,
    action: Ability,
    *,
    name: str | None,
    known: Collection[str],
    runs: Callable[[str], bool],
) -> ModelSpec:
    """Return the model of a follow-up.

    Args:
        registry: the providers.
        keys: the keys.
        entry: the batch of the image.
        asset: the image.
        action: what shall be done.
        name: the model that was asked for; None takes the best one that can be used now. That is the model
            which made the image, else one of its provider, else one that the user knows.
        known: the names of models that the user starred or used.
        runs: whether a provider, by its name, is known to be there.

    Raises:
        NoAbleModel: no model that can be used now does this with the image, or the model that was asked for
            does not.
        NotFound: there is no such model.
    """
    batch, does = entry.batch, _DOES[action]

    def can(spec: ModelSpec) -> bool:
        there = spec.provider == batch.provider or runs(spec.provider)
        return there and action in spec.abilities and takes_image(spec, asset)

    if name is not None:
        spec = registry.find(name)[1]
        if action in spec.abilities:
            return spec
    able = able_models(registry, keys, can, near=batch.provider, known=known)
    if name is not None:
        raise NoAbleModel(
            f"{name} is not a model that {does}.",
            ability=action,
            models=able.names,
            next_step=able.advice(does),
        )
    if not able.models:
        raise _nobody(registry, able.variables, can, action)
    own = f"{batch.provider}:{batch.model}"
    return next((spec for spec in able.models if spec.name == own), able.models[0])


def _nobody(
    registry: Registry, variables: Collection[str], can: Callable[[ModelSpec], bool], action: Ability
) -> NoAbleModel:
    """Return the error that no model does something, with those that would if their key were set."""
    owners = {provider.spec.name: provider.spec for provider in registry.providers()}
    would = [spec for spec in registry.models() if can(spec) and owners[spec.provider].key_variables]
    # One model of each provider is enough to choose from.
    first = {spec.provider: spec for spec in reversed(would)}
    named = [(spec.name, owners[spec.provider].key_variables[0]) for spec in reversed(first.values())]
    listed = [f"{name} ({variable})" for name, variable in named if variable in variables][:NAMED]
    step = f"Set the key of one that does: {', '.join(listed)}." if listed else "No provider here has one."
    return NoAbleModel(
        f"No model that can be used now {_DOES[action]} like this one.",
        ability=action,
        models=[spec.name for spec in would],
        next_step=f"{step} Nothing was stored, sent or paid.",
    )


def words_wanted(spec: ModelSpec, action: Ability) -> bool:
    """Return whether a follow-up without words of its own gets those of the image."""
    return spec.prompt == "needed" or (spec.prompt == "optional" and action == "vary")


def follow_up_params(
    spec: ModelSpec, entry: Entry, generation: Generation, action: Ability, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the parameters of a follow-up. Only another version of the image keeps those of the image."""
    if action != "vary":
        return dict(given)
    kept = kept_params(spec, entry, generation, given)
    # Another version has another seed.
    return {name: value for name, value in kept.items() if name != "seed" or name in given}

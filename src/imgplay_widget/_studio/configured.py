"""The models that can be used now, for errors that name them and for calls that choose one of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

from imgplay_widget.errors import TakesNoImages

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from imgplay_widget._types import ModelSpec
    from imgplay_widget.providers.keys import Keys
    from imgplay_widget.providers.registry import Registry

__all__ = ["Able", "able_models", "takes_no_images"]

NAMED = 5
"""The most models, or variables of keys, that an error names in its sentence."""

DEMO = "demo"
"""The provider whose images are no real ones. Its models come last."""


class Able(NamedTuple):
    """The models that can do something.

    Attributes:
        models: the models that can be used now, the best first.
        variables: the variables of the keys with which more models could be used.
    """

    models: list[ModelSpec]
    variables: list[str]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the models that can be used now, ``"provider:id"``."""
        return tuple(spec.name for spec in self.models)

    def advice(self, what: str) -> str:
        """Return the next step of an error: the models to choose from, else the keys to set.

        Args:
            what: what such a model does, after "a model that": "takes images".
        """
        nothing = "Nothing was stored, sent or paid."
        if self.models:
            more = f" and {len(self.models) - NAMED} more" if len(self.models) > NAMED else ""
            return f"Choose a model that {what}: {', '.join(self.names[:NAMED])}{more}. {nothing}"
        if self.variables:
            keys = ", ".join(self.variables[:NAMED])
            return f"Set the key of a provider that has a model that {what}, such as {keys}. {nothing}"
        return f"No provider here has a model that {what}. {nothing}"


def able_models(
    registry: Registry,
    keys: Keys,
    can: Callable[[ModelSpec], bool],
    *,
    near: str,
    known: Collection[str] = (),
    today: date | None = None,
) -> Able:
    """Return the models that can do something: their key is there, and they are not retired.

    Args:
        registry: the providers.
        keys: the keys.
        can: whether a model can do it.
        near: the provider whose models come first.
        known: the names of models that the user starred or used, which come before the others.
        today: the day to compare with `ModelSpec.retired_on`; None means the current day (UTC).
    """
    day = today or datetime.now(UTC).date()
    usable: list[ModelSpec] = []
    variables: dict[str, None] = {}
    states = {provider.spec.name: provider.spec for provider in registry.providers()}
    for spec in registry.models():
        retired = spec.retired_on is not None and date.fromisoformat(spec.retired_on) <= day
        if retired or not can(spec):
            continue
        owner = states[spec.provider]
        if keys.state(owner) != "missing":
            usable.append(spec)
        else:
            variables.setdefault(owner.key_variables[0])

    def rank(spec: ModelSpec) -> tuple[bool, ...]:
        # Nobody knows whether a server on this machine runs, and a key that is set was set to be used.
        ready = keys.state(states[spec.provider]) == "set"
        return spec.provider != near, spec.provider == DEMO, spec.name not in known, not ready

    return Able(sorted(usable, key=rank), list(variables))


def takes_no_images(spec: ModelSpec, able: Able) -> TakesNoImages:
    """Return the error that a model gets input images and takes none.

    Args:
        spec: the model.
        able: the models that take images.
    """
    return TakesNoImages(
        f"references: {spec.name} does not take input images.",
        parameter="references",
        next_step=able.advice("takes images"),
        models=able.names,
    )

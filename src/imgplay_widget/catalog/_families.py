r"""The models that a user names by hand: what an id takes that the catalogue does not list.

The file ``ids/families.toml`` has patterns of ids for each provider, in the order in which they are tried.
The first pattern that matches a whole id names a model of the catalogue, and the id takes what this model
takes::

    [[acme]]
    ids = 'paint-2[\w.-]*'
    like = "paint-2-pro"
    keeps = ["seed"]

Nobody knows whether such a model takes every parameter of its family. So no parameter has a default, which
would be sent although nobody set it, but those that the whole family takes (``keeps``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from imgplay_widget._types import ModelSpec, Parameter, ReferenceRule
from imgplay_widget.catalog._load import CatalogError, build, load, tables_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FILE", "by_hand", "families"]

FILE = "ids/families.toml"
"""The file, in the folder of the catalogue, whose other files have the models of one provider each."""

_LISTS = ("keeps", "drops", "opens")
"""The fields of a rule that name parameters."""

LONGEST_CHOICE = 40
"""The most characters of a value whose choices are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A rule for ids.

    Attributes:
        ids: the pattern that a whole id matches.
        like: the id of the model in the catalogue whose parameters such an id takes.
        same: True where such an id is a version of this model: it takes all that the model takes, with its
            defaults and limits.
        keeps: the parameters whose default is sent, because each model of the family takes them. For
            ``"seed"`` this means that a random seed is drawn.
        drops: the parameters that such an id does not take.
        opens: the parameters whose choices differ from model to model, so that any text goes.
        references: the rule for input images, or None where such an id takes none.
    """

    ids: re.Pattern[str]
    like: ModelSpec
    same: bool = False
    keeps: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()
    references: ReferenceRule | None = None

    def spec(self, id: str) -> ModelSpec:
        """Return the model of an id that matches."""
        common = replace(
            self.like, id=id, title=id, description="", price=None, retired_on=None, successor=None
        )
        if self.same:
            return common
        kept = (parameter for parameter in common.parameters if parameter.name not in self.drops)
        return replace(
            common,
            parameters=tuple(self._parameter(parameter) for parameter in kept),
            # The limits of a size differ even between the versions of one model.
            size_rule=None,
            seed=common.seed if "seed" in self.keeps else "none",
            references=self.references,
        )

    def _parameter(self, parameter: Parameter) -> Parameter:
        if parameter.name in self.opens:
            parameter = replace(parameter, choices=(), max_length=LONGEST_CHOICE)
        return parameter if parameter.name in self.keeps else replace(parameter, default=None)


def by_hand(provider: str, id: str) -> ModelSpec | None:
    """Return the model of an id that the catalogue does not list, or None where no family has such ids.

    Args:
        provider: the provider's name.
        id: the id, as the user typed it.
    """
    return next((family.spec(id) for family in families(provider) if family.ids.fullmatch(id)), None)


@cache
def families(provider: str) -> tuple[Family, ...]:
    """Return the families of a provider, in the order in which they are tried.

    Raises:
        CatalogError: the file is wrong; the message names the field.
    """
    rules: list[dict[str, Any]] = _file().get(provider, [])
    return tuple(_family(provider, rule, index) for index, rule in enumerate(rules))


@cache
def _file() -> dict[str, Any]:
    text = (files("imgplay_widget.catalog").joinpath(*FILE.split("/"))).read_text(encoding="utf-8")
    return tables_of(text, FILE)


def _family(provider: str, rule: Mapping[str, Any], index: int) -> Family:
    where = f"{FILE}: {provider}[{index}]"
    if not rule.get("ids"):
        raise CatalogError(f"{where}: ids is missing.")
    like = next((spec for spec in load(provider) if spec.id == rule.get("like")), None)
    if like is None:
        raise CatalogError(f"{where}: like: {rule.get('like')!r} is not a model of {provider}.toml.")
    named: dict[str, tuple[str, ...]] = {name: tuple(rule.get(name, ())) for name in _LISTS}
    for name, parameters in named.items():
        for parameter in parameters:
            if like.parameter(parameter) is None:
                raise CatalogError(f"{where}: {name}: {like.id} does not have {parameter!r}.")
    given: Any = rule.get("references", like.references)
    own = ReferenceRule(**cast("dict[str, Any]", given)) if isinstance(given, dict) else given or None
    values = {**rule, **named, "ids": re.compile(rule["ids"]), "like": like, "references": own}
    family: Family = build(Family, values, where)
    return family

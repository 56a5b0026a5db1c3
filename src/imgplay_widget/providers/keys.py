"""Where the providers' keys are, for the time of a studio. They are never shown, stored or pickled."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._types import ProviderSpec

__all__ = ["KeyState", "Keys"]

KeyState = Literal["not_needed", "set", "missing"]
"""What the page learns about a key."""


class Keys:
    """The keys of one studio: those that were given to it, then those of the environment.

    Args:
        values: keys by provider name.
        environ: the environment; read at each call, so that a key set in a later cell counts.
    """

    __slots__ = ("_environ", "_values")

    def __init__(
        self, values: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        self._values = {name: key.strip() for name, key in (values or {}).items()}
        self._environ: Mapping[str, str] = os.environ if environ is None else environ

    def get(self, spec: ProviderSpec) -> str | None:
        """Gives the key of a provider, or None where there is none."""
        given = self._values.get(spec.name)
        if given:
            return given
        for variable in spec.key_variables:
            # A key pasted with its line end would make an illegal header.
            value = self._environ.get(variable, "").strip()
            if value:
                return value
        return None

    def set(self, name: str, key: str | None) -> None:
        """Sets the key of a provider for this studio; None or "" forgets it."""
        if key and key.strip():
            self._values[name] = key.strip()
        else:
            self._values.pop(name, None)

    def state(self, spec: ProviderSpec) -> KeyState:
        """Says whether the provider needs a key, and whether it is there."""
        if not spec.key_variables:
            return "not_needed"
        return "set" if self.get(spec) else "missing"

    def __repr__(self) -> str:
        return f"Keys({', '.join(f'{name}=…' for name in sorted(self._values))})"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("Keys cannot be pickled or copied: they would leave the process.")

"""The keys of the providers, for as long as a studio is open. They are never shown or pickled."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn

from imgplay_widget.providers._shared import key_sources as sources
from imgplay_widget.providers._shared.environment import bare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from imgplay_widget._types import ProviderSpec

__all__ = ["KeyState", "Keys"]

KeyState = Literal["not_needed", "set", "missing"]
"""All that the page learns about a key."""


_KEYRING, _COLAB = "system keyring", "Colab secret"


class _Found(NamedTuple):
    key: str
    source: str


class Keys:
    """The keys of one studio.

    A key comes from the first of these sources that has it: keys that were given to the studio; the
    environment; a ``.env`` file in the working folder or above it; the system's keyring; Colab's secrets.
    `get`, `state` and `source` read memory and the environment only. `read_env_file` and `look` ask the slow
    sources and remember the answers.

    Args:
        values: keys by provider name.
        environ: the environment. It is read at each call, so that a key that a later cell sets counts.
        user: the id of the user who has keys of their own in the keyring; None for the owner of the keyring.
    """

    __slots__ = ("_environ", "_file", "_found", "_given", "_unshared", "_user")

    def __init__(
        self,
        values: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self._user = user
        self._unshared: set[str] = set()
        self._given: dict[str, _Found] = {}
        self._environ: Mapping[str, str] = os.environ if environ is None else environ
        self._file: Mapping[str, str] = {}
        self._found: dict[str, _Found] = {}
        for name, key in (values or {}).items():
            self.set(name, key)

    def get(self, spec: ProviderSpec) -> str | None:
        """Return the key of a provider, or None where there is none."""
        found = self._find(spec)
        return found.key if found else None

    def state(self, spec: ProviderSpec) -> KeyState:
        """Return whether the provider needs a key, and whether it is there."""
        if not spec.key_variables:
            return "not_needed"
        return "set" if self.get(spec) else "missing"

    def source(self, spec: ProviderSpec) -> str:
        """Return where the key comes from ("environment variable FAL_KEY"), or "" where there is none."""
        found = self._find(spec)
        return found.source if found else ""

    def set(self, name: str, key: str | None) -> None:
        """Set the key of a provider for this studio; None or "" forgets it."""
        key = bare(key or "")
        if key:
            self._given[name] = _Found(key, "given to this studio")
        else:
            self._given.pop(name, None)

    def keep_from_shared(self, name: str) -> None:
        """Take the key of a provider from no source that all users of a server share.

        A user chose the provider's name and address, and so the variable that would be sent there.
        """
        if self._user is not None:
            self._unshared.add(name)

    def remember(self, name: str, key: str | None) -> bool:
        """Set a key here and in the system's keyring. None forgets it in both.

        Never call this on the engine's loop, because the keyring may ask the user.

        Returns:
            True if the keyring now has the key (or no longer has it). False if there is no keyring, or if it
            refused; then the key is in memory only.
        """
        kept = sources.to_keyring(self._entry(name), bare(key or "") or None)
        self.set(name, key)
        self._found.pop(name, None)
        if kept and name in self._given:
            self._given[name] = self._given[name]._replace(source=_KEYRING)
        return kept

    def read_env_file(self) -> bool:
        """Read the ``.env`` files again. Return whether this changed anything."""
        before, self._file = self._file, sources.read_env_files(self._environ)
        return before != self._file

    def look(self, specs: Iterable[ProviderSpec]) -> bool:
        """Look in all sources for the keys of these providers. Return whether this changed anything.

        Never call this on the engine's loop: it may take seconds, or ask the user to unlock the keyring.
        """
        changed = self.read_env_file()
        for spec in specs:
            before, after = self._found.get(spec.name), None
            if spec.key_variables and self._at_hand(spec) is None:
                after = self._look_up(spec, before)
            if after is not None:
                self._found[spec.name] = after
            else:
                self._found.pop(spec.name, None)
            changed = changed or before != after
        return changed

    def _find(self, spec: ProviderSpec) -> _Found | None:
        return self._at_hand(spec) or self._found.get(spec.name)

    def _at_hand(self, spec: ProviderSpec) -> _Found | None:
        given = self._given.get(spec.name)
        if given or spec.name in self._unshared:
            return given
        for variables, source in ((self._environ, "environment variable {}"), (self._file, ".env file ({})")):
            for variable in spec.key_variables:
                value = bare(variables.get(variable, ""))
                if value:
                    return _Found(value, source.format(variable))
        return None

    def _look_up(self, spec: ProviderSpec, before: _Found | None) -> _Found | None:
        key = sources.from_keyring(self._entry(spec.name))
        if key:
            return _Found(key, _KEYRING)
        if not sources.can_ask_colab():
            # A key that another thread found there meanwhile stays.
            return before if before and before.source.startswith(_COLAB) else None
        key, variable = sources.colab_secret(spec.key_variables)
        return _Found(key, f"{_COLAB} {variable}") if key else None

    def _entry(self, name: str) -> str:
        """Return the name of a provider's entry in the keyring. The name of a provider has no colon."""
        return name if self._user is None else f"{name}:{self._user}"

    def __repr__(self) -> str:
        return f"Keys({', '.join(f'{name}=…' for name in sorted(self._given))})"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("Keys cannot be pickled or copied: they would leave the process.")

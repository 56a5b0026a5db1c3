"""The command `keys`. A key is never printed, and never an argument."""

from __future__ import annotations

import getpass
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from imgplay_widget._command.output import Exit
from imgplay_widget._studio.flags import UsageError
from imgplay_widget.errors import InvalidRequest, MissingPackage, NotFound

if TYPE_CHECKING:
    import argparse

    from imgplay_widget._command.output import Printer
    from imgplay_widget._command.parsing import Commands
    from imgplay_widget._types import ProviderSpec
    from imgplay_widget.providers.keys import Keys
    from imgplay_widget.providers.registry import Registry

__all__ = ["add", "key_documents"]

USAGE = """\
usage: imgplay keys                 which keys are set or missing
       imgplay keys set PROVIDER    read a key, and put it into the system's keyring
       imgplay keys forget PROVIDER take the key out of the system's keyring"""

LONGEST_LINE = 2**16
"""The most characters of a line on standard input that is read as a key."""


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add(
        "keys",
        keys,
        "show which keys are set or missing, set a key, or forget a key",
        examples=["imgplay keys", "imgplay keys set openai", "imgplay keys set fal < key.txt"],
    )
    # argparse repeats a wrong argument in its errors, and this one may be a key. So `keys` checks them.
    parser.add_argument("words", nargs="*", metavar="set|forget PROVIDER", help="nothing lists the keys")


def keys(args: argparse.Namespace, output: Printer) -> int:
    """Show the keys, set a key or forget a key."""
    from imgplay_widget._command.studio import opened

    words: list[str] = args.words
    if words and (words[0] not in ("set", "forget") or len(words) != 2):
        raise UsageError(
            "keys takes nothing, or set or forget and the name of a provider. A key is never an argument, "
            "because other programs can see arguments, and shells keep them",
            USAGE,
            "imgplay keys",
        )
    with opened(args, output) as studio:
        core = studio.core
        if words:
            spec = _provider(core.registry, words[1])
            key = _read_key(spec) if words[0] == "set" else None
            kept = core.call(partial(core.offers.keep_key, spec.name, key, remember=True))
            if key is not None and kept.kept_in != "keyring":
                raise _no_keyring(spec)
            core.keys.look([spec])
            said = kept.message if key is None else f"The key of {spec.title} is in the system's keyring."
            document = {"key": _document(spec, core.keys), "message": said}
            output.result(document, [said])
        else:
            core.keys.look([provider.spec for provider in core.registry.providers()])
            output.result({"keys": key_documents(core.registry, core.keys)}, _lines(core.registry, core.keys))
    return Exit.DONE


def key_documents(registry: Registry, keys: Keys) -> list[dict[str, Any]]:
    """Return the state of the key of each provider that needs one."""
    return [_document(spec, keys) for spec in _keyed(registry)]


def _document(spec: ProviderSpec, keys: Keys) -> dict[str, Any]:
    return {
        "provider": spec.name,
        "title": spec.title,
        "state": keys.state(spec),
        "source": keys.source(spec) or None,
        "variables": list(spec.key_variables),
        "keyUrl": spec.key_url or None,
    }


def _lines(registry: Registry, keys: Keys) -> list[str]:
    from imgplay_widget._rules.tables import text_table

    rows = [
        (spec.name, spec.title, keys.state(spec), keys.source(spec) or f"set {spec.key_variables[0]}")
        for spec in _keyed(registry)
    ]
    return [text_table([("provider", "title", "key", "where"), *rows])]


def _keyed(registry: Registry) -> list[ProviderSpec]:
    return [one.spec for one in registry.providers() if one.spec.key_variables]


def _provider(registry: Registry, name: str) -> ProviderSpec:
    keyed = {spec.name: spec for spec in _keyed(registry)}
    if name not in keyed:
        # The name is not repeated, because it may be a key in the wrong place.
        raise NotFound(
            "There is no provider of this name that needs a key.",
            next_step=f"Give one of {', '.join(keyed)}.",
        )
    return keyed[name]


def _read_key(spec: ProviderSpec) -> str:
    """Return the key that the user enters without seeing it, or the first line of standard input."""
    if sys.stdin.isatty():
        where = f" (made at {spec.key_url})" if spec.key_url else ""
        key = getpass.getpass(f"Key of {spec.title}{where}: ").strip()
    else:
        key = sys.stdin.readline(LONGEST_LINE).strip()
    if not key:
        raise InvalidRequest(
            "No key was entered, and nothing changed.", next_step="Enter the key, or pipe it in."
        )
    return key


def _no_keyring(spec: ProviderSpec) -> MissingPackage:
    variable = spec.key_variables[0]
    return MissingPackage(
        "No system keyring took the key, so it is kept nowhere.",
        next_step=(
            "Install imgplay-widget[keyring] on a machine that has a keyring, or set the variable "
            f"{variable}, or write {variable}=… into a file .env in your working folder."
        ),
    )

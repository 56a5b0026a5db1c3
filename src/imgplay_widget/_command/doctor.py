"""The command `doctor`: what is installed, what works, and what to do where something does not."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from concurrent.futures import CancelledError, wait
from typing import TYPE_CHECKING, Any, NamedTuple

from imgplay_widget._command.output import Exit, coloured, next_step_of
from imgplay_widget.errors import ImgplayError, StoreError, StoreTooNew

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from concurrent.futures import Future

    from imgplay_widget._command.output import Printer
    from imgplay_widget._command.parsing import Commands
    from imgplay_widget._command.studio import CommandStudio
    from imgplay_widget._store.health import Health
    from imgplay_widget._studio.key_reports import KeyCheck
    from imgplay_widget.providers.base import Provider

__all__ = ["add"]

PACKAGES = (
    *("anyio", "anywidget", "duckdb", "filelock", "httpx", "ipykernel", "pillow", "platformdirs", "psutil"),
    *("pydantic", "python-dotenv", "sqlalchemy", "tornado", "tqdm", "jupyter-server", "jupyterlab"),
    *("keyring", "socksio", "websockets"),
)
"""The packages whose versions are of use in a report. Some are optional."""

LITTLE_SPACE = 500 * 2**20
"""The free bytes of a disk below which images may soon not fit."""

BOLD, RED, GREEN, YELLOW = 1, 31, 32, 33


class _Problem(NamedTuple):
    what: str
    next_step: str


class _Answer(NamedTuple):
    provider: Provider
    outcome: str
    message: str


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add(
        "doctor",
        doctor,
        "show versions, the store, keys, providers and proxies, and what to do where something is wrong",
        examples=["imgplay doctor", "imgplay doctor --offline --json"],
    )
    parser.add_argument(
        "--timeout", type=float, default=5.0, metavar="SECONDS", help="the most time for all providers (5)"
    )
    parser.add_argument("--offline", action="store_true", help="ask no provider")


def doctor(args: argparse.Namespace, output: Printer) -> int:
    """Look at everything, and print what is wrong."""
    from imgplay_widget._command.studio import IN_MEMORY
    from imgplay_widget._store.health import look_at
    from imgplay_widget.catalog import server_presets
    from imgplay_widget.providers._shared import network
    from imgplay_widget.providers._shared.transport import usual

    health = look_at(args.store)
    problems = _store_problems(health)
    # The servers of the user are in the store. Where it cannot be opened, the rest is examined without them.
    store = args.store if health.exists and health.trouble is None else IN_MEMORY
    try:
        keys, answers = _keys_and_answers(args, output, store)
    except StoreError as error:
        problems.append(_Problem(error.message, next_step_of(error)))
        keys, answers = _keys_and_answers(args, output, IN_MEMORY)
    unusable = network.unusable(usual)
    problems += [_Problem(one.message, one.next_step) for one in unusable]
    # A provider that cannot be reached for such a variable is not a problem of its own.
    known = [one.message for one in unusable]
    problems += [
        _provider_problem(one)
        for one in answers
        if _is_problem(one) and not any(message in one.message for message in known)
    ]
    document = {
        "versions": _versions(),
        "store": _store_document(health),
        "keys": keys,
        "providers": [
            {"provider": one.provider.spec.name, "outcome": one.outcome, "message": one.message}
            for one in answers
        ],
        "serverPresets": [one.name for one in server_presets()],
        "proxies": _proxies(os.environ),
        "problems": [{"message": one.what, "nextStep": one.next_step} for one in problems],
    }
    output.result(document, _lines(document, answers))
    return Exit.FAILED if problems else Exit.DONE


def _keys_and_answers(
    args: argparse.Namespace, output: Printer, store: str | None
) -> tuple[list[dict[str, Any]], list[_Answer]]:
    """Return the state of the keys, and the answers of the providers."""
    from imgplay_widget._command.keys import key_documents
    from imgplay_widget._command.studio import opened

    args.store = store
    with opened(args, output) as studio:
        core = studio.core
        core.keys.look([provider.spec for provider in core.registry.providers()])
        answers = [] if args.offline else _ask_all(studio, args.timeout)
        return key_documents(core.registry, core.keys), answers


# ------------------------------------------------------------------ versions and proxies


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {
        "imgplay-widget": version("imgplay-widget"),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(),
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that change the way to a provider, without user names and passwords."""
    from imgplay_widget.providers._shared.network import CERTIFICATES, PROXIES

    names = (name for one in (*PROXIES, "NO_PROXY", *CERTIFICATES) for name in (one, one.lower()))
    return {name: _without_credentials(environ[name]) for name in names if environ.get(name)}


def _without_credentials(value: str) -> str:
    scheme, mark, rest = value.rpartition("://")
    _, at, host = rest.rpartition("@")
    return f"{scheme}{mark}{'…@' if at else ''}{host}"


# ------------------------------------------------------------------ the store


def _store_document(health: Health) -> dict[str, Any]:
    return {
        "location": health.location,
        "exists": health.exists,
        "writable": health.writable,
        "format": health.format,
        "newestFormat": health.newest_format,
        "journal": health.journal,
        "integrity": _integrity(health),
        "databaseBytes": health.database_bytes,
        "images": health.images,
        "imageBytes": health.image_bytes,
        "freeBytes": health.free_bytes,
        "network": health.network,
    }


def _integrity(health: Health) -> str | None:
    if not health.exists:
        return None
    if health.trouble is None or isinstance(health.trouble, StoreTooNew):
        return "ok"
    return health.trouble.message


def _store_problems(health: Health) -> list[_Problem]:
    found: list[_Problem] = []
    if health.trouble is not None:
        found.append(_Problem(health.trouble.message, next_step_of(health.trouble)))
    if not health.writable:
        found.append(
            _Problem(
                f"The history {health.location} cannot be written to.",
                "Make the file and its folder writable, or name another history with --store.",
            )
        )
    if health.free_bytes < LITTLE_SPACE:
        found.append(
            _Problem(
                f"The disk of the history has only {_size(health.free_bytes)} of free space.",
                "Free some space, or move the history with imgplay backup and imgplay restore.",
            )
        )
    if health.network is not None:
        found.append(
            _Problem(
                f"The history is on a network file system ({health.network}), where file locks can fail.",
                "Use it from one machine at a time, or name a local path with --store.",
            )
        )
    return found


# ------------------------------------------------------------------ the providers


def _ask_all(studio: CommandStudio, seconds: float) -> list[_Answer]:
    """Test the connection to the providers at the same time, by calls that cost nothing.

    A provider whose key is missing is not asked, and neither is one that needs no network.
    """
    core = studio.core
    asked: dict[Future[KeyCheck], Provider] = {
        core.start(core.offers.check, provider.spec.name): provider
        for provider in core.registry.providers()
        if provider.origin() and core.keys.state(provider.spec) != "missing"
    }
    wait(asked, timeout=seconds)
    return [_answer_of(provider, future, seconds) for future, provider in asked.items()]


def _answer_of(provider: Provider, future: Future[KeyCheck], seconds: float) -> _Answer:
    title = provider.spec.title
    if not future.done():
        future.cancel()
        return _Answer(provider, "no_network", f"{title} did not answer in {seconds:g} s.")
    try:
        check = future.result()
    except (ImgplayError, CancelledError) as error:
        return _Answer(provider, "other", f"{title} could not be asked ({error}).")
    return _Answer(provider, check.outcome, check.message)


def _is_problem(answer: _Answer) -> bool:
    if answer.outcome in ("good", "reached", "unknown"):
        return False
    # A server on this machine that needs no key may not be in use at all.
    return answer.outcome == "bad_key" or not _is_optional(answer.provider)


def _is_optional(provider: Provider) -> bool:
    return provider.spec.local and not provider.spec.key_variables


def _provider_problem(answer: _Answer) -> _Problem:
    name = answer.provider.spec.name
    steps = {
        "bad_key": f"Run imgplay keys set {name} with another key.",
        "no_network": "Check the network and the proxy variables above. Then run imgplay doctor again.",
    }
    return _Problem(answer.message, steps.get(answer.outcome, "Look at the status page of the provider."))


# ------------------------------------------------------------------ text


def _lines(document: Mapping[str, Any], answers: list[_Answer]) -> list[str]:
    versions, store = document["versions"], document["store"]
    lines = [_head("Versions"), *(f"  {name} {version}" for name, version in versions.items())]
    lines += ["", _head("History"), f"  {store['location']}"]
    if store["exists"]:
        lines += [
            f"  {store['images']} images, {_size(store['imageBytes'])}",
            f"  database {_size(store['databaseBytes'])}, journal {store['journal']}",
            f"  format {store['format']}, and this version writes {store['newestFormat']}",
            f"  integrity: {_mark(store['integrity'], good=store['integrity'] == 'ok')}",
        ]
    else:
        lines.append("  does not exist yet; it begins with the first image")
    lines += [f"  {_size(store['freeBytes'])} free on its disk"]
    lines += ["", _head("Keys")]
    for one in document["keys"]:
        where = one["source"] or f"set {one['variables'][0]}, or run imgplay keys set {one['provider']}"
        lines.append(f"  {one['title']}: {_mark(one['state'], good=one['state'] == 'set')} ({where})")
    lines += ["", _head("Providers")]
    lines += [_answer_line(one) for one in answers]
    if not answers:
        lines.append("  none was asked")
    lines += ["", _head("Servers that add_server knows by name"), f"  {', '.join(document['serverPresets'])}"]
    proxies = [f"  {name}={value}" for name, value in document["proxies"].items()]
    lines += ["", _head("Proxies"), *(proxies or ["  none is set"])]
    lines += ["", _head("Problems")]
    for one in document["problems"]:
        lines += [f"  {coloured(one['message'], RED, sys.stdout)}", f"    {one['nextStep']}"]
    return lines if document["problems"] else [*lines, f"  {_mark('none', good=True)}"]


def _answer_line(answer: _Answer) -> str:
    title = answer.provider.spec.title
    if _is_optional(answer.provider) and answer.outcome == "no_network":
        return f"  {title}: does not run"
    return f"  {title}: {_mark(answer.outcome, good=not _is_problem(answer))} ({answer.message})"


def _head(text: str) -> str:
    return coloured(text, BOLD, sys.stdout)


def _mark(text: str, *, good: bool) -> str:
    return coloured(text, GREEN if good else YELLOW, sys.stdout)


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"

"""The writer of ``docs/failures.md``: what a user reads when a request fails, for each provider.

Nothing in the tables is written by hand. The servers of the contract suite, which speak the protocols of the
providers, give each failure that a protocol has, and a studio reads them, as it does at a user's.

``python scripts/failures_table.py`` writes the file. With ``--check`` it only compares, and ends with 1 where
the file differs.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "tests" / "providers" / "contract"
sys.path[:0] = [str(ROOT / "src"), str(ROOT), str(CONTRACT)]

# Settings of this machine must not get into the document.
for variable in list(os.environ):
    if variable.endswith(("_BASE_URL", "_URL", "_HOST", "_ENDPOINT", "_KEY", "_TOKEN")):
        del os.environ[variable]

from imgplay_widget import errors  # noqa: E402
from imgplay_widget.errors import ImgplayError  # noqa: E402
from imgplay_widget.providers.openai import OpenAI  # noqa: E402
from imgplay_widget.testing import InstantClock, open_studio  # noqa: E402
from imgplay_widget.testing.contract import KEY, PROMPT, WAIT, ProviderContract, Wire  # noqa: E402
from imgplay_widget.testing.server import HANG, RESET_AFTER, Item, answer  # noqa: E402
from scripts.generated import write_or_compare  # noqa: E402

if TYPE_CHECKING:
    from imgplay_widget._studio.studio import Studio
    from imgplay_widget.providers.base import Provider

TARGET = ROOT / "docs" / "failures.md"
SITUATIONS: Mapping[str, str] = {
    "no_key": "No key is set",
    "bad_key": "The key is wrong, or may not do this",
    "billing": "The account has no credit",
    "rate_limited": "Too many requests, also after six tries",
    "model_not_found": "The provider does not have the model",
    "moderated": "The content is refused",
    "bad_parameter": "A parameter is refused",
    "server_error": "The provider fails",
    "overloaded": "The provider has no capacity, also after six tries",
    "bad_gateway": "A gateway stops waiting for the provider",
    "no_image": "The answer holds no image",
    "lost": "The provider no longer knows the job",
    "refused": "Nothing listens at the address",
    "broken": "The connection breaks after the request was sent",
    "silent": "The provider is silent until the deadline",
}
"""What each situation is called, in the order of the page."""

PARAMETER = "steps must be at most 50"
"""What the servers say about a parameter, in the shapes that the protocols have."""

HEAD = """# When a request fails

This page is generated: the test servers of the providers fail in each way that their protocols have, and a
studio reads the answers. After a change, run `make failures`. [The errors](reference/errors.md) has all
classes.

Each table is one situation. It has the class by which code catches the error, and the next step, which the
page shows beside the provider's own words. *Provider* stands there for the title of a provider, `name` for
its name, `PROVIDER_KEY` for its environment variable, and `https://keys.example` for the page that gives out
keys. *A gateway* is a server that you added and that speaks OpenAI's protocol, such as litellm's proxy.
"""


class GatewayWire(Wire):
    """A server of the user that speaks OpenAI's protocol, with the answers of common gateways."""

    model = "paint"
    keyed = False

    @classmethod
    def connect(cls, origin: str) -> Provider:
        """Return the provider of the server."""
        return OpenAI(f"{origin}/v1", name="gateway", title="A gateway")

    def failures(self) -> Mapping[str, Item]:
        """Return what gateways say."""

        def said(words: str, status: int, code: str | None = None) -> Item:
            return answer({"error": {"message": words, "type": "x", "param": None, "code": code}}, status)

        return {
            "no_key:401": said("Authentication Error, No api key passed in.", 401),
            "no_key:500": said("litellm.AuthenticationError: The api_key client option must be set", 500),
            "billing": said("You exceeded your current quota", 429, "insufficient_quota"),
            "moderated": said("rejected by the safety system", 400, "content_policy_violation"),
            "model_not_found:400": said("Invalid model name passed in model=none", 400),
            "model_not_found:404": said("The model `none` does not exist", 404),
            "model_not_found:500": said("could not load model: Model not found", 500),
            "model_not_found:503": said("No available channel for model none", 503),
            "rate_limited": said("slow down", 429),
            "server_error": said("oops", 500),
            "overloaded": said("busy", 503),
            "bad_gateway": said("too slow", 504),
            "no_image": answer({"data": []}),
        }


def wires() -> list[type[Wire]]:
    """Return a server for each provider, the first one of each module of the contract suite."""
    found: list[type[Wire]] = []
    for path in sorted(CONTRACT.glob("test_contract_*.py")):
        module = import_module(path.stem)
        suites = [
            one
            for one in vars(module).values()
            if isinstance(one, type) and issubclass(one, ProviderContract) and one is not ProviderContract
        ]
        found.append(suites[0].wire_type)
    return [*found, GatewayWire]


@contextmanager
def opened(provider: Provider, folder: Path, key: str | None, clock: InstantClock) -> Iterator[Studio]:
    """Return a studio with one provider."""
    store = folder / f"{provider.spec.name}-{bool(key)}-{len(list(folder.iterdir()))}.sqlite"
    keys = {provider.spec.name: key} if key else {}
    with open_studio(provider, store=store, clock=clock, keys=keys) as studio:
        yield studio


def rows_of(wire_type: type[Wire], folder: Path) -> Iterator[tuple[str, str, ImgplayError]]:
    """Yield the situations of a provider: the name, the provider's title, and the error of the user."""
    with wire_type() as wire:
        provider = wire_type.connect(wire.origin)
        title = provider.spec.title
        wanted = dict(wire.failures())
    if wire_type.keyed:
        yield "no_key", title, _failed(wire_type, None, folder, key=None)
    for name in sorted(wanted):
        if name.partition(":")[0] not in SITUATIONS:
            continue
        key = None if name.startswith("no_key") else KEY
        yield name.partition(":")[0], title, _failed(wire_type, name, folder, key=key)
    refusal = {"error": {"message": PARAMETER}, "message": PARAMETER, "detail": PARAMETER}
    yield "bad_parameter", title, _failed(wire_type, answer(refusal, 400), folder)
    yield "refused", title, _failed(wire_type, None, folder, dead=True)
    yield "broken", title, _failed(wire_type, RESET_AFTER, folder)
    yield "silent", title, _failed(wire_type, HANG, folder, silent=True)


def _failed(
    wire_type: type[Wire],
    failure: Item | str | None,
    folder: Path,
    *,
    key: str | None = KEY,
    dead: bool = False,
    silent: bool = False,
) -> ImgplayError:
    """Return the error of a request that fails by an answer, or by one of the wire's own, which it names."""
    clock = InstantClock()
    with wire_type() as wire:
        item = wire.failures()[failure] if isinstance(failure, str) else failure
        # A function changes what the server says later, so it is asked once.
        wire.script = [] if item is None else [item] * (1 if callable(item) or silent else 8)
        provider = wire_type.connect(_free_port() if dead else wire.origin)
        with opened(provider, folder, key, clock) as studio:
            try:
                name = f"{provider.spec.name}:{wire_type.model}"
                batch = studio.generate(PROMPT, model=name, deadline=60, **wire_type.params)
                if silent:
                    wire.wait_for(lambda _: len(wire.submits) == 1)
                    clock.advance(60)
                batch.result(WAIT)
            except ImgplayError as error:
                return _plain(error, provider)
    raise SystemExit(f"{wire_type.__name__}: a request that must fail did not.")


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _plain(error: ImgplayError, provider: Provider) -> ImgplayError:
    """Put words that stand for any provider in the place of a provider's own ones."""
    spec, step = provider.spec, error.next_step
    own = {
        **({spec.key_url: "https://keys.example"} if spec.key_url else {}),
        **dict.fromkeys(spec.key_variables, "PROVIDER_KEY"),
        f"({spec.name!r})": "('name')",
        spec.title: "Provider",
    }
    for word, general in own.items():
        step = step.replace(word, general)
    error.next_step = re.sub(r"http://127\.0\.0\.1:\d+", "https://provider.example", step)
    return error


def document() -> str:
    """Return the text of the page."""
    found: dict[str, dict[tuple[str, str], list[str]]] = {name: {} for name in SITUATIONS}
    with tempfile.TemporaryDirectory() as folder:
        for wire_type in wires():
            for situation, title, error in rows_of(wire_type, Path(folder)):
                row = (_class(error), error.next_step)
                titles = found[situation].setdefault(row, [])
                if title not in titles:
                    titles.append(title)
    parts = [HEAD]
    for situation, told in found.items():
        parts.append(f"## {SITUATIONS[situation]}\n")
        # The most common row comes first.
        ordered = sorted(told.items(), key=lambda item: (-len(item[1]), item[0]))
        lines = ["| providers | error | next step |", "| --- | --- | --- |"]
        lines += [f"| {', '.join(sorted(who))} | `{kind}` | {step} |" for (kind, step), who in ordered]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _class(error: ImgplayError) -> str:
    classes = cast("dict[str, Any]", vars(errors))
    named = (one for one in classes.values() if isinstance(one, type) and issubclass(one, ImgplayError))
    return next(one.__name__ for one in named if one.code == error.code)


def main() -> None:
    """Write or compare the file."""
    write_or_compare(TARGET, document, "failures", __doc__)


if __name__ == "__main__":
    main()

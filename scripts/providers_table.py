"""The writer of ``docs/providers.md``: the providers and their models, from the catalog and the tests.

``python scripts/providers_table.py`` writes the file. With ``--check`` it only compares, and ends with 1
where the file differs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

# Settings of this machine must not get into the document.
for variable in list(os.environ):
    if variable.endswith(("_BASE_URL", "_URL", "_HOST", "_ENDPOINT")):
        del os.environ[variable]

from imgplay_widget._studio.models import sizes  # noqa: E402
from imgplay_widget._types import ModelSpec  # noqa: E402
from imgplay_widget.catalog import ServerPreset, price_text, server_presets  # noqa: E402
from imgplay_widget.providers import Provider, Registry  # noqa: E402
from scripts.generated import write_or_compare  # noqa: E402

TARGET = ROOT / "docs" / "providers.md"
CONTRACT = "tests/providers/contract"

HEAD = """# Providers

This page is generated from the data of the models, which also make the form, the validation and the
planning. After a change, run `make providers`. Many providers accept a model that is not listed, by its id:
`model="fal:some/new-model"`. To add a provider, see [write-a-provider.md](write-a-provider.md).

- **a call**: the most images of one call. More images need more calls.
- **references**: the most input images, and whether the model takes a *mask*, which says what part of the
  first image may change.
- **does**: what the model does with a finished image: *upscale* enlarges it, *remove background* makes what
  is behind the subject transparent, *vary* makes another one like it, *outpaint* adds to its sides, *inpaint*
  paints the masked part anew. A model with *no words* takes no prompt.
- **seed**: *exact* makes the same image again, *best effort* a similar one. Each image has a seed of its own.
- **underway**: *previews* show a partial image, *progress* shows a fraction.
- **cancel**: the provider can stop a running job (*full*), or only a job that still waits (*queued*).
- **resume**: the studio finds a job again after a restart of the kernel.
- **list**: the provider lists its models itself (`pg.refresh_models("…")`).
- **test**: `pg.check("…")` tests the key by a call that costs nothing.
- **prices**: how many models have a known price, and the day of the price.
- **price**: the list price of one image with the default parameters, in USD, or of a megapixel. A range means
  that the provider decides. The prices are those of a day. The files of `imgplay_widget/catalog` name the day
  and the page that lists the price. Prices change, and your account may have others: the bill counts. Where
  the field is empty, no public price in USD was found.
- **cases**: the number of cases of the contract suite that the provider passes, against a server with its
  protocol.
"""

COLUMNS = (
    "provider",
    "key",
    "models",
    "a call",
    "references",
    "seed",
    "underway",
    "cancel",
    "resume",
    "list",
    "test",
    "prices",
    "cases",
)
PRESETS = """## Servers that you add

These servers speak OpenAI's protocol, and the studio knows where each of them differs.
`pg.add_server(preset="…")` adds one, and so does "Add a server…" on the page. A word in braces is a blank
that you fill in: `resource="my-team"`.

- **key**: the variable that usually holds the key, and whether the server needs one.
- **list**: whether the server lists its models, or the list only tests the key.
- **input images**: the most input images of a model.
- **cost**: *none* means that the server computes on your own hardware, if it is on your machine or network.
- **source**: the public page or source that describes the server, and the day on which it did.
"""
PRESET_COLUMNS = ("server", "address", "key", "models", "list", "input images", "cost", "source")
MODEL_COLUMNS = ("model", "title", "sizes", "a call", "references", "does", "seed", "price", "parameters")


def document(cases: Counter[str]) -> str:
    """Return the text of the page.

    Args:
        cases: the number of contract cases, by provider.
    """
    registry = Registry(entries=[])
    providers = registry.providers()
    broken = [notice.message for notice in registry.notices]
    if broken:
        sys.exit("\n".join(broken))
    parts = [HEAD, _table(COLUMNS, [_provider(one, cases) for one in providers])]
    for provider in providers:
        models = list(provider.models())
        spec = provider.spec
        parts.append(f"## {spec.title}\n")
        if spec.key_url:
            parts.append(f"You make a key at <{spec.key_url}>.\n")
        if models:
            parts.append(_table(MODEL_COLUMNS, [_model(model) for model in models]))
        else:
            parts.append("It ships no list of models, because they are those of your server.\n")
    parts += [PRESETS, _table(PRESET_COLUMNS, [_preset(preset) for preset in server_presets()])]
    return "\n".join(parts)


def _preset(preset: ServerPreset) -> list[str]:
    needed = preset.key == "needed"
    models = (*preset.models, preset.other)
    inputs = max((model.references.max_count for model in models if model.references), default=0)
    key = f"`{preset.variable}`, " if preset.variable else ""
    return [
        f"**{preset.title}** (`{preset.name}`)",
        f"`{preset.address}`",
        f"{key}needed" if needed else f"{key}optional",
        ", ".join(f"`{model.id}`" for model in preset.models) or "yours",
        {"models": "yes", "test": "tests the key", "none": ""}[preset.wire.list],
        str(inputs or ""),
        "none" if preset.free else "that of the service" if needed else "that of the models behind it",
        f"<{preset.source}> ({preset.day})",
    ]


def _provider(provider: Provider, cases: Counter[str]) -> list[str]:
    spec, models = provider.spec, list(provider.models())
    kind = type(provider)
    references = max((m.references.max_count for m in models if m.references), default=0)
    seeds = {model.seed for model in models}
    underway = [
        word
        for word, there in (
            ("previews", any(m.previews for m in models)),
            ("progress", any(m.progress for m in models)),
        )
        if there
    ]
    cancels = {model.cancel for model in models}
    listed = kind.discover is not Provider.discover
    tested = kind.check is not Provider.check or not provider.origin()
    return [
        f"**{spec.title}** (`{spec.name}`)",
        " or ".join(f"`{name}`" for name in spec.key_variables) or "none",
        str(len(models)) if models else "yours",
        str(max((m.native_n for m in models), default=1)),
        f"{references}{', a mask' if any(m.mask for m in models) else ''}" if references else "",
        "exact" if "exact" in seeds else "best effort" if "best_effort" in seeds else "",
        ", ".join(underway),
        "full" if "full" in cancels else "queued" if "queued" in cancels else "",
        "yes" if any(m.resume for m in models) else "",
        "yes" if listed else "",
        "yes" if tested else "",
        _prices(models),
        str(cases[_plain(spec.name)] or ""),
    ]


def _prices(models: list[ModelSpec]) -> str:
    """Return how many models have a price, and the days of the prices."""
    days = sorted({model.price.day for model in models if model.price})
    if not days:
        return ""
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{sum(model.price is not None for model in models)} of {len(models)} ({span})"


def _model(model: ModelSpec) -> list[str]:
    title = model.title
    if model.retired_on:
        title += f" (until {model.retired_on})"
    shown = ("width", "height", "size", "aspect_ratio", "resolution", "seed")
    return [
        f"`{model.name}`",
        title,
        sizes(model),
        str(model.native_n),
        f"{model.references.max_count}{', a mask' if model.mask else ''}" if model.references else "",
        _does(model),
        {"none": "", "best_effort": "best effort", "exact": "exact"}[model.seed],
        price_text(model),
        ", ".join(f"`{p.name}`" for p in model.parameters if p.name not in shown),
    ]


def _does(model: ModelSpec) -> str:
    """Return what a model does with a finished image, and whether it takes words."""
    words = {"needed": "", "optional": "words optional", "none": "no words"}[model.prompt]
    parts = [*(ability.replace("_", " ") for ability in model.abilities), words]
    return ", ".join(part for part in parts if part)


def _table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [list(head), ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def contract_cases() -> Counter[str]:
    """Return the number of contract cases of each provider, as pytest collects them."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", CONTRACT],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    names = re.findall(r"test_contract_(\w+)\.py::", run.stdout)
    return Counter(_plain(name) for name in names)


def main() -> None:
    """Write or compare the file."""
    write_or_compare(TARGET, lambda: document(contract_cases()), "providers", __doc__)


if __name__ == "__main__":
    main()

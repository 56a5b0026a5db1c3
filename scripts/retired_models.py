"""The report of models in the catalog whose provider ends them.

``python scripts/retired_models.py`` lists the models that are past their day, and those that end within 60
days. ``--on 2027-04-01`` takes another day than today. The report never fails: a model past its day refuses
requests and names its successor, and a maintainer decides when it leaves the catalog.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from imgplay_widget import catalog  # noqa: E402

SOON = timedelta(days=60)


def report(day: date) -> list[str]:
    """Return a line for each model that is past its day, or close to it, the earliest first.

    Args:
        day: the day to compare with.
    """
    found: list[tuple[date, str]] = []
    for file in sorted(files(catalog).iterdir(), key=lambda one: one.name):
        if not file.name.endswith(".toml"):
            continue
        for model in catalog.load(file.name.removesuffix(".toml")):
            end = date.fromisoformat(model.retired_on) if model.retired_on else None
            if end is None or end > day + SOON:
                continue
            state = "ended" if end <= day else "ends"
            after = f", then {model.provider}:{model.successor}" if model.successor else ""
            found.append((end, f"{model.name} {state} on {end.isoformat()}{after}"))
    return [line for _, line in sorted(found)]


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--on", type=date.fromisoformat, default=date.today(), metavar="DAY")  # noqa: DTZ011 - a local day
    print("\n".join(report(parser.parse_args().on)) or "No model is past its day.")


if __name__ == "__main__":
    main()

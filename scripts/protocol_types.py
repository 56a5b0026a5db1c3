"""The writer of ``js/src/protocol.gen.ts``, the page's types, from ``_page/protocol.py``.

``python scripts/protocol_types.py`` writes the file. With ``--check`` it only compares, and ends with 1 where
the file differs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from imgplay_widget import errors  # noqa: E402
from imgplay_widget._page import protocol  # noqa: E402
from scripts.generated import write_or_compare  # noqa: E402

JS = ROOT / "js"
TARGET = JS / "src" / "protocol.gen.ts"

ERRORS = (getattr(errors, name) for name in errors.__all__)
CODES = sorted({error.code for error in ERRORS if issubclass(error, errors.ImgplayError)})

UNIONS: dict[str, Any] = {
    # The page has texts of its own for these codes. A provider of a plug-in may have more codes.
    "ErrorCode": Literal[tuple(CODES)],
    "KernelMessage": protocol.KernelMessage,
    "PageMessage": protocol.PageMessage,
    "Call": protocol.Call,
    "Result": protocol.Result,
    "Event": protocol.Event,
}


def schema() -> dict[str, Any]:
    """Return one JSON schema with every message under ``$defs``."""
    adapters: list[tuple[str, Any, TypeAdapter[Any]]] = [
        (name, "serialization", TypeAdapter(union)) for name, union in UNIONS.items()
    ]
    unions, shared = TypeAdapter.json_schemas(adapters, by_alias=True)
    definitions = dict(shared["$defs"])
    for (name, _), union in unions.items():
        definitions[name] = union
    for definition in definitions.values():
        _strip_titles(definition)
    # A union with a name is also named where other types use it, so that the types stay readable.
    definitions["PageRequest"]["properties"]["call"] = {"$ref": "#/$defs/Call"}
    definitions["ReplyMessage"]["properties"]["result"] = {
        "anyOf": [{"$ref": "#/$defs/Result"}, {"type": "null"}]
    }
    definitions["Events"]["properties"]["events"]["items"] = {"$ref": "#/$defs/Event"}
    return {"$defs": dict(sorted(definitions.items()))}


def _strip_titles(definition: dict[str, Any]) -> None:
    """Remove the titles, because each title would become a type of its own."""
    definition.pop("title", None)
    for field in definition.get("properties", {}).values():
        field.pop("title", None)


def types() -> str:
    """Return the text of the types."""
    node = subprocess.run(
        ["node", "protocol.mjs"],
        cwd=JS,
        input=json.dumps(schema()),
        capture_output=True,
        text=True,
        check=False,
    )
    if node.returncode:
        sys.exit(node.stderr)
    return node.stdout


def main() -> None:
    """Write or compare the file."""
    write_or_compare(TARGET, types, "protocol", __doc__)


if __name__ == "__main__":
    main()

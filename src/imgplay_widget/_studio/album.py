"""The page of images that `export` writes: one file with all pictures, for any browser, without a script."""

from __future__ import annotations

import base64
import json
from html import escape
from typing import TYPE_CHECKING, Any

from imgplay_widget._types import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["END", "figure", "head", "heading"]

_STYLE = """
:root { color-scheme: light dark; --back: #f6f6f4; --card: #fff; --ink: #1d1d1f; --soft: #6a6a70;
  --line: #e2e2de }
@media (prefers-color-scheme: dark) {
  :root { --back: #161618; --card: #222225; --ink: #f1f1f3; --soft: #a0a0a8; --line: #37373c }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3.5rem) 5rem; max-width: 110rem;
  background: var(--back); color: var(--ink); font: 15px/1.45 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.9rem; letter-spacing: -.02em }
h2 { margin: 2.6rem 0 1rem; font-size: 1.2rem }
.soft { margin: .25rem 0 0; color: var(--soft); font-size: .88rem }
main { display: grid; gap: 1.25rem; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)) }
h2 { grid-column: 1 / -1 }
figure { margin: 0; overflow: hidden; background: var(--card); border: 1px solid var(--line);
  border-radius: 12px }
figure img, .gone { display: block; width: 100%; height: auto; background: var(--line) }
.gone { aspect-ratio: 4 / 3; display: grid; place-items: center; padding: 1rem; text-align: center;
  color: var(--soft) }
figcaption { padding: .8rem 1rem 1rem }
.prompt { margin: 0; overflow-wrap: anywhere; white-space: pre-line }
summary { margin-top: .5rem; color: var(--soft); font-size: .85rem; cursor: pointer }
dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem .9rem; margin: .6rem 0 0; font-size: .85rem }
dt { color: var(--soft) }
dd { margin: 0; overflow-wrap: anywhere }
.back { display: none }
figure:target { position: fixed; inset: 0; z-index: 1; display: grid; place-items: center; padding: 2vmin;
  overflow: auto; border: 0; border-radius: 0; background: var(--back) }
figure:target > .open { display: contents }
figure:target img { width: auto; max-width: 96vw; max-height: 82vh; border-radius: 8px }
figure:target figcaption { max-width: 50rem }
figure:target .back { display: inline-block; position: fixed; top: 1rem; right: 1.2rem; padding: .4rem .9rem;
  background: var(--card); color: var(--ink); border: 1px solid var(--line); border-radius: 99px;
  text-decoration: none }
@media print { figure { break-inside: avoid } }
"""

END = "</main></body></html>\n"


def head(title: str, about: str) -> str:
    """Return the beginning of the page.

    Args:
        title: its title.
        about: the line below the title.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f'<body><header><h1>{escape(title)}</h1><p class="soft">{escape(about)}</p></header>\n<main>'
    )


def heading(topic: str) -> str:
    """Return the heading of a topic."""
    return f"<h2>{escape(topic)}</h2>\n"


def figure(row: Mapping[str, Any], data: bytes | None) -> str:
    """Return an image with its prompt and its recipe.

    Args:
        row: the columns of the image.
        data: the bytes of its file, or None where the file is gone.
    """
    prompt = escape(row["prompt"] or ACTIONS.get(row["action"], row["model"]))
    star = "★ " if row["starred"] else ""
    parts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in _recipe(row))
    return (
        f'<figure id="{escape(row["id"])}">{_picture(row, prompt, data)}<figcaption>'
        f'<p class="prompt">{star}{prompt}</p><p class="soft">{escape(_line(row))}</p>'
        f"<details><summary>Recipe</summary><dl>{parts}</dl></details></figcaption></figure>\n"
    )


def _picture(row: Mapping[str, Any], prompt: str, data: bytes | None) -> str:
    if data is None:
        return '<div class="gone">The file of this image is gone.</div>'
    source = f"data:{escape(row['media_type'])};base64,{base64.b64encode(data).decode('ascii')}"
    size = f'width="{row["width"]}" height="{row["height"]}"' if row["width"] and row["height"] else ""
    return (
        f'<a class="open" href="#{escape(row["id"])}"><img loading="lazy" {size} alt="{prompt}" '
        f'src="{source}"></a><a class="back" href="#all">Back to all</a>'
    )


def _line(row: Mapping[str, Any]) -> str:
    seed = [] if row["seed"] is None else [f"seed {row['seed']}"]
    cost = [f"${row['cost_usd'].normalize():f}"] if row["cost_usd"] else []
    return " · ".join([row["model"], *seed, *cost, *(f"#{tag}" for tag in row["tags"])])


def _recipe(row: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "model", row["model"]
    if row["seed"] is not None:
        yield "seed", str(row["seed"])
    for name, value in _values(row["params"]):
        yield name, value
    if row["width"] and row["height"]:
        yield "size", f"{row['width']} × {row['height']}"
    for name, value in _values(row["scores"]):
        yield f"score {name}", value
    if row["seconds"] is not None:
        yield "took", f"{row['seconds']:.1f} s"
    yield "made at", f"{row['created_at']:%Y-%m-%d %H:%M} UTC"


def _values(given: str | None) -> list[tuple[str, str]]:
    values = {name: value for name, value in json.loads(given or "{}").items() if value not in (None, "")}
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in values.items()
        if name not in ("seed", "n", "width", "height")
    ]

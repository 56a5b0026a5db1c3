"""What changed between two versions of an image: the words of the prompt, the model, the size, the rest.

A *version* is an image in a chain: each one is the first reference of the request that made the next one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

from imgplay_widget._rules.recipes import sent_params

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from imgplay_widget._rules.recipes import Plain
    from imgplay_widget._types import Action, Entry, Generation, ModelSpec

__all__ = ["Altered", "Revision", "in_words", "revision", "words_between"]

MAX_PHRASES = 6
"""The most phrases that were added, and that were removed, in a revision."""

MAX_PHRASE = 80
"""The most characters of a phrase, and of a value in words."""

MAX_LINE = 200
"""The most characters of a revision in words."""

COMPARED = 400
"""The most words of each prompt that are compared, after those that both begin and end with. Prompts that a
person reads are shorter, and the time of the comparison grows with the square."""

ALIKE = 0.4
"""The least part of two prompts that must be the same words, for a comparison word by word. A prompt that
shares less is a new one, such as the instruction of an edit."""

# Characters of Chinese and Japanese, which are written without spaces: each one counts as a word.
_SIGNS = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORDS = re.compile(rf"[{_SIGNS}]|(?:(?![{_SIGNS}])\w)+(?:['’-](?:(?![{_SIGNS}])\w)+)*|[^\w\s]")


class Altered(NamedTuple):
    """A value that differs between two versions. None stands for a value that a version does not have.

    The name is that of a parameter, or ``"model"``, ``"size"`` (of the image, in pixels), ``"seed"``,
    ``"references"`` (the number of further input images) or ``"mask"``.
    """

    name: str
    before: Plain
    after: Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What changed from one version to the next.

    Attributes:
        action: what the user wanted of the version before, or None.
        added: the phrases that came into the prompt, in their order; the whole prompt where `rewritten`.
        removed: the phrases that went out of the prompt, in their order.
        rewritten: True where the prompts have so little in common that words are not compared.
        changes: the other values that differ.
    """

    action: Action | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    rewritten: bool = False
    changes: tuple[Altered, ...] = ()


class _Word(NamedTuple):
    key: str
    start: int
    end: int
    divides: bool


def revision(
    before: tuple[Entry, Generation],
    after: tuple[Entry, Generation],
    *,
    specs: tuple[ModelSpec | None, ModelSpec | None] = (None, None),
) -> Revision:
    """Return what changed from one version to the next.

    A parameter that only one of two models has counts where it is not the default: a default is no wish.

    Args:
        before: the version before, with its batch.
        after: the version, with its batch.
        specs: the models of both, as far as they are still known.
    """
    (old, _), (new, made) = before, after
    added, removed, rewritten = words_between(old.batch.prompt, new.batch.prompt)
    return Revision(
        action=new.batch.action,
        added=added,
        removed=removed,
        rewritten=rewritten,
        changes=(
            *_models(old, new, specs),
            *_altered("size", _size(before), _size(after)),
            *_parameters(before, after, specs),
            *_altered("references", None, _further(new) or None),
            *_altered("mask", None, True if new.batch.mask else None),
            *_altered("seed", before[1].seed, made.seed),
        ),
    )


def words_between(before: str, after: str) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Return the phrases that came into a prompt, those that went out, and whether the prompt is a new one.

    Neighbouring words are one phrase. A phrase that only moved, or that is written in other capitals, is left
    out. Each character of Chinese and Japanese counts as a word.
    """
    old, new = _words(before), _words(after)
    head = _same(zip(old, new, strict=False))
    tail = _same(zip(reversed(old[head:]), reversed(new[head:]), strict=False))
    left, right = old[head : len(old) - tail], new[head : len(new) - tail]
    if not _count((*left, *right)):
        return (), (), False
    cut = left[:COMPARED], right[:COMPARED]
    keys = [[word.key for word in part] for part in cut]
    matcher = SequenceMatcher(None, keys[0], keys[1], autojunk=False)
    around = _count((*old[:head], *old[len(old) - tail :]))
    same = around + sum(
        _count(cut[0][block.a : block.a + block.size]) for block in matcher.get_matching_blocks()
    )
    if 2 * same < ALIKE * (2 * around + _count(cut[0]) + _count(cut[1])):
        return _bounded([_line(after)]), (), True
    steps = [step for step in matcher.get_opcodes() if step[0] != "equal"]
    gone = [phrase for _, i, j, _, _ in steps for phrase in _phrases(before, cut[0][i:j])]
    came = [phrase for _, _, _, i, j in steps for phrase in _phrases(after, cut[1][i:j])]
    moved = {_folded(one) for one in gone} & {_folded(one) for one in came}
    return (
        _bounded([one for one in came if _folded(one) not in moved]),
        _bounded([one for one in gone if _folded(one) not in moved]),
        False,
    )


def in_words(change: Revision, most: int = MAX_LINE) -> str:
    """Return a revision as one line, or an empty text where nothing changed.

    Args:
        change: the revision.
        most: the most characters of the line.
    """
    action = "" if change.action is None else change.action.replace("_", " ")
    if change.rewritten:
        words = f"“{change.added[0]}”"
    else:
        signed = [("+", change.added), ("−", change.removed)]
        words = " · ".join(
            ", ".join(f"{sign} {phrase}" for phrase in phrases) for sign, phrases in signed if phrases
        )
    parts = [action, words, *(_in_words(one) for one in change.changes)]
    line = " · ".join(part for part in parts if part)
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _in_words(one: Altered) -> str:
    if one.name == "references":
        return "with 1 more image" if one.after == 1 else f"with {one.after} more images"
    if one.name == "mask":
        return "with a mask"
    name = one.name.replace("_", " ")
    if one.before is None:
        return f"{name} {_value(one.after)}"
    return f"{name} {_value(one.before)} → {_value(one.after)}"


def _value(value: Plain) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return _line(str(value))


# ------------------------------------------------------------------ words


def _words(text: str) -> list[_Word]:
    return [
        _Word(_folded(found[0]), *found.span(), unicodedata.category(found[0][0]).startswith("P"))
        for found in _WORDS.finditer(text)
    ]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _same(pairs: Iterable[tuple[_Word, _Word]]) -> int:
    """Return how many of the first pairs are the same word."""
    count = 0
    for one, other in pairs:
        if one.key != other.key:
            break
        count += 1
    return count


def _count(words: Sequence[_Word]) -> int:
    """Return the number of words, without punctuation."""
    return sum(not word.divides for word in words)


def _phrases(text: str, words: Sequence[_Word]) -> Iterator[str]:
    """Return the runs of words between punctuation, as they stand in the text."""
    start: int | None = None
    end = 0
    for word in words:
        if word.divides:
            if start is not None:
                yield _line(text[start:end])
            start = None
            continue
        start = word.start if start is None else start
        end = word.end
    if start is not None:
        yield _line(text[start:end])


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_PHRASE else f"{line[: MAX_PHRASE - 1]}…"


def _bounded(phrases: Sequence[str]) -> tuple[str, ...]:
    kept = tuple(phrases[:MAX_PHRASES])
    return kept if len(phrases) <= MAX_PHRASES else (*kept[:-1], f"{kept[-1]} …")


# ------------------------------------------------------------------ values


def _altered(name: str, before: Plain, after: Plain) -> tuple[Altered, ...]:
    return () if before == after else (Altered(name, before, after),)


def _models(old: Entry, new: Entry, specs: tuple[ModelSpec | None, ModelSpec | None]) -> tuple[Altered, ...]:
    names = _model(old), _model(new)
    titles = [name if spec is None else spec.title for name, spec in zip(names, specs, strict=True)]
    # Two providers may give the same model the same title.
    shown = names if titles[0] == titles[1] else titles
    return () if names[0] == names[1] else (Altered("model", shown[0], shown[1]),)


def _model(entry: Entry) -> str:
    return f"{entry.batch.provider}:{entry.batch.model}"


def _size(version: tuple[Entry, Generation]) -> str | None:
    """Return the size of an image, or the requested one before there is an image."""
    entry, generation = version
    asset = generation.asset
    width, height = (entry.batch.width, entry.batch.height) if asset is None else (asset.width, asset.height)
    return f"{width} × {height}" if width and height else None


def _further(entry: Entry) -> int:
    """Return the number of input images beside the first one and the mask."""
    return max(0, len(entry.batch.references) - 1)


_SIZES = frozenset({"width", "height", "size", "aspect_ratio"})
"""The kinds of parameters that the size of the image says already."""


def _parameters(
    before: tuple[Entry, Generation],
    after: tuple[Entry, Generation],
    specs: tuple[ModelSpec | None, ModelSpec | None],
) -> Iterator[Altered]:
    old, new = (sent_params(*version) for version in (before, after))
    for name in {**new, **old}:
        kinds = {name, *(one.kind for spec in specs if spec and (one := spec.parameter(name)))}
        if kinds & _SIZES or "seed" in kinds:
            continue
        if _wished(old, name, specs[0]) is None and _wished(new, name, specs[1]) is None:
            continue
        if name not in new and _model(before[0]) != _model(after[0]):
            # What another model had says nothing about this image.
            continue
        yield from _altered(name, old.get(name), new.get(name))


def _wished(params: Mapping[str, Plain], name: str, spec: ModelSpec | None) -> Plain:
    """Return the value of a parameter, or None for its default."""
    value = params.get(name)
    known = None if spec is None else spec.parameter(name)
    return None if known is not None and value == known.default else value

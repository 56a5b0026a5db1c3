"""From a prompt to a scene: the words that the demo knows, and their meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

__all__ = ["COLOURS", "Palette", "Scene", "mix", "read"]

RGB = tuple[int, int, int]


def _rgb(text: str) -> RGB:
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def mix(a: RGB, b: RGB, t: float) -> RGB:
    """Return the colour at t (0.0 to 1.0) on the way from a to b."""
    return (
        round(a[0] + (b[0] - a[0]) * t),
        round(a[1] + (b[1] - a[1]) * t),
        round(a[2] + (b[2] - a[2]) * t),
    )


COLOURS: dict[str, RGB] = {
    name: _rgb(value)
    for name, value in {
        "red": "d2402f",
        "crimson": "b3213a",
        "orange": "ee7f32",
        "golden": "e9b23f",
        "gold": "e9b23f",
        "yellow": "f3cd4e",
        "green": "4c9a5b",
        "emerald": "1f8f6a",
        "teal": "2a8c8f",
        "turquoise": "35b3ad",
        "cyan": "3fb6cf",
        "blue": "3671c6",
        "navy": "1f3470",
        "indigo": "4a3fa0",
        "purple": "7d45a8",
        "violet": "8a5bd0",
        "lavender": "a893d8",
        "magenta": "c63f9a",
        "pink": "ea8fb0",
        "brown": "80553a",
        "white": "eef0f0",
        "silver": "b9c2c9",
        "grey": "8b939a",
        "gray": "8b939a",
        "black": "20232a",
    }.items()
}

_WORDS: dict[str, tuple[str, ...]] = {
    "sea": (
        "sea",
        "ocean",
        "lake",
        "river",
        "water",
        "coast",
        "beach",
        "bay",
        "harbour",
        "harbor",
        "fjord",
        "wave",
    ),
    "mountain": ("mountain", "alp", "peak", "cliff", "volcano", "summit", "fjord", "himalaya"),
    "forest": ("forest", "wood", "tree", "pine", "jungle", "grove", "fir"),
    "city": ("city", "town", "skyline", "street", "skyscraper", "metropolis", "tokyo", "cyberpunk", "neon"),
    "snow": ("snow", "winter", "ice", "snowy", "frost", "frozen", "christmas", "arctic"),
    "desert": ("desert", "dune", "sahara", "sand", "canyon", "mars"),
    "space": ("space", "galaxy", "nebula", "planet", "cosmos", "universe", "astronaut", "spaceship", "orbit"),
    "flower": (
        "flower",
        "rose",
        "tulip",
        "lily",
        "bloom",
        "blossom",
        "lotus",
        "daisy",
        "dahlia",
        "sunflower",
    ),
    "hill": ("hill", "meadow", "field", "valley", "landscape", "countryside", "grass", "garden", "village"),
    "fox": ("fox", "vixen"),
    "cat": ("cat", "kitten", "kitty"),
    "bird": ("bird", "gull", "seagull", "swallow", "crow", "eagle", "crane", "goose"),
    "boat": ("boat", "ship", "sail", "sailboat", "yacht"),
    "moon": ("moon", "moonlight", "moonlit", "lunar"),
    "sun": ("sun", "sunlight"),
    "sunset": ("sunset", "dusk", "evening", "twilight", "sundown"),
    "dawn": ("dawn", "sunrise", "morning", "daybreak"),
    "night": ("night", "midnight", "star", "starry", "aurora", "dark", "neon", "cyberpunk"),
    "mist": ("mist", "misty", "fog", "foggy", "haze", "rain", "rainy", "cloudy"),
    "day": ("day", "noon", "sunny", "summer", "spring", "bright"),
    "aurora": ("aurora", "borealis"),
}
_MEANING: dict[str, list[str]] = {}
for _meaning, _group in _WORDS.items():
    for _word in _group:
        _MEANING.setdefault(_word, []).append(_meaning)

_TIMES = ("sunset", "dawn", "night", "mist", "day")
_SUBJECTS = ("fox", "cat", "bird", "boat", "flower")


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of a sky and of the land under it."""

    sky: tuple[RGB, ...]
    light: RGB
    glow: RGB
    far: RGB
    near: RGB
    cloud: RGB


def _palette(sky: str, light: str, glow: str, far: str, near: str, cloud: str) -> Palette:
    return Palette(
        sky=tuple(_rgb(c) for c in sky.split()),
        light=_rgb(light),
        glow=_rgb(glow),
        far=_rgb(far),
        near=_rgb(near),
        cloud=_rgb(cloud),
    )


_PALETTES: dict[str, tuple[Palette, ...]] = {
    "day": (
        _palette("2b6cb0 6fa8d8 cfe4ee f4efe2", "fffbe8", "fff3cf", "a6bfd0", "274f45", "ffffff"),
        _palette("3583b8 86c3dd e2eee6 faf0d8", "fffbe8", "fff0c4", "aac6c4", "33604a", "fffdf6"),
    ),
    "sunset": (
        _palette("27285c 7c3f7d e0685f ffbf7a", "fff1c9", "ffb765", "8f5a82", "21132f", "ff9f86"),
        _palette("1d3763 6a5a97 ee8a70 ffd9a2", "fff4d4", "ffc27c", "7f6796", "1c1833", "ffb79c"),
        _palette("35184a ad3f4a f28b3f ffd87e", "fff3c0", "ffae4a", "8a3f55", "220f24", "ff9a5c"),
    ),
    "dawn": (
        _palette("5478b4 b7a3cf f6c6b8 ffecd0", "fff8e6", "ffd9b4", "ad9cbd", "35435f", "ffe3dc"),
        _palette("6b8fb5 c9b8c9 f9d3c0 fff0d6", "fffaf0", "ffe0be", "b7a7b6", "3f4a5a", "fff0ea"),
    ),
    "night": (
        _palette("040a1e 0e2049 274777 52759f", "f6f2df", "9fb8e0", "27406a", "050b18", "41608c"),
        _palette("070a20 1c1b4d 45397f 7c6aa6", "f6efe4", "b9a9e6", "3a3470", "080818", "5a4f8f"),
    ),
    "mist": (
        _palette("8ea3ae b4c2c7 d9dedc ecebe3", "fdfbf2", "f6f1e2", "b9c5c8", "34464b", "e7ebea"),
        _palette("7f97a0 a9bbbd d2d9d3 e9e8db", "fdfbf2", "f2ecd8", "aebdbb", "2e4341", "e4e9e4"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The contents of a picture.

    Attributes:
        time: the time of day that sets the light.
        things: the things in it (``"sea"``, ``"mountain"``, ``"fox"`` …); empty for an abstract picture.
        palette: its colours.
        tint: the colour word for the whole picture, or None.
        subject: the colour word before the subject, or None.
    """

    time: str
    things: frozenset[str]
    palette: Palette
    tint: RGB | None
    subject: RGB | None


def read(prompt: str, without: str, rng: random.Random) -> Scene:
    """Return the scene that the words ask for. `rng` decides everything that they leave open.

    Args:
        prompt: the words.
        without: words for what shall not be there.
        rng: the picture's own source of chance.
    """
    words = _split(prompt)
    banned = {meaning for word in _split(without) for meaning in _MEANING.get(word, ())}
    things = {meaning for word in words for meaning in _MEANING.get(word, ())} - banned
    tint = subject = None
    for word, after in pairwise([*words, ""]):
        colour = COLOURS.get(word)
        if colour is None:
            continue
        if any(meaning in _SUBJECTS for meaning in _MEANING.get(after, ())):
            subject = colour
        else:
            tint = tint or colour
    named = [time for time in _TIMES if time in things]
    if named:
        time = named[0]
    elif things & {"space", "aurora", "moon"}:
        time = "night"
    elif "city" in things:
        time = rng.choice(["sunset", "night", "dawn"])
    elif "snow" in things:
        time = rng.choice(["dawn", "mist", "sunset", "day"])
    else:
        time = rng.choice(["day", "dawn", "sunset", "sunset", "mist"])
    return Scene(
        time=time,
        things=frozenset(things),
        palette=_tinted(rng.choice(_PALETTES[time]), tint),
        tint=tint,
        subject=subject,
    )


def _split(text: str) -> list[str]:
    words = re.findall(r"[a-z]+", text.lower())
    return [word if word in _MEANING or word in COLOURS else word.removesuffix("s") for word in words]


def _tinted(palette: Palette, tint: RGB | None) -> Palette:
    if tint is None:
        return palette

    def toward(colour: RGB) -> RGB:
        # The colour changes, its brightness stays: that keeps the light of the time of day.
        luma = 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]
        own = 0.3 * tint[0] + 0.59 * tint[1] + 0.11 * tint[2]
        if luma < own:
            full = mix((0, 0, 0), tint, luma / own)
        else:
            full = mix(tint, (255, 255, 255), (luma - own) / max(1.0, 255 - own))
        return mix(colour, full, 0.62)

    return Palette(
        sky=tuple(toward(colour) for colour in palette.sky),
        light=palette.light,
        glow=toward(palette.glow),
        far=toward(palette.far),
        near=toward(palette.near),
        cloud=mix(palette.cloud, toward(palette.cloud), 0.5),
    )

"""Pictures by rules: the same words, seed and size give the same picture. No model, no network."""

# pyright: reportUnknownMemberType=false
# Pillow's own types name numpy, which is not installed.

from __future__ import annotations

import random

from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from imgplay_widget.providers.demo.painting import land, sky
from imgplay_widget.providers.demo.painting.abstract import ribbons
from imgplay_widget.providers.demo.painting.brushes import dither, spot
from imgplay_widget.providers.demo.painting.words import Scene, mix, read

__all__ = ["emerge", "enlarge", "extend", "overlay", "paint", "retouch"]

LARGEST = 2048
"""The longest edge of a painted ground, in pixels. A larger ground is painted smaller, and then enlarged."""

SMALLEST = 256
"""The shortest edge of a painted ground, in pixels."""

SEAM = 12
"""The width of the soft edge of a painted part, in pixels."""


def paint(
    prompt: str,
    *,
    seed: int,
    width: int,
    height: int,
    style: str = "natural",
    vivid: float = 1.0,
    grain: bool = True,
    without: str = "",
) -> Image.Image:
    """Return a picture for a prompt.

    Args:
        prompt: words for scenes and colours count; other words only change the chance.
        seed: each seed makes another picture of the same scene.
        width: in pixels.
        height: in pixels.
        style: ``"natural"``, ``"soft"``, ``"duotone"`` or ``"monochrome"``.
        vivid: strength of the colours; 1.0 leaves them as they are.
        grain: whether film grain is added.
        without: words for what shall not be there.
    """
    # Style, size and finish must not change the scene, so that users can compare them.
    rng = random.Random(f"{' '.join(prompt.lower().split())}|{seed}")  # noqa: S311 - a picture, not a secret
    scene = read(prompt, without, rng)
    size = (width, height)
    if not scene.things:
        picture = ribbons(rng, size, scene)
    elif "space" in scene.things:
        picture = sky.space(rng, size, scene)
    else:
        picture = land.landscape(rng, size, scene)
    return _finish(rng, picture, scene, style, vivid, grain=grain)


def emerge(picture: Image.Image, progress: float, rng: random.Random) -> Image.Image:
    """Return a partial picture: coarse and noisy at first, then clearer and clearer."""
    coarse = max(2, round(max(picture.size) * progress**2 / 2))
    small = picture.resize(
        (
            max(2, coarse * picture.width // max(picture.size)),
            max(2, coarse * picture.height // max(picture.size)),
        ),
        Image.Resampling.BOX,
    )
    look = small.resize(picture.size, Image.Resampling.BICUBIC)
    return dither(rng, look, round(90 * (1 - progress) ** 1.5))


def overlay(picture: Image.Image, reference: Image.Image) -> Image.Image:
    """Return the picture with a reference woven into it as soft light."""
    fitted = ImageOps.fit(reference.convert("RGB"), picture.size, Image.Resampling.BICUBIC)
    return Image.blend(ImageChops.soft_light(picture, fitted), fitted, 0.25)


def enlarge(picture: Image.Image, factor: int) -> Image.Image:
    """Return the picture with edges that are longer by a factor. Nothing is added but pixels in between."""
    whole = picture if picture.mode in ("RGB", "RGBA", "L", "LA") else picture.convert("RGBA")
    return whole.resize((whole.width * factor, whole.height * factor), Image.Resampling.LANCZOS)


def extend(
    picture: Image.Image, prompt: str, *, seed: int, left: int, right: int, top: int, bottom: int
) -> Image.Image:
    """Return the picture on a ground that is larger by some pixels on each side.

    The ground is painted by the prompt. Without one, it mirrors the picture.
    """
    size = (picture.width + left + right, picture.height + top + bottom)
    whole = picture.convert("RGBA")
    canvas = _ground(prompt, seed, size) if prompt else _mirrored(whole, size, (left, top))
    canvas.paste(whole, (left, top), whole)
    return canvas


def retouch(picture: Image.Image, mask: Image.Image, prompt: str, *, seed: int) -> Image.Image:
    """Return the picture with what the mask has in white painted anew."""
    area = mask.convert("L").filter(ImageFilter.GaussianBlur(SEAM / 2))
    # Outside of the mask nothing changes, also not under the soft edge.
    area = ImageChops.darker(area, mask.convert("L"))
    return Image.composite(_ground(prompt, seed, picture.size), picture.convert("RGB"), area)


def _mirrored(picture: Image.Image, size: tuple[int, int], at: tuple[int, int]) -> Image.Image:
    canvas = Image.new("RGB", size)
    across, down = ImageOps.mirror(picture), ImageOps.flip(picture)
    both = ImageOps.flip(across)
    (width, height), (x, y) = picture.size, at
    for column in range(-x // width, (size[0] - x) // width + 1):
        for row in range(-y // height, (size[1] - y) // height + 1):
            tile = ((picture, down), (across, both))[column % 2][row % 2]
            canvas.paste(tile.convert("RGB"), (x + column * width, y + row * height))
    return canvas


def _ground(prompt: str, seed: int, size: tuple[int, int]) -> Image.Image:
    share = min(1.0, LARGEST / max(size))
    small = (max(SMALLEST, round(size[0] * share)), max(SMALLEST, round(size[1] * share)))
    painted = paint(prompt, seed=seed, width=small[0], height=small[1])
    return painted if small == size else painted.resize(size, Image.Resampling.BICUBIC)


def _finish(
    rng: random.Random, picture: Image.Image, scene: Scene, style: str, vivid: float, *, grain: bool
) -> Image.Image:
    size = picture.size
    small = picture.resize((max(2, size[0] // 8), max(2, size[1] // 8)), Image.Resampling.BOX)
    veil = small.filter(ImageFilter.GaussianBlur(max(small.size) / 40)).resize(
        size, Image.Resampling.BILINEAR
    )
    if style == "soft":
        picture = Image.blend(
            ImageChops.screen(picture, ImageEnhance.Brightness(veil).enhance(0.45)), veil, 0.3
        )
    else:
        picture = ImageChops.screen(picture, ImageEnhance.Brightness(veil).enhance(0.1))
    if style == "duotone":
        dark, light = scene.palette.near, mix(scene.palette.sky[-1], (255, 255, 255), 0.35)
        middle = scene.palette.sky[1]
        picture = ImageOps.colorize(
            ImageOps.autocontrast(picture.convert("L"), cutoff=1), mix(dark, (0, 0, 0), 0.3), light, middle
        )
    elif style == "monochrome":
        picture = ImageOps.colorize(
            ImageOps.autocontrast(picture.convert("L"), cutoff=1), "#0d0e10", "#f7f5f0"
        )
    if vivid != 1.0:
        picture = ImageEnhance.Color(picture).enhance(vivid)
    shade = spot((128, 128), (64, 64), 96, lambda d: 1 - 0.3 * max(0.0, d - 0.45) ** 1.5)
    corners = shade.resize(size, Image.Resampling.BICUBIC)
    picture = ImageChops.multiply(picture, Image.merge("RGB", (corners, corners, corners)))
    return dither(rng, picture, 7 if grain else 2)

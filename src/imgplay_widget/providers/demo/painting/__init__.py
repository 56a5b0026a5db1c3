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

__all__ = ["emerge", "overlay", "paint"]


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

"""Landscapes: ranges, hills, woods, dunes, skylines and water, from the far ones to the near ones."""

# pyright: reportUnknownMemberType=false
# Pillow's own types name numpy, which is not installed.

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from imgplay_widget.providers.demo.painting import figures, sky
from imgplay_widget.providers.demo.painting.brushes import (
    add_light,
    noise,
    outline,
    ramp,
    ridge,
    spot,
    stamp,
    waves,
)
from imgplay_widget.providers.demo.painting.words import mix

if TYPE_CHECKING:
    import random

    from imgplay_widget.providers.demo.painting.words import Scene

__all__ = ["landscape"]

RGB = tuple[int, int, int]
Size = tuple[int, int]
Line = list[tuple[float, float]]
_WHITE = (246, 249, 252)


def landscape(rng: random.Random, size: Size, scene: Scene) -> Image.Image:
    """Return a landscape with the scene's things in it."""
    height = size[1]
    things = scene.things
    # A skyline looks best over water; a figure needs ground to sit on.
    wet = bool(things & {"sea", "boat"}) or ("city" in things and not things & {"fox", "cat", "flower"})
    horizon = round(height * (rng.uniform(0.56, 0.64) if wet else rng.uniform(0.6, 0.7)))
    image, light = sky.over(rng, size, scene, horizon)
    if "mountain" in things or (not wet and "city" not in things and rng.random() < 0.45):
        _mountains(rng, image, scene, horizon, wet=wet)
    elif not wet or rng.random() < 0.6:
        _far_hills(rng, image, scene, horizon)
    if "city" in things:
        _city(rng, image, scene, horizon)
    if "bird" in things:
        figures.birds(rng, image, horizon, scene)
    if wet:
        image = _water(rng, image, scene, horizon, light)
        figures.on_water(rng, image, horizon, scene)
    else:
        ground = _ground(rng, image, scene, horizon)
        figures.on_land(rng, image, ground, scene)
    if "snow" in things:
        image = _flakes(rng, image)
    return image


def _line(size: Size, heights: list[float], base: float, reach: float) -> Line:
    step = size[0] / (len(heights) - 1)
    return [(i * step, base - h * reach) for i, h in enumerate(heights)]


def _body(size: Size, line: Line) -> Image.Image:
    return outline(size, [*line, (size[0] + 2, size[1] + 2), (-2, size[1] + 2)])


def _fill(size: Size, top: RGB, bottom: RGB, start: float, end: float) -> Image.Image:
    """Return a gradient that runs between two heights, in pixels, and stays flat outside them."""
    sheet = Image.new("RGB", size, bottom)
    sheet.paste(top, (0, 0, size[0], max(0, round(start))))
    sheet.paste(ramp((size[0], max(2, round(end - start))), [top, bottom]), (0, round(start)))
    return sheet


def _mountains(rng: random.Random, image: Image.Image, scene: Scene, horizon: int, *, wet: bool) -> None:
    size = image.size
    palette = scene.palette
    snowy = "snow" in scene.things or rng.random() < 0.55
    for layer, depth in enumerate((0.0, 0.45, 0.8)):
        reach = horizon * (0.52, 0.36, 0.22)[layer] * rng.uniform(0.85, 1.1)
        base = horizon + size[1] * (0.0 if wet else 0.05) * layer
        heights = ridge(rng, (0.5, 0.47, 0.45)[layer])
        line = _line(size, heights, base, reach)
        mask = _body(size, line)
        colour = mix(palette.far, palette.near, depth * 0.75)
        haze = mix(colour, palette.sky[-1], 0.55 - 0.25 * depth)
        rock = _fill(size, mix(colour, palette.sky[1], 0.12), haze, base - reach, base)
        # Only the visible band of the rock gets its faces.
        top, bottom = max(0, round(base - reach)), min(size[1], round(base) + 2)
        shade = noise(rng, (size[0], bottom - top), (9, 6), 5)
        beside = shade.copy()
        beside.paste(shade, (size[0] // 60, 0))
        faces = ImageChops.subtract(shade, beside, scale=0.8, offset=128)
        strip = rock.crop((0, top, size[0], bottom))
        rock.paste(ImageChops.soft_light(strip, Image.merge("RGB", (faces, faces, faces))), (0, top))
        stamp(image, rock, mask)
        if snowy and layer < 2:
            drop = Image.new("L", size)
            limit = base - reach * (0.42 if "snow" in scene.things else 0.6)
            fade = ramp((1, max(2, round(reach))), [(255, 255, 255), (235, 235, 235), (0, 0, 0)]).convert("L")
            drop.paste(fade.resize((size[0], round(limit - (base - reach)) + 2)), (0, round(base - reach)))
            streaks = Image.new("L", size)
            streaks.paste(_streaks(shade), (0, top))
            caps = ImageChops.multiply(ImageChops.multiply(drop, mask), streaks)
            cold = mix(
                mix(_WHITE, palette.sky[2], 0.3 + 0.2 * layer),
                palette.near,
                0.45 if scene.time == "night" else 0,
            )
            stamp(image, cold, caps)
        _mist(rng, image, palette.sky[-1], base, reach * 0.5, 0.34)


def _streaks(shade: Image.Image) -> Image.Image:
    return shade.point([round(255 * min(1.0, max(0.0, (i / 255 - 0.14) * 5))) for i in range(256)])


def _mist(
    rng: random.Random, image: Image.Image, colour: RGB, base: float, reach: float, strength: float
) -> None:
    """Return a veil in the valleys, which separates one layer from the next."""
    width, height = image.size
    lumps = noise(rng, (128, 128), (2, 5), 3)
    band = Image.linear_gradient("L").point(
        [round(255 * math.sin(math.pi * i / 255) ** 2) for i in range(256)]
    )
    veil = ImageChops.multiply(
        band.resize((128, 128)), lumps.point([90 + i * 165 // 255 for i in range(256)])
    )
    sheet = Image.new("L", (width, height))
    sheet.paste(
        veil.resize((width, max(2, round(reach * 2))), Image.Resampling.BICUBIC), (0, round(base - reach))
    )
    stamp(image, colour, sheet.point([round(v * strength) for v in range(256)]))


def _far_hills(rng: random.Random, image: Image.Image, scene: Scene, horizon: int) -> None:
    size = image.size
    for layer in range(2):
        reach = horizon * (0.16 - 0.05 * layer)
        line = _line(size, waves(rng, 0.9 + layer), horizon + 2, reach)
        colour = mix(scene.palette.far, scene.palette.near, 0.18 * layer)
        haze = mix(colour, scene.palette.sky[-1], 0.5)
        stamp(image, _fill(size, colour, haze, horizon - reach, horizon), _body(size, line))


def _ground(rng: random.Random, image: Image.Image, scene: Scene, horizon: int) -> Line:
    """Paint the land before the horizon, and return the line of its nearest layer."""
    size = image.size
    width, height = size
    palette = scene.palette
    near, far = palette.near, mix(palette.far, palette.near, 0.35)
    if "snow" in scene.things:
        cold = mix(_WHITE, palette.sky[1], 0.25)
        dim = 0.55 if scene.time == "night" else 0.0
        near, far = mix(cold, near, dim), mix(mix(cold, palette.sky[2], 0.4), palette.near, dim)
    elif "desert" in scene.things:
        near = mix((150, 78, 40), palette.near, 0.5 if scene.time in ("night", "sunset") else 0.1)
        far = mix((226, 170, 112), palette.far, 0.3)
    line: Line = []
    count = 4
    for layer in range(count):
        depth = (layer + 1) / count
        base = horizon + (height - horizon) * (0.02 + 0.78 * depth**1.25)
        reach = (height - horizon) * (0.2 + 0.22 * depth)
        heights = waves(rng, 0.55 + 0.3 * layer if "desert" in scene.things else 0.8 + 0.25 * layer)
        line = _line(size, heights, base, reach)
        colour = mix(far, near, depth**0.9)
        light = mix(colour, palette.glow, 0.3 * (1 - 0.6 * depth))
        mask = _body(size, line)
        fill = _fill(
            size, light, mix(colour, palette.sky[-1], 0.24 * (1 - depth)), base - reach, base + reach * 0.7
        )
        if "desert" in scene.things or "snow" in scene.things:
            top = max(0, round(base - reach))
            ripple = noise(rng, (width, height - top), (2, 24), 3).point([110 + i // 7 for i in range(256)])
            strip = ImageChops.soft_light(
                fill.crop((0, top, width, height)), Image.merge("RGB", (ripple,) * 3)
            )
            fill.paste(strip, (0, top))
        if "forest" in scene.things and layer < count - 1:
            woods = _woods(rng, size, line, 0.35 + 0.65 * depth)
            leaf = mix(mix(far, near, depth), palette.near, 0.5)
            stamp(
                image,
                _fill(size, leaf, mix(leaf, palette.sky[-1], 0.35), base - reach * 1.6, base + reach),
                woods,
            )
        stamp(image, fill, mask)
        _mist(rng, image, palette.sky[-1], base, reach, 0.3 * (1 - depth))
    if "flower" in scene.things or (scene.time == "day" and "hill" in scene.things):
        _meadow(rng, image, scene, line)
    return line


def _woods(rng: random.Random, size: Size, line: Line, scale: float) -> Image.Image:
    mask = Image.new("L", (size[0] * 2, size[1] * 2))
    pen = ImageDraw.Draw(mask)
    tall = size[1] * 0.19 * scale
    x = -tall * 0.3
    while x < size[0] + tall * 0.3:
        at = min(len(line) - 1, max(0, round(x / size[0] * (len(line) - 1))))
        foot, top = line[at][1] + tall * 0.15, tall * rng.uniform(0.55, 1.1)
        tiers = 6
        wide = top * 0.21
        left: Line = []
        right: Line = []
        for tier in range(tiers):
            y = foot - top + top * tier / tiers
            out = wide * ((tier + 1) / tiers) ** 0.9
            left += [(x - out * 0.4, y + top * 0.04), (x - out, y + top / tiers * 1.1)]
            right += [(x + out * 0.4, y + top * 0.04), (x + out, y + top / tiers * 1.1)]
        shape = [(x, foot - top), *right, (x, foot + tall), *reversed(left)]
        pen.polygon([(a * 2, b * 2) for a, b in shape], fill=255)
        x += wide * rng.uniform(0.5, 1.5)
    return mask.reduce(2)


def _meadow(rng: random.Random, image: Image.Image, scene: Scene, line: Line) -> None:
    width, height = image.size
    pen = ImageDraw.Draw(image)
    bloom = (
        scene.subject
        or scene.tint
        or rng.choice([(236, 100, 96), (250, 214, 120), (240, 190, 214), (190, 160, 230)])
    )
    top = min(y for _, y in line)
    for _ in range(width // 3):
        x, depth = rng.uniform(0, width), rng.random() ** 0.7
        y = top + (height - top) * (0.25 + 0.75 * depth)
        at = min(len(line) - 1, round(x / width * (len(line) - 1)))
        if y < line[at][1] + 4:
            continue
        r = max(width, height) * (0.0012 + 0.0042 * depth**2) * rng.uniform(0.7, 1.3)
        colour = mix(mix(bloom, (255, 255, 255), rng.uniform(0, 0.5)), scene.palette.near, 0.45 * (1 - depth))
        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)


def _city(rng: random.Random, image: Image.Image, scene: Scene, horizon: int) -> None:
    size = image.size
    width, height = size
    dark = scene.time in ("night", "sunset")
    for layer in range(3):
        depth = (layer + 1) / 3
        colour = mix(mix(scene.palette.far, scene.palette.sky[-1], 0.25), scene.palette.near, depth * 0.85)
        mask = Image.new("L", size)
        windows = Image.new("L", size)
        pen, lamp = ImageDraw.Draw(mask), ImageDraw.Draw(windows)
        x = -width * 0.02
        while x < width:
            wide = width * rng.uniform(0.03, 0.075) * (0.7 + 0.4 * depth)
            middle = 1 - abs(x / width - 0.5)
            tall = horizon * rng.uniform(0.12, 0.5) * (1.1 - 0.45 * depth) * middle
            top = horizon - tall
            pen.rectangle((x, top, x + wide, height), fill=255)
            if rng.random() < 0.3:
                pen.rectangle((x + wide * 0.25, top - tall * 0.09, x + wide * 0.75, top), fill=255)
            if rng.random() < 0.2:
                pen.line(
                    (x + wide / 2, top - tall * 0.28, x + wide / 2, top), fill=255, width=max(1, width // 500)
                )
            pane = max(2.0, width / 300 * (0.6 + 0.5 * depth))
            for wx in range(int((wide - pane) / (pane * 2))):
                for wy in range(int(tall / (pane * 2.4))):
                    if rng.random() < (0.34 if dark else 0.1):
                        left, up = x + pane * (1 + wx * 2), top + pane * (1.2 + wy * 2.4)
                        lamp.rectangle((left, up, left + pane, up + pane * 1.3), fill=rng.randint(90, 255))
            x += wide * rng.uniform(0.85, 1.25)
        haze = mix(colour, scene.palette.sky[-1], 0.5 * (1 - depth) + 0.15)
        stamp(image, _fill(size, colour, haze, horizon * 0.55, horizon), mask)
        lit = ImageChops.multiply(windows, mask)
        near = lit.reduce(4).filter(ImageFilter.GaussianBlur(2)).resize(size, Image.Resampling.BILINEAR)
        warm = mix((255, 206, 128), scene.tint, 0.5) if scene.tint and dark else (255, 206, 128)
        strength = (0.4 + 0.6 * depth) * (1.0 if dark else 0.4)
        both = ImageChops.add(lit, near).point([round(v * strength) for v in range(256)])
        image.paste(add_light(image, warm, both))


def _water(
    rng: random.Random, image: Image.Image, scene: Scene, horizon: int, light: sky.Light
) -> Image.Image:
    width, height = image.size
    deep = height - horizon
    mirror = image.crop((0, max(0, horizon - deep), width, horizon)).transpose(
        Image.Transpose.FLIP_TOP_BOTTOM
    )
    mirror = mirror.resize((width, deep), Image.Resampling.BILINEAR)
    # Water shows the sky smeared downwards, and darker where one looks into it more steeply.
    mirror = (
        mirror.reduce((2, 6)).filter(ImageFilter.BoxBlur(2)).resize((width, deep), Image.Resampling.BICUBIC)
    )
    base = mix(scene.palette.near, scene.palette.sky[0], 0.5)
    depth = Image.linear_gradient("L").point([40 + round(i * 0.6) for i in range(256)]).resize((width, deep))
    stamp(mirror, base, depth)
    ripple = _ripples(rng, (width, deep))
    gentle = ripple.point([128 + round((i - 128) * 0.6) for i in range(256)])
    mirror = ImageChops.soft_light(mirror, Image.merge("RGB", (gentle, gentle, gentle)))
    x, _, radius = light
    path = Image.new("L", (128, 128))
    pen = ImageDraw.Draw(path)
    for row in range(128):
        half = 128 * radius / width * (0.7 + 2.6 * row / 128)
        pen.line(
            (128 * x / width - half, row, 128 * x / width + half, row), fill=round(235 - 120 * row / 128)
        )
    path = path.filter(ImageFilter.GaussianBlur(2.4)).resize((width, deep), Image.Resampling.BICUBIC)
    glints = ripple.point([round(255 * min(1.0, max(0.0, (i / 255 - 0.5) * 4.5))) for i in range(256)])
    shine = ImageChops.multiply(path, ImageChops.add(glints, path.point([v // 4 for v in range(256)])))
    mirror = add_light(mirror, mix(scene.palette.light, scene.palette.glow, 0.4), shine)
    image = image.copy()
    image.paste(mirror, (0, horizon))
    edge = spot((256, 16), (128, 8), 128, lambda d: 0.5 * (1 - d)).resize((width * 2, max(4, height // 60)))
    line = Image.new("L", image.size)
    line.paste(edge, (round(x - width), horizon - edge.height // 2))
    return add_light(image, scene.palette.glow, line)


def _ripples(rng: random.Random, size: Size) -> Image.Image:
    """Return waves that get finer towards the horizon."""
    sheet = noise(rng, (512, 512), (18, 110), 3)
    # Corners of a trapezoid: the top edge takes in far more of the sheet than the bottom edge.
    tilted = sheet.transform(
        (512, 512), Image.Transform.QUAD, (0, 0, 190, 512, 322, 512, 512, 0), Image.Resampling.BILINEAR
    )
    return ImageOps.autocontrast(tilted).resize(size, Image.Resampling.BICUBIC)


def _flakes(rng: random.Random, image: Image.Image) -> Image.Image:
    width, height = image.size
    unit = max(width, height) / 1024
    near, far = Image.new("L", (width // 2, height // 2)), Image.new("L", image.size)
    for sheet, count, big in ((far, 420, 1.7), (near, 60, 2.6)):
        pen = ImageDraw.Draw(sheet)
        for _ in range(count):
            x, y = rng.uniform(0, sheet.width), rng.uniform(0, sheet.height)
            r = unit * rng.uniform(0.5, 1.0) * big
            pen.ellipse((x - r, y - r, x + r, y + r), fill=rng.randint(90, 210))
    soft = near.filter(ImageFilter.GaussianBlur(1.6 * unit)).resize(image.size, Image.Resampling.BILINEAR)
    return add_light(image, (255, 255, 255), ImageChops.add(far, soft))

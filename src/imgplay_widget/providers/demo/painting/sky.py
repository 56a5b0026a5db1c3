"""Skies: gradients, sun and moon, clouds, stars, northern lights, and space itself."""

# pyright: reportUnknownMemberType=false
# Pillow's own types name numpy, which is not installed.

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from imgplay_widget.providers.demo.painting.brushes import add_light, noise, ramp, spot, stamp
from imgplay_widget.providers.demo.painting.words import mix

if TYPE_CHECKING:
    import random

    from imgplay_widget.providers.demo.painting.words import Scene

__all__ = ["Light", "over", "space"]

RGB = tuple[int, int, int]
Size = tuple[int, int]
Light = tuple[float, float, float]
"""The position of the sun or moon: x, y and radius in pixels."""


def over(rng: random.Random, size: Size, scene: Scene, horizon: int) -> tuple[Image.Image, Light]:
    """Return the sky, which goes on below the horizon (in pixels), and the position of its light."""
    width, height = size
    palette = scene.palette
    small = (256, max(64, 256 * height // width))
    scale = small[0] / width
    sky = Image.new("RGB", small, palette.sky[-1])
    sky.paste(ramp((small[0], max(2, round(horizon * scale))), palette.sky), (0, 0))
    side = rng.choice([-1, 1])
    x = width * (0.5 + side * rng.uniform(0.08, 0.3))
    low = {"sunset": 0.1, "dawn": 0.16, "day": 0.62, "night": 0.62, "mist": 0.4}[scene.time]
    y = horizon * (1 - low * rng.uniform(0.8, 1.15))
    radius = min(width, height) * (0.05 if scene.time in ("night", "sunset") else 0.042)
    centre = (x * scale, y * scale)
    reach = {"day": 0.55, "night": 0.5}.get(scene.time, 0.95)
    wide = spot(small, centre, small[0] * reach, lambda d: 0.62 * (1 - d) ** 2.2)
    sky = add_light(sky, palette.glow, wide)
    if scene.time in ("sunset", "dawn", "mist"):
        band = spot((256, 256), (128, 128), 128, lambda d: 0.5 * (1 - d) ** 1.6).resize(
            (small[0] * 2, max(8, small[1] // 3))
        )
        belt = Image.new("L", small)
        belt.paste(band, (round(centre[0]) - small[0], round(horizon * scale) - band.height // 2))
        sky = add_light(sky, palette.glow, belt)
    sky = sky.resize(size, Image.Resampling.BICUBIC)
    if scene.time == "night":
        sky = stars(rng, sky, horizon, scene.palette.light)
        if "aurora" in scene.things:
            sky = _aurora(rng, sky, horizon, scene)
    _disc(rng, sky, (x, y, radius), scene)
    if scene.time != "night" or rng.random() < 0.5:
        _clouds(rng, sky, scene, horizon)
    return sky, (x, y, radius)


def stars(rng: random.Random, image: Image.Image, depth: float, colour: RGB) -> Image.Image:
    """Return the image with stars down to a depth in pixels; there are fewer stars near it."""
    width, height = image.size
    field = Image.new("L", image.size)
    pen = ImageDraw.Draw(field)
    for _ in range(round(width * height / 2300)):
        x, fall = rng.uniform(0, width), rng.random()
        y = fall * depth
        if rng.random() > 1 - 0.8 * fall:
            continue
        bright = rng.random() ** 3
        size = (0.35 + 1.1 * bright) * max(width, height) / 1024
        pen.ellipse((x - size, y - size, x + size, y + size), fill=round(70 + 185 * bright))
    near = field.reduce(4).filter(ImageFilter.GaussianBlur(1.2)).resize(image.size, Image.Resampling.BILINEAR)
    return add_light(image, mix(colour, (200, 215, 255), 0.4), ImageChops.add(field, near))


def space(rng: random.Random, size: Size, scene: Scene) -> Image.Image:
    """Return a nebula with stars and a planet."""
    width, height = size
    image = ramp(size, [(5, 6, 16), (10, 9, 26), (4, 5, 14)])
    colours = rng.choice(
        [
            ((90, 50, 160), (220, 80, 120), (255, 176, 110)),
            ((30, 80, 160), (70, 180, 190), (190, 220, 255)),
            ((120, 40, 120), (60, 90, 200), (240, 150, 200)),
        ]
    )
    if scene.tint is not None:
        colours = (mix(scene.tint, (20, 20, 60), 0.5), scene.tint, mix(scene.tint, (255, 255, 255), 0.5))
    small = (256, max(64, 256 * height // width))
    cloud = Image.new("RGB", small)
    belt = spot((256, 256), (128, 128), 126, lambda d: max(0.0, 1 - d) ** 0.9).resize(
        (small[0] * 2, small[1])
    )
    belt = belt.rotate(rng.uniform(-35, 35), Image.Resampling.BICUBIC)
    belt = belt.crop((small[0] // 2, 0, small[0] // 2 + small[0], small[1]))
    for colour, sharp in zip(colours, (1.2, 1.9, 3.4), strict=True):
        lumps = noise(rng, small, (3, 3), 6).point([round(255 * (i / 255) ** sharp) for i in range(256)])
        cloud = add_light(cloud, colour, ImageChops.multiply(lumps, belt))
    dust = noise(rng, small, (4, 4), 6).point(
        [255 - round(190 * max(0.0, i / 255 - 0.45) / 0.55) for i in range(256)]
    )
    cloud = ImageChops.multiply(cloud, Image.merge("RGB", (dust, dust, dust)))
    image = ImageChops.screen(image, cloud.resize(size, Image.Resampling.BICUBIC))
    image = stars(rng, image, height * 1.6, (255, 250, 240))
    radius = min(width, height) * rng.uniform(0.16, 0.25)
    centre = (width * rng.uniform(0.3, 0.7), height * rng.uniform(0.4, 0.66))
    _planet(rng, image, centre, radius, colours)
    return image


def _planet(
    rng: random.Random,
    image: Image.Image,
    centre: tuple[float, float],
    radius: float,
    colours: tuple[RGB, RGB, RGB],
) -> None:
    edge = round(radius * 2)
    bands = noise(rng, (edge, edge), (1, 7), 4).rotate(
        rng.uniform(-25, 25), Image.Resampling.BICUBIC, fillcolor=128
    )
    skin = ImageOps.colorize(
        bands, mix(colours[0], (10, 10, 20), 0.3), mix(colours[2], (255, 255, 255), 0.2), colours[1]
    )
    # The light comes from the upper left; the far side falls into the dark.
    day = spot((edge, edge), (edge * 0.3, edge * 0.28), edge * 0.92, lambda d: max(0.0, 1 - d**1.7) ** 1.1)
    skin = ImageChops.multiply(skin, Image.merge("RGB", (day, day, day)))
    disc = Image.new("L", (edge * 2, edge * 2))
    ImageDraw.Draw(disc).ellipse((2, 2, edge * 2 - 3, edge * 2 - 3), fill=255)
    corner = (round(centre[0] - radius), round(centre[1] - radius))
    halo = spot(image.size, centre, radius * 1.7, lambda d: 0.5 * max(0.0, 1 - d) ** 1.5)
    image.paste(add_light(image, colours[1], halo))
    image.paste(skin, corner, disc.reduce(2))


def _disc(rng: random.Random, sky: Image.Image, light: Light, scene: Scene) -> None:
    x, y, radius = light
    if scene.time == "mist":
        radius *= 0.9
    size = round(radius * 9)
    glow = spot((256, 256), (128, 128), 128, lambda d: 0.75 * max(0.0, 1 - d) ** 2.6).resize(
        (size, size), Image.Resampling.BICUBIC
    )
    corner = (round(x - glow.width / 2), round(y - glow.height / 2))
    sky.paste(scene.palette.light, (*corner, corner[0] + glow.width, corner[1] + glow.height), glow)
    edge = round(radius * 2)
    face = Image.new("RGB", (edge, edge), scene.palette.light)
    if scene.time == "night":
        seas = noise(rng, (edge, edge), (3, 3), 4).point(
            [round(70 * max(0.0, i / 255 - 0.5)) for i in range(256)]
        )
        face.paste(
            mix(scene.palette.light, (120, 125, 140), 0.6), (0, 0, edge, edge), seas.point(lambda v: v * 3)
        )
    mask = Image.new("L", (edge * 4, edge * 4))
    ImageDraw.Draw(mask).ellipse(
        (4, 4, edge * 4 - 5, edge * 4 - 5), fill=235 if scene.time == "mist" else 255
    )
    sky.paste(face, (round(x - radius), round(y - radius)), mask.reduce(4))


def _clouds(rng: random.Random, sky: Image.Image, scene: Scene, horizon: int) -> None:
    width, height = sky.size
    cells = (3, 9) if scene.time in ("sunset", "dawn") else (3, 6)
    cover = {"day": 0.5, "night": 0.6, "mist": 0.42}.get(scene.time, 0.47) + rng.uniform(-0.05, 0.05)
    lumps = noise(rng, (512, max(64, 512 * height // width)), cells, 6)
    body = lumps.point([round(255 * min(1.0, max(0.0, (i / 255 - cover) * 2.4)) ** 1.2) for i in range(256)])
    fade = Image.linear_gradient("L").point(
        [round(255 * math.sin(math.pi * min(1.0, max(0.0, i / 255 * height / horizon)))) for i in range(256)]
    )
    body = ImageChops.multiply(body, fade.resize(body.size))
    # The lower side of a cloud is the darker one: shift the lumps and take the difference.
    lit = ImageChops.subtract(lumps, ImageChops.offset(lumps, 0, -body.height // 40), scale=0.6, offset=120)
    top = mix(scene.palette.cloud, scene.palette.light, 0.35)
    under = mix(scene.palette.cloud, scene.palette.sky[1], 0.62)
    paint = ImageOps.colorize(lit, under, top).resize(sky.size, Image.Resampling.BICUBIC)
    strength = {"night": 0.4, "mist": 0.6, "day": 0.92}.get(scene.time, 0.72)
    mask = body.resize(sky.size, Image.Resampling.BICUBIC).point([round(v * strength) for v in range(256)])
    stamp(sky, paint, mask)


def _aurora(rng: random.Random, sky: Image.Image, horizon: int, scene: Scene) -> Image.Image:
    width, height = sky.size
    small = (256, max(64, 256 * height // width))
    for colour in ((60, 230, 150), (70, 160, 220), (170, 90, 210)):
        tint = mix(colour, scene.tint, 0.5) if scene.tint else colour
        curtain = Image.new("L", small)
        pen = ImageDraw.Draw(curtain)
        base, phase, speed = rng.uniform(0.35, 0.8), rng.uniform(0, math.tau), rng.uniform(0.7, 1.5)
        rays = [rng.random() for _ in range(small[0] // 4 + 2)]
        for x in range(small[0]):
            foot = (
                horizon
                / height
                * small[1]
                * (base + 0.13 * math.sin(math.tau * speed * x / small[0] + phase))
            )
            left, t = rays[x // 4], x % 4 / 4
            bright = 0.35 + 0.65 * (left + (rays[x // 4 + 1] - left) * t)
            reach = small[1] * (0.2 + 0.2 * bright)
            for i in range(16):
                part = i / 16
                pen.line(
                    (x, foot - reach * part, x, foot - reach * (part + 1 / 16)),
                    fill=round(190 * bright * (1 - part) ** 1.6),
                )
        curtain = curtain.filter(ImageFilter.GaussianBlur(1.6)).resize(sky.size, Image.Resampling.BICUBIC)
        sky = add_light(sky, tint, curtain)
    return sky

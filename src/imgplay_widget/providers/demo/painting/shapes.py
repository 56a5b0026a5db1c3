"""The outlines of the figures, in units: the foot is at (0, 0), y runs down, a figure is about 1 high."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from imgplay_widget.providers.demo.painting.words import mix

if TYPE_CHECKING:
    import random

    from imgplay_widget.providers.demo.painting.words import Scene

__all__ = ["cat", "curve", "flower", "fox"]

RGB = tuple[int, int, int]
Line = list[tuple[float, float]]


def curve(points: Line, *, closed: bool = True, fine: int = 10) -> Line:
    """Return a smooth line (Catmull-Rom) through the points."""
    count = len(points)
    found: Line = []
    for i in range(count if closed else count - 1):
        if closed:
            p0, p1, p2, p3 = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        else:
            p0, p1, p2, p3 = (points[min(count - 1, max(0, i + k))] for k in (-1, 0, 1, 2))
        for step in range(fine):
            t = step / fine
            found.append(
                (
                    _between(p0[0], p1[0], p2[0], p3[0], t),
                    _between(p0[1], p1[1], p2[1], p3[1], t),
                )
            )
    if not closed:
        found.append(points[-1])
    return found


def _between(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def fox(fur: RGB, white: RGB, rim: RGB) -> list[tuple[Line, RGB]]:
    """Return a sitting fox that looks to the left."""
    dark = mix(fur, (24, 16, 18), 0.72)
    shade, lit = mix(fur, dark, 0.28), mix(fur, rim, 0.28)
    tail = curve(
        [
            (0.2, -0.06),
            (0.52, -0.02),
            (0.8, -0.16),
            (0.9, -0.42),
            (0.78, -0.66),
            (0.66, -0.4),
            (0.5, -0.26),
            (0.26, -0.24),
        ]
    )
    tip = curve([(0.83, -0.32), (0.91, -0.46), (0.78, -0.68), (0.68, -0.46), (0.73, -0.36)])
    body = curve(
        [
            (-0.2, 0.0),
            (-0.24, -0.3),
            (-0.2, -0.62),
            (0.0, -0.78),
            (0.16, -0.62),
            (0.3, -0.34),
            (0.4, -0.08),
            (0.3, 0.0),
        ]
    )
    haunch = curve([(0.06, 0.0), (0.05, -0.22), (0.2, -0.36), (0.37, -0.22), (0.36, 0.0)])
    chest = curve([(-0.2, -0.26), (-0.21, -0.56), (-0.06, -0.66), (0.0, -0.5), (-0.06, -0.3), (-0.12, -0.14)])
    leg = curve([(-0.2, -0.34), (-0.06, -0.36), (-0.07, -0.1), (-0.06, 0.0), (-0.24, 0.0), (-0.19, -0.12)])
    sock = curve([(-0.19, -0.14), (-0.07, -0.14), (-0.06, 0.0), (-0.24, 0.0)])
    return [
        (tail, shade),
        (tip, white),
        (body, fur),
        (haunch, lit),
        (chest, white),
        (leg, fur),
        (sock, dark),
        *_fox_head(fur, lit, dark, white),
    ]


def _fox_head(fur: RGB, lit: RGB, dark: RGB, white: RGB) -> list[tuple[Line, RGB]]:
    head = curve(
        [
            (-0.5, -0.7),
            (-0.34, -0.84),
            (-0.24, -0.97),
            (-0.02, -1.0),
            (0.14, -0.88),
            (0.1, -0.7),
            (-0.06, -0.62),
            (-0.28, -0.62),
        ]
    )
    cheek = curve(
        [
            (-0.5, -0.69),
            (-0.36, -0.74),
            (-0.2, -0.76),
            (-0.04, -0.82),
            (0.06, -0.7),
            (-0.08, -0.61),
            (-0.3, -0.61),
        ]
    )
    far_ear: Line = [(-0.24, -0.93), (-0.26, -1.24), (-0.07, -0.99)]
    ear: Line = [(-0.1, -0.98), (0.04, -1.3), (0.15, -0.88)]
    inner: Line = [(-0.03, -0.99), (0.04, -1.2), (0.1, -0.92)]
    nose = curve([(-0.53, -0.72), (-0.48, -0.755), (-0.44, -0.71), (-0.49, -0.675)])
    eye = curve([(-0.24, -0.83), (-0.18, -0.865), (-0.13, -0.835), (-0.18, -0.81)])
    return [
        (far_ear, dark),
        (head, lit),
        (cheek, white),
        (ear, fur),
        (inner, dark),
        (nose, dark),
        (eye, (20, 14, 16)),
    ]


def cat(fur: RGB, rim: RGB) -> list[tuple[Line, RGB]]:
    """Return a sitting cat from behind."""
    lit = mix(fur, rim, 0.12)
    tail = curve(
        [
            (0.2, -0.02),
            (0.5, 0.0),
            (0.72, -0.12),
            (0.76, -0.36),
            (0.66, -0.5),
            (0.6, -0.44),
            (0.66, -0.34),
            (0.6, -0.18),
            (0.44, -0.12),
            (0.22, -0.14),
        ]
    )
    body = curve(
        [
            (-0.3, 0.0),
            (-0.34, -0.2),
            (-0.24, -0.52),
            (-0.13, -0.76),
            (0.13, -0.76),
            (0.24, -0.52),
            (0.34, -0.2),
            (0.3, 0.0),
        ]
    )
    head = curve(
        [
            (-0.22, -0.84),
            (-0.17, -1.0),
            (0.0, -1.05),
            (0.17, -1.0),
            (0.22, -0.84),
            (0.12, -0.7),
            (-0.12, -0.7),
        ]
    )
    left: Line = [(-0.215, -0.88), (-0.2, -1.2), (-0.04, -1.02)]
    right: Line = [(0.215, -0.88), (0.2, -1.2), (0.04, -1.02)]
    return [(tail, fur), (body, fur), (left, fur), (right, fur), (head, lit)]


def flower(rng: random.Random, scene: Scene) -> list[tuple[Line, RGB]]:
    """Return a flower with leaves."""
    colour = (
        scene.subject
        or scene.tint
        or rng.choice([(226, 84, 104), (242, 160, 80), (196, 120, 214), (240, 214, 110)])
    )
    leaf = mix((58, 116, 66), scene.palette.near, 0.35)
    shapes: list[tuple[Line, RGB]] = [
        ([(-0.02, -0.85), (0.02, -0.85), (0.035, 0.1), (-0.035, 0.1)], leaf),
        (curve([(0.0, -0.1), (0.2, -0.34), (0.42, -0.4), (0.26, -0.16)]), mix(leaf, (255, 255, 255), 0.1)),
        (curve([(0.0, -0.2), (-0.2, -0.42), (-0.4, -0.46), (-0.24, -0.24)]), mix(leaf, (0, 0, 0), 0.12)),
    ]
    turn = rng.uniform(0, math.tau)
    for ring, (count, long, wide) in enumerate(((11, 0.48, 0.13), (9, 0.36, 0.11), (7, 0.24, 0.08))):
        for i in range(count):
            angle = turn + math.tau * (i + ring * 0.5) / count
            tone = mix(
                mix(colour, (0, 0, 0), 0.24 - 0.1 * ring),
                (255, 255, 255),
                0.06 + 0.1 * ring + 0.1 * (math.sin(angle) < 0),
            )
            petal = curve(
                [
                    (0.0, 0.0),
                    (long * 0.45, -wide),
                    (long * 0.9, -wide * 0.6),
                    (long, 0.0),
                    (long * 0.9, wide * 0.6),
                    (long * 0.45, wide),
                ]
            )
            c, s = math.cos(angle), math.sin(angle)
            shapes.append(([(x * c - y * s, x * s + y * c - 0.9) for x, y in petal], tone))
    heart = [
        (0.085 * math.cos(math.tau * i / 24), 0.085 * math.sin(math.tau * i / 24) - 0.9) for i in range(24)
    ]
    return [*shapes, (heart, (244, 200, 90))]

"""Geometry of the power curve and of outputs in the plane; templates draw them. Lengths are in units of the viewBox."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 340.0, 236.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 12.0, 30.0, 46.0
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
TARGET = 0.8
MOST_TICKS = 4


@dataclass(frozen=True, slots=True)
class Curve:
    """Two polylines (corrected and alone), the plan's place, and labelled ticks (position, label, cost)."""

    corrected: str
    alone: str
    dots: list[tuple[float, float]]
    plan: float
    target: float
    rows: list[tuple[float, str]]
    columns: list[tuple[float, str, str]]
    points: Sequence[Mapping[str, Any]]


def power_curve(curve: Mapping[str, Any]) -> Curve:
    """Lay out one curve of `analysis.power`, as plain values."""
    points, axis = curve["points"], curve["axis"]
    longest = max(point[axis] for point in points)
    each = points[-1]["cost"] / points[-1]["raters"] if axis == "raters" else 0.0

    def across(size: float) -> float:
        return _tenth(LEFT + (WIDTH - LEFT - RIGHT) * size / longest)

    def down(share: float) -> float:
        return _tenth(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share)

    def line(name: str) -> str:
        return " ".join(f"{across(point[axis])},{down(point[name])}" for point in points)

    return Curve(
        corrected=line("power_bonferroni"),
        alone=line("power"),
        dots=[(across(point[axis]), down(point["power_bonferroni"])) for point in points],
        plan=across(next(point[axis] for point in points if point["times"] == 1.0)),
        target=down(TARGET),
        rows=[(down(share), f"{100 * share:.0f}%") for share in SHARES],
        columns=[(across(size), f"{size:,}", f"{size * each:,.0f}" if each else "") for size in ticks(longest)],
        points=points,
    )


def _tenth(length: float) -> float:
    return round(float(length), 1)


def ticks(longest: int) -> list[int]:
    """Return round numbers up to `longest`, at most four."""
    step = longest / MOST_TICKS
    unit = 10 ** math.floor(math.log10(step)) if step >= 1.0 else 1
    width = next(int(unit * nice) for nice in (1, 2, 5, 10) if unit * nice >= step)
    return list(range(width, longest + 1, width)) or [longest]


PLANE_WIDTH, PLANE_HEIGHT, PLANE_PAD = 560.0, 400.0, 22.0
COLOURS, MARKS = 8, ("circle", "square", "diamond", "triangle")
MARK = 4.5


@dataclass(frozen=True, slots=True)
class Dot:
    """One output in the plane; `kind` is its system's colour and `path` its mark."""

    kind: str
    path: str
    title: str


@dataclass(frozen=True, slots=True)
class Plane:
    """All outputs to one prompt, and a legend of (kind, path, system)."""

    dots: list[Dot]
    legend: list[tuple[str, str, str]]
    width: float
    height: float


def plane(points: Sequence[Sequence[Any]], order: Sequence[str]) -> Plane:
    """Lay out points (place of the system, sample, x, y), with one scale for both axes, so that distances are true."""
    xs, ys = [point[2] for point in points] or [0.0], [point[3] for point in points] or [0.0]
    wide, tall = (max(xs) - min(xs)) or 1.0, (max(ys) - min(ys)) or 1.0
    scale = min((PLANE_WIDTH - 2 * PLANE_PAD) / wide, (PLANE_HEIGHT - 2 * PLANE_PAD) / tall)
    left, top = (PLANE_WIDTH - scale * wide) / 2, (PLANE_HEIGHT - scale * tall) / 2
    there = sorted({point[0] for point in points})
    dots = [
        Dot(
            f"s{at % COLOURS}",
            mark(at, _tenth(left + scale * (x - min(xs))), _tenth(PLANE_HEIGHT - top - scale * (y - min(ys)))),
            f"{order[at]}, sample {sample}",
        )
        for at, sample, x, y in points
    ]
    legend = [(f"s{at % COLOURS}", mark(at, 8.0, 8.0), order[at]) for at in there]
    return Plane(dots, legend, PLANE_WIDTH, PLANE_HEIGHT)


def mark(at: int, x: float, y: float) -> str:
    """Return the path of a system's mark around a point: colours repeat, colour and shape together do not (to 32)."""
    shape, r = MARKS[(at // COLOURS) % len(MARKS)], MARK
    if shape == "circle":
        return f"M{x - r} {y}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z"
    if shape == "square":
        return f"M{x - r} {y - r}h{2 * r}v{2 * r}h{-2 * r}z"
    if shape == "diamond":
        return f"M{x} {y - 1.3 * r}l{1.3 * r} {1.3 * r}l{-1.3 * r} {1.3 * r}l{-1.3 * r} {-1.3 * r}z"
    return f"M{x} {y - 1.2 * r}l{1.2 * r} {2.2 * r}h{-2.4 * r}z"

"""Geometry of the power curve; the template draws it. All lengths are in the units of its viewBox."""

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

"""What of a linear mixed model can be fitted: columns told apart, random effects that the design can estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from analysis.numerics.structure import FloatArray, SignedFactor

TOLERANCE = 1e-9
FEW_LEVELS = 5
EXACT = 1e-20
"""Residual share of the sum of squares below which the fixed effects explain every answer."""


@dataclass(frozen=True)
class Usable:
    """The part of a model that can be fitted; ``obstacle`` says in words why nothing can, or is empty."""

    columns: np.ndarray
    null: FloatArray
    factors: tuple[SignedFactor, ...]
    notes: tuple[str, ...]
    obstacle: str


def check_arrays(
    response: FloatArray, fixed: FloatArray, factors: tuple[SignedFactor, ...], weights: FloatArray
) -> None:
    """Raise ValueError that names what is wrong with the arrays."""
    rows = response.shape[0]
    shapes = [("fixed", fixed.shape[0]), ("weights", weights.shape[0])]
    shapes += [(f"codes of {factor.name}", code.shape[0]) for factor in factors for code in factor.codes]
    shapes += [(f"a slope of {f.name}", slope.shape[0]) for f in factors for slope in f.slopes if slope is not None]
    for what, found in shapes:
        if found != rows:
            raise ValueError(f"{what}: {found} rows, but the response has {rows}")
    values = [("response", response), ("fixed effects", fixed), ("weights", weights)]
    values += [(f"slope of {f.name}", slope) for f in factors for slope in f.slopes if slope is not None]
    for what, array in values:
        if not np.isfinite(array).all():
            row = int(np.flatnonzero(~np.isfinite(array).reshape(rows, -1).all(axis=1))[0])
            raise ValueError(f"{what}: row {row} is missing or infinite; leave such rows out")
    if (weights < 0.0).any():
        raise ValueError(f"weights: row {int(np.flatnonzero(weights < 0.0)[0])} is negative")
    for factor in factors:
        if any(code.size and (code.max() >= factor.levels or code.min() < -1) for code in factor.codes):
            raise ValueError(f"codes of {factor.name}: outside -1 … {factor.levels - 1}")


def find_usable(
    response: FloatArray,
    fixed: FloatArray,
    factors: tuple[SignedFactor, ...],
    *,
    weights: FloatArray,
    names: tuple[str, ...],
) -> Usable:
    """Drop what the data cannot tell apart or estimate, each with a sentence."""
    rows = weights > 0.0
    columns, null = _independent(fixed[rows] * np.sqrt(weights[rows])[:, None])
    gone = [name for name, kept in zip(names, columns, strict=True) if not kept]
    notes = [f"not told apart by the data, set to 0: {', '.join(gone)}"] if gone else []
    kept: list[SignedFactor] = []
    obstacle, uniform = "", np.unique(weights[rows]).size <= 1
    for factor in factors:
        reason, blocked = _reason(factor, kept, rows, uniform=uniform)
        obstacle = obstacle or blocked
        if reason:
            notes.append(f"random effect {factor.name} left out: {reason}")
            continue
        kept.append(factor)
        seen = _levels(factor, rows)
        if seen < FEW_LEVELS:
            notes.append(f"random effect {factor.name} has only {seen} levels: its spread is hardly determined")
    parameters = int(columns.sum()) + sum(len(f.slopes) * (len(f.slopes) + 1) // 2 for f in kept) + 1
    if int(rows.sum()) < parameters:
        obstacle = f"{int(rows.sum())} rows cannot determine {parameters} parameters: more data or a simpler model"
    elif not obstacle and _is_explained(response[rows], fixed[rows], weights[rows]):
        obstacle = "the fixed effects explain every answer exactly (no residual spread): there is nothing to test"
    return Usable(columns, null, tuple(kept), tuple(notes), obstacle)


def _independent(x: FloatArray) -> tuple[np.ndarray, FloatArray]:
    """Return which columns are no combination of those before them, and the directions that change no row."""
    size = np.linalg.norm(x, axis=0)
    scaled = x / np.where(size > 0.0, size, 1.0)
    triangle = linalg.qr(scaled, mode="r", check_finite=False)[0][: x.shape[1]]
    kept: list[int] = []
    for j in range(x.shape[1]):
        rest = triangle[:, j].copy()
        if kept:
            base = linalg.qr(triangle[:, kept], mode="economic")[0]
            for _ in range(2):
                rest -= base @ (base.T @ rest)
        if np.linalg.norm(rest) > TOLERANCE**0.5 * 1e-3:
            kept.append(j)
    columns = np.zeros(x.shape[1], dtype=bool)
    columns[kept] = True
    if columns.all():
        return columns, np.zeros((x.shape[1], 0))
    null = linalg.null_space(triangle, rcond=1e-8) if triangle.size else np.eye(x.shape[1])
    return columns, np.asarray(linalg.orth(null / np.where(size > 0.0, size, 1.0)[:, None]))


def _levels(factor: SignedFactor, rows: np.ndarray) -> int:
    seen = np.unique(np.concatenate([code[rows] for code in factor.codes]))
    return int((seen >= 0).sum())


def _reason(factor: SignedFactor, kept: list[SignedFactor], rows: np.ndarray, *, uniform: bool) -> tuple[str, str]:
    """Return why a random effect is left out, and why the whole model cannot be fitted with it; empty if neither."""
    levels, count = _levels(factor, rows), int(rows.sum())
    if levels < 2:  # noqa: PLR2004
        return "it has one level", ""
    columns = levels * len(factor.slopes)
    if len(factor.slopes) > 1 and columns >= count:
        return "", (
            f"{columns} random effects of {factor.name} for {count} rows cannot be told from the residual: "
            "use fewer slopes"
        )
    slopes = [np.ones(count) if slope is None else slope[rows] for slope in factor.slopes]
    told = _independent(np.column_stack(slopes))[0]
    if not told.all():
        name = factor.slope_names[int(np.flatnonzero(~told)[0])]
        return "", f"the slope {name} of {factor.name} is zero or a combination of its other slopes: leave it out"
    if uniform and len(factor.codes) == 1 and factor.slopes[0] is None and levels == count:
        return "it has one row per level and cannot be told from the residual", ""
    for other in kept:
        if _is_same(factor, other, rows):
            return f"it is the same grouping as {other.name}", ""
    return "", ""


def _is_same(one: SignedFactor, two: SignedFactor, rows: np.ndarray) -> bool:
    """Return whether two factors group the rows alike under other numbers."""
    if len(one.codes) != len(two.codes) or one.signs != two.signs or len(one.slopes) != len(two.slopes):
        return False
    for a, b in zip(one.slopes, two.slopes, strict=True):
        if (a is None) != (b is None) or (a is not None and b is not None and not np.array_equal(a[rows], b[rows])):
            return False
    if _levels(one, rows) != _levels(two, rows):
        return False
    first = np.concatenate([code[rows] for code in one.codes]).astype(np.int64)
    second = np.concatenate([code[rows] for code in two.codes]).astype(np.int64)
    both = np.unique((first + 1) * (two.levels + 1) + second + 1).size
    return both == np.unique(first).size == np.unique(second).size


def _is_explained(response: FloatArray, fixed: FloatArray, weights: FloatArray) -> bool:
    root = np.sqrt(weights)
    scaled, x = root * response, root[:, None] * fixed
    rest = scaled - x @ np.linalg.lstsq(x, scaled)[0] if x.shape[1] else scaled
    return float(rest @ rest) <= EXACT * float(scaled @ scaled)

"""The significance table beside the planted truth, for a terminal of 100 characters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from analysis.simulate import PlantedTruth

HEAD = ("Dimension", "Contrast", "Planted", "Estimate", "95% interval", "In", "p (Holm)")
RIGHT = {2, 3, 6}
WIDEST = 100
SMALLEST_P = 0.001
CHOSEN = "By design 1 in 20 misses; this seed was chosen for none. 100 seeds: tests/benchmarks/demo_seeds.py"


def truth_table(rows: Iterable[Mapping[str, Any]], truth: PlantedTruth, *, judgements: int) -> str:
    """Return the rows of a report's summary as text; `In` says whether the planted value lies in the interval."""
    found = list(rows)
    inside = [_is_covered(row, _planted(row, truth)) for row in found]
    cells = [HEAD, *(_cells(row, truth, covered=covered) for row, covered in zip(found, inside, strict=True))]
    widths = [max(len(line[at]) for line in cells) for at in range(len(HEAD))]
    lines = [_line(line, widths) for line in cells]
    lines.insert(1, "─" * min(WIDEST, max(map(len, lines))))
    foot = f"{sum(inside)} of {len(inside)} planted effects lie in their 95% intervals."
    return "\n".join((*lines, f"{foot} Log-odds; {judgements:,} judgements.", CHOSEN))


def _planted(row: Mapping[str, Any], truth: PlantedTruth) -> float:
    return truth.contrast(row["dimension"], row["first"], row["second"])


def _is_covered(row: Mapping[str, Any], planted: float) -> bool:
    low, high = row["low"], row["high"]
    return low is not None and high is not None and low <= planted <= high


def _number(value: float | None, width: int = 0) -> str:
    """Numbers that do not exist are None in JSON."""
    return f"{'–':>{width}}" if value is None else f"{value:{width}.2f}"


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "< .001" if value < SMALLEST_P else f"{value:.3f}".removeprefix("0")


def _cells(row: Mapping[str, Any], truth: PlantedTruth, *, covered: bool) -> tuple[str, ...]:
    return (
        row["dimension"],
        f"{row['first']} vs {row['second']}",
        _number(_planted(row, truth)),
        _number(row["estimate"]) + ("" if row["converged"] else " (!)"),
        f"{_number(row['low'], 5)} to {_number(row['high'], 5)}",
        "✓" if covered else "✗",
        _p(row["p_holm"]),
    )


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = (
        f"{cell:>{width}}" if at in RIGHT else f"{cell:<{width}}"
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(padded).rstrip()

"""Geometry of the small pictures beside numbers; templates draw it. All lengths are in the units of a viewBox."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BAR_HEIGHT = 90.0
LABEL_HEIGHT = 16.0
ROOMY = 12
FOREST_WIDTH = 760.0
FOREST_LEFT = (120.0, 310.0)  # of the plot: least, and most; as the longest label needs, so that a phone shows some
FOREST_LETTER = 6.8
FOREST_LABEL = 44  # letters
FOREST_RIGHT = 130.0
FOREST_ROW = 30.0
FOREST_HEAD = 26.0
NICE = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
MOST_TICKS = 7
RATIOS = ("odds_ratio", "odds_ratio_low", "odds_ratio_high")


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a stacked bar, in per cent of its width."""

    start: float
    width: float
    kind: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram with its two labels."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: str
    kind: str

    @property
    def middle(self) -> float:
        """Where the labels are centred."""
        return self.x + self.width / 2


def segments(parts: Sequence[tuple[float, str]], total: float) -> list[Segment]:
    """Lay parts side by side as shares of `total`; never beyond the whole."""
    made, start = [], 0.0
    for value, kind in parts:
        width = min(100 * value / total, 100 - start) if total > 0 else 0.0
        if width > 0:
            made.append(Segment(round(start, 2), round(width, 2), kind))
        start += width
    return made


def bars(values: Sequence[tuple[str, int, str]], width: float = 480.0) -> dict[str, Any]:
    """Lay out a histogram of (label, count, kind); the tallest bar fills the height, of many only it is labelled."""
    top = max((count for _, count, _ in values), default=0) or 1
    step = width / max(len(values), 1)
    made = []
    for at, (label, count, kind) in enumerate(values):
        height = max(BAR_HEIGHT * count / top, 1.5 if count else 0.0)
        value = f"{count:,}" if count and (len(values) <= ROOMY or count == top) else ""
        made.append(
            Bar(
                round(at * step + step * 0.1, 2),
                round(LABEL_HEIGHT + BAR_HEIGHT - height, 2),
                round(step * 0.8, 2),
                round(height, 2),
                label,
                value,
                kind,
            )
        )
    return {"bars": made, "width": width, "base": LABEL_HEIGHT + BAR_HEIGHT, "height": BAR_HEIGHT + 2 * LABEL_HEIGHT}


def spark(counts: Sequence[int], height: float = 24.0) -> dict[str, Any]:
    """Lay out a small histogram without words, one bar each 6 units wide."""
    top = max(counts, default=0) or 1
    bars = [
        (6 * at, round(height - max(height * count / top, 1.0), 1), round(max(height * count / top, 1.0), 1))
        for at, count in enumerate(counts)
        if count
    ]
    return {"spark": bars, "width": 6 * len(counts), "height": height}


def matrix(pairs: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """Return the systems and, for each, one cell per system: how many tasks bring the two together; None for itself."""
    names = sorted({name for pair in pairs for name in pair})
    met = {frozenset(pair): count for pair, count in pairs.items()}
    rows = [
        (row, [None if row == column else met.get(frozenset((row, column)), 0) for column in names]) for row in names
    ]
    return {"names": names, "rows": rows}


def forest(rows: Sequence[Mapping[str, Any]], *, alpha: float = 0.05) -> dict[str, Any] | None:
    """Lay out dots and intervals of odds ratios on a log axis, grouped by dimension; None when nothing is finite."""
    shown = [row for row in rows if _finite(*(row[name] for name in RATIOS)) and row["odds_ratio_low"] > 0]
    if not shown:
        return None
    low, high = _span(shown)
    left = _left(shown)
    plot = FOREST_WIDTH - left - FOREST_RIGHT

    def place(ratio: float) -> float:
        share = (math.log(ratio) - low) / (high - low)
        return round(left + plot * min(max(share, 0.0), 1.0), 1)

    lines, heads, y = [], [], 0.0
    for at, row in enumerate(shown):
        if at == 0 or row["dimension"] != shown[at - 1]["dimension"]:
            heads.append((y + FOREST_HEAD * 0.7, row["dimension"]))
            y += FOREST_HEAD
        lines.append(_line(row, y + FOREST_ROW / 2, place, alpha=alpha))
        y += FOREST_ROW
    ticks = [(place(tick), f"{tick:g}") for tick in _ticks(low, high)]
    return {
        "lines": lines,
        "heads": heads,
        "ticks": ticks,
        "null": place(1.0),
        "width": FOREST_WIDTH,
        "bottom": y + 4,
        "height": y + 44,
        "left": left,
        "middle": left + plot / 2,
    }


def _label(row: Mapping[str, Any]) -> str:
    label = f"{row['first']} vs {row['second']}"
    return label if len(label) <= FOREST_LABEL else f"{label[: FOREST_LABEL - 1]}…"


def _left(rows: Sequence[Mapping[str, Any]]) -> float:
    """Where the plot begins: behind the longest label."""
    least, most = FOREST_LEFT
    return min(max(24 + FOREST_LETTER * max(len(_label(row)) for row in rows), least), most)


def _line(row: Mapping[str, Any], y: float, place: Any, *, alpha: float) -> dict[str, Any]:
    ratio, low, high = row["odds_ratio"], row["odds_ratio_low"], row["odds_ratio_high"]
    p = row.get("corrected", row.get("p_holm"))
    return {
        "y": y,
        "label": _label(row),
        "dot": place(ratio),
        "from": place(low),
        "to": place(high),
        "text": f"{ratio:.2f} [{low:.2f}, {high:.2f}]",
        "significant": p is not None and _finite(p) and p < alpha,
    }


def _finite(*values: Any) -> bool:
    return all(isinstance(value, int | float) and math.isfinite(value) for value in values)


def _span(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    ends = [math.log(row[name]) for row in rows for name in ("odds_ratio_low", "odds_ratio_high")]
    low, high = min(*ends, 0.0), max(*ends, 0.0)
    low, high = max(low, math.log(NICE[0])), min(high, math.log(NICE[-1]))
    pad = max(0.05 * (high - low), 0.1)
    return low - pad, high + pad


def _ticks(low: float, high: float) -> list[float]:
    found = [tick for tick in NICE if low <= math.log(tick) <= high]
    if len(found) > MOST_TICKS:
        found = [tick for tick in found if tick in (0.02, 0.1, 0.5, 1.0, 2.0, 10.0, 50.0)]
    return found

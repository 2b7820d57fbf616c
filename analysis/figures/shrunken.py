"""Shrunken estimates as dots with intervals: the prompts and raters at both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from analysis.figures.canvas import INK, MUTED, STYLE, SURE, UNSURE, blank, plain, shorten, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.results import ShrunkenEstimates, StudyResult

MOST = 20
ROW = 0.2
WIDTH = 3.9
UNITS = ("prompt", "rater")


def shrunken_dots(result: StudyResult, unit: str) -> Figure | None:
    """Draw, per dimension, the first contrast within each prompt (or for each rater); of many the ends only."""
    found = [
        (item.dimension, one)
        for item in result.dimensions
        for one in [next((s for s in item.shrunken if s.unit == unit and s.labels), None)]
        if one is not None
    ]
    if not found:
        return None
    rows = max(min(one.estimate.size, MOST + 1) for _, one in found)
    across = min(2, len(found))
    down = -(-len(found) // across)
    tall = ROW * rows + 0.95
    width, height = across * WIDTH, down * tall + 0.1
    with mpl.rc_context(STYLE):
        figure = blank(width, height)
        for at, (dimension, one) in enumerate(found):
            left, top = (at % across) * WIDTH + 1.35, height - (at // across) * tall - 0.45
            shown = ROW * min(one.estimate.size, MOST + 1)
            axes = figure.add_axes((left / width, (top - shown) / height, (WIDTH - 1.55) / width, shown / height))
            _panel(plain(axes, grid="x"), one)
            title(axes, f"{shorten(dimension, 16)}: {shorten(one.contrast, 30)}")
            axes.title.set_fontsize(8.5)
    return figure


def ends(one: ShrunkenEstimates, most: int = MOST) -> list[int | None]:
    """Return the numbers of the levels to show from the largest down; None marks where the middle was left out."""
    order = [int(at) for at in np.argsort(-one.estimate, kind="stable")]
    if len(order) <= most:
        return list(order)
    half = most // 2
    return [*order[:half], None, *order[-half:]]


def _panel(axes: Axes, one: ShrunkenEstimates) -> None:
    shown = ends(one)
    labels = []
    for at, level in enumerate(shown):
        if level is None:
            labels.append(f"… {one.estimate.size - MOST} more")
            continue
        labels.append(shorten(one.labels[level], 20))
        sure = one.low[level] * one.high[level] > 0
        axes.plot([one.low[level], one.high[level]], [at, at], color=SURE if sure else UNSURE, linewidth=1.3)
        axes.plot([one.estimate[level]], [at], "o", ms=4, color=SURE if sure else UNSURE)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_yticks(range(len(shown)), labels)
    axes.tick_params(axis="y", labelsize=7.5, labelcolor=MUTED)
    axes.tick_params(axis="x", labelsize=7.5)

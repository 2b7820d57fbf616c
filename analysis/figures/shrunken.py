"""Shrunken estimates as dots with intervals: the prompts and raters at both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from analysis.figures.canvas import INK, MUTED, STYLE, SURE, UNSURE, blank, plain, shorten, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.results import DimensionResult, ShrunkenEstimates, StudyResult

MOST = 20
ROW = 0.19
WIDTH = 2.85
LABELS = 0.95
ACROSS = 3
ALIKE = 1e-6
"""Estimates closer than this are those of a spread of zero."""


def shrunken_dots(result: StudyResult, unit: str) -> Figure | None:
    """Draw, per dimension, one contrast within each prompt (or for each rater); of many units the two ends only.

    The contrast is the first of the report. A dimension whose units do not differ at all is left out.
    """
    found = [(item.dimension, one) for item in result.dimensions if (one := _chosen(result, item, unit)) is not None]
    if not found:
        return None
    scales = {item.dimension: str(item.scale) for item in result.dimensions}
    rows = max(min(one.estimate.size, MOST + 1) for _, one in found)
    across = min(ACROSS, len(found))
    down = -(-len(found) // across)
    tall = ROW * rows + 1.05
    width, height = across * WIDTH + 0.1, down * tall + 0.1
    limits = _limits([(scales[name], one) for name, one in found])
    with mpl.rc_context(STYLE):
        figure = blank(width, height)
        for at, (dimension, one) in enumerate(found):
            left, top = (at % across) * WIDTH + LABELS, height - (at // across) * tall - 0.6
            shown = ROW * min(one.estimate.size, MOST + 1)
            box = (left / width, (top - shown) / height, (WIDTH - LABELS - 0.15) / width, shown / height)
            axes = plain(figure.add_axes(box), grid="x")
            _panel(axes, one)
            axes.set_xlim(*limits[scales[dimension]])
            title(axes, f"{shorten(dimension, 26)}\n{shorten(one.contrast, 30)}", size=8.5)
    return figure


def _limits(found: list[tuple[str, ShrunkenEstimates]]) -> dict[str, tuple[float, float]]:
    """Return the ends of the axis of each scale, so that panels on one scale can be compared."""
    limits = {}
    for scale in {scale for scale, _ in found}:
        low = min(float(one.low.min()) for name, one in found if name == scale)
        high = max(float(one.high.max()) for name, one in found if name == scale)
        limits[scale] = (low - 0.03 * (high - low), high + 0.03 * (high - low))
    return limits


def _chosen(result: StudyResult, item: DimensionResult, unit: str) -> ShrunkenEstimates | None:
    wanted = result.rows[0].contrast
    found = [one for one in item.shrunken if one.unit == unit and one.labels and np.ptp(one.estimate) > ALIKE]
    return next((one for one in found if one.contrast == wanted), found[0] if found else None)


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
        labels.append(shorten(one.labels[level], 16))
        sure = one.low[level] * one.high[level] > 0
        axes.plot([one.low[level], one.high[level]], [at, at], color=SURE if sure else UNSURE, linewidth=1.3)
        axes.plot([one.estimate[level]], [at], "o", ms=4, color=SURE if sure else UNSURE)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_yticks(range(len(shown)), labels)
    axes.tick_params(axis="y", labelsize=7.5, labelcolor=MUTED)
    axes.tick_params(axis="x", labelsize=7.5)

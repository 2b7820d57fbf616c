"""The forest plot: one panel per dimension, estimates with intervals against the line of no difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.ticker import MaxNLocator

from analysis.figures.canvas import BAND, INK, MUTED, RULE, STYLE, SURE, UNSURE, blank
from analysis.wording import CORRECTIONS, chance, format_p, number, percent, speaks_of_wins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.results import SignificanceRow, StudyResult

ROW_HEIGHT = 0.36
HEAD_HEIGHT = 0.42
TICKS_HEIGHT = 0.3
LABEL_LETTERS = 34
COLUMNS = (1.43, 1.62, 1.84)


def forest_plot(result: StudyResult) -> Figure:
    """Draw each contrast with its interval; filled markers are those that survive the declared correction.

    Panels on one scale share one axis; a panel on another scale has its own.
    """
    names = [item.dimension for item in result.dimensions]
    groups = [group for name in names if (group := [row for row in result.rows if row.dimension == name])]
    scales = [group[0].scale for group in groups]
    # Ticks stand below the last panel of each run of equal scales.
    ends = [at + 1 == len(scales) or scales[at + 1] != scale for at, scale in enumerate(scales)]
    heights = [len(group) * ROW_HEIGHT + HEAD_HEIGHT for group in groups]
    below = [TICKS_HEIGHT if end and at + 1 < len(ends) else 0.0 for at, end in enumerate(ends)]
    total = sum(heights) + sum(below) + 1.05
    with mpl.rc_context(STYLE):
        figure = blank(9.2, total)
        top, axes = total - 0.25, []
        for group, height, gap, end in zip(groups, heights, below, ends, strict=True):
            rows = len(group) * ROW_HEIGHT
            top -= height
            axes.append(figure.add_axes((0.285, top / total, 0.385, rows / total)))
            top -= gap
            _panel(axes[-1], group, result, limits=_limits(result, group[0].scale))
            axes[-1].tick_params(axis="x", labelbottom=end, colors=MUTED, labelsize=8.5, pad=4)
        _frame(figure, axes, result, scales=scales)
    return figure


def _limits(result: StudyResult, scale: str) -> tuple[float, float]:
    rows = [row for row in result.rows if row.converged and row.scale == scale]
    values = [value for row in rows for value in (row.low, row.high)] or [-1.0, 1.0]
    least = 0.05 * max(abs(value) for value in values)
    low, high = min(*values, -least), max(*values, least)
    margin = 0.06 * (high - low)
    return low - margin, high + margin


def _panel(axes: Axes, rows: list[SignificanceRow], result: StudyResult, *, limits: tuple[float, float]) -> None:
    count = len(rows)
    axes.set_xlim(*limits)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_facecolor("white")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.tick_params(axis="x", length=0)
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.axvline(0.0, color=INK, linewidth=1.1, zorder=2)
    head = 1.0 + 0.17 / (count * ROW_HEIGHT)
    axes.text(-0.735, head, rows[0].dimension, transform=axes.transAxes, fontweight="bold", fontsize=10.5, va="center")
    for index, row in enumerate(rows):
        if index % 2 == 0:
            axes.axhspan(
                index - 0.5, index + 0.5, xmin=-0.75, xmax=1.86, color=BAND, zorder=0, clip_on=False, linewidth=0
            )
        _line(axes, row, index, p=result.corrected(row), alpha=1.0 - result.confidence)


def _line(axes: Axes, row: SignificanceRow, index: int, *, p: float, alpha: float) -> None:
    y = axes.get_yaxis_transform()
    longest = int(LABEL_LETTERS / 0.6)
    label = row.contrast if len(row.contrast) <= longest else row.contrast[: longest - 1] + "…"
    size = 9.5 * min(1.0, LABEL_LETTERS / len(label))
    right: Any = {"transform": y, "va": "center", "ha": "right"}
    axes.text(-0.72, index, label, transform=y, va="center", ha="left", fontsize=size)
    if not row.converged:
        axes.text(0.98, index, "no estimate, see the table", **right, color=MUTED, style="italic", fontsize=8.5)
        axes.text(1.84, index, f"raw win rate {percent(row.raw_win_rate)}", **right, color=MUTED)
        return
    sure = p < alpha
    color = SURE if sure else UNSURE
    fill = color if sure else "white"
    axes.plot([row.low, row.high], [index, index], color=color, linewidth=2.0, solid_capstyle="round", zorder=3)
    axes.plot(
        [row.estimate], [index], "o", markersize=7.0, color=color, markerfacecolor=fill, markeredgewidth=1.6, zorder=4
    )
    axes.text(COLUMNS[0], index, f"{number(row.estimate)} [{number(row.low)}, {number(row.high)}]", **right)
    axes.text(COLUMNS[1], index, percent(chance(row)[0]), **right)
    axes.text(COLUMNS[2], index, format_p(p), **right, fontweight="bold" if sure else "normal")


def _frame(figure: Figure, axes: list[Axes], result: StudyResult, *, scales: Sequence[str]) -> None:
    """Head the columns of numbers, label the axes and say what the markers mean."""
    height = float(figure.get_size_inches()[1])
    box = axes[0].get_position()
    level = f"{100.0 * result.confidence:g}% CI"
    correction = CORRECTIONS[result.correction]
    paired = all(item.paired for item in result.dimensions)
    one = len(set(scales)) == 1
    heads = (
        f"{scales[0] if one else 'estimate'} [{level}]",
        "win rate" if speaks_of_wins(result) else "P(better)",
        f"p ({correction})",
    )
    for x, text in zip(COLUMNS, heads, strict=True):
        place = box.x0 + x * box.width
        figure.text(place, box.y1 + 0.17 / height, text, ha="right", va="center", color=MUTED, fontsize=8.5)
    if not one:
        for panel, scale in zip(axes, scales, strict=True):
            spot = panel.get_position()
            figure.text(spot.x0, spot.y1 + 0.17 / height, scale, va="center", color=MUTED, fontsize=8.5)
    last = axes[-1]
    wins = " that the first system wins" if scales[-1] == "log-odds" and paired else ", first minus second"
    last.set_xlabel(f"{scales[-1]}{wins}", color=MUTED, fontsize=8.5, labelpad=4)
    box = last.get_position()
    limits = last.get_xlim()
    zero = (0.0 - limits[0]) / (limits[1] - limits[0])
    for share, text, side in ((zero - 0.02, "← second better", "right"), (zero + 0.02, "first better →", "left")):
        place = box.x0 + share * box.width
        figure.text(place, box.y0 - 0.56 / height, text, ha=side, va="center", color=MUTED, fontsize=8)
    level = f"{1.0 - result.confidence:.3g}".replace("0.", ".")
    note = f"Filled: p ({correction}) below {level}. Intervals are not corrected."
    figure.text(0.988, 0.1 / height, note, color=MUTED, fontsize=7.5, va="bottom", ha="right")

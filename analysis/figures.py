"""The forest plot: one panel per dimension, estimates with intervals against the line of no difference."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.wording import format_p, number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.results import SignificanceRow, StudyResult

INK, MUTED, RULE, BAND = "#1f2933", "#66717d", "#d5dae0", "#f4f6f8"
SURE, UNSURE = "#0b6e99", "#8a949e"
ROW_HEIGHT = 0.36
LABEL_LETTERS = 34
STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "svg.hashsalt": "forest",
    "svg.fonttype": "path",
    "text.color": INK,
    "axes.unicode_minus": True,
}


def forest_plot(result: StudyResult) -> Figure:
    """Draw the log-odds of each contrast with its interval; filled markers are those that survive Holm's correction."""
    names = [item.dimension for item in result.dimensions]
    groups = [[row for row in result.rows if row.dimension == name] for name in names]
    with mpl.rc_context(STYLE):
        heights = [len(group) * ROW_HEIGHT + 0.42 for group in groups]
        total = sum(heights) + 1.05
        figure = Figure(figsize=(9.2, total), facecolor="white")
        FigureCanvasAgg(figure)
        limits = _limits(result)
        top, axes = total - 0.25, []
        for group, height in zip(groups, heights, strict=True):
            rows = len(group) * ROW_HEIGHT
            top -= height
            axes.append(figure.add_axes((0.285, top / total, 0.385, rows / total)))
            _panel(axes[-1], group, limits=limits, alpha=1.0 - result.confidence)
        _frame(figure, axes, result, limits=limits)
    return figure


def _limits(result: StudyResult) -> tuple[float, float]:
    values = [value for row in result.rows if row.converged for value in (row.low, row.high)] or [-1.0, 1.0]
    low, high = min(*values, -0.25), max(*values, 0.25)
    margin = 0.06 * (high - low)
    return low - margin, high + margin


def _panel(axes: Axes, rows: list[SignificanceRow], *, limits: tuple[float, float], alpha: float) -> None:
    count = len(rows)
    axes.set_xlim(*limits)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_facecolor("white")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.axvline(0.0, color=INK, linewidth=1.1, zorder=2)
    axes.text(
        -0.735,
        1.0 + 0.17 / (count * ROW_HEIGHT),
        rows[0].dimension,
        transform=axes.transAxes,
        fontweight="bold",
        fontsize=10.5,
        va="center",
    )
    for index, row in enumerate(rows):
        if index % 2 == 0:
            axes.axhspan(
                index - 0.5, index + 0.5, xmin=-0.75, xmax=1.86, color=BAND, zorder=0, clip_on=False, linewidth=0
            )
        _line(axes, row, index, alpha=alpha)


def _line(axes: Axes, row: SignificanceRow, index: int, *, alpha: float) -> None:
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
    sure = row.p_holm < alpha
    color = SURE if sure else UNSURE
    fill = color if sure else "white"
    axes.plot([row.low, row.high], [index, index], color=color, linewidth=2.0, solid_capstyle="round", zorder=3)
    axes.plot(
        [row.estimate], [index], "o", markersize=7.0, color=color, markerfacecolor=fill, markeredgewidth=1.6, zorder=4
    )
    axes.text(1.43, index, f"{number(row.estimate)} [{number(row.low)}, {number(row.high)}]", **right)
    axes.text(1.62, index, percent(row.win_rate), **right)
    axes.text(1.84, index, format_p(row.p_holm), **right, fontweight="bold" if sure else "normal")


def _frame(figure: Figure, axes: list[Axes], result: StudyResult, *, limits: tuple[float, float]) -> None:
    """Head the columns of numbers, label the axis and say what the markers mean."""
    height = float(figure.get_size_inches()[1])
    box = axes[0].get_position()
    level = f"{100.0 * result.confidence:g}% CI"
    for x, text in ((1.43, f"log-odds [{level}]"), (1.62, "win rate"), (1.84, "p (Holm)")):
        place = box.x0 + x * box.width
        figure.text(place, box.y1 + 0.17 / height, text, ha="right", va="center", color=MUTED, fontsize=8.5)
    last = axes[-1]
    last.tick_params(axis="x", labelbottom=True, colors=MUTED, labelsize=8.5, pad=4)
    last.set_xlabel("log-odds that the first system wins", color=MUTED, fontsize=8.5, labelpad=4)
    box = last.get_position()
    zero = (0.0 - limits[0]) / (limits[1] - limits[0])
    for share, text, side in ((zero - 0.02, "← second better", "right"), (zero + 0.02, "first better →", "left")):
        place = box.x0 + share * box.width
        figure.text(place, box.y0 - 0.56 / height, text, ha=side, va="center", color=MUTED, fontsize=8)
    level = f"{1.0 - result.confidence:.3g}".replace("0.", ".")
    note = f"Filled: p (Holm) below {level}. Intervals are not corrected."
    figure.text(0.988, 0.1 / height, note, color=MUTED, fontsize=7.5, va="bottom", ha="right")


def to_svg(figure: Figure) -> str:
    """Return the figure as SVG, the same bytes every time."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def to_png(figure: Figure) -> bytes:
    """Return the figure as PNG at 200 dots per inch, the same bytes every time."""
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="png", dpi=200, metadata={"Software": None})
    return buffer.getvalue()

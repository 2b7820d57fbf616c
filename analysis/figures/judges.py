"""Automatic judges: their correlations with people, and their accuracy beside a single rater's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import MaxNLocator

from analysis.figures.canvas import BAND, INK, MUTED, PALETTE, STYLE, SURE, UNSURE, blank, plain, shorten
from analysis.results.judges import AGREE, ALL, BETWEEN, DISAGREE
from analysis.wording import interval, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.results.judges import JudgeComparison, JudgeRow

WIDTH: Final = 8.6
LINE: Final = 0.36
HEAD: Final = 0.46
FOOT: Final = 0.85
LEFT, ACROSS = 0.24, 0.4
NUMBERS: Final = (1.578, 1.862)
SPLITS: Final = (ALL, AGREE, BETWEEN, DISAGREE)


def judge_forest(found: JudgeComparison | None) -> Figure | None:
    """Draw ρ (dot, with interval) and τ-b (diamond) of each judge, a panel per dimension; None without judges."""
    groups = _by_dimension(found, (ALL,))
    if found is None or not groups:
        return None
    values = [
        v for rows in groups for row in rows for v in (row.spearman_low, row.spearman_high, row.kendall, row.human_rho)
    ]
    low, high = _reach([*values, 0.0], least=-1.0)
    heads = (f"ρ [{100.0 * found.confidence:g}% CI]", "τ-b")
    with mpl.rc_context(STYLE):
        figure, panels = _panels(groups, heads=heads)
        for axes, rows in zip(panels, groups, strict=True):
            axes.set_xlim(low, high)
            axes.axvline(0.0, color=INK, linewidth=1.1, zorder=2)
            _name(axes, f"{rows[0].dimension} ({rows[0].scope})")
            for at, row in enumerate(rows):
                _correlation(axes, row, at, alpha=1.0 - found.confidence)
        panels[-1].set_xlabel("correlation of the judge's scores with the human scores", labelpad=4)
        _foot(figure, "●", SURE, "ρ, filled: corrected p below the level", at=0.02)
        _foot(figure, "◇", MUTED, "τ-b", at=0.36)
        if any(not np.isnan(row.human_rho) for rows in groups for row in rows):
            _foot(figure, "┃", INK, "one rater with the mean of the others", at=0.46)
    return figure


def _correlation(axes: Axes, row: JudgeRow, at: int, *, alpha: float) -> None:
    sure = row.p_holm < alpha
    colour = SURE if sure else UNSURE
    _label(axes, row.judge, at)
    if not np.isnan(row.spearman):
        axes.plot([row.spearman_low, row.spearman_high], [at, at], color=colour, linewidth=2.0, zorder=3)
        axes.plot([row.kendall], [at], "D", ms=5.0, color=MUTED, markerfacecolor="white", zorder=4)
        axes.plot(
            [row.spearman], [at], "o", ms=7.0, color=colour, markerfacecolor=colour if sure else "white", zorder=5
        )
    axes.plot([row.human_rho], [at], "|", ms=15, mew=2.2, color=INK, zorder=4)
    spread = interval(row.spearman_low, row.spearman_high)
    _cell(axes, 0, at, number(row.spearman) + ("" if spread == "–" else f" {spread}"))
    _cell(axes, 1, at, number(row.kendall))


def judge_accuracy(found: JudgeComparison | None) -> Figure | None:
    """Draw each judge's accuracy over all items and by agreement, a tick where a single rater stands; None without."""
    groups = _by_dimension(found, SPLITS)
    groups = [rows for rows in groups if any(not np.isnan(row.accuracy) for row in rows)]
    if found is None or not groups:
        return None
    values = [
        v for rows in groups for row in rows for v in (row.accuracy_low, row.accuracy_high, row.human, row.accuracy)
    ]
    low, high = _reach([*values, 0.5], least=0.0)
    heads = (f"accuracy [{100.0 * found.confidence:g}% CI]", "one rater")
    colours = dict(zip(SPLITS, (SURE, PALETTE[2], PALETTE[1], PALETTE[5]), strict=True))
    with mpl.rc_context(STYLE):
        figure, panels = _panels(groups, heads=heads)
        for axes, rows in zip(panels, groups, strict=True):
            axes.set_xlim(low, high)
            axes.axvline(0.5, color=INK, linewidth=1.1, zorder=2)
            axes.xaxis.set_major_formatter(lambda value, _: f"{100.0 * value:.0f}%")
            _name(axes, rows[0].dimension)
            for at, row in enumerate(rows):
                _share(axes, row, at, colour=colours[row.subset])
        panels[-1].set_xlabel("pairs in which the judge prefers what the majority of raters prefers", labelpad=4)
        _foot(figure, "┃", INK, "a single rater against the majority of the others", at=0.02)
        _foot(figure, "│", INK, "line at 50%: chance", at=0.5)
    return figure


def _share(axes: Axes, row: JudgeRow, at: int, *, colour: str) -> None:
    whole = row.subset == ALL
    _label(axes, row.judge if whole else row.subset, at, inset=not whole)
    axes.plot([row.accuracy_low, row.accuracy_high], [at, at], color=colour, linewidth=2.0, zorder=3)
    axes.plot([row.accuracy], [at], "o", ms=7.0 if whole else 5.5, color=colour, zorder=5)
    axes.plot([row.human], [at], "|", ms=15, mew=2.2, color=INK, zorder=4)
    spread = "" if np.isnan(row.accuracy_low) else f" [{percent(row.accuracy_low)}, {percent(row.accuracy_high)}]"
    _cell(axes, 0, at, percent(row.accuracy) + spread, small=not whole)
    _cell(axes, 1, at, percent(row.human), small=not whole)


def _by_dimension(found: JudgeComparison | None, subsets: Sequence[str]) -> list[list[JudgeRow]]:
    if found is None:
        return []
    return [[row for row in found.rows if row.dimension == name and row.subset in subsets] for name in found.human]


def _reach(values: Sequence[float], *, least: float) -> tuple[float, float]:
    known = [value for value in values if not np.isnan(value)]
    low, high = min(known), max(known)
    margin = 0.06 * max(high - low, 0.2)
    return max(low - margin, least - 0.03), min(high + margin, 1.03)


def _panels(groups: Sequence[Sequence[JudgeRow]], *, heads: tuple[str, str]) -> tuple[Figure, list[Axes]]:
    """Return a figure with one panel per group, below one another on one scale, ticks below the last."""
    total = sum(len(rows) * LINE + HEAD for rows in groups) + FOOT
    figure, top, panels = blank(WIDTH, total), total - 0.1, []
    for number_, rows in enumerate(groups):
        height = len(rows) * LINE
        top -= height + HEAD
        axes = plain(figure.add_axes((LEFT, top / total, ACROSS, height / total)), grid="x")
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks([])
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
        axes.tick_params(axis="x", labelbottom=number_ + 1 == len(groups))
        _bands(axes, rows)
        panels.append(axes)
    for x, text in zip(NUMBERS, heads, strict=True):
        box = panels[0].get_position()
        place = box.x0 + x * box.width
        figure.text(place, box.y1 + 0.17 / total, text, ha="right", va="center", color=MUTED, fontsize=8.5)
    return figure, panels


def _bands(axes: Axes, rows: Sequence[JudgeRow]) -> None:
    """Shade every other judge, over all of its lines."""
    for number_, judge in enumerate(dict.fromkeys(row.judge for row in rows)):
        lines = [at for at, row in enumerate(rows) if row.judge == judge]
        if number_ % 2 == 0:
            axes.axhspan(
                lines[0] - 0.5, lines[-1] + 0.5, xmin=-0.58, xmax=1.88, color=BAND, zorder=0, clip_on=False, linewidth=0
            )


def _name(axes: Axes, text: str) -> None:
    height = 1.0 + 0.17 / (axes.get_ylim()[0] + 0.5) / LINE
    axes.text(-0.58, height, shorten(text, 46), transform=axes.transAxes, fontweight="bold", fontsize=10.5, va="center")


def _label(axes: Axes, text: str, at: int, *, inset: bool = False) -> None:
    x, size = (-0.49, 8.5) if inset else (-0.55, 9.5)
    axes.text(
        x, at, shorten(text, 30), transform=axes.get_yaxis_transform(), va="center", fontsize=size,
        color=MUTED if inset else INK,
    )  # fmt: skip


def _cell(axes: Axes, column: int, at: int, text: str, *, small: bool = False) -> None:
    size = 8.5 if small else 9.0
    where = axes.get_yaxis_transform()
    axes.text(NUMBERS[column], at, text, transform=where, va="center", ha="right", fontsize=size)


def _foot(figure: Figure, sign: str, colour: str, text: str, *, at: float) -> None:
    height = float(figure.get_size_inches()[1])
    figure.text(at, 0.1 / height, sign, color=colour, fontsize=9, va="center")
    figure.text(at + 0.018, 0.1 / height, text, color=MUTED, fontsize=8, va="center")

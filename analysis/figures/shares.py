"""Where the variance of one answer comes from: a stacked bar per dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl

from analysis.figures.canvas import INK, MUTED, PALETTE, REST, STYLE, blank, plain, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.results import StudyResult, VarianceShare

WIDTH = 7.4
BAR = 0.42
RESIDUAL = "residual"
LEGEND_ROW = 0.24


def variance_bars(result: StudyResult) -> Figure | None:
    """Draw one bar per dimension, its pieces the shares of the variance; None if no model has shares."""
    found = [item for item in result.dimensions if item.shares]
    if not found:
        return None
    names = list(dict.fromkeys(part.component for item in found for part in item.shares if part.component != RESIDUAL))
    colors = {name: PALETTE[at % len(PALETTE)] for at, name in enumerate(names)} | {RESIDUAL: REST}
    legend = LEGEND_ROW * (-(-len(colors) // 3)) + 0.15
    height = BAR * len(found) + 0.45 + legend
    with mpl.rc_context(STYLE):
        figure = blank(WIDTH, height)
        axes = plain(figure.add_axes((0.2, (0.4 + legend) / height, 0.77, BAR * len(found) / height)))
        for at, item in enumerate(found):
            _bar(axes, item.shares, at, colors)
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.set_xlim(0.0, 1.0)
        axes.set_yticks(range(len(found)), [shorten(item.dimension, 18) for item in found])
        axes.tick_params(axis="y", labelcolor=INK, labelsize=9.5)
        axes.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0%", "25%", "50%", "75%", "100%"])
        _legend(figure, colors, height)
    return figure


def _bar(axes: Axes, shares: tuple[VarianceShare, ...], at: int, colors: dict[str, str]) -> None:
    start = 0.0
    for part in shares:
        axes.barh(at, part.share, left=start, height=0.62, color=colors[part.component], edgecolor="white", linewidth=1)
        if part.share > 0.06:  # noqa: PLR2004 - room for the number
            light = colors[part.component] in (REST, "#f0e442", "#e69f00", "#56b4e9")
            axes.text(
                start + part.share / 2, at, f"{100 * part.share:.0f}%", ha="center", va="center", fontsize=8.5,
                color=INK if light else "white",
            )  # fmt: skip
        start += part.share


def _legend(figure: Figure, colors: dict[str, str], height: float) -> None:
    for at, (name, color) in enumerate(colors.items()):
        x, y = 0.2 + 0.27 * (at % 3), (LEGEND_ROW * (-(-len(colors) // 3) - 1 - at // 3) + 0.12) / height
        figure.patches.append(
            mpl.patches.Rectangle(
                (x, y), 0.02, 0.13 / height, color=color, transform=figure.transFigure, figure=figure, linewidth=0
            )
        )
        figure.text(x + 0.028, y + 0.065 / height, shorten(name, 24), va="center", fontsize=8.5, color=MUTED)

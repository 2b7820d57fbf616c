"""How systems fare from round to round: a line per system with its intervals, a panel per dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import matplotlib as mpl
import numpy as np

from analysis.figures.canvas import MUTED, PALETTE, STYLE, blank, plain, shorten, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.results import RoundMean, StudyResult

WIDTH: Final = 7.4
PANEL: Final = 2.3
ACROSS: Final = 3
LEGEND: Final = 0.35

APART: Final = 0.12
"""Systems stand this much beside one another, in rounds, so that their intervals do not hide one another."""


def rounds_plot(result: StudyResult) -> Figure | None:
    """Draw the means of each round with their intervals; None where there are no rounds."""
    if result.rounds is None:
        return None
    means = result.rounds.means
    names = list(dict.fromkeys(one.dimension for one in means))
    systems = sorted({one.system for one in means})
    across = min(len(names), ACROSS)
    down = -(-len(names) // across)
    height = PANEL * down + LEGEND
    with mpl.rc_context(STYLE):
        figure = blank(WIDTH, height)
        for at, name in enumerate(names):
            row, column = divmod(at, across)
            left, bottom = (column + 0.16) / across, 1.0 - (PANEL * (row + 1) - 0.5) / height
            box = (left, bottom, 0.8 / across, (PANEL - 0.85) / height)
            axes = plain(figure.add_axes(box), grid="y")
            _lines(axes, [one for one in means if one.dimension == name], systems)
        for at, system in enumerate(systems):
            x = 0.16 / across + 0.22 * at
            color = PALETTE[at % len(PALETTE)]
            figure.text(x, 0.06 / height, "●" if at == 0 else "■", color=color, fontsize=9)
            figure.text(x + 0.022, 0.07 / height, shorten(system, 20), color=MUTED, fontsize=8.5)
    return figure


def _lines(axes: Axes, means: list[RoundMean], systems: list[str]) -> None:
    for at, system in enumerate(systems):
        mine = sorted((one for one in means if one.system == system), key=lambda one: one.round)
        if not mine:
            continue
        shift = APART * (at - (len(systems) - 1) / 2.0)
        x = np.array([one.round for one in mine]) + shift
        y = np.array([one.mean for one in mine])
        reach = np.array([[one.mean - one.low for one in mine], [one.high - one.mean for one in mine]])
        axes.errorbar(
            x, y, yerr=np.nan_to_num(reach), color=PALETTE[at % len(PALETTE)], marker="o" if at == 0 else "s",
            markersize=4.5, linewidth=1.4, elinewidth=0.8, capsize=0,
        )  # fmt: skip
    title(axes, shorten(means[0].dimension, 22))
    rounds = sorted({one.round for one in means})
    axes.set_xticks(rounds if len(rounds) <= 12 else rounds[:: len(rounds) // 6])  # noqa: PLR2004
    axes.set_xlabel("round")
    axes.set_ylabel(means[0].unit.split(",", maxsplit=1)[0])

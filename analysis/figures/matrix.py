"""Who beats whom: the model's win rate in colour and number, the raw rate and the comparisons below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from analysis.figures.canvas import INK, MUTED, STYLE, blank, plain, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.results import DimensionResult, StudyResult, WinMatrix

# Blue above one half, orange below: told apart by colour-blind readers and in print.
SHADES = LinearSegmentedColormap.from_list("wins", ["#e08a1e", "#ffffff", "#0b6e99"])
ACROSS = 3
CELL = 0.72
LETTERS = 16


def win_matrix(result: StudyResult) -> Figure | None:
    """Draw the matrix of each dimension: the system of the row against that of the column; None if there is none."""
    found = [item for item in result.dimensions if item.wins is not None and len(item.wins.systems) > 1]
    if not found:
        return None
    largest = max(len(item.wins.systems) for item in found if item.wins is not None)
    side = max(CELL * largest, 1.4)
    names = max(len(shorten(name, LETTERS)) for item in found if item.wins for name in item.wins.systems)
    margin = 0.3 + 0.085 * names
    across = min(ACROSS, len(found))
    down = -(-len(found) // across)
    width, height = across * (side + margin) + 0.15, down * (side + 0.95) + 0.1
    with mpl.rc_context(STYLE):
        figure = blank(width, height)
        for at, item in enumerate(found):
            column, row = at % across, at // across
            left, top = column * (side + margin) + margin, height - row * (side + 0.95) - 0.75
            axes = figure.add_axes((left / width, (top - side) / height, side / width, side / height))
            _panel(axes, item)
    return figure


def _panel(axes: Axes, item: DimensionResult) -> None:
    wins = item.wins
    assert wins is not None  # noqa: S101 - chosen by the caller
    count = len(wins.systems)
    edges = np.arange(count + 1) - 0.5
    shown = np.nan_to_num(wins.estimate, nan=0.5)
    axes.pcolormesh(edges, edges, shown, cmap=SHADES, vmin=0.0, vmax=1.0, edgecolors="white", linewidth=1.5)
    axes.set_ylim(count - 0.5, -0.5)
    plain(axes)
    names = [shorten(name, LETTERS) for name in wins.systems]
    axes.set_xticks(range(count), names, rotation=0 if count < 4 and max(map(len, names)) < 11 else 25)  # noqa: PLR2004
    axes.set_yticks(range(count), names)
    axes.tick_params(axis="x", top=False, bottom=False, labeltop=True, labelbottom=False, pad=1)
    axes.set_title(item.dimension, loc="left", fontsize=10.5, fontweight="bold", color=INK, pad=6)
    for row in range(count):
        for column in range(count):
            if row != column:
                _cell(axes, wins, row, column)


def _cell(axes: Axes, wins: WinMatrix, row: int, column: int) -> None:
    value, raw, seen = wins.estimate[row, column], wins.raw[row, column], int(wins.counts[row, column])
    dark = abs(value - 0.5) > 0.33  # noqa: PLR2004
    color = "white" if dark else INK
    text = "–" if np.isnan(value) else f"{100 * value:.0f}%"
    axes.text(column, row - 0.12, text, ha="center", va="center", fontsize=10.5, fontweight="bold", color=color)
    below = "not compared" if np.isnan(raw) else f"raw {100 * raw:.0f}%\nof {seen:,}"
    axes.text(
        column, row + 0.26, below, ha="center", va="center", fontsize=6.5, color="white" if dark else MUTED,
        linespacing=1.1,
    )  # fmt: skip

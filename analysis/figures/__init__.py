"""The figures of a report, each the same bytes every time as SVG, PDF and PNG."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from analysis.figures.canvas import to_inline, to_pdf, to_png, to_svg
from analysis.figures.checks import effect_plots, influence_plot, residual_plots
from analysis.figures.forest import forest_plot
from analysis.figures.judges import judge_accuracy, judge_forest
from analysis.figures.matrix import win_matrix
from analysis.figures.rounds import rounds_plot
from analysis.figures.shares import variance_bars
from analysis.figures.shrunken import shrunken_dots

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    from analysis.results import StudyResult

__all__ = [
    "DRAWINGS",
    "Drawing",
    "effect_plots",
    "forest_plot",
    "influence_plot",
    "judge_accuracy",
    "judge_forest",
    "residual_plots",
    "rounds_plot",
    "shrunken_dots",
    "to_inline",
    "to_pdf",
    "to_png",
    "to_svg",
    "variance_bars",
    "win_matrix",
]


@dataclass(frozen=True)
class Drawing:
    """A figure by name: its words for readers who do not see it, and how it is drawn (None: nothing to show)."""

    name: str
    label: str
    draw: Callable[[StudyResult], Figure | None]


DRAWINGS = (
    Drawing(
        "forest", "Forest plot: each contrast with its interval, by dimension; the table below says it", forest_plot
    ),
    Drawing(
        "win-rates", "Matrix of win rates, row against column, by dimension; the same numbers stand below", win_matrix
    ),
    Drawing("variance-shares", "Stacked bars: the share of each source of variance; the table below", variance_bars),
    Drawing("rounds", "Lines: the mean of each system in each round, with intervals; the table below", rounds_plot),
    Drawing("prompts", "Dot plot: the contrast within each prompt, shrunken", partial(shrunken_dots, unit="prompt")),
    Drawing("raters", "Dot plot: the contrast for each rater, shrunken", partial(shrunken_dots, unit="rater")),
    Drawing("residuals", "Residuals against fitted values, and their normal quantile plots", residual_plots),
    Drawing("effects", "Normal quantile plots of the predicted effects of each random factor", effect_plots),
    Drawing(
        "judges",
        "Forest plot: correlation of each automatic judge with people, by dimension; the table below says it",
        lambda result: judge_forest(result.judges),
    ),
    Drawing(
        "judge-accuracy",
        "Dots: accuracy of each automatic judge where raters agree and disagree, and of one rater; the table below",
        lambda result: judge_accuracy(result.judges),
    ),
    Drawing("influence", "How each contrast changes when one prompt is left out", influence_plot),
)

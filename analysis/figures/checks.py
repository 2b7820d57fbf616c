"""The pictures of the diagnostics: residuals, predicted effects against the normal, contrasts without one prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from scipy.special import ndtri

from analysis.figures.canvas import INK, MUTED, RULE, STYLE, SURE, UNSURE, blank, plain, shorten, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.results import DimensionCheck, EffectCheck, FloatArray, InfluenceRow, ResidualCheck, StudyResult

PANEL = 2.35
GAP = 0.85
POINTS = 500
BINS = 12
ACROSS = 3


def residual_plots(result: StudyResult) -> Figure | None:
    """Draw, per dimension, residuals against fitted values and their normal quantile plot; None without residuals."""
    found = [(item.dimension, item.residuals) for item in result.checks if item.residuals is not None]
    if not found:
        return None
    width, height = 2 * (PANEL + 1.2) + 0.2, len(found) * (PANEL + GAP) + 0.1
    with mpl.rc_context(STYLE):
        figure = blank(width, height)
        for at, (name, check) in enumerate(found):
            bottom = height - at * (PANEL + GAP) - 0.35 - PANEL
            box = [((0.75 + x) / width, bottom / height, (PANEL + w) / width, PANEL / height) for x, w in _SPOTS]
            left, right = (plain(figure.add_axes(one), grid="both") for one in box)
            _against_fitted(left, check)
            title(left, shorten(name, 40))
            _normal_quantiles(right, check.residual)
    return figure


_SPOTS = ((0.0, 0.6), (PANEL + 1.5, -0.1))


def _against_fitted(axes: Axes, check: ResidualCheck) -> None:
    """Scatter an even choice of the points and draw median and quartiles in bins of equal size."""
    order = np.argsort(check.fitted, kind="stable")
    fitted, residual = check.fitted[order], check.residual[order]
    # An even choice in the order of the rows, which is that of their names: no pattern of the fitted values.
    some = np.unique(np.linspace(0, fitted.size - 1, min(POINTS, fitted.size)).round().astype(int))
    axes.plot(check.fitted[some], check.residual[some], "o", ms=2.2, color=UNSURE, alpha=0.45, mew=0, rasterized=False)
    parts = np.array_split(np.arange(fitted.size), min(BINS, max(1, fitted.size // 8)))
    middle = [float(np.median(fitted[part])) for part in parts]
    quartiles = np.array([np.quantile(residual[part], [0.25, 0.5, 0.75]) for part in parts])
    for column, style in ((0, "--"), (1, "-"), (2, "--")):
        axes.plot(middle, quartiles[:, column], style, color=SURE, linewidth=1.6 if column == 1 else 1.0)
        axes.axhline(float(ndtri((0.25, 0.5, 0.75)[column])), color=INK, linewidth=0.6, zorder=1)
    axes.set_xlabel("linear predictor")
    axes.set_ylabel("quantile residual")
    axes.set_ylim(-4.2, 4.2)


def _normal_quantiles(axes: Axes, values: FloatArray) -> None:
    ordered = np.sort(values)
    expected = ndtri((np.arange(1, ordered.size + 1) - 0.5) / ordered.size)
    _quantile_points(axes, expected, ordered)
    axes.set_xlabel("normal quantile")
    axes.set_ylabel("quantile residual")


def _quantile_points(axes: Axes, expected: FloatArray, observed: FloatArray) -> None:
    """Draw at most some hundred points, all of those at the ends, with the line of a standard normal."""
    count = observed.size
    few = np.unique(np.concatenate([np.arange(min(20, count)), np.linspace(0, count - 1, min(150, count)).round(),
                                    np.arange(max(0, count - 20), count)]).astype(int))  # fmt: skip
    limit = float(max(3.0, np.abs(expected).max(), np.abs(observed).max())) * 1.05
    axes.plot([-limit, limit], [-limit, limit], color=INK, linewidth=0.8)
    axes.plot(expected[few], observed[few], "o", ms=2.8, color=SURE, mew=0)
    axes.set_xlim(-limit, limit)
    axes.set_ylim(-limit, limit)


def effect_plots(result: StudyResult) -> Figure | None:
    """Draw the normal quantile plot of each factor's predicted effects, a line of panels per dimension."""
    found: list[tuple[DimensionCheck, tuple[EffectCheck, ...]]] = [
        (item, item.effects) for item in result.checks if item.effects
    ]
    if not found:
        return None
    across = max(len(effects) for _, effects in found)
    size = 1.85
    width, height = across * (size + 0.75) + 0.2, len(found) * (size + GAP) + 0.1
    with mpl.rc_context(STYLE):
        figure = blank(width, height)
        for at, (item, effects) in enumerate(found):
            bottom = height - at * (size + GAP) - 0.35 - size
            for column, effect in enumerate(effects):
                left = column * (size + 0.75) + 0.6
                axes = plain(figure.add_axes((left / width, bottom / height, size / width, size / height)), grid="both")
                _quantile_points(axes, effect.expected, effect.observed)
                name = effect.factor if effect.term == "(Intercept)" else f"{effect.factor}, {effect.term}"
                title(axes, shorten(item.dimension, 24)) if column == 0 else None
                axes.set_xlabel(f"{name} ({effect.observed.size})")
    return figure


def influence_plot(result: StudyResult) -> Figure | None:
    """Draw each contrast without one prompt, a dot per prompt beside the full estimate and its interval."""
    groups = [(item.dimension, item.influence) for item in result.checks if item.influence]
    if not groups:
        return None
    lines: list[tuple[str, list[InfluenceRow]]] = []
    for dimension, influence in groups:
        pairs = list(dict.fromkeys((row.first, row.second) for row in influence))
        lines += [
            (f"{dimension}: {a} vs {b}", [row for row in influence if (row.first, row.second) == (a, b)])
            for a, b in pairs
        ]
    height = 0.42 * len(lines) + 0.75
    with mpl.rc_context(STYLE):
        figure = blank(7.6, height)
        axes = plain(figure.add_axes((0.36, 0.5 / height, 0.61, 0.42 * len(lines) / height)), grid="x")
        for at, (_, rows) in enumerate(lines):
            _influence_line(axes, rows, at)
        far = max(1.15, 1.1 * max(abs(row.change_in_se) for _, rows in lines for row in rows))
        axes.axvline(0.0, color=INK, linewidth=1.1)
        axes.set_xlim(-far, far)
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.set_yticks(range(len(lines)), [shorten(name, 44) for name, _ in lines])
        axes.tick_params(axis="y", labelcolor=INK, labelsize=8)
        axes.set_xlabel("change of the contrast without the prompt, in its standard errors")
    return figure


def _influence_line(axes: Axes, rows: list[InfluenceRow], at: int) -> None:
    values = np.array([row.change_in_se for row in rows])
    axes.plot([-1.0, 1.0], [at, at], color=RULE, linewidth=5.0, solid_capstyle="round", zorder=1)
    axes.plot(values, np.full(values.size, at), "|", ms=11, color=SURE, mew=1.2, alpha=0.8)
    worst = rows[int(np.argmax(np.abs(values)))]
    side = "left" if worst.change_in_se >= 0 else "right"
    axes.annotate(
        shorten(worst.prompt, 24), (worst.change_in_se, at), xytext=(4 if side == "left" else -4, 7),
        textcoords="offset points", ha=side, fontsize=7, color=MUTED,
    )  # fmt: skip

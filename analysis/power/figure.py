"""The power curve as a picture: power of each contrast over raters or prompts, cost on the axis above."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from analysis.power.records import PowerCurve, Price
from analysis.power.trials import PowerError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, RULE = "#1f2933", "#66717d", "#d5dae0"
COLOURS: Final = ("#0b6e99", "#b4540a", "#3f7d20", "#7a4aa3", "#a3293b", "#4b5563")
STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "svg.hashsalt": "power",
    "svg.fonttype": "path",
    "text.color": INK,
}
TARGET: Final = 0.8


def power_figure(curves: Sequence[PowerCurve], *, price: Price | None = None) -> Figure:
    """Draw curves of one axis: corrected by Bonferroni as a line, the test alone dashed, 80% as a rule.

    Curves that lie on one another (contrasts of a balanced plan) are drawn once and named together.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not curves or len({curve.axis for curve in curves}) > 1:
        raise PowerError("draw the curves of one axis: raters or prompts")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.9), facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for colour, (label, curve) in zip(COLOURS * len(curves), _apart(curves), strict=False):
            sizes = [getattr(point, curve.axis) for point in curve.points]
            axes.plot(
                sizes, [point.power_bonferroni for point in curve.points], "o-", color=colour, ms=3.5, label=label
            )
            axes.plot(sizes, [point.power for point in curve.points], "--", color=colour, lw=1.0)
        _frame(axes, curves[0], price)
    return figure


def _apart(curves: Sequence[PowerCurve]) -> list[tuple[str, PowerCurve]]:
    """Return one curve of each bundle that cannot be told apart on paper, with the names of all."""
    bundles: list[tuple[list[str], PowerCurve]] = []
    several = len({curve.dimensions for curve in curves}) > 1
    for curve in curves:
        name = f"{curve.first} vs {curve.second}" + (f" ({', '.join(curve.dimensions)})" if several else "")
        for names, drawn in bundles:
            if all(abs(a.power - b.power) < 0.01 for a, b in zip(curve.points, drawn.points, strict=True)):  # noqa: PLR2004
                names.append(name)
                break
        else:
            bundles.append(([name], curve))
    return [
        (names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more", curve) for names, curve in bundles
    ]


def _frame(axes: Axes, curve: PowerCurve, price: Price | None) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    plan = next(point for point in curve.points if point.times == 1.0)
    axes.axhline(TARGET, color=MUTED, lw=0.8)
    axes.axvline(getattr(plan, curve.axis), color=RULE, lw=5.0, zorder=0)
    axes.annotate(
        "this plan", (getattr(plan, curve.axis), 0.0), (4, 4), textcoords="offset points", color=MUTED, fontsize=8
    )
    axes.set_ylim(0.0, 1.02)
    axes.set_xlim(left=0.0)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    fixed = f"{plan.prompts} prompts" if curve.axis == "raters" else f"{plan.raters} raters"
    axes.set_xlabel(f"{curve.axis} (with {fixed})")
    axes.set_ylabel("power")
    axes.grid(visible=True, color=RULE, linewidth=0.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(
        loc="lower right", frameon=False, fontsize=8, title="line: Bonferroni · dashed: alone", title_fontsize=8
    )
    if price is not None and price.hourly > 0.0 and curve.axis == "raters":
        each = price.cost(1.0)

        def spent(raters: Any) -> Any:
            return raters * each

        def bought(cost: Any) -> Any:
            return cost / each

        top = axes.secondary_xaxis("top", functions=(spent, bought))
        top.set_xlabel(f"cost{f' ({price.currency})' if price.currency else ''}", color=MUTED)
        top.xaxis.set_major_locator(MaxNLocator(nbins=6))
        top.tick_params(colors=MUTED)


def power_svg(curves: Sequence[PowerCurve], *, price: Price | None = None) -> str:
    """Return :func:`power_figure` as SVG, the same bytes every time."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        power_figure(curves, price=price).savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()

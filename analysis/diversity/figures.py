"""The figures: outputs of one prompt in the plane, systems against systems, histograms, differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator, PercentFormatter

from analysis.diversity.names import BY_KEY
from analysis.diversity.similarity import EDGES
from analysis.figures.canvas import INK, MUTED, PALETTE, REST, STYLE, SURE, UNSURE, blank, plain, shorten, title
from analysis.wording import number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.diversity.inference import ContrastRow
    from analysis.diversity.result import Diversity, Projection

SHADES: Final = LinearSegmentedColormap.from_list("alike", ["#ffffff", "#9cc8dc", "#0b6e99", "#06374d"])
MARKS: Final = "osD^vP*X<>"
MOST_PRINTED: Final = 12
MOST_LEGEND: Final = 20
MOST_BARS: Final = 24
ACROSS: Final = 3
LETTERS: Final = 22


def colour(at: int) -> tuple[str, str]:
    """Return colour and mark of the system at a place: no two of the first seventy are the same."""
    return PALETTE[at % len(PALETTE)], MARKS[at % len(MARKS)]


def scatter(result: Diversity, shown: Projection) -> Figure:
    """Draw all outputs to one prompt on the first two principal components of their vectors, coloured by system."""
    known, order = result.outputs, result.order
    place = {name: at for at, name in enumerate(known.systems)}
    here = [name for name in order if (known.system[shown.rows] == place[name]).any()]
    columns = 1 + (len(here) - 1) // MOST_LEGEND
    width = 5.6 + 2.1 * columns
    with mpl.rc_context(STYLE):
        figure = blank(width, 4.9)
        axes = plain(figure.add_axes((0.6 / width, 0.12, 4.7 / width, 0.74)), grid="both")
        axes.set_aspect("equal", adjustable="datalim")
        for name in here:
            points = shown.points[known.system[shown.rows] == place[name]]
            shade, mark = colour(order.index(name))
            size = 46 if mark == "*" else 30
            axes.scatter(
                points[:, 0], points[:, 1], s=size, c=shade, marker=mark, alpha=0.8, edgecolors=INK,
                linewidths=0.25, label=_name(name), zorder=3,
            )  # fmt: skip
        axes.set_xlabel(f"first principal component ({percent(shown.share[0])} of the variance)")
        axes.set_ylabel(f"second ({percent(shown.share[1])})")
        axes.tick_params(labelsize=7.5)
        figure.legend(
            loc="upper left", bbox_to_anchor=(5.45 / width, 0.87), frameon=False, fontsize=8.5, ncols=columns,
            handletextpad=0.3, labelcolor=INK, borderaxespad=0.0,
        )  # fmt: skip
        figure.text(0.6 / width, 0.945, "Outputs to one prompt", fontsize=10.5, fontweight="bold", color=INK)
        figure.text(0.6 / width, 0.9, _name(shown.prompt, 84), fontsize=8.5, color=MUTED)
    return figure


def heat_map(result: Diversity) -> Figure | None:
    """Draw the mean similarity of outputs of two systems to the same prompt; None with one system.

    The baseline comes first; more than twelve systems are put in the order of average-linkage clustering, so that
    systems that are alike stand together, and their numbers are left to the table.
    """
    names, count = result.outputs.systems, len(result.outputs.systems)
    if count < 2:  # noqa: PLR2004
        return None
    order = [names.index(name) for name in result.order] if count <= MOST_PRINTED else clustered(result)
    values = result.likeness.between[np.ix_(order, order)]
    labels = [_name(names[at]) for at in order]
    longest = max(map(len, labels))
    cell = 0.62 if count <= MOST_PRINTED else 0.27
    side, left, top = cell * count, 0.35 + 0.075 * longest, 0.65 + 0.052 * longest
    # Room for the title however few the systems.
    width, height = max(left + side + 1.15, 4.9), top + side + 0.35
    low = float(np.nanmin(values)) if np.isfinite(values).any() else 0.0
    with mpl.rc_context(STYLE):
        figure = blank(width, height)
        axes = figure.add_axes((left / width, 0.35 / height, side / width, side / height))
        edges = np.arange(count + 1) - 0.5
        base = min(0.0, low)
        mesh = axes.pcolormesh(
            edges, edges, values, cmap=SHADES, vmin=base, vmax=1.0, edgecolors="white", linewidth=0.8
        )
        axes.set_ylim(count - 0.5, -0.5)
        plain(axes)
        size = 8.5 if count <= MOST_PRINTED else 7.0
        axes.set_xticks(range(count), labels, rotation=40, ha="left", rotation_mode="anchor", fontsize=size)
        axes.set_yticks(range(count), labels, fontsize=size)
        axes.tick_params(axis="x", top=False, labeltop=True, labelbottom=False, pad=1)
        if count <= MOST_PRINTED:
            _print_cells(axes, values, base=base)
        bar = figure.add_axes(((left + side + 0.25) / width, 0.35 / height, 0.14 / width, min(side, 2.6) / height))
        figure.colorbar(mesh, cax=bar)
        bar.tick_params(labelsize=7.5, length=0)
        bar.spines[:].set_visible(False)
        figure.text(
            0.12 / width, 1.0 - 0.24 / height, "Mean similarity between systems", fontsize=10.5, fontweight="bold"
        )
    return figure


def _print_cells(axes: Axes, values: np.ndarray[tuple[int, int], np.dtype[np.float64]], *, base: float) -> None:
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            dark = value > base + 0.55 * (1.0 - base)
            weight = "bold" if row == column else "normal"
            shown = "white" if dark else INK
            axes.text(
                column, row, number(value), ha="center", va="center", fontsize=8.5, color=shown, fontweight=weight
            )


def clustered(result: Diversity) -> list[int]:
    """Return the systems in the order of average-linkage clustering on 1 − similarity."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    apart = np.clip(1.0 - np.nan_to_num(result.likeness.between, nan=0.0), 0.0, 2.0)
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform(apart, checks=False), method="average", optimal_ordering=True)
    return [int(at) for at in leaves_list(tree)]


def histograms(result: Diversity) -> Figure | None:
    """Draw, per system, how alike two of its outputs to the same prompt are; None without pairs."""
    counts = result.likeness.histogram
    order = [name for name in result.order if counts[result.outputs.systems.index(name)].any()][:MOST_BARS]
    if not order:
        return None
    across = min(ACROSS, len(order))
    down = -(-len(order) // across)
    used = np.flatnonzero(counts.sum(axis=0))
    low = min(0.0, np.floor(EDGES[used[0]] * 10) / 10)
    width, height = 3.05 * across + 0.35, 1.75 * down + 0.55
    top = max(float(_shares(result, name).max()) for name in order)
    with mpl.rc_context(STYLE):
        figure = blank(width, height)
        for at, name in enumerate(order):
            column, row = at % across, at // across
            box = ((0.55 + 3.05 * column) / width, (height - 1.75 * row - 1.85) / height, 2.5 / width, 1.15 / height)
            axes = plain(figure.add_axes(box), grid="y")
            _panel(axes, result, name, limits=(low, 1.0, top * 1.08))
            axes.tick_params(labelbottom=True, labelleft=column == 0)
        text = "How alike two outputs of one system to the same prompt are"
        figure.text(0.12 / width, 1.0 - 0.24 / height, text, fontsize=10.5, fontweight="bold", color=INK)
        figure.text(0.12 / width, 0.1 / height, "cosine similarity; share of pairs", fontsize=8.5, color=MUTED)
    return figure


def _shares(result: Diversity, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    counts = result.likeness.histogram[result.outputs.systems.index(name)]
    # Two bins in one: 0.04 wide is enough for the eye.
    return np.asarray(counts.reshape(-1, 2).sum(axis=1) / max(counts.sum(), 1), dtype=np.float64)


def _panel(axes: Axes, result: Diversity, name: str, *, limits: tuple[float, float, float]) -> None:
    shares, threshold = _shares(result, name), result.settings.threshold
    edges = EDGES[::2]
    beyond = edges[:-1] >= threshold - 1e-9
    shades = [PALETTE[5] if above else (UNSURE if name == result.settings.baseline else SURE) for above in beyond]
    axes.bar(edges[:-1], shares, width=np.diff(edges), align="edge", color=shades, edgecolor="white", linewidth=0.3)
    axes.axvline(threshold, color=PALETTE[5], linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set_xlim(limits[0], limits[1])
    axes.set_ylim(0.0, limits[2])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
    axes.tick_params(labelsize=7.5, pad=3)
    title(axes, _name(name), size=9.0)
    found = next((row for row in result.systems if (row.system, row.measure) == (name, "share_above")), None)
    if found is not None:
        text = f"{percent(found.mean)} above {threshold:g}"
        axes.text(0.99, 1.06, text, transform=axes.transAxes, fontsize=7.5, color=MUTED, ha="right")


def differences(result: Diversity) -> Figure | None:
    """Draw each measure's difference from the baseline with its interval, a panel per measure; None without any.

    Filled: the corrected p is below the level. The arrow says where more diversity lies.
    """
    keys = [key for key in result.values if BY_KEY[key].family]
    rows = [row for row in result.contrasts if row.measure in keys]
    pairs = list(dict.fromkeys((row.first, row.second) for row in rows))
    if not rows or len(pairs) > MOST_BARS:
        return None
    across = min(ACROSS, len(keys))
    down = -(-len(keys) // across)
    names = [pair[0] if result.settings.baseline else f"{pair[0]} − {pair[1]}" for pair in pairs]
    margin = 0.3 + 0.072 * max(len(_name(name, 2 * LETTERS)) for name in names)
    tall = 0.24 * len(pairs) + 0.2
    width, height = margin + 2.75 * across + 0.2, (tall + 0.85) * down + 0.55
    with mpl.rc_context(STYLE):
        figure = blank(width, height)
        for at, key in enumerate(keys):
            column, row = at % across, at // across
            bottom = height - 0.75 - row * (tall + 0.85) - tall
            box = ((margin + 2.75 * column) / width, bottom / height, 2.4 / width, tall / height)
            axes = plain(figure.add_axes(box), grid="x")
            _dots(axes, [one for one in rows if one.measure == key], level=1.0 - result.settings.confidence)
            axes.set_yticks(range(len(names)), [_name(name, 2 * LETTERS) for name in names] if not column else [])
            side = BY_KEY[key].collapse
            title(axes, BY_KEY[key].label, size=9.0)
            arrow = "← more diverse" if side > 0 else "more diverse →"
            axes.set_xlabel(arrow, fontsize=7, color=MUTED, loc="left" if side > 0 else "right", labelpad=1)
        against = f"minus {result.settings.baseline}" if result.settings.baseline else "first minus second"
        head = f"Differences in diversity, {_name(against, 40)}"
        figure.text(0.12 / width, 1.0 - 0.24 / height, head, fontsize=10.5, fontweight="bold", color=INK)
        note = f"Means over prompts with {percent(result.settings.confidence).replace('.0%', '%')} intervals."
        level = f"{1.0 - result.settings.confidence:.3g}".replace("0.", ".")
        figure.text(0.12 / width, 0.1 / height, f"{note} Filled: p (Holm) below {level}.", fontsize=7.5, color=MUTED)
    return figure


def _dots(axes: Axes, rows: list[ContrastRow], *, level: float) -> None:
    axes.axvline(0.0, color=INK, linewidth=0.9, zorder=1)
    for at, row in enumerate(rows):
        sure = row.p_holm < level
        shade = SURE if sure else UNSURE
        if np.isfinite(row.low):
            axes.plot([row.low, row.high], [at, at], color=shade, linewidth=1.8, solid_capstyle="round", zorder=2)
        if np.isfinite(row.difference):
            fill = shade if sure else "white"
            axes.plot([row.difference], [at], "o", markersize=5.5, color=shade, markerfacecolor=fill, zorder=3)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10], min_n_ticks=3))
    axes.tick_params(axis="x", labelsize=7.5)
    axes.tick_params(axis="y", labelcolor=INK)
    low, high = axes.get_xlim()
    reach = 0.04 * (high - low)
    axes.set_xlim(min(low, -reach), max(high, reach))
    axes.spines["bottom"].set_color(REST)


def _name(words: str, letters: int = LETTERS) -> str:
    """Return a name or prompt on one line, cut short, in which no sign is taken for mathematics."""
    return shorten(" ".join(words.split()), letters).replace("$", r"\$")

"""The figures: what each shows, what it does without data, and the same bytes every time."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.figures import (
    DRAWINGS,
    effect_plots,
    forest_plot,
    influence_plot,
    residual_plots,
    shrunken_dots,
    to_inline,
    to_pdf,
    to_png,
    to_svg,
    variance_bars,
    win_matrix,
)
from analysis.figures.canvas import shorten
from analysis.figures.shrunken import ends
from analysis.results import ShrunkenEstimates, VarianceShare, WinMatrix


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def heads(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_one_panel_per_dimension_with_a_common_axis(result):
    figure = forest_plot(result)

    assert [axes.texts[0].get_text() for axes in figure.axes] == ["originality", "surprise"]
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    assert all(low < 0 < high for low, high in (axes.get_xlim() for axes in figure.axes))


def test_panels_on_other_scales_have_axes_of_their_own(result):
    first, second = result.dimensions
    rows = tuple(
        replace(row, scale="points", estimate=8.0, low=2.0, high=14.0) if row.dimension == "surprise" else row
        for row in result.rows
    )

    figure = forest_plot(replace(result, rows=rows, dimensions=(first, replace(second, scale="points"))))

    limits = [axes.get_xlim() for axes in figure.axes]
    labels = [text.get_text() for text in figure.texts]
    assert limits[1][1] > 14 > limits[0][1]
    assert {"log-odds", "points", "estimate [95% CI]"} <= set(labels)


def test_filled_markers_are_those_that_survive_the_correction(result):
    sure, unsure = (replace(row, p_holm=p) for row, p in zip(result.rows, (0.01, 0.2), strict=False))
    figure = forest_plot(replace(result, rows=(sure, unsure), dimensions=result.dimensions[:1]))

    fills = [line.get_markerfacecolor() for line in figure.axes[0].lines if line.get_marker() == "o"]

    assert [fill == "white" for fill in fills] == [False, True]


def test_declared_correction_decides_what_is_filled(result):
    rows = tuple(replace(row, p_holm=0.01, p_bh=0.9) for row in result.rows)

    figure = forest_plot(replace(result, rows=rows, correction="bh"))

    fills = [line.get_markerfacecolor() for axes in figure.axes for line in axes.lines if line.get_marker() == "o"]
    assert set(fills) == {"white"}
    assert "p (BH)" in [text.get_text() for text in figure.texts]


def test_contrast_without_estimate_keeps_its_line(result):
    lost = replace(result.rows[0], converged=False, low=float("nan"), high=float("nan"), raw_win_rate=1.0)

    figure = forest_plot(replace(result, rows=(lost, *result.rows[1:])))

    assert "no estimate, see the table" in texts(figure)
    assert "raw win rate 100.0%" in texts(figure)


def test_long_names_are_shortened_not_cut_off(result):
    row = replace(result.rows[0], first="a-model-with-a-very-long-name-indeed" * 2)

    figure = forest_plot(replace(result, rows=(row, *result.rows[1:])))

    label = figure.axes[0].texts[1]
    assert label.get_text().endswith("…")
    assert label.get_fontsize() < 9.5
    assert [shorten("abcdef", 6), shorten("abcdef", 5)] == ["abcdef", "abcd…"]


@pytest.fixture
def matrix():
    nan = np.nan
    estimate = np.array([[nan, 0.9, 0.4], [0.1, nan, nan], [0.6, nan, nan]])
    raw = np.array([[nan, 0.85, 0.5], [0.15, nan, nan], [0.5, nan, nan]])
    return WinMatrix(("a", "b", "c"), estimate, estimate, estimate, raw, np.full((3, 3), 1200))


def test_win_matrix_shows_model_raw_and_count(result, matrix):
    dimensions = tuple(replace(item, wins=matrix) for item in result.dimensions)

    figure = win_matrix(replace(result, dimensions=dimensions))

    shown = texts(figure)
    assert heads(figure) == ["originality", "surprise"]
    assert len(shown) == 2 * 2 * 6
    assert shown[:4] == ["90%", "raw 85%\nof 1,200", "40%", "raw 50%\nof 1,200"]
    assert shown.count("–") == shown.count("not compared") == 2 * 2


def test_variance_bars_fill_the_whole_and_keep_colours(result):
    shares = (
        VarianceShare("output", 1.0, 0.25, 0.1, 0.1, 0.4),
        VarianceShare("residual", 3.0, 0.75, 0.1, 0.6, 0.9),
    )
    dimensions = (replace(result.dimensions[0], shares=shares), replace(result.dimensions[1], shares=shares[1:]))

    figure = variance_bars(replace(result, dimensions=dimensions))

    bars = figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == [0.25, 0.75, 0.75]
    assert bars[1].get_facecolor() == bars[2].get_facecolor() != bars[0].get_facecolor()
    assert texts(figure)[:2] == ["25%", "75%"]
    assert {"output", "residual"} <= {text.get_text() for text in figure.texts}


def shrunken(size, spread=1.0):
    estimate = np.linspace(-1, 1, size) * spread
    labels = tuple(f"p{number:02d}" for number in range(size))
    return ShrunkenEstimates(
        "prompt",
        "steered vs baseline",
        labels,
        estimate,
        np.ones(size),
        estimate - 0.5,
        estimate + 0.5,
        np.ones(size, int),
    )


def test_of_many_units_the_two_ends_are_shown():
    assert ends(shrunken(5)) == [4, 3, 2, 1, 0]
    shown = ends(shrunken(30))
    assert len(shown) == 21
    assert (shown[0], shown[10], shown[-1]) == (29, None, 0)


def test_dots_of_units_that_do_not_differ_are_left_out(result):
    first, second = result.dimensions
    dimensions = (
        replace(first, shrunken=(shrunken(30),)),
        replace(second, shrunken=(shrunken(5, spread=0.0),)),
    )

    figure = shrunken_dots(replace(result, dimensions=dimensions), "prompt")

    assert heads(figure) == ["originality\nsteered vs baseline"]
    assert "… 10 more" in [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert shrunken_dots(replace(result, dimensions=dimensions[1:]), "prompt") is None


def test_dots_show_the_first_contrast_of_the_report(result):
    other = replace(shrunken(5), contrast="reference vs baseline")
    dimensions = tuple(replace(item, shrunken=(shrunken(5), other)) for item in result.dimensions)

    figure = shrunken_dots(replace(result, dimensions=dimensions), "prompt")

    assert result.rows[0].contrast == "reference vs baseline"
    assert heads(figure)[0].endswith("reference vs baseline")


def test_diagnostics_are_drawn_per_dimension(examined):
    residuals, effects, influence = residual_plots(examined), effect_plots(examined), influence_plot(examined)

    assert [head for head in heads(residuals) if head] == ["originality", "surprise"]
    assert [head for head in heads(effects) if head] == ["originality", "surprise"]
    labels = [label.get_text() for label in influence.axes[0].get_yticklabels()]
    assert labels[0] == "originality: reference vs baseline"
    assert len(labels) == 4


def test_quantile_plots_keep_the_ends_of_many_points(examined):
    check = examined.checks[0]
    many = replace(check.residuals, residual=np.linspace(-4, 5, 20_000), fitted=np.zeros(20_000))

    figure = residual_plots(replace(examined, checks=(replace(check, residuals=many),)))

    points = figure.axes[1].lines[1].get_ydata()
    assert len(points) < 250
    assert (points.min(), points.max()) == (-4.0, 5.0)
    assert len(figure.axes[0].lines[0].get_ydata()) <= 500


@pytest.mark.parametrize("drawing", [item for item in DRAWINGS if item.name != "forest"], ids=lambda item: item.name)
def test_figure_without_data_is_not_drawn(result, drawing):
    empty = replace(
        result,
        checks=(),
        dimensions=tuple(replace(item, wins=None, shares=(), shrunken=()) for item in result.dimensions),
    )

    assert drawing.draw(empty) is None


@pytest.mark.parametrize("render", [to_svg, to_png, to_pdf])
def test_rendering_twice_gives_the_same_bytes(result, render):
    assert render(forest_plot(result)) == render(forest_plot(result))


def test_inline_figures_share_no_ids():
    svg = '<?xml version="1.0"?><svg><path id="a"/><use xlink:href="#a" clip-path="url(#b)" data-id="x"/></svg>'

    assert to_inline(svg, name="f") == (
        '<svg><path id="f-a"/><use xlink:href="#f-a" clip-path="url(#f-b)" data-id="x"/></svg>'
    )

"""The forest plot: what it shows, and the same bytes every time."""

from dataclasses import replace

import pytest

from analysis.figures import forest_plot, to_png, to_svg


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_one_panel_per_dimension_with_a_common_axis(result):
    figure = forest_plot(result)

    assert [axes.texts[0].get_text() for axes in figure.axes] == ["originality", "surprise"]
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    assert all(low < 0 < high for low, high in (axes.get_xlim() for axes in figure.axes))


def test_filled_markers_are_those_that_survive_the_correction(result):
    sure, unsure = (replace(row, p_holm=p) for row, p in zip(result.rows, (0.01, 0.2), strict=False))
    figure = forest_plot(replace(result, rows=(sure, unsure), dimensions=result.dimensions[:1]))

    fills = [line.get_markerfacecolor() for line in figure.axes[0].lines if line.get_marker() == "o"]

    assert [fill == "white" for fill in fills] == [False, True]


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


@pytest.mark.parametrize("render", [to_svg, to_png])
def test_rendering_twice_gives_the_same_bytes(result, render):
    assert render(forest_plot(result)) == render(forest_plot(result))

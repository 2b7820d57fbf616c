"""Parametric bootstrap: seeded, the same for any number of workers, and in line with theory where there is one."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.inference.bootstrap import bootstrap, bootstrap_test
from analysis.inference.likelihood import NotNestedError
from analysis.modelling import fit


@pytest.fixture(scope="module")
def drawn(cake):
    return fit("angle ~ recipe + (1 | recipe:replicate)", cake).bootstrap(120, seed=3, workers=1)


def test_results_do_not_depend_on_the_number_of_workers(wine_model):
    one = wine_model.bootstrap(24, seed=5, workers=1)
    two = wine_model.bootstrap(24, seed=5, workers=2)

    np.testing.assert_array_equal(one.draws, two.draws)
    assert not np.array_equal(one.draws, wine_model.bootstrap(24, seed=6, workers=1).draws)


def test_spread_of_estimates_is_the_standard_error(drawn):
    fixed = slice(0, 3)

    # 120 refits: standard errors are known to about 7%
    assert drawn.standard_errors()[fixed] == pytest.approx(drawn.se[fixed], rel=0.25)
    assert drawn.names == ("(Intercept)", "recipe[B]", "recipe[C]", "sd(recipe:replicate)", "sd(residual)")
    assert drawn.failures == 0


def test_intervals_are_quantiles_mirrored_or_studentised(drawn):
    percentile, basic, student = (drawn.intervals(kind, confidence=0.9) for kind in ("percentile", "basic", "t"))

    assert percentile == pytest.approx(np.quantile(drawn.draws, [0.05, 0.95], axis=0).T)
    assert basic == pytest.approx(2.0 * drawn.estimate[:, None] - percentile[:, ::-1])
    assert np.isnan(student[3:]).all()
    assert ((student[:3, 0] < drawn.estimate[:3]) & (drawn.estimate[:3] < student[:3, 1])).all()
    with pytest.raises(ValueError, match="choose percentile, basic or t"):
        drawn.intervals("bca")


def test_p_counts_refits_with_a_larger_t(drawn):
    pivots = np.abs((drawn.draws - drawn.estimate) / drawn.draw_se)[:, 1]

    expected = (1 + (pivots >= abs(drawn.estimate[1] / drawn.se[1])).sum()) / 121

    assert drawn.p_values()[1] == pytest.approx(expected)
    assert drawn.p_values()[0] == pytest.approx(1 / 121)
    assert np.isnan(drawn.p_values()[3:]).all()


def test_refits_without_a_maximum_are_counted_not_used(drawn):
    draws = drawn.draws.copy()
    draws[:5] = np.nan

    holed = replace(drawn, draws=draws, failures=5)

    assert holed.sound.shape == (115, 5)
    assert holed.intervals() == pytest.approx(np.quantile(draws[5:], [0.025, 0.975], axis=0).T)


def test_counts_are_drawn_as_counts(cbpp_model):
    found = cbpp_model.bootstrap(30, seed=1, workers=1)

    assert found.failures == 0
    assert found.draws.mean(axis=0)[1:4] == pytest.approx(cbpp_model.fit.estimate[1:4], abs=0.35)


def test_likelihood_ratio_is_referred_to_its_simulated_distribution(cake):
    small = fit("angle ~ recipe + (1 | recipe:replicate)", cake, reml=False)
    large = fit("angle ~ recipe + temp + (1 | recipe:replicate)", cake, reml=False)

    strong = large.bootstrap_test(small, 60, workers=1)

    assert strong.statistic == pytest.approx(large.likelihood_ratio(small).statistic)
    assert strong.p == pytest.approx(1 / 61)
    # one regular parameter: the simulated ratios follow χ²(1), whose mean is 1 (standard error 0.18)
    assert strong.draws.mean() == pytest.approx(1.0, abs=0.6)
    assert strong.failures == 0


def test_ratio_of_a_variance_is_zero_half_of_the_time(cake):
    small = fit("angle ~ recipe + (1 | recipe:replicate)", cake)
    large = fit("angle ~ recipe + (1 | recipe:replicate) + (1 | temperature)", cake)

    found = bootstrap_test((small.specification, small.fit), (large.specification, large.fit), replicates=60, workers=1)

    assert 0.3 < (found.draws < 1e-6).mean() < 0.85
    assert found.p < 0.1


def test_reml_ratios_of_different_fixed_effects_are_refused(cake):
    small, large = (fit(f"angle ~ {x} + (1 | recipe:replicate)", cake) for x in ("1", "recipe"))

    with pytest.raises(NotNestedError, match="reml=False"):
        bootstrap_test((small.specification, small.fit), (large.specification, large.fit), replicates=5)


def test_what_cannot_be_simulated_is_refused(wine, wine_model):
    weighted = fit("rating ~ temp + (1 | judge)", wine, family="cumulative", weights=np.ones(len(wine)))
    failed = replace(
        wine_model.fit, convergence=replace(wine_model.fit.convergence, converged=False, message="no maximum")
    )

    with pytest.raises(ValueError, match="weighted rows cannot be simulated"):
        weighted.bootstrap(5)
    with pytest.raises(ValueError, match="nothing to simulate from: no maximum"):
        bootstrap(wine_model.specification, failed, replicates=5)
    with pytest.raises(ValueError, match="at least one replicate"):
        wine_model.bootstrap(0)


def test_contrasts_can_be_drawn(cake):
    model = fit("angle ~ recipe + (1 | recipe:replicate)", cake)
    contrasts = model.contrasts("recipe", adjust="none")

    found = model.bootstrap(40, seed=3, workers=1, contrasts=contrasts)
    whole = model.bootstrap(40, seed=3, workers=1)

    assert found.names == ("A - B", "A - C", "B - C")
    assert found.estimate == pytest.approx(contrasts.estimate)
    assert found.se == pytest.approx(contrasts.se)
    assert found.draws == pytest.approx(
        np.column_stack([-whole.draws[:, 1], -whole.draws[:, 2], whole.draws[:, 1] - whole.draws[:, 2]])
    )


def test_progress_is_told(wine_model):
    seen = []

    wine_model.bootstrap(12, workers=1, progress=lambda done, total: seen.append((done, total)))

    assert seen == [(k, 12) for k in range(1, 13)]

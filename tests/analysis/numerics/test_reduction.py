"""Fewer columns, the same covariance of the linear predictor, the same modes."""

import numpy as np
import pytest

from analysis.numerics.cumulative import CumulativeLink, symmetric
from analysis.numerics.laplace import LaplaceModel
from analysis.numerics.structure import SignedFactor, build_structure


def pairs(*, raters=6, prompts=5, systems=3, samples=2, rows=80, seed=1):
    """Signed output, prompt:system and rater:system, and a plain rater, on random pairs within prompts."""
    rng = np.random.default_rng(seed)
    rater, prompt = rng.integers(raters, size=rows), rng.integers(prompts, size=rows)
    left = rng.integers(systems, size=rows)
    right = (left + rng.integers(1, systems, size=rows)) % systems
    sample = rng.integers(samples, size=(2, rows))
    cell = [prompt * systems + left, prompt * systems + right]
    taste = tuple(rater * systems + side for side in (left, right))
    outputs = tuple(code * samples + which for code, which in zip(cell, sample, strict=True))
    return (
        SignedFactor("output", outputs, (1.0, -1.0), prompts * systems * samples),
        SignedFactor("prompt:system", tuple(cell), (1.0, -1.0), prompts * systems),
        SignedFactor("rater:system", taste, (1.0, -1.0), raters * systems),
        SignedFactor("rater", (rater,), (1.0,), raters),
    )


def covariance(z, variance):
    dense = z.toarray()
    return (dense * variance) @ dense.T


@pytest.mark.parametrize(("systems", "samples"), [(2, 1), (3, 2), (4, 1), (3, 5)])
@pytest.mark.parametrize("gamma", [(0.7, 0.2, 0.5, 0.9), (0.0, 0.3, 0.4, 0.0), (0.6, 0.0, 0.0, 0.1)])
def test_covariance_of_the_linear_predictor_is_kept(systems, samples, gamma):
    structure = build_structure(pairs(systems=systems, samples=samples), 80)
    reduced, gamma = structure.reduced, np.array(gamma)

    whole = covariance(structure.z, gamma[structure.factor_of])

    assert reduced.size < structure.size
    assert covariance(reduced.z, reduced.loading @ gamma) == pytest.approx(whole, abs=1e-12)
    assert (reduced.z @ reduced.basis).toarray() == pytest.approx(structure.z.toarray(), abs=1e-12)


def test_reduced_effects_are_independent():
    structure = build_structure(pairs(), 80)
    reduced, gamma = structure.reduced, np.array([0.7, 0.2, 0.5, 0.9])

    prior = (reduced.basis.toarray() * gamma[structure.factor_of]) @ reduced.basis.toarray().T

    assert prior == pytest.approx(np.diag(reduced.loading @ gamma), abs=1e-12)


def test_two_systems_leave_one_column_per_rater():
    taste = pairs(systems=2)[2]

    reduced = build_structure((taste,), 80).reduced

    assert reduced.size == 6
    assert np.unique(np.abs(reduced.z.data)) == pytest.approx([np.sqrt(2.0)])


def test_samples_are_added_to_their_cell():
    output, cell, *_ = pairs(systems=3, samples=2, rows=2000)

    reduced = build_structure((output, cell), 2000).reduced

    # of 30 outputs + 15 cells remain 15 differences of samples and, per prompt, 2 contrasts of 3 cells
    assert reduced.size == 15 + 5 * 2
    assert sorted({tuple(row) for row in reduced.loading.tolist()}) == [(1.0, 0.0), (1.0, 2.0)]


def test_correlated_slopes_are_left_alone():
    x = np.array([0.0, 1.0, 2.0, 3.0])
    slopes = SignedFactor("g", (np.array([0, 0, 1, 1]),), (1.0,), 2, slopes=(None, x), slope_names=("1", "x"))

    structure = build_structure((slopes,), 4)

    assert structure.reduced.z.toarray().tolist() == structure.z.toarray().tolist()


def test_effects_met_with_other_signs_are_not_merged():
    output, cell, *_ = pairs()
    other = SignedFactor("prompt:system", cell.codes, (1.0, 1.0), cell.levels)

    reduced = build_structure((output, other), 80).reduced

    assert set(map(tuple, reduced.loading.tolist())) == {(1.0, 0.0), (0.0, 1.0)}


def test_modes_of_the_original_effects_are_those_of_the_unreduced_model():
    factors, rng = pairs(), np.random.default_rng(2)
    structure = build_structure(factors, 80)
    family = CumulativeLink(rng.integers(5, size=80), np.ones(80), symmetric(5))
    model = LaplaceModel(np.ones((80, 1)), structure, family)
    gamma = np.array([0.7, 0.2, 0.5, 0.9])

    found = model.evaluate(np.array([*gamma, 0.1, 0.5, 1.5]))

    # at the mode u = ΛZ'∂l/∂η, whatever the columns
    score = family.terms(found.eta, np.array([0.5, 1.5])).score
    expected = np.sqrt(gamma)[structure.factor_of] * (structure.z_transposed @ score)
    assert found.mode == pytest.approx(expected, abs=1e-9)
    assert found.eta == pytest.approx(0.1 + structure.z @ (np.sqrt(gamma)[structure.factor_of] * found.mode))

"""Conditional variances of random effects against dense algebra, whatever columns the engine has merged."""

import numpy as np
import pytest

from analysis.numerics.cumulative import CumulativeLink, fixed_at_zero
from analysis.numerics.laplace import LaplaceModel
from analysis.numerics.structure import SignedFactor, build_structure


def crossed(rng, rows):
    return (
        SignedFactor("rater", (rng.integers(9, size=rows),), (1.0,), 9),
        SignedFactor("prompt", (rng.integers(7, size=rows),), (1.0,), 7),
    )


def pairwise(rng, rows):
    """Outputs within prompt × system, both signed, and rater × system: what the engine turns into contrasts."""
    rater, prompt = rng.integers(6, size=rows), rng.integers(5, size=rows)
    left = rng.integers(3, size=rows)
    right = (left + rng.integers(1, 3, size=rows)) % 3
    samples = rng.integers(2, size=(2, rows))
    cells = tuple(prompt * 3 + system for system in (left, right))
    outputs = tuple(cell * 2 + sample for cell, sample in zip(cells, samples, strict=True))
    return (
        SignedFactor("output", outputs, (1.0, -1.0), 30),
        SignedFactor("prompt:system", cells, (1.0, -1.0), 15),
        SignedFactor("rater:system", (rater * 3 + left, rater * 3 + right), (1.0, -1.0), 18),
    )


def sparse_pairs(rng, rows):
    """A chain of comparisons, so that some contrasts of one rater never meet in a row."""
    rater, step = rng.integers(3, size=rows), rng.integers(4, size=rows)
    return (SignedFactor("rater:system", (rater * 5 + step, rater * 5 + step + 1), (1.0, -1.0), 15),)


@pytest.mark.parametrize("design", [crossed, pairwise, sparse_pairs])
@pytest.mark.parametrize("zero", [False, True])
def test_conditional_variances_equal_dense_algebra(design, zero):
    rng = np.random.default_rng(5)
    rows = 140
    factors = design(rng, rows)
    structure = build_structure(factors, rows)
    family = CumulativeLink(rng.integers(2, size=rows), np.ones(rows), fixed_at_zero(), "probit")
    model = LaplaceModel(np.ones((rows, 1)), structure, family)
    theta = np.array([0.8, 0.5, 1.1])[: len(factors)]
    if zero:
        theta[-1] = 0.0
    parameter = np.concatenate([theta**2, [0.2]])

    at = model.evaluate(parameter)
    found = model.conditional_variances(parameter, at)

    scaled = structure.z.toarray() * theta[structure.factor_of]
    weight = family.core(at.eta, np.zeros(0))[2]
    inverse = np.linalg.inv(np.eye(structure.size) + scaled.T @ (weight[:, None] * scaled))
    assert found == pytest.approx(theta[structure.factor_of] ** 2 * np.diag(inverse), rel=1e-9, abs=1e-12)


def test_level_without_rows_keeps_its_prior_spread():
    rng = np.random.default_rng(2)
    factor = SignedFactor("rater", (rng.integers(4, size=40),), (1.0,), 6)
    family = CumulativeLink(rng.integers(2, size=40), np.ones(40), fixed_at_zero())
    model = LaplaceModel(np.ones((40, 1)), build_structure((factor,), 40), family)
    parameter = np.array([0.49, 0.0])

    found = model.conditional_variances(parameter, model.evaluate(parameter))

    assert found[4:] == pytest.approx(0.49)
    assert (found[:4] < 0.49).all()

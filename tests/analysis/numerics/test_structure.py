"""Memberships, the pattern of Z'WZ, and the blocked factorisation, against dense algebra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.numerics.block_kernels import SMALL
from analysis.numerics.cholesky import Factorised, build_layout
from analysis.numerics.structure import SignedFactor, build_structure


def random_design(seed, *, raters=12, prompts=7, samples=2, rows=90):
    rng = np.random.default_rng(seed)
    rater, prompt = rng.integers(raters, size=rows), rng.integers(prompts, size=rows)
    left = rng.integers(3, size=rows)
    right = (left + rng.integers(1, 3, size=rows)) % 3
    sample = rng.integers(samples, size=(2, rows))
    outputs = [((prompt * 3 + system) * samples + which) for system, which in zip((left, right), sample, strict=True)]
    factors = (
        SignedFactor("output", tuple(outputs), (1.0, -1.0), prompts * 3 * samples),
        SignedFactor("prompt:system", (prompt * 3 + left, prompt * 3 + right), (1.0, -1.0), prompts * 3),
        SignedFactor("rater:system", (rater * 3 + left, rater * 3 + right), (1.0, -1.0), raters * 3),
        SignedFactor("rater", (rater,), (1.0,), raters),
    )
    return factors, rng.uniform(0.05, 0.3, rows), rng.uniform(0.2, 1.5, sum(f.levels for f in factors))


def dense(structure, weight, scale):
    z = structure.z.toarray() * scale
    return np.eye(structure.size) + z.T @ (weight[:, None] * z)


def pattern_values(structure, weight, scale):
    values = (structure.products @ weight) * scale[structure.row] * scale[structure.column]
    return values + (structure.row == structure.column)


def test_memberships_of_a_pair_cancel_within_one_level():
    same = SignedFactor("prompt:system", (np.array([0, 1]), np.array([0, 2])), (1.0, -1.0), 3)

    structure = build_structure((same,), 2)

    assert structure.z.toarray().tolist() == [[0.0, 0.0, 0.0], [0.0, 1.0, -1.0]]


def test_rows_without_membership_are_left_out():
    factor = SignedFactor("rater", (np.array([0, -1, 1]),), (1.0,), 2)

    structure = build_structure((factor,), 3)

    assert structure.z.toarray().tolist() == [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]


def test_no_random_effects_is_a_structure_too():
    structure = build_structure((), 4)

    factor = Factorised(build_layout(structure), np.zeros(0))

    assert structure.size == 0
    assert factor.log_determinant == 0.0


@pytest.mark.parametrize("force", ["dense", "chosen", "all"])
def test_factorisation_equals_dense_algebra(force, monkeypatch):
    overhead = {"dense": 1e12, "chosen": 1.0, "all": 0.0}[force]
    monkeypatch.setattr("analysis.numerics.elimination.BLOCK_OVERHEAD", overhead)
    factors, weight, scale = random_design(5)
    structure = build_structure(factors if force != "all" else factors[2:3], weight.size)
    scale = scale[: structure.size]

    values = pattern_values(structure, weight, scale)
    factor = Factorised(build_layout(structure), values)

    whole = dense(structure, weight, scale)
    inverse = np.linalg.inv(whole)
    right = np.random.default_rng(1).normal(size=(structure.size, 2))
    assert bool(structure.blocks) is (force != "dense")
    assert values == pytest.approx(whole[structure.row, structure.column])
    assert factor.log_determinant == pytest.approx(np.linalg.slogdet(whole)[1], rel=1e-12)
    assert factor.solve(right) == pytest.approx(inverse @ right, rel=1e-9, abs=1e-11)
    assert factor.solve(right[:, 0]) == pytest.approx(inverse @ right[:, 0], rel=1e-9, abs=1e-11)
    assert factor.inverse_on_pattern(values.size) == pytest.approx(
        inverse[structure.row, structure.column], rel=1e-9, abs=1e-11
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), raters=st.integers(2, 30), prompts=st.integers(2, 12), rows=st.integers(5, 120))
def test_any_design_is_factored_exactly(seed, raters, prompts, rows):
    factors, weight, scale = random_design(seed, raters=raters, prompts=prompts, rows=rows)
    structure = build_structure(factors, weight.size)

    factor = Factorised(build_layout(structure), pattern_values(structure, weight, scale))

    whole = dense(structure, weight, scale)
    right = np.ones(structure.size)
    assert factor.log_determinant == pytest.approx(np.linalg.slogdet(whole)[1], rel=1e-10)
    assert whole @ factor.solve(right) == pytest.approx(right, abs=1e-9)


def test_elimination_prefers_the_side_with_small_blocks():
    factors, weight, _ = random_design(6, raters=200, prompts=6, rows=600)

    structure = build_structure(factors, weight.size)

    gone = {factors[k].name for k in np.unique(structure.factor_of[structure.eliminated])}
    assert gone == {"rater:system", "rater"}
    assert len(structure.blocks) >= 180


def test_indefinite_matrix_is_refused():
    factors, weight, scale = random_design(7)
    structure = build_structure(factors, weight.size)

    with pytest.raises(np.linalg.LinAlgError):
        Factorised(build_layout(structure), pattern_values(structure, -50.0 * weight, scale))


def test_correlated_slopes_fill_the_square_of_each_level_and_its_neighbours():
    x = np.array([0.0, 2.0, 3.0, 0.0])
    slope = SignedFactor("g", (np.array([0, 0, 1, 1]),), (1.0,), 3, slopes=(None, x), slope_names=("(Intercept)", "x"))
    other = SignedFactor("h", (np.array([0, 1, 0, 0]),), (1.0,), 2)

    structure = build_structure((slope, other), 4)

    z = structure.z.toarray()
    assert z.tolist() == [
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        [1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
        [0.0, 0.0, 1.0, 3.0, 0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    ]
    held = set(zip(structure.row.tolist(), structure.column.tolist(), strict=True))
    assert {(1, 0), (3, 2), (5, 4), (6, 0), (6, 1), (7, 0), (7, 1), (6, 2), (6, 3)} < held
    weight = np.array([0.5, 1.0, 2.0, 3.0])
    whole = z.T @ (weight[:, None] * z)
    assert structure.products @ weight == pytest.approx(whole[structure.row, structure.column], abs=1e-14)
    assert structure.factor_of.tolist() == [0] * 6 + [1] * 2


@pytest.mark.parametrize("full", [0.0, 1e9])
@pytest.mark.parametrize(("prompts", "samples"), [(6, 1), (3, 6)])
def test_small_and_large_blocks_are_eliminated_by_loops_and_by_matrix_products(full, prompts, samples, monkeypatch):
    monkeypatch.setattr("analysis.numerics.cholesky.FULL", full)
    factors, weight, scale = random_design(8, raters=25, prompts=prompts, samples=samples, rows=300)
    structure = build_structure(factors, weight.size)
    structure.__dict__["eliminated"] = structure.factor_of < 2  # the prompts' blocks: 6 or 21 columns each
    scale = scale[: structure.size]

    values = pattern_values(structure, weight, scale)
    factor = Factorised(build_layout(structure), values)

    whole = dense(structure, weight, scale)
    inverse = np.linalg.inv(whole)
    right = np.random.default_rng(1).normal(size=(structure.size, 3))
    assert factor.layout.full is (full > 0.0)
    assert bool(np.diff(factor.layout.own).max() > SMALL) is (samples > 1)
    assert factor.log_determinant == pytest.approx(np.linalg.slogdet(whole)[1], rel=1e-12)
    assert factor.solve(right) == pytest.approx(inverse @ right, rel=1e-9, abs=1e-11)
    assert factor.solve(right[:, 0]) == pytest.approx(inverse @ right[:, 0], rel=1e-9, abs=1e-11)
    assert factor.inverse_on_pattern(values.size) == pytest.approx(
        inverse[structure.row, structure.column], rel=1e-9, abs=1e-11
    )

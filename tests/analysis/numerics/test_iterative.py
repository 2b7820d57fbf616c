"""The iterative factor and its probes against plain dense linear algebra."""

from dataclasses import dataclass

import numpy as np
import pytest

from analysis.numerics import partition as partition_module
from analysis.numerics.iterative import IterativeFactor
from analysis.numerics.partition import build_partition
from analysis.numerics.probes import Probes, Traces, draw_probes
from analysis.numerics.structure import SignedFactor, build_structure


def pairs_of(rng, *, raters=30, prompts=12, per=6):
    """Signed outputs, prompt × system and rater × system; a rater meets some prompts twice."""
    rater = np.repeat(np.arange(raters), per)
    prompt = rng.integers(prompts, size=rater.size)
    a = rng.integers(3, size=rater.size)
    b = (a + rng.integers(1, 3, size=rater.size)) % 3
    one, two = prompt * 3 + a, prompt * 3 + b
    sample = rng.integers(2, size=(2, rater.size))
    return (
        SignedFactor("output", (one * 2 + sample[0], two * 2 + sample[1]), (1.0, -1.0), prompts * 6),
        SignedFactor("prompt:system", (one, two), (1.0, -1.0), prompts * 3),
        SignedFactor("rater:system", (rater * 3 + a, rater * 3 + b), (1.0, -1.0), raters * 3),
    )


def intercepts_of(rng, *, rows=200):
    """Crossed intercepts of three factors, one of which some rows do not belong to."""
    booklet = rng.integers(5, size=rows)
    return (
        SignedFactor("rater", (rng.integers(40, size=rows),), (1.0,), 40),
        SignedFactor("prompt", (np.where(rng.random(rows) < 0.2, -1, rng.integers(25, size=rows)),), (1.0,), 25),
        SignedFactor("booklet", (booklet,), (1.0,), 5),
    )


def chain_of(rng, *, rows=150):
    """Signed effects that hang together as one piece, beside raters."""
    left = rng.integers(20, size=rows)
    right = (left + rng.integers(1, 20, size=rows)) % 20
    return (
        SignedFactor("item", (left, right), (1.0, -1.0), 20),
        SignedFactor("rater", (rng.integers(30, size=rows),), (1.0,), 30),
    )


DESIGNS = {"pairs": pairs_of, "intercepts": intercepts_of, "chain": chain_of}


@dataclass(frozen=True)
class Case:
    """A factor and the same matrix, dense."""

    factor: IterativeFactor
    rows: np.ndarray
    matrix: np.ndarray


@pytest.fixture(params=DESIGNS)
def case(request, monkeypatch):
    monkeypatch.setattr(partition_module, "BLOCK_LIMIT", 15)
    rng = np.random.default_rng(4)
    factors = DESIGNS[request.param](rng)
    n = factors[0].codes[0].size
    structure = build_structure(factors, n)
    scale = np.array([0.8, 0.5, 0.6][: len(factors)])[structure.factor_of]
    weight = rng.uniform(0.1, 0.5, n)
    rows = structure.z.toarray() * scale
    matrix = np.eye(structure.size) + rows.T @ (weight[:, None] * rows)
    return Case(IterativeFactor(build_partition(structure), scale, weight), rows, matrix)


def test_partition_holds_every_column_once_and_own_blocks_do_not_touch(case):
    own, kept = case.factor.partition.own, case.factor.partition.kept

    assert sorted([*own.columns, *kept.columns]) == list(range(case.matrix.shape[0]))
    assert own.sizes.max() <= 15
    apart = own.block_of[:, None] != own.block_of
    assert not case.matrix[np.ix_(own.columns, own.columns)][apart].any()


def test_solutions_equal_the_dense_ones(case):
    right = np.random.default_rng(0).standard_normal((case.matrix.shape[0], 3))

    found = case.factor.solve(right, 1e-12)

    assert found == pytest.approx(np.linalg.solve(case.matrix, right), abs=1e-10)
    assert case.factor.solve(right[:, 0], 1e-12) == pytest.approx(found[:, 0], abs=1e-10)


def test_what_joins_the_blocks_has_no_diagonal(case):
    kept = case.factor.partition.kept

    excess = case.factor.excess(np.eye(kept.columns.size))

    assert excess == pytest.approx(excess.T, abs=1e-12)
    assert np.abs(excess[kept.block_of[:, None] == kept.block_of]).max() < 1e-12


def test_with_a_whole_basis_instead_of_probes_everything_is_exact(case):
    size = case.factor.partition.kept.columns.size
    inverse = np.linalg.inv(case.matrix)

    traces = Traces(case.factor, Probes(np.eye(size), size), 1e-12)

    assert traces.log_determinant == pytest.approx(np.linalg.slogdet(case.matrix)[1], rel=1e-10)
    base, parts = traces.leverages()
    assert base + parts.sum(axis=1) == pytest.approx(np.einsum("ij,jk,ik->i", case.rows, inverse, case.rows), abs=1e-9)
    base, parts = traces.inverse_diagonal()
    assert base + parts.sum(axis=1) == pytest.approx(np.diag(inverse), abs=1e-9)


def test_probes_are_right_within_their_error(case):
    truth = np.linalg.slogdet(case.matrix)[1]
    blocks = abs(case.factor.log_determinant - truth)

    found = [Traces(case.factor, draw_probes(case.factor, seed=seed, count=16)) for seed in range(20)]

    values = np.array([traces.log_determinant for traces in found])
    errors = np.array([traces.log_determinant_error for traces in found])
    # 20 draws: the mean lies within 4 of its standard errors; a standard deviation of 20 is good to about 16%, so 50%
    assert values.mean() == pytest.approx(truth, abs=4 * values.std() / np.sqrt(20) + 1e-9)
    assert np.sqrt((errors**2).mean()) == pytest.approx(values.std(), rel=0.5)
    assert values.std() < blocks


def test_designs_without_kept_columns_need_no_probes():
    factor = SignedFactor("rater", (np.arange(60) % 7,), (1.0,), 7)
    structure = build_structure((factor,), 60)
    found = IterativeFactor(build_partition(structure), np.full(7, 0.5), np.full(60, 0.2))

    traces = Traces(found, draw_probes(found))

    assert traces.log_determinant == pytest.approx(np.log(1.0 + 0.25 * 0.2 * np.bincount(np.arange(60) % 7)).sum())
    assert found.solve(np.ones(7)) == pytest.approx(1.0 / (1.0 + 0.05 * np.bincount(np.arange(60) % 7)))


def test_sides_that_never_meet_are_solved_at_once():
    half = np.arange(40) < 20
    factors = (
        SignedFactor("rater", (np.where(half, np.arange(40) % 5, -1),), (1.0,), 5),
        SignedFactor("prompt", (np.where(half, -1, np.arange(40) % 4),), (1.0,), 4),
    )
    structure = build_structure(factors, 40)
    found = IterativeFactor(build_partition(structure), np.full(9, 1.0), np.full(40, 0.5))

    traces = Traces(found, draw_probes(found))

    assert traces.log_determinant == pytest.approx(5 * np.log(3.0) + 4 * np.log(3.5))
    assert traces.log_determinant_error == pytest.approx(0.0, abs=1e-12)


def test_probes_are_the_same_every_time(case):
    one, two = draw_probes(case.factor), draw_probes(case.factor)

    assert np.array_equal(one.vectors, two.vectors)


def test_outlying_directions_are_taken_out_of_the_random_ones(case):
    probes = draw_probes(case.factor, count=5)

    basis, random = probes.vectors[:, : probes.exact], probes.vectors[:, probes.exact :]
    assert basis.T @ basis == pytest.approx(np.eye(probes.exact), abs=1e-12)
    assert basis.T @ random == pytest.approx(np.zeros((probes.exact, 5)), abs=1e-12)

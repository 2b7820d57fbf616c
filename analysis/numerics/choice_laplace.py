"""Random effects in choices from sets: the Laplace deviance with its exact gradient and working information.

As ``numerics.laplace``, but an answer is a whole set of alternatives: η = Xβ + ZΛu, W = blocks n(diag p − pp'). The
pattern of H = I + ΛZ'WZΛ joins all random effects that meet in one set.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from analysis.numerics.choice import ChoiceSets, FloatArray, IntArray
from analysis.numerics.cholesky import Factorised
from analysis.numerics.laplace import Evaluation
from analysis.numerics.pattern import Pattern

MODE_STEPS = 100
MODE_TOLERANCE = 1e-15


@dataclass(frozen=True)
class _Pairs:
    """Every two alternatives of a set with every two of their random effects, and where that entry of H⁻¹ stands."""

    first: IntArray
    second: IntArray
    entry: IntArray
    one: IntArray
    two: IntArray
    value: FloatArray


class ChoiceLaplace:
    """One model of choices; parameters are the variances γ of ``factor_of``'s factors, then β; keeps the last mode."""

    def __init__(self, sets: ChoiceSets, z: sparse.csr_array, factor_of: IntArray) -> None:
        """Bind the fixed part ``sets.design`` (alternatives, p), Z (alternatives, q), and the factor of each column."""
        self.sets, self.z, self.factor_of = sets, sparse.csr_array(z), factor_of
        self.fixed = sets.design
        self.variances = int(factor_of.max(initial=-1)) + 1
        self.mode = np.zeros(factor_of.size)
        self.evaluations = 0
        count = sparse.csr_array(
            (np.ones(z.shape[0]), (sets.set_of, np.arange(z.shape[0]))), shape=(sets.size, z.shape[0])
        )
        touched = sparse.csr_array(count @ abs(self.z))
        touched.data[:] = 1.0
        diagonal = np.arange(factor_of.size, dtype=np.int64)
        self.pattern = Pattern(touched, factor_of, (diagonal, diagonal))
        self._keys = self.pattern.row * factor_of.size + self.pattern.column

    def split(self, parameter: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return standard deviations θ and fixed effects β."""
        return np.sqrt(parameter[: self.variances]), parameter[self.variances :]

    def is_admissible(self, parameter: FloatArray) -> bool:
        """Return True: choices have no thresholds that could be out of order."""
        del parameter
        return True

    def evaluate(self, parameter: FloatArray) -> Evaluation:
        """Return deviance, exact gradient and working information at (γ, β); raises LinAlgError if H breaks down."""
        theta, beta = self.split(parameter)
        self.evaluations += 1
        state, settled = self._find_mode(theta[self.factor_of], np.asarray(self.fixed @ beta))
        deviance = -2.0 * state.log_likelihood + float(state.u @ state.u) + state.factor.log_determinant
        return Evaluation(deviance, state.gradient(), state.information(), mode=state.u, eta=state.eta, settled=settled)

    def conditional_variances(self, parameter: FloatArray, at: Evaluation) -> FloatArray:
        """Return the variances of the random effects given the answers, shape (q,)."""
        theta, _ = self.split(parameter)
        state = _State(self, theta[self.factor_of], at.mode, at.eta)
        return np.asarray(state.scale**2 * state.inverse[self.pattern.diagonal])

    def _find_mode(self, scale: FloatArray, offset: FloatArray) -> tuple[_State, bool]:
        """Newton's method with halving on the concave penalised log-likelihood, from the last mode."""
        here = _State(self, scale, self.mode, offset + self.z @ (scale * self.mode))
        for _ in range(MODE_STEPS):
            slope = scale * here.pull - here.u
            step = here.factor.solve(slope)
            gain, length = float(slope @ step), 1.0
            while True:
                u = here.u + length * step
                there = _State(self, scale, u, offset + self.z @ (scale * u))
                if there.objective >= here.objective - 1e-12 * (1.0 + abs(here.objective)) or length < 1e-6:  # noqa: PLR2004
                    break
                length *= 0.5
            here = there
            if gain < MODE_TOLERANCE * (1.0 + abs(here.objective)) and length == 1.0:
                self.mode = here.u
                return here, True
        self.mode = here.u
        return here, False

    @cached_property
    def pairs(self) -> _Pairs:
        """Return the index of every pair that the derivative of log|H| needs."""
        sets, z = self.sets, self.z
        sizes = np.diff(sets.start)[sets.set_of]
        first = np.repeat(np.arange(sizes.size), sizes)
        second = np.repeat(sets.start[:-1][sets.set_of], sizes)
        second = second + np.arange(first.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        count = np.diff(z.indptr).astype(np.int64)
        both = count[first] * count[second]
        place = np.arange(int(both.sum())) - np.repeat(np.cumsum(both) - both, both)
        pair = np.repeat(np.arange(first.size), both)
        inner = count[second][pair]
        one = z.indptr[first[pair]] + place // np.maximum(inner, 1)
        two = z.indptr[second[pair]] + place % np.maximum(inner, 1)
        i, j = z.indices[one].astype(np.int64), z.indices[two].astype(np.int64)
        entry = np.searchsorted(self._keys, np.maximum(i, j) * self.factor_of.size + np.minimum(i, j))
        return _Pairs(first[pair], second[pair], entry, i, j, z.data[one] * z.data[two])

    def place(self, symmetric: sparse.csr_array) -> FloatArray:
        """Return the values of a symmetric matrix on the lower pattern."""
        lower = sparse.coo_array(sparse.tril(symmetric))
        row, column = lower.coords
        values = np.zeros(self._keys.size)
        np.add.at(values, np.searchsorted(self._keys, row.astype(np.int64) * self.factor_of.size + column), lower.data)
        return values


class _State:
    """All that is known at one parameter and one value of the random effects."""

    def __init__(self, model: ChoiceLaplace, scale: FloatArray, u: FloatArray, eta: FloatArray) -> None:
        self.model, self.scale, self.u, self.eta = model, scale, u, eta
        sets = model.sets
        log_p, self.p = sets.probabilities(eta)
        self.total = sets.total[sets.set_of]
        self.log_likelihood = float(sets.chosen @ log_p)
        self.objective = self.log_likelihood - 0.5 * float(u @ u)
        self.score = sets.chosen - self.total * self.p
        self.pull = np.asarray(model.z.T @ self.score)

    def weigh(self, values: FloatArray) -> FloatArray:
        """Return W v for v of shape (alternatives,) or (alternatives, k)."""
        if values.ndim > 1:
            return np.column_stack([self.weigh(column) for column in values.T]) if values.shape[1] else values
        mean = self.model.sets.sum(self.p * values)[self.model.sets.set_of]
        return np.asarray(self.total * self.p * (values - mean))

    @cached_property
    def factor(self) -> Factorised:
        """Return the factor of H."""
        model, pattern = self.model, self.model.pattern
        centred = ChoiceSets(model.z, model.sets.start, model.sets.chosen, model.sets.origin).centred(self.p)
        gram = model.place(sparse.csr_array(centred.T @ centred.multiply((self.total * self.p)[:, None])))
        values = gram * self.scale[pattern.row] * self.scale[pattern.column]
        values[pattern.diagonal] += 1.0
        return Factorised(pattern.layout, values)

    @cached_property
    def inverse(self) -> FloatArray:
        """Return H⁻¹ on the lower pattern."""
        return np.asarray(self.factor.inverse_on_pattern(self.model.pattern.row.size), dtype=float)

    def gradient(self) -> FloatArray:
        """Return ∂D/∂(γ, β), total: through the mode and the determinant as well."""
        model, scale = self.model, self.scale
        slope = self._determinant_slope()
        reach = self.factor.solve(scale * np.asarray(model.z.T @ slope))
        common = -2.0 * self.score + slope - self.weigh(np.asarray(model.z @ (scale * reach)))
        theta = np.zeros(model.variances)
        theta[model.factor_of] = scale
        column = self.u * np.asarray(model.z.T @ common) + reach * self.pull
        by_theta = np.bincount(model.factor_of, weights=column, minlength=model.variances)
        share = 1.0 - self.inverse[model.pattern.diagonal]
        trace = np.bincount(model.factor_of, weights=share, minlength=model.variances)
        with np.errstate(divide="ignore", invalid="ignore"):
            by_variance = np.where(theta > 0.0, (by_theta + 2.0 * trace / theta) / (2.0 * theta), 0.0)
        return np.concatenate([by_variance, np.asarray(model.fixed.T @ common)])

    def _determinant_slope(self) -> FloatArray:
        """Return ∂log|H|/∂η at fixed Λ: W (diag C − 2 C p) with C = ZΛH⁻¹ΛZ' within each set."""
        pairs, n = self.model.pairs, self.p.size
        value = pairs.value * self.inverse[pairs.entry] * self.scale[pairs.one] * self.scale[pairs.two]
        same = pairs.first == pairs.second
        own = np.bincount(pairs.first[same], weights=value[same], minlength=n)
        average = np.bincount(pairs.first, weights=value * self.p[pairs.second], minlength=n)
        return self.weigh(own - 2.0 * average)

    def information(self) -> FloatArray:
        """Return the expected information of D: average information for γ, working information for β."""
        model, scale, count = self.model, self.scale, self.model.variances
        directions = np.column_stack(
            [np.asarray(model.z @ np.where(model.factor_of == k, self.pull, 0.0)) for k in range(count)]
        )
        left = np.column_stack([directions, model.fixed.toarray()])
        weighed = self.weigh(left)
        projected = scale[:, None] * np.asarray(model.z.T @ weighed)
        whole = left.T @ weighed - projected.T @ self.factor.solve(projected)
        result: FloatArray = np.zeros(whole.shape)
        cross, rest = whole[count:, :count], whole[count:, count:]
        result[:count, :count] = whole[:count, :count] - cross.T @ np.linalg.lstsq(rest, cross)[0]
        result[count:, count:] = 2.0 * rest
        return result

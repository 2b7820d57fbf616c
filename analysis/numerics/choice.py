"""Choices from sets (conditional logit): the likelihood behind Bradley–Terry, Davidson's ties and Plackett–Luce.

In each set one alternative a is chosen with probability e^{η_a} / Σ e^{η}, η = A β. The log-likelihood is concave; a
direction d raises it for ever exactly if no chosen alternative falls behind another of its set along d.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import linalg, optimize, sparse
from scipy.sparse.linalg import splu

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DENSE_UP_TO = 600
"""More parameters than this are solved for by a sparse factorisation: comparisons of many systems are sparse."""
MAX_ITERATIONS = 100
CERTAIN = 1e-6
TOLERANCE = 1e-7
FAR = 60.0


@dataclass(frozen=True)
class ChoiceSets:
    """Alternatives set by set.

    Attributes
    ----------
    design
        A, shape (alternatives, p), sparse.
    start
        Where each set begins, with the end appended, shape (sets + 1,); no set is empty.
    chosen
        How often each alternative was chosen, shape (alternatives,).
    origin
        The number of each set in the data it came from, shape (sets,).
    """

    design: sparse.csr_array
    start: IntArray
    chosen: FloatArray
    origin: IntArray

    @property
    def size(self) -> int:
        """Return the number of sets."""
        return self.start.size - 1

    @cached_property
    def set_of(self) -> IntArray:
        """Return the set of each alternative."""
        return np.repeat(np.arange(self.size, dtype=np.int64), np.diff(self.start))

    @cached_property
    def total(self) -> FloatArray:
        """Return how many choices each set saw."""
        return self.sum(self.chosen)

    def sum(self, values: FloatArray) -> FloatArray:
        """Sum values of alternatives within sets."""
        return np.asarray(np.add.reduceat(values, self.start[:-1]), dtype=float) if self.size else np.zeros(0)

    def probabilities(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return log p and p of each alternative."""
        if not self.size:
            return np.zeros(0), np.zeros(0)
        top = np.maximum.reduceat(eta, self.start[:-1])[self.set_of]
        log_sum = np.log(self.sum(np.exp(eta - top)))[self.set_of]
        log_p = eta - top - log_sum
        return log_p, np.exp(log_p)

    def centred(self, probability: FloatArray) -> sparse.csr_array:
        """Return each alternative's row of A less the mean of its set, shape (alternatives, p)."""
        entries = (probability, (self.set_of, np.arange(self.set_of.size)))
        means = sparse.csr_array(sparse.coo_array(entries, shape=(self.size, self.set_of.size))) @ self.design
        return sparse.csr_array(self.design - means[self.set_of])

    def keep(self, alternatives: npt.NDArray[np.bool_]) -> ChoiceSets:
        """Return the sets without some alternatives; sets left with fewer than two disappear."""
        left = self.sum(alternatives.astype(float))
        good = alternatives & (left[self.set_of] > 1)
        sizes = self.sum(good.astype(float)).astype(np.int64)
        start = np.concatenate([[0], np.cumsum(sizes[sizes > 0])]).astype(np.int64)
        design = sparse.csr_array(self.design[np.flatnonzero(good)])
        return ChoiceSets(design, start, self.chosen[good], self.origin[sizes > 0])

    def columns(self, columns: IntArray) -> ChoiceSets:
        """Return the sets with some columns of A only."""
        return replace(self, design=sparse.csr_array(self.design[:, columns]))

    def advantages(self) -> tuple[sparse.csr_array, IntArray, IntArray]:
        """Return A_chosen − A_other for each chosen alternative and each other one of its set, and which they are."""
        winner = np.flatnonzero(self.chosen > 0)
        sizes = np.diff(self.start)[self.set_of[winner]]
        first = np.repeat(winner, sizes)
        offset = np.arange(first.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        second = self.start[self.set_of[first]] + offset
        different = first != second
        first, second = first[different], second[different]
        return sparse.csr_array(self.design[first] - self.design[second]), first, second


@dataclass(frozen=True)
class ChoiceFit:
    """The maximum, or how far the search came: parameter (p,), gradient, −Hessian, and probabilities."""

    parameter: FloatArray
    log_likelihood: float
    gradient: FloatArray
    curvature: sparse.csr_array
    probability: FloatArray
    iterations: int
    finite: bool

    def solve(self, right: FloatArray) -> FloatArray:
        """Solve with the curvature; raises LinAlgError if it is singular."""
        return solve_curvature(self.curvature, right)

    @cached_property
    def covariance(self) -> FloatArray:
        """Return the inverse of the curvature, (p, p), dense; raises LinAlgError if it is singular."""
        if not self.parameter.size:
            return np.zeros((0, 0))
        factor = linalg.cholesky(self.curvature.toarray(order="F"), lower=True, overwrite_a=True, check_finite=False)
        inverse, info = linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
        if info:
            raise linalg.LinAlgError("singular curvature")
        return np.asarray(np.tril(inverse) + np.tril(inverse, -1).T)


def solve_curvature(curvature: sparse.csr_array, right: FloatArray) -> FloatArray:
    """Solve a positive definite system, dense if small; raises LinAlgError if it is singular."""
    if curvature.shape[0] <= DENSE_UP_TO:
        return np.asarray(linalg.cho_solve(linalg.cho_factor(curvature.toarray(), lower=True), right))
    try:
        factor = splu(curvature.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    except RuntimeError as error:
        raise linalg.LinAlgError(str(error)) from error
    return np.asarray(factor.solve(right))


def fit_choice(
    sets: ChoiceSets,
    *,
    start: FloatArray | None = None,
    penalty: FloatArray | None = None,
    bias_reduction: bool = False,
) -> ChoiceFit:
    """Maximise the likelihood by Newton's method with halving.

    Parameters
    ----------
    start
        First guess (p,), zero by default.
    penalty
        Precision of a normal prior with mean zero on each parameter, (p,).
    bias_reduction
        Firth's (1993) correction, for sets of two alternatives: half the leverage of a set is added to both.

    Notes
    -----
    It does not raise where no finite maximum exists: ``finite`` is then False (see :func:`is_finite`).
    """
    p = sets.design.shape[1]
    target = _Target(sets, np.zeros(p) if penalty is None else penalty, bias_reduction=bias_reduction)
    here = target.at(np.zeros(p) if start is None else start)
    for iteration in range(1, MAX_ITERATIONS + 1):
        try:
            step = here.solve(here.gradient) if p else np.zeros(0)
        except linalg.LinAlgError:
            return replace(here, iterations=iteration, finite=False)
        gain = float(step @ here.gradient)
        there = target.search(here, step)
        if there is None:
            return replace(here, iterations=iteration, finite=gain < CERTAIN * (1.0 + abs(here.log_likelihood)))
        here = there
        spread = float(np.abs(sets.design @ here.parameter).max(initial=0.0))
        if gain < 1e-20 * (1.0 + abs(here.log_likelihood)) or spread > FAR:
            return replace(here, iterations=iteration, finite=spread <= FAR)
    return replace(here, iterations=MAX_ITERATIONS, finite=False)


@dataclass(frozen=True)
class _Target:
    """What is maximised: the log-likelihood, less a ridge, or with Firth's ½ log|information|."""

    sets: ChoiceSets
    penalty: FloatArray
    bias_reduction: bool

    def at(self, parameter: FloatArray) -> ChoiceFit:
        """Evaluate; raises LinAlgError if bias is to be reduced and the information is singular."""
        sets, penalty = self.sets, self.penalty
        log_p, p = sets.probabilities(np.asarray(sets.design @ parameter))
        total = sets.total[sets.set_of]
        centred = sets.centred(p)
        curvature = centred.T @ centred.multiply((total * p)[:, None])
        found = ChoiceFit(
            parameter,
            float(sets.chosen @ log_p),
            np.asarray(sets.design.T @ (sets.chosen - total * p)) - penalty * parameter,
            sparse.csr_array(curvature + sparse.diags_array(penalty)),
            p,
            iterations=0,
            finite=True,
        )
        return replace(found, gradient=found.gradient + _firth_score(sets, found)) if self.bias_reduction else found

    def value(self, found: ChoiceFit) -> float:
        """Return the target at an evaluated point."""
        value = found.log_likelihood - 0.5 * float(self.penalty @ found.parameter**2)
        if self.bias_reduction:
            value += 0.5 * float(np.linalg.slogdet(found.curvature.toarray())[1])
        return value

    def search(self, here: ChoiceFit, step: FloatArray) -> ChoiceFit | None:
        """Return the first point along the step, halved as often as needed, that gains enough (Armijo's rule)."""
        length, before, slope = 1.0, self.value(here), float(here.gradient @ step)
        if self.bias_reduction:  # the information is not this target's curvature: look for the step's best length
            end = float(self.at(here.parameter + step).gradient @ step)
            length = float(np.clip(slope / (slope - end), 0.1, 2.0)) if slope > end else 1.0
        while length > 1e-4:  # noqa: PLR2004
            there = self.at(here.parameter + length * step)
            if self.value(there) >= before + 0.1 * length * slope - 1e-14 * (1.0 + abs(before)):
                return there
            length *= 0.5
        return None


def _firth_score(sets: ChoiceSets, here: ChoiceFit) -> FloatArray:
    """Return what the penalty ½ log|information| adds to the score where every set has two alternatives."""
    first = sets.start[:-1]
    if (np.diff(sets.start) != 2).any():  # noqa: PLR2004
        raise ValueError("bias reduction is for sets of two: forced choices without modelled ties")
    difference = sparse.csr_array(sets.design[first] - sets.design[first + 1])
    p = here.probability[first]
    inverse = here.covariance
    leverage = sets.total * p * (1.0 - p) * np.asarray((difference @ inverse * difference.toarray()).sum(axis=1))
    return np.asarray(difference.T @ (leverage * (0.5 - p)))


def is_finite(sets: ChoiceSets, found: ChoiceFit) -> bool:
    """Return whether ``found`` proves that the maximum is finite; False proves nothing.

    The advantages of chosen alternatives, each weighted by the probability of the other one, add up to the
    gradient. If that is zero, no direction can raise one advantage and lower none (Stiemke's lemma).
    """
    if not found.finite:
        return False
    advantage, first, second = sets.advantages()
    weight = sets.chosen[first] * found.probability[second]
    gradient = np.asarray(advantage.T @ weight)  # chosen − n p loses probabilities below 1e-16
    return float(np.abs(gradient).sum()) <= CERTAIN * float(weight.min(initial=np.inf))


def find_recession(sets: ChoiceSets) -> FloatArray | None:
    """Return a direction (p,) along which the likelihood rises for ever, or None; by a linear programme."""
    advantage = sets.advantages()[0]
    target = np.asarray(advantage.sum(axis=0)).ravel()
    if not target.size or not advantage.shape[0]:
        return None
    found = optimize.linprog(  # type: ignore[call-overload] # the stubs do not know sparse constraints
        -target, A_ub=-advantage, b_ub=np.zeros(advantage.shape[0]), bounds=[(-1.0, 1.0)] * target.size
    )
    if found.status != 0 or found.x is None or float(target @ found.x) < TOLERANCE:
        return None
    return np.where(np.abs(found.x) < TOLERANCE, 0.0, found.x)


def without_beaten(sets: ChoiceSets, direction: FloatArray) -> ChoiceSets:
    """Return the likelihood's limit along a direction of recession (of the first columns): who falls behind is gone."""
    advantage, _, second = sets.advantages()
    beaten = np.zeros(sets.chosen.size, dtype=bool)
    gain = np.asarray(sparse.csr_array(advantage[:, : direction.size]) @ direction)
    beaten[second[gain > TOLERANCE]] = True
    return sets.keep(~beaten)


def scores_of_sets(sets: ChoiceSets, found: ChoiceFit) -> sparse.csr_array:
    """Return each set's contribution to the gradient, shape (sets, p)."""
    excess = sets.chosen - sets.total[sets.set_of] * found.probability
    entries = (excess, (sets.set_of, np.arange(sets.set_of.size)))
    return sparse.csr_array(sparse.coo_array(entries, shape=(sets.size, sets.set_of.size)) @ sets.design)

"""Parametric bootstrap: simulate from a fitted model, fit again, in parallel; workers never change the numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.inference.likelihood import NotNestedError
from analysis.inference.parametric import simulate
from analysis.inference.profile import parameter_names

if TYPE_CHECKING:
    from analysis.models.specification import Specification
    from analysis.results import Fit, FloatArray

Progress = bool | Callable[[int, int], None]
CHUNK: Final = 10
THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
MANY_FAILURES: Final = 0.05
"""Share of refits without a maximum above which a bootstrap should not be believed."""


@dataclass(frozen=True)
class Bootstrap:
    """Refits to data simulated from a fit.

    Attributes
    ----------
    names, estimate, se
        Fixed effects, then ``sd(…)`` of each spread (or the linear functions asked for): of the original fit, (k,).
    draws, draw_se
        Of the refits, shape (replicates, k); rows of NaN where a refit had no maximum.
    failures
        How many.
    """

    names: tuple[str, ...]
    estimate: FloatArray
    se: FloatArray
    draws: FloatArray
    draw_se: FloatArray
    failures: int
    seed: int

    @cached_property
    def sound(self) -> FloatArray:
        """Return the refits that have a maximum, (·, k)."""
        return np.asarray(self.draws[np.isfinite(self.draws).all(axis=1)])

    def standard_errors(self) -> FloatArray:
        """Return the standard deviation of the refits."""
        return np.asarray(self.sound.std(axis=0, ddof=1))

    def intervals(self, kind: str = "percentile", *, confidence: float = 0.95) -> FloatArray:
        """Return intervals, shape (k, 2).

        ``percentile``: quantiles of the refits; ``basic``: mirrored at the estimate (Davison & Hinkley 1997, 5.2.1);
        ``t``: with each refit's own standard error (5.2.2), NaN for spreads.
        """
        alpha = 1.0 - confidence
        if kind == "t":
            ends = np.full((2, self.estimate.size), np.nan)
            tested = np.isfinite(self.se) & (self.se > 0.0)
            cut = np.nanquantile(self._pivots()[:, tested], [1.0 - alpha / 2.0, alpha / 2.0], axis=0)
            ends[:, tested] = self.estimate[tested] - cut * self.se[tested]
            return ends.T
        ends = np.quantile(self.sound, [alpha / 2.0, 1.0 - alpha / 2.0], axis=0)
        if kind == "basic":
            ends = 2.0 * self.estimate - ends[::-1]
        elif kind != "percentile":
            raise ValueError(f"interval {kind!r} is not known: choose percentile, basic or t")
        return np.asarray(ends.T)

    def p_values(self) -> FloatArray:
        """Return p of each fixed effect by the bootstrap t: share of refits with a larger |t − t̂| (NaN for spreads)."""
        pivots = np.abs(self._pivots())
        with np.errstate(invalid="ignore", divide="ignore"):
            observed = np.abs(self.estimate / self.se)
        known = np.isfinite(pivots)
        count = known.sum(axis=0)
        return np.where(count > 0, (1.0 + (known & (pivots >= observed)).sum(axis=0)) / (1.0 + count), np.nan)

    def _pivots(self) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((self.draws - self.estimate) / self.draw_se)


@dataclass(frozen=True)
class BootstrapTest:
    """A likelihood-ratio test and its simulated distribution under the smaller model, ``draws`` (replicates,)."""

    statistic: float
    p: float
    draws: FloatArray
    failures: int


def bootstrap(
    specification: Specification,
    fit: Fit,
    *,
    replicates: int = 999,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress = False,
    functions: tuple[tuple[str, ...], FloatArray] | None = None,
) -> Bootstrap:
    """Simulate ``replicates`` sets of answers from the fit, new random effects included, and fit each again.

    Parameters
    ----------
    functions
        Names and rows L (k, p) of linear functions of the fixed effects, such as contrasts, to be drawn instead.
    seed
        Each replicate has a generator of its own, spawned from this seed: results do not depend on ``workers``.
    workers
        Processes (started fresh, one thread each); by default one per core, 1 runs in this process.
    progress
        True shows a bar; a function is called with (refits done, replicates).
    """
    _check(specification, fit, replicates)
    matrix = None if functions is None else functions[1]
    found = _run(((specification, fit), None, matrix), replicates, seed=seed, workers=workers, progress=progress)
    draws, errors = np.array([row[0] for row in found]), np.array([row[1] for row in found])
    estimate, se = parameters_of(fit, matrix)
    names = tuple(parameter_names(fit)) if functions is None else functions[0]
    failures = int((~np.isfinite(draws).all(axis=1)).sum())
    return Bootstrap(names, estimate, se, draws, errors, failures, seed)


def bootstrap_test(
    small: tuple[Specification, Fit],
    large: tuple[Specification, Fit],
    *,
    replicates: int = 999,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress = False,
) -> BootstrapTest:
    """Test the smaller of two nested models: simulate from it, fit both, compare likelihood ratios (PBmodcomp's p).

    p = (1 + simulated ratios at least as large) / (1 + refits that have both maxima). No mixture of χ² laws is needed,
    so variances at their boundary, several at once and correlated ones are all served.
    """
    for specification, fit in (small, large):
        _check(specification, fit, replicates)
        if (
            specification.family == "gaussian"
            and specification.reml
            and not np.array_equal(small[0].fixed, large[0].fixed)
        ):
            raise NotNestedError("REML likelihoods of different fixed effects do not compare: fit both with reml=False")
    found = _run((small, large, None), replicates, seed=seed, workers=workers, progress=progress)
    draws = np.array([row[0][0] for row in found])
    statistic = 2.0 * (large[1].log_likelihood - small[1].log_likelihood)
    known = np.isfinite(draws)
    p = (1.0 + int((draws[known] >= statistic).sum())) / (1.0 + int(known.sum()))
    return BootstrapTest(statistic, p, draws, int((~known).sum()))


def parameters_of(fit: Fit, matrix: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """Return fixed effects and standard deviations with standard errors (NaN for the latter), or Lβ with its own."""
    if matrix is not None:
        return matrix @ fit.estimate, np.sqrt(np.einsum("ki,ij,kj->k", matrix, fit.covariance, matrix))
    spreads = [part.sd for part in fit.variances] + ([fit.residual_sd] if np.isfinite(fit.residual_sd) else [])
    error = np.concatenate([np.sqrt(np.diag(fit.covariance)), np.full(len(spreads), np.nan)])
    return np.concatenate([fit.estimate, spreads]), error


def _check(specification: Specification, fit: Fit, replicates: int) -> None:
    if replicates < 1:
        raise ValueError("a bootstrap needs at least one replicate")
    if not fit.convergence.converged or fit.convergence.code == "separation":
        raise ValueError(f"nothing to simulate from: {fit.convergence.message}")
    if specification.family != "gaussian" and specification.weights is not None and specification.trials is None:
        raise ValueError("weighted rows cannot be simulated one by one: give counts as cbind(successes, failures)")


Model = tuple["Specification", "Fit"]
Job = tuple[Model, "Model | None", "FloatArray | None"]
_JOB: list[Job] = []


def _run(
    job: Job, replicates: int, *, seed: int, workers: int | None, progress: Progress
) -> list[tuple[FloatArray, FloatArray]]:
    """Do all replicates in order, in this process or in fresh ones."""
    seeds = np.random.SeedSequence(seed).spawn(replicates)
    chunks = [seeds[k : k + CHUNK] for k in range(0, replicates, CHUNK)]
    workers = min(workers or os.cpu_count() or 1, len(chunks))
    if workers == 1:
        return list(_shown((row for chunk in chunks for row in _replicate(job, chunk)), replicates, progress=progress))
    with (
        _one_thread(),
        ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_receive, initargs=(job,)) as pool,
    ):
        parts = pool.map(_replicate_here, chunks)
        return list(_shown((row for part in parts for row in part), replicates, progress=progress))


def _shown(
    rows: Iterator[tuple[FloatArray, FloatArray]], total: int, *, progress: Progress
) -> Iterator[tuple[FloatArray, FloatArray]]:
    if progress is True:
        from tqdm.auto import tqdm

        rows = iter(tqdm(rows, total=total, desc="bootstrap", unit="fit"))
    for done, row in enumerate(rows, start=1):
        if callable(progress):
            progress(done, total)
        yield row


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let the processes started inside use one thread each: several on small matrices slow one another down."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _receive(job: Job) -> None:
    """Keep the job in a fresh process, sent once."""
    _JOB[:] = [job]


def _replicate_here(seeds: list[np.random.SeedSequence]) -> list[tuple[FloatArray, FloatArray]]:
    return _replicate(_JOB[0], seeds)


def _replicate(job: Job, seeds: list[np.random.SeedSequence]) -> list[tuple[FloatArray, FloatArray]]:
    """Simulate from the first model and refit; a second one asks for the likelihood ratio instead of the parameters."""
    (specification, fit), larger, matrix = job
    rows = []
    for seed in seeds:
        answers = simulate(specification, fit, np.random.default_rng(seed))
        found = specification.with_answers(answers).fit(start=fit, small_sample=False)
        if larger is None:
            rows.append(_parameters_or_nan(found, fit, matrix))
            continue
        other = larger[0].with_answers(answers).fit(start=larger[1], small_sample=False)
        both = found.convergence.converged and other.convergence.converged
        ratio = 2.0 * (other.log_likelihood - found.log_likelihood) if both else np.nan
        rows.append((np.array([ratio]), np.zeros(1)))
    return rows


def _parameters_or_nan(found: Fit, fit: Fit, matrix: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    drawn, error = parameters_of(found, matrix)
    size = parameters_of(fit, matrix)[0].size
    if drawn.size != size or not found.convergence.converged or found.convergence.code == "separation":
        return np.full(size, np.nan), np.full(size, np.nan)
    return drawn, error
